"""Which rows of a table are one company: subsidiaries on one domain, and duplicates under one name in one place."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.accounts.matching.index import PLACES, Coded, Side
from icp_ml.accounts.table import Accounts

# A domain or a name in one city that more accounts share than this says nothing about which company it is.
MOST_NAMES_ON_DOMAIN = 50
MOST_OF_ONE_NAME = 20
_MIN_LETTERS = 3


def group_accounts(accounts: Accounts | pa.Table) -> npt.NDArray[np.int64]:
    """Give each row the number of its company, so that accounts of one company can share a fold.

    One company are accounts on one registrable domain (unless it is a shared host), and accounts of one name in one
    city whose states and countries do not contradict each other; and what is linked through these.

    Parameters
    ----------
    accounts : Accounts or pa.Table
        Normalised; `account_id` and, as far as there, `domain`, `name`, `city`, `state`, `country`.

    Returns
    -------
    array of int64
        A group number per row, from 0. Which rows share a number, and the order of the numbers, do not depend on the
        order of the rows.
    """
    table = accounts.table if isinstance(accounts, Accounts) else accounts
    side = Side.of_table_of_accounts(table)
    ids, hosts = (side.text(name, np.arange(len(side))) for name in ("account_id", "domain"))
    by_domain = list(_on_one_domain(side))
    group = _linked(len(side), [*by_domain, *_of_one_name(side)])
    keys = [f"id {id_}" for id_ in ids]
    for rows in by_domain:
        for row in rows:
            keys[row] = f"domain {hosts[row]}"
    least: dict[int, str] = {}
    for number, key in zip(group.tolist(), keys, strict=True):
        least[number] = min(key, least.get(number, key))
    # Two groups have one key only where account ids repeat: one id is one account.
    order = {key: place for place, key in enumerate(sorted(set(least.values())))}
    return np.array([order[least[number]] for number in group.tolist()], dtype=np.int64)


def _on_one_domain(side: Side) -> Iterable[list[int]]:
    """Yield the rows of each domain that says which company it is, single ones too."""
    for rows in _buckets(side.domain):
        names = {int(side.name.codes[row]) for row in rows if side.name.codes[row] >= 0}
        if len(names) <= MOST_NAMES_ON_DOMAIN:
            yield rows


def _of_one_name(side: Side) -> Iterable[list[int]]:
    """Yield rows of one name in one city; a row without state or country joins only where all others agree."""
    names = side.name.values.to_pylist()
    buckets: dict[Hashable, list[int]] = {}
    city = side.places["city"].codes
    for row in np.flatnonzero((side.name.codes >= 0) & (city >= 0)).tolist():
        compact = names[side.name.codes[row]].replace(" ", "")
        if len(compact) >= _MIN_LETTERS or not compact.isascii():
            buckets.setdefault((compact, int(city[row])), []).append(row)
    wider = [side.places[name].codes for name in PLACES[1:]]
    for rows in buckets.values():
        if 1 < len(rows) <= MOST_OF_ONE_NAME:
            yield from _agreeing(rows, wider)


def _agreeing(rows: list[int], columns: list[npt.NDArray[np.int32]]) -> Iterable[list[int]]:
    for column in columns:
        known = {int(column[row]) for row in rows if column[row] >= 0}
        if len(known) > 1:
            for code in sorted(known):
                yield from _agreeing([row for row in rows if column[row] == code], columns)
            return
    if len(rows) > 1:
        yield rows


def _buckets(column: Coded) -> Iterable[list[int]]:
    order, bounds = column.rows
    for begin, end in pairwise(bounds):
        if end > begin:
            yield order[begin:end].tolist()


def _linked(count: int, links: list[list[int]]) -> npt.NDArray[np.int64]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one = np.array([rows[0] for rows in links for _ in rows[1:]], dtype=np.int64)
    other = np.array([row for rows in links for row in rows[1:]], dtype=np.int64)
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
