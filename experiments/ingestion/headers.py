"""How well headers become fields: vendors' exports by exact spelling, and guesses for spellings no one listed.

    python experiments/ingestion/headers.py

writes headers.json. The held-out spellings and their fields are in headers_held_out.yaml, which says when they were
written. Each is guessed twice: from its header alone (beside values that fit any field of that kind), and beside values
as such a column holds them.
"""

from __future__ import annotations

import json
import runpy
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from icp_ml.accounts import read_accounts
from icp_ml.accounts.headers.proposals import SURE_ENOUGH, Proposal, propose_fields
from icp_ml.accounts.headers.spellings import QUESTIONS
from icp_ml.accounts.headers.vendors import map_columns
from icp_ml.schema import BY_NAME, field_of_header, header_key
from icp_ml.settings import Settings

HERE = Path(__file__).parent
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)

HELD_OUT: dict[str, dict[str, str | None]] = yaml.safe_load(
    (HERE / "headers_held_out.yaml").read_text(encoding="utf-8")
)

# Fifty cells of each field as files hold them; what is not named here holds the words of the field's kind.
CELLS: dict[str, list[str]] = {
    "industry": ["Computer Software", "Retail", "Hospital & Health Care", "Banking", "Construction"],
    "sub_industry": ["Application Software", "Grocery Retail", "Community Hospitals", "Payments"],
    "country": ["United States", "Germany", "France", "Japan", "Brazil"], "state": ["California", "Texas", "Ohio"],
    "city": ["Chicago", "Berlin", "Lyon", "Osaka"], "employees": ["11-50", "51-200", "201-500", "1001-5000"],
    "revenue_usd": ["$1M-$10M", "$10M-$50M", "$50M-$100M"], "company_type": ["Privately Held", "Public Company"],
    "legal_form": ["GmbH", "AG", "KG"], "founded_year": ["1998", "2004", "2011", "1987", "2015"],
    "last_funding_stage": ["Seed", "Series A", "Series B"], "technologies": ["SAP; Slack", "SAP; Jira", "Slack"],
    "keywords": ["cloud; data", "data; retail", "cloud", "retail; cloud"], "certifications": ["SOC 2; HIPAA", "SOC 2"],
    "hiring_roles": ["engineer; analyst", "analyst", "engineer"], "intent_topics": ["crm; payroll", "payroll", "crm"],
    "naics_code": ["541511", "522110", "236220"], "sic_code": ["7372", "6021", "1542"],
    "postal_code": ["60601", "10115", "01067"], "phone": [f"+1 312 555 0{n:03}" for n in range(50)],
    "name": [f"Acme Works {n} Ltd" for n in range(50)], "street": [f"{n} Main Street" for n in range(50)],
    "parent_company": ["Acme Holding", "Beta Group", "Gamma AG"],
    "domain": [f"https://acme{n}.com" for n in range(50)],
    "linkedin_url": [f"https://linkedin.com/company/acme{n}" for n in range(50)],
    "description": [f"We build tools number {n} for many people everywhere, and have for long" for n in range(50)],
}  # fmt: skip
BY_KIND = {
    "date": [f"202{n % 5}-0{n % 9 + 1}-1{n % 9}" for n in range(50)], "count": [str(7 * n + 3) for n in range(50)],
    "number": [str(n % 11 - 1) for n in range(50)], "money": [f"${n * 1000 + 500:,}" for n in range(50)],
    "share": [f"{n}.5%" for n in range(50)], "boolean": ["Yes", "No"],
    "token_set": ["one; two", "two; three", "one"], "category": ["alpha", "beta", "gamma"],
}  # fmt: skip


def guess(header: str, cells: list[str]) -> Proposal | None:
    """Read a table of this column and a key, and return the guess for it."""
    values = [cells[row % len(cells)] for row in range(50)]
    accounts = read_accounts(pd.DataFrame({"Key X": [f"k{row}" for row in range(50)], header: values}))
    return next((p for p in propose_fields(accounts, at_least=0.0) if p.header == header), None)


def cells_of(name: str | None) -> list[str]:
    """Return cells a column of this field holds; of no field: a few words of no meaning here."""
    return CELLS.get(name or "") or BY_KIND[BY_NAME[name].kind if name else "category"]


def neutral(name: str | None) -> list[str]:
    """Return cells of the field's kind that speak for no field in particular."""
    kind = BY_NAME[name].kind if name else "category"
    return BY_KIND.get({"year": "count"}.get(kind, kind), BY_KIND["category"])


def held_out() -> dict[str, Any]:
    """Guess every held-out spelling, with and without telling values."""
    out: dict[str, Any] = {}
    for beside, cells in (("header alone", neutral), ("header and values", cells_of)):
        rows = []
        for group, headers in HELD_OUT.items():
            for header, expected in headers.items():
                exact = field_of_header(header)
                found = None if exact else guess(header, cells(expected))
                rows.append((group, header, expected, exact.name if exact else None, found))
        out[beside] = summary(rows)
    return out


def summary(rows: list[tuple[str, str, str | None, str | None, Proposal | None]]) -> dict[str, Any]:
    """Count right, wrong and missing guesses at confidence levels, exact spellings aside."""
    exact = [(header, expected, name) for _, header, expected, name, _ in rows if name]
    guessed = [(group, header, expected, found) for group, header, expected, name, found in rows if not name]
    levels = {}
    for level in LEVELS:
        kinds: Counter[str] = Counter()
        for _, _, expected, found in guessed:
            said = found.field if found and found.confidence >= level and not found.question else None
            kinds[
                "right" if said and said == expected else "wrong" if said else "none" if expected else "rightly none"
            ] += 1
        said_at_all = kinds["right"] + kinds["wrong"]
        levels[str(level)] = {**kinds, "precision": round(kinds["right"] / max(said_at_all, 1), 3),
                              "recall": round(kinds["right"] / max(kinds["right"] + kinds["none"], 1), 3)}  # fmt: skip
    asked = [header for _, header, _, found in guessed if found and found.question]
    by_group = {}
    for group in HELD_OUT:
        mine = [(expected, found) for g, _, expected, found in guessed if g == group]
        said = [(e, f.field) for e, f in mine if f and f.confidence >= SURE_ENOUGH and not f.question]
        by_group[group] = {"headers": len(mine), "fields": sum(e is not None for e, _ in mine),
                           "right": sum(e == f for e, f in said), "wrong": sum(e != f for e, f in said)}  # fmt: skip
    wrong = {header: f"{found.field} ({found.confidence})" for _, header, expected, found in guessed
             if found and found.confidence >= SURE_ENOUGH
             and not found.question and found.field != expected}  # fmt: skip
    missed = [header for _, header, expected, found in guessed
              if expected and not (found and found.confidence >= SURE_ENOUGH)]  # fmt: skip
    return {
        "exact spellings": {"right": sum(e == n for _, e, n in exact), "wrong": [h for h, e, n in exact if e != n]},
        "guessed": len(guessed), "levels": levels, "by group at the default level": by_group,
        "asked about": asked, "wrong at the default level": wrong, "missed at the default level": missed,
    }  # fmt: skip


def vendors() -> dict[str, Any]:
    """Compare the exact mapping of each vendor's headers with what they are."""
    truth = runpy.run_path(str(HERE.parents[1] / "tests" / "vendor_headers.py"))["VENDORS"]
    out: dict[str, Any] = {}
    for vendor, headers in truth.items():
        found = {m.header: m.field.name for m in map_columns(list(headers), Settings()) if m.how != "own name"}
        fields = {header: name for header, name in headers.items() if name not in (None, "ask")}
        out[vendor] = {
            "headers": len(headers), "of a field": len(fields),
            "mapped right": sum(found.get(header) == name for header, name in fields.items()),
            "mapped wrong": [h for h, name in found.items() if headers[h] != name],
            "asked about": [h for h, name in headers.items() if name == "ask" and header_key(h) in QUESTIONS],
        }  # fmt: skip
    return out


def main() -> None:
    """Measure and write headers.json."""
    started = time.perf_counter()
    result = {"default level": SURE_ENOUGH, "vendors": vendors(), "held out": held_out()}
    (HERE / "headers.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for beside, found in result["held out"].items():  # type: ignore[attr-defined]
        print(beside, json.dumps(found["levels"]), "\n  exact:", found["exact spellings"], "\n  wrong:",
              found["wrong at the default level"], "\n  missed:", found["missed at the default level"],
              "\n  asked:", found["asked about"])  # fmt: skip
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
