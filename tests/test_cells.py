"""Nodes that are not Normal: their arrays, what is refused, and the same posterior as plain PyMC models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from causal import families
from causal.cells import Cells, fitted_linear, near_a_level
from causal.errors import CausalError
from causal.fit import Convergence, Fit, fit
from causal.intervene import ScaleEdge, Set, Shift
from causal.joint import build_model
from causal.measurement import Measure
from causal.model import Model
from causal.panel import Panel, Study
from causal.simulate import contrast, simulate
from causal.syntax import read_graph
from tests.oracle import mixed
from tests.oracle.worlds import made_fit

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
    found = fitted_linear(model.system, design.filled, design.sweep, design.holes).mean_residuals
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


def test_the_linear_fit_leaves_nothing_of_a_missing_value_unexplained() -> None:
    frame = mixed.panel("poisson", 30, 10, 1)
    inner = (frame["year"] > 2000) & (frame["year"] < 2009)
    frame.loc[inner & (np.random.default_rng(2).random(len(frame)) < 0.3), "y"] = np.nan
    model = build_model(read_graph(f"{mixed.LOOP}y [family=poisson]"), panel_of(frame))
    assert isinstance(model, Model)
    design = model.design
    found = fitted_linear(model.system, design.filled, design.sweep, design.holes)
    seen = ~np.isnan(design.standard)
    np.testing.assert_array_equal(found.filled[seen], design.standard[seen])
    columns = np.concatenate([found.filled[:, :, 1:], found.filled[:, :, :-1]])
    at = model.system.nodes.index("y")
    residual = columns[at] - np.einsum("c,cit->it", found.effects[at], columns)
    # Unit and year effects by least squares on dummies.
    unit, year = np.indices(residual.shape)
    dummies = np.column_stack([np.eye(30)[unit.ravel()], np.eye(9)[year.ravel()]])
    swept = residual.ravel() - dummies @ np.linalg.lstsq(dummies, residual.ravel())[0]
    gaps = ~seen[at][:, 1:].ravel()
    assert gaps.sum() > 50
    assert np.abs(swept[gaps]).max() < 1e-4
    # At their unit's mean the missing outcomes would draw the causes' effects towards zero.
    none = design.holes[:, :0]
    near = fitted_linear(model.system, design.filled, design.sweep, none).effects[at]
    assert np.abs(near).sum() < 0.9 * np.abs(found.effects[at]).sum()


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


@pytest.mark.slow
def test_a_fit_keeps_levels_and_parameters() -> None:
    model = model_of("negative-binomial")
    found = fit(model, seed=1, draws=50, chains=1, tune=200, allow_unconverged=True)
    assert found.posterior["unit_level_y"].dims == ("chain", "draw", "unit")
    assert found.posterior["year_level_y"].sizes["time"] == 7
    assert found.posterior["family_parameter_y"].coords["parameter_of_y"].to_numpy().tolist() == ["dispersion"]
    assert found.posterior["node"].to_numpy().tolist() == ["x"]


# ------------------------------------------------------------------------------------------------------- worlds

PARAMETERS = {
    "student-t": (0.7, 5.0),
    "hurdle-lognormal": (0.6, 0.7, 0.5),
    "negative-binomial": (0.5,),
    "beta": (30.0,),
    "ordered": (1.2, 2.4),
}
EXOGENOUS = "x -> y\nx -> x [lag=1]\n"


def made(family: str, graph: str = mixed.LOOP, draws: int = 40) -> Fit:
    """A fit with made-up draws: a level for each unit and draw, the same parameters in all."""
    model = model_of(family, graph)
    tree = made_fit(model, draws=draws, seed=5).posterior
    generator = np.random.default_rng(8)
    shape = (tree.sizes["chain"], tree.sizes["draw"])
    (cells,) = model.cells
    first, stop = model.year_span or (0, 0)
    level = mixed.BASE[family] + 0.4 * generator.standard_normal((*shape, 12))
    variables: dict[str, Any] = {
        "effect": tree["effect"],
        "shock_sd": tree["shock_sd"].sel(node=["x"]),
        "unit_level_y": (("chain", "draw", "unit"), level),
        "year_level_y": (("chain", "draw", "time"), 0.2 * generator.standard_normal((*shape, stop - first))),
    }
    if cells.parameter_names:
        known = np.broadcast_to(PARAMETERS[family], (*shape, len(PARAMETERS[family])))
        variables["family_parameter_y"] = (("chain", "draw", "parameter"), known)
    posterior = xr.Dataset(variables)
    return Fit(model, xr.DataTree.from_dict({"posterior": posterior}), Convergence(1.0, 4000.0, 0.0, ()))


def expected(family: str, eta: Floats, cells: Cells) -> Floats:
    """The mean of a family given eta, by its formula."""
    if family in ("poisson", "negative-binomial"):
        return np.exp(eta)
    if family in ("bernoulli", "beta"):
        return expit(eta)
    if family == "ordered":
        return expit(eta) + expit(eta - 1.2) + expit(eta - 2.4)
    if family == "hurdle-lognormal":
        return expit(0.7 + 0.5 * (eta - cells.centre) / cells.per_sd) * np.exp(eta + 0.18)
    return eta


@pytest.mark.parametrize("family", KINDS)
def test_a_held_cause_gives_the_mean_that_the_formula_gives(family: str) -> None:
    found = made(family, EXOGENOUS, draws=400)
    cells, design = found.model.cells[0], found.model.design
    x = found.model.system.nodes.index("x")
    world = simulate(found, [Set("x", 1.0)], seed=3)["y"].to_numpy()
    flat = {name: found.draws(name) for name in ("effect", "unit_level_y", "year_level_y")}
    names = [term.name for term in found.model.system.terms]
    moved = cells.per_sd * flat["effect"][:, names.index("x -> y")] * (1.0 - design.centres[x]) / design.scales[x]
    start = int(design.sweep.first.min())
    for time in (start, 7):
        eta = flat["unit_level_y"] + flat["year_level_y"][:, time - start, None] + moved[:, None]
        error = world[:, :, time] - expected(family, eta, cells)
        assert abs(error.mean()) < 4.5 * error.std() / error.size**0.5
        assert not families.outside(family, world[:, :, time]).any()


@pytest.mark.parametrize("family", KINDS)
def test_worlds_share_what_is_left_to_chance(family: str) -> None:
    found = made(family)
    items = [Shift("x", 0.7, start=2003, stop=2004), ScaleEdge("y -> x", 0.5, start=2005)]
    for outcome in ("x", "y"):
        ours = contrast(found, items, outcome=outcome, horizon=2, seed=4, by="unit").to_numpy()
        worlds = [simulate(found, given, horizon=2, seed=4)[outcome].to_numpy() for given in (items, [])]
        np.testing.assert_allclose(ours, worlds[0] - worlds[1], atol=1e-9)
        assert not ours[:, :, :3].any()
    assert not contrast(found, [Shift("x", 0.0)], outcome="y", seed=4).to_numpy().any()
    # The same quantiles: a cause that is raised moves no unit the other way.
    straight = made(family, EXOGENOUS)
    change = contrast(straight, [Shift("x", 0.7, start=2003)], outcome="y", seed=4, by="unit").to_numpy()
    sign = np.sign(straight.draws("effect")[:, [term.name for term in straight.model.system.terms].index("x -> y")])
    assert (change * sign[:, None, None] >= -1e-12).all()
    assert change.any()


def test_a_shift_of_a_count_acts_on_its_link() -> None:
    found = made("poisson", EXOGENOUS, draws=400)
    change = contrast(found, [Shift("y", np.log(2.0), start=2004)], outcome="y", seed=4).to_numpy()
    base = simulate(found, seed=4)["y"].mean("unit").to_numpy()
    assert not change[:, :4].any()
    error = (change - base)[:, 4:]  # a mean that is doubled gains what it was
    assert abs(error.mean()) < 4.5 * error.std() / error.size**0.5 + 0.02 * base.mean()


def test_until_a_unit_is_modelled_a_count_is_what_was_observed_and_a_held_one_is_exact() -> None:
    found = made("poisson")
    frame = mixed.panel("poisson", 12, 8, 1)
    observed = frame[frame["year"] == 2000].sort_values("unit")["y"].to_numpy()
    world = simulate(found, [Set("y", 3.0, start=2005)], seed=4)["y"]
    np.testing.assert_allclose(world.to_numpy()[:, :, 0], np.broadcast_to(observed, world.shape[:2]), atol=1e-9)
    assert (world.sel(time=slice(2005, None)).to_numpy() == 3.0).all()
    with pytest.raises(CausalError, match="-1 is no value of 'y', of the family poisson"):
        simulate(found, [Set("y", -1.0)])


def test_a_lognormal_outcome_changes_by_a_factor() -> None:
    frame = mixed.panel("student-t", 12, 8, 1)
    rows = frame.assign(y=np.exp(frame["y"]))
    model = build_model(read_graph(f"{EXOGENOUS}y [family=lognormal]"), panel_of(rows))
    assert isinstance(model, Model)
    found = made_fit(model)
    change = contrast(found, [Shift("y", np.log(2.0), start=2004)], outcome="y", seed=4, by="unit").to_numpy()
    base = simulate(found, seed=4)["y"].to_numpy()
    np.testing.assert_allclose(change[:, :, 4:], base[:, :, 4:], rtol=1e-9)
    held = simulate(found, [Set("y", 2.5)], seed=4)["y"].to_numpy()
    assert (held == 2.5).all()


# ------------------------------------------------------------------------------------------- against plain models


def plain(family: str, x: Floats, y: Floats) -> Floats:
    """Draws of the effect of x on y (link per sd of x) in a model written with PyMC's own distributions: y, x (unit, time)."""
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
    spread, centre = max(sd / 2.0, float(level.std())), float(level.mean())
    standard: Floats = (x - x.mean()) / within(x)
    mean, common = standard.mean(axis=1), standard.mean(axis=0)
    with pm.Model() as model:
        effect = pm.Normal("effect", 0.0, 1.0)
        intercept = pm.Normal("intercept", centre, 2.0 * spread)
        about = pm.Normal("about", 0.0, spread)
        unit_sd = pm.HalfNormal("unit_sd", spread)
        unit = (
            intercept + about * (mean - mean.mean()) / mean.std() + unit_sd * pm.Normal("unit", 0.0, 1.0, shape=units)
        )
        year: Any = pm.ZeroSumNormal("year", sd * pm.HalfNormal("year_sd", 0.5), shape=times)
        year = year + sd * pm.Normal("about_years", 0.0, 1.0) * (common - common.mean()) / common.std()
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
    # Its scale of the years has a funnel of its own: at the usual length of steps some chains are too wide or too narrow.
    return settled(model, tune=1000, target_accept=0.95)


def settled(model: Any, **settings: Any) -> Floats:
    """Draws of the effect in a plain model (chain, draw), anew while its own chains do not agree: an oracle that has not converged is none."""
    import arviz_stats
    import nutpie

    compiled = nutpie.compile_pymc_model(model)
    for seed in (2, 3, 4):
        drawn: Any = nutpie.sample(compiled, draws=4000, chains=4, cores=2, seed=seed, progress_bar=False, **settings)
        effect = drawn["posterior"]["effect"]
        if float(arviz_stats.rhat(effect)) < 1.01:
            return effect.to_numpy()
    pytest.fail("no three seeds make the plain model's chains agree")


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
    ours = fit(model, seed=1, draws=4000, tune=1000, allow_unconverged=True).edge("x -> y", scale="standard").to_numpy()
    theirs = plain(family, x, y)
    assert abs(ours.mean() - theirs.mean()) < 0.1 * theirs.std()
    assert 0.9 < ours.std() / theirs.std() < 1.1


def holed(family: str) -> tuple[Model, Floats, Floats]:
    """The model of x -> y with three in ten values of x missing, and x and y (unit, time)."""
    generator = np.random.default_rng(16)
    units, times = 20, 8
    x = generator.normal(0.0, 1.0, (units, 1)) + generator.standard_normal((units, times))
    eta = mixed.BASE[family] + x + generator.normal(0.0, 0.6, (units, 1))
    y = mixed.outcome(family, eta, generator)
    x[:, 1:-1][generator.random((units, times - 2)) < 0.3] = np.nan
    index = pd.MultiIndex.from_product([range(units), range(times)], names=["unit", "year"])
    frame = pd.DataFrame({"x": x.ravel(), "y": y.ravel()}, index=index).reset_index()
    built = build_model(read_graph(f"x -> y\ny [family={family}]"), panel_of(frame))
    assert isinstance(built, Model)
    return built, x, y


@pytest.mark.slow
@pytest.mark.parametrize("family", ["poisson", "bernoulli"])
def test_missing_causes_hear_of_the_outcome_once(family: str) -> None:
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    built, x, y = holed(family)
    ours = fit(built, seed=1, draws=4000, allow_unconverged=True).edge("x -> y", scale="standard").to_numpy()
    (cells,), design = built.cells, built.design
    units, times = x.shape
    standard = (x - design.centres[0]) / design.scales[0]
    gaps = np.nonzero(np.isnan(standard))
    with pm.Model() as model:
        unit_x, year_x = pm.Normal("unit_x", 0.0, 10.0, shape=units), pm.Normal("year_x", 0.0, 10.0, shape=times)
        missing = pm.Flat("missing", shape=len(gaps[0]))
        filled = pt.set_subtensor(pt.as_tensor_variable(np.nan_to_num(standard))[gaps], missing)
        spread = pm.HalfNormal("sd_x", 1.0)
        pm.Potential("x", pt.sum(pm.logp(pm.Normal.dist(unit_x[:, None] + year_x[None, :], spread), filled)))
        intercept = pm.Normal("intercept", cells.centre, 2.0 * cells.spread)
        about = pm.Normal(
            "about", 0.0, cells.spread / cells.covariates.shape[1] ** 0.5, shape=cells.covariates.shape[1]
        )
        unit_sd = pm.HalfNormal("unit_sd", cells.spread)
        unit = intercept + cells.covariates @ about + unit_sd * pm.Normal("unit", 0.0, 1.0, shape=units)
        year: Any = pm.ZeroSumNormal("year", cells.per_sd * pm.HalfNormal("year_sd", 0.5), shape=times)
        year = year + cells.per_sd * (cells.year_covariates @ pm.Normal("about_years", 0.0, 1.0, shape=1))
        eta = unit[:, None] + year[None, :] + cells.per_sd * pm.Normal("effect", 0.0, 1.0) * filled
        if family == "poisson":
            pm.Poisson("y", pt.exp(eta), observed=y)
        else:
            pm.Bernoulli("y", logit_p=eta, observed=y)
    theirs = settled(model, tune=1500)
    assert abs(ours.mean() - theirs.mean()) < 0.1 * theirs.std()
    assert 0.9 < ours.std() / theirs.std() < 1.1


def test_a_missing_value_near_a_level_has_the_mean_and_the_variance_of_the_levels() -> None:
    import pytensor.tensor as pt

    chances = np.array([[0.5, 0.1, 0.02], [0.3, 0.1, 0.97], [0.2, 0.8, 0.01]])
    grid = np.linspace(-3.0, 5.0, 16001)
    mean = np.arange(3) @ chances
    variance = np.arange(3) ** 2 @ chances - mean**2
    for k in range(3):
        log = pt.as_tensor_variable(np.log(chances[:, [k]]))
        near = near_a_level(pt.as_tensor_variable(grid), log, 0.0).eval(mode="FAST_COMPILE")
        density = np.exp(near) / np.sqrt(2.0 * np.pi)
        moments = [np.trapezoid(density * (grid - at) ** power, grid) for at, power in ((0, 0), (0, 1), (mean[k], 2))]
        np.testing.assert_allclose(moments, [1.0, mean[k], variance[k]], rtol=1e-6)


def test_a_missing_value_far_from_levels_that_are_sure_still_has_a_slope() -> None:
    import pytensor
    import pytensor.tensor as tensor

    pt: Any = tensor
    eta, value = pt.dvector("eta"), pt.dvector("value")
    chances = pt.stack([families.log_density("bernoulli", pt.full_like(eta, k), eta, {}) for k in (0, 1)])
    near = near_a_level(value, chances, 1e-4)
    slopes = pytensor.function([eta, value], [near, *pytensor.grad(near.sum(), [eta, value])], mode="FAST_COMPILE")
    for found in slopes(np.array([800.0, -800.0, 30.0, 0.0]), np.array([-4.0, 5.0, 0.0, 1e3])):
        assert np.isfinite(found).all()


@pytest.mark.slow
@pytest.mark.parametrize("levels", [2, 3])
def test_a_missing_level_acts_as_all_weighed_by_their_chances(levels: int) -> None:
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    generator = np.random.default_rng(26)
    units, times = 30, 10
    chance = generator.beta(2.0, 2.0, (units, 1))
    y = (generator.random((levels - 1, units, times)) < chance).sum(axis=0).astype(float)
    z = 1.2 * y + generator.normal(0.0, 1.0, (units, 1)) + generator.standard_normal((units, times))
    gaps = generator.random((units, times)) < 0.3
    gaps[:, [0, -1]] = False
    seen = np.where(gaps, np.nan, y)
    index = pd.MultiIndex.from_product([range(units), range(times)], names=["unit", "year"])
    frame = pd.DataFrame({"y": seen.ravel(), "z": z.ravel()}, index=index).reset_index()
    family = "bernoulli" if levels == 2 else "ordered"
    built = build_model(read_graph(f"y -> z\ny [family={family}]"), panel_of(frame))
    assert isinstance(built, Model)
    ours = fit(built, seed=1, draws=4000, allow_unconverged=True).edge("y -> z").to_numpy()
    (cells,), design = built.cells, built.design
    at = built.system.nodes.index("z")
    centre, scale = design.centres[at], design.scales[at]
    slope = design.scales[built.system.nodes.index("y")]
    with pm.Model() as model:
        unit_sd = pm.HalfNormal("unit_sd", cells.spread)
        unit = pm.Normal("intercept", cells.centre, 2.0 * cells.spread) + unit_sd * pm.Normal("unit", shape=units)
        year: Any = pm.ZeroSumNormal("year", cells.per_sd * pm.HalfNormal("year_sd", 0.5), shape=times)
        eta = unit[:, None] + year[None, :]
        steps = [pt.cumsum(pm.HalfNormal("steps", 2.0, shape=levels - 2))] if levels > 2 else []
        cuts = pt.concatenate([pt.zeros(1), *steps])
        effect = pm.Normal("effect", 0.0, 1.0)
        mean = pm.Normal("unit_z", 0.0, 10.0, shape=units)[:, None] + pm.Normal("year_z", 0.0, 10.0, shape=times)
        sd = pm.HalfNormal("sd_z", 1.0)
        above = [pt.sigmoid(eta - cuts[k]) for k in range(levels - 1)]
        chances = [upper - lower for upper, lower in zip([1.0, *above], [*above, 0.0], strict=True)]
        each = pt.stack(
            [
                pt.log(chances[k]) + pm.logp(pm.Normal.dist(mean + effect * k / slope, sd), (z - centre) / scale)
                for k in range(levels)
            ]
        )
        known = pt.sum(pt.where(np.arange(levels)[:, None, None] == seen[None], each, 0.0), axis=0)
        pm.Potential("all", pt.sum(pt.where(gaps, pt.logsumexp(each, axis=0), known)))
    theirs = settled(model, tune=1500) * scale / slope
    assert abs(ours.mean() - theirs.mean()) < 0.1 * theirs.std()
    assert 0.9 < ours.std() / theirs.std() < 1.1
