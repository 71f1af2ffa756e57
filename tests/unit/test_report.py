from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from icp_ml import plotting
from icp_ml.exceptions import InputError
from icp_ml.report import charts, formats
from icp_ml.report.context import report_context
from icp_ml.report.html import render_html, write_html
from icp_ml.report.list_view import list_view, market_steps
from icp_ml.report.markdown import render_markdown, write_markdown
from icp_ml.report.svg import inline_svg
from tests import report_model as examples

HOSTILE = (
    "</svg></title></style><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\"'`|${7*7}{{7*7}}&amp;\x00\x1b\u202e]]>"
)
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Markup(HTMLParser):
    """Counts elements, and checks that each is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        self.ids.update(value for name, value in attrs if name == "id" and value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(html: str) -> Markup:
    markup = Markup()
    markup.feed(html)
    markup.close()
    assert markup.open == []
    return markup


def test_the_page_says_who_the_ideal_customer_is_before_anything_else() -> None:
    html = render_html(examples.make_model(), examples.make_scored())
    order = (
        "Who the ideal customer is", "<h2>Filters</h2>", "Not: Up to 50 employees", "<h2>Anti-traits</h2>",
        "<h2>Signals</h2>", "Uses Snowflake", "Customers judged", "<h2>How good it is, and how we know</h2>",
        "<h2>Traits</h2>", "<h2>Tiers</h2>", "<h2>Accounts with the best fit</h2>", "<h2>Score a company</h2>",
        "<h2>What each field adds</h2>",
        "<h2>How customers were judged</h2>", "<h2>Columns</h2>", "<h2>Model</h2>",
    )  # fmt: skip
    place = 0
    for words in order:
        place = html.index(words, place)


def test_the_page_is_one_file_with_nothing_that_asks_and_one_script() -> None:
    html = render_html(examples.make_model(), examples.make_scored())
    markup = parsed(html)
    assert not {"iframe", "object", "embed", "form", "img", "base"} & set(markup.elements)
    assert markup.elements["script"] == 2  # the form's data, which do not run, and the one that the policy names
    assert html.count('<script type="application/json" id="score-data">') == 1
    assert not [name for name in markup.attributes if name.startswith("on") or name in ("src", "style")]
    assert markup.elements["style"] == 1
    assert not re.findall(r"https?:(?!//www.w3.org/2000/svg)|url\(\s*[^#]|@import", html)
    for never in (
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "fetch(",
        "localStorage",
    ):
        assert never not in html, never
    assert max(markup.ids.values()) == 1
    assert len(html.encode()) < 3_000_000


def test_the_policy_allows_the_style_sheet_and_the_script_by_their_hashes_and_nothing_else() -> None:
    import base64
    import hashlib

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    html = render_html(examples.make_model())
    style = html.split("<style>")[1].split("</style>")[0]
    script = html.split("<script>")[1].split("</script>")[0]
    policy = html.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0].replace("&#39;", "'")
    wanted = [
        "default-src 'none'",
        f"script-src 'sha256-{digest(script)}'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        f"style-src 'sha256-{digest(style)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert policy.split("; ") == wanted


def test_the_same_model_gives_the_same_bytes() -> None:
    first, second = (render_html(examples.make_model(), examples.make_scored()) for _ in range(2))
    assert first == second


def test_what_strangers_wrote_neither_runs_nor_breaks_the_page() -> None:
    harmless = render_html(examples.make_model(), examples.make_scored())
    hostile = render_html(examples.make_model(lambda text: HOSTILE), examples.make_scored(lambda text: HOSTILE))
    expected, found = parsed(harmless), parsed(hostile)
    # values of a set that repeat, and reasons, are as many; only the number of words differs
    assert found.elements == expected.elements
    assert found.attributes == expected.attributes
    shown = "".join(found.text)
    assert "<script>alert(1)</script>" in shown
    assert not {"\x00", "\x1b", "\u202e"} & set(hostile)
    assert "{{7*7}}" in shown


def test_a_model_of_huge_texts_and_many_columns_stays_small() -> None:
    model = examples.make_model(lambda text: "wide " * 5_000)
    report = dict(model.data_report)
    column = report["columns"]["columns"][0]
    many = [{**column, "field": f"column_{k}"} for k in range(5_000)]
    report["columns"] = {**report["columns"], "columns": many}
    html = render_html(replace(model, data_report=report))
    assert len(html.encode()) < 3_000_000
    assert "4,600 more columns" in html


def test_without_a_profile_it_says_so_in_large_words_and_why() -> None:
    model = examples.without_profile(examples.make_model(), "the labels might as well be shuffled")
    html = render_html(model)
    assert '<h1 class="none">No profile found</h1>' in html
    assert "The labels might as well be shuffled." in html
    assert "No column holds the date on which customers signed up." in html
    assert 'id="profile"' not in html
    assert 'id="traits"' not in html
    assert 'class="verdict warn"' in html


def test_a_profile_no_better_than_the_baselines_is_marked_on_the_first_screen() -> None:
    model = examples.make_model()
    model = replace(model, evaluation={**model.evaluation, "verdict_code": "not_better_than_rule"})
    top = render_html(model).split("<nav")[0]
    assert "no better than a rule of two fields" in top
    assert 'class="panel sure warn"' in top


def test_a_filter_says_what_passes_and_that_it_only_proposes() -> None:
    model = examples.make_model()
    (proposed,) = report_context(model)["profile"]["filters"]
    assert proposed["passes"] == "96%"
    assert proposed["decided"].startswith("Proposed")
    decided = replace(model, settings=model.settings.override(profile={"filters": ["employees"]}))
    assert report_context(decided)["profile"]["filters"][0]["decided"].startswith("Confirmed")


def test_a_profile_without_filters_says_what_one_would_need() -> None:
    model = examples.make_model()
    html = render_html(replace(model, profile=replace(model.profile, filters=())))
    assert "None. A filter would have to let at least 90% of best customers through" in html


def test_the_context_is_plain_and_holds_no_raw_numbers() -> None:
    context = report_context(examples.make_model(), examples.make_scored())
    assert json.loads(json.dumps(context)) == context

    def numbers(value: object) -> list[object]:
        if isinstance(value, dict):  # bars are drawn from numbers
            return [n for k, v in value.items() if not k.endswith("bar") for n in numbers(v)]
        if isinstance(value, list):
            return [n for v in value for n in numbers(v)]
        return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []

    assert numbers(context) == []


def test_the_page_shows_what_the_diagnostics_found() -> None:
    html = render_html(examples.make_model())
    for words in (
        "LightGBM, fields combined", "Rank agreement, all customers", "With twice the customers AUC would rise.",
        "The fields contradict 50 labels.", "Slope and intercept suffice.", "Tier A or B holds 65% of best customers.",
        "Accounts on the list", "Of all best customers",
    ):  # fmt: skip
        assert words in html
    assert "Tier A or B holds 65%" in render_markdown(examples.make_model())


def test_a_model_of_before_the_diagnostics_is_shown_without() -> None:
    model = examples.make_model()
    added = {"lists", "lists_sentence", "learning", "suspicious", "recalibration", "gave_up"}
    html = render_html(replace(model, evaluation={k: v for k, v in model.evaluation.items() if k not in added}))
    parsed(html)
    assert "doubtful labels" not in html
    assert "Where three lists land" not in html


def test_tiers_show_cut_offs_rates_and_the_list() -> None:
    tiers = report_context(examples.make_model(), examples.make_scored())["tiers"]
    assert tiers["rows"][0] == {
        "tier": "A", "fit": "44.7 and over", "customers": "100", "best": "56", "per_100": "56", "span": "45–67",
        "lift": "2.2×", "worth": None, "of_best": "28%", "of_best_span": "23–33%", "listed": "300", "share": "6%",
    }  # fmt: skip
    assert tiers["rows"][3]["per_100"] == "–"  # nobody in it
    assert tiers["average"] == "25"


def test_the_list_is_counted_from_all_accounts_down_to_what_capacity_can_work() -> None:
    view = report_context(examples.make_model(), examples.make_scored())["list"]
    assert [(s["name"], s["count"], s["share"]) for s in view["steps"]] == [
        ("TAM: the list", "5,000", "100%"),
        ("Not readable", "−10", "<1%"),
        ("Outside the filters", "−40", "1%"),
        ("Customers, left out", "−50", "1%"),
        ("SAM: serviceable", "4,900", "98%"),
        ("Beyond the capacity", "−4,400", "88%"),
        ("SOM: the best of them", "500", "10%"),
    ]
    assert "capacity" in view["obtainable"]
    assert view["top"][0]["reasons"] == ["Uses Snowflake raises fit"]
    assert view["top"][1]["name"] == "2"  # without a name the id stands for it
    assert report_context(examples.make_model())["list"] is None


def test_without_a_capacity_what_is_obtainable_is_tier_a_or_b() -> None:
    scored = {**examples.make_scored(), "obtainable": None}
    steps = market_steps(scored)
    assert [(s.name, s.count, s.total) for s in steps[-3:]] == [
        ("Tier D", 2000, False), ("Tier C", 1700, False), ("SOM: tier A or B", 1200, True)
    ]  # fmt: skip
    left = steps[0].count
    for step in steps[1:]:
        left = step.count if step.total else left - step.count
        assert not step.total or left == step.count
    assert sum(s.count for s in steps if not s.total) == steps[0].count - steps[-1].count


def test_a_list_much_younger_than_the_customers_data_is_said_to_be() -> None:
    from datetime import date

    learned = date(2026, 9, 29)
    for when, said in (("2027-09-29", False), ("2028-03-30", True), ("", False), ("no date", False)):
        assert bool(list_view({"rows": 1, "as_of": when}, learned)["old"]) is said, when
    assert "1.5 years later" in list_view({"rows": 1, "as_of": "2028-03-30"}, learned)["old"]


def test_every_column_is_there_by_verdict() -> None:
    view = report_context(examples.make_model())["columns"]
    assert view["lead"] == "3 columns: 1 used, 1 asked about, 1 left out."
    (used,) = view["used"]
    assert (used["header"], used["here"], used["there"], used["gap"]) == ("# Employees", "90%", "70%", "−20")
    assert used["reading"] == ["3 cells converted, such as “51-200” to 125.", "1 cell taken as missing."]
    assert [row["field"] for row in view["asked"]] == ["last_funding_date"]
    assert [group["fields"] for group in view["left_out"]] == [["health_score"]]


def test_sensitivity_to_the_weights_is_shown() -> None:
    (row,) = report_context(examples.make_model())["labels"]["components"]
    assert (row["name"], row["columns"], row["known"], row["half"], row["more"]) == ("NPS", "NPS", "500", "92%", "95%")


def test_documents_of_a_model_may_be_empty() -> None:
    model = replace(examples.make_model(), evaluation={}, data_report={})
    html = render_html(replace(model, profile=replace(model.profile, evidence={})))
    assert "The model was not evaluated." in html
    assert render_markdown(model)


def test_never_worded_as_readiness_to_buy() -> None:
    text = render_html(examples.make_model(), examples.make_scored()).lower()
    assert "likely to buy" not in text
    assert "propensity" not in text


def test_writing_replaces_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    assert write_html(examples.make_model(), path) == path
    first = path.read_text(encoding="utf-8")
    path.write_text("old", encoding="utf-8")
    write_html(examples.make_model(), path)
    assert path.read_text(encoding="utf-8") == first
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be written \(it is a folder\); name a file"):
        write_html(examples.make_model(), tmp_path)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match=r"report\.md: the report cannot be written"):
        write_markdown(examples.make_model(), tmp_path / "file" / "report.md")


def test_markdown_has_profile_quality_tiers_and_labels(tmp_path: Path) -> None:
    text = write_markdown(examples.make_model(), tmp_path / "report.md").read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    assert titles[0] == "Ideal customer profile"
    assert titles[-5:] == ["Behind the traits", "How good it is", "Tiers", "How customers were judged", "Model"]
    assert "| This model | 0.77 (0.73–0.81) |" in text
    assert "| A | 44.7 and over | 100 | 56 (45–67) | 2.2× | 28% (23–33%) |" in text


def test_markdown_tables_keep_their_cells_whatever_strangers_wrote() -> None:
    def cells(text: str) -> list[int]:
        return [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]

    hostile = render_markdown(examples.make_model(lambda text: HOSTILE + "\n| x |"))
    assert cells(hostile) == cells(render_markdown(examples.make_model()))
    assert "<script" not in hostile.replace("\\<", "")


@pytest.mark.parametrize(
    ("given", "shown"),
    [(0.4321, "43%"), (0.001, "<1%"), (0.0, "0%"), (None, "–"), (float("nan"), "–"), (1.0, "100%")],
)
def test_percent(given: float | None, shown: str) -> None:
    assert formats.percent(given) == shown


def test_lists_and_plurals_read_as_people_write_them() -> None:
    assert formats.listed(["a"]) == "a"
    assert formats.listed(["a", "b", "c"]) == "a, b and c"
    assert formats.listed([str(k) for k in range(10)], 3) == "0, 1 and 8 more"
    assert (formats.plural(1, "filter"), formats.plural(2, "filter")) == ("1 filter", "2 filters")
    assert formats.clean("a\n\u202eb\x00" + "c" * 300, 6) == "a b c…"


def test_charts_show_every_trait_once_the_highest_lift_first() -> None:
    profile = examples.make_profile()
    estimates = charts.lift_estimates(profile, 30)
    assert [e.label for e in estimates] == [
        "Uses Snowflake", "101-500 employees", "Industry: Retail or 59 more", "Up to 50 employees",
    ]  # fmt: skip
    assert [e.tone for e in estimates] == ["positive", "positive", "negative", "negative"]


def test_curves_are_the_tables_strongest_field_first() -> None:
    tables = examples.make_tables()
    curves, others = charts.field_curves(tables, most=3)
    assert len(curves) == 3
    assert len(others) == 1
    effects = [c.effect for c in curves]
    assert effects == sorted(effects, reverse=True)
    numeric = next(c for c in charts.field_curves(tables, 9)[0] if c.field == "employees").curve
    assert [p.value for p in numeric.points] == pytest.approx(tables.values[0][2:-1])
    assert [p.customers for p in numeric.points] == list(tables.customers[0][2:-1])
    half = 1.6448536269514722 * np.sqrt(0.02)
    assert numeric.points[0].high - numeric.points[0].value == pytest.approx(half)
    assert numeric.ticks == ((1, "50"), (2, "100"), (3, "500"))
    assert numeric.missing is not None
    tokens = next(c for c in charts.field_curves(tables, 9)[0] if c.field == "technologies").curve
    assert {p.label for p in tokens.points} == {"Snowflake", "Zoom"}


def test_svg_is_recolourable_and_needs_no_style() -> None:
    chart = plotting.lift_chart([plotting.Estimate("$1M-$5M and $x^2$", 1.7, 1.4, 2.0, "positive", "1.7×")])
    text = inline_svg(plotting.to_svg(chart), "A chart", "one")
    assert "style=" not in text
    assert "<style" not in text
    assert "xmlns" not in text
    assert "font-family" not in text
    assert 'class="f-positive' in text
    assert ">$1M-$5M and $x^2$<" in text  # text as text, and no formula
    assert all(name.startswith("one-") for name in re.findall(r' id="([^"]+)"', text))
    assert all(name.startswith("#one-") for name in re.findall(r' href="([^"]+)"', text))


@pytest.mark.parametrize("value", [0.0, float("nan"), 1e9])
def test_charts_survive_odd_numbers(value: float) -> None:
    one = plotting.Estimate("中文 \ud800 \x00", value, value, value, "negative", "x", 0.0)
    points = (plotting.Estimate("", 0.0, -900.0, 900.0, "plain", "", 0.0),) * 2
    curves = [plotting.Curve(True, points, ((1, "1"),)), plotting.Curve(False, points, missing=points[0])]
    figures = [
        plotting.lift_chart([one]), plotting.quality_chart([one]), plotting.tier_chart([one], 0.25),
        *(plotting.curve_chart(curve) for curve in curves),
    ]  # fmt: skip
    for figure in figures:
        assert inline_svg(plotting.to_svg(figure), "x", "p").startswith("<svg")


def test_plotting_leaves_matplotlib_as_it_was() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    plotting.to_svg(plotting.tier_chart([plotting.Estimate("A", 0.5, 0.4, 0.6, "positive", "50%", 10)], 0.25))
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
