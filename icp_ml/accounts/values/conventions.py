"""How one column writes what a cell alone cannot tell: the order of its dates, what its numbers count, its currency.

Decided once from a whole column of the customers and kept with the model, so that no value ever depends on a batch. Of
a list, the order of dates is its own; what amounts are measured in, and which words are values, is as in training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import PLACEHOLDERS, as_text, fold, trimmed
from icp_ml.accounts.values.dates import SERIAL_EPOCHS, Serial, day_first_evidence, order_of, serial_of
from icp_ml.accounts.values.money import CURRENCIES, currency_of_header, plain_text, without_currency
from icp_ml.schema import Field, header_key

T = TypeVar("T")
DateOrder = Literal["day_first", "month_first"]
DOLLAR = "USD"
MARKED_SHARE = 0.5  # of the cells: from here on, what they name is what those without a currency are in
CODE_SHARE = 0.9  # of distinct values, two letters: a column of country codes, where "NA" is Namibia
NAMIBIA_SHARE = 0.005  # of the cells: more of them are no Namibians
_SERIAL_TEXT = r"^-?[0-9]{1,5}(?:\.[0-9]+)?$"
_PLAIN_AMOUNT = r"^[0-9.,+\-eE' ]+$"
_SHOWN_CURRENCIES = 4


@dataclass(frozen=True)
class Convention:
    """How a column writes its values.

    Attributes
    ----------
    day_first : bool or None
        Order of numeric dates; None leaves "4/5/2024" missing.
    serial : "excel", "sas" or None
        What bare numbers of a date column count days from.
    currency : str
        What amounts that name no currency are in (ISO code).
    unit : str
        What the field's amounts are in after normalising: US dollars, unless nothing says what one is worth in them.
    kept : tuple of str
        Words for "missing" elsewhere that are values here ("none", "na").
    """

    day_first: bool | None = None
    serial: Serial | None = None
    currency: str = DOLLAR
    unit: str = DOLLAR
    kept: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without what is as usual."""
        usual = asdict(PLAIN)
        return {k: list(v) if k == "kept" else v for k, v in asdict(self).items() if v != usual[k]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Convention:
        """Read what `to_dict` wrote, checking every value.

        Raises
        ------
        ValueError
            A value that is none.
        """
        day_first, serial = stored.get("day_first"), stored.get("serial")
        codes = [str(stored.get(key, DOLLAR)) for key in ("currency", "unit")]
        if day_first not in (None, True, False) or serial not in (None, *SERIAL_EPOCHS) or set(codes) - CURRENCIES:
            msg = f"no convention of a column: {dict(stored)!r:.200}"
            raise ValueError(msg)
        return cls(day_first, serial, codes[0], codes[1], tuple(map(str, stored.get("kept", ()))))


PLAIN = Convention()


def convention_of(
    array: pa.Array | pa.ChunkedArray,
    field: Field,
    header: str,
    *,
    rates: Mapping[str, float] | None = None,
    order: DateOrder | None = None,
    like: Convention | None = None,
) -> tuple[Convention, tuple[str, ...]]:
    """Decide the convention of a whole column, and say what a reader should know of it.

    Parameters
    ----------
    array : pa.Array or pa.ChunkedArray
        The column as read; the answer depends neither on row order nor on chunks.
    field : Field
        What it holds.
    header : str
        May state a currency.
    rates : mapping of str to float, optional
        US dollars per unit of a currency.
    order : "day_first", "month_first" or None
        What the settings say of its dates.
    like : Convention, optional
        The same field's in training: its unit and kept words hold here too.

    Returns
    -------
    convention : Convention
    notes : tuple of str
    """
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if field.kind == "date":
        return _of_dates(array, order)
    if field.kind == "money":
        found, notes = _of_amounts(array, header, rates or {})
        return (replace(found, unit=like.unit) if like else found), notes
    if field.kind in {"category", "country", "place"}:
        kept = like.kept if like else _kept(array, field)
        note = f"{_quoted(kept)} taken as a value, not as missing" if kept else ""
        return Convention(kept=kept), (note,) if note else ()
    return PLAIN, ()


def of_list(header: str, field: Field, trained: Convention) -> Convention:
    """Return the convention of a list's column before its values are looked at: as trained, its currency by header."""
    if field.kind != "money":
        return trained
    return replace(trained, currency=currency_of_header(header) or trained.unit)


def said_of(declared: Mapping[str, T], field: str, header: str) -> T | None:
    """Return what the settings say of a column, by its field or else by its header in any spelling."""
    if field in declared:
        return declared[field]
    return next((said for key, said in declared.items() if header_key(key) == header_key(header)), None)


def counts_days(header: str, array: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a column of numbers holds dates: its header says so, and nearly all numbers are days of our time.

    Examples
    --------
    >>> counts_days("ApprovalDate", pa.array([15_074, 15_130])), counts_days("Visits", pa.array([15_074, 15_130]))
    (True, False)
    """
    if not set(header_key(header).split("_")) & {"date", "dates", "datum", "fecha"}:
        return False
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    numbers, others = _numbers_among(_distinct_texts(array))
    return not others and serial_of(numbers) is not None


class DateOrders:
    """Gathers, over the batches of a list, in which order its columns write day and month, and what numbers count."""

    def __init__(self) -> None:
        self._evidence: dict[str, tuple[bool, bool]] = {}
        self._numbers: dict[str, set[float]] = {}
        self._others: dict[str, bool] = {}

    def look(self, name: str, array: pa.Array) -> None:
        """Take one batch of a column into account."""
        if pa.types.is_timestamp(array.type):
            return
        texts = _distinct_texts(array)
        if not texts:
            return
        numbers, others = _numbers_among(texts)
        day, month = self._evidence.get(name, (False, False))
        found = day_first_evidence(others)
        self._evidence[name] = (day or found[0], month or found[1])
        self._numbers.setdefault(name, set()).update(numbers)
        self._others[name] = self._others.get(name, False) or len(others) > len(numbers)

    def settle(self, name: str, trained: Convention) -> Convention:
        """Return the column's own convention; where its values say nothing, that of training."""
        order = order_of(self._evidence.get(name, (False, False)))
        serial = None if self._others.get(name) else serial_of(sorted(self._numbers.get(name, ())))
        return replace(
            trained,
            day_first=trained.day_first if order is None else order,
            serial=trained.serial if serial is None else serial,
        )


def _of_dates(array: pa.Array, order: DateOrder | None) -> tuple[Convention, tuple[str, ...]]:
    if pa.types.is_timestamp(array.type):
        return PLAIN, ()
    texts = _distinct_texts(array)
    numbers, others = _numbers_among(texts)
    serial = serial_of(numbers) if len(numbers) >= len(others) else None
    evidence = day_first_evidence(others)
    day_first = order_of(evidence) if order is None else order == "day_first"
    notes = []
    if all(evidence) and order is None:
        notes.append(
            "dates are written day first and month first, so those that could be either are left out; if one order "
            "holds, set it under fields.date_order, as day_first or month_first"
        )
    if serial:
        epoch = "1900, as spreadsheets do" if serial == "excel" else "1960, as SAS and Stata do"
        notes.append(f"its numbers are read as days counted from {epoch}")
    return Convention(day_first=day_first, serial=serial), tuple(notes)


def _of_amounts(array: pa.Array, header: str, rates: Mapping[str, float]) -> tuple[Convention, tuple[str, ...]]:
    stated = currency_of_header(header)
    counts, total = _currencies(array)
    marked = sum(counts.values())
    common = min(counts, key=lambda code: (-counts[code], code != DOLLAR, code)) if counts else DOLLAR
    plain = stated or (common if marked >= MARKED_SHARE * total else DOLLAR)
    worth = {DOLLAR: 1.0, **rates}
    unit = DOLLAR if plain in worth else plain
    if unmarked := total - marked:
        counts[plain] = counts.get(plain, 0) + unmarked
    notes = []
    if len(counts) > 1:
        shares = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_CURRENCIES]
        notes.append("amounts in " + ", ".join(f"{code} {count / total:.0%}" for code, count in shares))
    if unit != DOLLAR:
        notes.append(f"amounts are in {unit}, not in US dollars; to convert them, {_ask(unit)}")
    strange = sorted(code for code in counts if code != unit and (code not in worth or unit not in worth))
    if strange:
        notes.append(f"amounts in {', '.join(strange)} are left out, as nothing says their worth; {_ask(strange[0])}")
    return Convention(currency=plain, unit=unit), tuple(notes)


def _ask(code: str) -> str:
    return f"set fields.currency_rates: {{{code}: <US dollars per {code}>}}"


def _currencies(array: pa.Array) -> tuple[dict[str, int], int]:
    """Return how many cells name which currency, and how many hold anything."""
    filled = len(array) - array.null_count
    if not (
        pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_dictionary(array.type)
    ):
        return {}, filled
    text, placeholders = trimmed(array)
    odd = text.filter(pc.invert(pc.match_substring_regex(text, _PLAIN_AMOUNT)).fill_null(False))
    counted = odd.value_counts()
    counts: dict[str, int] = {}
    for cell, count in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True):
        code = without_currency(plain_text(cell))[1] if len(cell) < 80 else ""
        if code:
            counts[code] = counts.get(code, 0) + count
    return counts, filled - placeholders


def _kept(array: pa.Array, field: Field) -> tuple[str, ...]:
    """Return words for "missing" that are values here.

    "None" is one where blank cells say "unknown" and no other word does. "NA" is Namibia in a column of two-letter
    codes that holds few of them.
    """
    counted = as_text(array).value_counts()
    cells = counted.field("values").to_pylist()
    counts = dict(zip(cells, counted.field("counts").to_pylist(), strict=True))
    filled = sum(count for cell, count in counts.items() if cell is not None and cell.strip())
    if field.kind == "country":
        others = {cell for cell in counts if cell and fold(cell) not in PLACEHOLDERS}
        codes = sum(len(cell) == 2 and cell.isalpha() and cell.isupper() for cell in others)
        few = 0 < counts.get("NA", 0) <= NAMIBIA_SHARE * filled
        return ("na",) if others and codes >= CODE_SHARE * len(others) and few else ()
    blank = len(array) - filled
    words = {fold(cell) for cell in counts if cell and cell.strip()} & PLACEHOLDERS
    return ("none",) if blank and words == {"none"} else ()


def _distinct_texts(array: pa.Array) -> list[str]:
    found: list[str] = trimmed(pc.unique(as_text(array)))[0].drop_null().to_pylist()
    return found


def _numbers_among(texts: Iterable[str]) -> tuple[list[float], list[str]]:
    """Return the numbers of up to five digits, and all texts that are none (of the former: nothing)."""
    column = pa.array(texts, pa.string())
    is_number = pc.match_substring_regex(column, _SERIAL_TEXT)
    numbers = column.filter(is_number).cast(pa.float64()).to_pylist()
    return sorted(numbers), column.filter(pc.invert(is_number)).to_pylist()


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
