"""What docs/arena.md says that the board shows is what the published tables say."""

import re

import pandas as pd
import pytest

import nalu
from experiments.lib import suite
from experiments.lib.places import PUBLISHED as PUBLISHED_RECORDS
from experiments.lib.places import ROOT
from experiments.lib.store.records import find

TEXT = " ".join((ROOT / "docs" / "arena.md").read_text(encoding="utf-8").split())
PUBLISHED, TUNED = "single module, as published", "single module, tuned"
PRODUCT_TUNED, TEN, TEN_TUNED = "simple product, tuned", "single module of 10", "single module of 10, tuned"
MINIMAL, MINIMAL_TUNED, RANGES = "minimal arithmetic", "minimal arithmetic, tuned", "arithmetic function, ranges"


@pytest.fixture(scope="module")
def solved():
    """The percent of seeds and ranges that are solved: (protocol, cell and operation, tolerance)."""
    board = pd.read_csv(ROOT / "results" / "tables" / "arena.csv", keep_default_na=False)
    board = board[board["metric"] == "solved %"]
    places = zip(board["block"].str.removesuffix(", over the tolerance"), board["row"], board["column"], strict=True)
    return dict(zip(places, board["median"].astype(float), strict=True))


# (what the page says, with a place for a percentage; where that stands on the board)
SENTENCES = (
    ("At 1e-5 the multiplying NAC divides in {} of seeds", (PUBLISHED, "NAC mul: a / b", "1e-05")),
    ("at 1e-4 it divides in {},", (PUBLISHED, "NAC mul: a / b", "0.0001")),
    ("at 1e-3 in {}.", (PUBLISHED, "NAC mul: a / b", "0.001")),
    ("its products: {} at 1e-5", (PUBLISHED, "NAC mul: a * b", "1e-05")),
    ("at 1e-5, {} at 1e-3.", (PUBLISHED, "NAC mul: a * b", "0.001")),
    ("it divides in {} at 1e-5 and in", ("arithmetic function", "NAC, NAC mul: a / b", "1e-05")),
    ("at 1e-5 and in {} at 1e-2,", ("arithmetic function", "NAC, NAC mul: a / b", "0.01")),
    ("and multiplies in {} and", ("arithmetic function", "NAC, NAC mul: a * b", "1e-05")),
    ("and {}. - **Hardly anything", ("arithmetic function", "NAC, NAC mul: a * b", "0.01")),
    ("NAU with RealNPU in {}, with the", ("arithmetic function", "NAU, RealNPU: a / b", "0.01")),
    ("modified one in {}, with NMRU", ("arithmetic function", "NAU, RealNPU modified: a / b", "0.01")),
    ("with NMRU in {}, two", ("arithmetic function", "NAU, NMRU: a / b", "0.01")),
    ("two NALUs in {},", ("arithmetic function", "NALU, NALU: a / b", "0.01")),
    ("at that tolerance in {},", ("arithmetic function", "NAU, RealNPU: a * b", "0.01")),
    ("94 %, {}, 48", ("arithmetic function", "NAU, RealNPU modified: a * b", "0.01")),
    ("32 %, {}, 16", ("arithmetic function", "NAU, NMRU: a * b", "0.01")),
    ("two iNALUs in {}.", ("arithmetic function", "iNALU, iNALU: a / b", "0.01")),
    ("48 %, {} and", ("arithmetic function", "NALU, NALU: a * b", "0.01")),
    ("16 % and {}, NAU with sNMU", ("arithmetic function", "iNALU, iNALU: a * b", "0.01")),
    ("sNMU in {}; at", ("arithmetic function", "NAU, sNMU: a * b", "0.01")),
    ("only NAU with NMU does, in {},", ("arithmetic function", "NAU, NMU: a * b", "1e-05")),
    ("from U[0, 1] in {}, where", (RANGES, "NAU, NMU: U[0, 1]", "1e-05")),
    ("with sigmoid weights does in {}, too, from", (RANGES, "NAC, NAC mul sigmoid: U[0, 1]", "1e-05")),
    ("from U[-2, 2] in {} and", (RANGES, "NAU, NMU: U[-2, 2]", "1e-05")),
    ("from U[0.1, 0.2] in {}.", (RANGES, "NAU, NMU: U[0.1, 0.2]", "1e-05")),
    ("as published, and in {} at 1e-3.", (RANGES, "NAU, NMU: U[1.1, 1.2]", "0.001")),
    ("and multiply in {} there,", (RANGES, "NAC, NAC mul: U[-2, 2]", "0.1")),
    ("Two NALUs multiply in {} from every", (RANGES, "NALU, NALU: U[1, 2]", "1e-05")),
    ("best from U[-2, -1], in {}.", (RANGES, "NALU, NALU: U[-2, -1]", "0.01")),
    ("a learning rate of 1e-3 it solves {} of sums", (PUBLISHED, "NAC: a + b", "1e-05")),
    ("chosen by validation, {}.", (TUNED, "NAC: a + b", "1e-05")),
    ("The multiplying NAC divides in {}, tuned", (PUBLISHED, "NAC mul: a / b", "1e-05")),
    ("tuned in {}.", (TUNED, "NAC mul: a / b", "1e-05")),
    ("NAC divides two of ten in {}, and no cell", (TEN, "NAC mul: a / b", "1e-05")),
    ("again, NAC adds in {} and", (MINIMAL, "NAC: a + b", "1e-05")),
    ("subtracts in {}, tuned", (MINIMAL, "NAC: a - b", "1e-05")),
    ("70 %, tuned in {} and", (MINIMAL_TUNED, "NAC: a + b", "1e-05")),
    ("tuned in 100 % and {}. - **Two layers", (MINIMAL_TUNED, "NAC: a - b", "1e-05")),
    ("Tuned, it adds two of ten in {},", (TEN_TUNED, "iNALU: a + b", "1e-05")),
    ("subtracts in {} and", (TEN_TUNED, "iNALU: a - b", "1e-05")),
    ("and multiplies in {}, as published in", (TEN_TUNED, "iNALU: a * b", "1e-05")),
    ("as published in {}, 23 %", (TEN, "iNALU: a + b", "1e-05")),
    ("23 %, {} and 11", (TEN, "iNALU: a - b", "1e-05")),
    ("23 % and {}. NAC adds", (TEN, "iNALU: a * b", "1e-05")),
    ("NAC adds in {} (as", (TEN_TUNED, "NAC: a + b", "1e-05")),
    ("(as published {}), while", (TEN, "NAC: a + b", "1e-05")),
    ("as before: {},", (TEN_TUNED, "NMRU: a / b", "1e-05")),
    ("86 %, {} and 89", (TEN_TUNED, "NRU: a / b", "1e-05")),
    ("44 % and {}. What is best", (TEN_TUNED, "NAC mul: a / b", "1e-05")),
    ("a linear layer adds in {} as", (TEN, "linear: a + b", "1e-05")),
    ("ten times the rate, in {}, and", (TEN_TUNED, "linear: a + b", "1e-05")),
    ("78 %, and in {} at 1e-4", (TEN_TUNED, "linear: a + b", "0.0001")),
    ("divides in {}, RealNPU", (MINIMAL_TUNED, "NAC mul: a / b", "1e-05")),
    ("RealNPU in {}, NPU", (MINIMAL_TUNED, "RealNPU: a / b", "1e-05")),
    ("NPU in {} and NALU", (MINIMAL_TUNED, "NPU: a / b", "1e-05")),
    ("and NALU in {} of", (MINIMAL_TUNED, "NALU: a / b", "1e-05")),
    ("tuned iNALU does in {} and", (MINIMAL_TUNED, "iNALU: a / b", "1e-05")),
    ("and NMRU in {}. - **Tuned by", (MINIMAL_TUNED, "NMRU: a / b", "1e-05")),
    ("the simple product in {} of seeds, as", (PRODUCT_TUNED, "NALU, NALU: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05")),
    ("as published in {}; NAC with", ("simple product", "NALU, NALU: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05")),
    (
        "the multiplying NAC in {}, as published",
        (PRODUCT_TUNED, "NAC, NAC mul: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05"),
    ),
    ("as published in {}; NAU with", ("simple product", "NAC, NAC mul: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05")),
    ("two iNALUs in {} and", (PRODUCT_TUNED, "NAU, NMU: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05")),
    ("NAU with NMRU solves {} as", ("simple product", "NAU, NMRU: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05")),
    ("tuned {} at 1e-3", (PRODUCT_TUNED, "NAU, NMRU: (x1 + x2 + x3 + x4) (x1 + x2)", "0.001")),
    ("and {} at 1e-5. - **Among ten", (PRODUCT_TUNED, "NAU, NMRU: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05")),
    ("100 % and {}. What the search", (PRODUCT_TUNED, "iNALU, iNALU: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05")),
    ("in every range: {} and", (PUBLISHED, "linear: a + b", "1e-05")),
    ("and {}. A cell that does not", (PUBLISHED, "linear: a - b", "1e-05")),
    ("NMRU multiplies two numbers in {} of", (PUBLISHED, "NMRU: a * b", "1e-05")),
    ("behind an NAU solves {} of", ("simple product", "NAU, NMRU: (x1 + x2 + x3 + x4) (x1 + x2)", "1e-05")),
    ("NRU divides two numbers in {} (rounded)", (PUBLISHED, "NRU: a / b", "1e-05")),
    ("and two of ten in {};", (TEN, "NRU: a / b", "1e-05")),
    ("of ten, NMRU divides two in {},", (TEN, "NMRU: a / b", "1e-05")),
    ("NMU multiplies two numbers in {}, two", (PUBLISHED, "NMU: a * b", "1e-05")),
    ("two of ten in {}, sNMU", (TEN, "NMU: a * b", "1e-05")),
    ("sNMU in {}. MC-FC", (TEN, "sNMU: a * b", "1e-05")),
    ("MC-FC adds two in {}, two", (PUBLISHED, "MC-FC: a + b", "1e-05")),
    ("two of ten in {}, for with", (TEN, "MC-FC: a + b", "1e-05")),
    ("NAU does in {}. - **Numbers", (TEN, "NAU: a + b", "1e-05")),
    ("the modified RealNPU in {}. NMU", (TEN, "RealNPU, modified: a / b", "1e-05")),
    ("NMRU divides in {} of seeds and sets", (MINIMAL, "NMRU: a / b", "1e-05")),
    ("iNALU in {},", (MINIMAL, "iNALU: a / b", "1e-05")),
    ("NRU in {}, the", (MINIMAL, "NRU: a / b", "1e-05")),
    ("the modified RealNPU in {} and", (MINIMAL, "RealNPU, modified: a / b", "1e-05")),
    ("and RealNPU in {}.", (MINIMAL, "RealNPU: a / b", "1e-05")),
)


def test_the_limit_of_minimal_arithmetic_s_authors_gives_the_same_order(solved):
    cells = ("NMRU", "iNALU", "NRU", "RealNPU, modified", "RealNPU")
    board = pd.read_csv(ROOT / "results" / "tables" / "arena.csv", keep_default_na=False)
    successes = board.set_index(["block", "column", "metric", "row"])["success"].sort_index()
    theirs = successes[MINIMAL, "a / b", "mean squared error"].astype(float)
    for order in (theirs.get, lambda cell: solved[MINIMAL, f"{cell}: a / b", "1e-05"]):
        assert sorted(cells, key=order, reverse=True) == list(cells)


@pytest.mark.parametrize(("words", "place"), SENTENCES, ids=[f"{words} {place[1]}" for words, place in SENTENCES])
def test_a_finding_is_what_the_board_says(words, place, solved):
    assert words.format(f"{solved[place]:.0f} %") in TEXT


def test_of_100_inputs_one_pair_multiplies_and_none_divides_at_the_protocols_tolerance(solved):
    ends = {operation: [] for operation in ("a * b", "a / b")}
    for protocol, row, tolerance in solved:
        pair, _, operation = row.partition(": ")
        if protocol == "arithmetic function" and tolerance == "1e-05" and operation in ends:
            ends[operation] += [pair] * (solved[protocol, row, tolerance] > 0)
    assert ends == {"a * b": ["NAU, NMU"], "a / b": []}
    assert solved[RANGES, "NAU, NMU: U[1.1, 1.2]", "1e-05"] == 0
    assert solved[RANGES, "NAC, NAC mul sigmoid: U[-2, 2]", "0.1"] == 0
    nalu = {key: share for key, share in solved.items() if key[0] == RANGES and key[1].startswith("NALU, NALU: ")}
    assert {share for key, share in nalu.items() if key[2] == "1e-05"} == {0}
    at_a_hundredth = {key[1]: share for key, share in nalu.items() if key[2] == "0.01"}
    assert len(at_a_hundredth) == 7 and max(at_a_hundredth, key=at_a_hundredth.get) == "NALU, NALU: U[-2, -1]"


def test_before_and_after_tuning_the_same_cells_divide_two_of_ten_as_often(solved):
    for cell in ("NMRU", "NRU", "NAC mul"):
        rates = [solved[protocol, f"{cell}: a / b", "1e-05"] for protocol in (TEN, TEN_TUNED)]
        assert abs(rates[0] - rates[1]) < 1


def test_no_cell_divides_two_of_ten_more_often_than_the_multiplying_nac(solved):
    shares = {
        row: share for (protocol, row, tolerance), share in solved.items() if protocol == TEN and tolerance == "1e-05"
    }
    quotients = {row: share for row, share in shares.items() if row.endswith(": a / b")}
    assert len(shares) == 35 and max(quotients, key=quotients.get) == "NAC mul: a / b"


def test_of_the_field_s_cells_in_table_1_and_of_the_nalu_the_page_says_what_the_tables_do():
    table = pd.read_csv(ROOT / "results" / "tables" / "table1.csv", keep_default_na=False)
    its = table[table["block"].str.endswith("extrapolation, every cell") & table["column"].isin(["a*b", "a/b"])]
    success = 100 * its["success"].astype(float)
    halves = [its["block"].str.startswith(half) for half in ("static", "recurrent")]
    others = ~its["row"].str.match(r"NAC$|NALU")
    cells = [success[half & others].max() for half in halves]
    nalu = [success[half & (its["row"] == "NALU")].min() for half in halves]
    (glorot,) = {success[its["row"] == "NALU (Glorot, Adam)"].max()}
    assert f"in at most {cells[0]:.0f} % of seeds; over time in at most {cells[1]:.0f} %." in TEXT
    assert f"does in at least {nalu[0]:.0f} %, over time in at least {nalu[1]:.0f} %;" in TEXT
    assert f"from a Glorot start in {glorot:.0f} %." in TEXT
    loosened = success[halves[1] & (its["row"] == "NALU (loosened)")].min()
    assert f"from weights that can move again it does over time in at least {loosened:.0f} %." in TEXT
    far = pd.read_csv(ROOT / "results" / "figures" / "table1_far.csv")
    far = far[(far.iloc[:, 1] == "NALU") & (far["x"] == 1000)]["y"]
    assert "1000 times those of training its errors stay below 1 %." in TEXT
    assert len(far) == 6 and far.max() < 0.01


def test_of_the_cells_in_figure_1_the_page_says_what_the_table_does():
    table = pd.read_csv(ROOT / "results" / "tables" / "figure1.csv", keep_default_na=False)
    outside = table[table["row"] == "outside"].set_index("column")
    off = outside["median"].astype(float)
    assert all(off[cell] <= 0.01 for cell in ("NAC", "MC-FC", "NAU", "iNALU", "iNALU shared"))
    real, modified, nalu = (off[cell] for cell in ("RealNPU", "RealNPU modified", "NALU"))
    assert f"RealNPU by {real:.2f}, the modified RealNPU by {modified:.2f}, NALU by {nalu:.2f}." in TEXT
    assert "NMU, sNMU, NMRU and the multiplying NAC with sigmoid weights end beyond what float32 holds" in TEXT
    every = outside.index[outside["diverged"] == 100]
    assert set(every) == {"NMU", "sNMU", "NMRU", "NAC mul sigmoid"}


def test_of_the_cells_in_table_2_the_page_says_what_the_table_does():
    table = pd.read_csv(ROOT / "results" / "tables" / "table2_cells.csv")
    named = table[table["column"] == "length 1"].pivot(index="row", columns="block", values="median").round(2)
    counting, addition = named["counting"], named["addition"]
    mcfc = counting.pop("MC-FC")
    assert f"{counting.min():.1f} % of the images and more are named rightly, but for MC-FC's {mcfc:.1f} %." in TEXT
    assert f"NAU is right most often ({addition['NAU']:.1f} %)" in TEXT and addition["NAU"] == addition.max()
    assert addition[["NAC", "NALU"]].min() > addition["NAU"] - 1
    stay = addition[["NMU", "sNMU", "NAC mul sigmoid"]]
    assert f"stay at {stay.max()} %, since no product" in TEXT and stay.min() == stay.max()


def test_of_the_cells_in_table_3_the_page_says_what_the_table_does():
    table = pd.read_csv(ROOT / "results" / "tables" / "table3_cells.csv")
    its = table[(table["column"] == "test") & (table["metric"] == "mean absolute error")]
    ones, thousands = (its[its["block"] == f"in units of {unit}"].set_index("row")["median"] for unit in (1, 1000))
    said = {"LSTM + NALU": "NALU errs by {:.2f} in", "LSTM + NAC mul": "multiplying NAC by {:.2f},"}
    said |= {"LSTM + RealNPU": "RealNPU by {:.2f},", "LSTM + NPU": "NPU by {:.2f},", "LSTM": "layer by {:.2f}, and"}
    for row, words in said.items():
        assert words.format(ones.pop(row)) in TEXT
    assert len(ones) == 12 and ones.min() > 460
    assert f"the linear layer errs least, by {thousands['LSTM']:.2f}." in TEXT and thousands["LSTM"] == thousands.min()


def test_of_the_cells_in_figure_5_the_page_says_what_the_table_does():
    table = pd.read_csv(ROOT / "results" / "tables" / "figure5_cells.csv")
    reward = table[table["metric"] == "reward"].pivot(index="row", columns="column", values="median")
    told = reward["T = 18"].map("{:.2f}".format)
    said = (
        "NAC gets {} in the median, with NAU {}, with iNALU shared {}, MC-FC {}, iNALU {}.",
        "NPU {}, NMU, sNMU and the multiplying NAC with sigmoid weights {}, modified RealNPU {}, RealNPU {}, Mul MC-FC "
        "{},",
    )
    rows = ("NAC", "NAU", "iNALU shared", "MC-FC", "iNALU"), ("NPU", "NMU", "RealNPU modified", "RealNPU", "Mul MC-FC")
    for sentence, cells in zip(said, rows, strict=True):
        assert sentence.format(*(told[f"A3C + {cell}"] for cell in cells)) in TEXT
    assert told["A3C + NMU"] == told["A3C + NAC mul sigmoid"] == told["A3C + sNMU"]
    assert f"where the usual agent gets {told['A3C']}." in TEXT
    assert len(reward) == 1 + len(nalu.CELLS)
    assert reward.loc[["A3C + NALU", "A3C + NMRU", "A3C + NAC mul", "A3C + NRU"], "T = 12"].max() < 0.1
    (published,) = suite.experiments("tracking_time_cells", "full")
    nru = find(published.results(PUBLISHED_RECORDS), model="nru").arrays["training_reward"][:, -1]
    assert "With NRU two of three do in training" in TEXT and (nru > 0.9).sum() == 2


def test_of_the_cells_in_table_4_the_page_says_what_the_table_does():
    table = pd.read_csv(ROOT / "results" / "tables" / "table4_cells.csv")
    named = table[table["column"] == "test accuracy %"].set_index("row")["median"]
    stuck = named[["sNMU", "NRU", "NMRU", "NAC mul sigmoid"]]
    assert f"does ({stuck.max():.1f} % in the median)" in TEXT and stuck.min() == stuck.max()
    affine, nmu, nac, mc_fc = (named.pop(row) for row in ("Wx + b", "NMU", "NAC mul", "Mul MC-FC"))
    as_good = named.drop(stuck.index)
    assert f"({affine:.1f} % in the median): from {as_good.min():.1f} to {as_good.max():.1f} %." in TEXT
    assert "within three points of the affine layer" in TEXT and (as_good - affine).abs().max() < 3
    assert f"({nmu:.1f} % in the median); the other multiplying NAC ({nac:.1f} %)" in TEXT
    assert f"and Mul MC-FC ({mc_fc:.1f} %) end between" in TEXT and stuck.max() < mc_fc < nac < nmu < as_good.min()
    (published,) = suite.experiments("mnist_parity_cells", "full")
    results = published.results(PUBLISHED_RECORDS)
    accuracy = {rate: find(results, layer="nmu", factor=rate).arrays["accuracy"][:, -1] for rate in (1.0, 0.1)}
    assert (accuracy[1.0] < 34).all() and (accuracy[0.1] > 34).sum() == 2 and "in two of three seeds" in TEXT


def test_every_number_of_the_findings_is_checked():
    of_the_board = re.search(r"## Findings (.*?) - \*\*Where the sums", TEXT)[1]
    assert len(re.findall(r"\d+ %", of_the_board)) == len(SENTENCES)


def test_what_is_said_to_differ_from_the_published_is_what_the_board_shows_to_differ():
    board = pd.read_csv(ROOT / "results" / "tables" / "arena.csv", keep_default_na=False)
    beside = board[board["block"].str.endswith("beside the published")].set_index(["block", "row", "column"])["median"]
    rates = beside.unstack().astype(float)
    rates["row"] = rates.index.get_level_values("row")
    differ = rates[rates["p"] < 0.05].set_index("row")[["ours %", "published %"]].round().astype(int)
    said = {"Mul MC-FC: a * b in 5 ranges": None, "iNALU: a * b in 2 ranges": None}  # in words
    for cell, sentence in {
        "iNALU": "{0} % of products and {1} % of quotients, published {2} and {3} %;",
        "iNALU, shared": "{2} % of differences, {0} % of products and {1} % of quotients, published "
        "{5}, {3} and {4} %.",
    }.items():
        rows = [f"{cell}: {operation} in all ranges" for operation in ("a * b", "a / b", "a - b")]
        rows = [row for row in rows if row in differ.index]
        assert sentence.format(*differ.loc[rows, "ours %"], *differ.loc[rows, "published %"]) in TEXT
        said |= dict.fromkeys(rows)
    assert set(differ.index) == set(said)
    apart = rates["apart"].dropna()
    assert f"{(apart <= 3).sum()} of {len(apart)} mean errors are within three standard errors" in TEXT
    numbers = rates.dropna(subset="apart").set_index("row")[["our mean", "published mean"]]
    assert "(x / y {:.2f}, published {:.2f})".format(*numbers.loc["sigmoid 10, 10: x / y"]) in TEXT
    simple = board[(board["block"] == "power unit's simple task") & (board["column"] == "x + y")]
    sums = simple[simple["metric"] == "mean absolute error"].set_index("row")["median"].astype(float)
    own, theirs = sums["iNALU, iNALU"], sums["iNALU with gates of x, twice"]
    assert f"iNALU adds better ({own:.2f} in the median, not {theirs:.2f})" in TEXT


def test_of_the_tuned_simple_task_the_page_says_what_the_tables_do():
    board = pd.read_csv(ROOT / "results" / "tables" / "arena.csv", keep_default_na=False)
    inside = pd.read_csv(ROOT / "results" / "tables" / "arena_npu_simple.csv", keep_default_na=False)
    both = pd.concat([board, inside])
    both = both[both["metric"] == "mean absolute error"].set_index(["block", "row", "column"])["median"].astype(float)
    published, tuned = "power unit's simple task", "power unit's simple task, tuned"
    inalu, gated, two = "iNALU, iNALU", "iNALU with gates of x, twice", "NALU, NALU"
    three = ("x + y", "x y", "x / y")
    assert (
        "by {:.3f} in x + y, {:.3f} in x y and {:.3f} in x / y, in".format(*(both[tuned, inalu, o] for o in three))
        in TEXT
    )
    assert "as published by {:.3f}, {:.3f} and {:.3f}.".format(*(both[published, inalu, o] for o in three)) in TEXT
    assert (
        f"err by {both[tuned, gated, 'x + y']:.3f} in x + y, as published by {both[published, gated, 'x + y']:.3f},"
        in TEXT
    )
    assert both["tuned, inside the training range", gated, "x + y"] < 1e-3 and "less than 0.001 inside" in TEXT
    assert f"two NALUs by {both[tuned, two, 'x + y']:.3f}, as published by {both[published, two, 'x + y']:.3f}." in TEXT


def test_what_an_early_penalty_leaves_is_what_the_table_says():
    table = pd.read_csv(ROOT / "results" / "tables" / "arena_minimal_arithmetic.csv", keep_default_na=False)
    early = table[(table["column"] == "iNALU, early penalty") & (table["block"] == "a * b")]
    left = early[early["metric"] == "mean squared error"].set_index("row")["success"].astype(float)
    said = f"({100 * left['N(-4, 2)']:.0f} and {100 * left['E(0.2)']:.0f} % are left)"
    assert said in TEXT
