"""The `causal` command.

Every subcommand takes a bundle, by key or folder, as its last argument; without one it takes the built-in article. Heavy parts are
imported by the subcommand that needs them. Exit status: 0 done; 1 the bundle or the data are wrong; 2 usage; 3 a fit did not converge.
"""

from __future__ import annotations

import errno
import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from causal.errors import CausalError, ConvergenceError, Fault, nearest, printable, raise_all
from causal.terminal import (
    LOUDNESS,
    Said,
    answer_rows,
    aside,
    foretold_document,
    movement_rows,
    note,
    print_answers,
    print_difference,
    print_foretold,
    print_json,
    print_movement,
    print_ranking,
    print_rates,
    print_replay,
    print_table,
    print_verdicts,
    ranking_rows,
    replay_rows,
    say,
    short,
    status,
    table_of,
    verdict_document,
)

if TYPE_CHECKING:
    from causal.analysis import Analysis, Answer
    from causal.coverage import StudyAnswer
    from causal.fit import Fit, Progress
    from causal.measuring import Measuring
    from causal.report.record import Record
    from causal.unroll import Point
    from priors.read import Bundle, InterventionSpec


class _Causal(click.Group):
    """The command; with --json an error of usage is one document on standard output too."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a terminal may know fewer letters than a bundle
        words = list(sys.argv[1:] if args is None else args)
        if not standalone_mode or "--json" not in words:
            return super().main(words, *rest, standalone_mode=standalone_mode, **extra)
        try:
            status = super().main(words, *rest, standalone_mode=False, **extra)
        except click.ClickException as error:
            context = error.ctx if isinstance(error, click.UsageError) else None
            path = context.command_path if context else "causal"
            _print_errors(Fault(error.format_message(), path, f"see {path} --help"))
            sys.exit(error.exit_code)
        except click.Abort:
            _print_errors(Fault("was called off", "causal", "answer the question, or give its option"))
            sys.exit(1)
        sys.exit(status if isinstance(status, int) else 0)


def _tell(context: click.Context, parameter: click.Parameter, given: bool) -> None:
    """Keep how much the user wants to be told; with -v, what the program logs is printed."""
    if not given:
        return
    level = 1 if parameter.name == "verbose" else -1
    before = context.meta.setdefault(LOUDNESS, level)
    if before != level:
        raise click.UsageError("-q and -v stand together: take one of them", context)
    if level > 0 and "causal.log" not in context.meta:
        said = context.meta["causal.log"] = Said()
        for logger in map(logging.getLogger, ("causal", "priors")):
            logger.addHandler(said)
            logger.setLevel(logging.INFO)
            context.find_root().call_on_close(partial(logger.removeHandler, said))
            context.find_root().call_on_close(partial(logger.setLevel, logging.NOTSET))


def _loud[F: Callable[..., Any]](function: F) -> F:
    """Give a command -q and -v."""
    quiet = click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=_tell, help="Print results and errors only."
    )
    verbose = click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_tell,
        help="Tell on standard error, too, what is read, found in the cache and written, and when.",
    )  # fmt: skip
    return quiet(verbose(function))


@click.group(cls=_Causal, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="causal-claims")
@_loud
def main() -> None:
    """Test the causal claims of a report against panels of data, and ask what interventions would change."""


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn a user's mistakes into one line each on standard error and the contract's exit status."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        as_json = bool(kwargs.get("as_json"))
        try:
            function(*args, **kwargs)
        except ConvergenceError as error:
            _fail(error, 3, as_json=as_json)
        except CausalError as error:
            _fail(error, 1, as_json=as_json)
        except MemoryError:
            mend = "take fewer draws, units, periods or nodes"
            _fail(CausalError(Fault("this takes more memory than there is", "memory:", mend)), 1, as_json=as_json)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read has read enough: click's part
                raise
            sys.stdout = io.StringIO()  # what could not be written is not tried again
            from causal.netcdf import refused

            _fail(CausalError(refused(Path(error.filename or "standard output"), error)), 1, as_json=False)
        except KeyboardInterrupt:
            say("Interrupted. Finished fits are kept; the same command goes on from there.", err=True)
            sys.exit(130)

    return _loud(run)


def _fail(error: CausalError, status: int, *, as_json: bool) -> None:
    if as_json:
        _print_errors(*error.faults)
    else:
        for fault in error.faults:
            say(str(fault), err=True)
    sys.exit(status)


def _print_errors(*faults: Fault) -> None:
    print_json({"errors": [asdict(fault) for fault in faults]})


_LONGEST_GRAPH = 1_000_000
"""So many letters of a graph in the language of dagitty are read."""
_bundle = click.argument("bundle", required=False, default=None)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_seed = click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 2**64 - 1), help="Seed of every random draw."
)
_draws = click.option(
    "--draws", default=1000, show_default=True, type=click.IntRange(100, 100_000), help="Draws of each of four chains."
)


@main.command()
@_bundle
@_seed
@_draws
@click.option(
    "--from",
    "results",
    type=click.Path(path_type=Path),
    help="Take the draws of this results.nc, with its seed and its number of draws, and sample nothing.",
)
@_as_json
@_command
def report(bundle: str | None, seed: int, draws: int, results: Path | None, as_json: bool) -> None:
    """Do everything and leave report/index.html, report/results.nc and report/verdicts.csv."""
    analysis = _analysis(bundle, seed, draws, forecasts=True) if results is None else _again(bundle, results)
    with status("writing the page"):
        from causal.installation import cache_folder
        from causal.report import write_report

        written = write_report(analysis, Path("report"), store=cache_folder() / "charts")
    if as_json:
        print_json({**verdict_document(analysis), "files": [str(path) for path in written]})
    else:
        print_verdicts(analysis)
        for path in written:
            say(f"wrote {path}")


@main.command()
@_bundle
@_as_json
@_command
def claims(bundle: str | None, as_json: bool) -> None:
    """The ledger: each claim, its hedge, its place in the text and its prior."""
    from causal.analysis import claim_prior, readings_told
    from priors.agreement import agreement
    from priors.elicit import in_words, probability_as_claimed

    found = _read(bundle)
    agreed = agreement(found.ledger)
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
            "evidence": [
                {**asdict(each), "taken_from_it": claim.key in each.origin}
                for each in found.ledger.published_on(claim.key)
            ],
            "readings": [
                {
                    "reader": reading.reader,
                    "edge": reading.edge.text if reading.edge else None,
                    "hedge": reading.hedge,
                    "strength": reading.strength,
                }
                for reading in claim.others
            ],
            "readings_told": list(readings_told(claim)),
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
                row["prior"] |= {"natural_low": short(low * factor), "natural_high": short(high * factor)}
        rows.append(row)
    if as_json:
        print_json({"claims": rows, "agreement": {**asdict(agreed), "sentence": agreed.sentence}})
        return
    columns = ("claim", "says", "edge", "hedge", "P(sign), 90 % interval of the prior", "where")
    elsewhere = ("evidence elsewhere",) if found.ledger.published else ()
    table = table_of(*columns, *elsewhere, title=found.source.title)
    for row in rows:
        prior_text = row["untestable"] or ""
        if "prior" in row:
            kept = row["prior"]
            prior_text = f"{kept['probability_as_claimed']:.2f} ({kept['in_words']}); {kept['standard_low']:+.2f} to {kept['standard_high']:+.2f} sd per sd"
            if "natural_low" in kept:
                prior_text += f"; {kept['natural_low']:+g} to {kept['natural_high']:+g} in natural units"
        prior_text += "".join(f". {told.rstrip('.')}" for told in row["readings_told"])
        cells = (row["claim"], row["says"], row["edge"] or "-", row["hedge"], prior_text, row["where"])
        told = "; ".join(f"{each['direction']}: {each['work']}" for each in row["evidence"])
        table.add_row(*cells, *((told,) if elsewhere else ()))
    print_table(table)
    if elsewhere:
        note(
            "Evidence elsewhere is read beside the claims and enters no number; --json says what was found, and where."
        )
    say(agreed.sentence)


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
@_as_json
@_command
def graph(bundle: str | None, form: str, out: Path | None, as_json: bool) -> None:
    """The graph of all claims and of what is assumed."""
    from causal.syntax import to_dagitty, to_dot, to_mermaid

    found = _read(bundle).graph
    if as_json and out is None and form == "png":
        raise CausalError(Fault("a picture in PNG is no text", "--format png", "add --out FILE, or take --format svg"))
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
    if out is not None:
        from causal.netcdf import write_whole

        write_whole(out, lambda part: part.write_bytes(drawn))
    if as_json:
        print_json(
            {
                "nodes": [asdict(node) for node in found.nodes],
                "edges": [{**asdict(edge), "sign": str(edge.sign)} for edge in found.edges],
                "latents": [asdict(latent) for latent in found.latents],
                **({"drawn": drawn.decode()} if out is None else {"files": [str(out)]}),
            }
        )
    elif out is None:
        click.echo(drawn if form in ("png", "svg") else drawn.decode())


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
        with status("looking for what to measure"):
            measuring = what_to_measure(found)
    if as_json:
        rows = [_answer_row(answer) for answer in covered.answers]
        chains = [{**asdict(chain), "text": str(chain)} for chain in covered.chains]
        document = {"identification": rows, "chains": chains, "answerable": best, "counts": counts}
        print_json(document if measuring is None else document | {"proposals": _proposal_rows(measuring)})
        return
    told = {"yes": 0, "linear only": 1, "no": 2, "no edge": 3}
    shown = [answer for answer in covered.answers if every or answer.measured]
    table = table_of("claim", "study", "edge", "answer", "from what", "why")
    for answer in sorted(shown, key=lambda answer: told[answer.answer]):
        word = answer.answer
        if word == "no" and answer.kept is not None and answer.kept.identified:
            word += " (yes, where the study sets nodes aside)"
        how = used(answer.identification) if answer.identification and answer.answer != "no" else "-"
        table.add_row(answer.claim, answer.study, answer.edge or "-", word, how, answer.why)
    print_table(table)
    if covered.chains:
        table = table_of("chain", "carries", "assumes")
        for chain in covered.chains:
            carries = f"all of {chain.cause}[{-chain.lag}] on {chain.effect}[0]" if chain.whole else "its own part"
            table.add_row(str(chain), carries, chain.assumes)
        print_table(table)
    total = len(best)
    say(
        f"{counts['yes']} of {total} claims can be answered from these data"
        + (f", {counts['linear only']} more in linear equations only" if counts["linear only"] else "")
        + f"; {total - counts['yes'] - counts['linear only']} cannot."
    )
    if hidden := len(dict.fromkeys(answer.claim for answer in covered.answers)) - len(
        {answer.claim for answer in shown}
    ):
        note(f"Of {hidden} of them no study measures both cause and effect, or they state no edge; --all lists them.")
    if measuring is None:
        return
    table = table_of("to measure", "in study", "cost", "would answer")
    for proposal in measuring.proposals if every else measuring.proposals[:20]:
        cost = f"{proposal.addition.cost:g}"
        table.add_row(str(proposal.addition), proposal.study, cost, ", ".join(proposal.claims))
    print_table(table)
    if not every and len(measuring.proposals) > 20:
        note(f"{len(measuring.proposals) - 20} more, which cost more or answer less; --all lists them.")
    helped = {claim for proposal in measuring.proposals for claim in proposal.claims}
    if beyond := [claim for claim in dict.fromkeys(row.claim for row in measuring.unanswered) if claim not in helped]:
        say(f"Nothing that can be measured besides would answer {', '.join(beyond)}.")


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
        _print_fitted({"effects": rows}, _fits(analysis))
    else:
        table = table_of("study", "prior set", "edge", "median", "90 % interval (sd per sd)")
        for row in rows:
            table.add_row(
                row["study"],
                row["prior_set"],
                row["edge"],
                f"{row['median']:+.3f}",
                f"{row['low']:+.3f} to {row['high']:+.3f}",
            )
        print_table(table)
    _refuse_unconverged(_fits(analysis))


@main.command()
@_bundle
@click.option(
    "--thorough", is_flag=True, help="Also fit on parts of the data, with rival graphs and in other ways: some minutes."
)
@_seed
@_draws
@_as_json
@_command
def test(bundle: str | None, thorough: bool, seed: int, draws: int, as_json: bool) -> None:
    """Judge every claim of the ledger."""
    analysis = _analysis(bundle, seed, draws, interventions=False, thorough=thorough)
    if as_json:
        print_json(verdict_document(analysis))
    else:
        print_verdicts(analysis, everything=True)


@main.command()
@click.argument("text")
@_bundle
@click.option(
    "--outcome", help="The node whose change is asked for; without it, the bundle's choice or every measured node."
)
@click.option("--horizon", default=None, type=click.IntRange(0, 1000), help="Periods after the panel's last.")
@_seed
@_draws
@_as_json
@_command
def do(
    text: str, bundle: str | None, outcome: str | None, horizon: int | None, seed: int, draws: int, as_json: bool
) -> None:
    """What an intervention changes: TEXT names one of the bundle, or states it, as in "shift corruption -1 from 2016"."""
    from causal.analysis import answer, words_by_edge

    found = _read(bundle)
    spec = _stated(found, text, outcome)
    analysis = _analysis(found, seed, draws, interventions=False)
    words = words_by_edge(analysis)
    steps = spec.horizon if horizon is None else horizon

    def asked(node: str) -> Answer:
        better = spec.better if node == spec.outcome else ""
        return answer(analysis.evidence, words, replace(spec, outcome=node, horizon=steps, better=better), seed)

    answers, without = _each_outcome(analysis, outcome or spec.outcome, asked)
    if as_json:
        rests_on = {edge: told for each in answers for edge, told in each.rests_on.items()}
        _print_fitted({"intervention": spec.do, "effects": answer_rows(answers), "rests_on": rests_on}, _fits(analysis))
    else:
        print_answers(answers)
        _tell_left_out(without)
    _refuse_unconverged(_fits(analysis))


@main.command()
@click.argument("text")
@_bundle
@click.option("--outcome", help="The node that is replayed; without it, the bundle's choice or every measured node.")
@_seed
@_draws
@_as_json
@_command
def counterfactual(text: str, bundle: str | None, outcome: str | None, seed: int, draws: int, as_json: bool) -> None:
    """The observed panel as it would have been: TEXT as for `do`."""
    from causal.analysis import replay, words_by_edge

    found = _read(bundle)
    spec = _stated(found, text, outcome)
    analysis = _analysis(found, seed, draws, interventions=False)
    words = words_by_edge(analysis)
    replays, without = _each_outcome(
        analysis,
        outcome or spec.outcome,
        lambda node: replay(analysis.evidence, words, replace(spec, outcome=node), seed),
    )
    if as_json:
        told = [
            {
                "outcome": each.spec.outcome,
                "study": each.study,
                "worlds": replay_rows(each),
                "rests_on": dict(each.rests_on),
            }
            for each in replays
        ]
        _print_fitted({"intervention": spec.do, "replays": told}, _fits(analysis))
    else:
        for each in replays:
            print_replay(each)
        _tell_left_out(without)
    _refuse_unconverged(_fits(analysis))


@main.command()
@_bundle
@click.option(
    "--outcome", help="The node that is to become better; without it, every outcome of which the bundle says how."
)
@click.option("--better", type=click.Choice(["higher", "lower"]), help="Which way of the outcome is good.")
@_seed
@_draws
@_as_json
@_command
def rank(bundle: str | None, outcome: str | None, better: str | None, seed: int, draws: int, as_json: bool) -> None:
    """Which of the bundle's interventions to prefer under what is not known, and what would be worth knowing."""
    from causal.analysis import rankings, words_by_edge

    found = _read(bundle)
    specs = [spec for spec in found.interventions if outcome in (None, spec.outcome)]
    if better is not None:
        specs = [replace(spec, better=better) for spec in specs]
    if not any(spec.better for spec in specs):
        acting = (
            "the bundle has no interventions" if outcome is None else f"no intervention has the outcome '{outcome}'"
        )
        what = "which way is good is not said" if specs else acting
        mend = (
            f"outcomes: {', '.join(sorted({spec.outcome for spec in found.interventions})) or 'none'}"
            if not specs
            else 'give --better higher or --better lower, or write better = "..." in interventions.toml'
        )
        raise CausalError(Fault(what, "interventions.toml:", mend))
    analysis = _analysis(found, seed, draws, interventions=False)
    orders = rankings(analysis.evidence, words_by_edge(analysis), specs, seed)
    if all(each.why for each in orders):
        raise CausalError(*(Fault(each.why, f"ranking for '{each.outcome}'") for each in orders))
    if as_json:
        told = [
            {
                "outcome": each.outcome,
                "better": each.better,
                "study": each.study,
                "why_not": each.why,
                "options": [row for name in each.by_set for row in ranking_rows(each, name)],
                "worth_knowing": {
                    name: dict(zip(worth["what"].to_numpy().tolist(), worth.to_numpy().tolist(), strict=True))
                    for name, worth in each.worth.items()
                },
                "perfect_information": {name: float(ranking["evpi"]) for name, ranking in each.by_set.items()},
            }
            for each in orders
        ]
        _print_fitted({"rankings": told}, _fits(analysis))
    else:
        for each in orders:
            print_ranking(each)
    _refuse_unconverged(_fits(analysis))


@main.command()
@_bundle
@_seed
@_draws
@_as_json
@_command
def dynamics(bundle: str | None, seed: int, draws: int, as_json: bool) -> None:
    """How each study's loop moves by itself: gain, half-life, long run, and what would make it decay."""
    from causal.dynamics import dynamics as movement
    from causal.dynamics import smallest_cut

    analysis = _analysis(bundle, seed, draws, interventions=False)
    rows: list[dict[str, Any]] = []
    faults: list[Fault] = []
    for study, found in analysis.evidence.items():
        for name, fitted in found.fits.items():
            try:
                rows.append(movement_rows(study, name, movement(fitted), smallest_cut(fitted)))
            except CausalError as error:
                faults.extend(Fault(fault.what, fault.where or study, fault.mend) for fault in error.faults)
    faults = list(dict.fromkeys(faults))
    if not rows:
        raise CausalError(*faults)
    if as_json:
        _print_fitted({"studies": rows, "without": [str(fault) for fault in faults]}, _fits(analysis))
    else:
        for row in rows:
            print_movement(row)
        for fault in faults:
            say(str(fault), err=True)
    _refuse_unconverged(_fits(analysis))


@main.command()
@_bundle
@_seed
@_draws
@_as_json
@_command
def forecast(bundle: str | None, seed: int, draws: int, as_json: bool) -> None:
    """What the article foretold: its model fitted up to its year and scored on the years after, and its predictions by their rules."""
    from causal.analysis import prior_sets
    from causal.forecast import FORECASTERS
    from causal.foretold import foretell

    found = _read(bundle)
    with _announced() as announce:
        told = foretell(found, prior_sets(found), store=_store(), seed=seed, draws=draws, announce=announce)
    fits = {study.study: {FORECASTERS[name]: fitted for name, fitted in study.fits.items()} for study in told.studies}
    if as_json:
        _print_fitted(foretold_document(told), fits)
    else:
        print_foretold(told)
    _refuse_unconverged(fits)


def _stated(bundle: Bundle, text: str, outcome: str | None) -> InterventionSpec:
    """The bundle's intervention of that name, or the one that the text states.

    Raises `CausalError` for nodes that the graph lacks, before anything is fitted.
    """
    from causal.intervene import nodes_named, read_interventions
    from priors.read import InterventionSpec

    named = {spec.key: spec for spec in bundle.interventions}.get(text)
    if not text.strip():
        raise CausalError(Fault("is empty", "TEXT", "name an intervention of the bundle, or state one: 'shift x -1'"))
    acts_on = [] if named else [node for each in read_interventions(text) for node in nodes_named(each)]
    asked = [*acts_on, *([outcome] if outcome else [])]
    raise_all(
        Fault(f"no node '{node}'", f"'{text}':", nearest(node, bundle.graph.names))
        for node in dict.fromkeys(asked)
        if node not in bundle.graph.names
    )
    return named or InterventionSpec(key=f"'{text}'", do=text, outcome="")


def _each_outcome[T](analysis: Analysis, outcome: str, ask: Callable[[str], T]) -> tuple[list[T], list[str]]:
    """The answers for the outcome asked for, or for each measured node that some study can answer, and those that none can."""
    if outcome:
        return [ask(outcome)], []
    measured = dict.fromkeys(
        node for evidence in analysis.evidence.values() for node in evidence.fits["wide"].model.system.nodes
    )
    found: list[T] = []
    without: list[str] = []
    faults: dict[Fault, None] = {}
    for node in measured:
        try:
            found.append(ask(node))
        except CausalError as error:
            without.append(node)
            faults.update(dict.fromkeys(error.faults))
    if not found:
        raise CausalError(*faults)
    return found, without


def _tell_left_out(nodes: Sequence[str]) -> None:
    if nodes:
        say(f"without an answer, since no study measures it together with what is done: {', '.join(nodes)}")


@main.command()
@_bundle
@click.option(
    "--worlds",
    default=100,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Worlds of each kind for each claim.",
)
@click.option("--kind", "kinds", multiple=True, help="A kind of world; may be given several times. All by default.")
@click.option("--cluster", help="The address of a Dask scheduler that does the fits.")
@click.option("--keep", "kept", is_flag=True, help="Write the rates beside the bundle's files, for its page.")
@_seed
@_as_json
@_command
def validate(
    bundle: str | None, worlds: int, kinds: tuple[str, ...], cluster: str | None, kept: bool, seed: int, as_json: bool
) -> None:
    """How often the verdicts are wrong, on simulated worlds of which the truth is known. Goes on where it was stopped."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from causal.installation import cache_folder
    from causal.validate import keep
    from causal.validate import validate as measure

    found = _read(bundle)
    store = cache_folder() / "worlds"
    named = TextColumn("{task.description}", markup=False)
    with Bars(named, BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=aside()) as bars:
        tasks: dict[str, Any] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(printable(what), total=total)
            bars.update(tasks[what], completed=done)

        rates = measure(found, worlds=worlds, seed=seed, kinds=kinds or None, store=store, cluster=cluster, told=told)
    written = keep(rates, found) if kept else None
    if as_json:
        print_json(rates.as_dict())
        return
    print_rates(rates)
    if written is not None:
        say(f"wrote {written}")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--from-csv",
    "table",
    type=click.Path(path_type=Path),
    help="A table of yours (CSV, Excel or Parquet; a row a unit and time, or a column a year): its columns are proposed as nodes.",
)
@click.option("--unit", help="The table's column of units, where it is not to be found out.")
@click.option("--time", help="The table's column of times, where it is not to be found out.")
@click.option("--encoding", help="The table's encoding, likewise: utf-8, latin-1, ...")
@click.option("--delimiter", help="What stands between its columns, likewise: , ; | or a tab.")
@click.option("--decimal", help="Its decimal mark, likewise: . or ,")
@click.option(
    "--from-dagitty",
    "graph",
    type=click.File(encoding="utf-8"),
    help="A file with a graph in the language of dagitty, or -: its arrows become claims.",
)
@click.option("--example", help="Copy a built-in bundle, such as growth.")
@_as_json
@_command
def new(
    folder: Path,
    table: Path | None,
    unit: str | None,
    time: str | None,
    encoding: str | None,
    delimiter: str | None,
    decimal: str | None,
    graph: Any,
    example: str | None,
    as_json: bool,
) -> None:
    """A bundle of your own to begin with: writes claims.toml, studies.toml and interventions.toml into FOLDER, with comments, ready to run.

    Without options it asks for a table on a terminal, and makes one up elsewhere.
    """
    from causal.dialect import Dialect
    from causal.scaffold import start

    if table is None and graph is None and example is None and not as_json and sys.stdin.isatty():
        given = click.prompt(
            "Your table (CSV, Excel or Parquet; empty for a made-up one)", default="", show_default=False
        )
        table = Path(given).expanduser() if given.strip() else None
    try:
        dagitty = None if graph is None else graph.read(_LONGEST_GRAPH + 1)
    except UnicodeDecodeError:
        raise CausalError(Fault("the graph is not UTF-8", "--from-dagitty", "save the file as UTF-8")) from None
    except OSError as error:
        raise CausalError(Fault(f"cannot be read: {error.strerror}", "--from-dagitty", "check the path")) from None
    if dagitty is not None and len(dagitty) > _LONGEST_GRAPH:
        raise CausalError(Fault(f"has more than {_LONGEST_GRAPH} letters", "--from-dagitty", "cut the graph in two"))
    try:
        dialect = Dialect(encoding, delimiter, decimal)
    except CausalError as error:
        raise CausalError(*(Fault(fault.what, str(table or folder), fault.mend) for fault in error.faults)) from None
    notes = start(folder, table=table, unit=unit, time=time, dialect=dialect, dagitty=dagitty, example=example)
    files = sorted(file.name for file in folder.iterdir())
    if as_json:
        print_json({"folder": str(folder), "files": files, "notes": list(notes)})
        return
    say(f"wrote {', '.join(files)} into {folder}")
    for told in notes:
        note(f"- {told}")
    note(f"Now say in {folder / 'claims.toml'} what your source claims, then:")
    note(f"  causal check {folder}      every error at once, with its line")
    note(f"  causal report {folder}     the verdicts, on a page")


@main.command()
@_bundle
@_as_json
@_command
def check(bundle: str | None, as_json: bool) -> None:
    """Every error in a bundle's files at once; without any, what a reader should know of its data."""
    from causal.panel import study_notes

    found = _read(bundle)
    notes = [(study.name, told) for study in found.studies for told in study_notes(study, found.graph)]
    if as_json:
        print_json({"errors": [], "notes": [{"study": study, "note": told} for study, told in notes]})
        return
    say(
        f"{found.folder.name}: {len(found.ledger.claims)} claims, {len(found.studies)} {'study' if len(found.studies) == 1 else 'studies'}, "
        f"{len(found.interventions)} interventions, no errors"
    )
    for study, told in notes:
        say(f"{study}: {told}")


@main.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new_file", metavar="NEW", type=click.Path(path_type=Path))
@_as_json
@_command
def diff(old: Path, new_file: Path, as_json: bool) -> None:
    """Which verdicts changed from one results.nc to another, and which data, priors, settings or versions changed with them."""
    from causal.report.record import difference, read_record

    records: list[Record] = []
    faults: list[Fault] = []
    for path in (old, new_file):
        try:
            records.append(read_record(path))
        except CausalError as error:
            faults.extend(error.faults)
    if faults:
        raise CausalError(*faults)
    found = difference(*records)
    if as_json:
        print_json(asdict(found))
        return
    print_difference(found)


@main.command()
@_as_json
@_command
def doctor(as_json: bool) -> None:
    """Whether the installation is sound: versions, sampler, pictures, cache, cores, memory. Exit status 1 where something is not."""
    from causal.installation import findings

    found = findings()
    sick = [each for each in found if each.fine is False]
    if as_json:
        print_json({"sound": not sick, "findings": [asdict(each) for each in found]})
    else:
        table = table_of("", "what", "found")
        for each in found:
            mark = {True: "ok", False: "NO", None: "-"}[each.fine]
            table.add_row(mark, each.what, f"{each.found}{'; ' if each.mend else ''}{each.mend}")
        print_table(table)
    if sick:
        sys.exit(1)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """The script by which a shell completes this command, e.g. causal completion bash >> ~/.bashrc"""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "causal", "_CAUSAL_COMPLETE").source())


@main.group()
def cache() -> None:
    """What is kept of earlier runs, so that they are gone on with."""


@cache.command("list")
@_as_json
@_command
def list_cache(as_json: bool) -> None:
    """How much is kept, and where."""
    from causal.installation import kept

    found = kept()
    if as_json:
        print_json({"kept": [asdict(each) for each in found]})
        return
    table = table_of("kind", "files", "MB", "folder")
    for each in found:
        table.add_row(each.kind, str(each.files), f"{each.bytes / 1e6:.1f}", each.folder)
    print_table(table)


@cache.command("clear")
@click.argument("kinds", nargs=-1, metavar="[fits] [worlds] [charts]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_as_json
@_command
def clear_cache(kinds: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete what is kept; the next run makes it anew. All of it, or fits, worlds or charts alone."""
    from causal.installation import clear

    if as_json and not yes:
        raise CausalError(Fault("nothing is deleted without a yes", "--json", "add --yes"))
    if not yes and not click.confirm("Delete what is kept of earlier runs?"):
        return
    gone = clear(kinds or None)
    if as_json:
        print_json({"deleted": [asdict(each) for each in gone]})
        return
    for each in gone:
        say(f"{each.kind}: {each.files} files, {each.bytes / 1e6:.1f} MB deleted")


def _read(bundle: str | None) -> Bundle:
    from priors.read import DEFAULT, read_bundle

    return read_bundle(bundle if bundle is not None else DEFAULT)


def _analysis(
    bundle: str | Bundle | None,
    seed: int,
    draws: int,
    *,
    interventions: bool = True,
    forecasts: bool = False,
    thorough: bool = False,
) -> Analysis:
    from causal.analysis import analyse

    found = _read(bundle) if bundle is None or isinstance(bundle, str) else bundle
    with _announced() as announce:
        return analyse(
            found,
            store=_store(),
            seed=seed,
            draws=draws,
            announce=announce,
            interventions=interventions,
            forecasts=forecasts,
            thorough=thorough,
        )


def _again(bundle: str | None, results: Path) -> Analysis:
    """The analysis of a bundle from the draws of a results file."""
    from causal.analysis import analyse
    from causal.report.tables import drawn

    found, made = _read(bundle), drawn(results)
    seed, draws, chains = (made.settings[name] for name in ("seed", "draws", "chains"))
    return analyse(found, drawn=made, store=_store(), seed=seed, draws=draws, chains=chains, forecasts=True)


def _store() -> Path:
    from causal.installation import cache_folder

    return cache_folder() / "fits"


@contextmanager
def _announced() -> Iterator[Callable[[str], Progress]]:
    """Bars on standard error, a new one for each fit that is announced."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    named, told = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[told]}"))
    with Bars(named, BarColumn(), told, TimeElapsedColumn(), console=aside(), transient=False) as bars:

        def announce(name: str) -> Progress:
            for earlier in bars.tasks:
                bars.update(earlier.id, total=1, completed=1)
                bars.stop_task(earlier.id)
            task = bars.add_task(
                printable(name), total=None, told="reading the store, or compiling (up to a minute the first time)"
            )

            def progress(finished: int, total: int, divergences: int) -> None:
                trouble = f", {divergences} diverged or failed" if divergences else ""
                bars.update(task, total=total, completed=finished, told=f"{finished} of {total}{trouble}")

            return progress

        yield announce
        for task in bars.tasks:
            bars.update(task.id, total=1, completed=1, told="done")


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


def _fits(analysis: Analysis) -> dict[str, dict[str, Fit]]:
    return {
        study: {f"{name} prior": found for name, found in evidence.fits.items()}
        for study, evidence in analysis.evidence.items()
    }


def _print_fitted(document: Mapping[str, Any], by_study: Mapping[str, Mapping[str, Fit]]) -> None:
    """Print what was found; where a fit did not converge, one of the same document's errors says so, with exit status 3."""
    bad = _unconverged(by_study)
    print_json({**document, "errors": [asdict(fault) for fault in bad]} if bad else dict(document))
    if bad:
        sys.exit(3)


def _refuse_unconverged(by_study: Mapping[str, Mapping[str, Fit]]) -> None:
    if bad := _unconverged(by_study):
        raise ConvergenceError(*bad)


def _unconverged(by_study: Mapping[str, Mapping[str, Fit]]) -> list[Fault]:
    return [
        Fault(
            f"did not converge: {', '.join(found.convergence.unconverged[:4]) or 'divergent draws'}",
            f"{study}, {name}:",
            "try --draws 4000",
        )
        for study, fits in by_study.items()
        for name, found in fits.items()
        if not found.convergence.passed
    ]
