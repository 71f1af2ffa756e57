from __future__ import annotations

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.engines.rank_runs import MEMORY, RankRuns


def ranked(folder, log_odds, ids, chunk_rows, memory=MEMORY):
    folder.mkdir()
    runs = RankRuns(folder, memory)
    starts = range(0, len(log_odds), chunk_rows)
    for k, begin in enumerate(starts):
        runs.add(k, log_odds[begin : begin + chunk_rows], pa.array(ids[begin : begin + chunk_rows], pa.string()))
    runs.merge()
    parts = [runs.ranks(k, len(log_odds[begin : begin + chunk_rows])) for k, begin in enumerate(starts)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=int)


def expected(log_odds, ids):
    counted = np.flatnonzero(~np.isnan(log_odds))
    rows = sorted(counted, key=lambda i: (-log_odds[i], ids[i].encode(), i))
    out = np.zeros(len(log_odds), dtype=int)
    out[rows] = np.arange(1, len(rows) + 1)
    return out


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("memory", [MEMORY, 60_000, 5_000])
def test_ties_go_by_account_id_then_by_position(tmp_path, seed, memory):
    """The same ranks whatever the size of chunks and parts; ids beyond ASCII are in the order of their bytes."""
    rng = np.random.default_rng(seed)
    n = 3000
    log_odds = np.where(rng.random(n) < 0.4, rng.integers(0, 3, n) * 0.5, rng.normal(size=n))
    log_odds[rng.random(n) < 0.2] = np.nan
    letters = ["a", "é", "\U0001f600", "ﬀ", "Z", ""]
    ids = [f"{letters[i % 6]}{j}" for i, j in zip(rng.integers(0, 6, n), rng.integers(0, 900, n), strict=True)]
    assert (
        ranked(tmp_path / "parts", log_odds, ids, int(rng.integers(50, 900)), memory).tolist()
        == expected(log_odds, ids).tolist()
    )


def test_no_rows_no_ranks(tmp_path):
    assert ranked(tmp_path / "a", np.empty(0), [], 10).tolist() == []
    assert ranked(tmp_path / "b", np.array([np.nan, np.nan]), ["a", "b"], 1).tolist() == [0, 0]


@pytest.mark.parametrize("same", [False, True])
def test_memory_stays_limited(tmp_path, same):
    """Whether all log-odds differ or are all one, in which case rows are told apart by id."""
    n, memory = 400_000, 4 * 2**20
    rng = np.random.default_rng(0)
    log_odds = np.zeros(n) if same else rng.normal(size=n)
    numbers = rng.permutation(n)
    ids = [f"{i:012d}" for i in numbers]
    (tmp_path / "parts").mkdir()
    runs = RankRuns(tmp_path / "parts", memory)
    for k in range(0, n, 20_000):
        runs.add(k // 20_000, log_odds[k : k + 20_000], pa.array(ids[k : k + 20_000]))
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    runs.merge()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < memory
    assert pa.total_allocated_bytes() <= before
    found = np.concatenate([runs.ranks(k, 20_000) for k in range(n // 20_000)])
    by = numbers if same else -log_odds
    assert (found[np.argsort(by, kind="stable")] == np.arange(1, n + 1)).all()
