"""Causal graphs of processes: nodes that act on one another now or some periods later.

An `Edge` is a direct effect of one node on another, `lag` periods later. Edges of lag 0 act within the
period and together form no cycle; a loop in a `Graph` therefore always takes at least one period. A
`Latent` is an unmeasured common cause of two nodes, independent from period to period. An edge may come from
other units (``across``): its cause is then the weighted mean of their nodes.

>>> graph = Graph((Node("a"), Node("b")), (Edge("a", "b"), Edge("b", "a", lag=1)))
>>> [" then ".join(edge.name for edge in loop) for loop in graph.loops()]
['a -> b then b -> a [lag=1]']
>>> graph.edge("b -> a").lag
1

Records are checked where they are made. A graph reports everything that is wrong with it at once, and
two graphs are equal when they hold the same nodes, edges and latents, in whatever order they were given:

>>> Graph((Node("a"), Node("b")), (Edge("a", "b"), Edge("b", "a")))
Traceback (most recent call last):
causal.errors.CausalError: the edges within one period form a cycle: a -> b -> a; give one of them a lag of at least 1
"""

from __future__ import annotations

import operator
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any, cast

from causal.errors import CausalError, Fault, counted, nearest, raise_all, shortened
from causal.html import table

FAMILIES: tuple[str, ...] = (
    "normal",
    "student-t",
    "lognormal",
    "hurdle-lognormal",
    "poisson",
    "negative-binomial",
    "bernoulli",
    "beta",
    "ordered",
)
"""The families that a node's values may follow given its causes."""

LONGEST_LAG = 1_000_000
"""More periods than any panel has; a longer lag is a slip of the pen."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_EDGE = re.compile(r"(?P<cause>\w+)\s*->\s*(?P<effect>\w+)\s*(?:\[(?P<attributes>[^\[\]]*)\])?")


class Sign(StrEnum):
    """The direction that somebody claims for an effect."""

    POSITIVE = "+"
    NEGATIVE = "-"
    UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Node:
    """A variable that has a value for each unit in each period; `family` is one of `FAMILIES`.

    Raises `CausalError` for a name that is not a letter followed by letters, digits and underscores
    (a to z without accents, so that every exchange format can carry it), and for an unknown family.
    """

    name: str
    family: str = "normal"

    def __post_init__(self) -> None:
        faults = _name_faults(self.name)
        family = cast("object", self.family)
        if not isinstance(family, str):
            faults.append(Fault(f"family {family!r} is no text", mend=f"one of: {', '.join(FAMILIES)}"))
        elif family not in FAMILIES:
            faults.append(Fault(f"no family '{family}'", mend=nearest(family, FAMILIES)))
        raise_all(faults)


@dataclass(frozen=True, slots=True)
class Edge:
    """A direct effect of one node on another, `lag` periods later.

    With `across` the effect comes from other units: the cause is the weighted mean of the other units' node, with the
    weights that a study gives under that name. Such an edge of a node to itself is its neighbours' effect on it, no memory.

    Raises `CausalError` for a bad name, a lag that is no whole number of at least 0, an unknown sign, a
    node that acts on itself within the period, and an effect across units within the period (all units would then be
    determined at once, which these equations do not carry).
    """

    cause: str
    effect: str
    lag: int = 0
    sign: Sign = Sign.UNKNOWN
    across: str | None = None

    def __post_init__(self) -> None:
        faults = [*_name_faults(self.cause), *(_name_faults(self.effect) if self.effect != self.cause else ())]
        lag, lag_faults = _whole(self.lag)
        faults += lag_faults
        object.__setattr__(self, "lag", lag)
        try:
            object.__setattr__(self, "sign", Sign(self.sign))
        except ValueError:
            faults.append(Fault(f"no sign '{self.sign}'", mend="one of: +, -, ?"))
        across = cast("object", self.across)
        if across is not None and not (isinstance(across, str) and _NAME.fullmatch(across)):
            what = f"{across!r} is no name of weights"
            faults.append(Fault(what, mend="begin with a letter a to z, then letters, digits and _"))
        elif not faults and lag == 0 and across is not None:
            what = "an effect across units within the period"
            faults.append(Fault(what, mend="across needs a lag of at least 1"))
        elif not faults and lag == 0 and self.cause == self.effect:
            faults.append(Fault(f"'{self.cause}' acts on itself within the period", mend="give it a lag of at least 1"))
        raise_all(faults)

    @property
    def is_memory(self) -> bool:
        """Whether it is a unit's own node acting on itself."""
        return self.cause == self.effect and self.across is None

    @property
    def name(self) -> str:
        """The edge's text without its sign, which names it: ``corruption -> presence [lag=1]``."""
        return self._written(self._kind())

    @property
    def text(self) -> str:
        """The edge's line in a graph's text form: ``corruption -> presence [lag=1, sign=-]``."""
        return self._written([*self._kind(), *[f"sign={self.sign}"] * (self.sign is not Sign.UNKNOWN)])

    def _kind(self) -> list[str]:
        return [f"lag={self.lag}"] * bool(self.lag) + [f"across={self.across}"] * (self.across is not None)

    def _written(self, attributes: list[str]) -> str:
        return f"{self.cause} -> {self.effect}" + (f" [{', '.join(attributes)}]" if attributes else "")


@dataclass(frozen=True, slots=True)
class Latent:
    """An unmeasured common cause of `left`, `lag` periods ago, and of `right` now.

    Raises `CausalError` for a bad name, a lag that is no whole number of at least 0, and a node that would
    share a cause with itself in the same period. Within a period the two sides are alike: a `Graph` then
    puts them in alphabetical order.
    """

    left: str
    right: str
    lag: int = 0

    def __post_init__(self) -> None:
        faults = [*_name_faults(self.left), *(_name_faults(self.right) if self.right != self.left else ())]
        lag, lag_faults = _whole(self.lag)
        faults += lag_faults
        object.__setattr__(self, "lag", lag)
        if not faults and lag == 0 and self.left == self.right:
            faults.append(
                Fault(
                    f"'{self.left}' shares a cause with itself within the period",
                    mend="give it a lag of at least 1",
                )
            )
        raise_all(faults)

    @property
    def name(self) -> str:
        """The latent's line in a graph's text form, which names it: ``u <-> v [lag=2]``."""
        return f"{self.left} <-> {self.right}" + (f" [lag={self.lag}]" if self.lag else "")


_SAID = {Sign.POSITIVE: "raises", Sign.NEGATIVE: "lowers", Sign.UNKNOWN: "no direction"}

type Loop = tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes, the direct effects among them and their unmeasured common causes, the same in every period.

    Nodes, edges and latents are kept sorted by name, so that equality and hash do not depend on the order in which
    they were given. Raises `CausalError` with every fault at once: no nodes, a node, edge or latent given
    twice, two signs for one edge, an end that is no node, a cycle among the edges within one period.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    latents: tuple[Latent, ...] = ()

    def __post_init__(self) -> None:
        nodes, node_faults = _records(self.nodes, Node, "nodes")
        edges, edge_faults = _records(self.edges, Edge, "edges")
        latents, latent_faults = _records(self.latents, Latent, "latents")
        raise_all((*node_faults, *edge_faults, *latent_faults))
        latents = [_symmetric(latent) for latent in latents]
        raise_all(_graph_faults(nodes, edges, latents))
        object.__setattr__(self, "nodes", tuple(sorted(nodes, key=lambda node: node.name)))
        object.__setattr__(self, "edges", tuple(sorted(edges, key=_edge_key)))
        object.__setattr__(
            self, "latents", tuple(sorted(latents, key=lambda latent: (latent.left, latent.right, latent.lag)))
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes' names in alphabetical order."""
        return tuple(node.name for node in self.nodes)

    @property
    def max_lag(self) -> int:
        """The longest lag of any edge or latent, in periods."""
        return max((link.lag for link in (*self.edges, *self.latents)), default=0)

    @property
    def order(self) -> tuple[str, ...]:
        """The names so that each node comes after its causes within the period; alphabetical among equals."""
        causes = {name: {edge.cause for edge in self.parents(name) if edge.lag == 0} for name in self.names}
        placed: dict[str, None] = {}
        while len(placed) < len(causes):
            placed[next(name for name in causes if name not in placed and causes[name] <= placed.keys())] = None
        return tuple(placed)

    def node(self, name: str) -> Node:
        """The node of that name; `CausalError` where there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise CausalError(_no_node(name, self.names))

    def edge(self, text: str) -> Edge:
        """The edge that `text` names, as in ``corruption -> presence [lag=1]``.

        An edge's own name always finds it. The lag may be left out where only one edge joins the two; a
        sign may be given and must then agree. A text without ``across`` names an edge within the unit where one
        fits. Raises `CausalError` where no edge, or more than one, fits.
        """
        if not isinstance(cast("object", text), str):
            raise CausalError(Fault(f"an edge is named by its text, not by {text!r}", mend="such as 'a -> b [lag=1]'"))
        match = _EDGE.fullmatch(text.strip())
        wanted = _attributes(match["attributes"]) if match else None
        if match is None or wanted is None:
            raise CausalError(Fault("names no edge", where=f'"{text}"', mend="write it as 'a -> b [lag=1]'"))
        cause, effect = match["cause"], match["effect"]
        unknown = [
            _no_node(name, self.names, f'"{text}"') for name in dict.fromkeys((cause, effect)) if name not in self.names
        ]
        raise_all(unknown)
        joining = [edge for edge in self.edges if (edge.cause, edge.effect) == (cause, effect)]
        fitting = [
            edge
            for edge in joining
            if wanted.get("lag", str(edge.lag)) == str(edge.lag)
            and wanted.get("sign", edge.sign) == edge.sign
            and wanted.get("across", edge.across) == edge.across
        ]
        if within := [edge for edge in fitting if edge.across is None]:
            fitting = within
        if len(fitting) > 1 and (at_once := [edge for edge in fitting if edge.lag == 0]):
            # The text without a lag is the name of the edge within the period, so it is no ambiguity.
            fitting = at_once
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            choices = ", ".join(f"'{edge.name}'" for edge in fitting)
            raise CausalError(Fault(f"names {len(fitting)} edges", where=f'"{text}"', mend=f"choose one of: {choices}"))
        if joining:
            choices = ", ".join(f"'{edge.text}'" for edge in joining)
            raise CausalError(Fault("no such edge", where=f'"{text}"', mend=f"these two are joined by: {choices}"))
        raise CausalError(
            Fault("no such edge", where=f'"{text}"', mend=nearest(text, [edge.name for edge in self.edges]))
        )

    def parents(self, name: str) -> tuple[Edge, ...]:
        """The edges into the node, by cause and lag; `CausalError` where there is no such node."""
        self.node(name)
        return tuple(edge for edge in self.edges if edge.effect == name)

    def children(self, name: str) -> tuple[Edge, ...]:
        """The edges out of the node, by effect and lag; `CausalError` where there is no such node."""
        self.node(name)
        return tuple(edge for edge in self.edges if edge.cause == name)

    def loops(self) -> tuple[Loop, ...]:
        """Every simple directed cycle over all lags, self-lags included, as its edges in order.

        A loop over an effect across units comes back by way of other units. A loop starts at its alphabetically
        first node. Where edges of several lags join two nodes, each makes a loop of its own. The number of loops grows exponentially with dense graphs.
        """
        return tuple(self.each_loop())

    def each_loop(self) -> Iterator[Loop]:
        """The loops one after the other, for who does not want to wait for all of a dense graph's."""
        joining: dict[tuple[str, str], list[Edge]] = {}
        for edge in self.edges:
            joining.setdefault((edge.cause, edge.effect), []).append(edge)
        for walk in _cycles(self.names, joining):
            steps = [joining[step] for step in zip(walk, (*walk[1:], walk[0]), strict=True)]
            yield from product(*steps)

    def text(self) -> str:
        """The canonical text form, one statement a line, which `causal.syntax.read_graph` reads back.

        Nodes come first, but only those of a family other than normal or without any edge or latent; then
        the edges, then the latents.
        """
        joined = {edge.cause for edge in self.edges} | {edge.effect for edge in self.edges}
        joined |= {latent.left for latent in self.latents} | {latent.right for latent in self.latents}
        lines = [
            node.name + (f" [family={node.family}]" if node.family != "normal" else "")
            for node in self.nodes
            if node.family != "normal" or node.name not in joined
        ]
        lines += [edge.text for edge in self.edges]
        lines += [latent.name for latent in self.latents]
        return "\n".join(lines)

    def subgraph(self, names: Iterable[str]) -> Graph:
        """The graph of those nodes and of what joins them directly; nothing is projected.

        Raises `CausalError` for unknown names and where no name is given.
        """
        if isinstance(names, str) or not isinstance(cast("object", names), Iterable):
            raise CausalError(Fault(f"subgraph takes several names, not {names!r}", mend="give a list of names"))
        kept = list(names)
        raise_all(_no_node(name, self.names) for name in kept if name not in self.names)
        return Graph(
            tuple(node for node in self.nodes if node.name in kept),
            tuple(edge for edge in self.edges if edge.cause in kept and edge.effect in kept),
            tuple(latent for latent in self.latents if latent.left in kept and latent.right in kept),
        )

    def _repr_html_(self) -> str:
        """A table of the links for a notebook; `causal.plot.draw_graph` draws them."""
        rows = [
            (
                edge.cause,
                "→",
                edge.effect,
                edge.lag,
                _SAID[edge.sign] + (f", from {edge.across}" if edge.across else ""),
            )
            for edge in self.edges
        ]
        rows += [(each.left, "↔", each.right, each.lag, "unmeasured common cause") for each in self.latents]
        linked = {name for row in rows for name in (row[0], row[2])}
        alone = [name for name in self.names if name not in linked]
        families = [f"{node.name} is {node.family}" for node in self.nodes if node.family != "normal"]
        notes = [f"Without any link: {shortened(alone, 12)}."] * bool(alone)
        notes += [f"Families other than normal: {shortened(families, 12)}."] * bool(families)
        sizes = ((self.nodes, "node"), (self.edges, "direct effect"), (self.latents, "unmeasured common cause"))
        caption = "Graph: " + ", ".join(counted(len(records), what) for records, what in sizes)
        return table(
            caption, ("from", "", "to", "lag", "claimed"), rows, notes=notes, whole="graph.edges, graph.latents"
        )


def same_period_cycles(edges: Iterable[Edge]) -> Iterator[tuple[str, ...]]:
    """Cycles among the edges of lag 0, each as its nodes; a `Graph` has none.

    Not every cycle: in alphabetical order, a shortest one from each node that lies on any, but for nodes
    that an earlier one shows.
    """
    after: dict[str, list[str]] = {}
    for edge in sorted(edges, key=_edge_key):
        if edge.lag == 0:
            after.setdefault(edge.cause, []).append(edge.effect)
    shown: set[str] = set()
    for start in sorted(after):
        if start in shown:
            continue
        came_from: dict[str, str] = {}
        queue = deque([start])
        while queue and start not in came_from:
            here = queue.popleft()
            for reached in after.get(here, ()):
                if reached not in came_from:
                    came_from[reached] = here
                    queue.append(reached)
        if start in came_from:
            walk = [start]
            while (before := came_from[walk[-1]]) != start:
                walk.append(before)
            cycle = (start, *reversed(walk[1:]))
            shown.update(cycle)
            yield cycle


def _name_faults(name: object) -> list[Fault]:
    if isinstance(name, str) and _NAME.fullmatch(name):
        return []
    return [Fault(f"{name!r} is no name of a node", mend="begin with a letter a to z, then letters, digits and _")]


def _whole(lag: object) -> tuple[int, list[Fault]]:
    """The lag as an int, numpy's included; a bool is no lag although Python counts with it."""
    try:
        whole = operator.index(cast("Any", lag))
    except TypeError:
        whole = -1
    if abs(whole) > LONGEST_LAG:
        # Not repeated in the message: Python refuses to print integers of thousands of digits.
        return 0, [Fault(f"the lag is beyond {LONGEST_LAG} periods", mend="give the number of periods, such as 1")]
    if isinstance(lag, bool) or whole < 0:
        return 0, [Fault(f"lag {lag!r} is no whole number of at least 0", mend="give the number of periods, such as 1")]
    return whole, []


def _records[T](given: object, kind: type[T], called: str) -> tuple[list[T], list[Fault]]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        return [], [Fault(f"{called} must be a tuple of {kind.__name__}, not {given!r}", mend="give a tuple")]
    items = list(cast("Iterable[object]", given))
    faults = [
        Fault(f"{item!r} among the {called} is no {kind.__name__}", mend=f"make one by {kind.__name__}(...)")
        for item in items
        if not isinstance(item, kind)
    ]
    return [item for item in items if isinstance(item, kind)], faults


def _symmetric(latent: Latent) -> Latent:
    return Latent(latent.right, latent.left) if latent.lag == 0 and latent.left > latent.right else latent


def _edge_key(edge: Edge) -> tuple[str, str, int, str]:
    return edge.cause, edge.effect, edge.lag, edge.across or ""


def _no_node(name: object, names: Iterable[str], where: str = "") -> Fault:
    return Fault(f"no node {name!r}", where=where, mend=nearest(name if isinstance(name, str) else "", names))


def _graph_faults(nodes: list[Node], edges: list[Edge], latents: list[Latent]) -> Iterator[Fault]:
    names = {node.name for node in nodes}
    if not nodes:
        yield Fault("a graph needs at least one node", mend="name one, such as 'a'")
    for name, count in Counter(node.name for node in nodes).items():
        if count > 1:
            yield Fault(f"node '{name}' is given {count} times", mend="give it once")
    signs: dict[str, list[Sign]] = {}
    for edge in edges:
        signs.setdefault(edge.name, []).append(edge.sign)
    for name, given in signs.items():
        count = len(given)
        if len(set(given)) > 1:
            told = " and ".join(sorted(set(given)))
            yield Fault(f"two signs for one edge: {told}", where=f'"{name}"', mend="keep one of them")
        elif count > 1:
            yield Fault(f"the edge is given {count} times", where=f'"{name}"', mend="give it once")
    for name, count in Counter(latent.name for latent in latents).items():
        if count > 1:
            yield Fault(f"the latent is given {count} times", where=f'"{name}"', mend="give it once")
    ends = [(edge.name, (edge.cause, edge.effect)) for edge in edges] + [
        (at.name, (at.left, at.right)) for at in latents
    ]
    for link, pair in dict.fromkeys(ends):
        for name in dict.fromkeys(pair):
            if nodes and name not in names:
                yield _no_node(name, names, f'"{link}"')
    for cycle in same_period_cycles(edges):
        yield Fault(
            f"the edges within one period form a cycle: {' -> '.join((*cycle, cycle[0]))}",
            mend="give one of them a lag of at least 1",
        )


def _cycles(names: tuple[str, ...], joined: Iterable[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    """Every simple cycle as its nodes, from the first in `names`; a walk goes only where it can still return."""
    after: dict[str, list[str]] = {name: [] for name in names}
    before: dict[str, list[str]] = {name: [] for name in names}
    for cause, effect in joined:
        after[cause].append(effect)
        before[effect].append(cause)
    for at, start in enumerate(names):
        allowed = set(names[at:])
        returning = _reaching(start, before, allowed)
        walk = [start]
        choices = [iter(after[start])]
        while choices:
            step = next(choices[-1], None)
            if step is None:
                choices.pop()
                walk.pop()
            elif step == start:
                yield tuple(walk)
            elif step in returning and step not in walk:
                walk.append(step)
                choices.append(iter(after[step]))


def _reaching(goal: str, before: dict[str, list[str]], allowed: set[str]) -> set[str]:
    found = {goal}
    queue = [goal]
    while queue:
        for name in before[queue.pop()]:
            if name in allowed and name not in found:
                found.add(name)
                queue.append(name)
    return found


def _attributes(text: str | None) -> dict[str, str] | None:
    """The lag, sign and weights inside an edge's brackets; None where anything else stands there."""
    found: dict[str, str] = {}
    for part in (text or "").split(",") if text else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in ("lag", "sign", "across") or key in found:
            return None
        found[key] = value
    return found
