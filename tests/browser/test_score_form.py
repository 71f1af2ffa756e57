"""The "score a company" form and the table of accounts, as a person uses them, against the library."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icp_ml.estimator.labels import value_words
from icp_ml.model import ICPModel
from icp_ml.report.html import write_html
from icp_ml.scoring.reasons import as_shown
from tests import form_model
from tests import report_model as examples
from tests.browser.conftest import Opened

pytestmark = pytest.mark.browser

HOSTILE = "</script><img src=x onerror='window.ran=1'>{{7*7}}\u2028\u202e\u0000\"'`<!--" + "A" * 10_000
# Fills the form in as a person would, field by field, and reads the answer.
FILL = """
async accounts => {
  const place = document.getElementById("score-form");
  const tell = (element, name) => element.dispatchEvent(new Event(name, { bubbles: true }));
  const enter = (ask, typed) => {
    const main = ask.querySelector("input, select");
    if (Array.isArray(typed)) {
      main.value = "known";
      tell(main, "input");
      const search = ask.querySelector("input[type=search]");
      for (const token of typed) {
        if (search) { search.value = token.name; tell(search, "input"); }
        const box = ask.querySelector(`input[data-token="${token.place}"]`);
        box.checked = true;
        tell(box, "change");
      }
      if (search) { search.value = ""; tell(search, "input"); }
      return;
    }
    const choose = [...(main.options || [])].find(one => one.textContent === typed);
    if (choose) choose.selected = true;
    else if (main.tagName === "SELECT") main.value = "1"; // any other value
    else main.value = typed;
    tell(main, "input");
  };
  const answers = [];
  for (const account of accounts) {
    place.querySelector(".asked > button").click();
    for (const ask of place.querySelectorAll(".ask")) {
      const typed = account[ask.dataset.field];
      if (typed !== null && typed !== undefined) enter(ask, typed);
    }
    await new Promise(done => setTimeout(done));
    const reasons = [...place.querySelectorAll(".reasons li")].map(
      one => [one.querySelector("span").textContent, Number(one.dataset.contribution), one.dataset.field]);
    answers.push({ ...place.dataset, reasons, text: place.querySelector(".answer").textContent });
  }
  return answers;
}
"""


def many_accounts(count: int) -> dict[str, Any]:
    """Return a scored list whose fit falls with rank, and whose names do not."""
    account = examples.make_scored()["top_accounts"][0]
    names = [f"{'Zeta' if k % 2 else 'alpha'} {k:03d} {'Würth' if k == 41 else ''}" for k in range(count)]
    rows = [
        {
            **account,
            "account_id": str(k),
            "name": name,
            "rank": k + 1,
            "fit_score": 90.0 - k / 10,
            "tier": "ABCD"[k // 60],
        }
        for k, name in enumerate(names)
    ]
    return {**examples.make_scored(), "top_accounts": rows}


@pytest.fixture(scope="module")
def model() -> ICPModel:
    return form_model.make_model()


@pytest.fixture(scope="module")
def report(model: ICPModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of the model with a field of every kind, and of a list of 230 accounts."""
    return write_html(model, tmp_path_factory.mktemp("report") / "report.html", many_accounts(230))


def typed_in(model: ICPModel, accounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is typed, with token sets as their names and places, as the picker shows them."""
    names = {enc.field: enc.spellings for enc in model.tables.encoding.fields}
    return [
        {
            field: [{"name": names[field][k], "place": k} for k in typed] if isinstance(typed, list) else typed
            for field, typed in account.items()
        }
        for account in accounts
    ]


def test_the_form_says_what_the_library_says(opened: Opened, model: ICPModel, report: Path) -> None:
    accounts = [*form_model.make_accounts(model, 200), {}]
    scored = model.score(form_model.as_frame(model, accounts[:-1]), lookalikes=0)
    with opened(report) as (page, problems):
        answers = page.evaluate(FILL, typed_in(model, accounts))
        assert problems() == []
    assert answers.pop()["known"] == "0"
    seen = {"ineligible": 0, "outside": 0, "together": 0}
    for answer, (_, row) in zip(answers, scored.iterrows(), strict=True):
        assert int(answer["known"]) / len(model.fields) == row["coverage"]
        assert answer["tier"] == row["tier"]
        if row["status"] == "ineligible":
            seen["ineligible"] += 1
            assert answer["reasons"] == []
            assert row["coverage"] == 0 or row["status_reason"] in answer["text"]
            continue
        assert float(answer["logOdds"]) == pytest.approx(row["log_odds"], abs=1e-9, rel=0)
        for name, column in (("fit", "fit_score"), ("low", "fit_low"), ("high", "fit_high")):
            assert float(answer[name]) == pytest.approx(row[column], abs=1e-9, rel=0)
        assert (answer["inside"] == "true") == row["in_support"]
        seen["outside"] += not row["in_support"]
        expected = [
            (row[f"reason_{k}"], row[f"reason_{k}_contribution"], row[f"reason_{k}_field"])
            for k in range(1, 6)
            if isinstance(row[f"reason_{k}"], str)
        ]
        assert [(text, field) for text, _, field in answer["reasons"]] == [(text, field) for text, _, field in expected]
        assert [c for _, c, _ in answer["reasons"]] == pytest.approx([c for _, c, _ in expected], abs=1e-9, rel=0)
        seen["together"] += any("together with" in text for text, *_ in expected)
    assert all(count > 1 for count in seen.values()), seen  # each way of the scorer is taken


SIGNED = ("money", "share", "number")  # a negative count, year, age or date is no value
FORMS = ("money", "share", "year", "date", "age", "count", "number")


def test_numbers_are_written_as_the_library_writes_them(opened: Opened, report: Path) -> None:
    rng = np.random.default_rng(5)
    sizes = 10.0 ** rng.uniform(-7, 16, 2_000)
    edges = [10.0**k + d for k in range(-4, 16) for d in (-0.5, -0.05, 0.0, 0.05, 0.5)]
    values = np.concatenate([sizes, edges, [0.0, 0.5, 1.5, 2.5, 999.5, 9_999.5, 30.4375, 729.0, 730.0, 59.0, 60.0]])
    with opened(report) as (page, problems):
        script = "([form, all]) => all.map(one => icpWords.value(form, icpWords.asShown(one, form)))"
        for form in FORMS:
            asked = np.concatenate([values, -values]) if form in SIGNED else values[values >= 0]
            shown = page.evaluate(script, [form, asked.tolist()])
            wanted = [value_words(form, float(v)) for v in as_shown(asked, form)]
            assert [(v, a, b) for v, a, b in zip(asked.tolist(), shown, wanted, strict=True) if a != b] == []
        assert problems() == []


def test_what_cannot_be_is_said_and_counts_as_not_known(opened: Opened, report: Path) -> None:
    wrong = {
        "employees": ("-5", "cannot be negative"),
        "revenue_usd": ("1,00", "is not a number"),
        "founded_year": ("2031", "lies after 2026-09-29"),
        "last_funding_date": ("2026-12-24", "lies after 2026-09-29"),
        "cloud_regions": ("1e400", "is not a number"),
    }
    with opened(report) as (page, problems):
        page.evaluate("document.querySelector('#score details').open = true")
        for field, (typed, words) in wrong.items():
            ask = page.locator(f'.ask[data-field="{field}"]')
            ask.locator("input").first.fill(typed)
            assert ask.locator(".wrong").inner_text().startswith(f"{typed} {words}")
        assert page.locator("#score-form").get_attribute("data-known") == "0"
        page.locator('.ask[data-field="employees"] input').fill("1.2K")
        assert page.locator('.ask[data-field="employees"] .wrong').inner_text() == ""
        assert page.locator("#score-form").get_attribute("data-known") == "1"
        page.get_by_role("button", name="Clear").click()
        assert page.locator("#score-form").get_attribute("data-known") == "0"
        assert page.locator('.ask[data-field="employees"] input').input_value() == ""
        assert problems() == []


def test_tokens_are_found_by_search_and_by_keyboard(opened: Opened, report: Path) -> None:
    with opened(report, viewport={"width": 390, "height": 844}) as (
        page,
        problems,
    ):
        page.evaluate("document.querySelectorAll('#score details').forEach(one => { one.open = true; })")
        ask = page.locator('.ask[data-field="technologies"]')
        assert ask.locator(".ticks input").count() == 8
        ask.locator("input[type=search]").fill("SNOW")
        assert ask.locator(".ticks").inner_text().strip() == "Snowflake"
        ask.locator(".ticks input").press("Space")
        assert ask.locator("select").input_value() == "known"
        assert page.locator("#score-form").get_attribute("data-known") == "1"
        ask.locator("input[type=search]").fill("no such tool")
        assert "none found" in ask.locator(".ticks").inner_text()
        assert ask.locator(".ticks input").count() == 1  # what is ticked stays in sight
        ask.locator("select").select_option("")
        assert page.locator("#score-form").get_attribute("data-known") == "0"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert problems() == []


def test_without_scripts_the_page_says_so_and_shows_the_rest(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert "needs scripts" in page.locator("#score").inner_text()
    assert page.locator("#accounts tbody tr:visible").count() == 200
    assert page.locator("#accounts-bar").is_hidden()
    context.close()


def test_accounts_are_sorted_searched_and_shown_in_parts(opened: Opened, report: Path) -> None:
    with opened(report, viewport={"width": 1280, "height": 900}) as (page, problems):

        def shown(column: int = 0) -> list[str]:
            script = """column => [...document.querySelectorAll('#accounts tbody tr')].filter(r => !r.hidden)
                .map(r => r.cells[column].dataset.sort)"""
            found: list[str] = page.evaluate(script, column)
            return found

        bar, head = page.locator("#accounts-bar"), page.locator("#accounts thead")
        assert [int(rank) for rank in shown(1)] == list(range(1, 26))
        bar.locator("button").click()
        assert [int(rank) for rank in shown(1)] == list(range(1, 201))  # the first 200 are in the page
        head.get_by_role("button", name="Account").click()
        assert shown() == sorted(shown(), key=str.casefold)
        assert head.locator("th").first.get_attribute("aria-sort") == "ascending"
        head.get_by_role("button", name="Account").click()
        assert shown() == sorted(shown(), key=str.casefold, reverse=True)
        head.get_by_role("button", name="Fit").click()  # the highest first
        assert [float(fit) for fit in shown(3)] == sorted((float(fit) for fit in shown(3)), reverse=True)
        head.get_by_role("button", name="Tier").click()
        assert shown(2) == sorted(shown(2))
        bar.locator("input").fill("würth ALPHA")
        assert shown() == []
        bar.locator("input").fill("würth 041")
        assert len(shown()) == 1
        assert bar.locator("output").inner_text() == "1 of 200 accounts"
        bar.locator("input").fill("")
        assert len(shown()) == 200
        assert problems() == []
    with opened(report, viewport={"width": 390, "height": 844}) as (page, problems):
        # no heads on a phone: a list instead
        page.locator("#accounts-bar select").select_option("3")
        visible = page.locator("#accounts tbody tr:visible")
        assert visible.count() == 25
        fits = [float(visible.nth(k).locator('[data-label="Fit"]').get_attribute("data-sort")) for k in range(25)]
        assert fits == sorted(fits)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert problems() == []


def test_strangers_names_neither_run_nor_break_form_and_table(opened: Opened, tmp_path: Path) -> None:
    model = form_model.make_model(lambda text: HOSTILE + text)
    path = write_html(model, tmp_path / "report.html", examples.make_scored(lambda text: HOSTILE + text))
    assert path.stat().st_size < 3_000_000
    with opened(path, viewport={"width": 390, "height": 844}) as (page, problems):
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.locator('.ask[data-field="employees"] input').fill("120")
        page.locator('.ask[data-field="industry"] select').select_option(index=1)
        page.locator('.ask[data-field="technologies"] .ticks input').first.check()
        assert page.locator("#score-form").get_attribute("data-known") == "3"
        assert math.isfinite(float(page.locator("#score-form").get_attribute("data-log-odds")))
        assert "<img src=x" in page.locator("#score-form .why").inner_text()
        page.locator("#accounts-bar input").fill("<img acme")
        assert page.locator("#accounts tbody tr:visible").count() == 0  # a name of 10,000 characters is cut
        page.locator("#accounts-bar input").fill("<img SRC")
        assert page.locator("#accounts tbody tr:visible").count() == 2
        assert page.evaluate("window.ran") is None
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        data = json.loads(page.evaluate("document.getElementById('score-data').textContent"))
        assert data["format"] == 1
        assert problems() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (820, 1180), (1280, 900)])
def test_form_and_accounts_fit_every_screen(opened: Opened, report: Path, width: int, height: int, scheme: str) -> None:
    with opened(report, viewport={"width": width, "height": height}, color_scheme=scheme) as (page, problems):
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.locator('.ask[data-field="employees"] input').fill("120")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        narrow = page.evaluate(
            "Math.min(...[...document.querySelectorAll('.ask')].map(one => one.getBoundingClientRect().width))"
        )
        assert narrow >= 150
        assert page.screenshot(full_page=True).startswith(b"\x89PNG")
        assert problems() == []
