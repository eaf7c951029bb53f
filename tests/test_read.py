"""Bundles: what is read, and everything that can be wrong with one, each with its file and line."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from causal.analysis import prior_sets
from causal.claim import Published
from causal.errors import CausalError
from causal.graph import Edge, Latent, Sign
from causal.joint import overlaps
from causal.measurement import Measure
from causal.model import Priors, study_model
from causal.panel import weights_of
from priors.read import ARTICLES, DEFAULT, Bundle, bundle_folder, bundle_keys, read_bundle

CLAIMS = '''[article]
title = "A report"
authors = "A. Writer"
year = 2015
smallest_effect = 0.2

[node.corruption]
label = "Corruption"
[node.presence]
[node.illicit]

[graph]
assumed = """
presence -> presence [lag=1]     # it remembers
corruption <-> presence
illicit [family=poisson]
"""

[claim.c1]
edge = "corruption -> presence [lag=1, sign=-]"
hedge = "arguably"
strength = "strong"
says = "corruption weakens the state"
where = "p. 3"
core = true

[claim.c2]
edge = "presence -> illicit [lag=1, sign=-]"
says = "the illicit economy grows where the state is not"
where = "p. 4"
smallest_effect = 0.05

[claim.c3]
cause = "Chinese growth"
effect = "world order"
untestable = "one world, one order"
says = "growth shifts the order"
where = "p. 5"

[figure.f1]
quantity = "governors under suspicion"
low = 4
high = 4.5
unit = "governors"
where = "p. 6"
node = "corruption"
'''
STUDIES = """[study.panel]
file = "panel.csv"
unit = "unit"
time = "year"
label = "Two regions"
population = "regions"
sets_aside = ["illicit"]

[study.panel.measures]
corruption = "bribes"
presence = { columns = ["posts", "staff"], direction = "-", error = 0.1 }
"""
INTERVENTIONS = '''[intervention.clean]
do = """
shift corruption -1 from 2002
cut corruption -> presence
"""
outcome = "presence"
label = "Clean up"
horizon = 3
'''
PANEL = """unit,year,bribes,posts,staff
a,2001,1,5,1
a,2002,2,4,3
a,2003,4,6,2
b,2001,8,1,1
b,2002,7,3,4
b,2003,9,2,9
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with a bundle in which nothing is wrong."""
    for name, text in {
        "claims.toml": CLAIMS,
        "studies.toml": STUDIES,
        "interventions.toml": INTERVENTIONS,
        "panel.csv": PANEL,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Replace the first `old` in a file of the bundle."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(folder: Path, name: str, part: str) -> str:
    """The place of the first line that holds `part`."""
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return f"{name}:{next(number for number, line in enumerate(lines, 1) if part in line)}"


def faults(folder: Path) -> list[str]:
    with pytest.raises(CausalError) as raised:
        read_bundle(folder)
    return [str(fault) for fault in raised.value.faults]


def only_fault(folder: Path) -> str:
    found = faults(folder)
    assert len(found) == 1, found
    return found[0]


# What is read


def test_the_ledger_holds_every_claim_in_the_order_of_the_file(bundle: Path) -> None:
    ledger = read_bundle(bundle).ledger
    assert [claim.key for claim in ledger.claims] == ["c1", "c2", "c3"]
    first = ledger["c1"]
    assert first.edge == Edge("corruption", "presence", 1, Sign.NEGATIVE)
    assert (first.cause, first.effect, first.hedge, first.strength, first.core) == (
        "corruption",
        "presence",
        "arguably",
        "strong",
        True,
    )
    assert ledger["c2"].hedge == "plain assertion"
    assert (ledger["c3"].edge, ledger["c3"].untestable) == (None, "one world, one order")
    assert (ledger.figures[0].low, ledger.figures[0].high, ledger.figures[0].node) == (4.0, 4.5, "corruption")
    assert read_bundle(bundle).source.year == 2015


def test_a_claim_without_a_smallest_effect_has_the_articles(bundle: Path) -> None:
    ledger = read_bundle(bundle).ledger
    assert [claim.smallest_effect for claim in ledger.claims] == [0.2, 0.05, 0.2]


def test_the_graph_is_what_is_assumed_and_every_claims_edge_once(bundle: Path) -> None:
    change(bundle, "claims.toml", "presence -> presence", "corruption -> presence [lag=1]\npresence -> presence")
    graph = read_bundle(bundle).graph
    assert graph.names == ("corruption", "illicit", "presence")
    assert set(graph.edges) == {
        Edge("corruption", "presence", 1, Sign.NEGATIVE),
        Edge("presence", "illicit", 1, Sign.NEGATIVE),
        Edge("presence", "presence", 1),
    }
    assert graph.latents == (Latent("corruption", "presence"),)
    assert {node.name: node.family for node in graph.nodes}["illicit"] == "poisson"


def test_studies_hold_their_panel_measures_and_what_they_set_aside(bundle: Path) -> None:
    read = read_bundle(bundle)
    (study,) = read.studies
    assert (study.name, study.label, study.population, study.sets_aside) == (
        "panel",
        "Two regions",
        "regions",
        ("illicit",),
    )
    assert study.measured(read.graph) == ("corruption", "presence")
    assert study.measure("presence") == Measure(("posts", "staff"), error=0.1, direction="-")
    assert study.values(read.graph).shape == (2, 2, 3)
    assert read.study("panel") is study


def test_first_and_last_bound_the_years_of_a_study(bundle: Path) -> None:
    change(bundle, "studies.toml", 'time = "year"', 'time = "year"\nfirst = 2002\nlast = 2003')
    assert read_bundle(bundle).studies[0].panel.times.tolist() == [2002, 2003]


def test_interventions_keep_their_text_and_have_defaults(bundle: Path) -> None:
    read = read_bundle(bundle)
    clean = read.intervention("clean")
    assert clean.do == "shift corruption -1 from 2002\ncut corruption -> presence"
    assert (clean.outcome, clean.label, clean.horizon) == ("presence", "Clean up", 3)
    (bundle / "interventions.toml").write_text('[intervention.x]\ndo = "shift corruption 1"\noutcome = "presence"\n')
    plain = read_bundle(bundle).intervention("x")
    assert (plain.label, plain.horizon) == ("x", 0)


def test_nodes_have_cards_with_the_name_for_a_missing_label(bundle: Path) -> None:
    nodes = read_bundle(bundle).nodes
    assert [card.label for card in nodes.values()] == ["Corruption", "presence", "illicit"]


def test_a_node_costs_what_the_bundle_says_and_one_otherwise(bundle: Path) -> None:
    change(bundle, "claims.toml", "[node.presence]", "[node.presence]\ncost = 2.5")
    change(bundle, "claims.toml", "[node.illicit]", "[node.illicit]\ncost = inf")
    assert read_bundle(bundle).costs == {"corruption": 1.0, "presence": 2.5, "illicit": math.inf}


@pytest.mark.parametrize("text", ["corruption <-> presence", "presence<->corruption"])
def test_a_latent_costs_what_the_bundle_says_under_its_own_name(bundle: Path, text: str) -> None:
    change(bundle, "claims.toml", "[graph]", f'[graph]\ncosts = {{ "{text}" = 3 }}')
    costs = read_bundle(bundle).costs
    assert costs == {"corruption": 1.0, "presence": 1.0, "illicit": 1.0, "corruption <-> presence": 3.0}


def test_a_cost_of_a_latent_that_nobody_assumes_is_named_by_line(bundle: Path) -> None:
    change(bundle, "claims.toml", "[claim.c1]", '[graph.costs]\n"corruption <-> illicit" = inf\n[claim.c1]')
    told = only_fault(bundle)
    assert told.startswith(line_of(bundle, "claims.toml", "corruption <-> illicit"))
    assert "costs has no latent 'corruption <-> illicit'; did you mean 'corruption <-> presence'?" in told


def test_a_cost_without_any_latent_assumed_is_a_fault(bundle: Path) -> None:
    change(bundle, "claims.toml", "corruption <-> presence\n", "")
    change(bundle, "claims.toml", "[graph]", '[graph]\ncosts = { "corruption" = 3 }')
    assert "costs has no latent 'corruption'; add it to assumed" in only_fault(bundle)


@pytest.mark.parametrize("cost", ["0", "-1", "nan", '"dear"'])
def test_a_cost_of_a_latent_is_a_positive_number(bundle: Path, cost: str) -> None:
    change(bundle, "claims.toml", "[graph]", f'[graph]\ncosts = {{ "corruption <-> presence" = {cost} }}')
    assert line_of(bundle, "claims.toml", "costs = ") in only_fault(bundle)


@pytest.mark.parametrize("cost", ["0", "-1", "nan", '"dear"', "true"])
def test_a_cost_is_a_positive_number(bundle: Path, cost: str) -> None:
    change(bundle, "claims.toml", "[node.presence]", f"[node.presence]\ncost = {cost}")
    assert line_of(bundle, "claims.toml", "cost = ") in only_fault(bundle)


def test_unknown_studies_and_interventions_are_named_with_the_nearest(bundle: Path) -> None:
    read = read_bundle(bundle)
    with pytest.raises(CausalError, match="no study 'panl'; did you mean 'panel'"):
        read.study("panl")
    with pytest.raises(CausalError, match="no intervention 'cleen'; did you mean 'clean'"):
        read.intervention("cleen")


def test_windows_line_ends_change_nothing(bundle: Path) -> None:
    for file in bundle.iterdir():
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert read_bundle(bundle).graph.names == ("corruption", "illicit", "presence")


def test_the_built_in_bundle_is_whole_and_the_default() -> None:
    built_in: Bundle = read_bundle()
    assert built_in.key == DEFAULT == "peru_nexus"
    assert bundle_keys()[0] == DEFAULT
    measured = built_in.study("latam").measured(built_in.graph)
    assert measured == ("corruption", "growth", "presence", "prices")
    assert built_in.study("latam").values(built_in.graph).sizes["unit"] == 25
    assert Edge("corruption", "presence", 1, Sign.NEGATIVE) in built_in.graph.edges


def test_the_built_in_studies_are_five_and_fit_for_one_model() -> None:
    built_in = read_bundle()
    regional = ("peru_provinces", "peru_departments", "colombia_departments")
    assert [study.name for study in built_in.studies] == ["latam", "andes", *regional]
    assert [study.name for study in built_in.joint] == ["latam", "andes", *regional[:2]]
    assert not overlaps([study_model(built_in.graph, study, Priors({})) for study in built_in.joint])
    alone = [study_model(built_in.graph, study, Priors({})) for study in built_in.studies]
    doubled = {frozenset(re.findall(r"'(\w+)'", fault.what)) for fault in overlaps(alone)}
    assert {"latam", "andes"} in doubled
    assert {"peru_provinces", "peru_departments"} in doubled
    assert {"andes", "colombia_departments"} in doubled


def test_regions_know_what_they_lie_in() -> None:
    inside = read_bundle().study("peru_provinces").inside
    assert inside["PER/Loreto/Ucayali"] == ("PER/Loreto", "PER")
    assert read_bundle().study("latam").inside == {}


def test_rows_left_out_are_gone_alone_and_together(bundle: Path) -> None:
    change(bundle, "studies.toml", 'label = "Two regions"', 'joint.leave_out = ["a from 2003"]')
    read = read_bundle(bundle)
    assert not np.isnan(read.studies[0].panel.data["bribes"].sel(unit="a", time=2003))
    assert np.isnan(read.joint[0].panel.data["bribes"].sel(unit="a", time=2003))
    change(bundle, "studies.toml", 'joint.leave_out = ["a from 2003"]', 'leave_out = ["a"]\njoint.enters = false')
    read = read_bundle(bundle)
    assert read.studies[0].panel.units.tolist() == ["b"]
    assert read.joint == ()


def test_a_copy_of_the_built_in_bundle_reads_the_same(tmp_path: Path) -> None:
    shutil.copytree(ARTICLES / DEFAULT, tmp_path / "copy")
    copied = read_bundle(tmp_path / "copy")
    assert copied.key == "copy"
    assert copied.graph == read_bundle(DEFAULT).graph


# Where there is no bundle


EVIDENCE = """
[evidence.one]
work = "Other 2010"
published = "A journal 1(2), 3-4"
found = "the same, elsewhere"
claims = ["c2", "c1"]
origin = ["c1"]
direction = "for"
place = "elsewhere"
same_place = true
read = "whole"
"""


def test_what_others_published_stands_in_the_ledger_by_claim(bundle: Path) -> None:
    file = bundle / "claims.toml"
    file.write_text(CLAIMS + EVIDENCE, encoding="utf-8")
    ledger = read_bundle(bundle).ledger
    (found,) = ledger.published
    assert found == Published(
        "one",
        "Other 2010",
        "the same, elsewhere",
        ("c2", "c1"),
        "for",
        "elsewhere",
        "A journal 1(2), 3-4",
        True,
        ("c1",),
        "whole",
    )
    assert ledger.published_on("c1") == ledger.published_on("c2") == (found,)
    assert ledger.published_on("c3") == ()


def test_what_others_published_enters_no_number(bundle: Path) -> None:
    without = read_bundle(bundle)
    (bundle / "claims.toml").write_text(CLAIMS + EVIDENCE, encoding="utf-8")
    beside = read_bundle(bundle)
    assert beside.ledger.published
    assert (beside.graph, beside.ledger.claims) == (without.graph, without.ledger.claims)
    assert prior_sets(beside) == prior_sets(without)


def test_everything_wrong_with_evidence_is_told_at_once_with_its_line(bundle: Path) -> None:
    wrong = EVIDENCE.replace('"c2", "c1"', '"c2", "c22", "c2"').replace('"for"', '"fro"').replace('"Other 2010"', '" "')
    second = """
[evidence.two]
work = "Another"
found = "nothing"
claims = ["c9", "c1", "c1"]
origin = ["c2"]
direction = "against"
place = "there"
[evidence.three]
work = "A third"
claims = []
direction = "mixed"
place = "there"
weight = 2
[evidence]
four = 3
"""
    text = CLAIMS + wrong + second
    (bundle / "claims.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CausalError) as caught:
        read_bundle(bundle)
    lines = text.splitlines()

    def at(table: str, key: str) -> str:
        start = lines.index(f"[evidence.{table}]")
        line = next(k for k, line in enumerate(lines[start:], start + 1) if line.startswith(key))
        return f"claims.toml:{line} [evidence.{table}]"

    told = {(fault.where, fault.what): fault.mend for fault in caught.value.faults}
    assert told == {
        (at("one", "work"), "work is empty"): "fill it in",
        (
            at("one", "direction"),
            "direction = 'fro' must be 'for', 'against', 'mixed' or 'indirect'",
        ): "take one of these words",
        (at("one", "claims"), "no claim 'c22'"): "did you mean 'c2'?",
        (at("one", "claims"), "claim 'c2' is said 2 times"): "keep it once",
        (at("one", "origin"), "'c1' is none of its claims"): "known: c2, c22",
        (at("two", "claims"), "no claim 'c9'"): "known: c1, c2, c3",
        (at("two", "claims"), "claim 'c1' is said 2 times"): "keep it once",
        (at("two", "origin"), "'c2' is none of its claims"): "known: c1, c9",
        (at("three", "[evidence"), "key 'found' is missing"): "add found = ...",
        (at("three", "claims"), "claims is empty"): "fill it in",
        (
            "claims.toml:{} [evidence.four]".format(lines.index("[evidence]") + 2),
            "3 is no table",
        ): "write [evidence.KEY]",
        (
            at("three", "weight"),
            "unknown key 'weight'",
        ): "known: claims, direction, found, origin, place, published, read, same_place, work",
    }


def test_a_source_is_called_by_its_own_noun_and_an_article_without_one(bundle: Path) -> None:
    assert (read_bundle(bundle).source.called, read_bundle(bundle).source.place) == ("article", "")
    text = CLAIMS.replace("year = 2015\n", 'year = 2015\ncalled = "report"\nplace = "Peru"\n', 1)
    (bundle / "claims.toml").write_text(text, encoding="utf-8")
    assert (read_bundle(bundle).source.called, read_bundle(bundle).source.place) == ("report", "Peru")


def test_an_unknown_key_is_named_with_the_nearest() -> None:
    with pytest.raises(
        CausalError, match="'peru_nexsus' is neither a folder nor a bundle's key; did you mean 'peru_nexus'"
    ):
        read_bundle("peru_nexsus")


def test_a_file_is_no_folder_and_nothing_names_no_bundle(bundle: Path) -> None:
    with pytest.raises(CausalError, match="is a file, not a bundle's folder"):
        read_bundle(bundle / "claims.toml")
    for nothing in ("", None, 3):
        with pytest.raises(CausalError, match="names no bundle"):
            bundle_folder(nothing)  # pyright: ignore[reportArgumentType]


def test_every_missing_file_is_named(tmp_path: Path) -> None:
    found = faults(tmp_path)
    assert [fault.split(" ")[0] for fault in found] == ["claims.toml", "studies.toml", "interventions.toml"]
    assert all("is missing from the bundle" in fault for fault in found)


# What is wrong in claims.toml


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ('hedge = "arguably"', 'hegde = "arguably"', "hegde", "[claim.c1] unknown key 'hegde'; did you mean 'hedge'?"),
        ('hedge = "arguably"', 'hedge = "arguabley"', "arguabley", "did you mean 'arguably'?"),
        ('"strong"', '"stronk"', "stronk", "[claim.c1] no strength word 'stronk'; did you mean 'strong'?"),
        ('"corruption -> pre', '"corruptoin -> pre', "corruptoin", "no node 'corruptoin'; did you mean 'corruption'?"),
        ('[lag=1, sign=-]"\nhedge', '[leg=1]"\nhedge', "leg=1", "no attribute 'leg'; did you mean 'lag'?"),
        (
            '"corruption -> presence [lag=1, sign=-]"',
            '"corruption <-> presence"',
            '"corruption <->',
            "is not one effect",
        ),
        (
            "corruption <-> presence",
            "corruption <-> presense",
            "presense",
            "[graph] \"corruption <-> presense\": no node 'presense'",
        ),
        ("corruption <-> presence", "corruption <= presence", "<=", '[graph] "corruption <= presence"'),
        (
            "smallest_effect = 0.2",
            "smallest_effect = 0",
            "smallest_effect = 0",
            "[article] smallest_effect = 0 must be greater",
        ),
        (
            "smallest_effect = 0.2",
            "format = 2\nsmallest_effect = 0.2",
            "format = 2",
            "is of format 2, and this version reads format 1; update the program",
        ),
        ("smallest_effect = 0.2", "format = 0\nsmallest_effect = 0.2", "format = 0", "is of format 0"),
        (
            "smallest_effect = 0.05",
            "smallest_effect = -1",
            "effect = -1",
            "[claim.c2] smallest_effect = -1 must be greater",
        ),
        ("core = true", 'core = "yes"', "core", "[claim.c1] core = 'yes' must be a valid boolean"),
        ("core = true", "cause = 'x'", "cause =", "[claim.c1] has both edge and cause"),
        ('where = "p. 3"\n', "", "[claim.c1]", "[claim.c1] key 'where' is missing"),
        ('where = "p. 3"', 'where = ""', 'where = ""', "[claim.c1] where is empty"),
        ('title = "A report"\n', "", "[article]", "[article] key 'title' is missing"),
        ('untestable = "one world, one order"\n', "", "[claim.c3]", "has neither an edge nor a reason"),
        ('cause = "Chinese growth"\n', "", "[claim.c3]", "is untestable without a cause and an effect"),
        ("low = 4", "low = 9", "low = 9", "[figure.f1] low 9 is above high 4.5"),
        (
            'node = "corruption"',
            'node = "corupt"',
            'node = "corupt"',
            "[figure.f1] no node 'corupt'; did you mean 'corruption'?",
        ),
        (
            "[node.illicit]",
            "[nodes.illicit]\n[node.illicit]",
            "[nodes",
            "unknown table or key 'nodes'; did you mean 'node'?",
        ),
        ("[node.illicit]", '[node."1st"]\n[node.illicit]', "1st", "1st"),
        (
            "[node.presence]",
            "[node.presence]\nlabel = 3",
            "label = 3",
            "[node.presence] label = 3 must be a valid string",
        ),
        ('hedge = "arguably"', "hedge = arguably", "hedge = arguably", "is no TOML here: Invalid value"),
        ("[claim.c2]", "[claim.c1]", "", "is no TOML here: Cannot declare"),
    ],
)
def test_what_is_wrong_with_a_claim_is_named_by_line(bundle: Path, old: str, new: str, at: str, said: str) -> None:
    change(bundle, "claims.toml", old, new)
    fault = only_fault(bundle)
    assert said in fault
    if at:
        assert fault.startswith(line_of(bundle, "claims.toml", at) + " ")


def test_two_signs_for_one_edge_name_both_claims(bundle: Path) -> None:
    change(bundle, "claims.toml", '"presence -> illicit [lag=1, sign=-]"', '"corruption -> presence [lag=1, sign=+]"')
    fault = only_fault(bundle)
    assert fault.startswith(line_of(bundle, "claims.toml", "sign=+") + " [claim.c2] two signs for one edge")
    assert "[claim.c1]" in fault


def test_a_sign_against_the_assumed_graph_is_a_fault_too(bundle: Path) -> None:
    change(bundle, "claims.toml", "corruption <-> presence", "presence -> illicit [lag=1, sign=+]")
    assert "[claim.c2] two signs for one edge" in only_fault(bundle)


def test_a_cycle_within_the_period_is_printed_with_the_claims_that_make_it(bundle: Path) -> None:
    change(bundle, "claims.toml", '"corruption -> presence [lag=1, sign=-]"', '"corruption -> presence"')
    change(bundle, "claims.toml", '"presence -> illicit [lag=1, sign=-]"', '"presence -> corruption"')
    fault = only_fault(bundle)
    assert "form a cycle: corruption -> presence -> corruption (from [claim.c1], [claim.c2])" in fault
    assert fault.startswith(line_of(bundle, "claims.toml", '"presence -> corruption"'))


def test_a_cycle_with_the_assumed_graph_is_found(bundle: Path) -> None:
    change(bundle, "claims.toml", "corruption <-> presence", "illicit -> presence")
    change(bundle, "claims.toml", '"presence -> illicit [lag=1, sign=-]"', '"presence -> illicit"')
    assert "(from [graph], [claim.c2])" in only_fault(bundle) or "(from [claim.c2], [graph])" in only_fault(bundle)


def test_an_article_and_claims_must_be_there(bundle: Path) -> None:
    (bundle / "claims.toml").write_text("[node.corruption]\n[node.presence]\n[node.illicit]\n")
    assert faults(bundle) == [
        "claims.toml table [article] is missing; add it with a title",
        "claims.toml names no claim; write [claim.KEY] with an edge",
    ]


def test_keys_without_a_table_of_their_own_are_told_how_to_write_one(bundle: Path) -> None:
    change(bundle, "claims.toml", "[claim.c1]", "[claim]")
    change(bundle, "claims.toml", "[claim.c2]", "[claim.c2.x]\n[claim.c4]")
    assert any("write [claim.KEY]" in fault for fault in faults(bundle))


def test_a_file_that_is_not_utf_8_is_named_with_the_line(bundle: Path) -> None:
    (bundle / "claims.toml").write_bytes(b'[article]\ntitle = "\xff"\n')
    assert only_fault(bundle) == "claims.toml:2 is not UTF-8; save the file as UTF-8"


def test_lines_are_right_behind_long_texts_comments_and_lists(bundle: Path) -> None:
    noise = (
        '[node.extra]\ndescribes = """\n[claim.c1]\nhedge = "x" # no key\n\\"""still\n"""  # ends\n'
        "label = '[node.x] # no header'\n\n# [claim.c1]\n"
    )
    change(bundle, "claims.toml", "[node.corruption]", noise + "[node . 'corruption']")
    change(bundle, "claims.toml", 'strength = "strong"', 'strength = "stronk"')
    change(bundle, "studies.toml", '["illicit"]', '[\n  "illicit", # one ]\n  "presense",\n]')
    first, second = faults(bundle)
    assert first.startswith(line_of(bundle, "claims.toml", "stronk") + " [claim.c1]")
    assert second.startswith(line_of(bundle, "studies.toml", "sets_aside") + " [study.panel] no node 'presense'")


# What is wrong in studies.toml, the data and interventions.toml


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        (
            '"panel.csv"',
            '"panl.csv"',
            "panl",
            "[study.panel] no file 'panl.csv' in the bundle; did you mean 'panel.csv'?",
        ),
        ('"panel.csv"', '"../panel.csv"', "../panel", "lies outside the bundle"),
        ('file = "panel.csv"', 'dataset = "latm"', "latm", "[study.panel] no dataset 'latm'; did you mean 'latam'?"),
        ('file = "panel.csv"\n', "", "[study.panel]", "needs file or dataset"),
        ('unit = "unit"', 'dataset = "latam"', "[study.panel]", "needs file or dataset"),
        ('unit = "unit"', 'unti = "unit"', "unti", "unknown key 'unti'; did you mean 'unit'?"),
        (
            '"bribes"',
            '"bribe"',
            "bribe",
            "[study.panel.measures] corruption: no column 'bribe'; did you mean 'bribes'?",
        ),
        (
            'corruption = "bribes"',
            'coruption = "bribes"',
            "coruption",
            "measures 'coruption', which is no node; did you mean 'corruption'?",
        ),
        ('"illicit"', '"ilicit"', "ilicit", "[study.panel] no node 'ilicit'; did you mean 'illicit'?"),
        (
            'direction = "-"',
            'direction = "down"',
            "down",
            "direction 'down' is unknown; write '+' or '-', or one for each column",
        ),
        ("error = 0.1", "eror = 0.1", "eror", "unknown key 'eror'; did you mean 'error'?"),
        ("error = 0.1", "error = -0.1", "error", "error -0.1 is no standard error"),
        ("error = 0.1", 'column = "posts"', "column =", "needs column, columns or indicators, one of them"),
        ('corruption = "bribes"', "corruption = 3", "corruption =", "3 is no measure"),
        ('["posts", "staff"]', '["posts", "posts"]', "posts", "names a column twice"),
        ('label = "Two regions"', "first = 2003", "[study.panel]", "has a single period"),
        (
            'label = "Two regions"',
            'leave_out = ["c"]',
            "leave_out",
            "[study.panel.leave_out] 'c': no unit 'c'; known: a, b",
        ),
        ('label = "Two regions"', 'leave_out = "north"', "leave_out", "leave_out = 'north' must be a valid list"),
        ('label = "Two regions"', 'leave_out = ["a from 1900"]', "leave_out", "'1900' is no time of the panel"),
        ('label = "Two regions"', "joint.frst = 2002", "joint", "unknown key 'frst'; did you mean 'first'?"),
        ('label = "Two regions"', "joint.first = 1900", "joint", "[study.panel.joint] first '1900' is no time"),
        ('label = "Two regions"', "joint.first = 2003", "joint", "[study.panel.joint] has a single period"),
        (
            'label = "Two regions"',
            'weights.near = "dataset"',
            "weights",
            "[study.panel.weights] near: the study reads no dataset, which would have borders; name a file",
        ),
        (
            'label = "Two regions"',
            'weights.near = "pane.csv"',
            "weights",
            "[study.panel.weights] near: no file 'pane.csv' in the bundle; did you mean 'panel.csv'?",
        ),
        (
            'label = "Two regions"',
            'weights.near = "../x.csv"',
            "weights",
            "near: file '../x.csv' lies outside the bundle",
        ),
        ('label = "Two regions"', "weights.near = 3", "weights", "near: 3 is no table of weights"),
        (
            'label = "Two regions"',
            'weights.near = { file = "panel.csv", row_normalise = false }',
            "weights",
            "unknown key 'row_normalise'; did you mean 'row_normalised'?",
        ),
    ],
)
def test_what_is_wrong_with_a_study_is_named_by_line(bundle: Path, old: str, new: str, at: str, said: str) -> None:
    change(bundle, "studies.toml", old, new)
    fault = only_fault(bundle)
    assert said in fault
    assert fault.startswith(line_of(bundle, "studies.toml", at) + " ")


def test_columns_of_the_file_that_are_no_unit_or_time_are_told_with_its_line(bundle: Path) -> None:
    change(bundle, "studies.toml", 'unit = "unit"', 'unit = "units"')
    assert only_fault(bundle) == "panel.csv:1 no unit column 'units'; did you mean 'unit'?"


def test_a_duplicated_unit_year_names_both_lines(bundle: Path) -> None:
    change(bundle, "panel.csv", "a,2002", "a,2001")
    assert only_fault(bundle) == "panel.csv:3 a 2001 stands in 2 rows: panel.csv:2, panel.csv:3; keep one row"


def test_text_in_a_measured_column_names_its_cell(bundle: Path) -> None:
    change(bundle, "panel.csv", "a,2003,4", "a,2003,n/a?")
    fault = only_fault(bundle)
    assert fault.startswith(line_of(bundle, "studies.toml", "bribes"))
    assert "panel.csv:4 column 'bribes': 'n/a?' is no number" in fault


def test_a_bundle_without_a_study_is_told_to_name_one(bundle: Path) -> None:
    (bundle / "studies.toml").write_text("")
    assert only_fault(bundle) == "studies.toml names no study; write [study.NAME] with a file or a dataset"


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        (
            'outcome = "presence"',
            'outcome = "presense"',
            "presense",
            "[intervention.clean] no node 'presense'; did you mean 'presence'?",
        ),
        ('outcome = "presence"\n', "", "[intervention.clean]", "key 'outcome' is missing"),
        ("horizon = 3", "horizon = -1", "horizon", "horizon = -1 must be greater than or equal to 0"),
        ("horizon = 3", "horizon = 1.5", "horizon", "horizon = 1.5 must be a valid integer"),
        ("horizon = 3", "horizn = 3", "horizn", "unknown key 'horizn'; did you mean 'horizon'?"),
    ],
)
def test_what_is_wrong_with_an_intervention_is_named_by_line(
    bundle: Path, old: str, new: str, at: str, said: str
) -> None:
    change(bundle, "interventions.toml", old, new)
    fault = only_fault(bundle)
    assert said in fault
    assert fault.startswith(line_of(bundle, "interventions.toml", at) + " ")


def test_everything_wrong_in_all_three_files_and_the_data_comes_at_once(bundle: Path) -> None:
    change(bundle, "claims.toml", 'hedge = "arguably"', 'hedge = "arguabley"')
    change(bundle, "claims.toml", 'strength = "strong"', 'strength = "stronk"')
    change(bundle, "claims.toml", "corruption -> presence [lag=1, sign=-]", "corruptoin -> presence [lag=1, sign=-]")
    change(bundle, "claims.toml", "corruption <-> presence", "corruption <-> presense")
    change(bundle, "claims.toml", "smallest_effect = 0.05", "smallest_effect = -1")
    change(bundle, "studies.toml", 'label = "Two regions"', 'labl = "Two regions"')
    change(bundle, "interventions.toml", 'outcome = "presence"', 'outcome = "presense"')
    assert [fault.split(" ")[0] for fault in faults(bundle)] == [
        line_of(bundle, "claims.toml", "presense"),
        line_of(bundle, "claims.toml", "corruptoin"),
        line_of(bundle, "claims.toml", "arguabley"),
        line_of(bundle, "claims.toml", "stronk"),
        line_of(bundle, "claims.toml", "effect = -1"),
        line_of(bundle, "studies.toml", "labl"),
        line_of(bundle, "interventions.toml", "presense"),
    ]


def test_a_broken_claims_file_brings_no_faults_of_the_nodes_that_it_would_have_declared(bundle: Path) -> None:
    (bundle / "claims.toml").write_text("[article\n")
    assert only_fault(bundle).startswith("claims.toml:1 is no TOML here")


def test_a_fault_in_a_duplicate_row_does_not_hide_a_fault_in_a_claim(bundle: Path) -> None:
    change(bundle, "panel.csv", "a,2002", "a,2001")
    change(bundle, "claims.toml", 'hedge = "arguably"', 'hedge = "arguabley"')
    assert len(faults(bundle)) == 2


# Effects across units


def test_a_study_names_the_weights_of_its_effects_across_units(bundle: Path) -> None:
    (bundle / "near.csv").write_text("unit,neighbour,weight\na,b,2\nb,a,1\n", encoding="utf-8")
    change(
        bundle,
        "studies.toml",
        'label = "Two regions"',
        'weights.near = "near.csv"\nweights.far = { file = "near.csv", row_normalised = false }',
    )
    (study,) = read_bundle(bundle).studies
    assert weights_of(study, "near").matrix(["a", "b"]).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert weights_of(study, "far").matrix(["a", "b"]).tolist() == [[0.0, 2.0], [1.0, 0.0]]
    (bundle / "near.csv").write_text("unit,neighbour,weight\na,b,-2\nb,a,1\n", encoding="utf-8")
    first, second = faults(bundle)
    assert "[study.panel.weights] near: a, b: -2 is no number of at least 0" in first
    assert "[study.panel.weights] far: a, b: -2 is no number of at least 0" in second


def test_weights_are_read_as_people_write_them(bundle: Path) -> None:
    (bundle / "near.csv").write_bytes("unit;neighbour;weight\na;b;2,5\nb;a;1\n".encode("utf-16"))
    (bundle / "far.csv").write_text("unit|neighbour|weight\na|b|1,500\nb|a|1\n", encoding="utf-8")
    weights = """weights.near = { file = "near.csv", row_normalised = false }
weights.far = { file = "far.csv", row_normalised = false, decimal = "," }"""
    change(bundle, "studies.toml", 'label = "Two regions"', weights)
    (study,) = read_bundle(bundle).studies
    assert weights_of(study, "near").matrix(["a", "b"]).tolist() == [[0.0, 2.5], [1.0, 0.0]]
    assert weights_of(study, "far").matrix(["a", "b"]).tolist() == [[0.0, 1.5], [1.0, 0.0]]
    notes = [note for note in study.panel.notes if note.startswith("weights ")]
    assert [note.split(":")[0] for note in notes] == ["weights 'near'", "weights 'far'"]
    assert "semicolons between the columns" in notes[0]
    # A number that may be read in two ways is none.
    change(bundle, "studies.toml", ', decimal = ","', "")
    (fault,) = faults(bundle)
    assert "far.csv:2" in fault
    assert "1,500" in fault


def test_weights_of_other_units_than_the_panels_are_told_where_an_edge_needs_them(bundle: Path) -> None:
    (bundle / "near.csv").write_text("unit,neighbour\na,c\nc,a\n", encoding="utf-8")
    change(bundle, "studies.toml", 'label = "Two regions"', 'weights.near = "near.csv"')
    assert read_bundle(bundle).studies  # no edge asks for them
    change(bundle, "claims.toml", 'assumed = """', 'assumed = """\ncorruption -> presence [lag=1, across=near]')
    assert [fault.split("] ", 1)[1] for fault in faults(bundle)] == [
        "weights 'near' no unit 'c' in the panel; known: a, b",
        "weights 'near' no weights for unit 'b'; give its row; all zeros where it has no neighbours",
    ]


def test_a_shipped_table_brings_its_borders(bundle: Path) -> None:
    change(bundle, "studies.toml", 'file = "panel.csv"', 'dataset = "peru_departments"')
    change(bundle, "studies.toml", 'unit = "unit"', 'unit = "department"\nweights.near = "dataset"')
    text = (bundle / "studies.toml").read_text(encoding="utf-8")
    start = text.index("[study.panel.measures]")
    (bundle / "studies.toml").write_text(text[:start] + '[study.panel.measures]\nillicit = "coca"\n', encoding="utf-8")
    change(bundle, "studies.toml", '["illicit"]', "[]")
    (study,) = read_bundle(bundle).studies
    from causal import datasets

    found = weights_of(study, "near").matrix(study.panel.units)
    np.testing.assert_allclose(found, datasets.neighbours("peru_departments", row_normalised=True).to_numpy())


ESTIMATE = """
[estimate.experiment]
edge = "corruption -> presence [lag=1]"
effect = -3
error = 1.5
cause_sd = 2.0
effect_sd = 10.0
source = "Another article, table 2"
"""


def test_a_reported_estimate_is_read_and_has_a_name_for_readers(bundle: Path) -> None:
    file = bundle / "studies.toml"
    file.write_text(file.read_text(encoding="utf-8") + ESTIMATE, encoding="utf-8")
    found = read_bundle(bundle)
    (reported,) = found.reported
    assert reported.name == "experiment"
    assert reported.standard == pytest.approx((-0.6, 0.3))
    assert found.label_of("experiment") == "experiment"
    assert found.label_of("panel") == "Two regions"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("error = 1.5", "", "key 'error' is missing"),
        ("cause_sd = 2.0", "", "has one of cause_sd and effect_sd"),
        ("corruption -> presence [lag=1]", "corruption -> nowhere", "no node 'nowhere'"),
        ('source = "Another article, table 2"', "", "key 'source' is missing"),
        ("effect = -3", "efect = -3", "unknown key 'efect'"),
        ("[estimate.experiment]", "[estimate.panel]", "'panel' is a study's name too"),
    ],
)
def test_what_is_wrong_with_a_reported_estimate_is_named(bundle: Path, old: str, new: str, said: str) -> None:
    file = bundle / "studies.toml"
    file.write_text(file.read_text(encoding="utf-8") + ESTIMATE.replace(old, new), encoding="utf-8")
    with pytest.raises(CausalError) as caught:
        read_bundle(bundle)
    told = [str(fault) for fault in caught.value.faults]
    assert any(said in each and "studies.toml:" in each for each in told), told


def test_every_way_to_measure_with_noise_is_read(bundle: Path) -> None:
    change(
        bundle, "studies.toml", 'corruption = "bribes"', 'corruption = { column = "bribes", reliability = [0.5, 0.9] }'
    )
    measure = read_bundle(bundle).study("panel").measure("corruption")
    assert measure == Measure("bribes", reliability=(0.5, 0.9))
    change(
        bundle,
        "studies.toml",
        'columns = ["posts", "staff"], direction = "-", error = 0.1',
        'indicators = ["posts", "staff"], direction = "-+"',
    )
    assert read_bundle(bundle).study("panel").measure("presence") == Measure(
        ("posts", "staff"), direction="-+", loadings=True
    )
