"""Accounts in the order of their ranks that need not fit into memory: sorted runs on disk, read range by range."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.audiences.temporary import folder_of

RUN = 65_536  # rows sorted at once
RANGE = 16_384  # rows handed on at once, about
SAMPLED = 64  # every so many rows of a run may be where ranges are cut
_LAST = np.iinfo(np.int64).max  # a row without a rank, which no file of ours has


class ByRank:
    """Rows that are added in any order and read best first; those of one rank as they came.

    They are kept in a temporary folder.
    """

    def __init__(self) -> None:
        self._folder = folder_of(self)
        self._latest: list[pa.RecordBatch] = []
        self._waiting = 0
        self._runs = 0
        self._sample: list[npt.NDArray[np.int64]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows, which have a column `rank`; all batches have the same columns."""
        self._latest.append(batch)
        self._waiting += batch.num_rows
        if self._waiting >= RUN:
            self._write()

    def tables(self) -> Iterator[pa.Table]:
        """Yield all rows, some at a time."""
        self._write()
        if not self._runs:
            return
        ranks = np.sort(np.concatenate(self._sample))
        cuts = np.unique(ranks[RANGE // SAMPLED :: RANGE // SAMPLED])
        for low, high in zip([None, *cuts.tolist()], [*cuts.tolist(), None], strict=True):
            found = pa.concat_tables([self._range(run, low, high) for run in range(self._runs)])
            if found.num_rows:
                yield found.take(pa.array(np.argsort(_ranks(found), kind="stable")))

    def _write(self) -> None:
        """Write what came last as a sorted run."""
        if not self._waiting:
            return
        table = pa.Table.from_batches(self._latest)
        order = np.argsort(_ranks(table), kind="stable")
        run = table.take(pa.array(order)).combine_chunks()
        self._sample.append(_ranks(run)[::SAMPLED].copy())
        with pa.OSFile(str(self._path(self._runs)), "wb") as file, pa.ipc.new_file(file, run.schema) as writer:
            writer.write_table(run)
        self._runs += 1
        self._latest, self._waiting = [], 0

    def _range(self, run: int, low: int | None, high: int | None) -> pa.Table:
        """Return a copy of the rows of a run from one rank on up to another."""
        with pa.memory_map(str(self._path(run))) as file:
            table = pa.ipc.open_file(file).read_all()
            ranks = _ranks(table)
            begin = 0 if low is None else int(np.searchsorted(ranks, low))
            end = len(ranks) if high is None else int(np.searchsorted(ranks, high))
            return table.take(pa.array(np.arange(begin, end)))

    def _path(self, run: int) -> Path:
        return self._folder / f"{run:07d}.arrow"


def _ranks(table: pa.Table) -> npt.NDArray[np.int64]:
    column = table.column("rank").combine_chunks()
    ranks: npt.NDArray[np.int64] = pc.fill_null(column, _LAST).to_numpy(zero_copy_only=False)
    return ranks
