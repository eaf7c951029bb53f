"""Hostile files, tables, words and texts: each ends in one clear line and a stable exit status, nothing is written, and nothing in them steers a terminal."""

from __future__ import annotations

import inspect
import json
import logging
import os
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import causal as ca
from causal.cli import main
from causal.dialect import Dialect
from causal.errors import CausalError, Fault, printable
from causal.graph import Edge
from causal.intervene import read_interventions
from causal.panel import read_csv
from causal.prediction import Prediction
from causal.rule import Piece, read_rule
from causal.syntax import from_dagitty
from causal.terminal import print_table, table_of
from priors.read import read_bundle
from tests.oracle import loops

CLAIMS = '''[article]
title = "A report"
[node.x]
label = "Ex"
[node.y]
[graph]
assumed = """
x -> x [lag=1]
y -> y [lag=1]
"""
[claim.c1]
edge = "x -> y [lag=1]"
says = "one moves the other"
where = "p. 1"
'''
STUDIES = '[study.panel]\nfile = "data.csv"\n'
INTERVENTIONS = '[intervention.more]\ndo = "shift x 1"\noutcome = "y"\n'
TEXTS = {"claims.toml": CLAIMS, "studies.toml": STUDIES, "interventions.toml": INTERVENTIONS}
DATA = loops.panel(loops.TWO_TRUE, units=6, times=8, seed=4).to_csv(index=False)
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

Change = Callable[[Path], object]


def bundle(folder: Path, **texts: str) -> Path:
    """A bundle in which nothing is wrong but what `texts` say, by the files' names before the point."""
    folder.mkdir()
    for name, text in {**TEXTS, "data.csv": DATA}.items():
        (folder / name).write_text(texts.get(name.partition(".")[0], text), encoding="utf-8")
    return folder


def run(*words: str) -> Result:
    # What is no error of the user's would come through here, and end the test with its traceback.
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def refused(root: Path, *words: str, status: int = 1) -> str:
    """What the command says of these words, which it must refuse, in both its ways; nothing is written below `root`."""
    before = state(root)
    plain = run(*words)
    assert plain.exit_code == status, plain.output
    assert plain.stdout == ""
    assert plain.stderr.strip()
    assert not STEERING.search(plain.stderr)
    assert len(plain.stderr) < 1_000_000
    document = run(*words[:1], "--json", *words[1:])
    assert document.exit_code == status
    faults = json.loads(document.stdout)["errors"]
    assert all(fault["what"] and fault["where"] and fault["mend"] for fault in faults), faults
    assert len(faults) <= 201
    assert state(root) == before
    return plain.stderr


def replaced(name: str, text: str) -> Change:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def linked(name: str, target: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return change


def other(name: str, make: Callable[[Path], object]) -> Change:
    """Something else stands in a file's place."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return change


def long(name: str) -> Change:
    """A file that is far too large, without room on the disk."""
    return lambda folder: os.truncate(folder / name, 1 << 40)


MANY_NODES = CLAIMS + "".join(f"[node.n{k}]\n" for k in range(2000))
MANY_EDGES = "\n".join(f"n{k} -> n{k + 1} [lag=1]" for k in range(3000))
MANY_KEYS = "".join(f"k{k} = 1\n" for k in range(3000))
LONG_PATH = "path x " + ",".join(f"{k}=1" for k in range(5000))
REFUSED: dict[str, tuple[Change, str]] = {
    "lists in lists": (replaced("claims.toml", CLAIMS + "z = " + "[" * 50_000 + "]" * 50_000), "nested more than 20 deep"),
    "tables in tables": (replaced("claims.toml", CLAIMS + "z = " + "{a=" * 30 + "1" + "}" * 30), "nested more than 20 deep"),
    "a key of many parts": (replaced("claims.toml", CLAIMS + "a" + ".a" * 20_000 + " = 1"), "nested more than 20 deep"),
    "a header of many parts": (replaced("claims.toml", CLAIMS + "[a" + ".'a'" * 20_000 + "]"), "nested more than 20 deep"),
    "a number of thousands of digits": (replaced("claims.toml", CLAIMS + "smallest_effect = " + "9" * 5000), "beyond 64 bits"),
    "a hexadecimal one": (replaced("studies.toml", STUDIES + "first = 0x" + "f" * 5000), "beyond 64 bits"),
    "a year beyond 64 bits": (replaced("studies.toml", STUDIES + f"last = {2**63}"), "beyond 64 bits"),
    "a key of a hundred thousand letters": (replaced("claims.toml", CLAIMS + "a" * 100_000 + " = 1"), "unknown key 'aaa"),
    "a value of a hundred thousand letters": (replaced("claims.toml", CLAIMS + f'core = "{"a" * 100_000}"'), "valid boolean; write true or false"),
    "many thousands of unknown keys": (replaced("claims.toml", CLAIMS + MANY_KEYS), "2800 more things are wrong"),
    "too many nodes": (replaced("claims.toml", MANY_NODES), "has 2002 tables [node.KEY], and at most 2000 are read"),
    "an escape for terminals": (replaced("claims.toml", CLAIMS.replace("A report", r"\u001b[31mA report")), "holds a control character in '\\x1b[31mA report'"),
    "a NUL, which no results file can hold": (replaced("claims.toml", CLAIMS.replace("A report", r"A\u0000")), "control character"),
    "an escape in a key": (replaced("studies.toml", STUDIES.replace("study.panel", r'study."\u001b]0;x"')), "control character"),
    "a comment that turns the line": (replaced("claims.toml", CLAIMS + '"\u202etxet" = 1'), "unknown key '\\u202etxet'"),
    "text for a number": (replaced("claims.toml", CLAIMS + 'smallest_effect = "a"'), "write a number without quotes"),
    "an article that is none": (replaced("claims.toml", "article = 1"), "1 is no table; write [article] on a line of its own"),
    "a folder for a file": (other("claims.toml", Path.mkdir), "claims.toml is no file; put a file in its place"),
    "a pipe that nobody writes": (other("studies.toml", os.mkfifo), "studies.toml is no file"),
    "a device without end": (linked("interventions.toml", "/dev/zero"), "interventions.toml is no file"),
    "a link to itself": (linked("claims.toml", "claims.toml"), "claims.toml is missing"),
    "a file that is far too large": (long("claims.toml"), "has more than 4 MB"),
    "data that are far too large": (long("data.csv"), "has more than 200 MB"),
    "data that are a pipe": (other("data.csv", os.mkfifo), "no file 'data.csv'"),
    "data that link in a circle": (linked("data.csv", "data.csv"), "'data.csv' names no file"),
    "data that link to a device": (linked("data.csv", "/dev/zero"), "lies outside the bundle"),
    "data that link to somebody's file": (linked("data.csv", "/etc/passwd"), "lies outside the bundle"),
    "a file's name with a NUL": (replaced("studies.toml", STUDIES.replace("data.csv", r"a\u0000")), "control character"),
    "a file's name that is too long": (replaced("studies.toml", STUDIES.replace("data.csv", "x" * 300)), "names no file"),
    "a path out of the bundle": (replaced("studies.toml", STUDIES.replace("data.csv", "../data.csv")), "lies outside the bundle"),
    "a path from the root": (replaced("studies.toml", STUDIES.replace("data.csv", "/etc/passwd")), "lies outside the bundle"),
    "too many columns": (replaced("data.csv", ",".join(f"c{k}" for k in range(10_001)) + "\n"), "names 10001 columns, and at most 10000 are read"),
    "a separator and nothing else": (replaced("data.csv", "sep=,"), "is empty"),
    "a value that steers": (replaced("data.csv", DATA.replace("u003", "u\x9b31m")), "no node"),
    "a graph of very many nodes": (replaced("claims.toml", CLAIMS.replace("x -> x [lag=1]", MANY_EDGES)), "no node 'n0'"),
    "a path of very many times": (replaced("interventions.toml", INTERVENTIONS.replace("shift x 1", LONG_PATH)), "'path' has 5000 times, and at most"),
    "an intervention of a hundred thousand letters": (replaced("interventions.toml", INTERVENTIONS.replace("x 1", "x" * 100_000)), "needs a node and a number"),
    "a horizon without end": (replaced("interventions.toml", INTERVENTIONS + "horizon = 1000000000"), "less than or equal to 1000"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_bundle_is_refused_in_clear_words_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    change, said = REFUSED[name]
    folder = bundle(tmp_path / "bundle")
    if name == "a value that steers":
        replaced("claims.toml", CLAIMS.replace("[node.y]", "[node.z]"))(folder)
    change(folder)
    assert said in refused(tmp_path, "check", str(folder))


def test_a_byte_order_mark_and_the_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "bundle")
    for name, text in TEXTS.items():
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert run("check", str(folder)).exit_code == 0


# Tables for new bundles


def workbook(path: Path) -> None:
    pd.DataFrame({"unit": ["a", "a"], "year": [2000, 2001], "x": [1.0, 2.0]}).to_excel(path, index=False)


def with_sheet(path: Path, sheet: str, size: int | None = None) -> None:
    """A workbook with this sheet, which it says has `size` bytes."""
    workbook(path)
    with zipfile.ZipFile(path) as old:
        parts = {info.filename: old.read(info) for info in old.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, raw in (parts | {"xl/worksheets/sheet1.xml": sheet.encode()}).items():
            new.writestr(name, raw)
        if size is not None:
            new.infolist()[-1].file_size = size


def sheet(rows: str) -> str:
    return f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'


def two_corners(path: Path) -> None:
    first = '<row r="1"><c r="XFD1"><v>1</v></c></row>'
    with_sheet(path, sheet(f'{first}<row r="1048576"><c r="A1048576"><v>1</v></c></row>'))


def entities(path: Path) -> None:
    named = "".join(f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(9))
    text = '<row><c t="inlineStr"><is><t>&j;</t></is></c></row>'
    with_sheet(path, f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">{named}]>{sheet(text)}')


def many_rows(path: Path) -> None:
    """Many rows in few bytes."""
    rows = pa.table({name: pa.array(np.zeros(1_000_000)) for name in ("unit", "year", "x")})
    with parquet.ParquetWriter(path, rows.schema) as writer:
        for _ in range(7):
            writer.write_table(rows)


TABLES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a workbook that unpacks to two gigabytes": ("a.xlsx", lambda path: with_sheet(path, sheet(""), 2 << 30), "has more than 20000000 cells"),
    "two cells in far corners": ("a.xlsx", two_corners, "has more than 20000000 cells"),
    "entities of entities": ("a.xlsx", entities, "cannot be read"),
    "a workbook without a sheet's end": ("a.xlsx", lambda path: with_sheet(path, "<worksheet"), "cannot be read"),
    "a Parquet file of 21 million cells": ("a.parquet", many_rows, "has more than 20000000 cells"),
    "a workbook that is none": ("a.xlsx", lambda path: path.write_bytes(b"PK\x03\x04" + bytes(500)), "cannot be read"),
    "a Parquet file that is none": ("a.parquet", lambda path: path.write_bytes(b"PAR1" + struct.pack("<q", -1) + b"PAR1"), "cannot be read"),
    "a workbook as CSV": ("a.csv", workbook, "a.csv"),
    "a separator and nothing else": ("a.csv", lambda path: path.write_text("sep=,"), "is empty"),
    "a pipe": ("a.csv", os.mkfifo, "is no file"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_hostile_table_makes_no_bundle(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    called, make, said = TABLES[name]
    make(tmp_path / called)
    assert said in refused(tmp_path, "new", "mine", "--from-csv", called)
    assert not (tmp_path / "mine").exists()


def test_values_whose_square_overflows_make_a_bundle(tmp_path: Path) -> None:
    rows = "".join(f"u{k // 8},{2000 + k % 8},{(-1) ** k * 1.7e308},{k * k % 11}\n" for k in range(24))
    (tmp_path / "a.csv").write_text("unit,year,x,y\n" + rows, encoding="utf-8")
    done = run("new", str(tmp_path / "mine"), "--from-csv", str(tmp_path / "a.csv"))
    assert done.exit_code in (0, 1)
    assert (tmp_path / "mine").exists() == (done.exit_code == 0)


# Words of the command


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("fit", "BUNDLE", "--draws", "10000000000"), 2),
        (("fit", "BUNDLE", "--seed", str(2**64)), 2),
        (("do", "shift x 1", "BUNDLE", "--horizon", "1000000000"), 2),
        (("validate", "BUNDLE", "--worlds", "99999999999"), 2),
        (("do", "shift z 1", "BUNDLE"), 1),
        (("do", "shift x 1", "BUNDLE", "--outcome", "z\x1b[31m"), 1),
        (("counterfactual", " ", "BUNDLE"), 1),
        (("check", "x" * 5000), 1),
        (("check", "BUNDLE/loop"), 1),
        (("check", "a\x1b[31m"), 1),
        (("check", "BUNDLE", "BUNDLE"), 2),
        (("check", "--no-such"), 2),
        (("check", "-q", "-v", "BUNDLE"), 2),
        (("diff", "x" * 5000, "BUNDLE/data.csv"), 1),
        (("diff", "/dev/zero", "BUNDLE/loop"), 1),
        (("diff", "BUNDLE/data.csv"), 2),
        (("new", "x" * 5000), 1),
        (("new", "/dev/null/x"), 1),
        (("new", "BUNDLE"), 1),
        (("graph", "BUNDLE", "--out", "/dev/null/x"), 1),
        (("rank", "BUNDLE", "--outcome", "zzz"), 1),
    ],
)
def test_words_that_nothing_can_be_done_with(words: tuple[str, ...], status: int, tmp_path: Path) -> None:
    folder = bundle(tmp_path / "bundle")
    (folder / "loop").symlink_to("loop")
    refused(tmp_path, *(word.replace("BUNDLE", str(folder)) for word in words), status=status)


def test_a_node_that_the_graph_lacks_is_told_before_anything_is_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = bundle(tmp_path / "bundle")
    said = refused(tmp_path, "do", "shift ex 1", str(folder), "--outcome", "why")
    assert "no node 'ex'" in said
    assert "no node 'why'" in said


# What is printed


def test_markup_of_the_terminal_is_printed_as_it_is_and_nothing_steers_it(capsys: pytest.CaptureFixture[str]) -> None:
    table = table_of("[bold]a", title="[red]title \x1b[31m[/]")
    table.add_row("[red]x[/] [/] \x1b]0;title\x07 \u202etxet")
    print_table(table)
    told = capsys.readouterr().out
    assert "[red]title \\u001b[31m[/]" in told
    assert "[red]x[/] [/] \\u001b]0;title\\u0007 \\u202etxet" in told
    assert "[bold]a" in told
    assert not STEERING.search(told)


MARKUP = "[red]money[/red] [/] {{ 7 * 7 }} $(id) `id` %s"


def test_a_claim_with_markup_is_printed_as_it_is(tmp_path: Path) -> None:
    text = CLAIMS.replace("one moves the other", MARKUP).replace("A report", MARKUP)
    folder = bundle(tmp_path / "bundle", claims=text, studies=STUDIES.replace("study.panel", 'study."[/red] $(id)"'))
    for words in (("claims",), ("identify", "--all"), ("check",)):
        done = run(*words, str(folder))
        assert done.exit_code == 0, done.output
    assert "[red]money[/red]" in run("claims", str(folder)).stdout
    (claim,) = json.loads(run("claims", "--json", str(folder)).stdout)["claims"]
    assert claim["says"] == MARKUP
    assert "[/red] $(id)" in run("identify", "--all", str(folder)).stdout


def test_studies_whose_names_differ_in_signs_only_keep_a_group_each() -> None:
    from causal.report.tables import _group_names  # pyright: ignore[reportPrivateUsage]

    names = _group_names(["a b", "a-b", "together", "../x"])
    assert len(set(names.values())) == 4
    assert all(re.fullmatch(r"\w+", name) and name != "together" for name in names.values())


def test_the_loops_of_a_dense_graph_are_counted_no_further_than_anyone_can_wait() -> None:
    from causal.claim import Claim
    from causal.report.page import _MOST_LOOPS, _loops  # pyright: ignore[reportPrivateUsage]

    names = [f"n{k}" for k in range(25)]
    claims = [Claim(f"{a}{b}", Edge(a, b, 1), "", "") for a in names for b in names if a != b]
    assert _loops(claims) == _MOST_LOOPS + 1
    assert _loops(claims[:1]) == 0


@pytest.mark.parametrize("form", ["text", "dot", "mermaid", "dagitty", "svg"])
def test_a_graph_is_one_document_in_every_form(form: str, tmp_path: Path) -> None:
    folder = bundle(tmp_path / "bundle")
    document = json.loads(run("graph", str(folder), "--format", form, "--json").stdout)
    assert [node["name"] for node in document["nodes"]] == ["x", "y"]
    assert {(edge["cause"], edge["effect"], edge["lag"]) for edge in document["edges"]} == {
        ("x", "x", 1),
        ("y", "y", 1),
        ("x", "y", 1),
    }
    assert "x" in document["drawn"]
    kept = json.loads(run("graph", str(folder), "--format", form, "--out", str(tmp_path / "g"), "--json").stdout)
    assert kept["files"] == [str(tmp_path / "g")]
    assert (tmp_path / "g").read_text(encoding="utf-8")
    assert "--out FILE" in run("graph", str(folder), "--format", "png", "--json").stdout


def test_every_command_that_prints_results_has_one_document() -> None:
    without = {"completion"}  # a script for a shell
    commands = {name: command for name, command in main.commands.items() if name not in {*without, "cache"}}
    commands |= {f"cache {name}": command for name, command in main.commands["cache"].commands.items()}  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert "as_json" in {parameter.name for parameter in command.params}, name
        assert {"quiet", "verbose"} <= {parameter.name for parameter in command.params}, name


# How much is told


def test_quiet_before_and_after_the_subcommand_prints_results_and_errors_only(tmp_path: Path) -> None:
    for k, words in enumerate((("-q", "new"), ("new", "-q"))):
        done = run(*words, str(tmp_path / f"mine{k}"))
        assert (
            done.stdout
            == f"wrote claims.toml, interventions.toml, panel.csv, schemas, studies.toml into {tmp_path}/mine{k}\n"
        )
        assert done.stderr == ""
    assert "Now say in" in run("new", str(tmp_path / "other")).stdout
    assert "no_such" in run("-q", "check", "no_such").stderr


def test_verbose_tells_on_standard_error_what_is_read_and_written(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "bundle")
    plain = run("check", str(folder))
    for words in (("-v", "check", str(folder)), ("check", str(folder), "-v"), ("-v", "check", "-v", str(folder))):
        done = run(*words)
        assert done.stdout == plain.stdout
        assert done.stderr.count(f"read the bundle {folder}: 1 claims, 1 studies") == 1
        assert "study panel: 6 units, 8 times" in done.stderr
    assert plain.stderr == ""
    assert not logging.getLogger("causal").handlers, "a command leaves no handler behind"
    done = run("graph", str(folder), "--out", str(tmp_path / "g.txt"), "-v")
    assert f"wrote {tmp_path / 'g.txt'}" in done.stderr
    assert json.loads(run("check", "--json", "-v", str(folder)).stdout)["errors"] == []


# Any text


def values_or_faults(read: Callable[[], object]) -> None:
    try:
        read()
    except CausalError as error:
        assert all(fault.what for fault in error.faults)
        assert not STEERING.search(str(error))


WORDS = [
    *(
        "shift",
        "set",
        "cut",
        "path",
        "add",
        "scale",
        "x",
        "y",
        "->",
        "[lag=1]",
        "[-1]",
        "from",
        "to",
        "in",
        "when",
        "and",
    ),
    *("or", ">", "q80", "=", ",", ";", "2016", "-1", "nan", "1e999", "\n", " ", "\x1b[31m", "\0"),
]
ANY = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))


def test_a_word_of_dagitty_alone_is_a_node() -> None:
    assert from_dagitty("strict\n").names == ("strict",)


def test_groups_that_join_millions_of_nodes_are_refused() -> None:
    left, right = (" ".join(f"{side}{k}" for k in range(1000)) for side in "ab")
    with pytest.raises(CausalError, match="join 1000000 pairs of nodes, and at most 100000 are read"):
        from_dagitty(f"{{{left}}} -> {{{right}}}")


@given(text=ANY)
def test_any_text_is_an_intervention_or_a_fault(text: str) -> None:
    values_or_faults(lambda: read_interventions(text))


@given(text=ANY)
def test_any_text_is_a_rule_or_faults(text: str) -> None:
    faults: list[Fault] = []
    conditions, joined = read_rule(Piece.of(text), faults)
    assert conditions or faults
    assert joined in ("and", "or")


TOML = (
    *(
        "[article]\n",
        "title = ",
        "[claim.c1]\n",
        "[[claim.c1.readings]]\n",
        "edge = ",
        "[node.x]\n",
        "[graph]\n",
        "assumed = ",
    ),
    *(
        "[prediction.p]\n",
        "rule = ",
        "rows = ",
        "[evidence.e]\n",
        '"x -> y [lag=1]"\n',
        '"grows"\n',
        "1\n",
        "[1, 2]\n",
        "{a = 1}\n",
    ),
    *("nan\n", "2020-01-01\n", "#", "\n", "=", ".", '"', "'''\n", "\r\n"),
)


@given(
    text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(TOML), max_size=16).map("".join)),
    raw=st.binary(max_size=8),
)
def test_any_files_are_a_bundle_or_faults(tmp_path_factory: pytest.TempPathFactory, text: str, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, whole in TEXTS.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass") + raw)
        (folder / "data.csv").write_text(DATA, encoding="utf-8")
        for other_name in TEXTS:
            if other_name != name:
                (folder / other_name).write_text(TEXTS[other_name], encoding="utf-8")
        values_or_faults(lambda: read_bundle(folder))
        (folder / name).write_text(whole + "\n" + text.replace("\0", ""), encoding="utf-8", errors="replace")
        values_or_faults(lambda: read_bundle(folder))


PREDICTION = {
    "rule": '"grows"', "file": '"data.csv"', "column": '"x"', "rows": '["u000"]', "since": "2001", "until": "2005", "method_changes": "[]",
    "margin": "0.1", "zeros": '"counted"', "unit": '"unit"', "time": '"year"', "than": '{ column = "y" }', "of": '["u000", "u001"]',
}  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([*PREDICTION.values(), '"falls"', '"grows more than"', '"share rises"', "nan", "[]", "{}", "true", '""', "[2001, 2003]", "-1", "[[]]"]),
    st.integers(-(2**70), 2**70).map(str),
)  # fmt: skip


@given(
    given_values=st.dictionaries(st.sampled_from([*PREDICTION]), VALUES, max_size=4),
    left_out=st.sets(st.sampled_from([*PREDICTION])),
)
def test_any_prediction_is_a_rule_or_faults(
    tmp_path_factory: pytest.TempPathFactory, given_values: dict[str, str], left_out: set[str]
) -> None:
    folder = tmp_path_factory.mktemp("any") / "bundle"
    told = {key: value for key, value in (PREDICTION | given_values).items() if key not in left_out - {*given_values}}
    rows = "\n".join(f"{key} = {value}" for key, value in told.items())
    bundle(folder, claims=f'{CLAIMS}[prediction.p]\nsays = "it grows"\nwhere = "p. 2"\n{rows}\n')

    def read() -> None:
        (found,) = read_bundle(folder).predictions
        assert isinstance(found, Prediction)

    values_or_faults(read)


CELLS = (
    *[
        "unit",
        "year",
        "x",
        "u1",
        "2001",
        "2002.5",
        "1,5",
        "1.234,5",
        "1e999",
        "-inf",
        "NA",
        ",",
        ";",
        "|",
        "'",
        "2020-01-01",
        "٣",
    ],
    *('"', "\t", "\n", "\r\n", "\r", " ", "\u00a0"),
    "sep=;\n",
    "\ufeff",
    "\x1b",
)


@given(
    raw=st.one_of(
        st.binary(max_size=80), st.lists(st.sampled_from(CELLS), max_size=40).map(lambda parts: "".join(parts).encode())
    )
)
def test_any_bytes_are_a_panel_or_faults(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "a.csv"
    for start in (b"", b"unit,year,x\nu1,2000,1\n", b"unit;year;x\nu1;2000;1,5\n"):
        file.write_bytes(start + raw)
        values_or_faults(lambda: read_csv(file, unit="unit", time="year"))
        values_or_faults(lambda: read_csv(file, unit="unit", time="year", dialect=Dialect("latin-1", ";", ",")))


@given(text=st.text())
def test_what_is_printable_steers_nothing_and_keeps_all_else(text: str) -> None:
    told = printable(text)
    assert not STEERING.search(told)
    told.encode("utf-8")
    if not STEERING.search(text) and not re.search("[\ud800-\udfff]", text):
        assert told == text


def functions() -> list[str]:
    """The public functions that something must be given to."""
    found = [name for name in ca.__all__ if inspect.isfunction(getattr(ca, name)) and name != "seed_of"]
    return [name for name in found if inspect.signature(getattr(ca, name)).parameters]


@pytest.mark.parametrize("name", functions())
@pytest.mark.parametrize("wrong", [3, None, [object()]], ids=["a number", "nothing", "a list of what is nothing"])
def test_a_function_that_is_given_something_else_says_what_it_takes(name: str, wrong: object) -> None:
    parameters = inspect.signature(getattr(ca, name)).parameters.values()
    needed = [each for each in parameters if each.default is each.empty]
    positions = [wrong for each in needed if each.kind is each.POSITIONAL_OR_KEYWORD]
    names = {each.name: wrong for each in needed if each.kind is each.KEYWORD_ONLY}
    with pytest.raises(CausalError) as raised:
        getattr(ca, name)(*positions, **names)
    assert all(fault.what for fault in raised.value.faults)
