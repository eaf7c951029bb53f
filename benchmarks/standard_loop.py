"""The bundle on which the README's error rates were measured: a loop of three nodes, 40 units, 25 years, effects of two smallest ones.

    uv run python benchmarks/standard_loop.py standard_loop
    uv run causal validate standard_loop --worlds 500 --kind null

Prints the two lines to type; writes nothing but the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

CLAIMS = """[article]
title = "A loop"
called = "report"
smallest_effect = 0.1
[node.money]
[node.graft]
[node.force]
[graph]
assumed = '''
money -> money [lag=1]
graft -> graft [lag=1]
force -> force [lag=1]
graft -> force [lag=1, sign=-]
force -> money [lag=1, sign=-]
'''
[claim.c1]
edge = "money -> graft [lag=1, sign=+]"
says = "money raises graft"
where = "p. 1"
core = true
"""
STUDIES = """[study.panel]
file = "panel.csv"
unit = "unit"
time = "year"
[study.panel.measures]
money = "money"
graft = "graft"
force = "force"
"""
UNITS, YEARS, BEFORE = 40, 25, 100
NODES = ("money", "graft", "force")
EFFECTS = np.array([[0.5, 0.0, -0.2], [0.2, 0.5, 0.0], [0.0, -0.2, 0.5]])


def panel(seed: int = 7) -> pd.DataFrame:
    """One panel of the loop, with unit and year effects."""
    generator = np.random.default_rng(seed)
    level = 0.5 * generator.normal(size=(UNITS, len(NODES)))
    year = 0.3 * generator.normal(size=(BEFORE + YEARS, len(NODES)))
    values = np.zeros((UNITS, len(NODES)))
    rows: list[pd.DataFrame] = []
    for t in range(BEFORE + YEARS):
        values = values @ EFFECTS.T + level + year[t] + generator.normal(size=values.shape)
        if t >= BEFORE:
            keys = {"unit": [f"u{k}" for k in range(UNITS)], "year": 1990 + t - BEFORE}
            rows.append(pd.DataFrame(keys | dict(zip(NODES, values.T, strict=True))))
    return pd.concat(rows)


def main(folder: Path) -> None:
    """Write the bundle into `folder`."""
    folder.mkdir(parents=True)
    panel().to_csv(folder / "panel.csv", index=False)
    (folder / "claims.toml").write_text(CLAIMS, encoding="utf-8")
    (folder / "studies.toml").write_text(STUDIES, encoding="utf-8")
    (folder / "interventions.toml").write_text("", encoding="utf-8")
    sys.stdout.write(f"causal check {folder}\ncausal validate {folder} --worlds 500 --kind null\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "standard_loop"))
