"""Logging a training run to MLflow and finding its model again, on a store of the test's own."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from icp_ml import ICPModel, Settings, read_accounts, train
from icp_ml.exceptions import InputError, MissingDependencyError, ModelFormatError
from icp_ml.tracking import LoggedRun, log_training, resolve_model, resolve_uri
from icp_ml.tracking.fingerprints import fingerprint
from icp_ml.tracking.measures import requirements, run_metrics, run_parameters
from icp_ml.tracking.stores import sqlite_file, without_password
from icp_ml.workflow import TrainingRun

SETTINGS = {"as_of": "2026-10-01", "evaluation": {"folds": 2, "repeats": 1}, "model": {"bags": 2}}


@dataclass(frozen=True)
class Tracked:
    """A run that was logged twice, and where."""

    folder: Path
    settings: Settings
    run: TrainingRun
    model_dir: Path
    first: LoggedRun
    second: LoggedRun

    @property
    def client(self):
        from mlflow import MlflowClient

        return MlflowClient(self.first.tracking_uri)


def customers(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    size = np.exp(rng.normal(5, 1.2, n)).astype(int)
    industry = rng.choice(["Software", "Retail", "Banking"], n)
    good = (industry == "Software") * 1.2 + (size > 150) * 0.8 + rng.normal(0, 0.9, n)
    return pd.DataFrame(
        {
            "Account ID": np.arange(1000, 1000 + n),
            "# Employees": size,
            "Industry": industry,
            "Billing Country": rng.choice(["Germany", "France"], n),
            "Customer Since": "2023-01-15",
            "Churned": np.where(good < 0.3, "Yes", "No"),
            "NRR (12m)": [f"{90 + 10 * g:.0f}%" for g in good],
        }
    )


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    folder = tmp_path_factory.mktemp("tracked")
    source = folder / "customers.csv"
    customers().to_csv(source, index=False)
    uri = f"sqlite:///{folder / 'store' / 'mlflow.db'}"
    settings = Settings.build({**SETTINGS, "tracking": {"uri": uri, "experiment": "icp / test"}})
    run = train(read_accounts(source, settings), settings, n_jobs=1)
    model_dir = run.model.save(folder / "out" / "my model")
    report = folder / "page.html"
    report.write_text("<p>report</p>", encoding="utf-8")
    sources = {"customers": source, "list": None}
    first, second = (
        log_training(run, model_dir, settings=settings, sources=sources, report=report, registered_model="fit")
        for _ in range(2)
    )
    return Tracked(folder, settings, run, model_dir, first, second)


def test_importing_the_room_leaves_mlflow_alone():
    code = "import sys, icp_ml.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_address_of_the_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    plain, given = Settings(), Settings.build({"tracking": {"uri": "sqlite:///own.db"}})
    assert resolve_uri(plain) == f"sqlite:///{tmp_path}/mlflow.db"
    assert resolve_uri(plain, tmp_path / "out") == f"sqlite:///{tmp_path}/out/mlflow.db"
    assert resolve_uri(given, tmp_path / "out") == f"sqlite:///{tmp_path}/own.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert resolve_uri(plain, tmp_path / "out") == "http://tracking:5000"
    assert resolve_uri(given) == f"sqlite:///{tmp_path}/own.db"


def test_passwords_are_not_shown():
    assert without_password("postgresql://me:s3cret@host/db") == "postgresql://me:***@host/db"
    assert without_password("sqlite:////tmp/a@b/mlflow.db") == "sqlite:////tmp/a@b/mlflow.db"
    assert "s3cret" not in json.dumps(LoggedRun("r", "e", "postgresql://me:s3cret@host/db", "models:/m-1").to_dict())


def test_a_run_holds_parameters_metrics_and_tags(tracked):
    logged = tracked.client.get_run(tracked.first.run_id)
    assert logged.info.status == "FINISHED"
    parameters, metrics, tags = logged.data.params, logged.data.metrics, logged.data.tags
    assert parameters["as_of"] == "2026-10-01"
    assert parameters["random_state"] == "0"
    assert parameters["model.bags"] == "2"
    assert parameters["labels.best"] == str(tracked.run.labels.counts["best"])
    assert parameters["version.icp-ml"]
    assert parameters["version.numpy"] == np.__version__
    assert parameters["customers.rows"] == "240"
    assert parameters["customers.columns"] == "7"
    assert metrics["auc"] == pytest.approx(tracked.run.evaluation.auc.value)
    assert metrics["auc_low"] <= metrics["auc"] <= metrics["auc_high"]
    assert metrics["ridge_logistic/auc"] == pytest.approx(tracked.run.evaluation.metric("auc", "ridge_logistic").value)
    assert metrics["labels/worst"] == tracked.run.labels.counts["worst"]
    assert metrics["tier_a/customers"] >= 0
    assert metrics["seconds/evaluate"] > 0
    assert tags["icp_ml.model_version"] == tracked.run.model.version
    assert tags["icp_ml.customers.sha256"] == parameters["customers.sha256"]
    assert tracked.run.evaluation.verdict[:40] in tags["mlflow.note.content"]
    assert not [name for name in parameters if name.startswith("tracking")]


def test_a_run_holds_its_data_and_documents(tracked):
    logged = tracked.client.get_run(tracked.first.run_id)
    (entry,) = logged.inputs.dataset_inputs
    found = fingerprint("customers", tracked.folder / "customers.csv")
    assert found is not None
    assert entry.dataset.name == "customers.csv"
    assert entry.dataset.digest == found.sha256[:32]
    assert json.loads(entry.dataset.profile) == {"num_rows": 240, "num_columns": 7}
    names = {file.path for file in tracked.client.list_artifacts(tracked.first.run_id)}
    assert names == {
        "profile.json",
        "profile.md",
        "report.html",
        "evaluation.json",
        "data_report.json",
        "settings.yaml",
    }
    local = Path(tracked.client.download_artifacts(tracked.first.run_id, "profile.json"))
    assert local.read_bytes() == tracked.run.model.files["profile.json"]


def test_files_lie_beside_the_store(tracked):
    store = tracked.folder / "store"
    assert sorted(path.name for path in store.iterdir()) == ["mlartifacts", "mlflow.db"]
    assert not (Path.cwd() / "mlruns").exists()
    assert not (Path.cwd() / "mlflow.db").exists()


def test_the_logged_model_holds_no_pickle(tracked):
    model = tracked.client.get_logged_model(tracked.first.model_uri.removeprefix("models:/"))
    assert model.status == "READY"
    assert model.source_run_id == tracked.first.run_id
    folder = resolve_model(tracked.first.model_uri, tracked.settings).parents[1]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".joblib", ".skops"}]
    assert [path.name for path in files if path.suffix == ".py"] == ["pyfunc_model.py"]
    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))["flavors"]["python_function"]
    assert described["model_code_path"].endswith("pyfunc_model.py")
    assert "python_model" not in described
    assert (folder / "requirements.txt").read_text(encoding="utf-8").splitlines() == requirements()
    assert {metric.key for metric in model.metrics} >= {"auc", "lift_10"}


@pytest.mark.parametrize("form", ["version", "latest", "alias", "run", "id"])
def test_addresses_lead_to_the_model(tracked, form):
    tracked.client.set_registered_model_alias("fit", "champion", "1")
    address = {
        "version": "models:/fit/1",
        "latest": "models:/fit/latest",
        "alias": "models:/fit@champion",
        "run": f"runs:/{tracked.second.run_id}/model",
        "id": tracked.second.model_uri,
    }[form]
    found = resolve_model(address, tracked.settings)
    assert ICPModel.load(found).version == tracked.run.model.version
    wanted = tracked.first if form in ("version", "alias") else tracked.second
    assert wanted.model_uri.removeprefix("models:/") in str(found)


def test_registering_twice_makes_two_versions(tracked):
    assert (tracked.first.registered_version, tracked.second.registered_version) == ("1", "2")
    version = tracked.client.get_model_version("fit", "2")
    assert version.run_id == tracked.second.run_id
    assert version.tags["icp_ml.model_version"] == tracked.run.model.version


def test_a_folder_stays(tracked):
    assert resolve_model(str(tracked.model_dir), tracked.settings) == tracked.model_dir
    assert resolve_model("no/such/model", tracked.settings) == Path("no/such/model")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("models:/fit/9", r"models:/fit/9: the registered model 'fit' .* versions: 2, 1"),
        ("models:/fit@nobody", r"no such version or alias; versions: 2, 1"),
        ("models:/other/1", r"no registered model 'other' .* registered are fit"),
        ("models:/o'ther/1", r"no registered model 'o'ther'"),
        ("models:/fit", r"names no version; give models:/fit/1"),
        ("models:/fit/Production", r"'Production' is no version number; .*models:/fit@Production"),
        ("models:/m-0123456789abcdef0123456789abcdef", r"no such logged model"),
        ("runs:/0123456789abcdef0123456789abcdef/model", r"no such run"),
        ("models:/", r"not an address of a model"),
        ("s3://bucket/model", r"not an address of a model; give a model directory, models:/NAME/3"),
    ],
)
def test_unknown_addresses_say_what_there_is(tracked, address, message):
    with pytest.raises(InputError, match=message):
        resolve_model(address, tracked.settings)


def test_a_model_that_is_not_ours_is_refused_and_not_run(tracked):
    logged = tracked.client.create_logged_model(
        tracked.client.get_run(tracked.first.run_id).info.experiment_id, "other"
    )
    with pytest.raises(InputError, match="holds no model that icp-ml logged"):
        resolve_model(f"models:/{logged.model_id}", tracked.settings)


def test_asking_a_store_that_is_not_there_makes_none(tmp_path):
    settings = Settings.build({"tracking": {"uri": f"sqlite:///{tmp_path / 'none.db'}"}})
    with pytest.raises(
        InputError, match=r"models:/fit/1: .*none\.db: there is no MLflow store here; set tracking\.uri"
    ):
        resolve_model("models:/fit/1", settings)
    assert not list(tmp_path.iterdir())


def test_a_server_that_does_not_answer_is_named():
    settings = Settings.build({"tracking": {"uri": "http://me:s3cret@127.0.0.1:9"}})
    with pytest.raises(InputError, match=r"http://me:\*\*\*@127\.0\.0\.1:9: no MLflow server answers here") as error:
        resolve_model("models:/fit/1", settings)
    assert "s3cret" not in str(error.value)


def test_a_file_that_is_no_store_is_named(tmp_path):
    store = tmp_path / "notes.db"
    store.write_text("not a database, only text\n" * 50, encoding="utf-8")
    settings = Settings.build({"tracking": {"uri": f"sqlite:///{store}"}})
    with pytest.raises(InputError, match=r"notes\.db: the MLflow store cannot be used"):
        resolve_model("models:/fit/1", settings)


def test_without_mlflow_the_extra_is_named(tracked, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingDependencyError, match=r"icp-ml\[mlflow\]"):
        resolve_model("models:/fit/1", tracked.settings)


def test_a_failed_run_is_marked(tracked, monkeypatch):
    def fail(*_args):
        msg = "the disk is full"
        raise OSError(msg)

    monkeypatch.setattr("icp_ml.tracking.runs.log_documents", fail)
    with pytest.raises(InputError, match="the disk is full"):
        log_training(tracked.run, tracked.model_dir, settings=tracked.settings, sources={})
    experiment = tracked.client.get_experiment_by_name("icp / test").experiment_id
    assert [run.info.status for run in tracked.client.search_runs([experiment])].count("FAILED") == 1


def test_only_a_model_directory_is_logged(tracked, tmp_path):
    with pytest.raises(ModelFormatError, match="not a model directory"):
        log_training(tracked.run, tmp_path, settings=tracked.settings, sources={})


def test_logging_is_quiet_and_leaves_everything_as_it_was(tracked, capfd, caplog):
    import mlflow

    mlflow.set_tracking_uri(tracked.first.tracking_uri.replace("mlflow.db", "elsewhere.db"))
    try:
        before = (dict(os.environ), mlflow.get_tracking_uri(), logging.getLogger("mlflow").level, warnings.filters[:])
        with caplog.at_level(logging.INFO, logger="icp_ml"):
            log_training(tracked.run, tracked.model_dir, settings=tracked.settings, sources={})
        after = (dict(os.environ), mlflow.get_tracking_uri(), logging.getLogger("mlflow").level, warnings.filters[:])
    finally:
        mlflow.set_tracking_uri(None)
    assert before == after
    assert capfd.readouterr() == ("", "")
    assert [record.getMessage()[:26] for record in caplog.records] == ["logging the run to MLflow "]
    assert not (tracked.folder / "store" / "elsewhere.db").exists()
    assert mlflow.active_run() is None


def test_a_new_store_is_safe_again_once_it_is_made(tracked):
    from sqlalchemy import text

    with tracked.client._tracking_client.store.engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_what_is_logged_is_finite_and_short_enough(tracked):
    metrics = run_metrics(replace(tracked.run, seconds={"fit": float("nan"), "set tiers": 0.5}))
    assert all(np.isfinite(value) for value in metrics.values())
    assert [name for name in metrics if name.startswith("seconds")] == ["seconds/set_tiers"]
    long = Settings.build({"columns": {f"header {i}": "ignore" for i in range(200)}})
    assert max(map(len, run_parameters(tracked.run, long, []).values())) <= 500


def test_a_fingerprint_says_what_the_file_was(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text('Company,Note\nAcme,"two\nlines"\nBolt,x\n', encoding="utf-8")
    found = fingerprint("list", file)
    assert found is not None
    assert (found.rows, found.columns, found.size) == (2, ("Company", "Note"), file.stat().st_size)
    file.write_bytes(b"")
    empty = fingerprint("list", file)
    assert empty is not None
    assert (empty.rows, empty.columns) == (None, ())
    assert fingerprint("list", tmp_path / "gone.csv") is None


def test_sqlite_addresses():
    assert sqlite_file("sqlite:////a/b.db") == Path("/a/b.db")
    assert sqlite_file("sqlite:///:memory:") is None
    assert sqlite_file("http://host") is None
