from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from rich.console import Console

from icp_ml.report.check_context import check_context
from icp_ml.report.check_html import render_check, write_check
from icp_ml.report.check_terminal import Meter, check_view
from icp_ml.report.columns_view import column_view
from icp_ml.report.label_view import age_words, label_view
from icp_ml.report.population_view import population_view
from tests import check_data as examples
from tests.unit.test_report import HOSTILE, parsed


def shown(data: dict[str, Any], width: int = 100, encoding: str = "utf-8") -> str:
    """Return what a terminal of this width prints."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="\n")
    console = Console(file=file, width=width, color_system=None, force_terminal=False, legacy_windows=False)
    console.print(check_view(check_context(data)))
    file.flush()
    return raw.getvalue().decode(encoding)


def words_of(text: str) -> str:
    return " ".join(text.split())


def test_the_answer_comes_first_then_what_it_rests_on() -> None:
    text = shown(examples.make_check_data())
    order = (
        "Ready to train on 2 fields with 200 best and 300 worst customers.", "Next: icp-ml train", "The files",
        "How customers are judged", "The columns", "Asked about", "Left out", "Used, strongest first",
    )  # fmt: skip
    place = -1
    for words in order:
        place = text.index(words, place + 1)
    assert text.startswith("Ready to train")


def test_a_refusal_says_why_before_anything_else_and_shows_how_columns_were_read() -> None:
    data = examples.make_check_data()
    early = {key: data[key] for key in ("source", "list", "next")}
    text = shown(examples.refused(early, "all.csv: all 900 mature customers churned; check how 'churned' is mapped"))
    assert text.startswith("Training would be refused.\n  all.csv: all 900 mature customers churned")
    assert "Ready" not in text
    assert "Next:" not in text
    lines = text[text.index("was read") :].splitlines()
    assert lines[2].startswith("Churned")  # an outcome, what it is about, before the others
    assert [line.split()[0] for line in lines[3:5]] == ["Employees", "Industry"]


def test_a_refusal_with_unused_guesses_says_where_they_are() -> None:
    data = examples.refused(examples.make_check_data(), "all.csv: no field is left to learn from")
    assert "remove the #" not in shown(data)
    note = "15 columns look like known fields but were not used as such: 'Branche' (industry?)"
    data["source"] = {**data["source"], "notes": [note]}
    assert "remove the # before the lines that are right." in words_of(shown(data)[:500])


@pytest.mark.parametrize(
    ("definition", "binary", "short", "details"),
    [
        ("A best one is in the top 25%. What counts is NPS (weight 1).", False, "A best one is in the top 25%.",
         "What counts is NPS (weight 1)."),
        ("A best one is good by NPS (weight 1). More.", False, "A best one is good by NPS.",
         "A best one is good by NPS (weight 1). More."),
        ("There is one outcome, with two values: churn (churned). Who stays is best.", True,
         "There is one outcome, with two values: churn. Who stays is best.",
         "There is one outcome, with two values: churn (churned). Who stays is best."),
        ("", False, "", ""),
    ],
)  # fmt: skip
def test_one_sentence_of_the_definition_comes_first(definition: str, binary: bool, short: str, details: str) -> None:
    view = label_view({"definition": definition, "binary": binary, "counts": {"best": 1}})
    assert (view["short"], view["details"]) == (short, details)


def test_what_changes_most_is_said_once() -> None:
    data = examples.make_check_data()
    assert "What changes most" in shown(data)
    data["audit"] = {**data["audit"], "warnings": ["The choice of outcomes decides much: without NPS, 9% stay best."]}
    assert "What changes most" not in shown(data)
    assert "The choice of outcomes decides much" in shown(data)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_it_fits_the_terminal(width: int) -> None:
    data = examples.make_check_data(lambda text: text + " wide" * 60)
    lines = shown(data, width).splitlines()
    assert max(len(line) for line in lines) <= min(width, 108)


def test_where_the_terminal_has_no_blocks_bars_are_of_plain_characters() -> None:
    text = shown(examples.make_check_data(), encoding="ascii")
    assert re.search(r"industry +#########  +90%  ##  +20%", text)


@pytest.mark.parametrize(
    ("share", "bar"),
    [(None, ""), (0.0, ""), (1e-9, "▏"), (0.5, "█████"), (0.55, "█████▌"), (1.0, "█" * 10), (7.0, "█" * 10)],
)
def test_bars(share: float | None, bar: str) -> None:
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), width=40)
    assert "".join(segment.text for segment in console.render(Meter(share))).rstrip() == bar


def test_hostile_headers_and_values_stay_text_in_the_terminal() -> None:
    text = shown(examples.make_check_data(lambda text: f"[bold red]{text}[/bold red]\x1b[31m\x07\u202e[link=x]"))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "[bold red]" in text


def test_many_columns_are_cut_and_a_line_says_how_to_see_them() -> None:
    data = examples.make_check_data()
    many = [examples.make_judged(f"column_{k}") for k in range(60)]
    many += [examples.make_judged(f"odd_{k}", "refuse", f"reason {k}") for k in range(60)]
    many += [examples.make_judged(f"asked_{k}", "confirm", f"reason {k}") for k in range(60)]
    text = shown({**data, "columns": {**data["columns"], "columns": many}})
    assert text.count("and 30 more; all of them:  --html FILE  or  --json") == 3
    assert len(text.splitlines()) < 200


def test_the_strongest_field_stands_first_with_both_shares() -> None:
    view = column_view(examples.make_check_data())
    assert [row["field"] for row in view["used"]] == ["industry", "employees"]
    row = view["used"][0]
    assert (row["here"], row["there"], row["gap"], row["alone"]) == ("90%", "20%", "−70", "0.70")
    assert view["used"][1]["gap"] == "−20"
    assert view["used"][1]["reading"] == [
        "3 cells converted, such as “51-200” to 125.", "1 cell taken as missing, such as “x”: no number.",
    ]  # fmt: skip


def test_what_is_asked_is_answered_by_one_line_of_the_settings() -> None:
    data = examples.make_check_data()
    view = column_view(data)
    assert [row["reasons"] for row in view["asked"]] == [["Dated after the sale."]]
    assert view["confirm"] == "fields: {confirm: [last_funding_date]}"
    strange = [examples.make_judged("a: b, c", "confirm", "why"), examples.make_judged("d", "confirm", "why")]
    assert column_view({"columns": {"columns": strange}})["confirm"] == 'fields: {confirm: ["a: b, c", d]}'


def test_what_is_left_out_as_it_should_be_is_said_last() -> None:
    groups = column_view(examples.make_check_data())["left_out"]
    assert [g["fields"] for g in groups] == [["health_score"], ["account_id"], ["churned"]]
    assert groups[0]["more"] == ["The list does not have it."]
    assert [g["expected"] for g in groups] == [False, True, True]


def test_the_audit_is_in_words_and_units_that_a_cfo_knows() -> None:
    audit = check_context(examples.make_check_data())["labels"]["audit"]
    assert audit["group_names"] == ["Best", "Middle", "Worst"]
    assert {row["name"]: row["cells"] for row in audit["groups"]} == {
        "Customers": ["200", "300", "300"],
        "Still there": ["100%", "100%", "13%"],
        "NPS, median": ["9", "7", "5"],
        "Net revenue retention, median": ["123%", "100%", "–"],
        "Composite, where it decided": ["+0.75 to +1.75", "−0.90 to +0.10", "−2.00 to −1.00"],
    }
    assert audit["retention"] == "Of 100 customers there are still 88 after 1 year and 75 after 2 years."
    assert audit["worst_change"] == (
        "What changes most: without NPS, 55% of the best stay best and 96% of the worst stay worst."
    )
    assert audit["top_five"] == ["The five largest accounts carry 30% of all annual revenue from the customer."]
    assert audit["shares"] == "retention 60% and NPS 40%"
    assert audit["agreement"][0]["meaning"] == "agree a little"
    assert [row["where"] for row in audit["examples"]] == [
        "just inside best", "just outside best", "just outside worst", "just inside worst",
    ]  # fmt: skip
    assert audit["examples"][0]["values"] == "NPS 8 and 479 days observed"


def test_the_audit_is_on_the_terminal_and_the_page() -> None:
    data = examples.make_check_data()
    text = words_of(shown(data))
    for words in (
        "What they look like Best Middle Worst",
        "Still there 100% 100% 13%",
        "! Five accounts carry it all.",
    ):
        assert words in text
    html = render_check(data)
    for words in ("If the definition were another", "At the boundary", "Kaplan-Meier", "just inside best"):
        assert words in html
    assert html.count("<svg") > html.count('class="meter"')
    assert html.count('class="chart"') == 2


def test_without_an_audit_the_page_shows_what_older_models_hold() -> None:
    data = examples.make_check_data()
    html = render_check({k: v for k, v in data.items() if k not in ("audit", "distribution")})
    assert "when a weight moves by half" in html
    assert 'class="chart"' not in html


@pytest.mark.parametrize(
    ("days", "words"),
    [(45, "45 days"), (90, "3 months"), (180, "6 months"), (365, "1 year"), (730, "2 years"), (2555, "7 years")],
)
def test_ages_read_as_people_say_them(days: int, words: str) -> None:
    assert age_words(days) == words


def test_deals_stand_beside() -> None:
    split = {"field": "industry", "value": "[Retail]", "won": 3, "decided": 10, "rate": 0.3, "low": 0.1, "high": 0.6}
    data = examples.make_check_data()
    deals = {"won": 40, "lost": 60, "open": 5, "unknown": 0, "rate": 0.4, "low": 0.3, "high": 0.5, "splits": [split]}
    data["labels"] = {**data["labels"], "deals": deals}
    assert "Deals: 40 won, 60 lost and 5 open; 40% of those decided were won." in words_of(shown(data))
    assert "Industry: [Retail]" in render_check(data)


@pytest.mark.parametrize(
    ("auc", "short", "warn"),
    [(0.5, "much alike", False), (0.78, "clearly different", False), (0.99, "very different", True), (None, "", False)],
)
def test_one_number_says_how_different_the_list_is(auc: float | None, short: str, warn: bool) -> None:
    data = examples.make_check_data()
    view = population_view({**data["columns"], "population_auc": auc})
    assert view is not None
    assert (view["short"], view["warn"]) == (short, warn)
    assert [row["field"] for row in view["drift"]] == ["industry"]  # 0.04 is usual
    assert view["drift"][0]["high"] is True
    assert [row["field"] for row in view["gaps"]] == ["industry", "employees"]


def test_the_list_is_set_beside_the_customers() -> None:
    data = examples.make_check_data()
    text = words_of(shown(data))
    assert "fields tell which is which 78 times in 100 (AUC 0.78; guessing: 50 times)" in text
    assert "each by itself (AUC): industry (0.70), employees (0.56)" in text
    html = render_check(data)
    assert "Widest gaps in what is known" in html
    note = "Customers and list are different populations: their fields tell them apart"
    data["columns"] = {**data["columns"], "notes": [note, "Another"]}
    assert check_context(data)["notes"] == ["Another."]  # said above already


def test_who_was_found_on_the_list_is_said_where_it_was_looked_for() -> None:
    data = examples.make_check_data()
    assert check_context(data)["matching"] is None
    data["matching"] = {
        "customers": 1000, "matched": 800, "review": 1, "none": 199, "expected_wrong": 3.2, "notes": [],
        "how": {"domain": 700, "name and place": 100},
    }  # fmt: skip
    fields = [
        {"field": name, "before": 0.8, "after": 0.9, "compared": 100, "conflicts": n}
        for name, n in (("employees", 30), ("country", 1))
    ]
    data["enrichment"] = {
        "fields": fields,
        "warnings": ["A warning of the list"],
        "survivorship": "matched 92 % of best but 41 % of worst customers",
        "matched_shares": {"worst": {"customers": 300, "matched": 0.41}, "best": {"customers": 200, "matched": 0.92}},
    }
    view = check_context(data)["matching"]
    assert [(row["name"], row["share"]) for row in view["shares"]] == [("Best", "92%"), ("Worst", "41%")]
    assert [row["field"] for row in view["conflicts"]] == ["employees"]
    text, html = words_of(shown(data)), render_check(data)
    for words in (
        "800 of 1,000 customers (80%) were found on the list, about 3.2 of them wrongly by the probabilities; 1 more a "
        "person has to decide.",
        "Found by: domain 700 and name and place 100.",
        "Matched 92 % of best but 41 % of worst customers.",
    ):
        assert words in text
        assert words in html
    assert "contradict each other most in: employees (30%)" in text


def test_without_a_list_it_says_what_one_would_tell() -> None:
    data = {**examples.make_check_data(), "list": None}
    data["columns"] = {**data["columns"], "market": None}
    text = words_of(shown(data))
    assert "With --list LIST this report says" in text
    assert "With --list LIST this report says" in render_check(data)
    assert "With --list" not in shown(examples.make_check_data())


def test_rejected_rows_and_unusable_cells_are_counted() -> None:
    text = words_of(shown(examples.make_check_data()))
    assert "1,002 rows: 1,000 read, 2 rejected; 3 columns" in text
    assert "'Employees': 1 cell taken as missing, such as “x”: no number." in text
    assert "market.csv 1,000 rows, all of them read" in text


def test_of_a_sampled_list_it_does_not_say_that_all_was_read() -> None:
    data = examples.make_check_data()
    note = "only one row in 5 was looked at; scoring looks at all"
    data["list"] = {**data["list"], "notes": [note]}
    assert "market.csv 1,000 rows; 1 column" in words_of(shown(data))
    assert "a sample" in render_check(data)


def test_the_context_is_plain() -> None:
    context = check_context(examples.make_check_data())
    assert json.loads(json.dumps(context)) == context


def test_the_page_is_one_file_with_nothing_that_runs_or_asks() -> None:
    html = render_check(examples.make_check_data())
    markup = parsed(html)
    assert not {"script", "iframe", "object", "embed", "form", "img", "base"} & set(markup.elements)
    assert not [name for name in markup.attributes if name.startswith("on") or name in ("src", "style")]
    assert not re.findall(r"https?:|url\(\s*[^#]|@import", html)
    assert max(markup.ids.values()) == 1
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in html
    assert render_check(examples.make_check_data()) == html


def test_what_strangers_wrote_neither_runs_nor_breaks_the_page() -> None:
    harmless, hostile = (render_check(examples.make_check_data(w)) for w in (str, lambda text: HOSTILE))
    expected, found = parsed(harmless), parsed(hostile)
    # a header that differs from its field's label is shown beside it
    assert {**found.elements, "span": 0} == {**expected.elements, "span": 0}
    assert found.attributes["class"] - expected.attributes["class"] == (
        found.elements["span"] - expected.elements["span"]
    )
    assert "<script>alert(1)</script>" in "".join(found.text)
    assert not {"\x00", "\x1b", "\u202e"} & set(hostile)
    assert "{{7*7}}" in "".join(found.text)


def test_huge_texts_and_many_columns_stay_small() -> None:
    data = examples.make_check_data(lambda text: "wide " * 5_000)
    many = [examples.make_judged(f"column_{k}") for k in range(5_000)]
    read = [examples.make_read(f"column_{k}") for k in range(5_000)]
    data["columns"] = {**data["columns"], "columns": many}
    data["source"] = {**data["source"], "columns": read}
    html = render_check(data)
    assert len(html.encode()) < 3_000_000
    assert "4,600 more columns" in html


def test_writing_replaces_whole(tmp_path: Any) -> None:
    path = tmp_path / "check.html"
    path.write_text("old", encoding="utf-8")
    assert write_check(examples.make_check_data(), path) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["check.html"]


def test_what_is_recorded_by_older_versions_is_shown_as_far_as_it_goes() -> None:
    data = examples.make_check_data()
    columns = [{k: c[k] for k in ("field", "verdict", "reasons")} for c in data["columns"]["columns"]]
    old = {"source": {"source": "x.csv"}, "list": None, "columns": {"columns": columns}, "refused": [], "next": ""}
    assert "Ready to train on 2 fields" in shown(old)
    assert "<h1>Ready to train</h1>" in render_check(old)


def test_never_worded_as_readiness_to_buy() -> None:
    text = render_check(examples.make_check_data()).lower()
    assert "likely to buy" not in text
    assert "propensity" not in text
