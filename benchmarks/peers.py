"""Where conditional means go wrong: ours beside pathmc and a plain PyMC model in which parents enter by their conditional means.

    python benchmarks/peers.py [seeds] [path of a Python that has pathmc]

Three simulated panels of 30 units over 10 years without unit effects, so that nobody is asked for what they do not model:

- holed mediator: x -> m -> y, 40 % of m missing; asked is m -> y, .57 in truth;
- holed mediator beside a direct effect: the same with x -> y at .3;
- lagged parent: x -> y [lag=1] at -.7, of an x that nothing measured moves (z stands in its equation, and moves nothing).

A missing value that is a parameter enters its children as that value. By its conditional mean it enters them as what its own causes say of it,
and what moved it besides is lost: an effect that rests on that is told from little or nothing. Without a Python for pathmc, one is made by
uv in a temporary folder; where that fails the table has no such row, and the output says so. Bars: the mean within .1 of the truth.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fit_loop import python_with_pathmc
from numpy.typing import NDArray

UNITS, YEARS, MISSING = 30, 10, 0.4
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """One panel and the effect that is asked for: in our graph's text, and as the label `b` of pathmc's `spec`."""

    name: str
    graph: str
    edge: str
    spec: str
    truth: float


QUESTIONS = (
    Question("holed mediator", "x -> m\nm -> y", "m -> y", "m ~ a*x\ny ~ b*m", 0.57),
    Question(
        "holed mediator, direct effect", "x -> m\nm -> y\nx -> y", "m -> y", "m ~ a*x\ny ~ b*m + c*x", 0.57
    ),
    Question("lagged parent", "z -> x\nx -> y [lag=1]", "x -> y", "x ~ a*z\ny ~ b*lag(x)", -0.7),
)  # fmt: skip


def rows(question: Question, seed: int) -> pd.DataFrame:
    """The panel of a question."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=(3, UNITS, YEARS + 1))
    if question.name.startswith("holed"):
        x, direct = noise[0], 0.3 if "direct" in question.name else 0.0
        m = 0.8 * x + noise[1]
        y = question.truth * m + direct * x + noise[2]
        m = np.where(generator.uniform(size=m.shape) < MISSING, np.nan, m)
        columns = {"x": x, "m": m, "y": y}
    else:
        y = noise[2].copy()
        y[:, 1:] += question.truth * noise[1][:, :-1]
        columns = {"z": noise[0], "x": noise[1], "y": y}
    keys = {
        "unit": np.repeat([f"u{k:02d}" for k in range(UNITS)], YEARS),
        "year": np.tile(np.arange(2000, 2000 + YEARS), UNITS),
    }
    return pd.DataFrame(keys | {name: values[:, 1:].ravel() for name, values in columns.items()})


def ours(question: Question, frame: pd.DataFrame) -> Floats:
    import causal as ca

    model = ca.build_model(ca.read_graph(question.graph), ca.Panel.from_frame(frame))
    fit = ca.fit(model, seed=1, draws=1000, chains=4, allow_unconverged=True)
    return fit.edge(question.edge).to_numpy().ravel()


def by_conditional_means(question: Question, frame: pd.DataFrame) -> Floats:
    """A plain PyMC model: missing values are imputed in their own equation, and children see the mean of that equation."""
    import nutpie
    import pymc as pm
    import pytensor.tensor as pt

    values = {name: frame[name].to_numpy().reshape(UNITS, YEARS) for name in frame.columns[2:]}
    with pm.Model() as model:
        b, sd = pm.Normal("b", 0.0, 5.0), {name: pm.HalfNormal(f"sd_{name}", 2.0) for name in ("parent", "y")}
        parent, cause = ("m", "x") if "m" in values else ("x", "z")
        mean: Any = pm.Normal("level", 0.0, 5.0) + pm.Normal("a", 0.0, 5.0) * values[cause]
        seen = ~np.isnan(values[parent])
        pm.Normal("parent", mean[np.nonzero(seen)], sd["parent"], observed=values[parent][seen])
        if parent == "m":
            told = pt.set_subtensor(mean[np.nonzero(seen)], values["m"][seen])  # what is seen enters as it is
            direct = pm.Normal("c", 0.0, 5.0) * values["x"] if "direct" in question.name else 0.0
            pm.Normal("y", b * told + direct, sd["y"], observed=values["y"])
        else:
            pm.Normal("y", b * mean[:, :-1], sd["y"], observed=values["y"][:, 1:])
    compiled = nutpie.compile_pymc_model(model)
    trace = nutpie.sample(compiled, draws=1000, tune=1000, chains=4, seed=1, progress_bar=False)
    return trace.posterior["b"].to_numpy().ravel()


def by_pathmc(python: str, asked: list[tuple[Question, pd.DataFrame]], folder: Path) -> list[dict[str, Any]]:
    """Mean and sd of each question, or what pathmc says instead."""
    questions: list[dict[str, str]] = []
    for at, (question, frame) in enumerate(asked):
        frame.to_csv(folder / f"{at}.csv", index=False)
        questions.append({"spec": question.spec, "rows": str(folder / f"{at}.csv")})
    script = Path(__file__).with_name("peers_pathmc.py")
    done = subprocess.run(
        [python, str(script)], input=json.dumps(questions), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def summary(draws: Floats) -> dict[str, float]:
    low, high = np.quantile(draws, [0.05, 0.95])
    return {"mean": float(draws.mean()), "sd": float(draws.std()), "low": float(low), "high": float(high)}


def row(question: Question, who: str, found: list[dict[str, Any]]) -> str:
    """Averages over the seeds; how often the 90 % interval holds the truth."""
    failed = [each["error"] for each in found if "error" in each]
    if failed:
        return f"| {question.name} | {question.truth} | {who} | fails: {failed[0][:80]} | | |"
    means = [each["mean"] for each in found]
    held = sum(each["low"] <= question.truth <= each["high"] for each in found)
    numbers = f"{statistics.mean(means):.2f} ({min(means):.2f} to {max(means):.2f})"
    spread = f"{statistics.mean(each['sd'] for each in found):.2f}"
    return f"| {question.name} | {question.truth} | {who} | {numbers} | {spread} | {held} of {len(found)} |"


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    asked = [(question, rows(question, seed)) for question in QUESTIONS for seed in range(seeds)]
    with tempfile.TemporaryDirectory() as made:
        python = sys.argv[2] if len(sys.argv) > 2 else python_with_pathmc(Path(made))
        found = {
            "ours": [summary(ours(question, frame)) for question, frame in asked],
            "conditional means, plain PyMC": [
                summary(by_conditional_means(question, frame)) for question, frame in asked
            ],
        }
        if python is None:
            print("pathmc could not be installed: the plain model stands for its method alone\n")
        else:
            found["pathmc 0.4.0"] = by_pathmc(python, asked, Path(made))
    print("| panel | truth | by | mean (lowest to highest) | sd | 90 % interval holds it |\n|---|---|---|---|---|---|")
    for at, question in enumerate(QUESTIONS):
        for who, answers in found.items():
            print(row(question, who, answers[at * seeds : (at + 1) * seeds]))


if __name__ == "__main__":
    main()
