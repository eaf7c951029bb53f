"""The same posterior as a plain PyMC model, written out with one parameter a unit and one a year in each equation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from causal.dist import Normal, Uniform
from causal.fit import fit
from causal.joint import JointModel, build_model
from causal.measurement import Measure
from causal.panel import Panel, Study
from causal.syntax import read_graph
from tests.oracle import across, loops

pytestmark = pytest.mark.slow

UNITS, TIMES = 20, 25
EDGES = tuple(loops.FOUR_TRUE)

Draws = NDArray[np.float64]


def drawn_effects(found: Any, names: Sequence[str]) -> Draws:
    """Draws (chain, draw, edge) on the standard scale."""
    return np.stack([found.edge(name, scale="standard").to_numpy() for name in names], axis=2)


def assert_same_posterior(ours: Draws, plain: Draws, names: Sequence[Any]) -> None:
    """Means and sds of draws (chain, draw, edge) within four standard errors of their own Monte Carlo noise, which is small beside the sd."""
    from arviz_stats.base import array_stats

    for method in ("mean", "sd"):
        errors = [array_stats.mcse(draws, chain_axis=0, draw_axis=1, method=method) for draws in (ours, plain)]
        noise = np.hypot(*errors)
        found, reference = (getattr(draws, method.replace("sd", "std"))(axis=(0, 1)) for draws in (ours, plain))
        apart = (found - reference) / noise
        print(f"{method} apart, in sds of Monte Carlo noise", dict(zip(names, apart.round(2).tolist(), strict=True)))
        print("noise, in sds of the posterior", (noise / plain.std(axis=(0, 1))).round(3))
        assert (noise / plain.std(axis=(0, 1))).max() < 0.08
        assert np.abs(apart).max() < 4.0


def plain_draws(standard: dict[str, NDArray[np.float64]], *, corrected: bool) -> Draws:
    """Draws (chain, draw, edge) of a model that is written down equation by equation on standardised values (unit, time)."""
    import nutpie
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    nodes = loops.nodes_of(loops.FOUR_TRUE)
    with pm.Model() as model:
        effects: dict[tuple[str, str, int], Any] = {}
        for edge in EDGES:
            name = loops.edge_name(*edge)
            effects[edge] = pm.Uniform(name, -1.0, 1.0) if edge[0] == edge[1] else pm.Normal(name, 0.0, 1.0)
        for node in nodes:
            unit = pm.Normal(f"unit of {node}", 0.0, 10.0, shape=UNITS)
            # The first year is the one that the others are compared with.
            year = pm.Normal(f"year of {node}", 0.0, 10.0, shape=TIMES - 2)
            mean = unit[:, None] + pt.concatenate([pt.zeros(1), year])[None, :]
            for (cause, effect, lag), value in effects.items():
                if effect == node:
                    mean = mean + value * standard[cause][:, 1 - lag : TIMES - lag]
            pm.Normal(node, mean, pm.HalfNormal(f"sd of {node}", 1.0), observed=standard[node][:, 1:])
        if corrected:
            now: list[list[Any]] = [[0.0] * 4 for _ in nodes]
            past: list[list[Any]] = [[0.0] * 4 for _ in nodes]
            for (cause, effect, lag), value in effects.items():
                (past if lag else now)[nodes.index(effect)][nodes.index(cause)] = value
            first, second = (
                pt.stack([pt.stack([pt.as_tensor_variable(x) for x in row]) for row in rows]) for rows in (now, past)
            )
            within = (
                pt.eye(4) + first + first @ first + first @ first @ first
            )  # the inverse of I - B0, which is nilpotent
            step = within @ second
            periods, power = TIMES - 1, pt.eye(4)
            total: Any = 0.0
            for s in range(1, periods):
                power = power @ step
                total = total + (UNITS - 1) * (periods - s) / (periods * s) * pt.trace(power)
            pm.Potential("correction", total)
    tree: Any = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=1500, tune=800, chains=2, seed=3, progress_bar=False
    )
    drawn = tree["posterior"].to_dataset()
    assert float(tree["sample_stats"]["diverging"].mean()) < 0.001
    return np.stack([drawn[loops.edge_name(*edge)].to_numpy() for edge in EDGES], axis=2)


@pytest.fixture(scope="module")
def both() -> tuple[Draws, dict[str, NDArray[np.float64]]]:
    frame = loops.panel(loops.FOUR_TRUE, units=UNITS, times=TIMES, seed=21, year_sd=0.5)
    model = build_model(read_graph(loops.FOUR), Panel.from_frame(frame, unit="unit", time="year"))
    found = fit(model, seed=4, draws=1500, chains=2)
    ours = drawn_effects(found, [loops.edge_name(*edge) for edge in EDGES])
    return ours, dict(zip(model.system.nodes, model.design.standard, strict=True))


def test_the_posterior_is_that_of_unit_and_year_dummies_and_the_correction(
    both: tuple[Draws, dict[str, NDArray[np.float64]]],
) -> None:
    ours, standard = both
    plain = plain_draws(standard, corrected=True)
    assert_same_posterior(ours, plain, EDGES)


def test_dummies_alone_differ_most_in_the_self_effects_which_they_bias_downwards(
    both: tuple[Draws, dict[str, NDArray[np.float64]]],
) -> None:
    ours, standard = both
    plain = plain_draws(standard, corrected=False)
    apart = dict(
        zip(EDGES, ((ours.mean(axis=(0, 1)) - plain.mean(axis=(0, 1))) / plain.std(axis=(0, 1))).tolist(), strict=True)
    )
    print("apart, in sd", apart)
    # Even at 25 periods the self effects lie over one sd too low, about (1 + effect) / 25; their causes' effects move with them.
    assert min(value for edge, value in apart.items() if edge[0] == edge[1]) > 1.0
    assert max(abs(value) for edge, value in apart.items() if edge[0] != edge[1]) < 0.5


def plain_pooled_draws(studies: list[dict[str, NDArray[np.float64]]]) -> Draws:
    """Draws (chain, draw, edge) of the pooled effects of a two-node loop, tau among the parameters, non-centred."""
    import nutpie
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    nodes = loops.nodes_of(loops.TWO_TRUE)
    with pm.Model() as model:
        own: list[dict[tuple[str, str, int], Any]] = [{} for _ in studies]
        for edge in loops.TWO_TRUE:
            name = loops.edge_name(*edge)
            itself = edge[0] == edge[1]
            tau = pm.HalfNormal(f"tau of {name}", 0.1 / (1.0 - 0.8**2) if itself else 0.1)
            shared = pm.Normal(f"shared {name}", 0.0, 0.9 if itself else 1.0)
            pm.Deterministic(name, pt.tanh(shared) if itself else shared)
            for k, effects in enumerate(own):
                value = shared + tau * pm.Normal(f"{name} in {k}", 0.0, 1.0)
                effects[edge] = pt.tanh(value) if itself else value
        for k, (standard, effects) in enumerate(zip(studies, own, strict=True)):
            units, times = next(iter(standard.values())).shape
            for node in nodes:
                unit = pm.Normal(f"unit of {node} in {k}", 0.0, 10.0, shape=units)
                year = pm.Normal(f"year of {node} in {k}", 0.0, 10.0, shape=times - 2)
                mean = unit[:, None] + pt.concatenate([pt.zeros(1), year])[None, :]
                for (cause, effect, _), value in effects.items():
                    if effect == node:
                        mean = mean + value * standard[cause][:, :-1]
                pm.Normal(
                    f"{node} in {k}", mean, pm.HalfNormal(f"sd of {node} in {k}", 1.0), observed=standard[node][:, 1:]
                )
            step = pt.stack([pt.stack([effects[(cause, effect, 1)] for cause in nodes]) for effect in nodes])
            power, total = pt.eye(2), 0.0
            for s in range(1, times - 1):
                power = power @ step
                total = total + (units - 1) * (times - 1 - s) / ((times - 1) * s) * pt.trace(power)
            pm.Potential(f"correction in {k}", total)
    tree: Any = nutpie.sample(
        nutpie.compile_pymc_model(model),
        draws=4000,
        tune=1500,
        chains=2,
        seed=3,
        progress_bar=False,
        target_accept=0.95,
    )
    drawn = tree["posterior"].to_dataset()
    return np.stack([drawn[loops.edge_name(*edge)].to_numpy() for edge in loops.TWO_TRUE], axis=2)


def test_the_pooled_effects_are_those_of_a_model_that_samples_tau() -> None:
    studies: list[Study] = []
    for k in range(2):
        # Far from a unit root, where the package's correction stops growing and this plain one does not.
        effects = loops.TWO_TRUE | {("x", "x", 1): 0.4, ("x", "y", 1): (0.05, 0.4)[k]}
        frame = loops.panel(effects, units=15, times=10, seed=31 + k, year_sd=0.5)
        frame["unit"] = [f"{k} {unit}" for unit in frame["unit"]]
        studies.append(Study(Panel.from_frame(frame, unit="unit", time="year"), name=str(k)))
    model = build_model(read_graph(loops.TWO), studies)
    assert isinstance(model, JointModel)
    found = fit(model, seed=4, draws=4000, chains=2)
    ours = drawn_effects(found, [loops.edge_name(*edge) for edge in loops.TWO_TRUE])
    plain = plain_pooled_draws(
        [dict(zip(each.system.nodes, each.design.standard, strict=True)) for each in model.models]
    )
    assert_same_posterior(ours, plain, list(loops.TWO_TRUE))


def plain_neighbours_draws(x: NDArray[np.float64], y: NDArray[np.float64]) -> Draws:
    """Draws (chain, draw, edge) of y's equation on standardised values (unit, time), with effects of the neighbours on a ring."""
    import nutpie
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    units, times = y.shape
    weights = across.ring(units)
    with pm.Model() as model:
        # The correction written out does not saturate and would run away outside the stationary region, far from where the posterior
        # lies: near is Normal(0, 1) inside it, drawn as a share of what own leaves.
        own, share = pm.Uniform("own", -1.0, 1.0), pm.Uniform("share", -1.0, 1.0)
        near = pm.Deterministic("near", share * (1.0 - pt.abs(own)))
        pm.Potential("prior of near", pt.log(1.0 - pt.abs(own)) - near**2 / 2.0)
        pushed, at_once = pm.Normal("pushed", 0.0, 1.0), pm.Normal("at once", 0.0, 1.0)
        unit = pm.Normal("unit", 0.0, 10.0, shape=units)
        year = pm.Normal("year", 0.0, 10.0, shape=times - 2)
        mean = unit[:, None] + pt.concatenate([pt.zeros(1), year])[None, :]
        mean = (
            mean + own * y[:, :-1] + near * (weights @ y)[:, :-1] + pushed * (weights @ x)[:, :-1] + at_once * x[:, 1:]
        )
        pm.Normal("y", mean, pm.HalfNormal("sd", 1.0), observed=y[:, 1:])
        # All units' y as one system, less what they have in common.
        basis = np.linalg.eigh(np.eye(units) - 1.0 / units)[1][:, 1:]
        step = own * np.eye(units - 1) + near * (basis.T @ weights @ basis)
        periods, power, total = times - 1, pt.eye(units - 1), 0.0
        for s in range(1, periods):
            power = power @ step
            total = total + (periods - s) / (periods * s) * pt.trace(power)
        pm.Potential("correction", total)
    tree: Any = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=1500, tune=800, chains=2, seed=3, progress_bar=False
    )
    drawn = tree["posterior"].to_dataset()
    return np.stack([drawn[name].to_numpy() for name in ("own", "near", "pushed", "at once")], axis=2)


def test_across_units_the_posterior_is_that_of_dummies_and_the_correction_of_all_units_as_one_system() -> None:
    units, edges = 16, ("y -> y [lag=1]", "y -> y [lag=1, across=near]", "x -> y [lag=1, across=near]", "x -> y")
    own = np.array([[[0.0, 0.0], [0.4, 0.0]], [[0.0, 0.0], [0.0, 0.3]]])
    near = np.array([[[0.0, 0.0], [0.3, 0.2]]])
    values = across.simulated(own, near, across.ring(units), times=16, seed=12, year_sd=0.5)
    panel = Panel.from_frame(loops.frame(dict(zip("xy", values, strict=True))), unit="unit", time="year")
    study = Study(panel, weights={"near": across.table(across.ring(units))})
    found = fit(build_model(read_graph("\n".join(edges)), study), seed=4, draws=1500, chains=2)
    ours = drawn_effects(found, edges)
    plain = plain_neighbours_draws(*found.model.design.standard)
    assert_same_posterior(ours, plain, edges)


def plain_noisy_draws(
    values: NDArray[np.float64], other: NDArray[np.float64], *, error: float, limit: float
) -> NDArray[np.float64]:
    """Draws (chain, draw, quantity) of a two-node loop in which x is `values` (unit, time) less noise, the truths sampled as they are."""
    import nutpie
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    units, times = values.shape
    names = [loops.edge_name(*edge) for edge in loops.TWO_TRUE]
    with pm.Model() as model:
        xx, yy = pm.Uniform(names[0], -0.8, 0.8), pm.Uniform(names[1], -0.8, 0.8)
        xy, yx = pm.Normal(names[2], 0.0, 0.3), pm.Normal(names[3], 0.0, 0.3)
        share = pm.Uniform("share", 0.0, limit)
        truth = values - share * error * pm.Normal("noise", 0.0, 1.0, shape=(units, times))
        pm.Potential("first truths", -pt.sum((truth[:, 0] - values.mean(axis=1)) ** 2) / 2.0)
        for name, outcome, mean in (
            ("x", truth[:, 1:], xx * truth[:, :-1] + yx * other[:, :-1]),
            ("y", other[:, 1:], yy * other[:, :-1] + xy * truth[:, :-1]),
        ):
            unit = pm.Normal(f"unit of {name}", 0.0, 10.0, shape=units)
            year = pt.concatenate([pt.zeros(1), pm.Normal(f"year of {name}", 0.0, 10.0, shape=times - 2)])
            sd = pm.HalfNormal(f"sd of {name}", 1.0)
            left = (outcome - mean - unit[:, None] - year[None, :]) / sd
            pm.Potential(name, -pt.sum(left**2) / 2.0 - units * (times - 1) * pt.log(sd))
        step = pt.stack([pt.stack([xx, yx]), pt.stack([xy, yy])])
        power, total = pt.eye(2), 0.0
        for s in range(1, times - 1):
            power = power @ step
            total = total + (units - 1) * (times - 1 - s) / ((times - 1) * s) * pt.trace(power)
        pm.Potential("correction", total)
    tree: Any = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=4000, tune=1500, chains=2, seed=3, progress_bar=False, target_accept=0.9
    )
    drawn = tree["posterior"].to_dataset()
    return np.stack([drawn[name].to_numpy() for name in [*names, "share"]], axis=2)


def test_with_noise_the_posterior_is_that_of_truths_sampled_as_they_are() -> None:
    # Memory and priors far enough from 1 that the plain correction, which does not saturate, has no place to run away to.
    effects = loops.TWO_TRUE | {("x", "x", 1): 0.4, ("y", "y", 1): 0.3}
    priors = {
        loops.edge_name(*edge): Uniform(-0.8, 0.8) if edge[0] == edge[1] else Normal(0.0, 0.3) for edge in effects
    }
    frame = loops.panel(effects, units=20, times=12, seed=17, year_sd=0.5)
    frame["x"] += np.random.default_rng(18).normal(0.0, 0.5, len(frame))
    panel = Panel.from_frame(frame, unit="unit", time="year")
    model = build_model(read_graph(loops.TWO), Study(panel, {"x": Measure("x", error=0.8), "y": "y"}), priors)
    assert model.design.noise is not None
    found = fit(model, seed=4, draws=4000, chains=2, allow_unconverged=True)
    ours = np.concatenate(
        [
            drawn_effects(found, [loops.edge_name(*edge) for edge in loops.TWO_TRUE]),
            found.posterior["noise_share"].to_numpy(),
        ],
        axis=2,
    )
    x, y = (model.design.standard[model.system.nodes.index(node)] for node in "xy")
    noise = model.design.noise
    plain = plain_noisy_draws(x, y, error=float(noise.sd[0]), limit=float(noise.high[0]))
    assert_same_posterior(ours, plain, [*loops.TWO_TRUE, "share"])
