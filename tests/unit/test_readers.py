"""Reading files: line numbers, rejects, chunks, refusals; and tables from any DataFrame."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icp_ml.accounts import read_accounts
from icp_ml.accounts.formats.encodings import recoding_note
from icp_ml.accounts.formats.frames import table_from_frame
from icp_ml.accounts.formats.readers import Chunk, Reject, open_table
from icp_ml.exceptions import InputError


def write(folder: Path, text: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path, rows: int = 65_536) -> tuple[list[dict[str, object]], list[Reject], list[Chunk]]:
    chunks = list(open_table(path).batches(rows))
    parsed = [row for chunk in chunks for row in chunk.batch.to_pylist()]
    return parsed, [reject for chunk in chunks for reject in chunk.rejects], chunks


def test_csv_cells_are_strings_and_empty_cells_null(tmp_path: Path) -> None:
    reader = open_table(write(tmp_path, "a,b\n1,\n007, x \n"))
    assert (reader.format, reader.columns, reader.rows) == ("csv", ("a", "b"), None)
    (chunk,) = reader.batches()
    assert chunk.batch.to_pylist() == [{"a": "1", "b": None}, {"a": "007", "b": " x "}]
    assert chunk.batch.schema.types == [pa.string(), pa.string()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_delimiters_line_ends_and_byte_order_mark(tmp_path: Path, delimiter: str, end: str, mark: bytes) -> None:
    lines = [delimiter.join(row) for row in (["näme", '"a, b; c|d\te"'], ["1", "2"], ['"x\ny"', "3"])]
    rows, rejects, _ = read(write(tmp_path, mark + end.join(lines).encode()))
    assert rows == [{"näme": "1", "a, b; c|d\te": "2"}, {"näme": "x\ny", "a, b; c|d\te": "3"}]
    assert rejects == []


def test_rejected_rows_keep_their_line_number_after_quoted_newlines(tmp_path: Path) -> None:
    text = 'a,b\n"x\r\ny",1\n\n1,2,3\nonly\n   \n"p\nq",2,3\n5,6\n7,8\n'
    rows, rejects, _ = read(write(tmp_path, text))
    assert rows == [{"a": "x\r\ny", "b": "1"}, {"a": "5", "b": "6"}, {"a": "7", "b": "8"}]
    assert rejects == [
        Reject(5, "3 cells where the header has 2", "1,2,3"),
        Reject(6, "1 cell where the header has 2", "only"),
        Reject(8, "3 cells where the header has 2, over 2 lines", '"p\nq",2,3'),
    ]


@pytest.mark.parametrize("tail", ["", "\n"])
def test_quote_that_is_never_closed_costs_one_row(tmp_path: Path, tail: str) -> None:
    rows, rejects, _ = read(write(tmp_path, 'a,b\n1,2\n3,"4\n5,6\n7,8' + tail))
    assert [row["a"] for row in rows] == ["1", "5", "7"]
    assert rejects == [Reject(3, "has a quote that is never closed", '3,"4')]


def test_stray_quote_before_rows_with_quotes_costs_one_row(tmp_path: Path) -> None:
    rows, rejects, _ = read(write(tmp_path, 'a,b,c\n1,2,3\n4,"5\n6,"7, 8",9\n10,11,12\n'))
    assert [row["a"] for row in rows] == ["1", "6", "10"]
    assert rejects == [Reject(3, "has a stray quote", '4,"5')]


def test_overlong_cell_and_nul_byte_are_rejected(tmp_path: Path) -> None:
    rows, rejects, _ = read(write(tmp_path, f"a,b\n1,2\n{'x' * 200_000},2\n3,4\n5,\0\n6,7\n8,9\n"))
    assert [row["a"] for row in rows] == ["1", "3", "6", "8"]
    assert [(reject.line, reject.reason) for reject in rejects] == [
        (3, "has a cell that is too long"),
        (5, "holds a NUL byte"),
    ]
    assert max(len(reject.text) for reject in rejects) <= 200


def test_unclosed_quote_before_many_rows_loses_none_of_them(tmp_path: Path) -> None:
    body = "".join(f"{i},{i}\n" for i in range(40_000))
    rows, rejects, _ = read(write(tmp_path, f'a,b\n0,"0\n{body}'))
    assert len(rows) == 40_000
    assert [reject.line for reject in rejects] == [2]


@pytest.mark.parametrize("total", [1, 7, 14, 15])
def test_chunks_have_exactly_the_rows_asked_for(tmp_path: Path, total: int) -> None:
    lines = "".join(f"{i},x\nbad\n" if i == 3 else f"{i},x\n" for i in range(total))
    parquet = tmp_path / "list.parquet"
    pq.write_table(pa.table({"a": list(range(total))}), parquet, row_group_size=4)
    for path in (write(tmp_path, "a,b\n" + lines), parquet):
        chunks = list(open_table(path).batches(7))
        assert [chunk.batch.num_rows for chunk in chunks][:-1] == [7] * (len(chunks) - 1)
        assert [chunk.first_row for chunk in chunks] == [7 * i for i in range(len(chunks))]
        assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
        assert [int(v) for c in chunks for v in c.batch.column("a").to_pylist()] == list(range(total))


def test_rejects_after_the_last_full_chunk_are_not_lost(tmp_path: Path) -> None:
    chunks = list(open_table(write(tmp_path, "a,b\n1,2\n3,4\nbad\n")).batches(2))
    assert [chunk.batch.num_rows for chunk in chunks] == [2, 0]
    assert chunks[1].rejects[0].line == 4


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_only_the_columns_asked_for_are_read(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"a": [1], "No. of x": [2], "c": [3]})
    path = tmp_path / f"list.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    (chunk,) = open_table(path).batches(columns=["No. of x"])
    assert chunk.batch.schema.names == ["No. of x"]


def test_columns_without_a_name_are_numbered(tmp_path: Path) -> None:
    reader = open_table(write(tmp_path, ",a,\n0,1,\n1,2,\n"))
    assert (reader.columns, reader.unnamed) == (("column_1", "a", "column_3"), ("column_1", "column_3"))


def test_single_column_needs_a_header_word(tmp_path: Path) -> None:
    assert open_table(write(tmp_path, "Company Name\nAcme\n")).columns == ("Company Name",)
    assert open_table(write(tmp_path, "headline\nAcme\n")).columns == ("headline",)


REFUSED = {
    "empty": (b"", "list.csv: the file is empty"),
    "blank": (b"\n\n  \n", "the file is empty"),
    "header only": (b"a,b\n", "header with 2 columns but no row"),
    "header and blank lines": (b"a,b\n\n\n", "no row below it"),
    "prose": (b"This is not a table at all.\nIt is prose\n", "is no header with columns separated by comma"),
    "prose with commas": (
        b"Dear all, hello\nyours,\nme\nand, you, too\nBye\n",
        "not a table of 2 columns: 3 of 4 rows",
    ),
    "pdf": (b"%PDF-1.4 abc", "not a CSV but a PDF"),
    "xlsx": (b"PK\x03\x04rest", "not a CSV but a zip archive or Excel workbook"),
    "gzip": (b"\x1f\x8b\x08\x00", "damaged or cut gzip data"),
    "parquet": (b"PAR1....", "a Parquet file"),
    "html": (b"<!DOCTYPE html><html>a,b</html>", "a web page"),
    "json": (b'[{"a": 1}, {"a": 2}]', "JSON"),
    "binary": (bytes(range(256)) * 4, "a binary file"),
    "duplicate": (b"a,b,a\n1,2,3\n", "the column name 'a' occurs more than once"),
    "duplicate but for blanks": (b"a,b,a \n1,2,3\n", "'a' occurs more than once"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, case: str) -> None:
    content, message = REFUSED[case]
    with pytest.raises(InputError, match=message) as caught:
        read(write(tmp_path, content))
    assert "list.csv" in str(caught.value)


def notes_and_rows(path: Path) -> tuple[tuple[str, ...], list[dict[str, object]]]:
    reader = open_table(path)
    chunks = list(reader.batches())
    notes = (*reader.notes, *recoding_note(sum(chunk.recoded for chunk in chunks)))
    return notes, [row for chunk in chunks for row in chunk.batch.to_pylist()]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_utf_16_with_and_without_mark_is_read_and_said(tmp_path: Path, encoding: str, end: str) -> None:
    text = end.join(["Name;Größe", '"Ağaç; Sanayi";5', "東京,6;6", "𝔘;7", ""])
    data = text.encode(encoding)
    if encoding in ("utf-16-le", "utf-16-be"):
        assert not data.startswith((b"\xff\xfe", b"\xfe\xff"))
    notes, rows = notes_and_rows(write(tmp_path, data))
    assert [tuple(row.values()) for row in rows] == [("Ağaç; Sanayi", "5"), ("東京,6", "6"), ("𝔘", "7")]
    assert list(rows[0]) == ["Name", "Größe"]
    assert len(notes) == 1
    assert encoding[:6].upper() in notes[0]


def test_windows_1252_is_read_line_by_line_and_said(tmp_path: Path) -> None:
    text = "name,b\nAcme,1\nCafé “Zürich” – 5 €,2\nGROẞ,3\n".replace("ẞ", "ß")
    notes, rows = notes_and_rows(write(tmp_path, text.encode("cp1252")))
    assert [row["name"] for row in rows] == ["Acme", "Café “Zürich” – 5 €", "GROß"]
    assert notes == (
        "2 lines are not UTF-8 and were read as Windows-1252; if letters look wrong, save the file as UTF-8",
    )


def test_one_byte_of_windows_1252_far_into_a_file_changes_no_other_row(tmp_path: Path) -> None:
    body = "näme,b\n".encode() + "é,1\n".encode() * 700_000
    notes, rows = notes_and_rows(write(tmp_path, body + b"\xe9 \x81,1\n" + "é,1\n".encode()))
    assert len(rows) == 700_002
    assert {row["näme"] for row in rows[:700_000]} == {"é"}
    assert [row["näme"] for row in rows[700_000:]] == ["é \x81", "é"]
    assert notes[0].startswith("1 line is not UTF-8 and was read as Windows-1252")


def test_a_utf_8_line_with_one_wrong_byte_keeps_its_other_letters(tmp_path: Path) -> None:
    _, rows = notes_and_rows(write(tmp_path, "a,b\nMüller & Söhne, ".encode() + b"Caf\xe9\n"))
    assert rows == [{"a": "Müller & Söhne", "b": " Café"}]


def test_delimiter_that_the_rows_contradict_is_not_taken(tmp_path: Path) -> None:
    rows, _, _ = read(write(tmp_path, "Revenue, EUR;Name\n5;Acme, Inc\n6;Best\n"))
    assert rows == [{"Revenue, EUR": "5", "Name": "Acme, Inc"}, {"Revenue, EUR": "6", "Name": "Best"}]


def test_excels_separator_line_and_single_quotes(tmp_path: Path) -> None:
    rows, rejects, _ = read(write(tmp_path, "sep=|\r\na,x|b\r\n1|2\r\nbad\r\n3|4\r\n"))
    assert rows == [{"a,x": "1", "b": "2"}, {"a,x": "3", "b": "4"}]
    assert [reject.line for reject in rejects] == [4]
    rows, _, _ = read(write(tmp_path, "'a','b;c'\n'1, 2','it''s'\n'x\ny',3\n"))
    assert rows == [{"a": "1, 2", "b;c": "it's"}, {"a": "x\ny", "b;c": "3"}]


def test_a_line_without_end_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icp_ml.accounts.formats.encodings.MAX_LINE_BYTES", 2**21)
    with pytest.raises(InputError, match="a line is longer than 2,097,152 bytes"):
        read(write(tmp_path, b"a,b\n1,2\n" + b"x" * 2**23))


@pytest.mark.parametrize(
    ("name", "message"),
    [("gone.csv", "there is no such file"), ("x.json", "'.json' are not read; give .csv"), ("x", "without an ending")],
)
def test_paths_that_cannot_be_read(tmp_path: Path, name: str, message: str) -> None:
    if name != "gone.csv":
        write(tmp_path, b"PK", name)
    with pytest.raises(InputError, match=message):
        open_table(tmp_path / name)
    with pytest.raises(InputError, match="the folder holds no file that is read"):
        open_table(tmp_path)


def test_parquet_types_are_kept_plain(tmp_path: Path) -> None:
    table = pa.table({
        "decimal": pa.array([decimal.Decimal("1.5"), None]),
        "large": pa.array(["x", None], pa.large_string()),
        "zoned": pa.array([dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC), None], pa.timestamp("ms", "Europe/Berlin")),
        "day": pa.array([dt.date(2024, 1, 1), None]),
        "tokens": pa.array([["a", "b"], None]),
        "numbers": pa.array([[1, 2], None]),
        "label": pa.array(["x", None]).dictionary_encode(),
        "nested": pa.array([{"a": 1}, None]),
        "flag": pa.array([True, None]),
    })  # fmt: skip
    path = tmp_path / "list.parquet"
    pq.write_table(table, path)
    reader = open_table(path)
    (chunk,) = reader.batches()
    assert "nested" not in reader.columns
    assert reader.notes == ("column 'nested' left out: it holds nested values (struct<a: int64>)",)
    assert chunk.batch.slice(0, 1).to_pylist() == [{
        "decimal": 1.5, "large": "x", "zoned": dt.datetime(2024, 1, 1, 12), "day": dt.datetime(2024, 1, 1),
        "tokens": ["a", "b"], "numbers": ["1", "2"], "label": "x", "flag": True,
    }]  # fmt: skip
    assert chunk.batch.slice(1).to_pylist() == [dict.fromkeys(reader.columns)]


def test_parquet_refusals(tmp_path: Path) -> None:
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table({"a": list(range(5000))}), good, compression="none")
    data = bytearray(good.read_bytes())
    for name, content in {"cut": data[:-20], "text": b"a,b\n1,2\n", "none": b""}.items():
        with pytest.raises(InputError, match=r"not a readable Parquet file|the file is empty"):
            read(write(tmp_path, bytes(content), f"{name}.parquet"))
    data[4:40] = b"\xff" * 36
    damaged = write(tmp_path, bytes(data), "damaged.parquet")
    with pytest.raises(InputError, match=r"damaged.parquet: not a readable Parquet file"):
        list(open_table(damaged).batches())
    empty = tmp_path / "empty.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), empty)
    with pytest.raises(InputError, match="1 columns but no rows"):
        open_table(empty)


def test_frames_of_every_sort_become_tables() -> None:
    frame = pd.DataFrame({
        "mixed": pd.Series([5, 5.0, "51-200", None], dtype=object),
        "ids": pd.Series([np.int64(7), np.int32(8), None, 9], dtype=object),
        "huge": pd.Series([2**70, 1, None, 3], dtype=object),
        "flags": pd.Series([True, None, False, np.True_], dtype=object),
        "true and 5": pd.Series([True, 5, None, 1], dtype=object),
        "lists": pd.Series([["b", 1], ("x",), {"z", "y"}, None], dtype=object),
        "lists and text": pd.Series([["a"], "b;c", np.nan, np.array(["d"])], dtype=object),
        "labels": pd.Categorical(["x", None, "y", "x"]),
        "number labels": pd.Categorical([1, 2, None, 1]),
        "nullable": pd.array([1, pd.NA, 3, 4], dtype="Int64"),
        "text": pd.array(["a", pd.NA, "c", "d"], dtype="string"),
        "zoned": pd.to_datetime(["2024-01-01T12:00Z", None, None, None]),
        "dates": pd.Series([dt.date(2024, 1, 1), pd.NaT, None, pd.Timestamp("2024-02-01")], dtype=object),
        "money": pd.Series([decimal.Decimal("1.5"), None, decimal.Decimal("NaN"), 2], dtype=object),
        "broken": pd.Series(["\ud800", b"\xff", {"a": 1}, None], dtype=object),
        "period": pd.period_range("2024-01", periods=4, freq="M"),
        "interval": pd.interval_range(0, 4),
        "sparse": pd.arrays.SparseArray([0.0, 1.0, 0.0, np.nan]),
        "wait": pd.to_timedelta(["1 day", None, "36 hours", "0 days"]),
        7: [1.5, np.nan, np.inf, -1.0],
        ("top", "low"): range(4),
        "nothing": [None] * 4,
    })  # fmt: skip
    frame.index = pd.Index([3, 3, 1, 0])
    table = table_from_frame(frame)
    found = table.to_pydict()
    assert found["mixed"] == ["5", "5", "51-200", None]
    assert found["ids"] == [7, 8, None, 9]
    assert found["huge"] == [str(2**70), "1", None, "3"]
    assert found["flags"] == [True, None, False, True]
    assert found["true and 5"] == ["true", "5", None, "1"]
    assert found["lists"] == [["b", "1"], ["x"], ["y", "z"], None]
    assert found["lists and text"] == [["a"], ["b", "c"], None, ["d"]]
    assert found["labels"] == ["x", None, "y", "x"]
    assert found["number labels"] == [1, 2, None, 1]
    assert found["nullable"] == [1, None, 3, 4]
    assert found["text"] == ["a", None, "c", "d"]
    assert found["zoned"][0].replace(tzinfo=None) == dt.datetime(2024, 1, 1, 12)
    assert table.schema.field("zoned").type.tz is None
    assert found["dates"] == [dt.datetime(2024, 1, 1), None, None, dt.datetime(2024, 2, 1)]
    assert found["money"] == [1.5, None, None, 2.0]
    assert found["broken"][1:] == ["�", "{'a': 1}", None]
    assert found["wait"] == [1.0, None, 1.5, 0.0]
    assert found["7"][:1] == [1.5]
    assert found["top_low"] == [0, 1, 2, 3]
    assert found["nothing"] == [None] * 4
    assert table.num_rows == 4


def test_frame_names_that_become_one_are_refused() -> None:
    with pytest.raises(InputError, match="DataFrame: the column name '1' occurs more than once"):
        table_from_frame(pd.DataFrame([[1, 2]], columns=[1, "1"]))
    with pytest.raises(InputError, match="it has no columns"):
        table_from_frame(pd.DataFrame(index=[1, 2]))


def test_of_a_large_parquet_file_every_nth_row_is_read_and_the_report_says_so(tmp_path):
    frame = pd.DataFrame({"id": [f"a{i}" for i in range(70_000)], "Employees": range(70_000)})
    frame.to_parquet(tmp_path / "list.parquet", index=False)
    some = read_accounts(tmp_path / "list.parquet", at_most=7_000)
    assert some.frame["employees"].tolist() == list(range(0, 70_000, 10))
    assert "only one row in 10 was looked at; scoring looks at all" in some.report.notes


def test_of_a_large_csv_file_the_first_rows_are_read_and_the_report_says_so(tmp_path):
    rows = "".join(f"a{i},{i}\n" for i in range(70_000))
    (tmp_path / "list.csv").write_text("Account ID,Employees\n" + rows, encoding="utf-8")
    some = read_accounts(tmp_path / "list.csv", at_most=10)
    assert len(some) == 65_536
    assert "only the first 65,536 rows were looked at; scoring looks at all" in some.report.notes
    assert len(read_accounts(tmp_path / "list.csv", at_most=70_000)) == 70_000


@pytest.mark.parametrize("end", ['8,Firm" 8,Retail,8', '8,Firm 8",Retail,8'])  # the second is quoted as it should be
def test_two_stray_quotes_far_apart_cost_a_row_or_two_not_all_between(tmp_path: Path, end: str) -> None:
    rows = [f"{k},Firm {k},Retail,{k}" for k in range(1, 12)]
    rows[2], rows[7] = '3,"Firm 3,Retail,3', end
    path = tmp_path / "stray.csv"
    path.write_text("\n".join(["id,name,industry,size", *rows]) + "\n")
    (chunk,) = open_table(path).batches()
    assert [(reject.line, reject.reason) for reject in chunk.rejects] == [(4, "has a stray quote")]
    assert chunk.batch.column(0).to_pylist() == [str(k) for k in range(1, 12) if k != 3]


def test_a_text_of_several_lines_is_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text('id,name,note,size\n1,A,"first\nsecond, with, commas\nthird, and, one, more\nlast",5\n2,B,x,6\n')
    (chunk,) = open_table(path).batches()
    assert (chunk.batch.num_rows, len(chunk.rejects)) == (2, 0)
    assert chunk.batch.column(2)[0].as_py() == "first\nsecond, with, commas\nthird, and, one, more\nlast"
