r"""Formulas: what an effect is in terms of the distribution of what is measured.

A formula is built of conditional probabilities of measured points, products, ratios and sums over points. It is
written as text and as LaTeX, with periods as offsets from now:

>>> w, x, y = ("w", -1), ("x", -1), ("y", 0)
>>> adjusted = summed({w}, product(Probability({y}, {x, w}), Probability({w})))
>>> print(text(adjusted, first=[x]))
sum over w[-1] of P(y[0] | x[-1], w[-1]) P(w[-1])
>>> print(latex(adjusted, first=[x]))
\sum_{w_{t-1}} P(y_{t} \mid x_{t-1}, w_{t-1})\, P(w_{t-1})

A point that a sum binds and that also stands outside of it is primed inside: the front door sums over the treatment's
other values.

>>> door = product(Probability({("m", 0)}, {x}), summed({x}, product(Probability({y}, {("m", 0), x}), Probability({x}))))
>>> print(text(summed({("m", 0)}, door)))
sum over m[0] of P(m[0] | x[-1]) (sum over x'[-1] of P(y[0] | m[0], x'[-1]) P(x'[-1]))

A name with a star, as in ``x*[-1]``, stands for the point at its reference value (`starred`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from causal.separation import name_point
from causal.unroll import Point

STAR = "*"
"""The mark of a point at its reference value; no node's name holds one."""


@dataclass(frozen=True, slots=True, init=False)
class Probability:
    """P(of | given): a conditional distribution of measured points."""

    of: frozenset[Point]
    given: frozenset[Point]
    free: frozenset[Point] = field(repr=False, compare=False)
    size: int = field(repr=False, compare=False)

    def __init__(self, of: Iterable[Point], given: Iterable[Point] = ()) -> None:
        object.__setattr__(self, "of", frozenset(of))
        object.__setattr__(self, "given", frozenset(given))
        object.__setattr__(self, "free", self.of | self.given)
        object.__setattr__(self, "size", 1)


@dataclass(frozen=True, slots=True)
class Product:
    """The product of the factors; none is 1."""

    factors: tuple[Formula, ...]
    free: frozenset[Point] = field(init=False, repr=False, compare=False)
    size: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "free", frozenset[Point]().union(*(factor.free for factor in self.factors)))
        object.__setattr__(self, "size", sum(factor.size for factor in self.factors))


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of `body` over all values of the points `over`."""

    over: frozenset[Point]
    body: Formula
    free: frozenset[Point] = field(init=False, repr=False, compare=False)
    size: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "free", self.body.free - self.over)
        object.__setattr__(self, "size", self.body.size)


@dataclass(frozen=True, slots=True)
class Ratio:
    """`above` divided by `below`."""

    above: Formula
    below: Formula
    free: frozenset[Point] = field(init=False, repr=False, compare=False)
    size: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "free", self.above.free | self.below.free)
        object.__setattr__(self, "size", self.above.size + self.below.size)


type Formula = Probability | Product | Sum | Ratio
"""Of each, `free` are the points whose values its value depends on, and `size` counts the probabilities it is made of."""


def product(*factors: Formula) -> Formula:
    """The product of formulas, products among them opened; a single factor is itself."""
    flat: list[Formula] = []
    for factor in factors:
        flat.extend(factor.factors if isinstance(factor, Product) else (factor,))
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def summed(over: Iterable[Point], body: Formula) -> Formula:
    """The sum over the points, or `body` itself where there are none; the sum of ``P(a, b | c)`` over a is ``P(b | c)``."""
    points = frozenset(over)
    if not points:
        return body
    if isinstance(body, Probability) and points < body.of:
        return Probability(body.of - points, body.given)
    if isinstance(body, Sum) and not points & body.over:
        return Sum(points | body.over, body.body)
    return Sum(points, body)


def starred(formula: Formula, points: AbstractSet[Point]) -> Formula:
    """The formula with the points, where they are free, at their reference values: ``x*[-1]`` for ``x[-1]``."""
    if not points & formula.free:
        return formula
    match formula:
        case Probability():

            def marked(some: frozenset[Point]) -> Iterable[Point]:
                return ((name + STAR, at) if (name, at) in points else (name, at) for name, at in some)

            return Probability(marked(formula.of), marked(formula.given))
        case Product():
            return Product(tuple(starred(factor, points) for factor in formula.factors))
        case Sum():
            return Sum(formula.over, starred(formula.body, points - formula.over))
        case Ratio():
            return Ratio(starred(formula.above, points), starred(formula.below, points))


def text(formula: Formula, first: Iterable[Point] = ()) -> str:
    """The formula in one line; among several points those of `first`, such as the treatments, lead."""
    return _Writer(_TEXT, frozenset(first)).written(formula, {}, formula.free)


def latex(formula: Formula, first: Iterable[Point] = ()) -> str:
    """The formula for LaTeX's mathematics, without dollar signs: ``[0]`` is the subscript t, ``[-1]`` is t-1."""
    return _Writer(_LATEX, frozenset(first)).written(formula, {}, formula.free)


def latex_point(point: Point, primes: int = 0) -> str:
    r"""The point for LaTeX: ``corruption[-1]`` is ``\mathit{corruption}_{t-1}``."""
    name, offset = point
    star = "^{" + "*" * name.count(STAR) + "'" * primes + "}" if STAR in name or primes else ""
    plain = name.replace(STAR, "").replace("_", r"\_")
    symbol = plain if len(plain) == 1 else rf"\mathit{{{plain}}}"
    return f"{symbol}{star}_{{t{offset if offset else ''}}}"


@dataclass(frozen=True, slots=True)
class _Notation:
    point: Callable[[Point, int], str]
    given: str
    times: str
    ratio: Callable[[str, str], str]
    total: Callable[[str], str]
    bracket: tuple[str, str]


def _text_point(point: Point, primes: int) -> str:
    name, offset = point
    return name_point((name + "'" * primes, offset))


_TEXT = _Notation(
    _text_point,
    " | ",
    " ",
    lambda above, below: f"[{above}] / [{below}]",
    lambda over: f"sum over {over} of ",
    ("(", ")"),
)
_LATEX = _Notation(
    latex_point,
    r" \mid ",
    r"\, ",
    lambda above, below: rf"\frac{{{above}}}{{{below}}}",
    lambda over: rf"\sum_{{{over}}} ",
    (r"\Bigl(", r"\Bigr)"),
)


@dataclass(frozen=True, slots=True)
class _Writer:
    how: _Notation
    first: frozenset[Point]

    def written(self, formula: Formula, primes: Mapping[Point, int], outside: AbstractSet[Point]) -> str:
        """`primes` by bound point; `outside` are the points that stand free or bound around this part."""
        how = self.how
        match formula:
            case Probability():
                of = self.listed(formula.of, primes)
                return f"P({of}{how.given}{self.listed(formula.given, primes)})" if formula.given else f"P({of})"
            case Product():
                parts = [self.written(factor, primes, outside) for factor in formula.factors]
                # What a sum binds ends with its bracket.
                return how.times.join(
                    how.bracket[0] + part + how.bracket[1] if isinstance(factor, Sum) else part
                    for factor, part in zip(formula.factors, parts, strict=True)
                )
            case Sum():
                bound = {point: primes.get(point, 0) + 1 if point in outside else 0 for point in formula.over}
                within = {**primes, **bound}
                body = self.written(formula.body, within, outside | formula.over)
                return how.total(self.listed(formula.over, within)) + body
            case Ratio():
                return how.ratio(
                    self.written(formula.above, primes, outside), self.written(formula.below, primes, outside)
                )

    def listed(self, points: Iterable[Point], primes: Mapping[Point, int]) -> str:
        ordered = sorted(points, key=lambda point: (self.rank(point), -point[1], point[0]))
        return ", ".join(self.how.point(point, primes.get(point, 0)) for point in ordered)

    def rank(self, point: Point) -> int:
        return 0 if (point[0].rstrip(STAR), point[1]) in self.first else 1
