from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from causal.checks.independences import implied
from causal.checks.placebo import leads
from causal.claim import Claim, Ledger, Source
from causal.fit import Fit
from causal.graph import Graph
from causal.identification import identify_edge
from causal.intervene import AddEdge, Cut, Policy, Set, Shift
from causal.joint import build_model
from causal.panel import Panel, Study
from causal.rests import differing, on_the_way, rests_on, word_of
from causal.simulate import contrast, counterfactual, simulate
from causal.syntax import read_graph
from causal.terminal import weakest
from causal.verdict import PRIOR_SETS, judge
from tests.oracle.worlds import frame, made_fit, made_model

CHAIN = "x -> m [lag=1]\nm -> y [lag=1]\nx -> x [lag=1]\nz -> y [lag=1]\ny -> w [lag=1]"


def fit_of(text: str, *, spread: float = 0.1, nodes: tuple[str, ...] | None = None, **study: object) -> Fit:
    graph = read_graph(text)
    rows = frame(nodes or graph.names, units=5, times=range(2000, 2010), seed=2)
    if study:
        model = build_model(graph, Study(Panel.from_frame(rows, unit="unit", time="year"), **study))  # type: ignore[arg-type]
        return made_fit(model, spread=spread)
    return made_fit(made_model(graph, rows), spread=spread)


def named(graph: Graph, found: object) -> set[str]:
    return {term.name for term in found}  # type: ignore[attr-defined]


def test_only_terms_between_the_intervention_and_the_outcome_are_on_the_way() -> None:
    fit = fit_of(CHAIN)
    graph = fit.model.graph
    assert named(graph, on_the_way(fit.model, [Shift("x", 1.0)], ("y",))) == {
        "x -> m [lag=1]",
        "m -> y [lag=1]",
        "x -> x [lag=1]",
    }
    assert named(graph, on_the_way(fit.model, [Shift("z", 1.0)], ("y",))) == {"z -> y [lag=1]"}
    assert named(graph, on_the_way(fit.model, [Shift("w", 1.0)], ("y",))) == set()
    assert named(graph, on_the_way(fit.model, [Cut("x -> m")], ("y",))) == {"x -> m [lag=1]", "m -> y [lag=1]"}
    assert named(graph, on_the_way(fit.model, [Shift("m", 1.0)])) == {"m -> y [lag=1]", "y -> w [lag=1]"}


def test_an_added_edge_and_a_policy_carry_what_comes_before_them() -> None:
    fit = fit_of(CHAIN)
    graph = fit.model.graph
    # x moves m, and the added edge carries m's change to z: so x -> m is on the way to y beside what follows z.
    found = on_the_way(fit.model, [Shift("x", 1.0), AddEdge("m -> z [lag=1]", 0.5)], ("y",))
    assert {"x -> m [lag=1]", "z -> y [lag=1]"} <= named(graph, found)
    # What a policy watches decides when it acts, so what moves it is on the way.
    watched = [Shift("x", 1.0), Policy("z", 1.0, when="m[-1] > 0")]
    assert {"x -> m [lag=1]", "z -> y [lag=1]"} <= named(graph, on_the_way(fit.model, watched, ("y",)))
    words = rests_on(fit, [AddEdge("m -> z [lag=1]", 0.5)], ("y",))
    assert words["m -> z [lag=1]"] == "stated with the intervention (0.5), not estimated"


def test_words_say_what_the_graph_and_the_draws_say() -> None:
    fit = fit_of("x -> y [lag=1]\ny -> z [lag=1]\nx <-> y [lag=1]")
    words = rests_on(fit, [Shift("x", 1.0)], ("z",))
    assert words == {"x -> y [lag=1]": "not-identified", "y -> z [lag=1]": "identified"}
    # Draws as wide as the prior have learned nothing from the data.
    wide = fit_of("x -> y [lag=1]", spread=1.0 / fit_of("x -> y [lag=1]").model.on_standard_scale("x -> y [lag=1]"))
    assert rests_on(wide, [Shift("x", 1.0)], ("y",)) == {"x -> y [lag=1]": "identified, prior-driven"}


def test_a_road_through_an_unmeasured_node_says_so() -> None:
    fit = fit_of("x -> m\nm -> y [lag=1]", nodes=("x", "y"))
    (word,) = rests_on(fit, [Shift("x", 1.0)], ("y",)).values()
    assert word == "a road through unmeasured nodes (x -> m -> y), not identified by itself"


def test_what_a_study_sets_aside_is_told() -> None:
    text = "x -> y [lag=1]\nu -> x [lag=1]\nu -> y [lag=1]\nu -> u [lag=1]"
    fit = fit_of(text, nodes=("x", "y"), sets_aside=("u",))
    assert rests_on(fit, [Shift("x", 1.0)], ("y",)) == {
        "x -> y [lag=1]": "identified only without what the study sets aside"
    }


def test_every_answer_carries_its_words() -> None:
    fit = fit_of(CHAIN)
    wanted = "m -> y [lag=1]: identified"
    assert contrast(fit, Shift("m", 1.0), outcome="y").attrs["rests_on"] == wanted
    assert contrast(fit, Shift("m", 1.0), outcome="y", by="unit").attrs["rests_on"] == wanted
    assert counterfactual(fit, Shift("m", 1.0), outcome="y").attrs["rests_on"] == wanted
    assert simulate(fit, Set("z", 1.0)).attrs["rests_on"] == "y -> w [lag=1]: identified; z -> y [lag=1]: identified"
    assert simulate(fit).attrs["rests_on"] == ""


def test_an_answer_with_its_words_can_be_kept_as_netcdf(tmp_path: object) -> None:
    found = contrast(fit_of(CHAIN), Shift("x", 1.0), outcome="y")
    found.to_netcdf(f"{tmp_path}/answer.nc", engine="h5netcdf")
    with xr.open_dataarray(f"{tmp_path}/answer.nc", engine="h5netcdf") as back:
        assert back.attrs["rests_on"] == found.attrs["rests_on"]
        np.testing.assert_array_equal(back, found)


@pytest.mark.parametrize("text", ["x -> y [lag=1]\ny -> x [lag=1]", CHAIN])
def test_nothing_done_rests_on_nothing(text: str) -> None:
    assert rests_on(fit_of(text), []) == {}


def test_the_levels_that_an_intervention_meets_rest_on_what_makes_them() -> None:
    fit = fit_of("r -> c [lag=1]\nc -> p [lag=1]")
    met = "identified, makes the level that it starts from"
    assert rests_on(fit, [Set("c", 0.2, start=2004)], ("p",)) == {"c -> p [lag=1]": "identified", "r -> c [lag=1]": met}
    assert rests_on(fit, [Cut("c -> p")], ("p",)) == {"c -> p [lag=1]": "identified", "r -> c [lag=1]": met}
    assert rests_on(fit, [Shift("c", 0.2)], ("p",)) == {"c -> p [lag=1]": "identified"}
    watched = Policy("p", 1.0, when="c[-1] > 0")
    assert rests_on(fit, [watched], ("p",))["r -> c [lag=1]"] == met


def test_no_way_leads_into_a_node_that_is_always_held() -> None:
    fit = fit_of("a -> b [lag=1]\nb -> c [lag=1]\nc -> a [lag=1]")
    names = named(fit.model.graph, on_the_way(fit.model, [Set("a", 1.0)], ("b",)))
    assert names == {"a -> b [lag=1]"}
    assert len(on_the_way(fit.model, [Set("a", 1.0, start=2003)], ("b",))) == 3


def test_the_terminal_names_the_weak_links_and_never_takes_memory_for_support() -> None:
    assert weakest({"a -> a [lag=1]": "assumed, no claim"}) == "own memory only"
    displaced = {"c -> c [lag=1, across=near]": "not-identified", "p -> c [lag=1]": "supported"}
    assert weakest(displaced) == "not-identified"
    assert weakest({"p -> c [lag=1]": "supported", "c -> c [lag=1]": "undecided"}) == "supported"
    assert weakest({}) == ""


WORLD_PRICE = "x -> y [lag=1]\nx -> x [lag=1]\ny -> y [lag=1]\nprice -> price [lag=1]\nprice -> x\n"


def price_fit(text: str) -> Fit:
    """A fit of x and y beside a price that is the same in every unit."""
    graph = read_graph(text)
    rows = frame(("x", "y", "price"), units=5, times=range(2000, 2010), seed=2)
    rows["price"] = rows.groupby("year")["price"].transform("first")
    return made_fit(build_model(graph, Panel.from_frame(rows, unit="unit", time="year")))


def test_a_world_price_that_moves_both_ends_is_held_fixed_by_the_year_and_leaves_no_path_open() -> None:
    fit = price_fit(WORLD_PRICE + "price -> y")
    model, edge = fit.model, fit.model.graph.edge("x -> y")
    assert model.system.nodes == ("x", "y")
    assert set(differing(model, model.graph).names) == {"x", "y"}
    assert word_of(fit, next(term for term in model.system.terms if term.name == edge.name)) == "identified"
    ledger = Ledger(Source("A source"), (Claim("c1", edge, "as claimed", "here"),))
    found = identify_edge(differing(model, model.graph), edge, {"x", "y"})
    row = judge(ledger, dict.fromkeys(PRIOR_SETS, fit), {"c1": found}, ())[0]
    assert row.findings[0].identified, row.why


def test_a_world_price_is_no_instrument() -> None:
    hidden = "hidden -> hidden [lag=1]\nhidden -> x\nhidden -> y"
    fit = price_fit(WORLD_PRICE + hidden)
    graph = fit.model.graph
    assert identify_edge(graph, "x -> y", {"x", "y", "price"}).strategy == "instrument", (
        "so it would be, were it to differ between units"
    )
    cut = differing(fit.model, graph)
    assert set(cut.names) == {"x", "y", "hidden"}
    assert not identify_edge(cut, "x -> y", {"x", "y"}).identified


def test_nothing_is_cut_where_every_measured_node_differs_between_units() -> None:
    fit = fit_of(CHAIN)
    assert differing(fit.model, fit.model.graph) is fit.model.graph


def test_the_checks_ask_the_graph_without_a_world_price() -> None:
    """x and y share nothing but the price: the graph implies that x two periods ago tells nothing of y, once y's causes are known."""
    fit = price_fit("x -> x [lag=1]\ny -> y [lag=1]\nprice -> price [lag=1]\nprice -> x\nprice -> y")
    asked = {(link.cause, link.effect, link.lag) for link in implied(fit)}
    assert {("x", "y", 1), ("x", "y", 2), ("y", "x", 1), ("y", "x", 2)} <= asked
    # The next price moves with this one, and through it x: cut, it leaves y's past alone.
    joined = price_fit(WORLD_PRICE + "price -> y")
    assert [(link.cause, link.effect) for link in leads(joined)] == [("x", "y")]
