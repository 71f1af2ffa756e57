"""What became of each customer: matched, to be reviewed by a person, or not on the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 3  # candidates in a review table
STATUSES = ("matched", "review", "none")


@dataclass(frozen=True)
class Candidate:
    """An account of the list that may be a customer.

    Attributes
    ----------
    row : int
        Of the list, from 0.
    account_id, name, domain, city, country : str or None
    probability : float
        That it is the customer.
    reason : str
        What agrees and what does not, in words.
    """

    row: int
    account_id: str | None
    name: str | None
    domain: str | None
    city: str | None
    country: str | None
    probability: float
    reason: str


@dataclass(frozen=True)
class Matches:
    """Customers and their accounts on a list; one entry per customer, in the customers' order.

    Attributes
    ----------
    customers : dict of str to list
        `account_id`, `name`, `domain`, `city`, `country` of the customers.
    rows : array of int64
        Row of the list, from 0; -1 where none was picked.
    status : array of str
        "matched", "review" or "none".
    how : array of str
        "domain", "domain and name", "name and place", "name", "decided by a person"; "" where none was picked.
    probability : array of float
        Of the pick, or of the best candidate where none was picked; 1 where a person decided.
    reasons : array of str
        Why a customer is to be reviewed.
    candidates : tuple of tuples of Candidate
        Up to three per customer, likeliest first; the first one is the pick where there is one.
    list_rows : int
        Rows of the list.
    threshold : float
        Least probability of a pick.
    learnt : dict
        The weights, as plain types.
    notes : tuple of str
    """

    customers: Mapping[str, list[str | None]]
    rows: npt.NDArray[np.int64]
    status: npt.NDArray[Any]
    how: npt.NDArray[Any]
    probability: npt.NDArray[np.float64]
    reasons: npt.NDArray[Any]
    candidates: tuple[tuple[Candidate, ...], ...]
    list_rows: int
    threshold: float
    learnt: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.rows)

    @property
    def is_matched(self) -> npt.NDArray[np.bool_]:
        """Which customers have an account on the list."""
        return np.asarray(self.rows >= 0)

    def frame(self) -> pd.DataFrame:
        """Return one row per customer: its account, how it was found, how sure that is, and the runner-up."""
        import pandas as pd

        first = [c[0] if c and m else None for c, m in zip(self.candidates, self.is_matched, strict=True)]
        second = [c[1] if len(c) > 1 else None for c in self.candidates]
        return pd.DataFrame({
            "customer_id": pd.array(self.customers["account_id"], dtype="str"),
            "customer_name": pd.array(self.customers["name"], dtype="str"),
            "status": pd.array(self.status, dtype="str"),
            "how": pd.array(self.how, dtype="str"),
            "probability": self.probability,
            "list_row": self.rows,
            "account_id": pd.array([c.account_id if c else None for c in first], dtype="str"),
            "account_name": pd.array([c.name if c else None for c in first], dtype="str"),
            "reason": pd.array([c.reason if c else "" for c in first], dtype="str"),
            "runner_up_id": pd.array([c.account_id if c else None for c in second], dtype="str"),
            "runner_up_probability": [c.probability if c else np.nan for c in second],
        })  # fmt: skip

    def review(self) -> pd.DataFrame:
        """Return a table from which a person can decide, one row per customer in doubt.

        The column `decision` is empty: an account id of the list goes there, or "none". The table, saved as CSV, is
        what `match_accounts(decisions=)` reads.
        """
        import pandas as pd

        columns = ["customer_id", "decision", "name", "domain", "city", "country", "why"]
        parts = ("id", "name", "domain", "city", "country", "probability", "reason")
        columns += [f"candidate_{n}_{part}" for n in range(1, SHOWN + 1) for part in parts]
        lines = []
        for at in np.flatnonzero(self.status == "review"):
            own = {name: self.customers[name][at] for name in ("name", "domain", "city", "country")}
            line: dict[str, Any] = {"customer_id": self.customers["account_id"][at], "decision": None, **own}
            line["why"] = self.reasons[at]
            for number, one in enumerate(self.candidates[at], 1):
                cells = (one.account_id, one.name, one.domain, one.city, one.country, round(one.probability, 3))
                for part, value in zip(parts, (*cells, one.reason), strict=True):
                    line[f"candidate_{number}_{part}"] = value
            lines.append(line)
        return pd.DataFrame(lines, columns=columns).astype(
            {name: "float64" if name.endswith("_probability") else "str" for name in columns}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return counts as plain JSON types."""
        how, counts = np.unique(self.how[self.is_matched].astype(str), return_counts=True)
        return {
            "customers": len(self),
            "list_rows": self.list_rows,
            **{status: int((self.status == status).sum()) for status in STATUSES},
            "how": {str(name): int(count) for name, count in zip(how, counts, strict=True)},
            "expected_wrong": round(float((1 - self.probability[self.is_matched]).sum()), 1),
            "threshold": self.threshold,
            "learnt": dict(self.learnt),
            "notes": list(self.notes),
        }
