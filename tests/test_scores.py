"""The checks of what the equations leave out: implied independences, leads, residuals, confounders, prior against data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.stats import chi2

import causal as ca
from causal.cells import fitted_linear
from causal.checks import check_sets, conflict, confounding, independences, placebo, predictive, scores
from causal.checks.scores import Hidden, Link
from causal.dist import Normal
from causal.equations import cross_products, stacked
from causal.fit import Convergence, Fit
from causal.model import Model, Priors
from causal.orthogonal import correction
from causal.panel import Panel
from causal.syntax import read_graph
from tests.oracle import loops
from tests.oracle.worlds import made_fit, made_model

CHAIN = "x -> x [lag=1]; y -> y [lag=1]; x -> y [lag=1]"
CHAIN_TRUE = {("x", "x", 1): 0.5, ("y", "y", 1): 0.5, ("x", "y", 1): 0.2}


@pytest.fixture(autouse=True)
def fewer_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "_REPLICATES", 199)
    monkeypatch.setattr(predictive, "_REPLICATES", 199)


def at_maximum(model: Model, spread: float = 0.0) -> Fit:
    """A fit whose draws lie at the maximum of the corrected likelihood."""
    design = model.design
    linear = fitted_linear(model.system, design.filled, design.sweep, design.holes)
    rows, columns = model.system.positions()
    effects = {
        term.name: linear.effects[row, column] / model.on_standard_scale(term.name)
        for term, row, column in zip(model.system.terms, rows, columns, strict=True)
    }
    return made_fit(model, effects=effects, spread=spread, shock_sd=1.0, draws=5)


def panel_fit(text: str, true: loops.Effects, seed: int, *, units: int = 30, times: int = 15, drop: str = "") -> Fit:
    rows = loops.panel(true, units=units, times=times, seed=seed, year_sd=0.5)
    return at_maximum(made_model(read_graph(text), rows.drop(columns=[drop] if drop else [])))


def refuted(check: object, fits: list[Fit]) -> float:
    assert callable(check)
    return float(np.mean([check(fit).passed is False for fit in fits]))


HIDDEN = {("u", "u", 1): 0.7, ("u", "x", 0): 0.6, ("u", "y", 0): 0.6, **CHAIN_TRUE, ("x", "y", 1): 0.0}


# Implied independences


def test_what_a_chain_implies_is_what_its_equations_leave_out() -> None:
    found = independences.implied(panel_fit(CHAIN, CHAIN_TRUE, 1))
    assert set(found) == {
        Link("x", "x", 2),
        Link("y", "x", 1),
        Link("y", "x", 2),
        Link("x", "y", 2),
        Link("y", "y", 2),
        Link("x", "y", 0, shared=True),
    }


def test_nothing_is_asked_that_the_graph_does_not_say() -> None:
    # A common cause of the same period joins the shocks; one a period apart opens y[0] to x[-2] past its own causes.
    found = independences.implied(panel_fit(f"{CHAIN}; x <-> y", CHAIN_TRUE, 1))
    assert not any(link.shared for link in found)
    apart = independences.implied(panel_fit(f"{CHAIN}; x <-> y [lag=2]", CHAIN_TRUE, 1))
    assert Link("x", "y", 2) not in apart
    assert Link("y", "x", 1) in apart


def test_a_score_is_that_of_the_regression_that_has_the_link() -> None:
    """Without a lagged outcome there is no correction, and the squared score is the fall of the residual squares that the link brings."""
    rows = loops.panel({("z", "y", 1): 0.4, ("x", "y", 1): 0.3}, units=25, times=12, seed=5)
    model = made_model(read_graph("z -> y [lag=1]; x"), rows)
    fit = at_maximum(model)
    frame = scores._frame(fit, (Link("x", "y", 1),))
    (ours,) = scores._standardised(frame, model.design.filled)
    products = cross_products(stacked(model.design.filled, 1), model.design.sweep)
    at = {node: k for k, node in enumerate(model.system.nodes)}
    y, z, x = at["y"], len(at) + at["z"], len(at) + at["x"]
    held = [z]
    both = [z, x]

    def squares(columns: list[int]) -> float:
        given = products[np.ix_(columns, columns)]
        return float(products[y, y] - products[y, columns] @ np.linalg.solve(given, products[columns, y]))

    fall = (squares(held) - squares(both)) / (squares(held) / model.design.sweep.freedom)
    assert ours**2 == pytest.approx(
        fall, rel=2e-3
    )  # the maximum is under Normal(0, 1) effects, which is not quite least squares


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "true", "units", "times"),
    [(loops.TWO, loops.TWO_TRUE, 60, 7), (loops.FOUR, loops.FOUR_TRUE, 20, 9), (loops.FOUR, loops.FOUR_TRUE, 30, 20)],
    ids=["short loop of two", "short loop of four", "loop of four"],
)
def test_a_right_graph_is_refuted_as_often_as_the_level_says(
    text: str, true: loops.Effects, units: int, times: int
) -> None:
    checks = [independences.check(panel_fit(text, true, seed, units=units, times=times)) for seed in range(100)]
    names = [name for name in checks[0].numbers if name.startswith("probability")]
    assert len(names) > 1
    for name in names:
        found = np.array([check.numbers[name] for check in checks])
        # Of 100 at .01 at most 5, with probability .9995; at .1 at most 20; half of them below one half.
        assert np.mean(found <= scores.LEVEL) <= 0.05
        assert np.mean(found <= independences.DOUBTFUL) <= 0.2
        assert 0.33 <= np.mean(found < 0.5) <= 0.67


@pytest.mark.slow
def test_without_the_correction_short_panels_would_be_refuted() -> None:
    fits = [panel_fit(loops.TWO, loops.TWO_TRUE, seed, units=60, times=7) for seed in range(20)]
    sizes = [np.abs(independences.check(fit).numbers["x[-2] and x[0]"]) for fit in fits]
    frame = [scores._frame(fit, (Link("x", "x", 2),)) for fit in fits]
    bare = [
        scores._standardised(replace(each, pull=each.pull * 0.0), fit.model.design.filled)[0]
        for each, fit in zip(frame, fits, strict=True)
    ]
    assert np.mean(sizes) < 1.2 < np.abs(np.mean(bare))


def test_scores_lie_together_as_far_out_as_their_own_spread_says() -> None:
    """With many replicates the form is chi-square, and a spread or a correlation of the scores makes no difference to it."""
    rng = np.random.default_rng(3)
    mixing = np.array([[2.0, 0.0, 0.0], [1.5, 0.5, 0.0], [0.0, 1.0, 1.0]])
    drawn = rng.normal(size=(20_000, 3)) @ mixing.T
    links = tuple(Link("x", "y", lag) for lag in (1, 2, 3))
    values = mixing @ np.array([1.0, -1.5, 0.5])
    found = scores.Scores(links, values, 0.5, (), drawn, np.ones(len(links)))
    assert found.together(links) == pytest.approx(chi2(3).sf(3.5), abs=0.012)
    # Under the null p is as often below a level as the level says, however few the replicates.
    few = np.array(
        [
            scores.Scores(
                tuple(Link("x", "y", k) for k in range(14)), each[0], 0.5, (), each[1:], np.ones(14)
            ).together([Link("x", "y", k) for k in range(14)])
            for each in rng.normal(size=(600, 100, 14))
        ]
    )
    assert np.mean(few <= 0.1) == pytest.approx(0.1, abs=0.04)
    assert np.mean(few <= 0.01) <= 0.025
    z = values[1] / np.hypot(1.5, 0.5)
    assert found.together(links[1:2]) == pytest.approx(chi2(1).sf(z**2), abs=0.012)


@pytest.mark.parametrize(
    ("text", "true", "late", "memory", "reaches", "times"),
    [
        (CHAIN, CHAIN_TRUE, 1, 0.6, (0.3, 0.3), 60),
        (CHAIN, CHAIN_TRUE, 1, 0.6, (0.3, 0.3), 15),
        (CHAIN, CHAIN_TRUE, 1, 0.9, (0.3, 0.3), 15),
        (CHAIN, CHAIN_TRUE, 1, 0.6, (0.3, 0.3), 8),
        (CHAIN, CHAIN_TRUE, 1, 0.0, (0.3, -0.3), 30),
        (CHAIN, CHAIN_TRUE, 2, 0.6, (0.2, 0.5), 30),
        (loops.TWO, loops.TWO_TRUE, 0, 0.6, (0.3, 0.3), 60),
        (loops.TWO, loops.TWO_TRUE, 1, 0.6, (0.3, -0.3), 60),
        (loops.TWO, loops.TWO_TRUE, 1, 0.6, (0.3, 0.3), 12),
    ],
)
def test_a_hidden_cause_leaves_the_traces_that_are_looked_for(
    text: str, true: loops.Effects, late: int, memory: float, reaches: tuple[float, float], times: int
) -> None:
    """Where they point; their size is told to the order of reach squared, beyond which some of it is lost, in short panels the more."""
    x, y = reaches
    own = (1.0 - memory**2) ** 0.5
    hidden = {**true, ("u", "x", 0): x * own, ("u", "y", late): y * own} | ({("u", "u", 1): memory} if memory else {})
    cells = 24_000 if times > 20 else 60_000
    fits = [panel_fit(text, hidden, seed, units=cells // times, times=times, drop="u") for seed in range(3)]
    links = independences.implied(fits[0])
    seen = np.mean([scores.plain_scores(fit, links, fit.model.design.filled) for fit in fits], axis=0)
    cause = Hidden({"x": x, "y": y}, {"y": late}, memory)
    (told,) = scores.traces(fits[0], links, [cause])
    assert seen @ told / (np.linalg.norm(seen) * np.linalg.norm(told)) > (0.95 if times > 20 else 0.9)
    assert 0.6 < np.linalg.norm(seen) / np.linalg.norm(told) < 2.0
    (half,) = scores.traces(fits[0], links, [replace(cause, reach={"x": x / 2.0, "y": y / 2.0})])
    np.testing.assert_allclose(half, told / 4.0, rtol=1e-9)


def test_traces_in_leads_are_not_told() -> None:
    fit = panel_fit(CHAIN, CHAIN_TRUE, 1)
    with pytest.raises(ValueError, match="leads"):
        scores.traces(fit, (Link("x", "y", -1),), [Hidden({"x": 1.0}, {}, 0.5)])


def test_scores_that_go_where_a_trace_points_are_found_more_often_and_others_no_oftener() -> None:
    rng = np.random.default_rng(5)
    links = [Link("x", "y", k) for k in range(8)]
    trace = rng.normal(size=(1, 8))
    moved = 3.3 * trace[0] / np.linalg.norm(trace)
    worlds = rng.normal(size=(400, 100, 8))

    def shares(shift: loops.Floats, traces: loops.Floats | None) -> loops.Floats:
        each = [scores.Scores(tuple(links), x[0] + shift, 0.5, (), x[1:], np.ones(8)) for x in worlds]
        return np.array([found.together(links, traces) for found in each])

    nothing = np.zeros(8)
    for traces in (None, trace, np.vstack([trace, nothing])):
        assert np.mean(shares(nothing, traces) <= 0.1) == pytest.approx(0.1, abs=0.045)
        assert np.mean(shares(nothing, traces) <= 0.01) <= 0.025
    assert np.mean(shares(moved, trace) <= 0.05) > np.mean(shares(moved, None) <= 0.05) + 0.1
    # With a hundred in all, one in a hundred is the largest of them.
    assert np.mean(shares(1.3 * moved, trace) <= 0.01) > np.mean(shares(1.3 * moved, None) <= 0.01) + 0.1
    # A trace of nothing asks for nothing.
    np.testing.assert_array_equal(shares(moved, np.zeros((2, 8))), shares(moved, None))


@pytest.mark.slow
def test_an_effect_that_a_lasting_common_cause_makes_is_refuted_by_its_two_ends_and_a_right_one_is_not() -> None:
    text = "x -> x [lag=1]; y -> y [lag=1]; z -> z [lag=1]; x -> y [lag=1]; y -> z [lag=1]; z -> x [lag=1]"
    own = {(node, node, 1): 0.5 for node in "xyz"}
    hidden = own | {
        ("u", "u", 1): 0.7,
        ("u", "x", 0): 0.5,
        ("u", "y", 1): 0.5,
        ("y", "z", 1): -0.2,
        ("z", "x", 1): -0.2,
    }
    right = own | {("x", "y", 1): 0.2, ("y", "z", 1): -0.2, ("z", "x", 1): -0.2}
    found, fine = (
        [independences.check(panel_fit(text, true, seed, units=40, times=25, drop=drop)) for seed in range(40)]
        for true, drop in ((hidden, "u"), (right, ""))
    )
    edge = "x -> y [lag=1]"
    assert np.mean([each.fails(edge) for each in found]) > 0.85
    assert np.mean([each.fails(edge) or each.warns(edge) for each in found]) > 0.95
    # Of 40 at .01 at most 3, at .1 at most 9, with probability .99.
    assert np.mean([each.fails(edge) for each in fine]) <= 0.075
    assert np.mean([each.warns(edge) for each in fine]) <= 0.225


@pytest.mark.slow
def test_a_lasting_common_cause_and_a_wrong_lag_are_found() -> None:
    hidden = [panel_fit(CHAIN, HIDDEN, seed, drop="u") for seed in range(20)]
    assert refuted(independences.check, hidden) > 0.7
    later = {("x", "x", 1): 0.5, ("y", "y", 1): 0.5, ("x", "y", 2): 0.3}
    assert refuted(independences.check, [panel_fit(CHAIN, later, seed) for seed in range(20)]) > 0.7


def test_a_refuted_independence_is_named_and_concerns_the_links_into_its_nodes() -> None:
    true = {("x", "x", 1): 0.5, ("y", "y", 1): 0.5, ("x", "y", 2): 0.6}
    found = independences.check(panel_fit(CHAIN, true, 2))
    assert found.passed is False
    assert found.vetoes
    assert "x[-2] still tells something of y[0]" in found.sentence
    assert found.edges == ("x -> y [lag=1]", "y -> y [lag=1]")


def test_holes_are_filled_by_the_draws() -> None:
    rows = loops.panel(CHAIN_TRUE, units=20, times=12, seed=4)
    rows.loc[rows.index % 7 == 3, "y"] = np.nan
    found = independences.check(at_maximum(made_model(read_graph(CHAIN), rows)))
    assert found.passed is not None
    assert found.numbers["tested"] == 6.0


# Leads


def test_a_loop_cannot_be_asked_about_its_future() -> None:
    found = placebo.check(panel_fit(loops.TWO, loops.TWO_TRUE, 1))
    assert found.passed is None
    assert "moved by its outcome in turn" in found.sentence


@pytest.mark.slow
def test_leads_of_a_cause_that_nothing_moves_are_silent_unless_something_moves_both() -> None:
    right = [panel_fit(CHAIN, CHAIN_TRUE, seed) for seed in range(60)]
    assert refuted(placebo.check, right) <= 0.07
    assert refuted(placebo.check, [panel_fit(CHAIN, HIDDEN, seed, drop="u") for seed in range(20)]) > 0.8


def test_a_lead_that_tells_the_outcome_is_named() -> None:
    strong = HIDDEN | {("u", "x", 0): 1.0, ("u", "y", 0): 1.0}
    found = placebo.check(panel_fit(CHAIN, strong, 3, drop="u"))
    assert found.passed is False
    assert found.edges == ("x -> y [lag=1]", "y -> y [lag=1]")


# Residuals beside replicates


@pytest.mark.slow
def test_normal_residuals_are_like_the_models_and_heavy_tails_are_not() -> None:
    fits = [panel_fit(CHAIN, CHAIN_TRUE, seed) for seed in range(60)]
    assert refuted(predictive.check, fits) <= 0.07


def test_heavy_tails_and_restless_units_are_told_apart() -> None:
    rng = np.random.default_rng(2)

    def fit(shock: np.ndarray) -> Fit:
        y = np.zeros_like(shock)
        for t in range(1, shock.shape[1]):
            y[:, t] = 0.5 * y[:, t - 1] + shock[:, t]
        return at_maximum(made_model(read_graph("y -> y [lag=1]"), loops.frame({"y": y})))

    heavy = predictive.check(fit(rng.standard_t(2.5, size=(30, 20))))
    assert heavy.passed is False
    assert "far larger than Normal" in heavy.sentence
    assert not heavy.vetoes
    uneven = predictive.check(fit(rng.normal(size=(30, 20)) * np.where(np.arange(30) % 2, 3.0, 1.0)[:, None]))
    assert uneven.passed is False
    assert "different units" in uneven.sentence


# Confounders


def test_bounds_are_those_of_the_published_example() -> None:
    """Cinelli and Hazlett 2020, section 5: harm in Darfur and attitudes to peace, with "female" as the benchmark."""
    female = confounding.Benchmark("female", 0.00908, 9.789**2 / (9.789**2 + 783))
    assert female.confounder(1.0) == pytest.approx((0.00916, 0.12464), abs=2e-4)
    assert female.confounder(3.0) == pytest.approx((0.02749, 0.37414), abs=5e-4)


def test_the_robustness_without_a_margin_is_the_published_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confounding, "_BOUND", 0.0)
    middle, spread, freedom = 0.09731582, 0.02325654, 783.0
    f2 = (middle / spread) ** 2 / freedom
    closed = ((f2**2 + 4.0 * f2) ** 0.5 - f2) / 2.0
    assert confounding._robustness(middle, spread, freedom) == pytest.approx(closed, abs=1e-9)
    assert closed == pytest.approx(0.13878, abs=1e-5)


def test_the_bias_is_that_of_leaving_a_regressor_out() -> None:
    rng = np.random.default_rng(8)
    size = 400
    z, w = rng.normal(size=(2, size))
    d = 0.4 * z + 0.3 * w + rng.normal(size=size)
    y = 0.5 * d + 0.6 * z - 0.2 * w + rng.normal(size=size)

    def ols(columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, float]:
        x = np.column_stack(columns)
        b, *_ = np.linalg.lstsq(x, y, rcond=None)
        left = y - x @ b
        freedom = size - x.shape[1]
        return b, np.sqrt(np.diagonal(np.linalg.inv(x.T @ x)) * (left @ left) / freedom), freedom

    long, _, _ = ols([d, w, z])
    short, error, freedom = ols([d, w])

    def share(target: np.ndarray, extra: np.ndarray, held: list[np.ndarray]) -> float:
        x = np.column_stack(held)
        a, b = (each - x @ np.linalg.lstsq(x, each, rcond=None)[0] for each in (target, extra))
        return float((a @ b) ** 2 / ((a @ a) * (b @ b)))

    rd, ry = share(d, z, [w]), share(y, z, [d, w])
    assert confounding.bias(error[0], freedom, rd, ry) == pytest.approx(abs(short[0] - long[0]), rel=1e-9)


def test_an_effect_beside_a_stronger_cause_is_fragile_and_that_is_a_warning() -> None:
    text = "x -> y [lag=1]; z -> y [lag=1]"
    rng = np.random.default_rng(3)
    z = rng.normal(size=(40, 20))
    x = 0.5 * z + rng.normal(size=(40, 20))
    y = rng.normal(size=(40, 20))
    y[:, 1:] += 0.12 * x[:, :-1] + 0.8 * z[:, :-1]
    fit = at_maximum(made_model(read_graph(text), loops.frame({"x": x, "y": y, "z": z})), spread=0.03)
    found = confounding.check(fit)
    assert found.passed is False
    assert not found.vetoes
    assert found.edges == ("x -> y [lag=1]",)
    assert found.numbers["strength for x -> y [lag=1]"] < 1.0
    assert 0.5 < found.numbers["sign of x -> y [lag=1] under a confounder"] < 1.0


def test_without_another_cause_there_is_nothing_to_compare_with() -> None:
    rows = loops.panel(CHAIN_TRUE, units=40, times=20, seed=1)
    found = confounding.check(at_maximum(made_model(read_graph(CHAIN), rows), spread=0.01))
    assert found.passed is None
    assert "no other measured cause" in found.sentence


# Prior against data


@pytest.mark.slow
@pytest.mark.parametrize("years", [True, False])
def test_the_density_of_the_data_is_what_the_cross_products_give(years: bool) -> None:
    rows = loops.panel(CHAIN_TRUE, units=20, times=10, seed=1)
    graph = read_graph(f"{CHAIN}; x <-> y")
    model = ca.build_model(graph, Panel.from_frame(rows, unit="unit", time="year"), year_effects=years)
    fit = ca.fit(model, seed=1, draws=200, chains=2, allow_unconverged=True)
    products = cross_products(stacked(model.design.filled, 1), model.design.sweep)
    effects, sds, loadings = fit.draws("effect"), fit.draws("shock_sd"), fit.draws("shock_loading")
    places = model.system.positions()
    direct: list[float] = []
    for draw in range(50):
        matrix, loading = np.zeros((2, 4)), np.zeros((2, 2))
        matrix[places] = effects[draw]
        for pair, value in zip(model.loadings, loadings[draw], strict=True):
            loading[pair] = value
        left = (np.eye(2) - loading) @ (np.eye(2, 4) - matrix)
        squares = (np.diagonal(left @ products @ left.T) / sds[draw] ** 2).sum()
        logs = model.design.sweep.freedom * np.log(sds[draw]).sum()
        direct.append(-logs - squares / 2.0 + correction(matrix, model.design.sweep.weights)[0])
    ours = conflict.log_likelihood(fit).to_numpy().ravel()[:50]
    assert np.std(ours - np.array(direct)) < 1e-9


@pytest.mark.slow
def test_a_prior_far_from_the_data_is_told_and_a_wide_one_is_not() -> None:
    rows = loops.panel(CHAIN_TRUE, units=30, times=15, seed=1)
    panel = Panel.from_frame(rows, unit="unit", time="year")
    found = {}
    for name, prior in (("wide", Normal(0.0, 1.0)), ("far", Normal(-0.5, 0.05))):
        model = ca.build_model(read_graph(CHAIN), panel, Priors({"x -> y": prior}))
        found[name] = conflict.check(ca.fit(model, seed=1, allow_unconverged=True))
    assert found["wide"].passed is True
    assert found["far"].passed is False
    assert found["far"].edges == ("x -> y [lag=1]",)
    assert not found["far"].vetoes


# Few data, and several prior sets


@pytest.mark.parametrize(("units", "times"), [(1, 5), (1, 8), (2, 4), (2, 6), (2, 20), (3, 4), (3, 5)])
def test_in_few_data_each_check_answers_or_says_that_it_cannot(units: int, times: int) -> None:
    rows = loops.panel(loops.FOUR_TRUE, units=units, times=times, seed=1)
    fit = made_fit(made_model(read_graph(loops.FOUR), rows), spread=0.01)
    for each in (independences, placebo, predictive, confounding):
        found = each.check(fit)
        assert found.sentence
        if units < 3 or times < 6:
            assert each in (confounding, predictive) or found.passed is None
        assert all(np.isfinite(value) for name, value in found.numbers.items() if name == "probability")


def test_scores_beyond_every_replicate_always_fail() -> None:
    true = {("x", "x", 1): 0.5, ("y", "y", 1): 0.5, ("x", "y", 2): 0.9}
    found = independences.check(panel_fit(CHAIN, true, 2, units=60, times=20))
    assert found.numbers["probability"] == pytest.approx(1.0 / 200.0)
    assert found.passed is False


def test_large_panels_are_judged_by_fewer_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "_CELLS", 100)
    monkeypatch.setattr(scores, "_AT_ONCE", 5_000)  # a few at a time
    fit = panel_fit(CHAIN, CHAIN_TRUE, 1)
    links = independences.implied(fit)
    assert (1.0 + scores._FEWER) * scores.scores(fit, links).probability == pytest.approx(
        round((1.0 + scores._FEWER) * scores.scores(fit, links).probability)
    )
    monkeypatch.setattr(scores, "_MOST_CELLS", 100)
    assert independences.check(fit).passed is None


def test_residuals_of_many_nodes_can_fail_too() -> None:
    rng = np.random.default_rng(3)
    names = "abcdef"
    values = {name: rng.standard_t(2.2, size=(20, 20)) for name in names}
    text = "; ".join(f"{name} -> {name} [lag=1]" for name in names)
    assert predictive.check(at_maximum(made_model(read_graph(text), loops.frame(values)))).passed is False


def test_holes_do_not_make_a_unit_quiet() -> None:
    rows = loops.panel(CHAIN_TRUE, units=30, times=16, seed=1)
    rng = np.random.default_rng(1)
    rows.loc[(rng.random(len(rows)) < 0.3) & (rows["year"] > 2001) & (rows["year"] < 2014), "y"] = np.nan
    model = made_model(read_graph(CHAIN), rows)
    fit = at_maximum(model)
    # What is missing, as the equation draws it.
    filled = fitted_linear(model.system, model.design.filled, model.design.sweep, model.design.holes).filled
    noise = rng.normal(size=fit.posterior["missing"].shape) * np.std(np.diff(filled[1]))
    posterior = fit.posterior.assign(
        missing=(fit.posterior["missing"].dims, filled[tuple(model.design.holes)] + noise * 0.7)
    )
    drawn = Fit(model, xr.DataTree.from_dict({"posterior": posterior}), fit.convergence)
    found = predictive.check(drawn)
    assert found.numbers["units of y"] < 3.0


def test_every_edge_that_fails_under_any_prior_set_is_concerned() -> None:
    fit = panel_fit(CHAIN, CHAIN_TRUE, 1)
    bad = {
        "article": Convergence(1.2, 50.0, 0.0, ("effect[x -> y [lag=1]]",)),
        "sceptical": Convergence(1.0, 4000.0, 0.0, ()),
        "wide": Convergence(1.3, 40.0, 0.0, ("effect[y -> y [lag=1]]",)),
    }
    fits = {name: Fit(fit.model, fit.data, found) for name, found in bad.items()}
    result = next(found for found in check_sets(fits) if found.name == "convergence")
    assert result.passed is False
    assert set(result.edges) == {"x -> y [lag=1]", "y -> y [lag=1]"}
    fits["sceptical"] = Fit(fit.model, fit.data, Convergence(1.0, 4000.0, 0.5, ()))
    result = next(found for found in check_sets(fits) if found.name == "convergence")
    assert result.edges == ()
    assert result.concerns("x -> x [lag=1]")


def test_a_useless_measured_cause_is_no_yardstick() -> None:
    rng = np.random.default_rng(3)
    x, y, z = rng.normal(size=(3, 40, 20))
    y[:, 1:] += 0.3 * x[:, :-1]
    model = made_model(read_graph("x -> y [lag=1]; z -> y [lag=1]"), loops.frame({"x": x, "y": y, "z": z}))
    fit = made_fit(model, effects={"x -> y [lag=1]": 0.3, "z -> y [lag=1]": 0.0001}, spread=0.03)
    assert confounding.check(fit).passed is None
