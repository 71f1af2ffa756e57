"""Before training: propose settings, report on the data."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from icp_ml.commands.sources import about, check_folder, read_all, write_text
from icp_ml.exceptions import InputError, TrainingRefused
from icp_ml.session import Context, Outcome
from icp_ml.settings import Settings

if TYPE_CHECKING:
    from icp_ml.commands.sources import Source


def init(context: Context, customers: Source, market: Source | None, out: Path) -> Outcome:
    """Write proposed settings."""
    from icp_ml.accounts.mapping import propose_settings
    from icp_ml.accounts.proposals import propose_fields

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


def check(context: Context, customers: Source, market: Source | None, html: Path | None = None) -> Outcome:
    """Label the customers and judge every column, without training."""
    from icp_ml.report.check_context import check_context
    from icp_ml.report.check_html import write_check
    from icp_ml.report.check_terminal import check_view, written_line

    if html is not None:
        check_folder(html)
    data = {**_checked(context, customers, market), "next": ""}
    if not data["refused"]:
        data["next"] = _next(context, customers, market)
    view: RenderableType = check_view(check_context(data))
    if html is not None:
        data["written"] = {"HTML report": str(write_check(data, html))}
        view = Group(view, written_line(str(html)))
    return Outcome(data, view, 1 if data["refused"] else 0)


def _checked(context: Context, customers: Source, market: Source | None) -> dict[str, Any]:
    """Return what was read, how customers are judged, what each column is good for, and what stops training."""
    from icp_ml.accounts.quality import check_usable, judge_columns
    from icp_ml.outcomes import OutcomeDefinition, check_enough
    from icp_ml.outcomes.distribution import composite_distribution

    with context.progress("read") as bar:
        accounts, listed = read_all(context, customers, market, bar)
        accounts.check_unique_ids()
        bar("judge", 0.7)
        as_of = context.settings.as_of or accounts.as_of
        data: dict[str, Any] = {
            "source": accounts.report.to_dict(),
            "list": listed.report.to_dict() if listed else None,
        }
        try:
            with about(customers):
                labels = OutcomeDefinition.from_settings(context.settings.outcomes).label(accounts.frame, as_of)
        except TrainingRefused as error:
            return {**data, "refused": [str(error)]}
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
    return {**data, "columns": columns.to_dict(), "refused": refusals}


def _next(context: Context, customers: Source, market: Source | None) -> str:
    """Return the command that comes next, as it is typed."""
    words = ["icp-ml", "train", str(customers)]
    words += ["--list", str(market)] if market else []
    words += ["--settings", str(context.settings_file)] if context.settings_file else []
    words += ["--as-of", context.as_of.isoformat()] if context.as_of else []
    return shlex.join([*words, "--out", "model"])


def _refusal(test: Callable[[Any], None], subject: object) -> list[str]:
    try:
        test(subject)
    except TrainingRefused as error:
        return [str(error)]
    return []
