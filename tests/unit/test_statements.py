from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from icp_ml.exceptions import SettingsError
from icp_ml.schema import BY_NAME, Field
from icp_ml.settings import Settings
from icp_ml.statements import Override, Statement
from icp_ml.strategy.meanings import codes_of, field_named, meaning_of
from icp_ml.strategy.refining import encoding_of

AS_OF = date(2026, 10, 1)


def meaning(data, as_of=AS_OF):
    said = Statement.model_validate(data)
    return meaning_of(said, field_named(said.field, Settings()), as_of)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("employees > 500", {"field": "employees", "over": "500"}),
        ("employees >= 101", {"field": "employees", "at_least": "101"}),
        ("employees < 50", {"field": "employees", "under": "50"}),
        ("country in US, Canada", {"field": "country", "in": ["US", "Canada"]}),
        ("technologies has Google Analytics", {"field": "technologies", "has": "Google Analytics"}),
        ("has_api is true", {"field": "has_api", "is": True}),
    ],
)
def test_a_line_of_text_is_a_statement(text, same):
    assert Statement.model_validate(text) == Statement.model_validate(same)
    assert Statement.model_validate(Statement.model_validate(same).text) == Statement.model_validate(same)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("employees about 500", "write a field, a sign and a value"),
        ({"field": "employees"}, "say which values of 'employees' are meant"),
        ({"field": "employees", "over": 5, "has": "x"}, "in one way"),
        ({"field": "employees", "over": 5, "from": 6}, "give over or at_least, not both"),
        ({"field": "employees", "to": 5, "up_to": 6}, "a bound is given twice"),
        ({"field": "country", "in": ["SE", False]}, "put it in quotes, such as 'NO'"),
        ({"field": "country", "in": ["SE"], "points": 3}, "Extra inputs"),
    ],
)
def test_what_is_no_statement_is_said(data, match):
    with pytest.raises(ValidationError, match=match):
        Statement.model_validate(data)


@pytest.mark.parametrize(
    ("data", "low", "high"),
    [
        ({"field": "employees", "over": 100, "up_to": 500}, 100, 500),
        ({"field": "revenue_usd", "over": "$10M"}, 1e7, None),
        ({"field": "employee_growth_rate", "up_to": "25%"}, None, 0.25),
        ({"field": "last_funding_date", "up_to": "18 months"}, None, 18 * 30.4375),
        ({"field": "founded_year", "over": 2011}, None, 14.5),  # 2012 and later: at most 14 years ago
        ({"field": "founded_year", "up_to": 2011}, 14.5, None),
        ({"field": "founded_year", "up_to": "10 years"}, None, 10.0),
    ],
)
def test_bounds_are_read_as_people_write_them(data, low, high):
    found = meaning(data)
    assert (found.low, found.high) == (low, high)


def test_from_and_to_are_both_inside():
    found = meaning({"field": "employees", "from": 101, "to": 500})
    assert found.low is not None
    assert found.low < 101 <= found.high
    assert found.low > 100.99


def test_years_stay_years_where_no_day_is_known():
    found = meaning({"field": "founded_year", "from": 2012}, None)
    assert (found.form, found.high) == ("year", None)
    assert found.low is not None
    assert 2011 < found.low < 2012


def test_values_are_the_fields_own():
    assert meaning({"field": "country", "in": ["Deutschland", "US"]}).values == ("DE", "US")
    assert meaning({"field": "industry", "in": "SaaS"}).kind == "category"
    assert meaning({"field": "technologies", "has": "Google  Analytics"}).values == ("google analytics",)
    assert meaning({"field": "description", "has": "Machine Learning"}).values == ("machine learning",)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ({"field": "emploees", "over": 5}, "'emploees' is no field; did you mean employees"),
        ({"field": "nps", "over": 5}, "'nps' is an outcome, known only after the sale"),
        ({"field": "domain", "in": ["a.com"]}, "no property to score by"),
        ({"field": "employees", "in": ["5"]}, "'employees' is a count and takes bounds, such as"),
        ({"field": "country", "over": 5}, r"'country' is a country and takes values, such as  in:"),
        ({"field": "technologies", "in": ["x"]}, "token set and takes one token"),
        ({"field": "country", "in": ["Atlantis"]}, "'Atlantis' is no country"),
        ({"field": "employees", "over": "many"}, "'many' is no count"),
        ({"field": "employees", "over": float("inf")}, "is no number to compare with"),
        ({"field": "employees", "over": 500, "up_to": 100}, "no value lies within these bounds"),
        ({"field": "employee_growth_rate", "over": 25}, r"is a share: write 25% in quotes, or 0.25"),
        ({"field": "last_funding_date", "up_to": "soon"}, "'soon' is no age; write a span such as 18 months"),
        ({"field": "description", "has": "one two three"}, "a word or a phrase of two words"),
    ],
)
def test_what_a_field_does_not_hold_is_said(data, match):
    with pytest.raises(SettingsError, match=match):
        meaning(data)


def test_a_date_needs_the_day_it_is_measured_to():
    with pytest.raises(SettingsError, match="give as_of"):
        meaning({"field": "last_funding_date", "up_to": "18 months"}, None)


def test_a_wider_industry_code_stands_for_its_narrower_ones():
    whole, part = meaning({"field": "naics_code", "in": ["51"]}), meaning({"field": "naics_code", "in": ["5112"]})
    encoding = encoding_of([whole, part])
    found = codes_of(encoding, whole)
    assert found is not None
    assert [encoding.terms[0].encoding.values[c - 3] for c in found[1]] == ["51", "5112"]


def test_fields_of_ones_own_are_known_by_the_settings():
    settings = Settings.build({"fields": {"custom": [{"name": "gpu_spend_usd", "kind": "money"}]}})
    assert field_named("gpu_spend_usd", settings).kind == "money"
    assert field_named("mood", settings, {"mood": Field("mood", "category")}).kind == "category"
    assert field_named("employees", settings) is BY_NAME["employees"]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ({"exclude": "country in US"}, "reason"),
        ({"exclude": "country in US", "reason": "no"}, "at least 3 characters"),
        ({"raise": "country in US", "reason": "why not"}, "say by how much to raise"),
        ({"raise": "country in US", "points": 1, "log_odds": 1, "reason": "why not"}, "one of both"),
        ({"exclude": "country in US", "points": 1, "reason": "why not"}, "an exclusion has no points"),
        ({"raise": "country in US", "lower": "country in CA", "reason": "why not"}, "say one of raise, lower"),
    ],
)
def test_an_override_says_what_how_much_and_why(data, match):
    with pytest.raises(ValidationError, match=match):
        Override.model_validate(data)


def test_settings_keep_overrides_as_they_were_written():
    said = {"profile": {"overrides": [{"raise": "country in US", "points": 2, "reason": "home", "by": "CEO"}],
                        "new_market": "employees > 500"},
            "model": {"hypothesis": {"file": "h.yaml"}}}  # fmt: skip
    settings = Settings.build(said)
    assert settings.profile.overrides[0].action == "raise"
    assert Settings.parse(settings.to_yaml()) == settings
    assert settings.hash != Settings().hash
    with pytest.raises(SettingsError, match=r"profile.overrides.0.reason"):
        Settings.build({"profile": {"overrides": [{"raise": "country in US", "points": 2}]}})
    with pytest.raises(SettingsError, match=r"named under profile\.filters and under profile\.signals"):
        Settings.build({"profile": {"filters": ["country"], "signals": ["country"]}})
