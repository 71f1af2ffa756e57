from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.scoring.look_up import chosen
from icp_ml.scoring.reason_columns import reason_columns
from icp_ml.scoring.reasons import SMALLEST, ReasonBook, as_shown
from icp_ml.scoring.strongest import pair_bounds, pair_sizes, reason_sizes, strongest, strongest_of_few

ENCODING = Encoding(
    (
        FieldEncoding("employees", "numeric", "count", "employees", edges=np.array([0.0, 125, 350, 600, 2000])),
        FieldEncoding(
            "industry", "category", label="industry", values=("retail", "software"), spellings=("Retail", "SaaS")
        ),
        FieldEncoding("technologies", "tokens", values=("snowflake",), spellings=("Snowflake",)),
        FieldEncoding("funded", "numeric", "date", "latest funding", edges=np.array([0.0, 365, 4000])),
    )
)
TABLES = ScoringTables(
    ENCODING,
    (
        np.array([0, -1, -1, 0.5, 0.8, -0.2, -0.2]), np.array([0, 0.3, 0.1, -0.6, 0.7]), np.array([0, -0.1, 0.9]),
        np.array([0, 0.2, 0.2, -0.4, -0.4]),
    ),
    tuple(np.zeros(t.size) for t in ENCODING.terms),
    -1.0, 0.0,
    (
        np.array([10, 0, 60, 20, 30, 80, 0.0]), np.array([0, 0, 4, 96, 100.0]), np.array([0, 150, 50.0]),
        np.array([100, 0, 99, 1, 0.0]),
    ),
    (
        np.array([2, 0, 6, 12, 18, 12, 0.0]), np.array([0, 0, 1, 10, 39.0]), np.array([0, 30, 20.0]),
        np.array([20, 0, 29, 1, 0.0]),
    ),
)  # fmt: skip
BOOK = ReasonBook(TABLES)  # 50 of 200 customers are best


@pytest.mark.parametrize(
    ("j", "code", "value", "expected"),
    [
        (0, 3, 240.0, "240 employees (126-600) raises fit: 60% of such customers are best, 25% of all"),
        (0, 4, 400.0, "400 employees (126-600) raises fit: 60% of such customers are best, 25% of all"),
        (0, 2, 12.0, "12 employees (up to 125) lowers fit: 10% of such customers are best, 25% of all"),
        (0, 6, 9000.0, "9,000 employees (above every customer) lowers fit, though no customer shows this"),
        (0, 1, 0.0, "0 employees (below every customer) lowers fit, though no customer shows this"),
        (0, 0, None, "Employees not known"),
        (1, 4, None, "Industry: SaaS raises fit: 39% of such customers are best, 25% of all"),
        (1, 3, None, "Industry: Retail lowers fit: 10% of such customers are best, 25% of all"),
        (1, 1, None, "Industry: a value no customer has raises fit as rare values do, though only 4 customers show"),
        (1, 2, None, "Industry: a rare value raises fit, though only 4 customers show this"),
        (2, 2, None, "Uses Snowflake raises fit: 40% of such customers are best, 25% of all"),
        (2, 1, None, "Does not use Snowflake lowers fit: 20% of such customers are best, 25% of all"),
        (3, 2, 90.0, "Latest funding 3 months ago (in the last 12 months) raises fit: 29% of such customers"),
        (3, 3, 800.0, "Latest funding 2 years ago (12 months ago or earlier) lowers fit, though only 1 customer shows"),
    ],
)  # fmt: skip
def test_sentences(j, code, value, expected):
    assert BOOK.sentence(j, code, value).startswith(expected)


def test_the_direction_is_the_contribution_s_own():
    for j, table in enumerate(TABLES.values):
        for code, contribution in enumerate(table):
            verb = "raises fit" if contribution > 0 else "lowers fit"
            assert verb in BOOK.evidence(j, code)


def test_a_rate_is_quoted_only_where_it_speaks_the_same_way():
    turned = ReasonBook(replace(TABLES, values=(*TABLES.values[:2], -TABLES.values[2], TABLES.values[3])))
    assert turned.evidence(2, 2) == "lowers fit, other fields being equal"
    assert turned.evidence(2, 1) == "raises fit, other fields being equal"


def test_a_rate_that_reads_like_everyone_s_is_no_evidence():
    best = (*TABLES.best[:2], np.array([0, 37, 12.6]), TABLES.best[3])
    book = ReasonBook(replace(TABLES, best=best))
    assert book.evidence(2, 2) == "raises fit, other fields being equal"


def test_neighbouring_codes_that_speak_alike_share_their_evidence():
    assert BOOK.span(0, 3) == BOOK.span(0, 4) == (3, 4)
    assert BOOK.span(0, 2) == (2, 2)
    assert BOOK.span(0, 6) == (6, 6)
    assert BOOK.span(1, 4) == (4, 4)


def test_few_sentences_serve_many_values_and_each_row_gets_its_own():
    codes = np.array([[3, 0, 0, 0], [3, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0]], dtype=np.uint16)
    own = {"employees": np.array([240.0, 240.4, 12.0, np.nan, 241.0])}
    column = columns(BOOK, codes, own, 1, np.zeros(5, bool))["reason_1"]
    shown = column.to_pylist()
    assert shown[0] == shown[1]
    assert shown[0].startswith("240 employees")
    assert shown[2].startswith("12 employees")
    assert shown[3] is None  # that it is not known says nothing here
    assert shown[4].startswith("241 employees")
    assert len(column.dictionary) == 3


def columns(book, codes, own, k, without):
    return reason_columns(book, chosen(book, codes, k), own, k, without)


def test_values_as_shown():
    assert as_shown(np.array([1234.0, 123456.0, np.nan, 0.0]), "count").tolist() == [1234, 123000, 0, 0]
    assert as_shown(np.array([0.123456, -123456.0]), "money") == pytest.approx([0.123, -123000])
    assert as_shown(np.array([2015.2]), "year").tolist() == [2015]


# the strongest ---------------------------------------------------------------------------------


def many_terms(seed, fields=60, levels=4):
    """Values on a coarse grid, so that ties are common."""
    rng = np.random.default_rng(seed)
    tokens = tuple(f"t{i}" for i in range(fields // 2))
    encoding = Encoding(
        (
            *(FieldEncoding(f"b{i}", "boolean") for i in range(fields // 2)),
            FieldEncoding("t", "tokens", values=tokens, spellings=tokens),
        )
    )
    values = tuple(rng.integers(-levels, levels + 1, t.size) * 0.25 * rng.choice([1, 0.2]) for t in encoding.terms)
    ones = tuple(np.ones(t.size) for t in encoding.terms)
    return ScoringTables(encoding, values, ones, 0.0, 0.0, ones, ones)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 5, 20, 99])
def test_the_strongest_are_those_of_a_full_sort(seed, k):
    tables = many_terms(seed)
    codes = np.random.default_rng(seed).integers(0, 3, (80, len(tables.terms))).astype(np.uint16)
    sizes = reason_sizes(tables)
    size = np.abs(tables.contributions(codes))
    tokens = np.array([t.encoding.kind == "tokens" for t in tables.terms])
    size = size * np.where(tokens & (codes == 1), 0.5, 1.0)  # absent tokens count for half
    expected = np.argsort(-size, axis=1, kind="stable")[:, :k]
    found = strongest(sizes, codes, k)
    assert found.tolist() == expected.tolist()
    alone = [strongest(sizes, codes[i : i + 1], k)[0].tolist() for i in range(10)]
    assert alone == found[:10].tolist()
    book = ReasonBook(tables)
    few = strongest_of_few(book.all_sizes, book.starts, codes[:10], k, {})
    assert few.tolist() == found[:10].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_the_strongest_are_those_of_a_full_sort_pairs_included(seed):
    tables = many_terms(seed)
    rng = np.random.default_rng(seed)
    count = len(tables.terms)
    chosen = sorted({(min(a, b), max(a, b)) for a, b in rng.integers(0, count, (8, 2)).tolist() if a != b})
    pairs = tuple(PairTable(a, b, rng.integers(-9, 9, (3, 3)) * 0.25, np.zeros((3, 3))) for a, b in chosen)
    tables = replace(tables, pairs=pairs)
    codes = rng.integers(0, 3, (80, count)).astype(np.uint16)
    tokens = np.array([t.encoding.kind == "tokens" for t in tables.terms])
    size = np.abs(tables.contributions(codes)) * np.where(tokens & (codes == 1), 0.5, 1.0)
    expected = np.argsort(-size, axis=1, kind="stable")[:, :5]
    paired = pair_sizes(tables, codes, tables.halves(codes))
    assert strongest(reason_sizes(tables), codes, 5, paired, pair_bounds(tables)).tolist() == expected.tolist()
    book = ReasonBook(tables)
    assert strongest_of_few(book.all_sizes, book.starts, codes, 5, paired).tolist() == expected.tolist()


def test_a_reason_names_the_other_field_where_the_pair_says_more():
    values = np.zeros((7, 5))
    values[4, 3:] = -3.0, 1.0  # 350 to 600 employees: against retail, for software
    book = ReasonBook(replace(TABLES, pairs=(PairTable(0, 1, values, np.zeros((7, 5))),)))
    codes = np.array([[4, 3, 1, 0], [4, 4, 1, 0], [5, 4, 1, 0]], dtype=np.uint16)
    own = {"employees": np.array([400.0, 400, 700])}
    told = {name: c.to_pylist() for name, c in columns(book, codes, own, 4, np.zeros(3, bool)).items()}
    said = [
        {told[f"reason_{i}_field"][row]: (told[f"reason_{i}_contribution"][row], told[f"reason_{i}"][row])
         for i in range(1, 5) if told[f"reason_{i}"][row]}
        for row in range(3)
    ]  # fmt: skip
    against, apart, alone = (row["employees"] for row in said)
    assert against == (pytest.approx(0.8 - 1.5), "400 employees (351-600) lowers fit together with industry")
    assert apart == (
        pytest.approx(0.8 + 0.5), "400 employees (126-600) raises fit: 60% of such customers are best, 25% of all"
    )  # fmt: skip
    assert alone == (pytest.approx(-0.2), BOOK.sentence(0, 5, 700.0))
    assert said[0]["industry"] == (pytest.approx(-2.1), "Industry: Retail lowers fit together with employees")
    assert apart[0] + said[1]["industry"][0] == pytest.approx(0.8 + 0.7 + 1.0)


def test_no_reasons_and_no_rows():
    codes = np.zeros((3, 4), dtype=np.uint16)
    assert strongest(reason_sizes(TABLES), codes, 0).shape == (3, 0)
    assert len(strongest(reason_sizes(TABLES), codes[:0], 2)) == 0


# columns ---------------------------------------------------------------------------------------


def columns_of(codes, values, k=3, without=None):
    codes = np.array(codes, dtype=np.uint16)
    without = np.zeros(len(codes), dtype=bool) if without is None else np.array(without)
    found = columns(BOOK, codes, values, k, without)
    return {name: column.to_pylist() for name, column in found.items()}


def test_reason_columns():
    own = {"employees": np.array([12.0, np.nan]), "funded": np.array([np.nan, 30.0])}
    found = columns_of([[2, 0, 2, 0], [0, 3, 1, 2]], own)
    assert found["reason_1_field"] == ["employees", "industry"]
    assert found["reason_1_contribution"] == [-1, -0.6]
    assert found["reason_1"][0].startswith("12 employees (up to 125) lowers fit")
    assert found["reason_2_field"] == ["technologies", "funded"]
    assert found["reason_2"][1].startswith("Latest funding 1 month ago")
    assert found["reason_3"] == [None, found["reason_3"][1]]  # the rest of the first row says nothing
    assert found["reason_3_field"][0] is None
    assert found["reason_3_contribution"][0] is None


def test_reasons_in_the_columns_agree_with_their_contribution():
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, t.size, 300) for t in TABLES.terms])
    found = columns_of(codes, {"employees": rng.uniform(1, 3000, 300)}, k=4)
    for i in range(1, 5):
        for text, contribution in zip(found[f"reason_{i}"], found[f"reason_{i}_contribution"], strict=True):
            assert (text is None) == (contribution is None)
            if text is not None:
                assert abs(contribution) >= SMALLEST
                assert ("raises" in text) == (contribution > 0)


def test_rows_that_are_not_scored_have_no_reasons():
    found = columns_of([[2, 3, 2, 2], [2, 3, 2, 2]], {}, without=[True, False])
    assert found["reason_1"][0] is None
    assert found["reason_1"][1] is not None


def test_more_reasons_than_terms_are_empty():
    found = columns_of([[2, 3, 2, 2]], {}, k=6)
    assert found["reason_4"][0] is not None
    assert found["reason_5"] == found["reason_6"] == [None]
    assert found["reason_6_contribution"] == [None]


def test_no_rows():
    found = columns_of(np.zeros((0, 4)), {}, k=2)
    assert all(v == [] for v in found.values())
    assert list(found) == [f"reason_{i}{s}" for i in (1, 2) for s in ("", "_field", "_contribution")]


def test_sentences_that_read_alike_are_one_entry_of_the_dictionary():
    codes = np.array([[0, 0, 0, 2], [0, 0, 0, 2], [0, 0, 0, 2]], dtype=np.uint16)
    own = {"funded": np.array([300.0, 301.0, 90.0])}  # 10 months ago, twice
    column = columns(BOOK, codes, own, 1, np.zeros(3, dtype=bool))["reason_1"]
    assert len(column.dictionary) == len(column.dictionary.unique())
    assert column.to_pylist()[0] == column.to_pylist()[1] != column.to_pylist()[2]
