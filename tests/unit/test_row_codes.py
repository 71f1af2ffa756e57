"""Codes by columns and tokens against one code per term and account: the same codes, whatever Arrow holds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.scoring import compiled, token_loops
from icp_ml.scoring.row_codes import Layout, codes_of

WORDS = tuple(f"t{k:03d}" for k in range(80))


def tokens(name: str, values: tuple[str, ...]) -> FieldEncoding:
    return FieldEncoding(name, "tokens", "token_set", name, values=values, spellings=values)


ENCODING = Encoding((
    tokens("first", WORDS[:50]),
    FieldEncoding("size", "numeric", edges=np.array([0.0, 10.0, 100.0])),
    tokens("none", ()),
    tokens("second", WORDS[40:]),
    FieldEncoding("public", "boolean"),
    FieldEncoding("industry", "category", values=("a", "b"), spellings=("a", "b"), rare=("c",)),
))  # fmt: skip
LISTS = [
    ["t001", "t049", "t003"],
    None,
    [],
    ["unheard"],
    ["t045", "t045", None, "t002", "t045"],
    [*reversed(WORDS)] * 2,
]


@pytest.fixture(scope="module", params=["plain", "compiled"])
def spread(request):
    if request.param == "plain":
        return token_loops.spread
    loops = compiled.prepared(cached=True) or compiled.prepared(cached=False)
    assert loops is not None
    return loops.spread


def columns(lists: pa.Array) -> dict[str, pa.Array]:
    n = len(lists)
    return {
        "first": lists,
        "second": lists,
        "none": lists,
        "size": pa.array(([5.0, None, 50.0, 500.0, -1.0, 10.0] * n)[:n]),
        "industry": pa.array((["a", "c", None, "new", "b", "a"] * n)[:n]),
    }


def shapes() -> dict[str, pa.Array]:
    strings = pa.array(LISTS, pa.list_(pa.string()))
    flat = strings.flatten()
    coded = pa.ListArray.from_arrays(
        pa.array(np.cumsum([0, *(len(one or []) for one in LISTS)]), pa.int32()),
        flat.dictionary_encode(),
        mask=strings.is_null(),
    )
    hidden = pa.ListArray.from_arrays(
        pa.array([0, 1, 3], pa.int32()), pa.array(["t001", "t002", "t003"]), mask=pa.array([False, True])
    )
    return {
        "strings": strings,
        "dictionary": coded,
        "sliced": pa.concat_arrays([strings, strings]).slice(3, 6),
        "chunked": pa.chunked_array([strings, strings.slice(2)]),
        "large": strings.cast(pa.large_list(pa.large_string())),
        "what a missing cell hides": hidden,
        "nothing": strings.slice(0, 0),
    }


@pytest.mark.parametrize("shape", list(shapes()))
@pytest.mark.parametrize("wanted", [(), (0, 45, 49, 52), range(93)])
def test_codes_are_those_of_the_encoding(spread, shape, wanted):
    given = columns(shapes()[shape])
    rows = len(given["first"])
    expected = ENCODING.encode(given, rows)
    layout = Layout.of(ENCODING, wanted)
    found = layout.encode(given, rows, None, spread)
    assert len(found) == rows
    for j, term in enumerate(ENCODING.terms):
        if term.token is None or j in wanted:
            assert codes_of(found, j).tolist() == expected[:, j].tolist(), term.name
        else:
            with pytest.raises(KeyError):
                found.column(j)
    for part in layout.parts:
        if part.set >= 0:
            begins, every = found.arrays.begins[part.set], found.arrays.tokens
            shown = [every[begins[r] : begins[r + 1]].tolist() for r in range(rows)]
            terms = expected[:, part.first : part.first + len(part.encoding.sizes)]
            assert shown == [np.flatnonzero(row == 2).tolist() for row in terms]
            assert found.arrays.columns[part.column].tolist() == [int(row[0] > 0) for row in terms]


def test_fields_that_a_list_lacks_are_missing(spread):
    found = Layout.of(ENCODING, [50, 51]).encode({}, 3, None, spread)
    assert not found.arrays.columns.any()
    assert not found.arrays.begins.any()
    assert len(found.arrays.tokens) == 0
