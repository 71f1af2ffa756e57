"""Rows of an audience are kept on disk, in order and unchanged; what is kept is gone afterwards."""

from __future__ import annotations

import gc
import tempfile

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.audiences import by_rank, packed
from icp_ml.audiences.by_rank import ByRank
from icp_ml.audiences.packed import PackedRows


@pytest.fixture(autouse=True)
def _small(monkeypatch, tmp_path):
    monkeypatch.setattr(by_rank, "RUN", 20)
    monkeypatch.setattr(by_rank, "RANGE", 8)
    monkeypatch.setattr(by_rank, "SAMPLED", 2)
    monkeypatch.setattr(packed, "SLICE", 7)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def added(ranks, size):
    kept = ByRank()
    for start in range(0, len(ranks), size):
        some = ranks[start : start + size]
        texts = [f"row {start + k}" for k in range(len(some))]
        kept.add(pa.RecordBatch.from_pydict({"rank": pa.array(some, pa.int64()), "text": texts}))
    return kept


@pytest.mark.parametrize("rows", [0, 1, 19, 20, 300])
@pytest.mark.parametrize("size", [1, 7, 50])
def test_rows_come_by_rank_whatever_they_were_added_in(rows, size):
    ranks = (np.random.default_rng(rows).permutation(2 * rows)[:rows] + 1).tolist()
    tables = list(added(ranks, size).tables())
    found = [row for table in tables for row in table.to_pylist()]
    assert found == [{"rank": rank, "text": f"row {ranks.index(rank)}"} for rank in sorted(ranks)]
    assert max((table.num_rows for table in tables), default=0) <= 60  # a range, and what runs have between samples


def test_rows_of_one_rank_come_as_they_were_added_and_those_without_last():
    ranks = [3, None, 3, 1, None, 3] * 15
    found = [row for table in added(ranks, 4).tables() for row in table.to_pylist()]
    order = sorted(range(len(ranks)), key=lambda k: (ranks[k] is None, ranks[k] or 0, k))
    assert [row["text"] for row in found] == [f"row {k}" for k in order]


def test_rows_can_be_read_twice():
    kept = added([4, 2, 3, 1] * 10, 3)
    assert [t.to_pylist() for t in kept.tables()] == [t.to_pylist() for t in kept.tables()]


@pytest.mark.parametrize("rows", [0, 6, 7, 8, 50])
def test_packed_rows_are_counted_and_read_again(rows):
    kept = PackedRows(["a", "b"], [pa.string(), pa.int64()])
    for k in range(rows):
        kept.append([f"{k}", k if k % 3 else None])
    assert len(kept) == rows
    for _ in range(2):
        found = [row for table in kept.tables() for row in table.to_pylist()]
        assert found == [{"a": f"{k}", "b": k if k % 3 else None} for k in range(rows)]


def test_nothing_is_left_on_disk(tmp_path):
    kept, rows = added(list(range(100, 0, -1)), 10), PackedRows(["a"], [pa.int64()])
    for k in range(30):
        rows.append([k])
    assert len(list(kept.tables())) > 1
    assert len(list(tmp_path.iterdir())) == 2
    del kept, rows
    gc.collect()
    assert not list(tmp_path.iterdir())
