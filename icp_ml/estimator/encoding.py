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

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from dataclasses import field as _field
from datetime import date
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.industries import broader
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
DAYS_OF_MONTH = 30.4375
FEW_ROWS = 512
MANY_EDGES = 100
CODE_SYSTEMS = frozenset({"naics", "sic"})
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
        The schema kind (count, money, date ...), for wording and for reading dates as ages; "age" for a year that is
        read as years before the as-of date; "naics" and "sic" for categories that have wider ones above them.
    edges : ndarray of float64
        numeric only: ascending upper edges; the first and last are guards no customer lies beyond.
    values : tuple of str
        category: known values, sorted; tokens: the vocabulary, sorted.
    spellings : tuple of str
        What to show for each of `values`.
    rare : tuple of str
        category only: values seen in training, but too few times to stand alone.
    adjusted : bool
        While fitting: held at its average afterwards, so no model has it.
    freedom : float
        While fitting: how freely it may speak, 1 as it comes (see `FitParams.emphasis`).
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
    adjusted: bool = False
    freedom: float = 1.0

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
    def adjusted(self) -> bool:
        """Whether its field is adjusted for: fitted, then held at its average."""
        return self.encoding.adjusted

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
    if enc.kind == "tokens":
        _token_codes(enc, array, out)
    else:
        out[:, 0] = field_codes(enc, array, as_of)


def field_codes(enc: FieldEncoding, array: pa.Array, as_of: date | None) -> npt.NDArray[np.integer]:
    """Return the codes of a field that is no token set, shape (rows,)."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if enc.kind == "numeric":
        return numeric_codes(enc.edges, numeric_values(array, as_of, enc.form))
    if enc.kind == "boolean":
        flags = pc.cast(array, pa.bool_())
        return np.where(_valid(flags), pc.fill_null(flags, False).to_numpy(zero_copy_only=False) + FALSE, MISSING)
    return _category_codes(enc, array)


def numeric_codes(edges: FloatArray, values: FloatArray) -> npt.NDArray[Any]:
    """Return 1 for each edge below a value, and 1 for having one: with few edges, comparing beats searching."""
    if len(values) < FEW_ROWS or len(edges) > MANY_EDGES:
        codes: npt.NDArray[np.int64] = np.searchsorted(edges, values, side="left") + 1
        codes[np.isnan(values)] = MISSING
        return codes
    counts: npt.NDArray[np.uint8] = (~np.isnan(values)).view(np.uint8)
    beyond = np.empty(len(values), dtype=bool)
    for edge in edges:
        np.greater(values, edge, out=beyond)
        counts += beyond.view(np.uint8)
    return counts


def _valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False), dtype=bool)


def numeric_values(array: pa.Array, as_of: date | None, form: str = "number") -> FloatArray:
    """Return float64 with NaN for missing; dates become days before `as_of`, and an "age" years before it.

    What lies in the future of `as_of` is missing: on that day nobody knew of it.
    """
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        seconds = pc.cast(array, pa.timestamp("s")).cast(pa.int64())
        values = np.asarray(seconds.to_numpy(zero_copy_only=False), dtype=np.float64)
        if as_of is None:
            return np.full(len(array), np.nan)
        today = (as_of - date(1970, 1, 1)).days
        days = today - np.floor(values / 86400.0)  # whole days: what happens on the day itself is no future
        return np.where(days >= 0, days, np.nan)
    values = np.asarray(pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    if form != "age":
        return values
    ages = (np.nan if as_of is None else as_of.year) - values
    return np.where(ages >= 0, ages, np.nan)


def _category_codes(enc: FieldEncoding, array: pa.Array) -> npt.NDArray[np.int64]:
    if not pa.types.is_dictionary(array.type):
        array = pc.dictionary_encode(pc.cast(array, pa.string()))
    known = {value: code for code, value in enumerate(enc.values, start=FIRST_VALUE)}
    rare = set(enc.rare)
    lookup = np.array([code_of(v, enc.form, known, rare) for v in array.dictionary.to_pylist()], dtype=np.int64)
    index = array.indices
    filled = pc.fill_null(index, 0).to_numpy(zero_copy_only=False)
    if not len(lookup):
        return np.zeros(len(array), dtype=np.int64)
    return np.where(_valid(index), lookup[filled], MISSING)


def code_of(value: str, form: str, known: Mapping[str, int], rare: AbstractSet[str]) -> int:
    """Return a value's code; an industry code that is none of the known ones counts as the nearest wider one."""
    if value in known:
        return known[value]
    if form in CODE_SYSTEMS:
        for wider in broader(value, form):
            if wider in known:
                return known[wider]
            if wider in rare:
                return RARE
    return RARE if value in rare else UNSEEN


def token_places(
    enc: FieldEncoding, array: pa.Array
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.integer], npt.NDArray[np.integer], npt.NDArray[np.int64]]:
    """Look a field's tokens up in its vocabulary, each distinct one once.

    Returns
    -------
    known : ndarray of bool, shape (rows,)
    offsets : ndarray of shape (rows + 1,)
        The tokens of row r, where it is known, are `index[offsets[r] : offsets[r + 1]]`.
    index : ndarray of int
        Of distinct tokens.
    places : ndarray of int
        Per distinct token its position in the vocabulary, -1 for none.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    known = _valid(array) if array.null_count else np.ones(len(array), dtype=bool)
    offsets = np.asarray(array.offsets) if len(array) else np.zeros(1, dtype=np.int32)
    flat, offsets = array.values.slice(offsets[0], offsets[-1] - offsets[0]), offsets - offsets[0]
    if not pa.types.is_dictionary(flat.type):
        flat = pc.dictionary_encode(pc.cast(flat, pa.string()))
    found = pc.index_in(pc.cast(flat.dictionary, pa.string()), value_set=pa.array(enc.values, pa.string()))
    places = np.append(pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64), -1)
    index = flat.indices
    if index.null_count:  # what is missing within a set is the last, which is in no vocabulary
        index = pc.fill_null(index, len(places) - 1)
    return known, offsets, index.to_numpy(), places


def _token_codes(enc: FieldEncoding, array: pa.Array, out: Codes) -> None:
    known, offsets, index, places = token_places(enc, array)
    table = out.T  # contiguous, a row per token
    table[:] = np.where(known, np.uint16(ABSENT), np.uint16(MISSING))
    rows = len(known)
    place = np.where(places >= 0, places * rows, -1).take(index)
    row = np.repeat(np.arange(rows), np.diff(offsets))
    hit = place >= 0
    if not known.all():
        hit &= known.take(row)
    if not hit.all():
        place, row = place[hit], row[hit]
    table.reshape(-1)[place + row] = PRESENT
