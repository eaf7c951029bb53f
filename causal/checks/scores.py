"""Scores of links that the fitted equations leave out, and how large they are where there is no such link.

A link that a graph denies is a coefficient that its equations hold at zero. Whether the data pull at it is said by the slope of the likelihood there,
the score (Rao 1948), less what the effects that *are* estimated take of it, so that any estimate near the maximum serves (C(alpha), Neyman 1959).
With the columns ``X = [y, y[t-1], ...]``, their swept cross-products ``S``, the residuals ``A X``, the precision K of the shocks and the orthogonal
term b of `causal.equations`, the score of every coefficient at once is

    K A S + gradient of b,    with the information  K[v, w] S[j, k]  between those of (v, j) and (w, k).

Without the gradient of b each score of a lagged node would be off by what sweeping out the unit effects does (Nickell 1981). Nothing is fitted anew.

Few periods leave the standardised scores wider or narrower than a standard Normal. So they are compared with those of *replicates*: the same
equations, unit and year effects, first periods and causes without an equation, with the residuals' signs drawn anew (a wild bootstrap, Wu 1986), for
each connected piece of nodes whose shocks may correlate by itself. The largest of all scores is compared with the largest of these, which keeps the
share of false alarms for any number of scores together, however they hang together.

*What a hidden cause leaves.* An unmeasured u of unit variance and memory m that adds ``r_v u[t - d_v]`` to node v makes the residuals go with what the
past left of it: ``cov(r_v u[t - d_v], y_j[t - l]) = r_v sum over h, k of R_h[j, k] r_k m^abs(l + h + d_k - d_v)``, with the impulse responses R of the
equations (`causal.dynamics`). Sweeping out unit means takes ``sum over s of c_s (m^abs(x + s) + m^abs(x - s)) / freedom`` of each ``m^abs(x)``, with the
c_s of `causal.equations`. To the order of r squared the scores' expectations are these times the precision and the freedom, less what the estimated
effects take up at the maximum of the corrected likelihood. Of two nodes' shocks it is ``r_v r_w m^abs(d_v - d_w)``, in their sds and times the root
of the freedom. `traces` gives them, so that scores can be asked for that direction and not for every one. Year effects are left out of it, and what
effects within a period take up of two nodes' shocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from causal.cells import linear_rows
from causal.checks.result import CheckResult
from causal.equations import Floats, Ints, Sweep, cross_products, responses, stacked, sweep_out, swept
from causal.fit import Fit
from causal.orthogonal import correction, curvature

LEVEL = 0.01
"""The share of fits in which the largest score fails a check though every link that it looks for is absent."""
_REPLICATES = 399
_FEWER, _CELLS = 99, 40_000
"""A panel of more cells than this is compared with fewer replicates."""
_MOST_CELLS = 4_000_000
"""A panel of more cells is not compared with any: it would take minutes."""
_AT_ONCE = 20_000_000
"""Numbers in the replicates that are held at a time."""
_FILLINGS = 20
"""Draws of the missing values over which an observed score is averaged."""
_PERIODS = 50
"""A hidden cause's traces are followed over so many periods at most."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that the equations lack: `cause`, `lag` periods ago (a lead where negative), in the equation of `effect`.

    With `shared` it is a correlation of the two nodes' shocks of one period instead.
    """

    cause: str
    effect: str
    lag: int
    shared: bool = False


@dataclass(frozen=True)
class Scores:
    """Standardised scores (link,) of `links`, the probability of one as large as the largest, and which are `beyond` what chance does.

    The probability is not a number where the data are too few for scores to have a spread. `drawn` (replicate, link) are the replicates' scores; both
    are divided by these' `spread` (link,).
    """

    links: tuple[Link, ...]
    values: Floats
    probability: float
    beyond: tuple[Link, ...]
    drawn: Floats
    spread: Floats

    def together(self, chosen: Sequence[Link], traces: Floats | None = None) -> float:
        """The share, among replicates and data, of scores of the `chosen` links that lie as far out together as the data's.

        How far is told by ``z' C^-1 z``: many links that are each a little off are seen so, which the largest one does not show. C is the covariance of the
        replicates' scores and the data's own: with the replicates' alone these would lie inside and the data's outside, and right graphs would be refuted too
        often. With `traces` (trace, link), columns in the order of `links`, it is told in a second way too: by the largest of ``d' C^-1 z / sqrt(d' C^-1 d)``
        over the traces d, which has more power against what leaves them. The smaller of the two shares is judged among those of all replicates.
        """
        at = [self.links.index(link) for link in chosen]
        every = np.vstack([self.values[at], self.drawn[:, at]])
        every = every - every.mean(axis=0)
        inverse = np.linalg.pinv(np.atleast_2d(np.cov(every, rowvar=False)), rcond=1e-10, hermitian=True)
        shares = _as_far(np.einsum("wi,ij,wj->w", every, inverse, every))
        if traces is not None:
            toward = traces[:, at] / self.spread[at]
            length = np.einsum("di,ij,dj->d", toward, inverse, toward)
            seen = length > 1e-12 * length.max(initial=1e-300)
            if seen.any():
                along = every @ inverse @ toward[seen].T / np.sqrt(length[seen])
                second = _as_far(along.max(axis=1))
                # Few replicates tie at the smallest share: the other way decides between them.
                shares = np.minimum(shares, second) + 1e-6 * np.maximum(shares, second)
        return float((shares <= shares[0] * (1.0 + 1e-12)).mean())


def _as_far(values: Floats) -> Floats:
    """For each value the share of all that are as large."""
    smaller = np.searchsorted(np.sort(values), values - 1e-12 * np.abs(values))
    return 1.0 - smaller / len(values)


@dataclass(frozen=True, slots=True)
class Hidden:
    """An unmeasured cause of unit variance and this `memory`: what it adds to each node of `reach`, in sds of the node's shock, `late` so many periods.

    The shock of a node without an equation is what varies of it within units.
    """

    reach: Mapping[str, float]
    late: Mapping[str, int]
    memory: float


@dataclass(frozen=True)
class _Frame:
    """What a score needs: columns ``[y, ..., y[t-deepest], y[t+1]]`` where `leads`; ``[B0, B1, ...]`` in that width, the spans in use.

    `rows`: nodes with an equation. `blocks` (row, row): whose shocks may correlate. `terms`, `asked`: (2, k) row of `rows` and column;
    `pairs` (2, k) of `rows`. `pull`: the gradient of b.
    """

    matrix: Floats
    sweep: Sweep
    deepest: int
    leads: bool
    rows: Ints
    blocks: NDArray[np.bool_]
    terms: Ints
    asked: Ints
    pairs: Ints
    pull: Floats


def told(fit: Fit) -> str:
    """Why nothing can be said of links that a fit's equations lack; empty where something can."""
    model = fit.model
    if model.design.crossed is not None:
        return "the rows stay in their data engine"
    if model.design.weights is not None:
        return "effects across units are not made for it"
    if not equations(fit):
        return "no Normal node has a cause"
    sweep, system = model.design.sweep, model.system
    if (sweep.stop - sweep.first).max() < 4:
        return "fewer than four periods are left beside the lags"
    if len(sweep.first) < (3 if sweep.year_effects else 2):
        return "too few units"
    if model.design.standard.size > _MOST_CELLS:
        return "so many rows would take too long"
    # A lag more and a lead take a period each of every unit.
    left = sweep.freedom - 2 * len(sweep.first)
    longest = max(sum(term.effect == node for term in system.terms) for node in system.nodes)
    if left < longest + 2 * len(system.nodes) + 2:
        return "too little is left of the data beside unit and year effects"
    return ""


def equations(fit: Fit) -> list[str]:
    """The nodes with a Normal equation that holds a cause: those that are conditioned on have none."""
    model = fit.model
    caused = {term.effect for term in model.system.terms}
    return [node for node in model.linear_nodes if node in caused]


def scores(fit: Fit, links: tuple[Link, ...], *, seed: int = 20_261_128) -> Scores:
    """The scores of links that the equations of `fit` lack, at its posterior mean, those of shared shocks last. `links` end in nodes of `equations`."""
    links = tuple(sorted(links, key=lambda link: link.shared))
    frame = _frame(fit, links)
    fillings = _fillings(fit)
    found = np.mean([_standardised(frame, values) for values in fillings], axis=0)
    middle = np.mean(fillings, axis=0)
    drawn = np.concatenate([_standardised(frame, values) for values in _replicates(fit, frame, middle, seed)])
    centre, spread = drawn.mean(axis=0), drawn.std(axis=0)
    found, drawn = (found - centre) / spread, (drawn - centre) / spread
    largest = np.abs(drawn).max(axis=1)
    probability = float((1.0 + (largest >= np.abs(found).max()).sum()) / (1.0 + len(largest)))
    if not np.isfinite(found).all() or not np.isfinite(largest).all():
        probability = math.nan
    beyond = np.abs(found) >= min(np.quantile(largest, 1.0 - LEVEL), np.abs(found).max())
    failed = probability <= LEVEL
    return Scores(
        links,
        found,
        probability,
        tuple(link for link, far in zip(links, beyond, strict=True) if far and failed),
        drawn,
        spread,
    )


def asked(
    name: str, fit: Fit, links_of: Callable[[Fit], tuple[Link, ...]], silent: str, none: str
) -> Scores | CheckResult:
    """The scores of the links that a check asks for, or its answer that nothing can be said: `silent`, and why; `none` where there are no links."""
    why = told(fit)
    links = () if why else links_of(fit)
    if not links:
        return CheckResult(name, None, f"{silent}: {why or none}.", {"tested": 0.0})
    found = scores(fit, links)
    if math.isnan(found.probability):
        sentence = "Too few data: what chance does to them has no spread."
        return CheckResult(name, None, sentence, {"tested": float(len(links))})
    return found


def plain_scores(fit: Fit, links: tuple[Link, ...], values: Floats) -> Floats:
    """The scores (link,) of `values` (node, unit, time) as they stand, roughly standard Normal where there is no link.

    For comparing graphs, not for judging one.
    """
    links = tuple(sorted(links, key=lambda link: link.shared))
    return _standardised(_frame(fit, links), values)


def traces(fit: Fit, links: tuple[Link, ...], causes: Sequence[Hidden]) -> Floats:
    """What each hidden cause would leave in the scores of `links`: (cause, link), links of shared shocks last, as `plain_scores` has them.

    Raises ValueError for links that are leads, of which nothing is told here.
    """
    if any(link.lag < 0 for link in links):
        raise ValueError("a hidden cause's traces in leads are not told")
    frame = _frame(fit, tuple(sorted(links, key=lambda link: link.shared)))
    nodes, freedom, fade = fit.model.system.nodes, frame.sweep.freedom, frame.sweep.weights
    size = len(nodes)
    products = cross_products(stacked(np.mean(_fillings(fit), axis=0), frame.deepest), frame.sweep)
    residual = np.eye(*frame.matrix.shape) - frame.matrix
    covariance = residual @ products @ residual.T / freedom
    shock = np.sqrt(np.diagonal(covariance))
    precision = np.linalg.inv(np.where(frame.blocks, covariance[np.ix_(frame.rows, frame.rows)], 0.0))
    row, column = np.concatenate([frame.terms, frame.asked], axis=1)
    bent = curvature(frame.matrix, fade, frame.rows[row], column, frame.terms.shape[1])
    periods = min(len(fade) + 1, _PERIODS)
    now = np.linalg.inv(np.eye(size) - frame.matrix[:, :size])
    blocks = [now @ frame.matrix[:, lag * size : (lag + 1) * size] for lag in range(1, frame.deepest + 1)]
    answers = np.array(list(islice(responses(now, blocks), periods)))
    joined = np.zeros((size, size), dtype=bool)
    joined[np.ix_(frame.rows, frame.rows)] = frame.blocks
    # What comes in one period is in the covariance of shocks that may correlate, which the fit has taken with what sweeping does to it.
    at_once = np.zeros(periods + frame.deepest)
    at_once[0], at_once[1 : len(fade) + 1] = 1.0, -fade[: len(at_once) - 1] / freedom
    left, right = frame.rows[frame.pairs]
    found: list[Floats] = []
    for cause in causes:
        reach = shock * [cause.reach.get(node, 0.0) for node in nodes]
        late = np.array([cause.late.get(node, 0) for node in nodes])
        gap = late[:, None] - late
        past = _kept(cause.memory, np.arange(periods + frame.deepest)[:, None, None] + gap, frame.sweep)
        past -= at_once[:, None, None] * joined * cause.memory ** np.abs(gap)
        moved = [
            np.einsum("hjk,k,hkv,v->vj", answers, reach, past[lag : lag + periods], reach)
            for lag in range(frame.deepest + 1)
        ]
        slope = precision @ np.concatenate(moved, axis=1)[frame.rows] * freedom
        together = reach[left] * reach[right] / (shock[left] * shock[right])
        together *= _kept(cause.memory, gap[left, right], frame.sweep) * freedom**0.5
        found.append(np.concatenate([_effective(frame, slope, precision, products, bent), together]))
    return np.array(found).reshape(len(causes), len(links))


def _kept(memory: float, since: Ints, sweep: Sweep) -> Floats:
    """What is left of a hidden cause after so many periods, less what sweeping out the units' means takes of it."""
    steps = np.arange(1, len(sweep.weights) + 1)
    around = memory ** np.abs(since[..., None] + steps) + memory ** np.abs(since[..., None] - steps)
    return memory ** np.abs(since) - around @ sweep.weights / sweep.freedom


def _fillings(fit: Fit) -> list[Floats]:
    """The panel (node, unit, time) with some draws of what is missing in it."""
    design = fit.model.design
    if "missing" not in fit.posterior:
        return [design.filled]
    missing = fit.draws("missing")
    found: list[Floats] = []
    for draw in missing[:: max(len(missing) // _FILLINGS, 1)]:
        values = design.filled
        values[tuple(design.holes)] = draw
        found.append(values)
    return found


def _frame(fit: Fit, links: tuple[Link, ...]) -> _Frame:
    model = fit.model
    system, sweep = model.system, model.design.sweep
    size = len(system.nodes)
    deepest = max(system.lags, *(link.lag for link in links))
    leads = any(link.lag < 0 for link in links)
    matrix = np.zeros((size, size * (deepest + 1 + leads)))
    rows, columns = system.positions()
    matrix[rows, columns] = fit.draws("effect").mean(axis=0)
    for each in model.cells:
        matrix[each.node] = 0.0
        matrix[each.node, : len(each.linear)] = each.linear
    at = {node: k for k, node in enumerate(equations(fit))}
    nodes = np.array([system.nodes.index(node) for node in at], dtype=np.int64)
    blocks = np.eye(len(at), dtype=bool)
    linear = linear_rows(system, model.cells)
    for left, right in system.correlated:
        if left in at and right in at and linear[system.nodes.index(left)]:
            blocks[at[left], at[right]] = blocks[at[right], at[left]] = True
    for _ in at:  # connected pieces: loadings let a piece correlate as a whole
        blocks = blocks @ blocks
    held = [k for k, row in enumerate(rows) if system.nodes[row] in at]

    def column(link: Link) -> int:
        block = deepest + 1 if link.lag < 0 else link.lag
        return block * size + system.nodes.index(link.cause)

    shorter = sweep_out(sweep.first + deepest - system.lags, sweep.stop - leads, year_effects=sweep.year_effects)
    pull = np.zeros((len(at), matrix.shape[1]))
    own = size * (deepest + 1)
    pull[:, :own] = correction(np.ascontiguousarray(matrix[:, :own]), shorter.weights)[1][nodes]
    return _Frame(
        matrix,
        shorter,
        deepest,
        leads,
        nodes,
        blocks,
        np.array([[at[system.nodes[rows[k]]] for k in held], [columns[k] for k in held]], dtype=np.int64).reshape(
            2, -1
        ),
        np.array([(at[link.effect], column(link)) for link in links if not link.shared], dtype=np.int64)
        .reshape(-1, 2)
        .T,
        np.array([(at[link.cause], at[link.effect]) for link in links if link.shared], dtype=np.int64).reshape(-1, 2).T,
        pull,
    )


def _standardised(frame: _Frame, values: Floats) -> Floats:
    """The scores (..., link) of panels (..., node, unit, time): of links first, of pairs of shocks behind them."""
    columns = stacked(values, frame.deepest)
    if frame.leads:
        ahead = np.zeros((*columns.shape[:-1], values.shape[-3]))
        ahead[..., :-1, :] = np.moveaxis(values[..., 1:], -3, -1)
        columns = np.concatenate([columns, ahead], axis=-1)
    products = cross_products(columns, frame.sweep)
    residual = (np.eye(*frame.matrix.shape) - frame.matrix)[frame.rows]
    covariance = residual @ products @ residual.T / frame.sweep.freedom
    precision = np.linalg.inv(np.where(frame.blocks, covariance, 0.0))
    slope = precision @ residual @ products + frame.pull
    scale = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    correlation = covariance / (scale[..., :, None] * scale[..., None, :])
    pairs = correlation[..., *frame.pairs] * frame.sweep.freedom**0.5
    return np.concatenate([_effective(frame, slope, precision, products), pairs], axis=-1)


def _effective(frame: _Frame, slope: Floats, precision: Floats, products: Floats, bent: Floats | None = None) -> Floats:
    """The standardised scores (..., link) of links, of pairs none, from the likelihood's slopes (..., row, column), less what the estimated effects take.

    With `bent` (term, term and link), the curvature of b, these take what they do at the maximum of the corrected likelihood.
    """
    row, column = np.concatenate([frame.terms, frame.asked], axis=1)
    information = precision[..., row[:, None], row] * products[..., column[:, None], column]
    held = frame.terms.shape[1]
    across = information[..., :held, held:]
    taken = np.linalg.solve(information[..., :held, :held], across)
    own = np.diagonal(information, axis1=-2, axis2=-1)[..., held:]
    spread = own - np.einsum("...nc,...nc->...c", taken, across)
    if bent is not None:
        curved = information[..., :held, :] - bent
        taken = np.linalg.solve(curved[..., :held], curved[..., held:])
    score = slope[..., *frame.asked] - np.einsum("...nc,...n->...c", taken, slope[..., *frame.terms])
    return score / np.sqrt(np.maximum(spread, 1e-12))


def _replicates(fit: Fit, frame: _Frame, values: Floats, seed: int) -> Iterator[Floats]:
    """Panels (world, node, unit, time), some at a time, that follow the equations, with the units, periods and holes of `values`."""
    system, sweep = fit.model.system, fit.model.design.sweep
    lags = system.lags
    size, units, times = values.shape
    matrix = frame.matrix[frame.rows, : size * (lags + 1)]
    columns = stacked(values, lags)
    level = (
        columns @ (np.eye(size, columns.shape[2])[frame.rows] - matrix).T
    )  # unit and year effect and shock: (unit, time, row)
    shock = np.moveaxis(swept(np.moveaxis(level, 2, 0), sweep), 0, 2)
    cells = float((sweep.stop - sweep.first).sum())
    level -= shock
    shock *= (cells / sweep.freedom) ** 0.5
    piece = np.argmax(frame.blocks, axis=1)
    time = np.arange(times)
    used = (time >= sweep.first[:, None]) & (time < sweep.stop[:, None])
    now = matrix[:, :size]
    place = fit.model.graph.order
    order = sorted(range(len(frame.rows)), key=lambda k: place.index(system.nodes[frame.rows[k]]))
    generator = np.random.default_rng(seed)
    count = _REPLICATES if values.size <= _CELLS else _FEWER
    at_once = max(1, min(count, _AT_ONCE // (values.size + level.size)))
    for start in range(0, count, at_once):
        shape = (min(at_once, count - start), units, times, len(frame.rows))
        drawn = level + generator.choice((-1.0, 1.0), size=shape)[..., piece] * shock
        worlds = np.repeat(values[None], shape[0], axis=0)
        for t in range(lags, times):
            told = np.moveaxis(drawn[:, :, t], 2, 1)
            if lags:
                past = np.concatenate([worlds[..., t - lag] for lag in range(1, lags + 1)], axis=1)
                told = told + matrix[:, size:] @ past
            for k in order:
                value = told[:, k] + np.einsum("v,wvi->wi", now[k], worlds[..., t])
                worlds[:, frame.rows[k], :, t] = np.where(used[:, t], value, worlds[:, frame.rows[k], :, t])
        yield worlds
