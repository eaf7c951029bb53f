"""The one text form of a graph, and the formats in which other programs read and draw it.

One statement stands on a line, or several are separated by ``;``; ``#`` begins a comment. A statement is
a chain of nodes joined by arrows, with attributes in brackets that apply to every link of the chain:

    graph      = statement { (newline | ";") statement }
    statement  = name { arrow name } [ "[" attribute { "," attribute } "]" ]
    arrow      = "->" | "<-" | "<->"
    attribute  = "lag=" number | "sign=" ("+" | "-" | "?") | "across=" name | "family=" family

``lag`` belongs to effects and latents, ``sign`` and ``across`` to effects, ``family`` to a node that stands alone. ``across`` names
the weights with which other units' nodes act, as in ``eradication -> coca [lag=1, across=neighbours]``. A node is
declared by being named. A statement may be repeated word for word; one that disagrees with an earlier one is
an error. All errors come at once, each with its line:

>>> graph = read_graph('''
... revenue -> corruption [lag=1, sign=+]      # money buys officials
... corruption -> presence -> illicit [lag=1, sign=-]
... illicit -> revenue [sign=+]
... ''')
>>> [edge.name for edge in graph.loops()[0]]
['corruption -> presence [lag=1]', 'presence -> illicit [lag=1]', 'illicit -> revenue', 'revenue -> corruption [lag=1]']
>>> read_graph("revenue -> corruption [lag=x]; revenue -> revenue")
Traceback (most recent call last):
causal.errors.CausalError: line 1 "revenue -> corruption [lag=x]": lag 'x' is no whole number; write lag=1, for example
line 1 "revenue -> revenue": 'revenue' acts on itself within the period; give it a lag of at least 1

`Graph.text` writes this form. The exchange formats:

=========  ======================  =========================================================================
dagitty    both ways, exactly      lags, signs and weights as attributes, which dagitty keeps and does not interpret
networkx   both ways, exactly      a MultiDiGraph of the effects, each keyed by its lag; latents in its `graph`
DOT        out only                for Graphviz
Mermaid    out only                for pages and READMEs
=========  ======================  =========================================================================

References: the DAGitty language is that of Textor et al. (2016), "Robust causal inference using directed
acyclic graphs: the R package 'dagitty'", International Journal of Epidemiology 45(6); DOT is Graphviz's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from causal.errors import CausalError, Fault, kind_of, nearest, raise_all
from causal.graph import FAMILIES, LONGEST_LAG, Edge, Graph, Latent, Node, Sign, same_period_cycles

if TYPE_CHECKING:
    import networkx as nx

_ARROW = re.compile(r"(<->|->|<-)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_STATEMENT = re.compile(r"(?P<body>[^\[\]]*)(?:\[(?P<attributes>[^\[\]]*)\])?\s*")
_ATTRIBUTES = ("across", "family", "lag", "sign")
_LONGEST_QUOTE = 200


def read_graph(text: str) -> Graph:
    """The graph that the text form describes.

    Raises `CausalError` with every fault at once, each with its line: what the grammar does not allow,
    unknown attributes and families, lags that are no whole numbers, two signs or families for one thing, a
    cycle within the period, and a text that names no node.
    """
    if not isinstance(cast("object", text), str):
        raise CausalError(Fault(f"a graph is read from text, not from {_kind(text)}", mend="such as 'a -> b [lag=1]'"))
    collected = _Collected()
    for number, statement in _statements(text):
        _collect(statement, f'line {number} "{_shortened(statement)}":', f"line {number}", collected)
    return collected.graph("the text names no node")


def read_edge(text: str) -> Edge:
    """The one effect that the text states, as in ``corruption -> presence [lag=1, sign=-]``.

    Raises `CausalError` with every fault at once, also where the text holds a latent, a lone node, a chain
    or more than one statement.

    >>> read_edge("presence <- corruption [lag=1, sign=-]").name
    'corruption -> presence [lag=1]'
    """
    if not isinstance(cast("object", text), str):
        raise CausalError(Fault(f"an edge is read from text, not from {_kind(text)}", mend="such as 'a -> b [lag=1]'"))
    where = f'"{_shortened(text.strip())}":'
    statements = [statement for _, statement in _statements(text)]
    collected = _Collected()
    for statement in statements:
        _collect(statement, where, "", collected)
    raise_all(collected.faults)
    edges = [edge for edge, _ in collected.edges.values()]
    if len(statements) != 1 or len(edges) != 1 or collected.latents:
        raise CausalError(Fault("is not one effect", where=where, mend="write it as 'a -> b [lag=1, sign=+]'"))
    return edges[0]


def from_dagitty(text: str) -> Graph:
    """The graph of a dagitty description, with or without the lags and signs of `to_dagitty`.

    Chains, both arrows and groups (``x -> {a b}``) are read. What says nothing about the graph (positions,
    labels, exposure, outcome, adjusted, latent) is passed over; a node marked latent becomes a node that
    no study measures. Raises `CausalError` for undirected and partly directed edges, for a mag or pag, whose
    arrows do not mean effects, for names that the text form cannot hold, and for all that `read_graph` refuses.
    """
    if not isinstance(cast("object", text), str):
        raise CausalError(Fault(f"dagitty is read from text, not from {_kind(text)}", mend="such as 'dag { a -> b }'"))
    return _Dagitty(text).read()


def to_dagitty(graph: Graph) -> str:
    """The graph in the language of dagitty, one statement a line; `from_dagitty` gives the same graph back.

    Lags, signs and families stand as attributes. Dagitty itself knows no periods: it reads every line, takes
    a loop for a cycle and keeps one edge where several lags join two nodes.
    """
    _check_graph(graph)
    identifier = _identifiers(graph.names, ("graph", "node"))
    lines: list[str] = []
    for node in graph.nodes:
        attributes = {"named": node.name} if identifier[node.name] != node.name else {}
        attributes |= {"family": node.family} if node.family != "normal" else {}
        lines.append(identifier[node.name] + _quoted(attributes))
    for edge in graph.edges:
        attributes = {"lag": str(edge.lag)} if edge.lag else {}
        attributes |= {"across": edge.across} if edge.across is not None else {}
        attributes |= {"sign": str(edge.sign)} if edge.sign is not Sign.UNKNOWN else {}
        lines.append(f"{identifier[edge.cause]} -> {identifier[edge.effect]}{_quoted(attributes)}")
    for latent in graph.latents:
        attributes = {"lag": str(latent.lag)} if latent.lag else {}
        lines.append(f"{identifier[latent.left]} <-> {identifier[latent.right]}{_quoted(attributes)}")
    return "\n".join(("dag {", *lines, "}"))


def to_dot(graph: Graph) -> str:
    """The graph for Graphviz: effects as arrows, latents dashed with two heads, lags, weights and signs as labels.

    Each link also carries its ``lag``, ``sign``, ``across`` and ``latent`` as attributes for programs.
    """
    _check_graph(graph)
    lines = ["digraph {", "    rankdir=LR;", "    node [shape=box, style=rounded];"]
    for node in graph.nodes:
        label = node.name + (f"\\n({node.family})" if node.family != "normal" else "")
        lines.append(f'    "{node.name}" [label="{label}", family="{node.family}"];')
    for edge in graph.edges:
        drawn = f'label="{_label(edge.lag, edge.sign, edge.across)}", lag="{edge.lag}", sign="{edge.sign}"'
        drawn += "" if edge.across is None else f', across="{edge.across}"'
        lines.append(f'    "{edge.cause}" -> "{edge.effect}" [{drawn}];')
    for latent in graph.latents:
        drawn = (
            f'label="{_label(latent.lag)}", lag="{latent.lag}", latent="true", dir=both, style=dashed, constraint=false'
        )
        lines.append(f'    "{latent.left}" -> "{latent.right}" [{drawn}];')
    return "\n".join((*lines, "}"))


def to_mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart: effects as arrows, latents dotted with two heads.

    >>> print(to_mermaid(read_graph("a -> b [lag=1]")))
    flowchart LR
        a["a"]
        b["b"]
        a -->|"lag 1"| b
    """
    _check_graph(graph)
    identifier = _identifiers(graph.names, _MERMAID_WORDS)
    lines = ["flowchart LR"]
    for node in graph.nodes:
        label = node.name + (f" ({node.family})" if node.family != "normal" else "")
        lines.append(f'    {identifier[node.name]}["{label}"]')
    for edge in graph.edges:
        label = _label(edge.lag, edge.sign, edge.across)
        lines.append(f"    {identifier[edge.cause]} -->{_piped(label)} {identifier[edge.effect]}")
    for latent in graph.latents:
        label = _label(latent.lag)
        lines.append(f"    {identifier[latent.left]} <-.->{_piped(label)} {identifier[latent.right]}")
    return "\n".join(lines)


def to_networkx(graph: Graph) -> nx.MultiDiGraph[str]:
    """The effects as a networkx MultiDiGraph; `from_networkx` gives the same graph back.

    Nodes carry ``family``; edges are keyed by their lag (and weights, across units) and carry ``lag``, ``sign`` and, across units,
    ``across`` (text). Latents are no
    edges, which networkx would follow as effects: they stand in ``.graph["latents"]`` as (left, right, lag).
    """
    import networkx as nx

    _check_graph(graph)
    result: nx.MultiDiGraph[str] = nx.MultiDiGraph(latents=[(at.left, at.right, at.lag) for at in graph.latents])
    result.add_nodes_from((node.name, {"family": node.family}) for node in graph.nodes)
    for edge in graph.edges:
        if edge.across is None:
            result.add_edge(edge.cause, edge.effect, key=edge.lag, lag=edge.lag, sign=str(edge.sign))
        else:
            kind: Any = (edge.lag, edge.across)
            result.add_edge(edge.cause, edge.effect, key=kind, lag=edge.lag, sign=str(edge.sign), across=edge.across)
    return result


def from_networkx(graph: nx.DiGraph[Any]) -> Graph:
    """The graph of a networkx DiGraph or MultiDiGraph.

    Reads ``family`` of nodes, ``lag``, ``sign`` and ``across`` of edges and ``.graph["latents"]``, all of which may be
    absent (normal, 0, unknown, none); other attributes are passed over. Raises `CausalError` with every
    fault at once for an undirected graph, names that are no text, and all that `Graph` refuses.
    """
    import networkx as nx

    if not isinstance(cast("object", graph), nx.DiGraph):
        raise CausalError(Fault(f"a graph is read from a networkx DiGraph, not from {_kind(graph)}"))
    collected = _Collected()
    for name, data in cast("Iterable[tuple[object, dict[str, object]]]", graph.nodes(data=True)):
        collected.add_node(name, data.get("family", "normal"), f"node {name!r}:", "")
    for cause, effect, data in cast("Iterable[tuple[object, object, dict[str, object]]]", graph.edges(data=True)):
        where = f"edge {cause!r} -> {effect!r}:"
        sign, across = data.get("sign", Sign.UNKNOWN), data.get("across")
        collected.add_edge(cause, effect, data.get("lag", 0), sign, across, where, "")
    latents = graph.graph.get("latents", ())
    if isinstance(latents, str) or not isinstance(latents, Iterable):
        collected.faults.append(Fault(f"the latents {latents!r} are no list", mend="list (left, right, lag)"))
        latents = ()
    for latent in cast("Iterable[object]", latents):
        match latent:
            case (left, right):
                collected.add_latent(left, right, 0, f"latent {latent!r}:")
            case (left, right, lag):
                collected.add_latent(left, right, lag, f"latent {latent!r}:")
            case _:
                collected.faults.append(Fault(f"{latent!r} is no latent", mend="list (left, right, lag)"))
    return collected.graph("the networkx graph has no node")


# The text form


@dataclass(slots=True)
class _Collected:
    """What the statements say so far. Mutable: a statement can be judged only beside the earlier ones."""

    families: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    edges: dict[str, tuple[Edge, str]] = field(default_factory=dict[str, tuple[Edge, str]])
    latents: dict[Latent, None] = field(default_factory=dict[Latent, None])
    names: dict[str, None] = field(default_factory=dict[str, None])
    faults: list[Fault] = field(default_factory=list[Fault])

    def add_node(self, name: object, family: object, where: str, place: str) -> None:
        """Declare a node; without a family the statement only names it."""
        try:
            node = Node(cast("str", name), cast("str", "normal" if family is None else family))
        except CausalError as error:
            self._keep(error, where)
            return
        self.names[node.name] = None
        if family is None:
            return
        before, place_before = self.families.setdefault(node.name, (node.family, place))
        if before != node.family:
            what = f"'{node.name}' has the family {node.family} here but {before}{_on(place_before)}"
            self.faults.append(Fault(what, where, "keep one of them"))

    def add_edge(
        self, cause: object, effect: object, lag: object, sign: object, across: object, where: str, place: str
    ) -> None:
        """Add an effect; one that was given before must have the same sign."""
        try:
            edge = Edge(
                cast("str", cause), cast("str", effect), cast("int", lag), cast("Sign", sign), cast("str", across)
            )
        except CausalError as error:
            self._keep(error, where)
            return
        self.names |= {edge.cause: None, edge.effect: None}
        before, place_before = self.edges.setdefault(edge.name, (edge, place))
        if before.sign != edge.sign:
            what = f"two signs for one edge: {_said(edge.sign)} here but {_said(before.sign)}{_on(place_before)}"
            self.faults.append(Fault(what, where, "keep one of them"))

    def add_latent(self, left: object, right: object, lag: object, where: str) -> None:
        """Add a latent; within the period its two sides are alike."""
        try:
            latent = Latent(cast("str", left), cast("str", right), cast("int", lag))
        except CausalError as error:
            self._keep(error, where)
            return
        self.names |= {latent.left: None, latent.right: None}
        if latent.lag == 0 and latent.left > latent.right:
            latent = Latent(latent.right, latent.left)
        self.latents[latent] = None

    def graph(self, empty: str) -> Graph:
        """The graph, or one error with all faults; a cycle names the lines that make it."""
        if not self.names and not self.faults:
            self.faults.append(Fault(empty, mend="name at least one node, such as 'a -> b [lag=1]'"))
        edges = tuple(edge for edge, _ in self.edges.values())
        for cycle in same_period_cycles(edges):
            steps = [f"{cause} -> {effect}" for cause, effect in zip(cycle, (*cycle[1:], cycle[0]), strict=True)]
            places = [self.edges[step][1] for step in steps]
            where = ", ".join(dict.fromkeys(place for place in places if place))
            what = f"the edges within one period form a cycle: {' -> '.join((*cycle, cycle[0]))}"
            self.faults.append(Fault(what, f"{where}:" if where else "", "give one of them a lag of at least 1"))
        raise_all(self.faults)
        families = {name: family for name, (family, _) in self.families.items()}
        nodes = tuple(Node(name, families.get(name, "normal")) for name in self.names)
        return Graph(nodes, edges, tuple(self.latents))

    def _keep(self, error: CausalError, where: str) -> None:
        self.faults += [Fault(fault.what, where, fault.mend) for fault in error.faults]


def _statements(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        for part in line.partition("#")[0].split(";"):
            if part.strip():
                yield number, part.strip()


def _collect(statement: str, where: str, place: str, collected: _Collected) -> None:
    """Add one statement's nodes, effects and latents, or its faults."""
    match = _STATEMENT.fullmatch(statement)
    if match is None:
        mend = "write attributes once, at the end, as in 'a -> b [lag=1, sign=+]'"
        collected.faults.append(Fault(_bracket_fault(statement), where, mend))
        return
    pieces = [piece.strip() for piece in _ARROW.split(match["body"])]
    names, arrows = pieces[::2], pieces[1::2]
    faults = list(_name_faults(names, arrows))
    attributes, attribute_faults = _attributes(match["attributes"], arrows)
    faults += attribute_faults
    collected.faults += [Fault(fault.what, where, fault.mend) for fault in faults]
    if faults:
        return
    if not arrows:
        collected.add_node(names[0], attributes.get("family"), where, place)
        return
    lag = int(attributes.get("lag", "0"))
    sign = Sign(attributes.get("sign", "?"))
    for left, arrow, right in zip(names, arrows, names[1:], strict=False):
        if arrow == "<->":
            collected.add_latent(left, right, lag, where)
        else:
            cause, effect = (left, right) if arrow == "->" else (right, left)
            collected.add_edge(cause, effect, lag, sign, attributes.get("across"), where, place)


def _bracket_fault(statement: str) -> str:
    first, last = statement.find("["), statement.rfind("]")
    if first == -1 or 0 <= last < first:
        return "']' closes no '['"
    if last == -1:
        return f"'{statement[first:]}' is never closed"
    if statement[last + 1 :].strip() and statement.count("[") == statement.count("]") == 1:
        return f"'{statement[last + 1 :].strip()}' stands after the attributes"
    return "has more than one pair of brackets"


def _name_faults(names: list[str], arrows: list[str]) -> Iterator[Fault]:
    for at, name in enumerate(names):
        if not name and not arrows:
            yield Fault("the attributes belong to nothing", mend="name a node or an effect before them")
        elif not name and at == 0:
            yield Fault(f"nothing stands before '{arrows[0]}'", mend="name a node there")
        elif not name:
            yield Fault(f"nothing stands after '{arrows[at - 1]}'", mend="name a node there")
        elif not _NAME.fullmatch(name) and (re.search("[-=<>]", name) or re.search(r"\s", name)):
            yield Fault(f"'{name}' is no name of a node", mend="an effect is written 'a -> b', a latent 'a <-> b'")
        elif not _NAME.fullmatch(name):
            mend = "begin with a letter a to z, then letters, digits and _"
            yield Fault(f"'{name}' is no name of a node", mend=mend)


def _attributes(text: str | None, arrows: list[str]) -> tuple[dict[str, str], list[Fault]]:
    """The attributes by name, and what is wrong with them for a statement with these arrows."""
    found: dict[str, str] = {}
    faults: list[Fault] = []
    if text is None:
        return found, faults
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            faults.append(Fault("an attribute is missing in the brackets", mend="such as lag=1"))
        elif key not in _ATTRIBUTES:
            faults.append(Fault(f"no attribute '{key}'", mend=nearest(key, _ATTRIBUTES)))
        elif not equals or not value:
            faults.append(Fault(f"'{part.strip()}' gives no value", mend=f"write {key}={_EXAMPLES[key]}"))
        elif key in found:
            faults.append(Fault(f"{key} is given twice", mend="keep one of them"))
        else:
            found[key] = value
            faults += _value_faults(key, value, arrows)
    return found, faults


_EXAMPLES = {"lag": "1", "sign": "+", "family": "poisson", "across": "neighbours"}


def _value_faults(key: str, value: str, arrows: list[str]) -> Iterator[Fault]:
    if key == "family":
        if arrows:
            yield Fault("family belongs to a node", mend=f"give it a line of its own: 'a [family={value}]'")
        if value not in FAMILIES:
            yield Fault(f"no family '{value}'", mend=nearest(value, FAMILIES))
        return
    if not arrows:
        yield Fault(f"{key} belongs to an effect", mend=f"write it behind one, as in 'a -> b [{key}={value}]'")
    if key == "sign":
        if "<->" in arrows:
            yield Fault("a latent has no sign", mend="leave the sign out")
        if value not in tuple(Sign):
            yield Fault(f"no sign '{value}'", mend="one of: +, -, ?")
    elif key == "across":
        if "<->" in arrows:
            yield Fault("a latent is not shared across units", mend="leave across out")
        if not _NAME.fullmatch(value):
            yield Fault(
                f"'{value}' is no name of weights", mend="begin with a letter a to z, then letters, digits and _"
            )
    elif not re.fullmatch("[0-9]+", value):
        what = f"lag '{value}' is no whole number" + (" of at least 0" if value.startswith("-") else "")
        yield Fault(what, mend="write lag=1, for example")
    elif len(value) > len(str(LONGEST_LAG)):
        yield Fault(f"the lag is beyond {LONGEST_LAG} periods", mend="give the number of periods, such as 1")


def _on(place: str) -> str:
    return f" on {place}" if place else " elsewhere"


def _said(sign: Sign) -> str:
    return "no sign" if sign is Sign.UNKNOWN else str(sign)


def _shortened(text: str) -> str:
    """The text for a message; a reader finds the line by its number, so a long one may be cut."""
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


def _kind(given: object) -> str:
    if given is None or isinstance(given, bool | int | float):
        return repr(given)
    return kind_of(given)


def _check_graph(graph: object) -> None:
    if not isinstance(graph, Graph):
        raise CausalError(Fault(f"a Graph is asked for, not {_kind(graph)}", mend="read one with read_graph"))


# Dagitty


_TOKEN = re.compile(
    r'(?P<space>[\s;]+)|(?P<string>"(?:[^"\\]|\\.)*")|(?P<arrow>@->|<-@|<->|->|<-|--@|@--|@-@|--)'
    r"|(?P<mark>[{}\[\]=,])|(?P<word>-?[0-9A-Za-z_.]+)",
    re.DOTALL,
)
_TYPES = ("dag", "digraph", "graph", "pdag")
_DEEPEST = 50
_MOST_LINKS = 100_000


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


class _Dagitty:
    """A reader of one dagitty text. A class because the place in the text moves as its parts are read."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at = 0
        self.statements: list[tuple[list[tuple[list[str], str, list[str]]], dict[str, str], int]] = []
        self.nodes: dict[str, dict[str, str]] = {}

    def read(self) -> Graph:
        """The graph of the whole text; the outer ``dag { }`` may be left out, as in dagitty."""
        if not self.tokens:
            raise CausalError(Fault("the text is empty", "line 1:", "write one such as 'dag { a -> b }'"))
        kinds = [token.text.lower() for token in self.tokens]
        if kinds[0] == "strict" and len(kinds) > 1:
            self.at = 1
        brace = next((at for at, token in enumerate(self.tokens) if token.kind not in ("word", "string")), 0)
        if kinds[self.at] in (*_TYPES, "mag", "pag") and kinds[brace] == "{" and brace - self.at in (1, 2):
            if kinds[self.at] in ("mag", "pag"):
                what = f"the arrows of a {kinds[self.at]} mean ancestors, not effects"
                raise CausalError(Fault(what, self.where(), "turn it into a dag first"))
            self.at = brace + 1
            self.group("}", 0)
        else:
            self.at = 0
            self.group("", 0)
        if self.at < len(self.tokens):
            self.fail(f"'{self.tokens[self.at].text}' stands after the graph's end")
        return self.build()

    def build(self) -> Graph:
        joined = sum(len(lefts) * len(rights) for links, _, _ in self.statements for lefts, _, rights in links)
        if joined > _MOST_LINKS:
            what = f"its groups in braces join {joined} pairs of nodes, and at most {_MOST_LINKS} are read"
            raise CausalError(Fault(what, "line 1:", "write the links that are meant"))
        collected = _Collected()
        named = {identifier: attributes.get("named", identifier) for identifier, attributes in self.nodes.items()}
        for identifier, name in named.items():
            if name != identifier and list(named.values()).count(name) > 1:
                collected.faults.append(Fault(f"another node is named '{name}' too", f'"{identifier}":', "rename one"))
        for identifier, attributes in self.nodes.items():
            collected.add_node(named[identifier], attributes.get("family"), f'"{identifier}":', "")
        for links, attributes, line in self.statements:
            for lefts, arrow, rights in links:
                for left in lefts:
                    for right in rights:
                        where = f'line {line} "{left} {arrow} {right}":'
                        if _is_named(named[left]) and _is_named(named[right]):
                            _link(named[left], arrow, named[right], attributes, where, f"line {line}", collected)
        return collected.graph("the text names no node")

    def group(self, end: str, depth: int) -> list[str]:
        """The statements up to `end`; returns every node that they name."""
        if depth > _DEEPEST:
            self.fail(f"the braces are nested more than {_DEEPEST} deep")
        found: dict[str, None] = {}
        while self.at < len(self.tokens) and self.tokens[self.at].text != end:
            found |= dict.fromkeys(self.statement(depth))
        if end:
            self.take()
        return list(found)

    def statement(self, depth: int) -> list[str]:
        line = self.tokens[self.at].line
        first_is_name = self.tokens[self.at].text != "{"
        if first_is_name and self.tokens[self.at + 1 : self.at + 2] and self.tokens[self.at + 1].text == "=":
            # An option of the whole drawing, such as its bounding box.
            self.at += 2
            self.take()
            return []
        ends = self.ends(depth)
        found = list(ends)
        links: list[tuple[list[str], str, list[str]]] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind == "arrow":
            arrow = self.take().text
            after = self.ends(depth)
            links.append((ends, arrow, after))
            found += after
            ends = after
        attributes = self.attributes() if links or first_is_name else {}
        if links:
            self.statements.append((links, attributes, line))
        elif first_is_name:
            self.nodes[found[0]] |= attributes
        return found

    def ends(self, depth: int) -> list[str]:
        """One node, or the nodes of a group in braces."""
        token = self.take()
        if token.text == "{" and token.kind == "mark":
            return self.group("}", depth + 1)
        if token.kind not in ("word", "string"):
            self.at -= 1
            self.fail(f"'{token.text}' stands where a node should")
        name = _unquoted(token)
        self.nodes.setdefault(name, {})
        return [name]

    def attributes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.at == len(self.tokens) or self.tokens[self.at].text != "[":
            return found
        self.at += 1
        while (key := self.take()).text != "]":
            if key.kind not in ("word", "string"):
                self.at -= 1
                self.fail(f"'{key.text}' stands where an attribute should")
            value = ""
            if self.at < len(self.tokens) and self.tokens[self.at].text == "=":
                self.at += 1
                value = _unquoted(self.take())
            found[_unquoted(key)] = value
            if self.at < len(self.tokens) and self.tokens[self.at].text == ",":
                self.at += 1
        return found

    def take(self) -> _Token:
        if self.at == len(self.tokens):
            raise CausalError(Fault("the text ends too early", self.where(), "close every brace and bracket"))
        self.at += 1
        return self.tokens[self.at - 1]

    def where(self) -> str:
        return f"line {self.tokens[min(self.at, len(self.tokens) - 1)].line}:"

    def fail(self, what: str) -> None:
        raise CausalError(Fault(what, self.where(), "write it as dagitty does, as in 'dag { a -> b }'"))


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CausalError(Fault(f"{text[at]!r} has no meaning in dagitty", f"line {line}:", "leave it out"))
        if match.lastgroup != "space":
            yield _Token(cast("str", match.lastgroup), match[0], line)
        line += match[0].count("\n")
        at = match.end()


def _unquoted(token: _Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "string" else token.text


def _is_named(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _link(
    left: str, arrow: str, right: str, attributes: dict[str, str], where: str, place: str, collected: _Collected
) -> None:
    """Add one link of a dagitty statement; only lag, sign and across say something about it."""
    if arrow not in ("->", "<-", "<->"):
        collected.faults.append(Fault(f"'{arrow}' is no effect and no latent", where, "direct it: ->, <- or <->"))
        return
    ours = {key: value for key, value in attributes.items() if key in ("lag", "sign", "across")}
    faults = [fault for key, value in ours.items() for fault in _value_faults(key, value, [arrow])]
    collected.faults += [Fault(fault.what, where, fault.mend) for fault in faults]
    if faults:
        return
    lag = int(ours.get("lag", "0"))
    if arrow == "<->":
        collected.add_latent(left, right, lag, where)
        return
    cause, effect = (left, right) if arrow == "->" else (right, left)
    collected.add_edge(cause, effect, lag, ours.get("sign", "?"), ours.get("across"), where, place)


# Writing


_MERMAID_WORDS = (
    "call",
    "class",
    "classDef",
    "click",
    "default",
    "direction",
    "end",
    "flowchart",
    "graph",
    "href",
    "interpolate",
    "linkStyle",
    "style",
    "subgraph",
)


def _identifiers(names: tuple[str, ...], reserved: tuple[str, ...]) -> dict[str, str]:
    """A name for each node that is none of the reserved words: the word and as many underscores as it takes."""
    result: dict[str, str] = {}
    for name in names:
        written = name
        while written in reserved or (written != name and written in names):
            written += "_"
        result[name] = written
    return result


def _quoted(attributes: dict[str, str]) -> str:
    return f" [{', '.join(f'{key}="{value}"' for key, value in attributes.items())}]" if attributes else ""


def _label(lag: int, sign: Sign = Sign.UNKNOWN, across: str | None = None) -> str:
    parts = [f"lag {lag}"] * bool(lag) + [f"across {across}"] * (across is not None)
    parts += [f"sign {sign}"] * (sign is not Sign.UNKNOWN)
    return ", ".join(parts)


def _piped(label: str) -> str:
    return f'|"{label}"|' if label else ""
