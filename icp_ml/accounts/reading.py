"""read_accounts: a file or table of accounts -> normalised columns and a report of what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.context import in_context
from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.formats.encodings import recoding_note
from icp_ml.accounts.formats.readers import TableReader, open_table
from icp_ml.accounts.formats.rows import Chunk, Reject
from icp_ml.accounts.headers.kinds import infer_kind
from icp_ml.accounts.headers.proposals import proposals, proposals_note
from icp_ml.accounts.headers.vendors import (
    ColumnMapping,
    as_own_column,
    contradiction,
    map_columns,
    unused_settings,
)
from icp_ml.accounts.ids import account_ids, id_source
from icp_ml.accounts.normalise import Normalised, commonest_spellings, normalise_column
from icp_ml.accounts.report import AccountsReport, ColumnReport
from icp_ml.accounts.table import Accounts
from icp_ml.accounts.values.cells import EXAMPLES_KEPT, Tally
from icp_ml.accounts.values.conventions import PLAIN, Convention, convention_of, counts_days, said_of
from icp_ml.accounts.values.sentinels import sentinel_notes
from icp_ml.exceptions import InputError
from icp_ml.schema import BY_NAME, Field, Role
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

# Of a text, a token that fewer than one row in so many holds is left out: a model learns from one row in 100 at least.
ROWS_PER_TOKEN = 10_000
_SPELLED_KINDS = frozenset({"category", "place", "country", "token_set"})
_AS_OF_FIELDS = ("customer_since", "churn_date")


def read_accounts(
    source: str | Path | Address | pd.DataFrame | pa.Table,
    settings: Settings | None = None,
    *,
    like: Accounts | None = None,
    at_most: int | None = None,
) -> Accounts:
    """Read a whole table of accounts and normalise every column.

    Parameters
    ----------
    source : str, Path, pandas or polars DataFrame, or pa.Table
        A CSV or Parquet file, or a table with the same columns: anything with the Arrow interface will do.
    settings : Settings, optional
        `columns`, `fields.custom` and `as_of` are used here.
    like : Accounts, optional
        A table whose own fields, those no schema knows, have the same kinds here: a list beside its customers.
    at_most : int, optional
        Of a larger file read only about this many rows, evenly spaced where the number of rows is known beforehand
        (Parquet), else the first ones. The report says so.

    Raises
    ------
    InputError
        The source cannot be read; the message says why and what to do.
    SettingsError
        The settings map a column to a field that does not exist.
    """
    settings = settings or Settings()
    raw, rejects, name, notes = _load(source, at_most)
    mappings = map_columns(raw.schema.names, settings)
    if not mappings:
        msg = f"{name}: the settings ignore every one of its {raw.num_columns} columns"
        raise InputError(msg)
    columns: dict[str, pa.Array] = {}
    fields: dict[str, Field] = {}
    spellings: dict[str, Mapping[str, str]] = {}
    reports: list[ColumnReport] = []
    taken = {mapping.field.name for mapping in mappings}
    for proposed in mappings:
        array = raw.column(proposed.header)
        position = raw.schema.get_field_index(proposed.header)
        if like is not None and proposed.how == "own name" and proposed.field.name in like.fields:
            proposed = replace(proposed, field=like.fields[proposed.field.name], how="like")
        known = like.report.by_field.get(proposed.field.name) if like is not None else None
        trained = known.convention if known else None
        mapping, result, convention = _normalised(array, proposed, taken, position, settings, trained)
        field = mapping.field
        columns[field.name], fields[field.name] = result.values, field
        if field.kind in _SPELLED_KINDS:
            spellings[field.name] = commonest_spellings(array, result.values, field, mapping.delimiter)
        reports.append(_column_report(mapping, result, convention))
    settled = in_context(
        columns, fields, own_product=settings.fields.own_product, least=max(1, raw.num_rows // ROWS_PER_TOKEN)
    )
    for name_, (values, tally) in settled.items():
        number = next(i for i, report in enumerate(reports) if report.field == name_)
        columns[name_] = values
        reports[number] = _settled(reports[number], values, tally)
        if fields[name_].kind in _SPELLED_KINDS:
            spellings[name_] = commonest_spellings(raw.column(reports[number].header), values, fields[name_])
    if like is None:  # a list need not have the customers' headers
        notes += [
            f"setting columns['{header}'] names no column of this table"
            for header in unused_settings(raw.schema.names, settings)
        ]
    look_alike = proposals_note(proposals(reports, columns))
    notes += [look_alike] if look_alike else []
    where = id_source(columns)
    if where != "account_id":
        notes.append(f"no account id column: ids are taken from the {where}")
        fields["account_id"] = BY_NAME["account_id"]
    columns["account_id"] = account_ids(columns, raw.num_rows)
    order = ["account_id", *(field for field in columns if field != "account_id")]
    table = pa.table({field: columns[field] for field in order})
    report = AccountsReport(name, raw.num_rows, len(rejects), tuple(reports), where, tuple(notes))
    ordered = {field: fields[field] for field in order}
    return Accounts(table, ordered, spellings, report, _as_of(table, settings), rejects)


def _load(
    source: str | Path | Address | pd.DataFrame | pa.Table, at_most: int | None
) -> tuple[pa.Table, tuple[Reject, ...], str, list[str]]:
    """Return the raw columns, the rejected rows, the source's name and notes."""
    if not isinstance(source, str | Path | Address):
        from icp_ml.accounts.formats.given import given_table, kind_of, names_of

        kind = kind_of(source)
        table = given_table(source, kind)
        left_out = [name for name in names_of(source) if name not in set(table.schema.names)]
        notes = [f"column '{name}' left out: it holds nested values" for name in left_out]
        return _some(table, kind), (), kind, notes
    reader = open_table(source)
    chunks, left_out = _chunks(reader, at_most)
    table = pa.Table.from_batches([chunk.batch for chunk in chunks])
    notes = [*reader.notes, *left_out, *recoding_note(sum(chunk.recoded for chunk in chunks))]
    for name in reader.unnamed:
        if table.column(name).null_count == table.num_rows:
            table = table.drop_columns([name])
        else:
            notes.append(f"a column without a header was named '{name}'")
    rejects = tuple(reject for chunk in chunks for reject in chunk.rejects)
    if rejects:
        first = rejects[0]
        where = f"line {first.line}" + (f" of {first.file}" if first.file else "")
        notes.append(f"{len(rejects):,} rows could not be parsed, the first on {where}: {first.reason}")
    return table, rejects, reader.address.shown, notes


def _chunks(reader: TableReader, at_most: int | None) -> tuple[list[Chunk], list[str]]:
    """Return the chunks, thinned out or cut off where there are more rows than `at_most`, and a note that says so."""
    every = -(-reader.rows // at_most) if at_most and reader.rows else 1
    chunks: list[Chunk] = []
    seen = 0
    for chunk in reader.batches():
        if at_most and reader.rows is None and seen >= at_most:
            return chunks, [f"only the first {seen:,} rows were looked at; scoring looks at all"]
        seen += chunk.batch.num_rows
        if every > 1:
            kept = np.arange(-chunk.first_row % every, chunk.batch.num_rows, every)
            chunk = replace(chunk, batch=chunk.batch.take(pa.array(kept)))
        chunks.append(chunk)
    note = f"only one row in {every} was looked at; scoring looks at all"
    return chunks, [note] if every > 1 else []


def _some(table: pa.Table, name: str) -> pa.Table:
    if table.num_rows == 0 or table.num_columns == 0:
        msg = f"{name}: it has {table.num_rows} rows and {table.num_columns} usable columns; give one row per account"
        raise InputError(msg)
    return table


def _normalised(
    array: pa.ChunkedArray,
    mapping: ColumnMapping,
    taken: set[str],
    position: int,
    settings: Settings,
    trained: Convention | None,
) -> tuple[ColumnMapping, Normalised, Convention]:
    """Normalise a column; a header whose values contradict what it is an alias of keeps its own name instead."""
    if mapping.how == "own name":
        kind = "date" if counts_days(mapping.header, array) else infer_kind(array)
        # A text that nobody has declared may be notes of what happened after the sale: carried along, not learned from.
        role: Role = "context" if kind == "text" else mapping.field.role
        mapping = replace(mapping, field=replace(mapping.field, kind=kind, role=role))
    field = mapping.field
    rates = settings.fields.currency_rates
    order = said_of(settings.fields.date_order, field.name, mapping.header)
    missing = said_of(settings.fields.missing_values, field.name, mapping.header) or ()
    convention, notes = convention_of(array, field, mapping.header, rates=rates, order=order, like=trained)
    result = normalise_column(
        array,
        field,
        mapping.delimiter,
        scale=mapping.scale,
        convention=convention,
        rates=rates,
        missing=[str(value) for value in missing],
    )
    result = replace(result, notes=(*result.notes, *notes, *sentinel_notes(result.values, field, mapping.header)))
    spelled = settings.outcomes.spellings
    note = contradiction(mapping, result.values, result.dropped - result.foreign, tuple(spelled or ()))
    if note:
        return _normalised(array, as_own_column(mapping, taken, position, note), taken, position, settings, trained)
    return mapping, result, convention


def _column_report(mapping: ColumnMapping, result: Normalised, convention: Convention = PLAIN) -> ColumnReport:
    field, values = mapping.field, result.values
    notes = ([mapping.note] if mapping.note else []) + list(result.notes)
    if mapping.scale != 1.0:
        notes.append(f"numbers without a unit multiplied by {mapping.scale:,.15g}, as the header says")
    filled = len(values) - values.null_count
    if result.dropped and not filled:
        notes.append(f"no cell could be read as {field.kind}")
    members = values.flatten() if field.kind == "token_set" else values
    return ColumnReport(
        mapping.header, field.name, field.readable, field.kind, field.category, field.role, field.outcome, mapping.how,
        filled / max(len(values), 1), pc.count_distinct(members, mode="only_valid").as_py()
        if not pa.types.is_dictionary(members.type) else len(members.dictionary),
        result.changed, result.dropped, result.placeholders, result.examples, tuple(notes), mapping.scale,
        convention,
    )  # fmt: skip


def _settled(report: ColumnReport, values: pa.Array, tally: Tally) -> ColumnReport:
    """Return the report of a column that the rest of its row has changed."""
    filled = (len(values) - values.null_count) / max(len(values), 1)
    words = pa.types.is_list(values.type)
    distinct = pc.count_distinct(values.flatten()).as_py() if words else len(values.dictionary)
    notes = (*report.notes, "read as words and phrases of two words") if words else report.notes
    return replace(
        report,
        filled_share=filled,
        distinct=distinct,
        changed=report.changed + tally.changed,
        examples=(*tally.examples(), *report.examples)[:EXAMPLES_KEPT],
        notes=notes,
    )


def _as_of(table: pa.Table, settings: Settings) -> date | None:
    if settings.as_of is not None:
        return settings.as_of
    today = datetime.now(UTC).date()
    limit = pa.scalar(datetime(today.year, today.month, today.day, 23, 59, 59), pa.timestamp("s"))
    newest = []
    for name in _AS_OF_FIELDS:
        if name in table.schema.names and pa.types.is_timestamp(table.schema.field(name).type):
            column = table.column(name)
            last = pc.max(column.filter(pc.less_equal(column, limit))).as_py()
            newest += [last.date()] if last is not None else []
    return max(newest, default=None)
