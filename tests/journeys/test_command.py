"""The `causal` command as a user types it, in an empty folder."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from causal.cli import main
from tests.oracle.loops import panel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    """The same inside this process, without the imports that a new one takes seconds for; what is no error of the user's comes through."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        done = CliRunner().invoke(main, list(words), catch_exceptions=False)
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    return run


CLAIMS = """
[article]
title = "Six claims"
smallest_effect = 0.05

[node.revenue]
label = "Revenue"
[node.corruption]
label = "Corruption"
[node.presence]
label = "Presence"
[node.illicit]
label = "Illicit economy"

[graph]
assumed = '''
corruption -> corruption [lag=1]
presence -> presence [lag=1]
'''

[claim.c1]
edge = "revenue -> corruption [lag=1, sign=+]"
hedge = "fuels"
says = "money corrupts"
where = "p. 1"
core = true
[claim.c2]
edge = "corruption -> presence [sign=-]"
hedge = "arguably"
says = "corruption weakens the state"
where = "p. 1"
core = true
[claim.c3]
edge = "presence -> illicit [lag=1, sign=-]"
hedge = "may"
says = "where the state is weak the trade grows"
where = "p. 2"
core = true
[claim.c4]
edge = "illicit -> revenue [sign=-]"
hedge = "reportedly"
says = "the trade costs money (the opposite is true)"
where = "p. 2"
[claim.c5]
cause = "history"
effect = "everything"
untestable = "no variable holds it"
says = "history weighs"
where = "p. 3"
[claim.c6]
edge = "revenue -> presence [lag=1, sign=+]"
hedge = "can"
says = "revenue draws the state in (no such effect is true)"
where = "p. 3"
"""
TRUTH = {
    ("revenue", "corruption", 1): 0.4,
    ("corruption", "presence", 0): -0.5,
    ("presence", "illicit", 1): -0.4,
    ("illicit", "revenue", 0): 0.6,
    ("corruption", "corruption", 1): 0.45,
    ("presence", "presence", 1): 0.6,
}


def write_bundle(folder: Path, *, claims: str = CLAIMS) -> Path:
    folder.mkdir()
    (folder / "claims.toml").write_text(claims, encoding="utf-8")
    (folder / "studies.toml").write_text(
        '[study.panel]\nfile = "panel.csv"\nunit = "unit"\ntime = "year"\n', encoding="utf-8"
    )
    text = '[intervention.clean]\ndo = "shift corruption -1 from 2010"\noutcome = "presence"\n'
    (folder / "interventions.toml").write_text(text, encoding="utf-8")
    panel(TRUTH, units=30, times=20, seed=7, year_sd=0.3).to_csv(folder / "panel.csv", index=False)
    return folder


def test_help_names_every_subcommand(causal) -> None:
    done = causal("--help")
    assert done.returncode == 0
    for name in (
        "report",
        "claims",
        "graph",
        "identify",
        "fit",
        "test",
        "do",
        "counterfactual",
        "rank",
        "dynamics",
        "forecast",
        "check",
    ):
        assert name in done.stdout


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, causal.cli; print([m for m in ('numpy', 'pandas', 'xarray', 'pymc', 'rich', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_option_is_a_usage_error(causal) -> None:
    assert causal("test", "--no-such-option").returncode == 2


def test_claims_lists_every_claim_of_the_built_in_article_with_its_prior(here) -> None:
    done = here("claims", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    claims = document["claims"]
    assert document["agreement"]["sentence"] == "Only one reader: agreement is not known."
    assert len(claims) > 47
    assert claims[0]["claim"] == "c1"
    assert 0.5 < claims[0]["prior"]["probability_as_claimed"] < 1.0


def test_claims_tells_what_others_published_on_each(here) -> None:
    done = here("claims", "growth", "--json")
    assert done.returncode == 0, done.stderr
    claims = {row["claim"]: row for row in json.loads(done.stdout)["claims"]}
    found = claims["c1"]["evidence"]
    assert [(each["work"], each["direction"], each["taken_from_it"]) for each in found] == [
        ("Mauro 1995", "for", True),
        ("Critics of Mauro 1995", "mixed", False),
    ]
    assert all("claim" not in each for row in claims.values() for each in row["evidence"])
    plain = here("claims", "growth")
    assert "mixed:" in plain.stdout
    assert "enters no number" in plain.stdout


def test_the_second_bundle_is_checked_and_its_identification_told(here) -> None:
    done = here("check", "growth")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("growth: 11 claims, 1 study, 4 interventions, no errors")
    told = json.loads(here("identify", "growth", "--json").stdout)
    assert sum(told["counts"].values()) == 11


@pytest.mark.slow
def test_the_second_bundle_is_judged_an_intervention_of_it_answered_and_its_page_written(
    causal, tmp_path: Path
) -> None:
    done = causal("test", "growth", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["claim"]: row for row in json.loads(done.stdout)["verdicts"]}
    assert len(rows) == 11
    for key in ("c1", "c2", "c3", "c4", "c5", "c6"):
        assert rows[key]["verdict"] == "not-identified", key
        (second,) = rows[key]["conditional"]
        assert second["identified"] == (key != "c4"), second["why"]
    assert "same value in every unit" in rows["c4"]["why"]
    assert rows["c10"]["verdict"] == "untestable"
    done = causal("do", "clean", "growth", "--json")
    assert done.returncode == 0, done.stderr
    effects = json.loads(done.stdout)["effects"]
    assert {row["outcome"] for row in effects} == {"growth"}
    assert all("not-identified" in row["rests_on"] for row in effects)
    assert all("probability_harm" in row for row in effects)
    done = causal("report", "growth")
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "The literature makes 11 causal claims" in html
    assert "Together they close 3 loops." in html
    assert "Mauro 1995: as claimed (its source)" in html
    assert "<code>corruption[-1]</code> is corruption one period ago" in html


@pytest.mark.parametrize("form", ["text", "dot", "mermaid", "dagitty", "svg"])
def test_the_graph_comes_in_every_form(here, form: str, tmp_path: Path) -> None:
    done = here("graph", "--format", form, str(write_bundle(tmp_path / "six")))
    assert done.returncode == 0, done.stderr
    assert "corruption" in done.stdout
    assert "presence" in done.stdout


def test_identify_says_why_not(here, tmp_path: Path) -> None:
    done = here("identify", str(write_bundle(tmp_path / "six")), "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["claim"]: row for row in json.loads(done.stdout)["identification"]}
    assert rows["c2"]["identified"] is True
    assert rows["c5"]["why"] == "no variable holds it"


def test_identify_counts_the_answers_and_tells_chains_through_two_studies(here, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "two")
    lines = [
        f'[study.{name}]\nfile = "panel.csv"\nunit = "unit"\ntime = "year"\n[study.{name}.measures]\n{measures}'
        for name, measures in (
            ("north", 'corruption = "corruption"\npresence = "presence"\n'),
            ("south", 'presence = "presence"\nillicit = "illicit"\n'),
        )
    ]
    (folder / "studies.toml").write_text("\n".join(lines), encoding="utf-8")
    done = here("identify", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {row["answer"] for row in told["identification"]} <= {"yes", "linear only", "no", "no edge"}
    assert told["answerable"]["c2"] == "linear only"
    assert told["answerable"]["c5"] == "no edge"
    assert sum(told["counts"].values()) == 6
    chain = next(chain for chain in told["chains"] if chain["effect"] == "illicit")
    assert chain["studies"] == ["north", "south"]
    plain = here("identify", str(folder))
    assert "taken to hold in one" in " ".join(plain.stdout.split())
    assert "of 6 claims can be answered from these data" in plain.stdout
    assert "--all lists them" in plain.stdout
    assert "c5" in here("identify", str(folder), "--all").stdout


def test_identify_tells_what_to_measure_and_takes_the_costs_of_the_bundle(here, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "unseen")
    studies = (
        '[study.all]\nfile = "panel.csv"\nunit = "unit"\ntime = "year"\n[study.all.measures]\npresence = "presence"\n'
    )
    (folder / "studies.toml").write_text(studies + 'corruption = "corruption"\n', encoding="utf-8")
    text = (folder / "claims.toml").read_text(encoding="utf-8")
    (folder / "claims.toml").write_text(
        text.replace("[node.illicit]\n", "[node.illicit]\ncost = 4\n"), encoding="utf-8"
    )
    done = here("identify", str(folder), "--missing", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    unanswered = {claim for claim, answer in told["answerable"].items() if answer == "no"}
    row = next(row for row in told["proposals"] if row["nodes"] == ["illicit"])
    assert row["cost"] == 4.0
    assert row["study"] == "all"
    assert row["claims"]
    assert set(row["claims"]) <= unanswered
    plain = here("identify", str(folder), "--missing").stdout
    assert "would answer" in plain
    assert "illicit" in plain


def test_every_fault_of_a_bundle_is_told_at_once_without_a_traceback_and_nothing_is_written(
    causal, tmp_path: Path
) -> None:
    bad = CLAIMS.replace(
        'edge = "corruption -> presence [sign=-]"', 'edge = "corruptoin -> presence [sign=-]"'
    ).replace('"may"', '"mayhap"')
    folder = write_bundle(tmp_path / "bad", claims=bad)
    rows = (folder / "panel.csv").read_text(encoding="utf-8").splitlines()
    rows[3] = rows[3].replace(rows[3].split(",")[2], "much", 1)
    rows.append(rows[1])
    (folder / "panel.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    # Every command reads the files first, and `tests/test_bad_data.py` asks the others.
    for command in ("report", "check"):
        done = causal(command, str(folder))
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        assert any(re.match(r"claims\.toml:\d+ \[claim\.c2\].*corruptoin.*corruption", line) for line in lines), (
            done.stderr
        )
        assert any("mayhap" in line and "claims.toml:" in line for line in lines)
        assert any("panel.csv:" in line and re.search("u000|2000|twice|duplicate", line) for line in lines), done.stderr
    assert not (tmp_path / "report").exists()
    document = json.loads(causal("check", str(folder), "--json").stdout)
    assert len(document["errors"]) >= 3


def test_a_same_period_cycle_prints_the_cycle(here, tmp_path: Path) -> None:
    bad = CLAIMS.replace("revenue -> corruption [lag=1, sign=+]", "revenue -> corruption [sign=+]").replace(
        "presence -> illicit [lag=1, sign=-]", "presence -> illicit [sign=-]"
    )
    done = here("check", str(write_bundle(tmp_path / "cycle", claims=bad)))
    assert done.returncode == 1
    assert "->" in done.stderr
    assert "cycle" in done.stderr


def test_a_missing_bundle_and_an_unreadable_file_are_one_line_each(causal, tmp_path: Path) -> None:
    done = causal("check", "no_such_bundle")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    folder = write_bundle(tmp_path / "six")
    (folder / "panel.csv").write_bytes(b"\xff\xfe\x00\x01")
    done = causal("check", str(folder))
    assert done.returncode == 1
    assert "panel.csv" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_bundle_of_ones_own_is_judged_by_its_truth(causal, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "six")
    done = causal("test", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    rows = document["verdicts"]
    words = {row["claim"]: row["verdict"] for row in rows}
    assert (document["chain"]["verdict"], document["chain"]["shape"]) == ("supported", "chain")
    expected = {each["word"]: each for each in document["multiplicity"]["expected"]}
    assert expected["supported"]["links"] == 3
    assert expected["supported"]["wrong_size"] < 0.15
    assert all(row["survives"] for row in rows if row["verdict"] in ("supported", "contradicted"))
    assert list(words) == ["c1", "c2", "c3", "c4", "c5", "c6"]
    assert words["c1"] == words["c2"] == words["c3"] == "supported"
    assert words["c4"] == "contradicted"
    assert words["c5"] == "untestable"
    assert words["c6"] in {"undecided", "negligible"}
    answer = causal("do", "clean", str(folder), "--json")
    assert answer.returncode == 0, answer.stderr
    effects = json.loads(answer.stdout)["effects"]
    last = next(row for row in effects if row["prior_set"] == "wide" and row["time"] == 2019)
    # The truth, by hand: corruption falls by 1 a year and keeps .45 of it and what returns by the loop; presence follows at once.
    corruption, presence, illicit = np.zeros(20), np.zeros(20), np.zeros(20)
    for t in range(10, 20):
        revenue_before = 0.6 * illicit[t - 1]
        corruption[t] = -1 + 0.45 * corruption[t - 1] + 0.4 * revenue_before
        presence[t] = -0.5 * corruption[t] + 0.6 * presence[t - 1]
        illicit[t] = -0.4 * presence[t - 1]
    assert last["low"] < presence[19] < last["high"]
    wrong = causal("do", "shift coruption -1", str(folder))
    assert wrong.returncode == 1
    assert "did you mean 'corruption'" in wrong.stderr
    # The other questions read the fits that are kept by now.
    rule = causal("do", "shift presence 0.5 when illicit[-1] > q80 from 2010", str(folder), "--outcome", "illicit")
    assert rule.returncode == 0, rule.stderr
    assert "rests on presence -> illicit [lag=1]: supported" in rule.stdout
    future = causal("do", "shift presence 0.5 when illicit[1] > q80", str(folder))
    assert future.returncode == 1
    assert "reads the future" in future.stderr
    assert "^^^^^^^^^^" in future.stderr
    held = causal("do", "set presence 1; path presence 2010=2", str(folder), "--outcome", "illicit")
    assert held.returncode == 1
    assert "'presence' is held at 1 and at 2" in held.stderr
    past = causal("counterfactual", "clean", str(folder), "--json")
    assert past.returncode == 0, past.stderr
    (replayed,) = json.loads(past.stdout)["replays"]
    rows = pd.read_csv(folder / "panel.csv").groupby("year")["presence"].mean()
    worlds = {row["time"]: row for row in replayed["worlds"] if row["prior_set"] == "wide"}
    assert all(abs(worlds[year]["observed"] - mean) < 1e-9 for year, mean in rows.items())
    assert not worlds[2009]["changed"]
    # Presence follows corruption within the year, so that the replay of a shift moves as the contrast does.
    assert abs(worlds[2019]["median"] - worlds[2019]["observed"] - last["median"]) < 1e-6
    order = causal("rank", str(folder), "--better", "higher", "--json")
    assert order.returncode == 0, order.stderr
    (ranking,) = json.loads(order.stdout)["rankings"]
    best = next(row for row in ranking["options"] if row["prior_set"] == "wide")
    assert (best["option"], best["p_best"], best["p_harm"]) == ("clean", 1.0, 0.0)
    unsaid = causal("rank", str(folder))
    assert unsaid.returncode == 1
    assert "give --better higher or --better lower" in unsaid.stderr
    moves = causal("dynamics", str(folder), "--json")
    assert moves.returncode == 0, moves.stderr
    wide = next(row for row in json.loads(moves.stdout)["studies"] if row["prior_set"] == "wide")
    gain = 0.6 * 0.4 * -0.5 * -0.4 / ((1 - 0.45) * (1 - 0.6))
    whole = "corruption -> presence -> illicit [lag=1] -> revenue -> corruption [lag=1]"
    (loop,) = (each for each in wide["loops"] if each["loop"] == whole)
    assert loop["gain"]["low"] < gain < loop["gain"]["high"]


@pytest.mark.slow
def test_the_wheel_carries_its_data(tmp_path: Path) -> None:
    subprocess.run(["uv", "build", "--wheel", "--out-dir", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    import zipfile

    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "causal/datasets/latam.csv",
        "causal/datasets/latam.toml",
        "causal/datasets/containments.csv",
        "causal/datasets/neighbours.csv",
        "causal/datasets/peru_provinces.csv",
        "causal/report/page.html.j2",
        "priors/hedges.csv",
        "priors/articles/peru_nexus/claims.toml",
        "priors/articles/peru_nexus/studies.toml",
        "priors/articles/peru_nexus/interventions.toml",
    ):
        assert needed in names


@pytest.mark.slow
def test_the_readme_program_runs(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert program is not None
    frame = panel(
        {
            ("corruption", "presence", 1): -0.3,
            ("presence", "corruption", 1): -0.1,
            ("corruption", "corruption", 1): 0.6,
            ("presence", "presence", 1): 0.6,
        },
        units=20,
        times=25,
        seed=3,
    )
    space: dict[str, object] = {"frame": frame.rename(columns={"unit": "country"})}
    exec(program[1], space)
    effect = space["effect"]
    assert effect.sizes == {"draw": 4000, "time": 30}  # type: ignore[attr-defined]


def test_the_readme_starts_with_the_main_job_and_has_the_test_command_in_a_block_of_its_own() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks[0] == "pip install uv && uv run causal report\n"
    assert blocks[1] == "uv run pytest\n"


def test_a_faulty_intervention_of_a_bundle_is_told_with_its_line(here, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "six")
    text = '[intervention.one]\ndo = "push corruption -1"\noutcome = "presence"\n\n[intervention.two]\ndo = "shift coruption -1"\noutcome = "presence"\n'
    (folder / "interventions.toml").write_text(text, encoding="utf-8")
    done = here("check", str(folder))
    assert done.returncode == 1
    assert "interventions.toml:2" in done.stderr
    assert "interventions.toml:6" in done.stderr
    assert "did you mean 'corruption'" in done.stderr
