"""Write a synthetic world the way a CRM and a list vendor would: their headers, bands, spellings and gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from icp_ml.datasets import words
from icp_ml.exceptions import InputError

# Headers, in the order of the file -> field. The last three feature columns of both files are unknown to
# the schema: a user's own fields.
CRM_HEADERS: Mapping[str, str] = {
    "Account ID": "account_id", "Account Name": "name", "Website": "domain", "Industry": "industry",
    "NAICS Code": "naics_code", "Ownership": "company_type", "# Employees": "employees",
    "Annual Revenue": "revenue_usd", "Billing Country": "country", "Billing State/Province": "state",
    "Billing City": "city", "Year Founded": "founded_year", "Employee Growth": "employee_growth_rate",
    "Total Funding": "total_funding_usd", "Funding Stage": "last_funding_stage",
    "Last Funding Date": "last_funding_date", "Number of Locations": "retail_locations", "Tech Stack": "technologies",
    "Monthly Website Visits": "monthly_web_visits", "IT Budget": "it_spend_usd", "Specialties": "keywords",
    "Remote Policy": "work_model", "Certifications": "certifications", "Open Positions": "open_jobs",
    "Hiring Roles": "hiring_roles", "Buying Intent Topics": "intent_topics", "Description": "description",
    "Has Public API": "has_public_api", "ESG Rating": "esg_rating", "Cloud Regions": "cloud_regions",
    "Customer Since": "customer_since", "Churn Date": "churn_date", "Churned": "churned",
    "NRR (12m)": "net_revenue_retention", "NPS": "nps", "ARR": "annual_revenue_from_customer_usd",
    "Support Tickets": "support_tickets", "Health Score": "health_score", "Weekly Active Users": "weekly_active_users",
    "Success Plan": "success_plan", "CSM": "csm", "CSM Tier": "csm_tier", "Discount Rate": "discount_rate",
}  # fmt: skip
LIST_HEADERS: Mapping[str, str] = {
    "Company ID": "account_id", "Company Name": "name", "Website": "domain", "Employee Range": "employees",
    "Industry": "industry", "NAICS Codes": "naics_code", "Company Type": "company_type", "Company City": "city",
    "Company State": "state", "Company Country": "country", "Founded Year": "founded_year",
    "Revenue Range": "revenue_usd", "12 Month Headcount Growth": "employee_growth_rate", "Keywords": "keywords",
    "Technologies": "technologies", "Monthly Visits": "monthly_web_visits", "IT Spend": "it_spend_usd",
    "Total Funding": "total_funding_usd", "Latest Funding": "last_funding_stage", "Last Raised At": "last_funding_date",
    "Number of Retail Locations": "retail_locations", "Work Model": "work_model",
    "Compliance Certifications": "certifications", "Job Openings": "open_jobs", "Job Functions Hiring": "hiring_roles",
    "Intent Topics": "intent_topics", "Short Description": "description",
    "Has Public API": "has_public_api", "ESG Rating": "esg_rating", "Cloud Regions": "cloud_regions",
}  # fmt: skip
CUSTOM_FIELDS = ("has_public_api", "esg_rating", "cloud_regions")

_CRM_PLACEHOLDERS = ("Unknown", "-", "No Info", "N/A")
_LIST_PLACEHOLDERS = ("NULL", "Unknown / Non-Applicable", "No Info")
_CRM_BANDS = ((1, 9), (10, 49), (50, 100), (101, 249), (250, 500), (501, 999), (1000, 4999), (5000, 9999))
_LIST_BANDS = (
    (1, 10), (11, 20), (21, 50), (51, 100), (101, 200), (201, 500), (501, 1000), (1001, 2000), (2001, 5000),
    (5001, 10_000),
)  # fmt: skip
_LIST_REVENUE = (0, 1, 5, 10, 25, 50, 100, 250, 500, 1000)  # million USD
_TOKEN_SETS = frozenset({"technologies", "keywords", "certifications", "hiring_roles", "intent_topics"})
_PLACEHOLDER_FIELDS = frozenset({
    "industry", "company_type", "employees", "revenue_usd", "country", "state", "city", "founded_year", "work_model",
    "last_funding_stage", "esg_rating",
})  # fmt: skip

Writer = Callable[[Any, float], str]  # (value, a draw in [0, 1)) -> the cell


@dataclass(frozen=True)
class _Style:
    """How one vendor writes: headers, a writer by field, what stands for nothing."""

    headers: Mapping[str, str]
    writers: Mapping[str, Writer]
    placeholders: tuple[str, ...]
    placeholder_share: float
    separator: str


def as_crm_export(customers: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Write customers as a CRM exports them.

    Parameters
    ----------
    customers : DataFrame
        Canonical fields and outcomes, as `World.customers`; a field that is absent gets no column.
    seed : int
        Chooses who wrote which cell how.

    Returns
    -------
    DataFrame of str, same length
        CRM headers; a gap is an empty string or a placeholder such as "No Info".
    """
    return _write(customers, _CRM, np.random.Generator(np.random.PCG64([seed, 101])))


def as_purchased_list(market: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Write a market as a purchased list: a vendor's headers, sizes and revenue in bands.

    Parameters
    ----------
    market : DataFrame
        Canonical fields, as `World.market`.
    seed : int
        Chooses which gaps are placeholders.

    Returns
    -------
    DataFrame of str, same length
        A vendor's headers; a gap is an empty string or a placeholder such as "NULL".
    """
    return _write(market, _LIST, np.random.Generator(np.random.PCG64([seed, 102])))


def _write(frame: pd.DataFrame, style: _Style, rng: np.random.Generator) -> pd.DataFrame:
    columns: dict[str, pd.Series[str]] = {}
    for header, name in style.headers.items():
        draws = rng.random(len(frame)).tolist()
        if name in frame:
            cells = _cells(frame[name], name, style, draws)
            columns[header] = pd.Series(cells, index=frame.index, dtype="str")
    if not columns:
        msg = f"no column to write: none of {', '.join(map(str, frame.columns[:5]))} is a field of a synthetic world"
        raise InputError(msg)
    return pd.DataFrame(columns)


def _cells(column: pd.Series[Any], name: str, style: _Style, draws: Sequence[float]) -> list[str]:
    if name in _TOKEN_SETS:
        join = style.separator.join
        return [join(map(_spelled, tokens)) if isinstance(tokens, tuple) else "" for tokens in column]
    missing = column.isna().to_numpy().tolist()
    write = style.writers.get(name, _plain)
    share = style.placeholder_share if name in _PLACEHOLDER_FIELDS else 0.0
    cells = []
    for value, gap, draw in zip(column.tolist(), missing, draws, strict=True):
        if not gap:
            cells.append(write(value, draw))
        elif draw < share:
            cells.append(style.placeholders[int(draw / share * len(style.placeholders))])
        else:
            cells.append("")
    return cells


def _spelled(word: str) -> str:
    return words.SPELLING.get(word, word)


def _plain(value: Any, draw: float) -> str:
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    return _spelled(value) if isinstance(value, str) else str(value)


def _untidy(value: str, draw: float) -> str:
    """Write a label as typed by hand: now and then in capitals or with a stray space."""
    word = _spelled(value)
    if draw < 0.03:
        return word.upper()
    return f"{word} " if draw > 0.97 else word


def _crm_website(value: str, draw: float) -> str:
    if draw < 0.5:
        return f"https://www.{value}"
    return f"http://{value}/" if draw < 0.6 else value


def _crm_employees(value: float, draw: float) -> str:
    number = int(value)
    if draw < 0.75:
        return str(number)
    if draw < 0.9:
        return f"{number:,}"
    for low, high in _CRM_BANDS:
        if low <= number <= high:
            return f"{low} - {high}"
    return "10000+"


def _crm_money(value: float, draw: float) -> str:
    millions = value / 1e6
    if draw < 0.35 or millions < 0.1:
        return str(int(value))
    if draw < 0.5:
        return f"${int(value):,}"
    if millions == int(millions):
        return f"${int(millions)}M"
    return f"${millions:.1f}m" if draw < 0.9 and millions >= 10 else f"{millions:.2f} Million"


def _crm_country(value: str, draw: float) -> str:
    spellings = words.COUNTRIES[value][1]
    return spellings[max(0, int((draw - 0.6) / 0.4 * len(spellings)))]


def _dollars(value: float, draw: float) -> str:
    return f"${int(value):,}"


def _percent(value: float, draw: float) -> str:
    return f"{value * 100:.1f}%"


def _whole_percent(value: float, draw: float) -> str:
    return f"{value * 100:.0f}%"


def _yes_no(value: bool, draw: float) -> str:
    return "Yes" if value else "No"


def _true_false(value: bool, draw: float) -> str:
    return "true" if value else "false"


def _date(value: pd.Timestamp, draw: float) -> str:
    return value.strftime("%Y-%m-%d")


def _list_employees(value: float, draw: float) -> str:
    for low, high in _LIST_BANDS:
        if value <= high:
            return f"{low:,}-{high:,}"
    return "10,001+"


def _list_revenue(value: float, draw: float) -> str:
    for low, high in pairwise(_LIST_REVENUE):
        if value < high * 1e6:
            return f"${low} to ${high:,} million (USD)"
    return "$1 billion and over (USD)"


def _list_country(value: str, draw: float) -> str:
    return words.COUNTRIES[value][1][0]


def _lower(value: str, draw: float) -> str:
    return value  # folded already


_CRM = _Style(
    headers=CRM_HEADERS,
    writers={
        "domain": _crm_website, "industry": _untidy, "company_type": _untidy, "city": _untidy,
        "employees": _crm_employees, "revenue_usd": _crm_money, "total_funding_usd": _crm_money,
        "it_spend_usd": _crm_money, "annual_revenue_from_customer_usd": _dollars, "country": _crm_country,
        "employee_growth_rate": _percent, "net_revenue_retention": _percent, "discount_rate": _whole_percent,
        "has_public_api": _yes_no, "churned": _yes_no, "last_funding_date": _date, "customer_since": _date,
        "churn_date": _date,
    },
    placeholders=_CRM_PLACEHOLDERS,
    placeholder_share=0.25,
    separator="; ",
)  # fmt: skip
_LIST = _Style(
    headers=LIST_HEADERS,
    writers={
        "industry": _lower, "employees": _list_employees, "revenue_usd": _list_revenue, "country": _list_country,
        "employee_growth_rate": _percent, "has_public_api": _true_false, "last_funding_date": _date,
    },
    placeholders=_LIST_PLACEHOLDERS,
    placeholder_share=0.1,
    separator=", ",
)  # fmt: skip
