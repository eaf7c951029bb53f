"""Sampling: from a `Model` to a `Fit`, refused where the draws cannot be trusted, and kept where it may be asked again.

Compiling takes most of the time, so models of the same structure share one compiled form in a process
and only their data are swapped, those that the chains start from among them: what was compiled earlier leaves no trace in the draws.
`fit` with a `store` folder keeps each result as netCDF, which ArviZ opens, under a hash of everything that it depends on. Many fits at once
are `causal.refits`, which has from here the parts that `fit` is made of.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from causal.dist import Normal
from causal.equations import Floats
from causal.errors import CausalError, ConvergenceError, Fault, counted, nearest, no_such, raise_all, shortened
from causal.html import between, number, table
from causal.joint import JointModel, drawn_pools
from causal.model import Model
from causal.netcdf import read_tree, write_tree
from causal.noise import noise_arrays, noise_draws

if TYPE_CHECKING:
    import xarray as xr

_log = logging.getLogger(__name__)

R_HAT_LIMIT = 1.01
ESS_LIMIT = 400
DIVERGENT_SHARE_LIMIT = 0.001
WARM_UP = 500
WARM_UP_WITH_HOLES = 1000

Progress = Callable[[int, int, int], None]
"""Called with finished draws, all draws (warm-up included, all chains) and divergences."""

_PATIENCE = 0.1
"""Seconds between two looks at whether the draws are still wanted."""


@dataclass(frozen=True, eq=False)
class _Compiled:
    """nutpie's compiled form, and the `pm.Model` it was made of: no user's, since its data are another model's whenever chains of that one start.

    The compiled form swaps data in the density only; the function that gives the starting points reads those of `source`, one caller at a time.
    """

    form: Any
    source: Any
    lock: Lock = field(default_factory=Lock)

    def starts(self, model: Model | JointModel) -> Callable[[int], Floats]:
        """The starting point (unconstrained parameter) for a chain's seed, from the priors and the data of `model`."""
        read = {name: self.source[name] for name in model.data if name in self.source.named_vars}

        def start(seed: int) -> Floats:
            with self.lock:
                for name, variable in read.items():
                    variable.set_value(np.asarray(model.data[name], dtype=variable.dtype))
                return self.form.initial_point_func(seed)

        return start


# Compiled forms by model structure: state that only saves time. A compiled form does not pickle, so it lives as long
# as the process does.
_COMPILED: dict[tuple[object, ...], _Compiled] = {}
_COMPILING = Lock()


@dataclass(frozen=True)
class Convergence:
    """How far the draws can be trusted: the worst R-hat, the smallest bulk or tail ESS, the share of divergent draws.

    `unconverged` names the quantities beyond a limit, the worst first.
    """

    r_hat: float
    ess: float
    divergent_share: float
    unconverged: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every limit of the contract is kept."""
        return not self.unconverged and self.divergent_share <= DIVERGENT_SHARE_LIMIT

    @property
    def state(self) -> str:
        """The three numbers in words."""
        return f"worst R-hat {self.r_hat:.3f}, smallest effective sample {self.ess:.0f}, {self.divergent_share:.2%} divergent draws"


@dataclass(frozen=True)
class Fit:
    """Draws of a model. `data` is the tree of groups that ArviZ reads: posterior, prior, sample_stats, observed_data.

    `pooled` has the studies behind each term that `JointFit.scope` has put in the place of the study's own.
    """

    model: Model
    data: xr.DataTree
    convergence: Convergence
    pooled: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @cached_property
    def posterior(self) -> xr.Dataset:
        """Draws on the standard scale: `effect` (chain, draw, edge) and `shock_sd` (chain, draw, node).

        Where the model has them, also `shock_loading` (chain, draw, pair) and `missing` (chain, draw, hole).
        """
        return self.data["posterior"].to_dataset()

    def draws(self, name: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """One variable of `posterior` as a plain array (draw, last dim), draws in chain-major order."""
        values = self.posterior[name].to_numpy()
        return np.ascontiguousarray(values.reshape(values.shape[0] * values.shape[1], values.shape[2]))

    def edge(self, text: str, *, scale: str = "natural") -> xr.DataArray:
        """Draws (chain, draw) of one edge's effect.

        In natural units (of the outcome per unit of the cause), or with ``scale="standard"`` in sd of the outcome per sd of the cause, both
        within units; across units, of a move of the neighbours' weighted mean by that much. The lag may be left out where only one edge
        joins the two. Raises `CausalError` for an unknown edge and for one
        that this study's equations carry only as a part of a longer road.
        """
        if scale not in ("natural", "standard"):
            raise CausalError(Fault(f"scale '{scale}' is not known", mend="take 'natural' or 'standard'"))
        name = _term_named(self.model, text)
        draws = self.posterior["effect"].sel(edge=name, drop=True)
        draws = draws if scale == "standard" else draws / self.model.on_standard_scale(name)
        return draws.rename(name)

    def _repr_html_(self) -> str:
        """A table of the estimates for a notebook, and how far the draws can be trusted."""
        model, draws = self.model, self.draws("effect")
        rows: list[tuple[str, ...]] = []
        for term, column in zip(model.system.terms, draws.T, strict=True):
            low, middle, high = (float(value) for value in np.quantile(column, [0.05, 0.5, 0.95]))
            unit = model.on_standard_scale(term.name)
            what = "" if term.edge is not None else "roads through unmeasured nodes"
            rows.append(
                (
                    term.name,
                    what,
                    number(middle),
                    between(low, high),
                    number(middle / unit),
                    between(low / unit, high / unit),
                )
            )
        caption = (
            f"Fit of study '{model.study.name}', {model.priors.name} prior: "
            f"{model.design.size} units, {len(model.study.panel.times)} periods, {_drawn(self.posterior)}"
        )
        columns = ("term", "carries", "standard: median", "90 % interval", "natural: median", "90 % interval")
        notes = [_trusted(self.convergence, self.posterior), _ESTIMATES]
        return table(caption, columns, rows, notes=notes, whole="fit.posterior['effect']")


@dataclass(frozen=True)
class JointFit:
    """Draws of a model of several studies. `data` has the group `posterior` of what they share, and a tree of groups for each study.

    `study(name)` is one study's `Fit`, with its own effects as all studies together leave them: what simulates and is judged.
    """

    model: JointModel
    data: xr.DataTree
    convergence: Convergence

    @cached_property
    def posterior(self) -> xr.Dataset:
        """Draws on the standard scale: `effect` and `tau` (chain, draw, edge), and `reported` (chain, draw, report) of reported estimates.

        An edge that one study carries has that study's effect, and tau is drawn from its prior; several studies' `effect` is that of the population
        of studies. What is not pooled has tau 0.
        """
        return self.data["posterior"].to_dataset()

    def study(self, name: str) -> Fit:
        """One study's share of the fit. Raises `CausalError` for an unknown name."""
        names = [model.study.name for model in self.model.models]
        if name not in names:
            raise CausalError(Fault(f"no study '{name}' in the fit", mend=nearest(str(name), names)))
        model = self.model.models[names.index(name)]
        return Fit(model, self.data[_group(names.index(name))], self.convergence)  # pyright: ignore[reportArgumentType]

    def scope(self, name: str) -> Fit:
        """One study's units with the effects of a population of studies: what `simulate` and `contrast` need for the claims' own scope.

        Each effect that the studies share is drawn from Normal(b, tau) around theirs, so that an answer is as uncertain as carrying it over makes it; what they
        do not share is the study's own. Raises `CausalError` for an unknown name, and where an effect on a node that is not Normal would be replaced.
        """
        import xarray as xr

        own = self.study(name)
        place = [each.study.name for each in self.model.models].index(name)
        effect = own.posterior["effect"].copy(deep=True)
        pooled: dict[str, tuple[str, ...]] = {}
        for k, pool in enumerate(self.model.pools):
            terms = [own.model.system.terms[term] for study, term in pool.members if study == place]
            if not terms and pool.identified:
                # Another study's link that this one carries and cannot tell; how long a value lasts belongs to its column.
                carried = (term for term in own.model.system.terms if term.edge is not None and not term.edge.is_memory)
                terms = [term for term in carried if term.name == pool.name]
            if not terms or not pool.identified:
                continue
            draws, tau = (self.posterior[each].isel(edge=k).drop_vars("edge") for each in ("effect", "tau"))
            drawn = _transported(draws, tau, pool.bounds, pool.name).transpose("chain", "draw").to_numpy()
            effect.loc[{"edge": terms[0].name}] = drawn
            pooled[terms[0].name] = self.model.members(pool)
        unusual = sorted(
            {each.effect for each in own.model.system.terms if each.name in pooled} - {*own.model.linear_nodes}
        )
        if unusual:
            what = f"{', '.join(unusual)} in study '{name}': the levels of a node that is not Normal were drawn with the study's own effects"
            raise CausalError(Fault(what, mend=f"ask the study's own: fit.study('{name}')"))
        groups = {str(path): group.to_dataset() for path, group in own.data.children.items()}
        groups["posterior"] = own.posterior.assign(effect=effect)
        return Fit(own.model, xr.DataTree.from_dict(groups), own.convergence, pooled)

    def edge(self, text: str, *, scale: str = "natural", transported: bool = False) -> xr.DataArray:
        """Draws (chain, draw) of the effect that the studies share.

        On the standard scale, or in natural units where every study of the edge measures both nodes by columns of the same names: then at the
        geometric mean of the studies' scales. ``transported=True`` adds what a new study would differ by, Normal(0, tau). Raises
        `CausalError` for an unknown edge, for one that no study carries by itself, for one that no study identifies and
        several carry (ask each by `study`), for one that is transported from a study that does not identify it, and for natural units that differ.
        """
        if scale not in ("natural", "standard"):
            raise CausalError(Fault(f"scale '{scale}' is not known", mend="take 'natural' or 'standard'"))
        edge = self.model.graph.edge(text)
        pools = [k for k, pool in enumerate(self.model.pools) if pool.name == edge.name]
        if not pools:
            return self._alone(text, scale, transported)
        pool = self.model.pools[pools[0]]
        draws = self.posterior["effect"].isel(edge=pools[0]).drop_vars("edge")
        if transported:
            tau = self.posterior["tau"].isel(edge=pools[0]).drop_vars("edge")
            draws = _transported(draws, tau, pool.bounds, pool.name)
        if scale == "natural":
            draws = draws / self.on_standard_scale(edge.name)
        return draws.rename(edge.name)

    def within(self, name: str, text: str) -> xr.DataArray:
        """Draws (chain, draw) on the standard scale of an edge's effect in the study of that name, which may be a reported estimate."""
        if name in [each.name for each in self.model.reported]:
            return self.posterior["reported"].sel(report=name, drop=True)
        return self.study(name).edge(text, scale="standard")

    def on_standard_scale(self, name: str) -> float:
        """What a pooled effect of 1 in natural units is on the standard scale, at the geometric mean of its studies' scales.

        Raises `CausalError` where the studies measure the nodes by different columns.
        """
        pool = next(pool for pool in self.model.pools if pool.name == name)
        known = [self.model.models[study] for study, _ in pool.members if study < len(self.model.models)]
        if not known:
            what = f"'{name}' has no natural unit: it is a reported estimate's only"
            raise CausalError(Fault(what, mend="take scale='standard'"))
        return self._scale(name, known)

    def _repr_html_(self) -> str:
        """A table for a notebook of what the studies share, and how far the draws can be trusted."""
        shared = self.posterior
        rows: list[tuple[str, ...]] = []
        for k, pool in enumerate(self.model.pools):
            low, middle, high = np.quantile(shared["effect"].isel(edge=k), [0.05, 0.5, 0.95])
            tau = np.quantile(shared["tau"].isel(edge=k), [0.05, 0.5, 0.95])
            apart = f"{number(tau[1])} ({between(tau[0], tau[2])})"
            if not pool.identified:
                apart = "not pooled: no study identifies it"
            elif len(pool.members) == 1:
                apart = f"one study; by the prior {apart}"
            rows.append((pool.name, ", ".join(self.model.members(pool)), number(middle), between(low, high), apart))
        caption = f"Fit of {len(self.model.models)} studies as one, {self.model.priors.name} prior: {_drawn(shared)}"
        columns = ("effect", "studies", "standard: median", "90 % interval", "differ by (tau)")
        notes = [_trusted(self.convergence, shared), _ESTIMATES]
        return table(caption, columns, rows, notes=notes, whole="fit.posterior")

    def _alone(self, text: str, scale: str, transported: bool) -> xr.DataArray:
        faults: list[Fault] = []
        found: list[xr.DataArray] = []
        names = [model.study.name for model in self.model.models]
        for name in names:
            try:
                found.append(self.study(name).edge(text, scale=scale))
            except CausalError as error:
                faults.extend(Fault(fault.what, f"study '{name}'", fault.mend) for fault in error.faults)
        if found and transported:
            what = f"'{text}' cannot be transported: no study that measures it identifies it"
            raise CausalError(Fault(what, mend="measure more of the graph, or take transported=False"))
        if len(found) == 1:
            return found[0]
        if found:
            what = f"'{text}' is not pooled: its studies do not identify it, or measure a node's effect on itself by different columns"
            raise CausalError(Fault(what, mend=f"ask a study: fit.study('{names[0]}').edge(...)"))
        raise CausalError(*faults)

    def _scale(self, name: str, models: Sequence[Model]) -> float:
        edge = self.model.graph.edge(name)
        measured = {tuple(model.study.measure(node) for node in (edge.cause, edge.effect)) for model in models}
        if len(measured) > 1:
            raise CausalError(
                Fault(
                    f"'{name}' has no natural unit: the studies measure its nodes by different columns",
                    mend="take scale='standard', or ask a study: fit.study(name).edge(...)",
                )
            )
        return float(np.exp(np.mean([np.log(model.on_standard_scale(name)) for model in models])))


@overload
def fit(
    model: Model,
    *,
    seed: int = 0,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    allow_unconverged: bool = False,
    progress: Progress | None = None,
    store: Path | None = None,
) -> Fit: ...


@overload
def fit(
    model: JointModel,
    *,
    seed: int = 0,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    allow_unconverged: bool = False,
    progress: Progress | None = None,
    store: Path | None = None,
) -> JointFit: ...


def fit(
    model: Model | JointModel,
    *,
    seed: int = 0,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    allow_unconverged: bool = False,
    progress: Progress | None = None,
    store: Path | None = None,
) -> Fit | JointFit:
    """Sample the posterior with nutpie (NUTS).

    `store`: a folder in which an equal fit is looked up and this one is kept. Raises `ConvergenceError`, naming the quantities and what to try, where
    R-hat is above 1.01, bulk or tail ESS below 400, or more than .1 % of the draws diverged, unless `allow_unconverged`.
    """
    if not isinstance(model, (Model, JointModel)):
        raise CausalError(no_such(model, "model", "build one with ca.build_model"))
    check_settings(seed=seed, draws=draws, chains=chains, tune=tune)
    settings = settings_of(model, seed=seed, draws=draws, chains=chains, tune=tune)
    path = None if store is None else place_of(model, settings, store)
    tree = None if path is None else stored(path, model)
    if tree is None:
        began = monotonic()
        tree = sampled(model, settings, cores=min(chains, os.cpu_count() or 1), progress=progress)
        _log.info("a fit was made in %.1f s", monotonic() - began)
        # A refused fit is kept too: asking again would only repeat the same refusal more slowly.
        if path is not None:
            write_tree(tree, path)
    return fit_of(model, tree, allow_unconverged=allow_unconverged)


def check_settings(**settings: int | None) -> None:
    """Raise `CausalError` with every one of seed, draws, chains and tune that no fit can have."""
    faults = [
        Fault(f"{name} is {value!r}", mend="give a whole number" + (" above 0" if name != "seed" else ", 0 or above"))
        for name, value in settings.items()
        if value is not None
        and (not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < (name != "seed"))
    ]
    seed = settings.get("seed")
    if not faults and seed is not None and seed >= 2**64:
        faults.append(Fault("the seed is too large", mend="give a whole number below 2**64"))
    raise_all(faults)


def settings_of(
    model: Model | JointModel, *, seed: int, draws: int, chains: int, tune: int | None = None
) -> dict[str, int]:
    """What a fit's draws depend on beside the model; without `tune` the warm-up that the model needs."""
    warm_up = tune if tune is not None else WARM_UP_WITH_HOLES if _with_holes(model) else WARM_UP
    return {"seed": int(seed), "draws": int(draws), "chains": int(chains), "tune": int(warm_up)}


def place_of(model: Model | JointModel, settings: Mapping[str, int], store: Path | str) -> Path:
    """The file of the folder `store` in which this fit is kept."""
    return Path(store) / f"{fingerprint(model, settings)}.nc"


def stored(path: Path, model: Model | JointModel) -> xr.DataTree | None:
    """The tree kept at `path`, or None; a file that is no fit of such a model is as broken as an unreadable one, and made anew."""
    found = read_tree(path)
    if found is None:
        return None
    needed = {"posterior", "sample_stats"}
    needed |= (
        {"prior", "observed_data"}
        if isinstance(model, Model)
        else {_group(study) for study in range(len(model.models))}
    )
    try:
        _convergence(found)
    except (ValueError, KeyError):
        return None
    if not needed <= set(found.children):
        return None
    _log.info("a fit was found in %s", path)
    return found


def fit_of(model: Model | JointModel, tree: xr.DataTree, *, allow_unconverged: bool) -> Fit | JointFit:
    """The fit of a sampled tree. Raises `ConvergenceError` as `fit` does."""
    convergence = _convergence(tree)
    if not (allow_unconverged or convergence.passed):
        raise ConvergenceError(*_convergence_faults(convergence, tree["posterior"].sizes["draw"]))
    return Fit(model, tree, convergence) if isinstance(model, Model) else JointFit(model, tree, convergence)


def fingerprint(model: Model | JointModel, settings: Mapping[str, int]) -> str:
    """A hash of everything a fit depends on: graph, data, priors, settings and the versions of what computes it."""
    digest = hashlib.sha256()
    described: dict[str, Any] = {"settings": dict(settings), "made_by": made_by(), "model": identity(model)}
    digest.update(json.dumps(described, sort_keys=True).encode())
    return digest.hexdigest()[:32]


def identity(model: Model | JointModel) -> str:
    """A hash of what is fitted, graph, data and priors, whatever computes it."""
    digest = hashlib.sha256()
    if isinstance(model, JointModel):
        digest.update(repr((model.pools, model.reported)).encode())
    for each in (model,) if isinstance(model, Model) else model.models:
        digest.update(_described(each))
    return digest.hexdigest()[:32]


@cache
def made_by() -> str:
    """A hash of what computes a fit: the versions of the packages, and the code that makes the numbers, which counts as a version too."""
    versions = {name: version(name) for name in ("causal-claims", "pymc", "nutpie", "numpy")}
    digest = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    for module in (
        "weights",
        "engine",
        "noise",
        "families",
        "equations",
        "orthogonal",
        "orthogonal_op",
        "swept",
        "cells",
        "model",
        "joint",
        "fit",
    ):
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    return digest.hexdigest()


def _described(model: Model) -> bytes:
    design = model.design
    words = {
        "graph": model.graph.text(),
        "terms": [term.name for term in model.system.terms],
        "loadings": model.loadings,
        "priors": [repr(prior) for prior in model.term_priors],
        "units": [str(unit) for unit in model.study.panel.units],
        "times": [str(time) for time in model.study.panel.times],
    }
    arrays = (design.standard, design.centres, design.scales, design.holes, design.anchors, design.sweep.weights)
    if design.crossed is not None:
        arrays += (design.crossed, np.array([design.sweep.freedom]))
    if design.weights is not None:
        arrays += (design.weights,)
    if design.noise is not None:
        words["noise"] = repr(design.noise.structure)
        arrays += (design.noise.low, design.noise.high, *noise_arrays(design.noise).values())
    return b"".join(
        [json.dumps(words, sort_keys=True).encode(), *(np.ascontiguousarray(array).tobytes() for array in arrays)]
    )


def compiled(model: Model | JointModel) -> Any:
    """The compiled form of `model`, from an earlier model of the same structure where there was one. Threads may ask at once.

    Compiled by the rules of floating point: with liberties in the order of sums the last digits, and so the draws, would depend on which
    parts were found compiled on the disk, and the same seed would give other draws elsewhere.
    """
    import nutpie
    from pytensor.configdefaults import config

    structure = model.structure
    if structure not in _COMPILED:
        with _COMPILING:
            if structure not in _COMPILED:
                source = replace(model).pymc
                with config.change_flags(numba__fastmath=False):
                    _COMPILED[structure] = _Compiled(nutpie.compile_pymc_model(source), source)
    found = _COMPILED[structure]
    known = {variable.name for variable in found.form.shared_var_keys}
    form = found.form.with_data(**{name: value for name, value in model.data.items() if name in known})
    return replace(form, initial_point_func=found.starts(model))


def sampled(
    model: Model | JointModel,
    settings: Mapping[str, int],
    *,
    cores: int,
    progress: Progress | None = None,
    stop: Event | None = None,
) -> xr.DataTree:
    """The groups of a fit as `settings_of` says, up to `cores` chains at once, which changes no draw; its measures of convergence are attributes.

    Raises `ConvergenceError` where no chain can start, and `CancelledError` soon after `stop` is set.
    """
    import nutpie

    form = compiled(model)
    total = settings["chains"] * (settings["draws"] + settings["tune"])

    def report(states: Sequence[Any]) -> None:
        if progress is not None:
            progress(sum(state.finished_draws for state in states), total, sum(state.divergences for state in states))

    sampler = nutpie.sample(
        form,
        draws=settings["draws"],
        tune=settings["tune"],
        chains=settings["chains"],
        cores=cores,
        seed=settings["seed"],
        save_warmup=False,
        progress_bar=False,
        progress_callback=report if progress is not None else None,
        progress_rate=100,
        blocking=False,
    )
    try:
        raw = sampler.wait() if stop is None else _waited(sampler, stop)
    except KeyboardInterrupt:
        sampler.cancel()
        raise
    except RuntimeError as error:
        raise ConvergenceError(
            Fault(
                f"sampling could not start: {str(error).splitlines()[0]}",
                mend="look for a node on another scale than its unit suggests, or for a prior far from the data",
            )
        ) from None
    return _tree(model, raw) if isinstance(model, Model) else _joint_tree(model, raw, settings["seed"])


def _waited(sampler: Any, stop: Event) -> xr.DataTree:
    while True:
        try:
            return sampler.wait(timeout=_PATIENCE)
        except TimeoutError:
            if stop.is_set():
                sampler.cancel()
                raise CancelledError from None


_ESTIMATES = "These are estimates; which of them these data can tell from other causes is asked by ca.identify_edge."


def _drawn(posterior: xr.Dataset) -> str:
    return f"{counted(posterior.sizes['chain'], 'chain')} of {counted(posterior.sizes['draw'], 'draw')}"


def _trusted(found: Convergence, posterior: xr.Dataset) -> str:
    if not found.passed:
        return f"The draws cannot be trusted ({found.state}): {shortened(found.unconverged) or 'too many diverged'}."
    if posterior.sizes["chain"] == 1:
        return f"Whether chains agree cannot be told from one chain ({found.state})."
    return f"The chains agree ({found.state})."


def _term_named(model: Model, text: str) -> str:
    names = [term.name for term in model.system.terms]
    if text in names and text not in {edge.name for edge in model.graph.edges}:
        return text
    edge = model.graph.edge(text)
    for term in model.system.terms:
        if term.edge is not None and term.edge.name == edge.name:
            return term.name
    measured = set(model.system.nodes)
    missing = [node for node in (edge.cause, edge.effect) if node not in measured]
    if missing:
        raise CausalError(
            Fault(
                f"'{edge.name}' has no draws: this study does not measure {' and '.join(missing)}",
                mend=f"it has: {'; '.join(names)}",
            )
        )
    raise CausalError(
        Fault(
            f"'{edge.name}' has no draws of its own: roads through unmeasured nodes join it at the same lag",
            mend=nearest(text, names),
        )
    )


def _with_holes(model: Model | JointModel) -> bool:
    return any(each.design.holes.shape[1] > 0 for each in ((model,) if isinstance(model, Model) else model.models))


def _tree(model: Model, raw: xr.DataTree) -> xr.DataTree:
    """The groups ArviZ reads, the effects of both kinds of prior side by side in the order of the system's terms."""
    import xarray as xr

    drawn = raw["posterior"].to_dataset()
    terms = [term.name for term in model.system.terms]
    shape = (drawn.sizes["chain"], drawn.sizes["draw"], len(terms))
    effects = np.zeros(shape)
    normal = [isinstance(prior, Normal) for prior in model.term_priors]
    for name, chosen in (("effect", np.array(normal)), ("bounded_effect", ~np.array(normal, dtype=bool))):
        if name in drawn:
            effects[:, :, np.flatnonzero(chosen)] = drawn[name].to_numpy()
    return _with_convergence(xr.DataTree.from_dict(_groups(model, raw, effects)))


def _with_convergence(tree: xr.DataTree) -> xr.DataTree:
    tree.attrs = _measure_convergence(tree)
    return tree


def _groups(model: Model, raw: xr.DataTree, effects: Floats, mark: str = "") -> dict[str, xr.Dataset]:
    """A study's groups for ArviZ from its effects (chain, draw, edge) and the sampler's variables whose names end in `mark`."""
    import xarray as xr

    drawn = raw["posterior"].to_dataset()
    coords: dict[str, Any] = {
        "chain": np.arange(effects.shape[0]),
        "draw": np.arange(effects.shape[1]),
        "edge": [term.name for term in model.system.terms],
        "node": list(model.linear_nodes),
    }
    variables: dict[str, Any] = {
        "effect": (("chain", "draw", "edge"), effects),
        "shock_sd": (("chain", "draw", "node"), drawn[f"shock_sd{mark}"].to_numpy()),
    }
    if model.loadings:
        variables["shock_loading"] = (("chain", "draw", "pair"), drawn[f"shock_loading{mark}"].to_numpy())
        coords["pair"] = [f"{model.system.nodes[row]} ~ {model.system.nodes[column]}" for row, column in model.loadings]
    if model.design.holes.shape[1]:
        moved: list[Any] = [drawn[f"missing{mark}"].to_numpy()] if model.design.missing else []
        noise = model.design.noise
        if noise is not None:
            share, by = noise_draws(noise, drawn, mark)
            moved.append(by)
            if noise.free.any():
                variables["noise_share"] = (("chain", "draw", "noisy_node"), share[..., noise.free])
                coords["noisy_node"] = [
                    model.system.nodes[k] for k, free in zip(noise.nodes, noise.free, strict=True) if free
                ]
            if noise.indicators:
                coords["indicator"] = [each.name for each in noise.indicators]
                for name in ("loading", "indicator_sd"):
                    variables[name] = (("chain", "draw", "indicator"), drawn[f"{name}{mark}"].to_numpy())
        missing = np.concatenate(moved, axis=2) + model.design.hole_start
        variables["missing"] = (("chain", "draw", "hole"), missing)
    for each in model.cells:
        node = model.system.nodes[each.node]
        for name, dim, labels in (
            ("unit_level", "unit", [str(model.study.panel.units[k]) for k in model.design.units]),
            ("year_level", "time", _year_labels(model)),
            ("family_parameter", f"parameter_of_{node}", list(each.parameter_names)),
        ):
            if f"{name}_{node}{mark}" in drawn:
                variables[f"{name}_{node}"] = (("chain", "draw", dim), drawn[f"{name}_{node}{mark}"].to_numpy())
                coords[dim] = labels
    posterior = xr.Dataset(
        variables,
        coords=coords,
        attrs={"inference_library": "nutpie", "scale": "standard: sd of the outcome per sd of the cause"},
    )
    kept = [name for name in ("diverging", "logp", "n_steps", "step_size", "energy") if name in raw["sample_stats"]]
    stats = xr.Dataset(
        {name: (("chain", "draw"), raw["sample_stats"][name].to_numpy()) for name in kept},
        coords={k: coords[k] for k in ("chain", "draw")},
    )
    panel = model.study.panel
    observed = xr.Dataset(
        {"standard": (("node", "unit", "time"), model.design.standard)},
        coords={
            "node": list(model.system.nodes),
            "unit": [str(panel.units[k]) for k in model.design.units],
            "time": [str(time) for time in panel.times],
        },
    )
    return {"posterior": posterior, "prior": _prior_draws(model), "sample_stats": stats, "observed_data": observed}


def _joint_tree(model: JointModel, raw: xr.DataTree, seed: int) -> xr.DataTree:
    """The studies' groups, and what they share in a group `posterior` of its own."""
    import xarray as xr

    free = raw["posterior"]["turned"].to_numpy() @ model.turn
    effects = free.copy()
    for pool in model.pools:
        if pool.bounds is not None:
            low, high = pool.bounds
            at = model.at(pool)
            effects[..., at] = (low + high) / 2.0 + (high - low) / 2.0 * np.tanh(free[..., at])
    flat = effects.reshape(-1, effects.shape[-1])
    pooled, taus = drawn_pools(model, flat, np.random.default_rng([seed, len(model.pools)]))
    shape = (*effects.shape[:2], len(model.pools))
    shared = xr.Dataset(
        {
            "effect": (("chain", "draw", "edge"), pooled.reshape(shape)),
            "tau": (("chain", "draw", "edge"), taus.reshape(shape)),
        },
        coords={
            "chain": np.arange(shape[0]),
            "draw": np.arange(shape[1]),
            "edge": [pool.name for pool in model.pools],
        },
        attrs={"inference_library": "nutpie", "scale": "standard: sd of the outcome per sd of the cause"},
    )
    if model.reported:
        shared["reported"] = (("chain", "draw", "report"), effects[..., int(model.starts[len(model.models)]) :])
        shared.coords["report"] = [each.name for each in model.reported]
    groups: dict[str, xr.Dataset] = {"posterior": shared}
    for k, each in enumerate(model.models):
        own = effects[..., int(model.starts[k]) : int(model.starts[k + 1])]
        groups |= {f"{_group(k)}/{name}": found for name, found in _groups(each, raw, own, f"_{k}").items()}
    groups["sample_stats"] = groups[f"{_group(0)}/sample_stats"]
    tree = xr.DataTree.from_dict(groups)
    rounds = [_measure_convergence(tree[_group(k)]) for k in range(len(model.models))]  # pyright: ignore[reportArgumentType]
    named = [
        f"{model.models[k].study.name}: {name}"
        for k, found in enumerate(rounds)
        for name in json.loads(found["unconverged"])
    ]
    tree.attrs = {
        "r_hat": max(found["r_hat"] for found in rounds),
        "ess": min(found["ess"] for found in rounds),
        "divergent_share": rounds[0]["divergent_share"],
        "unconverged": json.dumps(named),
    }
    return tree


def _year_labels(model: Model) -> list[str]:
    """The periods that have a year effect."""
    start, stop = model.year_span or (0, 0)
    return [str(time) for time in model.study.panel.times[start:stop]]


def _group(study: int) -> str:
    return f"study_{study}"


def _transported(draws: xr.DataArray, tau: xr.DataArray, bounds: tuple[float, float] | None, name: str) -> xr.DataArray:
    # Each edge has chance of its own: what two effects differ by in a new study has nothing in common.
    noise = np.random.default_rng(list(name.encode())).standard_normal(draws.shape)
    if bounds is None:
        return draws + tau * noise
    half, middle = (bounds[1] - bounds[0]) / 2.0, (bounds[0] + bounds[1]) / 2.0
    moved = np.tanh(np.arctanh((draws.to_numpy() - middle) / half) + tau.to_numpy() * noise)
    return draws.copy(data=middle + half * moved)


def _prior_draws(model: Model, size: int = 4000) -> xr.Dataset:
    """Draws (chain, draw, edge) of each term's prior, so that pictures show both."""
    import xarray as xr

    generator = np.random.default_rng(0)
    columns = [
        generator.normal(prior.mean, prior.sd, size)
        if isinstance(prior, Normal)
        else generator.uniform(prior.low, prior.high, size)
        for prior in model.term_priors
    ]
    draws = np.stack(columns, axis=-1)[None] if columns else np.zeros((1, size, 0))
    return xr.Dataset(
        {"effect": (("chain", "draw", "edge"), draws)},
        coords={"chain": [0], "draw": np.arange(size), "edge": [term.name for term in model.system.terms]},
    )


def _measure_convergence(tree: xr.DataTree) -> dict[str, Any]:
    import arviz_stats as stats

    arviz_stats: Any = stats  # it exports these without saying so

    posterior = tree["posterior"].to_dataset()
    posterior = posterior[[name for name in posterior.data_vars if posterior[name].size]]
    several = posterior.sizes["chain"] > 1
    names: list[str] = []
    r_hat: list[float] = []
    ess: list[float] = []
    worst = arviz_stats.rhat(posterior) if several else None
    bulk, tail = arviz_stats.ess(posterior, method="bulk"), arviz_stats.ess(posterior, method="tail")
    for name in posterior.data_vars:
        dims = [dim for dim in posterior[name].dims if dim not in ("chain", "draw")]
        labels = (
            [str(label) for label in posterior[name].coords[dims[0]].to_numpy()]
            if dims and dims[0] in posterior[name].coords
            else list(map(str, range(posterior[name].shape[-1])))
        )
        names.extend(f"{name}[{label}]" for label in labels)
        r_hat.extend((worst[name] if worst is not None else bulk[name] * 0 + 1.0).to_numpy().ravel().tolist())
        ess.extend(np.minimum(bulk[name].to_numpy(), tail[name].to_numpy()).ravel().tolist())
    bad = sorted(
        (k for k in range(len(names)) if not (r_hat[k] <= R_HAT_LIMIT and ess[k] >= ESS_LIMIT)),
        key=lambda k: (-np.nan_to_num(r_hat[k], nan=np.inf), ess[k]),
    )
    diverging = tree["sample_stats"]["diverging"].to_numpy()
    return {
        "r_hat": float(max(r_hat)),
        "ess": float(min(ess)),
        "divergent_share": float(diverging.mean()),
        "unconverged": json.dumps([names[k] for k in bad]),
    }


def _convergence(tree: xr.DataTree) -> Convergence:
    attrs = tree.attrs
    return Convergence(
        float(attrs["r_hat"]),
        float(attrs["ess"]),
        float(attrs["divergent_share"]),
        tuple(json.loads(str(attrs["unconverged"]))),
    )


def _convergence_faults(found: Convergence, draws: int) -> list[Fault]:
    more = max(2 * draws, 2000)
    faults: list[Fault] = []
    if found.unconverged:
        listed = shortened(found.unconverged, 6)
        faults.append(
            Fault(
                f"did not converge: {listed} (worst R-hat {found.r_hat:.3f}, limit {R_HAT_LIMIT}; smallest ESS {found.ess:.0f}, limit {ESS_LIMIT})",
                mend=f"try more draws or a longer warm-up (draws={more}, tune={more}), tighter priors, or a graph with fewer edges among these nodes",
            )
        )
    if found.divergent_share > DIVERGENT_SHARE_LIMIT:
        faults.append(
            Fault(
                f"{found.divergent_share:.2%} of the draws diverged (limit {DIVERGENT_SHARE_LIMIT:.1%})",
                mend="try a longer warm-up, tighter priors, or allow_unconverged=True to look at the draws",
            )
        )
    return faults
