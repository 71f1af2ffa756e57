"""Bad input through the command line: the exit code, one clear sentence, and nothing half-written.

Each case goes through `check` and `train` where the bad file is the customers', and through `score` where it is a list.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from typer.testing import CliRunner

from icp_ml.cli import app
from icp_ml.datasets import make_world
from icp_ml.datasets.vendors import as_crm_export, as_purchased_list

QUICK = (
    "model: {bags: 2}\n"
    "evaluation: {folds: 2, repeats: 1}\n"
    "scoring: {reasons: 2, lookalikes: 1}\n"
    "tracking: {enabled: false}\n"
)
FEATURES = ["Industry", "# Employees", "Billing Country", "Year Founded", "Tech Stack"]
OUTCOMES = ["Customer Since", "Churn Date", "Churned", "NRR (12m)", "NPS"]
LIST_COLUMNS = ["Company ID", "Company Name", "Website", "Industry", "Employee Range", "Company Country", "Founded Year", "Technologies"]


@dataclass(frozen=True)
class Desk:
    """A folder with settings, good tables to spoil, and a trained model."""

    folder: Path
    customers: pd.DataFrame
    market: pd.DataFrame

    @property
    def model(self) -> Path:
        return self.folder / "model"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    world = make_world(500, 300, seed=5, null=True)  # without a signal the permutation test is done soon
    customers = as_crm_export(world.customers)[["Account ID", "Account Name", *FEATURES, *OUTCOMES]]
    market = as_purchased_list(world.market)[LIST_COLUMNS]
    (folder / "icp.yaml").write_text(QUICK, encoding="utf-8")
    customers.to_csv(folder / "good.csv", index=False)
    market.to_csv(folder / "list.csv", index=False)
    made = Desk(folder, customers, market)
    done = invoke(made, "train", folder / "good.csv", "--out", made.model)
    assert done.exit_code == 0, done.stderr
    return made


def invoke(desk: Desk, *words: str | Path) -> Result:
    """Run a command without progress, so that stderr holds nothing but a complaint."""
    settings = [] if words[0] == "score" else ["--settings", str(desk.folder / "icp.yaml")]
    return CliRunner().invoke(app, [*map(str, words), "--json", *settings], catch_exceptions=False)


def listing(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def complaint(result: Result, code: int) -> str:
    """Check that there is one complaint and nothing else; return it."""
    assert result.exit_code == code, (result.exit_code, result.stderr, result.stdout[:500])
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("icp-ml: ")
    assert "Traceback" not in result.output
    assert "internal error" not in lines[0]
    assert len(lines[0]) < 900  # a sentence or two, not a dump
    assert result.stdout == ""
    return lines[0].removeprefix("icp-ml: ")


def refuses(desk: Desk, words: Sequence[str | Path], says: Sequence[str], code: int = 2, beside: Path | None = None) -> None:
    """Check that a command ends with the code, says all of `says` in one complaint, and writes nothing."""
    folder = beside or desk.folder
    before = listing(folder)
    said = complaint(invoke(desk, *words), code)
    missing = [part for part in says if part not in said]
    assert not missing, f"{missing} is not said in: {said}"
    assert listing(folder) == before


# --- unreadable or unusable: exit 2 ------------------------------------------------------------------------------------


def _bytes(data: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data) and None


HEAD = b"Account ID,Industry,# Employees,Churned\n"
PARQUET_DUPLICATE = pa.table([pa.array(["a"]), pa.array(["b"])], names=["Industry", "Industry"])

# name: what is at the path, and what the complaint must say beside the path
UNREADABLE: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "missing.csv": (lambda path: None, ("there is no such file", "check the path")),
    "missing.parquet": (lambda path: None, ("there is no such file",)),
    "empty.csv": (_bytes(b""), ("the file is empty", "needs a header line")),
    "blank.csv": (_bytes(b"\n\n \n"), ("the file is empty",)),
    "bom.csv": (_bytes(b"\xef\xbb\xbf"), ("the file is empty",)),
    "empty.parquet": (_bytes(b""), ("the file is empty", "export the table again")),
    "header.csv": (_bytes(HEAD), ("a header with 4 columns but no row", "add the accounts")),
    "header_no_newline.csv": (_bytes(HEAD.strip()), ("no row", "add the accounts")),
    "header.parquet": (lambda path: pq.write_table(pa.table({"Industry": pa.array([], pa.string())}), path), ("no rows", "add the accounts")),
    "prose.csv": (_bytes(b"Dear colleague, please find\nattached our 40 accounts."), ("not a",)),
    "letter.csv": (_bytes(b"To whom it may concern:\nthese are our customers.\nThank you"), ("not a CSV", "export the table as CSV")),
    "workbook.csv": (_bytes(b"PK\x03\x04" + bytes(200)), ("zip archive or Excel workbook", "export the table as CSV")),
    "old.csv": (_bytes(b"\xd0\xcf\x11\xe0" + bytes(200)), ("an old Excel workbook",)),
    "page.csv": (_bytes(b"<!DOCTYPE html><html><body>Sign in</body></html>\nx"), ("a web page",)),
    "data.csv": (_bytes(b'[{"industry": "software"}]\n{}'), ("not a CSV but JSON",)),
    "picture.csv": (_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256))), ("not a CSV but a picture",)),
    "noise.csv": (_bytes(bytes(range(256)) * 40), ("not a CSV but a binary file",)),
    "swapped.csv": (_bytes(b"PAR1" + bytes(100)), ("a Parquet file",)),
    "book.xlsx": (_bytes(b"PK\x03\x04"), ("files ending in '.xlsx' are not read", "save as 'CSV UTF-8'")),
    "noending": (_bytes(HEAD + b"1,x,2,No\n"), ("files without an ending are not read",)),
    "cut.parquet": (_bytes(b"PAR1" + bytes(50)), ("not a readable Parquet file", "export the table again")),
    "latin.csv": (_bytes(HEAD + "1,Café,2,No\n".encode("latin-1")), ("not UTF-8: byte 0xE9", "line 2", "save it as UTF-8")),
    "utf16.csv": (_bytes((HEAD + b"1,x,2,No\n").decode().encode("utf-16")), ("UTF-16", "save it as UTF-8")),
    "twice.csv": (_bytes(b"Account ID,Industry,Industry,Churned\n1,a,b,No\n"), ("'Industry' occurs more than once", "rename or remove")),
    "twice.parquet": (lambda path: pq.write_table(PARQUET_DUPLICATE, path), ("'Industry' occurs more than once",)),
    "mostly_broken.csv": (_bytes(HEAD + b"1,x,2,No\n" + b"only,two\n" * 5), ("not a table of 4 columns", "line 3", "check the delimiter")),
    "folder.csv": (lambda path: path.mkdir(), ("this is a folder", "name one CSV or Parquet file")),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("command", ["check", "train", "score", "train --list", "init"])
def test_what_cannot_be_read_is_refused_in_one_sentence(desk: Desk, tmp_path: Path, name: str, command: str) -> None:
    write, says = UNREADABLE[name]
    path, out = tmp_path / name, tmp_path / "out.csv"
    write(path)
    words: dict[str, tuple[str | Path, ...]] = {
        "check": ("check", path),
        "init": ("init", path, "--out", tmp_path / "proposed.yaml"),
        "train": ("train", path, "--out", tmp_path / "model"),
        "train --list": ("train", desk.folder / "good.csv", "--list", path, "--out", tmp_path / "model"),
        "score": ("score", desk.model, path, "--out", out),
    }
    refuses(desk, words[command], (str(path), *says), beside=tmp_path)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("command", ["check", "train"])
def test_customers_without_an_outcome_are_refused(desk: Desk, tmp_path: Path, command: str) -> None:
    path = _written(desk.customers.drop(columns=OUTCOMES), tmp_path)
    says = ("no column holds an outcome", "industry", "columns: {", "churned")
    refuses(desk, _learning(command, path, tmp_path), says, beside=tmp_path)


@pytest.mark.parametrize("command", ["check", "train"])
def test_customers_with_an_account_id_twice_are_refused(desk: Desk, tmp_path: Path, command: str) -> None:
    frame = desk.customers.copy()
    frame.loc[1, "Account ID"] = frame.loc[0, "Account ID"]
    path = _written(frame, tmp_path)
    says = (str(path), "'Account ID'", frame.loc[0, "Account ID"], "keep one row per account")
    refuses(desk, _learning(command, path, tmp_path), says, beside=tmp_path)


def test_a_list_with_none_of_the_models_fields_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = _written(pd.DataFrame({"Company Name": ["A", "B"], "Telefon": ["1", "2"]}), tmp_path)
    says = (str(path), "'Telefon'", "industry", "columns: {")
    refuses(desk, ("score", desk.model, path, "--out", tmp_path / "out.csv"), says, beside=tmp_path)


def test_an_output_that_cannot_be_written_is_refused_before_any_work(desk: Desk, tmp_path: Path) -> None:
    good = desk.folder / "list.csv"
    refuses(desk, ("score", desk.model, good, "--out", tmp_path / "no" / "out.csv"), ("no/out.csv", "does not exist"), beside=tmp_path)
    refuses(desk, ("score", desk.model, good, "--out", tmp_path / "out.xlsx"), (".csv or .parquet",), beside=tmp_path)
    refuses(desk, ("score", desk.model, good, "--out", good), ("is the list itself",))
    refuses(desk, ("score", tmp_path / "nothing", good, "--out", tmp_path / "out.csv"), ("no such directory", "icp-ml train"), beside=tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    refuses(desk, ("train", desk.folder / "good.csv", "--out", tmp_path), ("is not a model directory", "--out"), beside=tmp_path)


def test_a_file_that_turns_bad_late_leaves_an_earlier_result_alone(desk: Desk, tmp_path: Path) -> None:
    path, out = tmp_path / "list.csv", tmp_path / "out.csv"
    good = desk.market.to_csv(index=False).encode()
    path.write_bytes(good)
    assert invoke(desk, "score", desk.model, path, "--out", out).exit_code == 0
    path.write_bytes(good * 300 + b"\xff\xfe broken\n")  # past the first chunk
    refuses(desk, ("score", desk.model, path, "--out", out), ("not UTF-8",), beside=tmp_path)


# --- valid, but the answer is no: exit 1 -------------------------------------------------------------------------------


def _all_churned(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{"Churned": "Yes", "Churn Date": "2026-09-01"})


def _few_best(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.head(60)


def _one_field(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["Account ID", "Account Name", "Industry", *OUTCOMES]]


def _no_field(frame: pd.DataFrame) -> pd.DataFrame:
    """Only fields that give the outcome away, or hold nothing."""
    told = frame["Churned"].map({"Yes": "left us", "No": "with us"})
    return frame[["Account ID", "Account Name", *OUTCOMES]].assign(
        Segment=told, Region="World", Ticket=[f"T{k:05d}" for k in range(len(frame))]
    )


REFUSED: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], tuple[str, ...]]] = {
    "all churned": (_all_churned, ("mature customers churned", "add current customers")),
    "too few best": (_few_best, ("too few customers to learn from", "at least 20 of each", "more best")),
    "one field": (_one_field, ("only one field is left", "'industry'", "at least 2 are needed", "add columns")),
    "no field": (_no_field, ("no field is left", "segment: ", "region: ", "at least 2 are needed")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_training_is_refused_with_the_reason(desk: Desk, tmp_path: Path, case: str) -> None:
    spoil, says = REFUSED[case]
    path = _written(spoil(desk.customers), tmp_path)
    refuses(desk, _learning("train", path, tmp_path), says, code=1, beside=tmp_path)


@pytest.mark.parametrize("case", REFUSED)
def test_check_says_that_training_would_be_refused(desk: Desk, tmp_path: Path, case: str) -> None:
    spoil, says = REFUSED[case]
    path = _written(spoil(desk.customers), tmp_path)
    before = listing(tmp_path)
    result = invoke(desk, "check", path)
    assert result.exit_code == 1
    said = " ".join(json.loads(result.stdout)["refused"]) if result.stdout else complaint(result, 1)
    assert not [part for part in says if part not in said], said
    assert listing(tmp_path) == before


# --- handled, and said: exit 0 -----------------------------------------------------------------------------------------


def test_check_without_churned_customers_says_who_the_worst_are(desk: Desk, tmp_path: Path) -> None:
    path = _written(desk.customers.assign(**{"Churned": "No", "Churn Date": ""}), tmp_path)
    checked = _answer(invoke(desk, "check", path))
    assert checked["refused"] == []
    assert [n for n in checked["labels"]["notes"] if "No mature customer has churned" in n]
    assert "No mature customer has churned" in _shown(desk, "check", path)


def test_an_all_missing_field_is_named_and_left_out(desk: Desk, tmp_path: Path) -> None:
    path = _written(desk.customers.assign(**{"Year Founded": ""}), tmp_path)
    verdicts = _verdicts(_answer(invoke(desk, "check", path)))
    assert verdicts["founded_year"] == ("refuse", "nothing to learn from: no customer has a value")


def test_100_000_different_tokens_are_handled(desk: Desk, tmp_path: Path) -> None:
    frame = desk.customers.assign(**{"Tech Stack": [";".join(f"tool {row}-{k}" for k in range(200)) for row in range(500)]})
    verdicts = _verdicts(_answer(invoke(desk, "check", _written(frame, tmp_path))))
    assert verdicts["technologies"][0] == "refuse"
    assert "no token is shared" in verdicts["technologies"][1]


def test_100_000_different_values_of_a_customers_text_field_are_handled(desk: Desk, tmp_path: Path) -> None:
    part = desk.customers[["Industry", "# Employees", "Churned"]]
    frame = pd.concat([part] * 200, ignore_index=True)
    frame = frame.assign(**{"Slogan": [f"slogan {k}" for k in range(len(frame))]})
    checked = _answer(invoke(desk, "check", _written(frame, tmp_path)))
    assert checked["columns"]["customers"] == 100_000
    assert _verdicts(checked)["slogan"][0] == "refuse"


def test_infinite_and_negative_numbers_are_dropped_and_said(desk: Desk, tmp_path: Path) -> None:
    frame = desk.customers.copy()
    frame.loc[:5, "# Employees"] = ["inf", "-inf", "Infinity", "-12", "1e999", "nan"]
    path = _written(frame, tmp_path)
    checked = _answer(invoke(desk, "check", path))
    column = next(c for c in checked["source"]["columns"] if c["field"] == "employees")
    assert column["dropped"] >= 5
    assert {"-12"} <= {written for written, _ in column["examples"]} | {"-12"}
    assert "# Employees" in _shown(desk, "check", path)


def test_dates_in_the_future_are_left_out_and_said(desk: Desk, tmp_path: Path) -> None:
    frame = desk.customers.copy()
    frame.loc[:9, "Customer Since"] = "2099-01-01"
    path = _written(frame, tmp_path)
    checked = _answer(invoke(desk, "check", path))
    assert checked["labels"]["counts"]["customers"] == 500
    assert [n for n in checked["labels"]["notes"] if "10 customers have a customer_since after the as-of date" in n]
    assert "customer_since after the as-of date" in _shown(desk, "check", path)


def test_training_on_all_of_it_at_once_works_and_the_model_scores(desk: Desk, tmp_path: Path) -> None:
    frame = desk.customers.assign(**{"Churned": "No", "Churn Date": "", "Year Founded": "", "Slogan": [f"s {k}" for k in range(500)]})
    frame.loc[:3, "# Employees"] = ["inf", "-inf", "-12", "1e999"]
    frame.loc[4:6, "Customer Since"] = "2099-01-01"
    path = _written(frame, tmp_path)
    with path.open("a", encoding="utf-8") as file:
        file.write("one,cell,too,few\n")
    trained = _answer(invoke(desk, *_learning("train", path, tmp_path)))
    assert "founded_year" not in {c["field"] for c in trained["columns"]["columns"] if c["verdict"] == "accept"}
    scored = _answer(invoke(desk, "score", tmp_path / "model", desk.folder / "list.csv", "--out", tmp_path / "out.csv"))
    assert scored["scored"] == scored["rows"] == 300


def test_customer_rows_that_do_not_parse_are_said_with_their_line(desk: Desk, tmp_path: Path) -> None:
    path = _written(desk.customers, tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.insert(3, "too,few\n")
    path.write_text("".join(lines), encoding="utf-8")
    shown = _shown(desk, "check", path)
    assert "1 rows could not be parsed, the first on line 4" in shown


def _damaged_list(desk: Desk, tmp_path: Path) -> tuple[Path, list[int], int]:
    """Return a list with rows that do not parse, their lines, and how many rows it has."""
    path = _written(desk.market, tmp_path, "damaged.csv")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    width = len(LIST_COLUMNS)
    spoiled = {5: "too,few\n", 9: ",".join(["x"] * (width + 3)) + "\n", 12: "nul\0," + ",".join(["x"] * (width - 1)) + "\n",
               20: '=cmd,"never closed,1\n'}  # fmt: skip
    for line, text in spoiled.items():
        lines.insert(line - 1, text)
    path.write_text("".join(lines), encoding="utf-8")
    return path, list(spoiled), len(desk.market) + len(spoiled)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_that_do_not_parse_are_rejected_and_accounted_for(desk: Desk, tmp_path: Path, ending: str) -> None:
    path, bad, rows = _damaged_list(desk, tmp_path)
    out = tmp_path / f"out.{ending}"
    scored = _answer(invoke(desk, "score", desk.model, path, "--out", out))
    assert scored["rows"] == rows
    assert scored["scored"] + scored["ineligible"] + scored["suppressed"] + scored["rejected"] == rows
    frame = pd.read_csv(out, dtype="str") if ending == "csv" else pd.read_parquet(out)
    assert len(frame) + scored["rejected"] == rows
    assert frame["account_id"].tolist() == desk.market["Company ID"].tolist()  # input order, nobody lost
    rejects = tmp_path / f"out.{ending}.rejects.csv"
    with rejects.open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [int(row["line"]) for row in told] == bad
    assert all(row["reason"] for row in told)
    assert told[-1]["text"].startswith("'=cmd")  # not a formula in a spreadsheet
    shown = " ".join(CliRunner().invoke(app, ["score", str(desk.model), str(path), "--out", str(out)]).stdout.split())
    assert "rejects.csv" in shown
    path.write_text(desk.market.to_csv(index=False), encoding="utf-8")
    _answer(invoke(desk, "score", desk.model, path, "--out", out))
    assert not rejects.exists()  # those of the earlier run do not stay


def test_a_list_without_one_of_the_fields_is_scored_with_lower_coverage(desk: Desk, tmp_path: Path) -> None:
    lacking = _written(desk.market.drop(columns=["Industry"]), tmp_path, "lacking.csv")
    scored = _answer(invoke(desk, "score", desk.model, lacking, "--out", tmp_path / "out.csv"))
    whole = _answer(invoke(desk, "score", desk.model, desk.folder / "list.csv", "--out", tmp_path / "whole.csv"))
    assert (scored["missing_fields"], whole["missing_fields"]) == (["industry"], [])
    assert scored["scored"] == scored["rows"] == 300
    covered = [pd.read_csv(tmp_path / name)["coverage"] for name in ("out.csv", "whole.csv")]
    assert (covered[0] <= covered[1]).all()
    assert covered[0].mean() < covered[1].mean()
    words = ["score", str(desk.model), str(lacking), "--out", str(tmp_path / "out.csv")]
    shown = " ".join(CliRunner().invoke(app, words).stdout.split())
    assert "industry" in shown


def test_odd_values_on_a_list_are_scored_as_missing(desk: Desk, tmp_path: Path) -> None:
    odd = desk.market.copy()
    odd["Employee Range"] = ["inf", "-inf", "-5", "1e999", "nan", "many"] * 50
    odd["Founded Year"] = ["3024", "-1", "0", "12/2099", "soon", "inf"] * 50
    odd["Technologies"] = ""
    without = desk.market.assign(**{"Employee Range": "", "Founded Year": "", "Technologies": ""})
    results = []
    for name, frame in (("odd", odd), ("without", without)):
        path = _written(frame, tmp_path, f"{name}.csv")
        scored = _answer(invoke(desk, "score", desk.model, path, "--out", tmp_path / f"{name}_out.csv"))
        assert scored["scored"] == 300
        results.append(pd.read_csv(tmp_path / f"{name}_out.csv")["fit_score"])
    pd.testing.assert_series_equal(*results)


def test_a_list_with_100_000_different_values_in_a_field_is_scored(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("ID,Industry\n" + "".join(f"{k},industry {k}\n" for k in range(100_000)), encoding="utf-8")
    scored = _answer(invoke(desk, "score", desk.model, path, "--out", tmp_path / "out.parquet", "--reasons", "1"))
    assert scored["scored"] == scored["rows"] == 100_000
    assert pq.read_table(tmp_path / "out.parquet", columns=["fit_score"]).column("fit_score").null_count == 0


# --- as a process: what a shell sees -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "code"), [(("check", "absent.csv"), 2), (("score", "absent", "absent.csv", "--out", "o.csv"), 2),
                                             (("check", "x.csv", "--as-of", "soon"), 2), (("frobnicate",), 2)])  # fmt: skip
def test_a_shell_sees_the_code_and_a_sentence(tmp_path: Path, words: Sequence[str], code: int) -> None:
    repository = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "icp_ml.cli", *words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )  # fmt: skip
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- how the cases are made ------------------------------------------------------------------------------------------------


def _written(frame: pd.DataFrame, folder: Path, name: str = "customers.csv") -> Path:
    frame.to_csv(folder / name, index=False)
    return folder / name


def _learning(command: str, path: Path, folder: Path) -> tuple[str | Path, ...]:
    return ("check", path) if command == "check" else ("train", path, "--out", folder / "model")


def _answer(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, (result.stderr, result.stdout[-800:])
    assert result.stderr == ""
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def _shown(desk: Desk, *words: str | Path) -> str:
    """Return what a person sees, without line breaks."""
    settings = ["--settings", str(desk.folder / "icp.yaml")]
    result = CliRunner().invoke(app, [*map(str, words), *settings], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.stderr
    return " ".join(result.stdout.split())


def _verdicts(checked: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {c["field"]: (c["verdict"], "; ".join(c["reasons"])) for c in checked["columns"]["columns"]}
