from __future__ import annotations

import re
from typing import Any

from icp_ml.report.behind import behind_trait
from icp_ml.report.context import report_context
from icp_ml.report.html import render_html
from icp_ml.report.page import render_page
from tests import report_model as examples

HOSTILE = "</td><script>alert(1)</script>"
OUTCOMES = [
    {"outcome": "net_retention", "inside": 118.4, "outside": 97.0, "difference": 21.4, "low": 9.0, "high": 33.8,
     "customers": 140, "unit": "%"},
    {"outcome": "nps", "inside": 31.0, "outside": 33.5, "difference": -2.5, "low": -9.0, "high": 4.0, "customers": 70,
     "unit": "points"},
]  # fmt: skip
OBJECTIONS = [{"column": "loss_reason", "reason": HOSTILE, "inside": 0.31, "outside": None, "customers_inside": 44}]


def page_of(**parts: Any) -> str:
    """Return the report with some parts of its context in the place of its own."""
    context = {**report_context(examples.make_model()), **parts}
    names = ("traits", "traits_narrow", "quality", "tiers", "market", "market_narrow", "spread", "retention")
    form = {"asks": False, "data": "", "about": ""}
    drawn: dict[str, Any] = {"curves": [], "more_curves": [], "other_fields": [], "form": form}
    return render_page("report.html", **{**context, **drawn, "charts": dict.fromkeys(names)})


def test_what_a_trait_does_to_each_outcome_has_its_unit_and_its_interval() -> None:
    behind = behind_trait(
        {"outcomes": OUTCOMES, "objections": OBJECTIONS, "stand_ins": ["uses Outreach", "uses Pardot"]}
    )
    first, second = behind["outcomes"]
    assert (first["outcome"], first["inside"], first["outside"]) == ("Net retention", "118%", "97%")
    assert (first["difference"], first["span"], first["sure"]) == ("+21.4", "+9.0 to +33.8", True)
    assert second["outcome"] == "NPS"
    assert (second["inside"], second["difference"], second["sure"]) == ("31.0 points", "−2.5", False)
    (reason,) = behind["objections"]
    assert (reason["column"], reason["inside"], reason["outside"], reason["customers"]) == (
        "Loss reason",
        "31%",
        "–",
        "44",
    )
    assert behind["stand_ins"] == "uses Outreach and uses Pardot"


def test_a_trait_without_more_has_nothing_behind_it() -> None:
    assert behind_trait({}) == {"stand_ins": "", "outcomes": [], "objections": []}
    html = render_html(examples.make_model())
    assert "What each trait does to each outcome" not in html
    assert 'id="segments"' not in html


def test_what_stands_behind_traits_is_shown_and_escaped() -> None:
    behind = behind_trait({"outcomes": OUTCOMES, "objections": OBJECTIONS, "stand_ins": [HOSTILE]})
    traits = [{**trait, "behind": behind} for trait in report_context(examples.make_model())["traits"]]
    html = page_of(traits=traits)
    assert html.count("<summary>") >= len(traits)
    assert "usually also" in html
    assert "<strong>+21.4</strong>" in html
    assert "<strong>−2.5</strong>" not in html
    assert len(re.findall("<script", html)) == 0


def test_segments_are_shown_with_their_own_traits_and_escaped() -> None:
    trait = {
        "positive": False,
        "sentence": HOSTILE,
        "rate": "12%",
        "lift": "0.5×",
        "lift_span": "0.4–0.7",
        "customers": "60",
    }
    row = {"name": HOSTILE, "sentence": HOSTILE, "customers": "400", "best": "90", "rate": "22%", "market": "40%",
           "why": HOSTILE, "traits": [trait]}  # fmt: skip
    html = page_of(
        segments={"rows": [row, {**row, "traits": []}], "why": [HOSTILE], "unknown": "All customers' tables."}
    )
    assert html.count('<section id="segments">') == 1
    assert "2 ideal customers, not one" in html
    assert html.count("what sets its best customers apart") == 1
    assert '<a href="#segments">' in html
    assert len(re.findall("<script", html)) == 0
