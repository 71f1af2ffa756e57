from __future__ import annotations

import csv
import io
from datetime import date, datetime

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from icp_ml.engines.csv_text import CsvText, defused
from icp_ml.scoring.columns import plain_strings


def cells(text):
    return list(csv.reader(io.StringIO(bytes(text.text).decode(), newline="")))


def test_the_text_is_what_arrow_writes_whatever_the_rows_are_cut_into(tmp_path):
    n = 1000
    table = pa.table({
        "id": [f"{k}" for k in range(n)],
        'odd "name"': [None if k % 7 == 0 else f'a "{k}"\n,é' for k in range(n)],
        "few": pa.array([f"text {k % 3}" if k % 5 else None for k in range(n)]).dictionary_encode(),
        "x": pa.array([k / 7 if k % 11 else None for k in range(n)]),
        "b": [k % 2 == 0 for k in range(n)],
        "at": pa.array([datetime(2026, 1, 1, 2, 3, 4, k) for k in range(n)], pa.timestamp("us")),
        "tags": pa.array([["a", "-b"], None, []] * (n // 3) + [["c"]]),
    })  # fmt: skip
    whole = tmp_path / "whole.csv"
    pacsv.write_csv(plain_strings(defused(table)), whole, pacsv.WriteOptions(quoting_style="needed"))
    for size in (1, 333, 1000, 5000):
        words, found = CsvText(), b""
        for start in range(0, n, size):
            words.write(table.slice(start, size), header=start == 0)
            found += bytes(words.text)
        assert found == whole.read_bytes()


def test_memory_is_used_again_and_grows_where_rows_need_more():
    words = CsvText()
    for text in ('"' * 50_000, "a", "=" + '"' * 60_000, "b"):
        words.write(pa.table({"x": [text, None], "y": [1, 2]}))
        assert cells(words) == [["'" + text if text[0] == "=" else text, "1"], ["", "2"]]


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.float32(), pa.bool_(), pa.date32(), pa.timestamp("ns")])
def test_the_longest_values_have_room(kind):
    values = {
        pa.int64(): [-(2**63)] * 9, pa.float64(): [-2.2250738585072014e-308] * 9, pa.float32(): [-1.17549435e-38] * 9,
        pa.bool_(): [False] * 9, pa.date32(): [date(1, 1, 1)] * 9, pa.timestamp("ns"): [-(2**62)] * 9,
    }[kind]  # fmt: skip
    words = CsvText()
    words.write(pa.table({"x" * 3: pa.array(values, kind)}), header=True)
    assert len(cells(words)) == 10


def test_names_alone_make_the_file_of_a_list_without_rows():
    words = CsvText()
    words.write(pa.table({"=a": pa.array([], pa.string()), "b": pa.array([], pa.float64())}), header=True)
    assert bytes(words.text) == b'"\'=a","b"\n'
    words.write(pa.table({"=a": pa.array([], pa.string())}))
    assert bytes(words.text) == b""


def test_only_the_rows_of_a_slice_are_looked_at():
    table = pa.table({"x": ["=run", "fine", None, "-5", "+1", "@me", ""]})
    assert defused(table.slice(1, 5)).column("x").to_pylist() == ["fine", None, "-5", "+1", "'@me"]
    hidden = pa.Array.from_buffers(  # a null whose bytes would run
        pa.string(), 2, [pa.py_buffer(b"\x02"), pa.py_buffer(b"\0\0\0\0\x02\0\0\0\x03\0\0\0"), pa.py_buffer(b"=xy")]
    )
    assert defused(pa.table({"x": hidden})).column("x").to_pylist() == [None, "y"]
