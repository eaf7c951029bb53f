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
from dataclasses import dataclass
from typing import Literal, cast

from causal.claim import Ledger
from causal.errors import CausalError
from causal.graph import Edge, Graph
from causal.identification import Identification, identify_edge
from causal.panel import Study, same_in_every_unit
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
        """The best answer that any study gives of the claim: the union over studies counts."""
        order: tuple[Word, ...] = ("yes", "linear only", "no", "no edge")
        given = {answer.answer for answer in self.answers if answer.claim == claim}
        return next(word for word in order if word in given)


def coverage(ledger: Ledger, graph: Graph, studies: Iterable[Study] | Mapping[str, Iterable[str]]) -> Coverage:
    """What each study identifies of each claim, and the chains that lead through several studies.

    `studies` are studies, or the measured nodes by a study's name. Each edge is identified once a study, whatever number of
    claims state it.
    """
    measured: dict[str, frozenset[str]] = {}
    aside: dict[str, tuple[str, ...]] = {}
    common: dict[str, frozenset[str]] = {}
    if isinstance(studies, Mapping):
        measured |= {name: frozenset(nodes) for name, nodes in cast("Mapping[str, Iterable[str]]", studies).items()}
    else:
        for study in studies:
            measured[study.name], aside[study.name] = frozenset(study.measured(graph)), study.sets_aside
            common[study.name] = _common(study, graph)
    kept = {
        name: graph.subgraph([node for node in graph.names if node not in aside[name]]) if aside.get(name) else None
        for name in measured
    }
    found: dict[tuple[str, str], Identification] = {}
    under_kept: dict[tuple[str, str], Identification | None] = {}
    answers: list[StudyAnswer] = []
    for claim in ledger.claims:
        for study, nodes in measured.items():
            edge = claim.edge
            if edge is None:
                answers.append(StudyAnswer(claim.key, study, "", "no edge", False, None, None, claim.untestable))
                continue
            key = (edge.name, study)
            if key not in found:
                found[key] = identify_edge(graph, edge, nodes)
                under_kept[key] = _kept(kept[study], edge, nodes)
            here = found[key]
            ends = {edge.cause, edge.effect} <= nodes
            word, why = _word(here), here.why
            if word != "no" and (taken_up := common.get(study, frozenset()) & {edge.cause, edge.effect}):
                word = "no"
                why = (
                    f"{' and '.join(sorted(taken_up))} has the same value in every unit each period, so that its effect "
                    "cannot be told from the period's."
                )
            answers.append(StudyAnswer(claim.key, study, edge.name, word, ends, here, under_kept[key], why))
    chains = list(_chains(graph, _identified(graph, measured, found)))
    chains.sort(key=lambda chain: (len(chain.edges), chain.edges))
    return Coverage(tuple(answers), tuple(chains[:MOST]), len(chains) <= MOST)


def _common(study: Study, graph: Graph) -> frozenset[str]:
    """The nodes that do not differ between the study's units: the periods' own effects take them up."""
    try:
        values = study.values(graph).transpose("variable", "unit", "time")
    except CausalError:
        return frozenset()  # what is wrong with the data is told where they are fitted
    if values.sizes["unit"] == 1:
        return frozenset()
    names = [str(name) for name in values["variable"].to_numpy()]
    return frozenset(name for name, rows in zip(names, values.to_numpy(), strict=True) if same_in_every_unit(rows))


def _word(found: Identification) -> Word:
    if not found.identified:
        return "no"
    return "linear only" if found.assumes_linear else "yes"


def _kept(graph: Graph | None, edge: Edge, measured: frozenset[str]) -> Identification | None:
    if graph is None or not {edge.cause, edge.effect} <= set(graph.names):
        return None
    return identify_edge(graph, edge, measured & set(graph.names))


def _identified(
    graph: Graph, measured: Mapping[str, frozenset[str]], found: Mapping[tuple[str, str], Identification]
) -> dict[Edge, tuple[str, ...]]:
    """The studies that identify each edge between different nodes."""
    able: dict[Edge, tuple[str, ...]] = {}
    if len(measured) < 2:
        return able
    for edge in graph.edges:
        if edge.cause != edge.effect:
            names = tuple(
                study
                for study, nodes in measured.items()
                if {edge.cause, edge.effect} <= nodes
                and (found.get((edge.name, study)) or identify_edge(graph, edge, nodes)).identified
            )
            if names:
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
    whole = _paths(graph, (edges[0].cause, -lag), (edges[-1].effect, 0)) == 1
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
