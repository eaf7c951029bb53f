"""Whether there are units enough to tell an effect from what happened to some of them.

A lasting cause that nobody measured, and that moves cause and outcome of a unit together, looks like an effect. In panels of many units the checks of what
the graph implies see it: in the worlds of `causal.validate` on the built-in article's studies of 8, 20 and 25 units, of those in which it would have
made a claim of no effect *supported* all were withheld or carried a warning. In the study of 3 units it was 5 of 9 and 2 of 8: what is asked of the
data there has no power. So it is said of every panel of few units.
"""

from __future__ import annotations

from causal.checks.result import CheckResult
from causal.errors import counted
from causal.fit import Fit

NAME = "units"
"""What the check is called in its results."""
LEAST = 5
"""With fewer units a verdict carries the warning: between the 3 with which a lasting cause goes unseen, and the 8 with which it is seen."""


def check(fit: Fit) -> CheckResult:
    """Passed with `LEAST` units or more. A warning; concerns all edges."""
    size = fit.model.design.size
    numbers = {"units": float(size)}
    if size >= LEAST:
        return CheckResult(
            NAME, True, f"There are units enough to see what moves some of them ({size}).", numbers, vetoes=False
        )
    sentence = (
        f"Only {counted(size, 'unit')}: what happened in one of them for some years, and that nobody measured, can look like an effect, and no check "
        "here could tell."
    )
    return CheckResult(NAME, False, sentence, numbers, vetoes=False)
