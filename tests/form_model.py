"""A model with a field of every kind and two pairs, and accounts as a person types them, for the page's form."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from icp_ml.accounts.values.industries import title_of
from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.model import ICPModel
from icp_ml.schema import BY_NAME, Field
from icp_ml.scoring.lookalikes import Reference
from tests import report_model as examples

AS_OF = date(2026, 9, 29)
CITIES = tuple(f"city {k:02d}" for k in range(60))
TOOLS = (
    "Airtable", "HubSpot", "Jira", "Notion", "Okta", "Salesforce", "Slack", "Snowflake", "Stripe", "Zendesk", "Zoom",
)  # fmt: skip
NAICS = ("31-33", "5112", "5415")
UNHEARD = "zzz unheard of"


def _numeric(field: str, form: str, edges: list[float], label: str) -> FieldEncoding:
    return FieldEncoding(field, "numeric", form, label, edges=np.array(edges))


def _category(field: str, form: str, label: str, values: dict[str, str], rare: tuple[str, ...] = ()) -> FieldEncoding:
    return FieldEncoding(
        field, "category", form, label, values=tuple(values), spellings=tuple(values.values()), rare=rare
    )


def _tokens(field: str, form: str, label: str, values: dict[str, str]) -> FieldEncoding:
    return FieldEncoding(
        field, "tokens", form, label, "technographic", values=tuple(values), spellings=tuple(values.values())
    )


def make_encoding(words: examples.Words = examples.plain) -> Encoding:
    """Return fields of every kind and form."""
    tools = {name.lower(): words(name) for name in TOOLS}
    return Encoding(
        (
            _numeric("employees", "count", [2.999, 50.0, 100.0, 500.0, 1500.0, 2e4], "employees"),
            _numeric("revenue_usd", "money", [9e4, 1e6, 2.5e6, 1e8, 1e9, 5e10], "annual revenue"),
            _numeric("employee_growth_rate", "share", [-0.5, -0.05, 0.0, 0.125, 0.3, 2.0], "employee growth"),
            _numeric("founded_year", "age", [0.5, 5.0, 15.0, 40.0, 140.0], "founded"),
            _numeric("last_funding_date", "date", [3.0, 45.0, 400.0, 900.0, 4000.0], "last funded"),
            _numeric("cloud_regions", "number", [0.5, 1.0, 2.25, 8.0, 26.0], words("Cloud regions")),
            _category("industry", "category", "industry", {"retail": words("Retail"), "software": words("Software")},
                      ("mining",)),
            _category("country", "country", "country", {"DE": "Germany", "US": "United States"}, ("FR",)),
            _category("naics_code", "naics", "NAICS code", {c: str(title_of(c, "naics")) for c in NAICS}, ("52",)),
            _category("city", "place", "city", {c: c.title() for c in CITIES}, ("little town", "smallville")),
            FieldEncoding("has_public_api", "boolean", "boolean", words("Has public API")),
            _tokens("technologies", "token_set", "technologies", tools),
            _tokens("intent_topics", "token_set", "researches", {"cloud cost": "cloud cost", "payroll": "payroll"}),
        )
    )  # fmt: skip


def make_pairs(encoding: Encoding, rng: np.random.Generator) -> tuple[PairTable, ...]:
    """Return two pairs: one of grouped codes, as fitted ones are, one without any two codes alike."""
    sizes = [term.size for term in encoding.terms]
    grouped = rng.normal(0, 0.5, (3, 2))[np.ix_(np.arange(sizes[0]) % 3, np.arange(sizes[6]) % 2)]
    loose = rng.normal(0, 0.5, (sizes[1], sizes[13]))
    return tuple(
        PairTable(a, b, values, np.abs(values) / 50) for (a, b), values in (((0, 6), grouped), ((1, 13), loose))
    )


def make_tables(words: examples.Words = examples.plain, seed: int = 1) -> ScoringTables:
    """Return random tables: any sum, any reason may come out."""
    encoding, rng = make_encoding(words), np.random.default_rng(seed)
    values = tuple(rng.normal(0, 0.4, term.size) for term in encoding.terms)
    customers = tuple(rng.integers(0, 90, term.size).astype(float) for term in encoding.terms)
    return ScoringTables(
        encoding,
        values,
        tuple(rng.uniform(0, 0.05, len(v)) for v in values),
        -1.1,
        0.01,
        customers,
        tuple(np.floor(n * rng.uniform(0, 0.6, len(n))) for n in customers),
        AS_OF,
        make_pairs(encoding, rng),
    )


def make_model(words: examples.Words = examples.plain, tables: ScoringTables | None = None) -> ICPModel:
    """Return the model; a confirmed filter leaves out accounts of up to 50 employees."""
    model, tables = examples.make_model(words), tables or make_tables(words)
    kinds = {"age": "year", "naics": "category", "text": "text", "token_set": "token_set"}
    fields = {
        e.field: BY_NAME.get(e.field, Field(e.field, kinds.get(e.form, e.form), label=e.label))  # type: ignore[arg-type]
        for e in tables.encoding.fields
    }
    return replace(
        model,
        tables=tables,
        fields=fields,
        reference=Reference(np.zeros((1, len(tables.terms)), dtype=np.uint16), ("abc",), "salt"),
        settings=model.settings.override(profile={"filters": ["employees"]}),
        support_threshold=0.04,
    )


def make_accounts(model: ICPModel, count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Return accounts as a person types them: a text per field, a list of token positions, None where not known."""
    draw = random.Random(seed)
    return [
        {e.field: _typed(e, draw) if draw.random() > 0.35 else None for e in model.tables.encoding.fields}
        for _ in range(count)
    ]


def _typed(enc: FieldEncoding, draw: random.Random) -> Any:
    if enc.kind == "tokens":
        return sorted(draw.sample(range(len(enc.values)), draw.randint(0, min(5, len(enc.values)))))
    if enc.kind == "boolean":
        return draw.choice(["Yes", "No"])
    if enc.kind == "category":
        return _category_typed(enc, draw)
    edges = enc.edges.tolist()
    value = draw.choice([draw.choice(edges), draw.uniform(edges[0], edges[-1]), edges[-1] * 1.5, edges[0] - 1.0])
    return _WRITTEN[enc.form](value, draw)


def _category_typed(enc: FieldEncoding, draw: random.Random) -> str:
    rare = ["France"] if enc.form == "country" else enc.rare
    pool = [*enc.spellings, *enc.spellings, *rare, UNHEARD]
    if enc.form == "naics":  # codes as vendors write them: most are not among the model's own
        pool += [
            "541511",
            "336111",
            "5112",
            "523110",
            "52",
            "310000",
            "999999",
            "11",
            "5415 Computer Systems Design",
            "31-33",
        ]
    return draw.choice(pool)


_WRITTEN: dict[str, Callable[[float, random.Random], str]] = {
    "count": lambda v, draw: draw.choice([f"{v:.0f}", f"{v:,.0f}"]),
    "money": lambda v, draw: draw.choice([f"${v:,.0f}", f"{v:.2f}", f"{v / 1e6:.3f}M", f"${v / 1e3:.1f}K"]),
    "share": lambda v, draw: f"{100 * v:.2f}%",
    "number": lambda v, draw: repr(v),
    "age": lambda v, draw: str(AS_OF.year - round(v)),
    "date": lambda v, draw: (AS_OF - timedelta(days=round(v))).isoformat(),
}


def as_frame(model: ICPModel, accounts: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the accounts as a list file holds them, every cell as it was typed."""
    columns: dict[str, list[Any]] = {}
    for enc in model.tables.encoding.fields:
        typed = [account[enc.field] for account in accounts]
        if enc.kind == "tokens":
            # a set without a token of the model's: known, but of others only, as an empty cell is not known
            columns[enc.field] = [None if t is None else [enc.values[k] for k in t] or [UNHEARD] for t in typed]
        else:
            columns[enc.field] = typed
    return pd.DataFrame(columns)
