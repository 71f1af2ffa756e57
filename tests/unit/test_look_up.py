"""The loops over rows, plain and compiled, against NumPy's way: the same bits, whatever the model and the accounts."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.scoring import compiled, neighbour_loops, row_loops, sentence_loops, token_loops
from icp_ml.scoring.compiled import COMPILED_FROM, IN_MEMORY_FROM, Loops
from icp_ml.scoring.reason_columns import reason_columns
from icp_ml.scoring.reasons import TENS, as_shown
from tests.sql_model import every_account, every_model, nothing_known

PLAIN = Loops(
    token_loops.spread, row_loops.look_up, sentence_loops.number, sentence_loops.listed, neighbour_loops.nearest
)
ROWS = 2 * row_loops.BLOCK + 77  # blocks, the last of them not whole


@pytest.fixture(scope="module")
def machine_code():
    loops = compiled.prepared(cached=True) or compiled.prepared(cached=False)
    assert loops is not None
    return loops


def parts(model):
    """Every scorer that looks accounts up: that of all customers, and one for each segment."""
    scorer = model.scorer(reasons=5, lookalikes=0)
    return [scorer._whole, *scorer.parts]


def same(one, other):
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.shape == b.shape, field.name
            assert a.astype(b.dtype).tobytes() == b.tobytes(), field.name
        else:
            same(a, b)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [0, 1, 5, 99])
def test_plain_loops_find_what_numpy_does(seed, k):
    model = every_model(seed, gaps=seed != 2)
    columns = nothing_known(every_account(60, seed), 3)
    for scorer in parts(model):
        look_up = scorer._look_up
        codes = look_up.layout.encode(columns, 60, scorer.tables.as_of, PLAIN.spread)
        same(look_up.in_loops(PLAIN.look_up, codes, k), look_up.in_numpy(scorer.tables.encode(columns, 60), k))


@pytest.mark.parametrize("seed", range(3))
def test_compiled_loops_find_what_numpy_does(machine_code, seed):
    model = every_model(seed, gaps=seed != 2)
    columns = nothing_known(every_account(ROWS, seed), 3)
    for scorer in parts(model):
        look_up = scorer._look_up
        codes = scorer.tables.encode(columns, ROWS)
        laid_out = look_up.layout.encode(columns, ROWS, scorer.tables.as_of, machine_code.spread)
        for k in (0, 5, 99):
            same(look_up.in_loops(machine_code.look_up, laid_out, k), look_up.in_numpy(codes, k))


@pytest.mark.parametrize("seed", range(3))
def test_reasons_are_the_same_dictionaries_with_either_way(machine_code, seed):
    """Not only the texts: a scored file's bytes depend on the order of its dictionaries."""
    columns = every_account(ROWS, seed)
    for scorer in parts(every_model(seed)):
        codes, own = scorer.tables.encode(columns, ROWS), scorer._own_values(columns, scorer.tables.as_of)
        chosen = scorer._look_up.in_numpy(codes, 5).chosen
        without = np.arange(ROWS) % 7 == 0
        expected = reason_columns(scorer.book, chosen, own, 6, without)
        few = reason_columns(scorer.book, chosen, own, 6, without, machine_code)
        assert len(expected["reason_1"].dictionary) > 100
        for name, column in expected.items():
            assert few[name].equals(column), name
            if name.endswith("contribution"):
                continue
            assert few[name].dictionary.equals(column.dictionary), name
            index = pa.Array.from_buffers(pa.int32(), ROWS, [None, column.indices.buffers()[1]]).to_numpy()
            assert few[name].indices.buffers()[1].to_pybytes() == index.tobytes(), name
            assert 0 <= index.min() <= index.max() < max(len(column.dictionary), 1), name
            assert len(column.dictionary.unique()) == len(column.dictionary), name


def test_a_table_of_sentences_grows_with_them(machine_code, monkeypatch):
    """More distinct sentences than the table has room for at first, plain and compiled."""
    rng, room = np.random.default_rng(0), sentence_loops.SLOTS
    monkeypatch.setattr(sentence_loops, "SLOTS", 1024)  # of the plain one; what is compiled has its own
    for number, rows, first in ((PLAIN.number, 3000, 1024), (machine_code.number, 100_000, room)):
        said = rng.integers(-1, 6, (2, rows))
        own = rng.integers(0, 4 * rows, (2, rows)).astype(float)
        columns, forms = np.array([0, -1, 1, 0, -1, 1]), np.array([0, 0, 0, 0, 1, 1])
        numbers = np.empty(said.shape, dtype=np.int32)
        kinds, values = np.empty(said.size, dtype=np.int64), np.empty(said.size, dtype=np.int64)
        with np.errstate(over="ignore"):  # of the hash, in Python
            count = number(said, own, columns, forms, TENS, numbers, kinds, values)
        rounded = {0: as_shown(own, "year"), 1: as_shown(own, "count")}
        expected, seen = {}, np.empty(said.shape, dtype=np.int32)
        for r in range(rows):
            for i in range(2):
                kind = said[i, r]
                key = (kind, float(rounded[forms[kind]][columns[kind], r]) if columns[kind] >= 0 else 0.0)
                seen[i, r] = expected.setdefault(key, len(expected)) if kind >= 0 else -1
        assert count == len(expected) > first
        assert numbers.tolist() == seen.tolist()
        found = zip(kinds[:count].tolist(), values[:count].view(np.float64).tolist(), strict=True)
        assert list(found) == list(expected)


def test_values_are_rounded_alike_in_both_ways(machine_code):
    """Between powers of ten and on them, where a logarithm may be off by a digit; whatever sign and size."""
    edges = np.array([10.0**k for k in range(-300, 300, 7)])
    rng = np.random.default_rng(0)
    some = 10.0 ** rng.uniform(-12, 15, 2000)
    values = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, np.inf), some, np.round(some, 2)])
    special = [0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1.7e308, 9999.5, 10_000.0, 0.5, 1.5, -0.4]
    values = np.concatenate([values, -values, special])
    for form, name in ((0, "year"), (1, "count"), (2, "money")):
        expected = as_shown(values, name)
        assert np.isfinite(expected).all()
        assert np.array([sentence_loops.shown(float(v), form, TENS) for v in values]).tobytes() == expected.tobytes()
        said, numbers = np.zeros((1, len(values)), dtype=np.int64), np.empty((1, len(values)), dtype=np.int32)
        kinds, bits = np.empty(len(values), dtype=np.int64), np.empty(len(values), dtype=np.int64)
        one = np.array([0])
        machine_code.number(said, values[None], one, np.array([form]), TENS, numbers, kinds, bits)
        assert bits[numbers[0]].tobytes() == expected.tobytes()


def test_few_rows_are_numpys_until_many_came(monkeypatch):
    monkeypatch.setattr(compiled, "prepared", lambda *, cached: PLAIN)
    state = compiled._State()
    assert state.of(COMPILED_FROM - 1) is None
    assert state.of(COMPILED_FROM) is PLAIN
    assert state.of(1) is PLAIN


def test_what_cannot_be_kept_is_compiled_in_memory_once_very_many_rows_came(monkeypatch):
    asked = []

    def refused(*, cached):
        asked.append(cached)
        if cached:
            msg = "cannot cache function: no locator available for file"
            raise RuntimeError(msg)
        return PLAIN

    monkeypatch.setattr(compiled, "compiled", refused)
    monkeypatch.setattr(compiled, "_run_empty", lambda loops: None)
    state = compiled._State()
    assert state.of(IN_MEMORY_FROM - 1) is None
    assert state.of(COMPILED_FROM) is PLAIN
    assert asked == [True, False]


def test_without_numba_numpy_does_it_and_numba_is_looked_for_once(monkeypatch):
    asked = []

    def absent(name):
        asked.append(name)
        msg = f"No module named {name!r}"
        raise ImportError(msg)

    monkeypatch.setattr(compiled.importlib, "import_module", absent)
    state = compiled._State()
    assert [state.of(IN_MEMORY_FROM) for _ in range(3)] == [None, None, None]
    assert asked == ["numba", "numba"]


def test_a_batch_is_scored_alike_by_either_way(machine_code, monkeypatch):
    """All columns, of a model with segments, pairs, gaps and exclusions."""
    scorer, columns = every_model(1).scorer(reasons=5, lookalikes=2), every_account(800, 1)
    expected = scorer.score(columns, 800)
    monkeypatch.setattr(compiled._state, "loops", machine_code)
    found = scorer.score(columns, 800)
    assert found.equals(expected)
    assert found.schema == expected.schema


def test_every_text_of_a_scored_dictionary_is_named_once():
    """Where one came twice, Parquet's writer would add bytes that differ by run."""
    model = every_model(2)
    twins = {one: "Acme" for one in model.reference.ids}
    scored = model.scorer(reasons=5, lookalikes=2, names=twins).score(every_account(300, 2), 300)
    dictionaries = {
        name: column.dictionary.to_pylist()
        for name, column in zip(scored.schema.names, scored.columns, strict=True)
        if pa.types.is_dictionary(column.type)
    }
    assert dictionaries["lookalike_1"] == ["Acme"]
    assert len(dictionaries) > 15
    for name, texts in dictionaries.items():
        assert len(set(texts)) == len(texts), name
