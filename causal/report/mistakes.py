"""What the page tells of mistakes: how often each verdict is wrong in worlds of which the truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from causal.errors import CausalError, listed
from causal.report.words import counted, probability
from causal.validate import KINDS, Kind, Rate, is_of, kept

if TYPE_CHECKING:
    from priors.read import Bundle


def mistakes(bundle: Bundle) -> dict[str, Any]:
    """The kept error rates of a bundle as rows, one claim, study and kind of world each, and the calibration; or `why` there are none."""
    try:
        found = kept(bundle)
    except CausalError as error:
        return {"why": "; ".join(str(fault) for fault in error.faults)}
    if found is None:
        return {"why": "They have not been measured for this bundle: causal validate --keep does it."}
    told = {kind.name: kind.told for kind in KINDS}
    return {
        "why": "",
        "stale": not is_of(found, bundle),
        "worlds": found.worlds,
        "kinds": [
            _together(kind, rates)
            for kind in KINDS
            if (rates := [rate for rate in found.rates if rate.kind == kind.name])
        ],
        "rows": [_row(rate, told, bundle) for rate in found.rates],
        "bins": [
            {
                "range": f"{each.low:.1f} to {each.high:.1f}",
                "count": each.count,
                "mean": probability(each.mean),
                "positive": probability(each.positive),
            }
            for each in found.calibration
        ],
        "left_out": len(found.left_out),
        "reasons": listed([f"{reason} ({count})" for reason, count in Counter(found.left_out.values()).most_common()]),
    }


def _together(kind: Kind, rates: Sequence[Rate]) -> dict[str, Any]:
    """All claims of one kind of world in one row."""
    words: Counter[str] = Counter()
    for rate in rates:
        words.update(rate.words)
    wrong = sum(round(rate.wrong * rate.worlds) for rate in rates)
    noticed = f"{sum(rate.wrong_warned for rate in rates)} of {wrong}" if wrong else "none is wrong"
    return {
        "told": kind.told,
        "worlds": sum(rate.worlds for rate in rates),
        "words": listed([f"{word} {count}" for word, count in words.most_common()]),
        "noticed": noticed if kind.wrong else "",
    }


def _row(rate: Rate, told: dict[str, str], bundle: Bundle) -> dict[str, Any]:
    kind = next(kind for kind in KINDS if kind.name == rate.kind)
    certain = rate.kind == "confounded"
    return {
        "claim": rate.claim,
        "study": bundle.label_of(rate.study),
        "kind": rate.kind,
        "told": told[rate.kind],
        "worlds": rate.worlds,
        "words": listed([f"{word} {count}" for word, count in sorted(rate.words.items(), key=lambda item: -item[1])]),
        "wrong": _share(rate.wrong, rate.wrong_low, rate.wrong_high, certain) if kind.wrong else "",
        "hit": _share(rate.hit, rate.hit_low, rate.hit_high, certain) if kind.right else "",
        "noticed": f"{rate.wrong_warned} of {round(rate.wrong * rate.worlds)}" if rate.wrong else "",
        "warned": f"{counted(rate.warned, 'world')} of {rate.supported_by_draws}" if rate.supported_by_draws else "",
        "could": "" if rate.could_find is None else probability(rate.could_find),
    }


def _share(value: float, low: float, high: float, certain: bool) -> str:
    return f"{value:.0%}" if certain else f"{value:.0%} ({low:.0%} to {high:.0%})"
