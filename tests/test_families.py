"""Each family against scipy: its density, its quantiles and its scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, special, stats

from causal import families
from causal.errors import CausalError
from causal.graph import FAMILIES

Floats = NDArray[np.float64]

ETA = np.array([-3.0, -0.7, 0.0, 0.4, 2.5])
PARAMETERS: dict[str, dict[str, Any]] = {
    "student-t": {"sd": 0.7, "freedom": 4.5},
    "hurdle-lognormal": {"sd": 0.7, "hurdle_level": 0.3, "hurdle_slope": 0.8},
    "poisson": {},
    "negative-binomial": {"dispersion": 0.6},
    "bernoulli": {},
    "beta": {"precision": 7.0},
    "ordered": {"cuts": np.array([0.0, 0.8, 2.1])},
}
CENTRE, UNIT = 0.2, 1.3
DISCRETE = ("poisson", "negative-binomial", "bernoulli", "ordered")


def reference(family: str, eta: float) -> Any:
    """scipy's distribution of the family, where it has one."""
    given = PARAMETERS[family]
    mean = special.expit(eta)
    return {
        "student-t": lambda: stats.t(given["freedom"], loc=eta, scale=given["sd"]),
        "poisson": lambda: stats.poisson(np.exp(eta)),
        "negative-binomial": lambda: stats.nbinom(
            given["dispersion"] ** -2, 1.0 / (1.0 + given["dispersion"] ** 2 * np.exp(eta))
        ),
        "bernoulli": lambda: stats.bernoulli(mean),
        "beta": lambda: stats.beta(mean * given["precision"], (1.0 - mean) * given["precision"]),
    }[family]()


def density(family: str, outcome: Floats, eta: Floats) -> Floats:
    outcome, eta = np.broadcast_arrays(np.asarray(outcome, float), np.asarray(eta, float))
    import pytensor.tensor as pt

    tensors: list[Any] = [pt.as_tensor_variable(np.array(array)) for array in (outcome, eta)]
    parameters = {name: pt.as_tensor_variable(np.asarray(number, float)) for name, number in PARAMETERS[family].items()}
    found = families.log_density(family, *tensors, parameters, CENTRE, UNIT)
    return np.asarray(found.eval(mode="FAST_COMPILE"))


def drawn(family: str, uniform: Floats, eta: float) -> Floats:
    parameters = {name: np.atleast_2d(np.asarray(number)) for name, number in PARAMETERS[family].items()}
    return families.drawn(family, uniform[None], np.full((1, len(uniform)), eta), parameters, CENTRE, UNIT)[0]


def values_of(family: str) -> Floats:
    return {
        "student-t": np.linspace(-6.0, 6.0, 9),
        "beta": np.linspace(0.02, 0.98, 9),
        "bernoulli": np.array([0.0, 1.0]),
    }.get(family, np.arange(9.0))


@pytest.mark.parametrize("family", ["student-t", "poisson", "negative-binomial", "bernoulli", "beta"])
def test_density_and_quantiles_are_those_of_scipy(family: str) -> None:
    outcome, uniform = values_of(family), np.linspace(0.01, 0.99, 37)
    for eta in ETA:
        known = reference(family, float(eta))
        expected = known.logpmf(outcome) if family in DISCRETE else known.logpdf(outcome)
        np.testing.assert_allclose(density(family, outcome, np.array(eta)), expected, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(drawn(family, uniform, float(eta)), known.ppf(uniform), rtol=1e-6, atol=1e-9)


def test_negative_binomial_has_the_stated_mean_and_variance() -> None:
    known = reference("negative-binomial", 0.4)
    mean = np.exp(0.4)
    np.testing.assert_allclose([known.mean(), known.var()], [mean, mean + (0.6 * mean) ** 2])


def test_ordered_levels_share_one_and_are_drawn_as_often_as_they_are_likely() -> None:
    for eta in ETA:
        shares = np.exp(density("ordered", np.arange(4.0), np.array(eta)))
        above = special.expit(eta - PARAMETERS["ordered"]["cuts"])
        np.testing.assert_allclose(np.cumsum(shares)[:3], 1.0 - above, atol=1e-12)
        assert shares.sum() == pytest.approx(1.0, abs=1e-12)
        # At uniforms on a fine grid the share of each level is its probability, up to the grid's step.
        levels = drawn("ordered", (np.arange(4000) + 0.5) / 4000, float(eta))
        np.testing.assert_allclose([(levels == k).mean() for k in range(4)], shares, atol=5e-4)


def test_hurdle_is_a_point_at_zero_and_a_lognormal_above_it() -> None:
    given = PARAMETERS["hurdle-lognormal"]
    for eta in ETA:
        zero = float(np.exp(density("hurdle-lognormal", np.zeros(1), np.array(eta)))[0])
        odds = given["hurdle_level"] + given["hurdle_slope"] * (eta - CENTRE) / UNIT
        assert zero == pytest.approx(special.expit(-odds), rel=1e-12)
        amounts = np.array([0.1, 1.0, 8.0])
        known = stats.lognorm(given["sd"], scale=np.exp(eta))
        np.testing.assert_allclose(
            density("hurdle-lognormal", amounts, np.array(eta)), known.logpdf(amounts) + np.log1p(-zero), rtol=1e-9
        )
        uniform = np.linspace(0.003, 0.997, 41)
        inside = uniform > zero
        np.testing.assert_allclose(
            drawn("hurdle-lognormal", uniform, float(eta)),
            np.where(inside, known.ppf(np.clip((uniform - zero) / (1.0 - zero), 0.0, 1.0)), 0.0),
            rtol=1e-9,
        )


@pytest.mark.parametrize("family", ["student-t", "beta"])
def test_densities_integrate_to_one(family: str) -> None:
    low, high = (-400.0, 400.0) if family == "student-t" else (1e-9, 1.0 - 1e-9)
    grid = np.linspace(low, high, 200_001)
    total = integrate.trapezoid(np.exp(density(family, grid, np.array(0.4))), grid)
    assert total == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_family_can_have_goes_to_the_value_scale_and_back(family: str) -> None:
    allowed = {
        "lognormal": [0.01, 1.0, 40.0],
        "hurdle-lognormal": [0.0, 0.3, 12.0],
        "poisson": [0.0, 1.0, 7.0],
        "negative-binomial": [0.0, 1.0, 7.0],
        "bernoulli": [0.0, 1.0],
        "beta": [0.01, 0.5, 0.99],
        "ordered": [0.0, 1.0, 4.0],
    }.get(family, [-3.0, 0.0, 2.5])
    values = np.array([*allowed, np.nan])
    assert not families.outside(family, values).any()
    assert family in families.ALLOWED
    np.testing.assert_allclose(families.natural(family, families.value(family, values)), values, atol=1e-12)


@pytest.mark.parametrize(
    ("family", "wrong"),
    [
        ("poisson", -1.0),
        ("poisson", 1.5),
        ("negative-binomial", -2.0),
        ("bernoulli", 2.0),
        ("bernoulli", 0.5),
        ("beta", 1.2),
        ("beta", 0.0),
        ("beta", 1.0),
        ("ordered", -1.0),
        ("ordered", 0.5),
        ("lognormal", 0.0),
        ("hurdle-lognormal", -0.1),
    ],
)
def test_what_a_family_cannot_have_is_found(family: str, wrong: float) -> None:
    assert families.outside(family, np.array([[wrong, np.nan, wrong]])).tolist() == [[True, False, True]]


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in families.LINEAR])
def test_the_link_level_of_many_draws_is_near_the_link(family: str) -> None:
    # Rough by intent: where sampling starts. A level that is far off on any family would be on another scale.
    generator = np.random.default_rng(3)
    for eta in (-0.7, 0.4):
        found = families.link_level(family, drawn(family, generator.random(4000), eta)[None])[0]
        assert abs(found - eta) < 0.35


def test_parameter_names_belong_to_the_family() -> None:
    assert families.parameter_names("ordered", 4) == ("cut_2", "cut_3")
    assert families.parameter_names("poisson") == ()
    assert families.parameter_names("student-t") == ("sd", "freedom")


def test_a_family_without_density_is_refused() -> None:
    with pytest.raises(CausalError, match="no density of the family 'normal'"):
        families.log_density("normal", 0.0, 0.0, {})
    with pytest.raises(CausalError, match="no draws of the family 'normal'"):
        families.drawn("normal", np.zeros((1, 1)), np.zeros((1, 1)), {})


@pytest.mark.parametrize("family", [family for family in PARAMETERS if family not in ("bernoulli", "ordered")])
def test_the_mean_value_is_that_of_draws_at_even_quantiles(family: str) -> None:
    import pytensor.tensor as pt

    uniform = (np.arange(20000) + 0.5) / 20000
    parameters = {name: pt.as_tensor_variable(np.asarray(number, float)) for name, number in PARAMETERS[family].items()}
    found: Any = families.mean_value(family, pt.as_tensor_variable(ETA), parameters, CENTRE, UNIT)
    expected = [families.value(family, drawn(family, uniform, float(eta))).mean() for eta in ETA]
    # Counts to second order; what is left of a sum over quantiles of a long tail elsewhere.
    np.testing.assert_allclose(
        found.eval(mode="FAST_COMPILE"), expected, atol=0.06 if family in ("poisson", "negative-binomial") else 2e-3
    )
