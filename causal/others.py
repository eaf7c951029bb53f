"""One unit beside the others: the graph in which questions about effects across units are asked.

An effect across units takes the weighted mean of the other units' nodes for its cause. `with_others` writes that out for one unit: beside
its own nodes stand, for each node, one for the same node of all the other units together (``coca_others``) and, for each
mean that is a cause, one for that mean (``eradication_neighbours``), which the others' node fixes. The others act on one
another and are acted on by the unit as the same edges say. All is then an ordinary graph of a process, in which separation and
identification hold for the process of all units: nodes that stand for many variables at once only hide separations, never
make any (Anand et al. 2023, "Causal effect identification in cluster DAGs", AAAI 37). The shocks of different units are
independent given the periods' effects, which is an assumption of the text form.

The means can be measured; the others' nodes count as unmeasured, because the fitted equations hold no more of them fixed than
the means. So a "yes" is a yes, and a "no" is one for the unit's own columns and its means.

>>> from causal.syntax import read_graph
>>> print(with_others(read_graph("war -> coca [lag=1, across=neighbours]")).text())
war -> coca_others [lag=1]
war_neighbours -> coca [lag=1]
war_others -> coca_others [lag=1]
war_others -> war_neighbours
"""

from __future__ import annotations

from collections.abc import Iterable

from causal.errors import CausalError, no_such
from causal.graph import Edge, Graph, Latent, Node


def with_others(graph: Graph) -> Graph:
    """The graph of one unit's nodes, of all other units' and of the means that act on it; `graph` itself without effects across units."""
    if not isinstance(graph, Graph):
        raise CausalError(no_such(graph, "graph", "read it with ca.read_graph(text)"))
    means = _means(graph)
    if not means:
        return graph
    others = _others(graph)
    edges: dict[str, Edge] = {}
    for edge in graph.edges:
        among = Edge(others[edge.cause], others[edge.effect], edge.lag, edge.sign)
        if edge.across is None:
            found = [edge, among]
        else:
            mean = means[edge.cause, edge.across]
            found = [
                Edge(others[edge.cause], mean),
                Edge(mean, edge.effect, edge.lag, edge.sign),
                Edge(edge.cause, others[edge.effect], edge.lag, edge.sign),
                among,
            ]
        for each in found:
            edges.setdefault(each.name, each)
    latents = [
        each
        for latent in graph.latents
        for each in (latent, Latent(others[latent.left], others[latent.right], latent.lag))
    ]
    nodes = [*graph.nodes, *(Node(name) for name in (*others.values(), *means.values()))]
    return Graph(tuple(nodes), tuple(edges.values()), tuple(latents))


def mean_of_others(graph: Graph, cause: str, across: str | None) -> str:
    """The name in `with_others` of what acts on a unit: the mean of the others' node, or with `across` None the unit's own node."""
    return cause if across is None else _means(graph)[cause, across]


def measured_means(graph: Graph, measured: Iterable[str], weights: Iterable[str] | None = None) -> frozenset[str]:
    """The measured nodes and the means of the others that they measure, by the `weights` that are known (None: by all)."""
    known, tables = frozenset(measured), None if weights is None else frozenset(weights)
    return known | {
        name
        for (cause, across), name in _means(graph).items()
        if cause in known and (tables is None or across in tables)
    }


def _means(graph: Graph) -> dict[tuple[str, str], str]:
    causes = sorted({(edge.cause, edge.across) for edge in graph.edges if edge.across is not None})
    taken = set(graph.names)
    return {(cause, across): _unused(f"{cause}_{across}", taken) for cause, across in causes}


def _others(graph: Graph) -> dict[str, str]:
    taken = {*graph.names, *_means(graph).values()}
    return {name: _unused(f"{name}_others", taken) for name in graph.names}


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
