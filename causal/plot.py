"""Pictures: the graph as SVG, and charts of priors, posteriors and of what an intervention changes.

A picture never shows what the source holds without what the data say, or the other way round, and never by colour alone: each
verdict word has a colour *and* a line style and stands on the edge as text, each prior set has a colour *and* a shape,
each prior and posterior a colour *and* a dash. Graphs are drawn by Graphviz; charts are Altair charts, so that a
notebook can change them and a page can show them with or without JavaScript.

>>> from causal.graph import Edge, Graph, Node, Sign
>>> svg = draw_graph(Graph((Node("a"), Node("b")), (Edge("a", "b", 1, Sign.POSITIVE),)), words={"a -> b [lag=1]": "undecided"})
>>> svg.startswith("<svg"), "undecided" in svg
(True, True)
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causal.dist import Dist, Normal
from causal.errors import CausalError, Fault
from causal.graph import Edge, Graph, Sign
from causal.reported import posterior_points

if TYPE_CHECKING:
    import altair as alt

    from causal.analysis import Analysis, Answer
    from causal.fit import Fit
    from causal.query import Identification
    from causal.unroll import Point

PRIOR_LABELS: Mapping[str, str] = {"article": "article's prior", "sceptical": "sceptical prior", "wide": "wide prior"}
"""Prior set -> how pictures name it."""


@dataclass(frozen=True, slots=True)
class EdgeStyle:
    """How the edge of a claim is drawn: colour (at least 4.5 to 1 on white), line and width."""

    colour: str
    line: str
    width: float


STYLES: Mapping[str, EdgeStyle] = {
    "supported": EdgeStyle("#0b6b3a", "solid", 3.2),
    "contradicted": EdgeStyle("#a8201a", "bold", 3.2),
    "negligible": EdgeStyle("#5a5a5a", "dotted", 2.2),
    "prior-driven": EdgeStyle("#6a3d9a", "dashed", 2.2),
    "undecided": EdgeStyle("#1f5fa8", "solid", 1.6),
    "not-identified": EdgeStyle("#9a4a00", "dashed", 1.8),
    "untestable": EdgeStyle("#555555", "dotted", 1.4),
}
"""Verdict word -> how its edge is drawn; an edge without a claim is thin and grey."""
ASSUMED = EdgeStyle("#6b6b6b", "solid", 0.8)

_FONT = "Helvetica,Arial,sans-serif"
_COMMON_CAUSE = {
    "style": "dashed",
    "dir": "both",
    "constraint": "false",
    "color": "#8a8a8a",
    "arrowhead": "open",
    "arrowtail": "open",
}
_MEASURED, _PLAIN = "#dcebf7", "#ffffff"
_INK, _PRIOR, _POSTERIOR = "#1b1b1b", "#8a6d1a", "#14508c"
_SET_COLOURS = {"article": "#8a4b08", "sceptical": "#5b2a86", "wide": "#14508c"}
_SET_SHAPES = {"article": "circle", "sceptical": "square", "wide": "diamond"}
_BEFORE = 2  # periods without an effect that a fan shows, so that the eye sees where it begins


def draw_graph(
    graph: Graph,
    *,
    highlight: Collection[str] = (),
    words: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    core: Collection[str] | None = None,
    links: Mapping[str, str] | None = None,
) -> str:
    """The graph as SVG text, an element to stand alone or inside a page.

    `highlight` names nodes to fill (those that data measure), `core` nodes to frame boldly; `words` gives an edge's verdict
    by its name, several parted by " / "; `labels` a node's name for readers. Signs, lags and words stand on the edges; latent common
    causes are dashed lines with two heads. Edges without a word are drawn thin, as assumed. `links` gives the address that
    an edge leads to, by its name.
    """
    drawing = _drawing(graph, set(highlight), words or {}, labels or {}, set(core or ()), links or {})
    text = drawing.draw(format="svg", prog="dot").decode("utf-8")
    return text[text.index("<svg") :].strip()


def graph_picture(
    graph: Graph,
    format: Literal["png", "svg"] = "svg",
    *,
    highlight: Collection[str] = (),
    words: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    core: Collection[str] | None = None,
) -> bytes:
    """The graph as the bytes of a PNG or SVG file; arguments as for `draw_graph`. Raises `CausalError` for another format."""
    if format not in ("png", "svg"):
        raise CausalError(Fault(f"no picture format '{format}'", mend="take png or svg"))
    drawing = _drawing(graph, set(highlight), words or {}, labels or {}, set(core or ()), {})
    if format == "png":
        drawing.graph_attr["dpi"] = "144"
    return drawing.draw(format=format, prog="dot")


def draw_answer(graph: Graph, query: str, observed: Iterable[str], found: Identification) -> str:
    """What identifies an effect, or stands in its way, as SVG text: the points from the answer's oldest to now.

    One column a period, now on the right. Treatments and outcome are framed boldly, measured points filled; points held fixed
    have a double frame, mediators and instruments a thick one. The path that stays open, or without one the hedge's links, is
    drawn thick and red. Only points that act on the query's, over the periods shown, are drawn. Raises `CausalError` as
    `causal.identification.identify` does.
    """
    from causal.query import read_query
    from causal.separation import ancestors, name_point
    from causal.unroll import unroll

    asked = read_query(graph, query, observed)
    held = (found.adjustment or frozenset()) | found.given
    path = found.path.points if found.path else ()
    named = {*asked.treatments, *asked.through, asked.outcome, *held, *found.through, *path, *found.hedge}
    unrolled = unroll(graph, 1 - min(offset for _, offset in named))
    shown = unrolled.of_mask(ancestors(unrolled, unrolled.mask(named)))
    steps = {frozenset(step) for step in pairwise(path)}
    if not path:
        steps = {frozenset(pair) for pair in unrolled.bidirected if set(pair) <= found.hedge}
    drawing = _canvas("LR")
    for period in sorted({offset for _, offset in shown}):
        column = drawing.subgraph(name=f"period{-period}", rank="same")
        for point in unrolled.points:
            if point in shown and point[1] == period:
                role = _role(point, asked.treatments, asked.outcome, held, found.through)
                filled = _MEASURED if point[0] in asked.measured else _PLAIN
                column.add_node(name_point(point), label=_literal(name_point(point)), fillcolor=filled, **role)
    for pairs, dashed in ((unrolled.directed, False), (unrolled.bidirected, True)):
        for pair in pairs:
            if shown.issuperset(pair):
                thick = {"color": STYLES["contradicted"].colour, "penwidth": "3.2"} if frozenset(pair) in steps else {}
                plain = _COMMON_CAUSE if dashed else {"color": "#444444"}
                drawing.add_edge(*(name_point(point) for point in pair), key=f"{pair}{dashed}", **{**plain, **thick})
    text = drawing.draw(format="svg", prog="dot").decode("utf-8")
    return text[text.index("<svg") :].strip()


def _role(
    point: Point, treatments: tuple[Point, ...], outcome: Point, held: Collection[Point], through: Collection[Point]
) -> dict[str, str]:
    if point in treatments or point == outcome:
        return {"penwidth": "2.6", "color": _INK, "tooltip": "treatment" if point in treatments else "outcome"}
    if point in held:
        return {"peripheries": "2", "tooltip": "held fixed"}
    if point in through:
        return {"penwidth": "2.6", "color": STYLES["supported"].colour, "tooltip": "carries the answer"}
    return {}


@dataclass(frozen=True, slots=True)
class Band:
    """Quantiles .05, .25, .5, .75 and .95 of an effect."""

    low: float
    lower: float
    middle: float
    upper: float
    high: float


def band(draws: Any) -> Band:
    """The `Band` of draws, of any shape."""
    return Band(*(float(value) for value in np.quantile(np.asarray(draws, dtype=float), [0.05, 0.25, 0.5, 0.75, 0.95])))


def prior_band(prior: Dist) -> Band:
    """The `Band` of a distribution."""
    if isinstance(prior, Normal):
        known = NormalDist(prior.mean, prior.sd)
        return Band(*(known.inv_cdf(mass) for mass in (0.05, 0.25, 0.5, 0.75, 0.95)))
    return Band(*(prior.low + mass * (prior.high - prior.low) for mass in (0.05, 0.25, 0.5, 0.75, 0.95)))


def prior_and_posterior(analysis: Analysis, claims: Iterable[str] | None = None, *, columns: int = 2) -> alt.FacetChart:
    """What each prior set holds of a claim's effect before the data, against what it holds after them.

    A panel for each edge of `claims` (their keys; by default the core claims): 90 % interval, 50 % bar and median on the
    standard scale, before and after the data of each study that carries the edge. A claim without data has its prior
    only, and its panel says so. Dotted lines are the smallest effect of interest. Raises `CausalError` where no claim has
    an edge.
    """
    import altair as alt

    chosen = (
        [analysis.bundle.ledger[key] for key in claims]
        if claims is not None
        else [claim for claim in analysis.bundle.ledger.claims if claim.core]
    )
    edges = {claim.edge.name: (claim.edge, claim.smallest_effect) for claim in chosen if claim.edge is not None}
    if not edges:
        raise CausalError(Fault("no claim with an edge to draw", mend="name claims that an edge holds"))
    rows: list[dict[str, Any]] = []
    reach = 0.0
    panels: list[str] = []
    for edge, smallest in edges.values():
        carried = carried_by(analysis, edge.name)
        title = _panel_title(analysis, edge, bool(carried))
        panels.append(title)
        limits = ({"panel": title, "what": "limit", "low": at} for at in (-smallest, smallest) if smallest > 0)
        rows += [{"panel": title, "what": "zero", "low": 0.0}, *limits]
        reach = max(reach, smallest)
        for name, prior in edge_priors(analysis, edge.name).items():
            found = prior_band(prior)
            rows.append(
                {
                    "panel": title,
                    "what": "interval",
                    "prior": PRIOR_LABELS.get(name, name),
                    "kind": "before the data",
                    **asdict(found),
                }
            )
            if name != "wide":
                reach = max(reach, abs(found.low), abs(found.high))
            for study, fits in carried.items():
                after = band(fits[name].edge(edge.name, scale="standard").to_numpy())
                kind = "after the data" if len(analysis.evidence) == 1 else f"after {analysis.bundle.label_of(study)}"
                rows.append(
                    {
                        "panel": title,
                        "what": "interval",
                        "prior": PRIOR_LABELS.get(name, name),
                        "kind": kind,
                        **asdict(after),
                    }
                )
                reach = max(reach, abs(after.low), abs(after.high))
    kinds = list(dict.fromkeys(str(row["kind"]) for row in rows if row["what"] == "interval"))
    order = list(PRIOR_LABELS.values())
    base = alt.Chart().transform_filter("datum.what == 'interval'")
    across = alt.X("low:Q", title="effect (standard scale)", scale=alt.Scale(domain=[-reach * 1.05, reach * 1.05]))
    down = alt.Y("prior:N", title=None, sort=order)
    offset = alt.YOffset("kind:N", sort=kinds)
    colour = alt.Color(
        "kind:N",
        title=None,
        sort=kinds,
        scale=alt.Scale(domain=kinds, range=[_PRIOR, *[_POSTERIOR] * (len(kinds) - 1)]),
    )
    shape = alt.Shape(
        "kind:N",
        title=None,
        sort=kinds,
        scale=alt.Scale(
            domain=kinds, range=["square", *["circle", "diamond", "triangle-up"] * len(kinds)][: len(kinds)]
        ),
    )
    told = [alt.Tooltip(f"{field}:Q", format=".2f") for field in ("low", "middle", "high")]
    layers = (
        alt.Chart().transform_filter("datum.what == 'zero'").mark_rule(color=_INK, strokeWidth=1).encode(x=across),
        alt.Chart()
        .transform_filter("datum.what == 'limit'")
        .mark_rule(color="#6b6b6b", strokeDash=[2, 3])
        .encode(x=across),
        *(
            base.transform_filter(f"(datum.kind == '{kinds[0]}') == {told_before}")
            .mark_rule(clip=True, strokeWidth=2, strokeDash=dash)
            .encode(x=across, x2="high:Q", y=down, yOffset=offset, color=colour, tooltip=["prior:N", "kind:N", *told])
            for told_before, dash in (("true", [5, 3]), ("false", [1, 0]))
        ),
        base.mark_rule(clip=True, strokeWidth=6, opacity=0.45).encode(
            x="lower:Q", x2="upper:Q", y=down, yOffset=offset, color=colour
        ),
        base.mark_point(clip=True, filled=True, size=60, opacity=1).encode(
            x="middle:Q", y=down, yOffset=offset, color=colour, shape=shape
        ),
    )
    drawn = alt.layer(*layers).properties(width=300, height=120)
    chart = drawn.facet(
        facet=alt.Facet("panel:N", title=None, sort=panels, header=_header()),
        columns=columns,
        data=alt.Data(values=rows),
    )
    return _dressed(chart)


def fan(answer: Answer, *, prior_sets: Sequence[str] = ("article", "wide"), label: str = "") -> alt.FacetChart:
    """What an intervention changes over time: median, 50 % and 90 % bands in natural units, a panel for each prior set.

    Only times from shortly before the first effect on are shown. `label` names the outcome for readers. Raises
    `CausalError` for a prior set that the answer lacks.
    """
    import altair as alt

    missing = [name for name in prior_sets if name not in answer.effects]
    if missing:
        raise CausalError(
            Fault(
                f"no effects under the prior set '{missing[0]}'",
                answer.spec.key,
                f"there are: {', '.join(answer.effects)}",
            )
        )
    times = list(answer.effects[prior_sets[0]]["time"].to_numpy())
    whole = all(isinstance(time, (int, np.integer)) for time in times)
    moving = np.zeros(len(times), dtype=bool)
    for name in prior_sets:
        moving |= np.abs(answer.effects[name].transpose("draw", "time").to_numpy()).max(axis=0) > 0
    first = max(int(moving.argmax()) - _BEFORE, 0) if moving.any() else 0
    rows: list[dict[str, Any]] = []
    for name in prior_sets:
        values = answer.effects[name].transpose("draw", "time").to_numpy()
        for at in range(first, len(times)):
            rows.append(
                {
                    "prior": PRIOR_LABELS.get(name, name),
                    "time": int(times[at]) if whole else str(times[at]),
                    **asdict(band(values[:, at])),
                }
            )
    panels = [PRIOR_LABELS.get(name, name) for name in prior_sets]
    return fan_of(alt.Data(values=rows), panels, label or answer.spec.outcome, whole=whole)


def fan_of(data: alt.Data, panels: Sequence[str], outcome: str, *, whole: bool) -> alt.FacetChart:
    """The picture that `fan` makes, of rows (prior, time, low, lower, middle, upper, high) that may come later; `whole`: times are whole numbers."""
    import altair as alt

    over = (
        alt.X("time:Q", title=None, axis=alt.Axis(format="d", tickMinStep=1), scale=alt.Scale(zero=False, nice=False))
        if whole
        else alt.X("time:O", title=None)
    )
    title = f"change in {outcome}"
    base = alt.Chart()
    up = alt.Y("low:Q", title=title)
    layers = (
        base.mark_area(opacity=0.22, color=_POSTERIOR).encode(x=over, y=up, y2="high:Q"),
        base.mark_area(opacity=0.4, color=_POSTERIOR).encode(x=over, y=alt.Y("lower:Q", title=title), y2="upper:Q"),
        base.mark_line(color="#0a2f55", strokeWidth=2).encode(x=over, y=alt.Y("middle:Q", title=title)),
        base.mark_rule(color=_INK, strokeDash=[4, 3]).encode(y=alt.datum(0)),
    )
    drawn = alt.layer(*layers).properties(width=280, height=190)
    facet = alt.Facet("prior:N", title=None, sort=list(panels), header=_header())
    return _dressed(drawn.facet(facet=facet, columns=2, data=data))


def loop_terms(fits: Mapping[str, Fit]) -> alt.LayerChart:
    """Every term of one study's equations under each prior set (`fits`, by prior set): 90 % intervals and medians, standard scale.

    Terms that a road through unmeasured nodes makes are marked "by a road"; a node's effect on itself is its memory.
    """
    import altair as alt

    rows: list[dict[str, Any]] = []
    names: list[str] = []
    for name, fitted in fits.items():
        for term in fitted.model.system.terms:
            text = f"{term.name.replace('->', '→')}{'' if term.edge is not None else ' (by a road)'}"
            names.append(text)
            found = band(fitted.posterior["effect"].sel(edge=term.name).to_numpy())
            rows.append({"term": text, "prior": PRIOR_LABELS.get(name, name), **asdict(found)})
    names = list(dict.fromkeys(names))
    sets = [PRIOR_LABELS.get(name, name) for name in fits]
    base = alt.Chart(alt.Data(values=rows))
    across = alt.X("low:Q", title="effect (standard scale)")
    down = alt.Y("term:N", title=None, sort=names, axis=alt.Axis(labelLimit=320))
    offset = alt.YOffset("prior:N", sort=sets)
    colour = alt.Color(
        "prior:N",
        title=None,
        sort=sets,
        scale=alt.Scale(domain=sets, range=[_SET_COLOURS.get(name, _INK) for name in fits]),
    )
    shape = alt.Shape(
        "prior:N",
        title=None,
        sort=sets,
        scale=alt.Scale(domain=sets, range=[_SET_SHAPES.get(name, "cross") for name in fits]),
    )
    told = [alt.Tooltip(f"{field}:Q", format=".3f") for field in ("low", "middle", "high")]
    chart = alt.layer(
        base.mark_rule(color=_INK, strokeWidth=1).encode(x=alt.datum(0)),
        base.mark_rule(strokeWidth=2).encode(
            x=across, x2="high:Q", y=down, yOffset=offset, color=colour, tooltip=["term:N", "prior:N", *told]
        ),
        base.mark_point(filled=True, size=55, opacity=1).encode(
            x="middle:Q", y=down, yOffset=offset, color=colour, shape=shape
        ),
    ).properties(width=380, height=max(46 * len(names), 60))
    return _dressed(chart)


def forecast_differences(rows: Sequence[Mapping[str, Any]], *, reach: float = 1.5) -> alt.LayerChart:
    """How much worse or better one forecaster did than others, by series: `rows` with series, beside, low, middle and high, in typical swings.

    What lies beyond `reach` either way is drawn at the edge.
    """
    import altair as alt

    inside = [
        {**row, **{end: float(np.clip(row[end], -reach, reach)) for end in ("low", "middle", "high")}} for row in rows
    ]
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    others = list(dict.fromkeys(str(row["beside"]) for row in rows))
    base = alt.Chart(alt.Data(values=inside))
    across = alt.X("low:Q", title="mean score less the other's, typical swings (left: the article's model is better)")
    down = alt.Y("series:N", title=None, sort=names, axis=alt.Axis(labelLimit=320))
    offset = alt.YOffset("beside:N", sort=others)
    colours, shapes = [_POSTERIOR, _PRIOR][: len(others)], ["circle", "square"][: len(others)]
    colour = alt.Color("beside:N", title="beside", sort=others, scale=alt.Scale(domain=others, range=colours))
    shape = alt.Shape("beside:N", title="beside", sort=others, scale=alt.Scale(domain=others, range=shapes))
    chart = alt.layer(
        base.mark_rule(color=_INK, strokeWidth=1).encode(x=alt.datum(0)),
        base.mark_rule(strokeWidth=2).encode(x=across, x2="high:Q", y=down, yOffset=offset, color=colour),
        base.mark_point(filled=True, size=55, opacity=1).encode(
            x="middle:Q", y=down, yOffset=offset, color=colour, shape=shape
        ),
    ).properties(width=380, height=max(34 * len(names), 60))
    return _dressed(chart)


def edge_priors(analysis: Analysis, edge: str) -> dict[str, Dist]:
    """The prior of an edge that claims state, by prior set, as the fits use it (several claims on one edge are mixed)."""
    from causal.analysis import prior_sets

    return {
        name: priors.effects[edge] for name, priors in prior_sets(analysis.bundle).items() if edge in priors.effects
    }


def forest(analysis: Analysis, edges: Sequence[str], *, prior_set: str = "wide", columns: int = 2) -> alt.FacetChart:
    """Effects that several studies share: each study by itself, with the others, what they share, and a study yet unseen.

    A panel for each of `edges`; median, 50 % and 90 % intervals on the standard scale under one prior set. A study by itself has all its rows,
    with the others those that no other study holds. Raises `CausalError` where the analysis holds no model of several studies.
    """
    import altair as alt

    if analysis.together is None:
        raise CausalError(Fault("the studies of this analysis make no one model", mend="see analysis.apart"))
    fit = analysis.together.fits[prior_set]
    rows: list[dict[str, Any]] = []
    for edge in edges:
        pool = next(pool for pool in fit.model.pools if pool.name == edge)
        found: list[tuple[str, str, Any]] = []
        for study, _ in pool.members:
            name = fit.model.names[study]
            alone = carried_by(analysis, edge).get(name)
            if alone is not None:
                found.append((name, "by itself", alone[prior_set].edge(edge, scale="standard").to_numpy()))
            elif study >= len(fit.model.models):
                reported = fit.model.reported[study - len(fit.model.models)]
                found.append(
                    (name, "by itself", posterior_points(reported, fit.model.priors.of(fit.model.graph)[edge]))
                )
            found.append((name, "with the others", fit.within(name, edge).to_numpy()))
        found.append(("what they share", "together", fit.edge(edge, scale="standard").to_numpy()))
        unseen = fit.edge(edge, scale="standard", transported=True)
        found.append(("a study yet unseen", "together", unseen.to_numpy()))
        rows.append({"panel": edge, "what": "zero", "low": 0.0})
        rows += [
            {"panel": edge, "what": "interval", "study": study, "kind": kind, **asdict(band(draws))}
            for study, kind, draws in found
        ]
    kinds = ["by itself", "with the others", "together"]
    order = list(dict.fromkeys(str(row["study"]) for row in rows if row["what"] == "interval"))
    order.sort(key=lambda name: name in ("what they share", "a study yet unseen"))
    across = alt.X("low:Q", title=f"effect (standard scale, {PRIOR_LABELS.get(prior_set, prior_set)})")
    down, offset = alt.Y("study:N", title=None, sort=order), alt.YOffset("kind:N", sort=kinds)
    colour = alt.Color(
        "kind:N", title=None, sort=kinds, scale=alt.Scale(domain=kinds, range=[_PRIOR, _POSTERIOR, _INK])
    )
    shape = alt.Shape(
        "kind:N", title=None, sort=kinds, scale=alt.Scale(domain=kinds, range=["square", "circle", "diamond"])
    )
    told = [alt.Tooltip(f"{field}:Q", format=".2f") for field in ("low", "middle", "high")]
    base = alt.Chart().transform_filter("datum.what == 'interval'")
    layers = (
        alt.Chart().transform_filter("datum.what == 'zero'").mark_rule(color=_INK, strokeWidth=1).encode(x=across),
        base.mark_rule(strokeWidth=2).encode(
            x=across, x2="high:Q", y=down, yOffset=offset, color=colour, tooltip=["study:N", "kind:N", *told]
        ),
        base.mark_rule(strokeWidth=6, opacity=0.45).encode(
            x="lower:Q", x2="upper:Q", y=down, yOffset=offset, color=colour
        ),
        base.mark_point(filled=True, size=60, opacity=1).encode(
            x="middle:Q", y=down, yOffset=offset, color=colour, shape=shape
        ),
    )
    drawn = alt.layer(*layers).properties(width=260, height=30 * len(order) + 20)
    chart = drawn.facet(
        facet=alt.Facet("panel:N", title=None, sort=list(edges), header=_header()),
        columns=columns,
        data=alt.Data(values=rows),
    )
    return _dressed(chart.resolve_scale(x="independent", y="independent"))


def carried_by(analysis: Analysis, edge: str) -> dict[str, Mapping[str, Fit]]:
    """The studies whose equations hold the edge as a term of its own, with their fits by prior set."""
    return {
        name: found.fits
        for name, found in analysis.evidence.items()
        if any(term.edge is not None and term.edge.name == edge for term in found.fits["wide"].model.system.terms)
    }


def _drawing(
    graph: Graph,
    highlight: set[str],
    words: Mapping[str, str],
    labels: Mapping[str, str],
    core: set[str],
    links: Mapping[str, str],
) -> Any:
    drawing = _canvas("LR" if len(graph.nodes) > 12 else "TB")
    for node in graph.nodes:
        label = "\n".join(textwrap.wrap(labels.get(node.name, node.name), 22)) or node.name
        told = {
            "label": _literal(label),
            "fillcolor": _MEASURED if node.name in highlight else _PLAIN,
            "tooltip": _literal(node.name),
        }
        drawing.add_node(node.name, **told, **({"penwidth": "2.6", "color": _INK} if node.name in core else {}))
    for edge in graph.edges:
        word = words.get(edge.name, "")
        style = STYLES.get(word.split(" / ")[0], ASSUMED)
        drawing.add_edge(
            edge.cause,
            edge.effect,
            key=edge.name,
            label=_edge_label(edge, word),
            color=style.colour,
            style=style.line,
            penwidth=str(style.width),
            tooltip=f"{edge.text}{': ' + word if word else ''}",
            **({"URL": links[edge.name]} if edge.name in links else {}),
        )
    for latent in graph.latents:
        lag = f", {_lagged(latent.lag)}" if latent.lag else ""
        drawing.add_edge(
            latent.left,
            latent.right,
            key=latent.name,
            label=f" unmeasured cause{lag} ",
            tooltip=latent.name,
            **_COMMON_CAUSE,
        )
    return drawing


def _canvas(direction: Literal["LR", "TB"]) -> Any:
    import pygraphviz

    drawing: Any = pygraphviz.AGraph(directed=True, strict=False)
    drawing.graph_attr.update(bgcolor="white", pad="0.2", nodesep="0.45", ranksep="0.5", rankdir=direction)
    drawing.node_attr.update(
        shape="box",
        style="rounded,filled",
        fontname=_FONT,
        fontsize="14",
        margin="0.14,0.08",
        color="#444444",
        fillcolor=_PLAIN,
    )
    drawing.edge_attr.update(fontname=_FONT, fontsize="12", fontcolor=_INK, arrowsize="0.8")
    return drawing


def _literal(text: str) -> str:
    """Text that Graphviz neither reads as HTML nor as escapes: a label within angle brackets would be markup."""
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return f" {escaped} " if escaped.startswith("<") and escaped.endswith(">") else escaped


def _edge_label(edge: Edge, word: str) -> str:
    parts = [
        "" if edge.sign is Sign.UNKNOWN else "−" if edge.sign is Sign.NEGATIVE else "+",
        ", ".join(filter(None, (_lagged(edge.lag) if edge.lag else "", f"from {edge.across}" if edge.across else ""))),
        word,
    ]
    return "\\n".join(f"  {part}  " for part in (" ".join(filter(None, parts[:2])), parts[2]) if part)


def _lagged(lag: int) -> str:
    return f"lag {lag}"


def _panel_title(analysis: Analysis, edge: Edge, carried: bool) -> str:
    def label(name: str) -> str:
        card = analysis.bundle.nodes.get(name)
        return card.label if card is not None else name

    said = {Sign.POSITIVE: "raises", Sign.NEGATIVE: "lowers", Sign.UNKNOWN: "moves"}[edge.sign]
    return (
        f"{label(edge.cause)} → {label(edge.effect)}|claimed: {said} it{'' if carried else '. No data: the prior only'}"
    )


def _header() -> Any:
    import altair as alt

    return alt.Header(
        labelExpr="split(datum.value, '|')",
        labelFontSize=13,
        labelFontWeight="bold",
        labelLimit=0,
        labelAnchor="start",
        labelPadding=6,
    )


def _dressed(chart: Any) -> Any:
    """One look for all charts. ARIA labels on every mark are left out: a page describes the picture once, in words."""
    return (
        chart.configure(font=_FONT, background="white", aria=False)
        .configure_axis(
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelColor=_INK,
            titleColor=_INK,
            gridColor="#e4e4e4",
        )
        .configure_legend(orient="top", labelFontSize=12, symbolSize=80, labelLimit=0)
        .configure_view(stroke="#cccccc")
    )
