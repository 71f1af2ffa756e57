"""Names of technologies in one piece of a cell: spelling variants to one name, and the names within a sentence.

What is folded is what spellings of one product differ in: case, hyphens, the ".js" of a library, a version, "Inc.", the
name of the maker beside its usual abbreviation. There is no catalogue of products; the few abbreviations below are
those that are written more often than what they stand for.
"""

from __future__ import annotations

import re

from icp_ml.accounts.values.cells import PLACEHOLDERS, fold

MAX_NAME_WORDS = 4  # longer pieces are sentences

_WRITTEN_FOR = {
    "js": "javascript", "ts": "typescript", "golang": "go", "k8s": "kubernetes", "postgres": "postgresql",
    "postgre sql": "postgresql", "mongo": "mongodb", "mongo db": "mongodb", "elastic search": "elasticsearch",
    "aws": "amazon web services", "amazon aws": "amazon web services", "gcp": "google cloud",
    "google cloud platform": "google cloud", "azure": "microsoft azure", "ms azure": "microsoft azure",
    "rails": "ruby on rails", "ror": "ruby on rails", "dotnet": ".net", "dot net": ".net", "csharp": "c#",
    "c sharp": "c#", "cpp": "c++", "sfdc": "salesforce", "salesforce.com": "salesforce", "html5": "html",
    "css3": "css", "python3": "python", "php7": "php", "ga4": "google analytics", "gtm": "google tag manager",
    "google universal analytics": "google analytics", "mssql": "microsoft sql server",
    "sql server": "microsoft sql server", "ms sql": "microsoft sql server", "ms sql server": "microsoft sql server",
    "o365": "microsoft 365",
    "office 365": "microsoft 365", "microsoft office 365": "microsoft 365", "g suite": "google workspace",
    "gsuite": "google workspace", "google apps": "google workspace", "wordpress.org": "wordpress",
}  # fmt: skip
_NOT_NAMES = frozenset({
    "", "etc", "etc.", "other", "others", "many others", "more", "and more", "much more", "various", "front end",
    "frontend", "back end", "backend", "tools", "languages", "tech stack", "stack", "our stack", "technologies",
})  # fmt: skip
_FILLER_RE = re.compile(
    r"^(?:(?:we|our|the|a|an|use|uses|using|used|mostly|mainly|primarily|also|some|including|includes|include|such as|"
    r"like|e\.?g\.?|i\.?e\.?|and|or|with|in|on|plus|is|are|stack|tech stack|built|written|various|etc\.?|a bit of|"
    r"a little|lots of|based on|experience with|currently|both)[ :,]+)+",
    re.IGNORECASE,
)
_COMMON_WORDS = frozenset({
    "we", "our", "the", "i", "most", "all", "some", "in", "as", "for", "with", "on", "this", "they", "it", "a", "an",
    "various", "many", "built", "using", "currently", "mostly", "mainly", "primarily", "you", "at", "is", "are", "and",
    "but", "if", "from", "to", "depends", "depending", "coupled", "each", "every", "other", "both", "these", "those",
    "also", "see", "check", "there", "their", "its", "no", "not", "any", "please", "technology", "technologies", "of",
})  # fmt: skip
_LINK_RE = re.compile(r"\[([^\]]*)\]\([^)]*\)?|<[^>]{1,40}>|\(?https?://[^\s)]*\)?")
_LABEL_RE = re.compile(r"^([\w /&+-]{2,40}): +(.+)$")
_VERSION_ONLY_RE = re.compile(r"v?\d+(?:\.[\dx]+)*\+?")
_VERSION_RE = re.compile(r" v?\d(?:\.[\dx]+)*\+?$| v?\d+(?:\.[\dx]+)+\+?$")
_SCRIPT_RE = re.compile(r"(?<=[a-z0-9]{2})[ .]?js$")
_FIRM_RE = re.compile(r",? (?:inc|llc|ltd|gmbh|corp)\.?$")
_HYPHEN_RE = re.compile(r"(?<=[a-z])[-_](?=[a-z])")
_BALANCED_RE = re.compile(r"([^()\[\]]+) \(([^()\[\]]+)\)")
_SEPARATOR_RE = re.compile(
    r"\s+[&+/•·–-]\s+|\s+(?:and|or|und|et|y)\s+|\.\s+|[()\[\]{}]|:\s|\s&\s|(?<=[A-Za-z.+#]{3})/(?=[A-Za-z.+#]{3})|:$"
)
_PURPOSE_RE = re.compile(r"(?<=\w)\s+(?:for|at|to|via|as|because|where|which|that)\s+(?=[a-z])")
_EDGES = " \t,:;!*\"'`•·"


def technology(name: str) -> str:
    """Return the one name for the spellings of a technology.

    Examples
    --------
    >>> [technology(n) for n in ("Node.js", "NodeJS", "Amazon AWS", "Google Analytics 4", "react-native", "C++")]
    ['node', 'node', 'amazon web services', 'google analytics', 'react native', 'c++']
    """
    folded = _FIRM_RE.sub("", fold(name))
    folded = _HYPHEN_RE.sub(" ", folded)
    folded = _WRITTEN_FOR.get(folded, folded)
    shorter = _SCRIPT_RE.sub("", _VERSION_RE.sub("", folded)).strip()
    return _WRITTEN_FOR.get(shorter, shorter) or folded


def technologies_in(piece: str) -> list[tuple[str, str]]:
    """Return the technologies of one piece of a list, as (one name, as written).

    A piece of up to four words is one name. A longer one is a sentence, of which the words that look like names are
    taken: capitals within a sentence, "C#", ".js"; where there are none it stays as it is.

    Examples
    --------
    >>> technologies_in("Backend: Python and Ruby on Rails")
    [('python', 'Python'), ('ruby on rails', 'Ruby on Rails')]
    >>> technologies_in("an advanced stack encompassing ReactJS")
    [('react', 'ReactJS')]
    """
    text = " ".join(_LINK_RE.sub(r" \1 ", piece.replace("**", "")).split()).strip(_EDGES)
    if label := _LABEL_RE.match(text):
        text = label[1] if _VERSION_ONLY_RE.fullmatch(label[2].strip(_EDGES)) else label[2]
    if text.endswith(":") or (piece.rstrip().endswith(":") and not label):
        return []
    if (pair := _BALANCED_RE.fullmatch(text)) and len(text.split()) <= MAX_NAME_WORDS + 1:
        outer, inner = pair[1], pair[2]
        same = technology(outer) == technology(inner) or _initials(outer) == inner.casefold()
        parts = [outer if same else text]
    else:
        parts = _SEPARATOR_RE.split(text)
    found: list[tuple[str, str]] = []
    for part in parts:
        for written in _names(part.strip(_EDGES)):
            name = technology(written)
            if name not in _NOT_NAMES and name not in PLACEHOLDERS and any(c.isalnum() for c in name):
                found.append((name, written))
    return found


def _names(part: str) -> list[str]:
    words = part.split()
    part = _PURPOSE_RE.split(part, maxsplit=1)[0]
    part = _FILLER_RE.sub("", part).strip(_EDGES)
    part = part[:-1] if part.endswith(".") else part
    if len(words) <= MAX_NAME_WORDS or len(part.split()) == 1:
        return [part] if part else []
    runs: list[list[str]] = [[]]
    for number, word in enumerate(words):
        bare = word.strip(_EDGES).rstrip(".")
        if _looks_like_a_name(bare, first=number == 0):
            runs[-1].append(bare)
        elif bare != "on" or not runs[-1]:  # "Ruby on Rails"
            runs.append([])
        else:
            runs[-1].append(bare)
        if word[-1] in ",.;:!":
            runs.append([])
    names = [" ".join(run[:-1] if run[-1] == "on" else run) for run in runs if run]
    return names or [part]


def _looks_like_a_name(word: str, *, first: bool) -> bool:
    if not word or word.casefold() in _COMMON_WORDS or not any(c.isalpha() for c in word):
        return False
    inside = any(c.isupper() for c in word[1:]) or any(mark in word for mark in (".js", "#", "++")) or word[0] == "."
    return inside or (word[0].isupper() and (not first or len(word) > 1))


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.casefold().split())
