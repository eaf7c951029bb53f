"""A new unit of the same kind: drawn from how the panel's units differ."""

from __future__ import annotations

import numpy as np
import pytest

from causal.errors import CausalError
from causal.fit import Fit
from causal.intervene import Set, Shift
from causal.levels import Block, Levels, draws_of, given_values
from causal.simulate import contrast, simulate
from causal.syntax import read_graph
from tests.oracle.worlds import frame, made_fit, made_model, same_draws
from tests.test_worlds_oracle import loop_fit

LOOP = "a -> b [lag=1]\nb -> a [lag=2]\na -> a [lag=1]"


def fit_of(units: int = 6, text: str = LOOP, draws: int = 20) -> Fit:
    graph = read_graph(text)
    return made_fit(made_model(graph, frame(graph.names, units=units, times=range(2000, 2010), seed=4)), draws=draws)


def test_a_new_units_starting_values_have_the_units_own_mean_and_covariance() -> None:
    fit = same_draws(fit_of(), 40_000)
    start = Levels(draws_of(fit), Block(0, 0, 40_000), 3, new=True).start()[:, :, 0, :]
    assert start.shape == (2, 40_000, 2)
    drawn = np.moveaxis(start, 1, 0).reshape(40_000, 4)
    seen = np.moveaxis(given_values(fit.model)[:, :, :2], 1, 0).reshape(6, 4)
    wanted = np.cov(seen.T) * (1.0 + 1.0 / 6.0)
    np.testing.assert_allclose(drawn.mean(axis=0), seen.mean(axis=0), atol=4.5 * np.sqrt(wanted.max() / 40_000))
    # The standard error of a covariance of Normal values: sqrt((c_ii c_jj + c_ij^2) / n).
    error = np.sqrt((np.outer(np.diag(wanted), np.diag(wanted)) + wanted**2) / 40_000)
    assert (np.abs(np.cov(drawn.T) - wanted) / error).max() < 4.5


def test_a_new_units_level_goes_with_its_start() -> None:
    """Without causes and shocks a unit's values are its effect and the year's: new units lie around the old ones as these differ."""
    fit = fit_of(text="a -> b [lag=1]", units=8)
    model = fit.model
    small = made_fit(model, draws=4000, effects={"a -> b [lag=1]": 0.0}, spread=0.0, shock_sd=[1e-6, 1e-6])
    world = simulate(small, population="new", seed=5)["a"].isel(unit=0)
    seen = model.study.values(model.graph).sel(variable="a").to_numpy()
    means = seen[:, 1:].mean(axis=1)
    later = world.isel(time=slice(1, None)).mean("time").to_numpy()
    spread = means.std(ddof=1) * np.sqrt(1.0 + 1.0 / 8.0)
    assert abs(later.mean() - means.mean()) < 4.5 * spread / len(later) ** 0.5
    assert abs(later.std() - spread) < 4.5 * spread / (2.0 * len(later)) ** 0.5
    # The start is not the level, but unit by unit they go together as they do among the panel's units.
    wanted = np.corrcoef(seen[:, 0], means)[0, 1]
    found = np.corrcoef(world.isel(time=0).to_numpy(), later)[0, 1]
    assert abs(np.arctanh(found) - np.arctanh(wanted)) < 4.5 / len(later) ** 0.5


def test_what_does_not_depend_on_levels_is_the_same_for_a_new_unit() -> None:
    fit = fit_of()
    there = contrast(fit, Shift("a", 1.0, start=2003), outcome="b", seed=2)
    new = contrast(fit, Shift("a", 1.0, start=2003), outcome="b", seed=2, population="new")
    np.testing.assert_allclose(new, there, rtol=1e-13, atol=1e-15)


def test_a_held_node_moves_a_new_unit_as_far_as_its_own_level_lies_away() -> None:
    fit = fit_of()
    base = simulate(fit, seed=2, population="new")
    change = contrast(fit, Set("a", 1.0, start=2005, stop=2005), outcome="a", seed=2, population="new")
    np.testing.assert_allclose(change.sel(time=2005), 1.0 - base["a"].sel(unit="new", time=2005), atol=1e-12)


def test_one_unit_is_drawn_in_each_draw_and_answers_to_its_name() -> None:
    fit = fit_of()
    world = simulate(fit, Shift("a", 1.0, units=["new"]), population="new")
    assert list(world["unit"].to_numpy()) == ["new"]
    assert world["a"].isel(time=5).to_numpy().std() > 0
    assert world.attrs["population"] == "new"
    with pytest.raises(CausalError, match="no unit 'u0' in the fit"):
        simulate(fit, Shift("a", 1.0, units=["u0"]), population="new")


@pytest.mark.parametrize("family", ["poisson", "bernoulli", "ordered", "hurdle-lognormal", "beta", "negative-binomial"])
def test_a_new_unit_starts_at_values_that_its_family_has(family: str) -> None:
    world = simulate(loop_fit(family, holes=False), population="new", seed=3)["y"].to_numpy()
    allowed = {"bernoulli": lambda v: np.isin(v, [0, 1]), "beta": lambda v: (v > 0) & (v < 1)}.get(
        family, lambda v: v >= 0
    )
    assert allowed(world).all()
    if family in ("poisson", "negative-binomial", "ordered"):
        np.testing.assert_array_equal(world, np.round(world))
    assert world[:, 0, 0].std() > 0


@pytest.mark.parametrize(
    ("fit", "population", "part"),
    [
        (fit_of(), "everybody", "take 'units'"),
        (fit_of(units=1), "new", "one unit does not show how units differ"),
    ],
)
def test_a_population_that_cannot_be_drawn_is_refused(fit: Fit, population: str, part: str) -> None:
    with pytest.raises(CausalError, match=part):
        simulate(fit, population=population)  # type: ignore[arg-type]


def test_what_few_periods_leave_open_is_no_difference_between_units() -> None:
    """Units that do not differ: their effects, known from nine periods and drawn, spread by 2 sd^2 / 9; a new unit's do not."""
    graph = read_graph("a -> b [lag=1]")
    generator = np.random.default_rng(3)
    rows = frame(graph.names, units=300, times=range(2000, 2010), seed=4)
    rows["a"], rows["b"] = generator.normal(size=(2, len(rows)))
    fit = made_fit(made_model(graph, rows), draws=500, effects={"a -> b [lag=1]": 0.0}, spread=0.0, shock_sd=[1.0, 1.0])
    found = simulate(fit, seed=2)["a"].isel(time=slice(1, None)).mean("time")
    assert float(found.var("unit").mean()) > 2.0 / 9.0  # as drawn: what is open of each unit, and the shocks' mean
    many = same_draws(fit, 20_000)
    levels = Levels(draws_of(many), Block(0, 0, 20_000), 3, new=True)
    shocks = simulate(many, seed=2, population="new")["a"].isel(unit=0, time=slice(1, None)).mean("time")
    # What is left is the nine shocks' mean, and of the unit effects what 300 of them cannot tell from nothing.
    assert float(shocks.var()) < 1.0 / 9.0 + 0.25 * 2.0 / 9.0
    assert levels.start().shape == (2, 20_000, 1, 1)


def test_a_new_unit_of_a_system_without_lags_needs_no_start() -> None:
    world = simulate(fit_of(text="a -> b"), Set("a", 2.0), population="new", seed=1)
    assert (world["a"] == 2.0).all()
    assert np.isfinite(world["b"]).all()
