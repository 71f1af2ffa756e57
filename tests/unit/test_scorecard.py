from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator import scorecard
from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.pair_tables import PairTable, purify
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.exceptions import ModelFormatError

ENCODING = Encoding(
    (
        FieldEncoding("employees", "numeric", "count", "employees", edges=np.array([0.0, 100, 500, 2000])),
        FieldEncoding("industry", "category", label="industry", values=("a", "b"), spellings=("A", "B")),
        FieldEncoding("t", "tokens", values=("x", "y"), spellings=("X", "Y")),
    )
)
TABLES = ScoringTables(
    ENCODING,
    (
        np.array([0, -1, -1, 0.5, 1, 1.0]), np.array([0, 0, 0, 0.7, -0.3]), np.array([0, -0.1, 0.2]),
        np.array([0, 0.1, -0.4]),
    ),
    tuple(np.full(n, 0.01) for n in (6, 5, 3, 3)),
    -1.0,
    0.04,
    tuple(np.full(n, 5.0) for n in (6, 5, 3, 3)),
    tuple(np.full(n, 2.0) for n in (6, 5, 3, 3)),
    date(2026, 1, 1),
)  # fmt: skip
COLUMNS = {"employees": pa.array([50.0, None, 300]), "industry": pa.array(["a", "b", None])}


def test_a_score_is_the_base_and_one_look_up_per_term():
    codes = TABLES.encode(COLUMNS, 3)
    assert codes.tolist() == [[2, 3, 0, 0], [0, 4, 0, 0], [3, 0, 0, 0]]
    assert TABLES.contributions(codes).tolist() == [[-1, 0.7, 0, 0], [0, -0.3, 0, 0], [0.5, 0, 0, 0]]
    assert TABLES.log_odds(codes) == pytest.approx([-1.3, -1.3, -0.5])
    assert TABLES.standard_error(codes) == pytest.approx(np.sqrt(0.08))
    assert TABLES.fields == ("employees", "industry", "t")


def test_the_bits_of_a_row_do_not_depend_on_the_batch():
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, t.size, 500) for t in TABLES.terms]).astype(np.uint16)
    whole = TABLES.log_odds(codes)
    assert whole.tolist() == [float(TABLES.log_odds(codes[i : i + 1])[0]) for i in range(500)]
    assert whole.tolist() == TABLES.log_odds(np.asfortranarray(codes)).tolist()


def test_few_rows_are_added_up_as_many_are(monkeypatch):
    rng = np.random.default_rng(5)
    sizes = [len(values) for values in TABLES.values]
    codes = np.asfortranarray(np.stack([rng.integers(0, n, 50) for n in sizes], axis=1).astype(np.uint16))
    codes[0] = 60_000  # beyond every table: its last entry
    wide = replace(
        TABLES,
        values=tuple(rng.normal(size=len(v)) * 10.0 ** rng.integers(-9, 9) for v in TABLES.values),
        variances=tuple(rng.random(len(v)) for v in TABLES.values),
    )
    few = wide.log_odds(codes), wide.standard_error(codes)
    monkeypatch.setattr(scorecard, "FEW_ROWS", 0)
    many = wide.log_odds(codes), wide.standard_error(codes)
    assert [part.tobytes() for part in few] == [part.tobytes() for part in many]
    assert wide.log_odds(codes[:0]).shape == (0,)


def test_ranges_are_over_codes_that_customers_showed():
    customers = (np.array([9, 0, 9, 9, 0, 0.0]), *TABLES.customers[1:])
    tables = ScoringTables(ENCODING, TABLES.values, TABLES.variances, 0.0, 0.0, customers, TABLES.best)
    assert tables.ranges == pytest.approx([1.5, 1.0, 0.3, 0.5])


def test_a_calibration_folds_into_every_part():
    codes = TABLES.encode(COLUMNS, 3)
    scaled = TABLES.scaled(0.5, 0.2)
    assert scaled.log_odds(codes) == pytest.approx(0.5 * TABLES.log_odds(codes) + 0.2)
    assert scaled.contributions(codes) == pytest.approx(0.5 * TABLES.contributions(codes))
    assert scaled.standard_error(codes) == pytest.approx(0.5 * TABLES.standard_error(codes))
    assert scaled.as_of == TABLES.as_of


def test_saved_and_read_back():
    back = ScoringTables.from_arrays(ENCODING, TABLES.to_arrays(), TABLES.as_of)
    for name in ("values", "variances", "customers", "best"):
        assert [v.tolist() for v in getattr(back, name)] == [v.tolist() for v in getattr(TABLES, name)]
    assert (back.base, back.base_variance, back.as_of) == (TABLES.base, TABLES.base_variance, TABLES.as_of)


def nan_first(array):
    return np.concatenate([[np.nan], array[1:]])


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("values", lambda a: a[:-1], "'values' does not fit the encoding"),
        ("values", nan_first, "is not finite"),
        ("best", lambda a: np.append(a, 1), "'best' does not fit"),
        ("variances", lambda a: -a, "'variances' holds a negative number"),
        ("base", lambda a: a[:1], "two finite numbers"),
        ("base", lambda a: -np.abs(a), "its variance"),
        ("base", lambda a: a * np.inf, "two finite numbers"),
    ],
)
def test_hostile_arrays_are_refused(name, change, match):
    arrays = TABLES.to_arrays()
    with pytest.raises(ModelFormatError, match=match):
        ScoringTables.from_arrays(ENCODING, {**arrays, name: change(arrays[name])}, None)


@pytest.mark.parametrize("name", ["values", "variances", "customers", "best", "base"])
def test_a_missing_array_is_named(name):
    arrays = {k: v for k, v in TABLES.to_arrays().items() if k != name}
    with pytest.raises(ModelFormatError, match=f"array '{name}' is missing"):
        ScoringTables.from_arrays(ENCODING, arrays, None)


# pairs ----------------------------------------------------------------------------------------


def some_pairs(seed=0):
    rng = np.random.default_rng(seed)
    sizes = [term.size for term in ENCODING.terms]
    return tuple(
        PairTable(a, b, rng.normal(size=(sizes[a], sizes[b])), rng.random((sizes[a], sizes[b])))
        for a, b in ((0, 1), (1, 3), (0, 2))
    )


PAIRED = replace(TABLES, pairs=some_pairs())


def test_a_pair_is_added_once_and_half_of_it_is_each_terms():
    codes = PAIRED.encode(COLUMNS, 3)
    one, two, three = (pair.values for pair in PAIRED.pairs)
    both = [one[a, b] + two[b, d] + three[a, c] for a, b, c, d in codes]
    assert PAIRED.log_odds(codes) == pytest.approx(TABLES.log_odds(codes) + both)
    halves = PAIRED.contributions(codes) - TABLES.contributions(codes)
    a, b, c, d = codes[0]
    expected = [one[a, b] + three[a, c], one[a, b] + two[b, d], three[a, c], two[b, d]]
    assert halves[0] == pytest.approx(np.array(expected) / 2)
    assert PAIRED.contributions(codes).sum(axis=1) + PAIRED.base == pytest.approx(PAIRED.log_odds(codes), abs=1e-12)
    variance = [sum(p.variances[row[p.first], row[p.second]] for p in PAIRED.pairs) for row in codes]
    assert PAIRED.standard_error(codes) == pytest.approx(np.sqrt(0.08 + np.array(variance)))


def test_pairs_do_not_depend_on_the_batch_and_take_the_calibration():
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, t.size, 500) for t in ENCODING.terms]).astype(np.uint16)
    whole = PAIRED.log_odds(codes)
    assert whole.tolist() == [float(PAIRED.log_odds(codes[i : i + 1])[0]) for i in range(500)]
    scaled = PAIRED.scaled(0.5, 0.2)
    assert scaled.log_odds(codes) == pytest.approx(0.5 * whole + 0.2)
    assert scaled.contributions(codes) == pytest.approx(0.5 * PAIRED.contributions(codes))
    assert scaled.standard_error(codes) == pytest.approx(0.5 * PAIRED.standard_error(codes))


def test_half_of_a_pairs_spread_is_in_the_range_of_its_terms():
    shown = tuple(n * (np.arange(len(n)) > 1) for n in TABLES.customers)
    tables = replace(PAIRED, customers=shown)
    one, two, three = (np.ptp(pair.values[2:, 2:]) / 2 for pair in PAIRED.pairs)
    more = np.array([one + three, one + two, three, two])
    assert tables.ranges == pytest.approx(replace(TABLES, customers=shown).ranges + more)


def test_what_a_table_says_of_one_term_alone_is_moved_out():
    rng = np.random.default_rng(0)
    table, first, second = rng.normal(size=(5, 4)), np.array([3, 0, 9, 1, 4.0]), np.array([0, 7, 2, 8.0])
    pure, row, column, constant = purify(table, first, second)
    assert np.abs(pure @ second).max() < 1e-12
    assert np.abs(first @ pure).max() < 1e-12
    assert abs(row @ first) < 1e-12
    assert abs(column @ second) < 1e-12
    assert np.abs(pure + row[:, None] + column + constant - table).max() < 1e-12


def test_pairs_are_saved_and_read_back():
    back = ScoringTables.from_arrays(ENCODING, PAIRED.to_arrays(), PAIRED.as_of)
    for got, wanted in zip(back.pairs, PAIRED.pairs, strict=True):
        assert (got.first, got.second) == (wanted.first, wanted.second)
        assert got.values.tobytes() == wanted.values.tobytes()
        assert got.variances.tobytes() == wanted.variances.tobytes()
    assert ScoringTables.from_arrays(ENCODING, TABLES.to_arrays(), None).pairs == ()
    assert not any(name.startswith("pair") for name in TABLES.to_arrays())


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("pair_terms", lambda a: a[:, ::-1].copy(), "the first before the second"),
        ("pair_terms", lambda a: a[[0, 1, 0]], "different pairs"),
        ("pair_terms", lambda a: a + 2, "of the 4 terms"),
        ("pair_terms", lambda a: a - 1, "of the 4 terms"),
        ("pair_terms", lambda a: a.astype(float), "pairs of positions"),
        ("pair_terms", lambda a: a.ravel(), "pairs of positions"),
        ("pair_terms", lambda a: a[:0], "1 to 50 pairs"),
        ("pair_terms", lambda a: np.tile(a, (20, 1)), "1 to 50 pairs"),
        ("pair_terms", lambda a: np.array([["a", "b"]]), "pairs of positions"),
        ("pair_terms", lambda a: a[:2], "'pair_values' does not fit"),
        ("pair_values", lambda a: a[:-1], "'pair_values' does not fit"),
        ("pair_values", lambda a: a.astype(str), "'pair_values' does not fit"),
        ("pair_values", nan_first, "is not finite"),
        ("pair_variances", lambda a: np.append(a, 1.0), "'pair_variances' does not fit"),
        ("pair_variances", lambda a: -a, "'pair_variances' holds a negative number"),
    ],
)
def test_hostile_pairs_are_refused(name, change, match):
    arrays = PAIRED.to_arrays()
    with pytest.raises(ModelFormatError, match=match):
        ScoringTables.from_arrays(ENCODING, {**arrays, name: change(arrays[name])}, None)


@pytest.mark.parametrize("name", ["pair_terms", "pair_values", "pair_variances"])
def test_a_missing_part_of_the_pairs_is_named(name):
    arrays = {k: v for k, v in PAIRED.to_arrays().items() if k != name}
    with pytest.raises(ModelFormatError, match=f"array '{name}' is missing"):
        ScoringTables.from_arrays(ENCODING, arrays, None)
