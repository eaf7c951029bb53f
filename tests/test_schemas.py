"""The JSON Schemas of a bundle's files: what they take and what they refuse, beside the reader."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from causal.scaffold import start
from priors.read import bundle_folder, bundle_keys
from priors.schemas import document, file_of, names


def faults(name: str, content: dict[str, Any]) -> list[str]:
    return [error.json_path for error in jsonschema.Draft202012Validator(document(name)).iter_errors(content)]


@pytest.mark.parametrize("name", names())
def test_the_shipped_schema_is_the_one_that_the_reader_checks_by(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(document(name))
    assert json.loads(file_of(name).read_text(encoding="utf-8")) == document(name), "run tools/write_schemas.py"


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("key", bundle_keys())
def test_the_built_in_bundles_hold_to_it(key: str, name: str) -> None:
    assert faults(name, tomllib.loads((bundle_folder(key) / name).read_text(encoding="utf-8"))) == []


def test_a_new_bundle_holds_to_it_and_brings_it_for_editors(tmp_path: Path) -> None:
    start(tmp_path / "mine")
    for name in names():
        text = (tmp_path / "mine" / name).read_text(encoding="utf-8")
        assert faults(name, tomllib.loads(text)) == []
        said = text.splitlines()[0].removeprefix("#:schema ")
        assert json.loads((tmp_path / "mine" / said).read_text(encoding="utf-8")) == document(name)


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("claims.toml", {}, "$"),
        ("claims.toml", {"article": {"title": "t", "yaer": 2015}}, "$.article"),
        ("claims.toml", {"article": {"title": ""}}, "$.article.title"),
        ("claims.toml", {"article": {"title": "t"}, "claim": {"c1": {"says": "x"}}}, "$.claim.c1"),
        ("claims.toml", {"article": {"title": "t"}, "claim": {"c1": {"says": "x", "where": "1", "readings": [{}]}}}, "$.claim.c1.readings[0]"),
        ("studies.toml", {"study": {"s": {"measures": {"x": 3}}}}, "$.study.s.measures.x"),
        ("studies.toml", {"study": {"s": {"measures": {"x": {"transform": "sqrt"}}}}}, "$.study.s.measures.x"),
        ("interventions.toml", {"intervention": {"i": {"do": "cut a -> b", "outcome": "b", "horizon": -1}}}, "$.intervention.i.horizon"),
        ("interventions.toml", {"interventoin": {}}, "$"),
    ],
)  # fmt: skip
def test_a_mistake_is_marked_where_it_stands(name: str, content: dict[str, Any], where: str) -> None:
    assert where in faults(name, content)
