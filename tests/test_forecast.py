"""Forecasts: paths against closed forms and plain recursions, no look ahead, and worlds in which a loop does and does not help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from causal.dist import CUT, Normal
from causal.errors import CausalError
from causal.fit import Fit, fingerprint
from causal.forecast import (
    NOT_FITTED,
    StudyForecast,
    before,
    calibration,
    difference_word,
    forecast_study,
    naive_changes,
    paths,
    seen_from,
)
from causal.forecast import _models as models_of  # the models that are fitted, before any draw
from causal.graph import Graph
from causal.levels import Block, Levels, draws_of
from causal.measurement import Measure
from causal.model import Model, Priors
from causal.netcdf import write_tree
from causal.panel import Panel, Study
from causal.scoring import Comparison
from causal.syntax import read_graph
from tests.oracle import loops
from tests.oracle.worlds import frame, made_fit, made_model, same_draws
from tests.toy_bundle import _draws as toy_draws

LOOP = "a -> b [lag=1]\nb -> a [lag=2]\na -> a [lag=1]\nb -> b [lag=1]"
PRIORS = {
    name: Priors({"a -> b": Normal(0.2, 0.3)} if name == "article" else {}, name=name) for name in ("article", "wide")
}


def made(graph: str, **more: Any) -> Fit:
    read = read_graph(graph)
    rows = frame(read.names, units=more.pop("units", 4), times=range(2000, 2012), seed=3)
    model = made_model(read, rows, year_effects=more.pop("year_effects", False))
    return made_fit(model, **more)


def quiet(fit: Fit) -> Fit:
    """The fit with next to no shocks."""
    posterior = fit.posterior.copy()
    posterior["shock_sd"] = posterior["shock_sd"] * 0 + 1e-9
    return Fit(fit.model, xr.DataTree.from_dict({"posterior": posterior}), fit.convergence)


# Paths


def test_a_path_without_shocks_follows_the_equations_from_the_last_values() -> None:
    fit = quiet(made(LOOP, draws=3))
    found, values = paths(fit, 6, seed=1), fit.model.study.values(fit.model.graph)
    effects = {term.name: fit.draws("effect")[:, k] for k, term in enumerate(fit.model.system.terms)}
    scale = dict(zip(fit.model.system.nodes, fit.model.design.scales, strict=True))
    past = {node: values.sel(variable=node).to_numpy() for node in "ab"}
    for draw in range(3):
        b = {name: drawn[draw] for name, drawn in effects.items()}
        natural = {name: b[name] * scale[name[5]] / scale[name[0]] for name in b}
        steps = [("a", "b", 1), ("b", "a", 2), ("a", "a", 1), ("b", "b", 1)]
        named = [(u, v, lag, natural[f"{u} -> {v} [lag={lag}]"]) for u, v, lag in steps]
        level = {
            v: np.mean([past[v][:, t] - sum(e * past[u][:, t - lag] for u, w, lag, e in named if w == v) for t in range(2, 12)], axis=0)
            for v in "ab"
        }  # fmt: skip
        world = {node: list(past[node].T) for node in "ab"}
        for step in range(6):
            now = {v: level[v] + sum(e * world[u][12 + step - lag] for u, w, lag, e in named if w == v) for v in "ab"}
            for v in "ab":
                world[v].append(now[v])
                np.testing.assert_allclose(found[v].isel(draw=draw, time=step), now[v], atol=1e-6)


def test_the_spread_of_a_path_is_its_closed_form() -> None:
    """One node with memory r: shocks give ``sd^2 sum r^2k``, the unknown level ``sd^2 / T (sum r^k)^2``."""
    fit = made("a -> a [lag=1]", draws=1, chains=1, effects={"a -> a [lag=1]": 0.7}, spread=0.0, shock_sd=[0.5])
    found = paths(same_draws(fit, 30_000), 5, seed=2)["a"].isel(unit=1).to_numpy()
    for h in range(1, 6):
        powers = 0.7 ** np.arange(h)
        variance = 0.25 * ((powers**2).sum() + powers.sum() ** 2 / 11)
        assert found[:, h - 1].var() == pytest.approx(variance, rel=5 * np.sqrt(2 / 30_000))


def test_a_unit_whose_series_ends_early_goes_on_from_there() -> None:
    graph = read_graph("a -> a [lag=1]")
    rows = frame(graph.names, units=3, times=range(2000, 2012), seed=5)
    rows.loc[(rows["unit"] == "u1") & (rows["year"] > 2008), "a"] = np.nan
    fit = quiet(made_fit(made_model(graph, rows, year_effects=False), draws=1, chains=1))
    r, seen = float(fit.draws("effect")[0, 0]), rows.loc[rows["unit"] == "u1", "a"].to_numpy()[:9]
    level = np.mean(seen[1:] - r * seen[:-1])
    value = seen[-1]
    for _ in range(3 + 2):
        value = level + r * value
    assert float(paths(fit, 2, seed=0)["a"].sel(unit="u1").isel(draw=0, time=1)) == pytest.approx(value, abs=1e-6)


def test_new_years_have_the_spread_of_the_known_ones_with_few_years_heavy_tails() -> None:
    rows = frame(["a"], units=40, times=range(2000, 2007), seed=1)
    years = np.array([0.0, 3.0, -1.0, 2.0, -4.0, 1.0, -1.5])
    rows["a"] = rows["unit"].str[1:].astype(float) + years[rows["year"] - 2000] + 1e-6 * rows["a"]
    model = made_model(read_graph("a -> a [lag=1]"), rows)
    fit = same_draws(quiet(made_fit(model, effects={"a -> a [lag=1]": 0.0}, spread=0.0)), 20_000)
    found = paths(fit, 2, seed=4)["a"].to_numpy()
    apart = found - found.mean(axis=1, keepdims=True)
    assert np.abs(apart - apart[:1]).max() < 1e-4, "a year's effect is that of every unit"
    known = years[1:]  # the first year is a past only
    z = (found[:, 0] - 0.0 - known.mean()) / (known.std(ddof=1) * np.sqrt(1 + 1 / 6))
    assert stats.kstest(z[:, 0], stats.t(5).cdf).pvalue > 1e-4
    assert stats.kstest(z[:, 0], "norm").pvalue < 1e-4, "six years do not fix their own spread"
    assert abs(stats.spearmanr(found[:, 0, 0], found[:, 0, 1]).statistic) < 0.04, "years are independent"


def test_what_years_owe_to_few_units_is_taken_off_their_spread() -> None:
    """Years that do not differ: what is estimated of them is the shocks' mean over units, and new years get next to none of it."""
    rows = frame(["a"], units=5, times=range(2000, 2030), seed=2)
    model, still = made_model(read_graph("a -> a [lag=1]"), rows), {"a -> a [lag=1]": 0.0}
    fit = same_draws(made_fit(model, draws=1, effects=still, spread=0.0, shock_sd=[1.0]), 4000)
    levels = Levels(draws_of(fit), Block(0, 0, 4000), 1, years_to_come=3)
    year = levels._year[0]
    scale = float(fit.model.design.scales[0])
    assert year[:, :29].std() * scale > 0.4, "an estimated year varies by 2 sd^2 / N in all"
    assert year[:, -3:].std() < 0.5 * year[:, :29].std()


def test_worlds_that_do_not_continue_the_panel_have_no_new_years() -> None:
    fit = made(LOOP, year_effects=True)
    plain, asked = (Levels(draws_of(fit), Block(0, 0, 5), 1, years_to_come=count) for count in (0, 2))
    np.testing.assert_array_equal(plain._year, asked._year[:, :, : plain._year.shape[2]])
    assert asked._year.shape[2] == plain._year.shape[2] + 2


# The naive forecast


def test_the_naive_spread_is_every_change_both_ways() -> None:
    values = np.arange(5)[:, None] + np.array([[0.0, 1.0, 4.0, 9.0]])
    found = np.sort(naive_changes(values, 2))
    np.testing.assert_allclose(found, np.sort(np.concatenate([np.repeat([4.0, 8.0], 5), np.repeat([-4.0, -8.0], 5)])))


def test_a_span_that_few_pairs_show_is_stretched_from_a_shorter_one() -> None:
    values = np.array([[0.0, 1.0, 3.0, np.nan]] * 5)
    np.testing.assert_allclose(np.unique(naive_changes(values, 7)), np.sqrt(7.0) * np.array([-2.0, -1.0, 1.0, 2.0]))


# No look ahead


def study(rows: pd.DataFrame, **more: Any) -> Study:
    return Study(
        Panel.from_frame(rows, unit="unit", time="year"), {"a": Measure(("a1", "a2")), "b": Measure("b")}, **more
    )


def rows_of(seed: int = 6) -> pd.DataFrame:
    rows = loops.panel(
        {("a", "a", 1): 0.5, ("b", "b", 1): 0.5, ("a", "b", 1): 0.3}, units=6, times=16, seed=seed, year_sd=0.3
    )
    generator = np.random.default_rng(seed)
    return rows.assign(a1=rows["a"], a2=rows["a"] + generator.normal(size=len(rows)))


GRAPH = read_graph("a -> a [lag=1]\nb -> b [lag=1]\na -> b [lag=1]")
SETTINGS = {"seed": 1, "draws": 50, "chains": 2}


def kept(models: dict[str, Model], store: Path) -> None:
    for model in models.values():
        write_tree(toy_draws(model, 0, 1.001), store / f"{fingerprint(model, {**SETTINGS, 'tune': 500})}.nc")


def asked(rows: pd.DataFrame, store: Path, year: int = 2010) -> StudyForecast:
    return forecast_study(GRAPH, study(rows), PRIORS, year, store=store, kept_only=True, **SETTINGS)


def test_whatever_comes_later_the_forecast_is_the_same_bit_for_bit(tmp_path: Path) -> None:
    rows = rows_of()
    kept(models_of(GRAPH, before(study(rows), 2010), PRIORS), tmp_path)
    first = asked(rows, tmp_path)
    assert not first.why
    assert [node.node for node in first.nodes] == ["a", "b"]
    later = rows["year"] > 2010
    other = rows.copy()
    for column in ("a1", "a2", "b"):
        other.loc[later, column] = 100.0 - 7.0 * np.random.default_rng(9).normal(size=later.sum())
    second = asked(other, tmp_path)
    for one, two in zip(first.nodes, second.nodes, strict=True):
        assert one.scale == two.scale
        for name in one.quantiles:
            np.testing.assert_array_equal(one.quantiles[name], two.quantiles[name], err_msg=name)
        assert one.scores["article"].crps < two.scores["article"].crps, (
            "what came later is what forecasts are scored on"
        )
    # And the test has teeth: one earlier value changed is another model, which nobody has fitted.
    other.loc[rows["year"] == 2010, "b"] += 1.0
    assert asked(other, tmp_path).why == NOT_FITTED


def test_later_values_of_an_index_are_measured_by_the_earlier_constants() -> None:
    rows = rows_of()
    until = before(study(rows), 2010)
    short = until.values(GRAPH)
    whole = seen_from(study(rows), GRAPH, 2010)
    np.testing.assert_allclose(whole.sel(time=short["time"]), short)
    a1 = rows.pivot_table(index="unit", columns="year", values="a1").to_numpy()
    a2 = rows.pivot_table(index="unit", columns="year", values="a2").to_numpy()

    def standard(x: NDArray[np.float64]) -> NDArray[np.float64]:
        known = x[:, :11]
        return (x - known.mean()) / np.sqrt(((known - known.mean(axis=1, keepdims=True)) ** 2).sum() / (6 * 10))

    np.testing.assert_allclose(whole.sel(variable="a"), (standard(a1) + standard(a2)) / 2)


def test_without_the_loop_every_link_is_cut_and_memory_is_not() -> None:
    models = models_of(GRAPH, before(study(rows_of()), 2010), PRIORS)
    priors = dict(zip((term.name for term in models["memory"].system.terms), models["memory"].term_priors, strict=True))
    assert priors["a -> b [lag=1]"] == CUT
    assert {name for name, prior in priors.items() if prior != CUT} == {"a -> a [lag=1]", "b -> b [lag=1]"}
    assert models["memory"].structure == models["article"].structure, "one compiled form serves all"


def test_a_study_without_links_has_one_fit(tmp_path: Path) -> None:
    graph = read_graph("a -> a [lag=1]\nb -> b [lag=1]")
    models = models_of(graph, before(study(rows_of()), 2010), {name: Priors() for name in PRIORS})
    assert list(models) == ["memory"]
    kept(models, tmp_path)
    empty = {name: Priors() for name in PRIORS}
    found = forecast_study(graph, study(rows_of()), empty, 2010, store=tmp_path, kept_only=True, **SETTINGS)
    assert set(found.nodes[0].scores) == {"memory", "naive"}
    assert set(found.nodes[0].differences) == {"naive"}


def test_a_node_without_a_link_into_it_is_not_set_beside_its_own_memory(tmp_path: Path) -> None:
    kept(models_of(GRAPH, before(study(rows_of()), 2010), PRIORS), tmp_path)
    a, b = asked(rows_of(), tmp_path).nodes
    assert (a.linked, set(a.differences)) == (False, {"naive"})
    assert (b.linked, set(b.differences)) == (True, {"naive", "memory", "wide"})


def test_units_in_which_a_node_never_moved_are_left_out(tmp_path: Path) -> None:
    rows = rows_of()
    still = (rows["unit"] == "u002") & (rows["year"] <= 2010)
    rows.loc[still, "b"] = 0.0
    kept(models_of(GRAPH, before(study(rows), 2010), PRIORS), tmp_path)
    a, b = asked(rows, tmp_path).nodes
    assert (a.idle, b.idle) == (0, 1)
    assert "u002" not in b.observed["unit"].to_numpy().tolist()
    assert b.scores["article"].count == 5 * 5


def test_calibration_pools_series_by_the_values_behind_them(tmp_path: Path) -> None:
    rows = rows_of()
    rows.loc[(rows["unit"] == "u002") & (rows["year"] <= 2010), "b"] = 0.0
    kept(models_of(GRAPH, before(study(rows), 2010), PRIORS), tmp_path)
    a, b = asked(rows, tmp_path).nodes
    found = calibration([a, b])["naive"]
    assert found.score.count == 30 + 25
    assert found.score.crps == pytest.approx((30 * a.scores["naive"].crps + 25 * b.scores["naive"].crps) / 55)
    assert found.by_horizon[1].count == 6 + 5
    assert sum(found.fifths) == pytest.approx(1.0)
    pits = np.concatenate([a.pits["naive"].ravel(), b.pits["naive"].ravel()])
    assert found.fifths[0] == pytest.approx((pits < 0.2).mean(), abs=1e-9)


def test_scores_by_year_add_up_to_those_in_all(tmp_path: Path) -> None:
    kept(models_of(GRAPH, before(study(rows_of()), 2010), PRIORS), tmp_path)
    node = asked(rows_of(), tmp_path).nodes[1]
    for name, score in node.scores.items():
        each = node.by_horizon[name]
        assert len(each) == 5
        assert np.average([one.crps for one in each], weights=[one.count for one in each]) == pytest.approx(score.crps)
        inside = (node.pits[name] > 0.05) & (node.pits[name] < 0.95)
        assert inside.mean() == pytest.approx(score.covered_90, abs=0.05)


# What cannot be forecast


@pytest.mark.parametrize(
    ("year", "part"),
    [(2002, "3 years up to 2002"), (2014, "1 after it; 4 and 2 are needed"), (1990, "no year up to 1990")],
)
def test_too_few_years_on_a_side_are_told_in_words(tmp_path: Path, year: int, part: str) -> None:
    found = asked(rows_of(), tmp_path, year)
    assert part in found.why
    assert found.nodes == ()


def test_priors_that_lack_a_set_and_a_year_that_is_none_are_refused() -> None:
    with pytest.raises(CausalError) as caught:
        forecast_study(GRAPH, study(rows_of()), {"wide": PRIORS["wide"]}, "2005")  # type: ignore[arg-type]
    assert [fault.what for fault in caught.value.faults] == ["no prior set 'article'", "the year is '2005'"]


def test_times_that_are_no_years_are_told_in_words(tmp_path: Path) -> None:
    rows = rows_of()
    rows["year"] = pd.to_datetime(rows["year"].astype(str))
    rows["year"] = rows["year"].dt.strftime("%Y-%m-%d")
    assert "no years" in asked(rows, tmp_path).why


def test_a_node_that_is_not_normal_is_told_in_words(tmp_path: Path) -> None:
    rows = rows_of()
    rows["b"] = (rows["b"] > rows["b"].median()).astype(float)
    graph = read_graph("a -> a [lag=1]\nb [family=bernoulli]\na -> b [lag=1]")
    found = forecast_study(graph, study(rows), PRIORS, 2010, store=tmp_path, kept_only=True, **SETTINGS)
    assert "not Normal" in found.why


def test_differences_are_told_apart_only_where_they_are_and_matter() -> None:
    assert difference_word(Comparison(-0.3, 0.1, -0.5, -0.1, 50)) == "better"
    assert difference_word(Comparison(0.3, 0.1, 0.1, 0.5, 50)) == "worse"
    assert difference_word(Comparison(-0.005, 0.001, -0.007, -0.003, 50)) == "no telling apart"
    assert difference_word(Comparison(-0.3, 0.2, -0.7, 0.1, 50)) == "no telling apart"
    assert difference_word(Comparison(-0.3, float("nan"), float("nan"), float("nan"), 5)) == "too few to tell"


# Simulated worlds

WORLD = "x -> x [lag=1]\ny -> y [lag=1]\nx -> y [lag=1]\ny -> x [lag=1]"
STRONG = {("x", "x", 1): 0.5, ("y", "y", 1): 0.5, ("x", "y", 1): 0.45, ("y", "x", 1): -0.45}
NONE = {("x", "x", 1): 0.6, ("y", "y", 1): 0.6}


def world(effects: dict[tuple[str, str, int], float], seed: int) -> StudyForecast:
    rows = loops.panel(effects, units=60, times=22, seed=seed, year_sd=0.3)
    graph: Graph = read_graph(WORLD)
    return forecast_study(
        graph, Study(Panel.from_frame(rows, unit="unit", time="year")), {name: Priors() for name in PRIORS}, 2014, draws=500, chains=2
    )  # fmt: skip


@pytest.mark.slow
def test_where_there_is_a_loop_its_model_forecasts_better_than_no_loop_and_no_model() -> None:
    found = [node for seed in range(4) for node in world(STRONG, seed).nodes]
    for other in ("memory", "naive"):
        words = [difference_word(node.differences[other]) for node in found]
        assert all(node.differences[other].mean < -0.02 for node in found), [node.differences[other] for node in found]
        # Seven years after are few clusters: an interval with six degrees of freedom does not find every difference.
        assert words.count("better") >= 5, words
        assert "worse" not in words
    # And it knows how little it knows.
    assert np.mean([node.scores["article"].covered_90 for node in found]) == pytest.approx(0.9, abs=0.06)
    assert np.mean([node.scores["article"].covered_50 for node in found]) == pytest.approx(0.5, abs=0.08)
    pits = np.concatenate([node.pits["article"].ravel() for node in found])
    assert abs(pits.mean() - 0.5) < 0.08


@pytest.mark.slow
def test_where_there_is_none_the_loop_wins_no_more_often_than_chance() -> None:
    found = [node for seed in range(6) for node in world(NONE, 100 + seed).nodes]
    words = [difference_word(node.differences["memory"]) for node in found]
    # One in twenty would be called better by chance: of twelve, three or more in under two of a hundred tries.
    assert words.count("better") <= 2, words
    assert np.mean([node.differences["memory"].mean for node in found]) > -0.01


@pytest.mark.slow
def test_sampled_forecasts_do_not_look_ahead_either() -> None:
    rows = rows_of()
    other = rows.copy()
    other.loc[other["year"] > 2010, ["a1", "a2", "b"]] = np.nan
    other.loc[other["year"] == 2013, "b"] = 55.0
    other.loc[other["year"] == 2012, "b"] = np.arange(6) * 3.0
    first, second = (forecast_study(GRAPH, study(each), PRIORS, 2010, draws=200, chains=2) for each in (rows, other))
    one, two = first.nodes[1], second.nodes[0]
    assert (one.node, two.node) == ("b", "b")
    assert "not measured after 2010" in second.without["a"]
    np.testing.assert_array_equal(one.quantiles["article"], two.quantiles["article"])
    cut = first.fits["memory"].edge("a -> b", scale="standard").to_numpy()
    assert np.abs(cut).max() < 10 * CUT.sd


def test_a_series_that_is_seen_every_second_year_shows_its_changes_over_two() -> None:
    values = np.full((3, 9), np.nan)
    values[:, ::2] = np.arange(5) * 2.0
    np.testing.assert_allclose(np.unique(naive_changes(values, 1)), [-(2.0**0.5), 2.0**0.5])
    assert naive_changes(np.full((2, 4), np.nan), 1).size == 0
