"""An effect that a source reports, as a study of its own.

A natural experiment or a published panel gives an effect with its standard error and no rows. It enters a model of several studies as the
likelihood of that study's effect,

    reported ~ Normal(b_es, error),    b_es ~ Normal(b_e, tau_e),

with ``b_es`` pooled like the effect of any study that identifies the edge. That it is identified is the source's word, and every
answer that it has a part in says so.

>>> found = Reported("eradication -> coca [lag=1]", -30.0, 10.0, source="A source, table 2", cause_sd=5.0, effect_sd=500.0)
>>> found.standard
(-0.3, 0.1)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from causal.dist import Normal, Uniform
from causal.errors import Fault, raise_all

_POINTS = 4000


@dataclass(frozen=True, slots=True)
class Reported:
    """A published effect of an edge of the graph, with its standard error and where it was read.

    `edge`: the graph's edge by its text, with the lag at which the effect was found. `effect`, `error`: in units of the outcome for each
    unit of the cause, with `cause_sd`, `effect_sd` the within-unit sds of both in these units; without them, on the standard scale already.
    `units` and `population` are for readers. Raises `CausalError` for what is no effect.
    """

    edge: str
    effect: float
    error: float
    source: str
    name: str = ""
    cause_sd: float | None = None
    effect_sd: float | None = None
    units: str = ""
    population: str = ""

    def __post_init__(self) -> None:
        raise_all(_faults(self))
        if not self.name:
            object.__setattr__(self, "name", self.source)

    @property
    def standard(self) -> tuple[float, float]:
        """Effect and standard error in sds of the outcome per sd of the cause, both within units."""
        scale = 1.0 if self.cause_sd is None or self.effect_sd is None else self.cause_sd / self.effect_sd
        return self.effect * scale, self.error * scale


def posterior_points(reported: Reported, prior: Normal | Uniform) -> NDArray[np.float64]:
    """The posterior of the reported study's effect by itself, on the standard scale, as quantiles of equal mass (point), lowest first.

    Conjugate: a Normal likelihood times a Normal prior, or cut to the bounds of a uniform one.
    """
    effect, error = reported.standard
    mass = (np.arange(_POINTS) + 0.5) / _POINTS
    if isinstance(prior, Uniform):
        likelihood = NormalDist(effect, error)
        low, high = likelihood.cdf(prior.low), likelihood.cdf(prior.high)
        if not high - low > 1e-12:  # the estimate lies far outside of the bounds: all that is left is the nearer one
            return np.full(_POINTS, prior.low if effect < prior.low else prior.high)
        return np.array([likelihood.inv_cdf(low + share * (high - low)) for share in mass])
    precision = 1.0 / prior.sd**2 + 1.0 / error**2
    middle = (prior.mean / prior.sd**2 + effect / error**2) / precision
    spread = NormalDist()
    return middle + np.array([spread.inv_cdf(share) for share in mass]) / math.sqrt(precision)


def _faults(reported: Reported) -> list[Fault]:
    where = f"reported estimate '{reported.name or reported.source or reported.edge}'"
    faults: list[Fault] = []
    for name in ("edge", "source"):
        text: object = getattr(reported, name)
        if not isinstance(text, str) or not text.strip():
            mend = "write the edge as in the graph" if name == "edge" else "say where it was read: title, table or page"
            faults.append(Fault(f"has no {name}", where, mend))
    for name, least in (("effect", -math.inf), ("error", 0.0), ("cause_sd", 0.0), ("effect_sd", 0.0)):
        value: object = getattr(reported, name)
        if value is None and name.endswith("_sd"):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= least:
            mend = "give a finite number" + (" above 0" if least == 0.0 else "")
            faults.append(Fault(f"{name} is {value!r}", where, mend))
    if (reported.cause_sd is None) != (reported.effect_sd is None):
        mend = "give both, or neither for an effect on the standard scale"
        faults.append(Fault("has one of cause_sd and effect_sd", where, mend))
    return faults
