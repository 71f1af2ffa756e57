"""The vocabulary of the synthetic companies: industries, places, technologies, keywords, invented names.

Spellings are as a person writes them; a field's canonical value is the case-folded spelling.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Industry:
    """An industry and what its companies tend to look like."""

    name: str
    weight: float
    group: str
    size: float  # shift of log employees
    revenue_per_head: float  # thousand USD
    age: float  # scale of the years since founding
    funded: float  # log-odds of having raised money
    naics: tuple[str, ...]
    keywords: tuple[str, ...]


INDUSTRIES: tuple[Industry, ...] = (
    Industry("Software", 11, "tech", 0.1, 160, 7, 0.6, ("513210", "541511", "541512"),
             ("SaaS", "B2B", "API", "DevOps", "analytics", "machine learning")),
    Industry("Fintech", 5, "tech", 0.1, 190, 6, 1.0, ("522320", "513210", "523999"),
             ("payments", "SaaS", "API", "lending", "compliance", "fraud detection")),
    Industry("IT Services", 8, "tech", -0.1, 120, 9, -0.8, ("541512", "541511", "541519"),
             ("managed services", "consulting", "cloud migration", "outsourcing", "cybersecurity")),
    Industry("Financial Services", 6, "finance", 0.3, 260, 16, -0.8, ("523940", "522110", "523999"),
             ("wealth management", "lending", "compliance", "advisory")),
    Industry("Insurance", 3, "finance", 0.5, 300, 18, -0.9, ("524210", "524126"),
             ("underwriting", "claims", "compliance", "brokerage")),
    Industry("Retail", 6, "commerce", 0.3, 170, 15, -1.2, ("455110", "449210", "458110"),
             ("omnichannel", "stores", "loyalty", "merchandising")),
    Industry("E-Commerce", 4, "commerce", -0.3, 210, 6, 0.1, ("455110", "449210", "454110"),
             ("D2C", "online shop", "marketplace", "loyalty", "subscriptions")),
    Industry("Consumer Goods", 4, "commerce", 0.3, 220, 16, -0.8, ("311999", "325620"),
             ("brands", "packaging", "D2C", "wholesale")),
    Industry("Manufacturing", 8, "industry", 0.6, 200, 20, -1.5, ("333249", "332710", "336390"),
             ("industrial automation", "quality management", "supply chain", "lean")),
    Industry("Automotive", 3, "industry", 0.7, 230, 19, -1.2, ("336390", "441110"),
             ("suppliers", "electric vehicles", "supply chain", "dealers")),
    Industry("Logistics", 4, "industry", 0.4, 150, 15, -0.9, ("488510", "484121", "493110"),
             ("freight", "warehousing", "supply chain", "last mile")),
    Industry("Construction", 5, "industry", -0.2, 180, 17, -2.0, ("236220", "238210"),
             ("general contractor", "project management", "safety")),
    Industry("Energy", 3, "industry", 0.6, 400, 17, -0.4, ("221118", "211120"),
             ("renewables", "solar", "grid", "sustainability")),
    Industry("Healthcare", 6, "care", 0.5, 110, 16, -0.7, ("621111", "622110", "621999"),
             ("patient care", "telehealth", "clinics", "compliance")),
    Industry("Biotechnology", 2, "care", 0.0, 180, 9, 1.2, ("541714", "325414"),
             ("clinical trials", "research", "diagnostics", "machine learning")),
    Industry("Education", 4, "care", 0.4, 80, 18, -1.3, ("611310", "611710"),
             ("e-learning", "training", "higher education")),
    Industry("Media", 3, "services", -0.2, 150, 11, -0.4, ("516210", "512110"),
             ("publishing", "streaming", "advertising", "content")),
    Industry("Marketing Services", 5, "services", -0.8, 110, 9, -1.0, ("541810", "541613"),
             ("advertising", "SEO", "branding", "content", "lead generation")),
    Industry("Professional Services", 6, "services", -0.5, 130, 14, -1.8, ("541611", "541330"),
             ("consulting", "advisory", "outsourcing", "project management")),
    Industry("Real Estate", 4, "services", -0.6, 190, 13, -1.2, ("531210", "531312"),
             ("property management", "brokerage", "investment")),
    Industry("Hospitality", 3, "services", 0.3, 70, 14, -1.4, ("721110", "722511"),
             ("hotels", "restaurants", "events", "loyalty")),
    Industry("Telecommunications", 2, "tech", 0.9, 280, 15, -0.5, ("517111", "517112"),
             ("broadband", "5G", "managed services", "API")),
)  # fmt: skip

# Said by companies of any industry: (keyword, log-odds, shift in tech companies).
COMMON_KEYWORDS: tuple[tuple[str, float, float], ...] = (
    ("product-led growth", -2.3, 1.6), ("data-driven", -2.0, 0.8), ("customer success", -2.2, 0.9),
    ("remote-first", -2.4, 0.9), ("sustainability", -2.0, -0.4), ("open source", -3.2, 1.6),
    ("innovation", -1.6, 0.3), ("family-owned", -2.6, -1.8), ("AI", -2.0, 1.0), ("digital transformation", -2.1, 0.4),
    ("diversity", -2.6, 0.1), ("community", -2.7, 0.2), ("award-winning", -2.6, 0.0), ("global", -2.2, 0.2),
)  # fmt: skip


@dataclass(frozen=True)
class Token:
    """One technology, role, certification or topic and what its presence leans on (all in log-odds)."""

    name: str
    base: float
    size: float = 0.0  # per unit of standardised log employees
    growth: float = 0.0  # per unit of standardised employee growth
    groups: dict[str, float] = field(default_factory=dict)
    given: dict[str, float] = field(default_factory=dict)  # other tokens, folded, of this or an earlier field


TECHNOLOGIES: tuple[Token, ...] = (
    Token("Salesforce", -0.7, 0.5, groups={"tech": 0.6, "finance": 0.3, "industry": -0.4}),
    Token("Snowflake", -2.0, 0.4, groups={"tech": 0.8, "finance": 0.4, "commerce": 0.2}),
    Token("HubSpot", -0.9, -0.4, groups={"tech": 0.5, "services": 0.4}, given={"salesforce": -1.4}),
    Token("dbt", -3.2, groups={"tech": 0.6}, given={"snowflake": 2.4}),
    Token("Fivetran", -3.3, groups={"tech": 0.4}, given={"snowflake": 2.0}),
    Token("Looker", -2.6, groups={"tech": 0.5}, given={"snowflake": 1.2}),
    Token("Tableau", -1.9, 0.5, given={"salesforce": 0.7}),
    Token("Microsoft Power BI", -1.4, 0.4, groups={"industry": 0.4}, given={"tableau": -1.0}),
    Token("Databricks", -3.0, 0.4, groups={"tech": 0.6}, given={"snowflake": 0.3}),
    Token("Google BigQuery", -2.6, groups={"tech": 0.6, "commerce": 0.4}, given={"snowflake": -0.8}),
    Token("Amazon Web Services", -0.6, 0.2, groups={"tech": 1.0}),
    Token("Microsoft Azure", -1.1, 0.5, groups={"finance": 0.4, "industry": 0.3}),
    Token("Google Cloud", -2.0, groups={"tech": 0.7}),
    Token("Kubernetes", -2.7, 0.2, groups={"tech": 1.5}, given={"amazon web services": 0.6}),
    Token("Terraform", -3.4, 0.2, groups={"tech": 1.4}, given={"kubernetes": 1.2}),
    Token("GitHub", -2.2, groups={"tech": 1.6}),
    Token("Jira", -1.9, 0.3, groups={"tech": 1.3}),
    Token("Slack", -1.4, groups={"tech": 1.2, "services": 0.3}),
    Token("Microsoft Teams", -0.7, 0.4, groups={"tech": -0.5}, given={"slack": -0.9}),
    Token("Zoom", -1.1, groups={"tech": 0.5}),
    Token("Okta", -2.9, 0.6, groups={"tech": 1.0}),
    Token("Workday", -3.1, 1.0, groups={"finance": 0.3}),
    Token("SAP", -2.6, 1.0, groups={"industry": 1.2, "commerce": 0.3, "tech": -0.8}),
    Token("Oracle NetSuite", -2.2, 0.3, groups={"tech": 0.4, "commerce": 0.4}, given={"sap": -1.5}),
    Token("Microsoft Dynamics 365", -2.5, 0.4, groups={"industry": 0.6}, given={"salesforce": -1.6}),
    Token("QuickBooks", -1.5, -0.9, given={"sap": -2.0}),
    Token("Stripe", -2.1, -0.2, groups={"tech": 1.1, "commerce": 0.8}),
    Token("Shopify", -3.6, groups={"commerce": 2.6}),
    Token("Magento", -4.0, groups={"commerce": 2.2}, given={"shopify": -2.0}),
    Token("WordPress", -0.3, -0.3, groups={"services": 0.4}),
    Token("Google Analytics", 0.6),
    Token("Google Tag Manager", 0.1),
    Token("Marketo", -3.0, 0.7, given={"salesforce": 1.0, "hubspot": -2.0}),
    Token("Mailchimp", -1.4, -0.6),
    Token("Segment", -3.2, groups={"tech": 0.9}, given={"snowflake": 0.7}),
    Token("Zendesk", -2.1, groups={"tech": 0.7, "commerce": 0.5}),
    Token("Intercom", -2.9, groups={"tech": 1.2}),
    Token("ServiceNow", -3.4, 1.2, groups={"finance": 0.5}),
    Token("Datadog", -3.1, 0.2, groups={"tech": 1.4}, given={"kubernetes": 0.8}),
    Token("Cloudflare", -1.3, groups={"tech": 0.4}),
)
HIRING_ROLES: tuple[Token, ...] = (
    Token("data engineer", -1.9, 0.3, 0.15, {"tech": 0.6, "finance": 0.2}, {"snowflake": 0.9}),
    Token("data analyst", -1.9, 0.3, 0.1, {"finance": 0.3}, {"data engineer": 0.9}),
    Token("software engineer", -1.9, 0.3, 0.2, {"tech": 1.9}),
    Token("account executive", -1.3, 0.2, 0.3, {"tech": 0.5}),
    Token("customer success manager", -2.3, 0.2, 0.2, {"tech": 1.0}),
    Token("product manager", -2.2, 0.3, 0.2, {"tech": 0.9}),
    Token("sales development representative", -2.2, 0.1, 0.3, {"tech": 0.6}),
    Token("financial controller", -2.2, 0.3, 0.0, {"finance": 0.6}),
    Token("production planner", -3.4, 0.3, 0.0, {"industry": 2.0}),
    Token("store manager", -3.8, 0.3, 0.0, {"commerce": 2.4}),
    Token("nurse", -4.5, 0.3, 0.0, {"care": 3.2}),
    Token("marketing manager", -1.6, 0.1, 0.2),
    Token("recruiter", -2.2, 0.4, 0.5),
    Token("security engineer", -3.1, 0.4, 0.0, {"tech": 0.8, "finance": 0.5}),
)
CERTIFICATIONS: tuple[Token, ...] = (
    Token("SOC 2", -2.6, 0.4, groups={"tech": 1.7, "finance": 0.5}),
    Token("ISO 27001", -2.2, 0.5, groups={"tech": 0.8, "finance": 0.6}),
    Token("ISO 9001", -2.2, 0.5, groups={"industry": 1.7}),
    Token("HIPAA", -4.0, 0.2, groups={"care": 2.6, "tech": 0.6}),
    Token("PCI DSS", -3.4, 0.3, groups={"commerce": 1.4, "finance": 1.2, "tech": 0.6}),
)
INTENT_TOPICS: tuple[Token, ...] = (
    Token("data integration", -1.4, 0.1, groups={"tech": 0.3}, given={"snowflake": 0.5}),
    Token("data governance", -1.6, 0.3, groups={"finance": 0.5}),
    Token("business intelligence", -1.1, 0.2),
    Token("customer data platform", -1.9, 0.1, groups={"commerce": 0.6}),
    Token("cloud cost management", -1.9, 0.2, groups={"tech": 0.6}),
    Token("payroll software", -1.5, -0.2),
    Token("endpoint security", -1.6, 0.2),
)

# ISO code: (weight, spellings in a CRM, commonest first, ((city, state or ""), ...), biggest city first).
COUNTRIES: dict[str, tuple[float, tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "US": (40, ("United States", "USA", "US", "U.S.", "United States of America"),
           (("New York", "New York"), ("San Francisco", "California"), ("Chicago", "Illinois"), ("Austin", "Texas"),
            ("Boston", "Massachusetts"), ("Los Angeles", "California"), ("Atlanta", "Georgia"), ("Dallas", "Texas"),
            ("Denver", "Colorado"), ("Seattle", "Washington"), ("Columbus", "Ohio"), ("Minneapolis", "Minnesota"),
            ("Charlotte", "North Carolina"), ("Phoenix", "Arizona"))),
    "GB": (9, ("United Kingdom", "UK", "Great Britain"),
           (("London", "England"), ("Manchester", "England"), ("Edinburgh", "Scotland"), ("Bristol", "England"))),
    "DE": (8, ("Germany", "Deutschland", "DE"),
           (("Berlin", "Berlin"), ("Munich", "Bavaria"), ("Hamburg", "Hamburg"),
            ("Cologne", "North Rhine-Westphalia"))),
    "FR": (7, ("France", "FR"),
           (("Paris", "Île-de-France"), ("Lyon", "Auvergne-Rhône-Alpes"), ("Lille", "Hauts-de-France"))),
    "CA": (6, ("Canada", "CA"), (("Toronto", "Ontario"), ("Vancouver", "British Columbia"), ("Montreal", "Quebec"))),
    "BR": (5, ("Brazil", "Brasil"),
           (("São Paulo", "São Paulo"), ("Rio de Janeiro", "Rio de Janeiro"), ("Curitiba", "Paraná"))),
    "JP": (5, ("Japan", "JP"), (("Tokyo", "Tokyo"), ("Osaka", "Osaka"))),
    "IN": (4, ("India", "IN"), (("Bengaluru", "Karnataka"), ("Mumbai", "Maharashtra"), ("Pune", "Maharashtra"))),
    "AU": (4, ("Australia", "AU"),
           (("Sydney", "New South Wales"), ("Melbourne", "Victoria"), ("Brisbane", "Queensland"))),
    "NL": (3, ("Netherlands", "The Netherlands", "NL"), (("Amsterdam", "North Holland"), ("Utrecht", "Utrecht"))),
    "ES": (3, ("Spain", "España"), (("Madrid", "Madrid"), ("Barcelona", "Catalonia"))),
    "SE": (2, ("Sweden", "Sverige"), (("Stockholm", "Stockholm"), ("Gothenburg", "Västra Götaland"))),
    "CH": (1.5, ("Switzerland", "CH"), (("Zurich", "Zurich"), ("Geneva", "Geneva"))),
    "IE": (1.5, ("Ireland", "IE"), (("Dublin", "Leinster"), ("Cork", "Munster"))),
    "SG": (1, ("Singapore", "SG"), (("Singapore", ""),)),
}  # fmt: skip

COMPANY_TYPES = ("Privately Held", "Public Company", "Partnership", "Nonprofit", "Self-Employed")
FUNDING_STAGES = ("Seed", "Series A", "Series B", "Series C", "Series D", "Private Equity")
WORK_MODELS = ("Onsite", "Hybrid", "Remote")
ESG_RATINGS = ("AA", "A", "BBB", "BB", "B")
SUCCESS_MANAGERS = ("Dana Whitlock", "Imran Sethi", "Joan Mbeki", "Lars Enger", "Priya Nair", "Tomás Rey")
RENEWALS_DESK = "Renewals Desk"
CSM_TIERS = ("Strategic", "Growth", "Digital")
SUCCESS_PLANS = ("Standard", "Plus", "Premium")

NAME_STARTS = (
    "Alvo", "Bren", "Caldi", "Dorva", "Elmi", "Fenno", "Galdri", "Hesti", "Ilvo", "Jorda", "Kelvi", "Lumer", "Marro",
    "Norvi", "Ostra", "Pelli", "Quanti", "Rhodi", "Selka", "Tarvo", "Ulmo", "Vesti", "Wendo", "Xanto", "Yarro", "Zelmi",
    "Arda", "Bolvi", "Cresta", "Deva", "Estri", "Farlo", "Grenni", "Holma", "Iska", "Junna", "Korvi", "Lenta", "Mirvo",
    "Nalti", "Orlo", "Prava", "Rusko", "Silvo", "Tonda", "Umbri", "Velda", "Worra", "Yelma", "Zorvi",
)  # fmt: skip
NAME_ENDS = (
    "ra", "dane", "mark", "field", "wick", "stone", "via", "nor", "lis", "gate", "moor", "port", "bridge", "ven",
    "crest", "well", "mont", "lake", "ford", "brook", "dale", "peak", "ton", "hurst", "vale", "land", "ridge", "fen",
    "thorpe", "mere", "strand", "holt", "garth", "combe", "shaw", "leigh", "worth", "den", "bury", "quay",
)  # fmt: skip
NAME_WORDS = {
    "tech": ("Software", "Labs", "Systems", "Cloud", "Data", "Technologies", "Digital", "Networks"),
    "finance": ("Capital", "Finance", "Assurance", "Trust", "Advisors", "Mutual"),
    "commerce": ("Stores", "Goods", "Market", "Brands", "Trading", "Home"),
    "industry": ("Industries", "Works", "Engineering", "Freight", "Machines", "Power", "Builders"),
    "care": ("Health", "Clinics", "Sciences", "Academy", "Medical", "Learning"),
    "services": ("Partners", "Group", "Studio", "Consulting", "Media", "Properties", "Hotels"),
}

TOKENS: dict[str, tuple[Token, ...]] = {
    "technologies": TECHNOLOGIES,
    "hiring_roles": HIRING_ROLES,
    "certifications": CERTIFICATIONS,
    "intent_topics": INTENT_TOPICS,
}
KEYWORDS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [word for industry in INDUSTRIES for word in industry.keywords] + [word for word, _, _ in COMMON_KEYWORDS]
    )
)


def _spellings() -> dict[str, str]:
    words = [
        *(industry.name for industry in INDUSTRIES),
        *KEYWORDS,
        *(token.name for tokens in TOKENS.values() for token in tokens),
        *(word for _, _, cities in COUNTRIES.values() for place in cities for word in place),
        *COMPANY_TYPES, *FUNDING_STAGES, *WORK_MODELS, *ESG_RATINGS,
        *SUCCESS_MANAGERS, RENEWALS_DESK, *CSM_TIERS, *SUCCESS_PLANS,
    ]  # fmt: skip
    return {word.casefold(): word for word in words}


SPELLING: dict[str, str] = _spellings()
