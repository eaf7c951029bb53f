"""Errors of a whole table: against brute force, against simulated truths, and a procedure computed by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causal.multiplicity import Statement, bayesian_discoveries, over_the_table, step_up


@given(errors=st.lists(st.floats(0.0, 1.0), max_size=8), level=st.sampled_from([0.01, 0.05, 0.2]))
def test_no_larger_set_of_statements_has_a_mean_error_below_the_level(errors: list[float], level: float) -> None:
    found = bayesian_discoveries(errors, level)
    chosen = [error for error, held in zip(errors, found, strict=True) if held]
    assert not chosen or sum(chosen) / len(chosen) < level + 1e-12
    for size in range(len(chosen) + 1, len(errors) + 1):
        assert all(sum(other) / size >= level - 1e-12 for other in combinations(errors, size))


def test_the_set_is_right_about_its_own_rate_of_false_discoveries() -> None:
    # Worlds in which the local errors are what they say: each statement is wrong with its own probability.
    generator = np.random.default_rng(11)
    rates: list[float] = []
    for _ in range(400):
        errors = generator.beta(0.5, 1.5, size=40)
        wrong = generator.random(40) < errors
        held = np.array(bayesian_discoveries(errors.tolist(), 0.1))
        if held.any():
            rates.append(float(wrong[held].mean()))
    assert np.mean(rates) < 0.1


def test_the_step_up_procedure_on_the_fifteen_tails_of_its_authors() -> None:
    # Benjamini and Hochberg 1995, section 3.2: of 15 ordered p values at .05, the four smallest are rejected.
    tails = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
    ]  # fmt: skip
    assert step_up(tails, 0.05) == (True,) * 4 + (False,) * 11
    assert step_up(tails[::-1], 0.05) == (False,) * 11 + (True,) * 4


def test_a_tail_above_its_own_bound_is_rejected_with_a_larger_one_that_is_below() -> None:
    # .03 > .05 / 2 and .04 <= .05: step-up, not step-down.
    assert step_up([0.03, 0.04], 0.05) == (True, True)


def test_the_step_up_procedure_holds_its_rate_in_simulated_tables() -> None:
    from statistics import NormalDist

    generator = np.random.default_rng(5)
    truths = np.array([0.0] * 30 + [3.0] * 10)
    rates: list[float] = []
    for _ in range(300):
        seen = truths + generator.normal(size=40)
        held = np.array(step_up([1.0 - NormalDist().cdf(value) for value in seen], 0.1))
        rates.append(float((truths[held] == 0.0).mean()) if held.any() else 0.0)
    # Its rate is .1 times the share of true nulls, .075; three standard errors above.
    assert np.mean(rates) < 0.075 + 3.0 * np.std(rates) / np.sqrt(len(rates))


def said(edge: str, sign: float, size: float, *, made: bool = True, tail: float | None = None) -> list[Statement]:
    """The two statements of a link, of which the table makes the first or none."""
    return [
        Statement(edge, "supported", made, sign, size, size if tail is None else tail),
        Statement(edge, "contradicted", False, 1.0 - sign, 1.0, 1.0),
    ]


def test_the_errors_of_the_statements_that_are_made_add_up() -> None:
    found = over_the_table([*said("a", 0.01, 0.04), *said("b", 0.02, 0.09), *said("c", 0.3, 0.6, made=False)])
    supported, contradicted = found.expected
    assert (supported.links, supported.wrong_sign, supported.wrong_size) == pytest.approx((2, 0.03, 0.13))
    assert (contradicted.links, contradicted.wrong_sign) == (0, 0.0)
    assert found.links == 3
    # The mean of .04 and .09 is .065.
    assert found.bayesian == {("a", "supported")}
    assert "of the 2 called supported 0.03 are to be expected to run the other way" in found.sentence


def test_where_nothing_is_said_nothing_can_be_wrong() -> None:
    assert "can be wrong" in over_the_table(said("a", 0.3, 0.5, made=False)).sentence
    assert over_the_table([]).sentence.startswith("No links have an answer")


def test_every_statement_that_could_have_been_made_counts_in_the_step_up() -> None:
    # One link, two statements: .02 <= .05 / 2. Two links, four statements: .02 > .05 / 4.
    alone = over_the_table(said("a", 0.01, 0.04, tail=0.02))
    assert alone.step_up == {("a", "supported")}
    among = over_the_table([*said("a", 0.01, 0.04, tail=0.02), *said("b", 0.3, 0.5, made=False)])
    assert among.step_up == frozenset()


def test_what_a_check_withheld_makes_no_room_for_what_is_said() -> None:
    said = Statement("a -> b", "supported", True, 0.099, 0.099, 0.04)
    withheld = [Statement(f"c{k} -> d", "supported", False, 0.0, 0.0, 0.0) for k in range(10)]
    assert not over_the_table([said]).bayesian
    found = over_the_table([said, *withheld])
    assert not found.bayesian
    assert not found.step_up
