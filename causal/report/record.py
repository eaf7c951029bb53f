"""What a results file says of its making, and what changed between two of them.

Every `results.nc` carries a record: verdicts, priors, graph, checksums of the data, settings and versions. Two records tell which verdicts changed and which
of these changed with them; that one of them did it is likely and not proved.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.errors import CausalError, Fault
from causal.installation import PACKAGES, version_of
from causal.netcdf import read_attributes
from causal.panel import checksum

if TYPE_CHECKING:
    from causal.analysis import Analysis

FORMAT = 1
"""The version of the record; a file with a later one is refused."""
_NAMED = 4
"""So many changed priors are named beside a verdict."""


@dataclass(frozen=True, slots=True)
class Change:
    """A claim whose verdict is another: the words `before` and `after` ("" where the claim was not there), and what changed that it rests on."""

    claim: str
    edge: str
    before: str
    after: str
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one results file to another: verdicts, and all that they rest on, whether or not a verdict changed with it."""

    changes: tuple[Change, ...]
    same: int
    data: tuple[str, ...]
    measures: tuple[str, ...]
    priors: tuple[str, ...]
    graph: tuple[str, ...]
    settings: tuple[str, ...]
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A claim's verdict, its edge, its smallest effect and the studies that answer it."""

    verdict: str
    edge: str
    smallest: float
    studies: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What a results file was made of: verdicts by claim, priors by prior set and edge, the graph's lines, checksums and measures by study, the settings
    and the versions.
    """

    format: int
    article: str
    verdicts: Mapping[str, Told]
    priors: Mapping[str, Mapping[str, str]]
    graph: tuple[str, ...]
    data: Mapping[str, str]
    measures: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, int]
    versions: Mapping[str, str]

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


def record(analysis: Analysis) -> Record:
    """The record of an analysis."""
    fits = {name: fit for found in analysis.evidence.values() for name, fit in found.fits.items()}
    graph = analysis.bundle.graph
    return Record(
        FORMAT,
        analysis.bundle.source.title,
        {
            verdict.claim: Told(
                verdict.verdict,
                verdict.edge,
                verdict.smallest_effect,
                tuple(sorted({finding.study for finding in (*verdict.findings, *verdict.conditional)})),
            )
            for verdict in analysis.verdicts
        },
        {name: {edge: repr(prior) for edge, prior in fit.model.priors.of(graph).items()} for name, fit in fits.items()},
        tuple(graph.text().splitlines()),
        {study.name: checksum(study) for study in analysis.bundle.studies},
        {
            study.name: {node: repr(measure) for node in graph.names if (measure := study.measure(node)) is not None}
            for study in analysis.bundle.studies
        },
        {"seed": analysis.seed, **_sizes(analysis)},
        analysis.made_with or versions(),
    )


def read_record(path: Path) -> Record:
    """The record of a results file. Raises `CausalError` where there is none that this version reads."""
    from pydantic import TypeAdapter, ValidationError

    anew = "make it anew: causal report"
    try:
        there = path.is_file()
    except OSError as error:
        raise CausalError(Fault(f"cannot be read: {error.strerror}", str(path), "give a results.nc")) from None
    if not there:
        raise CausalError(Fault("is no file", str(path), "give a results.nc"))
    attributes = read_attributes(path)
    if attributes is None:
        raise CausalError(Fault("is no results file", str(path), anew))
    text = attributes.get("record")
    if not isinstance(text, str):
        what = "holds no record of its making: it is of a version before records, or no results file"
        raise CausalError(Fault(what, str(path), anew))
    loaded: Any = None
    with suppress(ValueError, RecursionError):
        loaded = json.loads(text)
    later = loaded.get("format") if isinstance(loaded, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if type(later) is int and later > FORMAT:  # pyright: ignore[reportUnknownArgumentType]
        what = f"has a record of format {later}, and this version reads up to {FORMAT}"
        raise CausalError(Fault(what, str(path), "update the program"))
    try:
        found = TypeAdapter(Record).validate_json(text, strict=True)
    except (ValidationError, ValueError):
        found = None
    if found is None or found.format != FORMAT:
        raise CausalError(Fault("holds a broken record of its making", str(path), anew))
    return found


def difference(old: Record, new: Record) -> Difference:
    """What changed from one record to another."""
    data, measures = _changed(old.data, new.data), _changed(old.measures, new.measures)
    graph = tuple(sorted(set(old.graph) ^ set(new.graph)))
    sets = dict.fromkeys([*old.priors, *new.priors])
    priors = tuple(
        sorted({edge for name in sets for edge in _changed(old.priors.get(name, {}), new.priors.get(name, {}))})
    )
    settings, made_by = _changed(old.settings, new.settings), _changed(old.versions, new.versions)
    changes: list[Change] = []
    same = 0
    nothing = Told("", "", 0.0, ())
    for claim in dict.fromkeys([*old.verdicts, *new.verdicts]):
        before, after = old.verdicts.get(claim, nothing), new.verdicts.get(claim, nothing)
        if before.verdict == after.verdict:
            same += 1
            continue
        studies = {*before.studies, *after.studies}
        edge = after.edge or before.edge
        both = nothing not in (before, after)
        through = [f"data of {study}" for study in data if study in studies]
        through += [f"measures of {study}" for study in measures if study in studies]
        own_first = sorted(priors, key=lambda name: name != edge)
        through += [f"the prior of {'' if name == edge else 'another link, '}{name}" for name in own_first[:_NAMED]]
        through += [f"{len(priors) - _NAMED} more priors"] if len(priors) > _NAMED else []
        through += ["the graph"] if graph else []
        through += ["the claim's edge"] if both and before.edge != after.edge else []
        through += ["the claim's smallest effect"] if both and before.smallest != after.smallest else []
        through += [f"setting {name}" for name in settings] + [f"version of {name}" for name in made_by]
        changes.append(Change(claim, edge, before.verdict, after.verdict, tuple(through)))
    return Difference(tuple(changes), same, data, measures, priors, graph, settings, made_by)


def versions() -> dict[str, str]:
    """The version of each package that an analysis is made with, and of Python."""
    return {name: version_of(name) or "not installed" for name in PACKAGES} | {"Python": platform.python_version()}


def _sizes(analysis: Analysis) -> dict[str, int]:
    for found in analysis.evidence.values():
        for fit in found.fits.values():
            return {"draws": int(fit.posterior.sizes["draw"]), "chains": int(fit.posterior.sizes["chain"])}
    return {}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(key for key in {*old, *new} if old.get(key) != new.get(key)))
