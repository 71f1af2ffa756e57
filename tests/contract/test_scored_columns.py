"""A scored table has the published columns, in the published order and types."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from icp_ml.engines.files import ScoreRequest, score_file
from icp_ml.scoring.columns import list_schema, row_schema
from tests.small_run import customers, market, small_model, small_run


@cache
def scored():
    return small_model().score(market())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The market scored into both formats, with its own customers suppressed."""
    from icp_ml import read_accounts

    folder = tmp_path_factory.mktemp("scored")
    market().to_csv(folder / "list.csv", index=False)
    known = read_accounts(customers())
    summaries = {
        ending: score_file(
            small_model(), ScoreRequest(folder / "list.csv", folder / f"out.{ending}", customers=known, capacity=50)
        )
        for ending in ("parquet", "csv")
    }
    return folder, summaries["parquet"]


@pytest.mark.parametrize(("reasons", "lookalikes"), [(5, 3), (0, 0), (2, 1), (9, 2)])
def test_the_frame_has_the_row_level_columns(reasons, lookalikes):
    frame = small_model().score(market().head(20), reasons=reasons, lookalikes=lookalikes)
    schema = row_schema(reasons, lookalikes)
    assert list(frame.columns) == schema.names
    table = pa.Table.from_pandas(
        frame, schema=schema, preserve_index=False
    )  # raises where a type or a gap does not fit
    assert table.num_rows == 20


def test_the_parquet_file_has_the_published_schema(files):
    folder, _ = files
    found = pq.read_schema(folder / "out.parquet")
    published = list_schema()
    assert found.names == published.names
    for name in published.names:
        assert found.field(name).type == published.field(name).type, name
        assert found.field(name).nullable == published.field(name).nullable, name


def test_the_csv_file_has_the_same_header(files):
    folder, _ = files
    with (folder / "out.csv").open(encoding="utf-8") as file:
        assert next(file).strip().replace('"', "").split(",") == list_schema().names


def test_the_parquet_file_says_what_made_it(files):
    folder, _ = files
    metadata = (
        pq.read_schema(folder / "out.parquet").metadata or pq.ParquetFile(folder / "out.parquet").metadata.metadata
    )
    said = {key.decode(): value.decode() for key, value in metadata.items()}
    assert said["icp_ml.model_version"] == small_model().version
    assert said["icp_ml.settings_hash"] == small_model().settings.hash
    assert said["icp_ml.as_of"] == "2026-10-01"
    assert re.fullmatch(r"[0-9a-f]{16}", said["icp_ml.list_fingerprint"])


def test_the_file_repeats_the_rows_in_order_and_counts_them(files):
    folder, summary = files
    out = pq.read_table(folder / "out.parquet").to_pandas()
    assert list(out["account_id"]) == list(scored()["account_id"])
    assert summary.rows == len(out) == len(market())
    assert dict(out["status"].value_counts()) == {
        name: count
        for name, count in (
            ("scored", summary.scored),
            ("ineligible", summary.ineligible),
            ("suppressed", summary.suppressed),
        )
        if count
    }
    assert summary.suppressed >= 25  # thirty of the customers are on the list; a few lack their domain there
    assert summary.obtainable == 50


def test_suppressed_rows_carry_no_score_and_no_rank(files):
    folder, _ = files
    out = pq.read_table(folder / "out.parquet").to_pandas()
    gone = out[out["status"] == "suppressed"]
    assert gone["status_reason"].str.startswith("existing customer (same domain ").all()
    assert gone[["fit_score", "fit_low", "fit_high", "log_odds", "rank", "percentile"]].isna().all(axis=None)
    assert (gone["tier"] == "none").all()
    assert gone[[name for name in out.columns if name.startswith(("reason_", "lookalike_"))]].isna().all(axis=None)


def test_rank_and_percentile_follow_the_score(files):
    folder, summary = files
    out = pq.read_table(folder / "out.parquet").to_pandas()
    ranked = out[out["status"] == "scored"].sort_values("rank")
    assert ranked["rank"].tolist() == list(range(1, summary.scored + 1))
    assert (ranked["log_odds"].diff().dropna() <= 0).all()
    assert ranked["percentile"].iloc[0] == 100
    ties = ranked.groupby("log_odds", sort=False)["account_id"].agg(list)
    assert all(ids == sorted(ids) for ids in ties)


def test_fit_is_the_sigmoid_of_the_log_odds():
    rows = scored()[scored()["status"] == "scored"]
    assert (rows["fit_score"] == 100 * expit(rows["log_odds"])).all()
    assert (rows["fit_low"] <= rows["fit_score"]).all()
    assert (rows["fit_score"] <= rows["fit_high"]).all()


def test_tiers_follow_the_cutoffs_and_are_held_at_c_outside_support():
    rows = scored()[scored()["status"] == "scored"]
    cutoffs = small_model().cutoffs
    wanted = np.select(
        [rows["fit_score"] >= cutoffs.a, rows["fit_score"] >= cutoffs.b, rows["fit_score"] >= cutoffs.c],
        list("ABC"),
        "D",
    )
    inside = rows["in_support"].to_numpy()
    assert (rows["tier"].to_numpy()[inside] == wanted[inside]).all()
    held = np.where(np.isin(wanted, ["A", "B"]), "C", wanted)
    assert (rows["tier"].to_numpy()[~inside] == held[~inside]).all()
    assert rows["status_reason"][~inside].str.fullmatch("unlike any customer: .+; tier held at C").all()
    assert rows["status_reason"][inside].isna().all()
    assert 0 < inside.sum() < len(inside) or inside.all()


def test_reasons_speak_for_their_contribution():
    rows = scored()[scored()["status"] == "scored"]
    for i in range(1, 6):
        said = rows[rows[f"reason_{i}"].notna()]
        assert said[f"reason_{i}_field"].isin(list(small_model().fields)).all()
        words = said[f"reason_{i}"].str.contains(" raises fit")
        assert (words == (said[f"reason_{i}_contribution"] > 0)).all()
        assert not said[f"reason_{i}"].str.contains("likely to buy|propensity", case=False).any()
    assert rows["reason_1"].nunique() > 20  # not everyone is told the same


def test_model_version_is_the_manifests_hash():
    assert set(scored()["model_version"]) == {small_run().model.version}
    assert re.fullmatch(r"[0-9a-f]{12}", small_run().model.version)


def test_no_known_field_makes_an_account_ineligible():
    frame = market().head(3)
    frame.loc[0, [c for c in frame.columns if c != "Company ID"]] = ""
    row = small_model().score(frame).iloc[0]
    assert row["status"] == "ineligible"
    assert row["tier"] == "none"
    assert row["coverage"] == 0
    assert row[["fit_score", "fit_low", "fit_high", "log_odds", "reason_1"]].isna().all()
    assert re.fullmatch(r"none of the model's \d+ fields is known", row["status_reason"])
