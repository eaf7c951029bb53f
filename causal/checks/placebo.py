"""Whether the future seems to move the past, which it cannot.

A cause that its outcome never reaches, at any lag and through any other node, must not help to tell the outcome from its *next* period: what such a
lead finds is something that moves both (a placebo). Asked by the score of the lead (`causal.checks.scores`) in the outcome's own equation, where the
graph separates the two given that equation's causes. In a loop the outcome does move its cause's next value, so that a lead proves nothing there;
what the loop denies is asked by `causal.checks.independences`.
"""

from __future__ import annotations

from causal.checks.result import CheckResult
from causal.checks.scores import Link, asked, equations
from causal.fit import Fit
from causal.rests import differing
from causal.separation import m_separated
from causal.unroll import unroll


def check(fit: Fit) -> CheckResult:
    """Passed where no cause's next period tells its outcome. Concerns the edges into the outcomes of which one does."""
    name = "placebo"
    silent, none = (
        "The future is not asked about the past",
        "every cause is moved by its outcome in turn, or shares with it what nobody measured",
    )
    found = asked(name, fit, leads, silent, none)
    if isinstance(found, CheckResult):
        return found
    links = found.links
    numbers = {"tested": float(len(links)), "probability": found.probability}
    numbers |= {
        f"{link.cause}[+1] and {link.effect}[0]": float(value)
        for link, value in zip(found.links, found.values, strict=True)
    }
    if not found.beyond:
        one = "The next period of the one cause that can be asked does not tell its outcome"
        several = f"Of {len(links)} causes none tells its outcome from its next period"
        sentence = f"{one if len(links) == 1 else several} (p {found.probability:.2f})."
        return CheckResult(name, True, sentence, numbers)
    outcomes = sorted({link.effect for link in found.beyond})
    said = " and ".join(f"{link.cause} tells {link.effect}" for link in found.beyond)
    sentence = (
        f"The future seems to move the past: the next period of {said} (p {found.probability:.3f}). "
        "Something that nobody measured moves both, or the arrow goes the other way."
    )
    edges = tuple(term.name for term in fit.model.system.terms if term.effect in outcomes)
    return CheckResult(name, False, sentence, numbers, edges)


def leads(fit: Fit) -> tuple[Link, ...]:
    """The leads that the graph says tell nothing: of causes that their outcome does not reach."""
    system, graph = fit.model.system, differing(fit.model, fit.model.graph)
    unrolled = unroll(graph, system.lags + 2)
    found: list[Link] = []
    for effect in equations(fit):
        # Seen from the lead's period the outcome is one period ago.
        held = {(term.cause, -term.lag - 1) for term in system.terms if term.effect == effect}
        causes = {term.cause for term in system.terms if term.effect == effect and term.cause != effect}
        found += [
            Link(cause, effect, -1)
            for cause in system.nodes
            if cause in causes
            and not _reaches(fit, effect, cause)
            and m_separated(unrolled, (cause, 0), (effect, -1), held)
        ]
    return tuple(found)


def _reaches(fit: Fit, start: str, end: str) -> bool:
    graph, seen, waiting = fit.model.graph, set[str](), [start]
    while waiting:
        for edge in graph.children(waiting.pop()):
            if edge.effect == end:
                return True
            if edge.effect not in seen:
                seen.add(edge.effect)
                waiting.append(edge.effect)
    return False
