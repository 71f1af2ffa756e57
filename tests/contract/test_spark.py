"""A real local Spark gives the same row-level columns as the DataFrame call, bit for bit, and a file's ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icp_ml import score_spark
from icp_ml.accounts.formats.frames import table_from_frame
from icp_ml.engines.files import ScoreRequest, score_file
from tests.contract.test_same_scores import listed, same, small_model

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning")]
COPIES = 12


def many() -> pd.DataFrame:
    """Several thousand accounts: the list again and again, with other ids, values never seen, and hostile ones."""
    rng = np.random.default_rng(3)
    whole = pd.concat([listed().astype(object)] * COPIES, ignore_index=True)
    whole["Company ID"] = [f"{i // 3}-{i}" for i in rng.permutation(len(whole))]
    odd = [
        "",
        "  ",
        "\x00",
        "NULL",
        "=1+1",
        "<script>",
        "1e999",
        "-1",
        "\u202e",
        "x" * 3000,
        "51-200",
        "99/99/9999",
        "☃",
    ]
    for name in ("Industry", "Employee Range", "Founded Year", "Company Country", "Technologies"):
        at = rng.choice(len(whole), len(whole) // 10, replace=False)
        whole.loc[at, name] = rng.choice(odd, len(at))
    return whole


def test_scores(spark_session: Any) -> None:
    frame = many()
    table = table_from_frame(frame)
    spark_session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 17)
    got = score_spark(small_model(), spark_session.createDataFrame(table)).toArrow().to_pandas()
    same(got, small_model().score(frame))
