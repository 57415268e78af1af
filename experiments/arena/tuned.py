"""The settings that suit each cell best: what `arena_search` found with the profile full."""

from typing import NamedTuple

from .tasks import FOUR_AT_ONCE, SIMPLE_PRODUCT


class Settings(NamedTuple):
    """The learning rate, and what the published start is multiplied by."""

    learning_rate: float
    start: float


def key_of_ten(operation: str) -> str:
    """Returns what the search calls an operation on two of ten inputs."""
    return f"{operation} of ten"


def key_of_minimal(operation: str) -> str:
    """Returns what the search calls an operation in minimal arithmetic."""
    return f"{operation}, minimal arithmetic"


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
    # One layer of ten inputs.
    ("linear", key_of_ten("a + b")): Settings(0.01, 0.3),
    ("linear", key_of_ten("a - b")): Settings(0.01, 0.3),
    ("nac", key_of_ten("a + b")): Settings(0.1, 0.3),
    ("nac", key_of_ten("a - b")): Settings(0.1, 0.05),
    ("nac_mul", key_of_ten("a * b")): Settings(0.1, 1),
    ("nac_mul", key_of_ten("a / b")): Settings(0.1, 0.05),
    ("nac_mul_sigmoid", key_of_ten("a * b")): Settings(0.1, 1),
    ("nalu", key_of_ten("a + b")): Settings(0.1, 0.05),
    ("nalu", key_of_ten("a - b")): Settings(0.1, 0.05),
    ("nalu", key_of_ten("a * b")): Settings(0.1, 0.05),
    ("nalu", key_of_ten("a / b")): Settings(0.1, 0.05),
    ("inalu", key_of_ten("a + b")): Settings(0.1, 1),
    ("inalu", key_of_ten("a - b")): Settings(0.1, 0.3),
    ("inalu", key_of_ten("a * b")): Settings(0.1, 0.3),
    ("inalu", key_of_ten("a / b")): Settings(0.1, 0.05),
    ("inalu_shared", key_of_ten("a + b")): Settings(0.1, 1),
    ("inalu_shared", key_of_ten("a - b")): Settings(0.1, 0.3),
    ("inalu_shared", key_of_ten("a * b")): Settings(0.1, 0.3),
    ("inalu_shared", key_of_ten("a / b")): Settings(0.1, 0.05),
    ("nau", key_of_ten("a + b")): Settings(0.1, 0.3),
    ("nau", key_of_ten("a - b")): Settings(0.1, 0.05),
    ("nmu", key_of_ten("a * b")): Settings(0.1, 1),
    ("snmu", key_of_ten("a * b")): Settings(0.001, 0.3),
    ("npu", key_of_ten("a * b")): Settings(0.01, 0.05),
    ("npu", key_of_ten("a / b")): Settings(0.01, 1),
    ("real_npu", key_of_ten("a * b")): Settings(0.1, 0.3),
    ("real_npu", key_of_ten("a / b")): Settings(0.01, 0.3),
    ("modified_real_npu", key_of_ten("a * b")): Settings(0.1, 1),
    ("modified_real_npu", key_of_ten("a / b")): Settings(0.01, 0.3),
    ("nru", key_of_ten("a * b")): Settings(0.001, 1),
    ("nru", key_of_ten("a / b")): Settings(0.001, 0.3),
    ("nmru", key_of_ten("a * b")): Settings(0.01, 0.3),
    ("nmru", key_of_ten("a / b")): Settings(0.01, 1),
    ("mc_fc", key_of_ten("a + b")): Settings(0.01, 0.3),
    ("mul_mc_fc", key_of_ten("a * b")): Settings(0.1, 0.05),
}
