"""Many fits at once: a model compiles once, new data of its shape swap in, and threads or a Dask cluster fit them.

Replications, leave-outs and simulated worlds are one model over and over, with other data. `with_data` makes the model that another one is
on new data; models of one structure then share one compiled form (`causal.fit`). `fit_many` fits any number of models: fit k is exactly

    fit(models[k], seed=seed_of(seed, k), ...)

wherever it runs and whatever ran before it, so that a list can be cut in parts, stopped and gone on with.

Here each structure is compiled once, in a thread of its own, while a pool of threads fits what is compiled, one fit a thread and one chain after another.
On a cluster (extra `cluster`) each worker process compiles a structure once; models travel without the rows that they were made from, and
with the arrays that were computed here, so that the draws are the same. With a `store` every finished fit is kept at once, under the name that `fit` gives it,
and is not made again: what an interruption takes away are the fits that were running.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from causal.errors import CausalError, ConvergenceError, Fault, RefitError, nearest, no_such, raise_all
from causal.fit import (
    Fit,
    JointFit,
    check_settings,
    compiled,
    fit_of,
    made_by,
    place_of,
    sampled,
    settings_of,
    stored,
)
from causal.joint import JointModel, build_model
from causal.model import Model
from causal.netcdf import open_folder, write_tree
from causal.panel import Panel, Study

if TYPE_CHECKING:
    import xarray as xr
    from distributed import Client

type Data = Panel | Study | Sequence[Panel | Study] | Mapping[str, Panel | Study]
"""What a model is given new data by: those of its one study, of all its studies in their order, or of some by name."""

FitsProgress = Callable[[int, int, int], None]
"""Called in the caller's thread with the finished fits (found, made or failed), all fits, and the failed ones."""

_ANSWER = 4
"""Seconds within which a scheduler has to answer."""
_GLANCE = 0.2
"""Seconds after which waiting for a fit looks up, so that an interrupt gets through."""
_EXTRA = "install the extra: pip install 'causal-claims[cluster]'"


@dataclass(frozen=True)
class _Job:
    """One of many fits: its place among them, what it is of, and the file that keeps it."""

    at: int
    model: Model | JointModel
    settings: dict[str, int]
    path: Path | None


@overload
def with_data(model: Model, studies: Data) -> Model: ...


@overload
def with_data(model: JointModel, studies: Data) -> JointModel: ...


def with_data(model: Model | JointModel, studies: Data) -> Model | JointModel:
    """The model of the same graph, priors, year effects, transport and reported estimates as `model`, on other data.

    `studies`: as many as the model has, in order, or a mapping of studies' names to their new data, where a study that is not named keeps its own. A
    `Panel` takes the place of the study's panel, with its measures, weights and all else; a `Study` that of the study.
    Data of the same shape share the compiled form, and so do complete panels of any length whose nodes are Normal; others are compiled anew when they
    are fitted. Raises `CausalError` for another number of studies, an unknown name, and for all that `build_model` refuses.
    """
    if not isinstance(model, (Model, JointModel)):
        raise CausalError(no_such(model, "model", "build one with ca.build_model"))
    if isinstance(model, Model):
        (study,) = _studies((model,), studies)
        graph = model.graph if model.whole is None else model.whole
        return build_model(graph, study, model.priors, year_effects=model.year_effects)
    made = build_model(
        model.graph,
        [*_studies(model.models, studies), *model.reported],
        model.priors,
        year_effects=model.models[0].year_effects,
        transport=model.transport,
    )
    assert isinstance(made, JointModel)
    return made


def seed_of(seed: int, place: int) -> int:
    """The seed of the fit at `place`, 0 or above, among those that `fit_many` makes with `seed`. Raises `CausalError` for a seed that `fit` would refuse.

    >>> seed_of(1, 0) == seed_of(1, 0) != seed_of(1, 1)
    True
    """
    check_settings(seed=seed)
    return int(np.random.SeedSequence(int(seed), spawn_key=(place,)).generate_state(1, np.uint64)[0])


@overload
def fit_many(
    models: Sequence[Model],
    *,
    like: None = None,
    cluster: str | Client | None = None,
    seed: int = 0,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    store: Path | None = None,
    allow_unconverged: bool = False,
    progress: FitsProgress | None = None,
) -> list[Fit]: ...


@overload
def fit_many(
    models: Sequence[JointModel],
    *,
    like: None = None,
    cluster: str | Client | None = None,
    seed: int = 0,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    store: Path | None = None,
    allow_unconverged: bool = False,
    progress: FitsProgress | None = None,
) -> list[JointFit]: ...


@overload
def fit_many(
    models: Sequence[Data],
    *,
    like: Model,
    cluster: str | Client | None = None,
    seed: int = 0,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    store: Path | None = None,
    allow_unconverged: bool = False,
    progress: FitsProgress | None = None,
) -> list[Fit]: ...


@overload
def fit_many(
    models: Sequence[Data],
    *,
    like: JointModel,
    cluster: str | Client | None = None,
    seed: int = 0,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    store: Path | None = None,
    allow_unconverged: bool = False,
    progress: FitsProgress | None = None,
) -> list[JointFit]: ...


def fit_many(
    models: Sequence[Model] | Sequence[JointModel] | Sequence[Data],
    *,
    like: Model | JointModel | None = None,
    cluster: str | Client | None = None,
    seed: int = 0,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    store: Path | None = None,
    allow_unconverged: bool = False,
    progress: FitsProgress | None = None,
) -> list[Fit] | list[JointFit]:
    """The fits of many models, in their order; with `like` a model, `models` are data, each of which that model takes on (`with_data`).

    Fit k has the seed ``seed_of(seed, k)``, and is what `fit` gives with it. `cluster`: the address of a Dask scheduler, or a
    `distributed.Client`. `store`: a folder in which equal fits are looked up and each is kept as soon as it is made. `progress` is called after every fit.

    Raises `CausalError` before anything is compiled for settings that no fit can have, a store that cannot be written, data that the model cannot
    take and a cluster that does not answer; `RefitError` at the end where some fits failed, with those that did not. On a keyboard interrupt what runs
    here is given up; a cluster's workers finish what they have begun.
    """
    faults = _faults(like, cluster, store)
    try:
        check_settings(seed=seed, draws=draws, chains=chains, tune=tune)
    except CausalError as error:
        faults.extend(error.faults)
    raise_all(faults)
    given = _models(models, like)
    if store is not None:
        open_folder(Path(store))
    jobs = [_job(at, model, seed, draws, chains, tune, store) for at, model in enumerate(given)]
    fits: list[Any] = [None] * len(jobs)
    failed: dict[int, Fault] = {}
    with _backend(cluster) as make, closing(_found_or_made(jobs, make)) as finished:
        for done, (job, found) in enumerate(finished, 1):
            try:
                if isinstance(found, CausalError):
                    raise found
                fits[job.at] = fit_of(job.model, found, allow_unconverged=allow_unconverged)
            except CausalError as error:
                failed[job.at] = _fault(job, error)
            if progress is not None:
                progress(done, len(jobs), len(failed))
    if failed:
        raise RefitError(*(failed[at] for at in sorted(failed)), fits=fits)
    return fits


type _Outcome = tuple[_Job, xr.DataTree | CausalError]
type _Make = Callable[[Sequence[_Job]], Generator[_Outcome]]


def _found_or_made(jobs: Sequence[_Job], make: _Make) -> Generator[_Outcome]:
    """Each job with its tree from the store or, when all that are kept have been handed over, from `make` as they are done."""
    missing: list[_Job] = []
    for job in jobs:
        tree = None if job.path is None else stored(job.path, job.model)
        if tree is None:
            missing.append(job)
        else:
            yield job, tree
    with closing(make(missing)) as made:
        yield from made


def _here(jobs: Sequence[_Job]) -> Generator[_Outcome]:
    """The jobs done by threads, as they are done."""
    alike: dict[tuple[object, ...], list[_Job]] = {}
    for job in jobs:
        alike.setdefault(job.model.structure, []).append(job)
    stop = Event()
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    # Threads of their own leave the caller's free to take an interrupt, which compiling would not.
    compiling, fitting = ThreadPoolExecutor(1), ThreadPoolExecutor(os.cpu_count() or 1)
    waiting: dict[Future[Any], list[_Job]] = {}
    running: dict[Future[Any], _Job] = {}
    try:
        for group in alike.values():
            waiting[compiling.submit(compiled, group[0].model)] = group
        for future in list(waiting):
            future.add_done_callback(done.put)
        while waiting or running:
            future = _next(done)
            if future in running:
                yield running.pop(future), future.result()
                continue
            future.result()
            for job in waiting.pop(future):
                begun = fitting.submit(_made, job, stop)
                running[begun] = job
                begun.add_done_callback(done.put)
    finally:
        stop.set()
        compiling.shutdown(wait=False, cancel_futures=True)
        fitting.shutdown(wait=True, cancel_futures=True)


def _next(done: SimpleQueue[Future[Any]]) -> Future[Any]:
    # A wait without an end misses an interrupt that arrives just before it begins.
    while True:
        try:
            return done.get(timeout=_GLANCE)
        except Empty:
            continue


def _made(job: _Job, stop: Event) -> xr.DataTree | ConvergenceError:
    if stop.is_set():
        raise CancelledError
    try:
        tree = sampled(job.model, job.settings, cores=1, stop=stop)
    except ConvergenceError as error:
        return error
    if job.path is not None:
        write_tree(tree, job.path)
    return tree


@contextmanager
def _backend(cluster: str | Client | None) -> Iterator[_Make]:
    """What makes fits: threads here, or the cluster, with whose scheduler it is connected meanwhile."""
    if cluster is None:
        yield _here
    elif isinstance(cluster, str):
        with _client(cluster) as client:
            yield lambda jobs: _there(client, jobs)
    else:
        yield lambda jobs: _there(cluster, jobs)


def _client(address: str) -> Client:
    from distributed import Client

    try:
        # A client that nobody answers waits for ever, so that somebody else knocks first: in a thread, since a notebook has a loop of its own.
        with ThreadPoolExecutor(1) as one:
            one.submit(asyncio.run, _knock(address)).result()
        return Client(address, set_as_default=False)
    # A scheme without what it needs, as tls without certificates, is a TypeError.
    except (OSError, ValueError, TypeError) as error:
        mend = "give the address that the scheduler prints, such as tcp://host:8786, or a distributed.Client"
        raise CausalError(
            Fault(f"no Dask scheduler answers: {str(error) or f'not within {_ANSWER} s'}", f"cluster '{address}'", mend)
        ) from None


async def _knock(address: str) -> None:
    """Return when a Dask process has answered at `address`; `TimeoutError`, an `OSError`, where none does in time."""
    from distributed import Security
    from distributed.comm.core import connect

    known: dict[str, Any] = Security().get_connection_args("client")
    async with asyncio.timeout(_ANSWER):
        comm = await connect(address, timeout=_ANSWER, **known)
        await comm.close()


def _there(client: Client, jobs: Sequence[_Job]) -> Generator[_Outcome]:
    """The jobs done by the workers of a cluster, as they are done."""
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    running: dict[Any, _Job] = {}
    try:
        for job in jobs:
            running[client.submit(_made_there, _luggage(job.model), job.settings, made_by(), pure=False)] = job
        for future in as_completed(list(running), loop=client.loop):
            job = running.pop(future)
            found: xr.DataTree | CausalError
            try:
                found = future.result()
            except ConvergenceError as error:
                found = error
            except KilledWorker:
                found = CausalError(Fault("each worker died that tried it", mend="give the workers more memory"))
            except ImportError as error:
                mend = "install there what runs here, causal-claims and the same versions of pymc, nutpie and numpy"
                raise CausalError(Fault(f"the workers cannot load it: {error}", "cluster", mend)) from None
            except CancelledError as error:
                mend = "start it and run again; what was finished is in the store, if one was given"
                what = f"the scheduler is gone: {str(error).splitlines()[0]}"
                raise CausalError(Fault(what, "cluster", mend)) from None
            if job.path is not None and not isinstance(found, CausalError):
                write_tree(found, job.path)
            yield job, found
    finally:
        if running:
            with suppress(OSError):  # where the scheduler is gone there is nothing left to cancel
                client.cancel(list(running))


def _made_there(model: Model | JointModel, settings: dict[str, int], made_at_home_by: str) -> xr.DataTree:
    """What a worker does. Raises `ImportError` where its code or its packages are others than those that asked."""
    if made_by() != made_at_home_by:
        raise ImportError("their version of causal-claims, pymc, nutpie or numpy is another")
    return sampled(model, settings, cores=1)


def _luggage(model: Model | JointModel) -> Model | JointModel:
    """The model as it travels: without the rows that it was made from, which may stay in a data engine, with the arrays that are sampled.

    Sums over many rows differ in their last digits between machines; made here they are the same everywhere.
    """
    if isinstance(model, JointModel):
        light: Model | JointModel = replace(model, models=tuple(map(_without_rows, model.models)))
    else:
        light = _without_rows(model)
    vars(light)["data"] = model.data
    return light


def _without_rows(model: Model) -> Model:
    panel = model.study.panel
    labels = panel.data.drop_vars(list(panel.data.data_vars))
    return replace(model, study=replace(model.study, panel=Panel(labels), weights={}))


def _job(
    at: int,
    model: Model | JointModel,
    seed: int,
    draws: int,
    chains: int,
    tune: int | None,
    store: Path | None,
) -> _Job:
    settings = settings_of(model, seed=seed_of(seed, at), draws=draws, chains=chains, tune=tune)
    return _Job(at, model, settings, None if store is None else place_of(model, settings, store))


def _fault(job: _Job, error: CausalError) -> Fault:
    mends = dict.fromkeys(fault.mend for fault in error.faults if fault.mend)
    return Fault("; ".join(fault.what for fault in error.faults), f"fits[{job.at}]", "; ".join(mends))


def _faults(like: object, cluster: object, store: object) -> list[Fault]:
    """What is wrong with the settings that `fit` has not."""
    faults: list[Fault] = []
    if like is not None and not isinstance(like, (Model, JointModel)):
        faults.append(Fault(f"like is a {type(like).__name__}", mend="give a model, made with ca.build_model"))
    if store is not None and not isinstance(store, (str, Path)):
        faults.append(Fault(f"store is a {type(store).__name__}", mend="give a folder"))
    if cluster is not None:
        try:
            from distributed import Client
        except ImportError:
            return [*faults, Fault("a cluster needs Dask, which is not installed", mend=_EXTRA)]
        if not isinstance(cluster, (str, Client)):
            mend = "give the address of a Dask scheduler, or a distributed.Client"
            faults.append(Fault(f"cluster is a {type(cluster).__name__}", mend=mend))
    return faults


def _models(models: object, like: Model | JointModel | None) -> list[Model | JointModel]:
    """The models that were given, or `like` with each of the data that were given."""
    if isinstance(models, (str, Mapping, Model, JointModel, Panel, Study)) or not isinstance(models, Iterable):
        raise CausalError(no_such(models, "list of models", "give a list, of one if need be"))
    found: list[Model | JointModel] = []
    faults: list[Fault] = []
    for at, item in enumerate(models):
        where = f"models[{at}]"
        given: Any = item
        if like is None:
            if isinstance(given, (Model, JointModel)):
                found.append(given)
                continue
            mend = "build it with ca.build_model, or give like=model where these are data"
            faults.append(no_such(given, "model", mend, where=where))
        elif isinstance(given, (Model, JointModel)):
            faults.append(Fault("is a model, and like= asks for data", where, "give its study, or leave like= out"))
        else:
            try:
                found.append(with_data(like, given))
            except CausalError as error:
                faults.extend(replace(fault, where=f"{where} {fault.where}".strip()) for fault in error.faults)
    raise_all(faults)
    return found


def _studies(own: Sequence[Model], given: object) -> list[Study]:
    """The studies of `own` on the data that were given."""
    names = [model.study.name for model in own]
    new: dict[str, Any]
    if isinstance(given, Mapping):
        new = {str(name): item for name, item in given.items()}
        raise_all(
            Fault(f"no study '{name}' in the model", mend=nearest(name, names)) for name in new if name not in names
        )
    else:
        several = isinstance(given, Iterable) and not isinstance(given, str)
        items: list[Any] = list(given) if several else [given]  # pyright: ignore[reportArgumentType]
        if len(items) != len(own):
            what = f"data of {len(items)} studies for a model of {len(own)}"
            raise CausalError(
                Fault(what, mend=f"give those of {', '.join(names)}, or a mapping of some of these names")
            )
        new = dict(zip(names, items, strict=True))
    raise_all(
        no_such(
            item,
            "data of a study",
            "give a ca.Panel or a ca.Study; reported estimates are carried over",
            where=f"study '{name}'",
        )
        for name, item in new.items()
        if not isinstance(item, (Panel, Study))
    )
    chosen = [new.get(model.study.name, model.study) for model in own]
    return [
        item if isinstance(item, Study) else replace(model.study, panel=item)
        for model, item in zip(own, chosen, strict=True)
    ]
