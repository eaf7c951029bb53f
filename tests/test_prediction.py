"""Named predictions: each rule on small tables with known answers, what makes one untellable, and how a bundle states them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from causal.errors import CausalError
from causal.prediction import Outcome, Prediction, Rule, Side, outcome, rule_told
from priors.read import read_bundle

NAN = float("nan")


def side(figures: dict[str, dict[int, float]], what: str = "coca") -> Side:
    values = {(row, year): value for row, by_year in figures.items() for year, value in by_year.items()}
    return Side(what, "ha", tuple(figures), values)


def found(kind: Any, figures: dict[str, dict[int, float]], **more: Any) -> Outcome:
    given = {"since": (2015, 2015), "until": (2020, 2020)} | more
    return outcome(Prediction("p", "says", "p. 1", rule=Rule(kind, side(figures), **given)))


@pytest.mark.parametrize(
    ("stop", "word"), [(11.0, "right"), (10.99, "cannot be told"), (9.1, "cannot be told"), (9.09, "wrong")]
)
def test_a_sum_grows_by_at_least_the_margin_or_falls_by_that_ratio(stop: float, word: str) -> None:
    told = found("grows", {"a": {2015: 4.0, 2020: 1.0}, "b": {2015: 6.0, 2020: stop - 1.0}})
    assert told.word == word
    assert told.ratio == pytest.approx(stop / 10.0)
    assert told.rows[0] == ("a", 4.0, 1.0)


def test_falls_is_grows_turned_round() -> None:
    figures = {"a": {2015: 10.0, 2020: 8.0}}
    assert found("falls", figures).word == "right"
    assert found("falls", figures).ratio == pytest.approx(1.25)
    assert found("falls", {"a": {2015: 8.0, 2020: 10.0}}).word == "wrong"


def test_growing_more_than_others_is_the_ratio_of_two_growths() -> None:
    others = side({"c": {2015: 1.0, 2020: 3.0}}, "mining")
    told = found("grows more than", {"a": {2015: 10.0, 2020: 20.0}}, against=others)
    assert told.word == "wrong"
    assert told.ratio == pytest.approx(2.0 / 3.0)
    assert told.whole == (1.0, 3.0)


def test_a_share_is_of_the_rows_with_figures_throughout() -> None:
    whole = side({"a": {2015: 1.0, 2020: 3.0}, "b": {2015: 3.0, 2020: 3.0}, "late": {2015: NAN, 2020: 100.0}})
    told = found("share rises", {"a": {2015: 1.0, 2020: 3.0}}, against=whole)
    assert told.word == "right"
    assert told.ratio == pytest.approx((3 / 6) / (1 / 4))


def test_a_share_may_fall_while_the_sum_grows() -> None:
    whole = side({"a": {2015: 1.0, 2020: 2.0}, "b": {2015: 1.0, 2020: 8.0}})
    assert found("grows", {"a": {2015: 1.0, 2020: 2.0}}).word == "right"
    assert found("share rises", {"a": {2015: 1.0, 2020: 2.0}}, against=whole).word == "wrong"


def test_spans_of_years_are_their_means() -> None:
    figures = {"a": {2013: 1.0, 2014: 2.0, 2015: 3.0, 2019: 6.0, 2020: 2.0}}
    told = found("grows", figures, since=(2013, 2015), until=(2019, 2020))
    assert told.rows == (("a", 2.0, 4.0),)
    assert told.ratio == 2.0


def test_a_missing_figure_a_doubtful_zero_and_a_change_of_method_leave_it_open_all_at_once() -> None:
    figures = {"a": {2015: 0.0, 2020: 5.0}, "b": {2015: 2.0, 2020: NAN}}
    told = found("grows", figures, method_changes=(2018, 2015, 2021))
    assert told.word == "cannot be told"
    for part in ("no figure of coca for b 2020", "zero of coca may mean that nobody looked: a 2015", "changed in 2018"):
        assert part in told.why
    assert "2015," not in told.why.split("changed in")[1], "a change into the first year lies before it"
    assert "2021" not in told.why


def test_a_zero_that_is_a_figure_counts_and_a_sum_of_zero_has_no_ratio() -> None:
    figures = {"a": {2015: 0.0, 2020: 5.0}, "b": {2015: 1.0, 2020: 1.0}}
    assert found("grows", figures, zeros="counted").ratio == pytest.approx(6.0)
    only = found("grows", {"a": {2015: 0.0, 2020: 5.0}}, zeros="counted")
    assert (only.word, "no ratio" in only.why) == ("cannot be told", True)


def test_what_an_earlier_start_would_have_said_stands_beside_the_word() -> None:
    told = found("grows", {"a": {2012: 50.0, 2013: NAN, 2014: 9.0, 2015: 10.0, 2020: 20.0}})
    assert told.word == "right"
    assert {year: word for year, (_, word) in told.other_starts.items()} == {2012: "wrong", 2014: "right"}
    assert not told.steady
    assert found("grows", {"a": {2014: 9.0, 2015: 10.0, 2020: 20.0}}).steady


def test_without_a_rule_the_reason_is_the_answer() -> None:
    told = outcome(Prediction("p", "says", "p. 1", unavailable="nobody measures it"))
    assert (told.word, told.why) == ("cannot be told", "nobody measures it")


@pytest.mark.parametrize("kind", ["grows", "falls", "grows more than", "share rises"])
def test_a_rule_says_beforehand_what_would_be_right_wrong_and_neither(kind: Any) -> None:
    given = Rule(kind, side({"a": {}, "b": {}}), (2015, 2015), (2019, 2020), 0.2, side({"c": {}}, "mining"))
    text = rule_told(given)
    for part in ("a and b", "2015", "2019 to 2020", "Right:", "wrong:", "neither", "20"):
        assert part in text


CLAIMS = """[article]
title = "A report"
year = 2015
[node.x]
[node.y]
[claim.c1]
edge = "x -> y [lag=1, sign=+]"
says = "x moves y"
where = "p. 1"
"""
STUDIES = """[study.panel]
file = "panel.csv"
unit = "unit"
time = "year"
"""
ROWS = "unit,year,x,y\n" + "\n".join(
    f"{unit},{year},{1 + at * k + k % 3},{2 + k}"
    for at, unit in enumerate("abc")
    for k, year in enumerate(range(2010, 2021))
)
HEAD = """[prediction.spread]
says = "x spreads"
where = "p. 2"
claims = ["c1"]
"""
GOOD = """rule = "share rises"
file = "panel.csv"
column = "x"
rows = ["c"]
since = [2013, 2015]
until = 2020
method_changes = []
"""


def bundle(folder: Path, predictions: str) -> Path:
    (folder / "claims.toml").write_text(CLAIMS + predictions, encoding="utf-8")
    (folder / "studies.toml").write_text(STUDIES, encoding="utf-8")
    (folder / "interventions.toml").write_text("", encoding="utf-8")
    (folder / "panel.csv").write_text(ROWS + "\n", encoding="utf-8")
    return folder


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(CausalError) as caught:
        read_bundle(bundle(folder, text))
    return [str(fault) for fault in caught.value.faults]


def test_a_bundle_states_predictions_of_its_own_data(tmp_path: Path) -> None:
    (read,) = read_bundle(bundle(tmp_path, HEAD + GOOD)).predictions
    assert read.rule is not None
    assert read.rule.since == (2013, 2015)
    assert read.rule.against is not None
    assert read.rule.against.rows == ("a", "b", "c"), "without of the whole is the table"
    told = outcome(read)
    c = [1 + 2 * k + k % 3 for k in range(11)]
    whole = [3 * (1 + k % 3) + 3 * k for k in range(11)]
    assert told.ratio == pytest.approx(c[10] / whole[10] / (sum(c[3:6]) / sum(whole[3:6])))


def test_a_bundle_without_predictions_is_fine(tmp_path: Path) -> None:
    assert read_bundle(bundle(tmp_path, "")).predictions == ()


def test_other_rows_or_another_column_may_be_outgrown(tmp_path: Path) -> None:
    text = HEAD + GOOD.replace("share rises", "grows more than") + '[prediction.spread.than]\ncolumn = "y"\n'
    (read,) = read_bundle(bundle(tmp_path, text)).predictions
    assert read.rule is not None
    assert read.rule.against is not None
    assert (read.rule.against.what, read.rule.against.rows) == ("y", ("c",))


def test_everything_that_is_wrong_with_predictions_is_said_at_once(tmp_path: Path) -> None:
    text = (
        HEAD
        + GOOD.replace('"c"', '"d", "c"').replace("until = 2020", "until = 2031").replace("method_changes = []\n", "")
        + HEAD.replace("spread", "second").replace("c1", "c9")
        + '[prediction.third]\nsays = "s"\nwhere = "w"\nrule = "doubles"\nfile = "panel.csv"\n'
        + '[prediction.fourth]\nsays = "s"\nwhere = "w"\nunavailable = "no data"\n'
        + GOOD.replace("since = [2013, 2015]", "since = 2020")
        .replace("share rises", "grows")
        .replace("panel.csv", "no.csv")
        + 'of = ["a"]\n'
    )
    told = "\n".join(faults(tmp_path, text))
    for part in (
        "[prediction.spread] no row 'd'",
        "2031 is no year of the table; years go from 2010 to 2020",
        "key 'method_changes' is missing",
        "no claim 'c9'",
        "[prediction.second] has neither a rule nor a reason",
        "[prediction.third] rule = 'doubles'",
        "[prediction.fourth] has a rule and is said to be unavailable",
        "since does not end before until begins",
        "no file 'no.csv' in the bundle",
        "'grows' has no of",
    ):
        assert part in told, part
    assert all("claims.toml:" in line for line in told.splitlines())


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (("column = \"x\"", "column = \"z\""), "no column 'z'"),
        (("column = \"x\"\n", ""), "key 'column' is missing"),
        (("file = \"panel.csv\"\n", ""), "needs file or dataset"),
        (("file = \"panel.csv\"", "dataset = \"nowhere\""), "no dataset 'nowhere'"),
        (("rows = [\"c\"]\n", ""), "key 'rows' is missing"),
        (("until = 2020\n", ""), "key 'until' is missing"),
        (("[2013, 2015]", "[2015, 2013]"), "since ends before it begins"),
        (("share rises", "grows more than"), "key 'than' is missing"),
        (("rows = [\"c\"]", "rows = [\"c\"]\nof = [\"a\"]"), "'c' is no part of the whole"),
        (("share rises", "grows"), ""),
    ],
)  # fmt: skip
def test_each_slip_has_its_word(tmp_path: Path, change: tuple[str, str], part: str) -> None:
    text = HEAD + GOOD.replace(*change)
    if not part:
        assert len(read_bundle(bundle(tmp_path, text)).predictions) == 1
        return
    (told,) = faults(tmp_path, text)
    assert part in told


def test_the_built_in_articles_predictions_read_their_figures_and_never_stretch() -> None:
    told = {each.key: outcome(each) for each in read_bundle().predictions}
    assert told["substitution"].word == told["mining"].word == "cannot be told"
    assert told["displacement"].rows == (
        ("PER/Loreto", 1942.0, 6328.0),
        ("PER/Ucayali", 197.0, 3822.0),
        ("PER/Puno", 4468.0, 8730.0),
    )
    assert told["displacement"].word == "right"
    # From before the clearing there is no return: the word hangs on where one starts, and says so.
    assert told["upper_huallaga"].word == "right"
    assert told["upper_huallaga"].other_starts[2013][1] == "wrong"
    assert not told["upper_huallaga"].steady
