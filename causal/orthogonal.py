"""The term that frees a looped system from the bias of its unit effects: its value, its gradient and its curvature, by numpy alone.

`causal.equations` derives ``b(F) = sum over s of c_s / s * trace(F^s)``, whose gradient is the bias of the score
once the unit effects are swept out. `causal.orthogonal_op` makes it an operation of the model's graph.

Near the edge of the stationary region b grows faster than the likelihood falls. So b *saturates*: it is evaluated at
``k F`` with ``k = exp(-softplus(SHARPNESS * log r) / SHARPNESS)``, where ``r = |F^256| ** (1/256)`` (Frobenius norm)
is close to the spectral radius (a lower power is far above it where two persistent nodes are joined). Inside the
region k is 1 to many digits; outside, k F stays at radius 1, b is bounded and the likelihood decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DOUBLINGS = 8
"""The radius is taken from the power 2 ** DOUBLINGS of the reduced form."""
SHARPNESS = 100.0
"""How sharply b stops growing at spectral radius 1."""


def correction(coefficients: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The value of b and its gradient.

    `coefficients` (node, column): ``[B0, B1, ...]`` with B0 acyclic. `weights` (s): c_s. Written in loops: matrix products and slices
    become machine code that is optimised anew in every process, and take longer to run at these sizes.
    """
    nodes = coefficients.shape[0]
    size = coefficients.shape[1] - nodes
    gradient = np.zeros((nodes, nodes + size))
    if size == 0:
        return 0.0, gradient
    # B0 is nilpotent, so its resolvent is a finite sum.
    resolvent = np.eye(nodes)
    for _ in range(nodes - 1):
        following = np.eye(nodes)
        add_product(coefficients[:, :nodes], False, resolvent, False, following)
        resolvent = following
    form = np.zeros((size, size))
    add_product(resolvent, False, coefficients[:, nodes:], False, form[:nodes])
    for row in range(nodes, size):
        form[row, row - nodes] = 1.0

    # The powers F^2, F^4, ... are brought to norm 1 on the way, so that nothing overflows or vanishes.
    power_of_two = np.zeros((DOUBLINGS + 1, size, size))
    norms = np.zeros(DOUBLINGS + 1)
    log_radius = 0.0
    current = form
    for k in range(DOUBLINGS + 1):
        norm = 0.0
        for row in range(size):
            for column in range(size):
                norm += current[row, column] ** 2
        norms[k] = np.sqrt(norm)
        if norms[k] < 1e-150:
            break
        log_radius += np.log(norms[k]) / 2.0**k
        for row in range(size):
            for column in range(size):
                power_of_two[k, row, column] = current[row, column] / norms[k]
        current = np.zeros((size, size))
        add_product(power_of_two[k], False, power_of_two[k], False, current)
    shrink = 1.0
    slope = 0.0
    if norms[DOUBLINGS] >= 1e-150:
        steep = SHARPNESS * log_radius
        softplus = max(steep, 0.0) + np.log1p(np.exp(-abs(steep)))
        shrink = np.exp(-softplus / SHARPNESS)
        slope = -shrink * np.exp(steep - softplus)

    power = np.eye(size)
    series = np.zeros((size, size))
    value = 0.0
    for s in range(weights.shape[0]):
        for row in range(size):
            for column in range(size):
                series[row, column] += weights[s] * power[row, column]
                power[row, column] *= shrink
        following = np.zeros((size, size))
        add_product(power, False, form, False, following)
        power = following
        for row in range(size):
            value += weights[s] / (s + 1.0) * power[row, row]

    back = np.zeros((size, size))
    rate = 0.0
    if slope != 0.0:
        by_shrink = 0.0
        for row in range(size):
            for column in range(size):
                by_shrink += series[column, row] * form[row, column]
        rate = by_shrink * slope / (norms[0] * 2.0**DOUBLINGS)
        back = power_of_two[DOUBLINGS]
        for k in range(DOUBLINGS - 1, -1, -1):
            following = np.zeros((size, size))
            add_product(back, False, power_of_two[k], True, following)
            add_product(power_of_two[k], True, back, False, following)
            for row in range(size):
                for column in range(size):
                    following[row, column] /= norms[k + 1]
            back = following
    by_form = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            by_form[row, column] = shrink * series[column, row] + rate * back[row, column]

    add_product(resolvent, True, by_form[:nodes], False, gradient[:, nodes:])
    add_product(gradient[:, nodes:], False, form[:nodes], True, gradient[:, :nodes])
    return value, gradient


def curvature(
    coefficients: NDArray[np.float64],
    weights: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    first: int,
) -> NDArray[np.float64]:
    """The second derivatives of b (first, k) between the `first` of the coefficients at `rows` and `columns` (k) and all of them, as if it did not saturate.

    By central differences of its gradient, which is ``(I - B0)^-T`` times the first rows of ``(sum over s of c_s F^(s-1))^T``.
    """
    step = 1e-5
    nodes, width = coefficients.shape
    size = width - nodes
    if size == 0:
        return np.zeros((first, len(rows)))
    moved = np.repeat(coefficients[None], 2 * first, axis=0)
    at = np.arange(first)
    moved[at, rows[:first], columns[:first]] += step
    moved[at + first, rows[:first], columns[:first]] -= step
    resolvent = np.linalg.inv(np.eye(nodes) - moved[:, :, :nodes])
    form = np.zeros((len(moved), size, size))
    form[:, :nodes] = resolvent @ moved[:, :, nodes:]
    form[:, nodes:, : size - nodes] = np.eye(size - nodes)
    power = np.broadcast_to(np.eye(size), form.shape)
    series = np.zeros(form.shape)
    for weight in weights:
        series += weight * power
        power = power @ form
    lagged = np.swapaxes(resolvent, 1, 2) @ np.swapaxes(series, 1, 2)[:, :nodes]
    gradient = np.concatenate([lagged @ np.swapaxes(form[:, :nodes], 1, 2), lagged], axis=2)[:, rows, columns]
    return (gradient[:first] - gradient[first:]) / (2.0 * step)


def add_product(
    left: NDArray[np.float64], flip_left: bool, right: NDArray[np.float64], flip_right: bool, out: NDArray[np.float64]
) -> None:
    """Add ``left @ right`` to `out`, either of them transposed where flipped."""
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            total = out[row, column]
            for k in range(left.shape[0] if flip_left else left.shape[1]):
                total += (left[k, row] if flip_left else left[row, k]) * (
                    right[column, k] if flip_right else right[k, column]
                )
            out[row, column] = total
