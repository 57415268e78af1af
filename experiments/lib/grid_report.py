"""Figure 5 and its numbers, from the stored records of `tracking_time`.

Axes: S seeds, E evaluations, I instructions.
"""

from typing import Any

import numpy as np

from experiments.lib import paper
from experiments.lib.artefacts import Curve, Figure, Finished, Panel, Quantity, Table
from experiments.lib.quantities import quantity

BLOCK, REWARD, TIME, EXACTLY, ARRIVED = "grid world", "reward", "time of arrival", "exactly in time", "arrived"
ROWS = {
    "none": "A3C", "accumulating": "A3C + NAC", "direct": "A3C + NAC (direct)", "recurrent": "A3C + NAC (recurrent)"
}  # fmt: skip
SELECTED_BY = "reward in training"
SHOWN_FROM = 10  # the paper's axis


def tables(cfg: Any, results: list[Finished], instructions: tuple[int, ...]) -> list[Table]:
    """Returns rewards by instruction, and in the same cells when and how often the agents arrive."""
    found = _found(results)
    quantities = [line for wiring, run in found.items() for line in _quantities(run, wiring, instructions)]
    if not quantities:
        return []
    columns = tuple(f"T = {told}" for told in instructions)
    title = "Figure 5: arriving exactly when told to"
    return [
        Table(
            "figure5", title, (BLOCK,), tuple(ROWS[wiring] for wiring in found), columns, tuple(quantities),
            _notes(cfg), decimals=2, headline="median",
        )
    ]  # fmt: skip


def figures(cfg: Any, results: list[Finished], instructions: tuple[int, ...]) -> list[Figure]:
    """Returns Figure 5: rewards and times of arrival by instruction, and how the agents learnt."""
    found = _found(results)
    return [_by_instruction(cfg, found, instructions), _learning(cfg, found)] if found else []


def _found(results: list[Finished]) -> dict[str, Finished]:
    runs = {run.variant["wiring"]: run for run in results}
    return {wiring: runs[wiring] for wiring in ROWS if wiring in runs}


def _quantities(run: Finished, wiring: str, instructions: tuple[int, ...]) -> list[Quantity]:
    selected = int(np.nan_to_num(run.arrays["training_reward"][:, -1], nan=-np.inf).argmax())
    better = {REWARD: "reward", EXACTLY: "exactly", ARRIVED: "arrived"}
    return [
        quantity(
            run, "figure5", BLOCK, ROWS[wiring], f"T = {told}", metric, run.arrays[name][:, -1, i],
            diverged_S=run.arrays["nonfinite_steps"][:, -1] > 0, selected=selected, selected_by=SELECTED_BY,
            higher_is_better=metric in better,
        )
        for i, told in enumerate(instructions)
        for metric, name in {**better, TIME: "time"}.items()
    ]  # fmt: skip


def _by_instruction(cfg: Any, found: dict[str, Finished], instructions: tuple[int, ...]) -> Figure:
    shown = [i for i, told in enumerate(instructions) if told >= SHOWN_FROM]
    x = np.array([instructions[i] for i in shown], np.float64)
    panels = []
    for name, y_label, limits in (("reward", "mean reward", (-1.05, 1.05)), ("time", "mean time of arrival", None)):
        curves = []
        for wiring, run in found.items():
            values_SI = run.arrays[name][:, -1][:, shown]
            low, middle, high = np.quantile(values_SI, (0.1, 0.5, 0.9), axis=0)
            curves.append(Curve(ROWS[wiring], x, middle, low, high, "extra" if wiring == "accumulating" else "ours"))
        if name == "reward":
            curves += _paper()
        else:
            curves.append(Curve("exactly in time", x, x, style="truth"))
        panels.append(
            Panel(
                "", "T, the time that the agent was told", y_label, tuple(curves), y_limits=limits,
                training_range=(x[0], float(cfg.instructed[1])),
            )
        )  # fmt: skip
    title = f"Figure 5: arriving exactly when told to ({cfg.seeds} seeds)"
    notes = (
        f"Medians over seeds of the mean over {cfg.test_episodes} episodes each of the greedy policy; bands from the "
        "10th to the 90th percentile of the seeds. Thin: the paper's curves, read off its figure.",
    )
    return Figure("figure5", "figure5", title, tuple(panels), notes)


def _paper() -> list[Curve]:
    printed = paper.numbers("figure5")
    curves = []
    for row in dict.fromkeys(key[1] for key in printed):
        entries = [(int(key[2].split()[-1]), entry.number) for key, entry in printed.items() if key[1] == row]
        x, y = np.array(sorted(entries), np.float64).T
        curves.append(Curve(row, x, y, style="paper"))
    return curves


def _learning(cfg: Any, found: dict[str, Finished]) -> Figure:
    x = cfg.episodes * cfg.updates / cfg.evaluations * np.arange(1, cfg.evaluations + 1) / 1000
    curves = []
    for wiring, run in found.items():
        reward_SE = run.arrays["training_reward"]
        low, middle, high = np.quantile(reward_SE, (0.0, 0.5, 1.0), axis=0)
        curves.append(
            Curve(ROWS[wiring], x, middle, low, high, "extra" if wiring == "accumulating" else "ours", each=reward_SE)
        )
    panel = Panel("", "thousand episodes", "mean reward in training", tuple(curves))
    return Figure("figure5", "figure5_learning", f"Learning to arrive in time ({cfg.seeds} seeds)", (panel,))


def _notes(cfg: Any) -> tuple[str, ...]:
    low, high = cfg.instructed
    return (
        f"Mean reward over {cfg.test_episodes} episodes of the greedy policy for each T, which end after "
        f"{cfg.test_limit} steps; in training T is uniform from {low} to {high} and episodes end after {cfg.limit}. "
        "The last update counts; nothing is selected.",
        f"The reward on the target is 1 - {cfg.fall_off:.3g} |T - t|, which the paper's curves imply; 0 for never "
        "arriving. The paper's numbers are read off its figure.",
        f"Synchronous advantage actor-critic, A3C's modern form: {cfg.updates:,} updates of {cfg.episodes} whole "
        f"episodes side by side; LSTM of {cfg.hidden}; T enters at t = 0 only. The NAC's {cfg.counts} outputs add up "
        "over time, n = n + NAC([T, h]), and enter the LSTM beside the pixels' features and T.",
    )
