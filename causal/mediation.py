"""Through what an effect passes: the parts of a contrast that go by way of chosen nodes or along chosen edges, through time.

Beside one base world run several differences (`causal.worlds.Track`). With mediators M, in the words of Pearl (2001) and of edge interventions (Shpitser and
Tchetgen Tchetgen 2016):

- *total*: every edge carries the change;
- *direct* (natural): edges out of the mediators carry nothing, so that what is caused by a mediator sees it as it would have been;
- *indirect* (natural): the interventions do not act (a node that they hold stays where it was), but what is caused by a mediator sees the mediator
  as they change it;
- *interaction*: total - direct - indirect, which is 0 in a linear system where nothing is scaled.

In a loop, a path that comes through a mediator once is indirect from there on. The *controlled* direct effect holds the mediators at stated values in both
worlds. With several groups of mediators, taken in order, the parts are what each group adds to what those before it leave, and sum to the total.

These effects ask more of the graph than a contrast does: an unmeasured cause that a mediator and the outcome share makes the parts wrong although the total is
right. So they are refused where an edge on the way is not identified in the graph that the study keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.equations import Floats
from causal.errors import CausalError, Fault, raise_all, shortened
from causal.fit import Fit
from causal.intervene import AddEdge, Cut, Policy, ScaleEdge, Set
from causal.levels import Block
from causal.plan import Plan, check_fit, lay_out, node_of
from causal.rests import on_the_way, rests_on_text, word_of
from causal.simulate import Given, contrast, natural_change
from causal.worlds import Track, each_block, periods, total_track

if TYPE_CHECKING:
    import xarray as xr


def mediation(
    fit: Fit,
    interventions: Given,
    *,
    outcome: str,
    through: str | Sequence[str],
    hold: Mapping[str, float] | None = None,
    horizon: int = 0,
    seed: int = 0,
) -> xr.Dataset:
    """`total`, `direct`, `indirect` and `interaction`, each (draw, time): the mean over units, natural units of the outcome.

    `through`: the mediators. ``hold={mediator: value}`` (natural units) adds `controlled`, the effect with the mediators held there. Raises `CausalError` where
    an edge on the way is not identified, for interventions on edges and policies, and for mediators that are acted on themselves, are the outcome,
    or are not measured.
    """
    import xarray as xr

    plan, mediators = _mediated(
        fit, interventions, outcome, (through,) if isinstance(through, str) else through, horizon, seed
    )
    causes = [plan.node(term.cause) for term in plan.model.system.terms]
    direct = Track(tuple(None if cause in mediators else 1 for cause in causes))
    indirect = Track(tuple(0 if cause in mediators else 2 for cause in causes), pushed=False)
    total, straight, around = _run(plan, outcome, seed, (total_track(plan), direct, indirect))
    parts = {"total": total, "direct": straight, "indirect": around, "interaction": total - straight - around}
    if hold is not None:
        parts["controlled"] = _controlled(plan, outcome, hold, mediators, horizon, seed)
    return xr.Dataset({name: (("draw", "time"), values) for name, values in parts.items()}, **_told(plan, outcome))


def mediated_parts(
    fit: Fit,
    interventions: Given,
    *,
    outcome: str,
    through: Sequence[str | Sequence[str]],
    horizon: int = 0,
    seed: int = 0,
) -> xr.DataArray:
    """The total taken apart by groups of mediators, in their order: (draw, part, time), natural units, the parts sum to the total.

    Parts are named ``through NODE``, for a group by its nodes, and last ``direct``. What passes through two groups counts to the one named first. Raises
    `CausalError` as `mediation` does, and for a node in two groups.
    """
    import xarray as xr

    check_fit(fit)
    given: Sequence[str | Sequence[str]] = (through,) if isinstance(through, str) else through
    groups = [(group,) if isinstance(group, str) else tuple(group) for group in given]
    listed = [name for group in groups for name in group]
    twice = sorted({name for name in listed if listed.count(name) > 1})
    raise_all(Fault(f"'{name}' is in two groups of mediators", mend="name it once") for name in twice)
    plan, _ = _mediated(fit, interventions, outcome, listed, horizon, seed)
    causes = [plan.node(term.cause) for term in plan.model.system.terms]
    tracks = [total_track(plan)]
    for k in range(len(groups)):
        closed = {plan.node(name) for group in groups[: k + 1] for name in group}
        tracks.append(Track(tuple(None if cause in closed else k + 1 for cause in causes)))
    left = _run(plan, outcome, seed, tracks)
    parts = [before - after for before, after in pairwise(left)]
    names = [f"through {' and '.join(group)}" for group in groups]
    told = _told(plan, outcome)
    told["coords"]["part"] = [*names, "direct"]
    return xr.DataArray(np.stack([*parts, left[-1]], axis=1), dims=("draw", "part", "time"), name=outcome, **told)


def along(
    fit: Fit, interventions: Given, *, outcome: str, edges: Iterable[str], horizon: int = 0, seed: int = 0
) -> xr.DataArray:
    """The path-specific effect: what reaches the outcome where only the named edges carry the change, (draw, time), natural units.

    An edge is named as in `Fit.edge`. Raises `CausalError` as `mediation` does, and for edges that this study's equations do not carry by themselves.
    """
    import xarray as xr

    check_fit(fit)
    kept: set[str] = set()
    faults: list[Fault] = []
    if not isinstance(edges, (str, Iterable)):
        raise CausalError(Fault(f"the edges are {edges!r}", mend="name an edge, or several in a list"))
    for text in (edges,) if isinstance(edges, str) else edges:
        try:
            kept.add(str(fit.edge(text).name))
        except CausalError as error:
            faults.extend(error.faults)
    raise_all(faults)
    plan, _ = _mediated(fit, interventions, outcome, (), horizon, seed, kept)
    names = [term.name for term in plan.model.system.terms]
    (found,) = _run(plan, outcome, seed, (Track(tuple(0 if name in kept else None for name in names)),))
    return xr.DataArray(found, dims=("draw", "time"), name=outcome, **_told(plan, outcome))


def _mediated(
    fit: Fit,
    interventions: Given,
    outcome: str,
    through: object,
    horizon: int,
    seed: int,
    among: set[str] | None = None,
) -> tuple[Plan, set[int]]:
    """The plan and the mediators' places, after everything that mediation asks for; of `among` edges only, where given."""
    if not isinstance(through, Sequence) or any(not isinstance(name, str) for name in through):
        raise CausalError(Fault(f"the mediators are {through!r}", mend="name a node, or several in a list"))
    plan = lay_out(fit, interventions, horizon=horizon, seed=seed, outcomes=(outcome,))
    faults: list[Fault] = []
    for each in plan.interventions:
        if isinstance(each, (Cut, ScaleEdge, AddEdge, Policy)):
            what = f"{type(each).__name__} has no parts: it changes by what way an effect passes"
            faults.append(Fault(what, mend="ask for the parts of Set, Path, Shift or Scale"))
    acted = {each.node for each in plan.interventions if not isinstance(each, (Cut, ScaleEdge, AddEdge))}
    mediators: set[int] = set()
    for name in through:
        try:
            mediators.add(node_of(fit, name, "mediator"))
        except CausalError as error:
            faults.extend(error.faults)
        if name in acted or name == outcome:
            role = "the outcome" if name == outcome else "intervened on"
            faults.append(Fault(f"'{name}' is {role} and cannot be a mediator", mend="name what lies between"))
    way = on_the_way(fit.model, plan.interventions, (outcome,))
    words = {term.name: word_of(fit, term) for term in way if among is None or term.name in among}
    unknown = [name for name, word in words.items() if word.startswith(("not-identified", "a road"))]
    if unknown:
        what = f"the parts are not identified: {shortened(unknown)} cannot be told from these data"
        faults.append(
            Fault(
                what, mend="measure what confounds them, or ask for the total by contrast, which says what it rests on"
            )
        )
    raise_all(faults)
    return plan, mediators


def _controlled(
    plan: Plan, outcome: str, hold: Mapping[str, float], mediators: set[int], horizon: int, seed: int
) -> Floats:
    """The contrast (draw, time) with the mediators held in both worlds."""
    names = [plan.model.system.nodes[node] for node in sorted(mediators)]
    if not isinstance(hold, Mapping):
        raise CausalError(Fault(f"hold is {hold!r}", mend="give a mapping of each mediator to its value"))
    raise_all(
        [
            *(
                Fault(f"hold names '{name}', which is no mediator", mend=f"mediators: {', '.join(names)}")
                for name in hold
                if name not in names
            ),
            *(
                Fault(f"hold gives no value for '{name}'", mend="give each mediator a value")
                for name in names
                if name not in hold
            ),
        ]
    )
    held = [Set(name, value) for name, value in hold.items()]
    both, alone = (
        contrast(plan.fit, given, outcome=outcome, horizon=horizon, seed=seed).to_numpy()
        for given in ([*plan.interventions, *held], held)
    )
    return both - alone


def _run(plan: Plan, outcome: str, seed: int, tracks: Sequence[Track]) -> list[Floats]:
    """Each track's change of the outcome, (draw, time), natural units, the mean over units."""
    at = plan.node(outcome)
    out = [np.zeros((len(plan.draws), len(plan.times))) for _ in tracks]

    def fill(block: Block) -> None:
        base_kind = "drawn" if plan.needs_levels else "none"
        for time, base, differences in periods(plan, block, seed, base=base_kind, tracks=tracks):
            for found, difference in zip(out, differences, strict=True):
                if difference[at] is not None:
                    found[block.draws, time] = natural_change(plan, at, base[at], difference[at]).mean(axis=1)

    each_block(plan, fill)
    return out


def _told(plan: Plan, outcome: str) -> dict[str, Any]:
    return {
        "coords": {"draw": np.arange(len(plan.draws)), "time": plan.times},
        "attrs": {"rests_on": rests_on_text(plan, (outcome,))},
    }
