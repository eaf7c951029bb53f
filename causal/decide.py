"""Which option to take under what is not known, and what would be worth knowing.

Every draw of a fit is a world that the data leave possible. In each of them each option has its effect on the outcome; its *benefit* is
that effect, or minus that effect where less of the outcome is better. `rank` says of each option what it is expected to do, how often it is the
best, how often it does harm, and its expected regret: how much it falls short, on average, of what would have been best in each world,

    regret(o) = E[max over options of benefit] - E[benefit(o)].

The best choice has the least. That least regret is the *expected value of perfect information* (Raiffa and Schlaifer 1961): what knowing everything
before choosing would add. Knowing one thing only, phi, leaves the rest at its average given phi, and is worth

    EVPPI(phi) = E[max over options of E[benefit | phi]] - max over options of E[benefit].

`evppi` finds the inner averages by regression over the draws (Strong, Oakley and Brennan 2014, Medical Decision Making 34: 311-326): the
benefit of each option less that of the best one, on phi. The curves are polynomials with interactions, because what an intervention
changes in a linear loop *is* a polynomial of the effects, and for one parameter also cubic splines in its Normal score: what knowing it is worth does not
depend on the scale on which it is written. Five-fold cross-validation chooses each curve, from a constant upwards; its folds are
runs of draws that follow each other, because neighbours in a chain resemble each other.

"Not known" is all that differs between draws: the effects and, where an intervention depends on levels, the unit effects and shocks as well.

>>> import numpy as np
>>> theta = np.random.default_rng(1).normal(size=(4000, 2))
>>> benefit = np.column_stack([np.zeros(4000), theta.sum(axis=1)])  # doing nothing, or what two unknowns add up to
>>> one, both = evppi(benefit, theta[:, 0]), evppi(benefit, theta)  # exactly: sd / sqrt(2 pi), with sd 1 and sqrt(2)
>>> abs(one / 0.399 - 1) < 0.05, abs(both / 0.564 - 1) < 0.05
(True, True)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from causal.equations import Floats
from causal.errors import CausalError, Fault, nearest, no_such, raise_all
from causal.fit import Fit
from causal.intervene import Intervention, Path, as_interventions, text_of
from causal.plan import time_position
from causal.simulate import Given, contrast

if TYPE_CHECKING:
    import xarray as xr

NOTHING = "nothing"
"""The option that is always there: to do nothing."""

_FEWEST = 100
"""Draws below which a regression over them says nothing."""
_DRAWS_A_COLUMN = 20
"""A curve has at most one coefficient for so many draws, if it is more than a straight line."""
_FOLDS = 5
_KNOTS = (1, 3, 7)
_DEGREES = (2, 3, 4)
_OVER = {
    "end": "in the last period",
    "mean": "as the mean of the periods since the first option acts",
    "sum": "as the sum over the periods since the first option acts",
}


def rank(
    fit: Fit,
    options: Mapping[str, Given] | Sequence[Given] | str,
    outcome: str,
    *,
    horizon: int = 0,
    costs: Mapping[str, float] | None = None,
    better: Literal["higher", "lower"] = "higher",
    over: Literal["end", "mean", "sum"] = "end",
    seed: int = 0,
) -> xr.Dataset:
    """The options and doing nothing, ordered by expected regret, the least first.

    `options`: interventions by the option's name, or a list of options, each of which is named by its own text. Each is compared with doing nothing
    (the option `NOTHING`, effect 0) by `contrast`, mean over all units: in the last time (``over="end"``), or as the mean or the sum over all
    times from the first in which any option acts. `better` says which direction of the outcome is good. `costs`: what each option costs
    beyond doing nothing, all in one unit; they are set beside the effects, never counted against them.

    Returns a Dataset in natural units of the outcome: `effect` (draw, option); over (option) `expected`, the mean effect, `p_best`, the share
    of draws in which the option is the best (a tie is shared equally), `p_harm`, the share in which it makes the outcome worse than doing
    nothing does, and `regret`; and `evpi`, the expected value of perfect information. With costs also over (option) `cost`, `per_cost` (expected effect per
    unit of cost, NaN at no cost) and `on_frontier`: no other option costs no more and is expected to do at least as much good, with one of
    the two better. `rests_on` (option) is what each effect rests on (`causal.rests`), and the attribute of that name what all of them do.
    Other attributes: outcome, better, over, horizon, and the result in `words`.

    Raises `CausalError` with every fault at once: what `contrast` raises for each option, an option without interventions, a name that is
    taken or given twice, costs that are missing, unknown, negative or not finite; and an effect that grows beyond all numbers.
    """
    import xarray as xr

    faults: list[Fault] = []
    named = _named(options, faults)
    prices = _prices(costs, named, faults)
    faults.extend(
        Fault(f"{label}={value!r} is not known", mend=f"give {' or '.join(map(repr, known))}")
        for label, value, known in (("better", better, ("higher", "lower")), ("over", over, tuple(_OVER)))
        if not isinstance(value, str) or value not in known
    )
    effects = _effects(fit, named, outcome, horizon, seed, faults)
    raise_all(faults)
    times = effects[NOTHING]["time"].to_numpy()
    since = _first_time([each for interventions in named.values() for each in interventions], times)
    names = list(effects)
    paths = np.stack([effects[name].to_numpy() for name in names], axis=1)  # (draw, option, time)
    effect = paths[..., -1] if over == "end" else paths[..., since:].sum(axis=2)
    effect = effect / (len(times) - since) if over == "mean" else effect
    raise_all(
        Fault(
            f"the effect grows beyond all numbers in {int((~np.isfinite(column)).sum())} draws",
            f"option '{name}'",
            "give a shorter horizon, or see in which draws the loop explodes",
        )
        for name, column in zip(names, effect.T, strict=True)
        if not np.isfinite(column).all()
    )
    benefit = effect if better == "higher" else -effect
    best = benefit.max(axis=1)
    wins = benefit == best[:, None]
    regret = (best[:, None] - benefit).mean(axis=0)
    columns: dict[str, Any] = {
        "effect": (("draw", "option"), effect),
        "expected": ("option", effect.mean(axis=0)),
        "p_best": ("option", (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)),
        "p_harm": ("option", (benefit < 0).mean(axis=0)),
        "regret": ("option", regret),
        "evpi": ((), regret.min()),
        "rests_on": ("option", [str(effects[name].attrs.get("rests_on", "")) for name in names]),
    }
    if prices is not None:
        cost = np.array([prices[name] for name in names])
        with np.errstate(divide="ignore", invalid="ignore"):
            per_cost = np.where(cost > 0, effect.mean(axis=0) / cost, np.nan)
        columns["cost"] = ("option", cost)
        columns["per_cost"] = ("option", per_cost)
        columns["on_frontier"] = ("option", _undominated(benefit.mean(axis=0), cost))
    found = xr.Dataset(columns, coords={"draw": np.arange(len(effect)), "option": names})
    found = found.isel(option=np.argsort(regret, kind="stable"))
    found.attrs = {"outcome": outcome, "better": better, "over": over, "horizon": int(horizon), "fit": _draws_of(fit)}
    words = [word for text in found["rests_on"].to_numpy() for word in text.split("; ") if word]
    found.attrs["rests_on"] = "; ".join(dict.fromkeys(words))
    first = found.isel(option=0)
    found.attrs["words"] = (
        f"'{first['option'].item()}' has the least expected regret for {outcome} ({better} is better, {_OVER[over]}): "
        f"{first['regret'].item():.3g}. It is best in {first['p_best'].item():.0%} of the draws and does harm in {first['p_harm'].item():.0%}."
    )
    return found


def value_of_information(fit: Fit, ranking: xr.Dataset, learn: Iterable[str] | str | None = None) -> xr.DataArray:
    """How much the expected regret of the best choice falls if one thing were known: dims (what,), the most first, in the ranking's units.

    `learn`: names of edges, each with draws of its own in this fit, and of nodes. An unmeasured node stands for all effects that pass
    through it, which measuring it could tell; a measured one for all that enter or leave it. By default: every effect in this study's
    equations, and each unmeasured node that any of them passes through. Coordinate `kind` (what) is "edge" or "node". Attributes: `evpi`, above
    which no value lies, `unit` and `words`. Each value is an upper bound on what a study of it is worth: a study leaves some of it unknown.

    Raises `CausalError` for an unknown name, a node that no effect of this study reaches, and a `ranking` that is not of this fit.
    """
    import xarray as xr

    faults: list[Fault] = []
    values = np.zeros((0, 0))
    try:
        values = _benefits(fit, ranking)
    except CausalError as error:
        faults.extend(error.faults)
    groups: dict[str, tuple[str, list[int]]] = {}
    if isinstance(fit, Fit):
        groups = _groups(fit, learn, faults)
    raise_all(faults)
    draws = fit.draws("effect")
    worth = np.array([evppi(values, draws[:, columns]) for _, columns in groups.values()])
    order = np.argsort(-worth, kind="stable")
    evpi, outcome = _evpi(values), str(ranking.attrs["outcome"])
    unit = f"natural units of {outcome}" + (", summed over the periods" if ranking.attrs["over"] == "sum" else "")
    found = xr.DataArray(
        worth[order],
        dims="what",
        coords={
            "what": [list(groups)[k] for k in order],
            "kind": ("what", [kind for kind, _ in (list(groups.values())[k] for k in order)]),
        },
        name="value of information",
        attrs={"evpi": evpi, "unit": unit, "words": "This study's equations hold no effect that could be learnt."},
    )
    if len(order):
        found.attrs["words"] = (
            f"Knowing everything would lower the expected regret of the best choice by {evpi:.3g} ({unit}); "
            f"of what could be learnt, '{found['what'].to_numpy()[0]}' would lower it the most, by {worth[order[0]]:.3g}."
        )
    return found


def evppi(values: Floats, parameters: Floats) -> float:
    """The expected value of knowing the parameters before choosing, in the units of the values.

    `values` (draw, option): benefits, of which more is better; `parameters` (draw, parameter), or (draw,) for one; rows are draws in the
    order in which they were sampled. Never negative, and cut off at the value of perfect information. Where a constant predicts as well as any curve
    it is exactly 0. With finitely many draws the best of several fitted curves is so in part by chance, which lifts the value; the best of several
    means is so too, which lowers it. Both are of the order of sqrt(1 / draws) times the sd of the difference between the options, and matter
    where options are close.
    Parameters that are many for the draws are fitted by straight lines only: what they are worth through their products is then not seen.

    Raises `CausalError` for arrays of other shapes, fewer than 100 draws, or anything not finite.
    """
    values, parameters = _checked(values, parameters)
    means = values.mean(axis=0)
    gains = np.delete(values - values[:, [int(means.argmax())]], int(means.argmax()), axis=1)
    spread = parameters.std(axis=0)
    varies = spread > 1e-12 * np.abs(parameters).max(axis=0, initial=0.0)
    if not varies.any() or not gains.shape[1]:
        return 0.0
    known = (parameters[:, varies] - parameters[:, varies].mean(axis=0)) / spread[varies]
    fitted, error = np.zeros(gains.shape), np.full(gains.shape[1], np.inf)
    for design in _designs(known):
        curve, its_error = _regressed(design, gains)
        closer = its_error < error
        fitted, error = np.where(closer, curve, fitted), np.where(closer, its_error, error)
    # Every curve has its gain's mean, at most 0: without knowledge nothing is gained on the best option.
    return min(float(np.maximum(fitted.max(axis=1), 0.0).mean()), _evpi(values))


def _named(options: object, faults: list[Fault]) -> dict[str, tuple[Intervention, ...]]:
    """The interventions of each option that has a name of its own; none where they are faulty."""
    one = isinstance(options, (str, *get_args(Intervention)))
    listed = [options] if one else list(options) if isinstance(options, Iterable) else []
    given = list(options.items()) if isinstance(options, Mapping) else [(None, each) for each in listed]
    if not given:
        faults.append(Fault("there is no option to rank", mend=_OPTIONS))
    found: dict[str, tuple[Intervention, ...]] = {}
    for called, what in given:
        name, interventions = called, ()
        try:
            interventions = as_interventions(cast("Given", what))
            name = _text(what, interventions) if called is None else called
        except CausalError as error:
            name = str(what) if called is None else called
            faults.extend(Fault(each.what, each.where or _place(name), each.mend) for each in error.faults)
        else:
            if not interventions:
                mend = "leave it out: doing nothing is always ranked"
                faults.append(Fault("no intervention is given", _place(name), mend))
        if not isinstance(name, str) or not name.strip():
            faults.append(Fault(f"{name!r} is no name of an option", mend=_OPTIONS))
        elif name in found or name == NOTHING:
            whose = "doing nothing, which is always an option" if name == NOTHING else "two options"
            faults.append(Fault(f"'{name}' is the name of {whose}", mend="give each option a name of its own"))
        else:
            found[name] = interventions
    return found


def _text(given: object, interventions: Sequence[Intervention]) -> str:
    return given if isinstance(given, str) else "; ".join(text_of(each) for each in interventions)


_OPTIONS = "give a list of texts, or interventions by name: {'eradicate': 'shift coca -1 from 2016'}"


def _place(name: object) -> str:
    return f"option '{name}'"


def _prices(costs: object, names: Iterable[str], faults: list[Fault]) -> dict[str, float] | None:
    """What each option costs, doing nothing included."""
    if costs is None:
        return None
    if not isinstance(costs, Mapping):
        faults.append(Fault(f"the costs are {costs!r}", mend="give a number for each option, by its name"))
        return None
    names = list(names)
    faults.extend(
        Fault(f"'{name}' has no cost", mend="give a number of 0 or above") for name in names if name not in costs
    )
    found = {NOTHING: 0.0}
    for name, cost in costs.items():
        if name == NOTHING:
            faults.append(Fault(f"'{NOTHING}' is given a cost", mend="leave it out: what it costs beyond itself is 0"))
        elif name not in names:
            faults.append(Fault(f"a cost is given for '{name}', which is no option", mend=nearest(str(name), names)))
        elif isinstance(cost, bool) or not isinstance(cost, Real) or not math.isfinite(cost) or cost < 0:
            faults.append(Fault(f"the cost of '{name}' is {cost!r}", mend="give a finite number of 0 or above"))
        else:
            found[name] = float(cost)
    return found


def _effects(
    fit: Fit,
    named: Mapping[str, tuple[Intervention, ...]],
    outcome: str,
    horizon: int,
    seed: int,
    faults: list[Fault],
) -> dict[str, xr.DataArray]:
    """What each option changes in the outcome (draw, time), doing nothing first."""
    found: dict[str, xr.DataArray] = {}
    try:
        found[NOTHING] = contrast(fit, (), outcome=outcome, horizon=horizon, seed=seed)
    except CausalError as error:
        faults.extend(error.faults)
        # Where only the outcome is wrong, the options are tried on another, so that their faults are told as well.
        if not isinstance(fit, Fit) or outcome in fit.model.system.nodes:
            return found
        outcome = fit.model.system.nodes[0]
        try:
            contrast(fit, (), outcome=outcome, horizon=horizon, seed=seed)
        except CausalError:
            return found
    for name, interventions in named.items():
        try:
            found[name] = contrast(fit, interventions, outcome=outcome, horizon=horizon, seed=seed)
        except CausalError as error:
            faults.extend(Fault(each.what, each.where or _place(name), each.mend) for each in error.faults)
    return found


def _first_time(interventions: Iterable[Intervention], times: NDArray[Any]) -> int:
    """The place among the times of the first in which any of them acts; each bound is known to be one of the times."""
    starts: list[object] = []
    for each in interventions:
        starts.extend([time for time, _ in each.values] if isinstance(each, Path) else [each.start])
    return min(0 if start is None else time_position(start, times, "start") for start in starts)


def _undominated(expected: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Whether no other option is at least as good in both, expected benefit and cost, and better in one."""
    as_good = (expected[None, :] >= expected[:, None]) & (cost[None, :] <= cost[:, None])
    better = (expected[None, :] > expected[:, None]) | (cost[None, :] < cost[:, None])
    return ~(as_good & better).any(axis=1)


def _benefits(fit: object, ranking: object) -> Floats:
    """The benefits (draw, option) of a ranking, which must be this fit's."""
    import xarray as xr

    if not isinstance(fit, Fit):
        raise CausalError(no_such(fit, "fit of one study", "give the fit that was ranked with"))
    if not isinstance(ranking, xr.Dataset) or "effect" not in ranking or "better" not in ranking.attrs:
        raise CausalError(Fault("what is given as the ranking is none", mend="give what rank(fit, ...) returns"))
    effect = ranking["effect"].transpose("draw", "option").to_numpy()
    size = len(fit.draws("effect"))
    if len(effect) != size:
        what = f"the ranking has {len(effect)} draws and the fit has {size}"
        raise CausalError(Fault(what, mend="rank with this fit"))
    if ranking.attrs.get("fit") != _draws_of(fit):
        raise CausalError(Fault("the ranking was made with other draws than this fit's", mend="rank with this fit"))
    return effect if ranking.attrs["better"] == "higher" else -effect


def _draws_of(fit: Fit) -> str:
    """What tells this fit's draws of the effects from another's."""
    return hashlib.sha256(fit.draws("effect").tobytes()).hexdigest()[:16]


def _groups(fit: Fit, learn: object, faults: list[Fault]) -> dict[str, tuple[str, list[int]]]:
    """By name: "edge" or "node", and the columns of `effect` that are known once it is."""
    terms = fit.model.system.terms
    measured = fit.model.system.nodes
    through: dict[str, list[int]] = {node: [] for node in fit.model.graph.names}
    for column, term in enumerate(terms):
        for node in {end for road in term.roads for edge in road for end in (edge.cause, edge.effect)}:
            through[node].append(column)
    if learn is None:
        unmeasured = [node for node, columns in through.items() if columns and node not in measured]
        learn = [*(term.name for term in terms), *unmeasured]
    found: dict[str, tuple[str, list[int]]] = {}
    if not isinstance(learn, Iterable):
        faults.append(Fault(f"{learn!r} is nothing to learn", mend="name edges or nodes"))
        return found
    columns_of = {term.name: column for column, term in enumerate(terms)}
    for name in [learn] if isinstance(learn, str) else learn:
        if through.get(name):
            found[name] = ("node", through[name])
        elif name in through:
            what = f"no effect of this study's equations enters, leaves or passes through '{name}'"
            faults.append(Fault(what, mend=f"effects: {'; '.join(columns_of)}"))
        elif not isinstance(name, str) or "->" not in name:
            faults.append(Fault(f"{name!r} is no edge and no node", mend=nearest(str(name), [*columns_of, *through])))
        else:
            try:
                term = str(fit.edge(name).name)
                found[term] = ("edge", [columns_of[term]])
            except CausalError as error:
                faults.extend(error.faults)
    return found


def _evpi(values: Floats) -> float:
    return float(values.max(axis=1).mean() - values.mean(axis=0).max())


def _checked(values: object, parameters: object) -> tuple[Floats, Floats]:
    faults: list[Fault] = []
    arrays: list[Floats] = []
    for label, given in (("values", values), ("parameters", parameters)):
        try:
            array = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            array = np.full((0, 0), np.nan)
        array = array[:, None] if label == "parameters" and array.ndim == 1 else array
        arrays.append(array)
        if array.ndim != 2 or not array.shape[1]:
            faults.append(Fault(f"the {label} are no table of numbers", mend="give a row for each draw"))
        elif not np.isfinite(array).all():
            faults.append(Fault(f"the {label} are not all finite", mend="leave out the draws in which they are not"))
    if not faults and len(arrays[0]) != len(arrays[1]):
        what = f"there are {len(arrays[0])} draws of the values and {len(arrays[1])} of the parameters"
        faults.append(Fault(what, mend="give both in the same draws"))
    elif not faults and len(arrays[0]) < _FEWEST:
        faults.append(Fault(f"{len(arrays[0])} draws are too few to learn from", mend=f"take at least {_FEWEST}"))
    raise_all(faults)
    return arrays[0], arrays[1]


def _designs(known: Floats) -> Iterator[Floats]:
    """Columns (draw, column) of ever more bent curves in the standardised parameters (draw, parameter), the constant first."""
    draws, parameters = known.shape
    most = draws / _DRAWS_A_COLUMN
    one = np.ones((draws, 1))
    yield one
    yield np.hstack([one, known])
    for degree in _DEGREES:
        if math.comb(parameters + degree, degree) > most:
            break
        products = (
            known[:, factors].prod(axis=1, keepdims=True)
            for power in range(1, degree + 1)
            for factors in combinations_with_replacement(range(parameters), power)
        )
        yield np.hstack([one, *products])
    if parameters == 1:
        score = _score(known[:, 0])[:, None]
        for knots in _KNOTS:
            places = np.quantile(score, np.arange(1, knots + 1) / (knots + 1))
            if 4 + knots <= most:
                yield np.hstack([one, score, score**2, score**3, np.maximum(score - places, 0.0) ** 3])


def _score(values: Floats) -> Floats:
    """The Normal quantile at each value's share among all: of a Normal sample nearly itself, and of any other without its long tails."""
    from scipy.special import ndtri

    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return ndtri((np.cumsum(count) - count / 2) / len(values))[place]


def _regressed(design: Floats, gains: Floats) -> tuple[Floats, Floats]:
    """Least squares of gains (draw, option): the fitted values, and the sum of squared errors (option,) in draws left out of the fit."""
    length = np.linalg.norm(design, axis=0)
    orthogonal, triangle = np.linalg.qr(design / np.where(length > 0, length, 1.0))
    left, size, _ = np.linalg.svd(triangle)
    basis = orthogonal @ left[:, size > 1e-10 * size[0]]
    against = basis.T @ gains
    error = np.zeros(gains.shape[1])
    for fold in np.array_split(np.arange(len(gains)), _FOLDS):
        inside, seen = basis[fold], gains[fold]
        kept = np.eye(basis.shape[1]) - inside.T @ inside
        coefficients = np.linalg.lstsq(kept, against - inside.T @ seen, rcond=1e-10)[0]
        error += ((seen - inside @ coefficients) ** 2).sum(axis=0)
    return basis @ against, error
