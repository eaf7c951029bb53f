"""Checks of a fit: one module a check, all with one signature, `check(fit) -> CheckResult`.

A check says whether its assumption holds (`passed` True), fails (False) or cannot be told (None), in a sentence for
people and in numbers for programs. A failed check keeps the verdict *supported* from the claims that it concerns.
"""

from __future__ import annotations

from causal.checks import comovement, convergence, persistence
from causal.checks.result import CheckResult
from causal.fit import Fit

STANDARD = (convergence.check, persistence.check, comovement.check)
"""The checks that need no second fit."""


def check(fit: Fit) -> tuple[CheckResult, ...]:
    """Run the standard checks on a fit."""
    return tuple(run(fit) for run in STANDARD)


__all__ = ["CheckResult", "check"]
