"""What can be answered from what is measured.

An effect is *identified* when the graph and the joint distribution of the measured points fix it, whatever the
unmeasured rest. `identify` says whether, by which strategy, and in words why or why not. Strategies are tried
in the order adjustment (`causal.adjustment`), front-door (`causal.frontdoor`), the ID algorithm (`causal.districts`; complete: no
formula exists where it finds none) and, for linear equations only, instruments (`causal.instrument`).

>>> from causal.graph import Edge, Graph, Node
>>> graph = Graph(
...     tuple(Node(name) for name in ("presence", "illicit", "war")),
...     (
...         Edge("presence", "illicit", lag=1),
...         Edge("war", "presence"),
...         Edge("war", "illicit", lag=1),
...         Edge("war", "war", lag=1),
...         Edge("presence", "presence", lag=1),
...     ),
... )
>>> found = identify(graph, "presence[-1] -> illicit[0]", {"presence", "illicit", "war"})
>>> found.strategy, sorted(found.adjustment)
('adjustment', [('war', -1)])
>>> print(found.formula)
sum over war[-1] of P(illicit[0] | presence[-1], war[-1]) P(war[-1])
>>> print(identify(graph, "presence[-1] -> illicit[0]", {"presence", "illicit"}).why)
The path presence[-1] <- war[-1] -> illicit[0] stays open whatever measured points are held fixed: war[-1] is \
not measured. No formula exists: presence[-1] shares unmeasured causes with illicit[0], directly or from one to the next, \
and nothing measured takes them apart (a hedge). No measured point moves presence[-1] and reaches illicit[0] only through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from causal.adjustment import adjustment_set, on_causal_paths, single_door_set
from causal.districts import along_paths, by_districts
from causal.errors import CausalError, Fault, raise_all
from causal.frontdoor import front_door
from causal.graph import Edge, Graph, Node
from causal.instrument import instrument
from causal.others import mean_of_others, measured_means, with_others
from causal.query import Identification, Kind, Query, Refusal, by_age, checked_graph, read_query
from causal.separation import Path, checked_points, descendants, m_separated, measured_names, name_point, name_points
from causal.unroll import Point, Unrolled, project, unroll, without

type Effect = Literal["unit", "time"]

EFFECTS: tuple[Effect, ...] = ("unit", "time")

MOST_TRIED = 50
"""So many sets of points are set by hand in the search for a direct effect before it gives up."""


def identify(
    graph: Graph,
    query: str,
    observed: Iterable[str],
    *,
    kind: Kind = "total",
    fixed: Iterable[Effect] = EFFECTS,
) -> Identification:
    """Whether the effect in `query` is identified when the nodes `observed` are measured.

    `query` is ``presence[-1] -> illicit[0]``; ``do(presence[-2], presence[-1]) -> illicit[0]`` for a joint
    intervention; ``presence[-2] -> coca[-1] -> illicit[0]`` for the part of the effect that runs over coca[-1]. Offsets
    are at most 0 and may be left out in a graph without lags. `kind` is "total" (the effect of a
    one-period intervention, along every path) or "direct" (the coefficient of the edge from treatment to
    outcome). `observed` means measured in every period, arbitrarily far back.

    `fixed` says which of the units' and the periods' own effects the query holds fixed, as the model does with both.
    One that is not held fixed is an unmeasured cause with memory of every node, so that only zero effects are left.

    An effect that the graph rules out is identified and zero, with an empty set. Where the outcome or a treatment
    is not measured the answer is no, not an error. With effects across units the query is about one unit's own nodes, and other
    units are held fixed by their means only (`causal.others`); what a change in the others does in total is no query here.

    Raises `CausalError`, with everything that is wrong, for unknown names, offsets in the future, an outcome that is
    also a treatment, a text that is no query, a direct effect of several treatments, and no measured node at all.
    """
    asked = read_query(graph, query, observed, kind)
    measured = measured_means(graph, asked.measured)
    return _answer(replace(asked, graph=_with_effects(with_others(graph), fixed), measured=measured))


def identify_edge(
    graph: Graph, edge: Edge | str, observed: Iterable[str], *, weights: Iterable[str] | None = None
) -> Identification:
    """Whether the edge's own coefficient is identified: the direct effect at its lag, on its effect now.

    `edge` is an `Edge` of the graph or its text. Of an effect across units the cause is the others' weighted mean, an
    observed regressor of its own where the node is measured and its weights are among `weights` (None: all are known).
    Raises `CausalError` where the graph has no such edge.
    """
    found = _edge_of(graph, edge)
    measured = measured_means(graph, measured_names(graph, observed), weights)
    cause = mean_of_others(graph, found.cause, found.across)
    return _answer(Query(with_others(graph), ((cause, -found.lag),), (found.effect, 0), measured, "direct"))


def single_door(graph: Graph, edge: Edge | str, given: Iterable[Point]) -> bool:
    """Whether a regression on the edge's cause and the points `given` has the edge's coefficient.

    `given` are (node, offset) points relative to the edge's effect at offset 0; the cause itself may stand among
    them. True where they hold no descendant of the effect and block every path from the cause to it but the edge
    (the single-door criterion). So it says of a model's own regression of a node on all its measured causes
    whether the edge's effect may be read off it. Raises `CausalError` for an unknown edge or point, offsets in the
    future, and the effect itself in `given`. A mean of other units goes by its name in `causal.others.with_others`.
    """
    found = _edge_of(graph, edge)
    cause, effect = (mean_of_others(graph, found.cause, found.across), -found.lag), (found.effect, 0)
    graph = with_others(graph)
    held = checked_points(graph, given, "given") - {cause}
    if effect in held:
        raise CausalError(Fault(f"{name_point(effect)} is the effect itself", where="given", mend="leave it out"))
    window = 1 - min(offset for _, offset in (cause, *held))
    unrolled = unroll(graph, window)
    if descendants(unrolled, unrolled.mask((effect,))) & unrolled.mask(held):
        return False
    return m_separated(without(unrolled, ((cause, effect),)), cause, effect, held)


def _answer(query: Query) -> Identification:
    names = dict.fromkeys(name for name, _ in (*query.treatments, *query.through, query.outcome))
    if unmeasured := [name for name in names if name not in query.measured]:
        verb = "is" if len(unmeasured) == 1 else "are"
        return _not_identified(f"{' and '.join(unmeasured)} {verb} not measured, so no data speak about this effect.")
    if zero := _zero(query):
        return zero
    refused: list[Refusal] = []
    for strategy in _ALONG_PATHS if query.through else _DIRECT if query.kind == "direct" else _TOTAL:
        found = strategy(query)
        if isinstance(found, Identification):
            return found
        refused.append(found)
    why = " ".join(refusal.why for refusal in refused if refusal.why)
    return _not_identified(
        why,
        next((refusal.path for refusal in refused if refusal.path), None),
        next((refusal.hedge for refusal in refused if refusal.hedge), frozenset()),
    )


def _not_identified(why: str, path: Path | None = None, hedge: frozenset[Point] = frozenset()) -> Identification:
    return Identification(False, None, None, "", why, path=path, hedge=hedge)


def _zero(query: Query) -> Identification | None:
    """Where the graph has no such edge or path."""
    treated, to = name_points(query.treatments), name_point(query.outcome)
    if query.kind == "direct":
        if _edge_asked(query) is not None:
            return None
        return _no_effect("0", f"The graph has no edge from {treated} to {to}: the direct effect is zero.")
    unrolled = unroll(query.graph, query.depth + 1)
    stages = [query.treatments, *((point,) for point in query.through), (query.outcome,)]
    if all(on_causal_paths(unrolled, start, end) for start, (end,) in pairwise(stages)):
        return None
    over = f" over {name_points(query.through)}" if query.through else ""
    why = f"No directed path leads from {treated}{over} to {to}: the effect is zero."
    return _no_effect("0" if query.through else f"P({to})", why)


def _no_effect(formula: str, why: str) -> Identification:
    return Identification(True, "adjustment", frozenset(), formula, why)


def _edge_asked(query: Query) -> Edge | None:
    (cause, at), (effect, now) = query.treatments[0], query.outcome
    return next((edge for edge in query.graph.parents(effect) if edge.cause == cause and edge.lag == now - at), None)


def _direct_by_districts(query: Query) -> Identification | Refusal:
    """The edge's effect as that of its cause while measured points that meet all other directed paths are set by hand.

    All points between are set first. A hedge that holds some of them stands as long as they all are set, so the
    search goes on without one of these, as long as the rest still meets every other path. A hedge that holds
    none but the cause stands whatever is set: so the search misses no set that serves.
    """
    (cause,), outcome = query.treatments, query.outcome
    unrolled = without(unroll(query.graph, query.depth + 1), ((cause, outcome),))
    between = unrolled.of_mask(on_causal_paths(unrolled, (cause,), outcome)) - {outcome}
    todo = [frozenset(point for point in between if point[0] in query.measured)]
    tried: set[frozenset[Point]] = set()
    hedge = frozenset[Point]()
    while todo and len(tried) < MOST_TRIED:
        held = todo.pop()
        if held in tried or not _meets_every_path(unrolled, cause, outcome, held):
            continue
        tried.add(held)
        found = by_districts(replace(query, treatments=(cause, *by_age(held)), kind="total"))
        if isinstance(found, Identification):
            while_held = f" while {name_points(held)} {'is' if len(held) == 1 else 'are'} set by hand" if held else ""
            return replace(found, why=f"The direct effect is what {name_point(cause)} changes{while_held}. {found.why}")
        hedge = hedge or found.hedge
        todo += [held - {point} for point in by_age(found.hedge & held)]
    return Refusal("", hedge=hedge)


def _meets_every_path(unrolled: Unrolled, cause: Point, outcome: Point, held: frozenset[Point]) -> bool:
    """Whether every directed path from the cause to the outcome meets a point held, the edge itself left out."""
    shown = project(unrolled, unrolled.mask((cause, *held, outcome)))
    return not shown.children[shown.index[cause]] >> shown.index[outcome] & 1


type _Way = Callable[[Query], Identification | Refusal]
"""A strategy: the identification, or in words why it fails."""


def _front_door(query: Query) -> Identification | Refusal:
    """Its reason is left out: the hedge that follows says more."""
    found = front_door(query)
    return Refusal("") if isinstance(found, Refusal) else found


_TOTAL: tuple[_Way, ...] = (adjustment_set, _front_door, by_districts, instrument)
_DIRECT: tuple[_Way, ...] = (single_door_set, _direct_by_districts, instrument)
_ALONG_PATHS: tuple[_Way, ...] = (along_paths,)


def _with_effects(graph: Graph, fixed: Iterable[Effect]) -> Graph:
    """The graph with the effects that are not held fixed as unmeasured nodes."""
    held = set(fixed) if not isinstance(fixed, str) else {fixed}
    raise_all(
        Fault(f"no effect {name!r} to hold fixed", where="fixed", mend=f"some of: {', '.join(EFFECTS)}")
        for name in sorted(held - {*EFFECTS}, key=str)
    )
    names = set(graph.names)
    nodes, edges = list(graph.nodes), list(graph.edges)
    for name in EFFECTS:
        if name not in held:
            added = f"{name}_effect"
            while added in names:
                added += "_"
            nodes.append(Node(added))
            edges += [Edge(added, added, lag=1), *(Edge(added, affected) for affected in graph.names)]
    return Graph(tuple(nodes), tuple(edges), graph.latents)


def _edge_of(graph: Graph, edge: Edge | str) -> Edge:
    checked_graph(graph)
    if not isinstance(edge, Edge):
        return graph.edge(edge)
    return graph.edge(edge.name)
