"""The loop as a plain hand-written PyMC model: `python loop_plain.py FRAME.csv`.

Dummies of units and of years in every equation, nutpie called directly, the warm-up that this package takes. The dummies bias the
effects of lagged causes in short panels; here, with 24 usable years, by about .05.
"""

import sys

import arviz_stats
import numpy as np
import nutpie
import pandas as pd
import pymc as pm

CAUSES = {
    "corruption": [("revenue", 1), ("corruption", 1)],
    "presence": [("corruption", 0), ("presence", 1)],
    "illicit": [("presence", 1)],
    "revenue": [("illicit", 0)],
}
frame = pd.read_csv(sys.argv[1]).sort_values(["unit", "year"])
units, years = frame["unit"].nunique(), frame["year"].nunique()
values = {}
for node in CAUSES:
    wide = frame[node].to_numpy().reshape(units, years)
    within = wide - wide.mean(axis=1, keepdims=True)
    values[node] = (wide - wide.mean()) / np.sqrt((within**2).sum() / (units * (years - 1)))

with pm.Model() as model:
    for node, causes in CAUSES.items():
        unit_effect = pm.Normal(f"{node}_unit", 0.0, 10.0, shape=(units, 1))
        year_effect = pm.Normal(f"{node}_year", 0.0, 10.0, shape=(1, years - 1))
        mean = unit_effect + year_effect
        for cause, lag in causes:
            mean = mean + pm.Normal(f"{cause}_to_{node}", 0.0, 1.0) * values[cause][:, 1 - lag : years - lag]
        pm.Normal(node, mean, pm.HalfNormal(f"{node}_sd", 1.0), observed=values[node][:, 1:])

trace = nutpie.sample(nutpie.compile_pymc_model(model), draws=1000, tune=500, chains=4, seed=1, progress_bar=False)
names = [f"{cause}_to_{node}" for node, causes in CAUSES.items() for cause, _ in causes]
print(arviz_stats.summary(trace, var_names=names))
