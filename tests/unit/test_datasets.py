"""The synthetic world: planted truth, realistic gaps, vendor files, and samples equal to the byte."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from icp_ml.datasets import World, make_world, words
from icp_ml.datasets.companies import CUSTOMER_FILL, MARKET_FILL, ON_MARKET
from icp_ml.datasets.samples import SAMPLE_NAMES, sample_path, write_samples
from icp_ml.datasets.vendors import (
    CRM_HEADERS,
    CUSTOM_FIELDS,
    LIST_HEADERS,
    as_crm_export,
    as_purchased_list,
)
from icp_ml.exceptions import InputError
from icp_ml.schema import BY_NAME, field_of_header, header_key

COMMITTED = Path(__file__).resolve().parents[2] / "data_samples"
OUTCOMES = ("churned", "churn_date", "customer_since", "net_revenue_retention", "nps")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


def _auc(score: np.ndarray, positive: np.ndarray) -> float:
    ranks = pd.Series(score).rank().to_numpy()
    k = int(positive.sum())
    return float((ranks[positive].sum() - k * (k + 1) / 2) / (k * (len(score) - k)))


def _digest(frame: pd.DataFrame) -> str:
    return hashlib.sha256(frame.to_csv().encode()).hexdigest()


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_committed_samples_are_what_the_generator_writes(samples: Path, name: str) -> None:
    made = hashlib.sha256((samples / name).read_bytes()).hexdigest()
    kept = hashlib.sha256((COMMITTED / name).read_bytes()).hexdigest()
    assert made == kept, f"{name} differs: run  python -m icp_ml.datasets.samples data_samples"
    assert sample_path(name).read_bytes() == (COMMITTED / name).read_bytes()


def test_sample_files_have_the_promised_shape(samples: Path) -> None:
    for name, rows, headers in (("customers.csv", 1200, CRM_HEADERS), ("market.csv", 20_000, LIST_HEADERS)):
        content = (samples / name).read_bytes()
        assert b"\r" not in content
        assert len(content) < 6_000_000
        with (samples / name).open(encoding="utf-8", newline="") as file:
            table = list(csv.reader(file))
        assert table[0] == list(headers)
        assert len(table) == rows + 1
        assert {len(row) for row in table} == {len(headers)}


def test_sample_files_share_thirty_customers_under_the_vendors_own_ids(samples: Path) -> None:
    customers = pd.read_csv(samples / "customers.csv", dtype=str)
    market = pd.read_csv(samples / "market.csv", dtype=str)
    shared = set(customers["Account Name"]) & set(market["Company Name"])
    assert len(shared) == ON_MARKET
    assert not set(customers["Account ID"]) & set(market["Company ID"])
    assert customers["Account ID"].is_unique
    assert market["Company ID"].is_unique
    truth = json.loads((samples / "truth.json").read_text(encoding="utf-8"))
    name = dict(zip(customers["Account ID"], customers["Account Name"], strict=True))
    other = dict(zip(market["Company ID"], market["Company Name"], strict=True))
    assert {other[key] for key in truth["customers_on_market"]} == shared
    assert all(other[key] == name[value] for key, value in truth["customers_on_market"].items())


def test_shared_customers_have_one_domain_and_the_same_planted_log_odds(world: World) -> None:
    customers = world.customers.set_index("account_id")
    market = world.market.set_index("account_id")
    of_customer = pd.Series(world.truth.log_odds_customers, index=customers.index)
    of_market = pd.Series(world.truth.log_odds_market, index=market.index)
    agree = 0
    for vendor_id, crm_id in world.truth.customers_on_market.items():
        domains = {market["domain"][vendor_id], customers["domain"][crm_id]}
        agree += len({domain for domain in domains if isinstance(domain, str)}) == 1
        assert of_market[vendor_id] == of_customer[crm_id]
    assert agree == ON_MARKET


def test_names_and_domains_are_unique_and_invented(world: World) -> None:
    both = pd.concat([world.customers, world.market])
    assert both["name"].nunique() == len(both) - ON_MARKET
    known = both["domain"].dropna()
    assert known.str.fullmatch(r"[a-z]+(-[a-z0-9]+)+\.example").all()
    assert world.market["domain"].dropna().is_unique


def test_fill_rates_are_those_reported_of_purchased_lists(world: World) -> None:
    market = world.market.notna().mean()
    for name, rate in {"domain": 0.97, "employees": 0.71, "revenue_usd": 0.44, "technologies": 0.39,
                       "total_funding_usd": 0.28}.items():  # fmt: skip
        assert market[name] == pytest.approx(rate, abs=0.02), name
    for name, rate in MARKET_FILL.items():
        assert market[name] == pytest.approx(rate, abs=0.03), name
    customers = world.customers.notna().mean()
    for name, rate in CUSTOMER_FILL.items():
        assert customers[name] == pytest.approx(rate, abs=0.07), name
        assert customers[name] > market[name] - 0.02, name


def test_outcomes_look_like_a_companys_customers(world: World) -> None:
    customers = world.customers
    tenure = (pd.Timestamp(world.as_of) - customers["customer_since"]).dt.days
    assert 0.2 < customers["churned"].mean() < 0.35
    assert 0.4 < customers["nps"].isna().mean() < 0.5
    assert 0.15 < (tenure < 365).mean() < 0.3
    assert (customers["churn_date"].notna() == customers["churned"]).all()
    assert (customers["churn_date"].dropna() <= pd.Timestamp(world.as_of)).all()
    assert (customers["churn_date"] >= customers["customer_since"]).sum() == customers["churned"].sum()
    assert customers["nps"].dropna().between(0, 10).all()
    assert customers["net_revenue_retention"][tenure < 365].isna().all()


def test_outcomes_lean_on_the_planted_log_odds_but_do_not_give_it_away(world: World) -> None:
    log_odds = world.truth.log_odds_customers
    for name, low, high in (("net_revenue_retention", 0.35, 0.75), ("nps", 0.3, 0.7)):
        known = world.customers[name].notna().to_numpy()
        rank = world.customers[name].rank()
        correlation = np.corrcoef(rank[known], pd.Series(log_odds).rank()[known])[0, 1]
        assert low < correlation < high, name
    assert 0.65 < _auc(-log_odds, world.customers["churned"].to_numpy(dtype=bool)) < 0.8


def test_giant_accounts_pay_most_and_are_not_ideal(world: World) -> None:
    arr = world.customers["annual_revenue_from_customer_usd"]
    giants = arr.nlargest(12).index
    assert arr[giants].sum() > 0.15 * arr.sum()
    size = world.customers["employees"][giants].dropna()
    assert (size >= 1000).mean() > 0.7


def test_sales_reach_a_biased_slice_of_the_market(world: World) -> None:
    for column, value in (("country", "US"), ("industry", "software")):
        assert (world.customers[column] == value).mean() > 1.2 * (world.market[column] == value).mean()
    assert world.truth.log_odds_customers.mean() > world.truth.log_odds_market.mean() + 0.3


def test_decoys_follow_planted_fields(world: World) -> None:
    market = world.market
    assert market["employees"].corr(market["revenue_usd"], method="spearman") > 0.7
    assert market["founded_year"].corr(market["total_funding_usd"].notna().astype(float)) > 0.1
    known = market["technologies"].dropna()
    has = pd.DataFrame(
        {token: [token in row for row in known] for token in ("snowflake", "dbt", "salesforce", "hubspot")}
    )
    assert has["dbt"].corr(has["snowflake"]) > 0.3
    assert has["hubspot"].corr(has["salesforce"]) < -0.05
    planted = {(trait.field, value) for trait in world.truth.traits if trait.kind == "token" for value in trait.values}
    assert not planted & {(decoy.field, decoy.token) for decoy in world.truth.decoys}
    assert {decoy.field for decoy in world.truth.decoys} <= set(market.columns)


def test_planted_traits_add_up_to_the_log_odds(world: World) -> None:
    complete = world.customers.notna()
    total = np.full(len(world.customers), world.truth.intercept)
    known = np.ones(len(total), dtype=bool)
    for trait in world.truth.traits:
        total += trait.effect * trait.applies(world.customers)
        known &= complete[trait.field].to_numpy()
        assert 0.5 <= abs(trait.effect) <= 1.1
        assert 0.03 < trait.holds(world.customers).mean() < 0.6
    assert known.sum() > 100
    np.testing.assert_allclose(total[known], world.truth.log_odds_customers[known], atol=1e-6)


def test_traps_are_on_no_purchased_list_and_one_is_blank_where_churned(world: World) -> None:
    traps = {trap.field for trap in world.truth.traps}
    assert traps <= set(world.customers.columns)
    assert not traps & set(world.market.columns)
    assert not {name for name in world.market if name in BY_NAME and BY_NAME[name].role == "outcome"}
    blank = world.customers["success_plan"].isna()
    assert blank[world.customers["churned"]].all()
    assert blank[~world.customers["churned"]].mean() < 0.1
    assert _auc(-world.customers["health_score"].to_numpy(), world.customers["churned"].to_numpy(dtype=bool)) > 0.9


def test_same_seed_same_world_and_another_seed_another() -> None:
    first, again, other = (make_world(150, 200, seed=seed) for seed in (5, 5, 6))
    assert _digest(first.customers) == _digest(again.customers)
    assert _digest(first.market) == _digest(again.market)
    assert first.truth.to_dict() == again.truth.to_dict()
    assert _digest(first.customers) != _digest(other.customers)


def test_switches_change_the_outcomes_and_never_the_companies() -> None:
    plain = make_world(300, 200, seed=3)
    features = list(CUSTOMER_FILL)
    for switch in ("null", "partial_null", "two_icps"):
        world = make_world(300, 200, seed=3, **{switch: True})
        assert _digest(world.customers[features]) == _digest(plain.customers[features]), switch
        assert _digest(world.customers[list(OUTCOMES)]) != _digest(plain.customers[list(OUTCOMES)]), switch
        assert world.truth.switches[switch] is True


def test_null_world_has_no_ideal_customer() -> None:
    world = make_world(4000, 100, seed=2, null=True)
    assert world.truth.traits == ()
    assert np.unique(world.truth.log_odds_customers).size == 1
    assert np.unique(world.truth.log_odds_market).size == 1
    customers = world.customers
    for name in ("churned", "net_revenue_retention", "nps", "annual_revenue_from_customer_usd"):
        outcome = customers[name].astype("float64")
        for field in ("employees", "founded_year", "employee_growth_rate", "revenue_usd", "open_jobs"):
            assert abs(outcome.corr(customers[field], method="spearman")) < 0.07, (name, field)
        for trait in make_world(50, 50).truth.traits:
            holds = pd.Series(trait.holds(customers).astype("float64"))
            assert abs(outcome.corr(holds)) < 0.07, (name, trait.field)


def test_partial_null_world_has_one_real_field() -> None:
    world = make_world(4000, 100, seed=2, partial_null=True)
    (trait,) = world.truth.traits
    assert (trait.field, trait.effect) == ("country", 1.1)
    assert np.unique(world.truth.log_odds_customers).size == 2
    customers = world.customers
    holds = pd.Series(trait.holds(customers).astype("float64"))
    assert customers["nps"].corr(holds) > 0.2
    for field in ("employees", "founded_year", "employee_growth_rate"):
        assert abs(customers["nps"].corr(customers[field], method="spearman")) < 0.07, field


def test_two_icps_turn_round_at_a_size() -> None:
    world = make_world(4000, 100, seed=2, two_icps=True)
    customers = world.customers
    young = (customers["founded_year"] >= 2010).where(customers["founded_year"].notna()).astype("float64")
    small = customers["employees"] <= 200
    large = customers["employees"] > 200
    assert min(small.mean(), large.mean()) > 0.25
    assert customers["nps"][small].corr(young[small]) > 0.1
    assert customers["nps"][large].corr(young[large]) < -0.1
    assert {trait.segment is None for trait in world.truth.traits} == {True, False}
    assert world.truth.to_dict()["traits"][0]["segment"] == {
        "field": "employees",
        "kind": "range",
        "values": [None, 200.0],
    }


def test_noise_blurs_the_outcomes() -> None:
    correlation = []
    for noise in (0.0, 1.0, 3.0):
        world = make_world(1500, 50, seed=4, noise=noise)
        nrr = world.customers["net_revenue_retention"]
        correlation.append(nrr.corr(pd.Series(world.truth.log_odds_customers)))
    assert correlation[0] > 0.9
    assert correlation[0] > correlation[1] + 0.2 > correlation[2] + 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_customers": 0}, r"n_customers = 0 and n_market = 20000 must both be at least 1"),
        ({"noise": -1.0}, r"noise = -1.0 must be finite and not negative"),
        ({"null": True, "two_icps": True}, r"different worlds; switch on one"),
    ],
)
def test_impossible_worlds_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_world(**arguments)  # type: ignore[arg-type]


def test_one_company_each_is_a_world() -> None:
    world = make_world(1, 1)
    assert (len(world.customers), len(world.market), len(world.truth.customers_on_market)) == (1, 1, 1)


@pytest.mark.parametrize("headers", [CRM_HEADERS, LIST_HEADERS])
def test_headers_are_known_to_the_schema_or_meant_as_own_fields(headers: dict[str, str], world: World) -> None:
    traps = {trap.field for trap in world.truth.traps}
    for header, name in headers.items():
        found = field_of_header(header)
        if found is None:
            assert name in {*CUSTOM_FIELDS, *traps}, header
            assert header_key(header) == name
        else:
            assert found.name == name, header
    assert {name for name in headers.values() if field_of_header(name) is None} >= set(CUSTOM_FIELDS)
    assert len(set(headers.values())) == len(headers)


def test_vendor_files_hold_every_column_of_the_world(world: World) -> None:
    assert set(CRM_HEADERS.values()) == set(world.customers.columns)
    assert set(LIST_HEADERS.values()) == set(world.market.columns)


def test_crm_export_is_written_by_many_hands(world: World) -> None:
    crm = as_crm_export(world.customers)
    assert crm.notna().all(axis=None)
    assert crm.map(lambda cell: isinstance(cell, str)).all(axis=None)
    assert {"United States", "USA", "Deutschland"} <= set(crm["Billing Country"])
    assert {"Unknown", "-", "No Info"} <= set(crm["# Employees"])
    money = "\n".join(crm["Annual Revenue"])
    for style in (r"^\$\d+M$", r"^\$\d+\.\dm$", r"^\d+$", r"^\$[\d,]+$", r"^\d\.\d\d Million$"):
        assert re.search(style, money, re.MULTILINE), style
    assert set(crm["Churned"]) == {"Yes", "No"}
    assert crm["Customer Since"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert crm["Tech Stack"].str.contains("Salesforce; ").any()
    filled = crm["# Employees"].str.contains(r"\d")
    assert (filled == world.customers["employees"].notna()).all()


def test_purchased_list_gives_sizes_in_other_bands(world: World) -> None:
    listed = as_purchased_list(world.market)
    sizes, revenue = set(listed["Employee Range"]), set(listed["Revenue Range"])
    assert {"11-20", "201-500", "1,001-2,000", "10,001+", "NULL", ""} <= sizes
    assert {"$10 to $25 million (USD)", "$1 billion and over (USD)"} <= revenue
    row = listed["Technologies"].str.contains(", ").idxmax()
    tokens = world.market["technologies"][row]
    assert listed["Technologies"][row] == ", ".join(words.SPELLING[token] for token in tokens)
    known = world.market["employees"].notna()
    low = listed["Employee Range"][known].str.extract(r"^([\d,]+)")[0].str.replace(",", "").astype(float)
    assert (low <= world.market["employees"][known]).all()


def test_vendor_files_take_any_subset_of_the_columns(world: World) -> None:
    few = world.customers.loc[[7, 3], ["name", "employees"]]
    crm = as_crm_export(few)
    assert list(crm.columns) == ["Account Name", "# Employees"]
    assert list(crm.index) == [7, 3]
    with pytest.raises(InputError, match="no column to write: none of height is a field"):
        as_crm_export(pd.DataFrame({"height": [1.0]}))


def test_sample_path_names_what_exists() -> None:
    with pytest.raises(InputError, match=r"no sample file is called 'nope.csv'; there are customers.csv, market.csv"):
        sample_path("nope.csv")


def test_truth_is_plain_json_and_a_table(world: World) -> None:
    data = world.truth.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert len(world.truth.frame()) == len(data["traits"]) == 9
    assert make_world(20, 20, null=True).truth.frame().empty
