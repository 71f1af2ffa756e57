"""Models as SQL: on real DuckDB, PostgreSQL and Spark the scores of the kernel, and parsed by sqlglot elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import adbc_driver_postgresql.dbapi as dbapi
import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

from icp_ml import ICPModel
from icp_ml.engines.canonical import canonical_table, token_mark, write_canonical
from icp_ml.engines.sql import export_sql
from icp_ml.engines.sql_dialect import LONGEST, Dialect
from icp_ml.engines.sql_scores import least_log_odds
from icp_ml.estimator.encoding import Encoding
from icp_ml.exceptions import InputError
from icp_ml.scoring.columns import WINNABILITY, plain_strings
from tests.hand_model import hand_list, hand_model
from tests.sql_model import HOSTILE, as_table, every_account, every_model, nothing_known

DIALECTS = ("duckdb", "postgres", "snowflake", "bigquery", "databricks", "spark", "redshift")
ROWS, REASONS = 1500, 4


def by_kernel(model: ICPModel, columns: dict[str, pa.Array], reasons: int = REASONS) -> pd.DataFrame:
    scorer = model.scorer(reasons=reasons, lookalikes=0)
    scored = plain_strings(scorer.score(columns, len(columns["account_id"]))).to_pandas()
    return scored.drop(columns=WINNABILITY)  # the user's own column, which is in the warehouse already


def by_duckdb(model: ICPModel, table: pa.Table, reasons: int = REASONS, name: str = "tam") -> pd.DataFrame:
    made = export_sql(model, "duckdb", name, reasons=reasons)
    with duckdb.connect() as database:
        database.execute(made.definition)
        database.register("given", table)
        database.execute(f"INSERT INTO {name} SELECT * FROM given")
        return database.sql(made.statement).df()


def same(kernel: pd.DataFrame, found: pd.DataFrame) -> None:
    """Log-odds to 1e-9, all that is text or yes-or-no exactly."""
    found = found.sort_values("account_id").reset_index(drop=True)
    assert found.columns.tolist() == kernel.columns.tolist()
    for name in kernel:
        mine, theirs = kernel[name], found[name]
        if mine.dtype == np.float64:
            np.testing.assert_allclose(theirs.astype(float), mine, rtol=0, atol=1e-9, err_msg=name)
        else:
            assert [v if pd.notna(v) else None for v in theirs] == [v if pd.notna(v) else None for v in mine], name


@pytest.mark.parametrize(("seed", "segments", "gaps"), [(0, False, True), (3, True, True), (4, True, False)])
def test_duckdb_scores_as_the_kernel_does(seed, segments, gaps):
    model = every_model(seed, segments=segments, gaps=gaps)
    columns = nothing_known(every_account(ROWS, seed), 5)
    kernel = by_kernel(model, columns)
    same(kernel, by_duckdb(model, as_table(model, columns)))
    # the accounts show everything that is compared
    assert set(kernel["tier"]) == {"A", "B", "C", "D", "none"}
    assert kernel["in_support"].nunique() == 2
    assert kernel["segment"].nunique() == (4 if segments else 1)
    assert kernel["status_reason"].nunique() > 20
    assert kernel["status_reason"].str.contains(" and 1 more; tier").any() or not gaps
    assert kernel["tier_range"].nunique() > 6
    assert kernel["worth_knowing"].nunique() > 20
    reasons = pd.concat([kernel[f"reason_{i}"] for i in range(1, REASONS + 1)]).dropna()
    said = {"together with": r"together with", "money": r"\$[\d.]+[KMBT]", "share": r"\d%", "years": r"\d years ago",
            "days": r"days ago", "thousands": r"\d,\d{3} employees", "tiny": r"e-0\d", "negative": r"-\d",
            "not known": r"not known", "month": r"months ago", "strategy": r"as the strategy"}  # fmt: skip
    unsaid = [name for name, pattern in said.items() if not reasons.str.contains(pattern).any()]
    assert unsaid == [] or not (segments and gaps)


@pytest.mark.parametrize(("seed", "segments"), [(0, False), (3, True)])
def test_postgresql_scores_as_the_kernel_does(postgresql, seed, segments):
    model = every_model(seed, segments=segments)
    columns = nothing_known(every_account(ROWS, seed), 5)
    made = export_sql(model, "postgresql", "tam", reasons=REASONS)
    with dbapi.connect(postgresql) as database, database.cursor() as cursor:
        cursor.execute(made.definition)  # never committed
        cursor.adbc_ingest("tam", as_table(model, columns), mode="append")
        cursor.execute(made.statement.rstrip().removesuffix(";"))
        found = cursor.fetch_arrow_table().to_pandas()
    same(by_kernel(model, columns), found)


@pytest.mark.slow
@pytest.mark.parametrize(("hostile", "reasons"), [(True, 1), (False, 3)])
def test_spark_scores_as_the_kernel_does(spark_session, tmp_path, hostile, reasons):
    model = every_model(segments=False) if hostile else hand_model()
    rows = pa.RecordBatch.from_pandas(hand_list(200))
    columns = every_account(300) if hostile else model.normaliser(rows.schema.names).normalise(rows)
    pq.write_table(as_table(model, columns), tmp_path / "tam.parquet")
    spark_session.read.parquet(str(tmp_path / "tam.parquet")).createOrReplaceTempView("tam")
    made = export_sql(model, "spark", "tam", reasons=reasons)
    found = spark_session.sql(made.statement.rstrip().removesuffix(";")).toArrow().to_pandas()
    same(by_kernel(model, columns, reasons), found)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_parses_and_is_readable(dialect):
    model = every_model()
    made = export_sql(model, dialect, "sales.accounts", reasons=2)
    query = sqlglot.parse_one(made.statement, dialect=made.dialect)
    assert isinstance(query, exp.Select)
    assert query.named_selects == [c for c in by_kernel(model, every_account(1), 2).columns]
    create = sqlglot.parse_one(made.definition, dialect=made.dialect)
    assert [column.name for column in create.find_all(exp.ColumnDef)] == as_table(model, every_account(1)).column_names
    tables = {table.sql() for table in query.find_all(exp.Table)}
    assert "sales.accounts" in tables
    assert f"model version {model.version}" in made.statement.split("\n")[0]
    assert "-- 51-125" in made.statement
    assert max(len(line) for line in made.statement.split("\n") if "IN (" not in line) < 400


def test_literals_hold_what_they_are_given_and_end_where_they_should():
    for dialect in DIALECTS:
        sql = Dialect.named(dialect)
        for text in HOSTILE:
            written = sql.text(text)
            assert "\n" not in written
            if "${" in text:
                assert ("${" in written) == (dialect not in ("spark", "databricks"))
            elif "\n" not in text:
                assert sqlglot.parse_one(f"SELECT {written}", dialect=sql.name).selects[0].name == text
            assert "\n" not in sql.comment(text)
    with duckdb.connect() as database:
        sql = Dialect.named("duckdb")
        assert [database.sql(f"SELECT {sql.text(t)}").fetchall()[0] for t in HOSTILE] == [(t,) for t in HOSTILE]


def test_numbers_read_back_as_the_same_bits():
    rng = np.random.default_rng(0)
    numbers = [*(rng.normal(size=300) * 10.0 ** rng.integers(-12, 12, 300)).tolist()]
    numbers += [0.1, -0.0, 5e-324, 1.7e308, 2.0**60]
    with duckdb.connect() as database:
        row = database.sql(f"SELECT {', '.join(f'CAST({Dialect.number(n)} AS DOUBLE)' for n in numbers)}").fetchall()[0]
    assert list(row) == numbers


def test_a_cut_off_on_the_log_odds_is_the_least_that_reaches_it():
    from scipy.special import expit

    for cutoff in (0.1, 12.3, 50.0, 61.8, 99.9):
        least = least_log_odds(cutoff)
        assert 100 * expit(least) >= cutoff > 100 * expit(np.nextafter(least, -np.inf))


def test_a_table_called_as_a_step_is_still_read():
    model, columns = every_model(segments=False), every_account(20)
    table = as_table(model, columns)
    same(by_kernel(model, columns, 1), by_duckdb(model, table, 1, "accounts"))


def test_long_sums_are_split_and_stay_equal(monkeypatch):
    monkeypatch.setattr("icp_ml.engines.sql_scores.MOST_ADDED", 7)
    model, columns = every_model(), every_account(100)
    assert "summed_2 AS (" in export_sql(model, "duckdb", "tam").statement
    same(by_kernel(model, columns, 0), by_duckdb(model, as_table(model, columns), 0))


def test_a_list_is_written_as_the_table_the_statement_reads(tmp_path):
    model, rows = hand_model(), hand_list(300)
    rows.to_csv(tmp_path / "list.csv", index=False)
    with (tmp_path / "list.csv").open("a") as file:
        file.write('"L-9",too,many,cells,1,2,3,4,5,6\n')
    summary = write_canonical(model, tmp_path / "list.csv", tmp_path / "tam.parquet")
    assert (summary.written, summary.rejected, summary.missing_fields) == (300, 1, ())
    table = pq.read_table(tmp_path / "tam.parquet")
    assert {"a": ";aws;sap;excel;", "n": None}["n"] in table.column("technologies").to_pylist()
    scored = model.score(rows, reasons=3, lookalikes=0).drop(columns=WINNABILITY)
    same(scored, by_duckdb(model, table, 3))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("out", "message"),
    [("tam.csv", "end its name in .parquet"), ("no/tam.parquet", "existing folder"), ("list.parquet", "over the list")],
)
def test_a_table_is_refused_where_it_cannot_be_written(tmp_path, out, message):
    pq.write_table(pa.Table.from_pandas(hand_list(3)), tmp_path / "list.parquet")
    with pytest.raises(InputError, match=message):
        write_canonical(hand_model(), tmp_path / "list.parquet", tmp_path / out)


def test_marks_of_tokens_are_as_different_as_the_tokens():
    tokens = ["a;b", "a%3Bb", "a%253Bb", "a%b", "a", "b", "", "%25"]
    assert len({token_mark(t) for t in tokens}) == len(tokens)
    assert all(";" not in token_mark(t)[1:-1] for t in tokens)


@pytest.mark.parametrize("table", ["a; DROP TABLE b", "(SELECT 1)", "a b", "", "a\nb", "x -- y", "f(1)"])
def test_what_is_no_name_of_a_table_is_refused(table):
    with pytest.raises(InputError, match="is no name of a table"):
        export_sql(hand_model(), "duckdb", table)


def test_an_unknown_dialect_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="'oracle' is not known; it is one of duckdb, postgres"):
        export_sql(hand_model(), "oracle", "t")


def test_a_statement_longer_than_the_warehouse_takes_is_refused(monkeypatch):
    monkeypatch.setitem(LONGEST, "bigquery", 5000)
    with pytest.raises(InputError, match=r"has [\d,]+ bytes and bigquery takes 5,000; ask for fewer reasons"):
        export_sql(hand_model(), "bigquery", "t")


def test_a_model_without_fields_is_refused():
    model = hand_model()
    nothing = {"values": (), "variances": (), "customers": (), "best": ()}
    tables = replace(model.tables, encoding=Encoding(()), **nothing)
    with pytest.raises(InputError, match="reads no field"):
        export_sql(replace(model, tables=tables), "duckdb", "t")


def test_ages_are_of_the_day_that_is_asked_for():
    from datetime import date

    model, columns = every_model(segments=False), every_account(200)
    scorer = model.scorer(reasons=0, lookalikes=0)
    day = date(2031, 1, 5)
    kernel = plain_strings(scorer.score(columns, 200, day)).to_pandas().drop(columns=WINNABILITY)
    made = export_sql(model, "duckdb", "tam", reasons=0, as_of=day)
    assert re.search("ages as of 2031-01-05", made.statement)
    with duckdb.connect() as database:
        database.register("tam", as_table(model, columns))
        same(kernel, database.sql(made.statement).df())


def test_the_command_writes_statement_definition_and_list(tmp_path: Path, capsys):
    from icp_ml.cli import app

    model = hand_model().save(tmp_path / "model")
    hand_list(9).to_csv(tmp_path / "list.csv", index=False)
    given = ["export-sql", str(model), "--dialect", "duckdb", "--table", "tam"]
    written = ["--out", str(tmp_path / "fit.sql"), "--list", str(tmp_path / "list.csv")]
    with pytest.raises(SystemExit) as done:
        app([*given, *written, "--list-out", str(tmp_path / "tam.parquet")])
    assert done.value.code == 0
    assert "fit.table.sql" in capsys.readouterr().out
    with duckdb.connect() as database:
        database.execute((tmp_path / "fit.table.sql").read_text())
        database.execute(f"INSERT INTO tam SELECT * FROM '{tmp_path / 'tam.parquet'}'")
        assert len(database.sql((tmp_path / "fit.sql").read_text()).fetchall()) == 9
        with pytest.raises(SystemExit):
            app(given)
        printed = capsys.readouterr().out
        assert len(database.sql(printed).fetchall()) == 9


def test_the_canonical_table_has_each_token_once():
    model = hand_model()
    headers = ["Technologies"]
    cells = ["AWS; aws;SAP", None, "sap", "", "x;AWS;x"]
    columns = model.normaliser(headers).normalise(pa.record_batch({"Technologies": cells}))
    table = canonical_table(model.tables.encoding, columns, len(cells))
    found = [None if cell is None else cell.strip(";").split(";") for cell in table["technologies"].to_pylist()]
    assert found == [["amazon web services", "sap"], None, ["sap"], None, ["x", "amazon web services"]]
