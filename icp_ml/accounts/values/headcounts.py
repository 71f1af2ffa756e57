"""How many people: a cell of a head count to a quantity, where `parse_quantity` alone cannot read it.

Two things happen to sizes only. A spreadsheet turns the band "11-50" into the month "Nov-50", which is undone. And
people write sentences ("We are a team of about 45, spread over 6 countries"), of which the figure that stands for
people is taken. Each cell is read by itself.
"""

from __future__ import annotations

import re

from icp_ml.accounts.values.bands import Quantity, midpoint, parse_quantity
from icp_ml.accounts.values.money import plain_text

MAX_SENTENCE_CHARS = 2_000

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11,
    "dec": 12, "mrz": 3, "mär": 3, "mai": 5, "okt": 10, "dez": 12,
}  # fmt: skip
_MONTH = "|".join(_MONTHS)
_MONTH_FIRST_RE = re.compile(rf"({_MONTH})[a-z]{{0,6}}[-. ]+(\d{{1,2}})")
_MONTH_LAST_RE = re.compile(rf"(\d{{1,2}})[-. ]+({_MONTH})[a-z]{{0,6}}\.?")
_DATED_RE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[t ]00:00(?::00)?(?:\.0+)?)?")

_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90, "a dozen": 12,
}  # fmt: skip
_PEOPLE = (
    r"(?:employees|people|persons?|ppl|staff|team[- ]?mates|teammates|team|members?|workers|full[- ]?time|fulltime|fte|"
    r"professionals|specialists|developers|engineers|designers|experts|individuals|folks|men and women|"
    r"colleagues|founders|consultants|mitarbeiter|beschäftigte|employee)"
)
_ASIDE_RES = (
    re.compile(r"\((?:as of |source|since |updated )?[^()]*\b(?:19|20)\d\d\b[^()]*\)"),  # "(as of October 2020)"
    re.compile(r"\[\^[^\]]*\]:?.*"),  # footnotes
    re.compile(r"\]\([^)]*\)?|https?://\S+"),  # what Markdown links to
    re.compile(
        r"\b(?:as of|as at|since|in|from|until|by|at the end of|end of|updated)(?: the)?"
        r"(?: (?:spring|summer|autumn|fall|winter|end|late|early|mid)(?: of)?)? ?"
        r"(?:[a-z]{3,9}\.? )?(?:\d{1,2},? )?(?:~ ?)?(?:19|20)\d\d\b"
    ),
    re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (?:\d{1,2},? )?(?:19|20)\d\d\b"),
    re.compile(r"\b(?:\d{1,2}[/.])?\d{1,2}[/.](?:19|20)\d\d\b"),
    re.compile(r"\d+(?:[.,]\d+)? ?%|\bfortune \d+|\b\d+/\d+\b|\bseries [a-e]\b"),
    # Figures of other things than people.
    re.compile(r"\b\d[\d,.]*\+? (?:different )?(?:countries|states|cities|offices|locations|time ?zones|nationalities|"
               r"continents|languages|clients|customers|users|projects|years?|months|hours|hrs|dogs|cats|kids|fish|"
               r"provinces|departments|million|billion)\b"),
)  # fmt: skip
_FIGURE = r"\d(?:[\d,.]*\d)?(?:k\b)?"
_RANGE_RE = re.compile(rf"(?<![a-z\d#/.,])(?:[<>+] ?)?{_FIGURE}(?: ?(?:-|to|and) ?{_FIGURE})?(?: ?\++)?")
_ABOVE_RE = re.compile(r"(?:over|more than|above|at least|upwards of|exceeds?) $")
_BELOW_RE = re.compile(r"(?:under|less than|fewer than|below|up to|at most) $")
_AFTER_RE = re.compile(rf"[ -]{{0,2}}(?:plus )?(?:[a-z-]+ ){{0,3}}?{_PEOPLE}\b")
_BEFORE_RE = re.compile(
    r"(?:team of|company of|staff of|group of|consists of|size[^.\d]{0,60}|employees\)?[^.\d]{0,20}|employs|"
    r"staffing is|headcount[^.\d]{0,12})(?: |:|\*)*"
    r"(?:only |just |about |around |approximately |approx\.? |over |more than |less than |~ ?|between |is )*$"
)
_LEADS = re.compile(
    "approximate(?:ly)?|approx|about|around|roughly|nearly|almost|currently|over|under|more than|less than|between|"
    "from|medium|small|large|at present|at the moment|up to"
)


def parse_count(text: str) -> Quantity:
    """Read a number of things: a number, a band, or a band that a spreadsheet made a date.

    Examples
    --------
    >>> parse_count("11-50").value, parse_count("Nov-50").value, parse_count("2-Oct")[-2:]
    (30.5, 30.5, (2.0, 10.0))
    """
    quantity = parse_quantity(text, whole=True)
    if quantity.value is not None:
        return quantity
    return _undated(plain_text(text)) or quantity if len(text) <= MAX_SENTENCE_CHARS else quantity


def parse_headcount(text: str) -> Quantity:
    """Read how many people a cell names: as `parse_count`, or from a sentence.

    Examples
    --------
    >>> parse_headcount("In 2021 we were a distributed team of about 45 people in 6 countries").value
    45.0
    """
    quantity = parse_count(text)
    if quantity.value is not None or len(text) > MAX_SENTENCE_CHARS:
        return quantity
    return _from_sentence(plain_text(text)) or quantity


def _undated(clean: str) -> Quantity | None:
    """Return the band behind what a spreadsheet shows as a month and a year, or a day and a month.

    "11-50" becomes November 1950; "2-10" the 10th of February or the 2nd of October, but bands ascend.
    """
    if found := _MONTH_FIRST_RE.fullmatch(clean):
        first, second, swap = _MONTHS[found[1]], int(found[2]), False
    elif found := _MONTH_LAST_RE.fullmatch(clean):
        first, second, swap = int(found[1]), _MONTHS[found[2]], True
    elif found := _DATED_RE.fullmatch(clean):
        year, first, day = (int(part) for part in found.groups())
        second, swap = (year % 100, False) if day == 1 and year % 100 > first else (day, True)
    else:
        return None
    low, high = sorted((first, second)) if swap else (first, second)
    if low >= high or low < 1:
        return None
    return Quantity(midpoint(low, high), band=True, low=float(low), high=float(high))


def _from_sentence(clean: str) -> Quantity | None:
    """Return the figure that stands for people: the first one followed or preceded by such words, else the only one."""
    for aside in _ASIDE_RES:
        clean = aside.sub(" ", clean)
    clean = re.sub(r"[\[\]*|_<>]+(?=\D|$)", " ", clean)
    clean = " ".join(_figures_for_words(clean).split())
    found = [match for match in _RANGE_RE.finditer(clean) if _is_figure(clean, match)]
    for match in found:
        if _AFTER_RE.match(clean, match.end()) or _BEFORE_RE.search(clean[: match.start()]):
            return _read(clean, match)
    # "125 and growing", "20-50, see our friendly faces here": what a cell begins with is what it is about.
    leading = [match for match in found if not re.search(r"[a-z]{4}", _LEADS.sub("", clean[: match.start()]))]
    if leading:
        return _read(clean, leading[0])
    return _read(clean, found[0]) if len(found) == 1 else None


def _figures_for_words(clean: str) -> str:
    pattern = rf"\b({'|'.join(_WORDS)})(?=[ -](?:[a-z-]+ ){{0,2}}?{_PEOPLE}\b)"
    return re.sub(pattern, lambda found: str(_WORDS[found[1]]), clean)


def _is_figure(clean: str, match: re.Match[str]) -> bool:
    """Whether a figure stands by itself, not within a name ("web3") or an ordinal, and is no year."""
    return not re.match(r"(?!ish\b)[a-z]", clean[match.end() :])


def _read(clean: str, match: re.Match[str]) -> Quantity | None:
    words = clean[: match.start()]
    figure = re.sub(r"\+ ?(?=\d)", "", match[0]).rstrip(".,").strip()
    if _ABOVE_RE.search(words):
        figure = f"over {figure.rstrip('+')}" if "-" not in figure else figure
    elif _BELOW_RE.search(words):
        figure = f"under {figure}"
    found = parse_quantity(figure, whole=True)
    return None if found.value is None else found
