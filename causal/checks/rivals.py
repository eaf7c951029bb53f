"""Whether the data would rather have another graph: without a link, or with it the other way round.

For an effect u -> v whose sign is sure, one model holds both u -> v and v -> u (at the same lag, or at lag 1 where that is 0), and the prior `causal.dist.CUT`
on one or both of them leave the graph itself, the rival without the link, and the reversed one: the same rows and equations in all of them. They are
compared by the expected log density of a unit left out (PSIS-LOO, Vehtari, Gelman and Gabry 2017, by unit, as shocks of one unit's years are
predicted together). What units share of a year's effect makes them not quite independent, by a share of one in the number of units.

Prediction knows no direction by itself: a lagged link can be told from its reverse, a link of the same period hardly. A warning.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.checks.again import beyond, fitted, kept_priors, silent, sure_edges
from causal.checks.result import CheckResult
from causal.dist import CUT, Normal
from causal.equations import Floats, stacked, swept
from causal.errors import CausalError
from causal.fit import Fit
from causal.graph import Edge, Graph
from causal.joint import build_model
from causal.model import Model, Priors
from causal.refits import FitsProgress

if TYPE_CHECKING:
    import xarray as xr

NAME = "rivals"
"""What the check is called in its results."""
_CLEAR = 2.0
"""Standard errors by which a rival must lie ahead or behind to be told apart."""
_TAIL = 0.7
"""Pareto k above which a unit's density cannot be had by weighting draws."""
_MOST = 6
"""So many effects at most, the first of the equations."""


def check(fit: Fit, *, store: Path | None = None, progress: FitsProgress | None = None) -> CheckResult:
    """Passed where the graph predicts better than each rival for each sure effect. A warning where a rival does; concerns those effects."""
    if why := silent(fit):
        return CheckResult(NAME, None, f"No rival graph is fitted: {why}.", {}, vetoes=False)
    numbers: dict[str, float] = {}
    beaten: list[str] = []
    open_: list[str] = []
    edges = sure_edges(fit)
    rest = beyond(edges, _MOST)
    for edge in edges[:_MOST]:
        try:
            models = rival_models(fit, edge)
        except CausalError:
            open_.append(f"{edge}, whose reverse would close a circle within the period")
            continue
        fits = fitted(list(models.values()), store, progress)
        found = {rival: _density(each) for rival, each in zip(models, fits, strict=True)}
        for rival in ("without", "reversed"):
            ahead, error = _ahead(found["as claimed"], found[rival])
            numbers |= {f"{rival} {edge}": ahead, f"s.e. of {rival} {edge}": error}
            if math.isnan(ahead) or abs(ahead) <= _CLEAR * error:
                open_.append(f"{edge} {rival}")
            elif ahead < 0.0:
                beaten.append(edge)
    if beaten:
        said = ", ".join(dict.fromkeys(beaten))
        sentence = f"A rival graph predicts units left out better than the graph does: {said} is missing there or turned round.{rest}"
        return CheckResult(NAME, False, sentence, numbers, tuple(dict.fromkeys(beaten)), vetoes=False)
    if open_ or not numbers:
        said = f": {'; '.join(open_[:4])}" if open_ else ""
        return CheckResult(
            NAME,
            None,
            f"Rival graphs cannot be told from this one by how they predict{said}.{rest}",
            numbers,
            vetoes=False,
        )
    sentence = (
        f"The graph predicts units left out better than without each sure link, and than with it turned round.{rest}"
    )
    return CheckResult(NAME, True, sentence, numbers, vetoes=False)


def rival_models(fit: Fit, name: str) -> dict[str, Model]:
    """The model as it is, without an edge, and with it turned round, of one structure. Raises `CausalError` for a circle within a period."""
    model = fit.model
    edge = model.graph.edge(name)
    back = Edge(edge.effect, edge.cause, max(edge.lag, 1))
    known = [each for each in model.graph.edges if each.name == back.name]
    graph = model.graph if known else Graph(model.graph.nodes, (*model.graph.edges, back), model.graph.latents)
    given = kept_priors(model)
    own = given.get(back.name, given[edge.name] if isinstance(given[edge.name], Normal) else Normal(0.0, 1.0))
    found: dict[str, Model] = {}
    for rival, changed in {
        "as claimed": {} if known else {back.name: CUT},
        "without": {edge.name: CUT} | ({} if known else {back.name: CUT}),
        "reversed": {edge.name: CUT, back.name: Normal(0.0, own.sd) if isinstance(own, Normal) and not known else own},
    }.items():
        made = build_model(
            graph,
            replace(model.study, sets_aside=()),
            Priors({**given, **changed}, name=rival),
            year_effects=model.year_effects,
        )
        assert isinstance(made, Model)
        found[rival] = made
    return found


def unit_log_likelihood(fit: Fit) -> xr.DataArray:
    """The log likelihood by unit (chain, draw, unit): its sum is the model's, b shared out alike."""
    import xarray as xr

    from causal.orthogonal_op import correction_values

    model, design = fit.model, fit.model.design
    system, sweep = model.system, design.sweep
    columns = stacked(design.filled, system.lags)
    left = np.moveaxis(swept(np.moveaxis(columns, 2, 0), sweep), 0, 2)
    products = np.einsum("itj,itk->ijk", left, left)
    shape = fit.posterior["effect"].shape[:2]
    size, width = len(system.nodes), system.width
    matrix = np.zeros((shape[0] * shape[1], size, width))
    rows, places = system.positions()
    matrix[:, rows, places] = fit.draws("effect")
    residual: Floats = np.eye(size, width) - matrix
    if model.loadings:
        loading = np.zeros((len(matrix), size, size))
        at = np.array(model.loadings)
        loading[:, at[:, 0], at[:, 1]] = fit.draws("shock_loading")
        residual = residual - loading @ residual
    scaled = residual / fit.draws("shock_sd")[:, :, None]
    squares = np.einsum("dvj,ijk,dvk->di", scaled, products, scaled, optimize=True)
    length = (sweep.stop - sweep.first) / (sweep.stop - sweep.first).sum()
    logs = np.log(fit.draws("shock_sd")).sum(axis=1)
    pull = correction_values(matrix, sweep.weights) if system.lags else np.zeros(len(matrix))
    found = -np.outer(logs, sweep.freedom * length) - squares / 2.0 + pull[:, None] * length
    return xr.DataArray(found.reshape(*shape, -1), dims=("chain", "draw", "unit"))


def _density(fit: Fit) -> Floats:
    """The expected log density of each unit left out (unit,); not a number where draws cannot be weighted to it."""
    import arviz_stats
    import xarray as xr

    loo: Any = vars(arviz_stats)["loo"]
    tree = xr.DataTree.from_dict(
        {
            "posterior": fit.posterior[["effect"]],
            "log_likelihood": xr.Dataset({"data": unit_log_likelihood(fit)}),
        }
    )
    found = loo(tree, pointwise=True)
    values = np.asarray(found.elpd_i, dtype=float)
    return np.where(np.asarray(found.pareto_k) > _TAIL, np.nan, values)


def _ahead(ours: Floats, theirs: Floats) -> tuple[float, float]:
    """How far the graph is ahead of a rival over the units of which both are known, and the standard error; not a number if a fifth is not."""
    gap = ours - theirs
    known = gap[~np.isnan(gap)]
    if len(known) < 0.8 * len(gap) or len(known) < 4:
        return math.nan, math.nan
    return float(known.sum()), float(known.std(ddof=1) * len(known) ** 0.5)
