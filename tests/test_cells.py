"""Nodes that are not Normal: their arrays, what is refused, and the same posterior as plain PyMC models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from causal import families
from causal.cells import fitted_residuals
from causal.errors import CausalError
from causal.fit import fit
from causal.joint import build_model
from causal.measurement import Measure
from causal.model import Model
from causal.panel import Panel, Study
from causal.simulate import simulate
from causal.syntax import read_graph
from tests.oracle import mixed

Floats = NDArray[np.float64]
KINDS = tuple(mixed.BASE)


def panel_of(frame: pd.DataFrame) -> Panel:
    return Panel.from_frame(frame, unit="unit", time="year")


def model_of(family: str, graph: str = mixed.LOOP, **kind: Any) -> Model:
    frame = mixed.panel(family, 12, 8, 1)
    built = build_model(read_graph(f"{graph}y [family={family}]"), panel_of(frame.assign(**kind)))
    assert isinstance(built, Model)
    return built


@pytest.mark.parametrize("family", KINDS)
def test_cells_hold_each_observed_outcome_with_its_place(family: str) -> None:
    frame = mixed.panel(family, 12, 8, 1)
    (cells,) = model_of(family).cells
    assert len(cells.outcome) == 12 * 7  # the first period is a past only
    for value, unit, time in zip(cells.outcome, cells.unit, cells.time, strict=True):
        row = frame[(frame["unit"] == unit) & (frame["year"] == 2000 + time)]
        assert row["y"].item() == value
    assert cells.per_sd > 0
    np.testing.assert_allclose(cells.covariates.T @ cells.covariates / 12, np.eye(cells.covariates.shape[1]), atol=1e-9)
    np.testing.assert_allclose(cells.covariates.mean(axis=0), 0.0, atol=1e-9)


def test_a_hole_in_the_outcome_is_no_cell_and_a_missing_value_as_a_cause() -> None:
    frame = mixed.panel("poisson", 12, 8, 1)
    frame.loc[(frame["unit"] == 3) & (frame["year"] == 2004), "y"] = np.nan
    model = build_model(read_graph(f"{mixed.LOOP}y [family=poisson]"), panel_of(frame))
    assert isinstance(model, Model)
    assert len(model.cells[0].outcome) == 12 * 7 - 1
    assert model.design.holes.tolist() == [[model.system.nodes.index("y")], [3], [4]]


def test_mean_residuals_are_those_at_the_maximum_of_the_corrected_likelihood() -> None:
    model = model_of("poisson")
    design = model.design
    found = fitted_residuals(model.system, design.filled, design.sweep)
    # Written out: 12 units, 7 outcome periods; every effect by a search without gradients.
    values = design.filled
    rows, columns = model.system.positions()

    def matrix(effects: Floats) -> Floats:
        out = np.zeros((2, 4))
        out[rows, columns] = effects
        return out

    def residuals(effects: Floats) -> Floats:
        b = matrix(effects)
        return np.einsum("vc,cit->vit", np.eye(2, 4) - b, np.concatenate([values[:, :, 1:], values[:, :, :-1]]))

    def loss(effects: Floats) -> float:
        e = residuals(effects)
        swept = e - e.mean(axis=2, keepdims=True) - e.mean(axis=1, keepdims=True) + e.mean(axis=(1, 2), keepdims=True)
        b1, power, bonus = matrix(effects)[:, 2:], np.eye(2), 0.0
        for s in range(1, 7):
            power = power @ b1
            bonus += 11.0 * (7 - s) / (7 * s) * np.trace(power)
        squares = (swept**2).sum(axis=(1, 2))
        return float(66 / 2 * np.log(squares).sum() - bonus + (effects**2).sum() / 2)

    best = minimize(loss, np.zeros(len(rows)), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}).x
    np.testing.assert_allclose(found.T, residuals(best).mean(axis=2), atol=2e-5)


def test_effects_are_in_units_of_the_link_and_of_the_value_scale() -> None:
    frame = mixed.panel("poisson", 12, 8, 1)
    model = model_of("poisson")

    def within(values: pd.Series[float]) -> float:
        centred = values - values.groupby(frame["unit"]).transform("mean")
        return float(np.sqrt((centred**2).sum() / (12 * 7)))

    x, y = within(frame["x"]), within(np.log1p(frame["y"]))
    assert model.on_standard_scale("x -> y [lag=1]") == pytest.approx(x / y)
    assert model.on_standard_scale("y -> x [lag=1]") == pytest.approx(y / x)
    logistic = model_of("bernoulli").on_standard_scale("y -> y [lag=1]")
    values = mixed.panel("bernoulli", 12, 8, 1)["y"]
    assert logistic == pytest.approx(within(values) / (np.pi / np.sqrt(3.0)))


def test_a_lognormal_node_is_a_normal_one_on_logs() -> None:
    frame = mixed.panel("student-t", 12, 8, 1)
    logged = build_model(read_graph(mixed.LOOP), panel_of(frame))
    raised = build_model(read_graph(f"{mixed.LOOP}y [family=lognormal]"), panel_of(frame.assign(y=np.exp(frame["y"]))))
    assert isinstance(logged, Model)
    assert isinstance(raised, Model)
    assert raised.cells == ()
    np.testing.assert_allclose(raised.design.standard, logged.design.standard, atol=1e-9)


def test_shared_shocks_of_a_node_that_is_not_normal_are_left_out_and_said_to_be() -> None:
    model = model_of("poisson", f"{mixed.LOOP}x <-> y\n")
    assert model.loadings == ()
    assert any("one of them is not Normal" in note for note in model.notes)


@pytest.mark.parametrize(
    ("family", "column", "words"),
    [
        ("poisson", lambda y: y.where(y.index != 5, -1.0), "-1 is no value of the family poisson"),
        ("poisson", lambda y: y + 0.5, "is no value of the family poisson"),
        ("beta", lambda y: y.where(y.index != 5, 1.2), "1.2 is no value of the family beta"),
        ("bernoulli", lambda y: y.where(y.index != 5, 2.0), "2 is no value of the family bernoulli"),
        ("ordered", lambda y: y.where(y.index != 5, 7.0), "never has the level 4, 5, 6"),
        ("ordered", lambda y: y + 1.0, "never has the level 0"),
        ("ordered", lambda y: pd.Series(np.arange(len(y), dtype=float)), "has 96 levels"),
        ("hurdle-lognormal", lambda y: y.where(y.index != 5, -0.1), "-0.1 is no value of the family hurdle-lognormal"),
        ("hurdle-lognormal", lambda y: (y > 0).astype(float), "does not vary above 0 within any unit"),
    ],
)
def test_values_that_the_family_cannot_have_are_refused_where_they_stand(
    family: str, column: Callable[[pd.Series[float]], pd.Series[float]], words: str
) -> None:
    frame = mixed.panel(family, 12, 8, 1)
    with pytest.raises(CausalError) as caught:
        build_model(read_graph(f"{mixed.LOOP}y [family={family}]"), panel_of(frame.assign(y=column(frame["y"]))))
    assert any(words in str(fault) for fault in caught.value.faults), caught.value


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (Measure("y", transform="log1p"), "is measured as it is"),
        (Measure("y", direction="-"), "cannot be turned round"),
        (Measure(("y", "x")), "an index cannot measure"),
    ],
)
def test_a_count_is_measured_by_one_column_as_it_is(measure: Measure, words: str) -> None:
    study = Study(panel_of(mixed.panel("poisson", 12, 8, 1)), {"x": "x", "y": measure})
    with pytest.raises(CausalError, match=words):
        build_model(read_graph(f"{mixed.LOOP}y [family=poisson]"), study)


def test_a_fit_keeps_levels_and_parameters_and_worlds_are_refused_in_words() -> None:
    model = model_of("negative-binomial")
    found = fit(model, seed=1, draws=50, chains=1, tune=200, allow_unconverged=True)
    assert found.posterior["unit_level_y"].dims == ("chain", "draw", "unit")
    assert found.posterior["year_level_y"].sizes["time"] == 7
    assert found.posterior["family_parameter_y"].coords["parameter_of_y"].to_numpy().tolist() == ["dispersion"]
    assert found.posterior["node"].to_numpy().tolist() == ["x"]
    with pytest.raises(CausalError, match="'y' has the family negative-binomial, of which no worlds are drawn yet"):
        simulate(found)


# ------------------------------------------------------------------------------------------- against plain models


def plain(family: str, x: Floats, y: Floats) -> Floats:
    """Draws of the effect of x on y (link per sd of x) in a model written with PyMC's own distributions: y, x (unit, time)."""
    import nutpie
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    units, times = y.shape
    level = families.link_level(family, y)

    def within(values: Floats) -> float:
        count = (~np.isnan(values)).sum(axis=1, keepdims=True)
        centred = values - np.nansum(values, axis=1, keepdims=True) / count
        return float(np.sqrt(np.nansum(centred**2) / (count - 1).sum()))

    logs = np.log(np.where(y > 0, y, np.nan)) if family == "hurdle-lognormal" else mixed.on_value_scale(family, y)
    sd = np.pi / np.sqrt(3.0) if family in ("bernoulli", "ordered") else within(logs)
    spread, centre = max(sd, float(level.std())), float(level.mean())
    standard = (x - x.mean()) / within(x)
    mean = standard.mean(axis=1)
    with pm.Model() as model:
        effect = pm.Normal("effect", 0.0, 1.0)
        intercept = pm.Normal("intercept", centre, 2.0 * spread)
        about = pm.Normal("about", 0.0, spread)
        unit_sd = pm.HalfNormal("unit_sd", spread)
        unit = (
            intercept + about * (mean - mean.mean()) / mean.std() + unit_sd * pm.Normal("unit", 0.0, 1.0, shape=units)
        )
        year = pm.ZeroSumNormal("year", 2.0 * sd, shape=times)
        eta: Any = unit[:, None] + year[None, :] + sd * effect * standard
        if family == "poisson":
            pm.Poisson("y", pt.exp(eta), observed=y)
        elif family == "negative-binomial":
            pm.NegativeBinomial("y", mu=pt.exp(eta), alpha=pm.HalfNormal("dispersion", 1.0) ** -2.0, observed=y)
        elif family == "bernoulli":
            pm.Bernoulli("y", logit_p=eta, observed=y)
        elif family == "beta":
            share, precision = pm.math.sigmoid(eta), pm.HalfNormal("s", 0.5) ** -2.0
            pm.Beta("y", alpha=share * precision, beta=(1.0 - share) * precision, observed=y)
        elif family == "student-t":
            pm.StudentT("y", nu=pm.Gamma("nu", 2.0, 0.1), mu=eta, sigma=pm.HalfNormal("sd", sd), observed=y)
        elif family == "ordered":
            steps = pt.cumsum(pm.HalfNormal("steps", 2.0, shape=2))
            pm.OrderedLogistic("y", eta=eta, cutpoints=pt.concatenate([pt.zeros(1), steps]), observed=y.astype(int))
        else:
            odds = pm.Normal("level", 0.0, 2.0) + pm.HalfNormal("slope", 1.0) * (eta - centre) / sd
            pm.Bernoulli("above", logit_p=odds, observed=(y > 0).astype(int))
            positive = y > 0
            pm.LogNormal("y", eta[np.nonzero(positive)], pm.HalfNormal("sd", sd), observed=y[positive])
    drawn = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=1500, tune=1000, chains=4, cores=2, seed=2, progress_bar=False
    )
    return drawn["posterior"]["effect"].to_numpy().ravel()


@pytest.mark.slow
@pytest.mark.parametrize("family", KINDS)
def test_the_posterior_is_that_of_a_plain_model(family: str) -> None:
    generator = np.random.default_rng(6)
    units, times = 20, 8
    x = generator.normal(0.0, 1.0, (units, 1)) + generator.standard_normal((units, times))
    eta = mixed.BASE[family] + 0.5 * x + generator.normal(0.0, 0.6, (units, 1))
    y = mixed.outcome(family, eta, generator)
    index = pd.MultiIndex.from_product([range(units), range(times)], names=["unit", "year"])
    frame = pd.DataFrame({"x": x.ravel(), "y": y.ravel()}, index=index).reset_index()
    model = build_model(read_graph(f"x -> y\ny [family={family}]"), panel_of(frame))
    ours = fit(model, seed=1, draws=1500, tune=1000, allow_unconverged=True).edge("x -> y", scale="standard").to_numpy()
    theirs = plain(family, x, y)
    assert abs(ours.mean() - theirs.mean()) < 0.1 * theirs.std()
    assert 0.9 < ours.std() / theirs.std() < 1.1
