"""The plain sentences: each word has its own, and what would change a verdict is counted, not guessed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from causal.dist import Normal
from causal.plain import Grounds, rests_on, says, would_change
from causal.power import Power, study_power
from causal.verdict import LEVELS, WORDS

FOUND = Grounds("undecided", "corruption", "presence", -1, studies=("north",), units=20, periods=10, smallest=0.02)
PRIORS = {"article": Normal(-0.1, 0.1), "sceptical": Normal(0.0, 0.14), "wide": Normal(0.0, 1.0)}


def grounds(word: str) -> Grounds:
    unmeasured = ("revenue",) if word in ("untestable", "not-identified") else ()
    return replace(FOUND, word=word, unmeasured=unmeasured)


@pytest.mark.parametrize("of", [says, rests_on, would_change])
def test_every_word_has_whole_sentences_of_its_own(of) -> None:  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    told = {word: of(grounds(word)) for word in WORDS}
    for text in told.values():
        assert text[0].isupper()
        assert text.endswith(".")
        assert "nobody." not in text
    if of is says:
        assert len({*told.values()}) == len(WORDS)


def test_the_claimed_direction_is_told_and_turned_where_the_data_turn_it() -> None:
    assert "corruption lowers presence" in says(grounds("supported"))
    assert "corruption raises presence" in says(grounds("contradicted"))
    assert "corruption moves presence" in says(replace(grounds("supported"), sign=0))


def test_another_way_that_the_equations_do_not_take_is_named() -> None:
    found = replace(grounds("not-identified"), unmeasured=(), otherwise="instrument")
    assert "by another way (instrument)" in says(found)
    assert "unmeasured" not in says(found)
    assert "the way that identifies it (instrument)" in would_change(found)


def test_what_the_data_do_not_speak_to_is_called_the_sources_opinion() -> None:
    for word in ("untestable", "not-identified"):
        assert "the article's opinion" in says(grounds(word))
        assert "article's opinion" in rests_on(grounds(word))
    assert "what the data of the Andean countries show is" in rests_on(
        replace(grounds("not-identified"), studies=("the Andean countries",))
    )
    assert "nobody measures revenue" in says(grounds("untestable"))
    assert "measures revenue" in would_change(grounds("untestable"))
    together = replace(grounds("untestable"), unmeasured=())
    assert "nobody measures corruption and presence together" in says(together)
    assert "no link" in says(replace(together, untestable="a figure of speech"))
    assert "such as revenue," in would_change(grounds("not-identified"))
    same = replace(grounds("not-identified"), common=("corruption",))
    assert "one value of corruption for all units" in says(same)
    assert "units differ in corruption" in would_change(same)


def test_the_source_has_its_own_noun_and_warnings_are_named() -> None:
    report = replace(grounds("supported"), called="report", warned=("rivals", "confounding"))
    assert "the report's graph leaves nothing out" in rests_on(report)
    assert "Checks warn of it: rivals and confounding." in rests_on(report)
    assert "A check warns of it: rivals." in rests_on(replace(report, warned=("rivals",)))
    assert "warn" not in rests_on(grounds("supported"))
    for word in ("untestable", "not-identified", "prior-driven"):
        assert "the report's opinion" in says(replace(report, word=word))


def test_only_a_prior_that_stands_in_the_way_is_said_to() -> None:
    lacking = replace(FOUND, lacking=("sceptical",))
    assert "only the sceptical prior keeps it from being supported" in would_change(lacking)
    assert "Another prior of the three would not" in would_change(
        replace(FOUND, lacking=("article", "sceptical", "wide"))
    )
    assert "Not another prior" in would_change(grounds("contradicted"))
    assert "The article prior, under which it is not settled" in would_change(
        replace(grounds("contradicted"), lacking=("article",))
    )


def test_what_failed_is_named_and_alone_if_it_is_alone() -> None:
    assert (
        would_change(replace(FOUND, failed=("persistence",)))
        == "It would be supported but for what failed: persistence."
    )
    both = would_change(replace(FOUND, failed=("persistence",), lacking=("wide",)))
    assert both.startswith("First what failed must be mended: persistence.")


def test_the_units_that_are_asked_for_would_have_the_power() -> None:
    spread = 0.09
    able = study_power(spread, PRIORS, LEVELS, sign=-1, smallest=0.02)
    told = would_change(replace(FOUND, power=able, lacking=("article", "sceptical", "wide")))
    units = math.ceil(20 * able.times)
    assert f"({units} units for 20, or {math.ceil(10 * able.times)} periods for 10)" in told
    # An error that falls with the root of the units: with so many the chance is four in five, with one less it is not.
    error = 1.0 / math.sqrt(1.0 / spread**2 - 1.0)
    for count, enough in ((units, True), (units - 1, False)):
        smaller = error * math.sqrt(20 / count)
        again = study_power(1.0 / math.sqrt(1.0 / smaller**2 + 1.0), PRIORS, LEVELS, sign=-1, smallest=0.02)
        assert (again.power >= 0.8) is enough


def test_no_rows_are_asked_for_that_could_not_help() -> None:
    never = replace(FOUND, power=Power(0.3, 0.01, 0.0, 0.1, math.inf), lacking=("wide",))
    assert "smaller than what matters (0.02)" in would_change(never)
    enough = replace(FOUND, power=Power(0.1, 0.3, 0.9, 0.6, 1.0), lacking=("wide",))
    assert "had a chance of 0.90" in would_change(enough)
    pooled = replace(never, pooled=True)
    assert "More studies" in would_change(pooled)
    assert "units" not in would_change(pooled)
    assert "Knowing why the studies differ" in would_change(replace(never, differing=True))


def test_an_undecided_verdict_says_whether_it_had_a_chance() -> None:
    for power, told in ((0.1, "little chance"), (0.6, "a fair chance"), (0.9, "a good chance")):
        assert told in says(replace(FOUND, power=Power(0.3, 0.1, power, power, 2.0)))


def test_what_is_taken_on_trust_is_named() -> None:
    both = replace(grounds("supported"), sources=("experiment",), pooled=True)
    assert "north, whose effects are taken to be alike" in rests_on(both)
    assert "the word of experiment" in rests_on(both)
    assert "article's graph leaves nothing out" in rests_on(grounds("supported"))
    assert "alike is taken to be new in each period" in rests_on(replace(FOUND, shared=True))
    assert "new in each period" not in rests_on(FOUND)
    assert "1 of 3 readers sees another link" in rests_on(replace(FOUND, elsewhere=1, readings=3))
    assert "2 of 3 readers see another direction in it" in rests_on(replace(FOUND, turned=2, readings=3))
