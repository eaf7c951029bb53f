"""The page's part on identification: which claims the data could answer at all, how, and what stands in the way of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causal.coverage import StudyAnswer, Word, coverage
from causal.query import by_age
from causal.separation import name_point

if TYPE_CHECKING:
    from collections.abc import Iterable

    from causal.query import Identification
    from causal.unroll import Point
    from priors.read import Bundle

TOLD: dict[Word, str] = {
    "yes": "yes",
    "linear only": "only if effects are linear",
    "no": "no",
    "no edge": "states no link",
}
"""Each answer in the page's words."""


def answerable(bundle: Bundle) -> dict[str, Any]:
    """Rows of the claims whose cause and effect one study measures, the counts over all claims, and the chains."""
    covered = coverage(bundle.ledger, bundle.graph, bundle.studies)
    best = [covered.best(claim.key) for claim in bundle.ledger.claims]
    order = list(TOLD)
    shown = sorted((row for row in covered.answers if row.measured), key=lambda row: order.index(row.answer))
    return {
        "rows": [_row(row) for row in shown],
        "counts": [(TOLD[word], best.count(word)) for word in TOLD if word in best],
        "total": len(best),
        "chains": [
            {
                "text": str(chain),
                "whole": chain.whole,
                "cause": chain.cause,
                "effect": chain.effect,
                "assumes": chain.assumes,
            }
            for chain in covered.chains
        ],
        "complete": covered.complete,
    }


def used(found: Identification) -> str:
    """The strategy and its set in a few words."""
    if found.strategy is None:
        return "-"
    if found.strategy == "adjustment":
        return f"adjustment: {_named(found.adjustment or ()) or 'nothing held fixed'}"
    given = f" given {_named(found.given)}" if found.given else ""
    return f"{found.strategy}: {_named(found.through)}{given}" if found.through else found.strategy


def _row(row: StudyAnswer) -> dict[str, Any]:
    found = row.identification
    aside = row.kept is not None and row.kept.identified and row.answer == "no"
    return {
        "claim": row.claim,
        "study": row.study,
        "edge": row.edge,
        "answer": TOLD[row.answer],
        "aside": aside,
        "used": used(found) if found and row.answer != "no" else "",
        "formula": found.formula if found and row.answer != "no" else "",
        "why": row.why,
    }


def _named(points: Iterable[Point]) -> str:
    return ", ".join(name_point(point) for point in by_age(points))
