"""What a claim implies for the years after its article, against what came: hits and misses by unit.

A claim *u -> v* with a sign says which way v goes in a unit where u has gone up or down since. For each unit, u's movement is the mean of its values after the
article's year, as far as they can reach v within the data, less its value in that year; v's movement is the mean of its values from then on that u can have
reached, less its own value in that year. A unit in which u moved by less than `MOVED` typical swings does not count; elsewhere v going the implied
way is a hit, anything else a miss.

*Chance*: were u and v strangers, any pairing of u's movements with v's would be as likely as any other. So the number of hits has an exact distribution
given how many units rose and fell (for movements up and down Fisher's, hypergeometric), which makes no hit of the fact that v rose nearly everywhere.
Where even the best possible number of hits is no rarer than `RARE` under it, there is nothing to be said.

*If the claim were true*: hits expected where v goes on by its own memory alone, with shocks and years to come, and the claim adds ``b (u - u0)`` to it in each
period, b drawn from the article's prior on the claim. Where that is hardly above chance, the years could not have told.

Hits are no test of a cause: whatever moves both counts as well.

>>> chance = hits_by_chance([1, 1, 1, -1, -1, -1], [1, 1, 1, -1, -1, -1])
>>> round(float(chance[6]), 3)
0.05
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causal.dist import Dist, Normal
from causal.equations import Floats
from causal.forecast import StudyForecast, paths
from causal.graph import Edge, Sign
from causal.model import Model

MOVED = 0.1
"""Typical swings that a cause has to have moved by in a unit that counts."""
RARE = 0.05
"""A number of hits is told from chance where chance gives so many, or so few, no more often."""


@dataclass(frozen=True, slots=True)
class Implied:
    """How often v went as the claims on an edge imply, in one study; `why` says why nothing can be said, "" where something can.

    `by_chance`, `if_true`: the hits to be expected; `p_more`, `p_fewer`: the chance of so many hits or more, and of so many or fewer, among strangers.
    """

    edge: str
    claims: tuple[str, ...]
    study: str
    units: int = 0
    hits: int = 0
    by_chance: float = math.nan
    if_true: float = math.nan
    p_more: float = math.nan
    p_fewer: float = math.nan
    why: str = ""

    @property
    def word(self) -> str:
        """*more often than chance*, *less often than chance*, *no telling from chance*, or *cannot be told*."""
        if self.why:
            return "cannot be told"
        if self.p_more <= RARE:
            return "more often than chance"
        return "less often than chance" if self.p_fewer <= RARE else "no telling from chance"


def implied(found: StudyForecast, edge: Edge, claims: Sequence[str], prior: Dist, *, seed: int = 1) -> Implied:
    """The edge's claims against what came in one study whose forecasts are `found`; `prior` is the article's, on the standard scale."""
    why = _silent(found, edge)
    if why:
        return Implied(edge.name, tuple(claims), found.study, why=why)
    assert found.values is not None
    fit = found.fits["memory"]
    model = fit.model
    values = found.values.transpose("variable", "unit", "time").isel(unit=model.design.units)
    years = values["time"].to_numpy().astype(int)
    cause, effect = (values.sel(variable=node).to_numpy() for node in (edge.cause, edge.effect))
    scales = [float(model.design.scales[model.system.nodes.index(node)]) for node in (edge.cause, edge.effect)]
    now = int(np.flatnonzero(years <= found.year)[-1])
    last = len(years) - edge.lag
    if last - now < 2:
        return Implied(edge.name, tuple(claims), found.study, why="too few years after the article for its lag")
    moved = (_mean(cause[:, now + 1 : last]) - cause[:, now]) / scales[0]
    answered = (_mean(effect[:, now + 1 + edge.lag :]) - effect[:, now]) / scales[1]
    counts = np.isfinite(moved) & np.isfinite(answered) & (np.abs(moved) >= MOVED)
    if not counts.any():
        why = f"in no unit both are measured in {found.year} and after it, and the cause moved"
        return Implied(edge.name, tuple(claims), found.study, why=why)
    sign = 1 if edge.sign is Sign.POSITIVE else -1
    wanted = sign * np.sign(moved[counts])
    chance = hits_by_chance(wanted, np.sign(answered[counts]))
    units, hits = int(counts.sum()), int((np.sign(answered[counts]) == wanted).sum())
    expected = float(chance @ np.arange(len(chance)))
    common = (edge.name, tuple(claims), found.study, units, hits, expected)
    possible = np.flatnonzero(chance > 0.0)
    if chance[possible[-1]] > RARE:
        why = f"{_units(units)}, and the best score they could have made is one that chance makes with probability {chance[possible[-1]]:.2f}"
        return Implied(*common, why=why)
    carried = _filled(cause[:, now:] - cause[:, [now]]) / scales[0]
    drawn = paths(fit, len(years) - 1 - now, seed=seed)[edge.effect].transpose("draw", "unit", "time").to_numpy()
    added = _added(model, fit.draws("effect"), edge, carried, _drawn(prior, len(drawn), seed))
    would = (drawn + scales[1] * added)[:, :, edge.lag :]
    there = np.isfinite(effect[:, now + 1 + edge.lag :])
    mean = np.where(there, would, 0.0).sum(axis=2) / np.maximum(there.sum(axis=1), 1)
    way = np.sign(mean - effect[:, now])[:, counts]
    if_true = float((way == wanted).mean(axis=0).sum())
    return Implied(*common, if_true, float(chance[hits:].sum()), float(chance[: hits + 1].sum()))


def hits_by_chance(wanted: Sequence[float] | Floats, ways: Sequence[float] | Floats) -> Floats:
    """P(0, 1, ... hits) where the `ways` that v went (1, -1, 0) are dealt to units in which 1 or -1 is `wanted`, every deal alike."""
    up = int((np.asarray(wanted) > 0).sum())
    size = len(wanted)
    rises, falls, stays = (int((np.sign(np.asarray(ways)) == way).sum()) for way in (1, -1, 0))
    chance = np.zeros(size + 1)
    for right in range(min(rises, up) + 1):
        for wrong in range(min(falls, up - right) + 1):
            if up - right - wrong <= stays:
                deals = math.comb(rises, right) * math.comb(falls, wrong) * math.comb(stays, up - right - wrong)
                chance[right + falls - wrong] += deals / math.comb(size, up)
    return chance


def _silent(found: StudyForecast, edge: Edge) -> str:
    """Why nothing can be said before any number is looked at, or ""."""
    if edge.sign is Sign.UNKNOWN:
        return "the claims state no direction"
    if edge.across is not None:
        return "the effect comes from other units, which all move"
    if found.why:
        return found.why
    outside = [node for node in (edge.cause, edge.effect) if node not in found.fits["memory"].model.system.nodes]
    return "; ".join(f"{node}: {found.without.get(node, 'not measured')}" for node in outside)


def _mean(values: Floats) -> Floats:
    """The mean over time of each unit's values that are there, NaN where none is."""
    there = np.isfinite(values)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)


def _filled(values: Floats) -> Floats:
    """Gaps in (unit, time) take the value before them, zero at the start."""
    out = values.copy()
    out[:, 0] = np.nan_to_num(out[:, 0])
    for time in range(1, out.shape[1]):
        out[:, time] = np.where(np.isfinite(out[:, time]), out[:, time], out[:, time - 1])
    return out


def _added(model: Model, effects: Floats, edge: Edge, carried: Floats, b: Floats) -> Floats:
    """What the claim adds to v (draw, unit, time after the article's year), in sds of v; `carried` (unit, time) is u since that year."""
    memory = [
        (term.lag, effects[:, k, None])
        for k, term in enumerate(model.system.terms)
        if term.effect == edge.effect and term.edge is not None and term.edge.is_memory
    ]
    steps = carried.shape[1]
    added = np.zeros((len(b), len(carried), steps))
    for time in range(1, steps):
        if time >= edge.lag:
            added[:, :, time] = b[:, None] * carried[:, time - edge.lag]
        for lag, effect in memory:
            if time >= lag:
                added[:, :, time] += effect * added[:, :, time - lag]
    return added[:, :, 1:]


def _drawn(prior: Dist, size: int, seed: int) -> Floats:
    generator = np.random.default_rng([seed, 3])
    if isinstance(prior, Normal):
        return generator.normal(prior.mean, prior.sd, size)
    return generator.uniform(prior.low, prior.high, size)


def _units(count: int) -> str:
    return f"only {count} unit{'' if count == 1 else 's'}" if count < 10 else f"{count} units move alike"
