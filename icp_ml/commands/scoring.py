"""Score a list file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.accounts.formats.addresses import address_of
from icp_ml.commands.own_process import spare_linear_algebra, spare_pandas
from icp_ml.commands.sources import load_model
from icp_ml.session import Context, Outcome

if TYPE_CHECKING:
    from icp_ml.accounts import Accounts
    from icp_ml.commands.sources import Source
    from icp_ml.engines.files import ScoreSummary
    from icp_ml.model import ICPModel
    from icp_ml.settings import Settings


@dataclass(frozen=True)
class ScoreOptions:
    """Options of `icp-ml score`."""

    resume: bool = False
    suppress: Source | None = None
    exclude: tuple[Source, ...] = ()
    capacity: int | None = None
    reasons: int | None = None
    lookalikes: int | None = None
    keep: tuple[str, ...] = ()
    mapping: Path | None = None


def score(context: Context, model: str, source: Source, out: Path, options: ScoreOptions) -> Outcome:
    """Score a list file."""
    local = ":/" not in model and address_of(source).kind in ("file", "folder", "glob")
    if local and not options.suppress and not options.exclude:  # the others bring pandas, or show tables of it
        spare_pandas()
        spare_linear_algebra()
    from icp_ml.report import terminal
    from icp_ml.report.value_view import steps_worth, value_view
    from icp_ml.tiers import per_100_won

    summary, loaded = score_list(context, model, source, out, options)
    steps = steps_worth(summary.tiers, summary.obtainable, loaded.evaluation)
    view = terminal.spaced(
        terminal.tiers_table(summary, loaded.evaluation["tiers"], value_view(loaded.evaluation)),
        terminal.score_lines(summary, steps),
        terminal.noted(summary.notes),
        terminal.files_table({"Scored": str(out)}),
    )
    worth = [{**row, "best_per_100_won": per_100_won(row)} for row in loaded.evaluation["tiers"]]
    data = {"model_version": loaded.version, "tiers_worth": worth, "steps_worth": steps}
    return Outcome({**summary.to_dict(), **data}, view)


def score_list(
    context: Context, model: str, source: Source, out: Path, options: ScoreOptions
) -> tuple[ScoreSummary, ICPModel]:
    """Score a list file with a loaded model."""
    from icp_ml.engines.files import ScoreRequest, check_out, score_file

    check_out(out, source)
    loaded = load_model(context, model)
    settings = context.settings if context.settings_given else loaded.settings
    customers = _accounts(options.suppress, settings) if options.suppress else None
    exclude = [(_accounts(path, settings), f"on {path.name}") for path in options.exclude]
    keep = [name for given in options.keep for name in given.split(",") if name]
    request = ScoreRequest(
        source,
        out,
        options.reasons,
        options.lookalikes,
        customers,
        exclude,
        "all" if keep == ["all"] else keep,
        _mapping(options.mapping),
        context.as_of,
        options.capacity or settings.tiers.capacity,
        settings.tiers,
        context.jobs,
        options.resume,
    )
    with context.progress("score") as bar:
        return score_file(loaded, request, bar.rows), loaded


def _accounts(source: Source, settings: Settings) -> Accounts:
    from icp_ml.accounts import read_accounts

    return read_accounts(source, settings)


def _mapping(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    from icp_ml.accounts.mapping import read_mapping

    return read_mapping(path)
