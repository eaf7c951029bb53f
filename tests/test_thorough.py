"""The checks that fit a model again: on parts of the data, with rival graphs and in other ways."""

from __future__ import annotations

import numpy as np
import pytest

import causal as ca
from causal.checks import again, conflict, leaving_out, leaving_out_studies, permuted, rivals, specification
from causal.dist import CUT
from causal.fit import Fit, JointFit
from causal.model import Model, Priors
from causal.panel import Panel, Study
from causal.syntax import read_graph
from tests.oracle import loops
from tests.oracle.worlds import made_fit, made_model

CHAIN = "x -> x [lag=1]; y -> y [lag=1]; x -> y [lag=1]"
TRUE = {("x", "x", 1): 0.5, ("y", "y", 1): 0.5, ("x", "y", 1): 0.3}


def written(text: str = CHAIN, effect: float = 0.3, *, units: int = 12, times: int = 9) -> Fit:
    """A fit whose draws are written down, with x -> y at `effect`."""
    rows = loops.panel(TRUE, units=units, times=times, seed=1)
    model = made_model(read_graph(text), rows)
    terms = [term.name for term in model.system.terms]
    return made_fit(model, effects={name: effect if name.startswith("x -> y") else 0.4 for name in terms}, spread=0.02)


def sampled(rows: object, text: str = CHAIN) -> Fit:
    model = ca.build_model(read_graph(text), Panel.from_frame(rows, unit="unit", time="year"))
    assert isinstance(model, Model)
    return ca.fit(model, seed=1, chains=2, allow_unconverged=True)


# Without a sampler


@pytest.mark.parametrize("check", [leaving_out.check, rivals.check, specification.check])
def test_without_a_sure_effect_nothing_is_fitted_and_it_is_said(check: object) -> None:
    assert callable(check)
    found = check(written(effect=0.0))
    assert found.passed is None
    assert "no effect of one node on another is sure of its sign" in found.sentence
    holed = loops.panel(TRUE, units=12, times=9, seed=1)
    holed.loc[holed.index % 9 == 4, "y"] = np.nan
    found = check(made_fit(made_model(read_graph(CHAIN), holed)))
    assert found.passed is None
    assert "holes" in found.sentence


def test_effects_that_are_not_looked_at_are_counted() -> None:
    assert again.beyond(["a", "b"], 2) == ""
    assert again.beyond(["a", "b", "c"], 2) == " One more sure effect is not looked at."
    assert again.beyond(["a", "b", "c", "d"], 2) == " 2 more sure effects are not looked at."


def test_parts_leave_out_each_unit_once_and_a_third_of_the_periods() -> None:
    fit = written(units=5, times=9)
    found = leaving_out.parts(fit)
    names = [str(unit) for unit in fit.model.study.panel.units]
    assert [*found][:5] == names
    for name in names:
        assert [str(unit) for unit in found[name].units] == [each for each in names if each != name]
    assert [*found["the first third of the periods"].times] == [*range(2003, 2009)]
    assert [*found["the last third of the periods"].times] == [*range(2000, 2006)]


def test_rivals_are_one_structure_with_the_cut_where_it_belongs() -> None:
    found = rivals.rival_models(written(), "x -> y [lag=1]")
    assert len({model.structure for model in found.values()}) == 1
    terms = [term.name for term in found["as claimed"].system.terms]

    def prior_sd(rival: str, edge: str) -> float:
        prior = found[rival].term_priors[terms.index(edge)]
        return float(prior.sd)  # type: ignore[union-attr]

    cut = {
        (rival, edge): prior_sd(rival, edge) == CUT.sd
        for rival in found
        for edge in ("x -> y [lag=1]", "y -> x [lag=1]")
    }
    assert cut == {
        ("as claimed", "x -> y [lag=1]"): False,
        ("as claimed", "y -> x [lag=1]"): True,
        ("without", "x -> y [lag=1]"): True,
        ("without", "y -> x [lag=1]"): True,
        ("reversed", "x -> y [lag=1]"): True,
        ("reversed", "y -> x [lag=1]"): False,
    }


def test_a_loops_other_link_is_not_touched_by_a_rival() -> None:
    found = rivals.rival_models(written(loops.TWO), "x -> y [lag=1]")
    terms = [term.name for term in found["without"].system.terms]
    at = terms.index("y -> x [lag=1]")
    assert found["without"].term_priors[at] == found["as claimed"].term_priors[at]


def test_how_far_a_graph_is_ahead_is_a_sum_with_its_error() -> None:
    ours, theirs = np.array([1.0, 2.0, 4.0, 3.0]), np.array([0.0, 0.0, 1.0, 2.0])
    ahead, error = rivals._ahead(ours, theirs)
    assert ahead == pytest.approx(7.0)
    assert error == pytest.approx(2.0 * np.std([1.0, 2.0, 3.0, 1.0], ddof=1))
    theirs[:2] = np.nan
    assert np.isnan(rivals._ahead(ours, theirs)).all()


def test_the_units_densities_add_up_to_the_models() -> None:
    """Brute force over draws and units: residuals swept by dummies."""
    fit = written(f"{CHAIN}; x <-> y", units=6, times=7)
    ours = rivals.unit_log_likelihood(fit).to_numpy().reshape(-1, 6)
    model, design = fit.model, fit.model.design
    cells, projection = loops.projector(design.sweep.first, design.sweep.stop, year_effects=True)
    rows = projection @ loops.regressors(design.filled, model.system.lags, cells)
    effects, sds, loadings = fit.draws("effect"), fit.draws("shock_sd"), fit.draws("shock_loading")
    unit = np.array([i for i, _ in cells])
    for draw in (0, 7, 33):
        matrix, loading = np.zeros((2, 4)), np.zeros((2, 2))
        matrix[model.system.positions()] = effects[draw]
        for pair, value in zip(model.loadings, loadings[draw], strict=True):
            loading[pair] = value
        left = rows @ ((np.eye(2) - loading) @ (np.eye(2, 4) - matrix)).T / sds[draw]
        share = 1.0 / 6.0
        b = loops.correction_term(np.stack([matrix[:, :2], matrix[:, 2:]]), design.sweep.weights)
        wanted = [
            -design.sweep.freedom * share * np.log(sds[draw]).sum() - (left[unit == i] ** 2).sum() / 2.0 + b * share
            for i in range(6)
        ]
        np.testing.assert_allclose(ours[draw], wanted, rtol=1e-9)


def test_specifications_change_one_choice_or_two_that_go_together() -> None:
    rows = loops.panel(TRUE, units=12, times=12, seed=1)
    rows["z"] = rows["y"] + np.random.default_rng(1).normal(size=len(rows))
    study = Study(
        Panel.from_frame(rows, unit="unit", time="year"),
        measures={"x": "x", "y": ca.Measure(("y", "z"), direction="+-")},
    )
    model = ca.build_model(read_graph(CHAIN), study, Priors(name="wide"))
    assert isinstance(model, Model)
    fit = made_fit(model)
    found = specification.specifications(fit, "x -> y [lag=1]")
    singles = [words for words in found if " and " not in words]
    assert singles == [
        "as fitted",
        "the cause one period earlier",
        "without year effects",
        "the first half of the periods",
        "the second half of the periods",
        "y by y alone",
        "y by z alone",
        "a sceptical prior of half the size",
    ]
    assert "the first half of the periods and the second half of the periods" not in found
    assert "y by y alone and y by z alone" not in found
    earlier, term = found["the cause one period earlier"]
    assert term == "x -> y [lag=2]"
    assert "x -> y [lag=2]" in [term.name for term in earlier.system.terms]
    assert "x -> y [lag=1]" not in [term.name for term in earlier.system.terms]
    assert found["y by z alone"][0].study.measure("y").direction == "-"  # type: ignore[union-attr]
    assert not found["without year effects"][0].year_effects


WRONG = """
illicit -> corruption [lag=1]
corruption -> revenue
revenue -> presence [lag=1]
presence -> illicit
illicit -> illicit [lag=1]
revenue -> revenue [lag=1]
"""


@pytest.mark.slow
def test_a_right_graph_beats_its_shuffles_and_a_shuffled_one_does_not() -> None:
    rows = loops.panel(loops.FOUR_TRUE, units=20, times=20, seed=0, year_sd=0.5)
    right = permuted.check(permuted.at_maximum(made_model(read_graph(loops.FOUR), rows))[0])
    assert right.passed is True
    assert right.numbers["graphs"] == 23.0
    wrong = permuted.check(permuted.at_maximum(made_model(read_graph(WRONG), rows))[0])
    assert wrong.passed is False
    assert not wrong.vetoes
    assert wrong.numbers["refuted"] > right.numbers["refuted"]
    rows.loc[rows.index % 11 == 5, "presence"] = np.nan
    holed = permuted.check(permuted.at_maximum(made_model(read_graph(loops.FOUR), rows))[0])
    assert holed.numbers["graphs"] == 23.0
    assert holed.numbers["refuted"] < wrong.numbers["refuted"]


def test_two_nodes_cannot_be_shuffled() -> None:
    found = permuted.check(written())
    assert found.passed is None
    assert "fewer than three nodes" in found.sentence


def test_shuffling_renames_links_and_what_they_share() -> None:
    graph = read_graph("a -> b [lag=1]; b -> c; a <-> c [lag=2]")
    found = permuted._renamed(graph, {"a": "b", "b": "c", "c": "a"})
    assert {edge.name for edge in found.edges} == {"b -> c [lag=1]", "c -> a"}
    assert [(each.left, each.right, each.lag) for each in found.latents] == [("b", "a", 2)]


# Sampled


@pytest.mark.slow
def test_the_densities_of_units_are_the_samplers_density() -> None:
    fit = sampled(loops.panel(TRUE, units=10, times=8, seed=2))
    total = rivals.unit_log_likelihood(fit).sum("unit").to_numpy()
    assert np.std(total - conflict.log_likelihood(fit).to_numpy()) < 1e-9


@pytest.mark.slow
def test_an_effect_of_one_unit_is_lost_without_it_and_an_effect_of_all_is_not() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 20, 12))
    y[:, 1:] += 0.5 * x[:, :-1]
    found = leaving_out.check(sampled(loops.frame({"x": x, "y": y}), "x -> y [lag=1]"))
    assert found.passed is True
    assert found.numbers["refits"] == 22.0
    x, y = rng.normal(size=(2, 20, 12))
    x[0] *= 6.0
    y[0, 1:] += 0.4 * x[0, :-1]
    found = leaving_out.check(sampled(loops.frame({"x": x, "y": y}), "x -> y [lag=1]"))
    assert found.passed is False
    assert "without u000" in found.sentence
    assert found.edges == ("x -> y [lag=1]",)
    assert not found.vetoes


@pytest.mark.slow
def test_the_right_graph_beats_its_rivals_and_a_reversed_one_does_not() -> None:
    right = rivals.check(sampled(loops.panel({**TRUE, ("x", "y", 1): 0.4}, units=40, times=15, seed=1)))
    assert right.passed is True
    # y moves x, and the two go together: a graph that knows x -> y alone finds an effect, and its reverse predicts better.
    shared = loops.panel(
        {("x", "x", 1): 0.8, ("y", "y", 1): 0.5, ("y", "x", 1): 0.6, ("x", "y", 1): 0.2}, units=60, times=15, seed=1
    )
    fit = sampled(shared)
    assert leaving_out.sure_edges(fit) == ["x -> y [lag=1]"]
    found = rivals.check(fit)
    assert found.passed is False
    assert found.numbers["reversed x -> y [lag=1]"] < 0.0


@pytest.mark.slow
def test_the_curve_holds_what_is_fitted_and_a_sign_of_one_half_is_loose() -> None:
    fit = sampled(loops.panel(TRUE, units=20, times=14, seed=1))
    curve = specification.specification_curve(fit, "x -> y")
    assert (np.diff(curve.sel(quantile=0.5)) >= 0.0).all()
    as_fitted = curve.sel(specification="as fitted", quantile=0.5)
    assert float(as_fitted) == pytest.approx(
        float(fit.posterior["effect"].sel(edge="x -> y [lag=1]").median()), abs=0.01
    )
    assert specification.check(fit).passed is True
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(2, 30, 12))
    y[:, 1:6] += 0.9 * x[:, :5]
    y[:, 6:] -= 0.25 * x[:, 5:-1]
    found = specification.check(sampled(loops.frame({"x": x, "y": y}), "x -> y [lag=1]"))
    assert found.passed is False
    assert found.edges == ("x -> y [lag=1]",)


# Several studies


def several(*sizes: tuple[int, int]) -> JointFit:
    """The fit of as many studies as there are sizes (units, periods), each a panel of the same chain."""
    studies: list[Study] = []
    for k, (units, times) in enumerate(sizes):
        rows = loops.panel(TRUE, units=units, times=times, seed=k + 1)
        rows["unit"] = [f"{k} {unit}" for unit in rows["unit"]]
        studies.append(Study(Panel.from_frame(rows, unit="unit", time="year"), name=f"s{k}"))
    model = ca.build_model(read_graph(CHAIN), studies)
    found = ca.fit(model, seed=1, chains=2, allow_unconverged=True)
    assert isinstance(found, JointFit)
    return found


@pytest.mark.slow
def test_an_effect_that_one_study_carries_is_told_and_one_that_all_carry_is_not() -> None:
    one = leaving_out_studies.check(several((40, 25), (3, 6), (3, 6)))
    assert one.passed is False
    assert one.edges == ("x -> y [lag=1]",)
    assert "without s0" in one.sentence
    assert "s1" not in one.sentence
    assert one.warning
    assert one.numbers["refits"] == 3.0
    alike = leaving_out_studies.check(several((40, 25), (40, 25)))
    assert alike.passed is True, alike.sentence
    # Of two studies one is left: its own effect, by its own model.
    alone = leaving_out_studies.without_each(several((40, 25), (40, 25)), None, None)
    assert {type(each) for each in alone.values()} == {Fit}


@pytest.mark.slow
def test_without_a_sure_shared_effect_no_study_is_left_out() -> None:
    found = leaving_out_studies.check(several((3, 6), (3, 6)))
    assert found.passed is None
    assert "sure of its sign" in found.sentence
