"""Every kind of intervention against a slow recursion, counterfactuals against enumeration, and mediation against the paths of an unrolled graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import pdtr

from causal import families
from causal.errors import CausalError
from causal.fit import Fit
from causal.graph import Graph
from causal.intervene import AddEdge, Cut, Intervention, Path, Policy, Scale, ScaleEdge, Set, Shift
from causal.mediation import along, mediation
from causal.model import Model
from causal.simulate import contrast, counterfactual, simulate
from causal.syntax import read_graph
from tests.oracle import replay
from tests.oracle.replay import columns, effect_of, mixed_fit, observed, on_value_scale, quantiles, replayed
from tests.oracle.worlds import Array, frame, made_fit, made_model
from tests.strategies import graphs

YEARS = range(2000, 2008)
SEED = 11

# ------------------------------------------------------------------------------- Normal nodes

NORMAL = {
    "three nodes": """
        a -> a [lag=1]; a -> b; b -> c [lag=1]; c -> a [lag=2]; b -> b [lag=1]; b -> b [lag=2]; a <-> c
    """,
    "four nodes": """
        a -> b; b -> c [lag=1]; c -> d; d -> a [lag=1]; c -> a [lag=2]; d -> d [lag=1]; a -> d [lag=2]; c <-> d
    """,
}
KINDS: dict[str, list[Intervention]] = {
    "set": [Set("a", 4.0, start=2003, stop=2006, units=["u0", "u1"])],
    "shift": [Shift("b", -1.5, start=2003), Shift("b", 0.5, units=["u2"])],
    "cut": [Cut("b -> c [lag=1]", start=2004)],
    "scaled edge": [ScaleEdge("c -> a [lag=2]", -2.0, start=2003), ScaleEdge("c -> a [lag=2]", 0.7, stop=2006)],
    "scale": [Scale("b", 1.3, start=2003)],
    "scale, turned, in some units": [Scale("a", -0.5, start=2002, stop=2005, units=["u1", "u3"])],
    "scale to nothing": [Scale("c", 0.0, start=2004, stop=2004)],
    "two scales": [Scale("b", 2.0), Scale("b", 0.25, start=2004)],
    "shift and scale": [Shift("b", 1.0, start=2003), Scale("b", 0.5), Shift("b", 0.25)],
    "path": [Path("a", {2003: 1.0, 2004: -2.0, 2007: 3.0})],
    "path in some units, out of order": [Path("c", {2006: 1.0, 2002: -2.0}, units=["u2", "u0"])],
    "path beyond the panel": [Path("b", {2007: 1.0, 2009: 9.0})],
    "path beside a set": [Set("b", 4.0, stop=2002), Path("b", {2004: 1.0, 2006: 2.0})],
    "path over scale and shift": [Path("b", {2004: 1.0}), Scale("b", 3.0), Shift("b", 2.0)],
    "policy": [Policy("b", -0.8, when="c[-1] > q80")],
    "policy, both": [
        Policy("a", 1.5, when="b[-2] >= 2.1 and c[-1] < q60", start=2002, stop=2007, units=["u0", "u2", "u3"])
    ],
    "policy, either": [Policy("c", 0.5, when="a[-1] > q90 or a[-3] <= q25")],
    "policy on its own past": [Policy("b", -2.0, when="b[-1] > q50")],
    "policy further back than any lag": [Policy("a", 2.0, when="a[-5] > q50")],
    "policies that answer each other": [
        Policy("a", -2.0, when="b[-1] > q50"),
        Policy("b", 1.5, when="a[-1] < q50"),
        Policy("b", 1.0, when="a[-1] < q37.5", start=2004),
    ],
    "policy that reads what is held": [
        Set("c", 100.0, start=2004, stop=2005, units=["u1"]),
        Policy("b", 1.0, when="c[-1] >= 100"),
    ],
    "policy, scaled": [Policy("b", 1.0, when="a[-1] > 2.5"), Scale("b", 1.5)],
    "policy under a path": [Policy("b", 1.0, when="a[-1] > 2.5"), Path("b", {2005: 0.0})],
    "added": [AddEdge("c -> b [lag=1]", 0.4)],
    "added within the period": [AddEdge("a -> c", -0.3, start=2004)],
    "added within the period, against the order": [AddEdge("c -> b", 0.2, start=2003, stop=2006, units=["u1", "u2"])],
    "added further back than any lag": [AddEdge("b -> a [lag=4]", 0.5)],
    "added self-lag": [AddEdge("c -> c [lag=3]", 0.5, start=2002)],
    "two added": [AddEdge("c -> b [lag=1]", 0.4), AddEdge("a -> c", -0.3, units=["u3"])],
    "added, with its cause held": [AddEdge("c -> b [lag=1]", 0.4), Path("c", {2003: 5.0, 2004: 0.0})],
    "all kinds": [
        Shift("a", -1.0, start=2003),
        Scale("a", 1.2, start=2004, units=["u0", "u1"]),
        Set("c", 5.0, start=2006, stop=2006),
        Path("b", {2003: 1.0, 2005: 2.0}, units=["u3"]),
        Policy("a", 0.7, when="c[-1] > q50 and b[-2] < q80", start=2002),
        Cut("a -> b", start=2005, units=["u0", "u1"]),
        ScaleEdge("b -> c", 0.5, stop=2006),
        AddEdge("c -> b [lag=2]", 0.3, start=2004),
    ],
}


def ragged(rows: pd.DataFrame) -> pd.DataFrame:
    """Holes inside two series; u1 starts two years late in one node, u2 ends one early in another."""
    rows = rows.copy()
    for unit, year, node in (("u0", 2004, "a"), ("u3", 2006, "b"), ("u0", 2005, "a"), ("u2", 2004, "c")):
        rows.loc[(rows["unit"] == unit) & (rows["year"] == year), node] = np.nan
    rows.loc[(rows["unit"] == "u1") & (rows["year"] < 2002), "c"] = np.nan
    rows.loc[(rows["unit"] == "u2") & (rows["year"] > 2006), "a"] = np.nan
    return rows


def normal_fit(name: str, *, holes: bool, draws: int = 15) -> Fit:
    graph = read_graph(NORMAL[name])
    rows = columns(dict.fromkeys(graph.names, "normal"), units=4, times=YEARS, seed=3)
    return made_fit(made_model(graph, ragged(rows) if holes else rows), draws=draws, seed=5)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("three nodes", marks=pytest.mark.slow),
        "three nodes, holes",
        pytest.param("four nodes, holes", marks=pytest.mark.slow),
    ],
)
def normal(request: pytest.FixtureRequest) -> Fit:
    name, _, holes = request.param.partition(", ")
    return normal_fit(name, holes=bool(holes))


def assert_equal(ours: Any, wanted: Any, *, error: float = 1e-9, level: float = 0.0) -> None:
    """Equal to a billionth of the wanted one's sd; a change is rounded as the values, the largest of which is `level`, are that it lies between."""
    found, known = np.asarray(ours), np.asarray(wanted)
    assert found.shape == known.shape
    assert np.isfinite(found).all()
    assert np.abs(found - known).max() <= error * known.std() + 1e-13 * level


def assert_replayed(
    fit: Fit,
    items: Sequence[Intervention],
    *,
    weights: Array | None = None,
    horizon: int = 2,
    everywhere: float = 1.0,
) -> None:
    """Worlds and contrasts of every node are those of the slow recursion, and of the nodes at least a share, `everywhere`, changes."""
    base = simulate(fit, horizon=horizon, seed=SEED)
    wanted = replayed(fit, base, items, chance=quantiles(fit, base, SEED), weights=weights)
    world = simulate(fit, items, horizon=horizon, seed=SEED)
    moved = 0
    for node in fit.model.system.nodes:
        change = wanted[node] - base[node].to_numpy()
        level = float(np.abs(wanted[node]).max())
        kept = contrast(fit, items, outcome=node, horizon=horizon, seed=SEED, by="unit")
        assert_equal(world[node], wanted[node])
        assert_equal(kept, change, level=level)
        assert_equal(contrast(fit, items, outcome=node, horizon=horizon, seed=SEED), change.mean(axis=1), level=level)
        moved += bool(change.any())
    assert moved >= everywhere * len(fit.model.system.nodes)


@pytest.mark.parametrize("name", KINDS)
def test_among_normal_nodes_each_kind_does_what_the_slow_recursion_does(normal: Fit, name: str) -> None:
    assert_replayed(normal, KINDS[name], everywhere=0.6 if name == "path beyond the panel" else 1.0)


def test_the_order_of_the_list_does_not_matter(normal: Fit) -> None:
    for name in ("shift and scale", "path over scale and shift", "policy, scaled", "policy under a path", "all kinds"):
        forth, back = (contrast(normal, items, outcome="b", seed=3) for items in (KINDS[name], KINDS[name][::-1]))
        np.testing.assert_allclose(back, forth, atol=1e-11, rtol=0)


@st.composite
def _some(draw: st.DrawFn, graph: Graph) -> list[Intervention]:
    """Up to four interventions of any kinds on a graph of Normal nodes, no node held twice, no edge added that would close a cycle."""
    names, rank = graph.names, {name: k for k, name in enumerate(graph.order)}
    node, number = st.sampled_from(names), st.floats(-2, 2)
    when, some = st.tuples(st.integers(0, 4), st.integers(5, 9)), st.sampled_from([None, ["u1"], ["u2", "u0"]])
    condition = st.builds(
        lambda what, lag, sign, bound: f"{what}[-{lag}] {sign} {bound}",
        node,
        st.integers(1, 4),
        st.sampled_from([">", ">=", "<", "<="]),
        st.one_of(st.integers(1, 99).map(lambda level: f"q{level}"), st.integers(-3, 9).map(str)),
    )
    joined = st.tuples(st.sampled_from([" and ", " or "]), st.lists(condition, min_size=1, max_size=3))
    known = {(edge.cause, edge.effect, edge.lag) for edge in graph.edges}
    free = [
        f"{cause} -> {effect} [lag={lag}]" if lag else f"{cause} -> {effect}"
        for cause in names
        for effect in names
        for lag in range(4)
        if (cause, effect, lag) not in known and (lag or rank[cause] < rank[effect])
    ]
    kinds: list[st.SearchStrategy[Intervention]] = [
        st.builds(lambda what, value, period, units: Shift(what, value, *period, units), node, number, when, some),
        st.builds(lambda what, value, period, units: Scale(what, value, *period, units), node, number, when, some),
        st.builds(
            lambda what, value, text, period, units: Policy(what, value, text[0].join(text[1]), *period, units),
            node,
            number,
            joined,
            when,
            some,
        ),
        st.builds(
            lambda what, value, period, units: AddEdge(what, value / 5, *period, units),
            st.sampled_from(free),
            number,
            when,
            some,
        ),
    ]
    if graph.edges:
        edge = st.sampled_from([edge.name for edge in graph.edges])
        kinds += [
            st.builds(
                lambda what, value, period, units: ScaleEdge(what, value, *period, units), edge, number, when, some
            ),
            st.builds(lambda what, period, units: Cut(what, *period, units), edge, when, some),
        ]
    items = draw(st.lists(st.one_of(kinds), min_size=1, max_size=3, unique_by=_target))
    if draw(st.booleans()):
        values = draw(st.dictionaries(st.integers(0, 9), number, min_size=1, max_size=4))
        items.append(Path(draw(node), values, units=draw(some)))
    elif draw(st.booleans()):
        items.append(Set(draw(node), draw(number), *draw(when), units=draw(some)))
    return items


def _target(item: Intervention) -> Any:
    """What is not wanted twice in a list: an added edge."""
    return item.edge if isinstance(item, AddEdge) else id(item)


@given(graphs(min_nodes=2, max_nodes=4, max_lag=2, max_edges=7, max_latents=2, families=("normal",)), st.data())
@settings(deadline=None, max_examples=40)
def test_on_any_graph_any_list_does_what_the_slow_recursion_does(graph: Graph, data: st.DataObject) -> None:
    fit = made_fit(
        made_model(graph, frame(graph.names, units=3, times=range(8), seed=1)),
        draws=3,
        seed=data.draw(st.integers(0, 99)),
    )
    items = data.draw(_some(graph))
    world, base = simulate(fit, items, horizon=2, seed=2), simulate(fit, horizon=2, seed=2)
    for name, wanted in replayed(fit, base, items).items():
        np.testing.assert_allclose(world[name], wanted, rtol=1e-9, atol=1e-9)


ACROSS = (
    "a -> b [lag=1]; a -> b [lag=2, across=near]; b -> b [lag=1, across=near]; b -> a; c -> a [lag=1]; b -> c [lag=1]"
)


@pytest.mark.parametrize(
    "items",
    [
        [Scale("a", 1.5, start=2004, units=["u1"])],
        [Path("b", {2003: 7.0, 2005: 1.0}, units=["u2"])],
        [Policy("b", 2.0, when="a[-1] > q50", units=["u0", "u1"])],
        [AddEdge("c -> b [lag=1]", 0.5, units=["u3"]), ScaleEdge("b -> b [lag=1, across=near]", -1.5)],
    ],
    ids=["scale", "path", "policy", "added"],
)
def test_what_is_done_to_one_unit_reaches_the_others(items: list[Intervention]) -> None:
    weights = np.random.default_rng(2).random((5, 5)) * (1.0 - np.eye(5))
    weights[4] = 0.0
    names = [f"u{k}" for k in range(5)]
    rows = columns(dict.fromkeys("abc", "normal"), units=5, times=range(2000, 2008), seed=5)
    table = {"near": pd.DataFrame(weights, index=names, columns=names)}
    fit = made_fit(made_model(read_graph(ACROSS), rows, weights=table), draws=6, seed=3)
    total = weights.sum(axis=1, keepdims=True)
    assert_replayed(fit, items, weights=weights / np.where(total > 0, total, 1.0))


# ------------------------------------------------------------------------------- nodes of every family

FAMILIES = (
    "lognormal",
    "student-t",
    "hurdle-lognormal",
    "poisson",
    "negative-binomial",
    "bernoulli",
    "beta",
    "ordered",
)
EACH = [
    pytest.param(family, marks=pytest.mark.slow)
    if family in ("student-t", "hurdle-lognormal", "negative-binomial", "bernoulli", "beta")
    else family
    for family in FAMILIES
]
"""All of them; those that are much like another are run by CI only."""
ODDS_OR_LOG = tuple(family for family in FAMILIES if family != "student-t")
LOOP = "x -> y [lag=1]; x -> y [lag=2]; y -> y [lag=1]; y -> x; x -> x [lag=1]"
HELD = {"lognormal": (2.5, 0.4), "student-t": (-1.5, 4.0), "hurdle-lognormal": (0.0, 2.5), "poisson": (0.0, 7.0)} | {
    "negative-binomial": (5.0, 1.0),
    "bernoulli": (1.0, 0.0),
    "beta": (0.9, 0.25),
    "ordered": (3.0, 1.0),
}
MIDDLE = {"lognormal": 1.6, "hurdle-lognormal": 0.8, "beta": 0.5, "bernoulli": 1.0, "student-t": 2.0}
"""A natural value that about half of the values lie above or at; of counts and levels it is 2."""


def late(rows: pd.DataFrame, node: str = "x") -> pd.DataFrame:
    """u1 starts three years late, u3 ends two early."""
    rows = rows.copy()
    rows.loc[(rows["unit"] == "u1") & (rows["year"] < 2003), node] = np.nan
    rows.loc[(rows["unit"] == "u3") & (rows["year"] > 2005), node] = np.nan
    return rows


def loop_fit(family: str, *, holes: bool = True, graph: str = LOOP, units: int = 4, draws: int = 12) -> Fit:
    rows = columns({"x": "normal", "y": family}, units=units, times=YEARS, seed=4)
    model = made_model(read_graph(f"{graph}; y [family={family}]"), late(rows) if holes else rows)
    return mixed_fit(model, draws=draws, seed=6, effects=moderate(model, 0.3))


def moderate(model: Model, most: float) -> dict[str, float]:
    """Effects of half of `most` and up to it on the standard scale: a share that runs away to one, or a count beyond all bounds, says nothing."""
    generator = np.random.default_rng(3)
    return {
        term.name: generator.choice([-1.0, 1.0])
        * generator.uniform(most / 2, most)
        / model.on_standard_scale(term.name)
        for term in model.system.terms
    }


def family_kinds(family: str) -> dict[str, list[Intervention]]:
    one, other = HELD[family]
    middle = MIDDLE.get(family, 2.0)
    return {
        "set": [Set("y", one, start=2003, stop=2005, units=["u0", "u1"]), Set("x", 1.0, start=2007)],
        "shift": [Shift("y", 0.7, start=2002, units=["u1", "u2"]), Shift("x", -1.0, start=2004)],
        "cut": [Cut("y -> y [lag=1]", start=2003), Cut("y -> x", start=2005)],
        "scaled edge": [ScaleEdge("x -> y [lag=1]", -1.5, start=2002), ScaleEdge("y -> x", 2.0, units=["u3"])],
        "scale": [Scale("y", 1.8, start=2003)],
        "two scales": [Scale("y", 1.8), Scale("y", 0.4, start=2005, units=["u0", "u1"])],
        "scale and shift": [Shift("y", -0.5, start=2004), Scale("y", 2.5), Scale("x", 0.5, units=["u2"])],
        "path": [Path("y", {2001: one, 2004: other, 2008: one}, units=["u1", "u3"])],
        "path over scale and shift": [Path("y", {2004: other}), Scale("y", 1.5), Shift("y", 0.5)],
        "policy on it": [Policy("y", 1.0, when="x[-1] > q50")],
        "policy that reads it": [Policy("x", -1.5, when=f"y[-1] >= {middle}")],
        "policy that reads its quantile": [Policy("x", -1.5, when="y[-2] < q62.5", start=2002)],
        "policy of both": [Policy("y", -1.0, when=f"y[-1] >= {middle} and x[-2] > q30"), Scale("y", 1.5)],
        "added to it": [AddEdge("x -> y [lag=3]", 0.2, start=2003)],
        "added from it": [AddEdge("y -> x [lag=2]", 0.3, units=["u0", "u1"])],
        "all kinds": [
            Shift("y", -0.5, start=2004),
            Scale("y", 1.4),
            Path("y", {2003: one}, units=["u3"]),
            Policy("y", 0.8, when=f"x[-1] > q50 or y[-1] < {middle}"),
            Policy("x", 0.8, when=f"y[-1] >= {middle}", stop=2006),
            Scale("x", 0.9),
            AddEdge("y -> x [lag=2]", 0.3),
            AddEdge("x -> y [lag=4]", -0.1),
            ScaleEdge("x -> y [lag=2]", 0.5),
            Cut("y -> y [lag=1]", start=2006),
        ],
    }


FAMILY_KINDS = tuple(family_kinds("poisson"))


@pytest.fixture(scope="module", params=EACH)
def looped(request: pytest.FixtureRequest) -> tuple[str, Fit]:
    return request.param, loop_fit(request.param)


@pytest.mark.parametrize("family", EACH)
def test_the_slow_recursion_repeats_the_world_in_which_nothing_is_done(family: str) -> None:
    # What the quantiles and the levels of the recursion are held against: every value that is drawn comes out again.
    fit = loop_fit(family)
    base = simulate(fit, horizon=2, seed=SEED)
    for node, again in replayed(fit, base, [], chance=quantiles(fit, base, SEED)).items():
        np.testing.assert_allclose(again, base[node], rtol=1e-9, atol=1e-9)
    assert len(np.unique(base["y"].to_numpy())) > 1


@pytest.mark.parametrize("name", FAMILY_KINDS)
def test_in_a_loop_with_a_node_of_any_family_each_kind_does_what_the_slow_recursion_does(
    looped: tuple[str, Fit], name: str
) -> None:
    family, fit = looped
    assert_replayed(fit, family_kinds(family)[name])


def whole_fit(*, holes: bool = False, draws: int = 8) -> Fit:
    """One graph with a node of every family, effects within the period and one and two years later."""
    kinds = {"x": "normal"} | {f"y_{family.split('-')[0]}": family for family in FAMILIES}
    names = list(kinds)
    lines = [f"{name} [family={family}]" for name, family in kinds.items()]
    lines += [f"{one} -> {other}" for one, other in pairwise(names)]
    lines += [f"{one} -> {other} [lag=2]" for one, other in zip(names[2:], names, strict=False)]
    lines += [f"x -> {name} [lag=1]" for name in names[2:]]
    lines += ["x -> x [lag=1]", "y_poisson -> y_poisson [lag=1]", f"{names[-1]} -> x [lag=1]"]
    rows = columns(kinds, units=4, times=YEARS, seed=9)
    model = made_model(read_graph("\n".join(lines)), late(rows) if holes else rows)
    return mixed_fit(model, draws=draws, seed=7, effects=moderate(model, 0.4), spread=0.01)


WHOLE: dict[str, list[Intervention]] = {
    "one": [Shift("x", 6.0, start=2003)],
    "scales": [Scale("y_poisson", 2.0, start=2002), Scale("y_beta", 0.5), Scale("y_lognormal", 1.5, units=["u1"])],
    "policies": [
        Policy("y_hurdle", 0.5, when="y_ordered[-1] >= 2 and x[-1] > q40"),
        Policy("y_ordered", -1.0, when="y_hurdle[-1] <= 0 or y_negative[-2] > q50", start=2003),
    ],
    "added and held": [
        AddEdge("y_ordered -> y_bernoulli [lag=1]", 0.4),
        AddEdge("y_student -> y_beta", 0.2, start=2004),
        Path("y_student", {2003: 1.0, 2006: 4.0}),
        Set("y_bernoulli", 1.0, start=2007, units=["u0", "u2"]),
    ],
}


@pytest.fixture(scope="module")
def late_whole() -> Fit:
    return whole_fit(holes=True)


@pytest.mark.parametrize("name", WHOLE)
def test_in_a_loop_of_every_family_each_kind_does_what_the_slow_recursion_does(late_whole: Fit, name: str) -> None:
    assert_replayed(late_whole, WHOLE[name])


@pytest.mark.parametrize("family", ODDS_OR_LOG)
def test_a_scale_of_a_node_with_a_log_or_odds_link_is_a_shift_by_the_log_of_its_factor(family: str) -> None:
    fit = loop_fit(family)
    for node in ("x", "y"):
        scaled = contrast(fit, Scale("y", 1.7, start=2003), outcome=node, seed=2, by="unit")
        shifted = contrast(fit, Shift("y", np.log(1.7), start=2003), outcome=node, seed=2, by="unit")
        assert scaled.any()
        np.testing.assert_allclose(scaled, shifted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("family", ODDS_OR_LOG)
@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_a_log_or_odds_cannot_be_scaled_by_nothing_or_less(family: str, factor: float) -> None:
    with pytest.raises(CausalError, match="Scale"):
        simulate(loop_fit(family), Scale("y", factor))


def test_a_policy_that_always_holds_is_a_shift_from_the_second_period_on(normal: Fit) -> None:
    for node in normal.model.system.nodes:
        always = contrast(normal, Policy("b", 1.5, when="c[-1] > -1000"), outcome=node, seed=3, by="unit")
        shift = contrast(normal, Shift("b", 1.5, start=2001), outcome=node, seed=3, by="unit")
        np.testing.assert_array_equal(always, shift)


def test_a_threshold_at_a_value_that_stands_in_the_panel_is_met_by_it_and_not_passed_by_it() -> None:
    # Whole numbers in the years that are given: what is put on a standard scale and back must still be equal to itself.
    rows = columns({"a": "normal", "b": "normal"}, units=7, times=YEARS, seed=3)
    rows["a"] = np.random.default_rng(1).integers(0, 10, len(rows)).astype(float)
    fit = made_fit(made_model(read_graph("a -> b [lag=2]; b -> b [lag=1]; a -> a [lag=1]"), rows), draws=3, seed=1)
    first = observed(fit, "a")[:, 0]
    for number in range(10):
        for sign, holds in (
            (">", first > number),
            (">=", first >= number),
            ("<", first < number),
            ("<=", first <= number),
        ):
            found = contrast(fit, Policy("b", 1.0, when=f"a[-1] {sign} {number}", stop=2001), outcome="b", by="unit")
            np.testing.assert_allclose(found.sel(time=2001), np.broadcast_to(holds.astype(float), (6, 7)), atol=1e-12)


# ------------------------------------------------------------------------------- nothing done

NOTHING: dict[str, list[Intervention]] = {
    "a scale of one": [Scale("b", 1.0)],
    "two scales of one": [Scale("b", 1.0, start=2003), Scale("a", 1.0, units=["u1"])],
    "scales that undo each other": [Scale("b", 2.0), Scale("b", 0.5)],
    "a policy that never holds": [Policy("b", 3.0, when="a[-1] > 1e9")],
    "a policy further back than the panel": [Policy("b", 3.0, when="a[-5] < 1e9", stop=2004)],
    "a policy of which one half never holds": [Policy("b", 3.0, when="a[-1] < 1e9 and c[-1] > 1e9")],
    "a policy of nothing": [Policy("b", 0.0, when="a[-1] < 1e9")],
    "policies that undo each other": [
        Policy("b", 2.0, when="a[-1] > q50"),
        Policy("b", -2.0, when="a[-1] > q50"),
    ],
    "an added edge of nothing": [AddEdge("c -> b [lag=1]", 0.0), AddEdge("a -> c", 0.0, start=2003)],
    "a shift of nothing": [Shift("b", 0.0), Shift("a", 0.0, start=2003)],
    "everything, of nothing": [
        Shift("b", 0.0),
        Scale("b", 1.0),
        Policy("c", 0.0, when="b[-1] > 0"),
        ScaleEdge("a -> b", 1.0),
        AddEdge("c -> b [lag=1]", 0.0),
    ],
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_does_nothing_changes_exactly_nothing_among_normal_nodes(normal: Fit, name: str) -> None:
    for node in normal.model.system.nodes:
        for by in ("unit", None):
            assert (contrast(normal, NOTHING[name], outcome=node, horizon=2, seed=4, by=by) == 0.0).all()
    assert simulate(normal, NOTHING[name], horizon=2, seed=4).equals(simulate(normal, horizon=2, seed=4))


@pytest.mark.parametrize("family", EACH)
def test_what_does_nothing_changes_exactly_nothing_whatever_the_family(family: str) -> None:
    fit = loop_fit(family)
    base = simulate(fit, horizon=2, seed=4)
    for items in (
        [Scale("y", 1.0)],
        [Scale("y", 2.0), Scale("y", 0.5)],
        [Shift("y", 0.0)],
        [Policy("y", 1.0, when="y[-1] > 1e9")],
        [Policy("y", 0.0, when="x[-1] > 0")],
        [AddEdge("x -> y [lag=3]", 0.0), AddEdge("y -> x [lag=1]", 0.0)],
        [ScaleEdge("x -> y [lag=1]", 1.0), Scale("x", 1.0)],
    ):
        for node in ("x", "y"):
            assert (contrast(fit, items, outcome=node, horizon=2, seed=4, by="unit") == 0.0).all()
        assert simulate(fit, items, horizon=2, seed=4).equals(base)


# ------------------------------------------------------------------------------- counterfactuals


def completed(fit: Fit) -> xr.Dataset:
    """The observed panel in every draw (draw, unit, time), with the draw's own values where one is missing inside a span; NaN elsewhere."""
    design, size = fit.model.design, len(fit.draws("effect"))
    out = {node: np.repeat(observed(fit, node)[None], size, axis=0) for node in fit.model.system.nodes}
    for hole, (place, unit, time) in enumerate(design.holes.T):
        name = fit.model.system.nodes[place]
        moved = fit.draws("missing")[:, hole] * design.scales[place] + design.centres[place]
        out[name][:, unit, time] = moved
    coords = {"unit": simulate(fit)["unit"].to_numpy(), "time": fit.model.study.panel.times}
    return xr.Dataset({name: (("draw", "unit", "time"), values) for name, values in out.items()}, coords=coords)


def test_without_intervention_a_counterfactual_is_the_observed_panel(normal: Fit) -> None:
    for node in normal.model.system.nodes:
        found = counterfactual(normal, [], outcome=node)
        seen = observed(normal, node)
        assert found.dims == ("draw", "unit", "time")
        assert found.sizes["draw"] == len(normal.draws("effect"))
        assert list(found["time"].to_numpy()) == list(YEARS)
        assert [str(unit) for unit in found["unit"].to_numpy()] == ["u0", "u1", "u2", "u3"]
        known = ~np.isnan(seen)
        assert (found.to_numpy()[:, known] == seen[known]).all()
        # A value that is missing inside its series is the draw's own.
        place = normal.model.system.nodes.index(node)
        inside = normal.model.design.holes[:, normal.model.design.holes[0] == place]
        whole = completed(normal)[node].to_numpy()
        np.testing.assert_allclose(
            found.to_numpy()[:, inside[1], inside[2]], whole[:, inside[1], inside[2]], rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("family", EACH)
@pytest.mark.parametrize("holes", [False, True])
def test_without_intervention_a_counterfactual_is_the_observed_panel_whatever_the_family(
    family: str, holes: bool
) -> None:
    fit = loop_fit(family, holes=holes)
    for items in ([], [Shift("y", 0.0)], [Scale("y", 1.0), Scale("x", 1.0)], [Policy("x", 1.0, when="y[-1] > 1e9")]):
        for node in ("x", "y"):
            seen = observed(fit, node)
            known = ~np.isnan(seen)
            assert (counterfactual(fit, items, outcome=node).to_numpy()[:, known] == seen[known]).all()


def test_without_intervention_a_loop_of_every_family_is_the_observed_panel() -> None:
    fit = whole_fit()
    for node in fit.model.system.nodes:
        found = counterfactual(fit, [], outcome=node).to_numpy()
        np.testing.assert_array_equal(found, np.broadcast_to(observed(fit, node), found.shape))


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "lognormal"])
def test_where_a_value_is_missing_a_counterfactual_is_one_that_the_family_can_have(family: str) -> None:
    rows = columns({"x": "normal", "y": family}, units=4, times=YEARS, seed=4)
    rows.loc[(rows["unit"] == "u1") & (rows["year"] == 2004), "y"] = np.nan
    model = made_model(read_graph(f"x -> y [lag=1]; y -> x [lag=1]; x -> x [lag=1]; y [family={family}]"), rows)
    fit = mixed_fit(model, draws=500, seed=6, effects=moderate(model, 0.3))
    for items in ([], [Shift("y", 1.0, start=2004)], [Shift("x", 2.0, start=2002)]):
        found = counterfactual(fit, items, outcome="y").sel(unit="u1", time=2004).to_numpy()
        assert np.isfinite(found).all()
        assert not families.outside(family, found).any()
        assert family != "ordered" or found.max() <= 3.0
    pushed = counterfactual(fit, Shift("y", 1.0, start=2004), outcome="y").sel(unit="u1", time=2004).to_numpy()
    assert (pushed >= counterfactual(fit, [], outcome="y").sel(unit="u1", time=2004).to_numpy() - 1e-9).all()


@pytest.mark.parametrize("graph", NORMAL)
@pytest.mark.parametrize("name", [name for name in KINDS if name != "path beyond the panel"])
def test_among_normal_nodes_a_counterfactual_is_the_slow_recursion_from_the_observed_panel(
    graph: str, name: str
) -> None:
    fit = normal_fit(graph, holes=False)
    wanted = replayed(fit, completed(fit), KINDS[name])
    for node in fit.model.system.nodes:
        assert_equal(counterfactual(fit, KINDS[name], outcome=node), wanted[node])


@pytest.mark.parametrize("graph", NORMAL)
@pytest.mark.parametrize(
    "items",
    [
        [Shift("b", 1.0, start=2004)],
        [Cut("b -> c [lag=1]", start=2005)],
        [Set("b", 1.0, start=2005), Shift("a", 2.0, start=2004, units=["u0", "u2"])],
        [Scale("c", 1.5, start=2004), AddEdge("c -> b [lag=1]", 0.5, start=2006)],
        [Policy("a", -1.0, when="b[-1] > q40", start=2005)],
    ],
    ids=["shift", "cut", "set", "scale and added", "policy"],
)
def test_with_holes_a_counterfactual_starts_from_each_draws_own_values(graph: str, items: list[Intervention]) -> None:
    fit = normal_fit(graph, holes=True)
    base = completed(fit)
    # What no unit's span holds takes no part: the interventions start inside all of them.
    wanted = replayed(fit, base.fillna(0.0), items)
    design = fit.model.design
    for node in fit.model.system.nodes:
        found = counterfactual(fit, items, outcome=node).to_numpy()
        for unit, (first, stop) in enumerate(zip(design.sweep.first, design.sweep.stop, strict=True)):
            if YEARS[first] <= 2004:
                np.testing.assert_allclose(
                    found[:, unit, first:stop], wanted[node][:, unit, first:stop], rtol=1e-9, atol=1e-9
                )
    assert (design.sweep.first <= 4).all()


def cumulated(family: str, values: Array, eta: Array) -> Array:
    """The quantile at which a value stands, of a family without jumps."""
    given_ = replay.PARAMETERS[family]
    if family == "student-t":
        return stats.t.cdf((values - eta) / given_[0], given_[1])
    mean = 1.0 / (1.0 + np.exp(-eta))
    return stats.beta.cdf(values, mean * given_[0], (1.0 - mean) * given_[0])


@pytest.mark.parametrize("family", ["student-t", "beta", "lognormal"])
@pytest.mark.parametrize("name", [name for name in FAMILY_KINDS if name != "path"])
def test_without_jumps_a_counterfactual_is_the_slow_recursion_from_the_observed_quantiles(
    family: str, name: str
) -> None:
    fit = loop_fit(family, holes=False)
    base = completed(fit)
    natural = {node: base[node].to_numpy() for node in ("x", "y")}
    chance = {} if family == "lognormal" else {"y": cumulated(family, natural["y"], replay.link(fit, "y", natural))}
    wanted = replayed(fit, base, family_kinds(family)[name], chance=chance)
    for node in ("x", "y"):
        assert_equal(counterfactual(fit, family_kinds(family)[name], outcome=node), wanted[node], error=1e-6)


STRAIGHT = "x -> y [lag=1]; x -> x [lag=1]"
"""x is moved by itself alone, so that the chances of y under an intervention can be enumerated; with a memory of y along a chain."""
CHAINS = {
    "bernoulli": f"{STRAIGHT}; y -> y [lag=1]",
    "ordered": f"{STRAIGHT}; y -> y [lag=1]; y -> y [lag=2]",
    "poisson": STRAIGHT,
}
LEVELS = {"bernoulli": 2, "ordered": 4, "poisson": 40}


def below(family: str, level: int, eta: Array) -> Array:
    """The chance of `level` or less."""
    if family == "poisson":
        return pdtr(level, np.exp(eta)) if level >= 0 else np.zeros_like(eta)
    return replay.below(family, level, eta)


def enumerated(fit: Fit, family: str, items: Sequence[Intervention], moved: Callable[[int], float]) -> Array:
    """P(y' = k | all that was observed) (draw, unit, time, k) in the world with `items`, which add `moved` to y's link in each year.

    The quantile of y lies uniformly in the interval that gives the observed value. The chance that it also lies in the interval of k is the
    length of what the two intervals share over the length of the first; it is summed over what y' may have been in the two years before.
    """
    base = completed(fit)
    natural = {node: base[node].to_numpy() for node in ("x", "y")}
    other_x = replayed(fit, base, items, chance={"y": np.full(natural["y"].shape, 0.5)})["x"]
    y, levels = natural["y"], LEVELS[family]
    was = on_value_scale(family, y)
    eta = replay.link(fit, "y", natural)
    names = [term.name for term in fit.model.system.terms]
    onward, own, older = (
        effect_of(fit, name)[:, None] if name in names else None
        for name in ("x -> y [lag=1]", "y -> y [lag=1]", "y -> y [lag=2]")
    )
    assert onward is not None
    start = int(fit.model.design.sweep.first[0])
    # Of pairs (y' two years ago, y' a year ago); what is no cause is not told apart.
    pasts = levels if own is not None else 1
    pair = np.zeros((*y.shape[:2], pasts, pasts))
    out = np.zeros((*y.shape, levels))
    for k in range(levels):
        out[:, :, :start, k] = y[:, :, :start] == k
        for j in range(pasts if pasts > 1 else 0):
            pair[:, :, j, k] = (y[:, :, max(start - 2, 0)] == j) & (y[:, :, start - 1] == k)
    if pasts == 1:
        pair[:] = 1.0
    for t in range(start, y.shape[2]):
        at = [y[:, :, t] == k for k in range(levels)]
        low = np.select(at, [below(family, k - 1, eta[:, :, t]) for k in range(levels)])
        high = np.select(at, [below(family, k, eta[:, :, t]) for k in range(levels)])
        after = np.zeros_like(pair)
        for j in range(pasts):
            for i in range(pasts):
                other = eta[:, :, t] + onward * (other_x - natural["x"])[:, :, t - 1] + moved(t)
                if own is not None:
                    other = other + own * (i - was[:, :, t - 1])
                if older is not None:
                    other = other + older * (j - was[:, :, t - 2])
                upto = [below(family, k, other) for k in range(-1, levels)]
                for k in range(levels):
                    shared = np.minimum(high, upto[k + 1]) - np.maximum(low, upto[k])
                    part = pair[:, :, j, i] * np.maximum(shared, 0.0) / (high - low)
                    out[:, :, t, k] += part
                    after[:, :, i, min(k, pasts - 1)] += part
        pair = after
    return out


def on_its_link(year: int, amount: float) -> Callable[[int], float]:
    """`amount` from `year` on."""
    return lambda t: amount if YEARS[t] >= year else 0.0


@pytest.mark.parametrize("family", ["bernoulli", "ordered", pytest.param("poisson", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("items", "moved"),
    [
        ([Shift("x", 2.0, start=2003)], on_its_link(2003, 0.0)),
        ([Shift("y", -0.8, start=2004)], on_its_link(2004, -0.8)),
        ([Scale("y", 1.6, start=2002), Set("x", 0.0, start=2004)], on_its_link(2002, np.log(1.6))),
    ],
    ids=["cause", "shift", "scale and cause"],
)
def test_the_counterfactuals_of_a_discrete_node_are_as_frequent_as_enumeration_says(
    family: str, items: list[Intervention], moved: Callable[[int], float]
) -> None:
    fit = loop_fit(family, holes=False, graph=CHAINS[family], draws=2500)
    found = counterfactual(fit, items, outcome="y", seed=5).to_numpy()
    chance = enumerated(fit, family, items, moved)
    np.testing.assert_allclose(chance.sum(axis=3), 1.0, atol=1e-9)
    assert len(found) >= 4000
    shares = np.stack([found == k for k in range(chance.shape[3])], axis=3)
    assert (shares.sum(axis=3) == 1).all()
    assert not shares[chance == 0.0].any()  # what cannot be is never drawn
    # Of each value that was observed the share of each value that would have been, all units and years together.
    y = completed(fit)["y"].to_numpy()
    compared = 0
    for was in range(chance.shape[3]):
        at = (y == was)[..., None]
        excess = ((shares - chance) * at).sum(
            axis=(1, 2)
        )  # (draw, k): draws are independent, the years of one unit are not
        open_ = (chance * (1.0 - chance) * at).sum(axis=(0, 1, 2)) > 25.0  # where the sum is near enough to Normal
        error = excess.std(axis=0) / len(found) ** 0.5
        compared += int(open_.sum())
        assert (np.abs(excess.mean(axis=0)) < 4.0 * error)[open_].all()
    assert compared >= 2
    # Each unit and year alone, over draws that are independent.
    expected, error = chance.mean(axis=0), np.sqrt((chance * (1.0 - chance)).sum(axis=0)) / len(found)
    open_ = error * len(found) > 5.0
    assert open_.sum() > 10
    assert (np.abs(shares.mean(axis=0) - expected)[open_] < 4.5 * error[open_]).all()


@pytest.mark.parametrize("family", ["bernoulli", "ordered", "poisson", "negative-binomial", "hurdle-lognormal"])
def test_a_push_upwards_lowers_no_counterfactual_and_leaves_what_was_before(family: str) -> None:
    fit = loop_fit(family, holes=False, graph="x -> y [lag=1]; x -> x [lag=1]", draws=200)
    found, seen = counterfactual(fit, Shift("y", 0.5, start=2004), outcome="y").to_numpy(), observed(fit, "y")
    np.testing.assert_array_equal(found[:, :, :4], np.broadcast_to(seen[:, :4], found[:, :, :4].shape))
    assert (found[:, :, 4:] >= seen[:, 4:]).all()
    assert (found[:, :, 4:] > seen[:, 4:]).any()


# ------------------------------------------------------------------------------- mediation

SHORT = range(2000, 2006)
THREE = """
    x -> x [lag=1]; x -> m; m -> m [lag=1]; m -> y [lag=1]; x -> y [lag=1]; x -> y [lag=2]; y -> y [lag=1]
    y -> x [lag=1]; y -> m [lag=2]
"""
Point = tuple[str, int]


@pytest.fixture(scope="module")
def three() -> Fit:
    rows = columns(dict.fromkeys("xmy", "normal"), units=4, times=SHORT, seed=3)
    return made_fit(made_model(read_graph(THREE), rows), draws=5, seed=5)


def roads(fit: Fit, at: Point, to: Point) -> Iterator[tuple[Array, tuple[str, ...]]]:
    """Every path of the unrolled graph from one point to another: the product of its effects (draw,), and the names of its edges."""
    if at == to:
        yield np.ones(len(fit.draws("effect"))), ()
    for term in fit.model.system.terms:
        if term.cause == at[0] and at[1] + term.lag <= to[1]:
            for product, names in roads(fit, (term.effect, at[1] + term.lag), to):
                yield effect_of(fit, term.name) * product, (term.name, *names)


def by_paths(
    fit: Fit, item: Shift, outcome: str, times: Sequence[int], keep: Callable[[tuple[str, ...]], bool]
) -> Array:
    """(draw, time): what a shift changes in the outcome along the paths that are kept, the mean over the units."""
    share = 1.0 if item.units is None else len(item.units) / len(fit.model.design.units)
    out = np.zeros((len(fit.draws("effect")), len(times)))
    for t in range(len(times)):
        for s in range(t + 1):
            if (item.start or times[0]) <= times[s] <= (item.stop or times[-1]):
                out[:, t] += sum(
                    product * item.amount * share
                    for product, names in roads(fit, (item.node, s), (outcome, t))
                    if keep(names)
                )
    return out


SHIFTS = [
    Shift("x", 1.5, start=2001, stop=2001),
    Shift("x", -1.0),
    Shift("x", 2.0, start=2002, stop=2004, units=["u0", "u3", "u1"]),
]


@pytest.mark.parametrize("item", SHIFTS)
def test_in_a_linear_loop_the_parts_are_the_sums_over_the_paths_of_the_unrolled_graph(three: Fit, item: Shift) -> None:
    leaving = {term.name for term in three.model.system.terms if term.cause == "m"}
    found = mediation(three, item, outcome="y", through=["m"])
    assert set(found.data_vars) == {"total", "direct", "indirect", "interaction"}
    assert all(found[part].dims == ("draw", "time") for part in found.data_vars)
    assert_equal(found["total"], by_paths(three, item, "y", SHORT, lambda names: True))
    for part, passes in (("direct", False), ("indirect", True)):
        wanted = by_paths(three, item, "y", SHORT, lambda names, passes=passes: bool(leaving & {*names}) == passes)
        assert_equal(found[part], wanted)
        assert wanted.any()
    np.testing.assert_allclose(found["interaction"], 0.0, atol=1e-9)
    np.testing.assert_allclose(found["total"], contrast(three, item, outcome="y"), atol=1e-12)


@pytest.mark.parametrize("item", SHIFTS)
@pytest.mark.parametrize(
    "edges",
    [
        ["x -> y [lag=1]"],
        ["x -> m", "m -> y [lag=1]"],
        ["x -> x [lag=1]", "x -> y [lag=2]", "y -> y [lag=1]"],
        ["x -> y [lag=1]", "y -> x [lag=1]"],
        ["m -> m [lag=1]", "m -> y [lag=1]"],
        ["x -> y [lag=1]", "y -> m [lag=2]", "m -> y [lag=1]"],
    ],
)
def test_along_edges_a_change_is_the_sum_over_the_paths_of_these_edges(
    three: Fit, item: Shift, edges: list[str]
) -> None:
    found = along(three, item, outcome="y", edges=edges)
    assert found.dims == ("draw", "time")
    wanted = by_paths(three, item, "y", SHORT, lambda names: {*names} <= {*edges})
    np.testing.assert_allclose(found, wanted, atol=1e-9, rtol=1e-9)
    assert wanted.any() == ("x -> m" in edges or any(edge.startswith("x -> y") for edge in edges))


def test_along_all_edges_goes_the_whole_effect_and_along_one_no_more_than_its_own(three: Fit) -> None:
    names = [term.name for term in three.model.system.terms]
    for item in SHIFTS:
        whole = along(three, item, outcome="y", edges=names)
        np.testing.assert_allclose(whole, contrast(three, item, outcome="y"), atol=1e-12)
        own = along(three, item, outcome="x", edges=["y -> y [lag=1]"])
        np.testing.assert_allclose(own, by_paths(three, item, "x", SHORT, lambda names: not names))
        assert own.any()


@given(graphs(min_nodes=3, max_nodes=4, max_lag=2, max_edges=8, max_latents=0, families=("normal",)), st.data())
@settings(deadline=None, max_examples=15)
def test_on_any_graph_the_parts_are_those_of_the_slow_recursion(graph: Graph, data: st.DataObject) -> None:
    fit = made_fit(made_model(graph, frame(graph.names, units=3, times=range(7), seed=1)), draws=3, seed=2)
    cause, middle, outcome = data.draw(st.permutations(graph.names))[:3]
    items = [Shift(cause, 1.5, start=2, units=["u0", "u2"]), Shift(outcome, -0.5, stop=4)]
    found = mediation(fit, items, outcome=outcome, through=[middle], seed=2)
    wanted = parts(fit, items, outcome, [middle])
    for part, values in wanted.items():
        np.testing.assert_allclose(found[part], values, atol=1e-9, rtol=1e-9)
    np.testing.assert_allclose(found["interaction"], 0.0, atol=1e-9)
    edges = data.draw(st.sets(st.sampled_from([edge.name for edge in graph.edges]))) if graph.edges else set[str]()
    if edges:
        base = simulate(fit, seed=2)
        world = {node: base[node].to_numpy() for node in graph.names}
        closed = {term.name: world for term in fit.model.system.terms if term.name not in edges}
        only = replayed(fit, base, items, read_from=closed)[outcome] - world[outcome]
        mine = along(fit, items, outcome=outcome, edges=sorted(edges), seed=2)
        np.testing.assert_allclose(mine, only.mean(axis=1), atol=1e-9, rtol=1e-9)


def parts(fit: Fit, items: Sequence[Intervention], outcome: str, through: Sequence[str]) -> Mapping[str, Array]:
    """Total, direct and indirect changes (draw, time) by the slow recursion, at seed 2.

    Direct: what leaves a mediator is looked up in the world without. Indirect: nothing is done, a held node stays what it was, and what leaves a
    mediator is looked up in the world in which everything is done.
    """
    base = simulate(fit, seed=2)
    chance = quantiles(fit, base, 2)
    without = {node: base[node].to_numpy() for node in fit.model.system.nodes}
    leaving = [term.name for term in fit.model.system.terms if term.cause in through]
    whole = replayed(fit, base, items, chance=chance)
    worlds = {
        "total": whole,
        "direct": replayed(fit, base, items, chance=chance, read_from=dict.fromkeys(leaving, without)),
        "indirect": replayed(fit, base, [], chance=chance, read_from=dict.fromkeys(leaving, whole), undone=items),
    }
    return {part: (world[outcome] - without[outcome]).mean(axis=1) for part, world in worlds.items()}


@pytest.mark.parametrize("family", EACH)
@pytest.mark.parametrize(
    "items", [[Shift("x", 2.0, start=2002)], [Scale("x", -0.5, stop=2003), Shift("y", 0.4), Set("x", 3.0, start=2004)]]
)
def test_whatever_the_mediators_family_the_parts_are_those_of_the_slow_recursion(
    family: str, items: list[Intervention]
) -> None:
    graph = (
        f"x -> x [lag=1]; x -> m; m -> y [lag=1]; x -> y [lag=1]; y -> y [lag=1]; y -> x [lag=1]; m [family={family}]"
    )
    rows = columns({"x": "normal", "m": family, "y": "lognormal"}, units=4, times=YEARS, seed=4)
    fit = mixed_fit(made_model(read_graph(f"{graph}; y [family=lognormal]"), rows), draws=10, seed=6, spread=0.02)
    found = mediation(fit, items, outcome="y", through=["m"], seed=2)
    for part, wanted in parts(fit, items, "y", ["m"]).items():
        assert_equal(found[part], wanted)
    rest = found["total"] - found["direct"] - found["indirect"]
    np.testing.assert_allclose(found["interaction"], rest, atol=1e-12)
    assert np.abs(found["interaction"]).max() > 1e-6
