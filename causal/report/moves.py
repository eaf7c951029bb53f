"""What the page tells of whole loops and of choices: how each study's loop moves by itself, and which of the bundle's interventions to prefer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.dynamics import decay, impulse_responses, smallest_cut
from causal.errors import CausalError, listed
from causal.figures import rank_plot, response_grid
from causal.plot import PRIOR_LABELS
from causal.report.pictures import still_figure
from causal.report.words import counted, estimate, label, number, probability

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from causal.analysis import Analysis, Ranked
    from causal.fit import Fit
    from priors.read import Bundle

_MOST_NODES = 5
"""A grid of responses is drawn for so many nodes at most."""
_STEPS = 10


def movements(analysis: Analysis) -> list[dict[str, Any]]:
    """For each study: rows of numbers by prior set, its loops, what would make it decay, and a picture; or why there are none."""
    return [
        _movement(analysis.bundle, name, found.fits, f"responses{place}")
        for place, (name, found) in enumerate(analysis.evidence.items())
    ]


def choices(analysis: Analysis) -> list[dict[str, Any]]:
    """For each outcome of which the bundle says what is better: the options in order, by prior set, and what would be worth knowing."""
    return [_choice(analysis.bundle, found, f"choice{place}") for place, found in enumerate(analysis.rankings)]


def _movement(bundle: Bundle, name: str, fits: Mapping[str, Fit], key: str) -> dict[str, Any]:
    study = fits["wide"].model.study
    told: dict[str, Any] = {"study": study.label or name, "aside": len(study.sets_aside), "why": "", "picture": None}
    try:
        found = {prior: decay(fitted) for prior, fitted in fits.items()}
        cuts = smallest_cut(fits["wide"])
        few = len(fits["wide"].model.system.nodes) <= _MOST_NODES
        responses = impulse_responses(fits["wide"], _STEPS) if few else None
    except CausalError as error:
        return told | {"why": " ".join(str(fault) for fault in error.faults)}
    wide = found["wide"]
    told["rows"] = [
        {
            "set": PRIOR_LABELS.get(prior, prior),
            "radius": _spread(each["radius"]),
            "half_life": _spread(each["half_life"]),
            "explosive": probability(float(each["p_explosive"])),
        }
        for prior, each in found.items()
    ]
    told["loops"] = [
        {"loop": str(loop), "gain": _spread(wide["gain"].sel(loop=loop)), "hangs": _hangs_on(wide, loop)}
        for loop in wide["loop"].to_numpy().tolist()
    ]
    told["cuts"] = _cuts(cuts)
    if responses is not None:
        names = {node: label(bundle, node) for node in responses["cause"].to_numpy().tolist()}
        labelled = responses.assign_coords(cause=list(names.values()), effect=list(names.values()))
        words = f"How each node answers, over {counted(_STEPS, 'period')}, when one is pushed up by a unit for one period: {listed(list(names.values()))}."
        told["picture"] = still_figure(response_grid(labelled), key, words)
    return told


def _hangs_on(found: xr.Dataset, loop: str) -> str:
    """The effect by which a loop's gain moves most, percent for percent."""
    drawn = np.abs(found["elasticity"].sel(loop=loop).transpose("draw", "term").to_numpy())
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    if not len(drawn):
        return ""
    sizes = np.median(drawn, axis=0)
    at = int(sizes.argmax())
    return f"{found['term'].to_numpy()[at]} ({sizes[at]:.2g} % for each 1 %)"


def _cuts(cuts: Any) -> str:
    if not cuts:
        return "No cut of a few links would make the loop decay for sure."
    first = cuts[0]
    if not first.edges:
        return f"As it is, a disturbance dies out with probability {probability(first.p_decays)}."
    act = "Taking away" if first.factor == 0 else f"Weakening to {first.factor:.0%} of its size"
    return f"{act} {listed(list(first.edges))} would make disturbances die out, with probability {probability(first.p_decays)}."


def _spread(values: xr.DataArray) -> str:
    """Median and 90 % interval over the draws in which the value is defined."""
    drawn = values.to_numpy()
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return "undefined in every draw"
    low, middle, high = (float(value) for value in np.quantile(known, [0.05, 0.5, 0.95], method="lower"))
    if math.isinf(high):
        ends = [number(end) if math.isfinite(end) else "without end" for end in (middle, low, high)]
        return f"{ends[0]} ({ends[1]} to {ends[2]})"
    left_out = (
        "" if len(known) == len(drawn) else f", undefined in {probability(1.0 - len(known) / len(drawn))} of the draws"
    )
    return estimate(middle, low, high) + left_out


def _choice(bundle: Bundle, found: Ranked, key: str) -> dict[str, Any]:
    outcome = label(bundle, found.outcome)
    if found.why:
        return {"outcome": outcome, "why": found.why, "picture": ""}
    wide = found.by_set["wide"]
    titles = {key: spec.label or spec.do for key, spec in found.options.items()} | {"nothing": "Doing nothing"}
    shown = wide.assign_coords(option=[titles[key] for key in wide["option"].to_numpy().tolist()])
    shown = shown.assign_attrs(outcome=outcome)
    return {
        "outcome": outcome,
        "why": "",
        "better": found.better,
        "study": next((each.label for each in bundle.studies if each.name == found.study), "") or found.study,
        "sets": [
            {
                "set": PRIOR_LABELS.get(prior, prior),
                "rows": [
                    _option(ranking.sel(option=key), titles[key]) for key in ranking["option"].to_numpy().tolist()
                ],
                "everything": number(float(ranking["evpi"])),
                "worth": _worth(found.worth[prior]),
            }
            for prior, ranking in found.by_set.items()
        ],
        "costed": "cost" in wide,
        "rests": sorted({word for words in found.rests_on.values() for word in words.values() if word != "supported"}),
        "picture": still_figure(
            rank_plot(shown),
            key,
            f"Effect of each option on {outcome.lower()} with its 90 % interval, chance of being the best and chance of harm; wide prior.",
        ),
    }


def _option(found: xr.Dataset, title: str) -> dict[str, str]:
    low, middle, high = (float(value) for value in np.quantile(found["effect"], [0.05, 0.5, 0.95]))
    return {
        "title": title,
        "effect": estimate(middle, low, high, signed=True) if low or high else "0",
        "best": probability(float(found["p_best"])),
        "harm": probability(harm) if (harm := float(found["p_harm"])) else "none",
        "regret": number(float(found["regret"])),
        "per_cost": number(float(found["per_cost"]))
        if "per_cost" in found and float(found["per_cost"]) == float(found["per_cost"])
        else "",
    }


def _worth(worth: xr.DataArray) -> str:
    most = [
        f"{what} ({number(value)})"
        for what, value in zip(worth["what"].to_numpy().tolist(), worth.to_numpy().tolist(), strict=True)
        if value > 0
    ]
    return listed(most[:3]) if most else "nothing by itself"
