"""From a graph of a process to an acyclic graph of its points.

A `Graph` says what acts on what, now or some periods later, in every period. A *point* is a node at an
offset: ``("corruption", -1)`` is corruption one period ago. Copying the nodes over a window of periods turns
loops through time into an acyclic graph, in which the questions of separation and adjustment can be asked.

The window has no beginning in nature. What happened before it reaches the window's first points, and two
of them that draw on the same earlier point share a cause that the window does not show. `unroll` finds
every such pair, over the whole infinite past, and joins it by a bidirected edge: the latent projection
(Verma and Pearl 1990) of the process on the window. A separation in the unrolled graph therefore holds
in the process, and a separation of the process inside the window shows in the unrolled graph.

>>> from causal.graph import Edge, Graph, Node
>>> memory = Graph((Node("a"), Node("b")), (Edge("a", "a", lag=1), Edge("a", "b", lag=1)))
>>> unrolled = unroll(memory, window=2)
>>> unrolled.directed
((('a', -1), ('a', 0)), (('a', -1), ('b', 0)))
>>> unrolled.bidirected
((('a', -1), ('b', -1)),)

How it is decided: two earlier points share an ancestor (or are one another's) if and only if stepping always the
later of the two back to one of its causes can make them meet. The distance between the two then never exceeds
the longest lag, so that finitely many cases stand for the infinite past.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from causal.errors import CausalError, Fault
from causal.graph import Graph

type Point = tuple[str, int]
"""A node at an offset: 0 is now, -1 one period ago."""

type Pair = tuple[Point, Point]

MOST_POINTS = 12_000
"""A window of more points is refused: a slip of the pen, and a long search (masks take memory in the square of it)."""

MOST_REACHED = 1_000
"""The longest lags into the nodes may add up to so many periods, for the same reason."""


@dataclass(frozen=True, slots=True)
class Unrolled:
    """An acyclic mixed graph of points.

    `points` are in an order in which causes come before effects; `directed` are (cause, effect) pairs;
    `bidirected` pairs share an unmeasured cause, and those of them in `past` do so only through what
    happened before the window. The masks are for searches: bit i of a mask stands for `points[i]`, and
    `parents[i]`, `children[i]` and `spouses[i]` are the points joined to it.
    """

    window: int
    points: tuple[Point, ...]
    directed: tuple[Pair, ...]
    bidirected: tuple[Pair, ...]
    past: frozenset[Pair] = frozenset()
    index: Mapping[Point, int] = field(init=False, repr=False, compare=False)
    parents: tuple[int, ...] = field(init=False, repr=False, compare=False)
    children: tuple[int, ...] = field(init=False, repr=False, compare=False)
    spouses: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {point: position for position, point in enumerate(self.points)}
        parents, children, spouses = ([0] * len(index) for _ in range(3))
        for cause, effect in self.directed:
            parents[index[effect]] |= 1 << index[cause]
            children[index[cause]] |= 1 << index[effect]
        for left, right in self.bidirected:
            spouses[index[left]] |= 1 << index[right]
            spouses[index[right]] |= 1 << index[left]
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "parents", tuple(parents))
        object.__setattr__(self, "children", tuple(children))
        object.__setattr__(self, "spouses", tuple(spouses))

    def mask(self, points: Iterable[Point]) -> int:
        """The points as a mask; KeyError for a point outside the window."""
        found = 0
        for point in points:
            found |= 1 << self.index[point]
        return found

    def of_mask(self, mask: int) -> frozenset[Point]:
        """The points of a mask."""
        return frozenset(self.points[position] for position in bits(mask))


def unroll(graph: Graph, window: int = 2) -> Unrolled:
    """The graph's points at offsets -(window - 1) to 0, with the infinite past projected on them.

    The projection is exact: two sets of the window's points are m-separated by a third in the result if and only if
    they are in the process without beginning. Every node is kept, measured or not. Raises `CausalError` for effects across
    units (`causal.others.with_others` writes them out), and where the window is no whole number of at least 1, or window or lags are too long to be searched.
    """
    if not isinstance(cast("object", graph), Graph):
        raise CausalError(Fault(f"unroll takes a Graph, not {type(graph).__name__}", mend="read one with read_graph"))
    try:
        width = operator.index(cast("Any", window))
    except TypeError:
        width = 0
    if isinstance(window, bool) or width < 1:
        raise CausalError(
            Fault(f"window {window!r} is no whole number of at least 1", mend="2 is now and the last period")
        )
    if across := [edge.name for edge in graph.edges if edge.across is not None]:
        raise CausalError(
            Fault(f"'{across[0]}' acts across units", mend="ask in ca.with_others(graph), one unit beside the others")
        )
    if width * len(graph.nodes) > MOST_POINTS:
        raise CausalError(
            Fault(f"a window of so many periods has over {MOST_POINTS} points", mend="ask about fewer periods back")
        )
    if (reached := _reached_periods(graph)) > MOST_REACHED:
        raise CausalError(
            Fault(
                f"the longest lags into the nodes add up to {reached} periods, too many to be searched",
                mend=f"up to {MOST_REACHED} are; count in longer periods",
            )
        )
    return _unroll(graph, width)


def unroll_knowing(graph: Graph, window: int, known: Iterable[str]) -> Unrolled:
    """The window as it would be if the nodes `known` were held fixed at every point before it.

    What such a node passes on joins nothing; two points of the window are joined where they share a cause through other
    nodes only. These pairs stay joined however far back a window reaches in which `known` is all that is measured: its
    own projection on the known points (`project`) has every edge of this one's. Raises as `unroll` does.
    """
    hidden = frozenset(graph.names) - frozenset(known)
    unrolled = unroll(graph, window)
    return Unrolled(
        unrolled.window,
        unrolled.points,
        unrolled.directed,
        *_bidirected(graph, unrolled.window, _from_hidden(graph, hidden)),
    )


def project(unrolled: Unrolled, kept: int) -> Unrolled:
    """The latent projection (Verma and Pearl 1990) on the points of the mask `kept`.

    Two of them are joined by an arrow where a directed path leads from the one to the other, and by a bidirected edge
    where they share a cause, over points that are not kept only.
    """
    # For each point, the kept points that its influence reaches first: itself, or over points not kept.
    reached = [0] * len(unrolled.points)
    spouses = [0] * len(unrolled.points)
    for position in reversed(range(len(unrolled.points))):
        if kept >> position & 1:
            reached[position] = 1 << position
            continue
        for child in bits(unrolled.children[position]):
            reached[position] |= reached[child]
        for effect in bits(reached[position]):
            spouses[effect] |= reached[position]
    for left, right in unrolled.bidirected:
        here, there = reached[unrolled.index[left]], reached[unrolled.index[right]]
        for effect in bits(here):
            spouses[effect] |= there
        for effect in bits(there):
            spouses[effect] |= here
    points = unrolled.points
    directed: list[Pair] = []
    bidirected: list[Pair] = []
    for position in bits(kept):
        effects = 0
        for child in bits(unrolled.children[position]):
            effects |= reached[child]
        directed += [(points[position], points[effect]) for effect in bits(effects)]
        # Of a pair the point of lower position comes first: points are in order of age.
        bidirected += [
            (points[position], points[mate]) for mate in bits(spouses[position] >> position + 1 << position + 1)
        ]
    return Unrolled(
        unrolled.window, tuple(points[position] for position in bits(kept)), tuple(directed), tuple(bidirected)
    )


def without(unrolled: Unrolled, removed: Iterable[Pair]) -> Unrolled:
    """The same points with the directed edges `removed` taken out."""
    gone = set(removed)
    return Unrolled(
        unrolled.window,
        unrolled.points,
        tuple(pair for pair in unrolled.directed if pair not in gone),
        unrolled.bidirected,
        unrolled.past,
    )


def bits(mask: int) -> Iterable[int]:
    """The positions of a mask's set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


@lru_cache(maxsize=32)
def _unroll(graph: Graph, window: int) -> Unrolled:
    first = 1 - window
    order = graph.order
    points = tuple((name, offset) for offset in range(first, 1) for name in order)
    directed = tuple(
        ((edge.cause, offset - edge.lag), (edge.effect, offset))
        for offset in range(first, 1)
        for edge in graph.edges
        if offset - edge.lag >= first
    )
    return Unrolled(window, points, directed, *_bidirected(graph, window, _projected(graph)))


type _Joined = tuple[tuple[tuple[str, int], tuple[str, int]], ...]
"""Pairs (node, periods after the window's first)."""


def _bidirected(graph: Graph, window: int, joined: _Joined) -> tuple[tuple[Pair, ...], frozenset[Pair]]:
    """All bidirected pairs of the window, and those of them that only the past joins."""
    first = 1 - window
    shown = {
        _sorted((latent.left, offset - latent.lag), (latent.right, offset))
        for offset in range(first, 1)
        for latent in graph.latents
        if offset - latent.lag >= first
    }
    hidden = {
        _sorted((left, first + at), (right, first + there))
        for (left, at), (right, there) in joined
        if at < window and there < window
    } - shown
    return tuple(sorted(shown | hidden, key=_age)), frozenset(hidden)


@lru_cache(maxsize=64)
def _from_hidden(graph: Graph, hidden: frozenset[str]) -> _Joined:
    """What the past joins over the nodes `hidden` only."""
    return _projected(Graph(graph.nodes, tuple(edge for edge in graph.edges if edge.cause in hidden), graph.latents))


def _sorted(left: Point, right: Point) -> Pair:
    return (left, right) if (left[1], left[0]) <= (right[1], right[0]) else (right, left)


def _age(pair: Pair) -> tuple[int, str, int, str]:
    (left, at), (right, there) = pair
    return at, left, there, right


def _reached_periods(graph: Graph) -> int:
    longest: dict[str, int] = {}
    for effect, lag in [(edge.effect, edge.lag) for edge in graph.edges] + [
        (latent.right, latent.lag) for latent in graph.latents
    ]:
        longest[effect] = max(lag, longest.get(effect, 0))
    return sum(longest.values())


type _State = tuple[int, int, int]
"""Two earlier points: the later one, the earlier one, and by how many periods they are apart."""


@lru_cache(maxsize=64)
def _projected(graph: Graph) -> _Joined:
    """The pairs (node, periods after the window's first) that share a cause from before the window."""
    causes, names = _explicit(graph)
    # A point is reached from before the window by each of its causes whose lag is longer than it is into the window.
    reached = [
        ((node, at), [(cause, lag - at) for cause, lag in causes[node] if lag > at])
        for node in range(len(names))
        for at in range(max((lag for _, lag in causes[node]), default=0))
    ]
    wanted: dict[_State, list[tuple[int, int]]] = {}
    for here, (_, earlier) in enumerate(reached):
        for there in range(here):
            for left in earlier:
                for right in reached[there][1]:
                    wanted.setdefault(_ordered(left, right), []).append((there, here))
    joined: set[tuple[int, int]] = set()
    for state in _meeting(causes, wanted):
        joined.update(wanted.get(state, ()))
    return tuple(
        ((names[reached[there][0][0]], reached[there][0][1]), (names[reached[here][0][0]], reached[here][0][1]))
        for there, here in sorted(joined)
    )


def _explicit(graph: Graph) -> tuple[list[list[tuple[int, int]]], list[str]]:
    """For each node by rank, its causes as (rank, lag); a latent is a cause of its own, at its earlier effect's time.

    Ranks run so that within a period a cause has a lower one than its effect; latents, which have no
    causes, come last in the lists but are treated as the first within a period.
    """
    names = list(graph.order)
    rank = {name: position for position, name in enumerate(names)}
    causes: list[list[tuple[int, int]]] = [[] for _ in names]
    for edge in graph.edges:
        causes[rank[edge.effect]].append((rank[edge.cause], edge.lag))
    for position, latent in enumerate(graph.latents):
        # Negative ranks: before every node of the period.
        causes[rank[latent.left]].append((-1 - position, 0))
        causes[rank[latent.right]].append((-1 - position, latent.lag))
    return causes, names


def _ordered(one: tuple[int, int], other: tuple[int, int]) -> _State:
    """Two earlier points (rank, depth) as a state: the later point first, and within a period the higher rank."""
    (node, depth), (mate, below) = one, other
    if (-depth, node) < (-below, mate):
        (node, depth), (mate, below) = other, one
    return node, mate, below - depth


def _meeting(causes: list[list[tuple[int, int]]], starts: Iterable[_State]) -> Iterable[_State]:
    """The states whose two points share an ancestor, each point counting as one of its own."""
    came_from: dict[_State, list[_State]] = {}
    seen = set(starts)
    queue = list(seen)
    goals: list[_State] = []
    while queue:
        state = queue.pop()
        later, earlier, apart = state
        if later == earlier and apart == 0:
            goals.append(state)
            continue
        for cause, lag in causes[later] if later >= 0 else ():
            step = _ordered((cause, lag), (earlier, apart))
            came_from.setdefault(step, []).append(state)
            if step not in seen:
                seen.add(step)
                queue.append(step)
    met = set(goals)
    while goals:
        for state in came_from.get(goals.pop(), ()):
            if state not in met:
                met.add(state)
                goals.append(state)
    return met
