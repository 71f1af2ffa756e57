from __future__ import annotations

import json

import pytest

from icp_ml.profile import (
    MAX_FILTERS,
    MAX_SIGNALS,
    NOTHING_FOUND,
    IdealCustomerProfile,
    build_profile,
    escape_markdown,
)
from icp_ml.traits import Trait

EVIDENCE = {"mature": 400, "best": 100, "worst": 120, "base_rate": 0.25}


def trait(field, direction="positive", **changes):
    signal = direction == "positive"
    values = {
        "sentence": f"{field}: good", "field": field, "term": field, "category": "firmographic", "direction": direction,
        "codes": (3, 4), "values": {"in": ["x"]}, "customers": 80, "best": 40, "best_support": 0.4 if signal else 0.03,
        "worst_support": 0.1 if signal else 0.4, "rate": 0.5 if signal else 0.05, "lift": 2.0 if signal else 0.2,
        "lift_low": 1.5 if signal else 0.1, "lift_high": 2.6 if signal else 0.4, "stability": 0.9, "p_value": 0.002,
        "contribution": 0.6 if signal else -0.9, "market_share": 0.2, "who": "sales",
    }  # fmt: skip
    return Trait(**{**values, **changes})


def build(*traits, **options):
    return build_profile(traits, evidence=EVIDENCE, signal=True, **options)


def roles(profile):
    return {t["field"]: t["role"] for t in profile.traits.to_dict("records")}


def test_traits_are_sorted_into_roles():
    profile = build(trait("a"), trait("b", "negative"), trait("c", "negative", best_support=0.3))
    assert profile.found
    assert roles(profile) == {"a": "signal", "b": "filter", "c": "anti_trait"}
    assert profile.message == "3 traits set best customers apart (1 filter, 1 signal, 1 against)."


@pytest.mark.parametrize(
    "change",
    [
        {"best_support": 0.11},  # too many best customers would be cut
        {"customers": 19},  # too little evidence
        {"lift_high": 0.8},  # not clearly worse
        {"market_share": 0.04},  # cuts nothing
        {"market_share": None, "worst_support": 0.04},
    ],
)
def test_what_makes_no_filter_is_an_anti_trait(change):
    assert roles(build(trait("b", "negative", **change))) == {"b": "anti_trait"}


def test_a_filter_must_be_known_for_most_of_the_list():
    one = trait("b", "negative")
    assert roles(build(one, list_coverage={"b": 0.6})) == {"b": "filter"}
    assert roles(build(one, list_coverage={"b": 0.5})) == {"b": "anti_trait"}
    assert roles(build(one, list_coverage={})) == {"b": "anti_trait"}


def test_a_person_decides_before_the_rule():
    one, other = trait("b", "negative"), trait("c", "negative", best_support=0.5)
    assert roles(build(one, other, as_signal=["b"], as_filter=["c"])) == {"b": "anti_trait", "c": "filter"}


def test_few_filters_and_signals_are_kept():
    many = [trait(f"n{i}", "negative") for i in range(9)] + [trait(f"p{i}") for i in range(20)]
    profile = build(*many)
    assert len(profile.filters) == MAX_FILTERS
    assert len(profile.signals) == MAX_SIGNALS
    assert [t.field for t in profile.filters] == [f"n{i}" for i in range(MAX_FILTERS)]


@pytest.mark.parametrize(
    ("traits", "signal", "reason", "message"),
    [
        ([trait("a")], False, "nothing could be told apart", "nothing could be told apart"),
        ([], True, "", "no single trait holds up against chance"),
    ],
)
def test_without_evidence_nothing_is_claimed(traits, signal, reason, message):
    profile = build_profile(traits, evidence=EVIDENCE, signal=signal, reason=reason)
    assert not profile.found
    assert profile.message.startswith(f"{NOTHING_FOUND}: ")
    assert message in profile.message
    assert profile.summary() == [profile.message]
    assert len(profile.traits) == 0
    assert "lift" in profile.traits.columns


def test_saved_and_read_back():
    profile = build(trait("ä", market_share=None), trait("b", "negative"))
    for text in (profile.to_json(), json.dumps(profile.to_dict())):
        back = IdealCustomerProfile.from_dict(json.loads(text))
        assert back == profile
        assert back.to_json() == profile.to_json()
    assert "ä" in profile.to_json()


def test_the_summary_names_signals_first_and_keeps_to_its_lines():
    profile = build(
        *[trait(f"p{i}") for i in range(6)], trait("n", "negative"), trait("m", "negative", best_support=0.5)
    )
    lines = profile.summary(5)
    assert lines == [*(f"p{i}: good: 50% best (2.0x)" for i in range(4)), "not n: good: 5% best (0.2x)"]
    assert len(profile.summary(20)) == 8
    assert profile.summary(20)[-1].startswith("against: m: good")


def test_markdown_tells_the_evidence():
    text = build(trait("a"), trait("b", "negative")).to_markdown()
    assert "# Ideal customer profile" in text
    assert "| a: good | 50% are best | 2.00 (1.50 to 2.60) | 80 | 90% |" in text
    assert "From 400 mature customers: 100 best, 120 worst; 25% of all are best." in text
    assert "likely" not in text


def test_values_of_strangers_stay_text():
    sly = "industry: <script>alert(1)</script> | [x](http://e.vil) `a` **b** \\| \n# Title ~~s~~"
    text = build(trait("a", sentence=sly)).to_markdown()
    (row,) = [line for line in text.splitlines() if "alert" in line]
    assert "\\<script\\>" in row
    assert "\\[x\\](" in row
    assert "\\\\\\|" in row  # a backslash of theirs does not undo ours
    bare = row.replace("\\\\", "").replace("\\|", "")
    assert bare.count("|") == 6
    assert "\n# Title" not in text


def test_escaping_leaves_plain_text_alone():
    assert escape_markdown("101-500 employees (EU)") == "101-500 employees (EU)"
    assert escape_markdown("a\n\nb\tc") == "a b c"
