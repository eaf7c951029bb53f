"""What is done, in words: each kind of intervention as the page tells it."""

from __future__ import annotations

from causal.errors import listed
from causal.intervene import (
    AddEdge,
    Condition,
    Cut,
    Intervention,
    Path,
    Policy,
    Scale,
    ScaleEdge,
    Set,
    Shift,
)
from causal.report.words import arrow, counted, label, size
from causal.syntax import read_edge
from priors.read import Bundle


def told_act(bundle: Bundle, act: Intervention) -> str:
    """One intervention as a sentence without its full stop, nodes by their labels."""
    where = f", in {listed([str(unit) for unit in act.units])}" if act.units is not None else ", in every unit"
    if isinstance(act, Path):
        steps = listed([f"{size(value)} in {time}" for time, value in act.values])
        return f"Hold {label(bundle, act.node).lower()} at {steps}{where}"
    span = (f" from {act.start}" if act.start is not None else "") + (f" to {act.stop}" if act.stop is not None else "")
    stays = "what is changed stays to the extent that the node remembers itself"
    match act:
        case Cut():
            told = f"Take away the link {arrow(bundle, bundle.graph.edge(act.edge))}"
        case ScaleEdge():
            told = f"Multiply the link {arrow(bundle, bundle.graph.edge(act.edge))} by {size(act.factor)}"
        case AddEdge():
            edge = read_edge(act.edge)
            lag = "in the same period" if edge.lag == 0 else f"{counted(edge.lag, 'period')} later"
            told = f"Add a link {arrow(bundle, edge)}, {lag}, of {size(act.effect)} for each unit of the cause (stated, not estimated)"
        case Set():
            told = f"Hold {label(bundle, act.node).lower()} at {size(act.value)}"
        case Scale():
            told = f"Multiply {label(bundle, act.node).lower()} by {size(act.factor)} in every period"
        case Policy():
            rule = f" {act.joined} ".join(_rule(bundle, condition) for condition in act.conditions)
            told = f"Add {size(act.shift)} to {label(bundle, act.node).lower()} in every period in which {rule}"
        case Shift():
            told = f"Add {size(act.amount)} to {label(bundle, act.node).lower()} in every period"
    return told + span + where + (f"; {stays}" if isinstance(act, (Shift, Policy, Scale)) else "")


def _rule(bundle: Bundle, condition: Condition) -> str:
    ago = "the period before" if condition.lag == 1 else f"{condition.lag} periods before"
    way = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}[condition.op]
    bound = (
        f"the value below which {size(condition.threshold)} % of its values in the panel lie"
        if condition.quantile
        else size(condition.threshold)
    )
    return f"{label(bundle, condition.node).lower()} {ago} was {way} {bound}"
