"""Which columns look like known fields but were not used: guesses with a confidence, for a person to confirm."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from icp_ml.accounts.headers.evidence import RELATIONS, Evidence, evidence_of, fits
from icp_ml.accounts.headers.spellings import (
    FOREIGN_TO_FIELDS,
    LANGUAGES,
    NOISE,
    QUESTIONS,
    SHORT_FORMS,
    SUBJECTS,
    TRANSLATED,
)
from icp_ml.accounts.report import ColumnReport
from icp_ml.schema import BY_NAME, FIELDS, Field, header_key

if TYPE_CHECKING:
    from icp_ml.accounts.table import Accounts

SURE_ENOUGH = 0.7  # confidence from which a guess is worth a person's look
KNOWN_CORE, SHORTENED, TRANSLATION, RESEMBLING = 0.95, 0.90, 0.90, 0.90  # of a header alone, by how it was understood
ASKED = 0.5  # a header that means different things, as long as its values speak for nothing
BY_VALUES = 0.62  # web addresses or countries under a header that says nothing
SIMILAR_WORDS = 80.0  # of 100: two spellings of one word
RESEMBLANCE = 0.62  # of a header's words with a field's spelling
LOOK_ALIKE = "not used as such"  # how every note on unused columns says it
MAX_COLUMNS = 300  # looked at; wider tables are not account lists

# Words that are near one of a field's, but are words of their own.
_UNITS_OF_NAMES = frozenset({"count", "range", "band", "at", "on", "date", "year", "name", "code", "amount", "type"})
_OTHER_WORDS = frozenset({"county", "counties", "counter", "stages", "statement", "form", "sales", "names", "dates"})


@dataclass(frozen=True)
class Proposal:
    """What an unused column may be.

    Attributes
    ----------
    header : str
        As written.
    field : str
        The likeliest field.
    confidence : float
        0 to 1; a guess is never used by itself.
    why : str
        What speaks for it, and what against.
    question : str
        For a header that means different things in different files: what to ask; else empty.
    others : tuple of str
        Further fields it may be.
    """

    header: str
    field: str
    confidence: float
    why: str
    question: str = ""
    others: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "others": list(self.others)}


def propose_fields(accounts: Accounts, *, at_least: float = SURE_ENOUGH) -> tuple[Proposal, ...]:
    """Guess what the columns are that no field's spelling matches, from their headers and values.

    Parameters
    ----------
    accounts : Accounts
        A table as read.
    at_least : float
        Least confidence; headers that must be asked about are returned whatever their confidence.

    Returns
    -------
    tuple of Proposal
        In the order of the columns; no field that another column already is, and each field once.
    """
    columns = {report.field: accounts.table.column(report.field) for report in accounts.report.columns}
    return proposals(accounts.report.columns, columns, at_least=at_least)


def proposals(
    reports: Sequence[ColumnReport],
    columns: Mapping[str, pa.Array | pa.ChunkedArray],
    *,
    at_least: float = SURE_ENOUGH,
) -> tuple[Proposal, ...]:
    """Guess as `propose_fields` does, from the reports of the columns and the columns by field name."""
    taken = {report.field for report in reports}
    found = []
    for report in [r for r in reports if r.how == "own name" and r.filled_share > 0][:MAX_COLUMNS]:
        proposal = _propose(report.header, evidence_of(report, columns[report.field]), taken)
        if proposal is not None and (proposal.confidence >= at_least or proposal.question):
            found.append(proposal)
    best: dict[str, Proposal] = {}
    for proposal in found:
        if proposal.field not in best or proposal.confidence > best[proposal.field].confidence:
            best[proposal.field] = proposal
    return tuple(proposal for proposal in found if best[proposal.field] is proposal)


def proposals_note(found: Sequence[Proposal]) -> str:
    """Return one sentence that names the columns and what they may be, or an empty string."""
    if not found:
        return ""
    shown = ", ".join(f"'{p.header[:40]}' ({' or '.join((p.field, *p.others)[:2])}?)" for p in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    columns = "1 column looks like a known field but was" if len(found) == 1 else (
        f"{len(found)} columns look like known fields but were"
    )  # fmt: skip
    return f"{columns} {LOOK_ALIKE}: {shown}{more}; settings written by  icp-ml init  hold a line for each"


def _propose(header: str, evidence: Evidence, taken: set[str]) -> Proposal | None:
    words, shortened = _words(header)
    core = tuple(word for word in words if word not in NOISE or word == "count")
    question = _question(header, words, core)
    if question is not None:
        return _asked(header, question, evidence, taken)
    best: Proposal | None = None
    for name, base, why in (*_by_header(header, core, words, shortened), *_by_values(evidence)):
        if name in taken or (best and base * 1.1 < best.confidence):
            continue
        factor, said = fits(BY_NAME[name], evidence)
        confidence = _together(base, factor)
        if best is None or confidence > best.confidence:
            best = Proposal(header, name, confidence, "; ".join(part for part in (why, said) if part))
    return best


def _asked(header: str, question: str, evidence: Evidence, taken: set[str]) -> Proposal | None:
    """Return the reading of an ambiguous header that its values speak for, or the first one."""
    asked = QUESTIONS[question]
    names = dict.fromkeys((*asked.fields, *(["customer_status"] if RELATIONS in evidence.shapes else [])))
    weighed = [(name, *fits(BY_NAME[name], evidence)) for name in names if name in BY_NAME and name not in taken]
    possible = [(name, factor, said) for name, factor, said in weighed if factor >= 1.0]
    if not possible:
        return None
    name, factor, said = max(possible, key=lambda reading: reading[1])  # the first one, where none is ahead
    others = tuple(other for other, _, _ in possible if other != name)
    return Proposal(
        header, name, _together(ASKED, factor) if factor > 1.0 else ASKED, said, f"is it {asked.text}", others
    )


def _question(header: str, words: Sequence[str], core: Sequence[str]) -> str | None:
    """Return the key of the question a header raises, unless it says whose it is ("ZI Revenue")."""
    key = header_key(header)
    if key in QUESTIONS:
        return key
    joined = "_".join(core)
    return joined if joined in QUESTIONS and not SUBJECTS & set(words) else None


def _together(base: float, factor: float) -> float:
    """Weigh a header with its values: a factor above one takes away doubt, one below takes away trust."""
    confidence = 1 - (1 - base) / factor if factor >= 1 else base * factor
    return round(min(confidence, 0.98), 2)


def _words(header: str) -> tuple[tuple[str, ...], bool]:
    """Return a header's words, short forms written out, and whether there were any."""
    text = re.sub(r"^(?:[A-Za-z0-9]+__)?(\w+?)__p?c$", r"\1", header.strip())
    text = text.replace("%", " percent ")
    written = header_key(text).split("_")
    full = "_".join(SHORT_FORMS.get(word, word) for word in written).split("_")
    words = tuple("count" if word == "num" else word for word in full)
    shortened = any(word in SHORT_FORMS and SHORT_FORMS[word] not in ("num", word) for word in written)
    return words, shortened


def _by_header(
    header: str, core: tuple[str, ...], words: tuple[str, ...], shortened: bool
) -> list[tuple[str, float, str]]:
    """Return fields a header may name, each with a confidence and what it was understood from."""
    out: list[tuple[str, float, str]] = []
    said = ("_".join(words), "_".join(word for word in words if word not in SUBJECTS), "_".join(core))
    for key in dict.fromkeys((header_key(header), *said)):
        for name, language, spelling in _translations().get(key, ()):
            out.append((name, TRANSLATION, f"'{spelling.replace('_', ' ')}' is {LANGUAGES[language]}"))
    for spelling, name, score in _similar(core):
        if score == 1.0:
            how = "with its short forms written out, " if shortened else ""
            out.append((name, SHORTENED if shortened else KNOWN_CORE, f"{how}the header says '{spelling}'"))
        elif score >= RESEMBLANCE:
            out.append((name, RESEMBLING * score, f"the header resembles '{spelling}'"))
    return sorted(out, key=lambda one: -one[1])


def _by_values(evidence: Evidence) -> list[tuple[str, float, str]]:
    telling = {"web addresses": "domain", "countries": "country"}
    return [(name, BY_VALUES, "") for shape, name in telling.items() if shape in evidence.shapes]


@dataclass(frozen=True)
class _Spelling:
    written: str
    field: Field
    core: tuple[str, ...]

    @property
    def head(self) -> str:
        """The word the others describe, which a header must have: "retention" of "gross revenue retention"."""
        named = [word for word in self.core if word not in _UNITS_OF_NAMES] or list(self.core)
        return named[-1]


@lru_cache(maxsize=1)
def _spellings() -> tuple[_Spelling, ...]:
    """Return the spellings of all fields, each core once; a count's core also without "number of", where free."""
    out: dict[tuple[str, ...], _Spelling] = {}
    counts: list[_Spelling] = []
    for field in FIELDS:
        for written in (*field.aliases, field.readable):
            words, _ = _words(written)
            core = tuple(word for word in words if word not in NOISE or word == "count")
            if not core:
                continue
            out.setdefault(core, _Spelling(written, field, core))
            if field.kind == "count" and "count" in core and len(core) > 1:
                counts.append(_Spelling(written, field, tuple(word for word in core if word != "count")))
    for spelling in counts:
        out.setdefault(spelling.core, spelling)
    return tuple(out.values())


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, float]:
    """Return how much each word of the spellings tells: less, the more fields share it."""
    users: dict[str, set[str]] = {}
    for spelling in _spellings():
        for word in spelling.core:
            users.setdefault(word, set()).add(spelling.field.name)
    return {word: math.log(1 + len(FIELDS) / len(names)) for word, names in users.items()}


@lru_cache(maxsize=1)
def _translations() -> Mapping[str, tuple[tuple[str, str, str], ...]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for name, languages in TRANSLATED.items():
        for language, spellings in languages.items():
            for spelling in spellings.split():
                if name not in {other for other, _, _ in found.get(spelling, [])}:
                    found.setdefault(spelling, []).append((name, language, spelling))
    return {spelling: tuple(readings) for spelling, readings in found.items()}


@lru_cache(maxsize=4096)
def _alike(word: str) -> tuple[tuple[str, float], ...]:
    """Return the words of the spellings that a word is, or is nearly."""
    weights = _weights()
    if word in weights:
        return ((word, 1.0), *(((word + "s", 0.97),) if word + "s" in weights else ()),
                *(((word[:-1], 0.97),) if word.endswith("s") and word[:-1] in weights else ()))  # fmt: skip
    if len(word) < 4 or word in _OTHER_WORDS or word in FOREIGN_TO_FIELDS:
        return ()
    from rapidfuzz import fuzz, process

    near = process.extract(word, sorted(weights), scorer=fuzz.ratio, score_cutoff=SIMILAR_WORDS, limit=4)
    return tuple((other, score / 100) for other, score, _ in near if len(other) >= 4)


def _similar(core: tuple[str, ...]) -> list[tuple[str, str, float]]:
    """Return the spelling each field has in common with a header's words, with how much, best first."""
    if not core:
        return []
    weights, most = _weights(), math.log(1 + len(FIELDS))
    alike = {word: dict(_alike(word)) for word in core}
    near = {other for others in alike.values() for other in others}
    mine = sum(weights.get(word, most) for word in core)
    joined = "".join(core)
    best: dict[str, tuple[float, str]] = {}
    for spelling in _spellings():
        if not near.intersection(spelling.core) and "".join(spelling.core) != joined:
            continue
        if _says_more(core, spelling.core) or _says_more(spelling.core, (*core, *near)) or spelling.head not in near:
            continue
        score = _score(core, spelling.core, alike, weights, mine, most)
        if "".join(spelling.core) == joined:
            score = 1.0
        if score > best.get(spelling.field.name, (0.0, ""))[0]:
            best[spelling.field.name] = (score, spelling.written)
    return sorted(((written, name, score) for name, (score, written) in best.items()), key=lambda one: -one[2])


def _says_more(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether one has a word that makes it something else, such as "growth", and the other has not."""
    return any(
        word in FOREIGN_TO_FIELDS and word not in other and word not in ("first", "last") for word in one
    ) or any(word in ("first", "last") and word not in other and len(one) <= 2 for word in one)


def _score(
    core: tuple[str, ...], other: tuple[str, ...], alike: Mapping[str, Mapping[str, float]],
    weights: Mapping[str, float], mine: float, most: float,
) -> float:  # fmt: skip
    """Return the share of the words' weight that a header and a spelling have in common."""
    common, left = 0.0, list(other)
    for word in core:
        pairs = [(similarity, match) for match, similarity in alike[word].items() if match in left]
        if pairs:
            similarity, match = max(pairs)
            left.remove(match)
            common += similarity * (weights.get(word, weights[match]) + weights[match])
            mine += weights.get(word, weights[match]) - weights.get(word, most)
    return common / (mine + sum(weights[word] for word in other))
