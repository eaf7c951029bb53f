"""What the command prints: tables for people, one JSON document for programs, from the records that the floors below give."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from causal.errors import printable

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from causal.analysis import Analysis, Answer, Ranked, Replay
    from causal.dynamics import Cutting
    from causal.foretold import Foretold
    from causal.report.record import Difference
    from causal.validate import Validation


def verdict_rows(analysis: Analysis) -> list[dict[str, Any]]:
    """One row for each claim: its verdict, with what the claim says and where."""
    rows: list[dict[str, Any]] = []
    for verdict in analysis.verdicts:
        claim = analysis.bundle.ledger[verdict.claim]
        rows.append({**verdict.as_dict(), "says": claim.says, "where": claim.where, "hedge": claim.hedge})
    return rows


def verdict_document(analysis: Analysis) -> dict[str, Any]:
    """The verdicts, that of the core claims as a whole, how many words of the table are to be expected wrong, and each study's checks."""
    from dataclasses import asdict

    from causal.verdict import errors_of

    table = errors_of(analysis.verdicts)
    held = {
        **asdict(table),
        "sentence": table.sentence,
        "bayesian": sorted(map(list, table.bayesian)),
        "step_up": sorted(map(list, table.step_up)),
    }
    chain = analysis.chain.as_dict() if analysis.chain else None
    checks = [
        {
            "study": study,
            "check": result.name,
            **{name: value for name, value in asdict(result).items() if name != "name"},
        }
        for study, found in analysis.evidence.items()
        for result in found.checks
    ]
    return {"verdicts": verdict_rows(analysis), "chain": chain, "multiplicity": held, "checks": checks}


def print_verdicts(analysis: Analysis, *, everything: bool = False) -> None:
    """The verdicts, of the source's core claims and those that some study tests unless `everything`; and the checks that fail."""
    from collections import Counter

    from causal.checks import THOROUGH
    from causal.power import LEAVES_OUT
    from causal.verdict import errors_of

    thorough = {each.NAME for each in THOROUGH}
    ledger = analysis.bundle.ledger
    core = [
        verdict for verdict in analysis.verdicts if ledger[verdict.claim].core or verdict.verdict not in ("untestable",)
    ]
    shown = analysis.verdicts if everything or not core else core
    if analysis.chain is not None:
        say(f"{analysis.chain.sentence} Rests on: {analysis.chain.rests_on}")
        if analysis.chain.conditional is not None:
            say(
                f"Under an assumption: {analysis.chain.conditional.sentence} Rests on: {analysis.chain.conditional.rests_on}"
            )
    table = table_of("claim", "edge", "verdict", "why", title=ledger.source.title)
    for verdict in shown:
        table.add_row(verdict.claim, verdict.edge or "-", verdict.verdict, verdict.why)
        pooled = (verdict.conditional_together,) if verdict.conditional_together else ()
        for finding in (*verdict.conditional, *pooled):
            if finding.identified:
                place = " and ".join(finding.pooled) or finding.study
                aside = f"if the {len(finding.set_aside)} other unmeasured causes the source names are assumed away in {place}"
                table.add_row("", "", f"({finding.verdict})", f"{aside}: {finding.why}")
    print_table(table)
    answered = [verdict for verdict in shown if verdict.answers]
    for verdict in answered:
        say(f"{verdict.claim}: {verdict.sentence} What would change that: {verdict.would_change}")
    if any(finding.power for verdict in answered for finding in verdict.answers):
        say(f"Of the chance to find an effect: {LEAVES_OUT}")
    say(errors_of(analysis.verdicts).sentence)
    for fault in analysis.apart:
        say(f"the studies make no one model: {fault}")
    counts = Counter(verdict.verdict for verdict in analysis.verdicts)
    say(f"{len(analysis.verdicts)} claims: " + ", ".join(f"{count} {word}" for word, count in counts.most_common()))
    checked = {study: evidence.checks for study, evidence in analysis.evidence.items()}
    checked |= {"all studies as one": analysis.together.checks} if analysis.together else {}
    for study, results in checked.items():
        for result in results:
            # What was asked for on purpose answers, whatever it says.
            if result.passed is False or result.warning or result.name in thorough:
                say(f"{study}: {'warning: ' if result.warning else ''}{result.sentence}")


def answer_rows(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """One row for each outcome, prior set and time of what an intervention changes."""
    rows: list[dict[str, Any]] = []
    for found in answers:
        for name, effect in found.effects.items():
            quantiles = effect.quantile([0.05, 0.5, 0.95], dim="draw").to_numpy()
            falls = (effect < 0).mean("draw").to_numpy()
            for k, time in enumerate(effect["time"].to_numpy().tolist()):
                low, median, high = (float(value) for value in quantiles[:, k])
                row = {
                    "outcome": found.spec.outcome,
                    "study": found.study,
                    "prior_set": name,
                    "time": time if isinstance(time, (int, float, str)) else str(time),
                    "low": low,
                    "median": median,
                    "high": high,
                    "probability_negative": float(falls[k]),
                }
                if found.spec.better:
                    row["probability_harm"] = float((effect * _good(found.spec.better) < 0).mean("draw")[k])
                rows.append({**row, "rests_on": weakest(found.rests_on)})
    return rows


def print_answers(answers: Sequence[Answer]) -> None:
    """What an intervention changes, over time, and what each number rests on."""
    shown = [row for row in answer_rows(answers) if row["low"] or row["high"]]
    harm = any("probability_harm" in row for row in shown)
    table = table_of(
        "outcome (study)",
        "prior",
        "time",
        "median",
        "90 % interval",
        "P(harm)" if harm else "P(negative)",
        "rests on",
        title=f"{answers[0].spec.do}: change, mean over units, natural units",
    )
    for row in shown:
        table.add_row(
            f"{row['outcome']} ({row['study']})",
            row["prior_set"],
            str(row["time"]),
            f"{row['median']:+.4g}",
            f"{row['low']:+.4g} to {row['high']:+.4g}",
            f"{row['probability_harm' if harm else 'probability_negative']:.2f}",
            row["rests_on"],
        )
    print_table(table)
    if not shown:
        say("Nothing changes: no fitted link leads from what is done to what is asked for.")
    for edge, told in {edge: told for found in answers for edge, told in found.rests_on.items()}.items():
        say(f"rests on {edge}: {told}")


def print_replay(found: Replay) -> None:
    """The observed panel beside what it would have been."""
    table = table_of(
        "prior",
        "time",
        "as it was",
        "as it would have been",
        "90 % interval",
        "rests on",
        title=f"{found.spec.do}: {found.spec.outcome}, mean over the units seen, natural units; study {found.study}",
    )
    for row in replay_rows(found):
        if row["changed"]:
            table.add_row(
                row["prior_set"],
                str(row["time"]),
                f"{row['observed']:.4g}",
                f"{row['median']:.4g}",
                f"{row['low']:.4g} to {row['high']:.4g}",
                weakest(found.rests_on),
            )
    print_table(table)
    for edge, told in found.rests_on.items():
        say(f"rests on {edge}: {told}")


def replay_rows(found: Replay) -> list[dict[str, Any]]:
    """One row for each prior set and time: the observed mean, and the median and interval of what it would have been."""
    rows: list[dict[str, Any]] = []
    for name, worlds in found.worlds.items():
        quantiles = worlds.quantile([0.05, 0.5, 0.95], dim="draw").to_numpy()
        changed = (found.changes[name].fillna(0.0) != 0).any("draw").to_numpy()
        observed = (worlds - found.changes[name]).median("draw").to_numpy()
        for k, time in enumerate(worlds["time"].to_numpy().tolist()):
            low, median, high = (float(value) for value in quantiles[:, k])
            row = {"prior_set": name, "time": time if isinstance(time, (int, float, str)) else str(time)}
            row |= {"observed": float(observed[k]), "low": low, "median": median, "high": high}
            rows.append({**row, "changed": bool(changed[k])})
    return rows


def print_ranking(found: Ranked) -> None:
    """The options in order of expected regret, and what would be worth knowing before choosing."""
    if found.why:
        say(f"no ranking for {found.outcome}: {found.why}")
    for name, ranking in found.by_set.items():
        title = f"{name} prior, study {found.study}: {ranking.attrs['words']}"
        table = table_of("option", "expected", "90 % interval", "P(best)", "P(harm)", "regret", "rests on", title=title)
        costed = "cost" in ranking
        if costed:
            table.add_column("effect per cost")
            table.add_column("worth its cost")
        for row in ranking_rows(found, name):
            cells = [row["option"], f"{row['expected']:+.4g}", f"{row['low']:+.4g} to {row['high']:+.4g}"]
            cells += [f"{row[key]:.2f}" for key in ("p_best", "p_harm")] + [f"{row['regret']:.3g}", row["rests_on"]]
            if costed:
                per_cost = row["per_cost"]
                cells += ["-" if per_cost != per_cost else f"{per_cost:.3g}", "yes" if row["on_frontier"] else "no"]
            table.add_row(*cells)
        print_table(table)
        worth = found.worth[name]
        told = [
            f"{what} {value:.3g}"
            for what, value in zip(worth["what"].to_numpy().tolist(), worth.to_numpy().tolist(), strict=True)
            if value > 0.01 * float(ranking["evpi"])
        ]
        everything = f"knowing everything would be worth {float(ranking['evpi']):.3g}"
        say(f"{everything}; knowing one thing: {', '.join(told[:5]) or 'next to nothing'} (units of {found.outcome})")


def ranking_rows(found: Ranked, prior_set: str) -> list[dict[str, Any]]:
    """One row for each option under one prior set, the least regret first."""
    ranking = found.by_set[prior_set]
    rows: list[dict[str, Any]] = []
    for option in ranking["option"].to_numpy().tolist():
        one = ranking.sel(option=option)
        low, high = (float(value) for value in one["effect"].quantile([0.05, 0.95], dim="draw"))
        row = {"option": option, "prior_set": prior_set, "low": low, "high": high}
        row |= {key: float(one[key]) for key in ("expected", "p_best", "p_harm", "regret")}
        if "cost" in ranking:
            row |= {
                "cost": float(one["cost"]),
                "per_cost": float(one["per_cost"]),
                "on_frontier": bool(one["on_frontier"]),
            }
        rows.append({**row, "rests_on": weakest(found.rests_on.get(option, {}))})
    return rows


def movement_rows(study: str, prior_set: str, found: xr.Dataset, cuts: Sequence[Cutting]) -> dict[str, Any]:
    """How one fit's loop moves by itself, as plain numbers: medians with 90 % intervals over the draws in which they are defined."""
    import numpy as np

    def told(values: xr.DataArray) -> dict[str, float]:
        drawn = values.to_numpy()
        known = drawn[~np.isnan(drawn)]
        # Between a number and "without end" lies nothing: the lower one is taken.
        ends = np.quantile(known, [0.05, 0.5, 0.95], method="lower") if len(known) else np.full(3, np.nan)
        return dict(zip(("low", "median", "high"), ends.tolist(), strict=True))

    multipliers = found["multiplier_quantile"]
    return {
        "study": study,
        "prior_set": prior_set,
        "radius": told(found["radius"]),
        "p_explosive": float(found["p_explosive"]),
        "half_life": told(found["half_life"]),
        "loops": [
            {"loop": str(loop), "gain": told(found["gain"].sel(loop=loop))}
            for loop in found["loop"].to_numpy().tolist()
        ],
        "multipliers": [
            {
                "cause": str(cause),
                "effect": str(effect),
                **{
                    label: float(multipliers.sel(cause=cause, effect=effect, quantile=level))
                    for label, level in (("low", 0.05), ("median", 0.5), ("high", 0.95))
                },
            }
            for cause in found["cause"].to_numpy().tolist()
            for effect in found["effect"].to_numpy().tolist()
        ],
        "multiplier_undefined": float(found["multiplier_undefined"]),
        "smallest_cut": [{"edges": list(cut.edges), "factor": cut.factor, "p_decays": cut.p_decays} for cut in cuts],
    }


def print_movement(row: Mapping[str, Any]) -> None:
    """How one fit's loop moves by itself."""

    def span(found: Mapping[str, float]) -> str:
        return f"{found['median']:.3g} ({found['low']:.3g} to {found['high']:.3g})"

    table = table_of("what", "median (90 % interval)", title=f"{row['study']}, {row['prior_set']} prior")
    table.add_row("radius: share of a disturbance left after a period", span(row["radius"]))
    table.add_row("P(explosive)", f"{row['p_explosive']:.3f}")
    table.add_row("half-life of a disturbance, periods", span(row["half_life"]))
    for loop in row["loops"]:
        table.add_row(f"gain of {loop['loop']}", span(loop["gain"]))
    for each in row["multipliers"]:
        if each["low"] or each["high"]:
            table.add_row(f"long run of {each['effect']} for each unit that {each['cause']} is shifted by", span(each))
    print_table(table)
    if row["multiplier_undefined"]:
        say(f"the long run is undefined in {row['multiplier_undefined']:.1%} of the draws, which explode")
    for cut in row["smallest_cut"][:5]:
        if not cut["edges"]:
            say(f"the loops decay as they are, with probability {cut['p_decays']:.3f}")
        else:
            act = "cutting" if cut["factor"] == 0 else f"scaling to {cut['factor']:.2f}"
            say(f"{act} {' and '.join(cut['edges'])} makes the loops decay with probability {cut['p_decays']:.3f}")
    if not row["smallest_cut"]:
        say("no cut of a few edges makes the loops decay")


def foretold_document(told: Foretold) -> dict[str, Any]:
    """Everything that was foretold, as plain values: forecasts by study, node and forecaster, implied movements, predictions."""
    from dataclasses import asdict

    from causal.forecast import calibration, difference_word
    from causal.prediction import rule_told

    studies: list[dict[str, Any]] = []
    for study in told.studies:
        nodes = [
            {
                "node": node.node,
                "linked": node.linked,
                "units": node.observed.sizes["unit"],
                "units_left_out": node.idle,
                "swing": node.scale,
                "forecasts": [
                    {
                        "forecaster": name,
                        **asdict(score),
                        "by_year": [
                            {"year": int(year), **asdict(each)}
                            for year, each in zip(node.observed["time"].to_numpy(), node.by_horizon[name], strict=True)
                        ],
                    }
                    for name, score in node.scores.items()
                ],
                "differences": [
                    {"less": name, **asdict(each), "word": difference_word(each)}
                    for name, each in node.differences.items()
                ],
            }
            for node in study.nodes
        ]
        span = {"first": study.first, "year": study.year, "last": study.last}
        told_why = {"why_not": study.why, "without": dict(study.without), "unconverged": list(study.unconverged)}
        studies.append({"study": study.study, **span, "nodes": nodes, **told_why})
    calibrated = {
        name: asdict(each)
        for name, each in calibration([node for study in told.studies for node in study.nodes]).items()
    }
    predictions = [
        {
            "prediction": each.prediction.key,
            "says": each.prediction.says,
            "claims": list(each.prediction.claims),
            "rule": rule_told(each.prediction.rule) if each.prediction.rule else None,
            "outcome": each.word,
            "why": each.why,
            "ratio": each.ratio,
            "rows": [{"row": row, "start": start, "stop": stop} for row, start, stop in each.rows],
            "whole": each.whole,
            "from_other_years": [
                {"since": year, "ratio": ratio, "outcome": word} for year, (ratio, word) in each.other_starts.items()
            ],
        }
        for each in told.outcomes
    ]
    return {
        "year": told.year,
        "studies": studies,
        "calibration": calibrated,
        "implied": [{**asdict(each), "word": each.word} for each in told.implied],
        "not_measured": list(told.unmeasured),
        "predictions": predictions,
    }


def print_foretold(told: Foretold) -> None:
    """What was foretold and what came: the predictions, the claims' implied movements, and how the forecasts did."""
    from causal.forecast import FORECASTERS, difference_word

    table = table_of("prediction", "says", "outcome", "why", title="What the article foretells")
    for each in told.outcomes:
        starts = "" if each.steady else "; an earlier start gives the opposite"
        table.add_row(each.prediction.key, each.prediction.says, each.word, each.why + starts)
    if told.outcomes:
        print_table(table)
    if told.year is None:
        say("no forecasts: the bundle does not say in which year the article appeared ([article] year = ...)")
        return
    table = table_of(
        "link", "study", "claims", "hits", "by chance", "if true", "outcome", title="What its claims imply"
    )
    for each in told.implied:
        scored = f"{each.hits} of {each.units}" if each.units else "-"
        expected = [f"{value:.1f}" if value == value else "-" for value in (each.by_chance, each.if_true)]
        outcome = f"{each.word}: {each.why}" if each.why else each.word
        table.add_row(each.edge, each.study, ", ".join(each.claims), scored, *expected, outcome)
    if told.implied:
        print_table(table)
    say(f"{len(told.unmeasured)} claims state no link of which one study measures both ends")
    title = f"Forecasts from {told.year} on: mean CRPS in typical swings, less is better; share of values in the 90 % interval in brackets"
    table = table_of(
        "study", "years", "node", *FORECASTERS.values(), "article beside memory", "beside last value", title=title
    )
    for study in told.studies:
        for node in study.nodes:
            cells = [
                f"{score.crps:.2f} ({score.covered_90:.0%})" if (score := node.scores.get(name)) else "-"
                for name in FORECASTERS
            ]
            beside = [
                difference_word(node.differences[name]) if name in node.differences else "-"
                for name in ("memory", "naive")
            ]
            table.add_row(study.study, f"{told.year + 1} to {study.last}", node.node, *cells, *beside)
    print_table(table)
    for study in told.studies:
        if study.why:
            say(f"{study.study}: no forecast: {study.why}")
        for node, why in study.without.items():
            say(f"{study.study}: no forecast of {node}: {why}")


def print_rates(found: Validation) -> None:
    """How often each verdict is wrong, one row a claim, study and kind of world, and whether P(sign) is what it says."""
    from collections import Counter

    table = table_of("claim", "study", "true there", "verdicts", "wrong", "of these warned of", "right", "warned")
    for rate in found.rates:
        words = ", ".join(f"{count} {word}" for word, count in sorted(rate.words.items(), key=lambda item: -item[1]))
        table.add_row(
            rate.claim,
            rate.study,
            rate.kind,
            words,
            f"{rate.wrong:.2f} ({rate.wrong_low:.2f} to {rate.wrong_high:.2f})",
            f"{rate.wrong_warned} of {round(rate.wrong * rate.worlds)}" if rate.wrong else "",
            f"{rate.hit:.2f}",
            f"{rate.warned} of {rate.supported_by_draws}" if rate.supported_by_draws else "",
        )
    print_table(table)
    for each in found.calibration:
        say(
            f"P(effect above zero) {each.low:.1f} to {each.high:.1f}: {each.count} worlds, mean {each.mean:.2f}, above zero {each.positive:.2f}"
        )
    if found.left_out:
        reasons = Counter(found.left_out.values()).most_common()
        say(f"no worlds for {len(found.left_out)} claims: {'; '.join(f'{why} ({count})' for why, count in reasons)}")


def weakest(rests_on: Mapping[str, str]) -> str:
    """The words of the links that an answer rests on, those that are supported and a node's own memory apart."""
    from causal.syntax import read_edge

    links = {term: word for term, word in rests_on.items() if not read_edge(term).is_memory}
    found = [word.split(" (")[0].split(";")[0] for word in links.values() if word != "supported"]
    return ", ".join(dict.fromkeys(found)) or ("supported" if links else "own memory only" if rests_on else "")


def _good(better: str) -> int:
    return 1 if better == "higher" else -1


def short(value: float) -> float:
    """A number to three digits."""
    return float(f"{value:.3g}")


def print_difference(found: Difference) -> None:
    """Changed verdicts with what changed beside them, and all else that changed."""
    if found.changes:
        table = table_of("claim", "before", "now", "what changed that it rests on")
        for change in found.changes:
            through = "; ".join(change.through) or "nothing that is recorded"
            table.add_row(change.claim, change.before or "not there", change.after or "not there", through)
        print_table(table)
    count = len(found.changes)
    say(f"{count} {'verdict' if count == 1 else 'verdicts'} changed, {found.same} did not.")
    for what, names in (
        ("data", found.data),
        ("measures", found.measures),
        ("priors", found.priors),
        ("graph", found.graph),
        ("settings", found.settings),
        ("versions", found.versions),
    ):
        if names:
            more = f" and {len(names) - 12} more" if len(names) > 12 else ""
            say(f"changed {what}: {', '.join(names[:12])}{more}")


LOUDNESS = "causal.loudness"
"""Under this key a command's context keeps how much it tells beside its results: -1 nothing, 0 progress and notes, 1 what is read, found and made too."""


def loudness() -> int:
    """How much the command that runs was asked to tell; see `LOUDNESS`."""
    context = click.get_current_context(silent=True)
    return 0 if context is None else context.meta.get(LOUDNESS, 0)


def say(text: str, *, err: bool = False) -> None:
    """Print a line in which nothing steers the terminal, whoever wrote its words."""
    click.echo(printable(text), err=err)


def note(text: str) -> None:
    """Print a line that is no result, unless the user wants results only."""
    if loudness() >= 0:
        say(text)


class Said(logging.Handler):
    """What the program logs of its work, as lines on standard error with the seconds since it started."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        say(f"{record.relativeCreated / 1000:7.1f} s  {record.getMessage()}", err=True)


def table_of(*columns: str, title: str = "") -> Any:
    """An empty table with these columns, in whose cells nothing steers the terminal."""
    from rich.table import Table
    from rich.text import Text

    class Cells(Table):
        def add_row(self, *cells: Any, **told: Any) -> None:
            super().add_row(*(Text(printable(str(cell))) for cell in cells), **told)

    shown = Text(printable(title), style="table.title") if title else None
    table = Cells(title=shown, title_justify="left", show_lines=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(table: Any) -> None:
    """Print a table on standard output."""
    from rich.console import Console

    # Piped output is read by programs and people alike: wide enough not to fold a row to pieces.
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False, highlight=False)
    console.print(table)


def aside() -> Console:
    """Where progress is told: standard error, or nowhere if the user wants results only."""
    from rich.console import Console

    return Console(stderr=True, quiet=loudness() < 0, markup=False, highlight=False)


def status(what: str) -> Any:
    """What is being done, on standard error while it lasts."""
    return aside().status(what)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on standard output, what is not finite as null."""
    from math import isfinite

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): clean(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if isinstance(value, (list, tuple)):
            return [clean(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        return None if isinstance(value, float) and not isfinite(value) else value

    # What would steer a terminal is written as JSON escapes it, and so is what standard output has no letter for.
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    click.echo(printable(json.dumps(clean(document), indent=2, ensure_ascii=plain)))
