"""How text tables are written: what is found out, what is said of it, and what is not guessed."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causal.dialect import Dialect, read_records
from causal.errors import CausalError, Fault
from causal.panel import Panel, read_csv

VALUES = [1234.5, -0.25, 1234567.0, 3.0]


def written(values: list[float], *, decimal: str, thousands: str, delimiter: str, encoding: str = "utf-8") -> bytes:
    """A panel of one unit, as a program of the place would write it."""

    def text(value: float) -> str:
        whole, _, fraction = f"{abs(value):,.2f}".partition(".")
        return "-" * (value < 0) + whole.replace(",", thousands) + decimal + fraction

    made = io.StringIO()
    rows = csv.writer(made, delimiter=delimiter, lineterminator="\r\n")
    rows.writerow(["región", "year", "x"])
    rows.writerows([["Perú", 2001 + k, text(value)] for k, value in enumerate(values)])
    return made.getvalue().encode(encoding)


def read(folder: Path, raw: bytes, dialect: Dialect | None = None) -> Panel:
    file = folder / "panel.csv"
    file.write_bytes(raw)
    return read_csv(file, unit="región", time="year", dialect=dialect)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("thousands", ["", "\u00a0", "'", "other"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_read_as_it_was_written(
    tmp_path: Path, delimiter: str, decimal: str, thousands: str, encoding: str
) -> None:
    other = {".": ",", ",": "."}[decimal] if thousands == "other" else thousands
    panel = read(tmp_path, written(VALUES, decimal=decimal, thousands=other, delimiter=delimiter, encoding=encoding))
    assert panel.units.tolist() == ["Perú"]
    np.testing.assert_array_equal(panel.data["x"].values, [VALUES])
    told = " ".join(panel.notes)
    assert ("decimal commas" in told) == (decimal == ",")
    assert ("semicolons" in told) == (delimiter == ";")
    assert ("Windows-1252" in told) == (encoding == "latin-1")


def test_a_plain_table_has_no_note(tmp_path: Path) -> None:
    notes = read(tmp_path, written(VALUES, decimal=".", thousands="", delimiter=",")).notes
    assert not any("read with" in note for note in notes)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=8))
def test_no_number_is_read_as_another(tmp_path_factory: pytest.TempPathFactory, cents: list[int]) -> None:
    """Whatever the numbers, a German table comes back as it was, or as a fault."""
    values = [each / 100 for each in cents]
    folder = tmp_path_factory.mktemp("table")
    raw = written(values, decimal=",", thousands=".", delimiter=";")
    np.testing.assert_array_equal(read(folder, raw).data["x"].values, [values])


@pytest.mark.parametrize("cell", ["1,234", "1.234", "12.345"])
def test_what_may_be_two_numbers_is_asked(tmp_path: Path, cell: str) -> None:
    raw = f"región;year;x\nPerú;2001;{cell}\nPerú;2002;7\n".encode()
    with pytest.raises(CausalError, match=f"panel.csv:2 column 'x': '{cell}' may be .* say which"):
        read(tmp_path, raw)
    for decimal in ".,":
        ((first, _),) = read(tmp_path, raw, Dialect(decimal=decimal)).data["x"].values
        assert first == float(cell.replace(",", ".") if decimal in cell else cell.replace(".", "").replace(",", ""))


def test_one_number_tells_how_the_others_are_written(tmp_path: Path) -> None:
    raw = "región;year;x;y\nPerú;2001;1.234;0,5\nPerú;2002;7;1\n".encode()
    assert read(tmp_path, raw).data["x"].values.tolist() == [[1234.0, 7.0]]
    assert read(tmp_path, raw.replace(b"0,5", b"0.5")).data["x"].values.tolist() == [[1.234, 7.0]]


def test_the_users_word_goes_before_what_is_found(tmp_path: Path) -> None:
    raw = "región,year,x\nPerú,2001,1.234\n".encode()
    assert read(tmp_path, raw).data["x"].values.tolist() == [[1.234]]
    assert read(tmp_path, raw, Dialect(decimal=",")).data["x"].values.tolist() == [[1234.0]]
    assert read_csv(tmp_path / "panel.csv", unit="regiÃ³n", time="year", dialect=Dialect("latin-1")).units[0] == "PerÃº"
    with pytest.raises(CausalError, match="is not ascii"):
        read(tmp_path, raw, Dialect(encoding="ascii"))


@pytest.mark.parametrize(
    "text",
    [
        "c;t;x;d;y\na;1;1,5;24.12;1.234\na;2;2,5;25.12;2.345\n",  # days beside decimal commas
        'c,t,x,y\na,1,1.234,"1,234"\na,2,2.345,"2,345"\n',
        'c,t,y,x\na,1,"1,234",1.234\na,2,"2,345",2.345\n',
        "c,t,x,y\na,1,1.234.567,1.234\na,2,2.345.678,2.345\n",
        'c,t,x,y\na,1,"0,5",1.234\na,2,n/a,2.345\n',
        "c;t;x\na;1;1.234\na;2;2.345\n",
    ],
)
def test_evidence_that_contradicts_itself_or_says_nothing_is_a_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(CausalError, match=r"t\.csv:2 column '.': '1[.,]234' may be 1\.?234 or 1\.?234; say which"):
        read_csv(tmp_path / "t.csv", unit="c", time="t")


def test_one_cell_is_evidence_enough_beside_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("c;t;x;y\na;1;0,5;1.234\na;2;n/a;2.345\n")
    assert read_csv(tmp_path / "t.csv", unit="c", time="t").data["y"].values.tolist() == [[1234.0, 2345.0]]


def test_a_number_that_is_not_as_the_user_says_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("c;t;x\na;1;1.234\na;2;2.5\n")
    with pytest.raises(CausalError, match=r"t\.csv:3 column 'x': '2\.5' is no number with a decimal comma"):
        read_csv(tmp_path / "t.csv", unit="c", time="t", dialect=Dialect(decimal=","))


@pytest.mark.parametrize("cell", ["1.234 567", "1,234 567"])
def test_two_marks_between_thousands_are_no_number(tmp_path: Path, cell: str) -> None:
    (tmp_path / "t.csv").write_text(f"c;t;x\na;1;{cell}\na;2;7\n")
    assert "x" not in read_csv(tmp_path / "t.csv", unit="c", time="t").data


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("1.996", "is no time"),
        ("9,5", "is no time"),
        ("01.02.2001", "may be read in two ways"),
        ("3/4/01", "may be read in two ways"),
    ],
)
def test_times_that_would_stand_in_a_wrong_order_are_faults(tmp_path: Path, time: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(f"c;t;x\na;{time};1,5\na;1;7\n")
    with pytest.raises(CausalError, match=f"t.csv:2 column 't': '{time}' .*{said}"):
        read_csv(tmp_path / "t.csv", unit="c", time="t")


def test_only_line_ends_end_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("c,t,x\na\u2028b,1,1\na\x1cb,1,2\n", encoding="utf-8")
    assert read_csv(tmp_path / "t.csv", unit="c", time="t").units.tolist() == ["a\x1cb", "a\u2028b"]


def test_many_rows_of_a_wrong_length_are_counted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("c,t,x\n" + "a,1\n" * 5000)
    with pytest.raises(CausalError) as caught:
        read_csv(tmp_path / "t.csv", unit="c", time="t", dialect=Dialect(delimiter=","))
    assert len(caught.value.faults) < 9
    assert "4995 more rows" in str(caught.value)


def test_a_data_engine_is_not_given_numbers_that_it_would_misread(tmp_path: Path) -> None:
    for text in ("c;t;x;y\na;1;1.234;0,5\na;2;2.345;1,5\n", "c;t;x\na;1;1.234\na;2;2.345\n"):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(CausalError, match=r"t\.csv has "):
            Panel.from_table(tmp_path / "t.csv", unit="c", time="t")


def test_a_spreadsheets_line_of_the_separator_is_obeyed(tmp_path: Path) -> None:
    panel = read(tmp_path, "sep=;\r\nregión;year;x\r\nPerú;2001;1,5\r\n".encode())
    assert panel.data["x"].values.tolist() == [[1.5]]
    with pytest.raises(CausalError, match=r"panel\.csv:3 2 cells"):
        read(tmp_path, "sep=;\r\nregión;year;x\r\nPerú;2001\r\n".encode())


def test_names_of_units_and_texts_are_left_as_they_are(tmp_path: Path) -> None:
    faults: list[Fault] = []
    file = tmp_path / "panel.csv"
    file.write_text("unit;year;x;note\n1,5;2001;0,5;3,2 or so\n", encoding="utf-8")
    found = read_records(file, Dialect(), faults, keys=("unit", "year"))
    assert (found.rows, faults) == ([["1,5", "2001", "0.5", "3,2 or so"]], [])


def test_what_no_table_can_be_is_told_at_once() -> None:
    with pytest.raises(CausalError) as caught:
        Dialect("klingon", "x", "!")
    assert len(caught.value.faults) == 3
    for encoding in ("hex", "a\0b", "unicode_escape", "\ud800", "rot13"):
        with pytest.raises(CausalError, match="no encoding"):
            Dialect(encoding)
