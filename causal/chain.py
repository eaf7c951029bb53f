"""The verdict of a chain of claims: the core of a source, mostly a loop, as a whole.

That each link of a loop is likely does not make the loop likely, so the chain has a verdict of its own, from the draws of all its links at
once. With s the claimed sign of a link, b its effect and d its smallest effect of interest:

| word | when |
|---|---|
| untestable, not-identified | a link is: the chain is no better than its weakest link |
| contradicted | a link is contradicted, or P(product of s b < -(product of d)) >= .95 under sceptical and wide |
| negligible | a link is negligible: what passes it is |
| supported | every link is supported, and P(every s b > d) >= .95 under article and wide, >= .90 under sceptical |
| prior-driven | P(every s b > d) >= .95 under the article's prior, and not supported |
| undecided | otherwise |

The product alone would not do: two links that run the other way leave its sign as claimed. Nor would "some link runs the other
way" do for *contradicted*: of five links of which nothing is known, one does with probability .97.

Links that one study identifies, or one model of several studies pools, are taken from its joint draws. Links from different
sources are taken as independent, and their draws are paired at random, though a model of several studies holds rows that a study alone holds too;
that their effects hold in one population is then assumed as well. Both are said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from causal.claim import Claim, Ledger, check_ledger
from causal.errors import Fault, listed, raise_all
from causal.graph import Edge
from causal.reported import Reported
from causal.verdict import LEVELS, PRIOR_SETS, SURE, Draws, Evidence, Finding, Together, Verdict, draws_of, sign_of

Shape = Literal["loop", "chain", "set"]
_WEAK = ("untestable", "not-identified")


@dataclass(frozen=True)
class ChainLink:
    """One link: its edge, the claim that states it, its own word, and the study or studies whose draws it has in the chain."""

    edge: str
    stated_by: str
    verdict: str
    source: str


@dataclass(frozen=True)
class ChainEstimate:
    """What one prior set and the data say of a chain.

    `every` = P(every s b > d), `product_sign` = P(product of s b > 0), `product_opposite` = P(product of s b < -(product of d)); the quantiles are of the
    product of s b, standard scale, positive as claimed. The product's are not a number where a link has no claimed sign, or the links do not join.
    """

    prior_set: str
    every: float
    product_sign: float
    product_opposite: float
    product_median: float
    product_low: float
    product_high: float


@dataclass(frozen=True)
class ChainVerdict:
    """The word of a chain, with one plain sentence and what it rests on.

    `shape`: whether the links close a loop, join end to end, or stand apart. `independent`: whether draws of different sources were paired. `set_aside`: the
    nodes assumed away; `conditional` is the verdict under that assumption, where there is another one.
    """

    verdict: str
    sentence: str
    rests_on: str
    shape: Shape
    links: tuple[ChainLink, ...]
    estimates: tuple[ChainEstimate, ...] = ()
    independent: bool = False
    set_aside: tuple[str, ...] = ()
    conditional: ChainVerdict | None = None

    def as_dict(self) -> dict[str, Any]:
        """The record as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Link:
    """A link with the findings that may carry it."""

    claim: Claim
    word: str
    answers: tuple[Finding, ...] = ()
    unmeasured: tuple[str, ...] = ()


def judge_chain(
    ledger: Ledger,
    verdicts: Sequence[Verdict],
    evidence: Mapping[str, Evidence],
    *,
    together: Together | None = None,
    reported: Sequence[Reported] = (),
    seed: int = 1,
    labels: Mapping[str, str] | None = None,
) -> ChainVerdict | None:
    """The verdict of the ledger's core claims as a whole; None where fewer than two links are core.

    `verdicts` are those of `judge` from the same evidence, and `labels` as there. Several core claims on one edge are one link, with the word of the first.
    Raises `CausalError` for core claims without a verdict.
    """
    check_ledger(ledger)
    by_key = {verdict.claim: verdict for verdict in verdicts}
    core = {claim.edge.name if claim.edge else claim.key: claim for claim in reversed(ledger.claims) if claim.core}
    claims = [claim for claim in ledger.claims if claim in core.values()]
    if len(claims) < 2:
        return None
    raise_all(
        Fault(f"no verdict on the core claim '{claim.key}'", mend="give the verdicts of the whole ledger")
        for claim in claims
        if claim.key not in by_key
    )
    shape, claims = _joined(claims)

    def judged(links: Sequence[_Link]) -> ChainVerdict:
        generator = np.random.default_rng(seed)
        return _judged(links, shape, evidence, together, reported, generator, labels or {}, ledger.source.called)

    whole = judged([_link(claim, by_key[claim.key]) for claim in claims])
    aside = [_conditional(claim, by_key[claim.key]) for claim in claims]
    if all(link is not None for link in aside) and any(by_key[claim.key].conditional for claim in claims):
        second = judged([link for link in aside if link is not None])
        if second.set_aside and second.verdict not in _WEAK:
            return replace(whole, conditional=second)
    return whole


def shape_of(edges: Sequence[Edge]) -> Shape:
    """Whether edges, each once and in any order, close one loop, join end to end in one chain, or neither."""
    walk = _walk(edges)
    if len(walk) < len(edges) or not walk:
        return "set"
    return "loop" if walk[-1].effect == walk[0].cause else "chain"


def _walk(edges: Sequence[Edge]) -> list[Edge]:
    """The edges in the order in which they follow each other, as far as they do; none where a node has two causes or effects among them."""
    after, entered = {edge.cause: edge for edge in edges}, {edge.effect for edge in edges}
    if not len(after) == len(entered) == len(edges):
        return []
    here = next((edge.cause for edge in edges if edge.cause not in entered), edges[0].cause)
    walk: list[Edge] = []
    while here in after and len(walk) < len(edges) and (not walk or here != walk[0].cause):
        walk.append(after[here])
        here = walk[-1].effect
    return walk


def _joined(claims: list[Claim]) -> tuple[Shape, list[Claim]]:
    """The shape of the claims' edges, and the claims in the order in which the edges follow each other."""
    edges = [claim.edge for claim in claims if claim.edge is not None]
    shape = shape_of(edges) if len(edges) == len(claims) else "set"
    if shape == "set":
        return shape, claims
    return shape, [next(claim for claim in claims if claim.edge == edge) for edge in _walk(edges)]


def _link(claim: Claim, verdict: Verdict) -> _Link:
    return _Link(claim, verdict.verdict, tuple(each for each in verdict.answers if each.estimates), verdict.unmeasured)


def _conditional(claim: Claim, verdict: Verdict) -> _Link | None:
    """The link as it stands where the nodes that studies set aside are assumed away; None where it has no answer even then."""
    if verdict.conditional_together is not None:
        return _Link(claim, verdict.conditional_together.verdict, (verdict.conditional_together,))
    if verdict.answers:
        return _link(claim, verdict)
    answers = tuple(each for each in verdict.conditional if each.identified and each.estimates)
    words = {each.verdict for each in answers}
    return _Link(claim, words.pop() if len(words) == 1 else "undecided", answers) if answers else None


def _judged(
    links: Sequence[_Link],
    shape: Shape,
    evidence: Mapping[str, Evidence],
    together: Together | None,
    reported: Sequence[Reported],
    generator: np.random.Generator,
    labels: Mapping[str, str],
    called: str,
) -> ChainVerdict:
    name = {"loop": "loop", "chain": "chain", "set": "core"}[shape]
    weak = [link for word in _WEAK for link in links if link.word == word]
    if weak:
        told = tuple(ChainLink(_edge(link), link.claim.key, link.word, "") for link in links)
        weakest = [link for link in weak if link.word == weak[0].word]
        return ChainVerdict(
            weak[0].word,
            _weak_sentence(name, weakest, links, labels),
            f"At its weakest link the {called}'s opinion alone.",
            shape,
            told,
        )
    chosen = _sources(links)
    told = tuple(
        ChainLink(_edge(link), link.claim.key, link.word, " + ".join(found.pooled or (found.study,)))
        for link, found in zip(links, chosen, strict=True)
    )
    known = [
        draws_of(found, _has_edge(link), evidence, together, reported)
        for link, found in zip(links, chosen, strict=True)
    ]
    sources = [_held_by(found) for found in chosen]
    # Fits of one seed may share their random numbers: draws of different sources are paired at random, those of one source stay together.
    size = min(len(draws["wide"]) for draws in known)
    order = {
        source: generator.permutation(len(draws["wide"]))[:size] for source, draws in zip(sources, known, strict=True)
    }
    several = list(dict.fromkeys(link.source for link in told))
    independent = len({*sources}) > 1
    if not independent:
        order = {sources[0]: np.arange(size)}
    joined = {
        prior_set: np.stack([draws[prior_set][order[source]] for source, draws in zip(sources, known, strict=True)])
        for prior_set in PRIOR_SETS
    }
    estimates = tuple(_estimate(prior_set, joined[prior_set], links, shape) for prior_set in PRIOR_SETS)
    word = _word({each.prior_set: each for each in estimates}, [link.word for link in links])
    aside = tuple(dict.fromkeys(node for found in chosen for node in found.set_aside))
    rests = f"Draws of {listed(several)}, taken as independent and as of one population."
    if not independent:
        rests = f"The joint draws of {listed(several)}."
    if aside:
        rests += f" {len(aside)} other influences that the {called} names are assumed away."
    return ChainVerdict(
        word, _sentence(name, word, estimates, links, called), rests, shape, told, estimates, independent, aside
    )


def _sources(links: Sequence[_Link]) -> list[Finding]:
    """For each link the finding that carries it, from as few sources as can be found by taking the one that carries most links first."""
    chosen: dict[int, Finding] = {}
    while len(chosen) < len(links):
        carries: dict[str, dict[int, Finding]] = {}
        for place, link in enumerate(links):
            for found in link.answers if place not in chosen else ():
                carries.setdefault(_held_by(found), {})[place] = found
        chosen |= max(carries.values(), key=len)
    return [chosen[place] for place in range(len(links))]


def _held_by(found: Finding) -> str:
    """Which fit holds a finding's draws: that of several studies as one, or its own study's."""
    return "several studies as one" if found.pooled else found.study


def _estimate(prior_set: str, draws: Draws, links: Sequence[_Link], shape: Shape) -> ChainEstimate:
    """The probabilities of a chain from the draws of its links (link, draw)."""
    signs = np.array([sign_of(_has_edge(link)) for link in links], dtype=float)[:, None]
    least = np.array([link.claim.smallest_effect for link in links])
    # A link without a claimed sign runs the way that its draws rather run, as in a verdict.
    rather = np.where(np.median(draws, axis=1, keepdims=True) < 0.0, -1.0, 1.0)
    claimed = np.where(signs == 0, rather, signs) * draws
    every = float((claimed > least[:, None]).all(axis=0).mean())
    if shape == "set" or not signs.all():
        return ChainEstimate(prior_set, every, *[math.nan] * 5)
    product = claimed.prod(axis=0)
    low, middle, high = (float(value) for value in np.quantile(product, [0.05, 0.5, 0.95]))
    opposite = float((product < -least.prod()).mean())
    return ChainEstimate(prior_set, every, float((product > 0).mean()), opposite, middle, low, high)


def _word(found: Mapping[str, ChainEstimate], words: Sequence[str]) -> str:
    reversed_product = all(found[name].product_opposite >= SURE for name in ("sceptical", "wide"))
    if "contradicted" in words or reversed_product:
        return "contradicted"
    if "negligible" in words:
        return "negligible"
    as_claimed = {name: found[name].every >= level for name, level in LEVELS.items()}
    if all(as_claimed.values()) and all(word == "supported" for word in words):
        return "supported"
    return "prior-driven" if as_claimed["article"] and not all(as_claimed.values()) else "undecided"


def _sentence(name: str, word: str, estimates: Sequence[ChainEstimate], links: Sequence[_Link], called: str) -> str:
    chances = ", ".join(f"{each.every:.2f} {each.prior_set}" for each in estimates)
    if word in ("contradicted", "negligible"):
        broken = [_edge(link) for link in links if link.word == word]
        how = "runs the other way" if word == "contradicted" else "carries next to nothing"
        if not broken:
            return f"The {name} is {word}: taken together its links run the other way than claimed."
        return f"The {name} is {word}: {listed(broken)} {how}."
    whole = f"every link of it runs as claimed with probability {chances}"
    if word == "supported":
        return f"The {name} is supported: {whole}."
    if word == "prior-driven":
        return f"The {name} holds for a reader who believes the {called}, and the data do not show it: {whole}."
    weak = [_edge(link) for link in links if link.word != "supported"]
    return f"The data do not settle the {name}: {whole}" + (
        f"; not supported by itself: {listed(weak)}." if weak else "."
    )


def _weak_sentence(name: str, weakest: Sequence[_Link], links: Sequence[_Link], labels: Mapping[str, str]) -> str:
    word = weakest[0].word
    if word == "not-identified":
        why = f"these data cannot answer {listed([_edge(link) for link in weakest])}"
    else:
        nodes = dict.fromkeys(node for link in weakest for node in link.unmeasured)
        apart = [_edge(link) for link in weakest if link.claim.edge is not None and not link.unmeasured]
        reasons = [f"nobody measures {listed([labels.get(node, node) for node in nodes])}"] if nodes else []
        reasons += [f"nobody measures both ends of {listed(apart)} together"] if apart else []
        reasons += [f"no link can hold {link.claim.key}" for link in weakest if link.claim.edge is None]
        why = "; ".join(reasons)
    against = [_edge(link) for link in links if link.word == "contradicted"]
    tested = f" What of it can be tested speaks against it: {listed(against)}." if against else ""
    return f"The {name} is {word}: {why}.{tested}"


def _edge(link: _Link) -> str:
    return link.claim.edge.name if link.claim.edge else f"{link.claim.cause} -> {link.claim.effect}"


def _has_edge(link: _Link) -> Edge:
    assert link.claim.edge is not None, "a claim without an edge is untestable"
    return link.claim.edge
