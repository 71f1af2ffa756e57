"""Numbers and dates that stand for "unknown", found by where they lie: a spike far from all other values.

They are not taken away (999 days may be 999 days): the report says so and names the setting that would.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.schema import NUMERIC_KINDS, Field

MIN_CELLS = 5
MIN_SHARE = 0.005  # of the filled cells
_NEGATIVE = (-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, -999999.0)
_POSITIVE = (99.0, 999.0, 9999.0, 99999.0, 999999.0, 9999999.0, 99999999.0, 999999999.0, 1e12 - 1, 12345.0, 123456.0)
_GAP = 0.25  # of the span of the other values: nothing else lies within it
_ZERO_IS_ODD = frozenset({"employees", "revenue_usd", "monthly_web_visits", "alexa_rank"})
_EPOCHS = tuple(datetime(*day) for day in ((1970, 1, 1), (1980, 1, 1), (1999, 12, 31), (2099, 12, 31), (2100, 1, 1)))
_YEARS_APART = 5


def sentinel_notes(values: pa.Array, field: Field, header: str) -> tuple[str, ...]:
    """Say which values of a normalised column look like codes for "unknown", and how to drop them.

    Parameters
    ----------
    values : pa.Array
        Canonical Arrow of the field's kind.
    field : Field
    header : str
        Names the column in the proposed setting.

    Examples
    --------
    >>> days = pa.array([3.0, 7.0, 6.0, 12.0] + [999.0] * 6)
    >>> sentinel_notes(days, Field("pdays", "number"), "pdays")
    ("6 cells hold 999, far from all others; if it means unknown, set fields.missing_values: {'pdays': [999]}",)
    """
    if field.kind in NUMERIC_KINDS and field.kind != "share":
        found = _numbers(values, field)
    elif field.kind == "date":
        found = _dates(values)
    elif field.kind == "category":
        found = _codes(values)
    else:
        found = []
    key = header.replace("'", "''")[:60]
    return tuple(
        f"{count:,} cells hold {shown}, {why}; if it means unknown, set fields.missing_values: {{'{key}': [{shown}]}}"
        for shown, count, why in found
    )


def _numbers(values: pa.Array, field: Field) -> list[tuple[str, int, str]]:
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
    least = max(MIN_CELLS, MIN_SHARE * len(numbers))
    found = []
    for candidate in (*_NEGATIVE, *_POSITIVE, 0.0):
        count = int((numbers == candidate).sum())
        if count < least or count == len(numbers):
            continue
        others = numbers[numbers != candidate]
        low, high = float(others.min()), float(others.max())
        shown = f"{candidate:.0f}"
        if candidate < 0 <= low:
            found.append((shown, count, "the only negative number"))
        elif candidate > 0 and candidate > high + _GAP * max(high - low, abs(high)):
            found.append((shown, count, "far from all others"))
        elif candidate == 0.0 and field.name in _ZERO_IS_ODD and low > 0:
            found.append((shown, count, "which few companies can have"))
    return found


def _dates(values: pa.Array) -> list[tuple[str, int, str]]:
    days = values.drop_null()
    counted = pc.value_counts(pc.floor_temporal(days, unit="day"))
    counts = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    found = []
    for epoch in _EPOCHS:
        count = counts.get(epoch, 0)
        near = [day for day in counts if day != epoch and abs(day.year - epoch.year) <= _YEARS_APART]
        if count >= max(MIN_CELLS, MIN_SHARE * len(days)) and not near and len(counts) > 1:
            found.append((f"{epoch:%Y-%m-%d}", count, "years from all others"))
    return found


def _codes(values: pa.Array) -> list[tuple[str, int, str]]:
    """Find "0" among codes of several digits."""
    labels = values.dictionary.to_pylist()
    others = [label for label in labels if label != "0"]
    if "0" not in labels or not others or not all(o.isascii() and o.isdigit() for o in others):
        return []
    if np.median([len(label) for label in others]) < 3:
        return []
    count = int(pc.sum(pc.equal(values.indices, labels.index("0"))).as_py() or 0)
    return [("0", count, "too short a code")] if count >= MIN_CELLS else []
