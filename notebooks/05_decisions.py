# %% [markdown]
# # Decisions
#
# Somebody has to choose among measures whose effects nobody knows for certain. This notebook asks what a fit can do for that choice: which measure to take, what the choice
# may cost if it is wrong, how likely it is to do harm, and what would be worth finding out first. It begins in a loop that is simulated, where the truth stands beside every
# figure, goes on to many such loops to see whether the chances are what they say, and ends with real countries, where no truth is known and the first question is
# another one.

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
# ## A loop, few data and four measures
#
# Corruption wears down the state's presence, the illicit economy grows where the state is weak, and what it earns buys officials. More presence has a dark side here: more
# officials are more to be bought. To eradicate is the sure thing: it acts on the outcome itself, and on it alone. The other measures rely on links. Ten districts are seen for ten years, which is little, and
# little is what most who decide have.

# %%
NODES = ["corruption", "presence", "illicit"]
TRUTH = {
    "corruption -> corruption": 0.5, "presence -> presence": 0.6, "illicit -> illicit": 0.4,
    "corruption -> presence": -0.3, "presence -> illicit": -0.25, "corruption -> illicit": 0.15, "illicit -> corruption": 0.2, "presence -> corruption": 0.1,
}
UNITS, FIRST, LAST, START, AHEAD = 10, 2005, 2014, 2015, 5


def matrix(effects):
    """The effects as a matrix (effect, cause)."""
    found = np.zeros((3, 3))
    for edge, size in effects.items():
        cause, effect = edge.split(" -> ")
        found[NODES.index(effect), NODES.index(cause)] = size
    return found


def seen(effects, generator):
    """A panel of districts with levels of their own, from FIRST to LAST."""
    level = generator.normal(2.0, 0.7, (UNITS, 3))
    values = [np.zeros((UNITS, 3))]
    for _ in range(50 + LAST - FIRST):
        values.append(level + values[-1] @ matrix(effects).T + generator.normal(size=(UNITS, 3)))
    rows = [{"district": f"d{unit:02d}", "year": FIRST + k, **dict(zip(NODES, row, strict=True))} for k, year in enumerate(values[50:]) for unit, row in enumerate(year)]
    return ca.Panel.from_frame(pd.DataFrame(rows), unit="district", time="year")


PUSHES = {"audit offices": [-0.8, 0.0, 0.0], "send in the state": [0.0, 0.8, 0.0], "audit and send": [-0.4, 0.4, 0.0], "eradicate": [0.0, 0.0, -0.2]}
OPTIONS = {name: "; ".join(f"shift {node} {size} from {START}" for node, size in zip(NODES, push, strict=True) if size) for name, push in PUSHES.items()}
COSTS = {"audit offices": 4.0, "send in the state": 9.0, "audit and send": 7.0, "eradicate": 6.0}


def true_effects(effects):
    """What each option does to the illicit economy in the last year asked about, in truth; of linear equations no more need be known than the effects."""
    found = {"nothing": 0.0}
    for name, push in PUSHES.items():
        change = np.zeros(3)
        for _ in range(START, LAST + AHEAD + 1):
            change = matrix(effects) @ change + push
        found[name] = change[NODES.index("illicit")]
    return found


graph = ca.read_graph("\n".join(f"{edge} [lag=1]" for edge in TRUTH))
between = [edge for edge in TRUTH if len(set(edge.split(" -> "))) == 2]
PRIOR = {edge: ca.Normal(0.0, 0.25) if edge in between else ca.Uniform(0.2, 0.7) for edge in TRUTH}
model = ca.build_model(graph, seen(TRUTH, np.random.default_rng(5)), ca.Priors(PRIOR))
fit = ca.fit(model, seed=1, store=cache / "fits")
fit

# %% [markdown]
# ## Which to prefer
#
# `rank` takes each draw of the fit for a world that the data leave possible, sees what every option does in it, and orders the options by their *expected regret*: what is lost,
# on average, against the best option of each world. The red crosses are the truth.

# %%
ranking = ca.rank(fit, OPTIONS, "illicit", horizon=AHEAD, better="lower", costs=COSTS, seed=1)
truth = true_effects(TRUTH)
names = [str(name) for name in ranking["option"].to_numpy()]
picture = ca.rank_plot(ranking)
picture.axes[0].plot([truth[name] for name in names], range(len(names)), "x", color="#a8201a", markersize=9, zorder=5)
picture

# %%
best = min(truth, key=truth.get)
table = ranking[["expected", "p_best", "p_harm", "regret", "cost", "per_cost", "on_frontier"]].to_dataframe().loc[names]
display(table.assign(truth=pd.Series(truth)).round(2))
Markdown(
    f"{ranking.attrs['words']} In truth the best is *{best}* ({truth[best]:+.2f}); who follows the ranking takes *{names[0]}* and loses {truth[names[0]] - truth[best]:.2f} by it."
)

# %% [markdown]
# ## What it costs
#
# Costs stand beside the effects and are never added to them: what a point of the illicit economy is worth is not the model's to say. An option is on the *frontier* when no
# other one costs no more and is expected to do as much.

# %%
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name in names:
    each = ranking.sel(option=name)
    low, middle, high = np.quantile(each["effect"], [0.05, 0.5, 0.95])
    kept = bool(each["on_frontier"])
    ax.plot([float(each["cost"])] * 2, [low, high], color="#14508c" if kept else "0.6", linewidth=2)
    ax.plot(float(each["cost"]), float(each["expected"]), "o", color="#14508c" if kept else "0.6")
    ax.annotate(name, (float(each["cost"]), float(each["expected"])), xytext=(6, 4), textcoords="offset points", fontsize=8)
ax.axhline(0, color="grey", linewidth=0.8)
ax.set(xlabel="cost", ylabel=f"change of the illicit economy in {LAST + AHEAD}", title="Blue: on the frontier. Bars: 90 % intervals")
left = [name for name in names if not bool(ranking["on_frontier"].sel(option=name))]
Markdown(f"Off the frontier: {', '.join(f'*{name}*' for name in left) or 'none'}. The most for its cost: *{names[int(np.nanargmin(ranking['per_cost'].to_numpy()))]}*.")

# %% [markdown]
# ## What is worth knowing first
#
# If one effect were known for certain before the choice is made, how much less would be lost on average? That is its value of information. It is high where an effect is
# unknown *and* the choice hangs on it.

# %%
worth = ca.value_of_information(fit, ranking)
ca.worth_knowing(worth)

# %% [markdown]
# Say that a study is made and its answer is the truth. A prior that is nearly a point tells the model so, for one effect at a time, and the options are ranked anew.

# %%
def told(model, edge, effects):
    """The model for one who knows the true effect of an edge."""
    known = {**PRIOR, edge: ca.Normal(effects[edge] * model.on_standard_scale(graph.edge(edge).name), 0.01)}
    return ca.build_model(graph, model.study, ca.Priors(known))


def ranked(fitted):
    return ca.rank(fitted, OPTIONS, "illicit", horizon=AHEAD, better="lower", seed=1)


informed = ca.fit_many([told(model, edge, TRUTH) for edge in between], seed=1, store=cache / "fits")
rows = []
for edge, each in zip(between, map(ranked, informed), strict=True):
    first = str(each["option"].to_numpy()[0])
    rows.append({"known": edge, "worth beforehand": float(worth.sel(what=graph.edge(edge).name)), "then first": first,
                 "regret then": float(each["regret"][0]), "lost in truth": truth[first] - truth[best]})
table = pd.DataFrame(rows).sort_values("worth beforehand", ascending=False).set_index("known")
display(table.round(3))
top = table.index[0]
Markdown(f"Without any study the expected regret of the best choice is {float(ranking['regret'][0]):.3f}. What looks most worth knowing is {top}; whoever has learnt it expects to lose {table['regret then'].iloc[0]:.3f}.")

# %% [markdown]
# One world proves little: the answer of a study may leave a choice as it was, or even raise the doubts about it. What is promised is an average.
#
# ## Are the chances what they say?
#
# So many worlds more, whose effects are drawn as the prior says. In each the same four options are ranked after ten districts and years, and again by someone who knows the one
# effect that seemed most worth it. If all is well, three things hold on average: a P(harm) of a fifth means harm in a fifth of the cases, the regret that is expected is the
# regret that comes, and knowing the effect saves what its value promised.

# %%
WORLDS = 80
generator = np.random.default_rng(11)
truths = []
while len(truths) < WORLDS:
    drawn = {edge: generator.normal(prior.mean, prior.sd) if edge in between else generator.uniform(prior.low, prior.high) for edge, prior in PRIOR.items()}
    if np.abs(np.linalg.eigvals(matrix(drawn))).max() < 0.95:
        truths.append(drawn)
models = [ca.with_data(model, seen(effects, generator)) for effects in truths]
both = ca.fit_many([*models, *(told(each, top, effects) for each, effects in zip(models, truths, strict=True))], seed=2, draws=500, chains=2, allow_unconverged=True, store=cache / "worlds")
rows, chances = [], []
for k, effects in enumerate(truths):
    true = true_effects(effects)
    least = min(true.values())
    plain, knowing = ranked(both[k]), ranked(both[WORLDS + k])
    picks = [str(each["option"].to_numpy()[0]) for each in (plain, knowing)]
    value = float(ca.value_of_information(both[k], plain, top).item())
    rows.append({"expected": float(plain["regret"][0]), "came": true[picks[0]] - least, "worth": value, "came when told": true[picks[1]] - least,
                 "nothing": true["nothing"] - least, "at random": np.mean(list(true.values())) - least})
    chances += [(float(plain["p_harm"].sel(option=name)), true[name] > 0) for name in OPTIONS]
outcome = pd.DataFrame(rows)
chances = pd.DataFrame(chances, columns=["said", "harm"])

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
groups = chances.groupby(pd.cut(chances["said"], [-0.001, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0]), observed=True)
said, came, size = groups["said"].mean(), groups["harm"].mean(), groups.size()
left.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
left.errorbar(said, came, yerr=1.64 * np.sqrt(said * (1 - said) / size), fmt="o", color="#14508c")
left.set(xlabel="P(harm) as said", ylabel="share that did harm", title="90 % of such marks should touch the line", xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))


def span(values):
    """The 90 % interval of a mean over worlds, by drawing the worlds again: most lose nothing and few lose much."""
    again = np.random.default_rng(0).choice(values, (4000, len(values))).mean(axis=1)
    return np.quantile(again, [0.05, 0.95])


rules = {"follow the ranking": "came", "the same, told one effect": "came when told", "choose at random": "at random", "do nothing": "nothing"}
mean, spans = outcome[list(rules.values())].mean(), np.array([span(outcome[column]) for column in rules.values()])
right.barh(list(rules), mean, xerr=np.abs(spans.T - mean.to_numpy()), color="#14508c", alpha=0.5)
right.axvline(outcome["expected"].mean(), color="#a8201a", linestyle="--")
right.invert_yaxis()
right.set(xlabel="lost against the best option, mean of all worlds", title="Broken line: the loss that was expected");

# %%
saved = outcome["came"] - outcome["came when told"]


def about(values):
    """A mean with its 90 % interval."""
    low, high = span(values)
    return f"{values.mean():.3f} (90 %: {low:.3f} to {high:.3f})"


held = {True: "That fits.", False: "That does not fit well: chance, or the prior is not quite how the worlds were drawn."}
fits_regret = span(outcome["came"])[0] <= outcome["expected"].mean() <= span(outcome["came"])[1]
fits_worth = span(saved)[0] <= outcome["worth"].mean() <= span(saved)[1]
Markdown(
    f"- **Regret.** Expected, on average: {outcome['expected'].mean():.3f}. It came to {about(outcome['came'])}. {held[fits_regret]} Doing nothing would have lost {outcome['nothing'].mean():.2f}, choosing at random {outcome['at random'].mean():.2f}.\n"
    f"- **Harm.** Over {len(chances)} options and worlds P(harm) was {chances['said'].mean():.2f} on average, and {chances['harm'].mean():.2f} did harm. Of the options with P(harm) below .05, {chances.loc[chances['said'] < 0.05, 'harm'].mean():.0%} did.\n"
    f"- **Knowing.** To know {top} was said to be worth {outcome['worth'].mean():.3f} on average; it saved {about(saved)}. {held[fits_worth]}"
)

# %% [markdown]
# # Real countries
#
# The second bundle that comes with the package holds what published work says of corruption, homicide and growth in Latin America. Its interventions are ranked for each outcome, under three
# priors. The figures are made exactly as above. What they rest on is not.

# %%
from causal.analysis import analyse
from priors.read import read_bundle

bundle = read_bundle("growth")
analysis = analyse(bundle, store=cache / "fits")
for ranked_here in analysis.rankings:
    display(ca.rank_plot(ranked_here.by_set["sceptical"]))

# %%
lines = []
for each in analysis.rankings:
    for prior, found in each.by_set.items():
        lines.append({"outcome": each.outcome, "prior": prior, "first": str(found["option"].to_numpy()[0]), "expected": float(found["expected"][0]),
                      "P(best)": float(found["p_best"][0]), "P(harm)": float(found["p_harm"][0]), "regret": float(found["regret"][0])})
display(pd.DataFrame(lines).set_index(["outcome", "prior"]).round(3))
often = []
for each in analysis.rankings:
    found = each.by_set["sceptical"]
    most = found.isel(option=int(found["p_best"].argmax("option")))
    if str(most["option"].item()) != str(found["option"].to_numpy()[0]):
        often.append(f"For {each.outcome} *{most['option'].item()}* is the best most often ({float(most['p_best']):.0%} of the sceptic's draws), and still not the one to take: where it is not, it loses more (expected regret {float(most['regret']):.3f}).")
Markdown(" ".join(often) or "For each outcome the first option is also the one that is best most often.")

# %% [markdown]
# P(harm) counts what the draws leave open. It does not count that a link may be no effect at all. So here stands every link over which the options reach their outcome, and what became of
# it as a claim.

# %%
used = {}
for each in analysis.rankings:
    for links in each.rests_on.values():
        for edge, word in links.items():
            used.setdefault(edge, (word, set()))[1].add(each.outcome)
pd.DataFrame([{"link": edge, "what it rests on": word, "needed for": " and ".join(sorted(outcomes))} for edge, (word, outcomes) in used.items()]).set_index("link")

# %%
claimed = {edge: word for edge, (word, _) in used.items() if "no claim" not in word}
sure = sum(word == "supported" for word in claimed.values())
harm = [float(found["p_harm"][0]) for each in analysis.rankings for found in each.by_set.values()]
worths = "\n".join(f"- For {each.outcome}. {each.worth['sceptical'].attrs['words']}" for each in analysis.rankings)
Markdown(
    f"Of {len(claimed)} links that a claim states, **{sure}** are supported. The options that come first have a P(harm) of {min(harm):.2f} to {max(harm):.2f}, if every link were the effect that it is taken for; and that is an assumption, which no further year of this panel "
    f"would show to be wrong. What would be worth knowing, by the sceptic's fit:\n\n{worths}\n\nSuch a value speaks of the size of an effect within this graph. What it would be worth to know whether the graph is right, no ranking says."
)
