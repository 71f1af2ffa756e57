"""A column as it was written -> canonical Arrow, with a count of what was changed and dropped.

Every value depends on its own cell and on nothing else: not on other rows, on the batch, or on row order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import (
    PLACEHOLDERS,
    Distinct,
    Tally,
    as_text,
    commonest,
    convert_distinct,
    fold,
    holds,
    remembered,
    trimmed,
)
from icp_ml.accounts.values.conventions import PLAIN, Convention
from icp_ml.accounts.values.dates import EMPTY_DATES, MAX_YEAR, MIN_YEAR, parse_date
from icp_ml.accounts.values.hosts import SHARED_HOSTS, host_of, profile_of
from icp_ml.accounts.values.industries import industry_name, naics_code, sic_code, title_of
from icp_ml.accounts.values.mojibake import repaired
from icp_ml.accounts.values.numbers import Worth, numbers
from icp_ml.accounts.values.places import country_of_place
from icp_ml.accounts.values.plain import Cells, plain_days, plain_hosts
from icp_ml.accounts.values.states import city_name
from icp_ml.accounts.values.tokens import token_lists, token_spellings
from icp_ml.schema import NUMERIC_KINDS, Field

TRUE_WORDS = frozenset({"yes", "y", "true", "t", "1", "on", "ja", "oui", "si", "sí", "sim", "✓", "✔"})
FALSE_WORDS = frozenset({"no", "n", "false", "f", "0", "off", "nein", "non", "não", "✗", "✘"})
_PLAIN_HOST = r"^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*$"  # for these, host_of is the identity
PROFILE_FIELDS = frozenset({"linkedin_url"})
_SHARED = pa.array(sorted(SHARED_HOSTS), pa.string())
OLD_DATES = ("found", "establish", "incorporat", "birth", "built")  # these can truly lie in 1900


@dataclass(frozen=True)
class Normalised:
    """A normalised column.

    Attributes
    ----------
    values : pa.Array
        Canonical Arrow for the field's kind; null means missing.
    changed : int
        Cells read as something else than they plainly say ("51-200" as 125.5, "Germany" as "DE"); a change of case or
        white space alone is not counted.
    dropped : int
        Cells that hold something, but nothing that could be used: now missing.
    placeholders : int
        Cells that hold a word for "missing".
    foreign : int
        Of the dropped: amounts in a currency of unknown worth.
    examples : tuple of (str, str)
        As written, and the result or the reason; commonest first.
    notes : tuple of str
        Anything else to say.
    """

    values: pa.Array
    changed: int
    dropped: int
    placeholders: int
    examples: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    foreign: int = 0


def normalise_column(
    array: pa.Array | pa.ChunkedArray,
    field: Field,
    delimiter: str | None = None,
    *,
    scale: float = 1.0,
    convention: Convention = PLAIN,
    rates: Mapping[str, float] | None = None,
    missing: Sequence[str] = (),
    encoded: bool = False,
) -> Normalised:
    """Convert a column to the canonical Arrow type of its field's kind.

    Parameters
    ----------
    array : pa.Array or pa.ChunkedArray
        Strings, numbers, booleans, timestamps, dictionaries or lists of strings.
    field : Field
        What it holds.
    delimiter : str or None
        For token sets: the declared separator.
    scale : float
        What numbers without a unit of their own are multiplied by ("in 000s USD": 1000).
    convention : Convention
        How the column writes dates and amounts.
    rates : mapping of str to float, optional
        For money: US dollars per unit of a currency.
    missing : sequence of str
        Cells that a person has declared to mean "missing" ("999").
    encoded : bool
        For scoring: leave the tokens of token sets as a dictionary, and spare counts that take a look at every cell.

    Returns
    -------
    Normalised
        With exactly one value per input cell.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    tally = Tally(counting=not encoded)
    if missing:
        array = _without(array, missing, tally)
    if field.kind in NUMERIC_KINDS:
        values = numbers(array, field, scale, Worth(convention, rates or {}), tally)
    elif field.kind == "date":
        values = _dates(array, field, convention, tally)
    elif field.kind == "token_set":
        values, placeholders, repeated = token_lists(array, field, delimiter, encoded=encoded)
        tally.placeholders += placeholders
        tally.note("repeated tokens left out", repeated)
    elif field.name in PROFILE_FIELDS:
        values = _profiles(array, tally)
    elif field.kind in {"category", "place"}:
        values = _categories(repaired(array, tally), tally, _NAMES_OF.get(field.name, fold), convention.kept)
    elif field.kind == "country":
        values = _countries(repaired(array, tally), tally, convention.kept)
    else:
        values = _TEXT_KINDS[field.kind](array, tally)
    counts = tally.changed, tally.dropped, tally.placeholders
    return Normalised(values, *counts, tally.examples(), tally.sentences(), tally.foreign)


def commonest_spellings(
    array: pa.Array | pa.ChunkedArray, normalised: pa.Array, field: Field, delimiter: str | None = None
) -> Mapping[str, str]:
    """Return, for each normalised value of a category or token set, the way it is most often written."""
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if field.kind == "token_set":
        return token_spellings(array, field, delimiter)
    pairs = pa.table({"folded": as_text(normalised), "written": as_text(array)}).group_by(["folded", "written"])
    counted = pairs.aggregate([([], "count_all")]).to_pydict()
    seen = zip(counted["folded"], counted["written"], counted["count_all"], strict=True)
    spelled = commonest([(folded, written, count) for folded, written, count in seen if folded and written])
    if field.name in CODE_SYSTEMS:  # a person reads a sector's title, not the code that stood for it
        return {value: title_of(value, CODE_SYSTEMS[field.name]) or written for value, written in spelled.items()}
    return spelled


def _without(array: pa.Array, missing: Sequence[str], tally: Tally) -> pa.Array:
    """Return the column with the cells that were declared to mean "missing" as null."""
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return array
    declared = sorted({fold(word) for word in missing})
    text = pc.utf8_lower(pc.utf8_trim_whitespace(as_text(array)))
    if holds(text, ".0"):  # "999.0" in one file is "999" in another
        text = pc.replace_substring_regex(text, r"^(-?[0-9]+)\.0+$", r"\1")
    found = pc.is_in(text, value_set=pa.array(declared, pa.string()))
    tally.placeholders += pc.sum(found).as_py() or 0
    if pa.types.is_dictionary(array.type):
        array = array.dictionary.take(array.indices)
    return pc.if_else(found, pa.scalar(None, array.type), array)


def _dates(array: pa.Array, field: Field, convention: Convention, tally: Tally) -> pa.Array:
    values = _times(array, convention, tally)
    if any(word in field.name for word in OLD_DATES):
        return values
    empty = pc.is_in(values, value_set=pa.array(EMPTY_DATES, pa.timestamp("s"))).to_numpy(zero_copy_only=False)
    if not empty.any():
        return values
    tally.drop_where(empty, array, "is what an empty date becomes, not a day anything happened")
    return pc.if_else(pa.array(empty), pa.scalar(None, values.type), values)


def _times(array: pa.Array, convention: Convention, tally: Tally) -> pa.Array:
    seconds = pa.timestamp("s")
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        if pa.types.is_date(array.type):
            array = array.cast(pa.timestamp("ms"))
        years = pc.year(array)
        inside = pc.and_(pc.greater_equal(years, MIN_YEAR), pc.less_equal(years, MAX_YEAR)).fill_null(True)
        outside = pc.invert(inside).to_numpy(zero_copy_only=False)
        tally.drop_where(outside, array, f"lies outside {MIN_YEAR} to {MAX_YEAR}")
        kept = pc.if_else(inside, array, pa.scalar(None, array.type))
        return pc.floor_temporal(kept, unit="second").cast(pa.timestamp("us"), safe=False).cast(seconds, safe=False)
    text = as_text(array)
    day = plain_days(Cells.of(text))
    if 2 * np.count_nonzero(day) < len(day):
        return _parsed(text, convention, tally)
    rest = pa.array(~day)
    try:
        values = pc.if_else(rest, pa.scalar(None, pa.string()), text).cast(seconds)
    except pa.ArrowInvalid:  # no day of the calendar
        return _parsed(text, convention, tally)
    return values if day.all() else pc.replace_with_mask(values, rest, _parsed(text.filter(rest), convention, tally))


def _parsed(text: pa.Array, convention: Convention, tally: Tally) -> pa.Array:
    """Read each distinct text as a date."""
    text, placeholders = trimmed(text)
    tally.placeholders += placeholders
    day_first, serial = convention.day_first, convention.serial
    return convert_distinct(text, lambda raw: remembered(parse_date, raw, day_first, serial), pa.timestamp("s"), tally)


def _booleans(array: pa.Array, tally: Tally) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return array
    text, placeholders = trimmed(array)
    tally.placeholders += placeholders

    def read(raw: str) -> tuple[bool | None, str]:
        word = fold(raw)
        return (True, "") if word in TRUE_WORDS else (False, "") if word in FALSE_WORDS else (None, "is not yes or no")

    return convert_distinct(text, read, pa.bool_(), tally)


def _categories(
    array: pa.Array, tally: Tally, read: Callable[[str], str | None] = fold, kept: Sequence[str] = ()
) -> pa.Array:
    """Fold the distinct values; the dictionary is sorted, so the same rows give the same bytes."""
    distinct = Distinct.of(as_text(array))
    results: list[str | None] = []
    for raw, count in zip(distinct.texts, distinct.counts, strict=True):
        folded = fold(raw)
        if folded in PLACEHOLDERS and folded not in kept:
            results.append(None)
            tally.placeholders += count
            continue
        result = read(raw)
        results.append(result)
        if result is None:
            tally.placeholders += count
        elif result.casefold() != folded:
            tally.change(raw, result, count)
    labels = sorted({result for result in results if result is not None})
    position = {label: index for index, label in enumerate(labels)}
    translation = np.array([-1 if r is None else position[r] for r in results] + [-1], dtype=np.int32)
    codes = translation[distinct.codes]
    indices = pa.array(codes, pa.int32(), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(labels, pa.string()))


def _countries(array: pa.Array, tally: Tally, kept: Sequence[str]) -> pa.Array:
    return _categories(array, tally, lambda raw: country_of_place(raw) or fold(raw), kept)


def _texts(array: pa.Array, tally: Tally) -> pa.Array:
    text, placeholders = trimmed(repaired(array, tally))
    tally.placeholders += placeholders
    return text


def _profiles(array: pa.Array, tally: Tally) -> pa.Array:
    """Keep the path of pages on a network, which is what tells companies apart there."""
    text, placeholders = trimmed(array)
    tally.placeholders += placeholders
    return convert_distinct(text, lambda raw: (profile_of(raw), "is not a web address"), pa.string(), tally)


def _identifiers(array: pa.Array, tally: Tally) -> pa.Array:
    if pa.types.is_integer(array.type):
        return array.cast(pa.string())
    text, placeholders = trimmed(array)
    tally.placeholders += placeholders
    if holds(text, "."):
        text = pc.replace_substring_regex(text, r"^([0-9]+)\.0+$", r"\1")
    return text


def _domains(array: pa.Array, tally: Tally) -> pa.Array:
    """Read hosts; cells that are plain hosts as they stand, by far the most, are left as they are."""
    text = as_text(array)
    plain = plain_hosts(Cells.of(text))
    rest = pa.array(~plain)
    if np.count_nonzero(plain) < len(text) / 2:
        host = _hosts(text, tally)
    else:
        others = text.filter(rest)
        host = text if others.null_count == len(others) else pc.replace_with_mask(text, rest, _hosts(others, tally))
    if tally.counting:
        shared = pc.sum(pc.is_in(host, value_set=_SHARED, skip_nulls=True)).as_py() or 0
        tally.note(
            "addresses that many companies share (free mail, profiles, site builders), so they tell none apart", shared
        )
    return host


def _hosts(text: pa.Array, tally: Tally) -> pa.Array:
    """Strip schemes and paths vectorised; what is not a plain host then goes through `host_of`, once per text."""
    text, placeholders = trimmed(text)
    tally.placeholders += placeholders
    host = pc.utf8_lower(text)
    if holds(host, "/"):
        host = pc.replace_substring_regex(host, r"^https?://|/.*$", "")
    if holds(host, "www"):
        host = pc.replace_substring_regex(host, r"^www[0-9]?\.([^.]+\.)", r"\1")  # "www.com" itself stays
    rest = pa.array(~_are_plain(host))
    if pc.any(rest).as_py():
        cells = text.filter(rest)
        read = convert_distinct(cells, lambda raw: (host_of(raw), "is not a web address"), pa.string(), tally)
        host = pc.replace_with_mask(host, rest, read)
    return host


def _are_plain(host: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which hosts `host_of` would leave as they are, and missing ones."""
    plain = plain_hosts(Cells.of(host))
    doubt = np.flatnonzero(~plain)
    if len(doubt):
        some = host.take(pa.array(doubt))
        match = pc.and_(pc.match_substring_regex(some, _PLAIN_HOST), pc.less_equal(pc.binary_length(some), 253))
        match = pc.and_(match, pc.invert(pc.or_(pc.starts_with(some, "ww"), pc.match_substring(some, "xn--"))))
        plain[doubt] = match.fill_null(True).to_numpy(zero_copy_only=False)
    return plain


# One name for every spelling, of the fields whose names are known.
_NAMES_OF: Mapping[str, Callable[[str], str | None]] = {
    "industry": industry_name,
    "sub_industry": industry_name,
    "naics_code": naics_code,
    "sic_code": sic_code,
    "city": city_name,
}
CODE_SYSTEMS: Mapping[str, str] = {"naics_code": "naics", "sic_code": "sic"}
_TEXT_KINDS: Mapping[str, Callable[[pa.Array, Tally], Any]] = {
    "boolean": _booleans,
    "text": _texts,
    "identifier": _identifiers,
    "domain": _domains,
}
