from __future__ import annotations

import csv
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from icp_ml import read_accounts
from icp_ml.accounts.formats.readers import TableReader
from icp_ml.engines.files import ScoreRequest, check_out, score_file
from icp_ml.exceptions import IcpError, InputError
from icp_ml.scoring.columns import list_schema
from icp_ml.scoring.kernel import Scorer
from tests.hand_model import IDS, hand_list, hand_model

ROWS = 200


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    """Four chunks where a real run has 65,536 rows in each."""
    real = TableReader.batches
    monkeypatch.setattr(TableReader, "batches", lambda self, rows=60, columns=None: real(self, rows, columns))


@pytest.fixture(scope="module")
def model():
    return hand_model()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "list.csv"
    hand_list(ROWS).to_csv(path, index=False)
    return path


def run(model, source, name="out.parquet", **options):
    request = ScoreRequest(source, source.parent / name, **options)
    return score_file(model, request), request.out


def left(folder):
    return sorted(p.name for p in folder.iterdir())


def customers():
    frame = pd.DataFrame({
        "Account ID": [*IDS, "L-00009"], "Account Name": ["One", "Two", "Three", "COMPANY 9"],
        "Website": ["one.example", "https://company5.example/about", None, None], "# Employees": [5, 6, 7, 8],
    })  # fmt: skip
    return read_accounts(frame)


# what is written -------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["csv", "parquet"])
@pytest.mark.parametrize("wanted", ["csv", "parquet"])
def test_every_row_is_scored_in_order(model, source, given, wanted):
    frame = hand_list(ROWS)
    if given == "parquet":
        source = source.with_suffix(".parquet")
        frame.to_parquet(source)
    summary, out = run(model, source, f"out.{wanted}")
    read = pd.read_csv(out) if wanted == "csv" else pd.read_parquet(out)
    direct = model.score(frame)
    assert read["account_id"].tolist() == frame["Account ID"].tolist()
    assert read["log_odds"].to_numpy() == pytest.approx(direct["log_odds"].to_numpy(), abs=0, nan_ok=True)
    assert read["tier"].tolist() == direct["tier"].tolist()
    assert read["reason_1"].fillna("").tolist() == direct["reason_1"].fillna("").tolist()
    assert (summary.rows, summary.rejected) == (ROWS, 0)
    assert summary.scored + summary.ineligible + summary.suppressed == ROWS
    assert sum(summary.tiers.values()) == ROWS
    assert summary.tiers["A"] == (read["tier"] == "A").sum() > 0
    assert left(source.parent) == sorted({"list.csv", source.name, out.name})


def test_the_columns_are_the_published_schema(model, source):
    schema = pq.read_schema(run(model, source)[1])
    published = list_schema()
    assert schema.names == published.names
    assert schema.types == published.types


def test_ranks_and_percentiles(model, source):
    summary, out = run(model, source)
    read = pd.read_parquet(out)
    scored = read.dropna(subset="fit_score")
    order = scored.sort_values(["log_odds", "account_id"], ascending=[False, True])
    assert order["rank"].tolist() == list(range(1, summary.scored + 1))
    assert order["percentile"].iloc[0] == 100
    assert order["percentile"].iloc[-1] == pytest.approx(100 / summary.scored)
    assert read.loc[read["fit_score"].isna(), ["rank", "percentile"]].isna().all(axis=None)


def test_the_metadata_say_what_made_it(model, source):
    metadata = pq.read_metadata(run(model, source)[1]).metadata
    assert metadata[b"icp_ml.model_version"].decode() == model.version
    assert metadata[b"icp_ml.settings_hash"].decode() == model.settings.hash
    assert metadata[b"icp_ml.as_of"] == b"2026-10-01"


def test_columns_of_the_list_are_carried_after_the_domain(model, source):
    _, out = run(model, source, keep=["Note", "# Employees"])
    read = pd.read_parquet(out)
    assert list(read.columns[:5]) == ["account_id", "name", "domain", "Note", "# Employees"]
    assert read["Note"].fillna("").tolist() == hand_list(ROWS)["Note"].fillna("").tolist()
    everything = pq.read_schema(run(model, source, keep="all")[1]).names
    assert set(hand_list(1).columns) <= set(everything)


def test_carried_columns_never_hide_a_scored_one(model, source):
    frame = hand_list(ROWS).assign(rank=range(ROWS), status="mine")
    frame.to_csv(source, index=False)
    _, out = run(model, source, keep=["rank", "status"])
    read = pd.read_parquet(out)
    assert read["list_rank"].tolist() == [str(i) for i in range(ROWS)]
    assert set(read["list_status"]) == {"mine"}
    assert read["rank"].max() == read["fit_score"].notna().sum()


def test_formulas_of_strangers_are_defused(model, source):
    frame = hand_list(ROWS)
    frame.loc[0, "Account Name"] = "=HYPERLINK(1)"
    frame.to_csv(source, index=False)
    _, out = run(model, source, "out.csv", keep=["Note"])
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    notes = {r["Note"] for r in rows}
    assert "'=SUM(A1)" in notes
    assert "-5" in notes
    assert not [cell for r in rows for cell in r.values() if cell.startswith("=")]


# same bytes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_jobs_do_not_change_the_bytes(model, source, name):
    options = {"keep": "all", "customers": customers()}
    one = run(model, source, name, jobs=1, **options)[1].read_bytes()
    assert one == run(model, source, name, jobs=2, **options)[1].read_bytes()


class Killed(BaseException):
    """The machine goes down."""


def die_after(monkeypatch, rows):
    real, seen = Scorer.score, []

    def score(self, columns, n, as_of=None):
        seen.append(n)
        if sum(seen) > rows:
            raise Killed
        return real(self, columns, n, as_of)

    monkeypatch.setattr(Scorer, "score", score)
    return seen


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_resumed_run_writes_the_same_bytes(model, source, monkeypatch, name, jobs):
    expected = run(model, source, name, keep="all")[1].read_bytes()
    (source.parent / name).unlink()
    with monkeypatch.context() as patch:
        die_after(patch, 130)
        with pytest.raises(Killed):
            run(model, source, name, keep="all", jobs=jobs)
    assert f".{name}.parts" in left(source.parent)
    assert not (source.parent / name).exists()
    with monkeypatch.context() as patch:
        scored = die_after(patch, 10**9)
        _, out = run(model, source, name, keep="all", resume=True, jobs=jobs)
    assert sum(scored) <= ROWS - 60  # what was done is not done again
    assert out.read_bytes() == expected
    assert left(source.parent) == sorted(["list.csv", name])


def interrupted(model, source, monkeypatch, **options):
    with monkeypatch.context() as patch:
        die_after(patch, 130)
        with pytest.raises(Killed):
            run(model, source, **options)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"keep": ["Note"]}, "keep"),
        ({"reasons": 2}, "reasons"),
        ({"lookalikes": 0}, "lookalikes"),
        ({"mapping": {"Note": "ignore"}}, "mapping"),
        ({"customers": "some"}, "suppression"),
        ({"exclude": "some"}, "suppression"),
    ],
)
def test_a_run_of_something_else_is_not_resumed(model, source, monkeypatch, change, what):
    interrupted(model, source, monkeypatch)
    if "customers" in change:
        change = {"customers": customers()}
    if "exclude" in change:
        change = {"exclude": [(customers(), "on rivals.csv")]}
    with pytest.raises(InputError, match=f"cannot resume, since {what} changed; run again without --resume"):
        run(model, source, resume=True, **change)
    assert ".out.parquet.parts" in left(source.parent)  # the right command may still go on


def test_a_changed_list_or_model_is_not_resumed(model, source, monkeypatch):
    interrupted(model, source, monkeypatch)
    with pytest.raises(InputError, match="cannot resume, since model changed"):
        run(hand_model({"random_state": 3}), source, resume=True)
    source.write_text(source.read_text().replace("Company 5", "Company V"))
    with pytest.raises(InputError, match="cannot resume, since list changed"):
        run(model, source, resume=True)
    summary, _ = run(model, source)  # without --resume it starts over
    assert summary.rows == ROWS


def test_a_journal_cut_short_starts_over(model, source):
    expected = run(model, source)[1].read_bytes()
    folder = source.parent / ".out.parquet.parts"
    folder.mkdir()
    (folder / "journal.json").write_text('{"model": "ab')
    assert run(model, source, resume=True)[1].read_bytes() == expected
    assert left(source.parent) == ["list.csv", "out.parquet"]


def test_resuming_nothing_is_a_plain_run(model, source):
    assert run(model, source, resume=True)[0].rows == ROWS


# rejects ---------------------------------------------------------------------------------------


def test_rows_that_do_not_parse_are_written_apart(model, source):
    lines = source.read_text().splitlines()
    lines[3] = "=too,few"
    lines[150] = lines[150] + ",too,many"
    source.write_text("\n".join(lines) + "\n")
    summary, out = run(model, source)
    assert (summary.rows, summary.rejected) == (ROWS, 2)
    assert summary.scored + summary.ineligible + summary.rejected == ROWS
    assert summary.rejects == out.with_name("out.parquet.rejects.csv")
    with summary.rejects.open(newline="") as file:
        rejects = list(csv.DictReader(file))
    assert [r["line"] for r in rejects] == ["4", "151"]
    assert rejects[0]["text"].startswith("'=too")
    assert pq.read_metadata(out).num_rows == ROWS - 2
    hand_list(ROWS).to_csv(source, index=False)
    assert run(model, source)[0].rejects is None
    assert not out.with_name("out.parquet.rejects.csv").exists()  # of an earlier run


# suppression -----------------------------------------------------------------------------------


def test_customers_are_suppressed_and_named_in_lookalikes(model, source):
    summary, out = run(model, source, customers=customers(), exclude=[(rivals(), "on rivals.csv")])
    read = pd.read_parquet(out).set_index("account_id")
    assert summary.suppressed == 3
    gone = read[read["status"] == "suppressed"]
    assert gone["status_reason"].to_dict() == {
        "L-00005": "existing customer (same domain company5.example)",
        "L-00009": "existing customer (same id and name)",
        "L-00150": "on rivals.csv (same domain company150.example)",
    }  # fmt: skip
    assert gone[["fit_score", "rank", "reason_1", "lookalike_1"]].isna().all(axis=None)
    assert set(gone["tier"]) == {"none"}
    assert read["rank"].max() == summary.scored
    named = {"One", "Two", "Three"}
    assert set(read["lookalike_1"].dropna()) <= named


def rivals():
    return read_accounts(pd.DataFrame({"Website": ["company150.example"], "# Employees": [4]}))


def test_accounts_that_may_be_meant_are_listed_beside_the_result(model, source):
    twins = hand_list(ROWS)
    twins.loc[[3, 4], "Account Name"] = "Twin Tools"
    twins.loc[3, "Account ID"] = "=twin"
    twins["Website"] = None
    twins.to_csv(source, index=False)
    wanted = read_accounts(pd.DataFrame({"Account Name": ["TWIN TOOLS Ltd"], "# Employees": [4]}))
    summary, out = run(model, source, exclude=[(wanted, "on rivals.csv")])
    review = pd.read_csv(summary.review)
    assert summary.review == out.with_name("out.parquet.review.csv")
    assert summary.suppressed == 0
    assert review["file"].tolist() == ["on rivals.csv"]
    assert {review["candidate_1_id"][0], review["candidate_2_id"][0]} == {"'=twin", "L-00004"}, "no formulas"
    run(model, source)
    assert not summary.review.exists()


def test_the_summary_is_plain_json(model, source):
    summary, _ = run(model, source, capacity=10)
    data = json.loads(json.dumps(summary.to_dict()))
    assert (data["obtainable"], data["serviceable"]) == (10, summary.scored)
    assert data["missing_fields"] == []


def test_fields_the_list_lacks_are_said(model, source):
    hand_list(ROWS).drop(columns=["Industry"]).to_csv(source, index=False)
    assert run(model, source)[0].missing_fields == ("industry",)


def test_progress_is_told(model, source):
    told = []
    score_file(model, ScoreRequest(source, source.parent / "o.csv"), lambda done, rows: told.append((done, rows)))
    assert told == [(60, None), (120, None), (180, None), (200, None)]


# refusals --------------------------------------------------------------------------------------


def test_outputs_that_cannot_be_written_are_refused_first(model, source, tmp_path):
    for out, match in [
        (tmp_path / "out.xlsx", r"must end in .csv or .parquet"),
        (tmp_path / "none" / "out.csv", "the folder .*none does not exist"),
        (source, "would be written over the list itself"),
    ]:
        with pytest.raises(InputError, match=match):
            check_out(out, source)
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        check_out(tmp_path / "dir.csv", source)
    rejects = source.rename(tmp_path / "scored.csv.rejects.csv")
    with pytest.raises(InputError, match=r"scored.csv.rejects.csv would be written over the list itself"):
        check_out(tmp_path / "scored.csv", rejects)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"keep": ["Nothing"]}, "--keep names 'Nothing', which is not a column; the columns are 'Account ID'"),
        ({"mapping": {"Note": "no_such_field"}}, "no_such_field"),
    ],
)
def test_wrong_requests_leave_nothing_behind(model, source, options, match):
    with pytest.raises(IcpError, match=match):
        run(model, source, **options)
    assert left(source.parent) == ["list.csv"]


def test_a_list_without_any_field_is_refused(model, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"none of its columns \('a', 'b'\) is a field of the model"):
        run(model, path)
    assert left(tmp_path) == ["list.csv"]


def test_a_damaged_list_leaves_nothing_behind(model, tmp_path):
    path = tmp_path / "list.parquet"
    hand_list(5000).to_parquet(path, compression=None)
    data = bytearray(path.read_bytes())
    data[200 : len(data) // 2] = bytes(len(data) // 2 - 200)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"list.parquet"):
        run(model, path)
    assert left(tmp_path) == ["list.parquet"]


def test_an_older_result_stays_until_the_new_one_is_whole(model, source, monkeypatch):
    _, out = run(model, source)
    before = out.read_bytes()
    interrupted(model, source, monkeypatch, reasons=1)
    assert out.read_bytes() == before
    assert ".out.parquet.partial" not in left(source.parent)


def test_a_list_whose_last_rows_are_all_rejected(model, source):
    text = hand_list(120).to_csv(index=False)
    source.write_text(text + "x,y\n" * 3)
    summary, out = run(model, source)
    assert (summary.rows, summary.rejected) == (123, 3)
    assert pq.read_metadata(out).num_rows == 120


def test_the_unused_parts_of_a_request_do_not_matter(model, source):
    one = run(model, source, capacity=3)[1].read_bytes()
    assert one == run(model, source, jobs=3)[1].read_bytes()
