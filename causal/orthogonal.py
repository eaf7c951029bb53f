"""The term that frees a looped system from the bias of its unit effects, as one operation of the model's graph.

`causal.equations` derives ``b(F) = sum over s of c_s / s * trace(F^s)``, whose gradient is the bias of the score
once the unit effects are swept out. Here it becomes an `Op` with its gradient in closed form, so
that the model's graph stays small and compiles quickly.

Near the edge of the stationary region b grows faster than the likelihood falls. So b *saturates*: it is evaluated at
``k F`` with ``k = exp(-softplus(SHARPNESS * log r) / SHARPNESS)``, where ``r = |F^256| ** (1/256)`` (Frobenius norm)
is close to the spectral radius (a lower power is far above it where two persistent nodes are joined). Inside the
region k is 1 to many digits; outside, k F stays at radius 1, b is bounded and the likelihood decides.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

DOUBLINGS = 8
"""The radius is taken from the power 2 ** DOUBLINGS of the reduced form."""
SHARPNESS = 100.0
"""How sharply b stops growing at spectral radius 1."""


def correction(coefficients: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The value of b and its gradient.

    `coefficients` (node, column): ``[B0, B1, ...]`` with B0 acyclic. `weights` (s): c_s. Written in the part of numpy
    that numba compiles.
    """
    nodes = coefficients.shape[0]
    size = coefficients.shape[1] - nodes
    gradient = np.zeros_like(coefficients)
    if size == 0:
        return 0.0, gradient
    now = np.ascontiguousarray(coefficients[:, :nodes])
    past = np.ascontiguousarray(coefficients[:, nodes:])
    # B0 is nilpotent, so its resolvent is a finite sum.
    resolvent = np.eye(nodes)
    for _ in range(nodes - 1):
        resolvent = np.eye(nodes) + now @ resolvent
    form = np.zeros((size, size))
    form[:nodes, :] = resolvent @ past
    for row in range(nodes, size):
        form[row, row - nodes] = 1.0

    # The powers F^2, F^4, ... are brought to norm 1 on the way, so that nothing overflows or vanishes.
    power_of_two = np.zeros((DOUBLINGS + 1, size, size))
    norms = np.zeros(DOUBLINGS + 1)
    log_radius = 0.0
    current = form
    for k in range(DOUBLINGS + 1):
        norms[k] = np.sqrt(np.sum(current * current))
        if norms[k] < 1e-150:
            break
        log_radius += np.log(norms[k]) / 2.0**k
        power_of_two[k] = current / norms[k]
        current = power_of_two[k] @ power_of_two[k]
    shrink = 1.0
    slope = 0.0
    if norms[DOUBLINGS] >= 1e-150:
        steep = SHARPNESS * log_radius
        softplus = max(steep, 0.0) + np.log1p(np.exp(-abs(steep)))
        shrink = np.exp(-softplus / SHARPNESS)
        slope = -shrink * np.exp(steep - softplus)

    shrunk = shrink * form
    power = np.eye(size)
    series = np.zeros((size, size))
    value = 0.0
    for s in range(weights.shape[0]):
        series += weights[s] * power
        power = power @ shrunk
        value += weights[s] / (s + 1.0) * np.trace(power)
    by_form = shrink * np.ascontiguousarray(series.T)
    by_shrink = np.sum(series.T * form)

    if slope != 0.0:
        back = power_of_two[DOUBLINGS]
        for k in range(DOUBLINGS - 1, -1, -1):
            transposed = np.ascontiguousarray(power_of_two[k].T)
            back = (back @ transposed + transposed @ back) / norms[k + 1]
        by_form = by_form + by_shrink * slope / (norms[0] * 2.0**DOUBLINGS) * back

    top = np.ascontiguousarray(by_form[:nodes, :])
    pulled = np.ascontiguousarray(resolvent.T) @ top
    gradient[:, nodes:] = pulled
    gradient[:, :nodes] = pulled @ np.ascontiguousarray(form[:nodes, :].T)
    return value, gradient


class OrthogonalCorrection(Op):
    """`correction` as an operation: (coefficients, weights) -> (b, gradient of b)."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply[Any]:
        """Two inputs, a matrix and a vector; two outputs, a scalar and a matrix."""
        coefficients, weights = (pt.as_tensor_variable(value) for value in inputs)
        return Apply(self, [coefficients, weights], [pt.dscalar(), pt.dmatrix()])

    def perform(self, node: Apply[Any], inputs: Any, output_storage: Any) -> None:
        """Evaluate by numpy, where no compiled form is asked for."""
        value, gradient = correction(*inputs)
        output_storage[0][0] = np.asarray(value)
        output_storage[1][0] = gradient

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """The gradient is an output already; nothing differentiates it again."""
        return [cotangents[0] * outputs[1], pt.zeros_like(inputs[1])]


@register_funcify_default_op_cache_key(OrthogonalCorrection)
def _compile_correction(op: OrthogonalCorrection, **_: Any) -> Any:
    kernel = numba_njit(correction)

    @numba_njit
    def orthogonal_correction(coefficients: Any, weights: Any) -> Any:
        value, gradient = kernel(coefficients, weights)
        return np.asarray(value), gradient

    # The compiled form is cached on disk by this number alone: a change of the source must change it.
    return orthogonal_correction, zlib.crc32(Path(__file__).read_bytes())


def orthogonal_term(coefficients: Any, weights: Any) -> Any:
    """The value of b for ``[B0, B1, ...]``, as a tensor."""
    outputs: Any = OrthogonalCorrection()(coefficients, weights)
    return outputs[0]
