"""Countries to ISO codes and web addresses to host names, one value at a time."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# CLDR names in these languages are understood, English first: an earlier language wins a clash.
_LANGUAGES = ("en", "de", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "fi", "pl", "cs")
_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"})
_SHORT_FORMS = {
    "usa": "US", "us": "US", "united states of america": "US", "america": "US", "estados unidos de america": "US",
    "uk": "GB", "great britain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "united kingdom of great britain and northern ireland": "GB", "holland": "NL",
    "uae": "AE", "emirates": "AE", "czech republic": "CZ", "russian federation": "RU", "korea": "KR",
    "republic of korea": "KR", "korea republic of": "KR", "korea south": "KR", "viet nam": "VN", "hong kong": "HK",
    "macau": "MO", "macao": "MO", "turkey": "TR", "macedonia": "MK", "burma": "MM", "ivory coast": "CI",
    "cape verde": "CV", "swaziland": "SZ", "taiwan province of china": "TW", "taiwan roc": "TW",
    "peoples republic of china": "CN", "pr china": "CN", "prc": "CN", "mainland china": "CN",
    "iran islamic republic of": "IR", "moldova republic of": "MD", "tanzania united republic of": "TZ",
    "venezuela bolivarian republic of": "VE", "bolivia plurinational state of": "BO", "syrian arab republic": "SY",
    "lao peoples democratic republic": "LA", "brunei darussalam": "BN", "palestine": "PS", "vatican": "VA",
    "slovak republic": "SK", "republic of ireland": "IE", "eire": "IE", "brasil": "BR", "dr congo": "CD",
    "democratic republic of congo": "CD", "democratic republic of the congo": "CD", "republic of the congo": "CG",
    "micronesia": "FM", "saint martin": "MF", "reunion": "RE", "kosovo": "XK", "timor leste": "TL",
}  # fmt: skip


def country_code(text: str) -> str | None:
    """Return the ISO 3166 alpha-2 code of a country's name or code in any common spelling, or None.

    Examples
    --------
    >>> [country_code(name) for name in ("Deutschland", "U.S.", "gbr", "Atlantis")]
    ['DE', 'US', 'GB', None]
    """
    key = _key(text)
    return _english().get(key) or _other_languages().get(key)


def _key(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.casefold()).replace("&", " and ")
    text = "".join(c for c in text if not unicodedata.combining(c) and c not in ".'’")
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
def _other_languages() -> dict[str, str]:
    table: dict[str, str] = {}
    for language in _LANGUAGES[1:]:
        for name, code in _names_in(language).items():
            table.setdefault(name, code)
    return table


def _names_in(language: str) -> dict[str, str]:
    from babel import Locale

    territories = Locale.parse(language).territories
    found: dict[str, str] = {}
    for code in sorted(territories):
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES:
            found.setdefault(_key(territories[code]), code)
    return found


_HOST_RE = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*", re.UNICODE)


def host_of(text: str) -> str | None:
    """Return the lower-case host of a web or mail address, without "www.", path and port, or None if there is none.

    Examples
    --------
    >>> host_of("https://www.Acme.com:443/about?x=1"), host_of("jo@acme.co.uk"), host_of("acme")
    ('acme.com', 'acme.co.uk', None)
    """
    host = text.strip().lower()
    host = re.sub(r"^(?:[a-z][a-z0-9+.-]*:)?/+", "", host)
    host = re.split(r"[/?#\\,;|\s]", host, maxsplit=1)[0]
    host = host.rpartition("@")[2].partition(":")[0].rstrip(".")
    host = re.sub(r"^www\d?\.(?=[^.]+\.)", "", host)
    return host if len(host) <= 253 and _HOST_RE.fullmatch(host) else None
