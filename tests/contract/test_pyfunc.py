"""The logged model, loaded by MLflow, scores exactly as `ICPModel.score` does, whatever a list's columns hold."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from icp_ml import ICPModel, Settings, read_accounts, train
from icp_ml.exceptions import InputError
from icp_ml.tracking import log_training
from icp_ml.tracking.signature import input_names


@dataclass(frozen=True)
class Loaded:
    pyfunc: Any
    model: ICPModel


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("pyfunc")
    rng = np.random.default_rng(11)
    n = 240
    size, industry = np.exp(rng.normal(5, 1.2, n)).astype(int), rng.choice(["Software", "Retail", "Banking"], n)
    good = (industry == "Software") * 1.2 + (size > 150) * 0.8 + rng.normal(0, 0.9, n)
    frame = pd.DataFrame(
        {
            "Account ID": np.arange(1000, 1000 + n),
            "Account Name": [f"Firm {i}" for i in range(n)],
            "# Employees": size,
            "Industry": industry,
            "Tech Stack": ["; ".join(rng.choice(["aws", "sap", "slack", "jira"], 2, replace=False)) for _ in range(n)],
            "Has Public API": rng.choice(["Yes", "No"], n),
            "Floor": rng.integers(1, 30, n),
            "Customer Since": "2023-01-15",
            "Churned": np.where(good < 0.3, "Yes", "No"),
            "NRR (12m)": [f"{90 + 10 * g:.0f}%" for g in good],
        }
    )
    settings = Settings.build({
        "as_of": "2026-10-01", "evaluation": {"folds": 2, "repeats": 1}, "model": {"bags": 2},
        "columns": {"Floor": "office_floor"},
        "fields": {"custom": [{"name": "office_floor", "kind": "number"}]},
        "tracking": {"uri": f"sqlite:///{folder / 'mlflow.db'}"},
    })  # fmt: skip
    run = train(read_accounts(frame, settings), settings, n_jobs=1)
    logged = log_training(run, run.model.save(folder / "saved"), settings=settings, sources={})
    import mlflow

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("MLFLOW_TRACKING_URI", logged.tracking_uri)
        return Loaded(mlflow.pyfunc.load_model(logged.model_uri), ICPModel.load(folder / "saved"))


def same(loaded: Loaded, frame: pd.DataFrame, **params: int) -> pd.DataFrame:
    given = loaded.pyfunc.predict(frame.copy(), params=params or None)
    assert_frame_equal(given, loaded.model.score(frame, **params), check_exact=True)
    return given


LISTS = {
    "integers": {"account_id": [1, 2, 3], "employees": [10, 250, 9000], "industry": ["Software", "Retail", None]},
    "bands": {"account_id": ["a", "b"], "employees": ["51-200", "10,001+"], "has_public_api": ["yes", None]},
    "floats with gaps": {"account_id": [1.0, np.nan], "employees": [np.nan, 120.0], "office_floor": [None, 3]},
    "mixed": {"account_id": [7, "x7", None], "employees": [10, "51-200", None], "technologies": ["aws;sap", None, 3]},
    "nullable": {
        "employees": pd.array([10, None, 7], dtype="Int64"),
        "has_public_api": pd.array([True, None, False], "boolean"),
    },
    "categories": {"industry": pd.Categorical(["Software", None, "Mining"]), "employees": [True, False, True]},
    "lists": {"technologies": [["aws", "sap"], None, ("jira",)], "name": ["Ünï", "", "=x"]},
    "extreme": {"employees": [1.5e12, -3.0, np.inf], "industry": [float("nan"), "retail", "x" * 5000]},
    "a vendor's headers": {
        "Company ID": [1, 2],
        "Employee Range": ["11-50", "51-200"],
        "Technologies": ["AWS", "Slack"],
    },
    "the customer file's headers": {"Account ID": [1], "# Employees": [120], "Tech Stack": ["aws; sap"], "Floor": [3]},
    "a warehouse's headers": {"company_name": ["Acme"], "employee_count": [77], "Unknown Column": [1]},
}


@pytest.mark.parametrize("name", LISTS)
def test_scores_are_equal_bit_for_bit(loaded, name):
    scored = same(loaded, pd.DataFrame(LISTS[name]))
    assert scored["fit_score"].notna().any()


@pytest.mark.parametrize("index", [["row b", "row a"], [5, 5]], ids=["named", "twice"])
def test_the_index_is_kept(loaded, index):
    scored = same(loaded, pd.DataFrame({"industry": ["Software", "Retail"]}, index=index))
    assert list(scored.index) == index


def test_rows_by_themselves_score_as_in_the_batch(loaded):
    frame = pd.DataFrame({"account_id": range(50), "employees": range(50), "industry": ["Software", "Retail"] * 25})
    whole = same(loaded, frame)
    alone = pd.concat([loaded.pyfunc.predict(frame.iloc[[i]]) for i in range(0, 50, 7)])
    assert_frame_equal(alone, whole.iloc[::7], check_exact=True)


def test_no_rows_give_no_rows(loaded):
    empty = pd.DataFrame({"employees": pd.Series([], dtype=float), "industry": pd.Series([], dtype=str)})
    scored = loaded.pyfunc.predict(empty)
    assert len(scored) == 0
    assert list(scored.columns) == [column.name for column in loaded.pyfunc.metadata.signature.outputs]


def test_the_signature_is_stated(loaded):
    signature = loaded.pyfunc.metadata.signature
    inputs, outputs = signature.inputs, signature.outputs
    assert inputs.required_input_names() == []
    assert inputs.input_names() == list(input_names(loaded.model))
    assert set(inputs.input_names()) >= {"account_id", "name", "domain", *loaded.model.fields}
    assert {json.dumps(column.to_dict()["type"]) for column in inputs} == {'"any"'}
    scored = loaded.model.score(pd.DataFrame({"industry": ["Software"]}))
    assert outputs.input_names() == list(scored.columns)
    types = {column.name: column.type.name for column in outputs}
    assert (types["account_id"], types["fit_score"], types["in_support"]) == ("string", "double", "boolean")
    assert {param.name: param.default for param in signature.params} == {"reasons": 5, "lookalikes": 3}


def test_reasons_and_lookalikes_are_parameters(loaded):
    frame = pd.DataFrame({"industry": ["Software"], "employees": [200]})
    scored = same(loaded, frame, reasons=2, lookalikes=0)
    assert "reason_2" in scored
    assert "reason_3" not in scored
    assert "lookalike_1" not in scored
    with pytest.raises(InputError, match="reasons = 99: allowed are 0 to 20"):
        loaded.pyfunc.predict(frame, params={"reasons": 99})


def test_a_list_with_no_known_column_is_refused(loaded):
    with pytest.raises(InputError, match="none of the columns is a field of the model"):
        loaded.pyfunc.predict(pd.DataFrame({"colour": ["red"]}))


def test_records_from_a_request_score_as_a_frame_does(loaded):
    records = [{"account_id": 5, "employees": "51-200"}, {"account_id": 6, "employees": 120, "industry": "Software"}]
    given = loaded.pyfunc.predict(records)
    assert_frame_equal(given, loaded.model.score(pd.DataFrame(records)), check_exact=True)


def test_the_sample_market_scores_the_same(loaded, repository: Path):
    market = pd.read_csv(repository / "data_samples" / "market.csv", dtype=str, nrows=3000)
    scored = same(loaded, market)
    assert scored["coverage"].mean() > 0.3
