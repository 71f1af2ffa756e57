"""A list is read in constant memory: what was read and worked is not held, whatever the layout of the file."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icp_ml import cli
from icp_ml.accounts.formats import parquet_rows
from icp_ml.accounts.formats.parquet_rows import parquet_pieces
from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.formats.rows import Piece, chunked

WIDE = 1_000  # bytes of a text


def table(rows, first=0):
    rng = np.random.default_rng(first)
    texts = [rng.bytes(WIDE // 2).hex() for _ in range(rows)]
    return pa.table({"id": pa.array(range(first, first + rows), pa.int64()), "text": pa.array(texts, pa.string())})


def test_a_chunk_alone_holds_its_rows():
    def pieces():
        for k in range(6):
            (batch,) = table(300, 300 * k).to_batches()
            yield Piece(batch)
            del batch

    before, held = pa.total_allocated_bytes(), []
    chunks = chunked(pieces(), 400, "list")
    for chunk in chunks:
        del chunk
        held.append(pa.total_allocated_bytes() - before)
    assert max(held) < 300 * 1.1 * WIDE  # of the piece whose last rows come next


@pytest.mark.parametrize("sizes", [[1500] * 8, [12_000], [1] * 40 + [3000] * 3])
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch, sizes):
    monkeypatch.setattr(parquet_rows, "PIECE_ROWS", 100)
    path = tmp_path / "list.parquet"
    with pq.ParquetWriter(
        path, table(1).schema, use_dictionary=False, data_page_size=50_000, write_batch_size=20
    ) as writer:
        for k, size in enumerate(sizes):
            writer.write_table(table(size, k), row_group_size=size)
    before, held = pa.total_allocated_bytes(), []
    for piece in parquet_pieces(path, "list", ["id", "text"]):
        held.append(pa.total_allocated_bytes() - before)
        del piece
    assert max(held) < 1500 * WIDE / 2  # less than half of a row group, of whatever size
    half = len(held) // 2
    assert max(held[half:]) < 1.3 * max(held[:half])


def test_row_groups_of_any_size_leave_no_trace(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_rows, "PIECE_ROWS", 7)
    sizes = [0, 1, 1, 3, 30, 0, 7, 14, 1]
    path = tmp_path / "list.parquet"
    with pq.ParquetWriter(path, table(1).schema) as writer:
        for k, size in enumerate(sizes):
            writer.write_table(table(size, sum(sizes[:k])), row_group_size=max(size, 1))
    for rows in (5, 7, 100):
        chunks = list(open_table(path).batches(rows))
        assert [i for chunk in chunks for i in chunk.batch.column("id").to_pylist()] == list(range(sum(sizes)))
        assert {chunk.batch.num_rows for chunk in chunks[:-1]} <= {rows}


@pytest.mark.parametrize("asked", [None, "mimalloc"])
def test_the_command_line_frees_memory_unless_told_otherwise(monkeypatch, asked):
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", asked or "")
    if asked is None:
        monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL")
    seen = []
    monkeypatch.setattr(cli, "app", lambda: seen.append(os.environ["ARROW_DEFAULT_MEMORY_POOL"]))
    cli.main()
    assert seen == [asked or "system"]
