"""Reading a bundle: an article's claims, the studies that could test them, and interventions.

A bundle is a folder with three files. `claims.toml` holds the article, its nodes, claims and figures and what
the graph assumes beyond them; `studies.toml` says which columns of which data measure which nodes;
`interventions.toml` holds what might be done. `read_bundle` reads all three and reports everything that is wrong
in any of them at once, each with file, line and mend:

>>> import pathlib, tempfile
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> _ = (folder / "claims.toml").write_text('''[article]
... title = "A report"
... [node.corruption]
... [node.presence]
... [claim.c1]
... edge = "corruptoin -> presence [lag=1, sign=-]"
... says = "corruption weakens the state"
... where = "p. 3"
... ''')
>>> for name in ("studies.toml", "interventions.toml"):
...     _ = (folder / name).write_text("")
>>> read_bundle(folder)
Traceback (most recent call last):
    ...
causal.errors.CausalError: claims.toml:6 [claim.c1] "corruptoin -> presence [lag=1, sign=-]": no node 'corruptoin'; did you mean 'corruption'?
studies.toml names no study; write [study.NAME] with a file or a dataset

Bundles that come with the program are read by their key, the folder's name.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import tomllib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, cast

from causal.claim import Claim, ClaimReading, Figure, Ledger, Published, Source
from causal.dialect import Dialect, read_records, read_whole
from causal.errors import CausalError, Fault, cut, nearest, raise_all
from causal.graph import Edge, Graph, Latent, Node, Sign, same_period_cycles
from causal.intervene import nodes_named, read_interventions
from causal.measurement import Measure
from causal.panel import Panel, Study, leave_out, read_csv, study_faults
from causal.prediction import Prediction, Rule, Side, Span
from causal.reported import Reported
from causal.syntax import read_edge, read_graph
from causal.weights import Weights
from priors import elicit

if TYPE_CHECKING:
    from priors import schema

_log = logging.getLogger(__name__)
ARTICLES = Path(__file__).parent / "articles"
DEFAULT = "peru_nexus"
_CLAIMS, _STUDIES, _INTERVENTIONS = "claims.toml", "studies.toml", "interventions.toml"
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    _CLAIMS: ("article", "node", "graph", "claim", "figure", "evidence", "prediction"),
    _STUDIES: ("study", "estimate"),
    _INTERVENTIONS: ("intervention",),
}
_LARGEST = 4_000_000
"""So many bytes a TOML file may have."""
_DEEPEST = 20
"""So deep its values may be nested."""
_TOO_DEEP, _TOO_LONG = f"has values nested more than {_DEEPEST} deep", "holds a whole number beyond 64 bits"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MOST_TABLES = 2000
"""So many tables of one kind it may hold."""


@dataclass(frozen=True, slots=True)
class NodeCard:
    """A node for readers: its label, what it stands for, and at which level it is thought of."""

    label: str
    describes: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class InterventionSpec:
    """An intervention as the bundle states it: `do` in the text form of `causal.intervene`, and its outcome.

    `better` says which way of the outcome is good, "" where the bundle does not; `cost` is in whatever unit the bundle's costs share.
    """

    key: str
    do: str
    outcome: str
    label: str = ""
    horizon: int = 0
    better: Literal["", "higher", "lower"] = ""
    cost: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Everything that a bundle's files say; the graph is what is assumed together with every claim's edge.

    `costs` holds what measuring a node costs, by its name, 1 where the bundle says nothing; and what measuring the cause
    behind a latent costs, by the latent's name, where the bundle says so. `math.inf` is for what nobody can measure.
    `joint` holds the studies with the rows that a model of them all keeps, so that no unit-time enters it twice; `reported` the estimates that
    sources report; `predictions` what the article foretells, each with its rule.
    """

    ledger: Ledger
    graph: Graph
    studies: tuple[Study, ...]
    interventions: tuple[InterventionSpec, ...]
    nodes: Mapping[str, NodeCard]
    costs: Mapping[str, float]
    folder: Path
    key: str
    joint: tuple[Study, ...] = ()
    reported: tuple[Reported, ...] = ()
    predictions: tuple[Prediction, ...] = ()

    @property
    def source(self) -> Source:
        """The article or report that makes the claims."""
        return self.ledger.source

    def study(self, name: str) -> Study:
        """The study of that name; `CausalError` for an unknown one."""
        return _named(name, {study.name: study for study in self.studies}, "study")

    def label_of(self, name: str) -> str:
        """The name for readers of a study or of a reported estimate."""
        return next((study.label for study in self.studies if study.name == name), "") or name

    def intervention(self, key: str) -> InterventionSpec:
        """The intervention of that key; `CausalError` for an unknown one."""
        return _named(key, {spec.key: spec for spec in self.interventions}, "intervention")


def bundle_keys() -> tuple[str, ...]:
    """The keys of the bundles that come with the program, the default first."""
    keys = sorted(folder.name for folder in ARTICLES.iterdir() if (folder / _CLAIMS).is_file())
    return tuple(sorted(keys, key=lambda key: key != DEFAULT))


def bundle_folder(path_or_key: Path | str = DEFAULT) -> Path:
    """The folder that a key or a path names; a plain word that is a key means the bundle that comes with the program.

    Raises `CausalError` where it is neither a key nor a folder.
    """
    given: object = path_or_key
    if not isinstance(given, Path | str) or not str(given).strip():
        raise CausalError(Fault("names no bundle", repr(given), "give a folder, or the key of a bundle"))
    if isinstance(given, str) and given in bundle_keys():
        return ARTICLES / given
    folder = Path(given)
    try:
        there, file = folder.is_dir(), folder.is_file()
    except OSError as error:
        raise CausalError(Fault(f"cannot be read: {error.strerror}", str(given), "check the path")) from None
    if not there:
        what = "is a file, not a bundle's folder" if file else "is neither a folder nor a bundle's key"
        mend = "give the folder it lies in" if file else nearest(str(given), bundle_keys())
        raise CausalError(Fault(what, f"'{given}'", mend))
    return folder


def read_bundle(path_or_key: Path | str = DEFAULT) -> Bundle:
    """The bundle in a folder, or the one that comes with the program under that key.

    Raises one `CausalError` with everything that is wrong in all of its files: TOML that does not parse, unknown
    or missing keys, words that no scale holds, edges that do not parse or name undeclared nodes, two signs for
    one edge, a cycle within the period, data that are missing or cannot be used, measures and interventions of
    unknown nodes.
    """
    folder = bundle_folder(path_or_key)
    faults: list[Fault] = []
    claims, studies, interventions = (_read_file(folder, name, faults) for name in (_CLAIMS, _STUDIES, _INTERVENTIONS))
    parsed = _parse_claims(claims, faults)
    made, joint = _parse_studies(studies, folder, parsed.graph, faults, nodes_known=claims.parsed)
    reported = _parse_reported(studies, parsed.graph, [study.name for study in made], faults, nodes_known=claims.parsed)
    specs = _parse_interventions(interventions, parsed.graph, faults, nodes_known=claims.parsed)
    predictions = _parse_predictions(claims, folder, [claim.key for claim in parsed.ledger.claims], faults)
    raise_all(faults)
    _log.info("read the bundle %s: %d claims, %d studies", folder, len(parsed.ledger.claims), len(made))
    for study in made:
        _log.info("study %s: %d units, %d times", study.name, len(study.panel.units), len(study.panel.times))
    key = folder.name or folder.resolve().name
    cards, costs = MappingProxyType(dict(parsed.cards)), MappingProxyType(dict(parsed.costs))
    return Bundle(
        parsed.ledger,
        parsed.graph,
        tuple(made),
        tuple(specs),
        cards,
        costs,
        folder,
        key,
        tuple(joint),
        tuple(reported),
        tuple(predictions),
    )


# -------------------------------------------------------------------------------------------------------- claims


@dataclass(frozen=True, slots=True)
class _Claims:
    """What `claims.toml` holds, as far as it could be read."""

    ledger: Ledger
    graph: Graph
    cards: Mapping[str, NodeCard]
    costs: Mapping[str, float]


def _parse_claims(file: _File, faults: list[Fault]) -> _Claims:
    from priors import schema

    article = file.table(schema.Article, ("article",), faults, required=True)
    if article is not None and article.format != schema.FORMAT:
        what = f"is of format {article.format}, and this version reads format {schema.FORMAT}"
        mend = "update the program" if article.format > schema.FORMAT else "there was no earlier one: leave it out"
        faults.append(Fault(what, file.at(("article", "format")), mend))
    cards: dict[str, NodeCard] = {}
    costs: dict[str, float] = {}
    for name, path in file.children("node", faults):
        card = file.table(schema.NodeTable, path, faults)
        try:
            Node(name)
        except CausalError as error:
            faults.extend(Fault(fault.what, file.at(path), fault.mend) for fault in error.faults)
            continue
        cards[name] = NodeCard(
            (card.label if card else "") or name, card.describes if card else "", card.level if card else ""
        )
        costs[name] = card.cost if card else 1.0
    assumed_nodes, assumed_edges, latents, latent_costs = _assumed(file, cards, faults)
    claims: list[Claim] = []
    smallest = article.smallest_effect if article else 0.1
    for key, path in file.children("claim", faults):
        table = file.table(schema.ClaimTable, path, faults)
        if table is not None:
            claims.append(_claim(file, key, path, table, cards, smallest, faults))
    if file.parsed and not file.content.get("claim"):
        faults.append(Fault("names no claim", file.name, "write [claim.KEY] with an edge"))
    figures = _figures(file, cards, faults)
    published = _published(file, faults)
    edges = _merged(file, assumed_edges, claims, faults)
    nodes = {name: assumed_nodes.get(name, Node(name)) for name in cards}
    if not nodes:  # with faults already: an empty graph is none
        nodes = {"none": Node("none")}
    source = Source("") if article is None else _source(article)
    graph = Graph(tuple(nodes.values()), tuple(edges), tuple(latents))
    return _Claims(Ledger(source, tuple(claims), tuple(figures), tuple(published)), graph, cards, costs | latent_costs)


def _source(article: schema.Article) -> Source:
    return Source(article.title, article.authors, article.year, article.published, article.called, article.place)


def _claim(
    file: _File,
    key: str,
    path: _Path,
    table: schema.ClaimTable,
    cards: Mapping[str, NodeCard],
    smallest: float,
    faults: list[Fault],
) -> Claim:
    """The claim of a table whose shape is right; what its words get wrong goes to the faults."""
    edge: Edge | None = None
    if table.edge is not None:
        where = file.at((*path, "edge"))
        for name in ("cause", "effect", "untestable"):
            if getattr(table, name):
                faults.append(Fault(f"has both edge and {name}", file.at((*path, name)), f"keep the edge, or {name}"))
        edge = _edge(table.edge, cards, where, faults)
    elif not table.untestable:
        faults.append(
            Fault(
                "has neither an edge nor a reason why it is untestable", file.at(path), "write edge = 'a -> b [lag=1]'"
            )
        )
    elif not (table.cause and table.effect):
        faults.append(Fault("is untestable without a cause and an effect", file.at(path), "write both, in words"))
    _scale_faults(table.hedge, table.strength, lambda word: file.at((*path, word)), faults)
    own = smallest if table.smallest_effect is None else table.smallest_effect
    return Claim(
        key,
        edge,
        table.says,
        table.where,
        hedge=table.hedge,
        strength=table.strength,
        scope=table.scope,
        smallest_effect=own,
        core=table.core,
        untestable=table.untestable,
        cause=edge.cause if edge else table.cause,
        effect=edge.effect if edge else table.effect,
        others=_readings(file, path, table, edge, cards, faults),
    )


def _readings(
    file: _File,
    path: _Path,
    claim: schema.ClaimTable,
    own: Edge | None,
    cards: Mapping[str, NodeCard],
    faults: list[Fault],
) -> tuple[ClaimReading, ...]:
    """How other readers take a claim; what they leave out is as in the claim's own words."""
    from priors import schema

    found: list[ClaimReading] = []
    for place, given in enumerate(claim.readings):
        at = (*path, "readings", str(place))

        def where(key: str, at: _Path = at) -> str:
            return file.at((*at, key), tag=path)

        table = file.validated(schema.ReadingTable, given, at, faults, tag=path)
        if table is None:
            continue
        if table.reader in (reading.reader for reading in found):
            faults.append(Fault(f"reader '{table.reader}' reads it twice", where("reader"), "keep one of the readings"))
        stated = [key for key in ("edge", "sign", "untestable") if getattr(table, key)]
        if len(stated) > 1:
            what = f"reading of '{table.reader}' has {' and '.join(stated)}"
            faults.append(Fault(what, where(stated[1]), "write the edge with its sign, or the sign alone"))
        edge = None if table.untestable else own
        if table.edge is not None:
            edge = _edge(table.edge, cards, where("edge"), faults)
        elif table.sign is not None:
            if claim.edge is None:
                what = f"reading of '{table.reader}' has a sign and the claim no edge"
                faults.append(Fault(what, where("sign"), "write the edge that this reader sees"))
            edge = own and replace(own, sign=Sign(table.sign))
        hedge, strength = table.hedge or claim.hedge, table.strength or claim.strength
        _scale_faults(table.hedge or "plain assertion", table.strength or "some", where, faults)
        found.append(ClaimReading(table.reader, edge, hedge, strength))
    return tuple(found)


def _edge(text: str, cards: Mapping[str, NodeCard], where: str, faults: list[Fault]) -> Edge | None:
    """The edge of a text between declared nodes, or None with faults."""
    try:
        edge = read_edge(text)
    except CausalError as error:
        faults.extend(_within(fault, where) for fault in error.faults)
        return None
    unknown = [name for name in dict.fromkeys((edge.cause, edge.effect)) if name not in cards]
    faults.extend(Fault(f"\"{text}\": no node '{name}'", where, nearest(name, cards)) for name in unknown)
    return None if unknown else edge


def _scale_faults(hedge: str, strength: str, where: Callable[[str], str], faults: list[Fault]) -> None:
    """Faults for words that the hedge or the strength scale does not hold, `where` their key stands."""
    try:
        elicit.hedge(hedge)
    except CausalError as error:
        faults.extend(Fault(fault.what, where("hedge"), fault.mend) for fault in error.faults)
    if strength not in elicit.STRENGTHS:
        faults.append(Fault(f"no strength word '{strength}'", where("strength"), nearest(strength, elicit.STRENGTHS)))


def _assumed(
    file: _File, cards: Mapping[str, NodeCard], faults: list[Fault]
) -> tuple[dict[str, Node], list[Edge], list[Latent], dict[str, float]]:
    """The declared nodes, edges and latents of the assumed text, and the latents' costs; faults stand at the text's lines."""
    from priors import schema

    table = file.table(schema.GraphTable, ("graph",), faults)
    text = table.assumed if table else ""
    lines = [line.partition("#")[0] for line in text.splitlines()]
    costs = table.costs if table else {}
    if not any(line.strip(" \t;") for line in lines):
        return {}, [], [], _latent_costs(file, costs, (), faults)
    start = file.text_start(("graph", "assumed"))
    try:
        graph = read_graph(text)
    except CausalError as error:
        for fault in error.faults:
            number = re.match(r"line (\d+)\b[\s,]*", fault.where)
            line = start + int(number[1]) - 1 if number else start
            rest = fault.where[number.end() :] if number else fault.where
            faults.append(Fault(f"{rest} {fault.what}".strip(": "), f"{file.name}:{line} [graph]", fault.mend))
        return {}, [], [], {}
    rows: dict[str, int] = {}
    for row, line in enumerate(lines):
        for word in re.findall(r"\w+", line):
            rows.setdefault(word, row)
    for name in graph.names:
        if name not in cards:
            row = rows.get(name, 0)
            what = f"\"{lines[row].strip()}\": no node '{name}'"
            faults.append(Fault(what, f"{file.name}:{start + row} [graph]", nearest(name, cards)))
    nodes = {node.name: node for node in graph.nodes if node.name in cards}
    edges = [edge for edge in graph.edges if edge.cause in cards and edge.effect in cards]
    latents = [latent for latent in graph.latents if latent.left in cards and latent.right in cards]
    return nodes, edges, latents, _latent_costs(file, costs, graph.latents, faults)


def _latent_costs(
    file: _File, costs: Mapping[str, float], latents: Sequence[Latent], faults: list[Fault]
) -> dict[str, float]:
    """The costs by latent's name; a text may put the sides of a latent within the period either way round."""
    names = [latent.name for latent in latents]
    found: dict[str, float] = {}
    for text, cost in costs.items():
        try:
            meant = next((latent.name for latent in read_graph(text).latents), text)
        except CausalError:
            meant = text
        if meant in names:
            found[meant] = cost
        else:
            mend = nearest(text, names) if names else "add it to assumed"
            faults.append(
                Fault(f"costs has no latent '{text}'", file.at(("graph", "costs", text), tag=("graph",)), mend)
            )
    return found


def _merged(file: _File, assumed: Sequence[Edge], claims: Sequence[Claim], faults: list[Fault]) -> list[Edge]:
    """Each edge once with the sign that somebody gives it; two signs and cycles within the period are faults.

    An edge that only other readers see is one too: what any reader takes the source to say stands in the graph, with a sign
    where these readers agree on it.
    """
    merged: dict[str, Edge] = {edge.name: edge for edge in assumed}
    stated: dict[str, list[str]] = {edge.name: ["[graph]"] for edge in assumed}
    for claim in claims:
        if claim.edge is None:
            continue
        name = claim.edge.name
        before = merged.get(name)
        signs = {edge.sign for edge in (claim.edge, before) if edge is not None} - {Sign.UNKNOWN}
        if len(signs) > 1:
            by = ", ".join(stated[name])
            what = f"two signs for one edge: {claim.edge.sign} for {name} here, {cast('Edge', before).sign} in {by}"
            faults.append(Fault(what, file.at(("claim", claim.key, "edge")), "correct one of them"))
            continue
        merged[name] = dataclasses.replace(claim.edge, sign=next(iter(signs), Sign.UNKNOWN))
        stated.setdefault(name, []).append(f"[claim.{claim.key}]")
    seen: dict[str, list[Edge]] = {}
    for claim in claims:
        for reading in claim.others:
            if reading.edge is not None and reading.edge.name not in merged:
                seen.setdefault(reading.edge.name, []).append(reading.edge)
                stated.setdefault(reading.edge.name, []).append(f"[claim.{claim.key}]")
    for name, edges in seen.items():
        agreed = len({edge.sign for edge in edges}) == 1
        merged[name] = dataclasses.replace(edges[0], sign=edges[0].sign if agreed else Sign.UNKNOWN)
    for cycle in same_period_cycles(merged.values()):
        steps = [Edge(cause, effect).name for cause, effect in zip(cycle, (*cycle[1:], cycle[0]), strict=True)]
        by = list(dict.fromkeys(place for step in steps for place in stated[step]))
        named = [claim for claim in claims if f"[claim.{claim.key}]" in by]
        path = ("claim", named[-1].key, "edge") if named else ("graph", "assumed")
        what = f"the edges within one period form a cycle: {' -> '.join((*cycle, cycle[0]))} (from {', '.join(by)})"
        faults.append(Fault(what, file.at(path), "give one of them a lag of at least 1"))
    # A graph can be made, and the studies checked against its nodes, only without the cycles.
    return (
        [edge for edge in merged.values() if edge.lag > 0]
        if any(same_period_cycles(merged.values()))
        else [*merged.values()]
    )


def _figures(file: _File, cards: Mapping[str, NodeCard], faults: list[Fault]) -> list[Figure]:
    from priors import schema

    figures: list[Figure] = []
    for key, path in file.children("figure", faults):
        table = file.table(schema.FigureTable, path, faults)
        if table is None:
            continue
        if table.low > table.high:
            faults.append(
                Fault(f"low {table.low:g} is above high {table.high:g}", file.at((*path, "low")), "swap them")
            )
        if table.node and table.node not in cards:
            faults.append(Fault(f"no node '{table.node}'", file.at((*path, "node")), nearest(table.node, cards)))
        if table.low <= table.high:
            figures.append(Figure(key, **table.model_dump()))
    return figures


def _published(file: _File, faults: list[Fault]) -> list[Published]:
    """What the file says that others found on its claims; a claim that is wrong in itself counts as known."""
    from priors import schema

    claims = [key for key, _ in file.children("claim", [])]
    found: list[Published] = []
    for key, path in file.children("evidence", faults):
        table = file.table(schema.EvidenceTable, path, faults)
        # The claims are looked up in what is written, so that another fault of the table hides none of theirs.
        named, origin = (_texts(file.content["evidence"][key], part) for part in ("claims", "origin"))
        places = (("claims", named, claims, "no claim '{}'"), ("origin", origin, named, "'{}' is none of its claims"))
        for part, texts, known, what in places:
            at = file.at((*path, part))
            for text, count in Counter(texts).items():
                if text not in known:
                    faults.append(Fault(what.format(text), at, nearest(text, {*known})))
                if count > 1:
                    faults.append(Fault(f"claim '{text}' is said {count} times", at, "keep it once"))
        if table is not None:
            told: dict[str, Any] = {**table.model_dump(), "claims": tuple(named), "origin": tuple(origin)}
            found.append(Published(key, **told))
    return found


def _texts(table: object, key: str) -> list[str]:
    """The texts of a list in a table that may be of any shape."""
    listed = cast("dict[str, Any]", table).get(key) if isinstance(table, dict) else None
    return [text for text in cast("list[Any]", listed) if isinstance(text, str)] if isinstance(listed, list) else []


# --------------------------------------------------------------------------------------------------- predictions


def _parse_predictions(file: _File, folder: Path, claims: Sequence[str], faults: list[Fault]) -> list[Prediction]:
    """What the article foretells, each with a rule whose figures are there to be looked up, or with the reason why there is none."""
    from priors import schema

    found: list[Prediction] = []
    for key, path in file.children("prediction", faults):
        table = file.table(schema.PredictionTable, path, faults)
        if table is None:
            continue
        faults.extend(
            Fault(f"no claim '{claim}'", file.at((*path, "claims")), nearest(claim, claims))
            for claim in table.claims
            if claim not in claims
        )
        if table.rule is not None and table.unavailable:
            mend = "keep one of the two"
            faults.append(Fault("has a rule and is said to be unavailable", file.at((*path, "unavailable")), mend))
        elif table.rule is None and not table.unavailable:
            mend = "write rule = 'grows', or say in unavailable what is not measured"
            faults.append(Fault("has neither a rule nor a reason why it is unavailable", file.at(path), mend))
        rule = None if table.rule is None else _rule(file, path, table, folder, faults)
        found.append(Prediction(key, table.says, table.where, rule, table.unavailable, tuple(table.claims)))
    return found


def _rule(file: _File, path: _Path, table: schema.PredictionTable, folder: Path, faults: list[Fault]) -> Rule | None:
    """A prediction's rule with its figures, or None with faults."""
    from priors import schema

    before = len(faults)
    assert table.rule is not None
    since, until = (
        _span_of(file, path, key, given, faults) for key, given in (("since", table.since), ("until", table.until))
    )
    if table.method_changes is None:
        mend = "write method_changes = [] where the way of counting never changed"
        faults.append(Fault("key 'method_changes' is missing", file.at(path), mend))
    spans = [span for span in (since, until) if span is not None]
    if len(spans) == 2 and spans[0][1] >= spans[1][0]:
        faults.append(Fault("since does not end before until begins", file.at((*path, "until")), "give a later until"))
    side = _side(file, path, table, spans, folder, faults)
    against: Side | None = None
    if table.rule == "grows more than":
        if table.than is None:
            mend = "write [prediction.KEY.than] with the rows, or the column, that grow less"
            faults.append(Fault("key 'than' is missing", file.at(path), mend))
        elif (than := file.validated(schema.SideTable, table.than, (*path, "than"), faults)) is not None:
            whose = (
                {}
                if than.dataset or than.file
                else {"dataset": table.dataset, "file": table.file, "unit": table.unit, "time": table.time}
            )
            rest = {"column": than.column or table.column, "rows": than.rows or table.rows}
            against = _side(file, (*path, "than"), than.model_copy(update=whose | rest), spans, folder, faults)
            if side is not None and against == side:
                faults.append(
                    Fault(
                        "than is the same as what grows", file.at((*path, "than")), "name other rows, or another column"
                    )
                )
    elif table.than is not None:
        faults.append(Fault(f"'{table.rule}' has no than", file.at((*path, "than")), "take rule = 'grows more than'"))
    if table.rule == "share rises":
        whole = table.model_copy(update={"rows": table.of})
        against = _side(file, path, whole, spans, folder, faults, key="of") if side is not None else None
        outside = [row for row in (side.rows if side and against else ()) if against and row not in against.rows]
        if outside:
            faults.append(Fault(f"'{outside[0]}' is no part of the whole", file.at((*path, "of")), "add it to of"))
    elif table.of is not None:
        faults.append(Fault(f"'{table.rule}' has no of", file.at((*path, "of")), "take rule = 'share rises'"))
    if len(faults) > before or side is None or since is None or until is None:
        return None
    return Rule(table.rule, side, since, until, table.margin, against, tuple(table.method_changes or ()), table.zeros)


def _span_of(file: _File, path: _Path, key: str, given: int | list[int] | None, faults: list[Fault]) -> Span | None:
    if given is None:
        faults.append(Fault(f"key '{key}' is missing", file.at(path), f"add {key} = a year, or a first and a last one"))
        return None
    first, last = (given, given) if isinstance(given, int) else given
    if first > last:
        faults.append(Fault(f"{key} ends before it begins", file.at((*path, key)), "swap the years"))
        return None
    return first, last


def _side(
    file: _File,
    path: _Path,
    table: schema.SideTable,
    spans: Sequence[Span],
    folder: Path,
    faults: list[Fault],
    key: str = "rows",
) -> Side | None:
    """The rows of a table's column with their figures; all rows where none are named and `key` is "of"."""
    what, unit = table.label or table.column or "", ""
    if table.column is None:
        faults.append(Fault("key 'column' is missing", file.at(path), "name the column that is added up"))
        return None
    if (table.file is None) == (table.dataset is None):
        mend = "name a file of the bundle, or a dataset"
        faults.append(Fault("needs file or dataset, one of them", file.at(path), mend))
        return None
    try:
        if table.dataset is not None:
            from causal import datasets

            told = datasets.card(table.dataset)[table.column]
            what, unit = table.label or told.label, told.unit
            card = datasets.card(table.dataset)
            panel = Panel.from_frame(datasets.table(table.dataset), unit=card.unit, time=card.time)
        else:
            panel = read_csv(_of_bundle(folder, str(table.file)), unit=table.unit, time=table.time)
            if table.column not in panel.columns:
                raise CausalError(Fault(f"no column '{table.column}'", mend=nearest(table.column, panel.columns)))
    except CausalError as error:
        faults.extend(
            _within(fault, file.at((*path, "dataset" if table.dataset else "file"), tag=path)) for fault in error.faults
        )
        return None
    units, times = [str(name) for name in panel.units], [str(time) for time in panel.times]
    if table.rows is None and key == "rows":
        faults.append(Fault("key 'rows' is missing", file.at(path), "name the rows that are added up"))
        return None
    rows = table.rows or units
    if not all(re.fullmatch(r"-?\d+", time) for time in times):
        faults.append(Fault("its times are no whole years", file.at(path, tag=path), "give whole years"))
        return None
    twice = [row for row, count in Counter(rows).items() if count > 1]
    faults.extend(
        Fault(f"row '{row}' is named twice", file.at((*path, key), tag=path), "keep it once") for row in twice
    )
    unknown = [row for row in rows if row not in units]
    faults.extend(Fault(f"no row '{row}'", file.at((*path, key), tag=path), nearest(row, units)) for row in unknown)
    absent = [str(year) for span in spans for year in span if str(year) not in times]
    for year in dict.fromkeys(absent):
        faults.append(
            Fault(
                f"{year} is no year of the table", file.at(path, tag=path), f"years go from {times[0]} to {times[-1]}"
            )
        )
    if unknown or absent or twice:
        return None
    values = panel.data[table.column].transpose("unit", "time").to_numpy()
    figures = {
        (unit, int(time)): float(values[i, k])
        for i, unit in enumerate(units)
        for k, time in enumerate(panel.times)
        if unit in rows
    }
    return Side(what, unit, tuple(rows), figures, table.dataset or str(table.file))


# -------------------------------------------------------------------------------------- studies and interventions


def _parse_studies(
    file: _File, folder: Path, graph: Graph, faults: list[Fault], *, nodes_known: bool
) -> tuple[list[Study], list[Study]]:
    """The studies as they stand alone, and those of them that enter a joint model, with the rows that they keep there."""
    from priors import schema

    studies: list[Study] = []
    joint: list[Study] = []
    for name, path in file.children("study", faults):
        table = file.table(schema.StudyTable, path, faults)
        if table is None:
            continue
        where = {"": file.at(path)}
        measures = _measures(file, (*path, "measures"), table.measures, where, faults)
        if nodes_known:
            faults.extend(
                Fault(f"no node '{node}'", file.at((*path, key)), nearest(node, graph.names))
                for key, nodes in (("sets_aside", table.sets_aside), ("keeps", table.keeps or []))
                for node in nodes
                if node not in graph.names
            )
        if table.sets_aside and table.keeps is not None:
            faults.append(
                Fault(
                    "says both what it sets aside and what it keeps", file.at((*path, "keeps")), "keep one of the two"
                )
            )
        together = file.validated(schema.JointTable, table.joint, (*path, "joint"), faults)
        panel = _panel(file, path, table, folder, faults)
        panel = panel and _without(file, (*path, "leave_out"), panel, table.leave_out, faults)
        if panel is None:
            continue
        notes: list[str] = []
        weights = _weights(file, path, table, folder, notes, faults)
        panel = replace(panel, notes=(*panel.notes, *notes)) if notes else panel
        study = Study(
            panel,
            measures,
            name,
            table.label or name,
            table.population,
            tuple(table.sets_aside),
            table.dataset or "",
            _inside(panel),
            weights,
        )
        if table.keeps is not None:
            kept = {*table.keeps, *study.measured(graph)}
            study = replace(study, sets_aside=tuple(node for node in graph.names if node not in kept))
        found = ()
        if nodes_known:
            found = study_faults(study, graph, lambda node, where=where: where.get(node, f"{where['']} {node}:"))
            faults.extend(found)
        studies.append(study)
        if together is None or not together.enters:
            continue
        kept = _without(file, (*path, "joint"), panel, together.leave_out, faults, together.first, together.last)
        if kept is not None:
            joint.append(replace(study, panel=kept))
            if nodes_known and kept is not panel and not found:
                at = file.at((*path, "joint"), tag=(*path, "joint"))
                faults.extend(study_faults(joint[-1], graph, lambda node, at=at: f"{at} {node}:" if node else at))
    if file.parsed and not file.content.get("study"):
        faults.append(Fault("names no study", file.name, "write [study.NAME] with a file or a dataset"))
    return studies, joint


def _parse_reported(
    file: _File, graph: Graph, taken: list[str], faults: list[Fault], *, nodes_known: bool
) -> list[Reported]:
    """The estimates that sources report, each of an edge of the graph."""
    from priors import schema

    found: list[Reported] = []
    for name, path in file.children("estimate", faults):
        table = file.table(schema.ReportedTable, path, faults)
        if table is None:
            continue
        if name in taken:
            faults.append(Fault(f"'{name}' is a study's name too", file.at(path), "name the estimate otherwise"))
        try:
            reported = Reported(
                table.edge,
                table.effect,
                table.error,
                table.source,
                name,
                table.cause_sd,
                table.effect_sd,
                table.units,
                table.population,
            )
            if nodes_known:
                graph.edge(reported.edge)
        except CausalError as error:
            faults.extend(Fault(fault.what, file.at(path, tag=path), fault.mend) for fault in error.faults)
            continue
        found.append(reported)
    return found


def _without(
    file: _File,
    path: _Path,
    panel: Panel,
    rows: Sequence[str],
    faults: list[Fault],
    first: Any = None,
    last: Any = None,
) -> Panel | None:
    """The panel without the rows that a table leaves out, or None with faults."""
    if not rows and first is None and last is None:
        return panel
    try:
        return leave_out(panel, rows, first=first, last=last)
    except CausalError as error:
        faults.extend(_within(fault, file.at(path, tag=path)) for fault in error.faults)
        return None


def _inside(panel: Panel) -> Mapping[str, tuple[str, ...]]:
    """The larger units that hold the panel's, for those that are named as the shipped tables name theirs."""
    from causal import datasets

    known = datasets.containments()
    return MappingProxyType({unit: known[unit] for unit in map(str, panel.units) if unit in known})


def _measures(
    file: _File, path: _Path, given: Mapping[str, Any] | None, where: dict[str, str], faults: list[Fault]
) -> dict[str, Measure] | None:
    """The measures of a study, and where each stands; a node whose measure is no measure is left out."""
    from priors import schema

    if given is None:
        return None
    measures: dict[str, Measure] = {}
    for node, value in given.items():
        where[node] = f"{file.at((*path, node), tag=path)} {node}:"
        if isinstance(value, str):
            value = {"column": value}
        if not isinstance(value, dict):
            faults.append(
                Fault(
                    f"{value!r} is no measure", where[node], "write a column's name, or a table with column or columns"
                )
            )
            continue
        table = file.validated(schema.MeasureTable, cast("dict[str, Any]", value), (*path, node), faults, tag=path)
        if table is None:
            continue
        named = [given for given in (table.column, table.columns, table.indicators) if given is not None]
        if len(named) != 1:
            mend = "name one column, several columns for an index, or several indicators that have loadings"
            faults.append(Fault("needs column, columns or indicators, one of them", where[node], mend))
            continue
        try:
            measures[node] = Measure(
                named[0] if isinstance(named[0], str) else tuple(named[0]),
                table.error,
                table.direction,
                table.transform,
                table.yearly,
                None if table.reliability is None else (table.reliability[0], table.reliability[1]),
                table.indicators is not None,
            )
        except CausalError as error:
            faults.extend(_within(fault, where[node]) for fault in error.faults)
    return measures


def _panel(file: _File, path: _Path, table: schema.StudyTable, folder: Path, faults: list[Fault]) -> Panel | None:
    """The data of a study: a file of the bundle or a table that comes with the program."""
    if (table.file is None) == (table.dataset is None):
        faults.append(
            Fault("needs file or dataset, one of them", file.at(path), "name a file of the bundle, or a dataset")
        )
        return None
    place = file.at((*path, "file" if table.dataset is None else "dataset"))
    try:
        dialect = Dialect(table.encoding, table.delimiter, table.decimal)
        if table.file is None:
            from causal import datasets

            if dialect != Dialect():
                raise CausalError(
                    Fault(
                        "a dataset is no file that could be written so",
                        "",
                        "leave encoding, delimiter and decimal away",
                    )
                )

            frame = datasets.table(str(table.dataset))
            return Panel.from_frame(frame, unit=table.unit, time=table.time, first=table.first, last=table.last)
        inside = _of_bundle(folder, table.file)
        return read_csv(inside, unit=table.unit, time=table.time, first=table.first, last=table.last, dialect=dialect)
    except CausalError as error:
        # A fault with a line of the data's own names that line; another one stands where the study is declared.
        faults.extend(fault if re.search(r":\d+", fault.where) else _within(fault, place) for fault in error.faults)
        return None


def _weights(
    file: _File, path: _Path, table: schema.StudyTable, folder: Path, notes: list[str], faults: list[Fault]
) -> dict[str, Weights]:
    """The weights of a study's effects across units: files of the bundle, or the borders of a table that comes with the program.

    How the files are written, where it was found out, is added to `notes`.
    """
    from priors import schema

    found: dict[str, Weights] = {}
    for name, value in table.weights.items():
        at = (*path, "weights", name)
        place = f"{file.at(at, tag=(*path, 'weights'))} {name}:"
        given = {"file": value} if isinstance(value, str) else value
        if not isinstance(given, dict):
            faults.append(Fault(f"{value!r} is no table of weights", place, "name a file of the bundle, or 'dataset'"))
            continue
        told = file.validated(schema.WeightsTable, cast("dict[str, Any]", given), at, faults, tag=(*path, "weights"))
        if told is None:
            continue
        try:
            if told.file == "dataset":
                from causal import datasets

                if table.dataset is None:
                    raise CausalError(Fault("the study reads no dataset, which would have borders", "", "name a file"))
                frame = datasets.neighbours(table.dataset)
            else:
                import pandas

                source = _of_bundle(folder, told.file)
                dialect = Dialect(told.encoding, told.delimiter, told.decimal)
                wrong: list[Fault] = []
                # Only an empty cell is missing: a unit may be called NA.
                rows = read_records(source, dialect, wrong, keys=("unit", "neighbour"), missing=("",))
                raise_all(wrong)
                notes += [f"weights '{name}': {note}" for note in rows.notes]
                frame = pandas.DataFrame(rows.rows, columns=rows.names)
            found[name] = Weights.from_frame(frame, row_normalised=told.row_normalised, where="")
        except CausalError as error:
            faults.extend(_within(fault, place) for fault in error.faults)
    return found


def _of_bundle(folder: Path, name: str) -> Path:
    """The file of that name in the bundle. Raises `CausalError` where it is not there, or lies outside."""
    try:
        inside = (folder / name).resolve()
        there = inside.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, with a character that no name has, or links in a circle
        raise CausalError(Fault(f"'{name}' names no file", "", "give the name of a file beside claims.toml")) from None
    if not inside.is_relative_to(folder.resolve()):
        raise CausalError(Fault(f"file '{name}' lies outside the bundle", "", "put the data beside claims.toml"))
    if not there:
        files = [found.name for found in folder.iterdir() if found.suffix == ".csv"]
        raise CausalError(Fault(f"no file '{name}' in the bundle", "", nearest(name, files)))
    return inside


def _parse_interventions(
    file: _File, graph: Graph, faults: list[Fault], *, nodes_known: bool
) -> list[InterventionSpec]:
    from priors import schema

    specs: list[InterventionSpec] = []
    for key, path in file.children("intervention", faults):
        table = file.table(schema.Intervention, path, faults)
        if table is None:
            continue
        if nodes_known and table.outcome not in graph.names:
            faults.append(
                Fault(f"no node '{table.outcome}'", file.at((*path, "outcome")), nearest(table.outcome, graph.names))
            )
        try:
            targets = sorted({name for found in read_interventions(table.do) for name in nodes_named(found)})
        except CausalError as error:
            at = file.at((*path, "do"))
            faults.extend(Fault(f"{fault.where} {fault.what}", at, fault.mend) for fault in error.faults)
            targets = []
        if nodes_known:
            faults.extend(
                Fault(f"no node '{node}'", file.at((*path, "do")), nearest(node, graph.names))
                for node in targets
                if node not in graph.names
            )
        specs.append(
            InterventionSpec(key, table.do, table.outcome, table.label or key, table.horizon, table.better, table.cost)
        )
    return specs


# --------------------------------------------------------------------------------------------- files with lines

type _Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _File:
    """A TOML file's content and the line on which each table and key stands; `parsed` is False where it has none."""

    name: str
    content: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lines: Mapping[_Path, int] = field(default_factory=dict[_Path, int])
    starts: Mapping[_Path, int] = field(default_factory=dict[_Path, int])
    parsed: bool = False

    def at(self, path: _Path, tag: _Path | None = None) -> str:
        """Where a table or key stands: file, line and the table's header."""
        known = next((path[:size] for size in range(len(path), 0, -1) if path[:size] in self.lines), ())
        line = f":{self.lines[known]}" if known else ""
        return f"{self.name}{line} [{'.'.join(tag or path[:2])}]"

    def text_start(self, path: _Path) -> int:
        """The line on which a text's first line stands."""
        return self.starts.get(path, 1)

    def children(self, section: str, faults: list[Fault]) -> list[tuple[str, _Path]]:
        """The tables [section.KEY], each by key and path."""
        tables = self.content.get(section, {})
        if not isinstance(tables, dict):
            faults.append(Fault(f"{section} is no table", self.at((section,)), f"write [{section}.KEY]"))
            return []
        return [(key, (section, key)) for key in cast("dict[str, Any]", tables)]

    def table[T: schema.Table](
        self, model: type[T], path: _Path, faults: list[Fault], *, required: bool = False
    ) -> T | None:
        """The table at `path` as `model`, or None with faults; an absent one is empty, or missing where required."""
        value: Any = self.content
        for key in path:
            value = cast("dict[str, Any]", value).get(key, {} if not required else None)
        if value is None:
            if self.parsed:
                faults.append(Fault(f"table [{'.'.join(path)}] is missing", self.name, "add it with a title"))
            return None
        if not isinstance(value, dict):
            section = ".".join(path[:1])
            mend = f"write [{section}.KEY]" if len(path) > 1 else f"write [{section}] on a line of its own"
            faults.append(Fault(f"{cut(repr(value), 100)} is no table", self.at(path), mend))
            return None
        return self.validated(model, cast("dict[str, Any]", value), path, faults)

    def validated[T: schema.Table](
        self, model: type[T], value: dict[str, Any], path: _Path, faults: list[Fault], tag: _Path | None = None
    ) -> T | None:
        """The value as `model`, or None with one fault for each key that is wrong."""
        from pydantic import ValidationError

        try:
            return model.model_validate(value)
        except ValidationError as error:
            seen: set[str] = set()
            for detail in error.errors(include_url=False):
                key = str(detail["loc"][0]) if detail["loc"] else ""
                if key in seen:  # a union reports each of its types
                    continue
                seen.add(key)
                what, mend = _shape_fault(detail["type"], detail["msg"], key, detail["input"], model)
                faults.append(Fault(what, self.at((*path, key), tag=tag or path), mend))
            return None


_WRITTEN = {
    "string_type": 'write text in quotes: "..."',
    "int_type": "write a whole number without quotes",
    "float_type": "write a number without quotes",
    "bool_type": "write true or false",
    "list_type": "write a list: [...]",
    "dict_type": "write a table: { key = value }",
    "literal_error": "take one of these words",
}
"""How a value of the type that a key asks for is written, by pydantic's name for the fault."""


def _shape_fault(kind: str, message: str, key: str, given: object, model: type[schema.Table]) -> tuple[str, str]:
    """What is wrong with one key, and the mend, from pydantic's report."""
    if kind == "extra_forbidden":
        return f"unknown key '{key}'", nearest(key, model.model_fields)
    if kind == "missing":
        return f"key '{key}' is missing", f"add {key} = ..."
    if kind in ("string_too_short", "too_short"):
        required = key in model.model_fields and model.model_fields[key].is_required()
        return f"{key} is empty", "fill it in" if required else "fill it in, or leave the key out"
    said = re.sub(r"^Input should be ", "must be ", message)
    mend = _WRITTEN.get(kind, "write another value")
    return f"{key} = {cut(repr(given), 100)} {said[0].lower()}{said[1:]}", mend


def _read_file(folder: Path, name: str, faults: list[Fault]) -> _File:
    """A file of the bundle; one that is missing or does not parse is empty, with a fault."""
    raw = b""
    try:
        if not (folder / name).exists():
            mend = f"write it; 'causal new' shows one, and [{_SECTIONS[name][-1]}.KEY] tables go there"
            raise CausalError(Fault("is missing from the bundle", name, mend))
        raw = read_whole(folder / name, name, _LARGEST, "keep data in files of their own, or cut the bundle in two")
        text = raw.decode("utf-8-sig")
        if _DOTTED.search(text):  # tomllib takes the square of a key's length
            raise RecursionError
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        faults.append(Fault("is not UTF-8", f"{name}:{line}", "save the file as UTF-8"))
        return _File(name)
    except tomllib.TOMLDecodeError as error:
        position = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
        line = int(position[1]) if position and position[1] else raw.count(b"\n") + 1
        what = str(error)[: position.start()] if position else str(error)
        faults.append(Fault(f"is no TOML here: {what}", f"{name}:{line}", "correct the line"))
        return _File(name)
    except CausalError as error:
        faults.extend(error.faults)
        return _File(name)
    except OSError as error:
        faults.append(Fault(f"cannot be read: {error.strerror}", name, "check who may read the folder"))
        return _File(name)
    except ValueError:  # of Python's reader of numbers, which refuses thousands of digits
        faults.append(Fault(_TOO_LONG, name, "no key of a bundle needs that"))
        return _File(name)
    except RecursionError:
        faults.append(Fault(_TOO_DEEP, name, "no key of a bundle needs that"))
        return _File(name)
    if misfit := _misfit(content):
        faults.append(Fault(misfit, name, "leave it out"))
        return _File(name)
    for section, tables in content.items():
        if isinstance(tables, dict) and len(tables) > _MOST_TABLES:
            what = f"has {len(tables)} tables [{section}.KEY], and at most {_MOST_TABLES} are read"
            faults.append(Fault(what, name, "cut the bundle in several"))
            return _File(name)
    lines, starts = _toml_lines(text.replace("\r\n", "\n"))
    file = _File(name, content, lines, starts, parsed=True)
    unknown = [key for key in content if key not in _SECTIONS[name]]
    faults.extend(
        Fault(f"unknown table or key '{key}'", file.at((key,)), nearest(key, _SECTIONS[name])) for key in unknown
    )
    return file


def _misfit(content: Mapping[str, Any]) -> str:
    """What of the values no bundle holds: very deep ones, numbers beyond the 64 bits of TOML, characters that no page can show; "" without any."""
    level: list[Any] = [content]
    for _ in range(_DEEPEST):
        inside = [value for each in level for value in (each.values() if isinstance(each, dict) else each)]
        texts = [*(key for each in level if isinstance(each, dict) for key in each), *inside]
        if held := next((text for text in texts if isinstance(text, str) and _CONTROL.search(text)), None):
            return f"holds a control character in {cut(repr(held), 100)}"
        if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in inside):
            return _TOO_LONG
        level = [value for value in inside if isinstance(value, (dict, list))]
    return _TOO_DEEP if level else ""


_DOTTED = re.compile(r"""(?:(?:(?<![\w-])[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
_KEY = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z0-9_-]+))\s*')
_VALUE_PART = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|\#[^\n]*|[\[{]|[\]}]|\n|[^\s"\'\#\[\]{}]+|[^\S\n]+',
    re.DOTALL,
)


def _toml_lines(text: str) -> tuple[dict[_Path, int], dict[_Path, int]]:
    """The line of each table header and key, and of each value's first line of text, in a text that is valid TOML.

    tomllib gives no positions. Keys inside inline tables stand on the line of the table's own key, those of a list of tables
    behind their table's place in the list.
    """
    lines: dict[_Path, int] = {}
    starts: dict[_Path, int] = {}
    counts: dict[_Path, int] = {}
    table: _Path = ()
    ends = [match.start() for match in re.finditer("\n", text)]
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        line = bisect_left(ends, at) + 1
        if text[at] == "#":
            at = _after(text, "\n", at)
            continue
        if text[at] == "[":
            listed = text.startswith("[[", at)
            table, at = _dotted(text, at + 1 + listed)
            lines.setdefault(table, line)
            if listed:  # the tables of a list are told apart by their place in it
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
                lines[table] = line
            for size in range(1, len(table)):
                lines.setdefault(table[:size], line)
            at = _after(text, "\n", at)
            continue
        key, at = _dotted(text, at)
        for size in range(1, len(key) + 1):
            lines.setdefault((*table, *key[:size]), line)
        at = _after(text, "=", at)
        while text[at : at + 1] in (" ", "\t"):
            at += 1
        trimmed = text.startswith(('"""\n', "'''\n"), at)  # TOML drops a newline right after the quotes
        starts[(*table, *key)] = bisect_left(ends, at) + 1 + trimmed
        at = _after_value(text, at)
    return lines, starts


def _dotted(text: str, at: int) -> tuple[_Path, int]:
    """The key at this place, part by part, and the place after it."""
    parts: list[str] = []
    while match := _KEY.match(text, at):
        parts.append(next(part for part in match.groups() if part is not None))
        at = match.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return tuple(parts), at


def _after_value(text: str, at: int) -> int:
    """The place after a value: the end of its line, outside texts and brackets."""
    depth = 0
    while match := _VALUE_PART.match(text, at):
        at = match.end()
        part = match[0]
        depth += (part in ("[", "{")) - (part in ("]", "}"))
        if part == "\n" and depth == 0:
            break
    return at if match else len(text)


def _after(text: str, character: str, at: int) -> int:
    found = text.find(character, at)
    return len(text) if found == -1 else found + 1


def _within(fault: Fault, where: str) -> Fault:
    """A fault of a part, put at its place in the file; what the part called its own place stays in the words."""
    return Fault(f"{fault.where} {fault.what}".strip(), where, fault.mend)


def _named[T](name: str, known: Mapping[str, T], kind: str) -> T:
    if name not in known:
        raise CausalError(Fault(f"no {kind} '{name}'", mend=nearest(name, known)))
    return known[name]
