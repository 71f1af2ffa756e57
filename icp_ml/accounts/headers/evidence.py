"""What a column's values look like, and whether they fit a field: evidence for and against a guess by its header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa

from icp_ml.accounts.report import ColumnReport
from icp_ml.schema import Field, Kind

LOOKED_AT = 200  # distinct values, evenly spaced in sorted order
MOST = 0.8  # of the values looked at, for a shape to be said of the column
AGAINST, AGREE, CLEARLY = 0.4, 1.0, 2.5  # factors for the confidence in a guess


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_INDUSTRY_WORDS = _set(
    "software saas technology internet services manufacturing retail wholesale healthcare health pharmaceuticals "
    "biotechnology biotech medical hospital financial finance banking insurance fintech construction education "
    "hospitality logistics transportation telecommunications telecom media entertainment energy utilities automotive "
    "aerospace agriculture food beverages consulting legal government nonprofit marketing advertising ecommerce "
    "industrial mining chemicals electronics hardware semiconductors security cybersecurity gaming travel restaurants "
    "apparel fashion furniture publishing cosmetics realestate property maschinenbau handel gesundheit bildung "
    "dienstleistungen industrie banken versicherung"
)
_OWNERSHIP_WORDS = _set(
    "private privately public publicly held traded nonprofit profit government partnership proprietorship owned "
    "subsidiary cooperative listed educational self employed"
)
RELATIONS = "relations to you"
_RELATIONS = _set(
    "customer customers prospect prospects partner partners lead leads client vendor reseller competitor other former "
    "investor distributor supplier active inactive churned direct channel"
)
_ROUNDS = re.compile(
    r"(?:pre.?seed|seed|angel|series [a-k]\b.*|venture.*|private equity|grant|debt financing|ipo|post.ipo.*|unfunded)"
)
_SITE = re.compile(r"(?:https?://)?(?:[\w-]+\.)+[a-z]{2,24}(?:[/?#:]\S*)?")
_BAND = re.compile(
    r"\d\s*(?:[kmb]n?|mio\.?|mrd\.?|million|billion)?\s*(?:[-–—]|to|bis|à|a)\s*[$€£]?\s*\d|\d[\d.,]*\s*[kKmMbB]?\+|[<>]\s*[$€£]?\d|\bover\b|\bunder\b"
)
_MONEY = re.compile(r"[$€£¥]|\b(?:usd|eur|gbp|chf)\b|\d\s*(?:m|mm|bn|million|billion|mio|mrd)\b", re.IGNORECASE)
_PEOPLE = re.compile(r"employees|people|mitarbeiter|staff|salari|empleados", re.IGNORECASE)
_NUMBERS = ("number", "money", "share", "count")


@dataclass(frozen=True)
class Evidence:
    """What the values of one column look like.

    Attributes
    ----------
    kind : str
        As inferred from the values.
    shapes : tuple of str
        What most of them are: "web addresses", "countries", "bands of numbers" ...
    """

    kind: Kind
    shapes: tuple[str, ...]


def evidence_of(report: ColumnReport, values: pa.Array | pa.ChunkedArray) -> Evidence:
    """Look at a column that was read under a name of its own."""
    if report.kind in _NUMBERS:
        return Evidence(report.kind, _number_shapes(report, values))
    return Evidence(report.kind, _text_shapes(_some(values)))


def fits(field: Field, evidence: Evidence) -> tuple[float, str]:
    """Return how far values speak for a field (above 1) or against it (below 1), and in words."""
    telling = _TELLING.get(field.name, ())
    for shape in telling:
        if shape in evidence.shapes:
            return CLEARLY, f"values are {shape}"
    for shape in evidence.shapes:
        if shape in _SPEAK_AGAINST and shape not in telling and field.kind not in _SPEAK_AGAINST[shape]:
            return AGAINST, f"but values are {shape}"
    if field.name in _CODES and evidence.kind in ("number", "identifier", "category", "token_set", "text"):
        return AGREE, ""
    if evidence.kind in _FITTING.get(field.kind, (field.kind,)):
        same = evidence.kind == field.kind and field.kind in ("date", "token_set", "boolean", "money", "share")
        return (1.3 if same else AGREE), ""
    return AGAINST, f"but values look like {_SPOKEN.get(evidence.kind, evidence.kind)}"


_CODES = frozenset({"naics_code", "sic_code", "postal_code"})  # read as numbers, where no key is known
# Kinds inferred from values that a field's values may look like.
_FITTING: dict[str, tuple[str, ...]] = {
    "count": _NUMBERS, "number": _NUMBERS, "money": _NUMBERS, "share": _NUMBERS,
    "year": ("number", "date", "identifier"), "category": ("category", "token_set", "boolean"),
    "country": ("category",), "place": ("category", "text", "identifier"),
    "token_set": ("token_set", "category", "text"), "text": ("text", "category", "token_set", "identifier"),
    "identifier": ("identifier", "number", "text", "category"), "domain": ("identifier", "text", "category"),
}  # fmt: skip
_SPOKEN = {
    "number": "numbers", "money": "amounts of money", "share": "percentages", "category": "a few words",
    "date": "dates", "token_set": "lists", "text": "text", "boolean": "yes and no", "identifier": "identifiers",
}  # fmt: skip
_TELLING: dict[str, tuple[str, ...]] = {
    "domain": ("web addresses",), "country": ("countries",), "state": ("states",), "industry": ("industries",),
    "industries": ("industries",), "company_type": ("kinds of ownership",), "last_funding_stage": ("funding rounds",),
    "founded_year": ("years",), "employees": ("bands of people", "bands of numbers"),
    "revenue_usd": ("bands of money",), "linkedin_url": ("LinkedIn pages",), "headquarters": ("places in a country",),
    "phone": ("phone numbers",), "customer_status": (RELATIONS,),
}  # fmt: skip
# Shapes that speak against every field but those they are telling for, and those of these kinds.
_SPEAK_AGAINST: dict[str, tuple[str, ...]] = {
    "web addresses": ("text",), "LinkedIn pages": ("text",), "mail addresses": (), "phone numbers": ("text",),
    "countries": ("text", "place"), "years": ("number", "identifier"), RELATIONS: ("text",),
    "bands of people": (), "bands of money": ("money",), "kinds of ownership": ("text",),
    "funding rounds": ("text", "token_set"),
}  # fmt: skip


def _number_shapes(report: ColumnReport, values: pa.Array | pa.ChunkedArray) -> tuple[str, ...]:
    written = [example for example, _ in report.examples]
    banded = [example for example in written if _BAND.search(example.casefold())]
    if banded and len(banded) >= 0.5 * len(written):
        if any(_PEOPLE.search(example) for example in banded):
            return ("bands of people",)
        return ("bands of money",) if any(_MONEY.search(example) for example in banded) else ("bands of numbers",)
    if report.kind == "number":
        known = values.drop_null().unique().to_numpy(zero_copy_only=False)
        if len(known) >= 2 and ((known >= 1700) & (known <= 2040) & (known == known.round())).mean() >= MOST:
            return ("years",)
    return ()


def _some(values: pa.Array | pa.ChunkedArray) -> list[str]:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_list(values.type):
        values = values.flatten()
    distinct = values.dictionary if pa.types.is_dictionary(values.type) else values.unique().drop_null()
    if not (pa.types.is_string(distinct.type) or pa.types.is_large_string(distinct.type)):
        return []
    distinct = distinct.take(pa.compute.sort_indices(distinct))
    step = -(-len(distinct) // LOOKED_AT) or 1
    return [str(value).strip().casefold() for value in distinct.to_pylist()[::step]]


def _text_shapes(values: Iterable[str]) -> tuple[str, ...]:
    looked_at = [value for value in values if value]
    if not looked_at:
        return ()
    return tuple(shape for shape, test in _TESTS if _share(test, looked_at) >= (0.5 if shape in _LOOSE else MOST))


def _share(test: Callable[[str], bool], values: list[str]) -> float:
    # A column of free text fails within its first values; the rest need not be looked at.
    head = values[:: max(1, len(values) // 10)][:10]
    if sum(map(test, head)) < 0.3 * len(head):
        return 0.0
    return sum(map(test, values)) / len(values)


def _is_country(value: str) -> bool:
    from icp_ml.accounts.values.places import country_code

    return len(value) < 60 and country_code(value) is not None


def _is_state(value: str) -> bool:
    from icp_ml.accounts.values.states import state_code

    return len(value) < 40 and state_code(value) is not None


def _ends_in_country(value: str) -> bool:
    return "," in value and _is_country(value.rpartition(",")[2].strip())


def _words_of(value: str) -> set[str]:
    return set(re.findall(r"[a-z]+", value.replace("real estate", "realestate").replace("non-profit", "nonprofit")))


def _is_phone(value: str) -> bool:
    return bool(re.fullmatch(r"\+?[\d\s().x/-]{7,25}", value)) and sum(map(str.isdigit, value)) >= 7


def _is_ownership(value: str) -> bool:
    words = _words_of(value)
    return bool(words & _OWNERSHIP_WORDS) and not words <= _RELATIONS


_LOOSE = ("industries", "kinds of ownership", "funding rounds")
_TESTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("mail addresses", lambda value: bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", value))),
    ("LinkedIn pages", lambda value: "linkedin.com/" in value),
    ("web addresses", lambda value: bool(_SITE.fullmatch(value)) and "linkedin.com/" not in value),
    ("phone numbers", _is_phone),
    ("countries", _is_country),
    ("states", _is_state),
    ("places in a country", _ends_in_country),
    (RELATIONS, lambda value: bool(_words_of(value)) and _words_of(value) <= _RELATIONS),
    ("kinds of ownership", _is_ownership),
    ("funding rounds", lambda value: bool(_ROUNDS.fullmatch(value))),
    ("industries", lambda value: bool(_words_of(value) & _INDUSTRY_WORDS)),
)  # fmt: skip
