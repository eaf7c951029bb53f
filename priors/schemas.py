"""JSON Schemas of a bundle's three files, for editors that complete and check TOML as it is written.

They say what `priors.schema` says, key by key; what only the reader can know (that an edge parses, that a column is there) stays with
`causal check`. `priors/schemas/` holds them as files, which a test holds against `document`.

>>> sorted(document("interventions.toml")["properties"])
['intervention']
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from priors import schema

FOLDER = Path(__file__).parent / "schemas"
_TABLES: Mapping[str, Mapping[str, tuple[type[schema.Table], bool]]] = {
    "claims.toml": {
        "article": (schema.Article, False),
        "node": (schema.NodeTable, True),
        "graph": (schema.GraphTable, False),
        "claim": (schema.ClaimTable, True),
        "figure": (schema.FigureTable, True),
        "evidence": (schema.EvidenceTable, True),
        "prediction": (schema.PredictionTable, True),
    },
    "studies.toml": {"study": (schema.StudyTable, True), "estimate": (schema.ReportedTable, True)},
    "interventions.toml": {"intervention": (schema.Intervention, True)},
}
"""The sections of each file: the shape of a table, and whether there is one for each key."""
_INSIDE: Mapping[type[schema.Table], Mapping[str, tuple[type[schema.Table], str]]] = {
    schema.ClaimTable: {"readings": (schema.ReadingTable, "list")},
    schema.PredictionTable: {"than": (schema.SideTable, "one")},
    schema.StudyTable: {
        "joint": (schema.JointTable, "one"),
        "weights": (schema.WeightsTable, "text or table"),
        "measures": (schema.MeasureTable, "text or table"),
    },
}
"""Tables within tables, which the reader checks one by one."""
_REQUIRED = {"claims.toml": ["article"], "studies.toml": [], "interventions.toml": []}


def names() -> tuple[str, ...]:
    """The files that have a schema."""
    return tuple(_TABLES)


def document(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the file of that name."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for section, (table, many) in _TABLES[name].items():
        here = _reference(table, definitions)
        properties[section] = {"type": "object", "additionalProperties": here} if many else here
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "type": "object",
        "properties": properties,
        "required": _REQUIRED[name],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def file_of(name: str) -> Path:
    """Where the schema of the file of that name is shipped."""
    return FOLDER / f"{name.removesuffix('.toml')}.schema.json"


def _reference(table: type[schema.Table], definitions: dict[str, Any]) -> dict[str, str]:
    """A reference to the definition of a table, which is put among `definitions`."""
    if table.__name__ not in definitions:
        found = table.model_json_schema()
        definitions.update(found.pop("$defs", {}))
        found["description"] = inspect.cleandoc(table.__doc__ or "")
        definitions[table.__name__] = found
        for key, (inner, how) in _INSIDE.get(table, {}).items():
            here = _reference(inner, definitions)
            shape = found["properties"][key]
            kept = {each: shape[each] for each in ("default", "title") if each in shape}
            if how == "list":
                found["properties"][key] = kept | {"type": "array", "items": here}
            elif how == "one":
                found["properties"][key] = {"title": kept.get("title", key), **here}
            else:
                told = {"anyOf": [{"type": "string"}, here]}
                found["properties"][key] = {
                    "title": kept.get("title", key),
                    "type": "object",
                    "additionalProperties": told,
                }
    return {"$ref": f"#/$defs/{table.__name__}"}
