"""Checks of a fit: one module a check, all with one signature, `check(fit) -> CheckResult`.

A check says whether its assumption holds (`passed` True), fails (False) or cannot be told (None), in a sentence for
people and in numbers for programs. A failed check that `vetoes` keeps the verdict *supported* from the claims that it concerns; one that
does not is a warning beside their verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from causal.checks import (
    comovement,
    conflict,
    confounding,
    convergence,
    independences,
    leaving_out,
    leaving_out_studies,
    permuted,
    persistence,
    placebo,
    predictive,
    rivals,
    specification,
    units,
)
from causal.checks.result import CheckResult
from causal.checks.specification import specification_curve
from causal.errors import CausalError, no_such
from causal.fit import Fit, JointFit
from causal.refits import FitsProgress

OF_PRIOR = (convergence, conflict)
"""The checks whose answer depends on the prior, and that are made under each prior set."""
OF_DATA = (persistence, units, independences, placebo, comovement, predictive, confounding)
"""The checks of what the equations leave of the data, which no prior set changes by much: made under the wide one."""
STANDARD = (*OF_PRIOR, *OF_DATA)
"""The checks that need no second fit."""
THOROUGH = (leaving_out, rivals, specification, permuted)
"""The checks that fit the study's model again on parts of its data, with other graphs and in other ways."""


def check(fit: Fit | JointFit) -> tuple[CheckResult, ...]:
    """Run the standard checks on a fit. On that of several studies only whether the chains agree: the others ask each study's own fit.

    Raises `CausalError` for what is no fit.
    """
    if not isinstance(fit, (Fit, JointFit)):
        raise CausalError(no_such(fit, "fit", "give what fit returns"))
    return (convergence.check(fit),) if isinstance(fit, JointFit) else tuple(each.check(fit) for each in STANDARD)


def check_sets(fits: Mapping[str, Fit] | Mapping[str, JointFit]) -> tuple[CheckResult, ...]:
    """The standard checks of fits by prior set: those of the prior under the set in which they fare worst (and of
    every edge that fails under any), the others under the wide one.
    """
    alone = {name: fit for name, fit in fits.items() if isinstance(fit, Fit)}
    rounds = (
        [[each.check(fit) for fit in alone.values()] for each in OF_PRIOR]
        if alone
        else [[convergence.check(fit) for fit in fits.values()]]
    )
    of_prior = tuple(map(_worst, rounds))
    return (*of_prior, *(each.check(alone["wide"]) for each in OF_DATA)) if alone else of_prior


def _worst(found: Sequence[CheckResult]) -> CheckResult:
    """One check's answer over the prior sets: the worst, concerning every edge that it concerns under any of them."""
    rank = {False: 0, None: 1, True: 2}
    worst = min(found, key=lambda result: rank[result.passed])
    alike = [result for result in found if result.passed is worst.passed]
    every = worst.passed is False and all(result.edges for result in alike)
    edges = tuple(dict.fromkeys(edge for result in alike for edge in result.edges)) if every else worst.edges
    if worst.passed is False and not every:
        edges = ()
    sentences = dict.fromkeys(result.sentence for result in alike) if worst.passed is False else (worst.sentence,)
    return replace(worst, sentence=" ".join(sentences), edges=edges)


def check_thoroughly(
    fit: Fit | JointFit, *, store: Path | None = None, progress: FitsProgress | None = None
) -> tuple[CheckResult, ...]:
    """The checks that fit again: a study's model, or that of several without each of them; minutes. `store` keeps the fits, so that an interrupted
    run is gone on with.
    """
    if isinstance(fit, JointFit):
        return (leaving_out_studies.check(fit, store=store, progress=progress),)
    return tuple(each.check(fit, store=store, progress=progress) for each in THOROUGH)


__all__ = ["CheckResult", "check", "check_sets", "check_thoroughly", "specification_curve"]
