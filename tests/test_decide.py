"""Decisions against closed forms, nested Monte Carlo and counting draw by draw."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from causal.decide import NOTHING, evppi, rank, value_of_information
from causal.errors import CausalError
from causal.fit import Fit
from causal.intervene import Cut, Path, Set, Shift
from causal.simulate import contrast
from causal.syntax import read_graph
from tests.oracle.loops import FOUR
from tests.oracle.worlds import frame, made_fit, made_model

type Array = NDArray[np.float64]

YEARS = range(2000, 2010)
DRAWS = 4000
"""Draws of all chains together."""
OPTIONS = {
    "clean": "shift corruption -1 from 2004",
    "present": "shift presence 0.5 from 2003",
    "both": "shift corruption -0.4 from 2004; shift presence 0.3 from 2005 to 2007",
    "part": "cut corruption -> presence from 2005",
}


@cache
def loop() -> Fit:
    """The loop of four nodes, with more ways into illicit, and effects that may have either sign."""
    nodes = ("corruption", "illicit", "presence", "revenue")
    rows = frame(nodes, units=3, times=YEARS, seed=3)
    graph = read_graph(FOUR + "corruption -> illicit [lag=1]\nrevenue -> illicit [lag=1]")
    return made_fit(made_model(graph, rows), draws=DRAWS // 2, seed=5)


@cache
def chain(hidden: bool = False) -> Fit:
    """``x -> y -> z``, all of lag 1, without memory; `hidden` leaves y unmeasured."""
    graph = read_graph("x -> y [lag=1]\ny -> z [lag=1]\nx -> z [lag=1]\nw -> x")
    names = ("w", "x", "z") if hidden else ("w", "x", "y", "z")
    effects = {"x -> z [lag=2]": 0.1, "x -> z [lag=1]": 0.05, "w -> x": 0.3}
    whole = {"x -> y [lag=1]": 0.5, "y -> z [lag=1]": 0.2, "x -> z [lag=1]": 0.05, "w -> x": 0.3}
    rows = frame(names, units=2, times=YEARS, seed=1)
    return made_fit(made_model(graph, rows), draws=DRAWS // 2, seed=2, effects=effects if hidden else whole, spread=0.2)


def perfect(mean: float, sd: float) -> float:
    """``E[max(0, theta)] - max(0, E theta)`` of a Normal theta."""
    return float(sd * norm.pdf(mean / sd) - abs(mean) * norm.cdf(-abs(mean) / sd))


def spread_out(size: int, seed: int) -> Array:
    """A standard Normal sample without chance in its distribution: its quantiles, in an order drawn at random."""
    return np.random.default_rng(seed).permutation(norm.ppf((np.arange(size) + 0.5) / size))


# ---------------------------------------------------------------- ranking


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("over", ["end", "mean", "sum"])
def test_a_ranking_is_what_counting_draw_by_draw_gives(better: Any, over: Any) -> None:
    ranking = rank(loop(), OPTIONS, "illicit", horizon=2, better=better, over=over, seed=3)
    wanted = {NOTHING: np.zeros(DRAWS)}
    for name, text in OPTIONS.items():
        path = contrast(loop(), text, outcome="illicit", horizon=2, seed=3).sel(time=slice(2003, 2011)).to_numpy()
        wanted[name] = {"end": path[:, -1], "mean": path.mean(axis=1), "sum": path.sum(axis=1)}[over]
    sign = 1.0 if better == "higher" else -1.0
    names = list(wanted)
    wins, shortfall = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for draw in range(DRAWS):
        benefits = [sign * float(wanted[name][draw]) for name in names]
        top = max(benefits)
        for name, benefit in zip(names, benefits, strict=True):
            wins[name] += (benefit == top) / benefits.count(top) / DRAWS
            shortfall[name] += (top - benefit) / DRAWS
    assert set(ranking["option"].to_numpy()) == set(names)
    assert ranking["effect"].dims == ("draw", "option")
    for name in names:
        row = ranking.sel(option=name)
        np.testing.assert_allclose(row["effect"], wanted[name], rtol=1e-12)
        assert float(row["expected"]) == pytest.approx(wanted[name].mean(), rel=1e-10)
        assert float(row["p_best"]) == pytest.approx(wins[name], abs=1e-12)
        assert float(row["p_harm"]) == pytest.approx(np.mean(sign * wanted[name] < 0), abs=1e-12)
        assert float(row["regret"]) == pytest.approx(shortfall[name], rel=1e-10)
    assert sum(0.05 < share < 0.95 for share in wins.values()) >= 3
    assert list(ranking["regret"]) == sorted(ranking["regret"])
    assert float(ranking["evpi"]) == float(ranking["regret"][0])
    assert float(ranking["p_best"].sum()) == pytest.approx(1.0, abs=1e-12)


def test_less_of_the_outcome_as_the_good_turns_harm_round() -> None:
    up = rank(loop(), OPTIONS, "illicit", better="higher").drop_sel(option=NOTHING)
    down = rank(loop(), OPTIONS, "illicit", better="lower").drop_sel(option=NOTHING)
    np.testing.assert_allclose(up["p_harm"], 1 - down["p_harm"].sel(option=up["option"]), atol=1e-12)
    np.testing.assert_array_equal(up["effect"], down["effect"].sel(option=up["option"]))


def test_the_chain_has_the_effect_that_its_edges_multiply_to() -> None:
    ranking = rank(chain(), {"push": [Shift("x", 2.0, start=2005, stop=2005)]}, "z", over="sum")
    b = {name: chain().edge(name).to_numpy().ravel() for name in ("x -> y [lag=1]", "y -> z [lag=1]", "x -> z [lag=1]")}
    wanted = 2.0 * (b["x -> y [lag=1]"] * b["y -> z [lag=1]"] + b["x -> z [lag=1]"])
    np.testing.assert_allclose(ranking["effect"].sel(option="push"), wanted, rtol=1e-10, atol=1e-12)


def test_equal_options_share_the_first_place() -> None:
    same = {"one": "shift corruption -1 from 2004", "again": [Shift("corruption", -1.0, start=2004)]}
    ranking = rank(loop(), same, "illicit", costs={"one": 2, "again": 2.0})
    assert float(ranking["p_best"].sel(option="one")) == float(ranking["p_best"].sel(option="again"))
    assert float(ranking["p_best"].sum()) == pytest.approx(1.0, abs=1e-12)
    assert bool(ranking["on_frontier"].sel(option="one")) == bool(ranking["on_frontier"].sel(option="again"))


def test_what_cannot_reach_the_outcome_ties_with_doing_nothing() -> None:
    ranking = rank(chain(), ["shift z 1 from 2003"], "x")
    assert list(ranking["p_best"]) == [0.5, 0.5]
    assert list(ranking["p_harm"]) == list(ranking["regret"]) == [0.0, 0.0]
    assert ranking["option"].to_numpy()[0] == NOTHING
    assert float(ranking["evpi"]) == 0.0


def test_texts_and_records_are_named_by_their_text() -> None:
    text = "shift corruption -1 from 2004"
    both = rank(loop(), [text, [Shift("presence", 0.5), Cut("corruption -> presence", start=2005)]], "illicit")
    assert set(both["option"].to_numpy()) == {text, "shift presence 0.5; cut corruption -> presence from 2005", NOTHING}
    xr.testing.assert_identical(
        rank(loop(), text, "illicit"), rank(loop(), [Shift("corruption", -1.0, start=2004)], "illicit")
    )


@pytest.mark.parametrize(
    ("options", "first"),
    [
        (["shift corruption -1 from 2004", "shift presence 1 from 2006"], 2004),
        ([Shift("corruption", -1.0, start="2006"), Path("presence", {2008: 1.0, 2005: 2.0})], 2005),
        (["shift corruption -1 from 2004", "shift presence 1 to 2006"], 2000),
        (["shift corruption -1 from 2010"], 2010),
    ],
)
def test_the_mean_begins_in_the_first_year_of_any_option(options: Any, first: int) -> None:
    ranking = rank(loop(), options, "illicit", over="mean", horizon=2)
    for name in set(ranking["option"].to_numpy()) - {NOTHING}:
        path = contrast(loop(), name, outcome="illicit", horizon=2).sel(time=slice(first, 2011))
        assert path.sizes["time"] == 2012 - first
        np.testing.assert_allclose(ranking["effect"].sel(option=name), path.mean("time"), rtol=1e-12)


def test_the_mean_begins_where_a_date_is_written_short() -> None:
    rows = frame(("x", "y"), units=2, times=list(pd.date_range("2000-01-01", periods=8, freq="YS")), seed=1)
    fit = made_fit(made_model(read_graph("x -> y [lag=1]"), rows), draws=3)
    ranking = rank(fit, {"push": [Shift("x", 1.0, start="2005")]}, "y", over="sum")
    path = contrast(fit, [Shift("x", 1.0, start="2005")], outcome="y")
    np.testing.assert_allclose(ranking["effect"].sel(option="push"), path[:, 5:].sum("time"), rtol=1e-12)


def test_the_words_and_attributes_say_what_was_ranked() -> None:
    ranking = rank(loop(), OPTIONS, "illicit", horizon=3, better="lower", over="mean")
    best = str(ranking["option"].to_numpy()[0])
    assert {name: ranking.attrs[name] for name in ("outcome", "better", "over", "horizon")} == {
        "outcome": "illicit",
        "better": "lower",
        "over": "mean",
        "horizon": 3,
    }
    assert f"'{best}' has the least expected regret for illicit (lower is better, as the mean" in ranking.attrs["words"]
    assert f"does harm in {float(ranking['p_harm'][0]):.0%}" in ranking.attrs["words"]


def test_a_ranking_says_what_it_rests_on() -> None:
    ranking = rank(loop(), OPTIONS, "illicit")
    whole = ranking.attrs["rests_on"].split("; ")
    assert any(word.startswith("corruption -> presence: ") for word in whole)
    assert len(set(whole)) == len(whole)
    assert str(ranking["rests_on"].sel(option=NOTHING).item()) == ""
    for name, text in OPTIONS.items():
        said = str(ranking["rests_on"].sel(option=name).item())
        assert said == contrast(loop(), text, outcome="illicit").attrs["rests_on"]
        assert set(said.split("; ")) <= set(whole)


# ---------------------------------------------------------------- costs


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("costs", list(itertools.product((0, 1), (1, 2.5), (2,), (1, 3)))[:6])
def test_the_frontier_is_what_no_other_option_beats(costs: tuple[float, ...], better: Any) -> None:
    prices = dict(zip(OPTIONS, costs, strict=True))
    ranking = rank(loop(), OPTIONS, "illicit", costs=prices, better=better)
    prices[NOTHING] = 0
    good = {name: float(ranking["expected"].sel(option=name)) * (1 if better == "higher" else -1) for name in prices}
    kept: set[str] = set()
    for name in prices:
        beaten = False
        for other in prices:
            if prices[other] <= prices[name] and good[other] >= good[name]:
                beaten = beaten or prices[other] < prices[name] or good[other] > good[name]
        if not beaten:
            kept.add(name)
    assert set(ranking["option"].to_numpy()[ranking["on_frontier"].to_numpy()]) == kept
    for name, price in prices.items():
        row = ranking.sel(option=name)
        assert float(row["cost"]) == price
        if price == 0:
            assert np.isnan(row["per_cost"])
        else:
            assert float(row["per_cost"]) == pytest.approx(float(row["expected"]) / price, rel=1e-12)


def test_costs_change_no_regret_and_without_them_there_is_no_frontier() -> None:
    free = rank(loop(), OPTIONS, "illicit")
    dear = rank(loop(), OPTIONS, "illicit", costs=dict.fromkeys(OPTIONS, 1e6))
    assert not {"cost", "per_cost", "on_frontier"} & set(free)
    xr.testing.assert_identical(dear[list(free)], free)


# ---------------------------------------------------------------- the value of knowing


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("mean", "sd_known", "sd_other"), [(0.0, 1.0, 1.0), (0.5, 1.0, 1.0), (-0.5, 1.0, 0.5), (-1.0, 1.0, 0.0)]
)
def test_a_normal_unknown_is_worth_its_closed_form(mean: float, sd_known: float, sd_other: float, seed: int) -> None:
    known, other = spread_out(DRAWS, seed), spread_out(DRAWS, 100 + seed)
    values = np.column_stack([np.zeros(DRAWS), mean + sd_known * known + sd_other * other])
    assert evppi(values, 7.0 + 0.01 * known) == pytest.approx(perfect(mean, sd_known), rel=0.05)
    both = np.column_stack([known, other])
    if sd_other:
        assert evppi(values, both) == pytest.approx(perfect(mean, float(np.hypot(sd_known, sd_other))), rel=0.05)
    assert evppi(values, both) == pytest.approx(values.max(axis=1).mean() - values.mean(axis=0).max(), rel=1e-9)


def test_from_independent_draws_the_closed_form_comes_out_within_five_percent() -> None:
    generator = np.random.default_rng(11)
    known, other = generator.normal(size=(2, 40_000))
    values = np.column_stack([np.zeros(40_000), 0.4 + known + other])
    assert evppi(values, known) == pytest.approx(perfect(0.4, 1.0), rel=0.05)
    assert evppi(values, other) == pytest.approx(perfect(0.4, 1.0), rel=0.05)


def test_three_options_agree_with_their_exact_average() -> None:
    """The benefits 0, a + noise and 2 a - 1 + noise: given a their mean is known, and the rest is one integral."""
    a, first, second = (spread_out(20_000, seed) for seed in (1, 2, 3))
    values = np.column_stack([0 * a, a + 0.5 * first, 2 * a - 1 + 0.5 * second])
    exact = np.column_stack([0 * a, a, 2 * a - 1])
    wanted = exact.max(axis=1).mean() - exact.mean(axis=0).max()
    assert evppi(values, a) == pytest.approx(wanted, rel=0.02)


def test_a_curved_benefit_agrees_with_nested_monte_carlo() -> None:
    """Benefit theta1 * theta2 with correlated thetas, and a kink; the inner average by brute force at each outer draw."""
    generator = np.random.default_rng(4)

    def benefit(first: Array, second: Array) -> Array:
        return first * second + 0.3 * np.maximum(first, 0.0) - 0.2

    def second_given(first: Array, size: tuple[int, ...]) -> Array:
        return 0.6 * first + 0.8 * generator.normal(size=size)

    outer = spread_out(2000, 5)[:, None]
    inner = benefit(outer, second_given(outer, (2000, 4000))).mean(axis=1)
    wanted = np.maximum(inner, 0.0).mean() - max(inner.mean(), 0.0)
    first = spread_out(20_000, 6)
    values = np.column_stack([np.zeros(20_000), benefit(first, second_given(first, (20_000,)))])
    assert evppi(values, first) == pytest.approx(wanted, rel=0.05)


def test_two_parameters_are_worth_more_together_than_each_alone() -> None:
    """Benefit theta1 * theta2 + noise with centred independent thetas: each alone is worth nothing, together E|product| / 2."""
    first, second, noise = (spread_out(20_000, seed) for seed in (1, 2, 3))
    values = np.column_stack([np.zeros(20_000), first * second + 0.5 * noise])
    both = evppi(values, np.column_stack([first, second]))
    assert both == pytest.approx((2 / np.pi) / 2, rel=0.03)
    assert max(evppi(values, first), evppi(values, second)) < 0.03 * both


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_an_unrelated_parameter_is_worth_nothing(memory: float) -> None:
    """Also where the draws resemble their neighbours, as in a slow chain."""
    worth: list[float] = []
    for seed in range(8):
        generator = np.random.default_rng(seed)
        series = generator.normal(size=(4, DRAWS))
        for draw in range(1, DRAWS):
            series[:, draw] = memory * series[:, draw - 1] + (1 - memory**2) ** 0.5 * series[:, draw]
        values = np.column_stack([np.zeros(DRAWS), 0.3 + series[0]])
        worth += [evppi(values, series[1]), evppi(values, series[1:].T)]
    assert np.median(worth) == 0.0
    assert np.mean(worth) < 0.01 * perfect(0.3, 1.0)


def test_a_binary_parameter_is_averaged_within_its_two_values() -> None:
    theta = np.repeat([0.0, 1.0], [1000, 3000])[np.random.default_rng(1).permutation(DRAWS)]
    values = np.column_stack([np.zeros(DRAWS), 2 * theta - 1 + spread_out(DRAWS, 2)])
    given = [values[theta == value].mean(axis=0).max() for value in (0.0, 1.0)]
    wanted = 0.25 * given[0] + 0.75 * given[1] - values.mean(axis=0).max()
    assert evppi(values, theta) == pytest.approx(wanted, rel=1e-9)
    assert evppi(values, np.column_stack([theta, theta, 1 - theta])) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("law", ["cauchy", "spike and slab", "rounded", "far from zero"])
def test_unruly_parameters_stay_between_nothing_and_perfect_information(law: str) -> None:
    generator = np.random.default_rng(3)
    narrow, wide = 1e-9 * generator.normal(size=DRAWS), generator.normal(size=DRAWS)
    theta = {
        "cauchy": generator.standard_cauchy(DRAWS),
        "spike and slab": np.where(generator.random(DRAWS) < 0.6, narrow, wide),
        "rounded": np.round(generator.normal(size=DRAWS), 1),
        "far from zero": 1e8 + generator.normal(size=DRAWS),
    }[law]
    values = np.column_stack([np.zeros(DRAWS), np.tanh(theta - np.median(theta)) + generator.normal(size=DRAWS)])
    assert 0.3 * perfect(0, 1) < evppi(values, theta) <= values.max(axis=1).mean() - values.mean(axis=0).max()


def test_constants_and_a_single_option_are_worth_nothing() -> None:
    values = np.column_stack([np.zeros(DRAWS), spread_out(DRAWS, 1)])
    assert evppi(values, np.full((DRAWS, 2), 0.1)) == 0.0
    assert evppi(values[:, 1:], values[:, 1]) == 0.0
    assert evppi(values[:, [1, 1]], values[:, 1]) == 0.0


def test_an_option_that_is_never_better_is_worth_no_knowledge() -> None:
    """A smooth curve through a step swings above zero, where the option never is: perfect information, worth nothing, is the limit."""
    theta = spread_out(DRAWS, 1)
    values = np.column_stack([np.zeros(DRAWS), -1.0 * (theta > 1.5)])
    assert evppi(values, theta) == 0.0


def test_neither_order_nor_scale_of_options_and_parameters_matters() -> None:
    generator = np.random.default_rng(2)
    theta = generator.normal(size=(DRAWS, 3))
    values = theta @ generator.normal(size=(3, 4)) + generator.normal(size=(DRAWS, 4))
    wanted = evppi(values, theta[:, :2])
    assert evppi(values[:, ::-1], theta[:, [1, 0]]) == pytest.approx(wanted, rel=1e-9)
    assert evppi(1000 * values + 5, 3 + theta[:, :2] / 1000) == pytest.approx(1000 * wanted, rel=1e-9)
    assert 0 < wanted < evppi(values, theta) < values.max(axis=1).mean() - values.mean(axis=0).max()


def test_more_parameters_than_the_draws_can_carry_are_fitted_by_lines() -> None:
    theta = np.random.default_rng(2).normal(size=(400, 30))
    values = np.column_stack([np.zeros(400), theta.sum(axis=1)])
    assert evppi(values, theta) == pytest.approx(values.max(axis=1).mean() - values.mean(axis=0).max(), rel=1e-9)


# ---------------------------------------------------------------- what to learn


def test_each_effect_of_a_chain_is_worth_what_nested_monte_carlo_says() -> None:
    """The benefit of a push is ``b_xy b_yz + b_xz``, of Normal draws with known centres and spread: given one, the rest average to their centres."""
    fit = chain()
    ranking = rank(fit, {"push": "shift x 1 from 2005 to 2005"}, "z", better="lower", over="sum")
    worth = value_of_information(fit, ranking)
    b = {name: fit.edge(name).to_numpy().ravel() for name in worth["what"].to_numpy()}
    xy, yz, xz = (b[name] for name in ("x -> y [lag=1]", "y -> z [lag=1]", "x -> z [lag=1]"))
    gains = {
        "x -> y [lag=1]": -(xy * yz.mean() + xz.mean()),
        "y -> z [lag=1]": -(xy.mean() * yz + xz.mean()),
        "x -> z [lag=1]": -((xy * yz).mean() + xz),
    }
    assert set(worth["what"].to_numpy()) == {*gains, "w -> x"}
    for name, gain in gains.items():
        wanted = np.maximum(gain, 0).mean() - max(gain.mean(), 0)
        assert float(worth.sel(what=name)) == pytest.approx(wanted, rel=0.08, abs=0.0005)
    assert float(worth.sel(what="w -> x")) == 0.0
    assert list(worth) == sorted(worth, reverse=True)
    assert set(worth["kind"].to_numpy()) == {"edge"}
    assert worth.attrs["evpi"] == pytest.approx(float(ranking["evpi"]), rel=1e-9)
    assert worth.attrs["unit"] == "natural units of z, summed over the periods"
    assert f"'{worth['what'].to_numpy()[0]}' would lower it the most" in worth.attrs["words"]


def test_knowing_all_effects_through_a_node_is_perfect_information() -> None:
    ranking = rank(chain(), {"push": "shift x 1 from 2005 to 2005"}, "z", better="lower", over="sum")
    worth = value_of_information(chain(), ranking, ["z", "y", "x", "w"])
    assert set(worth["kind"].to_numpy()) == {"node"}
    assert float(worth.sel(what="x")) < worth.attrs["evpi"]
    # Of the three effects that matter, z lacks x -> y and x lacks y -> z.
    whole = evppi(_benefit(ranking), chain().draws("effect"))
    assert whole == pytest.approx(worth.attrs["evpi"], rel=1e-9)
    assert float(worth.sel(what="w")) == 0.0


def test_an_unmeasured_node_stands_for_the_effects_that_pass_through_it() -> None:
    fit = chain(hidden=True)
    assert [term.name for term in fit.model.system.terms if len(term.roads[0]) > 1] == ["x -> z [lag=2]"]
    ranking = rank(fit, {"push": "shift x 1 from 2003"}, "z", over="mean")
    worth = value_of_information(fit, ranking)
    assert dict(zip(worth["what"].to_numpy(), worth["kind"].to_numpy(), strict=True)) == {
        "x -> z [lag=2]": "edge",
        "x -> z [lag=1]": "edge",
        "w -> x": "edge",
        "y": "node",
    }
    assert float(worth.sel(what="y")) == float(worth.sel(what="x -> z [lag=2]")) > 0
    together = value_of_information(fit, ranking, "z")
    assert float(together[0]) == pytest.approx(worth.attrs["evpi"], rel=1e-9)


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_among_several_options_the_better_direction_counts(better: Any) -> None:
    ranking = rank(loop(), OPTIONS, "illicit", better=better)
    worth = value_of_information(loop(), ranking)
    assert worth.attrs["evpi"] == pytest.approx(float(ranking["evpi"]), rel=1e-9)
    assert 0 <= float(worth.min()) < float(worth.max()) < worth.attrs["evpi"]
    both = value_of_information(loop(), ranking, "corruption")
    b = loop().draws("effect")
    at = [k for k, term in enumerate(loop().model.system.terms) if "corruption" in (term.cause, term.effect)]
    assert float(both[0]) == pytest.approx(evppi(_benefit(ranking), b[:, at]), rel=1e-9)


def test_an_edge_may_be_asked_for_without_its_lag() -> None:
    ranking = rank(loop(), OPTIONS, "illicit")
    one = value_of_information(loop(), ranking, "presence -> illicit")
    assert list(one["what"].to_numpy()) == ["presence -> illicit [lag=1]"]
    whole = value_of_information(loop(), ranking)
    assert float(one[0]) == float(whole.sel(what="presence -> illicit [lag=1]"))


def test_of_a_graph_without_effects_nothing_can_be_learnt() -> None:
    fit = made_fit(made_model(read_graph("x <-> y"), frame(("x", "y"), units=2, times=YEARS, seed=1)), draws=60)
    worth = value_of_information(fit, rank(fit, ["shift x 1"], "y"))
    assert worth.sizes["what"] == 0
    assert "no effect that could be learnt" in worth.attrs["words"]


# ---------------------------------------------------------------- bad input


def test_all_that_is_wrong_with_a_ranking_is_said_at_once() -> None:
    options: Any = {
        "a": "shift corruptoin -1",
        "b": "shfit corruption 1",
        "c": [Shift("presence", 1.0, start=1990)],
        "d": [],
        "e": 5,
        "good": "shift presence 1",
        NOTHING: "shift presence 1",
        3: "shift presence 2",
        "  ": "shift presence 3",
    }
    costs: Any = {"a": -1, "b": np.nan, "c": True, "d": "much", "x": 1, NOTHING: 1, "good": np.inf}
    with pytest.raises(CausalError) as caught:
        rank(loop(), options, "ilicit", costs=costs, better="more", over="all")  # pyright: ignore[reportArgumentType]
    said = str(caught.value).splitlines()
    for part in (
        "option 'a' Shift: no node 'corruptoin'; did you mean 'corruption'?",
        "'shfit'",
        "option 'c' Shift: start 1990 is no time of the panel",
        "option 'd' no intervention is given; leave it out",
        "option 'e' 5 is no intervention",
        "'nothing' is the name of doing nothing, which is always an option; give each option a name of its own",
        "3 is no name of an option",
        "'  ' is no name of an option",
        "'e' has no cost; give a number of 0 or above",
        "the cost of 'a' is -1; give a finite number",
        "the cost of 'b' is nan",
        "the cost of 'c' is True",
        "the cost of 'd' is 'much'",
        "the cost of 'good' is inf",
        "a cost is given for 'x', which is no option",
        "'nothing' is given a cost; leave it out",
        "better='more' is not known; give 'higher' or 'lower'",
        "over='all' is not known; give 'end' or 'mean' or 'sum'",
        "the outcome: no node 'ilicit'; did you mean 'illicit'?",
    ):
        assert sum(part in line for line in said) == 1, part
    assert len(caught.value.faults) == 19


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"options": {}}, "there is no option to rank; give a list of texts"),
        ({"options": 3}, "there is no option to rank"),
        ({"options": ["shift corruption 1", "shift corruption 1"]}, "'shift corruption 1' is the name of two options"),
        ({"outcome": "corruptoin"}, "the outcome: no node 'corruptoin'"),
        ({"horizon": -1}, "the horizon is -1"),
        ({"seed": 0.5}, "the seed is 0.5"),
        ({"costs": 3}, "the costs are 3; give a number for each option"),
        ({"fit": "none"}, "a str is no fit"),
    ],
)
def test_a_bad_setting_of_a_ranking_is_named(change: dict[str, Any], part: str) -> None:
    given: dict[str, Any] = {"fit": loop(), "options": ["shift corruption 1"], "outcome": "illicit"} | change
    with pytest.raises(CausalError) as caught:
        rank(**given)
    assert part in str(caught.value)
    assert len(caught.value.faults) == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_effect_beyond_all_numbers_is_refused() -> None:
    rows = frame(("x", "y"), units=2, times=YEARS, seed=1)
    fit = made_fit(
        made_model(read_graph("x -> x [lag=1]\nx -> y"), rows), effects={"x -> x [lag=1]": 1e60, "x -> y": 1.0}
    )
    with pytest.raises(CausalError, match="option 'push' the effect grows beyond all numbers in 100 draws"):
        rank(fit, {"push": "shift x 1", "late": "shift x 1 from 2009"}, "y")


def test_all_that_is_wrong_with_what_to_learn_is_said_at_once() -> None:
    ranking = rank(chain(hidden=True), {"push": "shift x 1"}, "z")
    with pytest.raises(CausalError) as caught:
        value_of_information(chain(hidden=True), ranking, ["x -> y", "x -> q", "q", 3])  # pyright: ignore[reportArgumentType]
    parts = ("does not measure y", "no node 'q'", "'q' is no edge and no node", "3 is no edge and no node")
    assert len(caught.value.faults) == len(parts)
    assert all(part in fault.what for part, fault in zip(parts, caught.value.faults, strict=True))


def test_a_node_that_no_effect_reaches_has_nothing_to_teach() -> None:
    graph = read_graph("x -> y [lag=1]\nu <-> y")
    fit = made_fit(made_model(graph, frame(("x", "y", "u"), units=2, times=YEARS, seed=1)), draws=60)
    with pytest.raises(CausalError, match="no effect of this study's equations enters, leaves or passes through 'u'"):
        value_of_information(fit, rank(fit, ["shift x 1"], "y"), ["u", "x"])


def test_a_ranking_of_another_fit_is_refused() -> None:
    ranking = rank(loop(), OPTIONS, "illicit").isel(draw=slice(0, 200))
    with pytest.raises(CausalError, match="the ranking has 200 draws and the fit has 4000; rank with this fit"):
        value_of_information(loop(), ranking)
    again = made_fit(loop().model, draws=DRAWS // 2, seed=6)
    with pytest.raises(CausalError, match="other draws than this fit's; rank with this fit"):
        value_of_information(again, rank(loop(), OPTIONS, "illicit"))
    with pytest.raises(CausalError, match="what is given as the ranking is none"):
        value_of_information(loop(), xr.Dataset())
    with pytest.raises(CausalError, match="an int is no fit of one study"):
        value_of_information(3, ranking)  # pyright: ignore[reportArgumentType]
    with pytest.raises(CausalError, match="5 is nothing to learn"):
        value_of_information(loop(), rank(loop(), OPTIONS, "illicit"), 5)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("values", "parameters", "part"),
    [
        (np.zeros(200), np.zeros(200), "the values are no table of numbers"),
        (np.zeros((200, 2)), np.zeros((200, 0)), "the parameters are no table of numbers"),
        (np.zeros((200, 2)), np.full(200, np.nan), "the parameters are not all finite"),
        (np.full((200, 2), np.inf), np.zeros(200), "the values are not all finite"),
        (np.zeros((200, 2)), np.zeros(100), "200 draws of the values and 100 of the parameters"),
        (np.zeros((99, 2)), np.zeros(99), "99 draws are too few to learn from; take at least 100"),
        ("text", np.zeros(99), "the values are no table of numbers"),
    ],
)
def test_arrays_that_say_nothing_are_refused(values: Any, parameters: Any, part: str) -> None:
    with pytest.raises(CausalError) as caught:
        evppi(values, parameters)
    assert part in str(caught.value)


def test_a_level_that_is_set_can_be_ranked_too() -> None:
    ranking = rank(loop(), {"hold": [Set("presence", 12.0, start=2005)]}, "illicit")
    wanted = contrast(loop(), [Set("presence", 12.0, start=2005)], outcome="illicit").isel(time=-1)
    np.testing.assert_array_equal(ranking["effect"].sel(option="hold"), wanted)


def _benefit(ranking: xr.Dataset) -> Array:
    return -ranking["effect"].to_numpy() if ranking.attrs["better"] == "lower" else ranking["effect"].to_numpy()
