"""Write the JSON Schemas of a bundle's files into `priors/schemas/`.

uv run python tools/write_schemas.py
"""

from __future__ import annotations

import json

from priors.schemas import document, file_of, names


def main() -> None:
    """Write one file for each of a bundle's files."""
    for name in names():
        path = file_of(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document(name), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
