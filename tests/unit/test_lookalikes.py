from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.exceptions import ModelFormatError
from icp_ml.scoring import compiled, lookalikes, neighbour_loops, token_loops
from icp_ml.scoring.lookalikes import (
    MAX_REFERENCE,
    MAX_TERMS,
    Neighbours,
    Reference,
    Support,
    make_reference,
    salted,
)
from icp_ml.scoring.row_codes import Layout


def make_tables(seed=0, tokens=6):
    rng = np.random.default_rng(seed)
    vocabulary = tuple(f"t{i}" for i in range(tokens))
    encoding = Encoding(
        (
            FieldEncoding("n", "numeric", edges=np.arange(12.0)),
            FieldEncoding("c", "category", values=tuple("abcd"), spellings=tuple("ABCD")),
            FieldEncoding("b", "boolean"),
            FieldEncoding("t", "tokens", values=vocabulary, spellings=vocabulary),
        )
    )
    values = tuple(rng.normal(size=t.size) for t in encoding.terms)
    flat = tuple(np.zeros(t.size) for t in encoding.terms)
    customers = tuple(rng.integers(1, 40, t.size).astype(float) for t in encoding.terms)
    return ScoringTables(encoding, values, flat, 0.0, 0.0, customers, customers)


def draw_codes(tables, n, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(0, t.size, n) for t in tables.terms]).astype(np.uint16)


def reference_of(codes):
    return Reference(codes, tuple(f"{i:016x}" for i in range(len(codes))), "salt")


def brute_force(neighbours, codes, k):
    """Distances by the definition, one pair at a time, in whole numbers; ties to the earlier customer."""
    tables, reference = neighbours.tables, neighbours.reference
    count = len(reference.ids)
    scale = (2.0**24 / count - 2 * len(neighbours.terms)) / float(tables.ranges[neighbours.terms].sum())

    def apart(term, a, b):
        if a == 0 and b == 0:
            return 0.25
        if a == 0 or b == 0:
            return 0.5
        if term.encoding.kind == "numeric":
            top = term.size - 2
            return abs((min(max(a, 2), top) - 2) // 2 - (min(max(b, 2), top) - 2) // 2) / max((top - 2) // 2, 1)
        return float(a != b)

    out = []
    for row in codes.astype(int).tolist():
        pairs = []
        for i, other in enumerate(reference.codes.astype(int).tolist()):
            distance = sum(
                int(np.floor(scale * tables.ranges[j] * apart(tables.terms[j], row[j], other[j])))
                for j in neighbours.terms
            )
            pairs.append((distance, i))
        out.append([i for _, i in sorted(pairs)[:k]])
    return out


@pytest.mark.parametrize("seed", range(3))
def test_nearest_customers_are_those_of_brute_force(seed):
    tables = make_tables(seed)
    neighbours = Neighbours(tables, reference_of(draw_codes(tables, 70, seed + 10)))
    codes = draw_codes(tables, 50, seed + 20)
    assert neighbours.nearest(codes, 3).tolist() == brute_force(neighbours, codes, 3)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_the_size_of_blocks_does_not_matter(monkeypatch, block):
    tables = make_tables()
    neighbours = Neighbours(tables, reference_of(draw_codes(tables, MAX_REFERENCE, 1)))
    codes = draw_codes(tables, 200, 2)
    whole = neighbours.nearest(codes, 3).tolist()
    monkeypatch.setattr(lookalikes, "BLOCK", block)
    assert neighbours.nearest(codes, 3).tolist() == whole
    assert [neighbours.nearest(codes[i : i + 1], 3)[0].tolist() for i in range(20)] == whole[:20]


def test_a_customer_is_nearest_to_itself_and_ties_go_to_the_earlier():
    tables = make_tables()
    codes = np.maximum(draw_codes(tables, 30, 3), 1)  # nothing missing: unknown is a quarter from itself
    codes[:, 0] = np.clip(codes[:, 0], 2, tables.terms[0].size - 2)
    twice = np.concatenate([codes, codes])
    near = Neighbours(tables, reference_of(twice)).nearest(codes, 2)
    first = [min(np.flatnonzero((codes == row).all(axis=1))) for row in codes]
    used = Neighbours(tables, reference_of(twice)).terms
    if len(used) == len(tables.terms):
        assert near[:, 0].tolist() == first
    same = (twice[near[:, 0]][:, used] == codes[:, used]).all(axis=1)
    assert same.all()
    assert (near[:, 0] < near[:, 1]).all()


def test_keys_stay_exact_whole_numbers():
    tables = make_tables(tokens=60)
    matrix = Neighbours(tables, reference_of(draw_codes(tables, MAX_REFERENCE, 1)))._keys[0]
    assert matrix.dtype == np.float32
    assert (matrix == np.floor(matrix)).all()
    assert matrix.max() < 2**24


def test_only_the_widest_terms_are_compared():
    tables = make_tables(tokens=60)
    neighbours = Neighbours(tables, reference_of(draw_codes(tables, 5)))
    assert len(neighbours.terms) == MAX_TERMS
    assert tables.ranges[neighbours.terms].min() >= np.delete(tables.ranges, neighbours.terms).max()
    few = make_tables(tokens=2)
    few = replace(few, values=tuple(v * (1.0 if j < 2 else 1e-6) for j, v in enumerate(few.values)))
    assert Neighbours(few, reference_of(draw_codes(few, 5))).terms == [0, 1]


def test_too_few_customers_leave_gaps():
    tables = make_tables()
    codes = draw_codes(tables, 4)
    assert Neighbours(tables, reference_of(codes[:1])).nearest(codes, 3).tolist() == [[0, -1, -1]] * 4
    assert (Neighbours(tables, reference_of(codes[:0])).nearest(codes, 2) == -1).all()
    flat = replace(tables, values=tuple(np.zeros_like(v) for v in tables.values))
    assert (Neighbours(flat, reference_of(codes)).nearest(codes, 2) == -1).all()
    assert Neighbours(tables, reference_of(codes)).nearest(codes[:0], 3).shape == (0, 3)


# the reference ---------------------------------------------------------------------------------


def test_the_reference_does_not_depend_on_the_order_of_the_file():
    tables = make_tables()
    codes, ids = draw_codes(tables, 40), [f"id{i}" for i in range(40)]
    order = np.random.default_rng(0).permutation(40)
    one, other = make_reference(codes, ids, "s"), make_reference(codes[order], [ids[i] for i in order], "s")
    assert one.ids == other.ids
    assert one.codes.tolist() == other.codes.tolist()
    assert one.ids == tuple(sorted(salted(i, "s") for i in ids))
    assert not set(ids) & set(one.ids)
    assert make_reference(codes, ids, "other").ids != one.ids


def test_a_large_reference_is_cut():
    codes = np.zeros((MAX_REFERENCE + 5, 1), dtype=np.uint16)
    assert len(make_reference(codes, [str(i) for i in range(len(codes))], "s").ids) == MAX_REFERENCE


def test_the_reference_is_saved_and_read_back():
    tables = make_tables()
    reference = make_reference(draw_codes(tables, 9), [str(i) for i in range(9)], "pepper")
    back = Reference.from_arrays(reference.to_arrays(), len(tables.terms))
    assert (back.ids, back.salt, back.codes.tolist()) == (reference.ids, reference.salt, reference.codes.tolist())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"codes": np.zeros((9, 2), np.uint16)}, "do not fit"),
        ({"codes": np.zeros((9, 9), np.int64)}, "do not fit"),
        ({"ids": np.array(["a"])}, "do not fit"),
        ({"salt": np.array([], dtype="U4")}, "missing"),
    ],
)
def test_a_hostile_reference_is_refused(change, match):
    tables = make_tables()
    arrays = make_reference(draw_codes(tables, 9), [str(i) for i in range(9)], "s").to_arrays()
    with pytest.raises(ModelFormatError, match=match):
        Reference.from_arrays(arrays | change, len(tables.terms))
    with pytest.raises(ModelFormatError, match="'codes' is missing"):
        Reference.from_arrays({k: v for k, v in arrays.items() if k != "codes"}, len(tables.terms))


# support ---------------------------------------------------------------------------------------


def test_novelty_is_the_weighted_share_of_odd_values():
    encoding = Encoding(
        (FieldEncoding("b", "boolean"), FieldEncoding("c", "category", values=("a",), spellings=("A",)))
    )
    values = (np.array([0, -1, 1.0]), np.array([0, 0, 0, 1.0]))
    customers = (np.array([0, 9, 9.0]), np.array([9, 0, 0, 9.0]))
    tables = ScoringTables(encoding, values, values, 0.0, 0.0, customers, customers)
    support = Support(tables, 0.5)
    assert tables.ranges.tolist() == [2, 1]
    novelty = support.novelty(np.array([[1, 3], [1, 1], [0, 1], [0, 0]]))
    assert novelty == pytest.approx([0.1, (2 * 0.1 + 1) / 3, 1.0, 0.0])
    codes = np.array([[1, 3], [1, 1], [0, 1], [0, 0]], dtype=np.uint16)
    assert support.inside(codes).tolist() == [True, True, False, True]
    told = [support.fields_of(int(kind)) for kind in replace(support, threshold=0.05).kinds(codes)]
    assert told == [(), ("c",), ("c",), ()]  # a value that nobody showed; of the first no value stands out
    assert not replace(support, threshold=0.05).inside(codes[:1])[0]


def test_the_nearest_churned_customer_is_found_by_the_same_distance():
    tables = make_tables()
    best, left = draw_codes(tables, 40, 3), draw_codes(tables, 25, 4)
    codes = draw_codes(tables, 60, 5)
    for these, those in ((best, left), (left, best), (best[:0], left), (best, left[:0])):
        near, gone = Neighbours(tables, reference_of(these), reference_of(those)).nearest_of_each(codes, 2)
        assert near.tolist() == _on_the_scale_of(tables, these, those, codes, 2)
        assert gone.tolist() == [row[0] for row in _on_the_scale_of(tables, those, these, codes, 1)]


@pytest.mark.parametrize("form", ["plain", "compiled"])
def test_loops_find_the_same_customers(form):
    """With token sets, missing values, few customers, none, and more asked for than there are."""
    tables = make_tables(tokens=30)
    columns = drawn(300)
    encoded = tables.encode(columns, 300)
    spread, nearest = token_loops.spread, neighbour_loops.nearest
    if form == "compiled":
        loops = compiled.prepared(cached=True) or compiled.prepared(cached=False)
        spread, nearest = loops.spread, loops.nearest
    customers = tables.encode(drawn(70, 1), 70)
    for best, churned, k in ((50, 20, 3), (2, 1, 3), (70, 0, 1), (0, 5, 2), (1, 69, 0)):
        both = reference_of(customers[:best]), reference_of(customers[70 - churned :]) if churned else None
        found = Neighbours(tables, *both)
        codes = Layout.of(tables.encoding, found.terms).encode(columns, 300, None, spread)
        expected = found.nearest_of_each(encoded, k)
        for one, other in zip(found.nearest_of_each(codes, k, nearest), expected, strict=True):
            assert one.tolist() == other.tolist()


def drawn(n, seed=0):
    rng = np.random.default_rng(seed)
    gone = rng.random((4, n)) < 0.2
    tokens = [[f"t{i}" for i in rng.integers(0, 33, rng.integers(0, 9))] for _ in range(n)]
    return {
        "n": pa.array(rng.integers(-1, 14, n).astype(float), mask=gone[0]),
        "c": pa.array(rng.choice(list("abcdx"), n), mask=gone[1]),
        "b": pa.array(rng.random(n) < 0.5, mask=gone[2]),
        "t": pa.array([None if g else t for g, t in zip(gone[3], tokens, strict=True)], pa.list_(pa.string())),
    }


def _on_the_scale_of(tables, these, others, codes, k):
    """Nearest of `these` by sorting whole distances as large as the larger group allows; -1 where there are too few."""
    count = max(len(these), len(others))
    both = Neighbours(tables, reference_of(these))
    scale = (2.0**24 / count - 2 * len(both.terms)) / float(tables.ranges[both.terms].sum())
    out = np.full((len(codes), k), -1)
    for i, row in enumerate(codes):
        total = [sum(int(lookalikes._distances(tables, j, scale)[row[j], c[j]]) for j in both.terms) for c in these]
        order = sorted(range(len(these)), key=lambda p: (total[p], p))[:k]
        out[i, : len(order)] = order
    return out.tolist()
