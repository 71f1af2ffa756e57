"""The labelled tables of the benchmark: raw columns known before the sale, and one label; what tells it is out.

Each table is a DataFrame of numbers, strings and token sets (tuples) with missing values as they come, and a label of
zeros and ones. Which columns are known before the sale is taken from the tables' own descriptions.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Table:
    """One benchmark table; `truth` is the planted log-odds where they are known."""

    name: str
    X: pd.DataFrame
    y: np.ndarray
    truth: np.ndarray | None = None


def _strings(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return (
        frame[columns].astype("object").where(frame[columns].notna(), None).map(lambda v: None if v is None else str(v))
    )


def _numbers(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return frame[columns].apply(pd.to_numeric, errors="coerce").astype("float64")


def _table(name: str, frame: pd.DataFrame, y: pd.Series, numbers: list[str], strings: list[str]) -> Table:
    X = pd.concat([_numbers(frame, numbers), _strings(frame, strings)], axis=1).reset_index(drop=True)
    return Table(name, X, np.asarray(y, dtype=np.int64))


def salvirt(data: Path) -> Table:
    """B2B software deals, everything noted while the deal was open."""
    frame = pd.read_csv(data / "salvirt_b2b_deals" / "b2b_dataset.csv", dtype="str", keep_default_na=False)
    columns = [c for c in frame if c not in ("Status", "Seller")]
    return _table("salvirt", frame, frame["Status"] == "Won", [], columns)


def salvirt_company(data: Path) -> Table:
    """The same deals, only what is known of the company."""
    table = salvirt(data)
    return Table("salvirt_company", table.X[["Comp_size", "Growth", "Source", "Client", "Product"]], table.y)


def sba(data: Path) -> Table:
    """Small-business loans: repaid or not, from what is known of the borrower."""
    frame = pd.read_csv(data / "sba_small_business_loans" / "sba_california_case.csv", dtype="str")
    numbers = ["NoEmp", "CreateJob", "RetainedJob", "ApprovalFY"]
    strings = ["City", "Zip", "NAICS", "NewExist", "FranchiseCode", "UrbanRural", "Bank", "BankState"]
    return _table("sba", frame, frame["Default"] == "0", numbers, strings)


def startups(data: Path) -> Table:
    """US start-ups: acquired or closed."""
    frame = pd.read_csv(data / "crunchbase_startup_acquired_closed" / "startup_data.csv", dtype="str")
    founded = pd.to_datetime(frame["founded_at"], format="mixed")
    frame["founded"] = (founded - pd.Timestamp("1990-01-01")).dt.days.astype("float64")
    numbers = ["founded", "latitude", "longitude", "funding_rounds", "funding_total_usd", "avg_participants"]
    strings = ["state_code", "city", "zip_code", "category_code", "has_VC", "has_angel", "has_roundA", "has_roundB",
               "has_roundC", "has_roundD"]  # fmt: skip
    return _table("startups", frame, frame["status"] == "acquired", numbers, strings)


def us_companies(data: Path) -> Table:
    """US companies of 2014: acquired or listed against closed, from firmographics."""
    frame = pd.read_csv(data / "crunchbase_2014_us_companies" / "companies.csv.gz", dtype="str", encoding="latin-1")
    frame = frame[frame["status"].isin(["acquired", "ipo", "closed"])].copy()
    frame["suffix"] = frame["homepage_url"].str.extract(r"\.([a-z]{2,4})/?$")[0]
    return _table("us_companies", frame, frame["status"] != "closed", ["founded_year"],
                  ["category_code", "state_code", "region", "city", "suffix", "founded_month"])  # fmt: skip


def _telco(data: Path) -> pd.DataFrame:
    return pd.read_csv(data / "ibm_telco_extended" / "telco_extended_satisfaction_cltv.csv", dtype="str")


def telco_stay(data: Path) -> Table:
    """Telco customers who stayed, from who they are and what they chose at the sale."""
    frame = _telco(data)
    frame = frame[frame["Customer Status"] != "Joined"]
    strings = ["Gender", "Married", "Dependents", "City", "Zip Code", "Referred a Friend", "Offer", "Phone Service",
               "Multiple Lines", "Internet Service", "Internet Type", "Online Security", "Online Backup",
               "Device Protection Plan", "Premium Tech Support", "Streaming TV", "Streaming Movies", "Streaming Music",
               "Unlimited Data", "Contract", "Paperless Billing", "Payment Method"]  # fmt: skip
    numbers = ["Age", "Number of Dependents", "Latitude", "Longitude"]
    return _table("telco_stay", frame, frame["Churn Label"] == "No", numbers, strings)


def telco_ideal(data: Path) -> Table:
    """The same customers: the top quarter by staying, lifetime value and satisfaction against the rest."""
    frame = _telco(data)
    frame = frame[frame["Customer Status"] != "Joined"]
    stay = telco_stay(data)
    ranks = [pd.to_numeric(frame[c]).rank(pct=True) for c in ("CLTV", "Satisfaction Score")]
    composite = (sum(ranks) + 2 * (frame["Churn Label"] == "No")) / 4
    return Table("telco_ideal", stay.X, np.asarray(composite >= composite.quantile(0.75), dtype=np.int64))


def bank(data: Path) -> Table:
    """Bank customers: who subscribed, from who they are (the call's length and the economy are out)."""
    frame = pd.read_csv(
        data / "uci_bank_marketing_b2c" / "bank_additional_full.csv.gz", sep=None, engine="python", dtype="str"
    )
    strings = [
        "job",
        "marital",
        "education",
        "default",
        "housing",
        "loan",
        "contact",
        "month",
        "day_of_week",
        "poutcome",
    ]
    return _table("bank", frame, frame["y"] == "yes", ["age", "previous"], strings)


def olist_active(data: Path) -> Table:
    """Won sellers: who became active, from what was known at qualification."""
    frame = pd.read_csv(data / "olist_b2b_sellers" / "funnel_joined.csv", dtype="str")
    frame = frame[frame["won"].isin(["1", "True", "1.0"])]
    return _table("olist_active", frame, frame["activated"].isin(["1", "True", "1.0"]), [], _OLIST)


def olist_won(data: Path) -> Table:
    """Leads: who was won."""
    frame = pd.read_csv(data / "olist_b2b_sellers" / "funnel_joined.csv", dtype="str")
    frame["month"] = frame["first_contact_date"].str[:7]
    return _table(
        "olist_won", frame, frame["won"].isin(["1", "True", "1.0"]), [], ["landing_page_id", "origin", "month"]
    )


_OLIST = ["landing_page_id", "origin", "business_segment", "lead_type", "lead_behaviour_profile", "business_type"]


def planted(data: Path, seed: int = 1, rows: int = 4000) -> Table:
    """The planted workload: companies of which a known log-odds decides."""
    path = data.parent / "bench" / "make_workload.py"
    spec = importlib.util.spec_from_file_location("make_workload", path)
    if spec is None or spec.loader is None:
        msg = f"{path}: not there"
        raise FileNotFoundError(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    frame, log_odds = module.accounts(rows, seed)
    X = frame.drop(columns=["account_id", "name", "domain"])
    for column in ("technologies", "keywords"):
        X[column] = [tuple(v.split(";")) if isinstance(v, str) else None for v in X[column]]
    for column in ("country", "industry"):
        X[column] = X[column].astype("object")
    y = np.random.default_rng(seed + 7).random(rows) < 1 / (1 + np.exp(-log_odds))
    return Table("planted", X, y.astype(np.int64), log_odds)


TABLES: Mapping[str, Callable[[Path], Table]] = {
    make.__name__: make
    for make in (salvirt, salvirt_company, sba, startups, us_companies, telco_stay, telco_ideal, bank, olist_active,
                 olist_won, planted)
}  # fmt: skip
