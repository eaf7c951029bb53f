"""What stands between a value and the truth: yearly noise of measurement, and several indicators of one node.

A value y with a standard error s is the truth plus a part that stays, which the unit's effect takes up, plus yearly noise,

    y[i, t] = x[i, t] + c s[i, t] e[i, t],    e ~ Normal(0, 1),    c ~ Uniform(low, high),

where the share c goes as far as second differences allow (`causal.measurement.yearly_limit`). The truth x enters the equations of the node and
of its children, and is a parameter cell by cell. Of a proxy, s is the column's sd within units, and c lies where the stated reliability puts it.

What is sampled is not e, which moves with c wherever the data tell noise from truth, but what is left of it after a guess that a value's
neighbours in time make: with r by how much y lies over their mean and V the variance of r, least squares guess ``c s r / V`` of e,

    e = c s r / V + sqrt(1 - c^2 s^2 / V) f.

Any r and V give the same posterior; with these the share of a short panel has two to ten times the effective draws.

Of several indicators the first gives the scale, with noise as above of which nothing is known beforehand. Indicator k follows the node with a
loading of its own, above 0 since its direction is stated: ``y_k[i, t] = level of the unit + year + loading_k x[i, t] + sd_k e``. Unit and year
levels of each indicator are integrated out, as they are of the equations: a change of method in one of them that meets all units at once says nothing.

A unit's first values, on which its equations are conditional, have no equation that tells noise from truth. Left flat, they would explain too little
of the next period; their truth is drawn around the unit's mean with the spread that values have within units, as a missing first value's is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.equations import Floats, Ints
from causal.errors import Fault, raise_all
from causal.measurement import Measure, error_on_scale, indicators, within_unit_sd, yearly_limit
from causal.panel import Panel, columns_of


@dataclass(frozen=True)
class Indicator:
    """A further column of a node that has loadings: `values` (cell) over its within-unit sd, at the node's `unit`, `time` (cell).

    `basis` (cell, column): orthonormal, spans what the units' and the years' levels take up.
    """

    name: str
    node: int
    values: Floats
    unit: Ints
    time: Ints
    basis: Floats

    @property
    def freedom(self) -> int:
        """The cells less what the levels take up."""
        return len(self.values) - self.basis.shape[1]


@dataclass(frozen=True)
class Noise:
    """The noisy values of a study's nodes.

    `nodes`: places of the noisy nodes in the system, and `low`, `high` (noisy node) of their shares. `cells` (3, cell): node, unit and time of
    each noisy value in use, `of` (cell) its place in `nodes`, `sd` (cell) the sd of its noise at a share of 1, on the standard scale. `first`: which cells
    stand in no outcome period, with `from_mean`, by how much they lie over their unit's mean. `guess`, `known` (cell): r / V and 1 / V of
    the module's docstring.
    """

    nodes: tuple[int, ...]
    low: Floats
    high: Floats
    cells: Ints
    of: Ints
    sd: Floats
    first: Ints
    from_mean: Floats
    guess: Floats
    known: Floats
    indicators: tuple[Indicator, ...]

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which noisy nodes have a share to estimate."""
        return self.high > self.low

    @property
    def structure(self) -> tuple[object, ...]:
        """What shapes the compiled form."""
        return (
            self.cells.shape[1],
            tuple(self.of.tolist()),
            tuple(self.first.tolist()),
            tuple(self.free.tolist()),
            *((each.node, each.freedom, each.basis.shape) for each in self.indicators),
        )


def noise_of(
    panel: Panel,
    measures: Sequence[Measure],
    families: Sequence[str],
    standard: Floats,
    scales: Floats,
    units: Ints,
    in_use: NDArray[np.bool_],
    first: Ints,
    *,
    nodes: Sequence[str],
    year_effects: bool,
    where: str,
    notes: list[str],
) -> Noise | None:
    """The noise of the nodes whose measures have some, or None.

    `measures`, `families`, `scales`, `nodes` by node; `standard` and `in_use` (node, unit, time) of the panel's rows `units` that are in the
    fit; `first` (unit) outcome periods. Raises `CausalError` where the values are too smooth for the noise that is stated.
    """
    groups: list[tuple[int, float, float, Floats]] = []
    found: list[Indicator] = []
    faults: list[Fault] = []
    for k, measure in enumerate(measures):
        if not measure.noisy:
            continue
        errors = _errors(panel, measure, families[k] == "lognormal")[units] / (
            scales[k] if measure.error is not None else 1.0
        )
        seen = in_use[k] & ~np.isnan(standard[k])
        limit = yearly_limit(
            np.where(seen, standard[k], np.nan), np.where(seen, errors, np.nan), year_effects=year_effects
        )
        low, high = 0.0, limit
        if measure.yearly is not None:
            low = high = float(measure.yearly)
        elif measure.reliability is not None:
            low, high = (float(np.sqrt(1.0 - share)) for share in reversed(measure.reliability))
        if low > limit:
            says = "reliability" if measure.reliability is not None else "yearly share"
            least = f"{1.0 - limit**2:.2f} or more" if measure.reliability is not None else f"{limit:.2f} at most"
            what = f"'{nodes[k]}' moves too smoothly for that much yearly noise: second differences allow a {says} of {least}"
            faults.append(Fault(what, where, "state less yearly noise, or leave it to be estimated"))
        high = max(low, min(high, limit))
        errors = np.where(seen, errors, 0.0)
        groups.append((k, low, high, errors))
        notes.append(_note(nodes[k], measure, int((errors > 0).sum()), int((seen & (errors == 0)).sum()), low, high))
        if measure.loadings:
            columns = indicators(measure, columns_of(panel, measure))[1:]
            for name, column in zip(measure.columns[1:], columns, strict=True):
                found.append(_indicator(name, k, column[units], in_use[k], year_effects))
    raise_all(faults)
    if not groups:
        return None
    places = [np.argwhere(errors > 0.0) for _, _, _, errors in groups]
    node, unit, time = cells = np.concatenate(
        [np.column_stack([np.full(len(at), group[0]), at]) for group, at in zip(groups, places, strict=True)]
    ).T.astype(np.int64)
    early = np.flatnonzero(time < first[unit])
    means = np.nanmean(np.where(in_use, standard, np.nan), axis=2)
    of = np.repeat(np.arange(len(groups)), [len(at) for at in places])
    sd = np.concatenate([group[3][at[:, 0], at[:, 1]] for group, at in zip(groups, places, strict=True)])
    high = np.array([high for _, _, high, _ in groups])
    return Noise(
        tuple(k for k, _, _, _ in groups),
        np.array([low for _, low, _, _ in groups]),
        high,
        cells,
        of,
        sd,
        early,
        (standard[tuple(cells)] - means[node, unit])[early],
        *_guess(cells, standard, in_use, sd, high[of], year_effects),
        tuple(found),
    )


def noise_numbers(noise: Noise) -> dict[str, Floats]:
    """The small arrays of the noise that a model's data hold."""
    return {"noise_low": noise.low, "noise_width": noise.high - noise.low}


def noise_arrays(noise: Noise) -> dict[str, NDArray[Any]]:
    """The large arrays of the noise that a model's data hold."""
    arrays: dict[str, NDArray[Any]] = {
        "noise_sd": noise.sd,
        "noise_from_mean": noise.from_mean,
        "noise_guess": noise.guess,
        "noise_known": noise.known,
    }
    for k, each in enumerate(noise.indicators):
        arrays |= {
            f"indicator_{k}_values": each.values,
            f"indicator_{k}_unit": each.unit,
            f"indicator_{k}_time": each.time,
            f"indicator_{k}_basis": each.basis,
        }
    return arrays


def add_noise(noise: Noise, data: Mapping[str, Any], mark: str) -> Any:
    """Add the noise to the `pm.Model` in whose context it is called: what each noisy value (cell) is moved by to become the truth."""
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    drawn = pm.Flat(f"noise{mark}", shape=noise.cells.shape[1])
    share = data["noise_low"]
    free = np.flatnonzero(noise.free)
    if len(free):
        within = pm.Uniform(f"noise_share{mark}", 0.0, 1.0, shape=len(free))
        share = share + data["noise_width"] * (within @ np.eye(len(noise.nodes))[free])
    spread = share[noise.of] * data["noise_sd"]
    left = 1.0 - spread**2 * data["noise_known"]
    standard = spread * data["noise_guess"] + pt.sqrt(left) * drawn
    pm.Potential(f"noise_density{mark}", pt.sum(pt.log(left) - standard**2) / 2.0)
    moved = -spread * standard
    if len(noise.first):
        pm.Potential(f"first_truths{mark}", -pt.sum((data["noise_from_mean"] + moved[noise.first]) ** 2) / 2.0)
    return moved


def add_indicators(noise: Noise, values: Any, data: Mapping[str, Any], mark: str) -> None:
    """Add what the further indicators say of the truth `values` (node, unit, time) to the `pm.Model` in whose context it is called."""
    import pymc as pm
    import pytensor.tensor as tensor

    pt: Any = tensor
    size = len(noise.indicators)
    loading = pm.HalfNormal(f"loading{mark}", 1.0, shape=size)
    spread = pm.HalfNormal(f"indicator_sd{mark}", 1.0, shape=size)
    for k, each in enumerate(noise.indicators):
        own = {name: data[f"indicator_{k}_{name}"] for name in ("values", "unit", "time", "basis")}
        left = own["values"] - loading[k] * values[each.node, own["unit"], own["time"]]
        squares = pt.sum(left**2) - pt.sum((left @ own["basis"]) ** 2)
        pm.Potential(
            f"indicator_{each.name}{mark}", -each.freedom * pt.log(spread[k]) - squares / (2.0 * spread[k] ** 2)
        )


def noise_draws(noise: Noise, drawn: Mapping[Any, Any], mark: str) -> tuple[Floats, Floats]:
    """From the sampler's variables the shares (chain, draw, noisy node), and what each noisy value is moved by (chain, draw, cell)."""
    left = np.asarray(drawn[f"noise{mark}"])
    share = np.tile(noise.low, (*left.shape[:2], 1))
    if noise.free.any():
        share[..., noise.free] += (noise.high - noise.low)[noise.free] * np.asarray(drawn[f"noise_share{mark}"])
    spread = share[..., noise.of] * noise.sd
    return share, -spread * (spread * noise.guess + np.sqrt(1.0 - spread**2 * noise.known) * left)


def _errors(panel: Panel, measure: Measure, logarithm: bool) -> Floats:
    """Standard errors (unit, time) on the scale of the node's values; of a proxy and of indicators, within-unit sds of the column."""
    columns = columns_of(panel, measure)
    first = columns[measure.columns[0]]
    if measure.error is None:
        return np.ones_like(first)
    errors = panel.data[measure.error].values if isinstance(measure.error, str) else np.full_like(first, measure.error)
    return error_on_scale(Measure(measure.columns[0], transform="log") if logarithm else measure, errors, first)


def _indicator(name: str, node: int, column: Floats, in_use: NDArray[np.bool_], year_effects: bool) -> Indicator:
    seen = in_use & ~np.isnan(column)
    values = np.where(seen, column, np.nan)
    unit, time = np.nonzero(seen)
    dummies = [unit[:, None] == np.arange(column.shape[0])]
    if year_effects:
        dummies.append(time[:, None] == np.arange(column.shape[1]))
    vectors, sizes, _ = np.linalg.svd(np.concatenate(dummies, axis=1).astype(float), full_matrices=False)
    return Indicator(
        name,
        node,
        (values[seen] - values[seen].mean()) / within_unit_sd(values),
        unit.astype(np.int64),
        time.astype(np.int64),
        vectors[:, sizes > 1e-9 * sizes[0]],
    )


def _guess(
    cells: Ints, standard: Floats, in_use: NDArray[np.bool_], sd: Floats, high: Floats, year_effects: bool
) -> tuple[Floats, Floats]:
    """`guess` and `known` of `Noise` from how far each value lies over the mean of the values before and after it."""
    values = np.where(in_use, standard, np.nan)
    if year_effects:
        counts = np.maximum((~np.isnan(values)).sum(axis=1, keepdims=True), 1)
        values = values - np.nansum(values, axis=1, keepdims=True) / counts
    beside = np.full((2, *values.shape), np.nan)
    beside[0, :, :, 1:], beside[1, :, :, :-1] = values[:, :, :-1], values[:, :, 1:]
    count = (~np.isnan(beside)).sum(axis=0)
    over = values - np.nansum(beside, axis=0) / np.maximum(count, 1)
    node = cells[0]
    guess, known = np.zeros(len(node)), np.zeros(len(node))
    for v in np.unique(node):
        for neighbours in (1, 2):
            alike = (count[v] == neighbours) & ~np.isnan(over[v])
            chosen = (node == v) & alike[cells[1], cells[2]]
            if not chosen.any():
                continue
            # The neighbours' noise alone makes up a third of the variance, or a half: what is stated of one cell must stay below it.
            variance = np.maximum(float(np.mean(over[v][alike] ** 2)), 1.2 * (high * sd)[chosen] ** 2)
            known[chosen] = 1.0 / variance
            guess[chosen] = over[tuple(cells[:, chosen])] / variance
    return guess, known


def _note(node: str, measure: Measure, noisy: int, exact: int, low: float, high: float) -> str:
    of = "their standard error" if measure.error is not None else "the column's sd within units"
    share = f"{low:.2f} of {of}" if low == high else f"between {low:.2f} and {high:.2f} of {of}"
    text = f"{node}: {noisy} values carry yearly noise with an sd of {share}"
    if measure.error is not None and measure.yearly is None:
        text += ", as far as their second differences allow; the rest of the error stays with the unit, whose effect takes it up"
    return text + (f"; {exact} values with a standard error of 0 are taken as exact" if exact else "")
