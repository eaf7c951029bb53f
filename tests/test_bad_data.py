"""Bad data down every road: refused in clear words, or treated in a way that the notes tell; never dropped in silence.

The roads are a frame in memory, a CSV or Parquet file that comes into memory by way of the data engine, the same file
staying in the engine, and a bundle's files under the command. Values of families that `tests/test_cells.py` sends down the first are not sent there again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import causal as ca
from causal.cli import main
from causal.joint import build_model
from causal.report.page import page
from tests.oracle import loops
from tests.toy_bundle import toy_analysis

Change = Callable[[pd.DataFrame], pd.DataFrame]
ROADS = ("frame", "csv", "parquet", "engine csv", "engine parquet", "command")
NO_FRAME = ROADS[1:]
IN_MEMORY = "needs the values in memory; take a part that fits in memory: Panel.from_table(..., in_memory=True)"
NOT_HERE = "-"


def good() -> pd.DataFrame:
    """Six units over eight years of two nodes, complete."""
    return loops.panel(loops.TWO_TRUE, units=6, times=8, seed=4, year_sd=0.5)


def cell(column: str, row: int, value: object) -> Change:
    """One cell is another."""

    def changed(frame: pd.DataFrame) -> pd.DataFrame:
        cells = frame[column].astype(object)
        cells[row] = value
        return frame.assign(**{column: cells.infer_objects()})

    return changed


def after(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def changed(frame: pd.DataFrame) -> pd.DataFrame:
        for change in changes:
            frame = change(frame)
        return frame

    return changed


def counts(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(y=np.random.default_rng(1).poisson(3.0, len(frame)))


def shares(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(y=np.random.default_rng(1).uniform(0.1, 0.9, len(frame)))


def levels(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(y=np.random.default_rng(1).integers(0, 3, len(frame)))


def errors(value: float, row: int | None = None) -> Change:
    """A column of standard errors: `value` in a row or in all of them, .1 in the others."""
    return lambda frame: frame.assign(se=np.where((frame.index == row) | (row is None), value, 0.1))


def named(**names: str) -> Change:
    return lambda frame: frame.assign(unit=frame["unit"].replace(names))


def without(query: str) -> Change:
    return lambda frame: frame.query(f"not ({query})").reset_index(drop=True)


@dataclass(frozen=True)
class Case:
    """What is done to the good rows, and what must be told: `told` on all `roads`, `engine` in its stead where the rows stay in the engine.

    `extra`: lines of the graph. `measures`: of x and y, as a bundle has them; without any, columns have the nodes' names.
    `command` is told by `causal` instead of `told`, `memory` of what comes into memory by way of the engine.
    """

    name: str
    change: Change
    told: tuple[str, ...]
    extra: str = ""
    measures: Mapping[str, str] = field(default_factory=dict[str, str])
    engine: tuple[str, ...] | None = None
    memory: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    roads: tuple[str, ...] = ROADS

    def words(self, road: str) -> tuple[str, ...]:
        """What must be told on a road."""
        own = self.command if road == "command" else self.engine if road.startswith("engine") else None
        if own is None and road in ("csv", "parquet"):
            own = self.memory
        return self.told if own is None else own


NOISY = {"x": '{ column = "x", error = "se" }', "y": '"y"'}
REFUSED = (
    Case("a negative count", after(counts, cell("y", 5, -1)), ("u000, 2005: -1 is no value of the family poisson; allowed: whole numbers",),
         extra="y [family=poisson]", engine=("family poisson " + IN_MEMORY,), roads=NO_FRAME),
    Case("a share of 1.2", after(shares, cell("y", 5, 1.2)), ("u000, 2005: 1.2 is no value of the family beta; allowed: numbers between 0 and 1",),
         extra="y [family=beta]", engine=("family beta " + IN_MEMORY,), roads=NO_FRAME),
    Case("a level below 0", after(levels, cell("y", 5, -1)), ("u000, 2005: -1 is no value of the family ordered; allowed: the levels 0, 1, 2",),
         extra="y [family=ordered]", engine=("family ordered " + IN_MEMORY,)),
    Case("a level beyond the others", after(levels, cell("y", 5, 7)), ("'y' never has the level 3, 4, 5, 6; number the levels",),
         extra="y [family=ordered]", engine=("family ordered " + IN_MEMORY,), roads=NO_FRAME),
    Case("errors of 0 everywhere", errors(0.0), ("column 'se' is 0 everywhere, which is no standard error; leave the error out",),
         measures=NOISY, engine=("noise of measurement " + IN_MEMORY,)),
    Case("an error of 0 for all", lambda frame: frame, ("error 0.0 is no standard error; give a finite number above 0, or leave the error out",),
         measures={"x": '{ column = "x", error = 0.0 }', "y": '"y"'}),
    Case("a negative error", errors(-0.1, 5), ("u000, 2005: -0.1 is no standard error; a standard error is 0 or more",),
         measures=NOISY, engine=("noise of measurement " + IN_MEMORY,)),
    Case("an infinite error", errors(np.inf, 5), ("row 5 column 'se': infinity is no value; leave the cell empty",),
         measures=NOISY, engine=("noise of measurement " + IN_MEMORY,), command=("data.csv:7 column 'se': infinity is no value",)),
    Case("an infinite value", cell("y", 5, np.inf), ("row 5 column 'y': infinity is no value; leave the cell empty",),
         engine=("column 'y'", "1 of 48 values are infinite or no number", "leave the cell empty"),
         command=("data.csv:7 column 'y': infinity is no value; leave the cell empty",)),
    Case("minus infinity and a repeated row at once", after(cell("y", 5, -np.inf), lambda frame: pd.concat([frame, frame.iloc[[9]]], ignore_index=True)),
         ("row 5 column 'y': infinity", "u001 2001 stands in 2 rows: row 9, row 48; keep one row"),
         engine=("column 'y'", "1 of 49 values are infinite", "u001 2001 stands in several rows; keep one row"),
         command=("data.csv:7 column 'y': infinity", "data.csv:50 u001 2001 stands in 2 rows: data.csv:11, data.csv:50; keep one row")),
    Case("a year that one unit lacks", without("unit == 'u001' and year == 2004"),
         ("u001 2005 has no row before it; fill the gap, or take a part that fits in memory",), roads=("engine csv", "engine parquet")),
    Case("one period only", lambda frame: frame.query("year == 2000"), ("has a single period; effects over time need two or more",)),
    Case("fewer periods than a lag needs", lambda frame: frame.query("year < 2002"), ("2 periods are too few for a lag of 1; bring at least 3",),
         roads=ROADS[:-1]),
    Case("a constant column", lambda frame: frame.assign(y=3.0), ("'y' is constant at 3; a constant tells nothing; leave it out",),
         engine=("column 'y'", "does not vary within any unit", "leave it out")),
    Case("a column that rounding alone moves", lambda frame: frame.assign(y=0.1 + 1e-17 * frame["x"] + np.where(frame.index % 2, 2e-17, 0.0)),
         ("'y'", "does not vary within any unit"), roads=ROADS[:-1]),
    Case("a column that units differ in, and years do not", lambda frame: frame.assign(y=frame["unit"].rank(method="dense")),
         ("'y'", "does not vary within any unit", "leave it out")),
    Case("two constant columns at once", lambda frame: frame.assign(x=1.0, y=frame["unit"].rank(method="dense")),
         ("'x' is constant at 1", "'y' does not vary within any unit"),
         engine=("column 'x' does not vary", "column 'y' does not vary")),
    Case("times that are numbers and text", cell("year", 5, "2005"), ("column 'year' mixes int and str, which have no order; use one type",),
         roads=("frame",)),
    Case("a year with a letter in it", after(lambda frame: frame.assign(year=frame["year"].astype(str)), cell("year", 5, "2OO5")),
         ("row 5 column 'year': '2OO5' is no whole number, as other times are; write all times alike",),
         engine=("column 'year'", "'2OO5' is no whole number"), command=("data.csv:7 column 'year': '2OO5' is no whole number",)),
    Case("a year among dates", after(lambda frame: frame.assign(year=frame["year"].astype(str) + "-01"), cell("year", 5, "2005")),
         ("row 5 column 'year': '2005' is a whole number, as other times are not; write all times alike",),
         engine=("column 'year'", "'2005' is a whole number"), command=("data.csv:7 column 'year': '2005' is a whole number",)),
    Case("a stray year", cell("year", 5, 2_000_000_000), ("runs from 2000 to 2000000000 in steps of 1", "correct the stray time")),
    Case("two columns that case alone tells apart", lambda frame: frame.assign(Y=2.0 * frame["y"]),
         ("columns 'y' and 'Y' differ in case or spaces only, which data engines do not tell apart; rename one",),
         roads=("csv", "parquet", "engine csv", "engine parquet")),
    Case("a column twice", lambda frame: pd.concat([frame, frame[["y"]]], axis=1), ("column 'y' stands there twice; rename one of the two",),
         roads=("frame", "csv", "engine csv", "command")),
)  # fmt: skip

TREATED = (
    Case("some errors of 0", errors(0.0, 5), ("47 values carry yearly noise", "1 values with a standard error of 0 are taken as exact"),
         measures=NOISY, roads=("frame", "csv", "parquet")),
    Case("one unit only", lambda frame: frame.query("unit == 'u000'"), ("one unit only: nothing is compared between units", "year effects"),
         engine=("one unit only: year effects",), command=("one unit only: nothing is compared between units",)),
    Case("a year that one unit lacks", without("unit == 'u001' and year == 2004"),
         ("1 of 48 unit-times have no row and are missing: u001 2004", "2 missing values inside the series are estimated"),
         roads=("frame", "csv", "parquet")),
    Case("a year that all units lack", without("year == 2004"), ("no rows for 2004", "12 missing values inside the series are estimated"),
         command=("no rows for 2004",), roads=("frame", "csv", "parquet", "command")),
    Case("every second year", without("year % 2 == 1"), ("times are 2 apart, and so is a period",)),
    Case("a time between the years", cell("year", 5, 2005.5), ("times are numbers that are not whole: the 9 that have rows stand as consecutive periods",
         "u000 2005.0", "u001 2005.5"), roads=("frame", "csv", "parquet", "command")),
    Case("years as text", lambda frame: frame.assign(year=frame["year"].astype(str)).query("year != '2004'"), ("no rows for 2004",),
         roads=("frame", "csv", "parquet", "command")),
    Case("a unit with too few years", without("unit in ('u002', 'u004') and year > 2001"),
         ("2 of 6 units have too few complete periods and are left out: u002, u004",), roads=ROADS[:-1]),
    Case("a unit that ends early in one column", lambda frame: frame.assign(y=frame["y"].where((frame["unit"] != "u003") | (frame["year"] < 2006))),
         ("2 unit-periods at the ends of series are unused, because a node is not measured there: u003 2006 to 2007",),
         roads=("frame", "csv", "parquet")),
    Case("units whose names look alike", named(u000="Peru", u001="peru ", u002="Perú"),
         ("units are taken as different, though their names look alike: 'Peru' and 'Perú' and 'peru '",),
         command=("units read without the spaces around them, in 8 rows: 'peru '", "look alike: 'Peru' and 'Perú' and 'peru'")),
    Case("times that look alike", after(lambda frame: frame.assign(year=frame["year"].astype(str)), lambda frame: frame.assign(
             year=frame["year"].where(frame.index != 5, "2005 "))), ("times are taken as different, though their names look alike: '2005' and '2005 '",),
         roads=("frame", "parquet")),
    Case("a column named almost as a node", lambda frame: frame.rename(columns={"y": "Y"}),
         ("column 'Y' measures nothing: it is named almost as the node 'y'; rename it",)),
    Case("columns that look alike", lambda frame: frame.assign(other=1.0 * frame["year"], OTHER=2.0 * frame["year"]),
         ("columns are taken as different, though their names look alike: 'other' and 'OTHER'",), roads=("frame", "command")),
)  # fmt: skip


def measures_of(case: Case) -> dict[str, ca.Measure | str] | None:
    """The measures as Python has them. Raises as `ca.Measure` does."""
    import tomllib

    if not case.measures:
        return None
    text = "\n".join(f"{node} = {measure}" for node, measure in case.measures.items())
    return {
        node: given if isinstance(given, str) else ca.Measure(**given) for node, given in tomllib.loads(text).items()
    }


def modelled(case: Case, road: str, folder: Path) -> Any:
    """The model of a case down one of the roads of Python."""
    frame = case.change(good())
    if road != "frame":
        file = folder / f"data.{road.rpartition(' ')[2]}"
        if file.suffix == ".csv":
            frame.to_csv(file, index=False)
        else:
            frame.to_parquet(file, index=False)
        panel = ca.Panel.from_table(file, in_memory=not road.startswith("engine"))
    else:
        panel = ca.Panel.from_frame(frame)
    return build_model(ca.read_graph(f"{loops.TWO}\n{case.extra}"), ca.Study(panel, measures_of(case)))


CLAIMS = '''[article]
title = "A report"
[node.x]
[node.y]
[graph]
assumed = """
x -> x [lag=1]
y -> y [lag=1]
EXTRA
"""
[claim.c1]
edge = "x -> y [lag=1]"
says = "one moves the other"
where = "p. 1"
[claim.c2]
edge = "y -> x [lag=1]"
says = "and the other the one"
where = "p. 1"
'''


def bundle_of(case: Case, folder: Path) -> Path:
    """A bundle whose data are those of the case."""
    folder.mkdir()
    study = '[study.panel]\nfile = "data.csv"\n'
    if case.measures:
        study += "[study.panel.measures]\n" + "\n".join(f"{node} = {how}" for node, how in case.measures.items())
    (folder / "claims.toml").write_text(CLAIMS.replace("EXTRA", case.extra), encoding="utf-8")
    (folder / "studies.toml").write_text(study, encoding="utf-8")
    (folder / "interventions.toml").write_text("", encoding="utf-8")
    case.change(good()).to_csv(folder / "data.csv", index=False)
    return folder


def told_by(case: Case, road: str, words: str) -> bool:
    return all(part in words for part in case.words(road))


def each(cases: tuple[Case, ...], *, command: bool) -> list[Any]:
    return [
        pytest.param(case, road, id=f"{case.name}, {road}")
        for case in cases
        for road in case.roads
        if (road == "command") is command
    ]


@pytest.mark.parametrize(("case", "road"), each(REFUSED, command=False))
def test_what_cannot_be_used_is_refused_with_what_where_and_how_to_mend_it(
    case: Case, road: str, tmp_path: Path
) -> None:
    with pytest.raises(ca.CausalError) as caught:
        modelled(case, road, tmp_path)
    assert told_by(case, road, str(caught.value)), str(caught.value)
    assert all(fault.what and fault.mend for fault in caught.value.faults)


@pytest.mark.parametrize(("case", "road"), each(TREATED, command=False))
def test_what_is_treated_stands_in_the_notes(case: Case, road: str, tmp_path: Path) -> None:
    notes = "\n".join(modelled(case, road, tmp_path).notes)
    assert told_by(case, road, notes), notes


@pytest.mark.parametrize(("case", "road"), each(REFUSED, command=True))
def test_the_command_refuses_it_with_its_line_and_writes_nothing(
    case: Case, road: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundle = bundle_of(case, tmp_path / "bundle")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for words in (("check",), ("test", "--json"), ("report",)):
        # A fault that is none of the user's would come through here, and end the test with its traceback.
        done = CliRunner().invoke(main, [*words, str(bundle)], catch_exceptions=False)
        assert done.exit_code == 1
        if "--json" in words:
            faults = json.loads(done.stdout)["errors"]
            assert all(fault["what"] and fault["where"] and fault["mend"] for fault in faults), faults
        else:
            assert done.stdout == ""
            assert told_by(case, road, done.stderr), done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("case", "road"), each(TREATED, command=True))
def test_the_command_tells_what_it_treats(case: Case, road: str, tmp_path: Path) -> None:
    bundle = bundle_of(case, tmp_path / "bundle")
    done = CliRunner().invoke(main, ["check", str(bundle)], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    assert told_by(case, road, done.stdout), done.stdout
    document = json.loads(CliRunner().invoke(main, ["check", "--json", str(bundle)]).stdout)
    assert document["errors"] == []
    assert told_by(case, road, "\n".join(note["note"] for note in document["notes"]))


def test_rows_outside_of_the_times_to_keep_are_counted_on_every_road(tmp_path: Path) -> None:
    good().to_csv(tmp_path / "data.csv", index=False)
    kept: dict[str, Any] = {"first": 2001, "last": 2006}
    for panel in (
        ca.Panel.from_frame(good(), **kept),
        ca.Panel.from_table(tmp_path / "data.csv", **kept),
        ca.Panel.from_table(tmp_path / "data.csv", in_memory=False, **kept),
    ):
        assert panel.notes[0] == "12 rows before 2001 or after 2006 are left out"
    for in_memory in (True, False):
        with pytest.raises(ca.CausalError, match="no rows from 2030 to None; widen the years to keep"):
            ca.Panel.from_table(tmp_path / "data.csv", first=2030, in_memory=in_memory)


def test_rows_of_commas_alone_are_skipped_and_told(tmp_path: Path) -> None:
    from causal.panel import read_csv

    text = good().to_csv(index=False)
    (tmp_path / "data.csv").write_text(text + ",,,\n\n , ,,\n", encoding="utf-8")
    assert read_csv(tmp_path / "data.csv", unit="unit", time="year").notes == (
        "rows without a value are skipped: lines 50, 52",
    )


def test_many_look_alikes_and_many_odd_times_are_counted_after_the_first_few() -> None:
    frame = pd.concat([good(), good().assign(unit=lambda each: each["unit"].str.upper())])
    (note,) = ca.Panel.from_frame(frame).notes
    assert note.endswith("'U004' and 'u004'; and 1 more")
    odd = good().assign(year=[f"{year}" if k < 40 else f"y{k}" for k, year in enumerate(good()["year"])])
    with pytest.raises(ca.CausalError) as caught:
        ca.Panel.from_frame(odd)
    assert len(caught.value.faults) == 6
    assert "3 more times are like these" in str(caught.value.faults[-1])


def test_the_page_shows_every_row_that_was_left_out_or_looked_odd(tmp_path: Path) -> None:
    def change(text: str) -> str:
        lines = text.replace("\nu1,", "\nU0,").splitlines()
        gone = [line for line in lines if line.startswith("u7,") and int(line.split(",")[1]) > 2002]
        return "\n".join(line for line in lines if line not in gone and not line.startswith("u6,2010")) + "\n,,,\n"

    told = page(toy_analysis(tmp_path, change=change))
    for words in (
        "rows without a value are skipped: lines",
        "units are taken as different, though their names look alike: &#39;U0&#39; and &#39;u0&#39;",
        "9 of 80 unit-times have no row and are missing: u6 2010, u7 2003 to 2010",
        "1 of 8 units have too few complete periods and are left out: u7",
        "13 rows after 2008 are left out",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"error": 0.0}, "error is 0.0; give a finite number above 0"),
        ({"error": float("inf")}, "error is inf; give a finite number above 0"),
        ({"effect": float("-inf")}, "effect is -inf; give a finite number"),
        ({"cause_sd": 0.0, "effect_sd": 1.0}, "cause_sd is 0.0; give a finite number above 0"),
        ({"cause_sd": 1.0, "effect_sd": 0.0}, "effect_sd is 0.0; give a finite number above 0"),
    ],
)
def test_a_reported_estimate_without_a_finite_error_or_sd_is_refused_by_python_and_by_the_command(
    wrong: dict[str, float], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right: dict[str, Any] = {"edge": "x -> y [lag=1]", "effect": 0.1, "error": 0.1, "source": "A source"}
    with pytest.raises(ca.CausalError, match=told):
        ca.Reported(**right | wrong)
    bundle = bundle_of(REFUSED[5], tmp_path / "bundle")
    lines = "\n".join(f"{key} = {value!r}" for key, value in (right | wrong).items())
    (bundle / "studies.toml").write_text(
        f'[study.panel]\nfile = "data.csv"\n[estimate.other]\n{lines}\n', encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["report", str(bundle)], catch_exceptions=False)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("studies.toml:")
    assert "[estimate.other]" in line
    assert f"{next(key for key in wrong if not wrong[key] or np.isinf(wrong[key]))}" in line
    assert not (tmp_path / "report").exists()
