"""From draws, identification and checks to one word for each claim.

| verdict | when |
|---|---|
| untestable | no edge can hold the claim, or no study measures both of its nodes |
| not-identified | the measured columns do not identify it under the graph, or the fitted equations do not |
| supported | P(s b > d) >= .95 under article and wide, >= .90 under sceptical, and no check of the claim fails |
| contradicted | P(s b < -d) >= .95 under sceptical and wide |
| negligible | P(abs(b) < d) >= .95 under sceptical and wide |
| prior-driven | P(s b > d) >= .95 under article, and too small under sceptical or wide |
| undecided | otherwise |

with s the claimed sign, b the effect at the edge's own lag on the standard scale and d the smallest such effect of interest. Where the outcome
remembers itself, a small effect at once builds up to a large one: d is to be chosen with that in mind, and each estimate carries its long run.

Each study that identifies a claim has its own word. For the claim's own scope, one study's effect is that study's; where several identify it and
one model holds them, it is the effect in a study yet unseen, Normal(b, tau) around the pooled one; without such a model the studies must agree.

>>> import numpy as np
>>> far = {name: np.full(100, 0.5) for name in ("article", "sceptical", "wide")}
>>> word(far, sign=1, smallest=0.1, failed=False), word(far, sign=-1, smallest=0.1, failed=False)
('supported', 'contradicted')
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.checks import CheckResult
from causal.claim import Claim, Ledger, check_ledger
from causal.dist import Dist
from causal.errors import CausalError, Fault, counted, listed, no_such, raise_all
from causal.fit import Fit, JointFit
from causal.graph import Edge, Graph, Sign
from causal.html import UNKNOWN, between, chance, number, table
from causal.identification import Identification, single_door
from causal.model import Model, regressors
from causal.multiplicity import Multiplicity, Statement, over_the_table
from causal.plain import Grounds, rests_on, says, would_change
from causal.power import Power, study_power
from causal.reported import Reported, posterior_points
from causal.rests import differing

WORDS = ("supported", "contradicted", "negligible", "prior-driven", "undecided", "not-identified", "untestable")
PRIOR_SETS = ("article", "sceptical", "wide")
SURE, RATHER_SURE = 0.95, 0.90
LEVELS = {"article": SURE, "sceptical": RATHER_SURE, "wide": SURE}
"""What P(s b > d) must reach under each prior set for *supported*."""

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """What one prior set and the data together say of an effect: median and 90 % interval, and the three probabilities.

    `median`, `low`, `high` are on the standard scale, `natural_*` in units of the outcome per unit of the cause.
    `as_claimed` = P(s b > d), `opposite` = P(s b < -d), `small` = P(abs(b) < d), `sign` = P(s b > 0). All of these are of the effect at
    the edge's own lag; `long_run_*` are quantiles of what a lasting change of the cause builds up to through the outcome's own
    memory alone, b / (1 - self-effects), standard scale, over the draws in which it is defined, and `long_run_undefined` the share in which it is not;
    not a number where the outcome's memory is not known.
    """

    prior_set: str
    median: float
    low: float
    high: float
    natural_median: float
    natural_low: float
    natural_high: float
    as_claimed: float
    opposite: float
    small: float
    sign: float
    long_run_median: float
    long_run_low: float
    long_run_high: float
    long_run_undefined: float


@dataclass(frozen=True)
class Finding:
    """One study's answer to one claim: the word, why, and the numbers where the study has draws of the edge.

    `smallest_found`: the smallest effect that this study would call supported with probability .8, on the standard scale; `power` has
    this and the chances of *supported* at the article's own magnitude (`causal.power`).
    `identified` is False where the numbers are an association only.
    `failed_checks` keep the word *supported* away, `warnings` stand beside it. `set_aside` lists the nodes assumed away. Where `pooled` names
    studies, the answer is theirs together, for a study yet unseen, and `tau` is the median and 90 % interval (median, low, high) of how far their
    effects lie apart under the wide prior, as an sd on the standard scale.
    """

    study: str
    verdict: str
    why: str
    identified: bool
    strategy: str | None
    formula: str
    estimates: tuple[Estimate, ...] = ()
    smallest_found: float | None = None
    failed_checks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    pooled: tuple[str, ...] = ()
    tau: tuple[float, float, float] | None = None
    power: Power | None = None


@dataclass(frozen=True)
class Verdict:
    """The word for a claim in its own scope, and each study's finding.

    `findings` rest on the whole graph of the source; `conditional` on what is left of it when each study's `sets_aside` nodes are
    assumed away. `together` and `conditional_together` are the same for several studies as one. `sentence` says it plainly, `rests_on` what
    it rests on, `would_change` what would change it. `survives` and `survives_step_up` say of *supported* and *contradicted* whether
    the word stands when the rate of false words in the whole table is held (`causal.multiplicity`); None for other words. `absent`: the claim is that
    there is no effect.
    """

    claim: str
    verdict: str
    why: str
    edge: str
    smallest_effect: float
    findings: tuple[Finding, ...] = ()
    conditional: tuple[Finding, ...] = ()
    together: Finding | None = None
    conditional_together: Finding | None = None
    sentence: str = ""
    rests_on: str = ""
    would_change: str = ""
    unmeasured: tuple[str, ...] = ()
    survives: bool | None = None
    survives_step_up: bool | None = None
    absent: bool = False

    @property
    def answers(self) -> tuple[Finding, ...]:
        """The findings that the word rests on: several studies as one, or each that identifies the claim."""
        return (
            (self.together,) if self.together is not None else tuple(each for each in self.findings if each.identified)
        )

    def as_dict(self) -> dict[str, Any]:
        """The record as plain values, for JSON."""
        return asdict(self)

    def _repr_html_(self) -> str:
        """The word for a notebook, its sentences, and the numbers behind it where there are any."""
        given = [(found, "") for found in (*self.findings, self.together) if found is not None]
        aside = [found for found in (*self.conditional, self.conditional_together) if found is not None]
        given += [(found, f"with {counted(len(found.set_aside), 'node')} assumed away: ") for found in aside]
        rows: list[tuple[str, ...]] = []
        for found, assumed in given:
            who = f"{listed(found.pooled)} as one" if found.pooled else found.study
            says = assumed + found.verdict + ("" if found.identified else " (an association only)")
            for each in found.estimates:
                claimed = chance(each.as_claimed)
                rows.append((who, says, each.prior_set, number(each.median), between(each.low, each.high), claimed))
            if not found.estimates:
                rows.append((who, says, "", UNKNOWN, UNKNOWN, UNKNOWN))
        columns = ("study", "says", "prior", "median", "90 % interval", "P(as claimed)")
        told = (self.sentence or self.why, self.rests_on, self.would_change)
        heads = ("", "Rests on: ", "What would change it: ")
        notes = [head + text for head, text in zip(heads, told, strict=True) if text]
        notes += ["No study has numbers for it."] * (not rows)
        notes += [f"Standard scale; as claimed: by more than {number(self.smallest_effect)}."] * bool(rows)
        return table(f"{self.claim}, {self.edge or 'no link'}: {self.verdict}", columns, rows, notes=notes)


@dataclass(frozen=True)
class Evidence:
    """What one study brings to the judgement.

    `graph` is the source's whole graph and `fits`, by prior set, were made on the part that the study keeps; `whole` and `kept` hold, by
    claim, the identification under either; `checks` are those of the fits.
    """

    graph: Graph
    fits: Mapping[str, Fit]
    whole: Mapping[str, Identification]
    kept: Mapping[str, Identification]
    checks: Sequence[CheckResult]


@dataclass(frozen=True)
class Together:
    """What several studies bring as one: their joint fits by prior set, and the checks of those."""

    fits: Mapping[str, JointFit]
    checks: Sequence[CheckResult]


def judge(
    ledger: Ledger,
    fits: Mapping[str, Fit] | Mapping[str, Mapping[str, Fit]],
    identifications: Mapping[str, Identification] | Mapping[str, Mapping[str, Identification]],
    checks: Sequence[CheckResult] | Mapping[str, Sequence[CheckResult]],
    *,
    graph: Graph | None = None,
    conditional: Mapping[str, Mapping[str, Identification]] | None = None,
    together: Together | None = None,
    reported: Sequence[Reported] = (),
    labels: Mapping[str, str] | None = None,
) -> tuple[Verdict, ...]:
    """One verdict for each claim of the ledger, in its order.

    For one study: `fits` by prior set (article, sceptical, wide), `identifications` by claim, `checks` as `ca.check` gives them. For
    several: each by study first. `graph` is the source's whole graph, by default the fitted one; `conditional` holds, by study and claim,
    the identification under the graph that the study keeps, for its second answer; `together` the fits of several studies as one, for the claims
    that two or more of them identify; `reported` the estimates that sources report, each of which answers by itself too; `labels` what the plain sentences
    call nodes and studies, by default their names. Raises `CausalError` where there is no fit, or a prior set is missing.
    """
    check_ledger(ledger)
    if not isinstance(fits, Mapping):
        raise CausalError(no_such(fits, "mapping of fits", "give fits by prior set, or by study and prior set"))
    if not fits:
        raise CausalError(
            Fault("there is no fit to judge by", mend="give fits by prior set, or by study and prior set")
        )
    by_study = {name: found for name, found in fits.items() if isinstance(found, Mapping)}
    alone = {name: found for name, found in fits.items() if not isinstance(found, Mapping)}
    raise_all(
        no_such(each, "fit of one study", "give what fit returns for each; several studies as one go into `together`")
        for found in (alone, *by_study.values())
        for each in found.values()
        if not isinstance(each, Fit)
    )
    if alone and by_study:
        raise CausalError(
            Fault("fits of one study stand beside those of several", mend="give all by study and prior set")
        )
    if alone:
        name = next(iter(alone.values())).model.study.name
        by_study, identifications, checks = {name: alone}, {name: identifications}, {name: checks}  # pyright: ignore[reportAssignmentType]
    raise_all(
        Fault(f"no fit under the {prior_set} prior", f"study '{study}'", "fit under article, sceptical and wide priors")
        for study, found in {**by_study, **({} if together is None else {"all studies": together.fits})}.items()
        for prior_set in PRIOR_SETS
        if prior_set not in found
    )
    answered: Mapping[str, Any] = identifications
    checked: Any = checks
    evidence = {
        study: Evidence(
            graph if graph is not None else found["wide"].model.graph,
            found,
            answered.get(study, {}),
            {} if conditional is None else conditional.get(study, {}),
            checked.get(study, ()),
        )
        for study, found in by_study.items()
    }
    verdicts = tuple(
        _judge_claim(claim, ledger.source.called, evidence, together, reported, labels or {}) for claim in ledger.claims
    )
    table = errors_of(verdicts)
    return tuple(_standing(verdict, table) for verdict in verdicts)


def draws_of(
    finding: Finding,
    edge: Edge,
    evidence: Mapping[str, Evidence],
    together: Together | None = None,
    reported: Sequence[Reported] = (),
) -> dict[str, Draws]:
    """The draws by prior set that a finding with estimates rests on, standard scale, chain-major; of a reported effect quantiles of equal mass."""
    if finding.pooled and together is not None:
        return _pooled_draws(together, edge)
    if finding.study in evidence:
        return _study_draws(evidence[finding.study], edge)
    source = next(each for each in reported if each.name == finding.study)
    return _reported_draws(source, _source_priors(next(iter(evidence.values())), edge))


def absent(claim: Claim) -> bool:
    """Whether a claim says that there is no effect."""
    return claim.edge is not None and claim.strength == "none"


def sign_of(edge: Edge) -> int:
    """The claimed sign as a number, 0 without one."""
    return {Sign.POSITIVE: 1, Sign.NEGATIVE: -1, Sign.UNKNOWN: 0}[edge.sign]


def errors_of(verdicts: Iterable[Verdict]) -> Multiplicity:
    """How many words of these verdicts are to be expected wrong, and which stand. Several claims on one edge count once, as the least sure of them.

    Raises `CausalError` for what are no verdicts.
    """
    if not isinstance(verdicts, Iterable):
        raise CausalError(no_such(verdicts, "sequence of verdicts", "give what judge returns"))
    verdicts = tuple(verdicts)
    raise_all(no_such(each, "verdict", "give what judge returns") for each in verdicts if not isinstance(each, Verdict))
    statements: dict[tuple[str, str], Statement] = {}
    for verdict in verdicts:
        for found in _statements(verdict):
            key = (found.edge, found.word)
            before = statements.get(key, found)
            # What one claim says of the link is no surer and no less sure for what another does not say.
            if before.made != found.made:
                statements[key] = before if before.made else found
                continue
            statements[key] = Statement(
                found.edge,
                found.word,
                found.made,
                max(before.wrong_sign, found.wrong_sign),
                max(before.wrong_size, found.wrong_size),
                max(before.tail, found.tail),
            )
    return over_the_table(tuple(statements.values()))


def _statements(verdict: Verdict) -> tuple[Statement, ...]:
    """What a verdict could say of its link, each with the largest error that any of its answers gives it."""
    by_set = [{each.prior_set: each for each in found.estimates} for found in verdict.answers if found.estimates]
    if not by_set:
        return ()
    sceptical, wide = [found["sceptical"] for found in by_set], [found["wide"] for found in by_set]
    # Without a claimed direction either one is as claimed, and nothing is opposite.
    directed = not any(math.isnan(each.opposite) for each in sceptical)
    too_small = max(1.0 - each.as_claimed for each in sceptical)
    forward = max(1.0 - (each.sign if directed else max(each.sign, 1.0 - each.sign)) for each in sceptical)
    made = verdict.verdict
    supported = Statement(
        verdict.edge,
        "supported",
        made == "supported",
        too_small if verdict.absent else forward,
        too_small,
        # The better of two directions is tested twice.
        min(1.0, (1.0 if directed else 2.0) * max(1.0 - each.as_claimed for each in wide)),
    )
    if not directed:
        return (supported,)
    not_opposite = max(1.0 - each.opposite for each in sceptical)
    contradicted = Statement(
        verdict.edge,
        "contradicted",
        made == "contradicted",
        not_opposite if verdict.absent else max(each.sign for each in sceptical),
        not_opposite,
        max(1.0 - each.opposite for each in wide),
    )
    return supported, contradicted


def _standing(verdict: Verdict, table: Multiplicity) -> Verdict:
    if verdict.verdict not in ("supported", "contradicted"):
        return verdict
    key = (verdict.edge, verdict.verdict)
    return replace(verdict, survives=key in table.bayesian, survives_step_up=key in table.step_up)


def word(draws: Mapping[str, Draws], *, sign: int, smallest: float, failed: bool, absent: bool = False) -> str:
    """The rule of the table for an identified claim, from draws of b under the three prior sets.

    `sign` is +1 or -1; 0 for a claim without direction, which either direction supports. `absent`: the claim is that there is no effect, so that a
    small one is as claimed and a large one of either direction is against it.
    """
    claimed = {name: _probability(values, sign, smallest, absent=absent) for name, values in draws.items()}
    against = {name: _against(values, sign, smallest, absent=absent) for name, values in draws.items()}
    small = {name: float((np.abs(values) < smallest).mean()) for name, values in draws.items()}
    supported = claimed["article"] >= SURE and claimed["wide"] >= SURE and claimed["sceptical"] >= RATHER_SURE
    if supported and not failed:
        return "supported"
    if against["sceptical"] >= SURE and against["wide"] >= SURE:
        return "contradicted"
    if not absent and small["sceptical"] >= SURE and small["wide"] >= SURE:
        return "negligible"
    if claimed["article"] >= SURE and not (claimed["sceptical"] >= RATHER_SURE and claimed["wide"] >= SURE):
        return "prior-driven"
    return "undecided"


def _against(values: Draws, sign: int, smallest: float, *, absent: bool) -> float:
    if absent:
        return float((np.abs(values) > smallest).mean())
    return float((sign * values < -smallest).mean()) if sign else 0.0


def _probability(values: Draws, sign: int, smallest: float, *, absent: bool = False) -> float:
    if absent:
        return float((np.abs(values) < smallest).mean())
    if sign:
        return float((sign * values > smallest).mean())
    return max(float((values > smallest).mean()), float((values < -smallest).mean()))


def _judge_claim(
    claim: Claim,
    called: str,
    evidence: Mapping[str, Evidence],
    together: Together | None,
    reported: Sequence[Reported],
    labels: Mapping[str, str],
) -> Verdict:
    def verdict(chosen: str, why: str, **found: Any) -> Verdict:
        name = claim.edge.name if claim.edge else ""
        plain = Verdict(claim.key, chosen, why, name, claim.smallest_effect, absent=absent(claim), **found)
        grounds = replace(_grounds(claim, plain, evidence, labels), called=called)
        return replace(plain, sentence=says(grounds), rests_on=rests_on(grounds), would_change=would_change(grounds))

    edge = claim.edge
    if edge is None:
        return verdict("untestable", claim.untestable or "no edge between two variables can hold it")
    able = {
        name: found
        for name, found in evidence.items()
        if claim.key in found.whole and {edge.cause, edge.effect} <= set(_measured(found))
    }
    told = tuple(
        _told(claim, edge, each, evidence)
        for each in reported
        if next(iter(evidence.values())).graph.edge(each.edge).name == edge.name
    )
    if not able and not told:
        unmeasured = sorted(
            {
                node
                for node in (edge.cause, edge.effect)
                if not any(node in _measured(found) for found in evidence.values())
            }
        )
        lacking = (
            f"no study measures {' or '.join(unmeasured)}"
            if unmeasured
            else f"no study measures {edge.cause} and {edge.effect} together"
        )
        return verdict("untestable", lacking, unmeasured=tuple(unmeasured))
    findings = (*(_finding(claim, edge, name, found, whole=True) for name, found in able.items()), *told)
    conditional = tuple(
        _finding(claim, edge, name, found, whole=False)
        for name, found in able.items()
        if found.fits["wide"].model.study.sets_aside and claim.key in found.kept
    )
    # A study that sets nothing aside stands by its whole answer beside the conditional answers of the others.
    assuming = {finding.study: finding for finding in (*findings, *conditional)}
    pooled = _pooled(claim, edge, findings, together)
    second = _pooled(claim, edge, tuple(assuming.values()), together) if pooled is None and conditional else None
    of_all: dict[str, Any] = {
        "findings": findings,
        "conditional": conditional,
        "together": pooled,
        "conditional_together": second,
    }
    answered = [finding for finding in findings if finding.identified]
    if not answered:
        return verdict("not-identified", findings[0].why, **of_all)
    if pooled is not None:
        return verdict(pooled.verdict, pooled.why, **of_all)
    if len({finding.verdict for finding in answered}) == 1:
        return verdict(answered[0].verdict, answered[0].why, **of_all)
    return verdict("undecided", "the studies that identify it give different answers", **of_all)


def _grounds(claim: Claim, verdict: Verdict, evidence: Mapping[str, Evidence], labels: Mapping[str, str]) -> Grounds:
    """What the plain sentences of a verdict are made of."""

    def called(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(labels.get(name, name) for name in names)

    edge = claim.edge
    own = (edge.name, edge.sign) if edge else ("", Sign.UNKNOWN)
    seen = [(each.edge.name, each.edge.sign) if each.edge else ("", Sign.UNKNOWN) for each in claim.others]
    cause, effect = called((edge.cause, edge.effect)) if edge else (claim.cause, claim.effect)
    common = Grounds(
        verdict.verdict,
        cause,
        effect,
        sign_of(edge) if edge else 0,
        untestable="" if edge else verdict.why,
        unmeasured=called(verdict.unmeasured),
        smallest=claim.smallest_effect,
        elsewhere=sum(name != own[0] for name, _ in seen),
        turned=sum(name == own[0] and sign != own[1] for name, sign in seen),
        readings=len(claim.readings),
        absent=verdict.absent,
    )
    if edge is None or verdict.verdict == "untestable":
        return common
    if verdict.verdict == "not-identified":
        studies = tuple(finding.study for finding in verdict.findings)
        same, stays_open = _open(claim, edge, studies, evidence)
        ways = [evidence[study].whole[claim.key] for study in studies]
        otherwise = next((way.strategy for way in ways if way.identified and way.strategy), "")
        return replace(
            common, studies=called(studies), common=called(same), unmeasured=called(stays_open), otherwise=otherwise
        )
    names = dict.fromkeys(name for found in verdict.answers for name in found.pooled or (found.study,))
    best = max((found for found in verdict.answers if found.power), key=lambda found: _chance(found), default=None)
    sweep = evidence[best.study].fits["wide"].model.design.sweep if best and best.study in evidence else None
    return replace(
        common,
        studies=called(name for name in names if name in evidence),
        sources=called(name for name in names if name not in evidence),
        pooled=verdict.together is not None,
        differing=len({found.verdict for found in verdict.answers}) > 1,
        failed=tuple(dict.fromkeys(name for found in verdict.answers for name in found.failed_checks)),
        warned=tuple(dict.fromkeys(name for found in verdict.answers for name in found.warnings)),
        lacking=_lacking(verdict),
        power=None if best is None else best.power,
        units=0 if sweep is None else len(sweep.first),
        periods=0 if sweep is None else int(sweep.stop.max() - sweep.first.min()),
        shared=any(
            {latent.left, latent.right} == {edge.cause, edge.effect}
            for name in names
            if name in evidence
            for latent in evidence[name].graph.latents
        ),
    )


def _open(
    claim: Claim, edge: Edge, studies: Sequence[str], evidence: Mapping[str, Evidence]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What keeps a claim from being identified: ends that are the same in all units, unmeasured nodes on what stays open."""
    found = evidence[studies[0]]
    nodes = found.fits["wide"].model.system.nodes
    common = tuple(node for node in (edge.cause, edge.effect) if node not in nodes)
    identification = found.whole[claim.key]
    points = identification.path.points if identification.path is not None else tuple(sorted(identification.hedge))
    measured = _measured(found)
    return common, tuple(dict.fromkeys(node for node, _ in points if node not in measured))


def _lacking(verdict: Verdict) -> tuple[str, ...]:
    """The prior sets under which some answer falls short of what its word asks, or *supported* where nothing is settled."""
    asked: dict[str, tuple[str, Mapping[str, float]]] = {
        "contradicted": ("opposite", dict.fromkeys(PRIOR_SETS, SURE)),
        "negligible": ("small", dict.fromkeys(PRIOR_SETS, SURE)),
    }
    name, levels = asked.get(verdict.verdict, ("as_claimed", LEVELS))
    short = {
        each.prior_set
        for found in verdict.answers
        for each in found.estimates
        if getattr(each, name) < levels[each.prior_set]
    }
    return tuple(prior_set for prior_set in PRIOR_SETS if prior_set in short)


def _chance(found: Finding) -> float:
    return 0.0 if found.power is None else found.power.power


def _pooled(claim: Claim, edge: Edge, findings: Sequence[Finding], together: Together | None) -> Finding | None:
    """What the studies say together of an edge that each of them identifies; None where one model does not pool just such studies."""
    if together is None:
        return None
    known = {finding.study: finding for finding in findings if finding.identified}
    model = together.fits["wide"].model
    names = next((model.members(pool) for pool in model.pools if pool.name == edge.name), ())
    if len(names) < 2 or not known.keys() >= {*names}:
        return None
    draws = _pooled_draws(together, edge)
    try:
        scale = together.fits["wide"].on_standard_scale(edge.name)
    except CausalError:
        scale = math.nan
    sign = sign_of(edge)
    estimates = tuple(
        _estimate(
            name,
            values,
            _pooled_memory(together.fits[name], edge.effect, names),
            sign,
            claim.smallest_effect,
            scale,
            absent=absent(claim),
        )
        for name, values in draws.items()
    )
    failed = [name for study in names for name in known[study].failed_checks]
    failed = list(dict.fromkeys([*failed, *(each.name for each in together.checks if each.fails(edge.name))]))
    warned = [name for study in names for name in known[study].warnings if name not in failed]
    chosen = word(draws, sign=sign, smallest=claim.smallest_effect, failed=bool(failed), absent=absent(claim))
    tau = together.fits["wide"].posterior["tau"].sel(edge=edge.name).to_numpy()
    return Finding(
        " + ".join(names),
        chosen,
        f"in a study yet unseen, by {' and '.join(names)} together: {_reason(chosen, estimates, failed)}",
        True,
        None,
        "",
        estimates,
        None,
        tuple(failed),
        tuple(dict.fromkeys(warned)),
        tuple(dict.fromkeys(node for study in names for node in known[study].set_aside)),
        names,
        (float(np.median(tau)), float(np.quantile(tau, 0.05)), float(np.quantile(tau, 0.95))),
    )


def _pooled_memory(fit: JointFit, node: str, studies: Sequence[str]) -> Draws:
    """The sum of a node's pooled effects on itself, draw by draw; not a number where these studies do not pool all of them."""
    model = fit.model
    # In the order of the models' terms: a sum of floats in the order of a set would be another one in each process.
    own = dict.fromkeys(
        term.name
        for each in model.models
        if each.study.name in studies
        for term in each.system.terms
        if term.cause == node and term.effect == node
    )
    pooled = {pool.name: {*model.members(pool)} for pool in model.pools if pool.identified}
    drawn = [
        fit.edge(name, scale="standard", transported=True).to_numpy().ravel()
        for name in own
        if pooled.get(name) == {*studies}
    ]
    size = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    return np.sum(drawn, axis=0) if own and len(drawn) == len(own) else np.full(size, math.nan if own else 0.0)


def _finding(claim: Claim, edge: Edge, study: str, found: Evidence, *, whole: bool) -> Finding:
    model = found.fits["wide"].model
    graph, identification = (found.graph, found.whole[claim.key]) if whole else (model.graph, found.kept[claim.key])
    graph = differing(model, graph)
    aside = () if whole else model.study.sets_aside
    carried = any(term.edge is not None and term.edge.name == edge.name for term in model.system.terms)
    known = _study_draws(found, edge) if carried else {}
    memory = {name: _memory(found.fits[name], edge.effect) for name in known}
    sign = sign_of(edge)
    scale = model.on_standard_scale(edge.name) if carried else 1.0
    estimates = tuple(
        _estimate(name, values, memory[name], sign, claim.smallest_effect, scale, absent=absent(claim))
        for name, values in known.items()
    )
    why, identified = identification.why, identification.identified
    if identified and not carried:
        identified, why = False, _absent(model, edge)
    elif identified and not single_door(graph, edge, regressors(model, graph, edge)):
        identified, why = (
            False,
            f"{why} But the fitted equation of {edge.effect} holds other points fixed, which leave a path open.",
        )
    if not identified:
        return Finding(
            study,
            "not-identified",
            why,
            False,
            identification.strategy,
            identification.formula,
            estimates,
            set_aside=aside,
        )
    failed = tuple(result.name for result in found.checks if result.fails(edge.name))
    warned = tuple(result.name for result in found.checks if result.warns(edge.name))
    chosen = word(known, sign=sign, smallest=claim.smallest_effect, failed=bool(failed), absent=absent(claim))
    priors = {name: _own_prior(fit, edge) for name, fit in found.fits.items()}
    able = _power(claim, sign, known["wide"], priors)
    reason = _reason(chosen, estimates, failed)
    return Finding(
        study,
        chosen,
        reason,
        True,
        identification.strategy,
        identification.formula,
        estimates,
        None if able is None else able.smallest_found,
        failed,
        warned,
        aside,
        power=able,
    )


def _told(claim: Claim, edge: Edge, reported: Reported, evidence: Mapping[str, Evidence]) -> Finding:
    """What a reported estimate says by itself: its posterior under each prior set, identified by its source's word."""
    found = next(iter(evidence.values()))
    priors = _source_priors(found, edge)
    draws = _reported_draws(reported, priors)
    sign = sign_of(edge)
    scale = (
        math.nan if reported.cause_sd is None or reported.effect_sd is None else reported.cause_sd / reported.effect_sd
    )
    # How long the outcome lasts where the effect was found is not reported with it.
    estimates = tuple(
        _estimate(
            name, values, np.full(len(values), math.nan), sign, claim.smallest_effect, scale, absent=absent(claim)
        )
        for name, values in draws.items()
    )
    chosen = word(draws, sign=sign, smallest=claim.smallest_effect, failed=False, absent=absent(claim))
    able = _power(claim, sign, draws["wide"], priors)
    return Finding(
        reported.name,
        chosen,
        f"reported by {reported.source}, whose word it is that the effect is identified: {_reason(chosen, estimates, ())}",
        True,
        "reported",
        "",
        estimates,
        None if able is None else able.smallest_found,
        power=able,
    )


def _study_draws(found: Evidence, edge: Edge) -> dict[str, Draws]:
    return {name: fit.edge(edge.name, scale="standard").to_numpy().ravel() for name, fit in found.fits.items()}


def _pooled_draws(together: Together, edge: Edge) -> dict[str, Draws]:
    return {
        name: fit.edge(edge.name, scale="standard", transported=True).to_numpy().ravel()
        for name, fit in together.fits.items()
    }


def _reported_draws(reported: Reported, priors: Mapping[str, Dist]) -> dict[str, Draws]:
    return {name: posterior_points(reported, prior) for name, prior in priors.items()}


def _source_priors(found: Evidence, edge: Edge) -> dict[str, Dist]:
    """The priors of an edge of the source's whole graph."""
    return {name: fit.model.priors.of(found.graph)[edge.name] for name, fit in found.fits.items()}


def _power(claim: Claim, sign: int, draws: Draws, priors: Mapping[str, Dist]) -> Power | None:
    """What a study could have found, from the spread of its draws under the wide prior; None for a claim that there is nothing to find."""
    if absent(claim):
        return None
    return study_power(float(np.std(draws)), priors, LEVELS, sign=sign, smallest=claim.smallest_effect)


def _own_prior(fit: Fit, edge: Edge) -> Dist:
    """The prior of an edge that a study's equations carry."""
    terms = zip(fit.model.system.terms, fit.model.term_priors, strict=True)
    return next(prior for term, prior in terms if term.edge is not None and term.edge.name == edge.name)


def _measured(found: Evidence) -> tuple[str, ...]:
    return found.fits["wide"].model.study.measured(found.graph)


def _absent(model: Model, edge: Edge) -> str:
    """Why an edge between measured nodes has no draws of its own."""
    common = [node for node in (edge.cause, edge.effect) if node not in model.system.nodes]
    if common:
        return f"{' and '.join(common)} has the same value in every unit each year, so its effect cannot be told from the year's"
    return "roads through unmeasured nodes join this edge at the same lag, and only their sum is fitted"


def _memory(fit: Fit, node: str) -> Draws:
    """The sum of a node's effects on itself, draw by draw in chain-major order."""
    own = [
        term.name for term in fit.model.system.terms if term.cause == node and term.effect == node and not term.across
    ]
    return fit.posterior["effect"].sel(edge=own).sum("edge").to_numpy().ravel()


def _estimate(
    prior_set: str, draws: Draws, memory: Draws, sign: int, smallest: float, scale: float, *, absent: bool
) -> Estimate:
    low, middle, high = (float(value) for value in np.quantile(draws, [0.05, 0.5, 0.95]))
    direction = sign or 1
    defined = memory < 1.0
    built_up = (
        np.quantile(draws[defined] / (1.0 - memory[defined]), [0.05, 0.5, 0.95])
        if defined.any()
        else np.full(3, math.nan)
    )
    return Estimate(
        prior_set,
        middle,
        low,
        high,
        middle / scale,
        low / scale,
        high / scale,
        as_claimed=_probability(draws, sign, smallest, absent=absent),
        opposite=_against(draws, sign, smallest, absent=absent) if sign or absent else math.nan,
        small=float((np.abs(draws) < smallest).mean()),
        sign=float((direction * draws > 0).mean()),
        long_run_median=float(built_up[1]),
        long_run_low=float(built_up[0]),
        long_run_high=float(built_up[2]),
        long_run_undefined=math.nan if np.isnan(memory).all() else float(1.0 - defined.mean()),
    )


def _reason(chosen: str, estimates: Sequence[Estimate], failed: Sequence[str]) -> str:
    """The numbers behind a word, in a sentence."""
    by_set = {estimate.prior_set: estimate for estimate in estimates}

    def each(name: str) -> str:
        return ", ".join(f"{getattr(by_set[prior], name):.2f} {prior}" for prior in PRIOR_SETS if prior in by_set)

    told = {
        "contradicted": f"against what is claimed with probability {each('opposite')}",
        "negligible": f"the effect at once is smaller than the smallest of interest with probability {each('small')}",
        "prior-driven": f"as claimed with probability {each('as_claimed')}: the source's own word carries it",
    }.get(chosen, f"as claimed with probability {each('as_claimed')}")
    return told + (f"; failed: {', '.join(failed)}" if failed else "")
