"""Turns a finished run's arrays into quantities of an artefact.

Axes: S seeds.
"""

import numpy as np

from experiments.lib.report.artefacts import Finished, Quantity


def quantity(
    run: Finished,
    artefact: str,
    block: str,
    row: str,
    column: str,
    metric: str,
    values_S: np.ndarray,
    *,
    diverged_S: np.ndarray,
    selected: int | None = None,
    selected_by: str = "",
    threshold: float | None = None,
    higher_is_better: bool = False,
) -> Quantity:
    """Returns a quantity that carries its run's digest, device and profile; see `Quantity` for the arguments.

    Accuracies come in float32 and are compared with printed ones, so they are rounded to what float32 is sure of.
    """
    return Quantity(
        artefact=artefact,
        block=block,
        row=row,
        column=column,
        metric=metric,
        values_S=np.round(np.asarray(values_S, np.float64), 4)
        if higher_is_better
        else np.asarray(values_S, np.float64),
        record=run.digest,
        device=run.provenance["device"],
        profile=run.provenance["profile"],
        selected=selected,
        selected_by=selected_by,
        threshold=threshold,
        diverged=int(np.sum(diverged_S | ~np.isfinite(values_S))),
        higher_is_better=higher_is_better,
    )
