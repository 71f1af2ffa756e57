"""Accounts of a list that are not to be worked: customers, competitors, do-not-contact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.exceptions import InputError
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from icp_ml.accounts import Accounts
    from icp_ml.accounts.formats.addresses import Address


# Least probability at which a name in a place suppresses: higher than where a match only fills in values.
CERTAIN = 0.9
# Accounts of a list of which names and places are held in memory, about 2.5 GB; scoring itself needs none of it.
MOST_LISTED = 5_000_000


@dataclass(frozen=True)
class Suppression:
    """Accounts not to be worked, and why.

    Attributes
    ----------
    domains : mapping
        Registrable domain -> reason.
    ids : mapping
        (account id, folded name) -> reason.
    accounts : mapping
        The same for accounts of the list that were found by name and place.
    doubtful : DataFrame or None
        Accounts of the files that may be on the list but are not certain to be: nothing is suppressed on them. Columns
        as `Matches.review()`, with `file` in the place of `decision`.
    notes : tuple of str
    """

    domains: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[tuple[str, str], str] = field(default_factory=dict)
    accounts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    doubtful: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        sources: Sequence[tuple[Accounts, str]],
        market: Accounts | str | Path | Address | None = None,
        settings: Settings | None = None,
    ) -> Suppression:
        """Collect accounts with the reason each file stands for; the first file that names one gives the reason.

        Parameters
        ----------
        sources : sequence of (Accounts, reason)
        market : Accounts, str or Path, optional
            The list, to look there for names in places; without it only domains and ids count.
        settings : Settings, optional
            Their `columns` map the list's headers; `matching.suppress_by_name` says whether names are looked for.
        """
        if not sources:
            return cls()
        from icp_ml.accounts.matching.index import ListTooLong
        from icp_ml.accounts.matching.keys import company_host

        domains: dict[str, str] = {}
        ids: dict[tuple[str, str], str] = {}
        for accounts, reason in sources:
            _check_known_by(accounts)
            rows = accounts.table.num_rows
            for host in _texts(accounts.table, "domain", rows):
                domain = company_host(host) if host else None
                if domain:
                    domains.setdefault(domain, f"{reason} (same domain {domain})")
            for one, name in zip(
                _texts(accounts.table, "account_id", rows), _texts(accounts.table, "name", rows), strict=True
            ):
                if one and name:
                    ids.setdefault((one, _folded(name)), f"{reason} (same id and name)")
        settings = settings or Settings()
        if market is None or not settings.matching.suppress_by_name:
            return cls(domains, ids)
        try:
            found, doubtful = _by_name(sources, market, settings)
        except ListTooLong:
            note = (
                f"more than {MOST_LISTED:,} accounts: accounts to suppress were looked for by domain and id only, not "
                "by name and place"
            )
            return cls(domains, ids, notes=(note,))
        return cls(domains, ids, found, doubtful)

    def reasons(self, batch: pa.RecordBatch) -> list[str | None]:
        """Return, per scored row, why it is suppressed, or None.

        An id counts only with the same name: vendors' numbers coincide.
        """
        out: list[str | None] = [None] * batch.num_rows
        for wanted in (self.accounts, self.ids):
            if wanted:
                numbers = pa.array(sorted({one for one, _ in wanted}), pa.string())
                maybe = np.flatnonzero(pc.is_in(batch.column("account_id"), value_set=numbers))
                names = batch.column("name").take(pa.array(maybe)).to_pylist()
                given = batch.column("account_id").take(pa.array(maybe)).to_pylist()
                for row, one, name in zip(maybe.tolist(), given, names, strict=True):
                    out[row] = wanted.get((one, _folded(name or ""))) or out[row]
        if self.domains:
            for row, domain in self._on_domain(batch.column("domain")):
                out[row] = self.domains[domain]
        return out

    def _on_domain(self, hosts: pa.Array) -> Iterator[tuple[int, str]]:
        """Yield the rows on one of the domains; a host of two labels is its own registrable domain."""
        from icp_ml.accounts.matching.keys import company_host

        longer = np.flatnonzero(pc.match_substring_regex(hosts, r"\..*\.").fill_null(False))
        for row, host in zip(longer.tolist(), hosts.take(pa.array(longer)).to_pylist(), strict=True):
            domain = company_host(host)
            if domain is not None and domain in self.domains:
                yield row, domain
        same = pc.index_in(hosts, value_set=pa.array(sorted(self.domains), pa.string()))
        for row in np.flatnonzero(same.is_valid()).tolist():
            yield row, hosts[row].as_py()

    def apply(self, scored: pa.RecordBatch) -> dict[str, pa.Array]:
        """Return the columns of a scored batch; a suppressed account keeps neither score nor reasons."""
        columns = dict(zip(scored.schema.names, scored.columns, strict=True))
        if not (self.domains or self.ids or self.accounts):
            return columns
        why = self.reasons(scored)
        if not any(why):
            return columns
        hit = np.array([w is not None for w in why])
        for name, text in (("status", "suppressed"), ("status_reason", pa.array(why, pa.string())), ("tier", "none")):
            columns[name] = pc.if_else(pa.array(hit), text, columns[name].cast(pa.string())).dictionary_encode()
        for name in columns:
            if name.startswith(("fit_", "log_odds", "reason_", "lookalike_", "tier_range", "worth_knowing")):
                columns[name] = columns[name].take(pa.array(np.arange(len(why)), mask=hit))
        return columns


def _by_name(
    sources: Sequence[tuple[Accounts, str]], market: Accounts | str | Path | Address, settings: Settings
) -> tuple[dict[tuple[str, str], str], pd.DataFrame | None]:
    """Return the accounts of the list that are certain to be meant, with the reason, and those in doubt."""
    import pandas as pd

    from icp_ml.accounts.matching.index import Side
    from icp_ml.accounts.matching.match import match_sides, side_of

    listed = side_of(market, settings, MOST_LISTED)
    found: dict[tuple[str, str], str] = {}
    doubtful: list[pd.DataFrame] = []
    for accounts, reason in sources:
        matches = match_sides(Side.of_accounts(accounts), listed, CERTAIN)
        for at in np.flatnonzero(matches.is_matched).tolist():
            one, name = matches.candidates[at][0], matches.customers["name"][at]
            if one.account_id and name and not matches.how[at].startswith("domain"):
                key = (one.account_id, _folded(one.name or ""))
                found.setdefault(key, f"{reason} ({one.reason}: {name})")
        review = matches.review().rename(columns={"decision": "file"})
        review["file"] = pd.array([reason] * len(review), dtype="str")
        # Whatever is on the same domain is suppressed anyhow.
        doubtful.append(review[~review["candidate_1_reason"].fillna("").str.startswith("same domain")])
    whole = pd.concat(doubtful, ignore_index=True)
    return found, whole if len(whole) else None


def _check_known_by(accounts: Accounts) -> None:
    """Refuse a file by which no account could be found: suppressing nothing must not look like success."""
    known = [n for n in ("domain", "name") if n in accounts.fields and accounts.table[n].null_count < len(accounts)]
    if not known:
        headers = ", ".join(repr(c.header[:40]) for c in accounts.report.columns[:8])
        msg = (
            f"{accounts.report.source}: no account can be left out by it: no column was read as a domain or a name "
            f"(its columns: {headers}); name the column under  columns: {{HEADER: domain}}  in the settings"
        )
        raise InputError(msg)


def _texts(table: pa.Table, column: str, rows: int) -> list[str | None]:
    return table.column(column).to_pylist() if column in table.column_names else [None] * rows


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
