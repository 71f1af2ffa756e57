"""`icp-ml check` and `train` look the customers up on the list: what they say, write, take back, and never do."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from icp_ml import ICPModel
from icp_ml.cli import app
from icp_ml.datasets import make_world
from icp_ml.datasets.vendors import as_crm_export, as_purchased_list

QUICK = "model: {bags: 2}\nevaluation: {folds: 2, repeats: 1}\ntracking: {enabled: false}\n"
HEADERS = [
    "Account ID", "Account Name", "Website", "Industry", "# Employees", "Billing Country", "Billing City",
    "Year Founded", "Customer Since", "Churn Date", "Churned", "NRR (12m)", "NPS",
]  # fmt: skip
LISTED = ["Company ID", "Company Name", "Website", "Industry", "Employee Range", "Company Country", "Company City",
          "Founded Year", "Technologies"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """300 customers, four fifths of them among the 700 accounts of a list; ten have no website and a twin there."""
    folder = tmp_path_factory.mktemp("found")
    world = make_world(300, 450, seed=4, null=True)
    customers = as_crm_export(world.customers)[HEADERS]
    own = world.customers.reindex(columns=world.market.columns)[np.arange(300) % 5 > 0]
    listed = as_purchased_list(pd.concat([world.market, own, own.head(10)], ignore_index=True))[LISTED]
    listed["Company ID"] = [f"v{i:04d}" for i in range(len(listed))]
    listed.loc[listed.index[-10:], "Website"] = ""
    twins = listed["Company Name"].tail(10)
    customers.loc[customers["Account Name"].isin(twins), "Website"] = ""
    customers.to_csv(folder / "customers.csv", index=False)
    listed.to_csv(folder / "list.csv", index=False)
    listed.to_parquet(folder / "list.parquet")
    listed[["Company ID", *LISTED[3:]]].to_csv(folder / "bare.csv", index=False)
    (folder / "quick.yaml").write_text(QUICK, encoding="utf-8")
    (folder / "dated.yaml").write_text(f"{QUICK}matching: {{list_date: 2020-01-01}}\n", encoding="utf-8")
    return folder


def call(folder, *words):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(
            app, [str(word) for word in words], env={"COLUMNS": "100", "NO_COLOR": "1"}, catch_exceptions=False
        )


def answer(folder, *words):
    result = call(folder, *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def check(folder, *words, market="list.csv"):
    return answer(folder, "check", "customers.csv", "--list", market, "--settings", "quick.yaml", *words)


@pytest.fixture(scope="module")
def checked(folder):
    return check(folder, "--review", "review.csv")


@pytest.fixture(scope="module")
def trained(folder):
    words = ("train", "customers.csv", "--list", "list.csv", "--settings", "dated.yaml", "--review", "undecided.csv")
    return call(folder, *words, "--out", "model")


def test_check_counts_who_was_found_and_how(checked):
    found = checked["matching"]
    assert found["customers"] == 300
    assert 210 <= found["matched"] <= 240
    assert found["matched"] + found["review"] + found["none"] == 300
    assert found["how"]["domain"] > 150
    assert checked["enrichment"]["policy"] == "auto"
    assert not checked["enrichment"]["enriched"]
    assert {"best", "worst"} <= set(checked["enrichment"]["matched_shares"])


def test_those_in_doubt_are_written_for_a_person_and_what_they_decide_is_taken(folder, checked):
    assert checked["written"] == {"review table": "review.csv"}
    table = pd.read_csv(folder / "review.csv", dtype=str)
    assert len(table) == checked["matching"]["review"] >= 5
    table.loc[0, "decision"] = table.loc[0, "candidate_1_id"]
    table.loc[1, "decision"] = "none"
    table.to_csv(folder / "decided.csv", index=False)
    after = check(folder, "--matches", "decided.csv")
    assert after["matching"]["review"] == checked["matching"]["review"] - 2
    assert after["matching"]["matched"] == checked["matching"]["matched"] + 1
    assert after["matching"]["how"]["decided by a person"] == 1
    assert "--matches decided.csv" in after["next"]


def test_the_terminal_says_it_and_where_the_rest_is(folder):
    words = ("check", "customers.csv", "--list", "list.csv", "--settings", "quick.yaml")
    text = " ".join(call(folder, *words).stdout.split())
    assert "of 300 customers" in text
    assert "--review FILE.csv writes those in doubt" in text
    assert "to use them, set matching: {enrich: always}." in text
    text = " ".join(call(folder, *words, "--review", "again.csv").stdout.split())
    assert "--review FILE.csv writes" not in text
    assert "fill in its column decision, then --matches again.csv" in text


def test_the_whole_list_is_looked_at_and_not_only_the_sample(folder, checked, monkeypatch):
    for room in ("sources", "matching"):
        monkeypatch.setattr(f"icp_ml.commands.{room}.LIST_ROWS", 60)
    sampled = check(folder, market="list.parquet")
    assert sampled["list"]["rows_read"] < 100
    assert sampled["matching"] == checked["matching"]


def test_a_list_without_names_is_a_note_and_no_failure(folder):
    told = check(folder, "--review", "nobody.csv", market="bare.csv")
    assert told["matching"] is None
    assert told["enrichment"] is None
    assert sum("customers were not looked for" in note for note in told["list"]["notes"]) == 1
    assert not (folder / "nobody.csv").exists()
    words = ("train", "customers.csv", "--list", "bare.csv", "--settings", "quick.yaml", "--out", "bare")
    done = call(folder, *words)
    assert done.exit_code == 0
    assert " ".join(done.stdout.split()).count("customers were not looked for") == 1
    assert "matching" not in ICPModel.load(folder / "bare").data_report


def test_a_list_too_long_to_be_held_is_a_note_too(folder, monkeypatch):
    monkeypatch.setattr("icp_ml.accounts.matching.finding.MOST_LISTED", 100)
    monkeypatch.setattr("icp_ml.commands.matching.LIST_ROWS", 60)
    told = check(folder)
    assert told["matching"] is None
    assert any("customers were not looked for on it: more than 100 accounts" in n for n in told["list"]["notes"])


def test_training_takes_the_list_s_values_where_that_is_safe_and_says_so(folder, trained):
    assert trained.exit_code == 0, trained.stderr
    text = " ".join(trained.stdout.split())
    assert "Training uses the list's values of" in text
    assert "of 300 customers" in text
    model = ICPModel.load(folder / "model")
    plan = model.data_report["enrichment"]
    assert plan["enriched"]
    assert "technologies" in plan["fields_used"]
    assert model.data_report["matching"]["matched"] == plan["matched"]
    verdicts = {c["field"]: c for c in model.data_report["columns"]["columns"]}
    assert 0.3 < verdicts["technologies"]["coverage_customers"] < 0.8
    assert (folder / "undecided.csv").exists()


def test_the_report_of_the_model_says_it_as_well(folder, trained):
    assert call(folder, "report", "model", "--html", "report.html").exit_code == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Customers on the list" in page
    assert "Training uses the list" in page


def test_the_model_is_the_same_from_elsewhere_and_from_a_list_that_is_streamed(folder, trained, tmp_path, monkeypatch):
    for name in ("customers.csv", "list.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    monkeypatch.setattr("icp_ml.commands.matching.LIST_ROWS", 60)  # no list is short enough to be held whole
    words = ("train", tmp_path / "customers.csv", "--list", tmp_path / "list.csv", "--settings", "dated.yaml")
    again = answer(folder, *words, "--out", tmp_path / "model", "--jobs", "1")
    assert again["model_version"] == ICPModel.load(folder / "model").version
    assert again["matching"]["review"] > 0
    assert again["enrichment"]["enriched"]


def test_without_a_list_there_is_nothing_to_find(folder):
    for option in ("--review", "--matches"):
        result = call(folder, "check", "customers.csv", option, "some.csv")
        assert result.exit_code == 2
        assert "add --list LIST" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("r.xlsx", None, "name a file ending in .csv"),
        ("no/r.csv", None, "the folder no does not exist"),
        ("own.csv", "a,b\n1,2\n", "exists and is no review table"),
        ("mine.csv", "customer_id,decision\nx,none\n", "exists and holds 1 decision; give it as --matches mine.csv"),
    ],
)
def test_a_review_table_overwrites_nothing_and_goes_nowhere_else(folder, name, content, says):
    if content is not None:
        (folder / name).write_text(content, encoding="utf-8")
    result = call(folder, "check", "absent.csv", "--list", "list.csv", "--review", name)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    if content is not None:
        assert (folder / name).read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "wrong.csv"),
        ("a,b\n1,2\n", "there is no column 'customer_id'"),
        ("customer_id,decision\n{customer},nobody-knows\n", "account id 'nobody-knows' is not on the list"),
    ],
)
def test_decisions_that_cannot_be_used_end_the_command(folder, content, says):
    path = folder / "wrong.csv"
    path.unlink(missing_ok=True)
    if content is not None:
        first = pd.read_csv(folder / "customers.csv", dtype=str)["Account ID"][0]
        path.write_text(content.format(customer=first), encoding="utf-8")
    words = ("customers.csv", "--list", "list.csv", "--settings", "quick.yaml", "--matches", "wrong.csv")
    for command in (("check",), ("train", "--out", "unmade")):
        result = call(folder, *command, *words)
        assert result.exit_code == 2
        assert says in " ".join(result.stderr.split())
    assert not (folder / "unmade").exists()


def test_a_review_table_with_nobody_in_it_is_written_and_read(folder, tmp_path):
    two = pd.read_csv(folder / "list.csv", dtype=str).head(60).assign(**{"Company Name": "Quite Different"})
    two["Website"] = [f"different{i}.org" for i in range(60)]
    two.to_csv(tmp_path / "other.csv", index=False)
    review = tmp_path / "none.csv"
    told = check(folder, "--review", review, market=tmp_path / "other.csv")
    assert told["matching"]["review"] == 0
    assert review.read_text(encoding="utf-8").startswith("customer_id,decision,")
    assert check(folder, "--matches", review, market=tmp_path / "other.csv")["matching"] == told["matching"]
