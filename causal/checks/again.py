"""What the checks share that fit a study's model again: which effects they are about, where they cannot be made, and the fits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from causal.dist import Dist
from causal.fit import Fit, JointFit
from causal.joint import JointModel
from causal.model import Model
from causal.refits import FitsProgress, fit_many

_DRAWS, _CHAINS = 1000, 2


@overload
def fitted(models: Sequence[Model], store: Path | None, progress: FitsProgress | None) -> list[Fit]: ...
@overload
def fitted(models: Sequence[JointModel], store: Path | None, progress: FitsProgress | None) -> list[JointFit]: ...
def fitted(
    models: Sequence[Model] | Sequence[JointModel], store: Path | None, progress: FitsProgress | None
) -> list[Fit] | list[JointFit]:
    """The fits of the models, unconverged ones among them, kept in `store`."""
    many: Any = models
    return fit_many(many, seed=1, draws=_DRAWS, chains=_CHAINS, store=store, allow_unconverged=True, progress=progress)


def kept_priors(model: Model) -> dict[str, Dist]:
    """The prior of every edge of the graph that the study keeps."""
    whole = model.graph if model.whole is None else model.whole
    kept = {edge.name for edge in model.graph.edges}
    return {edge: prior for edge, prior in model.priors.of(whole).items() if edge in kept}


def silent(fit: Fit) -> str:
    """Why a check of sure effects has nothing to do; empty where it has."""
    return unable(fit) or ("" if sure_edges(fit) else "no effect of one node on another is sure of its sign")


def unable(fit: Fit) -> str:
    """Why a study is not fitted again on parts of its data; empty where it is."""
    model = fit.model
    if model.design.crossed is not None:
        return "the rows stay in their data engine"
    if model.cells or model.design.holes.shape[1]:
        return "with holes or nodes that are not Normal every refit would be compiled anew"
    if model.design.weights is not None:
        return "with effects across units no unit can be left out"
    return ""


def beyond(edges: Sequence[str], most: int) -> str:
    """What a check says of the sure effects for which it has no time; empty where there are none."""
    left = len(edges) - most
    if left < 1:
        return ""
    return " One more sure effect is not looked at." if left == 1 else f" {left} more sure effects are not looked at."


def sure_edges(fit: Fit) -> list[str]:
    """The effects of one measured node on another whose 90 % interval leaves zero out."""
    found: list[str] = []
    for term in fit.model.system.terms:
        if term.edge is None or term.cause == term.effect:
            continue
        draws = fit.posterior["effect"].sel(edge=term.name).to_numpy()
        low, high = np.quantile(draws, [0.05, 0.95])
        if low > 0.0 or high < 0.0:
            found.append(term.name)
    return found
