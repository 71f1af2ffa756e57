"""Amounts: digits of any script and convention, words of magnitude, and the currency a cell or a header names."""

from __future__ import annotations

import re

MAGNITUDES = {
    "k": 1e3, "thousand": 1e3, "thousands": 1e3, "thsd": 1e3, "thou": 1e3, "tsd": 1e3, "tausend": 1e3, "mille": 1e3,
    "mil": 1e6, "m": 1e6, "mm": 1e6, "mn": 1e6, "mln": 1e6, "mio": 1e6, "mill": 1e6, "million": 1e6, "millions": 1e6,
    "millionen": 1e6, "millones": 1e6, "milioni": 1e6, "milhões": 1e6, "milhoes": 1e6, "miljoen": 1e6,
    "b": 1e9, "bn": 1e9, "bln": 1e9, "bil": 1e9, "billion": 1e9, "billions": 1e9, "mrd": 1e9, "mld": 1e9, "mlrd": 1e9,
    "milliarde": 1e9, "milliarden": 1e9, "milliard": 1e9, "milliards": 1e9, "miljard": 1e9, "miliardi": 1e9,
    "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "crore": 1e7, "crores": 1e7, "cr": 1e7, "trillion": 1e12, "tn": 1e12,
}  # fmt: skip
# What stands for which currency. A bare "$" is the US dollar, a bare "kr" or "¥" the commonest one so written.
_SYMBOLS = {
    "us$": "USD", "u.s. $": "USD", "$": "USD", "c$": "CAD", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "r$": "BRL",
    "hk$": "HKD", "s$": "SGD", "nz$": "NZD", "mx$": "MXN", "nt$": "TWD", "€": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "¥": "JPY", "rmb": "CNY", "₹": "INR", "rs.": "INR", "rs": "INR", "kr": "SEK", "kr.": "SEK", "zł": "PLN",
    "₩": "KRW", "₽": "RUB", "₺": "TRY", "₪": "ILS", "฿": "THB", "₫": "VND", "₦": "NGN", "₴": "UAH", "sfr": "CHF",
    "fr.": "CHF", "dollar": "USD", "dollars": "USD", "us dollars": "USD", "pounds": "GBP",
}  # fmt: skip
CURRENCIES = frozenset({
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD",
    "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KWD", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP",
    "PKR", "PLN", "QAR", "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
})  # fmt: skip

_DASHES = "‐‑‒–—―−﹣－〜～"
_SPACES = "\u00a0\u2002\u2003\u2007\u2008\u2009\u202f\u3000\t\n\r"
_ASCII = str.maketrans(
    {**dict.fromkeys(_DASHES, "-"), **dict.fromkeys(_SPACES, " "), "’": "'", "‘": "'", "ʼ": "'", "٫": ".", "٬": ","}
    | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5E) if chr(code) not in _DASHES}
)
_CODES = "|".join(sorted(code.casefold() for code in CURRENCIES))
_SIGNS = "|".join(re.escape(sign) for sign in sorted(_SYMBOLS, key=len, reverse=True))
_CURRENCY_RE = re.compile(rf"(?<![a-z.])(?:{_SIGNS}|{_CODES})(?![a-z])|[$€£¥₹₩₽₺₪฿₫₦₴]")
# "TEUR", "KUSD", "MEUR", "T€": the thousands of German and the millions of Nordic balance sheets.
_PREFIXED_RE = re.compile(rf"(?<![a-z])(t|k|m|mn|bn)(?=(?:{_CODES})(?![a-z])|[$€£])")


def plain_text(text: str) -> str:
    """Return a cell in lower case with ASCII digits, dashes, spaces and apostrophes, white space collapsed.

    Examples
    --------
    >>> plain_text("１００—１９９"), plain_text("٥٠ – ٩٩")
    ('100-199', '50 - 99')
    """
    text = text.translate(_ASCII)
    if not text.isascii():
        text = "".join(str(int(c)) if c.isdecimal() else c for c in text)
    return " ".join(text.casefold().split())


def without_currency(clean: str) -> tuple[str, str]:
    """Return the text without its currency, and the ISO code; empty where none is named.

    Where two are named ("US$ 5m / EUR 4.6m") the first one counts, but such text is no amount anyway.
    """
    clean = _PREFIXED_RE.sub(lambda found: {"t": "k "}.get(found[1], f"{found[1]} "), clean)
    found = _CURRENCY_RE.search(clean)
    if found is None:
        return clean, ""
    code = _SYMBOLS.get(found[0]) or found[0].upper()
    return _CURRENCY_RE.sub(" ", clean), code


def currency_of_header(header: str) -> str:
    """Return the currency that a header states ("Umsatz (TEUR)": EUR), empty where none or more than one is stated.

    Examples
    --------
    >>> currency_of_header("Revenue in EUR"), currency_of_header("Annual Revenue")
    ('EUR', '')
    """
    clean = _PREFIXED_RE.sub(r"\1 ", plain_text(header.replace("_", " ")))
    codes = {_SYMBOLS.get(sign) or sign.upper() for sign in _CURRENCY_RE.findall(clean)}
    return codes.pop() if len(codes) == 1 else ""


def scale_of(magnitude: str | None) -> float:
    """Return what a word of magnitude multiplies by."""
    return MAGNITUDES[magnitude.rstrip(".")] if magnitude else 1.0


def decimal(number: str, *, grouped_dots: bool = False) -> float | None:
    """Read digits with thousands and decimal separators of either convention.

    Parameters
    ----------
    number : str
        Digits with ".", ",", "'" and spaces.
    grouped_dots : bool
        A single dot before exactly three digits groups thousands ("10.000 employees"); else it is a decimal point.

    Examples
    --------
    >>> decimal("1.234.567,89"), decimal("5,00,000"), decimal("10.000"), decimal("10.000", grouped_dots=True)
    (1234567.89, 500000.0, 10.0, 10000.0)
    """
    number = number.replace("'", "").replace(" ", "")
    dots, commas = number.count("."), number.count(",")
    if dots and commas:
        point = "." if number.rfind(".") > number.rfind(",") else ","
        if number.count(point) > 1:
            return None
        whole, _, fraction = number.rpartition(point)
        number = f"{whole.replace(',', '').replace('.', '')}.{fraction}"
    elif commas:
        grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3}", number)
        if commas > 1 and not grouped:
            return None
        number = number.replace(",", "" if grouped else ".")
    elif dots > 1 or (dots and grouped_dots and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", number)):
        if not re.fullmatch(r"\d{1,3}(?:\.\d{3})+", number):
            return None
        number = number.replace(".", "")
    try:
        return float(number)
    except ValueError:
        return None
