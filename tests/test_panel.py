"""Panels from frames and files, and studies that say which column measures which node."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.graph import Edge, Graph, Node
from causal.measurement import Measure
from causal.panel import Panel, Study, leave_out, read_csv, standard_scales, weights_of

NAN = float("nan")
X_TO_Y = Graph((Node("x"), Node("y")), (Edge("x", "y", lag=1),))


def small(**columns: Any) -> pd.DataFrame:
    """Two units over three years, with two columns that vary, and what is given besides or instead."""
    base: dict[str, Any] = {
        "unit": ["b", "b", "b", "a", "a", "a"],
        "year": [2001, 2002, 2003] * 2,
        "x": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
        "y": [3.0, 1.0, 2.0, 5.0, 9.0, 7.0],
    }
    return pd.DataFrame(base | columns)


def faults_of(frame: Any, **names: Any) -> list[str]:
    with pytest.raises(CausalError) as raised:
        Panel.from_frame(frame, **names)
    return [str(fault) for fault in raised.value.faults]


def study_faults_of(study: Study, graph: Graph = X_TO_Y) -> list[str]:
    with pytest.raises(CausalError) as raised:
        study.values(graph)
    return [str(fault) for fault in raised.value.faults]


def csv_faults_of(tmp_path: Path, text: str | bytes) -> list[str]:
    file = tmp_path / "panel.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(CausalError) as raised:
        read_csv(file, unit="unit", time="year")
    return [str(fault) for fault in raised.value.faults]


# Panels from frames


def test_every_cell_stands_at_its_unit_and_time() -> None:
    panel = Panel.from_frame(small(), unit="unit", time="year")
    assert panel.units.tolist() == ["a", "b"]
    assert panel.times.tolist() == [2001, 2002, 2003]
    assert panel.columns == ("x", "y")
    assert panel.data["x"].dims == ("unit", "time")
    assert panel.data["x"].sel(unit="b", time=2003).item() == 4.0
    assert panel.notes == ()


@given(st.permutations(range(6)))
@settings(deadline=None, max_examples=20)
def test_the_order_of_the_rows_changes_nothing(order: list[int]) -> None:
    shuffled = Panel.from_frame(small().iloc[order], unit="unit", time="year")
    assert shuffled.data.identical(Panel.from_frame(small(), unit="unit", time="year").data)


def test_texts_stay_texts_and_ints_stay_ints() -> None:
    panel = Panel.from_frame(small(), unit="unit", time="year")
    assert all(type(unit) is str for unit in panel.units.tolist())
    assert panel.times.dtype == np.int64
    numbered = Panel.from_frame(small(unit=[7, 7, 7, 3, 3, 3]), unit="unit", time="year")
    assert numbered.units.dtype == np.int64
    assert numbered.units.tolist() == [3, 7]


def test_a_missing_year_is_completed_and_noted() -> None:
    frame = pd.DataFrame({"unit": "a", "year": [1996, 1998, 2000, 2002, 2003], "x": range(5)})
    panel = Panel.from_frame(frame, unit="unit", time="year")
    assert panel.times.tolist() == list(range(1996, 2004))
    assert np.isnan(panel.data["x"].sel(time=[1997, 1999, 2001])).all()
    assert panel.notes[0] == "no rows for 1997, 1999, 2001"


def test_years_five_apart_are_periods_of_five_years() -> None:
    frame = pd.DataFrame({"unit": "a", "year": [1990, 2000, 2005], "x": [1.0, 2.0, 3.0]})
    panel = Panel.from_frame(frame, unit="unit", time="year")
    assert panel.times.tolist() == [1990, 1995, 2000, 2005]
    assert panel.notes[:2] == ("times are 5 apart, and so is a period", "no rows for 1995")


def test_integral_floats_and_years_as_text_are_completed_in_their_own_type() -> None:
    floats = Panel.from_frame(pd.DataFrame({"unit": "a", "year": [9.0, 11.0, 12.0], "x": 1}), unit="unit", time="year")
    assert floats.times.dtype == np.float64
    assert floats.times.tolist() == [9.0, 10.0, 11.0, 12.0]
    texts = Panel.from_frame(pd.DataFrame({"unit": "a", "year": ["9", "11", "12"], "x": 1}), unit="unit", time="year")
    assert texts.times.tolist() == ["9", "10", "11", "12"]


@pytest.mark.parametrize(
    "times",
    [
        list(pd.to_datetime(["2001-01-01", "2002-01-01", "2004-01-01"])),
        [datetime.date(2001, 1, 1), datetime.date(2002, 1, 1), datetime.date(2004, 1, 1)],
        list(pd.period_range("2001Q1", periods=3, freq="Q")),
        ["2001-q1", "2001-q2", "2001-q4"],
        [2001.25, 2001.5, 2002.0],
    ],
)
def test_other_times_stand_as_consecutive_periods_with_a_note(times: list[Any]) -> None:
    frame = pd.DataFrame({"unit": "a", "year": times[::-1], "x": [3.0, 2.0, 1.0]})
    panel = Panel.from_frame(frame, unit="unit", time="year")
    assert panel.data["x"].values.tolist() == [[1.0, 2.0, 3.0]]
    assert list(pd.Series(panel.times)) == times
    assert "stand as consecutive periods" in panel.notes[0]


def test_a_stray_time_is_refused_and_not_filled_with_a_billion_periods() -> None:
    frame = pd.DataFrame({"unit": "a", "year": [2001, 2002, 2_000_000_000], "x": 1.0})
    assert "with rows for 3 of" in faults_of(frame)[0]


def test_absent_rows_and_missing_values_and_a_lone_unit_are_noted_not_refused() -> None:
    frame = small(x=[1.0, NAN, 4.0, 8.0, NAN, 32.0]).drop(index=[0])
    notes = Panel.from_frame(frame, unit="unit", time="year").notes
    assert notes == ("1 of 6 unit-times have no row and are missing: b 2001", "values missing, of 6: x 3, y 1")
    alone = Panel.from_frame(small().iloc[:3], unit="unit", time="year")
    assert alone.notes == ("one unit only: nothing is compared between units",)


@pytest.mark.parametrize(
    "cells",
    [
        [True, False, True, True, False, False],
        pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
        pd.array([1.5, None, 3, 4, 5, 6], dtype="Float64"),
        [1, None, 2.5, 3, 4, 5],
        [Decimal(1), Decimal("2.5"), None, 4, 5, 6],
        [None] * 6,
    ],
)
def test_anything_that_is_a_number_is_kept_as_float(cells: Any) -> None:
    panel = Panel.from_frame(small(z=cells), unit="unit", time="year")
    assert panel.data["z"].dtype == np.float64
    expected = [NAN if cell is None or cell is pd.NA else float(cell) for cell in list(cells)]
    np.testing.assert_array_equal(panel.data["z"].values[::-1].ravel(), expected)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["1", "2", "n/a?", "4", "5", "6"], "row 2 column 'z': 'n/a?' is no number (unit b, year 2003)"),
        (["1", "2", "3", "4", "5", "6"], "row 0 column 'z': '1' is text (unit b, year 2001)"),
        (list(pd.to_datetime(["2001-01-01"] * 6)), "row 0 column 'z': '2001-01-01"),
        ([1j] * 6, "row 0 column 'z': '1j' is no number"),
    ],
)
def test_text_is_remembered_and_refused_only_where_it_would_measure_a_node(cells: Any, said: str) -> None:
    panel = Panel.from_frame(small(z=cells), unit="unit", time="year")
    assert panel.columns == ("x", "y")
    assert Study(panel).values(X_TO_Y).sizes["variable"] == 2
    assert said in study_faults_of(Study(panel, {"x": "z", "y": "y"}))[0]


def test_a_column_called_as_the_panels_dimension_is_ignored_until_it_is_used() -> None:
    panel = Panel.from_frame(small(time=1.0), unit="unit", time="year")
    assert "rename the column" in study_faults_of(Study(panel, {"x": "time", "y": "y"}))[0]


def test_the_frame_is_left_as_it_was() -> None:
    frame = small()
    Panel.from_frame(frame, unit="unit", time="year")
    pd.testing.assert_frame_equal(frame, small())


def test_first_and_last_keep_the_times_between_both_inclusive() -> None:
    panel = Panel.from_frame(small(), unit="unit", time="year", first=2002, last=2003)
    assert panel.times.tolist() == [2002, 2003]
    assert faults_of(small(), first=2010)[0] == "no rows from 2010 to None; widen the years to keep"
    assert "cannot be compared" in faults_of(small(), first="x")[0]


@pytest.mark.parametrize("given", [None, 3, [[1, 2]], {"unit": ["a"], "year": [1]}, small()["x"]])
def test_what_is_no_frame_is_refused(given: Any) -> None:
    assert "is no pandas DataFrame" in faults_of(given)[0]


def test_a_frame_without_rows_is_refused() -> None:
    assert faults_of(small().iloc[:0]) == ["no rows; give one row for each unit and time"]
    assert "no unit column" in faults_of(pd.DataFrame())[0]


def test_missing_key_columns_come_both_at_once_with_the_nearest() -> None:
    assert faults_of(small(), unit="units", time="yaer") == [
        "no unit column 'units'; did you mean 'unit'?",
        "no time column 'yaer'; did you mean 'year'?",
    ]


def test_keys_in_the_index_are_told_to_be_reset() -> None:
    assert all("reset_index()" in said for said in faults_of(small().set_index(["unit", "year"])))


def test_one_column_for_unit_and_time_and_a_column_twice_are_refused() -> None:
    assert "cannot be unit and time at once" in faults_of(small(), unit="year", time="year")[0]
    doubled = pd.concat([small(), small()[["x"]]], axis=1)
    assert faults_of(doubled) == ["column 'x' stands there twice; rename one of the two"]


def test_duplicated_unit_times_are_named_with_their_rows() -> None:
    frame = pd.concat([small(), small().iloc[[1, 4]]], ignore_index=True)
    assert faults_of(frame) == [
        "b 2002 stands in 2 rows: row 1, row 6; keep one row",
        "a 2002 stands in 2 rows: row 4, row 7; keep one row",
    ]


def test_many_duplicates_are_counted_after_the_first_few() -> None:
    frame = pd.DataFrame({"unit": "a", "year": list(range(20)) * 2, "x": 1.0})
    found = faults_of(frame)
    assert len(found) == 6
    assert found[-1].startswith("15 more unit-times")


def test_everything_wrong_with_the_rows_comes_at_once() -> None:
    frame = small(
        unit=["b", "b", None, "a", "a", "a"], year=[2001, 2001, 2003, NAN, 2002, 2003], x=[1, 2, 3, 4, np.inf, 6]
    )
    assert faults_of(frame) == [
        "row 2 column 'unit': unit is missing; fill it or drop the row",
        "row 3 column 'year': time is missing; fill it or drop the row",
        "row 4 column 'x': infinity is no value; leave the cell empty if it is missing",
        "b 2001.0 stands in 2 rows: row 0, row 1; keep one row",
    ]


@pytest.mark.parametrize("cell", ["", "  ", pd.NA])
def test_an_empty_unit_is_a_missing_unit(cell: Any) -> None:
    assert "row 2 column 'unit': unit is missing" in faults_of(small(unit=["b", "b", cell, "a", "a", "a"]))[0]


def test_an_infinite_time_and_a_number_beyond_floats_are_infinities() -> None:
    assert "row 0 column 'year': infinity" in faults_of(small(year=[np.inf, 2002, 2003, 2001, 2002, 2003]))[0]
    assert "row 1 column 'x': infinity" in faults_of(small(x=[1, 10**400, 3, 4, 5, 6]))[0]


def test_a_panel_is_made_of_a_dataset_with_unit_and_time() -> None:
    with pytest.raises(CausalError, match=r"use Panel\.from_frame"):
        Panel(small())  # pyright: ignore[reportArgumentType]


# Files


def test_a_file_gives_the_panel_of_its_frame(tmp_path: Path) -> None:
    small(x=[1.0, NAN, 4.0, 8.0, 16.0, 32.0]).to_csv(tmp_path / "panel.csv", index=False)
    read = read_csv(tmp_path / "panel.csv", unit="unit", time="year")
    made = Panel.from_frame(small(x=[1.0, NAN, 4.0, 8.0, 16.0, 32.0]), unit="unit", time="year")
    assert read.data.identical(made.data)
    assert read.notes == made.notes


def test_empty_and_na_cells_are_missing_but_na_is_a_unit(tmp_path: Path) -> None:
    (tmp_path / "panel.csv").write_text(
        "unit,year,x\nNA,2001,\nNA,2002,NA\nNA,2003,NaN\nNA,2004, nan \n\nNA,2005,1e3\n"
    )
    panel = read_csv(tmp_path / "panel.csv", unit="unit", time="year")
    assert panel.units.tolist() == ["NA"]
    np.testing.assert_array_equal(panel.data["x"].values, [[NAN, NAN, NAN, NAN, 1000.0]])


def test_codes_with_leading_zeros_stay_texts_and_whole_numbers_become_ints(tmp_path: Path) -> None:
    file = tmp_path / "panel.csv"
    file.write_text("unit,year,x\n01,2001,1\n10,2001,2\n")
    assert read_csv(file, unit="unit", time="year").units.tolist() == ["01", "10"]
    file.write_text("unit,year,x\n9,2001,1\n10,2001,2\n")
    assert read_csv(file, unit="unit", time="year").units.tolist() == [9, 10]


def test_a_byte_order_mark_and_quotes_are_read(tmp_path: Path) -> None:
    file = tmp_path / "panel.csv"
    file.write_bytes('\ufeffunit,year,x\r\n"a, or\r\nb",2001,1\r\n'.encode())
    assert read_csv(file, unit="unit", time="year").units.tolist() == ["a, or\r\nb"]


def test_text_in_a_file_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "panel.csv"
    file.write_text("unit,year,x,y\na,2001,1,1\na,2002,n/a?,2\na,2003,2,4\n")
    found = study_faults_of(Study(read_csv(file, unit="unit", time="year")))
    assert "panel.csv:3 column 'x': 'n/a?' is no number" in found[0]


def test_decimal_commas_beside_decimal_points_are_refused_where_they_are_used(tmp_path: Path) -> None:
    file = tmp_path / "panel.csv"
    file.write_text('unit,year,x,y\na,2001,"1,5",1.5\na,2002,2,2\n')
    assert study_faults_of(Study(read_csv(file, unit="unit", time="year")))[0].endswith("write a decimal point")


def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(CausalError, match=r"^none\.csv cannot be read"):
        read_csv(tmp_path / "none.csv", unit="unit", time="year")
    with pytest.raises(CausalError, match="cannot be read"):
        read_csv(tmp_path, unit="unit", time="year")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "panel.csv is empty"),
        ("\n \n", "panel.csv is empty"),
        ("unit,year,x\n", "panel.csv no rows"),
        (b"unit,year,x\na,2001,1\n\x81,2002,1\n", "panel.csv:3 is not UTF-8"),
        (b"PK\x03\x04\x00\x00", "panel.csv:1 is no text"),
        ('unit,year,x\na,2001,"1,234"\n', "panel.csv:2 column 'x': '1,234' may be 1234 or 1.234; say which"),
        ("unit,year,x\na,2001,1\na,2002\n", "panel.csv:3 2 cells where the first line names 3"),
        (
            "unit;year;x\na;2001;1;2\n",
            "panel.csv:2 4 cells where the first line names 3; a cell with a semicolon needs quotes",
        ),
        ("unit,year,x,x\na,2001,1,1\n", "panel.csv:1 column 'x' stands there twice"),
        ("unit,year,\na,2001,1\n", "panel.csv:1 column 3 has no name"),
        ("unit,yer,x\na,2001,1\n", "panel.csv:1 no time column 'year'; did you mean 'yer'?"),
        ('unit,year,x\na,2001,"1\n', "panel.csv:2 is no CSV here"),
        ("unit,year,x\na,2001,inf\na,2002,1\n", "panel.csv:2 column 'x': infinity"),
        ("unit,year,x\n,2001,1\na,2002,1\n", "panel.csv:2 column 'unit': unit is missing"),
        ("unit,year,x\na,2001,1\na,NA,1\n", "panel.csv:3 column 'year': time is missing"),
        ("unit,year,x\na,2001,1\na,2001,2\n", "panel.csv:3 a 2001 stands in 2 rows: panel.csv:2, panel.csv:3"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_by_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert any(fault.startswith(said) for fault in csv_faults_of(tmp_path, text))


def test_everything_wrong_with_a_file_comes_at_once(tmp_path: Path) -> None:
    found = csv_faults_of(tmp_path, "unit,year,x\na,2001\n,2001,1\na,,2\na,2002,inf\na,2002,4\n")
    assert len(found) == 5


# Studies


def test_without_measures_each_column_named_as_a_node_measures_it() -> None:
    study = Study(Panel.from_frame(small(other=0.0), unit="unit", time="year"))
    assert study.measured(X_TO_Y) == ("x", "y")
    values = study.values(X_TO_Y)
    assert values.dims == ("variable", "unit", "time")
    assert values["variable"].values.tolist() == ["x", "y"]
    np.testing.assert_array_equal(values.sel(variable="x", unit="a"), [8.0, 16.0, 32.0])


def test_values_keep_the_panels_own_coordinates() -> None:
    panel = Panel.from_frame(small(), unit="unit", time="year")
    values = Study(panel).values(X_TO_Y)
    assert values["unit"].values.tolist() == panel.units.tolist()
    assert values["time"].dtype == panel.times.dtype


def test_measures_turn_and_transform_their_columns() -> None:
    panel = Panel.from_frame(small(), unit="unit", time="year")
    values = Study(panel, {"x": Measure("x", direction="-", transform="log"), "y": "x"}).values(X_TO_Y)
    np.testing.assert_allclose(values.sel(variable="x"), -np.log(values.sel(variable="y")))


def test_a_study_with_measures_measures_nothing_else() -> None:
    study = Study(Panel.from_frame(small(), unit="unit", time="year"), {"y": "y"})
    assert study.measured(X_TO_Y) == ("y",)
    assert study.measure("x") is None


def test_standard_scales_are_the_within_unit_sds() -> None:
    values = Study(Panel.from_frame(small(), unit="unit", time="year")).values(X_TO_Y)
    by_hand = (values - values.mean("time")) ** 2
    expected = np.sqrt(by_hand.sum(("unit", "time")) / 4)
    np.testing.assert_allclose(standard_scales(values), expected, rtol=1e-14)
    assert standard_scales(values).dims == ("variable",)


def test_standard_scales_refuse_what_does_not_vary_within_units() -> None:
    values = Study(Panel.from_frame(small(), unit="unit", time="year")).values(X_TO_Y)
    with pytest.raises(CausalError, match="node 'x' does not vary within any unit"):
        standard_scales(values.mean("time").expand_dims(time=3).transpose("variable", "unit", "time"))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([NAN] * 6, "column 'x' is all missing"),
        ([1.0, 1.0, 1.0, 5.0, 5.0, NAN], "column 'x' does not vary within any unit"),
    ],
)
def test_a_column_that_tells_nothing_is_refused_in_its_own_words(cells: list[float], said: str) -> None:
    found = study_faults_of(Study(Panel.from_frame(small(x=cells), unit="unit", time="year")))
    assert len(found) == 1
    assert said in found[0]


def test_a_value_without_a_log_is_refused_with_its_cell() -> None:
    panel = Panel.from_frame(small(x=[1.0, 2.0, 0.0, 8.0, 16.0, 32.0]), unit="unit", time="year")
    found = study_faults_of(Study(panel, {"x": Measure("x", transform="log")}))
    assert "column 'x' at b, 2003: 0 has no log" in found[0]


def test_an_error_column_must_exist() -> None:
    panel = Panel.from_frame(small(se=0.1), unit="unit", time="year")
    assert "no column 'sd'" in study_faults_of(Study(panel, {"x": Measure("x", error="sd")}))[0]


def test_everything_wrong_with_a_study_comes_at_once() -> None:
    panel = Panel.from_frame(small(word="?", flat=1.0), unit="unit", time="year")
    graph = Graph((Node("x"), Node("y"), Node("z")))
    found = study_faults_of(Study(panel, {"x": "word", "y": "flat", "z": "xx", "q": "x"}, name="survey"), graph)
    assert len(found) == 4
    assert all(fault.startswith("study 'survey'") for fault in found)
    assert any("no column 'xx'; did you mean 'x'?" in fault for fault in found)
    assert any("measures 'q', which is no node" in fault for fault in found)


def test_a_measure_of_a_node_that_is_set_aside_is_no_fault() -> None:
    panel = Panel.from_frame(small(), unit="unit", time="year")
    study = Study(panel, {"x": "x", "gone": "y"}, sets_aside=("gone",))
    assert study.values(X_TO_Y)["variable"].values.tolist() == ["x"]


def test_a_study_of_no_node_is_refused_with_what_there_is() -> None:
    panel = Panel.from_frame(small(), unit="unit", time="year")
    assert (
        "measures no node of the graph; columns: x, y; nodes: q"
        in study_faults_of(Study(panel), Graph((Node("q"),)))[0]
    )


@pytest.mark.parametrize("wrong", [{"panel": small()}, {"measures": ["x"]}, {"measures": {"x": 3}}, {"name": ""}])
def test_a_study_of_wrong_types_is_refused_where_it_is_made(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"panel": Panel.from_frame(small(), unit="unit", time="year")}
    with pytest.raises(CausalError, match="Study"):
        Study(**(right | wrong))


def test_values_for_what_is_no_graph_are_refused() -> None:
    study = Study(Panel.from_frame(small(), unit="unit", time="year"))
    with pytest.raises(CausalError, match="str is no Graph"):
        study.values("x -> y")  # pyright: ignore[reportArgumentType]


# Leaving rows out


def test_what_is_left_out_is_missing_and_a_unit_left_out_whole_goes() -> None:
    panel = Panel.from_frame(small())
    assert leave_out(panel, ["a"]).units.tolist() == ["b"]
    assert leave_out(panel, ["a from 2001 to 2003"]).units.tolist() == ["b"]
    assert np.isnan(leave_out(panel, ["a from 2002 to 2002"]).data["x"].values).tolist() == [
        [False, True, False],
        [False, False, False],
    ]
    assert leave_out(panel, first=2002).times.tolist() == [2002, 2003]
    assert leave_out(panel, last=2002).data["y"].values.tolist() == [[5.0, 9.0], [3.0, 1.0]]
    assert panel.data["x"].notnull().all()


def test_the_notes_say_what_was_left_out_and_what_is_missing_now() -> None:
    notes = leave_out(Panel.from_frame(small()), ["a to 2001"]).notes
    assert notes == ("left out: a to 2001", "values missing, of 6: x 1, y 1")


def test_a_unit_whose_name_reads_like_a_span_is_meant_itself() -> None:
    panel = Panel.from_frame(small(unit=["b"] * 3 + ["a to 2001"] * 3))
    assert leave_out(panel, ["a to 2001"]).units.tolist() == ["b"]


def test_everything_wrong_with_what_is_left_out_comes_at_once() -> None:
    with pytest.raises(CausalError) as raised:
        leave_out(Panel.from_frame(small()), ["c", "a from 1999", "b from 2003 to 2001"], last=2010)
    said = str(raised.value)
    for part in ("'c': no unit 'c'", "'1999' is no time", "ends before it starts", "last '2010' is no time"):
        assert part in said
    with pytest.raises(CausalError, match="nothing is left"):
        leave_out(Panel.from_frame(small()), ["a", "b"])


def test_weights_are_tables_by_name() -> None:
    panel = Panel.from_frame(small(), unit="unit", time="year")
    with pytest.raises(CausalError, match="weights are a mapping of name to table"):
        Study(panel, weights=cast("Any", 3))
    with pytest.raises(CausalError, match="weights 'near' int is no pandas DataFrame"):
        Study(panel, weights=cast("Any", {"near": 3}))
    pairs = pd.DataFrame({"unit": ["a", "b"], "neighbour": ["b", "a"]})
    study = Study(panel, weights={"near": pairs})
    assert weights_of(study, "near").matrix(panel.units).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert weights_of(Study(panel, weights={"near": weights_of(study, "near")}), "near").units == ("a", "b")
    with pytest.raises(CausalError, match="no weights 'nera'; did you mean 'near'"):
        weights_of(study, "nera")
