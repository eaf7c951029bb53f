"""Interventions as records, and their text form."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError, Fault
from causal.intervene import (
    AddEdge,
    Condition,
    Cut,
    Intervention,
    Path,
    Policy,
    Scale,
    ScaleEdge,
    Set,
    Shift,
    as_interventions,
    nodes_named,
    read_interventions,
    text_of,
)

EDGE = "corruption -> presence [lag=1]"


def marked(fault: Fault) -> str:
    """The words of the text that stand above the carets of a fault."""
    nothing, text, carets = fault.where.split("\n")
    assert nothing == ""
    assert set(carets.strip()) == {"^"}
    assert text.startswith("    '")
    assert text.endswith("'")
    start, stop = carets.index("^"), len(carets)
    assert len(carets[:start].expandtabs()) == len(text[:start].expandtabs())
    return text[start:stop]


def all_faults(text: Any) -> list[Fault]:
    with pytest.raises(CausalError) as caught:
        read_interventions(text)
    assert all(fault.mend for fault in caught.value.faults)
    return list(caught.value.faults)


names = st.sampled_from(
    ["presence", "corruption", "a_1", "in", "to", "from", "when", "and", "or", "set", "path", "q80"]
)
edges = st.builds(
    lambda cause, effect, lag: f"{cause} -> {effect}" + (f" [lag={lag}]" if lag else ""),
    names,
    names,
    st.integers(0, 3),
)
added = edges.filter(lambda text: "lag" in text or text.split(" -> ")[0] != text.split(" -> ")[1])
numbers = st.floats(-1e100, 1e100)
units = st.none() | st.lists(st.sampled_from(["PER", "COL", "La Paz", "7", "b-2"]), min_size=1, max_size=3).map(tuple)
dates = st.sampled_from(["2010-01-01", "2011-06-30", "2012-01-01 06:00:00", "2020+1", "2020Q3"])


def in_order(pair: tuple[Any, Any]) -> bool:
    return pair[0] is None or pair[1] is None or pair[0] <= pair[1]


bounds = st.tuples(*[st.none() | st.integers(-50, 3000)] * 2).filter(in_order) | st.tuples(
    *[st.none() | dates] * 2
).filter(in_order)
paths = st.lists(st.integers(-50, 3000), min_size=1, max_size=4, unique=True) | st.lists(
    dates, min_size=1, max_size=4, unique=True
)
conditions = st.builds(
    lambda node, lag, op, threshold: Condition(
        node, lag, op, abs(threshold[0]) % 100 if threshold[1] else threshold[0], threshold[1]
    ),
    names,
    st.integers(1, 400),
    st.sampled_from([">", ">=", "<", "<="]),
    st.tuples(numbers, st.booleans()),
)
rules = st.tuples(st.lists(conditions, min_size=1, max_size=3), st.sampled_from(["and", "or"]))


def rule_text(rule: tuple[list[Condition], str], space: str = " ", between: str = " ") -> str:
    """A rule as a user may write it, `space` around its signs and `between` around its joining words."""
    listed, word = rule
    return f"{between}{word}{between}".join(
        f"{each.node}[-{each.lag}]{space}{each.op}{space}{'q' if each.quantile else ''}{each.threshold!r}"
        for each in listed
    )


records = st.one_of(
    st.builds(lambda what, number, when, where: Set(what, number, *when, where), names, numbers, bounds, units),
    st.builds(lambda what, number, when, where: Shift(what, number, *when, where), names, numbers, bounds, units),
    st.builds(lambda what, number, when, where: Scale(what, number, *when, where), names, numbers, bounds, units),
    st.builds(lambda what, when, where: Cut(what, *when, where), edges, bounds, units),
    st.builds(lambda what, number, when, where: ScaleEdge(what, number, *when, where), edges, numbers, bounds, units),
    st.builds(lambda what, number, when, where: AddEdge(what, number, *when, where), added, numbers, bounds, units),
    st.builds(
        lambda what, times, number, where: Path(what, [(time, number + k) for k, time in enumerate(times)], where),
        names,
        paths,
        st.integers(-9, 9),
        units,
    ),
    st.builds(
        lambda what, number, rule, when, where: Policy(what, number, rule_text(rule), *when, where),
        names,
        numbers,
        rules,
        bounds,
        units,
    ),
)


@given(st.lists(records, min_size=1, max_size=4), st.sampled_from(["; ", "\n", " ;\n", ";"]))
@settings(deadline=None, max_examples=200)
def test_the_text_form_comes_back_as_the_same_records(items: list[Intervention], between: str) -> None:
    assert read_interventions(between.join(map(text_of, items))) == tuple(items)


@given(records, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_the_clauses_after_the_target_may_stand_in_any_order(item: Intervention, random: Any) -> None:
    def clause(word: str, value: Any) -> list[str]:
        return [] if value is None else [f" {word} {value}"]

    times = [] if isinstance(item, Path) else clause("from", item.start) + clause("to", item.stop)
    rule = clause("when", item.when) if isinstance(item, Policy) else []
    clauses = times + rule + clause("in", item.units and ", ".join(item.units))
    if isinstance(item, Path):
        target = text_of(Path(item.node, item.values))
    elif isinstance(item, Policy):
        target = text_of(Shift(item.node, item.shift))
    else:
        target = text_of(replace(item, start=None, stop=None, units=None))
    random.shuffle(clauses)
    assert read_interventions(target + "".join(clauses)) == (item,)


@given(rules, st.sampled_from(["", " ", "\t "]), st.sampled_from([" ", "  ", "\t"]))
@settings(deadline=None, max_examples=100)
def test_a_rule_is_read_as_its_conditions_whatever_the_spaces(
    rule: tuple[list[Condition], str], space: str, between: str
) -> None:
    policy = Policy("x", 1.0, rule_text(rule, space, between))
    listed, word = rule
    assert policy.conditions == tuple(listed)
    assert policy.joined == (word if len(listed) > 1 else "and")
    again = Policy("x", 1.0, policy.when)
    assert (again, again.when) == (policy, policy.when)
    assert hash(again) == hash(policy)


def test_each_kind_is_read_with_its_bounds_and_units() -> None:
    assert read_interventions("set presence 1 from 2010 to 2014") == (Set("presence", 1.0, 2010, 2014),)
    assert read_interventions("shift corruption -0.5 from 2016") == (Shift("corruption", -0.5, start=2016),)
    assert read_interventions(f"cut {EDGE} to 2003 in PER") == (Cut(EDGE, stop=2003, units=("PER",)),)
    assert read_interventions("scale a -> b 0.5 in PER, La Paz") == (ScaleEdge("a -> b", 0.5, units=("PER", "La Paz")),)
    assert read_interventions("scale a 0.5 to 2003") == (Scale("a", 0.5, stop=2003),)
    assert read_interventions("add presence -> illicit [lag=1] -0.3 from 2003") == (
        AddEdge("presence -> illicit [lag=1]", -0.3, start=2003),
    )
    assert read_interventions("path presence 2016=1, 2017 = -2.5,2015=3 in PER") == (
        Path("presence", {2016: 1.0, 2017: -2.5, 2015: 3.0}, units=("PER",)),
    )
    assert read_interventions("shift presence 0.5 when illicit[-1] > q80 from 2016") == (
        Policy("presence", 0.5, "illicit[-1] > q80", start=2016),
    )


def test_each_kind_is_written_in_one_way() -> None:
    written = {
        "set presence 1 from 2010 to 2014": Set("presence", 1.0, 2010, 2014),
        "shift presence -0.1 in PER, La Paz": Shift("presence", -0.1, units=["PER", "La Paz"]),
        "scale presence 1e+20 to 2014": Scale("presence", 1e20, stop=2014),
        "scale presence 0.123456789": Scale("presence", 0.123456789),
        f"cut {EDGE}": Cut(EDGE),
        f"scale {EDGE} 0.5": ScaleEdge(EDGE, 0.5),
        "add a -> b [lag=1] -0.3 from 2010": AddEdge("a->b[lag=1]", -0.3, start=2010),
        "path presence 2016=1, 2015=2 in PER": Path("presence", {2016: 1, 2015: 2}, units=["PER"]),
        "shift a 1 when b[-1] > q2.5 or c[-12] <= -3 from 2010 in PER": Policy(
            "a", 1, "b[-1]>q2.5 OR c[ -12 ]<=-3.0", 2010, None, ["PER"]
        ),
    }
    assert {text_of(item): item for item in written.values()} == written


def test_times_and_units_of_other_kinds_are_written_as_they_print() -> None:
    item = Shift("a", 1.0, np.datetime64("2010-01-01"), pd.Timestamp("2011-06-30"), [7, 8.5])
    assert text_of(item) == "shift a 1 from 2010-01-01 to 2011-06-30 00:00:00 in 7, 8.5"
    assert text_of(Path("a", {np.datetime64("2010"): 1.0})) == "path a 2010=1"


@pytest.mark.parametrize(
    "item",
    [
        Shift("a", 1.0, units=["b, c"]),
        Shift("a", 1.0, units=["b; c"]),
        Shift("a", 1.0, units=["b\nc"]),
        Shift("a", 1.0, units=[" b"]),
        Shift("a", 1.0, units=["Trinidad to Tobago"]),
        Set("a to b", 1.0),
        Set("a;b", 1.0),
        Cut("a -> b from 2010"),
        Cut("a -> b;"),
        Scale("a -> b", 1.0),
        Path("a b", {1: 2.0}),
        Path("a", {"1, 2": 2.0}),
        Shift("a", 1.0, start="2010 in PER"),
    ],
)
def test_what_the_text_form_cannot_carry_is_refused_and_not_bent(item: Intervention) -> None:
    with pytest.raises(CausalError, match="the text form cannot carry"):
        text_of(item)


@pytest.mark.parametrize("given_", [None, "shift a 1", 5, [Shift("a", 1.0)]])
def test_only_an_intervention_is_written(given_: Any) -> None:
    with pytest.raises(CausalError, match="is no intervention"):
        text_of(given_)


def test_nodes_may_be_called_as_the_words_of_the_text_form() -> None:
    assert read_interventions("set in 3 in PER") == (Set("in", 3.0, units=("PER",)),)
    assert read_interventions("path to 2016=1 in PER") == (Path("to", {2016: 1.0}, units=("PER",)),)
    assert read_interventions("add in -> to .5 to 2001") == (AddEdge("in -> to", 0.5, stop=2001),)
    rule = "when[-1] > 2 and in[-1] < 3 and to [-1] >= 4 and and[-2] > q5"
    (policy,) = read_interventions(f"shift when -1 to 2003 when {rule} in when2")
    assert isinstance(policy, Policy)
    assert [each.node for each in policy.conditions] == ["when", "in", "to", "and"]
    assert (policy.node, policy.stop, policy.units, policy.joined) == ("when", 2003, ("when2",), "and")


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
    ("text", "place", "part"),
    [
        ("shft a 1", "shft", "'shft' is no kind of intervention; did you mean 'shift'?"),
        ("push a 1", "push", "'push' is no kind of intervention"),
        ("set a", "a", "'set' needs a node and a number, and got 'a'; write for example 'set presence 1'"),
        ("set", "set", "'set' needs a node and a number"),
        ("add 3", "3", "'add' needs an edge and a number"),
        ("scale 3", "3", "'scale' needs a node or an edge and a number"),
        ("scale a -> b", "b", "'b' is no number"),
        ("scale a b", "b", "'b' is no number"),
        ("set a one", "one", "'one' is no number"),
        ("shift corruption abc from 2016", "abc", "'abc' is no number; give a number such as -0.5"),
        ("set a nan", "nan", "'nan' is not finite"),
        ("set a inf", "inf", "'inf' is not finite"),
        ("set a 1e999", "1e999", "'1e999' is not finite"),
        ("cut", "cut", "'cut' needs an edge"),
        ("shift a 1 from", "from", "nothing follows 'from'"),
        ("shift a 1 in", "in", "nothing follows 'in'"),
        ("shift a 1 when", "when", "nothing follows 'when'"),
        ("shift a 1 when from 2001", "when", "nothing follows 'when'"),
        ("shift a 1 in PER, ,COL", ",", "a unit is empty"),
        ("shift a 1 from 2001 from 2002", "from", "'from' is given twice"),
        ("shift a 1 in PER in COL", "in", "'in' is given twice"),
        ("shift a 1 when b[-1] > 2 when c[-1] > 2", "when", "'when' is given twice"),
        ("shift a 1 from 2010 to 2001", "2001", "shift stops at 2001 before it starts at 2010"),
        ("shift a 1 from NaT to 2001", "NaT", "'NaT' is no time"),
        ("set a 1 when b[-1] > 3", "when", "'when' stands after 'set'"),
        ("path a 1=2 when b[-1] > 3", "when", "'when' stands after 'path'"),
        ("path a 2016=1 from 2010", "from", "'from' stands after 'path', whose times stand in the path itself"),
        ("path a 2016=1 to 2010", "to", "'to' stands after 'path', whose times stand in the path itself"),
        ("path", "path", "'path' needs a node and TIME=VALUE"),
        ("path a", "a", "'path' needs a node and TIME=VALUE"),
        ("path a 2016=1, 2017", "2017", "'2017' is no TIME=VALUE"),
        ("path a 2016=1, =2", "=2", "'=2' is no TIME=VALUE"),
        ("path a 2016=, 2017=2", "2016=", "'2016=' is no TIME=VALUE"),
        ("path a 2016=x", "x", "'x' is no number"),
        ("path a 2016=inf", "inf", "'inf' is not finite"),
        ("path a 2016=1, 2017=2, 2016=3", "2016", "Path gives the time 2016 twice"),
        ("path a NaT=1", "NaT", "a time of Path is 'NaT'"),
        ("add a - b 2", "a - b", "'a - b' is no name of a node"),
        ("add a <-> b 2", "a <-> b", "is not one effect"),
        ("add a -> a 2", "a -> a", "'a' acts on itself within the period"),
        ("add a -> b [lag=x] 2", "a -> b [lag=x]", "lag 'x' is no whole number"),
        ("add a -> b [lag=1, across=near] 2", "a -> b [lag=1, across=near]", "an added edge acts within a unit"),
        ("add a -> b [sign=-] 2", "a -> b [sign=-]", "has another sign than its effect 2"),
        ("shift a 1 when b > 3", "b", "'b' reads the present; a policy can know the past only: write b[-1]"),
        ("shift a 1 when b[0] > 3", "b[0]", "'b[0]' reads the present; a policy can know the past only: write b[-1]"),
        ("shift a 1 when b[-0] > 3", "b[-0]", "'b[-0]' reads the present"),
        ("shift a 1 when b[1] > 3", "b[1]", "'b[1]' reads the future; a policy can know the past only: write b[-1]"),
        ("shift a 1 when b[+1] > 3", "b[+1]", "'b[+1]' reads the future"),
        ("shift a 1 when b[t] > 3", "[t]", "offset 't' is no whole number"),
        ("shift a 1 when b[-1.5] > 3", "[-1.5]", "offset '-1.5' is no whole number"),
        ("shift a 1 when b[-99999999] > 3", "[-99999999]", "the offset is beyond 1000000 periods"),
        ("shift a 1 when 2b[-1] > 3", "2b", "'2b' is no name of a node"),
        ("shift a 1 when b[-1] => 3", "b[-1] => 3", "'b[-1] => 3' is no condition"),
        ("shift a 1 when b[-1] = 3", "b[-1] = 3", "'b[-1] = 3' is no condition"),
        ("shift a 1 when 1 < b[-1] < 3", "1 < b[-1] < 3", "'1 < b[-1] < 3' is no condition"),
        ("shift a 1 when b[-1] > 3 and", "b[-1] > 3 and", "'b[-1] > 3 and' is no condition"),
        ("shift a 1 when b[-1] > c", "c", "'c' is no number"),
        ("shift a 1 when b[-1] > nan", "nan", "'nan' is not finite"),
        ("shift a 1 when b[-1] > q101", "q101", "'q101' is no quantile; give one between q0 and q100"),
        ("shift a 1 when b[-1] > q-1", "q-1", "'q-1' is no quantile"),
        ("shift a 1 when b[-1] > qx", "qx", "'qx' is no quantile"),
        ("shift a 1 when b[-1] > q", "q", "'q' is no quantile"),
        (
            "shift a 1 when b[-1] > 3 and c[-1] > 2 or d[-1] > 1 and e[-1] > 0",
            "or",
            "'and' and 'or' stand in one rule; write two policies, or use one kind of joining word",
        ),
        ("shift\ta\t1 when\tb[-1] > 3 and  c > 2", "c", "'c' reads the present"),
    ],
)
def test_a_faulty_text_is_repeated_and_its_place_marked(text: str, place: str, part: str) -> None:
    (fault,) = all_faults(text)
    assert part in f"{fault.what}; {fault.mend}"
    assert f"'{text}'" in str(fault)
    assert marked(fault) == place


@pytest.mark.parametrize("text", ["", "; ;", "\n"])
def test_an_empty_text_is_refused(text: str) -> None:
    (fault,) = all_faults(text)
    assert fault.what == "no intervention is given"


def test_the_mark_stands_under_its_word_whatever_is_printed_before() -> None:
    (fault,) = all_faults("shift corruption abc from 2016")
    told = str(Fault(str(fault), "interventions.toml:2 [intervention.one]"))
    assert told == (
        "interventions.toml:2 [intervention.one] \n"
        "    'shift corruption abc from 2016'\n"
        "                      ^^^ 'abc' is no number; give a number such as -0.5"
    )


def test_all_faulty_parts_are_reported_at_once() -> None:
    found = all_faults(
        "shft a 1; set b nan\nshift c 1 from 2001; set d x from 1 from 2\nshift e y when f > 1 and g[1] > z"
    )
    told = sorted((fault.where.split("\n")[1].strip(), marked(fault)) for fault in found)
    assert told == [
        ("'set b nan'", "nan"),
        ("'set d x from 1 from 2'", "from"),
        ("'set d x from 1 from 2'", "x"),
        ("'shft a 1'", "shft"),
        ("'shift e y when f > 1 and g[1] > z'", "f"),
        ("'shift e y when f > 1 and g[1] > z'", "g[1]"),
        ("'shift e y when f > 1 and g[1] > z'", "y"),
        ("'shift e y when f > 1 and g[1] > z'", "z"),
    ]


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
    "number",
    [math.nan, math.inf, -math.inf, True, np.True_, "1", None, 1j, [1.0], np.ones(2), np.nan, 10**400, -1e308, pd.NA],
)
def test_a_number_that_is_none_is_refused_where_it_is_made(number: Any) -> None:
    for make in (
        lambda: Set("a", number),
        lambda: Shift("a", number),
        lambda: ScaleEdge("a -> b", number),
        lambda: Scale("a", number),
        lambda: Policy("a", number, "b[-1] > 1"),
        lambda: AddEdge("a -> b", number),
        lambda: Path("a", {2010: number}),
    ):
        with pytest.raises(CausalError, match="number"):
            make()


@pytest.mark.parametrize("number", [2, 2.0, np.float32(2), np.int64(2), Fraction(2)])
def test_numbers_of_every_kind_become_floats(number: Any) -> None:
    for value in (
        Set("a", number).value,
        Shift("a", number).amount,
        ScaleEdge("a -> b", number).factor,
        Scale("a", number).factor,
        Policy("a", number, "b[-1] > 1").shift,
        AddEdge("a -> b", number).effect,
        Path("a", {2010: number}).values[0][1],
    ):
        assert type(value) is float
        assert value == 2.0


@pytest.mark.parametrize("target", ["", "  ", None, 3, ["a"]])
def test_a_target_that_is_no_text_is_refused(target: Any) -> None:
    for make in (
        lambda: Set(target, 1.0),
        lambda: Shift(target, 1.0),
        lambda: Cut(target),
        lambda: ScaleEdge(target, 1.0),
        lambda: Scale(target, 1.0),
        lambda: Policy(target, 1.0, "b[-1] > 1"),
        lambda: AddEdge(target, 1.0),
        lambda: Path(target, {2010: 1.0}),
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


def test_a_path_keeps_its_times_and_values_in_the_order_given() -> None:
    wanted = ((2017, 2.0), (2016, 1.0))
    for values in ({2017: 2, 2016: 1}, [(2017, 2), [2016, 1]], pd.Series([2, 1], index=[2017, 2016]), iter(wanted)):
        path = Path("a", values)
        assert path.values == wanted
        assert hash(path) == hash(Path("a", wanted))
        assert path == Path("a", wanted)
    assert Path("a", {"2016": 1, "2015": 2}).values == (("2016", 1.0), ("2015", 2.0))


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({}, "the values of Path are empty"),
        ([], "the values of Path are empty"),
        (None, "the values of Path are None"),
        (5, "the values of Path are 5"),
        ("2016=1", "the values of Path are '2016=1'"),
        ([2016, 2017], "2016 among the values of Path is no pair of time and value"),
        ([(2016, 1, 2)], "is no pair of time and value"),
        ({2016: "1"}, "the value of Path at 2016 is '1'"),
        ({2016: math.nan}, "the value of Path at 2016 is nan"),
        ({True: 1}, "a time of Path is True"),
        ({None: 1}, "a time of Path is None"),
        ({math.nan: 1}, "a time of Path is nan"),
        ({pd.NaT: 1}, "a time of Path is NaT"),
        ({(2016, 2017): 1}, "a time of Path is (2016, 2017)"),
        ([([2016], 1)], "a time of Path is [2016]"),
        ([(2016, 1), (2016, 2)], "Path gives the time 2016 twice"),
        ([(2016, 1), (2016.0, 2)], "Path gives the time 2016.0 twice"),
        ({2016: 1, "2016": 1}, "Path gives the time 2016 twice"),
    ],
)
def test_a_path_that_holds_nothing_or_twice_is_refused(values: Any, part: str) -> None:
    with pytest.raises(CausalError) as caught:
        Path("a", values)
    assert part in str(caught.value)
    assert all(fault.mend for fault in caught.value.faults)


def test_a_rule_is_kept_in_its_plain_text() -> None:
    policy = Policy("presence", 0.5, "  illicit[ -1 ]>Q80   AND presence[-02]<=  3e0 ")
    assert policy.when == "illicit[-1] > q80 and presence[-2] <= 3"
    assert policy.joined == "and"
    assert policy.conditions == (
        Condition("illicit", 1, ">", 80.0, quantile=True),
        Condition("presence", 2, "<=", 3.0, quantile=False),
    )
    assert Policy("a", 1, "b[-1] < -1 or b[-2] < 0").joined == "or"
    assert Policy("a", 1, "b[-1] >= q2.5").conditions == (Condition("b", 1, ">=", 2.5, quantile=True),)
    assert [Policy("a", 1, f"b[-1] > q{k}").conditions[0].threshold for k in (0, 100)] == [0.0, 100.0]


@pytest.mark.parametrize("when", ["", "  ", None, 5, ["b[-1] > 1"], b"b[-1] > 1", True])
def test_a_rule_that_is_no_text_or_empty_is_refused(when: Any) -> None:
    with pytest.raises(CausalError, match=r"the rule of Policy is|is no condition"):
        Policy("a", 1.0, when)


def test_a_faulty_rule_of_a_record_is_repeated_with_every_place_marked() -> None:
    with pytest.raises(CausalError) as caught:
        Policy("a", math.nan, "b[-1] > 2\nor c > 3 or d[2] > q200", start=2010, stop=2001)
    number, bound, present, future, quantile = caught.value.faults
    assert number.what == "the shift of Policy is nan"
    assert bound.what == "Policy stops at 2001 before it starts at 2010"
    assert [marked(fault) for fault in (present, future, quantile)] == ["c", "d[2]", "q200"]
    assert "'b[-1] > 2 or c > 3 or d[2] > q200'" in present.where


def test_an_added_edge_is_kept_by_its_name() -> None:
    for text in ("a -> b [lag=1]", "a->b[lag=1]", "  b <- a [lag=1, sign=-] # as they say"):
        assert AddEdge(text, -0.3).edge == "a -> b [lag=1]"
    assert AddEdge("a -> b", 1).edge == "a -> b"
    assert AddEdge("a -> a [lag=2]", 1).edge == "a -> a [lag=2]"
    assert AddEdge("a -> b [sign=-]", 0.0).edge == "a -> b"


@pytest.mark.parametrize(
    ("edge", "part"),
    [
        ("a", "is not one effect"),
        ("a -> b -> c", "is not one effect"),
        ("a -> b; c -> d", "is not one effect"),
        ("a <-> b", "is not one effect"),
        ("a -> a", "'a' acts on itself within the period"),
        ("a -> b [lag=-1]", "lag '-1' is no whole number of at least 0"),
        ("a -> b [lg=1]", "no attribute 'lg'; did you mean 'lag'?"),
        ("a -> b [lag=1, across=near]", "acts across units; an added edge acts within a unit: leave across out"),
        ("a -> b [sign=-]", "has another sign than its effect 0.3"),
    ],
)
def test_an_added_edge_that_is_none_is_refused(edge: str, part: str) -> None:
    with pytest.raises(CausalError) as caught:
        AddEdge(edge, 0.3)
    (fault,) = caught.value.faults
    assert part in str(fault)


def test_every_kind_is_an_intervention() -> None:
    every = (
        Set("a", 1.0),
        Path("a", {1: 1.0}),
        Shift("a", 1.0),
        Policy("a", 1.0, "b[-1] > 1"),
        Scale("a", 1.0),
        Cut("a -> b"),
        ScaleEdge("a -> b", 1.0),
        AddEdge("a -> b", 1.0),
    )
    assert as_interventions(every) == every
    assert [as_interventions(one) for one in every] == [(one,) for one in every]
    assert as_interventions(";".join(map(text_of, every))) == every
    assert len(set(every)) == len(every)


def test_every_node_that_an_intervention_names_is_found() -> None:
    named = {
        "set a 1": ("a",),
        "path a 1=2": ("a",),
        "shift a 1": ("a",),
        "scale a 2": ("a",),
        "cut a -> b [lag=1]": ("a", "b"),
        "cut a -> a": ("a", "a"),
        "scale a->b[lag=1, across=near] 2": ("a", "b"),
        "add b -> a [lag=1] 2": ("b", "a"),
        "shift a 1 when b[-1] > 2 or a[-1] > 3 or c[-2] < 1 or b[-2] > 2": ("a", "b", "c"),
    }
    assert {text: nodes_named(*read_interventions(text)) for text in named} == named


@pytest.mark.parametrize("text", ["a", "a ->", "-> b", "a -> b -> c", "a - b [lag=1]", "[lag=1]"])
def test_what_is_no_edge_is_refused_where_it_is_made(text: str) -> None:
    for make in (lambda: Cut(text), lambda: ScaleEdge(text, 0.5)):
        with pytest.raises(CausalError, match="is no edge"):
            make()
