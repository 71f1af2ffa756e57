"""Every vendor's way of writing a size or an amount, head counts in sentences, currencies."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.accounts.normalise import normalise_column
from icp_ml.accounts.values.bands import midpoint, parse_quantity
from icp_ml.accounts.values.conventions import Convention, convention_of
from icp_ml.accounts.values.headcounts import parse_count, parse_headcount
from icp_ml.accounts.values.money import currency_of_header, plain_text
from icp_ml.schema import BY_NAME, Field

OPEN = None
REVENUE = BY_NAME["revenue_usd"]
ENDS: dict[str, tuple[float | None, float | None]] = {
    # As listed by practitioners.
    "51-200": (51, 200), "51 to 200 employees": (51, 200), "10,001+": (10_001, OPEN), "5K-10K": (5_000, 10_000),
    "50 - 249": (50, 249), "1001 to 5000 Employees": (1_001, 5_000), "Freelancer": (1, 1),
    "36.9 Million": (36.9e6,) * 2,
    "$10 to $25 million (USD)": (10e6, 25e6), "$39.1m": (39.1e6,) * 2,
    # Open ends.
    "$1,000+ million (USD)": (1e9, OPEN), "$1+ billion (USD)": (1e9, OPEN), "Less than $1 million (USD)": (OPEN, 1e6),
    "<10": (OPEN, 10), ">5000": (5_000, OPEN), "over 1000": (1_000, OPEN), "up to 50": (OPEN, 50),
    "12k+": (12_000, OPEN),
    "under $1M": (OPEN, 1e6), "1B+": (1e9, OPEN), "$10,000+": (10_000, OPEN), "10000++": (10_000, OPEN),
    "$5 billion and above": (5e9, OPEN), "1.000+ Mitarbeiter": (1_000, OPEN), "50 or fewer": (OPEN, 50),
    # Magnitudes.
    "$100M-$250M": (100e6, 250e6), "€5 Mio.": (5e6,) * 2, "10 Mio. EUR": (10e6,) * 2, "1,5 Mrd": (1.5e9,) * 2,
    "50 Lakh": (5e6,) * 2, "2 crore": (20e6,) * 2, "5 bn": (5e9,) * 2, "$1.2MM": (1.2e6,) * 2, "500 TEUR": (500e3,) * 2,
    "TEUR 500": (500e3,) * 2, "€ 1-5M": (1e6, 5e6), "$500,000 - $1 Million": (500e3, 1e6), "10M - <25M": (10e6, 25e6),
    "1e6": (1e6,) * 2, "5,00,000": (500e3,) * 2, "$1 bil. - $2.5 bil.": (1e9, 2.5e9), "Rs. 5 crore": (50e6,) * 2,
    # Dashes, spaces, digits and separators of the world.
    "100–199": (100, 199), "100—199": (100, 199), "100 ‑ 199": (100, 199),
    "１００－１９９": (100, 199), "٥٠–٩٩": (50, 99),
    "1.234.567,89": (1_234_567.89,) * 2, "1'234'567": (1_234_567,) * 2, "1 234 567": (1_234_567,) * 2,
    "1\u202f234\u00a0567": (1_234_567,) * 2, "1.001–5.000 employees": (1_001, 5_000), "€1.234": (1_234,) * 2,
    # Words.
    "51-200 Mitarbeiter": (51, 200), "self-employed": (1, 1), "Myself Only": (1, 1), "c. 250": (250, 250),
    "~300": (300, 300), "10 à 49 salariés": (10, 49), "between 50 and 249": (50, 249), "11-50 (LinkedIn)": (11, 50),
    "Large (1,001-5,000)": (1_001, 5_000), "pre-revenue": (0, 0), "(1,200)": (-1_200,) * 2, "-10% to 0%": (-0.1, 0),
}  # fmt: skip


@pytest.mark.parametrize("text", ENDS)
def test_ends_of_bands(text: str) -> None:
    found = parse_quantity(text)
    assert (found.low, found.high) == tuple(None if end is None else pytest.approx(end) for end in ENDS[text])
    low, high = ENDS[text]
    expected = low if high is None else high / 2 if low is None else midpoint(low, high)
    assert found.value == pytest.approx(expected)
    assert found.band == (low != high)


@pytest.mark.parametrize(
    "text",
    [
        "many",
        "5 apples",
        "1.2.3.4",
        "2024-01-02",
        "10-5",
        "1 - 2 - 3",
        "12:30",
        "2nd",
        "3/4",
        "+",
        "1e999",
        "5a",
        "x" * 99,
    ],
)
def test_what_is_no_quantity_is_not_guessed(text: str) -> None:
    assert parse_quantity(text).value is None
    assert parse_quantity(text).reason


def test_midpoints() -> None:
    assert midpoint(1, 10) == 5.5
    assert midpoint(1, 11) == pytest.approx(math.sqrt(11))  # over ten times as much: geometric
    assert midpoint(0, 1_000) == 500


@given(st.text(max_size=40))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for found in (parse_quantity(text), parse_headcount(text), parse_quantity(text, whole=True)):
        assert (found.value is None) == bool(found.reason)
        assert found.value is None or math.isfinite(found.value)
        if found.low is not None and found.high is not None:
            assert found.low <= found.high


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from(["-", " - ", "–", " to ", " bis ", "-$", " — "]))
def test_any_ascending_band_is_read(low: int, more: int, dash: str) -> None:
    found = parse_quantity(f"{low:,}{dash}{low + more:,}")
    assert (found.low, found.high) == (low, low + more)


DATED = {
    "Jan-50": (1, 50), "Nov-50": (11, 50), "10-Nov": (10, 11), "10-Feb": (2, 10), "02-Oct": (2, 10), "9-Feb": (2, 9),
    "1950-11-01 00:00:00": (11, 50), "2024-02-10": (2, 10), "Okt 49": (10, 49), "2-Feb": None, "Nov-2050": None,
    "2024-02-10 12:30": None,
}  # fmt: skip


@pytest.mark.parametrize("text", DATED)
def test_bands_that_a_spreadsheet_made_dates_are_restored(text: str) -> None:
    found = parse_count(text)
    assert (None if found.value is None else (found.low, found.high)) == DATED[text]
    assert parse_quantity(text).value is None  # of counts only


SENTENCES = {
    "We are a team of about 45 people in 6 countries.": (45, 45), "200+ (as of January 2020)": (200, None),
    "Over 850 team members.": (850, None), "Less than 10 (as of July 2020)": (None, 10), "125 and growing": (125, 125),
    "~100 currently (5/3/2019) and growing": (100, 100), "Four-member team": (4, 4),
    "[60+ team members][2]": (60, None),
    "Approximately 1001-5000 employees worldwide, founded in 2009": (1_001, 5_000),
    "Currently 3500-4000 Zuppers": (3_500, 4_000),
    "20-50, see our friendly faces [here](https://x.com/12/about)": (20, 50),
    "As of 2021 they employ 40 people": (40, 40),
    "A small, focused team.": None, "Founded in 2009": None, "20-50, 50-100 or 100-200, choose one": (20, 50),
}  # fmt: skip


@pytest.mark.parametrize("text", SENTENCES)
def test_head_counts_in_sentences(text: str) -> None:
    found = parse_headcount(text)
    assert (None if found.value is None else (found.low, found.high)) == SENTENCES[text]


def test_sentences_are_read_for_employees_only() -> None:
    cells = pa.array(["Over 850 team members.", "Nov-50"])
    assert normalise_column(cells, BY_NAME["employees"]).values.to_pylist() == [850.0, 30.5]
    assert normalise_column(cells, BY_NAME["open_jobs"]).values.to_pylist() == [None, 30.5]
    assert normalise_column(cells, BY_NAME["revenue_usd"]).values.to_pylist() == [None, None]


CURRENCIES = {
    "$5m": "USD", "US$ 5m": "USD", "€5": "EUR", "5 Mio. EUR": "EUR", "HK$5m": "HKD", "£1bn": "GBP", "kr 5m": "SEK",
    "CHF 12'000": "CHF", "5M": "", "2 crore": "", "Rs. 5 lakh": "INR", "R$ 5 mio": "BRL", "5.000 zł": "PLN",
}  # fmt: skip


@pytest.mark.parametrize("text", CURRENCIES)
def test_currencies(text: str) -> None:
    assert parse_quantity(text).currency == CURRENCIES[text]
    assert parse_quantity(text).value is not None


def test_a_currency_sign_that_was_decoded_wrongly_is_mended() -> None:
    assert normalise_column(pa.array(["Â£5m"]), REVENUE, rates={"GBP": 2.0}).values.to_pylist() == [10e6]


def test_currencies_of_headers() -> None:
    assert currency_of_header("Umsatz (TEUR)") == "EUR"
    assert currency_of_header("revenue_gbp") == "GBP"
    assert currency_of_header("Annual Revenue") == ""
    assert currency_of_header("USD or EUR") == ""


def test_plain_text_is_idempotent() -> None:
    for text in ENDS:
        assert plain_text(plain_text(text)) == plain_text(text)


def amounts(cells: list[str | float | None], header: str = "Revenue", **rates: float) -> list[float | None]:
    column = pa.array(cells)
    convention, _ = convention_of(column, REVENUE, header, rates=rates)
    return list(normalise_column(column, REVENUE, convention=convention, rates=rates).values.to_pylist())


def test_rates_turn_amounts_into_dollars() -> None:
    assert amounts(["€10m", "$5m", "7000000"], EUR=1.1) == pytest.approx([11e6, 5e6, 7e6])
    assert amounts([10.0, 20.0], "Revenue (EUR)", EUR=1.1) == pytest.approx([11.0, 22.0])
    assert amounts(["€10m", "€5m", "1000000"], EUR=2.0) == pytest.approx([20e6, 10e6, 2e6])  # most say euros


def test_without_a_rate_a_column_stays_in_its_own_currency_and_others_are_left_out() -> None:
    column = pa.array(["€10m", "€5m", "$3m", "2000000"])
    convention, notes = convention_of(column, REVENUE, "Revenue")
    assert (convention.currency, convention.unit) == ("EUR", "EUR")
    found = normalise_column(column, REVENUE, convention=convention)
    assert found.values.to_pylist() == [10e6, 5e6, None, 2e6]
    assert (found.dropped, found.foreign) == (1, 1)
    assert notes[0] == "amounts in EUR 75%, USD 25%"
    assert "set fields.currency_rates: {EUR: <US dollars per EUR>}" in notes[1]
    assert notes[2].startswith("amounts in USD are left out")


def test_a_list_in_another_currency_is_never_taken_as_the_customers() -> None:
    trained, _ = convention_of(pa.array(["€10m", "€5m"]), REVENUE, "Revenue")
    there, _ = convention_of(pa.array(["$3m", "$4m"]), REVENUE, "Revenue", like=trained)
    assert there.unit == "EUR"
    assert normalise_column(pa.array(["$3m", "€4m"]), REVENUE, convention=there).values.to_pylist() == [None, 4e6]


def test_conventions_survive_being_saved() -> None:
    kept = Convention(True, "sas", "EUR", "EUR", ("none",))
    assert Convention.from_dict(kept.to_dict()) == kept
    assert Convention().to_dict() == {}
    for bad in ({"unit": "X"}, {"serial": "x"}, {"day_first": 3}):
        with pytest.raises(ValueError, match="no convention"):
            Convention.from_dict(bad)


def test_an_own_column_of_money_has_its_currency_too() -> None:
    own = Field("deal_size", "money")
    convention, notes = convention_of(pa.array(["£1m", "£2m", "$3m"]), own, "Deal size", rates={"GBP": 1.25})
    assert (convention.currency, convention.unit) == ("GBP", "USD")
    assert notes == ("amounts in GBP 67%, USD 33%",)
