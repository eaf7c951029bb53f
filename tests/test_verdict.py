"""The verdict rule, against the table of its docstring, and its way through a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import causal as ca
from causal.checks import CheckResult
from causal.checks import units as units_check
from causal.dist import Normal
from causal.power import study_power
from causal.verdict import LEVELS, PRIOR_SETS, WORDS, errors_of, word
from tests.oracle import across
from tests.oracle.worlds import frame, made_fit, made_model


def draws(article: float, sceptical: float, wide: float, *, sd: float = 0.01) -> dict[str, np.ndarray]:
    """Draws whose quantiles are exactly a Normal's, one mean a prior set."""
    from statistics import NormalDist

    grid = np.array([NormalDist().inv_cdf((k + 0.5) / 2000) for k in range(2000)])
    return {name: mean + sd * grid for name, mean in zip(PRIOR_SETS, (article, sceptical, wide), strict=True)}


@pytest.mark.parametrize(
    ("found", "sign", "failed", "expected"),
    [
        (draws(0.5, 0.5, 0.5), 1, False, "supported"),
        (draws(0.5, 0.5, 0.5), 1, True, "undecided"),
        (draws(0.5, 0.5, 0.5), -1, False, "contradicted"),
        (draws(-0.5, -0.5, -0.5), -1, False, "supported"),
        (draws(0.0, 0.0, 0.0), 1, False, "negligible"),
        (draws(0.5, 0.0, 0.0, sd=0.1), 1, False, "prior-driven"),
        (draws(0.1, 0.1, 0.1), 1, False, "undecided"),
        (draws(0.5, 0.5, 0.5), 0, False, "supported"),
        (draws(-0.5, -0.5, -0.5), 0, False, "supported"),
        # P(b > .1) = .92: enough under sceptical, not under the other two.
        (draws(0.5, 0.1 + 1.405 * 0.01, 0.5), 1, False, "supported"),
        (draws(0.5, 0.5, 0.1 + 1.405 * 0.01), 1, False, "prior-driven"),
    ],
)
def test_the_rule_is_the_table(found: dict[str, np.ndarray], sign: int, failed: bool, expected: str) -> None:
    assert word(found, sign=sign, smallest=0.1, failed=failed) == expected


@pytest.mark.parametrize(
    ("found", "failed", "expected"),
    [
        (draws(0.0, 0.0, 0.0), False, "supported"),
        (draws(0.0, 0.0, 0.0), True, "undecided"),
        (draws(0.5, 0.5, 0.5), False, "contradicted"),
        (draws(-0.5, -0.5, -0.5), False, "contradicted"),
        (draws(0.0, 0.05, 0.05, sd=0.04), False, "prior-driven"),
        (draws(0.1, 0.1, 0.1, sd=0.1), False, "undecided"),
    ],
)
def test_a_claim_of_no_effect_is_supported_by_a_small_one(
    found: dict[str, np.ndarray], failed: bool, expected: str
) -> None:
    assert word(found, sign=0, smallest=0.1, failed=failed, absent=True) == expected


@given(
    means=st.tuples(*[st.floats(-1, 1)] * 3),
    sd=st.floats(0.001, 2),
    sign=st.sampled_from([-1, 0, 1]),
    smallest=st.floats(0.001, 0.5),
    failed=st.booleans(),
)
def test_every_effect_has_one_word_and_mirrored_effects_have_mirrored_words(
    means: tuple[float, float, float], sd: float, sign: int, smallest: float, failed: bool
) -> None:
    found = draws(*means, sd=sd)
    told = word(found, sign=sign, smallest=smallest, failed=failed)
    assert told in WORDS
    assert told == word({name: -values for name, values in found.items()}, sign=-sign, smallest=smallest, failed=failed)


def ledger(edge: str, smallest: float = 0.05) -> ca.Ledger:
    claims = (
        ca.Claim("c1", ca.read_edge(edge), "as claimed", "here", smallest_effect=smallest),
        ca.Claim("c2", None, "not of this world", "here", untestable="no variable holds it"),
        ca.Claim("c3", ca.Edge("corruption", "unmeasured", 1, ca.Sign.POSITIVE), "no column", "here"),
    )
    return ca.Ledger(ca.Source("A source"), claims)


def test_a_fit_identifications_and_checks_become_one_row_a_claim(toy_fit: ca.Fit) -> None:
    graph = toy_fit.model.graph
    edge = next(edge for edge in graph.edges if edge.cause != edge.effect)
    measured = set(toy_fit.model.system.nodes)
    identification = ca.identify_edge(graph, edge, measured)
    fits = dict.fromkeys(PRIOR_SETS, toy_fit)
    signed = f"{edge.name.split(' [')[0]} [lag={edge.lag}, sign=+]"
    rows = ca.judge(ledger(signed), fits, {"c1": identification}, ca.check(toy_fit))
    assert [row.claim for row in rows] == ["c1", "c2", "c3"]
    assert rows[1].verdict == rows[2].verdict == "untestable"
    assert rows[1].why == "no variable holds it"
    assert "unmeasured" in rows[2].why
    estimate = rows[0].findings[0].estimates[0]
    values = toy_fit.edge(edge.name, scale="standard").to_numpy()
    assert estimate.median == pytest.approx(float(np.median(values)))
    assert estimate.natural_median == pytest.approx(float(np.median(toy_fit.edge(edge.name).to_numpy())))
    assert estimate.as_claimed == pytest.approx(float((values > 0.05).mean()))


def test_a_failed_check_keeps_supported_away(toy_fit: ca.Fit) -> None:
    graph = toy_fit.model.graph
    strongest = max(graph.edges, key=lambda edge: abs(float(toy_fit.edge(edge.name, scale="standard").mean())))
    sign = "+" if float(toy_fit.edge(strongest.name).mean()) > 0 else "-"
    told = ledger(f"{strongest.cause} -> {strongest.effect} [lag={strongest.lag}, sign={sign}]")
    fits = dict.fromkeys(PRIOR_SETS, toy_fit)
    identifications = {"c1": ca.identify_edge(graph, strongest, set(toy_fit.model.system.nodes))}
    passing = [CheckResult("any", True, "", {})]
    failing = [CheckResult("any", False, "", {}, (strongest.name,))]
    elsewhere = [CheckResult("any", False, "", {}, ("another -> edge",))]
    assert ca.judge(told, fits, identifications, passing)[0].verdict == "supported"
    assert ca.judge(told, fits, identifications, failing)[0].verdict == "undecided"
    assert ca.judge(told, fits, identifications, elsewhere)[0].verdict == "supported"
    doubting = [CheckResult("any", True, "", {}, doubted=(strongest.name,))]
    (doubted,), (plain,) = (ca.judge(told, fits, identifications, checks)[0].findings for checks in (doubting, passing))
    assert (doubted.verdict, doubted.warnings, plain.warnings) == ("supported", ("any",), ())
    both = CheckResult("any", False, "", {}, (strongest.name,), doubted=(strongest.name,))
    assert (both.fails(strongest.name), both.warns(strongest.name)) == (True, False)


def test_an_effect_that_the_graph_does_not_identify_gets_no_word_however_sure_the_draws(toy_fit: ca.Fit) -> None:
    graph = toy_fit.model.graph
    edge = next(edge for edge in graph.edges if edge.cause != edge.effect)
    confounded = ca.Graph(
        (*graph.nodes, ca.Node("hidden")),
        (
            *graph.edges,
            ca.Edge("hidden", edge.cause),
            ca.Edge("hidden", edge.effect, edge.lag),
            ca.Edge("hidden", "hidden", 1),
        ),
        graph.latents,
    )
    identification = ca.identify_edge(confounded, edge, set(toy_fit.model.system.nodes))
    assert not identification.identified
    told = ledger(f"{edge.cause} -> {edge.effect} [lag={edge.lag}, sign=+]")
    row = ca.judge(told, dict.fromkeys(PRIOR_SETS, toy_fit), {"c1": identification}, (), graph=confounded)[0]
    assert row.verdict == "not-identified"
    assert row.findings[0].estimates


def test_a_missing_prior_set_is_named(toy_fit: ca.Fit) -> None:
    with pytest.raises(ca.CausalError, match="sceptical"):
        ca.judge(ledger("a -> b [sign=+]"), {"article": toy_fit, "wide": toy_fit}, {}, ())


@pytest.mark.parametrize("hidden", [False, True])
def test_an_effect_across_units_has_a_verdict_of_its_own_and_none_where_its_mean_is_confounded(hidden: bool) -> None:
    text = """
    corruption -> corruption [lag=1]
    presence -> presence [lag=1]
    corruption -> presence [lag=1]
    corruption -> presence [lag=1, across=near]
    presence -> corruption [lag=1]
    """
    rows = frame(("corruption", "presence"), units=6, times=range(2000, 2008), seed=2)
    table = across.table(across.ring(6)).rename(
        index=lambda name: f"u{int(name[1:])}", columns=lambda name: f"u{int(name[1:])}"
    )
    name = "corruption -> presence [lag=1, across=near]"
    effects = {name: 2.0, "corruption -> presence [lag=1]": -1.0, "presence -> corruption [lag=1]": 0.0}
    effects |= {"corruption -> corruption [lag=1]": 0.2, "presence -> presence [lag=1]": 0.2}
    fit = made_fit(made_model(ca.read_graph(text), rows, weights={"near": table}), effects=effects, spread=0.01)
    # A cause of corruption that also reaches neighbours' presence, which no column measures.
    graph = ca.read_graph(text + "war -> corruption; war -> presence [lag=1, across=near]; war -> war [lag=1]" * hidden)
    identification = ca.identify_edge(graph, name, {"corruption", "presence"})
    assert identification.identified is not hidden
    told = ledger("corruption -> presence [lag=1, across=near, sign=+]")
    fits = dict.fromkeys(PRIOR_SETS, fit)
    row = ca.judge(told, fits, {"c1": identification}, (), graph=graph)[0]
    assert row.verdict == ("not-identified" if hidden else "supported")
    assert row.edge == name
    own = ledger("corruption -> presence [lag=1, sign=+]")
    found = ca.identify_edge(graph, "corruption -> presence [lag=1]", {"corruption", "presence"})
    assert ca.judge(own, fits, {"c1": found}, (), graph=graph)[0].verdict in (
        ("not-identified", "contradicted") if hidden else ("contradicted",)
    )
    # The long run is through the outcome's own memory, not its neighbours'.
    estimate = row.findings[0].estimates[0]
    memory = fit.edge("presence -> presence [lag=1]", scale="standard").to_numpy()
    values = fit.edge(name, scale="standard").to_numpy()
    assert estimate.long_run_median == pytest.approx(float(np.median(values / (1.0 - memory))))


def told(fit: ca.Fit, *claims: ca.Claim, checks: tuple[CheckResult, ...] = ()) -> tuple[ca.Verdict, ...]:
    """Verdicts of claims on a fit that is the same under every prior set."""
    graph, measured = fit.model.graph, set(fit.model.system.nodes)
    found = {
        claim.key: ca.identify_edge(graph, claim.edge, measured)
        for claim in claims
        if claim.edge is not None and {claim.edge.cause, claim.edge.effect} <= measured
    }
    return ca.judge(ca.Ledger(ca.Source("A source"), claims), dict.fromkeys(PRIOR_SETS, fit), found, checks)


def two_links(**effects: float) -> ca.Fit:
    """A loop of two nodes whose draws lie around these standard effects."""
    text = "a -> a [lag=1]; b -> b [lag=1]; a -> b [lag=1]; b -> a [lag=1]"
    model = made_model(ca.read_graph(text), frame(("a", "b"), units=6, times=range(2000, 2010), seed=3))
    centres = {"a -> a [lag=1]": 0.2, "b -> b [lag=1]": 0.2}
    centres |= {"a -> b [lag=1]": effects["ab"], "b -> a [lag=1]": effects["ba"]}
    fit = made_fit(model, effects=dict.fromkeys(centres, 0.0), spread=0.0, draws=2000)
    noise = np.random.default_rng(2).normal(0.0, 0.1, fit.posterior["effect"].shape)
    fit.posterior["effect"].values[:] = noise + [centres[term.name] for term in model.system.terms]
    return fit


def claimed(key: str, text: str, smallest: float = 0.05) -> ca.Claim:
    return ca.Claim(key, ca.read_edge(text), "", "", smallest_effect=smallest)


def test_expected_wrong_words_are_the_tails_of_the_links_each_once() -> None:
    # P(b > .05) is Phi(1.75) and P(b > 0) is Phi(2.25) on one link; the other is as sure to run the other way as claimed.
    from statistics import NormalDist

    fit = two_links(ab=0.225, ba=-0.5)
    verdicts = told(
        fit,
        claimed("c1", "a -> b [lag=1, sign=+]"),
        claimed("c2", "a -> b [lag=1, sign=+]", 0.01),
        claimed("c3", "b -> a [lag=1, sign=+]"),
    )
    assert [verdict.verdict for verdict in verdicts] == ["supported", "supported", "contradicted"]
    found = errors_of(verdicts)
    supported, contradicted = found.expected
    assert found.links == 2
    assert (supported.links, contradicted.links) == (1, 1)
    assert supported.wrong_sign == pytest.approx(1.0 - NormalDist().cdf(2.25), abs=0.004)
    # Of two claims on one link the one that asks for more counts.
    assert supported.wrong_size == pytest.approx(1.0 - NormalDist().cdf(1.75), abs=0.006)
    assert contradicted.wrong_size == pytest.approx(0.0, abs=1e-3)
    assert [verdict.survives for verdict in verdicts] == [True, True, True]


def test_a_word_that_a_sceptic_holds_loosely_does_not_survive_the_whole_table() -> None:
    loose, firm = two_links(ab=0.05 + 1.35 * 0.1, ba=0.5), two_links(ab=0.5, ba=0.5)
    claims = (claimed("c1", "a -> b [lag=1, sign=+]"),)
    found = ca.identify_edge(firm.model.graph, claims[0].edge, {"a", "b"})
    fits = {"article": firm, "wide": firm, "sceptical": loose}
    row = ca.judge(ca.Ledger(ca.Source("A source"), claims), fits, {"c1": found}, ())[0]
    # P = .91 is enough under sceptical; an error of .09 is not below .05 of one.
    assert (row.verdict, row.survives, row.survives_step_up) == ("supported", False, True)
    assert told(two_links(ab=0.0, ba=0.0), *claims)[0].survives is None


def test_a_claim_without_direction_is_wrong_in_sign_only_where_its_sign_is_open() -> None:
    verdicts = told(two_links(ab=-0.5, ba=0.0), claimed("c1", "a -> b [lag=1]"))
    assert verdicts[0].verdict == "supported"
    supported, contradicted = errors_of(verdicts).expected
    assert supported.wrong_sign == pytest.approx(0.0, abs=1e-3)
    assert contradicted.links == 0


def test_a_claim_of_no_effect_is_wrong_by_its_size_alone() -> None:
    # P(abs b < .3) under Normal(0, .1) is 2 Phi(3) - 1; its sign is as open as can be and says nothing.
    from statistics import NormalDist

    claim = ca.Claim("c1", ca.read_edge("a -> b [lag=1]"), "", "", strength="none", smallest_effect=0.25)
    found = told(two_links(ab=0.0, ba=0.0), claim)
    assert (found[0].verdict, found[0].absent) == ("supported", True)
    supported, contradicted = errors_of(found).expected
    too_large = 2.0 * NormalDist().cdf(-2.5)
    assert (supported.wrong_sign, supported.wrong_size) == pytest.approx((too_large, too_large), abs=0.006)
    assert contradicted.links == 0
    found = told(two_links(ab=0.6, ba=0.0), claim)
    assert found[0].verdict == "contradicted"
    _, contradicted = errors_of(found).expected
    assert contradicted.wrong_sign == contradicted.wrong_size == pytest.approx(0.0, abs=1e-3)


def test_what_one_claim_does_not_say_of_a_link_makes_anothers_word_no_less_sure() -> None:
    fit = two_links(ab=0.5, ba=0.0)
    alone = errors_of(told(fit, claimed("c1", "a -> b [lag=1, sign=+]")))
    both = told(fit, claimed("c2", "a -> b [lag=1, sign=-]"), claimed("c1", "a -> b [lag=1, sign=+]"))
    assert [verdict.verdict for verdict in both] == ["contradicted", "supported"]
    assert errors_of(both).expected[0] == alone.expected[0]


def test_sentences_call_the_source_by_its_noun() -> None:
    fit = two_links(ab=0.5, ba=0.0)
    claims = (claimed("c1", "a -> b [lag=1, sign=+]"), ca.Claim("c2", None, "", "", untestable="a figure of speech"))
    found = {"c1": ca.identify_edge(fit.model.graph, claims[0].edge, {"a", "b"})}
    rows = ca.judge(ca.Ledger(ca.Source("A", called="report"), claims), dict.fromkeys(PRIOR_SETS, fit), found, ())
    assert "the report's graph leaves nothing out" in rows[0].rests_on
    assert "the report's opinion" in rows[1].sentence


def test_the_power_of_a_finding_is_that_of_its_draws_and_priors() -> None:
    fit = two_links(ab=0.6, ba=0.0)
    row = told(fit, claimed("c1", "a -> b [lag=1, sign=+]", 0.6))[0]
    found = row.findings[0]
    spread = float(np.std(fit.edge("a -> b [lag=1]", scale="standard").to_numpy()))
    expected = study_power(spread, dict.fromkeys(PRIOR_SETS, Normal()), LEVELS, sign=1, smallest=0.6)
    assert found.power == expected
    assert found.smallest_found == expected.smallest_found
    assert row.verdict == "undecided"
    assert f"{found.power.power:.2f}" in row.would_change
    assert "units for 6, or " in row.would_change
    assert "periods for 9)" in row.would_change


def test_a_claim_that_nothing_measures_names_what_is_not_measured(toy_fit: ca.Fit) -> None:
    rows = told(toy_fit, *ledger("corruption -> presence [lag=1, sign=-]").claims[1:])
    assert "no link between two measurable things" in rows[0].sentence
    assert "nobody measures corruption or unmeasured" in rows[1].sentence
    assert rows[1].rests_on == "The article's opinion alone."


def test_a_verdict_says_how_many_readers_see_another_link_or_direction() -> None:
    own = ca.read_edge("a -> b [lag=1, sign=+]")
    others = (
        ca.ClaimReading("B", ca.read_edge("a -> b [lag=1, sign=-]"), "may", "some"),
        ca.ClaimReading("C", ca.read_edge("b -> a [lag=1, sign=+]"), "may", "some"),
        ca.ClaimReading("D", None, "may", "some"),
        ca.ClaimReading("E", own, "may", "some"),
    )
    claim = ca.Claim("c1", own, "", "", smallest_effect=0.05, others=others)
    row = told(two_links(ab=-0.5, ba=0.0), claim)[0]
    assert row.verdict == "contradicted"
    assert "2 of 5 readers see another link in the claim, or none." in row.rests_on
    assert "1 of 5 readers sees another direction in it." in row.rests_on


def test_what_the_data_identify_by_a_way_that_the_equations_do_not_take_is_said() -> None:
    graph = ca.read_graph("z -> x [lag=1]\nx -> y [lag=1]\nx <-> y [lag=1]\n")
    rows = frame(("x", "y", "z"), units=6, times=range(2000, 2008), seed=2)
    fit = made_fit(made_model(graph, rows), spread=0.01)
    identification = ca.identify_edge(graph, "x -> y", {"x", "y", "z"})
    assert identification.strategy == "instrument"
    fits = dict.fromkeys(PRIOR_SETS, fit)
    row = ca.judge(ledger("x -> y [lag=1, sign=+]"), fits, {"c1": identification}, (), graph=graph)[0]
    assert row.verdict == "not-identified"
    assert "by another way (instrument)" in row.sentence
    assert "the way that identifies it (instrument)" in row.would_change


@pytest.mark.parametrize(("between", "said"), [("x <-> y", True), ("z <-> y", False)])
def test_an_answer_beside_a_declared_common_cause_says_that_it_must_not_last(between: str, said: bool) -> None:
    graph = ca.read_graph(f"x -> x [lag=1]\ny -> y [lag=1]\nz -> z [lag=1]\nx -> y [lag=1]\n{between}\n")
    fit = made_fit(made_model(graph, frame(("x", "y", "z"), units=6, times=range(2000, 2012), seed=2)), spread=0.01)
    identification = ca.identify_edge(graph, "x -> y", {"x", "y", "z"})
    fits = dict.fromkeys(PRIOR_SETS, fit)
    row = ca.judge(ledger("x -> y [lag=1, sign=+]"), fits, {"c1": identification}, (), graph=graph)[0]
    assert row.findings[0].identified
    assert ("What else moves x and y alike is taken to be new in each period" in row.rests_on) is said


@pytest.mark.parametrize(("units", "warned"), [(1, True), (3, True), (4, True), (5, False), (8, False)])
def test_few_units_are_a_warning_and_keep_no_word_away(units: int, warned: bool) -> None:
    graph = ca.read_graph("x -> x [lag=1]\ny -> y [lag=1]\nx -> y [lag=1]\n")
    fit = made_fit(made_model(graph, frame(("x", "y"), units=units, times=range(2000, 2012), seed=2)), spread=0.01)
    found = units_check.check(fit)
    assert found.passed is not warned
    assert found.warning is warned
    assert found.numbers == {"units": float(units)}
    assert not found.fails("x -> y [lag=1]")
    assert found.warns("x -> y [lag=1]") is warned


def test_what_is_judged_by_must_be_fits(toy_fit: ca.Fit) -> None:
    book = ledger("revenue -> corruption [lag=1, sign=+]")
    wrong: list[tuple[Any, str]] = [
        ({}, "no fit to judge by"),
        ({"article": 3}, "an int is no fit of one study"),
        ({"latam": {"article": "none"}}, "a str is no fit of one study"),
        ({"article": toy_fit, "latam": {"article": toy_fit}}, "stand beside those of several"),
    ]
    for fits, said in wrong:
        with pytest.raises(ca.CausalError, match=said):
            ca.judge(book, fits, {}, ())
