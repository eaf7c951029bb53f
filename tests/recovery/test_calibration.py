"""Simulation-based calibration: truths drawn from the prior have uniform ranks among the draws of their posterior (Talts et al. 2018).

Beside the parameters, two quantities that involve data and parameters at once (Modrak et al. 2023), which see a posterior that is its own prior,
or that forgets a part of the data: the log likelihood, and the product of the effects.

What a model says of its data is drawn by numpy and scipy from the priors written down here. Its scales are held fixed at 1 and its centres at 0: a model
standardises by the data it is given, so that its priors are on a scale that is known only then, and the prior that a truth is drawn from must not
depend on what follows from it. The graphs are those in which all of what the unit and year effects are regressed on comes before the outcome; a loop's
covariates do not, and its posterior is calibrated by simulated worlds with fixed truths (`test_families`, `test_short_panels`).

A panel model without its unit effects has no distribution that its data are drawn from: they are integrated over a flat prior. Where they lie does
then not matter to the swept likelihood; the orthogonal term makes ranks uniform but for what is of second order in the number of periods.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, log_expit

from causal import families
from causal.cells import Cells, cells_of, fitted_linear
from causal.fit import Fit, JointFit
from causal.joint import TRANSPORT, JointModel, build_model
from causal.model import Model
from causal.panel import Panel, Study
from causal.refits import fit_many
from causal.syntax import read_graph
from tests.oracle import mixed

pytestmark = pytest.mark.slow

Floats = NDArray[np.float64]
WORLDS = 24
UNITS, TIMES = 20, 10
SIZE = {"beta": 0.3}
"""One standard unit of the link, where it is not 1: shares so near 0 and 1 that no number holds them would be cut off."""
KEPT = 100
"""Draws of each posterior among which the truth has its rank, far enough apart to be as good as independent."""
GRAPHS = {True: "x -> y [lag=1]\nx -> x [lag=1]\ny -> y [lag=1]\n", False: "x -> y [lag=1]\nx -> x [lag=1]\n"}
"""By whether y is a cause of itself."""


def remembers(family: str, *, years: bool) -> bool:
    """Whether y is a cause of itself here.

    With year effects it is not: what they are regressed on would hold its own past. Nor are shares, whose logits carry each other beyond all numbers
    under effects and spreads as wide as their priors.
    """
    return not years and family != "beta"


def template(family: str, *, years: bool) -> Model:
    """A model of the right structure, for the numbers to be put in."""
    frame = mixed.panel("student-t" if family == "normal" else family, UNITS, TIMES, 1)
    frame["y"] = (np.arange(len(frame)) % 3 if family == "ordered" else frame["y"]).astype(float)
    text = GRAPHS[remembers(family, years=years)] + (f"y [family={family}]" if family != "normal" else "")
    found = build_model(read_graph(text), Panel.from_frame(frame, unit="unit", time="year"), year_effects=years)
    assert isinstance(found, Model)
    return found


def outcome(family: str, eta: float, given: dict[str, Any], generator: np.random.Generator) -> float:
    """A natural value, drawn by numpy."""
    if family == "poisson":
        return float(generator.poisson(np.exp(min(eta, 20.0))))
    if family == "negative-binomial":
        size = given["dispersion"] ** -2.0
        return float(generator.poisson(generator.gamma(size, np.exp(min(eta, 20.0)) / size)))
    if family == "bernoulli":
        return float(generator.random() < expit(eta))
    if family == "ordered":
        return float((eta + generator.logistic() > np.array([0.0, given["step"]])).sum())
    if family == "beta":
        share, precision = expit(eta), given["precision"]
        return float(np.clip(generator.beta(share * precision, (1.0 - share) * precision), 1e-15, 1.0 - 1e-15))
    if family == "student-t":
        return eta + given["sd"] * float(generator.standard_t(given["freedom"]))
    if family == "normal":
        return eta + given["sd"] * float(generator.standard_normal())
    above = generator.random() < expit(given["hurdle_level"] + given["hurdle_slope"] * eta)
    return float(np.exp(eta + given["sd"] * generator.standard_normal())) if above else 0.0


def own_parameters(family: str, generator: np.random.Generator) -> dict[str, float]:
    """The family's own parameters from their priors."""
    half = abs(generator.standard_normal())
    return {
        "normal": lambda: {"sd": half},
        "student-t": lambda: {"sd": half, "freedom": generator.gamma(2.0, 10.0)},
        "hurdle-lognormal": lambda: {
            "sd": half,
            "hurdle_level": 2.0 * generator.standard_normal(),
            "hurdle_slope": abs(generator.standard_normal()),
        },
        "negative-binomial": lambda: {"dispersion": half},
        "beta": lambda: {"precision": (0.5 * half) ** -2.0},
        "ordered": lambda: {"step": 2.0 * half},
    }.get(family, dict)()


def filled_of(model: Model, x: Floats, y: Floats, family: str) -> Floats:
    values = {"x": x, "y": families.value(family, y)}
    return np.stack([values[node] for node in model.system.nodes])


def world(model: Model, family: str, seed: int, *, years: bool) -> tuple[Model, dict[str, float]]:
    """The model of data that were drawn from its priors, and the truth."""
    generator = np.random.default_rng([seed, 77])
    truth = {"x -> x [lag=1]": generator.uniform(-1.0, 1.0), "x -> y [lag=1]": generator.standard_normal()}
    if remembers(family, years=years):
        logistic = family in ("bernoulli", "ordered")
        truth["y -> y [lag=1]"] = generator.standard_normal() if logistic else generator.uniform(-1.0, 1.0)
    size = SIZE.get(family, 1.0)
    sd = abs(generator.standard_normal())
    x, y = np.empty((UNITS, TIMES)), np.zeros((UNITS, TIMES))
    unit_x, year_x = 0.3 * generator.standard_normal(UNITS), 0.5 * generator.standard_normal(TIMES) * years
    x[:, 0] = generator.standard_normal(UNITS)
    for t in range(1, TIMES):
        x[:, t] = unit_x + year_x[t] + truth["x -> x [lag=1]"] * x[:, t - 1] + sd * generator.standard_normal(UNITS)
    given = own_parameters(family, generator)
    y[:, 0] = [outcome(family, level, given, generator) for level in 0.5 * generator.standard_normal(UNITS)]
    node = model.system.nodes.index("y")
    design = replace(model.design, centres=np.zeros(2), scales=np.ones(2))
    cells: tuple[Cells, ...] = ()
    year = np.zeros(TIMES)
    if family == "normal":
        unit = generator.standard_normal(UNITS)
        year[1:] = 0.5 * generator.standard_normal(TIMES - 1) * years
    else:
        # What y's effects are regressed on comes of x and of y's first values: whatever stands in for the others.
        y[:, 1:] = mixed.outcome(family, np.zeros((UNITS, TIMES - 1)), generator)
        filled = filled_of(model, x, y, family)
        rough = fitted_linear(model.system, filled, design.sweep, design.holes)
        made = cells_of(
            model.system, node, family, y, rough, design.sweep, design.entry, design.holes, np.array([0.0, 1.0])
        )
        count = made.covariates.shape[1]
        about = generator.standard_normal(count) / count**0.5
        level = size * (2.0 * generator.standard_normal() + made.covariates @ about)
        unit = level + size * abs(generator.standard_normal()) * generator.standard_normal(UNITS)
        if years:
            free = 0.5 * abs(generator.standard_normal()) * generator.standard_normal(TIMES - 1)
            told = made.year_covariates @ (
                generator.standard_normal(made.year_covariates.shape[1]) / made.year_covariates.shape[1] ** 0.5
            )
            # Independent years less their mean: the same as a basis of what sums to zero.
            year[1:] = size * (told + free - free.mean())
        cells = (replace(made, levels=model.cells[0].levels, centre=0.0, spread=size, per_sd=size),)
    for t in range(1, TIMES):
        past = families.value(family, y[:, t - 1])
        caused = truth["x -> y [lag=1]"] * x[:, t - 1] + truth.get("y -> y [lag=1]", 0.0) * past
        eta = unit + year[t] + size * caused
        y[:, t] = [outcome(family, each, given, generator) for each in eta]
    if cells:
        (cell,) = cells
        known = family == "poisson" and float(np.sum(y[:, 1:])) / UNITS > 10.0
        cells = (replace(cell, outcome=y[cell.unit, cell.time], well_known=known),)
    filled = filled_of(model, x, y, family)
    truth |= {f"parameter {name}": value for name, value in given.items() if family != "normal"}
    truth |= {"product": truth["x -> x [lag=1]"] * truth["x -> y [lag=1]"]}
    if cells:
        truth["log likelihood"] = float(
            likelihood(
                family, cells[0], filled, {k: np.array([v]) for k, v in truth.items()}, unit[None], year[None], node
            )[0]
        )
    return replace(model, design=replace(design, standard=filled), cells=cells), truth


def likelihood(
    family: str, cells: Cells, filled: Floats, found: dict[str, Floats], unit: Floats, year: Floats, node: int
) -> Floats:
    """The log likelihood (draw,) of the cells by scipy, from effects (draw,), unit levels (draw, unit) and year levels (draw, period)."""
    past = filled[:, cells.unit, cells.time - 1]
    caused = found["x -> y [lag=1]"][:, None] * past[1 - node]
    if "y -> y [lag=1]" in found:
        caused = caused + found["y -> y [lag=1]"][:, None] * past[node]
    eta = unit[:, cells.unit] + year[:, cells.time] + cells.per_sd * caused
    y = cells.outcome[None]

    def own(name: str) -> Floats:
        return found[f"parameter {name}"][:, None]

    share = expit(eta)
    if family == "poisson":
        each = stats.poisson.logpmf(y, np.exp(eta))
    elif family == "negative-binomial":
        size = own("dispersion") ** -2.0
        each = stats.nbinom.logpmf(y, size, size / (size + np.exp(eta)))
    elif family == "bernoulli":
        each = np.where(y > 0, log_expit(eta), log_expit(-eta))
    elif family == "beta":
        each = stats.beta.logpdf(y, share * own("precision"), (1.0 - share) * own("precision"))
    elif family == "student-t":
        each = stats.t.logpdf(y, own("freedom"), eta, own("sd"))
    elif family == "ordered":
        some, much = expit(eta), expit(eta - own("step"))
        each = np.log(np.maximum(np.where(y == 0, 1.0 - some, np.where(y == 1, some - much, much)), 1e-300))
    else:
        odds = own("hurdle_level") + own("hurdle_slope") * eta
        amount = stats.norm.logpdf(np.log(np.where(y > 0, y, 1.0)), eta, own("sd"))
        each = np.where(y > 0, log_expit(odds) + amount, log_expit(-odds))
    return np.asarray(np.sum(each, axis=1))


def drawn_quantities(found: Fit, family: str) -> dict[str, Floats]:
    """What has a rank, by draw."""
    flat: dict[str, Floats] = {
        term.name: found.edge(term.name, scale="standard").to_numpy().ravel() for term in found.model.system.terms
    }
    flat["product"] = flat["x -> x [lag=1]"] * flat["x -> y [lag=1]"]
    if family == "normal":
        return flat
    (cells,), node = found.model.cells, found.model.system.nodes.index("y")
    if cells.parameter_names:
        names = ("step",) if family == "ordered" else cells.parameter_names
        flat |= {f"parameter {k}": v for k, v in zip(names, found.draws("family_parameter_y").T, strict=True)}
    year = np.zeros((len(flat["product"]), TIMES))
    if "year_level_y" in found.posterior:
        year[:, 1:] = found.draws("year_level_y")
    unit, filled = found.draws("unit_level_y"), found.model.design.filled
    return flat | {"log likelihood": likelihood(family, cells, filled, flat, unit, year, node)}


def assert_uniform(ranks: dict[str, list[float]]) -> None:
    """Kolmogorov and Smirnov's test of each quantity's ranks, at a level that all of this module's together reach once in a hundred runs."""
    chances = {name: float(stats.kstest(found, "uniform").pvalue) for name, found in ranks.items()}
    print({name: (round(chance, 3), round(float(np.mean(ranks[name])), 3)) for name, chance in chances.items()})
    assert min(chances.values()) > 1e-4, chances


def rank(draws: Floats, truth: float, generator: np.random.Generator) -> float:
    """The share of `KEPT` draws below the truth, ties broken at random, spread evenly between its neighbours."""
    kept = draws[:: max(len(draws) // KEPT, 1)][:KEPT]
    below, tied = np.sum(kept < truth), np.sum(kept == truth)
    return float((below + generator.integers(0, tied + 1) + generator.random()) / (len(kept) + 1))


def calibrated(family: str, *, years: bool, count: int = WORLDS) -> dict[str, list[float]]:
    """Ranks by quantity, over simulated worlds."""
    model = template(family, years=years)
    made = [world(model, family, seed, years=years) for seed in range(count)]
    fits = fit_many([each for each, _ in made], seed=5, draws=250, tune=400, chains=2, allow_unconverged=True)
    generator = np.random.default_rng(3)
    ranks: dict[str, list[float]] = {}
    for found, (_, truth) in zip(fits, made, strict=True):
        assert isinstance(found, Fit)
        quantities = drawn_quantities(found, family)
        assert set(quantities) == set(truth)
        for name, value in truth.items():
            ranks.setdefault(name, []).append(rank(quantities[name], value, generator))
    return ranks


@pytest.mark.parametrize("family", ["normal", *mixed.BASE])
def test_ranks_are_uniform_in_every_family(family: str) -> None:
    assert_uniform(calibrated(family, years=False))


@pytest.mark.parametrize("family", ["bernoulli", "student-t"])
def test_ranks_are_uniform_with_year_effects(family: str) -> None:
    assert_uniform(calibrated(family, years=True))


# --------------------------------------------------------------------------------------------------------- several


def pair_template() -> JointModel:
    studies: list[Study] = []
    for k in range(2):
        frame = mixed.panel("student-t", UNITS, TIMES, k).assign(
            unit=lambda rows, k=k: rows["unit"].astype(str) + f" {k}"
        )
        studies.append(Study(Panel.from_frame(pd.DataFrame(frame), unit="unit", time="year"), name=f"study {k}"))
    found = build_model(read_graph(GRAPHS[False]), studies, year_effects=False)
    assert isinstance(found, JointModel)
    return found


def pair(model: JointModel, seed: int) -> tuple[JointModel, dict[str, float]]:
    generator = np.random.default_rng([seed, 78])
    truth: dict[str, float] = {}
    own: list[dict[str, float]] = [{}, {}]
    # The prior of tau stands as points of equal mass: a truth from the half-normal itself has a rank among them all the same.
    for pool in model.pools:
        tau = pool.scale * float(generator.choice(points()))
        shared = pool.prior.mean + pool.prior.sd * generator.standard_normal()
        for k in range(2):
            value = shared + tau * generator.standard_normal()
            own[k][pool.name] = float(np.tanh(value)) if pool.bounds else float(value)
            truth[f"{pool.name} in {k}"] = own[k][pool.name]
        truth[pool.name], truth[f"tau of {pool.name}"] = float(np.tanh(shared)) if pool.bounds else float(shared), tau
    models: list[Model] = []
    for k, each in enumerate(model.models):
        sd = np.abs(generator.standard_normal(2))
        values = np.empty((2, UNITS, TIMES))
        values[:, :, 0] = generator.standard_normal((2, UNITS))
        unit = generator.standard_normal((2, UNITS))
        for t in range(1, TIMES):
            mean = [own[k]["x -> x [lag=1]"] * values[0, :, t - 1], own[k]["x -> y [lag=1]"] * values[0, :, t - 1]]
            values[:, :, t] = unit + np.array(mean) + sd[:, None] * generator.standard_normal((2, UNITS))
        models.append(
            replace(each, design=replace(each.design, centres=np.zeros(2), scales=np.ones(2), standard=values))
        )
    return replace(model, models=tuple(models)), truth


def points() -> Floats:
    """The eight points of equal mass that stand for the half-normal prior of tau: the middles of its eighths."""
    return np.asarray(stats.halfnorm.ppf((np.arange(8) + 0.5) / 8))


def test_ranks_are_uniform_in_a_model_of_two_studies() -> None:
    model = pair_template()
    assert {pool.name for pool in model.pools} == {"x -> x [lag=1]", "x -> y [lag=1]"}
    assert next(pool.scale for pool in model.pools if pool.bounds is None) == TRANSPORT
    made = [pair(model, seed) for seed in range(WORLDS)]
    fits = fit_many([each for each, _ in made], seed=6, draws=250, tune=400, chains=2, allow_unconverged=True)
    generator = np.random.default_rng(4)
    ranks: dict[str, list[float]] = {}
    for found, (_, truth) in zip(fits, made, strict=True):
        assert isinstance(found, JointFit)
        for pool in model.pools:
            at = [each.name for each in model.pools].index(pool.name)
            drawn = {
                pool.name: found.posterior["effect"].isel(edge=at).to_numpy().ravel(),
                f"tau of {pool.name}": found.posterior["tau"].isel(edge=at).to_numpy().ravel(),
            }
            drawn |= {f"{pool.name} in {k}": found.within(f"study {k}", pool.name).to_numpy().ravel() for k in range(2)}
            for name, draws in drawn.items():
                ranks.setdefault(name, []).append(rank(draws, truth[name], generator))
    assert_uniform(ranks)
