"""Scores against closed forms and brute force, and the clustered error against simulated panels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from causal.scoring import compared, covered, crps, log_score, pit

FINITE = st.floats(-50, 50)


@given(st.lists(FINITE, min_size=1, max_size=12), FINITE)
def test_crps_is_the_double_sum_over_all_pairs_of_draws(draws: list[float], value: float) -> None:
    size = len(draws)
    apart = sum(abs(a - b) for a in draws for b in draws) / (2 * size**2)
    expected = sum(abs(a - value) for a in draws) / size - apart
    assert float(crps(np.array(draws), value)) == pytest.approx(expected, abs=1e-9)


@given(st.lists(FINITE, min_size=1, max_size=8), FINITE)
def test_crps_is_the_squared_gap_between_the_two_distribution_functions(draws: list[float], value: float) -> None:
    corners = np.unique([*draws, value])
    below = np.array([(np.array(draws) <= corner).mean() for corner in corners[:-1]])
    expected = float((((below - (corners[:-1] >= value)) ** 2) * np.diff(corners)).sum())
    assert float(crps(np.array(draws), value)) == pytest.approx(expected, abs=1e-9)


def quantile_draws(mean: float, sd: float, size: int = 200_000) -> np.ndarray:
    """Evenly spaced quantiles of a Normal: its distribution without Monte Carlo error."""
    return np.asarray(stats.norm.ppf((np.arange(size) + 0.5) / size, mean, sd))


@pytest.mark.parametrize("value", [-3.0, 0.4, 1.0, 6.0])
def test_crps_of_a_normal_is_its_closed_form(value: float) -> None:
    mean, sd = 1.0, 2.0
    z = (value - mean) / sd
    closed = sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / math.sqrt(math.pi))
    assert float(crps(quantile_draws(mean, sd), value)) == pytest.approx(closed, rel=1e-4)


def test_the_log_score_of_a_normal_is_nearly_its_closed_form() -> None:
    for value in (-3.0, 1.0, 4.0):
        closed = -stats.norm.logpdf(value, 1.0, 2.0)
        # Drawing in the outermost hundredth takes a few percent off the sd.
        assert float(log_score(quantile_draws(1.0, 2.0), value)) == pytest.approx(closed, abs=0.12)


def test_heavy_tails_do_not_set_the_log_score() -> None:
    draws = quantile_draws(0.0, 1.0, 10_001)
    wild = np.append(draws, 1e9)
    assert float(log_score(wild, 0.3)) == pytest.approx(float(log_score(draws, 0.3)), abs=1e-3)
    assert math.isinf(float(log_score(np.ones(5), 1.0)))


def test_coverage_and_pit_of_normals_are_nominal() -> None:
    generator = np.random.default_rng(3)
    values = generator.normal(size=20_000)
    draws = np.broadcast_to(quantile_draws(0.0, 1.0, 4001)[:, None], (4001, 1)) + np.zeros(1)
    for share in (0.5, 0.9):
        inside = np.mean([covered(draws[:, 0], value, share) for value in values[:4000]])
        assert inside == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 4000))
    ranks = np.array([float(pit(draws[:, 0], value)) for value in values[:4000]])
    assert stats.kstest(ranks, "uniform").pvalue > 0.001


def test_draws_that_equal_the_value_count_by_half() -> None:
    assert float(pit(np.array([0.0, 1.0, 1.0, 2.0]), 1.0)) == 0.5


def test_scores_go_along_the_last_axes() -> None:
    generator = np.random.default_rng(0)
    draws, values = generator.normal(size=(50, 3, 4)), generator.normal(size=(3, 4))
    for score in (crps, log_score, pit):
        both = score(draws, values)
        assert both.shape == (3, 4)
        assert both[1, 2] == pytest.approx(float(score(draws[:, 1, 2], values[1, 2])))


def test_a_mean_of_clusters_is_known_no_better_than_its_clusters() -> None:
    units = np.array([1.0, 2.0, 4.0, 7.0])
    found = compared(np.repeat(units[:, None], 5, axis=1))
    # Every unit says the same five times: the error is that of a mean of four values.
    assert found.error == pytest.approx(units.std(ddof=1) / 2.0)
    assert found.mean == 3.5
    assert found.count == 20
    assert found.high - found.mean == pytest.approx(float(stats.t.ppf(0.95, 3)) * found.error)


def test_the_interval_covers_where_both_units_and_times_share_errors() -> None:
    generator = np.random.default_rng(8)
    inside = 0
    for _ in range(400):
        values = generator.normal(size=(20, 1)) + generator.normal(size=(1, 8)) + generator.normal(size=(20, 8))
        found = compared(values)
        inside += found.low <= 0.0 <= found.high
    assert inside / 400 > 0.87, "an interval that takes cells for independent covers under half the time"


def test_too_few_clusters_give_no_interval_and_gaps_are_left_out() -> None:
    assert math.isnan(compared(np.array([[1.0, 2.0, 3.0]])).error)
    assert compared(np.array([[1.0, 2.0, 3.0]])).sign == 0
    assert compared(np.full((2, 2), np.nan)).count == 0
    holed = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, 4.0], [np.nan] * 3])
    assert compared(holed).mean == 2.5
    assert compared(holed).count == 4


def test_a_sign_is_given_only_where_the_interval_leaves_zero_out() -> None:
    generator = np.random.default_rng(1)
    noise = generator.normal(size=(20, 6))
    assert compared(noise + 3.0).sign == 1
    assert compared(noise - 3.0).sign == -1
    assert compared(noise - noise.mean()).sign == 0
