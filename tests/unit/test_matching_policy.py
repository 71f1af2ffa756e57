"""Whether customers take over the list's values for training: every rule, and what is said of it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from icp_ml import Settings, read_accounts
from icp_ml.accounts.matching import NothingInCommonError, enrich, find_customers, match_accounts
from icp_ml.accounts.matching.decisions import DecisionError, read_decisions
from icp_ml.accounts.matching.policy import with_own
from icp_ml.accounts.quality import judge_columns
from icp_ml.exceptions import InputError

COUNT = 240
STATUS = np.array(["best", "worst", "middle"], dtype=object)[np.arange(COUNT) % 3]
BEFORE = {"list_date": "2024-06-01"}  # the newest customer date is 2025-12-01
TOOLS = ("Snowflake", "Salesforce", "SAP")


def customers(**columns) -> pd.DataFrame:
    """Customers with two fields, all gone that are worst."""
    number = np.arange(COUNT)
    return pd.DataFrame({
        "ID": [f"c{i}" for i in number],
        "Company": [f"Firm{i} Works" for i in number],
        "Website": [f"firm{i}.com" for i in number],
        "Employees": 10 + number,
        "Country": np.array(["Germany", "France"])[number % 2],
        "Customer Since": [f"20{24 + i % 2}-{1 + i % 12:02d}-01" for i in number],
        "Churned": np.where(STATUS == "worst", "yes", "no"),
        **columns,
    })  # fmt: skip


def listed(known=None, **columns) -> pd.DataFrame:
    """A list that has the known customers, their sizes three times as large, and the tools they use."""
    number = np.arange(COUNT)
    frame = pd.DataFrame({
        "ID": [f"v{i}" for i in number],
        "Company": [f"Firm{i} Works" for i in number],
        "Website": [f"firm{i}.com" for i in number],
        "Employees": 3 * (10 + number),
        "Country": np.array(["Germany", "France"])[number % 2],
        "Technologies": np.array(TOOLS)[number // 3 % 3],
        **columns,
    })  # fmt: skip
    return frame if known is None else frame[known].reset_index(drop=True)


def planned(market: pd.DataFrame, status=STATUS, own=None, **matching):
    settings = Settings.build({"matching": matching})
    accounts = read_accounts(customers() if own is None else own, settings)
    found = find_customers(accounts, read_accounts(market, settings, like=accounts), settings)
    return accounts, found.plan(status, settings)


MOST = np.arange(COUNT) % 5 > 0  # four of five, whatever became of them
SURVIVORS = (STATUS != "worst") | (np.arange(COUNT) % 4 > 0)  # all but a quarter of the worst


def test_where_all_speaks_for_it_the_list_is_trained_on():
    accounts, plan = planned(listed(MOST), **BEFORE)
    assert plan.is_enriched
    assert plan.fields == ("employees", "country", "technologies")
    assert plan.against == ()
    assert plan.accounts.table.column("employees").to_pylist() == [
        (3 if on_it else 1) * (10 + i) for i, on_it in enumerate(MOST)
    ], "of those that are not on the list, their own value stays"
    tools = plan.accounts.table.column("technologies").to_pylist()
    assert [tool is not None for tool in tools] == MOST.tolist(), "and is missing where they never had one"
    assert plan.sentence == (
        "Training uses the list's values of 3 fields for the 192 customers found on it; where the list has none, and "
        "for the other 48, their own stay; technologies, which only the list has, is missing for the other 48."
    )
    told = {one["field"]: one for one in plan.to_dict()["fields"]}
    assert (told["employees"]["from_list"], told["employees"]["kept_own"]) == (192, 48)
    assert (told["technologies"]["from_list"], told["technologies"]["kept_own"]) == (192, 0)
    assert "technologies" not in accounts.fields


def test_without_the_list_s_date_it_says_what_it_would_bring_and_what_is_missing():
    accounts, plan = planned(listed(MOST))
    assert not plan.is_enriched
    assert plan.accounts is accounts
    assert plan.sentence == (
        "Training does not use the list's values. They would bring 1 new field (technologies); the list's view of "
        "employees; to use them, set matching: {enrich: always}."
    )
    (against,) = plan.against
    assert "is not known" in against
    assert "matching: {list_date: YYYY-MM-DD}" in against


def test_a_list_from_after_the_outcomes_is_not_trained_on_unless_asked():
    _, plan = planned(listed(MOST), list_date="2026-03-01")
    assert not plan.is_enriched
    assert plan.against[0].startswith("the list's values are from 2026-03-01, after the outcomes (2025-12-01)")
    _, asked = planned(listed(MOST), list_date="2026-03-01", enrich="always")
    assert asked.is_enriched
    assert asked.against == plan.against


def test_on_the_day_of_the_newest_outcome_it_is_not_after_it():
    assert planned(listed(MOST), list_date="2025-12-01")[1].is_enriched


def test_mostly_survivors_are_not_trained_on_unless_asked_and_are_said():
    _, plan = planned(listed(SURVIVORS), **BEFORE)
    assert not plan.is_enriched
    assert plan.survivorship.startswith("matched 100 % of best but 75 % of worst customers")
    assert plan.against == (plan.survivorship,)
    _, asked = planned(listed(SURVIVORS), enrich="always", **BEFORE)
    assert asked.is_enriched
    assert asked.against == (plan.survivorship,)


def test_churn_counts_where_best_and_worst_are_alike():
    status = np.array(["best", "worst"], dtype=object)[np.arange(COUNT) // 12 % 2]
    _, plan = planned(listed(SURVIVORS), status=status, **BEFORE)
    assert plan.survivorship is None
    assert not plan.is_enriched
    assert plan.against[0].startswith("matched 100 % of active but 75 % of churned customers")


def test_half_of_the_best_and_of_the_worst_have_to_be_on_it():
    few = np.arange(COUNT) % 10 < 4
    _, plan = planned(listed(few), **BEFORE)
    assert not plan.is_enriched
    assert plan.sentence == (
        "Training does not use the list's values: 40% of best and 40% of worst customers are on the list, and it takes "
        "50% of both."
    )
    half = np.arange(COUNT) // 3 % 2 == 0
    assert planned(listed(half), **BEFORE)[1].is_enriched
    _, asked = planned(listed(few), enrich="always", **BEFORE)
    assert asked.is_enriched
    assert asked.against == ("40% of best and 40% of worst customers are on the list, and it takes 50% of both",)


def test_of_a_list_that_has_few_the_values_are_not_even_read():
    settings = Settings.build({"matching": BEFORE})
    accounts = read_accounts(customers(), settings)
    found = find_customers(accounts, read_accounts(listed(np.arange(COUNT) < 20)), settings)
    assert found.enrichment is None
    assert found.plan(STATUS, settings).to_dict()["fields"] == []


def test_never_is_never():
    accounts, plan = planned(listed(MOST), enrich="never", **BEFORE)
    assert plan.accounts is accounts
    assert plan.enrichment is None
    assert "matching: {enrich: never}" in plan.sentence
    assert plan.shares["best"] == {"customers": 80, "matched": pytest.approx(0.8)}


def test_a_list_that_says_the_same_is_left_alone():
    same = listed(MOST)[["ID", "Company", "Website", "Country"]]
    _, plan = planned(same, **BEFORE)
    assert not plan.is_enriched
    assert plan.sentence == "Training does not use the list's values: they say what the customers' own say."


def test_nobody_found_is_said_even_where_it_is_always():
    other = listed().assign(Company="Else", Website=[f"else{i}.org" for i in range(COUNT)])
    accounts, plan = planned(other, enrich="always")
    assert plan.accounts is accounts
    assert not plan.is_enriched
    assert plan.sentence == "Training does not use the list's values: no customer was found on it."


def test_a_field_that_the_list_knows_of_the_best_only_keeps_the_customers_own_values():
    sizes = [None if s == "worst" and i % 2 else 3 * (10 + i) for i, s in enumerate(STATUS)]
    accounts, plan = planned(listed(MOST, Employees=sizes), **BEFORE)
    assert plan.is_enriched
    assert list(plan.put_back) == ["employees"]
    assert "employees" not in plan.fields
    assert plan.accounts.table.column("employees").equals(accounts.table.column("employees"))
    assert plan.sentence.endswith("as the list knows best and worst customers unevenly: employees.")
    _, asked = planned(listed(MOST, Employees=sizes), enrich="always", **BEFORE)
    assert asked.accounts.table.column("employees")[5].as_py() == 15, "a gap on the list"
    assert asked.accounts.table.column("employees")[6].as_py() == 48, "the list's, as it was asked for"
    assert asked.against[0].startswith("employees: of the customers on the list, it knows this of 100% of best")


def test_putting_back_restores_words_and_leaves_out_what_they_never_had():
    accounts = read_accounts(customers())
    market = read_accounts(listed(Country="spain"), like=accounts)
    enriched = enrich(accounts, market, match_accounts(accounts, market)).accounts
    own = with_own(enriched, accounts, ["country", "technologies"])
    assert own.table.column("country").equals(accounts.table.column("country"))
    assert own.spellings["country"] == accounts.spellings["country"]
    assert "technologies" not in {*own.table.column_names, *own.fields, *own.spellings, *own.report.by_field}
    assert own.table.column("employees").equals(enriched.table.column("employees"))


def test_outcomes_on_the_list_are_not_taken_over():
    market = listed(MOST, Churned=np.where(STATUS == "best", "yes", "no"), NPS=5)
    accounts, plan = planned(market, enrich="always", **BEFORE)
    assert plan.is_enriched
    assert plan.accounts.table.column("churned").equals(accounts.table.column("churned"))
    assert "nps" not in plan.accounts.fields


@pytest.mark.parametrize("known", [np.ones(COUNT, dtype=bool), SURVIVORS])
def test_a_column_of_the_list_that_tells_the_outcome_meets_the_guard(known):
    stage = np.where(STATUS == "worst", "Former", "Current")
    market = read_accounts(listed(known, **{"Relation": stage}))
    _, plan = planned(listed(known, **{"Relation": stage}), enrich="always", **BEFORE)
    assert "relation" in plan.accounts.fields
    report = judge_columns(plan.accounts.table, plan.accounts.fields, pd.Series(STATUS), market=market.table)
    assert "relation" not in report.accepted


def test_a_field_known_of_survivors_only_has_its_gaps_neutralised():
    tools = [None if s == "worst" and i % 5 else TOOLS[i // 3 % 3] for i, s in enumerate(STATUS)]
    market = listed(Technologies=tools)
    _, plan = planned(market, **BEFORE)
    assert "technologies" in plan.fields
    report = judge_columns(
        plan.accounts.table, plan.accounts.fields, pd.Series(STATUS), market=read_accounts(market).table
    )
    assert "technologies" not in report.accepted or "technologies" in report.neutralise


def test_a_plan_is_plain():
    _, plan = planned(listed(MOST), **BEFORE)
    told = plan.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_file_gives_the_same_plan_as_the_list_in_memory(tmp_path):
    path = tmp_path / "list.csv"
    listed(MOST).to_csv(path, index=False)
    settings = Settings.build({"matching": BEFORE})
    accounts = read_accounts(customers(), settings)
    seen: list[tuple[str, int]] = []
    streamed = find_customers(accounts, path, settings, progress=lambda stage, rows: seen.append((stage, rows)))
    plan, other = streamed.plan(STATUS, settings), planned(listed(MOST), **BEFORE)[1]
    assert plan.to_dict() == other.to_dict()
    assert plan.accounts.table.equals(other.accounts.table)
    assert str(tmp_path) not in json.dumps([plan.to_dict(), plan.accounts.report.notes])
    assert seen == [
        ("find customers on the list", 0),
        ("find customers on the list", int(MOST.sum())),
        ("read what the list says of them", 0),
    ]


def test_without_names_and_domains_in_both_nobody_can_be_found():
    accounts = read_accounts(customers())
    bare = read_accounts(listed()[["ID", "Employees", "Country"]])
    with pytest.raises(NothingInCommonError, match="names or domains have to be in both files"):
        find_customers(accounts, bare)
    decided = pd.DataFrame({"customer_id": ["c3"], "decision": ["v7"]})
    assert find_customers(accounts, bare, decisions=decided).matches.rows[3] == 7, "but a person may have said it"


def test_the_apostrophe_of_a_review_table_is_no_part_of_an_id():
    decided = pd.DataFrame({"customer_id": ["'=1", "'a", "-2"], "decision": ["'+49", "none", "'@x"]})
    assert read_decisions(decided) == {"=1": "+49", "'a": None, "-2": "@x"}


def test_decisions_that_cannot_be_read_are_told_from_lists_that_cannot(tmp_path):
    assert issubclass(DecisionError, InputError)
    (tmp_path / "not.csv").write_text("a,b\n1,2\n")
    for path, words in ((tmp_path / "not.csv", "no column 'customer_id'"), (tmp_path / "absent.csv", "absent.csv")):
        with pytest.raises(DecisionError, match=words):
            read_decisions(path)
