"""Vendors' headers to canonical fields, and what kind of values an unknown column holds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa

from icp_ml.accounts.normalise import FALSE_WORDS, TRUE_WORDS
from icp_ml.accounts.values.bands import parse_quantity
from icp_ml.accounts.values.cells import as_text, fold, trimmed
from icp_ml.accounts.values.dates import parse_date
from icp_ml.exceptions import SettingsError
from icp_ml.schema import ALIASES, BY_NAME, Category, Field, Kind, header_key
from icp_ml.settings import Settings

How = Literal["settings", "name", "alias", "own name", "like"]

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

_CATEGORY_WORDS: tuple[tuple[Category, frozenset[str]], ...] = (
    ("technographic", frozenset({"tech", "technology", "technologies", "technographic", "software", "stack", "crm",
                                 "erp", "cloud", "platform", "hosting", "cms", "tool", "tools", "it", "gpu", "web"})),
    ("job_to_be_done", frozenset({"hiring", "jobs", "job", "openings", "intent", "trigger", "initiative", "project"})),
    ("psychographic", frozenset({"culture", "values", "keyword", "keywords", "tags", "certification", "certifications",
                                 "remote", "mission", "sustainability", "tone", "attitude", "policy"})),
)  # fmt: skip
_SCALES: tuple[tuple[str, float], ...] = (
    (r"\b(?:000'?s|thousands?|tsd|kusd|usd ?k)\b|\$ ?k\b|\bk ?\$|\(k\)", 1e3),
    (r"\b(?:millions?|mio|mm|musd|usd ?m)\b|\$ ?mm?\b|\bm ?\$|\(m\)", 1e6),
    (r"\b(?:billions?|bn|mrd)\b|\$ ?b\b", 1e9),
)


@dataclass(frozen=True)
class ColumnMapping:
    """What a column of a file is taken to be.

    Attributes
    ----------
    header : str
        As written.
    field : Field
        The canonical field, a custom one, or a field of the file's own.
    how : "settings", "name", "alias", "own name" or "like" (as in the table it was read beside)
        What decided it.
    scale : float
        What plain numbers are multiplied by, from the header ("Revenue (in 000s USD)": 1000).
    delimiter : str or None
        Of a token set, where the settings declare one.
    note : str
        Why it is not mapped to the field one may expect.
    """

    header: str
    field: Field
    how: How
    scale: float = 1.0
    delimiter: str | None = None
    note: str = ""


def map_columns(columns: Sequence[str], settings: Settings) -> tuple[ColumnMapping, ...]:
    """Decide what each column is: by the settings, then by name, then by alias; else it keeps its own name.

    Where several columns could be one field, the better match wins, then the alias that `icp_ml.schema` lists first,
    then the column further left. Columns that the settings ignore are left out.

    Raises
    ------
    SettingsError
        A column is mapped to a field that does not exist, or two columns of the file to the same one.
    """
    customs = _custom_fields(settings)
    known: dict[str, Field] = {**BY_NAME, **{name: field for name, (field, _) in customs.items()}}
    said = _said(columns, settings, known)
    found: dict[str, tuple[str, How]] = {}  # field name -> header, how
    for header, target in said.items():
        if target != "ignore":
            found[target] = (header, "settings")
    free = [header for header in columns if header not in said]
    for header in free:
        _claim(found, header_key(header), header, "name", known)
    claimed = {header for header, _ in found.values()}
    for header in sorted((h for h in free if h not in claimed), key=_alias_rank):
        _claim(found, ALIASES.get(header_key(header), ""), header, "alias", known)
    by_header = {header: (known[name], how) for name, (header, how) in found.items()}
    taken = set(found)
    mappings = []
    for position, header in enumerate(columns):
        if said.get(header) == "ignore":
            continue
        if header in by_header:
            field, how = by_header[header]
            delimiter = customs[field.name][1] if field.name in customs else None
            mappings.append(ColumnMapping(header, field, how, header_scale(header, field.kind), delimiter))
        else:
            mappings.append(_own(header, position, taken, found))
    return tuple(mappings)


def unused_settings(columns: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Return the headers that `settings.columns` maps but the file does not have."""
    present = {header.strip() for header in columns} | {header_key(header) for header in columns}
    return tuple(header for header in settings.columns if not {header.strip(), header_key(header)} & present)


def as_own_column(mapping: ColumnMapping, taken: set[str], position: int, note: str) -> ColumnMapping:
    """Return the mapping of a column whose values contradict the field its header is an alias of."""
    name = _own_name(mapping.header, position, taken)
    return replace(_own_mapping(mapping.header, name), note=note)


def header_scale(header: str, kind: Kind) -> float:
    """Return the unit a header states: 1000 for "Revenue (in 000s USD)", 0.01 for "Growth %", else 1."""
    text = " ".join(header.casefold().split())
    if kind == "share":
        return 0.01 if "%" in text or re.search(r"\b(?:percent|pct)\b", text.replace("_", " ")) else 1.0
    if kind != "money":
        return 1.0
    return next((scale for pattern, scale in _SCALES if re.search(pattern, text.replace("_", " "))), 1.0)


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


def _custom_fields(settings: Settings) -> Mapping[str, tuple[Field, str | None]]:
    return {
        custom.name: (Field(custom.name, custom.kind, custom.category, label=custom.label), custom.delimiter)
        for custom in settings.fields.custom
    }


def _said(columns: Sequence[str], settings: Settings, known: Mapping[str, Field]) -> dict[str, str]:
    """Return what the settings say of the file's columns: exact headers first, then other spellings of them."""
    said: dict[str, str] = {}
    for key, target in settings.columns.items():
        if target != "ignore" and target not in known:
            raise _unknown_field(key, target, known)
        exact = [header for header in columns if header.strip() == key.strip()]
        alike = [header for header in columns if header_key(header) and header_key(header) == header_key(key)]
        for header in (exact or alike)[:1]:
            said.setdefault(header, target)
    owners: dict[str, str] = {}
    for header, target in said.items():
        if target != "ignore" and target in owners:
            msg = (
                f"settings: columns maps both '{owners[target]}' and '{header}' to '{target}'; "
                "keep one of them and set the other to ignore"
            )
            raise SettingsError(msg)
        owners[target] = header
    return said


def _unknown_field(key: str, target: str, known: Mapping[str, Field]) -> SettingsError:
    alias = ALIASES.get(header_key(target))
    close = [alias] if alias else difflib.get_close_matches(target, [*known, "ignore"], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else "allowed are the fields of icp_ml.schema, or ignore;"
    return SettingsError(
        f"settings: columns['{key}'] = '{target}' is no field: {hint} "
        "A field of your own is declared under fields.custom"
    )


def _claim(found: dict[str, tuple[str, How]], name: str, header: str, how: How, known: Mapping[str, Field]) -> None:
    if name in known and name not in found:
        found[name] = (header, how)


def _alias_rank(header: str) -> int:
    """Return where in its field's list of aliases a header stands."""
    field = BY_NAME.get(ALIASES.get(header_key(header), ""))
    if field is None:
        return 0
    spellings = [header_key(spelling) for spelling in field.aliases]
    return spellings.index(header_key(header)) if header_key(header) in spellings else -1


def _own(header: str, position: int, taken: set[str], found: Mapping[str, tuple[str, How]]) -> ColumnMapping:
    mapping = _own_mapping(header, _own_name(header, position, taken))
    expected = ALIASES.get(header_key(header))
    if expected is None or expected not in found:
        return mapping
    return replace(mapping, note=f"'{found[expected][0]}' is already the {BY_NAME[expected].readable}")


def _own_mapping(header: str, name: str) -> ColumnMapping:
    words = set(header_key(header).split("_"))
    found: list[Category] = [category for category, markers in _CATEGORY_WORDS if words & markers]
    category: Category = found[0] if found else "firmographic"
    spoken = " ".join(header.split())[:60]
    field = Field(name, "category", category, label=spoken if " " in spoken else "")
    return ColumnMapping(header, field, "own name")


def _own_name(header: str, position: int, taken: set[str]) -> str:
    """Return a free name and take it."""
    name = header_key(header)
    if not name or name in taken or name in BY_NAME:
        name = f"column_{position + 1}"
        while name in taken:
            name += "_"
    taken.add(name)
    return name
