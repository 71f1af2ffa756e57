"""A scored file read back for a report: what became of its rows, and the first ones by rank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from icp_ml.accounts.values.cells import as_text
from icp_ml.exceptions import InputError
from icp_ml.scoring.columns import list_schema
from icp_ml.tiers import LETTERS

NEEDED = ("account_id", "status", "fit_score", "tier", "in_support", "model_version", "rank")
SHOWN = (*NEEDED, "name", "domain", "fit_low", "fit_high", "reason_1", "reason_2", "reason_3")
BLOCK = 1 << 22  # bytes of a CSV read at once
BUFFER = 1 << 18  # bytes of a Parquet column read at once
FORMATS = (".csv", ".parquet")


def read_scored(path: Path, model_version: str, top: int, capacity: int | None = None) -> dict[str, Any]:
    """Count what became of a scored file's rows, in constant memory.

    Parameters
    ----------
    path : Path
        What `icp-ml score` wrote, CSV or Parquet.
    model_version : str
        Of the model that must have scored it.
    top : int
        Accounts kept, the best by rank.
    capacity : int, optional
        Accounts that can be worked.

    Returns
    -------
    dict
        Keys as of `ScoreSummary.to_dict` that a file can tell, and `top_accounts`.

    Raises
    ------
    InputError
        The file cannot be read, is no scored file, or was scored by another model.
    """
    status: Counter[str] = Counter()
    tiers: Counter[str] = Counter(dict.fromkeys(LETTERS, 0))
    outside = 0
    best: pa.Table | None = None
    metadata, batches = open_scored(path, lambda names: [name for name in SHOWN if name in names])
    try:
        for batch in batches:
            _check_model(path, batch.column("model_version"), model_version)
            status.update(_counts(batch.column("status")))
            scored = batch.filter(pc.equal(batch.column("status"), "scored"))
            tiers.update(_counts(scored.column("tier")))
            outside += pc.sum(pc.invert(scored.column("in_support"))).as_py() or 0
            found = pa.Table.from_batches([scored.filter(pc.less_equal(scored.column("rank"), top))])
            best = _first(pa.concat_tables([best, found]) if best else found, top)
        accounts = best.to_pylist() if best else []
    except (pa.ArrowException, OSError, ValueError) as error:  # a text that is not UTF-8 shows when it is read
        raise InputError(unreadable(path, error)) from error
    count = status.get("scored", 0)
    return {
        "rows": sum(status.values()),
        **{name: status.get(name, 0) for name in ("scored", "ineligible", "suppressed")},
        "tiers": {letter: tiers[letter] for letter in LETTERS},
        "outside_support": outside,
        "serviceable": count,
        "obtainable": None if capacity is None else min(capacity, count),
        "as_of": metadata.get("icp_ml.as_of", ""),
        "top_accounts": accounts,
    }


def open_scored(
    path: Path, choose: Callable[[list[str]], list[str]]
) -> tuple[dict[str, str], Iterator[pa.RecordBatch]]:
    """Open a scored file to be read in constant memory.

    Parameters
    ----------
    path : Path
        What `icp-ml score` wrote, CSV or Parquet.
    choose : callable
        Given the names of the file's columns, returns those to read; no others are loaded.

    Returns
    -------
    dict, iterator of pa.RecordBatch
        The Parquet file's metadata, and the rows: scored columns with their published types, carried ones as text.
        Reading may raise `pa.ArrowException`, `OSError` or `ValueError`, which `unreadable` words.

    Raises
    ------
    InputError
        The file cannot be read, or is no scored file.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS or not path.is_file():
        why = f"ends in neither {' nor '.join(FORMATS)}" if ending not in FORMATS else "there is no such file"
        msg = f"{path}: {why}; name a file that icp-ml score wrote"
        raise InputError(msg)
    try:
        if ending == ".parquet":
            # Else all that is asked for is held in memory at once.
            file = pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER)
            shown = choose(_scored_names(path, file.schema_arrow.names))
            stored = file.schema_arrow.metadata or {}
            said = {k.decode(errors="replace"): v.decode(errors="replace") for k, v in stored.items()}
            groups = range(file.num_row_groups)  # one at a time, as a reader holds all that it has read
            return said, (_typed(b) for g in groups for b in file.iter_batches(row_groups=[g], columns=shown))
        names = pacsv.open_csv(path, parse_options=pacsv.ParseOptions(newlines_in_values=True)).schema.names
        shown = choose(_scored_names(path, names))
        types = {name: _TYPES.get(name, pa.string()) for name in shown}
        reader = pacsv.open_csv(
            path,
            read_options=pacsv.ReadOptions(block_size=BLOCK),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                include_columns=shown, column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, OSError) as error:
        raise InputError(unreadable(path, error)) from error
    return {}, iter(reader)


_TYPES = {field.name: field.type for field in list_schema()}


def _scored_names(path: Path, names: list[str]) -> list[str]:
    missing = [name for name in NEEDED if name not in names]
    if missing or len(set(names)) != len(names):
        why = f"has no column '{missing[0]}'" if missing else "names a column twice"
        msg = f"{path}: {why}, so it is no scored file; name a file that icp-ml score wrote"
        raise InputError(msg)
    return names


def _typed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with the published types; a file may hold dictionaries, and any type in a carried column."""
    columns = [
        batch.column(name).cast(_TYPES[name]) if name in _TYPES else as_text(batch.column(name))
        for name in batch.schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _counts(column: pa.Array) -> dict[str, int]:
    return {str(entry["values"]): int(entry["counts"]) for entry in pc.value_counts(column).to_pylist()}


def _first(table: pa.Table, count: int) -> pa.Table:
    """Return the first rows by rank; equal ranks, which no file of ours has, stay in their order."""
    return table.take(pc.sort_indices(table, sort_keys=[("rank", "ascending")])).slice(0, count)


def _check_model(path: Path, versions: pa.Array, expected: str) -> None:
    for version in pc.unique(versions).to_pylist():
        if version != expected:
            msg = (
                f"{path}: it was scored by model {str(version)[:40]}, the report is of model {expected}; score the "
                "list again with this model, or name the other model"
            )
            raise InputError(msg)


def unreadable(path: Path, error: Exception) -> str:
    """Return the sentence for a file that Arrow cannot read."""
    why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return f"{path}: it cannot be read as a scored file ({why}); name a file that icp-ml score wrote"
