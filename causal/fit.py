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
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.dist import Normal
from causal.errors import CausalError, ConvergenceError, Fault, nearest, raise_all
from causal.model import Model

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
        within units. The lag may be left out where only one edge joins the two. Raises `CausalError` for an unknown edge and for one
        that this study's equations carry only as a part of a longer road.
        """
        if scale not in ("natural", "standard"):
            raise CausalError(Fault(f"scale '{scale}' is not known", mend="take 'natural' or 'standard'"))
        name = _term_named(self.model, text)
        draws = self.posterior["effect"].sel(edge=name, drop=True)
        draws = draws if scale == "standard" else draws / self.model.on_standard_scale(name)
        return draws.rename(name)


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
) -> Fit:
    """Sample the posterior with nutpie (NUTS).

    `store`: a folder in which an equal fit is looked up and this one is kept. Raises `ConvergenceError`, naming the quantities and what to try, where
    R-hat is above 1.01, bulk or tail ESS below 400, or more than .1 % of the draws diverged, unless `allow_unconverged`.
    """
    _check_settings(seed=seed, draws=draws, chains=chains, tune=tune)
    warm_up = tune if tune is not None else WARM_UP_WITH_HOLES if model.design.holes.shape[1] else WARM_UP
    settings = {"seed": int(seed), "draws": int(draws), "chains": int(chains), "tune": int(warm_up)}
    path = None if store is None else Path(store) / f"{fingerprint(model, settings)}.nc"
    found = None if path is None else _stored(path)
    tree = found
    if tree is None:
        tree = _sampled(model, settings, progress)
        # A refused fit is kept too: asking again would only repeat the same refusal more slowly.
        if path is not None:
            write_tree(tree, path)
    result = Fit(model, tree, _convergence(tree))
    if not (allow_unconverged or result.convergence.passed):
        raise ConvergenceError(*_convergence_faults(result))
    return result


def fingerprint(model: Model, settings: Mapping[str, int]) -> str:
    """A hash of everything a fit depends on: graph, data, priors, settings and the versions of what computes it."""
    digest = hashlib.sha256()
    described = {
        "graph": model.graph.text(),
        "terms": [term.name for term in model.system.terms],
        "loadings": model.loadings,
        "priors": [repr(prior) for prior in model.term_priors],
        "settings": dict(settings),
        "versions": {name: version(name) for name in ("causal-claims", "pymc", "nutpie", "numpy")},
        "units": [str(unit) for unit in model.study.panel.units],
        "times": [str(time) for time in model.study.panel.times],
    }
    digest.update(json.dumps(described, sort_keys=True).encode())
    # The code that makes the numbers counts as their version too.
    for module in ("equations", "orthogonal", "swept", "model", "fit"):
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    for array in (
        model.design.standard,
        model.design.centres,
        model.design.scales,
        model.design.holes,
        model.design.anchors,
        model.design.sweep.weights,
    ):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def compiled(model: Model) -> Any:
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


def _sampled(model: Model, settings: Mapping[str, int], progress: Progress | None) -> xr.DataTree:
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
    return _tree(model, raw)


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
    coords = {
        "chain": np.arange(shape[0]),
        "draw": np.arange(shape[1]),
        "edge": terms,
        "node": list(model.system.nodes),
    }
    variables: dict[str, Any] = {
        "effect": (("chain", "draw", "edge"), effects),
        "shock_sd": (("chain", "draw", "node"), drawn["shock_sd"].to_numpy()),
    }
    if model.loadings:
        variables["shock_loading"] = (("chain", "draw", "pair"), drawn["shock_loading"].to_numpy())
        coords["pair"] = [f"{model.system.nodes[row]} ~ {model.system.nodes[column]}" for row, column in model.loadings]
    if model.design.holes.shape[1]:
        variables["missing"] = (("chain", "draw", "hole"), drawn["missing"].to_numpy() + model.design.hole_start)
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
    tree = xr.DataTree.from_dict(
        {"posterior": posterior, "prior": _prior_draws(model), "sample_stats": stats, "observed_data": observed}
    )
    tree.attrs = _measure_convergence(tree)
    return tree


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


def _convergence_faults(result: Fit) -> list[Fault]:
    found = result.convergence
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


def _stored(path: Path) -> xr.DataTree | None:
    """The tree kept at `path`, or None; a file that cannot be read is taken for none and made anew."""
    if not path.is_file():
        return None
    import xarray as xr

    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            found = tree.load()
        _convergence(found)  # a readable file that is no fit is as broken as an unreadable one
        return found if {"posterior", "prior", "sample_stats", "observed_data"} <= set(found.children) else None
    except (OSError, ValueError, KeyError):
        return None
