"""find_customers: look customers up on a list wherever it is, and read what it says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from icp_ml.accounts.matching.decisions import read_decisions
from icp_ml.accounts.matching.enrichment import Enrichment, enrich
from icp_ml.accounts.matching.index import Side
from icp_ml.accounts.matching.match import match_sides, side_of
from icp_ml.accounts.matching.policy import WORTH_READING, EnrichmentPlan, plan_enrichment
from icp_ml.accounts.matching.result import Matches
from icp_ml.accounts.table import Accounts
from icp_ml.exceptions import InputError
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from icp_ml.accounts.formats.addresses import Address

Progress = Callable[[str, int], None]
MOST_LISTED = 5_000_000  # accounts of a list that are held in memory for matching: about 0.75 GB per million


class NothingInCommonError(InputError):
    """Customers and list share nothing by which one could be found on the other."""


@dataclass(frozen=True)
class FoundCustomers:
    """Customers looked up on a list.

    Attributes
    ----------
    customers : Accounts
    matches : Matches
        Which account of the list each customer is.
    enrichment : Enrichment or None
        The customers with the list's values; None where few were found, or the settings don't want it.
    """

    customers: Accounts
    matches: Matches
    enrichment: Enrichment | None

    def plan(self, status: npt.NDArray[Any], settings: Settings) -> EnrichmentPlan:
        """Decide whether the list's values are trained on (see `plan_enrichment`)."""
        return plan_enrichment(self.customers, self.matches, self.enrichment, status, settings)


def find_customers(
    customers: Accounts,
    market: Accounts | str | Path | Address,
    settings: Settings | None = None,
    *,
    sample: Accounts | None = None,
    decisions: str | Path | Address | pd.DataFrame | None = None,
    progress: Progress | None = None,
) -> FoundCustomers:
    """Look customers up on a list, and read what it says of them where that may be trained on.

    Parameters
    ----------
    customers : Accounts
    market : Accounts, str, Path or Address
        The list; a file is streamed, once for its names and places, and once more for the values of the accounts found.
    settings : Settings, optional
        `matching` says how sure a match has to be and whether values are taken over.
    sample : Accounts, optional
        Of a list that is a file: rows of it that are read already (see `enrich`).
    decisions : str, Path, Address or DataFrame, optional
        What a person decided (see `match_accounts`).
    progress : callable, optional
        Called with what is being done and the rows of the list read so far.

    Returns
    -------
    FoundCustomers

    Raises
    ------
    InputError
        The list or the decisions cannot be read, a decision names an account that the list does not have, or the list
        is longer than 5,000,000 accounts.
    NothingInCommonError
        There are neither names nor domains in both.
    """
    settings = settings or Settings()
    decided = read_decisions(decisions) if decisions is not None else {}
    left = Side.of_accounts(customers)
    right = side_of(market, settings, MOST_LISTED, _counted(progress, "find customers on the list"))
    if not decided and not any(len(one.values) and len(other.values) for one, other in _keys(left, right)):
        msg = (
            "customers were not looked for on it: names or domains have to be in both files; "
            "map a header to name or domain under  columns:  in the settings"
        )
        raise NothingInCommonError(msg)
    matches = match_sides(left, right, settings.matching.threshold, decided)
    policy = settings.matching.enrich
    if policy == "never" or (policy == "auto" and matches.is_matched.mean() < WORTH_READING):
        return FoundCustomers(customers, matches, None)
    if progress is not None:
        progress("read what the list says of them", 0)
    return FoundCustomers(customers, matches, enrich(customers, market, matches, settings, sample=sample))


def _keys(left: Side, right: Side) -> tuple[tuple[Any, Any], ...]:
    return (left.name, right.name), (left.domain, right.domain)


def _counted(progress: Progress | None, stage: str) -> Callable[[int], None] | None:
    if progress is None:
        return None
    progress(stage, 0)
    return lambda rows: progress(stage, rows)
