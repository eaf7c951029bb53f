"""Pictures: what they hold and that they tell by more than colour."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from causal.analysis import Analysis, words_by_edge
from causal.dist import Normal, Uniform
from causal.errors import CausalError
from causal.graph import Edge, Graph, Latent, Node, Sign
from causal.identification import identify
from causal.plot import (
    STYLES,
    band,
    draw_answer,
    draw_graph,
    fan,
    graph_picture,
    loop_terms,
    prior_and_posterior,
    prior_band,
)
from causal.syntax import read_graph
from causal.verdict import WORDS
from tests.toy_bundle import toy_analysis

LOOP = Graph(
    (Node("corruption"), Node("presence"), Node("illicit")),
    (
        Edge("corruption", "presence", 1, Sign.NEGATIVE),
        Edge("presence", "illicit", 2, Sign.NEGATIVE),
        Edge("illicit", "corruption", 0, Sign.POSITIVE),
        Edge("corruption", "corruption", 1),
    ),
    (Latent("corruption", "presence"),),
)


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy_analysis(tmp_path_factory.mktemp("plot"))


def _texts(svg: str) -> list[str]:
    return [
        (element.text or "").strip() for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")
    ]


def test_the_drawing_names_every_node_sign_lag_and_word() -> None:
    svg = draw_graph(LOOP, words={"corruption -> presence [lag=1]": "undecided"}, labels={"presence": "State presence"})
    texts = _texts(svg)
    assert {
        "corruption",
        "State presence",
        "illicit",
        "− lag 1",
        "− lag 2",
        "+",
        "lag 1",
        "undecided",
        "unmeasured cause",
    } <= set(texts)


def test_a_latent_is_dashed_and_an_untold_edge_is_not() -> None:
    svg = draw_graph(LOOP)
    assert svg.count("stroke-dasharray") == 1
    assert len(LOOP.latents) == 1


def test_every_verdict_word_has_a_style_and_no_two_share_colour_line_and_width() -> None:
    assert set(STYLES) == set(WORDS)
    assert len({dataclasses.astuple(style) for style in STYLES.values()}) == len(WORDS)


def test_verdict_words_stand_on_the_edges_as_text_not_as_colour_only() -> None:
    for word in WORDS:
        assert word in _texts(draw_graph(LOOP, words={"illicit -> corruption": word}))


def test_a_verdict_colour_has_a_contrast_of_at_least_four_and_a_half_on_white() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for style in STYLES.values():
        assert 1.05 / (luminance(style.colour) + 0.05) >= 4.5


def test_labels_that_look_like_markup_are_drawn_as_text() -> None:
    svg = draw_graph(LOOP, labels={"presence": "<b>x</b>", "illicit": "a & b \\N"})
    assert {"<b>x</b>", "a & b \\N"} <= set(_texts(svg))


def test_a_core_node_is_framed_boldly_and_a_highlighted_one_filled() -> None:
    plain, marked = draw_graph(LOOP), draw_graph(LOOP, core=["presence"], highlight=["illicit"])
    assert plain.count("#dcebf7") == 0
    assert marked.count("#dcebf7") == 1
    assert plain.count('stroke-width="2.6"') == 0
    assert marked.count('stroke-width="2.6"') == 1


def test_equal_graphs_give_equal_pictures() -> None:
    turned = Graph(tuple(reversed(LOOP.nodes)), tuple(reversed(LOOP.edges)), LOOP.latents)
    assert draw_graph(LOOP) == draw_graph(turned)


def test_a_picture_is_a_png_or_an_svg_file_and_nothing_else() -> None:
    assert graph_picture(LOOP, "png").startswith(b"\x89PNG\r\n")
    ElementTree.fromstring(graph_picture(LOOP, "svg"))
    with pytest.raises(CausalError, match="no picture format 'pdf'"):
        graph_picture(LOOP, "pdf")  # pyright: ignore[reportArgumentType]


def test_the_band_of_a_prior_is_the_band_of_its_draws() -> None:
    generator = np.random.default_rng(1)
    for prior, draws in (
        (Normal(0.2, 0.5), generator.normal(0.2, 0.5, 200_000)),
        (Uniform(-1.0, 0.5), generator.uniform(-1.0, 0.5, 200_000)),
    ):
        assert np.allclose(dataclasses.astuple(prior_band(prior)), dataclasses.astuple(band(draws)), atol=0.01)


def test_a_claim_without_data_shows_its_prior_only_and_says_so(analysis: Analysis) -> None:
    rows = prior_and_posterior(analysis).to_dict()["data"]["values"]
    kinds: dict[str, set[str]] = {}
    for row in rows:
        if row["what"] == "interval":
            kinds.setdefault(row["panel"], set()).add(row["kind"])
    assert len(kinds) == 4
    for panel, found in kinds.items():
        assert ("No data" in panel) == (found == {"before the data"})
    measured = next(found for panel, found in kinds.items() if "No data" not in panel)
    assert measured == {"before the data", "after Toy & panel", "after other-one"}


def test_prior_and_posterior_take_the_intervals_of_the_draws(analysis: Analysis) -> None:
    rows = prior_and_posterior(analysis, ["c2"]).to_dict()["data"]["values"]
    shown = next(row for row in rows if row.get("kind") == "after Toy & panel" and row["prior"] == "wide prior")
    draws = analysis.evidence["main"].fits["wide"].edge("corruption -> presence", scale="standard").to_numpy()
    assert np.allclose([shown["low"], shown["middle"], shown["high"]], np.quantile(draws, [0.05, 0.5, 0.95]))


def test_a_claim_that_no_edge_holds_cannot_be_drawn(analysis: Analysis) -> None:
    with pytest.raises(CausalError, match="no claim with an edge"):
        prior_and_posterior(analysis, ["c5"])


def test_a_fan_holds_the_quantiles_of_the_effect_under_both_prior_sets(analysis: Analysis) -> None:
    answer = analysis.answers[0]
    rows = fan(answer).to_dict()["data"]["values"]
    assert {row["prior"] for row in rows} == {"article's prior", "wide prior"}
    last = next(row for row in rows if row["time"] == 2013 and row["prior"] == "wide prior")
    assert np.allclose(
        [last["low"], last["lower"], last["middle"], last["upper"], last["high"]],
        np.quantile(answer.effects["wide"].sel(time=2013), [0.05, 0.25, 0.5, 0.75, 0.95]),
    )


def test_a_fan_starts_shortly_before_the_first_effect(analysis: Analysis) -> None:
    # The shift begins in 2006 and reaches presence a year later.
    assert min(row["time"] for row in fan(analysis.answers[0]).to_dict()["data"]["values"]) == 2005


def test_a_fan_under_an_unknown_prior_set_is_refused(analysis: Analysis) -> None:
    with pytest.raises(CausalError, match="no effects under the prior set 'bold'"):
        fan(analysis.answers[0], prior_sets=("bold",))


def test_loop_terms_show_every_term_under_every_prior_set(analysis: Analysis) -> None:
    fits = analysis.evidence["main"].fits
    rows = loop_terms(fits).to_dict()["data"]["values"]
    assert len(rows) == 3 * len(fits["wide"].model.system.terms)


def test_the_drawing_of_a_bundle_carries_the_words_of_its_verdicts(analysis: Analysis) -> None:
    assert set(words_by_edge(analysis).values()) <= set(
        _texts(draw_graph(analysis.bundle.graph, words=words_by_edge(analysis)))
    )


def test_the_whole_graph_of_the_built_in_article_is_drawn(tmp_path: Path) -> None:
    from priors.read import read_bundle

    graph = read_bundle().graph
    texts = _texts(draw_graph(graph))
    assert set(graph.names) <= set(texts)


def test_the_open_path_is_drawn_thick_and_red_and_the_treatment_and_outcome_bold() -> None:
    graph = read_graph("war -> presence\nwar -> illicit [lag=1]\npresence -> illicit [lag=1]\nwar -> war [lag=1]")
    query = "presence[-1] -> illicit[0]"
    svg = draw_answer(graph, query, {"presence", "illicit"}, identify(graph, query, {"presence", "illicit"}))
    assert (
        svg.count(f'stroke="{STYLES["contradicted"].colour}"') >= 2
    )  # two links of the path presence <- war -> illicit
    answered = identify(graph, query, graph.names)
    svg = draw_answer(graph, query, graph.names, answered)
    assert STYLES["contradicted"].colour not in svg
    assert "held fixed" in svg


def test_without_a_path_the_hedge_is_drawn() -> None:
    graph = read_graph("x -> y\nx <-> y")
    found = dataclasses.replace(identify(graph, "x -> y", {"x", "y"}), path=None)
    assert STYLES["contradicted"].colour in draw_answer(graph, "x -> y", {"x", "y"}, found)
