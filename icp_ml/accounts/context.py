"""What a cell means beside the other cells of its row: states of a country, texts that name their own account.

A row is read by itself: no other row, batch or order changes what becomes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.accounts.values.cells import Tally
from icp_ml.accounts.values.states import state_code
from icp_ml.accounts.values.words import plain_words, word_sets
from icp_ml.schema import BY_NAME, Field

STATE, COUNTRY, NAME = "state", "country", "name"
MANY_PAIRS = 1_000_000  # of a state and a country, beyond which a table of all takes too much memory

Ints = npt.NDArray[np.int64]


def needed_beside(fields: Mapping[str, Field]) -> dict[str, Field]:
    """Return the further fields that the reading of these leans on, where a table has them."""
    return {COUNTRY: BY_NAME[COUNTRY]} if STATE in fields and COUNTRY not in fields else {}


def holds_words(field: Field) -> bool:
    """Whether a field is a text that is learned from, and so becomes a set of words and phrases."""
    return field.kind == "text" and field.role == "feature"


def in_context(
    columns: Mapping[str, pa.Array],
    fields: Mapping[str, Field],
    *,
    own_product: Sequence[str] = (),
    vocabularies: Mapping[str, Sequence[str]] | None = None,
    least: int = 1,
    encoded: bool = False,
) -> dict[str, tuple[pa.Array, Tally]]:
    """Return the columns that the rest of their row changes, and what was changed.

    Parameters
    ----------
    columns : mapping of str to pa.Array
        Canonical arrays by field name, as `normalise_column` returns them.
    fields : mapping of str to Field
        The field of each of them.
    own_product : sequence of str
        Names of our own company and products: cut out of every text.
    vocabularies : mapping of str to sequence of str, optional
        For texts: the only tokens that are looked up afterwards.
    least : int
        For texts without a vocabulary: leave out the tokens that fewer rows hold.
    encoded : bool
        Leave tokens as a dictionary.
    """
    found: dict[str, tuple[pa.Array, Tally]] = {}
    state = columns.get(STATE)
    if state is not None and fields[STATE].kind == "place" and pa.types.is_dictionary(state.type):
        found[STATE] = _states(state, columns.get(COUNTRY))
    names = columns.get(NAME)
    for name, array in columns.items():
        if name in fields and holds_words(fields[name]) and pa.types.is_string(array.type):
            words = plain_words(array, names, own_product)
            known = None if vocabularies is None else vocabularies.get(name)
            found[name] = word_sets(words, known, least=least, encoded=encoded), Tally()
    return found


def _states(states: pa.DictionaryArray, countries: pa.Array | None) -> tuple[pa.Array, Tally]:
    """Look every distinct pair of state and country up once; what is not known stays as it is."""
    tally = Tally()
    written = states.dictionary.to_pylist()
    place = states.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    named: list[str] = []
    beside = np.full(len(states), -1, dtype=np.int64)
    if countries is not None and pa.types.is_dictionary(countries.type):
        named = countries.dictionary.to_pylist()
        beside = countries.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    wide = len(named) + 1
    pairs, where, counts = _pairs((place + 1) * wide + beside + 1, (len(written) + 1) * wide)
    results: list[str | None] = []
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        of, country = divmod(pair, wide)
        if not of:
            results.append(None)
            continue
        code = named[country - 1] if country else None
        code = code if code is not None and len(code) == 2 and code.isupper() else None
        cell = written[of - 1]
        result = state_code(cell, code)
        results.append(result or cell)
        if result is not None and result.casefold() != cell:
            tally.change(cell, result, count)
    labels = sorted({result for result in results if result is not None})
    position = {label: index for index, label in enumerate(labels)}
    numbers = np.array([-1 if r is None else position[r] for r in results], dtype=np.int32)
    codes = numbers[where]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(labels, pa.string())), tally


def _pairs(keys: Ints, space: int) -> tuple[Ints, Ints, Ints]:
    """Return the distinct keys, where each row's stands among them, and how often each occurs."""
    if space > MANY_PAIRS:
        distinct, where, counts = np.unique(keys, return_inverse=True, return_counts=True)
        return distinct, where.reshape(-1), counts
    counts = np.bincount(keys, minlength=space)  # several times faster than sorting
    distinct = np.flatnonzero(counts)
    place = np.zeros(space, dtype=np.int64)
    place[distinct] = np.arange(len(distinct))
    return distinct, place[keys], counts[distinct]
