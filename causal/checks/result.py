"""What a check reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's answer. `edges` names the edges it concerns; empty means all of the fit's.

    A failed check that `vetoes` keeps *supported* away from the claims that it concerns; one that does not is a warning beside their verdicts.
    """

    name: str
    passed: bool | None
    sentence: str
    numbers: Mapping[str, float]
    edges: tuple[str, ...] = ()
    vetoes: bool = True

    def concerns(self, edge: str) -> bool:
        """Whether a claim on `edge` rests on this check."""
        return not self.edges or edge in self.edges
