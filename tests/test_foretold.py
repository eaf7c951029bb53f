"""What a bundle's article foretold, from files to page and command; the fits' draws are written by hand and put into the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from causal.analysis import Analysis, analyse, prior_sets
from causal.cli import main
from causal.fit import fingerprint
from causal.forecast import NOT_FITTED, before
from causal.forecast import _models as models_of
from causal.foretold import foretell
from causal.joint import build_model
from causal.model import Model
from causal.netcdf import write_tree
from causal.report.foretold import foretold_section
from causal.report.page import page
from priors.read import Bundle, read_bundle
from tests.toy_bundle import CLAIMS, FORMULA, HOSTILE, _draws, _panel

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
"""
PREDICTIONS = """
[prediction.rise]
says = "Presence <b>rises</b> & rises"
where = "p. 9"
claims = ["c2"]
rule = "grows"
file = "panel.csv"
column = "level"
rows = ["u0", "u1"]
since = 2006
until = 2010
method_changes = []
[prediction.dark]
says = "Nobody will know"
where = "p. 10"
unavailable = "no data hold it"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foretold") / "bundle"
    folder.mkdir()
    claims = CLAIMS.format(hostile=HOSTILE, formula=FORMULA).replace("year = 2015", "year = 2006")
    (folder / "claims.toml").write_text(claims + PREDICTIONS, encoding="utf-8")
    (folder / "studies.toml").write_text(STUDIES, encoding="utf-8")
    (folder / "interventions.toml").write_text("", encoding="utf-8")
    head, *rows = _panel(0).splitlines()
    rows = [f"{row},{2 * int(row.split(',')[1]) - 4000}" for row in rows]
    (folder / "panel.csv").write_text("\n".join([f"{head},level", *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return read_bundle(folder)


def filled(bundle: Bundle, store: Path, draws: int, chains: int) -> Path:
    """A store that holds every fit that an analysis and its forecasts ask for."""
    (study,) = bundle.studies
    sets = prior_sets(bundle)
    models: list[Model] = [build_model(bundle.graph, study, priors) for priors in sets.values()]
    models += models_of(bundle.graph, before(study, 2006), sets).values()
    for model in models:
        key = fingerprint(model, {"seed": 1, "draws": draws, "chains": chains, "tune": 500})
        write_tree(_draws(model, 0, 1.001), store / f"{key}.nc")
    return store


@pytest.fixture(scope="module")
def analysis(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    store = filled(bundle, tmp_path_factory.mktemp("store"), 50, 2)
    found = analyse(bundle, store=store, seed=1, draws=50, chains=2, forecasts=True)
    assert len(list(store.iterdir())) == 6, "a fit was sampled"
    return found


def test_an_analysis_holds_what_was_foretold_where_its_fits_are_kept(analysis: Analysis) -> None:
    found = analysis.foretold
    assert found is not None
    (study,) = found.studies
    assert (study.first, study.year, study.last) == (2001, 2006, 2010)
    assert [node.node for node in study.nodes] == ["corruption", "presence"]
    assert [each.word for each in found.outcomes] == ["right", "cannot be told"]
    # 2 year - 4000 goes from 12 to 20.
    assert found.outcomes[0].ratio == pytest.approx(20 / 12)
    (told,) = found.implied
    assert (told.edge, told.claims) == ("corruption -> presence [lag=1]", ("c2",))
    assert found.unmeasured == ("c1", "c3", "c4", "c5")
    assert len(found.links) == 1, "one link leads into one node"


def test_without_its_fits_none_is_sampled_and_the_page_says_how_to_make_them(
    analysis: Analysis, bundle: Bundle, tmp_path: Path
) -> None:
    found = foretell(bundle, prior_sets(bundle), store=tmp_path, kept_only=True)
    assert list(tmp_path.iterdir()) == []
    assert found.studies[0].why == NOT_FITTED
    told = foretold_section(replace(analysis, foretold=found))
    assert told is not None
    assert told["waiting"] == ["Toy & panel"]
    assert (told["rows"], told["implied"], told["picture"]) == ([], [], None)
    assert len(told["predictions"]) == 2, "predictions need no fit"


def test_the_page_tells_predictions_rules_scores_and_assumptions(analysis: Analysis) -> None:
    html = page(analysis)
    section = html[html.index('<section id="foretold"') :]
    section = section[: section.index("</section>")]
    for part in (
        "2006",
        "No data hold it.",
        "u0: 12 → 20",
        "Presence &lt;b&gt;rises&lt;/b&gt; &amp; rises",
        "without a trend",
        "assumed away",
        "The figures are today",
        "no links, own memory only",
        "Beside own memory only",
        "the 90 % intervals held",
        "By years ahead",
        'id="forecasts"',
    ):
        assert part in section, part
    assert "<b>rises" not in section
    assert 'href="#foretold"' in html


def test_what_was_not_asked_for_has_no_section(analysis: Analysis) -> None:
    assert foretold_section(replace(analysis, foretold=None)) is None


def test_a_bundle_without_a_year_has_predictions_only(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for each in folder.iterdir():
        text = each.read_text(encoding="utf-8")
        (other / each.name).write_text(text.replace("year = 2006\nsmallest", "smallest"), encoding="utf-8")
    bundle = read_bundle(other)
    found = foretell(bundle, prior_sets(bundle), kept_only=True)
    assert (found.year, found.studies, found.implied) == (None, (), ())
    assert len(found.outcomes) == 2


@pytest.fixture
def command(bundle: Bundle, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    store = filled(bundle, tmp_path / "causal-claims" / "fits", 1000, 4)

    def run(*options: str) -> str:
        found = CliRunner().invoke(main, ["forecast", *options, str(folder)])
        assert found.exit_code == 0, found.output
        assert len(list(store.iterdir())) == 6, "a fit was sampled"
        return found.stdout

    return run


def test_the_command_prints_tables(command: Callable[..., str]) -> None:
    told = command()
    for part in ("Nobody will know", "cannot be told", "What its claims imply", "Forecasts from 2006 on", "last value"):
        assert part in told


def test_the_command_prints_one_document(command: Callable[..., str]) -> None:
    told = json.loads(command("--json"))
    assert set(told) == {"year", "studies", "calibration", "implied", "not_measured", "predictions"}
    (study,) = told["studies"]
    assert [node["node"] for node in study["nodes"]] == ["corruption", "presence"]
    by_year = study["nodes"][0]["forecasts"][0]["by_year"]
    assert [each["year"] for each in by_year] == [2007, 2008, 2009, 2010]
    assert sum(told["calibration"]["naive"]["fifths"]) == pytest.approx(1.0)
    assert told["predictions"][0]["outcome"] == "right"
    assert told["predictions"][1]["ratio"] is None
