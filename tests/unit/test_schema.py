from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.schema import ALIASES, BY_NAME, CATEGORIES, FIELDS, KINDS, alias_key, field_of_header, header_key
from tests.fields_page import PAGE, fields_page


def test_names_are_unique_and_snake_case():
    assert len(BY_NAME) == len(FIELDS)
    assert all(header_key(f.name) == f.name for f in FIELDS)
    assert "ignore" not in BY_NAME  # a word of the settings


def test_no_spelling_names_two_fields():
    claims = {}
    for field in FIELDS:
        for spelling in (field.name, *field.aliases):
            assert claims.setdefault(header_key(spelling), field.name) == field.name, spelling
    assert claims == dict(ALIASES)


def test_kinds_categories_and_roles_are_known():
    for field in FIELDS:
        assert field.kind in KINDS
        assert field.category in CATEGORIES
        assert (field.outcome is not None) == (field.role == "outcome")


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (" # Employees ", "num_employees"),
        ("Billing State/Province", "billing_state_province"),
        ("NumberOfEmployees", "number_of_employees"),
        ("Chiffre d’affaires", "chiffre_d_affaires"),
        ("Employés", "employes"),
        ("NRR (12m)", "nrr_12m"),
        ("LinkedIn Company Page", "linkedin_company_page"),
        ("Straße", "strasse"),
        ("", ""),
        ("***", ""),
    ],
)
def test_header_keys(header, key):
    assert header_key(header) == key


@given(st.text(max_size=40))
def test_folding_a_header_twice_changes_nothing(header):
    key = header_key(header)
    assert header_key(key) == key
    assert header_key(f"  {header}  ") == key


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("# Employees", "employees"),
        ("EMPLOYEES", "employees"),
        ("annual-revenue", "revenue_usd"),
        ("Website", "domain"),
        ("Technologies", "technologies"),
        ("Customer Since", "customer_since"),
        ("nps", "nps"),
        ("revenue_usd", "revenue_usd"),
        ("NumberOfEmployees", "employees"),
        ("numberofemployees", "employees"),
        ("BillingCountryCode", "country"),
        ("Total_Funding__c", "total_funding_usd"),
        ("DSCORGPKG__Company_HQ_City__c", "city"),
        ("company.metrics.employeesRange", "employees"),
        ("properties.annualrevenue", "revenue_usd"),
        ("Annual Revenue (in USD)", "revenue_usd"),
        ("Est. IT Department Budget (in 000s USD)", "it_spend_usd"),
        ("Company Employee Growth 1 Year (%)", "employee_growth_rate"),
    ],
)
def test_known_headers(header, name):
    assert field_of_header(header).name == name


@pytest.mark.parametrize(
    "header",
    ["", "Favourite colour", "employees_next_year", "Revenue", "Type", "Size", "Employees (Single Site)", "owner.name"],
)
def test_unknown_headers(header):
    assert field_of_header(header) is None


def test_readable_names():
    assert BY_NAME["revenue_usd"].readable == "annual revenue"
    assert BY_NAME["employees"].readable == "employees"
    assert BY_NAME["expansion_usd"].readable == "expansion"


def test_units():
    assert BY_NAME["revenue_usd"].unit == "USD"
    assert BY_NAME["employee_growth_rate"].unit == "fraction"
    assert BY_NAME["tenure_days"].unit == "days"
    assert BY_NAME["industry"].unit == BY_NAME["employees"].unit == ""


def test_there_are_fields_of_every_category_before_the_sale():
    before = [field for field in FIELDS if field.role != "outcome"]
    assert len(before) >= 40
    assert {field.category for field in before if field.role == "feature"} == set(CATEGORIES)


@given(st.text(max_size=40))
def test_a_header_without_a_field_has_no_key(header):
    assert (alias_key(header) in ALIASES) == (field_of_header(header) is not None)


def test_the_reference_page_lists_the_fields_as_they_are():
    assert PAGE.read_text(encoding="utf-8") == fields_page(), "run  python -m tests.fields_page  to write it anew"
