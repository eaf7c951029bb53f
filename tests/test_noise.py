"""Values measured with noise: their share, their density against brute force, indicators, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from causal.checks import STANDARD, check
from causal.errors import CausalError
from causal.fit import Fit, JointFit, fingerprint, fit
from causal.intervene import Shift
from causal.joint import build_model
from causal.measurement import Measure, within_unit_sd, yearly_limit
from causal.model import Model
from causal.noise import Noise, noise_draws
from causal.panel import Panel, Study
from causal.simulate import contrast
from causal.syntax import read_graph
from tests.oracle import loops
from tests.test_model import expected, log_density, refusal, toy_frame, unconstrained, whole

Floats = NDArray[np.float64]
TWO = read_graph(loops.TWO)
NAN = float("nan")


def study(frame: pd.DataFrame, name: str = "panel", **measures: Any) -> Study:
    return Study(Panel.from_frame(frame, unit="unit", time="year"), {"y": "y", "x": "x"} | measures, name=name)


def noisy(frame: pd.DataFrame | None = None, **measures: Any) -> Model:
    return build_model(TWO, study(toy_frame() if frame is None else frame, **measures))


def noise_in(model: Model) -> Noise:
    assert model.design.noise is not None
    return model.design.noise


# ---------------------------------------------------------------------------------------------------- how much


@pytest.mark.parametrize("years", [True, False])
def test_the_limit_is_the_second_differences_over_what_the_errors_alone_would_give(years: bool) -> None:
    rng = np.random.default_rng(1)
    values, errors = rng.normal(size=(5, 7)), rng.uniform(3.0, 4.0, size=(5, 7))
    values[1, 3] = NAN
    squares, given, cells = 0.0, 0.0, 0
    for t in range(1, 6):
        units = [i for i in range(5) if not np.isnan(values[i, t - 1 : t + 2]).any()]
        turned = [values[i, t + 1] - 2 * values[i, t] + values[i, t - 1] for i in units]
        squares += sum((each - (np.mean(turned) if years else 0.0)) ** 2 for each in turned)
        share = 1 - 1 / len(units) if years else 1.0
        given += share * sum(errors[i, t - 1] ** 2 + 4 * errors[i, t] ** 2 + errors[i, t + 1] ** 2 for i in units)
        cells += len(units) - years
    # Second differences of white noise correlate by -2/3 at one period and 1/6 at two.
    freedom = cells / (1 + 2 * ((2 / 3) ** 2 + (1 / 6) ** 2))
    margin = freedom / stats.chi2.ppf(0.05, freedom)
    assert yearly_limit(values, errors, year_effects=years) == pytest.approx(
        np.sqrt(squares / given * margin), rel=1e-3
    )


def test_noise_alone_lies_under_its_limit_nineteen_times_in_twenty_and_mostly_close_to_it() -> None:
    rng = np.random.default_rng(2)
    limits = np.array(
        [
            yearly_limit(rng.normal(size=(20, 9)) + rng.normal(size=9), np.full((20, 9), 2.0), year_effects=True)
            for _ in range(600)
        ]
    )
    # Three binomial standard errors of 600 worlds at .95.
    assert np.mean(limits >= 0.5) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 600)
    assert np.median(limits) < 0.6


def test_what_moves_besides_noise_only_raises_the_limit_and_one_is_the_most() -> None:
    rng = np.random.default_rng(3)
    noise, errors = rng.normal(size=(10, 8)), np.full((10, 8), 5.0)
    truth = np.cumsum(rng.normal(size=(10, 8)), axis=1)
    assert yearly_limit(noise + truth, errors, year_effects=False) > yearly_limit(noise, errors, year_effects=False)
    assert yearly_limit(noise, errors / 100, year_effects=False) == 1.0
    assert yearly_limit(noise[:, :2], errors[:, :2], year_effects=False) == 1.0


def test_the_levels_of_units_and_years_do_not_count_as_noise() -> None:
    rng = np.random.default_rng(4)
    values, errors = rng.normal(size=(10, 8)), np.full((10, 8), 5.0)
    moved = values + rng.normal(size=(10, 1)) * 9 + rng.normal(size=8) * 9
    assert yearly_limit(moved, errors, year_effects=True) == pytest.approx(
        yearly_limit(values, errors, year_effects=True)
    )


def test_a_number_a_column_a_log_and_an_index_give_the_errors_on_the_scale_of_the_values() -> None:
    frame = toy_frame()
    scale = within_unit_sd(frame["x"].to_numpy().reshape(6, 8))
    rng = np.random.default_rng(5)
    frame = frame.assign(se=rng.uniform(0.1, 0.3, len(frame)), rising=np.exp(frame["x"]))
    node, unit, time = noise_in(noisy(frame, x=Measure("x", error=0.2))).cells
    assert set(node.tolist()) == {0}
    np.testing.assert_allclose(noise_in(noisy(frame, x=Measure("x", error=0.2))).sd, 0.2 / scale)
    by_column = noise_in(noisy(frame, x=Measure("x", error="se")))
    np.testing.assert_allclose(by_column.sd, frame["se"].to_numpy().reshape(6, 8)[unit, time] / scale)
    for logged in (
        noisy(frame, x=Measure("rising", error="se", transform="log")),
        build_model(read_graph(loops.TWO + "\nx [family=lognormal]"), study(frame, x=Measure("rising", error="se"))),
    ):
        relative = (frame["se"] / frame["rising"]).to_numpy().reshape(6, 8)
        np.testing.assert_allclose(noise_in(logged).sd, relative[unit, time] / scale)


def test_a_value_without_error_is_exact_and_counted() -> None:
    frame = toy_frame().assign(se=0.3)
    frame.loc[[3, 20], "se"] = 0.0
    model = noisy(frame, x=Measure("x", error="se"))
    assert noise_in(model).cells.shape[1] == 46
    assert any("2 values with a standard error of 0 are taken as exact" in note for note in model.notes)


def test_a_stated_share_is_kept_and_a_reliability_is_a_range_of_noise() -> None:
    known = noise_in(noisy(x=Measure("x", error=0.1, yearly=0.5)))
    assert (known.low.tolist(), known.high.tolist(), known.free.tolist()) == ([0.5], [0.5], [False])
    proxy = noise_in(noisy(x=Measure("x", reliability=(0.7, 0.9))))
    np.testing.assert_allclose([proxy.low[0], proxy.high[0]], [np.sqrt(0.1), np.sqrt(0.3)])
    np.testing.assert_array_equal(proxy.sd, 1.0)


# --------------------------------------------------------------------------------------------------- the density


def at(model: Model, truths: Floats, share: Floats) -> Floats:
    """The sampled values at which the noisy cells have these truths, found by solving the map that the draws go through."""
    noise = noise_in(model)
    drawn = {"noise_share": ((share - noise.low)[noise.free] / (noise.high - noise.low)[noise.free])[None, None]}
    zero, one = (
        noise_draws(noise, drawn | {"noise": np.full((1, 1, len(noise.sd)), value)}, "")[1][0, 0]
        for value in (0.0, 1.0)
    )
    return (truths - model.design.standard[tuple(noise.cells)] - zero) / (one - zero)


def scale_of(model: Model, share: Floats) -> float:
    """The log of how much volume the map from sampled values to truths makes."""
    noise = noise_in(model)
    drawn = {"noise_share": ((share - noise.low)[noise.free] / (noise.high - noise.low)[noise.free])[None, None]}
    zero, one = (
        noise_draws(noise, drawn | {"noise": np.full((1, 1, len(noise.sd)), value)}, "")[1][0, 0]
        for value in (0.0, 1.0)
    )
    return float(np.log(np.abs(one - zero)).sum())


@pytest.mark.parametrize(
    "measures",
    [
        {"x": Measure("x", error=0.4)},
        {"x": Measure("x", error="se"), "y": Measure("y", error=0.5, yearly=0.6)},
        {"y": Measure("y", reliability=(0.5, 0.9))},
    ],
)
def test_the_log_density_is_that_of_the_truths_and_of_the_values_given_them(measures: dict[str, Measure]) -> None:
    frame = toy_frame(se=np.random.default_rng(7).uniform(0.2, 0.5, 48))
    model = noisy(frame, **measures)
    noise, design = noise_in(model), model.design
    density = log_density(model)
    rng = np.random.default_rng(8)
    for _ in range(3):
        share = noise.low + rng.uniform(0.1, 0.9, len(noise.low)) * (noise.high - noise.low)
        spread = share[noise.of] * noise.sd
        values = design.standard[tuple(noise.cells)]
        truths = values + spread * rng.normal(size=len(values))
        filled = design.standard.copy()
        filled[tuple(noise.cells)] = truths
        effects, sd = rng.uniform(-0.4, 0.4, len(model.system.terms)), rng.uniform(0.5, 1.5, 2)
        hand = expected(model, filled, whole(6, 8, 1), effects, sd, years=True)
        hand += stats.norm.logpdf(values, truths, spread).sum() + len(values) * np.log(2 * np.pi) / 2
        # First values, which no equation has for its outcome, lie around their unit's mean.
        first = noise.cells[2] == 0
        middle = design.standard.mean(axis=2)[noise.cells[0], noise.cells[1]]
        hand += -0.5 * ((truths - middle)[first] ** 2).sum() + scale_of(model, share)
        point = unconstrained(model, effects, sd) | {"noise": at(model, truths, share)}
        if noise.free.any():
            within = ((share - noise.low) / np.where(noise.free, noise.high - noise.low, 1.0))[noise.free]
            point["noise_share_interval__"] = np.log(within / (1 - within))
        assert density(point) == pytest.approx(hand, abs=1e-7)


def test_further_indicators_enter_as_regressions_with_unit_and_year_dummies() -> None:
    rng = np.random.default_rng(9)
    frame = toy_frame()
    frame["second"] = 3.0 - 2.0 * frame["x"] + rng.normal(size=48)
    frame.loc[[5, 17], "second"] = NAN
    model = noisy(frame, x=Measure(("x", "second"), direction="+-", loadings=True))
    plain = noisy(frame, x=Measure("x", reliability=(0.5, 0.9)))
    noise = noise_in(model)
    (indicator,) = noise.indicators
    columns = np.zeros((46, 14))
    columns[np.arange(46), indicator.unit], columns[np.arange(46), 6 + indicator.time] = 1.0, 1.0
    column = -frame["second"].to_numpy().reshape(6, 8)
    np.testing.assert_allclose(
        np.diff(indicator.values), np.diff(column[indicator.unit, indicator.time]) / within_unit_sd(column)
    )
    density = log_density(model)
    assert plain.design.noise is not None
    bare = replace(plain, design=replace(plain.design, noise=replace(noise, indicators=())))
    without = log_density(bare)
    for loading, sd in ((0.7, 0.5), (1.2, 0.9)):
        point = unconstrained(model, np.full(4, 0.2), np.ones(2)) | {
            "noise": rng.normal(size=noise.cells.shape[1]),
            "noise_share_interval__": np.zeros(1),
        }
        full = point | {"loading_log__": np.log([loading]), "indicator_sd_log__": np.log([sd])}
        moved = noise_draws(noise, {"noise": point["noise"][None, None], "noise_share": np.full((1, 1, 1), 0.5)}, "")[1]
        truth = model.design.standard.copy()
        truth[tuple(noise.cells)] += moved[0, 0]
        left = indicator.values - loading * truth[0, indicator.unit, indicator.time]
        residual = left - columns @ np.linalg.lstsq(columns, left, rcond=None)[0]
        freedom = 46 - np.linalg.matrix_rank(columns)
        hand = -freedom * np.log(sd) - (residual**2).sum() / (2 * sd**2)
        hand += stats.halfnorm.logpdf([loading, sd]).sum()
        assert density(full) - without(point) == pytest.approx(hand, abs=1e-8)


def test_noise_stands_behind_missing_values_and_both_are_filled() -> None:
    frame = toy_frame()
    frame.loc[[12, 27], "x"] = NAN
    model = noisy(frame, x=Measure("x", error=0.4))
    design = model.design
    assert design.missing == 2
    assert design.holes.shape[1] == 48
    seen = tuple(design.holes[:, 2:])
    np.testing.assert_array_equal(design.hole_start[2:], design.standard[seen])
    np.testing.assert_array_equal(design.filled[seen], design.standard[seen])
    assert np.isfinite(
        log_density(model)(
            unconstrained(model, np.zeros(4), np.ones(2))
            | {"missing": np.zeros(2), "noise": np.zeros(46), "noise_share_interval__": np.zeros(1)}
        )
    )


# ------------------------------------------------------------------------------------------------------ the fit


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit(noisy(x=Measure("x", error=0.4)), seed=1, draws=60, tune=100, chains=2, allow_unconverged=True)


@pytest.mark.slow
def test_draws_hold_the_share_and_the_truths_and_everything_that_reads_a_fit_takes_them(fitted: Fit) -> None:
    posterior = fitted.posterior
    share = posterior["noise_share"]
    assert share.dims == ("chain", "draw", "noisy_node")
    assert share.coords["noisy_node"].to_numpy().tolist() == ["x"]
    limit = noise_in(fitted.model).high[0]
    assert 0 < float(share.min()) < float(share.max()) < limit
    truths = fitted.draws("missing")
    assert truths.shape == (120, 48)
    values = fitted.model.design.hole_start
    # The truths lie about the values, by less than the largest noise that is allowed.
    assert np.corrcoef(truths.mean(axis=0), values)[0, 1] > 0.8
    assert (truths - values).std() < noise_in(fitted.model).sd[0] * limit
    assert [result.name for result in check(fitted)] == [each.__name__.rpartition(".")[2] for each in STANDARD]
    found = contrast(fitted, [Shift("x", 1.0)], outcome="y", horizon=2)
    assert np.isfinite(found.to_numpy()).all()


def test_a_fit_is_found_again_by_its_measures_too() -> None:
    settings = {"seed": 1}
    keys = {
        fingerprint(noisy(x=measure), settings)
        for measure in (
            "x",
            Measure("x", error=0.4),
            Measure("x", error=0.3),
            Measure("x", error=0.4, yearly=0.5),
            Measure("x", reliability=(0.6, 0.9)),
        )
    }
    assert len(keys) == 5


@pytest.mark.slow
def test_several_studies_as_one_may_have_noise_in_one_of_them() -> None:
    frame = toy_frame()
    other = loops.panel(loops.TWO_TRUE, units=5, times=7, seed=8).assign(unit=lambda rows: "b" + rows["unit"])
    model = build_model(TWO, [study(frame, "a", x=Measure("x", error=0.4)), study(other, "b")])
    found = fit(model, seed=1, draws=30, tune=60, chains=2, allow_unconverged=True)
    assert isinstance(found, JointFit)
    assert "noise_share" in found.study("a").posterior
    assert "noise_share" not in found.study("b").posterior


# ---------------------------------------------------------------------------------------------------- refusals


def test_more_noise_than_the_second_differences_allow_is_refused() -> None:
    smooth = loops.panel(loops.TWO_TRUE | {("x", "x", 1): 0.95}, units=30, times=20, seed=3)
    told = refusal(
        lambda: noisy(smooth, x=Measure("x", error=5.0, yearly=1.0), y=Measure("y", reliability=(0.05, 0.1)))
    )
    assert "'x' moves too smoothly for that much yearly noise: second differences allow a yearly share of" in told[0]
    assert "'y' moves too smoothly" in told[1]
    assert "a reliability of" in told[1]
    assert len(told) == 2


def test_a_value_without_a_standard_error_is_named() -> None:
    frame = toy_frame(se=0.2)
    frame.loc[3, "se"] = NAN
    (told,) = refusal(lambda: noisy(frame, x=Measure("x", error="se")))
    assert "column 'se' at u000, 2003: nan where there is a value" in told
    frame.loc[3, "x"] = NAN
    assert noise_in(noisy(frame, x=Measure("x", error="se"))).cells.shape[1] == 47


def test_nodes_of_other_families_and_effects_across_units_have_no_noise() -> None:
    told = refusal(
        lambda: build_model(
            read_graph(loops.TWO + "\nx [family=student-t]"), study(toy_frame(), x=Measure("x", error=0.2))
        )
    )
    assert "is of the family student-t, which noise of measurement does not fit" in told[0]
    graph = read_graph(loops.TWO + "\ny -> y [lag=1, across=near]")
    weights = pd.DataFrame(np.eye(6)[np.r_[1:6, 0]], index=[f"u{k:03d}" for k in range(6)])
    weights.columns = weights.index
    near = replace(study(toy_frame(), x=Measure("x", error=0.2)), weights={"near": weights})
    with pytest.raises(CausalError, match="effects across units need values without noise"):
        build_model(graph, near)
