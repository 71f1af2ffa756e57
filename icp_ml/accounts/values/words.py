"""Descriptions and job postings to token sets: words and phrases of two words, vectorised over the whole column.

What a text becomes depends on that text alone (and on the account's own name, which is cut out before). Which of the
tokens a model uses is decided later, by how many customers have them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import holds
from icp_ml.accounts.values.stop_words import STOP_WORDS

MAX_TEXT_CHARS = 20_000  # of one cell
MAX_WORD_CHARS = 40
MIN_WORD_CHARS = 2
MIN_NAME_CHARS = 3  # a shorter name is rather a word of the text
_BREAK = "."  # stands between words that are no phrase
# Signs that end a sentence or part it; a dot or hyphen inside a word only parts the word.
_BREAKS = r"[,;:!?()\[\]{}\"“”„«»•·|…\n\r\t。、，；：！？（）]+|[.\-–—]+(?:\s|$)|(?:^|\s)[.\-–—*/]+"
_NOT_WORDS = r"[^\p{L}\p{M}\p{N}+#. ]+|\.+(?:[^\p{L}\p{N}\s]|$)"
_LEGAL_FORMS = frozenset({
    "inc", "incorporated", "llc", "ltd", "limited", "corp", "corporation", "company", "co", "gmbh", "ag", "se", "kg",
    "kgaa", "ug", "sa", "sas", "sarl", "srl", "spa", "bv", "nv", "ab", "as", "oy", "oyj", "aps", "plc", "llp", "lp",
    "pty", "pvt", "private", "pte", "sl", "sro", "kft", "doo", "zrt", "holding", "holdings", "group", "the", "and",
})  # fmt: skip

Ints = npt.NDArray[np.int64]


def plain_words(text: pa.Array, names: pa.Array | None = None, phrases: Sequence[str] = ()) -> pa.Array:
    """Return texts as lower-case words, one space apart, with a lone dot where no phrase may run across.

    Parameters
    ----------
    text : pa.Array of string
    names : pa.Array of string, optional
        Each account's own name; where its text has the name, legal form aside, it is cut out.
    phrases : sequence of str
        Cut out of every text: our own company and products.

    Examples
    --------
    >>> plain_words(pa.array(["Acme's cloud, for B2B-teams."]), pa.array(["ACME Inc."])).to_pylist()
    [' . cloud . for b2b teams . ']
    """
    words = _spaced(text)
    cut = [needle for needle in map(_needle, _spaced(pa.array(list(phrases), pa.string())).to_pylist()) if needle]
    if not cut and (names is None or names.null_count == len(names)):
        return words
    own = [None] * len(words) if names is None else [_core(name) for name in _spaced(names).to_pylist()]
    out = []
    for cell, name in zip(words.to_pylist(), own, strict=True):
        if cell is not None:
            if name and name in cell:
                cell = cell.replace(name, f" {_BREAK} ")
            for needle in cut:
                if needle in cell:
                    cell = cell.replace(needle, f" {_BREAK} ")
        out.append(cell)
    return pa.array(out, pa.string())


def word_sets(
    words: pa.Array, vocabulary: Sequence[str] | None = None, *, least: int = 1, encoded: bool = False
) -> pa.ListArray:
    """Return the tokens of every text, each once per row, words before phrases.

    Parameters
    ----------
    words : pa.Array of string
        As `plain_words` returns them.
    vocabulary : sequence of str, optional
        Only these tokens: what a model looks up, several times faster. A text without one of them is then an empty
        set, not a missing one.
    least : int
        Without a vocabulary: leave out what fewer texts hold, several times faster where most phrases are said once.
    encoded : bool
        Leave the tokens as a dictionary.

    Returns
    -------
    pa.ListArray of string, or of dictionary where `encoded`
        Null where the text is missing or has no word.
    """
    lists = pc.split_pattern(words, " ")
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = lists.flatten().dictionary_encode()
    rows = np.repeat(np.arange(len(words), dtype=np.int64), lengths)
    spoken = flat.dictionary.to_pylist()
    usable = np.array([_is_word(word) for word in spoken], dtype=bool)
    place = flat.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    # The empty strings at both ends of a cell are no words and so keep phrases from running into the next row.
    good = usable[place] if len(place) else np.zeros(0, dtype=bool)
    known = np.bincount(rows[good], minlength=len(words)) > 0
    pairs = np.flatnonzero(good[:-1] & good[1:]) if len(good) else np.zeros(0, dtype=np.int64)
    if vocabulary is None:
        labels, ids, of_row = _all_tokens(flat.dictionary, usable, place, rows, pairs, least)
    else:
        labels, ids, of_row = _known_tokens(vocabulary, spoken, place, rows, good, pairs)
    return _lists(labels, ids, of_row, known, encoded=encoded)


def _spaced(text: pa.Array) -> pa.Array:
    """Lower-case a column and part its words by single spaces, one at each end."""
    text = pc.utf8_slice_codeunits(text, 0, MAX_TEXT_CHARS)
    foreign = pc.invert(pc.string_is_ascii(text)).fill_null(False)
    if pc.any(foreign).as_py():  # Arrow's own normalising leaves letters and accents apart
        composed = [unicodedata.normalize("NFKC", cell) for cell in text.filter(foreign).to_pylist()]
        text = pc.replace_with_mask(text, foreign, pa.array(composed, pa.string()))
    text = pc.utf8_lower(text)
    if holds(text, "<"):
        text = pc.replace_substring_regex(text, r"<[^<>]{0,300}>", " . ")
    if holds(text, "'") or holds(text, "’"):
        text = pc.replace_substring_regex(text, r"['’`](s\b)?", "")
    text = pc.replace_substring_regex(text, _BREAKS, "  .  ")
    text = pc.replace_substring_regex(text, _NOT_WORDS, " ")
    text = pc.binary_join_element_wise(" ", text, " ", "")
    return pc.replace_substring_regex(text, " {2,}", " ")


def _core(name: str | None) -> str | None:
    """Return a name without its legal form, as it would stand among the words of a text, or None."""
    if name is None:
        return None
    parts = [part for part in name.split() if part != _BREAK]
    while parts and parts[-1] in _LEGAL_FORMS:
        parts.pop()
    core = " ".join(parts)
    return f" {core} " if len(core) >= MIN_NAME_CHARS else None


def _needle(phrase: str | None) -> str | None:
    return f" {phrase.strip(' .')} " if phrase and phrase.strip(" .") else None


@cache
def _digits() -> re.Pattern[str]:
    return re.compile(r"[\d.+#]+")


def _is_word(word: str) -> bool:
    return MIN_WORD_CHARS <= len(word) <= MAX_WORD_CHARS and word not in STOP_WORDS and not _digits().fullmatch(word)


def _all_tokens(
    spoken: pa.Array, usable: npt.NDArray[np.bool_], place: Ints, rows: Ints, pairs: Ints, least: int
) -> tuple[pa.Array, Ints, Ints]:
    """Return the distinct tokens that at least some texts hold, and the number and row of every occurrence."""
    words = usable
    if least > 1:
        heard = np.flatnonzero((usable & (np.bincount(place, minlength=len(spoken)) >= least))[place])
        words = usable & (_texts_with(place[heard], rows[heard], len(spoken)) >= least)
    number = np.cumsum(words) - 1
    heard = np.flatnonzero(words[place]) if len(place) else np.zeros(0, dtype=np.int64)
    # A phrase is said in no more texts than either of its words.
    pairs = pairs[words[place[pairs]] & words[place[pairs + 1]]]
    count = max(int(words.sum()), 1)
    phrase, distinct = _phrases(number[place[pairs]] * count + number[place[pairs + 1]], rows[pairs], least)
    kept = phrase >= 0
    singles = spoken.take(pa.array(np.flatnonzero(words)))
    said = pc.binary_join_element_wise(
        singles.take(pa.array(distinct // count)), singles.take(pa.array(distinct % count)), " "
    )
    ids = np.concatenate([number[place[heard]], phrase[kept] + len(singles)])
    return pa.concat_arrays([singles, said]), ids, np.concatenate([rows[heard], rows[pairs[kept]]])


def _phrases(key: Ints, rows: Ints, least: int) -> tuple[Ints, Ints]:
    """Return the number of the phrase at every pair of words, -1 where few texts hold it, and the distinct phrases."""
    import pandas as pd

    if least <= 1:
        phrase, distinct = pd.factorize(key)  # by hashing: sorting took most of the time
        return phrase, distinct
    # Most pairs are said once: those that are not are found by sorting, and then few are looked up.
    ordered = np.sort(key)
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    often = ordered[starts[np.diff(starts, append=len(ordered)) >= least]]
    phrase = pd.Index(often).get_indexer(pd.Index(key))
    found = phrase >= 0
    common = _texts_with(phrase[found], rows[found], len(often)) >= least
    place = np.where(common, np.cumsum(common) - 1, -1)
    return np.append(place, -1)[phrase], often[common]


def _texts_with(tokens: Ints, rows: Ints, count: int) -> Ints:
    """Return how many texts hold each token: its occurrences but those that a text repeats."""
    keys = np.sort(rows * max(count, 1) + tokens)
    repeated = keys[1:][keys[1:] == keys[:-1]] % max(count, 1)
    return np.bincount(tokens, minlength=count) - np.bincount(repeated, minlength=count)


def _known_tokens(
    vocabulary: Sequence[str], spoken: list[str], place: Ints, rows: Ints, good: npt.NDArray[np.bool_], pairs: Ints
) -> tuple[pa.Array, Ints, Ints]:
    position = {word: k for k, word in enumerate(spoken)}
    single = np.full(len(spoken), -1, dtype=np.int64)
    phrases: dict[int, int] = {}
    within = np.zeros(len(spoken), dtype=bool)
    for number, token in enumerate(vocabulary):
        first, _, second = token.partition(" ")
        if not second and first in position:
            single[position[first]] = number
        elif second and first in position and second in position:
            phrases[position[first] * len(spoken) + position[second]] = number
            within[[position[first], position[second]]] = True
    one = single[place] if len(place) else np.zeros(0, dtype=np.int64)
    hits = np.flatnonzero(good & (one >= 0))
    likely = pairs[within[place[pairs]] & within[place[pairs + 1]]]
    keys = np.array(sorted(phrases), dtype=np.int64)
    numbers = np.array([phrases[k] for k in keys.tolist()], dtype=np.int64)
    wanted = place[likely] * len(spoken) + place[likely + 1]
    spot = np.searchsorted(keys, wanted)
    found = np.flatnonzero(keys[np.minimum(spot, len(keys) - 1)] == wanted) if len(keys) else np.zeros(0, np.int64)
    ids = np.concatenate([one[hits], numbers[spot[found]]])
    return pa.array(list(vocabulary), pa.string()), ids, np.concatenate([rows[hits], rows[likely[found]]])


def _lists(labels: pa.Array, ids: Ints, of_row: Ints, known: npt.NDArray[np.bool_], *, encoded: bool) -> pa.ListArray:
    """Return one list per row, each token once, in the order of `labels`."""
    keys = np.sort(of_row * max(len(labels), 1) + ids)
    keys = keys[np.diff(keys, prepend=-1) > 0]
    rows, ids = keys // max(len(labels), 1), keys % max(len(labels), 1)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(known)))]).astype(np.int32)
    values = pa.DictionaryArray.from_arrays(pa.array(ids.astype(np.int32)), labels)
    if not encoded:
        values = values.dictionary_decode()
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~known))
