# %% [markdown]
# # What can be answered at all
#
# Before any number is estimated, the graph decides whether an effect can be told from what is measured, however many rows
# there are. This notebook asks three questions of one loop: the first has a plain *yes*, the second a yes *only if effects are
# linear*, the third a *no*, and then asks what would have to be measured to turn the no into a yes.
#
# In the loop, illicit revenue feeds corruption, corruption wears down the state's presence, where presence is weak the illicit economy
# grows, and that makes revenue. Only revenue, corruption and presence are measured; corruption and next year's presence also share an unmeasured cause.

# %%
from IPython.display import SVG, Math

import causal as ca
from causal.plot import draw_answer, draw_graph

graph = ca.read_graph('''
revenue -> corruption [lag=1]
corruption -> presence [lag=1]
presence -> illicit [lag=1]
illicit -> revenue
corruption -> corruption [lag=1]
presence -> presence [lag=1]
illicit -> illicit [lag=1]
corruption <-> presence [lag=1]
''')
measured = {"revenue", "corruption", "presence"}
SVG(draw_graph(graph, highlight=measured))

# %% [markdown]
# ## A yes
#
# What does revenue do to corruption a year later? `revenue[-1]` is revenue one period ago, `corruption[0]` is corruption now.

# %%
query = "revenue[-1] -> corruption[0]"
answer = ca.identify(graph, query, measured)
print(answer.strategy, "-", answer.why)
Math(answer.latex)

# %% [markdown]
# In the picture time runs from left to right. Filled points are measured, bold ones are the treatment and the outcome, and what is held fixed has a double frame. Dashed links are unmeasured common causes, those of the past before the picture among them.

# %%
SVG(draw_answer(graph, query, measured, answer))

# %% [markdown]
# There is more than one set that would do. The smallest ones, and the one with which a linear regression has the smallest variance:

# %%
for held in ca.adjustment_sets(graph, query, measured):
    print(sorted(held))
print("smallest variance:", sorted(ca.optimal_adjustment(graph, query, measured).adjustment))

# %% [markdown]
# ## Only if effects are linear
#
# What does corruption do to presence? The two share an unmeasured cause, and nothing measured lies between: no comparison within
# the data takes it apart, and no formula does. In *linear* equations there is a way: revenue moves along with corruption, and once presence a year
# ago is held fixed it has no other way to presence now. It is an instrument.

# %%
query = "corruption[-1] -> presence[0]"
answer = ca.identify(graph, query, measured)
print(answer.strategy, "- assumes linear equations:", answer.assumes_linear)
print(answer.why)
Math(answer.latex)

# %%
SVG(draw_answer(graph, query, measured, answer))

# %% [markdown]
# ## A no
#
# Now let the unmeasured cause have a memory: a war that lasts from one year to the next moves corruption and, a year later, presence. Then corruption's
# whole past is tied to presence by it, and nothing that is measured is free of it. The answer is no, whatever the number of rows, and
# it says why; the path that stays open is drawn in red.

# %%
at_war = ca.read_graph('''
revenue -> corruption [lag=1]
corruption -> presence [lag=1]
presence -> illicit [lag=1]
illicit -> revenue
corruption -> corruption [lag=1]
presence -> presence [lag=1]
illicit -> illicit [lag=1]
war -> war [lag=1]
war -> corruption
war -> presence [lag=1]
war -> illicit
''')
answer = ca.identify(at_war, query, measured)
print(answer.identified, "-", answer.why)
SVG(draw_answer(at_war, query, measured, answer))

# %% [markdown]
# ## What would have to be measured
#
# Which further measurements would turn each no into a yes? An unmeasured common cause counts as something that can be measured too, once somebody says what it is.

# %%
found = ca.what_to_measure(at_war, measured, [query, "presence -> illicit [lag=1]"])
for proposal in found.proposals:
    print(proposal.addition.cost, "-", proposal)

# %% [markdown]
# ## Several studies
#
# A claim can be answered if one study at least identifies it. Where two studies measure different nodes, a chain of links may still lead from one to the other.

# %%
from causal.claim import Claim, Ledger, Source

ledger = Ledger(Source("Three links"), tuple(Claim(edge.name, edge, "", "") for edge in graph.edges if edge.cause != edge.effect))
covered = ca.coverage(ledger, graph, {"north": {"revenue", "corruption"}, "south": {"revenue", "corruption", "presence"}, "east": {"presence", "illicit", "revenue"}})
for row in covered.answers:
    if row.measured:
        print(f"{row.edge:35} {row.study:6} {row.answer}")
for chain in covered.chains[:3]:
    print(chain)
    print("   ", chain.assumes)

# %% [markdown]
# The same for a whole bundle: `causal identify` prints the table for every claim and study of an article, and the page of `causal report`
# shows it beside the verdicts.
