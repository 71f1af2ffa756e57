"""Company and place names in the form in which two spellings of one are compared, and their n-grams."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

MAX_NAME_CHARS = 200
GRAM = 4  # characters: three are too common on a list of a million names, five lose too much to one typing error
# What a register adds to a name; never words that mean something ("group", "holdings", "systems").
LEGAL_FORMS = frozenset({
    "inc", "incorporated", "corp", "corporation", "co", "company", "companies", "llc", "lllp", "llp", "lp", "ltd",
    "limited", "plc", "pllc", "pc", "cic", "cio", "unlimited", "gmbh", "mbh", "ag", "kg", "kgaa", "ug", "ohg", "gbr",
    "ev", "eg", "haftungsbeschrankt", "se", "sce", "sa", "sas", "sasu", "sarl", "eurl", "snc", "sca", "scop", "sprl",
    "bvba", "srl", "srls", "spa", "sapa", "sl", "slu", "slne", "sll", "scl", "ltda", "eireli", "epp", "saic", "sab",
    "bv", "nv", "vof", "cvba", "ab", "publ", "aktiebolag", "hb", "kb", "as", "asa", "ans", "oy", "oyj", "aps", "ehf",
    "hf", "sro", "spol", "zoo", "spzoo", "doo", "ad", "ood", "eood", "kft", "zrt", "nyrt", "bt", "ou", "uab", "sia",
    "tov", "too", "ooo", "oao", "zao", "pao", "ao", "pty", "pvt", "pte", "private", "proprietary", "bhd", "sdn",
    "berhad", "tbk", "kk", "jsc", "ojsc", "cjsc", "pjsc", "fze", "fzco", "fzc", "wll", "bsc", "saog", "saoc", "sti",
    "anonim", "sirketi",
})  # fmt: skip
LEADING_FORMS = frozenset({"the", "ooo", "oao", "zao", "pao", "ao", "too", "tov", "pt"})
LEGAL_TAILS = (
    " sp z oo", " sp z o o", " a s", " i s", " k s", " s a", " s a s", " s p a", " sa rl", " s a r l", " s r l",
    " s r o", " b v", " n v",
    " a g", " san ve tic", " d o o",
)  # fmt: skip
JOINS = frozenset({"and", "und", "y", "et", "e"})
_GLUED = re.compile(
    "株式会社|有限会社|合同会社|股份有限公司|有限责任公司|有限責任公司|有限公司|集团公司|주식회사|유한회사|[(（]?[株주有][)）]"
)
_INITIALS = re.compile(r"\b\w(?:\s?\.\s?\w)+\b\.?")
_WORDS = re.compile(r"[^\W_]+")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_LETTERS = str.maketrans({
    "ß": "ss", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ĸ": "k", "ŋ": "n",
    "&": " and ", "＆": " and ", "'": "", "’": "", "‘": "", "`": "", "´": "", "ʼ": "", "™": "", "®": "", "©": "",
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "iu",
    "я": "ia", "і": "i", "ї": "i", "є": "e", "ґ": "g", "ў": "u", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz",
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o",
})  # fmt: skip
_ASCII = str.maketrans({"&": " and ", "'": "", "`": ""})
# Two names of one large city; the key on the left is what `place_key` makes of the spelling.
_EXONYMS = {
    "munich": "munchen", "muenchen": "munchen", "cologne": "koln", "koeln": "koln", "nuremberg": "nurnberg",
    "nuernberg": "nurnberg", "duesseldorf": "dusseldorf", "zuerich": "zurich", "vienna": "wien", "geneva": "geneve",
    "genf": "geneve", "basle": "basel", "milan": "milano", "rome": "roma", "turin": "torino", "naples": "napoli",
    "florence": "firenze", "venice": "venezia", "genoa": "genova", "lisbon": "lisboa", "seville": "sevilla",
    "brussels": "bruxelles", "brussel": "bruxelles", "antwerp": "antwerpen", "ghent": "gent", "the hague": "den haag",
    "copenhagen": "kobenhavn", "gothenburg": "goteborg", "prague": "praha", "warsaw": "warszawa", "cracow": "krakow",
    "bucharest": "bucuresti", "belgrade": "beograd", "moscow": "moskva", "kiev": "kyiv", "athens": "athina",
    "bombay": "mumbai", "bangalore": "bengaluru", "calcutta": "kolkata", "madras": "chennai", "peking": "beijing",
    "new york city": "new york", "nyc": "new york", "washington dc": "washington", "washington d c": "washington",
    "sf": "san francisco", "la": "los angeles", "st louis": "saint louis", "st paul": "saint paul",
}  # fmt: skip
_RIVERS = re.compile(r" (?:am|an der|upon|on|sur|ob der|im|in der) .*$")


def _latin(text: str) -> str:
    """Fold case, accents, full-width forms, and Cyrillic and Greek letters; other scripts stay."""
    text = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in text if not unicodedata.combining(c)).translate(_LETTERS)


def name_key(name: str) -> str:
    """Return a company's name as words: folded, without punctuation and legal form; "" where nothing is left.

    Examples
    --------
    >>> name_key("The Müller & Söhne GmbH & Co. KG"), name_key("ООО «Газпром»"), name_key("A.B.C. Tools, L.L.C.")
    ('muller and sohne', 'gazprom', 'abc tools')
    """
    text = name[:MAX_NAME_CHARS]
    if text.isascii():
        text = text.lower().translate(_ASCII)
    else:
        text = _latin(_GLUED.sub(" ", unicodedata.normalize("NFKC", text)))
    if "." in text:
        text = _INITIALS.sub(lambda found: found.group().replace(".", "").replace(" ", "") + " ", text)
    words = _WORDS.findall(text)
    if len(words) > 2 and len(words[-1]) <= 3:
        text = " ".join(words)
        words = next((text.removesuffix(tail) for tail in LEGAL_TAILS if text.endswith(tail)), text).split()
    stripped = False
    while len(words) > 1 and (words[-1] in LEGAL_FORMS or (stripped and words[-1] in JOINS)):
        words.pop()
        stripped = True
    while len(words) > 1 and words[0] in LEADING_FORMS:
        del words[0]
    return " ".join(words)


def place_key(place: str) -> str:
    """Return a city or state in one spelling: folded, without brackets and rivers, large cities under one name.

    Examples
    --------
    >>> place_key("Frankfurt am Main"), place_key("MÜNCHEN"), place_key("St. Louis (MO)"), place_key("Munich, Bavaria")
    ('frankfurt', 'munchen', 'saint louis', 'munchen')
    """
    text = _latin(place[:MAX_NAME_CHARS])
    text = _BRACKETS.sub(" ", text).partition(",")[0]
    key = " ".join(_WORDS.findall(text)).removeprefix("greater ")
    key = _RIVERS.sub("", key)
    return _EXONYMS.get(key, key)


def initials(key: str) -> str:
    """Return the first letters of a key of at least three words ("international business machines": "ibm"), else ""."""
    words = [word for word in key.split() if word not in JOINS and word not in {"of", "the", "for"}]
    return "".join(word[0] for word in words) if len(words) >= 3 else ""


@dataclass(frozen=True)
class Grams:
    """The n-grams of many names: `hashes[i]` occurs in name `owner[i]`; each once per name, owners ascending."""

    hashes: Hashes
    owner: Ints


def grams_of(compact: Sequence[str]) -> Grams:
    """Return the n-grams of names without blanks, their start and end marked.

    Parameters
    ----------
    compact : sequence of str
        Names shorter than two letters have none.
    """
    if not len(compact):
        return Grams(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
    text = "\x01" + "\x02\x01".join(compact) + "\x02"
    letters = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    lengths = np.array([len(name) + 2 for name in compact], dtype=np.int64)
    if len(letters) < GRAM:
        return Grams(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
    owner = np.repeat(np.arange(len(compact)), lengths)
    count = len(letters) - GRAM + 1
    mixed = np.zeros(count, dtype=np.uint64)
    inside = owner[:count] == owner[GRAM - 1 :]
    for place in range(GRAM):
        mixed = (mixed ^ letters[place : place + count]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    mixed, owner = mixed[inside], owner[:count][inside]
    fresh = np.ones(len(mixed), dtype=bool)
    fresh[_repeated(mixed, owner, len(compact))] = False
    return Grams(mixed[fresh], owner[fresh])


def _repeated(hashes: Hashes, owner: Ints, names: int) -> Ints:
    """Return where a name has an n-gram that it had before."""
    half = np.uint64(32)
    keys = np.sort((owner.astype(np.uint64) << half) | (hashes >> half))
    maybe = np.zeros(names, dtype=bool)  # few names: only they are looked at in full
    maybe[(keys[1:][keys[1:] == keys[:-1]] >> half).astype(np.int64)] = True
    some = np.flatnonzero(maybe[owner])
    order = some[np.lexsort((hashes[some], owner[some]))]
    before, after = order[:-1], order[1:]
    return np.asarray(after[(hashes[after] == hashes[before]) & (owner[after] == owner[before])], dtype=np.int64)
