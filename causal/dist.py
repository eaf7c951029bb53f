"""Frozen distribution records: what a prior is, before any library turns it into a random variable.

Effects are on the standard scale: sd of the outcome for one sd of the cause, both within units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from causal.errors import CausalError, Fault


@dataclass(frozen=True, slots=True)
class Normal:
    """A Normal distribution with `mean` and `sd`. Raises `CausalError` unless both are finite and `sd` is above 0.

    >>> low, high = Normal(0.1, 0.1).interval(0.9)
    >>> round(low, 2), round(high, 2), round(Normal(0.1, 0.1).probability_above(0.0), 2)
    (-0.06, 0.26, 0.84)
    """

    mean: float = 0.0
    sd: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.sd) and self.sd > 0):
            raise CausalError(
                Fault(f"Normal({self.mean}, {self.sd}) is no distribution", mend="give a finite mean and an sd above 0")
            )

    def probability_above(self, value: float) -> float:
        """P(x > value)."""
        return 1.0 - NormalDist(self.mean, self.sd).cdf(value)

    def interval(self, mass: float = 0.9) -> tuple[float, float]:
        """The central interval that holds `mass`."""
        normal = NormalDist(self.mean, self.sd)
        tail = (1.0 - mass) / 2.0
        return normal.inv_cdf(tail), normal.inv_cdf(1.0 - tail)


@dataclass(frozen=True, slots=True)
class Uniform:
    """A uniform distribution between `low` and `high`. Raises `CausalError` unless both are finite and `low` is below `high`."""

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise CausalError(
                Fault(f"Uniform({self.low}, {self.high}) is no distribution", mend="give finite bounds, low below high")
            )


Dist = Normal | Uniform

CUT = Normal(0.0, 1e-6)
"""The prior of an effect that cuts its link: the model stays the same and needs no second compile."""
