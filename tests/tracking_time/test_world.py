"""The grid world against a plain Python simulator, and the actor-critic's returns and losses against hand-worked ones.

Axes: T steps, B episodes side by side, A actions.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.tracking_time import actor_critic
from experiments.tracking_time.agent import WIRINGS, Agent, Core, Vision
from experiments.tracking_time.episodes import roll_out
from experiments.tracking_time.world import AGENT, BORDER, MOVES, Params, State, pictures, place, reset, step
from tests.drawn import draw_parameters

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


class PlainWorld:
    """The same world, from the description in the paper, for one episode."""

    def __init__(self, agent, target, instruction, limit=20):
        self.agent, self.target = [agent // 5, agent % 5], [target // 5, target % 5]
        self.instruction, self.limit, self.time = instruction, limit, 0

    def step(self, name):
        row, column = self.agent
        moved = {"up": (row - 1, column), "down": (row + 1, column), "left": (row, column - 1)}
        moved |= {"right": (row, column + 1), "pass": (row, column)}
        new_row, new_column = moved[name]
        if 0 <= new_row < 5 and 0 <= new_column < 5:
            self.agent = [new_row, new_column]
        self.time += 1
        if self.agent == self.target:
            return 1 - abs(self.instruction - self.time) / 7, True
        return 0.0, self.time >= self.limit


def state_of(agent, target, instruction, time=0):
    return State(jnp.int32(agent), jnp.int32(target), jnp.int32(time), jnp.int32(instruction))


@pytest.fixture(scope="module")
def compiled():
    return jax.jit(step)


def test_random_episodes_run_as_in_the_plain_world(compiled):
    generator = np.random.default_rng(0)
    for _ in range(60):
        agent, target = generator.choice(25, 2, replace=False).tolist()
        plain, state = PlainWorld(agent, target, 10), state_of(agent, target, 10)
        ended = False
        while not ended:
            action = int(generator.integers(5))
            state, brought = compiled(state, action, Params())
            expected, ended = plain.step(MOVES[action])
            assert int(state.agent) == 5 * plain.agent[0] + plain.agent[1]
            assert float(brought.reward) == pytest.approx(expected, abs=1e-6)
            assert bool(brought.ended) is ended
            assert bool(brought.arrived) is (plain.agent == plain.target)


@pytest.mark.parametrize("time", range(1, 20))
def test_the_reward_of_every_arrival(compiled, time):
    """Told 10, the agent steps on the target at `time`."""
    before = state_of(agent=0, target=1, instruction=10, time=time - 1)
    right = MOVES.index("right")
    assert float(compiled(before, right, Params())[1].reward) == pytest.approx(1 - abs(10 - time) / 7, abs=1e-6)
    exact = Params(exact_only=True, reward=10.0)
    assert float(compiled(before, right, exact)[1].reward) == (10.0 if time == 10 else 0.0)


def test_new_episodes_have_every_pair_of_cells_and_every_instruction():
    keys = jax.random.split(jax.random.key(0), 20_000)
    states = jax.vmap(reset, in_axes=(0, None))(keys, Params())
    pairs = np.bincount(np.asarray(states.agent) * 25 + np.asarray(states.target), minlength=625).reshape(25, 25)
    assert (np.diag(pairs) == 0).all()
    assert (pairs[~np.eye(25, dtype=bool)] > 0).all()
    assert set(np.unique(states.instruction)) == {8, 9, 10, 11, 12}
    assert not states.time.any()


def test_what_is_drawn():
    pixels = pictures()[place(state_of(agent=0, target=24, instruction=9))]
    assert pixels.shape == (56, 56, 3)
    assert pixels.dtype == np.uint8
    cells = pixels.reshape(7, 8, 7, 8, 3)
    assert (cells == cells[:, :1, :, :1]).all()  # every cell has one colour
    cells = cells[:, 0, :, 0]
    inner = np.zeros((7, 7), bool)
    inner[1:-1, 1:-1] = True
    assert (cells[~inner] == BORDER).all()
    assert cells[1, 1].tolist() == list(AGENT)
    assert len(set(cells[1, 1].tolist())) == 1  # grey
    red, green, blue = cells[5, 5].tolist()
    assert red > 3 * green == 3 * blue
    assert (cells[inner].reshape(5, 5, 3).sum(axis=2) > 0).sum() == 2
    assert len({picture.tobytes() for picture in pictures()}) == 625


def test_advantages_and_loss_of_a_hand_worked_episode():
    """Two steps, then the end: a reward of 1 at the second; the third is after the end and counts for nothing."""
    rewards_TB, values_TB = jnp.array([[0.0], [1.0], [9.0]]), jnp.array([[0.5], [0.25], [7.0]])
    running_TB = jnp.array([[1.0], [1.0], [0.0]])
    weights = actor_critic.Weights(value=0.5, entropy=0.1, discount=0.9, trace=0.8)
    second = 1.0 - 0.25
    first = 0.0 + 0.9 * 0.25 - 0.5 + 0.9 * 0.8 * second
    found_TB = actor_critic.advantages(rewards_TB, values_TB, running_TB, weights)
    np.testing.assert_allclose(found_TB[:, 0], [first, second, 0.0], rtol=1e-6)

    logits_TBA = jnp.log(jnp.array([[[0.25, 0.75]], [[0.5, 0.5]], [[0.9, 0.1]]]))
    actions_TB = jnp.array([[1], [0], [0]])
    entropies = [-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)), np.log(2)]
    steps = [
        -np.log(0.75) * first + 0.5 * first**2 - 0.1 * entropies[0],
        -np.log(0.5) * second + 0.5 * second**2 - 0.1 * entropies[1],
    ]
    found = actor_critic.loss(logits_TBA, actions_TB, values_TB, rewards_TB, running_TB, weights)
    assert float(found) == pytest.approx(np.mean(steps), rel=1e-5)


def test_with_a_trace_of_one_advantages_are_returns_less_values():
    generator = np.random.default_rng(1)
    rewards_TB, values_TB = generator.normal(size=(2, 6, 3))
    running_TB = (np.arange(6)[:, None] < np.array([6, 4, 1])).astype(np.float64)
    weights = actor_critic.Weights(value=0.5, entropy=0.0, discount=0.9, trace=1.0)
    found_TB = actor_critic.advantages(*(jnp.asarray(array) for array in (rewards_TB, values_TB, running_TB)), weights)
    for b, length in enumerate((6, 4, 1)):
        for t in range(length):
            returned = sum(0.9 ** (k - t) * rewards_TB[k, b] for k in range(t, length))
            assert float(found_TB[t, b]) == pytest.approx(returned - values_TB[t, b], abs=1e-5)
    assert (np.asarray(found_TB)[running_TB == 0] == 0).all()


def test_vision_is_a_convolution():
    vision = Vision(channels=3, features=4)
    pixels = jnp.asarray(pictures()[[7, 300]])
    params = vision.init(jax.random.key(0), pixels)
    kernel, bias = (np.asarray(params["params"]["convolution"][name], np.float64) for name in ("kernel", "bias"))
    seen = np.zeros((2, 7, 7, 3))
    for row in range(7):
        for column in range(7):
            patch = np.asarray(pixels)[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] / 255
            seen[:, row, column] = patch.reshape(2, -1) @ kernel + bias
    dense = {name: np.asarray(value) for name, value in params["params"]["dense"].items()}
    expected = np.maximum(np.maximum(seen, 0).reshape(2, -1) @ dense["kernel"] + dense["bias"], 0)
    np.testing.assert_allclose(vision.apply(params, pixels), expected, rtol=1e-4, atol=1e-5)


resets = jax.jit(jax.vmap(reset, in_axes=(0, None)))
steps = jax.jit(jax.vmap(step, in_axes=(0, 0, None)))


@pytest.mark.parametrize(
    ("model", "wiring"),
    [("a3c", "accumulating"), ("nalu", "direct"), *(("nac", wiring) for wiring in WIRINGS)],
)
def test_a_rollout_plays_by_the_rules_of_the_world(model, wiring):
    """What was done in a rollout, done again in the environment, gives its rewards and its end."""
    agent = Agent(Vision(2, 3), Core(4, 2, model, wiring))
    pixels = jnp.asarray(pictures())
    params = draw_parameters(agent, pixels)
    key, world, episodes = jax.random.key(2), Params(limit=12), 16
    play = functools.partial(roll_out, agent, world=world, episodes=episodes, steps=12)
    seen = jax.device_get(jax.jit(play)(params, key, pixels))
    key_start, _ = jax.random.split(key)
    state = resets(jax.random.split(key_start, episodes), world)
    running = np.ones(episodes)
    for t in range(12):
        np.testing.assert_array_equal(seen.running[t], running)
        state, brought = steps(state, seen.actions[t], world)
        np.testing.assert_allclose(seen.rewards[t], np.asarray(brought.reward) * running, atol=1e-6)
        np.testing.assert_array_equal(seen.arrived[t], np.asarray(brought.arrived) & (running > 0))
        running = running * ~np.asarray(brought.ended)
    assert running.sum() == 0
    assert 0 < np.asarray(seen.arrived).sum() < episodes
