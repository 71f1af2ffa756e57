from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.schema import ALIASES, BY_NAME, CATEGORIES, FIELDS, KINDS, field_of_header, header_key


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
    ],
)
def test_known_headers(header, name):
    assert field_of_header(header).name == name


@pytest.mark.parametrize("header", ["", "Favourite colour", "employees_next_year"])
def test_unknown_headers(header):
    assert field_of_header(header) is None


def test_readable_names():
    assert BY_NAME["revenue_usd"].readable == "annual revenue"
    assert BY_NAME["employees"].readable == "employees"
    assert BY_NAME["expansion_usd"].readable == "expansion"
