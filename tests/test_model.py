"""The compiled model's log density against plain numpy and brute force, the spans, and everything `build_model` refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from scipy import stats

from causal.dist import Normal, Uniform
from causal.equations import System, measured_system
from causal.errors import CausalError
from causal.joint import build_model
from causal.model import Model, Priors, _loadings  # pyright: ignore[reportPrivateUsage]
from causal.panel import Panel, Study
from causal.syntax import read_graph
from tests.conftest import TOY_TIMES, TOY_UNITS, toy_holes
from tests.oracle import across, loops

Floats = NDArray[np.float64]
PLAIN = Mode(linker="py", optimizer="minimum_compile")


def panel_of(frame: pd.DataFrame) -> Panel:
    return Panel.from_frame(frame, unit="unit", time="year")


def toy_frame(**columns: Any) -> pd.DataFrame:
    return loops.panel(loops.TWO_TRUE, units=6, times=8, seed=4, year_sd=0.5).assign(**columns)


def refusal(call: Callable[[], Any]) -> list[str]:
    with pytest.raises(CausalError) as caught:
        call()
    return [str(fault) for fault in caught.value.faults]


# -------------------------------------------------------------------------------------------------- log density


def unconstrained(
    model: Model, effects: Floats, sd: Floats, loading: Floats | None = None, missing: Floats | None = None
) -> dict[str, Floats]:
    """The point of `model.pymc` with these values: effects in the order of the terms, the rest as in the posterior."""
    uniform = np.array([isinstance(prior, Uniform) for prior in model.term_priors])
    point: dict[str, Floats] = {"shock_sd_log__": np.log(sd)}
    if (~uniform).any():
        point["effect"] = effects[~uniform]
    if uniform.any():
        point["bounded_effect_interval__"] = np.log((1 + effects[uniform]) / (1 - effects[uniform]))
    if loading is not None:
        point["shock_loading"] = loading
    if missing is not None:
        point["missing"] = missing - model.design.hole_start
    return point


def log_prior(model: Model, effects: Floats, sd: Floats, loading: Floats | None = None) -> float:
    total = 0.0
    for prior, effect in zip(model.term_priors, effects, strict=True):
        total += (
            stats.norm.logpdf(effect, prior.mean, prior.sd)
            if isinstance(prior, Normal)
            else -np.log(prior.high - prior.low)
        )
    total += stats.halfnorm.logpdf(sd).sum()
    return float(total + (0.0 if loading is None else stats.norm.logpdf(loading).sum()))


def expected(
    model: Model,
    values: Floats,
    spans: tuple[NDArray[np.int64], NDArray[np.int64]],
    effects: Floats,
    sd: Floats,
    loading: Floats | None = None,
    *,
    years: bool,
) -> float:
    """The log density by brute force: priors, the likelihood of error contrasts among dummies, and b from its definition.

    `values` (node, unit, time) are on the standard scale; the constant 2 pi is left out, as the model does.
    """
    index = {node: k for k, node in enumerate(model.system.nodes)}
    size, lags = len(index), model.system.lags
    b = np.zeros((lags + 1, size, size))
    for term, effect in zip(model.system.terms, effects, strict=True):
        b[term.lag, index[term.effect], index[term.cause]] = effect
    mixing = np.eye(size)
    for (row, column), value in zip(model.loadings, loading if loading is not None else (), strict=True):
        mixing[row, column] -= value
    unmixed = np.linalg.inv(mixing)
    covariance = unmixed @ np.diag(sd**2) @ unmixed.T
    cells, columns = loops.dummies(*spans, year_effects=years)
    rows = loops.regressors(values, lags, cells)
    residuals = rows @ np.concatenate([np.eye(size) - b[0], *(-b[lag] for lag in range(1, lags + 1))], axis=1).T
    _, projection = loops.projector(*spans, year_effects=years)
    place = {cell: row for row, cell in enumerate(cells)}
    weights = np.zeros(int(spans[1].max()))
    for (i, t), row in place.items():
        for s in range(1, len(weights) + 1):
            if (i, t + s) in place:
                weights[s - 1] -= projection[row, place[i, t + s]]
    freedom = round(float(np.trace(projection)))
    likelihood = loops.error_contrast_likelihood(residuals, covariance, columns) + 0.5 * freedom * size * np.log(
        2 * np.pi
    )
    return log_prior(model, effects, sd, loading) + likelihood + (loops.correction_term(b, weights) if lags else 0.0)


def log_density(model: Model) -> Callable[[dict[str, Floats]], float]:
    compiled = model.pymc.compile_logp(jacobian=False, mode=PLAIN)
    return lambda point: float(compiled(point))


def points(model: Model, count: int, *, radius: float = 0.5) -> list[tuple[Floats, Floats, Floats | None]]:
    rng = np.random.default_rng(9)
    found: list[tuple[Floats, Floats, Floats | None]] = []
    for _ in range(count):
        effects = rng.uniform(-radius, radius, len(model.system.terms))
        found.append(
            (
                effects,
                rng.uniform(0.5, 1.5, len(model.system.nodes)),
                rng.normal(size=len(model.loadings)) if model.loadings else None,
            )
        )
    return found


def whole(units: int, times: int, lags: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.full(units, lags, dtype=np.int64), np.full(units, times, dtype=np.int64)


def test_the_log_density_is_the_priors_the_likelihood_without_unit_and_year_effects_and_the_orthogonal_term(
    toy_model: Model,
) -> None:
    density = log_density(toy_model)
    for effects, sd, _ in points(toy_model, 4, radius=0.4):
        hand = expected(toy_model, toy_model.design.standard, whole(TOY_UNITS, TOY_TIMES, 1), effects, sd, years=True)
        assert density(unconstrained(toy_model, effects, sd)) == pytest.approx(hand, abs=1e-7)


@pytest.mark.parametrize(
    ("text", "lags"),
    [
        ("x -> y\ny -> x [lag=1]\nx -> x [lag=1]", 1),
        ("x -> x [lag=2]\nx -> y\ny -> y [lag=1]\nx -> y [lag=2]", 2),
        ("x -> y", 0),
        ("x -> x [lag=1]\ny -> x [lag=1]\nx <-> y", 1),
    ],
)
@pytest.mark.parametrize("years", [True, False])
def test_edges_within_the_period_longer_lags_and_correlated_shocks_enter_the_log_density(
    text: str, lags: int, years: bool
) -> None:
    model = build_model(
        read_graph(text),
        panel_of(toy_frame()),
        {"x -> y": Normal(0.3, 0.7)} if "x -> y\n" in text else None,
        year_effects=years,
    )
    density = log_density(model)
    for effects, sd, loading in points(model, 2, radius=0.4):
        hand = expected(model, model.design.standard, whole(6, 8, lags), effects, sd, loading, years=years)
        assert density(unconstrained(model, effects, sd, loading)) == pytest.approx(hand, abs=1e-6)


def test_with_holes_the_log_density_is_that_of_the_filled_panel(holed_model: Model) -> None:
    first, stop = whole(TOY_UNITS, TOY_TIMES, 1)
    stop[3], first[5] = 7, 3  # unit 3 ends where x ends; unit 5 starts after the first y
    density = log_density(holed_model)
    rng = np.random.default_rng(2)
    for effects, sd, _ in points(holed_model, 3, radius=0.4):
        missing = rng.normal(size=4)
        filled = np.nan_to_num(holed_model.design.standard, nan=0.0)
        # The holes in the order of node, unit and time.
        filled[[0, 0, 1, 1], [1, 1, 2, 4], [3, 4, 5, 2]] = missing
        hand = expected(holed_model, filled, (first, stop), effects, sd, years=True)
        assert density(unconstrained(holed_model, effects, sd, missing=missing)) == pytest.approx(hand, abs=1e-7)


def test_the_gradient_of_the_log_density_is_that_of_central_differences(toy_model: Model, holed_model: Model) -> None:
    for model in (toy_model, holed_model):
        density, slope = log_density(model), model.pymc.compile_dlogp(jacobian=False, mode=PLAIN)
        (effects, sd, _) = points(model, 1)[0]
        point = unconstrained(model, effects, sd, missing=np.linspace(-1, 1, 4) if model is holed_model else None)
        gradient = np.asarray(slope(point))
        numeric: list[float] = []
        for variable in model.pymc.value_vars:
            name = str(variable.name)
            for k in range(len(point[name])):
                above, below = (
                    {**point, name: point[name] + step * np.eye(len(point[name]))[k]} for step in (1e-5, -1e-5)
                )
                numeric.append((density(above) - density(below)) / 2e-5)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-5)


def test_a_node_that_nobody_measured_in_some_year_leaves_no_direction_free() -> None:
    frame = toy_frame()
    frame.loc[frame["year"] == 2003, "x"] = np.nan
    model = build_model(read_graph(loops.TWO), panel_of(frame))
    density = log_density(model)
    effects, sd, _ = points(model, 1)[0]
    at = [density(unconstrained(model, effects, sd, missing=np.full(6, level))) for level in (0.0, 100.0)]
    assert at[0] - at[1] > 1e3
    # Without year effects the level of that year is told by the years beside it.
    assert build_model(read_graph(loops.TWO), panel_of(frame), year_effects=False).design.anchors.shape == (0, 6)


@pytest.mark.parametrize(
    "pairs",
    [
        "a <-> b",
        "a <-> b\nb <-> c",
        "a <-> b\na <-> c",
        "a <-> c\nb <-> c",
        "a <-> b\nb <-> c\nc <-> d",
        "a <-> b\na <-> c\na <-> d",
        "a <-> b\nc <-> d",
    ],
)
def test_the_shock_loadings_reach_every_covariance_with_the_systems_zeros(pairs: str) -> None:
    graph = read_graph(pairs)
    system: System = measured_system(graph, graph.names)
    loadings = _loadings(system)
    nodes = system.nodes
    rng = np.random.default_rng(1)
    covariance = np.eye(len(nodes))
    for left, right in system.correlated:
        covariance[nodes.index(left), nodes.index(right)] = covariance[nodes.index(right), nodes.index(left)] = (
            rng.uniform(0.2, 0.5)
        )
    # An order in which each node follows those it loads on.
    order: list[int] = []
    while len(order) < len(nodes):
        order.append(
            next(
                k
                for k in range(len(nodes))
                if k not in order and all(column in order for row, column in loadings if row == k)
            )
        )
    for at, k in enumerate(order):
        earlier = order[:at]
        if earlier:
            regression = np.linalg.solve(covariance[np.ix_(earlier, earlier)], covariance[earlier, k])
            needed = {(k, e) for e, weight in zip(earlier, regression, strict=True) if abs(weight) > 1e-10}
            assert needed <= set(loadings)


# -------------------------------------------------------------------------------------------------------- spans


def test_a_unit_starts_where_its_past_is_measured_and_ends_with_the_last_whole_period(holed_model: Model) -> None:
    first, stop = np.full(TOY_UNITS, 1), np.full(TOY_UNITS, TOY_TIMES)
    stop[3], first[5] = 7, 3
    assert holed_model.design.sweep.first.tolist() == first.tolist()
    assert holed_model.design.sweep.stop.tolist() == stop.tolist()
    assert holed_model.design.holes.T.tolist() == [[0, 1, 3], [0, 1, 4], [1, 2, 5], [1, 4, 2]]
    assert int(toy_holes().sum()) == 8
    notes = " | ".join(holed_model.notes)
    assert "4 missing values inside the series are estimated with the model" in notes
    assert (
        "4 unit-periods at the ends of series are unused, because a node is not measured there: u003 2007 to 2008, u005 2000 to 2001"
        in notes
    )


def test_a_last_period_with_a_hole_is_no_last_period() -> None:
    frame = toy_frame()
    frame.loc[(frame["unit"] == "u000") & (frame["year"] == 2007), "x"] = np.nan
    frame.loc[(frame["unit"] == "u000") & (frame["year"] == 2006), "y"] = np.nan
    design = build_model(read_graph(loops.TWO), panel_of(frame)).design
    assert design.sweep.stop.tolist() == [6, 8, 8, 8, 8, 8]
    assert design.holes.shape == (3, 0)


def test_with_two_lags_a_hole_among_the_first_values_is_anchored_at_its_units_mean() -> None:
    frame = toy_frame()
    frame.loc[(frame["unit"] == "u001") & (frame["year"] == 2001), "x"] = np.nan
    model = build_model(read_graph("x -> x [lag=2]\nx -> y [lag=1]\ny -> x [lag=1]"), panel_of(frame))
    assert model.design.sweep.first.tolist() == [2] * 6
    assert model.design.holes.T.tolist() == [[0, 1, 1]]
    assert model.design.anchors.tolist() == [[1.0]]


def test_a_node_that_is_never_a_past_may_be_missing_in_the_first_period() -> None:
    frame = toy_frame()
    frame.loc[(frame["unit"] == "u001") & (frame["year"] == 2000), "y"] = np.nan
    model = build_model(read_graph("x -> x [lag=1]\nx -> y [lag=1]"), panel_of(frame))
    assert model.design.sweep.first.tolist() == [1] * 6
    assert model.design.holes.shape == (3, 0)


def test_units_with_too_few_periods_are_left_out_and_counted() -> None:
    frame = toy_frame()
    frame.loc[(frame["unit"] == "u002") & (frame["year"] > 2001), "x"] = np.nan
    model = build_model(read_graph(loops.TWO), panel_of(frame))
    assert model.design.units.tolist() == [0, 1, 3, 4, 5]
    assert "1 of 6 units have too few complete periods and are left out: u002" in model.notes


def test_a_complete_panel_has_no_notes(toy_model: Model) -> None:
    assert toy_model.notes == ()
    assert toy_model.design.holes.shape == (3, 0)


def test_one_unit_is_fitted_without_year_effects_and_said_to_be() -> None:
    frame = toy_frame()
    model = build_model(read_graph(loops.TWO), panel_of(frame[frame["unit"] == "u000"]))
    assert not model.design.sweep.year_effects
    assert any("one unit only: year effects" in note for note in model.notes)


def test_a_node_with_one_value_a_year_is_left_to_the_year_effects_and_correlates_nothing() -> None:
    frame = toy_frame()
    frame["price"] = np.sin(frame["year"])
    graph = read_graph(loops.TWO + "price -> x\nprice -> y\nx -> price [lag=1]\nprice -> price [lag=1]")
    model = build_model(graph, panel_of(frame))
    assert model.system.nodes == ("x", "y")
    assert (model.system.correlated, model.system.left_out) == ((), ())
    assert any(note.startswith("price has one value for all units in each period") for note in model.notes)
    assert "price" in build_model(graph, panel_of(frame), year_effects=False).system.nodes


def test_a_year_without_rows_warns_of_nothing_and_is_noted() -> None:
    frame = toy_frame()
    model = build_model(read_graph(loops.TWO), panel_of(frame[frame["year"] != 2003]))
    assert "no rows for 2003" in model.notes
    assert model.design.holes.shape == (3, 12)


def test_effects_in_natural_units_are_divided_by_the_outcomes_and_multiplied_by_the_causes_scale(
    toy_model: Model,
) -> None:
    x, y = toy_model.design.scales
    assert toy_model.on_standard_scale("x -> y [lag=1]") == pytest.approx(x / y)
    assert toy_model.on_standard_scale("y -> x [lag=1]") == pytest.approx(y / x)
    assert toy_model.on_standard_scale("x -> x [lag=1]") == 1.0
    with pytest.raises(CausalError, match=r"carried by none of this study.s equations"):
        toy_model.on_standard_scale("x -> y [lag=2]")
    within = [np.var(toy_model.design.standard[k], axis=1, ddof=1).mean() for k in range(2)]
    assert within == pytest.approx([1.0, 1.0])


def test_a_term_of_one_edge_has_that_edges_prior_and_a_road_the_products() -> None:
    graph = read_graph("x -> u\nu -> y [lag=1]\nx -> x [lag=1]")
    model = build_model(graph, panel_of(toy_frame()), {"x -> u": Normal(0.5, 0.2), "u -> y": Normal(-0.4, 0.3)})
    priors = dict(zip((term.name for term in model.system.terms), model.term_priors, strict=True))
    assert priors["x -> x [lag=1]"] == Uniform(-1.0, 1.0)
    road = priors["x -> y [lag=1]"]
    assert isinstance(road, Normal)
    assert (road.mean, road.sd**2) == pytest.approx((-0.2, 0.0225 + 0.0064 + 0.0036))


def test_models_of_one_structure_differ_in_their_data_only(toy_model: Model, holed_model: Model) -> None:
    graph = read_graph(loops.TWO)
    other = build_model(graph, panel_of(toy_frame()), {"x -> y": Normal(0.2, 0.1)})
    assert other.structure == toy_model.structure
    assert other.data.keys() == toy_model.data.keys()
    assert holed_model.structure != toy_model.structure
    assert build_model(graph, panel_of(toy_frame()), {"x -> y": Uniform(-1, 1)}).structure != toy_model.structure


# ----------------------------------------------------------------------------------------------------- refusals

GRAPH = read_graph(loops.TWO)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: build_model(GRAPH, panel_of(toy_frame(x=np.nan))), "all missing"),
        (lambda: build_model(GRAPH, panel_of(toy_frame(x="low"))), "column 'x'"),
        (
            lambda: build_model(read_graph("x -> y [lag=9]"), panel_of(toy_frame())),
            "8 periods are too few for a lag of 9",
        ),
        (
            lambda: build_model(read_graph("x -> y [lag=7]"), panel_of(toy_frame())),
            "8 periods are too few for a lag of 7",
        ),
        (lambda: build_model(read_graph("x -> y [lag=1000000]"), panel_of(toy_frame())), "too few for a lag"),
        (lambda: build_model(read_graph("p -> q"), panel_of(toy_frame())), "measures no node"),
        (lambda: build_model(GRAPH, []), "no study was given"),
        (lambda: build_model(GRAPH, "panel.csv"), "a str is no study"),  # pyright: ignore[reportArgumentType]
        (lambda: build_model(GRAPH, 3), "an int is no study"),  # pyright: ignore[reportArgumentType]
        (lambda: build_model("x -> y", panel_of(toy_frame())), "the graph is a str"),  # pyright: ignore[reportArgumentType]
        (lambda: build_model(GRAPH, panel_of(toy_frame()), {"x -> q": Normal()}), "no node 'q'"),
        (lambda: build_model(GRAPH, panel_of(toy_frame()), {"x -> y": 0.3}), "the prior of 'x -> y' is 0.3"),  # pyright: ignore[reportArgumentType]
        (lambda: build_model(GRAPH, panel_of(toy_frame()), "wide"), "priors are a str"),  # pyright: ignore[reportArgumentType]
        (
            lambda: build_model(
                read_graph("price -> price [lag=1]"), panel_of(toy_frame().assign(price=lambda f: np.sin(f["year"])))
            ),
            "no node is left",
        ),
        (
            lambda: build_model(GRAPH, Study(panel_of(toy_frame()), {"x": "x", "w": "y"})),
            "measures 'w', which is no node",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_clear_sentence(call: Callable[[], Any], words: str) -> None:
    (fault,) = refusal(call)
    assert words in fault
    assert "Traceback" not in fault


def test_everything_that_is_wrong_with_data_families_and_priors_is_said_at_once() -> None:
    graph = read_graph(loops.TWO + "z -> x\nz [family=poisson]\nw -> x")
    faults = refusal(
        lambda: build_model(
            graph, panel_of(toy_frame(y=1.0, z=toy_frame()["x"], w="text")), Priors({"x -> q": Normal()})
        )
    )
    assert [
        any(words in fault for fault in faults)
        for words in ("'y' is constant", "column 'w'", "no value of the family poisson", "no node 'q'")
    ] == [True] * 4


def test_a_panel_in_which_no_unit_has_two_whole_periods_is_refused() -> None:
    frame = toy_frame()
    frame.loc[frame["year"] % 2 == 0, "x"] = np.nan
    frame.loc[frame["year"] % 2 == 1, "y"] = np.nan
    (fault,) = refusal(lambda: build_model(read_graph("x -> y [lag=1]"), panel_of(frame)))
    assert "no unit has two periods in a row" in fault


def test_data_that_unit_and_year_effects_take_up_are_refused() -> None:
    frame = toy_frame().query("unit < 'u002'").copy()
    frame.loc[(frame["unit"] == "u000") & (frame["year"] > 2004), ["x", "y"]] = np.nan
    frame.loc[(frame["unit"] == "u001") & (frame["year"] < 2004), ["x", "y"]] = np.nan
    (fault,) = refusal(lambda: build_model(GRAPH, panel_of(frame)))
    assert "unit and year effects take up all the data" in fault


# ------------------------------------------------------------------------------------------ effects across units

DISPLACED = """
x -> y [lag=1]
x -> y [lag=1, across=near]
y -> y [lag=1]
y -> y [lag=1, across=near]
x -> x [lag=2]
y -> x [lag=1]
"""


def displaced(frame: pd.DataFrame | None = None, weights: Any = None, **options: Any) -> Model:
    """A model of `DISPLACED` on the toy frame with a ring for weights."""
    table = across.table(across.ring(6)) if weights is None else weights
    study = Study(panel_of(toy_frame() if frame is None else frame), weights={"near": table})
    return build_model(read_graph(options.pop("text", DISPLACED)), study, **options)


@pytest.mark.parametrize("years", [True, False])
def test_across_units_the_log_density_is_that_of_all_units_as_one_system(years: bool) -> None:
    weights = across.ring(6)
    model = displaced(year_effects=years)
    assert model.system.lags == 2
    assert [term.name for term in model.system.terms if term.across] == [
        "x -> y [lag=1, across=near]",
        "y -> y [lag=1, across=near]",
    ]
    density = log_density(model)
    index = {node: k for k, node in enumerate(model.system.nodes)}
    _, units, times = model.design.standard.shape
    values, periods = model.design.standard, times - 2
    cells, columns = loops.dummies(*whole(units, times, 2), year_effects=years)
    contrasts = units - years
    # An orthonormal basis of the differences between units, from the eigenvectors of centring.
    basis = np.linalg.eigh(np.eye(units) - 1.0 / units)[1][:, 1:].T if years else np.eye(units)
    for effects, sd, _ in points(model, 3, radius=0.3):
        own, others = np.zeros((3, 2, 2)), np.zeros((2, 2, 2))
        for term, effect in zip(model.system.terms, effects, strict=True):
            block = own[term.lag] if term.across is None else others[term.lag - 1]
            block[index[term.effect], index[term.cause]] = effect
        residuals = np.array(
            [
                values[:, i, t]
                - sum(own[lag] @ values[:, i, t - lag] for lag in (0, 1, 2))
                - sum(others[lag - 1] @ (values[:, :, t - lag] @ weights[i]) for lag in (1, 2))
                for i, t in cells
            ]
        )
        step = across.whole(own, others, basis @ weights @ basis.T)
        term = sum((periods - s) / (periods * s) * np.trace(np.linalg.matrix_power(step, s)) for s in range(1, periods))
        likelihood = loops.error_contrast_likelihood(residuals, np.diag(sd**2), columns)
        likelihood += contrasts * (periods - 1) * np.log(2 * np.pi)
        hand = log_prior(model, effects, sd) + likelihood + term
        assert density(unconstrained(model, effects, sd)) == pytest.approx(hand, abs=1e-6)


def test_a_units_neighbours_are_no_memory_of_its_own() -> None:
    model = displaced()
    priors = dict(zip([term.name for term in model.system.terms], model.term_priors, strict=True))
    assert isinstance(priors["y -> y [lag=1]"], Uniform)
    assert priors["y -> y [lag=1, across=near]"] == Normal(0.0, 1.0)


def test_across_units_every_node_of_every_unit_is_needed() -> None:
    frame = toy_frame()
    holed = frame.copy()
    holed.loc[10, "x"] = np.nan
    assert "effects across units need every node of every unit" in refusal(lambda: displaced(holed))[0]
    # A late start of one unit shortens the periods of all.
    late = frame.copy()
    late.loc[late["year"] < 2002, "y"] = np.where(late.loc[late["year"] < 2002, "unit"] == "u003", np.nan, 0.1)
    model = displaced(late)
    assert set(model.design.sweep.first.tolist()) == {4}
    gone = frame.copy()
    gone.loc[gone["unit"] == "u003", "y"] = np.nan
    assert "effects across units need" in refusal(lambda: displaced(gone))[0]


def test_weights_that_are_not_given_or_of_other_units_are_told() -> None:
    assert refusal(lambda: build_model(read_graph(DISPLACED), Study(panel_of(toy_frame())))) == [
        f"study 'panel' '{name} [lag=1, across=near]' needs weights 'near'; give weights={{'near': table}}"
        for name in ("x -> y", "y -> y")
    ]
    found = refusal(lambda: displaced(weights=across.table(across.ring(7))))
    assert found[0].startswith("study 'panel' weights 'near' no unit 'u006' in the panel")
    two = DISPLACED + "y -> x [lag=1, across=far]"
    table = across.table(across.ring(6))
    study = Study(panel_of(toy_frame()), weights={"near": table, "far": table})
    assert "by several weights: far, near" in refusal(lambda: build_model(read_graph(two), study))[0]
    counts = toy_frame(y=np.arange(48) % 5)
    assert "'y' is not Normal" in refusal(lambda: displaced(counts, text=DISPLACED + "y [family=poisson]"))[0]


def test_an_effect_across_units_with_an_unmeasured_end_is_said_to_be_left_out() -> None:
    model = displaced(text=DISPLACED + "u -> y [lag=1, across=near]")
    assert (
        "not carried by the fitted equations: u -> y [lag=1, across=near], one end of which is not measured"
        in model.notes
    )


def test_units_without_neighbours_are_noted() -> None:
    weights = across.ring(6)
    weights[2] = 0.0
    assert (
        "no neighbours, so no effect from other units reaches: u002" in displaced(weights=across.table(weights)).notes
    )
