"""The command as its user runs it, with one store of fits for all journeys, so that the built-in article is fitted once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's cache of this session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def causal(tmp_path: Path, cache: Path) -> Run:
    """Runs the command in an empty folder, with a store of its own."""

    def run(*words: str, where: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "COLUMNS": "200"}
        command = [str(Path(sys.executable).parent / "causal"), *words]
        return subprocess.run(
            command, cwd=where, env=environment, capture_output=True, text=True, timeout=1000, check=False
        )

    return run
