"""What is asked and what comes back: the text of a query read into points, and the record of an answer.

`x[-1] -> y[0]` asks for a total effect, `do(x[-2], x[-1]) -> y[0]` for that of a joint intervention, and
`x[-2] -> m[-1] -> y[0]` for the part of it that runs over m[-1].

>>> from causal.graph import Edge, Graph, Node
>>> graph = Graph((Node("x"), Node("y")), (Edge("x", "y", lag=1),))
>>> query = read_query(graph, "do(x[-2], x[-1]) -> y[0]", {"x", "y"})
>>> query.treatments, query.outcome, query.depth
((('x', -2), ('x', -1)), ('y', 0), 2)

**Unit and time effects.** Every query conditions on the unit's own effect and on the period's: a fixed
difference between units, or a shock common to all of them in a period, is a common cause that the model holds
fixed, and it is not drawn in the graph. What differs between units *and* moves in time is not covered: draw
it, as a latent or as an unmeasured node.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from causal.errors import CausalError, Fault, nearest, raise_all
from causal.estimand import Formula
from causal.graph import Graph
from causal.separation import Path, measured_names, name_point, name_points
from causal.unroll import Point

type Strategy = Literal["adjustment", "front-door", "id", "instrument"]
type Kind = Literal["total", "direct"]

FURTHEST = 200
"""The oldest period a query may ask about; further back is a slip of the pen."""

_POINT = re.compile(r"\s*(?P<name>\w+)\s*(?:\[\s*(?P<offset>[+-]?[0-9]{1,9})\s*\])?\s*")
_DO = re.compile(r"\s*do\s*\((?P<points>.*)\)\s*")
_HOW = "write it as 'presence[-1] -> illicit[0]' or 'do(presence[-2], presence[-1]) -> illicit[0]'"


@dataclass(frozen=True, slots=True)
class Identification:
    """Whether an effect is identified, and how.

    `strategy` is None where it is not. `adjustment` is a set of points, perhaps empty, with strategy
    "adjustment" and None otherwise. `formula` gives the effect in terms of what is measured (`latex` the same in
    LaTeX, `estimand` as a record where it is made of probabilities) and is empty only where the effect is not
    identified; `why` is never empty. `assumes_linear` is True where
    only linear equations identify the effect.

    `through` holds the mediators of a front door or the instruments, `given` what is held fixed beside them. Of an
    effect that is not identified, `path` is one that no measured points block and `hedge` the
    points that unmeasured causes tie together so that no formula takes them apart (Shpitser and Pearl 2006).
    """

    identified: bool
    strategy: Strategy | None
    adjustment: frozenset[Point] | None
    formula: str
    why: str
    assumes_linear: bool = False
    latex: str = ""
    through: frozenset[Point] = frozenset()
    given: frozenset[Point] = frozenset()
    path: Path | None = None
    hedge: frozenset[Point] = frozenset()
    estimand: Formula | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a strategy fails, in words (full sentences), and what shows it."""

    why: str
    path: Path | None = None
    hedge: frozenset[Point] = frozenset()


@dataclass(frozen=True, slots=True)
class Query:
    """An effect of `treatments` on `outcome` in `graph`, asked with the nodes `measured`, in every period.

    With `through` it is the part of the effect that runs along the directed paths over these points, in their order.
    """

    graph: Graph
    treatments: tuple[Point, ...]
    outcome: Point
    measured: frozenset[str]
    kind: Kind
    through: tuple[Point, ...] = ()

    @property
    def depth(self) -> int:
        """How many periods back the oldest point of the query lies."""
        return -min(offset for _, offset in (*self.treatments, self.outcome))

    @property
    def text(self) -> str:
        """The effect in words: ``presence[-1] on illicit[0]``."""
        treated = name_points(self.treatments)
        return f"{treated if len(self.treatments) == 1 else f'do({treated})'} on {name_point(self.outcome)}"


def read_query(graph: Graph, query: object, observed: Iterable[str], kind: Kind = "total") -> Query:
    """The query of a text such as ``presence[-1] -> illicit[0]``; everything that is wrong with it is raised at once."""
    checked_graph(graph)
    faults: list[Fault] = []
    measured = frozenset[str]()
    treatments, through, outcome = (), (), ("", 0)
    if kind not in ("total", "direct"):
        faults.append(Fault(f"no kind of effect {kind!r}", where="kind", mend="one of: total, direct"))
    try:
        treatments, through, outcome = _parsed(graph, query)
    except CausalError as error:
        faults += error.faults
    try:
        measured = measured_names(graph, observed)
    except CausalError as error:
        faults += error.faults
    else:
        if not measured:
            faults.append(Fault("no node is measured", where="observed", mend="name those that the data hold"))
    if through and (kind == "direct" or len(treatments) > 1):
        faults.append(
            Fault("an effect along paths is the total effect of one treatment", f'"{query}"', "ask for one at a time")
        )
    elif kind == "direct" and len(treatments) > 1:
        faults.append(
            Fault("a direct effect is of one treatment", where=f'"{query}"', mend="ask for one edge at a time")
        )
    raise_all(faults)
    return Query(graph, treatments, outcome, measured, kind, through)


def checked_graph(graph: object) -> None:
    """`CausalError` for what is no Graph."""
    if not isinstance(graph, Graph):
        raise CausalError(Fault(f"expected a Graph, not {type(graph).__name__}", mend="read one with read_graph"))


def by_age(points: Iterable[Point]) -> list[Point]:
    """The points, the latest first and in alphabetical order within a period."""
    return sorted(points, key=lambda point: (-point[1], point[0]))


def _parsed(graph: Graph, query: object) -> tuple[tuple[Point, ...], tuple[Point, ...], Point]:
    if not isinstance(query, str):
        raise CausalError(Fault(f"a query is a text, not {query!r}", mend=_HOW))
    where = f'"{query}"'
    sides = query.split("->")
    if len(sides) < 2:
        raise CausalError(Fault("is no query: it needs a '->'", where=where, mend=_HOW))
    together = _DO.fullmatch(sides[0])
    if together and not together["points"].strip():
        raise CausalError(Fault("do() names no treatment", where=where, mend=_HOW))
    texts = together["points"].split(",") if together else [sides[0]]
    faults: list[Fault] = []
    points = [_parsed_point(graph, text, where, faults) for text in (*texts, *sides[1:])]
    raise_all(faults)
    treatments, through, outcome = points[: len(texts)], points[len(texts) : -1], points[-1]
    for point in dict.fromkeys(treatments):
        if point == outcome:
            faults.append(
                Fault(f"{name_point(point)} is both treatment and outcome", where=where, mend="ask about another")
            )
        if treatments.count(point) > 1:
            faults.append(Fault(f"{name_point(point)} is a treatment twice", where=where, mend="name it once"))
    for point in dict.fromkeys(through):
        if point in treatments or point == outcome or through.count(point) > 1:
            faults.append(Fault(f"{name_point(point)} stands twice on the path", where, "name each point once"))
    raise_all(faults)
    return tuple(treatments), tuple(through), outcome


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
