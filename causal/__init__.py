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
    from causal.chain import ChainVerdict, judge_chain
    from causal.checks import CheckResult, check, specification_curve
    from causal.claim import Claim, ClaimReading, Figure, Ledger, Source
    from causal.coverage import Coverage, coverage
    from causal.decide import rank, value_of_information
    from causal.dist import Normal, Uniform
    from causal.dynamics import Cutting, decay, dynamics, impulse_responses, smallest_cut
    from causal.errors import CausalError, ConvergenceError, Fault, RefitError
    from causal.figures import fan, rank_plot, response_grid, ribbons, waterfall, worth_knowing
    from causal.fit import Fit, fit
    from causal.forecast import forecast_study
    from causal.foretold import foretell
    from causal.graph import Edge, Graph, Latent, Node, Sign
    from causal.identification import Identification, identify, identify_edge
    from causal.intervene import AddEdge, Cut, Path, Policy, Scale, ScaleEdge, Set, Shift, read_interventions, text_of
    from causal.joint import JointModel, build_model
    from causal.measurement import Measure
    from causal.measuring import Measuring, what_to_measure
    from causal.mediation import along, mediated_parts, mediation
    from causal.model import Model, Priors
    from causal.others import with_others
    from causal.panel import Panel, Study, read_csv
    from causal.refits import fit_many, seed_of, with_data
    from causal.reported import Reported
    from causal.separation import Independence, implied_independences
    from causal.simulate import contrast, counterfactual, simulate
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
    from causal.validate import Validation, validate
    from causal.verdict import Evidence, Verdict, errors_of, judge
    from causal.weights import Weights

_HOME = {
    "adjustment": ("adjustment_sets", "optimal_adjustment"),
    "chain": ("ChainVerdict", "judge_chain"),
    "checks": ("CheckResult", "check", "specification_curve"),
    "claim": ("Claim", "ClaimReading", "Figure", "Ledger", "Source"),
    "coverage": ("Coverage", "coverage"),
    "decide": ("rank", "value_of_information"),
    "dist": ("Normal", "Uniform"),
    "dynamics": ("Cutting", "decay", "dynamics", "impulse_responses", "smallest_cut"),
    "errors": ("CausalError", "ConvergenceError", "Fault", "RefitError"),
    "figures": ("fan", "rank_plot", "response_grid", "ribbons", "waterfall", "worth_knowing"),
    "fit": ("Fit", "fit"),
    "forecast": ("forecast_study",),
    "foretold": ("foretell",),
    "graph": ("Edge", "Graph", "Latent", "Node", "Sign"),
    "identification": ("Identification", "identify", "identify_edge"),
    "intervene": (
        "AddEdge",
        "Cut",
        "Path",
        "Policy",
        "Scale",
        "ScaleEdge",
        "Set",
        "Shift",
        "read_interventions",
        "text_of",
    ),
    "measurement": ("Measure",),
    "measuring": ("Measuring", "what_to_measure"),
    "mediation": ("along", "mediated_parts", "mediation"),
    "joint": ("JointModel", "build_model"),
    "model": ("Model", "Priors"),
    "others": ("with_others",),
    "panel": ("Panel", "Study", "read_csv"),
    "separation": ("Independence", "implied_independences"),
    "simulate": ("contrast", "counterfactual", "simulate"),
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
    "validate": ("Validation", "validate"),
    "verdict": ("Evidence", "Verdict", "errors_of", "judge"),
    "weights": ("Weights",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AddEdge",
    "CausalError",
    "ChainVerdict",
    "CheckResult",
    "Claim",
    "ClaimReading",
    "ConvergenceError",
    "Coverage",
    "Cut",
    "Cutting",
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
    "Path",
    "Policy",
    "Priors",
    "RefitError",
    "Reported",
    "Scale",
    "ScaleEdge",
    "Set",
    "Shift",
    "Sign",
    "Source",
    "Study",
    "Uniform",
    "Validation",
    "Verdict",
    "Weights",
    "adjustment_sets",
    "along",
    "build_model",
    "check",
    "contrast",
    "counterfactual",
    "coverage",
    "decay",
    "dynamics",
    "errors_of",
    "fan",
    "fit",
    "fit_many",
    "forecast_study",
    "foretell",
    "from_dagitty",
    "from_networkx",
    "identify",
    "identify_edge",
    "implied_independences",
    "impulse_responses",
    "judge",
    "judge_chain",
    "mediated_parts",
    "mediation",
    "optimal_adjustment",
    "rank",
    "rank_plot",
    "read_csv",
    "read_edge",
    "read_graph",
    "read_interventions",
    "response_grid",
    "ribbons",
    "seed_of",
    "simulate",
    "smallest_cut",
    "specification_curve",
    "text_of",
    "to_dagitty",
    "to_dot",
    "to_mermaid",
    "to_networkx",
    "validate",
    "value_of_information",
    "waterfall",
    "what_to_measure",
    "with_data",
    "with_others",
    "worth_knowing",
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
