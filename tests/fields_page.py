"""docs/reference/fields.md, written from the schema: run  python -m tests.fields_page  after changing a field."""

from __future__ import annotations

from pathlib import Path

from icp_ml.schema import CATEGORIES, FIELDS, Field

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "fields.md"
HEAD = """# Fields

The columns of an account that the software knows. A header is recognised when it is a field's name or one of the
spellings below, whatever its capitals and punctuation; also as a Salesforce API name (`Tech_Stack__c`), as a nested
name (`company.metrics.employees`) and with a unit (`Annual Revenue (in 000s USD)`, whose numbers are multiplied).
Where several columns of a file could be one field, the company's goes before a person's ("Company City", "City"), then
the spelling listed first. What looks like a field but is none of these is never used by itself: `icp-ml init` writes
a line for it with a confidence, and asks about headers that mean different things in different files ("Revenue").
"Stage" is a deal's and "Account Status" a customer's only where half of the cells are such stages or statuses;
"Close Date" is a deal's only beside a deal's stage.

Money is in US dollars, shares are fractions; bands become their midpoint; dates become months before the as-of date:
see [how cells are read](values.md).
Fields of your own are declared under [`fields.custom`](settings.md).
"""


def fields_page() -> str:
    """Return the page's text."""
    parts = [HEAD]
    features = [field for field in FIELDS if field.role == "feature"]
    for category in CATEGORIES:
        title = category.replace("_", " ").capitalize()
        parts.append(_table(f"{title}: learned from", [field for field in features if field.category == category]))
    parts.append(_table("Identity: names the account", [field for field in FIELDS if field.role == "identity"]))
    parts.append(_table("Context: carried along, never learned from", [f for f in FIELDS if f.role == "context"]))
    outcomes = [field for field in FIELDS if field.role == "outcome"]
    parts.append(_table("Outcomes: measured after the sale", outcomes, "outcome"))
    return "\n".join(parts)


def _table(title: str, fields: list[Field], extra: str = "") -> str:
    head = ["field", "kind", "unit", *([extra] if extra else []), "spellings"]
    rows = [head, ["---"] * len(head)]
    for field in fields:
        cells = [f"`{field.name}`", field.kind, field.unit, *([field.outcome or ""] if extra else [])]
        rows.append([*cells, ", ".join(field.aliases).replace("|", "\\|")])
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(row)} |" for row in rows), ""])


if __name__ == "__main__":
    PAGE.write_text(fields_page(), encoding="utf-8")
