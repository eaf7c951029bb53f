"""How Sphinx makes the documentation: `uv run sphinx-build docs docs/_build`.

Three parts of the reference are made while it is built, so that they cannot differ from the program: the public names from their
docstrings, the keys of a bundle's files from their JSON Schemas, and the command from its own help. In a page stands a comment such as
``<!-- made: schema claims.toml -->``, which `fill` replaces.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import causal
import causal.cli
from priors.schemas import document

ROOT = Path(__file__).resolve().parent.parent

project = "causal-claims"
author = "The authors of causal-claims"
release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
default_role = "code"
autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 90
nitpicky = True
html_theme = "alabaster"
html_theme_options = {"description": "Causal claims, put to panels of data", "page_width": "1100px"}
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False

MADE = re.compile(r"<!-- made: (\w+)(?: (.+?))? -->")


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _kind(schema: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if "enum" in schema:
        return " or ".join(f'`"{word}"`' for word in schema["enum"])
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"table [{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"] if each.get("type") != "null"))
    match schema.get("type"):
        case "array":
            return f"list of {_kind(schema['items'])}" if "items" in schema else "list"
        case "object":
            held = schema.get("additionalProperties")
            return f"table of {_kind(held)}" if isinstance(held, dict) else "table"
        case "string":
            return "text"
        case "boolean":
            return "`true` or `false`"
        case "integer" | "number" as name:
            bounds = {"exclusiveMinimum": "above", "minimum": "at least", "maximum": "at most"}
            told = [f"{word} {schema[key]}" for key, word in bounds.items() if key in schema]
            return " ".join(["whole number" if name == "integer" else "number", *told])
        case _:
            return "time"


def _default(key: str, schema: dict[str, Any], required: list[str]) -> str:
    if key in required:
        return "**needed**"
    value = schema.get("default")
    if value is None or value == "":
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _schema(name: str) -> str:
    """The keys of one of a bundle's files: a table for each kind of table in it."""
    whole = document(name)
    lines = [_row("table", "holds"), _row("---", "---")]
    for key, value in whole["properties"].items():
        inner = value.get("additionalProperties")
        lines.append(_row(*((f"`[{key}.NAME]`", _kind(inner)) if inner else (f"`[{key}]`", _kind(value)))))
    for title, table in sorted(whole.get("$defs", {}).items()):
        required = table.get("required", [])
        told = re.sub(r"(?m)^(\[+[^\]]*\]+)", r"`\1`", table.get("description", ""))
        lines += ["", f"### {title}", "", told, "", _row("key", "takes", "default"), _row("---", "---", "---")]
        lines += [
            _row(f"`{key}`", _kind(value), _default(key, value, required))
            for key, value in table.get("properties", {}).items()
        ]
    return "\n".join(lines)


def _command(_: str) -> str:
    """Each subcommand's own help."""
    parts: list[str] = []

    def tell(command: click.Command, name: str, parent: click.Context | None) -> None:
        with click.Context(command, parent, name, terminal_width=100, **command.context_settings) as context:
            parts.append(f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n")
            if isinstance(command, click.Group):
                for each in command.commands.values():
                    tell(each, str(each.name), context)

    tell(causal.cli.main, "causal", None)
    return "\n".join(parts)


def _rule(_: str) -> str:
    """The rule of the verdicts, from the rule's own numbers."""
    from causal.verdict import LEVELS, SURE

    supported = ", ".join(f"{level:g} under the {name} prior" for name, level in LEVELS.items())
    both = f"at least {SURE:g} under the sceptical and the wide prior"
    return "\n".join(
        _row(*cells)
        for cells in (
            ("verdict", "when"),
            ("---", "---"),
            ("untestable", "no edge can hold the claim, or no study measures both of its nodes"),
            (
                "not-identified",
                "no study that measures both identifies the effect, in its graph and in its fitted equations",
            ),
            ("supported", f"P(*s b* > *d*) is at least {supported}; and no check that vetoes fails for the claim"),
            ("contradicted", f"P(*s b* < -*d*) is {both}"),
            ("negligible", f"P(abs(*b*) < *d*) is {both}"),
            (
                "prior-driven",
                f"P(*s b* > *d*) is at least {LEVELS['article']:g} under the article's prior, and too small under another",
            ),
            ("undecided", "otherwise"),
        )
    )


def _table(module: str) -> str:
    """The table that stands in a module's docstring."""
    told = ast.get_docstring(ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))) or ""
    return "\n".join(line for line in told.splitlines() if line.startswith("|"))


def _hedges(_: str) -> str:
    """The hedge scale, from the surest word to the least sure."""
    from priors.elicit import HEDGES, probability_as_claimed

    read = {word: probability_as_claimed(word) for word in HEDGES}
    lines = [_row("hedge", "mean", "nine in ten readers", "stands for"), _row(*["---"] * 4)]
    for word in sorted(read, key=lambda word: (-read[word].mean, word)):
        reading = read[word]
        lines.append(_row(word, f"{reading.mean:.2f}", f"{reading.low:.2f} to {reading.high:.2f}", HEDGES[word].phrase))
    return "\n".join(lines)


def _strengths(_: str) -> str:
    """The strength scale."""
    from priors.elicit import STRENGTHS

    lines = [_row("strength", "typical size, sd of the outcome per sd of the cause"), _row("---", "---")]
    return "\n".join(lines + [_row(word, f"{size:g}") for word, size in STRENGTHS.items()])


def _checks(_: str) -> str:
    """The modules of the checks by the first sentence of each."""
    lines = [_row("check", "asks"), _row("---", "---")]
    for path in sorted((ROOT / "causal" / "checks").glob("[a-z]*.py")):
        told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if path.stem not in ("result", "again", "scores"):
            lines.append(_row(f"`causal.checks.{path.stem}`", told.split("\n\n")[0]))
    return "\n".join(lines)


MAKERS: dict[str, Callable[[str], str]] = {
    "schema": _schema,
    "command": _command,
    "rule": _rule,
    "table": _table,
    "hedges": _hedges,
    "strengths": _strengths,
    "checks": _checks,
}


def fill(_app: Sphinx, _name: str, source: list[str]) -> None:
    """Put what is made in the place of its comment."""
    source[0] = MADE.sub(lambda found: MAKERS[found[1]](found[2] or ""), source[0])


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Element | None:
    """A type in a signature leads to the public name, wherever it is defined; types of other packages stand as text."""
    if node.get("refdomain") != "py":
        return None
    name = str(node["reftarget"]).rsplit(".", 1)[-1]
    if name in causal.__all__:
        return env.domains.python_domain.resolve_xref(
            env, node["refdoc"], app.builder, node["reftype"], f"causal.{name}", node, content
        )
    return content if node["reftype"] in ("class", "obj", "data", "exc") else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both."""
    app.connect("source-read", fill)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
