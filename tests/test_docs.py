"""The documentation: its links, its code blocks and its commands beside the program, and that Sphinx builds it without a warning."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import causal
from causal.cli import main
from priors.schemas import document, names

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts),
]
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
SAMPLERS = {"fit", "fit_many", "validate", "forecast_study", "foretell"}
"""What compiles and samples; all else on the pages of the reference is quick."""
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\[\]]*\]\(([^()\s]+)\)")
OWN_PATH = re.compile(r"`((?:causal|priors|tests|tools|docs|benchmarks|notebooks)/[\w./-]+)`")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for path in PAGES:
        for found in FENCE.finditer(path.read_text(encoding="utf-8")):
            if found["language"].strip() == language:
                yield named(path), found["text"]


def public_names(path: Path) -> list[str]:
    """The public names that the page documents, those of other modules than `causal` left out."""
    names: list[str] = []
    module = ""
    for kind, name in re.findall(r"^\.\. (\w+):: ([\w.]+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        module = name if kind == "currentmodule" else module
        if kind != "currentmodule" and module == "causal":
            names.append(name)
    return names


def examples(path: Path) -> list[doctest.Example]:
    """What the page's blocks type at the prompt, one after the other, each at its line of the page."""
    text = path.read_text(encoding="utf-8")
    found: list[doctest.Example] = []
    for block in FENCE.finditer(text):
        if block["language"].strip() == "pycon":
            # Each block by itself: the fence behind it would pass for what its last line prints.
            for example in doctest.DocTestParser().get_examples(block["text"], str(path)):
                example.lineno += text.count("\n", 0, block.start("text"))
                found.append(example)
    return found


def used(path: Path) -> set[str]:
    """The names that the page's examples take from `ca`."""
    typed = ast.walk(ast.parse("".join(example.source for example in examples(path))))
    return {
        node.attr
        for node in typed
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ca"
    }


def anchors(path: Path) -> set[str]:
    """What the page's headings are linked by."""
    headings = re.findall(r"^#+\s+(.+?)\s*$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_link_within_the_repository_leads_somewhere(path: Path) -> None:
    lost: list[str] = []
    for target in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_file_that_is_named_is_there(path: Path) -> None:
    """A folder that the source distribution leaves out is not asked for."""
    told = [place for place in OWN_PATH.findall(prose(path)) if (ROOT / place.split("/")[0]).is_dir()]
    assert [place for place in told if not (ROOT / place.rstrip("/")).exists()] == []


def test_every_page_of_the_documentation_stands_in_a_table_of_contents() -> None:
    listed = {ROOT / "docs" / "index.md"}
    for path in PAGES:
        for found in FENCE.finditer(path.read_text(encoding="utf-8")):
            if found["language"].strip() == "{toctree}":
                entries = [line for line in found["text"].splitlines() if line and not line.startswith(":")]
                listed |= {path.parent / f"{entry}.md" for entry in entries}
    assert {path for path in PAGES if (ROOT / "docs") in path.parents} == listed


def test_every_public_name_is_in_the_reference_once_and_says_what_it_is() -> None:
    told = Counter[str]()
    for path in REFERENCE:
        told.update(public_names(path))
    assert told == Counter(causal.__all__)
    silent = [
        name
        for name in causal.__all__
        if not (text := inspect.getdoc(getattr(causal, name))) or text.startswith(f"{name}(")
    ]
    assert silent == []


def test_every_public_name_is_used_in_the_examples_of_its_page() -> None:
    pages = {path: names for path in REFERENCE if (names := public_names(path))}
    assert {name for names in pages.values() for name in names} == set(causal.__all__)
    unused = {named(path): sorted(set(names) - used(path)) for path, names in pages.items()}
    assert {page: names for page, names in unused.items() if names} == {}
    # A page is one session of its own, which a reader can begin at its first line.
    assert {examples(path)[0].source for path in pages} == {"import causal as ca\n"}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.slow] if used(path) & SAMPLERS else [])
        for path in REFERENCE
        if examples(path)
    ],
    ids=named,
)
def test_the_examples_of_a_page_run_and_print_what_they_show(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of their own: some write files."""
    monkeypatch.chdir(tmp_path)
    session = doctest.DocTest(examples(path), {}, path.stem, str(path), 0, None)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    told: list[str] = []
    results = runner.run(session, out=told.append)
    assert results.failed == 0, "".join(told)
    assert results.attempted == len(session.examples)


def test_python_blocks_compile_and_name_what_there_is() -> None:
    unknown: list[tuple[str, str]] = []
    for page, text in blocks("python"):
        for node in ast.walk(ast.parse(text, filename=page)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ca":
                unknown += [(page, node.attr)] * (node.attr not in causal.__all__)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("causal", "priors"):
                module = __import__(node.module, fromlist=["*"])
                unknown += [(page, alias.name) for alias in node.names if not hasattr(module, alias.name)]
    assert unknown == []


def test_commands_have_the_names_and_options_that_the_pages_give_them() -> None:
    wrong: list[tuple[str, str]] = []
    for page, text in blocks("sh"):
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ["causal"]:
                continue
            command: click.Command = main
            rest = words[1:]
            while isinstance(command, click.Group) and rest and rest[0] in command.commands:
                command, rest = command.commands[rest[0]], rest[1:]
            known = {name for each in command.params for name in each.opts} | {"--help", "-h"}
            given = [word.partition("=")[0] for word in rest if word.startswith("-") and not re.match(r"-\d", word)]
            if isinstance(command, click.Group) or not known.issuperset(given):
                wrong.append((page, line))
    assert wrong == []


def test_toml_blocks_hold_keys_that_a_bundle_has() -> None:
    known = {key for name in names() for key in document(name)["properties"]}
    for page, text in blocks("toml"):
        found = tomllib.loads(text)
        inner = all(isinstance(value, (str, int, float, dict)) and key not in known for key, value in found.items())
        assert inner or set(found) <= known, page


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "-d", tmp_path / "trees", ROOT / "docs", tmp_path / "pages"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    made = (tmp_path / "pages" / "reference" / "bundle.html").read_text(encoding="utf-8")
    assert "smallest_effect" in made
    command = (tmp_path / "pages" / "reference" / "command.html").read_text(encoding="utf-8")
    assert all(f"causal {name}" in command for name in main.commands)
    assert "made:" not in "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "pages").rglob("*.html"))


@pytest.mark.slow
def test_the_tutorial_runs_as_it_is_typed_and_prints_what_it_shows(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "200"}
    bundle = tmp_path / "police"

    def run(*words: str | Path) -> str:
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    program = Path(sys.executable).parent / "causal"
    printed, shown = "", ""
    for found in FENCE.finditer((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")):
        language, text = found["language"].strip(), found["text"]
        if language == "python" and not bundle.exists():
            (tmp_path / "make.py").write_text(text, encoding="utf-8")
        elif language == "python":
            (tmp_path / "road.py").write_text(text, encoding="utf-8")
            printed += run(sys.executable, tmp_path / "road.py")
        elif language == "toml":
            name = "claims.toml" if "[article]" in text else "interventions.toml"
            (bundle / name).write_text(text, encoding="utf-8")
        elif language == "sh":
            for words in map(shlex.split, text.splitlines()):
                printed += run({"python": sys.executable, "causal": program}[words[0]], *words[1:])
        elif language == "text":
            shown += text
    claims = (bundle / "claims.toml").read_text(encoding="utf-8")
    (bundle / "claims.toml").write_text(claims.replace('edge = "bribes', 'edge = "bribse', 1), encoding="utf-8")
    printed += run(program, "check", "police")
    assert [line for line in shown.splitlines() if line not in printed] == []
    assert "Traceback" not in printed
