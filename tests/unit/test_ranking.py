from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from icp_ml import read_accounts
from icp_ml.engines.ranking import Suppression
from icp_ml.exceptions import InputError
from icp_ml.scoring.columns import plain_strings
from icp_ml.settings import Settings
from tests.hand_model import hand_list, hand_model

# suppression -----------------------------------------------------------------------------------


def accounts(**columns):
    return read_accounts(pd.DataFrame(columns))


def batch(**columns):
    return pa.RecordBatch.from_pydict({n: pa.array(v, pa.string()) for n, v in columns.items()})


def test_a_file_by_which_nobody_could_be_found_is_refused():
    remarks = read_accounts(pd.DataFrame({"Note": ["ask Jo", "gone"], "Industry": ["Retail", "Retail"]}))
    with pytest.raises(InputError, match=r"no account can be left out by it.*'Note', 'Industry'.*HEADER: domain"):
        Suppression.of([(remarks, "on remarks.csv")])
    empty = read_accounts(pd.DataFrame({"Website": ["", ""], "Industry": ["Retail", "Bank"]}))
    with pytest.raises(InputError, match="no account can be left out by it"):
        Suppression.of([(empty, "on empty.csv")])


def test_suppression_by_domain():
    listed = Suppression.of([(accounts(Website=["https://www.a.example/x"], Employees=[5]), "existing customer")])
    rows = batch(account_id=["1", "2", "3"], name=[None, None, None], domain=["a.example", "b.example", None])
    assert listed.reasons(rows) == ["existing customer (same domain a.example)", None, None]


def test_an_id_counts_only_with_the_same_name():
    listed = Suppression.of([(accounts(**{"Account ID": ["7", "8"], "Account Name": ["Acme  Inc", None]}), "customer")])
    rows = batch(account_id=["7", "7", "8", "7"], name=["acme inc", "Other", None, None], domain=[None] * 4)
    assert listed.reasons(rows) == ["customer (same id and name)", None, None, None]


def test_the_first_file_that_names_an_account_gives_the_reason():
    one, two = (
        accounts(Website=["a.example"], Employees=[5]),
        accounts(Website=["a.example", "b.example"], Employees=[5, 6]),
    )
    listed = Suppression.of([(one, "existing customer"), (two, "on rivals.csv")])
    rows = batch(account_id=["1", "2"], name=[None, None], domain=["a.example", "b.example"])
    assert listed.reasons(rows) == [
        "existing customer (same domain a.example)", "on rivals.csv (same domain b.example)",
    ]  # fmt: skip


def test_a_suppressed_account_keeps_neither_score_nor_reasons():
    model = hand_model()
    scorer = model.scorer()
    from icp_ml.accounts.formats.frames import table_from_frame

    raw = table_from_frame(hand_list(6)).combine_chunks().to_batches()[0]
    scored = scorer.score(model.normaliser(raw.schema.names).normalise(raw), 6)
    listed = Suppression.of([(accounts(Website=["company2.example"], Employees=[1]), "existing customer")])
    before = plain_strings(scored).to_pandas()
    after = plain_strings(pa.RecordBatch.from_pydict(listed.apply(scored))).to_pandas()
    assert list(after.columns) == list(before.columns)
    pd.testing.assert_frame_equal(after.drop(index=2), before.drop(index=2))
    row = after.loc[2]
    assert (row["status"], row["status_reason"], row["tier"]) == (
        "suppressed", "existing customer (same domain company2.example)", "none",
    )  # fmt: skip
    gone = [c for c in after.columns if c.startswith(("fit_", "log_odds", "reason_", "lookalike_"))]
    assert row[gone].isna().all()
    assert row["account_id"] == "L-00002"
    assert Suppression().apply(scored)["fit_score"].equals(scored.column("fit_score"))


def listed_names(count: int = 60) -> pd.DataFrame:
    stems = ("Arbor", "Brook", "Cobalt", "Dune", "Ember", "Fjord")
    return pd.DataFrame({
        "ID": [f"L{i}" for i in range(count)],
        "Company": [f"{stems[i % 6]}{'abcdefghij'[i // 6]}tools {i} Ltd" for i in range(count)],
        "City": [f"Town{i % 20}" for i in range(count)],
        "Website": [f"own{i}.com" for i in range(count)],
    })  # fmt: skip


def test_a_name_in_its_place_suppresses_where_it_is_certain():
    market = listed_names()
    ours = accounts(**{"Account Name": ["ARBORATOOLS 0 GmbH"], "City": ["Town0"]})
    rows = batch(account_id=["L0", "L1", "L0"], name=["Arboratools 0 Ltd", "x", "another"], domain=[None] * 3)
    listed = Suppression.of([(ours, "existing customer")], read_accounts(market))
    assert listed.reasons(rows) == ["existing customer (same name, same city: ARBORATOOLS 0 GmbH)", None, None]
    assert listed.doubtful is None
    off = Settings.build({"matching": {"suppress_by_name": False}})
    assert Suppression.of([(ours, "existing customer")], read_accounts(market), off).reasons(rows) == [None] * 3
    assert Suppression.of([(ours, "existing customer")]).reasons(rows) == [None, None, None]


def test_a_list_too_long_to_hold_is_searched_by_domain_and_id_only(tmp_path, monkeypatch):
    listed_names().to_csv(tmp_path / "list.csv", index=False)
    monkeypatch.setattr("icp_ml.engines.ranking.MOST_LISTED", 59)
    ours = accounts(**{"Account Name": ["ARBORATOOLS 0 GmbH"], "City": ["Town0"], "Website": ["own7.com"]})
    listed = Suppression.of([(ours, "existing customer")], tmp_path / "list.csv")
    assert (dict(listed.accounts), list(listed.domains)) == ({}, ["own7.com"])
    assert listed.notes[0].startswith(
        "more than 59 accounts: accounts to suppress were looked for by domain and id only"
    )
    monkeypatch.setattr("icp_ml.engines.ranking.MOST_LISTED", 60)
    assert Suppression.of([(ours, "existing customer")], tmp_path / "list.csv").notes == ()


def test_twins_are_not_suppressed_but_listed_for_a_person():
    market = pd.concat([listed_names(), listed_names(1).assign(ID="twin")], ignore_index=True).drop(columns="Website")
    ours = accounts(**{"Account ID": ["c1"], "Account Name": ["Arboratools 0"], "City": ["Town0"]})
    listed = Suppression.of([(ours, "on rivals.csv")], read_accounts(market))
    rows = batch(account_id=["L0", "twin"], name=["Arboratools 0 Ltd"] * 2, domain=[None] * 2)
    assert listed.reasons(rows) == [None, None]
    row = listed.doubtful.iloc[0]
    assert (row["customer_id"], row["file"], row["why"]) == (
        "c1",
        "on rivals.csv",
        "2 accounts are about equally likely",
    )
    assert {row["candidate_1_id"], row["candidate_2_id"]} == {"L0", "twin"}


def test_hosts_of_one_registrable_domain_are_suppressed_together_but_never_a_shared_host():
    ours = accounts(Website=["https://shop.acme.co.uk/x", "linkedin.com/company/acme"], Employees=[5, 6])
    rows = batch(
        account_id=list("1234"), name=[None] * 4, domain=["acme.co.uk", "de.acme.co.uk", "linkedin.com", "co.uk"]
    )
    why = "existing customer (same domain acme.co.uk)"
    assert Suppression.of([(ours, "existing customer")]).reasons(rows) == [why, why, None, None]
