"""The loop by pathmc: `python loop_pathmc.py FRAME.csv`, with its own defaults and a random intercept for each unit."""

import sys

import pandas as pd
import pathmc

if __name__ == "__main__":
    model = pathmc.model(
        """
        corruption ~ revenue_to_corruption*lag(revenue) + corruption_to_corruption*lag(corruption)
        presence ~ corruption_to_presence*corruption + presence_to_presence*lag(presence)
        illicit ~ presence_to_illicit*lag(presence)
        revenue ~ illicit_to_revenue*illicit
        """,
        data=pd.read_csv(sys.argv[1]),
        panel={"unit": "unit", "time": "year"},
        pooling="partial",
    )
    model.fit(draws=1000, chains=4, random_seed=1, progressbar=False)
    print(model.effects_summary())
