"""What an answer rests on: for each edge between an intervention and an outcome, whether the study's data can tell its effect.

An effect that passes through an edge is no better known than that edge. So every answer carries, for each fitted term on a way from what is done to
what is asked for,

- *identified*, or *identified if the equations are linear*;
- *identified only without what the study sets aside*, where the study keeps a part of the graph;
- *not-identified*: the measured columns do not identify it, or the fitted equation does not;
- *prior-driven* (beside one of the first three): the data have hardly narrowed the prior;
- *a road through unmeasured nodes*, of which only the product is fitted;
- *pooled and carried over*, in a fit that `JointFit.scope` made;
- *stated*: an edge that the intervention adds.

These words need one fit. The verdicts of `causal.verdict` weigh three prior sets; where a bundle has a claim for the
edge, its page and its terminal show those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from causal.dist import Normal
from causal.equations import Term
from causal.fit import Fit
from causal.graph import Graph
from causal.identification import identify_edge, single_door
from causal.intervene import AddEdge, Cut, Intervention, Path, Policy, Scale, ScaleEdge, Set, Shift, nodes_named
from causal.model import Model, regressors
from causal.plan import Plan

HARDLY = 0.9
"""Posterior sd over prior sd above which the data have hardly narrowed the prior: less than a fifth of its variance is gone."""


def rests_on(fit: Fit, interventions: Sequence[Intervention], outcomes: Sequence[str] = ()) -> dict[str, str]:
    """What each term on a way from the interventions to the outcomes (without any: to whatever they reach) rests on, by the term's name.

    Where the answer depends on the levels that the interventions meet, the terms that make these levels follow, and say so.
    """
    return told_by(fit.model, interventions, outcomes, lambda term: word_of(fit, term))


def told_by(
    model: Model, interventions: Sequence[Intervention], outcomes: Sequence[str], word: Callable[[Term], str]
) -> dict[str, str]:
    """As `rests_on`, each fitted term by the `word` that is given for it."""
    way = on_the_way(model, interventions, outcomes)
    found = {term.name: word(term) for term in way} | stated(interventions)
    behind = (term for term in behind_levels(model, interventions, way) if term.name not in found)
    return found | {term.name: f"{word(term)}, makes the level that it starts from" for term in behind}


def stated(interventions: Sequence[Intervention]) -> dict[str, str]:
    """What the edges that interventions add rest on, by the edge's name."""
    return {
        each.edge: f"stated with the intervention ({each.effect:g}), not estimated"
        for each in interventions
        if isinstance(each, AddEdge)
    }


def rests_on_text(plan: Plan, outcomes: Sequence[str] = ()) -> str:
    """`rests_on` in one text, for the attributes of an answer: ``edge: word; edge: word``."""
    found = rests_on(plan.fit, plan.interventions, outcomes)
    return "; ".join(f"{name}: {word}" for name, word in found.items())


def on_the_way(model: Model, interventions: Sequence[Intervention], outcomes: Sequence[str] = ()) -> tuple[Term, ...]:
    """The fitted terms on a way from what the interventions act on to the outcomes, or to whatever they reach.

    No way leads into a node that is held everywhere and always.
    """
    held = {
        each.node
        for each in interventions
        if isinstance(each, Set) and each.start is None and each.stop is None and each.units is None
    }
    terms = [term for term in model.system.terms if term.effect not in held]
    starts: set[str] = set()
    goals = set(outcomes or model.system.nodes)
    named: set[str] = set()
    passed: list[tuple[str, str]] = [(term.cause, term.effect) for term in terms]
    for intervention in interventions:
        match intervention:
            case Cut() | ScaleEdge():
                touched = _carrying(model, intervention.edge)
                starts |= {term.effect for term in touched}
                named |= {term.name for term in touched}
            case AddEdge():
                cause, effect = nodes_named(intervention)
                starts.add(effect)
                goals.add(cause)
                passed.append((cause, effect))
            case _:
                starts.add(intervention.node)
                if isinstance(intervention, Policy):
                    goals |= {condition.node for condition in intervention.conditions}
                    passed += [(condition.node, intervention.node) for condition in intervention.conditions]
    below = _closure(passed, starts)
    above = _closure([(effect, cause) for cause, effect in passed], goals)
    return tuple(term for term in terms if (term.cause in below and term.effect in above) or term.name in named)


def behind_levels(model: Model, interventions: Sequence[Intervention], way: Sequence[Term]) -> tuple[Term, ...]:
    """The fitted terms that make the levels which the interventions meet: of nodes that are held, multiplied or watched, of what
    changed edges carry, and of nodes on the `way` whose answer is not in proportion.
    """
    met: set[str] = set()
    for intervention in interventions:
        match intervention:
            case Set() | Path() | Scale():
                met.add(intervention.node)
            case Cut() | ScaleEdge():
                met |= {term.cause for term in _carrying(model, intervention.edge)}
            case AddEdge():
                met.add(nodes_named(intervention)[0])
            case Policy():
                met |= {condition.node for condition in intervention.conditions}
            case Shift():
                pass
    acted = {node for each in interventions for node in nodes_named(each)} & {*model.system.nodes}
    met |= {node for node in (*acted, *(term.effect for term in way)) if model.family(node) != "normal"}
    above = _closure([(term.effect, term.cause) for term in model.system.terms], met)
    return tuple(term for term in model.system.terms if term.effect in above)


def _carrying(model: Model, text: str) -> tuple[Term, ...]:
    """The terms that an edge takes part in."""
    edge = model.graph.edge(text)
    return tuple(
        term for term in model.system.terms if any(step.name == edge.name for road in term.roads for step in road)
    )


def word_of(fit: Fit, term: Term) -> str:
    """What one fitted term rests on."""
    model = fit.model
    if term.name in fit.pooled:
        return f"pooled from {', '.join(fit.pooled[term.name])} and carried over"
    if term.edge is None:
        return road_told(term)
    graph, weights = differing(model, model.graph), tuple(sorted(model.study.weights))
    held = tuple(regressors(model, graph, term.edge))
    found = _identified(graph, term.name, model.study.measured(graph), held, weights)
    if found != "not-identified":
        if model.whole is not None:
            whole = differing(model, model.whole)
            held = tuple(regressors(model, whole, term.edge))
            if _identified(whole, term.name, model.study.measured(whole), held, weights) == "not-identified":
                found = "identified only without what the study sets aside"
        if _prior_driven(fit, term):
            found += ", prior-driven"
    return found


def differing(model: Model, graph: Graph) -> Graph:
    """The graph of what differs between the units of a model's study: `graph` without the nodes that its year effects hold fixed.

    A measured node that is the same in every unit is conditioned on with each period. In the graph as it was it would look like one that
    the fitted equations leave out, or like an instrument.
    """
    held = {*model.study.measured(model.graph)} - {*model.system.nodes}
    return graph.subgraph([name for name in graph.names if name not in held]) if held else graph


def road_told(term: Term) -> str:
    """What a term rests on that is no edge of the graph."""
    road = " + ".join(" -> ".join([step.cause for step in road] + [road[-1].effect]) for road in term.roads)
    return f"a road through unmeasured nodes ({road}), not identified by itself"


@lru_cache(maxsize=4096)
def _identified(
    graph: Graph, edge: str, observed: tuple[str, ...], held: tuple[Any, ...], weights: tuple[str, ...]
) -> str:
    found = identify_edge(graph, edge, observed, weights=weights)
    if not found.identified or not single_door(graph, edge, held):
        return "not-identified"
    return "identified if the equations are linear" if found.assumes_linear else "identified"


def _prior_driven(fit: Fit, term: Term) -> bool:
    """Whether the effect's draws are hardly narrower than its prior."""
    names = [each.name for each in fit.model.system.terms]
    prior = fit.model.term_priors[names.index(term.name)]
    sd = prior.sd if isinstance(prior, Normal) else (prior.high - prior.low) / 12.0**0.5
    return float(np.std(fit.draws("effect")[:, names.index(term.name)])) > HARDLY * sd


def _closure(joined: Sequence[tuple[str, str]], starts: set[str]) -> set[str]:
    reached = set(starts)
    while True:
        more = {after for before, after in joined if before in reached} - reached
        if not more:
            return reached
        reached |= more
