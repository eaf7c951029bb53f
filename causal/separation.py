"""Which points are independent of which, given which: m-separation in the process.

A path between two points is blocked by a set of points when one of its inner points is no collider and in the
set, or is a collider (an arrowhead from both sides) and neither in the set nor an ancestor of any point in it.
Two sets of points that every path between them is blocked are *m-separated*: under the graph they are
independent given the third set, whatever the equations. `implied_independences` lists what the graph
claims in this way and data can refute.

>>> from causal.graph import Edge, Graph, Latent, Node
>>> nodes = (Node("a"), Node("b"), Node("c"))
>>> chain = Graph(nodes, (Edge("a", "b"), Edge("b", "c")))
>>> m_separated(chain, ("a", 0), ("c", 0)), m_separated(chain, ("a", 0), ("c", 0), {("b", 0)})
(False, True)
>>> shared = Graph(nodes, (Edge("a", "b"), Edge("b", "c")), (Latent("b", "c"),))
>>> m_separated(shared, ("a", 0), ("c", 0), {("b", 0)})
False
>>> for independence in implied_independences(chain, window=1):
...     print(independence)
a[0] and c[0] are independent given b[0]

Searches run over the unrolled graph (`causal.unroll`), which carries the infinite past. Whether *some* set
separates is answered at once: if any set of admissible points does, then so do all the admissible ancestors
(van der Zander, Liskiewicz and Textor 2019, Artificial Intelligence 270). With ancestors only, separation is
plain connection in the moral graph (Lauritzen et al. 1990), and two sweeps thin the set to a minimal one.
"""

from __future__ import annotations

import heapq
import operator
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from causal.errors import CausalError, Fault, nearest, raise_all
from causal.graph import Graph
from causal.unroll import Point, Unrolled, bits, unroll


@dataclass(frozen=True, slots=True)
class Independence:
    """`left` and `right`, two points, are independent given the points in `given`."""

    left: Point
    right: Point
    given: frozenset[Point]

    def __str__(self) -> str:
        held = f" given {name_points(self.given)}" if self.given else ""
        return f"{name_point(self.left)} and {name_point(self.right)} are independent{held}"


@dataclass(frozen=True, slots=True)
class Path:
    """A path: its points, and between each two an arrow, ``->``, ``<-`` or ``<->``.

    `past` holds the positions of the arrows that stand for a connection through what happened before the window.
    """

    points: tuple[Point, ...]
    arrows: tuple[str, ...]
    past: frozenset[int] = frozenset()

    def __str__(self) -> str:
        text = name_point(self.points[0])
        for arrow, point in zip(self.arrows, self.points[1:], strict=True):
            text += f" {arrow} {name_point(point)}"
        return text


def m_separated(
    graph: Graph | Unrolled,
    left: Point | Iterable[Point],
    right: Point | Iterable[Point],
    given: Point | Iterable[Point] = (),
) -> bool:
    """Whether every path between the points `left` and the points `right` is blocked by the points `given`.

    Points are (node, offset) pairs, one or several; offsets are at most 0. In a `Graph` the answer is for the
    process without beginning; in an `Unrolled` for its window, which is the same. Reachability by
    Bayes ball (Shachter 1998) over directed and bidirected edges, linear in the size of the unrolled graph.
    Raises `CausalError` for unknown points and for a point that stands in two of the three sets.
    """
    sides = {
        "left": checked_points(graph, left, "left"),
        "right": checked_points(graph, right, "right"),
        "given": checked_points(graph, given, "given"),
    }
    names = list(sides)
    raise_all(
        Fault(f"{name_point(point)} stands in '{one}' and in '{other}'", mend="keep it in one of them")
        for at, one in enumerate(names)
        for other in names[at + 1 :]
        for point in sorted(sides[one] & sides[other])
    )
    everything = frozenset[Point]().union(*sides.values())
    unrolled = _covering(graph, everything)
    masks = [unrolled.mask(sides[side]) for side in names]
    return not _bayes_ball(unrolled, masks[0], masks[2]) & masks[1]


def implied_independences(
    graph: Graph, observed: Iterable[str] | None = None, window: int = 2
) -> tuple[Independence, ...]:
    """What the graph claims about the points of `window` periods, and data can refute.

    One independence for each pair of observed points, the later of them (`right`) at offset 0, that some set of
    observed points inside the window separates; the same pair shifted in time counts once. `given` is a minimal such
    set, own lags included where they are needed; of two such sets it is the smaller, and of equal ones the
    nearer in time. `observed` names the measured nodes; None is all. Each holds in the process without
    beginning. All of them are to be tested: in a linear process each fixes a covariance of its own, that of its pair,
    and none follows from the others. Raises `CausalError` for unknown names and a window that is no whole number of
    at least 1.
    """
    unrolled = unroll(graph, window)
    measured = frozenset(graph.names) if observed is None else measured_names(graph, observed)
    seen = [point for point in unrolled.points if point[0] in measured]
    allowed = unrolled.mask(seen)
    found: list[Independence] = []
    now = [point for point in seen if point[1] == 0]
    for right in now:
        for left in seen:
            if left[1] == 0 and left[0] >= right[0]:
                continue
            given = separator(unrolled, unrolled.mask((left,)), unrolled.mask((right,)), allowed)
            if given is not None:
                found.append(Independence(left, right, unrolled.of_mask(given)))
    return tuple(sorted(found, key=lambda it: (-it.left[1], it.left[0], it.right[0])))


def separator(unrolled: Unrolled, left: int, right: int, allowed: int) -> int | None:
    """A minimal set among `allowed` that m-separates `left` from `right`, or None where no set does.

    All four are masks of the unrolled graph's points. Of the two sets that the sweeps from either side leave,
    the smaller one, and of equal ones that nearer in time.
    """
    adjacent = _neighbours(unrolled, left)
    if left & right or adjacent & right:
        return None
    ancestral = ancestors(unrolled, left | right)
    candidates = allowed & ancestral & ~(left | right)
    from_left, touched_left = _moral_reach(unrolled, ancestral, candidates, left)
    if from_left & right:
        return None
    _, near_right = _moral_reach(unrolled, ancestral, touched_left & candidates, right)
    _, touched_right = _moral_reach(unrolled, ancestral, candidates, right)
    _, near_left = _moral_reach(unrolled, ancestral, touched_right & candidates, left)
    sets = (touched_left & near_right & candidates, touched_right & near_left & candidates)
    return min(sets, key=lambda mask: _cost(unrolled, mask))


def ancestors(unrolled: Unrolled, mask: int) -> int:
    """The points of the mask and all their ancestors in the window, as a mask."""
    return _closure(unrolled.parents, mask)


def descendants(unrolled: Unrolled, mask: int) -> int:
    """The points of the mask and all their descendants in the window, as a mask."""
    return _closure(unrolled.children, mask)


def moral_parts(unrolled: Unrolled, ancestral: int, held: int) -> dict[int, int]:
    """For each point of the ancestral set, a label of the part of the moral graph that it belongs to or can open.

    The moral graph is that of the points `ancestral` (an ancestral set within what is looked at) without the
    points `held`. Two points have one label where what lies behind them is connected. Labels are positions of points.
    """
    label: dict[int, int] = {}
    for start in bits(ancestral):
        if start in label:
            continue
        opened = _moral_sweep(unrolled, ancestral, held, 0, 1 << start)[1]
        for position in bits(opened):
            label[position] = start
    return label


def open_path(unrolled: Unrolled, left: int, right: int, given: int) -> Path | None:
    """A path from `left` to `right` that `given` leaves open, as short as can be and within the window if possible.

    All three are masks; None where they are m-separated.
    """
    opened = ancestors(unrolled, given)
    past = {(unrolled.index[one], unrolled.index[other]) for one, other in unrolled.past}
    past |= {(other, one) for one, other in past}
    # A state is a point and whether the path arrives with an arrowhead. A step through the past costs more than
    # any path within the window.
    dear = 1_000_000
    queue: list[tuple[int, int, int]] = [(0, position, 0) for position in bits(left)]
    best = {(position, 0): 0 for position in bits(left)}
    came_from: dict[tuple[int, int], tuple[tuple[int, int], str]] = {}
    while queue:
        cost, position, into = heapq.heappop(queue)
        state = (position, into)
        if cost > best[state]:
            continue
        if right >> position & 1:
            return _traced(unrolled, state, came_from, past)
        for arrow, target, arrives in _steps(unrolled, position, into, given, opened):
            if left >> target & 1:
                continue
            price = cost + (dear if arrow == "<->" and (position, target) in past else 1)
            step = (target, arrives)
            if price < best.get(step, price + 1):
                best[step] = price
                came_from[step] = (state, arrow)
                heapq.heappush(queue, (price, target, arrives))
    return None


def measured_names(graph: Graph, observed: Iterable[str]) -> frozenset[str]:
    """The names in `observed`, checked; `CausalError` for a bare text and for every name that is no node."""
    if isinstance(observed, str) or not isinstance(cast("object", observed), Iterable):
        raise CausalError(
            Fault(f"observed must be a set of names, not {observed!r}", mend="such as {'presence', 'illicit'}")
        )
    given = list(observed)
    known = set(graph.names)
    raise_all(
        Fault(f"no node {name!r}", where="observed", mend=nearest(str(name), known))
        for name in given
        if not isinstance(cast("object", name), str) or name not in known
    )
    return frozenset(given)


def checked_points(graph: Graph | Unrolled, given: object, where: str) -> frozenset[Point]:
    """One point or several as a set; `CausalError` for what is no point of the graph, and for one in the future."""
    if not isinstance(graph, Unrolled) and not isinstance(cast("object", graph), Graph):
        raise CausalError(Fault(f"expected a Graph, not {type(graph).__name__}", mend="read one with read_graph"))
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise CausalError(_no_point(given, where))
    items = list(cast("Iterable[object]", given))
    if isinstance(given, tuple) and len(items) == 2 and isinstance(items[0], str):
        items = [given]
    names = {name for name, _ in graph.points} if isinstance(graph, Unrolled) else set(graph.names)
    faults: list[Fault] = []
    points: set[Point] = set()
    for item in items:
        parts = tuple(cast("Iterable[object]", item)) if isinstance(item, tuple) else ()
        name, offset = (parts[0], _offset(parts[1])) if len(parts) == 2 else (None, None)
        if offset is None or not isinstance(name, str):
            faults.append(_no_point(item, where))
        elif name not in names:
            faults.append(Fault(f"no node '{name}'", where=where, mend=nearest(name, names)))
        elif offset > 0:
            faults.append(Fault(f"{name}[{offset}] lies in the future", where=where, mend="offsets are at most 0"))
        elif isinstance(graph, Unrolled) and (name, offset) not in graph.index:
            faults.append(Fault(f"{name}[{offset}] is outside the window", where=where, mend="unroll a longer one"))
        else:
            points.add((name, offset))
    raise_all(faults)
    return frozenset(points)


def name_point(point: Point) -> str:
    """The point's text: ``presence[-1]``."""
    return f"{point[0]}[{point[1]}]"


def name_points(points: Iterable[Point]) -> str:
    """The points' text, the latest first and in alphabetical order within a period."""
    return ", ".join(name_point(point) for point in sorted(points, key=lambda point: (-point[1], point[0])))


def _no_point(given: object, where: str) -> Fault:
    return Fault(f"{given!r} is no point", where=where, mend="a point is a pair such as ('presence', -1)")


def _offset(given: object) -> int | None:
    try:
        return None if isinstance(given, bool) else operator.index(cast("Any", given))
    except TypeError:
        return None


def _covering(graph: Graph | Unrolled, points: AbstractSet[Point]) -> Unrolled:
    if isinstance(graph, Unrolled):
        return graph
    return unroll(graph, 1 - min((offset for _, offset in points), default=0))


def _bayes_ball(unrolled: Unrolled, starts: int, given: int) -> int:
    """Every point that an open path reaches from `starts`, the starts included, as a mask."""
    parents, children, spouses = unrolled.parents, unrolled.children, unrolled.spouses
    opened = ancestors(unrolled, given)
    # By a tail: along the edge against its arrow (or at the start); by a head: along an arrow.
    by_tail, by_head = starts, 0
    todo_tail, todo_head = starts, 0
    while todo_tail or todo_head:
        tails = heads = 0
        for position in bits(todo_tail & ~given):
            tails |= parents[position]
            heads |= children[position] | spouses[position]
        for position in bits(todo_head):
            if not given >> position & 1:
                heads |= children[position]
            if opened >> position & 1:
                tails |= parents[position]
                heads |= spouses[position]
        todo_tail, todo_head = tails & ~by_tail, heads & ~by_head
        by_tail |= todo_tail
        by_head |= todo_head
    return (by_tail | by_head) & ~given | starts


def _neighbours(unrolled: Unrolled, mask: int) -> int:
    found = 0
    for position in bits(mask):
        found |= unrolled.parents[position] | unrolled.children[position] | unrolled.spouses[position]
    return found


def _closure(links: tuple[int, ...], mask: int) -> int:
    found = todo = mask
    while todo:
        reached = 0
        for position in bits(todo):
            reached |= links[position]
        todo = reached & ~found
        found |= todo
    return found


def _moral_reach(unrolled: Unrolled, ancestral: int, held: int, start: int) -> tuple[int, int]:
    """The free points connected with `start` in the moral graph without `held`, and the held points beside them."""
    touched, _ = _moral_sweep(unrolled, ancestral, held, start, 0)
    return touched & ~held, touched & held


def _moral_sweep(unrolled: Unrolled, ancestral: int, held: int, free: int, open_at: int) -> tuple[int, int]:
    """Sweep the moral graph of the points `ancestral`, without the points `held`.

    Two points are joined there if one causes the other or both reach one point by arrowheads, directly or
    along bidirected edges. So a sweep alternates: a free point opens itself, its effects and its spouses, and an
    opened point reaches itself, its causes, and opens its spouses in turn. Returns what was reached, held
    points beside the way included, and what was opened.
    """
    parents, children, spouses = unrolled.parents, unrolled.children, unrolled.spouses
    reached, opened = free, open_at
    todo_free, todo_open = free & ~held, open_at
    while todo_free or todo_open:
        reaching, opening = todo_open, todo_free
        for position in bits(todo_free):
            opening |= children[position]
        for position in bits(todo_open):
            reaching |= parents[position]
            opening |= spouses[position]
        new = reaching & ancestral & ~reached
        reached |= new
        todo_free = new & ~held
        todo_open = opening & ancestral & ~opened
        opened |= todo_open
    return reached, opened


def _cost(unrolled: Unrolled, mask: int) -> tuple[int, int, tuple[Point, ...]]:
    points = sorted(unrolled.of_mask(mask))
    return len(points), -sum(offset for _, offset in points), tuple(points)


def _steps(unrolled: Unrolled, position: int, into: int, given: int, opened: int) -> Iterator[tuple[str, int, int]]:
    """Where an open path may go on from a point: the arrow, the next point and whether it arrives with an arrowhead."""
    free = not given >> position & 1
    if free:
        for target in bits(unrolled.children[position]):
            yield "->", target, 1
    if (not into and free) or (into and opened >> position & 1):
        for target in bits(unrolled.parents[position]):
            yield "<-", target, 0
        for target in bits(unrolled.spouses[position]):
            yield "<->", target, 1


def _traced(
    unrolled: Unrolled,
    end: tuple[int, int],
    came_from: dict[tuple[int, int], tuple[tuple[int, int], str]],
    past: AbstractSet[tuple[int, int]],
) -> Path:
    states, arrows = [end], list[str]()
    while states[-1] in came_from:
        state, arrow = came_from[states[-1]]
        states.append(state)
        arrows.append(arrow)
    states.reverse()
    arrows.reverse()
    through = frozenset(
        at for at, (one, other) in enumerate(pairwise(states)) if arrows[at] == "<->" and (one[0], other[0]) in past
    )
    return Path(tuple(unrolled.points[position] for position, _ in states), tuple(arrows), through)
