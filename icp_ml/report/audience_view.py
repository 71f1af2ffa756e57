"""What became of a scored file's accounts in an export, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from icp_ml.report.formats import clean, plural

if TYPE_CHECKING:
    from icp_ml.audiences import AudienceSummary


def audience_lines(summary: AudienceSummary) -> RenderableType:
    """Return what goes out, what does not, and why."""
    went = f"{summary.accounts:,} of {plural(summary.rows, 'account')} go out (tiers {', '.join(summary.tiers)})"
    if summary.contact_rows is not None:
        went += f" with {plural(summary.written, 'person', 'people')}"
    others = (
        (summary.other_tiers, "in other tiers"),
        (summary.suppressed, "suppressed"),
        (summary.ineligible, "ineligible"),
        (summary.beyond_limit, "beyond the limit"),
        (summary.rejected, "kept back"),
    )
    lines = [Text(went), Text(", ".join(f"{count:,} {name}" for count, name in others if count) or "all of them")]
    if summary.contact_rows is not None:
        lines.append(
            Text(
                f"{plural(summary.contact_rows, 'contact')}: {summary.written:,} go out, "
                f"{summary.contacts_elsewhere:,} of other accounts, {summary.contacts_rejected:,} kept back"
            )
        )
    lines += [Text(f"  {count:,}  {clean(reason)}", style="yellow") for reason, count in summary.reasons.items()]
    return Group(*lines)
