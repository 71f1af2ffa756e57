"""States and provinces to ISO 3166-2 codes ("US-CA"), with the row's country where it is known.

Without a country only what one state alone is called counts, besides the postal codes and names of the United States
and Canada and the abbreviations of Australia, which their own columns leave bare. Which rows stand beside a cell never
matters.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from icp_ml.accounts.values.cells import fold
from icp_ml.accounts.values.places import place_key, trailing_country

_MAX_STATE_CHARS = 120
_BARE_CODES = ("US", "CA")  # two letters in a state column without a country; the two never clash
_BARE_NAMES = ("US", "CA")  # "Montana" is also a province of Bulgaria, but not in a purchased list
_BARE_ABBREVIATIONS = {"nsw": "AU-NSW", "qld": "AU-QLD", "vic": "AU-VIC", "tas": "AU-TAS"}
_WRITTEN = {
    "US": {
        "calif": "CA", "cali": "CA", "mass": "MA", "penn": "PA", "penna": "PA", "tex": "TX", "fla": "FL", "ill": "IL",
        "mich": "MI", "minn": "MN", "wash": "WA", "ore": "OR", "oreg": "OR", "colo": "CO", "conn": "CT", "ariz": "AZ",
        "ala": "AL", "ark": "AR", "del": "DE", "ind": "IN", "kan": "KS", "kans": "KS", "miss": "MS", "mont": "MT",
        "neb": "NE", "nebr": "NE", "nev": "NV", "okla": "OK", "tenn": "TN", "wis": "WI", "wisc": "WI", "wyo": "WY",
        "w va": "WV", "wva": "WV", "washington dc": "DC", "washington d c": "DC", "d c": "DC", "n y": "NY", "n j": "NJ",
        "n c": "NC", "s c": "SC", "n h": "NH", "n m": "NM", "n d": "ND", "s d": "SD", "r i": "RI",
        "new york state": "NY", "washington state": "WA", "commonwealth of massachusetts": "MA",
        "virgin islands": "VI",
    },
    "CA": {"quebec": "QC", "que": "QC", "ont": "ON", "alta": "AB", "sask": "SK", "man": "MB", "pei": "PE",
           "newfoundland": "NL", "labrador": "NL", "yukon territory": "YT"},
    "DE": {"bavaria": "BY", "saxony": "SN", "lower saxony": "NI", "north rhine westphalia": "NW", "nrw": "NW",
           "hesse": "HE", "thuringia": "TH", "rhineland palatinate": "RP", "saxony anhalt": "ST",
           "mecklenburg western pomerania": "MV", "mecklenburg west pomerania": "MV", "baden wurttemberg": "BW",
           "baden wuerttemberg": "BW", "thueringen": "TH"},
    "AT": {"vienna": "9", "tyrol": "7", "styria": "6", "carinthia": "2", "upper austria": "4", "lower austria": "3"},
    "CH": {"zurich": "ZH", "zuerich": "ZH", "geneva": "GE", "geneve": "GE", "bern": "BE", "berne": "BE",
           "lucerne": "LU", "luzern": "LU", "vaud": "VD", "ticino": "TI", "basel stadt": "BS", "basel city": "BS",
           "basel landschaft": "BL", "st gallen": "SG", "saint gallen": "SG", "zug": "ZG", "aargau": "AG",
           "neuchatel": "NE", "fribourg": "FR", "valais": "VS", "grisons": "GR", "graubunden": "GR"},
    "FR": {"brittany": "BRE", "normandy": "NOR", "corsica": "20R", "burgundy franche comte": "BFC",
           "provence alpes cote dazur": "PAC", "paca": "PAC", "occitania": "OCC", "new aquitaine": "NAQ",
           "idf": "IDF"},
    "IT": {"lombardy": "25", "lombardia": "25", "piedmont": "21", "tuscany": "52", "sicily": "82", "sardinia": "88",
           "apulia": "75", "lazio": "62", "latium": "62", "veneto": "34", "liguria": "42", "campania": "72"},
    "ES": {"catalonia": "CT", "cataluna": "CT", "andalusia": "AN", "basque country": "PV", "pais vasco": "PV",
           "community of madrid": "MD", "comunidad de madrid": "MD", "madrid": "MD", "valencian community": "VC",
           "castile and leon": "CL", "castilla y leon": "CL", "galicia": "GA", "aragon": "AR", "navarre": "NC",
           "balearic islands": "IB", "canary islands": "CN", "castilla la mancha": "CM", "murcia": "MC",
           "asturias": "AS"},
    "NL": {"north holland": "NH", "south holland": "ZH", "north brabant": "NB", "friesland": "FR"},
    "BE": {"flanders": "VLG", "vlaanderen": "VLG", "wallonia": "WAL", "wallonie": "WAL", "brussels": "BRU",
           "bruxelles": "BRU", "brussels capital": "BRU"},
    "GB": {"england": "ENG", "scotland": "SCT", "wales": "WLS", "northern ireland": "NIR"},
    "SE": {"stockholm": "AB", "skane": "M", "vastra gotaland": "O", "uppsala": "C"},
    "CZ": {"prague": "10", "praha": "10"},
    "PL": {"mazovia": "14", "mazowieckie": "14", "masovian": "14"},
    "JP": {"tokyo": "13", "osaka": "27", "kyoto": "26", "hokkaido": "01"},
    "AU": {"vic": "VIC", "tas": "TAS"},
}  # fmt: skip
_AFFIXES_RE = re.compile(
    r"^(?:state|province|region|prefecture|county|canton|republic|land|provincia|comunidad|communaute|freistaat)"
    r"(?: of| de| du| di)? | (?:state|province|region|prefecture|county|canton|land|lan|oblast|governorate)$"
)


@lru_cache(maxsize=65_536)
def state_code(text: str, country: str | None = None) -> str | None:
    """Return the ISO 3166-2 code of a state or province, or None where that would be a guess.

    Parameters
    ----------
    text : str
        A name, a code, an abbreviation, or a place that ends in one ("San Diego, CA", "Ontario, Canada").
    country : str or None
        ISO alpha-2 code of the row's country, where it is known.

    Examples
    --------
    >>> [state_code(text) for text in ("CA", "Calif.", "California, USA", "NSW", "Bavaria", "Limburg")]
    ['US-CA', 'US-CA', 'US-CA', 'AU-NSW', 'DE-BY', None]
    >>> state_code("WA", "AU"), state_code("CA", "DE"), state_code("Limburg", "BE")
    ('AU-WA', None, 'BE-VLI')
    """
    if len(text) > _MAX_STATE_CHARS:
        return None
    found = _named(text, country)
    if found is not None or "," not in text:
        return found
    head, _, tail = text.rpartition(",")
    named = trailing_country(tail)
    if named is not None:
        return None if country not in (None, named) else state_code(head.strip(), named)
    return _named(tail, country)


@lru_cache(maxsize=65_536)
def city_name(text: str) -> str:
    """Return a city folded, without the state and country written behind it.

    Examples
    --------
    >>> city_name("Austin, TX"), city_name("Paris, Île-de-France, France"), city_name("Lutherstadt, Wittenberg")
    ('austin', 'paris', 'lutherstadt, wittenberg')
    """
    folded = fold(text)
    if "," not in folded or len(text) > _MAX_STATE_CHARS:
        return folded
    city, *rest = (part.strip() for part in folded.split(","))
    country = trailing_country(rest[-1])
    states = rest[:-1] if country else rest
    known = len(states) <= 2 and (not states or state_code(states[-1], country) is not None)
    return city if city and known and all(rest) else folded


def _named(text: str, country: str | None) -> str | None:
    key = place_key(text)
    if not key:
        return None
    if country is None:
        return _bare().get(key) or _without_country().get(key)
    table = _in_country(country)
    return table.get(key) or table.get(_AFFIXES_RE.sub("", key))


@cache
def _subdivisions() -> dict[str, list[tuple[str, str, bool]]]:
    """Return (code, name, whether it is part of a larger one) by country, in the order of the codes."""
    import pycountry

    found: dict[str, list[tuple[str, str, bool]]] = {}
    for entry in sorted(pycountry.subdivisions, key=lambda entry: str(entry.code)):
        inner = getattr(entry, "parent_code", None) is not None
        found.setdefault(str(entry.country_code), []).append((str(entry.code), str(entry.name), inner))
    return found


@cache
def _in_country(country: str) -> dict[str, str]:
    """Return what the subdivisions of a country are called: a larger one wins over its part, other clashes are out."""
    entries = _subdivisions().get(country, [])
    table: dict[str, str] = {}
    for level in (False, True):
        names: dict[str, set[str]] = {}
        for code, name, inner in entries:
            if inner == level:
                for key in _keys(name):
                    names.setdefault(key, set()).add(code)
        for key, codes in names.items():
            if len(codes) == 1:
                table.setdefault(key, min(codes))
    for code, _, _ in entries:
        table[place_key(code)] = code
        table[place_key(code.partition("-")[2])] = code
    table |= {key: f"{country}-{part}" for key, part in _WRITTEN.get(country, {}).items()}
    return table


def _keys(name: str) -> set[str]:
    """Return the keys of a name as listed: "Durham, County", "Illes Balears [Islas Baleares]"."""
    parts = {name, *re.split(r"[\[\]()]", name), name.partition(",")[0]}
    keys = {place_key(part) for part in parts if part.strip()}
    return {key for key in keys | {_AFFIXES_RE.sub("", key) for key in keys} if key}


@cache
def _bare() -> dict[str, str]:
    """Return what is written without a country in columns of the United States, Canada and Australia."""
    table: dict[str, str] = {}
    for country in reversed(_BARE_NAMES):
        table |= {k: c for k, c in _in_country(country).items() if len(k) > 3 or k in _WRITTEN[country]}
    for country in _BARE_CODES:
        table |= {place_key(code.partition("-")[2]): code for code, _, _ in _subdivisions()[country]}
    return table | _BARE_ABBREVIATIONS


@cache
def _without_country() -> dict[str, str]:
    """Return what only one state of all countries is called."""
    seen: dict[str, set[str]] = {}
    for country in sorted(_subdivisions()):
        for key, code in _in_country(country).items():
            if len(key) > 3 and not key.isdigit():
                seen.setdefault(key, set()).add(code)
    return {key: min(codes) for key, codes in seen.items() if len(codes) == 1}
