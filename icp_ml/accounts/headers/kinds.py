"""What kind of values a column holds that no field is known for."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from icp_ml.accounts.normalise import FALSE_WORDS, TRUE_WORDS
from icp_ml.accounts.values.bands import parse_quantity
from icp_ml.accounts.values.cells import as_text, fold, trimmed
from icp_ml.accounts.values.dates import parse_date
from icp_ml.schema import Kind

# What decides the kind of an unknown column. Shares are of the cells that hold something, unless said otherwise.
NUMBER_SHARE = 0.95  # read as a number
MARKED_SHARE = 0.5  # of these, with a currency or magnitude (money), or a per cent sign (share)
DATE_SHARE = 0.90  # of the distinct values, read as a date
LISTED_SHARE = 0.20  # holding ";" or "|"
REPEATED_TOKENS = 0.5  # a vocabulary: at most this many distinct tokens per token
DISTINCT_SHARE, MIN_DISTINCT = 0.5, 50  # above both: an identifier or text
LONG_TEXT_CHARS = 60  # mean length from which cells are text
IDENTIFIER_DIGITS = 7  # numbers of one length, at least this long and all different, are keys
SAMPLED_VALUES = 20_000  # distinct values looked at, evenly spaced in sorted order
MAX_BAND_SPELLINGS = 50  # bands are few; more spellings with a dash are phone numbers and the like


def infer_kind(array: pa.Array | pa.ChunkedArray) -> Kind:
    """Tell what kind of values a column holds, from its distinct values and their counts alone.

    Parameters
    ----------
    array : pa.Array or pa.ChunkedArray
        A whole column as read; the answer depends neither on row order nor on chunks.

    Examples
    --------
    >>> infer_kind(pa.array(["1-10", "11-50", "51-200"])), infer_kind(pa.array(["Yes", "no", None]))
    ('number', 'boolean')
    """
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    kind = array.type
    if pa.types.is_list(kind):
        return "token_set"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_timestamp(kind):
        return "date"
    values, counts = _distinct(as_text(array))
    if not values:
        return "category"
    folded = {fold(value) for value in values}
    if len(folded) <= 10 and folded <= TRUE_WORDS | FALSE_WORDS and (len(folded) > 1 or not folded <= {"0", "1"}):
        return "boolean"
    step = -(-len(values) // SAMPLED_VALUES)
    sample, weights = values[::step], counts[::step]
    if _is_key(values, counts):
        return "identifier"
    return _number_kind(sample, weights) or _date_kind(sample) or _text_kind(array, values, counts)


def _distinct(text: pa.Array) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    clean, _ = trimmed(text)
    counted = clean.drop_null().value_counts().sort(by="values")
    return counted.field("values").to_pylist(), counted.field("counts").to_numpy(zero_copy_only=False).astype(np.int64)


def _is_key(values: list[str], counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bool:
    """Whether whole numbers are keys: a gapless row counter, or long numbers of one length, all different."""
    if len(values) <= MIN_DISTINCT or counts.max() > 1 or not all(v.isascii() and v.isdigit() for v in values):
        return False
    numbers = [int(value) for value in values]
    counter = max(numbers) - min(numbers) == len(numbers) - 1
    return counter or (len({len(value) for value in values}) == 1 and len(values[0]) >= IDENTIFIER_DIGITS)


def _number_kind(values: list[str], counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Kind | None:
    """Return number, money or share; postal codes and the like (leading zeros) are no numbers."""
    total = counts.sum()
    read = money = share = bands = padded = 0
    for value, count in zip(values, counts.tolist(), strict=True):
        quantity = parse_quantity(value)
        if quantity.value is None:
            continue
        read += count
        bands += quantity.band
        padded += count * bool(re.match(r"0\d", value) and value.isdigit())
        percent = "%" in value
        share += count * percent
        money += count * bool(quantity.currency or re.search(r"[$€£¥₹]|\busd\b", value.casefold()))
    if read < NUMBER_SHARE * total or padded > 0.01 * total or bands > MAX_BAND_SPELLINGS:
        return None
    if share >= MARKED_SHARE * read:
        return "share"
    return "money" if money >= MARKED_SHARE * read else "number"


def _date_kind(values: list[str]) -> Kind | None:
    dates = 0
    for value in values:
        if not any(c.isdigit() for c in value) or value.isdigit():
            continue
        dates += parse_date(value, day_first=True)[0] is not None or parse_date(value, day_first=False)[0] is not None
    return "date" if dates >= DATE_SHARE * len(values) else None


def _text_kind(array: pa.Array, values: list[str], counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Kind:
    total = int(counts.sum())
    listed = np.array([";" in value or "|" in value for value in values])
    if counts[listed].sum() >= LISTED_SHARE * total and _repeats(values, counts):
        return "token_set"
    lengths = np.array([len(value) for value in values])
    long = float((lengths * counts).sum()) / total >= LONG_TEXT_CHARS
    if long and len(values) > MIN_DISTINCT:
        return "text"
    if len(values) > DISTINCT_SHARE * total and len(values) > MIN_DISTINCT:
        return "text" if float(np.mean([" " in value for value in values])) > 0.3 else "identifier"
    return "category"


def _repeats(values: list[str], counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bool:
    """Whether the parts of delimited cells form a vocabulary."""
    tokens: dict[str, int] = {}
    for value, count in zip(values, counts.tolist(), strict=True):
        for token in {fold(part) for part in re.split(r"[;|]", value)} - {""}:
            tokens[token] = tokens.get(token, 0) + count
    return len(tokens) <= REPEATED_TOKENS * sum(tokens.values())
