"""The report's two files for programs: `verdicts.csv` and the tree of `results.nc`."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.analysis import Drawn
from causal.errors import CausalError, Fault
from causal.fit import Fit, JointFit, identity
from causal.netcdf import read_tree
from causal.report.record import read_record, record
from causal.verdict import PRIOR_SETS, Estimate, Finding, Verdict

if TYPE_CHECKING:
    import xarray as xr

    from causal.analysis import Analysis

FIRST_COLUMNS = (
    "claim", "verdict", "edge", "says", "hedge", "strength", "where", "scope", "study", "why", "smallest_effect_standard", "smallest_found_standard",
    "numbers_are", "natural_unit",
)  # fmt: skip
NUMBERS = (
    "p_as_claimed",
    "p_opposite",
    "p_small",
    "p_sign",
    "median",
    "low",
    "high",
    "median_standard",
    "low_standard",
    "high_standard",
)
LAST_COLUMNS = (
    "pooled_over",
    "tau_wide",
    "tau_low_wide",
    "tau_high_wide",
    "failed_checks",
    "warnings",
    "verdict_if_set_aside",
    "why_if_set_aside",
    "set_aside",
    "sentence",
    "rests_on",
    "would_change",
    "size_of_article_standard",
    "power",
    "assurance",
    "times_the_data",
    "survives",
    "survives_step_up",
    "readings",
)
COLUMNS = (*FIRST_COLUMNS, *(f"{number}_{name}" for name in PRIOR_SETS for number in NUMBERS), *LAST_COLUMNS)

_MODEL, _GROUPS = "identity_of_model", "groups_of_fit"
_CONVERGENCE = ("r_hat", "ess", "divergent_share", "unconverged")
_ANEW = "make it anew: causal report"

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def verdicts_csv(analysis: Analysis) -> str:
    """One row for each claim of the ledger, in its order; columns `COLUMNS`.

    `low_*` and `high_*` bound 90 % intervals in natural units (outcome per unit of cause), `low_standard_*` and so on the same
    on the standard scale. The numbers are those of several studies together where they pool the effect, else of the first study that has any;
    `numbers_are` says whether they are an effect, an effect only if the nodes of `set_aside` are assumed away, or an association only.
    `power` is the chance that this study would call an effect of the article's own size supported, `assurance` the same averaged over the article's prior, and
    `times_the_data` how many times its data would make it .8. `survives` says whether a word stands when the rate of false words in the table is held.
    `pooled_over` names the pooled studies, `tau_*` how far their effects lie apart (sd, standard scale). Text that a spreadsheet would run as a
    formula begins with an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for verdict in analysis.verdicts:
        row = _row(analysis, verdict)
        writer.writerow([_cell(row.get(column)) for column in COLUMNS])
    return out.getvalue()


def results_tree(analysis: Analysis) -> xr.DataTree | None:
    """Every draw as one tree that ArviZ opens, or None where no study was fitted.

    The groups posterior, prior, sample_stats and observed_data are the first study's under the article's prior. Its other
    prior sets stand beside them as posterior_sceptical and so on, and further studies as posterior_STUDY_article, ...,
    observed_data_STUDY. The attribute `record` says in JSON what the file was made of (`causal.report.record`). What
    several studies share, `effect` and `tau`, stands as posterior_together_article, ..., the study's own effects in that
    fit as posterior_together_STUDY_article, ... What `drawn` needs to find a fit's groups again stands in the attributes of its posterior.
    """
    import xarray as xr

    groups: dict[str, xr.Dataset] = {}
    attributes: dict[str, str] = {
        "article": analysis.bundle.source.title,
        "prior_set": "article",
        "scale": "effects: sd of the outcome per sd of the cause",
        "record": record(analysis).text,
    }
    called = _group_names(analysis.evidence)
    for place, (study, found) in enumerate(analysis.evidence.items()):
        owner = "" if place == 0 else f"_{called[study]}"
        attributes.setdefault("study", study)
        for name, fitted in found.fits.items():
            suffix = owner + ("" if name == "article" and not owner else f"_{name}")
            names = {group: f"{group}{suffix}" for group in ("posterior", "prior", "sample_stats")}
            _put(groups, fitted, names | {"observed_data": f"observed_data{owner}"})
    for name, joint in analysis.together.fits.items() if analysis.together else ():
        names = {group: f"{group}_together_{name}" for group in ("posterior", "sample_stats")}
        for k, model in enumerate(joint.model.models):
            names[f"study_{k}/posterior"] = f"posterior_together_{called[model.study.name]}_{name}"
            names[f"study_{k}/sample_stats"] = names["sample_stats"]
        _put(groups, joint, names)
    if not groups:
        return None
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = attributes
    return tree


def drawn(path: Path) -> Drawn:
    """The draws of a results file, to be taken for the fits of their models. Raises `CausalError` where the file holds none that can be."""
    import xarray as xr

    made = read_record(path)
    tree = read_tree(path)
    trees: dict[str, xr.DataTree] = {}
    for group in () if tree is None else tree.children.values():
        if _GROUPS not in group.attrs:
            continue
        try:
            places: dict[str, str] = json.loads(group.attrs[_GROUPS])
            found = {role: tree[place].to_dataset() for role, place in places.items()}  # pyright: ignore[reportOptionalSubscript]
            one = xr.DataTree.from_dict(found)
            one.attrs = {name: group.attrs[name] for name in _CONVERGENCE}
            trees[group.attrs[_MODEL]] = one
        except (KeyError, ValueError, AttributeError, TypeError):
            raise CausalError(Fault(f"the draws of its group '{group.name}' are broken", str(path), _ANEW)) from None
    if not trees:
        raise CausalError(
            Fault("holds no draws that a page can be made of: it is of an earlier version", str(path), _ANEW)
        )
    return Drawn(trees, made.settings, made.versions)


def _put(groups: dict[str, xr.Dataset], fitted: Fit | JointFit, names: Mapping[str, str]) -> None:
    """Put the groups of a fit's tree where `names` says, with attributes of its posterior by which `drawn` makes the fit anew."""
    for group, name in names.items():
        groups.setdefault(name, fitted.data[group].to_dataset())
    convergence = {name: fitted.data.attrs[name] for name in _CONVERGENCE}
    again = convergence | {_MODEL: identity(fitted.model), _GROUPS: json.dumps(names)}
    groups[names["posterior"]] = groups[names["posterior"]].assign_attrs(again)


def findings_with_numbers(verdict: Verdict) -> tuple[Finding | None, str]:
    """The finding whose numbers a table shows, and what they are."""
    if verdict.together is not None:
        return verdict.together, "effect in a study yet unseen"
    for finding in verdict.findings:
        if finding.identified and finding.estimates:
            return finding, "effect"
    if verdict.conditional_together is not None:
        return verdict.conditional_together, "effect in a study yet unseen, if the nodes of set_aside are assumed away"
    for finding in verdict.conditional:
        if finding.identified and finding.estimates:
            return finding, "effect if the nodes of set_aside are assumed away"
    for finding in (*verdict.findings, *verdict.conditional):
        if finding.estimates:
            return finding, "association only"
    return None, ""


def _row(analysis: Analysis, verdict: Verdict) -> dict[str, Any]:
    claim = analysis.bundle.ledger[verdict.claim]
    shown, kind = findings_with_numbers(verdict)
    conditional = next(iter(verdict.conditional), None)
    row: dict[str, Any] = {
        "claim": verdict.claim,
        "verdict": verdict.verdict,
        "edge": verdict.edge,
        "says": claim.says,
        "hedge": claim.hedge,
        "strength": claim.strength,
        "where": claim.where,
        "scope": claim.scope,
        "study": "; ".join(dict.fromkeys(finding.study for finding in verdict.findings)),
        "why": verdict.why,
        "smallest_effect_standard": verdict.smallest_effect,
        "numbers_are": kind,
        "sentence": verdict.sentence,
        "rests_on": verdict.rests_on,
        "would_change": verdict.would_change,
        "survives": _yes_or_no(verdict.survives),
        "survives_step_up": _yes_or_no(verdict.survives_step_up),
        "readings": len(claim.readings),
    }
    if shown is not None:
        row["smallest_found_standard"] = shown.smallest_found
        row["failed_checks"] = "; ".join(shown.failed_checks)
        row["warnings"] = "; ".join(shown.warnings)
        row["pooled_over"] = "; ".join(shown.pooled)
        if shown.power is not None:
            row |= {
                "size_of_article_standard": shown.power.size,
                "power": shown.power.power,
                "assurance": shown.power.assurance,
                "times_the_data": shown.power.times,
            }
        if shown.tau is not None:
            row |= dict(zip(("tau_wide", "tau_low_wide", "tau_high_wide"), shown.tau, strict=True))
        if claim.edge is not None:
            row["natural_unit"] = f"{claim.edge.effect} per {claim.edge.cause}"
        for estimate in shown.estimates:
            row |= _numbers(estimate)
    if conditional is not None:
        row["verdict_if_set_aside"] = conditional.verdict
        row["why_if_set_aside"] = conditional.why
        row["set_aside"] = "; ".join(conditional.set_aside)
    return row


def _numbers(estimate: Estimate) -> dict[str, float]:
    values = (
        estimate.as_claimed, estimate.opposite, estimate.small, estimate.sign, estimate.natural_median, estimate.natural_low, estimate.natural_high,
        estimate.median, estimate.low, estimate.high,
    )  # fmt: skip
    return {f"{name}_{estimate.prior_set}": value for name, value in zip(NUMBERS, values, strict=True)}


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, (int, float)):
        return f"{value:.6g}"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _group_names(studies: Iterable[str]) -> dict[str, str]:
    """What the groups of each study are called by: letters, digits and underscores, and no two studies alike."""
    found: dict[str, str] = {}
    for study in studies:
        name = re.sub(r"\W+", "_", study)
        while name in found.values() or name == "together":
            name += "_"
        found[study] = name
    return found
