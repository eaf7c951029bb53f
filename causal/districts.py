"""The ID algorithm: a formula for every effect that has one, or the hedge that forbids it.

Points that unmeasured causes tie together, directly or over others so tied, form a *district* (a c-component). The joint
distribution of what is measured falls into one factor a district, ``Q[S]``: the distribution of S when
everything else is set by hand (Tian and Pearl 2002). The effect of X on y is the product of ``Q[D]`` over
the districts D of the causes of y that do not act through X, summed over all but y; each ``Q[D]`` is cut out of
the ``Q[S]`` of the district around it by summing out what has no effect on D and splitting again. Where neither
step gets further, S and D form a *hedge*, and no formula exists in any other way either (Huang and Valtorta 2006;
Shpitser and Pearl 2006).

>>> from causal.graph import Edge, Graph, Latent, Node
>>> from causal.query import read_query
>>> nodes = tuple(Node(name) for name in "wrxy")
>>> napkin = Graph(nodes, (Edge("w", "r"), Edge("r", "x"), Edge("x", "y")), (Latent("w", "x"), Latent("w", "y")))
>>> print(by_districts(read_query(napkin, "x[0] -> y[0]", {"w", "r", "x", "y"})).formula)
[sum over w[0] of P(x[0], y[0] | r[0], w[0]) P(w[0])] / [sum over w[0] of P(x[0] | r[0], w[0]) P(w[0])]
>>> bow = Graph(nodes, (Edge("x", "y"),), (Latent("x", "y"),))
>>> sorted(by_districts(read_query(bow, "x[0] -> y[0]", {"x", "y"})).hedge)
[('x', 0), ('y', 0)]

**How far back.** All this happens in a window of the process, projected on the measured points. What happened before
joins the window's first points, so a yes in any window is a yes. A longer window shows more, and never turns a yes
into a no. And a hedge among points that share causes over unmeasured nodes only (`unroll_knowing`) stays
one in every longer window, so that it is a no for good. The window grows until either is found; where
neither is after `FURTHER` periods, only measuring all of the endless past would tell, and the answer is no.

**Paths.** The effect along some of the paths is what changes when the treatment's new value is seen by the first points
of those paths and its old value by the first points of the others. It is identified where the effect is and
no district has first points of both kinds, the recanting district (Avin, Shpitser and Pearl 2005; Shpitser 2013).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce

from causal.estimand import STAR, Formula, Probability, Product, Ratio, latex, product, starred, summed, text
from causal.query import Identification, Query, Refusal
from causal.separation import ancestors, name_point, name_points
from causal.unroll import Point, Unrolled, bits, project, unroll, unroll_knowing

FURTHER = 6
"""By how many times the longest lag a window grows beyond the query's own periods before the search ends.

Of 34,000 random queries in graphs of up to nine nodes and lags of up to 3, every formula was found within 3 times.
"""


def by_districts(query: Query) -> Identification | Refusal:
    """The total effect's formula by the ID algorithm, or the hedge."""
    windows = list(_windows(query))
    for window in windows:
        # What a hedge ties for good is looked for at once, and then in the longest window.
        if window in windows[:2]:
            knowing = _knowing(query, windows[0] if window == windows[0] else windows[-1])
            if (hedge := _hedge_points(knowing, query.treatments, query.outcome)) is not None:
                return _hedged(query, hedge)
        found = effect_in(_shown(query, window), query.treatments, query.outcome)
        if not isinstance(found, frozenset):
            why = f"ID algorithm: splitting by unmeasured common causes leaves a formula for {query.text}"
            return _identified(found, query, why)
    return Refusal(_ENDLESS)


def effect_in(graph: Unrolled, treated: Iterable[Point], outcome: Point) -> Formula | frozenset[Point]:
    """The distribution of the outcome under do(treated) in an acyclic mixed graph of measured points, or the hedge's points."""
    treatments = tuple(treated)
    hedge = _hedge_points(graph, treatments, outcome)
    return _effect(graph, graph.mask(treatments), graph.index[outcome]) if hedge is None else hedge


def along_paths(query: Query) -> Identification | Refusal:
    """The effect along the directed paths over the points `query.through`, in their order, or why it has no formula.

    One treatment; the points of `through` are measured.
    """
    refused = Refusal(_ENDLESS)
    for window in _windows(query):
        if (found := _path_refusal(query, _knowing(query, window))) is not None:
            return found
        shown = _shown(query, window)
        if (found := _path_refusal(query, shown)) is not None:
            refused = found
            continue
        along, _ = _first_points(query, shown)
        formula = _effect(shown, shown.mask(query.treatments), shown.index[query.outcome], seeing=along)
        name = name_point(query.treatments[0])
        why = (
            f"ID algorithm: only the paths over {name_points(query.through)} see the new value of {name}, the others "
            f"its old one, written with a star"
        )
        return _identified(formula, query, why)
    return refused


_ENDLESS = (
    "Some points share causes further back than any finite set of measured periods reaches, and no formula over the periods "
    "that can be searched takes them apart."
)


def _windows(query: Query) -> Iterable[int]:
    first = query.depth + 1
    return range(first, first + 1 + FURTHER * query.graph.max_lag)


def _shown(query: Query, window: int) -> Unrolled:
    """The window's measured points, with everything before projected."""
    return _projected(query, unroll(query.graph, window))


def _knowing(query: Query, window: int) -> Unrolled:
    """The window's measured points, with what every longer window keeps joined."""
    return _projected(query, unroll_knowing(query.graph, window, query.measured))


def _projected(query: Query, unrolled: Unrolled) -> Unrolled:
    return project(unrolled, unrolled.mask(point for point in unrolled.points if point[0] in query.measured))


def _identified(formula: Formula, query: Query, why: str) -> Identification:
    # A formula may hold a point at a value that makes no difference.
    starred_too = {(name + STAR, at) for name, at in query.treatments}
    loose = formula.free - {query.outcome, *query.treatments, *starred_too}
    any_value = f"; it is the same at any value of {name_points(loose)}" if loose else ""
    first = query.treatments
    written = text(formula, first)
    return Identification(
        True, "id", None, written, f"{why}{any_value}.", latex=latex(formula, first), estimand=formula
    )


def _hedged(query: Query, hedge: frozenset[Point]) -> Refusal:
    treated = [point for point in query.treatments if point in hedge]
    share = "shares" if len(treated) == 1 else "share"
    return Refusal(
        f"No formula exists: {name_points(treated)} {share} unmeasured causes with {name_points(hedge - {*treated})}, directly "
        "or from one to the next, and nothing measured takes them apart (a hedge).",
        hedge=hedge,
    )


@dataclass(frozen=True, slots=True)
class _Hedge:
    """Of the points `around`, tied by unmeasured causes, all act on the district `within` and none can be summed out."""

    around: int
    within: int


def _hedge_points(graph: Unrolled, treated: tuple[Point, ...], outcome: Point) -> frozenset[Point] | None:
    found = _hedge(graph, graph.mask(treated), graph.index[outcome])
    return None if found is None else graph.of_mask(found.around)


def _districts(graph: Unrolled, mask: int) -> Iterator[int]:
    """The districts of the graph's part `mask`, each as a mask."""
    left = mask
    while left:
        district = _district(graph, left & -left, mask)
        yield district
        left &= ~district


def _district(graph: Unrolled, start: int, mask: int) -> int:
    found = todo = start
    while todo:
        reached = reduce(lambda joined, position: joined | graph.spouses[position], bits(todo), 0)
        todo = reached & mask & ~found
        found |= todo
    return found


def _ancestors_within(graph: Unrolled, points: int, mask: int) -> int:
    found = todo = points
    while todo:
        reached = reduce(lambda joined, position: joined | graph.parents[position], bits(todo), 0)
        todo = reached & mask & ~found
        found |= todo
    return found


def _asked(graph: Unrolled, treated: int, outcome: int) -> tuple[int, int]:
    """The ancestors of the outcome, and those of them that act otherwise than through the treated."""
    relevant = ancestors(graph, 1 << outcome)
    return relevant, _ancestors_within(graph, 1 << outcome, relevant & ~treated)


def _hedge(graph: Unrolled, treated: int, outcome: int) -> _Hedge | None:
    relevant, acting = _asked(graph, treated, outcome)
    for district in _districts(graph, acting):
        around = _district(graph, district, relevant)
        while around != district:
            causes = _ancestors_within(graph, district, around)
            if causes == around:
                return _Hedge(around, district)
            around = _district(graph, district, causes)
    return None


@dataclass(frozen=True, slots=True)
class _Kernel:
    """``Q[heads]`` as the sum over `over` of the product of `factors`, one for each point of `heads` and `over`.

    Every factor is a distribution of its point given earlier ones, so that what is summed and no later factor mentions
    drops out. `factors` are by position in the graph, in its order.
    """

    factors: dict[int, Formula]
    over: int


def _effect(graph: Unrolled, treated: int, outcome: int, seeing: int | None = None) -> Formula:
    """The effect's formula; without a hedge only. With `seeing`, districts without any of its points see old values."""
    relevant, acting = _asked(graph, treated, outcome)
    kernels = [(district, _within(graph, district, relevant)) for district in _districts(graph, acting)]
    parts: list[tuple[int, _Kernel]] = []
    for district, kernel in kernels:
        cut = _without_barren(graph, kernel, district)
        if seeing is not None and not district & seeing:
            marks = graph.of_mask(treated)
            cut = replace(cut, factors={at: starred(factor, marks) for at, factor in cut.factors.items()})
        # A kernel without a sum of its own falls into its factors.
        if cut.over:
            parts.append((district, cut))
        else:
            parts += [(1 << at, _Kernel({at: factor}, 0)) for at, factor in cut.factors.items()]
    return _combined(graph, parts, 1 << outcome)


def _within(graph: Unrolled, district: int, relevant: int) -> _Kernel:
    """``Q[district]`` out of that of the district around it among the outcome's ancestors."""
    around = _district(graph, district, relevant)
    kernel = _Kernel({at: _conditional(graph, at, relevant) for at in bits(around)}, 0)
    while around != district:
        causes = _ancestors_within(graph, district, around)
        kernel = _without_barren(graph, replace(kernel, over=kernel.over | around & ~causes), causes)
        around = _district(graph, district, causes)
        kernel = _split(graph, kernel, causes, around)
    return kernel


def _conditional(graph: Unrolled, position: int, relevant: int) -> Formula:
    """The point given all before it: of these only its district's and their parents matter."""
    before = relevant & ((1 << position + 1) - 1)
    blanket = _district(graph, 1 << position, before)
    for mate in bits(blanket):
        blanket |= graph.parents[mate]
    return Probability({graph.points[position]}, graph.of_mask(blanket & before & ~(1 << position)))


def _without_barren(graph: Unrolled, kernel: _Kernel, heads: int) -> _Kernel:
    """The kernel without the summed points that no other factor mentions."""
    factors, over = dict(kernel.factors), kernel.over
    for position in sorted(factors, reverse=True):
        point = graph.points[position]
        if over >> position & 1 and not any(point in other.free for at, other in factors.items() if at != position):
            del factors[position]
            over &= ~(1 << position)
    assert not heads & over, "what is asked for is not summed out"
    return _Kernel(factors, over)


def _split(graph: Unrolled, kernel: _Kernel, heads: int, chosen: int) -> _Kernel:
    """Of ``Q[heads]`` the factors of one of its districts: each point given those before it."""
    if not kernel.over:
        return _Kernel({at: kernel.factors[at] for at in bits(chosen)}, 0)
    return _Kernel(
        {
            at: _ratio(
                _components(graph, kernel, heads & ((1 << at + 1) - 1)),
                _components(graph, kernel, heads & ((1 << at) - 1)),
            )
            for at in bits(chosen)
        },
        0,
    )


def _components(graph: Unrolled, kernel: _Kernel, heads: int) -> list[Formula]:
    """The kernel summed to the points `heads`, as factors that share no summed point."""
    everything = reduce(lambda joined, at: joined | 1 << at, kernel.factors, 0)
    cut = _without_barren(graph, replace(kernel, over=everything & ~heads), heads)
    return _summed(graph, cut)


def _separately(factors: list[Formula], over: frozenset[Point]) -> list[Formula]:
    """The sum over `over` of the factors' product, as a product of sums that share nothing."""
    groups: list[tuple[list[Formula], frozenset[Point]]] = []
    for factor in factors:
        touched = factor.free & over
        alike = [group for group in groups if group[1] & touched]
        rest = [group for group in groups if not group[1] & touched]
        merged = [member for members, _ in alike for member in members]
        joined = touched.union(*(points for _, points in alike))
        groups = [*rest, ([*merged, factor], joined)]
    return [summed(points, _chained(members)) for members, points in groups]


def _ratio(above: list[Formula], below: list[Formula]) -> Formula:
    """The ratio of two products, what stands in both left out."""
    numerator, denominator = list(above), list[Formula]()
    for factor in below:
        if factor in numerator:
            numerator.remove(factor)
        else:
            denominator.append(factor)
    top = _chained(numerator)
    return Ratio(top, _chained(denominator)) if denominator else top


def _combined(graph: Unrolled, parts: list[tuple[int, _Kernel]], outcome: int) -> Formula:
    """The product of the parts, summed over all their points but the outcome."""
    # A point that only its own part mentions is summed within the part, where it may drop out.
    mentions = Counter(point for _, kernel in parts for point in _free(graph, kernel))
    todo = list(range(len(parts)))
    while todo:
        heads, kernel = parts[here := todo.pop()]
        alone = graph.mask(point for point in graph.of_mask(heads & ~outcome) if mentions[point] == 1)
        cut = _without_barren(graph, replace(kernel, over=kernel.over | alone), heads & ~alone)
        if len(cut.factors) == len(kernel.factors):
            continue
        dropped = alone & ~cut.over
        cut = replace(cut, over=kernel.over & cut.over)
        gone = _free(graph, kernel) - _free(graph, cut)
        parts[here] = (heads & ~dropped, cut)
        mentions.subtract(gone)
        todo = [at for at, (_, other) in enumerate(parts) if gone & _free(graph, other)] + todo
    left = [(heads, kernel) for heads, kernel in parts if kernel.factors]
    left.sort(key=lambda part: -part[0])
    factors = [factor for _, kernel in left for factor in _summed(graph, kernel)]
    heads = reduce(lambda joined, part: joined | part[0], left, 0) & ~outcome
    return _chained(_separately(factors, graph.of_mask(heads)))


def _summed(graph: Unrolled, kernel: _Kernel) -> list[Formula]:
    """The kernel as factors, the latest first."""
    factors = [factor for _, factor in sorted(kernel.factors.items(), reverse=True)]
    return _separately(factors, graph.of_mask(kernel.over))


def _free(graph: Unrolled, kernel: _Kernel) -> frozenset[Point]:
    return frozenset[Point]().union(*(factor.free for factor in kernel.factors.values())) - graph.of_mask(kernel.over)


def _chained(factors: list[Formula]) -> Formula:
    """The product of factors, with ``P(a | b, c) P(b | c)`` written as ``P(a, b | c)``."""
    left = [part for factor in factors for part in (factor.factors if isinstance(factor, Product) else (factor,))]
    while True:
        pair = next(
            (
                (first, second)
                for first in left
                for second in left
                if isinstance(first, Probability)
                and isinstance(second, Probability)
                and first.given == second.of | second.given
            ),
            None,
        )
        if pair is None:
            return product(*left)
        first, second = pair
        left[left.index(first)] = Probability(first.of | second.of, second.given)
        left.remove(second)


def _first_points(query: Query, graph: Unrolled) -> tuple[int, int]:
    """Through which of its effects the treatment acts along the paths that are asked for, and through which otherwise.

    Both are masks. A path is followed with the number of points of `query.through` that it has met in their order.
    """
    steps = [graph.index[point] for point in query.through]
    start, end = graph.index[query.treatments[0]], graph.index[query.outcome]
    # By point and number met so far, the point's own included: whether the outcome is reached with all met, and with fewer.
    reached: dict[tuple[int, int], tuple[bool, bool]] = {}
    for position in reversed(range(len(graph.points))):
        for met in range(len(steps) + 1):
            ends = [(position == end and met == len(steps), position == end and met < len(steps))]
            ends += [reached[child, met + _meets(steps, met, child)] for child in bits(graph.children[position])]
            blocked = position == start
            reached[position, met] = (
                not blocked and any(full for full, _ in ends),
                not blocked and any(part for _, part in ends),
            )
    along = otherwise = 0
    for child in bits(graph.children[start]):
        full, part = reached[child, _meets(steps, 0, child)]
        along |= full << child
        otherwise |= part << child
    return along, otherwise


def _meets(steps: list[int], met: int, position: int) -> int:
    return int(met < len(steps) and steps[met] == position)


def _path_refusal(query: Query, graph: Unrolled) -> Refusal | None:
    treated, outcome = graph.mask(query.treatments), graph.index[query.outcome]
    if (hedge := _hedge(graph, treated, outcome)) is not None:
        return _hedged(query, graph.of_mask(hedge.around))
    along, otherwise = _first_points(query, graph)
    name = name_point(query.treatments[0])
    if along & otherwise:
        witness = name_points(graph.of_mask(along & otherwise))
        return Refusal(
            f"The paths asked for and others leave {name} together over {witness}: what follows has seen either the new "
            f"value of {name} or the old one, never both."
        )
    _, acting = _asked(graph, treated, outcome)
    for district in _districts(graph, acting):
        if district & along and district & otherwise:
            one, other = (name_points(graph.of_mask(district & side)) for side in (along, otherwise))
            return Refusal(
                f"{one}, on the paths asked for, and {other}, on others, are tied together by unmeasured causes: how they "
                f"move when only the one sees the new value of {name} cannot be seen.",
                hedge=graph.of_mask(district),
            )
    return None
