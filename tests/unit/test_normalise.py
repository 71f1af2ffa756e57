"""Cells to canonical values: one test per kind, and that a value depends on its own cell alone."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp_ml.accounts.normalise import Normalised, commonest_spellings, normalise_column
from icp_ml.accounts.values.conventions import Convention
from icp_ml.accounts.values.hosts import host_of
from icp_ml.accounts.values.places import country_code
from icp_ml.schema import BY_NAME, KINDS, Field, Kind

CANONICAL: dict[str, pa.DataType] = {
    **dict.fromkeys(("number", "money", "count", "share", "year"), pa.float64()),
    **dict.fromkeys(("category", "country", "place"), pa.dictionary(pa.int32(), pa.string())),
    **dict.fromkeys(("domain", "identifier", "text"), pa.string()),
    "boolean": pa.bool_(),
    "token_set": pa.list_(pa.string()),
    "date": pa.timestamp("s"),
}


def field(kind: Kind, name: str = "own") -> Field:
    return Field(name, kind)


def done(kind: Kind, cells: Sequence[Any], **options: Any) -> Normalised:
    return normalise_column(pa.array(cells), field(kind), **options)


def values(kind: Kind, cells: Sequence[Any], **options: Any) -> list[Any]:
    return list(done(kind, cells, **options).values.to_pylist())


BANDS = {
    "51-200": 125.5, "51 to 200 employees": 125.5, "10,001+": 10_001, "5K-10K": 7_500, "50 - 249": 149.5,
    "1001 to 5000 Employees": 3_000.5, "Freelancer": 1, "$10 to $25 million (USD)": 17_500_000, "$39.1m": 39_100_000,
    "36.9 Million": 36_900_000, "<10": 5, "1,000+": 1_000, "1.5B": 1.5e9, "2,5 Mio": 2_500_000, "2 - 9": 5.5,
    "1,000 - 9,999": 5_499.5, "10000+": 10_000, "1 - 10": 5.5, "$1M - $50M": math.sqrt(50) * 1e6, "51–200": 125.5,
    "Large (1,001-5,000)": 3_000.5, "Over $1 bn.": 1e9, "$5 billion and above": 5e9, "10 000 - 20 000": 15_000,
    "1.234.567,89": 1_234_567.89, "$1,234": 1_234, "USD 5m": 5_000_000, "500-1M": math.sqrt(500 * 1e6),
    "12'500": 12_500, "1e+06": 1e6, " 7.50 ": 7.5, "approx. 50 people": 50, "up to 10": 5, "1-": None, "10-5": None,
    "2024-01-02": None, "many": None, "5 apples": None, "1.2.3.4": None,
}  # fmt: skip


@pytest.mark.parametrize("text", BANDS)
def test_bands_and_amounts(text: str) -> None:
    found = done("money", [text])
    assert found.values.to_pylist() == [BANDS[text] and pytest.approx(BANDS[text])]
    assert found.dropped == (BANDS[text] is None)


@pytest.mark.parametrize("kind", KINDS)
def test_placeholders_are_missing_and_counted(kind: Kind) -> None:
    cells = ["", "unknown", "N/A", " na ", "NULL", "None", "No Info", "Select", "-", "--", "Unknown / Non-Applicable",
             "Not Available", "?", "TBD", "#N/A", "nan", None]  # fmt: skip
    found = done(kind, cells)
    assert found.values.null_count == len(cells)
    assert (found.placeholders, found.dropped) == (len(cells) - 1, 0)
    assert found.values.type == CANONICAL[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_columns_without_a_value_have_the_canonical_type(kind: Kind) -> None:
    for empty in (pa.nulls(3), pa.nulls(3, pa.float64()), pa.array([], pa.string()), pa.nulls(2, pa.timestamp("ms"))):
        found = normalise_column(empty, field(kind))
        assert found.values.type == CANONICAL[kind]
        assert found.values.null_count == len(found.values) == len(empty)


@pytest.mark.parametrize("kind", KINDS)
def test_any_type_of_column_is_normalised_without_error(kind: Kind) -> None:
    columns = [
        pa.array([1, 2, None]), pa.array([1.5, float("nan"), float("inf")]), pa.array([True, None, False]),
        pa.array([dt.datetime(2024, 1, 2), None, dt.datetime(1800, 1, 1)]), pa.array([["a", "b"], None, []]),
        pa.array(["a", None, "1"]).dictionary_encode(), pa.array([1, None, 2]).dictionary_encode(),
        pa.array(["x", "y", None], pa.large_string()),
    ]  # fmt: skip
    for column in columns:
        found = normalise_column(pa.chunked_array([column.slice(0, 1), column.slice(1)]), field(kind))
        assert (len(found.values), found.values.type) == (3, CANONICAL[kind])
        found.values.validate(full=True)


def test_numbers_that_cannot_be_are_missing_with_an_example() -> None:
    for cells in (["-1", "inf", "5", "1e999", "twelve"], [-1.0, math.inf, 5.0, -math.inf, math.nan]):
        found = done("count", cells)
        assert found.values.to_pylist() == [None, None, 5.0, None, None]
    assert done("count", ["-1", "-1", "many"]).examples == (("-1", "is negative"), ("many", "is not a number"))
    assert values("number", ["-1", "(500)"]) == [-1.0, -500.0]
    assert normalise_column(pa.array(["-1"]), BY_NAME["expansion_usd"]).values.to_pylist() == [-1.0]


def test_changed_counts_what_was_interpreted() -> None:
    found = done("count", ["5", "11-50", "11-50", "1,000"])
    assert (found.changed, found.dropped) == (3, 0)
    assert found.examples == (("11-50", "30.5"), ("1,000", "1,000"))


def test_amounts_in_a_currency_of_unknown_worth_are_left_out_rather_than_added_as_dollars() -> None:
    found = done("money", ["€5m", "$5m", "EUR 1"])
    assert found.values.to_pylist() == [None, 5e6, None]
    reason = "is in EUR, not in USD: set fields.currency_rates: {EUR: <US dollars per EUR>}"
    assert found.dropped == 2
    assert ("€5m", reason) in found.examples


def test_shares_become_fractions() -> None:
    assert values("share", ["25%", "0.25", "25", "-10 %", "3", "1.5 percent"]) == [0.25, 0.25, 0.25, -0.1, 3.0, 0.015]
    assert values("share", [0.25, 25.0]) == [0.25, 0.25]
    assert normalise_column(pa.array([95.0, 0.95, 1.4]), BY_NAME["retention_rate"]).values.to_pylist() == [
        0.95,
        0.95,
        1.4,
    ]


def test_unit_of_the_header_applies_only_to_numbers_without_one() -> None:
    assert values("money", ["5,000", "5M"], scale=1000) == [5e6, 5e6]
    assert values("share", ["5", "5%"], scale=0.01) == [0.05, 0.05]


def test_years() -> None:
    cells = ["2009", "2009.0", "Founded in 1998", "1/2/2007", "2011-05-06", "May 2010", "99", "20090101", "3000"]
    assert values("year", cells) == [2009, 2009, 1998, 2007, 2011, 2010, None, None, None]
    assert values("year", [2009, 12, None]) == [2009, None, None]
    assert values("year", [dt.datetime(2009, 5, 1)]) == [2009]


def test_dates() -> None:
    cells = ["2024-02-26 19:58:54", "2024-02-26", "Jan 5, 2024", "05.01.2024", "26/5/17", "2024-02-26T19:58:54+02:00"]
    assert values("date", cells) == [
        dt.datetime(2024, 2, 26, 19, 58, 54), dt.datetime(2024, 2, 26), dt.datetime(2024, 1, 5),
        dt.datetime(2024, 1, 5), dt.datetime(2017, 5, 26), dt.datetime(2024, 2, 26, 17, 58, 54),
    ]  # fmt: skip
    found = done("date", ["4/5/2024", "2024-02-30", "9999-12-31", "soon"])
    assert found.values.null_count == found.dropped == 4
    assert ("4/5/2024", "could be day first or month first") in found.examples
    assert values("date", ["4/5/2024", "13/5/2024"], convention=Convention(day_first=False)) == [
        dt.datetime(2024, 4, 5),
        dt.datetime(2024, 5, 13),
    ]
    assert values("date", ["4/5/2024"], convention=Convention(day_first=True)) == [dt.datetime(2024, 5, 4)]


def test_typed_dates_are_cut_to_seconds() -> None:
    column = pa.array([1_700_000_000_999_999_999, None], pa.timestamp("ns"))
    found = normalise_column(column, field("date"))
    assert found.values.to_pylist() == [dt.datetime(2023, 11, 14, 22, 13, 20), None]


def test_booleans() -> None:
    assert values("boolean", ["Yes", "n", "TRUE", "0", "1.0", "f", "maybe"]) == [
        True,
        False,
        True,
        False,
        True,
        False,
        None,
    ]
    assert values("boolean", [1.0, 0.0, 2.0, None]) == [True, False, None, None]


def test_categories_fold_case_and_white_space_only() -> None:
    found = done("category", [" Computer  Software", "computer software", "STRASSE", "Straße", "532420.0", "n/a"])
    assert found.values.to_pylist() == ["computer software", "computer software", "strasse", "strasse", "532420", None]
    assert found.changed == 0
    assert values("category", [532420.0, 1.5, None]) == ["532420", "1.5", None]


def test_countries() -> None:
    cells = [
        "USA",
        "U.S.",
        "Deutschland",
        "uk",
        "Korea, Republic of",
        "Côte d'Ivoire",
        "fr",
        "Atlantis",
        "The Netherlands",
    ]
    assert values("country", cells) == ["US", "US", "DE", "GB", "KR", "CI", "FR", "atlantis", "NL"]
    assert [country_code(name) for name in ("DEU", "Allemagne", "Türkiye", "Turkey", "EU")] == [
        "DE",
        "DE",
        "TR",
        "TR",
        None,
    ]


def test_domains() -> None:
    cells = [
        "HTTPS://www.Acme.com/about?x=1",
        "acme.com",
        "www.acme.co.uk",
        "jo@acme.io",
        "acme",
        "www.com",
        "http://a.b:80",
    ]
    found = done("domain", cells)
    assert found.values.to_pylist() == ["acme.com", "acme.com", "acme.co.uk", "acme.io", None, "www.com", "a.b"]
    assert found.examples == (("acme", "is not a web address"),)


@given(st.text("aB1.-/:@w?_é ", max_size=24))
def test_fast_and_slow_paths_agree_on_domains(text: str) -> None:
    for address in (text, f"https://{text}", f"www.{text}.com", f"{text}.com/x"):
        if values("text", [address]) != [None]:
            assert values("domain", [address]) == [host_of(address.strip())]


def test_identifiers_are_the_same_from_any_type() -> None:
    assert values("identifier", [123, 7]) == values("identifier", [123.0, 7.0]) == values("identifier", [" 123.0", "7"])
    assert values("identifier", ["007", "a.0", 10.0**15 and "1.50"]) == ["007", "a.0", "1.50"]
    assert values("identifier", [2.0**53, None]) == ["9007199254740992", None]


def test_token_sets() -> None:
    assert values("token_set", ["A; b ;a;;N/A", "x|y", "p, q", None, ";"]) == [
        ["a", "b"],
        ["x", "y"],
        ["p, q"],
        None,
        None,
    ]
    assert values("token_set", ["a/b/A"], delimiter="/") == [["a", "b"]]
    assert values("token_set", [["B", "b ", None], [], None]) == [["b"], None, None]
    known = normalise_column(
        pa.array(["C++, Go", "Acme, Inc.; Go", "* PHP\n* R", "['x', 'y']"]), BY_NAME["technologies"]
    )
    assert known.values.to_pylist() == [["c++", "go"], ["acme", "go"], ["php", "r"], ["x", "y"]]
    assert done("token_set", ["a;a;b"]).notes == ("1 repeated tokens left out",)


def test_commonest_spellings() -> None:
    column = pa.array(["SaaS", "saas", "SaaS", "ERP", None, "n/a", "erp"])
    found = done("category", column)
    assert commonest_spellings(column, found.values, field("category")) == {"erp": "ERP", "saas": "SaaS"}
    tokens = pa.array(["Go;go; Go ", "go;PHP"])
    assert commonest_spellings(tokens, tokens, field("token_set")) == {"go": "Go", "php": "PHP"}
    places = pa.array(["Germany", "Germany", "DE"])
    codes = normalise_column(places, field("country")).values
    assert commonest_spellings(places, codes, field("country")) == {"DE": "Germany"}


CELLS = st.one_of(
    st.none(),
    st.sampled_from(
        [*BANDS, "25%", "Yes", "Acme; B|c", "a;A", "Germany", "https://x.com/y", "2024-01-05", "4/5/24", "n/a"]
    ),
    st.text(max_size=12),
    st.floats().map(str),
    st.integers(-1000, 10**20).map(str),
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_value_depends_on_its_own_cell_alone(kind: Kind, data: st.DataObject) -> None:
    cells = data.draw(st.lists(CELLS, min_size=1, max_size=30))
    column = pa.array(cells, pa.string())
    whole = normalise_column(column, field(kind, "technologies" if kind == "token_set" else "own")).values
    whole.validate(full=True)
    cut = data.draw(st.integers(0, len(cells)))
    target = field(kind, "technologies" if kind == "token_set" else "own")
    halves = [normalise_column(part, target).values.to_pylist() for part in (column.slice(0, cut), column.slice(cut))]
    assert whole.to_pylist() == halves[0] + halves[1]
    backwards = normalise_column(pa.array(cells[::-1], pa.string()), target).values.to_pylist()
    assert whole.to_pylist() == backwards[::-1]
    encoded = normalise_column(column.dictionary_encode(), target).values
    assert encoded.to_pylist() == whole.to_pylist()
    assert encoded.type == CANONICAL[kind]


def test_the_same_rows_give_the_same_bytes_whatever_the_order_of_values() -> None:
    first = done("category", ["b", "a", "c"]).values
    assert first.dictionary.to_pylist() == ["a", "b", "c"]


def test_a_hundred_thousand_distinct_texts_are_no_trouble() -> None:
    cells = pa.array([f"Some text, number {i}" for i in range(100_000)])
    for kind in ("text", "category", "token_set", "count"):
        assert len(normalise_column(cells, field(kind)).values) == 100_000


def test_nulls_never_become_nan() -> None:
    column = pa.array(np.array([1.0, np.nan, np.inf, -np.inf]))
    found = normalise_column(column, field("number")).values
    assert found.null_count == 3
    assert not np.isnan(found.drop_null().to_numpy()).any()
