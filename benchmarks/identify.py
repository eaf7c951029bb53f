"""Is an effect identified? Ours beside y0 and pgmpy on the same acyclic questions: answers and times.

Random acyclic graphs of 6 to 12 nodes with latents, one total effect each, where there is a directed path. y0 knows the ID
algorithm, pgmpy the backdoor; so its "yes" is compared with an adjustment set of ours. Both are installed by uv in a
temporary folder. Ours also writes the formula; y0 does so too.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import causal as ca

PEERS = ("y0==0.2.11", "pgmpy==1.1.2")
QUESTIONS = 300


def question(generator: random.Random) -> dict[str, Any]:
    nodes = [f"v{at}" for at in range(generator.randint(6, 12))]
    pairs = [(one, other) for at, one in enumerate(nodes) for other in nodes[at + 1 :]]
    treatment, outcome = sorted(generator.sample(range(len(nodes)), 2))
    directed = generator.sample(pairs, round(1.5 * len(nodes)))
    bidirected = generator.sample(pairs, generator.randint(1, len(nodes) // 2))
    named = {"nodes": nodes, "treatment": nodes[treatment], "outcome": nodes[outcome]}
    return named | {"directed": directed, "bidirected": bidirected}


def graph_of(asked: dict[str, Any]) -> ca.Graph:
    return ca.Graph(
        tuple(ca.Node(name) for name in asked["nodes"]),
        tuple(ca.Edge(one, other) for one, other in asked["directed"]),
        tuple(ca.Latent(one, other) for one, other in asked["bidirected"]),
    )


def ours(asked: dict[str, Any]) -> ca.Identification:
    return ca.identify(graph_of(asked), f"{asked['treatment']} -> {asked['outcome']}", asked["nodes"])


def peers(questions: list[dict[str, Any]]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        python = Path(folder) / "peers" / "bin" / "python"
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(python.parents[1])], check=True)
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), *PEERS], check=True)
        script = Path(__file__).with_name("identify_peers.py")
        done = subprocess.run(
            [str(python), str(script)], input=json.dumps(questions), capture_output=True, text=True, check=True
        )
    return json.loads(done.stdout)


def main() -> None:
    generator = random.Random(1)
    questions: list[dict[str, Any]] = []
    while len(questions) < QUESTIONS:
        asked = question(generator)
        if "zero" not in ours(asked).why:
            questions.append(asked)
    started = perf_counter()
    found = [ours(asked) for asked in questions]
    seconds = perf_counter() - started
    formulas = [answer.identified and not answer.assumes_linear for answer in found]
    adjusted = [answer.strategy == "adjustment" for answer in found]
    print(f"ours: {seconds:.2f} s for {len(found)} questions; {dict(Counter(str(each.strategy) for each in found))}")
    for name, told in peers(questions).items():
        mine = formulas if name == "y0" else adjusted
        pairs = Counter((str(theirs), own) for theirs, own in zip(told["answers"], mine, strict=True))
        print(
            f"{name}: {told['seconds']:.2f} s, ours takes {seconds / told['seconds']:.3f} of that; (theirs, ours): {dict(pairs)}"
        )


if __name__ == "__main__":
    main()
