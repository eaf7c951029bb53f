"""A graph, one study and priors become a Bayesian model of the looped system.

`study_model` checks everything that data and graph must satisfy, puts each node on its standard scale, and
prepares the arrays of the likelihood (`Design`); the `pm.Model` itself is built when `Model.pymc`
is first asked for, because PyMC takes seconds to import. With ``A = [I - B0, -B1, ...]``, shock loadings ``L`` (unit
lower triangular) and shock sd ``s``, the log likelihood is

    - freedom * sum(log s) - 1/2 sum over nodes of (C S C')[v, v] / s_v^2 + b(F),    C = (I - L) A

where S are the cross-products with unit and year effects swept out and b is the orthogonal term that frees the result from
the bias of the unit effects (`causal.equations`; Lancaster 2002). It holds conditionally on the first
`lags` periods of each unit. Missing values inside a unit's span are parameters, and enter their children as that value. With
effects across units A goes on with ``[-C1, ...]`` for the neighbours' means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from causal import engine, families
from causal.cells import Cells, add_cells, cell_data, cells_of, fitted_linear, linear_rows, unit_means
from causal.dist import Dist, Normal, Uniform
from causal.equations import (
    Floats,
    Ints,
    Sweep,
    System,
    Term,
    cross_products,
    in_use,
    measured_system,
    prior_of_product,
    stacked,
    sweep_out,
)
from causal.errors import CausalError, Fault, listed, raise_all, shortened
from causal.graph import Edge, Graph
from causal.noise import Noise, add_indicators, add_noise, noise_arrays, noise_numbers, noise_of
from causal.others import mean_of_others
from causal.panel import Study, same_in_every_unit, standard_scales, study_faults, study_notes, unit_times, weights_of
from causal.weights import spectrum

if TYPE_CHECKING:
    import pymc as pm

WIDE = Normal(0.0, 1.0)
"""The prior of an effect about which nothing is said: one sd of the outcome per sd of the cause."""
SELF = Uniform(-1.0, 1.0)
"""The prior of a node's effect on itself."""
_ONE_UNIT = "one unit only: year effects cannot be told from its own changes and are left out"
SHOCK_SD = 1.0
"""Scale of the half-normal prior of a shock's sd, in within-unit sd of its node."""


@dataclass(frozen=True)
class Priors:
    """The prior of each edge's effect on the standard scale, by the edge's text.

    The lag may be left out where only one edge joins the two nodes. Edges that are not named get `WIDE`, Normal(0, 1), self-effects `SELF`, uniform
    from -1 to 1. Raises `CausalError` for what is neither a `Normal` nor a `Uniform`, and where a model is made for an edge that its graph has not.
    """

    effects: Mapping[str, Dist] = field(default_factory=dict[str, Dist])
    name: str = "given"

    def __post_init__(self) -> None:
        if not isinstance(self.effects, Mapping):
            raise CausalError(
                Fault(
                    f"priors are a {type(self.effects).__name__}", mend="give a mapping of an edge's text to its prior"
                )
            )
        object.__setattr__(self, "effects", dict(self.effects))
        raise_all(
            Fault(f"the prior of '{edge}' is {prior!r}", mend="give ca.Normal(mean, sd) or ca.Uniform(low, high)")
            for edge, prior in self.effects.items()
            if not isinstance(prior, (Normal, Uniform))
        )

    def of(self, graph: Graph) -> dict[str, Dist]:
        """The prior of every edge of `graph`, by the edge's full name. Raises where an edge is not in the graph."""
        given: dict[str, Dist] = {}
        faults: list[Fault] = []
        for text, prior in self.effects.items():
            try:
                given[graph.edge(text).name] = prior
            except CausalError as error:
                faults.extend(Fault(fault.what, "priors", fault.mend) for fault in error.faults)
        raise_all(faults)
        return {edge.name: given.get(edge.name, SELF if edge.is_memory else WIDE) for edge in graph.edges}


@dataclass(frozen=True)
class Design:
    """The arrays that the likelihood and the simulation read.

    `anchors` (anchor, hole): combinations of missing values that no equation determines, each with a Normal(0, 1) prior around the units'
    means. They are values among a unit's first `lags` periods, which the likelihood conditions on (the prior is then the within-unit
    spread), and the sum over units of a node that nobody measured in some year, which the year effects take up whatever it is.

    `standard` (node, unit, time): values less `centres` (node), divided by `scales` (node); NaN where missing.
    `units`: rows of the panel that are in the fit. `entry` (unit): first period whose value is used as a past.
    `sweep`: spans of the outcome periods. `holes` (3, hole): node, unit and time of each missing value in use;
    `hole_start` (hole): the unit's mean, around which the missing value is sampled. `weights` (unit, neighbour) where there are
    effects across units. `crossed` (column, column): the swept cross-products, where a data engine made them (`causal.engine`);
    `standard` and `units` then hold no unit. `noise`: of values that are measured with noise, which are holes too, the last ones: their `hole_start` is
    the value itself, and what they are filled with the truth.
    """

    standard: Floats
    centres: Floats
    scales: Floats
    units: Ints
    entry: Ints
    sweep: Sweep
    holes: Ints
    hole_start: Floats
    anchors: Floats
    weights: Floats | None = None
    crossed: Floats | None = None
    noise: Noise | None = None

    @property
    def size(self) -> int:
        """How many units are in the fit, in memory or in a data engine."""
        return len(self.sweep.first)

    @property
    def missing(self) -> int:
        """How many of the `holes` are missing values; the noisy ones stand behind them."""
        return self.holes.shape[1] - (0 if self.noise is None else self.noise.cells.shape[1])

    @property
    def filled(self) -> Floats:
        """`standard` with every missing value at its unit's mean, or zero where that is unknown."""
        out = np.nan_to_num(self.standard, nan=0.0)
        out[tuple(self.holes)] = self.hole_start
        return out

    @cached_property
    def spectrum(self) -> Floats:
        """The eigenvalues of `weights` that the orthogonal term takes (`causal.weights.spectrum`)."""
        return spectrum(cast("Floats", self.weights), year_effects=self.sweep.year_effects)


@dataclass(frozen=True)
class Model:
    """What is fitted: the measured equations of a graph, a study's data and the priors of the terms.

    `graph` is that part of the graph which the study keeps, `whole` the graph itself where the study sets nodes aside, else None; `year_effects` is
    what was asked for. A model pickles, but for the `pm.Model`, which is built anew where it is asked for.
    """

    graph: Graph
    study: Study
    system: System
    design: Design
    priors: Priors
    term_priors: tuple[Dist, ...]
    loadings: tuple[tuple[int, int], ...]
    notes: tuple[str, ...]
    cells: tuple[Cells, ...] = ()
    year_effects: bool = True
    whole: Graph | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "pymc"}

    @cached_property
    def pymc(self) -> pm.Model:
        """The `pm.Model`. Built once, when it is first asked for."""
        return _pymc(self)

    @cached_property
    def data(self) -> dict[str, NDArray[Any]]:
        """The arrays that change from data set to data set and from prior to prior, by their names in `pymc`."""
        return _data(self)

    @property
    def structure(self) -> tuple[object, ...]:
        """Two models of the same structure differ in `data` only, so that one compiled form serves both."""
        # A uniform prior's bounds shape the transform that the sampler works on, so that they belong to the structure.
        kinds = tuple(prior if isinstance(prior, Uniform) else "normal" for prior in self.term_priors)
        size, anchored = self.design.holes.shape[1], len(self.design.anchors) > 0
        shape = self.design.standard.shape[1:] if size or self.cells else ()
        years = self.year_span if self.cells else None
        return (
            self.system.nodes,
            tuple(term.name for term in self.system.terms),
            kinds,
            self.loadings,
            size,
            anchored,
            shape,
            years,
            *((len(self.design.spectrum),) if self.design.weights is not None else ()),
            *(() if self.design.noise is None else self.design.noise.structure),
            *(each.structure for each in self.cells),
        )

    @property
    def year_span(self) -> tuple[int, int] | None:
        """The first period with a year effect and the one after the last; None without year effects."""
        sweep = self.design.sweep
        return (int(sweep.first.min()), int(sweep.stop.max())) if sweep.year_effects else None

    @property
    def linear_nodes(self) -> tuple[str, ...]:
        """The measured nodes that have Normal equations."""
        linear = linear_rows(self.system, self.cells)
        return tuple(node for node, normal in zip(self.system.nodes, linear, strict=True) if normal)

    def family(self, node: str) -> str:
        """The family of a measured node."""
        return self.graph.node(node).family

    def on_standard_scale(self, name: str) -> float:
        """What an effect in natural units is multiplied by to stand on the standard scale. Raises `CausalError` where no term is called so."""
        index = {node: k for k, node in enumerate(self.system.nodes)}
        term = {term.name: term for term in self.system.terms}.get(name)
        if term is None:
            fitted = listed([term.name for term in self.system.terms])
            raise CausalError(Fault(f"'{name}' is carried by none of this study's equations", mend=f"fitted: {fitted}"))
        unit = {each.node: each.per_sd for each in self.cells}.get(
            index[term.effect], self.design.scales[index[term.effect]]
        )
        return float(self.design.scales[index[term.cause]] / unit)


def study_model(graph: Graph, study: Study, priors: Priors, *, year_effects: bool = True) -> Model:
    """The model of `graph` on one study; `causal.joint.build_model` is the public way to it, and says what is raised."""
    kept, edge_priors = check_study(graph, study, priors)
    whole = graph if len(kept.names) < len(graph.names) else None
    edge_priors = {
        # Of families of levels, effects on themselves are no shares of a value: the prior of such an effect is as wide as of any other.
        name: WIDE if prior is SELF and _family_of_effect(kept, name) in families.LOGISTIC else prior
        for name, prior in edge_priors.items()
    }
    if study.panel.table is not None:
        made = _engine_model(kept, study, study.panel.table, priors, edge_priors, year_effects=year_effects)
        return replace(made, whole=whole)
    natural = study.values(kept).transpose("variable", "unit", "time")
    values = natural.copy(
        data=np.stack(
            [
                families.value(kept.node(str(name)).family, rows)
                for name, rows in zip(natural["variable"].to_numpy(), natural.to_numpy(), strict=True)
            ]
        )
    )
    notes = list(study_notes(study, kept))
    swept = year_effects and values.sizes["unit"] > 1
    if year_effects and not swept:
        notes.append(_ONE_UNIT)
    names = [str(name) for name in values["variable"].to_numpy()]
    array = np.asarray(values.transpose("variable", "unit", "time").to_numpy(), dtype=float)
    common = [k for k in range(len(names)) if swept and same_in_every_unit(array[k])]
    system = _system(kept, study, [names[k] for k in common], notes)
    array = array[[k for k in range(len(array)) if k not in common]]
    scales = standard_scales(values).sel(variable=list(system.nodes)).to_numpy().astype(float)
    unusual = [k for k, node in enumerate(system.nodes) if kept.node(node).family not in families.LINEAR]
    weights = _weights(system, study, [system.nodes[k] for k in unusual], notes)
    design = _design(system, array, scales, swept, study, notes, weights)
    design = _with_noise(design, kept, study, system, notes)
    terms = tuple(_term_prior(term, edge_priors) for term in system.terms)
    if system.left_out:
        notes.extend(f"not carried by the fitted equations: {text}" for text in system.left_out)
    cells: tuple[Cells, ...] = ()
    if unusual:
        fitted = fitted_linear(system, design.filled, design.sweep, design.holes)
        cells = tuple(
            cells_of(
                system,
                k,
                kept.node(system.nodes[k]).family,
                natural.sel(variable=system.nodes[k]).to_numpy()[design.units],
                fitted,
                design.sweep,
                design.entry,
                design.holes,
                np.array([design.centres[k], design.scales[k]]),
            )
            for k in unusual
        )
    linear = linear_rows(system, cells)
    notes.extend(
        f"shocks that {left} and {right} share are not in the model: one of them is not Normal"
        for left, right in system.correlated
        if not (linear[system.nodes.index(left)] and linear[system.nodes.index(right)])
    )
    loadings = _loadings(system, linear)
    return Model(kept, study, system, design, priors, terms, loadings, tuple(notes), cells, year_effects, whole)


def check_study(graph: Graph, study: Study, priors: Priors) -> tuple[Graph, dict[str, Dist]]:
    """The part of the graph that the study keeps and the prior of every edge, without a look at rows in a data engine.

    Raises `CausalError` with everything that is wrong with the study and the priors at once.
    """
    if not isinstance(graph, Graph):
        raise CausalError(Fault(f"the graph is a {type(graph).__name__}", mend="read it with ca.read_graph(text)"))
    kept = graph.subgraph([name for name in graph.names if name not in study.sets_aside])
    faults = list(study_faults(study, kept))
    try:
        edge_priors = priors.of(graph)
    except CausalError as error:
        raise CausalError(*faults, *error.faults) from None
    raise_all(faults)
    return kept, edge_priors


def _system(kept: Graph, study: Study, common: Sequence[str], notes: list[str]) -> System:
    """The equations of the measured nodes without the `common` ones, which are the same in every unit."""
    for name in common:
        notes.append(
            f"{name} has one value for all units in each period: the year effects take it up, so its effects cannot be told"
        )
    names = [name for name in study.measured(kept) if name not in common]
    if not names:
        raise CausalError(
            Fault("no node is left to fit", where=study.name, mend="measure a node that differs between units")
        )
    # A node that the year effects take up is conditioned on by them: it is cut from the graph, not projected out of it.
    return measured_system(kept.subgraph([name for name in kept.names if name not in common]), names)


def _engine_model(
    kept: Graph,
    study: Study,
    table: engine.Table,
    priors: Priors,
    edge_priors: Mapping[str, Dist],
    *,
    year_effects: bool,
) -> Model:
    """The model of a study whose rows stay in a data engine: complete Normal series, as their cross-products."""
    known = study_notes(study, kept)
    notes, common = list(known), list[str]()
    while True:
        system = _system(kept, study, common, notes)
        _refuse_few_periods(len(study.panel.times), system.lags, study.name)
        columns = [_engine_column(study, node, kept.node(node).family) for node in system.nodes]
        made = engine.reduce(table, columns, system.lags, study.panel.times)
        units = int(made.counts.sum())
        if not units:
            raise CausalError(_no_unit_left(study.name))
        first, stop = (np.repeat(made.spans[:, k], made.counts) for k in (0, 1))
        sweep = sweep_out(first, stop, year_effects=year_effects and units + made.short > 1)
        yearly = made.yearly[: len(sweep.year_link)]
        crossed = made.within - yearly.T @ sweep.year_link @ yearly
        before, after = np.diagonal(made.within), np.diagonal(crossed)
        same = [node for k, node in enumerate(system.nodes) if sweep.year_effects and after[k] <= 1e-9 * before[k]]
        if not same:
            break
        common, notes = [*common, *same], list(known)
    if year_effects and not sweep.year_effects:
        notes.append(_ONE_UNIT)
    if made.short:
        gone = engine.left_out(table, system.lags + 2)
        notes.append(_left_out(gone, made.short + units))
    notes.extend(f"not carried by the fitted equations: {text}" for text in system.left_out)
    scales = np.tile(made.scales, system.lags + 1)
    informed = _informed(sweep, study.name)
    # An engine adds in another order each time; the last digits would make every fit another one.
    standard = np.round(crossed / np.outer(scales, scales) / informed.freedom, 12) * informed.freedom
    none = np.zeros(0, dtype=np.int64)
    design = Design(
        np.zeros((len(system.nodes), 0, len(study.panel.times))),
        made.centres,
        made.scales,
        none,
        first - system.lags,
        informed,
        np.zeros((3, 0), dtype=np.int64),
        np.zeros(0),
        np.zeros((0, 0)),
        crossed=standard,
    )
    terms = tuple(_term_prior(term, edge_priors) for term in system.terms)
    loadings = _loadings(system)
    return Model(kept, study, system, design, priors, terms, loadings, tuple(notes), year_effects=year_effects)


def _engine_column(study: Study, node: str, family: str) -> engine.Column:
    measure = study.measure(node)
    assert measure is not None
    transform = "log" if family == "lognormal" else measure.transform
    return engine.Column(measure.columns[0], transform, -1.0 if measure.direction == "-" else 1.0)


def regressors(model: Model, graph: Graph, edge: Edge) -> list[tuple[str, int]]:
    """The points that the fitted equation of the edge's effect holds fixed, the cause apart, named as in `with_others(graph)`."""
    points = [
        (mean_of_others(graph, term.cause, term.across), -term.lag)
        for term in model.system.terms
        if term.effect == edge.effect
    ]
    return [point for point in points if point != (mean_of_others(graph, edge.cause, edge.across), -edge.lag)]


def _weights(system: System, study: Study, unusual: Sequence[str], notes: list[str]) -> Floats | None:
    """The weights (unit, neighbour) of the system's effects across units, or None without any."""
    if not system.across:
        return None
    faults = [
        Fault(f"effects across units by several weights: {', '.join(system.across)}", study.name, "take one of them")
    ] * (len(system.across) > 1)
    faults += [
        Fault(f"'{node}' is not Normal, which effects across units need", study.name, "take the family normal")
        for node in unusual
    ]
    raise_all(faults)
    found = weights_of(study, system.across[0]).matrix(study.panel.units)
    alone = [str(study.panel.units[at]) for at in np.flatnonzero(found.sum(axis=1) == 0.0)]
    if alone:
        notes.append(f"no neighbours, so no effect from other units reaches: {', '.join(alone)}")
    return found


def _family_of_effect(graph: Graph, edge: str) -> str:
    """The family of the node that an edge, named in full, acts on; "normal" where the graph has no such edge."""
    found = [each.effect for each in graph.edges if each.name == edge]
    return graph.node(found[0]).family if found else "normal"


def _design(
    system: System,
    array: Floats,
    scales: Floats,
    year_effects: bool,
    study: Study,
    notes: list[str],
    weights: Floats | None = None,
) -> Design:
    nodes, units, times = array.shape
    where, names, panel_times = study.name, study.panel.units, study.panel.times
    lags = system.lags
    _refuse_few_periods(times, lags, where)
    centres = np.array([float(np.nanmean(row)) for row in array])
    standard = (array - centres[:, None, None]) / scales[:, None, None]
    seen = ~np.isnan(standard)
    lagged = sorted({system.nodes.index(term.cause) for term in system.terms if term.lag})
    entry = np.zeros(units, dtype=np.int64)
    stop = np.zeros(units, dtype=np.int64)
    for unit in range(units):
        if not seen[:, unit].any(axis=1).all():
            continue
        first_seen = int(seen[:, unit].argmax(axis=1).max())
        whole = np.flatnonzero(seen[:, unit].all(axis=0))
        stop[unit] = whole[-1] + 1 if len(whole) else 0
        # A unit starts in a period that is observed in every node with a later effect: a first value has no density of its own, and
        # integrating over it would favour small effects. It ends with the last period in which every node is measured: the orthogonal
        # term counts every period as informed.
        complete = seen[lagged, unit].all(axis=0)
        starts = [t for t in range(max(first_seen - lags, 0), times - lags) if not lags or complete[t]]
        entry[unit] = starts[0] if starts else times
    if weights is not None:
        # Each unit's neighbours' means need all units in every period.
        entry[:], stop[:] = entry.max(), stop.min()
        holes_in_use = np.argwhere(~seen[:, :, int(entry[0]) : int(stop[0])])
        if len(holes_in_use) or int(stop[0] - entry[0]) - lags < 2:
            what = "effects across units need every node of every unit in a row of periods common to all"
            what += f"; {len(holes_in_use)} values are missing" if len(holes_in_use) else ""
            raise CausalError(
                Fault(what, where=where, mend="leave out the units or nodes with gaps (units also from the weights)")
            )
    kept = np.flatnonzero(stop - entry - lags >= 2)
    if len(kept) == 0:
        raise CausalError(_no_unit_left(where))
    if len(kept) < units:
        notes.append(_left_out([str(names[at]) for at in range(units) if at not in kept], units))
    standard, entry, stop = standard[:, kept], entry[kept], stop[kept]
    first = entry + lags
    needed = _cells_in_use(system, entry, stop, times)
    used = needed.any(axis=0)
    hole_mask = np.isnan(standard) & needed
    holes = np.stack(np.nonzero(hole_mask)).astype(np.int64)
    unit_means = np.stack([[float(np.nanmean(standard[v, i])) for i in range(len(kept))] for v in range(nodes)])
    if holes.shape[1]:
        notes.append(f"{holes.shape[1]} missing values inside the series are estimated with the model")
    trimmed = ~used & (~np.isnan(standard)).any(axis=0)
    if trimmed.any():
        notes.append(
            f"{trimmed.sum()} unit-periods at the ends of series are unused, because a node is not measured there: "
            + unit_times(names[kept], panel_times, trimmed)
        )
    sweep = _informed(sweep_out(first, stop, year_effects=year_effects), where)
    anchors = _anchors(holes, first, needed.sum(axis=1) if year_effects else None)
    return Design(
        standard,
        centres,
        scales,
        kept.astype(np.int64),
        entry,
        sweep,
        holes,
        unit_means[holes[0], holes[1]],
        anchors,
        weights,
    )


def _cells_in_use(system: System, entry: Ints, stop: Ints, times: int) -> NDArray[np.bool_]:
    """The cells (node, unit, time) that stand in an equation: of a node with a later effect also those that are a past only."""
    lagged = np.isin(system.nodes, [term.cause for term in system.terms if term.lag])
    time = np.arange(times)
    start = entry + np.where(lagged, 0, system.lags)[:, None]
    return (time >= start[:, :, None]) & (time < stop[:, None])


def _with_noise(design: Design, kept: Graph, study: Study, system: System, notes: list[str]) -> Design:
    """The design with its noisy values behind its missing ones."""
    measures = [found for node in system.nodes if (found := study.measure(node)) is not None]
    noise = noise_of(
        study.panel,
        measures,
        [kept.node(node).family for node in system.nodes],
        design.standard,
        design.scales,
        design.units,
        _cells_in_use(system, design.entry, design.sweep.stop, design.standard.shape[2]),
        design.sweep.first,
        nodes=system.nodes,
        year_effects=design.sweep.year_effects,
        where=f"study '{study.name}'",
        notes=notes,
    )
    if noise is None:
        return design
    if design.weights is not None:
        raise CausalError(
            Fault(
                "effects across units need values without noise",
                f"study '{study.name}'",
                "leave error, reliability and loadings out of its measures, or the effects across units out of the graph",
            )
        )
    return replace(
        design,
        holes=np.concatenate([design.holes, noise.cells], axis=1),
        hole_start=np.concatenate([design.hole_start, design.standard[tuple(noise.cells)]]),
        noise=noise,
    )


def _left_out(gone: Sequence[str], units: int) -> str:
    """That units are not in the fit, the first dozen by name."""
    return f"{len(gone)} of {units} units have too few complete periods and are left out: {shortened(gone, 12)}"


def _refuse_few_periods(times: int, lags: int, where: str) -> None:
    if times <= lags + 1:
        raise CausalError(
            Fault(
                f"{times} periods are too few for a lag of {lags}",
                where=where,
                mend=f"bring at least {lags + 2} periods or a shorter lag",
            )
        )


def _no_unit_left(where: str) -> Fault:
    return Fault(
        "no unit has two periods in a row in which every node is measured with its past",
        where=where,
        mend="measure fewer nodes, or bring longer or more complete series",
    )


def _informed(sweep: Sweep, where: str) -> Sweep:
    """The sweep, if it leaves anything of the data."""
    if sweep.freedom < 1:
        raise CausalError(
            Fault("unit and year effects take up all the data", where=where, mend="bring more units or more periods")
        )
    return sweep


def _anchors(holes: Ints, first: Ints, needed: Ints | None) -> Floats:
    """`Design.anchors`; `needed` (node, time) counts the units whose value is in use, None without year effects."""
    node, unit, time = holes
    early = time < first[unit]
    rows = [np.eye(len(node))[k] for k in np.flatnonzero(early)]
    if needed is not None:
        for v, t in sorted(set(zip(node.tolist(), time.tolist(), strict=True))):
            here = (node == v) & (time == t)
            if here.sum() == needed[v, t] and not early[here].any():
                # Scaled to the spread of a single value: the direction is free, so a tight prior costs nothing.
                rows.append(here / here.sum() ** 0.5)
    return np.array(rows).reshape(len(rows), len(node)).astype(float)


def _term_prior(term: Term, edge_priors: Mapping[str, Dist]) -> Dist:
    if term.edge is not None:
        return edge_priors[term.edge.name]
    moments = {edge.name: _moments(edge_priors[edge.name]) for road in term.roads for edge in road}
    mean, sd = prior_of_product(moments, term.roads)
    return Normal(mean, sd)


def _moments(prior: Dist) -> tuple[float, float]:
    if isinstance(prior, Normal):
        return prior.mean, prior.sd
    return (prior.low + prior.high) / 2.0, (prior.high - prior.low) / 12.0**0.5


def _loadings(system: System, linear: NDArray[np.bool_] | None = None) -> tuple[tuple[int, int], ...]:
    """Positions (row, column) of the shock loadings that let the correlated pairs correlate freely, among `linear` nodes where that is given.

    The shocks are written one after another, each loading on earlier ones. Given the earlier ones, a shock depends on
    those among them that it correlates with and on whatever these, in turn, correlate with: on the whole connected pieces that it
    touches. With those loadings every covariance with the system's zeros can be reached, whatever the pattern. Next in order is
    always the node that touches least, so that few loadings are freed beyond the pairs.
    """
    partners: dict[int, set[int]] = {k: set() for k in range(len(system.nodes))}
    for left, right in system.correlated:
        a, b = system.nodes.index(left), system.nodes.index(right)
        if linear is not None and not (linear[a] and linear[b]):
            continue
        partners[a].add(b)
        partners[b].add(a)
    found: list[tuple[int, int]] = []
    pieces: list[set[int]] = []
    waiting = {node for node, others in partners.items() if others}
    while waiting:
        touched = {k: [piece for piece in pieces if piece & partners[k]] for k in waiting}
        node = min(waiting, key=lambda k: (sum(map(len, touched[k])), len(partners[k]), k))
        waiting.discard(node)
        joined = set[int]().union(*touched[node])
        found.extend((node, earlier) for earlier in sorted(joined))
        pieces = [piece for piece in pieces if not piece & partners[node]] + [joined | {node}]
    return tuple(found)


def _data(model: Model) -> dict[str, NDArray[Any]]:
    """`numbers`, everything small in one vector, and the large arrays of a panel with holes.

    Each array that can be swapped costs a tenth of a second or more whenever nutpie compiles, and is never cached.
    """
    numbers = _prior_numbers(model) | likelihood_numbers(model)
    arrays = {"numbers": np.concatenate([np.ravel(part) for part in numbers.values()])} | likelihood_arrays(model)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _prior_numbers(model: Model) -> dict[str, Floats]:
    normal = [prior for prior in model.term_priors if isinstance(prior, Normal)]
    return {
        "prior_mean": np.array([prior.mean for prior in normal]),
        "prior_sd": np.array([prior.sd for prior in normal]),
    }


def likelihood_numbers(model: Model) -> dict[str, Floats]:
    """The small parts of the likelihood's data in their order; the last alone has a length that the structure does not fix."""
    design = model.design
    parts = {"freedom": np.array(float(design.sweep.freedom))}
    if design.noise is not None:
        parts |= noise_numbers(design.noise)
    if design.holes.shape[1]:
        parts["hole_start"] = design.hole_start
    else:
        made = design.crossed
        if made is None:
            made = cross_products(stacked(design.filled, model.system.lags, design.weights), design.sweep)
        parts["cross_products"] = made
    return parts | {"weights": design.sweep.weights}


def likelihood_arrays(model: Model) -> dict[str, NDArray[Any]]:
    """The large arrays of the likelihood: of a panel with holes, and of nodes that are not Normal; else none."""
    design = model.design
    arrays: dict[str, NDArray[Any]] = {} if design.weights is None else {"spectrum": design.spectrum}
    for each in model.cells:
        arrays |= {f"{name}_of_{each.node}": array for name, array in cell_data(each).items()}
    if design.noise is not None:
        arrays |= noise_arrays(design.noise)
    if model.cells:
        arrays["used"] = in_use(design.sweep, design.standard.shape[2])
    if not design.holes.shape[1]:
        return arrays | ({"values": design.filled} if model.cells else {})
    return arrays | {
        "values": design.filled,
        "holes": design.holes,
        "anchors": design.anchors,
        "first": design.sweep.first,
        "stop": design.sweep.stop,
        "year_link": design.sweep.year_link,
    }


def views(vector: Any, parts: Mapping[str, Floats], start: int = 0, *, open_end: bool = True) -> dict[str, Any]:
    """The parts that were laid end to end in `vector` from `start` on, each in its shape; with `open_end` the last runs to the end."""
    found: dict[str, Any] = {}
    for k, (name, part) in enumerate(parts.items()):
        stop = None if open_end and k == len(parts) - 1 else start + part.size
        found[name] = vector[start:stop] if part.ndim == 1 else vector[start:stop].reshape(part.shape)
        start += part.size
    return found


def _pymc(model: Model) -> pm.Model:
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor  # its functions promise lists where they give tensors

    system = model.system
    width = system.width
    names = {
        "normal_term": [t.name for t, p in zip(system.terms, model.term_priors, strict=True) if isinstance(p, Normal)],
        "uniform_term": [
            t.name for t, p in zip(system.terms, model.term_priors, strict=True) if isinstance(p, Uniform)
        ],
    }
    with pm.Model(
        coords={"node": list(model.linear_nodes), **{dim: found for dim, found in names.items() if found}}
    ) as out:
        data: dict[str, Any] = {name: pm.Data(name, value) for name, value in model.data.items() if value.size}
        data |= views(data["numbers"], _prior_numbers(model) | likelihood_numbers(model))
        flat = pt.zeros(len(system.nodes) * width)
        if names["normal_term"]:
            effect = pm.Normal("effect", data["prior_mean"], data["prior_sd"], dims="normal_term")
            flat = flat + effect @ places(system, names["normal_term"])
        if names["uniform_term"]:
            bounds = [(prior.low, prior.high) for prior in model.term_priors if isinstance(prior, Uniform)]
            bounded = pm.Uniform("bounded_effect", *np.array(bounds).T, dims="uniform_term")
            flat = flat + bounded @ places(system, names["uniform_term"])
        add_likelihood(model, flat.reshape((len(system.nodes), width)), data)
    return out


def add_likelihood(model: Model, matrix: Any, data: Mapping[str, Any], mark: str = "") -> None:
    """Add a study's likelihood, and the parameters that are its alone, to the `pm.Model` in whose context it is called.

    `matrix`: the tensor ``[B0, B1, ...]``; `data`: the tensors of `likelihood_numbers` and `likelihood_arrays`; `mark` is put behind each name.
    """
    import pymc as pm
    import pytensor.tensor as tensor

    from causal.orthogonal_op import orthogonal_term
    from causal.swept import half_squares

    pt: Any = tensor
    nodes, lags = len(model.system.nodes), model.system.lags
    truth = matrix
    linear = linear_rows(model.system, model.cells)
    for each in model.cells:
        # In the orthogonal term a linear row stands for an equation that is not.
        matrix = pt.set_subtensor(matrix[each.node], data[f"linear_of_{each.node}"])
    shock_sd = pm.HalfNormal(f"shock_sd{mark}", SHOCK_SD, dims=f"node{mark}")
    residual = np.eye(nodes, model.system.width) - matrix
    if model.loadings:
        loading = pm.Normal(f"shock_loading{mark}", 0.0, 1.0, shape=len(model.loadings))
        at = np.array([row * nodes + column for row, column in model.loadings])
        residual = residual - (loading @ np.eye(nodes * nodes)[at]).reshape((nodes, nodes)) @ residual
    scaled = np.eye(nodes)[:, linear] @ (residual[np.flatnonzero(linear)] / shock_sd[:, None])
    filled = data.get("values")
    if "holes" in data:
        parts: list[Any] = []
        noise = model.design.noise
        if model.design.missing:
            missing = pm.Flat(f"missing{mark}", shape=model.design.missing)
            if "anchors" in data:
                pm.Potential(f"anchored{mark}", -pt.sum((data["anchors"] @ missing) ** 2) / 2.0)
            parts.append(missing)
        if noise is not None:
            parts.append(add_noise(noise, data, mark))
        moved = data["hole_start"] + (parts[0] if len(parts) == 1 else pt.concatenate(parts))
        arrays = [data[name] for name in ("values", "holes", "first", "stop", "year_link")]
        squares = half_squares(scaled, moved, *arrays)
        if model.cells or (noise is not None and noise.indicators):
            node, unit, time = (data["holes"][k] for k in range(3))
            filled = pt.set_subtensor(data["values"][node, unit, time], moved)
        if noise is not None and noise.indicators:
            add_indicators(noise, filled, data, mark)
    else:
        squares = pt.sum((scaled @ data["cross_products"]) * scaled) / 2.0
    pm.Potential(f"likelihood{mark}", -data["freedom"] * pt.sum(pt.log(shock_sd)) - squares)
    if lags:
        pm.Potential(f"orthogonal{mark}", orthogonal_term(matrix, data["weights"], data.get("spectrum")))
    if model.cells:
        means = unit_means(filled, data["used"], lags)
        for each in model.cells:
            ending = f"_of_{each.node}"
            theirs = {name.removesuffix(ending): tensor for name, tensor in data.items() if name.endswith(ending)}
            add_cells(each, model.system, truth, filled, means, theirs, mark, years=model.year_span)


def places(system: System, names: Sequence[str]) -> Floats:
    """Where terms stand in ``[B0, B1, ...]`` laid out flat: (term, place), one 1 in each row. A product compiles faster than an assignment."""
    rows, columns = system.positions()
    width = system.width
    position = {term.name: k for k, term in enumerate(system.terms)}
    at = np.array([position[name] for name in names])
    return np.eye(len(system.nodes) * width)[rows[at] * width + columns[at]]
