"""What can be answered from what is measured.

An effect is *identified* when the graph and the joint distribution of the measured points fix it, whatever the
unmeasured rest. `identify` says whether, by which strategy, and in words why or why not. Strategies are tried
in the order adjustment, front-door, the ID algorithm, instruments; the first is built, and each of the others
has its place in `_STRATEGIES`.

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
not measured. Front-door, the ID algorithm and instruments are not tried yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from causal.adjustment import adjustment_set, on_causal_paths, single_door_set
from causal.errors import CausalError, Fault
from causal.graph import Edge, Graph
from causal.query import Identification, Kind, Query, Refusal, checked_graph, read_query
from causal.separation import checked_points, descendants, m_separated, measured_names, name_point, name_points
from causal.unroll import Point, unroll, without

_UNTRIED = "Front-door, the ID algorithm and instruments are not tried yet."


def identify(graph: Graph, query: str, observed: Iterable[str], *, kind: Kind = "total") -> Identification:
    """Whether the effect in `query` is identified when the nodes `observed` are measured.

    `query` is ``presence[-1] -> illicit[0]``, or ``do(presence[-2], presence[-1]) -> illicit[0]`` for a joint
    intervention; offsets are at most 0 and may be left out in a graph without lags. `kind` is "total" (the effect of a
    one-period intervention, along every path) or "direct" (the coefficient of the edge from treatment to
    outcome). `observed` means measured in every period, arbitrarily far back. The query conditions on unit and
    time effects (`causal.query`).

    An effect that the graph rules out is identified and zero, with an empty set. Where the outcome or a treatment
    is not measured the answer is no, not an error. Raises `CausalError`, with everything that is wrong, for
    unknown names, offsets in the future, an outcome that is also a treatment, a text that is no query, and a direct
    effect of several treatments.
    """
    return _answer(read_query(graph, query, observed, kind))


def identify_edge(graph: Graph, edge: Edge | str, observed: Iterable[str]) -> Identification:
    """Whether the edge's own coefficient is identified: the direct effect at its lag, on its effect now.

    `edge` is an `Edge` of the graph or its text. Raises `CausalError` where the graph has no such edge.
    """
    found = _edge_of(graph, edge)
    measured = measured_names(graph, observed)
    return _answer(Query(graph, ((found.cause, -found.lag),), (found.effect, 0), measured, "direct"))


def single_door(graph: Graph, edge: Edge | str, given: Iterable[Point]) -> bool:
    """Whether a regression on the edge's cause and the points `given` has the edge's coefficient.

    `given` are (node, offset) points relative to the edge's effect at offset 0; the cause itself may stand among
    them. True where they hold no descendant of the effect and block every path from the cause to it but the edge
    (the single-door criterion). So it says of a model's own regression of a node on all its measured causes
    whether the edge's effect may be read off it. Raises `CausalError` for an unknown edge or point, offsets in the
    future, and the effect itself in `given`.
    """
    found = _edge_of(graph, edge)
    cause, effect = (found.cause, -found.lag), (found.effect, 0)
    held = checked_points(graph, given, "given") - {cause}
    if effect in held:
        raise CausalError(Fault(f"{name_point(effect)} is the effect itself", where="given", mend="leave it out"))
    window = 1 - min(offset for _, offset in (cause, *held))
    unrolled = unroll(graph, window)
    if descendants(unrolled, unrolled.mask((effect,))) & unrolled.mask(held):
        return False
    return m_separated(without(unrolled, ((cause, effect),)), cause, effect, held)


def _answer(query: Query) -> Identification:
    names = dict.fromkeys(name for name, _ in (*query.treatments, query.outcome))
    if unmeasured := [name for name in names if name not in query.measured]:
        verb = "is" if len(unmeasured) == 1 else "are"
        return _not_identified(f"{' and '.join(unmeasured)} {verb} not measured, so no data speak about this effect.")
    if query.kind == "direct":
        if zero := _zero_direct(query):
            return zero
        found = single_door_set(query)
        if isinstance(found, Refusal):
            return _not_identified(
                f"{found.why} Instruments are not tried yet, nor are front-door and the ID algorithm.", found
            )
        return found
    if zero := _zero_total(query):
        return zero
    refused: list[Refusal] = []
    for strategy in _STRATEGIES:
        result = strategy(query)
        if isinstance(result, Identification):
            return result
        refused.append(result)
    return _not_identified(" ".join((*(each.why for each in refused), _UNTRIED)), refused[0])


def _not_identified(why: str, refusal: Refusal | None = None) -> Identification:
    path, hedge = (refusal.path, refusal.hedge) if refusal else (None, frozenset[Point]())
    return Identification(False, None, None, "", why, path=path, hedge=hedge)


def _zero_direct(query: Query) -> Identification | None:
    (cause, at), (effect, now) = query.treatments[0], query.outcome
    if any(edge.cause == cause and edge.lag == now - at for edge in query.graph.parents(effect)):
        return None
    pair = f"{name_point((cause, at))} to {name_point(query.outcome)}"
    why = f"The graph has no edge from {pair}: the direct effect is zero."
    return Identification(True, "adjustment", frozenset(), "0", why)


def _zero_total(query: Query) -> Identification | None:
    unrolled = unroll(query.graph, query.depth + 1)
    if on_causal_paths(unrolled, query.treatments, query.outcome):
        return None
    to = name_point(query.outcome)
    why = f"No directed path leads from {name_points(query.treatments)} to {to}: the effect is zero."
    return Identification(True, "adjustment", frozenset(), f"P({to})", why)


type _Way = Callable[[Query], Identification | Refusal]
"""A strategy for total effects: the identification, or in words why it fails."""

_STRATEGIES: tuple[_Way, ...] = (adjustment_set,)
"""In the order of preference: adjustment, then front-door, the ID algorithm and instruments once they are built."""


def _edge_of(graph: Graph, edge: Edge | str) -> Edge:
    checked_graph(graph)
    if not isinstance(edge, Edge):
        return graph.edge(edge)
    return graph.edge(edge.name)
