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
    "acquisition_cost", "cost_to_serve", "testimonial", "feedback_given", "deal",
]  # fmt: skip
# A ratio of two outcomes is an outcome too; `deal` is none: won and lost deals are reported, see `outcomes.lost_deals`.
Ratio = Literal[
    "lifetime_value_per_acquisition_cost", "lifetime_value_per_cost_to_serve", "business_value_per_acquisition_cost",
    "business_value_per_cost_to_serve",
]  # fmt: skip
Measure = Literal[Outcome, Ratio]

KINDS: tuple[str, ...] = get_args(Kind)
CATEGORIES: tuple[str, ...] = get_args(Category)
_UNITS = {"money": "USD", "share": "fraction", "year": "calendar year", "date": "day", "country": "ISO 3166 code"}
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
    def unit(self) -> str:
        """What a number of this field counts, or how a value is written."""
        return "days" if self.name.endswith("_days") else _UNITS.get(self.kind, "")

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
              "Account ID 18", "Apollo Account Id", "Lead ID", "Customer Number", "Account Record ID",
              "hs_object_id", "ZI Company ID", "Company UUID", "D-U-N-S® Number", "DUNS Number", "Org ID"),
    _identity("name", "text", "Account Name", "Company Name", "Company", "Organization Name", "Organisation",
              "Business Name", "Company / Account", "Organisation Name", "Legal Name", "company_name", "Customer",
              "Customer Name", "Organization", "Account", "Entity Name", "Primary Name", "Company Legal Name"),
    _identity("domain", "domain", "Website", "Company Domain", "Company Domain Name", "Web Address",
              "Company Website", "Website URL", "Company Website URL", "Domain Name", "Homepage",
              "Company Website Domain", "Homepage URL", "Account Website", "Primary Domain", "Account Domain",
              "URL", "Company Website Full", "Website Domain", "Web Site", "Web URL", "regularCompanyUrl"),
    # firmographic
    Field("industry", "category", aliases=("Industry", "Primary Industry", "Company Industry", "Sector",
          "Company Primary Industry", "Account Industry", "LinkedIn Industry", "category.industry",
          "D&B Hoovers Industry", "Industry Group", "category.industryGroup", "Line of Business", "Vertical",
          "Industry Vertical", "Business Sector", "Industry Sector", "category.sector", "hs_industry_group",
          "ZI Industry", "Primary Industry (LinkedIn)")),
    Field("sub_industry", "category", aliases=("Sub-Industry", "Primary Sub-Industry", "category.subIndustry",
          "Company Sub-Industry", "Industry Detail", "Industry Subcategory", "NAICS Description", "NaicsDesc",
          "NAICS 2022 Description", "NAICS 2017 Description", "NAICS 2012 Description", "SIC Description",
          "SicDesc", "US SIC 1987 Description", "US 8-Digit SIC Description", "Primary NAICS Description",
          "Primary SIC Description")),
    Field("industries", "token_set", label="industries (all)", aliases=("Industries", "All Industries",
          "Industry Groups", "All Sub-Industries", "Company Industries", "Category Groups", "Industry List")),
    Field("naics_code", "category", label="NAICS code", aliases=("NAICS", "NAICS Code", "Primary NAICS",
          "Primary NAICS Code", "NAICS Code 1", "NAICS Codes", "NAICS 2022 Code", "NAICS 2017 Code",
          "NAICS 2012 Code", "Company NAICS", "Company NAICS Codes", "NAICS1", "category.naicsCode")),
    Field("sic_code", "category", label="SIC code", aliases=("SIC", "SIC Code", "Primary SIC", "Primary SIC Code",
          "SIC Code 1", "SIC Codes", "US SIC 1987 Code", "US 8-Digit SIC Code", "Company SIC",
          "Company SIC Codes", "SIC1", "category.sicCode")),
    Field("company_type", "category", label="ownership", aliases=("Ownership", "Ownership Type", "Company Type",
          "Organization Type", "Company Ownership", "Ownership Status", "Public/Private", "Public or Private")),
    Field("legal_form", "category", aliases=("Legal Form", "Legal Structure", "Legal Entity Type")),
    Field("entity_type", "category", label="place in its group", aliases=("Entity Type", "Location Type",
          "Site Type", "Hierarchy Level", "Organization Role")),
    Field("business_model", "category", aliases=("Business Model", "Company Business Model", "B2B/B2C",
          "B2B or B2C")),
    Field("is_public", "boolean", label="publicly traded", aliases=("Is Public", "Publicly Traded",
          "Public Company")),
    Field("employees", "count", aliases=("# Employees", "Number of Employees", "Employee Count", "Employees",
          "Employees (Total)", "Total Employees", "Company Employee Count", "Company Employee Exact Count",
          "Number of Employees (Total)", "Company Headcount", "Headcount", "Num Employees", "No. of Employees",
          "numberofemployees", "metrics.employees", "Estimated Num Employees", "Staff Count", "Employees Count",
          "Account Employees", "Company Employees", "Employee Range", "Employees Range", "Company Employee Range",
          "metrics.employeesRange", "hs_employee_range", "Company Size", "Employee Band", "Headcount Range",
          "Company Headcount Range", "Company Size Range", "Number of Employees Range", "Employee Count Range",
          "Employee Size", "Company Staff Count")),
    Field("revenue_usd", "money", label="annual revenue", aliases=("Annual Revenue", "Company Annual Revenue",
          "Annual Revenue (USD)", "Company Revenue", "Revenue (USD)", "Revenue (in 000s USD)", "Sales (USD)",
          "annualrevenue", "Estimated Annual Revenue", "Estimated Revenue", "Account Annual Revenue",
          "metrics.annualRevenue", "Annual Sales", "Annual Sales US Dollars", "Sales Volume", "Sales Volume (US$)",
          "Revenue Range", "Revenue Range (in USD)", "Estimated Revenue Range", "Company Revenue Range",
          "Annual Revenue Range", "metrics.estimatedAnnualRevenue", "hs_revenue_range", "Revenue Band",
          "Annual Turnover", "Company Turnover")),
    Field("country", "country", aliases=("Country", "Company Country", "Billing Country", "HQ Country",
          "Headquarters Country", "Company HQ Country", "Account Country", "Country/Region", "Billing Country Code",
          "Country Code", "Company Country Code", "Country/Region Code", "hs_country_code", "geo.country",
          "geo.countryCode", "Billing Country/Region", "Company HQ Country Code", "Country Name",
          "Billing Country (text only)")),
    Field("state", "place", aliases=("State", "Company State", "Billing State/Province", "Billing State",
          "HQ State", "Headquarters State", "Company HQ State", "Account State", "State/Region",
          "Company State/Region", "Province", "State/Province", "State or Province", "State Code",
          "Billing State Code", "State/Region Code", "hs_state_code", "geo.state", "geo.stateCode",
          "State/Province (text only)", "Billing State/Province (text only)", "Company HQ State/Province",
          "Company Province", "State Name")),
    Field("city", "place", aliases=("City", "Company City", "Billing City", "HQ City", "Headquarters City",
          "Company HQ City", "Account City", "geo.city", "City Name", "Physical City")),
    Field("headquarters", "place", aliases=("Headquarters Location", "Headquarters", "HQ Location",
          "Company Location", "Company Headquarters", "Company HQ", "Company Headquarters (Full Address)")),
    Field("metro_area", "place", aliases=("Metro Area", "Metropolitan Area", "Company Metro Area", "CBSA",
          "CBSA Name", "Metropolitan Statistical Area", "MSA")),
    Field("postal_code", "place", role="context", aliases=("Zip", "Zip Code", "Postal Code", "Company Zip Code",
          "Billing Zip/Postal Code", "Billing Postal Code", "Company Postal Code", "Postcode", "Post Code",
          "Zip/Postal Code", "HQ Zip", "Company HQ Postal Code", "geo.postalCode", "Billing Zip")),
    Field("founded_year", "year", label="founded", aliases=("Founded Year", "Year Founded", "Founded",
          "Company Founded Year", "Company Year Founded", "Year Started", "Founded Date", "Year Established",
          "Founding Year", "Inc. Year", "Company Founded", "Founded At", "Date Founded", "Founded On",
          "Incorporation Year", "Year Found")),
    Field("total_funding_usd", "money", label="total funding", aliases=("Total Funding Amount (in USD)",
          "Total Funding Amount (USD)", "Total Funding Amount Currency (in USD)", "Total Funding (USD)",
          "Total Funding", "Total Funding Amount", "Total Funding Amount (in 000s USD)", "Funding Total",
          "Funding Raised", "Total Money Raised", "funding_total_usd", "metrics.raised", "Total Raised",
          "Company Total Funding")),
    Field("last_funding_usd", "money", label="latest funding", aliases=("Last Funding Amount (in USD)",
          "Last Funding Amount Currency (in USD)", "Latest Funding Amount", "Last Funding Amount",
          "Most Recent Funding Amount", "Recent Funding Amount", "Recent Funding Amount (in 000s USD)")),
    Field("last_funding_stage", "category", label="latest funding round", aliases=("Latest Funding",
          "Last Funding Type", "Funding Stage", "Latest Funding Stage", "Last Funding Round", "Recent Funding Round",
          "Company Funding Stage", "Latest Funding Type", "Last Funding Round Type", "Latest Funding Round")),
    Field("last_funding_date", "date", label="last raised", aliases=("Last Raised At", "Last Funding Date",
          "Latest Funding Date", "Most Recent Funding Date", "Recent Funding Date", "last_funding_at",
          "Last Funding Round Date", "Latest Funding Round Date")),
    Field("first_funding_date", "date", label="first raised", aliases=("First Funding Date", "first_funding_at")),
    Field("funding_rounds", "count", aliases=("Number of Funding Rounds", "Funding Rounds", "Num Funding Rounds")),
    Field("investors", "token_set", aliases=("All Investors", "Investors", "Top 5 Investors", "Investor Names",
          "Lead Investors", "Recent Investors")),
    Field("ipo_date", "date", label="went public", aliases=("IPO Date", "Went Public On")),
    Field("retail_locations", "count", label="locations", aliases=("Number of Retail Locations",
          "Number of Locations", "Location Count", "# Locations", "Total Number of Locations", "Num Locations",
          "Retail Location Count", "Office Count", "Number of Offices")),
    Field("subsidiaries", "count", aliases=("Number of Subsidiaries", "Number of Sub-Orgs", "Subsidiary Count",
          "num_suborganizations")),
    Field("parent_company", "category", role="context", aliases=("Subsidiary of", "Parent Company",
          "Ultimate Parent Company Name", "Parent Account", "Ultimate Parent", "Global Ultimate Company",
          "Ultimate Parent Company", "Global Ultimate Name", "Entity Name (Ultimate Parent)",
          "Entity Name (Immediate Parent)", "Parent Company Name", "Parent Name", "Parent Account Name")),
    Field("employee_growth_rate", "share", label="employee growth (12 months)", aliases=("Employee Growth",
          "Headcount Growth", "12 Month Headcount Growth", "1 Year Employee Growth Rate", "Employee Growth Rate",
          "Past 1 Year Employee Growth Rate", "Headcount Growth 12M", "Employee Growth (12 months)",
          "Company Employee Growth 1 Year (%)", "Company Employee Growth %", "Company Headcount Growth",
          "Headcount Growth 1 Year", "1 Year Headcount Growth", "12 Month Employee Growth")),
    Field("employee_growth_6m_rate", "share", label="employee growth (6 months)", aliases=("6 Month Headcount Growth",
          "Headcount Growth 6M", "Company Employee Growth 6 Months (%)", "6 Month Employee Growth")),
    Field("employee_growth_2y_rate", "share", label="employee growth (2 years)", aliases=(
          "Past 2 Year Employee Growth Rate", "24 Month Headcount Growth", "Headcount Growth 2Y",
          "Company Employee Growth 2 Years (%)", "2 Year Employee Growth Rate", "24 Month Employee Growth")),
    Field("revenue_growth_rate", "share", label="revenue growth", aliases=("Revenue Growth", "Revenue Growth Rate",
          "Annual Revenue Growth", "Sales Growth", "Company Revenue Growth", "1 Year Revenue Growth Rate",
          "YoY Revenue Growth")),
    Field("sales_employees", "count", label="people in sales", aliases=("Sales Headcount", "Sales Employees",
          "Number of Sales Employees", "Sales Team Size")),
    Field("marketing_employees", "count", label="people in marketing", aliases=("Marketing Headcount",
          "Marketing Employees", "Number of Marketing Employees", "Marketing Team Size")),
    Field("engineering_employees", "count", label="people in engineering", aliases=("Engineering Headcount",
          "Engineering Employees", "Number of Engineers", "Engineering Team Size")),
    Field("it_employees", "count", label="people in IT", aliases=("IT Headcount", "IT Employees", "IT Team Size")),
    Field("fiscal_year_end", "category", aliases=("Fiscal Year End", "metrics.fiscalYearEnd", "Fiscal Year End Month",
          "FYE")),
    # technographic
    Field("technologies", "token_set", "technographic", aliases=("Technologies", "Tech Stack", "Technology Used",
          "Web Technologies", "Tech Tags", "Technologies Used", "Company Technologies", "Installed Technologies",
          "Technographics", "Tech", "Technology Stack", "Technology Names", "Current Technologies")),
    Field("technology_categories", "token_set", "technographic", aliases=("Technology Categories", "Tech Categories",
          "Technology Category")),
    Field("technology_count", "count", "technographic", aliases=("Number of Technologies", "Technology Count",
          "BuiltWith - Active Tech Count", "Active Tech Count")),
    Field("technology_added_date", "date", "technographic", label="last technology added", aliases=(
          "Technology Added Date", "Last Technology Added", "Technology Added", "Latest Technology Install Date",
          "Tech Install Date")),
    Field("monthly_web_visits", "count", "technographic", aliases=("Monthly Visits", "Web Visits",
          "Monthly Web Traffic", "Website Traffic", "Monthly Website Visits", "SEMrush - Monthly Visits",
          "Monthly Website Visitors", "Monthly Traffic")),
    Field("web_traffic_growth_rate", "share", "technographic", label="web traffic growth", aliases=(
          "SEMrush - Monthly Visits Growth", "Web Traffic Growth", "Website Traffic Growth", "Monthly Visits Growth")),
    Field("alexa_rank", "count", "technographic", label="web traffic rank", aliases=("Alexa Rank", "Website Rank",
          "Global Traffic Rank", "SEMrush - Global Traffic Rank", "metrics.alexaGlobalRank", "Alexa Global Rank")),
    Field("it_spend_usd", "money", "technographic", label="IT spend", aliases=("IT Spend", "IT Budget",
          "Aberdeen - IT Spend (in USD)", "Aberdeen - IT Spend", "Est. IT Department Budget",
          "Est. IT Department Budget (in 000s USD)", "Estimated IT Spend")),
    Field("marketing_spend_usd", "money", "technographic", label="marketing spend", aliases=("Marketing Spend",
          "Marketing Budget", "Est. Marketing Department Budget", "Est. Marketing Department Budget (in 000s USD)")),
    # psychographic
    Field("keywords", "token_set", "psychographic", aliases=("Keywords", "SEO Keywords", "Specialties",
          "Company Specialties", "Specialities", "Company Specialities", "Categories", "Company Keywords",
          "Company Tags", "hs_keywords", "Company Categories")),
    Field("work_model", "category", "psychographic", aliases=("Work Model", "Remote Policy", "Remote Friendly")),
    Field("certifications", "token_set", "psychographic", aliases=("Certifications", "Compliance Certifications",
          "Compliance Frameworks")),
    Field("website_languages", "token_set", "psychographic", aliases=("Website Languages", "Site Languages")),
    Field("linkedin_followers", "count", "psychographic", label="LinkedIn followers", aliases=("LinkedIn Followers",
          "Company LinkedIn Followers", "LinkedIn Follower Count", "Company Follower Count")),
    Field("twitter_followers", "count", "psychographic", label="X followers", aliases=("Twitter Followers",
          "twitterfollowers", "X Followers")),
    Field("employer_rating", "number", "psychographic", aliases=("Glassdoor Rating", "Glassdoor Score",
          "Employer Rating", "Glassdoor Overall Rating")),
    Field("description", "text", "psychographic", aliases=("Short Description", "Description", "Company Description",
          "Full Description", "About", "Overview", "About Us", "Business Description", "Company Overview",
          "Account Description", "SEO Description")),
    # job to be done
    Field("open_jobs", "count", "job_to_be_done", label="open jobs", aliases=("Open Jobs", "Job Openings",
          "Open Positions", "Number of Open Jobs", "Number of Job Postings", "Job Posting Count", "Open Jobs Count",
          "Job Openings Count", "Active Job Postings")),
    Field("actively_hiring", "boolean", "job_to_be_done", aliases=("Actively Hiring", "Is Hiring")),
    Field("hiring_roles", "token_set", "job_to_be_done", label="hiring for", aliases=("Hiring For", "Hiring Roles",
          "Open Roles", "Job Posting Titles", "Job Functions Hiring", "Job Titles Hiring")),
    Field("job_posting_text", "text", "job_to_be_done", aliases=("Job Posting Text", "Job Descriptions",
          "Job Posting Description", "Job Postings Text")),
    Field("intent_topics", "token_set", "job_to_be_done", label="researches", aliases=("Intent Topics",
          "Buying Intent Topics", "Surging Topics", "Bombora Topics", "Primary Intent Topic", "Intent Topic")),
    Field("intent_score", "number", "job_to_be_done", aliases=("Intent Score", "Primary Intent Score",
          "Buying Intent Score", "Surge Score", "Bombora Surge Score", "Topic Surge Score")),
    Field("leadership_change_date", "date", "job_to_be_done", label="leadership change", aliases=(
          "Leadership Change Date", "New Executive Date", "Last Leadership Change", "Last Leadership Hiring Date",
          "Last Executive Hire Date")),
    Field("marketing_leader_change_date", "date", "job_to_be_done", label="marketing leader change", aliases=(
          "Marketing Leader Change Date", "New CMO Date", "CMO Start Date", "CMO Change Date",
          "Last Marketing Leader Change")),
    Field("last_layoff_date", "date", "job_to_be_done", label="latest layoff", aliases=("Last Layoff Mention Date",
          "Last Layoff Date", "Layoff Date")),
    # context
    _context("phone", "text", "Company Phone", "Phone", "HQ Phone", "Phone Number", "Company HQ Phone",
             "Account Phone", "Company Phone Number", "Telephone Number"),
    _context("street", "text", "Billing Street", "Company Street", "Street", "Company Address", "Address",
             "Street Address", "Company Street Address", "Address Line 1", "geo.streetName", "Company HQ Address",
             "Physical Address", "Billing Address Line 1"),
    _context("linkedin_url", "domain", "Company Linkedin Url", "LinkedIn Company Page", "LinkedIn URL",
             "Company LinkedIn", "LinkedIn Company Profile URL", "Company Linkedin URL Unique ID", "LinkedIn",
             "linkedin.handle", "LinkedIn Company URL", "Company LinkedIn Link"),
    _context("ticker", "text", "Ticker", "Ticker Symbol", "Stock Symbol", "Stock Ticker"),
    _context("current_score", "number", "Lead Score", "Account Score", "Fit Score Today", "HubSpot Score",
             "Score in Use"),
    # outcomes
    _outcome("customer_since", "date", "retention", "Customer Since", "Became a Customer Date", "Close Date (First)",
             "Contract Start Date", "First Purchase Date", "hs_lifecyclestage_customer_date", "Signup Date",
             "Sign-up Date", "Subscription Start Date", "Onboarded At"),
    _outcome("churn_date", "date", "retention", "Churn Date", "Cancellation Date", "Churned At", "Churned Date"),
    _outcome("churned", "boolean", "retention", "Churned", "Is Churned", "Churn", "Has Churned", "Cancelled",
             "Is Cancelled"),
    _outcome("customer_status", "category", "retention", "Customer Status", "Subscription Status", "Client Status",
             "Account Status", "Contract Status", "Membership Status"),
    _outcome("deal_stage", "category", "deal", "Stage", "Deal Stage", "Opportunity Stage", "Stage Name", "StageName",
             "Sales Stage", "Pipeline Stage", "Deal Status", "Opportunity Status"),
    _outcome("deal_closed_date", "date", "deal", "Close Date", "Closed Date", "Deal Close Date", "Closed At",
             "Opportunity Close Date"),
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


_BRANDS = re.compile(r"LinkedIn|ZoomInfo|HubSpot|BuiltWith")  # one word, whatever the capitals


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
    text = "".join(c for c in text if not unicodedata.combining(c)).replace("#", " num ").replace("ß", "ss")
    text = _BRANDS.sub(lambda found: found.group().capitalize(), text)
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text)
    return re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_")


ALIASES: Mapping[str, str] = {
    header_key(spelling): field.name for field in FIELDS for spelling in (field.name, *field.aliases)
}
# What exports put around a header without changing what it says: a Salesforce package's prefix and the suffix of custom
# fields, the object a nested name starts from, and the unit at the end (read by accounts.vendors.header_scale).
_CUSTOM = re.compile(r"(?:[A-Za-z0-9]+__)?(\w+?)__(?:c|pc)")
_OBJECT = re.compile(r"(?:company|organization|account|properties)\.(?=\w)", re.IGNORECASE)
_UNIT = re.compile(r"\s*\((?:in )?(?:usd|us\$|\$|%|000s(?: usd)?|thousands?|millions?(?: usd)?)\)\s*", re.IGNORECASE)


def alias_key(header: str) -> str:
    """Return the key of `ALIASES` that a header is a spelling of, or an empty string.

    Examples
    --------
    >>> alias_key("Annual Revenue (in USD)"), alias_key("DSCORGPKG__Company_HQ_City__c"), alias_key("Favourite colour")
    ('annual_revenue', 'company_hq_city', '')
    """
    text = header.strip()
    custom = _CUSTOM.fullmatch(text)
    bare = _OBJECT.sub("", custom.group(1) if custom else text, count=1)
    for spelling in (text, bare, _UNIT.sub("", bare)):
        key = header_key(spelling)
        if key in ALIASES:
            return key
    return ""


def field_of_header(header: str) -> Field | None:
    """Return the canonical field a header is a known spelling of, or None."""
    key = alias_key(header)
    return BY_NAME[ALIASES[key]] if key else None
