"""Before training: propose settings, report on the data."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from icp_ml.commands.matching import ListOptions, find, looked_up, write_decidable
from icp_ml.commands.sources import about, check_folder, read_all, write_text
from icp_ml.exceptions import InputError, TrainingRefused
from icp_ml.session import Context, Outcome
from icp_ml.settings import Settings

if TYPE_CHECKING:
    from icp_ml.accounts.matching import FoundCustomers
    from icp_ml.commands.sources import Source

NO_OPTIONS = ListOptions()


def init(context: Context, customers: Source, market: Source | None, out: Path) -> Outcome:
    """Write proposed settings."""
    from icp_ml.accounts.headers.proposals import propose_fields
    from icp_ml.accounts.mapping import propose_settings

    if out.exists():
        msg = f"{out}: exists already; choose another --out, or remove it"
        raise InputError(msg)
    with context.progress("read") as bar:
        accounts, listed = read_all(context, customers, market, bar)
    text = propose_settings(accounts, listed)
    Settings.parse(text, str(out))
    write_text(out, text)
    files = {"customers": accounts, **({"list": listed} if listed else {})}
    found = {name: [proposal.to_dict() for proposal in propose_fields(read)] for name, read in files.items()}
    guessed = sum(map(len, found.values()))
    words = ["icp-ml", "check", str(customers), *(["--list", str(market)] if market else []), "--settings", str(out)]
    view = Text(f"Wrote {out}. Read it, correct it, then  {shlex.join(words)}")
    if guessed:
        view.append(
            f"\n{guessed} column{'s' if guessed > 1 else ''} to look at: guesses and questions, not used so far."
        )
    return Outcome({"settings": str(out), "proposals": found}, view)


def check(
    context: Context,
    customers: Source,
    market: Source | None,
    html: Path | None = None,
    options: ListOptions = NO_OPTIONS,
) -> Outcome:
    """Label the customers, look them up on the list and judge every column, without training."""
    from icp_ml.report.check_context import check_context
    from icp_ml.report.check_html import write_check
    from icp_ml.report.check_terminal import check_view, written_line
    from icp_ml.report.terminal import files_table

    if html is not None:
        check_folder(html)
    options.check(market)
    checked, found = _checked(context, customers, market, options)
    data = {**checked, "next": ""}
    if not data["refused"]:
        data["next"] = _next(context, customers, market, options)
    written = write_decidable(found, options)
    if written:
        data["written"] = {"review table": str(options.review)}
    view: RenderableType = check_view(check_context(data))
    if written:
        view = Group(view, Text(), files_table(written))
    if html is not None:
        data["written"] = {"HTML report": str(write_check(data, html)), **data.get("written", {})}
        view = Group(view, written_line(str(html)))
    return Outcome(data, view, 1 if data["refused"] else 0)


def _checked(
    context: Context, customers: Source, market: Source | None, options: ListOptions
) -> tuple[dict[str, Any], FoundCustomers | None]:
    """Return what was read, how customers are judged, what each column is good for, and what stops training."""
    from icp_ml.accounts.quality import check_usable, judge_columns
    from icp_ml.outcomes import OutcomeDefinition, check_enough
    from icp_ml.outcomes.distribution import composite_distribution

    with context.progress("read") as bar:
        accounts, listed = read_all(context, customers, market, bar)
        accounts.check_unique_ids()
        found, listed = find(context, accounts, market, listed, options, bar)
        bar("judge", 0.7)
        as_of = context.settings.as_of or accounts.as_of
        data: dict[str, Any] = {
            "source": accounts.report.to_dict(),
            "list": listed.report.to_dict() if listed else None,
            **looked_up(found.matches if found else None, None),
        }
        try:
            with about(customers):
                labels = OutcomeDefinition.from_settings(context.settings.outcomes).label(accounts.frame, as_of)
        except TrainingRefused as error:
            return {**data, "refused": [str(error)]}, found
        plan = found.plan(labels.status.to_numpy(dtype=object), context.settings) if found else None
        if plan is not None:
            accounts = plan.accounts
            data |= {"source": accounts.report.to_dict(), "enrichment": plan.to_dict()}
        columns = judge_columns(
            accounts.table,
            accounts.fields,
            labels.status,
            market=listed.table if listed else None,
            settings=context.settings,
            as_of=as_of,
        )
    refusals = [f"{customers}: {why}" for why in (*_refusal(check_enough, labels), *_refusal(check_usable, columns))]
    data |= {"labels": labels.to_dict(), "audit": labels.audit().to_dict()}
    data["distribution"] = composite_distribution(labels)
    return {**data, "columns": columns.to_dict(), "refused": refusals}, found


def _next(context: Context, customers: Source, market: Source | None, options: ListOptions) -> str:
    """Return the command that comes next, as it is typed."""
    words = ["icp-ml", "train", str(customers)]
    words += ["--list", str(market)] if market else []
    words += ["--matches", str(options.matches)] if options.matches else []
    words += ["--settings", str(context.settings_file)] if context.settings_file else []
    words += ["--as-of", context.as_of.isoformat()] if context.as_of else []
    return shlex.join([*words, "--out", "model"])


def _refusal(test: Callable[[Any], None], subject: object) -> list[str]:
    try:
        test(subject)
    except TrainingRefused as error:
        return [str(error)]
    return []
