"""Bad input through the command line: the exit code, one clear sentence, and nothing half-written.

Each case goes through `check`, `train` and `init` where the bad file is the customers', and through `score` and
`train --list` where it is a list. What is handled and said instead is in test_handled_input.py.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# --- unreadable or unusable: exit 2 ----------------------------------------------------------------------------------

HEAD = b"Account ID,Industry,# Employees,Churned\n"
EXCEL = b"\xd0\xcf\x11\xe0" + bytes(200)
EMPTY_PARQUET = pa.table({"Industry": pa.array([], pa.string())})
TWICE_PARQUET = pa.table([pa.array(["a"]), pa.array(["b"])], names=["Industry", "Industry"])

# name: what is in the file, and what the complaint must say beside the path
UNREADABLE: dict[str, tuple[bytes | pa.Table | None, tuple[str, ...]]] = {
    "missing.csv": (None, ("there is no such file", "check the path")),
    "missing.parquet": (None, ("there is no such file",)),
    "empty.csv": (b"", ("the file is empty", "needs a header line")),
    "blank.csv": (b"\n\n \n", ("the file is empty",)),
    "bom.csv": (b"\xef\xbb\xbf", ("the file is empty",)),
    "empty.parquet": (b"", ("the file is empty", "export the table again")),
    "header.csv": (HEAD, ("a header with 4 columns but no row", "add the accounts")),
    "header_only.csv": (HEAD.strip(), ("no row", "add the accounts")),
    "header.parquet": (EMPTY_PARQUET, ("no rows", "add the accounts")),
    "prose.csv": (b"Dear colleague, please find\nattached our 40 accounts.", ()),
    "letter.csv": (b"To whom it may concern:\nthese are\nour accounts.", ("not a CSV", "export the table as CSV")),
    "workbook.csv": (b"PK\x03\x04" + bytes(200), ("zip archive or Excel workbook", "export the table as CSV")),
    "old.csv": (EXCEL, ("an old Excel workbook",)),
    "page.csv": (b"<!DOCTYPE html><html><body>Sign in</body></html>\nx", ("a web page",)),
    "data.csv": (b'[{"industry": "software"}]\n{}', ("not a CSV but JSON",)),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ("not a CSV but a picture",)),
    "noise.csv": (bytes(range(256)) * 40, ("not a CSV but a binary file",)),
    "swapped.csv": (b"PAR1" + bytes(100), ("a Parquet file",)),
    "book.xlsx": (b"PK\x03\x04", ("not a readable workbook", "export the sheet as CSV")),
    "cut.csv.gz": (gzip.compress(HEAD * 500)[:-30], ("damaged or cut gzip data", "export it again")),
    "list.json": (b"{}", ("files ending in '.json' are not read", ".parquet")),
    "noending": (HEAD + b"1,x,2,No\n", ("files without an ending are not read",)),
    "cut.parquet": (b"PAR1" + bytes(50), ("not a readable Parquet file", "export the table again")),
    "twice.csv": (b"ID,Industry,Industry\n1,a,b\n", ("'Industry' occurs more than once", "rename or remove")),
    "twice.parquet": (TWICE_PARQUET, ("'Industry' occurs more than once",)),
    "broken.csv": (HEAD + b"1,x,2,No\n" + b"only,two\n" * 5, ("not a table of 4 columns", "line 3", "delimiter")),
    "folder.csv": (None, ("the folder holds no file that is read", "check the path")),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("command", ["check", "train", "score", "train --list", "init"])
def test_what_cannot_be_read_is_refused_in_one_sentence(desk: Any, tmp_path: Path, name: str, command: str) -> None:
    content, says = UNREADABLE[name]
    path, model = tmp_path / name, tmp_path / "model"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        pq.write_table(content, path)
    elif name.startswith("folder"):
        path.mkdir()
    words: dict[str, tuple[str | Path, ...]] = {
        "check": ("check", path),
        "init": ("init", path, "--out", tmp_path / "proposed.yaml"),
        "train": ("train", path, "--out", model),
        "train --list": ("train", desk.folder / "good.csv", "--list", path, "--out", model),
        "score": ("score", desk.model, path, "--out", tmp_path / "out.csv"),
    }
    desk.refuses(words[command], (str(path), *says), beside=tmp_path)
    assert not model.exists()


@pytest.mark.parametrize("command", ["check", "train"])
def test_customers_without_an_outcome_are_refused(desk: Any, tmp_path: Path, command: str) -> None:
    words = desk.learn(command, desk.customers.drop(columns=list(desk.outcomes)), tmp_path)
    says = (str(words[1]), "no column holds an outcome", "industry", "columns: {", "churned")
    desk.refuses(words, says, beside=tmp_path)


@pytest.mark.parametrize("command", ["check", "train"])
def test_customers_with_an_account_id_twice_are_refused(desk: Any, tmp_path: Path, command: str) -> None:
    frame = desk.customers.copy()
    frame.loc[1, "Account ID"] = frame.loc[0, "Account ID"]
    words = desk.learn(command, frame, tmp_path)
    says = (str(words[1]), "'Account ID'", frame.loc[0, "Account ID"], "keep one row per account")
    desk.refuses(words, says, beside=tmp_path)


def test_a_list_with_none_of_the_models_fields_is_refused(desk: Any, tmp_path: Path) -> None:
    path = desk.written(pd.DataFrame({"Company Name": ["A", "B"], "Telefon": ["1", "2"]}), tmp_path)
    words = ("score", desk.model, path, "--out", tmp_path / "out.csv")
    desk.refuses(words, (str(path), "'Telefon'", "industry", "columns: {"), beside=tmp_path)


def test_an_output_that_cannot_be_written_is_refused_before_any_work(desk: Any, tmp_path: Path) -> None:
    good, out = desk.folder / "list.csv", tmp_path / "out.csv"
    (tmp_path / "notes.txt").write_text("mine")
    cases: list[tuple[tuple[str | Path, ...], tuple[str, ...]]] = [
        (("score", desk.model, good, "--out", tmp_path / "no" / "out.csv"), ("no/out.csv", "does not exist")),
        (("score", desk.model, good, "--out", tmp_path / "out.xlsx"), (".csv or .parquet",)),
        (("score", tmp_path / "nothing", good, "--out", out), ("no such directory", "icp-ml train")),
        (("train", desk.folder / "good.csv", "--out", tmp_path), ("is not a model directory", "--out")),
    ]
    for words, says in cases:
        desk.refuses(words, says, beside=tmp_path)
    desk.refuses(("score", desk.model, good, "--out", good), ("over the list itself",), beside=desk.folder)


def test_a_file_that_turns_bad_late_leaves_an_earlier_result_alone(desk: Any, tmp_path: Path) -> None:
    path, out = tmp_path / "list.csv", tmp_path / "out.csv"
    good = desk.market.to_csv(index=False).encode()
    path.write_bytes(good)
    desk.answer("score", desk.model, path, "--out", out)
    path.write_bytes(good * 250 + b"broken\n" * 80_000)  # past the first chunk
    desk.refuses(("score", desk.model, path, "--out", out), ("not a table of", "rows cannot be read"), beside=tmp_path)


# --- valid, but the answer is no: exit 1 -----------------------------------------------------------------------------


def _all_churned(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{"Churned": "Yes", "Churn Date": "2026-09-01"})


def _one_field(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["# Employees", "Billing Country", "Year Founded", "Tech Stack"])


def _no_field(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a field that gives the outcome away, one that says nothing, and one that numbers the rows."""
    told = frame["Churned"].map({"Yes": "left us", "No": "with us"})
    numbers = [f"T{k:05d}" for k in range(len(frame))]
    return _one_field(frame).drop(columns=["Industry"]).assign(Segment=told, Continent="Europe", Ticket=numbers)


REFUSED: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], tuple[str, ...]]] = {
    "all churned": (_all_churned, ("mature customers churned", "add current customers")),
    "too few best": (lambda f: f.head(60), ("too few customers", "at least 20 of each", "more best")),
    "one field": (_one_field, ("only one field is left", "'industry'", "at least 2 are needed", "add columns")),
    "no field": (_no_field, ("no field is left", "segment: ", "continent: ", "at least 2 are needed")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_training_is_refused_with_the_reason(desk: Any, tmp_path: Path, case: str) -> None:
    spoil, says = REFUSED[case]
    words = desk.learn("train", spoil(desk.customers), tmp_path)
    desk.refuses(words, (str(words[1]), *says), code=1, beside=tmp_path)


@pytest.mark.parametrize("case", REFUSED)
def test_check_says_that_training_would_be_refused(desk: Any, tmp_path: Path, case: str) -> None:
    spoil, says = REFUSED[case]
    words = desk.learn("check", spoil(desk.customers), tmp_path)
    result = desk.run(*words)
    assert result.exit_code == 1
    # Where there are no labels there is no report either, only the complaint.
    said = " ".join(json.loads(result.stdout)["refused"]) if result.stdout else result.stderr
    assert not [part for part in says if part not in said], said
    assert [path.name for path in tmp_path.iterdir()] == ["customers.csv"]


# --- as a process: what a shell sees ---------------------------------------------------------------------------------

SHELL: list[tuple[Sequence[str], str]] = [
    (("check", "absent.csv"), "absent.csv: there is no such file"),
    (("score", "absent", "absent.csv", "--out", "out.csv"), "absent: no such directory"),
    (("check", "absent.csv", "--as-of", "soon"), "--as-of 'soon': not a date"),
    (("frobnicate",), "No such command"),
]


@pytest.mark.parametrize(("words", "says"), SHELL)
def test_a_shell_sees_the_code_and_a_sentence(tmp_path: Path, words: Sequence[str], says: str) -> None:
    repository = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "icp_ml.cli", *words]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
