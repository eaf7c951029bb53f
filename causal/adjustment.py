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

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

from causal.errors import CausalError, Fault, shortened
from causal.estimand import Probability, latex, latex_point, product, summed, text
from causal.graph import Graph
from causal.query import Identification, Kind, Query, Refusal, by_age, read_query
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
    found = _search(query, _task(query))
    if isinstance(found, Refusal):
        return found
    regressors = ", ".join(name_point(point) for point in (cause, *by_age(found)))
    return Identification(
        True,
        "adjustment",
        found,
        f"the coefficient of {name_point(cause)} in the regression of {name_point(effect)} on {regressors}",
        f"Single door: {_held(found)} every path from {name_point(cause)} to {name_point(effect)} but the edge itself.",
        latex=_coefficient(cause, effect, found),
    )


def adjustment_set(query: Query) -> Identification | Refusal:
    """By the adjustment criterion, in the graph without the first edge of each causal path."""
    treatments, outcome = query.treatments, query.outcome
    found = _search(query, _task(query))
    if isinstance(found, Refusal):
        return found
    why = f"Adjustment: {_held(found)} every path of {query.text} that is not causal"
    why += ", and nothing so held comes after a point on a causal path." if found else "."
    of = Probability({outcome}, {*treatments, *found})
    formula = summed(found, product(of, Probability(found))) if found else of
    written, in_latex = text(formula, treatments), latex(formula, treatments)
    return Identification(True, "adjustment", found, written, why, latex=in_latex, estimand=formula)


def adjustment_sets(
    graph: Graph, query: str, observed: Iterable[str], *, kind: Kind = "total", limit: int = 100
) -> tuple[frozenset[Point], ...]:
    """The minimal adjustment sets (kind "total") or single-door sets (kind "direct"), the smallest first.

    `query`, `observed` and `kind` are those of `identify`. The window: the query's own periods and as many before
    them as the longest lag, so that it holds every cause of every point on a causal path; if no set lies inside, as far
    back as the nearest one reaches. A longer window brings further sets. No set comes back where there is none or a
    point of the query is not measured. At most `limit` sets come back, and a `UserWarning` says so when there are
    more. Of an effect that the graph rules out, the sets are those given which treatment and outcome are independent.
    Raises `CausalError` for everything that is wrong with the query, and for a limit that is no number of sets.
    """
    found = minimal_sets(read_query(graph, query, observed, kind), limit)
    if not found.complete:
        text = f"There are more than {limit} minimal sets within {found.window} periods; these are some of them."
        warnings.warn(text, stacklevel=2)
    return found.sets


def optimal_adjustment(
    graph: Graph, query: str, observed: Iterable[str], *, kind: Kind = "total"
) -> OptimalAdjustment | None:
    """The adjustment or single-door set with which the effect is estimated with the smallest variance.

    `query`, `observed` and `kind` are those of `identify`, the window that of `adjustment_sets`. The variance is
    that of a linear regression over many independent units. None where there is no set, where a point of the query is
    not measured and where the graph rules the effect out, so that nothing is left to be estimated. Raises
    `CausalError` for everything that is wrong with the query.
    """
    return smallest_variance_set(read_query(graph, query, observed, kind))


@dataclass(frozen=True, slots=True)
class MinimalSets:
    """Minimal sets within `window` periods, the smallest first; `complete` is False where a limit cut the list."""

    sets: tuple[frozenset[Point], ...]
    complete: bool
    window: int


@dataclass(frozen=True, slots=True)
class OptimalAdjustment:
    """A set that keeps the variance of the estimated effect small, among the sets within `window` periods.

    Where `best` is True no valid set has a smaller asymptotic variance, whatever the coefficients of linear
    equations. Where it is False that is not proven: another set may do better for some coefficients, but none
    that is minimal and none of ancestors of treatment and outcome ever does. `why` says it in words.
    """

    adjustment: frozenset[Point]
    best: bool
    why: str
    window: int


def minimal_sets(query: Query, limit: int = 100) -> MinimalSets:
    """All minimal sets for the query within the window of `adjustment_sets`, or `limit` of them.

    They are the minimal separators of the moral graph of the query's ancestors that hold only admissible points,
    listed with polynomial delay (Takata 2010).
    """
    if isinstance(cast("object", limit), bool) or not isinstance(cast("object", limit), int) or limit < 1:
        raise CausalError(Fault(f"{limit!r} is no number of sets", where="limit", mend="give 1 or more"))
    task = _task(query)
    window = _window(query, task)
    if window is None:
        return MinimalSets((), True, query.depth + 1)
    unrolled = without(unroll(query.graph, window), task.removed)
    left, right = unrolled.mask(task.left), unrolled.mask((task.right,))
    allowed = _allowed(query, task, unrolled)
    joined = _joined(unrolled, ancestors(unrolled, left | right), left | right | allowed)
    found = [unrolled.of_mask(cut) for cut in islice(_separators(joined, left, right), limit + 1)]
    sets = sorted(found[:limit], key=lambda points: (len(points), by_age(points)[::-1]))
    return MinimalSets(tuple(sets), len(found) <= limit, window)


def smallest_variance_set(query: Query) -> OptimalAdjustment | None:
    """The set of smallest asymptotic variance within the window, or None as in `optimal_adjustment`.

    Let D be all admissible ancestors of treatments and outcome, and the core those of them that depend on the outcome
    given the treatments and the rest of D. Each is joined to the outcome by a path whose colliders are ancestors of
    the query and whose other inner points can never be held. A valid set without it therefore leaves it independent
    of the treatments, for otherwise the two paths together would be open. So adding the core to a valid set never
    raises the variance, and dropping from D what is not in the core never does either: the core beats every
    valid set of ancestors. Where everything is measured it is Henckel's set, and nothing beats it.

    Of the points that are no ancestors, those that are independent of the treatments given the core are
    added: that can only explain more of the outcome. What could then still do better is a valid set with
    another point, joined to the outcome by a path whose colliders that set opens, and whose other inner
    points can never be held. Where there is no such path, the set is the best. The search allows a collider
    on it as soon as some valid set holds both the other point and a descendant of the collider, so that it may find
    a path too many, but never one too few.
    """
    task = _task(query)
    window = _window(query, task)
    if window is None or not _moves(query, task):
        return None
    unrolled = without(unroll(query.graph, window), task.removed)
    left, right = unrolled.mask(task.left), unrolled.mask((task.right,))
    allowed = _allowed(query, task, unrolled) & ~descendants(unrolled, right)
    every = left | right | allowed

    def beside(held: int) -> int:
        """What depends on the outcome given the treatments, the points held and all their admissible ancestors."""
        return _beside(unrolled, ancestors(unrolled, left | right | held), every, right)

    core = beside(0) & allowed
    later = [1 << position for position in bits(allowed & ~ancestors(unrolled, left | right))]
    holdable = [point for point in later if not beside(point) & left]
    near = beside(sum(holdable)) & allowed & ~core
    free = sum(1 << position for position in bits(near) if not _connected(unrolled, left, 1 << position, core))
    chosen = core | free
    closure = ancestors(unrolled, left | right | chosen)
    chosen &= _beside(unrolled, closure, left | right | chosen, right)
    rivals = 0
    for point in (1 << position for position in bits(near & ~free)):
        if not beside(point) & left:
            together = sum(other for other in holdable if not beside(point | other) & left)
            rivals |= beside(point | together) & point
    return OptimalAdjustment(unrolled.of_mask(chosen), not rivals, _why_best(unrolled.of_mask(rivals)), window)


@dataclass(frozen=True, slots=True)
class _Task:
    """A set to be found: it must separate `left` from `right` without the edges `removed`, and avoid `forbidden`."""

    left: tuple[Point, ...]
    right: Point
    removed: tuple[Pair, ...]
    forbidden: frozenset[Point]


def _task(query: Query) -> _Task:
    treatments, outcome = query.treatments, query.outcome
    if query.kind == "direct":
        return _Task(treatments, outcome, ((treatments[0], outcome),), frozenset())
    unrolled = unroll(query.graph, query.depth + 1)
    causal = on_causal_paths(unrolled, treatments, outcome)
    removed = tuple(
        (point, unrolled.points[position])
        for point in treatments
        for position in bits(unrolled.children[unrolled.index[point]] & causal)
    )
    return _Task(treatments, outcome, removed, unrolled.of_mask(descendants(unrolled, causal)))


def _coefficient(cause: Point, effect: Point, found: frozenset[Point]) -> str:
    """A regression coefficient in the field's notation: outcome and cause, then what is held fixed."""
    held = r" \cdot " + ", ".join(latex_point(point) for point in by_age(found)) if found else ""
    return rf"\beta_{{{latex_point(effect)}\, {latex_point(cause)}{held}}}"


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


def _window(query: Query, task: _Task) -> int | None:
    """The periods in which sets are listed; None where there is no set, or a point of the query is not measured."""
    if any(name not in query.measured for name, _ in (*task.left, task.right)):
        return None
    found = _search(query, task)
    if isinstance(found, Refusal):
        return None
    graph = query.graph
    searched = min(query.depth + 1 + graph.max_lag, MOST_POINTS // len(graph.nodes))
    return max(searched, *(1 - offset for _, offset in (*task.left, task.right, *found)))


def _moves(query: Query, task: _Task) -> bool:
    """Whether the graph lets the treatments move the outcome, in the way that is asked for."""
    return bool(set(task.removed) & set(unroll(query.graph, query.depth + 1).directed))


def _why_best(rivals: frozenset[Point]) -> str:
    if not rivals:
        return "No valid set within these periods gives a smaller variance, whatever the coefficients."
    return (
        "No set of ancestors of treatment and outcome gives a smaller variance, and so no minimal one; but a set that "
        f"holds {name_points(rivals)} may, for some coefficients."
    )


def _cliques(unrolled: Unrolled, ancestral: int, ends: int) -> list[int]:
    """The sets of points among `ends` that are joined with one another in the moral graph without the others.

    Each part of `moral_parts` joins its own points and their causes, pair by pair.
    """
    cliques: dict[int, int] = {}
    for position, part in moral_parts(unrolled, ancestral, ends).items():
        cliques[part] = cliques.get(part, 0) | 1 << position | unrolled.parents[position]
    return [clique & ends for clique in cliques.values()]


def _beside(unrolled: Unrolled, ancestral: int, ends: int, point: int) -> int:
    """The points among `ends` that are joined with `point`."""
    found = 0
    for clique in _cliques(unrolled, ancestral, ends):
        if clique & point:
            found |= clique
    return found & ~point


def _connected(unrolled: Unrolled, left: int, right: int, given: int) -> bool:
    """Whether a path between `left` and `right` is open given points that are in neither."""
    label = moral_parts(unrolled, ancestors(unrolled, left | right | given), given)
    return not {label[position] for position in bits(left)}.isdisjoint(label[position] for position in bits(right))


def _joined(unrolled: Unrolled, ancestral: int, ends: int) -> dict[int, int]:
    """For each ancestral point among `ends`, those that it is joined with, itself included."""
    joined: dict[int, int] = {}
    for clique in _cliques(unrolled, ancestral, ends & ancestral):
        for position in bits(clique):
            joined[position] = joined.get(position, 0) | clique
    return joined


def _separators(joined: dict[int, int], left: int, right: int) -> Iterator[int]:
    """Every minimal separator of `left` and `right` in an undirected graph once (Takata 2010).

    A step looks for the separators that leave the points `near` on the side of `left`, but none of the points
    `kept`. That nearest to `left` shows whether there is any; then one of its points is either taken over
    to that side or kept off it.
    """
    todo = [(left, 0)]
    while todo:
        near, kept = todo.pop()
        edge = _around(joined, near)
        if edge & right:
            continue
        far = _spread(joined, right, near | edge)
        cut = _around(joined, far)
        near = _spread(joined, near, cut)
        if near & kept:
            continue
        choice = cut & ~kept
        if not choice:
            yield cut
            continue
        point = choice & -choice
        todo += [(near | point, kept), (near, kept | point)]


def _around(joined: dict[int, int], side: int) -> int:
    found = 0
    for position in bits(side):
        found |= joined[position]
    return found & ~side


def _spread(joined: dict[int, int], start: int, without: int) -> int:
    """The points connected with `start` that do not lie behind the points `without`."""
    found = start
    while grown := _around(joined, found) & ~without:
        found |= grown
    return found


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
    return shortened(map(name_point, points), 3)
