"""The benchmark of Table 2's network: from the same weights and batch all have the same losses and gradients."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rich.console import Console

from experiments.benchmarks import measuring
from experiments.benchmarks.convnet import benchmark, ours, work
from experiments.lib.networks import convnet
from tests.benchmarks.conftest import assert_same


@pytest.fixture(scope="module")
def convnets(torch):
    """Two seeds' parameters and batches, and by the engine their losses and gradients; all lead with the seed."""
    data = random_digits()
    train = ours.make_train(data, transform=optax.identity(), learning_rate=1.0, steps=1)
    leg, loss = jax.jit(train.leg), jax.jit(functools.partial(ours.loss, convnet.DIGIT_NET))
    seeds = []
    for key in jax.random.split(jax.random.key(7002)):
        state = train.init(key, *data)
        batch = ours.sample(jax.random.fold_in(state.key, 0), *map(jnp.asarray, data))
        after, _ = leg(state, *data)
        params = jax.tree.map(lambda leaf: leaf[0], state.params)
        gradients = jax.tree.map(lambda before, after: before[0] - after[0], state.params, after.params)
        seeds.append((in_torch_order(params), batch, loss(params, batch), in_torch_order(gradients)))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *seeds)


def random_digits():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (500, 28, 28), np.uint8), generator.integers(0, 10, 500, np.int32)


def in_torch_order(layers):
    """Returns kernels and biases as PyTorch lays them out: outputs first, channels before places."""
    kernels = [np.asarray(layer["kernel"]) for layer in layers]
    kernels[2] = kernels[2].reshape(4, 4, 20, 50)
    laid_out = [kernel.transpose(3, 2, 0, 1) for kernel in kernels[:3]] + [kernels[3].T]
    laid_out[2] = laid_out[2].reshape(50, 320)
    biases = [np.asarray(layer["bias"]) for layer in layers]
    return [part for pair in zip(laid_out, biases, strict=True) for part in pair]


@pytest.mark.parametrize("tuned", [False, True])
def test_the_convnet_of_pytorch_does_the_same_work(torch, convnets, tuned):
    from experiments.benchmarks.convnet import torch_loop

    params, (images, labels), losses, gradients = convnets
    net = torch_loop.Net()
    net = net.to(memory_format=torch.channels_last) if tuned else net
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), params, strict=True):
            parameter.copy_(torch.from_numpy(value[1]))
    reverse = torch.arange(work.BATCH).flip(0)
    found = torch_loop.loss(net, torch.from_numpy(images[1]), torch.from_numpy(labels[1]).long(), reverse)
    found.backward()
    assert found.item() == pytest.approx(losses[1], rel=1e-4)
    for parameter, gradient in zip(net.parameters(), gradients, strict=True):
        assert_same(parameter.grad.numpy(), gradient[1])


def test_the_convnets_of_pytorch_at_once_do_the_same_work(torch, convnets):
    from experiments.benchmarks.convnet import torch_vmap

    params, (images, labels), losses, gradients = convnets
    names = [name for name, _ in torch_vmap.NET.named_parameters()]
    stacked = dict(zip(names, map(torch.from_numpy, params), strict=True))
    batches = torch.from_numpy(images), torch.from_numpy(labels).long()
    found, losses_found = torch_vmap.gradients_and_losses(stacked, *batches)
    np.testing.assert_allclose(losses_found.numpy(), losses, rtol=1e-4)
    for name, gradient in zip(names, gradients, strict=True):
        for seed in range(2):
            assert_same(found[name][seed].numpy(), gradient[seed])


def test_the_convolution_of_xla_does_the_same_work(compiled_in_haste):
    """Its program trains from the same keys, so the parameters after some steps are the same."""
    data = random_digits()

    def trained(net):
        train = ours.make_train(data, net, optax.identity(), learning_rate=1e-2, steps=2)
        once = jax.jit(lambda key, *data: train.leg(train.init(key, *data), *data)[0].params)
        return once(jax.random.key(7003), *data)

    both = (jax.tree.leaves(trained(net)) for net in (ours.WITHOUT_TILES, convnet.DIGIT_NET))
    for found, expected in zip(*both, strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize("fused", [False, True])
def test_the_adam_of_both_convnets_is_the_same(torch, fused):
    start = np.linspace(-1, 1, 5, dtype=np.float32)
    theirs = torch.from_numpy(start.copy()).requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=work.LEARNING_RATE, fused=fused)
    scale = optax.scale_by_adam()
    params, state = start, scale.init(start)
    for gradient in np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32):
        theirs.grad = torch.from_numpy(gradient)
        optimiser.step()
        update, state = scale.update(gradient, state)
        params = params - work.LEARNING_RATE * update
    np.testing.assert_allclose(theirs.detach().numpy(), params, rtol=1e-5)


def test_the_convnets_of_pytorch_count_their_images(torch):
    from experiments.benchmarks.convnet import torch_loop, torch_vmap

    assert torch_loop.runner(tuned=True, seeds=2, steps=1)() == 160
    assert torch_vmap.runner(seeds=2, steps=1)() == 160


@pytest.mark.usefixtures("everything_installed")
def test_the_convnets_are_told_and_saved(tmp_path, monkeypatch):
    """With made-up rates: ours 1.5 times the best of PyTorch at one seed and 0.5 times at eight in every round."""
    rates = {("tuned",): 10.0, ("compiled",): 8.0, ("tuned", "eight"): 20.0, ("compiled", "eight"): 40.0}

    def once(_, name, words):
        if words[0] == "ours":
            return {"rate": 2.0 if "convolution" in words else 20.0 if "eight" in words else 15.0}
        return {"rate": rates.get(words[1:], 5.0)}

    monkeypatch.setattr(measuring, "run_once", once)
    benchmark.main(rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks_convnet.md").read_text()
    assert "| ours | 15 [15-15] | 3.00 | 1.50 |" in text
    assert "| torch, vmap, eight seeds | 5 [5-5] | 1.00 | 0.12 |" in text
    assert "ahead of PyTorch at one seed (torch, tuned): reached (1.50 times)" in text
    assert "ahead of PyTorch at eight seeds (torch, compiled, eight seeds): not reached (0.50 times)" in text
    assert "7.5 times as fast as with lax.conv at one seed, 10.0 times at eight" in text


@pytest.mark.usefixtures("everything_installed")
def test_without_a_compiler_the_rest_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring.shutil, "which", lambda name: None)
    monkeypatch.setattr(measuring, "run_once", lambda *_: {"rate": 1.0})
    benchmark.main(rounds=1, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks_convnet.md").read_text()
    assert "No C++ compiler was found" in text and "| torch, compiled" not in text
