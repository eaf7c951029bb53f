"""The questions of `peers.py` put to pathmc: specifications and files as JSON from standard input, JSON on the last line of the output."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pathmc

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def answered(question: dict[str, str]) -> dict[str, Any]:
    model = pathmc.model(question["spec"], data=pd.read_csv(question["rows"]), panel={"unit": "unit", "time": "year"})
    model.fit(draws=1000, chains=4, random_seed=1, progressbar=False)
    told = model.effects_summary().loc["b"]
    mean, sd = float(told["mean"]), float(told["sd"])
    # Its summary has an interval of another width; the draws are close to Normal.
    low, high = (float(mean + each * sd) for each in np.array([-1.6449, 1.6449]))
    return {"mean": mean, "sd": sd, "low": low, "high": high}


def main() -> None:
    found: list[dict[str, Any]] = []
    for question in json.load(sys.stdin):
        try:
            found.append(answered(question))
        except Exception as error:  # what it cannot answer is told, whatever it raises
            found.append({"error": f"{type(error).__name__}: {error}"})
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
