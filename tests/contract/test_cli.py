"""The command line: the chain works, streams are clean, exit codes mean something, the same in gives the same out."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from icp_ml import ICPModel
from icp_ml.cli import app
from tests.small_run import SETTINGS, customers, market

COMMANDS = ("demo", "init", "check", "train", "report", "score")


def call(*words, folder=None):
    """Run a command in-process; every exception but an exit is a failure."""
    with pytest.MonkeyPatch.context() as patch:
        if folder is not None:
            patch.chdir(folder)
        return CliRunner().invoke(
            app, [str(word) for word in words], env={"COLUMNS": "120", "NO_COLOR": "1"}, catch_exceptions=False
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    customers().to_csv(folder / "customers.csv", index=False)
    market().to_csv(folder / "list.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def chain(folder):
    """init, check, train, report, score as a newcomer types them; the results by command."""
    results = {"init": call("init", "customers.csv", "--list", "list.csv", "--out", "icp.yaml", folder=folder)}
    proposed = yaml.safe_load((folder / "icp.yaml").read_text(encoding="utf-8"))
    quick = SETTINGS.model_dump(mode="json", include={"model", "evaluation", "tracking"}, exclude_unset=True)
    (folder / "icp.yaml").write_text(yaml.safe_dump({**proposed, **quick}), encoding="utf-8")
    settings = ("--settings", "icp.yaml")
    results["check"] = call("check", "customers.csv", "--list", "list.csv", *settings, folder=folder)
    results["train"] = call("train", "customers.csv", "--list", "list.csv", "--out", "model", *settings, folder=folder)
    written = ("--html", "report.html", "--slide", "profile.pptx", "--markdown", "profile.md")
    results["report"] = call("report", "model", *written, folder=folder)
    results["score"] = call(
        "score", "model", "list.csv", "--out", "scored.csv", "--suppress", "customers.csv", folder=folder
    )
    return results


@pytest.fixture(scope="module")
def again(chain, folder, tmp_path_factory):
    """The same training twice more, from another folder: on one core with --json, on two with --quiet."""
    elsewhere = tmp_path_factory.mktemp("again")
    for name in ("customers.csv", "list.csv"):
        shutil.copy(folder / name, elsewhere / name)
    words = ("train", elsewhere / "customers.csv", "--list", elsewhere / "list.csv", "--settings", folder / "icp.yaml")
    return elsewhere, {
        "json": call(*words, "--out", elsewhere / "one", "--jobs", "1", "--json"),
        "quiet": call(*words, "--out", elsewhere / "two", "--jobs", "2", "--quiet"),
    }


@pytest.mark.parametrize("command", ["init", "check", "train", "report", "score"])
def test_the_chain_works_and_says_something(chain, command):
    result = chain[command]
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.strip()) > 40
    assert "\x1b" not in result.stdout
    assert "Traceback" not in result.output


def test_the_chain_leaves_what_it_names(chain, folder):
    made = {"icp.yaml", "model", "report.html", "profile.pptx", "profile.md", "scored.csv"}
    assert {path.name for path in folder.iterdir()} >= made
    assert zipfile.is_zipfile(folder / "profile.pptx")
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    scored = pd.read_csv(folder / "scored.csv", dtype=str)
    assert len(scored) == len(market())
    assert set(scored["model_version"]) == {ICPModel.load(folder / "model").version}
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "profile.md").read_text(encoding="utf-8").startswith("# Ideal customer profile")


def test_each_step_names_the_next(chain):
    said = {command: " ".join(result.stdout.split()) for command, result in chain.items()}
    assert "icp-ml check customers.csv --list list.csv --settings icp.yaml" in said["init"]
    assert "Ready to train on" in said["check"]
    assert "icp-ml report model" in said["train"]
    assert "icp-ml score model" in said["train"]


def test_progress_goes_to_stderr_only(chain):
    assert "permutation test" in chain["train"].stderr
    assert "[ 0%] read customers" in chain["train"].stderr.replace("  ", " ")
    for command in ("init", "check", "train", "report", "score"):
        assert "%] " not in chain[command].stdout


def once_more(command, how, folder, again):
    """Run a command of the chain again, writing under another name."""
    if command == "train":
        return again[1][how]
    words = {
        "init": ("init", "customers.csv", "--out", f"{how}.yaml"),
        "check": ("check", "customers.csv", "--list", "list.csv"),
        "report": ("report", "model", "--markdown", f"{how}.md"),
        "score": ("score", "model", "list.csv", "--out", f"{how}.parquet", "--capacity", "10"),
    }[command]
    return call(*words, f"--{how}", folder=folder)


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("init", {"settings"}),
        ("check", {"labels", "columns", "source", "refused"}),
        ("train", {"model", "model_version", "labels", "profile", "evaluation", "columns", "seconds", "tracking"}),
        ("report", {"model_version", "profile", "evaluation", "written"}),
        ("score", {"rows", "scored", "ineligible", "suppressed", "rejected", "tiers", "out", "model_version"}),
    ],
)
def test_json_is_one_object_and_nothing_else(again, folder, command, keys):
    result = once_more(command, "json", folder, again)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    answer = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert keys <= set(answer)


@pytest.mark.parametrize("command", ["init", "check", "train", "report", "score"])
def test_quiet_says_nothing(again, folder, command):
    result = once_more(command, "quiet", folder, again)
    assert result.exit_code == 0
    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "Usage"),
        (("--help",), 0, "Usage"),
        (("trian", "x"), 2, "No such command"),
        (("train", "customers.csv"), 2, "Missing option '--out'"),
        (("train",), 2, "Missing argument"),
        (("score", "model", "list.csv", "--out", "x.csv", "--reasons", "99"), 2, "Invalid value for '--reasons'"),
        (("check", "nowhere.csv"), 2, "nowhere.csv: there is no such file"),
        (
            ("check", "customers.csv", "--as-of", "yesterday"),
            2,
            "--as-of 'yesterday': not a date; write it as 2026-10-01",
        ),
        (("check", "customers.csv", "--settings", "nowhere.yaml"), 2, "nowhere.yaml"),
        (("report", "nowhere"), 2, "nowhere: no such directory"),
        (("report", "model", "--html", "no/where.html"), 2, "the folder no does not exist"),
        (("report", "model", "--slide", "no/where.png"), 2, "the folder no does not exist"),
        (("report", "nowhere", "--slide", "slide.pdf"), 2, "slide.pdf: a slide ends in .pptx"),
        (("score", "model", "list.csv", "--out", "x.txt"), 2, "must end in .csv or .parquet"),
        (("score", "model", "list.csv", "--out", "list.csv"), 2, "the list itself"),
        (("score", "model", "list.csv", "--out", "x.csv", "--keep", "Nope"), 2, "--keep names 'Nope'"),
        (("init", "customers.csv", "--out", "icp.yaml"), 2, "icp.yaml: exists already"),
        (("train", "customers.csv", "--out", "list.csv"), 2, "exists and is not a model directory"),
        (("check", "few.csv"), 1, "Training would be refused"),
    ],
)
def test_exit_codes(chain, folder, words, code, says):
    customers().head(60).to_csv(folder / "few.csv", index=False)
    result = call(*words, folder=folder)
    assert result.exit_code == code, result.output
    assert says in " ".join(result.output.split())
    assert "Traceback" not in result.output
    if code == 2 and words:
        assert result.stdout == ""
    assert not (folder / "x.csv").exists()


def test_debug_shows_the_traceback(folder):
    with pytest.raises(ValueError, match="there is no such file"):
        call("check", "nowhere.csv", "--debug", folder=folder)


def contents(model: Path) -> dict[str, bytes]:
    return {str(path.relative_to(model)): path.read_bytes() for path in sorted(model.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("jobs", ["one", "two"])
def test_the_same_training_gives_the_same_bytes(chain, folder, again, jobs):
    """Whatever the number of cores and the folder."""
    first, second = contents(folder / "model"), contents(again[0] / jobs)
    assert {"manifest.json", "tables.npz", "settings.yaml", "profile.json"} <= set(first)
    assert list(second) == list(first)
    assert [name for name in first if second[name] != first[name]] == []


def test_scores_do_not_depend_on_jobs_or_on_the_run(chain, folder):
    for name, jobs in (("one.parquet", "1"), ("two.parquet", "2")):
        words = ("score", "model", "list.csv", "--out", name, "--suppress", "customers.csv", "--jobs", jobs, "--quiet")
        assert call(*words, folder=folder).exit_code == 0
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()


def test_kept_columns_mapping_and_lookalikes_by_name(chain, folder):
    renamed = market().rename(columns={"Industry": "Branche"})
    renamed.to_csv(folder / "other.csv", index=False)
    (folder / "mapping.yaml").write_text("Branche: industry\n", encoding="utf-8")
    words = (
        "score",
        "model",
        "other.csv",
        "--mapping",
        "mapping.yaml",
        "--out",
        "other_scored.csv",
        "--keep",
        "Branche,Company City",
    )
    result = call(
        *words, "--suppress", "customers.csv", "--lookalikes", "1", "--reasons", "2", "--quiet", folder=folder
    )
    assert result.exit_code == 0, result.stderr
    other, first = (
        pd.read_csv(folder / name, dtype=str, keep_default_na=False) for name in ("other_scored.csv", "scored.csv")
    )
    assert list(other["Branche"]) == list(market()["Industry"])
    assert "Company City" in other.columns
    shared = [name for name in other.columns if name in first.columns]
    pd.testing.assert_frame_equal(other[shared], first[shared])
    assert {"reason_2", "lookalike_1"} <= set(other.columns)
    assert not {"reason_3", "lookalike_2"} & set(other.columns)
    assert set(other["lookalike_1"][other["status"] == "scored"]) <= set(customers()["Account Name"])


def test_a_registered_model_is_found_by_its_address(chain, folder, tmp_path):
    pytest.importorskip("mlflow")
    settings = yaml.safe_load((folder / "icp.yaml").read_text(encoding="utf-8"))
    settings["tracking"] = {"uri": f"sqlite:///{tmp_path / 'mlflow.db'}"}
    (tmp_path / "icp.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    words = (
        "train",
        folder / "customers.csv",
        "--list",
        folder / "list.csv",
        "--out",
        tmp_path / "model",
        "--register",
        "icp-test",
    )
    words += ("--seed", "7", "--as-of", "2026-09-01")
    trained = call(*words, "--settings", tmp_path / "icp.yaml", "--json", folder=tmp_path)
    assert trained.exit_code == 0, trained.stderr
    assert json.loads(trained.stdout)["tracking"]["MLflow model"] == "models:/icp-test/1"
    words = ("score", "models:/icp-test/1", folder / "list.csv", "--out", tmp_path / "scored.parquet")
    scored = call(*words, "--settings", tmp_path / "icp.yaml", "--json", folder=tmp_path)
    assert scored.exit_code == 0, scored.stderr
    model = ICPModel.load(tmp_path / "model")
    assert json.loads(scored.stdout)["model_version"] == model.version
    assert (model.settings.random_state, str(model.settings.as_of)) == (7, "2026-09-01")
    assert model.version != ICPModel.load(folder / "model").version
    direct = call("score", tmp_path / "model", folder / "list.csv", "--out", tmp_path / "direct.parquet", "--quiet")
    assert direct.exit_code == 0
    assert (tmp_path / "scored.parquet").read_bytes() == (tmp_path / "direct.parquet").read_bytes()
    unknown = call("report", "models:/icp-test/9", "--settings", tmp_path / "icp.yaml", folder=tmp_path)
    assert unknown.exit_code == 2
    assert "versions: 1" in " ".join(unknown.stderr.split())
