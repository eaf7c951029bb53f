"""One unit beside the others: separations and identification against the process of all units written out."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.graph import Edge, Graph, Latent, Node
from causal.identification import identify, identify_edge, single_door
from causal.others import mean_of_others, measured_means, with_others
from causal.separation import m_separated
from causal.syntax import read_graph
from causal.unroll import unroll
from tests.strategies import graphs

DISPLACED = """
eradication -> coca [lag=1]
eradication -> coca [lag=1, across=neighbours]
coca -> coca [lag=1]
eradication -> eradication [lag=1]
coca -> eradication [lag=1]
"""


def every_unit(graph: Graph, units: int) -> Graph:
    """The process of `units` units, each of them every other's neighbour, with a node for each unit's mean of the others."""
    edges: dict[str, Edge] = {}
    nodes = [f"{name}{unit}" for unit in range(units) for name in graph.names]
    for edge in graph.edges:
        for unit in range(units):
            if edge.across is None:
                found = [Edge(f"{edge.cause}{unit}", f"{edge.effect}{unit}", edge.lag)]
            else:
                mean = f"{edge.cause}mean{unit}"
                nodes.append(mean)
                others = [other for other in range(units) if other != unit]
                found = [Edge(f"{edge.cause}{other}", mean) for other in others]
                found.append(Edge(mean, f"{edge.effect}{unit}", edge.lag))
            edges |= {each.name: each for each in found}
    latents = [Latent(f"{at.left}{unit}", f"{at.right}{unit}", at.lag) for at in graph.latents for unit in range(units)]
    return Graph(tuple(Node(name) for name in dict.fromkeys(nodes)), tuple(edges.values()), tuple(latents))


@settings(deadline=None, max_examples=40)
@given(
    graphs(
        min_nodes=2,
        max_nodes=3,
        max_lag=1,
        max_edges=4,
        max_latents=1,
        names=("a", "b", "c"),
        families=("normal",),
        weights=("w",),
    ),
    st.integers(0, 10_000),
)
def test_what_is_separated_beside_the_others_is_separated_in_the_process_of_all_units(graph: Graph, seed: int) -> None:
    beside, everything = unroll(with_others(graph), 3), unroll(every_unit(graph, 3), 3)
    means = sorted({edge.cause for edge in graph.edges if edge.across})
    called = {name: f"{name}0" for name in graph.names}
    called |= {mean_of_others(graph, name, "w"): f"{name}mean0" for name in means}
    points = [(name, offset) for name in called for offset in (0, -1, -2)]
    pairs = list(combinations(points, 2))
    for k in range(0, len(pairs), 3):
        left, right = pairs[(k + seed) % len(pairs)]
        rest = [point for at, point in enumerate(points) if (seed >> (at % 13)) & 1 and point not in (left, right)]
        if m_separated(beside, left, right, rest):
            there = [(called[name], offset) for name, offset in (left, right, *rest)]
            assert m_separated(everything, there[0], there[1], there[2:])


def test_without_effects_across_units_the_graph_is_the_same_object() -> None:
    graph = read_graph("a -> b [lag=1]")
    assert with_others(graph) is graph
    assert measured_means(graph, {"a"}) == {"a"}


def test_names_that_are_taken_get_underscores() -> None:
    graph = read_graph("a -> b [lag=1, across=w]; a_w; b_others; a_others_")
    assert mean_of_others(graph, "a", "w") == "a_w_"
    assert {"a_w_", "a_others", "b_others_", "a_w_others"} <= set(with_others(graph).names)


def test_an_effect_across_units_is_that_of_a_regressor_of_its_own() -> None:
    graph = read_graph(DISPLACED)
    found = identify_edge(graph, "eradication -> coca [lag=1, across=neighbours]", {"coca", "eradication"})
    assert (found.identified, found.strategy) == (True, "adjustment")
    assert found.formula.startswith("the coefficient of eradication_neighbours[-1] in the regression of coca[0]")
    held = [("coca", -1), ("eradication", -1), ("eradication_neighbours", -1)]
    for edge in graph.parents("coca"):
        assert single_door(graph, edge, held)
    # The neighbours' own eradication follows their coca, which the unit's eradication moved: without the mean the door is open.
    assert not single_door(graph, "eradication -> coca [lag=1]", held[:1])


def test_a_cause_that_no_column_measures_leaves_its_mean_unmeasured() -> None:
    graph = read_graph(DISPLACED + "war -> coca [lag=1, across=neighbours]; war -> eradication; war -> war [lag=1]")
    found = identify_edge(graph, "eradication -> coca [lag=1, across=neighbours]", {"coca", "eradication"})
    assert not found.identified
    assert "war_neighbours" in found.why
    assert identify_edge(
        graph, "eradication -> coca [lag=1, across=neighbours]", {"coca", "eradication", "war"}
    ).identified


def test_the_total_effect_of_a_units_own_node_holds_the_means_fixed() -> None:
    graph = read_graph(DISPLACED)
    found = identify(graph, "eradication[-1] -> coca[0]", {"coca", "eradication"})
    assert found.identified
    # What the neighbours did is no query of one unit's points.
    with pytest.raises(CausalError, match="no node 'eradication_neighbours'"):
        identify(graph, "eradication_neighbours[-1] -> coca[0]", {"coca", "eradication"})


def test_unrolling_effects_across_units_as_if_they_were_a_units_own_is_refused() -> None:
    with pytest.raises(CausalError, match="acts across units; ask in"):
        unroll(read_graph(DISPLACED), 2)


def test_without_its_weights_a_mean_is_not_measured() -> None:
    graph, measured = read_graph(DISPLACED), {"coca", "eradication"}
    name = "eradication -> coca [lag=1, across=neighbours]"
    assert identify_edge(graph, name, measured, weights=["neighbours"]).identified
    found = identify_edge(graph, name, measured, weights=["trade"])
    assert not found.identified
    assert found.why.startswith("eradication_neighbours is not measured")
