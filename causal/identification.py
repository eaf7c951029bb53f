"""What can be answered from what is measured.

An effect is *identified* when the graph and the joint distribution of the measured points fix it, whatever the
unmeasured rest. `identify` says whether, by which strategy, and in words why or why not. Strategies are tried
in the order adjustment, front-door, the ID algorithm, instruments; the first is built, and each of the others
has its place in `_STRATEGIES`.

>>> from causal.graph import Edge, Graph, Node
>>> graph = Graph(
...     tuple(Node(name) for name in ("presence", "illicit", "war")),
...     (
...         Edge("presence", "illicit", lag=1),
...         Edge("war", "presence"),
...         Edge("war", "illicit", lag=1),
...         Edge("war", "war", lag=1),
...         Edge("presence", "presence", lag=1),
...     ),
... )
>>> found = identify(graph, "presence[-1] -> illicit[0]", {"presence", "illicit", "war"})
>>> found.strategy, sorted(found.adjustment)
('adjustment', [('war', -1)])
>>> print(found.formula)
sum over war[-1] of P(illicit[0] | presence[-1], war[-1]) P(war[-1])
>>> print(identify(graph, "presence[-1] -> illicit[0]", {"presence", "illicit"}).why)
The path presence[-1] <- war[-1] -> illicit[0] stays open whatever measured points are held fixed: war[-1] is \
not measured. Front-door, the ID algorithm and instruments are not tried yet.

**Total effects** of one or several points are found by the adjustment criterion, which is complete for
adjustment: the set holds no point on a causal path (other than the treatments) and no descendant of one, and
it blocks every path that is not causal (Shpitser, VanderWeele and Robins 2010; Perkovic, Textor, Kalisch and
Maathuis 2018; searched as in van der Zander, Liskiewicz and Textor 2019).

**Direct effects** are the edge's own coefficient, by the single door: the set holds no descendant of the
outcome and blocks every path but the edge itself (Pearl 2009, theorem 5.3.1). A single-door set gives the
coefficient where the outcome's equation is linear in that cause.

**How far back.** Measured nodes are measured in every period, so the set may reach back as far as need be. The
window grows period by period until a set is found, or until it is certain that none will be: beyond the
question's own periods the graph repeats itself, each further period can only cut connections among the points
at its edge, and once a round of periods cuts none, no later one does (`_search`). Sets are finite: an
effect that only an endless set would identify counts as not identified by adjustment.

**Unit and time effects.** Every query conditions on the unit's own effect and on the period's: a fixed
difference between units, or a shock common to all of them in a period, is a common cause that the model holds
fixed, and it is not drawn in the graph. What differs between units *and* moves in time is not covered: draw
it, as a latent or as an unmeasured node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from causal.errors import CausalError, Fault, nearest, raise_all
from causal.graph import Edge, Graph
from causal.separation import (
    Path,
    ancestors,
    checked_points,
    descendants,
    m_separated,
    measured_names,
    moral_parts,
    name_point,
    name_points,
    open_path,
    separator,
)
from causal.unroll import MOST_POINTS, Pair, Point, Unrolled, bits, unroll, without

type Strategy = Literal["adjustment", "front-door", "id", "instrument"]
type Kind = Literal["total", "direct"]

FURTHEST = 200
"""The oldest period a question may ask about; further back is a slip of the pen."""

_POINT = re.compile(r"\s*(?P<name>\w+)\s*(?:\[\s*(?P<offset>[+-]?[0-9]{1,9})\s*\])?\s*")
_DO = re.compile(r"\s*do\s*\((?P<points>.*)\)\s*")
_HOW = "write it as 'presence[-1] -> illicit[0]' or 'do(presence[-2], presence[-1]) -> illicit[0]'"
_UNTRIED = "Front-door, the ID algorithm and instruments are not tried yet."


@dataclass(frozen=True, slots=True)
class Identification:
    """Whether an effect is identified, and how.

    `strategy` is None where it is not. `adjustment` is a set of points, perhaps empty, with strategy
    "adjustment" and None otherwise. `formula` gives the effect in terms of what is measured and is
    empty only where the effect is not identified; `why` is never empty. `assumes_linear` is True where only linear
    equations identify the effect.
    """

    identified: bool
    strategy: Strategy | None
    adjustment: frozenset[Point] | None
    formula: str
    why: str
    assumes_linear: bool = False


def identify(graph: Graph, query: str, observed: Iterable[str], *, kind: Kind = "total") -> Identification:
    """Whether the effect in `query` is identified when the nodes `observed` are measured.

    `query` is ``presence[-1] -> illicit[0]``, or ``do(presence[-2], presence[-1]) -> illicit[0]`` for a joint
    intervention; offsets are at most 0 and may be left out in a graph without lags. `kind` is "total" (the effect of a
    one-period intervention, along every path) or "direct" (the coefficient of the edge from treatment to
    outcome). `observed` means measured in every period, arbitrarily far back. The query conditions on unit and
    time effects (module docstring).

    An effect that the graph rules out is identified and zero, with an empty set. Where the outcome or a treatment
    is not measured the answer is no, not an error. Raises `CausalError`, with everything that is wrong, for
    unknown names, offsets in the future, an outcome that is also a treatment, a text that is no query, and a direct
    effect of several treatments.
    """
    treatments, outcome, measured = _checked(graph, query, observed, kind)
    return _answer(_Question(graph, treatments, outcome, measured, kind))


def identify_edge(graph: Graph, edge: Edge | str, observed: Iterable[str]) -> Identification:
    """Whether the edge's own coefficient is identified: the direct effect at its lag, on its effect now.

    `edge` is an `Edge` of the graph or its text. Raises `CausalError` where the graph has no such edge.
    """
    found = _edge_of(graph, edge)
    measured = measured_names(graph, observed)
    return _answer(_Question(graph, ((found.cause, -found.lag),), (found.effect, 0), measured, "direct"))


def single_door(graph: Graph, edge: Edge | str, given: Iterable[Point]) -> bool:
    """Whether a regression on the edge's cause and the points `given` has the edge's coefficient.

    `given` are (node, offset) points relative to the edge's effect at offset 0; the cause itself may stand among
    them. True where they hold no descendant of the effect and block every path from the cause to it but the edge
    (the single-door criterion). So it says of a model's own regression of a node on all its measured causes
    whether the edge's effect may be read off it. Raises `CausalError` for an unknown edge or point, offsets in the
    future, and the effect itself in `given`.
    """
    found = _edge_of(graph, edge)
    cause, effect = (found.cause, -found.lag), (found.effect, 0)
    held = checked_points(graph, given, "given") - {cause}
    if effect in held:
        raise CausalError(Fault(f"{name_point(effect)} is the effect itself", where="given", mend="leave it out"))
    window = 1 - min(offset for _, offset in (cause, *held))
    unrolled = unroll(graph, window)
    if descendants(unrolled, unrolled.mask((effect,))) & unrolled.mask(held):
        return False
    return m_separated(without(unrolled, ((cause, effect),)), cause, effect, held)


@dataclass(frozen=True, slots=True)
class _Question:
    graph: Graph
    treatments: tuple[Point, ...]
    outcome: Point
    measured: frozenset[str]
    kind: Kind

    @property
    def depth(self) -> int:
        """How many periods back the oldest point of the question lies."""
        return -min(offset for _, offset in (*self.treatments, self.outcome))

    @property
    def text(self) -> str:
        treated = name_points(self.treatments)
        return f"{treated if len(self.treatments) == 1 else f'do({treated})'} on {name_point(self.outcome)}"


@dataclass(frozen=True, slots=True)
class _Task:
    """A set to be found: it must separate `left` from `right` without the edges `removed`, and avoid `forbidden`."""

    left: tuple[Point, ...]
    right: Point
    removed: tuple[Pair, ...]
    forbidden: frozenset[Point]


def _answer(question: _Question) -> Identification:
    names = dict.fromkeys(name for name, _ in (*question.treatments, question.outcome))
    if unmeasured := [name for name in names if name not in question.measured]:
        verb = "is" if len(unmeasured) == 1 else "are"
        return _not_identified(f"{' and '.join(unmeasured)} {verb} not measured, so no data speak about this effect.")
    if question.kind == "direct":
        return _zero_direct(question) or _single_door(question)
    if zero := _zero_total(question):
        return zero
    reasons: list[str] = []
    for strategy in _STRATEGIES:
        result = strategy(question)
        if isinstance(result, Identification):
            return result
        reasons.append(result)
    return _not_identified(" ".join((*reasons, _UNTRIED)))


def _not_identified(why: str) -> Identification:
    return Identification(False, None, None, "", why)


def _zero_direct(question: _Question) -> Identification | None:
    (cause, at), (effect, now) = question.treatments[0], question.outcome
    if any(edge.cause == cause and edge.lag == now - at for edge in question.graph.parents(effect)):
        return None
    pair = f"{name_point((cause, at))} to {name_point(question.outcome)}"
    why = f"The graph has no edge from {pair}: the direct effect is zero."
    return Identification(True, "adjustment", frozenset(), "0", why)


def _single_door(question: _Question) -> Identification:
    (cause,), effect = question.treatments, question.outcome
    found = _search(question, _Task((cause,), effect, ((cause, effect),), frozenset()))
    if isinstance(found, str):
        return _not_identified(f"{found} Instruments are not tried yet, nor are front-door and the ID algorithm.")
    regressors = ", ".join(name_point(point) for point in (cause, *_by_age(found)))
    return Identification(
        True,
        "adjustment",
        found,
        f"the coefficient of {name_point(cause)} in the regression of {name_point(effect)} on {regressors}",
        f"Single door: {_held(found)} every path from {name_point(cause)} to {name_point(effect)} but the edge itself.",
    )


def _zero_total(question: _Question) -> Identification | None:
    unrolled = unroll(question.graph, question.depth + 1)
    if _on_causal_paths(unrolled, question.treatments, question.outcome):
        return None
    to = name_point(question.outcome)
    why = f"No directed path leads from {name_points(question.treatments)} to {to}: the effect is zero."
    return Identification(True, "adjustment", frozenset(), f"P({to})", why)


def _adjustment(question: _Question) -> Identification | str:
    """By the adjustment criterion, in the graph without the first edge of each causal path."""
    treatments, outcome = question.treatments, question.outcome
    unrolled = unroll(question.graph, question.depth + 1)
    causal = _on_causal_paths(unrolled, treatments, outcome)
    forbidden = unrolled.of_mask(descendants(unrolled, causal))
    removed = tuple(
        (point, unrolled.points[position])
        for point in treatments
        for position in bits(unrolled.children[unrolled.index[point]] & causal)
    )
    found = _search(question, _Task(treatments, outcome, removed, forbidden))
    if isinstance(found, str):
        return found
    why = f"Adjustment: {_held(found)} every path of {question.text} that is not causal"
    why += ", and nothing so held comes after a point on a causal path." if found else "."
    return Identification(True, "adjustment", found, _adjusted(treatments, outcome, found), why)


type _Way = Callable[[_Question], Identification | str]
"""A strategy for total effects: the identification, or in words why it fails."""

_STRATEGIES: tuple[_Way, ...] = (_adjustment,)
"""In the order of preference: adjustment, then front-door, the ID algorithm and instruments once they are built."""


def _adjusted(treatments: tuple[Point, ...], outcome: Point, found: frozenset[Point]) -> str:
    to, treated, held = name_point(outcome), name_points(treatments), name_points(found)
    return f"sum over {held} of P({to} | {treated}, {held}) P({held})" if found else f"P({to} | {treated})"


def _held(found: frozenset[Point]) -> str:
    return f"holding {name_points(found)} fixed blocks" if found else "nothing need be held fixed to block"


def _on_causal_paths(unrolled: Unrolled, treatments: tuple[Point, ...], outcome: Point) -> int:
    """The points on directed paths from a treatment to the outcome that meet no other; the treatments left out."""
    treated = unrolled.mask(treatments)
    forward = 0
    todo = treated
    while todo:
        reached = 0
        for position in bits(todo):
            reached |= unrolled.children[position]
        todo = reached & ~forward & ~treated
        forward |= todo
    backward = todo = unrolled.mask((outcome,))
    while todo:
        reached = 0
        for position in bits(todo):
            reached |= unrolled.parents[position]
        todo = reached & ~backward & ~treated
        backward |= todo
    return forward & backward


def _search(question: _Question, task: _Task) -> frozenset[Point] | str:
    """A minimal set of measured points for the task, near in time, or in words why there is none.

    If a set within a window does, so do all the admissible ancestors of the question's points in it. A longer
    window adds admissible ancestors and so only removes points from what is connected (the moral graph of all
    ancestors, without the admissible ones). Deep enough, the ancestors of each period repeat themselves every
    `period` periods, and how the points of a block of `max_lag` periods are connected through what is older is
    then the same function of how those of the block `period` periods earlier are. That partition can only become
    finer as the window grows; if one more round leaves it as it was, it has its final form, and so has the answer.
    """
    graph = question.graph
    start, period = _repeating(question, task)
    block = range(start, start + max(1, graph.max_lag))
    before: dict[int, object] = {}
    window = question.depth + 1
    while True:
        unrolled = without(unroll(graph, window), task.removed)
        left, right = unrolled.mask(task.left), unrolled.mask((task.right,))
        allowed = _allowed(question, task, unrolled)
        found = separator(unrolled, left, right, allowed)
        if found is not None:
            return unrolled.of_mask(found)
        if window >= block.stop:
            before[window] = _partition(unrolled, ancestors(unrolled, left | right), allowed, block)
            if window - period in before and before[window] == before[window - period]:
                break
        # Before the block is covered every period is tried, for the nearest set; then whole rounds.
        window += 1 if window < block.stop else period
        if window * len(graph.nodes) > MOST_POINTS:
            # Only with long loops of incommensurable lengths; the answer is then for the periods searched.
            window = question.depth + 1
            break
    return _why_not(question, task, window + graph.max_lag)


def _allowed(question: _Question, task: _Task, unrolled: Unrolled) -> int:
    asked = {*task.left, task.right}
    return unrolled.mask(
        point
        for point in unrolled.points
        if point[0] in question.measured and point not in task.forbidden and point not in asked
    )


def _partition(unrolled: Unrolled, ancestral: int, allowed: int, block: range) -> frozenset[frozenset[Point]]:
    """How the ancestral points of a block (periods back) are connected through the block and what is older."""
    older = unrolled.mask(point for point in unrolled.points if -point[1] >= block.start)
    label = moral_parts(unrolled, ancestral & older, allowed)
    parts: dict[int, set[Point]] = {}
    for position, part in label.items():
        if -unrolled.points[position][1] in block:
            parts.setdefault(part, set()).add(unrolled.points[position])
    return frozenset(frozenset(part) for part in parts.values())


def _repeating(question: _Question, task: _Task) -> tuple[int, int]:
    """From how many periods back on, and every how many periods, the sets of ancestors by period repeat themselves."""
    graph = question.graph
    memory = max(1, graph.max_lag)
    unrolled = without(unroll(graph, question.depth + 1), task.removed)
    rank = {name: position for position, name in enumerate(graph.order)}
    by_period = [0] * (question.depth + 1)
    for name, offset in unrolled.of_mask(ancestors(unrolled, unrolled.mask((*task.left, task.right)))):
        by_period[-offset] |= 1 << rank[name]
    causes: dict[int, list[int]] = {lag: [0] * len(rank) for lag in {0, *(edge.lag for edge in graph.edges)}}
    for edge in graph.edges:
        causes[edge.lag][rank[edge.effect]] |= 1 << rank[edge.cause]
    # The removed edges begin no earlier than the question, so that before it the graph's own edges hold.
    seen: dict[tuple[int, ...], int] = {}
    while len(by_period) * len(rank) <= MOST_POINTS:
        state = tuple(by_period[-memory:])
        if state in seen:
            return seen[state], len(by_period) - seen[state]
        seen[state] = len(by_period)
        here = 0
        for lag, masks in causes.items():
            if 0 < lag <= len(by_period):
                here |= _causes_of(masks, by_period[-lag])
        while (grown := here | _causes_of(causes[0], here)) != here:
            here = grown
        by_period.append(here)
    return len(by_period), 1


def _causes_of(masks: list[int], effects: int) -> int:
    found = 0
    for position in bits(effects):
        found |= masks[position]
    return found


def _why_not(question: _Question, task: _Task, window: int) -> str:
    unrolled = without(unroll(question.graph, window), task.removed)
    left, right = unrolled.mask(task.left), unrolled.mask((task.right,))
    held = _allowed(question, task, unrolled) & ancestors(unrolled, left | right)
    path = open_path(unrolled, left, right, held)
    if path is None:
        return "No set of measured points within the periods that can be searched blocks every other path."
    first, last = name_point(path.points[0]), name_point(path.points[-1])
    if len(path.arrows) == 1 and not path.past:
        if path.arrows[0] == "<->":
            return f"{first} and {last} share an unmeasured cause, and nothing measured lies between."
        return f"{last} itself moves {first}, and nothing measured lies between."
    text = f"The path {_shortened(path)} stays open whatever measured points are held fixed"
    return f"{text}: {'; '.join(_openings(question, task, path))}."


def _shortened(path: Path) -> str:
    """The path's text; of a long one both ends."""
    if len(path.arrows) <= 8:
        return str(path)
    first, last = Path(path.points[:5], path.arrows[:4]), Path(path.points[-4:], path.arrows[-3:])
    return f"{first} ... {last}"


def _openings(question: _Question, task: _Task, path: Path) -> Iterator[str]:
    """Why no part of the path can be blocked."""
    for at, arrow in enumerate(path.arrows):
        if arrow == "<->":
            pair = f"{name_point(path.points[at])} and {name_point(path.points[at + 1])}"
            if at in path.past:
                yield f"{pair} share causes further back than any finite set of measured periods reaches"
            else:
                yield f"{pair} share an unmeasured cause"
    unmeasured: list[Point] = []
    moved: list[Point] = []
    colliders: list[Point] = []
    for at, point in enumerate(path.points[1:-1]):
        if path.arrows[at] != "<-" and path.arrows[at + 1] != "->":
            colliders.append(point)
        elif point[0] not in question.measured:
            unmeasured.append(point)
        elif point in task.forbidden:
            moved.append(point)
    if unmeasured:
        yield f"{_few(unmeasured)} {'is' if len(unmeasured) == 1 else 'are'} not measured"
    if moved:
        yield f"{_few(moved)} may not be held fixed, since the treatment moves {'it' if len(moved) == 1 else 'them'}"
    if colliders:
        yield f"holding fixed what other paths need opens it at {_few(colliders)}"


def _few(points: list[Point]) -> str:
    shown = ", ".join(name_point(point) for point in points[:3])
    return shown + (f" and {len(points) - 3} more" if len(points) > 3 else "")


def _by_age(points: Iterable[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (-point[1], point[0]))


def _edge_of(graph: Graph, edge: Edge | str) -> Edge:
    _checked_graph(graph)
    if not isinstance(edge, Edge):
        return graph.edge(edge)
    return graph.edge(edge.name)


def _checked_graph(graph: object) -> None:
    if not isinstance(graph, Graph):
        raise CausalError(Fault(f"expected a Graph, not {type(graph).__name__}", mend="read one with read_graph"))


def _checked(
    graph: Graph, query: object, observed: Iterable[str], kind: object
) -> tuple[tuple[Point, ...], Point, frozenset[str]]:
    """The question's parts; everything that is wrong with it is raised at once."""
    _checked_graph(graph)
    faults: list[Fault] = []
    measured = frozenset[str]()
    treatments, outcome = (), ("", 0)
    if kind not in ("total", "direct"):
        faults.append(Fault(f"no kind of effect {kind!r}", where="kind", mend="one of: total, direct"))
    try:
        treatments, outcome = _parsed(graph, query)
    except CausalError as error:
        faults += error.faults
    try:
        measured = measured_names(graph, observed)
    except CausalError as error:
        faults += error.faults
    if kind == "direct" and len(treatments) > 1:
        faults.append(
            Fault("a direct effect is of one treatment", where=f'"{query}"', mend="ask for one edge at a time")
        )
    raise_all(faults)
    return treatments, outcome, measured


def _parsed(graph: Graph, query: object) -> tuple[tuple[Point, ...], Point]:
    if not isinstance(query, str):
        raise CausalError(Fault(f"a query is a text, not {query!r}", mend=_HOW))
    where = f'"{query}"'
    sides = query.split("->")
    if len(sides) != 2:
        raise CausalError(Fault("is no query: it needs one '->'", where=where, mend=_HOW))
    together = _DO.fullmatch(sides[0])
    if together and not together["points"].strip():
        raise CausalError(Fault("do() names no treatment", where=where, mend=_HOW))
    texts = together["points"].split(",") if together else [sides[0]]
    faults: list[Fault] = []
    points = [_parsed_point(graph, text, where, faults) for text in (*texts, sides[1])]
    raise_all(faults)
    treatments, outcome = points[:-1], points[-1]
    for point in dict.fromkeys(treatments):
        if point == outcome:
            faults.append(
                Fault(f"{name_point(point)} is both treatment and outcome", where=where, mend="ask about another")
            )
        if treatments.count(point) > 1:
            faults.append(Fault(f"{name_point(point)} is a treatment twice", where=where, mend="name it once"))
    raise_all(faults)
    return tuple(treatments), outcome


def _parsed_point(graph: Graph, text: str, where: str, faults: list[Fault]) -> Point:
    match = _POINT.fullmatch(text)
    if match is None:
        faults.append(Fault(f"'{text.strip()}' is no point", where=where, mend=_HOW))
        return "", 0
    name, offset = match["name"], int(match["offset"] or 0)
    if name not in graph.names:
        faults.append(Fault(f"no node '{name}'", where=where, mend=nearest(name, graph.names)))
    elif match["offset"] is None and graph.max_lag:
        faults.append(
            Fault(
                f"'{name}' has no offset, and this graph has lags",
                where=where,
                mend=f"such as '{name}[0]' or '{name}[-1]'",
            )
        )
    if offset > 0:
        faults.append(Fault(f"{name}[{offset}] lies in the future", where=where, mend="offsets are at most 0"))
    elif offset < -FURTHEST:
        faults.append(
            Fault(f"{name}[{offset}] lies further back than {FURTHEST} periods", where=where, mend="ask nearer to now")
        )
    return name, offset
