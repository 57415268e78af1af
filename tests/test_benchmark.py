"""The benchmark compares equals: from the same weights and batch all programs have the same losses and gradients."""

import importlib.util
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rich.console import Console

from experiments.benchmarks import static_step, static_step_ours, static_step_work
from experiments.lib import reading
from experiments.lib.errors import UserError

LAYERS = (0, 1)
PARAMETERS = ("w_hat", "m_hat", "g")


@pytest.fixture(scope="module")
def ours():
    """One seed's weights, batch, losses and gradients by the engine.

    With rate 1 and without Adam a step is the gradient; the engine would divide losses by the targets' mean square.
    """
    train = static_step_ours.make_train(optax.identity(), learning_rate=1.0, steps=1)
    state = train.init(jax.random.key(7001))
    first, second = (noise(key, part) for key, part in enumerate(state.training.params))
    params = jax.tree.map(jnp.abs, first), second  # hidden units stay clear of 0, where log's slope magnifies rounding
    state = state._replace(training=state.training._replace(params=params), scale_O=jnp.ones(6))
    key_batch = jax.random.fold_in(state.training.key, 0)
    batch = reading.inside(key_batch, state.task, static_step_work.BATCH)
    after, _ = jax.jit(train.leg)(state)
    x_IN, y_ON = (np.asarray(array) for array in batch[:2])
    gradients = jax.tree.map(lambda before, after: np.asarray(before - after), params, after.training.params)
    losses_O = np.mean((np.asarray(static_step_ours.network().apply(params, x_IN)) - y_ON) ** 2, axis=1)
    return jax.tree.map(np.array, params), np.array(x_IN), np.array(state.task.masks_2I), losses_O, gradients


def noise(seed, tree):
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    return structure.unflatten(
        [0.1 * jax.random.normal(key, leaf.shape) for key, leaf in zip(keys, leaves, strict=True)]
    )


def in_layers(tree):
    """Returns the parameters in the order w_hat, m_hat, g of layer 1, then of layer 2."""
    return [tree[layer]["params"][name] for layer in LAYERS for name in PARAMETERS]


def assert_same(found, expected):
    """Holds every part to 1e-4 of its largest entry: both sides are float32."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_the_plain_loop_does_the_same_work(ours):
    torch = pytest.importorskip("torch")
    from experiments.benchmarks import static_step_torch_plain as plain

    params, x_IN, masks_2I, losses_O, gradients = ours
    x_NI = torch.from_numpy(x_IN.T.copy())
    a_N, b_N = torch.from_numpy(masks_2I @ x_IN)
    for o, operation in enumerate(plain.OPERATIONS):
        model = plain.make_model()
        of_model = list(model.parameters())
        with torch.no_grad():
            for parameter, value in zip(of_model, in_layers(params), strict=True):
                parameter.copy_(torch.from_numpy(value[o]))
        loss = torch.nn.functional.mse_loss(model(x_NI)[:, 0], operation(a_N, b_N))
        loss.backward()
        assert loss.item() == pytest.approx(losses_O[o], rel=1e-4)
        for parameter, gradient in zip(of_model, in_layers(gradients), strict=True):
            assert_same(parameter.grad.numpy(), gradient[o])


def test_the_batched_program_does_the_same_work(ours):
    torch = pytest.importorskip("torch")
    from experiments.benchmarks import static_step_torch_batched as batched

    params, x_IN, masks_2I, losses_O, gradients = ours
    flat = torch.zeros(2, sum(batched.SIZES))  # two seeds, alike

    def as_ours(part, value):
        return value.transpose(0, 2, 1).reshape(part.shape[1:]) if part.ndim == 3 else value

    for part, value in zip(batched.split(flat), in_layers(params), strict=True):
        part.copy_(torch.from_numpy(as_ours(part, value).copy()).expand_as(part))
    x, masks = (torch.from_numpy(array).expand(2, *array.shape).contiguous() for array in (x_IN, masks_2I))
    losses, found = batched.losses_and_gradients(flat, x, masks)
    for seed in range(2):
        np.testing.assert_allclose(losses[seed].numpy(), losses_O, rtol=1e-4)
        for part, gradient in zip(batched.split(found), in_layers(gradients), strict=True):
            by_operation = np.split(part[seed].numpy(), 6), np.split(as_ours(part, gradient), 6)
            for found_o, expected_o in zip(*by_operation, strict=True):
                assert_same(found_o, expected_o)


def test_the_written_adam_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    from experiments.benchmarks import static_step_torch_batched as batched

    torch.manual_seed(0)
    flat, mean, square = torch.rand(2, 5), torch.zeros(2, 5), torch.zeros(2, 5)
    theirs = flat.clone().requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=1e-3)
    for step in range(1, 20):
        theirs.grad = torch.randn(2, 5)
        optimiser.step()
        batched.adam(flat, mean, square, theirs.grad, 1e-3 / (1 - 0.9**step), (1 - 0.999**step) ** -0.5)
    np.testing.assert_allclose(flat.numpy(), theirs.detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize("short", [False, True])
def test_batches_are_uniform_on_the_same_range(short):
    torch = pytest.importorskip("torch")
    from experiments.benchmarks import static_step_torch_batched as batched

    x = torch.empty(4, 100, 128)
    words = torch.empty(x.numel() // 4, dtype=torch.int64)
    torch.manual_seed(0)
    drawn = batched.draw(x, words, short=short).numpy()
    assert 0 <= drawn.min() < 1e-4 and 0.4999 < drawn.max() <= 0.5
    assert drawn.mean() == pytest.approx(0.25, abs=3e-3)
    assert drawn.std() == pytest.approx(0.5 / 12**0.5, abs=3e-3)


def test_the_table_is_told_and_saved(tmp_path, monkeypatch):
    """With made-up rates: ours 120 times the plain loop and 1.5 times the best batched program in every round."""
    rates = {"static_step_torch_plain": 1.0, "static_step_torch_batched": 60.0, "static_step_ours": 120.0}

    def once(name, words):
        rate = rates.get(words[0], 200.0) * (4 / 3 if "short" in words else 1)
        return {"rate": rate, "parts": {"products": 9e-6, "random inputs": 11e-6}}

    monkeypatch.setattr(static_step, "_once", once)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(static_step.shutil, "which", lambda name: name)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")
    static_step.main(rounds=2, console=Console(quiet=True), save=tmp_path / "benchmarks.md")
    text = (tmp_path / "benchmarks.md").read_text()
    assert re.search(r"\| ours \| 120 \[120-120\] \| 120 \| 1.50 \| 60.0% \|", text)
    assert "50 times the plain loop: reached (120 times)" in text
    assert "not reached (1.50 times)" in text and "Aim 2 is beyond it" in text
    assert "products 9.0, random inputs 11.0; together 20.0" in text


def test_what_is_wrong_is_said(monkeypatch):
    with pytest.raises(UserError, match="at least one round"):
        static_step.main(rounds=0, console=Console(quiet=True))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="make bench"):
        static_step.main(rounds=1, console=Console(quiet=True))
