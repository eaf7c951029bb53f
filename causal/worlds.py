"""The recursion over the periods: a world without intervention, and beside it what interventions change.

The base world is the fitted equation with its unit effects, year effects and shocks, or the observed panel itself. Beside it runs the *difference* `d`
that an intervention makes,

    d_v = sum over terms of b_e f_e d_u[t - lag] + sum over terms of b_e (f_e - 1) base_u[t - lag] + shift,

with d_u and base_u the neighbours' weighted means where the effect comes from other units (a unit's change then reaches the others a lag later),
f_e the factor on the edge (1 where it is left alone) and base_u counted from the natural zero of u; an added edge brings ``c (base_u + d_u)[t - lag]``; a
factor on the node itself turns d_v into ``k d_v + (k - 1) base_v`` before shifts are added; and ``d_v = value - base_v`` where a node is set. The
worlds share what is left to chance by construction, so an intervention that changes nothing gives exactly zero, and a contrast needs the base world only
where an intervention depends on levels.

A node that is not Normal is drawn at quantiles that the worlds share: ``value = quantile(u | eta)`` in the base world and at the eta of
the other, and `d` is what lies between the two values; student-t, whose chance adds to eta, moves as eta does. Where the base world is the observed
panel, u is drawn among the quantiles that give the observed value. Until a unit's first modelled period such a node keeps its observed value, unless it
is set.

Where the base world *continues* the panel, each unit keeps its observed values as far as the fit used them (a missing one is in each draw what the fit takes it
for), and goes on from there by the fitted equation, with effects of new years (`causal.levels`): a forecast.

Several *tracks* may run beside one base world: each is a difference that some steps carry and others do not, or that feels another track's
causes. So the parts of an effect are told apart (`causal.mediation`).

Arrays here have bare axes: (draw, unit) for one node in one period.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from causal import families
from causal.equations import Floats, Ints
from causal.levels import Block, Levels, given_values
from causal.model import Model
from causal.plan import Plan, Rule, Step

BLOCK_CELLS = 2**13
"""Draws times units that are worked on together: small enough for a core's cache, and for any panel's memory."""
_HAIR = 1e-9
"""In sd: values that lie no further apart are equal to a policy, whatever rounding did to them."""

Base = Literal["none", "drawn", "observed", "continued"]


@dataclass(frozen=True, slots=True)
class Track:
    """Which differences a track's steps feel: `feels` (term,) the number of the track whose cause each term carries, None where it carries nothing.

    `pushed`: whether the interventions themselves act in it; where they do not, a node that they hold is held where it was.
    """

    feels: tuple[int | None, ...]
    pushed: bool = True


def total_track(plan: Plan) -> Track:
    """The track in which every step carries the whole change."""
    return Track((0,) * len(plan.model.system.terms))


def each_block(plan: Plan, work: Callable[[Block], None]) -> None:
    """Call `work` with every block of draws, on all cores."""
    size = len(plan.draws)
    step = max(1, BLOCK_CELLS // max(1, len(plan.units)))
    blocks = [Block(number, start, min(start + step, size)) for number, start in enumerate(range(0, size, step))]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for _ in pool.map(work, blocks):
            pass


def periods(
    plan: Plan, block: Block, seed: int, *, base: Base, tracks: Sequence[Track] = ()
) -> Iterator[tuple[int, list[Any], list[list[Any]]]]:
    """For each period: the base world and each track's difference, lists over nodes of (draw, unit); None where there is no difference.

    Without `tracks` there is one, the total. With ``base="none"`` the base world's list is empty, which only a plan that needs no levels can do.
    """
    tracks = tracks or (total_track(plan),)
    effects = plan.draws.effects[block.draws]
    shape = (len(effects), len(plan.units))
    world = None if base == "none" else _Base(plan, block, seed, base)
    base_past: list[list[Any]] = []
    past: list[list[list[Any]]] = [[] for _ in tracks]
    # Base worlds count from the centres; an edge carries its cause counted from the cause's own zero.
    zero = plan.model.design.centres / plan.model.design.scales
    latest_entry = int(plan.model.design.entry.max())
    for time in range(len(plan.times)):
        now: list[Any] = [None] * len(plan.steps)
        base_past.append(now)
        for differences in past:
            differences.append([None] * len(plan.steps))
        for node in plan.order:
            if world is not None:
                now[node] = world.value(node, time, base_past)
            for k, track in enumerate(tracks):
                change: Any = None
                for step in plan.steps[node]:
                    if step.lag > time:
                        continue
                    for part in _carried(step, track, time, effects, past, base_past, zero):
                        change = part if change is None else change + part
                if track.pushed:
                    change = _pushed(plan, node, time, change, now, zero, shape)
                    for rule in plan.rules.get(node, ()):
                        acted = _ruled(rule, time, base_past, past[k], shape)
                        if acted is not None:
                            change = acted if change is None else change + acted
                if change is not None and world is not None and node in plan.draws.links:
                    change = world.answered(node, time, change)
                change = _held(plan, node, time, change, now, shape, pushed=track.pushed)
                # What a unit was before the fit saw it is not known, and is not replayed.
                if base == "observed" and change is not None and time < latest_entry:
                    change = np.where(time < plan.model.design.entry, 0.0, change)
                past[k][-1][node] = change
        yield time, now, [differences[-1] for differences in past]
        if len(base_past) > plan.memory:
            base_past.pop(0)
            for differences in past:
                differences.pop(0)


def _carried(
    step: Step,
    track: Track,
    time: int,
    effects: Floats,
    past: list[list[list[Any]]],
    base_past: list[list[Any]],
    zero: Floats,
) -> Iterator[Any]:
    """What one step brings to a track: of its cause's change, and of its own being changed or added."""
    if step.added is not None:
        weight = step.added[time]
        if weight.any():
            moved = past[0][-1 - step.lag][step.cause]
            level = base_past[-1 - step.lag][step.cause] + zero[step.cause]
            yield weight * (level if moved is None else level + moved)
        return
    effect = effects[:, step.column, None]
    factor = None if step.factor is None or bool((step.factor[time] == 1.0).all()) else step.factor[time]
    feels = track.feels[step.column]
    moved = None if feels is None else past[feels][-1 - step.lag][step.cause]
    if moved is not None:
        moved = step.moved(moved)
        yield effect * moved if factor is None else effect * factor * moved
    if factor is not None and track.pushed:
        yield effect * (factor - 1.0) * step.moved(base_past[-1 - step.lag][step.cause] + zero[step.cause])


def _pushed(plan: Plan, node: int, time: int, change: Any, now: list[Any], zero: Floats, shape: tuple[int, int]) -> Any:
    """The change of a node's equation after what multiplies it and what is added to it."""
    scaled = plan.scaled.get(node)
    if scaled is not None and bool((scaled[time] != 1.0).any()):
        # In units of the equation, which for a node with a link are not those of its values.
        level = (now[node] + zero[node]) * (plan.model.design.scales[node] / plan.draws.unit_of[node])
        grown = (scaled[time] - 1.0) * level
        change = grown if change is None else scaled[time] * change + grown
    shift = plan.shifts.get(node)
    if shift is not None and shift[time].any():
        change = np.broadcast_to(shift[time], shape) + (0.0 if change is None else change)
    return change


def _ruled(rule: Rule, time: int, base_past: list[list[Any]], past: list[list[Any]], shape: tuple[int, int]) -> Any:
    """What a policy adds (draw, unit): its amount where its comparisons hold in this world's past; None where it acts nowhere."""
    if not rule.amount[time].any():
        return None
    held: Any = None
    for each in rule.comparisons:
        if each.lag > time:
            here: Any = np.zeros(shape, dtype=bool)
        else:
            value, moved = base_past[-1 - each.lag][each.node], past[-1 - each.lag][each.node]
            value = value if moved is None else value + moved
            if each.op.startswith(">"):
                here = value > each.threshold + (_HAIR if each.op == ">" else -_HAIR)
            else:
                here = value < each.threshold - (_HAIR if each.op == "<" else -_HAIR)
        held = here if held is None else held & here if rule.every else held | here
    return np.where(held, rule.amount[time], 0.0)


def _held(
    plan: Plan, node: int, time: int, change: Any, now: list[Any], shape: tuple[int, int], *, pushed: bool
) -> Any:
    """The difference after a node is set: to its value, or in a track without push to where it was."""
    held = plan.sets.get(node)
    if held is None or bool(np.isnan(held[time]).all()):
        return change
    free = np.zeros(shape) if change is None else change
    if not pushed:
        return np.where(np.isnan(held[time]), free, 0.0)
    return np.where(np.isnan(held[time]), free, plan.standard(node, held[time]) - now[node])


class _Base:
    """The base world of one block of draws: drawn from the model, the observed panel, or the panel and what follows it.

    A class because what is left to chance in a period is needed again by each track.
    """

    def __init__(self, plan: Plan, block: Block, seed: int, base: Base) -> None:
        model, new = plan.model, plan.population == "new"
        self._plan, self._block = plan, block
        self._observed, self._continued = base == "observed", base == "continued"
        years_to_come = len(plan.times) if self._continued else 0
        self._level = Levels(plan.draws, block, seed, new=new, linear=not self._observed, years_to_come=years_to_come)
        self._shape = (block.stop - block.start, len(plan.units))
        self._first = model.design.sweep.stop if self._continued else plan.first
        self._latest_start = min(int(self._first.max()), model.design.standard.shape[2])
        self._chance: dict[int, tuple[Floats, Floats, Floats]] = {}
        self._filled, self._holes = given_values(model), _holes_by_cell(model)
        if self._observed or self._continued:
            self._filled[tuple(model.design.holes)] = model.design.hole_start
        self._start = self._level.start() if new else self._filled[:, None]

    def value(self, node: int, time: int, base_past: list[list[Any]]) -> Floats:
        """The node's value (draw, unit) in the period whose list is the last of `base_past`."""
        plan, link = self._plan, self._plan.draws.links.get(node)
        if self._observed and (link is None or link.family == "student-t"):
            return self._seen(node, time)
        caused = np.zeros(self._shape) if link is not None else self._level.draw(node, time)
        effects = plan.draws.effects[self._block.draws]
        for step in plan.steps[node]:
            if step.added is None and step.lag <= time:
                caused += effects[:, step.column, None] * step.moved(base_past[-1 - step.lag][step.cause])
        value = caused
        if link is not None:
            eta = self._level.link(node, time) + link.per_sd * caused
            uniform = self._level.uniform(node)
            if self._observed:
                uniform = self._abducted(node, time, uniform, eta)
            value = self._on_standard(node, link.draw(uniform, eta, self._block.draws))
            self._chance[node] = (uniform, eta, value)
            if self._observed:
                return self._seen(node, time)
        if time < self._latest_start:
            given = self._seen(node, time) if self._continued else self._start[node][..., time]
            return np.where(time < self._first, given, value)
        return value

    def answered(self, node: int, time: int, change: Any) -> Floats:
        """How far a node that is not Normal moves where its equation moves by `change`, at the same chance."""
        plan, link = self._plan, self._plan.draws.links[node]
        # The past of a unit's first modelled period is given, not drawn.
        free = (time >= plan.first) & (change != 0.0)
        if link.family == "student-t":
            return np.where(free, change * (link.per_sd / plan.model.design.scales[node]), 0.0)
        uniform, eta, value = self._chance[node]
        other = self._on_standard(node, link.draw(uniform, eta + link.per_sd * change, self._block.draws))
        return np.where(free, other - value, 0.0)

    def _abducted(self, node: int, time: int, uniform: Floats, eta: Floats) -> Floats:
        """The quantiles that gave the observed values, among several those at `uniform`."""
        design, link = self._plan.model.design, self._plan.draws.links[node]
        values = self._seen(node, time) * design.scales[node] + design.centres[node]
        return link.quantile(uniform, values, eta, self._block.draws)

    def _seen(self, node: int, time: int) -> Floats:
        """The observed value (draw, unit), or in each draw what a missing one is taken for: the nearest value that its family has."""
        value = np.broadcast_to(self._filled[node, :, time], self._shape)
        here = self._holes.get((node, time))
        if here is not None and self._plan.draws.missing is not None:
            units, holes = here
            value = value.copy()
            value[:, units] += self._plan.draws.missing[self._block.draws][:, holes]
        link, design = self._plan.draws.links.get(node), self._plan.model.design
        known = ~np.isnan(design.standard[node, :, time])
        if link is None or known.all():
            return value
        allowed = families.nearest_allowed(link.family, value * design.scales[node] + design.centres[node], link.levels)
        return np.where(known, value, self._on_standard(node, allowed))

    def _on_standard(self, node: int, values: Floats) -> Floats:
        design = self._plan.model.design
        return (values - design.centres[node]) / design.scales[node]


def _holes_by_cell(model: Model) -> dict[tuple[int, int], tuple[Ints, Ints]]:
    """For each node and period with missing values, their units and their places among the holes."""
    node, unit, time = model.design.holes
    return {
        (int(which), int(when)): (unit[here], np.flatnonzero(here))
        for which, when in {(int(a), int(b)) for a, b in zip(node, time, strict=True)}
        for here in [(node == which) & (time == when)]
    }
