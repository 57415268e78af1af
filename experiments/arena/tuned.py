"""The settings that suit each cell best: what `arena_search` found with the profile full."""

from typing import NamedTuple


class Settings(NamedTuple):
    """The learning rate, and what the published start is multiplied by."""

    learning_rate: float
    start: float


TUNED: dict[tuple[str, str], Settings] = {
    ("nac", "a + b"): Settings(0.1, 0.05),
    ("nac", "a - b"): Settings(0.1, 0.05),
    ("nalu", "a + b"): Settings(0.1, 0.05),
    ("nalu", "a - b"): Settings(0.1, 0.05),
    ("nalu", "a * b"): Settings(0.1, 0.3),
    ("nalu", "a / b"): Settings(0.1, 0.3),
    ("nac_mul", "a * b"): Settings(0.1, 0.05),
    ("nac_mul", "a / b"): Settings(0.1, 0.05),
}
