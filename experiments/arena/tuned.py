"""The settings that suit each cell best: what `arena_search` found with the profile full."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from ..lib.config import require
from ..lib.store.records import Finished
from .tasks import FOUR_AT_ONCE, SIMPLE_PRODUCT

NOTE = (
    "Tuned: as published, but for the learning rate and the scale of the start, of which nine choices were compared by "
    "the error inside the training range, on other seeds (`arena_search`)."
)


class Settings(NamedTuple):
    """The learning rate, and what the published start is multiplied by."""

    learning_rate: float
    start: float


TUNED: dict[tuple[str, str], Settings] = {
    ("linear", "a + b"): Settings(0.1, 0.05),
    ("linear", "a - b"): Settings(0.01, 0.3),
    ("nac", "a + b"): Settings(0.1, 0.05),
    ("nac", "a - b"): Settings(0.1, 0.05),
    ("nac_mul", "a * b"): Settings(0.1, 0.05),
    ("nac_mul", "a / b"): Settings(0.1, 0.05),
    ("nac_mul_sigmoid", "a * b"): Settings(0.1, 1),
    ("nalu", "a + b"): Settings(0.1, 0.05),
    ("nalu", "a - b"): Settings(0.1, 0.05),
    ("nalu", "a * b"): Settings(0.1, 0.3),
    ("nalu", "a / b"): Settings(0.1, 0.3),
    ("inalu", "a + b"): Settings(0.01, 0.05),
    ("inalu", "a - b"): Settings(0.01, 0.05),
    ("inalu", "a * b"): Settings(0.1, 1),
    ("inalu", "a / b"): Settings(0.1, 0.05),
    ("inalu_shared", "a + b"): Settings(0.1, 0.3),
    ("inalu_shared", "a - b"): Settings(0.01, 0.05),
    ("inalu_shared", "a * b"): Settings(0.01, 1),
    ("inalu_shared", "a / b"): Settings(0.01, 0.05),
    ("nau", "a + b"): Settings(0.001, 0.05),
    ("nau", "a - b"): Settings(0.001, 0.05),
    ("nmu", "a * b"): Settings(0.001, 1),
    ("snmu", "a * b"): Settings(0.001, 1),
    ("npu", "a * b"): Settings(0.01, 0.05),
    ("npu", "a / b"): Settings(0.001, 0.05),
    ("real_npu", "a * b"): Settings(0.1, 1),
    ("real_npu", "a / b"): Settings(0.01, 0.05),
    ("modified_real_npu", "a * b"): Settings(0.1, 0.3),
    ("modified_real_npu", "a / b"): Settings(0.01, 0.05),
    ("nru", "a * b"): Settings(0.1, 0.05),
    ("nru", "a / b"): Settings(0.1, 1),
    ("nmru", "a * b"): Settings(0.1, 1),
    ("nmru", "a / b"): Settings(0.01, 1),
    ("mc_fc", "a + b"): Settings(0.001, 0.05),
    ("mul_mc_fc", "a * b"): Settings(0.01, 0.3),
    # Pairs of layers of the simple product.
    ("nmu", SIMPLE_PRODUCT): Settings(0.1, 0.3),
    ("nalu", SIMPLE_PRODUCT): Settings(0.1, 0.05),
    ("nac_mul", SIMPLE_PRODUCT): Settings(0.1, 0.3),
    ("nac_mul_sigmoid", SIMPLE_PRODUCT): Settings(0.1, 0.3),
    ("snmu", SIMPLE_PRODUCT): Settings(0.001, 1),
    ("inalu", SIMPLE_PRODUCT): Settings(0.01, 0.05),
    ("real_npu", SIMPLE_PRODUCT): Settings(0.01, 1),
    ("modified_real_npu", SIMPLE_PRODUCT): Settings(0.1, 1),
    ("nmru", SIMPLE_PRODUCT): Settings(0.1, 1),
    ("linear", SIMPLE_PRODUCT): Settings(0.001, 1),
    # Networks of the power unit's simple task.
    ("nalu", FOUR_AT_ONCE): Settings(0.1, 0.05),
    ("inalu", FOUR_AT_ONCE): Settings(0.1, 1),
    ("nmu", FOUR_AT_ONCE): Settings(0.01, 0.3),
    ("npu", FOUR_AT_ONCE): Settings(0.01, 0.05),
    ("real_npu", FOUR_AT_ONCE): Settings(0.01, 1),
    ("modified_real_npu", FOUR_AT_ONCE): Settings(0.01, 0.3),
    ("nmru", FOUR_AT_ONCE): Settings(0.01, 0.05),
    ("nmu_inside", FOUR_AT_ONCE): Settings(0.1, 1),
    ("nalu_biased", FOUR_AT_ONCE): Settings(0.1, 1),
    ("inalu_gated", FOUR_AT_ONCE): Settings(0.1, 0.05),
    ("dense", FOUR_AT_ONCE): Settings(0.01, 1),
}


def runs(names: Iterable[str], operation: str, settings: Collection[str]) -> list[dict[str, Any]]:
    """Returns a run for each name as published and, where the search has found settings for it, tuned.

    Args:
      settings: which of the two, "published" and "tuned".
    """
    found: list[dict[str, Any]] = []
    for name in names:
        if "published" in settings:
            found.append({"cell": name})
        if "tuned" in settings and (name, operation) in TUNED:
            found.append({"cell": name, "settings": "tuned", **TUNED[name, operation]._asdict()})
    return found


def check_settings(cells: Iterable[str], settings: Collection[str]) -> None:
    """Raises a usage error if a cell of the user's own is asked to be tuned alone."""
    for name in cells:
        sentence = f"settings is tuned alone, but no search has been made for {name}: add published."
        require("published" in settings or ":" not in name, sentence)


def settings_of(run: Finished) -> str:
    """Returns which column a run is of; where nothing is said, it is trained as published."""
    return run.variant.get("settings", "published")


def named(artefact: str, settings: str) -> str:
    """Returns the name of a column's files."""
    return artefact if settings == "published" else f"{artefact}_{settings}"
