"""One study's world under the effects of a population of studies."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from causal.errors import CausalError
from causal.fit import Convergence, JointFit
from causal.intervene import Shift
from causal.joint import JointModel, build_model
from causal.panel import Panel, Study
from causal.simulate import contrast
from causal.syntax import read_graph
from tests.oracle.worlds import frame, made_fit

GRAPH = "a -> b [lag=1]\nb -> c [lag=1]\nb -> b [lag=1]"
TAU = 0.2


def joint_fit(draws: int = 4000) -> JointFit:
    """Two studies that share a -> b and b -> c, with made-up draws: the pooled effect and tau the same in every draw."""
    graph = read_graph(GRAPH)
    studies = [
        Study(
            Panel.from_frame(
                frame(("a", "b", "c"), units=5, times=range(2000, 2009), seed=k).assign(
                    unit=lambda rows, k=k: rows["unit"] + f"_{k}"
                ),
                unit="unit",
                time="year",
            ),
            name=f"study_{k}",
        )
        for k in (1, 2)
    ]
    model = build_model(graph, studies)
    assert isinstance(model, JointModel)
    groups: dict[str, xr.Dataset] = {}
    for k, each in enumerate(model.models):
        groups[f"study_{k}/posterior"] = made_fit(each, chains=2, draws=draws // 2, seed=k).posterior
    names = [pool.name for pool in model.pools]
    shape = (2, draws // 2, len(names))
    effect, tau = np.broadcast_to(np.arange(len(names)) / 10.0 + 0.1, shape), np.full(shape, TAU)
    coords = {"edge": names}
    groups["posterior"] = xr.Dataset(
        {"effect": (("chain", "draw", "edge"), effect), "tau": (("chain", "draw", "edge"), tau)}, coords=coords
    )
    return JointFit(model, xr.DataTree.from_dict(groups), Convergence(1.0, 4000.0, 0.0, ()))


def test_shared_effects_are_those_of_a_new_study_and_the_others_the_studys_own() -> None:
    fit = joint_fit()
    own, scope = fit.study("study_1"), fit.scope("study_1")
    pools = {pool.name: k for k, pool in enumerate(fit.model.pools)}
    shared = [name for name in ("a -> b [lag=1]", "b -> c [lag=1]") if name in pools]
    assert shared == ["a -> b [lag=1]", "b -> c [lag=1]"]
    moved = {}
    for name in shared:
        drawn = scope.edge(name, scale="standard").to_numpy().ravel()
        centre = 0.1 + pools[name] / 10.0
        assert abs(drawn.mean() - centre) < 4.5 * TAU / len(drawn) ** 0.5
        assert abs(drawn.std() - TAU) < 4.5 * TAU / (2.0 * len(drawn)) ** 0.5
        moved[name] = drawn - centre
    # What two effects differ by in a new study has nothing in common.
    together = np.corrcoef(moved["a -> b [lag=1]"], moved["b -> c [lag=1]"])[0, 1]
    assert abs(together) < 4.5 / len(drawn) ** 0.5
    left = {term.name for term in own.model.system.terms} - set(pools)
    for name in left:
        np.testing.assert_array_equal(scope.edge(name), own.edge(name))


def test_an_answer_for_the_scope_is_the_path_of_its_own_effects() -> None:
    fit = joint_fit(400)
    scope = fit.scope("study_2")
    found = contrast(scope, Shift("a", 1.0, start=2004, stop=2004), outcome="c").sel(time=2006).to_numpy()
    path = scope.edge("a -> b").to_numpy().ravel() * scope.edge("b -> c").to_numpy().ravel()
    np.testing.assert_allclose(found, path, rtol=1e-10)
    alone = contrast(fit.study("study_2"), Shift("a", 1.0, start=2004, stop=2004), outcome="c").sel(time=2006)
    assert found.std() > float(alone.std())
    assert (
        "a -> b [lag=1]: pooled from study_1, study_2 and carried over"
        in contrast(scope, Shift("a", 1.0), outcome="c").attrs["rests_on"]
    )


def test_a_fit_of_several_says_how_to_ask_for_one() -> None:
    fit = joint_fit(20)
    with pytest.raises(CausalError, match=r"fit.scope\('study_1'\)"):
        contrast(fit, Shift("a", 1.0), outcome="c")  # type: ignore[arg-type]
    with pytest.raises(CausalError, match="no study 'study_3'"):
        fit.scope("study_3")
