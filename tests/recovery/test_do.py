"""Worlds under interventions have the distribution that `pm.do` gives an unrolled model, for a node of every family.

The unrolled model is written with PyMC's own distributions. Its Normal node gets the shocks and levels of our world, so that what is compared is how the
other node is drawn and answers. Means over 8,000 worlds of each unit and period; no two may differ by more than 4.5 Monte Carlo standard errors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from causal.fit import Fit
from causal.intervene import Set, Shift
from causal.simulate import simulate
from causal.syntax import read_graph
from tests.oracle.mixed import on_value_scale
from tests.oracle.replay import columns, mixed_fit
from tests.oracle.worlds import made_model, same_draws

pytestmark = pytest.mark.slow

LOOP = "x -> y [lag=1]\nx -> y\ny -> y [lag=1]\ny -> x [lag=1]\nx -> x [lag=1]\n"
UNITS, TIMES, SIZE = 3, 4, 8000
FAMILIES = ("student-t", "hurdle-lognormal", "poisson", "negative-binomial", "bernoulli", "beta", "ordered")


def looped(family: str) -> Fit:
    rows = columns({"x": "normal", "y": family}, units=UNITS, times=range(TIMES), seed=4)
    model = made_model(read_graph(f"{LOOP}y [family={family}]"), rows)
    signs = dict(zip([term.name for term in model.system.terms], (0.3, -0.25, 0.2, 0.3, -0.2), strict=True))
    effects = {name: value / model.on_standard_scale(name) for name, value in signs.items()}
    return same_draws(mixed_fit(model, draws=2, seed=6, effects=effects), SIZE)


def drawn(family: str, name: str, eta: Any, parameters: dict[str, Any], centre: float, unit: float) -> Any:
    """One value by PyMC's own distribution, and its value scale as a tensor."""
    import pymc as pm
    import pytensor.tensor as pt

    if family == "student-t":
        return pm.StudentT(name, nu=parameters["freedom"], mu=eta, sigma=parameters["sd"])
    if family == "hurdle-lognormal":
        odds = parameters["hurdle_level"] + parameters["hurdle_slope"] * (eta - centre) / unit
        above = pm.Bernoulli(f"{name}_above", logit_p=odds)
        return pm.Deterministic(name, above * pm.LogNormal(f"{name}_amount", mu=eta, sigma=parameters["sd"]))
    if family == "poisson":
        return pm.Poisson(name, mu=pt.exp(eta))
    if family == "negative-binomial":
        return pm.NegativeBinomial(name, mu=pt.exp(eta), alpha=parameters["dispersion"] ** -2.0)
    if family == "bernoulli":
        return pm.Bernoulli(name, logit_p=eta)
    if family == "beta":
        mean = pt.sigmoid(eta)
        return pm.Beta(name, alpha=mean * parameters["precision"], beta=(1.0 - mean) * parameters["precision"])
    return pm.OrderedLogistic(name, eta=eta, cutpoints=parameters["cuts"])


def on_value_scale_of(family: str, values: Any) -> Any:
    import pytensor.tensor as pt

    if family in ("poisson", "negative-binomial", "hurdle-lognormal"):
        return pt.log1p(values)
    return pt.log(values / (1.0 - values)) if family == "beta" else values


@pytest.mark.parametrize("family", FAMILIES)
def test_worlds_are_distributed_as_pm_do_says(family: str) -> None:
    import pymc as pm

    fit = looped(family)
    b = {
        name: float(values[0, 0])
        for name in (t.name for t in fit.model.system.terms)
        for values in [fit.edge(name).to_numpy()]
    }
    base = {node: np.moveaxis(v.to_numpy(), 2, 0) for node, v in simulate(fit, seed=1).data_vars.items()}
    seen = on_value_scale(family, base["y"])
    # What x has apart from its causes: levels and shocks of our world.
    free = base["x"].copy()
    free[1:] -= b["x -> x [lag=1]"] * base["x"][:-1] + b["y -> x [lag=1]"] * seen[:-1]
    (cells,) = fit.model.cells
    levels = fit.draws("unit_level_y")[0]
    years = np.concatenate([[0.0], fit.draws("year_level_y")[0]])
    kept = fit.draws("family_parameter_y")[0] if "family_parameter_y" in fit.posterior else []
    parameters: dict[str, Any] = dict(zip(cells.parameter_names, kept, strict=True))
    if family == "ordered":
        parameters = {"cuts": np.concatenate([[0.0], kept])}
    # Levels are those at which the causes stand at their centres.
    centres = dict(zip(fit.model.system.nodes, fit.model.design.centres, strict=True))
    with pm.Model() as unrolled:
        x, y = [pm.Deterministic("x_0", pm.math.constant(base["x"][0]))], [pm.math.constant(base["y"][0])]
        shift = pm.Data("shift", np.zeros(TIMES))
        for t in range(1, TIMES):
            carried = b["x -> x [lag=1]"] * x[t - 1] + b["y -> x [lag=1]"] * on_value_scale_of(family, y[t - 1])
            x.append(pm.Deterministic(f"x_{t}", free[t] + carried))
            eta = levels + years[t] + shift[t]
            for cause, lag in (("x", 1), ("x", 0), ("y", 1)):
                now = x[t - lag] if cause == "x" else on_value_scale_of(family, y[t - lag])
                eta = eta + b[f"{cause} -> y" + (" [lag=1]" if lag else "")] * (now - centres[cause])
            y.append(drawn(family, f"y_{t}", eta, parameters, cells.centre, cells.per_sd))
    for held, moved in (({"x_2": 3.0}, 0.0), ({"x_1": -1.0, "x_3": 4.0}, -0.3)):
        done = pm.do(unrolled, {name: np.full((SIZE, UNITS), value) for name, value in held.items()})
        done["shift"].set_value(np.where(np.arange(TIMES) == 2, moved, 0.0))
        theirs = np.stack(pm.draw([done[f"y_{t}"] for t in range(1, TIMES)], random_seed=3))
        acts = [Set("x", value, start=int(name[2:]), stop=int(name[2:])) for name, value in held.items()]
        ours = simulate(fit, [*acts, Shift("y", moved, start=2, stop=2)], seed=1)["y"].to_numpy()
        ours = np.moveaxis(ours, 2, 0)[1:]
        for scale in (
            (lambda v: v, lambda v: v**2)
            if family in ("bernoulli", "beta", "ordered")
            else (np.tanh, lambda v: np.log1p(np.abs(v)))
        ):
            one, other = scale(ours), scale(theirs)
            error = np.sqrt((one.var(axis=1) + other.var(axis=1)) / SIZE)
            assert np.abs((one.mean(axis=1) - other.mean(axis=1)) / error).max() < 4.5
