"""The whole line for a bundle: priors, fits, identification, checks, verdicts and interventions, in one record.

`causal report` shows an `Analysis`, `causal test` prints a part of it. Fits are kept in a store, so that a second
analysis of the same bundle samples nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from causal.checks import CheckResult, check
from causal.claim import Claim
from causal.dist import Normal
from causal.equations import Term
from causal.errors import CausalError, Fault, raise_all
from causal.fit import Fit, JointFit, Progress, fit
from causal.graph import Graph
from causal.identification import Identification, identify_edge
from causal.intervene import Cut, Intervention, ScaleEdge, read_interventions
from causal.joint import JointModel, build_model
from causal.model import Model, Priors
from causal.panel import Study
from causal.simulate import contrast
from causal.verdict import PRIOR_SETS, Evidence, Together, Verdict, judge
from priors.elicit import PriorSet, prior
from priors.read import Bundle, InterventionSpec

if TYPE_CHECKING:
    import xarray as xr

JOINT_DRAWS = 2
"""A model of several studies takes so many times the draws: what its studies differ by is drawn less freely than one study's effects."""

Announce = Callable[[str], Progress | None]
"""Called with the name of each fit before it starts; gives back what is told of its progress."""


@dataclass(frozen=True)
class Answer:
    """What one intervention changes: `effects` by prior set, each (draw, time) in the outcome's natural units.

    `rests_on` holds, for each fitted edge on a way from the intervention to the outcome, the claim's word, or why it has none.
    """

    spec: InterventionSpec
    interventions: tuple[Intervention, ...]
    effects: Mapping[str, xr.DataArray]
    rests_on: Mapping[str, str]


@dataclass(frozen=True)
class Analysis:
    """Everything that is known about a bundle: `evidence` by study, `verdicts` by claim, `answers` of its interventions.

    `together` holds the studies as one model, where two or more of them identify the same effect; else `apart` says why there is none.
    """

    bundle: Bundle
    evidence: Mapping[str, Evidence]
    verdicts: tuple[Verdict, ...]
    answers: tuple[Answer, ...]
    together: Together | None = None
    apart: tuple[Fault, ...] = ()

    def verdict(self, claim: str) -> Verdict:
        """The verdict of the claim of that key."""
        return next(verdict for verdict in self.verdicts if verdict.claim == claim)


def analyse(
    bundle: Bundle,
    *,
    store: Path | None = None,
    seed: int = 1,
    draws: int = 1000,
    chains: int = 4,
    announce: Announce | None = None,
    interventions: bool = True,
) -> Analysis:
    """Fit every study of the bundle under the three prior sets, alone and together, and judge its claims.

    Fits are looked up and kept in `store`. A fit that does not converge is not refused here: its check fails, and the claims that rest on it are not supported.
    """
    sets = prior_sets(bundle)
    models = {
        (study.name, name): build_model(bundle.graph, study, priors)
        for study in bundle.studies
        for name, priors in sets.items()
    }
    fits: dict[tuple[str, str], Fit] = {}
    for (study, name), model in models.items():
        progress = announce(f"{study}, {name} prior") if announce else None
        fits[study, name] = fit(
            model, seed=seed, draws=draws, chains=chains, allow_unconverged=True, progress=progress, store=store
        )
    evidence = {
        study.name: _evidence(bundle, study, {name: fits[study.name, name] for name in sets})
        for study in bundle.studies
    }
    joint, apart = _joint_models(bundle, sets)
    joint_fits: dict[str, JointFit] = {}
    for name, model in joint.items():
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
    together = Together(joint_fits, _worst([check(found) for found in joint_fits.values()])) if joint_fits else None
    verdicts = judge(
        bundle.ledger,
        {study: found.fits for study, found in evidence.items()},
        {study: found.whole for study, found in evidence.items()},
        {study: found.checks for study, found in evidence.items()},
        graph=bundle.graph,
        conditional={study: found.kept for study, found in evidence.items()},
        together=together,
        reported=bundle.reported,
    )
    words = _words(bundle, verdicts)
    answers = tuple(answer(evidence, words, spec, seed) for spec in bundle.interventions) if interventions else ()
    return Analysis(bundle, evidence, verdicts, answers, together, apart)


def prior_sets(bundle: Bundle) -> dict[str, Priors]:
    """The three prior sets of a bundle's edges: *article*, *sceptical*, *wide*.

    Several claims on one edge are read as one author speaking several times: their priors are mixed in equal parts and reduced to the Normal
    with the mixture's mean and variance. Edges that no claim states have the wide prior in every set, self-effects a uniform one.
    """
    return {
        name: Priors(
            {
                edge: _mixed([found for claim in claims if (found := claim_prior(claim, name)) is not None])
                for edge, claims in _by_edge(bundle).items()
            },
            name=name,
        )
        for name in PRIOR_SETS
    }


def claim_prior(claim: Claim, prior_set: PriorSet = "article") -> Normal | None:
    """The prior of one claim's effect on the standard scale, by its own words; None where no edge can hold it."""
    return None if claim.edge is None else prior(claim.hedge, claim.strength, claim.edge.sign, prior_set)


def answer(evidence: Mapping[str, Evidence], words: Mapping[str, str], spec: InterventionSpec, seed: int = 1) -> Answer:
    """What an intervention changes, by the first study that measures its outcome and can carry it out.

    `words` are the verdicts' words by edge. Raises `CausalError` where no study can answer.
    """
    interventions = read_interventions(spec.do)
    able = [found for found in evidence.values() if spec.outcome in found.fits["wide"].model.system.nodes]
    if not able:
        measured = sorted({node for found in evidence.values() for node in found.fits["wide"].model.system.nodes})
        raise CausalError(
            Fault(f"no study measures the outcome '{spec.outcome}'", spec.key, f"measured: {', '.join(measured)}")
        )
    faults: list[Fault] = []
    for found in able:
        try:
            effects = {
                name: contrast(fitted, interventions, outcome=spec.outcome, horizon=spec.horizon, seed=seed)
                for name, fitted in found.fits.items()
            }
        except CausalError as error:
            faults.extend(Fault(fault.what, fault.where or spec.key, fault.mend) for fault in error.faults)
            continue
        return Answer(
            spec, interventions, effects, _rests_on(found.fits["wide"].model, interventions, spec.outcome, words)
        )
    raise_all(faults)
    raise AssertionError("a study either answers or says what is wrong")


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


def _by_edge(bundle: Bundle) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for claim in bundle.ledger.claims:
        if claim.edge is not None:
            found.setdefault(claim.edge.name, []).append(claim)
    return found


def _mixed(parts: list[Normal]) -> Normal:
    mean = sum(part.mean for part in parts) / len(parts)
    second = sum(part.mean**2 + part.sd**2 for part in parts) / len(parts)
    return Normal(mean, (second - mean**2) ** 0.5)


def _evidence(bundle: Bundle, study: Study, fits: Mapping[str, Fit]) -> Evidence:
    kept_graph = fits["wide"].model.graph
    observed = study.measured(bundle.graph)
    whole: dict[str, Identification] = {}
    kept: dict[str, Identification] = {}
    for edge, claims in _by_edge(bundle).items():
        cause, effect = (claims[0].edge.cause, claims[0].edge.effect) if claims[0].edge else ("", "")
        if not {cause, effect} <= set(observed):
            continue
        of_whole = of_kept = identify_edge(bundle.graph, edge, observed, weights=study.weights)
        if study.sets_aside:
            of_kept = identify_edge(kept_graph, edge, observed, weights=study.weights)
        whole |= {claim.key: of_whole for claim in claims}
        kept |= {claim.key: of_kept for claim in claims}
    return Evidence(bundle.graph, dict(fits), whole, kept, _worst([check(result) for result in fits.values()]))


def _worst(rounds: list[tuple[CheckResult, ...]]) -> tuple[CheckResult, ...]:
    """Of each check, its result under the prior set in which it fares worst."""
    rank = {False: 0, None: 1, True: 2}
    return tuple(min(results, key=lambda result: rank[result.passed]) for results in zip(*rounds, strict=True))


def _words(bundle: Bundle, verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.edge:
            found.setdefault(verdict.edge, []).append(verdict.verdict)
    return {edge: " / ".join(dict.fromkeys(words)) for edge, words in found.items()}


def _rests_on(
    model: Model, interventions: tuple[Intervention, ...], outcome: str, words: Mapping[str, str]
) -> dict[str, str]:
    """The word of each fitted term on a way from what is intervened on to the outcome."""
    terms = model.system.terms
    starts: set[str] = set()
    named: set[str] = set()
    for intervention in interventions:
        if isinstance(intervention, (Cut, ScaleEdge)):
            edge = model.graph.edge(intervention.edge)
            touched = [term for term in terms if any(step.name == edge.name for road in term.roads for step in road)]
            starts |= {term.effect for term in touched}
            named |= {term.name for term in touched}
        else:
            starts.add(intervention.node)
    below = _closure(terms, starts, forward=True)
    above = _closure(terms, {outcome}, forward=False)
    on_the_way = [term for term in terms if (term.cause in below and term.effect in above) or term.name in named]
    return {term.name: _term_word(model.graph, term, words) for term in on_the_way}


def _closure(terms: tuple[Term, ...], starts: set[str], *, forward: bool) -> set[str]:
    reached = set(starts)
    while True:
        more = {
            term.effect if forward else term.cause
            for term in terms
            if (term.cause if forward else term.effect) in reached
        } - reached
        if not more:
            return reached
        reached |= more


def _term_word(graph: Graph, term: Term, words: Mapping[str, str]) -> str:
    if term.edge is None:
        road = " + ".join(" -> ".join([step.cause for step in road] + [road[-1].effect]) for road in term.roads)
        return f"a road through unmeasured nodes ({road}), not identified by itself"
    return words.get(term.edge.name, "assumed, no claim")
