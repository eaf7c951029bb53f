"""The power of the rule, against simulated estimates to which the rule itself is applied, and against textbook cases."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.dist import Normal, Uniform
from causal.power import ENOUGH, Power, bar, median_size, power, standard_error, study_power
from causal.verdict import LEVELS, PRIOR_SETS, word

Z = NormalDist()
GRID = np.array([Z.inv_cdf((k + 0.5) / 800) for k in range(800)])
WIDE, SCEPTICAL, ARTICLE = Normal(0.0, 1.0), Normal(0.0, 0.2), Normal(0.12, 0.15)
PRIORS = {"article": ARTICLE, "sceptical": SCEPTICAL, "wide": WIDE}


def posterior(prior: Normal, estimate: float, error: float) -> Normal:
    precision = 1.0 / prior.sd**2 + 1.0 / error**2
    return Normal((prior.mean / prior.sd**2 + estimate / error**2) / precision, 1.0 / math.sqrt(precision))


def called(estimate: float, error: float, sign: int, smallest: float) -> str:
    """The rule's word for an estimate: conjugate posteriors under the three priors, as draws."""
    found = {name: posterior(PRIORS[name], estimate, error) for name in PRIOR_SETS}
    draws = {name: each.mean + each.sd * GRID for name, each in found.items()}
    return word(draws, sign=sign, smallest=smallest, failed=False)


def spread(error: float) -> float:
    return posterior(WIDE, 0.0, error).sd


@pytest.mark.parametrize(("error", "sign"), [(0.04, 1), (0.15, 1), (0.08, -1), (0.06, 0), (0.5, 1)])
def test_power_and_assurance_are_how_often_the_rule_says_supported(error: float, sign: int) -> None:
    smallest = 0.02
    found = study_power(spread(error), PRIORS, LEVELS, sign=sign, smallest=smallest)
    noise = error * np.random.default_rng(7).permutation(GRID)
    at_size = [called(y, error, sign, smallest) for y in (sign or 1) * found.size + noise]
    over_prior = [called(y, error, sign, smallest) for y in ARTICLE.mean + ARTICLE.sd * GRID + noise]
    # Quantiles for draws of the error; for the prior, quantiles of either in a random order.
    assert at_size.count("supported") / len(GRID) == pytest.approx(found.power, abs=0.004)
    assert over_prior.count("supported") / len(GRID) == pytest.approx(found.assurance, abs=0.02)


@pytest.mark.parametrize("error", [0.03, 0.1, 0.3])
def test_the_smallest_effect_found_is_found_four_times_in_five(error: float) -> None:
    found = study_power(spread(error), PRIORS, LEVELS, sign=1, smallest=0.02)
    estimates = found.smallest_found + error * GRID
    share = np.mean([called(y, error, 1, 0.02) == "supported" for y in estimates])
    assert share == pytest.approx(ENOUGH, abs=0.005)


def test_the_rule_turns_exactly_at_the_bar() -> None:
    asked = [(PRIORS[name], LEVELS[name]) for name in PRIOR_SETS]
    at = bar(0.1, asked, 1, 0.02)
    assert called(at + 0.003, 0.1, 1, 0.02) == "supported"
    assert called(at - 0.003, 0.1, 1, 0.02) != "supported"


def test_with_a_flat_prior_alone_it_is_the_power_of_a_one_sided_test() -> None:
    flat = [(Normal(0.0, 1e6), 0.95)]
    for effect in (-0.1, 0.0, 0.2, 0.5):
        textbook = Z.cdf((effect - 0.05) / 0.1 - Z.inv_cdf(0.95))
        assert power(effect, 0.1, flat, 1, 0.05) == pytest.approx(textbook, abs=1e-9)


def test_the_error_is_what_the_prior_had_been_added_to() -> None:
    for error in (0.01, 0.3, 5.0):
        assert standard_error(spread(error), 1.0) == pytest.approx(error)
    assert standard_error(1.0, 1.0) == math.inf
    assert standard_error(1.2, 1.0) == math.inf


def test_a_study_that_adds_nothing_finds_nothing() -> None:
    found = study_power(1.0, PRIORS, LEVELS, sign=1, smallest=0.02)
    assert found == Power(math.inf, median_size(ARTICLE), 0.0, 0.0, math.inf)


def test_so_many_times_the_data_have_the_power_that_is_asked_for() -> None:
    error = 0.2
    found = study_power(spread(error), PRIORS, LEVELS, sign=1, smallest=0.02)
    assert 1.0 < found.times < math.inf
    again = study_power(spread(error / math.sqrt(found.times)), PRIORS, LEVELS, sign=1, smallest=0.02)
    assert again.power == pytest.approx(ENOUGH, abs=1e-6)
    assert again.times == pytest.approx(1.0, abs=1e-6)


def test_no_amount_of_data_supports_an_effect_that_is_smaller_than_what_matters() -> None:
    found = study_power(spread(0.2), PRIORS, LEVELS, sign=1, smallest=0.5)
    assert found.size < 0.5
    assert found.times == math.inf


def test_a_study_with_power_enough_needs_no_more() -> None:
    assert study_power(spread(0.005), PRIORS, LEVELS, sign=1, smallest=0.02).times == 1.0


def test_half_of_the_prior_lies_within_its_median_size() -> None:
    generator = np.random.default_rng(3)
    for prior in (Normal(0.0, 0.1), Normal(-0.3, 0.1), Normal(0.1, 0.2)):
        draws = prior.mean + prior.sd * generator.normal(size=200_000)
        assert median_size(prior) == pytest.approx(float(np.median(np.abs(draws))), abs=0.003)
    assert median_size(Normal(0.0, 1.0)) == pytest.approx(Z.inv_cdf(0.75), abs=1e-9)


def test_a_uniform_prior_counts_by_its_variance() -> None:
    told = {"article": Uniform(-1.0, 1.0), "sceptical": Uniform(-1.0, 1.0), "wide": Uniform(-1.0, 1.0)}
    normal = dict.fromkeys(told, Normal(0.0, 1.0 / math.sqrt(3.0)))
    assert study_power(0.1, told, LEVELS, sign=1, smallest=0.1) == study_power(
        0.1, normal, LEVELS, sign=1, smallest=0.1
    )


@settings(max_examples=50)
@given(
    error=st.floats(0.005, 3.0),
    mean=st.floats(-0.3, 0.3),
    sd=st.floats(0.02, 0.4),
    smallest=st.floats(0.001, 0.3),
)
def test_mirrored_claims_have_the_same_power_and_more_data_never_less(
    error: float, mean: float, sd: float, smallest: float
) -> None:
    priors = {"article": Normal(mean, sd), "sceptical": Normal(0.0, sd), "wide": WIDE}
    turned = priors | {"article": Normal(-mean, sd)}
    found = study_power(spread(error), priors, LEVELS, sign=1, smallest=smallest)
    mirrored = study_power(spread(error), turned, LEVELS, sign=-1, smallest=smallest)
    assert mirrored.power == pytest.approx(found.power, abs=1e-9)
    assert mirrored.assurance == pytest.approx(found.assurance, abs=1e-9)
    better = study_power(spread(error / 1.5), priors, LEVELS, sign=1, smallest=smallest)
    if found.size > smallest:
        assert better.power >= found.power - 1e-9
    assert better.smallest_found <= found.smallest_found + 1e-9
