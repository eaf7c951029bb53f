"""Whether the series are long enough for how persistent they are.

The orthogonal term makes the score unbiased inside the stationary region, and its curvature is nearly its variance in long
panels. In few periods both fray at the edge of the region. Simulated panels with 5 usable periods (`tests/recovery`) show biases of the
self-effects up to .03 at spectral radius .66 to .76, with 90 % intervals that cover .84 to .90; of -.04 to -.07 and .87 at .87; and
of about -.10 and .84 (the worst edge .75) at .95. With 24 periods and radius .76 there is none, and .89. The line
between the two is drawn where a shock loses less than its own size over the span of the data.
"""

from __future__ import annotations

import numpy as np

from causal.checks.result import CheckResult
from causal.equations import companion, in_mode
from causal.fit import Fit


def check(fit: Fit) -> CheckResult:
    """Passed where the mean usable periods times (1 - median spectral radius) is at least one. Concerns the edges among nodes that feed back."""
    system, sweep = fit.model.system, fit.model.design.sweep
    periods = float((sweep.stop - sweep.first).mean())
    radius = spectral_radius(fit)
    middle = float(np.median(radius))
    numbers = {
        "periods": periods,
        "spectral_radius": middle,
        "radius_low": float(np.quantile(radius, 0.05)),
        "radius_high": float(np.quantile(radius, 0.95)),
        "probability_explosive": float((radius >= 1.0).mean()),
    }
    lost = periods * (1.0 - middle)
    told = f"about {periods:.0f} usable periods a unit, spectral radius {middle:.2f}"
    if lost >= 1.0:
        return CheckResult("persistence", True, f"The series are long enough for their persistence ({told}).", numbers)
    sentence = (
        f"The series are short for their persistence ({told}): self-effects may be understated by up to about .1 and "
        "intervals too narrow, whatever the method."
    )
    return CheckResult("persistence", False, sentence, numbers, tuple(term.name for term in system.terms))


def spectral_radius(fit: Fit) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The spectral radius of each draw's reduced form: below 1 a shock dies out. Draws in chain-major order."""
    system = fit.model.system
    effects = fit.draws("effect")
    rows, columns = system.positions()
    size = len(system.nodes)
    coefficients = np.zeros((len(effects), size, system.width))
    coefficients[:, rows, columns] = effects
    weights = fit.model.design.weights
    if weights is not None:
        # All units together are stable where the system is on every eigenvector of the weights.
        modes = np.unique(np.round(np.linalg.eigvals(weights), 9))
        each = [companion(in_mode(coefficients, size, mode), size) for mode in modes]
        return np.max([np.abs(np.linalg.eigvals(step)).max(axis=1) for step in each], axis=0)
    return np.abs(np.linalg.eigvals(companion(coefficients, size))).max(axis=1)
