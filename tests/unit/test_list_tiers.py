"""Tiers of a whole list: by quantile and by capacity, with accounts outside support held at C."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from icp_ml.engines import list_tiers
from icp_ml.engines.files import ScoreRequest, score_file
from icp_ml.engines.list_tiers import ListTiers
from icp_ml.exceptions import SettingsError
from icp_ml.scoring.columns import list_schema
from icp_ml.settings import Settings, TierSettings
from tests.hand_model import hand_list, hand_model

RANK = np.array([3, 0, 1, 5, 2, 4, 6, 7, 8])
INSIDE = np.array([True, True, False, True, True, True, True, False, True])


def letters(tiers, capacity=None, rank=RANK, inside=INSIDE):
    """The tiers of a list in two chunks."""
    half, found = len(rank) // 2, ListTiers(tiers, capacity)
    chunks = {0: slice(0, half), 1: slice(half, None)}
    ranked = SimpleNamespace(total=int(rank.max(initial=0)), ranks=lambda chunk, rows: rank[chunks[chunk]])
    for chunk, rows in chunks.items():
        found.add(chunk, pa.array(inside[rows]))
    found.settle(ranked)
    said = [value[0] for chunk, rows in chunks.items() for value in found.tiers(chunk, rank[rows]).to_pylist()]
    assert sum(found.counts.values()) == len(rank)
    return "".join(said)


def test_capacity_fills_one_period_after_the_other_with_accounts_inside_support():
    # In rank order: 1 outside, 2, 3 | 4, 5 | 6, 7 outside, 8
    assert letters(TierSettings(mode="capacity"), 2) == "AnCBABCCC"
    assert letters(TierSettings(mode="capacity"), 1) == "BnCDACDDD"
    assert letters(TierSettings(mode="capacity"), 100) == "AnCAAAACA"


@pytest.mark.parametrize("block", [1, 3])
def test_the_size_of_blocks_does_not_matter(monkeypatch, block):
    monkeypatch.setattr(list_tiers, "BLOCK", block)
    assert letters(TierSettings(mode="capacity"), 2) == "AnCBABCCC"
    assert letters(TierSettings(mode="capacity"), 4) == "AnCAAABCB"


def test_quantiles_are_of_the_scored_accounts_inside_support():
    assert letters(TierSettings(mode="quantile", quantiles=(1 / 6, 0.5, 5 / 6))) == "BnCCABCDD"
    assert letters(TierSettings(mode="quantile"), rank=np.arange(1, 9), inside=np.ones(8, bool)) == "AABBCCDD"
    assert letters(TierSettings(mode="quantile"), rank=np.zeros(3, int), inside=np.ones(3, bool)) == "nnn"
    assert letters(TierSettings(mode="quantile"), rank=np.zeros(0, int), inside=np.ones(0, bool)) == ""


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_has_the_list_s_tier_beside_the_frozen_one(tmp_path, ending):
    hand_list(200).to_csv(tmp_path / "list.csv", index=False)
    request = ScoreRequest(
        tmp_path / "list.csv", tmp_path / f"out.{ending}", capacity=30, tiers=TierSettings(mode="capacity")
    )
    summary = score_file(hand_model(), request)
    read = pq.read_table if ending == "parquet" else pacsv.read_csv
    table = read(request.out)
    assert table.column_names == list_schema(list_tier=True).names
    out = table.to_pandas()
    assert summary.list_tiers == out["list_tier"].value_counts().to_dict()
    assert summary.list_tiers["A"] == 30
    first = out[(out["list_tier"] == "A")]
    assert first["in_support"].all()
    assert first["rank"].max() < out.loc[out["list_tier"] == "B", "rank"].min()
    assert summary.tiers == {t: int((out["tier"] == t).sum()) for t in ("A", "B", "C", "D", "none")}
    assert ((out["list_tier"] == "none") == (out["status"] != "scored")).all()
    plain = score_file(hand_model(), ScoreRequest(tmp_path / "list.csv", tmp_path / f"plain.{ending}", capacity=30))
    assert plain.list_tiers is None
    assert read(plain.out).equals(table.drop_columns("list_tier"))


@pytest.mark.parametrize(
    ("tiers", "match"),
    [
        ({"mode": "capacity"}, "nothing says how many accounts can be worked: give  --capacity N"),
        ({"quantiles": [0.5, 0.2, 0.9]}, r"tiers.quantiles = \[0.5, 0.2, 0.9\]: give three rising shares"),
        ({"mode": "quantile", "quantiles": [0, 0.2, 0.9]}, "three rising shares"),
        ({"mode": "quantile", "quantiles": [float("nan"), 0.2, 0.9]}, "three rising shares"),
    ],
)
def test_tiers_that_cannot_be_cut_are_refused_before_any_work(tmp_path, tiers, match):
    hand_list(5).to_csv(tmp_path / "list.csv", index=False)
    asked = Settings.build({"tiers": tiers}).tiers
    with pytest.raises(SettingsError, match=match):
        score_file(hand_model(), ScoreRequest(tmp_path / "list.csv", tmp_path / "out.csv", tiers=asked))
    assert not (tmp_path / "out.csv").exists()
