from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.districts import FURTHER, along_paths, by_districts, effect_in
from causal.estimand import STAR, Formula, latex, text
from causal.graph import Graph
from causal.query import Identification, Query, Refusal, read_query
from causal.separation import name_point
from causal.unroll import Point, Unrolled, bits, project, unroll, unroll_knowing
from tests.oracle.discrete import Discrete, random_model, value
from tests.strategies import graphs
from tests.test_unroll import graph_of

TOLERANCE = 1e-9


def query(graph: Graph, wording: str, observed: str) -> Query:
    return read_query(graph, wording, observed.split())


def refused(found: Identification | Refusal) -> Refusal:
    assert isinstance(found, Refusal)
    return found


def assert_exact(formula: Formula, model: Discrete, treated: Iterable[Point], outcome: Point, shown: Unrolled) -> None:
    """The formula's value is the distribution of the outcome under every setting of the treated."""
    treatments = list(treated)
    found = value(formula, model.joint(shown.points))
    for setting in product((0, 1), repeat=len(treatments)):
        do = dict(zip(treatments, setting, strict=True))
        here = found.isel({name_point(point): at for point, at in do.items() if name_point(point) in found.dims})
        truth = model.under(do, outcome)
        # What is left free beside the outcome makes no difference.
        assert float(np.abs(here - truth).max()) < TOLERANCE, (text(formula), do)


def first_window(asked: Query) -> int:
    """The first window in which the effect has a formula."""
    for window in range(asked.depth + 1, asked.depth + 20):
        shown = unroll(asked.graph, window)
        shown = project(shown, shown.mask(point for point in shown.points if point[0] in asked.measured))
        if not isinstance(effect_in(shown, asked.treatments, asked.outcome), frozenset):
            return window
    raise AssertionError("no window has a formula")


def assert_formula_of_query_exact(asked: Query, seed: int) -> None:
    found = by_districts(asked)
    assert isinstance(found, Identification)
    assert found.estimand is not None
    process = unroll(asked.graph, first_window(asked))
    shown = project(process, process.mask(point for point in process.points if point[0] in asked.measured))
    assert_exact(found.estimand, random_model(process, seed), asked.treatments, asked.outcome, shown)


# --- textbook graphs -------------------------------------------------------------------------------------------------

IDENTIFIED = {
    "napkin": (("w -> r", "r -> x", "x -> y", "w <-> x", "w <-> y"), "x[0] -> y[0]", "w r x y"),
    "front-door": (("x -> m", "m -> y", "x <-> y"), "x[0] -> y[0]", "x m y"),
    "verma": (("a -> b", "b -> c", "c -> d", "b <-> d"), "c[0] -> d[0]", "a b c d"),
    "verma, the first cause": (("a -> b", "b -> c", "c -> d", "b <-> d"), "a[0] -> d[0]", "a b c d"),
    "verma, both": (("a -> b", "b -> c", "c -> d", "b <-> d"), "do(a[0], c[0]) -> d[0]", "a b c d"),
    "a confounder of the mediator measured": (
        ("x -> m", "m -> y", "x <-> y", "c -> m", "c -> y", "c -> x"),
        "x[0] -> y[0]",
        "x m y c",
    ),
    "Pearl and Robins, sustained": (
        ("x -> z", "x -> w", "z -> w", "z -> y", "w -> y", "u -> x", "u -> z", "v -> z", "v -> y"),
        "do(x[0], w[0]) -> y[0]",
        "x z w y u",
    ),
    "Tian's": (
        ("x -> a", "a -> b", "b -> y", "x <-> b", "a <-> y"),
        "x[0] -> y[0]",
        "x a b y",
    ),
}

LOOPS = {
    "feedback within the period, sustained": (("x -> y 1", "y -> y 1", "y -> x"), "do(x[-2], x[-1]) -> y[0]", "x y"),
    "feedback of a measured state, sustained": (
        ("x -> s 1", "s -> s 1", "s -> x", "s -> y", "x -> y"),
        "do(x[-1], x[0]) -> y[0]",
        "x s y",
    ),
    "latents without memory": (
        ("x -> m", "m -> y", "x <-> y", "y -> x 1"),
        "x[-1] -> y[0]",
        "x m y",
    ),
    "front door through a loop": (
        ("x -> m 1", "m -> y", "y -> x 1", "x <-> y", "m -> m 1"),
        "x[-1] -> y[0]",
        "x m y",
    ),
    "a lagged napkin": (("w -> r 1", "r -> x", "x -> y 1", "w <-> x 1", "w <-> y 2"), "x[-1] -> y[0]", "w r x y"),
}


@pytest.mark.parametrize("name", IDENTIFIED)
@pytest.mark.parametrize("seed", range(3))
def test_a_textbook_formula_is_exact(name: str, seed: int) -> None:
    lines, wording, observed = IDENTIFIED[name]
    assert_formula_of_query_exact(query(graph_of(*lines), wording, observed), seed)


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("seed", range(2))
def test_a_formula_in_a_loop_is_exact(name: str, seed: int) -> None:
    lines, wording, observed = LOOPS[name]
    assert_formula_of_query_exact(query(graph_of(*lines), wording, observed), seed)


@pytest.mark.parametrize(
    ("lines", "hedge"),
    [
        (("x -> y", "x <-> y"), "x y"),
        (("x -> m", "m -> y", "x <-> m"), "x m"),
        (("x -> m", "m -> y", "x <-> y", "x <-> m"), "x m y"),
        (("x -> m", "m -> y", "x <-> m", "m <-> y"), "x m y"),
        (("z -> x", "x -> y", "x <-> y"), "x y"),
    ],
)
def test_a_hedge_is_named(lines: tuple[str, ...], hedge: str) -> None:
    graph = graph_of(*lines)
    found = refused(by_districts(query(graph, "x[0] -> y[0]", " ".join(graph.names))))
    assert {name for name, _ in found.hedge} <= set(hedge.split())
    assert ("x", 0) in found.hedge
    assert "x[0] shares unmeasured causes with" in found.why


def test_a_latent_with_memory_is_a_hedge_at_any_depth() -> None:
    graph = graph_of("u -> u 1", "u -> x", "u -> y 1", "x -> y 1", "x -> x 1", "y -> y 1")
    found = refused(by_districts(query(graph, "x[-1] -> y[0]", "x y")))
    assert {("x", -1), ("y", 0)} <= found.hedge


def test_the_front_door_is_written_with_primes() -> None:
    found = by_districts(query(graph_of("x -> m", "m -> y", "x <-> y"), "x[0] -> y[0]", "x m y"))
    assert isinstance(found, Identification)
    assert found.formula == "sum over m[0] of (sum over x'[0] of P(y[0] | x'[0], m[0]) P(x'[0])) P(m[0] | x[0])"
    assert found.latex == (
        r"\sum_{m_{t}} \Bigl(\sum_{x^{'}_{t}} P(y_{t} \mid x^{'}_{t}, m_{t})\, P(x^{'}_{t})\Bigr)\, P(m_{t} \mid x_{t})"
    )


def test_a_point_whose_value_makes_no_difference_is_named() -> None:
    found = by_districts(query(graph_of(*IDENTIFIED["napkin"][0]), "x[0] -> y[0]", "w r x y"))
    assert isinstance(found, Identification)
    assert "it is the same at any value of r[0]" in found.why


# --- random graphs ---------------------------------------------------------------------------------------------------

still = graphs(names=("a", "b", "c", "d", "e"), families=("normal",), min_nodes=2, max_lag=0, max_latents=4)
looped = graphs(names=("a", "b", "c"), families=("normal",), min_nodes=2, max_nodes=3, max_lag=1, max_edges=6)


@given(still, st.data())
@settings(max_examples=250)
def test_every_formula_is_exact_and_every_no_has_a_hedge(graph: Graph, data: st.DataObject) -> None:
    names = list(graph.order)
    outcome = data.draw(st.sampled_from(names))
    others = [name for name in names if name != outcome]
    treated = data.draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True))
    measured = {outcome, *treated, *data.draw(st.sets(st.sampled_from(names)))}
    process = unroll(graph, 1)
    shown = project(process, process.mask((name, 0) for name in measured))
    points = [(name, 0) for name in treated]
    found = effect_in(shown, points, (outcome, 0))
    hedged = has_hedge(shown, shown.mask(points), shown.index[outcome, 0])
    assert isinstance(found, frozenset) == hedged
    if not isinstance(found, frozenset):
        assert_exact(found, random_model(process, data.draw(st.integers(0, 2**32 - 1))), points, (outcome, 0), shown)
        assert text(found)
        assert latex(found)


@given(looped, st.data())
@settings(max_examples=250)
def test_every_formula_of_a_loop_is_exact(graph: Graph, data: st.DataObject) -> None:
    window = data.draw(st.integers(2, 3))
    process = unroll(graph, window)
    names = list(graph.names)
    measured = data.draw(st.sets(st.sampled_from(names), min_size=1))
    shown = project(process, process.mask(point for point in process.points if point[0] in measured))
    outcome = data.draw(st.sampled_from([point for point in shown.points if point[1] == 0]))
    others = [point for point in shown.points if point != outcome]
    treated = data.draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True))
    found = effect_in(shown, treated, outcome)
    if not isinstance(found, frozenset) and len(process.bidirected) + len(process.points) <= 18:
        assert_exact(found, random_model(process, data.draw(st.integers(0, 2**32 - 1))), treated, outcome, shown)


def has_hedge(graph: Unrolled, treated: int, outcome: int) -> bool:
    """By the definition of Shpitser and Pearl (2006, definition 6), over all pairs of sets and their common roots."""
    everything = (1 << len(graph.points)) - 1
    # The roots are ancestors of the outcome when nothing acts on the treated.
    rooted = reached(graph, 1 << outcome, everything, cut=treated)
    for around in subsets(everything):
        if not around & treated or not connected(graph, around):
            continue
        for within in subsets(around & ~treated):
            if not within or not connected(graph, within):
                continue
            for roots in subsets(within & rooted):
                if roots and reached(graph, roots, within) == within and reached(graph, roots, around) == around:
                    return True
    return False


def subsets(mask: int) -> list[int]:
    members = [1 << position for position in bits(mask)]
    return [sum(chosen) for size in range(len(members) + 1) for chosen in combinations(members, size)]


def connected(graph: Unrolled, mask: int) -> bool:
    found = mask & -mask
    while True:
        more = found
        for position in bits(found):
            more |= graph.spouses[position] & mask
        if more == found:
            return found == mask
        found = more


def reached(graph: Unrolled, points: int, mask: int, cut: int = 0) -> int:
    found = points & mask
    while True:
        more = found
        for position in bits(found & ~cut):
            more |= graph.parents[position] & mask
        if more == found:
            return found
        found = more


# --- how far back ----------------------------------------------------------------------------------------------------

deep = graphs(names=("a", "b", "c", "d"), families=("normal",), min_nodes=2, max_nodes=4, max_lag=2, max_edges=8)


@given(deep, st.data())
@settings(max_examples=200)
def test_no_answer_changes_in_a_longer_window(graph: Graph, data: st.DataObject) -> None:
    names = list(graph.names)
    measured = data.draw(st.sets(st.sampled_from(names), min_size=1))
    offsets = st.integers(-2, 0)
    outcome = (data.draw(st.sampled_from(sorted(measured))), 0)
    treatment = (data.draw(st.sampled_from(sorted(measured))), data.draw(offsets))
    if treatment == outcome:
        return
    asked = Query(graph, (treatment,), outcome, frozenset(measured), "total")
    found = isinstance(by_districts(asked), Identification)
    beyond = asked.depth + 1 + FURTHER * graph.max_lag + 6
    process = unroll(graph, beyond)
    shown = project(process, process.mask(point for point in process.points if point[0] in measured))
    assert found == (not isinstance(effect_in(shown, (treatment,), outcome), frozenset))


@given(deep, st.data())
@settings(max_examples=100)
def test_what_a_longer_window_joins_holds_every_edge_that_unmeasured_causes_make(
    graph: Graph, data: st.DataObject
) -> None:
    measured = data.draw(st.sets(st.sampled_from(list(graph.names)), min_size=1))
    short, long = unroll_knowing(graph, 3, measured), unroll(graph, 6)
    few = project(short, short.mask(point for point in short.points if point[0] in measured))
    many = project(long, long.mask(point for point in long.points if point[0] in measured))
    assert set(few.directed) <= set(many.directed)
    assert set(few.bidirected) <= set(many.bidirected)


# --- along paths -----------------------------------------------------------------------------------------------------


def along(graph: Graph, wording: str, observed: str, *through: Point) -> Identification | Refusal:
    asked = query(graph, wording, observed)
    return along_paths(Query(graph, asked.treatments, asked.outcome, asked.measured, "total", through))


def test_the_part_over_a_mediator_is_the_natural_indirect_effect() -> None:
    graph = graph_of("x -> m", "m -> y", "x -> y", "c -> x", "c -> m", "c -> y")
    found = along(graph, "x[0] -> y[0]", "x m y c", ("m", 0))
    assert isinstance(found, Identification)
    assert found.formula == "sum over c[0], m[0] of P(y[0] | x*[0], c[0], m[0]) P(m[0] | x[0], c[0]) P(c[0])"


def test_a_confounded_mediator_is_a_recanting_district() -> None:
    found = refused(along(graph_of("x -> m", "m -> y", "x -> y", "m <-> y"), "x[0] -> y[0]", "x m y", ("m", 0)))
    assert "tied together by unmeasured causes" in found.why


def test_a_mediator_that_the_treatment_prepares_is_a_recanting_witness() -> None:
    graph = graph_of("x -> w", "w -> m", "w -> y", "m -> y", "x -> y")
    found = refused(along(graph, "x[0] -> y[0]", "x w m y", ("m", 0)))
    assert "over w[0]" in found.why
    assert isinstance(along(graph, "x[0] -> y[0]", "x w m y", ("w", 0)), Identification)


@given(still, st.data())
@settings(max_examples=150)
def test_the_effect_along_paths_is_exact(graph: Graph, data: st.DataObject) -> None:
    """Against a model in which each point is told which value of the treatment to see."""
    names = list(graph.order)
    if len(names) < 3:
        return
    start, middle, end = sorted(
        data.draw(st.lists(st.sampled_from(names), min_size=3, max_size=3, unique=True)), key=names.index
    )
    asked = Query(graph, ((start, 0),), (end, 0), frozenset(names), "total", ((middle, 0),))
    found = along_paths(asked)
    children = {edge.effect for edge in graph.edges if edge.cause == start}

    def leads(name: str, goal: str, past: frozenset[str]) -> bool:
        onward = (edge.effect for edge in graph.edges if edge.cause == name and edge.effect not in past)
        return name == goal or any(leads(effect, goal, past) for effect in onward)

    seeing = {child for child in children if leads(child, middle, frozenset()) and leads(middle, end, frozenset())}
    model = random_model(unroll(graph, 1), data.draw(st.integers(0, 2**32 - 1)))
    if isinstance(found, Refusal) or found.strategy != "id":
        return
    assert found.estimand is not None
    here = value(found.estimand, model.joint([(name, 0) for name in names]))
    name = name_point((start, 0))
    star = name_point((start + STAR, 0))
    for new, old in product((0, 1), repeat=2):
        picked = here.isel({dim: at for dim, at in ((name, new), (star, old)) if dim in here.dims})
        others = {(child, 0): {(start, 0): new} for child in seeing}
        truth = model.along(others, {(start, 0): old}, (end, 0))
        assert float(np.abs(picked - truth).max()) < TOLERANCE
