"""Several studies in one model: the pooled prior against its definition, the draws of what was integrated out, and who may stand beside whom."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import special, stats

from causal.checks import CheckResult, check
from causal.claim import Claim, Ledger, Source
from causal.dist import Normal, Uniform
from causal.equations import Term
from causal.errors import CausalError
from causal.fit import Convergence, JointFit, fit
from causal.graph import Edge
from causal.identification import Identification
from causal.joint import (
    TAU_POINTS,
    TRANSPORT,
    TYPICAL_MEMORY,
    JointModel,
    _log_prior,  # pyright: ignore[reportPrivateUsage]
    build_model,
    drawn_pools,
    overlaps,
)
from causal.model import Model
from causal.panel import Panel, Study
from causal.simulate import contrast
from causal.syntax import read_edge, read_graph
from causal.verdict import (
    PRIOR_SETS,
    Together,
    Verdict,
    _pooled_memory,  # pyright: ignore[reportPrivateUsage]
    judge,
    word,
)
from tests.oracle import across, loops

Floats = NDArray[np.float64]

LOOP = read_graph(loops.FOUR)
PRIORS = {"revenue -> corruption": Normal(0.2, 0.3), "corruption -> presence": Normal(-0.1, 0.5)}
TAUS = TRANSPORT * stats.halfnorm.ppf((np.arange(TAU_POINTS) + 0.5) / TAU_POINTS)
"""The points of equal mass, by another library's quantiles."""
Z_TAUS = TAUS * float(np.arctanh(TYPICAL_MEMORY + 1e-6) - np.arctanh(TYPICAL_MEMORY - 1e-6)) / 2e-6
"""The same for Fisher's z."""


def rows(name: str, *nodes: str, seed: int = 0, times: int = 9) -> pd.DataFrame:
    """Twelve units of the four-node loop, of which `nodes` are measured; the units are named after the study."""
    frame = loops.panel(loops.FOUR_TRUE, units=12, times=times, seed=seed, year_sd=0.5)
    frame["unit"] = [f"{name} {unit}" for unit in frame["unit"]]
    return frame[["unit", "year", *nodes]]


def panel(frame: pd.DataFrame) -> Panel:
    return Panel.from_frame(frame, unit="unit", time="year")


def study(name: str, *nodes: str, seed: int = 0, times: int = 9, **other: Any) -> Study:
    return Study(panel(rows(name, *nodes, seed=seed, times=times)), name=name, **other)


def joint(*studies: Study, **settings: Any) -> JointModel:
    found = build_model(LOOP, studies, PRIORS, **settings)
    assert isinstance(found, JointModel)
    return found


@pytest.fixture(scope="module")
def three() -> JointModel:
    """Three studies, two of which share revenue -> corruption, and the last of which measures presence by another column."""
    return joint(
        study("one", "revenue", "corruption", "illicit", seed=1),
        study("two", "revenue", "corruption", "illicit", "presence", seed=2),
        Study(
            panel(rows("three", "presence", "illicit", seed=3).rename(columns={"presence": "index"})),
            {"presence": "index", "illicit": "illicit"},
            name="three",
        ),
    )


@pytest.fixture(scope="module")
def joint_fit(three: JointModel) -> JointFit:
    return fit(three, seed=1, draws=300, chains=2, allow_unconverged=True)


def test_the_pooled_prior_is_a_mixture_of_normals_whose_effects_share_a_mean() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 3, 5):
        shift: list[float] = []
        for _ in range(6):
            deviations, sd, tau = rng.normal(size=count), rng.uniform(0.2, 2.0), rng.uniform(0.05, 1.0)
            covariance = sd**2 * np.ones((count, count)) + tau**2 * np.eye(count)
            exact = float(stats.multivariate_normal(np.zeros(count), covariance).logpdf(deviations))
            found = float(_log_prior(deviations.sum(), (deviations**2).sum(), float(count), sd**2, tau**2))
            shift.append(exact - found)
        # What is left out is a constant: it depends on neither effects nor scales.
        np.testing.assert_allclose(shift, shift[0], atol=1e-9)


@pytest.mark.slow
def test_the_log_density_is_that_of_the_mixture_and_of_each_studys_likelihood(three: JointModel) -> None:
    """Built again by hand: from the single models' likelihood, and from the prior written with scipy."""
    rng = np.random.default_rng(4)
    together = three.pymc.compile_logp()
    singles = [model.pymc for model in three.models]
    likelihoods = [single.compile_logp(list(single.potentials), jacobian=False) for single in singles]
    shift: list[float] = []
    for _ in range(5):
        z = 0.3 * rng.normal(size=int(three.starts[-1]))
        effects = z.copy()
        prior = 0.0
        for pool in three.pools:
            at = three.at(pool)
            values = z[at]
            if pool.bounds is not None:
                assert pool.bounds == (-1.0, 1.0)
                effects[at] = np.tanh(values)
            mean, sd = pool.prior.mean, pool.prior.sd
            if len(at) > 1:
                parts = [
                    stats.multivariate_normal(
                        np.full(len(at), mean), sd**2 * np.ones((len(at), len(at))) + tau**2 * np.eye(len(at))
                    ).logpdf(values)
                    for tau in (TAUS if pool.bounds is None else Z_TAUS)
                ]
                prior += float(special.logsumexp(parts))
            elif pool.bounds is None:
                prior += float(stats.norm(mean, sd).logpdf(values[0]))
            else:
                prior += float(np.log(1.0 - np.tanh(values[0]) ** 2))
        point: dict[str, Any] = {"turned": three.turn @ z}
        total = prior
        for k, (model, likelihood) in enumerate(zip(three.models, likelihoods, strict=True)):
            log_sd = 0.2 * rng.normal(size=len(model.system.nodes))
            point[f"shock_sd_{k}_log__"] = log_sd
            total += float(np.sum(stats.halfnorm().logpdf(np.exp(log_sd)) + log_sd))
            own = effects[int(three.starts[k]) : int(three.starts[k + 1])]
            single: dict[str, Any] = {"shock_sd_log__": log_sd}
            normal = np.array([isinstance(prior, Normal) for prior in model.term_priors])
            if normal.any():
                single["effect"] = own[normal]
            if (~normal).any():
                single["bounded_effect_interval__"] = special.logit((own[~normal] + 1.0) / 2.0)
            if model.loadings:
                loading = rng.normal(size=len(model.loadings))
                point[f"shock_loading_{k}"] = single["shock_loading"] = loading
                total += float(stats.norm().logpdf(loading).sum())
            total += float(likelihood(single))
        shift.append(float(together(point)) - total)
    np.testing.assert_allclose(shift, shift[0], rtol=0, atol=1e-6)


def test_what_was_integrated_out_is_drawn_from_its_exact_posterior(three: JointModel) -> None:
    pool_at = next(k for k, pool in enumerate(three.pools) if pool.name == "revenue -> corruption [lag=1]")
    pool = three.pools[pool_at]
    effects = np.zeros(int(three.starts[-1]))
    effects[three.at(pool)] = values = np.array([0.1, 0.45])
    pooled, taus = drawn_pools(three, np.tile(effects, (40000, 1)), np.random.default_rng(3))

    grid = np.linspace(-2.5, 2.5, 20001)
    moments = np.empty((TAU_POINTS, 3))
    for k, tau in enumerate(TAUS):
        density = stats.norm(pool.prior.mean, pool.prior.sd).pdf(grid)
        for value in values:
            density = density * stats.norm(grid, tau).pdf(value)
        moments[k] = [np.trapezoid(grid**power * density, grid) for power in range(3)]
    mass = moments[:, 0].sum()
    mean = moments[:, 1].sum() / mass
    sd = np.sqrt(moments[:, 2].sum() / mass - mean**2)
    assert pooled[:, pool_at].mean() == pytest.approx(mean, abs=4 * sd / 200)
    assert pooled[:, pool_at].std() == pytest.approx(sd, rel=0.02)
    shares = [float(np.isclose(taus[:, pool_at], tau).mean()) for tau in TAUS]
    np.testing.assert_allclose(shares, moments[:, 0] / mass, atol=0.01)


def test_an_effect_of_one_study_is_that_studys_and_its_tau_is_the_priors(three: JointModel) -> None:
    at = next(k for k, pool in enumerate(three.pools) if pool.name == "corruption -> presence")
    assert len(three.pools[at].members) == 1
    effects = np.random.default_rng(1).normal(size=(8000, int(three.starts[-1])))
    pooled, taus = drawn_pools(three, np.tanh(effects), np.random.default_rng(3))
    np.testing.assert_array_equal(pooled[:, at], np.tanh(effects)[:, three.at(three.pools[at])[0]])
    shares = [float(np.isclose(taus[:, at], tau).mean()) for tau in TAUS]
    np.testing.assert_allclose(shares, 1 / TAU_POINTS, atol=0.02)


def test_only_what_a_study_identifies_is_pooled(three: JointModel) -> None:
    identified = {pool.name: len(pool.members) for pool in three.pools if pool.identified}
    assert identified == {
        "revenue -> corruption [lag=1]": 2,
        "corruption -> corruption [lag=1]": 2,
        "illicit -> revenue": 2,
        "presence -> illicit [lag=1]": 2,
        "corruption -> presence": 1,
        "presence -> presence [lag=1]": 1,
    }
    own = {pool.name for pool in three.pools if not pool.identified}
    # In study three presence depends on unmeasured corruption, which has a memory of its own.
    assert "presence -> presence [lag=1] in three" in own
    assert all(pool.scale == 0.0 for pool in three.pools if not pool.identified)
    assert any("presence -> presence [lag=1] in three is not pooled" in note for note in three.notes)


def test_a_road_through_unmeasured_nodes_is_one_number() -> None:
    model = joint(study("one", "revenue", "corruption"), study("two", "presence", "illicit"))
    roads = [pool for pool in model.pools if not pool.identified]
    assert roads
    assert all(len(pool.members) == 1 for pool in roads)
    free = {variable.name for variable in model.pymc.free_RVs}
    assert free == {"turned", "shock_sd_0", "shock_sd_1"}


def test_self_effects_by_different_columns_are_not_pooled() -> None:
    other = rows("two", "revenue", "corruption", "illicit", "presence", seed=2)
    renamed = Study(
        panel(other.rename(columns={"corruption": "index"})),
        {"corruption": "index", "presence": "presence", "revenue": "revenue", "illicit": "illicit"},
        name="two",
    )
    model = joint(study("one", "revenue", "corruption", "illicit", "presence", seed=1), renamed)
    sizes = {pool.name: len(pool.members) for pool in model.pools}
    assert sizes["revenue -> corruption [lag=1]"] == 2
    assert sizes["presence -> presence [lag=1]"] == 2
    assert sizes["corruption -> corruption [lag=1] in one"] == 1
    assert sizes["corruption -> corruption [lag=1] in two"] == 1


def test_the_turn_leaves_the_density_of_effects_alone(three: JointModel) -> None:
    np.testing.assert_allclose(three.turn @ three.turn.T, np.eye(int(three.starts[-1])), atol=1e-12)


def test_one_study_in_a_list_is_the_model_of_that_study() -> None:
    assert isinstance(build_model(LOOP, [study("one", "revenue", "corruption")]), Model)


def shifted(given: Study, name: str, **other: Any) -> Study:
    return replace(given, name=name, **other)


@pytest.mark.parametrize(
    ("studies", "settings", "words"),
    [
        (lambda: [study("one", "revenue", "corruption"), study("one", "presence", "illicit")], {}, "named 'one'"),
        (
            lambda: [study("one", "revenue", "corruption"), study("two", "presence", "illicit")],
            {"transport": 0.0},
            "transport is 0.0",
        ),
        (
            lambda: [study("one", "revenue", "corruption"), study("two", "presence", "illicit")],
            {"transport": float("nan")},
            "transport is nan",
        ),
        (
            lambda: [
                study("one", "revenue", "corruption"),
                shifted(study("one", "presence", "illicit"), "two"),
            ],
            {},
            "enter through 'one' and through 'two'",
        ),
        (
            lambda: [
                study("one", "revenue", "corruption"),
                study("two", "presence", "illicit", inside={"two u000": ("one u003", "somewhere")}),
            ],
            {},
            "one u003",
        ),
        (
            lambda: [
                study("one", "presence", "illicit", inside={"one u000": ("two u003",)}),
                study("two", "revenue", "corruption"),
            ],
            {},
            "two u003",
        ),
        (lambda: [study("one", "revenue"), study("two", "illicit"), "three"], {}, "a str is no study"),
    ],
)
def test_what_cannot_stand_beside_each_other_is_refused(
    studies: Callable[[], list[Any]], settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(CausalError, match=words):
        build_model(LOOP, studies(), PRIORS, **settings)


def test_rows_in_a_data_engine_are_refused_without_a_pass_over_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def reduce(*_: Any) -> None:
        raise AssertionError("the rows were reduced")

    staying = Panel.from_table(rows("one", "revenue", "corruption"), in_memory=False)
    monkeypatch.setattr("causal.engine.reduce", reduce)
    flat = Study(panel(rows("two", "revenue", "corruption").assign(revenue=1.0)), name="two")
    with pytest.raises(CausalError) as found:
        build_model(LOOP, [Study(staying, {"revenue": "revenu"}, name="one"), flat])
    told = str(found.value)
    assert all(words in told for words in ("'one' stay in a data engine", "no column 'revenu'", "constant"))


def test_faults_of_all_studies_come_at_once() -> None:
    flat = rows("one", "revenue", "corruption").assign(revenue=1.0)
    with pytest.raises(CausalError) as found:
        build_model(
            LOOP,
            [
                Study(panel(flat), name="one"),
                study("one", "presence", "illicit", times=1),
            ],
            transport=-1.0,
        )
    text = str(found.value)
    assert all(words in text for words in ("transport is -1.0", "named 'one'", "constant", "single period"))


def test_other_periods_of_the_same_unit_may_stand_in_two_studies() -> None:
    whole = rows("one", "revenue", "corruption", times=16)
    early = Study(panel(whole[whole["year"] < 2008]), name="early")
    late = Study(panel(whole[whole["year"] >= 2008]), name="late")
    both = joint(early, late)
    assert overlaps(both.models) == ()
    middle = Study(panel(whole[whole["year"] >= 2007]), name="late")
    with pytest.raises(CausalError, match="2007"):
        joint(early, middle)


@pytest.mark.slow
def test_a_fit_has_what_the_studies_share_and_what_each_has(joint_fit: JointFit, three: JointModel) -> None:
    assert list(joint_fit.posterior["effect"].dims) == ["chain", "draw", "edge"]
    name = "revenue -> corruption [lag=1]"
    both = [joint_fit.study(key).edge(name, scale="standard") for key in ("one", "two")]
    assert not np.allclose(both[0], both[1])
    pooled = joint_fit.edge("revenue -> corruption", scale="standard")
    assert min(map(float, (both[0].mean(), both[1].mean()))) - 0.05 < float(pooled.mean()) < 0.6
    # Someone else's study is told less than these studies are.
    assert float(joint_fit.edge(name, scale="standard", transported=True).std()) > float(pooled.std())
    scales = [three.models[k].on_standard_scale(name) for k in (0, 1)]
    np.testing.assert_allclose(joint_fit.edge(name), pooled / np.sqrt(np.prod(scales)))
    single = joint_fit.edge("corruption -> presence", scale="standard")
    np.testing.assert_array_equal(single, joint_fit.study("two").edge("corruption -> presence", scale="standard"))
    moved = joint_fit.edge("corruption -> corruption", scale="standard", transported=True)
    assert -1.0 < float(moved.min()) < float(moved.max()) < 1.0


@pytest.mark.slow
def test_a_study_of_the_fit_simulates(joint_fit: JointFit) -> None:
    effect = contrast(joint_fit.study("two"), "shift revenue 1", outcome="presence")
    assert float(effect.isel(time=-1).mean()) != 0.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda found: found.study("four"), "no study 'four'"),
        (lambda found: found.edge("revenue -> presence"), "revenue -> presence"),
        (lambda found: found.edge("revenue -> corruption", scale="log"), "scale 'log'"),
        (lambda found: found.edge("presence -> illicit"), "no natural unit"),
        (
            lambda found: contrast(found, "shift revenue 1", outcome="corruption"),  # pyright: ignore[reportArgumentType]
            r"fit\.study\('one'\)",
        ),
    ],
)
def test_what_a_joint_fit_cannot_say_is_one_clear_error(
    joint_fit: JointFit, ask: Callable[[JointFit], object], words: str
) -> None:
    with pytest.raises(CausalError, match=words):
        ask(joint_fit)


@pytest.mark.slow
def test_a_stored_fit_is_the_same_and_is_not_sampled_again(
    three: JointModel, joint_fit: JointFit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fit(three, seed=1, draws=300, chains=2, allow_unconverged=True, store=tmp_path)
    np.testing.assert_array_equal(first.posterior["effect"], joint_fit.posterior["effect"])

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("sampled again")

    monkeypatch.setattr(sys.modules["causal.fit"], "sampled", refuse)
    again = fit(three, seed=1, draws=300, chains=2, allow_unconverged=True, store=tmp_path)
    for group in ("posterior", "study_1/posterior"):
        for name, values in first.data[group].to_dataset().data_vars.items():
            np.testing.assert_array_equal(again.data[group].to_dataset()[name], values)
    assert again.convergence == first.convergence


def test_other_priors_or_another_transport_swap_into_the_compiled_form(three: JointModel) -> None:
    studies = [model.study for model in three.models]
    other = build_model(LOOP, studies, {"revenue -> corruption": Normal(0.0, 0.1)}, transport=0.3)
    assert other.structure == three.structure
    narrow = build_model(LOOP, studies, {"presence -> presence": Uniform(0.0, 1.0)})
    assert narrow.structure != three.structure


# What is judged of several studies

EDGE = "revenue -> corruption [lag=1]"
CLAIMED = Ledger(
    Source("A source"),
    (Claim("c1", read_edge("revenue -> corruption [lag=1, sign=+]"), "as claimed", "here", smallest_effect=0.02),),
)


def judged(
    joint_fit: JointFit, identified: dict[str, bool], checks: tuple[CheckResult, ...] = (), *, together: bool = True
) -> Verdict:
    """The verdict on `EDGE` of the studies named in `identified`, told which of them identify it."""
    fits = {name: dict.fromkeys(PRIOR_SETS, joint_fit.study(name)) for name in identified}
    answers = {
        name: {
            "c1": Identification(
                found, "adjustment" if found else None, frozenset() if found else None, "", "for the test"
            )
        }
        for name, found in identified.items()
    }
    several = Together(dict.fromkeys(PRIOR_SETS, joint_fit), checks) if together else None
    return judge(CLAIMED, fits, answers, {}, graph=LOOP, together=several)[0]


@pytest.mark.slow
def test_a_claims_own_scope_is_an_effect_in_a_study_yet_unseen(joint_fit: JointFit) -> None:
    found = judged(joint_fit, {"one": True, "two": True})
    assert found.together is not None
    assert (found.together.pooled, found.verdict) == (("one", "two"), found.together.verdict)
    draws = joint_fit.edge(EDGE, scale="standard", transported=True).to_numpy()
    natural = joint_fit.edge(EDGE, transported=True).to_numpy()
    assert found.verdict == word(dict.fromkeys(PRIOR_SETS, draws.ravel()), sign=1, smallest=0.02, failed=False)
    wide = next(estimate for estimate in found.together.estimates if estimate.prior_set == "wide")
    assert (wide.low, wide.median, wide.high) == pytest.approx(tuple(np.quantile(draws, [0.05, 0.5, 0.95])))
    assert (wide.natural_low, wide.natural_high) == pytest.approx(tuple(np.quantile(natural, [0.05, 0.95])))
    memory = joint_fit.edge("corruption -> corruption", scale="standard", transported=True).to_numpy()
    stays = memory < 1
    assert wide.long_run_median == pytest.approx(float(np.median(draws[stays] / (1 - memory[stays]))))
    assert found.together.tau is not None
    assert found.together.tau[1] < found.together.tau[0] < found.together.tau[2]


def test_several_effects_of_a_node_on_itself_are_added_in_the_models_order(three: JointModel) -> None:
    """Floats have sums that depend on the order, and the order of a set differs from process to process."""
    texts = [f"corruption -> corruption [lag={lag}]" for lag in (1, 2, 3, 4)]
    terms = tuple(
        Term("corruption", "corruption", lag, ((Edge("corruption", "corruption", lag),),)) for lag in (1, 2, 3, 4)
    )
    drawn = dict(zip(texts, (1e16, 1.0, -1e16, 1.0), strict=True))
    assert [term.name for term in terms] == texts
    models = tuple(replace(each, system=replace(each.system, terms=terms)) for each in three.models[:2])
    pools = tuple(
        replace(three.pools[0], name=text, identified=True, members=((0, k), (1, k))) for k, text in enumerate(texts)
    )
    sizes = SimpleNamespace(sizes={"chain": 1, "draw": 1})
    fitted: Any = SimpleNamespace(
        model=replace(three, models=models, pools=pools),
        posterior=sizes,
        edge=lambda text, **_: xr.DataArray([[drawn[text]]]),
    )
    assert _pooled_memory(fitted, "corruption", ("one", "two")).tolist() == [((1e16 + 1.0) - 1e16) + 1.0] == [1.0]


def test_a_pool_knows_its_studies_by_name(three: JointModel) -> None:
    shared = {pool.name: three.members(pool) for pool in three.pools if len(pool.members) > 1}
    assert shared["revenue -> corruption [lag=1]"] == ("one", "two")


@pytest.mark.slow
def test_a_pool_with_a_study_that_does_not_identify_the_claim_judges_nothing(joint_fit: JointFit) -> None:
    found = judged(joint_fit, {"one": True, "two": False})
    assert found.together is None
    assert found.verdict == found.findings[0].verdict
    assert judged(joint_fit, {"one": False, "two": False}).verdict == "not-identified"


@pytest.mark.slow
def test_a_check_of_the_model_of_several_keeps_supported_away(joint_fit: JointFit) -> None:
    passed = judged(joint_fit, {"one": True, "two": True})
    failed = judged(joint_fit, {"one": True, "two": True}, (CheckResult("convergence", False, "", {}, (EDGE,)),))
    assert passed.verdict == "supported"
    assert failed.verdict == "undecided"
    assert failed.together is not None
    assert failed.together.failed_checks == ("convergence",)


@pytest.mark.slow
def test_without_one_model_the_studies_must_agree(joint_fit: JointFit) -> None:
    found = judged(joint_fit, {"one": True, "two": True}, together=False)
    words = {finding.verdict for finding in found.findings}
    assert found.verdict == (words.pop() if len(words) == 1 else "undecided")


@pytest.mark.slow
def test_the_chains_of_a_joint_fit_are_checked_edge_by_edge(joint_fit: JointFit) -> None:
    limits = {"r_hat": 1.2, "ess": 90.0, "divergent_share": 0.0}
    of_one = replace(joint_fit, convergence=Convergence(**limits, unconverged=(f"two: effect[{EDGE}]",)))
    (result,) = check(of_one)
    assert (result.passed, result.edges) == (False, (EDGE,))
    (result,) = check(
        replace(
            joint_fit, convergence=Convergence(**limits, unconverged=(f"two: effect[{EDGE}]", "one: shock_sd[revenue]"))
        )
    )
    assert result.edges == ()


def test_effects_across_units_are_pooled_over_studies_each_with_its_own_weights() -> None:
    graph = read_graph("x -> y [lag=1]; y -> y [lag=1]; y -> y [lag=1, across=near]; x -> y [lag=1, across=near]")
    own, others = np.array([np.zeros((2, 2)), [[0, 0], [0.4, 0.3]]]), np.array([[[0.0, 0.0], [0.3, 0.2]]])
    studies: list[Study] = []
    for name, units in (("a", 5), ("b", 8)):
        values = across.simulated(own, others, across.ring(units), times=8, seed=units)
        frame = loops.frame(dict(zip("xy", values, strict=True)))
        table = across.table(across.ring(units)).rename(index=lambda unit, name=name: name + unit)
        table.columns = table.index
        studies.append(Study(panel(frame.assign(unit=name + frame["unit"])), name=name, weights={"near": table}))
    found = build_model(graph, studies)
    assert isinstance(found, JointModel)
    assert {pool.name: len(pool.members) for pool in found.pools} == {edge.name: 2 for edge in graph.edges}
    assert all(pool.identified for pool in found.pools)
    bounded = {pool.name for pool in found.pools if pool.bounds is not None}
    assert bounded == {"y -> y [lag=1]"}
    for k, model in enumerate(found.models):
        np.testing.assert_array_equal(found.data[f"spectrum_{k}"], model.design.spectrum)
    assert len(found.models[0].design.spectrum) != len(found.models[1].design.spectrum)
