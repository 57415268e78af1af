"""The benchmark of section 4.1: from the same weights and batch all programs have the same losses and gradients."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rich.console import Console

from experiments.benchmarks import measuring
from experiments.benchmarks.static import benchmark, ours, work
from tests.benchmarks.conftest import assert_same, noise

LAYERS = (0, 1)
PARAMETERS = ("w_hat", "m_hat", "g")


@pytest.fixture(scope="module")
def engine(torch):
    """One seed's weights, batch, losses and gradients by the engine.

    With rate 1 and without Adam a step is the gradient; the engine would divide losses by the targets' mean square.
    """
    train = ours.make_train(optax.identity(), learning_rate=1.0, steps=1)
    state = train.init(jax.random.key(7001))
    first, second = (noise(key, part) for key, part in enumerate(state.training.params))
    params = jax.tree.map(jnp.abs, first), second  # hidden units stay clear of 0, where log's slope magnifies rounding
    state = state._replace(training=state.training._replace(params=params), scale_O=jnp.ones(6))
    key_batch = jax.random.fold_in(state.training.key, 0)
    batch = ours.READING.inside(key_batch, state.task, work.BATCH)
    after, _ = jax.jit(train.leg)(state)
    x_IN, y_ON = (np.asarray(array) for array in batch[:2])
    gradients = jax.tree.map(lambda before, after: np.asarray(before - after), params, after.training.params)
    losses_O = np.mean((np.asarray(ours.network().apply(params, x_IN)) - y_ON) ** 2, axis=1)
    return jax.tree.map(np.array, params), np.array(x_IN), np.array(state.task.masks_2I), losses_O, gradients


def in_layers(tree):
    """Returns the parameters in the order w_hat, m_hat, g of layer 1, then of layer 2."""
    return [tree[layer]["params"][name] for layer in LAYERS for name in PARAMETERS]


def test_the_plain_loop_does_the_same_work(torch, engine):
    from experiments.benchmarks.static import torch_plain

    params, x_IN, masks_2I, losses_O, gradients = engine
    x_NI = torch.from_numpy(x_IN.T.copy())
    a_N, b_N = torch.from_numpy(masks_2I @ x_IN)
    for o, operation in enumerate(torch_plain.OPERATIONS):
        model = torch_plain.make_model()
        of_model = list(model.parameters())
        with torch.no_grad():
            for parameter, value in zip(of_model, in_layers(params), strict=True):
                parameter.copy_(torch.from_numpy(value[o]))
        loss = torch.nn.functional.mse_loss(model(x_NI)[:, 0], operation(a_N, b_N))
        loss.backward()
        assert loss.item() == pytest.approx(losses_O[o], rel=1e-4)
        for parameter, gradient in zip(of_model, in_layers(gradients), strict=True):
            assert_same(parameter.grad.numpy(), gradient[o])


def test_the_batched_program_does_the_same_work(torch, engine):
    from experiments.benchmarks.static import torch_batched

    params, x_IN, masks_2I, losses_O, gradients = engine
    flat = torch.zeros(2, sum(torch_batched.SIZES))  # two seeds, alike

    def as_ours(part, value):
        return value.transpose(0, 2, 1).reshape(part.shape[1:]) if part.ndim == 3 else value

    for part, value in zip(torch_batched.split(flat), in_layers(params), strict=True):
        part.copy_(torch.from_numpy(as_ours(part, value).copy()).expand_as(part))
    x, masks = (torch.from_numpy(array).expand(2, *array.shape).contiguous() for array in (x_IN, masks_2I))
    losses, found = torch_batched.losses_and_gradients(flat, x, masks)
    for seed in range(2):
        np.testing.assert_allclose(losses[seed].numpy(), losses_O, rtol=1e-4)
        for part, gradient in zip(torch_batched.split(found), in_layers(gradients), strict=True):
            by_operation = np.split(part[seed].numpy(), 6), np.split(as_ours(part, gradient), 6)
            for found_o, expected_o in zip(*by_operation, strict=True):
                assert_same(found_o, expected_o)


def test_the_written_adam_is_that_of_pytorch(torch):
    from experiments.benchmarks.static import torch_batched

    torch.manual_seed(0)
    flat, mean, square = torch.rand(2, 5), torch.zeros(2, 5), torch.zeros(2, 5)
    theirs = flat.clone().requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=1e-3)
    for step in range(1, 20):
        theirs.grad = torch.randn(2, 5)
        optimiser.step()
        torch_batched.adam(flat, mean, square, theirs.grad, 1e-3 / (1 - 0.9**step), (1 - 0.999**step) ** -0.5)
    np.testing.assert_allclose(flat.numpy(), theirs.detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize("short", [False, True])
def test_batches_are_uniform_on_the_same_range(torch, short):
    from experiments.benchmarks.static import torch_batched

    x = torch.empty(4, 100, 128)
    words = torch.empty(x.numel() // 4, dtype=torch.int64)
    torch.manual_seed(0)
    drawn = torch_batched.draw(x, words, short=short).numpy()
    assert 0 <= drawn.min() < 1e-4 and 0.4999 < drawn.max() <= 0.5
    assert drawn.mean() == pytest.approx(0.25, abs=3e-3)
    assert drawn.std() == pytest.approx(0.5 / 12**0.5, abs=3e-3)


@pytest.mark.usefixtures("everything_installed")
def test_the_table_is_told_and_saved(tmp_path, monkeypatch):
    """With made-up rates: ours 120 times the plain loop and 1.5 times the best batched program in every round."""
    rates = {"torch_plain": 1.0, "torch_batched": 60.0, "ours": 120.0}

    def once(_, name, words):
        rate = rates.get(words[0], 200.0) * (4 / 3 if "short" in words else 1)
        return {"rate": rate, "parts": {"products": 9e-6, "random inputs": 11e-6}}

    monkeypatch.setattr(measuring, "run_once", once)
    benchmark.main(rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks.md").read_text()
    assert re.search(r"\| ours \| 120 \[120-120\] \| 120 \| 1.50 \| 60.0% \|", text)
    assert "50 times the plain loop: reached (120 times)" in text
    assert "not reached (1.50 times)" in text and "Aim 2 is beyond it" in text
    assert "products 9.0, random inputs 11.0; together 20.0" in text
