"""Sampling: from a `Model` to a `Fit`, refused where the draws cannot be trusted, and kept where it may be asked again.

Compiling takes most of the time, so models of the same structure share one compiled form in a process
and only their data are swapped. `fit` with a `store` folder keeps each result as netCDF, which ArviZ opens,
under a hash of everything that it depends on; it is written beside its place first and moved there whole, so an interrupted run leaves
no half file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from causal.dist import Normal
from causal.equations import Floats
from causal.errors import CausalError, ConvergenceError, Fault, nearest, raise_all
from causal.joint import JointModel, drawn_pools
from causal.model import Model
from causal.noise import noise_arrays, noise_draws

if TYPE_CHECKING:
    import xarray as xr

R_HAT_LIMIT = 1.01
ESS_LIMIT = 400
DIVERGENT_SHARE_LIMIT = 0.001
WARM_UP = 500
WARM_UP_WITH_HOLES = 1000

Progress = Callable[[int, int, int], None]
"""Called with finished draws, all draws (warm-up included, all chains) and divergences."""

# Compiled forms by model structure: state that only saves time. A compiled form does not pickle, so it lives as long
# as the process does.
_COMPILED: dict[tuple[object, ...], Any] = {}


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


@dataclass(frozen=True)
class Fit:
    """Draws of a model. `data` is the tree of groups that ArviZ reads: posterior, prior, sample_stats, observed_data."""

    model: Model
    data: xr.DataTree
    convergence: Convergence

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
            draws = _transported(draws, tau, pool.bounds)
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
    _check_settings(seed=seed, draws=draws, chains=chains, tune=tune)
    warm_up = tune if tune is not None else WARM_UP_WITH_HOLES if _with_holes(model) else WARM_UP
    settings = {"seed": int(seed), "draws": int(draws), "chains": int(chains), "tune": int(warm_up)}
    path = None if store is None else Path(store) / f"{fingerprint(model, settings)}.nc"
    found = None if path is None else _stored(path, model)
    tree = found
    if tree is None:
        tree = _sampled(model, settings, progress)
        # A refused fit is kept too: asking again would only repeat the same refusal more slowly.
        if path is not None:
            write_tree(tree, path)
    convergence = _convergence(tree)
    if not (allow_unconverged or convergence.passed):
        raise ConvergenceError(*_convergence_faults(convergence))
    return Fit(model, tree, convergence) if isinstance(model, Model) else JointFit(model, tree, convergence)


def fingerprint(model: Model | JointModel, settings: Mapping[str, int]) -> str:
    """A hash of everything a fit depends on: graph, data, priors, settings and the versions of what computes it."""
    digest = hashlib.sha256()
    described: dict[str, Any] = {
        "settings": dict(settings),
        "versions": {name: version(name) for name in ("causal-claims", "pymc", "nutpie", "numpy")},
    }
    if isinstance(model, JointModel):
        described["pools"] = [repr(pool) for pool in model.pools]
        described["reported"] = [repr(each) for each in model.reported]
    digest.update(json.dumps(described, sort_keys=True).encode())
    # The code that makes the numbers counts as their version too.
    for module in (
        "weights",
        "engine",
        "noise",
        "families",
        "equations",
        "orthogonal",
        "swept",
        "cells",
        "model",
        "joint",
        "fit",
    ):
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    for each in (model,) if isinstance(model, Model) else model.models:
        digest.update(_described(each))
    return digest.hexdigest()[:32]


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
    """The compiled form of `model`, from an earlier model of the same structure where there was one."""
    import nutpie

    if model.structure not in _COMPILED:
        _COMPILED[model.structure] = nutpie.compile_pymc_model(model.pymc)
    form = _COMPILED[model.structure]
    known = {variable.name for variable in form.shared_var_keys}
    return form.with_data(**{name: value for name, value in model.data.items() if name in known})


def write_tree(tree: xr.DataTree, path: Path) -> None:
    """Write a tree as netCDF, whole or not at all. Raises `CausalError` where the place cannot be written."""
    write_whole(path, lambda part: tree.to_netcdf(part, engine="h5netcdf"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file beside `path`, then move it there, so that no half file ever stands at `path`.

    The folder is made where it is not there. Raises `CausalError` where the place cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise CausalError(Fault(what, where=str(path), mend="choose a folder you may write to")) from None


def _check_settings(**settings: int | None) -> None:
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


def _sampled(model: Model | JointModel, settings: Mapping[str, int], progress: Progress | None) -> xr.DataTree:
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
        cores=min(settings["chains"], os.cpu_count() or 1),
        seed=settings["seed"],
        save_warmup=False,
        progress_bar=False,
        progress_callback=report if progress is not None else None,
        progress_rate=100,
        blocking=False,
    )
    try:
        raw = sampler.wait()
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


def _transported(draws: xr.DataArray, tau: xr.DataArray, bounds: tuple[float, float] | None) -> xr.DataArray:
    noise = np.random.default_rng(0).standard_normal(draws.shape)
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


def _convergence_faults(found: Convergence) -> list[Fault]:
    faults: list[Fault] = []
    if found.unconverged:
        listed = ", ".join(found.unconverged[:6]) + (
            f" and {len(found.unconverged) - 6} more" if len(found.unconverged) > 6 else ""
        )
        faults.append(
            Fault(
                f"did not converge: {listed} (worst R-hat {found.r_hat:.3f}, limit {R_HAT_LIMIT}; smallest ESS {found.ess:.0f}, limit {ESS_LIMIT})",
                mend="try more draws or a longer warm-up (draws=2000, tune=2000), tighter priors, or a graph with fewer edges among these nodes",
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


def _stored(path: Path, model: Model | JointModel) -> xr.DataTree | None:
    """The tree kept at `path`, or None; a file that cannot be read is taken for none and made anew."""
    if not path.is_file():
        return None
    import xarray as xr

    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            found = tree.load()
        _convergence(found)  # a readable file that is no fit is as broken as an unreadable one
        needed = {"posterior", "sample_stats"}
        needed |= (
            {"prior", "observed_data"}
            if isinstance(model, Model)
            else {_group(study) for study in range(len(model.models))}
        )
        return found if needed <= set(found.children) else None
    except (OSError, ValueError, KeyError):
        return None
