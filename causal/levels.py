"""What a node's equation gives apart from its causes: unit effect, year effect and shock, draw by draw.

Unit and year effects of Normal nodes are no parameters: they are drawn from their exact conditional distribution given each draw's effects and
shocks. After the panel's last year, year effects are at their average of zero, or where they are asked for drawn as those of *new years* (below). A node
that is not Normal has its levels among the draws, and its chance as a quantile. Each node has a generator of its own, so that what is asked of one node
leaves the chance of every other as it was.

A *new unit* of the same kind is drawn from the distribution that the panel's units show: its unit effects and starting values together are
``mean + sum over units of w_i (x_i - mean)`` with ``w_i ~ Normal(0, (1 + 1/N) / (N - 1))``, a Normal with the units' own mean and covariance and the
uncertainty of that mean. Of the spread of a Normal node's unit effects first that part is taken away which is no difference between units: each is known
from T periods only, and drawn with as much uncertainty again, 2 sd^2 / T in all.

A *new year's* effects are drawn likewise, from how the panel's T years differ, all nodes together: ``sum over years of w_t g_t`` with
``w_t ~ Normal(0, (1 + 1/T) / (T - 1))``, times ``sqrt((T - 1) / chi-squared(T - 1))``, since so few years do not fix their own spread: a student-t with T - 1
degrees of freedom. New years are independent of one another and of the panel's: no trend and no cycle is carried on. Before that the years' spread
is freed of what is no difference between years: each is known from N units only, and drawn with as much uncertainty again, 2 sd^2 / N in all.

Arrays here have bare axes: (draw, unit) for one node in one period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from causal import families
from causal.cells import linear_rows
from causal.equations import Floats, in_use, stacked

if TYPE_CHECKING:
    from causal.cells import Cells
    from causal.fit import Fit
    from causal.model import Model


@dataclass(frozen=True, slots=True)
class Block:
    """Draws that are worked on together: from `start` to before `stop`, the block of that `number`."""

    number: int
    start: int
    stop: int

    @property
    def draws(self) -> slice:
        """The block's place among all draws."""
        return slice(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class Link:
    """What draws a node that is not Normal: its levels and parameters in each draw.

    `unit` (draw, unit), `year` (draw, period of the panel), `parameters` (draw, 1), cuts (draw, cut). `centre` and `per_sd` of the link;
    `levels` of an ordered node.
    """

    family: str
    centre: float
    per_sd: float
    unit: Floats
    year: Floats
    parameters: dict[str, Floats]
    levels: int

    def draw(self, uniform: Floats, eta: Floats, draws: slice) -> Floats:
        """Values on the value scale (draw, unit) at the quantiles `uniform`."""
        natural = families.drawn(self.family, uniform, eta, self._parameters(draws), self.centre, self.per_sd)
        return families.value(self.family, natural)

    def quantile(self, uniform: Floats, values: Floats, eta: Floats, draws: slice) -> Floats:
        """A quantile (draw, unit) at which `draw` gives `values` (value scale); `uniform` says where among those that do."""
        natural = families.natural(self.family, values)
        return families.quantile(self.family, uniform, natural, eta, self._parameters(draws), self.centre, self.per_sd)

    def _parameters(self, draws: slice) -> dict[str, Floats]:
        return {name: values[draws] for name, values in self.parameters.items()}


@dataclass(frozen=True)
class Draws:
    """A fit's draws, chain after chain, as plain arrays on the standard scale.

    `effects` (draw, term), `shock_sd` (draw, node), `mixing` (draw, node, node) of shocks that correlate, `missing` (draw, hole): how far each missing
    value lies from where it is filled; `links` by node.
    """

    model: Model
    effects: Floats
    shock_sd: Floats
    mixing: Floats | None
    missing: Floats | None
    links: dict[int, Link]

    def __len__(self) -> int:
        return len(self.effects)

    @cached_property
    def swept(self) -> Swept:
        """What the unit and year effects rest on."""
        return _swept(self.model)

    @cached_property
    def unit_of(self) -> Floats:
        """Natural units (of the link where a node has one) in one standard unit of each node's equation (node,)."""
        out = self.model.design.scales.copy()
        for node, link in self.links.items():
            out[node] = link.per_sd
        return out


def draws_of(fit: Fit) -> Draws:
    """The draws of a fit, laid out."""
    model = fit.model
    system, nodes = model.system, len(model.system.nodes)
    flat = {str(name): fit.draws(str(name)) for name in fit.posterior.data_vars}
    # The linear rows of nodes that are not Normal have shocks that no world uses.
    shock_sd = np.ones((len(flat["effect"]), nodes))
    shock_sd[:, linear_rows(system, model.cells)] = flat["shock_sd"]
    mixing = None
    if model.loadings:
        loadings = np.zeros((len(flat["effect"]), nodes, nodes))
        for k, (row, column) in enumerate(model.loadings):
            loadings[:, row, column] = flat["shock_loading"][:, k]
        mixing = np.linalg.inv(np.eye(nodes) - loadings)
    missing = flat["missing"] - model.design.hole_start if "missing" in flat else None
    links = {each.node: _link(model, each, flat) for each in model.cells}
    return Draws(model, flat["effect"], shock_sd, mixing, missing, links)


def given_values(model: Model) -> Floats:
    """Values (node, unit, period) that stand until a unit's first modelled period: observed, or the unit's mean."""
    standard = model.design.standard
    return np.where(np.isnan(standard), np.nanmean(standard, axis=2, keepdims=True), standard)


class Levels:
    """Unit effect, year effect and shock of each node, for one block of draws; `new`: of a unit that is not in the panel.

    `years_to_come`: so many years after the last with a year effect have effects drawn for them. A class because the generators move on from period to period.
    """

    def __init__(
        self, draws: Draws, block: Block, seed: int, *, new: bool = False, linear: bool = True, years_to_come: int = 0
    ) -> None:
        model = draws.model
        nodes = len(model.system.nodes)
        roots = np.random.SeedSequence([seed, block.number]).spawn(nodes + 1)
        self._generators = [np.random.default_rng(root) for root in roots[:-1]]
        self._draws, self._block = draws, block
        size, units = block.stop - block.start, len(model.design.units)
        self._shape = (size, 1 if new else units)
        self._lottery: Floats | None = None
        if new:
            generator = np.random.default_rng(np.random.SeedSequence([seed, block.number, 1]))
            self._lottery = generator.standard_normal((size, units)) * np.sqrt((1.0 + 1.0 / units) / (units - 1.0))
        if linear:
            unit, self._year = _effects(draws, block.draws, np.random.default_rng(roots[-1]))
            self._unit = self._of_unit(self._told_apart(unit) if new else unit)
            if years_to_come and model.year_span is not None:
                generator = np.random.default_rng(np.random.SeedSequence([seed, block.number, 2]))
                self._year = self._with_years_to_come(generator, years_to_come, model.year_span)
        self._own: dict[int, tuple[int, Floats]] = {}

    def draw(self, node: int, time: int) -> Floats:
        """(draw, unit): unit effect, year effect and shock of a Normal `node` at `time`."""
        value = self._shock(node, time)
        value += self._unit[node]
        if time < self._year.shape[2]:
            value += self._year[node][:, time, None]
        return value

    def link(self, node: int, time: int) -> Floats:
        """(draw, unit): unit and year level of a node that is not Normal, on its link scale."""
        link = self._draws.links[node]
        value = self._of_unit(link.unit[self._block.draws])
        return value + link.year[self._block.draws, time, None] if time < link.year.shape[1] else value

    def uniform(self, node: int) -> Floats:
        """(draw, unit): the quantiles at which a node that is not Normal is drawn in a period."""
        return self._generators[node].random(self._shape)

    def start(self) -> Floats:
        """Values (node, draw, unit, period) of the `lags` periods before the first modelled one, of a new unit."""
        model = self._draws.model
        lags, design = model.system.lags, model.design
        units = np.arange(len(design.units))
        if lags == 0:
            return np.zeros((len(model.system.nodes), *self._shape, 0))
        first = np.stack([given_values(model)[:, units, design.entry + k] for k in range(lags)], axis=-1)
        found = np.moveaxis(self._of_unit(np.moveaxis(first, 1, -1)[:, :, None, :]), 1, -1)
        for node, link in self._draws.links.items():
            values = found[node] * design.scales[node] + design.centres[node]
            allowed = families.nearest_allowed(link.family, values, link.levels)
            found[node] = (allowed - design.centres[node]) / design.scales[node]
        return found

    def _with_years_to_come(self, generator: np.random.Generator, count: int, span: tuple[int, int]) -> Floats:
        """The year effects (node, draw, period), and after the last of them those of `count` new years."""
        start, stop = span
        seen, years = self._year[:, :, start:stop], stop - start
        if years < 2:
            return self._year
        units = in_use(self._draws.model.design.sweep, stop)[:, start:].sum(axis=0)
        apart = self._about_mean(seen, float((1.0 / np.maximum(units, 1.0)).mean()))
        lottery = generator.standard_normal((seen.shape[1], years, count)) * np.sqrt(
            (1.0 + 1.0 / years) / (years - 1.0)
        )
        lottery *= np.sqrt((years - 1.0) / generator.chisquare(years - 1.0, (seen.shape[1], 1, count)))
        return np.concatenate([self._year[:, :, :stop], np.einsum("vdt,dtk->vdk", apart, lottery)], axis=2)

    def _told_apart(self, unit: Floats) -> Floats:
        """Unit effects (node, draw, unit) drawn in about their mean by what their spread owes to few periods."""
        sweep = self._draws.model.design.sweep
        return unit.mean(axis=2, keepdims=True) + self._about_mean(
            unit, float((1.0 / (sweep.stop - sweep.first)).mean())
        )

    def _about_mean(self, effects: Floats, share_of_noise: float) -> Floats:
        """Effects (node, draw, unit or year) less their mean, drawn in by what their spread owes to how few values tell each.

        `share_of_noise` is the mean of 1 / values.
        """
        draws = self._draws
        sd = draws.shock_sd[self._block.draws].T  # (node, draw)
        variance = sd**2
        if draws.mixing is not None:
            variance = np.einsum("dvw,dw->vd", draws.mixing[self._block.draws] ** 2, variance.T)
        noise = 2.0 * variance * share_of_noise
        spread = effects.var(axis=2, ddof=1)
        share = np.sqrt(np.maximum(spread - noise, 0.0) / np.where(spread > 0.0, spread, 1.0))
        return share[:, :, None] * (effects - effects.mean(axis=2, keepdims=True))

    def _of_unit(self, values: Floats) -> Floats:
        """`values` (..., unit) of the panel's units, or of the new unit (..., draw, 1)."""
        if self._lottery is None:
            return values
        mean = values.mean(axis=-1, keepdims=True)
        return mean + ((values - mean) * self._lottery).sum(axis=-1, keepdims=True)

    def _shock(self, node: int, time: int) -> Floats:
        if self._draws.mixing is None:
            return self._white(node)
        mixing = self._draws.mixing[self._block.draws]
        total = np.zeros(self._shape)
        for source in range(len(self._generators)):
            weight = mixing[:, node, source, None]
            if weight.any():
                known = self._own.get(source)
                if known is None or known[0] != time:
                    known = (time, self._white(source))
                    self._own[source] = known
                total += weight * known[1]
        return total

    def _white(self, node: int) -> Floats:
        shock = self._generators[node].standard_normal(self._shape)
        shock *= self._draws.shock_sd[self._block.draws, node, None]
        return shock


def _link(model: Model, cells: Cells, flat: Mapping[str, Floats]) -> Link:
    node = model.system.nodes[cells.node]
    size, start = len(flat["effect"]), (model.year_span or (0, 0))[0]
    year = flat.get(f"year_level_{node}", np.zeros((size, 0)))
    kept = flat.get(f"family_parameter_{node}", np.zeros((size, 0)))
    parameters = {name: kept[:, k, None] for k, name in enumerate(cells.parameter_names)}
    if cells.family == "ordered":
        parameters = {"cuts": np.concatenate([np.zeros((size, 1)), kept], axis=1)}
    padded = np.concatenate([np.zeros((size, start)), year], axis=1)
    return Link(cells.family, cells.centre, cells.per_sd, flat[f"unit_level_{node}"], padded, parameters, cells.levels)


def _effects(found: Draws, draws: slice, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Unit effects (node, draw, unit) and year effects (node, draw, period), drawn given each draw's effects and shocks.

    Under the flat prior that sweeps them out they are Normal: year effects around ``year_link @ G'M u`` with covariance ``year_link * D``,
    then each unit's effect around the mean of its residuals less the years' with covariance D / T_i.
    """
    system, sweep, swept = found.model.system, found.model.design.sweep, found.swept
    nodes, size, periods = len(system.nodes), draws.stop - draws.start, len(sweep.year_link)
    mean, total = swept.by_draw(None if found.missing is None else found.missing[draws])
    rows, columns = system.positions()
    residual = np.zeros((size, nodes, system.width))
    residual[:, rows, columns] = -found.effects[draws]
    residual[:, np.arange(nodes), np.arange(nodes)] += 1.0
    sd = found.shock_sd[draws].T
    values, vectors = np.linalg.eigh(sweep.year_link) if periods else (np.zeros(0), np.zeros((0, 0)))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    white_year = generator.standard_normal((nodes, size, periods)) * sd[:, :, None]
    white_unit = generator.standard_normal((nodes, size, len(found.model.design.units))) * sd[:, :, None]
    if found.mixing is not None:
        white_year = np.einsum("dvw,wdt->vdt", found.mixing[draws], white_year)
        white_unit = np.einsum("dvw,wdi->vdi", found.mixing[draws], white_unit)
    year = np.moveaxis(residual @ total.mT, 1, 0) @ sweep.year_link + white_year @ root.T
    unit = (
        np.moveaxis(residual @ mean.mT, 1, 0)
        - year @ (swept.used / swept.length[:, None]).T
        + white_unit / np.sqrt(swept.length)
    )
    return unit, year


@dataclass(frozen=True, slots=True)
class Swept:
    """What the unit and year effects rest on, for the stacked columns: each unit's mean and each period's sum.

    `mean` (unit, column), `total` (period, column) hold the panel; `mean_moves` (hole, unit x column) and `total_moves`
    (hole, period x column) what a missing value adds for each sd that it lies from its unit's mean.
    """

    used: Floats
    length: Floats
    mean: Floats
    total: Floats
    mean_moves: Any = None
    total_moves: Any = None

    def by_draw(self, missing: Floats | None) -> tuple[Floats, Floats]:
        """Unit means (draw, unit, column) and yearly sums of the columns less their unit's mean (draw, period, column)."""
        mean, total = self.mean[None], self.total[None]
        if missing is not None:
            mean = mean + (missing @ self.mean_moves).reshape(-1, *self.mean.shape)
            total = total + (missing @ self.total_moves).reshape(-1, *self.total.shape)
        return mean, total - self.used.T @ mean


def _swept(model: Model) -> Swept:
    design, lags = model.design, model.system.lags
    sweep = design.sweep
    periods = len(sweep.year_link)
    columns = stacked(design.filled, lags, design.weights)[:, :periods]
    width = columns.shape[2]
    used = in_use(sweep, periods)
    length = (sweep.stop - sweep.first).astype(float)
    masked = used[:, :, None] * columns
    mean, total = masked.sum(axis=1) / length[:, None], masked.sum(axis=0)
    node, unit, time = design.holes
    if not len(node):
        return Swept(used, length, mean, total)
    from scipy import sparse

    # A missing value stands in the column of each lag, that many periods later, where its unit is then in use.
    lag, hole = np.divmod(np.arange((lags + 1) * len(node)), len(node))
    period = time[hole] + lag
    here = (period >= sweep.first[unit[hole]]) & (period < sweep.stop[unit[hole]])
    lag, hole, period = lag[here], hole[here], period[here]
    column = lag * len(model.system.nodes) + node[hole]
    moves = [
        sparse.csr_array(sparse.coo_array((weight, (hole, row * width + column)), shape=(len(node), rows * width)))
        for weight, row, rows in (
            (1.0 / length[unit[hole]], unit[hole], len(mean)),
            (np.ones(len(hole)), period, periods),
        )
    ]
    return Swept(used, length, mean, total, *moves)
