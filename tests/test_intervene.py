"""Interventions as records, and their text form."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.intervene import Cut, Intervention, ScaleEdge, Set, Shift, as_interventions, read_interventions

EDGE = "corruption -> presence [lag=1]"


def written(item: Intervention) -> str:
    """The text form of a record."""
    what = {
        Set: lambda: f"set {item.node} {item.value!r}",
        Shift: lambda: f"shift {item.node} {item.amount!r}",
        Cut: lambda: f"cut {item.edge}",
        ScaleEdge: lambda: f"scale {item.edge} {item.factor!r}",
    }[type(item)]()
    start = "" if item.start is None else f" from {item.start}"
    stop = "" if item.stop is None else f" to {item.stop}"
    units = "" if item.units is None else f" in {', '.join(item.units)}"
    return what + start + stop + units


names = st.sampled_from(["presence", "corruption", "a_1", "in", "to", "from", "set", "x2"])
edges = st.builds(
    lambda cause, effect, lag: f"{cause} -> {effect}" + (f" [lag={lag}]" if lag else ""),
    names,
    names,
    st.integers(0, 3),
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
units = st.none() | st.lists(st.sampled_from(["PER", "COL", "La Paz", "7", "b-2"]), min_size=1, max_size=3).map(tuple)
bounds = st.tuples(st.none() | st.integers(-50, 3000), st.none() | st.integers(-50, 3000)).filter(
    lambda pair: pair[0] is None or pair[1] is None or pair[0] <= pair[1]
)
records = st.one_of(
    st.builds(lambda what, number, when, where: Set(what, number, *when, where), names, numbers, bounds, units),
    st.builds(lambda what, number, when, where: Shift(what, number, *when, where), names, numbers, bounds, units),
    st.builds(lambda what, when, where: Cut(what, *when, where), edges, bounds, units),
    st.builds(lambda what, number, when, where: ScaleEdge(what, number, *when, where), edges, numbers, bounds, units),
)


@given(st.lists(records, min_size=1, max_size=4), st.sampled_from(["; ", "\n", " ;\n", ";"]))
@settings(deadline=None, max_examples=200)
def test_the_text_form_comes_back_as_the_same_records(items: list[Intervention], between: str) -> None:
    assert read_interventions(between.join(map(written, items))) == tuple(items)


def test_each_kind_is_read_with_its_bounds_and_units() -> None:
    assert read_interventions("set presence 1 from 2010 to 2014") == (Set("presence", 1.0, 2010, 2014),)
    assert read_interventions("shift corruption -0.5 from 2016") == (Shift("corruption", -0.5, start=2016),)
    assert read_interventions(f"cut {EDGE} to 2003 in PER") == (Cut(EDGE, stop=2003, units=("PER",)),)
    assert read_interventions("scale a -> b 0.5 in PER, La Paz") == (ScaleEdge("a -> b", 0.5, units=("PER", "La Paz")),)


def test_bounds_and_units_may_stand_in_any_order() -> None:
    wanted = (Shift("corruption", -1.0, 2016, 2020, ("PER", "COL")),)
    assert read_interventions("shift corruption -1 in PER, COL to 2020 from 2016") == wanted
    assert read_interventions("SHIFT\tcorruption   -1   from 2016\tin PER,COL   to 2020") == wanted


def test_times_that_are_no_whole_numbers_stay_text() -> None:
    assert read_interventions("shift a 1 from 2010-01-01 to 2012-06-30") == (
        Shift("a", 1.0, "2010-01-01", "2012-06-30"),
    )
    assert read_interventions("shift a 1 from 2020 to 2020+3") == (Shift("a", 1.0, "2020", "2020+3"),)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("shft a 1", "'shft' is no kind"),
        ("set a", "'set' needs a node and a number"),
        ("scale a -> b", "'b' is no number"),
        ("set a one", "'one' is no number"),
        ("set a nan", "finite"),
        ("set a inf", "finite"),
        ("set a 1e999", "finite"),
        ("cut", "'cut' needs an edge"),
        ("shift a 1 from", "nothing follows 'from'"),
        ("shift a 1 in", "nothing follows 'in'"),
        ("shift a 1 in PER,,COL", "a unit is empty"),
        ("shift a 1 from 2001 from 2002", "'from' is given twice"),
        ("shift a 1 from 2010 to 2001", "stops at 2001 before it starts at 2010"),
        ("; ;", "no intervention is given"),
        ("", "no intervention is given"),
    ],
)
def test_a_faulty_text_is_repeated_and_its_part_named(text: str, part: str) -> None:
    with pytest.raises(CausalError) as caught:
        read_interventions(text)
    assert part in str(caught.value)
    if text.strip(" ;"):
        assert f"'{text}'" in str(caught.value)
    assert all(fault.mend for fault in caught.value.faults)


def test_all_faulty_parts_are_reported_at_once() -> None:
    with pytest.raises(CausalError) as caught:
        read_interventions("shft a 1; set b nan\nshift c 1 from 2001; set d x from 1 from 2")
    wheres = [fault.where for fault in caught.value.faults]
    assert wheres == ["'shft a 1'", "'set b nan'", "'set d x from 1 from 2'", "'set d x from 1 from 2'"]


@pytest.mark.parametrize("text", [None, 5, ["shift a 1"], b"shift a 1"])
def test_only_text_is_read_as_text(text: Any) -> None:
    with pytest.raises(CausalError):
        read_interventions(text)


def test_one_or_several_or_their_text_become_a_tuple() -> None:
    one = Shift("a", 1.0)
    assert as_interventions(one) == (one,)
    assert as_interventions([one, Cut("a -> b")]) == (one, Cut("a -> b"))
    assert as_interventions("shift a 1") == (one,)
    assert as_interventions(item for item in [one]) == (one,)
    assert as_interventions([]) == ()


@pytest.mark.parametrize("given_", [None, 5, [Shift("a", 1.0), "shift a 1", 7], {"a": 1}, Shift])
def test_what_is_no_intervention_is_refused(given_: Any) -> None:
    with pytest.raises(CausalError, match="is no intervention"):
        as_interventions(given_)


def test_every_stranger_in_a_list_is_named() -> None:
    with pytest.raises(CausalError) as caught:
        as_interventions([3, Shift("a", 1.0), None])  # type: ignore[list-item]
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    "number", [math.nan, math.inf, -math.inf, True, np.True_, "1", None, 1j, [1.0], np.ones(2), np.nan, 10**400, pd.NA]
)
def test_a_number_that_is_none_is_refused_where_it_is_made(number: Any) -> None:
    for make in (lambda: Set("a", number), lambda: Shift("a", number), lambda: ScaleEdge("a -> b", number)):
        with pytest.raises(CausalError, match="number"):
            make()


@pytest.mark.parametrize("number", [2, 2.0, np.float32(2), np.int64(2), Fraction(2)])
def test_numbers_of_every_kind_become_floats(number: Any) -> None:
    for value in (Set("a", number).value, Shift("a", number).amount, ScaleEdge("a -> b", number).factor):
        assert type(value) is float
        assert value == 2.0


@pytest.mark.parametrize("target", ["", "  ", None, 3, ["a"]])
def test_a_target_that_is_no_text_is_refused(target: Any) -> None:
    for make in (
        lambda: Set(target, 1.0),
        lambda: Shift(target, 1.0),
        lambda: Cut(target),
        lambda: ScaleEdge(target, 1.0),
    ):
        with pytest.raises(CausalError, match="acts on"):
            make()


@pytest.mark.parametrize(
    "bound", [math.nan, math.inf, -math.inf, True, [2010], np.array([1, 2]), np.datetime64("NaT", "D"), pd.NaT, pd.NA]
)
def test_a_bound_that_is_no_time_is_refused(bound: Any) -> None:
    for when in ({"start": bound}, {"stop": bound}):
        with pytest.raises(CausalError, match="give a time"):
            Shift("a", 1.0, **when)


def test_a_stop_before_the_start_is_refused() -> None:
    for make in (
        lambda: Shift("a", 1.0, start=2010, stop=2009),
        lambda: Set("a", 1.0, start=np.int64(2010), stop=2009.5),
        lambda: Cut("a -> b", start=np.datetime64("2010-01-01"), stop=np.datetime64("2009-12-31")),
        lambda: ScaleEdge("a -> b", 1.0, start=pd.Timestamp("2010"), stop=pd.Timestamp("2009")),
    ):
        with pytest.raises(CausalError, match="before it starts"):
            make()
    assert Shift("a", 1.0, start=2010, stop=2010).stop == 2010


def test_bounds_of_two_kinds_are_refused() -> None:
    with pytest.raises(CausalError, match="two kinds"):
        Shift("a", 1.0, start=2010, stop="2011")


@pytest.mark.parametrize("where", [[], (), "PER", b"PER", 5, {}])
def test_units_that_are_no_list_are_refused(where: Any) -> None:
    with pytest.raises(CausalError, match="units"):
        Shift("a", 1.0, units=where)


@pytest.mark.parametrize("where", [["a", "b"], np.array(["a", "b"]), pd.Index(["a", "b"]), iter(["a", "b"])])
def test_units_become_a_tuple(where: Any) -> None:
    assert Shift("a", 1.0, units=where).units == ("a", "b")


def test_everything_wrong_with_one_record_is_told_at_once() -> None:
    with pytest.raises(CausalError) as caught:
        Set("", math.nan, start=2010, stop=2001, units=[])
    assert len(caught.value.faults) == 4


def test_records_are_hashable_and_frozen() -> None:
    assert len({Shift("a", 1, units=["x"]), Shift("a", 1.0, units=("x",))}) == 1
    with pytest.raises(AttributeError):
        Shift("a", 1.0).amount = 2.0  # type: ignore[misc]
