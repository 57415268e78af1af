"""How far solved networks hold: their error on numbers many times those of training.

Axes: N solved networks, F distances.
"""

import numpy as np

from .artefacts import Curve, Panel

FAR = (1.35, 2.0, 4.0, 10.0, 100.0, 1000.0)  # times the training range
FEWEST = 5  # networks that must have solved something for their median error to be drawn


def far_curve(label: str, error_NF: np.ndarray) -> Curve | None:
    """Returns the median error of the solved networks over the distances at which it is finite; None of too few."""
    if len(error_NF) < FEWEST:
        return None
    median_F = np.median(error_NF, axis=0)
    shown = np.isfinite(median_F)
    return Curve(label, np.array(FAR)[shown], median_F[shown])


def far_panel(title: str, curves: list[Curve | None], y_limits: tuple[float, float]) -> Panel | None:
    """Returns the curves on one axis, or None without any.

    Args:
      y_limits: the same for all panels of a figure, or noise looks large.
    """
    drawn = tuple(curve for curve in curves if curve is not None)
    if not drawn:
        return None
    names = title, "times the training range", "relative error of the solved"
    return Panel(*names, drawn, x_scale="log", y_scale="log", y_limits=y_limits)
