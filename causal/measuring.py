"""What to measure: the cheapest sets of further measurements that would turn a "no" of identification into a "yes".

`causal.identification` says which effects cannot be told from what is measured. This module says what is missing. It
looks among the nodes that are not measured and among the latents, each of which is made a node of its own
(`explicit`): a common cause can be measured too, once somebody says what it is. For each effect it finds the sets of
least cost, and for each such set all the effects that it would answer, the cheapest set first.

>>> from causal.graph import Edge, Graph, Node
>>> graph = Graph(
...     tuple(Node(name) for name in ("presence", "illicit", "war", "terrain")),
...     (
...         Edge("presence", "illicit", lag=1),
...         Edge("war", "presence"),
...         Edge("war", "illicit", lag=1),
...         Edge("war", "war", lag=1),
...         Edge("terrain", "war"),
...     ),
... )
>>> found = what_to_measure(graph, {"presence", "illicit"}, ["presence -> illicit [lag=1]", "war -> presence"])
>>> for proposal in found.proposals:
...     print(proposal)
Measuring war would answer presence -> illicit [lag=1], war -> presence.

**Exact.** More measurements never turn a yes into a no, so the sets that fail are closed downwards, and a set
answers an effect if and only if it meets the complement of every maximal set that fails. The cheapest sets are then
minimum-cost hitting sets of those complements, of which only a few need be known: take a cheapest hitting set of the
complements known so far; if it answers the effect, it is a cheapest set; if not, find a maximal set around it that
fails, whose complement it misses, and begin again (implicit hitting sets: Moreno-Centeno and Karp 2013, Operations
Research 61; with maximal sets as in MARCO: Liffiton, Previti, Malik and Marques-Silva 2016, Constraints 21). Hitting
sets are found by integer programming (HiGHS, in scipy). "Answers" means what `identify` and `identify_edge` say of the
graph with its latents made explicit, by whatever strategy, from these nodes or from some of them. Every set that is
listed answers; one would be missing only if `identify` failed to find with more measured what it finds with less.

**What it does not say.** That a set is cheapest rests on the graph, as identification does. A latent that nobody can
name cannot be measured: give it the cost `math.inf`. How many rows of data are needed is another question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from causal.errors import CausalError, Fault, listed, nearest, raise_all
from causal.estimand import Formula, Probability, Product, Ratio, Sum
from causal.graph import Edge, Graph, Latent, Node
from causal.identification import Identification, identify, identify_edge
from causal.query import read_query
from causal.separation import measured_names

if TYPE_CHECKING:
    from causal.claim import Ledger
    from causal.panel import Study

FURTHEST_APART = 1e6
"""Costs further apart than so many times are refused: the cheap ones would drown in rounding."""

_QUERY = re.compile(r"^\s*do\s*\(|\[\s*[+-]?[0-9]+\s*\]")
"""A query has offsets, or do(); an edge has a lag at most."""

_TIE = 1e-6
"""Sets whose costs differ by less than this part of the lowest cost are equally cheap."""


@runtime_checkable
class Bundled(Protocol):
    """What a bundle holds of use here: its claims, its graph, its studies and what measuring a node costs."""

    @property
    def ledger(self) -> Ledger:
        """The claims."""
        ...

    @property
    def graph(self) -> Graph:
        """What is assumed, together with every claim's edge."""
        ...

    @property
    def studies(self) -> tuple[Study, ...]:
        """The studies, each with what it measures."""
        ...

    @property
    def costs(self) -> Mapping[str, float]:
        """What it costs to measure a node, by its name."""
        ...


@dataclass(frozen=True, slots=True)
class Addition:
    """Measured besides, in every period: nodes, and latents as nodes of their own; `cost` is the sum of theirs."""

    nodes: tuple[str, ...]
    latents: tuple[Latent, ...]
    cost: float

    def __str__(self) -> str:
        return listed([*self.nodes, *(_cause_of(latent) for latent in self.latents)])


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An effect that a study's measurements do not identify, and the cheapest additions that would.

    `effect` is the edge's text, or the query's; `study` is empty where there is but one list of what is measured.
    `why` says what stands in the way now. `additions` all have the same cost; it is empty where nothing that can be
    measured would answer, and `complete` is False where there are more than are listed.
    """

    claim: str
    effect: str
    study: str
    additions: tuple[Addition, ...]
    complete: bool
    why: str

    def __str__(self) -> str:
        within = f" in study {self.study}" if self.study else ""
        if not self.additions:
            return f"Nothing that can be measured{within} would answer {self.claim}."
        ways = "; or ".join(str(addition) for addition in self.additions) + ("" if self.complete else "; or others")
        return f"{self.claim} needs{within}: {ways}."


@dataclass(frozen=True, slots=True)
class Proposal:
    """An addition to a study and all the claims that it would answer, those included for which less would do."""

    addition: Addition
    study: str
    claims: tuple[str, ...]

    def __str__(self) -> str:
        within = f" in study {self.study}" if self.study else ""
        return f"Measuring {self.addition}{within} would answer {', '.join(self.claims)}."


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is answered already (by one study at least), what is not and why, and what would be worth measuring.

    `proposals` holds each addition that is a cheapest one for some claim, the cheapest first and of equally cheap
    ones that which answers more claims.
    """

    answered: tuple[str, ...]
    unanswered: tuple[Unanswered, ...]
    proposals: tuple[Proposal, ...]


def what_to_measure(
    source: Graph | Bundled,
    observed: Iterable[str] | Mapping[str, Iterable[str]] | None = None,
    claims: Iterable[str] | Mapping[str, str] | None = None,
    *,
    costs: Mapping[str, float] | None = None,
    most: int = 10,
) -> Measuring:
    """For each effect that is not identified, the cheapest further measurements that would identify it.

    `source` is a `Graph`, or a bundle with its claims and studies. `observed` names the nodes that are measured, or
    gives them by study; None is what the bundle's studies measure, and nothing for a graph. A study's measurements
    stand alone: what two studies measure is not put together, and a claim that one study answers is answered. What a
    bundle's study measures and finds the same in every unit, such as a world price, is held fixed with the period: it
    confounds nothing there, and its own effects have no answer.

    `claims` are texts for a graph (or a mapping of keys to texts): an edge such as ``x -> y [lag=1]`` for its own
    coefficient, or a query with offsets as in `identify`, ``x[-1] -> y[0]``, for a total effect; None is every edge.
    For a bundle they are the claims' keys; None is every claim with an edge.

    `costs` gives nodes by name and latents by their text (``corruption <-> presence``); what it leaves out costs what
    the bundle says, or 1. `math.inf` is for what cannot be measured. At most `most` equally cheap sets of an effect
    are listed. Raises `CausalError`, with everything that is wrong: unknown nodes, latents, edges and claims, costs
    that are no positive numbers or lie over a million times apart.
    """
    graph, asked, measured, common, prices = _checked(source, observed, claims, costs, most)
    scenes = {study: _scene(graph, asked.values(), seen, common[study], prices) for study, seen in measured.items()}
    answered = tuple(
        key for key, text in asked.items() if any(scene.oracles[text](scene.seen) for scene in scenes.values())
    )
    open_claims = {key: text for key, text in asked.items() if key not in answered}
    unanswered: list[Unanswered] = []
    proposals: list[Proposal] = []
    for study, scene in scenes.items():
        cheapest = {text: _cheapest(scene, text, most) for text in dict.fromkeys(open_claims.values())}
        additions = {
            added: _addition(added, scene.causes, scene.price)
            for added in dict.fromkeys(added for sets, _ in cheapest.values() for added in sets)
        }
        for key, text in open_claims.items():
            sets, complete = cheapest[text]
            ordered = tuple(sorted((additions[added] for added in sets), key=_by_cost))
            why = _why_not(scene.oracles[text], graph, measured[study], common[study])
            unanswered.append(Unanswered(key, text, study, ordered, complete, why))
        for added, addition in additions.items():
            would = tuple(key for key, text in open_claims.items() if scene.oracles[text](scene.seen | added))
            proposals.append(Proposal(addition, study, would))
    order = {key: position for position, key in enumerate(asked)}
    return Measuring(
        answered,
        tuple(sorted(unanswered, key=lambda it: order[it.claim])),
        tuple(sorted(proposals, key=lambda it: (it.addition.cost, -len(it.claims), _by_cost(it.addition)))),
    )


def explicit(graph: Graph) -> tuple[Graph, Mapping[str, Latent]]:
    """The graph with each latent as a node of its own, a root that acts on both sides, and the latents by node.

    What is m-separated among the graph's own nodes, and what is identified from any of them, stays the same.
    """
    taken = set(graph.names)
    causes: dict[str, Latent] = {}
    edges: list[Edge] = []
    for latent in graph.latents:
        name = f"cause_of_{latent.left}_and_{latent.right}" + (f"_{latent.lag}" if latent.lag else "")
        while name in taken:
            name += "_"
        taken.add(name)
        causes[name] = latent
        edges += [Edge(name, latent.left), Edge(name, latent.right, latent.lag)]
    nodes = (*graph.nodes, *(Node(name) for name in causes))
    return Graph(nodes, (*graph.edges, *edges)), MappingProxyType(causes)


# ------------------------------------------------------------------------------------------------ the cheapest sets


@dataclass(frozen=True, slots=True)
class _Scene:
    """A study: what it measures, what else can be measured at which price, and an oracle for each effect's text."""

    seen: frozenset[str]
    price: Mapping[str, float]
    causes: Mapping[str, Latent]
    oracles: Mapping[str, _Oracle]


def _scene(
    graph: Graph, texts: Iterable[str], seen: frozenset[str], common: frozenset[str], prices: Mapping[str, float]
) -> _Scene:
    # What is the same in every unit is held fixed with the period and moves nothing: the graph goes without it.
    whole, causes = explicit(graph.subgraph(varying) if (varying := {*graph.names} - common) else graph)
    costs = {name: prices[causes[name].name if name in causes else name] for name in whole.names}
    price = {name: cost for name, cost in costs.items() if name not in seen | common and math.isfinite(cost)}
    return _Scene(seen - common, price, causes, {text: _oracle(whole, graph, text) for text in dict.fromkeys(texts)})


@dataclass(slots=True)
class _Oracle:
    """Whether a set of measured nodes identifies one effect.

    It has a state because answers are monotone: a set that holds one known to be enough is enough, one inside a set known to
    fail fails, and neither is worked out again, whichever proposal asks.
    """

    identify: Callable[[Graph, frozenset[str]], Identification]
    graph: Graph
    ends: frozenset[str]
    enough: list[frozenset[str]] = field(default_factory=list[frozenset[str]])
    failing: list[frozenset[str]] = field(default_factory=list[frozenset[str]])

    def __call__(self, measured: frozenset[str]) -> bool:
        return self.witness(measured) is not None

    def witness(self, measured: frozenset[str]) -> frozenset[str] | None:
        """Those of the measured nodes that identify the effect by themselves, or None where not even all of them do."""
        if not self.ends <= measured:
            return None
        for known in self.enough:
            if known <= measured:
                return known
        if any(measured <= known for known in self.failing):
            return None
        found = self.identify(self.graph, measured)
        if not found.identified:
            self.failing.append(measured)
            return None
        used = self._used(found, measured)
        self.enough.append(used)
        return used

    def _used(self, found: Identification, measured: frozenset[str]) -> frozenset[str]:
        """The nodes in the answer; of a formula by the ID algorithm all that are measured, unless its own are shown to do."""
        if found.strategy != "id":
            points = (found.adjustment or frozenset()) | found.through | found.given
            return self.ends | {name for name, _ in points}
        own = self.ends | (_named_in(found.estimand) & measured)
        return own if self.identify(self.graph, own).identified else measured


def _named_in(formula: Formula | None) -> frozenset[str]:
    """The names of all points in the formula, those that it sums over too."""
    match formula:
        case None:
            return frozenset()
        case Probability():
            return frozenset(name for name, _ in formula.free)
        case Product():
            return frozenset[str]().union(*(_named_in(factor) for factor in formula.factors))
        case Sum():
            return _named_in(formula.body)
        case Ratio():
            return _named_in(formula.above) | _named_in(formula.below)


def _oracle(whole: Graph, graph: Graph, text: str) -> _Oracle:
    if _QUERY.search(text):
        query = read_query(graph, text, graph.names)
        ends = frozenset(name for name, _ in (*query.treatments, *query.through, query.outcome))
        return _Oracle(lambda within, measured: identify(within, text, measured), whole, ends)
    edge = graph.edge(text)
    ends = frozenset((edge.cause, edge.effect))
    return _Oracle(lambda within, measured: identify_edge(within, edge, measured), whole, ends)


def _cheapest(scene: _Scene, text: str, most: int) -> tuple[list[frozenset[str]], bool]:
    """The cheapest sets (at most so many) of nodes that suffice beside those seen, and whether these are all."""
    oracle, seen, price = scene.oracles[text], scene.seen, scene.price
    offered = frozenset(price)
    if not oracle(seen | offered):
        return [], True
    # Each correction set must be met: without any of it, everything else together still fails.
    corrections = [frozenset({end}) for end in sorted(oracle.ends - seen)]
    found: list[frozenset[str]] = []
    unit = min(price.values())
    least = math.inf
    while (added := _hitting_set(corrections, found, price, unit)) is not None:
        cost = math.fsum(price[name] for name in added) / unit
        if cost > least + _TIE:
            break
        failing = _failing(oracle, seen, added, offered)
        if failing is None:
            if len(found) == most:
                return found, False
            found.append(added)
            least = min(least, cost)
        else:
            corrections.append(offered - failing)
    return found, True


def _failing(
    oracle: _Oracle, seen: frozenset[str], added: frozenset[str], offered: frozenset[str]
) -> frozenset[str] | None:
    """A maximal set that fails beside those seen and holds `added`, or None where `added` is enough.

    From above: as long as the set does not fail, a node of what is enough in it is dropped, first one that many other
    sets known to be enough need too. In the end those dropped in vain come back.
    """
    failing = offered
    dropped: list[str] = []
    while (witness := oracle.witness(seen | failing)) is not None:
        choice = sorted(witness - seen - added)
        if not choice:
            return None
        alive = [known for known in oracle.enough if known <= seen | failing]
        dropped.append(max(choice, key=lambda name: sum(name in known for known in alive)))
        failing -= {dropped[-1]}
    for name in reversed(dropped):
        if not oracle(seen | failing | {name}):
            failing |= {name}
    return failing


def _hitting_set(
    corrections: list[frozenset[str]], found: list[frozenset[str]], price: Mapping[str, float], unit: float
) -> frozenset[str] | None:
    """A cheapest set that meets every correction set and holds none of those found; None where there is none."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    names = sorted(frozenset[str]().union(*corrections))
    if not names:
        return None if found else frozenset()
    holds = np.array([[name in rows for name in names] for rows in (*corrections, *found)], dtype=float)
    low = [1.0] * len(corrections) + [-np.inf] * len(found)
    high = [np.inf] * len(corrections) + [len(each) - 1.0 for each in found]
    solved = milp(
        [price[name] / unit for name in names],
        integrality=np.ones(len(names), dtype=int),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(holds, low, high),
        options={"mip_rel_gap": 0.0},
    )
    if solved.status == 2:
        return None
    if solved.status != 0:
        raise RuntimeError(f"no cheapest hitting set was found: {solved.message}")
    return frozenset(name for name, value in zip(names, solved.x, strict=True) if value > 0.5)


def _addition(added: frozenset[str], causes: Mapping[str, Latent], price: Mapping[str, float]) -> Addition:
    return Addition(
        tuple(sorted(added - causes.keys())),
        tuple(latent for name, latent in causes.items() if name in added),
        math.fsum(price[name] for name in added),
    )


def _by_cost(addition: Addition) -> tuple[float, int, tuple[str, ...], tuple[str, ...]]:
    names = tuple(latent.name for latent in addition.latents)
    return addition.cost, len(addition.nodes) + len(names), addition.nodes, names


# ------------------------------------------------------------------------------------------------------------ words


def _why_not(oracle: _Oracle, graph: Graph, seen: frozenset[str], common: frozenset[str]) -> str:
    if same := sorted(oracle.ends & common):
        verb = "has" if len(same) == 1 else "have"
        return f"{' and '.join(same)} {verb} the same value in every unit, which the periods' own effects take up."
    return oracle.identify(graph, seen).why if seen else "Nothing is measured."


def _cause_of(latent: Latent) -> str:
    later = f", {latent.lag} period{'s' if latent.lag > 1 else ''} later," if latent.lag else ""
    return f"the unmeasured cause of {latent.left} and{later} {latent.right}"


# --------------------------------------------------------------------------------------------- what a user may give


def _checked(
    source: object, observed: object, claims: object, costs: object, most: object
) -> tuple[Graph, dict[str, str], dict[str, frozenset[str]], dict[str, frozenset[str]], dict[str, float]]:
    """The graph, the effects' texts by claim, what is measured and what of it is the same in every unit by study, the prices."""
    common: dict[str, frozenset[str]] = {}
    if isinstance(source, Graph):
        graph, ledger, studies, given = source, None, {"": frozenset[str]()}, dict[str, float]()
    elif isinstance(source, Bundled):
        graph, ledger, given = source.graph, source.ledger, dict(source.costs)
        studies = {study.name: frozenset(study.measured(graph)) for study in source.studies}
        if observed is None:
            common = {study.name: study.common(graph) for study in source.studies}
    else:
        raise CausalError(
            Fault(f"expected a Graph or a bundle, not {type(source).__name__}", mend="read one with read_graph")
        )
    faults: list[Fault] = []
    asked = _texts(graph, claims, faults) if ledger is None else _edges(ledger, claims, faults)
    if observed is not None:
        studies = _seen(graph, observed, faults)
    prices = dict.fromkeys((*graph.names, *(latent.name for latent in graph.latents)), 1.0)
    prices |= given | _priced(graph, costs, faults)
    finite = [price for price in prices.values() if math.isfinite(price)]
    if finite and max(finite) > FURTHEST_APART * min(finite):
        faults.append(
            Fault(
                f"costs of {min(finite):g} and {max(finite):g} lie over a million times apart",
                where="costs",
                mend="give inf to what cannot be measured",
            )
        )
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        faults.append(Fault(f"{most!r} is no whole number of at least 1", where="most", mend="such as 10"))
    raise_all(faults)
    return graph, asked, studies, {study: common.get(study, frozenset()) for study in studies}, prices


def _texts(graph: Graph, claims: object, faults: list[Fault]) -> dict[str, str]:
    """The effects asked of a graph, by key; each text is checked, and an edge's put as its name."""
    if claims is None:
        return {edge.name: edge.name for edge in graph.edges}
    if isinstance(claims, str) or not isinstance(claims, Iterable):
        faults.append(Fault(f"must be several texts, not {claims!r}", where="claims", mend="such as ['a -> b']"))
        return {}
    items = cast("Iterable[object]", claims)
    pairs = (
        cast("Mapping[object, object]", claims).items() if isinstance(claims, Mapping) else [(it, it) for it in items]
    )
    asked: dict[str, str] = {}
    for key, text in pairs:
        try:
            if isinstance(text, str) and _QUERY.search(text):
                read_query(graph, text, graph.names)
                asked[str(key)] = text
            else:
                asked[str(key)] = graph.edge(cast("str", text)).name
        except CausalError as error:
            faults.extend(error.faults)
    return asked


def _edges(ledger: Ledger, claims: object, faults: list[Fault]) -> dict[str, str]:
    """The edges that a ledger's claims state, by key."""
    stated = {claim.key: claim.edge.name for claim in ledger.claims if claim.edge is not None}
    if claims is None:
        return stated
    if isinstance(claims, str | Mapping) or not isinstance(claims, Iterable):
        faults.append(Fault(f"must be several keys, not {claims!r}", where="claims", mend="such as ['c1', 'c2']"))
        return {}
    chosen: dict[str, str] = {}
    untestable = {claim.key for claim in ledger.claims} - stated.keys()
    for key in cast("Iterable[object]", claims):
        if isinstance(key, str) and key in stated:
            chosen[key] = stated[key]
        elif key in untestable:
            faults.append(Fault(f"'{key}' has no edge", where="claims", mend="no measurement can test it"))
        else:
            faults.append(Fault(f"no claim {key!r}", where="claims", mend=nearest(str(key), stated)))
    return chosen


def _seen(graph: Graph, observed: object, faults: list[Fault]) -> dict[str, frozenset[str]]:
    by_study = cast("Mapping[str, object]", observed) if isinstance(observed, Mapping) else {"": observed}
    found: dict[str, frozenset[str]] = {}
    for study, names in by_study.items():
        try:
            found[study] = measured_names(graph, cast("Iterable[str]", names))
        except CausalError as error:
            faults.extend(error.faults)
    if not by_study:
        faults.append(Fault("names no study", where="observed", mend="such as {'panel': {'presence', 'illicit'}}"))
    return found


def _priced(graph: Graph, costs: object, faults: list[Fault]) -> dict[str, float]:
    """The costs given, by node's name and latent's text."""
    if costs is None:
        return {}
    if not isinstance(costs, Mapping):
        faults.append(Fault(f"must be a mapping, not {costs!r}", where="costs", mend="such as {'presence': 2}"))
        return {}
    known = {name: name for name in graph.names} | dict(_latent_texts(graph))
    prices: dict[str, float] = {}
    for name, cost in cast("Mapping[object, object]", costs).items():
        text = " ".join(name.split()) if isinstance(name, str) else ""
        if text not in known:
            faults.append(Fault(f"no node or latent {name!r}", where="costs", mend=nearest(str(name), known)))
        elif isinstance(cost, bool) or not isinstance(cost, Real) or not float(cost) > 0:
            faults.append(Fault(f"cost {cost!r} of {text} is no positive number", where="costs", mend="such as 1"))
        else:
            prices[known[text]] = float(cost)
    return prices


def _latent_texts(graph: Graph) -> Iterator[tuple[str, str]]:
    """Each text that names a latent, and its name; within a period the two sides may change places."""
    for latent in graph.latents:
        yield latent.name, latent.name
        if latent.lag == 0:
            yield f"{latent.right} <-> {latent.left}", latent.name
