"""The orthogonal term: its value, its gradient, and that it makes the score of short panels unbiased."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.gradient import grad

from causal.equations import companion, cross_products, stacked, sweep_out
from causal.orthogonal import correction, orthogonal_term
from tests.oracle import loops

Floats = NDArray[np.float64]
WEIGHTS = 12 * (8 - np.arange(1.0, 8.0)) / 8


def drawn(seed: int, nodes: int, lags: int, radius: float) -> Floats:
    """Coefficients ``[B0, B1, ...]`` with an acyclic B0 in a random order, scaled to a spectral radius of the companion matrix."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(nodes)
    b = rng.normal(size=(lags + 1, nodes, nodes)) * 0.5
    b[0] = np.tril(b[0], -1)[np.ix_(order, order)]
    current = float(np.abs(np.linalg.eigvals(companion(np.concatenate(list(b), axis=1), nodes))).max())
    for lag in range(1, lags + 1):
        b[lag] *= (radius / current) ** lag  # scales every root by the same factor
    return np.concatenate(list(b), axis=1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 2), st.floats(0.05, 0.6))
def test_inside_the_stationary_region_the_value_is_the_plain_sum_of_traces(
    seed: int, nodes: int, lags: int, radius: float
) -> None:
    coefficients = drawn(seed, nodes, lags, radius)
    value, _ = correction(coefficients, WEIGHTS)
    b = np.stack(np.split(coefficients, lags + 1, axis=1))
    assert value == pytest.approx(loops.correction_term(b, WEIGHTS), rel=1e-5, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 2), st.sampled_from([0.3, 0.8, 0.97, 1.0, 1.05, 1.6]))
def test_the_gradient_is_that_of_central_differences_inside_and_outside(
    seed: int, nodes: int, lags: int, radius: float
) -> None:
    coefficients = drawn(seed, nodes, lags, radius)
    _, gradient = correction(coefficients, WEIGHTS)
    step = 1e-6
    # Entries of B0 that would close a cycle are no parameters: only the drawn pattern is differentiated there.
    free = np.argwhere((coefficients != 0.0) | (np.arange(coefficients.shape[1]) >= nodes))
    for row, column in free:
        shift = np.zeros_like(coefficients)
        shift[row, column] = step
        slope = (correction(coefficients + shift, WEIGHTS)[0] - correction(coefficients - shift, WEIGHTS)[0]) / (
            2 * step
        )
        assert gradient[row, column] == pytest.approx(slope, rel=1e-4, abs=1e-4 * (1 + float(np.abs(gradient).max())))


def test_far_outside_the_stationary_region_the_term_stays_bounded() -> None:
    bound = 3 * float(np.sum(WEIGHTS / np.arange(1, len(WEIGHTS) + 1)))  # every one of three roots at one
    values = [correction(drawn(5, 3, 1, radius), WEIGHTS)[0] for radius in (0.9, 1.0, 1.5, 5.0, 1e3, 1e8)]
    assert all(np.isfinite(values))
    assert max(values) < 1.01 * bound
    assert values[-1] == pytest.approx(values[-2], rel=1e-6)  # it depends on the direction only
    # What pulls the lagged effects outwards fades; the effects within the period turn the direction only.
    pulls = [
        float(np.abs(correction(drawn(5, 3, 1, radius), WEIGHTS)[1][:, 3:]).max()) for radius in (1.5, 15.0, 150.0)
    ]
    assert pulls[2] < pulls[1] / 5 < pulls[0] / 25


def test_a_vanishing_system_gives_the_first_weight_as_slope() -> None:
    for size in (0.0, 1e-30, 1e-12, 1e-3):
        value, gradient = correction(np.array([[0.0, size]]), np.array([3.0, 2.0]))
        assert value == pytest.approx(3.0 * size + size**2, abs=1e-15)
        assert gradient[0, 1] == pytest.approx(3.0 + 2.0 * size)


def test_without_lags_there_is_nothing_to_correct() -> None:
    value, gradient = correction(np.array([[0.0, 0.4], [0.0, 0.0]]), WEIGHTS)
    assert value == 0.0
    assert not gradient.any()


def test_the_compiled_form_and_its_gradient_equal_the_python_ones() -> None:
    matrix, weights = pt.dmatrix("matrix"), pt.dvector("weights")
    value = orthogonal_term(matrix, weights)
    outputs: Any = [value, grad(value, matrix)]
    modes: tuple[Any, ...] = ("NUMBA", Mode(linker="py", optimizer="minimum_compile"))
    forms: list[Any] = [function([matrix, weights], outputs, mode=mode) for mode in modes]
    for seed, radius in ((1, 0.5), (2, 0.95), (3, 1.3)):
        coefficients = drawn(seed, 3, 2, radius)
        expected = correction(coefficients, WEIGHTS)
        for form in forms:
            found = form(coefficients, WEIGHTS)
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-10)
            np.testing.assert_allclose(found[1], expected[1], rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------------------------------------ the unbiased score

BALANCED = (np.ones(10, np.int64), np.full(10, 7))
UNBALANCED = (np.array([1, 1, 1, 1, 2, 2, 3, 4, 1, 5]), np.array([7, 7, 5, 4, 7, 6, 7, 7, 3, 7]))
SELF = {("x", "x", 1): 0.8, ("y", "y", 1): 0.5, ("x", "y", 1): 0.3, ("y", "x", 1): -0.2}
SAME_PERIOD = {("x", "x", 1): 0.8, ("x", "y", 0): 0.6, ("y", "z", 0): -0.5, ("z", "x", 1): 0.3, ("y", "y", 1): 0.4}
TWO_LAGS = {("x", "x", 1): 0.5, ("x", "x", 2): 0.3, ("x", "y", 0): 0.5, ("y", "x", 2): -0.3}
CORRELATED = np.array([[1.0, 0.6], [0.6, 1.5]])


def scores(
    effects: loops.Effects, spans: tuple[NDArray[np.int64], NDArray[np.int64]], years: bool, covariance: Floats | None
) -> tuple[Floats, Floats]:
    """Profile scores (replication, effect) at the truth, and the gradient of b (effect), over simulated short panels."""
    nodes, b = loops.nodes_of(effects), loops.matrices(effects)
    lags, size = len(b) - 1, len(nodes)
    first, stop = spans[0] + lags - 1, spans[1] + lags - 1
    sweep = sweep_out(first, stop, year_effects=years)
    replications, units, times = 3000, len(first), int(stop.max())
    values = loops.simulated(effects, units=units * replications, times=times, seed=11, shock_covariance=covariance)
    matrix = np.concatenate(list(b), axis=1)
    residual = np.concatenate([np.eye(size), np.zeros((size, size * lags))], axis=1) - matrix
    precision = np.linalg.inv(np.eye(size) if covariance is None else covariance)
    at = [(nodes.index(effect), lag * size + nodes.index(cause)) for cause, effect, lag in effects]
    found = np.empty((replications, len(at)))
    columns = stacked(values, lags)
    for k in range(replications):
        products = cross_products(columns[k * units : (k + 1) * units], sweep)
        score = precision @ residual @ products
        found[k] = [score[place] for place in at]
    _, gradient = correction(matrix, sweep.weights)
    return found, np.array([gradient[place] for place in at])


@pytest.mark.parametrize("years", [False, True])
@pytest.mark.parametrize("spans", [BALANCED, UNBALANCED], ids=["balanced", "unbalanced"])
@pytest.mark.parametrize(
    ("effects", "covariance"),
    [(SELF, None), (SAME_PERIOD, None), (TWO_LAGS, None), (SELF, CORRELATED)],
    ids=["self", "same period", "two lags", "correlated shocks"],
)
def test_the_term_makes_the_score_of_short_panels_unbiased(
    effects: loops.Effects, covariance: Floats | None, spans: tuple[NDArray[np.int64], NDArray[np.int64]], years: bool
) -> None:
    found, gradient = scores(effects, spans, years, covariance)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) + gradient) < 4 * error).all()
    # Without the term the self effect's score is far from zero: the bias of short panels.
    own = list(effects).index(("x", "x", 1))
    assert abs(found.mean(axis=0)[own]) > 20 * error[own]
