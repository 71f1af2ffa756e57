"""CSV through Arrow's blocks and row by row are one and the same: rows, rejects, line numbers, chunks."""

from __future__ import annotations

import io
import random

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from icp_ml.accounts.formats import csv_rows, encodings
from icp_ml.accounts.formats.csv_layout import CsvFile, csv_layout
from icp_ml.accounts.formats.rows import Chunk, chunked
from icp_ml.exceptions import InputError


def chunks(data: bytes, *, blocks: bool, rows: int = 7, columns: list[str] | None = None) -> list[Chunk] | str:
    file = CsvFile("list.csv", lambda: io.BytesIO(data))
    try:
        layout = csv_layout(file)
        return list(chunked(csv_rows.csv_pieces(file, layout, columns, blocks=blocks), rows, "list.csv"))
    except InputError as error:
        return str(error)


def same(data: bytes, rows: int = 7, columns: list[str] | None = None) -> list[Chunk] | str:
    fast, slow = (chunks(data, blocks=blocks, rows=rows, columns=columns) for blocks in (True, False))
    if isinstance(slow, str):
        assert fast == slow
        return slow
    assert not isinstance(fast, str), fast
    assert [(c.index, c.first_row, c.rejects, c.batch.num_rows) for c in fast] == [
        (c.index, c.first_row, c.rejects, c.batch.num_rows) for c in slow
    ]
    assert all(a.batch.equals(b.batch) for a, b in zip(fast, slow, strict=True))
    return fast


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of some bytes where a real run has a megabyte."""
    whole = encodings.utf8_blocks
    monkeypatch.setattr(
        "icp_ml.accounts.formats.csv_layout.utf8_blocks",
        lambda stream, encoding, source, _=0: whole(stream, encoding, source, 230),
    )


PIECES = ["a", "é", "1", '"', '"', '""', ",", ",", "\n", "\n", "\r\n", "\r", "x,y\n", '"p\nq",r\n', '"s, t","u""v"\n',
          " ", "\t", "\0", "﻿", "3,4\n", "'", ";", "5,\n", ",\n", '"",""\n', "w" * 40]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
@example('1,"2\n3,4\n5,"6\n7,8\n')
@example('5" pipe,x\n6" pipe,"y\nz"\n1,2\n')
@example('"a"b,c\n"a""b",c\n""a,b\n')
@example("﻿1,2\n﻿3,4\n")
@example('1,"')
@example("1,2\r3,4\r5,6")
@settings(max_examples=200)
def test_any_text_reads_the_same_either_way(body):
    same(f"a,b\n{body}".encode())


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join), st.integers(4, 90))
@settings(max_examples=200)
def test_wherever_the_blocks_are_cut(body, size):
    data = f"a,b\n1,2\n{body}".encode()
    whole = encodings.utf8_blocks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "icp_ml.accounts.formats.csv_layout.utf8_blocks",
            lambda stream, encoding, source, _=0: whole(stream, encoding, source, size),
        )
        same(data)


def test_real_rows_with_every_sort_of_damage_read_the_same(small_blocks):
    rng = random.Random(7)
    lines = []
    for i in range(3_000):
        cells = [
            str(i),
            rng.choice(["Acme, Inc", 'The "Best"', "plain", "two\nlines", "", "Zürich"]),
            str(rng.random()),
        ]
        line = ",".join('"' + c.replace('"', '""') + '"' if set(c) & set(',"\n') else c for c in cells)
        damage = rng.random()
        line = line + ",9" if damage < 0.01 else line + '"' if damage < 0.02 else '"' + line if damage < 0.03 else line
        lines.append(line + rng.choice(["\n", "\r\n", "\n\n"]))
    found = same(("id,name,score\n" + "".join(lines)).encode(), rows=100)
    assert len(found) > 25
    assert sum(len(chunk.rejects) for chunk in found) > 50


def test_only_some_columns_read_the_same():
    data = b'a,b,c\n1,"x\ny",3\n4,,6\n7,8\n'
    found = same(data, columns=["c", "a"])
    assert found[0].batch.to_pylist() == [{"c": "3", "a": "1"}, {"c": "6", "a": "4"}]
    assert [reject.line for reject in found[0].rejects] == [5]


def test_well_formed_blocks_do_not_go_row_by_row(monkeypatch):
    monkeypatch.setattr(csv_rows, "_pieces", lambda *_, **__: pytest.fail("read row by row"))
    rows = "".join(f'{i},"Acme, ""{i}""\nGmbH",\r\n' for i in range(60_000))
    found = chunks(f"a,b,c\n{rows}".encode(), blocks=True, rows=65_536)
    assert found[0].batch.num_rows == 60_000
    assert found[0].batch.slice(59_999).to_pylist() == [{"a": "59999", "b": 'Acme, "59999"\nGmbH', "c": None}]


def test_rejects_stand_in_the_chunk_they_come_before(small_blocks):
    data = "a,b\n" + "".join(f"{i},x\n" if i % 3 else "bad\n" for i in range(60))
    found = same(data.encode(), rows=4)
    assert [chunk.batch.num_rows for chunk in found] == [4] * 10
    assert [[reject.line for reject in chunk.rejects] for chunk in found[:3]] == [[2, 5], [8, 11], [14, 17]]
    assert found[0].batch.schema == pa.schema([("a", pa.string()), ("b", pa.string())])
