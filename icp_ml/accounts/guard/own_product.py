"""The vendor's sight of our own product on customers' sites, taken out before anything is judged."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_MIN_WORD = 4  # letters from which a name is looked for inside longer tokens ("acme" in "acme for slack")


def without_own_product(table: pa.Table, own_product: Sequence[str]) -> tuple[pa.Table, dict[str, int]]:
    """Remove tokens that name our own product, or an integration with it, from every token set.

    A token is removed where it is a name of `own_product`, or, for names of four letters and more, where it
    contains one as whole words.

    Returns
    -------
    (pa.Table, dict of str to int)
        The table, and how many tokens were removed by column. A set that becomes empty stays an empty set:
        the vendor has looked at that account.
    """
    removed: dict[str, int] = {}
    names = [" ".join(token.split()).casefold() for token in own_product]
    for name in table.column_names if names and table.num_rows else []:
        if not pa.types.is_list(table.schema.field(name).type):
            continue
        array = pa.concat_arrays(table[name].chunks)
        flat, rows = pc.list_flatten(array), pc.list_parent_indices(array)
        keep = pc.invert(pc.is_in(flat, value_set=_own_tokens(flat, names)))
        gone = len(flat) - pc.sum(pc.cast(keep, pa.int64())).as_py() if len(flat) else 0
        if not gone:
            continue
        counts = np.bincount(np.asarray(pc.filter(rows, keep)), minlength=len(array))
        offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
        kept = pa.ListArray.from_arrays(offsets, pc.filter(flat, keep), mask=pc.is_null(array))
        table = table.set_column(table.schema.get_field_index(name), name, kept)
        removed[name] = int(gone)
    return table, removed


def _own_tokens(flat: pa.Array, names: Sequence[str]) -> pa.Array:
    """Return the distinct tokens that are to go."""
    words = "|".join(re.escape(name) for name in names if len(name) >= _MIN_WORD)
    inside = re.compile(rf"(?<![0-9a-z])(?:{words})(?![0-9a-z])") if words else None
    distinct = pc.cast(pc.unique(flat), pa.string()).drop_null().to_pylist()
    own = [token for token in distinct if token in names or (inside is not None and inside.search(token))]
    return pa.array(own, pa.string())
