"""A real local Spark gives the row-level columns of the DataFrame call, bit for bit, and the ranks of a file."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icp_ml import score_spark
from icp_ml.accounts.formats.frames import table_from_frame
from icp_ml.engines import partitions
from icp_ml.engines.files import ScoreRequest, score_file
from icp_ml.exceptions import InputError
from icp_ml.scoring.columns import list_schema
from tests.contract.test_same_scores import listed, same, small_model, typed

pytestmark = [
    pytest.mark.slow,
    # What Spark says of the pandas here, at every use of its pandas functions.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
]
COPIES = 12
ODD = ["", "  ", "NULL", "=1+1", "<b>", "1e999", "-1", "\u202e", "x" * 3000, "51-200", "99/99/9999", "nan", "☃"]


@cache
def many() -> pd.DataFrame:
    """Several thousand accounts: a list again and again under other ids, with values never seen, and hostile ones."""
    rng = np.random.default_rng(3)
    whole = pd.concat([listed().astype(object)] * COPIES, ignore_index=True)
    whole["Company ID"] = [f"L{i}" for i in rng.permutation(len(whole))]
    for name in ("Industry", "Employee Range", "Founded Year", "Company Country", "Technologies", "Company Name"):
        at = rng.choice(len(whole), len(whole) // 10, replace=False)
        whole.loc[at, name] = rng.choice(ODD, len(at))
    return whole


@cache
def wanted() -> pd.DataFrame:
    scored = small_model().score(many())
    assert len(scored) > 4000
    assert scored["segment"].nunique() == 5
    assert set(scored["status"]) == {"scored", "ineligible"}
    return scored


def given(spark: Any, frame: pd.DataFrame) -> Any:
    return spark.createDataFrame(table_from_frame(frame))


def collected(frame: Any) -> pd.DataFrame:
    found: pd.DataFrame = frame.toArrow().to_pandas()
    return found


def by_id(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("account_id", kind="stable").reset_index(drop=True)


@pytest.mark.parametrize(("parts", "batch"), [(1, 10_000), (2, 17), (7, 1000)])
def test_row_level_columns_are_those_of_the_frame(spark_session: Any, parts: int, batch: int) -> None:
    spark_session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch)
    frame = given(spark_session, many()).repartition(parts)
    assert frame.rdd.getNumPartitions() == parts
    got = collected(score_spark(small_model(), frame))
    assert list(got.columns) == list(wanted().columns)
    same(by_id(got), by_id(wanted()))


def test_ranks_are_those_of_a_file(spark_session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "FEWEST_IN_BUCKET", 50)
    # Ties of fit and id, which the position decides.
    frame = many().assign(row=range(len(many())), **{"Company ID": [f"L{i % 1000}" for i in range(len(many()))]})
    table_from_frame(frame).to_pandas().to_parquet(tmp_path / "list.parquet")
    score_file(small_model(), ScoreRequest(tmp_path / "list.parquet", tmp_path / "scored.parquet", keep=["row"]))
    spark_session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 100)
    source = spark_session.read.parquet(str(tmp_path / "list.parquet"))
    ranked = score_spark(small_model(), source, ranks=True, keep=["row"])
    plan = ranked._jdf.queryExecution().toString()
    assert "SinglePartition" not in plan
    tables = (ranked.toArrow(), pq.read_table(tmp_path / "scored.parquet"))
    got, file = (table.sort_by("row").to_pandas() for table in tables)
    assert got["rank"].max() > 4000
    assert list(got.columns) == list(file.columns)
    same(got, file)
    assert (got["percentile"].fillna(-1).to_numpy() == file["percentile"].fillna(-1).to_numpy()).all()


def test_schema_is_the_published_one(spark_session: Any) -> None:
    frame = given(spark_session, listed().head(3))
    found = score_spark(small_model(), frame, ranks=True)
    names = {"string": pa.string(), "double": pa.float64(), "boolean": pa.bool_(), "bigint": pa.int64()}
    assert {f.name: (names[f.dataType.simpleString()], f.nullable) for f in found.schema.fields} == {
        f.name: (f.type, f.nullable) for f in list_schema()
    }


def test_a_frame_that_changes_after_counting_is_refused(spark_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = partitions.Buckets.of
    fewer = staticmethod(lambda cells: counted({cell: max(n - 1, 1) for cell, n in cells.items()}))
    monkeypatch.setattr(partitions.Buckets, "of", fewer)
    ranked = score_spark(small_model(), given(spark_session, pd.concat([listed()] * 2)), ranks=True)
    with pytest.raises(Exception, match="other rows than when its accounts were counted"):
        ranked.toArrow()


def test_no_rows(spark_session: Any) -> None:
    frame = given(spark_session, listed()).limit(0)
    assert score_spark(small_model(), frame).count() == 0
    assert score_spark(small_model(), frame, ranks=True).count() == 0


def test_typed_columns_score_as_in_the_frame(spark_session: Any) -> None:
    frame = typed().astype({"industry": str})
    got = collected(score_spark(small_model(), given(spark_session, frame).repartition(3)))
    same(by_id(got), by_id(small_model().score(frame)))


def test_columns_go_by_position(spark_session: Any) -> None:
    """Names with dots and quotes, one name in two cases, columns that hold structs."""
    rows = [("a", 20, "x", {"k": 1}, (1, 2), "Software"), ("b", 700, None, None, None, None)]
    kinds = "id string, n int, x string, m map<string,int>, s struct<p:int,q:int>, i string"
    plain = spark_session.createDataFrame(rows, kinds)
    frame = plain.toDF("Company ID", "# Employees", "a.`b`", "Tech Stack", "TIER", "tier")
    got = score_spark(small_model(), frame, keep="all", mapping={"tier": "industry"})
    assert got.columns[3:9] == ["Company ID", "# Employees", "a.`b`", "Tech Stack", "list_TIER", "list_list_tier"]
    found = got.collect()
    assert found[0][5:9] == ("x", {"k": 1}, (1, 2), "Software")
    simple = pd.DataFrame({"Company ID": ["a", "b"], "# Employees": [20, 700], "Industry": ["Software", None]})
    same(collected(got.drop("Tech Stack", "list_TIER")), small_model().score(simple))


def test_rows_that_nothing_names_get_an_id_of_their_values(spark_session: Any) -> None:
    frame = listed().drop(columns=["Company ID", "Company Name", "Website"])
    found = [collected(score_spark(small_model(), given(spark_session, frame).repartition(n))) for n in (1, 5)]
    assert found[0]["account_id"].str.fullmatch("row [0-9a-f]{16}").all()
    assert found[0]["account_id"].nunique() > 390
    same(by_id(found[0]), by_id(found[1]))
    plain = small_model().score(frame)
    assert sorted(found[0]["log_odds"].dropna()) == sorted(plain["log_odds"].dropna())


def test_bad_requests(spark_session: Any) -> None:
    frame = given(spark_session, listed().head(2))
    with pytest.raises(InputError, match="keep names 'Web', which is not a column; the columns are 'Company ID'"):
        score_spark(small_model(), frame, keep=["Web"])
    with pytest.raises(InputError, match=r"Spark frame: none of its columns .* is a field of the model"):
        score_spark(small_model(), frame.select("Company ID"))
    stream = spark_session.readStream.format("rate").load()
    with pytest.raises(InputError, match="it is a stream, and ranks need the whole list"):
        score_spark(small_model(), stream, ranks=True)


def test_mlflow_spark_udf_scores_as_the_frame(spark_session: Any, tmp_path: Path) -> None:
    import mlflow

    from icp_ml.tracking.runs import SCRIPT
    from icp_ml.tracking.signature import model_signature

    saved = small_model().save(tmp_path / "model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            path=str(tmp_path / "logged"),
            python_model=str(SCRIPT),
            artifacts={"model": str(saved)},
            signature=model_signature(small_model()),
            pip_requirements=[],
        )
        scores = mlflow.pyfunc.spark_udf(spark_session, str(tmp_path / "logged"), env_manager="local")
    spark_session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 500)
    frame = given(spark_session, many()).repartition(3)
    named = [name for name in frame.columns if name in model_signature(small_model()).inputs.input_names()]
    from pyspark.sql import functions as F

    got = frame.select(scores(F.struct(*(frame[name] for name in named))).alias("row")).select("row.*")
    same(by_id(collected(got)), by_id(wanted()))
