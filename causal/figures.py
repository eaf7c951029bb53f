"""Matplotlib pictures of what interventions change, drawn from plain results.

Each function takes what another one returns (`contrast`, `impulse_responses`, `rank`, ...) and gives back the Matplotlib figure. Where `ax` is
left out the figure is new, pyplot's global state is not touched, and a notebook shows the figure that a cell ends with. Where it is given
the picture is drawn there, and the rest of that figure is left as it is; numbers and notes stand beside the panel, so a figure to draw in is
best made with ``layout="constrained"``.

Medians and central intervals are quantiles over the draws, time by time: an interval of level .9 runs from quantile .05 to quantile .95. Medians do
not add up and means do, so that `waterfall` alone shows means. A draw in which a number is undefined or infinite is left out at that
place, the picture says how many there are, and shows a gap where no draw is left. A result's attribute `rests_on` is printed beneath.

>>> import xarray as xr
>>> effect = xr.DataArray([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]], dims=("draw", "time"), coords={"time": [2016, 2017]}, name="illicit")
>>> figure = fan(effect, label="shift corruption 1 from 2017")
>>> figure.axes[0].get_ylabel().splitlines()
['illicit', 'change, natural units']
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.equations import Floats
from causal.errors import CausalError, Fault, nearest, raise_all

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _GREY, _MAIN = "#1b1b1b", "#5a5a5a", "#14508c"
_COLOURS = (_MAIN, "#a8201a", "#0b6b3a", "#6a3d9a", "#8a4b08", _INK, "#7a5c00")
_LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""Colours (all over 4.5 to 1 on white) and lines: seven and five, so that 35 effects differ."""
_UP, _DOWN = _MAIN, "#a8201a"
_SMALL, _MEDIUM, _LARGE = 8.0, 9.0, 11.0
_OVER = {"end": ", in the last period", "mean": ", mean of the periods", "sum": ", sum over the periods"}
_WIDE = 28  # letters in a line of a name


def fan(
    effect: xr.DataArray | Mapping[str, xr.DataArray],
    *,
    levels: Sequence[float] = (0.5, 0.9),
    label: str = "",
    ax: Axes | None = None,
) -> Figure:
    """The change over time, (draw, time) in natural units: the median as a line, a band for each of `levels`, and a line at zero.

    A mapping from name to effect draws several, each in a colour and a kind of line of its own, with a legend. Times are numbers, dates or texts;
    texts are evenly spaced. `label` says what was done and heads the picture. Raises `CausalError` for other dims, levels
    outside 0 to 1, and effects whose times are of different kinds.
    """
    several = isinstance(effect, Mapping)
    effects = {str(name): one for name, one in effect.items()} if isinstance(effect, Mapping) else {label: effect}
    faults = _level_faults(levels, "fan") + _axes_faults(ax, 1, "fan")
    if not effects:
        faults.append(Fault("fan: no effect to draw", mend="give at least one"))
    for name, one in effects.items():
        where = f"fan, '{name}'" if several else "fan"
        faults += _faults(one, ("draw", "time"), where, "give what `contrast` returns; by unit, take `ribbons`")
    raise_all(faults)
    clock = _clock([one["time"].to_numpy() for one in effects.values()], "fan")
    page = _page(ax, width=8.6 if several else 6.4, height=4.2)
    panel = page.panels[0]
    values = [_values(one, ("draw", "time")) for one in effects.values()]
    for k, (x, draws) in enumerate(zip(clock.at, values, strict=True)):
        colour, line = _COLOURS[k % len(_COLOURS)], _LINES[k % len(_LINES)]
        _band(panel, x, draws, levels, colour, line, shade=0.12 if several else 0.2)
    _zero(panel)
    _time_axis(panel, clock)
    names = {str(one.name) for one in effects.values() if one.name is not None}
    outcome = names.pop() if len(names) == 1 else ""
    panel.set_ylabel(f"{_wrapped(outcome)}\nchange, natural units".strip(), fontsize=_MEDIUM)
    panel.set_xlabel("time", fontsize=_MEDIUM)
    if several:
        _legend(panel, list(effects))
    heading = label or (f"Change in {outcome}" if outcome else "What the intervention changes")
    _words(page, heading, f"Line: median. Bands: {_level_words(levels)}.", values, effects)
    return page.figure


def ribbons(
    effect: xr.DataArray,
    *,
    units: Sequence[Any] | None = None,
    most: int = 12,
    level: float = 0.9,
    ax: Axes | Sequence[Axes] | NDArray[Any] | None = None,
) -> Figure:
    """The change in each unit over time, (draw, unit, time) in natural units: a panel for each unit, all on one scale.

    Where there are more than `most` units, those come first whose median change is furthest from zero at some time, and the picture says how many
    are left out. `units` names the ones to draw instead, in their order. Raises `CausalError` for other dims, unknown units, a level outside 0
    to 1, and fewer axes than panels.
    """
    faults = _level_faults([level], "ribbons")
    wrong = _faults(effect, ("draw", "unit", "time"), "ribbons", "give what `contrast` returns with by='unit'")
    if isinstance(most, bool) or not isinstance(most, Integral) or most < 1:
        faults.append(Fault(f"ribbons: most={most!r} is no number of units", mend="give a whole number from 1"))
    known = [] if wrong else [str(unit) for unit in effect["unit"].to_numpy()]
    named = [units] if isinstance(units, str) or not isinstance(units, Iterable) else list(units)
    if units is not None and not wrong:
        faults += [Fault(f"ribbons: no unit '{u}'", mend=nearest(str(u), known)) for u in named if str(u) not in known]
        if not named:
            faults.append(Fault("ribbons: no unit to draw", mend="name some units, or leave units out"))
    raise_all(faults + wrong)
    everywhere = _values(effect, ("draw", "unit", "time"))
    chosen = _largest(everywhere, most) if units is None else [known.index(str(unit)) for unit in named]
    raise_all(_axes_faults(ax, len(chosen), "ribbons", many=True))
    rows = -(-len(chosen) // 4)
    columns = -(-len(chosen) // rows)
    page = _page(ax, (rows, columns), len(chosen), width=max(6.4, 2.3 * columns), height=1.5 + 1.7 * rows)
    clock = _clock([effect["time"].to_numpy()], "ribbons")
    values = everywhere[:, chosen]
    for k, (panel, unit) in enumerate(zip(page.panels, chosen, strict=True)):
        _band(panel, clock.at[0], values[:, k], [level], _MAIN, "-")
        _zero(panel)
        panel.set_title(_wrapped(known[unit]), fontsize=_MEDIUM)
        _time_axis(panel, clock)
        if not page.own or k + columns >= len(chosen):
            panel.set_xlabel("time", fontsize=_MEDIUM)
    _same_scale(page.panels, values, level)
    outcome = f" in {effect.name}" if effect.name is not None else ""
    if page.own:
        page.figure.supylabel("change, natural units", fontsize=_MEDIUM)
        for k, panel in enumerate(page.panels):
            panel.tick_params(labelleft=k % columns == 0, labelbottom=k + columns >= len(chosen))
    else:
        page.panels[0].set_ylabel(f"{_wrapped(f'change{outcome}')},\nnatural units", fontsize=_MEDIUM)
    left = len(known) - len(set(chosen))
    why = "" if units is not None else ", those that change least"
    kept = f" {left} of {len(known)} units are left out{why}." if left else ""
    _words(page, f"Change{outcome} by unit", f"Median and {_level_words([level])}.{kept}", [values], {"": effect})
    return page.figure


def waterfall(parts: xr.DataArray, *, level: float = 0.9, ax: Axes | None = None) -> Figure:
    """The parts of an effect, (draw, part) in natural units: bars of the mean, each from where the last one ended, and their total as the last bar.

    The total is the sum of the parts in each draw. Whiskers are each part's own interval, counted from where its bar begins. Draws in which some
    part is undefined are left out of all. Raises `CausalError` for other dims, a level outside 0 to 1, and a part that is called total.
    """
    faults = _level_faults([level], "waterfall") + _axes_faults(ax, 1, "waterfall")
    wrong = _faults(
        parts, ("draw", "part"), "waterfall", "give the parts at one time, for instance parts.sel(time=2020)"
    )
    names = [] if wrong else [str(name) for name in parts["part"].to_numpy()]
    if any(name.strip().casefold() == "total" for name in names):
        mend = "leave it out: the picture adds the parts up"
        faults.append(Fault("waterfall: 'total' is among the parts, which would count it twice", mend=mend))
    raise_all(faults + wrong)
    values = _values(parts, ("draw", "part"))
    values[np.isnan(values).any(axis=1)] = np.nan
    drawn = np.column_stack([values, values.sum(axis=1)])
    whole = np.isfinite(drawn[:, -1])
    means = drawn[whole].mean(axis=0) if whole.any() else np.full(len(names) + 1, np.nan)
    low, high = _quantiles(drawn, _tails(level))
    starts = np.append(np.cumsum(means[:-1]) - means[:-1], 0.0)
    labels = [_wrapped(name) for name in (*names, "total")]
    page = _page(ax, width=7.2, height=1.6 + _heights(labels))
    panel = page.panels[0]
    y = np.arange(len(labels))
    colours = [_INK if k == len(names) else _UP if mean >= 0 else _DOWN for k, mean in enumerate(means)]
    panel.barh(y, means, left=starts, height=0.55, color=colours, alpha=0.45)
    panel.hlines(y, starts + low, starts + high, colors=_INK, linewidth=1.3, gid="interval")
    ends = starts + means
    # A thin line from the end of each bar to the beginning of the next; the total begins at zero and is met at its end.
    panel.vlines(ends[:-1], y[:-1] + 0.275, y[1:] + np.where(y[1:] == len(names), 0.275, -0.275), colors=_GREY, lw=0.8)
    panel.axvline(0.0, color=_GREY, linewidth=0.9)
    _rows(panel, labels)
    told = [f"{_number(m)}  ({_number(a)} to {_number(b)})" for m, a, b in zip(means, low, high, strict=True)]
    _beside(panel, y, told, 0, "mean (interval)")
    outcome = f" in {parts.name}" if parts.name is not None else ""
    panel.set_xlabel(_wrapped(f"change{outcome}, natural units", 60), fontsize=_MEDIUM)
    says = f"Bars: means, each from where the last one ended. Whiskers: {_level_words([level])} of each part."
    _words(page, f"What the change{outcome} is made of", says, [values], {"": parts})
    return page.figure


def response_grid(
    responses: xr.DataArray,
    *,
    level: float = 0.9,
    axes: Axes | Sequence[Axes] | NDArray[Any] | None = None,
) -> Figure:
    """How each node answers a one-period shift of each, (draw, cause, effect, step): a column for each cause, a row for each effect.

    Natural units of the effect; each panel has its own scale, as the causes have different units. Axes that are given are used row by
    row. Raises `CausalError` for other dims, a level outside 0 to 1, and fewer axes than panels.
    """
    dims = ("draw", "cause", "effect", "step")
    wrong = _faults(responses, dims, "response_grid", "give what `impulse_responses` returns")
    raise_all(_level_faults([level], "response_grid") + wrong)
    causes, effects = ([str(name) for name in responses[dim].to_numpy()] for dim in ("cause", "effect"))
    count = len(causes) * len(effects)
    raise_all(_axes_faults(axes, count, "response_grid", many=True))
    values = _values(responses, dims)
    clock = _clock([responses["step"].to_numpy()], "response_grid")
    page = _page(
        axes, (len(effects), len(causes)), count, width=max(6.4, 2.2 * len(causes)), height=1.7 + 1.5 * len(effects)
    )
    for k, panel in enumerate(page.panels):
        row, column = divmod(k, len(causes))
        _band(panel, clock.at[0], values[:, column, row], [level], _MAIN, "-")
        _zero(panel)
        _time_axis(panel, clock)
        if row == 0:
            panel.set_title(_wrapped(f"shift of {causes[column]}", 20), fontsize=_MEDIUM)
        if column == 0:
            panel.set_ylabel(_wrapped(effects[row], 16), fontsize=_MEDIUM)
        if row == len(effects) - 1:
            panel.set_xlabel("periods later", fontsize=_MEDIUM)
        elif page.own:
            panel.tick_params(labelbottom=False)
    says = f"Median and {_level_words([level])}, natural units of the row's node. Each panel has its own scale."
    heading = "How each node (row) answers a one-period shift by 1 of each node (column)"
    _words(page, heading, says, [values], {"": responses})
    return page.figure


def rank_plot(ranking: xr.Dataset, *, level: float = 0.9, ax: Axes | None = None) -> Figure:
    """What each option changes, from a ranking as `rank` returns it: median and interval, the first option on top.

    The Dataset holds `effect` (draw, option) in natural units and `p_best`, `p_harm` and `regret` (option), which stand at the right. Raises
    `CausalError` for another kind of result, a missing variable, other dims, and a level outside 0 to 1.
    """
    import xarray as xr

    faults = _level_faults([level], "rank_plot") + _axes_faults(ax, 1, "rank_plot")
    mend = "give what `rank` returns"
    if not isinstance(ranking, xr.Dataset):
        raise_all([*faults, Fault(f"rank_plot: the ranking is a {type(ranking).__name__}, no Dataset", mend=mend)])
    for name, dims in (
        ("effect", ("draw", "option")),
        ("p_best", ("option",)),
        ("p_harm", ("option",)),
        ("regret", ("option",)),
    ):
        if name in ranking:
            faults += _faults(ranking[name], dims, f"rank_plot, '{name}'", mend)
        else:
            faults.append(Fault(f"rank_plot: the ranking has no '{name}'", mend=mend))
    raise_all(faults)
    values = _values(ranking["effect"], ("draw", "option"))
    middle, low, high = _quantiles(values, (0.5, *_tails(level)))
    labels = [_wrapped(str(name)) for name in ranking["option"].to_numpy()]
    page = _page(ax, width=8.0, height=1.7 + _heights(labels))
    panel = page.panels[0]
    y = np.arange(len(labels))
    panel.axvline(0.0, color=_GREY, linewidth=0.9)
    panel.hlines(y, low, high, colors=_MAIN, linewidth=2.0, gid="interval")
    panel.plot(middle, y, linestyle="none", marker="o", markersize=6, color=_MAIN, gid="median")
    _rows(panel, labels)
    for k, (name, head) in enumerate((("p_best", "P(best)"), ("p_harm", "P(harm)"))):
        _beside(panel, y, [_share(float(one)) for one in ranking[name]], 52 * k, head)
    _beside(panel, y, [_number(float(one)).lstrip("+") for one in ranking["regret"]], 104, "regret")
    outcome = f" in {ranking.attrs['outcome']}" if ranking.attrs.get("outcome") else ""
    over = _OVER.get(str(ranking.attrs.get("over")), "")
    panel.set_xlabel(_wrapped(f"change{outcome}, natural units{over}", 60), fontsize=_MEDIUM)
    better = f" ({ranking.attrs['better']} is better)" if ranking.attrs.get("better") else ""
    says = (
        f"Dot: median. Line: {_level_words([level])}. Regret: what is lost, on average, against the best in each draw."
    )
    _words(page, f"Options by what they change{outcome}{better}", says, [values], {"": ranking})
    return page.figure


def worth_knowing(values: xr.DataArray, ax: Axes | None = None) -> Figure:
    """What it would be worth to know each thing, (what) in units of the outcome: bars, the largest on top.

    Takes what `value_of_information` returns. With the attribute `evpi` a broken line shows what it is worth to know everything. Raises
    `CausalError` for other dims.
    """
    wrong = _faults(values, ("what",), "worth_knowing", "give what `value_of_information` returns")
    raise_all(_axes_faults(ax, 1, "worth_knowing") + wrong)
    worth = _values(values, ("what",))
    order = np.argsort(-worth, kind="stable")  # what is undefined comes last
    worth = worth[order]
    labels = [_wrapped(str(name)) for name in values["what"].to_numpy()[order]]
    page = _page(ax, width=7.2, height=1.6 + _heights(labels))
    panel = page.panels[0]
    panel.barh(np.arange(len(labels)), worth, height=0.55, color=_MAIN, alpha=0.45)
    panel.axvline(0.0, color=_GREY, linewidth=0.9)
    _rows(panel, labels)
    _beside(panel, np.arange(len(labels)), [_number(one).lstrip("+") for one in worth], 0, "worth")
    says = "Bars: how much the expected regret of the best choice falls if that alone were known."
    everything = values.attrs.get("evpi")
    if everything is not None and np.isfinite(float(everything)):
        panel.axvline(float(everything), color=_DOWN, linewidth=1.3, linestyle="--", gid="evpi")
        says += f" Broken line: if everything were known ({_number(float(everything)).lstrip('+')})."
    unit = f", {values.attrs['unit']}" if values.attrs.get("unit") else ", units of the outcome"
    panel.set_xlabel(_wrapped(f"expected regret that is avoided{unit}", 60), fontsize=_MEDIUM)
    if np.isnan(worth).any():
        says += " Without a bar: undefined."
    _words(page, "What is worth knowing", says, [], {"": values})
    return page.figure


# ---------------------------------------------------------------- what is given


def _faults(given: Any, dims: tuple[str, ...], where: str, mend: str) -> list[Fault]:
    import xarray as xr

    if not isinstance(given, xr.DataArray):
        return [Fault(f"{where}: the result is a {type(given).__name__}, no DataArray", mend=mend)]
    found = tuple(str(dim) for dim in given.dims)
    if set(found) != set(dims):
        if "chain" in found:
            mend += "; put chains and draws into one dim 'draw'"
        return [Fault(f"{where}: the result has dims ({', '.join(found)}), not ({', '.join(dims)})", mend=mend)]
    faults: list[Fault] = []
    if given.dtype.kind not in "iuf":
        faults.append(Fault(f"{where}: the result holds no numbers but {given.dtype}", mend=mend))
    if given.size == 0:
        empty = ", ".join(f"'{dim}'" for dim in dims if given.sizes[dim] == 0)
        faults.append(Fault(f"{where}: the result is empty along {empty}", mend=mend))
    return faults


def _level_faults(levels: Any, where: str) -> list[Fault]:
    mend = "give a share between 0 and 1, for instance .9"
    if isinstance(levels, str) or not isinstance(levels, Iterable):
        return [Fault(f"{where}: levels={levels!r} is no sequence of levels", mend="give for instance levels=(.5, .9)")]
    given = list(levels)
    if not given:
        return [Fault(f"{where}: no level is given", mend="give for instance levels=(.5, .9)")]
    return [
        Fault(f"{where}: {level!r} is no level of an interval", mend=mend)
        for level in given
        if isinstance(level, bool) or not isinstance(level, Real) or not 0 < float(level) < 1
    ]


def _axes_faults(given: Any, count: int, where: str, *, many: bool = False) -> list[Fault]:
    from matplotlib.axes import Axes

    if given is None:
        return []
    axes = np.ravel(np.asarray(given, dtype=object))
    fit = all(isinstance(one, Axes) and one.get_figure() is not None for one in axes)
    if not fit or (not many and len(axes) != 1):
        mend = "give Matplotlib Axes, or leave it out for a new figure"
        what = f"what is given to draw in is a {type(given).__name__}, no Axes of a figure"
        return [Fault(f"{where}: {what}", mend=mend)]
    if len(axes) < count:
        return [Fault(f"{where} draws {count} panels, and {len(axes)} axes are given", mend=f"give {count} axes")]
    return []


def _values(given: xr.DataArray, dims: tuple[str, ...]) -> Floats:
    """The numbers in the order of `dims`; what is infinite cannot be drawn and counts as undefined."""
    values = given.transpose(*dims).to_numpy().astype(float)
    values[np.isinf(values)] = np.nan
    return values


def _quantiles(values: Floats, masses: Sequence[float]) -> Floats:
    """Quantiles over the first axis of what is defined, (mass, ...); NaN where nothing is."""
    known = ~np.isnan(values)
    whole = known.all(axis=0)
    if whole.all():
        return np.quantile(values, masses, axis=0)
    out = np.full((len(masses), *values.shape[1:]), np.nan)
    out[:, whole] = np.quantile(values[:, whole], masses, axis=0)
    partly = known.any(axis=0) & ~whole
    out[:, partly] = np.nanquantile(values[:, partly], masses, axis=0)
    return out


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _largest(values: Floats, most: int) -> list[int]:
    """The units to draw: all in their order, or the `most` whose median (over draws) is furthest from zero at some time."""
    if values.shape[1] <= most:
        return list(range(values.shape[1]))
    middle = np.abs([_quantiles(values[:, unit], (0.5,))[0] for unit in range(values.shape[1])])
    reach = np.where(np.isnan(middle), -1.0, middle).max(axis=1)
    return [int(unit) for unit in np.argsort(-reach, kind="stable")[:most]]


@dataclass(frozen=True, slots=True)
class _Clock:
    """Where each effect's times stand on the axis; `texts` are the names of 0, 1, 2, ... where times are texts."""

    at: tuple[NDArray[Any], ...]
    texts: tuple[str, ...] = ()


def _clock(times: Sequence[NDArray[Any]], where: str) -> _Clock:
    kinds = {"numbers" if one.dtype.kind in "iuf" else "dates" if one.dtype.kind == "M" else "texts" for one in times}
    if len(kinds) > 1:
        mend = "draw them in figures of their own, or give all the same kind of times"
        raise CausalError(Fault(f"{where}: the effects' times are {' and '.join(sorted(kinds))}", mend=mend))
    if kinds != {"texts"}:
        return _Clock(tuple(times))
    texts = tuple(dict.fromkeys(str(time) for one in times for time in one))
    place = {text: k for k, text in enumerate(texts)}
    return _Clock(tuple(np.array([place[str(time)] for time in one]) for one in times), texts)


# ---------------------------------------------------------------- where it is drawn


@dataclass(frozen=True, slots=True)
class _Page:
    """The panels to draw in, and whether the figure is our own: then words go to its margins, and to the panels' otherwise."""

    figure: Figure
    panels: tuple[Axes, ...]
    own: bool


def _page(
    given: Any, grid: tuple[int, int] = (1, 1), count: int = 1, *, width: float = 6.4, height: float = 4.2
) -> _Page:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if given is not None:
        panels = tuple(np.ravel(np.asarray(given, dtype=object))[:count])
        figure = panels[0].get_figure(root=True)
        return _Page(figure, panels, own=False)
    figure = Figure((width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06))
    # Notebooks show a figure that pyplot does not know only if it says how.
    vars(figure)["_repr_png_"] = partial(_png, figure)
    panels = tuple(figure.add_subplot(*grid, k + 1) for k in range(count))
    return _Page(figure, panels, own=True)


def _png(figure: Figure) -> bytes:
    """The figure as a notebook shows it."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _words(page: _Page, heading: str, says: str, values: Sequence[Floats], results: Mapping[str, Any]) -> None:
    """What the picture shows above it; beneath it what its marks mean, what is undefined, and what it rests on."""
    texts = [says, *_undefined(values)]
    grounds: dict[str, list[str]] = {}
    for name, result in results.items():
        if result.attrs.get("rests_on"):
            grounds.setdefault(str(result.attrs["rests_on"]), []).append(name)
    for ground, names in grounds.items():
        whose = "" if len(names) == len(results) else f"{', '.join(names)}: "
        begins = "" if ground.lower().startswith("rests on") else "rests on: " if whose else "Rests on: "
        texts.append(f"{whose}{begins}{ground}")
    small: dict[str, Any] = {"fontsize": _SMALL, "color": _GREY}
    if page.own:
        width = page.figure.get_figwidth()
        page.figure.suptitle(_fitted(heading, width, _LARGE), x=0.01, ha="left", fontsize=_LARGE, color=_INK)
        note = "\n".join(_fitted(text, width, _SMALL) for text in texts)
        # The pages' heights hold three lines of notes; more lines are not taken from the panels.
        more = max(0, note.count("\n") - 2)
        page.figure.set_figheight(page.figure.get_figheight() + more * 1.25 * _SMALL / 72)
        page.figure.supxlabel(note, x=0.01, ha="left", **small)
        return
    first, last = page.panels[0], page.panels[-1]
    if not first.get_title():
        above = _fitted(heading, _inches(first), _MEDIUM)
        first.set_title(above, loc="left", fontsize=_MEDIUM, pad=18.0 if first.texts else None)
    note = "\n".join(_fitted(text, 0.8 * _inches(last), _SMALL) for text in texts)
    last.annotate(
        note,
        xy=(0.0, 0.0),
        xycoords=("axes fraction", last.xaxis.label),
        xytext=(0, -4),
        textcoords="offset points",
        va="top",
        annotation_clip=False,
        **small,
    )


def _undefined(values: Sequence[Floats]) -> list[str]:
    shares = [1 - np.isfinite(one).mean(axis=0) for one in values]
    worst = max((float(share.max()) for share in shares), default=0.0)
    if worst == 0.0:
        return []
    if worst == 1.0:
        return ["Undefined or infinite draws are left out; a gap stands where no draw is defined."]
    return [f"Undefined or infinite in up to {_share(worst)} of the draws, which are left out."]


def _band(
    panel: Axes, x: NDArray[Any], draws: Floats, levels: Sequence[float], colour: str, line: Any, shade: float = 0.2
) -> None:
    """The median over (draw, time) as a line and the levels as bands; a time between two gaps as a dot with a bar."""
    (middle,) = _quantiles(draws, (0.5,))
    known = np.concatenate([[False], np.isfinite(middle), [False]])
    alone = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])
    for level in sorted(levels, reverse=True):
        low, high = _quantiles(draws, _tails(level))
        panel.fill_between(x, low, high, color=colour, alpha=shade, linewidth=0, gid=f"band {level:g}")
        panel.vlines(x[alone], low[alone], high[alone], colors=colour, linewidth=1.2)
    panel.plot(
        x, middle, color=colour, linestyle=line, linewidth=1.8, marker="o", markersize=4, markevery=alone, gid="median"
    )
    # The axis runs over all times, those of a gap at its end too.
    panel.plot(x, np.zeros(len(x)), linestyle="none", gid="times")
    if not known.any():
        panel.text(0.5, 0.6, "undefined", transform=panel.transAxes, ha="center", va="center", color=_GREY)


def _legend(panel: Axes, names: Sequence[str]) -> None:
    """The names of several effects to the right of the panel, where they cover nothing."""
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=_COLOURS[k % len(_COLOURS)], linestyle=_LINES[k % len(_LINES)], linewidth=1.8)
        for k in range(len(names))
    ]
    labels = [_wrapped(name) for name in names]
    panel.legend(lines, labels, fontsize=_SMALL, handlelength=3.2, loc="upper left", bbox_to_anchor=(1.01, 1.0))


def _zero(panel: Axes) -> None:
    panel.axhline(0.0, color=_GREY, linewidth=0.9, zorder=1)
    panel.tick_params(labelsize=_SMALL)


def _same_scale(panels: Sequence[Axes], values: Floats, level: float) -> None:
    reach = _quantiles(values, _tails(level))
    low, high = (min(0.0, np.nanmin(reach)), max(0.0, np.nanmax(reach))) if np.isfinite(reach).any() else (-1.0, 1.0)
    room = 0.06 * (high - low) or 1.0
    for panel in panels:
        panel.set_ylim(low - room, high + room)


def _time_axis(panel: Axes, clock: _Clock) -> None:
    from matplotlib import dates, ticker

    if not clock.texts:
        kind = clock.at[0].dtype.kind
        if kind == "M":
            locator = dates.AutoDateLocator(minticks=2, maxticks=6)
            panel.xaxis.set_major_locator(locator)
            panel.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        else:
            whole = all(bool((one == np.round(one)).all()) for one in clock.at)
            panel.xaxis.set_major_locator(ticker.MaxNLocator("auto", integer=whole, steps=[1, 2, 5, 10]))
            panel.ticklabel_format(axis="x", useOffset=False, style="plain")
        return
    letters = max(len(text) for text in clock.texts)
    room = 72 * _inches(panel)
    every = max(1, int(np.ceil(len(clock.texts) * (min(letters, _WIDE) * _SMALL * 0.62 + 8) / room)))
    shown = range(0, len(clock.texts), every)
    panel.set_xticks(shown, [_wrapped(clock.texts[k]) for k in shown])


def _rows(panel: Axes, labels: Sequence[str]) -> None:
    """Names down the side, the first on top."""
    panel.set_yticks(range(len(labels)), labels)
    panel.set_ylim(len(labels) - 0.5, -0.5)
    panel.tick_params(labelsize=_MEDIUM)
    panel.tick_params(axis="y", length=0)


def _beside(panel: Axes, y: NDArray[Any], texts: Sequence[str], points: float, head: str) -> None:
    """A column of texts to the right of the panel, `points` from its first one, under its head."""
    style: dict[str, Any] = {"textcoords": "offset points", "fontsize": _SMALL, "annotation_clip": False}
    for at, text in zip(y, texts, strict=True):
        where = ("axes fraction", "data")
        panel.annotate(text, (1.0, float(at)), xytext=(8 + points, 0), xycoords=where, va="center", color=_INK, **style)
    panel.annotate(head, (1.0, 1.0), xytext=(8 + points, 4), xycoords="axes fraction", color=_GREY, **style)


def _heights(labels: Sequence[str]) -> float:
    """Inches that the rows need: all are alike, and names of several lines need more."""
    return len(labels) * max(0.32, 0.17 * max(label.count("\n") + 1 for label in labels) + 0.1)


def _inches(panel: Axes) -> float:
    figure = panel.get_figure(root=True)
    return panel.bbox.width / figure.dpi if figure else 0.0


# ---------------------------------------------------------------- words and numbers


def _wrapped(text: str, width: int = _WIDE) -> str:
    """Text in lines of `width` letters; a dollar sign is one, and no mathematics."""
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [text]
    return "\n".join(lines).replace("$", r"\$")


def _fitted(text: str, inches: float, size: float) -> str:
    """Text in lines of so many inches at a letter size in points."""
    return _wrapped(text, max(20, int(inches * 72 / (size * 0.52))))


def _level_words(levels: Sequence[float]) -> str:
    words = [f"{100 * level:g} %" for level in sorted(levels)]
    if len(words) == 1:
        return f"{words[0]} interval"
    return f"{', '.join(words[:-1])} and {words[-1]} intervals"


def _share(share: float) -> str:
    """A probability in per cent; never 0 or 100 where it is not.

    >>> _share(0.001), _share(0.25), _share(1.0)
    ('<1 %', '25 %', '100 %')
    """
    if not np.isfinite(share):
        return "undefined"
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def _number(value: float) -> str:
    """A number to three digits with its sign.

    >>> _number(0.12345), _number(-12345.6), _number(0.0)
    ('+0.123', '−12,346', '0')
    """
    if not np.isfinite(value):
        return "undefined"
    if value == 0:
        return "0"
    text = f"{value:+,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:+.3g}"
    return text.replace("-", "−")
