# %% [markdown]
# # Testing the article
#
# The built-in article says how an illicit economy, corruption and a weak state feed each other. This notebook puts all its claims to the five panels that
# come with it, and says in plain words what became of them: how many can be tested at all, what the data say of those, and how far to trust that. Every figure in
# the text below is computed where it stands. In the second half the same links are estimated again by another method, in NumPy alone, and what the article
# foretold is set beside what came.

# %%
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import platformdirs
from IPython.display import HTML, Markdown

import causal as ca
from causal.analysis import analyse, prior_sets
from priors.read import read_bundle

cache = Path(platformdirs.user_cache_dir("causal-claims"))  # where the command keeps its fits, too
bundle = read_bundle("peru_nexus")
analysis = analyse(bundle, store=cache / "fits", interventions=False)
labels = {name: card.label or name for name, card in bundle.nodes.items()}
studies = {study.name: study.label for study in bundle.studies}

# %% [markdown]
# ## Every claim and its word
#
# A column for each study says what that study answers: *measured, no answer* where it measures both sides and cannot tell the effect from other
# causes that the article itself names, and behind *if* the answer when those causes are assumed away. An empty field: the study does not measure both sides.

# %%
rows = []
for claim, verdict in zip(bundle.ledger.claims, analysis.verdicts, strict=True):
    row = {"claim": claim.key, "link": verdict.edge or "(none)", "says": claim.says, "verdict": verdict.verdict, **dict.fromkeys(studies, "")}
    for found in verdict.findings:
        row[found.study] = "measured, no answer" if found.verdict == "not-identified" else found.verdict
    for found in verdict.conditional:
        if found.verdict not in (row[found.study], "not-identified"):
            row[found.study] += f"; if: {found.verdict}"
    rows.append(row)
table = pd.DataFrame(rows).set_index("claim")
HTML(f'<div style="max-height: 26em; overflow: auto">{table.to_html()}</div>')

# %% [markdown]
# The same without the claims that no study can speak to:

# %%
table[table["verdict"] != "untestable"].drop(columns="says")

# %% [markdown]
# ## What is missing
#
# Most claims fail before any number is looked at. The picture shows the things whose measurement is missing, those that most claims wait for on top.

# %%
untestable = [verdict for verdict in analysis.verdicts if verdict.verdict == "untestable"]
wanted = Counter(node for verdict in untestable for node in verdict.unmeasured)
no_link = sum(claim.edge is None for claim in bundle.ledger.claims)
unmeasured = sum(bool(verdict.unmeasured) for verdict in untestable)
apart = len(untestable) - no_link - unmeasured

most = wanted.most_common(12)[::-1]
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.barh([labels[node] for node, _ in most], [count for _, count in most], color="#14508c", alpha=0.6)
ax.set(xlabel="untestable claims with this at one end", title="What no study measures");

# %% [markdown]
# ## The summary

# %%
words = Counter(verdict.verdict for verdict in analysis.verdicts)
answered = [verdict for verdict in analysis.verdicts if verdict.verdict not in ("untestable", "not-identified")]
open_roads = [verdict for verdict in analysis.verdicts if verdict.verdict == "not-identified"]
second = [verdict for verdict in open_roads if any(found.estimates for found in verdict.conditional)]
chain = analysis.chain
told = "; ".join(f"{count} {word}" for word, count in words.most_common())
first_wants = ", ".join(f"{labels[node].lower()} ({count})" for node, count in wanted.most_common(5))
lines = [
    f"The ledger holds **{len(analysis.verdicts)} claims**. Their words: {told}.",
    f"**{len(untestable)} are untestable**: for {unmeasured} nobody measures one end or both (most often {first_wants}), {no_link} are no statement "
    f"about one thing moving another, and for {apart} both ends are measured, but not in one study.",
    f"**{len(open_roads)} are measured and still without an answer**, since something unmeasured may move both ends, or because one value holds for all units. "
    f"If what is unmeasured is assumed away, {len(second)} of them get a second answer, marked as such.",
    f"**{len(answered)} {'has' if len(answered) == 1 else 'have'} an answer** under the whole article: "
    + "; ".join(f"{verdict.claim} ({verdict.edge}) is *{verdict.verdict}*" for verdict in answered) + ".",
    f"**The loop.** {chain.sentence} Its links: " + ", ".join(f"{link.edge} is *{link.verdict}*" for link in chain.links) + f". {chain.rests_on}",
    f"**Wrong words to be expected.** {ca.errors_of(analysis.verdicts).sentence}",
]
Markdown("\n\n".join(lines))

# %% [markdown]
# Each of those that are not untestable, in the words of the page: what the data say, what that rests on, and what would change it.

# %%
told = []
for verdict in analysis.verdicts:
    if verdict.verdict != "untestable":
        told.append(f"**{verdict.claim}, {verdict.edge}: {verdict.verdict}.** {verdict.sentence} *Rests on:* {verdict.rests_on} *What would change it:* {verdict.would_change}")
        for found in verdict.conditional:
            if found.estimates:
                told.append(f"> If {len(found.set_aside)} other influences are assumed away, by {studies[found.study]}: **{found.verdict}** ({found.why})")
Markdown("\n\n".join(told))

# %% [markdown]
# ## The numbers behind the words
#
# Median and 90 % interval of each effect that some study has numbers for, under the three priors. The grey band holds effects too small to matter. Hollow
# marks are an answer only if other causes are assumed away. Where the three colours lie apart, the prior is speaking.

# %%
shown = {}
for verdict in analysis.verdicts:
    for found in (*verdict.findings, *verdict.conditional):
        if found.estimates and (verdict.edge, found.study) not in shown:
            shown[verdict.edge, found.study] = (found, verdict.smallest_effect)
colours = {"article": "#a8201a", "sceptical": "#14508c", "wide": "#0b6b3a"}
fig, ax = plt.subplots(figsize=(8, 0.55 + 0.62 * len(shown)), layout="constrained")
for place, ((edge, study), (found, smallest)) in enumerate(shown.items()):
    ax.fill_betweenx([place - 0.4, place + 0.4], -smallest, smallest, color="0.85", linewidth=0)
    for k, each in enumerate(found.estimates):
        y = place + 0.22 * (k - 1)
        ax.plot([each.low, each.high], [y, y], color=colours[each.prior_set], label=f"{each.prior_set} prior" if place == 0 else None)
        ax.plot(each.median, y, "o", color=colours[each.prior_set], markersize=5, markerfacecolor=colours[each.prior_set] if found.identified else "white")
ax.axvline(0, color="grey", linewidth=0.8)
ax.set_yticks(range(len(shown)), [f"{edge}\n{study}" for edge, study in shown], fontsize=8)
ax.invert_yaxis()
ax.set_xlabel("sd of the outcome for one sd of the cause, one period later")
ax.legend(fontsize=8);

# %% [markdown]
# ## The checks
#
# Each study's fits are checked before anything is said. Red failed, green passed, grey could not be asked. A failed check of the persistence kind keeps the word *supported*
# from the links that it concerns; the others stand beside the word as warnings.

# %%
names = list(dict.fromkeys(result.name for found in analysis.evidence.values() for result in found.checks))
grid = np.array([[{True: 1.0, False: 0.0, None: 0.5}[next((r.passed for r in found.checks if r.name == name), None)] for name in names]
                 for found in analysis.evidence.values()])
fig, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
ax.imshow(grid, cmap=plt.matplotlib.colors.ListedColormap(["#d98880", "#d5d8dc", "#7dcea0"]), vmin=0, vmax=1, aspect="auto")
ax.set_xticks(range(len(names)), names, rotation=25, ha="right", fontsize=8)
ax.set_yticks(range(len(analysis.evidence)), list(analysis.evidence), fontsize=8)
for (row, column), value in np.ndenumerate(grid):
    ax.text(column, row, {1.0: "passed", 0.0: "failed", 0.5: "-"}[value], ha="center", va="center", fontsize=7)

# %%
failed = [(study, result) for study, found in analysis.evidence.items() for result in found.checks if result.passed is False]
Markdown(f"{len(failed)} checks failed:\n\n" + "\n".join(f"- **{study}, {result.name}.** {result.sentence}" for study, result in failed))


# %% [markdown]
# # The same links by another method
#
# The numbers above come from a Bayesian model with a correction that this project made itself. So here is the plainest estimate that a textbook
# would make: every measured equation by ordinary least squares, with a dummy for each unit and each year and standard errors clustered by
# unit. Nothing of the package enters but the columns' values. Both estimates are put on one scale: each node's sd around its unit's mean.

# %%
def two_way(values, outcome, causes):
    """Least squares of `outcome` on `causes`, pairs (node, lag), with unit and year dummies, in each of several panels with the same holes.

    `values` by node (panel, unit, time). Estimates and clustered standard errors (panel, cause), then the numbers of rows and units.
    """
    first = max(lag for _, lag in causes)
    periods = values[outcome].shape[-1]
    y = values[outcome][..., first:, None]
    x = np.stack([values[node][..., first - lag : periods - lag] for node, lag in causes], axis=-1)
    whole = np.isfinite(y[0, ..., 0]) & np.isfinite(x[0]).all(axis=-1)
    whole &= whole.sum(axis=1, keepdims=True) > 1
    unit, year = np.nonzero(whole)
    dummies = np.hstack([unit[:, None] == np.unique(unit), year[:, None] == np.unique(year)[1:]]).astype(float)
    basis, _ = np.linalg.qr(dummies)
    y, x = (each[:, whole] - basis @ (basis.T @ each[:, whole]) for each in (y, x))
    crossed = x.transpose(0, 2, 1)
    bread = np.linalg.inv(crossed @ x)
    estimate = bread @ crossed @ y
    left = y - x @ estimate
    groups = np.unique(unit)
    scores = np.stack([(x * left)[:, unit == group].sum(axis=1) for group in groups], axis=1)
    meat = scores.transpose(0, 2, 1) @ scores * len(groups) / (len(groups) - 1)
    error = np.sqrt(np.diagonal(bread @ meat @ bread, axis1=1, axis2=2))
    return estimate[..., 0], error, len(unit), len(groups)


columns, equations = {}, {}
for name, found in analysis.evidence.items():
    model = found.fits["wide"].model
    natural = model.study.values(model.graph)
    for node in model.system.nodes:
        value = natural.sel(variable=node).to_numpy()
        value = value[np.isfinite(value).any(axis=1)]
        centred = value - np.nanmean(value, axis=1, keepdims=True)
        sd = np.sqrt(np.nansum(centred**2) / (np.isfinite(value).sum(axis=1) - 1).sum())
        columns[name, node] = natural.sel(variable=node).to_numpy()[None, model.design.units] / sd
        equations[name, node] = [(term.cause, term.lag) for term in model.system.terms if term.effect == node]
print(len(equations), "equations with", sum(map(len, equations.values())), "links in", len(analysis.evidence), "studies")

# %%
rows = []
for (name, outcome), causes in equations.items():
    values = {node: columns[name, node] for study, node in columns if study == name}
    estimate, error, size, units = two_way(values, outcome, causes)
    for (cause, lag), plain, spread in zip(causes, estimate[0], error[0], strict=True):
        link = f"{cause} -> {outcome} [lag={lag}]"
        row = {"study": name, "link": link, "units": units, "rows": size, "plain": plain, "error": spread}
        for prior, fitted in analysis.evidence[name].fits.items():
            drawn = fitted.edge(link, scale="standard").to_numpy()
            row[prior] = np.median(drawn)
            if prior == "wide":
                row["low"], row["high"] = np.quantile(drawn, [0.05, 0.95])
        rows.append(row)
links = pd.DataFrame(rows)
links["memory"] = [link.split(" -> ")[0] == link.split(" -> ")[1].split(" [")[0] for link in links["link"]]
links.drop(columns="memory").round(3)

# %% [markdown]
# *plain* and *error* are the least-squares estimate and its standard error; *article*, *sceptical* and *wide* our medians under the three priors, *low* and *high* the 90 % interval under the
# wide one.

# %%
effects, memory = links[~links["memory"]], links[links["memory"]]
sure = (np.sign(effects["low"]) == np.sign(effects["high"])) | (effects["plain"].abs() > 1.96 * effects["error"])
agree = np.sign(effects["plain"]) == np.sign(effects["wide"])
split = "; ".join(f"{row.link} in {row.study} (plain {row.plain:+.3f}, ours {row.wide:+.3f}, 90 % {row.low:+.2f} to {row.high:+.2f})" for row in effects[~agree].itertuples())
gap = memory["plain"] - memory["wide"]
links["possible"] = [(columns[row.study, row.link.split(" -> ")[1].split(" [")[0]].shape[-1] - int(row.link[-2])) * row.units for row in links.itertuples()]
lost = links.loc[(links["rows"] / links["possible"]).idxmin()]
moved = (effects["article"] - effects["wide"]).abs()
mover = effects.loc[moved.idxmax()]
Markdown("\n\n".join([
    f"**Sign.** {int(agree.sum())} of {len(effects)} links between different nodes have the same sign in both. " + (f"The rest: {split}: of that one neither method knows the sign." if split else "")
    + f" Of the {int(sure.sum())} whose sign either method holds to be sure, {int((sure & agree).sum())} agree.",
    f"**Size of the effects.** They lie {effects['plain'].sub(effects['wide']).abs().median():.3f} apart in the median, beside a posterior 90 % interval that is {(effects['high'] - effects['low']).median():.2f} wide.",
    f"**Memory.** All {len(memory)} effects of a node on itself are smaller by least squares, by {-gap.max():.2f} to {-gap.min():.2f}. " if (gap < 0).all() else
    f"**Memory.** {int((gap < 0).sum())} of {len(memory)} effects of a node on itself are smaller by least squares.",
    f"**Holes.** Least squares drops every row in which something is missing, and our model takes the missing value for unknown: of {lost['link']} in {lost['study']} least squares has {lost['rows']} of {lost['possible']} rows.",
    f"**Prior.** The prior moves {mover['link']} in {mover['study']} most: {mover['wide']:+.3f} wide, {mover['sceptical']:+.3f} sceptical, {mover['article']:+.3f} article. Least squares knows no prior and is to be held beside the wide one.",
]))

# %% [markdown]
# The gap in memory has a name. With a dummy for each unit, least squares understates how long a shock lasts, the more so the shorter the panel (Nickell 1981). But
# is that *all* there is to the differences, or is one of the two wrong? There is a way to find out. If our posterior is right, panels drawn from it, with the
# same units, years, starting values and holes, must give least squares what the real panel gives it. So: many such panels for each study, and least squares in each.

# %%
PANELS = 200
would = {}
for name, found in analysis.evidence.items():
    worlds = ca.simulate(found.fits["wide"], seed=7)
    chosen = np.random.default_rng(7).permutation(worlds.sizes["draw"])[:PANELS]
    model = found.fits["wide"].model
    scale = dict(zip(model.system.nodes, model.design.scales, strict=True))
    drawn = {node: np.where(np.isnan(columns[name, node]), np.nan, worlds[node].to_numpy()[chosen] / scale[node]) for node in scale}
    for outcome in scale:
        causes = equations[name, outcome]
        for (cause, lag), estimates in zip(causes, two_way(drawn, outcome, causes)[0].T, strict=True):
            would[name, f"{cause} -> {outcome} [lag={lag}]"] = estimates
drawn = np.array([would[row.study, row.link] for row in links.itertuples()])
links["expected"] = np.median(drawn, axis=1)
links["start"], links["stop"] = np.quantile(drawn, [0.05, 0.95], axis=1)
links["below"] = (drawn < links["plain"].to_numpy()[:, None]).mean(axis=1)
inside = links["below"].between(0.05, 0.95)

fig, ax = plt.subplots(figsize=(8.5, 0.9 + 0.42 * len(links)), layout="constrained")
for place, row in enumerate(links.itertuples()):
    ax.plot([row.low, row.high], [place - 0.2] * 2, color=colours["wide"])
    ax.plot(row.wide, place - 0.2, "o", color=colours["wide"], markersize=5, label="our posterior, wide prior, 90 %" if place == 0 else None)
    ax.plot([row.start, row.stop], [place + 0.05] * 2, color="0.6", linewidth=5, label="least squares in panels drawn from it, 90 %" if place == 0 else None)
    ax.plot([row.plain - 1.645 * row.error, row.plain + 1.645 * row.error], [place + 0.25] * 2, color=colours["article"])
    ax.plot(row.plain, place + 0.25, "s", color=colours["article"], markersize=4, label="least squares in the real panel, 90 %" if place == 0 else None)
ax.axvline(0, color="grey", linewidth=0.8)
ax.set_yticks(range(len(links)), [f"{row.link}  ({row.study})" for row in links.itertuples()], fontsize=8)
ax.invert_yaxis()
ax.set_xlabel("sd of the outcome for one sd of the cause")
ax.legend(fontsize=8, loc="lower left");

# %%
outside = links[~inside]
listed = "; ".join(f"{row.link} in {row.study} (least squares {row.plain:.2f}, in drawn panels {row.expected:.2f}, below it {row.below:.1%})" for row in outside.itertuples())
memory = links[links["memory"]]
Markdown(
    f"In panels drawn from our posterior least squares understates memory by {(memory['wide'] - memory['expected']).median():.2f} in the median; in the real panels it lies "
    f"{(memory['wide'] - memory['plain']).median():.2f} below ours. Of {len(links)} links, {int(inside.sum())} have a real least-squares estimate within the middle 90 % of the drawn ones; "
    f"{0.1 * len(links):.1f} outside are to be expected by chance alone. " + (f"Outside: {listed}." if len(outside) else "")
)

# %% [markdown]
# Mining's memory is the one that our posterior explains worst, and the checks above have said of it that its shocks are far from Normal: a few provinces dig a lot and most
# hardly at all. Then the few decide what least squares finds, and it scatters more widely than panels with equal shocks show. Is that enough? The same equation again,
# with our estimate for true and with shocks in each province as large as its own were:

# %%
mining = columns["peru_provinces", "mining"][0]
row = links[(links["study"] == "peru_provinces") & (links["link"] == "mining -> mining [lag=1]")].iloc[0]
shock = mining[:, 1:] - row["wide"] * mining[:, :-1]
level = shock.mean(axis=1, keepdims=True)
shock = shock - level - shock.mean(axis=0) + shock.mean()
generator = np.random.default_rng(3)
panels = np.repeat(mining[None, :, :1], 2000, axis=0)
for _ in range(mining.shape[1] - 1):
    step = level[:, 0] + row["wide"] * panels[..., -1] + shock.std(axis=1) * generator.normal(size=panels.shape[:2])
    panels = np.concatenate([panels, step[..., None]], axis=-1)
uneven = two_way({"mining": panels}, "mining", [("mining", 1)])[0][:, 0]
size = np.sort(shock.var(axis=1))[::-1]
Markdown(
    f"{size[:2].sum() / size.sum():.0%} of the variance of mining's shocks lies in two of {len(size)} provinces. With shocks so uneven, least squares finds {np.median(uneven):.2f} in the median, and in "
    f"90 % of such panels between {np.quantile(uneven, 0.05):.2f} and {np.quantile(uneven, 0.95):.2f}; the real panel's {row['plain']:.2f} is undercut in {(uneven < row['plain']).mean():.0%} of them, "
    f"beside {row['below']:.0%} with equal shocks. "
    f"{'So the real panel is no argument against our estimate; with shocks like these it is not much of one for it either.' if 0.05 <= (uneven < row['plain']).mean() <= 0.95 else 'So uneven shocks are not all that lies between the two.'}"
)

# %% [markdown]
# ## One answer that looks too good
#
# One line above deserves distrust. If the other causes are assumed away, the Andean panel contradicts the article: where the state is more present, *more* coca. Least squares
# agrees. But this panel has three countries, whose standard errors by cluster are worth little, and a rule that
# finds something in three countries may find something in anything. So let the link be cut: panels of the same three countries drawn from our
# posterior without it. How often does either method find in them what it finds in the real one?

# %%
edge = "presence -> illicit [lag=1]"
fitted = analysis.evidence["andes"].fits["wide"]
study = fitted.model.study
null = ca.simulate(fitted, f"cut {edge}", seed=11)
nodes = list(fitted.model.system.nodes)
scale = dict(zip(nodes, fitted.model.design.scales, strict=True))
panels = {node: np.where(np.isnan(columns["andes", node]), np.nan, null[node].to_numpy() / scale[node]) for node in nodes}
place = equations["andes", "illicit"].index(("presence", 1))
found, error = (each[:, place] for each in two_way(panels, "illicit", equations["andes", "illicit"])[:2])
real = links[(links["study"] == "andes") & (links["link"] == edge)].iloc[0]

fig, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
ax.hist(found, bins=60, color="0.7")
ax.axvline(real["plain"], color=colours["article"], label="least squares in the real panel")
ax.axvline(real["wide"], color=colours["wide"], linestyle="--", label="our posterior median, wide prior")
ax.set(xlabel="least squares in panels without the link", yticks=[])
ax.legend(fontsize=8)
naive = (np.abs(found / error) > 1.96).mean()
as_far = (found >= real["plain"]).mean()
strong = (np.abs(found / error) >= real["plain"] / real["error"]).mean()
Markdown(
    f"Clustered by three countries, least squares calls an absent link significant at .05 in **{naive:.0%}** of {len(found)} panels: its standard errors mean nothing here. "
    f"Its t of {real['plain'] / real['error']:.1f} is reached in {strong:.0%} of them. The estimate itself says more: as far up as {real['plain']:.2f} it comes in {as_far:.1%}."
)

# %%
WORLDS = 30
priors = prior_sets(bundle)
panels = [
    ca.Study(ca.Panel.from_frame(null.isel(draw=draw).to_dataframe().reset_index(), unit="unit", time="time"), name="andes", sets_aside=study.sets_aside)
    for draw in np.random.default_rng(11).permutation(null.sizes["draw"])[:WORLDS]
]
models = [ca.build_model(bundle.graph, panel, priors[name]) for name in ("sceptical", "wide") for panel in panels]
fits = ca.fit_many(models, seed=1, draws=500, chains=2, allow_unconverged=True, store=cache / "worlds")
drawn = np.array([each.edge(edge, scale="standard").to_numpy().ravel() for each in fits]).reshape(2, WORLDS, -1)
smallest = analysis.verdict("c3").smallest_effect
opposite = ((drawn > smallest).mean(axis=-1) >= 0.95).all(axis=0)
often = (
    "So the three countries do lean that way, by more than such chance gives." if opposite.mean() <= 0.1 else
    "So the rule says *contradicted* more often than it may in panels like this one, and the word is worth little here."
)
Markdown(
    f"Our own rule calls the article *contradicted* in **{int(opposite.sum())} of {WORLDS}** panels without the link (with so few panels, the true share could be as high as "
    f"{1 - 0.05 ** (1 / WORLDS):.0%} where none is seen). {often} What stays is what the word is conditional on: {len(study.sets_aside)} other causes assumed away, shocks that are "
    f"Normal and each country's own, and three countries, which are no sample of anything. Under the whole article the word is *{analysis.verdict('c3').verdict}*, and that is the one that counts."
)

# %% [markdown]
# # The article as a forecast
#
# The article's model can be fitted up to the year in which it appeared, and asked for the years after: does it see more than the same model without links, or than
# the last value carried on? The score is the CRPS in typical swings of each node, smaller is better.

# %%
from causal.forecast import FORECASTERS, difference_word

told = ca.foretell(bundle, prior_sets(bundle), store=cache / "fits")
scored = [(study.study, node) for study in told.studies for node in study.nodes if node.linked]
fig, ax = plt.subplots(figsize=(8, 0.9 + 0.45 * len(scored)), layout="constrained")
for k, (name, sign) in enumerate(zip(FORECASTERS, "osD^", strict=True)):
    ax.plot([node.scores[name].crps for _, node in scored], range(len(scored)), sign, label=FORECASTERS[name], alpha=0.8)
ax.set_yticks(range(len(scored)), [f"{node.node}  ({study})" for study, node in scored], fontsize=8)
ax.invert_yaxis()
ax.set_xlabel(f"mean CRPS of the years after {told.year}")
ax.legend(fontsize=8);

# %%
against = Counter(told.links)
naive = Counter(difference_word(node.differences["naive"]) for _, node in scored)
covered = [node.scores["article"].covered_90 for _, node in scored]
lines = [
    f"**Links.** Of {len(scored)} series that a link leads into, the article's model does " + ", ".join(f"*{word}* in {count}" for word, count in against.items())
    + " beside the same model without links; beside the last value, " + ", ".join(f"*{word}* in {count}" for word, count in naive.items()) + ".",
    f"**Calibration.** Its 90 % intervals held between {min(covered):.0%} and {max(covered):.0%} of what came.",
    "**What its claims imply.** " + " ".join(
        f"{each.edge} in {each.study}: " + (f"{each.hits} hits in {each.units} units, {each.by_chance:.1f} by chance and {each.if_true:.1f} if it were true: {each.word}." if not each.why else f"{each.word}, {each.why}.")
        for each in told.implied),
    "**Its predictions.** " + " ".join(f"*{each.prediction.says}* {each.word.capitalize()}: {each.why}." + ("" if each.steady else " The same rule from an earlier year says the opposite.") for each in told.outcomes),
]
Markdown("\n\n".join(lines))

# %% [markdown]
# # How often such words are wrong
#
# `causal validate --keep` judges simulated worlds of which the truth is known, and keeps how often each word was wrong beside the bundle. Where that has been done
# for this bundle, the rates stand here.

# %%
from causal.validate import kept

rates = kept(bundle)
if rates is None:
    shown = Markdown("No error rates are kept with this bundle: how often its words are wrong has **not been measured**, and none of the above may be read as if it had.")
else:
    shown = pd.DataFrame([{"claim": rate.claim, "study": rate.study, "true there": rate.kind, "worlds": rate.worlds, "wrong": f"{rate.wrong:.2f} ({rate.wrong_low:.2f} to {rate.wrong_high:.2f})",
                           "right": f"{rate.hit:.2f}"} for rate in rates.rates])
shown

# %% [markdown]
# # What would change it
#
# For the two links of the loop that some study measures at both ends: the smallest further measurement, in a study that exists, with which the article's own graph would let
# the effect be told. More rows of the same kind would not help.

# %%
known = {edge: [found.study for found in analysis.verdict(claim).findings] for claim, edge in (("c2", "corruption -> presence [lag=1]"), ("c3", "presence -> illicit [lag=1]"))}
lines = []
for each in ca.what_to_measure(bundle, claims=["c2", "c3"]).unanswered:
    if each.study in known[each.effect]:
        ways = [" and ".join([*(labels[node].lower() for node in addition.nodes), *(f"what {latent.left} and {latent.right} share" for latent in addition.latents)]) for addition in each.additions]
        lines.append(f"- **{each.effect}** in {studies[each.study]}: {'; or '.join(ways)}.")
Markdown("\n".join(lines))

# %%
chances = {}
for verdict in analysis.verdicts:
    for found in (*verdict.findings, *verdict.conditional):
        if found.power:
            chances[verdict.edge, found.study] = found.power
lines = ["And if identification were granted, how much could these panels have found? For each link the chance that the study would have called an effect of the article's own size *supported*:\n"]
for (edge, study), power in chances.items():
    row = links[(links["study"] == study) & (links["link"] == edge)].iloc[0]
    seen = "likely to be found, so that what there is must be smaller" if power.power >= 0.8 and abs(row["wide"]) < power.size else "likely to be found" if power.power >= 0.8 else "likely to be missed"
    lines.append(f"- {edge} in {study}: **{power.power:.0%}** for an effect of {power.size:.2f}: {seen} (our median under the wide prior: {row['wide']:+.2f}).")
lines.append(
    f"\n**In one sentence:** of {len(analysis.verdicts)} claims these data speak to {len(answered)}, support {words['supported']} and contradict {words['contradicted']} under the whole article; "
    "all else is the article's opinion, which these data make neither more nor less likely."
)
Markdown("\n".join(lines))
