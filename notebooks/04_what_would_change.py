# %% [markdown]
# # What would change
#
# A verdict says whether a link is there. Who has to act asks another thing: what changes if I push here, how much, how soon, and could it do harm? This notebook asks that
# twice. First of a small loop that is simulated, so that the true answer is known and stands beside each estimate. Then of the built-in article's largest panel, where nobody
# knows the truth, and where the answers say what they rest on.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import platformdirs
from IPython.display import Markdown

import causal as ca

cache = Path(platformdirs.user_cache_dir("causal-claims"))  # where the command keeps its fits, too

# %% [markdown]
# ## A loop of which the truth is known
#
# Corruption wears down the state's presence, a weak state lets the illicit economy grow, and what it earns feeds corruption. Thirty districts are seen for twenty years. Each node
# remembers itself, each district has levels of its own, and everything else is chance.

# %%
NODES = ["corruption", "presence", "illicit"]
TRUTH = {
    "corruption -> corruption": 0.5, "presence -> presence": 0.5, "illicit -> illicit": 0.4,
    "corruption -> presence": -0.3, "presence -> illicit": -0.35, "corruption -> illicit": 0.2, "illicit -> corruption": 0.2,
}
B = np.zeros((3, 3))  # effect, cause
for edge, size in TRUTH.items():
    cause, effect = edge.split(" -> ")
    B[NODES.index(effect), NODES.index(cause)] = size

UNITS, FIRST, LAST, AHEAD = 30, 2000, 2019, 10
generator = np.random.default_rng(8)
level = generator.normal(2.0, 0.7, (UNITS, 3))
shock = generator.normal(size=(50 + LAST - FIRST + 1 + AHEAD, UNITS, 3))


def world(effects=lambda year: B, push=lambda year, before: 0.0):
    """The values (year, unit, node) from FIRST to LAST + AHEAD: what is true, with these effects and with what is pushed."""
    values = [np.zeros((UNITS, 3))]
    for k in range(1, len(shock)):
        year = FIRST - 50 + k
        values.append(level + values[-1] @ effects(year).T + shock[k] + push(year, values[-1]))
    return np.stack(values[50:])


seen = world()[: LAST - FIRST + 1]
frame = pd.DataFrame(
    [{"district": f"d{unit:02d}", "year": FIRST + k, **dict(zip(NODES, seen[k, unit], strict=True))} for unit in range(UNITS) for k in range(len(seen))]
)
graph = ca.read_graph("\n".join(f"{edge} [lag=1]" for edge in TRUTH))
fit = ca.fit(ca.build_model(graph, ca.Panel.from_frame(frame, unit="district", time="year")), seed=1, store=cache / "fits")

# %%
drawn = np.stack([fit.edge(edge).to_numpy().ravel() for edge in TRUTH])
low, middle, high = np.quantile(drawn, [0.05, 0.5, 0.95], axis=1)
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.hlines(range(len(TRUTH)), low, high, color="#14508c")
ax.plot(middle, range(len(TRUTH)), "o", color="#14508c", label="estimate, 90 % interval")
ax.plot(list(TRUTH.values()), range(len(TRUTH)), "x", color="#a8201a", label="truth")
ax.set_yticks(range(len(TRUTH)), list(TRUTH))
ax.axvline(0, color="grey", linewidth=0.8)
ax.invert_yaxis()
ax.legend(fontsize=8);

# %% [markdown]
# ## A push: shift
#
# Push corruption down by 1 in every year from 2020. An intervention is written as text, and `contrast` gives what it changes: one number for each draw and year. Line and bands are the
# estimate, the broken red line is the truth. Beneath the picture stands what each link on the way rests on.

# %%
years = np.arange(FIRST, LAST + AHEAD + 1)
usual = world()


def down(year, before):
    return np.array([-1.0, 0.0, 0.0]) if year >= 2020 else 0.0


effect = ca.contrast(fit, "shift corruption -1 from 2020", outcome="illicit", horizon=AHEAD, seed=1)
true_shift = (world(push=down) - usual)[..., NODES.index("illicit")].mean(axis=1)
picture = ca.fan(effect, label="Corruption pushed down by 1 a year from 2020: what becomes of the illicit economy")
picture.axes[0].plot(years, true_shift, "--", color="#a8201a")
picture

# %% [markdown]
# The change comes late and by two roads, one straight and one through the state, and it is still growing after ten years, since each year's push stays in part. All other nodes,
# and the years in which the interval holds the truth:

# %%
told = []
for node in NODES:
    change = ca.contrast(fit, "shift corruption -1 from 2020", outcome=node, horizon=AHEAD, seed=1).sel(time=slice(2021, None))
    bounds = change.quantile([0.05, 0.5, 0.95], dim="draw").to_numpy()
    truth = (world(push=down) - usual)[..., NODES.index(node)].mean(axis=1)[-change.sizes["time"] :]
    inside = (bounds[0] <= truth) & (truth <= bounds[2])
    told.append({"node": node, "true in 2029": truth[-1], "estimate": bounds[1, -1], "low": bounds[0, -1], "high": bounds[2, -1], "years that hold the truth": f"{inside.sum()} of {inside.size}"})
pd.DataFrame(told).set_index("node").round(2)

# %% [markdown]
# ## A rule: policy
#
# A policy acts only where its rule holds in that world: the state comes in where the illicit economy was among the largest fifth a year before, from 2010 on. That is asked of the years that
# were seen: `counterfactual` takes each district's shocks from its data and replays them. What acts changes where it acts next, so that no multiplication gives this answer.

# %%
rule = ca.Policy("presence", 1.5, when="illicit[-1] > q80", start=2010)
bar = np.quantile(seen[..., NODES.index("illicit")], 0.8)


def come_in(year, before):
    acts = (before[:, NODES.index("illicit")] > bar) & (year >= 2010)
    return np.stack([np.zeros(UNITS), 1.5 * acts, np.zeros(UNITS)], axis=-1)


replayed = ca.counterfactual(fit, rule, outcome="illicit", seed=1)
observed = ca.counterfactual(fit, (), outcome="illicit", seed=1)
true_policy = (world(push=come_in) - usual)[: len(seen), :, NODES.index("illicit")]
change = (replayed - observed).assign_attrs(replayed.attrs)
picture = ca.fan(change.mean("unit", keep_attrs=True).rename("illicit"), label="Had the state come in where the illicit economy was large, from 2010")
picture.axes[0].plot(years[: len(seen)], true_policy.mean(axis=1), "--", color="#a8201a")
picture

# %% [markdown]
# One district, the one that the rule would have changed most: what was seen, what would have been, and what would in truth have been.

# %%
unit = int(np.abs(true_policy).sum(axis=0).argmax())
bounds = replayed.isel(unit=unit).quantile([0.05, 0.5, 0.95], dim="draw").to_numpy()
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
at = replayed["time"].to_numpy()
ax.plot(at, seen[:, unit, NODES.index("illicit")], color="0.4", label="seen")
ax.fill_between(at, bounds[0], bounds[2], color="#14508c", alpha=0.25, linewidth=0)
ax.plot(at, bounds[1], color="#14508c", label="replayed under the rule, 90 %")
ax.plot(at, (seen[..., NODES.index("illicit")] + true_policy)[:, unit], "--", color="#a8201a", label="truth")
ax.set(title=f"District {frame['district'].unique()[unit]}", ylabel="illicit", xticks=range(FIRST, LAST + 1, 3))
ax.legend(fontsize=8);

# %% [markdown]
# ## A cut, and the parts of an effect
#
# A cut takes a link away: from 2020 corruption no longer reaches the state. All that the link carried goes with it, the level included, so that this is no small push.

# %%
broken = B.copy()
broken[NODES.index("presence"), NODES.index("corruption")] = 0.0
effect = ca.contrast(fit, "cut corruption -> presence from 2020", outcome="illicit", horizon=AHEAD, seed=1)
true_cut = (world(effects=lambda year: broken if year >= 2020 else B) - usual)[..., NODES.index("illicit")].mean(axis=1)
picture = ca.fan(effect, label="The link from corruption to the state's presence cut from 2020")
picture.axes[0].plot(years, true_cut, "--", color="#a8201a")
picture

# %% [markdown]
# And through what does the push on corruption reach the illicit economy? `mediated_parts` takes the total apart: what goes by way of the state's presence, and the rest. The truth is
# the same recursion in which presence passes nothing on.

# %%
parts = ca.mediated_parts(fit, "shift corruption -1 from 2020", outcome="illicit", through=["presence"], horizon=AHEAD)
deaf = B.copy()
deaf[:, NODES.index("presence")] = 0.0
alone = (world(effects=lambda year: deaf, push=down) - world(effects=lambda year: deaf))[-1, :, NODES.index("illicit")].mean()
display(ca.waterfall(parts.sel(time=LAST + AHEAD)))
Markdown(f"In truth {true_shift[-1] - alone:+.2f} go through presence and {alone:+.2f} by the rest, {true_shift[-1]:+.2f} in all.")

# %% [markdown]
# ## How the loop moves by itself
#
# `dynamics` gives for each draw the loop's gain, how long a disturbance lasts, and where a lasting push ends. A ratio of uncertain numbers has no mean worth telling, so that all
# of these are told as quantiles.

# %%
moves = ca.dynamics(fit)
radius = np.abs(np.linalg.eigvals(B)).max()
long_run = np.linalg.inv(np.eye(3) - B)
memory = dict(zip(NODES, np.diag(B), strict=True))
told = [("radius: share of a disturbance left after a year", moves["radius"], radius), ("half-life, years", moves["half_life"], np.log(0.5) / np.log(radius))]
for loop in moves["loop"].to_numpy():
    path = str(loop).replace(" [lag=1]", "").split(" -> ")
    round_trip = np.prod([TRUTH[f"{cause} -> {effect}"] / (1 - memory[cause]) for cause, effect in zip(path, path[1:])])
    told.append((f"gain of {' -> '.join(path)}", moves["gain"].sel(loop=loop), round_trip))
for cause in NODES:
    told.append((f"long run of illicit per lasting push of {cause}", moves["multiplier"].sel(cause=cause, effect="illicit"), long_run[NODES.index("illicit"), NODES.index(cause)]))
pd.set_option("display.max_colwidth", 80)
table = pd.DataFrame([{"what": what, "truth": truth, **dict(zip(("low", "median", "high"), np.nanquantile(values.to_numpy(), [0.05, 0.5, 0.95]), strict=True))} for what, values, truth in told])
print(f"P(explosive) {float(moves['p_explosive']):.3f}")
table.set_index("what").round(2)

# %%
responses = ca.impulse_responses(fit, 12)
picture = ca.response_grid(responses)
for panel, (effect, cause) in zip(picture.axes, [(effect, cause) for effect in responses["effect"].to_numpy() for cause in responses["cause"].to_numpy()], strict=True):
    power = [np.linalg.matrix_power(B, step)[NODES.index(effect), NODES.index(cause)] for step in responses["step"].to_numpy()]
    panel.plot(responses["step"], power, "--", color="#a8201a")
picture

# %% [markdown]
# ## What to prefer
#
# Four things could be done, and nothing. `rank` asks in every draw which would be best, and orders by expected regret: what is lost, on average, against the best in each
# draw. P(harm) is the share of draws in which an option makes the illicit economy larger than doing nothing does.

# %%
options = {
    "fight corruption": "shift corruption -1 from 2020",
    "bring in the state": "shift presence 1 from 2020",
    "eradicate": "shift illicit -1 from 2020",
    "halve what buys officials": "scale illicit -> corruption 0.5 from 2020",
}
ranking = ca.rank(fit, options, "illicit", horizon=AHEAD, better="lower", seed=1)
ca.rank_plot(ranking)

# %%
halved = B.copy()
halved[NODES.index("corruption"), NODES.index("illicit")] *= 0.5
truth = {"nothing": 0.0, "halve what buys officials": (world(effects=lambda year: halved if year >= 2020 else B) - usual)[-1, :, NODES.index("illicit")].mean()}
for name, pushed in (("fight corruption", [-1.0, 0.0, 0.0]), ("bring in the state", [0.0, 1.0, 0.0]), ("eradicate", [0.0, 0.0, -1.0])):
    truth[name] = (world(push=lambda year, before: np.array(pushed) * (year >= 2020)) - usual)[-1, :, NODES.index("illicit")].mean()
best = min(truth, key=truth.get)
first = str(ranking["option"].to_numpy()[0])
known = pd.DataFrame({"truth": truth, "expected": ranking["expected"].to_series(), "P(best)": ranking["p_best"].to_series(), "P(harm)": ranking["p_harm"].to_series(), "regret": ranking["regret"].to_series()})
display(known.loc[ranking["option"].to_numpy()].round(3))
Markdown(f"{ranking.attrs['words']} In truth the best is *{best}*; who follows the ranking takes *{first}* and loses {truth[first] - truth[best]:.2f} by it.")

# %% [markdown]
# Which of the unknown effects would be worth knowing before choosing? Where the choice is clear already, knowing more is worth next to nothing.

# %%
ca.worth_knowing(ca.value_of_information(fit, ranking))

# %% [markdown]
# # The real panel
#
# Now 25 countries of Latin America and the Caribbean from 1996 to 2021, under the built-in article. No truth to draw in; instead three priors, and what each answer rests on. The verdict on the
# link that everything here passes through is known from `03_testing_the_article.ipynb`.

# %%
from causal.analysis import analyse, answer, words_by_edge
from priors.read import read_bundle

bundle = read_bundle("peru_nexus")
analysis = analyse(bundle, store=cache / "fits", interventions=False)
fits = analysis.evidence["latam"].fits
spec = next(spec for spec in bundle.interventions if spec.key == "less_corruption")
found = answer(analysis.evidence, words_by_edge(analysis), spec, seed=1)
for edge, word in found.rests_on.items():
    print(f"{edge}: {word}")

# %%
ca.fan(
    {f"{name} prior": effect.sel(time=slice(2010, None)).assign_attrs(rests_on="") for name, effect in found.effects.items()}, label=spec.label
)

# %%
lines = [f"**Asked:** {spec.label}. **Outcome:** state presence, an index of which a typical yearly swing is {float(fits['wide'].model.design.scales[fits['wide'].model.system.nodes.index('presence')]):.2f}."]
for name, effect in found.effects.items():
    last = effect.isel(time=-1)
    low, middle, high = np.quantile(last, [0.05, 0.5, 0.95])
    lines.append(f"- {name} prior, {int(last['time'])}: {middle:+.2f} (90 %: {low:+.2f} to {high:+.2f}), P(harm) {float((last < 0).mean()):.2f}")
verdict = analysis.verdict("c2")
lines.append(f"\nThe numbers lean the article's way. They rest on {verdict.edge}, of which the verdict is *{verdict.verdict}*: {verdict.sentence} Whoever acts on them trusts the assumption that the other causes do not matter.")
Markdown("\n".join(lines))

# %% [markdown]
# ## A rule, and the years replayed
#
# Had corruption been pushed down by a typical swing in 2016 to 2018 wherever it stood in the top fifth, how would presence have gone? The panel is replayed, country by country.

# %%
rule = "shift corruption -0.04 when corruption[-1] > q80 from 2016 to 2018"
effect = {}
for name, fitted in fits.items():
    world = ca.counterfactual(fitted, rule, outcome="presence", seed=1)
    effect[name] = world - ca.counterfactual(fitted, (), outcome="presence", seed=1)
touched = effect["wide"].mean("draw")
units = touched["unit"].to_numpy()[np.abs(touched).max("time").to_numpy() > 0]
ca.ribbons(effect["wide"].sel(unit=units, time=slice(2014, None)).rename("presence"), most=8)

# %% [markdown]
# What is asked for in parts is refused where the parts cannot be told. A total may be right where its parts are not, because an unmeasured cause that the mediator and the outcome
# share spoils only the parts:

# %%
try:
    ca.mediation(fits["wide"], "shift presence 0.18 from 2016", outcome="presence", through="corruption")
except ca.CausalError as refused:
    print(refused)

# %% [markdown]
# ## How this loop moves, and what would tame it
#
# How long a disturbance lasts, and where presence would end if corruption were pushed down by .01 in every year without end. A disturbance that halves in decades is one of which 26 years show
# only the beginning: the last column but one is what the equations say far beyond anything that this panel has seen, and its width is the honest part of it.

# %%
told = []
for name, fitted in fits.items():
    moves = ca.dynamics(fitted)
    wait = np.quantile(moves["half_life"], [0.05, 0.5, 0.95], method="lower")
    swing = float(fitted.model.design.scales[fitted.model.system.nodes.index("presence")])
    run = moves["multiplier"].sel(cause="corruption", effect="presence").to_numpy()
    low, middle, high = np.nanquantile(run, [0.05, 0.5, 0.95])
    told.append({"prior": name, "P(explosive)": float(moves["p_explosive"]), "half-life, years": f"{wait[1]:.0f} ({wait[0]:.0f} to {wait[2]:.0f})",
                 "presence in the end, in typical swings": f"{-middle * 0.01 / swing:+.1f} ({-high * 0.01 / swing:+.1f} to {-low * 0.01 / swing:+.1f})",
                 "decays for certain if": "; ".join(f"{' and '.join(cut.edges)} times {cut.factor:.2f}" for cut in ca.smallest_cut(fitted)[:2] if cut.edges) or "as it is"})
pd.DataFrame(told).set_index("prior")

# %%
ca.response_grid(ca.impulse_responses(fits["wide"], 15))

# %% [markdown]
# ## What to prefer, and what to learn first
#
# The bundle's interventions on presence beside each other, by the sceptic's posterior.

# %%
options = {each.key: each.do for each in bundle.interventions if each.outcome == "presence"}
ranking = ca.rank(fits["sceptical"], options, "presence", horizon=10, better="higher", seed=1)
ca.rank_plot(ranking)

# %%
worth = ca.value_of_information(fits["sceptical"], ranking)
ca.worth_knowing(worth)

# %%
rows = []
for name, fitted in fits.items():
    each = ca.rank(fitted, options, "presence", horizon=10, better="higher", seed=1)
    best = str(each["option"].to_numpy()[0])
    rows.append(f"- {name} prior: *{best}* first, P(best) {float(each['p_best'].sel(option=best)):.2f}, P(harm) {float(each['p_harm'].sel(option=best)):.2f}, regret {float(each['regret'].sel(option=best)):.3f}")
Markdown("\n".join([
    *rows,
    f"\n{worth.attrs['words']}",
    f"\nDoing something comes out ahead under all three priors, with a chance of harm that no prior removes. But that regret counts only what the draws leave open. It does not count that the link is *{verdict.verdict}*: if something "
    "unmeasured moves corruption and presence both, the whole ranking could be about nothing, and no further year of this panel would show it.",
]))
