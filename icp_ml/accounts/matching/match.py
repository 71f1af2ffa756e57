"""match_accounts: find each customer on a list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.matching.decisions import Decisions, read_decisions
from icp_ml.accounts.matching.evidence import AGREE, DOMAIN_DIFFERS, DOMAIN_SAME, UNKNOWN
from icp_ml.accounts.matching.index import PLACES, SHOWN_COLUMNS, Side
from icp_ml.accounts.matching.likeness import NAME_WORDS, NO_NAME, SIMILAR, UNRELATED
from icp_ml.accounts.matching.pairing import NamePairs, Pairing, Pairs
from icp_ml.accounts.matching.result import SHOWN, Candidate, Matches
from icp_ml.accounts.matching.weights import Weighed, weigh
from icp_ml.accounts.table import Accounts
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]

# Least probability of a pick: where enough pairs on a unique domain were there to learn from, and where not.
THRESHOLD, CAUTIOUS_THRESHOLD = 0.8, 0.9
ENOUGH_PAIRS = 50
REVIEW_FROM = 0.2  # probability that the customer is on the list at all
_DIGITS = 9  # of probabilities: below, the order of the rows would show


def match_accounts(
    customers: Accounts,
    market: Accounts | str | Path | Address | pd.DataFrame | pa.Table,
    settings: Settings | None = None,
    *,
    threshold: float | None = None,
    decisions: str | Path | pd.DataFrame | None = None,
) -> Matches:
    """Find each customer on a list, by registrable domain, else by name and place.

    Parameters
    ----------
    customers : Accounts
    market : Accounts, str, Path, Address, pandas.DataFrame or pa.Table
        The list. Of a file only ids, names, domains and places are read and kept, chunk by chunk.
    settings : Settings, optional
        Their `columns` map the list's headers.
    threshold : float, optional
        Least probability of a pick, 0.5 to 1. By default 0.8, or 0.9 where fewer than 50 customers could be found by
        domain to learn from.
    decisions : str, Path or DataFrame, optional
        What a person decided: columns `customer_id` and `decision` (an account id of the list, or "none"), such as
        `Matches.review()` with its empty column filled in. Rows without a decision are left to the method.

    Returns
    -------
    Matches
        One entry per customer, in the customers' order. It depends neither on the order of the list's rows (ties go by
        account id; `rows` apart) nor on how they are cut into batches.

    Raises
    ------
    InputError
        The list or the decisions cannot be read, or a decision names an account that the list does not have.
    """
    settings = settings or Settings()
    left, right = Side.of_accounts(customers), side_of(market, settings)
    decided = read_decisions(decisions) if decisions is not None else {}
    threshold = threshold if threshold is not None else settings.matching.threshold
    return match_sides(left, right, threshold, decided)


def side_of(
    market: Accounts | str | Path | Address | pd.DataFrame | pa.Table,
    settings: Settings,
    at_most: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Side:
    """Read what matching needs of a list; of a file, at most so many rows (`ListTooLong`)."""
    if isinstance(market, Accounts):
        return Side.of_accounts(market)
    if isinstance(market, str | Path | Address):
        return Side.of_file(market, settings, at_most, progress)
    return Side.of_table(market, settings)


def match_sides(left: Side, right: Side, threshold: float | None = None, decided: Decisions | None = None) -> Matches:
    """Match two sides that are already read (see `match_accounts`)."""
    pairing = Pairing(left, right)
    domain = pairing.by_domain()
    unique = _only_ones(domain, len(left))
    settled = np.zeros(len(left), dtype=bool)
    settled[domain.customer[(domain.level <= SIMILAR) | (domain.level == NO_NAME)]] = True
    names = pairing.by_name(~settled)
    weighed = weigh(domain, names, pairing.places, len(left), unique)
    if threshold is None:
        threshold = THRESHOLD if weighed.weights.learnt_from >= ENOUGH_PAIRS else CAUTIOUS_THRESHOLD
    return _Choice(left, right, weighed, names, threshold).matches(decided or {})


def _only_ones(domain: Pairs, customers: int) -> npt.NDArray[np.bool_]:
    """Return which pairs are the only ones on their domain, for one customer of each domain."""
    alone = np.bincount(domain.customer, minlength=customers)[domain.customer] == 1
    first = np.zeros(len(domain), dtype=bool)
    first[np.unique(domain.row, return_index=True)[1]] = True
    return np.asarray(alone & first & (domain.level != NO_NAME))


class _Choice:
    """Pick, or leave to a person."""

    def __init__(self, left: Side, right: Side, weighed: Weighed, names: NamePairs, threshold: float) -> None:
        self.left, self.right, self.names, self.threshold = left, right, names, threshold
        self.weights = weighed.weights
        pairs, probability = weighed.pairs, np.round(weighed.probability, _DIGITS)
        rows, place = np.unique(pairs.row, return_inverse=True)
        ids = pc.sort_indices(pa.array(right.text("account_id", rows), pa.string())).to_numpy()
        rank = np.empty(len(rows), dtype=np.int64)
        rank[ids] = np.arange(len(rows))
        order = np.lexsort((pairs.row, rank[place], -probability, pairs.customer))
        self.on_list = np.round(
            np.bincount(pairs.customer, weights=probability, minlength=len(left)), _DIGITS - 2
        )  # sums over ties come out alike
        self.total = np.bincount(pairs.customer, minlength=len(left))
        position = np.arange(len(order)) - np.searchsorted(pairs.customer, pairs.customer)
        kept = order[position < SHOWN]
        self.pairs, self.probability = pairs.take(kept), probability[kept]
        self.starts = np.searchsorted(self.pairs.customer, np.arange(len(left) + 1))
        self.on_one_domain = np.bincount(pairs.customer[pairs.domain == DOMAIN_SAME], minlength=len(left))

    def matches(self, decided: Decisions) -> Matches:
        """Return the result for every customer."""
        count = len(self.left)
        first = self.starts[:-1]
        has = self.starts[1:] > first
        best = np.zeros(count)
        best[has] = self.probability[first[has]]
        picked = has & (best >= self.threshold)
        rows = np.full(count, -1, dtype=np.int64)
        rows[picked] = self.pairs.row[first[picked]]
        doubtful = ~picked & ((self.on_list >= REVIEW_FROM) | self.names.crowded)
        status = np.where(picked, "matched", np.where(doubtful, "review", "none")).astype(object)
        how = np.full(count, "", dtype=object)
        how[picked] = [self._how(customer) for customer in np.flatnonzero(picked).tolist()]
        reasons = np.full(count, "", dtype=object)
        reasons[doubtful] = [self._doubt(customer) for customer in np.flatnonzero(doubtful).tolist()]
        candidates = self._candidates()
        customers = {name: self.left.text(name, np.arange(count)) for name in self.left.shown}
        found = Matches(
            customers, rows, status, how, best, reasons, candidates, len(self.right), self.threshold,
            self.weights.to_dict(), self._notes(),
        )  # fmt: skip
        if not decided:
            return found
        from icp_ml.accounts.matching.decisions import apply_decisions

        return apply_decisions(found, decided, self.right)

    def _candidates(self) -> tuple[tuple[Candidate, ...], ...]:
        ids, names, domains, cities, countries = (self.right.text(name, self.pairs.row) for name in SHOWN_COLUMNS)
        cells = zip(
            self.pairs.row.tolist(), ids, names, domains, cities, countries, self.probability.tolist(), self._reasons(),
            strict=True,
        )  # fmt: skip
        every = [Candidate(*cell) for cell in cells]
        return tuple(tuple(every[begin:end]) for begin, end in zip(self.starts[:-1], self.starts[1:], strict=True))

    def _reasons(self) -> list[str]:
        pairs = self.pairs
        return [
            _in_words(int(level), int(pattern), int(domain))
            for level, pattern, domain in zip(pairs.level, pairs.pattern, pairs.domain, strict=True)
        ]

    def _how(self, customer: int) -> str:
        at = self.starts[customer]
        if self.pairs.domain[at] == DOMAIN_SAME:
            return "domain" if self.on_one_domain[customer] == 1 else "domain and name"
        places = [self.pairs.pattern[at] // 3**i % 3 for i in range(len(PLACES))]
        return "name and place" if AGREE in places else "name"

    def _doubt(self, customer: int) -> str:
        begin, end = self.starts[customer], self.starts[customer + 1]
        if self.names.crowded[customer]:
            bearers = int(self.names.bearers[customer, :SIMILAR].sum())
            return f"{bearers:,} accounts bear this name or nearly so: too many to tell apart"
        best = self.probability[begin]
        if self.pairs.domain[begin] == DOMAIN_SAME:
            several = self.on_one_domain[customer]
            if several > 1:
                return f"{several:,} accounts have this domain, and the name does not tell which one it is"
            return f"same domain, but {NAME_WORDS[self.pairs.level[begin]]}"
        alike = int((self.probability[begin:end] >= 0.5 * best).sum())
        if alike > 1:
            which = "3 or more" if alike == SHOWN and self.total[customer] > SHOWN else str(alike)
            return f"{which} accounts are about equally likely"
        return f"the likeliest account is {100 * best:.0f} % likely, less than {100 * self.threshold:.0f} %"

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self.weights.learnt_from < ENOUGH_PAIRS:
            notes.append(
                f"only {self.weights.learnt_from} customers were found by a domain of their own, too few to learn how "
                "names and places of true pairs agree: general expectations were used beside them"
            )
        return tuple(notes)


def _in_words(level: int, pattern: int, domain: int) -> str:
    words = []
    if domain == DOMAIN_SAME:
        words.append("same domain")
    words.append(NAME_WORDS[level] if level != UNRELATED or domain == DOMAIN_SAME else "")
    for number, field in enumerate(PLACES):
        state = pattern // 3 ** (2 - number) % 3
        if state != UNKNOWN:
            words.append(f"{'same' if state == AGREE else 'other'} {field}")
    if domain == DOMAIN_DIFFERS:
        words.append("other domain")
    return ", ".join(word for word in words if word)
