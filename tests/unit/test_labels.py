from __future__ import annotations

import numpy as np
import pytest

from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.labels import codes_words, range_words, statement, value_words


def numeric(edges, form="number", field="x", label="x"):
    return FieldEncoding(field, "numeric", form, label, edges=np.asarray(edges, dtype=float))


def term(enc, token=0):
    return Encoding((enc,)).terms[token]


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("money", 0, "$0"),
        ("money", 950, "$950"),
        ("money", 1_000, "$1K"),
        ("money", 12_345, "$12.3K"),
        ("money", 999_999, "$1M"),
        ("money", 999_400, "$999K"),
        ("money", -2_500_000, "-$2.5M"),
        ("money", 3.2e9, "$3.2B"),
        ("money", 4e15, "$4,000T"),
        ("share", 0.25, "25%"),
        ("share", 0.07, "7%"),
        ("share", -0.125, "-12.5%"),
        ("share", 3.0, "300%"),
        ("share", 9.9996, "1,000%"),
        ("year", 2015.0, "2015"),
        ("count", 12_345.0, "12,345"),
        ("number", 0, "0"),
        ("number", 999.7, "1,000"),
        ("number", 3.14159, "3.14"),
        ("number", 1234.5, "1,234"),
        ("date", 1, "1 day ago"),
        ("date", 45, "45 days ago"),
        ("date", 120, "4 months ago"),
        ("date", 800, "2 years ago"),
    ],
)
def test_values_in_words(form, value, expected):
    assert value_words(form, value) == expected


@pytest.mark.parametrize("form", ["money", "share", "count", "number", "year", "date"])
def test_no_value_is_written_with_an_exponent(form):
    for value in np.concatenate([-np.logspace(0, 12, 80), np.logspace(-2, 12, 200)]):
        assert "e+" not in value_words(form, float(value))


@pytest.mark.parametrize(
    ("form", "edges", "codes", "expected"),
    [
        ("count", [0, 100, 500, 1000], (3, 3), "101-500"),
        ("count", [0, 100, 500, 1000], (2, 2), "up to 100"),
        ("count", [0, 100, 500, 1000], (3, 4), "101 or more"),
        ("count", [0, 100, 500, 1000], (2, 4), "any known value"),
        ("count", [0, 30.5, 125.5, 1000], (3, 3), "31-125"),
        ("count", [0, 125, 125.5, 1000], (3, 3), "125"),
        ("count", [0, 4, 5, 9], (3, 3), "5"),
        ("money", [0, 1e6, 5e6, 1e9], (3, 3), "$1M-$5M"),
        ("money", [0, 1e6, 5e6, 1e9], (4, 4), "over $5M"),
        ("share", [-1, 0.1, 0.25, 2], (3, 3), "10%-25%"),
        ("share", [-1, 0.1, 0.25, 2], (2, 2), "up to 10%"),
        ("year", [1900, 2009, 2015, 2026], (3, 3), "2010-2015"),
        ("year", [1900, 2009, 2015, 2026], (4, 4), "2016 or more"),
        ("number", [0, 1, 2, 3], (3, 3), "2"),
        ("number", [0, 1.5, 2.5, 3], (3, 3), "1.5-2.5"),
        ("date", [0, 90, 365, 4000], (2, 2), "in the last 3 months"),
        ("date", [0, 90, 365, 4000], (3, 3), "3 to 12 months ago"),
        ("date", [0, 400, 405, 4000], (3, 3), "13 months ago"),
        ("date", [0, 90, 730, 4000], (4, 4), "2 years ago or earlier"),
    ],
)
def test_ranges_in_words(form, edges, codes, expected):
    assert range_words(numeric(edges, form), *codes) == expected


def test_sets_in_words():
    category = term(
        FieldEncoding("industry", "category", label="industry", values=tuple("abcdef"), spellings=tuple("ABCDEF"))
    )
    assert codes_words(category, [3]) == "A"
    assert codes_words(category, [3, 4]) == "A or B"
    assert codes_words(category, [3, 4, 5]) == "A, B or C"
    assert codes_words(category, range(3, 9)) == "A, B, C, D or 2 more"
    assert codes_words(category, [1]) == "a value no customer has"
    assert codes_words(category, [2]) == "a rare value"
    assert statement(category, [3, 5]) == "industry: A or C"
    assert statement(category, [0]) == "industry not known"


def test_tokens_and_booleans_in_words():
    tech = term(
        FieldEncoding("technologies", "tokens", label="technologies", values=("x", "y"), spellings=("X", "Y")), 1
    )
    assert statement(tech, [2]) == "uses Y"
    assert statement(tech, [1]) == "does not use Y"
    own = term(FieldEncoding("badges", "tokens", label="badges", values=("x",), spellings=("X",)))
    assert statement(own, [2]) == "badges: X"
    assert statement(own, [1]) == "badges: no X"
    flag = term(FieldEncoding("public", "boolean", label="public"))
    assert [statement(flag, [c]) for c in (0, 1, 2)] == ["public not known", "public: no", "public: yes"]


@pytest.mark.parametrize(
    ("enc", "expected"),
    [
        (numeric([0, 100, 500, 1000], "count", "employees", "employees"), "101-500 employees"),
        (numeric([0, 1e6, 5e6, 1e9], "money", "revenue_usd", "annual revenue"), "annual revenue: $1M-$5M"),
        (numeric([1900, 2009, 2015, 2026], "year", "founded_year", "founded"), "founded 2010-2015"),
        (numeric([0, 90, 365, 999], "date", "d", "latest funding"), "latest funding 3 to 12 months ago"),
    ],
)
def test_statements_of_ranges(enc, expected):
    assert statement(term(enc), [3]) == expected


@pytest.mark.parametrize(
    ("form", "edges", "codes", "expected"),
    [
        ("age", [-1, 4, 15, 60], (2, 2), "founded in the last 4 years"),
        ("age", [-1, 4, 15, 60], (3, 3), "founded 5 to 15 years ago"),
        ("age", [-1, 4, 15, 60], (4, 4), "founded 16 years ago or earlier"),
        ("age", [-1, 0, 1, 60], (2, 2), "founded this year"),
        ("age", [-1, 0, 1, 60], (3, 3), "founded 1 year ago"),
        ("age", [-1, 1, 9, 60], (2, 2), "founded in the last year"),
        ("date", [-1, 91, 365, 4000], (2, 2), "founded in the last 3 months"),
        ("date", [-1, 91, 365, 4000], (3, 3), "founded 3 to 12 months ago"),
        ("date", [-1, 91, 365, 731, 4000], (4, 4), "founded 12 months to 2 years ago"),
        ("date", [-1, 731, 1826, 4000], (3, 3), "founded 2 to 5 years ago"),
        ("date", [-1, 30, 91, 4000], (2, 2), "founded in the last month"),
        ("date", [-1, 30, 91, 4000], (4, 4), "founded 3 months ago or earlier"),
    ],
)
def test_spans_of_time_in_words(form, edges, codes, expected):
    enc = numeric(edges, form, "founded_year", "founded")
    assert statement(term(enc), list(codes)) == expected


def test_own_ages_in_words():
    assert [value_words("age", years) for years in (0.0, 1.0, 12.0)] == ["this year", "1 year ago", "12 years ago"]
    assert [value_words("date", days) for days in (30, 122, 365, 1096)] == [
        "1 month ago", "4 months ago", "12 months ago", "3 years ago",
    ]  # fmt: skip


def test_a_word_of_a_text_is_quoted():
    def said(name, codes, label="pitch"):
        enc = FieldEncoding(
            name, "tokens", "text", label, values=("machine learning",), spellings=("machine learning",)
        )
        return statement(term(enc), codes)

    assert said("description", [2], "description") == 'description mentions "machine learning"'
    assert said("description", [1], "description") == 'description does not mention "machine learning"'
    assert said("job_posting_text", [2]) == 'job postings mention "machine learning"'
    assert said("pitch", [2]) == 'pitch mentions "machine learning"'
    assert said("pitch", [0]) == "pitch not known"
