"""The benchmark of the grid world compares equals: the same worlds, and the same losses and gradients from them.

Axes: T steps, B episodes side by side, A actions.
"""

import importlib.metadata
import importlib.util
import re
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from experiments.benchmarks import measuring
from experiments.benchmarks.grid import benchmark, ours, work
from experiments.tracking_time import actor_critic
from experiments.tracking_time.agent import build
from experiments.tracking_time.episodes import roll_out
from experiments.tracking_time.world import MOVES, Params, of_training, pictures, place, reset, step

EPISODES, LIMIT = 24, work.CONFIG.limit


class Walks(NamedTuple):
    """Episodes of random moves by the experiment's world; places are those after a move, all but starts `[T, B]`."""

    starts: np.ndarray  # [B, 3]: the agent's cell, the target's, T
    actions: np.ndarray
    places: np.ndarray
    rewards: np.ndarray
    running: np.ndarray


@pytest.fixture(scope="module")
def walks(torch):
    params = of_training(work.CONFIG)
    assert params == Params(limit=LIMIT)
    state = jax.vmap(reset, in_axes=(0, None))(jax.random.split(jax.random.key(7100), EPISODES), params)
    starts = np.stack([state.agent, state.target, state.instruction], axis=1)
    actions = np.random.default_rng(0).integers(len(MOVES), size=(LIMIT, EPISODES))
    move = jax.jit(jax.vmap(step, in_axes=(0, 0, None)))
    running, found = np.ones(EPISODES), []
    for now in actions:
        state, brought = move(state, jnp.asarray(now), params)
        found.append((np.asarray(place(state)), np.asarray(brought.reward) * running, running))
        running = running * ~np.asarray(brought.ended)
    assert 0 < np.count_nonzero(found[-1][2]) < EPISODES  # some arrive, some do not
    return Walks(starts, actions, *map(np.stack, zip(*found, strict=True)))


def test_the_world_in_python_is_the_same(torch, walks):
    from experiments.benchmarks.grid import torch_python

    drawn, world = pictures(), torch_python.GridWorld(0)
    for b, (agent, target, told) in enumerate(walks.starts.tolist()):
        seen, _ = world.reset(options={"start": (agent, target, told)})
        assert seen["instruction"] == told
        np.testing.assert_array_equal(seen["pixels"], drawn[25 * agent + target])
        for t in range(int(walks.running[:, b].sum())):
            seen, reward, terminated, truncated, _ = world.step(int(walks.actions[t, b]))
            assert seen["instruction"] == 0
            np.testing.assert_array_equal(seen["pixels"], drawn[walks.places[t, b]])
            assert reward == pytest.approx(walks.rewards[t, b], abs=1e-6)
            goes_on = t + 1 < LIMIT and walks.running[t + 1, b] == 1
            assert goes_on is not (terminated or truncated)
            assert terminated is bool(walks.places[t, b] % 26 == 0)  # agent and target in one cell


def test_the_world_in_tensors_is_the_same(torch, walks):
    from experiments.benchmarks.grid import torch_batched

    moves, at, places = torch_batched.moves().numpy(), walks.starts[:, 0] * 25 + walks.starts[:, 1], []
    for action in walks.actions:
        at = moves[at * len(MOVES) + action]
        places.append(at)
    np.testing.assert_array_equal(places, walks.places)
    told = torch.from_numpy(walks.starts[:, 2])
    rewards, running = torch_batched.judged(torch.from_numpy(np.stack(places)), told)
    np.testing.assert_allclose(rewards.numpy(), walks.rewards, atol=1e-6)
    np.testing.assert_array_equal(running.numpy(), walks.running)


def test_new_episodes_are_of_the_same_kind(torch):
    from experiments.benchmarks.grid import torch_batched, torch_python

    torch.manual_seed(0)
    places, told = (part.numpy() for part in torch_batched.started(4000))
    world, seen = torch_python.GridWorld(0), []
    for _ in range(4000):
        world.reset()
        seen.append((*world.agent, *world.target, world.instruction))
    rows, columns, of_target, _, instructions = zip(*seen, strict=True)
    assert {*told.tolist()} == {*instructions} == {8, 9, 10, 11, 12}
    assert (places % 26 != 0).all() and {*(places // 25).tolist()} == {*(places % 25).tolist()} == {*range(25)}
    assert len({*seen}) > 600 and {*rows} == {*columns} == {*of_target} == {*range(5)}
    assert not any(each[:2] == each[2:4] for each in seen)


class Update(NamedTuple):
    """An update by the engine: where it began, what was done, its loss, and the gradients, clipped."""

    params: dict
    starts: np.ndarray
    actions: np.ndarray
    loss: float
    gradients: dict


@pytest.fixture(scope="module")
def update(torch, compiled_in_haste):
    """After the first step the mean of Adam is a tenth of the gradients that it was given."""
    train = ours.make_train(updates=1, episodes=EPISODES, test_episodes=1)
    cfg = work.CONFIG
    agent, world = build(cfg, work.MODEL), of_training(cfg)
    weights = actor_critic.Weights(cfg.value, work.ENTROPY)
    assert (weights.discount, weights.trace) == (work.DISCOUNT, work.TRACE)
    state, *rest = jax.jit(train.init)(jax.random.key(7101), *train.data)
    params = moved(state.params)
    state = state._replace(params=params)
    params = jax.tree.map(lambda leaf: np.array(leaf[0]), params)
    key = jax.random.fold_in(state.key, 0)

    @jax.jit
    def play(params, pixels):
        began = jax.vmap(reset, in_axes=(0, None))(jax.random.split(jax.random.split(key)[0], EPISODES), world)
        seen = roll_out(agent, params, key, pixels, world, episodes=EPISODES, steps=LIMIT)
        loss = actor_critic.loss(seen.logits, seen.actions, seen.values, seen.rewards, seen.running, weights)
        return began, seen, loss

    began, seen, loss = play(params, *train.data)
    (after, *_), _ = jax.jit(train.leg)((state, *rest), *train.data)
    gradients = jax.tree.map(lambda leaf: np.asarray(leaf[0]) / np.float32(0.1), after.optimiser[1].mu)
    starts = np.stack([began.agent, began.target, began.instruction], axis=1)
    np.testing.assert_array_equal(seen.places[0], starts[:, 0] * 25 + starts[:, 1])
    return Update(params, starts, np.array(seen.actions), float(loss), gradients)


def moved(params):
    """Returns other parameters, so that biases are not zero any more."""
    generator = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: leaf + generator.normal(0, 0.05, leaf.shape).astype(np.float32), params)


def of_lstm(core):
    """Returns the LSTM's weights for what it is given and for h, and its bias; gates in the order i, f, g, o."""
    inputs, hidden = (np.concatenate([core["lstm"][side + gate]["kernel"] for gate in "ifgo"], 1) for side in "ih")
    return inputs, hidden, np.concatenate([core["lstm"]["h" + gate]["bias"] for gate in "ifgo"])


def in_plain_order(tree):
    """Returns the parameters as `torch_python.Net` has them: outputs first, channels before places."""
    vision, core = tree["vision"], tree["core"]
    inputs, hidden, bias = of_lstm(core)
    features = vision["dense"]["bias"].size
    dense = vision["dense"]["kernel"].reshape(49, -1, features).transpose(2, 1, 0).reshape(features, -1)
    heads = [part for name in ("policy", "value") for part in (core[name]["kernel"].T, core[name]["bias"])]
    return [
        vision["convolution"]["kernel"].reshape(8, 8, 3, -1).transpose(3, 2, 0, 1),
        vision["convolution"]["bias"],
        dense,
        vision["dense"]["bias"],
        core["nac"]["w_hat"].T,
        core["nac"]["m_hat"].T,
        inputs.T,
        hidden.T,
        bias,
        *heads,
    ]


def in_batched_order(tree):
    """Returns the parameters as `torch_batched.SHAPES` has them."""
    vision, core = tree["vision"], tree["core"]
    inputs, hidden, bias = of_lstm(core)
    features = vision["dense"]["bias"].size
    w_seen, w_told, w_count = np.split(inputs, [features, features + 1])
    heads = (np.concatenate([core[name][part] for name in ("policy", "value")], -1) for part in ("kernel", "bias"))
    layers = (vision[layer][part] for layer in ("convolution", "dense") for part in ("kernel", "bias"))
    nac = core["nac"]["w_hat"], core["nac"]["m_hat"]
    return [*layers, *nac, w_seen, np.concatenate([w_told, hidden, w_count]), bias, *heads]


def assert_same(found, expected):
    """Holds every part to 1e-3 of its largest entry: both sides are float32."""
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3 * np.abs(other).max())


def test_the_plain_program_does_the_same_work(torch, update):
    from experiments.benchmarks.grid import torch_python

    net, worlds = torch_python.Net(), [torch_python.GridWorld(0) for _ in range(EPISODES)]
    parts = [part for part in net.parameters() if part.requires_grad]
    with torch.no_grad():
        for part, value in zip(parts, in_plain_order(update.params), strict=True):
            part.copy_(torch.from_numpy(value.copy()))
    actions = torch.from_numpy(update.actions).long()
    found = torch_python.loss(*torch_python.play(net, worlds, update.starts.tolist(), actions))
    found.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), work.CONFIG.clip)
    assert found.item() == pytest.approx(update.loss, rel=1e-4)
    assert_same([part.grad.numpy() for part in parts], in_plain_order(update.gradients))


def test_the_batched_program_does_the_same_work(torch, update):
    from experiments.benchmarks.grid import torch_batched

    flat = torch.from_numpy(np.concatenate([part.flatten() for part in in_batched_order(update.params)]))
    flat.requires_grad_()
    noise = torch.from_numpy(-1e6 * np.eye(len(MOVES), dtype=np.float32)[update.actions])
    agent, target, told = torch.from_numpy(update.starts).long().T
    found = torch_batched.Program()(flat, 25 * agent + target, told, noise)
    found.backward()
    torch.nn.utils.clip_grad_norm_([flat], work.CONFIG.clip)
    assert found.item() == pytest.approx(update.loss, rel=1e-4)
    assert_same([part.numpy() for part in torch_batched.split(flat.grad)], in_batched_order(update.gradients))


def test_the_batched_program_draws_from_the_policy(torch):
    """With weights of nought but the policy's bias; the largest logit plus Gumbel noise is such a draw."""
    from experiments.benchmarks.grid import torch_batched

    torch.manual_seed(0)
    parts = torch_batched.split(torch.zeros(sum(torch_batched.SIZES)))
    wanted = torch.tensor([0.1, 0.2, 0.3, 0.15, 0.25])
    parts[-1][:5] = wanted.log()
    w_heads, b_heads = parts[-2:]
    episodes, hidden = 40_000, torch_batched.HIDDEN
    seen, told, *memory = (
        torch.zeros(episodes, size) for size in (4 * hidden, 1, hidden, hidden, torch_batched.COUNTS)
    )
    weights = parts[4], parts[7], w_heads, b_heads
    *_, actions = torch_batched.step(seen, told, torch_batched.noise(1, episodes)[0], *memory, *weights)
    np.testing.assert_allclose(np.bincount(actions.numpy(), minlength=5) / episodes, wanted.numpy(), atol=0.01)


def test_the_programs_of_pytorch_count_their_steps(torch):
    from experiments.benchmarks.grid import torch_batched, torch_python

    assert torch_python.runner(updates=1)() == 20 * 256
    assert torch_batched.runner(updates=2)() == 2 * 20 * 256


def test_the_engine_counts_its_updates():
    train = ours.make_train()
    assert work.steps(train.network_steps) == 20 * 20 * 256


@pytest.mark.parametrize(("rate", "verdict"), [(150_000.0, "reached"), (75_000.0, "not reached")])
def test_the_table_is_told_and_saved(tmp_path, monkeypatch, rate, verdict):
    """With made-up rates: ours 7.5 or 15 times the Python world and 1.25 or 2.5 times the best of PyTorch."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(measuring.shutil, "which", lambda name: name)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")
    rates = {("compiled",): 60_000.0, (): 50_000.0}

    def once(_, name, words):
        return {"rate": {"ours": rate, "torch_python": 10_000.0}.get(words[0], rates.get(words[1:]))}

    monkeypatch.setattr(measuring, "run_once", once)
    benchmark.main(rounds=2, console=Console(quiet=True), folder=tmp_path)
    text = (tmp_path / "benchmarks_grid.md").read_text()
    times = rate / 10_000
    assert f"| ours | {rate:,.0f} [{rate:,.0f}-{rate:,.0f}] | {times:.1f} | {rate / 60_000:.2f} |" in text
    assert f"Aim, 100,000 environment steps per CPU-second: {verdict} ({rate:,.0f})." in text
    assert f"Ours is {times:.1f} times as fast as PyTorch with the Python world" in text
    assert re.search(rf"and {rate / 60_000:.2f} times .* \(torch, batched and compiled\)", text)
