"""The page's part on published work: what others found on the claims, beside the verdicts and outside every number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from causal.errors import listed
from causal.report.words import counted

if TYPE_CHECKING:
    from causal.claim import Direction, Ledger, Published

TOLD: Mapping[Direction, str] = {
    "for": "as claimed",
    "against": "not as claimed",
    "mixed": "partly as claimed",
    "indirect": "on a neighbouring question",
}
"""How a work stands to a claim, in the page's words."""


def elsewhere(ledger: Ledger) -> dict[str, Any] | None:
    """What the works found, work by work, and the sentences that say what they are and are not; None where the bundle names none."""
    if not ledger.published:
        return None
    works: dict[str, list[Published]] = {}
    for each in ledger.published:
        works.setdefault(each.work, []).append(each)
    return {
        "words": _words(ledger, works),
        "works": [
            {
                "work": work,
                "published": next((each.published for each in found if each.published), ""),
                "found": [
                    {
                        "found": each.found,
                        "told": TOLD[each.direction],
                        "claims": listed(each.claims),
                        "place": each.place,
                        "source": _source_of(each),
                    }
                    for each in found
                ],
            }
            for work, found in works.items()
        ],
    }


def beside(ledger: Ledger, claim: str) -> list[dict[str, Any]]:
    """What was published on one claim, each with how it stands to it and whether the claim was taken from it."""
    return [
        {
            "work": each.work,
            "found": each.found,
            "place": each.place,
            "told": TOLD[each.direction],
            "source": claim in each.origin,
        }
        for each in ledger.published_on(claim)
    ]


def _source_of(found: Published) -> str:
    return f"{listed(found.origin)} {'was' if len(found.origin) == 1 else 'were'} taken from it" if found.origin else ""


def _words(ledger: Ledger, works: Mapping[str, Sequence[Published]]) -> list[str]:
    touched = {claim for each in ledger.published for claim in each.claims}
    same = [work for work, found in works.items() if any(each.same_place for each in found)]
    whole = [work for work, found in works.items() if all(each.read == "whole" for each in found)]
    spoken_of = ledger.source.place or f"the place that the {ledger.source.called} speaks of"
    sentences = [
        f"{counted(len(works), 'published work')}, set beside {len(touched)} of the {counted(len(ledger.claims), 'claim')}.",
        "All were read in their abstracts only."
        if not whole
        else "All were read in whole."
        if len(whole) == len(works)
        else f"Read in whole: {listed(whole)}; the others in their abstracts only.",
        f"None of them is about {spoken_of}."
        if not same
        else f"About {spoken_of} or a part of it: {listed(same)}. The others are about other places, or about many places together."
        if len(same) < len(works)
        else f"All are about {spoken_of} or a part of it.",
        "Nothing of this enters any number on this page, neither a prior nor an estimate nor a verdict: whether what was found there holds here, "
        "these data do not say.",
    ]
    if any(each.origin for each in ledger.published):
        sentences.append("Where a claim was taken from the work itself, the work is its source and no second voice.")
    return sentences
