"""Dates of any common order, and what is decided for a column and for a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.accounts import ListNormaliser, read_accounts
from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.formats.rows import Chunk
from icp_ml.accounts.normalise import normalise_column
from icp_ml.accounts.values.conventions import Convention, convention_of
from icp_ml.accounts.values.dates import day_first_order, parse_date, serial_of
from icp_ml.model import ICPModel
from icp_ml.schema import BY_NAME, Field
from icp_ml.settings import Settings

RAISED = BY_NAME["last_funding_date"]
JANUARY_12 = [
    "2024-01-12", "2024/1/12", "12 Jan 2024", "January 12, 2024", "Jan 12 2024", "12-Jan-24", "12Jan2024",
    "2024-Jan-12",
    "20240112", "12.01.2024", "12. 1. 2024", "12.1.24", "12. Januar 2024", "12 janvier 2024", "le 12 janvier 2024",
    "12 de enero de 2024", "12 gennaio 2024", "12 de janeiro de 2024", "12 januari 2024", "Friday, January 12, 2024",
    "Freitag, 12. Januar 2024", "1705017600", "1705017600000", "1705017600000000", "January 12th, 2024",
    "Fri Jan 12 00:00:00 UTC 2024", "2024-01-12T00:00:00.000Z", "2024-01-12 01:00 CET", "2024-01-11 19:00 EST",
    "Fri, 12 Jan 2024 00:00:00 +0000", "Fri Jan 12 2024 01:00:00 GMT+0100 (CET)", "2024-01-12T05:30:00+05:30",
]  # fmt: skip


@pytest.mark.parametrize("text", JANUARY_12)
def test_one_day_in_many_spellings(text: str) -> None:
    assert parse_date(text) == (dt.datetime(2024, 1, 12), "")


PERIODS = {
    "2024-03": (2024, 3), "Mar 2024": (2024, 3), "März 2024": (2024, 3), "mars 2024": (2024, 3), "Mar-24": (2024, 3),
    "3/2024": (2024, 3), "Q3 2024": (2024, 7), "2024 Q3": (2024, 7), "2024Q3": (2024, 7), "H2 2024": (2024, 7),
    "2024": (2024, 1),
}  # fmt: skip


@pytest.mark.parametrize("text", PERIODS)
def test_a_period_is_its_first_day(text: str) -> None:
    assert parse_date(text)[0] == dt.datetime(*PERIODS[text], 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("3 months ago", "relative"), ("vor 3 Monaten", "relative"), ("Last week", "relative"), ("2024-02-30", "no day"),
     ("4/5/2024", "day first or month first"), ("45382", "not a date"), ("12 foo 2024", "not a date"),
     ("0001-01-01", "outside"), ("soon", "not a date"), ("2024-01-12 25:00", "no day"), ("9" * 40, "not a date")],
)  # fmt: skip
def test_what_is_no_date_says_why(text: str, reason: str) -> None:
    assert parse_date(text)[0] is None
    assert reason in parse_date(text)[1]


@given(st.text(max_size=30), st.sampled_from([None, True, False]), st.sampled_from([None, "excel", "sas"]))
def test_no_text_breaks_the_parser(text: str, day_first: bool | None, serial: None) -> None:
    when, reason = parse_date(text, day_first, serial)
    assert (when is None) == bool(reason)


@given(st.dates(dt.date(1980, 1, 1), dt.date(2060, 1, 1)), st.booleans())
def test_numeric_dates_follow_the_order(day: dt.date, day_first: bool) -> None:
    text = day.strftime("%d/%m/%Y" if day_first else "%m/%d/%Y")
    if day.day <= 12:
        assert parse_date(text, day_first)[0] == dt.datetime(day.year, day.month, day.day)


def test_serial_numbers_are_read_where_the_whole_column_looks_like_it() -> None:
    assert serial_of([45_292.0, 44_000.25]) == "excel"
    assert serial_of([15_074.0, 18_641.0]) == "sas"
    assert serial_of([15_074.0, 45_000.0]) is None
    assert serial_of([]) is None
    assert serial_of([2_024.0]) is None
    for column in (pa.array(["45292", "45293.5", None, "n/a"]), pa.array([45_292.0, 45_293.5, None, None])):
        convention, notes = convention_of(column, RAISED, "Last Raised")
        found = normalise_column(column, RAISED, convention=convention)
        assert found.values.to_pylist()[:2] == [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2, 12)]
        assert notes == ("its numbers are read as days counted from 1900, as spreadsheets do",)
    assert normalise_column(pa.array(["45292"]), RAISED).values.null_count == 1  # alone it is no date


def test_day_zero_of_a_spreadsheet_is_missing_but_for_founding_dates() -> None:
    cells = pa.array(["1900-01-01", "2020-01-01"])
    found = normalise_column(cells, RAISED)
    assert found.values.to_pylist() == [None, dt.datetime(2020, 1, 1)]
    assert found.examples == (("1900-01-01", "is what an empty date becomes, not a day anything happened"),)
    assert normalise_column(cells, Field("founded_on", "date")).values.null_count == 0


def test_an_order_that_contradicts_itself_is_said_and_can_be_settled() -> None:
    column = pa.array(["13/1/2024", "1/13/2024", "4/5/2024"])
    convention, notes = convention_of(column, RAISED, "Raised")
    assert convention.day_first is None
    assert "set it under fields.date_order" in notes[0]
    settled, notes = convention_of(column, RAISED, "Raised", order="day_first")
    assert (settled.day_first, notes) == (True, ())
    assert day_first_order(["13/1/2024", "1/13/2024"]) is None


def _list(*cells: str) -> pa.RecordBatch:
    return pa.record_batch({"Last Raised At": pa.array(cells)})


def test_a_list_of_the_other_order_is_read_in_its_own() -> None:
    """However it is cut into batches; without a survey, or where the list does not tell, in the customers'."""
    month_first = {"last_funding_date": Convention(day_first=False)}
    rows = ["4/5/2024", "25/12/2023", "6/7/2024", "x"]
    for cuts in ([rows], [rows[:1], rows[1:]], [[row] for row in rows]):
        normaliser = ListNormaliser(["Last Raised At"], {RAISED.name: RAISED}, conventions=month_first)
        assert normaliser.date_columns == ("Last Raised At",)
        before = normaliser.normalise(_list("4/5/2024"))[RAISED.name].to_pylist()
        assert before == [dt.datetime(2024, 4, 5)]
        normaliser.survey(_list(*cut) for cut in cuts)
        after = normaliser.normalise(_list("4/5/2024"))[RAISED.name].to_pylist()
        assert after == [dt.datetime(2024, 5, 4)]
    silent = ListNormaliser(["Last Raised At"], {RAISED.name: RAISED}, conventions=month_first)
    silent.survey([_list("4/5/2024", "2024-01-01")])
    assert silent.normalise(_list("4/5/2024"))[RAISED.name].to_pylist() == [dt.datetime(2024, 4, 5)]


def test_a_list_that_is_read_once_is_looked_through_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icp_ml.accounts.listing.SURVEYED_ROWS", 4)
    chunks = [Chunk(k, _list("4/5/2024", cell), 2 * k) for k, cell in enumerate(("x", "25/12/2023", "12/25/2023"))]
    read: list[int] = []

    def once() -> Iterator[Chunk]:
        for chunk in chunks:
            read.append(chunk.index)
            yield chunk

    month_first = {RAISED.name: Convention(day_first=False)}
    normaliser = ListNormaliser(["Last Raised At"], {RAISED.name: RAISED}, conventions=month_first)
    found = []
    for chunk in normaliser.surveying(once()):
        found.append(normaliser.normalise(chunk.batch)[RAISED.name][0].as_py())
        assert read == list(range(max(2, chunk.index + 1)))  # no more are held than are looked at
    assert found == [dt.datetime(2024, 5, 4)] * 3
    declared = ListNormaliser(["Employees"], {})
    assert [chunk.index for chunk in declared.surveying(iter(chunks))] == [0, 1, 2]


def test_a_list_may_count_days_where_the_customers_wrote_dates() -> None:
    normaliser = ListNormaliser(["Last Raised At"], {RAISED.name: RAISED})
    normaliser.survey([_list("45292", "45382"), _list("45000")])
    assert normaliser.normalise(_list("45292"))[RAISED.name].to_pylist() == [dt.datetime(2024, 1, 1)]


def test_the_settings_say_the_order_of_both() -> None:
    settings = Settings.build({"fields": {"date_order": {"Last raised at": "day_first"}}})
    table = pa.table({"Last Raised At": ["4/5/2024", "12/25/2023"]})
    accounts = read_accounts(table, settings)
    assert accounts.table["last_funding_date"].to_pylist() == [dt.datetime(2024, 5, 4), dt.datetime(2023, 12, 25)]
    normaliser = ListNormaliser(["Last Raised At"], {RAISED.name: RAISED}, settings)
    assert normaliser.date_columns == ()
    assert normaliser.normalise(_list("4/5/2024"))[RAISED.name].to_pylist() == [dt.datetime(2024, 5, 4)]


def test_a_list_file_is_looked_through_before_it_is_scored(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Last Raised At\n4/5/2024\n25/12/2023\n")
    tables = SimpleNamespace(encoding=SimpleNamespace(fields=()))
    model: Any = SimpleNamespace(
        tables=tables,
        settings=Settings(),
        fields={RAISED.name: RAISED},
        conventions={RAISED.name: Convention(day_first=False)},
    )
    reader = open_table(path)
    for surveyed, expected in ((reader, dt.datetime(2024, 5, 4)), (None, dt.datetime(2024, 4, 5))):
        normaliser = ICPModel.normaliser(model, list(reader.columns), None, surveyed)
        assert normaliser.normalise(_list("4/5/2024"))[RAISED.name].to_pylist() == [expected]
