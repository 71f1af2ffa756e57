"""The demo: the whole job on the sample data, as `make demo` runs it."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from icp_ml import ICPModel
from icp_ml.cli import app

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One run on defaults; tests look at what it printed and left."""
    pytest.importorskip("mlflow")
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        result = CliRunner().invoke(
            app, ["demo", "--out", "out"], env={"COLUMNS": "120", "NO_COLOR": "1"}, catch_exceptions=False
        )
    assert result.exit_code == 0, result.stderr
    return folder, result


def test_it_leaves_everything_in_its_folder(demo):
    folder, _ = demo
    assert [path.name for path in folder.iterdir()] == ["out"]
    assert {path.name for path in (folder / "out").iterdir()} >= {
        "model",
        "profile.md",
        "report.html",
        "slide.pptx",
        "scored.csv",
        "mlflow.db",
    }
    model = ICPModel.load(folder / "out" / "model")
    assert model.profile.found
    scored = pd.read_csv(folder / "out" / "scored.csv", dtype=str)
    assert len(scored) == 20_000
    assert set(scored["model_version"]) == {model.version}
    assert (scored["status"] == "suppressed").sum() >= 25  # the customers on the list
    assert "<html" in (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "## Signals" in (folder / "out" / "profile.md").read_text(encoding="utf-8")


def test_it_prints_a_summary(demo):
    _, result = demo
    said = " ".join(result.stdout.split())
    assert re.search(r"Customers: [\d,]+ best, [\d,]+ worst, [\d,]+ in the middle", said)
    assert "Ideal customer profile" in said
    assert 3 <= len(re.findall(r"\d+% best \(\d\.\dx\)", said)) <= 5  # who the ideal customer is, in five lines
    assert "On customers held out" in said
    assert "ridge logistic" in said
    assert "20,000 rows" in said
    for tier in "ABCD":
        assert re.search(rf"^{tier} +[\d,]+ +\d", result.stdout, re.MULTILINE), tier
    for name in (
        "Profile",
        "Report",
        "Scored list",
        "Model",
        "MLflow run",
        "MLflow model",
        "mlflow ui --backend-store-uri",
    ):
        assert name in said
    assert "likely to buy" not in said.replace("not a likelihood to buy", "")
    assert "Traceback" not in result.output


def test_it_logs_a_run_and_a_version(demo):
    from mlflow import MlflowClient

    folder, _ = demo
    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'out' / 'mlflow.db'}")
    versions = client.search_model_versions("name='icp-demo'")
    assert [int(version.version) for version in versions] == [1]
    run = client.get_run(versions[0].run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics
    assert run.data.params


def test_it_finds_what_the_sample_data_was_planted_with(demo, repository):
    folder, _ = demo
    truth = json.loads((repository / "data_samples" / "truth.json").read_text(encoding="utf-8"))
    planted = {trait["field"] for trait in truth["traits"]}
    found = set(ICPModel.load(folder / "out" / "model").profile.traits["field"])
    assert len(found & planted) >= 5
    assert not found & {trap["field"] for trap in truth["traps"]}
