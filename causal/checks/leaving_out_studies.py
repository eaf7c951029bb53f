"""Whether what several studies say together hangs on one of them.

Every study, and every reported estimate, is left out in turn and the rest fitted anew under the same prior, as one model where two or more are left. An
effect that two or more of them identify, whose sign is sure with all of them (90 % interval on one side of zero) and not without one, rests on that one. A
warning: the others do not speak against it, they do not carry it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from causal.checks.again import fitted
from causal.checks.leaving_out import SURE
from causal.checks.result import CheckResult
from causal.equations import Floats
from causal.errors import CausalError
from causal.fit import Fit, JointFit
from causal.joint import JointModel, build_model
from causal.model import Model
from causal.refits import FitsProgress

NAME = "leaving out studies"
"""What the check is called in its results."""


def check(fit: JointFit, *, store: Path | None = None, progress: FitsProgress | None = None) -> CheckResult:
    """Passed where no sure sign of a shared effect is lost without a study. A warning; concerns the edges that lose it."""
    sure = sure_shared(fit)
    if not sure:
        why = "no effect that two of them identify is sure of its sign"
        return CheckResult(NAME, None, f"No study is left out in turn: {why}.", {}, vetoes=False)
    found = without_each(fit, store, progress)
    numbers: dict[str, float] = {"refits": float(len(found))}
    lost: dict[str, list[str]] = {}
    for edge in sure:
        whole = np.sign(float(np.median(_draws(fit, edge))))
        for name, other in found.items():
            chance = float((whole * _draws(other, edge) > 0.0).mean())
            numbers[f"P(sign) {edge} without {name}"] = chance
            if chance < SURE:
                lost.setdefault(edge, []).append(name)
    if not lost:
        sentence = (
            f"No shared effect that is sure of its sign loses it without one of the studies ({len(found)} refits)."
        )
        return CheckResult(NAME, True, sentence, numbers, vetoes=False)
    said = "; ".join(f"{edge} without {' or without '.join(names)}" for edge, names in lost.items())
    sentence = f"Shared effects lose the sureness of their sign without a study ({len(found)} refits): {said}."
    return CheckResult(NAME, False, sentence, numbers, tuple(lost), vetoes=False)


def sure_shared(fit: JointFit) -> list[str]:
    """The effects that two or more studies identify and whose 90 % interval leaves zero out."""
    found: list[str] = []
    for pool in fit.model.pools:
        if pool.identified and len(pool.members) > 1 and not fit.model.graph.edge(pool.name).is_memory:
            low, high = np.quantile(_draws(fit, pool.name), [0.05, 0.95])
            if low > 0.0 or high < 0.0:
                found.append(pool.name)
    return found


def without_each(fit: JointFit, store: Path | None, progress: FitsProgress | None) -> dict[str, Fit | JointFit]:
    """The fits without each study and reported estimate in turn, by the name of what is left out; none where the rest makes no model."""
    model = fit.model
    whole = (*(each.study for each in model.models), *model.reported)
    models: dict[str, Model | JointModel] = {}
    for left_out in whole:
        try:
            rest = [each for each in whole if each is not left_out]
            years = model.models[0].year_effects
            models[left_out.name] = build_model(
                model.graph, rest, model.priors, year_effects=years, transport=model.transport
            )
        except CausalError:
            continue  # without it nothing is left that could be fitted
    # One kind at a time: what is left is one study's model, or that of several.
    alone = {name: each for name, each in models.items() if isinstance(each, Model)}
    several = {name: each for name, each in models.items() if isinstance(each, JointModel)}
    found = dict(zip(alone, fitted([*alone.values()], store, progress), strict=True))
    return found | dict(zip(several, fitted([*several.values()], store, progress), strict=True))


def _draws(fit: Fit | JointFit, edge: str) -> Floats:
    """What the studies together say of an effect, on the standard scale; of one study what it says alone."""
    if isinstance(fit, JointFit):
        return fit.edge(edge, scale="standard", transported=False).to_numpy().ravel()
    return fit.edge(edge, scale="standard").to_numpy().ravel()
