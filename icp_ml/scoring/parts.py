"""A batch in parts, each scored by its own tables, put together again in input order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.estimator.encoding import Encoding
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.segment_tables import SegmentRule, divided


def divider(tables: ScoringTables) -> tuple[Encoding, tuple[SegmentRule, ...]]:
    """Return the encoding of just the fields that rules look at, and the rules on its terms."""
    looked_at = {tables.terms[rule.term].field for rule in tables.rules}
    encoding = Encoding(tuple(enc for enc in tables.encoding.fields if enc.field in looked_at))
    position = {term.name: j for j, term in enumerate(encoding.terms)}
    rules = tuple(replace(rule, term=position[tables.terms[rule.term].name]) for rule in tables.rules)
    return encoding, rules


def in_parts(
    by: tuple[Encoding, Sequence[SegmentRule]], columns: Mapping[str, pa.Array], rows: int, as_of: date | None
) -> Iterator[tuple[int, npt.NDArray[np.int64], dict[str, pa.Array]]]:
    """Yield each segment that has rows, which rows, and their columns."""
    encoding, rules = by
    for number, index in divided(rules, encoding.encode(columns, rows, as_of)):
        chosen = pa.array(index)
        yield number, index, {name: array.take(chosen) for name, array in columns.items()}


def joined(parts: Sequence[pa.RecordBatch], order: Sequence[npt.NDArray[np.int64]]) -> pa.RecordBatch:
    """Return parts as one batch; `order` says which rows of it each part holds."""
    place = np.argsort(np.concatenate(order), kind="stable")
    index, out = pa.array(place), {}
    for name in parts[0].schema.names:
        whole = pa.chunked_array([part.column(name) for part in parts])
        if pa.types.is_dictionary(whole.type):
            whole = whole.unify_dictionaries()
        out[name] = pa.concat_arrays(whole.chunks).take(index)
    return pa.RecordBatch.from_arrays(list(out.values()), names=list(out))
