"""Interventions as records, and their text form.

==============  ======================================================  ===================================================
record          what it does, in each period in which it acts           text
==============  ======================================================  ===================================================
`Set`           holds a node at a value                                 ``set NODE VALUE``
`Path`          holds a node at one value for each of several times     ``path NODE TIME=VALUE, TIME=VALUE``
`Shift`         adds to what the node's equation gives                  ``shift NODE AMOUNT``
`Policy`        adds where a rule of the past holds in that world       ``shift NODE AMOUNT when NODE[-LAG] > THRESHOLD``
`Scale`         multiplies what the node's equation gives               ``scale NODE FACTOR``
`ScaleEdge`     multiplies an edge's effect                             ``scale EDGE FACTOR``
`Cut`           takes an edge away                                      ``cut EDGE``
`AddEdge`       adds an edge that the graph lacks                       ``add EDGE EFFECT``
==============  ======================================================  ===================================================

All but a path act from `start` to `stop`, both included and both a time of the panel or of the horizon after it, absent meaning without
bound; all act on the named `units` or on every one: ``from TIME``, ``to TIME``, ``in UNIT, UNIT`` in any order, parted by ``;`` or new lines. Values
are in the node's natural units. For a node that is not Normal what is added acts on its link (`causal.families`); a factor multiplies its value
(student-t, lognormal), its mean where the link is a log (an amount with zeros is then above zero more often, too), or
its odds; and a value that is set is a natural one.

The law of precedence. In each period and unit, for a node v with edges e of effects b_e from causes u_e,

    v = factor * (rest + sum over e of f_e b_e u_e + sum over added edges of b u) + shift, or the value at which v is held:

1. Edges change first: f_e is the product of the factors of `ScaleEdge`, and 0 where a `Cut` acts; `AddEdge` adds its own b. What a changed or added edge
   carries is its cause counted from the cause's own natural zero, so that a cut takes away all of it, level included.
2. The node's equation then gives its value, from causes in the changed world.
3. `Scale` multiplies it; several multiply.
4. `Shift` and `Policy` add; several add up. With a self-lag what is added in each period accumulates.
5. `Set` and `Path` override whatever else is done to the node there. Two of them that hold one node at two different values in the same unit and period
   contradict each other: an error, which `causal.simulate` raises. The order in which interventions are listed never matters.

>>> read_interventions("shift corruption -1 from 2016 to 2020 in PER, COL; cut corruption -> presence")
(Shift(node='corruption', amount=-1.0, start=2016, stop=2020, units=('PER', 'COL')), Cut(edge='corruption -> presence', start=None, stop=None, units=None))
>>> policy, = read_interventions("shift presence 0.5 when illicit[-1] > q80 and presence[-2] <= 3 from 2016")
>>> policy.conditions[0]
Condition(node='illicit', lag=1, op='>', threshold=80.0, quantile=True)
>>> text_of(policy)
'shift presence 0.5 when illicit[-1] > q80 and presence[-2] <= 3 from 2016'

An error repeats the text and marks the place in it, on lines of their own, so that the mark stands right whatever is printed before::

    'shift corruption abc from 2016'
                      ^^^ 'abc' is no number; give a number such as -0.5
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal, cast, get_args

from causal.errors import CausalError, Fault, nearest, raise_all
from causal.graph import Edge, Sign
from causal.rule import RULE_EXAMPLE, Condition, Piece, read_number, read_rule, written
from causal.syntax import read_edge

Time = Any
Units = Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class Set:
    """Hold `node` at `value` (natural units), whatever else is done to it.

    `start`, `stop`: the first and the last time in which it acts, absent without bound; `units`: where, absent everywhere. Raises `CausalError` for a value
    that is no finite number, a `stop` before `start`, and no units.

    >>> text_of(Set("presence", 1.0, start=2010, stop=2014))
    'set presence 1 from 2010 to 2014'
    """

    node: str
    value: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Path:
    """Hold `node` at a value (natural units) at each of several times.

    `values` is a mapping of time to value, or (time, value) pairs; it is kept as a tuple of pairs in the order given. Raises `CausalError` where it is empty
    or gives a time twice.
    """

    node: str
    values: Any
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Shift:
    """Add `amount` (natural units) to what the equation of `node` gives, in each period; with a self-lag it accumulates.

    On the node's link, for nodes that are not Normal. `start`, `stop`, `units` and what is raised are those of `Set`.
    """

    node: str
    amount: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Policy:
    """Add `shift` (natural units) to what the equation of `node` gives, wherever and whenever the rule `when` holds in that world.

    `when` is text: comparisons ``NODE[-LAG] OP THRESHOLD`` joined by ``and`` or by ``or``, with OP one of > >= < <=, LAG a whole number from 1, and THRESHOLD a
    number in natural units or a quantile of the node's values in the panel, such as ``q80``. Raises `CausalError` for a rule that reads the
    present or the future, and for one that mixes ``and`` with ``or``.
    """

    node: str
    shift: float
    when: str
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The comparisons, in their order."""
        return read_rule(Piece.of(self.when), [])[0]

    @property
    def joined(self) -> Literal["and", "or"]:
        """Whether all conditions must hold, or one of them is enough."""
        return read_rule(Piece.of(self.when), [])[1]


@dataclass(frozen=True, slots=True)
class Scale:
    """Multiply what the equation of `node` gives by `factor`, in each period.

    The value itself, or the mean or the odds of nodes whose link is a log or a logit. `start`, `stop`, `units` and what is raised are those of `Set`.
    """

    node: str
    factor: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Cut:
    """Take the edge away: all that it carries of its cause, counted from the cause's natural zero.

    `edge` is its text, as in `Fit.edge`; whether the graph has it is asked where a fit is given. `start`, `stop`, `units` and what is raised
    are those of `Set`.
    """

    edge: str
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class ScaleEdge:
    """Multiply the edge's effect by `factor`: 0 is a `Cut`, 1 changes nothing, below 0 turns it.

    `edge`, `start`, `stop`, `units` and what is raised are those of `Cut`.
    """

    edge: str
    factor: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class AddEdge:
    """Add an edge that the graph lacks, as in ``AddEdge("presence -> illicit [lag=1]", -0.3)``.

    `effect` is in natural units of the outcome for each natural unit of the cause (value scale of the cause, link of the outcome, for nodes that are not
    Normal). `edge` is kept as the edge's name. Raises `CausalError` for a text that is no edge, an edge across units, and a sign that is not the effect's.
    """

    edge: str
    effect: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


Intervention = Set | Path | Shift | Policy | Scale | Cut | ScaleEdge | AddEdge


def read_interventions(text: str) -> tuple[Intervention, ...]:
    """Read interventions separated by `;` or new lines, each in the form that stands at the top of this module.

    Raises `CausalError` with every fault of every part, the part's text repeated and the place marked.
    """
    parts = [part.strip() for part in re.split(r"[;\n]", text) if part.strip()] if isinstance(text, str) else []
    if not parts:
        raise CausalError(Fault("no intervention is given", mend=_EXAMPLE))
    faults: list[Fault] = []
    found = [_read_one(Piece.of(part), faults) for part in parts]
    raise_all(faults)
    return tuple(item for item in found if item is not None)


def text_of(intervention: Intervention) -> str:
    """The text form of a record, which `read_interventions` reads back.

    Times and units are written as they print, and come back as whole numbers or text. Raises `CausalError` for a record that the text cannot carry,
    such as one with a comma in a unit's name.
    """
    item: object = intervention
    match item:
        case Set():
            text = f"set {item.node} {written(item.value)}"
        case Path():
            text = f"path {item.node} {', '.join(f'{time}={written(value)}' for time, value in item.values)}"
        case Shift():
            text = f"shift {item.node} {written(item.amount)}"
        case Policy():
            text = f"shift {item.node} {written(item.shift)} when {item.when}"
        case Scale():
            text = f"scale {item.node} {written(item.factor)}"
        case Cut():
            text = f"cut {item.edge}"
        case ScaleEdge():
            text = f"scale {item.edge} {written(item.factor)}"
        case AddEdge():
            text = f"add {item.edge} {written(item.effect)}"
        case _:
            raise CausalError(_no_intervention(item))
    if not isinstance(item, Path):
        text += "" if item.start is None else f" from {item.start}"
        text += "" if item.stop is None else f" to {item.stop}"
    text += "" if item.units is None else f" in {', '.join(str(unit) for unit in item.units)}"
    try:
        same = [_printed(back) for back in read_interventions(text)] == [_printed(item)]
    except CausalError:
        same = False
    if not same:
        raise CausalError(
            Fault(
                f"the text form cannot carry {item!r}",
                mend="names, times and units must hold no comma, semicolon, new line or word of the text form",
            )
        )
    return text


def nodes_named(intervention: Intervention) -> tuple[str, ...]:
    """The nodes that an intervention names: what it acts on, both ends of its edge, and what its rule asks about."""
    if isinstance(intervention, (Cut, ScaleEdge, AddEdge)):
        # Not by `read_edge`: the lag may be left out where the graph has one such edge, as in "cut presence -> presence".
        return tuple(end.strip() for end in intervention.edge.partition("[")[0].split("->"))
    watched = (each.node for each in intervention.conditions) if isinstance(intervention, Policy) else ()
    return tuple(dict.fromkeys((intervention.node, *watched)))


def as_interventions(given: str | Intervention | Iterable[Intervention]) -> tuple[Intervention, ...]:
    """One intervention, several, or their text, as a tuple. Raises `CausalError` where something is none."""
    if isinstance(given, str):
        return read_interventions(given)
    kinds = get_args(Intervention)
    listed: list[object] = (
        list(given) if isinstance(given, Iterable) and not isinstance(given, kinds) else [cast("object", given)]
    )
    raise_all(_no_intervention(item) for item in listed if not isinstance(item, kinds))
    return tuple(cast("Intervention", item) for item in listed)


_EXAMPLE = "write for example 'shift corruption -1 from 2016' or 'cut corruption -> presence'"
_FORMS = {
    "set": "set presence 1",
    "shift": "shift corruption -1",
    "scale": "scale corruption 0.5",
    "cut": "cut corruption -> presence",
    "add": "add presence -> illicit [lag=1] -0.3",
    "path": "path presence 2016=1, 2017=2",
}
_NUMBERS = {
    "Set": "value",
    "Shift": "amount",
    "Policy": "shift",
    "Scale": "factor",
    "ScaleEdge": "factor",
    "AddEdge": "effect",
}
_LONGEST_PATH = 1000
"""So many times a path in text may have."""
_LARGEST = 1e100
"""No amount, value or factor is larger: several of them would add up to more than numbers hold."""
_MISSING_TIMES = ("NaT", "<NA>")
# A node may be called 'in' or 'to': no clause begins with the first word after the kind, behind an arrow, or before an offset or a comparison.
_CLAUSE = re.compile(r"(?<!->)(?<!\s)\s+(from|to|in|when)(?=\s|$)(?!\s*(?:\[\s*[-+]?\d|[<>]))")


def _no_intervention(item: object) -> Fault:
    return Fault(f"{item!r} is no intervention", mend=_EXAMPLE)


# The text form


def _read_one(part: Piece, faults: list[Fault]) -> Intervention | None:
    """The intervention that a part states; None, and what is wrong added to `faults`, where it states none."""
    before = len(faults)
    end = len(part.text.split(None, 1)[0])
    first, rest = part.part(0, end), part.part(end, len(part.text))
    kind = first.text.lower()
    if kind not in _FORMS:
        faults.append(first.fault(f"'{first.text}' is no kind of intervention", nearest(kind, _FORMS)))
        return None
    example = f"write for example '{_FORMS[kind]}'"
    found = list(_CLAUSE.finditer(rest.text))
    ends = [*(match.start() for match in found), len(rest.text)]
    what = rest.part(0, ends[0])
    clauses = [
        (rest.part(*match.span(1)), rest.part(match.end(), end)) for match, end in zip(found, ends[1:], strict=True)
    ]
    given = _read_clauses(kind, clauses, faults)
    if kind == "path":
        node, values = _read_path(first, what, example, faults)
        return Path(node, values, given["units"]) if len(faults) == before else None
    when = _read_bounds(kind, given, faults)
    if kind == "cut":
        if not what.text:
            faults.append(first.fault("'cut' needs an edge", example))
        return Cut(what.text, **when) if len(faults) == before else None
    on_edge = kind == "add" or (kind == "scale" and "->" in what.text)
    words = what.text.rsplit(None, 1)
    if len(words) < 2:
        needed = "an edge" if on_edge else "a node or an edge" if kind == "scale" else "a node"
        told = f"'{kind}' needs {needed} and a number, and got '{what.text}'"
        faults.append((what if words else first).fault(told, example))
        return None
    target, number = what.part(0, len(words[0])), what.part(len(words[0]), len(what.text))
    value = read_number(number, faults)
    if kind == "add":
        faults.extend(target.faults(_added_edge(target.text, value)[1], _EXAMPLE))
    if len(faults) > before:
        return None
    if kind == "shift" and "when" in given:
        return Policy(target.text, value, given["when"], **when)
    makers = {"set": Set, "shift": Shift, "scale": ScaleEdge if on_edge else Scale, "add": AddEdge}
    return makers[kind](target.text, value, **when)


def _read_clauses(kind: str, clauses: list[tuple[Piece, Piece]], faults: list[Fault]) -> dict[str, Any]:
    """What follows each of the words after the target: `from` and `to` as pieces, `when` as text, `units` as a tuple or None."""
    given: dict[str, Any] = {"units": None}
    for word, value in clauses:
        if word.text in given or (word.text == "in" and given["units"] is not None):
            faults.append(word.fault(f"'{word.text}' is given twice", "keep one of them"))
        elif not value.text:
            faults.append(word.fault(f"nothing follows '{word.text}'", _FOLLOWS[word.text]))
        elif word.text == "in":
            units = value.split(",")
            faults.extend(unit.fault("a unit is empty", _FOLLOWS["in"]) for unit in units if not unit.text)
            given["units"] = tuple(unit.text for unit in units)
        elif word.text == "when" and kind != "shift":
            faults.append(word.fault(f"'when' stands after '{kind}'", "a rule of the past goes with shift only"))
        elif word.text == "when":
            read_rule(value, faults)
            given["when"] = value.text
        elif kind == "path":
            what = f"'{word.text}' stands after 'path', whose times stand in the path itself"
            faults.append(word.fault(what, f"write for example '{_FORMS['path']}'"))
        else:
            given[word.text] = value
    return given


_FOLLOWS = {
    "from": "give a time",
    "to": "give a time",
    "in": "give units, separated by commas",
    "when": RULE_EXAMPLE,
}


def _read_bounds(kind: str, given: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """`start`, `stop` and `units` of the record."""
    pieces: list[Piece | None] = [given.get("from"), given.get("to")]
    start, stop = _times([piece and piece.text for piece in pieces])
    missing = [piece for piece in pieces if piece and piece.text in _MISSING_TIMES]
    faults.extend(piece.fault(f"'{piece.text}' is no time", "give a time of the panel") for piece in missing)
    if pieces[1] and not missing:
        faults.extend(pieces[1].faults(_bound_faults(kind, start, stop), _EXAMPLE))
    return {"start": start, "stop": stop, "units": given["units"]}


def _read_path(first: Piece, what: Piece, mend: str, faults: list[Fault]) -> tuple[str, tuple[tuple[Time, float], ...]]:
    """The node of a path, and its times and values; `first` is the word that begins the part."""
    words = what.text.split(None, 1)
    if len(words) < 2:
        faults.append((what if words else first).fault("'path' needs a node and TIME=VALUE, TIME=VALUE", mend))
        return "", ()
    steps: list[tuple[Piece, float]] = []
    for item in what.part(len(words[0]), len(what.text)).split(","):
        at = item.text.rfind("=")
        time, value = item.part(0, max(at, 0)), item.part(at + 1, len(item.text))
        if at < 0 or not time.text or not value.text:
            faults.append(item.fault(f"'{item.text}' is no TIME=VALUE", mend))
        else:
            steps.append((time, read_number(value, faults)))
    if len(steps) > _LONGEST_PATH:
        told = f"'path' has {len(steps)} times, and at most {_LONGEST_PATH} are read"
        faults.append(first.fault(told, "use a rule, or bounds: 'set presence 1 from 2016'"))
        return words[0], ()
    times = _times([time.text for time, _ in steps])
    for k, (time, _) in enumerate(steps):
        faults.extend(time.faults(_time_faults(times[k], times[:k]), _EXAMPLE))
    return words[0], tuple((time, value) for time, (_, value) in zip(times, steps, strict=True))


def _times(texts: list[str | None]) -> list[Time]:
    """Where all are whole numbers they are compared as numbers, anything else as text."""
    whole = all(text is None or re.fullmatch(r"-?[0-9]{1,18}", text) for text in texts)
    return [int(text) if whole and text is not None else text for text in texts]


def _printed(item: Intervention) -> tuple[Any, ...]:
    """A record with its times and units as they print, which is all that the text form keeps of them."""
    found: list[Any] = [type(item)]
    for each in fields(item):
        value = getattr(item, each.name)
        if each.name in ("start", "stop"):
            value = None if value is None else str(value)
        elif each.name == "units":
            value = None if value is None else tuple(str(unit) for unit in value)
        elif each.name == "values":
            value = tuple((str(time), number) for time, number in value)
        found.append(value)
    return tuple(found)


# What a record may hold


def _check(intervention: Intervention) -> None:
    """Raise every fault of a record at once; else bring its numbers to float, its units and path to tuples, its rule and added edge to their plain text."""
    name = type(intervention).__name__
    on_edge = isinstance(intervention, (Cut, ScaleEdge, AddEdge))
    target: object = intervention.edge if on_edge else intervention.node
    named = isinstance(target, str) and bool(target.strip())
    faults = [] if named else [Fault(f"{name} acts on {target!r}", mend=f"name {'an edge' if on_edge else 'a node'}")]
    if isinstance(intervention, (Cut, ScaleEdge)) and isinstance(target, str) and named:
        # Not by `read_edge`: the lag may be left out where the graph has one such edge, as in "presence -> presence".
        ends = target.partition("[")[0].split("->")
        if len(ends) != 2 or not all(end.strip() for end in ends):
            faults.append(Fault(f"{name}: '{target[:80]}' is no edge", mend="write it as 'cause -> effect [lag=1]'"))
    kept: dict[str, Any] = {}
    if label := _NUMBERS.get(name):
        kept[label] = _number(f"the {label} of {name}", getattr(intervention, label), faults)
    if isinstance(intervention, Path):
        kept["values"] = _steps(intervention.values, faults)
    else:
        faults.extend(_bound_faults(name, intervention.start, intervention.stop))
    if isinstance(intervention, Policy):
        kept["when"] = _rule_text(intervention.when, faults)
    if isinstance(intervention, AddEdge) and named:
        edge, edge_faults = _added_edge(intervention.edge, kept["effect"])
        faults.extend(edge_faults)
        kept["edge"] = edge and edge.name
    units: object = intervention.units
    if units is not None:
        listed = () if isinstance(units, (str, bytes)) or not isinstance(units, Iterable) else tuple(units)
        if not listed:
            faults.append(
                Fault(f"the units of {name} are {units!r}", mend="give a list of units, or leave it out for all")
            )
        kept["units"] = listed
    raise_all(faults)
    for each, value in kept.items():
        object.__setattr__(intervention, each, value)


def _number(what: str, value: object, faults: list[Fault]) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        faults.append(Fault(f"{what} is {value!r}", mend="give a number"))
    elif not _finite(value):
        faults.append(Fault(f"{what} is {value!r}", mend="give a finite number"))
    elif abs(float(value)) > _LARGEST:
        faults.append(Fault(f"{what} is {value!r}", mend=f"give a number of at most {_LARGEST:g}"))
    else:
        return float(value)
    return math.nan


def _steps(values: object, faults: list[Fault]) -> tuple[tuple[Time, float], ...]:
    """The times and values of a path, from a mapping, a labelled series or pairs."""
    mend = "give a mapping such as {2016: 1.0, 2017: 2.0}"
    items = getattr(values, "items", None)
    given: Any = items() if callable(items) else values
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        faults.append(Fault(f"the values of Path are {values!r}", mend=mend))
        return ()
    found: list[tuple[Time, float]] = []
    for item in cast("Iterable[object]", given):
        match item:
            case (time, value):
                faults.extend(_time_faults(time, [before for before, _ in found]))
                found.append((time, _number(f"the value of Path at {time!r}", value, faults)))
            case _:
                faults.append(Fault(f"{item!r} among the values of Path is no pair of time and value", mend=mend))
    if not found and not faults:
        faults.append(Fault("the values of Path are empty", mend=mend))
    return tuple(found)


def _time_faults(time: Time, before: Sequence[Time]) -> list[Fault]:
    """What is wrong with one time of a path, beside those that stand before it."""
    if time is None or not _is_time(time):
        return [Fault(f"a time of Path is {time!r}", mend="give a time of the panel")]
    given = any(str(time) == str(other) or (_is_time(other) and bool(time == other)) for other in before)
    return [Fault(f"Path gives the time {time} twice", mend="keep one value for it")] if given else []


def _rule_text(when: object, faults: list[Fault]) -> str:
    if not isinstance(when, str):
        faults.append(Fault(f"the rule of Policy is {when!r}", mend=RULE_EXAMPLE))
        return ""
    conditions, joined = read_rule(Piece.of(" ".join(when.split())), faults)
    return f" {joined} ".join(condition.text for condition in conditions)


def _added_edge(text: str, effect: float) -> tuple[Edge | None, list[Fault]]:
    try:
        edge = read_edge(text)
    except CausalError as error:
        return None, list(error.faults)
    faults: list[Fault] = []
    if edge.across is not None:
        faults.append(
            Fault(f"'{edge.name}' acts across units", mend="an added edge acts within a unit: leave across out")
        )
    if edge.sign is not Sign.UNKNOWN and effect * float(f"{edge.sign}1") < 0:
        faults.append(Fault(f"'{edge.text}' has another sign than its effect {effect:g}", mend="leave the sign out"))
    return edge, faults


def _bound_faults(name: str, start: Any, stop: Any) -> list[Fault]:
    faults = [
        Fault(f"the {label} of {name} is {bound!r}", mend="give a time of the panel, or leave it out")
        for label, bound in (("start", start), ("stop", stop))
        if not _is_time(bound)
    ]
    if faults or start is None or stop is None:
        return faults
    # Periods after a panel of texts are called last+1, last+2, ..., which the alphabet does not know.
    later = [re.fullmatch(r"(.*)\+([0-9]{1,9})", bound) if isinstance(bound, str) else None for bound in (start, stop)]
    counted = bool(later[0] and later[1] and later[0][1] == later[1][1])
    first, last = (int(each[2]) for each in later if each) if counted else (start, stop)
    try:
        backwards = bool(last < first)
    except TypeError:
        return [
            Fault(f"start {start!r} and stop {stop!r} of {name} are of two kinds", mend="give two times of one kind")
        ]
    return (
        [Fault(f"{name} stops at {stop} before it starts at {start}", mend="swap start and stop")] if backwards else []
    )


def _is_time(bound: Any) -> bool:
    """Whether it may be a time, None included: a single value that is not missing, infinite or a yes or no."""
    listed = isinstance(bound, Iterable) and not isinstance(bound, str)
    infinite = isinstance(bound, Real) and not _finite(bound)
    return not (isinstance(bound, bool) or listed or infinite or str(bound) in _MISSING_TIMES)


def _finite(value: Real) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
