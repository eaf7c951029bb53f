"""What the page needs to answer in the browser: the draws of the fits, for interventions and for other opinions that a reader tries.

`askable` gives, for each study whose nodes are all Normal and whose units do not act on each other, what a shift's recursion takes (`causal.worlds`): there a
shift's change depends on no level and no shock, so that `whatif.js` finds the numbers of `causal.simulate.contrast` from the effects alone. `tried` gives,
for each claimed link, the draws under the wide prior, which `opinion.js` weighs by the ratio of another prior to it (importance sampling; the
effective number of draws is Kish's, times the share of the draws that autocorrelation leaves).
"""

from __future__ import annotations

import base64
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.analysis import Analysis, term_word, words_by_edge
from causal.claim import Claim
from causal.dist import Normal
from causal.graph import Sign
from causal.plan import lay_out
from causal.plot import PRIOR_LABELS, fan_of
from causal.report.pictures import embedded
from causal.report.words import label, labelled
from priors.elicit import STRENGTHS

if TYPE_CHECKING:
    from causal.fit import Fit
    from causal.verdict import Evidence

HORIZON = 10
"""Periods after the panel's last that a reader may look ahead."""
MOST_NUMBERS = 500_000
"""A page holds no more effects than this for its interventions, over all studies and priors: some 2.7 MB. Of more draws it takes some, evenly."""
MOST_DRAWS = 4000
"""A page holds no more draws of one link for another opinion."""
SIZES = (0.02, *(size for size in STRENGTHS.values() if size), 0.6, 1.0)
"""Sizes of an effect that an opinion may expect, on the standard scale: the strength scale, and what lies beyond it on either side."""
LEAST_DRAWS = 200
"""With fewer effective draws another opinion gets no numbers: 5 % quantiles would be off by more than 1.5 percentage points."""


def askable(analysis: Analysis) -> list[dict[str, Any]]:
    """What `whatif.js` reads, one record a study that can be asked."""
    words = words_by_edge(analysis)
    better = {spec.outcome: spec.better for spec in analysis.bundle.interventions if spec.better}
    asked = {name: found for name, found in analysis.evidence.items() if _can_be_asked(found.fits["wide"])}
    a_draw = sum(len(fit.model.system.terms) for found in asked.values() for fit in found.fits.values())
    most = max(MOST_NUMBERS // max(a_draw, 1), 1)
    return [_study(analysis, name, found, words, better, most) for name, found in asked.items()]


def chart(asked: list[dict[str, Any]]) -> str:
    """The picture that `whatif.js` fills, as a Vega-Lite specification without rows."""
    import altair as alt

    whole = all(isinstance(time, int) for study in asked for time in study["times"])
    panels = list(dict.fromkeys(each["label"] for study in asked for each in study["sets"]))
    specification = fan_of(alt.Data(name="asked"), panels, "outcome", whole=whole).to_dict()
    specification.pop("$schema", None)
    return embedded(specification)


def left_out(analysis: Analysis) -> list[str]:
    """The labels of the studies that `askable` leaves out."""
    return [
        analysis.bundle.label_of(name)
        for name, found in analysis.evidence.items()
        if not _can_be_asked(found.fits["wide"])
    ]


def tried(analysis: Analysis) -> list[dict[str, Any]]:
    """What `opinion.js` reads, one record a claimed link and study that carries it by itself."""
    rows: list[dict[str, Any]] = []
    for claims in analysis.bundle.ledger.by_edge.values():
        for study, found in analysis.evidence.items():
            row = _link(analysis, claims[0], study, found)
            if row is not None:
                rows.append(row)
    return rows


def opinions() -> dict[str, Any]:
    """The opinions that a reader may try: `chances` (P that the link runs as claimed, and its Normal quantile), `sizes`, and the fewest draws."""
    chances = [k / 100 for k in (1, *range(5, 100, 5), 99)]
    return {"chances": [[p, NormalDist().inv_cdf(p)] for p in chances], "sizes": list(SIZES), "least": LEAST_DRAWS}


def _can_be_asked(fit: Fit) -> bool:
    model = fit.model
    normal = all(model.family(node) == "normal" for node in model.system.nodes)
    return normal and model.design.weights is None and model.design.crossed is None


def _study(
    analysis: Analysis, name: str, found: Evidence, words: dict[str, str], better: dict[str, str], most: int
) -> dict[str, Any]:
    plan = lay_out(found.fits["wide"], (), horizon=HORIZON)
    model = plan.model
    nodes, scales = model.system.nodes, model.design.scales
    drawn = len(found.fits["wide"].draws("effect"))
    return {
        "key": name,
        "label": analysis.bundle.label_of(name),
        "nodes": [
            {
                "name": node,
                "label": label(analysis.bundle, node),
                "swing": float(scales[k]),
                "better": better.get(node, ""),
            }
            for k, node in enumerate(nodes)
        ],
        "order": list(plan.order),
        "steps": [[[step.cause, step.lag, step.column] for step in steps] for steps in plan.steps],
        "terms": [
            {"name": term.name, "word": term_word(term, words), "memory": term.cause == term.effect}
            for term in model.system.terms
        ],
        "drawn": drawn,
        "draws": min(drawn, most),
        "times": [int(time) if isinstance(time, (int, np.integer)) else str(time) for time in plan.times],
        "seen": len(model.study.panel.times),
        "units": [str(unit) for unit in plan.units],
        "aside": len(model.study.sets_aside),
        "sets": [
            {"label": PRIOR_LABELS.get(prior, prior), "effects": packed(_thinned(fit.draws("effect"), most))}
            for prior, fit in found.fits.items()
        ],
    }


def _link(analysis: Analysis, claim: Claim, study: str, found: Evidence) -> dict[str, Any] | None:
    fit, edge = found.fits["wide"], claim.edge
    if edge is None or edge.is_memory:
        return None
    column = next((k for k, term in enumerate(fit.model.system.terms) if term.edge and term.name == edge.name), None)
    prior = None if column is None else fit.model.term_priors[column]
    if column is None or not isinstance(prior, Normal):
        return None
    verdict = analysis.verdict(claim.key)
    whole = next((each for each in verdict.findings if each.study == study), None)
    kept = next((each for each in verdict.conditional if each.study == study), None)
    if whole is not None and whole.identified:
        standing = "identified in this study"
    elif kept is not None and kept.identified:
        standing = f"holds only if the {len(kept.set_aside)} influences that this study sets aside do not matter"
    else:
        standing = "an association only: these data cannot tell the effect from other causes"
    draws = _thinned(fit.draws("effect")[:, column], MOST_DRAWS)
    return {
        "label": f"{labelled(analysis.bundle, edge)} ({analysis.bundle.label_of(study)})",
        "edge": edge.name,
        "study": study,
        "sign": -1 if edge.sign is Sign.NEGATIVE else 1,
        "smallest": claim.smallest_effect,
        "mean": prior.mean,
        "sd": prior.sd,
        "share": min(1.0, fit.convergence.ess / len(fit.draws("effect"))),
        "standing": standing,
        "draws": packed(draws),
    }


def _thinned(draws: Any, most: int) -> Any:
    return draws if len(draws) <= most else draws[np.linspace(0, len(draws) - 1, most).astype(int)]


def packed(values: Any) -> str:
    """Numbers as 32-bit floats, low byte first, in base 64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")
