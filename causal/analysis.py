"""The whole line for a bundle: priors, fits, identification, checks, verdicts and interventions, in one record.

`causal report` shows an `Analysis`, `causal test` prints a part of it. Fits are kept in a store, so that a second
analysis of the same bundle samples nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from causal.chain import ChainVerdict, judge_chain
from causal.checks import check_sets, check_thoroughly
from causal.claim import Claim, ClaimReading
from causal.coverage import told_by_the_period
from causal.decide import rank, value_of_information
from causal.dist import Normal
from causal.equations import Term
from causal.errors import CausalError, Fault
from causal.fit import Fit, JointFit, fit, fit_of, identity
from causal.forecast import Announce
from causal.foretold import Foretold, foretell
from causal.html import table
from causal.identification import Identification, identify_edge
from causal.intervene import Intervention, read_interventions
from causal.joint import JointModel, build_model
from causal.model import Model, Priors
from causal.panel import Study
from causal.rests import differing, road_told, told_by
from causal.simulate import contrast, counterfactual
from causal.verdict import PRIOR_SETS, WORDS, Evidence, Together, Verdict, judge
from priors.elicit import FAR_FROM_NORMAL, PriorSet, mixed, mixture_cost, prior
from priors.read import Bundle, InterventionSpec

if TYPE_CHECKING:
    import xarray as xr

JOINT_DRAWS = 2
"""A model of several studies takes so many times the draws: what its studies differ by is drawn less freely than one study's effects."""


@dataclass(frozen=True)
class Answer:
    """What one intervention changes: `effects` by prior set, each (draw, time) in the outcome's natural units.

    `rests_on` holds, for each fitted edge on a way from the intervention to the outcome, the claim's word, or why it has none.
    """

    spec: InterventionSpec
    study: str
    interventions: tuple[Intervention, ...]
    effects: Mapping[str, xr.DataArray]
    rests_on: Mapping[str, str]


@dataclass(frozen=True)
class Replay:
    """The observed panel under an intervention: `worlds` and `changes` by prior set, each (draw, time), mean over the units seen, natural units."""

    spec: InterventionSpec
    study: str
    worlds: Mapping[str, xr.DataArray]
    changes: Mapping[str, xr.DataArray]
    rests_on: Mapping[str, str]


@dataclass(frozen=True)
class Ranked:
    """Interventions on one outcome beside each other: by prior set what `causal.decide.rank` says, and what would be worth knowing.

    `rests_on` by the intervention's key, as in `Answer`. Where no study can answer, `why` says so and there is nothing else.
    """

    study: str
    outcome: str
    better: Literal["higher", "lower"]
    options: Mapping[str, InterventionSpec]
    by_set: Mapping[str, xr.Dataset]
    worth: Mapping[str, xr.DataArray]
    rests_on: Mapping[str, Mapping[str, str]]
    why: str = ""


@dataclass(frozen=True)
class Drawn:
    """Draws that were made before: trees as `causal.fit` keeps them, by the identity of their model, the seed and sizes, and the versions that made them."""

    trees: Mapping[str, xr.DataTree]
    settings: Mapping[str, int]
    made_with: Mapping[str, str]

    @overload
    def of(self, model: Model, called: str) -> Fit: ...
    @overload
    def of(self, model: JointModel, called: str) -> JointFit: ...
    def of(self, model: Model | JointModel, called: str) -> Fit | JointFit:
        """The fit of a model that is `called` so. Raises `CausalError` where there are no draws of it."""
        tree = self.trees.get(identity(model))
        if tree is None:
            what = "there are no draws of this model: its data, measures, graph or priors are others than those that the draws were made with"
            raise CausalError(
                Fault(what, called, "run causal report without --from, or give the bundle that the file was made of")
            )
        return fit_of(model, tree, allow_unconverged=True)


@dataclass(frozen=True)
class Analysis:
    """Everything that is known about a bundle: `evidence` by study, `verdicts` by claim, `answers` of its interventions, and their `rankings`.

    `together` holds the studies as one model, where two or more of them identify the same effect; else `apart` says why there is none. `foretold`: what the
    article foretold and what came, where it was asked for. `chain` is the verdict of the core claims as a whole, `seed` that of every random draw.
    `made_with`: the versions that made the draws, where these were not made now.
    """

    bundle: Bundle
    evidence: Mapping[str, Evidence]
    verdicts: tuple[Verdict, ...]
    answers: tuple[Answer, ...]
    together: Together | None = None
    apart: tuple[Fault, ...] = ()
    rankings: tuple[Ranked, ...] = ()
    foretold: Foretold | None = None
    chain: ChainVerdict | None = None
    seed: int = 1
    made_with: Mapping[str, str] = field(default_factory=dict[str, str])

    def verdict(self, claim: str) -> Verdict:
        """The verdict of the claim of that key."""
        return next(verdict for verdict in self.verdicts if verdict.claim == claim)

    def _repr_html_(self) -> str:
        """The verdicts for a notebook, those that say most first, with the loop's own."""
        order = {word: at for at, word in enumerate(WORDS)}
        verdicts = sorted(self.verdicts, key=lambda verdict: order[verdict.verdict])
        rows = [(each.claim, each.edge or "no link", each.verdict, each.sentence or each.why) for each in verdicts]
        counted = Counter(each.verdict for each in verdicts)
        caption = f"{self.bundle.source.title}: " + ", ".join(f"{count} {word}" for word, count in counted.items())
        notes = [] if self.chain is None else [self.chain.sentence]
        return table(caption, ("claim", "link", "verdict", "says"), rows, notes=notes, whole="analysis.verdicts")


def analyse(
    bundle: Bundle,
    *,
    store: Path | None = None,
    seed: int = 1,
    draws: int = 1000,
    chains: int = 4,
    announce: Announce | None = None,
    interventions: bool = True,
    forecasts: bool = False,
    thorough: bool = False,
    drawn: Drawn | None = None,
) -> Analysis:
    """Fit every study of the bundle under the three prior sets, alone and together, and judge its claims.

    Fits are looked up and kept in `store`. `forecasts`: with what the article foretold, as far as its fits are in the store (`causal.foretold`
    makes them). `thorough`: with the checks that fit each study's model again, which takes minutes. `drawn`: the draws to take, so that no
    study is sampled; raises `CausalError` where they are not of these models. A fit that does not converge is not
    refused here: its check fails, and the claims that rest on it are not supported.
    """
    sets = prior_sets(bundle)
    models = {
        (study.name, name): build_model(bundle.graph, study, priors)
        for study in bundle.studies
        for name, priors in sets.items()
    }
    fits: dict[tuple[str, str], Fit] = {}
    for (study, name), model in models.items():
        if drawn is not None:
            fits[study, name] = drawn.of(model, f"study '{study}', {name} prior")
            continue
        progress = announce(f"{study}, {name} prior") if announce else None
        fits[study, name] = fit(
            model, seed=seed, draws=draws, chains=chains, allow_unconverged=True, progress=progress, store=store
        )
    evidence = {
        study.name: _evidence(bundle, study, {name: fits[study.name, name] for name in sets}, store, announce, thorough)
        for study in bundle.studies
    }
    joint, apart = _joint_models(bundle, sets)
    joint_fits: dict[str, JointFit] = {}
    for name, model in joint.items():
        if drawn is not None:
            joint_fits[name] = drawn.of(model, f"all studies as one, {name} prior")
            continue
        progress = announce(f"all studies as one, {name} prior") if announce else None
        joint_fits[name] = fit(
            model,
            seed=seed,
            draws=JOINT_DRAWS * draws,
            chains=chains,
            allow_unconverged=True,
            progress=progress,
            store=store,
        )
    joint_checks = check_sets(joint_fits) if joint_fits else ()
    if thorough and joint_fits:
        progress = announce("all studies as one, fitted again without each") if announce else None
        joint_checks += check_thoroughly(joint_fits["wide"], store=store, progress=progress)
    together = Together(joint_fits, joint_checks) if joint_fits else None
    labels = {name: card.label or name for name, card in bundle.nodes.items()}
    labels |= {study.name: study.label or study.name for study in bundle.studies}
    verdicts = judge(
        bundle.ledger,
        {study: found.fits for study, found in evidence.items()},
        {study: found.whole for study, found in evidence.items()},
        {study: found.checks for study, found in evidence.items()},
        graph=bundle.graph,
        conditional={study: found.kept for study, found in evidence.items()},
        together=together,
        reported=bundle.reported,
        labels=labels,
    )
    words = _words(bundle, verdicts)
    answers = tuple(answer(evidence, words, spec, seed) for spec in bundle.interventions) if interventions else ()
    orders = rankings(evidence, words, bundle.interventions, seed) if interventions else ()
    chain = judge_chain(
        bundle.ledger, verdicts, evidence, together=together, reported=bundle.reported, seed=seed, labels=labels
    )
    foretold = None
    if forecasts:
        foretold = foretell(bundle, sets, store=store, seed=seed, draws=draws, chains=chains, kept_only=True)
    made_with = {} if drawn is None else drawn.made_with
    return Analysis(bundle, evidence, verdicts, answers, together, apart, orders, foretold, chain, seed, made_with)


def prior_sets(bundle: Bundle) -> dict[str, Priors]:
    """The three prior sets of a bundle's edges: *article*, *sceptical*, *wide*.

    Each claim counts one, in equal parts for each of its readings, and gives these parts to the edges that its readers see. What an edge is given is
    mixed and reduced to the Normal with the mixture's mean and variance: several claims on one edge are read as one author speaking
    several times, several readings as several things that the author may have said. Edges that no reader sees in a claim have the wide prior in
    every set, self-effects a uniform one.
    """
    shares = reading_shares(bundle.ledger.claims)
    return {
        name: Priors({edge: mixed(_parts(given, name)) for edge, given in shares.items()}, name=name)
        for name in PRIOR_SETS
    }


def claim_prior(claim: Claim, prior_set: PriorSet = "article") -> Normal | None:
    """The prior of one claim's effect on the standard scale, by all readings of it that see its edge; None where no edge can hold it."""
    if claim.edge is None:
        return None
    given = reading_shares([claim])[claim.edge.name]
    return mixed(_parts(given, prior_set)) if len(given) > 1 else _parts(given, prior_set)[0][0]


def reading_shares(claims: Iterable[Claim]) -> dict[str, list[tuple[ClaimReading, float]]]:
    """For each edge that some reader sees, the readings that see it, each with its share of its claim."""
    found: dict[str, list[tuple[ClaimReading, float]]] = {}
    for claim in claims:
        readings = claim.readings
        for reading in readings:
            if reading.edge is not None:
                found.setdefault(reading.edge.name, []).append((reading, 1.0 / len(readings)))
    return found


def readings_told(claim: Claim) -> tuple[str, ...]:
    """What a reader must know of a claim's readings, in sentences: who sees another edge, and where one Normal tells the prior poorly."""
    if not claim.others:
        return ()
    own = claim.edge.name if claim.edge else ""
    told = [f"{len(claim.readings)} readings of this claim, mixed in equal parts."]
    elsewhere = [reading for reading in claim.others if (reading.edge.name if reading.edge else "") != own]
    for reading in elsewhere:
        share = f"its share of the claim, 1/{len(claim.readings)}, goes to that link's prior"
        seen = "no link that could hold it" if reading.edge is None else f"{reading.edge.text} in it: {share}"
        told.append(f"Reader {reading.reader} sees {seen}.")
    if claim.edge is not None:
        parts = _parts(reading_shares([claim])[own], "article")
        cost = mixture_cost(parts)
        if cost > FAR_FROM_NORMAL:
            told.append(
                f"The readings differ so much that one Normal tells their mixture poorly: the probability below some value is off by {cost:.2f}."
            )
    return tuple(told)


def answer(evidence: Mapping[str, Evidence], words: Mapping[str, str], spec: InterventionSpec, seed: int = 1) -> Answer:
    """What an intervention changes, by the first study that measures its outcome and can carry it out.

    `words` are the verdicts' words by edge. Raises `CausalError` where no study can answer.
    """
    interventions = read_interventions(spec.do)

    def effects(fits: Mapping[str, Fit]) -> dict[str, xr.DataArray]:
        return {
            name: contrast(fitted, interventions, outcome=spec.outcome, horizon=spec.horizon, seed=seed)
            for name, fitted in fits.items()
        }

    study, found = _first_able(evidence, spec.outcome, spec.key, effects)
    model = evidence[study].fits["wide"].model
    return Answer(spec, study, interventions, found, _rests_on(model, interventions, spec.outcome, words))


def replay(evidence: Mapping[str, Evidence], words: Mapping[str, str], spec: InterventionSpec, seed: int = 1) -> Replay:
    """The observed panel as it would have been, by the first study that measures the outcome and can carry the intervention out.

    Raises `CausalError` where no study can answer.
    """
    interventions = read_interventions(spec.do)

    def worlds(fits: Mapping[str, Fit]) -> dict[str, tuple[xr.DataArray, xr.DataArray]]:
        found: dict[str, tuple[xr.DataArray, xr.DataArray]] = {}
        for name, fitted in fits.items():
            world = counterfactual(fitted, interventions, outcome=spec.outcome, seed=seed)
            change = world - counterfactual(fitted, [], outcome=spec.outcome, seed=seed)
            found[name] = (world.mean("unit"), change.mean("unit"))
        return found

    study, found = _first_able(evidence, spec.outcome, spec.key, worlds)
    model = evidence[study].fits["wide"].model
    return Replay(
        spec,
        study,
        {name: world for name, (world, _) in found.items()},
        {name: change for name, (_, change) in found.items()},
        _rests_on(model, interventions, spec.outcome, words),
    )


def ranked(
    evidence: Mapping[str, Evidence],
    words: Mapping[str, str],
    specs: Sequence[InterventionSpec],
    better: Literal["higher", "lower"],
    seed: int = 1,
) -> Ranked:
    """Interventions on one outcome beside each other, by the first study that measures it and can carry all of them out.

    The horizon is the longest of theirs; costs count where every one has a cost. Raises `CausalError` where no study can answer.
    """
    outcome, horizon = specs[0].outcome, max(spec.horizon for spec in specs)
    options = {spec.key: read_interventions(spec.do) for spec in specs}
    costs = {spec.key: spec.cost for spec in specs if spec.cost is not None}

    def rankings(fits: Mapping[str, Fit]) -> dict[str, xr.Dataset]:
        return {
            name: rank(
                fitted,
                options,
                outcome,
                horizon=horizon,
                costs=costs if len(costs) == len(specs) else None,
                better=better,
                seed=seed,
            )
            for name, fitted in fits.items()
        }

    study, found = _first_able(evidence, outcome, "rank", rankings)
    fits = evidence[study].fits
    return Ranked(
        study,
        outcome,
        better,
        {spec.key: spec for spec in specs},
        found,
        {name: value_of_information(fits[name], ranking) for name, ranking in found.items()},
        {key: _rests_on(fits["wide"].model, acts, outcome, words) for key, acts in options.items()},
    )


def rankings(
    evidence: Mapping[str, Evidence], words: Mapping[str, str], specs: Sequence[InterventionSpec], seed: int = 1
) -> tuple[Ranked, ...]:
    """A ranking for each outcome of which the bundle says what is better, of the interventions that say so."""
    groups: dict[tuple[str, Literal["higher", "lower"]], list[InterventionSpec]] = {}
    for spec in specs:
        if spec.better:
            groups.setdefault((spec.outcome, spec.better), []).append(spec)
    found: list[Ranked] = []
    for (outcome, better), group in groups.items():
        try:
            found.append(ranked(evidence, words, group, better, seed))
        except CausalError as error:
            options = {spec.key: spec for spec in group}
            why = "; ".join(str(fault) for fault in error.faults)
            found.append(Ranked("", outcome, better, options, {}, {}, {}, why))
    return tuple(found)


def _first_able[T](
    evidence: Mapping[str, Evidence], outcome: str, where: str, ask: Callable[[Mapping[str, Fit]], T]
) -> tuple[str, T]:
    """The first study that measures the outcome and can answer, and its answer; `CausalError` with each one's reason where none can."""
    able = [name for name, found in evidence.items() if outcome in found.fits["wide"].model.system.nodes]
    if not able:
        measured = sorted({node for found in evidence.values() for node in found.fits["wide"].model.system.nodes})
        raise CausalError(
            Fault(f"no study measures the outcome '{outcome}'", where, f"measured: {', '.join(measured)}")
        )
    faults: list[Fault] = []
    for name in able:
        try:
            return name, ask(evidence[name].fits)
        except CausalError as error:
            faults.extend(Fault(fault.what, fault.where or where, fault.mend) for fault in error.faults)
    raise CausalError(*faults)


def words_by_edge(analysis: Analysis) -> dict[str, str]:
    """For each edge that claims state, the words of their verdicts."""
    return _words(analysis.bundle, analysis.verdicts)


def _joint_models(bundle: Bundle, sets: Mapping[str, Priors]) -> tuple[dict[str, JointModel], tuple[Fault, ...]]:
    """The model of all studies by prior set; none, and why, where they cannot stand beside each other or share no effect."""
    studies = (*bundle.joint, *bundle.reported)
    if not bundle.joint or len(studies) < 2:
        return {}, ()
    try:
        models = {name: build_model(bundle.graph, studies, priors) for name, priors in sets.items()}
    except CausalError as error:
        return {}, error.faults
    found = {name: model for name, model in models.items() if isinstance(model, JointModel)}
    if not any(pool.identified and len(pool.members) > 1 for pool in found["wide"].pools):
        return {}, (
            Fault("no effect is identified by two of the studies", mend="measure the same links in several studies"),
        )
    return found, ()


def _parts(given: Sequence[tuple[ClaimReading, float]], prior_set: PriorSet) -> list[tuple[Normal, float]]:
    """The prior of each reading that sees an edge, with its share."""
    return [
        (prior(reading.hedge, reading.strength, reading.edge.sign, prior_set), share)
        for reading, share in given
        if reading.edge is not None
    ]


def _evidence(
    bundle: Bundle,
    study: Study,
    fits: Mapping[str, Fit],
    store: Path | None,
    announce: Announce | None,
    thorough: bool,
) -> Evidence:
    model = fits["wide"].model
    graph, kept_graph = differing(model, bundle.graph), differing(model, model.graph)
    measured, observed = {*study.measured(bundle.graph)}, study.measured(graph)
    whole: dict[str, Identification] = {}
    kept: dict[str, Identification] = {}
    for edge, claims in bundle.ledger.by_edge.items():
        cause, effect = (claims[0].edge.cause, claims[0].edge.effect) if claims[0].edge else ("", "")
        if not {cause, effect} <= measured:
            continue
        if same := {cause, effect} - {*observed}:
            of_whole = of_kept = told_by_the_period(same)
        else:
            of_whole = of_kept = identify_edge(graph, edge, observed, weights=study.weights)
        if study.sets_aside and not same:
            of_kept = identify_edge(kept_graph, edge, observed, weights=study.weights)
        whole |= {claim.key: of_whole for claim in claims}
        kept |= {claim.key: of_kept for claim in claims}
    checks = check_sets(fits)
    if thorough:
        progress = announce(f"{study.name}, fitted again for the thorough checks") if announce else None
        checks += check_thoroughly(fits["wide"], store=store, progress=progress)
    return Evidence(bundle.graph, dict(fits), whole, kept, checks)


def _words(bundle: Bundle, verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.edge:
            found.setdefault(verdict.edge, []).append(verdict.verdict)
    return {edge: " / ".join(dict.fromkeys(words)) for edge, words in found.items()}


def _rests_on(
    model: Model, interventions: tuple[Intervention, ...], outcome: str, words: Mapping[str, str]
) -> dict[str, str]:
    """The word of each fitted term on a way from what is intervened on to the outcome, and of what the interventions state."""
    return told_by(model, interventions, (outcome,), lambda term: term_word(term, words))


def term_word(term: Term, words: Mapping[str, str]) -> str:
    """What a fitted term rests on: the verdicts' words of its edge, or why it has none."""
    if term.edge is None:
        return road_told(term)
    return words.get(term.edge.name, "assumed, no claim")
