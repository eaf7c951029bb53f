"""Whether the prior and the data pull an effect apart.

Power scaling (Kallioinen et al. 2024, Statistics and Computing 34, 57; ArviZ): the prior of one effect, or the likelihood, is raised to a power a
little above and below one, by re-weighting the draws, and the move of that effect's posterior is measured. An effect that moves with both is one on
which prior and data disagree; one that moves with its prior alone is told by the prior. Either is a warning: the three prior sets show what it comes
to.

The density of the data given the parameters is the sampler's, less the priors' and less what the sampler's change of variables adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causal.checks.result import CheckResult
from causal.dist import Normal, Uniform
from causal.equations import Floats
from causal.fit import Fit
from causal.model import SHOCK_SD

if TYPE_CHECKING:
    import xarray as xr

SENSITIVE = 0.15
"""The move from which on a posterior counts as sensitive, in ArviZ's distance between distributions a doubling of the power: about what a prior does that
shifts the posterior by half its sd. Kallioinen et al. take .05, which a prior reaches that shifts it by a sixth: any prior that says something does."""
_POWERS = (0.99, 1.01)


def check(fit: Fit) -> CheckResult:
    """Passed where no effect is pulled apart. A warning; concerns the effects that are, and says which the prior tells alone."""
    name = "conflict"
    model = fit.model
    edges = [
        term.name
        for term, prior in zip(model.system.terms, model.term_priors, strict=True)
        if isinstance(prior, Normal)
    ]
    why = ""
    if not edges:
        why = "no effect has a prior to scale"
    elif model.cells or model.design.noise is not None:
        why = "made for Normal nodes measured without error only"
    elif "sample_stats" not in fit.data.children or "logp" not in fit.data["sample_stats"].to_dataset():
        why = "the draws were kept without their density"
    elif fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"] < 100:
        why = "too few draws"
    if why:
        return CheckResult(name, None, f"Prior and data are not compared: {why}.", {}, vetoes=False)
    moves = sensitivities(fit, edges)
    numbers = {
        f"{which} moves {edge}": move
        for edge, pair in moves.items()
        for which, move in zip(("prior", "data"), pair, strict=True)
    }
    apart = [edge for edge, (prior, data) in moves.items() if prior >= SENSITIVE and data >= SENSITIVE]
    weak = [edge for edge, (prior, data) in moves.items() if prior >= SENSITIVE > data]
    ending = f" The prior alone tells {', '.join(weak)}." if weak else ""
    if not apart:
        return CheckResult(name, True, f"Prior and data do not disagree on any effect.{ending}", numbers, vetoes=False)
    sentence = f"The {model.priors.name} prior and the data pull apart: {', '.join(apart)}.{ending}"
    return CheckResult(name, False, sentence, numbers, tuple(apart), vetoes=False)


def sensitivities(fit: Fit, edges: list[str]) -> dict[str, tuple[float, float]]:
    """For each edge, how far its posterior moves with its own prior's power and with the likelihood's."""
    from arviz_stats.base import array

    stats: Any = array.array_stats  # typed as made of whole numbers

    def weights(log_density: Floats) -> list[Floats]:
        logs = [np.asarray(stats.power_scale_lw(log_density, alpha=power, axis=(0, 1))) for power in _POWERS]
        return [np.exp(each) / np.exp(each).sum() for each in logs]

    effect = fit.posterior["effect"]
    priors = {term.name: prior for term, prior in zip(fit.model.system.terms, fit.model.term_priors, strict=True)}
    found: dict[str, tuple[float, float]] = {}
    by_data = weights(log_likelihood(fit).to_numpy())
    for edge in edges:
        prior = priors[edge]
        assert isinstance(prior, Normal)
        draws = effect.sel(edge=edge).to_numpy()
        by_prior = weights(_density(prior, draws))
        moved = [float(stats.power_scale_sense(draws, *each, *_POWERS)) for each in (by_prior, by_data)]
        found[edge] = (moved[0], moved[1])
    return found


def log_likelihood(fit: Fit) -> xr.DataArray:
    """The log density of the data (chain, draw) at each draw, up to a constant."""
    import xarray as xr

    model, posterior = fit.model, fit.posterior
    found = fit.data["sample_stats"].to_dataset()["logp"].copy()
    effects = posterior["effect"].to_numpy()
    for k, prior in enumerate(model.term_priors):
        found -= _density(prior, effects[..., k])
    shock = posterior["shock_sd"]
    found -= xr.ufuncs.log(shock).sum("node") - (shock**2).sum("node") / (2.0 * SHOCK_SD**2)
    if "shock_loading" in posterior:
        found += (posterior["shock_loading"] ** 2).sum("pair") / 2.0
    if "missing" in posterior and len(model.design.anchors):
        moved = posterior["missing"].to_numpy() - model.design.hole_start
        found += ((moved @ model.design.anchors.T) ** 2).sum(axis=-1) / 2.0
    return found


def _density(prior: Normal | Uniform, values: Floats) -> Floats:
    """The log density of an effect's prior, with the Jacobian of the scale on which a bounded one is sampled."""
    if isinstance(prior, Normal):
        return -(((values - prior.mean) / prior.sd) ** 2) / 2.0
    return np.log((values - prior.low) * (prior.high - values))
