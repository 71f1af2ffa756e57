"""Where no customer was: single values, pairs of common values, and what a model stores of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icp_ml.estimator.bins import fit_numeric
from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.exceptions import ModelFormatError
from icp_ml.scoring.gaps import Gap, Gaps, fit_gaps

ENCODING = Encoding(
    (
        FieldEncoding("employees", "numeric", "count", edges=np.arange(11.0)),  # bins are codes 2 to 11, 12 is above
        FieldEncoding("country", "category", values=tuple("abcd"), spellings=tuple("ABCD")),  # 3 to 6
        FieldEncoding("city", "category", values=("x",), spellings=("X",), rare=tuple(f"r{i}" for i in range(200))),
        FieldEncoding("technologies", "tokens", values=("t",), spellings=("T",)),
        FieldEncoding("flat", "boolean"),
    )
)
SIZES = [term.size for term in ENCODING.terms]


def make_customers(n=800, seed=0):
    rng = np.random.default_rng(seed)
    columns = [
        rng.integers(2, 12, n),
        rng.integers(3, 6, n),
        rng.choice([2, 3], n),
        rng.integers(1, 3, n),
        np.full(n, 1),
    ]
    codes = np.column_stack(columns).astype(np.uint16)
    codes[rng.random(codes.shape) < 0.1] = 0
    return codes


def tables_of(codes):
    rng = np.random.default_rng(1)
    values = tuple(rng.normal(size=size) * (0.0 if term.field == "flat" else 1.0)
                   for term, size in zip(ENCODING.terms, SIZES, strict=True))  # fmt: skip
    count = tuple(np.bincount(codes[:, j], minlength=size).astype(float) for j, size in enumerate(SIZES))
    return ScoringTables(ENCODING, values, values, 0.0, 0.0, count, count)


def test_a_value_that_no_customer_showed_is_outside_where_new_values_are_news():
    codes = make_customers()
    gaps = fit_gaps(tables_of(codes), codes)
    assert (gaps.kinds(codes) == 0).all()
    row = np.array([5, 3, 3, 1, 1], dtype=np.uint16)
    for place, code, wanted in (
        (0, 12, (0,)),  # above every customer
        (0, 1, (0,)),
        (1, 6, (1,)),  # a country known to the encoding that none of these has
        (1, 1, (1,)),
        (2, 1, ()),  # every second customer's city is its own
        (4, 2, ()),  # the field moves no score
        (1, 0, ()),
        (3, 0, ()),
    ):
        account = row.copy()
        account[place] = code
        assert gaps.terms_of(int(gaps.kinds(account[None])[0])) == wanted, (place, code)
    both = np.array([[12, 6, 3, 1, 1]], dtype=np.uint16)
    assert set(gaps.terms_of(int(gaps.kinds(both)[0]))) == {0, 1}


def test_two_common_values_that_no_customer_shows_together_are_outside():
    codes = make_customers()
    small_in_a = (codes[:, 0] < 6) & (codes[:, 1] == 3)
    assert small_in_a.sum() > 60
    gone = codes[~small_in_a]
    gaps = fit_gaps(tables_of(gone), gone)
    region = codes[small_in_a & (codes[:, 0] > 0)]
    kinds = gaps.kinds(region)
    assert (kinds < 0).all()
    assert {gaps.terms_of(int(kind)) for kind in kinds} == {(0, 1)}
    assert (gaps.kinds(gone) == 0).all()
    fresh = make_customers(5000, 9)
    fresh = fresh[~((fresh[:, 0] < 6) & (fresh[:, 1] == 3))]
    assert (gaps.kinds(fresh) != 0).mean() < 0.02


def test_neither_the_order_of_the_customers_nor_the_batch_matters():
    codes = make_customers()
    codes = codes[~((codes[:, 0] < 6) & (codes[:, 1] == 3))]
    order = np.random.default_rng(3).permutation(len(codes))
    one, other = (fit_gaps(tables_of(codes), rows).to_arrays() for rows in (codes, codes[order]))
    assert all((one[name] == other[name]).all() for name in one)
    gaps = fit_gaps(tables_of(codes), codes)
    fresh = make_customers(300, 5)
    whole = gaps.kinds(fresh).tolist()
    assert [int(gaps.kinds(fresh[i : i + 1])[0]) for i in range(300)] == whole
    assert any(whole)


def test_without_customers_nothing_is_outside():
    gaps = fit_gaps(tables_of(make_customers(3)), make_customers(0))
    assert (gaps.kinds(make_customers(20)) == 0).all()


def test_few_customers_say_little():
    for n in (1, 2, 25):
        codes = make_customers(n)
        gaps = fit_gaps(tables_of(codes), codes)
        assert gaps.together == ()
        assert len(gaps.alone) <= 2


def test_gaps_are_saved_and_read_back():
    codes = make_customers()
    codes = codes[~((codes[:, 0] < 6) & (codes[:, 1] == 3))]
    gaps = fit_gaps(tables_of(codes), codes)
    again = Gaps.from_arrays(gaps.to_arrays(), ENCODING.terms)
    fresh = make_customers(3000, 6)
    fresh[:50, 0] = 12
    assert again.kinds(fresh).tolist() == gaps.kinds(fresh).tolist()
    assert {(g.first, g.second) for g in again.together} == {(0, 1)}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"alone": np.array([[0, 13]])}, "does not fit the model's 5 terms"),
        ({"alone": np.array([[0, 0]])}, "does not fit"),
        ({"alone": np.array([[-1, 1]])}, "does not fit"),
        ({"alone": np.array([1])}, "does not fit"),
        ({"alone": np.array([[0.0, 1.0]])}, "does not fit"),
        ({"together": np.array([[1, 0]])}, "does not fit"),
        ({"together": np.array([[0, 5]])}, "does not fit"),
        ({"together": np.array([[0, 1]] * 300)}, "does not fit"),
        ({"cells": np.zeros(3, np.uint8)}, "'cells' holds 3 bytes for 91 pairs of codes"),
        ({"cells": np.zeros(12)}, "does not fit"),
    ],
)
def test_hostile_gaps_are_refused(change, match):
    cells = np.zeros((SIZES[0], SIZES[1]), dtype=bool)
    stored = Gaps({0: np.arange(13) == 1}, (Gap(0, 1, cells),)).to_arrays()
    assert Gaps.from_arrays(stored, ENCODING.terms).alone[0][1]
    with pytest.raises(ModelFormatError, match=match):
        Gaps.from_arrays(stored | change, ENCODING.terms)
    with pytest.raises(ModelFormatError, match="'cells' is missing"):
        Gaps.from_arrays({name: array for name, array in stored.items() if name != "cells"}, ENCODING.terms)


def test_the_bounds_of_a_number_follow_how_thinly_its_ends_are_populated():
    rng = np.random.default_rng(0)
    whole = np.round(np.exp(rng.normal(5, 1.2, 1500)))
    cut = fit_numeric(whole[whole <= 1000], max_bins=25, form="count")
    assert 1000 < cut[-1] < 1150  # nobody is beyond a thousand, though many come near
    free = fit_numeric(whole, max_bins=25, form="count")
    assert whole.max() * 1.15 < free[-1] <= 2 * whole.max() + 1
    # Bands, counts with many zeros and dates say nothing of how they go on.
    bands = rng.choice([30.0, 120.0, 2236.0], 500)
    assert fit_numeric(bands, max_bins=25, form="count")[-1] == pytest.approx(2 * 2236)
    assert fit_numeric(whole[whole <= 1000], max_bins=25, form="date")[-1] == pytest.approx(
        2 * whole[whole <= 1000].max()
    )
    some = np.append(np.zeros(300), whole[whole <= 1000])
    assert fit_numeric(some, max_bins=25, form="count")[0] == -1e-9
    assert replace(ENCODING.fields[0], edges=cut).sizes == [len(cut) + 2]
