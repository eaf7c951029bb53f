"""Whether an effect hangs on one unit, or on one stretch of the years.

Every unit is left out in turn, and the first and the last third of the periods, and the rest fitted anew under the same prior. An effect whose sign is sure
with all the data (90 % interval on one side of zero) and not without one unit rests on that unit. A warning: such an effect may be real, but no
population of units speaks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from causal.checks.again import fitted, silent, sure_edges
from causal.checks.result import CheckResult
from causal.errors import CausalError
from causal.fit import Fit
from causal.model import Model
from causal.panel import Panel, leave_out
from causal.refits import FitsProgress, with_data

NAME = "leaving out"
"""What the check is called in its results."""
MOST_UNITS = 60
"""So many units are left out in turn at most, evenly chosen."""
SURE = 0.95


def check(fit: Fit, *, store: Path | None = None, progress: FitsProgress | None = None) -> CheckResult:
    """Passed where no sure sign is lost with a unit or a third of the periods. A warning; concerns the edges that lose it."""
    if why := silent(fit):
        return CheckResult(NAME, None, f"Nothing is left out in turn: {why}.", {}, vetoes=False)
    panels = parts(fit)
    models: list[Model] = []
    kept: list[str] = []
    for left_out, panel in panels.items():
        try:
            models.append(with_data(fit.model, panel))
            kept.append(left_out)
        except CausalError:
            continue  # too little is left to fit, as without one of three units
    if not models:
        return CheckResult(
            NAME, None, "Nothing is left out in turn: too little would be left to fit.", {}, vetoes=False
        )
    fits = fitted(models, store, progress)
    numbers: dict[str, float] = {"refits": float(len(fits))}
    lost: dict[str, list[str]] = {}
    for edge in sure_edges(fit):
        whole = float(np.median(fit.edge(edge)))
        chances = {
            part: float((np.sign(whole) * found.edge(edge) > 0.0).mean())
            for part, found in zip(kept, fits, strict=True)
        }
        medians = [float(np.median(found.edge(edge))) for found in fits]
        numbers |= {
            f"lowest {edge}": min(medians),
            f"highest {edge}": max(medians),
            f"least P(sign) {edge}": min(chances.values()),
        }
        gone = sorted((chance, part) for part, chance in chances.items() if chance < SURE)
        if gone:
            lost[edge] = [part for _, part in gone]
    if not lost:
        sentence = f"No effect that is sure of its sign loses it without one unit or a third of the periods ({len(fits)} refits)."
        return CheckResult(NAME, True, sentence, numbers, vetoes=False)
    said = "; ".join(
        f"{edge} without {gone[0]}" + (f" and {len(gone) - 1} more" if len(gone) > 1 else "")
        for edge, gone in lost.items()
    )
    sentence = f"Effects lose the sureness of their sign with a part of the data ({len(fits)} refits): {said}."
    return CheckResult(NAME, False, sentence, numbers, tuple(lost), vetoes=False)


def parts(fit: Fit) -> Mapping[str, Panel]:
    """The study's panel without each unit, and without the first and the last third of its periods."""
    panel = fit.model.study.panel
    units = [panel.units[k] for k in fit.model.design.units]
    chosen = [units[int(k)] for k in np.unique(np.linspace(0, len(units) - 1, min(len(units), MOST_UNITS)).round())]
    found: dict[str, Panel] = {str(unit): leave_out(panel, [str(unit)]) for unit in chosen} if len(units) > 1 else {}
    times: Any = panel.times
    third = len(times) // 3
    if third:
        found["the first third of the periods"] = leave_out(panel, first=times[third])
        found["the last third of the periods"] = leave_out(panel, last=times[-third - 1])
    return found
