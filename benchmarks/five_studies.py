"""How long the built-in article's studies take as one model, under the three prior sets, from nothing compiled.

    python benchmarks/five_studies.py

Two fresh processes with empty caches: one fits each study by itself under each prior set, the other all as one model. Printed beside the
times: whether the chains agree, effective draws, divergent draws and energy, under each prior set.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

CODE = """
import sys
from causal.analysis import JOINT_DRAWS, prior_sets
from causal.fit import fit
from causal.joint import build_model
from causal.report.together import energy
from priors.read import read_bundle

bundle = read_bundle()
for name, priors in prior_sets(bundle).items():
    if sys.argv[1] == "alone":
        for study in bundle.studies:
            fit(build_model(bundle.graph, study, priors), seed=1, allow_unconverged=True)
        continue
    found = fit(build_model(bundle.graph, bundle.joint, priors), seed=1, draws=1000 * JOINT_DRAWS, allow_unconverged=True)
    state = found.convergence
    print(f"| {name} | {state.r_hat:.3f} | {state.ess:.0f} | {state.divergent_share:.2%} | {energy(found):.2f} |")
"""


def main() -> None:
    """Print the two tables."""
    taken: dict[str, float] = {}
    for what in ("alone", "as one"):
        with tempfile.TemporaryDirectory() as empty:
            flags = {"NUMBA_CACHE_DIR": f"{empty}/numba", "PYTENSOR_FLAGS": f"base_compiledir={empty}/pytensor"}
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", CODE, what], env={**os.environ, **flags}, capture_output=True, text=True
            )
            taken[what] = time.perf_counter() - start
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        if done.stdout:
            print("| prior set | worst R-hat | smallest ESS | divergent | energy (BFMI) |\n|---|---|---|---|---|")
            print(done.stdout)
    print("| five studies, three prior sets, cold | seconds | over the studies alone | bar |\n|---|---|---|---|")
    print(f"| each by itself | {taken['alone']:.0f} | | |")
    print(f"| as one model | {taken['as one']:.0f} | {taken['as one'] / taken['alone']:.2f} | 180 s |")


if __name__ == "__main__":
    main()
