"""Before training: propose settings, report on the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.text import Text

from icp_ml.commands.sources import about, read_all, write_text
from icp_ml.exceptions import InputError, TrainingRefused
from icp_ml.session import Context, Outcome
from icp_ml.settings import Settings


def init(context: Context, customers: Path, market: Path | None, out: Path) -> Outcome:
    """Write proposed settings."""
    from icp_ml.accounts.mapping import propose_settings

    if out.exists():
        msg = f"{out}: exists already; choose another --out, or remove it"
        raise InputError(msg)
    with context.progress("read") as bar:
        accounts, listed = read_all(context, customers, market, bar)
    text = propose_settings(accounts, listed)
    Settings.parse(text, str(out))
    write_text(out, text)
    beside = f" --list {market}" if market else ""
    return Outcome(
        {"settings": str(out)},
        Text(f"Wrote {out}: read it, correct it, then  icp-ml check {customers}{beside} --settings {out}"),
    )


def check(context: Context, customers: Path, market: Path | None) -> Outcome:
    """Label the customers and judge every column, without training."""
    from icp_ml.accounts.quality import check_usable, judge_columns
    from icp_ml.outcomes import OutcomeDefinition, check_enough
    from icp_ml.report import terminal

    with context.progress("read") as bar:
        accounts, listed = read_all(context, customers, market, bar)
        accounts.check_unique_ids()
        bar("judge", 0.7)
        as_of = context.settings.as_of or accounts.as_of
        data: dict[str, Any] = {
            "source": accounts.report.to_dict(),
            "list": listed.report.to_dict() if listed else None,
        }
        read = terminal.reading_notes([a.report for a in (accounts, listed) if a])
        try:
            with about(customers):
                labels = OutcomeDefinition.from_settings(context.settings.outcomes).label(accounts.frame, as_of)
        except TrainingRefused as error:
            return Outcome({**data, "refused": [str(error)]}, terminal.spaced(read, terminal.refusal([str(error)])), 1)
        columns = judge_columns(
            accounts.table,
            accounts.fields,
            labels.status,
            market=listed.table if listed else None,
            settings=context.settings,
            as_of=as_of,
        )
    refusals = [f"{customers}: {why}" for why in (*_refusal(check_enough, labels), *_refusal(check_usable, columns))]
    fields = len(columns.accepted)
    ready = Text(f"Ready to train on {fields} field{'s' if fields != 1 else ''}.", style="green")
    view = terminal.spaced(
        terminal.columns_table(columns),
        terminal.labels_line(labels),
        Text(labels.definition_text),
        terminal.noted([*labels.notes, *columns.notes]),
        read,
        terminal.refusal(refusals) if refusals else ready,
    )
    data |= {"labels": labels.to_dict(), "columns": columns.to_dict(), "refused": refusals}
    return Outcome(data, view, 1 if refusals else 0)


def _refusal(test: Callable[[Any], None], subject: object) -> list[str]:
    try:
        test(subject)
    except TrainingRefused as error:
        return [str(error)]
    return []
