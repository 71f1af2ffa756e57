from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator.encoding import Encoding, FieldEncoding
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
