"""Claims, figures and ledgers that make no sense are refused where they are made."""

from __future__ import annotations

import math

import pytest

import causal as ca

SOURCE = ca.Source("A report")


@pytest.mark.parametrize("smallest", [0.0, -0.1, math.nan, math.inf])
def test_a_smallest_effect_is_above_zero(smallest: float) -> None:
    with pytest.raises(ca.CausalError, match="claim 'c1' has the smallest effect"):
        ca.Claim("c1", None, "", "", smallest_effect=smallest)


@pytest.mark.parametrize(("low", "high"), [(2.0, 1.0), (math.nan, 1.0)])
def test_a_figure_runs_upwards(low: float, high: float) -> None:
    with pytest.raises(ca.CausalError, match="give the smaller number first"):
        ca.Figure("f1", "an area", low, high, "ha", "p. 1")


def test_a_key_is_that_of_one_claim() -> None:
    one, two = ca.Claim("c1", None, "one", "p. 1"), ca.Claim("c2", None, "two", "p. 2")
    ledger = ca.Ledger(SOURCE, (one, two))
    assert ledger["c2"] is two
    with pytest.raises(ca.CausalError, match="no claim 'c3'; known: c1, c2"):
        ledger["c3"]
    with pytest.raises(ca.CausalError, match="3 claims are called 'c1'; give each its own key"):
        ca.Ledger(SOURCE, (one, two, one, one))
