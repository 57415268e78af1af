"""The agents of the grid world: how they and their episodes are kept, shown and drawn."""

import dataclasses
import functools
import io
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from experiments.lib import suite
from experiments.lib.cli import main
from experiments.lib.engine import machine
from experiments.lib.engine.program import compile_train
from experiments.lib.errors import UserError
from experiments.lib.places import PUBLISHED, ROOT
from experiments.lib.report import Gallery
from experiments.lib.report.figures import drawing
from experiments.lib.store.records import Finished, find
from experiments.tracking_time import episodes, tracking_time, training
from experiments.tracking_time.agent import CLOCK, STARTS, WIRINGS, Agent, Core, Vision, build
from experiments.tracking_time.episodes import roll_out
from experiments.tracking_time.play import measure
from experiments.tracking_time.report import PAPERS, in_training, selected
from experiments.tracking_time.world import CELL, SIDE, Params, pictures
from tests.drawn import draw_parameters

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SMALL = tracking_time.Config(
    seeds=6, hidden=16, features=16, channels=4, updates=4, episodes=32, evaluations=2, test_episodes=64, test_limit=30
)
PIXELS = jnp.asarray(pictures())


def trained(cfg, model):
    """Returns the metrics of training, as a record holds them."""
    program = compile_train(tracking_time.make_train(cfg, model=model), cfg.seeds, jax.local_devices()[:1])
    keys = jax.random.split(jax.random.key(7), cfg.seeds)
    state, legs = program.init(jax.device_put(keys, program.sharding), *program.data), []
    for leg in program.legs:
        state, metrics = leg(state, *program.data)
        legs.append(jax.device_get(metrics))
    return {name: np.stack([metrics[name] for metrics in legs], axis=1) for name in legs[0]}


@pytest.fixture(scope="module")
def records():
    return {model: trained(SMALL, model) for model in (*PAPERS, "nac-restarts")}


@pytest.fixture(scope="module")
def results(records):
    provenance = {"device": "a core", "profile": "smoke", "date": "2026-01-01"}
    return [
        Finished("tracking_time", {"model": model}, arrays, "0123456789abcdef", provenance)
        for model, arrays in records.items()
    ]


def agent_of(records, model):
    agent = build(SMALL, model)
    return agent, episodes.unpack(agent, records[model]["weights"][0, -1])


def test_of_several_starts_the_best_in_training_goes_on(records):
    """The first start is the agent of one start; what is measured changes with a better start, and only then."""
    alone, several = records["nac"], records["nac-restarts"]
    assert several["reward"].shape[1] == STARTS + 1
    reward_SG = several["training_reward"][:, :STARTS]
    np.testing.assert_array_equal(reward_SG[:, 0], alone["training_reward"][:, 0])
    np.testing.assert_array_equal(several["reward"][:, 0], alone["reward"][:, 0])
    best_SG = np.maximum.accumulate(reward_SG, axis=1)
    measured_SGI = several["reward"][:, :STARTS]
    changes_SG = (np.diff(measured_SGI, axis=1) != 0).any(axis=2)
    np.testing.assert_array_equal(changes_SG, np.diff(best_SG, axis=1) > 0)
    assert 0 < changes_SG.sum() < changes_SG.size
    first_S = reward_SG.argmax(axis=1) == 0
    assert 0 < first_S.sum() < 6
    np.testing.assert_array_equal((several["weights"][:, -1] == alone["weights"][:, -1]).all(axis=1), first_S)
    np.testing.assert_array_equal(several["reward"][first_S, -1], alone["reward"][first_S, -1])


def test_the_seed_that_is_shown_is_the_best_of_those_that_went_on():
    reward_SE = np.array([[0.1, 0.2, 0.9, 0.3], [0.4, 0.1, 0.2, 0.5]])
    run = Finished("tracking_time", {"model": "nac-restarts"}, {"training_reward": reward_SE}, "0", {})
    np.testing.assert_array_equal(in_training(run), [[0.9, 0.3], [0.4, 0.5]])
    assert selected(run) == 1
    without = run._replace(arrays={"training_reward": reward_SE[:, :STARTS]})  # one evaluation: no training after it
    assert selected(without) == 0


def test_a_clock_knows_what_is_left_of_the_time_whatever_the_agent_sees():
    """n = n + NAC([T, 1]): with weights that keep T and take 1 away at each step it is T - t, far beyond training."""
    cfg = dataclasses.replace(SMALL, counts=1)
    agent = build(cfg, CLOCK)
    params = draw_parameters(agent, PIXELS)["core"]
    params["nac"] = {"w_hat": jnp.array([[50.0], [-50.0]]), "m_hat": jnp.array([[50.0], [50.0]])}
    memory = agent.core.start(2)
    for t, told in enumerate([[9.0, 400.0], *[[0.0, 0.0]] * 99]):
        seen = jax.random.normal(jax.random.key(t), (2, cfg.features))
        memory, _ = agent.core.apply({"params": params}, memory, seen, jnp.array(told))
        np.testing.assert_array_equal(memory.count_BN[:, 0], np.array([9.0, 400.0]) - t - 1)


def test_with_a_clock_the_time_is_known_by_the_cell_alone():
    agent = build(SMALL, CLOCK)
    params = draw_parameters(agent, PIXELS)["core"]
    blind = {**params, "nac": jax.tree.map(jnp.zeros_like, params["nac"])}
    seen = jax.random.normal(jax.random.key(0), (2, SMALL.features))
    for its, same in ((params, False), (blind, True)):
        _, (logits_BA, _) = agent.core.apply(
            {"params": its}, agent.core.start(2), seen[:1].repeat(2, 0), jnp.array([8.0, 12.0])
        )
        assert bool((logits_BA[0] == logits_BA[1]).all()) is same


def test_what_is_stored_of_an_agent_is_that_agent(records):
    """Its stored weights play the episode that was stored of it, and get the reward that was measured."""
    agent, params = agent_of(records, "nac")
    again = episodes.pack(params)
    np.testing.assert_array_equal(again, records["nac"]["weights"][0, -1])
    world = Params(lowest=10, highest=10, limit=SMALL.test_limit)
    play = functools.partial(roll_out, agent, world=world, episodes=256, steps=SMALL.test_limit, greedy=True)
    seen = jax.jit(play)(params, jax.random.key(1), PIXELS)
    measured = records["nac"]["reward"][0, -1, training.INSTRUCTIONS.index(10)]
    assert float(seen.rewards.sum(axis=0).mean()) == pytest.approx(measured, abs=0.15)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_an_episode_that_is_watched_is_a_walk_to_the_target(wiring):
    """Step by step to a neighbouring cell or none, with one target, and to its end at the latest when time is out."""
    agent = Agent(Vision(2, 3), Core(4, 2, "nac", wiring))
    params = draw_parameters(agent, PIXELS)
    world, ends = Params(lowest=9, highest=9, limit=25), set()
    watch = jax.jit(lambda key: episodes.watch(agent, params, key, PIXELS, world, steps=25))
    for i in range(40):
        episode = episodes.episode(9, np.asarray(watch(jax.random.key(i))))
        agents, targets = np.divmod(np.array(episode.places), SIDE**2)
        assert len(set(targets)) == 1
        assert 0 < episode.time <= 25
        walked = np.abs(np.diff(np.stack(np.divmod(agents, SIDE)), axis=1)).sum(axis=0)
        assert (walked <= 1).all()
        assert (agents[:-1] != targets[:-1]).all()
        assert episode.arrived == (agents[-1] == targets[-1])
        assert episode.reward(world) == pytest.approx(1 - abs(9 - episode.time) / 7 if episode.arrived else 0)
        ends.add(episode.arrived)
    assert False in ends  # an agent that knows nothing


def test_a_milder_start_is_the_same_world_at_the_end(records):
    """What is forgiven at first is not forgiven in what is measured: a reward never lies above 1 - |T - t| / 7."""
    for arrays in records.values():
        told_I = np.array(training.INSTRUCTIONS)
        reward, arrived, time = (arrays[name][:, -1] for name in ("reward", "arrived", "time"))
        bound = 1 - np.abs(told_I - time) / 7  # of means, by the triangle inequality, where all arrive
        assert (reward <= np.where(arrived == 1, bound, 1) + 1e-5).all()


def show(results, **changes):
    options = {"instruction": 13, "model": "nac", "episode": 0, "episodes": 1, **changes}
    console = Console(file=io.StringIO(), width=80, soft_wrap=True)
    tracking_time.play(SMALL, results, console=console, **options)
    return console.file.getvalue()


def test_an_episode_is_printed(results):
    text = show(results, instruction=9)
    assert text.startswith("t = 0")
    assert "Told 9, it" in text and "A3C + NAC, seed" in text
    assert text.count("t = 1 ") == 1
    assert max(map(len, text.splitlines()[:-1])) <= 80
    printed = text.count("t = ") - text.splitlines()[-1].count("t = ")
    letters = "".join(text.splitlines()[:-1])
    assert letters.count("A") == printed
    assert letters.count("X") == printed - ("arrived at" in text)  # at the end the agent stands on it
    assert show(results, instruction=9) == text
    assert show(results, instruction=9, episode=1) != text


def test_many_episodes_are_measured_as_the_figure_measures_them(results):
    told, (run,) = SMALL.test_limit // 2, [run for run in results if run.variant["model"] == "nac"]
    found = measure(SMALL, run, told, episode=5, episodes=512)
    for name, within in (("reward", 0.15), ("arrived", 0.15), ("time", 1.5)):
        np.testing.assert_allclose(found[name], run.arrays[name][:, -1, training.INSTRUCTIONS.index(told)], atol=within)
    text = show(results, instruction=told, episode=5, episodes=512)
    assert f"Told {told}, the agents of {len(found['reward'])} seeds (A3C + NAC) get" in text
    assert f"{np.median(found['reward']):.2f} in the median" in text and "t = 0" not in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"instruction": 0}, r"--T is 0, but must be a number of steps from 1 to 999"),
        ({"episode": -1}, r"--episode is -1, but must be"),
        ({"episodes": 0}, r"--episodes is 0, but must be a number from 1 to 10000"),
        ({"model": "nalu"}, r"No trained agent nalu is here \(there is a3c, nac, nac-restarts\)"),
    ],
)
def test_what_cannot_be_shown_is_told(results, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        show(results, **changes)


def test_where_nothing_is_trained_playing_says_what_to_do(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(machine, "prepare", lambda: None)
    assert main.answer(["play", "figure5", "--T", "15", "--runs-dir", str(tmp_path)]) == 1
    wrong = capfd.readouterr().err
    assert wrong.count("\n") == 1
    assert "train it with `make figure5`" in wrong


def test_the_figure_shows_an_episode_and_moves(results):
    figures = tracking_time.figures(SMALL, results)
    (gallery,) = (figure for figure in figures if isinstance(figure, Gallery))
    by_name = {figure.name: figure for figure in figures}
    assert by_name["figure5"].above[-1].title == gallery.pictures[-1].title  # both end with the episode
    files = drawing.draw(gallery)
    with Image.open(io.BytesIO(files["gif"])) as film:
        assert film.is_animated
        shown = []
        for i in range(film.n_frames):
            film.seek(i)
            shown += [film.convert("RGB")] * max(1, round(film.info["duration"] / 450) if i + 1 < film.n_frames else 1)
    assert len(shown) == len(gallery.pictures)
    red, green, blue = (np.array(shown[0])[..., c].astype(int) for c in range(3))
    assert ((red - green > 150) & (red - blue > 150)).sum() == (5 * CELL) ** 2  # the target, zoomed


def test_the_table_has_every_instruction_and_the_paper(results):
    (table,) = tracking_time.tables(SMALL, results)
    assert table.columns == tuple(f"T = {told}" for told in range(8, 27))
    assert set(table.rows) == {"A3C", "A3C + NAC", "A3C + NAC (restarts)"}
    assert any("Of 18 starts so many had more than 0.3 by then: A3C + NAC (restarts)" in note for note in table.notes)
    rewards = {(q.row, q.column): q for q in table.quantities if q.metric == "reward"}
    assert len(rewards) == 3 * 19
    run = next(run for run in results if run.variant["model"] == "a3c")
    np.testing.assert_allclose(rewards["A3C", "T = 8"].values_S, run.arrays["reward"][:, -1, 0], rtol=5e-3)  # printed


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"instructed": (9, 8)}, r"instructed is 9 8, but must be a lowest and a highest T above zero"),
        ({"limit": 11}, r"limit is 11, but must be at least the highest T, 12"),
        ({"updates": 7, "evaluations": 2}, r"updates is 7, which evaluations = 2 does not divide"),
        ({"wiring": "circular"}, r"wiring has no 'circular'"),
        ({"models": ("lstm",)}, r"models has no 'lstm'"),
        ({"lenience": (1.5, 0.1)}, r"lenience"),
    ],
)
def test_settings_that_cannot_be_are_told(changes, sentence):
    with pytest.raises(UserError, match=sentence):
        tracking_time.Config(**changes)


def test_the_rewards_of_training_start_milder():
    """A fall-off that is forgiven whole gives 1 for every arrival; the same starts and moves otherwise."""
    agent = Agent(Vision(2, 3), Core(4, 2, "a3c", "accumulating"))
    params = draw_parameters(agent, PIXELS)
    milder = training.milder(Params(), (1.0, 0.5), step=jnp.int32(0), updates=10)
    halfway = training.milder(Params(), (1.0, 0.5), step=jnp.float32(2.5), updates=10)
    play = jax.jit(functools.partial(roll_out, agent, episodes=64, steps=20))
    seen, half, full = (
        play(params, jax.random.key(0), PIXELS, world)
        for world in (milder, halfway, training.milder(Params(), (1.0, 0.5), step=jnp.int32(5), updates=10))
    )
    np.testing.assert_array_equal(seen.rewards, seen.arrived)
    np.testing.assert_array_equal(seen.places, full.places)
    np.testing.assert_allclose(half.rewards, (seen.rewards + full.rewards) / 2, atol=1e-6)


def test_what_the_page_says_of_longer_times_is_what_the_published_agents_get():
    text = " ".join((ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8").split())
    clock = re.search(r"Told 30 that agent gets (\S+) in the median and told 40 (\S+), the one", text)
    plain = re.search(r"the one with the paper's NAC (\S+) and (\S+) \(`.*? --T 30 --episodes (\d+)`", text)
    (published,) = suite.experiments("tracking_time", "full")
    for model, said in ((CLOCK, clock), ("nac", plain)):
        run = find(published.results(PUBLISHED), model=model)
        for told, number in zip((30, 40), said.groups(), strict=False):
            reward_S = measure(published.config, run, told, episode=0, episodes=int(plain[3]))["reward"]
            assert float(number) == pytest.approx(np.median(reward_S), abs=0.1)  # another draw of episodes


def test_of_three_starts_every_published_seed_learns_the_training_range():
    (published,) = suite.experiments("tracking_time", "full")
    results = published.results(PUBLISHED)
    learnt = [told <= max(published.config.instructed) for told in training.INSTRUCTIONS]
    for model, learns in (
        (CLOCK, True),
        ("a3c-restarts", True),
        ("nac-restarts", True),
        ("a3c", False),
        ("nac", False),
    ):
        reward_SI = find(results, model=model).arrays["reward"][:, -1, learnt]
        assert bool((reward_SI > 0.98).all()) is learns
