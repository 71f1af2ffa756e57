"""Countries to ISO codes: names in any language, codes, and places that end in a country."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

# CLDR names in these languages are tried first; an earlier language wins a clash, English before all.
_LANGUAGES = (
    "en", "de", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "sl", "hr", "hu", "ro", "tr",
    "ca", "gl", "eu", "et", "lv", "lt", "is", "ga", "id", "ms", "vi", "fil", "sw", "af", "sq", "bs", "nn",
)  # fmt: skip
_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"})
_SHORT_FORMS = {
    "usa": "US", "us": "US", "united states of america": "US", "america": "US", "estados unidos de america": "US",
    "us of a": "US", "u s a": "US", "u s": "US", "eeuu": "US", "ee uu": "US",
    "uk": "GB", "u k": "GB", "great britain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "united kingdom of great britain and northern ireland": "GB", "gb ni": "GB",
    "holland": "NL", "the netherlands": "NL", "uae": "AE", "u a e": "AE", "emirates": "AE", "ksa": "SA",
    "czech republic": "CZ", "russian federation": "RU", "korea": "KR", "rok": "KR", "dprk": "KP",
    "republic of korea": "KR", "korea republic of": "KR", "korea south": "KR", "korea north": "KP",
    "korea democratic peoples republic of": "KP", "democratic peoples republic of korea": "KP",
    "viet nam": "VN", "hong kong": "HK", "hong kong sar": "HK", "hongkong": "HK",
    "macau": "MO", "macao": "MO", "turkey": "TR", "turkiye": "TR", "macedonia": "MK", "fyrom": "MK",
    "macedonia the former yugoslav republic of": "MK", "burma": "MM", "ivory coast": "CI", "cote divoire": "CI",
    "cape verde": "CV", "cabo verde": "CV", "swaziland": "SZ", "east timor": "TL", "timor leste": "TL",
    "taiwan province of china": "TW", "taiwan roc": "TW", "republic of china": "TW",
    "peoples republic of china": "CN", "pr china": "CN", "prc": "CN", "mainland china": "CN",
    "iran islamic republic of": "IR", "moldova republic of": "MD", "republic of moldova": "MD",
    "tanzania united republic of": "TZ", "united republic of tanzania": "TZ",
    "venezuela bolivarian republic of": "VE", "bolivia plurinational state of": "BO", "syrian arab republic": "SY",
    "lao peoples democratic republic": "LA", "lao pdr": "LA", "brunei darussalam": "BN", "palestine": "PS",
    "palestine state of": "PS", "state of palestine": "PS", "vatican": "VA", "holy see": "VA",
    "slovak republic": "SK", "republic of ireland": "IE", "eire": "IE", "brasil": "BR", "dr congo": "CD", "drc": "CD",
    "democratic republic of congo": "CD", "democratic republic of the congo": "CD",
    "congo the democratic republic of the": "CD", "congo democratic republic of the": "CD",
    "republic of the congo": "CG", "congo": "CG", "micronesia": "FM", "saint martin": "MF", "reunion": "RE",
    "kosovo": "XK", "libyan arab jamahiriya": "LY", "virgin islands us": "VI", "virgin islands british": "VG",
    "republic of india": "IN", "commonwealth of australia": "AU", "federal republic of germany": "DE",
    "french republic": "FR", "kingdom of saudi arabia": "SA", "kingdom of spain": "ES", "republic of singapore": "SG",
    "republic of south africa": "ZA", "rsa": "ZA", "republic of the philippines": "PH", "republic of serbia": "RS",
    "republic of poland": "PL", "state of israel": "IL", "state of qatar": "QA", "republic of turkey": "TR",
    "aotearoa": "NZ", "aotearoa new zealand": "NZ", "bosnia": "BA", "trinidad": "TT", "antigua": "AG",
}  # fmt: skip
# At the end of a place these name a state as well, so that only the cell itself could tell ("Atlanta, Georgia").
_ALSO_STATES = frozenset({"georgia"})
_SHORT_AT_THE_END = frozenset({"usa", "us", "uk", "uae", "u s", "u s a", "u k", "prc", "ksa"})
_MAX_PLACE_CHARS = 120


@lru_cache(maxsize=65_536)
def country_code(text: str) -> str | None:
    """Return the ISO 3166 alpha-2 code of a country's name or code in any common spelling, or None.

    Examples
    --------
    >>> [country_code(name) for name in ("Deutschland", "U.S.", "gbr", "Atlantis")]
    ['DE', 'US', 'GB', None]
    """
    if len(text) > _MAX_PLACE_CHARS:
        return None
    key = place_key(text)
    found = _english().get(key)
    if found is None and not (key.isascii() and len(key) < _SHORTEST):  # no such name is in the other languages' tables
        found = next((names[key] for names in map(_names_in, _LANGUAGES[1:]) if key in names), None)  # loads few mostly
    if found is None and not key.isascii():
        found = _all_languages().get(key)
    return found


@lru_cache(maxsize=65_536)
def country_of_place(text: str) -> str | None:
    """Return the country a cell names: itself, in brackets beside a name of its own, or at the end of a place.

    What could as well be a state stays unread: "Atlanta, Georgia" and "San Francisco, CA" name no country.

    Examples
    --------
    >>> [country_of_place(cell) for cell in ("Deutschland (Germany)", "Berlin, Germany", "Austin, TX, USA")]
    ['DE', 'DE', 'US']
    >>> country_of_place("Georgia"), country_of_place("Atlanta, Georgia"), country_of_place("San Diego, CA")
    ('GE', None, None)
    """
    if len(text) > _MAX_PLACE_CHARS:
        return None
    whole = country_code(text)
    if whole is not None:
        return whole
    if match := _BRACKETED_RE.fullmatch(text):
        named = {code for code in map(country_code, match.groups()) if code is not None}
        return named.pop() if len(named) == 1 else None
    head, separator, tail = text.rpartition(",")
    return trailing_country(tail) if separator and head.strip() else None


def trailing_country(part: str) -> str | None:
    """Return the country that the last part of a place names; two letters or "Georgia" there are rather a state."""
    key = place_key(part)
    if key in _ALSO_STATES or (len(key) < 4 and key not in _SHORT_AT_THE_END and key.isascii()):
        return None
    return country_code(part)


_BRACKETED_RE = re.compile(r"\s*([^()\[\]]+?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*")
_APOSTROPHES = ".'’`´ʼ"


def place_key(text: str) -> str:
    """Return what two spellings of a place share: no case, accents, punctuation or leading article."""
    text = unicodedata.normalize("NFKD", text.casefold()).replace("&", " and ")
    if not text.isascii():
        text = "".join(c for c in text if not unicodedata.combining(c) and c not in _APOSTROPHES)
    else:
        text = text.replace(".", "").replace("'", "").replace("`", "")
    text = re.sub(r"[\W_]+", " ", text).strip()
    return text.removeprefix("the ")


@cache
def _english() -> dict[str, str]:
    """Build the look-up of short forms, codes and English names, once."""
    from babel.core import get_global

    names = _names_in("en")
    codes = set(names.values())
    table = dict(_SHORT_FORMS)
    for code in sorted(codes):
        table.setdefault(code.casefold(), code)
    for alias, targets in sorted(get_global("territory_aliases").items()):  # holds the alpha-3 codes
        if len(targets) == 1 and len(alias) == 3 and alias.isalpha() and targets[0] in codes:
            table.setdefault(alias.casefold(), targets[0])
    for name, code in names.items():
        table.setdefault(name, code)
    return table


@cache
def _all_languages() -> dict[str, str]:
    """Names in every language of CLDR, loaded only for a name that holds other letters; clashing names are left out."""
    from babel.localedata import locale_identifiers

    found: dict[str, set[str]] = {}
    for language in sorted(locale_identifiers()):
        if "_" not in language or language in _SCRIPTS:
            for name, code in _names_in(language).items():
                if not name.isascii():
                    found.setdefault(name, set()).add(code)
    return {name: min(codes) for name, codes in found.items() if len(codes) == 1}


_SCRIPTS = frozenset({"zh_Hant", "sr_Cyrl", "uz_Cyrl", "az_Cyrl", "bs_Cyrl", "pa_Arab"})
_SHORTEST = 4  # letters: shorter names of other languages look like codes ("My" is the United States in Vietnamese)


@cache
def _names_in(language: str) -> dict[str, str]:
    from babel import Locale

    territories = Locale.parse(language).territories
    found: dict[str, str] = {}
    for code in sorted(territories):
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES:
            name = place_key(territories[code])
            if language == "en" or len(name) >= _SHORTEST or not name.isascii():
                found.setdefault(name, code)
    return found
