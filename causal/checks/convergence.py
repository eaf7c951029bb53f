"""Whether the chains agree and the draws are enough: R-hat, effective sample size, divergences."""

from __future__ import annotations

import re

from causal.checks.result import CheckResult
from causal.fit import DIVERGENT_SHARE_LIMIT, ESS_LIMIT, R_HAT_LIMIT, Fit, JointFit

_EFFECT = re.compile(r"(?:[^\[\]]*: )?effect\[(?P<edge>.+)\]")


def check(fit: Fit | JointFit) -> CheckResult:
    """Passed where every limit of `causal.fit` is kept. Concerns the edges whose own draws fail, or all where others do."""
    found = fit.convergence
    numbers = {"r_hat": found.r_hat, "ess": found.ess, "divergent_share": found.divergent_share}
    if found.passed:
        return CheckResult("convergence", True, f"The chains agree ({found.state}).", numbers)
    own = [named["edge"] for name in found.unconverged if (named := _EFFECT.fullmatch(name))]
    everywhere = found.divergent_share > DIVERGENT_SHARE_LIMIT or len(own) < len(found.unconverged)
    sentence = f"The chains do not agree ({found.state}; limits {R_HAT_LIMIT}, {ESS_LIMIT}, {DIVERGENT_SHARE_LIMIT:.1%}): what rests on them cannot be trusted."
    return CheckResult("convergence", False, sentence, numbers, () if everywhere else tuple(dict.fromkeys(own)))
