"""Files as people have them: each is read, or refused in one sentence that says what to do."""

import numpy as np
import pandas
import pytest

from experiments.lib.errors import UserError
from experiments.tabular import columns, table_file

ROWS = [(0.5 + i, 2.25 * i, 3.0 * i + 1) for i in range(40)]
NAMES = ("width", "heat", "strength")


def text(separator=",", decimal=".", names=NAMES, rows=ROWS):
    lines = [separator.join(names)]
    lines += [separator.join(str(value).replace(".", decimal) for value in row) for row in rows]
    return "\n".join(lines) + "\n"


@pytest.fixture
def written(tmp_path):
    def write(content, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
def test_a_table_is_the_same_whatever_parts_its_columns(written, separator):
    frame = table_file.read(written(text(separator))).frame
    assert list(frame.columns) == list(NAMES)
    assert np.array_equal(frame.to_numpy(), np.array(ROWS))


def test_decimal_commas_are_read_as_numbers_and_told(written):
    file = table_file.read(written(text(";", ",")))
    assert np.array_equal(file.frame.to_numpy(), np.array(ROWS))
    assert "decimal mark ','" in file.remarks


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8-sig", "width"), ("utf-16", "width"), ("cp949", "인장강도"), ("cp1252", "Größe")],
)
def test_a_table_in_another_encoding_is_read(written, encoding, name):
    content = text(names=(name, "heat", "strength"))
    assert table_file.read(written(content, encoding=encoding)).frame.columns[0] == name


def test_what_decides_how_a_file_is_read_is_in_its_digest(written):
    path = written(text(";", ","))
    assert table_file.read(path).digest == table_file.read(path).digest
    assert table_file.read(path, decimal=".").digest != table_file.read(path).digest


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "table.csv", "is empty"),
        (b"  \n\n", "table.csv", "is empty"),
        (b"a,b\n", "table.csv", "needs one of names and one a row"),
        (b"PK\x03\x04xxxx", "table.xlsx", "save the table as CSV"),
        (b"\x7fELF\x00\x00\x01", "table.csv", "is no text and no Parquet"),
        (b"a,b\n1,2\n", "table.parquet", "called Parquet but is none"),
        (b"PAR1 cut", "table.parquet", "arquet"),
        (b"1,2\n3,4\n5,6\n", "table.csv", "only numbers: put a line of names above"),
        (b"a,a,b\n1,2,3\n", "table.csv", "two columns called 'a': rename one"),
        (b"a,b\n1,2\n3,4\n" + b"5,6\n" * 40 + b"7,8,9\n", "table.csv", "line 44"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_sentence(written, content, name, sentence):
    with pytest.raises(UserError) as refused:
        table_file.read(written(content, name))
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match="There is no file"):
        table_file.read(tmp_path / "none.csv")
    with pytest.raises(UserError, match="is a folder: name a file"):
        table_file.read(tmp_path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"encoding": "klingon"}, "no encoding 'klingon'"), ({"separator": "#"}, "no line holds the separator '#'")],
)
def test_a_wrong_encoding_or_separator_is_refused(written, options, sentence):
    with pytest.raises(UserError, match=sentence):
        table_file.read(written(text()), **options)


def test_a_file_in_no_known_encoding_is_refused(written):
    with pytest.raises(UserError, match="name its encoding with --encoding|is not"):
        table_file.read(written(b"a,b\n" + bytes(range(128, 160)) * 3 + b",1\n"), encoding="utf-8")


def frame(**changed):
    values = {name: [row[i] for row in ROWS] for i, name in enumerate(NAMES)}
    values["width"] = [value**2 for value in values["width"]]
    return pandas.DataFrame({**values, **changed})


def remarks(**changed):
    return " ".join(columns.examine(frame(**changed), ["strength"]).remarks)


def test_columns_that_say_nothing_are_left_out_by_name():
    table = columns.examine(
        frame(one=1.0, copy=[row[1] for row in ROWS], gone=[np.nan] * 30 + [1.0] * 10), ["strength"]
    )
    assert table.inputs == ("width", "heat")
    told = " ".join(table.remarks)
    assert "constant, so left out: one" in told
    assert "copy (as heat)" in told
    assert "more than half missing, so left out: gone" in told


def test_texts_become_columns_or_are_left_out():
    few = columns.examine(frame(kind=["hot", "cold"] * 20), ["strength"])
    assert few.inputs == ("width", "heat", "kind = cold", "kind = hot")
    assert np.array_equal(few.column("kind = hot"), np.tile([1.0, 0.0], 20))
    many = columns.examine(frame(day=[f"2024-01-{i:02}" for i in range(40)]), ["strength"])
    assert many.inputs == ("width", "heat")
    assert "'day' holds texts or dates" in " ".join(many.remarks)
    dates = columns.examine(frame(day=pandas.date_range("2024-01-01", periods=40)), ["strength"])
    assert "holds dates and is left out" in " ".join(dates.remarks)


def test_limits_and_marks_of_missing_values_are_numbers_or_missing():
    table = columns.examine(frame(sulphur=["<0.5", "67tot33res", "-", "N", *map(str, range(36))]), ["strength"])
    sulphur_R = table.column("sulphur")
    assert sulphur_R[0] == 0.5
    assert np.isnan(sulphur_R[1:4]).all()
    assert np.array_equal(sulphur_R[4:], np.arange(36.0))
    assert "'67tot33res'" in " ".join(table.remarks) or "'<0.5'" in " ".join(table.remarks)


def test_infinite_inputs_are_missing_and_rows_without_a_target_are_left_out():
    table = columns.examine(
        frame(heat=[np.inf, *[row[1] for row in ROWS[1:]]], strength=[np.nan, np.inf, *[r[2] for r in ROWS[2:]]]),
        ["strength"],
    )
    assert len(table.y_RT) == 38
    assert "2 rows left out, whose targets are missing or infinite" in table.remarks
    assert "heat (1)" in remarks(heat=[np.inf, *[row[1] for row in ROWS[1:]]])


def test_rows_that_stand_there_twice_are_told():
    twice = pandas.concat([frame(), frame().iloc[:3]])
    assert "3 rows stand there twice" in " ".join(columns.examine(twice, ["strength"]).remarks)


@pytest.mark.parametrize(
    ("changed", "targets", "sentence"),
    [
        ({}, ["strenght"], "no column 'strenght' .did you mean 'strength'"),
        ({"strength": ["hard", *range(39)]}, ["strength"], "'strength' is no number in row 1 .'hard'"),
        ({"strength": 3.0}, ["strength"], "is 3 in every row"),
        ({"strength": [np.nan] * 20 + list(range(20))}, ["strength"], "Only 20 rows have all targets"),
        ({"width": 1.0, "heat": 2.0}, ["strength"], "No column is left to predict from"),
    ],
)
def test_a_table_that_cannot_be_learnt_is_refused(changed, targets, sentence):
    with pytest.raises(UserError, match=sentence):
        columns.examine(frame(**changed), targets)


def test_one_row_is_refused_for_being_one():
    with pytest.raises(UserError, match="has 1 row, but at least 30 are needed"):
        columns.examine(frame().iloc[:1], ["strength"])


@pytest.mark.parametrize(
    ("limit", "sentence"), [("MOST_ROWS", "has 40 rows, more than 10"), ("MOST_BYTES", "GB, more")]
)
def test_a_huge_file_is_refused_with_what_to_do(written, monkeypatch, limit, sentence):
    monkeypatch.setattr(table_file, limit, 10)
    with pytest.raises(UserError, match=f"{sentence}.*take a sample"):
        table_file.read(written(text()))


def test_a_sample_of_rows_is_always_the_same_and_told(written):
    path = written("a,y\n" + "".join(f"{i},{i * i}\n" for i in range(40)))
    whole, drawn, again = (table_file.read(path, rows=rows) for rows in (0, 12, 12))
    assert len(drawn.frame) == 12
    assert drawn.frame.equals(again.frame)
    assert set(drawn.frame["a"]) < set(whole.frame["a"])
    assert drawn.digest == again.digest != whole.digest
    assert "12 of 40 rows, drawn at random" in drawn.remarks
    assert table_file.read(path, rows=99).digest == whole.digest


def test_a_sample_is_read_of_a_file_with_too_many_rows(written, monkeypatch):
    monkeypatch.setattr(table_file, "MOST_ROWS", 20)
    path = written("a,y\n" + "".join(f"{i},{i * i}\n" for i in range(40)))
    with pytest.raises(UserError, match="take a sample of them with --rows"):
        table_file.read(path)
    assert len(table_file.read(path, rows=20).frame) == 20
