"""Feed a reader of texts with whatever makes it take another turn, by atheris, and stop at the first that is neither a value nor a `CausalError`.

    pip install atheris                                     # in an environment with Python 3.12
    python tools/fuzz.py graph -max_total_time=180          # options behind the reader's name are libFuzzer's

Readers: graph, dagitty, intervention, rule, toml, csv. The test suite feeds the same readers by hypothesis, in seconds and without atheris.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory


def readers(folder: Path) -> dict[str, Callable[[bytes], object]]:
    """What is fed, by name; files are written into `folder`."""
    from causal.dialect import Dialect
    from causal.intervene import read_interventions
    from causal.panel import read_csv
    from causal.rule import Piece, read_rule
    from causal.syntax import from_dagitty, read_graph
    from priors.read import read_bundle

    def text(read: Callable[[str], object]) -> Callable[[bytes], object]:
        return lambda raw: read(raw.decode("utf-8", "surrogateescape"))

    def toml(raw: bytes) -> object:
        for name in ("claims.toml", "studies.toml", "interventions.toml"):
            (folder / name).write_bytes(raw)
        return read_bundle(folder)

    def csv(raw: bytes) -> object:
        (folder / "data.csv").write_bytes(raw)
        return read_csv(folder / "data.csv", unit="unit", time="year", dialect=Dialect())

    return {
        "graph": text(read_graph),
        "dagitty": text(from_dagitty),
        "intervention": text(read_interventions),
        "rule": text(lambda given: read_rule(Piece.of(given), [])),
        "toml": toml,
        "csv": csv,
    }


def main() -> None:
    """Fuzz the reader that the command line names."""
    try:
        fuzzer = import_module("atheris")
    except ImportError:
        sys.exit("needs atheris: pip install atheris, in an environment with Python 3.12")
    with fuzzer.instrument_imports(include=["causal", "priors"]), TemporaryDirectory() as made:
        known = readers(Path(made))
        if len(sys.argv) < 2 or sys.argv[1] not in known:
            sys.exit(f"name a reader: {', '.join(known)}")
        read = known[sys.argv.pop(1)]

        def one(raw: bytes) -> None:
            from causal.errors import CausalError

            with suppress(CausalError):
                read(raw)

        fuzzer.Setup(sys.argv, one)
        fuzzer.Fuzz()


if __name__ == "__main__":
    main()
