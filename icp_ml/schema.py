"""Canonical fields of an account: what each column is called, holds, and is used for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "number", "money", "count", "share", "year", "category", "country", "token_set", "text", "date",
    "boolean", "place", "domain", "identifier",
]  # fmt: skip
Category = Literal["firmographic", "technographic", "psychographic", "job_to_be_done"]
Role = Literal["identity", "feature", "outcome", "context"]
Outcome = Literal[
    "retention", "expansion", "nps", "business_value", "utilization", "support_experience", "lifetime_value",
    "acquisition_cost", "cost_to_serve", "testimonial", "feedback_given",
]  # fmt: skip

KINDS: tuple[str, ...] = get_args(Kind)
CATEGORIES: tuple[str, ...] = get_args(Category)
NUMERIC_KINDS = frozenset({"number", "money", "count", "share", "year"})


@dataclass(frozen=True)
class Field:
    """One canonical column.

    Attributes
    ----------
    name : str
        snake_case; a unit suffix where it has one (`_usd`, `_days`, `_rate`).
    kind : str
        What the values are; decides how they are normalised and binned.
    category : str
        Which part of the profile a trait on it belongs to.
    role : str
        `feature` may enter the model; `identity` names the account; `outcome` is measured after the
        sale; `context` is carried along (description, street) and never enters the model.
    outcome : str or None
        For `role="outcome"`: the outcome it measures.
    label : str
        What a reader calls it ("employees", "annual revenue").
    aliases : tuple of str
        Header spellings of vendors, compared after `header_key`.
    """

    name: str
    kind: Kind
    category: Category = "firmographic"
    role: Role = "feature"
    outcome: Outcome | None = None
    label: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def readable(self) -> str:
        """What a reader calls the field."""
        return self.label or self.name.removesuffix("_usd").replace("_", " ")


def _identity(name: str, kind: Kind, *aliases: str) -> Field:
    return Field(name, kind, role="identity", aliases=aliases)


def _outcome(name: str, kind: Kind, outcome: Outcome, *aliases: str) -> Field:
    return Field(name, kind, role="outcome", outcome=outcome, aliases=aliases)


def _context(name: str, kind: Kind, *aliases: str) -> Field:
    return Field(name, kind, role="context", aliases=aliases)


FIELDS: tuple[Field, ...] = (
    _identity("account_id", "identifier", "Account ID", "Company ID", "ID", "Record ID", "Account Number",
              "Company Record ID", "ZoomInfo Company ID", "D-U-N-S Number", "DUNS", "customer_id", "UUID",
              "Account ID 18", "Apollo Account Id", "Lead ID"),
    _identity("name", "text", "Account Name", "Company Name", "Company", "Organization Name", "Organisation",
              "Business Name", "Legal Name", "company_name", "Customer", "Customer Name"),
    _identity("domain", "domain", "Website", "Company Domain", "Company Domain Name", "Web Address", "URL",
              "Company Website", "Website URL", "Domain Name", "Homepage", "Company Website Domain"),
    # firmographic
    Field("industry", "category", aliases=("Industry", "Primary Industry", "Company Industry", "Sector", "Industries",
                                           "Industry Group", "LinkedIn Industry", "Vertical")),
    Field("sub_industry", "category", aliases=("Sub-Industry", "Primary Sub-Industry", "Industry Detail")),
    Field("naics_code", "category", label="NAICS code", aliases=("NAICS", "NAICS Code", "NAICS Codes",
                                                                 "Primary NAICS")),
    Field("sic_code", "category", label="SIC code", aliases=("SIC", "SIC Code", "SIC Codes", "Primary SIC")),
    Field("company_type", "category", aliases=("Type", "Company Type", "Ownership", "Ownership Type", "Account Type",
                                               "Organization Type")),
    Field("employees", "count", aliases=("# Employees", "Number of Employees", "Employee Count", "Employees",
                                         "Company Size", "Headcount", "Employee Range", "Company Headcount",
                                         "Num Employees", "Size", "No. of Employees", "Total Employees",
                                         "Employees Range", "Employee Band", "Staff Count")),
    Field("revenue_usd", "money", label="annual revenue",
          aliases=("Annual Revenue", "Revenue", "Revenue Range", "Company Revenue", "Estimated Revenue",
                   "Revenue (USD)",
                   "Annual Revenue (USD)", "Revenue (in 000s USD)", "Estimated Revenue Range", "Sales Volume",
                   "Revenue Band")),
    Field("country", "country", aliases=("Country", "Company Country", "Billing Country", "HQ Country",
                                         "Headquarters Country",
                                         "Country/Region", "Country Code", "Company HQ Country")),
    Field("state", "place", aliases=("State", "Company State", "Billing State", "State/Region",
                                     "Billing State/Province",
                                     "Province", "Region", "HQ State", "Company State/Region")),
    Field("city", "place", aliases=("City", "Company City", "Billing City", "HQ City", "Headquarters Location")),
    Field("postal_code", "place", role="context", aliases=("Zip", "Zip Code", "Postal Code", "Billing Zip/Postal Code",
                                                           "Company Zip Code", "Postcode")),
    Field("founded_year", "year", label="founded", aliases=("Founded Year", "Year Founded", "Founded", "Founded Date",
                                                            "Year Established", "Founding Year", "Inc. Year")),
    Field("total_funding_usd", "money", label="total funding",
          aliases=("Total Funding", "Total Funding Amount", "Funding Total", "Funding Raised",
                   "Total Funding Amount (USD)",
                   "Total Money Raised")),
    Field("last_funding_usd", "money", label="latest funding",
          aliases=("Latest Funding Amount", "Last Funding Amount", "Most Recent Funding Amount")),
    Field("last_funding_stage", "category", label="latest funding round",
          aliases=("Latest Funding", "Last Funding Type", "Funding Stage", "Latest Funding Stage",
                   "Last Funding Round")),
    Field("last_funding_date", "date", label="last raised",
          aliases=("Last Raised At", "Last Funding Date", "Latest Funding Date", "Most Recent Funding Date")),
    Field("funding_rounds", "count", aliases=("Number of Funding Rounds", "Funding Rounds")),
    Field("retail_locations", "count", aliases=("Number of Retail Locations", "Number of Locations", "Locations")),
    Field("parent_company", "category", role="context",
          aliases=("Subsidiary of", "Parent Company", "Ultimate Parent Company Name", "Parent Account")),
    Field("employee_growth_rate", "share", label="employee growth (12 months)",
          aliases=("Employee Growth", "Headcount Growth", "12 Month Headcount Growth", "1 Year Employee Growth Rate",
                   "Employee Growth Rate", "Headcount Growth 12M", "Employee Growth (12 months)")),
    # technographic
    Field("technologies", "token_set", "technographic",
          aliases=("Technologies", "Tech Stack", "Technology Used", "Web Technologies", "Tech Tags",
                   "Technologies Used", "Company Technologies", "Installed Technologies", "Technographics")),
    Field("technology_count", "count", "technographic", aliases=("Number of Technologies", "Technology Count")),
    Field("monthly_web_visits", "count", "technographic",
          aliases=("Monthly Visits", "Web Visits", "Monthly Web Traffic", "Website Traffic", "Monthly Website Visits")),
    Field("alexa_rank", "count", "technographic", aliases=("Alexa Rank", "Website Rank", "Global Traffic Rank")),
    Field("it_spend_usd", "money", "technographic", label="IT spend", aliases=("IT Spend", "IT Budget",
                                                                               "Aberdeen IT Spend")),
    # psychographic
    Field("keywords", "token_set", "psychographic",
          aliases=("Keywords", "SEO Keywords", "Specialties", "Tags", "Categories", "Company Keywords",
                   "Company Tags")),
    Field("work_model", "category", "psychographic", aliases=("Work Model", "Remote Policy", "Remote Friendly")),
    Field("certifications", "token_set", "psychographic", aliases=("Certifications", "Compliance Certifications")),
    # job to be done
    Field("open_jobs", "count", "job_to_be_done", label="open jobs",
          aliases=("Open Jobs", "Job Openings", "Open Positions", "Number of Open Jobs", "Job Postings")),
    Field("hiring_roles", "token_set", "job_to_be_done", label="hiring for",
          aliases=("Hiring For", "Hiring Roles", "Open Roles", "Job Posting Titles", "Job Functions Hiring")),
    Field("intent_topics", "token_set", "job_to_be_done", label="researches",
          aliases=("Intent Topics", "Buying Intent Topics", "Surging Topics", "Bombora Topics")),
    Field("leadership_change_date", "date", "job_to_be_done", label="leadership change",
          aliases=("Leadership Change Date", "New Executive Date", "Last Leadership Change")),
    # context
    _context("description", "text", "Short Description", "Description", "Company Description", "About", "Overview"),
    _context("phone", "text", "Company Phone", "Phone", "HQ Phone", "Phone Number"),
    _context("street", "text", "Street", "Billing Street", "Company Street", "Company Address", "Address",
             "Street Address"),
    _context("linkedin_url", "domain", "Company Linkedin Url", "LinkedIn Company Page", "LinkedIn URL",
             "Company LinkedIn"),
    _context("current_score", "number", "Lead Score", "Account Score", "Fit Score Today", "HubSpot Score",
             "Score in Use"),
    # outcomes
    _outcome("customer_since", "date", "retention", "Customer Since", "Became a Customer Date", "Close Date (First)",
             "Start Date", "Contract Start Date", "Signup Date", "Sign-up Date", "Subscription Start Date",
             "Onboarded At"),
    _outcome("churn_date", "date", "retention", "Churn Date", "Cancellation Date", "Churned At", "Contract End Date"),
    _outcome("churned", "boolean", "retention", "Churned", "Is Churned", "Churn", "Has Churned", "Cancelled",
             "Is Cancelled"),
    _outcome("retained", "boolean", "retention", "Retained", "Renewed", "Is Active Customer", "Active Customer"),
    _outcome("tenure_days", "number", "retention", "Tenure Days", "Tenure (days)", "Days as Customer"),
    _outcome("renewals", "count", "retention", "Renewals", "Number of Renewals", "Renewal Count"),
    _outcome("retention_rate", "share", "retention", "Retention Rate", "Gross Revenue Retention", "GRR"),
    _outcome("net_revenue_retention", "share", "expansion", "Net Revenue Retention", "NRR", "NRR (12m)",
             "Net Revenue Retention (12m)", "Net Dollar Retention", "NDR"),
    _outcome("expansion_usd", "money", "expansion", "Expansion Revenue", "Expansion ARR", "Upsell Revenue",
             "Expansion MRR"),
    _outcome("upgrades", "count", "expansion", "Upgrades", "Number of Upgrades", "Upsells"),
    _outcome("nps", "number", "nps", "NPS", "NPS Score", "Net Promoter Score", "Last NPS", "Latest NPS",
             "Last NPS Score"),
    _outcome("csat", "number", "nps", "CSAT", "CSAT Score", "Customer Satisfaction", "Satisfaction Score"),
    _outcome("annual_revenue_from_customer_usd", "money", "business_value", "ARR", "MRR", "ACV", "Contract Value",
             "Annual Contract Value", "Annual Revenue from Customer", "Annual Recurring Revenue", "ARR (USD)"),
    _outcome("utilization_rate", "share", "utilization", "Utilization", "License Utilization", "Product Usage Rate"),
    _outcome("support_tickets", "count", "support_experience", "Support Tickets", "Tickets", "Number of Tickets"),
    _outcome("lifetime_value_usd", "money", "lifetime_value", "LTV", "CLTV", "Lifetime Value",
             "Customer Lifetime Value"),
    _outcome("acquisition_cost_usd", "money", "acquisition_cost", "CAC", "Acquisition Cost",
             "Customer Acquisition Cost"),
    _outcome("cost_to_serve_usd", "money", "cost_to_serve", "Cost to Serve", "Service Cost"),
    _outcome("testimonial", "boolean", "testimonial", "Testimonial", "Case Study", "Reference Customer"),
    _outcome("feedback_given", "boolean", "feedback_given", "Feedback Given", "Gives Feedback"),
)  # fmt: skip

BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}


def header_key(header: str) -> str:
    """Fold a header to what two spellings of it share: lower case, words joined by one underscore.

    Examples
    --------
    >>> header_key(" # Employees ")
    'num_employees'
    >>> header_key("Billing State/Province")
    'billing_state_province'
    """
    text = unicodedata.normalize("NFKD", header)
    text = "".join(c for c in text if not unicodedata.combining(c)).replace("#", " num ")
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text)
    return re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_")


ALIASES: Mapping[str, str] = {
    header_key(spelling): field.name for field in FIELDS for spelling in (field.name, *field.aliases)
}


def field_of_header(header: str) -> Field | None:
    """Return the canonical field a header is a known spelling of, or None."""
    name = ALIASES.get(header_key(header))
    return BY_NAME[name] if name else None
