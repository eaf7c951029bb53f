"""Known effects come back from simulated short panels: bias, coverage and divergences over many fits.

Each fit is a new panel with new unit effects, correlated between the nodes; all fits of one design share one compiled form.
The seeds are fixed, so the numbers are the same in every run; the limits leave room for another machine's arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from causal.fit import DIVERGENT_SHARE_LIMIT, fit
from causal.model import build_model
from causal.panel import Panel
from causal.syntax import read_graph
from tests.oracle import loops

pytestmark = pytest.mark.slow

UNITS, PERIODS = 60, 6


@dataclass(frozen=True)
class Recovery:
    """Over the fits: mean error and its Monte Carlo error, and the share of 90 % intervals that cover, for each edge (cause, effect, lag);
    the share of fits with too many divergences."""

    bias: dict[tuple[str, str, int], float]
    error: dict[tuple[str, str, int], float]
    cover: dict[tuple[str, str, int], float]
    diverged: float

    @property
    def own(self) -> list[float]:
        """The biases of the self effects."""
        return [bias for (cause, effect, _), bias in self.bias.items() if cause == effect]

    @property
    def mean_cover(self) -> float:
        """Coverage over all edges."""
        return float(np.mean(list(self.cover.values())))


def recovered(
    text: str,
    effects: loops.Effects,
    *,
    fits: int,
    units: int = UNITS,
    times: int = PERIODS,
    year_sd: float = 0.5,
    holes: NDArray[np.bool_] | None = None,
    shock_covariance: NDArray[np.float64] | None = None,
) -> Recovery:
    """Fit `fits` simulated panels, 2 chains of 500 draws each."""
    graph = read_graph(text)
    means = np.empty((fits, len(effects)))
    covers = np.empty((fits, len(effects)), dtype=bool)
    diverged = np.empty(fits, dtype=bool)
    for k in range(fits):
        frame = loops.panel(effects, units=units, times=times, seed=1000 + k, year_sd=year_sd, holes=holes, shock_covariance=shock_covariance)
        found = fit(build_model(graph, Panel.from_frame(frame, unit="unit", time="year")), seed=k, draws=500, chains=2, allow_unconverged=True)
        diverged[k] = found.convergence.divergent_share > DIVERGENT_SHARE_LIMIT
        for j, (edge, truth) in enumerate(effects.items()):
            draws = found.edge(loops.edge_name(*edge)).to_numpy()
            low, high = np.quantile(draws, [0.05, 0.95])
            means[k, j], covers[k, j] = draws.mean(), low <= truth <= high
    truths = np.array(list(effects.values()))
    result = Recovery(
        dict(zip(effects, (means.mean(axis=0) - truths).tolist(), strict=True)),
        dict(zip(effects, (means.std(axis=0, ddof=1) / np.sqrt(fits)).tolist(), strict=True)),
        dict(zip(effects, covers.mean(axis=0).tolist(), strict=True)),
        float(diverged.mean()),
    )
    for edge in effects:
        print(f"{loops.edge_name(*edge)}: bias {result.bias[edge]:+.3f} ({result.error[edge]:.3f}), covers {result.cover[edge]:.2f}")
    print(f"mean coverage {result.mean_cover:.3f}, fits with divergences {result.diverged:.3f}")
    return result
