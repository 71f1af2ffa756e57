"""What one worker does with a partition, without Spark."""

from __future__ import annotations

import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from icp_ml.accounts.formats.frames import table_from_frame
from icp_ml.engines import partitions
from icp_ml.engines.partitions import Buckets, PartitionScorer, ShippedModel, cells_of, gathered
from icp_ml.engines.spark import score_spark
from icp_ml.exceptions import InputError, ModelFormatError
from icp_ml.tracking.missing_texts import with_gaps
from tests.hand_model import hand_list, hand_model


def work(**changes: object) -> PartitionScorer:
    headers = tuple(hand_list(3).columns)
    plain = PartitionScorer(ShippedModel.of(hand_model()), headers, headers, {}, {}, 3, 2)
    return replace(plain, **changes)


def batches(frame: pd.DataFrame, rows: int) -> list[pa.RecordBatch]:
    return table_from_frame(frame).combine_chunks().to_batches(max_chunksize=rows)


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_batches_of_any_size_score_as_the_frame(rows: int) -> None:
    frame = hand_list(300)
    got = pa.Table.from_batches(list(work()(batches(frame, rows)))).to_pandas()
    assert_frame_equal(got, hand_model().score(frame, reasons=3, lookalikes=2), check_exact=True)


def test_what_travels_is_bytes_that_are_checked_on_arrival() -> None:
    arrived = pickle.loads(pickle.dumps(work()))
    assert {type(data) for data in arrived.model.files.values()} == {bytes}
    assert pa.Table.from_batches(list(arrived(batches(hand_list(5), 5)))).num_rows == 5
    model = ShippedModel.of(hand_model())
    altered = replace(model, version="other", files={**model.files, "tables.npz": model.files["tables.npz"] + b"x"})
    with pytest.raises(ModelFormatError, match=r"tables\.npz: its content does not match the manifest"):
        altered.load()
    with pytest.raises(ModelFormatError, match=r"the driver has 9\.9: install|install the same one on all machines"):
        replace(model, software="9.9").load()


def test_a_process_reads_a_model_once_and_keeps_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_models", {})
    model = ShippedModel.of(hand_model())
    assert model.load() is model.load()
    for seed in range(6):
        ShippedModel.of(hand_model({"random_state": seed + 100})).load()
    assert len(partitions._models) == 4
    assert model.version not in partitions._models


def test_columns_are_carried_and_rows_kept() -> None:
    frame = hand_list(40)
    got = pa.Table.from_batches(
        list(work(carried={"Note": "Note", "Industry": "list_x"})(batches(frame, 9)))
    ).to_pandas()
    assert list(got.columns[:5]) == ["account_id", "name", "domain", "Note", "list_x"]
    assert got["Note"].fillna("").tolist() == frame["Note"].fillna("").tolist()


def test_small_batches_are_gathered_in_order() -> None:
    parts = [
        pa.RecordBatch.from_arrays([pa.array([i] * n, pa.int64())], ["c0"])
        for i, n in enumerate([3, 0, 2, 40_000, 40_000])
    ]
    found = list(gathered(parts, ["h"]))
    assert [batch.num_rows for batch in found] == [40_005, 40_000]
    assert found[0].schema.names == ["h"]
    assert pc_sum(found) == pc_sum(parts)
    assert list(gathered([], ["h"])) == []


def pc_sum(parts: list[pa.RecordBatch]) -> int:
    return sum(batch.column(0).to_numpy().sum() for batch in parts)


def test_rows_that_nothing_names_are_told_apart_by_their_values() -> None:
    frame = hand_list(60).drop(columns=["Account ID", "Account Name", "Website", "Note"])
    again = pd.concat([frame, frame.iloc[[0]]], ignore_index=True)
    headers = tuple(frame.columns)
    named = work(headers=headers, given=headers)
    ids = pa.Table.from_batches(list(named(batches(again, 7)))).column("account_id").to_pylist()
    assert ids[0] == ids[-1]
    distinct = len(frame.drop_duplicates())
    assert len(set(ids)) <= distinct
    assert len(set(ids)) > 0.9 * distinct
    some = hand_list(60)
    some.loc[3, ["Account ID", "Account Name", "Website"]] = None
    found = pa.Table.from_batches(list(work()(batches(some, 60)))).column("account_id").to_pylist()
    assert found[3] == ids[3]
    assert found[:3] == ["L-00000", "L-00001", "L-00002"]


def test_buckets_order_all_accounts() -> None:
    rng = np.random.default_rng(0)
    log_odds = np.round(rng.normal(size=100_000), 2)
    cells, counts = np.unique(cells_of(pa.array(log_odds)), return_counts=True)
    buckets = Buckets.of(dict(zip(cells.tolist(), counts.tolist(), strict=True)))
    assert buckets.total == len(log_odds)
    assert 2 < len(buckets.counts) <= 6
    found = buckets.columns(pa.array(log_odds), pa.array(np.arange(len(log_odds))))
    bucket, before = (found[name].to_numpy() for name in ("_bucket", "_before"))
    for one in range(len(buckets.counts)):
        inside = log_odds[bucket == one]
        assert len(inside) == buckets.counts[one]
        assert (log_odds > inside.max()).sum() == before[bucket == one][0]


def test_rows_without_a_score_are_spread_over_buckets_of_their_own() -> None:
    found = Buckets.of({}).columns(pa.nulls(200, pa.float64()), pa.array(np.arange(200)))
    assert set(found["_count"].to_pylist()) == {0}
    assert len(set(found["_bucket"].to_pylist())) == 64
    assert max(found["_bucket"].to_pylist()) < 0


@pytest.mark.parametrize("values", [[0.0, -0.0], [1e300, -1e300], [5.0, 4.9999]])
def test_cells_never_fall_as_log_odds_fall(values: list[float]) -> None:
    better, worse = cells_of(pa.array(values))
    assert better <= worse


def test_what_is_no_spark_frame_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"found a pandas DataFrame; score a pandas DataFrame with  model\.score\(frame\)"
    ):
        score_spark(hand_model(), hand_list(3))  # type: ignore[arg-type]


@pytest.mark.parametrize(("options", "says"), [
    ({"reasons": 21}, "reasons = 21: allowed are 0 to 20"),
    ({"lookalikes": -1}, "lookalikes = -1: allowed are 0 to 3"),
    ({"keep": "Notes"}, "keep names 'Notes', which is not a column"),
])  # fmt: skip
def test_wrong_options_are_refused_before_anything_runs(options: dict[str, object], says: str) -> None:
    pytest.importorskip("pyspark", reason="missing part: pip install 'icp-ml[spark]'")
    frame = SimpleNamespace(columns=list(hand_list(3).columns), mapInArrow=None, isStreaming=False)
    with pytest.raises(InputError, match=says):
        score_spark(hand_model(), frame, **options)  # type: ignore[arg-type]


def test_gaps_of_texts_survive_a_conversion_to_numpy_texts() -> None:
    scored = pd.DataFrame({"name": ["x", None], "fit_score": [1.0, np.nan]}, index=[5, 5])
    kept = with_gaps(scored)
    assert_frame_equal(kept, scored, check_exact=True)
    assert kept["name"].astype(np.str_).tolist() == ["x", None]
    assert kept["name"].iloc[[1]].astype(np.str_).tolist() == [None]
    assert kept["name"].astype(object).isna().tolist() == [False, True]


def test_texts_in_several_pieces_keep_their_gaps() -> None:
    pieces = [pa.table({"name": ["x", None]}), pa.table({"name": pa.array([None], pa.string())})]
    scored = pa.concat_tables(pieces).to_pandas()
    assert with_gaps(scored)["name"].astype(np.str_).tolist() == ["x", None, None]
    assert_frame_equal(with_gaps(scored.head(0)), scored.head(0))
