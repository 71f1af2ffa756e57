"""Look the customers up on the list, and write down those that a person has to decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml.commands.sources import LIST_ROWS, check_csv, write_text
from icp_ml.exceptions import InputError
from icp_ml.session import Bar, Context

if TYPE_CHECKING:
    from icp_ml.accounts import Accounts
    from icp_ml.accounts.matching import FoundCustomers, Matches
    from icp_ml.commands.sources import Source


@dataclass(frozen=True)
class ListOptions:
    """What to do with customers that may be on the list.

    Attributes
    ----------
    review : Path or None
        File to write with those a person has to decide.
    matches : Path, Address or None
        What a person decided.
    """

    review: Path | None = None
    matches: Source | None = None

    def check(self, market: Source | None) -> None:
        """Refuse, before anything is read, what could not be done or would overwrite a person's decisions.

        Raises
        ------
        InputError
            Names the option, and what to do instead.
        """
        for name, given in (("--review", self.review), ("--matches", self.matches)):
            if given is not None and market is None:
                msg = f"{name} {given}: there is no list to look for customers on; add --list LIST"
                raise InputError(msg)
        if self.review is None:
            return
        check_csv("--review", self.review)
        if self.review.exists():
            _check_overwritable(self.review)


def find(
    context: Context,
    customers: Accounts,
    market: Source | None,
    listed: Accounts | None,
    options: ListOptions,
    bar: Bar,
) -> tuple[FoundCustomers | None, Accounts | None]:
    """Look the customers up on the whole list; return them, and the sample of the list with a note if that failed.

    Only what a person decided can end a command: all else that goes wrong is a note on the list.
    """
    from icp_ml.accounts.matching import find_customers
    from icp_ml.accounts.matching.decisions import DecisionError

    if market is None or listed is None:
        return None, listed
    whole = 2 * len(listed) <= LIST_ROWS  # a sample of a longer list has more rows than that
    try:
        found = find_customers(
            customers,
            listed if whole else market,
            context.settings,
            sample=None if whole else listed,
            decisions=options.matches,
            progress=bar.within(0.0),
        )
    except DecisionError:
        raise
    except (InputError, MemoryError) as error:
        why = str(error).removeprefix(f"{market}: ") or "the list is too large for this machine's memory"
        note = why if why.startswith("customers were not") else f"customers were not looked for on it: {why}"
        return None, replace(listed, report=replace(listed.report, notes=(*listed.report.notes, note)))
    return found, listed


def write_decidable(found: FoundCustomers | None, options: ListOptions) -> dict[str, str]:
    """Write the customers that a person has to decide, where that was asked for; return what is said of it."""
    if options.review is None or found is None:
        return {}
    from icp_ml.engines.writing import write_review

    table = found.matches.review()
    if table.empty:
        write_text(options.review, ",".join(table.columns) + "\n")
        return {"To review": f"{options.review} (nobody is in doubt)"}
    write_review(options.review, table)
    words = "1 customer" if len(table) == 1 else f"{len(table):,} customers"
    return {"To review": f"{options.review} ({words}: fill in its column decision, then --matches {options.review})"}


def looked_up(matches: Matches | None, plan: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a program is told of it; null where customers could not be looked for."""
    return {"matching": matches.to_dict() if matches is not None else None, "enrichment": plan}


def _check_overwritable(path: Path) -> None:
    from icp_ml.accounts.matching.decisions import read_decisions

    try:
        decided = read_decisions(path)
    except InputError as error:
        msg = f"--review {path}: exists and is no review table; name another file, or remove it"
        raise InputError(msg) from error
    if decided:
        msg = (
            f"--review {path}: exists and holds {len(decided):,} decision{'s' if len(decided) > 1 else ''}; give it as "
            f"--matches {path}, and name another file for --review"
        )
        raise InputError(msg)
