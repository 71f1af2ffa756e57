"""`icp-ml check`: the answer and its page, on terminals of any kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from icp_ml.cli import app
from tests.small_run import customers, market


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")
    customers().to_csv(folder / "customers.csv", index=False)
    customers().head(60).to_csv(folder / "few.csv", index=False)
    market().to_csv(folder / "list.csv", index=False)
    return folder


def call(folder, *words):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(
            app, ["check", *words], env={"COLUMNS": "100", "NO_COLOR": "1"}, catch_exceptions=False
        )


@pytest.fixture(scope="module")
def checked(folder):
    words = ("customers.csv", "--list", "list.csv", "--as-of", "2026-10-01", "--html", "check.html")
    return call(folder, *words)


def test_the_answer_is_the_first_line_and_the_next_step_is_what_to_type(checked):
    assert checked.exit_code == 0
    first, *rest = checked.stdout.splitlines()
    assert first.startswith("Ready to train on ")
    assert "Next: icp-ml train customers.csv --list list.csv --as-of 2026-10-01 --out model" in rest
    assert rest[-1] == "The same with charts: check.html"


def test_the_page_says_the_same_as_the_terminal(checked, folder):
    html = (folder / "check.html").read_text(encoding="utf-8")
    first = checked.stdout.splitlines()[0].removeprefix("Ready to train on ")
    assert f"On {first}" in html
    for title in ("How customers are judged", "At the boundary", "Customers against the list"):
        assert title in html
    assert html.count('class="chart"') == 2
    assert "--html" not in html
    assert str(folder) not in html


def test_json_holds_the_figures(folder, checked):
    words = ("customers.csv", "--list", "list.csv", "--as-of", "2026-10-01", "--json", "--html", "again.html")
    answer = json.loads(call(folder, *words).stdout)
    assert {"source", "list", "labels", "audit", "distribution", "columns", "refused", "next", "written"} <= set(answer)
    assert answer["written"] == {"HTML report": "again.html"}
    assert (folder / "again.html").read_bytes() == (folder / "check.html").read_bytes()
    counts = answer["labels"]["counts"]
    drawn = sum(map(sum, (answer["distribution"][name] for name in ("best", "middle", "worst"))))
    assert 0 < drawn <= counts["mature"]


def test_a_refusal_is_a_report_too(folder):
    result = call(folder, "few.csv", "--html", "few.html")
    assert result.exit_code == 1
    assert result.stdout.startswith("Training would be refused.")
    assert "<h1>Not ready to train</h1>" in (folder / "few.html").read_text(encoding="utf-8")


def test_a_page_in_a_folder_that_is_not_there_is_refused_before_anything_is_read(folder):
    result = call(folder, "nowhere.csv", "--html", "no/where.html")
    assert result.exit_code == 2
    assert "the folder no does not exist" in " ".join(result.stderr.split())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_unicode_gets_plain_characters(folder, encoding):
    command = [sys.executable, "-m", "icp_ml.cli", "check", "customers.csv", "--list", "list.csv"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "80"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    text = done.stdout.decode(encoding)
    assert done.returncode == 0, done.stderr
    assert "internal error" not in done.stderr.decode(encoding)
    assert "#####" in text
    assert " -0." in text  # the composite below the average
    assert "?" not in text
