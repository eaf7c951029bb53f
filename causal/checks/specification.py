"""Whether an effect survives other reasonable ways to fit it: the specification curve (Simonsohn, Simmons and Nelson 2020, Nature Human Behaviour 4).

One choice at a time and two together: the cause one period later than the graph says; year effects left out; the first or the second half of the
periods; each indicator of an index alone; the wide prior or a sceptical one of half its size. All of them are fitted in one go. The curve is the effect
under each, on the standard scale, from the lowest to the highest. A sign that most of them do not share is a warning: the choice made it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.checks.again import beyond, fitted, kept_priors, silent, sure_edges
from causal.checks.result import CheckResult
from causal.dist import Normal
from causal.errors import CausalError, Fault, no_such
from causal.fit import Fit
from causal.graph import Edge, Graph
from causal.joint import build_model
from causal.model import WIDE, Model, Priors
from causal.panel import Study, leave_out
from causal.refits import FitsProgress

if TYPE_CHECKING:
    import xarray as xr

NAME = "specification"
"""What the check is called in its results."""
_MOST = 4
"""Curves are drawn for so many effects at most."""
SHARED = 0.8
"""The share of specifications that must have the effect's sign by their median."""


def check(fit: Fit, *, store: Path | None = None, progress: FitsProgress | None = None) -> CheckResult:
    """Passed where four in five specifications share the sign of every sure effect. A warning; concerns the effects whose sign they do not."""
    if why := silent(fit):
        return CheckResult(NAME, None, f"No other specification is fitted: {why}.", {}, vetoes=False)
    sure = sure_edges(fit)
    edges, rest = sure[:_MOST], beyond(sure, _MOST)
    numbers: dict[str, float] = {}
    loose: list[str] = []
    for edge in edges:
        curve = specification_curve(fit, edge, store=store, progress=progress)
        sign = np.sign(float(np.median(fit.edge(edge))))
        shared = float((sign * curve.sel(quantile=0.5) > 0.0).mean())
        certain = float((sign * curve.sel(quantile=0.05 if sign > 0 else 0.95) > 0.0).mean())
        numbers |= {
            f"specifications of {edge}": float(curve.sizes["specification"]),
            f"share with the sign of {edge}": shared,
            f"share sure of the sign of {edge}": certain,
        }
        if shared < SHARED:
            loose.append(edge)
    told = "; ".join(
        f"{edge}: {numbers[f'share with the sign of {edge}']:.0%} share its sign, {numbers[f'share sure of the sign of {edge}']:.0%} are sure of it"
        for edge in edges
    )
    if loose:
        sentence = f"The sign of {', '.join(loose)} hangs on how it is fitted ({told}).{rest}"
        return CheckResult(NAME, False, sentence, numbers, tuple(loose), vetoes=False)
    return CheckResult(
        NAME,
        True,
        f"Other ways to fit the sure effects leave their signs as they are ({told}).{rest}",
        numbers,
        vetoes=False,
    )


def specification_curve(
    fit: Fit, edge: str, *, store: Path | None = None, progress: FitsProgress | None = None
) -> xr.DataArray:
    """Quantiles .05, .5 and .95 of an effect under each specification (specification, quantile), standard scale, sorted by their median.

    The coordinate `specification` says in words what is other than in `fit`, "as fitted" where nothing is. Raises `CausalError` for an edge that the fit
    does not carry; specifications that the data do not allow (too few periods left, say) are not in the curve.
    """
    import xarray as xr

    if not isinstance(fit, Fit):
        raise CausalError(no_such(fit, "fit of one study", "give what fit returns for one"))
    name = str(fit.edge(edge).name)
    specified = specifications(fit, name)
    fits = fitted([model for model, _ in specified.values()], store, progress)
    rows = [
        np.quantile(found.posterior["effect"].sel(edge=term), [0.05, 0.5, 0.95])
        for found, (_, term) in zip(fits, specified.values(), strict=True)
    ]
    curve = xr.DataArray(
        np.array(rows),
        dims=("specification", "quantile"),
        coords={"specification": list(specified), "quantile": [0.05, 0.5, 0.95]},
        name=name,
    )
    return curve.isel(specification=np.argsort(curve.sel(quantile=0.5).to_numpy(), kind="stable"))


def specifications(fit: Fit, name: str) -> dict[str, tuple[Model, str]]:
    """The models of the curve, each with its term for the effect, by what is other in them, one choice or two."""
    model = fit.model
    choices: dict[str, Any] = {"the cause one period earlier": {"lag": 1}}
    if len(model.design.units) > 1:
        choices["without year effects" if model.year_effects else "with year effects"] = {
            "years": not model.year_effects
        }
    times: Any = model.study.panel.times
    half = len(times) // 2
    choices["the first half of the periods"] = {"last": times[half - 1]}
    choices["the second half of the periods"] = {"first": times[half]}
    for node in model.system.nodes:
        measure = model.study.measure(node)
        if measure is not None and len(measure.columns) > 1 and not measure.loadings:
            choices |= {f"{node} by {column} alone": {"column": (node, column)} for column in measure.columns}
    choices["the wide prior" if model.priors.name != "wide" else "a sceptical prior of half the size"] = {"prior": True}
    found = {"as fitted": (model, name)}
    for size in (1, 2):
        for chosen in combinations(choices, size):
            changes: dict[str, Any] = {}
            if len({key for words in chosen for key in choices[words]}) < size:
                continue  # two columns of one index, say
            for words in chosen:
                changes |= choices[words]
            if {"first", "last"} <= changes.keys():
                continue
            try:
                found[" and ".join(chosen)] = _specified(model, name, changes)
            except CausalError:
                continue
    return found


def _specified(model: Model, name: str, changes: dict[str, Any]) -> tuple[Model, str]:
    graph, study = model.graph, replace(model.study, sets_aside=())
    priors = kept_priors(model)
    if "lag" in changes:
        edge = graph.edge(name)
        later = Edge(edge.cause, edge.effect, edge.lag + 1, edge.sign)
        if later.name in priors:
            raise CausalError(Fault(f"{later.name} is there already"))
        graph = Graph(
            graph.nodes, tuple(later if each.name == edge.name else each for each in graph.edges), graph.latents
        )
        priors[later.name] = priors.pop(edge.name)
        name = later.name
    if "prior" in changes:
        given = priors[name]
        assert isinstance(given, Normal)
        priors[name] = WIDE if model.priors.name != "wide" else Normal(0.0, given.sd / 2.0)
    if {"first", "last"} & changes.keys():
        study = replace(study, panel=leave_out(study.panel, first=changes.get("first"), last=changes.get("last")))
    if "column" in changes:
        node, column = changes["column"]
        study = _by_column(study, node, column)
    made = build_model(
        graph, study, Priors(priors, name=model.priors.name), year_effects=changes.get("years", model.year_effects)
    )
    assert isinstance(made, Model)
    return made, name


def _by_column(study: Study, node: str, column: str) -> Study:
    measure = study.measure(node)
    assert measure is not None
    turned = "-" if measure.signs[measure.columns.index(column)] < 0.0 else "+"
    return replace(study, measures={**(study.measures or {}), node: replace(measure, column=column, direction=turned)})
