"""Effects by instruments: in linear equations, points that reach the outcome only through the treatments.

An instrument stands beside the confounding that it cannot remove. If the equations are linear, what goes together with
the treatment and, but for the treatment, has nothing to do with the outcome tells their effect apart:

>>> from causal.graph import Edge, Graph, Latent, Node
>>> names = ("rain", "coca", "revenue", "war")
>>> links = (Edge("rain", "coca"), Edge("coca", "revenue", lag=1), Edge("war", "rain"), Edge("war", "revenue", lag=1))
>>> graph = Graph(tuple(Node(name) for name in names), links, (Latent("coca", "revenue", lag=1),))
>>> found = instrument(Query(graph, (("coca", -1),), ("revenue", 0), frozenset(names), "total"))
>>> print(found.formula)
cov(rain[-1], revenue[0] | war[-1]) / cov(rain[-1], coca[-1] | war[-1])

**What is true.** Let R be the first edges of the causal paths from the treatments x to the outcome y that meet no other
treatment, and cut the graph at R. Every directed path to y that passes a treatment has a last one, and leaves it by an
edge of R, so that ``y = sum of effect * x + y'``, where y' is what y would be in the cut graph. Points that are no
descendants of R's heads have the same values in either graph. So if z and all of W are such points, and W
m-separates z from y in the cut graph, then ``cov(z, y | W) = sum of effect * cov(z, x | W)``: one equation for each
such z. Of a direct effect R is the edge alone. Nothing else is asked of W: it may hold other effects of x, and z may
come after x. With one treatment, z must not be separated from x by W: z is a *conditional instrument* given W (Pearl
2009, section 7.4; Brito and Pearl 2002). With several, the equations must be independent; they are if in some order
each instrument depends on its own treatment and on none of those whose turn comes later, where the dependence may be
taken given W and the instruments that are older (that subtracts multiples of other equations and changes no
determinant). This is sufficient, not necessary. A treatment may be its own instrument. All of it is generic: some
measure-zero choice of coefficients has a zero in the denominator.

**How it is found.** Whether a *given* z has a set W is a hard question, but if any instrument exists there is one with W
among the ancestors of y and z, and for it the separator nearest to y serves, because it leaves the most open towards x
(van der Zander, Textor and Liskiewicz 2015, IJCAI). For one treatment the answer is therefore complete within
the window; for several the instruments are gathered one by one, nearest first, and not every set is tried.

**How far back.** Every "yes" in a window is right, since the window carries the infinite past. A "no" is given after
`FURTHER` longest lags before the query (`_windows`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from causal.estimand import latex_point
from causal.query import Identification, Query, Refusal, by_age
from causal.separation import ancestors, descendants, name_point, name_points, separator
from causal.unroll import MOST_POINTS, Point, Unrolled, bits, unroll, without

FURTHER = 8
"""By how many times the longest lag the search goes back beyond the query's own periods.

Of 9,700 random queries in graphs of up to nine nodes, half of them unmeasured, every instrument was found within 5 times.
"""

NEAREST = 6
"""Of so many instruments, those nearest to the treatment, the one with fewest points held fixed is reported."""


def instrument(query: Query) -> Identification | Refusal:
    """Instruments through which linear equations identify the effect, or in words that there are none.

    `through` of the answer holds one instrument for each treatment and `given` the points to be held fixed: of
    those nearest to the treatment in the first window that has any, the one with fewest points held fixed. The
    treatments and the outcome are taken to be measured.
    """
    for window in _windows(query):
        scene = _scene(query, window)
        found = _one(scene) if len(query.treatments) == 1 else _several(scene)
        if found is not None:
            return _told(query, scene, *found)
    treated = name_points(query.treatments)
    if len(query.treatments) > 1:
        return Refusal(f"No instruments were found that move {treated} apart and reach the outcome only through them.")
    through = "this edge" if query.kind == "direct" else "it"
    return Refusal(f"No measured point moves {treated} and reaches {name_point(query.outcome)} only through {through}.")


@dataclass(frozen=True, slots=True)
class _Scene:
    """A query in a window: the graph, the graph cut at the treatments' causal edges, and its points as positions or masks.

    `allowed` may be held fixed; `eligible` may be instruments, of several treatments the treatments among them. `above`
    are the ancestors of each point in the cut graph, itself included.
    """

    unrolled: Unrolled
    cut: Unrolled
    treatments: tuple[int, ...]
    outcome: int
    allowed: int
    eligible: int
    above: list[int]


def _windows(query: Query) -> Iterator[int]:
    """The windows to be searched: the query's own periods, and up to `FURTHER` longest lags before them.

    Older points than the query's are connected in the same way in every period. A connection of theirs with the query
    leads over nodes; where it returns to a node that it has met, the part between can be left out and a nearer
    instrument does what the far one did, unless the outcome stands in the way of the nearer ones. The longest lags into
    all nodes, added up, are the most that a connection without return can reach back; where that is nearer, it ends there.
    """
    longest = dict.fromkeys(query.graph.names, 0)
    for edge in query.graph.edges:
        longest[edge.effect] = max(longest[edge.effect], edge.lag)
    for latent in query.graph.latents:
        longest[latent.right] = max(longest[latent.right], latent.lag)
    most = max(query.depth + 1, MOST_POINTS // len(longest))
    lag, reach = query.graph.max_lag, sum(longest.values())
    reaches = sorted({0, *(min(reach, times * lag) for times in (1, 2, 4, FURTHER))})
    yield from dict.fromkeys(min(query.depth + 1 + back, most) for back in reaches)


def _scene(query: Query, window: int) -> _Scene:
    unrolled = unroll(query.graph, window)
    treated, outcome = unrolled.mask(query.treatments), unrolled.index[query.outcome]
    causal = 1 << outcome
    if query.kind == "total":
        # Without the edges into treatments, directed paths from one meet no other.
        proper = without(unrolled, (pair for pair in unrolled.directed if pair[1] in query.treatments))
        causal = descendants(proper, treated) & ancestors(proper, 1 << outcome) & ~treated
    cut = without(
        unrolled,
        (
            (point, unrolled.points[effect])
            for point in query.treatments
            for effect in bits(unrolled.children[unrolled.index[point]] & causal)
        ),
    )
    eligible = unrolled.mask(point for point in unrolled.points if point[0] in query.measured)
    eligible &= ~descendants(unrolled, causal | 1 << outcome)
    allowed = eligible & ~treated
    above: list[int] = []
    for position, causes in enumerate(cut.parents):
        above.append(1 << position)
        for cause in bits(causes):
            above[position] |= above[cause]
    return _Scene(
        unrolled,
        cut,
        tuple(unrolled.index[point] for point in query.treatments),
        outcome,
        allowed,
        eligible if len(query.treatments) > 1 else allowed,
        above,
    )


def _one(scene: _Scene) -> tuple[list[int], int] | None:
    """The best instrument for one treatment and what is held fixed with it."""
    (treatment,) = scene.treatments
    near = sorted(_single(scene, treatment), key=lambda it: _distance(scene, it[0], treatment))[:NEAREST]
    found = [([z], _thinned(scene, [z], front)) for z, front in near]
    return min(found, key=lambda it: it[1].bit_count(), default=None)


def _several(scene: _Scene) -> tuple[list[int], int] | None:
    """One instrument for each treatment, and what is held fixed with all of them."""
    useful = {z for treatment in scene.treatments for z, _ in _single(scene, treatment)}
    pool, ancestral = 0, scene.above[scene.outcome]
    for z in sorted(useful, key=lambda z: min(_distance(scene, z, treatment) for treatment in scene.treatments)):
        # It joins where one set still separates it and all that have joined from the outcome.
        if not _front(scene, ancestral | scene.above[z])[0] & (pool | 1 << z):
            pool |= 1 << z
            ancestral |= scene.above[z]
    front = _front(scene, ancestral)[1]
    for chosen in (_in_turn(scene, pool, front), _by_age(scene, pool, front)):
        if len(chosen) == len(scene.treatments) and _solvable(scene, chosen, front):
            return chosen, _thinned(scene, chosen, front)
    return None


def _single(scene: _Scene, treatment: int) -> Iterator[tuple[int, int]]:
    """Each point that is an instrument for the treatment given the separator nearest to the outcome, and that set."""
    ancestral = scene.above[scene.outcome]
    met, front = _front(scene, ancestral)
    with_treatment = _met(scene.unrolled, 1 << treatment, front)
    for z in bits(scene.eligible):
        added = scene.above[z] & ~ancestral
        if met & (added or 1 << z):
            # The sweep from the outcome runs into the point or what it adds, which may also stop it.
            if not added:
                continue
            met_now, front_now = _front(scene, ancestral | added)
            if not met_now >> z & 1 and _met(scene.unrolled, 1 << treatment, front_now) >> z & 1:
                yield z, front_now
        elif with_treatment >> z & 1:
            yield z, front


def _in_turn(scene: _Scene, pool: int, given: int) -> list[int]:
    """Instruments in an order in which each depends on its own treatment and no later one, as far as there are any."""
    chosen: list[int] = []
    depending = {treatment: _met(scene.unrolled, 1 << treatment, given) & pool for treatment in scene.treatments}
    while depending:
        options: list[tuple[int, int]] = []
        for treatment, points in depending.items():
            for other in depending.keys() - {treatment}:
                points &= ~depending[other]
            options += [(z, treatment) for z in bits(points)]
        if not options:
            break
        z, treatment = min(options, key=lambda it: _distance(scene, *it))
        chosen.append(z)
        del depending[treatment]
    return chosen


def _by_age(scene: _Scene, pool: int, given: int) -> list[int]:
    """For each treatment, the oldest first, the nearest point that depends on it given those chosen before."""
    chosen: list[int] = []
    held = given
    for treatment in sorted(scene.treatments):
        options = _met(scene.unrolled, 1 << treatment, held) & pool & ~held
        if options:
            chosen.append(min(bits(options), key=lambda z: _distance(scene, z, treatment)))
            held |= 1 << chosen[-1]
    return chosen


def _solvable(scene: _Scene, instruments: list[int], given: int) -> bool:
    """Whether the instruments' equations are independent: triangular, given the set or the older instruments too."""
    plain = [0] * len(instruments)
    stepwise = [0] * len(instruments)
    held = given
    for row, z in enumerate(sorted(instruments)):
        for column, treatment in enumerate(scene.treatments):
            plain[row] |= (_met(scene.unrolled, 1 << treatment, given) >> z & 1) << column
            stepwise[row] |= (_met(scene.unrolled, 1 << treatment, held) >> z & 1) << column
        held |= 1 << z
    return _triangular(plain) or _triangular(stepwise)


def _triangular(rows: list[int]) -> bool:
    """Whether the columns can be taken away one by one, each as the only one that is left in some row."""
    left = (1 << len(rows)) - 1
    while left:
        alone = next((row & left for row in rows if (row & left).bit_count() == 1), 0)
        if not alone:
            return False
        left &= ~alone
    return True


def _thinned(scene: _Scene, instruments: list[int], front: int) -> int:
    """A small set that still serves: a minimal separator, one within the set that is known to serve, or that set."""
    left, right = sum(1 << z for z in instruments), 1 << scene.outcome
    for allowed in (scene.allowed, front):
        given = separator(scene.cut, left, right, allowed)
        if given is not None and _solvable(scene, instruments, given):
            return given
    return front


def _front(scene: _Scene, ancestral: int) -> tuple[int, int]:
    """What is met from the outcome in the cut graph if all that is allowed of an ancestral set is held, and what stops.

    The latter is the separator nearest to the outcome of whatever points of the ancestral set are not met.
    """
    held = scene.allowed & ancestral
    met = _met(scene.cut, 1 << scene.outcome, held)
    return met, met & held


def _met(unrolled: Unrolled, start: int, held: int) -> int:
    """The points that an open path reaches given those held, and the held ones at which a path ends (Bayes ball)."""
    opened = ancestors(unrolled, held)
    by_tail, by_head = start, 0
    todo_tail, todo_head = start, 0
    while todo_tail or todo_head:
        tails = heads = 0
        for position in bits(todo_tail & ~held):
            tails |= unrolled.parents[position]
            heads |= unrolled.children[position] | unrolled.spouses[position]
        for position in bits(todo_head & ~held):
            heads |= unrolled.children[position]
        for position in bits(todo_head & opened):
            tails |= unrolled.parents[position]
            heads |= unrolled.spouses[position]
        todo_tail, todo_head = tails & ~by_tail, heads & ~by_head
        by_tail |= todo_tail
        by_head |= todo_head
    return by_tail | by_head


def _distance(scene: _Scene, position: int, treatment: int) -> tuple[int, int, int]:
    """How many periods a point lies from the treatment; of equals the earlier first, and the first in the window."""
    at = scene.unrolled.points[position][1]
    return abs(at - scene.unrolled.points[treatment][1]), at, position


def _told(query: Query, scene: _Scene, instruments: list[int], given: int) -> Identification:
    points = scene.unrolled.points
    through, held = [points[z] for z in sorted(instruments)], scene.unrolled.of_mask(given)
    outcome, treated = query.outcome, query.treatments
    if len(through) == 1:
        (z,), (x,) = through, treated
        formula = f"{_covariance(z, outcome, held)} / {_covariance(z, x, held)}"
        latex = rf"\frac{{{_in_latex(z, outcome, held)}}}{{{_in_latex(z, x, held)}}}"
        moves = "moves" if scene.above[scene.treatments[0]] >> instruments[0] & 1 else "moves with"
        only = "this edge" if query.kind == "direct" else "it"
        why = f"Instrument, for linear equations only: {name_point(z)} {moves} {name_point(x)} and reaches"
        why += f" {name_point(outcome)} only through {only}"
    else:
        effects = [f"b{at + 1}" for at in range(len(treated))]
        named = ", ".join(f"{effect} of {name_point(x)}" for effect, x in zip(effects, treated, strict=True))
        formula = f"the effects {named} that solve " + "; ".join(
            f"{_covariance(z, outcome, held)} = "
            + " + ".join(f"{effect} {_covariance(z, x, held)}" for effect, x in zip(effects, treated, strict=True))
            for z in through
        )
        matrix = r" \\ ".join(" & ".join(_in_latex(z, x, held) for x in treated) for z in through)
        column = r" \\ ".join(_in_latex(z, outcome, held) for z in through)
        latex = rf"\begin{{pmatrix}} {matrix} \end{{pmatrix}}^{{-1}} \begin{{pmatrix}} {column} \end{{pmatrix}}"
        why = f"Instruments, for linear equations only: {name_points(through)} move {name_points(treated)} in different"
        why += f" ways and reach {name_point(outcome)} only through them"
    if held:
        why += f" once {name_points(held)} {'is' if len(held) == 1 else 'are'} held fixed"
    return Identification(
        True,
        "instrument",
        None,
        formula,
        f"{why}.",
        assumes_linear=True,
        latex=latex,
        through=frozenset(through),
        given=held,
    )


def _covariance(one: Point, other: Point, held: frozenset[Point]) -> str:
    fixed = f" | {name_points(held)}" if held else ""
    return f"cov({name_point(one)}, {name_point(other)}{fixed})"


def _in_latex(one: Point, other: Point, held: frozenset[Point]) -> str:
    fixed = r" \mid " + ", ".join(latex_point(point) for point in by_age(held)) if held else ""
    return rf"\operatorname{{cov}}({latex_point(one)}, {latex_point(other)}{fixed})"
