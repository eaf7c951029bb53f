"""Causal claims of a report as a Bayesian model of a loop, tested against panels of data.

The names below are the package's public surface. Each is loaded when it is first used, so that ``import causal`` and ``causal --help``
cost next to nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from causal.adjustment import adjustment_sets, optimal_adjustment
    from causal.checks import CheckResult, check
    from causal.claim import Claim, Figure, Ledger, Source
    from causal.coverage import Coverage, coverage
    from causal.dist import Normal, Uniform
    from causal.errors import CausalError, ConvergenceError, Fault, RefitError
    from causal.fit import Fit, fit
    from causal.graph import Edge, Graph, Latent, Node, Sign
    from causal.identification import Identification, identify, identify_edge
    from causal.intervene import Cut, ScaleEdge, Set, Shift, read_interventions
    from causal.joint import JointModel, build_model
    from causal.measurement import Measure
    from causal.measuring import Measuring, what_to_measure
    from causal.model import Model, Priors
    from causal.others import with_others
    from causal.panel import Panel, Study, read_csv
    from causal.refits import fit_many, seed_of, with_data
    from causal.reported import Reported
    from causal.separation import Independence, implied_independences
    from causal.simulate import contrast, simulate
    from causal.syntax import (
        from_dagitty,
        from_networkx,
        read_edge,
        read_graph,
        to_dagitty,
        to_dot,
        to_mermaid,
        to_networkx,
    )
    from causal.verdict import Evidence, Verdict, judge
    from causal.weights import Weights

_HOME = {
    "adjustment": ("adjustment_sets", "optimal_adjustment"),
    "checks": ("CheckResult", "check"),
    "claim": ("Claim", "Figure", "Ledger", "Source"),
    "coverage": ("Coverage", "coverage"),
    "dist": ("Normal", "Uniform"),
    "errors": ("CausalError", "ConvergenceError", "Fault", "RefitError"),
    "fit": ("Fit", "fit"),
    "graph": ("Edge", "Graph", "Latent", "Node", "Sign"),
    "identification": ("Identification", "identify", "identify_edge"),
    "intervene": ("Cut", "ScaleEdge", "Set", "Shift", "read_interventions"),
    "measurement": ("Measure",),
    "measuring": ("Measuring", "what_to_measure"),
    "joint": ("JointModel", "build_model"),
    "model": ("Model", "Priors"),
    "others": ("with_others",),
    "panel": ("Panel", "Study", "read_csv"),
    "separation": ("Independence", "implied_independences"),
    "simulate": ("contrast", "simulate"),
    "syntax": (
        "from_dagitty",
        "from_networkx",
        "read_edge",
        "read_graph",
        "to_dagitty",
        "to_dot",
        "to_mermaid",
        "to_networkx",
    ),
    "refits": ("fit_many", "seed_of", "with_data"),
    "reported": ("Reported",),
    "verdict": ("Evidence", "Verdict", "judge"),
    "weights": ("Weights",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "CausalError",
    "CheckResult",
    "Claim",
    "ConvergenceError",
    "Coverage",
    "Cut",
    "Edge",
    "Evidence",
    "Fault",
    "Figure",
    "Fit",
    "Graph",
    "Identification",
    "Independence",
    "JointModel",
    "Latent",
    "Ledger",
    "Measure",
    "Measuring",
    "Model",
    "Node",
    "Normal",
    "Panel",
    "Priors",
    "RefitError",
    "Reported",
    "ScaleEdge",
    "Set",
    "Shift",
    "Sign",
    "Source",
    "Study",
    "Uniform",
    "Verdict",
    "Weights",
    "adjustment_sets",
    "build_model",
    "check",
    "contrast",
    "coverage",
    "fit",
    "fit_many",
    "from_dagitty",
    "from_networkx",
    "identify",
    "identify_edge",
    "implied_independences",
    "judge",
    "optimal_adjustment",
    "read_csv",
    "read_edge",
    "read_graph",
    "read_interventions",
    "seed_of",
    "simulate",
    "to_dagitty",
    "to_dot",
    "to_mermaid",
    "to_networkx",
    "what_to_measure",
    "with_data",
    "with_others",
]


class _Package(ModuleType):
    """The package as a module that keeps `fit` and `simulate` functions.

    The import system binds every loaded submodule to its name in the package; where a public function has the same name, the function
    is what ``causal.fit`` means, in whatever order things are imported.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType) and name in _MODULE_OF:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'causal' has no attribute '{name}'")
    value = getattr(import_module(f"causal.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
