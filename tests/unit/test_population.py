"""Who in a table is a customer to judge: deals, statuses, observation windows, and answers off their scale."""

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.accounts.values.deal_stages import customer_state, deal_state
from icp_ml.exceptions import InputError, TrainingRefused
from icp_ml.outcomes import STATUSES, OutcomeDefinition

AS_OF = date(2026, 10, 1)
SHARED = Path(os.environ.get("ICP_ML_SHARED", Path(__file__).parents[3] / "shared"))


def boolean(values):
    return pd.array(list(values), dtype="boolean")


def plain(**columns):
    return pd.DataFrame(columns)


def make_customers(n=400, seed=0, missing_nps=0.5):
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    age = rng.integers(30, 2000, n)
    since = pd.Timestamp(AS_OF) - pd.to_timedelta(age, unit="D")
    churned = quality + rng.normal(size=n) < -1.2
    left = since + pd.to_timedelta(rng.integers(1, np.maximum(age, 2)), unit="D")
    nps = np.clip(np.round(7 + quality + rng.normal(size=n)), 0, 10)
    return pd.DataFrame(
        {
            "customer_since": since.astype("datetime64[s]"),
            "churned": boolean(churned),
            "churn_date": pd.Series(left).where(churned).astype("datetime64[s]"),
            "nps": np.where(rng.random(n) < missing_nps, np.nan, nps),
        }
    )


SPELLINGS = {
    "won": ["Closed Won", "closed-won", "CLOSED_WON", "Won", "6 - Won", "closedwon", "Closed Won - Paid",
            "Closed Won - Not Paid", "07. Closed Won", "Closed Won (100%)", "Gewonnen", "Cerrado - Ganado"],
    "lost": ["Lost", "Closed/Lost", "Closed - Lost", "closed lost", "CLOSED_LOST", "Closed Lost: price", "Disqualified",
             "Perdu", "Closed Lost (no budget)"],
    "open": ["Negotiation/Review", "Stage 5: Negotiation", "Id. Decision Makers", "appointmentscheduled", "Proposal"],
    "not_renewed": ["Closed Lost - Not Renewing", "Renewal - Lost", "Churned"],
    None: ["Closed", "Pilot", "Won/Lost", "Won back", "Lost contact", "Series A", "", "-", "Not Lost - Open"],
}  # fmt: skip
STATUSES_WRITTEN = {
    "active": ["active", "Active customer", "Current", "Stayed", "Joined", "1 - Active", "Activa", "Active (at risk)"],
    "churned": ["churned", "Cancelled", "canceled", "cancelada", "Former Customer", "Gekündigt", "Résilié",
                "Customer - churned", "Inactive - non payment"],
    "not_customer": ["Prospect", "Trial", "lead", "Not a customer"],
    None: ["Paused", "Active/Churned", "Tier 2", "kunde gekündigt?"],
}  # fmt: skip


@pytest.mark.parametrize(("state", "text"), [(s, t) for s, texts in SPELLINGS.items() for t in texts])
def test_deal_stages(state, text):
    assert deal_state(text) == deal_state(" ".join(text.split()).casefold()) == state


@pytest.mark.parametrize(("state", "text"), [(s, t) for s, texts in STATUSES_WRITTEN.items() for t in texts])
def test_customer_statuses(state, text):
    assert customer_state(text) == customer_state(f"  {text} ".casefold()) == state


@given(st.text(max_size=60))
def test_any_spelling_has_a_meaning_or_none(text):
    assert deal_state(text) in (None, "won", "lost", "open", "not_renewed")
    assert customer_state(text) in (None, "active", "churned", "not_customer")


def with_deals(lost=60, opened=10):
    """Won customers with outcomes, and lost and open deals without."""
    won = make_customers(missing_nps=0.0)
    won["deal_stage"] = "closed won"
    won["industry"] = np.where(np.arange(len(won)) % 2 == 0, "software", "retail")
    stages = ["closed lost"] * lost + ["negotiation"] * opened
    others = pd.DataFrame({"deal_stage": stages, "industry": ["software"] * len(stages)})
    return pd.concat([won, others], ignore_index=True)


def test_lost_deals_are_reported_beside_and_judge_nobody():
    frame = with_deals()
    labels = OutcomeDefinition().label(frame, AS_OF)
    alone = OutcomeDefinition().label(make_customers(missing_nps=0.0), AS_OF)
    assert labels.status[:400].tolist() == alone.status.tolist()
    assert labels.counts["lost_deal"] == (labels.status[400:] == "lost_deal").sum() == 60
    assert labels.counts["open_deal"] == 10
    assert labels.counts["customers"] == 400
    assert labels.counts["rows"] == 470 == sum(labels.counts[s] for s in STATUSES)
    deals = labels.deals
    assert (deals.won, deals.lost, deals.open) == (400, 60, 10)
    assert deals.rate == pytest.approx(400 / 460)
    assert deals.low < deals.rate < deals.high
    rates = deals.frame().set_index("value")["rate"]
    assert rates.to_dict() == pytest.approx({"software": 200 / 260, "retail": 1.0})
    assert json.loads(json.dumps(labels.to_dict(), allow_nan=False))["deals"]["lost"] == 60
    assert not any("who buys" in note for note in labels.notes)


def test_lost_deals_are_worst_only_on_request_and_then_it_says_what_that_means():
    labels = OutcomeDefinition(lost_deals="worst").label(with_deals(), AS_OF)
    assert labels.is_worst[400:460].all()
    assert (labels.grade[400:460] == 0).all()
    assert (labels.status[460:] == "open_deal").all()
    assert any("the model then says who buys, not who is ideal" in note for note in labels.notes)
    assert "Accounts whose deal was lost count as worst." in labels.definition_text
    without = OutcomeDefinition(lost_deals="worst").label(make_customers(), AS_OF)
    assert any("no row of the table is a lost deal" in note for note in without.notes)


def test_won_against_lost_needs_to_be_asked_for():
    frame = plain(deal_stage=["Closed Won"] * 40 + ["Lost"] * 60)
    with pytest.raises(InputError, match=r"says who buys, not who is an ideal customer.*lost_deals: worst"):
        OutcomeDefinition().label(frame)
    labels = OutcomeDefinition(lost_deals="worst").label(frame)
    assert labels.binary
    assert (labels.counts["best"], labels.counts["worst"]) == (40, 60)
    assert "a won deal is best, a lost one worst" in labels.definition_text


def test_a_deal_lost_too_recently_is_left_out_like_a_customer_won_then():
    frame = with_deals()
    frame["deal_closed_date"] = pd.Series(
        [None] * 400 + ["2024-01-05"] * 30 + ["2026-08-01"] * 40, dtype="datetime64[s]"
    )
    labels = OutcomeDefinition(lost_deals="worst").label(frame, AS_OF)
    assert labels.is_worst[400:430].all()
    assert (labels.status[430:460] == "lost_deal").all()


def test_a_customer_whose_upsell_was_lost_is_still_a_customer():
    frame = make_customers()
    frame["deal_stage"] = "Closed Lost"
    labels = OutcomeDefinition().label(frame, AS_OF)
    assert labels.counts["lost_deal"] == 0
    assert any("400 rows with a deal lost or open have outcomes of a customer" in note for note in labels.notes)


def test_the_day_a_deal_was_won_is_when_a_customer_signed():
    frame = plain(
        deal_stage=["won"] * 40,
        deal_closed_date=pd.to_datetime(["2024-01-01", "2026-08-01"] * 20).astype("datetime64[s]"),
        nps=np.arange(40.0) % 11,
    )
    labels = OutcomeDefinition().label(frame, AS_OF)
    assert labels.counts["too_young"] == 20


def test_statuses_say_who_left_and_who_is_no_customer():
    frame = plain(
        customer_status=["active", "cancelada", "Prospect", "sleeping"] * 30, nps=[8.0, 9.0, 10.0, 5.0, 7.0, 2.0] * 20
    )
    labels = OutcomeDefinition().label(frame)
    assert labels.is_worst[1::4].all()
    assert (labels.status[2::4] == "not_customer").all()
    note = next(note for note in labels.notes if "not guessed" in note)
    assert "30 rows have a customer status" in note
    assert "'sleeping' (30)" in note
    assert labels.is_mature[3::4].all()  # judged by its NPS: only the status says nothing
    named = OutcomeDefinition(spellings={"Sleeping": "churned"}).label(frame)
    assert named.is_worst[3::4].all()
    assert not any("not guessed" in note for note in named.notes)


def test_an_unknown_stage_is_listed_and_judged_nowhere():
    frame = with_deals()
    frame.loc[460:, "deal_stage"] = "zombie"
    labels = OutcomeDefinition(lost_deals="worst").label(frame, AS_OF)
    assert (labels.status[460:] == "unjudged").all()
    assert labels.deals.unknown == 10
    assert any("'zombie' (10)" in note and "spellings: {'zombie': ...}" in note for note in labels.notes)


def test_status_and_churn_at_odds_are_said():
    frame = plain(customer_status=["active"] * 60, churned=boolean([True, False, False] * 20), nps=np.arange(60.0) % 11)
    labels = OutcomeDefinition().label(frame)
    assert labels.counts["churned"] == 20
    assert any("20 customers are marked as staying but another column says they left" in n for n in labels.notes)


def test_the_window_leaves_out_who_left_before_it_and_who_signed_too_late():
    since = pd.to_datetime(["2020-01-01", "2020-01-01", "2024-06-01", "2026-01-01", "2020-01-01"] * 20)
    left = pd.to_datetime(["2022-01-01", "2024-03-01", None, None, None] * 20)
    frame = plain(
        customer_since=since.astype("datetime64[s]"), churn_date=left.astype("datetime64[s]"), nps=np.arange(100.0) % 11
    )
    labels = OutcomeDefinition(observed_from=date(2024, 1, 1)).label(frame, AS_OF)
    assert (labels.status[0::5] == "before_window").all()
    assert labels.is_worst[1::5].all()  # left within the horizon after the window began
    assert labels.is_mature[2::5].all()
    assert (labels.status[3::5] == "too_young").all()
    assert labels.counts["before_window"] == 20
    assert any("20 customers left before 2024-01-01" in note for note in labels.notes)
    assert any("cannot be checked" in note for note in labels.notes)
    assert "since 2024-01-01" in labels.definition_text
    late = OutcomeDefinition(observed_from=date(2026, 6, 1))
    with pytest.raises(TrainingRefused, match="customers has been observed for 365 days"):
        late.label(frame, AS_OF)


def test_a_window_needs_dates():
    with pytest.raises(InputError, match="observed_from = 2024-01-01 needs the day each customer signed"):
        OutcomeDefinition(observed_from=date(2024, 1, 1)).label(plain(nps=[1.0, 2.0] * 30), AS_OF)
    frame = make_customers().drop(columns="churn_date")
    labels = OutcomeDefinition(observed_from=date(2024, 1, 1)).label(frame, AS_OF)
    unknown = frame["churned"].to_numpy(dtype=bool) & (frame["customer_since"] < pd.Timestamp("2024-01-01")).to_numpy()
    assert (labels.status[unknown] == "before_window").all()
    assert any(f"{unknown.sum()} churned customers have no churn date" in note for note in labels.notes)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([-100.0, 0.0, 100.0], "-100 to 100"),
        ([20.0, 90.0, 55.0], "percentages"),
        ([1.0, 3.0, 5.0], "satisfaction score"),
        ([0.2, 0.9, 0.5], "shares of 1"),
    ],
)
def test_scales_of_nps_are_said_and_change_no_rank(values, words):
    labels = OutcomeDefinition({"nps": 1}).label(plain(nps=values * 30))
    assert any(words in note for note in labels.notes)
    assert labels.components["nps"].rank().equals(pd.Series(values * 30).rank())
    usual = OutcomeDefinition({"nps": 1}).label(plain(nps=[0.0, 7.0, 10.0] * 30))
    assert not any("runs from" in note for note in usual.notes)


def test_a_few_answers_off_the_scale_are_taken_as_not_known():
    frame = plain(nps=[*np.tile(np.arange(11.0), 20), -1.0, 99.0, 99.0], churned=boolean([False] * 220 + [True] * 3))
    labels = OutcomeDefinition().label(frame)
    assert labels.components["nps"][220:].isna().all()
    assert any("3 NPS values (-1, 99) are off the scale of 0 to 10" in note for note in labels.notes)


def test_several_rows_of_one_account_are_said():
    frame = make_customers()
    frame["account_id"] = [f"A{i // 2}" if i < 10 else f"B{i}" for i in range(len(frame))]
    labels = OutcomeDefinition().label(frame, AS_OF)
    assert any("5 accounts have several rows ('A0', 'A1', 'A2')" in note for note in labels.notes)


def test_real_opportunities_are_read_right():
    path = SHARED / "data" / "saas_vendor_pipeline" / "opportunities.csv"
    if not path.exists():
        pytest.skip("the shared tables are not on this machine")
    stage = pd.read_csv(path)["Stage"]
    frame = pd.DataFrame({"deal_stage": stage.str.casefold()})
    labels = OutcomeDefinition(lost_deals="worst").label(frame)
    won = stage.str.startswith("Closed Won").to_numpy()
    assert (labels.is_best == won).all()
    assert labels.counts["worst"] == (~won).sum()
    assert labels.deals.won == 534
    assert labels.deals.lost == 969  # and two customers that did not renew
    assert labels.deals.unknown == 0
