# %% [markdown]
# # The article, from its claims to an answer
#
# This notebook goes through the built-in article by hand, one stage at a time, with the objects that the `causal` command uses: the ledger, the
# priors that its hedging words imply, the graph, the fit as a tree that ArviZ reads, the verdicts, and what an intervention would change.

# %%
from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import pandas as pd
import platformdirs
import xarray as xr

import causal as ca
from causal.analysis import analyse, claim_prior, prior_sets
from priors.elicit import in_words, probability_as_claimed
from priors.read import read_bundle

cache = Path(platformdirs.user_cache_dir("causal-claims"))  # where the command keeps its fits, too
bundle = read_bundle("peru_nexus")
print(bundle.source)
print(len(bundle.ledger.claims), "claims,", len(bundle.graph.names), "nodes,", len(bundle.graph.edges), "edges")

# %% [markdown]
# ## The ledger, and what its words say before any data
#
# Each claim is hedged. How readers take a hedge comes from two surveys of probability words; a strength word sets the typical size. Together they fix the
# prior of the effect on the standard scale: sd of the outcome for one sd of the cause, both within countries.

# %%
core = [claim for claim in bundle.ledger.claims if claim.core]
rows = []
for claim in core:
    prior, reading = claim_prior(claim), probability_as_claimed(claim.hedge)
    rows.append({"claim": claim.key, "edge": claim.edge.text, "hedge": claim.hedge, "P(as claimed)": round(reading.mean, 2),
                 "in words": in_words(reading.mean), "readers, 90 %": f"{reading.low:.2f} to {reading.high:.2f}",
                 "prior mean": round(prior.mean, 3), "prior sd": round(prior.sd, 3)})
pd.DataFrame(rows).set_index("claim")

# %% [markdown]
# ## The graph
#
# The article's claims form a loop, and many roads around it. What these data measure of it is little: corruption, state presence, growth and prices.

# %%
for loop in bundle.graph.subgraph(["revenue", "corruption", "presence", "illicit"]).loops():
    print(" , ".join(edge.name for edge in loop))

# %%
study = bundle.studies[0]
observed = study.measured(bundle.graph)
whole = ca.identify_edge(bundle.graph, "corruption -> presence [lag=1]", observed)
print("under the whole article:", whole.identified, "-", whole.why)
kept = bundle.graph.subgraph([name for name in bundle.graph.names if name not in study.sets_aside])
conditional = ca.identify_edge(kept, "corruption -> presence [lag=1]", observed)
print("with the other unmeasured causes assumed away:", conditional.identified, "-", conditional.why)

# %% [markdown]
# So the article, taken at its word, says that these data *cannot* tell corruption's effect on the state: illicit revenue moves both, by roads that no
# table measures. What follows is the answer to the narrower question, in which those roads are assumed away.
#
# ## The fit
#
# One model under three priors. Unit and year effects are swept out; the likelihood carries the correction that keeps the effects of
# lagged outcomes free of the bias that sweeping out would bring.

# %%
analysis = analyse(bundle, store=cache / "fits")
fits = analysis.evidence["latam"].fits
for result in analysis.evidence["latam"].checks:
    print(result.name, result.passed, "-", result.sentence)
fits["wide"].model.notes

# %%
az.summary(fits["wide"].data, var_names=["effect"], ci_prob=0.9, ci_kind="eti")

# %% [markdown]
# ArviZ reads `fit.data`. Prior (dashed) and posterior of corruption's effect on state presence, under the article's prior:

# %%
name = "corruption -> presence [lag=1]"
fig, ax = plt.subplots(figsize=(7, 3))
for which, colour in (("article", "C0"), ("sceptical", "C1"), ("wide", "C2")):
    tree = fits[which].data
    for group, style in (("prior", "--"), ("posterior", "-")):
        values = tree[group]["effect"].sel(edge=name).to_numpy().ravel()
        grid, density, _ = az.kde(values) if hasattr(az, "kde") else (None, None, None)
        if grid is not None:
            ax.plot(grid, density, style, color=colour, label=f"{which} {group}")
ax.set(xlim=(-0.8, 0.8), xlabel="sd of presence per sd of corruption, a year later", ylabel="density")
ax.axvline(0, color="grey", lw=0.8)
ax.legend(fontsize=8);

# %%
pc = az.plot_forest(fits["wide"].data, var_names=["effect"], combined=True, ci_probs=[0.5, 0.9])

# %% [markdown]
# ## The verdicts

# %%
pd.Series([verdict.verdict for verdict in analysis.verdicts]).value_counts()

# %%
verdict = analysis.verdict("c2")
print(verdict.verdict, "-", verdict.why)
for finding in verdict.conditional:
    print("if", len(finding.set_aside), "other causes are assumed away:", finding.verdict, "-", finding.why)
    wide = finding.estimates[-1]
    print(f"wide prior: {wide.median:.3f} [{wide.low:.3f}, {wide.high:.3f}] sd per sd within a year, {wide.long_run_median:.2f} [{wide.long_run_low:.2f}, {wide.long_run_high:.2f}] in the long run")
    print("smallest effect this study would have found:", round(finding.smallest_found, 3), "sd per sd")

# %% [markdown]
# ## An intervention
#
# Corruption pushed down by a hundredth of its scale, a quarter of a typical yearly swing, in every year from 2016 (it accumulates, because corruption remembers itself): what would happen to state presence? Natural units: presence is
# an index in within-country sd. The answer rests on an edge that is not identified under the whole article, and says so.

# %%
answer = analysis.answers[0]
print(answer.spec.label)
for edge, word in answer.rests_on.items():
    print("  rests on", edge, ":", word)
fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for ax, which in zip(axes, ("article", "wide")):
    effect = answer.effects[which]
    bands = effect.quantile([0.05, 0.25, 0.5, 0.75, 0.95], dim="draw")
    ax.fill_between(effect["time"], bands.sel(quantile=0.05), bands.sel(quantile=0.95), alpha=0.2)
    ax.fill_between(effect["time"], bands.sel(quantile=0.25), bands.sel(quantile=0.75), alpha=0.3)
    ax.plot(effect["time"], bands.sel(quantile=0.5))
    ax.axhline(0, color="grey", lw=0.8)
    ax.set(title=f"{which} prior", xlabel="year", xlim=(2012, 2026), xticks=range(2012, 2027, 2))
axes[0].set_ylabel("change in presence (sd)");
