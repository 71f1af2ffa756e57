"""What a column's name and the words in its cells give away, without looking at the outcome."""

from __future__ import annotations

import re
from collections.abc import Sequence

from icp_ml.accounts.guard.evidence import Coded
from icp_ml.accounts.guard.leaks import Finding
from icp_ml.accounts.headers.spellings import QUESTIONS
from icp_ml.accounts.values.deal_stages import customer_state, deal_state
from icp_ml.schema import BY_NAME, NUMERIC_KINDS, Field, header_key

# Words that name what is only known of one's own customers. A column is asked about, not refused, for its name.
_AFTER_SALE = re.compile(
    r"(?:^|_)(?:churn\w*|renew(?:al|als|ed|s)?|cancel\w*|retention|tenure|usage|utili[sz]ation|adoption|logins?|sessions|downloads?|"
    r"active_users|mau|dau|tickets?|escalations?|csm|health_score|contract(?:s|ed)?|invoices?|billed|billing_\w*(?:amount|plan)|"
    r"charges?|refunds?|discounts?|overdue|mrr|arr|acv|ltv|cltv|nps|csat|satisfaction|onboard\w*|upsells?|cross_sells?|"
    r"seats|licen[cs]es|orders|sdr|bdr|success_manager|(?:account|record|lead)_owner|won|lost|closed|close_date|lifecycle\w*|"
    r"referrals|referred|disburse\w*|chg_?off|charge_?off|net_amount|customer_status)(?:_|$)"
)
# Noted by one's own sales people while they sell: known of prospects that were worked on, of no purchased list.
_IN_THE_DEAL = re.compile(
    r"(?:^|_)(?:deals?|opportunit(?:y|ies)|pipeline|stage|forecast|quotes?|proposals?|new_logo|sellers?|sales_?reps?|"
    r"competitors?|rfp|rfi|rfq|tender|authority|decision_makers?|champion|budget_\w+|purch\w*_dept|needs|scope|"
    r"call_duration|duration|campaign\w*|attempts|touches|meetings|demos?|trial\w*)(?:_|$)|^(?:amount|deal_size|term)$"
)
_LATEST = re.compile(r"(?:^|_)(?:last|latest|most_recent)_(?!name)")
_CALENDAR = re.compile(r"^(?:day|weekday|week|month|quarter)(?:_of_(?:week|month|year|quarter))?$")
_SAMPLE = re.compile(
    r"^(?:is_)?(?:selected|train(?:ing)?|test|split|fold|hold_?out|partition|sampled?)(?:_(?:set|id|flag|no))?$"
)

_LOOKED_AT = 500
_STAFF = re.compile(
    r"(?:seller|sales ?(?:rep|person|man)|rep|agent|csm|account manager|manager|owner|sdr|bdr|ae|employee|user)"
    r"[ _#-]*(?:[0-9]{1,4}|[a-z])"
)
_OPAQUE = re.compile(
    r"[0-9a-f]{16,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=(?:[a-z]*[0-9]){3})[0-9a-z]{15,18}"
)
_BECAME = frozenset({
    "churned", "cancelled", "canceled", "lost", "closed lost", "closed won", "renewed", "not renewed", "non-renewed",
    "stayed", "terminated", "lapsed", "former customer", "ex-customer", "charged off", "chgoff", "defaulted",
})  # fmt: skip


def by_name(field: Field) -> Finding | None:
    """Ask about a column whose name says it is not known of the companies on a list."""
    if field.name in BY_NAME:
        return None
    for pattern, why in (
        (_AFTER_SALE, "its name ('{}') says it is known of customers only"),
        (_IN_THE_DEAL, "its name ('{}') says it is noted while selling, so it is known of few accounts on a list"),
        (_LATEST, "its name ('{}') says it moves on while a customer stays"),
        (_CALENDAR, "its name ('{}') says when something was done, not what the company is"),
        (_SAMPLE, "its name ('{}') says it marks a sample of the rows"),
    ):
        found = pattern.search(field.name)
        if found:
            return Finding("confirm", why.format(found.group(0).strip("_").replace("_", " ")))
    return None


def by_question(field: Field, column: Coded) -> Finding | None:
    """Ask about a column whose header is, in some files, that of an outcome ("Revenue": theirs, or what they pay?)."""
    question = None if field.name in BY_NAME else QUESTIONS.get(header_key(field.label or field.name))
    if question is None:
        return None
    outcomes = [name for name in question.fields if BY_NAME[name].role == "outcome"]
    if not any(_may_be(BY_NAME[name], field, column, first=name == question.fields[0]) for name in outcomes):
        return None
    header = field.label or field.name
    readings = " or ".join(question.fields)
    reason = f"'{header}' may be an outcome: is it {question.text.rstrip('?')}? Say which under  columns  ({readings})"
    return Finding("confirm", reason)


def _may_be(outcome: Field, field: Field, column: Coded, *, first: bool) -> bool:
    """Whether a column's values can be an outcome's; words must say so unless it is the header's first meaning."""
    if outcome.kind == "date":
        return field.kind == "date"
    if outcome.kind in NUMERIC_KINDS:
        return column.numbers is not None and field.kind not in ("date", "boolean")
    if not column.labels or column.tokens is not None:
        return False
    some = column.labels[:: max(1, len(column.labels) // _LOOKED_AT)]
    return first or sum(bool(customer_state(label) or deal_state(label)) for label in some) >= 0.5 * len(some)


def by_words(field: Field, column: Coded) -> Finding | None:
    """Ask about a column whose cells name one's own staff, or what became of the customers."""
    if column.tokens is not None or not column.labels or field.name in BY_NAME:
        return None
    said = sorted(_BECAME.intersection(column.labels))
    if said and column.distinct <= 20:
        return Finding("confirm", f"one of its values is '{said[0]}': it says what became of the customers")
    if _share(_STAFF, column.labels) >= 0.8 and column.distinct >= 3:
        return Finding(
            "confirm", f"its values are numbered like staff ('{column.labels[0]}'): people who sell or serve"
        )
    return None


def by_codes(field: Field, column: Coded) -> Finding | None:
    """Ask about a column of opaque keys into another table, which nobody can judge by looking."""
    if column.tokens is not None or field.name in BY_NAME or column.distinct < 3:
        return None
    if not column.labels or _share(_OPAQUE, column.labels) < 0.9:
        return None
    why = "its values are keys into another table (an owner, a campaign, a page), so nothing says when they were set"
    return Finding("confirm", why)


def _share(pattern: re.Pattern[str], labels: Sequence[str]) -> float:
    some = labels[:: max(1, len(labels) // _LOOKED_AT)]
    return sum(pattern.fullmatch(label) is not None for label in some) / len(some)
