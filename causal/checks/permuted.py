"""Whether the graph fits the data better than the same graph with its nodes shuffled.

Eulig et al. 2023, Toward falsifying causal graphs using a permutation-based test.

A graph that is refuted in a tenth of its independences may be a good one or no better than any. So its share of refuted independences is set beside those of
graphs of the same shape in which the measured nodes have changed places at random: if many of them do as well, what fits is the shape and not what
the graph says of these nodes. Each is fitted at the maximum of its own corrected likelihood, without a sampler, and asked by
scores (`causal.checks.scores`), one at a time at 5 %. A warning.
"""

from __future__ import annotations

from itertools import islice, permutations
from pathlib import Path

import numpy as np

from causal.cells import fitted_linear
from causal.checks.independences import implied
from causal.checks.result import CheckResult
from causal.checks.scores import plain_scores, told
from causal.equations import Floats
from causal.errors import CausalError
from causal.fit import Fit
from causal.graph import Edge, Graph, Latent
from causal.model import Model, Priors, study_model
from causal.refits import FitsProgress

NAME = "permuted graphs"
"""What the check is called in its results."""
MOST = 200
"""So many shuffled graphs at most."""
FEWEST = 20
"""Fewer shuffled graphs can show no better than one in twenty: three nodes have five."""
BETTER, NO_BETTER = 0.05, 0.5
"""The share of shuffled graphs that do as well, below which the graph is better than its shape and above which it is not."""
_REFUTED = 1.96


def check(fit: Fit, *, store: Path | None = None, progress: FitsProgress | None = None) -> CheckResult:
    """Passed where at most one in twenty shuffled graphs is refuted as little. A warning where half of them are; nothing is fitted that `store` could keep."""
    del store
    model = fit.model
    why = told(fit)
    if not why and (model.cells or model.design.noise is not None):
        why = "made for Normal nodes measured without error"
    if not why and len(model.system.nodes) < 3:
        why = "fewer than three nodes are measured, and can hardly be shuffled"
    ours = np.nan if why else _refuted(model)
    if not why and np.isnan(ours):
        why = "the graph implies no independence that could be refuted"
    if why:
        return CheckResult(NAME, None, f"The graph is not set beside shuffled ones: {why}.", {}, vetoes=False)
    shuffled = _shuffles(model)
    found: list[float] = []
    for done, mapping in enumerate(shuffled, 1):
        try:
            found.append(
                _refuted(
                    study_model(_renamed(model.graph, mapping), model.study, Priors(), year_effects=model.year_effects)
                )
            )
        except CausalError:
            found.append(np.nan)  # no equation is left, say
        if progress is not None:
            progress(done, len(shuffled), 0)
    others = np.array(found)
    others = others[~np.isnan(others)]
    if len(others) < FEWEST:
        sentence = "Too few shuffled graphs can be asked to set the graph beside them."
        return CheckResult(NAME, None, sentence, {"graphs": float(len(others))}, vetoes=False)
    share = float((others <= ours).mean())
    numbers = {
        "refuted": ours,
        "graphs": float(len(others)),
        "as good": share,
        "refuted in the median": float(np.median(others)),
    }
    told_so = (
        f"{ours:.0%} of the independences of the graph are refuted one by one at 5 %, "
        f"and as few in {share:.0%} of {len(others)} graphs with the nodes shuffled"
    )
    if share <= BETTER:
        return CheckResult(NAME, True, f"The graph fits better than its shape would: {told_so}.", numbers, vetoes=False)
    if share < NO_BETTER:
        return CheckResult(
            NAME, None, f"The graph cannot be told from shuffled ones with sureness: {told_so}.", numbers, vetoes=False
        )
    edges = tuple(term.name for term in model.system.terms)
    return CheckResult(
        NAME, False, f"The graph fits no better than its shape would: {told_so}.", numbers, edges, vetoes=False
    )


def _refuted(model: Model) -> float:
    """The share of a graph's independences that are refuted at its own maximum; not a number where it implies none."""
    fit, filled = at_maximum(model)
    if told(fit):
        return np.nan
    links = implied(fit)
    return float((np.abs(plain_scores(fit, links, filled)) > _REFUTED).mean()) if links else np.nan


def at_maximum(model: Model) -> tuple[Fit, Floats]:
    """A fit whose one draw of the effects lies at the maximum of the corrected likelihood under Normal(0, 1) effects, and the values with holes filled."""
    import xarray as xr

    from causal.fit import Convergence

    design, system = model.design, model.system
    found = fitted_linear(system, design.filled, design.sweep, design.holes)
    effects = found.effects
    rows, columns = system.positions()
    posterior = xr.Dataset(
        {"effect": (("chain", "draw", "edge"), effects[rows, columns][None, None])},
        coords={"edge": [term.name for term in system.terms]},
    )
    return Fit(model, xr.DataTree.from_dict({"posterior": posterior}), Convergence(1.0, 1.0, 0.0, ())), found.filled


def _shuffles(model: Model) -> list[dict[str, str]]:
    """Other places for the measured nodes: all of them where there are few, else a random part."""
    nodes = model.system.nodes
    if len(nodes) <= 5:
        return [dict(zip(nodes, order, strict=True)) for order in islice(permutations(nodes), 1, None)]
    generator = np.random.default_rng(20_261_130)
    orders = [generator.permutation(len(nodes)) for _ in range(MOST)]
    return [{node: nodes[k] for node, k in zip(nodes, order, strict=True)} for order in orders]


def _renamed(graph: Graph, mapping: dict[str, str]) -> Graph:
    def to(name: str) -> str:
        return mapping.get(name, name)

    return Graph(
        graph.nodes,
        tuple(Edge(to(edge.cause), to(edge.effect), edge.lag, edge.sign, across=edge.across) for edge in graph.edges),
        tuple(Latent(to(latent.left), to(latent.right), latent.lag) for latent in graph.latents),
    )
