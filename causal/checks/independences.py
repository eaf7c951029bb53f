"""Whether the data refute an independence that the graph implies among the measured nodes.

Each measured equation with Normal shocks says what it needs: given its causes, no earlier value of any other node helps, and its shock has nothing to
do with those of the same period of nodes that share no unmeasured cause with it. Both are asked of the data by scores (`causal.checks.scores`): a
link that is missing from the equation, up to one period beyond its longest lag, wherever the graph that the study keeps separates the two points
given the equation's causes (`causal.separation`); and each pair of shocks that the graph leaves apart.

They are judged twice. The largest of all scores, so that a share `causal.checks.scores.LEVEL` of fits whose graph is right fails, however many
independences there are. And for each effect of one node on another all scores between these two and their own pasts together, at the same level: an
unmeasured common cause with memory moves many of them a little, and its verdict is what it makes wrong. How far out they lie is told in two ways of
which the clearer one counts, at one level for both: in any direction at all, and along the traces that such a cause of the effect's sign would leave
(`causal.checks.scores.traces`). Where they are as far out as in a share `DOUBTFUL` of right graphs, the effect's verdict carries a warning. What
this finds, and how often it doubts right effects, stands in `benchmarks/README.md`.

A wrong lag, a second lag and an arrow the other way leave such traces too. So does a common cause whose shocks are new in each period and reach cause
and effect a period apart, in the cause's own past; where the cause has neither memory nor other causes it leaves none (`causal.checks.confounding`).
"""

from __future__ import annotations

import numpy as np

from causal.checks.result import CheckResult
from causal.checks.scores import LEVEL, Hidden, Link, Scores, asked, equations, traces
from causal.equations import Term
from causal.fit import Fit
from causal.rests import differing
from causal.separation import m_separated
from causal.unroll import unroll

DOUBTFUL = 0.1
"""The share of right graphs in which a verdict carries this check's warning."""
MEMORIES = (0.0, 0.3, 0.6, 0.9)
"""How much of a common cause is left after a period, in the traces that are looked for."""


def check(fit: Fit) -> CheckResult:
    """Passed where no implied independence is refuted. Concerns the edges into the nodes that a refuted one is about, and the effects between whose nodes
    they are refuted together; `doubted` are those that are nearly so.
    """
    name = "independences"
    silent, none = "Implied independences are not tested", "the graph implies none among the measured nodes"
    found = asked(name, fit, implied, silent, none)
    if isinstance(found, CheckResult):
        return found
    links = found.links
    numbers = {"tested": float(len(links)), "probability": found.probability}
    numbers |= {_named(link): float(value) for link, value in zip(found.links, found.values, strict=True)}
    pairs = _between(fit, found)
    numbers |= {f"probability for {edge}": chance for edge, chance in pairs.items()}
    refuted = [edge for edge, chance in pairs.items() if chance <= LEVEL]
    doubted = tuple(edge for edge, chance in pairs.items() if LEVEL < chance <= DOUBTFUL)
    said = [_sentence(found)] if found.beyond else []
    for many, what in ((refuted, "refuted"), (doubted, "nearly refuted")):
        if many:
            ends = dict.fromkeys(f"{' and '.join(_ends(fit, edge))} (p {pairs[edge]:.3f})" for edge in many)
            said.append(
                f"Taken together, the independences between {'; between '.join(ends)} are {what}: an unmeasured common cause that lasts would look like this."
            )
    if not found.beyond and not refuted:
        counted = "The one independence" if len(links) == 1 else f"None of the {len(links)} independences"
        ending = "is not refuted" if len(links) == 1 else "is refuted by itself"
        first = f"{counted} that the graph implies among the measured nodes {ending} (p {found.probability:.2f})."
        return CheckResult(name, True, " ".join([first, *said]), numbers, doubted=doubted)
    edges = tuple(dict.fromkeys([*(_concerned(fit, found) if found.beyond else ()), *refuted]))
    return CheckResult(name, False, " ".join(said), numbers, edges, doubted=doubted)


def _ends(fit: Fit, edge: str) -> tuple[str, ...]:
    return next(tuple(sorted((term.cause, term.effect))) for term in fit.model.system.terms if term.name == edge)


def _between(fit: Fit, found: Scores) -> dict[str, float]:
    """For each effect of one node on another, how far out the scores between the two and their own pasts lie together."""
    among: dict[Term, list[Link]] = {}
    for term in fit.model.system.terms:
        ends = {term.cause, term.effect}
        links = [link for link in found.links if {link.cause, link.effect} <= ends]
        if len(ends) == 2 and links:
            among[term] = links
    if not among:
        return {}
    effects = dict(zip(fit.model.system.terms, fit.draws("effect").mean(axis=0).tolist(), strict=True))
    behind = [_behind(term, effects[term]) for term in among]
    left = traces(fit, found.links, [cause for causes in behind for cause in causes])
    own = np.split(left, np.cumsum([len(causes) for causes in behind])[:-1])
    return {
        term.name: found.together(links, towards) for (term, links), towards in zip(among.items(), own, strict=True)
    }


def _behind(term: Term, effect: float) -> list[Hidden]:
    """Lasting causes of both ends of a term that would look like its effect: they reach its effect with the cause, or up to the term's lag behind it."""
    reach = {term.cause: 1.0, term.effect: float(np.sign(effect))}
    return [Hidden(reach, {term.effect: late}, memory) for memory in MEMORIES for late in range(term.lag + 1)]


def implied(fit: Fit) -> tuple[Link, ...]:
    """The links that the graph denies and the data can speak about."""
    model = fit.model
    system, graph = model.system, differing(model, model.graph)
    nodes = equations(fit)
    exogenous = [node for node in model.linear_nodes if node not in nodes]
    deepest = system.lags + 1
    unrolled = unroll(graph, deepest + 1)
    held = {node: {(term.cause, -term.lag) for term in system.terms if term.effect == node} for node in nodes}
    found = [
        Link(cause, effect, lag)
        for effect in nodes
        for cause in system.nodes
        for lag in range(0 if cause in exogenous else 1, deepest + 1)
        if (cause, -lag) not in held[effect] and m_separated(unrolled, (cause, -lag), (effect, 0), held[effect])
    ]
    joined = {frozenset((term.cause, term.effect)) for term in system.terms if term.lag == 0}
    joined |= {frozenset(pair) for pair in system.correlated}
    found += [
        Link(left, right, 0, shared=True)
        for at, left in enumerate(nodes)
        for right in nodes[at + 1 :]
        if frozenset((left, right)) not in joined
    ]
    return tuple(found)


def _named(link: Link) -> str:
    if link.shared:
        return f"shocks of {link.cause} and {link.effect}"
    return f"{link.cause}[{-link.lag}] and {link.effect}[0]"


def _sentence(found: Scores) -> str:
    size = dict(zip(found.links, found.values, strict=True))
    worst = sorted(found.beyond, key=lambda link: -abs(size[link]))
    said = [
        f"the shocks of {link.cause} and {link.effect} go together ({size[link]:+.1f} sd)"
        if link.shared
        else f"{link.cause}[{-link.lag}] still tells something of {link.effect}[0] when the causes of {link.effect} are known ({size[link]:+.1f} sd)"
        for link in worst[:3]
    ]
    more = f", and {len(worst) - 3} more" if len(worst) > 3 else ""
    return (
        f"The graph implies independences that the data refute (p {found.probability:.3f}): {'; '.join(said)}{more}. "
        "A common cause, a link or a lag is missing from it."
    )


def _concerned(fit: Fit, found: Scores) -> tuple[str, ...]:
    nodes = {link.effect for link in found.beyond} | {link.cause for link in found.beyond if link.shared}
    return tuple(term.name for term in fit.model.system.terms if term.effect in nodes)
