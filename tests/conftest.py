"""Toy fits that several test modules share: each is compiled and sampled once in a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from tests.oracle import loops

if TYPE_CHECKING:
    from causal.fit import Fit
    from causal.model import Model

TOY_UNITS, TOY_TIMES = 12, 9

# How long an example takes says more about the machine than about the code.
# How fast inputs are made, and how many are passed over, says nothing of the code.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
settings.load_profile("suite")


def toy_holes() -> NDArray[np.bool_]:
    """Inner holes (node, unit, time), an end that is missing and a late start, in the toy's two nodes."""
    holes = np.zeros((2, TOY_UNITS, TOY_TIMES), dtype=bool)
    holes[0, 1, 3] = holes[0, 1, 4] = holes[1, 2, 5] = holes[1, 4, 2] = True
    holes[0, 3, 7:] = holes[1, 5, :2] = True
    return holes


@pytest.fixture(scope="session")
def toy_model() -> Model:
    """Two nodes with feedback, 12 units over 9 years, complete."""
    from causal.joint import build_model
    from causal.panel import Panel
    from causal.syntax import read_graph

    frame = loops.panel(loops.TWO_TRUE, units=TOY_UNITS, times=TOY_TIMES, seed=7, year_sd=0.5)
    # Natural scales that differ, so that a test sees where they are mixed up.
    return build_model(
        read_graph(loops.TWO), Panel.from_frame(frame.assign(x=10 * frame["x"] + 300), unit="unit", time="year")
    )


@pytest.fixture(scope="session")
def holed_model() -> Model:
    """The same with four holes inside, one unit that ends early and one that starts late."""
    from causal.joint import build_model
    from causal.panel import Panel
    from causal.syntax import read_graph

    frame = loops.panel(loops.TWO_TRUE, units=TOY_UNITS, times=TOY_TIMES, seed=7, year_sd=0.5, holes=toy_holes())
    return build_model(read_graph(loops.TWO), Panel.from_frame(frame, unit="unit", time="year"))


@pytest.fixture(scope="session")
def toy_fit(toy_model: Model) -> Fit:
    """400 draws in each of two chains of `toy_model`."""
    from causal.fit import fit

    return fit(toy_model, seed=1, draws=400, chains=2, allow_unconverged=True)


@pytest.fixture(scope="session")
def holed_fit(holed_model: Model) -> Fit:
    """400 draws in each of two chains of `holed_model`."""
    from causal.fit import fit

    return fit(holed_model, seed=1, draws=400, chains=2, allow_unconverged=True)
