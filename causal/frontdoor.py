"""Effects by the front door: through points that carry the effect and are not confounded themselves.

Where an unmeasured cause moves treatment and outcome, the effect may still be put together from two that can be seen:
that of the treatments X on points M between, and that of M on the outcome y, the treatments held fixed (Pearl 1995):

>>> from causal.graph import Edge, Graph, Latent, Node
>>> from causal.query import read_query
>>> links = (Edge("x", "m", lag=1), Edge("m", "y", lag=1))
>>> graph = Graph(tuple(Node(name) for name in "xmy"), links, (Latent("x", "y", lag=2),))
>>> found = front_door(read_query(graph, "x[-2] -> y[0]", {"x", "m", "y"}))
>>> print(found.formula)
sum over m[-1] of P(m[-1] | x[-2]) (sum over x'[-2] of P(y[0] | x'[-2], m[-1]) P(x'[-2]))

**The criterion.** A set M of measured points, none of them in X or y, is a front door if

1. every directed path from X to y meets M;
2. X and M are m-separated in the graph without the edges out of X;
3. M and y are m-separated by X in the graph without the edges out of all of M.

Then ``P(y | do(x)) = sum over m of P(m | x) * (sum over x' of P(y | m, x') P(x'))``, also for joint treatments and for
members of M that cause one another. By 2, ``P(m | do(x)) = P(m | x)``, and no member of M causes a treatment, since the
last part of such a path would connect the two. By 1 and 3 (rules 2 and 3 of the do-calculus)
``P(y | do(x), m) = P(y | do(x, m)) = P(y | do(m))``, and by 3 and because M does not cause X the latter is the inner sum.
M may hold points that X does not move, where they confound its other members with y.

**How it is found** (as by Jeong, Tian and Bareinboim 2022; Wienöbst, van der Zander and Liskiewicz 2024), in time linear
in the window's graph. Condition 2 is one of each point alone; let Z be the points that fulfil it. The members of an
M that fulfils 3 fulfil it in every larger set too, where more edges are cut. So a point of Z from which an open path
leads to y while the edges out of *all* of Z are cut is in no such M; without it the same holds of the rest, and what
remains in the end, A, is the greatest M of all (`_greatest`). If A does not meet every directed path, no front door does.
Otherwise let D be the members of A with a directed path to y that meets no other: D is a front door, and within it the
members that X reaches first, with all that an open path shows to confound those with y, are the least (`_least`).

**How far back.** M lies between X and y in time, but for points that X does not move: those may be older
than X. What is older than the window joins the window's first points (`unroll`), so a yes in any window is a yes,
and A can only grow as the window does. With all that is measured held fixed before the window (`unroll_knowing`) the
same search finds all of A that any window has: if that does not do, it is a no for good. The window grows until either
is found; where neither is (`_windows`), only endless sets or very old points could do, and the answer is no.
"""

from __future__ import annotations

from collections.abc import Iterator

from causal.estimand import Probability, latex, product, summed, text
from causal.query import Identification, Query, Refusal
from causal.separation import Path, ancestors, descendants, name_point, name_points
from causal.unroll import MOST_POINTS, Unrolled, bits, unroll, unroll_knowing, without


def front_door(query: Query) -> Identification | Refusal:
    """The total effect by a front door, or why there is none.

    `through` of the answer holds M: mediators alone where these suffice, the nearest to the outcome, and no smaller part
    of it is a front door. Treatments and outcome are taken to be measured, and a directed path to lead from the
    former to the latter.
    """
    for window in _windows(query):
        unrolled = unroll(query.graph, window)
        candidates = _unconfounded(query, unrolled)
        treated, outcome = unrolled.mask(query.treatments), unrolled.mask((query.outcome,))
        between = _led_to(unrolled.children, treated, outcome) & _led_to(unrolled.parents, outcome, treated)
        for allowed in (candidates & between, candidates):
            found = _greatest(unrolled, treated, outcome, allowed)
            if not _led_to(unrolled.children, treated, found) & outcome:
                return _told(query, unrolled, _least(unrolled, treated, outcome, found))
        knowing = unroll_knowing(query.graph, window, query.measured)
        most = _greatest(knowing, treated, outcome, candidates)
        if _led_to(unrolled.children, treated, most) & outcome:
            return _why_not(query, unrolled, candidates, most)
    return Refusal("No front door is found among the points of any finite set of periods that can be searched.")


def _windows(query: Query) -> Iterator[int]:
    """The query's own periods, then further back by twice as much each time, past all that memory in the graph can skip."""
    graph = query.graph
    window, further = query.depth + 1, graph.max_lag
    longest = max(4 * further, sum(max((edge.lag for edge in graph.parents(name)), default=0) for name in graph.names))
    yield window
    while 0 < further <= longest and (window + further) * len(graph.names) <= MOST_POINTS:
        yield window + further
        further *= 2


def _unconfounded(query: Query, unrolled: Unrolled) -> int:
    """The measured points without an open back-door path from a treatment: those of condition 2."""
    treated = unrolled.mask(query.treatments)
    cut = without(unrolled, ((one, other) for one, other in unrolled.directed if one in query.treatments))
    above = ancestors(cut, treated)
    for position in bits(above):
        above |= cut.spouses[position]
    asked = treated | unrolled.mask((query.outcome,))
    measured = unrolled.mask(point for point in unrolled.points if point[0] in query.measured)
    return measured & ~asked & ~descendants(cut, above)


def _led_to(links: tuple[int, ...], starts: int, around: int) -> int:
    """What walks along the links lead to, the points `around` as well, though no walk goes on from these."""
    found = todo = starts
    while todo:
        reached = 0
        for position in bits(todo):
            reached |= links[position]
        found, todo = found | reached, reached & ~found & ~around
    return found


def _greatest(unrolled: Unrolled, treated: int, outcome: int, candidates: int) -> int:
    """The greatest set among the candidates of condition 2 that fulfils condition 3.

    One search for open paths from y, the treatments held fixed. The edges out of a candidate are cut until an arrowhead
    reaches it; then it is out, and the paths over its edges count.
    """
    parents, children, spouses = unrolled.parents, unrolled.children, unrolled.spouses
    opened = ancestors(unrolled, treated)
    kept = candidates
    by_tail, by_head, wanted = outcome, 0, 0
    todo_tail, todo_head = outcome, 0
    while todo_tail or todo_head:
        heads = 0
        for position in bits(todo_tail & ~treated):
            wanted |= parents[position]
            heads |= children[position] | spouses[position]
        for position in bits(todo_head):
            if not treated >> position & 1:
                heads |= children[position]
            if opened >> position & 1:
                wanted |= parents[position]
                heads |= spouses[position]
        todo_head = heads & ~by_head
        by_head |= todo_head
        kept &= ~by_head
        todo_tail = wanted & ~kept & ~by_tail
        by_tail |= todo_tail
    return kept


def _least(unrolled: Unrolled, treated: int, outcome: int, greatest: int) -> int:
    """Of the greatest set that is a front door the nearest part to y, and of that the least that is one.

    Every open path from a member b to y, once the edges out of a smaller set are cut, has a last point of A; from there
    it leads directly to y. So D, the points of A with a directed path to y that meets no other, is a front door. A
    directed path from X that meets none of D before b makes b indispensable, and so does an open path into an
    indispensable point, from b, that meets none of D between.
    """
    last = _led_to(unrolled.parents, outcome, greatest) & greatest
    parents, children, spouses = unrolled.parents, unrolled.children, unrolled.spouses
    opened = ancestors(unrolled, treated)
    stops = last | treated
    needed = todo = _led_to(unrolled.children, treated, last) & last
    by_tail = by_head = todo_tail = todo_head = 0
    while todo or todo_tail or todo_head:
        tails = heads = 0
        for position in bits(todo):
            tails |= parents[position]
            heads |= spouses[position]
        for position in bits(todo_tail & ~stops):
            tails |= parents[position]
            heads |= children[position] | spouses[position]
        for position in bits(todo_head & ~last):
            if not treated >> position & 1:
                heads |= children[position]
            if opened >> position & 1:
                tails |= parents[position]
                heads |= spouses[position]
        todo_tail, todo_head = tails & ~by_tail, heads & ~by_head
        by_tail |= todo_tail
        by_head |= todo_head
        todo = (todo_tail | todo_head) & last & ~needed
        needed |= todo
    return needed


def _told(query: Query, unrolled: Unrolled, mask: int) -> Identification:
    treated, outcome = query.treatments, query.outcome
    door = unrolled.of_mask(mask)
    inner = summed(treated, product(Probability({outcome}, {*door, *treated}), Probability(treated)))
    formula = summed(door, product(Probability(door, treated), inner))
    names, doing, to = name_points(door), name_points(treated), name_point(outcome)
    why = (
        f"Front door: every directed path from {doing} to {to} passes {names}; no open path joins {doing} to "
        f"{'it' if len(door) == 1 else 'them'} from behind, and holding {doing} fixed blocks every path from behind "
        f"{names} to {to}."
    )
    return Identification(
        True,
        "front-door",
        None,
        text(formula, treated),
        why,
        latex=latex(formula, treated),
        through=door,
        estimand=formula,
    )


def _why_not(query: Query, unrolled: Unrolled, candidates: int, kept: int) -> Refusal:
    """A directed path that not even the greatest set meets, and what is wrong with its points."""
    path = _missed(unrolled, unrolled.mask(query.treatments), unrolled.index[query.outcome], kept)
    inner = [point for point in path.points[1:-1] if point[0] in query.measured]
    confounded = [point for point in inner if not candidates >> unrolled.index[point] & 1]
    open_behind = [point for point in inner if point not in confounded]
    treated, outcome = name_points(query.treatments), name_point(query.outcome)
    reasons: list[str] = []
    if confounded:
        reasons.append(f"an open path joins {treated} to {name_points(confounded)} from behind")
    if open_behind:
        reasons.append(
            f"holding {treated} fixed leaves a path from behind {name_points(open_behind)} to {outcome} open"
        )
    what = " and ".join(reasons) or "it meets no measured point"
    return Refusal(f"No front door: on the directed path {path}, {what}.", path)


def _missed(unrolled: Unrolled, treated: int, outcome: int, door: int) -> Path:
    """A shortest directed path from a treatment to the outcome around the points `door`."""
    came_from: dict[int, int] = {}
    layer = treated
    while outcome not in came_from:
        following = 0
        for position in bits(layer):
            for target in bits(unrolled.children[position] & ~door & ~treated):
                if target not in came_from:
                    came_from[target] = position
                    following |= 1 << target
        layer = following
    walk = [outcome]
    while walk[-1] in came_from:
        walk.append(came_from[walk[-1]])
    return Path(tuple(unrolled.points[position] for position in reversed(walk)), ("->",) * (len(walk) - 1))
