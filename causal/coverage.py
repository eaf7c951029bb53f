"""Across studies: which claim can be answered from which study, and what several answer together.

Each study measures some of the nodes, so that each identifies some of the claims' edges; a claim can be answered if one
study at least identifies it. What no study identifies may still hang together: a chain of edges, each identified
in a study of its own, gives the part of the effect that runs along it, if equations are linear and effects carry over
from one population to the other.

>>> from causal.graph import Edge, Graph, Node
>>> from causal.claim import Claim, Ledger, Source
>>> links = (Edge("a", "b", 1), Edge("b", "c", 1))
>>> graph = Graph(tuple(Node(name) for name in "abc"), links)
>>> ledger = Ledger(Source("An article"), tuple(Claim(f"c{at}", edge, "", "") for at, edge in enumerate(links, 1)))
>>> found = coverage(ledger, graph, {"north": {"a", "b"}, "south": {"b", "c"}})
>>> [(answer.claim, answer.study, answer.answer) for answer in found.answers]
[('c1', 'north', 'yes'), ('c1', 'south', 'no'), ('c2', 'north', 'no'), ('c2', 'south', 'yes')]
>>> print(found.chains[0])
a -> b [lag=1] (north), b -> c [lag=1] (south)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from causal.claim import Ledger, check_ledger
from causal.errors import CausalError, Fault, nearest
from causal.graph import Edge, Graph
from causal.identification import Identification, identify_edge
from causal.others import with_others
from causal.panel import Study
from causal.unroll import unroll

type Word = Literal["yes", "linear only", "no", "no edge"]

LONGEST = 4
"""Chains of up to so many edges are looked for."""

MOST = 100
"""So many chains are listed, the shortest first."""


@dataclass(frozen=True, slots=True)
class StudyAnswer:
    """What one study says of one claim.

    `answer` is "yes", "linear only" (for linear equations), "no", or "no edge" where the claim states none and nothing can
    test it. `identification` is that under the whole graph, None without an edge. Where the study sets nodes aside, `kept` is
    the identification under what is left, None where the edge is not in it. Where the graph identifies an effect of a node that
    has the same value in every unit, the answer is "no": holding the periods' effects fixed leaves nothing of it.
    """

    claim: str
    study: str
    edge: str
    answer: Word
    measured: bool
    identification: Identification | None
    kept: Identification | None
    why: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Edges end to end, each identified in the study beside it, not all of them in one.

    `whole` says whether every directed path from the first point to the last runs along the chain, so that it carries the
    total effect at that distance; otherwise it is the part along the chain. `assumes` says what it rests on.
    """

    edges: tuple[str, ...]
    studies: tuple[str, ...]
    cause: str
    effect: str
    lag: int
    whole: bool
    assumes: str

    def __str__(self) -> str:
        return ", ".join(f"{edge} ({study})" for edge, study in zip(self.edges, self.studies, strict=True))


@dataclass(frozen=True, slots=True)
class Coverage:
    """All answers, claim by claim and study by study, and the chains; `complete` is False where more chains exist."""

    answers: tuple[StudyAnswer, ...]
    chains: tuple[Chain, ...]
    complete: bool

    def best(self, claim: str) -> Word:
        """The best answer that any study gives of the claim: the union over studies counts. Raises `CausalError` where none gives one."""
        order: tuple[Word, ...] = ("yes", "linear only", "no", "no edge")
        given = {answer.answer for answer in self.answers if answer.claim == claim}
        if not given:
            raise CausalError(
                Fault(f"no study answers a claim '{claim}'", mend=nearest(claim, [each.claim for each in self.answers]))
            )
        return next(word for word in order if word in given)


def coverage(ledger: Ledger, graph: Graph, studies: Iterable[Study] | Mapping[str, Iterable[str]]) -> Coverage:
    """What each study identifies of each claim, and the chains that lead through several studies.

    `studies` are studies, or the measured nodes by a study's name. Each edge is identified once a study, whatever number of
    claims state it. Measured names that are no node are passed over. A claim's edge that the graph has not raises `CausalError`.
    """
    check_ledger(ledger)
    scenes = [_scene(graph, *given) for given in _given(graph, studies)]
    answers: list[StudyAnswer] = []
    for claim in ledger.claims:
        for scene in scenes:
            edge = claim.edge
            if edge is None:
                answers.append(StudyAnswer(claim.key, scene.study, "", "no edge", False, None, None, claim.untestable))
                continue
            found = scene.identify(edge)
            ends = {edge.cause, edge.effect} <= scene.measured
            kept = scene.identify_kept(edge)
            answers.append(StudyAnswer(claim.key, scene.study, edge.name, _word(found), ends, found, kept, found.why))
    chains = list(_chains(graph, _identified(graph, scenes)))
    chains.sort(key=lambda chain: (len(chain.edges), chain.edges))
    return Coverage(tuple(answers), tuple(chains[:MOST]), len(chains) <= MOST)


def told_by_the_period(same: Iterable[str]) -> Identification:
    """The answer of an edge with ends, `same`, that are the same in every unit: none."""
    named = sorted(same)
    verb = "has" if len(named) == 1 else "have"
    why = f"{' and '.join(named)} {verb} the same value in every unit each period, so that no effect can be told from the period's."
    return Identification(False, None, None, "", why)


def _given(
    graph: Graph, studies: Iterable[Study] | Mapping[str, Iterable[str]]
) -> Iterator[tuple[str, frozenset[str], frozenset[str], tuple[str, ...], frozenset[str] | None]]:
    """Of each study its name, what it measures, what of that is the same in every unit, what it sets aside and its weights (None: all)."""
    if isinstance(studies, Mapping):
        for name, nodes in cast("Mapping[str, Iterable[str]]", studies).items():
            yield name, frozenset(nodes), frozenset(), (), None
    else:
        for study in studies:
            weights = frozenset(study.weights)
            yield study.name, frozenset(study.measured(graph)), study.common(graph), study.sets_aside, weights


@dataclass(frozen=True, slots=True)
class _Scene:
    """A study with the graph of what differs between its units, and what is left where it sets nodes aside.

    What is the same in every unit is held fixed with the periods' effects: it is cut out of the graph.
    """

    study: str
    measured: frozenset[str]
    common: frozenset[str]
    graph: Graph
    kept: Graph | None
    weights: frozenset[str] | None
    known: dict[str, Identification] = field(default_factory=dict[str, Identification])
    known_kept: dict[str, Identification | None] = field(default_factory=dict[str, "Identification | None"])

    def identify(self, edge: Edge) -> Identification:
        if edge.name not in self.known:
            self.known[edge.name] = self.within(self.graph, edge)
        return self.known[edge.name]

    def identify_kept(self, edge: Edge) -> Identification | None:
        if edge.name not in self.known_kept:
            there = self.kept is not None and {edge.cause, edge.effect} <= {*self.kept.names, *self.common}
            self.known_kept[edge.name] = self.within(self.kept, edge) if self.kept is not None and there else None
        return self.known_kept[edge.name]

    def within(self, graph: Graph, edge: Edge) -> Identification:
        if same := self.common & {edge.cause, edge.effect}:
            return told_by_the_period(same)
        return identify_edge(graph, edge, self.measured & {*graph.names}, weights=self.weights)


def _scene(
    graph: Graph,
    study: str,
    measured: frozenset[str],
    common: frozenset[str],
    aside: tuple[str, ...],
    weights: frozenset[str] | None,
) -> _Scene:
    def without(nodes: frozenset[str]) -> Graph:
        return graph.subgraph([name for name in graph.names if name not in nodes]) if nodes else graph

    return _Scene(study, measured, common, without(common), without(common | {*aside}) if aside else None, weights)


def _word(found: Identification) -> Word:
    if not found.identified:
        return "no"
    return "linear only" if found.assumes_linear else "yes"


def _identified(graph: Graph, scenes: list[_Scene]) -> dict[Edge, tuple[str, ...]]:
    """The studies that identify each edge between different nodes of one unit."""
    able: dict[Edge, tuple[str, ...]] = {}
    for edge in graph.edges if len(scenes) > 1 else ():
        ends = {edge.cause, edge.effect}
        names = tuple(scene.study for scene in scenes if ends <= scene.measured and scene.identify(edge).identified)
        if len(ends) == 2 and names and edge.across is None:
            able[edge] = names
    return able


def _chains(graph: Graph, able: Mapping[Edge, tuple[str, ...]]) -> Iterator[Chain]:
    """Chains through different nodes of which no one study identifies every edge."""
    todo = [(edge,) for edge in able]
    while todo:
        edges = todo.pop()
        if len(edges) > 1 and not set.intersection(*(set(able[edge]) for edge in edges)):
            yield _chain(graph, edges, tuple(able[edge][0] for edge in edges))
        if len(edges) < LONGEST:
            met = {edges[0].cause, *(edge.effect for edge in edges)}
            todo += [(*edges, edge) for edge in able if edge.cause == edges[-1].effect and edge.effect not in met]


def _chain(graph: Graph, edges: tuple[Edge, ...], studies: tuple[str, ...]) -> Chain:
    lag = sum(edge.lag for edge in edges)
    whole = _paths(with_others(graph), (edges[0].cause, -lag), (edges[-1].effect, 0)) == 1
    told = " and ".join(f"that of {edge.name} found in {study}" for edge, study in zip(edges, studies, strict=True))
    assumes = f"Linear equations; the effects, {told}, are taken to hold in one population."
    if not whole:
        assumes += " Other paths lead the same way: this is the part along the chain."
    names = tuple(edge.name for edge in edges)
    return Chain(names, studies, edges[0].cause, edges[-1].effect, lag, whole, assumes)


def _paths(graph: Graph, start: tuple[str, int], end: tuple[str, int]) -> int:
    """How many directed paths lead from one point to another."""
    unrolled = unroll(graph, 1 - start[1])
    leading = {start: 1}
    effects: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for cause, effect in unrolled.directed:
        effects.setdefault(cause, []).append(effect)
    for point in unrolled.points:
        for effect in effects.get(point, ()):
            leading[effect] = leading.get(effect, 0) + leading.get(point, 0)
    return leading.get(end, 0)
