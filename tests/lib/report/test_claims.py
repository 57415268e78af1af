"""The claims' verdicts on made-up seeds, and what a malformed claim is told."""

import numpy as np
import pytest

from experiments.lib.errors import UserError
from experiments.lib.report import Quantity, claims, paper


def quantity(values_S, row="a+b", column="NAC", *, selected=None, **fields):
    block = fields.pop("block", "static extrapolation")
    return Quantity(
        "table1", block, row, column, "score", np.asarray(values_S, float), f"d-{column}", "cpu", "quick", selected
    )


def claim(row="a+b", column="NAC", relation="<", value="0.05", reference_row="", reference_column="", **fields):
    line = {
        **dict.fromkeys(claims.COLUMNS, ""),
        **{"artefact": "table1", "claim": "c", "section": "4.1", "seen": "sure", "block": "static extrapolation"},
        **{"row": row, "column": column, "metric": "score", "relation": relation, "reference_value": value},
        **{"reference_row": reference_row, "reference_column": reference_column, **fields},
    }
    return ",".join(claims.COLUMNS) + "\n" + ",".join(line[name] for name in claims.COLUMNS) + "\n"


def verdict(text, *quantities):
    (result,) = claims.evaluate(claims.parse(text), list(quantities))
    return result


@pytest.mark.parametrize(
    ("good", "expected"), [(10, "holds"), (9, "holds"), (8, "partly"), (1, "partly"), (0, "fails")]
)
def test_the_verdict_follows_the_share_of_seeds(good, expected):
    result = verdict(claim(), quantity([0.0] * good + [1.0] * (10 - good)))
    assert (result.verdict, result.share, result.seeds) == (expected, good / 10, 10)
    assert result.low <= result.share <= result.high
    assert result.records == ("d-NAC",)


def test_all_quantities_must_hold_in_the_same_seed():
    result = verdict(claim(row="a+b|a-b"), quantity([0, 0, 1, 1]), quantity([1, 0, 0, 1], "a-b"))
    assert result.share == 0.25


def test_a_claim_of_the_selected_seeds_alone_holds_partly():
    good, bad = [0.0] + [1.0] * 99, [1.0] * 100
    assert verdict(claim(), quantity(good, selected=0)).verdict == "partly"
    assert verdict(claim(), quantity(good, selected=1)).verdict == "fails"
    both = verdict(claim(row="a+b|a-b"), quantity(good, selected=0), quantity(bad, "a-b", selected=0))
    assert (both.verdict, both.selected) == ("fails", False)


def test_a_diverged_seed_fails_to_extrapolate():
    assert verdict(claim(), quantity([np.nan, np.inf])).verdict == "fails"
    assert verdict(claim(relation=">", value="5"), quantity([np.nan, np.inf])).verdict == "holds"


def test_columns_and_rows_can_be_held_against_each_other():
    text = claim(column="NALU", value="", reference_column="NAC|None")
    quantities = [quantity([1, 1], column="NALU"), quantity([2, 2]), quantity([2, 0], column="None")]
    assert verdict(text, *quantities).share == 0.5
    text = claim(relation=">", value="", reference_row="a-b")
    assert verdict(text, quantity([3, 3]), quantity([1, 4], "a-b")).share == 0.5


def test_unequal_numbers_of_seeds_are_compared_over_those_they_share():
    text = claim(column="NALU", value="", reference_column="NAC")
    assert verdict(text, quantity([1, 1, 9], column="NALU"), quantity([2, 2])).seeds == 2


def test_a_claim_is_open_while_a_run_that_it_needs_is_missing():
    assert verdict(claim()).verdict == "open"
    half = verdict(claim(row="a+b|a-b"), quantity([0.0]))
    assert (half.verdict, half.share) == ("open", None)
    assert half.missing == ("static extrapolation / a-b / NAC / score",)
    unreferenced = verdict(claim(value="", reference_column="NALU"), quantity([0.0]))
    assert unreferenced.missing == ("static extrapolation / a+b / NALU / score",)


def test_a_star_means_whatever_there_is():
    assert verdict(claim(row="*"), quantity([0.0]), quantity([1.0], "a-b")).share == 0
    assert verdict(claim(row="*", column="NAC|NALU"), quantity([0.0])).verdict == "open"
    assert verdict(claim(row="*")).verdict == "open"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"relation": "="}, "relation is '='"),
        ({"seen": "surely"}, "seen is 'surely'"),
        ({"value": "small"}, "'small'"),
        ({"value": "nan"}, "'nan'"),
        ({"value": ""}, "either a reference_value or"),
        ({"reference_row": "a-b"}, "either a reference_value or"),
        ({"row": ""}, "row is empty"),
        ({"note": "one,too many"}, "14 fields"),
    ],
)
def test_a_malformed_claim_is_told_what_is_wrong_and_where(fields, complaint):
    with pytest.raises(UserError, match=f"claims.csv line 2: .*{complaint}"):
        claims.parse(claim(**fields))


def test_the_papers_claims_speak_of_columns_and_rows_that_exist():
    numbers = {artefact: paper.numbers(artefact) for artefact in ("table1", "figure1")}
    for each in claims.all_claims():
        if each.artefact in numbers and each.seen == "sure":
            blocks, rows, columns, metrics = ({key[i] for key in numbers[each.artefact]} for i in range(4))
            assert blocks >= set(each.block)
            assert metrics >= set(each.metric)
            assert columns >= {*each.column, *each.reference_column}
            assert rows | {"inside [-5, 5]", "outside"} >= {*each.row, *each.reference_row}


def test_the_papers_own_numbers_bear_out_its_claims_of_table_1():
    """The transcription and the thresholds agree: were the paper's figures our seeds, every claim would hold."""
    printed = [
        Quantity("table1", *key, np.array([min(entry.number, 1e6)]), "paper", "", "")
        for key, entry in paper.numbers("table1").items()
    ]
    results = [r for r in claims.evaluate(claims.all_claims(), printed) if r.claim.artefact == "table1"]
    assert len(results) > 25
    for result in results:
        assert result.verdict == ("holds" if result.claim.seen == "sure" else "open"), result.claim.claim
