"""Whether what the equations leave of different units moves together.

The fit takes the units' shocks as independent once the year effects are out. Shocks that neighbours share, or that reach some units more than
others, break that: intervals are then too narrow, and an effect across units may be missing. Nodes without causes are conditioned on,
and may move together as they like. Statistics of every other node's swept residuals at the posterior mean, each unit's scaled to
length 1 (z_i, over the periods):

* *pairs*: the mean over pairs of units of the squared correlation ``(z_i' z_j)^2`` (Breusch and Pagan 1980), against any pattern;
* *CD*: the mean of the correlations themselves (Pesaran 2004), where no year effects are swept out. With them it is fixed at about
  -1 / (N - 1) whatever the data (Juodis and Reese 2022), and left out;
* *Moran*: Moran's I, ``sum over t of e_t' W e_t / sum of e^2``, for each table of weights that the study gives;
* *lagged Moran*: the same with the neighbours' residuals of the period before, against an effect across units that the equations lack.

Sweeping units and years out correlates residuals of independent shocks, and more so in short panels; and in years in which all shocks are
large, squared correlations are large though nothing moves together. So the reference is no asymptotic one: the residuals themselves with a
random sign in each cell (a wild bootstrap, Wu 1986), swept again. It keeps each unit's and each year's spread and breaks what
cells have in common. The largest standardised statistic is compared with the largest of these, which holds the share of
false alarms near `LEVEL` for all nodes and statistics together: of 300 simulated panels of 20 units and 9 periods .02 with year effects and .02
without, .02 and .03 where a fifth of the years have shocks of twice the size, .02 and .09 where they have four times. Of 100 fits of 24 units
and 10 periods that lack their neighbours' effect of .4, 51 are found.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from causal.cells import linear_rows
from causal.checks.result import CheckResult
from causal.equations import Floats, Sweep, stacked, swept
from causal.fit import Fit
from causal.model import Model
from causal.weights import Weights

LEVEL = 0.01
"""The share of fits with independent shocks in which the check fails."""
FEWEST_UNITS, FEWEST_PERIODS = 4, 4
"""Below these nothing can be told."""
_WORLDS = 399
_CELLS = 50_000_000
"""So many simulated cells at most: a larger panel is compared with fewer worlds."""
_AT_ONCE = 500_000
"""Cells simulated at a time."""


def check(fit: Fit) -> CheckResult:
    """Passed where the residuals of different units move together no more than independent ones do. Concerns the edges into the nodes that do."""
    model, sweep = fit.model, fit.model.design.sweep
    units, periods = len(sweep.first), int((sweep.stop - sweep.first).max())
    linear = linear_rows(model.system, model.cells)
    caused = {term.effect for term in model.system.terms}
    nodes = [k for k, node in enumerate(model.system.nodes) if linear[k] and node in caused]
    if units < FEWEST_UNITS or periods < FEWEST_PERIODS or not nodes:
        sentence = (
            f"Too few units or periods to tell whether residuals move together ({units} units, {periods} periods)."
        )
        return CheckResult("comovement", None, sentence, {"units": float(units), "periods": float(periods)})
    if model.design.crossed is not None:
        sentence = "Whether residuals move together is not known: the rows stay in their data engine."
        return CheckResult("comovement", None, sentence, {"units": float(units), "periods": float(periods)})
    left = residuals(fit)
    weights = _weights(model)
    names = (
        "pairs",
        *(() if sweep.year_effects else ("CD",)),
        *(f"{kind} {name}" for name in weights for kind in ("Moran", "lagged Moran")),
    )
    ours_left = left[nodes]
    found = _statistics(ours_left, sweep, weights)
    worlds = int(np.clip(_CELLS // max(ours_left.size, 1), 99, _WORLDS))
    generator = np.random.default_rng(20_261_127)
    at_once = max(_AT_ONCE // ours_left.size, 1)
    drawn = np.empty((worlds, *found.shape))
    for start in range(0, worlds, at_once):
        some = drawn[start : start + at_once]
        signs = generator.choice((-1.0, 1.0), size=(len(some), *ours_left.shape))
        some[:] = _statistics(swept(signs * ours_left, sweep), sweep, weights)
    centre, scale = drawn.mean(axis=0), drawn.std(axis=0)
    side = np.array([name != "pairs" for name in names])  # only large squares speak against independence
    ours, theirs = (_sided((values - centre) / scale, side) for values in (found, drawn))
    largest = theirs.max(axis=(1, 2))
    probability = (1.0 + float((largest >= ours.max()).sum())) / (1.0 + worlds)
    beyond = ours > np.quantile(largest, 1.0 - LEVEL)
    numbers = {"probability": probability}
    for at, k in enumerate(nodes):
        for column, name in enumerate(names):
            numbers[f"{name} of {model.system.nodes[k]}"] = float(
                (found[at, column] - centre[at, column]) / scale[at, column]
            )
    if probability > LEVEL:
        return CheckResult(
            "comovement", True, f"Residuals of different units move independently (p {probability:.2f}).", numbers
        )
    moving = [model.system.nodes[k] for at, k in enumerate(nodes) if beyond[at].any()]
    by = sorted({name for column, name in enumerate(names) if beyond[:, column].any()})
    sentence = (
        f"Residuals of {' and '.join(moving)} move together across units ({', '.join(by)}; p {probability:.3f}): intervals are too narrow, and "
        "an effect across units or a common cause that reaches units unequally may be missing."
    )
    edges = tuple(term.name for term in model.system.terms if term.effect in moving)
    return CheckResult("comovement", False, sentence, numbers, edges)


def residuals(fit: Fit) -> Floats:
    """What the equations leave at the posterior mean, unit and year effects swept out: (node, unit, time), 0 where a cell is not in use.

    Missing values are those of one draw.
    """
    model, design = fit.model, fit.model.design
    system, values = model.system, design.filled
    if "missing" in fit.posterior:
        # One draw: the mean of many moves less than a value does, and a unit with holes would pass for a quiet one.
        values[tuple(design.holes)] = fit.draws("missing")[0]
    rows, columns = system.positions()
    matrix = np.eye(len(system.nodes), system.width)
    matrix[rows, columns] -= fit.draws("effect").mean(axis=0)
    left = np.moveaxis(stacked(values, system.lags, design.weights) @ matrix.T, 2, 0)
    return swept(left, design.sweep)


def _statistics(left: Floats, sweep: Sweep, weights: dict[str, Floats]) -> Floats:
    """The statistics (..., statistic) of swept residuals (..., unit, time)."""
    units = left.shape[-2]
    length = np.sqrt((left**2).sum(axis=-1, keepdims=True))
    unit = left / np.where(length > 0.0, length, 1.0)
    pairs = units * (units - 1.0)
    gram = unit.mT @ unit
    own = (unit**2).sum(axis=(-2, -1))
    found = [((gram**2).sum(axis=(-2, -1)) - own) / pairs]
    if not sweep.year_effects:
        found.append(((unit.sum(axis=-2) ** 2).sum(axis=-1) - own) / pairs)
    total = (left**2).sum(axis=(-2, -1))
    for table in weights.values():
        others = table @ left
        found.append((left * others).sum(axis=(-2, -1)) / total)
        found.append((left[..., 1:] * others[..., :-1]).sum(axis=(-2, -1)) / total)
    return np.stack(found, axis=-1)


def _sided(standardised: Floats, two_sided: Floats) -> Floats:
    return np.where(two_sided, np.abs(standardised), standardised)


def _weights(model: Model) -> dict[str, Floats]:
    """The study's weights among the units in the fit; those of other units are left aside."""
    units = [str(unit) for unit in model.study.panel.units[model.design.units]]
    found: dict[str, Floats] = {}
    for name in sorted(model.study.weights):
        table = cast("Weights", model.study.weights[name])
        if set(units) <= set(table.units):
            at = [table.units.index(unit) for unit in units]
            found[name] = table.values[np.ix_(at, at)]
    return found
