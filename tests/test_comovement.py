"""Whether residuals that move together across units are found, and independent ones are not accused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import causal as ca
from causal.checks import check, comovement
from causal.fit import Fit
from causal.syntax import read_graph
from tests.oracle import across, loops
from tests.oracle.worlds import made_fit, made_model

TEXT = "y -> y [lag=1]; x -> y [lag=1]"
UNITS, TIMES = 20, 10


def fit_of(
    seed: int,
    *,
    together: float = 0.0,
    pattern: str = "ring",
    years: bool = True,
    weighted: bool = True,
    restless: bool = False,
) -> Fit:
    """A fit at the true effects of a panel whose shocks of y share `together` of a pattern: neighbours', or a factor with unequal reach."""
    rng = np.random.default_rng(seed)
    ring = across.ring(UNITS)
    mix = np.eye(UNITS) + together * ring if pattern == "ring" else np.eye(UNITS)
    y, x = np.zeros((UNITS, TIMES + 20)), rng.normal(size=(UNITS, TIMES + 20))
    reach = rng.normal(size=UNITS) if pattern == "factor" else np.ones(UNITS)
    sd = rng.uniform(0.5, 2.0, UNITS)
    size = np.where(restless & (np.arange(TIMES + 20) % 5 == 0), 2.0, 1.0)  # of a year's shocks in all units
    for t in range(1, TIMES + 20):
        shock = (
            size[t]
            * sd
            * (mix @ rng.normal(size=UNITS) + (together * reach * rng.normal() if pattern != "ring" else 0.0))
        )
        y[:, t] = 0.5 * y[:, t - 1] + 0.3 * x[:, t - 1] + shock + (rng.normal() if years else 0.0)
    rows = loops.frame({"x": x[:, 20:], "y": y[:, 20:]})
    tables: dict[str, pd.DataFrame] = {"near": across.table(ring)} if weighted else {}
    model = made_model(read_graph(TEXT), rows, year_effects=years, weights=tables)
    return made_fit(model, effects={"y -> y [lag=1]": 0.5, "x -> y [lag=1]": 0.3}, spread=0.0, shock_sd=1.0)


def rate(**options: Any) -> float:
    return float(np.mean([comovement.check(fit_of(seed, **options)).passed is False for seed in range(100)]))


@pytest.fixture(autouse=True)
def fewer_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comovement, "_WORLDS", 199)


@pytest.mark.slow
@pytest.mark.parametrize("years", [True, False])
@pytest.mark.parametrize("restless", [True, False], ids=["years that differ", "years alike"])
def test_independent_shocks_are_accused_as_often_as_the_level_says(years: bool, restless: bool) -> None:
    # Of 100 at .01: at most 5 with probability .9995. Units differ in the size of their shocks, and years may.
    assert rate(years=years, restless=restless) <= 0.05


@pytest.mark.slow
def test_shocks_that_neighbours_share_are_found_by_their_weights() -> None:
    assert rate(together=0.6) > 0.8
    # Without weights the pairs' correlations alone have less power, and still some.
    assert rate(together=1.0, weighted=False) > 0.3


@pytest.mark.slow
def test_a_common_cause_of_unequal_reach_is_found_though_the_years_are_swept_out() -> None:
    assert 0.2 < rate(together=0.8, pattern="factor") < rate(together=1.5, pattern="factor")
    assert rate(together=1.5, pattern="factor") > 0.8


@pytest.mark.slow
def test_a_common_shock_of_equal_reach_is_found_without_year_effects_and_taken_up_by_them() -> None:
    assert rate(together=0.5, pattern="common", years=False) > 0.8


def test_what_moves_together_is_named_with_the_edges_that_it_concerns() -> None:
    found = comovement.check(fit_of(3, together=1.5))
    assert found.passed is False
    assert found.sentence.startswith("Residuals of y move together across units")
    assert found.edges == ("x -> y [lag=1]", "y -> y [lag=1]")
    assert found.numbers["Moran near of y"] > 4.0
    assert not any("of x" in name for name in found.numbers)  # nothing of it is explained
    assert "CD of y" not in found.numbers


def test_residuals_are_swept_as_dummies_sweep_them() -> None:
    fit = fit_of(1)
    y = fit.model.study.panel.data["y"].to_numpy()
    x = fit.model.study.panel.data["x"].to_numpy()
    left = y[:, 1:] - 0.5 * y[:, :-1] - 0.3 * x[:, :-1]
    sweep = fit.model.design.sweep
    cells, projection = loops.projector(sweep.first, sweep.stop, year_effects=True)
    wanted = projection @ np.array([left[i, t - 1] for i, t in cells])
    ours = comovement.residuals(fit)[1]
    at = tuple(np.array(cells).T)
    np.testing.assert_allclose(ours[at] * fit.model.design.scales[1], wanted, atol=1e-9)
    assert not ours[:, 0].any()


def test_few_units_cannot_be_told() -> None:
    rows = loops.panel(loops.TWO_TRUE, units=3, times=9, seed=1)
    found = comovement.check(made_fit(made_model(read_graph("x -> y [lag=1]"), rows)))
    assert found.passed is None
    assert "Too few units" in found.sentence


def test_it_is_one_of_the_standard_checks(toy_fit: Fit) -> None:
    names = [result.name for result in ca.check(toy_fit)]
    assert "comovement" in names
    assert [result.name for result in check(toy_fit)] == names


@pytest.mark.slow
def test_fitted_panels_are_accused_as_often_as_the_level_says_and_a_left_out_effect_of_neighbours_is_found() -> None:
    ring, failures = across.ring(24), {"whole": 0, "left out": 0}
    own, near = np.array([[[0.0, 0.0], [0.4, 0.0]], [[0.0, 0.0], [0.0, 0.4]]]), np.array([[[0.0, 0.0], [0.0, 0.4]]])
    texts = {"left out": "x -> y; y -> y [lag=1]"}
    texts["whole"] = texts["left out"] + "; y -> y [lag=1, across=near]"
    for seed in range(100):
        values = across.simulated(own, near, ring, times=11, seed=seed, year_sd=0.5)
        panel = ca.Panel.from_frame(loops.frame(dict(zip("xy", values, strict=True))), unit="unit", time="year")
        for name, text in texts.items():
            model = ca.build_model(read_graph(text), ca.Study(panel, weights={"near": across.table(ring)}))
            found = ca.fit(model, seed=seed, draws=250, chains=2, allow_unconverged=True)
            failures[name] += comovement.check(found).passed is False
    print(failures)
    assert failures["whole"] <= 5
    assert failures["left out"] > 30
