from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from icp_ml.engines.scored_file import read_scored
from icp_ml.exceptions import InputError

VERSION = "0123456789ab"


def make_rows(count: int = 60) -> list[dict[str, Any]]:
    """Return rows of a scored file, the best last; each tenth is suppressed."""
    rows = []
    for k in range(count):
        scored = k % 10 != 9
        rows.append({
            "account_id": str(k), "name": f'A "quoted"\nname, {k}', "domain": None,
            "status": "scored" if scored else "suppressed", "fit_score": float(k) if scored else None,
            "fit_low": None, "fit_high": None, "tier": "ABCD"[k % 4] if scored else "none", "in_support": k % 5 != 0,
            "reason_1": "Uses Snowflake raises fit", "model_version": VERSION, "rank": count - k if scored else None,
        })  # fmt: skip
    return rows


def write(path: Path, rows: list[dict[str, Any]], metadata: dict[str, str] | None = None) -> Path:
    table = pa.Table.from_pylist(rows)
    for name in ("domain", "fit_low", "fit_high"):
        if name in table.column_names and pa.types.is_null(table.schema.field(name).type):
            kind = pa.string() if name == "domain" else pa.float64()
            table = table.set_column(table.column_names.index(name), name, pa.nulls(len(rows), kind))
    if path.suffix == ".parquet":
        pq.write_table(table.replace_schema_metadata(metadata or {}), path, row_group_size=7)
    else:
        pacsv.write_csv(table, path)
    return path


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_rows_are_counted_and_the_first_kept(tmp_path: Path, ending: str) -> None:
    found = read_scored(write(tmp_path / f"scored{ending}", make_rows()), VERSION, 5)
    assert (found["rows"], found["scored"], found["suppressed"], found["ineligible"]) == (60, 54, 6, 0)
    assert sum(found["tiers"].values()) == 54
    assert found["outside_support"] == 12
    assert found["serviceable"] == 54
    assert found["obtainable"] is None
    ranks = [row["rank"] for row in found["top_accounts"]]
    assert ranks == sorted(ranks) == [2, 3, 4, 5]  # the best of all is suppressed
    assert found["top_accounts"][0]["name"] == 'A "quoted"\nname, 58'
    assert found["top_accounts"][0]["domain"] is None


def test_a_capacity_is_what_is_obtainable(tmp_path: Path) -> None:
    path = write(tmp_path / "scored.csv", make_rows())
    assert read_scored(path, VERSION, 5, 20)["obtainable"] == 20
    assert read_scored(path, VERSION, 5, 2000)["obtainable"] == 54


def test_parquet_says_as_of_when_it_was_scored(tmp_path: Path) -> None:
    path = write(tmp_path / "scored.parquet", make_rows(), {"icp_ml.as_of": "2027-01-31"})
    assert read_scored(path, VERSION, 5)["as_of"] == "2027-01-31"


def test_a_file_that_ranks_all_first_keeps_no_more_than_asked(tmp_path: Path) -> None:
    rows = [{**row, "rank": 1} for row in make_rows() if row["status"] == "scored"]
    assert len(read_scored(write(tmp_path / "scored.parquet", rows), VERSION, 5)["top_accounts"]) == 5


def test_a_file_of_no_rows_has_nothing_to_show(tmp_path: Path) -> None:
    path = tmp_path / "scored.csv"
    path.write_text("account_id,status,fit_score,tier,in_support,model_version,rank\n", encoding="utf-8")
    found = read_scored(path, VERSION, 5)
    assert (found["rows"], found["top_accounts"]) == (0, [])


def test_a_file_scored_by_another_model_is_refused(tmp_path: Path) -> None:
    rows = make_rows()
    rows[33]["model_version"] = "another"
    with pytest.raises(InputError, match=r"scored\.csv: it was scored by model another, the report is of model 0123"):
        read_scored(write(tmp_path / "scored.csv", rows), VERSION, 5)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"x", "ends in neither .csv nor .parquet"),
        ("missing.csv", None, "there is no such file"),
        ("empty.csv", b"", "cannot be read as a scored file"),
        ("no.csv", b"name,fit_score\nx,1\n", "has no column 'account_id', so it is no scored file"),
        ("no.parquet", b"PAR1 and nothing else PAR1", "cannot be read as a scored file"),
        (
            "types.csv",
            b"account_id,status,fit_score,tier,in_support,model_version,rank\n1,scored,high,A,true,0123456789ab,1\n",
            "cannot be read as a scored file",
        ),
        (
            "bytes.csv",
            b"account_id,status,fit_score,tier,in_support,model_version,rank\n\xff,scored,1,A,true,0123456789ab,1\n",
            "cannot be read as a scored file",
        ),
    ],
)
def test_what_is_no_scored_file_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: .*{message}"):
        read_scored(tmp_path / name, VERSION, 5)
