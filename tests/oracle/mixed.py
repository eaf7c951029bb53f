"""Simulated panels of a loop between a Normal node and one of another family, drawn by numpy's own generators.

``x = a_x + .5 x[t-1] + .3 v(y[t-1]) + e`` and ``eta = base + a_y + .4 x[t-1] + .2 v(y[t-1])`` for the value scale v of
y's family; the unit effects go together. The truth is written down here; nothing of the package is used to make it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOOP = "x -> y [lag=1]\ny -> y [lag=1]\ny -> x [lag=1]\nx -> x [lag=1]\n"
TRUE = {"x -> y [lag=1]": 0.4, "y -> y [lag=1]": 0.2, "y -> x [lag=1]": 0.3, "x -> x [lag=1]": 0.5}
"""Natural units: of the link for y, of the value scale for what y causes."""
BASE = {
    "poisson": 1.0,
    "negative-binomial": 1.2,
    "bernoulli": 0.0,
    "ordered": 0.5,
    "beta": 0.0,
    "student-t": 0.0,
    "hurdle-lognormal": 1.0,
}
CUTS = np.array([0.0, 1.2, 2.4])


def outcome(family: str, eta: Floats, generator: np.random.Generator) -> Floats:
    """Natural values given eta, of one shape."""
    mean = np.exp(np.minimum(eta, 8.0))
    share = 1.0 / (1.0 + np.exp(-eta))
    noise = generator.standard_normal(eta.shape)
    if family == "poisson":
        return generator.poisson(mean).astype(float)
    if family == "negative-binomial":
        return generator.poisson(mean * generator.gamma(4.0, 0.25, eta.shape)).astype(float)
    if family == "bernoulli":
        return (generator.random(eta.shape) < share).astype(float)
    if family == "ordered":
        latent = eta + generator.logistic(size=eta.shape)
        return (latent[..., None] > CUTS).sum(axis=-1).astype(float)
    if family == "beta":
        return generator.beta(30.0 * share, 30.0 * (1.0 - share))
    if family == "student-t":
        return eta + 0.7 * generator.standard_t(5.0, eta.shape)
    above = generator.random(eta.shape) < 1.0 / (1.0 + np.exp(-(0.7 + 0.5 * (eta - 1.0))))
    return np.where(above, np.exp(eta + 0.6 * noise), 0.0)


def on_value_scale(family: str, values: Floats) -> Floats:
    """What of y enters the equations of its effects."""
    if family in ("poisson", "negative-binomial", "hurdle-lognormal"):
        return np.log(1.0 + values)
    return np.log(values / (1.0 - values)) if family == "beta" else values


def panel(family: str, units: int, times: int, seed: int) -> pd.DataFrame:
    """A frame with columns unit, year, x and y after 30 periods of which nothing is kept."""
    generator = np.random.default_rng(seed)
    # Shares near 0 or 1 have logits without bound, and counts means without bound, which the loop would carry on: smaller shocks keep them in the middle.
    scale = {"beta": 0.4, "poisson": 0.6, "negative-binomial": 0.6}.get(family, 1.0)
    common = scale * generator.normal(0.0, 0.6, units)
    own = 0.8 * common + scale * generator.normal(0.0, 0.6, units)
    x, v = np.zeros(units), np.zeros(units)
    rows: list[pd.DataFrame] = []
    for time in range(-30, times):
        eta = BASE[family] + common + 0.4 * x + 0.2 * v
        y = outcome(family, eta, generator)
        x = own + 0.5 * x + 0.3 * v + scale * generator.standard_normal(units)
        v = on_value_scale(family, y)
        if time >= 0:
            rows.append(pd.DataFrame({"unit": np.arange(units), "year": 2000 + time, "x": x, "y": y}))
    return pd.concat(rows, ignore_index=True)
