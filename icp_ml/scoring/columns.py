"""The published schema of scored columns: names, Arrow types, nullability, order."""

from __future__ import annotations

import pyarrow as pa

LIST_COLUMNS = ("rank", "percentile")
LIST_TIER = "list_tier"  # after these, where the settings ask for tiers of the whole list
FEW_ROWS = 64  # up to here each column costs more than its rows
WINNABILITY = "winnability"


def row_schema(reasons: int = 5, lookalikes: int = 3) -> pa.Schema:
    """Return the row-level columns: they depend on the row and the model alone."""
    text, number = pa.string(), pa.float64()
    fields = [
        pa.field("account_id", text, nullable=False),
        pa.field("name", text),
        pa.field("domain", text),
        pa.field("status", text, nullable=False),
        pa.field("status_reason", text),
        pa.field("fit_score", number),
        pa.field("fit_low", number),
        pa.field("fit_high", number),
        pa.field("log_odds", number),
        pa.field("tier", text, nullable=False),
        pa.field("in_support", pa.bool_(), nullable=False),
        pa.field("coverage", number, nullable=False),
        pa.field("segment", text, nullable=False),
    ]
    for i in range(1, reasons + 1):
        fields += [
            pa.field(f"reason_{i}", text),
            pa.field(f"reason_{i}_field", text),
            pa.field(f"reason_{i}_contribution", number),
        ]
    fields += [pa.field(f"lookalike_{i}", text) for i in range(1, lookalikes + 1)]
    if lookalikes:
        fields.append(pa.field("lookalike_churned", text))
    fields += [pa.field(name, text) for name in ("tier_range", "worth_knowing", "worth_knowing_field", WINNABILITY)]
    return pa.schema([*fields, pa.field("model_version", text, nullable=False)])


def list_schema(reasons: int = 5, lookalikes: int = 3, *, list_tier: bool = False) -> pa.Schema:
    """Return the columns of a scored file: the row-level ones, then those that need the whole list."""
    rank, percentile = LIST_COLUMNS
    schema = row_schema(reasons, lookalikes)
    schema = schema.append(pa.field(rank, pa.int64())).append(pa.field(percentile, pa.float64()))
    return schema.append(pa.field(LIST_TIER, pa.string(), nullable=False)) if list_tier else schema


def plain_strings(table: pa.Table | pa.RecordBatch) -> pa.Table:
    """Return a table or batch as a table with dictionary columns as strings."""
    text = pa.string()
    columns = [
        c.dictionary_decode()  # takes half the time of a cast, where rows are few
        if isinstance(c, pa.DictionaryArray)
        else c.cast(text)
        if pa.types.is_dictionary(c.type)
        else c
        for c in table.columns
    ]
    return pa.table(columns, names=table.schema.names)


def long_strings(batch: pa.RecordBatch) -> pa.Table:
    """Return what `plain_strings` does with strings as pandas holds them: by a shorter way, where rows are few."""
    text, long = pa.string(), pa.large_string()
    columns = [
        pa.array(c.to_pylist(), long) if isinstance(c, pa.DictionaryArray) or c.type == text else c
        for c in batch.columns
    ]
    return pa.Table.from_arrays(columns, names=batch.schema.names)
