# %% [markdown]
# # Fitting and diagnostics
#
# A posterior can be wrong in three ways: the sampler did not find it, the model is not what made the data, or the way of estimating is off even where the model is right. This notebook takes them in turn.
# `fit.data` is a tree that ArviZ reads, so that its summaries and pictures are at hand. Then a check is seen to fail that should fail. And at the end the effects of a
# short panel are estimated in a few dozen worlds of which the truth is known, beside the least squares with dummies that a textbook would take.

# %%
import logging
from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import platformdirs
import xarray as xr
from IPython.display import Markdown

import causal as ca
from causal.checks.conflict import log_likelihood

logging.getLogger("arviz_stats").setLevel(logging.ERROR)  # what it advises, the text below says
cache = Path(platformdirs.user_cache_dir("causal-claims"))  # where the command keeps its fits, too

# %% [markdown]
# ## A short panel
#
# Corruption wears down the state's presence, and some of it comes back. Twenty districts, eight years, levels of their own.

# %%
TRUTH = {"corruption -> corruption": 0.6, "presence -> presence": 0.5, "corruption -> presence": -0.3, "presence -> corruption": 0.15}
NODES = ["corruption", "presence"]
B = np.zeros((2, 2))  # effect, cause
for edge, size in TRUTH.items():
    cause, effect = edge.split(" -> ")
    B[NODES.index(effect), NODES.index(cause)] = size


def world(units, times, generator, shock=None):
    """The values (year, unit, node) of districts with levels of their own; `shock` draws the chances of a year, Normal ones by default."""
    drawn = generator.normal if shock is None else shock
    level = generator.normal(2.0, 1.0, (units, 2))
    values = [np.zeros((units, 2))]
    for _ in range(49 + times):
        values.append(level + values[-1] @ B.T + drawn(size=(units, 2)))
    return np.stack(values[50:])


def panel(values):
    rows = [{"district": f"d{unit:02d}", "year": 2010 + k, **dict(zip(NODES, row, strict=True))} for k, year in enumerate(values) for unit, row in enumerate(year)]
    return ca.Panel.from_frame(pd.DataFrame(rows), unit="district", time="year")


graph = ca.read_graph("\n".join(f"{edge} [lag=1]" for edge in TRUTH))
UNITS, TIMES = 20, 8
model = ca.build_model(graph, panel(world(UNITS, TIMES, np.random.default_rng(1))))
fit = ca.fit(model, seed=1, store=cache / "fits")
fit.data

# %% [markdown]
# ## Did the sampler find it?
#
# R-hat compares the chains with each other, the effective sample sizes say how many independent draws they are worth, in the middle (bulk) and at the ends (tail).

# %%
az.summary(fit.data, var_names=["effect", "shock_sd"], ci_prob=0.9, ci_kind="eti")

# %% [markdown]
# The rank plot says the same as a picture: if every chain draws from the same posterior, each chain's ranks among all draws are spread evenly, and its curve stays
# about the middle. p is the chance that it strays so far by itself.

# %%
az.plot_rank(fit.data, var_names=["effect"]);

# %% [markdown]
# One need not remember to look. A fit whose draws cannot be trusted is refused, with the quantities and what to try. Here far too few draws after far too short a warm-up:

# %%
try:
    ca.fit(model, seed=1, draws=40, tune=20, chains=2)
except ca.ConvergenceError as refused:
    print(refused)

# %% [markdown]
# ## What did the data say, and what the prior?

# %%
az.plot_prior_posterior(fit.data, var_names=["effect"]);

# %% [markdown]
# *Power scaling* puts a number on it: the prior, or the likelihood, is made a little stronger or weaker, and the move of the posterior is measured. ArviZ asks for two groups, the log density of the priors and that of the data. Of the
# data there is one number a draw, of the panel as a whole. The same is done under a prior that is very sure of the wrong sign.

# %%
def scaled(fitted):
    """The fit's tree with the two groups that power scaling needs."""
    priors = fitted.model.priors.of(graph)
    names = [name for name, prior in priors.items() if isinstance(prior, ca.Normal)]
    found = fitted.posterior["effect"].sel(edge=names)
    mean, sd = (xr.DataArray([getattr(priors[name], part) for name in names], dims="edge") for part in ("mean", "sd"))
    tree = fitted.data.copy()
    tree["log_prior"] = xr.DataTree(xr.Dataset({"effect": -(((found - mean) / sd) ** 2) / 2}))
    tree["log_likelihood"] = xr.DataTree(xr.Dataset({"panel": log_likelihood(fitted)}))
    return tree


asked = "corruption -> presence [lag=1]"
stubborn = ca.fit(ca.build_model(graph, model.study, ca.Priors({asked: ca.Normal(0.4, 0.1)}, name="stubborn")), seed=1, store=cache / "fits")
moved = {name: az.psense_summary(scaled(each), var_names=["effect"], coords={"edge": [asked]}) for name, each in (("wide prior", fit), ("stubborn prior", stubborn))}
display(pd.concat(moved))
conflict = next(result for result in ca.check(stubborn) if result.name == "conflict")
Markdown(f"The package's own check asks the same of each effect by itself. *{conflict.sentence}*")

# %% [markdown]
# ## Is the model what made the data?
#
# `simulate` without an intervention draws panels from the fitted model, from the same first values and with the same levels of the districts. Is the panel that was seen like them? First the values, then a figure in which all of a panel's
# movement goes: how far a year's value lies from the last one's.

# %%
def replicated(fitted):
    """Panels drawn from the fit beside the one that was seen: what moves from year to year."""
    worlds = ca.simulate(fitted, seed=1)["presence"].diff("time").expand_dims("chain")
    observed = fitted.model.study.values(graph).sel(variable="presence", drop=True).diff("time")
    return xr.DataTree.from_dict({"posterior_predictive": xr.Dataset({"presence": worlds}), "observed_data": xr.Dataset({"presence": observed})})


az.plot_ppc_dist(replicated(fit), num_samples=60);

# %%
def largest(values):
    """The largest of the moves in sds: large where some years are unlike all others."""
    values = np.ravel(values)
    return np.abs(values - values.mean()).max() / values.std()


tails = np.random.default_rng(7)
jumps = world(UNITS, TIMES, np.random.default_rng(1), shock=lambda size: tails.standard_t(2.0, size))
heavy = ca.fit(ca.with_data(model, panel(jumps)), seed=1, store=cache / "fits")
fig, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
shares = {}
for ax, (name, fitted) in zip(axes, (("Normal shocks", fit), ("heavy tails", heavy)), strict=True):
    tree = replicated(fitted)
    drawn = np.array([largest(each) for each in tree["posterior_predictive"]["presence"].to_numpy()[0]])
    seen = largest(tree["observed_data"]["presence"].to_numpy())
    shares[name] = (drawn >= seen).mean()
    ax.hist(drawn, bins=40, color="0.75")
    ax.axvline(seen, color="#a8201a")
    ax.set(title=name, xlabel="largest move of a panel, sd", yticks=[])
predictive = {name: next(result for result in ca.check(each) if result.name == "predictive").sentence for name, each in (("Normal shocks", fit), ("heavy tails", heavy))}
Markdown("\n".join(f"- **{name}.** {share:.1%} of the drawn panels have a move as large as the one that was seen (red). The package's check: *{predictive[name]}*" for name, share in shares.items()))

# %% [markdown]
# ## Leave-one-out
#
# LOO scores each value by what the others say of it, and needs the density of each value by itself:

# %%
try:
    az.loo(fit.data)
except Exception as refused:
    print(type(refused).__name__, "-", refused)
print("groups:", ", ".join(fit.data.children))

# %% [markdown]
# There is none, and for a reason: with the levels of units and the correction for them integrated out, the likelihood of this model is that of whole panels and no product over values. And in a process that remembers, the
# years next to a left-out one would tell it. What can be asked is the honest form of it: fit the years up to one, and score those that follow (CRPS in typical swings, smaller is better).

# %%
long = ca.Study(panel(world(UNITS, 16, np.random.default_rng(2))), name="long")
forecast = ca.forecast_study(graph, long, {"article": ca.Priors(), "wide": ca.Priors()}, 2020, seed=1, store=cache / "fits")
called = {"wide": "this model", "memory": "without the links", "naive": "last year's value"}
pd.DataFrame([{"node": node.node, "forecaster": words, "mean CRPS": node.scores[name].crps, "90 % intervals that hold": node.scores[name].covered_90} for node in forecast.nodes for name, words in called.items()]).set_index(["node", "forecaster"]).round(2)

# %% [markdown]
# # Is the way of estimating right?
#
# All of the above can look well where the estimate is off. Every district has a level of its own. The textbook gives each a dummy and takes least squares; but then last year's value holds a part of the district's own mean, and how long a shock lasts is understated, the more so the fewer the years (Nickell 1981). In a
# loop every cause is a past outcome in the end, so that no effect is safe from it. The model here sweeps the levels out as well, and its likelihood carries the term that makes up for it.
#
# Worlds of three lengths, estimated both ways.

# %%
def dummies(values):
    """Least squares with a dummy for each district: estimates and standard errors (effect, cause)."""
    now, before = (each - each.mean(axis=0) for each in (values[1:], values[:-1]))
    now, before = now.reshape(-1, 2), before.reshape(-1, 2)
    crossed = np.linalg.inv(before.T @ before)
    found = (crossed @ before.T @ now).T
    left = now - before @ found.T
    freedom = len(now) - values.shape[1] - 2
    return found, np.sqrt(np.outer((left**2).sum(axis=0) / freedom, np.diag(crossed)))


LENGTHS, WORLDS = (6, 10, 20), 30
generator = np.random.default_rng(5)
worlds = [(times, world(UNITS, times, generator)) for times in LENGTHS for _ in range(WORLDS)]
fits = ca.fit_many([ca.build_model(graph, panel(values), year_effects=False) for _, values in worlds], seed=1, draws=500, chains=2, allow_unconverged=True, store=cache / "worlds")
rows = []
for (times, values), fitted in zip(worlds, fits, strict=True):
    plain, error = dummies(values)
    for edge, truth in TRUTH.items():
        cause, effect = (NODES.index(node) for node in edge.split(" -> "))
        low, middle, high = np.quantile(fitted.edge(edge), [0.05, 0.5, 0.95])
        rows.append({"years": times, "edge": edge, "how": "this model", "off": middle - truth, "holds": low <= truth <= high})
        rows.append({"years": times, "edge": edge, "how": "dummies", "off": plain[effect, cause] - truth, "holds": abs(plain[effect, cause] - truth) <= 1.645 * error[effect, cause]})
found = pd.DataFrame(rows)

# %%
fig, axes = plt.subplots(1, len(TRUTH), figsize=(11, 3), sharey=True, layout="constrained")
for ax, edge in zip(axes, TRUTH, strict=True):
    for how, colour, shift in (("this model", "#14508c", -0.12), ("dummies", "#a8201a", 0.12)):
        own = found[(found["edge"] == edge) & (found["how"] == how)].groupby("years")["off"]
        ax.errorbar(np.arange(len(LENGTHS)) + shift, own.mean(), yerr=1.645 * own.sem(), fmt="o", color=colour, label=how)
    ax.axhline(0, color="grey", linewidth=0.8)
    ax.set_xticks(range(len(LENGTHS)), LENGTHS)
    ax.set(title=f"{edge}, {TRUTH[edge]:+.2f}", xlabel="years")
    ax.title.set_fontsize(9)
axes[0].set_ylabel("estimate less truth, mean of the worlds")
axes[0].legend(fontsize=8);

# %%
table = found.groupby(["edge", "years", "how"]).agg(bias=("off", "mean"), spread=("off", "std"), holds=("holds", "mean")).unstack("how")
table.round(2)

# %%
short = found[found["years"] == min(LENGTHS)]
bias, holds = short.groupby(["how", "edge"])["off"].mean(), found.groupby(["how", "years"])["holds"].mean()
memory = [edge for edge in TRUTH if len(set(edge.split(" -> "))) == 1]
noise = 1.645 * np.sqrt(0.9 * 0.1 / (WORLDS * len(TRUTH)))


def each(values):
    return " and ".join(f"{value:+.2f}" for value in values)


Markdown(
    f"With {min(LENGTHS)} years the dummies put the memory of the two nodes off by {each(bias['dummies'][memory])}, and the largest effect between them by {bias['dummies'][['corruption -> presence', 'presence -> corruption']].abs().max():.2f}; this model by {each(bias['this model'][memory])}, and by at most "
    f"{bias['this model'][['corruption -> presence', 'presence -> corruption']].abs().max():.2f}. Intervals that should hold the truth in 90 % of the worlds hold it, over all effects, in:\n\n"
    + "\n".join(f"- {times} years: {holds['this model'][times]:.0%} (this model), {holds['dummies'][times]:.0%} (dummies)" for times in LENGTHS)
    + f"\n\nChance alone moves such a share by {noise:.0%} either way, more where effects of one world are off together. What the correction cannot do is add data: the spread of the estimates over the worlds is what it is."
)

# %% [markdown]
# ## The article's own panel
#
# The same questions of the largest panel that comes with the built-in article: every check that needs no second fit, in its own words.

# %%
from causal.analysis import prior_sets
from priors.read import read_bundle

bundle = read_bundle("peru_nexus")
study = next(study for study in bundle.studies if study.name == "latam")
real = ca.fit(ca.build_model(bundle.graph, study, prior_sets(bundle)["wide"]), seed=1, allow_unconverged=True, store=cache / "fits")
said = {True: "passed", False: "**failed**", None: "not asked"}
Markdown("\n".join(f"- *{result.name}*, {said[result.passed]}. {result.sentence}" for result in ca.check(real)))
