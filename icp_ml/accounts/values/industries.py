"""Industries: codes to their group and sector with its title, and the spellings of one name to that name.

A name that is not known stays what it is, folded. Two names become one only where both lists of LinkedIn say so, or
where they differ in case, punctuation, "and", a plural, or one slip of the keyboard in a long word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from icp_ml.accounts.values.cells import fold
from icp_ml.accounts.values.industry_codes import (
    NAICS_SECTORS,
    NAICS_SUBSECTORS,
    SIC_MAJOR_GROUPS,
    SIC_WITHOUT_ZERO,
)
from icp_ml.accounts.values.industry_names import FORMER_NAMES, INDUSTRIES
from icp_ml.accounts.values.naics_groups import NAICS_GROUPS

MIN_MISSPELLED = 8  # letters: in a shorter word one letter makes another word ("baking", "banking")
_MAX_CHARS = 160
_CODE_RE = re.compile(r"(?:naics|sic)?[ :#]*(\d{2}(?:-\d{2})?|\d{3,8})(?:\.0+)?(?![\w./%]|-\d)", re.IGNORECASE)
_ZEROS_RE = re.compile(r"0+(?:\.0+)?")


@lru_cache(maxsize=65_536)
def industry_name(text: str) -> str:
    """Return the folded name of an industry, the same for every spelling of it.

    Examples
    --------
    >>> [industry_name(text) for text in ("Computer Software", "SOFTWARE DEVELOPMENT", "COMPUTER_SOFTWARE")]
    ['software development', 'software development', 'software development']
    >>> industry_name("Hospital & Health Care"), industry_name("Underwater Basket Weaving")
    ('hospitals and health care', 'underwater basket weaving')
    """
    if len(text) > _MAX_CHARS:
        return fold(text)
    key = _key(text)
    known = _names()
    found = known.get(key)
    if found is None and any(len(word) >= MIN_MISSPELLED - 1 for word in key.split(" ")):
        found = _misspelled(key)
    return found or fold(text)


@lru_cache(maxsize=65_536)
def naics_code(text: str) -> str | None:
    """Return a NAICS code at the level of industry groups (four digits) or above; None for zeros alone.

    Of a list the first code that is one counts; a title becomes its code; anything else stays, folded.

    Examples
    --------
    >>> naics_code("541512 - Computer Systems Design Services"), naics_code("332710.0"), naics_code("33")
    ('5415', '3327', '31-33')
    >>> naics_code("Manufacturing"), naics_code("999999"), naics_code("000000")
    ('31-33', '999999', None)
    """
    return _code_in(text, "naics")


@lru_cache(maxsize=65_536)
def sic_code(text: str) -> str | None:
    """Return a SIC code at the level of industry groups (three digits) or above; None for zeros alone.

    Four digits, as vendors write them, or two or three; a leading zero that a spreadsheet ate is put back where that
    makes a code and nothing else would.

    Examples
    --------
    >>> sic_code("7372"), sic_code("SIC 7372; 8742"), sic_code("111"), sic_code("73720000"), sic_code("73")
    ('737', '737', '011', '737', '73')
    """
    return _code_in(text, "sic")


def broader(code: str, system: str) -> tuple[str, ...]:
    """Return the wider codes that a code belongs to, the nearest first.

    Examples
    --------
    >>> broader("3327", "naics"), broader("54", "naics"), broader("737", "sic"), broader("bakery", "naics")
    (('332', '31-33'), (), ('73',), ())
    """
    if not code.isdigit() or code[:2] not in _tops()[system]:
        return ()
    top = _tops()[system][code[:2]]
    return (*(code[:k] for k in range(len(code) - 1, 2, -1)), *(() if top == code else (top,)))


def widest_codes(system: str) -> Mapping[str, str]:
    """Return the widest code of every two digits that industry codes begin with ("32": "31-33")."""
    return _tops()[system]


def title_of(code: str, system: str) -> str | None:
    """Return what a code stands for; of a group without a title of its own the code and the title above it."""
    titles = _titles()[system]
    if code in titles:
        return titles[code]
    return next((f"{code} ({titles[above]})" for above in broader(code, system) if above in titles), None)


def _code_in(text: str, system: str) -> str | None:
    folded = fold(text)
    if _ZEROS_RE.fullmatch(folded):
        return None
    if len(text) > _MAX_CHARS:
        return folded
    for part in re.split(r"[;|,\n\[\]]", folded):
        match = _CODE_RE.match(part.strip(" \"'"))
        found = _known_code(match[1], system) if match else None
        if found:
            return found
    return _codes_of_titles()[system].get(_key(text), folded)


def _known_code(digits: str, system: str) -> str | None:
    """Return the code cut to the level that is learned from, or None where the digits are no code."""
    tops = _tops()[system]
    if system == "sic":
        digits = f"0{digits}" if digits in SIC_WITHOUT_ZERO else digits[:4] if len(digits) == 8 else digits
    if "-" in digits:
        return digits if digits in tops.values() else None
    longest, kept = (4, 3) if system == "sic" else (6, 4)
    if not 2 <= len(digits) <= longest or digits[:2] not in tops:
        return None
    return tops[digits[:2]] if not digits[2:].strip("0") else digits[:kept]


@cache
def _tops() -> dict[str, dict[str, str]]:
    """Return, by system, the widest code of every two digits ("32": "31-33")."""
    sectors: dict[str, str] = {}
    for codes in NAICS_SECTORS:
        first, _, last = codes.partition("-")
        sectors |= {str(number): codes for number in range(int(first), int(last or first) + 1)}
    return {"naics": sectors, "sic": {code: code for code in SIC_MAJOR_GROUPS}}


@cache
def _titles() -> dict[str, dict[str, str]]:
    return {"naics": {**NAICS_GROUPS, **NAICS_SUBSECTORS, **NAICS_SECTORS}, "sic": dict(SIC_MAJOR_GROUPS)}


@cache
def _codes_of_titles() -> dict[str, dict[str, str]]:
    """Return code by what spellings of its title share; the wider code where two levels are called the same."""
    return {system: {_key(title): code for code, title in titles.items()} for system, titles in _titles().items()}


def _key(text: str) -> str:
    """Return what spellings of one name share: lower case words without "and", in the singular, one space apart."""
    words = re.sub(r"[\W_]+", " ", text.casefold().replace("'", "").replace("’", "")).split()
    return " ".join([_singular(word) for word in words if word != "and"])


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@cache
def _names() -> dict[str, str]:
    """Return key -> folded name; a new name wins over a former one."""
    table = {_key(name): fold(name) for name in INDUSTRIES}
    for former, name in FORMER_NAMES.items():
        table.setdefault(_key(name), fold(name))
        table.setdefault(_key(former), table[_key(name)])
    compact: dict[str, set[str]] = {}  # "E Learning", "eLearning"; "Data Base"
    for key, name in table.items():
        compact.setdefault(key.replace(" ", ""), set()).add(name)
    table.update({key: min(names) for key, names in compact.items() if len(names) == 1 and key not in table})
    return table


def _misspelled(key: str) -> str | None:
    """Return the one known name from which a long word differs by a letter too few, too many, or two swapped."""
    found = {name for slip in _slips(key) for name in (_names().get(slip),) if name}
    found |= _with_letter_missing().get(key, frozenset())
    return found.pop() if len(found) == 1 else None


def _slips(key: str) -> list[str]:
    """Return the key with one letter of one long word left out, or two neighbours swapped; the first letter stays."""
    words = key.split(" ")
    out = []
    for place, word in enumerate(words):
        if len(word) >= MIN_MISSPELLED:
            shorter = [word[:i] + word[i + 1 :] for i in range(1, len(word))]
            swapped = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1)]
            out += [" ".join([*words[:place], slip, *words[place + 1 :]]) for slip in (*shorter, *swapped)]
    return out


@cache
def _with_letter_missing() -> dict[str, frozenset[str]]:
    out: dict[str, set[str]] = {}
    for key, name in _names().items():
        words = key.split(" ")
        for place, word in enumerate(words):
            if len(word) >= MIN_MISSPELLED:
                for i in range(1, len(word)):
                    slip = " ".join([*words[:place], word[:i] + word[i + 1 :], *words[place + 1 :]])
                    out.setdefault(slip, set()).add(name)
    return {slip: frozenset(names) for slip, names in out.items()}
