"""Interventions as records, and their text form.

Four kinds: `Set` holds a node at a value; `Shift` adds to what the node's equation gives (so that with a self-lag it accumulates);
`Cut` takes an edge away; `ScaleEdge` multiplies an edge's effect. Values are in the node's natural units; what an edge carries is
its cause counted from the cause's own zero, so that a cut takes away all of it, level included. Each acts from `start` to
`stop`, both included and both a time of the panel or of the horizon after it, absent meaning without bound, and on
the named `units` or on all. Laws: edges change first, then shifts add up, then a `Set` overrides; of
two `Set` on one node the later in the list holds; two `ScaleEdge` multiply.

>>> read_interventions("shift corruption -1 from 2016 to 2020 in PER, COL; cut corruption -> presence")
(Shift(node='corruption', amount=-1.0, start=2016, stop=2020, units=('PER', 'COL')), Cut(edge='corruption -> presence', start=None, stop=None, units=None))
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, get_args

from causal.errors import CausalError, Fault, raise_all

Time = Any
Units = Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class Set:
    """Hold `node` at `value` (natural units)."""

    node: str
    value: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Shift:
    """Add `amount` (natural units) to what the equation of `node` gives, in each period."""

    node: str
    amount: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Cut:
    """Take the edge away."""

    edge: str
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class ScaleEdge:
    """Multiply the edge's effect by `factor`."""

    edge: str
    factor: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self)


Intervention = Set | Shift | Cut | ScaleEdge


def read_interventions(text: str) -> tuple[Intervention, ...]:
    """Read interventions separated by `;` or new lines.

    ``set NODE VALUE``, ``shift NODE AMOUNT``, ``cut EDGE``, ``scale EDGE FACTOR``, each followed by any of ``from TIME``, ``to TIME``,
    ``in UNIT, UNIT`` in any order. Raises `CausalError` with every faulty part, the text repeated and the place marked.
    """
    parts = [part.strip() for part in re.split(r"[;\n]", text) if part.strip()] if isinstance(text, str) else []
    if not parts:
        raise CausalError(Fault("no intervention is given", mend=_EXAMPLE))
    found: list[Intervention] = []
    faults: list[Fault] = []
    for part in parts:
        try:
            found.append(_read_one(part))
        except CausalError as error:
            faults.extend(error.faults)
    raise_all(faults)
    return tuple(found)


def as_interventions(given: str | Intervention | Iterable[Intervention]) -> tuple[Intervention, ...]:
    """One intervention, several, or their text, as a tuple. Raises `CausalError` where something is none."""
    if isinstance(given, str):
        return read_interventions(given)
    listed: list[object] = (
        [given]
        if isinstance(given, get_args(Intervention))
        else list(given)
        if isinstance(given, Iterable)
        else [given]
    )
    raise_all(
        Fault(f"{item!r} is no intervention", mend=_EXAMPLE)
        for item in listed
        if not isinstance(item, get_args(Intervention))
    )
    return tuple(item for item in listed if isinstance(item, (Set, Shift, Cut, ScaleEdge)))


_EXAMPLE = "write for example 'shift corruption -1 from 2016' or 'cut corruption -> presence'"
_KINDS = {"set": Set, "shift": Shift, "cut": Cut, "scale": ScaleEdge}
_NUMBERS = {"Set": "value", "Shift": "amount", "ScaleEdge": "factor"}
_MISSING_TIMES = ("NaT", "<NA>")
# A node may be called 'in' or 'to': no clause begins with the first word after the kind, nor behind an arrow.
_CLAUSE = re.compile(r"(?<!->)(?<!\s)\s+(from|to|in)(?=\s|$)")


def _read_one(text: str) -> Intervention:
    first, rest = (*text.split(None, 1), "")[:2]
    kind = first.lower()
    if kind not in _KINDS:
        raise CausalError(
            Fault(
                f"'{first}' is no kind of intervention", f"'{text}'", f"begin with set, shift, cut or scale; {_EXAMPLE}"
            )
        )
    what, *clauses = (part.strip() for part in _CLAUSE.split(rest.strip()))
    faults: list[Fault] = []
    when = _read_clauses(clauses, faults)
    value = math.nan
    if kind != "cut":
        target = "an edge" if kind == "scale" else "a node"
        what, number = (*what.rsplit(None, 1), "", "")[:2]
        if not number:
            faults.append(Fault(f"'{kind}' needs {target} and a number, and got '{what}'"))
        else:
            try:
                value = float(number)
            except ValueError:
                faults.append(Fault(f"'{number}' is no number"))
    elif not what:
        faults.append(Fault("'cut' needs an edge"))
    try:
        if not faults:
            return Cut(what, **when) if kind == "cut" else _KINDS[kind](what, value, **when)
    except CausalError as error:
        faults.extend(error.faults)
    raise CausalError(*(Fault(fault.what, f"'{text}'", fault.mend or _EXAMPLE) for fault in faults))


def _read_clauses(parts: list[str], faults: list[Fault]) -> dict[str, Any]:
    """`start`, `stop` and `units` from the words after the target: keyword, value, keyword, value."""
    given: dict[str, str] = {}
    for word, value in zip(parts[::2], parts[1::2], strict=True):
        if word in given:
            faults.append(Fault(f"'{word}' is given twice"))
        elif not value:
            faults.append(
                Fault(
                    f"nothing follows '{word}'",
                    mend="give a time" if word != "in" else "give units, separated by commas",
                )
            )
        given[word] = value
    bounds = [given.get("from"), given.get("to")]
    # Whole numbers on both sides are compared as numbers, anything else as text.
    if all(bound is None or re.fullmatch(r"-?\d+", bound) for bound in bounds):
        bounds = [None if bound is None else int(bound) for bound in bounds]
    units = tuple(unit.strip() for unit in given["in"].split(",")) if given.get("in") else None
    if units and not all(units):
        faults.append(Fault("a unit is empty", mend="give units, separated by commas"))
    return {"start": bounds[0], "stop": bounds[1], "units": units}


def _check(intervention: Intervention) -> None:
    """Raise every fault of a record at once; else bring its number to float and its units to a tuple."""
    name = type(intervention).__name__
    on_edge = isinstance(intervention, (Cut, ScaleEdge))
    target: object = intervention.edge if on_edge else intervention.node
    label = _NUMBERS.get(name)
    faults: list[Fault] = []
    if not isinstance(target, str) or not target.strip():
        faults.append(Fault(f"{name} acts on {target!r}", mend="name an edge" if on_edge else "name a node"))
    if label is not None:
        value: object = getattr(intervention, label)
        if isinstance(value, bool) or not isinstance(value, Real):
            faults.append(Fault(f"the {label} of {name} is {value!r}", mend="give a number"))
        elif not _finite(value):
            faults.append(Fault(f"the {label} of {name} is {value!r}", mend="give a finite number"))
        else:
            object.__setattr__(intervention, label, float(value))
    faults.extend(_bound_faults(name, intervention.start, intervention.stop))
    units: object = intervention.units
    if units is not None:
        listed = () if isinstance(units, (str, bytes)) or not isinstance(units, Iterable) else tuple(units)
        if not listed:
            faults.append(
                Fault(f"the units of {name} are {units!r}", mend="give a list of units, or leave it out for all")
            )
        object.__setattr__(intervention, "units", listed)
    raise_all(faults)


def _bound_faults(name: str, start: Any, stop: Any) -> list[Fault]:
    faults: list[Fault] = []
    for label, bound in (("start", start), ("stop", stop)):
        listed = isinstance(bound, Iterable) and not isinstance(bound, str)
        infinite = isinstance(bound, Real) and not _finite(bound)
        if isinstance(bound, bool) or listed or infinite or str(bound) in _MISSING_TIMES:
            faults.append(
                Fault(f"the {label} of {name} is {bound!r}", mend="give a time of the panel, or leave it out")
            )
    if faults or start is None or stop is None:
        return faults
    try:
        backwards = bool(stop < start)
    except TypeError:
        return [
            Fault(f"start {start!r} and stop {stop!r} of {name} are of two kinds", mend="give two times of one kind")
        ]
    return (
        [Fault(f"{name} stops at {stop} before it starts at {start}", mend="swap start and stop")] if backwards else []
    )


def _finite(value: Real) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
