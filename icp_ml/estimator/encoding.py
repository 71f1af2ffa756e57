"""Accounts to small integers: frozen bins with explicit missing, unseen and out-of-range codes.

LightGBM never sees a string or a pandas categorical, and scoring never sees LightGBM: both see the
codes made here. What a code means is fixed when the encoding is fitted and never depends on the batch.

Codes by kind of field::

    numeric   0 missing, 1 below every customer, 2.. bins (lower edge < value <= upper edge), last: above every customer
    category  0 missing, 1 never seen, 2 too rare to stand alone, 3.. values in sorted order
    boolean   0 missing, 1 false, 2 true
    tokens    one term per token: 0 set missing, 1 token absent, 2 token present
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as _field
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.exceptions import InputError

Codes = npt.NDArray[np.uint16]
FloatArray = npt.NDArray[np.float64]
EncodedKind = Literal["numeric", "category", "boolean", "tokens"]

MISSING = 0
BELOW = 1
UNSEEN = 1
RARE = 2
FIRST_BIN = 2
FIRST_VALUE = 3
FALSE = ABSENT = 1
TRUE = PRESENT = 2
MAX_VALUES = 4000  # categories kept per field; the rest is "rare"


@dataclass(frozen=True)
class FieldEncoding:
    """How one field becomes codes.

    Attributes
    ----------
    field : str
        Column name.
    kind : str
        numeric, category, boolean or tokens.
    form : str
        The schema kind (count, money, date ...), for wording and for reading dates as ages.
    edges : ndarray of float64
        numeric only: ascending upper edges; the first and last are guards no customer lies beyond.
    values : tuple of str
        category: known values, sorted; tokens: the vocabulary, sorted.
    spellings : tuple of str
        What to show for each of `values`.
    rare : tuple of str
        category only: values seen in training, but too few times to stand alone.
    """

    field: str  # its name
    kind: EncodedKind
    form: str = "number"
    label: str = ""
    category: str = "firmographic"
    edges: FloatArray = _field(default_factory=lambda: np.empty(0))
    values: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()

    @property
    def sizes(self) -> list[int]:
        """Number of codes of each of the field's terms."""
        if self.kind == "numeric":
            return [len(self.edges) + 2]
        if self.kind == "category":
            return [len(self.values) + FIRST_VALUE]
        return [3] * (len(self.values) if self.kind == "tokens" else 1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; floats round-trip exactly."""
        out: dict[str, Any] = {
            "field": self.field,
            "kind": self.kind,
            "form": self.form,
            "label": self.label,
            "category": self.category,
        }
        if self.kind == "numeric":
            out["edges"] = self.edges.tolist()
        if self.values:
            out |= {"values": list(self.values), "spellings": list(self.spellings)}
        if self.rare:
            out["rare"] = list(self.rare)
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FieldEncoding:
        """Read what `to_dict` wrote, checking every value that scoring relies on."""
        edges = np.asarray(data.get("edges", []), dtype=np.float64)
        if data["kind"] not in ("numeric", "category", "boolean", "tokens"):
            msg = f"encoding of '{data['field']}': unknown kind {data['kind']!r}"
            raise InputError(msg)
        least = 2 if data["kind"] == "numeric" else 0
        if edges.ndim != 1 or len(edges) < least or not (np.all(np.isfinite(edges)) and np.all(np.diff(edges) > 0)):
            msg = f"encoding of '{data['field']}': edges must be finite, ascending, and at least {least}"
            raise InputError(msg)
        values = tuple(map(str, data.get("values", ())))
        spellings = tuple(map(str, data.get("spellings", values)))
        if len(spellings) != len(values) or len(set(values)) != len(values):
            msg = f"encoding of '{data['field']}': values must be unique, with one spelling each"
            raise InputError(msg)
        return cls(
            str(data["field"]),
            data["kind"],
            str(data["form"]),
            str(data["label"]),
            str(data["category"]),
            edges,
            values,
            spellings,
            tuple(map(str, data.get("rare", ()))),
        )


@dataclass(frozen=True)
class Term:
    """One additive part of the model: a field, or one token of a token set."""

    name: str
    field: str  # its name
    encoding: FieldEncoding
    size: int
    token: int | None = None  # position in the vocabulary

    @property
    def spelling(self) -> str:
        """The token as people write it."""
        return self.encoding.spellings[self.token] if self.token is not None else ""


@dataclass(frozen=True)
class Encoding:
    """All fields of a model, in order, and their terms."""

    fields: tuple[FieldEncoding, ...]

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """One term per field, one per token for token sets."""
        out: list[Term] = []
        for enc in self.fields:
            if enc.kind == "tokens":
                out += [Term(f"{enc.field}={v}", enc.field, enc, 3, k) for k, v in enumerate(enc.values)]
            else:
                out.append(Term(enc.field, enc.field, enc, enc.sizes[0]))
        return tuple(out)

    def encode(self, columns: Mapping[str, pa.Array], rows: int, as_of: date | None = None) -> Codes:
        """Return codes of shape (rows, terms), one contiguous column per term.

        Parameters
        ----------
        columns : mapping of field name to Arrow array
            Canonical arrays (float64, bool, dictionary or string, list of string, timestamp); a field
            that is not there counts as missing in every row.
        rows : int
            Number of rows.
        as_of : date, optional
            The day ages of date fields are measured to.
        """
        codes = np.zeros((rows, len(self.terms)), dtype=np.uint16, order="F")
        position = 0
        for enc in self.fields:
            width = len(enc.sizes)
            if enc.field in columns:
                _encode_field(enc, columns[enc.field], codes[:, position : position + width], as_of)
            position += width
        return codes


def _encode_field(enc: FieldEncoding, array: pa.Array, out: Codes, as_of: date | None) -> None:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if enc.kind == "numeric":
        values = numeric_values(array, as_of)
        codes = np.searchsorted(enc.edges, values, side="left") + 1
        codes[np.isnan(values)] = MISSING
        out[:, 0] = codes
    elif enc.kind == "boolean":
        flags = pc.cast(array, pa.bool_())
        out[:, 0] = np.where(_valid(flags), pc.fill_null(flags, False).to_numpy(zero_copy_only=False) + FALSE, MISSING)
    elif enc.kind == "category":
        out[:, 0] = _category_codes(enc, array)
    else:
        _token_codes(enc, array, out)


def _valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False), dtype=bool)


def numeric_values(array: pa.Array, as_of: date | None) -> FloatArray:
    """Return float64 with NaN for missing; dates become days before `as_of`, future dates missing."""
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        seconds = pc.cast(array, pa.timestamp("s")).cast(pa.int64())
        values = np.asarray(seconds.to_numpy(zero_copy_only=False), dtype=np.float64)
        if as_of is None:
            return np.full(len(array), np.nan)
        today = (as_of - date(1970, 1, 1)).days
        days = today - np.floor(values / 86400.0)  # whole days: what happens on the day itself is no future
        return np.where(days >= 0, days, np.nan)
    return np.asarray(pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _category_codes(enc: FieldEncoding, array: pa.Array) -> npt.NDArray[np.int64]:
    if not pa.types.is_dictionary(array.type):
        array = pc.dictionary_encode(pc.cast(array, pa.string()))
    known = {value: code for code, value in enumerate(enc.values, start=FIRST_VALUE)}
    rare = set(enc.rare)
    lookup = np.array(
        [known.get(v, RARE if v in rare else UNSEEN) for v in array.dictionary.to_pylist()], dtype=np.int64
    )
    index = array.indices
    filled = pc.fill_null(index, 0).to_numpy(zero_copy_only=False)
    if not len(lookup):
        return np.zeros(len(array), dtype=np.int64)
    return np.where(_valid(index), lookup[filled], MISSING)


def _token_codes(enc: FieldEncoding, array: pa.Array, out: Codes) -> None:
    known = _valid(array)
    out.T[:] = np.where(known, ABSENT, MISSING)  # the transpose is contiguous
    offsets = np.asarray(array.offsets)
    lengths = np.where(known, np.diff(offsets), 0)
    flat = pc.list_flatten(array)
    if not pa.types.is_dictionary(flat.type):
        flat = pc.dictionary_encode(pc.cast(flat, pa.string()))
    vocabulary = {value: k for k, value in enumerate(enc.values)}
    lookup = np.array([vocabulary.get(v, -1) for v in flat.dictionary.to_pylist()], dtype=np.int64)
    if not len(lookup):
        return
    column = lookup[pc.fill_null(flat.indices, 0).to_numpy(zero_copy_only=False)]
    if flat.indices.null_count:
        column = np.where(_valid(flat.indices), column, -1)
    hit = np.flatnonzero(column >= 0)
    row = np.repeat(np.arange(len(array)), lengths)
    out[row[hit], column[hit]] = PRESENT


# fitting ---------------------------------------------------------------------------------------


def fit_numeric(values: FloatArray, *, max_bins: int) -> FloatArray:
    """Return edges at round numbers near the quantiles, between two guards.

    Parameters
    ----------
    values : ndarray of shape (n,)
        NaN is missing; infinite values are ignored here.
    max_bins : int
        Most bins wanted; ties and rounding may leave fewer.
    """
    finite = np.sort(values[np.isfinite(values)])
    if not len(finite):
        return np.array([-1.0, 1.0])
    distinct = np.unique(finite)
    low, high = _guards(distinct)
    whole = bool(np.all(distinct == np.floor(distinct)))
    if len(distinct) <= max_bins:
        inner = [roundest(a, a + (b - a) * 0.999, whole=whole) for a, b in pairwise(distinct)]
    else:
        shares = np.arange(1, max_bins) / max_bins
        slack = 0.3 / max_bins
        lower = np.quantile(finite, shares - slack, method="lower")
        upper = np.quantile(finite, shares + slack, method="lower")
        inner = [roundest(a, b, whole=whole) for a, b in zip(lower, upper, strict=True)]
    edges = np.unique([low, *(e for e in inner if distinct[0] <= e < distinct[-1]), high])
    return edges.astype(np.float64)


def _guards(distinct: FloatArray) -> tuple[float, float]:
    """Bounds a little outside what customers show: beyond them an account is out of range."""
    least, most = float(distinct[0]), float(distinct[-1])
    if least >= 0 and most < 1e300:
        return (least / 2 - 1e-9 if least > 0 else -1e-9), most * 2 + 1e-9
    span = max(min(most, 1e300) - max(least, -1e300), 1e-9 * max(abs(least), abs(most), 1.0))
    return max(least - span / 2, -1.7e308), min(most + span / 2, 1.7e308)


def roundest(low: float, high: float, *, whole: bool = False) -> float:
    """Return the number with the fewest significant digits in [low, high], nearest its middle.

    With `whole`, low is an integer and so is the result.

    Examples
    --------
    >>> roundest(97.3, 104.2), roundest(2013.2, 2016.8), roundest(0.231, 0.27)
    (100.0, 2015.0, 0.25)
    """
    if not low < high:
        return float(low)
    if low <= 0 <= high:
        return 0.0
    if high < 0:
        return -roundest(-high, -low) if not whole else low
    middle = (low + high) / 2
    top = math.floor(math.log10(high))
    for power in range(top, top - 17, -1):
        for digit in (1, 5, 2.5, 2) if power == top else (5, 2.5, 2, 1):
            exponent, unit = (power - 1, int(digit * 10)) if digit == 2.5 else (power, int(digit))
            if whole and exponent < 0:
                continue
            step = float(f"{unit}e{exponent}")
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if first <= last:
                multiple = min(max(round(middle / step), first), last)
                found = float(f"{multiple * unit}e{exponent}")
                if low <= found <= high:
                    return found
    return float(low if whole else high)


def fit_values(values: Sequence[str | None], *, min_count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (kept, rare): values at least `min_count` times there, and the seen but rarer ones, each sorted."""
    counts: dict[str, int] = {}
    for value in values:
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
    ranked = sorted((v for v, c in counts.items() if c >= min_count), key=lambda v: (-counts[v], v))
    kept = tuple(sorted(ranked[:MAX_VALUES]))
    rare = tuple(sorted(set(counts) - set(kept)))
    return kept, rare[:MAX_VALUES]


def fit_vocabulary(array: pa.Array, *, min_count: int, max_tokens: int) -> tuple[str, ...]:
    """Return the tokens that at least `min_count` rows hold and as many lack, commonest first, then sorted."""
    counts: dict[str, int] = {}
    for tokens in array.to_pylist():
        for token in set(tokens or ()):
            counts[token] = counts.get(token, 0) + 1
    known = len(array) - array.null_count
    useful = [t for t, c in counts.items() if c >= min_count and known - c >= min_count and t]
    return tuple(sorted(sorted(useful, key=lambda t: (-counts[t], t))[:max_tokens]))
