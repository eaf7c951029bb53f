"""Worlds of which the truth is known, and what is counted over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from causal.analysis import prior_sets
from causal.cells import fitted_linear
from causal.errors import CausalError
from causal.joint import build_model
from causal.measurement import within_unit_sd
from causal.model import Model
from causal.panel import Study
from causal.report.mistakes import mistakes
from causal.validate import (
    HIDDEN,
    KINDS,
    Kind,
    Validation,
    _declared,
    _Design,
    _digest,
    _restricted,
    _world,
    calibration,
    interval,
    is_of,
    keep,
    kept,
    validate,
)
from priors.read import Bundle, read_bundle
from tests.oracle import loops
from tests.oracle.worlds import made_fit

CLAIMS = """
[article]
title = "A loop"
smallest_effect = 0.1
[node.x]
[node.y]
[graph]
assumed = '''
x -> x [lag=1]
y -> y [lag=1]
'''
[claim.c1]
edge = "x -> y [lag=1, sign=+]"
says = "x raises y"
where = "p. 1"
[claim.c2]
edge = "y -> x [lag=1, sign=-]"
hedge = "may"
says = "y lowers x"
where = "p. 2"
[claim.c3]
says = "more is more"
where = "p. 3"
untestable = "a figure of speech"
cause = "more"
effect = "more"
"""
STUDIES = """
[study.panel]
file = "panel.csv"
unit = "unit"
time = "year"
[study.panel.measures]
x = "x"
y = "y"
"""


def bundle(folder: Path, *, units: int = 40, times: int = 25, claims: str = CLAIMS) -> Bundle:
    rows = loops.panel(loops.TWO_TRUE, units=units, times=times, seed=1)
    rows.to_csv(folder / "panel.csv", index=False)
    (folder / "claims.toml").write_text(claims, encoding="utf-8")
    (folder / "studies.toml").write_text(STUDIES, encoding="utf-8")
    (folder / "interventions.toml").write_text("", encoding="utf-8")
    return read_bundle(folder)


def design(found: Bundle, place: int = 0) -> _Design:
    """What worlds are drawn from, with a fit that is written down at the truth."""
    sets = prior_sets(found)
    model = build_model(found.graph, found.studies[0], sets["wide"])
    assert isinstance(model, Model)
    fit = made_fit(
        model,
        effects={loops.edge_name(*edge): value for edge, value in loops.TWO_TRUE.items()},
        spread=0.0,
        shock_sd=1.0,
    )
    return _Design(
        found.ledger.claims[place], model, fit, {name: _restricted(each, model.graph) for name, each in sets.items()}
    )


def kind(name: str) -> Kind:
    return next(each for each in KINDS if each.name == name)


def effects(design: _Design, name: str, worlds: int) -> np.ndarray:
    """Linear estimates of the claim's effect on each world's own standard scale."""
    found: list[float] = []
    for seed in range(worlds):
        panel, _ = _world(design, kind(name), [seed])
        model = build_model(design.model.graph, Study(panel, name="panel"))
        assert isinstance(model, Model)
        linear = fitted_linear(model.system, model.design.filled, model.design.sweep, model.design.holes)
        at = next(
            k
            for k, term in enumerate(model.system.terms)
            if term.edge == design.claim.edge or term.name == design.claim.edge.name
        )  # type: ignore[union-attr]
        rows, columns = model.system.positions()
        found.append(linear.effects[rows[at], columns[at]])
    return np.array(found)


@pytest.mark.parametrize(("place", "sign"), [(0, 1.0), (1, -1.0)])
@pytest.mark.parametrize(("name", "size"), [("true", 0.2), ("null", 0.0), ("reversed", -0.2), ("tiny", 0.05)])
def test_worlds_have_the_effect_that_their_kind_says(
    tmp_path: Path, place: int, sign: float, name: str, size: float
) -> None:
    found = effects(design(bundle(tmp_path), place), name, 10)
    assert found.mean() == pytest.approx(sign * size, abs=3.5 * found.std() / len(found) ** 0.5 + 0.005)


def test_what_is_hidden_moves_the_estimate_or_its_surroundings(tmp_path: Path) -> None:
    ours = design(bundle(tmp_path))
    assert effects(ours, "hidden cause", 5).mean() > 0.05
    # Where the claim is of the other direction, so is what seems to bear it out.
    assert effects(design(bundle(tmp_path), 1), "hidden cause", 5).mean() < -0.05
    null, noisy = (
        {name: _world(ours, replace(kind("null"), hidden=hidden), [1])[0].data[name].to_numpy() for name in "xy"}
        for hidden in ("", "errors")
    )
    errors = {name: noisy[name] - null[name] for name in "xy"}
    for name, error in errors.items():
        assert error.std() == pytest.approx(HIDDEN["error_sd"] * within_unit_sd(null[name]), rel=0.1)
    assert np.corrcoef(errors["x"].ravel(), errors["y"].ravel())[0, 1] == pytest.approx(HIDDEN["shared"], abs=0.1)
    turned = design(bundle(tmp_path), 1)
    null, noisy = (
        {name: _world(turned, replace(kind("null"), hidden=hidden), [1])[0].data[name].to_numpy() for name in "xy"}
        for hidden in ("", "errors")
    )
    errors = {name: noisy[name] - null[name] for name in "xy"}
    assert np.corrcoef(errors["x"].ravel(), errors["y"].ravel())[0, 1] == pytest.approx(-HIDDEN["shared"], abs=0.1)
    later = [_world(ours, kind("wrong lag"), [seed])[0].data for seed in range(10)]
    slopes = []
    for data in later:
        x, y = (data[name].transpose("unit", "time").to_numpy() for name in "xy")
        left = y - y.mean(axis=1, keepdims=True)
        columns = [each - each.mean(axis=1, keepdims=True) for each in (y[:, 1:-1], x[:, 1:-1], x[:, :-2])]
        slopes.append(
            np.linalg.lstsq(np.column_stack([each.ravel() for each in columns]), left[:, 2:].ravel(), rcond=None)[0]
        )
    middle = np.mean(slopes, axis=0)
    assert middle[2] > 0.1 > abs(middle[1])


def test_a_world_has_the_units_periods_and_holes_of_the_study(tmp_path: Path) -> None:
    rows = loops.panel(loops.TWO_TRUE, units=12, times=10, seed=1)
    rows.loc[rows.index % 11 == 4, "y"] = np.nan
    found = bundle(tmp_path, units=12, times=10)
    rows.to_csv(tmp_path / "panel.csv", index=False)
    found = read_bundle(tmp_path)
    panel, _ = _world(design(found), kind("true"), [1])
    ours, real = (each["y"].transpose("unit", "time").to_numpy() for each in (panel.data, found.studies[0].panel.data))
    assert (np.isnan(ours) == np.isnan(real)).all()
    assert not np.allclose(np.nan_to_num(ours), np.nan_to_num(real))


def test_one_seed_gives_one_world(tmp_path: Path) -> None:
    ours = design(bundle(tmp_path))
    first, second, third = (_world(ours, kind("true"), seeds)[0].data for seeds in ([1, 2], [1, 2], [1, 3]))
    assert first.equals(second)
    assert not first.equals(third)


def test_an_explosive_fit_makes_no_world(tmp_path: Path) -> None:
    ours = design(bundle(tmp_path))
    wild = made_fit(
        ours.model,
        effects={loops.edge_name(*edge): 1.1 if edge[0] == edge[1] else 0.0 for edge in loops.TWO_TRUE},
        spread=0.0,
        shock_sd=1.0,
    )
    with pytest.raises(CausalError, match="explosive"):
        _world(replace(ours, fit=wild), kind("true"), [1])


def test_a_declared_common_cause_makes_the_claim_not_identified(tmp_path: Path) -> None:
    found = _declared(design(bundle(tmp_path)), kind("confounded"), 7)
    assert found.words == {"not-identified": 7}
    assert found.wrong == 0.0


def test_calibration_puts_each_probability_in_its_bin() -> None:
    pairs = [(0.05, -1.0), (0.05, 1.0), (0.95, 1.0), (1.0, 1.0), (0.5, -1.0)]
    found = calibration(pairs)
    assert [(each.low, each.count, each.positive) for each in found] == [(0.0, 2, 0.5), (0.5, 1, 0.0), (0.9, 2, 1.0)]
    assert found[2].mean == pytest.approx(0.975)


def test_the_interval_of_a_share_is_clopper_and_pearsons() -> None:
    assert interval(0, 10) == pytest.approx((0.0, 1.0 - 0.025**0.1))
    assert interval(10, 10) == pytest.approx((0.025**0.1, 1.0))
    # Their own table: 5 of 20.
    assert interval(5, 20) == pytest.approx((0.0866, 0.4910), abs=1e-4)


def test_an_unknown_kind_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CausalError, match="no kind of world 'truth'") as caught:
        validate(bundle(tmp_path), kinds=["truth", "null", "lies"])
    assert len(caught.value.faults) == 2
    assert "true, null" in caught.value.faults[0].mend


def test_a_bundle_without_an_identified_claim_says_so(tmp_path: Path) -> None:
    hidden = CLAIMS.replace("y -> y [lag=1]\n'''", "y -> y [lag=1]\nx <-> y [lag=1]\ny <-> x [lag=1]\n'''")
    with pytest.raises(CausalError, match="no claim to draw worlds for"):
        validate(bundle(tmp_path, claims=hidden), worlds=1)


def made_validation(found: Bundle) -> Validation:
    ours = design(found)
    rate = _declared(ours, kind("confounded"), 3)
    return Validation(_digest(found), 3, 1, (rate,), calibration([(0.5, 1.0)]), {"c3": "no edge holds it"})


def test_kept_rates_come_back_and_know_their_bundle(tmp_path: Path) -> None:
    found = bundle(tmp_path)
    assert kept(found) is None
    made = made_validation(found)
    assert keep(made, found) == tmp_path / "validation.json"
    back = kept(found)
    assert back is not None
    assert back == made
    assert is_of(back, found)
    (tmp_path / "claims.toml").write_text(CLAIMS.replace("0.1", "0.2"), encoding="utf-8")
    assert not is_of(back, read_bundle(tmp_path))
    text = (tmp_path / "validation.json").read_text(encoding="utf-8")
    for wrong in (
        '{"rates": 3}',
        "[]",
        text.replace('"left_out": {', '"left_out": null, "x": {'),
        text.replace('"wrong": 0.0', '"wrong": null'),
    ):
        (tmp_path / "validation.json").write_text(wrong, encoding="utf-8")
        with pytest.raises(CausalError, match="is not a table of error rates"):
            kept(found)
    (tmp_path / "validation.json").write_text(text.replace("confounded", "haunted"), encoding="utf-8")
    with pytest.raises(CausalError, match="unknown kind, 'haunted'"):
        kept(found)
    (tmp_path / "validation.json").write_text('{"rates": 3}', encoding="utf-8")
    with pytest.raises(CausalError, match="is not a table of error rates"):
        kept(found)


def test_the_page_adds_the_claims_up_by_kind_and_counts_wrong_words_that_are_warned_of(tmp_path: Path) -> None:
    found = bundle(tmp_path)
    made = made_validation(found)
    (rate,) = made.rates
    null = replace(
        rate,
        kind="null",
        words={"undecided": 7, "supported": 2, "contradicted": 1},
        worlds=10,
        wrong=0.3,
        wrong_warned=2,
    )
    drawn = replace(null, kind="drawn", wrong=0.0, wrong_warned=0)
    keep(
        replace(
            made,
            rates=(rate, null, replace(null, claim="c2", wrong=0.0, wrong_warned=0, words={"undecided": 10}), drawn),
        ),
        found,
    )
    kinds = {row["told"]: row for row in mistakes(found)["kinds"]}
    told = {each.name: each.told for each in KINDS}
    assert len(kinds) == 3
    assert kinds[told["null"]]["worlds"] == 20
    assert kinds[told["null"]]["words"] == "undecided 17, supported 2 and contradicted 1"
    assert kinds[told["null"]]["noticed"] == "2 of 3"
    assert kinds[told["confounded"]]["noticed"] == "none is wrong"
    assert kinds[told["drawn"]]["noticed"] == ""


@pytest.mark.slow
def test_verdicts_on_worlds_are_right_where_the_study_can_tell(tmp_path: Path) -> None:
    """40 units and 25 years: a true effect is found in most worlds, no null is called either way, one that goes the other way is."""
    store = tmp_path / "store"
    found = validate(
        bundle(tmp_path), worlds=10, kinds=["true", "null", "reversed", "confounded", "hidden cause"], store=store
    )
    by_kind = {(rate.claim, rate.kind): rate for rate in found.rates}
    for claim in ("c1", "c2"):
        assert by_kind[claim, "true"].hit >= 0.7
        assert by_kind[claim, "null"].wrong == 0.0
        assert by_kind[claim, "reversed"].hit >= 0.7
        assert by_kind[claim, "confounded"].hit == 1.0
        # Where the hidden cause makes an effect, the checks see it in four worlds of five: they withhold the word, or warn of it.
        hidden = by_kind[claim, "hidden cause"]
        assert hidden.supported_by_draws >= 5
        assert hidden.warned >= 0.8 * hidden.supported_by_draws
    assert found.left_out == {"c3": "no edge holds it"}
    kept = {path.name: path.stat().st_mtime for path in store.iterdir()}
    again = validate(bundle(tmp_path), worlds=10, kinds=["true"], store=store)
    assert again.rates[0] == by_kind["c1", "true"]
    assert {path.name: path.stat().st_mtime for path in store.iterdir()} == kept
