"""The article's model as a forecaster: fitted on what was known when it appeared, and scored on the years after.

`forecast_study` cuts a study at the article's year and does everything on what is left: standardising constants, the units that enter, unit and year
effects, priors and fits. Rows after the cut are read once, at the end, to be compared with; whatever they hold, the forecasts are the same to the
last bit. Up to four forecasters predict each node, unit and year:

- *article* and *wide*: the whole fitted system, going on from each unit's last values (`paths`), under the article's prior and under the wide one;
- *memory*: the same model without the loop. The effect of every link but a node's own memory has the prior `causal.dist.CUT`, which cuts it, and the rest
  is fitted anew;
- *naive*: the last value, spread by the changes that the panel showed over so many years before (`naive_changes`), up and down alike.

Years ahead have effects that nobody knows. They are drawn, independently from year to year, with the spread of the estimated ones (`causal.levels`): no trend
goes on. Where a trend did go on, all forecasters without one are worse for it, and their intervals tell.

The figures are today's: indices that are estimated anew with every release know in their past something of what came later, and the article's own year counts
as known to its end. A forecaster of that year knew less.

Scores (`causal.scoring`) are in typical swings: the node's within-unit sd up to the cut, on the scale on which the model is linear. A unit in which the
node never moved before the cut is left out: there is nothing to forecast from, and a figure that stands still may be none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal import families
from causal.dist import CUT
from causal.equations import Floats, Term
from causal.errors import CausalError, Fault, nearest, no_such, raise_all
from causal.fit import Fit, Progress, fit, place_of, settings_of
from causal.graph import Graph
from causal.joint import build_model
from causal.levels import Block
from causal.measurement import apply
from causal.model import Model, Priors
from causal.panel import Study, columns_of, leave_out
from causal.plan import lay_out
from causal.scoring import Comparison, compared, covered, crps, log_score, pit
from causal.worlds import each_block, periods

if TYPE_CHECKING:
    import xarray as xr

BEFORE, AFTER = 4, 2
"""Years that a study needs up to the article's year, and after it."""
SHARES = (0.5, 0.9)
"""Central intervals whose coverage is told."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""What is kept of each forecast."""
SMALLEST = 0.01
"""Typical swings: two forecasters whose mean scores lie no further apart are told apart by nothing that matters."""
NOT_FITTED = "its fits up to the article's year have not been made yet; the command forecast makes and keeps them"
_FEWEST_CHANGES = 10

FORECASTERS: Mapping[str, str] = {
    "article": "the article's model",
    "wide": "the same links, no opinion",
    "memory": "no links, own memory only",
    "naive": "last value",
}
"""Forecaster -> how readers are told of it."""


@dataclass(frozen=True, slots=True)
class Score:
    """How one forecaster did: mean CRPS and log score (less is better), and the share of values in the central 50 and 90 % intervals."""

    crps: float
    log_score: float
    covered_50: float
    covered_90: float
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """One forecaster over several series: its score in all and by years ahead, and the share of values in each fifth of its forecasts.

    Each fifth holds .2 of them where the forecaster is calibrated.
    """

    score: Score
    by_horizon: tuple[Score, ...]
    fifths: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class NodeForecast:
    """The forecasts of one node, and what came.

    `observed` (unit, time) and `quantiles` by forecaster (quantile, unit, time), value scale; `pits` by forecaster (unit, time). `scores` in all,
    `by_horizon` by years ahead. `differences`: CRPS of the article's model less that of another forecaster (negative: the article's is
    better), by that one's name. `linked`: whether any link leads into the node. `idle`: units left out because the node never moved in them.
    """

    node: str
    scale: float
    linked: bool
    idle: int
    observed: xr.DataArray
    quantiles: Mapping[str, xr.DataArray]
    pits: Mapping[str, Floats]
    scores: Mapping[str, Score]
    by_horizon: Mapping[str, tuple[Score, ...]]
    differences: Mapping[str, Comparison]


@dataclass(frozen=True, eq=False)
class StudyForecast:
    """What a study's forecasts came to. `first` and `year`: the years that were fitted; `last`: the last that was scored.

    Where nothing could be forecast, `why` says so in words and `nodes` is empty; `without` has the reason for each measured node without a forecast. `fits` by
    forecaster; `unconverged` names those of which the draws cannot be trusted. `values` (variable, unit, time) holds the measured nodes' values before
    and after the cut, on the value scale, with the constants of the years before.
    """

    study: str
    year: int
    first: int = 0
    last: int = 0
    nodes: tuple[NodeForecast, ...] = ()
    without: Mapping[str, str] = field(default_factory=dict[str, str])
    fits: Mapping[str, Fit] = field(default_factory=dict[str, Fit])
    values: xr.DataArray | None = None
    why: str = ""

    @property
    def unconverged(self) -> tuple[str, ...]:
        """The forecasters whose draws cannot be trusted."""
        return tuple(name for name, found in self.fits.items() if not found.convergence.passed)


Announce = Callable[[str], Progress | None]
"""Called with the name of each fit before it starts; gives back what is told of its progress."""


def forecast_study(
    graph: Graph,
    study: Study,
    priors: Mapping[str, Priors],
    year: int,
    *,
    seed: int = 1,
    draws: int = 1000,
    chains: int = 4,
    store: Path | None = None,
    announce: Announce | None = None,
    kept_only: bool = False,
) -> StudyForecast:
    """The study's forecasts from `year` on, under the prior sets *article* and *wide* of `priors`, against those without links and without a model.

    Three fits at most, one where no link joins the measured nodes; they are looked up and kept in `store`, and with `kept_only` none is sampled. What cannot
    be forecast is told, not raised. Raises `CausalError` where `priors` lack one of the two sets, and for a year that is no whole number.
    """
    faults = prior_faults(priors)
    if isinstance(year, bool) or not isinstance(year, (int, np.integer)):
        faults.append(Fault(f"the year is {year!r}", mend="give a whole number"))
    raise_all(faults)
    unusual = [
        node for node in study.measured(graph) if graph.node(node).family not in families.LINEAR or _noisy(study, node)
    ]
    if unusual:
        why = f"{' and '.join(unusual)}: not Normal, or measured with error, so that the values seen are not those forecast"
        return StudyForecast(study.name, year, why=why)
    try:
        known = before(study, year)
        models = _models(graph, known, priors)
    except CausalError as error:
        return StudyForecast(study.name, year, why="; ".join(fault.what for fault in error.faults))
    model = next(iter(models.values()))
    years = [int(time) for time in study.panel.times]
    span = (int(known.panel.times[int(model.design.entry.min())]), int(known.panel.times[-1]), years[-1])
    ahead = [time for time in years if time > year]
    if span[1] - span[0] + 1 < BEFORE or len(ahead) < AFTER:
        why = f"{span[1] - span[0] + 1} years up to {year} and {len(ahead)} after it; {BEFORE} and {AFTER} are needed"
        return StudyForecast(study.name, year, span[0], span[2], why=why)
    settings: dict[str, Any] = {"seed": seed, "draws": draws, "chains": chains}
    if kept_only and not all(
        store is not None and place_of(each, settings_of(each, **settings), store).exists() for each in models.values()
    ):
        return StudyForecast(study.name, year, span[0], span[2], why=NOT_FITTED)
    fits: dict[str, Fit] = {}
    for name, each in models.items():
        progress = announce(f"{study.name} up to {year}, {FORECASTERS[name]}") if announce else None
        fits[name] = fit(each, **settings, allow_unconverged=True, progress=progress, store=store)
    values = seen_from(study, graph, year)
    drawn = {name: paths(found, ahead[-1] - span[1], seed=seed) for name, found in fits.items()}
    nodes: list[NodeForecast] = []
    without = dict.fromkeys(study.measured(model.graph), "the same in every unit: taken up by the year effects")
    for node in model.system.nodes:
        without.pop(node, None)
        found = _node(model, node, values.sel(variable=node), {name: each[node] for name, each in drawn.items()}, year)
        if isinstance(found, str):
            without[node] = found
        else:
            nodes.append(found)
    why = "" if nodes else "no measured node can be forecast and compared"
    return StudyForecast(study.name, year, span[0], span[2], tuple(nodes), without, fits, values, why)


def calibration(nodes: Iterable[NodeForecast]) -> dict[str, Calibration]:
    """How far the forecasters knew how little they knew, by forecaster, over those of the series that all of them forecast."""
    found: dict[str, Calibration] = {}
    series = list(nodes)
    names = [name for name in FORECASTERS if any(name in node.scores for node in series)]
    of = [node for node in series if len(node.scores) == len(names)]
    for name in names:
        pits = np.concatenate([node.pits[name][np.isfinite(node.pits[name])] for node in of])
        fifths = np.histogram(pits, bins=5, range=(0.0, 1.0))[0] / len(pits)
        ahead = max(len(node.by_horizon[name]) for node in of)
        by_horizon = tuple(
            _pooled([node.by_horizon[name][k] for node in of if k < len(node.by_horizon[name])]) for k in range(ahead)
        )
        found[name] = Calibration(_pooled([node.scores[name] for node in of]), by_horizon, tuple(fifths.tolist()))
    return found


def difference_word(difference: Comparison) -> str:
    """Whether the article's model did *better* or *worse* than the other, *no telling apart*, or *too few to tell* without an interval."""
    if not np.isfinite(difference.error):
        return "too few to tell"
    if difference.sign == 0 or abs(difference.mean) < SMALLEST:
        return "no telling apart"
    return "better" if difference.sign < 0 else "worse"


def before(study: Study, year: int) -> Study:
    """The study without its rows after `year`. Raises `CausalError` where its times are no years, and where none is that early."""
    try:
        times = [int(time) for time in study.panel.times]
        if any(time != whole for time, whole in zip(study.panel.times, times, strict=True)):
            raise ValueError
    except (TypeError, ValueError):
        raise CausalError(Fault("its times are no years", study.name, "give whole years")) from None
    if study.panel.table is not None:
        raise CausalError(Fault("its values stay in the data engine", study.name, "take a part that fits in memory"))
    kept = [place for place, time in enumerate(times) if time <= year]
    if not kept:
        raise CausalError(Fault(f"no year up to {year}", study.name))
    return replace(study, panel=leave_out(study.panel, last=study.panel.times[kept[-1]]))


def paths(fit: Fit, horizon: int, *, seed: int = 0) -> xr.Dataset:
    """Where each unit goes from its last values: each measured node on its value scale, dims (draw, unit, time), for `horizon` periods after the panel's last.

    A unit whose series ends early goes on from there. Parameters, unit effects, shocks, missing values and the effects of new years are all drawn. Raises
    `CausalError` as `causal.simulate.simulate` does.
    """
    import xarray as xr

    plan = lay_out(fit, (), horizon=horizon, seed=seed)
    nodes, start = plan.model.system.nodes, len(plan.times) - horizon
    scales, centres = plan.model.design.scales, plan.model.design.centres
    out = {node: np.empty((len(plan.draws), len(plan.units), horizon)) for node in nodes}

    def fill(block: Block) -> None:
        for time, base, _ in periods(plan, block, seed, base="continued"):
            for k, node in enumerate(nodes if time >= start else ()):
                out[node][block.draws, :, time - start] = base[k] * scales[k] + centres[k]

    each_block(plan, fill)
    coords = {"draw": np.arange(len(plan.draws)), "unit": plan.units, "time": plan.times[start:]}
    return xr.Dataset({node: (("draw", "unit", "time"), values) for node, values in out.items()}, coords=coords)


def naive_changes(values: Floats, horizon: int) -> Floats:
    """Changes over `horizon` periods in `values` (unit, time), pooled over units and times, each upwards and downwards.

    Where fewer than ten are seen over so many periods, those over the longest span that shows ten are stretched by the square root of the ratio,
    as changes of a random walk are.
    """
    seen: dict[int, Floats] = {}
    for span in range(1, values.shape[1]):
        changes = values[:, span:] - values[:, :-span]
        seen[span] = changes[np.isfinite(changes)]
    enough = [span for span in seen if len(seen[span]) >= _FEWEST_CHANGES and span <= horizon]
    # A series that is not seen in every period shows changes over longer spans only.
    spans = enough[-1:] or [span for span in seen if len(seen[span])][:1]
    if not spans:
        return np.zeros(0)
    changes = seen[spans[0]] * np.sqrt(horizon / spans[0])
    return np.concatenate([changes, -changes])


def seen_from(study: Study, graph: Graph, year: int) -> xr.DataArray:
    """The measured nodes' values before and after `year` (variable, unit, time), value scale, an index by the constants of the years up to it."""
    import xarray as xr

    until = sum(int(time) <= year for time in study.panel.times)
    kept = graph.subgraph([name for name in graph.names if name not in study.sets_aside])
    nodes = study.measured(kept)
    arrays: list[Floats] = []
    for node in nodes:
        measure = study.measure(node)
        assert measure is not None
        natural = apply(measure, columns_of(study.panel, measure), until)
        arrays.append(families.value(kept.node(node).family, natural))
    coords = {"variable": list(nodes), "unit": study.panel.units, "time": study.panel.times}
    return xr.DataArray(np.stack(arrays), dims=("variable", "unit", "time"), coords=coords)


def prior_faults(priors: Mapping[str, Priors]) -> list[Fault]:
    """The prior sets that forecasts need and that are not there."""
    if not isinstance(priors, Mapping):
        return [no_such(priors, "mapping of priors", "give priors by the name of their set, article and wide")]
    return [
        Fault(f"no prior set '{name}'", mend=nearest(name, priors))
        for name in ("article", "wide")
        if name not in priors
    ]


def _models(graph: Graph, known: Study, priors: Mapping[str, Priors]) -> dict[str, Model]:
    """The models that are fitted, by forecaster; the memory's alone where the equations carry no link."""
    article, wide = (build_model(graph, known, priors[name]) for name in ("article", "wide"))
    cut = [CUT if _is_link(term) else prior for term, prior in zip(wide.system.terms, wide.term_priors, strict=True)]
    memory = replace(wide, term_priors=tuple(cut))
    if not any(_is_link(term) for term in wide.system.terms):
        return {"memory": memory}
    return {"article": article, "wide": wide, "memory": memory}


def _is_link(term: Term) -> bool:
    return term.edge is None or not term.edge.is_memory


def _noisy(study: Study, node: str) -> bool:
    measure = study.measure(node)
    return measure is not None and measure.noisy


def _node(
    model: Model, node: str, values: xr.DataArray, drawn: Mapping[str, xr.DataArray], year: int
) -> NodeForecast | str:
    """One node's forecasts and scores, or why there are none."""
    import xarray as xr

    times = values["time"].to_numpy().astype(int)
    rows = model.design.units
    array = values.transpose("unit", "time").to_numpy()[rows]
    known, later = array[:, times <= year], array[:, times > year]
    moved = np.array([len(np.unique(unit[np.isfinite(unit)])) > 1 for unit in known])
    used = moved & np.isfinite(later).any(axis=1)
    if not used.any():
        return f"not measured after {year}" if moved.any() else f"did not move in any unit up to {year}"
    seen = np.isfinite(later[used]).any(axis=0)
    if seen.sum() < AFTER:
        return f"measured in fewer than {AFTER} years after {year}"
    ahead = times[times > year]
    start = int(times[times <= year][-1])
    step = int(np.diff(times).min())
    observed, scale = later[used], float(model.design.scales[model.system.nodes.index(node)])
    inside, places = np.isfinite(observed), [(int(time) - start) // step - 1 for time in ahead]
    coords: dict[str, Any] = {"unit": model.study.panel.units[rows][used], "time": ahead}
    measured: dict[str, dict[str, Floats]] = {}
    quantiles: dict[str, xr.DataArray] = {}
    for name, each in drawn.items():
        path = each.transpose("draw", "unit", "time").to_numpy()[:, used][:, :, places]
        measured[name] = _measured(path / scale, observed / scale)
        quantiles[name] = _quantiles(np.quantile(path, QUANTILES, axis=0), coords)
    spread = np.full((len(QUANTILES), *observed.shape), np.nan)
    cells: list[dict[str, Floats]] = []
    for i, unit in enumerate(np.flatnonzero(used)):
        for k, values_ahead in enumerate(_naive(known, int(unit), times[times <= year], ahead, step)):
            spread[:, i, k] = np.quantile(values_ahead, QUANTILES)
            cells.append(_measured(values_ahead / scale, observed[i, k] / scale))
    measured["naive"] = {kind: np.array([cell[kind] for cell in cells]).reshape(observed.shape) for kind in cells[0]}
    quantiles["naive"] = _quantiles(spread, coords)
    mine = "article" if "article" in measured else "memory"
    linked = any(term.effect == node and _is_link(term) for term in model.system.terms)
    # Without a link into the node the fitted forecasters are one, and differ by the chance of their draws only.
    others = [name for name in measured if name != mine and (linked or name == "naive")]
    return NodeForecast(
        node,
        scale,
        linked,
        int((~moved).sum()),
        xr.DataArray(observed, dims=("unit", "time"), coords=coords),
        quantiles,
        {name: table["pit"] for name, table in measured.items()},
        {name: _score(table, inside) for name, table in measured.items()},
        {
            name: tuple(_score(table, inside & (np.arange(len(ahead)) == k)) for k in range(len(ahead)))
            for name, table in measured.items()
        },
        {name: compared(measured[mine]["crps"] - measured[name]["crps"]) for name in others},
    )


def _measured(draws: Floats, value: Any) -> dict[str, Floats]:
    """Scores of `draws` (draw, ...) at `value` (...), NaN where there is no value."""
    table = {"crps": crps(draws, value), "log": log_score(draws, value), "pit": pit(draws, value)}
    table |= {f"{100 * share:.0f}": covered(draws, value, share).astype(float) for share in SHARES}
    return {kind: np.where(np.isfinite(value), found, np.nan) for kind, found in table.items()}


def _quantiles(values: Floats, coords: Mapping[str, Any]) -> xr.DataArray:
    import xarray as xr

    return xr.DataArray(values, dims=("quantile", "unit", "time"), coords={**coords, "quantile": list(QUANTILES)})


def _naive(known: Floats, unit: int, times: Any, ahead: Any, step: int) -> list[Floats]:
    """The naive forecast of one unit in each year ahead, from its own last value."""
    place = int(np.flatnonzero(np.isfinite(known[unit]))[-1])
    return [known[unit, place] + naive_changes(known, (int(time) - int(times[place])) // step) for time in ahead]


def _pooled(scores: Sequence[Score]) -> Score:
    """The mean of several scores, each by the values behind it."""
    known = [score for score in scores if score.count]
    if not known:
        return Score(math.nan, math.nan, math.nan, math.nan, 0)
    weights = [score.count for score in known]
    crps_, log, half, most = (
        float(np.average([getattr(score, name) for score in known], weights=weights))
        for name in ("crps", "log_score", "covered_50", "covered_90")
    )
    return Score(crps_, log, half, most, sum(weights))


def _score(table: Mapping[str, Floats], which: Any) -> Score:
    if not which.any():
        return Score(math.nan, math.nan, math.nan, math.nan, 0)
    means = [float(table[kind][which].mean()) for kind in ("crps", "log", "50", "90")]
    return Score(means[0], means[1], means[2], means[3], int(which.sum()))
