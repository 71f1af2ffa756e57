from __future__ import annotations

import json
from dataclasses import replace

import pytest

from icp_ml.exceptions import ModelFormatError
from icp_ml.profile import IdealCustomerProfile, compare_profiles
from icp_ml.profile.published import profile_schema
from tests.report_model import make_profile, make_trait


def full():
    return replace(
        make_profile(),
        sold_so_far=(make_trait("country: US", "country", "positive", 1.0),),
        further=(make_trait("uses SAP", "technologies=sap", "positive", 1.2),),
        overrides=(
            {"action": "exclude", "words": 'exclude "x"', "reason": "why", "codes": [3], "log_odds": 0.1 + 0.2},
        ),
        beliefs=({"statement": "a", "believed": "b", "data": "c", "verdict": "confirmed"},),
        new_market={"statement": "big", "sentence": "big: 3 customers.", "difference": [None, 0.1, 1 / 3]},
    )


def test_the_json_reads_back_exactly():
    profile = full()
    back = IdealCustomerProfile.from_json(profile.to_json())
    assert back == profile
    assert back.to_json() == profile.to_json()


def test_older_documents_are_read():
    data = full().to_dict()
    for name in ("kind", "sold_so_far", "further", "overrides", "beliefs", "new_market"):
        del data[name]
    old = IdealCustomerProfile.from_dict({**data, "profile_version": 1})
    assert (old.kind, old.further, old.overrides) == ("derived", (), ())


def test_the_published_schema_is_current(repository):
    """Write it anew with the line in docs/reference/profile.md."""
    text = (repository / "docs" / "reference" / "profile.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(profile_schema()))
    assert set(full().to_dict()) == set(profile_schema()["properties"])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d: d.pop("message"), "message: Field required"),
        (lambda d: d.update(found="perhaps"), "found = 'perhaps'"),
        (lambda d: d.update(kind="guess"), "kind = 'guess': .*'derived' or 'hypothesis'"),
        (lambda d: d.update(profile_version=99), "version 99 is newer than 2"),
        (lambda d: d.update(profile_version="2"), "profile_version = '2'"),
        (lambda d: d.update(fliters=[]), "fliters: unknown key"),
        (lambda d: d["signals"][0].update(lift="high"), r"signals.0.lift = 'high'"),
        (lambda d: d["signals"][0].update(lift=float("nan")), "numbers must be finite"),
        (lambda d: d["signals"][1].pop("term"), r"signals.1.term: Field required"),
        (lambda d: d["filters"].append(3), r"filters.1 = 3"),
        (lambda d: d["filters"][0].update(direction="up"), r"filters.0.direction = 'up'"),
    ],
)
def test_what_is_no_profile_is_said(change, match):
    data = full().to_dict()
    change(data)
    with pytest.raises(ModelFormatError, match=match):
        IdealCustomerProfile.from_dict(data)


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, "3"])
def test_what_is_no_json_object_is_said(text):
    with pytest.raises(ModelFormatError, match="profile is"):
        IdealCustomerProfile.from_json(text)


def test_a_diff_in_words():
    before = make_profile()
    employees, snowflake = before.signals
    stronger = replace(snowflake, lift=3.0, lift_low=2.5, lift_high=3.6)
    redrawn = replace(employees, sentence="51-500 employees", codes=(2, 3))
    after = replace(
        before,
        filters=(),
        signals=(redrawn, stronger, make_trait("uses SAP", "technologies=sap", "positive", 1.3)),
        anti_traits=before.filters,
        overrides=({"words": 'exclude "x"', "reason": "no partner"},),
    )
    said = compare_profiles(before, after)
    assert 'Appeared: "uses SAP" as a signal.' in said
    assert any(s.startswith('Vanished: "industry: Retail') for s in said)
    assert 'Redrawn: "101-500 employees" became "51-500 employees".' in said
    assert 'Moved: "up to 50 employees" was a filter and is now an anti-trait.' in said
    assert 'Strengthened: "uses Snowflake", lift 1.80 (1.53 to 2.16) before and 3.00 (2.50 to 3.60) now.' in said
    assert 'Decided: exclude "x" (no partner).' in said
    assert len(said) == 6
    back = compare_profiles(after, before)
    assert 'Vanished: "uses SAP", which was a signal.' in back
    assert any(s.startswith('Weakened: "uses Snowflake"') for s in back)
    assert 'No longer decided: exclude "x".' in back


def test_what_chance_may_move_is_no_change():
    before = make_profile()
    moved = replace(
        before, signals=tuple(replace(t, lift=t.lift + 0.1, lift_high=t.lift_high + 0.1) for t in before.signals)
    )
    assert compare_profiles(before, moved) == [
        "The same traits; only their numbers moved, by no more than chance would."
    ]
    assert compare_profiles(before, before) == ["The profiles are the same."]
    gone = IdealCustomerProfile(False, "no profile found: too few")
    assert compare_profiles(before, gone)[0] == "There is no profile any more: no profile found: too few."
    assert "hypothesis" in compare_profiles(replace(before, kind="hypothesis"), before)[0]
