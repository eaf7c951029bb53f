"""Effects by adjustment: a set of measured points to hold fixed.

**Total effects** of one or several points are found by the adjustment criterion, which is complete for
adjustment: the set holds no point on a causal path (other than the treatments) and no descendant of one, and
it blocks every path that is not causal (Shpitser, VanderWeele and Robins 2010; Perkovic, Textor, Kalisch and
Maathuis 2018; searched as in van der Zander, Liskiewicz and Textor 2019).

**Direct effects** are the edge's own coefficient, by the single door: the set holds no descendant of the
outcome and blocks every path but the edge itself (Pearl 2009, theorem 5.3.1). A single-door set gives the
coefficient where the outcome's equation is linear in that cause.

**How far back.** Measured nodes are measured in every period, so the set may reach back as far as need be. The
window grows period by period until a set is found, or until it is certain that none will be: beyond the
query's own periods the graph repeats itself, each further period can only cut connections among the points
at its edge, and once a round of periods cuts none, no later one does (`_search`). Sets are finite: an
effect that only an endless set would identify counts as not identified by adjustment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from causal.query import Identification, Query, Refusal, by_age
from causal.separation import (
    Path,
    ancestors,
    descendants,
    moral_parts,
    name_point,
    name_points,
    open_path,
    separator,
)
from causal.unroll import MOST_POINTS, Pair, Point, Unrolled, bits, unroll, without


def single_door_set(query: Query) -> Identification | Refusal:
    """A set through which the edge's own coefficient can be read off a regression, or why there is none."""
    (cause,), effect = query.treatments, query.outcome
    found = _search(query, _Task((cause,), effect, ((cause, effect),), frozenset()))
    if isinstance(found, Refusal):
        return found
    regressors = ", ".join(name_point(point) for point in (cause, *by_age(found)))
    return Identification(
        True,
        "adjustment",
        found,
        f"the coefficient of {name_point(cause)} in the regression of {name_point(effect)} on {regressors}",
        f"Single door: {_held(found)} every path from {name_point(cause)} to {name_point(effect)} but the edge itself.",
    )


def adjustment_set(query: Query) -> Identification | Refusal:
    """By the adjustment criterion, in the graph without the first edge of each causal path."""
    treatments, outcome = query.treatments, query.outcome
    unrolled = unroll(query.graph, query.depth + 1)
    causal = on_causal_paths(unrolled, treatments, outcome)
    forbidden = unrolled.of_mask(descendants(unrolled, causal))
    removed = tuple(
        (point, unrolled.points[position])
        for point in treatments
        for position in bits(unrolled.children[unrolled.index[point]] & causal)
    )
    found = _search(query, _Task(treatments, outcome, removed, forbidden))
    if isinstance(found, Refusal):
        return found
    why = f"Adjustment: {_held(found)} every path of {query.text} that is not causal"
    why += ", and nothing so held comes after a point on a causal path." if found else "."
    return Identification(True, "adjustment", found, _adjusted(treatments, outcome, found), why)


@dataclass(frozen=True, slots=True)
class _Task:
    """A set to be found: it must separate `left` from `right` without the edges `removed`, and avoid `forbidden`."""

    left: tuple[Point, ...]
    right: Point
    removed: tuple[Pair, ...]
    forbidden: frozenset[Point]


def _adjusted(treatments: tuple[Point, ...], outcome: Point, found: frozenset[Point]) -> str:
    to, treated, held = name_point(outcome), name_points(treatments), name_points(found)
    return f"sum over {held} of P({to} | {treated}, {held}) P({held})" if found else f"P({to} | {treated})"


def _held(found: frozenset[Point]) -> str:
    return f"holding {name_points(found)} fixed blocks" if found else "nothing need be held fixed to block"


def on_causal_paths(unrolled: Unrolled, treatments: tuple[Point, ...], outcome: Point) -> int:
    """The points on directed paths from a treatment to the outcome that meet no other; the treatments left out."""
    treated = unrolled.mask(treatments)
    forward = 0
    todo = treated
    while todo:
        reached = 0
        for position in bits(todo):
            reached |= unrolled.children[position]
        todo = reached & ~forward & ~treated
        forward |= todo
    backward = todo = unrolled.mask((outcome,))
    while todo:
        reached = 0
        for position in bits(todo):
            reached |= unrolled.parents[position]
        todo = reached & ~backward & ~treated
        backward |= todo
    return forward & backward


def _search(query: Query, task: _Task) -> frozenset[Point] | Refusal:
    """A minimal set of measured points for the task, near in time, or in words why there is none.

    If a set within a window does, so do all the admissible ancestors of the query's points in it. A longer
    window adds admissible ancestors and so only removes points from what is connected (the moral graph of all
    ancestors, without the admissible ones). Deep enough, the ancestors of each period repeat themselves every
    `period` periods, and how the points of a block of `max_lag` periods are connected through what is older is
    then the same function of how those of the block `period` periods earlier are. That partition can only become
    finer as the window grows; if one more round leaves it as it was, it has its final form, and so has the answer.
    """
    graph = query.graph
    start, period = _repeating(query, task)
    block = range(start, start + max(1, graph.max_lag))
    before: dict[int, object] = {}
    window = query.depth + 1
    while True:
        unrolled = without(unroll(graph, window), task.removed)
        left, right = unrolled.mask(task.left), unrolled.mask((task.right,))
        allowed = _allowed(query, task, unrolled)
        found = separator(unrolled, left, right, allowed)
        if found is not None:
            return unrolled.of_mask(found)
        if window >= block.stop:
            before[window] = _partition(unrolled, ancestors(unrolled, left | right), allowed, block)
            if window - period in before and before[window] == before[window - period]:
                break
        # Before the block is covered every period is tried, for the nearest set; then whole rounds.
        window += 1 if window < block.stop else period
        if window * len(graph.nodes) > MOST_POINTS:
            # Only with long loops of incommensurable lengths; the answer is then for the periods searched.
            window = query.depth + 1
            break
    return _why_not(query, task, window + graph.max_lag)


def _allowed(query: Query, task: _Task, unrolled: Unrolled) -> int:
    asked = {*task.left, task.right}
    return unrolled.mask(
        point
        for point in unrolled.points
        if point[0] in query.measured and point not in task.forbidden and point not in asked
    )


def _partition(unrolled: Unrolled, ancestral: int, allowed: int, block: range) -> frozenset[frozenset[Point]]:
    """How the ancestral points of a block (periods back) are connected through the block and what is older."""
    older = unrolled.mask(point for point in unrolled.points if -point[1] >= block.start)
    label = moral_parts(unrolled, ancestral & older, allowed)
    parts: dict[int, set[Point]] = {}
    for position, part in label.items():
        if -unrolled.points[position][1] in block:
            parts.setdefault(part, set()).add(unrolled.points[position])
    return frozenset(frozenset(part) for part in parts.values())


def _repeating(query: Query, task: _Task) -> tuple[int, int]:
    """From how many periods back on, and every how many periods, the sets of ancestors by period repeat themselves."""
    graph = query.graph
    memory = max(1, graph.max_lag)
    unrolled = without(unroll(graph, query.depth + 1), task.removed)
    rank = {name: position for position, name in enumerate(graph.order)}
    by_period = [0] * (query.depth + 1)
    for name, offset in unrolled.of_mask(ancestors(unrolled, unrolled.mask((*task.left, task.right)))):
        by_period[-offset] |= 1 << rank[name]
    causes: dict[int, list[int]] = {lag: [0] * len(rank) for lag in {0, *(edge.lag for edge in graph.edges)}}
    for edge in graph.edges:
        causes[edge.lag][rank[edge.effect]] |= 1 << rank[edge.cause]
    # The removed edges begin no earlier than the query, so that before it the graph's own edges hold.
    seen: dict[tuple[int, ...], int] = {}
    while len(by_period) * len(rank) <= MOST_POINTS:
        state = tuple(by_period[-memory:])
        if state in seen:
            return seen[state], len(by_period) - seen[state]
        seen[state] = len(by_period)
        here = 0
        for lag, masks in causes.items():
            if 0 < lag <= len(by_period):
                here |= _causes_of(masks, by_period[-lag])
        while (grown := here | _causes_of(causes[0], here)) != here:
            here = grown
        by_period.append(here)
    return len(by_period), 1


def _causes_of(masks: list[int], effects: int) -> int:
    found = 0
    for position in bits(effects):
        found |= masks[position]
    return found


def _why_not(query: Query, task: _Task, window: int) -> Refusal:
    unrolled = without(unroll(query.graph, window), task.removed)
    left, right = unrolled.mask(task.left), unrolled.mask((task.right,))
    held = _allowed(query, task, unrolled) & ancestors(unrolled, left | right)
    path = open_path(unrolled, left, right, held)
    if path is None:
        return Refusal("No set of measured points within the periods that can be searched blocks every other path.")
    first, last = name_point(path.points[0]), name_point(path.points[-1])
    if len(path.arrows) == 1 and not path.past:
        if path.arrows[0] == "<->":
            return Refusal(f"{first} and {last} share an unmeasured cause, and nothing measured lies between.", path)
        return Refusal(f"{last} itself moves {first}, and nothing measured lies between.", path)
    text = f"The path {_shortened(path)} stays open whatever measured points are held fixed"
    return Refusal(f"{text}: {'; '.join(_openings(query, task, path))}.", path)


def _shortened(path: Path) -> str:
    """The path's text; of a long one both ends."""
    if len(path.arrows) <= 8:
        return str(path)
    first, last = Path(path.points[:5], path.arrows[:4]), Path(path.points[-4:], path.arrows[-3:])
    return f"{first} ... {last}"


def _openings(query: Query, task: _Task, path: Path) -> Iterator[str]:
    """Why no part of the path can be blocked."""
    for at, arrow in enumerate(path.arrows):
        if arrow == "<->":
            pair = f"{name_point(path.points[at])} and {name_point(path.points[at + 1])}"
            if at in path.past:
                yield f"{pair} share causes further back than any finite set of measured periods reaches"
            else:
                yield f"{pair} share an unmeasured cause"
    unmeasured: list[Point] = []
    moved: list[Point] = []
    colliders: list[Point] = []
    for at, point in enumerate(path.points[1:-1]):
        if path.arrows[at] != "<-" and path.arrows[at + 1] != "->":
            colliders.append(point)
        elif point[0] not in query.measured:
            unmeasured.append(point)
        elif point in task.forbidden:
            moved.append(point)
    if unmeasured:
        yield f"{_few(unmeasured)} {'is' if len(unmeasured) == 1 else 'are'} not measured"
    if moved:
        yield f"{_few(moved)} may not be held fixed, since the treatment moves {'it' if len(moved) == 1 else 'them'}"
    if colliders:
        yield f"holding fixed what other paths need opens it at {_few(colliders)}"


def _few(points: list[Point]) -> str:
    shown = ", ".join(name_point(point) for point in points[:3])
    return shown + (f" and {len(points) - 3} more" if len(points) > 3 else "")
