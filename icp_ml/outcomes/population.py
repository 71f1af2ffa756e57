"""Who in the table is a customer at all: deals that were lost or are open, prospects, and spellings nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from icp_ml.accounts.values.deal_stages import DEAL_STATES, STATUS_STATES, State, customer_state, deal_state, fold

Bools = NDArray[np.bool_]
# What only a customer has: a lost deal of an account with one of these is an upsell that failed, not a lost account.
_CUSTOMER_EVIDENCE = (
    "customer_since", "churned", "retained", "churn_date", "tenure_days", "renewals", "retention_rate",
    "net_revenue_retention", "nps", "csat",
)  # fmt: skip
_SHOWN = 8


@dataclass(frozen=True)
class UnknownSpelling:
    """A stage or status nobody knows, and how many rows have it."""

    column: str
    spelling: str
    rows: int


@dataclass(frozen=True, eq=False)
class Population:
    """What each row is; arrays of shape (n,).

    Attributes
    ----------
    customer, won, lost, open, not_customer, unclear : Bools
        `won` rows are customers too; `unclear` ones have a stage that is not known and no sign of being a customer.
    left, stays : Bools
        Customers whose status or stage says that they left, or that they are there.
    unknown : tuple of UnknownSpelling
        Most frequent first.
    """

    customer: Bools
    won: Bools
    lost: Bools
    open: Bools
    not_customer: Bools
    unclear: Bools
    left: Bools
    stays: Bools
    unknown: tuple[UnknownSpelling, ...]

    @property
    def has_deals(self) -> bool:
        """Whether some deal was won, lost or is open."""
        return bool((self.won | self.lost | self.open).any())

    @classmethod
    def read(cls, frame: pd.DataFrame, own: Mapping[str, State], notes: list[str]) -> Population:
        """Read stages and statuses; `own` are the spellings of the settings, and go first."""
        n = len(frame)
        stage, unknown_stages = _states(frame, "deal_stage", deal_state, own, DEAL_STATES)
        status, unknown_statuses = _states(frame, "customer_status", customer_state, own, STATUS_STATES)
        evidence = np.zeros(n, dtype=bool)
        for name in _CUSTOMER_EVIDENCE:
            if name in frame.columns:
                evidence |= frame[name].notna().to_numpy(dtype=bool)
        evidence |= np.isin(status, ("active", "churned"))
        outside = status == "not_customer"
        lost, open_ = (stage == "lost") & ~evidence, (stage == "open") & ~evidence
        unclear = (stage == "unknown") & ~evidence & ~outside
        customer = ~(lost | open_ | outside | unclear)
        upsells = int((np.isin(stage, ("lost", "open")) & evidence).sum())
        if upsells:
            notes.append(
                f"{upsells:,} rows with a deal lost or open have outcomes of a customer: judged as "
                "the customers they are."
            )
        unknown = (*unknown_stages, *unknown_statuses)
        columns = dict.fromkeys(u.column for u in unknown)
        notes += [_unknown_note([u for u in unknown if u.column == column]) for column in columns]
        left = (status == "churned") | ((stage == "not_renewed") & (status != "active"))
        return cls(
            customer, customer & (stage == "won"), lost, open_, outside, unclear, left & customer,
            (status == "active") & customer, unknown,
        )  # fmt: skip


def _states(
    frame: pd.DataFrame,
    column: str,
    meaning: Callable[[str], State | None],
    own: Mapping[str, State],
    allowed: tuple[str, ...],
) -> tuple[NDArray[np.object_], tuple[UnknownSpelling, ...]]:
    """State of each row ("" where empty, "unknown" where not known), looked up once per distinct value."""
    out = np.full(len(frame), "", dtype=object)
    if column not in frame.columns:
        return out, ()
    folded = {fold(spelling): state for spelling, state in own.items() if state in allowed}
    counts = frame[column].value_counts(dropna=True)
    known: dict[str, str] = {}
    unknown: list[UnknownSpelling] = []
    for value, rows in counts.items():
        text = str(value)
        state = folded.get(fold(text)) or meaning(text)
        known[text] = state or "unknown"
        if state is None:
            unknown.append(UnknownSpelling(column, text, int(rows)))
    values = frame[column].astype("object")
    filled = values.notna().to_numpy(dtype=bool)
    out[filled] = [known[str(value)] for value in values[filled]]
    return out, tuple(sorted(unknown, key=lambda u: (-u.rows, u.spelling)))


def _unknown_note(unknown: list[UnknownSpelling]) -> str:
    column = unknown[0].column
    shown = ", ".join(f"'{u.spelling[:40]}' ({u.rows:,})" for u in unknown[:_SHOWN])
    more = f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
    allowed = ", ".join(DEAL_STATES if column == "deal_stage" else STATUS_STATES)
    return (
        f"{sum(u.rows for u in unknown):,} rows have a {column.replace('_', ' ')} that is not known "
        "and was not guessed: "
        f"{shown}{more}. Say what they mean under  outcomes: {{spellings: {{'{unknown[0].spelling[:40]}': ...}}}}  "
        f"({allowed})."
    )
