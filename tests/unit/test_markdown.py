"""The report as Markdown, read by a parser: whatever strangers wrote, there is no markup of theirs in it."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from icp_ml.report.markdown import render_markdown
from icp_ml.report.markdown_text import BREAK, bullets, defused, prose, table
from icp_ml.report.traits_markdown import segment_parts, trait_parts
from tests import report_model as examples

PARSER = MarkdownIt("commonmark").enable("table")
HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))",
    "![x](http://evil.example/p)", "# heading", "- item", "+ item", "1. item", "2) item", "---", "===", "> quote",
    "```\ncode", "    code", "a | b | c", "~~gone~~ **bold** _em_ `code`", "<http://evil.example>",
    "&lt;b&gt;&#60;", "\\", "\\|", "x\n\n# heading\n| a |\n| - |",
    "\u202ekcatta\u2066", "\x00\x1b[31m", "[^1]: note", "[a]: http://evil.example",
]  # fmt: skip


def blocks(text: str) -> list[Token]:
    return PARSER.parse(text)


def spans(text: str) -> list[Token]:
    return [child for token in blocks(text) for child in token.children or ()]


def shape(text: str) -> list[str]:
    return [token.type for token in blocks(text)]


def shown(text: str) -> str:
    """What a reader sees."""
    return "\n".join("".join(c.content for c in token.children or ()) for token in blocks(text) if token.children)


def full_document(words: Any = examples.plain) -> dict[str, Any]:
    """A profile with all that its traits can carry."""
    document = examples.make_profile(words).to_dict()
    more = {
        "stand_ins": [words("uses Outreach"), words("uses Pardot")],
        "outcomes": [
            {"outcome": words("retention"), "inside": 91.25, "outside": 84.0, "difference": 7.25, "low": 2.0,
             "high": 12.0, "customers": 740, "unit": "%"},
            {"outcome": "NPS", "inside": 42.0, "outside": None, "difference": None, "low": None, "high": None,
             "customers": 400, "unit": "points"},
            {"outcome": "business value", "inside": 1200.0, "outside": -80.5, "difference": 1280.5, "low": 900.0,
             "high": 1660.0, "customers": 88, "unit": "$"},
        ],
        "objections": [
            {"column": "churn_reason", "reason": words("too expensive"), "inside": 0.1, "outside": 0.4,
             "customers_inside": 31}
        ],
    }  # fmt: skip
    document["signals"] = [{**trait, **more} for trait in document["signals"]]
    document["segments"] = [
        {"name": words(name), "rule": {}, "sentence": words(rule), "customers": 1200, "best": 300, "rate": 0.25,
         "why": words("held-out log-loss improves")}
        for name, rule in (("small", "up to 200 employees"), ("large", "over 200 employees"))
    ]  # fmt: skip
    return document


@pytest.mark.parametrize("sly", HOSTILE)
def test_no_stranger_makes_markup(sly: str) -> None:
    text = render_markdown(examples.make_model(lambda _: sly.replace("\x00", "")))
    assert shape(text) == shape(render_markdown(examples.make_model()))
    assert {token.type for token in spans(text)} <= {"text", "text_special"}


@pytest.mark.parametrize("sly", HOSTILE)
def test_no_stranger_makes_markup_behind_the_traits(sly: str) -> None:
    def parts(words: Any) -> str:
        document = full_document(words)
        return defused("\n\n".join([*segment_parts(document), *trait_parts(document)]))

    assert shape(parts(lambda _: sly)) == shape(parts(examples.plain))
    assert {token.type for token in spans(parts(lambda _: sly))} <= {"text", "text_special"}
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2066]", parts(lambda _: sly))


@pytest.mark.parametrize("sly", ["<b>&amp;</b>", "1. x", "- $5 to $10", "a*b_c`d|e~f#g\\h", "[x](y)"])
def test_what_was_written_is_what_is_read(sly: str) -> None:
    page = defused("\n\n".join([prose(sly), *bullets([sly]), table(("a",), [(sly,)])]))
    assert [line for line in shown(page).split("\n") if line and line != "a"] == [sly] * 3


def test_nobody_is_called_and_nothing_is_linked() -> None:
    said = defused("@team, mail a@b.example, http://evil.example, www.evil.example, MAILTO:x, ratio 1:2, 5 @ 6")
    assert said == (
        f"@{BREAK}team, mail a@{BREAK}b.example, http:{BREAK}//evil.example, www.{BREAK}evil.example, MAILTO:{BREAK}x, "
        "ratio 1:2, 5 @ 6"
    )
    assert BREAK not in render_markdown(examples.make_model())


def test_each_traits_outcomes_have_a_row() -> None:
    text = "\n\n".join(trait_parts(full_document()))
    assert "| 101-500 employees | retention | 91.2% | 84.0% | +7.2 (+2.0 to +12.0) | 740 |" in text
    assert "| uses Snowflake | NPS | 42.0 points | – | – | 400 |" in text
    assert "| uses Snowflake | business value | $1,200 | −$80.5 | +1280 (+900 to +1660) | 88 |" in text
    assert "| uses Snowflake | churn reason | too expensive | 10% | 40% | 31 |" in text
    assert "- uses Snowflake; usually also: uses Outreach and uses Pardot" in text
    assert "| uses Snowflake | technographic | 26% | 9% | 23% | marketing targets, sales qualifies |" in text


def test_segments_are_a_table_and_one_is_none() -> None:
    document = full_document()
    text = "\n\n".join(segment_parts(document))
    assert "| small | up to 200 employees | 1,200 | 300 | 25% |" in text
    assert "- small: Held-out log-loss improves." in text
    assert segment_parts({**document, "segments": document["segments"][:1]}) == segment_parts({}) == []


def test_traits_nobody_stands_behind_have_no_evidence() -> None:
    document = examples.make_profile().to_dict()
    for name in ("filters", "signals", "anti_traits"):
        document[name] = [{**trait, "customers": 0} for trait in document[name]]
    assert trait_parts(document) == []


def test_many_outcomes_end_somewhere() -> None:
    trait = asdict(examples.make_trait("uses Zoom", "technologies=zoom", "positive", 1.5))
    one = {"outcome": "nps", "inside": 1.0, "outside": 1.0, "difference": 0.0, "low": -1.0, "high": 1.0, "customers": 9}
    text = "\n".join(trait_parts({"signals": [{**trait, "outcomes": [one] * 1000}]}))
    assert text.count("| nps |") == 200


def test_everything_a_reader_needs_is_there() -> None:
    text = render_markdown(examples.make_model())
    assert "| This model | 0.77 (0.73–0.81) | 0.73 (0.69–0.77) | 2.2× (2.2–2.2) |" in text
    assert "Permutation test" in text
    assert "| Model version | " in text
    assert "not readiness to buy" in text
    assert "likely to buy" not in text


def test_a_model_without_profile_says_so_first() -> None:
    text = render_markdown(examples.without_profile(examples.make_model()))
    assert text.startswith("# Ideal customer profile\n\nno profile found: no trait holds up against chance")
    assert "Behind the traits" not in text


def test_a_model_that_was_not_judged_is_written_too() -> None:
    model = replace(examples.make_model(), evaluation={}, data_report={})
    assert "The model was not evaluated." in render_markdown(model)
