"""The canonical table: a list as the model reads it, so that a statement in a warehouse can score it.

Numbers are in their units (US dollars, fractions, people), categories folded and named as training named them, dates
are days, and a token set is one text such as ";aws;sap;": every database can look for ";sap;" in it, where arrays
differ in all of them. What is not known is null.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.values.tokens import first_of_each
from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.exceptions import InputError
from icp_ml.model import ICPModel
from icp_ml.scoring.kernel import IDENTITY

BETWEEN = ";"
_TYPES = {"double": pa.float64(), "text": pa.string(), "boolean": pa.bool_(), "date": pa.date32()}
_MARKED = re.compile("%(?=25|3B)")


@dataclass(frozen=True)
class CanonicalSummary:
    """What became of the rows of a list: `written + rejected` are all of them."""

    out: Path
    written: int
    rejected: int
    missing_fields: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**self.__dict__, "out": str(self.out), "missing_fields": list(self.missing_fields)}


def column_kind(enc: FieldEncoding) -> str:
    """Return what a field's column holds: double, text, boolean or date."""
    if enc.kind == "numeric":
        return "date" if enc.form == "date" else "double"
    return "boolean" if enc.kind == "boolean" else "text"


def token_mark(token: str) -> str:
    """Return what a column holds where its set has the token.

    Examples
    --------
    >>> token_mark("node.js"), token_mark("a;b")
    (';node.js;', ';a%3Bb;')
    """
    return f"{BETWEEN}{_escaped(token)}{BETWEEN}"


def _escaped(token: str) -> str:
    return _MARKED.sub("%25", token).replace(BETWEEN, "%3B")


def canonical_schema(encoding: Encoding) -> pa.Schema:
    """Return the columns of the canonical table: who the account is, then the model's fields in its order."""
    fields = [pa.field("account_id", pa.string(), nullable=False), *(pa.field(n, pa.string()) for n in IDENTITY[1:])]
    fields += [pa.field(enc.field, _TYPES[column_kind(enc)]) for enc in encoding.fields]
    return pa.schema(fields)


def canonical_table(encoding: Encoding, columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    """Return normalised columns, as `ListNormaliser` gives them, as the canonical table.

    Parameters
    ----------
    columns : mapping of field name to Arrow array of `rows` values
        Any of them may be absent: then not known in any row.
    """
    schema = canonical_schema(encoding)
    kinds = {enc.field: enc.kind for enc in encoding.fields}
    arrays = []
    for field in schema:
        array = columns.get(field.name)
        if array is None:
            array = pa.nulls(rows, field.type)
        elif kinds.get(field.name) == "tokens":
            array = _joined(array)
        elif field.type == pa.date32():
            array = _days(array)
        arrays.append(array.cast(field.type))
    return pa.table(arrays, schema=schema)


def _joined(lists: pa.Array) -> pa.Array:
    """Return token sets as texts, each token once."""
    flat = pc.list_flatten(lists)
    flat = flat if pa.types.is_dictionary(flat.type) else flat.cast(pa.string()).dictionary_encode()
    marked = pa.array([_escaped(token) for token in flat.dictionary.to_pylist()], pa.string())
    rows = pc.list_parent_indices(lists).to_numpy().astype(np.int32)
    kept = first_of_each(rows, flat.indices.to_numpy(), len(marked))
    indices = flat.indices if kept is None else flat.indices.filter(pa.array(kept))
    counts = np.bincount(rows if kept is None else rows[kept], minlength=len(lists))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    texts = pc.binary_join(pa.ListArray.from_arrays(offsets, marked.take(indices)), BETWEEN)
    whole = pc.binary_join_element_wise(BETWEEN, texts, BETWEEN, "")
    return pc.if_else(pc.is_valid(lists), whole, pa.scalar(None, pa.string()))


def _days(times: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(times.type):
        times = pc.floor_temporal(times, unit="day")
    return times.cast(pa.date32())


def write_canonical(
    model: ICPModel,
    source: str | Path | Address,
    out: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> CanonicalSummary:
    """Write a list as the model's canonical table, in Parquet, in constant memory, whole or not at all.

    Parameters
    ----------
    source : str, Path or Address
        The list, as `icp_ml.accounts.formats.readers.open_table` takes it.
    mapping : mapping of header to field, optional
        For this list, before the model's own settings.

    Raises
    ------
    InputError
        The list cannot be read, or has none of the model's fields; or the name of the output ends otherwise.
    """
    if out.suffix.lower() != ".parquet" or not out.parent.is_dir():
        msg = f"{out}: the canonical table is a Parquet file in an existing folder; end its name in .parquet"
        raise InputError(msg)
    reader = open_table(source)
    if out.exists() and any(out.samefile(path) for path in reader.files):
        msg = f"{out}: would be written over the list itself; write the table to another file"
        raise InputError(msg)
    again = None if reader.format == "database" else reader
    normaliser = model.normaliser(list(reader.columns), mapping, again)
    normaliser.check_usable(reader.address.shown)
    encoding = model.tables.encoding
    fresh = out.with_name(f".{out.name}.partial")
    written = rejected = 0
    chunks = reader.batches(columns=[c for c in reader.columns if c in normaliser.columns])
    try:
        with pq.ParquetWriter(fresh, canonical_schema(encoding), compression="zstd") as writer:
            for chunk in chunks if again else normaliser.surveying(chunks):
                columns = normaliser.normalise(chunk.batch, first_row=chunk.first_row)
                table = canonical_table(encoding, columns, chunk.batch.num_rows)
                writer.write_table(table, row_group_size=max(table.num_rows, 1))
                written += table.num_rows
                rejected += len(chunk.rejects)
                if progress:
                    progress(written, reader.rows)
        shutil.move(fresh, out)
    finally:
        fresh.unlink(missing_ok=True)
    return CanonicalSummary(out, written, rejected, normaliser.missing)
