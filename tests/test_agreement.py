"""Krippendorff's alpha, against the definition by a coincidence matrix, published values and cases computed by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causal.claim import Claim, ClaimReading, Ledger, Source
from causal.graph import Edge, Sign
from priors.agreement import Scale, agreement, krippendorff_alpha
from priors.elicit import hedge

# Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section D: four observers, twelve units, some not coded by all.
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
UNITS = [[int(value) for value in unit if value != "."] for unit in zip(*OBSERVERS, strict=True)]


def coincidences(units: list[list[int]]) -> dict[tuple[int, int], float]:
    """How often each ordered pair of values meets in a unit, each unit's pairs over one less than its values."""
    found: dict[tuple[int, int], float] = {}
    for values in units:
        for left, right in permutations(values, 2):
            found[left, right] = found.get((left, right), 0.0) + 1.0 / (len(values) - 1)
    return found


def from_coincidences(units: list[list[int]], scale: Scale) -> float:
    """Alpha by its definition: 1 - (n - 1) sum of o_ck d_ck / sum of n_c n_k d_ck."""
    matrix = coincidences(units)
    values = sorted({value for pair in matrix for value in pair})
    margin = {value: sum(count for pair, count in matrix.items() if pair[0] == value) for value in values}

    def ordinal(c: int, k: int) -> float:
        low, high = min(c, k), max(c, k)
        return (sum(margin[g] for g in values if low <= g <= high) - (margin[c] + margin[k]) / 2.0) ** 2

    distances: dict[str, Callable[[int, int], float]] = {
        "nominal": lambda c, k: float(c != k),
        "ordinal": ordinal,
        "interval": lambda c, k: float((c - k) ** 2),
    }
    distance = distances[scale]
    observed = sum(count * distance(*pair) for pair, count in matrix.items())
    expected = sum(margin[c] * margin[k] * distance(c, k) for c in values for k in values)
    return 1.0 - (sum(margin.values()) - 1.0) * observed / expected


@pytest.mark.parametrize(("scale", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_worked_example_with_missing_values_comes_out_as_published(scale: Scale, published: float) -> None:
    found = krippendorff_alpha(UNITS, scale)
    assert found == pytest.approx(from_coincidences(UNITS, scale), abs=1e-12)
    assert round(found, 3) == published


@given(
    units=st.lists(st.lists(st.integers(0, 4), max_size=5), max_size=8),
    scale=st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_alpha_is_that_of_the_coincidence_matrix(units: list[list[int]], scale: Scale) -> None:
    values = {value for unit in units if len(unit) > 1 for value in unit}
    found = krippendorff_alpha(units, scale)
    if len(values) < 2:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(from_coincidences(units, scale), abs=1e-9)


def test_two_claims_read_twice_by_hand() -> None:
    # Values a, a | a, b: two ordered pairs of unlike values observed; among n = 4 values 3 x 1 x 2 ordered unlike pairs are possible.
    assert krippendorff_alpha([["a", "a"], ["a", "b"]]) == pytest.approx(1.0 - 3.0 * 2.0 / 6.0)
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1.0
    # Every pair unlike: worse than chance, 1 - 3 x 4 / 8.
    assert krippendorff_alpha([["a", "b"], ["a", "b"]]) == pytest.approx(-0.5)


def test_a_claim_with_one_reading_counts_for_nothing() -> None:
    several = [["a", "a"], ["a", "b"]]
    assert krippendorff_alpha([*several, ["b"], []]) == krippendorff_alpha(several)


def read(key: str, own: Edge | None, *others: ClaimReading, hedge: str = "may") -> Claim:
    return Claim(key, own, "", "", hedge=hedge, others=others)


RISES = Edge("a", "b", 1, Sign.POSITIVE)
FALLS = Edge("a", "b", 1, Sign.NEGATIVE)
BACK = Edge("b", "a", 1, Sign.POSITIVE)


def ledger(*claims: Claim) -> Ledger:
    return Ledger(Source("A source"), claims)


def test_with_one_reader_agreement_is_not_known() -> None:
    found = agreement(ledger(read("c1", RISES), read("c2", FALLS)))
    assert found.claims == 0
    assert all(math.isnan(field.alpha) for field in found.fields)
    assert found.sentence == "Only one reader: agreement is not known."


def test_each_field_is_compared_on_its_own_scale() -> None:
    found = agreement(
        ledger(
            read("c1", RISES, ClaimReading("B", FALLS, "likely", "some")),
            read("c2", BACK, ClaimReading("B", BACK, "may", "decisive")),
            read("c3", RISES, ClaimReading("B", None, "may", "some"), ClaimReading("C", RISES, "fuels", "slight")),
            read("c4", FALLS),
        )
    )
    fields = {field.field: field for field in found.fields}
    assert found.claims == 3
    # The edge of the first is one edge for both readers; in the third one reader sees none, and so has no sign for it.
    assert fields["edge"].alpha == krippendorff_alpha([["ab", "ab"], ["ba", "ba"], ["ab", "none", "ab"]])
    assert fields["sign"].alpha == krippendorff_alpha([["+", "-"], ["+", "+"], ["+", "+"]])
    assert (fields["sign"].readings, fields["edge"].readings) == (6, 7)
    may, likely, fuels = (hedge(word).median for word in ("may", "likely", "fuels"))
    assert fields["hedge"].scale == "interval"
    assert fields["hedge"].alpha == krippendorff_alpha([[may, likely], [may, may], [may, may, fuels]], "interval")
    # slight < some < decisive
    assert fields["strength"].alpha == krippendorff_alpha([[2, 2], [2, 3], [2, 2, 1]], "ordinal")
    assert [field.unanimous for field in found.fields] == [2, 2, 1, 1]
    assert "readers agree too little" in found.sentence


def test_readers_who_say_the_same_of_everything_leave_alpha_undefined_and_that_is_said() -> None:
    found = agreement(ledger(read("c1", RISES, ClaimReading("B", RISES, "may", "some"))))
    assert all(math.isnan(field.alpha) for field in found.fields)
    assert "edge not defined (all readings are the same)" in found.sentence
    assert "too little" not in found.sentence
