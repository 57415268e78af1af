"""What an experiment hands to the report: quantities, tables and figures, as plain values.

An experiment's `tables(cfg, results)` and `figures(cfg, results)` return these; they are pure
functions of stored results and work on half-finished stores. Nothing here touches a file.

Axes: S seeds.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..store.records import Finished


class Quantity(NamedTuple):
    """One number of an artefact, over seeds: one line of `tables/<artefact>.csv`.

    Attributes:
      values_S: one value per seed, at the step that `selected_by` chose; NaN or inf where the seed diverged.
      selected: index of the seed that `selected_by` chose, or None where nothing is selected.
      selected_by: what chose it, e.g. "interpolation error"; never the reported data.
      threshold: a seed succeeds if its value is below this; None where success has no meaning.
      diverged: number of seeds that took at least one non-finite step or ended non-finite.
      higher_is_better: an accuracy rather than an error: a seed succeeds at the threshold or above it, and one that
        diverged counts as infinitely bad all the same.
      interval: an interval of another kind than over seeds, e.g. over the rows that the middle seed was tested on.
    """

    artefact: str
    block: str
    row: str
    column: str
    metric: str
    values_S: np.ndarray
    record: str
    device: str
    profile: str
    selected: int | None = None
    selected_by: str = ""
    threshold: float | None = None
    diverged: int = 0
    higher_is_better: bool = False
    interval: tuple[float, float] | None = None


class View(NamedTuple):
    """A grid of some columns of a table, as the repository's README shows it; its rows are the table's.

    Attributes:
      title: what stands above its rows.
      columns: (block, column) of each.
      headers: what stands above each column; its name unless they are given.
      selected: the number is the selected seed's, with the median small beside it; else it is the median.
      share: whether the share of seeds that solve it stands beside the median.
    """

    title: str
    columns: tuple[tuple[str, str], ...]
    headers: tuple[str, ...] = ()
    selected: bool = False
    share: bool = False


class Table(NamedTuple):
    """Quantities laid out as the paper lays them out: one grid of rows by columns for each block.

    Several tables of one artefact (from several experiments) are rendered one after the other into the same files.
    `columns` may hold more than the paper's; those the paper has come first. Missing cells are runs not yet done.
    `decimals` and `cap`: how values print (`>999` above a cap of 999). `paper_factor`: where it is not 1, the paper's
    errors are also shown times this; the notes say why. `front`: how the README shows it, if it does. `glance`: of
    tables whose headline is the share solved, the grid of all of them at a glance that it belongs to, and what it is
    called there.
    """

    artefact: str
    title: str
    blocks: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    notes: tuple[str, ...] = ()
    decimals: int = 1
    cap: float = 999.0
    headline: str = "selected"  # which of ours is compared with the paper's: "selected", "median" or "share" solved
    paper_factor: float = 1.0
    front: tuple[View, ...] = ()
    glance: tuple[str, str] | None = None


class Curve(NamedTuple):
    """A line over x with an optional band; `style` is "ours", "extra" (our own column), "paper", "truth" or "points".

    `each` `[S, X]`, where it is given, has the line of every seed, which is drawn thin.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    style: str = "ours"
    each: np.ndarray | None = None


class Panel(NamedTuple):
    """One set of axes. `training_range` is marked on top of it; `x_names` stand at x = 1, 2, ... instead of numbers."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    training_range: tuple[float, float] | None = None
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    x_scale: str = "linear"
    y_scale: str = "linear"
    x_names: tuple[str, ...] = ()


class Picture(NamedTuple):
    """A picture: `pixels` [H, W, 3] uint8 as they are, or [H, W] with 255 for ink, which is drawn black on white."""

    title: str
    pixels: np.ndarray
    caption: str


class Figure(NamedTuple):
    """Panels side by side, with pictures in a row above them where there are any.

    `name` is the file's name and is the artefact's unless an artefact has several figures.
    """

    artefact: str
    name: str
    title: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()
    above: tuple[Picture, ...] = ()


class Gallery(NamedTuple):
    """Pictures with captions, `columns` side by side: a figure of another kind.

    `moving`: they also follow one another as an animation, each with its title and caption.
    """

    artefact: str
    name: str
    title: str
    pictures: tuple[Picture, ...]
    columns: int = 1
    notes: tuple[str, ...] = ()
    moving: bool = False


class Artefact(NamedTuple):
    """What a store holds of one artefact: its tables and figures, and the finished runs that they are made of."""

    name: str
    tables: list[Table]
    figures: list[Figure | Gallery]
    runs: list[Finished]

    @property
    def quantities(self) -> list[Quantity]:
        return [quantity for table in self.tables for quantity in table.quantities]


def quantities_of(
    run: Finished, artefact: str, *, diverged_S: np.ndarray, selected: int | None = None, selected_by: str = ""
) -> Callable[..., Quantity]:
    """Returns what makes quantities of a run: `of(block, row, column, metric, values_S)`.

    They carry the run's digest, device and profile. `of` also takes `threshold` and `higher_is_better`, which belong to
    a metric; see `Quantity` for all of them.

    Args:
      diverged_S: which seeds took a non-finite step; those whose value is not finite count as well.
    """

    def of(
        block: str,
        row: str,
        column: str,
        metric: str,
        values_S: np.ndarray,
        *,
        threshold: float | None = None,
        higher_is_better: bool = False,
    ) -> Quantity:
        # Accuracies come in float32 and are compared with printed ones: rounded to what float32 is sure of.
        exact_S = np.asarray(values_S, np.float64)
        return Quantity(
            artefact=artefact,
            block=block,
            row=row,
            column=column,
            metric=metric,
            values_S=np.round(exact_S, 4) if higher_is_better else exact_S,
            record=run.digest,
            device=run.provenance["device"],
            profile=run.provenance["profile"],
            selected=selected,
            selected_by=selected_by,
            threshold=threshold,
            diverged=int(np.sum(diverged_S | ~np.isfinite(values_S))),
            higher_is_better=higher_is_better,
        )

    return of
