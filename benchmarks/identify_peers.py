"""The same questions put to y0 and pgmpy: reads graphs as JSON from standard input and prints answers and seconds."""

from __future__ import annotations

import json
import sys
import warnings
from time import perf_counter
from typing import Any

warnings.simplefilter("ignore")


def with_y0(question: dict[str, Any]) -> bool:
    from y0.algorithm.identify import Identification, Unidentifiable, identify
    from y0.dsl import P, Variable
    from y0.graph import NxMixedGraph

    graph = NxMixedGraph.from_str_edges(
        nodes=question["nodes"], directed=question["directed"], undirected=question["bidirected"]
    )
    x, y = Variable(question["treatment"]), Variable(question["outcome"])
    try:
        identify(Identification.from_expression(query=P(y @ x), graph=graph))
    except Unidentifiable:
        return False
    return True


def with_pgmpy(question: dict[str, Any]) -> bool:
    """Whether pgmpy finds a set of measured nodes for the backdoor; latents become hidden nodes."""
    from pgmpy.base import DAG
    from pgmpy.inference import CausalInference

    edges = [tuple(edge) for edge in question["directed"]]
    hidden: set[str] = set()
    for at, (left, right) in enumerate(question["bidirected"]):
        hidden.add(f"u{at}")
        edges += [(f"u{at}", left), (f"u{at}", right)]
    graph = DAG(edges, latents=hidden)
    graph.add_nodes_from(question["nodes"])
    found = CausalInference(graph)
    if found.is_valid_backdoor_adjustment_set(question["treatment"], question["outcome"], []):
        return True
    return bool(found.get_all_backdoor_adjustment_sets(question["treatment"], question["outcome"]))


def main() -> None:
    questions = json.load(sys.stdin)
    found: dict[str, Any] = {}
    for name, ask in (("y0", with_y0), ("pgmpy", with_pgmpy)):
        ask(questions[0])  # imports are not counted
        answers: list[bool | str] = []
        started = perf_counter()
        for question in questions:
            try:
                answers.append(ask(question))
            except Exception as error:  # what a peer cannot answer is counted, whatever it raises
                answers.append(type(error).__name__)
        found[name] = {"answers": answers, "seconds": perf_counter() - started}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
