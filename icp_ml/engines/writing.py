"""Write scored batches as Parquet or CSV, one row group or block per batch."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from icp_ml.accounts.formats.readers import Reject
from icp_ml.accounts.formats.rows import CHUNK_ROWS
from icp_ml.engines.csv_text import FORMULA, FORMULA_STARTS, CsvText
from icp_ml.exceptions import InputError
from icp_ml.scoring.columns import LIST_COLUMNS, LIST_TIER, row_schema

if TYPE_CHECKING:
    import pandas as pd

NEVER_MISSING = frozenset([*(field.name for field in row_schema() if not field.nullable), LIST_TIER])
LOOKED_UP = (
    "account_id",
    "domain",
    "status",
    "tier",
    LIST_TIER,
    "fit_score",
    "rank",
    "percentile",
)  # readers skip row groups by
RANDOM = frozenset({"fit_score", "fit_low", "fit_high", "log_odds", "percentile"})  # hardly fewer bytes if compressed
# A chunk's rows in one page, a seventh faster than in four; before Arrow 23 pages had no limit of rows.
ONE_PAGE: dict[str, Any] = {"max_rows_per_page": CHUNK_ROWS} if int(pa.__version__.split(".")[0]) >= 23 else {}


def check_place(out: Path) -> None:
    """Refuse a file that cannot be made where it is named.

    Raises
    ------
    InputError
        Its folder does not exist, or it is a folder itself.
    """
    if not out.parent.is_dir() or out.is_dir():
        why = "is a folder" if out.is_dir() else f"the folder {out.parent} does not exist"
        msg = f"{out}: {why}; name a file in an existing folder"
        raise InputError(msg)


class ScoredWriter:
    """Opens on the first batch, whose columns the file then has."""

    def __init__(self, path: Path, ending: str, metadata: Mapping[str, str]) -> None:
        self.path = path
        self.ending = ending
        self.metadata = dict(metadata)
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; after an error, remove it."""
        if self._writer is not None:
            if self.ending == ".parquet" and error is None:
                self._writer.add_key_value_metadata(self.metadata)
            try:
                self._writer.close()
            except BaseException as failure:  # a full disk shows only now
                error = error or failure
                raise
            finally:
                if error is not None:
                    self.path.unlink(missing_ok=True)

    def write(
        self, batch: pa.RecordBatch, rank: pa.Array, percentile: pa.Array, list_tier: pa.Array | None = None
    ) -> None:
        """Append a batch with its list-level columns; the tier of the list where the settings ask for one."""
        added = dict(zip(LIST_COLUMNS, (rank, percentile), strict=True))
        if list_tier is not None:
            added[LIST_TIER] = list_tier
        columns = dict(zip(batch.schema.names, batch.columns, strict=True)) | added
        if self.ending == ".parquet":
            table = _table(columns)
            if self._writer is None:
                self._writer = _parquet_writer(self.path, table.schema)
            self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
            return
        first = self._writer is None
        if first:
            self._writer = self.path.open("wb")
        words = CsvText()
        words.write(pa.table(columns), header=first)
        self._writer.write(words.text)


def parquet_part(columns: Mapping[str, pa.Array]) -> memoryview:
    """Return columns as a Parquet file of one row group, for `RowGroups`; see `distinct`."""
    table = _table(columns)
    sink = pa.BufferOutputStream()
    with _parquet_writer(sink, table.schema) as writer:
        writer.write_table(table, row_group_size=max(table.num_rows, 1))
    return memoryview(sink.getvalue())


def _table(columns: Mapping[str, pa.Array]) -> pa.Table:
    fields = [pa.field(name, column.type, name not in NEVER_MISSING) for name, column in columns.items()]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def _parquet_writer(sink: Path | pa.NativeFile, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file; its Arrow schema is not stored, as dictionaries must read back as strings."""
    repeated = [name for name in schema.names if pa.types.is_dictionary(schema.field(name).type)]
    repeated += [name for name in schema.names if name == "coverage" or name.endswith("_contribution")]
    return pq.ParquetWriter(
        sink,
        schema,
        compression={name: "none" if name in RANDOM else "zstd" for name in schema.names},
        store_schema=False,
        use_dictionary=repeated,
        write_statistics=[name for name in LOOKED_UP if name in schema.names],
        write_batch_size=CHUNK_ROWS,
        **ONE_PAGE,
    )


def distinct(column: pa.Array) -> pa.Array:
    """Name each value of a dictionary once: where one comes twice, Parquet's writer adds bytes that differ by run.

    Scored columns do; those of a list need not.
    """
    if not pa.types.is_dictionary(column.type) or len(column.dictionary.unique()) == len(column.dictionary):
        return column
    encoded = column.cast(column.type.value_type).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(column.type.index_type), encoded.dictionary)


def top_rows(path: Path, count: int) -> list[dict[str, Any]]:
    """Return the first `count` rows of a scored file by rank, for a report."""
    if path.suffix.lower() == ".parquet":
        table = pq.read_table(path, filters=[("rank", "<=", count)])
    else:
        table = pacsv.read_csv(path)
        table = table.filter(pc.less_equal(table.column("rank"), count))
    rows: list[dict[str, Any]] = table.sort_by("rank").to_pylist()
    return rows


def write_review(path: Path, table: pd.DataFrame | None) -> Path | None:
    """Write a table for people as CSV, whole or not at all, or remove what an earlier run left.

    Returns
    -------
    Path or None
        None where there is nothing to write.
    """
    if table is None or table.empty:
        path.unlink(missing_ok=True)
        return None
    fresh = path.with_name(f".{path.name}.partial")
    texts: list[str] = table.select_dtypes("str").columns.tolist()
    shown = {name: table[name].str.replace(f"({FORMULA})", r"'\1", regex=True) for name in texts}
    table.assign(**shown).to_csv(fresh, index=False, lineterminator="\n")
    fresh.replace(path)
    return path


def write_rejects(path: Path, rejects: Sequence[Reject]) -> Path | None:
    """Write the rows that do not parse, or remove what an earlier run left."""
    if not rejects:
        path.unlink(missing_ok=True)
        return None
    fresh = path.with_name(f".{path.name}.partial")
    with fresh.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        several = any(r.file for r in rejects)
        writer.writerow([*(["file"] if several else []), "line", "reason", "text"])
        writer.writerows((*([_safe(r.file)] if several else []), r.line, r.reason, _safe(r.text)) for r in rejects)
    fresh.replace(path)
    return path


def _safe(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
