"""Customers beside the list: fill, drift, and how different the two are."""

import numpy as np
import pyarrow as pa
import pytest

from icp_ml.accounts.guard.bands import band_ends
from icp_ml.accounts.guard.populations import apart, beside, by_list, drift
from tests.unit.test_guard import Customers, N, of


@pytest.mark.parametrize("listed", [True, False])
def test_bands_are_compared_with_exact_numbers_by_band(listed):
    rng = np.random.default_rng(2)
    here, there = (np.exp(rng.normal(4, 1.4, n)).round().clip(1) for n in (800, 3000))
    middles = np.array([5.5, 30.5, 125.5, 350.5, 750.5, 3000.5, 10_001.0])
    ends = [10, 50, 200, 500, 1000, 5000]
    exact, banded = (here, there) if listed else (there, here)
    banded = middles[np.searchsorted(ends, banded, side="left")]
    sides = (exact, banded) if listed else (banded, exact)
    pair = beside(*(pa.chunked_array([pa.array(side)]) for side in sides))
    assert pair.bands == ("list" if listed else "customers")
    assert drift(pair) < 0.02
    assert apart({"employees": pair}, 0).auc < 0.55
    larger = (exact * 20, banded) if listed else (banded, exact * 20)
    assert drift(beside(*(pa.chunked_array([pa.array(side)]) for side in larger))) > 1  # a real difference stays


def test_few_values_that_both_sides_have_are_no_bands():
    rng = np.random.default_rng(3)
    here, there = rng.poisson(2, 500).astype(float), rng.poisson(12, 2000).astype(float)
    pair = beside(pa.chunked_array([pa.array(here)]), pa.chunked_array([pa.array(there)]))
    assert pair.bands == ""
    assert pair.alike is pair.both
    assert drift(pair) > 1


def test_ends_of_bands():
    assert band_ends(np.array([5.5, 30.5, 125.5, 350.5, 10_001.0])).tolist() == [10, 50, 200, 500]
    assert band_ends(np.array([5e5, 5.5e6, 3e7, 7.5e7])).tolist() == pytest.approx([1e6, 1e7, 5e7], rel=1e-5)
    assert band_ends(np.array([50.0, 1e3, 6e4])).tolist() == [100, 10_000]  # of 100 to 10,000 the geometric mean
    by_ratio = band_ends(np.array([10.0, 100.0, 110.0]))  # no row of bands: half-way
    assert by_ratio.tolist() == pytest.approx([1000**0.5, 11_000**0.5])
    assert band_ends(np.array([-1.0, 3.0, 5.0])).tolist() == [1.0, 4.0]


def test_bands_are_said_of_the_column():
    world = Customers()
    listed = world.market()
    ends, middles = [10, 50, 200, 500], np.array([5.5, 30.5, 125.5, 350.5, 501.0])
    banded = middles[np.searchsorted(ends, np.asarray(listed["employees"]), side="left")]
    report = world.judge(listed.set_column(1, "employees", pa.array(banded)))
    assert of(report, "employees").flags == ("bands_list",)
    assert of(report, "employees").reasons == (
        "the list has it in bands, customers as exact numbers: the two are compared by band",
    )
    assert report.population_auc < 0.56


def test_filled_for_own_customers_only():
    world = Customers()
    world.add("col_1", world.rng.choice(["a", "b", "c"], N), "category")
    ids = [*world.columns["account_id"].to_pylist()[:200], *(f"m{i}" for i in range(2800))]
    values = pa.array([*("abca" * 50), *([None] * 2800)])
    listed = world.market().set_column(0, "account_id", pa.array(ids)).append_column("col_1", values)
    column = of(world.judge(listed), "col_1")
    assert column.verdict == "confirm"
    assert "7% of the list, and 100% of those are customers" in column.reasons[0]
    assert "coverage_gap" in column.flags


def test_kept_for_customers_only():
    world = Customers()
    world.add("col_1", world.rng.poisson(3, N).astype(float))
    column = of(world.judge(world.market(col_1=pa.array(np.zeros(3000)))), "col_1")
    assert column.verdict == "confirm"
    assert "100% of the list's values are the same" in column.reasons[0]


def test_a_token_that_nobody_on_the_list_has():
    rng = np.random.default_rng(4)
    here = pa.array([["crm", *(["ours"] if rng.random() < 0.4 else [])] for _ in range(500)])
    there = pa.array([["crm"] for _ in range(1000)])
    pair = beside(pa.chunked_array([here]), pa.chunked_array([there]))
    assert " of customers have 'ours', but 0.0% of the list" in by_list(pair, np.nan).reason
    assert drift(pair) > 1


def test_drift_and_difference_of_the_populations():
    world = Customers()
    same = world.judge(world.market())
    assert same.population_auc < 0.56
    assert of(same, "employees").drift < 0.05
    assert of(same, "employees").flags == ()
    larger = world.market()
    larger = larger.set_column(1, "employees", pa.array(np.asarray(larger["employees"]) * 9))
    other = world.judge(larger)
    assert other.population_auc > 0.85
    assert list(other.population_fields) == ["employees"]
    assert of(other, "employees").drift > 1
    assert "drifted" in of(other, "employees").flags
    assert "different populations" in other.notes[-1]
    assert world.judge().population_auc != world.judge().population_auc  # NaN without a list


def test_gaps_are_no_difference():
    world = Customers()
    listed = world.market()
    gone = np.random.default_rng(6).random(3000) < 0.5
    thin = pa.array([None if g else v for g, v in zip(gone, listed["employees"].to_pylist(), strict=True)])
    report = world.judge(listed.set_column(1, "employees", thin))
    assert report.population_auc < 0.56
    assert of(report, "employees").coverage_gap == pytest.approx(0.5, abs=0.03)
    assert report.neutralise == ["employees"]
