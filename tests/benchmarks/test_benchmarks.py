"""The benchmarks compare equals: from the same weights and batch all programs have the same losses and gradients."""

import importlib.util
import json
import re
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rich.console import Console

from experiments.benchmarks import (
    convnet_step,
    convnet_step_ours,
    convnet_step_work,
    measuring,
    program_step,
    program_step_ours,
    program_step_work,
    scaling,
    scaling_measure,
    static_step,
    static_step_ours,
    static_step_work,
)
from experiments.lib.cli import main
from experiments.lib.errors import UserError
from experiments.lib.networks import convolution
from experiments.program_evaluation import recipes
from experiments.program_evaluation.programs import print_program

LAYERS = (0, 1)
PARAMETERS = ("w_hat", "m_hat", "g")


@pytest.fixture(scope="module")
def ours(torch):
    """One seed's weights, batch, losses and gradients by the engine.

    With rate 1 and without Adam a step is the gradient; the engine would divide losses by the targets' mean square.
    """
    train = static_step_ours.make_train(optax.identity(), learning_rate=1.0, steps=1)
    state = train.init(jax.random.key(7001))
    first, second = (noise(key, part) for key, part in enumerate(state.training.params))
    params = jax.tree.map(jnp.abs, first), second  # hidden units stay clear of 0, where log's slope magnifies rounding
    state = state._replace(training=state.training._replace(params=params), scale_O=jnp.ones(6))
    key_batch = jax.random.fold_in(state.training.key, 0)
    batch = static_step_ours.READING.inside(key_batch, state.task, static_step_work.BATCH)
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


def test_the_plain_loop_does_the_same_work(torch, ours):
    from experiments.benchmarks import static_step_torch_plain

    params, x_IN, masks_2I, losses_O, gradients = ours
    x_NI = torch.from_numpy(x_IN.T.copy())
    a_N, b_N = torch.from_numpy(masks_2I @ x_IN)
    for o, operation in enumerate(static_step_torch_plain.OPERATIONS):
        model = static_step_torch_plain.make_model()
        of_model = list(model.parameters())
        with torch.no_grad():
            for parameter, value in zip(of_model, in_layers(params), strict=True):
                parameter.copy_(torch.from_numpy(value[o]))
        loss = torch.nn.functional.mse_loss(model(x_NI)[:, 0], operation(a_N, b_N))
        loss.backward()
        assert loss.item() == pytest.approx(losses_O[o], rel=1e-4)
        for parameter, gradient in zip(of_model, in_layers(gradients), strict=True):
            assert_same(parameter.grad.numpy(), gradient[o])


def test_the_batched_program_does_the_same_work(torch, ours):
    from experiments.benchmarks import static_step_torch_batched

    params, x_IN, masks_2I, losses_O, gradients = ours
    flat = torch.zeros(2, sum(static_step_torch_batched.SIZES))  # two seeds, alike

    def as_ours(part, value):
        return value.transpose(0, 2, 1).reshape(part.shape[1:]) if part.ndim == 3 else value

    for part, value in zip(static_step_torch_batched.split(flat), in_layers(params), strict=True):
        part.copy_(torch.from_numpy(as_ours(part, value).copy()).expand_as(part))
    x, masks = (torch.from_numpy(array).expand(2, *array.shape).contiguous() for array in (x_IN, masks_2I))
    losses, found = static_step_torch_batched.losses_and_gradients(flat, x, masks)
    for seed in range(2):
        np.testing.assert_allclose(losses[seed].numpy(), losses_O, rtol=1e-4)
        for part, gradient in zip(static_step_torch_batched.split(found), in_layers(gradients), strict=True):
            by_operation = np.split(part[seed].numpy(), 6), np.split(as_ours(part, gradient), 6)
            for found_o, expected_o in zip(*by_operation, strict=True):
                assert_same(found_o, expected_o)


def test_the_written_adam_is_that_of_pytorch(torch):
    from experiments.benchmarks import static_step_torch_batched

    torch.manual_seed(0)
    flat, mean, square = torch.rand(2, 5), torch.zeros(2, 5), torch.zeros(2, 5)
    theirs = flat.clone().requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=1e-3)
    for step in range(1, 20):
        theirs.grad = torch.randn(2, 5)
        optimiser.step()
        static_step_torch_batched.adam(
            flat, mean, square, theirs.grad, 1e-3 / (1 - 0.9**step), (1 - 0.999**step) ** -0.5
        )
    np.testing.assert_allclose(flat.numpy(), theirs.detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize("short", [False, True])
def test_batches_are_uniform_on_the_same_range(torch, short):
    from experiments.benchmarks import static_step_torch_batched

    x = torch.empty(4, 100, 128)
    words = torch.empty(x.numel() // 4, dtype=torch.int64)
    torch.manual_seed(0)
    drawn = static_step_torch_batched.draw(x, words, short=short).numpy()
    assert 0 <= drawn.min() < 1e-4 and 0.4999 < drawn.max() <= 0.5
    assert drawn.mean() == pytest.approx(0.25, abs=3e-3)
    assert drawn.std() == pytest.approx(0.5 / 12**0.5, abs=3e-3)


@pytest.fixture(scope="module")
def convnets(torch):
    """Two seeds' parameters and batches, and by the engine their losses and gradients; all lead with the seed."""
    data = random_digits()
    train = convnet_step_ours.make_train(data, optax.identity(), learning_rate=1.0, steps=1)
    leg, loss = jax.jit(train.leg), jax.jit(convnet_step_ours.loss)
    seeds = []
    for key in jax.random.split(jax.random.key(7002)):
        state = train.init(key, *data)
        batch = convnet_step_ours.sample(jax.random.fold_in(state.key, 0), *map(jnp.asarray, data))
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
    from experiments.benchmarks import convnet_step_torch

    params, (images, labels), losses, gradients = convnets
    net = convnet_step_torch.Net()
    net = net.to(memory_format=torch.channels_last) if tuned else net
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), params, strict=True):
            parameter.copy_(torch.from_numpy(value[1]))
    reverse = torch.arange(convnet_step_work.BATCH).flip(0)
    found = convnet_step_torch.loss(net, torch.from_numpy(images[1]), torch.from_numpy(labels[1]).long(), reverse)
    found.backward()
    assert found.item() == pytest.approx(losses[1], rel=1e-4)
    for parameter, gradient in zip(net.parameters(), gradients, strict=True):
        assert_same(parameter.grad.numpy(), gradient[1])


def test_the_convnets_of_pytorch_at_once_do_the_same_work(torch, convnets):
    from experiments.benchmarks import convnet_step_torch_vmap

    params, (images, labels), losses, gradients = convnets
    names = [name for name, _ in convnet_step_torch_vmap.NET.named_parameters()]
    stacked = dict(zip(names, map(torch.from_numpy, params), strict=True))
    batches = torch.from_numpy(images), torch.from_numpy(labels).long()
    found, losses_found = convnet_step_torch_vmap.gradients_and_losses(stacked, *batches)
    np.testing.assert_allclose(losses_found.numpy(), losses, rtol=1e-4)
    for name, gradient in zip(names, gradients, strict=True):
        for seed in range(2):
            assert_same(found[name][seed].numpy(), gradient[seed])


def test_the_convolution_of_xla_does_the_same_work(monkeypatch):
    """Its program trains from the same keys, so the parameters after some steps are the same."""
    data = random_digits()

    def trained():
        train = convnet_step_ours.make_train(data, optax.identity(), learning_rate=1e-2, steps=3)
        return jax.jit(train.leg)(train.init(jax.random.key(7003), *data), *data)[0].params

    ours = trained()
    monkeypatch.setattr(convolution, "_by_tiles", convnet_step_ours.convolve)
    for found, expected in zip(jax.tree.leaves(trained()), jax.tree.leaves(ours), strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize("fused", [False, True])
def test_the_adam_of_both_convnets_is_the_same(torch, fused):
    start = np.linspace(-1, 1, 5, dtype=np.float32)
    theirs = torch.from_numpy(start.copy()).requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=convnet_step_work.LEARNING_RATE, fused=fused)
    scale = optax.scale_by_adam()
    ours, state = start, scale.init(start)
    for gradient in np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32):
        theirs.grad = torch.from_numpy(gradient)
        optimiser.step()
        update, state = scale.update(gradient, state)
        ours = ours - convnet_step_work.LEARNING_RATE * update
    np.testing.assert_allclose(theirs.detach().numpy(), ours, rtol=1e-5)


def test_the_convnets_of_pytorch_count_their_images(torch):
    from experiments.benchmarks import convnet_step_torch, convnet_step_torch_vmap

    assert convnet_step_torch.runner(tuned=True, seeds=2, steps=1)() == 160
    assert convnet_step_torch_vmap.runner(seeds=2, steps=1)() == 160


ADAM_STEPS, SLOW = 4, 1e-3  # a larger rate finds places where a rounding decides how registers compare


class Learner(NamedTuple):
    """A seed of the engine on little programs, before it took some steps without sharpening and after."""

    before: list  # parameters: see `laid_out`
    after: list
    seen: np.ndarray  # batches of programs, one for each step
    answers: np.ndarray
    losses: np.ndarray  # before the first step


@jax.numpy_rank_promotion("allow")  # the engine's losses broadcast the answers over its networks
def learners(steps, **changes):
    """Returns two seeds' learners, stacked."""
    train = program_step_ours.make_train(evaluations=1, steps=steps, warm_up=0, sharpness=1.0, stages=1, **changes)
    init, leg = jax.jit(train.init), jax.jit(train.leg)
    network = recipes.recipe("nalu", "program", networks=1, length=1.0, evaluations=1).network
    seeds = []
    for i, key in enumerate(jax.random.split(jax.random.key(7004))):
        state = init(key)
        moved = jax.tree.map(jnp.add, state.params, noise(i, state.params))  # else the registers stay empty
        state = state._replace(params=moved)
        before = jax.tree.map(lambda leaf: np.array(leaf[0]), state.params)
        keys = [jax.random.split(jax.random.fold_in(state.key, step), program_step_work.BATCH) for step in range(steps)]
        programs = program_step_work.draw(jnp.stack(keys))
        first = jax.tree.map(lambda leaf: leaf[0], programs)
        off = network.apply({"params": before}, first) - first.answer
        after = jax.tree.map(lambda leaf: np.array(leaf[0]), leg(state, *train.data)[0].params)
        loss = np.sqrt(np.mean(np.square(off)))
        seeds.append(Learner(laid_out(before), laid_out(after), *program_step_work.encoded(programs), loss))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *seeds)


def laid_out(params):
    """Returns the LSTM's weights, for symbols and registers and for h, and bias, then those of the dense layer."""
    gates, controls = params["cell"]["controller"], params["cell"]["controls"]
    inputs, hidden = (np.concatenate([gates[side + gate]["kernel"] for gate in "ifgo"], axis=1) for side in "ih")
    bias = np.concatenate([gates["h" + gate]["bias"] for gate in "ifgo"])
    return [inputs, hidden, bias, controls["kernel"], controls["bias"]]


@pytest.fixture(scope="module")
def learners_once(torch):
    """With rate 1 and without Adam a step is the gradient; the benchmark's programs clip it, too."""
    return learners(1, transform=optax.identity(), learning_rate=1.0)


def clipped_gradients(learner):
    gradients = [before - after for before, after in zip(learner.before, learner.after, strict=True)]
    return [part * min(1, 0.1 / np.sqrt(sum(np.square(each).sum() for each in gradients))) for part in gradients]


@pytest.fixture(scope="module")
def learners_later(torch):
    return learners(ADAM_STEPS, learning_rate=SLOW)


def rates():
    return [SLOW * 0.5 * (1 + np.cos(np.pi * i / ADAM_STEPS)) for i in range(ADAM_STEPS)]


def plain_learner(torch, params):
    """Returns PyTorch's network and its parameters in the order of `laid_out`."""
    from experiments.benchmarks import program_step_torch

    net = program_step_torch.Net()
    lstm, dense = net.controller, net.controls
    parts = [lstm.weight_ih, lstm.weight_hh, lstm.bias_hh, dense.weight, dense.bias]
    with torch.no_grad():
        for part, value in zip(parts, params, strict=True):
            part.copy_(torch.from_numpy(value.T.copy()))
    return net, parts


def flat_learners(parts):
    """Returns networks [S, P] from parts that lead with S."""
    inputs, hidden, *others = parts
    rows = [np.concatenate([inputs, hidden], axis=1), *others]
    return np.concatenate([part.reshape(len(part), -1) for part in rows], axis=1)


def test_the_plain_learner_of_pytorch_does_the_same_work(torch, learners_once):
    from experiments.benchmarks import program_step_torch

    learner = jax.tree.map(lambda leaf: leaf[1], learners_once)
    net, parts = plain_learner(torch, learner.before)
    optimiser = torch.optim.SGD(parts, lr=0.0)
    batch = torch.from_numpy(learner.seen[0]), torch.from_numpy(learner.answers[0])
    assert program_step_torch.take_step(net, optimiser, *batch).item() == pytest.approx(learner.losses, rel=1e-5)
    for part, gradient in zip(parts, clipped_gradients(learner), strict=True):
        assert_same(part.grad.numpy().T, gradient)


@pytest.mark.parametrize("gradients_of", ["eager_gradients", "gradients_to_compile"])
def test_the_batched_learners_of_pytorch_do_the_same_work(torch, learners_once, gradients_of):
    from experiments.benchmarks import program_step_torch

    flat = torch.from_numpy(flat_learners(learners_once.before))
    seen, answers = torch.from_numpy(learners_once.seen[:, 0]).transpose(0, 1), learners_once.answers[:, 0]
    batch = seen, torch.from_numpy(answers)
    np.testing.assert_allclose(program_step_torch.losses(flat, *batch).numpy(), learners_once.losses, rtol=1e-5)
    found = getattr(program_step_torch, gradients_of)(flat, *batch).numpy()
    alone = [jax.tree.map(lambda leaf, seed=seed: leaf[seed], learners_once) for seed in range(2)]
    gradients = map(clipped_gradients, alone)
    assert_same(found, flat_learners([np.stack(parts) for parts in zip(*gradients, strict=True)]))


def test_learners_of_pytorch_stay_beside_ours(torch, learners_later):
    """For some steps of clipping and Adam at the engine's learning rates, which move a weight by 2.5 SLOW at most."""
    from experiments.benchmarks import program_step_torch

    flat = torch.from_numpy(flat_learners(learners_later.before))
    net, parts = plain_learner(torch, [part[0] for part in learners_later.before])
    optimisers = torch.optim.Adam([flat], fused=True), torch.optim.Adam(parts)
    for step, rate in enumerate(rates()):
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = rate
        seen, answers = (
            torch.from_numpy(learners_later.seen[:, step]),
            torch.from_numpy(learners_later.answers[:, step]),
        )
        flat.grad = program_step_torch.eager_gradients(flat, seen.transpose(0, 1), answers)
        optimisers[0].step()
        program_step_torch.take_step(net, optimisers[1], seen[0], answers[0])
    before, after = flat_learners(learners_later.before), flat_learners(learners_later.after)
    alone = flat_learners([part.detach().numpy().T[None] for part in parts])
    for found, seeds in ((flat.numpy(), slice(None)), (alone, slice(0, 1))):
        np.testing.assert_allclose((found - before[seeds]) / SLOW, (after - before)[seeds] / SLOW, rtol=0, atol=0.01)


def test_the_learners_of_pytorch_count_their_steps(torch):
    from experiments.benchmarks import program_step_torch

    assert program_step_torch.plain_runner(steps=2)() == 2
    assert program_step_torch.best_runner(seeds=2, steps=2)() == 4


def test_the_store_holds_programs_and_their_answers():
    seen, answers = program_step_work.store(2, 3)
    assert seen.shape == (2, 3, 12, 64, 10) and answers.shape == (2, 3, 64)
    symbols, values = seen[1, 2, :, 5, :-1].argmax(axis=-1), seen[1, 2, :, 5, -1]
    assert answers[1, 2, 5] == eval(print_program(symbols, values))


@pytest.fixture
def everything_installed(monkeypatch):
    """PyTorch and a compiler, whether they are there or not."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(measuring.shutil, "which", lambda name: name)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")


@pytest.mark.usefixtures("everything_installed")
def test_the_table_is_told_and_saved(tmp_path, monkeypatch):
    """With made-up rates: ours 120 times the plain loop and 1.5 times the best batched program in every round."""
    rates = {"static_step_torch_plain": 1.0, "static_step_torch_batched": 60.0, "static_step_ours": 120.0}

    def once(name, words, further):
        rate = rates.get(words[0], 200.0) * (4 / 3 if "short" in words else 1)
        return {"rate": rate, "parts": {"products": 9e-6, "random inputs": 11e-6}}

    monkeypatch.setattr(measuring, "_once", once)
    measuring.main(static_step.BENCHMARK, rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks.md").read_text()
    assert re.search(r"\| ours \| 120 \[120-120\] \| 120 \| 1.50 \| 60.0% \|", text)
    assert "50 times the plain loop: reached (120 times)" in text
    assert "not reached (1.50 times)" in text and "Aim 2 is beyond it" in text
    assert "products 9.0, random inputs 11.0; together 20.0" in text


@pytest.mark.usefixtures("everything_installed")
def test_the_convnets_are_told_and_saved(tmp_path, monkeypatch):
    """With made-up rates: ours 1.5 times the best of PyTorch at one seed and 0.5 times at eight in every round."""
    rates = {("tuned",): 10.0, ("compiled",): 8.0, ("tuned", "eight"): 20.0, ("compiled", "eight"): 40.0}

    def once(name, words, further):
        if words[0] == "convnet_step_ours":
            return {"rate": 2.0 if "convolution" in words else 20.0 if "eight" in words else 15.0}
        return {"rate": rates.get(words[1:], 5.0)}

    monkeypatch.setattr(measuring, "_once", once)
    measuring.main(convnet_step.BENCHMARK, rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks_convnet.md").read_text()
    assert "| ours | 15 [15-15] | 3.00 | 1.50 |" in text
    assert "| torch, vmap, eight seeds | 5 [5-5] | 1.00 | 0.12 |" in text
    assert "ahead of PyTorch at one seed (torch, tuned): reached (1.50 times)" in text
    assert "ahead of PyTorch at eight seeds (torch, compiled, eight seeds): not reached (0.50 times)" in text
    assert "7.5 times as fast as with lax.conv at one seed, 10.0 times at eight" in text


@pytest.mark.usefixtures("everything_installed")
def test_the_learners_are_told_and_saved(tmp_path, monkeypatch):
    """With made-up rates: ours twice the best of PyTorch at one seed and 0.8 times at eight in every round."""
    rates = {("best", "compiled"): 10.0, ("best", "compiled", "eight"): 25.0}

    def once(name, words, further):
        if words[0] == "program_step_ours":
            return {"rate": 30.0 if "networks" in words else 20.0}
        return {"rate": rates.get(words[1:], 5.0)}

    monkeypatch.setattr(measuring, "_once", once)
    measuring.main(program_step.BENCHMARK, rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks_programs.md").read_text()
    assert "| ours | 20 [20-20] | 4.00 | 2.00 |" in text
    assert "| ours, eight networks of a seed | 30 [30-30] | 6.00 | 1.20 |" in text
    assert "ahead of PyTorch at one network (torch, compiled): reached (2.00 times)" in text
    assert "at eight (torch, batched and compiled, eight seeds): not reached (0.80 times)" in text
    assert "are 1.50 times as fast as seeds" in text


@pytest.mark.usefixtures("everything_installed")
def test_without_a_compiler_the_rest_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring.shutil, "which", lambda name: None)
    monkeypatch.setattr(measuring, "_once", lambda name, words, further: {"rate": 1.0})
    measuring.main(convnet_step.BENCHMARK, rounds=1, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks_convnet.md").read_text()
    assert "No C++ compiler was found" in text and "| torch, compiled" not in text


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ([], ["benchmarks.md", "benchmarks_convnet.md", "benchmarks_programs.md", "benchmarks_grid.md"]),
        (["static"], ["benchmarks.md"]),
        (["convnet"], ["benchmarks_convnet.md"]),
        (["programs"], ["benchmarks_programs.md"]),
        (["grid"], ["benchmarks_grid.md"]),
        (["scaling"], [scaling.FILE]),
    ],
)
def test_the_command_says_what_is_measured(monkeypatch, words, files):
    measured = []
    monkeypatch.setattr(measuring, "main", lambda benchmark, **_: measured.append(benchmark.file))
    monkeypatch.setattr(scaling, "main", lambda **_: measured.append(scaling.FILE))
    assert main.answer(["bench", *words]) == 0
    assert measured == files


def test_speed_is_told_by_seeds_and_devices(tmp_path, monkeypatch):
    """With made-up rates: a hundred steps a second for every device and ten for every seed."""

    def measure(work, devices, rounds, seeds):
        return [
            {"devices": devices, "seeds": number, "rates": [100.0 * devices + 10 * number] * rounds, "busy": [0.5]}
            for number in seeds
            if number >= devices
        ]

    monkeypatch.setattr(scaling, "_measure", measure)
    monkeypatch.setattr(scaling, "_ask", lambda *words: [MACHINE] if words == ("machine",) else [])
    scaling.main(rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / scaling.FILE).read_text()
    for devices, seeds, rate, share in (
        (1, 1, 110, "1.00"),
        (1, 32, 420, "3.82"),
        (2, 2, 220, "2.00"),
        (3, 8, 380, "3.45"),
    ):
        assert f"| Table 1, NALU | {devices} | {seeds} | {rate} [{rate}-{rate}] | {share} | 50% |" in text
    assert "| Table 1, NALU | 2 | 1 |" not in text, "a device without a seed"
    assert "3 x CPU core (a chip)" in text and "commit abc" in text


MACHINE = {
    "device": "3 x CPU core (a chip)",
    "platform": "linux",
    "versions": {"jax": "1.0"},
    "date": "2026-11-21T00:00:00",
    "commit": "abc",
}


def test_one_measurement_of_scaling_is_real(monkeypatch, capsys):
    load = scaling_measure.Load("identity", {"model": "nac"}, {"steps": 20, "legs": 2})
    monkeypatch.setattr(scaling_measure, "LOADS", {"small": load})
    monkeypatch.setattr(scaling_measure.numerics, "prepare", lambda **_: None)
    monkeypatch.setattr("sys.argv", ["scaling_measure", "small", "1", "2", "1", "3"])
    scaling_measure.main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["seeds"], line["devices"]) for line in lines] == [(1, 1), (3, 1)]
    for line in lines:
        assert len(line["rates"]) == len(line["busy"]) == 2 and min(line["rates"]) > 0


def test_what_is_wrong_is_said(monkeypatch):
    with pytest.raises(UserError, match="at least one round"):
        measuring.main(static_step.BENCHMARK, rounds=0, console=Console(quiet=True))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="make bench"):
        measuring.main(static_step.BENCHMARK, rounds=1, console=Console(quiet=True))
