from __future__ import annotations

import json
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp_ml.estimator.bins import (
    fit_codes,
    fit_numeric,
    fit_values,
    fit_vocabulary,
    roundest,
    roundest_days,
    without_rare,
)
from icp_ml.estimator.encoding import (
    FEW_ROWS,
    MANY_EDGES,
    MAX_VALUES,
    Encoding,
    FieldEncoding,
    numeric_codes,
    numeric_values,
)
from icp_ml.exceptions import InputError

FINITE = st.floats(-1e12, 1e12, allow_nan=False).map(lambda x: float(f"{x:.6g}"))


def numeric(edges, form="number"):
    return FieldEncoding("x", "numeric", form, "x", edges=np.asarray(edges, dtype=float))


def codes_of(enc, array, as_of=None):
    return Encoding((enc,)).encode({enc.field: array}, len(array), as_of)[:, 0].tolist()


# edges -----------------------------------------------------------------------------------------


@given(FINITE, FINITE)
def test_roundest_stays_within_its_bounds(a, b):
    low, high = min(a, b), max(a, b)
    assert low <= roundest(low, high) <= high


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_roundest_of_whole_numbers_is_whole(low, width):
    found = roundest(low, low + width * 0.999, whole=True)
    assert found == int(found)
    assert low <= found < low + width


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(97.3, 104.2, 100), (480, 530, 500), (-104.2, -97.3, -100), (-1, 1, 0), (0.0231, 0.027, 0.025), (7, 7, 7)],
)
def test_roundest_is_what_a_person_would_say(low, high, expected):
    assert roundest(low, high) == expected


@given(st.lists(FINITE, min_size=1, max_size=200), st.integers(2, 30))
def test_edges_ascend_and_hold_every_customer(values, max_bins):
    edges = fit_numeric(np.array(values), max_bins=max_bins)
    assert (np.diff(edges) > 0).all()
    codes = np.array(codes_of(numeric(edges), pa.array(values)))
    assert codes.min() >= 2
    assert codes.max() <= len(edges)
    assert len(edges) - 1 <= max_bins


@pytest.mark.parametrize("value", [-1e10, -5.0, 0.0, 7.0, 1e305])
def test_a_single_value_is_inside_its_guards(value):
    enc = numeric(fit_numeric(np.full(3, value), max_bins=5))
    assert codes_of(enc, pa.array([value])) == [2]
    assert enc.sizes == [4]


def test_many_values_are_cut_at_round_numbers_near_the_quantiles():
    values = np.exp(np.random.default_rng(0).normal(5, 1, 5000))
    edges = fit_numeric(values, max_bins=10)
    inner = edges[1:-1]
    assert len(inner) == 9
    assert all(float(f"{e:.2g}") == e for e in inner)
    shares = np.diff([0, *np.searchsorted(np.sort(values), inner) / 5000, 1])
    assert shares.min() > 0.05
    assert shares.max() < 0.15


def test_edges_ignore_missing_and_infinite_values():
    clean = np.array([1.0, 2.0, 3.0])
    assert (
        fit_numeric(np.array([1, np.nan, 2, np.inf, 3, -np.inf]), max_bins=5).tolist()
        == fit_numeric(clean, max_bins=5).tolist()
    )
    assert fit_numeric(np.array([np.nan]), max_bins=5).tolist() == [-1, 1]


def test_codes_of_numbers():
    enc = numeric([0, 10, 20, 40])
    values = [None, -1, 0, 0.001, 10, 10.001, 40, 40.1, float("inf"), float("-inf")]
    # an upper edge belongs to its bin; the guards' outside has codes of its own
    assert codes_of(enc, pa.array(values)) == [0, 1, 1, 2, 2, 3, 4, 5, 5, 1]


def test_whole_counts_far_from_customers_are_out_of_range():
    enc = numeric(fit_numeric(np.array([10.0, 20, 30]), max_bins=5))
    assert codes_of(enc, pa.array([4.0, 10.0, 30.0, 61.0])) == [1, 2, 4, 5]


# dates -----------------------------------------------------------------------------------------


def test_dates_are_ages_and_future_dates_are_missing():
    moments = [datetime(2026, 9, 30), datetime(2026, 10, 1, 23), datetime(2026, 10, 2), datetime(2025, 10, 1), None]
    ages = numeric_values(pa.array(moments, pa.timestamp("s")), date(2026, 10, 1))
    assert ages[[0, 1, 3]].tolist() == [1, 0, 365]
    assert np.isnan(ages[[2, 4]]).all()


def test_dates_without_a_day_to_measure_from_are_missing():
    assert np.isnan(numeric_values(pa.array([datetime(2020, 1, 1)], pa.timestamp("s")), None)).all()


def test_dates_before_1970():
    ages = numeric_values(pa.array([datetime(1969, 12, 31)], pa.timestamp("s")), date(1970, 1, 1))
    assert ages.tolist() == [1]


# categories, booleans, tokens ------------------------------------------------------------------


def test_codes_of_categories_in_any_arrow_form():
    enc = FieldEncoding("x", "category", values=("a", "b"), spellings=("A", "B"), rare=("r",))
    plain = pa.array(["b", "a", None, "r", "new"])
    for array in (plain, plain.dictionary_encode(), pa.chunked_array([plain[:2], plain[2:]])):
        assert codes_of(enc, array) == [4, 3, 0, 2, 1]
    assert codes_of(enc, pa.array([None, None], pa.string()).dictionary_encode()) == [0, 0]
    assert codes_of(enc, plain.dictionary_encode()[1:3]) == [3, 0]


def test_codes_of_booleans():
    assert codes_of(FieldEncoding("x", "boolean"), pa.array([True, False, None])) == [2, 1, 0]


def test_a_missing_token_set_is_not_an_absent_token():
    enc = FieldEncoding("t", "tokens", values=("a", "b"), spellings=("A", "B"))
    array = pa.array([["b"], [], None, ["x", None, "a", "b"], ["x"]], pa.list_(pa.string()))
    expected = [[1, 2], [1, 1], [0, 0], [2, 2], [1, 1]]
    encoding = Encoding((enc,))
    assert [t.name for t in encoding.terms] == ["t=a", "t=b"]
    assert encoding.encode({"t": array}, 5).tolist() == expected
    for begin in range(5):  # slices share the buffers of the whole
        assert encoding.encode({"t": array[begin:]}, 5 - begin).tolist() == expected[begin:]
    assert encoding.encode({"t": pa.chunked_array([array[:2], array[2:]])}, 5).tolist() == expected
    assert encoding.encode({"t": pa.array([None], pa.list_(pa.string()))}, 1).tolist() == [[0, 0]]


def test_a_null_that_hides_values_counts_as_missing():
    hidden = pa.ListArray.from_arrays([0, 1, 2], pa.array(["a", "b"]), mask=pa.array([True, False]))
    enc = FieldEncoding("t", "tokens", values=("a", "b"), spellings=("A", "B"))
    assert Encoding((enc,)).encode({"t": hidden}, 2).tolist() == [[0, 0], [1, 2]]


def test_a_field_that_is_not_there_is_missing_and_batches_do_not_matter():
    encoding = Encoding((numeric([0, 1, 2]), FieldEncoding("c", "category", values=("a",), spellings=("a",))))
    columns = {"x": pa.array([0.5, 1.5, None, 3.0]), "c": pa.array(["a", "z", None, "a"])}
    whole = encoding.encode(columns, 4)
    parts = [encoding.encode({k: v[i : i + 1] for k, v in columns.items()}, 1) for i in range(4)]
    assert whole.tolist() == np.concatenate(parts).tolist()
    assert encoding.encode({}, 3).tolist() == [[0, 0]] * 3
    assert encoding.encode({}, 0).shape == (0, 2)


def test_values_below_the_count_are_rare():
    kept, rare = fit_values(["b"] * 3 + ["a"] * 3 + ["c", None, "c"], min_count=3)
    assert (kept, rare) == (("a", "b"), ("c",))


def test_the_commonest_values_are_kept_where_there_are_too_many():
    values = [f"v{i:05d}" for i in range(MAX_VALUES + 10)] * 2 + ["v04005"]
    kept, rare = fit_values(values, min_count=2)
    assert len(kept) == MAX_VALUES
    assert "v04005" in kept
    assert list(kept) == sorted(kept)
    assert len(rare) == 10


def test_vocabulary_needs_holders_and_lackers_among_rows_that_are_known():
    rows = [["everyone", "some", "some"]] * 4 + [["everyone", "few"]] * 2 + [None] * 10
    array = pa.array(rows, pa.list_(pa.string()))
    assert fit_vocabulary(array, min_count=2, max_tokens=10) == ("few", "some")
    assert fit_vocabulary(array, min_count=2, max_tokens=1) == ("some",)
    assert fit_vocabulary(array, min_count=3, max_tokens=10) == ()


# saved -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "enc",
    [
        numeric([-1e-9, 0.1 + 0.2, 1e300], "money"),
        FieldEncoding("c", "category", "country", "c", "psychographic", np.empty(0), ("a", "ü"), ("A", "Ü"), ("r",)),
        FieldEncoding("t", "tokens", values=("a",), spellings=("A",)),
        FieldEncoding("b", "boolean", "boolean"),
    ],
)  # fmt: skip
def test_saved_and_read_back(enc):
    back = FieldEncoding.from_dict(json.loads(json.dumps(enc.to_dict())))
    assert back.to_dict() == enc.to_dict()
    assert back.edges.tolist() == enc.edges.tolist()
    assert back.sizes == enc.sizes


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"kind": "other"}, "unknown kind 'other'"),
        ({"edges": [1, 1]}, "ascending"),
        ({"edges": [1, float("nan")]}, "finite"),
        ({"edges": [1]}, "at least 2"),
        ({"edges": [[1, 2]]}, "edges"),
        ({"values": ["a", "a"]}, "unique"),
        ({"values": ["a", "b"], "spellings": ["A"]}, "one spelling each"),
    ],
)
def test_a_hostile_encoding_is_refused(change, match):
    with pytest.raises(InputError, match=match):
        FieldEncoding.from_dict(numeric([0, 1]).to_dict() | change)


# years and spans of time -----------------------------------------------------------------------


def test_a_year_read_as_an_age_moves_with_the_as_of_date():
    founded = pa.array([2014.0, 2026.0, 2027.0, None])
    ages = numeric_values(founded, date(2026, 10, 1), "age")
    np.testing.assert_array_equal(ages, [12, 0, np.nan, np.nan])  # of the future nobody knew
    np.testing.assert_array_equal(numeric_values(founded, date(2027, 1, 1), "age")[:3], [13, 1, 0])
    np.testing.assert_array_equal(numeric_values(founded, date(2026, 10, 1), "year")[:3], [2014, 2026, 2027])
    assert np.isnan(numeric_values(founded, None, "age")).all()
    enc = numeric([-1e-9, 5, 12, 60], "age")
    assert codes_of(enc, founded, date(2026, 10, 1)) == [3, 2, 0, 0]
    assert codes_of(enc, founded, date(2027, 10, 1)) == [4, 2, 2, 0]


@pytest.mark.parametrize(
    ("low", "high", "days"),
    [(80, 120, 91), (300, 500, 365), (130, 170, 152), (20, 40, 30), (5, 8, 7), (1000, 2000, 1826), (400, 420, 401)],
)
def test_spans_of_time_end_where_people_would_end_them(low, high, days):
    found = roundest_days(low, high)
    assert low <= found <= high
    assert abs(found - days) <= 15


@given(st.integers(0, 20_000), st.integers(0, 4_000))
def test_a_span_stays_within_its_bounds(low, width):
    assert low <= roundest_days(float(low), low + width * 0.999) <= low + width * 0.999 or width == 0


def test_ages_of_dates_are_cut_at_spans_people_name():
    days = np.arange(1.0, 2000.0)
    edges = fit_numeric(days, max_bins=8, form="date")
    assert set(edges.tolist()) >= {183.0, 548.0, 731.0}
    assert np.all(np.diff(edges) > 0)


def test_a_word_of_one_phrase_only_is_left_out():
    said = ["machine", "learning", "machine learning"]
    rows = [said] * 3 + [[*said, "good machine"]] * 5 + [["learning"]] * 8 + [["oven"]] * 8
    array = pa.array(rows, pa.list_(pa.string()))
    assert fit_vocabulary(array, min_count=5, max_tokens=9, phrases=True) == ("learning", "machine learning", "oven")
    assert fit_vocabulary(array, min_count=5, max_tokens=9) == (
        "good machine",
        "learning",
        "machine",
        "machine learning",
        "oven",
    )
    dictionary = pa.ListArray.from_arrays(array.offsets, array.values.dictionary_encode())
    assert fit_vocabulary(dictionary, min_count=5, max_tokens=1) == ("learning",)
    assert fit_vocabulary(pa.array([None, None], pa.list_(pa.string())), min_count=1, max_tokens=9) == ()


def test_rare_tokens_may_be_left_out_before_any_fit():
    rows = [["a", "b"], ["a"], None, ["b"], ["c"], [], ["a"]]
    array = pa.array(rows, pa.list_(pa.string()))
    assert without_rare(array, min_count=2).to_pylist() == [["a", "b"], ["a"], None, ["b"], [], [], ["a"]]
    assert without_rare(array.slice(2, 3), min_count=1).to_pylist() == [None, ["b"], ["c"]]


# industry codes --------------------------------------------------------------------------------


def test_industry_codes_stand_alone_where_enough_share_them_and_else_for_the_wider_one():
    codes = ["5415"] * 8 + ["5416"] * 3 + ["5411"] * 3 + ["3327"] * 4 + ["3331"] * 2 + ["x"] * 6 + ["y", "23", None]
    kept, rare = fit_codes(codes, min_count=5, system="naics")
    assert kept == ("31-33", "541", "5415", "x")
    assert rare == ("23", "y")
    enc = FieldEncoding("naics_code", "category", "naics", "NAICS code", values=kept, spellings=kept, rare=rare)
    found = codes_of(enc, pa.array(["5415", "5416", "541", "54", "3254", "31-33", "x", "y", "2361", "722", "z", None]))
    assert found == [5, 4, 4, 1, 3, 3, 6, 2, 2, 1, 1, 0]
    assert fit_codes(codes[::-1], min_count=5, system="naics") == (kept, rare)
    plain = FieldEncoding("naics_code", "category", "category", values=kept, spellings=kept, rare=rare)
    assert codes_of(plain, pa.array(["5416", "2361"])) == [1, 1]


@given(
    st.lists(st.floats(allow_infinity=True, allow_nan=True) | st.sampled_from([0.0, -0.0, 1.0, 2.5]), max_size=20),
    st.lists(st.floats(allow_infinity=False, allow_nan=False), min_size=2, max_size=MANY_EDGES + 20, unique=True),
)
@settings(max_examples=60, deadline=None)
def test_comparing_and_searching_give_the_same_codes(values, edges):
    ascending = np.unique(np.array(edges))
    few = np.array([*values, *ascending[:3]])
    many = np.tile(few, FEW_ROWS // len(few) + 1)
    wanted = [0 if np.isnan(v) else 1 + int((ascending < v).sum()) for v in few]
    assert numeric_codes(ascending, few).tolist() == wanted
    assert numeric_codes(ascending, many)[: len(few)].tolist() == wanted


def test_tokens_are_coded_alike_in_every_arrow_form():
    enc = FieldEncoding("t", "tokens", values=("a", "b", "c"), spellings=("a", "b", "c"))
    cells = [["a", "x"], None, [], ["c", "c", "b"], [None, "a"], ["x"]] * 200
    wanted = [[0, 0, 0] if c is None else [2 if v in c else 1 for v in "abc"] for c in cells]
    plain = pa.array(cells, pa.list_(pa.string()))
    flat = plain.flatten().dictionary_encode()
    coded = pa.ListArray.from_arrays(plain.offsets, flat, mask=plain.is_null())
    sliced = pa.array([["b"], *cells, ["a"]], pa.list_(pa.string())).slice(1, len(cells))
    for array in (plain, coded, sliced):
        assert Encoding((enc,)).encode({"t": array}, len(cells)).tolist() == wanted
    beside = FieldEncoding("u", "boolean")
    codes = Encoding((beside, enc, beside)).encode({"t": coded}, len(cells))
    assert codes[:, 1:4].tolist() == wanted
    assert not codes[:, [0, 4]].any()
