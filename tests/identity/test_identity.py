"""Figure 1 with cells of the field beside the paper's nonlinearities."""

import numpy as np

from experiments.identity import identity
from experiments.lib.store.records import Finished

LARGEST = np.finfo(np.float32).max


def finished(model, error_SX):
    arrays = {"error_X": np.float32(error_SX)[:, None, None], "nonfinite_steps": np.zeros((len(error_SX), 1, 1), int)}
    provenance = {"device": "cpu", "profile": "smoke", "seeds": len(error_SX)}
    return Finished("identity", {"model": model}, arrays, "0", provenance)


def test_an_error_as_large_as_float32_allows_is_no_infinite_one():
    run = finished("nmu", np.where(np.abs(identity.POINTS_X) > 5, LARGEST, 0.5)[None].repeat(3, axis=0))
    (table,) = identity.tables(identity.Config(), [run])
    lines = {line.row: line for line in table.quantities}
    np.testing.assert_allclose(lines["outside"].values_S, LARGEST, rtol=1e-6)
    np.testing.assert_allclose(lines["inside [-5, 5]"].values_S, 0.5)
    assert {line.column for line in table.quantities} == {"NMU"}


def test_cells_besides_ours_have_a_figure_of_their_own():
    runs = [finished(model, np.full((3, len(identity.POINTS_X)), 2.0)) for model in ("nac", "nalu", "nmu", "npu")]
    first, second = identity.figures(identity.Config(), runs)
    assert [curve.label for curve in first.panels[1].curves] == ["NAC", "NALU"]
    assert [curve.label for curve in second.panels[0].curves] == ["NMU", "NPU"]
    assert len(identity.figures(identity.Config(), runs[:2])) == 1
