"""How often the verdicts are wrong: worlds of which the truth is known, judged as the page judges.

For a claim and a study that identifies it (under the graph that the study keeps) worlds are drawn on the study's own design: its units, periods and holes,
its measured equations, with every effect and shock but the claim's a draw from the fit of the real data under the wide prior. What the claim's effect is
there, and what else is true that the model does not know, is the world's *kind* (`KINDS`). Each world is fitted under the three prior sets of the
bundle and judged with the standard checks, by `causal.verdict.judge`, as on the page.

Two kinds need no draw of chance to be wrong: a declared common cause must give *not-identified*, which is asked of `causal.identification`. In
*drawn* worlds the effect itself is a draw from the sceptical prior, so that the sceptical posterior's P(sign) must be calibrated: of the
effects to which it gives .8, eight in ten must be positive.

Worlds have no unit and year effects: both are swept out of every fit exactly, so that they would change nothing but the filling of holes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.analysis import prior_sets
from causal.checks import check_sets
from causal.claim import Claim, Ledger, Source
from causal.dist import Normal
from causal.equations import Floats, companion
from causal.errors import CausalError, Fault, no_such, raise_all
from causal.fit import Fit, fingerprint, fit, settings_of
from causal.graph import Graph, Latent, Sign
from causal.identification import identify_edge, single_door
from causal.joint import build_model
from causal.measurement import within_unit_sd
from causal.model import Model, Priors, regressors
from causal.netcdf import write_whole
from causal.panel import Panel, Study, checksum
from causal.refits import fit_many, seed_of
from causal.rests import differing
from causal.verdict import LEVELS, PRIOR_SETS, Verdict, judge
from priors.read import Bundle

if TYPE_CHECKING:
    from distributed import Client

DRAWS, CHAINS = 2000, 2
"""As many draws in all as a report takes: with fewer, sampled missing values look unconverged, and worlds are withheld that the page would judge."""
BINS = 10
KEPT = "validation.json"
"""The file of a bundle in which its rates are kept."""
_BURN_IN = 100
_ROUNDS = 4
_STABLE = 0.97
"""A draw of the effects whose spectral radius is above this is not taken for a world: its panel would run away."""

_AT_ONCE = 20
"""So many worlds are drawn, fitted, judged and kept at a time."""

Told = Callable[[str, int, int], None]
"""Called with what is being done, the finished worlds and all of them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of world. `effect`: of the claim, in smallest effects d, as claimed where positive; None where it is drawn.

    `hidden`: what is true and the model does not know. `wrong`: the words that are mistakes there; `right`: those that are hits.
    """

    name: str
    told: str
    effect: float | None
    hidden: str = ""
    wrong: tuple[str, ...] = ("supported", "contradicted")
    right: tuple[str, ...] = ()


KINDS = (
    Kind("true", "the effect is as claimed, twice the smallest of interest", 2.0, "", ("contradicted", "negligible"), ("supported",)),
    Kind("null", "there is no effect", 0.0),
    Kind("reversed", "the effect goes the other way, twice the smallest of interest", -2.0, "", ("supported",), ("contradicted",)),
    Kind("tiny", "the effect is half the smallest of interest", 0.5),
    Kind("drawn", "the effect is drawn from the sceptical prior", None, "", (), ()),
    Kind("confounded", "no effect, and a common cause that the graph declares", 0.0, "declared", ("supported", "contradicted"), ("not-identified",)),
    Kind("hidden cause", "no effect, and a lasting common cause that moves both as if the claim held and that the graph does not know", 0.0, "common cause"),
    Kind("wrong lag", "the effect comes one period later than the graph says", 0.0, "later"),
    Kind("heavy tails", "no effect, and shocks of a Student t with 3 degrees of freedom", 0.0, "tails"),
    Kind("unit slopes", "effects that differ between units around none", 0.0, "slopes"),
    Kind("mis-measured", "no effect, and errors of measurement that cause and outcome share in part, as if the claim held", 0.0, "errors"),
)  # fmt: skip
HIDDEN = {"memory": 0.7, "reach": 0.7, "slope_sd": 2.0, "error_sd": 0.3, "shared": 0.5}
"""What the hidden is like: the common cause's memory, and its reach in shock sd of either node; the sd of unit slopes in d; errors' sd in within-unit
sd, and the share of their variance that is common."""


@dataclass(frozen=True)
class Rate:
    """One row: of `worlds` worlds of a kind, how many got each word. `wrong` and its 95 % interval (Clopper and Pearson), `hit` likewise.

    `supported_by_draws` counts worlds whose posterior alone would be *supported*; `withheld` those of them that a check kept from the word, and `warned` those
    that carry a warning or are withheld. `wrong_warned` counts wrong words beside which a failed check or a warning stands. `could_find`: the share of
    worlds whose study could have found twice the smallest effect with probability .8.
    """

    study: str
    claim: str
    kind: str
    worlds: int
    words: Mapping[str, int]
    wrong: float
    wrong_low: float
    wrong_high: float
    hit: float
    hit_low: float
    hit_high: float
    supported_by_draws: int
    withheld: int
    warned: int
    wrong_warned: int
    could_find: float | None


@dataclass(frozen=True)
class Bin:
    """Of `count` drawn worlds whose P(b > 0) lies between `low` and `high`: their mean P, and the share in which b > 0."""

    low: float
    high: float
    count: int
    mean: float
    positive: float


@dataclass(frozen=True)
class Validation:
    """All rates of a bundle, the calibration of P(sign) over its drawn worlds, the claims that no world was drawn for, and why.

    `of` is a digest of the bundle's claims, studies and data, so that a table of other claims is known for what it is.
    """

    of: str
    worlds: int
    seed: int
    rates: tuple[Rate, ...]
    calibration: tuple[Bin, ...]
    left_out: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The record as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Design:
    """One claim in one study: the model of the real data and its fit, the claim with its graph, and the three prior sets on that graph."""

    claim: Claim
    model: Model
    fit: Fit
    priors: Mapping[str, Priors]

    @property
    def graph(self) -> Graph:
        """What the study keeps, without what is the same in every unit: year effects hold that fixed, and worlds have none of it."""
        return differing(self.model, self.model.graph)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a world: its word; whether its draws alone would be *supported*, whether a check failed or warned, and whether its study was `able`
    to find twice the smallest effect; P(s b > 0) under the sceptical prior, and the true effect.
    """

    word: str
    by_draws: bool
    failed: bool
    warned: bool
    able: bool
    sign: float
    truth: float


def validate(
    bundle: Bundle,
    *,
    worlds: int = 100,
    seed: int = 1,
    kinds: Sequence[str] | None = None,
    store: Path | None = None,
    cluster: str | Client | None = None,
    told: Told | None = None,
) -> Validation:
    """Draw `worlds` worlds of each kind for every claim that a study identifies, and judge them.

    `kinds`: names of `KINDS`; all by default. `store`: a folder that keeps what became of the worlds, some at a time, so that an interrupted run is gone on
    with; `cluster` as in `causal.refits.fit_many`. Raises `CausalError` for an unknown kind, and where no claim is identified by a study of Normal nodes.
    """
    if not isinstance(bundle, Bundle):
        raise CausalError(no_such(bundle, "bundle", "read one with priors.read.read_bundle"))
    chosen = _chosen(kinds)
    designs, left_out = _designs(bundle, seed, store)
    if not designs:
        why = "; ".join(f"{claim}: {reason}" for claim, reason in list(left_out.items())[:3])
        mend = (
            "bring a study that identifies a claim; a declared common cause needs no world: its claim is not-identified"
        )
        raise CausalError(Fault(f"no claim to draw worlds for ({why})", mend=mend))
    rates: list[Rate] = []
    pairs: list[tuple[float, float]] = []
    for place, design in enumerate(designs):
        for kind in chosen:
            at = f"{design.claim.key} in {design.model.study.name}, {kind.name}"
            if kind.hidden == "declared":
                rates.append(_declared(design, kind, worlds))
                continue
            outcomes: list[_Outcome] = []
            for first in range(0, worlds, _AT_ONCE):
                some = [
                    _world(design, kind, [seed, place, KINDS.index(kind), k])
                    for k in range(first, min(first + _AT_ONCE, worlds))
                ]
                outcomes += _judged(design, some, seed_of(seed, first), store, cluster)
                if told is not None:
                    told(at, len(outcomes), worlds)
            rates.append(_rate(design, kind, outcomes))
            if kind.effect is None:
                sign = _sign(design.claim)
                pairs += [(1.0 - each.sign if sign < 0 else each.sign, each.truth) for each in outcomes]
    return Validation(_digest(bundle), worlds, seed, tuple(rates), calibration(pairs), left_out)


def calibration(pairs: Sequence[tuple[float, float]]) -> tuple[Bin, ...]:
    """Bins of equal width of (P(b > 0), b); empty ones are left out."""
    found: list[Bin] = []
    for k in range(BINS):
        low, high = k / BINS, (k + 1) / BINS
        inside = [(p, b) for p, b in pairs if low <= p < high or (k == BINS - 1 and p == high)]
        if inside:
            chance = float(np.mean([p for p, _ in inside]))
            found.append(Bin(low, high, len(inside), chance, float(np.mean([b > 0.0 for _, b in inside]))))
    return tuple(found)


def keep(validation: Validation, bundle: Bundle) -> Path:
    """Write the rates beside the bundle's files, where the page looks for them. Raises `CausalError` where that cannot be written."""
    path = bundle.folder / KEPT
    text = json.dumps(validation.as_dict(), indent=1, allow_nan=False) + "\n"
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
    return path


def kept(bundle: Bundle) -> Validation | None:
    """The rates that were kept with a bundle; None without any. Raises `CausalError` where the file holds something else."""
    path = bundle.folder / KEPT
    if not path.is_file():
        return None
    from pydantic import TypeAdapter, ValidationError

    mend = "make it anew: causal validate --keep"
    try:
        found = TypeAdapter(Validation).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        what = f"is not a table of error rates ({type(error).__name__})"
        raise CausalError(Fault(what, str(path), mend)) from None
    unknown = sorted({rate.kind for rate in found.rates} - {kind.name for kind in KINDS})
    raise_all(Fault(f"has worlds of an unknown kind, '{kind}'", str(path), mend) for kind in unknown)
    return found


def is_of(validation: Validation, bundle: Bundle) -> bool:
    """Whether the rates were made with these claims and studies."""
    return validation.of == _digest(bundle)


def _digest(bundle: Bundle) -> str:
    found = hashlib.sha256()
    for name in ("claims.toml", "studies.toml"):
        found.update((bundle.folder / name).read_bytes())
    for study in bundle.studies:
        found.update(checksum(study).encode())
    return found.hexdigest()[:16]


def _chosen(kinds: Sequence[str] | None) -> tuple[Kind, ...]:
    if kinds is None:
        return KINDS
    names = [kind.name for kind in KINDS]
    unknown = [name for name in kinds if name not in names]
    if unknown:
        raise CausalError(
            *(Fault(f"no kind of world '{name}'", "kinds:", f"take of: {', '.join(names)}") for name in unknown)
        )
    return tuple(kind for kind in KINDS if kind.name in kinds)


def _designs(bundle: Bundle, seed: int, store: Path | None) -> tuple[list[_Design], dict[str, str]]:
    """Every claim with a study that identifies it under what it keeps, one claim an edge; and why the others have none."""
    sets = prior_sets(bundle)
    found: list[_Design] = []
    left_out: dict[str, str] = {}
    for claim in bundle.ledger.claims:
        edge = claim.edge
        if edge is None:
            left_out[claim.key] = "no edge holds it"
            continue
        reasons: list[str] = []
        for study in bundle.studies:
            if not {edge.cause, edge.effect} <= set(study.measured(bundle.graph)):
                continue
            if any(each.claim.edge == edge and each.model.study.name == study.name for each in found):
                reasons.append(f"{study.name}: as the earlier claim on this edge")
                continue
            model = build_model(bundle.graph, study, sets["wide"])
            graph = differing(model, model.graph)
            why = _unable(model, graph, claim)
            if why:
                reasons.append(f"{study.name}: {why}")
                continue
            priors = {name: _restricted(each, graph) for name, each in sets.items()}
            real = fit(model, seed=seed, allow_unconverged=True, store=store)
            found.append(_Design(claim, model, real, priors))
        if not any(each.claim is claim for each in found):
            left_out[claim.key] = "; ".join(reasons) or "no study measures both of its nodes"
    return found, left_out


def _unable(model: Model, graph: Graph, claim: Claim) -> str:
    edge = claim.edge
    assert edge is not None
    if model.cells or model.design.noise is not None or model.design.weights is not None:
        return "worlds are drawn for Normal nodes without errors and without effects across units"
    if model.design.crossed is not None:
        return "its rows stay in a data engine"
    if edge.name not in [term.name for term in model.system.terms if term.edge is not None]:
        return "its equations do not carry the edge by itself"
    if not identify_edge(graph, edge, model.system.nodes).identified:
        return "not identified"
    if not single_door(graph, edge, regressors(model, graph, edge)):
        return "its equation holds points fixed that leave a path open"
    return ""


def _restricted(priors: Priors, graph: Graph) -> Priors:
    kept = {edge.name for edge in graph.edges}
    return Priors({name: prior for name, prior in priors.effects.items() if name in kept}, name=priors.name)


def _sign(claim: Claim) -> float:
    return -1.0 if claim.edge is not None and claim.edge.sign is Sign.NEGATIVE else 1.0


# Worlds


def _world(design: _Design, kind: Kind, seeds: Sequence[int]) -> tuple[Panel, float]:
    """A panel of the kind, columns named by node, and the claim's true effect on the panel's own standard scale."""
    import pandas as pd

    model, claim = design.model, design.claim
    assert claim.edge is not None
    system, shape = model.system, model.design.standard.shape
    generator = np.random.default_rng(seeds)
    place = next(k for k, term in enumerate(system.terms) if term.name == claim.edge.name)
    row, column = (int(each[place]) for each in system.positions())
    cause = column % len(system.nodes)
    prior = design.priors["sceptical"].of(design.graph)[claim.edge.name]
    assert isinstance(prior, Normal)
    size = (
        float(generator.normal(prior.mean, prior.sd))
        if kind.effect is None
        else _sign(claim) * kind.effect * claim.smallest_effect
    )
    matrix, spread = _truth(design, (row, column), size, generator)
    later = _sign(claim) * 2.0 * claim.smallest_effect if kind.hidden == "later" else 0.0
    values, scale = np.zeros(shape), 1.0
    # The standard scale is the panel's own, which the effect moves: a few rounds with the same chance settle it.
    for _ in range(_ROUNDS):
        matrix[row, column] = size * scale
        chance = np.random.default_rng([*seeds, 1])
        values = _simulated(design, kind, matrix, spread, (row, column), later * scale, scale, chance)
        values = np.where(np.isnan(model.design.standard), np.nan, values)
        scale = within_unit_sd(values[row]) / within_unit_sd(values[cause])
    panel = model.study.panel
    frame = pd.DataFrame(
        {
            "unit": np.repeat([str(panel.units[k]) for k in model.design.units], shape[2]),
            "time": np.tile(np.arange(shape[2]), shape[1]),
            **{node: values[k].ravel() for k, node in enumerate(system.nodes)},
        }
    )
    return Panel.from_frame(frame, unit="unit", time="time"), size


def _truth(
    design: _Design, edge: tuple[int, int], effect: float, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """``[B0, B1, ...]`` and the shocks' square root of a draw of the real fit that is stable with the claim's `effect` in it."""
    model, found = design.model, design.fit
    effects, sds = found.draws("effect"), found.draws("shock_sd")
    rows, columns = model.system.positions()
    size = len(model.system.nodes)
    for draw in generator.permutation(len(effects)):
        matrix = np.zeros((size, model.system.width))
        matrix[rows, columns] = effects[draw]
        matrix[edge] = effect
        if np.abs(np.linalg.eigvals(companion(matrix, size))).max() < _STABLE or not model.system.lags:
            loading = np.zeros((size, size))
            if model.loadings:
                for (row, column), value in zip(model.loadings, found.draws("shock_loading")[draw], strict=True):
                    loading[row, column] = value
            return matrix, np.linalg.inv(np.eye(size) - loading) * sds[draw]
    what = f"every draw of study '{model.study.name}' is explosive or nearly so: no world can be drawn from it"
    raise CausalError(Fault(what, mend="take a study whose series settle, or difference its columns"))


def _simulated(
    design: _Design,
    kind: Kind,
    matrix: Floats,
    spread: Floats,
    edge: tuple[int, int],
    later: float,
    scale: float,
    generator: np.random.Generator,
) -> Floats:
    """Values (node, unit, time); nodes without an equation are the real ones. `later`: an effect one period after that of `edge`."""
    model = design.model
    system = model.system
    size, units, times = model.design.standard.shape
    sign = _sign(design.claim)
    lags, total = system.lags, _BURN_IN + times
    caused = np.isin(system.nodes, [term.effect for term in system.terms])
    shock = generator.normal(size=(total, units, size))
    if kind.hidden == "tails":
        shock *= np.sqrt(1.0 / generator.chisquare(3, size=(total, units, 1)))  # t3 has variance 3
    shock = shock @ spread.T
    row, column = edge
    cause, lag = column % size, column // size
    slopes = np.zeros(units)
    if kind.hidden == "slopes":
        slopes = HIDDEN["slope_sd"] * design.claim.smallest_effect * generator.normal(size=units)
        slopes -= slopes.mean()
    moved = np.zeros((total, units))
    if kind.hidden == "common cause":
        for t in range(1, total):
            moved[t] = HIDDEN["memory"] * moved[t - 1] + (1.0 - HIDDEN["memory"] ** 2) ** 0.5 * generator.normal(
                size=units
            )
    reach = HIDDEN["reach"] * np.sqrt(np.diagonal(spread @ spread.T))
    real = np.nan_to_num(model.design.filled - np.nanmean(model.design.standard, axis=2, keepdims=True))
    now = np.linalg.inv(np.eye(size) - matrix[:, :size])
    values = np.zeros((total, units, size))
    for t in range(total):
        past = shock[t].copy()
        for each in range(1, lags + 1):
            if t >= each:
                past += values[t - each] @ matrix[:, each * size : (each + 1) * size].T
        if kind.hidden == "common cause":
            past[:, row] += sign * reach[row] * moved[max(t - lag, 0)]
            past[:, cause] += reach[cause] * moved[t]
        if lag and t >= lag:
            past[:, row] += scale * slopes * values[t - lag][:, cause]
        if later and t > lag:
            past[:, row] += later * values[t - lag - 1][:, cause]
        past[:, ~caused] = 0.0
        if t >= _BURN_IN:
            past[:, ~caused] = real[~caused, :, t - _BURN_IN].T
            if kind.hidden == "common cause" and not caused[cause]:
                past[:, cause] += HIDDEN["reach"] * moved[t]
        values[t] = past @ now.T
        if not lag:
            values[t][:, row] += scale * slopes * values[t][:, cause]
    found = np.ascontiguousarray(values[_BURN_IN:].transpose(2, 1, 0))
    if kind.hidden == "errors":
        common = generator.normal(size=(units, times))
        for node in dict.fromkeys((cause, row)):
            own = generator.normal(size=(units, times))
            way = sign if node == row else 1.0
            error = way * HIDDEN["shared"] ** 0.5 * common + (1.0 - HIDDEN["shared"]) ** 0.5 * own
            found[node] += HIDDEN["error_sd"] * within_unit_sd(found[node]) * error
    return found


# Verdicts


def _judged(
    design: _Design, worlds: Sequence[tuple[Panel, float]], seed: int, store: Path | None, cluster: str | Client | None
) -> list[_Outcome]:
    """What becomes of worlds, from the store where they were judged before by the code that there is now."""
    graph, claim = design.graph, design.claim
    assert claim.edge is not None
    own = Ledger(Source("a simulated world"), (claim,))
    models = [
        build_model(
            graph,
            Study(panel, name=design.model.study.name),
            design.priors[name],
            year_effects=design.model.year_effects,
        )
        for panel, _ in worlds
        for name in PRIOR_SETS
    ]
    place = None if store is None else store / f"{_judged_as(models, claim, seed)}.json"
    if place is not None and place.is_file():
        from pydantic import TypeAdapter

        with suppress(OSError, ValueError):  # a broken file is made anew
            kept = TypeAdapter(list[_Outcome]).validate_json(place.read_bytes(), strict=True)
            if len(kept) == len(worlds):
                return kept
    fits = fit_many(models, seed=seed, draws=DRAWS, chains=CHAINS, cluster=cluster, allow_unconverged=True)
    sets = [dict(zip(PRIOR_SETS, some, strict=True)) for some in batched(fits, len(PRIOR_SETS))]
    identification = {claim.key: identify_edge(graph, claim.edge, design.model.system.nodes)}

    def one(found: dict[str, Fit], truth: float) -> _Outcome:
        (verdict,) = judge(own, found, identification, check_sets(found))
        return _outcome(verdict, truth)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        outcomes = list(pool.map(one, sets, [truth for _, truth in worlds]))
    if place is not None:
        text = json.dumps([asdict(each) for each in outcomes])
        write_whole(place, lambda part: part.write_text(text, encoding="utf-8"))
    return outcomes


def _judged_as(models: Sequence[Model], claim: Claim, seed: int) -> str:
    """A hash of everything that the outcomes depend on: what is fitted, what is claimed and the package's code."""
    settings = settings_of(models[0], seed=seed, draws=DRAWS, chains=CHAINS)
    described = [fingerprint(model, settings) for model in models]
    return hashlib.sha256("".join([*described, repr(claim), _code()]).encode()).hexdigest()[:32]


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _outcome(verdict: Verdict, truth: float) -> _Outcome:
    finding = verdict.findings[0]
    estimates = {each.prior_set: each for each in finding.estimates}
    return _Outcome(
        verdict.verdict,
        all(estimates[name].as_claimed >= level for name, level in LEVELS.items()),
        bool(finding.failed_checks),
        bool(finding.warnings),
        finding.smallest_found is not None and finding.smallest_found <= 2.0 * verdict.smallest_effect,
        estimates["sceptical"].sign,
        truth,
    )


def _declared(design: _Design, kind: Kind, worlds: int) -> Rate:
    """What becomes of the claim where the graph declares a common cause: no draw is needed, since no word but one is possible."""
    edge, graph = design.claim.edge, design.graph
    assert edge is not None
    latent = Latent(edge.cause, edge.effect, edge.lag)
    latents = graph.latents if latent in graph.latents else (*graph.latents, latent)
    known = replace(graph, latents=latents)
    found = identify_edge(known, edge, design.model.system.nodes)
    held = regressors(design.model, graph, edge)
    word = "supported" if found.identified and single_door(known, edge, held) else "not-identified"
    return _row(design, kind, Counter({word: worlds}))


def _rate(design: _Design, kind: Kind, outcomes: Sequence[_Outcome]) -> Rate:
    supported = [each for each in outcomes if each.by_draws]
    withheld = sum(each.failed for each in supported)
    warned = sum(each.failed or each.warned for each in supported)
    told = sum(each.word in kind.wrong and (each.failed or each.warned) for each in outcomes)
    able = sum(each.able for each in outcomes) / len(outcomes)
    return _row(design, kind, Counter(each.word for each in outcomes), len(supported), withheld, warned, told, able)


def _row(
    design: _Design,
    kind: Kind,
    words: Counter[str],
    supported: int = 0,
    withheld: int = 0,
    warned: int = 0,
    told: int = 0,
    able: float | None = None,
) -> Rate:
    worlds = sum(words.values())
    wrong, hit = (sum(words[word] for word in chosen) for chosen in (kind.wrong, kind.right))
    return Rate(
        design.model.study.name,
        design.claim.key,
        kind.name,
        worlds,
        dict(sorted(words.items())),
        wrong / worlds,
        *interval(wrong, worlds),
        hit / worlds,
        *interval(hit, worlds),
        supported,
        withheld,
        warned,
        told,
        able,
    )


def interval(count: int, size: int) -> tuple[float, float]:
    """The 95 % interval of a share (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    found = binomtest(count, size).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)
