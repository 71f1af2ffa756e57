"""Odd input that is handled: the command does its work, ends with 0, and says once what it did."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

NO_CHURN = {"Churned": "No", "Churn Date": ""}


def _verdicts(checked: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {c["field"]: (c["verdict"], "; ".join(c["reasons"])) for c in checked["columns"]["columns"]}


def _all_rows(scored: dict[str, Any]) -> int:
    return int(scored["scored"] + scored["ineligible"] + scored["suppressed"] + scored["rejected"])


# --- customers -------------------------------------------------------------------------------------------------------


def test_no_churned_customers_says_who_the_worst_are(desk: Any, tmp_path: Path) -> None:
    words = desk.learn("check", desk.customers.assign(**NO_CHURN), tmp_path)
    checked = desk.answer(*words)
    assert checked["refused"] == []
    assert [n for n in checked["labels"]["notes"] if "No mature customer has churned" in n]
    assert desk.shown(*words).count("No mature customer has churned") == 1


def test_an_all_missing_field_is_named_and_left_out(desk: Any, tmp_path: Path) -> None:
    words = desk.learn("check", desk.customers.assign(**{"Year Founded": ""}), tmp_path)
    verdict = _verdicts(desk.answer(*words))["founded_year"]
    assert verdict == ("refuse", "nothing to learn from: no customer has a value")
    assert desk.shown(*words).count("no customer has a value") == 1


def test_100_000_different_tokens_are_handled(desk: Any, tmp_path: Path) -> None:
    tools = [";".join(f"tool {row}-{k}" for k in range(200)) for row in range(500)]
    verdicts = _verdicts(desk.answer(*desk.learn("check", desk.customers.assign(**{"Tech Stack": tools}), tmp_path)))
    assert verdicts["technologies"][0] == "refuse"
    assert "no token is shared" in verdicts["technologies"][1]


def test_100_000_different_values_of_a_text_field_are_handled(desk: Any, tmp_path: Path) -> None:
    part = desk.customers[["Industry", "# Employees", "Churned"]]
    frame = pd.concat([part] * 200, ignore_index=True)
    frame = frame.assign(Slogan=[f"slogan {k}" for k in range(len(frame))])
    checked = desk.answer(*desk.learn("check", frame, tmp_path))
    assert checked["columns"]["customers"] == 100_000
    assert _verdicts(checked)["slogan"][0] == "refuse"
    assert checked["refused"] == []


def test_infinite_and_negative_numbers_are_dropped_and_said(desk: Any, tmp_path: Path) -> None:
    frame = desk.customers.copy()
    frame.loc[:5, "# Employees"] = ["inf", "-inf", "Infinity", "-12", "1e999", "nan"]
    words = desk.learn("check", frame, tmp_path)
    column = next(c for c in desk.answer(*words)["source"]["columns"] if c["field"] == "employees")
    assert column["dropped"] == 5  # "nan" is a word for missing
    assert "# Employees" in desk.shown(*words)


def test_dates_in_the_future_are_left_out_and_said(desk: Any, tmp_path: Path) -> None:
    frame = desk.customers.copy()
    frame.loc[:9, "Customer Since"] = "2099-01-01"
    words = desk.learn("check", frame, tmp_path)
    notes = desk.answer(*words)["labels"]["notes"]
    assert [n for n in notes if "10 customers have a customer_since after the as-of date" in n]
    assert desk.shown(*words).count("customer_since after the as-of date") == 1


def test_customer_rows_that_do_not_parse_are_said_with_their_line(desk: Any, tmp_path: Path) -> None:
    words = desk.learn("check", desk.customers, tmp_path)
    path = tmp_path / "customers.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.insert(3, "too,few\n")
    path.write_text("".join(lines), encoding="utf-8")
    assert desk.answer(*words)["source"]["rows_rejected"] == 1
    assert "could not be parsed, the first on line 4" in desk.shown(*words)


def test_training_on_all_of_it_at_once_works_and_the_model_scores(desk: Any, tmp_path: Path) -> None:
    slogans = [f"slogan {k}" for k in range(len(desk.customers))]
    frame = desk.customers.assign(**NO_CHURN, **{"Year Founded": "", "Slogan": slogans})
    frame.loc[:3, "# Employees"] = ["inf", "-inf", "-12", "1e999"]
    frame.loc[4:6, "Customer Since"] = "2099-01-01"
    words = desk.learn("train", frame, tmp_path)
    with (tmp_path / "customers.csv").open("a", encoding="utf-8") as file:
        file.write("one,cell,too,few\n")
    verdicts = _verdicts(desk.answer(*words))
    assert {name for name, (verdict, _) in verdicts.items() if verdict == "accept"} == {
        "industry", "employees", "country", "technologies"
    }  # fmt: skip
    scored = desk.answer("score", tmp_path / "model", desk.folder / "list.csv", "--out", tmp_path / "out.csv")
    assert _all_rows(scored) == scored["rows"] == 300


# --- lists -----------------------------------------------------------------------------------------------------------


def _damaged_list(desk: Any, tmp_path: Path) -> tuple[Path, list[int], int]:
    """Return a list with rows that do not parse, their lines, and how many rows it has."""
    path = desk.written(desk.market, tmp_path, "damaged.csv")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    width = len(desk.market.columns)
    spoiled = {
        5: "too,few\n",
        9: ",".join(["x"] * (width + 3)) + "\n",
        12: "nul\0," + ",".join(["x"] * (width - 1)) + "\n",
        20: '=cmd,"never closed,1\n',  # the rows after it hold quotes themselves
    }
    for line, text in spoiled.items():
        lines.insert(line - 1, text)
    path.write_text("".join(lines), encoding="utf-8")
    return path, list(spoiled), len(desk.market) + len(spoiled)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_that_do_not_parse_are_rejected_and_accounted_for(desk: Any, tmp_path: Path, ending: str) -> None:
    path, bad, rows = _damaged_list(desk, tmp_path)
    out = tmp_path / f"out.{ending}"
    scored = desk.answer("score", desk.model, path, "--out", out)
    assert _all_rows(scored) == scored["rows"] == rows
    frame = pd.read_csv(out, dtype="str") if ending == "csv" else pd.read_parquet(out)
    assert len(frame) + scored["rejected"] == rows
    assert frame["account_id"].tolist() == desk.market["Company ID"].tolist()  # input order, nobody lost
    rejects = tmp_path / f"out.{ending}.rejects.csv"
    with rejects.open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [int(row["line"]) for row in told] == bad
    assert all(row["reason"] for row in told)
    assert told[-1]["text"].startswith("'=cmd")  # not a formula in a spreadsheet
    assert "rejects.csv" in desk.shown("score", desk.model, path, "--out", out)
    desk.written(desk.market, tmp_path, "damaged.csv")
    desk.answer("score", desk.model, path, "--out", out)
    assert not rejects.exists()  # those of the earlier run do not stay


def test_a_list_without_one_of_the_fields_is_scored_with_lower_coverage(desk: Any, tmp_path: Path) -> None:
    path = desk.written(desk.market.drop(columns=["Industry"]), tmp_path, "lacking.csv")
    scored = desk.answer("score", desk.model, path, "--out", tmp_path / "out.csv")
    whole = desk.answer("score", desk.model, desk.folder / "list.csv", "--out", tmp_path / "whole.csv")
    assert (scored["missing_fields"], whole["missing_fields"]) == (["industry"], [])
    assert scored["scored"] + scored["ineligible"] == scored["rows"] == 300  # of some, nothing else was known
    covered, before = (pd.read_csv(tmp_path / name)["coverage"] for name in ("out.csv", "whole.csv"))
    assert (covered <= before).all()
    assert covered.mean() < before.mean()
    assert "industry" in desk.shown("score", desk.model, path, "--out", tmp_path / "out.csv")


def test_odd_values_on_a_list_are_scored_as_missing(desk: Any, tmp_path: Path) -> None:
    odd = desk.market.assign(Technologies="")
    odd["Employee Range"] = ["inf", "-inf", "-5", "1e999", "nan", "many"] * 50
    odd["Founded Year"] = ["3024", "-1", "0", "12/2099", "soon", "inf"] * 50
    results = []
    for name, frame in (("odd", odd), ("without", odd.assign(**{"Employee Range": "", "Founded Year": ""}))):
        path = desk.written(frame, tmp_path, f"{name}.csv")
        scored = desk.answer("score", desk.model, path, "--out", tmp_path / f"{name}_out.csv")
        assert scored["scored"] + scored["ineligible"] == 300
        results.append(pd.read_csv(tmp_path / f"{name}_out.csv")["fit_score"])
    pd.testing.assert_series_equal(*results)


def test_a_list_with_100_000_different_values_in_a_field_is_scored(desk: Any, tmp_path: Path) -> None:
    path, out = tmp_path / "many.csv", tmp_path / "out.parquet"
    path.write_text("ID,Industry\n" + "".join(f"{k},industry {k}\n" for k in range(100_000)), encoding="utf-8")
    scored = desk.answer("score", desk.model, path, "--out", out, "--reasons", "1")
    assert scored["scored"] == scored["rows"] == 100_000
    assert pq.read_table(out, columns=["fit_score"]).column("fit_score").null_count == 0
