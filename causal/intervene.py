"""Interventions as records, and their text form.

Four kinds: `Set` holds a node at a value; `Shift` adds to what the node's equation gives (so that with a self-lag it accumulates);
`Cut` takes an edge away; `ScaleEdge` multiplies an edge's effect. Values are in the node's natural units. Each acts from `start` to
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
        _check(self, "value", self.value)


@dataclass(frozen=True, slots=True)
class Shift:
    """Add `amount` (natural units) to what the equation of `node` gives, in each period."""

    node: str
    amount: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self, "amount", self.amount)


@dataclass(frozen=True, slots=True)
class Cut:
    """Take the edge away."""

    edge: str
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self, "factor", 0.0)


@dataclass(frozen=True, slots=True)
class ScaleEdge:
    """Multiply the edge's effect by `factor`."""

    edge: str
    factor: float
    start: Time = None
    stop: Time = None
    units: Units = None

    def __post_init__(self) -> None:
        _check(self, "factor", self.factor)


Intervention = Set | Shift | Cut | ScaleEdge


def read_interventions(text: str) -> tuple[Intervention, ...]:
    """Read interventions separated by `;` or new lines.

    ``set NODE VALUE``, ``shift NODE AMOUNT``, ``cut EDGE``, ``scale EDGE FACTOR``, each followed by any of ``from TIME``, ``to TIME``,
    ``in UNIT, UNIT``. Raises `CausalError` with every faulty part, the text repeated and the place marked.
    """
    if not isinstance(text, str) or not text.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise CausalError(Fault("no intervention is given", mend=_EXAMPLE))
    found: list[Intervention] = []
    faults: list[Fault] = []
    for part in re.split(r"[;\n]", text):
        if part.strip():
            try:
                found.append(_read_one(part.strip()))
            except CausalError as error:
                faults.extend(error.faults)
    raise_all(faults)
    return tuple(found)


def as_interventions(given: str | Intervention | Iterable[Intervention]) -> tuple[Intervention, ...]:
    """One intervention, several, or their text, as a tuple. Raises `CausalError` where something is none."""
    if isinstance(given, str):
        return read_interventions(given)
    listed: list[object] = [given] if isinstance(given, get_args(Intervention)) else list(given) if isinstance(given, Iterable) else [given]
    raise_all(Fault(f"{item!r} is no intervention", mend=_EXAMPLE) for item in listed if not isinstance(item, get_args(Intervention)))
    return tuple(item for item in listed if isinstance(item, (Set, Shift, Cut, ScaleEdge)))


_EXAMPLE = "write for example 'shift corruption -1 from 2016' or 'cut corruption -> presence'"
_FORM = re.compile(
    r"(?P<kind>\w+)\s+(?P<what>.+?)(?:\s+from\s+(?P<start>\S+))?(?:\s+to\s+(?P<stop>\S+))?(?:\s+in\s+(?P<units>.+))?",
    re.DOTALL,
)
_KINDS = {"set": Set, "shift": Shift, "cut": Cut, "scale": ScaleEdge}


def _read_one(text: str) -> Intervention:
    match = _FORM.fullmatch(text)
    where = f"'{text}'"
    kind = match["kind"].lower() if match else ""
    if match is None or kind not in _KINDS:
        first = text.split()[0]
        raise CausalError(Fault(f"'{first}' is no kind of intervention", where, f"begin with set, shift, cut or scale; {_EXAMPLE}"))
    when: dict[str, Any] = {
        "start": _time(match["start"]),
        "stop": _time(match["stop"]),
        "units": None if match["units"] is None else tuple(unit.strip() for unit in match["units"].split(",")),
    }
    what = match["what"].strip()
    try:
        if kind == "cut":
            return Cut(what, **when)
        name, _, number = what.rpartition(" ")
        if not name:
            raise CausalError(Fault(f"'{kind}' needs a {'node' if kind != 'scale' else 'edge'} and a number, and got '{what}'"))
        try:
            value = float(number)
        except ValueError:
            raise CausalError(Fault(f"'{number}' is no number")) from None
        return _KINDS[kind](name.strip(), value, **when)
    except CausalError as error:
        raise CausalError(*(Fault(fault.what, where, fault.mend or _EXAMPLE) for fault in error.faults)) from None


def _time(text: str | None) -> Time:
    return text if text is None or not re.fullmatch(r"-?\d+", text) else int(text)


def _check(intervention: Intervention, label: str, value: object) -> None:
    name = type(intervention).__name__
    target = intervention.edge if isinstance(intervention, (Cut, ScaleEdge)) else intervention.node
    faults: list[Fault] = []
    if not isinstance(target, str) or not target.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        faults.append(Fault(f"{name} acts on {target!r}", mend="name a node or an edge"))
    if isinstance(value, bool) or not isinstance(value, (int, float)) and not hasattr(value, "__float__"):
        faults.append(Fault(f"the {label} of {name} is {value!r}", mend="give a number"))
    elif not math.isfinite(float(value)):  # pyright: ignore[reportArgumentType]
        faults.append(Fault(f"the {label} of {name} is {value!r}", mend="give a finite number"))
    for bound in (intervention.start, intervention.stop):
        if isinstance(bound, float) and math.isnan(bound):
            faults.append(Fault(f"a bound of {name} is NaN", mend="give a time of the panel"))
    if intervention.start is not None and intervention.stop is not None:
        try:
            backwards = bool(intervention.stop < intervention.start)
        except TypeError:
            faults.append(Fault(f"start {intervention.start!r} and stop {intervention.stop!r} of {name} are of two kinds", mend="give two times of one kind"))
        else:
            if backwards:
                faults.append(Fault(f"{name} stops at {intervention.stop} before it starts at {intervention.start}", mend="swap start and stop"))
    if intervention.units is not None and (isinstance(intervention.units, str) or len(intervention.units) == 0):
        faults.append(Fault(f"the units of {name} are {intervention.units!r}", mend="give a list of units, or leave it out for all"))
    raise_all(faults)
    if not isinstance(value, float) and label != "factor" or isinstance(intervention, ScaleEdge):
        object.__setattr__(intervention, label, float(value))  # pyright: ignore[reportArgumentType]
    if intervention.units is not None:
        object.__setattr__(intervention, "units", tuple(intervention.units))
