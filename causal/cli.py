"""The `causal` command.

Every subcommand takes a bundle, by key or folder, as its last argument; without one it takes the built-in article. Heavy parts are
imported by the subcommand that needs them. Exit status: 0 done; 1 the bundle or the data are wrong; 2 usage; 3 a fit did not converge.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from causal.errors import CausalError, ConvergenceError

if TYPE_CHECKING:
    from causal.analysis import Analysis, Answer
    from causal.coverage import StudyAnswer
    from causal.fit import Progress
    from causal.measuring import Measuring
    from causal.unroll import Point
    from priors.read import Bundle


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="causal-claims")
def main() -> None:
    """Test the causal claims of a report against panels of data, and ask what interventions would change."""


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn a user's mistakes into one line each on standard error and the contract's exit status."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except ConvergenceError as error:
            _fail(error, 3, as_json=bool(kwargs.get("as_json")))
        except CausalError as error:
            _fail(error, 1, as_json=bool(kwargs.get("as_json")))
        except KeyboardInterrupt:
            click.echo("Interrupted. Finished fits are kept; the same command goes on from there.", err=True)
            sys.exit(130)

    return run


def _fail(error: CausalError, status: int, *, as_json: bool) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {"errors": [{"what": fault.what, "where": fault.where, "mend": fault.mend} for fault in error.faults]},
                indent=2,
            )
        )
    else:
        for fault in error.faults:
            click.echo(str(fault), err=True)
    sys.exit(status)


_bundle = click.argument("bundle", required=False, default=None)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_seed = click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Seed of every random draw."
)
_draws = click.option(
    "--draws", default=1000, show_default=True, type=click.IntRange(min=100), help="Draws of each of four chains."
)


@main.command()
@_bundle
@_seed
@_draws
@_as_json
@_command
def report(bundle: str | None, seed: int, draws: int, as_json: bool) -> None:
    """Do everything and leave report/index.html, report/results.nc and report/verdicts.csv."""
    analysis = _analysis(bundle, seed, draws)
    with _status("writing the page"):
        from causal.report import write_report

        written = write_report(analysis, Path("report"))
    if as_json:
        _print_json({"verdicts": _verdict_rows(analysis), "files": [str(path) for path in written]})
    else:
        _print_verdicts(analysis)
        for path in written:
            click.echo(f"wrote {path}")


@main.command()
@_bundle
@_as_json
@_command
def claims(bundle: str | None, as_json: bool) -> None:
    """The ledger: each claim, its hedge, its place in the text and its prior."""
    from causal.analysis import claim_prior
    from priors.elicit import in_words, probability_as_claimed

    found = _read(bundle)
    scales = _natural_scales(found)
    rows: list[dict[str, Any]] = []
    for claim in found.ledger.claims:
        prior = claim_prior(claim)
        row: dict[str, Any] = {
            "claim": claim.key,
            "says": claim.says,
            "edge": claim.edge.text if claim.edge else None,
            "hedge": claim.hedge,
            "strength": claim.strength,
            "where": claim.where,
            "scope": claim.scope,
            "untestable": claim.untestable or None,
        }
        if prior is not None and claim.edge is not None:
            reading = probability_as_claimed(claim.hedge)
            low, high = prior.interval(0.9)
            signed = prior.probability_above(0.0) if claim.edge.sign != "-" else 1.0 - prior.probability_above(0.0)
            row["prior"] = {
                "probability_as_claimed": round(signed, 3),
                "in_words": in_words(signed),
                "readers_low": round(reading.low, 3),
                "readers_high": round(reading.high, 3),
                "standard_low": round(low, 4),
                "standard_high": round(high, 4),
            }
            factor = scales.get((claim.edge.cause, claim.edge.effect))
            if factor is not None:
                row["prior"] |= {"natural_low": _short(low * factor), "natural_high": _short(high * factor)}
        rows.append(row)
    if as_json:
        _print_json({"claims": rows})
        return
    table = _table(
        "claim", "says", "edge", "hedge", "P(sign), 90 % interval of the prior", "where", title=found.source.title
    )
    for row in rows:
        prior_text = row["untestable"] or ""
        if "prior" in row:
            kept = row["prior"]
            prior_text = f"{kept['probability_as_claimed']:.2f} ({kept['in_words']}); {kept['standard_low']:+.2f} to {kept['standard_high']:+.2f} sd per sd"
            if "natural_low" in kept:
                prior_text += f"; {kept['natural_low']:+g} to {kept['natural_high']:+g} in natural units"
        table.add_row(row["claim"], row["says"], row["edge"] or "-", row["hedge"], prior_text, row["where"])
    _print(table)


@main.command()
@_bundle
@click.option(
    "--format",
    "form",
    default="text",
    show_default=True,
    type=click.Choice(["png", "svg", "dot", "mermaid", "dagitty", "text"]),
    help="How to draw it.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of to standard output."
)
@_command
def graph(bundle: str | None, form: str, out: Path | None) -> None:
    """The graph of all claims and of what is assumed."""
    from causal.syntax import to_dagitty, to_dot, to_mermaid

    found = _read(bundle).graph
    if form in ("png", "svg"):
        from causal.plot import graph_picture

        drawn = graph_picture(found, form)
    else:
        drawn = {
            "text": lambda: found.text(),
            "dot": lambda: to_dot(found),
            "mermaid": lambda: to_mermaid(found),
            "dagitty": lambda: to_dagitty(found),
        }[form]().encode()
    if out is None:
        click.echo(drawn if form in ("png", "svg") else drawn.decode())
        return
    from causal.netcdf import write_whole

    write_whole(out, lambda part: part.write_bytes(drawn))


@main.command()
@_bundle
@click.option("--all", "every", is_flag=True, help="List every claim, also those of which no study measures both ends.")
@click.option("--missing", is_flag=True, help="Work out, too, what to measure so that the rest can be answered.")
@_as_json
@_command
def identify(bundle: str | None, every: bool, missing: bool, as_json: bool) -> None:
    """What can be answered from what is measured, how, and why not the rest."""
    from causal.coverage import coverage
    from causal.measuring import what_to_measure
    from causal.report.answerable import used

    found = _read(bundle)
    covered = coverage(found.ledger, found.graph, found.studies)
    best = {claim.key: covered.best(claim.key) for claim in found.ledger.claims}
    counts = {word: sum(answer == word for answer in best.values()) for word in ("yes", "linear only", "no", "no edge")}
    measuring = None
    if missing:
        with _status("looking for what to measure"):
            measuring = what_to_measure(found)
    if as_json:
        rows = [_answer_row(answer) for answer in covered.answers]
        chains = [{**asdict(chain), "text": str(chain)} for chain in covered.chains]
        document = {"identification": rows, "chains": chains, "answerable": best, "counts": counts}
        _print_json(document if measuring is None else document | {"proposals": _proposal_rows(measuring)})
        return
    told = {"yes": 0, "linear only": 1, "no": 2, "no edge": 3}
    shown = [answer for answer in covered.answers if every or answer.measured]
    table = _table("claim", "study", "edge", "answer", "from what", "why")
    for answer in sorted(shown, key=lambda answer: told[answer.answer]):
        word = answer.answer
        if word == "no" and answer.kept is not None and answer.kept.identified:
            word += " (yes, where the study sets nodes aside)"
        how = used(answer.identification) if answer.identification and answer.answer != "no" else "-"
        table.add_row(answer.claim, answer.study, answer.edge or "-", word, how, answer.why)
    _print(table)
    if covered.chains:
        table = _table("chain", "carries", "assumes")
        for chain in covered.chains:
            carries = f"all of {chain.cause}[{-chain.lag}] on {chain.effect}[0]" if chain.whole else "its own part"
            table.add_row(str(chain), carries, chain.assumes)
        _print(table)
    total = len(best)
    click.echo(
        f"{counts['yes']} of {total} claims can be answered from these data"
        + (f", {counts['linear only']} more in linear equations only" if counts["linear only"] else "")
        + f"; {total - counts['yes'] - counts['linear only']} cannot."
    )
    if hidden := len(dict.fromkeys(answer.claim for answer in covered.answers)) - len(
        {answer.claim for answer in shown}
    ):
        click.echo(
            f"Of {hidden} of them no study measures both cause and effect, or they state no edge; --all lists them."
        )
    if measuring is None:
        return
    table = _table("to measure", "in study", "cost", "would answer")
    for proposal in measuring.proposals if every else measuring.proposals[:20]:
        cost = f"{proposal.addition.cost:g}"
        table.add_row(str(proposal.addition), proposal.study, cost, ", ".join(proposal.claims))
    _print(table)
    if not every and len(measuring.proposals) > 20:
        click.echo(f"{len(measuring.proposals) - 20} more, which cost more or answer less; --all lists them.")
    helped = {claim for proposal in measuring.proposals for claim in proposal.claims}
    if beyond := [claim for claim in dict.fromkeys(row.claim for row in measuring.unanswered) if claim not in helped]:
        click.echo(f"Nothing that can be measured besides would answer {', '.join(beyond)}.")


def _proposal_rows(measuring: Measuring) -> list[dict[str, Any]]:
    return [
        {
            "nodes": list(proposal.addition.nodes),
            "latents": [latent.name for latent in proposal.addition.latents],
            "cost": proposal.addition.cost,
            "study": proposal.study,
            "claims": list(proposal.claims),
        }
        for proposal in measuring.proposals
    ]


def _answer_row(answer: StudyAnswer) -> dict[str, Any]:
    found = answer.identification
    row: dict[str, Any] = {
        "claim": answer.claim,
        "study": answer.study,
        "edge": answer.edge or None,
        "answer": answer.answer,
        "measured": answer.measured,
        "identified": found is not None and found.identified,
        "strategy": found.strategy if found else None,
        "adjustment": _named(found.adjustment) if found and found.adjustment is not None else None,
        "through": _named(found.through) if found else [],
        "given": _named(found.given) if found else [],
        "formula": found.formula if found else "",
        "latex": found.latex if found else "",
        "assumes_linear": found is not None and found.assumes_linear,
        "why": answer.why,
    }
    if answer.kept is not None:
        row["identified_when_set_aside"] = answer.kept.identified
        row["why_when_set_aside"] = answer.kept.why
    return row


def _named(points: Iterable[Point]) -> list[str]:
    from causal.query import by_age
    from causal.separation import name_point

    return [name_point(point) for point in by_age(points)]


@main.command()
@_bundle
@_seed
@_draws
@_as_json
@_command
def fit(bundle: str | None, seed: int, draws: int, as_json: bool) -> None:
    """Sample every study under the three prior sets, and keep the result."""
    analysis = _analysis(bundle, seed, draws, interventions=False)
    rows: list[dict[str, Any]] = []
    for study, evidence in analysis.evidence.items():
        for name, found in evidence.fits.items():
            for term in found.model.system.terms:
                values = (
                    found.posterior["effect"]
                    .sel(edge=term.name)
                    .quantile([0.05, 0.5, 0.95], dim=("chain", "draw"))
                    .to_numpy()
                )
                rows.append(
                    {
                        "study": study,
                        "prior_set": name,
                        "edge": term.name,
                        "low": float(values[0]),
                        "median": float(values[1]),
                        "high": float(values[2]),
                    }
                )
    if as_json:
        _print_json({"effects": rows})
    else:
        table = _table("study", "prior set", "edge", "median", "90 % interval (sd per sd)")
        for row in rows:
            table.add_row(
                row["study"],
                row["prior_set"],
                row["edge"],
                f"{row['median']:+.3f}",
                f"{row['low']:+.3f} to {row['high']:+.3f}",
            )
        _print(table)
    _refuse_unconverged(analysis)


@main.command()
@_bundle
@_seed
@_draws
@_as_json
@_command
def test(bundle: str | None, seed: int, draws: int, as_json: bool) -> None:
    """Judge every claim of the ledger."""
    analysis = _analysis(bundle, seed, draws, interventions=False)
    if as_json:
        _print_json({"verdicts": _verdict_rows(analysis)})
    else:
        _print_verdicts(analysis, everything=True)


@main.command()
@click.argument("text")
@_bundle
@click.option(
    "--outcome", help="The node whose change is asked for; without it, the bundle's choice or every measured node."
)
@click.option("--horizon", default=None, type=click.IntRange(min=0), help="Periods after the panel's last.")
@_seed
@_draws
@_as_json
@_command
def do(
    text: str, bundle: str | None, outcome: str | None, horizon: int | None, seed: int, draws: int, as_json: bool
) -> None:
    """What an intervention changes: TEXT names one of the bundle, or states it, as in "shift corruption -1 from 2016"."""
    from causal.analysis import answer, words_by_edge
    from causal.intervene import read_interventions
    from priors.read import InterventionSpec

    found = _read(bundle)
    spec = {spec.key: spec for spec in found.interventions}.get(text)
    if spec is None:
        read_interventions(text)
        spec = InterventionSpec(key=f"'{text}'", do=text, outcome="")
    analysis = _analysis(found, seed, draws, interventions=False)
    measured = dict.fromkeys(
        node for evidence in analysis.evidence.values() for node in evidence.fits["wide"].model.system.nodes
    )
    outcomes = [outcome or spec.outcome] if outcome or spec.outcome else list(measured)
    words = words_by_edge(analysis)
    answers = [
        answer(
            analysis.evidence,
            words,
            replace(spec, outcome=node, horizon=spec.horizon if horizon is None else horizon),
            seed,
        )
        for node in outcomes
    ]
    _print_answers(answers, as_json=as_json)
    _refuse_unconverged(analysis)


@main.command()
@_bundle
@_as_json
@_command
def check(bundle: str | None, as_json: bool) -> None:
    """Every error in a bundle's files at once; without any, what a reader should know of its data."""
    from causal.panel import study_notes

    found = _read(bundle)
    notes = [(study.name, note) for study in found.studies for note in study_notes(study, found.graph)]
    if as_json:
        _print_json({"errors": [], "notes": [{"study": study, "note": note} for study, note in notes]})
        return
    click.echo(
        f"{found.folder.name}: {len(found.ledger.claims)} claims, {len(found.studies)} studies, {len(found.interventions)} interventions, no errors"
    )
    for study, note in notes:
        click.echo(f"{study}: {note}")


def _read(bundle: str | None) -> Bundle:
    from priors.read import DEFAULT, read_bundle

    return read_bundle(bundle if bundle is not None else DEFAULT)


def _analysis(bundle: str | Bundle | None, seed: int, draws: int, *, interventions: bool = True) -> Analysis:
    import platformdirs
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    from causal.analysis import analyse

    found = _read(bundle) if bundle is None or isinstance(bundle, str) else bundle
    store = Path(platformdirs.user_cache_dir("causal-claims")) / "fits"
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=False) as bars:

        def announce(name: str) -> Progress:
            for earlier in bars.tasks:
                bars.update(earlier.id, total=1, completed=1)
                bars.stop_task(earlier.id)
            task = bars.add_task(
                name, total=None, told="reading the store, or compiling (up to a minute the first time)"
            )

            def progress(finished: int, total: int, divergences: int) -> None:
                bars.update(
                    task, total=total, completed=finished, told=f"{finished} of {total} draws, {divergences} diverged"
                )

            return progress

        analysis = analyse(found, store=store, seed=seed, draws=draws, announce=announce, interventions=interventions)
        for task in bars.tasks:
            bars.update(task.id, total=1, completed=1, told="done")
    return analysis


def _natural_scales(bundle: Bundle) -> dict[tuple[str, str], float]:
    """For each pair of nodes that one study measures: what turns a standard effect into natural units."""
    from causal.panel import standard_scales

    found: dict[tuple[str, str], float] = {}
    for study in bundle.studies:
        scales = standard_scales(study.values(bundle.graph))
        sizes = {str(name): float(scales.sel(variable=name)) for name in scales["variable"].to_numpy()}
        for cause, by in sizes.items():
            for effect, of in sizes.items():
                found.setdefault((cause, effect), of / by)
    return found


def _refuse_unconverged(analysis: Analysis) -> None:
    bad = [
        f"{study}, {name} prior: {', '.join(found.convergence.unconverged[:4]) or 'divergent draws'}"
        for study, evidence in analysis.evidence.items()
        for name, found in evidence.fits.items()
        if not found.convergence.passed
    ]
    if bad:
        raise ConvergenceError(*(f"did not converge: {text}; try --draws 4000" for text in bad))


def _verdict_rows(analysis: Analysis) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for verdict in analysis.verdicts:
        claim = analysis.bundle.ledger[verdict.claim]
        rows.append({**verdict.as_dict(), "says": claim.says, "where": claim.where, "hedge": claim.hedge})
    return rows


def _print_verdicts(analysis: Analysis, *, everything: bool = False) -> None:
    from collections import Counter

    ledger = analysis.bundle.ledger
    core = [
        verdict for verdict in analysis.verdicts if ledger[verdict.claim].core or verdict.verdict not in ("untestable",)
    ]
    shown = analysis.verdicts if everything or not core else core
    table = _table("claim", "edge", "verdict", "why", title=ledger.source.title)
    for verdict in shown:
        table.add_row(verdict.claim, verdict.edge or "-", verdict.verdict, verdict.why)
        pooled = (verdict.conditional_together,) if verdict.conditional_together else ()
        for finding in (*verdict.conditional, *pooled):
            if finding.identified:
                place = " and ".join(finding.pooled) or finding.study
                aside = f"if the {len(finding.set_aside)} other unmeasured causes the source names are assumed away in {place}"
                table.add_row("", "", f"({finding.verdict})", f"{aside}: {finding.why}")
    _print(table)
    for fault in analysis.apart:
        click.echo(f"the studies make no one model: {fault}")
    counts = Counter(verdict.verdict for verdict in analysis.verdicts)
    click.echo(
        f"{len(analysis.verdicts)} claims: " + ", ".join(f"{count} {word}" for word, count in counts.most_common())
    )
    checked = {study: evidence.checks for study, evidence in analysis.evidence.items()}
    checked |= {"all studies as one": analysis.together.checks} if analysis.together else {}
    for study, results in checked.items():
        for result in results:
            if result.passed is False:
                click.echo(f"{study}: {result.sentence}")


def _print_answers(answers: Sequence[Answer], *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = []
    for found in answers:
        for name, effect in found.effects.items():
            quantiles = effect.quantile([0.05, 0.5, 0.95], dim="draw").to_numpy()
            falls = (effect < 0).mean("draw").to_numpy()
            for k, time in enumerate(effect["time"].to_numpy().tolist()):
                low, median, high = (float(value) for value in quantiles[:, k])
                row = {
                    "outcome": found.spec.outcome,
                    "prior_set": name,
                    "time": time,
                    "low": low,
                    "median": median,
                    "high": high,
                }
                rows.append({**row, "probability_negative": float(falls[k])})
    rests_on = {edge: told for found in answers for edge, told in found.rests_on.items()}
    if as_json:
        for row in rows:
            row["time"] = row["time"] if isinstance(row["time"], (int, float, str)) else str(row["time"])
        _print_json({"intervention": answers[0].spec.do, "effects": rows, "rests_on": rests_on})
        return
    table = _table(
        "outcome",
        "prior",
        "time",
        "median",
        "90 % interval",
        "P(negative)",
        title=f"{answers[0].spec.do}: change, mean over units, natural units",
    )
    for row in rows:
        if row["low"] or row["high"]:
            interval = f"{row['low']:+.4g} to {row['high']:+.4g}"
            table.add_row(
                row["outcome"],
                row["prior_set"],
                str(row["time"]),
                f"{row['median']:+.4g}",
                interval,
                f"{row['probability_negative']:.2f}",
            )
    _print(table)
    for edge, told in rests_on.items():
        click.echo(f"rests on {edge}: {told}")


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _table(*columns: str, title: str = "") -> Any:
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", show_lines=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _print(table: Any) -> None:
    from rich.console import Console

    # Piped output is read by programs and people alike: wide enough not to fold a row to pieces.
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False, highlight=False)
    console.print(table)


def _status(what: str) -> Any:
    from rich.console import Console

    return Console(stderr=True).status(what)


def _print_json(document: dict[str, Any]) -> None:
    from math import isnan

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): clean(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if isinstance(value, (list, tuple)):
            return [clean(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        return None if isinstance(value, float) and isnan(value) else value

    click.echo(json.dumps(clean(document), indent=2, ensure_ascii=False))
