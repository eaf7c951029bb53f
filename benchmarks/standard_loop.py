"""The bundle on which the README's error rates were measured: a loop of three nodes, 40 units, 25 years, effects of two smallest ones.

    uv run python benchmarks/standard_loop.py standard_loop
    uv run causal validate standard_loop --worlds 500 --kind null

With `two` behind the folder it is a loop of two nodes, in which the graph denies less and hidden causes are harder to see. Prints the two lines to
type; writes nothing but the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HEAD = """[article]
title = "A loop"
called = "report"
smallest_effect = 0.1
"""
CLAIM = """[claim.c1]
edge = "{edge} [lag=1, sign=+]"
says = "the first raises the second"
where = "p. 1"
core = true
"""
STUDY = """[study.panel]
file = "panel.csv"
unit = "unit"
time = "year"
[study.panel.measures]
"""
UNITS, YEARS, BEFORE = 40, 25, 100
THREE = {
    ("money", "money"): 0.5,
    ("graft", "graft"): 0.5,
    ("force", "force"): 0.5,
    ("money", "graft"): 0.2,
    ("graft", "force"): -0.2,
    ("force", "money"): -0.2,
}
TWO = {("money", "money"): 0.5, ("graft", "graft"): 0.5, ("money", "graft"): 0.2, ("graft", "money"): -0.2}
"""Effects of the first on the second, a year later. The claim is on the first that is no memory."""


def panel(effects: dict[tuple[str, str], float], seed: int = 7) -> pd.DataFrame:
    """One panel of the loop, with unit and year effects."""
    nodes = list(dict.fromkeys(cause for cause, _ in effects))
    matrix = np.array([[effects.get((cause, effect), 0.0) for cause in nodes] for effect in nodes])
    generator = np.random.default_rng(seed)
    level = 0.5 * generator.normal(size=(UNITS, len(nodes)))
    year = 0.3 * generator.normal(size=(BEFORE + YEARS, len(nodes)))
    values = np.zeros((UNITS, len(nodes)))
    rows: list[pd.DataFrame] = []
    for t in range(BEFORE + YEARS):
        values = values @ matrix.T + level + year[t] + generator.normal(size=values.shape)
        if t >= BEFORE:
            keys = {"unit": [f"u{k}" for k in range(UNITS)], "year": 1990 + t - BEFORE}
            rows.append(pd.DataFrame(keys | dict(zip(nodes, values.T, strict=True))))
    return pd.concat(rows)


def claims(effects: dict[tuple[str, str], float]) -> str:
    """The text of claims.toml."""
    nodes = dict.fromkeys(cause for cause, _ in effects)
    claimed = next(pair for pair in effects if pair[0] != pair[1])
    assumed = "".join(
        f"{cause} -> {effect} [lag=1{'' if cause == effect else ', sign=-'}]\n"
        for cause, effect in effects
        if (cause, effect) != claimed
    )
    cards = "".join(f"[node.{node}]\n" for node in nodes)
    return f"{HEAD}{cards}[graph]\nassumed = '''\n{assumed}'''\n{CLAIM.format(edge=' -> '.join(claimed))}"


def main(folder: Path, effects: dict[tuple[str, str], float]) -> None:
    """Write the bundle into `folder`."""
    folder.mkdir(parents=True)
    made = panel(effects)
    made.to_csv(folder / "panel.csv", index=False)
    measures = "".join(f'{node} = "{node}"\n' for node in made.columns[2:])
    (folder / "claims.toml").write_text(claims(effects), encoding="utf-8")
    (folder / "studies.toml").write_text(STUDY + measures, encoding="utf-8")
    (folder / "interventions.toml").write_text("", encoding="utf-8")
    sys.stdout.write(f"causal check {folder}\ncausal validate {folder} --worlds 500 --kind null\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "standard_loop"), TWO if "two" in sys.argv[2:] else THREE)
