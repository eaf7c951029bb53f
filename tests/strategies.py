"""Random graphs for property tests: always valid, loops through time and latents included."""

from __future__ import annotations

from hypothesis import strategies as st

from causal.graph import FAMILIES, Edge, Graph, Latent, Node, Sign

# Words that other formats reserve stand among the names, so that every export must cope with them.
NAMES = ("a", "b", "c", "d", "coca", "end", "graph", "graph_", "node", "strict", "subgraph", "X1", "state_presence")


@st.composite
def graphs(
    draw: st.DrawFn,
    *,
    min_nodes: int = 1,
    max_nodes: int = 5,
    max_lag: int = 2,
    max_edges: int = 8,
    max_latents: int = 3,
    names: tuple[str, ...] = NAMES,
    families: tuple[str, ...] = FAMILIES,
    weights: tuple[str, ...] = (),
) -> Graph:
    """A graph whose edges within the period follow a drawn order, so that they form no cycle; `weights` names those across units."""
    ordered = draw(st.lists(st.sampled_from(names), min_size=min_nodes, max_size=max_nodes, unique=True))
    nodes = tuple(Node(name, draw(st.sampled_from(families))) for name in ordered)
    possible = [
        (cause, effect, lag)
        for i, cause in enumerate(ordered)
        for j, effect in enumerate(ordered)
        for lag in range(max_lag + 1)
        if lag > 0 or i < j
    ]
    edges: list[Edge] = []
    latents: list[Latent] = []
    if possible:
        for cause, effect, lag in draw(st.lists(st.sampled_from(possible), max_size=max_edges, unique=True)):
            edges.append(Edge(cause, effect, lag, draw(st.sampled_from(tuple(Sign)))))
            if weights and lag and draw(st.booleans()):
                edges.append(
                    Edge(cause, effect, lag, draw(st.sampled_from(tuple(Sign))), draw(st.sampled_from(weights)))
                )
        latents = [
            Latent(left, right, lag)
            for left, right, lag in draw(st.lists(st.sampled_from(possible), max_size=max_latents, unique=True))
        ]
    return Graph(nodes, tuple(draw(st.permutations(edges))), tuple(latents))
