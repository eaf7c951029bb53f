"""Whether the residuals look like what the model draws: by node, by unit and by period.

Replicates of the data under the fitted model have Normal shocks of one size a node (posterior predictive checks, Gelman, Meng and Stern 1996). At the
posterior mean the residuals are these shocks with unit and year effects swept out, so that replicates are Normal noise swept in the same way. Three
statistics of every Normal node that has causes, each against its replicates: *tails*, the kurtosis; *units*, the variance among the units' own log
spreads; *periods*, the same among the periods'. The largest standardised one is judged, so that `LEVEL` holds for all together.

Shocks with heavy tails or of unequal size leave estimates right and make the intervals a little too narrow or too wide: a warning.
"""

from __future__ import annotations

import numpy as np

from causal.checks.comovement import residuals
from causal.checks.result import CheckResult
from causal.checks.scores import equations
from causal.equations import Floats, Sweep, in_use, swept
from causal.fit import Fit

LEVEL = 0.01
_REPLICATES = 399
_CELLS = 20_000_000
"""So many simulated cells at most: a larger panel is compared with fewer replicates."""
_AT_ONCE = 500_000
"""Cells simulated at a time."""
_STATISTICS = ("tails", "units", "periods")
_TOLD = {
    "tails": "has shocks far larger than Normal ones are",
    "units": "has shocks of unequal size in different units",
    "periods": "has shocks of unequal size in different periods",
}


def check(fit: Fit) -> CheckResult:
    """Passed where the residuals of every node are like the model's replicates. A warning; concerns the edges into the nodes where they are not."""
    name = "predictive"
    model, sweep = fit.model, fit.model.design.sweep
    nodes = equations(fit)
    if model.design.crossed is not None or not nodes:
        why = "no Normal node has a cause" if not nodes else "the rows stay in their data engine"
        return CheckResult(name, None, f"Residuals are not compared with the model's: {why}.", {}, vetoes=False)
    if (sweep.stop - sweep.first).max() < 4 or len(sweep.first) < 3:
        sentence = "Too few units or periods to compare residuals with the model's."
        return CheckResult(name, None, sentence, {}, vetoes=False)
    left = residuals(fit)
    size = int(np.clip(_CELLS // max(left[0].size * len(nodes), 1), 99, _REPLICATES))
    generator = np.random.default_rng(20_261_129)
    at_once = max(_AT_ONCE // (left[0].size * len(nodes)), 1)
    drawn = np.concatenate(
        [
            _statistics(
                swept(generator.normal(size=(min(at_once, size - k), len(nodes), *left[0].shape)), sweep), sweep
            )
            for k in range(0, size, at_once)
        ]
    )
    centre, spread = drawn.mean(axis=(0, 1)), drawn.std(axis=(0, 1))
    found = _statistics(left[[model.system.nodes.index(node) for node in nodes]], sweep)
    far = (found - centre) / spread
    largest = ((drawn - centre) / spread).max(axis=(1, 2))
    probability = float((1.0 + (largest >= far.max()).sum()) / (1.0 + size))
    numbers = {"probability": probability} | {
        f"{statistic} of {node}": float(far[row, column])
        for row, node in enumerate(nodes)
        for column, statistic in enumerate(_STATISTICS)
    }
    if probability > LEVEL:
        sentence = f"Residuals are like those that the model draws (p {probability:.2f})."
        return CheckResult(name, True, sentence, numbers, vetoes=False)
    beyond = far >= min(np.quantile(largest, 1.0 - LEVEL), far.max())
    said = [
        f"{node} {_TOLD[_STATISTICS[column]]}"
        for row, node in enumerate(nodes)
        for column in range(len(_STATISTICS))
        if beyond[row, column]
    ]
    touched = {node for row, node in enumerate(nodes) if beyond[row].any()}
    edges = tuple(term.name for term in model.system.terms if term.effect in touched)
    sentence = f"Residuals are not like those that the model draws (p {probability:.3f}): {'; '.join(said)}. Intervals may be off."
    return CheckResult(name, False, sentence, numbers, edges, vetoes=False)


def _statistics(left: Floats, sweep: Sweep) -> Floats:
    """Tails, units and periods (..., statistic) of swept residuals (..., unit, time)."""
    used = in_use(sweep, left.shape[-1])
    squares = left**2
    square = squares.sum(axis=(-2, -1)) / used.sum()
    tails = (squares**2).sum(axis=(-2, -1)) / used.sum() / square**2

    def uneven(axis: int) -> Floats:
        cells = used.sum(axis=axis)
        spread = squares.sum(axis=axis)[..., cells > 1] / cells[cells > 1]
        return np.log(spread / square[..., None] + 1e-12).var(axis=-1)

    return np.stack([tails, uneven(-1), uneven(-2)], axis=-1)
