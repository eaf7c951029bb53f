"""How a fitted loop moves by itself: its gain, whether and how fast it decays, where a lasting push takes it, and what would tame it.

Each draw is a linear system ``y = B0 y + B1 y[t-1] + ... + shock`` of the measured nodes, and everything here is a closed form of it, or its plain
recursion (Luetkepohl 2005, *New Introduction to Multiple Time Series Analysis*, chapter 2):

- a shift of one period answers by ``R_h = (I - B0)^-1 (B1 R_{h-1} + B2 R_{h-2} + ...)``, from ``R_0 = (I - B0)^-1``;
- a lasting shift ends at ``(I - B0 - B1 - ...)^-1``, the sum of all R_h, where the system decays;
- it decays where the radius, the largest modulus among the eigenvalues of the companion matrix, is under 1;
- a loop through nodes v by the effects b_e has the gain ``G = prod b_e / prod (1 - rho_v)``, rho_v the sum of v's effects on itself: what a lasting shift
  comes back as after one round. In a single loop that nothing else joins, the multiplier of a node on itself is ``1 / ((1 - rho_v) (1 - G))``;
- with an eigenvalue z and the vectors that ``I - sum_k b_k z^-l_k e_v e_u'`` takes to zero from the left (y) and the right (x), let
  ``c_k = b_k z^-l_k conj(y_v) x_u``. Then ``d log |z| / d log |b_k| = Re(c_k / sum_j l_j c_j)``; times their lags these add up to 1.

*Across units* all units are one system. Its eigenvalues are those of ``[B0, B1 + w C1, ...]`` over the eigenvalues w of the weights W
(`causal.equations`). Responses and multipliers are then of the mean over all units to a shift in every unit at once. Where all rows of W have one
sum, as row-normalised ones have, that is the system at w = this sum. Where a few units have no neighbours, the means that such a shift runs
through, ``1, W 1, W W 1, ...``, are followed as so many systems side by side.

*Certain decay.* Where the spectral radius of ``|B0| + |B1| + ...`` is under 1, every system decays whose effects are these times factors from -1 to 1
(Perron and Frobenius; Horn and Johnson 2013, theorem 8.1.18). `smallest_cut` asks no further about such draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.equations import Floats, Ints, System, companion, in_mode, next_response, responses
from causal.errors import CausalError, Fault, no_such, raise_all
from causal.fit import Fit, JointFit

if TYPE_CHECKING:
    import xarray as xr

MOST_LOOPS = 200
"""Loops of which gains are given; the shortest, where there are more."""
LONGEST_WAIT = 1000
"""Periods over which `time_to_90` is looked for."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_SHARE_LEFT = 1e-3
"""What the slowest mode has to have shrunk to before an accumulated response is taken to stay where it is."""
_MOST_ROUNDS = 12
"""Different means W 1, W W 1, ... that are followed for a shift in all units at once."""
_TOGETHER = 256
"""Draws whose eigenvalues are found together before asking whether a cut can still succeed."""
_GRID = 100
"""Factors on an edge are tried in steps of one over this."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """What makes the loops decay: scaling each of `edges` by `factor` (0 is a cut), and P(radius < 1) once that is done.

    `edges` are names of the terms that the study's equations carry; none, with factor 1, where nothing needs to be done.
    """

    edges: tuple[str, ...]
    factor: float
    p_decays: float


def dynamics(fit: Fit, *, horizon: int = 20) -> xr.Dataset:
    """How the fitted system moves by itself, draw by draw (chain-major order), natural units; a lognormal node counts in logs.

    What `decay` gives, and:

    - `multiplier` (draw, cause, effect): change of `effect` in the long run for each unit of a lasting shift of `cause`; NaN where the system
      explodes. `multiplier_quantile` (quantile, cause, effect) over the other draws; `multiplier_undefined`: the share of draws that are NaN.
    - `time_to_90` (draw, cause, effect): the first period, 0 being that in which a lasting shift begins, from which on the response stays within
      10 % of its long run. NaN where the multiplier is NaN or 0, and where it takes more than `LONGEST_WAIT` periods.
    - `impulse_response` (draw, cause, effect, step): as `impulse_responses` gives it.

    Effects across units count in multipliers and responses as shifts in every unit at once. Raises `CausalError` as `decay` does, for weights whose
    rows have many different sums, and for a bad horizon.
    """
    raise_all([*_fit_faults(fit), *_whole_faults("horizon", horizon, 0)])
    linear = _linear(fit)
    found = _decay(linear)
    radius = found["radius"].to_numpy()
    decays = radius < 1.0
    uniform = _uniform(linear)
    long_run = _long_run(linear, uniform, decays)
    multiplier = _natural(linear, long_run)
    no_quantile = np.full((len(QUANTILES), *multiplier.shape[1:]), np.nan)
    quantile = np.quantile(multiplier[decays], QUANTILES, axis=0) if decays.any() else no_quantile
    pair = ("draw", "cause", "effect")
    values: dict[str, tuple[tuple[str, ...], Any]] = {
        "multiplier": (pair, multiplier),
        "multiplier_quantile": (("quantile", "cause", "effect"), quantile),
        "multiplier_undefined": ((), found.attrs["p_explosive"]),
        "time_to_90": (pair, _time_to_90(linear, uniform, long_run, radius)),
        "impulse_response": ((*pair, "step"), _responses(linear, uniform, int(horizon))),
    }
    coords = {**_coords(linear, int(horizon)), "quantile": np.array(QUANTILES)}
    return _in_words(found.assign(values).assign_coords(coords))


def decay(fit: Fit) -> xr.Dataset:
    """How strongly the loops of the fitted system feed back, and whether and how fast it decays, draw by draw (chain-major order).

    - `gain`, `bare_gain` (draw, loop): the loop's long-run gain, and the product of its effects alone. A loop is a cycle of two nodes or more within
      units, each lag a loop of its own, named by its nodes and the lag of each step. `gain` is NaN where a node's own memory alone does
      not decay. At most `MOST_LOOPS` loops, the shortest; the attribute `loops` says whether these are all.
    - `elasticity` (draw, loop, term): ``d log |gain| / d log |b|``, NaN where the gain is.
    - `radius` (draw): the factor of the slowest mode from period to period, 1 or more where the system explodes. `p_explosive`, also an
      attribute: the share of such draws. `radius_elasticity` (draw, term): ``d log radius / d log |b|``, NaN where the radius is 0.
    - `half_life` (draw): periods until the slowest mode has halved; inf where the system explodes, 0 where the radius is 0.

    Effects across units count in the radius; no loop is formed of them. Raises `CausalError` for a fit of several studies and for nodes that are
    neither Normal nor lognormal.
    """
    raise_all(_fit_faults(fit))
    return _in_words(_decay(_linear(fit)))


def impulse_responses(fit: Fit, horizon: int = 20) -> xr.DataArray:
    """What a shift by one unit in one period moves, 0 .. `horizon` periods later: (draw, cause, effect, step), natural units, logs of a lognormal node.

    As ``contrast(fit, [Shift(cause, 1, start=t, stop=t)], outcome=effect)`` gives it `step` periods after t; with effects across units the mean
    over all units of a shift in each of them. Raises `CausalError` as `dynamics` does.
    """
    import xarray as xr

    raise_all([*_fit_faults(fit), *_whole_faults("horizon", horizon, 0)])
    linear = _linear(fit)
    long_name, units = _IN_WORDS["impulse_response"]
    return xr.DataArray(
        _responses(linear, _uniform(linear), int(horizon)),
        dims=("draw", "cause", "effect", "step"),
        coords=_coords(linear, int(horizon)),
        name="impulse_response",
        attrs={"long_name": long_name, "units": units},
    )


def smallest_cut(fit: Fit, *, sure: float = 0.95, most: int = 3) -> tuple[Cutting, ...]:
    """The least that has to be done to the effects for the loops to decay with probability `sure` at least.

    For each single edge the factor closest to 1, in steps of .01, at which and below which P(radius < 1) is at least `sure`; where no single
    edge will do, the smallest sets of edges, up to `most`, whose cut does. Fewest edges first, then the factor closest to 1. One
    record without edges, factor 1, where the loops decay so surely as they are; no record where no set of `most` edges will do. Only edges on some cycle
    are tried, memory and effects across units among them; edges are the study's terms, roads through unmeasured nodes included.

    Raises `CausalError` as `dynamics` does, for `sure` outside (0, 1] and for `most` that is no whole number of at least 1.
    """
    faults = [*_fit_faults(fit), *_whole_faults("most", most, 1)]
    if not isinstance(sure, (int, float, np.integer, np.floating)) or isinstance(sure, bool) or not 0.0 < sure <= 1.0:
        faults.append(Fault(f"sure is {sure!r}", mend="give a probability above 0, up to 1"))
    raise_all(faults)
    linear = _linear(fit)
    names = [term.name for term in fit.model.system.terms]
    radius = np.abs(_dominant(linear, linear.effects)[0])
    as_it_is = float((radius < 1.0).mean())
    if as_it_is >= sure:
        return (Cutting((), 1.0, as_it_is),)
    # The most explosive draws come first, so that a cut that will not do is known for one after a few of them.
    order = np.argsort(-radius, kind="stable")
    order = order[~_certain(_sizes(linear, linear.effects))[order]]
    edges = [int(k) for k in np.flatnonzero(linear.on_cycle)]
    found: list[Cutting] = []
    for edge in edges:
        below = _certain_below(linear, edge)
        factors = np.ones(len(names))
        best: Cutting | None = None
        for step in range(_GRID):
            factors[edge] = step / _GRID
            share = _share(linear, factors, order[below[order] <= factors[edge]], sure)
            if share is None:
                break
            best = Cutting((names[edge],), step / _GRID, share)
        if best is not None:
            found.append(best)
    for size in range(2, min(int(most), len(edges)) + 1):
        if found:
            break
        for chosen in combinations(edges, size):
            factors = np.ones(len(names))
            factors[list(chosen)] = 0.0
            share = _share(linear, factors, order, sure)
            if share is not None:
                found.append(Cutting(tuple(names[edge] for edge in chosen), 0.0, share))
    return tuple(sorted(found, key=lambda each: (-each.factor, -each.p_decays)))


_PAIR = "units of the effect per unit of the cause"
_IN_WORDS = {
    "gain": ("long-run gain of the loop, memory included", "1"),
    "bare_gain": ("product of the loop's effects", "1"),
    "elasticity": ("per cent that the size of the gain grows by if the effect grows by 1 %", "1"),
    "radius": ("factor of the slowest mode from period to period", "1"),
    "p_explosive": ("share of draws whose radius is 1 or more", "1"),
    "radius_elasticity": ("per cent that the radius grows by if the effect grows by 1 %", "1"),
    "half_life": ("time in which the slowest mode halves", "periods"),
    "multiplier": ("change in the long run for a lasting shift of the cause", _PAIR),
    "multiplier_quantile": ("quantiles of the multiplier over the draws that do not explode", _PAIR),
    "multiplier_undefined": ("share of draws in which there is no multiplier", "1"),
    "time_to_90": ("time from which the response to a lasting shift stays within 10 % of its long run", "periods"),
    "impulse_response": ("change so many periods after the cause was shifted for one period", _PAIR),
}
"""Of each variable its long name and units."""


@dataclass(frozen=True)
class _Linear:
    """The draws as linear systems on the standard scale. `effects` (draw, term); of each term its row, cause, lag and column in ``[B0, B1, ..., C1, ...]``.

    `across`, `on_cycle` (term): whether it comes from other units, whether it lies on any cycle. `reach` (node, node): whether the first leads to the
    second. `kept`: the places of the companion matrix that can have eigenvalues other than 0. `modes`: eigenvalues of the weights, the
    largest first; 1 without weights. `largest`: the spectral radius of the weights' sizes.
    """

    system: System
    effects: Floats
    scales: Floats
    weights: Floats | None
    row: Ints
    cause: Ints
    lag: Ints
    column: Ints
    across: NDArray[np.bool_]
    on_cycle: NDArray[np.bool_]
    reach: NDArray[np.bool_]
    kept: Ints
    modes: tuple[complex, ...]
    largest: float

    @property
    def size(self) -> int:
        """The number of nodes."""
        return len(self.system.nodes)

    def matrices(self, parts: NDArray[Any]) -> NDArray[Any]:
        """What each term contributes (draw, term), added up from cause to effect: (draw, effect, cause)."""
        place = np.zeros((len(self.row), self.size**2))
        place[np.arange(len(self.row)), self.row * self.size + self.cause] = 1.0
        return (parts @ place).reshape(-1, self.size, self.size)


def _linear(fit: Fit) -> _Linear:
    system, weights = fit.model.system, fit.model.design.weights
    size = len(system.nodes)
    row, column = system.positions()
    cause = np.array([system.nodes.index(term.cause) for term in system.terms], dtype=np.int64)
    lag = np.array([term.lag for term in system.terms], dtype=np.int64)
    leads = np.zeros((size, size), dtype=bool)
    leads[cause, row] = True
    reach = np.eye(size, dtype=bool)
    for _ in range(size):
        reach = reach | (reach @ leads)
    on_cycle = reach[row, cause]
    longest = np.array([lag[on_cycle & (cause == node)].max(initial=0) for node in range(size)])
    kept = np.flatnonzero(longest > np.arange(system.lags)[:, None])
    modes: tuple[complex, ...] = (1.0,)
    largest = 1.0
    if system.across and weights is not None:
        largest = float(np.abs(np.linalg.eigvals(np.abs(weights))).max())
        # Conjugates have the same moduli; an eigenvalue that stands several times is asked once.
        found = {complex(round(w.real, 12), abs(round(w.imag, 12))) for w in np.linalg.eigvals(weights).tolist()}
        modes = tuple(w if w.imag else w.real for w in sorted(found, key=lambda w: (-abs(w), w.real, w.imag)))
    across = np.array([term.across is not None for term in system.terms], dtype=bool)
    effects, scales = fit.draws("effect"), fit.model.design.scales
    return _Linear(
        system, effects, scales, weights, row, cause, lag, column, across, on_cycle, reach, kept, modes, largest
    )


def _placed(linear: _Linear, effects: Floats) -> Floats:
    """``[B0, B1, ..., C1, ...]`` (draw, node, column)."""
    out = np.zeros((len(effects), linear.size, linear.system.width))
    out[:, linear.row, linear.column] = effects
    return out


def _dominant(linear: _Linear, effects: Floats) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """The eigenvalue of largest modulus (draw,), and the mode of the weights that it belongs to."""
    best, at = np.zeros(len(effects), dtype=complex), np.ones(len(effects), dtype=complex)
    if not len(linear.kept):
        return best, at
    # Effects on no cycle leave the eigenvalues as they are; without them these are found exactly.
    coefficients = _placed(linear, effects * linear.on_cycle)
    for mode in linear.modes:
        here = in_mode(coefficients, linear.size, mode) if linear.system.across else coefficients
        values = np.linalg.eigvals(companion(here, linear.size)[:, linear.kept[:, None], linear.kept])
        largest = np.take_along_axis(values, np.abs(values).argmax(axis=1)[:, None], axis=1)[:, 0]
        better = np.abs(largest) > np.abs(best)
        best[better], at[better] = largest[better], mode
    return best, at


def _radius_elasticity(
    linear: _Linear, eigenvalue: NDArray[np.complex128], mode: NDArray[np.complex128]
) -> NDArray[np.float64]:
    """(draw, term), by the vectors that the system's matrix at its eigenvalue takes to zero."""
    none = eigenvalue == 0
    at = np.where(none, 1.0, eigenvalue)[:, None]
    parts = linear.effects * linear.on_cycle * np.where(linear.across, mode[:, None], 1.0) / at**linear.lag
    left, _, right = np.linalg.svd(np.eye(linear.size) - linear.matrices(parts))
    moved = parts * left[:, linear.row, -1].conj() * right[:, -1, linear.cause].conj()
    total = (moved * linear.lag).sum(axis=1, keepdims=True)
    undefined = none[:, None] | (total == 0)
    return np.where(undefined, np.nan, (moved / np.where(undefined, 1.0, total)).real)


# ---------------------------------------------------------------- loops


def _decay(linear: _Linear) -> xr.Dataset:
    import xarray as xr

    eigenvalue, mode = _dominant(linear, linear.effects)
    radius = np.abs(eigenvalue)
    decays = radius < 1.0
    with np.errstate(divide="ignore"):
        half_life = np.where(decays, np.log(0.5) / np.log(np.where(decays, radius, 0.5)), np.inf)
    loops, complete = _loops(linear)
    bare, gain, elasticity = _gains(linear, loops)
    exploding = float((~decays).mean())
    values: dict[str, tuple[tuple[str, ...], Any]] = {
        "gain": (("draw", "loop"), gain),
        "bare_gain": (("draw", "loop"), bare),
        "elasticity": (("draw", "loop", "term"), elasticity),
        "radius": (("draw",), radius),
        "p_explosive": ((), exploding),
        "radius_elasticity": (("draw", "term"), _radius_elasticity(linear, eigenvalue, mode)),
        "half_life": (("draw",), half_life),
    }
    coords = {
        "draw": np.arange(len(radius)),
        "loop": np.array([_loop_name(linear.system, loop) for loop in loops], dtype=object),
        "term": np.array([term.name for term in linear.system.terms], dtype=object),
    }
    found = xr.Dataset(values, coords=coords, attrs={"p_explosive": exploding})
    for name in ("gain", "bare_gain", "elasticity"):
        found[name].attrs["loops"] = "all" if complete else f"the {MOST_LOOPS} shortest"
    return found


def _in_words(found: xr.Dataset) -> xr.Dataset:
    for name, variable in found.data_vars.items():
        long_name, units = _IN_WORDS[str(name)]
        variable.attrs.update(long_name=long_name, units=units)
    return found


def _loops(linear: _Linear) -> tuple[list[tuple[int, ...]], bool]:
    """Simple cycles of two nodes or more within units, as terms from the alphabetically first node on, the shortest first; and whether these are all."""
    system = linear.system
    order = {node: k for k, node in enumerate(system.nodes)}
    onward: dict[str, list[int]] = {node: [] for node in system.nodes}
    for k, term in enumerate(system.terms):
        if linear.on_cycle[k] and term.across is None and term.cause != term.effect:
            onward[term.cause].append(k)
    found: list[tuple[int, ...]] = []
    walks = [(k,) for node in system.nodes for k in onward[node] if order[system.terms[k].effect] > order[node]]
    while walks and len(found) <= MOST_LOOPS:
        longer: list[tuple[int, ...]] = []
        for walk in walks:
            start, passed = system.terms[walk[0]].cause, {system.terms[k].effect for k in walk}
            for k in onward[system.terms[walk[-1]].effect]:
                reached = system.terms[k].effect
                if reached == start:
                    found.append((*walk, k))
                elif order[reached] > order[start] and reached not in passed:
                    longer.append((*walk, k))
        walks = longer
    return found[:MOST_LOOPS], len(found) <= MOST_LOOPS


def _loop_name(system: System, loop: tuple[int, ...]) -> str:
    steps = [system.terms[k] for k in loop]
    return steps[0].cause + "".join(f" -> {step.effect}" + (f" [lag={step.lag}]" if step.lag else "") for step in steps)


def _gains(linear: _Linear, loops: list[tuple[int, ...]]) -> tuple[Floats, Floats, Floats]:
    """Bare gains and gains (draw, loop), and the gains' elasticities (draw, loop, term). Around a loop the scales cancel."""
    draws, terms = linear.effects.shape
    own = (linear.row == linear.cause) & ~linear.across
    memory = np.einsum("dvv->dv", linear.matrices(linear.effects * own))
    lasts = np.ones((draws, linear.size), dtype=bool)
    for node in np.unique(linear.row[own]):
        alone = np.zeros((draws, 1, linear.system.lags + 1))
        mine = own & (linear.row == node)
        alone[:, 0, linear.lag[mine]] = linear.effects[:, mine]
        lasts[:, node] = np.abs(np.linalg.eigvals(companion(alone, 1))).max(axis=1) < 1.0
    left = np.where(lasts, 1.0 - memory, np.nan)
    bare, gain = np.empty((draws, len(loops))), np.empty((draws, len(loops)))
    elasticity = np.zeros((draws, len(loops), terms))
    for at, loop in enumerate(loops):
        steps = np.array(loop)
        through = linear.row[steps]
        bare[:, at] = linear.effects[:, steps].prod(axis=1)
        gain[:, at] = bare[:, at] / left[:, through].prod(axis=1)
        elasticity[:, at, steps] = 1.0
        remembered = np.flatnonzero(own & np.isin(linear.row, through))
        elasticity[:, at, remembered] = linear.effects[:, remembered] / left[:, linear.row[remembered]]
        elasticity[np.isnan(gain[:, at]), at] = np.nan
    return bare, gain, elasticity


# ---------------------------------------------------------------- responses


@dataclass(frozen=True)
class _Uniform:
    """The systems that a shift in every unit runs through: ``(I - B0)^-1`` and B1, B2, ... times it (draw, state, state), the mean over units first."""

    now: Floats
    past: tuple[Floats, ...]
    total: Floats


def _uniform(linear: _Linear) -> _Uniform:
    coefficients, size, lags = _placed(linear, linear.effects), linear.size, linear.system.lags
    linked = linear.weights if linear.system.across else None
    rounds = np.zeros((1, 1)) if linked is None else _rounds(linked, linear.system.across[0])
    same = np.eye(len(rounds))

    def block(lag: int) -> Floats:
        found = _beside(same, coefficients[:, :, lag * size : (lag + 1) * size])
        if lag and linked is not None:
            start = (lags + lag) * size
            found = found + _beside(rounds, coefficients[:, :, start : start + size])
        return found

    # Effects within the period form no cycle, so that their powers end: sums of them keep zeros zero.
    now = np.zeros((len(coefficients), size, size)) + np.eye(size)
    for _ in range(size - 1):
        now = np.eye(size) + coefficients[:, :, :size] @ now
    mixed = _beside(same, now)
    blocks = [block(lag) for lag in range(lags + 1)]
    return _Uniform(mixed, tuple(mixed @ each for each in blocks[1:]), np.sum(blocks, axis=0))


def _beside(outer: Floats, inner: Floats) -> Floats:
    """The Kronecker product of a matrix with each draw's."""
    size = len(outer) * inner.shape[1]
    return np.einsum("ij,dab->diajb", outer, inner).reshape(len(inner), size, size)


def _rounds(weights: Floats, name: str) -> Floats:
    """The weights on the space of ``1, W 1, W W 1, ...``, on an orthonormal basis that begins with the units' mean (Arnoldi)."""
    basis = np.full((len(weights), 1), len(weights) ** -0.5)
    while basis.shape[1] <= _MOST_ROUNDS:
        reached = weights @ basis[:, -1]
        for _ in range(2):
            reached = reached - basis @ (basis.T @ reached)
        size = float(np.linalg.norm(reached))
        if size <= 1e-9:
            return basis.T @ weights @ basis
        basis = np.column_stack([basis, reached / size])
    what = f"a shift in every unit at once has no short closed form under weights '{name}', whose rows have many different sums"
    raise CausalError(Fault(what, mend="make each unit's weights add up to 1 (row_normalised=True), or ask contrast"))


def _natural(linear: _Linear, standard: Floats) -> Floats:
    """(draw, effect, cause, ...) on the standard scale as (draw, cause, effect, ...) in natural units."""
    scale = linear.scales[None, :] / linear.scales[:, None]
    return np.swapaxes(standard, 1, 2) * scale.reshape(1, *scale.shape, *(1,) * (standard.ndim - 3))


def _long_run(linear: _Linear, uniform: _Uniform, decays: NDArray[np.bool_]) -> Floats:
    """Where a lasting shift ends (draw, effect, cause), NaN in the draws that explode."""
    size = linear.size
    out = np.full((len(decays), size, size), np.nan)
    ends = np.linalg.inv(np.eye(uniform.total.shape[1]) - uniform.total[decays])
    out[decays] = np.where(linear.reach.T, ends[:, :size, :size], 0.0)
    return out


def _responses(linear: _Linear, uniform: _Uniform, horizon: int) -> Floats:
    """Natural responses (draw, cause, effect, step)."""
    size = linear.size
    out = np.empty((len(uniform.now), size, size, horizon + 1))
    # An explosive draw may run beyond what numbers hold.
    with np.errstate(over="ignore", invalid="ignore"):
        for step, response in zip(range(horizon + 1), responses(uniform.now[:, :, :size], uniform.past), strict=False):
            out[..., step] = response[:, :size]
        return _natural(linear, out)


def _time_to_90(linear: _Linear, uniform: _Uniform, long_run: Floats, radius: Floats) -> Floats:
    """(draw, cause, effect): followed until the slowest mode is gone, after the periods that what has no mode takes, and all are within 10 %."""
    size = linear.size
    out = np.full_like(long_run, np.nan)
    running = np.flatnonzero(radius < 1.0)
    needed = np.full(len(radius), float(uniform.now.shape[1] * max(linear.system.lags, 1)))
    slow = (radius > 0.0) & (radius < 1.0)
    needed[slow] += np.log(_SHARE_LEFT) / np.log(radius[slow])
    past, recent = tuple(each[running] for each in uniform.past), [uniform.now[running][:, :, :size]]
    goal = long_run[running]
    reached = np.zeros_like(goal)
    last = np.full(goal.shape, -1.0)
    for step in range(LONGEST_WAIT + 1):
        if not len(running):
            break
        if step:
            recent = [next_response(past, recent), *recent[: max(linear.system.lags - 1, 0)]]
        reached = reached + recent[0][:, :size]
        outside = np.abs(reached - goal) > 0.1 * np.abs(goal) * (1.0 + 1e-9)
        # What is not moved in the long run is never waited for.
        outside &= goal != 0.0
        last[outside] = step
        done = (step >= needed[running]) & ~outside.any(axis=(1, 2))
        if step == LONGEST_WAIT:
            done[:] = True
            last[outside] = np.nan
        if done.any():
            out[running[done]] = last[done] + 1.0
            rest = ~done
            running, goal, reached, last = running[rest], goal[rest], reached[rest], last[rest]
            past, recent = tuple(each[rest] for each in past), [each[rest] for each in recent]
    return np.swapaxes(np.where(long_run == 0.0, np.nan, out), 1, 2)


# ---------------------------------------------------------------- cuts


def _sizes(linear: _Linear, effects: Floats) -> Floats:
    """``|B0| + |B1| + ...``, effects across units at the radius of the weights' sizes: (draw, node, node)."""
    return linear.matrices(np.abs(effects) * linear.on_cycle * np.where(linear.across, linear.largest, 1.0))


def _certain(sizes: Floats) -> NDArray[np.bool_]:
    """The draws that decay whatever the signs and however much smaller the effects; not those at the very edge, which rounding would decide."""
    return np.abs(np.linalg.eigvals(sizes)).max(axis=1) < 1.0 - 1e-9


def _certain_below(linear: _Linear, edge: int) -> Floats:
    """(draw,): the factor on one edge below which a draw decays for certain, -1 where there is none.

    The radius of the sizes reaches 1 where ``factor |b| [(I - rest)^-1]_uv = 1``.
    """
    factors = np.ones(len(linear.row))
    factors[edge] = 0.0
    rest = _sizes(linear, linear.effects * factors)
    sure = _certain(rest)
    out = np.full(len(rest), -1.0)
    around = np.linalg.inv(np.eye(linear.size) - rest[sure])[:, linear.cause[edge], linear.row[edge]]
    size = np.abs(linear.effects[sure, edge]) * (linear.largest if linear.across[edge] else 1.0)
    with np.errstate(divide="ignore"):
        out[sure] = (1.0 - 1e-9) / (size * around)
    return out


def _share(linear: _Linear, factors: Floats, open_draws: Ints, sure: float) -> float | None:
    """The share of draws that decay with `factors` (term) on the effects; None once it is known to be below `sure`. All but `open_draws` do."""
    size, exploding = len(linear.effects), 0
    for start in range(0, len(open_draws), _TOGETHER):
        effects = linear.effects[open_draws[start : start + _TOGETHER]] * factors
        exploding += int((np.abs(_dominant(linear, effects)[0]) >= 1.0).sum())
        if (size - exploding) / size < sure:
            return None
    return (size - exploding) / size


# ---------------------------------------------------------------- what is given


def _fit_faults(fit: object) -> list[Fault]:
    if isinstance(fit, JointFit):
        name = fit.model.models[0].study.name
        what = "a fit of several studies is a system for each of them"
        return [Fault(what, mend=f"ask one study's: fit.study('{name}')")]
    if not isinstance(fit, Fit):
        return [no_such(fit, "fit", "give what fit returns")]
    if fit.model.cells:
        nodes = [fit.model.system.nodes[each.node] for each in fit.model.cells]
        families = ", ".join(f"'{node}' is {fit.model.family(node)}" for node in nodes)
        what = f"the closed forms hold for Normal and lognormal nodes only: {families}"
        return [Fault(what, mend=f"contrast(fit, [Shift('{nodes[0]}', 1, start=t, stop=t)], ...) shows the response")]
    return []


def _whole_faults(label: str, number: object, least: int) -> list[Fault]:
    if isinstance(number, (int, np.integer)) and not isinstance(number, bool) and number >= least:
        return []
    return [Fault(f"{label} is {number!r}", mend=f"give a whole number, {least} or above")]


def _coords(linear: _Linear, horizon: int) -> dict[str, Any]:
    nodes = list(linear.system.nodes)
    return {"draw": np.arange(len(linear.effects)), "cause": nodes, "effect": nodes, "step": np.arange(horizon + 1)}
