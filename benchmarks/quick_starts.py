"""A loop of which the truth is known, put to five packages by their own quick starts, and once more as somebody would who knows panels.

    python benchmarks/quick_starts.py PEER                     # causalpy, bambi, dowhy, pathmc or ours: one JSON row
    python benchmarks/quick_starts.py PEER --worlds 3 --ways quick --data short
    python benchmarks/quick_starts.py PEER --first             # seconds of a whole process to the first result, nothing compiled and once more

Each peer needs an environment of its own: pandas, NumPy and what its functions say. Ours needs this package. One panel could
mislead, so each way is asked in several (`WORLDS`), and the row holds the bias with its standard error, how often the 90 % interval holds the truth and how
often it lies on one side of zero. `docs/comparison.md` shows the rows.

A world is the loop of `standard_loop.py` with two nodes: x raises y by .2 a year later, y lowers x by .2, both remember half of themselves, 40 units with
effects of their own, year effects. `hidden` has no effect of x on y and a lasting common cause of both, as the worlds of `causal validate` have;
`holes` lacks 15 % of either column.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

UNITS, BEFORE, MEMORY, EFFECT, BACK = 40, 100, 0.5, 0.2, -0.2
LASTING, REACH, HOLES = 0.7, 0.7, 0.15
DATA = {"long": 25, "short": 8, "hidden": 25, "holes": 25}
WORLDS = {"long": 20, "short": 20, "hidden": 20, "holes": 5}
FEWER = {"pathmc panel": 3, "causalpy quick": 5, "bambi mixed": 10}
"""So many worlds at most of a way that takes long for each."""
ONLY = {"ours shared": ("hidden",), "bambi mixed": ("long", "short"), "pathmc panel": ("long",)}
"""Ways that answer one kind of world."""


@dataclass
class Found:
    """What one way says of the effect of x on y, with its 90 % interval; of y's memory; and whatever else it says, in a word each."""

    mean: float
    low: float
    high: float
    memory: float | None = None
    said: dict[str, str] = field(default_factory=dict)


def world(data: str, seed: int) -> pd.DataFrame:
    """One panel: unit, year, x, y."""
    generator = np.random.default_rng([seed, 2026])
    hidden, years = data == "hidden", DATA[data]
    effects = np.array([[MEMORY, BACK], [0.0 if hidden else EFFECT, MEMORY]])
    level = 0.5 * generator.normal(size=(UNITS, 2))
    year = 0.3 * generator.normal(size=(BEFORE + years, 2))
    values, cause = np.zeros((UNITS, 2)), np.zeros(UNITS)
    kept: list[Any] = []
    for t in range(BEFORE + years):
        before = cause
        cause = LASTING * before + (1.0 - LASTING**2) ** 0.5 * generator.normal(size=UNITS)
        values = values @ effects.T + level + year[t] + generator.normal(size=values.shape)
        if hidden:
            values += REACH * np.column_stack([cause, before])
        if t >= BEFORE:
            kept.append(values)
    found = np.stack(kept, axis=1).reshape(-1, 2)
    if data == "holes":
        found = np.where(generator.uniform(size=found.shape) < HOLES, np.nan, found)
    keys = {
        "unit": np.repeat([f"u{k:02d}" for k in range(UNITS)], years),
        "year": np.tile(np.arange(1990, 1990 + years), UNITS),
    }
    return pd.DataFrame(keys | {"x": found[:, 0], "y": found[:, 1]})


def lagged(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a year before them, with that year's values."""
    before = frame.groupby("unit")[["x", "y"]].shift().add_suffix("_before")
    return frame.join(before).dropna().reset_index(drop=True)


def swept(frame: pd.DataFrame, *keys: str) -> pd.DataFrame:
    """The columns without the means of the keys, taken off in turn until nothing is left of them."""
    names = [name for name in frame.columns if name not in ("unit", "year")]
    found = frame.copy()
    for _ in range(50):
        for key in keys:
            found[names] -= found.groupby(key)[names].transform("mean")
    return found


def of_draws(draws: Any, memory: Any = None) -> Found:
    values = np.asarray(draws).ravel()
    low, high = np.quantile(values, [0.05, 0.95])
    return Found(float(values.mean()), float(low), float(high), None if memory is None else float(np.mean(memory)))


def _told(draws: Any) -> str:
    low, high = np.quantile(draws, [0.05, 0.95])
    return f"{np.mean(draws):.2f} [{low:.2f}, {high:.2f}]"


# CausalPy needs: causalpy, numpy<2.4 (the numba that it brings does not take a newer one).


def causalpy_quick(frame: pd.DataFrame) -> Found:
    """Its method for panels as its help shows it, through the pipeline that writes its page."""
    import causalpy as cp

    model = cp.pymc_models.LinearRegression(sample_kwargs={"random_seed": 42, "progressbar": False})
    estimate = cp.EstimateEffect(
        method=cp.PanelRegression,
        formula="y ~ C(unit) + C(year) + x",
        unit_fe_variable="unit",
        time_fe_variable="year",
        model=model,
    )
    report = cp.GenerateReport(output_file="causalpy.html")
    result = cp.Pipeline(data=frame, steps=[estimate, report]).run()
    result.experiment.summary()
    return of_draws(result.experiment.model.idata.posterior["beta"].sel(coeffs="x"))


def causalpy_expert(frame: pd.DataFrame) -> Found:
    """Lagged regressors, unit and year effects taken off."""
    import causalpy as cp

    result = cp.PanelRegression(
        lagged(frame),
        formula="y ~ x_before + y_before",
        unit_fe_variable="unit",
        time_fe_variable="year",
        fe_method="demeaned",
        model=cp.pymc_models.LinearRegression(sample_kwargs={"random_seed": 42, "progressbar": False}),
    )
    result.summary()
    beta = result.model.idata.posterior["beta"]
    return of_draws(beta.sel(coeffs="x_before"), beta.sel(coeffs="y_before"))


# bambi needs: bambi.


def bambi_quick(frame: pd.DataFrame) -> Found:
    """The first example of its page, with y and x for its columns."""
    import arviz as az
    import bambi as bmb

    model = bmb.Model("y ~ x", frame)
    results = model.fit(draws=1000, random_seed=1, progressbar=False)
    print(az.summary(results))
    return of_draws(results.posterior["x"])


def bambi_mixed(frame: pd.DataFrame) -> Found:
    """Lagged regressors, random effects of units and years."""
    import arviz as az
    import bambi as bmb

    model = bmb.Model("y ~ x_before + y_before + (1|unit) + (1|year)", lagged(frame))
    results = model.fit(draws=1000, random_seed=1, progressbar=False)
    print(az.summary(results, var_names=["x_before", "y_before"]))
    return of_draws(results.posterior["x_before"], results.posterior["y_before"])


def bambi_expert(frame: pd.DataFrame) -> Found:
    """Lagged regressors, a dummy for each unit and year."""
    import arviz as az
    import bambi as bmb

    model = bmb.Model("y ~ x_before + y_before + C(unit) + C(year)", lagged(frame))
    results = model.fit(draws=1000, random_seed=1, progressbar=False)
    print(az.summary(results, var_names=["x_before", "y_before"]))
    return of_draws(results.posterior["x_before"], results.posterior["y_before"])


# DoWhy needs: dowhy.


def dowhy_quick(frame: pd.DataFrame) -> Found:
    """Its four steps: graph, identification, estimate, refutation. Regression, because its first example's matching takes a cause of two values."""
    from dowhy import CausalModel

    model = CausalModel(data=frame, treatment="x", outcome="y", graph="digraph {x -> y;}")
    estimand = model.identify_effect()
    estimate = model.estimate_effect(estimand, method_name="backdoor.linear_regression")
    refuted = model.refute_estimate(estimand, estimate, method_name="random_common_cause")
    print(estimate, refuted)
    low, high = np.ravel(estimate.get_confidence_intervals(confidence_level=0.9))
    return Found(
        float(estimate.value), float(low), float(high), said={"refuters": _passed("random_common_cause", refuted)}
    )


def dowhy_expert(frame: pd.DataFrame) -> Found:
    """The graph of the lagged columns, unit and year effects taken off, three refuters."""
    from dowhy import CausalModel

    rows = swept(lagged(frame), "unit", "year")
    graph = "digraph {y_before -> x_before; x_before -> y; y_before -> y;}"
    model = CausalModel(data=rows, treatment="x_before", outcome="y", graph=graph)
    estimand = model.identify_effect()
    estimate = model.estimate_effect(estimand, method_name="backdoor.linear_regression")
    refuters: dict[str, dict[str, Any]] = {
        "random_common_cause": {},
        "placebo_treatment_refuter": {"placebo_type": "permute"},
        "data_subset_refuter": {"subset_fraction": 0.8},
    }
    passed: list[str] = []
    for name, options in refuters.items():
        refuted = model.refute_estimate(estimand, estimate, method_name=name, random_seed=1, **options)
        passed.append(_passed(name, refuted))
    low, high = np.ravel(estimate.get_confidence_intervals(confidence_level=0.9))
    found = Found(float(estimate.value), float(low), float(high), said={"refuters": ", ".join(passed)})
    found.memory = float(
        estimate.estimator.model.params["x2"]
    )  # its regressors are const, the cause, the common causes
    return found


def dowhy_cycle(frame: pd.DataFrame) -> str:
    """A loop within one year, as a graph."""
    from dowhy import CausalModel

    model = CausalModel(data=frame, treatment="x", outcome="y", graph="digraph {x -> y; y -> x;}")
    estimand = model.identify_effect()
    return f"takes the loop; {_sets(estimand)}; estimate {model.estimate_effect(estimand, method_name='backdoor.linear_regression').value}"


def dowhy_declared(frame: pd.DataFrame) -> str:
    """The lagged graph with the common cause in it, as a node that the data lack."""
    from dowhy import CausalModel

    graph = "digraph {y_before -> x_before; x_before -> y; y_before -> y; U -> x_before; U -> y;}"
    model = CausalModel(data=lagged(frame), treatment="x_before", outcome="y", graph=graph)
    return _sets(model.identify_effect())


def _sets(estimand: Any) -> str:
    found = {name: set_ for name, set_ in estimand.estimands.items() if set_ is not None}
    return f"estimands: {', '.join(found) or 'none'}"


def _passed(name: str, refuted: Any) -> str:
    level = float(np.ravel(refuted.refutation_result["p_value"])[0])
    return f"{name} {'passed' if level > 0.05 else 'refused'}"


# pathmc needs: pathmc.


def pathmc_quick(frame: pd.DataFrame) -> Found:
    """The first example of its page with the two columns that there are."""
    import pathmc

    m = pathmc.model("y ~ b*x", data=frame)
    m.fit(draws=1000, chains=2, random_seed=1, progressbar=False)
    print(m.effects_summary())
    print(m.ate("y", "x", values=(0, 1)))
    print(m.adjustment_sets("x", "y"))
    return _labelled(m, "b")


def pathmc_panel(frame: pd.DataFrame) -> Found:
    """Its example of a panel, with both equations of the loop; and y in the last year with x at 1 in every year less with x at 0: .4 in truth."""
    import pathmc

    spec = """
    y ~ b*lag(x) + d*lag(y)
    x ~ c*lag(y) + e*lag(x)
    """
    m = pathmc.model(spec, data=frame, panel={"unit": "unit", "time": "year"}, pooling="partial")
    m.fit(draws=1000, chains=2, random_seed=1, progressbar=False)
    print(m.effects_summary())
    print(m.adjustment_sets("x", "y"))
    held = m.ate("y", "x", values=(0, 1), simulate_over="time")
    print(held)
    found = _labelled(m, "b", "d")
    found.said["x held"] = _told(held.by_time()[-1])
    return found


def pathmc_expert(frame: pd.DataFrame) -> Found:
    """Lagged columns, year effects taken off, random unit effects, and its test of what the graph implies."""
    import pathmc

    spec = """
    y ~ b*x_before + d*y_before
    x ~ c*y_before + e*x_before
    x_before ~~ y_before
    """
    rows = swept(lagged(frame), "year")
    m = pathmc.model(spec, data=rows, panel={"unit": "unit", "time": "year"}, pooling="partial")
    m.fit(draws=1000, chains=2, random_seed=1, progressbar=False)
    print(m.effects_summary())
    found = _labelled(m, "b", "d")
    tests = m.test_implications()
    found.said["implications"] = f"{len(tests.violations)} of {len(tests.to_dataframe())} refused"
    return found


def pathmc_cycle(frame: pd.DataFrame) -> str:
    """A loop within one year."""
    import pathmc

    return type(pathmc.model("y ~ b*x\nx ~ c*y", data=frame)).__name__


def pathmc_declared(frame: pd.DataFrame) -> str:
    """The lagged columns with a common cause of x_before and y."""
    import pathmc

    m = pathmc.model("y ~ b*x_before + d*y_before\nx_before ~ c*y_before\nx_before ~~ y", data=lagged(frame))
    return f"identifiable: {m.is_identifiable('x_before', 'y')}, adjustment sets: {m.adjustment_sets('x_before', 'y')}"


def _labelled(model: Any, label: str, memory: str | None = None) -> Found:
    """Its summary has an interval of 94 %; the draws are close to Normal."""
    told = model.effects_summary()
    mean, sd = float(told.loc[label, "mean"]), float(told.loc[label, "sd"])
    own = None if memory is None else float(told.loc[memory, "mean"])
    return Found(mean, mean - 1.6449 * sd, mean + 1.6449 * sd, own)


# Ours needs: this package. The commands of the README, called without a new process for each world.

SECOND_CLAIM = """
[claim.c2]
edge = "y -> x [lag=1, sign=-]"
says = "more y brings less x"
where = "p. 1"
hedge = "plain assertion"
strength = "some"
core = true
"""
LAST_LINE = "y -> y [lag=1]\n"


def ours_quick(frame: pd.DataFrame) -> Found:
    """`causal new mine --from-csv panel.csv`, then `causal report mine`, with nothing edited: one claim, and no way back from y to x."""
    return _judged(frame, lambda text: text)


def ours_expert(frame: pd.DataFrame) -> Found:
    """The same with the loop's second claim written."""
    return _judged(frame, lambda text: text + SECOND_CLAIM)


def ours_shared(frame: pd.DataFrame) -> Found:
    """Both claims and `x <-> y` under [graph], a common cause that is new in each year: what a newcomer may write for one that lasts."""
    return _judged(frame, lambda text: (text + SECOND_CLAIM).replace(LAST_LINE, LAST_LINE + "x <-> y\n"))


def ours_declared(frame: pd.DataFrame) -> str:
    """Both claims and the lasting common cause, as a node that no study measures."""
    lasting = LAST_LINE + "u -> u [lag=1]\nu -> x\nu -> y [lag=1]\n"
    return _judged(
        frame,
        lambda text: (text + SECOND_CLAIM).replace(LAST_LINE, lasting).replace("[graph]\n", "[node.u]\n[graph]\n"),
    ).said["verdict"]


def ours_held(frame: pd.DataFrame) -> str:
    """What y is in the last year with x at 1 in every year, less what it is with x at 0: .4 in truth."""
    import causal as ca

    graph = ca.read_graph("x -> y [lag=1]\ny -> x [lag=1]\nx -> x [lag=1]\ny -> y [lag=1]")
    fit = ca.fit(ca.build_model(graph, ca.Panel.from_frame(frame, unit="unit", time="year")), seed=1)
    one, none = (ca.contrast(fit, [ca.Set("x", value)], outcome="y", seed=1) for value in (1.0, 0.0))
    return _told((one - none).isel(time=-1).to_numpy())


def ours_cycle(frame: pd.DataFrame) -> str:
    """Both claims within one year."""
    from causal.errors import CausalError

    try:
        return _judged(frame, lambda text: (text + SECOND_CLAIM).replace("lag=1, sign", "lag=0, sign")).said["verdict"]
    except CausalError as error:
        return str(error)


def _judged(frame: pd.DataFrame, edit: Callable[[str], str]) -> Found:
    """The verdict on x -> y, and the estimate under the wide prior, which is the nearest to what the others have."""
    from causal.analysis import analyse
    from causal.scaffold import start
    from priors.read import read_bundle

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "mine"
        frame.to_csv(Path(made) / "panel.csv", index=False)
        start(folder, table=Path(made) / "panel.csv")
        claims = folder / "claims.toml"
        claims.write_text(edit(claims.read_text(encoding="utf-8")), encoding="utf-8")
        analysis = analyse(read_bundle(folder), interventions=False)
    verdict = analysis.verdicts[0]
    fits = next(iter(analysis.evidence.values())).fits
    found = of_draws(fits["wide"].edge("x -> y"), fits["wide"].edge("y -> y"))
    finding = verdict.findings[0]
    found.said = {"verdict": verdict.verdict}
    if finding.failed_checks:
        found.said["failed checks"] = ", ".join(sorted(finding.failed_checks))
    elif finding.warnings:
        found.said["warned"] = "yes"
    return found


WAYS: dict[str, dict[str, Callable[[pd.DataFrame], Found]]] = {
    "causalpy": {"quick": causalpy_quick, "expert": causalpy_expert},
    "bambi": {"quick": bambi_quick, "mixed": bambi_mixed, "expert": bambi_expert},
    "dowhy": {"quick": dowhy_quick, "expert": dowhy_expert},
    "pathmc": {"quick": pathmc_quick, "panel": pathmc_panel, "expert": pathmc_expert},
    "ours": {"quick": ours_quick, "expert": ours_expert, "shared": ours_shared},
}
ASKED_ONCE: dict[str, dict[str, Callable[[pd.DataFrame], str]]] = {
    "dowhy": {"loop within a year": dowhy_cycle, "common cause declared": dowhy_declared},
    "pathmc": {"loop within a year": pathmc_cycle, "common cause declared": pathmc_declared},
    "ours": {"loop within a year": ours_cycle, "common cause declared": ours_declared, "x held": ours_held},
}
PACKAGE = {"ours": "causal-claims"}
COMMANDS = (("new", "mine", "--from-csv", "panel.csv"), ("report", "mine"))
"""Ours in processes of its own, as a newcomer types it."""
TYPED = {"quick": len(COMMANDS)}
TYPED["expert"] = TYPED["quick"] + len(SECOND_CLAIM.split("\n")) - 2
TYPED["shared"] = TYPED["expert"] + 1
"""Commands, and lines of a claims.toml that are typed."""


def lines(way: Callable[..., Any]) -> int:
    """Lines of code of a way, as the formatter leaves them: imports and calls, without its own first and last lines and its docstring."""
    text = [each.strip() for each in inspect.getsource(way).splitlines()[2:]]
    told = next((at for at, each in enumerate(text) if each.startswith(("return", "found", "low, high"))), len(text))
    return len([each for each in text[:told] if each])


def asked(way: Callable[[pd.DataFrame], Found], data: str, worlds: int) -> dict[str, Any]:
    """One way in so many worlds."""
    truth = 0.0 if data == "hidden" else EFFECT
    found: list[Found] = []
    failed: Counter[str] = Counter()
    taken: list[float] = []
    for seed in range(worlds):
        frame = world(data, seed)
        start = time.perf_counter()
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                found.append(way(frame))
        except Exception as error:  # what a package cannot do is a result, whatever it raises
            failed[f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"] += 1
        taken.append(time.perf_counter() - start)
    row: dict[str, Any] = {"worlds": worlds, "seconds a world": round(float(np.median(taken)), 2)}
    if failed:
        row["failed"] = dict(failed)
    if found:
        row |= _bias("x on y", [each.mean - truth for each in found])
        row["interval holds the truth"] = sum(each.low <= truth <= each.high for each in found)
        row["interval above zero"] = sum(each.low > 0 for each in found)
        row["interval below zero"] = sum(each.high < 0 for each in found)
        memories = [each.memory - MEMORY for each in found if each.memory is not None]
        if memories:
            row |= _bias("memory of y", memories)
        said = Counter(f"{what}: {word}" for each in found for what, word in each.said.items())
        if said:
            row["said"] = dict(said)
    return row


def _bias(name: str, errors: list[float]) -> dict[str, Any]:
    spread = float(np.std(errors, ddof=1) / len(errors) ** 0.5) if len(errors) > 1 else None
    return {f"{name}: bias": round(float(np.mean(errors)), 4), f"{name}: s.e.": spread and round(spread, 4)}


def first(peer: str) -> dict[str, dict[str, float]]:
    """Seconds of the quick start in new processes, by the clock and of the processor: with nothing compiled on the disk, and once more."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        world("long", 0).to_csv(folder / "panel.csv", index=False)
        compiled = str(folder / "compiled")
        homes = {"XDG_CACHE_HOME": compiled, "NUMBA_CACHE_DIR": compiled, "MPLCONFIGDIR": compiled}
        homes["PYTENSOR_FLAGS"] = f"base_compiledir={compiled}/pytensor"
        seconds: dict[str, dict[str, float]] = {}
        for run in ("cold", "warm"):
            if peer == "ours":
                causal = str(Path(sys.executable).with_name("causal"))
                calls = [[causal, *(each.replace("mine", f"mine_{run}") for each in words)] for words in COMMANDS]
                if run == "warm":
                    # other draws: a fit that is in the store would not be made again
                    calls[-1] += ["--seed", "2"]
            else:
                calls = [[sys.executable, str(Path(__file__).resolve()), peer, "--once", "panel.csv"]]
            start, used = time.perf_counter(), _used()
            for call in calls:
                subprocess.run(
                    call, cwd=folder, env=os.environ | homes | {"MPLBACKEND": "Agg"}, check=True, capture_output=True
                )
            seconds[run] = {"clock": round(time.perf_counter() - start, 1), "processor": round(_used() - used, 1)}
    return seconds


def _used() -> float:
    """Processor seconds of the processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=sorted(WAYS))
    parser.add_argument("--worlds", type=int, default=max(WORLDS.values()), help="at most so many of each kind")
    parser.add_argument("--ways", nargs="*", help="quick, expert, ..., once; all without it")
    parser.add_argument("--data", nargs="*", choices=sorted(DATA), help="all without it")
    parser.add_argument("--first", action="store_true", help="only the seconds to a first result")
    parser.add_argument("--once", metavar="CSV", help="the quick start on a table, and what it shows")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.once:
        WAYS[given.peer]["quick"](pd.read_csv(given.once))
        return
    name = PACKAGE.get(given.peer, given.peer)
    row: dict[str, Any] = {"peer": given.peer, "version": version(name), "python": sys.version.split()[0]}
    if given.first:
        row["seconds to the first result"] = first(given.peer)
    else:
        os.environ.setdefault("MPLBACKEND", "Agg")
        row["asked once"] = {}
        questions = ASKED_ONCE.get(given.peer, {}) if not given.ways or "once" in given.ways else {}
        for what, question in questions.items():
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    row["asked once"][what] = question(world("hidden" if "common" in what else "long", 0))
            except Exception as error:
                row["asked once"][what] = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        for way, function in WAYS[given.peer].items():
            if not given.ways or way in given.ways:
                row[way] = {"lines": TYPED[way] if given.peer == "ours" else lines(function)}
                kinds = ONLY.get(f"{given.peer} {way}", tuple(given.data or DATA))
                for data in kinds:
                    most = FEWER.get(f"{given.peer} {way}", given.worlds)
                    row[way][data] = asked(function, data, min(given.worlds, WORLDS[data], most))
                    print(given.peer, way, data, row[way][data], file=sys.stderr, flush=True)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
