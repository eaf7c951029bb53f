"""How columns measure a node: scale, direction, index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from causal.errors import CausalError
from causal.measurement import Measure, apply, outside_transform, varies_within_units, within_unit_sd

NAN = float("nan")
PANELS = arrays.arrays(np.float64, (3, 5), elements=st.integers(-50, 50).map(float))


def test_one_column_without_more_is_itself() -> None:
    values = np.array([[1.0, NAN], [3.0, 4.0]])
    np.testing.assert_array_equal(apply(Measure("x"), {"x": values}), values)


def test_direction_minus_turns_the_sign_after_the_transform() -> None:
    values = np.array([[1.0, np.e]])
    np.testing.assert_allclose(apply(Measure("x", direction="-", transform="log"), {"x": values}), [[0.0, -1.0]])


def test_log1p_is_the_log_of_one_more() -> None:
    np.testing.assert_allclose(
        apply(Measure("x", transform="log1p"), {"x": np.array([[0.0, 1.0]])}), [[0.0, np.log(2)]]
    )


def test_within_unit_sd_is_the_pooled_sd_by_hand() -> None:
    # Unit means 1 and 12; squares 1 + 1 and 4 + 4 + 0; degrees of freedom 1 + 2.
    values = np.array([[0.0, 2.0, NAN], [10.0, 14.0, 12.0]])
    assert within_unit_sd(values) == pytest.approx(np.sqrt(10 / 3), rel=1e-15)


def test_a_unit_with_one_value_tells_nothing_of_the_within_unit_sd() -> None:
    both = np.array([[0.0, 2.0], [99.0, NAN]])
    assert within_unit_sd(both) == pytest.approx(within_unit_sd(both[:1]), rel=1e-15)
    assert np.isnan(within_unit_sd(both[1:]))


@given(PANELS, st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3))
@settings(deadline=None, max_examples=50)
def test_unit_levels_do_not_change_the_within_unit_sd(values: np.ndarray, levels: list[float]) -> None:
    moved = values + np.array(levels)[:, np.newaxis]
    np.testing.assert_allclose(within_unit_sd(moved), within_unit_sd(values), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1e200])
def test_the_within_unit_sd_scales_with_any_unit(scale: float) -> None:
    values = np.array([[0.0, 2.0, 1.0], [10.0, 14.0, 12.0]])
    assert within_unit_sd(values * scale) == pytest.approx(within_unit_sd(values) * scale, rel=1e-12)


def test_equal_values_within_each_unit_do_not_vary_whatever_rounding_their_mean_has() -> None:
    values = np.array([[0.1, 0.1, 0.1], [0.7, 0.7, NAN]])
    assert not varies_within_units(values)
    assert within_unit_sd(values) == 0.0


def test_an_index_is_the_mean_of_indicators_in_their_within_unit_sds() -> None:
    first = np.array([[0.0, 2.0], [10.0, 14.0]])
    second = np.array([[1.0, 0.0], [3.0, 9.0]])
    scaled = [(column - column.mean()) / within_unit_sd(column) for column in (first, second)]
    index = apply(Measure(("a", "b")), {"a": first, "b": second})
    np.testing.assert_allclose(index, (scaled[0] + scaled[1]) / 2)
    np.testing.assert_allclose(index.mean(), 0.0, atol=1e-15)


def test_an_index_does_not_depend_on_the_units_of_its_indicators() -> None:
    first, second = np.array([[0.0, 2.0], [10.0, 14.0]]), np.array([[1.0, 0.0], [3.0, 9.0]])
    index = apply(Measure(("a", "b")), {"a": first, "b": second})
    np.testing.assert_allclose(apply(Measure(("a", "b")), {"a": 1000 * first + 7, "b": second / 3}), index)


def test_an_index_is_missing_where_any_indicator_is() -> None:
    first, second = np.array([[0.0, 2.0, NAN]]), np.array([[NAN, 1.0, 3.0]])
    index = apply(Measure(("a", "b")), {"a": np.array([[0.0, 2.0, 1.0]]), "b": second})
    assert np.isnan(index).tolist() == [[True, False, False]]
    assert np.isnan(apply(Measure(("a", "b")), {"a": first, "b": second})).tolist() == [[True, False, True]]


def test_an_index_of_an_indicator_that_never_moves_is_refused() -> None:
    with pytest.raises(CausalError, match="does not vary within any unit"):
        apply(Measure(("a", "b")), {"a": np.array([[0.0, 2.0]]), "b": np.array([[1.0, 1.0]])})


def test_values_without_a_log_are_refused_and_missing_ones_are_not() -> None:
    values = np.array([[0.0, 1.0, NAN, -1.0]])
    assert outside_transform(Measure("x", transform="log"), values).tolist() == [[True, False, False, True]]
    assert outside_transform(Measure("x", transform="log1p"), values).tolist() == [[False, False, False, True]]
    with pytest.raises(CausalError, match="column 'x' has values without a log"):
        apply(Measure("x", transform="log"), {"x": values})


def test_each_column_may_have_a_direction_of_its_own_and_indicators_stand_on_the_first() -> None:
    columns = {"a": np.array([[1.0, 3.0]]), "b": np.array([[5.0, 4.0]])}
    np.testing.assert_array_equal(apply(Measure(("a", "b"), direction="-+", loadings=True), columns), [[-1.0, -3.0]])
    turned = apply(Measure(("a", "b"), direction="+-"), columns)
    np.testing.assert_allclose(turned, apply(Measure(("a", "c")), columns | {"c": -columns["b"]}))


def test_an_unknown_column_is_named_with_the_nearest() -> None:
    with pytest.raises(CausalError, match="no column 'homicid'; did you mean 'homicide'"):
        apply(Measure("homicid"), {"homicide": np.zeros((1, 1))})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"column": ""}, "named by its text"),
        ({"column": ()}, "names no column"),
        ({"column": 3}, "named by its text"),
        ({"column": ("a", "a")}, "names a column twice"),
        ({"column": "a", "direction": "down"}, "direction 'down' is unknown"),
        ({"column": "a", "transform": "log2"}, "transform 'log2' is unknown; did you mean"),
        ({"column": ("a", "b", "c"), "direction": "+-"}, "direction '\\+-' is unknown.*one for each column"),
        ({"column": "a", "error": -1.0}, "above 0"),
        ({"column": "a", "error": NAN}, "above 0"),
        ({"column": "a", "error": True}, "is no standard error"),
        ({"column": "a", "yearly": 0.5}, "needs an error"),
        ({"column": "a", "error": 1.0, "yearly": 1.5}, "yearly 1.5 is no share"),
        ({"column": "a", "error": 1.0, "yearly": 0.0}, "yearly 0.0 is no share"),
        ({"column": "a", "reliability": 0.7}, "no range of shares"),
        ({"column": "a", "reliability": (0.9, 0.7)}, "no range of shares"),
        ({"column": "a", "reliability": (1.0, 1.0)}, "no range of shares"),
        ({"column": "a", "reliability": (0.5, 0.9), "error": 1.0}, "an error and a reliability"),
        ({"column": "a", "loadings": True}, "two indicators or more"),
        ({"column": ("a", "b"), "loadings": True, "error": 1.0}, "is estimated"),
    ],
)
def test_what_cannot_be_a_measure_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(CausalError, match=said):
        Measure(**wrong)


def test_everything_wrong_with_a_measure_comes_at_once() -> None:
    with pytest.raises(CausalError) as raised:
        Measure((), error=-1.0, direction="x", transform="y")  # pyright: ignore[reportArgumentType]
    assert len(raised.value.faults) == 4


def test_a_list_of_columns_is_as_good_as_a_tuple() -> None:
    assert Measure(["a", "b"]) == Measure(("a", "b"))  # pyright: ignore[reportArgumentType]
