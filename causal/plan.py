"""Interventions laid out on the arrays of a fit: what is done to each node and edge, in each period and unit.

The laws of precedence are those of `causal.intervene`. What multiplies the value of a node with a log or an odds link adds to its link, and
is laid out so; a node of another kind is multiplied where its value is made (`causal.worlds`).

Arrays here have bare axes (time, unit).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from causal import families
from causal.equations import Floats, Ints
from causal.errors import CausalError, Fault, nearest, no_such, raise_all
from causal.fit import Fit, JointFit
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
)
from causal.levels import Draws, draws_of
from causal.model import Model
from causal.syntax import read_edge

Population = Literal["units", "new"]
"""The units of the panel, or one new unit of the same kind in each draw."""

NEW_UNIT = "new"
"""The name of a new unit."""

_SAME_VALUE = ("normal", "student-t")
"""Families whose value is what their equation gives, plus chance."""


@dataclass(frozen=True, slots=True)
class Step:
    """One term in a node's equation: cause, lag, and its column in `Draws.effects`, or what an added edge carries.

    `factor` (time, unit) where the edge is changed; `added` (time, unit): the standard effect of an added edge, which has no column. With `weights` (unit,
    neighbour) the cause is the neighbours' mean.
    """

    cause: int
    lag: int
    column: int = -1
    factor: Floats | None = None
    weights: Floats | None = None
    added: Floats | None = None

    def moved(self, values: Floats) -> Floats:
        """What acts on each unit (draw, unit), of the cause's values (draw, unit)."""
        return values if self.weights is None else values @ self.weights.T


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition of a policy, its threshold on the node's standard scale."""

    node: int
    lag: int
    op: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy on one node: `amount` (time, unit), on the standard scale, is added where its comparisons hold, all or any of them."""

    amount: Floats
    comparisons: tuple[Comparison, ...]
    every: bool


@dataclass(frozen=True)
class Plan:
    """An intervention laid out on a fit: `steps` by node; `shifts`, `scaled` and `sets` (time, unit) and `rules` by node.

    Shifts are standard, values that are set natural, NaN where nothing is set. `first` (unit,): the first modelled period of each unit.
    """

    fit: Fit
    draws: Draws
    interventions: tuple[Intervention, ...]
    population: Population
    units: NDArray[Any]
    times: NDArray[Any]
    first: Ints
    order: tuple[int, ...]
    steps: tuple[tuple[Step, ...], ...]
    shifts: dict[int, Floats] = field(default_factory=dict[int, Floats])
    scaled: dict[int, Floats] = field(default_factory=dict[int, Floats])
    sets: dict[int, Floats] = field(default_factory=dict[int, Floats])
    rules: dict[int, list[Rule]] = field(default_factory=dict[int, list[Rule]])

    @property
    def model(self) -> Model:
        """What was fitted."""
        return self.fit.model

    @property
    def needs_levels(self) -> bool:
        """Whether the difference depends on the base world's levels."""
        curved = any(self.model.family(node) != "normal" for node in self.model.system.nodes)
        changed = any(step.factor is not None or step.added is not None for steps in self.steps for step in steps)
        return bool(self.sets or self.scaled or self.rules) or curved or changed

    @property
    def memory(self) -> int:
        """How many past periods the recursion looks back on."""
        lags = [step.lag for steps in self.steps for step in steps]
        lags += [each.lag for rules in self.rules.values() for rule in rules for each in rule.comparisons]
        return max(lags, default=0)

    def node(self, name: str) -> int:
        """The place of a measured node."""
        return self.model.system.nodes.index(name)

    def family(self, node: int) -> str:
        """The family of the node at that place."""
        return self.model.family(self.model.system.nodes[node])

    def natural(self, node: int, standard: Any) -> Any:
        """Values on the standard scale in natural units."""
        design = self.model.design
        return families.natural(self.family(node), standard * design.scales[node] + design.centres[node])

    def standard(self, node: int, natural: Any) -> Any:
        """Natural values on the standard scale."""
        design = self.model.design
        return (families.value(self.family(node), natural) - design.centres[node]) / design.scales[node]


def lay_out(
    fit: Fit,
    given: str | Intervention | Iterable[Intervention],
    *,
    horizon: int = 0,
    seed: int = 0,
    outcomes: Sequence[str] = (),
    population: Population = "units",
) -> Plan:
    """Interventions on the arrays of a fit. Raises `CausalError` with everything that this fit cannot carry out."""
    _check_settings(fit, horizon, seed, population)
    model, design = fit.model, fit.model.design
    system = model.system
    panel = model.study.panel
    new = population == "new"
    units = np.array([NEW_UNIT], dtype=object) if new else panel.units[design.units]
    first = np.full(1, system.lags, dtype=np.int64) if new else design.sweep.first
    layout = _Layout(fit, draws_of(fit), units, _extended(panel.times, int(horizon)))
    interventions: tuple[Intervention, ...] = ()
    with _collecting(layout.faults):
        interventions = as_interventions(given)
    for outcome in outcomes:
        with _collecting(layout.faults):
            node_of(fit, outcome, "the outcome")
    for intervention in interventions:
        layout.add(intervention)
    order: tuple[int, ...] = ()
    with _collecting(layout.faults):
        order = layout.order()
    raise_all(layout.faults)
    index = {node: k for k, node in enumerate(system.nodes)}
    steps: list[list[Step]] = [[] for _ in system.nodes]
    for column, term in enumerate(system.terms):
        weights = design.weights if term.across else None
        steps[index[term.effect]].append(Step(index[term.cause], term.lag, column, layout.factors.get(column), weights))
    for (cause, effect, lag), added in layout.added.items():
        steps[effect].append(Step(cause, lag, added=added))
    return Plan(
        fit,
        layout.draws,
        interventions,
        population,
        units,
        layout.times,
        first,
        order,
        tuple(map(tuple, steps)),
        layout.shifts,
        layout.scaled,
        layout.sets,
        layout.rules,
    )


def node_of(fit: Fit, name: str, what: str) -> int:
    """The place of a measured node. Raises `CausalError`, beginning with `what`, for an unknown and an unmeasured one."""
    nodes = fit.model.system.nodes
    if name in nodes:
        return nodes.index(name)
    if name in fit.model.graph.names:
        raise CausalError(
            Fault(f"{what}: '{name}' is not measured by this study", mend=f"measured: {', '.join(nodes)}")
        )
    raise CausalError(Fault(f"{what}: no node '{name}'", mend=nearest(str(name), nodes)))


def time_position(bound: object, times: NDArray[Any], what: str) -> int:
    """The place among `times` of one found by its value, its text, or a date's text. Raises `CausalError`, beginning with `what`, without one."""
    for k, time in enumerate(times):
        if time == bound or str(time) == str(bound):
            return k
    if np.issubdtype(times.dtype, np.datetime64):
        with suppress(ValueError):
            found = np.flatnonzero(times == np.datetime64(str(bound)))
            if len(found):
                return int(found[0])
    raise CausalError(
        Fault(
            f"{what} {bound} is no time of the panel or of the horizon after it",
            mend=f"times run from {times[0]} to {times[-1]}",
        )
    )


def check_fit(fit: object) -> None:
    """Raise `CausalError` where `fit` is none that worlds can be made of."""
    if isinstance(fit, JointFit):
        name = fit.model.models[0].study.name
        what = "a fit of several studies has a world for each of them"
        mend = f"ask one study's: fit.study('{name}'), or fit.scope('{name}') for its units with the effects of a new population"
        raise CausalError(Fault(what, mend=mend))
    if not isinstance(fit, Fit):
        raise CausalError(no_such(fit, "fit", "give what fit returns"))
    if fit.model.design.crossed is not None:
        mend = "fit a part that fits in memory: Panel.from_table(..., in_memory=True)"
        raise CausalError(Fault("a world needs the values of its units, which stay in the data engine", mend=mend))


class _Layout:
    """The arrays of a plan while interventions are added to them, and what is wrong with them."""

    def __init__(self, fit: Fit, draws: Draws, units: NDArray[Any], times: NDArray[Any]) -> None:
        self.fit, self.draws, self.units, self.times = fit, draws, units, times
        self.shape = (len(times), len(units))
        self.factors: dict[int, Floats] = {}
        self.added: dict[tuple[int, int, int], Floats] = {}
        self.shifts: dict[int, Floats] = {}
        self.scaled: dict[int, Floats] = {}
        self.sets: dict[int, Floats] = {}
        self.rules: dict[int, list[Rule]] = {}
        self.faults: list[Fault] = []

    def add(self, intervention: Intervention) -> None:
        """Lay one intervention out, or keep what is wrong with it."""
        active = np.zeros(self.shape, dtype=bool)
        with _collecting(self.faults):
            active = self._active(intervention)
        with _collecting(self.faults):
            self._carry_out(intervention, active)

    def order(self) -> tuple[int, ...]:
        """Places of the nodes, each after its causes within the period, added edges among them."""
        graph, nodes = self.fit.model.graph, self.fit.model.system.nodes
        if not any(lag == 0 for _, _, lag in self.added):
            return tuple(nodes.index(name) for name in graph.order if name in nodes)
        joined = {(term.cause, term.effect) for term in self.fit.model.system.terms if term.lag == 0}
        joined |= {(nodes[cause], nodes[effect]) for cause, effect, lag in self.added if lag == 0}
        placed: dict[str, None] = {}
        while len(placed) < len(nodes):
            free = [
                name
                for name in nodes
                if name not in placed and all(cause in placed for cause, effect in joined if effect == name)
            ]
            if not free:
                left = ", ".join(name for name in nodes if name not in placed)
                raise CausalError(
                    Fault(
                        f"AddEdge: the added edges close a cycle within the period among {left}",
                        mend="give an added edge a lag",
                    )
                )
            placed.update(dict.fromkeys(free))
        return tuple(nodes.index(name) for name in placed)

    def _carry_out(self, intervention: Intervention, active: NDArray[np.bool_]) -> None:
        match intervention:
            case Cut():
                self._change_edge(intervention.edge, 0.0, active)
            case ScaleEdge():
                self._change_edge(intervention.edge, intervention.factor, active)
            case AddEdge():
                self._add_edge(intervention, active)
            case Scale():
                self._scale(intervention, active)
            case Shift():
                node = self._node(intervention)
                self._on(self.shifts, node, 0.0)[active] += intervention.amount / self.draws.unit_of[node]
            case Policy():
                self._rule(intervention, active)
            case Set():
                self._hold(self._node(intervention), intervention.value, active, "Set")
            case Path():
                self._path(intervention, active)

    def _node(self, intervention: Set | Shift | Scale | Path | Policy) -> int:
        return node_of(self.fit, intervention.node, type(intervention).__name__)

    def _on(self, arrays: dict[int, Floats], node: int, start: float) -> Floats:
        return arrays.setdefault(node, np.full(self.shape, start))

    def _change_edge(self, edge: str, factor: float, active: NDArray[np.bool_]) -> None:
        for column, power in _columns_of(self.fit, edge):
            self._on(self.factors, column, 1.0)[active] *= factor**power

    def _add_edge(self, intervention: AddEdge, active: NDArray[np.bool_]) -> None:
        edge = read_edge(intervention.edge)
        faults: list[Fault] = []
        places = [0, 0]
        for k, name in enumerate((edge.cause, edge.effect)):
            with _collecting(faults):
                places[k] = node_of(self.fit, name, "AddEdge")
        raise_all(faults)
        if any(known.name == edge.name for known in self.fit.model.graph.edges):
            mend = f"change it: ScaleEdge('{edge.name}', factor)"
            raise CausalError(Fault(f"AddEdge: the graph has '{edge.name}' already", mend=mend))
        if edge.lag >= len(self.times):
            raise CausalError(
                Fault(f"AddEdge: '{edge.name}' reaches back further than the panel", mend="give a shorter lag")
            )
        cause, effect = places
        standard = intervention.effect * self.fit.model.design.scales[cause] / self.draws.unit_of[effect]
        key = (cause, effect, edge.lag)
        self.added.setdefault(key, np.zeros(self.shape))[active] += standard

    def _scale(self, intervention: Scale, active: NDArray[np.bool_]) -> None:
        node = self._node(intervention)
        family = self.fit.model.family(intervention.node)
        if family in _SAME_VALUE:
            self._on(self.scaled, node, 1.0)[active] *= intervention.factor
            return
        if intervention.factor <= 0:
            what = (
                f"Scale: '{intervention.node}', of the family {family}, cannot be multiplied by {intervention.factor:g}"
            )
            raise CausalError(Fault(what, mend="give a factor above 0, or hold the node with Set"))
        self._on(self.shifts, node, 0.0)[active] += np.log(intervention.factor) / self.draws.unit_of[node]

    def _hold(self, node: int, value: float, active: NDArray[np.bool_], what: str) -> None:
        name, family = self.fit.model.system.nodes[node], self.fit.model.family(self.fit.model.system.nodes[node])
        if families.outside(family, np.array([value], dtype=float)).any():
            raise CausalError(
                Fault(
                    f"{what}: {value:g} is no value of '{name}', of the family {family}",
                    mend=f"allowed: {families.ALLOWED[family]}",
                )
            )
        held = self._on(self.sets, node, np.nan)
        other = active & ~np.isnan(held) & (held != value)
        if other.any():
            time, unit = (int(place[0]) for place in np.nonzero(other))
            raise CausalError(
                Fault(
                    f"'{name}' is held at {held[time, unit]:g} and at {value:g} in unit {self.units[unit]} at {self.times[time]}",
                    mend="let the two hold in different periods or units",
                )
            )
        held[active] = value

    def _path(self, intervention: Path, active: NDArray[np.bool_]) -> None:
        node = self._node(intervention)
        faults: list[Fault] = []
        for time, value in intervention.values:
            with _collecting(faults):
                row = time_position(time, self.times, "Path: time")
                here = np.zeros(self.shape, dtype=bool)
                here[row] = active[row]
                self._hold(node, value, here, "Path")
        raise_all(faults)

    def _rule(self, policy: Policy, active: NDArray[np.bool_]) -> None:
        faults: list[Fault] = []
        node = 0
        with _collecting(faults):
            node = self._node(policy)
        comparisons: list[Comparison] = []
        for condition in policy.conditions:
            with _collecting(faults):
                comparisons.append(self._comparison(condition))
        raise_all(faults)
        amount = np.where(active, policy.shift / self.draws.unit_of[node], 0.0)
        self.rules.setdefault(node, []).append(Rule(amount, tuple(comparisons), policy.joined == "and"))

    def _comparison(self, condition: Condition) -> Comparison:
        node = node_of(self.fit, condition.node, "Policy")
        if condition.lag >= len(self.times):
            raise CausalError(
                Fault(f"Policy: {condition.node}[-{condition.lag}] lies before the panel", mend="look back less far")
            )
        model = self.fit.model
        design, family = model.design, model.family(condition.node)
        threshold = condition.threshold
        if condition.quantile:
            seen = families.natural(family, design.standard[node] * design.scales[node] + design.centres[node])
            threshold = float(np.nanquantile(seen, threshold / 100.0))
        lowest = {"lognormal": 0.0, "beta": 0.0}.get(family, -np.inf)
        highest = 1.0 if family == "beta" else np.inf
        if family in ("poisson", "negative-binomial", "hurdle-lognormal"):
            threshold = max(threshold, -0.5)
        if not lowest < threshold < highest:
            value = -np.inf if threshold <= lowest else np.inf
        else:
            value = float(families.value(family, np.array([threshold]))[0] - design.centres[node]) / float(
                design.scales[node]
            )
        return Comparison(node, condition.lag, condition.op, value)

    def _active(self, intervention: Intervention) -> NDArray[np.bool_]:
        """Where the intervention acts: (time, unit)."""
        name = type(intervention).__name__
        faults: list[Fault] = []
        chosen = np.ones(len(self.units), dtype=bool)
        if intervention.units is not None:
            known = {str(unit): k for k, unit in enumerate(self.units)}
            faults.extend(
                Fault(f"{name}: no unit '{unit}' in the fit", mend=nearest(str(unit), known))
                for unit in intervention.units
                if str(unit) not in known
            )
            places = [known[str(unit)] for unit in intervention.units if str(unit) in known]
            chosen = np.isin(np.arange(len(self.units)), places)
        bounds = [0, len(self.times) - 1]
        if not isinstance(intervention, Path):
            for k, (bound, label) in enumerate(((intervention.start, "start"), (intervention.stop, "stop"))):
                if bound is not None:
                    with _collecting(faults):
                        bounds[k] = time_position(bound, self.times, f"{name}: {label}")
            if not faults and bounds[0] > bounds[1]:
                what = f"{name} stops at {intervention.stop} before it starts at {intervention.start}"
                faults.append(Fault(what, mend="swap start and stop"))
        raise_all(faults)
        active = np.zeros(self.shape, dtype=bool)
        active[bounds[0] : bounds[1] + 1, chosen] = True
        return active


def _columns_of(fit: Fit, text: str) -> list[tuple[int, int]]:
    """Columns of the terms that an edge takes part in, with the power at which it does."""
    edge = fit.model.graph.edge(text)
    found: list[tuple[int, int]] = []
    for column, term in enumerate(fit.model.system.terms):
        powers = [sum(step.name == edge.name for step in road) for road in term.roads]
        if not any(powers):
            continue
        if len(set(powers)) > 1:
            raise CausalError(
                Fault(
                    f"'{edge.name}' shares its term '{term.name}' with roads that it is no part of",
                    mend="this study cannot tell them apart; measure what lies between",
                )
            )
        found.append((column, powers[0]))
    if not found:
        raise CausalError(
            Fault(
                f"'{edge.name}' is carried by none of this study's equations, so changing it would change nothing here",
                mend=f"fitted: {'; '.join(term.name for term in fit.model.system.terms)}",
            )
        )
    return found


def _check_settings(fit: object, horizon: object, seed: object, population: object) -> None:
    faults: list[Fault] = []
    with _collecting(faults):
        check_fit(fit)
    faults.extend(
        Fault(f"the {label} is {number!r}", mend="give a whole number, 0 or above")
        for label, number in (("horizon", horizon), ("seed", seed))
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 0
    )
    if population not in ("units", "new"):
        faults.append(
            Fault(f"population {population!r} is not known", mend="take 'units' (the panel's) or 'new' (a new one)")
        )
    elif population == "new" and isinstance(fit, Fit) and not faults:
        if len(fit.model.design.units) < 2:
            faults.append(Fault("one unit does not show how units differ", mend="take population='units'"))
        if fit.model.design.weights is not None:
            faults.append(
                Fault(
                    "a new unit has no neighbours, and this model has effects across units",
                    mend="take population='units'",
                )
            )
    raise_all(faults)


@contextmanager
def _collecting(faults: list[Fault]) -> Iterator[None]:
    """Keep the faults of what is tried here, so that all are raised at once."""
    try:
        yield
    except CausalError as error:
        faults.extend(error.faults)


def _extended(times: NDArray[Any], horizon: int) -> NDArray[Any]:
    """The panel's times and `horizon` more of the same kind and step; texts, which have no step, become ``last+1``, ``last+2``, ..."""
    if horizon == 0:
        return times
    ahead = np.arange(1, horizon + 1)
    if np.issubdtype(times.dtype, np.datetime64):
        # Months and years are of several lengths: where all dates stand at one place in their month, or at its
        # end, the step is one of whole months.
        for day in (np.timedelta64(0, "D"), np.timedelta64(1, "D")):
            months = (times + day).astype("datetime64[M]")
            place = (times + day) - months
            if bool((place == place[0]).all()) and months[-1] > months[-2]:
                return np.concatenate(
                    [times, (months[-1] + (months[-1] - months[-2]) * ahead + place[0] - day).astype(times.dtype)]
                )
    try:
        later = [times[-1] + (times[-1] - times[-2]) * int(k) for k in ahead]
    except TypeError:
        return np.concatenate([times.astype(object), np.array([f"{times[-1]}+{k}" for k in ahead], dtype=object)])
    return np.concatenate([times, np.array(later, dtype=times.dtype)])
