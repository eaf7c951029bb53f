"""The page: everything that an analysis found, in one HTML file that asks nobody for anything.

This module turns an `Analysis` into plain values, in the order in which the page tells them; `page.html.j2` holds the words around
them. The template escapes whatever is put into it. The few pieces that are markup already (pictures, the chart library,
embedded JSON) are made by `causal.report.pictures`, and named as such in `page`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from causal import datasets
from causal.analysis import Analysis, Answer, claim_prior, readings_told, words_by_edge
from causal.chain import ChainVerdict
from causal.checks import CheckResult
from causal.errors import listed
from causal.fit import DIVERGENT_SHARE_LIMIT, ESS_LIMIT, R_HAT_LIMIT, Fit
from causal.graph import Edge, Graph, Node, Sign
from causal.panel import checksum
from causal.plot import (
    PRIOR_LABELS,
    STYLES,
    band,
    carried_by,
    draw_graph,
    edge_priors,
    fan,
    loop_terms,
    prior_and_posterior,
    prior_band,
)
from causal.power import LEAVES_OUT, Power
from causal.report.acts import told_act
from causal.report.answerable import answerable
from causal.report.elsewhere import beside, elsewhere
from causal.report.foretold import foretold_section
from causal.report.mistakes import mistakes
from causal.report.moves import choices, movements
from causal.report.pictures import Picture, chart_library, embedded, inline, picture
from causal.report.record import versions
from causal.report.tables import verdicts_csv
from causal.report.together import together
from causal.report.whatif import LEAST_DRAWS, askable, chart, left_out, opinions, tried
from causal.report.words import (
    MEANINGS,
    SHORT,
    arrow,
    central,
    counted,
    estimate,
    interval,
    label,
    labelled,
    number,
    probability,
    sentence,
    shortened,
    size,
)
from causal.syntax import read_edge
from causal.verdict import RATHER_SURE, SURE, WORDS, Estimate, Evidence, Finding, Verdict, errors_of
from priors.agreement import agreement
from priors.elicit import NO_EFFECT_SD, STRENGTHS, hedge, in_words, probability_as_claimed

if TYPE_CHECKING:
    import jinja2

    from causal.claim import Claim, Figure
    from causal.panel import Study
    from causal.reported import Reported
    from priors.read import Bundle

_NO_SHARED_UNIT = "none, as the studies measure these by different columns"
_MOST_LOOPS = 1000
_FEW = 12  # claims; a bundle of no more has them all told at length


def page(analysis: Analysis, *, store: Path | None = None) -> str:
    """The page as HTML text. Everything on it is computed from `analysis`, and equal analyses give equal pages. `store` as in `chart_library`."""
    bundle, told = analysis.bundle, told_claims(analysis)
    charts: list[Picture] = []
    asked, links = askable(analysis), tried(analysis)
    if any(claim.edge is not None for claim in told):
        before_and_after = prior_and_posterior(analysis, [claim.key for claim in told])
        charts.append(picture("priors", before_and_after, _told_priors(analysis, told)))
    answers = [_answer(analysis, answer, f"fan{place}") for place, answer in enumerate(analysis.answers)]
    studies = [
        _study(bundle, name, found, f"terms{place}") for place, (name, found) in enumerate(analysis.evidence.items())
    ]
    charts += [each["picture"] for each in (*answers, *studies)]
    several = together(analysis)
    if several is not None:
        charts.append(several["picture"])
        several["picture"] = _markup(several["picture"])
    foretold = foretold_section(analysis)
    if foretold is not None and foretold["picture"] is not None:
        charts.append(foretold["picture"])
        foretold["picture"] = _markup(foretold["picture"])
    return _template().render(
        source=bundle.source,
        summary=_summary(analysis, told),
        chain=_chain(analysis.chain) if analysis.chain is not None else None,
        warnings=_warnings(analysis),
        told=[_claim(analysis, claim) for claim in told],
        has_core=any(claim.core for claim in told),
        priors_picture=_markup(charts[0]) if charts and charts[0].key == "priors" else None,
        graphs=_graphs(analysis, told),
        answers=[each | {"picture": _markup(each["picture"])} for each in answers],
        choices=[each | {"picture": Markup(each["picture"])} for each in choices(analysis)],
        movements=[
            each | {"picture": Markup(each["picture"]) if each["picture"] else None} for each in movements(analysis)
        ],
        asked=asked,
        asked_data=Markup(embedded(asked)),
        asked_chart=Markup(chart(asked)) if asked else "",
        not_asked=left_out(analysis),
        opinions=links,
        opinions_data=Markup(embedded(opinions() | {"links": links})),
        least_draws=LEAST_DRAWS,
        scripts=[
            Markup(_script(name))
            for name in ("page.js", *(("whatif.js",) if asked or links else ()), *(("opinion.js",) if links else ()))
        ],
        answerable=answerable(bundle),
        example=next((claim.edge.cause for claim in told if claim.edge is not None), bundle.graph.names[0]),
        foretold=foretold,
        mistakes=mistakes(bundle),
        together=several,
        apart=[str(fault) for fault in analysis.apart],
        claims=[_claim_row(analysis, claim) for claim in bundle.ledger.claims],
        elsewhere=elsewhere(bundle.ledger),
        table=Markup(embedded(verdicts_csv(analysis))),
        counts=_counts(analysis.verdicts),
        errors=errors_of(analysis.verdicts).sentence,
        agreement=agreement(bundle.ledger).sentence,
        power_leaves_out=LEAVES_OUT,
        figures=[_figure(figure) for figure in bundle.ledger.figures],
        words=[(word, SHORT[word], MEANINGS[word]) for word in WORDS],
        sure=SURE,
        rather_sure=RATHER_SURE,
        smallest=sorted({claim.smallest_effect for claim in bundle.ledger.claims}),
        no_effect_sd=NO_EFFECT_SD,
        strengths=[(word, size) for word, size in STRENGTHS.items()],
        hedges=_hedges(bundle),
        limits={"r_hat": R_HAT_LIMIT, "ess": ESS_LIMIT, "divergent": DIVERGENT_SHARE_LIMIT},
        studies=[each | {"picture": _markup(each["picture"])} for each in studies],
        cards=[_card(study) for study in bundle.studies],
        reported=[_reported(each) for each in bundle.reported],
        unmeasured=[label(bundle, node) for node in _unmeasured(bundle, told)],
        assumed=_assumed(analysis),
        versions=list((analysis.made_with or versions()).items()),
        seed=analysis.seed,
        specifications=[(chart.key, Markup(chart.specification)) for chart in charts],
        chart_library=Markup(chart_library(store)),
        short=SHORT,
        counted=counted,
    )


@cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": number,
        "probability": probability,
        "edge": _edge_text,
        "size": size,
        "sentence": sentence,
    }
    return environment.from_string(files("causal.report").joinpath("page.html.j2").read_text(encoding="utf-8"))


@cache
def _script(name: str) -> str:
    return files("causal.report").joinpath(name).read_text(encoding="utf-8")


def told_claims(analysis: Analysis) -> tuple[Claim, ...]:
    """The claims that the page tells at length: the core ones; without any, all of a short ledger, or those that data can speak to."""
    claims = analysis.bundle.ledger.claims
    core = tuple(claim for claim in claims if claim.core)
    if core:
        return core
    if len(claims) <= _FEW:
        return claims
    tested = tuple(claim for claim in claims if analysis.verdict(claim.key).findings)
    return tested[:_FEW] or claims[:_FEW]


def _edge_text(text: str) -> Markup:
    """Escaped text in which `>` stays itself: an edge reads in the page's source as in a bundle, and alone a `>` opens nothing."""
    return Markup(str(escape(text)).replace("&gt;", ">"))


def _markup(shown: Picture) -> dict[str, Any]:
    return {"key": shown.key, "still": Markup(shown.still), "told": shown.told}


def _counts(verdicts: Sequence[Verdict]) -> list[tuple[str, int]]:
    found = Counter(verdict.verdict for verdict in verdicts)
    return [(word, found[word]) for word in WORDS if found[word]]


# The answer in short


def _summary(analysis: Analysis, told: Sequence[Claim]) -> list[str]:
    verdicts, called = analysis.verdicts, analysis.bundle.source.called
    measured = [verdict for verdict in verdicts if verdict.findings]
    answered = [verdict for verdict in measured if any(finding.identified for finding in verdict.findings)]
    sentences = [
        f"The {called} makes {counted(len(verdicts), 'causal claim')} that the ledger holds. "
        f"The data here measure both sides of {len(measured) or 'none'} of them, and can answer {len(answered) or 'none'} of them "
        f"once everything that the {called} itself, or the bundle beside it, says moves these things is taken into account.",
        "The verdicts: " + listed([f"{count} {word}" for word, count in _counts(verdicts)]) + ".",
    ]
    core = [claim for claim in told if claim.core]
    if core:
        found = Counter(analysis.verdict(claim.key).verdict for claim in core)
        loops = _loops(core)
        many = f"over {_MOST_LOOPS} loops" if loops > _MOST_LOOPS else counted(loops, "loop")
        loop = f" Together they close {'a loop' if loops == 1 else many}." if loops else ""
        sentences.append(
            f"At its core stand {counted(len(core), 'claim')}: "
            + listed([arrow(analysis.bundle, claim.edge) if claim.edge else claim.key for claim in core])
            + f".{loop} Of these, "
            + listed([f"{found[word]} {'is' if found[word] == 1 else 'are'} {word}" for word in WORDS if found[word]])
            + "."
        )
    return [*sentences, *_second_answers(analysis, told)]


def _second_answers(analysis: Analysis, told: Sequence[Claim]) -> list[str]:
    """In one sentence, what holds only if nothing that the studies set aside matters: for each study, and for all of them together."""
    aside: dict[str, int] = {}
    clauses: dict[str, list[str]] = {}
    for verdict in (analysis.verdict(claim.key) for claim in told):
        found = [finding for finding in verdict.conditional if finding.identified]
        aside |= {_study_label(analysis.bundle, finding): len(finding.set_aside) for finding in found}
        words: dict[str, list[str]] = {}
        for finding in found:
            words.setdefault(finding.verdict, []).append(_study_label(analysis.bundle, finding))
        parts = [f"{word} by {listed(studies)} ({SHORT[word]})" for word, studies in words.items()]
        pooled = verdict.conditional_together
        if pooled is not None:
            studies = _study_label(analysis.bundle, pooled)
            parts.append(f"{pooled.verdict} in a study yet unseen by {studies} together ({SHORT[pooled.verdict]})")
        if parts:
            edge = analysis.bundle.ledger[verdict.claim].edge
            clauses.setdefault(listed(parts), []).append(arrow(analysis.bundle, edge) if edge else verdict.claim)
    if not clauses:
        return []
    counts = listed([f"{counted(count, 'influence')} by {study}" for study, count in aside.items()])
    return [
        f"There is a second answer that holds only under an assumption: that nothing of what the {analysis.bundle.source.called} names and a study "
        f"sets aside matters ({counts}). Then {'; '.join(f'{listed(edges)} would be {parts}' for parts, edges in clauses.items())}. "
        "The data cannot show that it does not matter."
    ]


def _loops(claims: Sequence[Claim]) -> int:
    """How many loops the claims' edges make, counted no further than one beyond `_MOST_LOOPS`: a dense graph has more than anyone can wait for."""
    edges = {claim.edge.name: claim.edge for claim in claims if claim.edge is not None}
    names = dict.fromkeys(name for edge in edges.values() for name in (edge.cause, edge.effect))
    if not names:
        return 0
    graph = Graph(tuple(Node(name) for name in names), tuple(edges.values()))
    return sum(1 for _ in islice(graph.each_loop(), _MOST_LOOPS + 1))


def _chain(found: ChainVerdict) -> dict[str, Any]:
    """The core as a whole."""
    return {
        "title": {"loop": "The loop as a whole", "chain": "The chain as a whole", "set": "The core claims as a whole"}[
            found.shape
        ],
        "verdict": found.verdict,
        "sentence": found.sentence,
        "rests_on": found.rests_on,
        "aside": len(found.set_aside),
        "rows": [
            {
                "set": PRIOR_LABELS.get(each.prior_set, each.prior_set),
                "every": probability(each.every),
                "sign": probability(each.product_sign),
                "product": estimate(each.product_median, each.product_low, each.product_high)
                if math.isfinite(each.product_median)
                else "does not apply",
            }
            for each in found.estimates
        ],
        "conditional": None if found.conditional is None else _chain(found.conditional),
    }


def _warnings(analysis: Analysis) -> list[dict[str, Any]]:
    """What a reader must know before any number: failed checks that keep verdicts away. Warnings stand with what they concern."""
    bundle = analysis.bundle
    checked = {bundle.label_of(name): found.checks for name, found in analysis.evidence.items()}
    if analysis.together is not None:
        checked["all studies as one"] = analysis.together.checks
    told: dict[str, dict[str, list[str]]] = {}
    for what, results in checked.items():
        for result in results:
            if result.passed is False and result.vetoes:
                told.setdefault(result.name, {}).setdefault(what, []).append(_in_labels(bundle, result.sentence))
    return [
        {"check": name, "where": listed(list(found)), "found": [(what, " ".join(each)) for what, each in found.items()]}
        for name, found in told.items()
    ]


def _in_labels(bundle: Bundle, text: str) -> str:
    """The text with labels in place of nodes' keys, as far as a key can be no word of a language."""
    for node in sorted((name for name in bundle.graph.names if "_" in name), key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(node)}\b", label(bundle, node).replace("\\", r"\\"), text)
    return text


# Claims


def _claim(analysis: Analysis, claim: Claim) -> dict[str, Any]:
    verdict = analysis.verdict(claim.key)
    return {
        "key": claim.key,
        "title": labelled(analysis.bundle, claim.edge) if claim.edge else claim.says,
        "edge": claim.edge.text if claim.edge else "",
        "says": claim.says,
        "where": claim.where,
        "scope": claim.scope,
        "hedge": claim.hedge,
        "strength": claim.strength,
        "opinion": " ".join((_opinion(claim), *readings_told(claim))),
        "verdict": verdict.verdict,
        "sentence": verdict.sentence,
        "rests_on": verdict.rests_on,
        "would_change": verdict.would_change,
        "survives": verdict.survives,
        "why": sentence(verdict.why),
        "smallest": claim.smallest_effect,
        "findings": [_finding(analysis, claim, finding) for finding in verdict.findings],
        "conditional": [_finding(analysis, claim, finding) for finding in verdict.conditional],
        "together": [
            _finding(analysis, claim, finding)
            for finding in (verdict.together, verdict.conditional_together)
            if finding is not None
        ],
        "elsewhere": beside(analysis.bundle.ledger, claim.key),
        "numbers": _numbers(analysis, claim, verdict),
        "priors": [
            (PRIOR_LABELS.get(name, name), interval(found.low, found.high))
            for name, prior in _priors(analysis, claim).items()
            for found in [prior_band(prior)]
        ],
    }


def _priors(analysis: Analysis, claim: Claim) -> Mapping[str, Any]:
    return edge_priors(analysis, claim.edge.name) if claim.edge is not None else {}


def _opinion(claim: Claim) -> str:
    """What the article's words are taken to say, in words."""
    reading = probability_as_claimed(claim.hedge)
    readers = f"nine readers in ten between {probability(reading.low)} and {probability(reading.high)}"
    if claim.edge is None:
        return f"Hedged as “{claim.hedge}”: readers take such words as {in_words(reading.mean)} ({probability(reading.mean)}; {readers})."
    if claim.strength == "none":
        return f"Claimed to have no effect worth the name, hedged as “{claim.hedge}”: {in_words(reading.mean)} ({probability(reading.mean)}; {readers})."
    large = f"of a size called “{claim.strength}” ({size(STRENGTHS[claim.strength])} typical swings)"
    if claim.edge.sign is Sign.UNKNOWN:
        return f"An effect {large} without a direction, hedged as “{claim.hedge}”."
    way = "upwards" if claim.edge.sign is Sign.POSITIVE else "downwards"
    prior = claim_prior(claim)
    assert prior is not None
    chance = prior.probability_above(0.0) if claim.edge.sign is Sign.POSITIVE else 1.0 - prior.probability_above(0.0)
    return f"An effect {way}, {large}, hedged as “{claim.hedge}”: readers take the direction as {in_words(chance)} ({probability(chance)}; {readers})."


def _finding(analysis: Analysis, claim: Claim, finding: Finding) -> dict[str, Any]:
    return {
        "study": _study_label(analysis.bundle, finding),
        "verdict": finding.verdict,
        "short": SHORT[finding.verdict],
        "meaning": MEANINGS[finding.verdict],
        "why": sentence(finding.why),
        "identified": finding.identified,
        "formula": finding.formula,
        "able": "" if finding.power is None else _able(finding.power, analysis.bundle.source.called),
        "failed": listed(finding.failed_checks) if finding.failed_checks else "",
        "warned": listed(finding.warnings) if finding.warnings else "",
        "pooled": bool(finding.pooled),
        "aside": len(finding.set_aside),
        "aside_names": listed([label(analysis.bundle, node) for node in finding.set_aside])
        if finding.set_aside
        else "",
        "sentence": _sentence(analysis.bundle, claim, finding),
    }


def _able(found: Power, called: str) -> str:
    """What a study could have found, in a sentence."""
    if not math.isfinite(found.smallest_found):
        return "These data could have found no effect, however large."
    return (
        f"The smallest effect that would be called supported here four times in five: {number(found.smallest_found)} typical swings; "
        f"one of the {called}'s own size ({number(found.size)}) with probability {probability(found.power)}, "
        f"or {probability(found.assurance)} over all sizes that the {called}'s prior holds possible."
    )


def _study_label(bundle: Bundle, finding: Finding) -> str:
    return listed([bundle.label_of(name) for name in finding.pooled or (finding.study,)])


def _sentence(bundle: Bundle, claim: Claim, finding: Finding) -> str:
    """The numbers of a finding in a sentence, under the prior that holds no opinion."""
    wide = next((found for found in finding.estimates if found.prior_set == "wide"), None)
    if wide is None or claim.edge is None:
        return ""
    cause, effect = label(bundle, claim.edge.cause).lower(), label(bundle, claim.edge.effect).lower()
    return (
        f"One typical yearly swing of {cause} goes with {central(wide.median, wide.low, wide.high)} typical swings of {effect} "
        f"(90 % interval {interval(wide.low, wide.high)}; wide prior). "
        f"An effect as claimed of more than {size(claim.smallest_effect)}: {in_words(wide.as_claimed)} ({probability(wide.as_claimed)}); "
        f"smaller than {size(claim.smallest_effect)} either way: {in_words(wide.small)} ({probability(wide.small)}). "
        + _long_run(wide, effect)
    )


def _long_run(wide: Estimate, effect: str) -> str:
    """What a lasting change builds up to, so that nobody takes the effect of one period for the whole."""
    if math.isnan(wide.long_run_undefined):
        return "That is the effect at once; what a lasting swing builds up to is not known, for how long the outcome lasts is not known here."
    if wide.long_run_undefined == 1.0:
        return "That is the effect at once; a lasting swing would build up without end."
    unbounded = wide.long_run_undefined >= 0.005
    return (
        f"That is the effect at once. Through {effect}'s own memory a lasting swing would build up to "
        f"{central(wide.long_run_median, wide.long_run_low, wide.long_run_high)} typical swings "
        f"(90 % interval {interval(wide.long_run_low, wide.long_run_high)}"
        f"{f'; without end in {probability(wide.long_run_undefined)} of the draws' if unbounded else ''})."
    )


def _numbers(analysis: Analysis, claim: Claim, verdict: Verdict) -> list[dict[str, Any]]:
    """For each study with draws and for those that are pooled, what each prior set says before and after the data."""
    conditional = {finding.study: finding for finding in verdict.conditional}
    pooled = [finding for finding in (verdict.together, verdict.conditional_together) if finding is not None]
    tables: list[dict[str, Any]] = []
    priors = _priors(analysis, claim)
    for finding in (*verdict.findings, *pooled):
        if not finding.estimates or claim.edge is None:
            continue
        second = conditional.get(finding.study)
        standing = (
            f"an effect only if {counted(len(finding.set_aside), 'influence')} are assumed away"
            if finding.set_aside
            else "an effect, by its source's word"
            if finding.strategy == "reported"
            else "an effect"
            if finding.identified
            else f"an effect only if {counted(len(second.set_aside), 'influence')} are assumed away; otherwise an association"
            if second is not None and second.identified
            else "an association, not an effect"
        )
        units = _units(analysis.bundle, claim.edge, finding)
        rows = [_number_row(found, priors.get(found.prior_set)) for found in finding.estimates]
        title = _study_label(analysis.bundle, finding) + (" together, for a study yet unseen" if finding.pooled else "")
        tables.append({"study": title, "standing": standing, "units": units, "rows": rows})
    return tables


def _units(bundle: Bundle, edge: Edge, finding: Finding) -> str:
    """The natural units of a finding's numbers."""
    if not np.isfinite(finding.estimates[0].natural_median):
        return "none, as only the standard scale is reported" if finding.strategy == "reported" else _NO_SHARED_UNIT
    names = finding.pooled or (finding.study,)
    told = next((each.units for each in bundle.reported if each.name == names[0]), None)
    if told is not None:
        return told or "as reported"
    study = bundle.study(names[0])
    above, below = (f"{label(bundle, node)} ({_unit(study, node)})" for node in (edge.effect, edge.cause))
    return f"{above} per {below}"


def _number_row(found: Estimate, prior: Any) -> dict[str, str]:
    before = prior_band(prior) if prior is not None else None
    return {
        "set": PRIOR_LABELS.get(found.prior_set, found.prior_set),
        "before": interval(before.low, before.high) if before is not None else "",
        "after": estimate(found.median, found.low, found.high),
        "natural": estimate(found.natural_median, found.natural_low, found.natural_high)
        if np.isfinite(found.natural_median)
        else "",
        "claimed": probability(found.as_claimed),
        "opposite": probability(found.opposite),
        "small": probability(found.small),
    }


def _claim_row(analysis: Analysis, claim: Claim) -> dict[str, Any]:
    verdict = analysis.verdict(claim.key)
    prior = claim_prior(claim)
    if prior is None or claim.edge is None:
        taken = ""
    elif claim.strength == "none":
        mean = probability_as_claimed(claim.hedge).mean
        taken = f"no effect: {in_words(mean)} ({probability(mean)})"
    elif claim.edge.sign is Sign.UNKNOWN:
        taken = "no direction claimed"
    else:
        chance = (
            prior.probability_above(0.0) if claim.edge.sign is Sign.POSITIVE else 1.0 - prior.probability_above(0.0)
        )
        taken = f"{in_words(chance)} ({probability(chance)})"
    alone = (finding for finding in verdict.conditional if finding.identified)
    second = verdict.conditional_together or next(alone, None)
    return {
        "key": claim.key,
        "says": claim.says,
        "edge": claim.edge.text if claim.edge else " → ".join(part for part in (claim.cause, claim.effect) if part),
        "where": claim.where,
        "hedge": claim.hedge,
        "strength": claim.strength,
        "taken": taken,
        "verdict": verdict.verdict,
        "sentence": verdict.sentence,
        "why": "" if verdict.verdict == "untestable" and claim.edge is not None else sentence(verdict.why),
        "second": second.verdict if second is not None else "",
        "elsewhere": beside(analysis.bundle.ledger, claim.key),
    }


def _figure(figure: Figure) -> dict[str, str]:
    same = figure.low == figure.high
    value = f"{figure.low:,.6g}" if same else f"{figure.low:,.6g} to {figure.high:,.6g}"
    return {
        "quantity": figure.quantity,
        "value": f"{value} {figure.unit}".strip(),
        "year": str(figure.year or ""),
        "where": figure.where,
    }


# Pictures


def _told_priors(analysis: Analysis, claims: Sequence[Claim]) -> str:
    told = ["Effects on the standard scale before and after the data."]
    for claim in claims:
        if claim.edge is None:
            continue
        carried = carried_by(analysis, claim.edge.name)
        known = prior_band(edge_priors(analysis, claim.edge.name)["article"])
        line = f"{claim.edge.name}: article's prior {interval(known.low, known.high)}"
        for study, fits in carried.items():
            after = band(fits["article"].edge(claim.edge.name, scale="standard").to_numpy())
            line += f", after the data of {study} {interval(after.low, after.high)}"
        told.append(line + ("." if carried else ", no data."))
    return " ".join(told)


def _graphs(analysis: Analysis, told: Sequence[Claim]) -> dict[str, Any]:
    bundle = analysis.bundle
    core = {node for claim in told if claim.edge is not None for node in (claim.edge.cause, claim.edge.effect)}
    measured = {node for study in bundle.studies for node in study.measured(bundle.graph)}
    shown = bundle.graph.subgraph([name for name in bundle.graph.names if name in core | measured])
    words = words_by_edge(analysis)
    labels = {node: label(bundle, node) for node in bundle.graph.names}
    links = _anchors(bundle, told)
    small = inline(draw_graph(shown, highlight=measured, words=words, labels=labels, core=core, links=links), "core")
    whole = len(shown.nodes) < len(bundle.graph.nodes)
    large = (
        inline(
            draw_graph(bundle.graph, highlight=measured, words=words, labels=labels, core=core, links=links), "whole"
        )
        if whole
        else ""
    )
    present = {part for word in words.values() for part in word.split(" / ")}
    return {
        "small": Markup(small),
        "large": Markup(large),
        "nodes": len(shown.nodes),
        "all_nodes": len(bundle.graph.nodes),
        "all_edges": len(bundle.graph.edges),
        "edges": [
            {
                "edge": edge.text,
                "says": labelled(bundle, edge),
                "word": words.get(edge.name, "assumed, no claim"),
                "href": links.get(edge.name, ""),
            }
            for edge in shown.edges
            if edge.cause != edge.effect
        ],
        "measured": listed([labels[node] for node in bundle.graph.names if node in measured]),
        "legend": [
            (word, STYLES[word].colour, {"bold": "solid"}.get(STYLES[word].line, STYLES[word].line))
            for word in WORDS
            if word in present
        ],
    }


def _anchors(bundle: Bundle, told: Sequence[Claim]) -> dict[str, str]:
    """For each claimed edge, the place of the page that tells of it."""
    found: dict[str, str] = {}
    for claim in (*told, *bundle.ledger.claims):
        if claim.edge is not None:
            found.setdefault(claim.edge.name, f"#h-{claim.key}" if claim in told else f"#row-{claim.key}")
    return found


# Interventions


def _answer(analysis: Analysis, answer: Answer, key: str) -> dict[str, Any]:
    bundle, spec = analysis.bundle, answer.spec
    outcome = label(bundle, spec.outcome)
    model = analysis.evidence[answer.study].fits["wide"].model
    swing = float(model.design.scales[model.system.nodes.index(spec.outcome)])
    rows = [
        _end_row(name, effects.isel(time=-1).to_numpy(), swing, spec.better) for name, effects in answer.effects.items()
    ]
    last = str(next(iter(answer.effects.values()))["time"].to_numpy()[-1])
    rests: list[dict[str, Any]] = [
        {
            "term": term,
            "word": word,
            "short": shortened(word),
            "long": len(shortened(word)) < len(word),
            "known": word.split(" / ")[0] in MEANINGS,
        }
        for term, word in answer.rests_on.items()
    ]
    # A node's memory is assumed in every answer; what a reader must weigh are the links.
    weak = [each for each in rests if each["word"] != "supported" and not read_edge(each["term"]).is_memory]
    own = {row["set"]: row for row in rows}
    sets = [PRIOR_LABELS[name] for name in ("article", "wide") if PRIOR_LABELS[name] in own]
    told = f"By {last}, {outcome.lower()} would change by " + "; ".join(
        f"{own[name]['middle']} (90 % interval {own[name]['range']}) under the {name}" for name in sets
    )
    bands = ", ".join(f"{name}: {own[name]['middle']}, 90 % interval {own[name]['range']}" for name in sets)
    return {
        "key": spec.key,
        "title": spec.label or spec.do,
        "do": spec.do,
        "acts": [told_act(bundle, intervention) for intervention in answer.interventions],
        "outcome": outcome,
        "better": spec.better,
        "unit": _unit(model.study, spec.outcome),
        "swing": number(swing),
        "last": last,
        "sentence": told + ".",
        "rows": rows,
        "rests": rests,
        "weak": len(weak),
        "links": sum(not read_edge(each["term"]).is_memory for each in rests),
        "badges": list(dict.fromkeys(_brief(each["word"]) for each in weak)),
        "study": model.study.label or model.study.name,
        "aside": len(model.study.sets_aside),
        "picture": picture(
            key,
            fan(answer, label=outcome.lower()),
            f"Change in {outcome.lower()} over time, to {last}. At the end: {bands}.",
        ),
    }


def _end_row(name: str, draws: Any, swing: float, better: str) -> dict[str, str]:
    found = band(draws)
    direction = np.sign(found.middle)
    other = float((np.sign(draws) == -direction).mean()) if direction else 0.0
    return {
        "set": PRIOR_LABELS.get(name, name),
        "middle": central(found.middle, found.low, found.high, signed=True),
        "range": interval(found.low, found.high),
        "swings": estimate(found.middle / swing, found.low / swing, found.high / swing, signed=True),
        "harm": probability(float((draws < 0 if better == "higher" else draws > 0).mean())) if better else "",
        "way": "up" if direction > 0 else "down" if direction < 0 else "no change",
        "other": f"{in_words(other)} ({probability(other)})" if direction else "no change in any draw",
    }


def _brief(word: str) -> str:
    """What a link rests on, in a word or few."""
    first = word.split(" / ")[0]
    return first if first in MEANINGS else "assumed" if first.startswith("assumed") else "road through unmeasured nodes"


# Studies


def _study(bundle: Bundle, name: str, found: Evidence, key: str) -> dict[str, Any]:
    model = found.fits["wide"].model
    sweep, times = model.design.sweep, model.study.panel.times
    rows = [
        {
            "set": PRIOR_LABELS.get(prior, prior),
            "r_hat": f"{fitted.convergence.r_hat:.3f}",
            "ess": f"{fitted.convergence.ess:,.0f}",
            "divergent": f"{fitted.convergence.divergent_share:.2%}",
            "draws": f"{fitted.posterior.sizes['chain']} × {fitted.posterior.sizes['draw']:,}",
        }
        for prior, fitted in found.fits.items()
    ]
    used = int((sweep.stop - sweep.first).sum())
    return {
        "name": name,
        "label": model.study.label or name,
        "population": model.study.population,
        "rows": rows,
        "checks": [_check(result) for result in found.checks],
        "notes": model.notes,
        "span": f"{counted(model.design.size, 'unit')}, {times[int(model.design.entry.min())]} to {times[int(sweep.stop.max()) - 1]}; "
        f"{used:,} unit-periods enter as outcomes, the first of them in {times[int(sweep.first.min())]}",
        "fitted": listed([label(bundle, node) for node in model.system.nodes]),
        "terms": _terms(found.fits),
        "picture": picture(
            key,
            loop_terms(found.fits),
            f"Every fitted term of the study {name} with its 90 % interval under each prior set; the table beside it has the numbers.",
        ),
    }


def _check(result: CheckResult) -> dict[str, str]:
    state = "WARNING" if result.warning else {True: "passed", False: "FAILED", None: "cannot be told"}[result.passed]
    return {"name": result.name, "state": state, "sentence": result.sentence}


def _terms(fits: Mapping[str, Fit]) -> list[dict[str, Any]]:
    model = fits["wide"].model
    rows: list[dict[str, Any]] = []
    for term in model.system.terms:
        after = [band(fitted.posterior["effect"].sel(edge=term.name).to_numpy()) for fitted in fits.values()]
        road = (
            "; ".join(" -> ".join([step.cause for step in road] + [road[-1].effect]) for road in term.roads)
            if term.edge is None
            else ""
        )
        rows.append(
            {
                "term": term.name,
                "road": shortened(road),
                "after": [estimate(each.middle, each.low, each.high) for each in after],
            }
        )
    return rows


def _unit(study: Study, node: str) -> str:
    """The natural unit of a node in a study, in words."""
    measure = study.measure(node)
    if measure is None:
        return "not measured"
    if not isinstance(measure.column, str):
        return f"index of {listed(measure.column)}; 1 is a typical yearly swing of one of them"
    unit = datasets.card(study.dataset)[measure.column].unit if study.dataset else f"unit of column {measure.column}"
    return unit if measure.transform == "none" else f"{measure.transform}; {unit}"


def _card(study: Study) -> dict[str, Any]:
    nodes = {column: node for node, measure in _measures(study).items() for column in measure}
    common = {
        "study": study.label or study.name,
        "population": study.population,
        "dataset": study.dataset,
        "checksum": checksum(study),
    }
    if not study.dataset:
        return common | {"card": None, "nodes": [(node, listed(columns)) for node, columns in _measures(study).items()]}
    card = datasets.card(study.dataset)
    return common | {
        "card": card,
        "used": [(column, nodes[column.name]) for column in card.columns if column.name in nodes],
        "unused": listed([column.label for column in card.columns if column.name not in nodes]),
    }


def _reported(found: Reported) -> dict[str, str]:
    middle, error = found.standard
    return {
        "name": found.name,
        "edge": found.edge,
        "effect": f"{number(found.effect)} ± {number(found.error)}" + (f" {found.units}" if found.units else ""),
        "standard": f"{number(middle)} ± {number(error)}",
        "population": found.population or "not stated",
        "source": found.source,
    }


def _measures(study: Study) -> dict[str, tuple[str, ...]]:
    if study.measures is None:
        return {name: (name,) for name in study.panel.columns}
    return {
        node: (measure,) if isinstance(measure, str) else measure.columns for node, measure in study.measures.items()
    }


def _unmeasured(bundle: Bundle, told: Sequence[Claim]) -> list[str]:
    """The nodes of the claims told at length that no study measures."""
    measured = {node for study in bundle.studies for node in study.measured(bundle.graph)}
    nodes = dict.fromkeys(
        node for claim in told if claim.edge is not None for node in (claim.edge.cause, claim.edge.effect)
    )
    return [node for node in nodes if node not in measured]


# The rest


def _assumed(analysis: Analysis) -> dict[str, Any]:
    bundle = analysis.bundle
    claimed = {claim.edge.name for claim in bundle.ledger.claims if claim.edge is not None}
    return {
        "edges": [edge.text for edge in bundle.graph.edges if edge.name not in claimed],
        "latents": [latent.name for latent in bundle.graph.latents],
        "aside": [
            (
                study.label or study.name,
                len(study.sets_aside),
                listed([label(bundle, node) for node in study.sets_aside]),
            )
            for study in bundle.studies
            if study.sets_aside
        ],
    }


def _hedges(bundle: Bundle) -> list[dict[str, Any]]:
    uses = Counter(claim.hedge for claim in bundle.ledger.claims)
    rows: list[dict[str, Any]] = []
    for word, count in sorted(uses.items(), key=lambda item: (-item[1], item[0])):
        reading = probability_as_claimed(word)
        rows.append(
            {
                "word": word,
                "count": count,
                "phrase": hedge(word).phrase,
                "mean": probability(reading.mean),
                "low": probability(reading.low),
                "high": probability(reading.high),
            }
        )
    return rows
