"""The accounts of a scored file that may go out, best first; of the file only the columns that are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import trimmed
from icp_ml.audiences.by_rank import ByRank
from icp_ml.engines.scored_file import open_scored, unreadable
from icp_ml.exceptions import InputError
from icp_ml.schema import field_of_header
from icp_ml.scoring.columns import list_schema

BASE = ("account_id", "status", "tier", "rank", "fit_score", "model_version")
_OWN = frozenset(list_schema().names)
_DEFUSED = r"^'([=+\-@\t\r\n])"  # what the writer of a scored CSV puts before a formula


@dataclass(frozen=True)
class Selection:
    """Accounts of a scored file, best first.

    Attributes
    ----------
    path : Path
        Of the scored file.
    kept : ByRank
        One column per thing that is wanted, by the name it is asked for.
    headers : mapping of str to str
        Wanted thing -> column of the file that holds it.
    rows : int
        In the file.
    statuses, tiers : mapping of str to int
        Rows of the file by status; scored ones by tier.
    """

    path: Path
    kept: ByRank
    headers: Mapping[str, str]
    rows: int
    statuses: Mapping[str, int]
    tiers: Mapping[str, int]

    def accounts(self) -> Iterator[dict[str, Any]]:
        """Yield the accounts, best first; what the file lacks is None."""
        for table in self.kept.tables():
            try:
                some = table.to_pylist()
            except ValueError as error:  # Parquet may call bytes a text that are none
                raise InputError(unreadable(self.path, error)) from error
            yield from some
            del some  # before the next are made


def select(path: Path, tiers: Sequence[str], wanted: Sequence[str], mapping: Mapping[str, str]) -> Selection:
    """Read the scored accounts of some tiers.

    Suppressed and ineligible accounts are never among them.

    Parameters
    ----------
    path : Path
        Scored file, CSV or Parquet.
    tiers : sequence of str
    wanted : sequence of str
        Canonical fields and scored columns.
    mapping : mapping of str to str
        Header of a carried column -> field, before the spellings that are known.

    Raises
    ------
    InputError
        The file cannot be read, or is no scored file.
    """
    headers: dict[str, str] = {}

    def choose(names: list[str]) -> list[str]:
        headers.update(_headers(names, wanted, mapping))
        return list(dict.fromkeys((*BASE, *headers.values())))

    _, batches = open_scored(path, choose)
    statuses: Counter[str] = Counter()
    in_tier: Counter[str] = Counter()
    best_first = ByRank()
    written = path.suffix.lower() == ".csv"
    names = list(dict.fromkeys((*BASE, *wanted)))
    try:
        for batch in batches:
            statuses.update(_counts(batch.column("status")))
            scored = batch.filter(pc.equal(batch.column("status"), "scored"))
            in_tier.update(_counts(scored.column("tier")))
            kept = scored.filter(pc.is_in(scored.column("tier"), pa.array(list(tiers), pa.string())))
            best_first.add(_named(kept, names, headers, written))
    except (pa.ArrowException, OSError, ValueError) as error:  # a text that is not UTF-8 shows when it is read
        raise InputError(unreadable(path, error)) from error
    return Selection(path, best_first, headers, sum(statuses.values()), dict(statuses), dict(in_tier))


def _headers(names: Sequence[str], wanted: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return which column holds what is wanted: one of the score's own, the one that is named, or a known spelling."""
    found = {name: name for name in wanted if name in names and name in _OWN}
    carried = [name for name in names if name not in _OWN]
    for header in carried:
        field = mapping.get(header, "ignore")
        if field in wanted and field not in found:
            found[field] = header
    for header in carried:
        known = None if header in mapping else field_of_header(header)
        if known is not None and known.name in wanted and known.name not in found:
            found[known.name] = header
    return found


def _named(batch: pa.RecordBatch, names: Sequence[str], headers: Mapping[str, str], written: bool) -> pa.RecordBatch:
    """Return the wanted columns under the names they are asked for; texts of a CSV as they were before it."""
    columns = []
    for name in names:
        header = headers.get(name, name)
        there = header in batch.schema.names
        column = batch.column(header) if there else pa.nulls(batch.num_rows, pa.string())
        if written and pa.types.is_string(column.type):
            column = pc.replace_substring_regex(column, _DEFUSED, r"\1")
        if there and header not in _OWN:
            column, _ = trimmed(column)  # "Unknown", "N/A" and the like are nothing to send
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=list(names))


def _counts(column: pa.Array) -> dict[str, int]:
    return {str(entry["values"]): int(entry["counts"]) for entry in pc.value_counts(column).to_pylist()}
