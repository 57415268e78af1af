"""The benchmark of section 4.4: from the same weights and batch all programs have the same losses and gradients."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rich.console import Console

from experiments.benchmarks import measuring
from experiments.benchmarks.programs import benchmark, ours, work
from experiments.program_evaluation import recipes
from experiments.program_evaluation.programs import print_program
from tests.benchmarks.conftest import assert_same, noise

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
    train = ours.make_train(evaluations=1, steps=steps, warm_up=0, sharpness=1.0, stages=1, **changes)
    init, leg = jax.jit(train.init), jax.jit(train.leg)
    network = recipes.recipe("nalu", "program", networks=1, length=1.0, evaluations=1).network
    seeds = []
    for i, key in enumerate(jax.random.split(jax.random.key(7004))):
        state = init(key)
        moved = jax.tree.map(jnp.add, state.params, noise(i, state.params))  # else the registers stay empty
        state = state._replace(params=moved)
        before = jax.tree.map(lambda leaf: np.array(leaf[0]), state.params)
        keys = [jax.random.split(jax.random.fold_in(state.key, step), work.BATCH) for step in range(steps)]
        programs = work.draw(jnp.stack(keys))
        first = jax.tree.map(lambda leaf: leaf[0], programs)
        off = network.apply({"params": before}, first) - first.answer
        after = jax.tree.map(lambda leaf: np.array(leaf[0]), leg(state, *train.data)[0].params)
        loss = np.sqrt(np.mean(np.square(off)))
        seeds.append(Learner(laid_out(before), laid_out(after), *work.encoded(programs), loss))
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
    from experiments.benchmarks.programs import torch_plain_and_batched

    net = torch_plain_and_batched.Net()
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
    from experiments.benchmarks.programs import torch_plain_and_batched

    learner = jax.tree.map(lambda leaf: leaf[1], learners_once)
    net, parts = plain_learner(torch, learner.before)
    optimiser = torch.optim.SGD(parts, lr=0.0)
    batch = torch.from_numpy(learner.seen[0]), torch.from_numpy(learner.answers[0])
    assert torch_plain_and_batched.take_step(net, optimiser, *batch).item() == pytest.approx(learner.losses, rel=1e-5)
    for part, gradient in zip(parts, clipped_gradients(learner), strict=True):
        assert_same(part.grad.numpy().T, gradient)


@pytest.mark.parametrize("gradients_of", ["eager_gradients", "gradients_to_compile"])
def test_the_batched_learners_of_pytorch_do_the_same_work(torch, learners_once, gradients_of):
    from experiments.benchmarks.programs import torch_plain_and_batched

    flat = torch.from_numpy(flat_learners(learners_once.before))
    seen, answers = torch.from_numpy(learners_once.seen[:, 0]).transpose(0, 1), learners_once.answers[:, 0]
    batch = seen, torch.from_numpy(answers)
    np.testing.assert_allclose(torch_plain_and_batched.losses(flat, *batch).numpy(), learners_once.losses, rtol=1e-5)
    found = getattr(torch_plain_and_batched, gradients_of)(flat, *batch).numpy()
    alone = [jax.tree.map(lambda leaf, seed=seed: leaf[seed], learners_once) for seed in range(2)]
    gradients = map(clipped_gradients, alone)
    assert_same(found, flat_learners([np.stack(parts) for parts in zip(*gradients, strict=True)]))


def test_learners_of_pytorch_stay_beside_ours(torch, learners_later):
    """For some steps of clipping and Adam at the engine's learning rates, which move a weight by 2.5 SLOW at most."""
    from experiments.benchmarks.programs import torch_plain_and_batched

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
        flat.grad = torch_plain_and_batched.eager_gradients(flat, seen.transpose(0, 1), answers)
        optimisers[0].step()
        torch_plain_and_batched.take_step(net, optimisers[1], seen[0], answers[0])
    before, after = flat_learners(learners_later.before), flat_learners(learners_later.after)
    alone = flat_learners([part.detach().numpy().T[None] for part in parts])
    for found, seeds in ((flat.numpy(), slice(None)), (alone, slice(0, 1))):
        np.testing.assert_allclose((found - before[seeds]) / SLOW, (after - before)[seeds] / SLOW, rtol=0, atol=0.01)


def test_the_learners_of_pytorch_count_their_steps(torch):
    from experiments.benchmarks.programs import torch_plain_and_batched

    assert torch_plain_and_batched.plain_runner(steps=2)() == 2
    assert torch_plain_and_batched.best_runner(seeds=2, steps=2)() == 4


def test_the_store_holds_programs_and_their_answers():
    seen, answers = work.store(2, 3)
    assert seen.shape == (2, 3, 12, 64, 10) and answers.shape == (2, 3, 64)
    symbols, values = seen[1, 2, :, 5, :-1].argmax(axis=-1), seen[1, 2, :, 5, -1]
    assert answers[1, 2, 5] == eval(print_program(symbols, values))


@pytest.mark.usefixtures("everything_installed")
def test_the_learners_are_told_and_saved(tmp_path, monkeypatch):
    """With made-up rates: ours twice the best of PyTorch at one seed and 0.8 times at eight in every round."""
    rates = {("best", "compiled"): 10.0, ("best", "compiled", "eight"): 25.0}

    def once(_, name, words):
        if words[0] == "ours":
            return {"rate": 30.0 if "networks" in words else 20.0}
        return {"rate": rates.get(words[1:], 5.0)}

    monkeypatch.setattr(measuring, "run_once", once)
    benchmark.main(rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks_programs.md").read_text()
    assert "| ours | 20 [20-20] | 4.00 | 2.00 |" in text
    assert "| ours, eight networks of a seed | 30 [30-30] | 6.00 | 1.20 |" in text
    assert "ahead of PyTorch at one network (torch, compiled): reached (2.00 times)" in text
    assert "at eight (torch, batched and compiled, eight seeds): not reached (0.80 times)" in text
    assert "are 1.50 times as fast as seeds" in text
