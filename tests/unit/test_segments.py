"""Segments: found where customers are of two kinds and not where they are of one, and every row scored by its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.fitting import FieldSpec, FitParams, FittedTables, fit_tables
from icp_ml.estimator.own_segments import OwnSegments, own_sides, with_cuts
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.segment_search import paired_gain
from icp_ml.estimator.segment_tables import SegmentRule, assign, leaves, read_rules, rule_words, within
from icp_ml.exceptions import ModelFormatError, SettingsError

QUICK = BoostingParams(bags=2, folds=3, max_rounds=40, learning_rate=0.3)
SPECS = [
    FieldSpec("size", "numeric", "count", "employees"),
    FieldSpec("age", "numeric", "number"),
    FieldSpec("cloud", "boolean", "boolean"),
    FieldSpec("onsite", "boolean", "boolean"),
    FieldSpec("industry", "category", "category"),
    FieldSpec("tools", "tokens", "token_set", "tools"),
]
INDUSTRIES = np.array(["care", "energy", "retail", "software", "travel"])


def customers(two: bool, n: int = 1800, seed: int = 0) -> tuple[dict[str, pa.Array], np.ndarray]:
    """Customers to whom the same fields mean the opposite above 150 employees, or the same everywhere."""
    rng = np.random.default_rng(seed)
    size = np.round(np.exp(rng.normal(5, 1.1, n)))
    cloud, onsite = rng.random(n) < 0.5, rng.random(n) < 0.4
    industry, age = rng.integers(0, 5, n), rng.normal(10, 4, n)
    tools = [[f"tool {k}" for k in range(12) if rng.random() < 0.2] for _ in range(n)]
    turned = np.where(two & (size > 150), -1.0, 1.0)
    z = turned * (1.6 * cloud - 1.4 * onsite + 1.2 * (industry < 2) + 0.15 * (age - 10)) - 0.8 * (1 - turned) / 2 - 0.9
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)
    unknown = rng.random(n) < 0.05
    columns = {
        "size": pa.array(np.where(unknown, np.nan, size), mask=unknown),
        "age": pa.array(age),
        "cloud": pa.array(cloud),
        "onsite": pa.array(onsite),
        "industry": pa.array(INDUSTRIES[industry].tolist()),
        "tools": pa.array(tools, type=pa.list_(pa.string())),
    }
    return columns, y


def fit(two: bool, *, order: np.ndarray | None = None, n_jobs: int | None = 1, **params: object) -> FittedTables:
    columns, y = customers(two)
    if order is not None:
        columns, y = {name: array.take(pa.array(order)) for name, array in columns.items()}, y[order]
    asked = {"boosting": QUICK, "segments": "auto", "max_pairs": 1, **params}
    return fit_tables(columns, SPECS, y, params=FitParams(**asked), n_jobs=n_jobs)  # type: ignore[arg-type]


@cache
def fitted_two() -> FittedTables:
    return fit(True)


def test_two_kinds_of_customers_are_two_segments_at_about_the_planted_size():
    found = fitted_two()
    tables = found.tables
    assert len(leaves(tables.rules)) == 2
    assert {tables.terms[rule.term].name for rule in tables.rules} == {"size"}
    low, high = sorted(tables.rules, key=lambda rule: min(rule.codes))
    edge = tables.terms[low.term].encoding.edges[max(low.codes) - 1]
    assert 120 <= edge <= 190
    assert low.name == f"up to {edge:.0f} employees"
    assert high.name == f"{edge + 1:.0f} or more employees"
    cloud = [term.name for term in tables.terms].index("cloud")
    signs = [np.sign(tables.tables_of(k).values[cloud][2] - tables.tables_of(k).values[cloud][1]) for k in (0, 1)]
    assert signs == ([1, -1] if tables.rules[0] == low else [-1, 1])
    assert "customers held out are predicted better than with one set of tables" in found.division.sentences[0]


def test_one_kind_of_customers_is_one_profile_with_the_reason():
    found = fit(False)
    assert found.tables.segments == ()
    assert found.division.segments == ()
    assert found.division.sentences[0].startswith("one profile for all: ")
    assert np.array_equal(fit(False, segments="never").out_of_bag, found.out_of_bag)


def test_a_pair_of_fields_that_depend_on_each_other_is_a_pair_and_no_segment():
    columns, _ = customers(False)
    cloud, onsite = (np.array(columns[name]) for name in ("cloud", "onsite"))
    rng = np.random.default_rng(5)
    y = (rng.random(len(cloud)) < np.where(cloud ^ onsite, 0.6, 0.2)).astype(float)
    found = fit_tables(columns, SPECS, y, params=FitParams(boosting=QUICK, segments="auto", max_pairs=5), n_jobs=1)
    assert found.tables.segments == ()
    first = found.tables.pairs[0]
    assert {found.tables.terms[j].name for j in (first.first, first.second)} == {"cloud", "onsite"}


def test_contributions_and_base_are_the_log_odds_of_every_row_and_held_out_ones_are_calibrated():
    columns, y = customers(True)
    found = fitted_two()
    codes = found.tables.encode(columns, len(y))
    log_odds = found.tables.log_odds(codes)
    total = found.tables.contributions(codes).sum(axis=1) + found.tables.bases(codes)
    assert np.abs(total - log_odds).max() < 1e-9
    for number, rows in ((k, found.tables.segment_of(codes) == k) for k in (-1, 0, 1)):
        own = found.tables.tables_of(number)
        assert rows.any()
        assert np.array_equal(own.log_odds(codes[rows]), log_odds[rows])
        assert np.array_equal(own.standard_error(codes[rows]), found.tables.standard_error(codes)[rows])
    chance = 1 / (1 + np.exp(-found.out_of_bag))
    for k in (0, 1):
        there = found.tables.segment_of(codes) == k
        assert chance[there].mean() == pytest.approx(y[there].mean(), abs=0.02)


def test_neither_the_order_of_rows_nor_the_number_of_jobs_changes_a_bit():
    order = np.random.default_rng(1).permutation(1800)
    again = fit(True, order=order, n_jobs=2)
    arrays = fitted_two().tables.to_arrays()
    assert {name for name in arrays if name.startswith("segment_1_")}
    assert all(np.array_equal(array, again.tables.to_arrays()[name]) for name, array in arrays.items())
    assert np.array_equal(again.out_of_bag, fitted_two().out_of_bag[order])


def test_segments_share_one_encoding_where_tokens_are_taken_by_every_fit():
    found = fit(True, max_tokens=6)
    tables = found.tables
    assert len(leaves(tables.rules)) == 2
    assert len(found.wide) == 1
    names = [term.name for term in tables.terms]
    assert all([term.name for term in segment.tables.terms] == names for segment in tables.segments)
    columns, y = customers(True)
    codes = tables.encode(columns, len(y))
    assert np.abs(tables.contributions(codes).sum(axis=1) + tables.bases(codes) - tables.log_odds(codes)).max() < 1e-9


def test_an_adjusted_field_is_held_in_every_segment_and_cuts_none():
    columns, y = customers(True)
    specs = [replace(spec, adjust=spec.name == "size") for spec in SPECS]
    params = FitParams(boosting=QUICK, segments="auto", max_pairs=1)
    found = fit_tables(columns, specs, y, params=params, n_jobs=1)
    assert "size" not in found.tables.fields
    assert all("size" not in segment.tables.fields for segment in found.tables.segments)
    asked = replace(params, segments=OwnSegments("industry", groups=(("retail", "Travel"),)))
    own = fit_tables(columns, specs, y, params=asked, n_jobs=1).tables
    assert [rule.name for rule in own.rules] == ["industry: retail or travel", "industry: others than retail or travel"]
    assert all("size" not in segment.tables.fields for segment in own.segments)


def test_a_persons_own_rule_is_followed_whether_or_not_it_tells_more():
    tables = fit(False, segments=OwnSegments("size", at=(77.0, 300.0))).tables
    assert [rule.name for rule in tables.rules] == ["up to 77 employees", "78-300 employees", "301 or more employees"]
    size = tables.encoding.fields[[enc.field for enc in tables.encoding.fields].index("size")]
    assert {77.0, 300.0} <= set(size.edges)
    codes = tables.encode({"size": pa.array([77.0, 78.0, 300.0, 301.0, 1e7, None])}, 6)
    assert tables.segment_of(codes).tolist() == [0, 1, 1, 2, 2, -1]


ENCODING = Encoding((
    FieldEncoding("size", "numeric", "count", "employees", edges=np.array([-1e-9, 100, 200, 900.0])),
    FieldEncoding("founded", "numeric", "age", "founded", edges=np.array([-1e-9, 5, 10, 50.0])),
    FieldEncoding("raised", "numeric", "date", "raised", edges=np.array([-1e-9, 5, 10, 50.0])),
    FieldEncoding("area", "category", "category", "area", values=("n", "s", "w"), spellings=("North", "South", "West")),
    FieldEncoding("api", "boolean", "boolean", "API"),
    FieldEncoding("technologies", "tokens", "token_set", "tech", values=("aws", "sap"), spellings=("AWS", "SAP")),
))  # fmt: skip


def test_own_rules_in_each_kind_of_field():
    terms = ENCODING.terms
    assert own_sides(OwnSegments("size", (100.0,)), terms) == (0, [(1, 2), (3, 4, 5)])
    assert own_sides(OwnSegments("area", groups=(("North",), ("w",))), terms) == (3, [(3,), (5,), (1, 2, 4)])
    assert own_sides(OwnSegments("api", groups=(("yes",),)), terms) == (4, [(1,), (2,)])
    assert own_sides(OwnSegments("technologies", groups=(("SAP",),)), terms) == (6, [(2,), (1,)])
    edges = with_cuts(ENCODING.fields[1].edges, OwnSegments("founded", (2015.0,)), "founded", "age", date(2026, 1, 1))
    assert edges.tolist() == [-1e-9, 5, 10, 50]  # founded in 2016 or later is an age of up to 10
    assert with_cuts(edges, OwnSegments("size", (7.0,)), "founded", "number", None) is edges
    assert rule_words(terms[3], (1, 2, 4)) == "area: others than North or West"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (OwnSegments("sector", (1.0,)), "'sector', which is no field of the model; those are size, founded"),
        (OwnSegments("area", (1.0,)), "'area' is cut by `groups` of values"),
        (OwnSegments("size", groups=(("a",),)), "'size' is cut by `at` with numbers"),
        (OwnSegments("raised", (2.0,)), "'raised' is a date, which cannot be cut"),
        (OwnSegments("area", groups=(("East",),)), "'East' is no value of 'area' that enough customers have; North, S"),
        (OwnSegments("technologies", groups=(("aws", "sap"),)), "give one group of one token"),
    ],
)
def test_own_rules_that_cannot_be_followed(asked, message):
    with pytest.raises(SettingsError, match=message):
        own_sides(asked, ENCODING.terms)


RULES = (
    SegmentRule("small", -1, 0, (1, 2)),
    SegmentRule("large", -1, 0, (3, 4)),
    SegmentRule("large with an API", 1, 4, (2,)),
    SegmentRule("large without", 1, 4, (1,)),
)


def test_a_row_goes_as_far_as_it_is_known():
    codes = np.zeros((5, 7), dtype=np.uint16)
    codes[:, 0], codes[:, 4] = [0, 2, 3, 4, 3], [2, 2, 2, 1, 0]
    assert assign(RULES, codes).tolist() == [-1, 0, 2, 3, 1]
    assert [there.tolist() for there in within(RULES, codes)][1] == [False, False, True, True, True]
    assert leaves(RULES) == [0, 2, 3]
    assert assign((), codes).tolist() == [-1] * 5


def test_rules_are_read_as_written_and_hostile_ones_refused():
    written = [rule.to_dict(ENCODING.terms) for rule in RULES]
    assert read_rules(written, ENCODING.terms) == RULES
    first = written[0]
    for wrong, message in (
        ("x", "must be a list of at most 6"),
        ([first] * 7, "must be a list of at most 6"),
        ([1], "segment 0 is no rule"),
        ([{**first, "codes": "12"}], "segment 0 is no rule"),
        ([{**first, "term": "none"}], "segment 0 names a field"),
        ([{**first, "parent": 0}], "segment 0 names a field or a wider"),
        ([{**first, "parent": True}], "segment 0 names a field or a wider"),
        ([{**first, "parent": None}], "segment 0 names a field or a wider"),
        ([first, {**first, "term": "api", "codes": [1]}], "segment 1 names a field"),
        ([{**first, "codes": []}], "codes of segment 0 do not fit 'size'"),
        ([{**first, "codes": [0]}], "codes of segment 0 do not fit 'size'"),
        ([{**first, "codes": [99]}], "codes of segment 0 do not fit 'size'"),
        ([{**first, "codes": [1.5]}], "codes of segment 0 do not fit 'size'"),
        ([first, first], "codes of segment 1 do not fit 'size', or two segments share one"),
    ):
        with pytest.raises(ModelFormatError, match=message):
            read_rules(wrong, ENCODING.terms)


def test_tables_of_segments_are_saved_and_checked_as_the_others():
    tables = fitted_two().tables
    arrays = tables.to_arrays()
    again = ScoringTables.from_arrays(tables.encoding, arrays, None, tables.rules)
    codes = tables.encode(customers(True)[0], 1800)
    assert np.array_equal(again.log_odds(codes), tables.log_odds(codes))
    for wrong in ({k: v for k, v in arrays.items() if k != "segment_0_base"},
                  {**arrays, "segment_1_values": np.full_like(arrays["segment_1_values"], np.nan)}):  # fmt: skip
        with pytest.raises(ModelFormatError, match=r"'base' is missing|'values' does not fit the encoding"):
            ScoringTables.from_arrays(tables.encoding, wrong, None, tables.rules)
    twice = tables.scaled(2.0, 0.5)
    assert twice.log_odds(codes) == pytest.approx(2 * tables.log_odds(codes) + 0.5)


def test_a_gain_counts_a_group_as_one_observation():
    from icp_ml.estimator.rows import TrainingRows

    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.5).astype(float)
    alone = TrainingRows(np.zeros((400, 0), np.uint16), y, np.ones(400), np.arange(400), np.ones(400, bool))
    four = replace(alone, group=np.arange(400) // 4)
    after = np.where(y > 0, 0.5, -0.5) + rng.normal(0, 0.1, 400)
    gain, error = paired_gain(alone, np.zeros(400), after)
    assert gain == pytest.approx(np.log(2) - np.log1p(np.exp(-0.5)), abs=0.02)
    assert paired_gain(four, np.zeros(400), after)[0] == gain
    shared = np.repeat(after[::4] * np.sign(after[::4]) * np.where(y[::4] > 0, 1, -1), 4)
    same = replace(four, y=np.repeat(y[::4], 4))
    errors = paired_gain(same, np.zeros(400), shared)[1], paired_gain(
        replace(alone, y=same.y), np.zeros(400), shared)[1]  # fmt: skip
    assert errors[0] == pytest.approx(2 * errors[1], rel=0.02)
    assert error > 0


def test_the_choice_is_made_on_the_training_part_only():
    from icp_ml.evaluation.splits import Customers, fit_part

    columns, y = customers(True)
    n = len(y)
    params = FitParams(boosting=QUICK, segments="auto", max_pairs=1)
    train, held = np.arange(n - 300), np.arange(n - 300, n)

    def part_of(status: np.ndarray, columns: dict[str, pa.Array]) -> FittedTables:
        whole = Customers(columns, tuple(SPECS), (), status, np.arange(n), None, None, None, params, None)
        return fit_part(whole, train, params, 3)

    status = np.where(y > 0, "best", "worst")
    turned = status.copy()
    turned[held] = np.where(status[held] == "best", "worst", "best")
    order = np.concatenate([train, held[::-1]])
    one = part_of(status, columns)
    other = part_of(turned, {name: array.take(pa.array(order)) for name, array in columns.items()})
    assert one.tables.segments
    arrays = other.tables.to_arrays()
    assert all(np.array_equal(array, arrays[name]) for name, array in one.tables.to_arrays().items())


def test_a_segment_may_be_divided_once_more():
    columns, _ = customers(False, 2600, 1)
    size, cloud, onsite, industry, age = (np.array(columns[name].to_pylist()) for name in
                                          ("size", "cloud", "onsite", "industry", "age"))  # fmt: skip
    large = np.array([value is not None and value > 80 for value in size])
    energy = np.isin(industry, ["care", "energy"])
    z = np.where(energy, 2.2 * onsite - 0.4 * (age - 10), np.where(large, -2.2 * cloud + 0.4 * (age - 10), 2.2 * cloud))
    y = (np.random.default_rng(1).random(len(z)) < 1 / (1 + np.exp(1.2 - z))).astype(float)
    params = FitParams(boosting=QUICK, segments="auto", max_pairs=1)
    tables = fit_tables(columns, SPECS, y, params=params, n_jobs=1).tables
    assert len(leaves(tables.rules)) == 3
    assert {tables.terms[rule.term].name for rule in tables.rules} == {"size", "industry"}
    inner = [rule for rule in tables.rules if rule.parent >= 0]
    assert len(inner) == 2
    assert all(rule.name.startswith(f"{tables.rules[rule.parent].name}; ") for rule in inner)
    codes = tables.encode({"size": pa.array([500.0, None]), "industry": pa.array(["retail", None])}, 2)
    assert tables.segment_of(codes)[1] == -1
    assert tables.segment_of(codes)[0] in leaves(tables.rules)


def test_the_profile_says_of_each_segment_why_it_is_one():
    from icp_ml.segment_profiles import describe_segments

    columns, y = customers(True)
    found = fitted_two()
    codes = found.tables.encode(columns, len(y))
    status = np.where(y > 0, "best", "worst")
    parts = describe_segments(found, codes, status, seed=0, market_codes=codes[:100], signal=False)
    assert [part["name"] for part in parts] == [rule.name for rule in found.tables.rules]
    for number, part in enumerate(parts):
        there = found.tables.segment_of(codes) == number
        assert (part["customers"], part["best"]) == (there.sum(), y[there].sum())
        assert part["market_share"] == pytest.approx(there[:100].mean())
        assert part["why"].startswith("with tables of their own, customers held out are predicted better than with one")
        assert part["sentence"] == f"accounts with {part['name']}"
        assert part["traits"] == []
    assert describe_segments(fit(False, segments="never"), codes, status, seed=0) == ()
