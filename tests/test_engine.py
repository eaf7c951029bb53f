"""Tables that stay in a data engine: what it adds up is what the rows in memory give, and bad rows are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causal as ca
from causal import engine
from causal.dist import Normal
from causal.model import Model, Priors, study_model
from causal.panel import IN_MEMORY
from tests.oracle import loops

GRAPH = ca.read_graph(loops.FOUR)
NODES = ("corruption", "illicit", "presence", "revenue")


def rows(units: int = 9, times: int = 8, seed: int = 1) -> pd.DataFrame:
    """A complete panel of the four-node loop whose columns stand far from zero and on scales of their own."""
    frame = loops.panel(loops.FOUR_TRUE, units=units, times=times, seed=seed, year_sd=0.5)
    for k, node in enumerate(NODES):
        frame[node] = 10.0 ** (k - 1) * frame[node] + 3000.0
    return frame.sample(frac=1.0, random_state=seed).reset_index(drop=True)


def staying(source: object, **settings: Any) -> ca.Panel:
    """The panel of a table that stays in its engine."""
    return ca.Panel.from_table(source, unit="unit", time="year", in_memory=False, **settings)


def model(panel: ca.Panel | ca.Study, graph: ca.Graph = GRAPH, **settings: Any) -> Model:
    made = ca.build_model(graph, panel, **settings)
    assert isinstance(made, Model)
    return made


def assert_same(ours: Model, theirs: Model) -> None:
    """Both models have the same data to 1e-9 of each node's own size, and the same scales."""
    assert ours.design.crossed is not None
    assert theirs.design.crossed is None
    assert ours.system == theirs.system
    assert ours.structure == theirs.structure
    assert ours.loadings == theirs.loadings
    np.testing.assert_allclose(ours.design.scales, theirs.design.scales, rtol=1e-9)
    np.testing.assert_allclose(ours.design.centres, theirs.design.centres, rtol=1e-9)
    assert ours.design.sweep.freedom == theirs.design.sweep.freedom
    np.testing.assert_allclose(ours.design.sweep.weights, theirs.design.sweep.weights, rtol=1e-9, atol=1e-12)
    largest = np.abs(theirs.data["numbers"]).max()
    np.testing.assert_allclose(ours.data["numbers"], theirs.data["numbers"], rtol=1e-9, atol=1e-9 * largest)


def csv(frame: pd.DataFrame, folder: Path) -> object:
    frame.to_csv(folder / "rows.csv", index=False)
    return folder / "rows.csv"


def parquet(frame: pd.DataFrame, folder: Path) -> object:
    frame.to_parquet(folder / "rows.parquet")
    return str(folder / "rows.parquet")


def parts(frame: pd.DataFrame, folder: Path) -> object:
    for k in range(3):
        frame.iloc[k::3].to_parquet(folder / f"part{k}.parquet")
    return folder


def arrow(frame: pd.DataFrame, folder: Path) -> object:
    import pyarrow

    return pyarrow.Table.from_pandas(frame)


def polars(frame: pd.DataFrame, folder: Path) -> object:
    import polars as pl

    return pl.from_pandas(frame)


def pandas(frame: pd.DataFrame, folder: Path) -> object:
    return frame


def ibis(frame: pd.DataFrame, folder: Path) -> object:
    import ibis as ib
    import polars as pl

    whole: Any = ib.memtable(pl.from_pandas(frame.assign(thrown=1)))
    return whole.filter(whole["thrown"] == 1).drop("thrown")


@pytest.mark.parametrize("kept_as", [csv, parquet, parts, arrow, polars, pandas, ibis])
def test_every_kind_of_table_gives_the_cross_products_of_the_rows_in_memory(
    kept_as: Callable[[pd.DataFrame, Path], object], tmp_path: Path
) -> None:
    frame = rows()
    panel = staying(kept_as(frame, tmp_path))
    assert panel.table is not None
    assert set(panel.columns) == set(NODES)
    assert_same(model(panel), model(ca.Panel.from_frame(frame)))


@settings(max_examples=12, deadline=None)
@given(
    lengths=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 7)), min_size=2, max_size=7),
    year_effects=st.booleans(),
    lag=st.integers(0, 2),
)
def test_units_of_any_span_give_what_they_give_in_memory(
    lengths: list[tuple[int, int]], year_effects: bool, lag: int
) -> None:
    frame = rows(units=len(lengths), times=10)
    spans = {f"u{k:03d}": span for k, span in enumerate(lengths)}
    names = dict(zip(sorted(frame["unit"].unique()), spans, strict=True))
    frame["unit"] = frame["unit"].map(names)
    first = frame["year"].min()
    frame = frame[[spans[u][0] <= y - first < sum(spans[u]) for u, y in zip(frame["unit"], frame["year"], strict=True)]]
    graph = ca.read_graph(f"corruption -> presence [lag={lag}]\npresence -> presence [lag=1]")
    try:
        theirs = model(ca.Panel.from_frame(frame), graph, year_effects=year_effects)
    except ca.CausalError as error:
        with pytest.raises(ca.CausalError) as ours:
            model(staying(frame), graph, year_effects=year_effects)
        assert len(ours.value.faults) >= 1, error
        return
    if theirs.design.holes.shape[1]:
        return
    assert_same(model(staying(frame), graph, year_effects=year_effects), theirs)


@pytest.mark.parametrize(
    "times",
    [
        [2000 + 2 * k for k in range(8)],
        [f"{2000 + k}" for k in range(8)],
        list(pd.date_range("2001-01-01", periods=8, freq="YS")),
        ["a", "b", "c", "d", "e", "f", "g", "h"],
        [0.5 * k for k in range(8)],
    ],
)
def test_times_of_any_kind_stand_where_they_stand_in_memory(times: list[Any]) -> None:
    frame = rows()
    frame["year"] = [times[int(year - frame["year"].min())] for year in frame["year"]]
    ours, theirs = staying(frame), ca.Panel.from_frame(frame)
    assert list(map(str, ours.times)) == list(map(str, theirs.times))
    assert_same(model(ours), model(theirs))


def test_directions_transforms_and_families_are_applied_in_the_engine() -> None:
    frame = rows()
    measures = {
        "corruption": ca.Measure("corruption", direction="-"),
        "illicit": ca.Measure("illicit", transform="log"),
        "presence": ca.Measure("presence", transform="log1p", direction="-"),
        "revenue": "revenue",
    }
    graph = ca.read_graph(loops.FOUR + "\nrevenue [family=lognormal]")
    ours = model(ca.Study(staying(frame), measures), graph)
    assert_same(ours, model(ca.Study(ca.Panel.from_frame(frame), measures), graph))


def test_a_node_that_is_the_same_everywhere_is_left_to_the_year_effects() -> None:
    frame = rows()
    frame["illicit"] = np.sin(frame["year"])
    ours, theirs = model(staying(frame)), model(ca.Panel.from_frame(frame))
    assert "illicit" not in ours.system.nodes
    assert_same(ours, theirs)
    assert any("illicit has one value for all units" in note for note in ours.notes)


@pytest.mark.slow
def test_the_posterior_is_that_of_the_rows_in_memory() -> None:
    frame = rows(units=20, times=12)
    settings: dict[str, Any] = {"seed": 1, "draws": 1500, "chains": 4, "allow_unconverged": True}
    ours = ca.fit(model(staying(frame), priors={"revenue -> corruption": Normal(0.2, 0.3)}), **settings)
    theirs = ca.fit(model(ca.Panel.from_frame(frame), priors={"revenue -> corruption": Normal(0.2, 0.3)}), **settings)
    # One seed and one compiled form: the draws part only by what the last digits of the data do to them.
    for edge in GRAPH.edges:
        a, b = ours.edge(edge.name).to_numpy(), theirs.edge(edge.name).to_numpy()
        assert abs(a.mean() - b.mean()) < 0.1 * b.std()
    known = {result.name: result for result in ca.check(theirs)}
    for result in ca.check(ours):
        if result.name in ("independences", "placebo", "comovement", "predictive"):  # they ask single rows
            assert result.passed is None
            assert "data engine" in result.sentence
        else:
            assert result.passed is known[result.name].passed
    with pytest.raises(ca.CausalError, match="in_memory=True"):
        ca.contrast(ours, [ca.Shift("corruption", 1.0)], outcome="presence")


def test_a_stored_fit_is_found_by_what_the_engine_added_up(tmp_path: Path) -> None:
    from causal.fit import fingerprint

    settings = {"seed": 1}
    frame = rows()
    key = fingerprint(model(staying(frame)), settings)
    assert key == fingerprint(model(staying(frame)), settings)
    changed = frame.assign(corruption=frame["corruption"] + 0.01 * (frame.index == 5))
    assert key != fingerprint(model(staying(changed)), settings)


def test_a_short_table_comes_into_memory_by_itself() -> None:
    frame = rows()
    assert len(frame) < IN_MEMORY
    panel = ca.Panel.from_table(frame, unit="unit", time="year")
    assert panel.table is None
    known = ca.Panel.from_frame(frame)
    for column in NODES:
        np.testing.assert_array_equal(panel.data[column].values, known.data[column].values)
    part = ca.Panel.from_table(frame, unit="unit", time="year", first=2002, last=2005)
    assert list(part.times) == [2002, 2003, 2004, 2005] == list(staying(frame, first=2002, last=2005).times)


def damaged(**cells: Any) -> pd.DataFrame:
    frame = rows().sort_values(["unit", "year"]).reset_index(drop=True)
    for column, (at, value) in cells.items():
        frame[column] = frame[column].astype(object)
        frame.loc[at, column] = value
        frame[column] = frame[column].infer_objects()
    return frame


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (damaged(corruption=(3, None)), ["1 of 72 values are missing: u000 2003; drop", "column 'corruption'", "in_memory=True"]),
        (damaged(corruption=(3, np.inf), presence=(4, None)), ["infinite or no number: u000 2003", "missing: u000 2004", "'corruption'", "'presence'"]),
        (damaged(unit=(3, None)), ["unit is missing in 1 rows"]),
        (damaged(year=(3, None)), ["time is missing in 1 rows"]),
        (rows().assign(corruption="high"), ["corruption", "no number"]),
        (rows().drop(columns=["year"]), ["no time column 'year'"]),
        (rows().iloc[:0], ["no rows"]),
        (rows().rename(columns={node: node.upper() for node in NODES}), ["measures no node"]),
    ],
)  # fmt: skip
def test_bad_tables_are_told_in_words(frame: pd.DataFrame, told: list[str]) -> None:
    with pytest.raises(ca.CausalError) as found:
        model(staying(frame))
    assert all(part in str(found.value) for part in told), str(found.value)


@pytest.mark.parametrize(
    ("years", "told"),
    [
        ([2000, 2000], "u000 2000 stands in several rows"),
        ([2000, 2002], "u000 2002 has no row before it"),
        ([2000, 2000, 2001, 2002, 2003, 2004], "u000 2000 stands in several rows"),
        ([2000, 2002, 2003, 2004, 2005, 2006], "u000 2002 has no row before it"),
        # Two steps of 0 and 2 are as long as two of 1.
        ([2000, 2000, 2002], "u000 2000 stands in several rows"),
    ],
)
def test_rows_that_are_a_past_only_are_looked_at_too(years: list[int], told: str) -> None:
    """With two lags the first two rows of a unit are no outcomes, and a unit of two rows has none at all."""
    frame = rows().sort_values(["unit", "year"])
    own = frame[frame["unit"] == "u000"].iloc[: len(years)].assign(year=years)
    frame = pd.concat([own, frame[frame["unit"] != "u000"]])
    with pytest.raises(ca.CausalError) as found:
        model(staying(frame), ca.read_graph("corruption -> presence [lag=2]\npresence -> presence [lag=1]"))
    assert str(found.value.faults[0]).startswith(told)


def test_what_needs_the_values_in_memory_says_so() -> None:
    frame = rows()
    studies = [ca.Study(staying(frame), name="one"), ca.Study(ca.Panel.from_frame(frame), name="two")]
    with pytest.raises(ca.CausalError, match="'one' stay in a data engine"):
        ca.build_model(GRAPH, studies)
    with pytest.raises(ca.CausalError, match="family student-t"):
        model(staying(frame), ca.read_graph(loops.FOUR + "\nrevenue [family=student-t]"))
    with pytest.raises(ca.CausalError, match="effects across units"):
        model(staying(frame), ca.read_graph(loops.FOUR + "\npresence -> presence [lag=1, across=near]"))
    with pytest.raises(ca.CausalError, match="index"):
        model(ca.Study(staying(frame), {"presence": ca.Measure(("presence", "revenue"))}))


@pytest.mark.parametrize(
    ("source", "told"),
    [(3, "no table"), ("nowhere.csv", "no such file"), ("rows.xlsx", "neither CSV nor Parquet"), ([1, 2], "no table")],
)
def test_what_is_no_table_is_refused(source: object, told: str) -> None:
    with pytest.raises(ca.CausalError, match=told):
        ca.Panel.from_table(source)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_text("not at all")
    with pytest.raises(ca.CausalError, match="cannot be read"):
        ca.Panel.from_table(tmp_path / "rows.parquet")


def test_a_missing_engine_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ibis", None)
    with pytest.raises(ca.CausalError, match=r"causal-claims\[engine\]"):
        engine.opened("rows.csv")


def test_priors_reach_a_model_of_a_table() -> None:
    given = Priors({"revenue -> corruption": Normal(0.1, 0.2)})
    made = study_model(GRAPH, ca.Study(staying(rows())), given)
    at = [term.name for term in made.system.terms].index("revenue -> corruption [lag=1]")
    assert made.term_priors[at] == Normal(0.1, 0.2)
