"""The residual squares of a panel with holes, swept of unit and year effects, as one operation of the model's graph.

With missing values as parameters the cross-products are no constants any more. `squares` gives ``1/2 tr(K X' M X K')`` for scaled
equations K (node, column) and its gradients for K and the missing values: the residuals ``E = X K'`` are formed cell by cell, swept by
M (`causal.equations.sweep_out`), and pulled back. It is one `Op` because a dozen small ones take PyMC a minute to compile.
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

Floats = NDArray[np.float64]


def squares(
    scaled: Floats,
    missing: Floats,
    values: Floats,
    holes: NDArray[np.int64],
    first: NDArray[np.int64],
    stop: NDArray[np.int64],
    year_link: Floats,
) -> tuple[float, Floats, Floats]:
    """Half the swept squares, and the gradients for `scaled` and `missing`.

    `scaled` (node, column): equations divided by their shock's sd, columns as in `equations.stacked`. `missing` (hole): values at the
    places `holes` (3, hole: node, unit, time) of `values` (node, unit, time). `first`, `stop` (unit): spans; `year_link`
    (period, period). Written in the part of numpy that numba compiles.
    """
    nodes, units, times = values.shape
    lags = scaled.shape[1] // nodes - 1
    filled = values.copy()
    for hole in range(missing.shape[0]):
        filled[holes[0, hole], holes[1, hole], holes[2, hole]] = missing[hole]

    residual = np.zeros((units, times, nodes))
    yearly = np.zeros((times, nodes))
    for unit in range(units):
        length = stop[unit] - first[unit]
        for node in range(nodes):
            total = 0.0
            for time in range(first[unit], stop[unit]):
                value = 0.0
                for lag in range(lags + 1):
                    for cause in range(nodes):
                        weight = scaled[node, lag * nodes + cause]
                        if weight != 0.0:
                            value += weight * filled[cause, unit, time - lag]
                residual[unit, time, node] = value
                total += value
            mean = total / length
            for time in range(first[unit], stop[unit]):
                residual[unit, time, node] -= mean
                yearly[time, node] += residual[unit, time, node]

    # M E = H (E - G A G'H E): take the years' part off, and centre it within each unit's span.
    periods = year_link.shape[0]
    effect = np.zeros((times, nodes))
    for time in range(periods):
        for other in range(periods):
            link = year_link[time, other]
            if link != 0.0:
                for node in range(nodes):
                    effect[time, node] += link * yearly[other, node]
    half = 0.0
    by_scaled = np.zeros(scaled.shape)
    by_values = np.zeros(values.shape)
    for unit in range(units):
        length = stop[unit] - first[unit]
        for node in range(nodes):
            total = 0.0
            for time in range(first[unit], stop[unit]):
                total += effect[time, node]
            mean = total / length
            for time in range(first[unit], stop[unit]):
                swept = residual[unit, time, node] - effect[time, node] + mean
                half += swept * swept / 2.0
                for lag in range(lags + 1):
                    for cause in range(nodes):
                        column = lag * nodes + cause
                        by_scaled[node, column] += swept * filled[cause, unit, time - lag]
                        by_values[cause, unit, time - lag] += swept * scaled[node, column]
    by_missing = np.zeros(missing.shape)
    for hole in range(missing.shape[0]):
        by_missing[hole] = by_values[holes[0, hole], holes[1, hole], holes[2, hole]]
    return half, by_scaled, by_missing


class SweptSquares(Op):
    """`squares` as an operation: its three results, of which the first is differentiated."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply[Any]:
        """The seven arguments of `squares`."""
        tensors = [pt.as_tensor_variable(value) for value in inputs]
        return Apply(self, tensors, [pt.dscalar(), pt.dmatrix(), pt.dvector()])

    def perform(self, node: Apply[Any], inputs: Any, output_storage: Any) -> None:
        """Evaluate by numpy, where no compiled form is asked for."""
        half, by_scaled, by_missing = squares(*inputs)
        output_storage[0][0] = np.asarray(half)
        output_storage[1][0] = by_scaled
        output_storage[2][0] = by_missing

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """The gradients are outputs already; the data have none."""
        from pytensor.gradient import DisconnectedType

        return [cotangents[0] * outputs[1], cotangents[0] * outputs[2], *(DisconnectedType()() for _ in inputs[2:])]

    def connection_pattern(self, node: Apply[Any]) -> list[list[bool]]:
        """Only the equations and the missing values move the first result."""
        return [[True, False, False], [True, False, False], *([False, False, False] for _ in range(5))]


@register_funcify_default_op_cache_key(SweptSquares)
def _compile_squares(op: SweptSquares, **_: Any) -> Any:
    kernel = numba_njit(squares)

    @numba_njit
    def swept_squares(scaled: Any, missing: Any, values: Any, holes: Any, first: Any, stop: Any, year_link: Any) -> Any:
        half, by_scaled, by_missing = kernel(scaled, missing, values, holes, first, stop, year_link)
        return np.asarray(half), by_scaled, by_missing

    # The compiled form is cached on disk by this number alone: a change of the source must change it.
    return swept_squares, zlib.crc32(Path(__file__).read_bytes())


def half_squares(scaled: Any, missing: Any, *data: Any) -> Any:
    """Half the swept squares as a tensor; arguments as of `squares`."""
    outputs: Any = SweptSquares()(scaled, missing, *data)
    return outputs[0]
