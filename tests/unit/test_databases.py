"""Tables and queries of SQLite, DuckDB, PostgreSQL (a real server) and through SQLAlchemy."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from icp_ml import read_accounts
from icp_ml.accounts.formats import embedded, servers
from icp_ml.accounts.formats.readers import TableReader, open_table
from icp_ml.engines.files import ScoreRequest, score_file
from icp_ml.engines.spool import Spool
from icp_ml.exceptions import InputError, MissingDependencyError
from icp_ml.schema import BY_NAME
from icp_ml.tracking.fingerprints import fingerprint
from tests.hand_model import hand_list, hand_model

duckdb = pytest.importorskip("duckdb", reason="missing part: pip install duckdb")
pytest.importorskip("adbc_driver_postgresql", reason="missing part: pip install adbc-driver-postgresql")
pytest.importorskip("sqlalchemy", reason="missing part: pip install sqlalchemy")

CREATE = '''
CREATE TABLE "My ""accounts""" (id INTEGER, "Company Name" TEXT, share DOUBLE PRECISION, big BIGINT);
INSERT INTO "My ""accounts""" VALUES (1, 'Ä, "B"', 0.5, 20000000001), (2, NULL, 2.0, NULL);
'''
NAME = 'My "accounts"'
TEXTS = [
    {"id": "1", "Company Name": 'Ä, "B"', "share": "0.5", "big": "20000000001"},
    {"id": "2", "Company Name": None, "share": "2", "big": None},
]
TYPED = [
    {"id": 1, "Company Name": 'Ä, "B"', "share": 0.5, "big": 20000000001},
    {"id": 2, "Company Name": None, "share": 2.0, "big": None},
]


def rows(source: str, size: int = 65_536) -> list[dict[str, object]]:
    return [row for chunk in open_table(source).batches(size) for row in chunk.batch.to_pylist()]


def sqlite(path: Path, script: str) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return path


def duck(path: Path, script: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(script)
    return path


@pytest.fixture
def server(postgresql: str) -> Callable[[str], str]:
    """Run a script on the emptied server, and return its address."""
    import adbc_driver_postgresql.dbapi as dbapi

    def run(script: str) -> str:
        with dbapi.connect(postgresql, autocommit=True) as connection, connection.cursor() as cursor:
            fresh = "DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA public;"
            for statement in f"{fresh} {script}".split(";"):
                if statement.strip():
                    cursor.execute(statement)
        return postgresql

    return run


@pytest.fixture(params=["sqlite file", "sqlite url", "sqlalchemy", "duckdb file", "duckdb url", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Callable[[str], str], list[dict[str, object]]]:
    """Return what fills a database and gives its address, and what rows the table above reads as."""
    kind = request.param
    if kind == "postgresql":
        return request.getfixturevalue("server"), TYPED
    if kind.startswith("duckdb"):
        form = "{}" if kind == "duckdb file" else "duckdb:///{}"
        return lambda script: form.format(duck(tmp_path / "crm.duckdb", script)), TYPED
    form = {"sqlite file": "{}", "sqlite url": "sqlite:///{}", "sqlalchemy": "sqlite+pysqlite:///{}"}[kind]
    return lambda script: form.format(sqlite(tmp_path / "crm.db", script)), TEXTS


def test_the_only_table_a_named_one_and_a_query_are_read(place) -> None:
    fill, expected = place
    address = fill(CREATE)
    assert rows(address) == expected
    assert rows(f"{address}#{NAME}") == rows(f'{address}#my "ACCOUNTS"') == expected
    query = f'''{address}#SELECT big, id, 'a;b:c%d' AS t FROM "My ""accounts""" ORDER BY id DESC;'''
    assert [str(row["id"]) for row in rows(query)] == ["2", "1"]
    assert [row["t"] for row in rows(query)] == ["a;b:c%d"] * 2
    reader = open_table(f"{address}#{NAME}")
    assert (reader.format, reader.rows, reader.columns) == ("database", 2, ("id", "Company Name", "share", "big"))
    assert open_table(query).rows is None
    (some,) = open_table(query).batches(columns=["id", "big"])
    assert some.batch.schema.names == ["id", "big"]
    (some,) = reader.batches(columns=["share", "id"])
    assert some.batch.schema.names == ["share", "id"]


def test_batches_have_the_rows_asked_for_in_order_and_one_type(place, monkeypatch) -> None:
    fill, _ = place
    monkeypatch.setattr(embedded, "BATCH_ROWS", 13)
    monkeypatch.setattr(servers, "BATCH_ROWS", 13)
    values = ", ".join(f"({i}, {'NULL' if i < 40 else i / 2})" for i in range(100))
    address = fill(f"CREATE TABLE t (a INTEGER, b DOUBLE PRECISION); INSERT INTO t VALUES {values};")
    chunks = list(open_table(address).batches(30))
    assert [chunk.batch.num_rows for chunk in chunks] == [30, 30, 30, 10]
    assert [chunk.first_row for chunk in chunks] == [0, 30, 60, 90]
    assert [int(a) for chunk in chunks for a in chunk.batch.column("a").to_pylist()] == list(range(100))
    assert len({chunk.batch.schema for chunk in chunks}) == 1


def test_several_tables_are_listed(place) -> None:
    fill, _ = place
    address = fill("CREATE TABLE b (x INTEGER); CREATE TABLE a (x INTEGER); CREATE VIEW v AS SELECT 1 AS one;")
    with pytest.raises(InputError, match=r"say which table, as .*#TABLE .*'\S*a', '\S*b', '\S*v'"):
        open_table(address)
    with pytest.raises(InputError, match=r"there is no table 'c'; the tables are '\S*a'"):
        open_table(f"{address}#c")
    with pytest.raises(InputError, match="1 columns but no rows"):
        open_table(f"{address}#a")
    assert [str(row["one"]) for row in rows(f"{address}#v")] == ["1"]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("SELECT 1; DROP TABLE t", "one SELECT is read, not several statements"),
        ("SELECT 1 AS a, 2 AS a", "'a' occurs more than once"),
        ("SELECT * FROM nowhere", "the database says: .*nowhere"),
        ("SELECT nonsense FROM", "the database says"),
        ("DROP TABLE t", "there is no table 'DROP TABLE t'"),
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", "the database says"),
    ],
)
def test_what_is_no_plain_query_is_refused_and_changes_nothing(place, part: str, message: str) -> None:
    fill, _ = place
    address = fill("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2);")
    with pytest.raises(InputError, match=message):
        rows(f"{address}#{part}")
    assert len(rows(f"{address}#t")) == 2


def test_tables_of_other_schemas(server) -> None:
    address = server(
        "CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 1 AS a; CREATE TABLE public.t AS SELECT 2 AS a;"
        "CREATE TABLE other.u AS SELECT 3 AS a;"
    )
    found = {part: rows(f"{address}#{part}")[0]["a"] for part in ("t", "public.t", "other.t", "u", "other.u")}
    assert found == {"t": 2, "public.t": 2, "other.t": 1, "u": 3, "other.u": 3}
    with pytest.raises(InputError, match=r"'other.t', 'other.u', 'public.t'"):
        open_table(address)


def test_postgresql_types_are_what_a_person_reads(server) -> None:
    address = server(
        "CREATE TYPE tier AS ENUM ('gold'); CREATE TABLE t AS SELECT 1.50::numeric(12,2) AS n, '12.34'::money AS m, "
        "'gold'::tier AS e, '10.1.2.3'::inet AS i, gen_random_uuid() AS u, '{a,b}'::text[] AS l, '{1,2}'::int[] AS li, "
        "'2024-03-01'::date AS d, '2024-03-01 12:00+02'::timestamptz AS z, true AS b, '{\"k\": 1}'::jsonb AS j, "
        "'1 day'::interval AS iv, '12:30'::time AS ti, 'ab'::char(4) AS c, 'x'::bytea AS by, 20000000001 AS big"
        f" UNION ALL SELECT {', '.join(['NULL'] * 16)}"
    )
    for part in ("t", "SELECT * FROM t"):
        first, second = rows(f"{address}#{part}")
        assert len(str(first.pop("u"))) == 36
        assert "1" in str(first.pop("iv"))
        assert first == {
            "n": "1.50", "m": 12.34, "e": "gold", "i": "10.1.2.3/32", "l": ["a", "b"], "li": ["1", "2"],
            "d": dt.datetime(2024, 3, 1), "z": dt.datetime(2024, 3, 1, 10), "b": True, "j": '{"k": 1}',
            "ti": "12:30:00.000000", "c": "ab  ", "by": "x", "big": 20000000001,
        }  # fmt: skip
        assert set(second.values()) == {None}
    assert rows(f"{address}#SELECT m, e FROM t WHERE m IS NOT NULL") == [{"m": 12.34, "e": "gold"}]


def test_duckdb_types_and_a_view_that_wants_another_file(tmp_path: Path) -> None:
    path = duck(
        tmp_path / "crm.db",
        "CREATE TABLE t AS SELECT 1.5::DECIMAL(9, 2) AS n, DATE '2024-03-01' AS d, ['a', 'b'] AS l, {'k': 1} AS s, "
        "uuid() AS u, INTERVAL 1 DAY AS iv, 'a'::ENUM('a', 'b') AS e, TIMESTAMPTZ '2024-03-01 12:00:00+02' AS z;"
        "CREATE VIEW thief AS SELECT * FROM read_text('/etc/hostname');",
    )
    reader = open_table(f"{path}#t")
    (row,) = rows(f"{path}#t")
    assert reader.notes == ("column 's' left out: it holds nested values (struct<k: int32>)",)
    assert len(str(row.pop("u"))) == 36
    assert "1" in str(row.pop("iv"))
    assert row == {"n": 1.5, "d": dt.datetime(2024, 3, 1), "l": ["a", "b"], "e": "a", "z": dt.datetime(2024, 3, 1, 10)}
    with pytest.raises(InputError, match="the database says: Permission Error"):
        open_table(f"{path}#thief")


def test_sqlite_cells_of_any_sort_are_text(tmp_path: Path) -> None:
    path = sqlite(
        tmp_path / "crm.sqlite",
        "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2.0), ('x'), (x'61'), (CAST(x'436166e9' AS TEXT)), ('');",
    )
    assert [row["a"] for row in rows(f"{path}")] == ["1", "2", "x", "a", "Café", None]


def test_passwords_stay_secret() -> None:
    address = "postgresql://ann:ge%20heim@127.0.0.1:1/crm#accounts"
    with pytest.raises(InputError, match=r"postgresql://ann@127\.0\.0\.1:1/crm#accounts: the database says") as caught:
        open_table(address)
    assert "heim" not in str(caught.value)
    assert caught.value.__suppress_context__
    with pytest.raises(InputError) as caught:
        open_table("postgresql://ann:ge%zzheim@127.0.0.1:1/crm")
    assert "heim" not in str(caught.value)
    assert fingerprint("list", address) is None


def test_what_cannot_be_opened(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(InputError, match=r"gone.duckdb#t: there is no such database file"):
        open_table(f"{tmp_path}/gone.duckdb#t")
    (tmp_path / "crm.db").write_bytes(b"SQLite format 3\0" + bytes(200))
    with pytest.raises(InputError, match=r"crm.db: the database"):
        open_table(tmp_path / "crm.db")
    (tmp_path / "crm.duckdb").write_bytes(bytes(8) + b"DUCK" + bytes(9000))
    with pytest.raises(InputError, match=r"crm.duckdb: the database says"):
        open_table(tmp_path / "crm.duckdb")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingDependencyError, match=r"needs the package 'duckdb'.*icp-ml\[databases\]"):
        open_table(tmp_path / "crm.duckdb")
    with pytest.raises(InputError, match=r"the database says: .*nosuch"):
        open_table("mysql+nosuch://h/db#t")


def test_accounts_of_a_database_are_read_and_scored_as_those_of_a_file(tmp_path: Path, server) -> None:
    frame = hand_list(200)
    frame.to_csv(tmp_path / "list.csv", index=False)
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as connection:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE list AS SELECT * FROM frame")
    connection = sqlite3.connect(tmp_path / "crm.db")
    frame.to_sql("list", connection, index=False)
    connection.close()
    model = hand_model()
    score_file(model, ScoreRequest(tmp_path / "list.csv", tmp_path / "file.csv"))
    expected = pd.read_csv(tmp_path / "file.csv")
    for name in ("crm.duckdb", "crm.db"):
        summary = score_file(model, ScoreRequest(f"{tmp_path / name}#list", tmp_path / "out.csv"))
        assert summary.rows == summary.scored + summary.ineligible == 200
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv"), expected)
    with pytest.raises(InputError, match="--resume is for files"):
        score_file(model, ScoreRequest(f"{tmp_path / 'crm.db'}#list", tmp_path / "out.csv", resume=True))
    made = """CREATE TABLE list AS SELECT i AS "Account ID", 'x' AS "Industry" FROM generate_series(1, 9) AS t(i)"""
    address = server(made)
    assert len(read_accounts(f"{address}#list")) == 9
    found = fingerprint("list", f"{address}#list")
    assert found is not None
    assert (found.rows, found.size, len(found.sha256)) == (9, 0, 64)


def test_a_query_is_run_once_to_score_even_where_its_dates_are_looked_at(tmp_path: Path, monkeypatch) -> None:
    frame = hand_list(200).assign(**{"Last Raised At": ["4/5/2024", "25/12/2023"] * 100})
    frame.to_csv(tmp_path / "list.csv", index=False)
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        frame.to_sql("list", connection, index=False)
    connection.close()
    dated = {**hand_model().fields, "last_funding_date": BY_NAME["last_funding_date"]}
    model = replace(hand_model(), fields=dated)
    read, real = [], TableReader.batches
    monkeypatch.setattr(TableReader, "batches", lambda self, *a, **k: read.append(self.format) or real(self, *a, **k))
    score_file(model, ScoreRequest(tmp_path / "list.csv", tmp_path / "file.csv"))
    score_file(model, ScoreRequest(f"{tmp_path / 'crm.db'}#list", tmp_path / "out.csv"))
    assert read == ["csv", "csv", "database"]
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "file.csv").read_bytes()


def test_a_password_is_in_nothing_that_scoring_leaves_or_says(tmp_path: Path, server, monkeypatch) -> None:
    made = """CREATE TABLE list AS SELECT i AS "Account ID", 'x' AS "Industry" FROM generate_series(1, 9) AS t(i)"""
    address = server(made).replace("postgres:@", "postgres:ge%23heim@") + "#list"
    assert "heim" in address
    kept: list[bytes] = []
    remove = Spool.remove

    def look(spool: Spool) -> None:
        kept.extend(path.read_bytes() for path in spool.folder.rglob("*") if path.is_file())
        remove(spool)

    monkeypatch.setattr(Spool, "remove", look)
    summary = score_file(hand_model(), ScoreRequest(address, tmp_path / "out.parquet"))
    assert summary.rows == 9
    accounts = read_accounts(address)
    said = [str(summary), json.dumps(summary.to_dict()), repr(accounts.report), str(fingerprint("list", address))]
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"journal" in data or b"suppression" in data for data in kept)
    for text in [*said, *(data.decode("latin-1") for data in (*written, *kept))]:
        assert "heim" not in text
    assert accounts.report.source.startswith("postgresql://postgres@")


def test_a_large_table_of_a_database_is_sampled_evenly(tmp_path: Path) -> None:
    made = 'CREATE TABLE t AS SELECT i AS "Account ID", i AS "Employees" FROM range(70000) r(i)'
    path = duck(tmp_path / "crm.duckdb", made)
    some = read_accounts(f"{path}#t", at_most=7_000)
    assert some.frame["employees"].tolist() == list(range(0, 70_000, 10))


def test_the_same_accounts_read_the_same_from_every_place(tmp_path: Path, repository: Path, server) -> None:
    frame = pd.read_csv(repository / "data_samples" / "customers.csv").head(300)
    parts, book = tmp_path / "parts", tmp_path / "book.xlsx"
    parts.mkdir()
    frame.to_csv(tmp_path / "list.csv", index=False)
    frame[:100].to_csv(parts / "1.csv.gz", index=False)
    frame[100:200].to_parquet(parts / "2.parquet", index=False)
    frame[200:].to_csv(parts / "3.csv", index=False, sep=";", encoding="utf-16")
    frame.to_excel(book, index=False, engine="xlsxwriter")
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as connection:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE list AS SELECT * FROM frame")
    connection = sqlite3.connect(tmp_path / "crm.db")
    frame.to_sql("list", connection, index=False)
    connection.close()
    address = server("SELECT 1")
    import adbc_driver_postgresql.dbapi as dbapi

    with dbapi.connect(address) as there, there.cursor() as cursor:
        cursor.adbc_ingest("list", pa.Table.from_pandas(frame, preserve_index=False))
        there.commit()
    expected = read_accounts(tmp_path / "list.csv").frame
    for place in (book, parts, tmp_path / "crm.duckdb", tmp_path / "crm.db", address):
        pd.testing.assert_frame_equal(read_accounts(place).frame, expected)
