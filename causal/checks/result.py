"""What a check reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's answer. `edges` names the edges it concerns; empty means all of the fit's."""

    name: str
    passed: bool | None
    sentence: str
    numbers: Mapping[str, float]
    edges: tuple[str, ...] = ()

    def concerns(self, edge: str) -> bool:
        """Whether a claim on `edge` rests on this check."""
        return not self.edges or edge in self.edges
