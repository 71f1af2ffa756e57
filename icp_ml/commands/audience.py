"""Export scored accounts to an advertising platform or a CRM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.exceptions import SettingsError
from icp_ml.session import Context, Outcome

if TYPE_CHECKING:
    from icp_ml.commands.sources import Source


@dataclass(frozen=True)
class AudienceOptions:
    """Options of `icp-ml export-audience`."""

    tiers: str = "A,B"
    limit: int | None = None
    contacts: Source | None = None
    mapping: Path | None = None
    no_hash: bool = False


def export_audience(context: Context, scored: Path, form: str, out: Path, options: AudienceOptions) -> Outcome:
    """Write scored accounts as a platform takes them."""
    from icp_ml.audiences import AudienceRequest
    from icp_ml.audiences import export_audience as export
    from icp_ml.report import terminal
    from icp_ml.report.audience_view import audience_lines

    request = AudienceRequest(
        scored=scored,
        format=form,
        out=out,
        tiers=tuple(dict.fromkeys(tier.strip().upper() for tier in options.tiers.split(",") if tier.strip())),
        limit=options.limit,
        contacts=options.contacts,
        hashed=not options.no_hash,
        mapping={**context.settings.columns, **_mapping(context, options.mapping)},
    )
    with context.progress("export"):
        summary = export(request)
    written = {"Written": str(out), **({"Kept back": str(summary.rejects)} if summary.rejects else {})}
    view = terminal.spaced(audience_lines(summary), terminal.noted(summary.notes), terminal.files_table(written))
    return Outcome(summary.to_dict(), view)


def _mapping(context: Context, path: Path | None) -> dict[str, str]:
    """Read the mapping of carried columns and of the contact file."""
    from icp_ml.accounts.mapping import read_mapping
    from icp_ml.audiences.contacts import SPELLINGS

    mapping = read_mapping(path) if path else {}
    for header, target in mapping.items():
        if target not in SPELLINGS and not context.settings.target_of(target):
            msg = f"{path}: {header[:60]!r}: {target[:60]!r} is no field, nor one of {', '.join(SPELLINGS)}; name one"
            raise SettingsError(msg)
    return mapping
