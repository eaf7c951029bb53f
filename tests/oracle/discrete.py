"""Random discrete models of acyclic mixed graphs, by full enumeration: the joint distribution, and the truth of interventions.

Every point is binary, every bidirected edge a three-valued cause of its own. Each point's probability given its causes
is drawn at random, away from 0 and 1, anew at every point: no formula may lean on periods being alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from causal.estimand import STAR, Formula, Probability, Product, Ratio, Sum
from causal.separation import name_point
from causal.unroll import Point, Unrolled, bits


@dataclass(frozen=True)
class Discrete:
    """`tables` hold P(point | causes) by point; dims are the points' names and the latents'."""

    graph: Unrolled
    tables: Mapping[Point, xr.DataArray]
    latents: tuple[xr.DataArray, ...]

    def joint(self, shown: Iterable[Point]) -> xr.DataArray:
        """The joint distribution of the points `shown`, dims their names."""
        return self._product({}, [name_point(point) for point in shown])

    def under(self, do: Mapping[Point, int], outcome: Point) -> xr.DataArray:
        """P(outcome | do(points = values)), dim the outcome's name."""
        return self._product(do, [name_point(outcome)])

    def along(
        self, tables: Mapping[Point, Mapping[Point, int]], do: Mapping[Point, int], outcome: Point
    ) -> xr.DataArray:
        """As `under`, where each point of `tables` sees other values of the treated than the rest."""
        return self._product(do, [name_point(outcome)], tables)

    def _product(
        self, do: Mapping[Point, int], kept: list[str], others: Mapping[Point, Mapping[Point, int]] | None = None
    ) -> xr.DataArray:
        factors = list(self.latents)
        for point, table in self.tables.items():
            if point in do:
                continue
            seen = {**do, **((others or {}).get(point, {}))}
            factors.append(
                table.isel({name_point(held): value for held, value in seen.items() if name_point(held) in table.dims})
            )
        names = list(dict.fromkeys(str(dim) for factor in factors for dim in factor.dims))
        letter = {name: at for at, name in enumerate(names)}
        operands: list[object] = []
        for factor in factors:
            operands += [factor.values, [letter[str(dim)] for dim in factor.dims]]
        values = np.einsum(*operands, [letter[name] for name in kept], optimize="greedy")  # pyright: ignore[reportCallIssue, reportArgumentType]
        return xr.DataArray(values, dims=kept)


def random_model(graph: Unrolled, seed: int) -> Discrete:
    """Random tables for every point of an acyclic mixed graph."""
    generator = np.random.default_rng(seed)
    causes: dict[Point, list[tuple[str, int]]] = {
        point: [(name_point(graph.points[parent]), 2) for parent in bits(graph.parents[position])]
        for position, point in enumerate(graph.points)
    }
    latents: list[xr.DataArray] = []
    for at, (left, right) in enumerate(graph.bidirected):
        latents.append(xr.DataArray(generator.dirichlet(np.full(3, 4.0)), dims=[f"latent {at}"]))
        causes[left].append((f"latent {at}", 3))
        causes[right].append((f"latent {at}", 3))
    tables: dict[Point, xr.DataArray] = {}
    for point, given in causes.items():
        up = generator.uniform(0.1, 0.9, [size for _, size in given])
        tables[point] = xr.DataArray(np.stack([1 - up, up]), dims=[name_point(point), *(name for name, _ in given)])
    return Discrete(graph, tables, tuple(latents))


def value(formula: Formula, joint: xr.DataArray) -> xr.DataArray:
    """The formula's value from the joint distribution of what is measured; dims are the points free in it."""
    match formula:
        case Probability():
            if any(STAR in name for name, _ in formula.of | formula.given):
                plain = Probability(_plain(formula.of), _plain(formula.given))
                names = {
                    name_point((name.rstrip(STAR), at)): name_point((name, at))
                    for name, at in formula.of | formula.given
                }
                return value(plain, joint).rename(names)
            of, given = ([name_point(point) for point in some] for some in (formula.of, formula.given))
            both = joint.sum([dim for dim in joint.dims if dim not in {*of, *given}])
            return both / both.sum(of)
        case Product():
            found = xr.DataArray(1.0)
            for factor in formula.factors:
                found = found * value(factor, joint)
            return found
        case Sum():
            return value(formula.body, joint).sum([name_point(point) for point in formula.over])
        case Ratio():
            return value(formula.above, joint) / value(formula.below, joint)


def _plain(points: Iterable[Point]) -> set[Point]:
    return {(name.rstrip(STAR), at) for name, at in points}
