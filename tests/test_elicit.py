"""The hedge scale and the priors that it makes."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from importlib.resources import files
from statistics import NormalDist, fmean, median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.dist import Normal
from causal.errors import CausalError
from causal.graph import Sign
from priors.elicit import (
    HEDGES,
    STRENGTHS,
    Hedge,
    PriorSet,
    hedge,
    in_words,
    modified,
    prior,
    probability_as_claimed,
    reduction_cost,
    without_reversed,
)

PHRASES = (
    "almost certain", "highly likely", "very good chance", "probable", "likely", "we believe", "probably",
    "better than even", "about even", "we doubt", "improbable", "unlikely", "probably not", "little chance",
    "almost no chance", "highly unlikely", "chances are slight",
)  # fmt: skip
ARTICLE_WORDS = ("fuels", "arguably", "reportedly", "may", "can", "expected", "to some degree", "plain assertion")
DENIALS = ("we doubt", "improbable", "doubtful")
SETS: tuple[PriorSet, ...] = ("article", "sceptical", "wide")

words = st.sampled_from(sorted(HEDGES))
sizes = st.sampled_from([strength for strength, size in STRENGTHS.items() if size > 0])
chances = st.floats(0.005, 0.995)


def of_one_reader(chance: float) -> Hedge:
    return Hedge("one reader", ((chance, 1.0),), "one reader", "made up")


def survey() -> dict[str, list[float]]:
    answers: dict[str, list[float]] = {}
    for row in csv.DictReader(files("priors").joinpath("hedges.csv").read_text(encoding="utf-8").splitlines()):
        answers.setdefault(row["phrase"], []).extend([float(row["percent"])] * int(row["count"]))
    return answers


def middle_answer(word: str) -> float:
    return median(without_reversed(survey()[word])) / 100


def test_the_survey_holds_169_readers_of_each_of_17_phrases() -> None:
    answers = survey()
    assert set(answers) == set(PHRASES)
    assert {len(given) for given in answers.values()} == {169}


def test_every_phrase_and_every_word_of_the_contract_is_on_the_scale() -> None:
    assert {*PHRASES, *ARTICLE_WORDS, *STRENGTHS} <= set(HEDGES)


@given(words)
@settings(deadline=None, max_examples=60)
def test_the_shares_of_a_hedges_readers_add_up_to_one_and_nobody_is_certain(word: str) -> None:
    readers = HEDGES[word].readers
    assert math.fsum(share for _, share in readers) == pytest.approx(1.0, abs=1e-12)
    assert all(0.005 <= chance <= 0.995 for chance, _ in readers)
    assert [chance for chance, _ in readers] == sorted({chance for chance, _ in readers})
    assert HEDGES[word].source


@pytest.mark.parametrize(
    ("phrase", "centre", "spread"),
    [
        ("almost certain", 0.93, 0.06),
        ("probable", 0.75, 0.12),
        ("about even", 0.50, 0.10),
        ("probably not", 0.30, 0.10),
        ("almost no chance", 0.07, 0.05),
    ],
)
def test_the_readers_mean_lies_in_kents_range(phrase: str, centre: float, spread: float) -> None:
    assert abs(probability_as_claimed(phrase).mean - centre) <= spread


@pytest.mark.parametrize(
    ("phrase", "low", "high"),
    [
        ("almost certain", 0.95, 0.99),
        ("highly likely", 0.80, 0.95),
        ("likely", 0.55, 0.80),
        ("about even", 0.45, 0.55),
        ("unlikely", 0.20, 0.45),
        ("highly unlikely", 0.05, 0.20),
        ("almost no chance", 0.01, 0.05),
    ],
)
def test_the_middle_reader_lies_in_the_range_of_directive_203(phrase: str, low: float, high: float) -> None:
    assert low <= middle_answer(phrase) <= high


@pytest.mark.parametrize("stem", ["likely", "unlikely"])
def test_halving_the_distance_to_the_end_predicts_what_readers_make_of_highly(stem: str) -> None:
    said = probability_as_claimed(f"highly {stem}").mean
    plain = probability_as_claimed(stem).mean
    assert abs(probability_as_claimed(modified(stem, "highly")).mean - said) < 0.025
    assert abs(plain - said) > 0.1, "the modifier moves the phrase by far more than the rule misses"


def test_very_halves_each_readers_distance_to_the_words_end() -> None:
    above = Hedge("up", ((0.4, 0.25), (0.8, 0.75)), "up", "made up")
    assert modified(above).readers == ((pytest.approx(0.7), 0.25), (pytest.approx(0.9), 0.75))
    below = Hedge("down", ((0.2, 0.75), (0.6, 0.25)), "down", "made up")
    assert modified(below).readers == ((pytest.approx(0.1), 0.75), (pytest.approx(0.3), 0.25))
    assert hedge("very likely") == modified("likely")


def test_a_word_in_the_middle_has_no_end_to_be_modified_towards() -> None:
    with pytest.raises(CausalError, match="about even"):
        modified("about even")


def test_few_answers_are_dropped_and_all_of_them_on_the_wrong_side() -> None:
    dropped = 0
    for given_answers in survey().values():
        kept = without_reversed(given_answers)
        lost = list(given_answers)
        for answer in kept:
            lost.remove(answer)
        middle = median(given_answers)
        assert len(lost) <= 6
        assert all(abs(100 - answer - middle) < abs(answer - middle) for answer in lost)
        dropped += len(lost)
    assert dropped == 48


def test_the_reversed_answers_that_stand_out_are_dropped() -> None:
    kept = {phrase: without_reversed(given) for phrase, given in survey().items()}
    assert max(kept["almost no chance"]) == 20
    assert max(kept["highly unlikely"]) == 30
    assert min(kept["almost certain"]) == 60
    assert min(kept["highly likely"]) == 65


def test_ambiguous_phrases_keep_their_readers_on_both_sides() -> None:
    kept = {phrase: without_reversed(given) for phrase, given in survey().items()}
    assert max(kept["we doubt"]) == 60
    assert min(kept["probable"]) == 30
    assert len(kept["about even"]) == 169, "nobody can reverse one half"


@given(st.sampled_from(PHRASES))
@settings(deadline=None, max_examples=20)
def test_a_scale_and_its_mirror_image_lose_the_same_readers(phrase: str) -> None:
    answers = survey()[phrase]
    mirrored = without_reversed([100 - answer for answer in answers])
    assert sorted(100 - answer for answer in mirrored) == pytest.approx(sorted(without_reversed(answers)))


@given(
    st.lists(st.integers(75, 95), min_size=20, max_size=60),
    st.lists(st.integers(0, 60), min_size=0, max_size=4),
)
@settings(deadline=None, max_examples=60)
def test_planted_reversals_are_found_and_sound_answers_stay(sound: list[int], which: list[int]) -> None:
    planted = [100 - sound[index % len(sound)] for index in which]
    assert sorted(without_reversed([*sound, *planted])) == sorted(sound)


def test_plain_words_order_as_english_does() -> None:
    means = [
        probability_as_claimed(word).mean
        for word in (
            "almost no chance",
            "unlikely",
            "about even",
            "may",
            "arguably",
            "to some degree",
            "fuels",
            "clearly",
        )
    ]
    assert means == sorted(means)
    assert means[3] > 0.5


def test_strength_words_assert() -> None:
    assert {HEDGES[strength].readers for strength in STRENGTHS} == {HEDGES["plain assertion"].readers}


def test_the_interval_over_readers_holds_nine_tenths_of_them() -> None:
    for word in PHRASES:
        reading = probability_as_claimed(word)
        inside = math.fsum(share for chance, share in HEDGES[word].readers if reading.low <= chance <= reading.high)
        assert inside >= 0.9 - 1e-12
        assert reading.low <= reading.mean <= reading.high


@given(chances, sizes, st.sampled_from([Sign.POSITIVE, Sign.NEGATIVE]))
@settings(deadline=None, max_examples=100)
def test_one_reader_gets_the_probability_of_the_sign_back_and_the_stated_size(
    chance: float, strength: str, sign: Sign
) -> None:
    found = prior(of_one_reader(chance), strength, sign)
    above = found.probability_above(0.0)
    assert (above if sign == Sign.POSITIVE else 1 - above) == pytest.approx(chance, abs=1e-9)
    assert math.hypot(found.mean, found.sd) == pytest.approx(STRENGTHS[strength], rel=1e-12)


def test_a_reader_at_one_half_leans_nowhere() -> None:
    assert prior(of_one_reader(0.5), "strong", Sign.NEGATIVE) == Normal(0.0, STRENGTHS["strong"])


def test_a_reader_below_one_half_leans_against_the_claim() -> None:
    assert (
        prior(of_one_reader(0.2), "some", Sign.POSITIVE).mean
        < 0
        < prior(of_one_reader(0.2), "some", Sign.NEGATIVE).mean
    )


@given(words, sizes)
@settings(deadline=None, max_examples=60)
def test_the_size_is_the_same_for_every_hedge_and_the_sign_only_mirrors(word: str, strength: str) -> None:
    up, down = prior(word, strength, Sign.POSITIVE), prior(word, strength, Sign.NEGATIVE)
    assert math.hypot(up.mean, up.sd) == pytest.approx(STRENGTHS[strength], rel=1e-12)
    assert (down.mean, down.sd) == (-up.mean, up.sd)


def test_the_normal_has_the_moments_of_a_million_draws_from_the_mixture() -> None:
    random = np.random.default_rng(7)
    chance, share = np.array(HEDGES["arguably"].readers).T
    z = np.array([NormalDist().inv_cdf(float(p)) for p in chance])
    drawn = random.choice(z, p=share / share.sum(), size=1_000_000)
    effects = 0.2 * (drawn + random.standard_normal(drawn.size)) / np.sqrt(1 + drawn**2)
    found = prior("arguably", "substantial", Sign.POSITIVE)
    assert effects.mean() == pytest.approx(found.mean, abs=5 * 0.2 / 1000)
    assert effects.std() == pytest.approx(found.sd, abs=5 * 0.2 / 1000)
    assert np.mean(effects > 0) == pytest.approx(probability_as_claimed("arguably").mean, abs=0.0025)


def test_one_reader_costs_nothing_to_reduce() -> None:
    for chance in (0.01, 0.5, 0.8, 0.99):
        assert reduction_cost(of_one_reader(chance)) < 1e-12


def test_the_reduction_cost_is_the_distance_of_two_readers_computed_by_hand() -> None:
    # Readers at Phi(1) and Phi(-1): Normals at +-sqrt(1/2) with that sd, against Normal(0, 1)
    one = NormalDist().cdf(1.0)
    two = Hedge("two", ((1 - one, 0.5), (one, 0.5)), "two", "made up")
    half = math.sqrt(0.5)
    left, right, both = NormalDist(-half, half), NormalDist(half, half), NormalDist()
    steps = [step / 1000 for step in range(-3000, 3001)]
    by_hand = max(abs((left.cdf(x) + right.cdf(x)) / 2 - both.cdf(x)) for x in steps)
    assert reduction_cost(two) == pytest.approx(by_hand, abs=1e-6)


def test_reducing_the_readers_to_one_normal_costs_little_for_every_hedge() -> None:
    costs = {word: reduction_cost(word) for word in PHRASES}
    assert costs.pop("improbable") < 0.042
    assert max(costs.values()) < 0.032
    assert sorted(word for word, cost in costs.items() if cost > 0.03) == ["we believe", "we doubt"]
    assert fmean(costs.values()) < 0.018


@pytest.mark.parametrize("word", ARTICLE_WORDS)
def test_the_normal_keeps_the_readers_probability_of_the_sign(word: str) -> None:
    kept = prior(word, "some", Sign.POSITIVE).probability_above(0.0)
    assert abs(kept - probability_as_claimed(word).mean) < 0.02


@given(words, st.sampled_from(sorted(STRENGTHS)), st.sampled_from(list(Sign)))
@settings(deadline=None, max_examples=60)
def test_the_sceptic_and_the_wide_prior_take_no_side(word: str, strength: str, sign: Sign) -> None:
    sceptical = prior(word, strength, sign, "sceptical")
    assert sceptical.mean == 0.0
    assert sceptical.sd == (STRENGTHS[strength] or STRENGTHS["some"])
    assert prior(word, strength, sign, "wide") == Normal(0.0, 1.0)


def test_a_claim_without_a_sign_says_how_large_and_not_which_way() -> None:
    assert prior("fuels", "strong", Sign.UNKNOWN) == Normal(0.0, STRENGTHS["strong"])


@pytest.mark.parametrize("sign", list(Sign))
def test_a_claim_of_no_effect_is_a_narrow_prior_at_zero_that_the_sceptic_does_not_share(sign: Sign) -> None:
    article = prior("fuels", "none", sign)
    assert article == Normal(0.0, 0.05)
    assert 1 - 2 * article.probability_above(0.1) > 0.95
    sceptical = prior("fuels", "none", sign, "sceptical")
    assert 1 - 2 * sceptical.probability_above(0.1) < 0.7


def test_a_denial_leans_against_the_claim() -> None:
    for word in DENIALS:
        assert prior(word, "some", Sign.POSITIVE).mean < 0


def test_an_unknown_hedge_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(CausalError, match=r"no hedge 'reportadly'.*did you mean 'reportedly'"):
        hedge("reportadly")
    with pytest.raises(CausalError, match="not 3"):
        hedge(3)  # pyright: ignore[reportArgumentType]


def test_case_and_spaces_do_not_matter() -> None:
    assert hedge("  To  Some Degree ") is HEDGES["to some degree"]


def test_everything_wrong_with_a_prior_is_said_at_once() -> None:
    with pytest.raises(CausalError) as raised:
        prior("fules", "smoe", "x", "artcle")  # pyright: ignore[reportArgumentType]
    assert [fault.mend for fault in raised.value.faults] == [
        "did you mean 'fuels'?",
        "did you mean 'some'?",
        "known: +, -, ?",
        "did you mean 'article'?",
    ]


def test_a_modifier_that_no_rule_covers_is_refused() -> None:
    with pytest.raises(CausalError, match="no modifier 'rather'"):
        modified("likely", "rather")


MIRROR = {
    "almost no chance": "almost certain",
    "very unlikely": "very likely",
    "unlikely": "likely",
    "about even": "about even",
    "likely": "unlikely",
    "very likely": "very unlikely",
    "almost certain": "almost no chance",
}


@given(st.integers(0, 1024))
@settings(deadline=None, max_examples=100)
def test_the_words_for_a_probability_and_for_its_complement_mirror_each_other(step: int) -> None:
    assert in_words(1 - step / 1024) == MIRROR[in_words(step / 1024)]


@pytest.mark.parametrize("wrong", [-0.01, 1.01, math.nan, math.inf])
def test_only_probabilities_have_words(wrong: float) -> None:
    with pytest.raises(CausalError, match="no probability"):
        in_words(wrong)


def test_the_hedge_scale_loads_without_heavy_libraries() -> None:
    code = (
        "import sys, priors.elicit as e; e.prior('fuels', 'some', '+');"
        "print(sorted({'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
