"""The loop by this package: `python loop_ours.py FRAME.csv`, from the import to the summary of the edges."""

import sys

import pandas as pd

import causal as ca

graph = ca.read_graph("""
revenue -> corruption [lag=1]
corruption -> presence
presence -> illicit [lag=1]
illicit -> revenue
corruption -> corruption [lag=1]
presence -> presence [lag=1]
""")
panel = ca.Panel.from_frame(pd.read_csv(sys.argv[1]), unit="unit", time="year")
fit = ca.fit(ca.build_model(graph, panel), seed=1, draws=1000, chains=4)
for edge in graph.edges:
    draws = fit.edge(edge.name, scale="standard")
    low, high = draws.quantile([0.05, 0.95]).to_numpy()
    print(f"{edge.name:34s} {float(draws.mean()):6.2f} {float(draws.std()):5.2f} [{low:5.2f}, {high:5.2f}]")
print(fit.convergence)
