"""Studies that each measure two of four nodes: their effects come back from simulated worlds when all are fitted at once."""

from __future__ import annotations

import numpy as np
import pytest

from causal.fit import DIVERGENT_SHARE_LIMIT
from causal.joint import JointModel, build_model
from causal.panel import Panel, Study
from causal.refits import fit_many
from causal.syntax import read_graph
from tests.oracle import loops

pytestmark = pytest.mark.slow

PARTS = (("revenue", "corruption"), ("corruption", "presence"), ("presence", "illicit"))
ASKED = {edge: truth for edge, truth in loops.FOUR_TRUE.items() if edge[:2] != ("illicit", "revenue")}
"""No study measures both ends of illicit -> revenue."""


def world(seed: int) -> JointModel:
    """Three studies of the same loop, 25 units over 12 years each, as one model."""
    studies: list[Study] = []
    for k, nodes in enumerate(PARTS):
        frame = loops.panel(loops.FOUR_TRUE, units=25, times=12, seed=5000 + 10 * seed + k, year_sd=0.5)
        frame["unit"] = [f"{k} {unit}" for unit in frame["unit"]]
        panel = Panel.from_frame(frame[["unit", "year", *nodes]], unit="unit", time="year")
        studies.append(Study(panel, name=f"study {k}"))
    found = build_model(read_graph(loops.FOUR), studies)
    assert isinstance(found, JointModel)
    return found


def test_three_studies_that_each_measure_two_of_four_nodes_give_back_the_loop() -> None:
    covers: list[list[bool]] = []
    standing: list[list[float]] = []
    diverged = 0
    for found in fit_many([world(seed) for seed in range(100)], draws=400, chains=2, allow_unconverged=True):
        diverged += found.convergence.divergent_share > DIVERGENT_SHARE_LIMIT
        draws = [found.edge(loops.edge_name(*edge)).to_numpy() for edge in ASKED]
        bounds = [np.quantile(values, [0.05, 0.95]) for values in draws]
        covers.append([low <= truth <= high for (low, high), truth in zip(bounds, ASKED.values(), strict=True)])
        standing.append([(v.mean() - truth) / v.std() for v, truth in zip(draws, ASKED.values(), strict=True)])
    cover, bias = np.mean(covers, axis=0), np.mean(standing, axis=0)
    for edge, share, error in zip(ASKED, cover, bias, strict=True):
        print(f"{loops.edge_name(*edge)}: covers {share:.2f}, bias {error:+.2f} sd")
    # Where two studies share an effect that does not differ between them, the interval of their population is wider than need be.
    pooled = cover[[edge == ("corruption", "corruption", 1) for edge in ASKED]]
    assert pooled.min() > 0.9
    assert 0.86 < cover.mean() < 0.96
    assert cover.min() >= 0.82
    assert np.abs(bias).max() < 0.4
    assert diverged == 0
