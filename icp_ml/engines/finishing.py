"""The second pass: what needs the whole list is added to the finished chunks, and the file is put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from icp_ml.engines.appended import write_all
from icp_ml.engines.csv_text import ROWS, CsvText
from icp_ml.engines.in_order import in_order
from icp_ml.engines.list_tiers import ListTiers
from icp_ml.engines.rank_runs import RankRuns
from icp_ml.engines.row_groups import Part, RowGroups
from icp_ml.engines.spool import Spool
from icp_ml.engines.writing import ScoredWriter, parquet_part
from icp_ml.scoring.columns import LIST_COLUMNS, LIST_TIER, row_schema


class WholeList(NamedTuple):
    """What the whole list says of each row: its rank, and its tier where the settings ask for one."""

    runs: RankRuns
    own: ListTiers | None = None

    def columns(self, index: int, rows: int) -> dict[str, pa.Array]:
        """Return the list-level columns of a chunk."""
        rank = self.runs.ranks(index, rows)
        percentile = 100.0 * (self.runs.total - rank + 1) / max(self.runs.total, 1)
        columns = (pa.array(rank, mask=rank == 0), pa.array(percentile, mask=rank == 0))
        tier = {LIST_TIER: self.own.tiers(index, rank)} if self.own else {}
        return dict(zip(LIST_COLUMNS, columns, strict=True)) | tier


def write_scored(out: Path, spool: Spool, whole: WholeList, metadata: Mapping[str, str], jobs: int) -> None:
    """Write the result under a temporary name, and rename it when it is whole.

    Parameters
    ----------
    out : Path
        CSV or Parquet, by its ending.
    spool : Spool
        The finished chunks.
    whole : WholeList
    metadata : mapping of str to str
        Of a Parquet file.
    jobs : int
        Threads; the bytes do not depend on it.
    """
    fresh = out.with_name(f".{out.name}.partial")
    if next(spool.files(), None) is None:
        with ScoredWriter(fresh, out.suffix.lower(), metadata) as writer:
            tier = whole.own.nothing() if whole.own else None
            writer.write(_no_rows(), pa.nulls(0, pa.int64()), pa.nulls(0, pa.float64()), tier)
    elif spool.encoded:
        _join_parquet(fresh, spool, whole, metadata, jobs)
    else:
        _join_csv(fresh, spool, whole, jobs)
    fresh.replace(out)


def _join_parquet(fresh: Path, spool: Spool, whole: WholeList, metadata: Mapping[str, str], jobs: int) -> None:
    """Copy what the workers encoded as it is, and encode what is new."""

    def encode(finished: tuple[int, Path]) -> tuple[Part, Part]:
        index, file = finished
        scored = Part.of(file.read_bytes())
        return scored, Part.of(parquet_part(whole.columns(index, scored.rows)))

    with RowGroups(fresh, metadata) as groups:
        for scored, added in in_order(spool.files(), encode, jobs):
            groups.add(scored, added)


def _join_csv(fresh: Path, spool: Spool, whole: WholeList, jobs: int) -> None:
    """Put the rows into words by the workers, and write them in order."""
    spare: list[CsvText] = []

    def parts() -> Iterator[tuple[pa.Table, bool]]:
        first = True
        for index, batch in spool.chunks():
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            table = pa.table(columns | whole.columns(index, batch.num_rows))
            for start in range(0, max(table.num_rows, 1), ROWS):
                yield table.slice(start, ROWS), first
                first = False

    def put(part: tuple[pa.Table, bool]) -> CsvText:
        words = spare.pop() if spare else CsvText()
        words.write(part[0], header=part[1])
        return words

    try:
        with fresh.open("wb", buffering=0) as file:
            for words in in_order(parts(), put, jobs):
                write_all(file, words.text)
                spare.append(words)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _no_rows() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=row_schema())
