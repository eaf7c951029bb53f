"""Pictures of interventions: what the artists hold is what numpy gives, and a reader can tell what is shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import colors, image
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.text import Text

from causal.decide import rank, value_of_information
from causal.dynamics import impulse_responses
from causal.errors import CausalError
from causal.figures import fan, rank_plot, response_grid, ribbons, waterfall, worth_knowing
from causal.intervene import Shift
from causal.mediation import mediated_parts
from causal.simulate import contrast
from causal.syntax import read_graph
from tests.oracle.loops import FOUR
from tests.oracle.worlds import frame, made_fit, made_model

DRAWS = 41
YEARS = np.arange(2010, 2017)
LONG = "eradicate coca in five departments for three years and leave again"


def effect(shift: float = 0.0, *, times: Any = YEARS, name: str | None = "illicit", **attrs: Any) -> xr.DataArray:
    values = np.random.default_rng(3).gamma(2.0, 1.0, (DRAWS, len(times))) + shift
    return xr.DataArray(values, dims=("draw", "time"), coords={"time": times}, name=name, attrs=attrs)


def by_unit(names: list[str], **attrs: Any) -> xr.DataArray:
    sizes = 1.0 + np.arange(len(names))[:, None]  # the later a unit, the more it changes
    values = np.random.default_rng(4).gamma(2.0, 1.0, (DRAWS, len(names), len(YEARS))) * sizes
    coords = {"unit": names, "time": YEARS}
    return xr.DataArray(values, dims=("draw", "unit", "time"), coords=coords, name="illicit", attrs=attrs)


def parts(names: tuple[str, ...] = ("direct", "by corruption", "by revenue"), **attrs: Any) -> xr.DataArray:
    values = np.random.default_rng(5).normal([-1.0, 0.4, -0.2], 0.5, (DRAWS, 3))
    return xr.DataArray(values, dims=("draw", "part"), coords={"part": list(names)}, name="illicit", attrs=attrs)


def responses(**attrs: Any) -> xr.DataArray:
    values = np.random.default_rng(6).normal(size=(DRAWS, 3, 2, 5))
    coords = {"cause": ["a", "b", "c"], "effect": ["a", "b"], "step": range(5)}
    return xr.DataArray(values, dims=("draw", "cause", "effect", "step"), coords=coords, attrs=attrs)


def ranking(names: tuple[str, ...] = ("cut it", "shift it", "nothing"), **attrs: Any) -> xr.Dataset:
    values = np.random.default_rng(7).normal([-1.0, -0.5, 0.0], [0.5, 0.4, 0.0], (DRAWS, 3))
    data = {
        "effect": (("draw", "option"), values),
        "p_best": ("option", [0.714, 0.004, 0.282]),
        "p_harm": ("option", [0.0, 0.125, 1.0]),
        "regret": ("option", [0.01, 0.25, 1234.5]),
    }
    return xr.Dataset(data, coords={"option": list(names)}, attrs={"outcome": "illicit", "better": "lower", **attrs})


def worth(**attrs: Any) -> xr.DataArray:
    coords = {"what": ["a -> b", "b -> c", "c -> d", "the courts"]}
    return xr.DataArray([0.1, 0.3, np.nan, 0.2], dims="what", coords=coords, attrs={"evpi": 0.5, "unit": "ha", **attrs})


PICTURES: dict[str, Callable[..., Figure]] = {
    "fan": lambda **attrs: fan(effect(**attrs)),
    "several fans": lambda **attrs: fan({"one": effect(**attrs), LONG: effect(1.0)}),
    "ribbons": lambda **attrs: ribbons(by_unit(["u1", "u2", LONG], **attrs)),
    "waterfall": lambda **attrs: waterfall(parts(**attrs)),
    "response grid": lambda **attrs: response_grid(responses(**attrs)),
    "rank plot": lambda **attrs: rank_plot(ranking(**attrs)),
    "worth knowing": lambda **attrs: worth_knowing(worth(**attrs)),
}


def quantiles(values: Any, *masses: float) -> Any:
    return np.quantile(np.asarray(values), masses, axis=0)


def medians(panel: Axes) -> list[Any]:
    return [line for line in panel.lines if line.get_gid() == "median"]


def bands(panel: Axes) -> dict[str, tuple[Any, Any, Any]]:
    """The edges of each band: its times, low and high."""
    found: dict[str, tuple[Any, Any, Any]] = {}
    for band in panel.collections:
        if isinstance(band, PolyCollection):
            points = np.concatenate([path.vertices for path in band.get_paths()])
            x = np.unique(points[:, 0])
            edges = [[points[points[:, 0] == at, 1].min(), points[points[:, 0] == at, 1].max()] for at in x]
            found[str(band.get_gid())] = (x, *np.array(edges).T)
    return found


def intervals(panel: Axes) -> Any:
    """The ends of the interval lines: (row, low or high)."""
    (lines,) = [one for one in panel.collections if one.get_gid() == "interval"]
    assert isinstance(lines, LineCollection)
    return np.array([segment[:, 0] for segment in lines.get_segments()])


def texts(figure: Figure) -> list[str]:
    return [one.get_text().replace("\n", " ") for one in figure.findobj(Text) if one.get_text()]


def shown(figure: Figure) -> list[Text]:
    """The texts that a reader sees; Matplotlib keeps labels of ticks beyond an axis, and writes none of them."""
    figure.draw_without_rendering()
    hidden: set[int] = set()
    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            hidden |= {
                id(text) for tick in ticks if not low <= tick.get_loc() <= high for text in (tick.label1, tick.label2)
            }
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and id(text) not in hidden]
    return [text for text in found if text.get_window_extent().width > 0]


def everything(figure: Figure) -> str:
    return " | ".join(texts(figure))


def rgb(colour: Any) -> Any:
    return colors.to_rgb(colour)


def png(figure: Figure) -> Any:
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=60)
    held.seek(0)
    return image.imread(held)


# ---------------------------------------------------------------- the numbers


def test_a_fan_holds_the_quantiles_of_its_draws() -> None:
    given = effect()
    (panel,) = fan(given, levels=(0.9, 0.5)).axes
    (line,) = medians(panel)
    np.testing.assert_array_equal(line.get_xdata(), YEARS)
    np.testing.assert_allclose(line.get_ydata(), quantiles(given, 0.5)[0], rtol=1e-13)
    found = bands(panel)
    assert list(found) == ["band 0.9", "band 0.5"]  # the wider lies behind
    for gid, masses in (("band 0.9", (0.05, 0.95)), ("band 0.5", (0.25, 0.75))):
        x, low, high = found[gid]
        np.testing.assert_array_equal(x, YEARS)
        np.testing.assert_allclose([low, high], quantiles(given, *masses), rtol=1e-13)


def test_a_fan_takes_its_dims_in_any_order() -> None:
    given = effect()
    turned, straight = (medians(fan(one).axes[0])[0].get_ydata() for one in (given.transpose("time", "draw"), given))
    np.testing.assert_array_equal(turned, straight)


def test_a_fan_shows_zero_and_says_what_it_shows() -> None:
    figure = fan(effect(5.0), label="shift corruption -1 from 2012")
    (panel,) = figure.axes
    assert panel.get_ylim()[0] < 0 < panel.get_ylim()[1]
    assert panel.get_ylabel() == "illicit\nchange, natural units"
    assert figure.get_suptitle() == "shift corruption -1 from 2012"
    assert "Line: median. Bands: 50 % and 90 % intervals." in texts(figure)


def test_several_fans_differ_by_colour_and_line_and_have_a_legend() -> None:
    given = {f"option {k}": effect(float(k)) for k in range(8)}
    (panel,) = fan(given).axes
    lines = medians(panel)
    assert len(lines) == 8
    for line, one in zip(lines, given.values(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), quantiles(one, 0.5)[0], rtol=1e-13)
    looks = [(line.get_color(), line._unscaled_dash_pattern) for line in lines]
    assert len({str(look) for look in looks}) == 8
    assert len({str(dash) for _, dash in looks[:5]}) == 5  # not by colour alone
    legend = panel.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == list(given)
    shown = [(line.get_color(), line._unscaled_dash_pattern) for line in legend.get_lines()]
    assert shown == looks


def test_a_dataset_of_effects_is_several_fans() -> None:
    given = xr.Dataset({"illicit": effect(), "presence": effect(2.0)})
    (panel,) = fan(given).axes
    assert len(medians(panel)) == 2
    assert panel.get_ylabel() == "change, natural units"  # of two outcomes, which the legend names


def test_fans_of_dates_and_texts_stand_at_their_times() -> None:
    dates = pd.date_range("2010-01-01", periods=7, freq="YS")
    (panel,) = fan(effect(times=dates)).axes
    np.testing.assert_array_equal(medians(panel)[0].get_xdata(orig=False), date2num(dates))
    words = [f"wave {k}" for k in range(1, 6)]
    figure = fan({"early": effect(times=words[:4]), "late": effect(times=words[2:])})
    early, late = (line.get_xdata() for line in medians(figure.axes[0]))
    np.testing.assert_array_equal(early, [0, 1, 2, 3])
    np.testing.assert_array_equal(late, [2, 3, 4])
    assert set(words) <= set(texts(figure))


def test_many_long_text_times_do_not_overlap() -> None:
    seen = shown(fan(effect(times=[f"first quarter of {year}" for year in range(1990, 2030)])))
    boxes = [text.get_window_extent() for text in seen if text.get_text().startswith("first")]
    assert len(boxes) >= 3
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_whole_years_have_whole_ticks() -> None:
    seen = {text.get_text() for text in shown(fan(effect(times=[2010, 2011, 2012])))}
    assert {text for text in seen if text.startswith("20")} == {"2010", "2011", "2012"}


def test_ribbons_hold_each_units_quantiles_on_one_scale() -> None:
    given = by_unit(["u1", "u2", "u3"])
    figure = ribbons(given, level=0.8)
    assert [panel.get_title() for panel in figure.axes] == ["u1", "u2", "u3"]
    for k, panel in enumerate(figure.axes):
        np.testing.assert_allclose(medians(panel)[0].get_ydata(), quantiles(given[:, k], 0.5)[0], rtol=1e-13)
        _, low, high = bands(panel)["band 0.8"]
        np.testing.assert_allclose([low, high], quantiles(given[:, k], 0.1, 0.9), rtol=1e-13)
    assert len({panel.get_ylim() for panel in figure.axes}) == 1
    low, high = figure.axes[0].get_ylim()
    reach = quantiles(given, 0.1, 0.9)
    assert low < min(0.0, reach.min())
    assert high > reach.max()
    assert "Median and 80 % interval." in texts(figure)


def test_of_many_units_those_that_change_most_are_drawn_first() -> None:
    given = by_unit([f"u{k}" for k in range(30)])
    given[:, 4] *= -100.0  # a large fall is a large change
    figure = ribbons(given, most=5)
    reach = np.abs(np.median(given, axis=0)).max(axis=1)
    wanted = [f"u{k}" for k in np.argsort(-reach)[:5]]
    assert wanted[0] == "u4"
    assert [panel.get_title() for panel in figure.axes] == wanted
    assert "Median and 90 % interval. 25 of 30 units are left out, those that change least." in texts(figure)


def test_units_that_are_named_are_drawn_in_their_order() -> None:
    figure = ribbons(by_unit([f"u{k}" for k in range(20)]), units=["u7", "u2"], most=1)
    assert [panel.get_title() for panel in figure.axes] == ["u7", "u2"]
    assert "Median and 90 % interval. 18 of 20 units are left out." in texts(figure)
    assert [panel.get_title() for panel in ribbons(by_unit(["u1", "u2"]), units="u2").axes] == ["u2"]


def test_a_waterfalls_bars_add_up_to_the_total() -> None:
    given = parts()
    (panel,) = waterfall(given).axes
    means = given.to_numpy().mean(axis=0)
    starts = [0.0, means[0], means[0] + means[1], 0.0]
    bars = panel.patches
    np.testing.assert_allclose([bar.get_x() for bar in bars], starts, atol=1e-14)
    np.testing.assert_allclose([bar.get_width() for bar in bars], [*means, means.sum()], rtol=1e-13)
    total = given.to_numpy().sum(axis=1)
    np.testing.assert_allclose(bars[-1].get_width(), total.mean(), rtol=1e-13)
    low, high = quantiles(np.column_stack([given, total]), 0.05, 0.95)
    np.testing.assert_allclose(intervals(panel), np.column_stack([starts + low, starts + high]), rtol=1e-12)
    assert [label.get_text() for label in panel.get_yticklabels()] == ["direct", "by corruption", "by revenue", "total"]
    bottom, top = panel.get_ylim()
    assert bottom > top  # the first on top


def test_a_waterfall_tells_ups_from_downs_by_sign_too() -> None:
    figure = waterfall(parts())
    told = [text for text in texts(figure) if " to " in text]
    means = parts().to_numpy().mean(axis=0)
    assert [text[0] for text in told] == ["−" if mean < 0 else "+" for mean in (*means, means.sum())]
    assert f"{means[1]:+.3g}" == told[1].split()[0]


def test_a_response_grid_has_a_column_for_each_cause_and_a_row_for_each_effect() -> None:
    given = responses()
    figure = response_grid(given)
    assert len(figure.axes) == 6
    for k, panel in enumerate(figure.axes):
        row, column = divmod(k, 3)
        wanted = given.isel(cause=column, effect=row)
        (line,) = medians(panel)
        np.testing.assert_allclose(line.get_ydata(), quantiles(wanted, 0.5)[0], rtol=1e-13)
        _, low, high = bands(panel)["band 0.9"]
        np.testing.assert_allclose([low, high], quantiles(wanted, 0.05, 0.95), rtol=1e-13)
        place = panel.get_subplotspec()
        assert place is not None
        assert (place.rowspan.start, place.colspan.start) == (row, column)
    assert [panel.get_title() for panel in figure.axes[:3]] == ["shift of a", "shift of b", "shift of c"]
    assert [panel.get_ylabel() for panel in figure.axes[::3]] == ["a", "b"]


def test_a_rank_plot_keeps_the_order_and_tells_the_chances() -> None:
    given = ranking()
    figure = rank_plot(given)
    (panel,) = figure.axes
    np.testing.assert_allclose(medians(panel)[0].get_xdata(), quantiles(given["effect"], 0.5)[0], rtol=1e-13)
    np.testing.assert_allclose(intervals(panel), quantiles(given["effect"], 0.05, 0.95).T, rtol=1e-13)
    assert [label.get_text() for label in panel.get_yticklabels()] == ["cut it", "shift it", "nothing"]
    assert panel.get_ylim()[0] > panel.get_ylim()[1]
    rows = {k: [one.get_text() for one in panel.texts if one.xy == (1.0, float(k)) and k != 1] for k in (0, 2)}
    assert rows == {0: ["71 %", "0 %", "0.01"], 2: ["28 %", "100 %", "1,234"]}
    assert {"<1 %", "12 %", "0.25", "P(best)", "P(harm)", "regret"} <= {one.get_text() for one in panel.texts}
    assert figure.get_suptitle() == "Options by what they change in illicit (lower is better)"


def test_what_is_worth_most_to_know_stands_on_top() -> None:
    figure = worth_knowing(worth())
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == ["b -> c", "the courts", "a -> b", "c -> d"]
    np.testing.assert_array_equal([bar.get_width() for bar in panel.patches], [0.3, 0.2, 0.1, np.nan])
    (line,) = [one for one in panel.lines if one.get_gid() == "evpi"]
    assert line.get_xdata() == [0.5, 0.5]
    told = everything(figure)
    assert "if everything were known (0.5)" in told
    assert "Without a bar: undefined." in told
    assert "expected regret that is avoided, ha" in told


def test_a_rank_plot_says_over_which_periods() -> None:
    for over, words in (
        ("end", "in the last period"),
        ("mean", "mean of the periods"),
        ("sum", "sum over the periods"),
    ):
        (panel,) = rank_plot(ranking(over=over)).axes
        assert panel.get_xlabel() == f"change in illicit, natural units, {words}"
    assert rank_plot(ranking()).axes[0].get_xlabel() == "change in illicit, natural units"


def test_results_of_a_fit_are_drawn_as_they_come() -> None:
    rows = frame(("corruption", "illicit", "presence", "revenue"), units=3, times=range(2000, 2008), seed=3)
    fit = made_fit(made_model(read_graph(FOUR), rows), seed=5)
    clean = [Shift("corruption", -1.0, start=2003)]
    change = contrast(fit, clean, outcome="illicit", horizon=2)
    np.testing.assert_allclose(medians(fan(change).axes[0])[0].get_ydata(), np.median(change, axis=0), rtol=1e-12)
    assert len(ribbons(contrast(fit, clean, outcome="illicit", by="unit")).axes) == 3
    shares = mediated_parts(fit, clean, outcome="illicit", through=["presence"]).sel(time=2006)
    last = waterfall(shares).axes[0].patches[-1]
    np.testing.assert_allclose(last.get_width(), change.sel(time=2006).mean(), rtol=1e-9)
    assert len(response_grid(impulse_responses(fit, 4)).axes) == 16
    found = rank(fit, {"clean": clean, LONG: [Shift("presence", 0.5, start=2003)]}, "illicit", better="lower")
    figure = rank_plot(found)
    assert len(figure.axes[0].get_yticklabels()) == 3
    assert found.attrs["rests_on"] in everything(figure)
    (panel,) = worth_knowing(value_of_information(fit, found)).axes
    assert len(panel.patches) == len(fit.model.system.terms)


# ---------------------------------------------------------------- what is undefined


def test_undefined_draws_are_left_out_and_counted() -> None:
    given = effect()
    given[:10, 2] = np.nan
    given[10, 2] = np.inf
    figure = fan(given)
    (panel,) = figure.axes
    wanted = quantiles(given[11:, 2], 0.05, 0.5, 0.95)
    _, low, high = bands(panel)["band 0.9"]
    np.testing.assert_allclose([low[2], medians(panel)[0].get_ydata()[2], high[2]], wanted, rtol=1e-13)
    assert f"in up to {100 * 11 / DRAWS:.0f} % of the draws" in everything(figure)
    assert "Undefined" not in everything(fan(effect()))


def test_a_time_without_any_defined_draw_is_a_gap_and_a_lone_one_a_dot() -> None:
    given = effect()
    given[:, [1, 3, 6]] = np.nan
    figure = fan(given)
    (panel,) = figure.axes
    (line,) = medians(panel)
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), [False, True, False, True, False, False, True])
    np.testing.assert_array_equal(line.get_markevery(), [0, 2])
    assert panel.get_xlim()[1] > YEARS[-1]  # the gap at the end is seen
    bars = [one for one in panel.collections if isinstance(one, LineCollection)]
    wanted = quantiles(given[:, [0, 2]], 0.05, 0.95).T
    np.testing.assert_allclose([segment[:, 1] for segment in bars[0].get_segments()], wanted, rtol=1e-13)
    assert "a gap stands where no draw is defined" in everything(figure)


def test_a_single_time_can_be_seen() -> None:
    (panel,) = fan(effect(times=[2010])).axes
    np.testing.assert_array_equal(medians(panel)[0].get_markevery(), [0])


def test_a_waterfall_leaves_out_draws_with_an_undefined_part() -> None:
    given = parts()
    given[:7, 1] = np.nan
    given[7, 0] = np.nan
    figure = waterfall(given)
    (panel,) = figure.axes
    whole = given.to_numpy()[8:]
    widths = [bar.get_width() for bar in panel.patches]
    np.testing.assert_allclose(widths, [*whole.mean(axis=0), whole.sum(axis=1).mean()], rtol=1e-13)
    starts = [bar.get_x() for bar in panel.patches]
    wanted = quantiles(np.column_stack([whole, whole.sum(axis=1)]), 0.05, 0.95) + starts
    np.testing.assert_allclose(intervals(panel), wanted.T, rtol=1e-12)
    assert f"in up to {100 * 8 / DRAWS:.0f} % of the draws" in everything(figure)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: fan(effect() * np.nan),
        lambda: fan(effect(times=pd.date_range("2010-01-01", periods=7, freq="MS")) * np.nan),
        lambda: ribbons(by_unit(["u1", "u2"]) * np.nan),
        lambda: waterfall(parts() * np.nan),
        lambda: response_grid(responses() * np.nan),
        lambda: rank_plot(ranking() * np.nan),
    ],
)
def test_what_is_undefined_throughout_is_drawn_empty_and_said(draw: Callable[[], Figure]) -> None:
    figure = draw()
    png(figure)
    told = everything(figure)
    assert "undefined" in told
    assert "a gap stands where no draw is defined" in told


# ---------------------------------------------------------------- how it looks


@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_can_be_saved_and_is_not_blank(name: str) -> None:
    seen = png(PICTURES[name]())[..., :3]
    assert (seen.min(axis=2) < 0.5).mean() > 0.005  # lines, bars and letters
    edge = np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]])
    assert (edge > 0.99).all()  # nothing is cut off at the margin


def test_a_notebook_shows_a_picture_that_a_cell_ends_with() -> None:
    from IPython.core.formatters import DisplayFormatter

    told, _ = DisplayFormatter().format(fan(effect()))
    shown_as = image.imread(io.BytesIO(told["image/png"]))
    assert shown_as.shape[0] > 200
    assert shown_as.min() < 0.5


@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_says_its_level_or_what_its_marks_mean(name: str) -> None:
    told = everything(PICTURES[name]())
    assert ("90 % interval" in told) == (name != "worth knowing")
    assert any(word in told.lower() for word in ("median", "means", "expected regret"))


@pytest.mark.parametrize("name", PICTURES)
def test_what_an_answer_rests_on_is_printed_beneath(name: str) -> None:
    ground = "presence -> illicit [lag=1]: prior-driven; illicit -> revenue: not-identified by any study of the bundle"
    told = everything(PICTURES[name](rests_on=ground)).replace("\n", " ")
    assert f"ests on: {ground}" in told
    assert "ests on" not in everything(PICTURES[name]())


def test_one_ground_of_all_effects_is_printed_once_and_others_with_their_names() -> None:
    same = everything(fan({"one": effect(rests_on="a -> b: supported"), "two": effect(rests_on="a -> b: supported")}))
    assert same.count("a -> b: supported") == 1
    assert "Rests on: a -> b: supported" in same
    other = everything(fan({"one": effect(rests_on="a -> b: supported"), "two": effect(rests_on="b -> c: undecided")}))
    assert "one: rests on: a -> b: supported two: rests on: b -> c: undecided" in other


def test_lines_and_letters_stand_out_from_white() -> None:
    def contrast(colour: Any) -> float:
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(colour))
        return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)

    figures = [draw(rests_on="a -> b: supported") for draw in PICTURES.values()]
    figures.append(fan({f"option {k}": effect(float(k)) for k in range(9)}))
    used = {text.get_color() for figure in figures for text in figure.findobj(Text)}
    used |= {line.get_color() for figure in figures for panel in figure.axes for line in medians(panel)}
    assert len(used) >= 8
    assert min(contrast(colour) for colour in used) >= 4.5


@pytest.mark.parametrize(
    "draw",
    [
        lambda: fan({LONG: effect(), "two": effect()}),
        lambda: ribbons(by_unit([LONG, *(f"{LONG} {k}" for k in range(5))])),
        lambda: waterfall(parts((LONG, f"{LONG} 2", "third"))),
        lambda: rank_plot(ranking((LONG, f"{LONG} 2", "nothing"))),
        lambda: worth_knowing(worth().assign_coords(what=[f"{LONG} {k}" for k in range(4)])),
        lambda: response_grid(responses().assign_coords(cause=[LONG, "b", "c"], effect=[LONG, "b"])),
    ],
)
def test_long_names_wrap_and_no_two_texts_overlap(draw: Callable[[], Figure]) -> None:
    figure = draw()
    seen = shown(figure)
    wrapped = [text.get_text() for text in seen if LONG in text.get_text().replace("\n", " ")]
    assert wrapped
    assert all(len(line) <= 28 for text in wrapped for line in text.splitlines())
    boxes = [text.get_window_extent() for text in seen]
    assert len(boxes) > 10
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    page = figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)


def test_long_notes_do_not_take_the_panels_room() -> None:
    def height(figure: Figure) -> float:
        figure.draw_without_rendering()
        return figure.axes[0].bbox.height

    ground = "; ".join(f"{LONG} {k} -> illicit: prior-driven" for k in range(20))
    assert height(fan(effect(rests_on=ground))) == pytest.approx(height(fan(effect())), rel=0.1)


def test_dollars_are_money_and_no_mathematics() -> None:
    figure = waterfall(parts(("pay $5", "pay $6 and $7", "rest")))
    png(figure)
    assert r"pay \$6 and \$7" in texts(figure)


# ---------------------------------------------------------------- where it is drawn


@pytest.mark.parametrize(
    ("draw", "count"),
    [
        (lambda axes: fan(effect(), ax=axes[0]), 1),
        (lambda axes: fan({"one": effect(), "two": effect()}, ax=axes[0]), 1),
        (lambda axes: ribbons(by_unit(["u1", "u2", "u3"]), ax=axes), 3),
        (lambda axes: ribbons(by_unit(["u1"]), ax=axes[0]), 1),
        (lambda axes: waterfall(parts(), ax=axes[0]), 1),
        (lambda axes: response_grid(responses(), axes=axes.reshape(2, 4)), 6),
        (lambda axes: response_grid(responses(), axes=list(axes)), 6),
        (lambda axes: rank_plot(ranking(rests_on="a -> b: supported"), ax=axes[0]), 1),
        (lambda axes: worth_knowing(worth(), ax=axes[0]), 1),
    ],
)
def test_axes_that_are_given_are_drawn_in_and_the_others_left_alone(draw: Callable[..., Figure], count: int) -> None:
    figure = Figure((20, 10), layout="constrained")
    axes = figure.subplots(2, 4).ravel()
    assert draw(axes) is figure
    assert [axis.has_data() for axis in axes] == [True] * count + [False] * (8 - count)
    assert figure.axes == list(axes)
    assert not figure.get_suptitle()
    assert "interval" in everything(figure) or "expected regret" in everything(figure)


def test_pictures_side_by_side_are_not_cut_off() -> None:
    figure = Figure((14, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    fan({"one": effect(rests_on="a -> b: supported"), LONG: effect(2.0)}, ax=left)
    rank_plot(ranking(rests_on="a -> b: supported"), ax=right)
    seen = png(figure)[..., :3]
    assert (np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]]) > 0.99).all()
    boxes = [text.get_window_extent() for text in shown(figure)]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_axes_of_a_part_of_a_figure_give_the_whole_figure_back() -> None:
    whole = Figure((8, 4), layout="constrained")
    part = whole.subfigures(1, 2)[0]
    assert fan(effect(), ax=part.subplots()) is whole


def test_pyplot_knows_nothing_of_a_new_figure() -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    fan(effect())
    assert pyplot.get_fignums() == before


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: fan(by_unit(["u1"])), r"fan: .*dims \(draw, unit, time\), not \(draw, time\); .*take `ribbons`"),
        (
            lambda: fan(effect().expand_dims("chain")),
            r"\(chain, draw, time\), not \(draw, time\); .*put chains and draws into one dim 'draw'",
        ),
        (lambda: fan({"one": effect(), "two": effect().mean("draw")}), r"fan, 'two': .*dims \(time\)"),
        (lambda: fan(effect().to_numpy()), "fan: the result is a ndarray, no DataArray; give what `contrast` returns"),
        (lambda: fan({}), "fan: no effect to draw"),
        (lambda: fan(effect(), levels=()), "fan: no level is given"),
        (lambda: fan(effect(), levels=0.9), "levels=0.9 is no sequence"),
        (lambda: fan(effect()[:0]), "empty along 'draw'"),
        (lambda: fan(effect().astype(str)), "holds no numbers"),
        (
            lambda: fan({"one": effect(), "two": effect(times=[f"w{k}" for k in range(7)])}),
            "the effects' times are numbers and texts; draw them in figures of their own",
        ),
        (lambda: fan(effect(), ax="here"), "what is given to draw in is a str, no Axes"),
        (lambda: fan(effect(), ax=Figure().subplots(1, 2)), "what is given to draw in is a ndarray"),
        (lambda: ribbons(effect()), r"ribbons: .*not \(draw, unit, time\); .*by='unit'"),
        (lambda: ribbons(by_unit(["north", "south"]), units=["nort"]), "no unit 'nort'; did you mean 'north'"),
        (lambda: ribbons(by_unit(["u1"]), units=[]), "ribbons: no unit to draw"),
        (lambda: ribbons(by_unit(["u1"]), most=0), "most=0 is no number of units"),
        (lambda: ribbons(by_unit(["u1", "u2"]), ax=[Figure().subplots()]), "draws 2 panels, and 1 axes are given"),
        (lambda: waterfall(effect()), r"waterfall: .*not \(draw, part\); give the parts at one time"),
        (lambda: waterfall(parts(("direct", "rest", "Total"))), "'total' is among the parts.*; leave it out"),
        (lambda: response_grid(effect()), r"not \(draw, cause, effect, step\); give what `impulse_responses` returns"),
        (lambda: response_grid(responses(), axes=Figure().subplots(2, 2)), "draws 6 panels, and 4 axes are given"),
        (lambda: rank_plot(effect()), "the ranking is a DataArray, no Dataset; give what `rank` returns"),
        (lambda: rank_plot(ranking().drop_vars("p_harm")), "the ranking has no 'p_harm'"),
        (lambda: rank_plot(ranking().rename(option="choice")), r"'p_best': .*dims \(choice\), not \(option\)"),
        (lambda: worth_knowing(parts()), r"not \(what\); give what `value_of_information` returns"),
    ],
)
def test_a_wrong_result_is_refused_with_what_to_give(draw: Callable[[], Figure], says: str) -> None:
    with pytest.raises(CausalError, match=says):
        draw()


@pytest.mark.parametrize("level", [0.0, 1.0, 90, -0.5, np.nan, True, "wide", None])
def test_a_level_outside_0_to_1_is_refused(level: Any) -> None:
    draws: list[Callable[[], Figure]] = [
        lambda: fan(effect(), levels=(0.5, level)),
        lambda: ribbons(by_unit(["u1"]), level=level),
        lambda: waterfall(parts(), level=level),
        lambda: response_grid(responses(), level=level),
        lambda: rank_plot(ranking(), level=level),
    ]
    for draw in draws:
        with pytest.raises(CausalError, match="is no level of an interval; give a share between 0 and 1"):
            draw()


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(CausalError) as error:
        fan({"one": effect().mean("draw"), "two": by_unit(["u1"])}, levels=(0.5, 2.0), ax=3)
    assert len(error.value.faults) == 4
    with pytest.raises(CausalError) as error:
        ribbons(by_unit(["u1"]), units=["x", "y"], most=-1, level=7)
    assert len(error.value.faults) == 4
