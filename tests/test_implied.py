"""What a claim implies for the years after: chance against every deal, the claim's own effect against a plain recursion."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from causal.dist import Normal
from causal.fit import Fit
from causal.forecast import StudyForecast, seen_from
from causal.graph import Edge, Sign
from causal.implied import Implied, hits_by_chance, implied
from causal.panel import Panel, Study
from causal.syntax import read_graph
from tests.oracle.loops import frame
from tests.oracle.worlds import made_fit, made_model

WAYS = st.lists(st.sampled_from([1, -1, 0]), min_size=6, max_size=6)
GRAPH = read_graph("u -> u [lag=1]\nv -> v [lag=1]\nu -> v [lag=1, sign=+]")
EDGE = GRAPH.edge("u -> v")
UNITS, YEARS, NOW = 20, 14, 2009


@given(st.lists(st.sampled_from([1, -1]), min_size=6, max_size=6), WAYS)
def test_chance_is_the_share_of_deals(wanted: list[int], ways: list[int]) -> None:
    counts = np.zeros(7)
    for deal in permutations(ways):
        counts[sum(a == b for a, b in zip(wanted, deal, strict=True))] += 1
    np.testing.assert_allclose(hits_by_chance(wanted, ways), counts / counts.sum(), atol=1e-12)


def test_without_ties_it_is_fishers_distribution() -> None:
    wanted, ways = [1] * 9 + [-1] * 5, [1] * 6 + [-1] * 8
    chance = hits_by_chance(wanted, ways)
    for both_up in range(1, 7):
        # Hits: both up, and both down, which are 5 - (6 - both_up).
        assert chance[both_up + 5 - (6 - both_up)] == pytest.approx(stats.hypergeom(14, 6, 9).pmf(both_up))


def made(moves_u: np.ndarray, moves_v: np.ndarray, *, seed: int = 0, edge: Edge = EDGE) -> StudyForecast:
    """A study in which u and v step by these amounts after the article's year, and a memory fit of the years before."""
    generator = np.random.default_rng(seed)
    values = {name: generator.normal(size=(UNITS, YEARS)) * 0.3 for name in "uv"}
    for name, moves in (("u", moves_u), ("v", moves_v)):
        values[name][:, 10:] = values[name][:, [9]] + np.asarray(moves)[:, None]
    rows = frame(values)
    study = Study(Panel.from_frame(rows, unit="unit", time="year"))
    model = made_model(GRAPH, rows[rows["year"] <= NOW])
    effects = {"u -> u [lag=1]": 0.5, "v -> v [lag=1]": 0.5, "u -> v [lag=1]": 0.0}
    fit: Fit = made_fit(model, draws=500, effects=effects, spread=0.0, shock_sd=[0.3, 0.3])
    return StudyForecast("panel", NOW, 2000, 2013, (), {}, {"memory": fit}, seen_from(study, GRAPH, NOW), "")


def ways(seed: int = 1) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(UNITS) < 0.5, -1.0, 1.0)


def test_a_claim_that_every_unit_follows_is_told_from_chance_and_its_opposite_too() -> None:
    up = ways()
    found = implied(made(up, 0.5 * up), EDGE, ["c1"], Normal(0.3, 0.1))
    assert (found.hits, found.units, found.word) == (UNITS, UNITS, "more often than chance")
    assert found.p_more < 1e-4
    against = implied(made(up, -0.5 * up), EDGE, ["c1"], Normal(0.3, 0.1))
    assert (against.hits, against.word) == (0, "less often than chance")
    turned = Edge("u", "v", 1, Sign.NEGATIVE)
    assert implied(made(up, -0.5 * up), turned, ["c1"], Normal(-0.3, 0.1)).hits == UNITS


def test_strangers_are_told_from_chance_about_as_rarely_as_it_says() -> None:
    generator = np.random.default_rng(5)
    words = [
        implied(
            made(generator.normal(size=UNITS), generator.normal(size=UNITS), seed=k), EDGE, ["c1"], Normal(0.3, 0.1)
        ).word
        for k in range(30)
    ]
    assert words.count("more often than chance") <= 8, (
        "of 60 at .05 or less each; 9 and more in under three of a thousand"
    )


def test_v_that_rose_everywhere_proves_nothing() -> None:
    found = implied(made(ways(), np.ones(UNITS)), EDGE, ["c1"], Normal(0.3, 0.1))
    assert found.word == "cannot be told"
    assert found.hits == found.by_chance == (ways() > 0).sum()
    assert "probability 1.00" in found.why


def test_units_in_which_the_cause_hardly_moved_do_not_count() -> None:
    up = ways()
    up[:6] = 0.001
    assert implied(made(up, up), EDGE, ["c1"], Normal(0.3, 0.1)).units == UNITS - 6


def test_hits_if_the_claim_held_rise_with_its_size_from_those_without_it() -> None:
    up = ways()
    found = made(5.0 * up, up)
    none, some, sure = (implied(found, EDGE, ["c1"], Normal(mean, 1e-6)).if_true for mean in (0.0, 0.1, 5.0))
    assert none < some < sure
    assert sure == pytest.approx(UNITS, abs=0.05)
    assert implied(found, EDGE, ["c1"], Normal(-5.0, 1e-6)).if_true == pytest.approx(0.0, abs=0.05)


def test_what_the_claim_adds_is_the_recursion_with_its_effect() -> None:
    """With next to no shocks v goes on by its memory plus b times u's change: the sign flips exactly where the sum does."""
    from causal.implied import _added

    found = made(ways(), ways(2))
    fit, b = found.fits["memory"], np.full(1000, 0.3)
    carried = np.linspace(0.0, 2.0, 5)[None] * ways()[:, None]
    added = _added(fit.model, fit.draws("effect"), EDGE, carried, b)
    r = fit.draws("effect")[:, [term.name for term in fit.model.system.terms].index("v -> v [lag=1]")]
    for unit in (0, 3):
        level = np.zeros(1000)
        for time in range(1, 5):
            level = 0.3 * carried[unit, time - 1] + r * level
            np.testing.assert_allclose(added[:, unit, time - 1], level)


@pytest.mark.parametrize(
    ("found", "edge", "part"),
    [
        (StudyForecast("s", NOW, why="too short"), EDGE, "too short"),
        (None, Edge("u", "v", 1), "no direction"),
        (None, Edge("u", "v", 1, Sign.POSITIVE, across="neighbours"), "other units"),
        (None, Edge("w", "v", 1, Sign.POSITIVE), "w: not measured"),
        (None, Edge("u", "v", 4, Sign.POSITIVE), "too few years"),
    ],
)
def test_what_cannot_be_said_has_its_reason(found: StudyForecast | None, edge: Edge, part: str) -> None:
    given = made(ways(), ways()) if found is None else found
    told: Implied = implied(given, edge, ["c1"], Normal(0.3, 0.1))
    assert part in told.why
    assert told.word == "cannot be told"
    assert told.claims == ("c1",)


def test_a_unit_without_a_value_in_the_articles_year_does_not_count(tmp_path: Path) -> None:
    found = made(ways(), ways())
    assert found.values is not None
    found.values.loc[{"variable": "u", "unit": "u003", "time": NOW}] = np.nan
    assert implied(found, EDGE, ["c1"], Normal(0.3, 0.1)).units == UNITS - 1
