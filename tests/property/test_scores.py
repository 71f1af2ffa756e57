"""A score depends on the row and the model alone: not on the batch, the order, other columns or the index."""

from __future__ import annotations

import csv
import io
from functools import cache

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from icp_ml.engines.files import ScoreRequest, score_file
from icp_ml.schema import field_of_header
from tests.small_run import market, small_model

QUICK = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
ROWS = 60


@cache
def listed():
    """Rows of a purchased list, with a few that no vendor should write."""
    frame = market().head(ROWS)
    frame.loc[1, ["Employee Range", "Founded Year", "Revenue Range"]] = ["inf", "3024", "-$5M"]
    frame.loc[2] = ""
    frame.loc[2, "Company ID"] = "nothing known"
    frame.loc[3, ["Company Name", "Industry", "Technologies"]] = ['Müller "&" Söhne,\nGmbH', "Never; seen", ",,;;"]
    return frame


@cache
def scored():
    return small_model().score(listed())


def expect(got, rows):
    wanted = scored().iloc[rows].reset_index(drop=True)
    assert_frame_equal(got.reset_index(drop=True), wanted, check_exact=True)


def extra_columns():
    """Names that are no field; a second spelling of a field may rightly be the better match."""
    names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
    fresh = names.filter(lambda name: field_of_header(name) is None and name not in listed().columns)
    values = st.sampled_from(["", "x", 7, 2.5, None, "=1+1", ["a", "b"], True])
    return st.dictionaries(fresh, values, max_size=3)


@QUICK
@given(st.lists(st.integers(1, ROWS), min_size=1, max_size=6))
def test_batches_of_any_size(sizes):
    begin = 0
    for size in sizes:
        rows = np.arange(begin, min(begin + size, ROWS))
        if len(rows):
            expect(small_model().score(listed().iloc[rows]), rows)
        begin += size


@QUICK
@given(st.permutations(range(ROWS)))
def test_any_row_order(order):
    expect(small_model().score(listed().iloc[order]), order)


@QUICK
@given(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=80))
def test_any_rows_and_any_twice(rows):
    expect(small_model().score(listed().iloc[rows]), rows)


@QUICK
@given(st.permutations(list(range(30))), extra_columns())
def test_column_order_and_extra_columns(order, extra):
    assert listed().shape[1] == 30
    frame = listed().iloc[:, order]
    for name, value in extra.items():
        frame = frame.assign(**{name: pd.Series([value] * ROWS, index=frame.index, dtype=object)})
    expect(small_model().score(frame), np.arange(ROWS))


@QUICK
@given(st.sampled_from(["strings", "dates", "twice", "levels", "floats"]))
def test_the_index_is_kept_and_means_nothing(sort):
    index = {
        "strings": pd.Index([f"row {i}" for i in range(ROWS)], name="key"),
        "dates": pd.date_range("2026-01-01", periods=ROWS),
        "twice": pd.Index([0] * ROWS),
        "levels": pd.MultiIndex.from_product([range(ROWS // 2), ["a", "b"]]),
        "floats": pd.Index(np.linspace(-1, 1, ROWS)),
    }[sort]
    got = small_model().score(listed().set_index(index))
    assert got.index.equals(index)
    assert got.index.names == index.names
    expect(got, np.arange(ROWS))


@QUICK
@given(st.integers(0, 12), st.integers(0, 5))
def test_fewer_reasons_and_lookalikes_are_the_first_of_more(reasons, lookalikes):
    lookalikes = min(lookalikes, 3)
    got = small_model().score(listed(), reasons=reasons, lookalikes=lookalikes)
    shared = [name for name in scored().columns if name in got.columns]
    assert_frame_equal(got[shared], scored()[shared], check_exact=True)
    assert f"reason_{reasons + 1}" not in got.columns
    assert f"lookalike_{lookalikes + 1}" not in got.columns


GOOD, LONG, SHORT = "good", "a cell too many", "cells missing"


@QUICK
@given(st.lists(st.sampled_from([GOOD, GOOD, GOOD, LONG, SHORT]), min_size=4, max_size=40), st.booleans())
def test_every_row_of_a_file_is_accounted_for(tmp_path_factory, sorts, suppressing):
    if sorts.count(GOOD) <= len(sorts) // 2:
        sorts = sorts + [GOOD] * len(sorts)
    folder = tmp_path_factory.mktemp("rows")
    frame = listed().iloc[np.arange(len(sorts)) % ROWS]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame.columns)
    for sort, row in zip(sorts, frame.itertuples(index=False), strict=True):
        writer.writerow({GOOD: list(row), LONG: [*row, "more"], SHORT: list(row)[:5]}[sort])
    (folder / "list.csv").write_text(text.getvalue(), encoding="utf-8")
    customers = None
    if suppressing:
        from icp_ml import read_accounts

        customers = read_accounts(listed().head(10))
    summary = score_file(
        small_model(), ScoreRequest(folder / "list.csv", folder / "out.parquet", customers=customers, jobs=1)
    )
    out = pq.read_table(folder / "out.parquet").to_pandas()
    good = [i % ROWS for i, sort in enumerate(sorts) if sort == GOOD]
    assert summary.rows == len(sorts)
    assert summary.rejected == len(sorts) - len(good)
    assert summary.scored + summary.ineligible + summary.suppressed + summary.rejected == summary.rows
    assert sum(summary.tiers.values()) == len(out) == len(good)
    assert list(out["account_id"]) == list(scored()["account_id"].iloc[good])
    if not suppressing:
        expect(out[list(scored().columns)], good)
    rejects = folder / "out.parquet.rejects.csv"
    assert rejects.exists() == bool(summary.rejected)
    if summary.rejected:
        assert len(pd.read_csv(rejects)) == summary.rejected


def test_a_batch_of_one_and_a_batch_of_none():
    for row in range(0, ROWS, 7):
        expect(small_model().score(listed().iloc[[row]]), [row])
    expect(small_model().score(listed().iloc[[]]), [])


@pytest.mark.parametrize("column", ["fit_score", "log_odds", "fit_low", "fit_high", "coverage"])
def test_the_numbers_are_what_they_say(column):
    values = scored()[column]
    assert np.isfinite(values.dropna()).all()
    assert (values.isna() == (scored()["status"] != "scored")).all() or column == "coverage"
    if column != "log_odds":
        assert values.dropna().between(0, 1 if column == "coverage" else 100).all()
