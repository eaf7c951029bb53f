"""Many fits at once: new data for a model, fits that equal those made one by one, interruptions, failures, and a cluster."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import causal as ca
from causal.errors import ConvergenceError, Fault, RefitError
from causal.fit import Fit, fingerprint, fit, settings_of
from causal.joint import JointModel, build_model
from causal.model import Model
from causal.panel import Panel, Study
from causal.refits import _luggage, fit_many, seed_of, with_data  # pyright: ignore[reportPrivateUsage]
from causal.reported import Reported
from causal.syntax import read_graph
from tests.conftest import TOY_TIMES, TOY_UNITS
from tests.oracle import loops

FEW: dict[str, Any] = {"draws": 50, "chains": 1, "tune": 50, "allow_unconverged": True}


def toy_panel(seed: int) -> Panel:
    """Other data of the toy model's shape."""
    frame = loops.panel(loops.TWO_TRUE, units=TOY_UNITS, times=TOY_TIMES, seed=seed, year_sd=0.5)
    return Panel.from_frame(frame, unit="unit", time="year")


def renamed(panel: Panel, name: str) -> Panel:
    """The same with units of other names."""
    return Panel(panel.data.assign_coords(unit=[f"{name} {unit}" for unit in panel.units]))


def same(one: Model | JointModel, other: Model | JointModel) -> bool:
    """Whether two models are fitted to the same draws, under the same name."""
    settings = settings_of(one, seed=1, draws=10, chains=1)
    return (
        one.structure == other.structure
        and one.data.keys() == other.data.keys()
        and all(np.array_equal(one.data[name], other.data[name]) for name in one.data)
        and one.notes == other.notes
        and fingerprint(one, settings) == fingerprint(other, settings)
    )


def unstartable(model: Model) -> Model:
    """The model with a density that is nowhere a number."""
    found = replace(model)
    vars(found)["data"] = {name: values * np.nan for name, values in model.data.items()}
    return found


@pytest.fixture(scope="module")
def worlds(toy_model: Model) -> list[Model]:
    return [with_data(toy_model, toy_panel(seed)) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def joint() -> JointModel:
    """Two studies and a reported estimate, with nothing at its default."""
    studies = [
        Study(renamed(toy_panel(seed), name), {"x": ca.Measure("x", direction="-"), "y": "y"}, name)
        for seed, name in ((1, "one"), (2, "two"))
    ]
    reported = Reported("x -> y", 0.3, 0.1, source="A source")
    priors = {"x -> y": ca.Normal(0.1, 0.5)}
    made = build_model(read_graph(loops.TWO), [*studies, reported], priors, year_effects=False, transport=0.3)
    assert isinstance(made, JointModel)
    return made


# New data


def test_a_model_on_its_own_data_is_the_same_model(toy_model: Model, holed_model: Model, joint: JointModel) -> None:
    graph = read_graph(f"{loops.TWO}\nz -> x")
    aside = Study(toy_panel(1), {"x": "x", "y": "y"}, sets_aside=("z",))
    plain = build_model(
        graph, aside, {"x -> y": ca.Normal(0.1, 0.2), "z -> x": ca.Normal(0.0, 0.2)}, year_effects=False
    )
    for model in (toy_model, holed_model, plain):
        assert same(with_data(model, model.study), model)
        assert same(with_data(model, model.study.panel), model)
    assert same(with_data(joint, [model.study for model in joint.models]), joint)
    assert same(with_data(joint, {}), joint)


def test_a_node_that_one_study_sets_aside_is_back_with_another_study() -> None:
    graph = read_graph(f"{loops.TWO}\nz -> x")
    frame = loops.panel(loops.TWO_TRUE, units=12, times=9, seed=1)
    panel = Panel.from_frame(frame.assign(z=np.random.default_rng(1).normal(size=len(frame))), unit="unit", time="year")
    aside = build_model(graph, Study(panel, {"x": "x", "y": "y"}, sets_aside=("z",)), {"z -> x": ca.Normal(0.2, 0.1)})
    assert same(with_data(aside, Study(panel)), build_model(graph, panel, {"z -> x": ca.Normal(0.2, 0.1)}))


def test_a_panel_is_measured_as_the_one_before(toy_model: Model, joint: JointModel) -> None:
    new = renamed(toy_panel(5), "new")
    for moved in (with_data(joint, {"two": new}), with_data(joint, [joint.models[0].study.panel, new])):
        assert [model.study.name for model in moved.models] == ["one", "two"]
        assert moved.models[1].study.measure("x") == ca.Measure("x", direction="-")
        assert moved.structure == joint.structure
        assert (moved.reported, moved.transport, moved.priors) == (joint.reported, joint.transport, joint.priors)
        np.testing.assert_array_equal(moved.models[0].design.standard, joint.models[0].design.standard)
        assert moved.models[1].study.panel is new
    study = Study(new, name="another")
    assert with_data(toy_model, [study]).study is study


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda joint: joint.models[0].study, "data of 1 studies for a model of 2"),
        (lambda joint: [*(model.study for model in joint.models), joint.reported[0]], "data of 3 studies"),
        (lambda joint: [joint.models[0].study, joint.reported[0]], "reported estimates are carried over"),
        (lambda joint: {"tow": joint.models[0].study}, "no study 'tow' in the model; did you mean 'two'"),
        (lambda joint: {"two": 3}, "study 'two' an int is no data"),
        (lambda joint: {"two": joint.models[0].study}, "2 studies are named 'one'"),
        (lambda joint: "two", "data of 1 studies"),
    ],
)
def test_data_that_do_not_fit_the_model_are_refused(
    joint: JointModel, data: Callable[[JointModel], Any], words: str
) -> None:
    with pytest.raises(ca.CausalError, match=words):
        with_data(joint, data(joint))


def test_only_models_take_new_data() -> None:
    with pytest.raises(ca.CausalError, match="a Panel is no model"):
        with_data(toy_panel(1), toy_panel(2))  # pyright: ignore[reportArgumentType, reportCallIssue]


# What travels


def test_models_pickle_without_their_pymc(toy_model: Model, joint: JointModel) -> None:
    for model in (toy_model, joint):
        assert "pymc" not in vars(pickle.loads(pickle.dumps(replace(model))))
        back = pickle.loads(pickle.dumps(model))
        assert "pymc" not in vars(back)
        assert same(back, model)
        assert same(pickle.loads(pickle.dumps(_luggage(model))), model)


def test_a_study_pickles_with_its_measures_weights_and_refusals() -> None:
    panel = toy_panel(1)
    frame = panel.data.to_dataframe().reset_index().assign(word="a")
    frame = frame.rename(columns={"time": "year"})
    pairs = ca.Weights(tuple(map(str, panel.units)), np.roll(np.eye(TOY_UNITS), 1, axis=1))
    study = Study(
        Panel.from_frame(frame, unit="unit", time="year"), {"x": "x"}, weights={"near": pairs}, sets_aside=("u",)
    )
    back = pickle.loads(pickle.dumps(study))
    assert (back.measures, back.sets_aside, back.panel.refused) == (study.measures, ("u",), study.panel.refused)
    np.testing.assert_array_equal(back.weights["near"].values, pairs.values)


def test_errors_keep_their_faults_on_the_way() -> None:
    faults = (Fault("a", "b", "c"), Fault("d"))
    for error in (ca.CausalError(*faults), ConvergenceError(*faults), RefitError(*faults, fits=[None, 3])):
        back = pickle.loads(pickle.dumps(error))
        assert (type(back), back.faults, str(back)) == (type(error), faults, str(error))
        assert getattr(back, "fits", None) == getattr(error, "fits", None)


def test_rows_in_a_data_engine_stay_at_home(tmp_path: Path) -> None:
    loops.panel(loops.TWO_TRUE, units=12, times=9, seed=1).to_csv(tmp_path / "rows.csv", index=False)
    panel = Panel.from_table(tmp_path / "rows.csv", unit="unit", time="year", in_memory=False)
    model = build_model(read_graph(loops.TWO), panel)
    back = pickle.loads(pickle.dumps(_luggage(model)))
    assert back.structure == model.structure
    np.testing.assert_array_equal(back.data["numbers"], model.data["numbers"])


# Many fits


def test_many_fits_are_those_made_one_by_one(worlds: list[Model]) -> None:
    settings = FEW | {"chains": 2}
    calls: list[tuple[int, int, int]] = []
    found = fit_many(worlds, seed=4, **settings, progress=lambda *at: calls.append(at))
    assert calls == [(1, 3, 0), (2, 3, 0), (3, 3, 0)]
    for at, (model, each) in enumerate(zip(worlds, found, strict=True)):
        alone = fit(model, seed=seed_of(4, at), **settings)
        assert each.model is model
        assert each.convergence == alone.convergence
        for group in ("posterior", "sample_stats", "prior", "observed_data"):
            xr.testing.assert_identical(each.data[group].to_dataset(), alone.data[group].to_dataset())


def test_data_with_a_model_that_they_are_like_are_models(toy_model: Model, worlds: list[Model]) -> None:
    one = fit_many([model.study for model in worlds], like=toy_model, **FEW)
    other = fit_many(worlds, **FEW)
    for left, right in zip(one, other, strict=True):
        xr.testing.assert_identical(left.posterior, right.posterior)


def test_one_model_many_times_has_other_draws_each_time(toy_model: Model) -> None:
    one, other = fit_many([toy_model] * 2, **FEW)
    assert not np.array_equal(one.posterior["effect"], other.posterior["effect"])
    assert len({seed_of(seed, place) for seed in range(20) for place in range(20)}) == 400
    assert fit_many([], **FEW) == []


def test_a_run_is_gone_on_with_where_it_was_stopped(worlds: list[Model], tmp_path: Path) -> None:
    def stop(done: int, total: int, failed: int) -> None:
        raise KeyboardInterrupt

    settings: dict[str, Any] = FEW | {"seed": 2, "store": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        fit_many(worlds, **settings, progress=stop)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert 1 <= len(kept) <= 3
    found = fit_many(worlds, **settings)
    assert len(list(tmp_path.iterdir())) == 3
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    again = fit_many(worlds, **settings)
    alone = fit(worlds[1], **(settings | {"seed": seed_of(2, 1)}))
    assert len(list(tmp_path.iterdir())) == 3
    xr.testing.assert_equal(again[1].posterior, found[1].posterior)
    xr.testing.assert_equal(alone.posterior, found[1].posterior)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that a shell started in the background ignores interrupts until it is told not to."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_stops_what_is_running(toy_model: Model) -> None:
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fit_many([toy_model] * 4, draws=400_000, chains=1, allow_unconverged=True)
    assert time.monotonic() - start < 10  # all would take half a minute or more


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_gets_through_while_a_model_compiles(toy_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: dict[Any, Any] = {}
    monkeypatch.setattr(sys.modules["causal.fit"], "_COMPILED", compiled)
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        fit_many([toy_model], **FEW)
    assert not compiled


def test_failed_fits_are_named_and_the_others_handed_back(worlds: list[Model], tmp_path: Path) -> None:
    calls: list[tuple[int, int, int]] = []
    given = [worlds[0], unstartable(worlds[1]), worlds[2]]
    with pytest.raises(RefitError) as caught:
        fit_many(given, **FEW, store=tmp_path, progress=lambda *at: calls.append(at))
    first, second, third = caught.value.fits
    assert isinstance(first, Fit)
    assert isinstance(third, Fit)
    assert second is None
    (fault,) = caught.value.faults
    assert fault.where == "fits[1]"
    assert "sampling could not start" in fault.what
    assert calls[-1] == (3, 3, 1)
    assert len(list(tmp_path.iterdir())) == 2


def test_unconverged_fits_are_refused_unless_allowed(worlds: list[Model]) -> None:
    with pytest.raises(RefitError) as caught:
        fit_many(worlds[:2], **(FEW | {"allow_unconverged": False}))
    assert caught.value.fits == [None, None]
    assert [fault.where for fault in caught.value.faults] == ["fits[0]", "fits[1]"]
    assert "did not converge" in str(caught.value)


def test_what_cannot_be_asked_is_said_at_once(toy_model: Model, tmp_path: Path) -> None:
    with pytest.raises(ca.CausalError) as caught:
        fit_many([toy_model], like=3, cluster=4, store=5, draws=0, seed=-1)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert len(caught.value.faults) == 5
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(ca.CausalError, match="cannot be written"):
        fit_many([toy_model], store=tmp_path / "taken")


@pytest.mark.parametrize(
    ("models", "like", "words"),
    [
        (lambda model: model, False, "a Model is no list of models"),
        (lambda model: 3, False, "an int is no list"),
        (lambda model: [model, model.study], False, r"models\[1\] a Study is no model"),
        (lambda model: [model.study, model], True, r"models\[1\] is a model"),
        (
            lambda model: [[model.study] * 2, 3],
            True,
            r"models\[0\] data of 2 studies .*\n.*models\[1\] study 'panel' an int",
        ),
    ],
)
def test_what_is_no_list_of_models_is_refused(
    toy_model: Model, models: Callable[[Model], Any], like: bool, words: str
) -> None:
    with pytest.raises(ca.CausalError, match=words):
        fit_many(models(toy_model), like=toy_model if like else None)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True, 2**64])
def test_a_seed_that_no_fit_takes_has_no_places(seed: object) -> None:
    with pytest.raises(ca.CausalError, match="seed"):
        seed_of(seed, 0)  # type: ignore[arg-type]


# A cluster


def test_without_dask_a_cluster_is_an_extra_to_install(toy_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ca.CausalError, match=r"pip install 'causal-claims\[cluster\]'"):
        fit_many([toy_model], cluster="tcp://127.0.0.1:8786")


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("tcp://127.0.0.1:{free}", marks=pytest.mark.slow),
        pytest.param("127.0.0.1:{free}", marks=pytest.mark.slow),
        "localhost",
        "",
        "foo://x:1",
    ],
)
def test_an_address_at_which_nobody_answers_is_a_clear_error(toy_model: Model, address: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = taken.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(ca.CausalError, match="no Dask scheduler answers"):
        fit_many([toy_model], cluster=address.format(free=free))
    assert time.monotonic() - start < 12


@pytest.mark.slow
def test_whoever_answers_at_an_address_and_is_no_scheduler_is_not_waited_for(toy_model: Model) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ca.CausalError, match="no Dask scheduler answers"):
            fit_many([toy_model], cluster=f"127.0.0.1:{other.getsockname()[1]}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as made:
        yield made


@pytest.mark.slow
def test_a_cluster_gives_the_fits_that_are_made_here(cluster: Any, worlds: list[Model], tmp_path: Path) -> None:
    calls: list[tuple[int, int, int]] = []
    settings: dict[str, Any] = FEW | {"chains": 2, "seed": 9}
    far = build_model(worlds[0].graph, worlds[0].study, {"x -> y": ca.Normal(3.0, 0.5)})
    models = [far, *worlds, *worlds]
    here = fit_many(models, **settings)
    there = fit_many(
        models,
        **settings,
        cluster=cluster.scheduler_address,
        store=tmp_path,
        progress=lambda *at: calls.append(at),
    )
    assert calls == [(done, 7, 0) for done in range(1, 8)]
    for one, other in zip(here, there, strict=True):
        assert one.model is other.model
        assert one.convergence == other.convergence
        for group in ("posterior", "sample_stats", "prior", "observed_data"):
            xr.testing.assert_identical(one.data[group].to_dataset(), other.data[group].to_dataset())
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(kept) == 7
    again = fit_many(models, **settings, store=tmp_path)  # found here as well
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
    xr.testing.assert_equal(again[3].posterior, here[3].posterior)


@pytest.mark.slow
def test_several_studies_and_failures_come_back_from_a_cluster(
    cluster: Any, joint: JointModel, worlds: list[Model]
) -> None:
    from distributed import Client

    with Client(cluster.scheduler_address, set_as_default=False) as client:
        (there,) = fit_many([joint], **FEW, cluster=client)
        (here,) = fit_many([joint], **FEW)
        xr.testing.assert_identical(there.posterior, here.posterior)
        with pytest.raises(RefitError) as caught:
            fit_many([worlds[0], unstartable(worlds[1])], **FEW, cluster=client)
        assert caught.value.fits[1] is None
        (fault,) = caught.value.faults
        assert fault.where == "fits[1]"
        assert fault.mend.startswith("look for a node")
        assert client.status == "running"


@pytest.mark.slow
def test_workers_of_another_version_are_refused(
    cluster: Any, toy_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["causal.refits"], "made_by", lambda: "another version")
    with pytest.raises(ca.CausalError, match="their version of causal-claims"):
        fit_many([toy_model] * 3, **FEW, cluster=cluster.scheduler_address)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_cancels_what_waits_on_a_cluster(cluster: Any, toy_model: Model, tmp_path: Path) -> None:
    from distributed import Client

    def stop(done: int, total: int, failed: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    settings: dict[str, Any] = {"draws": 20_000, "chains": 1, "allow_unconverged": True, "store": tmp_path}
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        with pytest.raises(KeyboardInterrupt):
            fit_many([toy_model] * 50, **settings, cluster=client, progress=stop)
        assert 1 <= len(list(tmp_path.iterdir())) < 50
        deadline = time.monotonic() + 60
        while any(client.processing().values()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(client.processing().values())
