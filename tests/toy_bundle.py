"""A small bundle whose fits are written by hand: the page and the pictures need draws, not a sampler.

The draws are put where `analyse` looks for fits that it made before, so that everything after the sampler is the real thing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from causal.analysis import JOINT_DRAWS, Analysis, analyse, prior_sets
from causal.fit import fingerprint
from causal.joint import JointModel, build_model
from causal.model import Model
from causal.netcdf import write_tree
from priors.read import read_bundle

HOSTILE = "</script><b>bold</b><!-- & \"quoted\" 'text' {{ 7 * 7 }} $(id) [red]x[/red] [/]"
FORMULA = "=HYPERLINK(A1)"

CLAIMS = """
[article]
title = "Crime & <i>disorder</i>"
authors = "A. Writer"
year = 2015
smallest_effect = 0.1
[node.revenue]
label = "Illicit revenue"
[node.corruption]
label = "Corruption"
[node.presence]
label = "State <b>presence</b>"
[node.illicit]
label = "Illicit economy"
[node.weather]
label = "Weather"
[graph]
assumed = '''
corruption -> corruption [lag=1]
presence -> presence [lag=1]
corruption <-> presence
weather -> weather [lag=1]
weather -> presence [lag=1]
weather -> corruption [lag=1]
'''
[claim.c1]
edge = "revenue -> corruption [lag=1, sign=+]"
hedge = "fuels"
strength = "substantial"
says = '''{hostile}'''
where = "p. 1"
core = true
[claim.c2]
edge = "corruption -> presence [lag=1, sign=-]"
hedge = "arguably"
strength = "strong"
says = "corruption weakens the state"
where = "p. 2"
core = true
[claim.c3]
edge = "presence -> illicit [lag=1, sign=-]"
says = "{formula}"
where = "-p. 3"
core = true
[claim.c4]
edge = "illicit -> revenue [lag=1, sign=+]"
says = "more trade, more money"
where = "p. 4"
core = true
[claim.c5]
says = "the world is watching"
where = "p. 5"
untestable = "a figure of speech"
cause = "the world"
effect = "watching"
[evidence.e1]
work = "Other <b>2010</b>"
published = "Journal of {formula}"
found = '''{hostile}'''
claims = ["c1", "c2"]
origin = ["c2"]
direction = "mixed"
place = "a <script>land</script>"
[figure.f1]
quantity = "flights a day"
low = 6
high = 10
unit = "flights"
where = "p. 6"
"""

STUDIES = """
[study.main]
label = "Toy & panel"
file = "panel.csv"
unit = "unit"
time = "year"
keeps = []
[study.main.measures]
corruption = "corruption"
presence = "presence"
[study.other-one]
file = "panel.csv"
unit = "unit"
time = "year"
last = 2008
[study.other-one.measures]
corruption = "corruption"
presence = "presence"
"""

TOGETHER = STUDIES.replace('[study.other-one]\nfile = "panel.csv"', '[study.other-one]\nkeeps = []\nfile = "other.csv"')
"""The same two studies, of different units, both of which assume the weather away."""

REPORTED = """
[estimate.experiment]
edge = "corruption -> presence [lag=1]"
effect = -12.0
error = 4.0
cause_sd = 2.0
effect_sd = 60.0
units = "posts per scandal"
population = "Towns & <i>cities</i>"
source = "Another <b>article</b>, table 2"
"""
"""What another article reports of the same link."""

INTERVENTIONS = """
[intervention.clean]
label = "Less corruption"
do = "shift corruption -1 from 2006"
outcome = "presence"
horizon = 3
better = "higher"
cost = 2
"""


def toy_analysis(
    folder: Path,
    *,
    seed: int = 0,
    r_hat: float = 1.001,
    together: bool = False,
    reported: bool = False,
    change: Callable[[str], str] = str,
) -> Analysis:
    """The analysis of the toy bundle, with draws near what a fit would give: self-effects of .6, corruption -> presence at -.3.

    Its studies are of the same units, so that they make no one model; of different ones if they are to stand `together`, beside an
    effect that is `reported` if asked for. `change` is done to the text of the first study's file.
    """
    bundle_folder, store = folder / "bundle", folder / "store"
    bundle_folder.mkdir(parents=True, exist_ok=True)
    (bundle_folder / "claims.toml").write_text(CLAIMS.format(hostile=HOSTILE, formula=FORMULA), encoding="utf-8")
    studies = (TOGETHER if together else STUDIES) + (REPORTED if reported else "")
    (bundle_folder / "studies.toml").write_text(studies, encoding="utf-8")
    (bundle_folder / "interventions.toml").write_text(INTERVENTIONS, encoding="utf-8")
    (bundle_folder / "panel.csv").write_text(change(_panel(seed)), encoding="utf-8")
    (bundle_folder / "other.csv").write_text(_panel(seed + 1).replace("\nu", "\nother"), encoding="utf-8")
    bundle = read_bundle(bundle_folder)
    settings = {"seed": 1, "draws": 50, "chains": 2}
    for study in bundle.studies:
        for priors in prior_sets(bundle).values():
            model = build_model(bundle.graph, study, priors)
            warm_up = 1000 if model.design.holes.shape[1] else 500
            write_tree(_draws(model, seed, r_hat), store / f"{fingerprint(model, {**settings, 'tune': warm_up})}.nc")
    for priors in prior_sets(bundle).values() if together else ():
        model = build_model(bundle.graph, [*bundle.joint, *bundle.reported], priors)
        assert isinstance(model, JointModel)
        key = fingerprint(model, settings | {"draws": JOINT_DRAWS * 50, "tune": 500})
        write_tree(_joint_draws(model, seed, r_hat), store / f"{key}.nc")
    kept = len(list(store.iterdir()))
    analysis = analyse(bundle, store=store, **settings)
    assert len(list(store.iterdir())) == kept, "a fit was sampled: the hand-made draws were not found"
    return analysis


def _panel(seed: int) -> str:
    generator = np.random.default_rng(seed)
    rows = [
        f"u{unit},{year},{corruption:.4f},{presence:.4f}"
        for unit in range(8)
        for year, corruption, presence in zip(range(2001, 2011), *generator.normal(size=(2, 10)), strict=True)
    ]
    return "unit,year,corruption,presence\n" + "\n".join(rows) + "\n"


def _draws(model: Model, seed: int, r_hat: float) -> xr.DataTree:
    generator = np.random.default_rng(seed)
    terms, nodes = [term.name for term in model.system.terms], list(model.system.nodes)
    middles = np.array(
        [
            0.6 if term.cause == term.effect else -0.3 if term.cause == "corruption" else 0.0
            for term in model.system.terms
        ]
    )
    coords = {"chain": np.arange(2), "draw": np.arange(50), "edge": terms, "node": nodes}
    posterior: dict[str, object] = {
        "effect": (("chain", "draw", "edge"), middles + generator.normal(0.0, 0.05, (2, 50, len(terms)))),
        "shock_sd": (("chain", "draw", "node"), np.full((2, 50, len(nodes)), 0.8)),
    }
    if model.loadings:
        posterior["shock_loading"] = (("chain", "draw", "pair"), np.zeros((2, 50, len(model.loadings))))
    prior = xr.Dataset(
        {"effect": (("chain", "draw", "edge"), generator.normal(size=(1, 200, len(terms))))}, coords={"edge": terms}
    )
    stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, 50), dtype=bool))})
    observed = xr.Dataset({"standard": (("node", "unit", "time"), model.design.standard)})
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior, coords=coords),
            "prior": prior,
            "sample_stats": stats,
            "observed_data": observed,
        }
    )
    bad = ["effect[corruption -> presence [lag=1]]"] if r_hat > 1.01 else []
    tree.attrs = {"r_hat": r_hat, "ess": 900.0, "divergent_share": 0.0, "unconverged": json.dumps(bad)}
    return tree


def _joint_draws(model: JointModel, seed: int, r_hat: float) -> xr.DataTree:
    generator = np.random.default_rng(seed)
    groups: dict[str, xr.Dataset] = {}
    for k, each in enumerate(model.models):
        groups |= {
            f"study_{k}/{name}": group.to_dataset() for name, group in _draws(each, seed, r_hat).children.items()
        }
    middles = np.array(
        [0.6 if "-> presence" not in pool.name or "presence ->" in pool.name else -0.3 for pool in model.pools]
    )
    shape = (2, 50, len(model.pools))
    coords = {"chain": np.arange(2), "draw": np.arange(50), "edge": [pool.name for pool in model.pools]}
    groups["posterior"] = xr.Dataset(
        {
            "effect": (("chain", "draw", "edge"), middles + generator.normal(0.0, 0.05, shape)),
            "tau": (("chain", "draw", "edge"), np.abs(generator.normal(0.0, 0.02, shape))),
        },
        coords=coords,
    )
    if model.reported:
        groups["posterior"]["reported"] = (("chain", "draw", "report"), generator.normal(-0.35, 0.05, (2, 50, 1)))
        groups["posterior"].coords["report"] = [each.name for each in model.reported]
    groups["sample_stats"] = groups["study_0/sample_stats"].assign(
        energy=(("chain", "draw"), generator.normal(size=(2, 50)))
    )
    tree = xr.DataTree.from_dict(groups)
    bad = ["main: effect[corruption -> presence [lag=1]]"] if r_hat > 1.01 else []
    tree.attrs = {"r_hat": r_hat, "ess": 900.0, "divergent_share": 0.0, "unconverged": json.dumps(bad)}
    return tree
