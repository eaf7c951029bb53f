"""Tables of weights: what they become, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from causal.errors import CausalError
from causal.weights import Weights, spectrum
from tests.oracle import across

SQUARE = pd.DataFrame([[0.0, 1.0, 3.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]], index=list("abc"), columns=list("abc"))


def said(frame: Any) -> list[str]:
    with pytest.raises(CausalError) as error:
        Weights.from_frame(frame)
    return [str(fault) for fault in error.value.faults]


def test_rows_are_divided_by_their_sums_and_a_unit_without_neighbours_keeps_zeros() -> None:
    assert Weights.from_frame(SQUARE).matrix("abc").tolist() == [[0, 0.25, 0.75], [1, 0, 0], [0, 0, 0]]
    assert Weights.from_frame(SQUARE, row_normalised=False).matrix("abc").tolist() == SQUARE.to_numpy().tolist()


def test_pairs_columns_in_another_order_and_a_column_of_units_are_the_same_table() -> None:
    pairs = pd.DataFrame({"unit": list("aabc"), "neighbour": ["b", "c", "a", None], "weight": [1.0, 3.0, 2.0, None]})
    known = Weights.from_frame(SQUARE)
    for other in (pairs, SQUARE[["c", "a", "b"]], SQUARE.rename_axis("unit").reset_index()):
        np.testing.assert_array_equal(Weights.from_frame(other).matrix("abc"), known.matrix("abc"))
    np.testing.assert_array_equal(known.matrix("cab"), known.matrix("abc")[np.ix_([2, 0, 1], [2, 0, 1])])


def test_units_that_the_panel_and_the_table_do_not_share_are_told() -> None:
    faults = [str(fault) for fault in Weights.from_frame(SQUARE).faults(["a", "b", "d"])]
    assert faults == [
        "weights no unit 'c' in the panel; known: a, b, d",
        "weights no weights for unit 'd'; give its row; all zeros where it has no neighbours",
    ]


def test_everything_wrong_with_a_table_is_told_at_once() -> None:
    bad = SQUARE.astype(object)
    bad.iloc[0, 1], bad.iloc[1, 2], bad.iloc[2, 0], bad.iloc[1, 1] = -1.0, np.nan, "many", 2.0
    assert said(bad) == [
        "weights a, b: -1 is no number of at least 0; write 0 where they are no neighbours",
        "weights b, c: nan is no number of at least 0; write 0 where they are no neighbours",
        "weights c, a: nan is no number of at least 0; write 0 where they are no neighbours",
        "weights b, b: 2 lets a unit weigh on itself; write 0: its own past is an edge of its own",
    ]
    assert said(SQUARE.iloc[:2]) == ["weights unit 'c' has a column and no row; give both"]
    assert said(SQUARE.rename(index={"b": "a"}))[0] == "weights unit 'a' has several rows; keep one"
    assert said(SQUARE * 0) == ["weights has no weight above 0; say who is whose neighbour"]
    assert said(pd.DataFrame({"unit": ["a", "a"], "neighbour": ["b", "b"]})) == [
        "weights 'a' and 'b' stand in several rows; keep one"
    ]
    assert said(pd.DataFrame({"neighbour": ["b"]})) == [
        "weights no column 'unit'; name the columns unit, neighbour, weight"
    ]
    assert "no pandas DataFrame" in said(3)[0]


def test_the_spectrum_of_a_ring_is_that_of_the_closed_form() -> None:
    rows = spectrum(across.ring(8), year_effects=False)
    wanted = np.cos(2 * np.pi * np.arange(8) / 8)
    np.testing.assert_allclose(
        np.sort(np.repeat(rows[:, 0], np.rint(8 * rows[:, 2]).astype(int))), np.sort(wanted), atol=1e-8
    )
    assert not rows[:, 1].any()
    # With year effects the eigenvalue 1, of what all units share, is gone.
    years = spectrum(across.ring(8), year_effects=True)
    assert years[:, 0].max() < 0.8
    np.testing.assert_allclose([rows[:, 2].sum(), years[:, 2].sum()], 1.0)


def test_traces_of_powers_are_those_of_the_matrix() -> None:
    rng = np.random.default_rng(4)
    weights = rng.random((7, 7)) * (rng.random((7, 7)) < 0.5)
    np.fill_diagonal(weights, 0.0)
    rows = spectrum(weights, year_effects=False)
    assert rows[:, 1].any()  # directed weights turn
    for power in range(1, 6):
        each = (rows[:, 0] + 1j * rows[:, 1]) ** power
        total = 7 * float((each.real * rows[:, 2] * np.where(rows[:, 1] > 0, 2.0, 1.0)).sum())
        assert total == pytest.approx(np.trace(np.linalg.matrix_power(weights, power)), abs=1e-6)
