"""Table 4 with every cell, and its readings: which rate counts, and what seeds are compared with."""

import jax
import numpy as np
import pytest

from experiments.lib.store.records import Finished
from experiments.mnist_parity import mnist_parity, mnist_parity_cells, mnist_parity_readings, networks

CELLS = mnist_parity_cells.Config(seeds=2)


def finished(experiment, accuracy_S, validation_S=(0.0, 0.0), **variant):
    last = {"accuracy": accuracy_S, "validation_accuracy": validation_S, "training_accuracy": accuracy_S}
    arrays = {name: np.float32(values_S)[:, None] for name, values_S in last.items()}
    arrays["nonfinite_steps"] = np.zeros((len(accuracy_S), 1), np.int32)
    return Finished(experiment, variant, arrays, "0", {"device": "cpu", "profile": "smoke"})


def test_a_seed_counts_at_the_rate_with_the_higher_accuracy_on_validation_images():
    usual = {"images": "finite", "layer": "Wx + b"}
    runs = [
        finished("mnist_parity_cells", [70, 71], [50, 51], **usual, factor=1.0),
        finished("mnist_parity_cells", [60, 80], [40, 90], **usual, factor=0.1),
        finished("mnist_parity_cells", [75, 75], **usual | {"layer": "nau"}, factor=1.0),
    ]
    (table,) = mnist_parity_cells.tables(CELLS, runs)
    lines = {(q.row, q.column): q.values_S.tolist() for q in table.quantities}
    assert lines["Wx + b", "test accuracy %"] == [70, 80]
    assert lines["NAU", "gain over Wx + b"] == [5, -5]


def test_a_reading_s_layers_are_compared_with_the_affine_one_seed_by_seed():
    def of(letter, layer, accuracy_S):
        read = mnist_parity_readings.READINGS[letter]._asdict()
        return finished("mnist_parity_readings", accuracy_S, reading=letter, layer=layer, **read)

    runs = [of("B", "Wx + b", [60, 70]), of("B", "NAC", [62, 69]), of("A", "NAC", [80, 90])]
    (table,) = mnist_parity_readings.tables(mnist_parity_readings.Config(seeds=2), runs)
    gains = {(q.row, q.column): q.values_S.tolist() for q in table.quantities if q.block == "gain over Wx + b"}
    assert gains == {("B: Adam, 0.001, PyTorch's start", "NAC (paper 93.1)"): [2, -1]}


def test_every_reading_differs_and_trains_the_paper_s_layers():
    rows = [mnist_parity_readings.row_of(letter) for letter in mnist_parity_readings.READINGS]
    assert len(set(rows)) == len(rows)
    assert set(mnist_parity_readings.LAYERS) == set(networks.LAYERS) - {"NAC + b"}


@pytest.mark.parametrize("letter", ["A", "D"])
def test_a_reading_starts_as_it_says(letter):
    cfg = mnist_parity_readings.Config(digits="uci-digits")
    read = mnist_parity_readings.READINGS[letter]
    train = mnist_parity_readings.make_train(cfg, reading=letter, layer="Wx", **read._asdict())
    state, _ = train.init(jax.random.key(0), *train.data)
    assert ("common" in state.params["convnet"][2]) == (read.start == "He's")
    spread = float(np.std(state.params["layer"]["params"]["w"]))
    assert spread == pytest.approx(1.0 if read.layer_start == "N(0, 1)" else (2 / (32 + 6)) ** 0.5, rel=0.25)


def test_table_4_says_how_large_a_gain_its_seeds_and_more_would_tell_from_none():
    """Gains of -1, 0, 1 have a deviation of 1: three seeds tell 4.303 (Student's t at 97.5 %) over the root of 3."""

    def of(layer, accuracy_S):
        return finished("mnist_parity", accuracy_S, (0.0, 0.0, 0.0), images="fresh", layer=layer)

    affine, nac = of("Wx + b", [80, 85, 90]), of("NAC", [79, 85, 91])
    (table,) = mnist_parity.tables(mnist_parity.Config(seeds=3), [affine, nac])
    (said,) = (note for note in table.notes if "gain of a layer differs" in note)
    assert "by 1.0 points on fresh images" in said
    assert f"its mean must be {4.3027 / 3**0.5:.1f} with 3, {2.0930 / 20**0.5:.1f} with 20, 0.2 with 100 seeds" in said
    (alone,) = mnist_parity.tables(mnist_parity.Config(seeds=3), [nac])
    assert not any("gain of a layer differs" in note for note in alone.notes)
