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
from scipy.linalg import helmert

from causal.equations import companion, cross_products, stacked, sweep_out
from causal.orthogonal import correction, curvature
from causal.orthogonal_op import correction_across, orthogonal_term
from causal.weights import spectrum
from tests.oracle import across, loops

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


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 2), st.floats(0.1, 0.7))
def test_the_curvature_is_that_of_the_gradients_central_differences(
    seed: int, nodes: int, lags: int, radius: float
) -> None:
    coefficients = drawn(seed, nodes, lags, radius)
    rows, columns = np.nonzero(coefficients)
    step, found = 1e-5, []
    for row, column in zip(rows, columns, strict=True):
        moved = np.zeros_like(coefficients)
        moved[row, column] = step
        slopes = [correction(coefficients + way * moved, WEIGHTS)[1][rows, columns] for way in (1.0, -1.0)]
        found.append((slopes[0] - slopes[1]) / (2.0 * step))
    whole = curvature(coefficients, WEIGHTS, rows, columns, len(rows))
    np.testing.assert_allclose(whole, found, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(curvature(coefficients, WEIGHTS, rows, columns, 1), whole[:1])
    assert not curvature(np.zeros((2, 2)), WEIGHTS, np.array([0]), np.array([1]), 1).any()


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


# ------------------------------------------------------------------------------------------------ effects across units


def directed(seed: int, units: int) -> Floats:
    """Row-normalised weights with complex eigenvalues."""
    rng = np.random.default_rng(seed)
    weights = rng.random((units, units)) * (rng.random((units, units)) < 0.5) + np.roll(np.eye(units), 1, axis=1)
    np.fill_diagonal(weights, 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def drawn_across(seed: int, nodes: int, lags: int, size: float = 0.25) -> tuple[Floats, Floats, Floats]:
    """B (lag, node, node) with an acyclic B0, C (lag, node, node) and both laid side by side."""
    rng = np.random.default_rng(seed)
    own, others = rng.normal(size=(lags + 1, nodes, nodes)) * size, rng.normal(size=(lags, nodes, nodes)) * 0.15
    own[0] = np.tril(own[0], -1)
    return own, others, np.concatenate([*own, *others], axis=1)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 2), st.booleans())
def test_across_units_the_value_is_that_of_all_units_as_one_system(
    seed: int, nodes: int, lags: int, years: bool
) -> None:
    own, others, laid = drawn_across(seed, nodes, lags)
    weights, periods = directed(seed, 6), 6
    basis = helmert(6) if years else np.eye(6)
    step = across.whole(own, others, basis @ weights @ basis.T)
    if np.abs(np.linalg.eigvals(step)).max() > 0.8:
        return  # there the term saturates, each eigenvalue by itself
    s = np.arange(1.0, periods)
    plain = sum((periods - k) / (k * periods) * np.trace(np.linalg.matrix_power(step, int(k))) for k in s)
    rows = spectrum(weights, year_effects=years)
    value, _ = correction_across(laid, len(basis) * (periods - s) / periods, rows)
    assert value == pytest.approx(plain, rel=1e-5, abs=1e-7)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 2), st.integers(1, 2), st.sampled_from([0.2, 0.6, 1.5]))
def test_across_units_the_gradient_is_that_of_central_differences_inside_and_outside(
    seed: int, nodes: int, lags: int, size: float
) -> None:
    own, _, laid = drawn_across(seed, nodes, lags, size)
    rows = spectrum(directed(seed, 5), year_effects=True)
    _, gradient = correction_across(laid, WEIGHTS, rows)
    step = 1e-6
    free = np.argwhere((laid != 0.0) | (np.arange(laid.shape[1]) >= own.shape[1]))
    for row, column in free:
        shift = np.zeros_like(laid)
        shift[row, column] = step
        above, below = (
            correction_across(laid + shift, WEIGHTS, rows)[0],
            correction_across(laid - shift, WEIGHTS, rows)[0],
        )
        slope = (above - below) / (2 * step)
        assert gradient[row, column] == pytest.approx(slope, rel=1e-4, abs=1e-4 * (1 + float(np.abs(gradient).max())))


def test_effects_of_zero_from_other_units_leave_the_term_as_it_is() -> None:
    own, others, laid = drawn_across(8, 2, 2)
    laid[:, own.shape[0] * 2 :] = 0.0
    value, gradient = correction_across(laid, WEIGHTS, spectrum(across.ring(6), year_effects=False))
    plain, slope = correction(laid[:, : own.shape[0] * 2], WEIGHTS)
    assert value == pytest.approx(plain, rel=1e-12)
    np.testing.assert_allclose(gradient[:, : own.shape[0] * 2], slope, rtol=1e-12)
    assert others.shape == (2, 2, 2)


@pytest.mark.slow
def test_across_units_the_compiled_form_and_its_gradient_equal_the_python_ones() -> None:
    matrix, weights, rows = pt.dmatrix("matrix"), pt.dvector("weights"), pt.dmatrix("rows")
    value = orthogonal_term(matrix, weights, rows)
    outputs: Any = [value, grad(value, matrix)]
    found: Any = function([matrix, weights, rows], outputs, mode="NUMBA")
    for seed in (1, 2, 3):
        _, _, laid = drawn_across(seed, 2, 2, 0.4)
        known = spectrum(directed(seed, 7), year_effects=True)
        expected = correction_across(laid, WEIGHTS, known)
        ours = found(laid, WEIGHTS, known)
        np.testing.assert_allclose(ours[0], expected[0], rtol=1e-10)
        np.testing.assert_allclose(ours[1], expected[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("years", [False, True])
@pytest.mark.parametrize("case", ["ring", "directed", "two without neighbours"])
def test_across_units_the_term_makes_the_score_of_a_short_panel_unbiased(case: str, years: bool) -> None:
    units, periods, worlds = 8, 5, 4000
    weights = {"ring": across.ring(units), "directed": directed(3, units)}.get(case, across.ring(units))
    if case == "two without neighbours":
        weights[:2] = 0.0
    own, others = np.array([[[0.0, 0.0], [0.4, 0.0]], [[0.3, -0.2], [0.2, 0.5]]]), np.array([[[0.0, 0.2], [0.3, 0.3]]])
    values = across.simulated(own, others, weights, times=periods + 1, seed=9, year_sd=0.7, worlds=worlds)
    sweep = sweep_out(np.ones(units, np.int64), np.full(units, periods + 1), year_effects=years)
    if not years:
        values = across.simulated(own, others, weights, times=periods + 1, seed=9, worlds=worlds)
    laid = np.concatenate([*own, *others], axis=1)
    residual = np.eye(2, 6) - laid
    scores = np.array([residual @ cross_products(stacked(world, 1, weights), sweep) for world in values])
    _, gradient = correction_across(laid, sweep.weights, spectrum(weights, year_effects=years))
    free = np.ones_like(laid, dtype=bool)
    free[:, :2] = own[0] != 0.0
    mean, error = scores.mean(axis=0)[free], scores.std(axis=0)[free] / worlds**0.5
    bias = np.abs(gradient[free]).max()
    assert bias > 20 * error.max()  # what is corrected is no small matter
    apart = (mean + gradient[free]) / error
    if case == "two without neighbours" and years:
        # Not exact there: a share of the order of one unit's.
        assert np.abs(mean + gradient[free]).max() < bias / units
    else:
        assert np.abs(apart).max() < 4.0
