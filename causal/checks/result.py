"""What a check reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's answer. `edges` names the edges it concerns; empty means all of the fit's.

    A failed check that `vetoes` keeps *supported* away from the claims that it concerns; one that does not is a warning beside their verdicts.
    `doubted` names edges beside whose verdicts it stands as a warning without having failed for them.
    """

    name: str
    passed: bool | None
    sentence: str
    numbers: Mapping[str, float]
    edges: tuple[str, ...] = ()
    vetoes: bool = True
    doubted: tuple[str, ...] = ()

    @property
    def warning(self) -> bool:
        """Whether it is a warning as a whole: it failed without a veto, or casts doubt without having failed."""
        return not self.vetoes if self.passed is False else bool(self.doubted)

    def concerns(self, edge: str) -> bool:
        """Whether a claim on `edge` rests on this check."""
        return not self.edges or edge in self.edges

    def fails(self, edge: str) -> bool:
        """Whether it keeps *supported* away from a claim on `edge`."""
        return self.passed is False and self.vetoes and self.concerns(edge)

    def warns(self, edge: str) -> bool:
        """Whether it is a warning beside a claim on `edge`."""
        failed = self.passed is False and not self.vetoes and self.concerns(edge)
        return failed or (edge in self.doubted and not self.fails(edge))
