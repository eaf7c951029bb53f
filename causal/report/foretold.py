"""What the page tells of what the article foretold: its predictions by their rules, what its claims imply, and how its model forecast the years after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from causal.errors import listed
from causal.forecast import FORECASTERS, NOT_FITTED, SMALLEST, calibration, difference_word
from causal.implied import MOVED
from causal.plot import forecast_differences
from causal.prediction import rule_told
from causal.report.pictures import Picture, picture
from causal.report.words import counted, interval, label, number, probability, sentence, size

if TYPE_CHECKING:
    from causal.analysis import Analysis
    from causal.forecast import NodeForecast, StudyForecast
    from causal.foretold import Foretold
    from causal.implied import Implied
    from causal.prediction import Outcome
    from priors.read import Bundle

_BESIDE = ("memory", "naive")


def foretold_section(analysis: Analysis) -> dict[str, Any] | None:
    """The section's plain values, or None where nothing was asked for; `picture` is a `Picture`, or None without forecasts."""
    found, bundle = analysis.foretold, analysis.bundle
    if found is None:
        return None
    nodes = [(study, node) for study in found.studies for node in study.nodes]
    shown = [each for each in found.implied if not any(study.why == NOT_FITTED for study in _of(found, each.study))]
    silent: list[str] = []
    for study in found.studies:
        if study.why and study.why != NOT_FITTED:
            silent.append(f"{bundle.label_of(study.study)}: {study.why}")
        silent += [
            f"{bundle.label_of(study.study)}, {label(bundle, node)}: {why}" for node, why in study.without.items()
        ]
    return {
        "year": found.year,
        "predictions": [_prediction(each) for each in found.outcomes],
        "counts": _counts(found),
        "waiting": [bundle.label_of(study.study) for study in found.studies if study.why == NOT_FITTED],
        "implied": [_implied(bundle, each) for each in shown],
        "unmeasured": len(found.unmeasured),
        "moved": size(MOVED),
        "smallest": size(SMALLEST),
        "forecasters": list(FORECASTERS.values()),
        "rows": [_row(bundle, study, node) for study, node in nodes],
        "summary": _summary(found, bundle.source.called),
        "calibration": _calibration([node for _, node in nodes]),
        "silent": silent,
        "unconverged": [
            f"{bundle.label_of(study.study)} ({listed([FORECASTERS[name] for name in study.unconverged])})"
            for study in found.studies
            if study.unconverged
        ],
        "picture": _picture(analysis, nodes),
    }


def _of(found: Foretold, name: str) -> list[StudyForecast]:
    return [study for study in found.studies if study.study == name]


def _counts(found: Foretold) -> str:
    words = Counter(each.word for each in found.outcomes)
    return listed([f"{words[word]} {word}" for word in ("right", "wrong", "cannot be told") if words[word]])


def _summary(found: Foretold, called: str) -> str:
    """Whether the links of what is `called` article, or otherwise, forecast better than no links at all, in a sentence."""
    words = Counter(found.links)
    if not words:
        return ""
    told = sum(words.values())
    better, worse = words["better"], words["worse"]
    head = f"In {counted(told, 'series', 'series')} that a link of the {called} leads into (a node in a study), the model with its links forecast "
    if not better and not worse:
        return head + (
            "neither better nor worse than the same model without them, as far as these years can tell: "
            "out of sample, nothing is seen of the links."
        )
    return (
        head
        + f"better than the same model without them in {better} and worse in {worse}; the rest cannot be told apart."
    )


def _calibration(nodes: Sequence[NodeForecast]) -> dict[str, Any]:
    """Over all series together: a sentence, rows by years ahead and by forecaster."""
    found = calibration(nodes)
    if not found:
        return {"sentence": "", "by_year": [], "fifths": []}
    told = [f"{each.score.covered_90:.0%} for {FORECASTERS[name]}" for name, each in found.items()]
    ahead = max(len(each.by_horizon) for each in found.values())
    return {
        "sentence": f"Of the values that all of them forecast, the 90 % intervals held {listed(told)}.",
        "by_year": [
            [
                f"{score.crps:.2f}; {score.covered_50:.0%}; {score.covered_90:.0%}"
                if (score := each.by_horizon[k]).count
                else ""
                for each in found.values()
            ]
            for k in range(ahead)
        ],
        "fifths": [[f"{share:.0%}" for share in each.fifths] for each in found.values()],
        "names": [FORECASTERS[name] for name in found],
    }


def _prediction(found: Outcome) -> dict[str, Any]:
    told = found.prediction
    others = [f"{number(ratio)} from {year} ({word})" for year, (ratio, word) in found.other_starts.items()]
    return {
        "key": told.key,
        "says": told.says,
        "where": told.where,
        "claims": listed(told.claims) if told.claims else "",
        "word": found.word,
        "why": sentence(found.why),
        "rule": rule_told(told.rule) if told.rule is not None else "",
        "source": told.rule.side.source if told.rule is not None else "",
        "rows": [f"{row}: {start:,.6g} → {stop:,.6g}" for row, start, stop in found.rows],
        "whole": f"{found.whole[0]:,.6g} → {found.whole[1]:,.6g}" if found.whole is not None else "",
        "others": listed(others) if others else "",
        "steady": found.steady,
    }


def _implied(bundle: Bundle, found: Implied) -> dict[str, str]:
    return {
        "edge": found.edge,
        "study": bundle.label_of(found.study),
        "claims": ", ".join(found.claims),
        "hits": f"{found.hits} of {found.units}" if found.units else "",
        "by_chance": f"{found.by_chance:.1f}" if found.units else "",
        "if_true": "" if found.why else f"{found.if_true:.1f}",
        "p_more": "" if found.why else probability(found.p_more),
        "word": found.word,
        "why": sentence(found.why),
    }


def _row(bundle: Bundle, study: StudyForecast, node: NodeForecast) -> dict[str, Any]:
    first, last = (int(year) for year in node.observed["time"].to_numpy()[[0, -1]])
    left = f"; {counted(node.idle, 'unit')} where it never moved left out" if node.idle else ""
    return {
        "study": bundle.label_of(study.study),
        "node": label(bundle, node.node),
        "span": f"{counted(node.observed.sizes['unit'], 'unit')}, {first} to {last}{left}",
        "scores": [
            f"{score.crps:.2f}; {score.log_score:.2f}; {score.covered_50:.0%}; {score.covered_90:.0%}"
            if (score := node.scores.get(name)) is not None
            else ""
            for name in FORECASTERS
        ],
        "beside": [
            _beside(node, name) if name in node.differences else "no link leads into it" if name == "memory" else ""
            for name in _BESIDE
        ],
    }


def _beside(node: NodeForecast, name: str) -> str:
    found, word = node.differences[name], difference_word(node.differences[name])
    told = f"{number(found.mean)} ({interval(found.low, found.high)})" if found.low == found.low else number(found.mean)
    return f"{told}: {word}"


def _picture(analysis: Analysis, nodes: list[tuple[StudyForecast, NodeForecast]]) -> Picture | None:
    bundle, rows = analysis.bundle, list[dict[str, Any]]()
    for study, node in nodes:
        for name in _BESIDE:
            found = node.differences.get(name)
            if found is not None and found.low == found.low:
                series = f"{label(bundle, node.node)} ({study.study})"
                rows.append(
                    {
                        "series": series,
                        "beside": FORECASTERS[name],
                        "low": found.low,
                        "middle": found.mean,
                        "high": found.high,
                    }
                )
    if not rows:
        return None
    told = "; ".join(
        f"{row['series']} beside {row['beside']}: {number(row['middle'])} ({interval(row['low'], row['high'])})"
        for row in rows
    )
    words = f"Mean CRPS of the article's model less that of another forecast, typical swings, 90 % interval; below zero the article's is better. {told}."
    return picture("forecasts", forecast_differences(rows), words)
