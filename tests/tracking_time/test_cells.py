"""Figure 5 with every cell: what is told of the agents, and which have not been run."""

import numpy as np

from experiments.lib.store.records import Finished
from experiments.tracking_time import tracking_time_cells
from experiments.tracking_time.training import INSTRUCTIONS


def test_the_table_and_the_figure_show_who_was_run_and_the_notes_say_who_was_not():
    reward_SI = np.linspace([1.0, 0.8, 0.6], [0.5, 0.4, 0.3], len(INSTRUCTIONS), axis=1)
    arrays = dict.fromkeys(("reward", "exactly", "arrived", "time"), reward_SI[:, None])
    arrays |= {"nonfinite_steps": np.zeros((3, 1), int), "training_reward": np.ones((3, 1))}
    run = Finished("tracking_time_cells", {"model": "nau"}, arrays, "0", {"device": "cpu", "profile": "smoke"})
    cfg = tracking_time_cells.Config(models=("nau",))
    (table,) = tracking_time_cells.tables(cfg, [run])
    first = next(q for q in table.quantities if (q.column, q.metric) == ("T = 8", "reward"))
    assert table.rows == ("A3C + NAU",) and first.values_S.tolist() == [1.0, 0.8, 0.6]
    assert "Not run: A3C, A3C + NAC," in table.notes[-1] and "NAU" not in table.notes[-1].partition("Not run")[2]
    (figure,) = tracking_time_cells.figures(cfg, [run])
    np.testing.assert_allclose(figure.panels[0].curves[0].y, reward_SI[1])
