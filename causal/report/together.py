"""What the page tells of several studies as one: pooled effects, how far studies lie apart, which rows each keeps, and whether to trust the draws."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.plot import PRIOR_LABELS, band, forest
from causal.report.pictures import Picture, picture
from causal.report.words import central, counted, estimate, interval, number

if TYPE_CHECKING:
    from causal.analysis import Analysis
    from causal.fit import JointFit
    from causal.joint import Pool
    from causal.model import Model
    from priors.read import Bundle


def together(analysis: Analysis) -> dict[str, Any] | None:
    """The section's plain values, or None where the studies make no one model; `picture` is a `Picture`."""
    if analysis.together is None:
        return None
    bundle, fits = analysis.bundle, analysis.together.fits
    model = fits["wide"].model
    shared = [pool for pool in model.pools if pool.identified and len(pool.members) > 1]
    claimed = {claim.edge.name for claim in bundle.ledger.claims if claim.edge is not None}
    shared.sort(key=lambda pool: pool.name not in claimed)
    return {
        "sets": [PRIOR_LABELS.get(name, name) for name in fits],
        "rows": [_row(bundle, fits, pool, pool.name in claimed) for pool in shared],
        "studies": [_span(bundle, each) for each in model.models],
        "notes": model.notes,
        "fits": [_trust(name, found) for name, found in fits.items()],
        "transport": number(max(pool.scale for pool in shared)),
        "picture": _picture(analysis, shared),
    }


def energy(found: JointFit) -> float:
    """The smallest Bayesian fraction of missing information over the chains (Betancourt 2016); under .3 a funnel is likely."""
    energies = found.data["sample_stats"]["energy"].transpose("chain", "draw").to_numpy()
    return float((np.square(np.diff(energies, axis=1)).mean(axis=1) / energies.var(axis=1)).min())


def _row(bundle: Bundle, fits: Any, pool: Pool, claimed: bool) -> dict[str, Any]:
    wide: JointFit = fits["wide"]
    names = wide.model.members(pool)
    return {
        "edge": pool.name,
        "claimed": claimed,
        "studies": [_label(bundle, name) for name in names],
        "pooled": [_estimate(found.edge(pool.name, scale="standard")) for found in fits.values()],
        "unseen": [_estimate(found.edge(pool.name, scale="standard", transported=True)) for found in fits.values()],
        "tau": [_estimate(found.posterior["tau"].sel(edge=pool.name)) for found in fits.values()],
        "differ": _differ(bundle, wide, pool, names),
    }


def _differ(bundle: Bundle, wide: JointFit, pool: Pool, names: Sequence[str]) -> str:
    """Where studies differ most, in a sentence, under the wide prior."""
    draws = {name: wide.within(name, pool.name).to_numpy() for name in names}
    gaps = {(a, b): band(draws[a] - draws[b]) for a, b in combinations(names, 2)}
    (a, b), gap = max(gaps.items(), key=lambda each: abs(each[1].middle))
    told = f"{_label(bundle, a)} less {_label(bundle, b)}: {central(gap.middle, gap.low, gap.high)} ({interval(gap.low, gap.high)})"
    apart = gap.low > 0 or gap.high < 0
    return f"{told}; {'they differ' if apart else 'these data do not show that they differ'}"


def _span(bundle: Bundle, model: Model) -> dict[str, str]:
    sweep, times = model.design.sweep, model.study.panel.times
    alone = bundle.study(model.study.name).panel
    known = {str(unit) for unit in model.study.panel.units}
    without = [str(unit) for unit in alone.units if str(unit) not in known]
    return {
        "study": _label(bundle, model.study.name),
        "kept": f"{counted(model.design.size, 'unit')}, {times[int(model.design.entry.min())]} to "
        f"{times[int(sweep.stop.max()) - 1]}; {int((sweep.stop - sweep.first).sum()):,} unit-periods as outcomes",
        "without": ", ".join(without) or "no unit",
    }


def _trust(name: str, found: JointFit) -> dict[str, str]:
    return {
        "set": PRIOR_LABELS.get(name, name),
        "draws": f"{found.posterior.sizes['chain']} × {found.posterior.sizes['draw']:,}",
        "r_hat": f"{found.convergence.r_hat:.3f}",
        "ess": f"{found.convergence.ess:,.0f}",
        "divergent": f"{found.convergence.divergent_share:.2%}",
        "energy": f"{energy(found):.2f}",
    }


def _picture(analysis: Analysis, shared: list[Pool]) -> Picture:
    assert analysis.together is not None
    wide = analysis.together.fits["wide"]
    told = [
        f"{pool.name}: pooled {_estimate(wide.edge(pool.name, scale='standard'))}, "
        f"in a study yet unseen {_estimate(wide.edge(pool.name, scale='standard', transported=True))}"
        for pool in shared
    ]
    chart = forest(analysis, [pool.name for pool in shared])
    return picture("forest", chart, f"Each study's effect alone and with the others, wide prior. {'. '.join(told)}.")


def _estimate(draws: Any) -> str:
    found = band(draws)
    return estimate(found.middle, found.low, found.high)


def _label(bundle: Bundle, name: str) -> str:
    return bundle.label_of(name)
