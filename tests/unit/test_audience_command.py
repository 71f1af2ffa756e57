from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from icp_ml.cli import app
from tests.scored_file import account, rows_of, write_scored


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    accounts = [account(1, Ort="Köln"), account(2, tier="B"), account(3, tier="C"), account(4, domain=None)]
    write_scored(tmp_path / "scored.csv", accounts)
    (tmp_path / "contacts.csv").write_text("Email\njane@acme1.com\njoe@acme2.com\n", encoding="utf-8")
    return tmp_path


def call(*words):
    return CliRunner().invoke(
        app, ["export-audience", *words], env={"COLUMNS": "120", "NO_COLOR": "1"}, catch_exceptions=False
    )


def test_what_goes_out_and_what_stays_is_said(folder):
    result = call("scored.csv", "--format", "linkedin", "--out", "linkedin.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    said = " ".join(result.stdout.split())
    assert "2 of 4 accounts go out (tiers A, B) 1 in other tiers, 1 kept back" in said
    assert "1 neither domain nor LinkedIn page" in said
    assert "Written linkedin.csv Kept back linkedin.csv.rejects.csv" in said
    assert [row["companyname"] for row in rows_of(folder / "linkedin.csv")] == ["Acme 1", "Acme 2"]


def test_people_are_counted_too(folder):
    result = call("scored.csv", "--format", "google", "--out", "g.csv", "--contacts", "contacts.csv", "--tiers", "a")
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    assert "1 of 4 accounts go out (tiers A) with 1 person" in said
    assert "2 contacts: 1 go out, 1 of other accounts, 0 kept back" in said


def test_json_is_one_object_and_quiet_is_quiet(folder):
    result = call("scored.csv", "--format", "hubspot", "--out", "h.csv", "--json", "--limit", "1")
    assert result.stdout.count("\n") == 1
    answer = json.loads(result.stdout)
    assert (answer["format"], answer["written"], answer["beyond_limit"]) == ("hubspot", 1, 2)
    result = call("scored.csv", "--format", "hubspot", "--out", "h.csv", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_a_mapping_file_names_columns(folder):
    (folder / "m.yaml").write_text("Ort: city\n", encoding="utf-8")
    assert call("scored.csv", "--format", "linkedin", "--out", "l.csv", "--mapping", "m.yaml").exit_code == 0
    assert rows_of(folder / "l.csv")[0]["city"] == "Köln"
    (folder / "m.yaml").write_text("Ort: town\n", encoding="utf-8")
    result = call("scored.csv", "--format", "linkedin", "--out", "l.csv", "--mapping", "m.yaml")
    assert result.exit_code == 2
    assert "m.yaml: 'Ort': 'town' is no field, nor one of email" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("scored.csv", "--format", "meta", "--out", "m.csv"), "Meta matches people, not companies"),
        (("scored.csv", "--format", "meta", "--out", "m.csv", "--contacts", "nowhere.csv"), "there is no such file"),
        (("contacts.csv", "--format", "linkedin", "--out", "l.csv"), "so it is no scored file"),
        (("scored.csv", "--format", "linkedin", "--out", "scored.csv"), "written over a file that is read"),
        (("scored.csv", "--format", "linkedin", "--out", "l.csv", "--limit", "0"), "Invalid value for '--limit'"),
    ],
)
def test_errors_are_sentences_with_exit_code_2(folder, words, says):
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert not (folder / words[4]).exists() or words[4] == "scored.csv"
