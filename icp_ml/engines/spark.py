"""Score a list that is a Spark DataFrame: the kernel runs in `mapInArrow`, ranks by a sort that Spark can partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from icp_ml._optional import require
from icp_ml.accounts.formats.headers import named_headers
from icp_ml.engines.partitions import POSITION, Buckets, PartitionScorer, ShippedModel
from icp_ml.exceptions import InputError
from icp_ml.model import ICPModel
from icp_ml.scoring.columns import LIST_COLUMNS, plain_strings, row_schema

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType, StructType

NAME = "Spark frame"
MOST_REASONS = 20
MOST_LOOKALIKES = 3

# Spark's names of types whose values a cell can hold; of others (structs, maps) nothing can be read.
_CELLS = {
    "string", "varchar", "char", "boolean", "byte", "short", "integer", "long", "float", "double", "decimal", "date",
    "timestamp", "timestamp_ntz", "binary", "void",
}  # fmt: skip


def score_spark(
    model: ICPModel,
    frame: DataFrame,
    *,
    as_of: date | None = None,
    reasons: int | None = None,
    lookalikes: int | None = None,
    ranks: bool = False,
    keep: Sequence[str] | str = (),
    mapping: Mapping[str, str] | None = None,
) -> DataFrame:
    """Score a Spark DataFrame of accounts, lazily and row by row as `ICPModel.score` does.

    Parameters
    ----------
    model : ICPModel
        Sent to the workers as the bytes of its files; icp-ml of the same release must be installed there.
    frame : pyspark.sql.DataFrame
        A list, with the headers and formats of a list file; columns the model does not know are ignored.
    as_of : date, optional
        The day ages are measured to; default: the training's.
    reasons, lookalikes : int, optional
        How many of each per account (0 to 20, 0 to 3); default: the model's settings.
    ranks : bool
        Add `rank` and `percentile` over the whole frame. This counts the accounts first, which reads and scores the
        frame once, now; the frame must give the same rows again when the result is computed.
    keep : sequence of str or "all"
        Headers of the frame carried into the result, after the domain.
    mapping : mapping of header to field, optional
        For this list, before the model's own settings.

    Returns
    -------
    pyspark.sql.DataFrame
        One row per row of `frame`: the row-level columns of the published schema, and with `ranks` the list-level
        ones. A row with neither id, domain nor name gets a digest of its other values for an id.

    Raises
    ------
    MissingDependencyError
        pyspark is not installed.
    InputError
        `frame` is no Spark DataFrame, holds none of the model's fields, names a column twice, or lacks one of `keep`.
    """
    _check_frame(frame, ranks=ranks)
    require("pyspark", extra="spark", purpose="Scoring a Spark DataFrame")
    headers, _ = named_headers(NAME, frame.columns)
    kept = _kept(keep, headers)
    normaliser = model.normaliser(list(headers), mapping)
    normaliser.check_usable(NAME)
    scoring = model.settings.scoring
    wanted_reasons = _within("reasons", scoring.reasons if reasons is None else reasons, MOST_REASONS)
    wanted_lookalikes = _within("lookalikes", scoring.lookalikes if lookalikes is None else lookalikes, MOST_LOOKALIKES)
    scored = _scored_schema(model, wanted_reasons, wanted_lookalikes, as_of)
    read = [header for header in headers if header in {*normaliser.columns, *kept}]
    work = PartitionScorer(
        ShippedModel.of(model),
        tuple(headers),
        tuple(read),
        dict(mapping or {}),
        _names_of(kept, scored.names),
        wanted_reasons,
        wanted_lookalikes,
        as_of,
    )
    given = _by_position(frame, headers, read, kept)
    schema = _spark_schema(scored, {name: _type_of(frame, headers, header) for header, name in work.carried.items()})
    if not ranks:
        return given.mapInArrow(work, schema)
    return _ranked(given, work, schema)


def _check_frame(frame: Any, *, ranks: bool) -> None:
    if not hasattr(frame, "mapInArrow"):
        kind = f"{type(frame).__module__.split('.')[0]} {type(frame).__name__}"
        msg = f"score_spark takes a Spark DataFrame, found a {kind}; score a pandas DataFrame with  model.score(frame)"
        raise InputError(msg)
    if ranks and frame.isStreaming:
        msg = f"{NAME}: it is a stream, and ranks need the whole list; leave out ranks=True"
        raise InputError(msg)


def _within(name: str, value: int, most: int) -> int:
    if not 0 <= value <= most:
        msg = f"{name} = {value!r}: allowed are 0 to {most}"
        raise InputError(msg)
    return int(value)


def _kept(keep: Sequence[str] | str, headers: Sequence[str]) -> list[str]:
    wanted = [keep] if isinstance(keep, str) else list(dict.fromkeys(keep))
    if wanted == ["all"]:
        wanted = list(headers)
    absent = [header for header in wanted if header not in headers]
    if absent:
        there = ", ".join(map(repr, headers[:20])) + (", ..." if headers[20:] else "")
        msg = f"{NAME}: keep names {absent[0]!r}, which is not a column; the columns are {there}"
        raise InputError(msg)
    return wanted


def _names_of(kept: Sequence[str], scored: Sequence[str]) -> dict[str, str]:
    """Name the carried columns; Spark takes names that differ in case for the same."""
    taken = {name.casefold() for name in (*scored, *LIST_COLUMNS)}
    names: dict[str, str] = {}
    for header in kept:
        name = header
        while name.casefold() in taken:
            name = f"list_{name}"
        taken.add(name.casefold())
        names[header] = name
    return names


def _by_position(frame: DataFrame, headers: Sequence[str], read: Sequence[str], kept: Sequence[str]) -> DataFrame:
    """Return the columns that are read, under plain names: a header may hold dots, quotes, or be there in two cases."""
    from pyspark.sql import functions as F

    plain = frame.toDF(*(f"c{position}" for position in range(len(headers))))
    columns: list[Column] = []
    for position, header in enumerate(headers):
        if header in read:
            readable = header in kept or _is_cell(frame.schema.fields[position].dataType)
            columns.append(plain[f"c{position}"] if readable else F.lit(None).cast("string").alias(f"c{position}"))
    return plain.select(*columns)


def _is_cell(kind: DataType) -> bool:
    name = kind.typeName()
    return name in _CELLS or (name == "array" and kind.elementType.typeName() in _CELLS)  # type: ignore[attr-defined]


def _type_of(frame: DataFrame, headers: Sequence[str], header: str) -> DataType:
    return frame.schema.fields[list(headers).index(header)].dataType


def _scored_schema(model: ICPModel, reasons: int, lookalikes: int, as_of: date | None) -> pa.Schema:
    """Return the row-level columns, as the kernel makes them of no rows."""
    published = {field.name: field.nullable for field in row_schema(reasons, lookalikes)}
    nothing = model.scorer(reasons=reasons, lookalikes=lookalikes).score(
        {"account_id": pa.nulls(0, pa.string())}, 0, as_of
    )
    found = plain_strings(nothing).schema
    return pa.schema([field.with_nullable(published.get(field.name, True)) for field in found])


def _spark_schema(scored: pa.Schema, carried: Mapping[str, DataType]) -> StructType:
    from pyspark.sql.types import BooleanType, DoubleType, LongType, StringType, StructField, StructType

    types: dict[pa.DataType, DataType] = {
        pa.string(): StringType(), pa.float64(): DoubleType(), pa.bool_(): BooleanType(), pa.int64(): LongType(),
    }  # fmt: skip
    fields = [StructField(field.name, types[field.type], field.nullable) for field in scored]
    return StructType([*fields[:3], *(StructField(name, kind) for name, kind in carried.items()), *fields[3:]])


def _ranked(given: DataFrame, work: PartitionScorer, schema: StructType) -> DataFrame:
    """Add rank and percentile: count log-odds in fine cells, cut them into buckets, order each bucket by itself.

    A window over everything would take all rows through one task. Here how many accounts lie in better buckets is
    known before, so each is ordered where it lies. The cuts are ours: Spark's own, from samples, differ from job to
    job.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F
    from pyspark.sql.types import LongType, StructField, StructType

    cells = given.mapInArrow(work.counted, "cell long, accounts long").groupBy("cell").agg(F.sum("accounts"))
    counted = {int(cell): int(accounts) for cell, accounts in cells.collect()}
    buckets = Buckets.of(counted)
    helping = ("_bucket", "_before", "_count")
    wider = StructType([*schema.fields, *(StructField(name, LongType()) for name in (POSITION, *helping))])
    placed = given.withColumn(POSITION, F.monotonically_increasing_id())
    scored = placed.mapInArrow(replace(work, given=(*work.given, POSITION), buckets=buckets), wider)
    # 0 - x, not -x: minus nought and nought are one value here.
    order = [(F.lit(0.0) - F.col("log_odds")).asc(), F.col("account_id").asc(), F.col(POSITION).asc()]
    place = F.row_number().over(Window.partitionBy("_bucket").orderBy(*order))
    changed = F.raise_error(
        F.lit("the frame gave other rows than when its accounts were counted; cache or save it first")
    )
    rank = F.when(F.col("_count") == 0, F.lit(None)).when(place <= F.col("_count"), F.col("_before") + place)
    total = buckets.total
    percentile = F.lit(100.0) * (F.lit(total) - F.col("rank") + F.lit(1)) / F.lit(max(total, 1))
    ranked = scored.withColumn("rank", rank.otherwise(changed.cast("long")))
    return ranked.withColumn("percentile", percentile).drop(POSITION, *helping)
