"""Several readings of a claim: as a bundle states them, what is wrong with them, and the prior that they make."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from causal.analysis import claim_prior, prior_sets, reading_shares, readings_told
from causal.claim import Claim, ClaimReading
from causal.dist import Normal
from causal.errors import CausalError
from causal.graph import Edge, Sign
from priors.elicit import FAR_FROM_NORMAL, mixture_cost, prior
from priors.read import Bundle, read_bundle

CLAIMS = """[article]
title = "A report"
[node.a]
[node.b]
[node.c]
[claim.c1]
edge = "a -> b [lag=1, sign=+]"
hedge = "fuels"
strength = "strong"
says = "a feeds b"
where = "p. 1"
[[claim.c1.readings]]
reader = "B"
hedge = "may"
[[claim.c1.readings]]
reader = "C"
sign = "-"
[[claim.c1.readings]]
reader = "D"
edge = "c -> b [lag=1, sign=+]"
[claim.c2]
edge = "b -> a [lag=1]"
says = "and back"
where = "p. 2"
readings = [{ reader = "B", untestable = "a figure of speech" }, { reader = "C" }]
"""
STUDIES = """[study.panel]
file = "panel.csv"
[study.panel.measures]
a = "a"
b = "b"
"""


def bundle(folder: Path, claims: str = CLAIMS) -> Bundle:
    rows = [
        f"u{unit},{2000 + year},{unit * year % 7},{(unit + year * year) % 5}" for unit in range(4) for year in range(6)
    ]
    (folder / "claims.toml").write_text(claims, encoding="utf-8")
    (folder / "studies.toml").write_text(STUDIES, encoding="utf-8")
    (folder / "interventions.toml").write_text("", encoding="utf-8")
    (folder / "panel.csv").write_text("unit,year,a,b\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return read_bundle(folder)


def test_what_a_reader_leaves_out_is_as_in_the_claims_own_words(tmp_path: Path) -> None:
    first, second = bundle(tmp_path).ledger.claims
    own = Edge("a", "b", 1, Sign.POSITIVE)
    assert first.readings == (
        ClaimReading("", own, "fuels", "strong"),
        ClaimReading("B", own, "may", "strong"),
        ClaimReading("C", replace(own, sign=Sign.NEGATIVE), "fuels", "strong"),
        ClaimReading("D", Edge("c", "b", 1, Sign.POSITIVE), "fuels", "strong"),
    )
    assert second.others == (
        ClaimReading("B", None, "plain assertion", "some"),
        ClaimReading("C", second.edge, "plain assertion", "some"),
    )


def test_an_edge_that_only_another_reader_sees_stands_in_the_graph_and_a_reader_turns_no_sign(tmp_path: Path) -> None:
    graph = bundle(tmp_path).graph
    assert {edge.text for edge in graph.edges} == {
        "a -> b [lag=1, sign=+]",
        "b -> a [lag=1]",
        "c -> b [lag=1, sign=+]",
    }


def test_everything_wrong_in_the_readings_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    wrong = CLAIMS.replace('reader = "B"\nhedge = "may"', 'reader = "B"\nhedge = "mey"\nstrength = "huge"\nweight = 2')
    wrong = wrong.replace('reader = "C"\nsign = "-"', 'reader = "C"\nsign = "-"\nedge = "a -> bb"')
    wrong = wrong.replace('reader = "D"\nedge', 'reader = "C"\nstrength = "vast"\nhedge = "mey"\nedge')
    wrong = wrong.replace('{ reader = "C" }', '{ hedge = "may" }, { reader = "E", sign = "up" }')
    with pytest.raises(CausalError) as caught:
        bundle(tmp_path, wrong)
    told = [str(fault) for fault in caught.value.faults]
    starts = [line.split("]")[0] for line in told]
    # A reading of a wrong shape is not looked at further.
    assert len(told) == 8
    for text, place in (
        ("unknown key 'weight'", "claims.toml:16 [claim.c1"),
        ("reading of 'C' has edge and sign", "claims.toml:19 [claim.c1"),
        ("no node 'bb'", "claims.toml:20 [claim.c1"),
        ("reader 'C' reads it twice", "claims.toml:22 [claim.c1"),
        ("no strength word 'vast'", "claims.toml:23 [claim.c1"),
        ("no hedge 'mey'", "claims.toml:24 [claim.c1"),
        ("key 'reader' is missing", "claims.toml:30 [claim.c2"),
        ("sign = 'up'", "claims.toml:30 [claim.c2"),
    ):
        assert [start for start, line in zip(starts, told, strict=True) if text in line] == [place], text


def test_a_reading_that_closes_a_cycle_within_the_period_is_a_fault(tmp_path: Path) -> None:
    wrong = CLAIMS.replace('edge = "b -> a [lag=1]"', 'edge = "b -> c"').replace(
        'edge = "c -> b [lag=1, sign=+]"', 'edge = "c -> b"'
    )
    with pytest.raises(CausalError, match="form a cycle"):
        bundle(tmp_path, wrong)


def test_the_prior_of_an_edge_has_the_mean_and_variance_of_its_readings(tmp_path: Path) -> None:
    made = bundle(tmp_path)
    article = prior_sets(made)["article"].effects
    parts = [
        prior("fuels", "strong", Sign.POSITIVE),
        prior("may", "strong", Sign.POSITIVE),
        prior("fuels", "strong", Sign.NEGATIVE),
    ]
    found = article["a -> b [lag=1]"]
    assert isinstance(found, Normal)
    mean = sum(part.mean for part in parts) / 3
    within, between = sum(part.sd**2 for part in parts) / 3, sum((part.mean - mean) ** 2 for part in parts) / 3
    assert found.mean == pytest.approx(mean)
    assert found.sd == pytest.approx(math.sqrt(within + between))
    assert claim_prior(made.ledger["c1"]) == found
    # A link that one reader of four sees has that reader's prior; nobody else speaks of it.
    alone, sole = article["c -> b [lag=1]"], prior("fuels", "strong", Sign.POSITIVE)
    assert isinstance(alone, Normal)
    assert (alone.mean, alone.sd) == pytest.approx((sole.mean, sole.sd))
    assert prior_sets(made)["wide"].effects["a -> b [lag=1]"] == Normal(0.0, 1.0)


def test_readings_are_mixed_first_and_claims_then() -> None:
    own, other = Edge("a", "b", 1, Sign.POSITIVE), Edge("b", "a", 1, Sign.POSITIVE)
    split = Claim(
        "c1", own, "", "", others=(ClaimReading("B", own, "may", "some"), ClaimReading("C", other, "may", "some"))
    )
    whole = Claim("c2", own, "", "", hedge="doubtful")
    shares = reading_shares([split, whole])
    # Of two claims' worth on the edge, the readers of the first hold two thirds of one, the second claim one.
    assert [share for _, share in shares["a -> b [lag=1]"]] == pytest.approx([1 / 3, 1 / 3, 1.0])
    assert [share for _, share in shares["b -> a [lag=1]"]] == pytest.approx([1 / 3])


def test_a_claim_that_everyone_reads_alike_keeps_its_prior() -> None:
    edge = Edge("a", "b", 1, Sign.POSITIVE)
    alone = Claim("c1", edge, "", "", hedge="arguably", strength="strong")
    again = replace(alone, others=(ClaimReading("B", edge, "arguably", "strong"),))
    one, two = claim_prior(alone), claim_prior(again)
    assert one is not None
    assert two is not None
    assert (two.mean, two.sd) == pytest.approx((one.mean, one.sd))
    assert readings_told(alone) == ()
    assert len(readings_told(again)) == 1


def test_readers_who_turn_a_sure_and_large_effect_are_told_to_be_far_from_one_normal() -> None:
    edge = Edge("a", "b", 1, Sign.POSITIVE)
    turned = ClaimReading("B", replace(edge, sign=Sign.NEGATIVE), "certainly", "decisive")
    claim = Claim("c1", edge, "", "", hedge="certainly", strength="decisive", others=(turned,))
    parts = [(prior("certainly", "decisive", sign), 0.5) for sign in (Sign.POSITIVE, Sign.NEGATIVE)]
    assert mixture_cost(parts) > FAR_FROM_NORMAL
    assert any("tells their mixture poorly" in told for told in readings_told(claim))
    mild = replace(
        claim, others=(replace(turned, hedge="may", strength="some", edge=edge),), hedge="may", strength="some"
    )
    assert not any("poorly" in told for told in readings_told(mild))


def test_who_sees_another_link_is_named_with_the_share_that_goes_there(tmp_path: Path) -> None:
    first, second = bundle(tmp_path).ledger.claims
    assert (
        "Reader D sees c -> b [lag=1, sign=+] in it: its share of the claim, 1/4, goes to that link's prior."
        in readings_told(first)
    )
    assert "Reader B sees no link that could hold it." in readings_told(second)


def test_the_cost_of_a_mixture_is_that_of_two_normals_by_hand() -> None:
    from statistics import NormalDist

    left, right, both = NormalDist(-1.0, 0.5), NormalDist(1.0, 0.5), NormalDist(0.0, math.sqrt(1.25))
    by_hand = max(
        abs((left.cdf(x) + right.cdf(x)) / 2 - both.cdf(x)) for x in (step / 1000 for step in range(-4000, 4001))
    )
    found = mixture_cost([(Normal(-1.0, 0.5), 2.0), (Normal(1.0, 0.5), 2.0)])
    assert found == pytest.approx(by_hand, abs=1e-6)
