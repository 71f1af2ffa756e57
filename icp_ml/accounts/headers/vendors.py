"""Vendors' headers to canonical fields."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.deal_stages import customer_state, deal_state, fold
from icp_ml.exceptions import SettingsError
from icp_ml.schema import ALIASES, BY_NAME, Category, Field, Kind, alias_key, header_key
from icp_ml.settings import Settings

How = Literal["settings", "name", "alias", "own name", "like"]

MIN_READABLE_SHARE = 0.5  # of the cells; less, and an alias was a wrong guess: "Company Size" holding "small", "large"
MIN_SITES, ONE_SITE_SHARE = 5, 0.5  # of at least so many addresses, this share at one host: profiles on another's site

_CATEGORY_WORDS: tuple[tuple[Category, frozenset[str]], ...] = (
    ("technographic", frozenset({"tech", "technology", "technologies", "technographic", "software", "stack", "crm",
                                 "erp", "cloud", "platform", "hosting", "cms", "tool", "tools", "it", "gpu", "web"})),
    ("job_to_be_done", frozenset({"hiring", "jobs", "job", "openings", "intent", "trigger", "initiative", "project"})),
    ("psychographic", frozenset({"culture", "values", "keyword", "keywords", "tags", "certification", "certifications",
                                 "remote", "mission", "sustainability", "tone", "attitude", "policy"})),
)  # fmt: skip
_PERSONS_TOO = frozenset(
    {"name", "city", "state", "country", "postal_code", "street", "phone", "linkedin_url", "description"}
)
_COMPANYS = re.compile(r"(?:company|account|organi[sz]ation|business|billing|hq|headquarters?)(?:_|$)")
# Aliases that elsewhere mean something else (a funding stage, a mark of a record): their values decide.
_STATES = {"stage": deal_state, "account_status": customer_state}
_CLOSED = ("close_date", "closed_date", "closed_at")  # of a deal beside a deal's stage; else of who knows what
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
    others = _of_a_person(free)
    for header in free:
        if header not in others:
            _claim(found, header_key(header), header, "name", known)
    claimed = others | {header for header, _ in found.values()}
    for header in sorted((h for h in free if h not in claimed), key=_alias_rank):
        if alias_key(header) not in _CLOSED or _has_stage(free, found):
            _claim(found, ALIASES.get(alias_key(header), ""), header, "alias", known)
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
    """Return the headers that `settings.columns` maps but the file does not have.

    A header mapped to what it is known for is left out: settings serve the customers and the list alike.
    """
    present = {header.strip() for header in columns} | {header_key(header) for header in columns}
    return tuple(
        header
        for header, target in settings.columns.items()
        if not {header.strip(), header_key(header)} & present and ALIASES.get(alias_key(header)) != target
    )


def contradiction(mapping: ColumnMapping, values: pa.Array, dropped: int, spelled: Collection[str] = ()) -> str:
    """Return why a column's values speak against the field its header is an alias of, or an empty string.

    Parameters
    ----------
    mapping : ColumnMapping
        How the column was understood.
    values : pa.Array
        The column, normalised as that.
    dropped : int
        Cells that could not be.
    spelled : collection of str
        Stages and statuses that the settings explain.
    """
    if mapping.how != "alias":
        return ""
    field, usable = mapping.field, len(values) - values.null_count
    insist = f"; to insist, set columns: {{'{mapping.header}': {field.name}}}"
    if dropped and usable < MIN_READABLE_SHARE * (usable + dropped):
        why = f"only {usable:,} of {usable + dropped:,} cells can be read as {field.kind}"
        return f"not taken as {field.readable}, as {why}{insist}"
    state = _STATES.get(alias_key(mapping.header))
    if state is not None and usable:
        counted = values.drop_null().value_counts()
        own = {fold(spelling) for spelling in spelled}
        pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        clear = sum(count for value, count in pairs if fold(value) in own or state(value) is not None)
        if clear < MIN_READABLE_SHARE * usable:
            return f"not taken as {field.readable}, as only {clear:,} of {usable:,} cells are known as one{insist}"
    if field.name == "domain" and usable >= MIN_SITES:
        counted = values.drop_null().value_counts()
        most = int(pc.max(counted.field("counts")).as_py())
        if most >= ONE_SITE_SHARE * usable:
            host = pc.min(counted.filter(pc.equal(counted.field("counts"), most)).field("values")).as_py()
            return f"not taken as the domain, as {most:,} of {usable:,} addresses are at {host}{insist}"
    return ""


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


def _custom_fields(settings: Settings) -> Mapping[str, tuple[Field, str | None]]:
    return {
        custom.name: (Field(custom.name, custom.kind, custom.category, label=custom.label), custom.delimiter)
        for custom in settings.fields.custom
    }


def _said(columns: Sequence[str], settings: Settings, known: Mapping[str, Field]) -> dict[str, str]:
    """Return what the settings say of the file's columns: exact headers first, then other spellings of them."""
    said: dict[str, str] = {}
    beside = settings.scoring.winnability_column
    if beside is not None:  # shown beside the fit, never a feature
        said = dict.fromkeys(header_of(beside, columns), "ignore")
    for key, target in settings.columns.items():
        if target != "ignore" and target not in known:
            raise _unknown_field(key, target, known)
        for header in header_of(key, columns):
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


def header_of(key: str, columns: Sequence[str]) -> list[str]:
    """Return the header that the settings call `key`, spelled exactly so or else alike; empty where there is none."""
    exact = [header for header in columns if header.strip() == key.strip()]
    alike = [header for header in columns if header_key(header) and header_key(header) == header_key(key)]
    return (exact or alike)[:1]


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


def _of_a_person(headers: Sequence[str]) -> set[str]:
    """Return the headers that say no whose they are, where others say that they are the company's.

    Exports of contacts hold the person's "City" beside the "Company City".
    """
    alike: dict[str, list[str]] = {}
    for header in headers:
        name = ALIASES.get(alias_key(header), "")
        if name in _PERSONS_TOO:
            alike.setdefault(name, []).append(header)
    others: set[str] = set()
    for group in alike.values():
        companies = {header for header in group if _COMPANYS.match(alias_key(header))}
        others |= set(group) - companies if companies else set()
    return others


def _has_stage(free: Sequence[str], found: Mapping[str, tuple[str, How]]) -> bool:
    return "deal_stage" in found or any(ALIASES.get(alias_key(header)) == "deal_stage" for header in free)


def _alias_rank(header: str) -> int:
    """Return where in its field's list of aliases a header stands."""
    key = alias_key(header)
    field = BY_NAME.get(ALIASES.get(key, ""))
    if field is None:
        return 0
    spellings = [header_key(spelling) for spelling in field.aliases]
    return spellings.index(key) if key in spellings else -1


def _own(header: str, position: int, taken: set[str], found: Mapping[str, tuple[str, How]]) -> ColumnMapping:
    mapping = _own_mapping(header, _own_name(header, position, taken))
    expected = ALIASES.get(alias_key(header))
    if expected is None or expected not in found:
        return mapping
    return replace(mapping, note=f"'{found[expected][0]}' is already taken as {BY_NAME[expected].readable}")


def _own_mapping(header: str, name: str) -> ColumnMapping:
    words = set(header_key(header).split("_"))
    found: list[Category] = [category for category, markers in _CATEGORY_WORDS if words & markers]
    category: Category = found[0] if found else "firmographic"
    spoken = " ".join(header.split())[:60]
    field = Field(name, "category", category, label=spoken if " " in spoken or name != header_key(header) else "")
    return ColumnMapping(header, field, "own name")


def _own_name(header: str, position: int, taken: set[str]) -> str:
    """Return a free name and take it."""
    name = header_key(header)
    if name in BY_NAME:
        name = f"own_{name}"  # a second "City", wherever it stands
    if not name or name in taken:
        name = f"column_{position + 1}"
        while name in taken:
            name += "_"
    taken.add(name)
    return name
