"""A hypothesis in MLflow: logged, registered, found again, served."""

from __future__ import annotations

import pandas as pd
import pytest

from icp_ml import ICPModel, Settings
from icp_ml.tracking import resolve_model
from icp_ml.tracking.hypotheses import log_hypothesis

SAID = {"name": "first", "signals": [{"field": "employees", "over": 100, "points": 2}]}


@pytest.mark.slow
def test_a_hypothesis_is_logged_registered_and_served(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    import mlflow.pyfunc
    from mlflow import MlflowClient

    settings = Settings.build({"tracking": {"uri": f"sqlite:///{tmp_path / 'mlflow.db'}"}})
    icp = ICPModel.from_hypothesis(SAID, settings)
    folder = icp.save(tmp_path / "model")
    logged = log_hypothesis(icp, folder, settings=settings, registered_model="first", out_dir=tmp_path)
    assert logged.registered_version == "1"
    run = MlflowClient(logged.tracking_uri).get_run(logged.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["icp_ml.kind"] == "hypothesis"
    assert run.data.params["statements"] == "1"
    found = ICPModel.load(resolve_model("models:/first/1", settings))
    assert found.version == icp.version
    table = pd.DataFrame({"Account ID": ["a", "b"], "# Employees": ["50", "500"]})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", logged.tracking_uri)  # what mlflow itself is told stays for other tests
    served = mlflow.pyfunc.load_model("models:/first/1").predict(table)
    assert served["fit_score"].tolist() == icp.score(table)["fit_score"].tolist()
