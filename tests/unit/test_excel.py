"""Workbooks read as the CSV of their sheet would."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from icp_ml.accounts import read_accounts
from icp_ml.accounts.formats import excel, workbook_process
from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.formats.rows import Reject
from icp_ml.exceptions import InputError

pytest.importorskip("python_calamine", reason="missing part: pip install python-calamine")
xlsxwriter = pytest.importorskip("xlsxwriter", reason="missing part: pip install xlsxwriter")


def book(path: Path, sheets: dict[str, list[list[object]]], first: tuple[int, int] = (0, 0)) -> Path:
    workbook = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = workbook.add_worksheet(name)
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                sheet.write(first[0] + i, first[1] + j, cell)
    workbook.close()
    return path


ROWS: list[list[object]] = [
    ["Account ID", "Since", "Active", "Share", "Note"],
    [1, dt.date(2024, 3, 1), True, 0.25, "x"],
    [],
    [20000000001, dt.datetime(2024, 3, 1, 12, 30), False, 1.5, None],
]
READ = [
    {"Account ID": "1", "Since": "2024-03-01", "Active": "true", "Share": "0.25", "Note": "x"},
    {"Account ID": "20000000001", "Since": "2024-03-01 12:30:00", "Active": "false", "Share": "1.5", "Note": None},
]


@pytest.mark.parametrize("first", [(0, 0), (0, 2)])
def test_typed_cells_become_the_text_of_a_csv(tmp_path: Path, first: tuple[int, int]) -> None:
    reader = open_table(book(tmp_path / "book.xlsx", {"One": ROWS}, first))
    (chunk,) = reader.batches()
    rows = [{name: row[name] for name in READ[0]} for row in chunk.batch.to_pylist()]
    assert rows == READ
    assert (reader.format, reader.rows, reader.notes) == ("excel", None, ())
    assert len(reader.unnamed) == first[1]
    assert [c.batch.num_rows for c in reader.batches(1)] == [1, 1]
    (some,) = reader.batches(columns=["Share", "Account ID"])
    assert some.batch.schema.names == ["Share", "Account ID"]


def test_an_account_file_reads_the_same_as_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({
        "Account ID": ["a", "b", "c"], "Employees": [5, 250, None], "Country": ["Germany", None, "France"],
        "Customer Since": pd.to_datetime(["2023-01-02", "2024-05-06", None]), "Churned": [True, False, True],
    })  # fmt: skip
    frame.to_csv(tmp_path / "accounts.csv", index=False)
    frame.to_excel(tmp_path / "accounts.xlsx", index=False, engine="xlsxwriter")
    of_csv, of_book = (read_accounts(tmp_path / f"accounts.{ending}") for ending in ("csv", "xlsx"))
    pd.testing.assert_frame_equal(of_csv.frame, of_book.frame)


def test_rows_above_the_header_are_left_out_and_said(tmp_path: Path) -> None:
    title = [["Export of 2026-11-01"], [], ["All accounts", "EMEA"]]
    path = book(tmp_path / "book.xlsx", {"One": [*title, *ROWS]})
    reader = open_table(path)
    assert [row["Account ID"] for chunk in reader.batches() for row in chunk.batch.to_pylist()] == ["1", "20000000001"]
    assert reader.notes == ("the header is on row 4 of sheet 'One'; the 2 rows above it were left out",)


def test_other_sheets_are_said_and_can_be_named(tmp_path: Path) -> None:
    path = book(tmp_path / "book.xlsx", {"One": ROWS, "Empty": [], "Two #2": [["a", "b"], [1, 2]]})
    assert open_table(path).notes == ("only sheet 'One' was read, not 'Two #2'; another is read as book.xlsx#Two #2",)
    (chunk,) = open_table(f"{path}#Two #2").batches()
    assert chunk.batch.to_pylist() == [{"a": "1", "b": "2"}]
    with pytest.raises(InputError, match="there is no sheet 'Three'; the sheets are 'One', 'Empty', 'Two #2'"):
        open_table(f"{path}#Three")
    with pytest.raises(InputError, match="the sheet is empty"):
        open_table(f"{path}#Empty")


def test_a_sheet_of_remarks_is_passed_over_for_the_first_table(tmp_path: Path) -> None:
    path = book(tmp_path / "book.xlsx", {"Read me": [["Exported by hand"], ["Ask Jo"]], "Accounts": ROWS})
    reader = open_table(path)
    assert reader.notes == ("only sheet 'Accounts' was read, not 'Read me'; another is read as book.xlsx#Read me",)
    assert open_table(f"{path}#Read me").columns == ("Exported by hand",)


def test_columns_without_a_name_and_empty_columns(tmp_path: Path) -> None:
    path = book(tmp_path / "book.xlsx", {"One": [["a", None, "c"], [1, 2, 3, None, 9]]})
    reader = open_table(path)
    assert (reader.columns, reader.unnamed) == (
        ("a", "column_2", "c", "column_4", "column_5"),
        ("column_2", "column_4", "column_5"),
    )


def test_a_cell_that_is_too_long_is_rejected_with_the_sheets_row(tmp_path: Path, monkeypatch) -> None:
    path = book(tmp_path / "book.xlsx", {"One": [["a", "b"], [1, 2], [], ["y" * 300, 2], [3, 4]]})
    monkeypatch.setattr(excel.csv, "field_size_limit", lambda: 200)
    (chunk,) = open_table(path).batches()
    assert chunk.rejects == (Reject(4, "has a cell that is too long", "y" * 200),)
    assert [row["a"] for row in chunk.batch.to_pylist()] == ["1", "3"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [([], "the sheet is empty"), ([["a", "b"]], "2 columns but no row below it"), ([["a", "a"], [1, 2]], "'a' occurs")],
)
def test_sheets_without_a_table(tmp_path: Path, rows: list[list[object]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_table(book(tmp_path / "book.xlsx", {"One": rows}))


@pytest.mark.parametrize("ending", [".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"])
@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)]
)
def test_what_is_no_workbook_is_refused_in_words(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"book{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"book\{ending}: not a readable workbook"):
        open_table(path)


ODS = """<?xml version="1.0" encoding="UTF-8"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" office:version="1.2"><office:body><office:spreadsheet>
<table:table table:name="One">
<table:table-row><table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>b</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="{repeated}"><table:table-cell office:value-type="float" office:value="2.5"
 table:number-columns-repeated="2"><text:p>2.5</text:p></table:table-cell></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""


def open_document(path: Path, repeated: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", ODS.replace("\n", "").format(repeated=repeated))
    return path


def test_open_document_sheets_are_read(tmp_path: Path) -> None:
    (chunk,) = open_table(open_document(tmp_path / "book.ods", 2)).batches()
    assert chunk.batch.to_pylist() == [{"a": "1", "b": "x"}, {"a": "2.5", "b": "2.5"}, {"a": "2.5", "b": "2.5"}]


def test_an_open_document_that_repeats_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="spans 800,000,004 cells"):
        open_table(open_document(tmp_path / "book.ods", 400_000_000))


def test_a_sheet_that_would_claim_all_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet()
    sheet.write(0, 0, "a")
    sheet.write(1_048_575, 16_383, "far")
    workbook.close()
    with pytest.raises(InputError, match="spans 17,179,869,184 cells, more than the 120,000,000"):
        open_table(path)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 5_000_000)
    monkeypatch.setattr(excel, "MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(InputError, match="too large to be held in memory"):
        open_table(path)


def test_a_workbook_that_hangs_its_reader_is_given_up(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(excel, "APART_SECONDS", 0.01)
    with pytest.raises(InputError, match=r"not a readable workbook .it takes too long to read"):
        open_table(open_document(tmp_path / "book.ods", 2))


def test_days_and_durations_survive_the_process_of_their_own() -> None:
    cells = [
        dt.date(2024, 3, 1),
        dt.datetime(2024, 3, 1, 12, 30),
        dt.time(12, 30),
        dt.timedelta(hours=36),
        1.0,
        True,
        "x",
    ]
    assert [workbook_process.typed(json.loads(json.dumps(workbook_process._plain(cell)))) for cell in cells] == cells
