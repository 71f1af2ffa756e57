"""The columns that platforms publish, each with what of an account or a person it holds.

Where each list comes from, and what could not be verified: `docs/how-to/send-to-ads-and-crm.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from icp_ml.audiences.packed import PackedRows

_TYPES = {"fit_score": pa.float64(), "employees": pa.int64()}  # others are text


@dataclass(frozen=True)
class Column:
    """A column of a platform's file.

    Attributes
    ----------
    header : str
        As published; for a custom field of a CRM the name it must be given there.
    holds : str
        A canonical field, a column of a scored file, or for people an identifier.
    longest : int
        Characters the platform keeps; where it publishes none, more than any honest value has.
    custom : bool
        The platform has no such column by itself: somebody must create it first.
    """

    header: str
    holds: str
    longest: int = 1_000
    custom: bool = False


@dataclass(frozen=True)
class AudienceFormat:
    """What a platform takes.

    Attributes
    ----------
    name, title : str
        On the command line, and in sentences.
    matches : "companies" or "people"
    columns : tuple of Column
        In the order of the file; all are written, empty where nothing is known.
    required : tuple of str
        What a row must hold.
    one_of : tuple of str
        Of these a row must hold one.
    why_one_of : str
        What happens to a row without.
    fewest : int
        Rows below which the platform does nothing with the list; 0 where none is published.
    why_fewest : str
    most : int or None
        Rows above which the platform refuses the file.
    note_above : tuple of (int, str)
        Rows above which something is to be known, and what.
    """

    name: str
    title: str
    matches: Literal["companies", "people"]
    columns: tuple[Column, ...]
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    why_one_of: str = ""
    fewest: int = 0
    why_fewest: str = ""
    most: int | None = None
    note_above: tuple[int, str] | None = None

    def rows(self) -> PackedRows:
        """Return rows of the format, none yet."""
        types = [_TYPES.get(column.holds, pa.string()) for column in self.columns]
        return PackedRows([column.header for column in self.columns], types)


TEXT = 255  # characters of a Salesforce name, website or custom text field
REASONS = ("reason_1", "reason_2", "reason_3")

LINKEDIN = AudienceFormat(
    "linkedin",
    "LinkedIn",
    "companies",
    (
        Column("companyname", "name"),
        Column("companywebsite", "domain"),
        Column("companyemaildomain", "email_domain"),
        Column("linkedincompanypageurl", "linkedin_url"),
        Column("stocksymbol", "ticker"),
        Column("industry", "industry"),
        Column("city", "city"),
        Column("state", "state"),
        Column("companycountry", "country_code"),
        Column("zipcode", "postal_code"),
    ),
    required=("name",),
    one_of=("domain", "linkedin_url"),
    why_one_of="a name alone may be matched to another company",
    fewest=300,
    why_fewest="LinkedIn refuses lists of fewer than 300 rows, and shows ads only where 300 members match",
    most=300_000,
)
SALESFORCE = AudienceFormat(
    "salesforce",
    "Salesforce",
    "companies",
    (
        Column("Name", "name", TEXT),
        Column("Website", "domain", TEXT),
        Column("Industry", "industry", TEXT),
        Column("NumberOfEmployees", "employees"),
        Column("BillingCity", "city", 40),
        Column("BillingState", "state", 80),
        Column("BillingPostalCode", "postal_code", 20),
        Column("BillingCountry", "country", 80),
        Column("TickerSymbol", "ticker", 20),
        Column("ICP_Account_Id__c", "account_id", TEXT, custom=True),
        Column("ICP_Fit_Score__c", "fit_score", custom=True),
        Column("ICP_Tier__c", "tier", TEXT, custom=True),
        *(Column(f"ICP_Reason_{i}__c", name, TEXT, custom=True) for i, name in enumerate(REASONS, start=1)),
        Column("ICP_Model_Version__c", "model_version", TEXT, custom=True),
    ),
    required=("name",),
    most=5_000_000,
    note_above=(
        50_000,
        "Salesforce's Data Import Wizard takes 50,000 rows at a time; use Data Loader, or --limit 50000",
    ),
)
HUBSPOT = AudienceFormat(
    "hubspot",
    "HubSpot",
    "companies",
    (
        Column("Company name", "name"),
        Column("Company domain name", "domain"),
        Column("Number of employees", "employees"),
        Column("City", "city"),
        Column("State/Region", "state"),
        Column("Postal code", "postal_code"),
        Column("Country/Region", "country"),
        Column("LinkedIn company page", "linkedin_url"),
        Column("icp_account_id", "account_id", custom=True),
        Column("icp_fit_score", "fit_score", custom=True),
        Column("icp_tier", "tier", custom=True),
        *(Column(f"icp_reason_{i}", name, custom=True) for i, name in enumerate(REASONS, start=1)),
        Column("icp_model_version", "model_version", custom=True),
    ),
    one_of=("domain",),
    why_one_of="HubSpot knows a company by its domain, so that each import would make it anew",
    most=1_048_576,
    note_above=(500_000, "HubSpot's free tools import 500,000 rows a day"),
)
GOOGLE = AudienceFormat(
    "google",
    "Google Ads",
    "people",
    (
        Column("Email", "email"),
        Column("Phone", "phone"),
        Column("First Name", "first_name"),
        Column("Last Name", "last_name"),
        Column("Country", "country"),
        Column("Zip", "zip"),
    ),
    fewest=100,
    why_fewest="Google Ads shows ads only where at least 100 active users match",
)
META = AudienceFormat(
    "meta",
    "Meta",
    "people",
    (
        Column("email", "email"),
        Column("phone", "phone"),
        Column("fn", "first_name"),
        Column("ln", "last_name"),
        Column("ct", "city"),
        Column("st", "state"),
        Column("zip", "zip"),
        Column("country", "country"),
    ),
    fewest=100,
    why_fewest="Meta advises against lists of fewer than 100 people",
)

FORMATS: Mapping[str, AudienceFormat] = {found.name: found for found in (LINKEDIN, GOOGLE, META, SALESFORCE, HUBSPOT)}
