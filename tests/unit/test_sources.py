"""Addresses and what they hide; compressed files, zips, folders, globs, URLs; and that all of them can be scored."""

from __future__ import annotations

import bz2
import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icp_ml import read_accounts
from icp_ml.accounts.formats.addresses import address_of, shown
from icp_ml.accounts.formats.readers import TableReader, open_table
from icp_ml.engines.files import ScoreRequest, check_out, score_file
from icp_ml.exceptions import InputError, MissingDependencyError
from icp_ml.tracking.fingerprints import fingerprint
from tests.hand_model import hand_list, hand_model

CSV = b"a,b\n1,x\n2,\n3,z\n"
ROWS = [{"a": "1", "b": "x"}, {"a": "2", "b": None}, {"a": "3", "b": "z"}]


def rows(source: str | Path, size: int = 65_536) -> list[dict[str, object]]:
    return [row for chunk in open_table(source).batches(size) for row in chunk.batch.to_pylist()]


# addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind", "part", "said"),
    [
        ("list.csv", "file", "", "list.csv"),
        ("lists/2026-*.csv", "glob", "", "lists/2026-*.csv"),
        (".", "folder", "", "."),
        ("book.xlsx#Sheet 2", "file", "Sheet 2", "book.xlsx#Sheet 2"),
        ("crm.duckdb#t", "database", "t", "crm.duckdb#t"),
        ("postgresql://h/db", "database", "", "postgresql://h/db"),
        ("postgresql://ann:s%40x@h:5432/db?sslpassword=y#t", "database", "t", "postgresql://ann@h:5432/db#t"),
        ("postgresql://a,b:5432/db#select 'x@y'", "database", "select 'x@y'", "postgresql://a,b:5432/db#select 'x@y'"),
        ("https://u:p@h/x.csv?X-Amz-Signature=abc", "remote", "", "https://u@h/x.csv"),
        ("s3://bucket/a@b.csv", "remote", "", "s3://bucket/a@b.csv"),
        ("file:///tmp/a%20b.csv", "file", "", "/tmp/a b.csv"),
    ],
)
def test_what_an_address_is_and_how_it_is_shown(given: str, kind: str, part: str, said: str) -> None:
    address = address_of(given)
    assert (address.kind, address.part, address.shown, str(address)) == (kind, part, said, said)
    assert shown(given) == said
    assert address_of(address) is address


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://u:ge#heim@h/db",
        "postgresql://u:ge/heim@h/db#t",
        "postgresql://u:12/heim@h/db",
        "mysql://u:1#heim@h/d",
    ],
)
def test_a_password_that_is_not_encoded_is_not_shown(given: str) -> None:
    with pytest.raises(InputError, match="percent-encoded") as caught:
        address_of(given)
    assert "heim" not in str(caught.value)


@pytest.mark.parametrize("given", ["", "  ", "a\0b"])
def test_no_address(given: str) -> None:
    with pytest.raises(InputError, match="not the address of a table"):
        open_table(given)


def test_secrets_are_taken_out_of_other_peoples_messages() -> None:
    address = address_of("postgresql://ann:s%40fe@h/db?sslpassword=zzz#t")
    said = address.scrub("no postgresql://ann:s%40fe@h/db?sslpassword=zzz\n for s@fe, s%40fe, zzz")
    assert said == "no postgresql://ann@h/db for ***, ***, ***"
    assert "s%40fe" not in repr(address)


# compressed ------------------------------------------------------------------------------------


def compressed(data: bytes, kind: str) -> bytes:
    if kind == "zst":
        return bytes(pa.Codec("zstd").compress(data, asbytes=True))
    return {"gz": gzip.compress, "bz2": bz2.compress}[kind](data)


@pytest.mark.parametrize("kind", ["gz", "bz2", "zst"])
@pytest.mark.parametrize("name", ["list.csv.{}", "list.csv", "list.tsv.{}"])
def test_compressed_by_content_whatever_the_name(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name.format(kind)
    path.write_bytes(compressed(CSV, kind))
    assert rows(path) == ROWS


def test_a_name_that_only_claims_to_be_compressed_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "list.csv.gz").write_bytes(CSV)
    assert rows(tmp_path / "list.csv.gz") == ROWS


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "list.csv.gz").write_bytes(gzip.compress(CSV) + gzip.compress(b"4,w\n"))
    assert rows(tmp_path / "list.csv.gz") == [*ROWS, {"a": "4", "b": "w"}]


@pytest.mark.parametrize(
    ("kind", "broken"), [("gz", "cut"), ("bz2", "cut"), ("zst", "cut"), ("gz", "changed"), ("bz2", "changed")]
)
def test_damaged_compressed_files_are_refused_in_words(tmp_path: Path, kind: str, broken: str) -> None:
    data = compressed(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * 7919) for i in range(60_000)), kind)
    middle = len(data) // 2
    data = data[: middle if broken == "cut" else None]
    if broken == "changed":
        data = data[:middle] + bytes(255 - byte for byte in data[middle : middle + 40]) + data[middle + 40 :]
    (tmp_path / "list.csv").write_bytes(data)
    with pytest.raises(InputError, match=r"list.csv: damaged or cut \w+ data"):
        rows(tmp_path / "list.csv")


def test_compressed_parquet_is_unpacked_to_a_file_that_goes_away(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "list.parquet")
    (tmp_path / "list.parquet.gz").write_bytes(gzip.compress((tmp_path / "list.parquet").read_bytes()))
    assert rows(tmp_path / "list.parquet.gz") == [{"a": 1}, {"a": 2}]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_zip_with_one_table(tmp_path: Path) -> None:
    path = tmp_path / "list.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/list.csv", CSV)
        archive.writestr("__MACOSX/export/._list.csv", b"x")
    assert rows(path) == ROWS
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("second.csv", CSV)
    with pytest.raises(InputError, match="exactly one table, this one holds 2"):
        open_table(path)
    path.write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(InputError, match="not a readable zip archive"):
        open_table(path)


# folders and globs -----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "lists"
    found.mkdir()
    (found / "2.csv").write_bytes(b"b,a\nx,1\nbad\ny,2\n")
    (found / "1.csv.gz").write_bytes(gzip.compress(b"a,b\n0,w\n"))
    pq.write_table(pa.table({"a": [3, 4], "c": [1.5, None]}), found / "3.parquet")
    (found / "4.csv").write_bytes(b"a,b\n")
    (found / ".hidden.csv").write_bytes(b"a\n9\n")
    (found / "readme.md").write_text("hello")
    return found


def test_a_folder_is_one_table_aligned_by_name(folder: Path) -> None:
    reader = open_table(folder)
    assert (reader.format, reader.columns, reader.rows) == ("files", ("a", "b", "c"), None)
    chunks = list(reader.batches(2))
    assert [chunk.batch.num_rows for chunk in chunks] == [2, 2, 1]
    table = pa.Table.from_batches([chunk.batch for chunk in chunks]).to_pydict()
    assert table == {"a": ["0", "1", "2", "3", "4"], "b": ["w", "x", "y", None, None], "c": [None] * 3 + [1.5, None]}
    (reject,) = [reject for chunk in chunks for reject in chunk.rejects]
    assert (reject.file, reject.line) == ("2.csv", 3)
    assert reader.notes == (
        "3 files were read as one table",
        "left out, as no table: readme.md",
        "left out, as without rows: 4.csv",
        "column 'b' is missing in 3.parquet",
        "column 'c' is missing in 1.csv.gz, 2.csv",
    )


def test_columns_missing_in_the_same_files_are_said_in_one_note(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b,c\n1,2,3\n")
    (tmp_path / "2.csv").write_text("a\n1\n")
    assert open_table(tmp_path).notes[-1] == "columns 'b', 'c' are missing in 2.csv"


def test_a_glob_reads_what_it_matches(folder: Path) -> None:
    assert rows(f"{folder}/[12].csv*") == [{"a": "0", "b": "w"}, {"b": "x", "a": "1"}, {"b": "y", "a": "2"}]
    with pytest.raises(InputError, match="the glob matches no file that is read"):
        open_table(f"{folder}/*.xlsx")
    with pytest.raises(InputError, match="none of its 1 tables has a row"):
        open_table(f"{folder}/4*")


def test_a_file_whose_name_looks_like_a_glob_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "list[1].csv").write_bytes(CSV)
    (tmp_path / "list #2.csv").write_bytes(CSV)
    assert rows(str(tmp_path / "list[1].csv")) == rows(str(tmp_path / "list #2.csv")) == ROWS


def test_parquet_files_of_a_folder_keep_their_types_if_they_agree(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": pa.array([1], pa.int32()), "x": [1.5], "m": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"n": pa.array([2], pa.int64()), "x": [2.5], "m": [2.0]}), tmp_path / "b.parquet")
    reader = open_table(tmp_path)
    assert dict(reader.types) == {"n": pa.int64(), "x": pa.float64(), "m": pa.string()}
    assert reader.rows == 2
    assert rows(tmp_path) == [{"n": 1, "x": 1.5, "m": "1"}, {"n": 2, "x": 2.5, "m": "2"}]


def test_the_report_of_a_folder_says_what_was_done(folder: Path) -> None:
    accounts = read_accounts(folder)
    assert len(accounts) == 5
    assert accounts.report.rows_rejected == 1
    assert "1 rows could not be parsed, the first on line 3 of 2.csv: 1 cell where the header has 2" in (
        accounts.report.notes
    )


# URLs ------------------------------------------------------------------------------------------


def test_urls_are_read_through_fsspec(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="missing part: pip install fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/list.csv.gz", gzip.compress(CSV))
    pq.write_table(pa.table({"a": [1]}), tmp_path / "list.parquet")
    memory.pipe("/bucket/list.parquet", (tmp_path / "list.parquet").read_bytes())
    assert rows("memory://bucket/list.csv.gz") == ROWS
    assert rows("memory://bucket/list.parquet") == [{"a": 1}]
    assert rows((tmp_path / "list.parquet").as_uri()) == [{"a": 1}]
    with pytest.raises(InputError, match=r"memory://bucket/none.csv: cannot be fetched \(no such file"):
        open_table("memory://bucket/none.csv")
    with pytest.raises(InputError, match=r"'\.json' are not read"):
        open_table("memory://bucket/none.json")
    with pytest.raises(InputError, match="name one file"):
        open_table("memory://bucket/*.csv")
    with pytest.raises(InputError, match=r"'nonsense://' is no address that is read; give a path"):
        open_table("nonsense://bucket/list.csv")


def test_a_url_whose_package_is_absent_names_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingDependencyError, match="pip install s3fs"):
        open_table("s3://bucket/list.csv")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingDependencyError, match=r"icp-ml\[remote\]"):
        open_table("s3://bucket/list.csv")


def test_a_url_that_fails_keeps_its_secrets() -> None:
    pytest.importorskip("aiohttp", reason="missing part: pip install aiohttp")
    with pytest.raises(InputError, match=r"https://ann@127\.0\.0\.1:1/list\.csv: cannot be fetched") as caught:
        open_table("https://ann:geheim@127.0.0.1:1/list.csv?token=abcdef")
    for secret in ("geheim", "abcdef"):
        assert secret not in str(caught.value)


# scoring ---------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    real = TableReader.batches
    monkeypatch.setattr(TableReader, "batches", lambda self, rows=60, columns=None: real(self, rows, columns))


def test_a_folder_scores_as_the_one_file_does_and_resumes(tmp_path: Path) -> None:
    frame = hand_list(200)
    frame.to_csv(tmp_path / "list.csv", index=False)
    parts = tmp_path / "parts"
    parts.mkdir()
    for i in range(4):
        part = frame.iloc[i * 50 : (i + 1) * 50]
        part.sample(frac=1, axis=1, random_state=i).to_csv(parts / f"{i}.csv.gz", index=False)
    model = hand_model()
    score_file(model, ScoreRequest(tmp_path / "list.csv", tmp_path / "one.csv"))
    summary = score_file(model, ScoreRequest(str(parts), tmp_path / "many.csv", resume=True))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "many.csv").read_bytes()
    assert summary.notes == (f"{parts}: 4 files were read as one table",)
    assert json.dumps(summary.to_dict())
    before = open_table(parts).sha256()
    (parts / "3.csv.gz").rename(parts / "5.csv.gz")
    assert open_table(parts).sha256() != before


def test_rejects_of_a_folder_name_the_file(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    for name in ("=1.csv", "2.csv"):
        (parts / name).write_bytes(hand_list(60).to_csv(index=False).encode() + b"bad\n")
    summary = score_file(hand_model(), ScoreRequest(parts, tmp_path / "out.csv"))
    assert (summary.rejected, summary.rows) == (2, 122)
    assert summary.rejects is not None
    assert pd.read_csv(summary.rejects)[["file", "line"]].to_numpy().tolist() == [["2.csv", 62], ["'=1.csv", 62]]


def test_scores_are_not_written_into_the_list_itself(folder: Path) -> None:
    with pytest.raises(InputError, match="would be one of the files of the list"):
        check_out(folder / "scored.csv", folder)
    with pytest.raises(InputError, match="would be one of the files of the list"):
        check_out(folder / "scored.csv", f"{folder}/*.csv")
    check_out(folder / "scored.parquet", f"{folder}/*.csv")
    with pytest.raises(InputError, match="over the list itself"):
        check_out(folder / "2.csv", str(folder / "2.csv"))


def test_fingerprints_of_sources_that_are_no_files(folder: Path) -> None:
    found = fingerprint("list", str(folder))
    assert found is not None
    assert (found.rows, found.columns, found.path) == (5, ("a", "b", "c"), str(folder))
    assert found.size == sum((folder / name).stat().st_size for name in ("1.csv.gz", "2.csv", "3.parquet"))
    assert len(found.sha256) == 64
    assert fingerprint("list", str(folder / "none*.csv")) is None


def test_importing_the_package_loads_none_of_the_drivers() -> None:
    code = (
        "import sys, icp_ml, icp_ml.accounts.formats.readers;"
        "print([m for m in ('duckdb', 'sqlalchemy', 'fsspec', 'python_calamine', 'adbc_driver_manager') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
