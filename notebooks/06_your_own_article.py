# %% [markdown]
# # Your own article
#
# This notebook starts with one page of prose and a table as a town hall's spreadsheet writes it, and ends with a verdict on each claim and with how often such verdicts are wrong. Article and
# table are made up, so that the truth is known and stands beside what comes out. Everything is written into a temporary folder; what a step does with the command stands above it.

# %%
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import platformdirs
from IPython.display import SVG, Markdown

import causal as ca
from causal.analysis import analyse
from causal.plot import draw_graph
from causal.scaffold import start
from causal.validate import validate
from priors.read import read_bundle

cache = Path(platformdirs.user_cache_dir("causal-claims"))  # where the command keeps its fits, too
workshop = TemporaryDirectory()
os.chdir(workshop.name)

# %% [markdown]
# ## The article
#
# > **Shutters down.** When people lose their work, burglary very likely follows within a year. Burglary in turn drives trade out of the high street: takings fall. And where takings fall, it is
# > said, shops let people go, so that unemployment rises and the circle closes. Better street lights would keep burglars away. Rising rents drive people out of town, though the fortunes of the
# > harbour may be behind both.
#
# ## The table
#
# Thirty towns over sixteen years, with the effects below. Two of the article's links are not there in truth: takings do nothing to unemployment, and rents drive nobody away. The harbour does that, and raises
# rents as well; nobody measures it.

# %%
NODES = ["unemployment", "burglary", "takings", "rents", "leaving"]
TRUTH = {"unemployment -> burglary": 0.3, "burglary -> takings": -0.25, "takings -> unemployment": 0.0, "rents -> leaving": 0.0}
MEMORY, SCALES, MEANS = [0.6, 0.4, 0.5, 0.4, 0.3], dict(zip(NODES, [1.5, 14.0, 160.0, 0.7, 60.0])), [9.0, 80.0, 1900.0, 9.0, 700.0]
TOWNS, FIRST, YEARS = 30, 2005, 16
B = np.diag(MEMORY)
for edge, size in TRUTH.items():
    cause, effect = edge.split(" -> ")
    B[NODES.index(effect), NODES.index(cause)] = size
generator = np.random.default_rng(3)
level = generator.normal(0.0, 0.7, (TOWNS, len(NODES)))
harbour, values = np.zeros(TOWNS), [np.zeros((TOWNS, len(NODES)))]
for _ in range(49 + YEARS):
    harbour = 0.8 * harbour + 0.6 * generator.normal(size=TOWNS)
    values.append(level + values[-1] @ B.T + generator.normal(size=(TOWNS, len(NODES))) + np.outer(harbour, [0.0, 0.0, 0.0, 0.6, 0.6]))
natural = np.stack(values[50:]) * list(SCALES.values()) + MEANS


def written(value):
    """A number as a German spreadsheet has it."""
    return f"{value:,.1f}".translate(str.maketrans(",.", ".,"))


names = [f"{stem}{ending}" for stem in ("Mühl", "Söder", "Alt", "Neu", "Ober", "Nieder") for ending in ("stadt", "hafen", "büll", "münde", "au")]
rows = [[town, str(FIRST + k), *map(written, natural[k, i])] for i, town in enumerate(names) for k in range(YEARS)]
for town in generator.choice(TOWNS, 6, replace=False):  # have not reported the last year in full
    rows[town * YEARS + YEARS - 1][2 + int(generator.integers(len(NODES)))] = ".."
lines = ["Amt für Statistik", "", ";".join(["Town", "Year", *map(str.capitalize, NODES)]), *map(";".join, rows), "Stand: Januar"]
Path("towns.csv").write_text("\n".join(lines) + "\n", encoding="latin-1");
print("\n".join([*lines[:7], "...", *lines[-2:]]))

# %% [markdown]
# Semicolons, decimal commas, points between the thousands, two dots where nothing is known, an encoding from the last century, a line above the names and one below the rows.
#
# ## A bundle around it
#
# `causal new mine --from-csv towns.csv`

# %%
for note in start(Path("mine"), table=Path("towns.csv")):
    print("-", note)
print()
print(*sorted(str(path) for path in Path("mine").rglob("*") if path.is_file()), sep="\n")

# %%
studies = Path("mine/studies.toml").read_text(encoding="utf-8")
print(studies)

# %% [markdown]
# The table is now `mine/panel.csv`, in plain UTF-8 with decimal points. The first columns became nodes, and the last two wait behind a `#` for somebody to want them: here they are taken in. `claims.toml` holds a first
# claim to write over. So the article goes in: a claim for each statement, with its link, how surely it is said, and where.

# %%
for node in ("rents", "leaving"):
    studies = studies.replace(f"# {node} =", f"{node} =").replace("            # declare the node in claims.toml first", "")
Path("mine/studies.toml").write_text(studies, encoding="utf-8")

claims = '''
[article]
title = "Shutters down"
authors = "A made-up author"
year = 2019
smallest_effect = 0.05

[node.unemployment]
label = "Unemployment"
[node.burglary]
label = "Burglary"
[node.takings]
label = "Takings of the high street"
[node.rents]
label = "Rents"
[node.leaving]
label = "People who leave"
[node.lights]
label = "Street lights"
[node.harbour]
label = "Fortunes of the harbour"

[graph]
assumed = """
unemployment -> unemployment [lag=1]
burglary -> burglary [lag=1]
takings -> takings [lag=1]
rents -> rents [lag=1]
leaving -> leaving [lag=1]
harbour -> harbour [lag=1]
harbour -> rents
harbour -> leaving
"""

[claim.c1]
edge = "unemployment -> burglary [lag=1, sign=+]"
hedge = "very likely"
strength = "strong"
says = "Burglary follows where people lose their work."
where = "sentence 1"
core = true

[claim.c2]
edge = "burglery -> takings [lag=1, sign=-]"
strength = "strong"
says = "Burglary drives trade away."
where = "sentence 2"
core = true

[claim.c3]
edge = "takings -> unemployment [lag=1, sign=-]"
hedge = "allegedly said"
says = "Shops that take less let people go."
where = "sentence 3"
core = true

[claim.c4]
edge = "lights -> burglary [lag=1, sign=minus]"
says = "Lights keep burglars away."
where = "sentence 4"

[claim.c5]
edge = "rents -> leaving [lag=1, sign=+]"
says = "Rising rents drive people out of town."
where = "sentence 5"
'''
Path("mine/claims.toml").write_text(claims, encoding="utf-8");

# %% [markdown]
# Three slips were made in writing that. `causal check mine` names all at once, each with its line and the mend:

# %%
try:
    read_bundle(Path("mine"))
except ca.CausalError as error:
    for fault in error.faults:
        print(fault)

# %%
for slip, right in (("burglery", "burglary"), ("allegedly said", "reportedly"), ("sign=minus", "sign=-")):
    claims = claims.replace(slip, right)
Path("mine/claims.toml").write_text(claims, encoding="utf-8")
bundle = read_bundle(Path("mine"))
bundle.ledger

# %% [markdown]
# The claims as a picture. What the table measures is filled; the street lights and the harbour are not.

# %%
study = bundle.studies[0]
measured = set(study.measured(bundle.graph))
labels = {name: card.label for name, card in bundle.nodes.items()}
SVG(draw_graph(bundle.graph, highlight=measured, labels=labels))

# %% [markdown]
# ## What can be answered
#
# Before any number: `causal identify mine`.

# %%
told = []
for claim in bundle.ledger.claims:
    if {claim.edge.cause, claim.edge.effect} <= measured:
        answer = ca.identify_edge(bundle.graph, claim.edge, measured)
        told.append(f"- **{claim.key}, {claim.edge.name}: {'yes' if answer.identified else 'no'}.** {answer.why}")
    else:
        told.append(f"- **{claim.key}, {claim.edge.name}: no.** Nobody measures {' and '.join(labels[node].lower() for node in (claim.edge.cause, claim.edge.effect) if node not in measured)}.")
Markdown("\n".join(told))

# %% [markdown]
# ## The verdicts
#
# `causal test mine`, or `causal report mine` for the page with all of it.

# %%
analysis = analyse(bundle, store=cache / "fits")
analysis

# %%
analysis.verdict("c1")

# %%
analysis.verdict("c5")

# %% [markdown]
# What stands behind the words, and the truth as a red cross. One prior is the article's own; where the three lie apart, the prior speaks. Hollow marks
# are an association and no answer.

# %%
fits = analysis.evidence[study.name].fits
natural_truth = {edge: size * SCALES[edge.split(" -> ")[1]] / SCALES[edge.split(" -> ")[0]] for edge, size in TRUTH.items()}
truth = {edge: size * fits["wide"].model.on_standard_scale(bundle.graph.edge(edge).name) for edge, size in natural_truth.items()}
words = {edge: next(verdict.verdict for verdict in analysis.verdicts if verdict.edge == bundle.graph.edge(edge).name) for edge in TRUTH}
colours = {"article": "#8a4b08", "sceptical": "#5b2a86", "wide": "#14508c"}
fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
smallest = bundle.ledger["c1"].smallest_effect
ax.axvspan(-smallest, smallest, color="0.9")
inside = {edge: 0 for edge in TRUTH}
for place, edge in enumerate(TRUTH):
    for k, (prior, fitted) in enumerate(fits.items()):
        low, middle, high = np.quantile(fitted.edge(edge, scale="standard"), [0.05, 0.5, 0.95])
        inside[edge] += low <= truth[edge] <= high
        y = place + 0.2 * (k - 1)
        ax.plot([low, high], [y, y], color=colours[prior], label=f"{prior} prior" if place == 0 else None)
        ax.plot(middle, y, "os^"[k], color=colours[prior], markerfacecolor="white" if words[edge] == "not-identified" else colours[prior])
    ax.plot(truth[edge], place, "x", color="#a8201a", markersize=10, label="truth" if place == 0 else None)
ax.set_yticks(range(len(TRUTH)), [f"{edge}\n{words[edge]}" for edge in TRUTH], fontsize=9)
ax.invert_yaxis()
ax.axvline(0, color="grey", linewidth=0.8)
ax.set(xlabel="sd of the outcome for one sd of the cause, a year later (grey: too small to matter)")
ax.legend(fontsize=8);

# %%
lines = [f"- **{verdict.claim}, {verdict.edge}: {verdict.verdict}.** {verdict.sentence} {verdict.would_change}" for verdict in analysis.verdicts]
lines.append(f"\n{analysis.chain.sentence}")
told = [edge for edge in TRUTH if words[edge] != "not-identified"]
lines.append(f"\n{sum(inside[edge] for edge in told)} of the {len(told) * len(fits)} intervals of links that these data can tell hold the truth, and {sum(inside.values()) - sum(inside[edge] for edge in told)} of the {(len(TRUTH) - len(told)) * len(fits)} of the rest: rents and leaving go together, and the graph is what says that this is no answer.")
failed = [result for result in analysis.evidence[study.name].checks if result.passed is False]
lines += [f"\nA check failed: {result.sentence}" for result in failed] or ["\nNo check failed."]
Markdown("\n".join(lines))

# %% [markdown]
# ## What would change
#
# `causal do "shift burglary -5 from 2019" mine --outcome takings`: five burglaries fewer in each year from the article's own on.

# %%
effect = ca.contrast(fits["sceptical"], "shift burglary -5 from 2019", outcome="takings", horizon=5, seed=1)
ca.fan(effect.sel(time=slice(2016, None)), label="Five burglaries fewer a year, from 2019")

# %% [markdown]
# ## How often such words are wrong
#
# `causal validate mine` draws worlds with this table's towns, years and holes, in which the truth is known: that the effect is there, or that there is none. Each is judged as above. Here only a few, for time's sake; a hundred, the
# command's own number, make the intervals narrow enough to rely on.

# %%
WORLDS = 6
validation = validate(bundle, worlds=WORLDS, kinds=["true", "null"], store=cache / "worlds")
rates = pd.DataFrame([{"claim": rate.claim, "in truth": rate.kind, **rate.words, "wrong": rate.wrong, "up to": rate.wrong_high} for rate in validation.rates]).fillna(0)
words = [column for column in rates.columns if column not in ("claim", "in truth", "wrong", "up to")]
fig, ax = plt.subplots(figsize=(8, 0.5 + 0.35 * len(rates)), layout="constrained")
shades = {"supported": "#0b6b3a", "contradicted": "#a8201a", "negligible": "#8a8a8a", "prior-driven": "#6a3d9a", "undecided": "#9dbfe0", "not-identified": "#d9a066", "untestable": "0.9"}
start_at = np.zeros(len(rates))
for word in words:
    ax.barh(range(len(rates)), rates[word], left=start_at, color=shades[word], label=word)
    start_at += rates[word].to_numpy()
ax.set_yticks(range(len(rates)), [f"{row.claim}: {getattr(row, '_2')}" for row in rates.itertuples()], fontsize=8)
ax.invert_yaxis()
ax.set(xlabel="worlds")
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5));

# %%
wrong = int(round((rates["wrong"] * WORLDS).sum()))
hits = rates[rates["in truth"] == "true"]["supported"].sum() if "supported" in rates else 0
left_out = "; ".join(f"{claim} ({why})" for claim, why in validation.left_out.items())
Markdown(
    f"In {len(rates) * WORLDS} worlds **{wrong}** words were wrong. Of {int((rates['in truth'] == 'true').sum()) * WORLDS} worlds with a true effect of twice the smallest, {int(hits)} were called *supported*. With {WORLDS} worlds a row the true share of wrong words could still be up to "
    f"{rates['up to'].max():.0%} in any of them, so this is a look and no measurement. No worlds were drawn for {left_out}."
)

# %% [markdown]
# From here on the files are yours to change: another prior for the words of the article (`hedge`, `strength`), what you assume beside it (`[graph]`), another reader's view of a claim (`readings`), a second study (`studies.toml`), what might be done
# (`interventions.toml`).

# %%
os.chdir(Path(workshop.name).parent)
workshop.cleanup()
