"""How strong an unmeasured common cause would have to be to take an effect's sign away.

Cinelli and Hazlett (2020, Journal of the Royal Statistical Society B 82(1)): a confounder that explains the share ``rd`` of what is left of the
cause, and ``ry`` of what is left of the outcome, given all that the equation holds, moves an estimate b with standard error s and f degrees of
freedom by at most

    s sqrt(f) sqrt(ry rd / (1 - rd)),    and its standard error becomes   s sqrt((1 - ry) / (1 - rd)) sqrt(f / (f - 1)).

Carried to a panel with lags: what is left is left once unit and year effects are swept out too, s is the posterior's sd, in which the correction for
unit effects has its part, and f the cells less what units, years and the equation's causes take up. The *robustness* is the share of both, the same,
at which the 95 % bound of the effect reaches zero. Shares say little by themselves, so the *strength* puts it in units of the strongest other cause
that the equation holds (the outcome's own memory apart): the multiple of what that one explains at which the bound reaches zero. Below 1, a
confounder no stronger than what was measured could have made the sign: the effect is then fragile, which is a warning and not a refutation.

The data do not say how strong a confounder is: under a prior of its strength the posterior is the estimate's, moved by draws from that prior.
`CONFOUNDED` gives it as a half-normal multiple of the strongest measured cause, in either direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from causal.checks.result import CheckResult
from causal.equations import Floats, cross_products, stacked
from causal.fit import Fit

CONFOUNDED = 0.5
"""Scale of the half-normal prior of a confounder's strength, in units of the strongest measured cause."""
_BOUND = 1.6449
_DRAWS = 4000
_FEWEST = 10
"""Degrees of freedom below which nothing is said."""
_NEXT_TO_NOTHING = 0.001
"""A measured cause that explains a smaller share of either is no yardstick."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What one measured cause explains: `of_cause`, its share of the effect's cause given the others, `of_outcome`, that of the outcome."""

    name: str
    of_cause: float
    of_outcome: float

    def confounder(self, strength: float) -> tuple[float, float]:
        """The shares (rd, ry) that a confounder `strength` times as strong explains, at most 1: the bounds of Cinelli and Hazlett, section 4.4."""
        odds = self.of_cause / (1.0 - self.of_cause)
        rd = strength * odds
        left = 1.0 - strength * self.of_cause
        if rd >= 1.0 or left <= 0.0:
            return 1.0, 1.0
        between = strength * self.of_cause**2 / (left * (1.0 - self.of_cause))
        if between >= 1.0:
            return rd, 1.0
        eta = (math.sqrt(strength) + math.sqrt(between)) / math.sqrt(1.0 - between)
        return rd, min(1.0, eta**2 * self.of_outcome / (1.0 - self.of_outcome))


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One effect: `robustness` and `strength` of the module's docstring, `kept` the probability of its sign under the prior of a confounder.

    `strength` and `kept` are not a number where the equation holds no other cause to compare with.
    """

    edge: str
    robustness: float
    strength: float
    kept: float
    strongest: str


def check(fit: Fit) -> CheckResult:
    """Passed where no effect whose sign is sure is fragile. A warning: it keeps no verdict away. Concerns the fragile edges."""
    name = "confounding"
    if fit.model.design.crossed is None and fit.model.design.weights is not None:
        return CheckResult(
            name,
            None,
            "How strong a confounder must be is not known: not made for effects across units.",
            {},
            vetoes=False,
        )
    found = sensitivities(fit)
    if not found:
        sentence = "No effect of one measured node on another is sure of its sign, so that there is none to take away."
        return CheckResult(name, None, sentence, {}, vetoes=False)
    numbers = {f"robustness of {each.edge}": each.robustness for each in found}
    known = [each for each in found if not math.isnan(each.strength)]
    numbers |= {f"strength for {each.edge}": each.strength for each in known}
    numbers |= {f"sign of {each.edge} under a confounder": each.kept for each in known}
    if not known:
        weakest = min(found, key=lambda each: each.robustness)
        sentence = (
            f"An unmeasured common cause would take the sign of {weakest.edge} away if it explained {weakest.robustness:.0%} of what is left of both; "
            "there is no other measured cause that explains enough to compare that with."
        )
        return CheckResult(name, None, sentence, numbers, vetoes=False)
    fragile = [each for each in known if each.strength < 1.0]
    weakest = min(known, key=lambda each: each.strength)
    told = (
        f"{weakest.strength:.1f} times as strong as {weakest.strongest}, the strongest measured cause "
        f"(explaining {weakest.robustness:.0%} of what is left of both would do)"
    )
    if not fragile:
        sentence = f"An unmeasured common cause would have to be {told}, to take the sign of {weakest.edge} away; all others need more."
        return CheckResult(name, True, sentence, numbers, vetoes=False)
    sentence = f"An unmeasured common cause {told}, would take the sign of {weakest.edge} away" + (
        f"; {len(fragile) - 1} more are as fragile." if len(fragile) > 1 else "."
    )
    return CheckResult(name, False, sentence, numbers, tuple(each.edge for each in fragile), vetoes=False)


def sensitivities(fit: Fit) -> tuple[Sensitivity, ...]:
    """Each effect of one measured node on a Normal one whose 90 % interval leaves zero out."""
    model = fit.model
    system, design = model.system, model.design
    if design.crossed is not None:
        products = design.crossed
    else:
        values = design.filled
        if "missing" in fit.posterior:
            values[tuple(design.holes)] = fit.draws("missing").mean(axis=0)
        products = cross_products(stacked(values, system.lags), design.sweep)
    rows, columns = system.positions()
    draws = fit.draws("effect")
    middle, spread = draws.mean(axis=0), draws.std(axis=0)
    found: list[Sensitivity] = []
    for k, term in enumerate(system.terms):
        if term.cause == term.effect or term.effect not in model.linear_nodes or not spread[k] > 0.0:
            continue
        if abs(middle[k]) <= _BOUND * spread[k]:
            continue
        held = [j for j in range(len(system.terms)) if rows[j] == rows[k]]
        freedom = float(design.sweep.freedom - len(held))
        if freedom < _FEWEST:
            continue
        rivals = [j for j in held if j != k and system.terms[j].cause not in (term.effect, term.cause)]
        marks = [
            Benchmark(
                f"{system.terms[j].cause}[{-system.terms[j].lag}]",
                _partial(products, columns[k], columns[j], [columns[i] for i in held if i not in (j, k)]),
                _share(middle[j] / spread[j], freedom),
            )
            for j in rivals
        ]
        marks = [mark for mark in marks if min(mark.of_cause, mark.of_outcome) > _NEXT_TO_NOTHING]
        robustness = _robustness(middle[k], spread[k], freedom)
        each = [(strength_needed(middle[k], spread[k], freedom, mark), mark) for mark in marks]
        if not each:
            found.append(Sensitivity(term.name, robustness, math.nan, math.nan, ""))
            continue
        least, mark = min(each, key=lambda pair: pair[0])
        kept = _kept(draws[:, k], spread[k], freedom, mark)
        found.append(Sensitivity(term.name, robustness, least, kept, mark.name))
    return tuple(found)


def bias(spread: float, freedom: float, rd: float, ry: float) -> float:
    """How far a confounder that explains the shares rd of the cause and ry of the outcome can move an estimate with that standard error."""
    return math.inf if rd >= 1.0 else spread * math.sqrt(freedom * ry * rd / (1.0 - rd))


def strength_needed(middle: float, spread: float, freedom: float, mark: Benchmark) -> float:
    """The multiple of a benchmark at which a confounder brings the 95 % bound of an effect to zero; infinite where none does."""
    return _crossing(lambda strength: _bound(middle, spread, freedom, *mark.confounder(strength)), 1e6)


def _robustness(middle: float, spread: float, freedom: float) -> float:
    return _crossing(lambda share: _bound(middle, spread, freedom, share, share), 1.0)


def _bound(middle: float, spread: float, freedom: float, rd: float, ry: float) -> float:
    """The 95 % bound, on the side of zero, of the size of an effect once such a confounder is taken out."""
    if rd >= 1.0:
        return -math.inf
    error = spread * math.sqrt((1.0 - ry) / (1.0 - rd)) * math.sqrt(freedom / (freedom - 1.0))
    return abs(middle) - bias(spread, freedom, rd, ry) - _BOUND * error


def _crossing(bound: Callable[[float], float], most: float) -> float:
    """The smallest argument at which the falling `bound` is zero, by halving; infinite where it is not up to `most`."""
    low, high = 0.0, min(1.0, most)
    while bound(high) > 0.0:
        if high >= most:
            return math.inf
        low, high = high, min(2.0 * high, most)
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if bound(middle) > 0.0 else (low, middle)
    return high


def _kept(draws: Floats, spread: float, freedom: float, mark: Benchmark) -> float:
    """The probability of the effect's sign when a confounder's strength is drawn from its prior and its direction by a coin."""
    generator = np.random.default_rng(20_261_128)
    strengths = np.abs(generator.normal(0.0, CONFOUNDED, _DRAWS))
    moved = np.array([bias(spread, freedom, *mark.confounder(strength)) for strength in strengths])
    moved *= generator.choice((-1.0, 1.0), _DRAWS)
    chosen = generator.choice(draws, _DRAWS)
    return float((np.sign(draws.mean()) * (chosen + moved) > 0.0).mean())


def _share(t: float, freedom: float) -> float:
    return float(t**2 / (t**2 + freedom))


def _partial(products: Floats, left: int, right: int, held: list[int]) -> float:
    """The squared partial correlation of two columns given others, from their cross-products."""
    pair = [left, right]
    inner = products[np.ix_(pair, pair)]
    if held:
        inner = (
            inner
            - products[np.ix_(pair, held)]
            @ np.linalg.pinv(products[np.ix_(held, held)], hermitian=True)
            @ products[np.ix_(held, pair)]
        )
    scale = inner[0, 0] * inner[1, 1]
    return float(min(inner[0, 1] ** 2 / scale, 1.0 - 1e-9)) if scale > 0.0 else 0.0
