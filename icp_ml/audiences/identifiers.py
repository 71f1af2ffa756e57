"""What identifies a person, written as Google and Meta prescribe before it is hashed."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from icp_ml.accounts.values.places import country_code
from icp_ml.accounts.values.states import state_code

GMAIL = frozenset({"gmail.com", "googlemail.com"})
LONGEST_EMAIL = 254
LONGEST_TEXT = 100  # of a name or place; longer cells hold something else
_EMAIL_RE = re.compile(r"[a-z0-9_][a-z0-9._%+'&-]*@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]+")
_PHONE_RE = re.compile(r"(?P<plus>\+|00)?[\d\s().\-/ ]+")
_EXTENSION_RE = re.compile(r"(?:ext\.?|x|#)\s*\d+\s*$", re.IGNORECASE)
_ZIP_RE = re.compile(r"[a-z0-9][a-z0-9 -]{1,9}", re.IGNORECASE)
_UK_ZIP_RE = re.compile(r"([a-z]{1,2}\d[a-z\d]?)(\d)[a-z]{2}")
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "herr", "frau"})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "mba"})


@dataclass(frozen=True)
class Contact:
    """A person's identifiers, each None where it is not known or no such thing.

    Attributes
    ----------
    row : int
        Number of the contact file's row, from 1, the header not counted.
    email, first_name, last_name, city, state : str or None
        Lower case.
    phone : str or None
        E.164, with its plus sign.
    country : str or None
        ISO 3166-1 alpha-2.
    zip : str or None
        Lower case.
    """

    row: int
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    city: str | None
    state: str | None
    country: str | None
    zip: str | None

    @property
    def address(self) -> bool:
        """Whether a person can be told by name, country and postal code."""
        return None not in (self.first_name, self.last_name, self.country, self.zip)

    @property
    def usable(self) -> bool:
        """Whether anything identifies the person."""
        return self.email is not None or self.phone is not None or self.address

    @property
    def key(self) -> tuple[str | None, ...]:
        """What two rows about one person share."""
        if self.email is not None:
            return (self.email,)
        return (self.phone,) if self.phone else (self.first_name, self.last_name, self.country, self.zip)


def contact_of(row: int, cells: Mapping[str, str | None]) -> Contact:
    """Read a row of a contact file.

    Parameters
    ----------
    row : int
    cells : mapping of str to str or None
        By identifier: email, phone, first_name, last_name, city, state, country, zip.
    """
    country = cells.get("country")
    code = country_code(country.strip()) if country else None
    return Contact(
        row=row,
        email=email_of(cells.get("email")),
        phone=phone_of(cells.get("phone"), code),
        first_name=_folded(cells.get("first_name")),
        last_name=_folded(cells.get("last_name")),
        city=_folded(cells.get("city")),
        state=_folded(cells.get("state")),
        country=code,
        zip=zip_of(cells.get("zip"), code),
    )


def email_of(text: str | None) -> str | None:
    """Return an address in lower case without white space, or None for what is none.

    Examples
    --------
    >>> email_of(" Jane.Doe+news@Acme.COM "), email_of("jane at acme.com"), email_of("=1@acme.com")
    ('jane.doe+news@acme.com', None, None)
    """
    if not text or len(text) > 2 * LONGEST_EMAIL:
        return None
    address = "".join(unicodedata.normalize("NFC", text).lower().split())
    return address if len(address) <= LONGEST_EMAIL and _EMAIL_RE.fullmatch(address) else None


def phone_of(text: str | None, country: str | None = None) -> str | None:
    """Return a number in E.164, or None where its country's code is not known.

    Examples
    --------
    >>> phone_of("+44 (0)20 7031-3000"), phone_of("(800) 555-0100", "US"), phone_of("0049 30 901820")
    ('+442070313000', '+18005550100', '+4930901820')
    >>> phone_of("(800) 555-0100"), phone_of("030 901820", "DE")
    (None, None)
    """
    if not text or len(text) > 40:
        return None
    clean = _EXTENSION_RE.sub("", text.strip().lstrip("'")).strip()
    found = _PHONE_RE.fullmatch(clean)
    if found is None:
        return None
    if found["plus"]:
        digits = re.sub(r"\D", "", re.sub(r"\(0\)", "", clean[len(found["plus"]) :]))
    else:
        digits = re.sub(r"\D", "", clean)
        if country not in ("US", "CA"):
            return None
        digits = digits if len(digits) == 11 and digits[0] == "1" else f"1{digits}" if len(digits) == 10 else ""
    if not digits.isascii() or digits.startswith("0") or not 8 <= len(digits) <= 15:
        return None
    return f"+{digits}"


def zip_of(text: str | None, country: str | None = None) -> str | None:
    """Return a postal code in lower case; of the United States five digits, which spreadsheets cut leading zeros of.

    Examples
    --------
    >>> zip_of("94107-1234", "US"), zip_of("2139", "US"), zip_of("SW1A 1AA", "GB"), zip_of("=1+1")
    ('94107', '02139', 'sw1a 1aa', None)
    """
    if not text or not _ZIP_RE.fullmatch(text.strip()):
        return None
    code = " ".join(text.lower().split())
    if country == "US":
        code = code.partition("-")[0].strip()
        return code.zfill(5) if code.isdigit() and 3 <= len(code) <= 5 else None
    return code


def _folded(text: str | None) -> str | None:
    """Return a name or place in lower case, white space collapsed; None for what is no such thing."""
    if not text or len(text) > LONGEST_TEXT:
        return None
    clean = " ".join(unicodedata.normalize("NFC", text).lower().split())
    return clean if any(c.isalpha() for c in clean) else None


def google_row(contact: Contact, *, hashed: bool) -> dict[str, str | None]:
    """Return a person as Customer Match takes it; name, country and postal code count only together."""
    found = dict.fromkeys(("first_name", "last_name", "country", "zip"))
    if contact.address:
        found.update(
            first_name=_without_titles(contact.first_name),
            last_name=_without_titles(contact.last_name),
            country=contact.country,
            zip=contact.zip.upper() if contact.zip else None,
        )
    row = {"email": _gmail(contact.email), "phone": contact.phone, **found}
    return _hashed(row, ("email", "phone", "first_name", "last_name")) if hashed else row


def meta_row(contact: Contact, *, hashed: bool) -> dict[str, str | None]:
    """Return a person as a customer list for Meta takes it; there all identifiers are hashed."""
    code = contact.zip.replace(" ", "") if contact.zip else None
    if code and contact.country == "GB" and (found := _UK_ZIP_RE.fullmatch(code)):
        code = found[1] + found[2]  # area, district and sector
    row = {
        "email": contact.email,
        "phone": contact.phone.removeprefix("+") if contact.phone else None,
        "first_name": _letters(_without_titles(contact.first_name)),
        "last_name": _letters(_without_titles(contact.last_name)),
        "city": _letters(contact.city),
        "state": _state(contact.state, contact.country),
        "zip": code,
        "country": contact.country.lower() if contact.country else None,
    }
    return _hashed(row, tuple(row)) if hashed else row


def _hashed(row: Mapping[str, str | None], names: tuple[str, ...]) -> dict[str, str | None]:
    return {name: sha256(value) if name in names and value is not None else value for name, value in row.items()}


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _gmail(email: str | None) -> str | None:
    """Return one spelling of a Gmail address, which ignores dots and what follows a plus sign."""
    if email is None:
        return None
    local, _, host = email.rpartition("@")
    if host not in GMAIL:
        return email
    return f"{local.partition('+')[0].replace('.', '')}@{host}"


def _without_titles(name: str | None) -> str | None:
    """Return a name without "Dr." before it and "Jr." behind it."""
    words = name.split() if name else []
    while len(words) > 1 and words[0].strip(".,") in _TITLES:
        words = words[1:]
    while len(words) > 1 and words[-1].strip(".,") in _SUFFIXES:
        words = words[:-1]
    return " ".join(words).rstrip(",") or None


def _letters(text: str | None) -> str | None:
    """Return a text without white space, punctuation and digits, its letters of any script kept."""
    return "".join(c for c in text if c.isalpha() or unicodedata.combining(c)) or None if text else None


@lru_cache(maxsize=4_096)
def _state(text: str | None, country: str | None) -> str | None:
    """Return a state of the United States as two letters, another one as its letters."""
    if text is None:
        return None
    if country in ("US", None):
        code = state_code(text, country)
        if code is not None and code.startswith("US-"):
            return code[3:].lower()
    return _letters(text)
