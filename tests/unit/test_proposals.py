"""Guesses for columns that no spelling matches: what speaks for them, what against, and that none is ever used."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from icp_ml.accounts import read_accounts
from icp_ml.accounts.headers.proposals import Proposal, proposals_note, propose_fields
from icp_ml.accounts.headers.spellings import QUESTIONS, SHORT_FORMS, TRANSLATED
from icp_ml.schema import ALIASES, BY_NAME, header_key

ROWS = 60
BANDS = ["11-50", "51-200", "201-500", "501-1,000"]
WORDS = ["alpha", "beta", "gamma"]
COUNTRIES = ["Germany", "France", "Japan", "Brazil"]
OWNERSHIP = ["Privately Held", "Public Company", "Nonprofit"]


def table(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({name: [cells[row % len(cells)] for row in range(ROWS)] for name, cells in columns.items()})


def guess(header: str, cells: list[Any], **others: list[Any]) -> Proposal | None:
    accounts = read_accounts(table(**{"Key X": [f"k{row}" for row in range(ROWS)], header: cells, **others}))
    assert all(report.how == "own name" for report in accounts.report.columns if report.header == header)
    return next((p for p in propose_fields(accounts, at_least=0.0) if p.header == header), None)


@pytest.mark.parametrize(
    ("header", "cells", "field", "why"),
    [
        ("Empl. Range", BANDS, "employees", "short forms written out"),
        ("Emploees", BANDS, "employees", "resembles"),
        ("Mitarbeiter", BANDS, "employees", "'mitarbeiter' is German"),
        ("Land", COUNTRIES, "country", "values are countries"),
        ("País", COUNTRIES, "country", "is Spanish"),
        ("Straße", [f"Weg {n}" for n in range(ROWS)], "street", "'strasse' is German"),
        ("ZI Revenue", ["$1M-$5M", "$5M-$10M"], "revenue_usd", "values are bands of money"),
        ("Clay: Tech Stack", ["SAP; Slack", "Slack; Jira", "SAP"], "technologies", "the header says"),
        ("acct_industry", ["Banking", "Retail", "Software"], "industry", "values are industries"),
        ("Wbsite", [f"https://www.a{n}.com/x" for n in range(ROWS)], "domain", "values are web addresses"),
        ("Yr Founded", [1999, 2004, 2015], "founded_year", "values are years"),
        ("Kunde seit", ["2020-01-05", "2021-02-06"], "customer_since", "is German"),
    ],
)
def test_what_a_column_may_be(header: str, cells: list[Any], field: str, why: str) -> None:
    found = guess(header, cells)
    assert found is not None
    assert (found.field, found.question) == (field, "")
    assert why in found.why
    assert 0.7 <= found.confidence < 1


@pytest.mark.parametrize(
    "header",
    ["Contact City", "Owner Email", "Product Name", "Employee Satisfaction", "Number of Countries", "Country Manager",
     "County", "Health Score", "has_company", "Last Modified", "Sessions", "Employees Trained", "Parent Country"],
)  # fmt: skip
def test_what_is_no_field_is_not_guessed(header: str) -> None:
    for cells in (WORDS, [3, 5, 8, 13]):
        found = guess(header, cells)
        assert found is None or (found.confidence < 0.7 and not found.question)


def test_values_that_contradict_lower_the_confidence_and_say_so() -> None:
    fitting, against = guess("Empl. Range", BANDS), guess("Empl. Range", WORDS)
    assert fitting is not None
    assert against is not None
    assert fitting.confidence > 0.9 > 0.5 > against.confidence
    assert against.why.endswith("but values look like a few words")


def test_values_alone_may_tell() -> None:
    found = guess("Where", COUNTRIES)
    assert found == Proposal("Where", "country", found.confidence if found else 0.0, "values are countries")
    mails = guess("Reach", [f"a{n}@b{n}.com" for n in range(ROWS)])
    assert mails is None or mails.field != "domain"


@pytest.mark.parametrize(
    ("header", "cells", "field", "least"),
    [
        ("Size", BANDS, "employees", 0.7),
        ("Type", OWNERSHIP, "company_type", 0.7),
        ("Revenue", [12_000, 48_000, 7_000], "revenue_usd", 0.5),
        ("Revenue", ["$1M-$5M", "$5M-$10M"], "revenue_usd", 0.7),
        ("Region", ["Ohio", "Texas", "Utah"], "state", 0.7),
        ("Contract End Date", ["2026-01-05", "2027-02-03"], "churn_date", 0.5),
    ],
)
def test_headers_that_mean_different_things_are_asked_about(
    header: str, cells: list[Any], field: str, least: float
) -> None:
    found = guess(header, cells)
    assert found is not None
    assert (found.field, found.question.startswith("is it ")) == (field, True)
    assert found.confidence >= least


def test_values_answer_against_a_question() -> None:
    relation = guess("Type", ["Customer - Direct", "Prospect", "Former Customer"])
    assert relation is not None
    assert (relation.field, relation.others) == ("customer_status", ())
    assert guess("Size", ["red", "blue"]) is None
    revenue = guess("Revenue", [1.0, 2.5])
    assert revenue is not None
    assert revenue.others == ("annual_revenue_from_customer_usd",)


def test_a_number_of_customers_in_german_is_their_id() -> None:
    found = guess("Kundennummer", [f"K-{row:05d}" for row in range(ROWS)])
    assert found is not None
    assert found.field == "account_id"


def test_a_field_is_guessed_once_and_never_one_that_is_taken() -> None:
    assert guess("Empl. Range", BANDS, Employees=[5, 6]) is None
    accounts = read_accounts(table(**{"Key X": WORDS, "Emploees": BANDS, "Mitarbeiter": BANDS}))
    assert [(p.header, p.field) for p in propose_fields(accounts)] == [("Mitarbeiter", "employees")]


def test_guesses_are_noted_but_not_used() -> None:
    frame = table(**{"Account ID": [f"k{row}" for row in range(ROWS)], "Empl. Range": BANDS, "Type": OWNERSHIP})
    accounts = read_accounts(frame)
    assert "employees" not in accounts.fields
    assert accounts.report.notes == (
        "2 columns look like known fields but were not used as such: 'Empl. Range' (employees?), "
        "'Type' (company_type?); settings written by  icp-ml init  hold a line for each",
    )
    assert proposals_note([]) == ""
    many = [Proposal(f"h{n}", "employees", 0.8, "") for n in range(7)]
    assert " and 2 more;" in proposals_note(many)
    assert many[0].to_dict()["others"] == []


def test_guesses_depend_neither_on_the_order_of_rows_nor_of_columns() -> None:
    frame = table(**{"Key X": [f"k{row}" for row in range(ROWS)], "Land": COUNTRIES, "Empl. Range": BANDS,
                     "Branche": ["Banking", "Retail"], "Type": OWNERSHIP})  # fmt: skip
    expected = {p.header: p for p in propose_fields(read_accounts(frame))}
    assert len(expected) == 4
    shuffled = frame.sample(frac=1, random_state=3)[random.Random(1).sample(list(frame.columns), frame.shape[1])]
    assert {p.header: p for p in propose_fields(read_accounts(shuffled))} == expected


def test_the_words_refer_to_fields() -> None:
    assert set(TRANSLATED) <= set(BY_NAME)
    for key, question in QUESTIONS.items():
        assert header_key(key) == key
        # what the values or the columns beside it can settle is asked about only where they do not
        assert key not in ALIASES or key in {"stage", "account_status", "close_date", "closed_date", "closed_at"}
        assert set(question.fields) <= set(BY_NAME)
        assert question.text.endswith(("?", "estimate"))
    assert all(header_key(word) == word for pair in SHORT_FORMS.items() for word in pair)
    for languages in TRANSLATED.values():
        for spellings in languages.values():
            assert all(header_key(spelling) == spelling for spelling in spellings.split())


def test_strange_headers_and_values_are_no_trouble() -> None:
    frame = pd.DataFrame({"": [None] * 3, "___": ["", "x", "\x00"], "会社": ["a", "b", "c"], "#": [1, 2, 3],
                          "__c": [[1], [2], None], "e" * 5000: ["y"] * 3, "%": ["1%", "2%", "3%"]})  # fmt: skip
    assert all(0 <= p.confidence <= 1 for p in propose_fields(read_accounts(frame), at_least=0.0))
