"""Checks of a fit: one module a check, all with one signature, `check(fit) -> CheckResult`.

A check says whether its assumption holds (`passed` True), fails (False) or cannot be told (None), in a sentence for
people and in numbers for programs. A failed check keeps the verdict *supported* from the claims that it concerns.
"""

from __future__ import annotations

from causal.checks import comovement, convergence, persistence
from causal.checks.result import CheckResult
from causal.fit import Fit, JointFit

STANDARD = (convergence.check, persistence.check, comovement.check)
"""The checks that need no second fit."""


def check(fit: Fit | JointFit) -> tuple[CheckResult, ...]:
    """Run the standard checks on a fit. On that of several studies only whether the chains agree: the others ask each study's own fit."""
    return (convergence.check(fit),) if isinstance(fit, JointFit) else tuple(run(fit) for run in STANDARD)


__all__ = ["CheckResult", "check"]
