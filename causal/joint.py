"""Several studies as one model: each measures a part of the graph, and what several of them identify is pooled.

Study s informs its own effects ``b_es``. Where two or more studies identify an edge e, their effects are drawn from one population,

    b_es ~ Normal(b_e, tau_e),    b_e ~ prior of the edge,    tau_e ~ half-normal(transport),

so that what one study says carries over to another as far as `transport` lets it. On the way to the posterior ``tau_e`` and ``b_e`` are
integrated out: a scale over two or three studies that is sampled makes a funnel, in which the sampler misses a part of the posterior. The
half-normal stands as `TAU_POINTS` points of equal mass, given one of which the effects of K studies are jointly Normal,

    log p(b | tau) = -1/2 [(K - 1) log tau^2 + log(tau^2 + K s^2) + (sum d^2 - (sum d)^2 / K) / tau^2 + (sum d)^2 / (K (tau^2 + K s^2))],

with ``d = b - m`` for the prior Normal(m, s), and the sum over the points is the prior. Given a draw of the effects, tau and then b_e are
drawn from what remains, which is exact. Effects of a node on itself lie between bounds and are pooled as Fisher's z, among studies that measure
the node by the same column: how long a value lasts depends on how it is measured.

Not pooled, and each the study's own: an edge that the study does not identify from what it measures, and a road through nodes that it does
not measure. Such a road is one number, the product of its edges, with the prior that the product has: its factors have signs that
no data tell apart, and are not sampled. No period of a unit may stand in two studies, nor in one study by itself and in another as a part of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from causal.dist import Dist, Normal, Uniform
from causal.equations import Floats, Ints
from causal.errors import CausalError, Fault, no_such, raise_all, shortened
from causal.graph import Graph
from causal.identification import single_door
from causal.model import (
    Model,
    Priors,
    add_likelihood,
    check_study,
    likelihood_arrays,
    likelihood_numbers,
    places,
    regressors,
    study_model,
    views,
)
from causal.panel import Panel, Study
from causal.reported import Reported

if TYPE_CHECKING:
    import pymc as pm

TRANSPORT = 0.1
"""Scale of the half-normal prior of tau: how far an effect is expected to differ between studies, on the standard scale."""
TYPICAL_MEMORY = 0.8
"""The self-effect, of bounds -1 and 1, at which a difference of `TRANSPORT` is carried over to Fisher's z."""
SELF_SD = 0.9
"""Sd of the Normal prior of Fisher's z, which is close to a uniform one of the effect between its bounds."""
TAU_POINTS = 8
"""Points of equal mass that stand for the half-normal prior of tau. The smallest of many would draw the effects onto each other so closely
that the sampler slows down for nothing."""

_TAU = np.array([NormalDist().inv_cdf((1.0 + (k + 0.5) / TAU_POINTS) / 2.0) for k in range(TAU_POINTS)])


@dataclass(frozen=True, slots=True)
class Pool:
    """One effect and the terms that stand for it: `members` (study, term) are places in `JointModel.models` and its `system.terms`;
    a study behind the models is one of `JointModel.reported`, with a single term.

    `name` is the edge's text where it is identified, else says whose term it is. `prior` is that of the effect or, where
    `bounds` are given, of ``atanh((b - middle) / half-width)``; with one member an effect between bounds is uniform between them
    instead. `scale` is that of tau, 0 where the effect is not identified.
    """

    name: str
    identified: bool
    prior: Normal
    bounds: tuple[float, float] | None
    scale: float
    members: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JointModel:
    """What is fitted to several studies at once: a `Model` for each, and the effects that they share.

    `transport` is the scale of the prior of tau that was asked for. Pickles as a `Model` does, without the `pm.Model`.
    """

    graph: Graph
    models: tuple[Model, ...]
    priors: Priors
    pools: tuple[Pool, ...]
    notes: tuple[str, ...]
    reported: tuple[Reported, ...] = ()
    transport: float = TRANSPORT

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "pymc"}

    @cached_property
    def pymc(self) -> pm.Model:
        """The `pm.Model`. Built once, when it is first asked for."""
        return _pymc(self)

    @cached_property
    def data(self) -> dict[str, NDArray[Any]]:
        """The arrays that change from data set to data set and from prior to prior, by their names in `pymc`."""
        numbers = _numbers(self)
        arrays: dict[str, NDArray[Any]] = {"numbers": np.concatenate([np.ravel(part) for part in numbers.values()])}
        for k, model in enumerate(self.models):
            arrays |= {f"{name}_{k}": np.ascontiguousarray(array) for name, array in likelihood_arrays(model).items()}
        return arrays

    @property
    def structure(self) -> tuple[object, ...]:
        """Two models of the same structure differ in `data` only, so that one compiled form serves both."""
        return (
            "joint",
            *((model.structure, len(model.design.sweep.weights)) for model in self.models),
            *((pool.members, pool.bounds) for pool in self.pools),
        )

    @property
    def starts(self) -> Ints:
        """Where each study's terms begin in the vector of all studies' terms, and where the last one's end; reported estimates have one each."""
        return np.cumsum([0, *(len(model.system.terms) for model in self.models), *(1 for _ in self.reported)])

    @property
    def turn(self) -> Floats:
        """The orthogonal matrix (sampled, term) that makes the studies' effects of what is sampled.

        Of a pool that are the mean of its effects, times the root of their number, and what they differ by: the prior is narrow in the
        differences only, and the sampler takes steps of one length along each coordinate.
        """
        from scipy.linalg import helmert

        turn = np.eye(int(self.starts[-1]))
        for pool in self.pools:
            at = self.at(pool)
            turn[np.ix_(at, at)] = helmert(len(at), full=True)
        return turn

    @property
    def names(self) -> tuple[str, ...]:
        """The studies' names, those of reported estimates behind the others."""
        return _names(self.models, self.reported)

    def members(self, pool: Pool) -> tuple[str, ...]:
        """The names of the studies whose effects `pool` holds, in the order of its members."""
        return tuple(self.names[study] for study, _ in pool.members)

    def at(self, pool: Pool) -> list[int]:
        """Where the members of `pool` stand in the vector of all studies' terms."""
        return [int(self.starts[study]) + term for study, term in pool.members]


@overload
def build_model(
    graph: Graph,
    studies: Panel | Study,
    priors: Priors | Mapping[str, Dist] | None = None,
    *,
    year_effects: bool = True,
    transport: float = TRANSPORT,
) -> Model: ...


@overload
def build_model(
    graph: Graph,
    studies: Iterable[Panel | Study | Reported],
    priors: Priors | Mapping[str, Dist] | None = None,
    *,
    year_effects: bool = True,
    transport: float = TRANSPORT,
) -> Model | JointModel: ...


def build_model(
    graph: Graph,
    studies: Panel | Study | Iterable[Panel | Study | Reported],
    priors: Priors | Mapping[str, Dist] | None = None,
    *,
    year_effects: bool = True,
    transport: float = TRANSPORT,
) -> Model | JointModel:
    """The model of `graph` on one study (or a panel whose columns are named as nodes), or on several at once, reported estimates among them.

    Unit effects are always swept out, and year effects unless `year_effects` is False or there is one unit only. A node
    that has the same value in every unit each year is then told apart from the year by nothing: it is left out and noted.
    `transport` is the scale of the half-normal prior of tau, on the standard scale (for effects of a node on itself, at one of .8).
    Raises `CausalError` with every fault: nodes no column measures, constant or textual columns, a single period, a lag longer than the panel,
    values that a family cannot have, studies of one name, a unit-time that enters through two studies, an estimate of an edge that the graph has not.
    """
    given, reported = _studies(studies)
    known = priors if isinstance(priors, Priors) else Priors({} if priors is None else priors)
    if len(given) == 1 and not reported:
        return study_model(graph, given[0], known, year_effects=year_effects)
    faults: list[Fault] = []
    if not (isinstance(transport, int | float) and math.isfinite(transport) and transport > 0):
        faults.append(Fault(f"transport is {transport!r}", mend="give a number above 0, on the standard scale"))
    names = [study.name for study in (*given, *reported)]
    faults.extend(
        Fault(f"{names.count(name)} studies are named '{name}'", mend="name each study: ca.Study(panel, name=...)")
        for name in sorted(set(names))
        if names.count(name) > 1
    )
    faults.extend(
        Fault(
            f"the rows of '{study.name}' stay in a data engine, where nobody sees whether another study has them too",
            mend="take a part that fits in memory: Panel.from_table(..., in_memory=True)",
        )
        for study in given
        if study.panel.table is not None
    )
    models: list[Model] = []
    for study in given:
        try:
            if study.panel.table is None:
                models.append(study_model(graph, study, known, year_effects=year_effects))
            else:  # refused already: what else is wrong is told without a pass over its rows
                check_study(graph, study, known)
        except CausalError as error:
            faults.extend(fault for fault in error.faults if fault not in faults)
    for each in reported:
        try:
            graph.edge(each.edge)
        except CausalError as error:
            faults.extend(Fault(fault.what, f"reported estimate '{each.name}'", fault.mend) for fault in error.faults)
    raise_all(faults)
    raise_all(overlaps(models))
    notes = [f"{model.study.name}: {note}" for model in models for note in model.notes]
    notes += [f"{each.name}: that it identifies {each.edge} is its source's word" for each in reported]
    pools = _pools(models, transport, notes, graph, known, reported)
    return JointModel(graph, tuple(models), known, pools, tuple(notes), tuple(reported), transport)


def overlaps(models: Sequence[Model]) -> tuple[Fault, ...]:
    """A fault for each two studies in which a unit-time stands twice: as itself, or in a unit that contains it."""
    faults: list[Fault] = []
    in_use = [_unit_times(model) for model in models]
    for late, later in enumerate(in_use):
        for early, earlier in enumerate(in_use[:late]):
            doubled = [key for key in later if key in earlier]
            doubled += [
                (whole, time)
                for unit, time in later
                for whole in _inside(models[late], unit)
                if (whole, time) in earlier
            ]
            doubled += [
                (whole, time)
                for unit, time in earlier
                for whole in _inside(models[early], unit)
                if (whole, time) in later
            ]
            if doubled:
                distinct = sorted(set(doubled))
                shown = shortened([f"{unit} {time}" for unit, time in distinct], 3)
                left, right = models[early].study.name, models[late].study.name
                faults.append(
                    Fault(
                        f"enter through '{left}' and through '{right}': {shown}",
                        "unit-times",
                        "leave these rows out of one of the studies, or give different units different names",
                    )
                )
    return tuple(faults)


def drawn_pools(model: JointModel, effects: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """The pooled effect and tau of each pool (draw, pool), drawn given the studies' effects (draw, term).

    With one member the effect is that member's, and tau, of which the data then say nothing, comes from its prior.
    """
    size = len(effects)
    pooled, taus = np.empty((size, len(model.pools))), np.empty((size, len(model.pools)))
    for k, pool in enumerate(model.pools):
        values = effects[:, model.at(pool)]
        if len(pool.members) == 1:
            pooled[:, k] = values[:, 0]
            taus[:, k] = pool.scale * generator.choice(_TAU, size=size)
            continue
        z = _to_z(values, pool.bounds)
        count, tau = z.shape[1], pool.scale * _TAU
        deviations = z - pool.prior.mean
        total, squares = deviations.sum(axis=1)[:, None], (deviations**2).sum(axis=1)[:, None]
        weight = _log_prior(total, squares, float(count), pool.prior.sd**2, tau**2)
        # The largest of weight plus Gumbel noise is a draw by weight.
        chosen = tau[np.argmax(weight + generator.gumbel(size=weight.shape), axis=1)]
        precision = 1.0 / pool.prior.sd**2 + count / chosen**2
        centre = pool.prior.mean + total[:, 0] / chosen**2 / precision
        pooled[:, k] = _from_z(centre + generator.standard_normal(size) / np.sqrt(precision), pool.bounds)
        taus[:, k] = chosen
    return pooled, taus


def _studies(studies: object) -> tuple[list[Study], list[Reported]]:
    given: Any = studies
    found: list[Any] = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    raise_all(
        no_such(item, "study", "give a ca.Panel, a ca.Study or a ca.Reported")
        for item in found
        if not isinstance(item, (Panel, Study, Reported))
    )
    reported = [item for item in found if isinstance(item, Reported)]
    if len(reported) == len(found):
        raise CausalError(
            Fault(
                "no study was given with data" if found else "no study was given", mend="give a ca.Panel or a ca.Study"
            )
        )
    rest = [item for item in found if not isinstance(item, Reported)]
    return [item if isinstance(item, Study) else Study(item) for item in rest], reported


def _unit_times(model: Model) -> set[tuple[str, str]]:
    """The unit-times that the fit uses, as outcome or as past."""
    panel, design = model.study.panel, model.design
    return {
        (str(panel.units[unit]), str(panel.times[time]))
        for unit, entry, stop in zip(design.units, design.entry, design.sweep.stop, strict=True)
        for time in range(entry, stop)
    }


def _inside(model: Model, unit: str) -> tuple[str, ...]:
    return tuple(model.study.inside.get(unit, ()))


def _pools(
    models: Sequence[Model],
    transport: float,
    notes: list[str],
    graph: Graph,
    priors: Priors,
    reported: Sequence[Reported],
) -> tuple[Pool, ...]:
    shared: dict[tuple[str, str], list[tuple[int, int]]] = {}
    own: list[Pool] = []
    for s, model in enumerate(models):
        for t, term in enumerate(model.system.terms):
            edge = term.edge
            if edge is not None and single_door(model.graph, edge, regressors(model, model.graph, edge)):
                # How long a value lasts is a property of the measure: that of another column is another number.
                measure = repr(model.study.measure(edge.cause)) if edge.is_memory else ""
                shared.setdefault((edge.name, measure), []).append((s, t))
                continue
            prior, bounds = _on_z(model.term_priors[t])
            name = f"{term.name} in {model.study.name}"
            own.append(Pool(name, False, prior, bounds, 0.0, ((s, t),)))
            why = (
                "the study does not identify it" if edge is not None else "it runs through nodes that are not measured"
            )
            notes.append(f"{name} is not pooled: {why}")
    for k, each in enumerate(reported):
        edge = graph.edge(each.edge)
        # What the source measured is not known by a column: how long a value lasts there is a number of its own.
        measure = f"reported by {each.name}" if edge.is_memory else ""
        shared.setdefault((edge.name, measure), []).append((len(models) + k, 0))
    names_of_all = _names(models, reported)
    edge_priors = priors.of(graph)
    pooled: list[Pool] = []
    names = [name for name, _ in shared]
    for (name_of_edge, _), members in shared.items():
        name, (s, t) = name_of_edge, members[0]
        if names.count(name) > 1:
            studies = " and ".join(names_of_all[study] for study, _ in members)
            notes.append(f"{name} in {studies} is pooled with no study that measures it by another column")
            name = f"{name} in {studies}"
        prior, bounds = _on_z(models[s].term_priors[t] if s < len(models) else edge_priors[name_of_edge])
        # Fisher's z moves by 1 / (1 - b^2) for each step of b.
        scale = transport if bounds is None else transport / (1.0 - TYPICAL_MEMORY**2) / ((bounds[1] - bounds[0]) / 2.0)
        pooled.append(Pool(name, True, prior, bounds, scale, tuple(members)))
    return (*pooled, *own)


def _names(models: Sequence[Model], reported: Sequence[Reported]) -> tuple[str, ...]:
    """`JointModel.names`."""
    return (*(model.study.name for model in models), *(each.name for each in reported))


def _on_z(prior: Dist) -> tuple[Normal, tuple[float, float] | None]:
    return (Normal(0.0, SELF_SD), (prior.low, prior.high)) if isinstance(prior, Uniform) else (prior, None)


def _to_z(values: Floats, bounds: tuple[float, float] | None) -> Floats:
    if bounds is None:
        return values
    return np.arctanh((values - (bounds[0] + bounds[1]) / 2.0) / ((bounds[1] - bounds[0]) / 2.0))


def _from_z(values: Any, bounds: tuple[float, float] | None) -> Any:
    if bounds is None:
        return values
    return (bounds[0] + bounds[1]) / 2.0 + (bounds[1] - bounds[0]) / 2.0 * np.tanh(values)


def _log_prior(total: Any, squares: Any, count: Any, variance: Any, tau_squared: Any, log: Any = np.log) -> Any:
    """The log density of a pool's effects given tau, but for a constant: of arrays and of tensors alike.

    `total`, `squares`: the sum of the deviations from the prior's mean, and of their squares. The last axis of `tau_squared` is over tau's points.
    """
    spread = tau_squared + count * variance
    between = squares - total**2 / count
    return -0.5 * ((count - 1.0) * log(tau_squared) + log(spread) + between / tau_squared + total**2 / count / spread)


def _numbers(model: JointModel) -> dict[str, Floats]:
    parts = {
        "prior_mean": np.array([pool.prior.mean for pool in model.pools]),
        "prior_sd": np.array([pool.prior.sd for pool in model.pools]),
        "tau_scale": np.array([pool.scale for pool in model.pools]),
        "reported_effect": np.array([each.standard[0] for each in model.reported]),
        "reported_error": np.array([each.standard[1] for each in model.reported]),
    }
    for k, each in enumerate(model.models):
        parts |= {f"{name}_{k}": part for name, part in likelihood_numbers(each).items()}
    return parts


def _pymc(model: JointModel) -> pm.Model:
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor  # its functions promise lists where they give tensors

    starts = model.starts
    size = int(starts[-1])
    member = np.zeros((len(model.pools), size))
    half, middle, bounded = np.zeros(size), np.zeros(size), np.zeros(size, dtype=bool)
    for k, pool in enumerate(model.pools):
        at = model.at(pool)
        member[k, at] = 1.0
        if pool.bounds is not None:
            low, high = pool.bounds
            half[at], middle[at], bounded[at] = (high - low) / 2.0, (high + low) / 2.0, True
    shared = np.flatnonzero(member.sum(axis=1) > 1)
    alone = np.flatnonzero(member.sum(axis=1) == 1)
    coords = {f"node_{k}": list(each.linear_nodes) for k, each in enumerate(model.models)}
    with pm.Model(coords=coords) as out:
        data: dict[str, Any] = {name: pm.Data(name, value) for name, value in model.data.items() if value.size}
        data |= views(data["numbers"], _numbers(model), open_end=False)
        free = pm.Flat("turned", shape=size) @ model.turn
        deviation = free - data["prior_mean"] @ member
        if len(alone):
            scaled = (member[alone] @ deviation) / data["prior_sd"][alone]
            # An effect between bounds that no other study shares is uniform, exactly: the density of its z is the slope of tanh.
            slope = -2.0 * pt.log(pt.cosh(member[alone] @ free))
            uniform = np.array([model.pools[k].bounds is not None for k in alone])
            pm.Potential("alone", pt.sum(pt.where(uniform, slope, -0.5 * scaled**2)))
        if len(shared):
            total, squares = member[shared] @ deviation, member[shared] @ deviation**2
            tau_squared = (data["tau_scale"][shared][:, None] * _TAU[None, :]) ** 2
            count = member[shared].sum(axis=1)[:, None]
            variance = data["prior_sd"][shared][:, None] ** 2
            each = _log_prior(total[:, None], squares[:, None], count, variance, tau_squared, pt.log)
            pm.Potential("shared", pt.sum(pt.logsumexp(each, axis=1)))
        effect: Any = free
        if bounded.any():
            effect = pt.where(bounded, middle + half * pt.tanh(free), free)
        if model.reported:
            found = effect[int(starts[len(model.models)]) :]
            pm.Potential("reported", -pt.sum(((data["reported_effect"] - found) / data["reported_error"]) ** 2) / 2.0)
        for k, study in enumerate(model.models):
            system = study.system
            width = system.width
            laid = places(system, [term.name for term in system.terms])
            matrix = (effect[int(starts[k]) : int(starts[k + 1])] @ laid).reshape((len(system.nodes), width))
            own = {name.removesuffix(f"_{k}"): tensor for name, tensor in data.items() if name.endswith(f"_{k}")}
            add_likelihood(study, matrix, own, f"_{k}")
    return out
