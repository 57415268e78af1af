"""What is refused of a table, with the names of the columns and what to put before."""

from __future__ import annotations

from typing import Any

import numpy as np

SHOWN = 5


def check(table: Any) -> None:
    """Refuses text and missing or infinite values of a DataFrame; arrays are left to scikit-learn's own check.

    Raises:
      ValueError: it has such columns; the sentence names them and the transformer to put before.
    """
    if not (hasattr(table, "columns") and hasattr(table, "dtypes")):
        return
    names = [str(name) for name in table.columns]
    values = [np.asarray(table.iloc[:, i]) if hasattr(table, "iloc") else None for i in range(len(names))]
    text = [name for name, column in zip(names, values, strict=True) if _holds_text(column)]
    if text:
        raise ValueError(
            f"{_listed(text)} text, which is no number: put sklearn.preprocessing.OneHotEncoder before "
            "(for those columns, with sklearn.compose.ColumnTransformer), or leave them out."
        )
    missing = [name for name, column in zip(names, values, strict=True) if column is not None and _is_missing(column)]
    if missing:
        raise ValueError(
            f"{_listed(missing)} missing or infinite values (NaN, inf): put sklearn.impute.SimpleImputer before "
            "(for instance with sklearn.pipeline.make_pipeline)."
        )


def _holds_text(column: Any) -> bool:
    if column is None or column.dtype.kind in "fiub":
        return False
    if column.dtype.kind in "USMm":
        return True
    return any(isinstance(value, str) for value in column.ravel())


def _is_missing(column: np.ndarray) -> bool:
    if column.dtype.kind == "f":
        return not np.isfinite(column).all()
    return column.dtype.kind == "O" and any(value is None or value != value for value in column)


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"Column {shown} holds" if len(names) == 1 else f"Columns {shown}{more} hold"
