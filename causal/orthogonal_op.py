"""The orthogonal term as one operation of the model's graph, with its gradient in closed form: the graph stays small and compiles quickly.

The functions of `causal.orthogonal` are compiled here, and stay plain where Python calls them: a few products are done long before a
compiled form is ready. What only reads stored draws does without this module and the libraries that compile.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numba.extending import register_jitable
from numpy.typing import NDArray
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from causal import orthogonal
from causal.orthogonal import correction

register_jitable(orthogonal.add_product)
_correction: Any = numba_njit(correction, fastmath=False, final_function=True)


def correction_values(coefficients: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value of b (draw,) for each of many ``[B0, B1, ...]`` (draw, node, column)."""
    return np.array([_correction(np.ascontiguousarray(each), weights)[0] for each in coefficients])


def correction_across(
    coefficients: NDArray[np.float64], weights: NDArray[np.float64], spectrum: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """The value of b and its gradient with effects across units: the mean over the eigenvalues w of ``[B0, B1 + w C1, ...]``.

    `coefficients` (node, column): ``[B0, B1, ..., C1, ...]``. `spectrum` (k, 3): real part, imaginary part and share of each eigenvalue
    (`causal.weights.spectrum`). A conjugate pair is a real system of twice the nodes, with ``[[u, -v], [v, u]]`` for u + iv. Each
    eigenvalue's term saturates by itself.
    """
    nodes = coefficients.shape[0]
    lags = (coefficients.shape[1] // nodes - 1) // 2
    own = nodes * (lags + 1)
    gradient = np.zeros(coefficients.shape)
    value = 0.0
    for k in range(spectrum.shape[0]):
        real, imaginary, share = spectrum[k, 0], spectrum[k, 1], spectrum[k, 2]
        parts = 1 if imaginary == 0.0 else 2
        mode = np.zeros((parts * nodes, parts * own))
        for part in range(parts):
            for row in range(nodes):
                for cause in range(nodes):
                    mode[part * nodes + row, part * nodes + cause] = coefficients[row, cause]
                    for lag in range(1, lags + 1):
                        across = coefficients[row, (lags + lag) * nodes + cause]
                        at = lag * parts * nodes + cause
                        mode[part * nodes + row, at + part * nodes] = (
                            coefficients[row, lag * nodes + cause] + real * across
                        )
                        if parts == 2:
                            mode[part * nodes + row, at + (1 - part) * nodes] = (2 * part - 1) * imaginary * across
        found, by_mode = _correction(mode, weights)
        value += share * found
        for part in range(parts):
            for row in range(nodes):
                for cause in range(nodes):
                    gradient[row, cause] += share * by_mode[part * nodes + row, part * nodes + cause]
                    for lag in range(1, lags + 1):
                        at = lag * parts * nodes + cause
                        slope = share * by_mode[part * nodes + row, at + part * nodes]
                        gradient[row, lag * nodes + cause] += slope
                        gradient[row, (lags + lag) * nodes + cause] += real * slope
                        if parts == 2:
                            turned = share * by_mode[part * nodes + row, at + (1 - part) * nodes]
                            gradient[row, (lags + lag) * nodes + cause] += (2 * part - 1) * imaginary * turned
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


def _source() -> int:
    """The number by which a compiled form is cached on disk: a change of the source must change it."""
    return zlib.crc32(b"".join(Path(str(file)).read_bytes() for file in (orthogonal.__file__, __file__)))


@register_funcify_default_op_cache_key(OrthogonalCorrection)
def _compile_correction(op: OrthogonalCorrection, **_: Any) -> Any:
    kernel = numba_njit(correction)

    @numba_njit
    def orthogonal_correction(coefficients: Any, weights: Any) -> Any:
        value, gradient = kernel(coefficients, weights)
        return np.asarray(value), gradient

    return orthogonal_correction, _source()


class AcrossCorrection(Op):
    """`correction_across` as an operation: (coefficients, weights, spectrum) -> (b, gradient of b)."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply[Any]:
        """Three inputs, a matrix, a vector and a matrix; two outputs, a scalar and a matrix."""
        tensors = [pt.as_tensor_variable(value) for value in inputs]
        return Apply(self, tensors, [pt.dscalar(), pt.dmatrix()])

    def perform(self, node: Apply[Any], inputs: Any, output_storage: Any) -> None:
        """Evaluate by numpy, where no compiled form is asked for."""
        value, gradient = correction_across(*inputs)
        output_storage[0][0] = np.asarray(value)
        output_storage[1][0] = gradient

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """The gradient is an output already; nothing differentiates it again."""
        return [cotangents[0] * outputs[1], pt.zeros_like(inputs[1]), pt.zeros_like(inputs[2])]


@register_funcify_default_op_cache_key(AcrossCorrection)
def _compile_across(op: AcrossCorrection, **_: Any) -> Any:
    kernel = numba_njit(correction_across)

    @numba_njit
    def across_correction(coefficients: Any, weights: Any, spectrum: Any) -> Any:
        value, gradient = kernel(coefficients, weights, spectrum)
        return np.asarray(value), gradient

    return across_correction, _source()


def orthogonal_term(coefficients: Any, weights: Any, spectrum: Any = None) -> Any:
    """The value of b for ``[B0, B1, ...]``, as a tensor; with `spectrum` for ``[B0, B1, ..., C1, ...]``."""
    outputs: Any = (
        OrthogonalCorrection()(coefficients, weights)
        if spectrum is None
        else AcrossCorrection()(coefficients, weights, spectrum)
    )
    return outputs[0]
