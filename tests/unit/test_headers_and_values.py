"""Headers that mean an outcome only where their values, or the columns beside them, say so."""

import pandas as pd
import pytest

from icp_ml.accounts import read_accounts
from icp_ml.accounts.headers.proposals import propose_fields
from icp_ml.settings import Settings

STAGES = ["Closed Won - Paid", "Closed Lost", "Negotiation", "Prospecting"]
ROUNDS = ["Series A", "Seed", "Series B", "Series C"]


def read(settings=None, **columns):
    return read_accounts(pd.DataFrame(columns), Settings.build(settings or {}))


@pytest.mark.parametrize("header", ["Stage", "stage", "Stage__c"])
def test_a_stage_is_a_deals_where_its_values_are_deal_stages(header):
    assert "deal_stage" in read(**{header: STAGES}).fields
    rounds = read(**{header: ROUNDS})
    assert "deal_stage" not in rounds.fields
    note = rounds.report.columns[0].notes[0]
    assert note.startswith("not taken as deal stage, as only 0 of 4 cells are known as one; to insist, set columns: ")


def test_half_the_cells_decide_not_half_the_spellings():
    many = ["Closed Won"] * 6 + ["Odd one", "Odd two", "Odd three"]
    assert "deal_stage" in read(Stage=many).fields
    assert "deal_stage" not in read(Stage=["Closed Won", *ROUNDS * 2]).fields


def test_stages_of_ones_own_count_once_the_settings_explain_them():
    own = ["Gold", "Silver", "Bronze", "gold"]
    assert "deal_stage" not in read(Stage=own).fields
    explained = {"outcomes": {"spellings": {"gold": "won", "silver": "lost"}}}
    assert "deal_stage" in read(explained, Stage=own).fields
    assert "deal_stage" in read({"columns": {"Stage": "deal_stage"}}, Stage=own).fields
    assert "deal_stage" in read(**{"Deal Stage": own}).fields  # its header leaves no doubt


def test_an_account_status_is_a_customers_where_its_values_are():
    assert "customer_status" in read(**{"Account Status": ["Active", "Churned", "Former customer"]}).fields
    other = read(**{"Account Status": ["Verified", "Duplicate", "To review"], "ID": ["a", "b", "c"]})
    assert "customer_status" not in other.fields


def test_a_close_date_is_a_deals_beside_a_deals_stage():
    days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]
    assert "deal_closed_date" in read(**{"Close Date": days, "Stage": STAGES}).fields
    alone = read(**{"Close Date": days, "ID": ["a", "b", "c", "d"]})
    assert "deal_closed_date" not in alone.fields
    assert alone.fields["close_date"].kind == "date"
    (asked,) = propose_fields(alone)
    assert asked.question.startswith("is it when it became a customer, when a deal was closed")
    assert "deal_closed_date" in read(**{"Opportunity Close Date": days}).fields


def test_rounds_under_a_bare_stage_are_asked_about():
    (asked,) = propose_fields(read(Stage=ROUNDS * 10, ID=[f"a{n}" for n in range(40)]))
    assert (asked.header, asked.field) == ("Stage", "last_funding_stage")
    assert asked.question == "is it of a deal, or of the company's funding?"
