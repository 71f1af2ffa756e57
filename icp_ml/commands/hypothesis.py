"""A written ICP as a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.commands.tracked import logged_to_mlflow
from icp_ml.session import Context, Outcome

if TYPE_CHECKING:
    from icp_ml.model import ICPModel
    from icp_ml.strategy.hypothesis import Hypothesis
    from icp_ml.tracking.runs import LoggedRun

LINES = 12


def hypothesis(context: Context, file: Path, out: Path, register: str | None) -> Outcome:
    """Read a hypothesis, save its model, log it."""
    from icp_ml.model import ICPModel
    from icp_ml.model_directory import check_target
    from icp_ml.report import terminal

    check_target(out)
    model = ICPModel.from_hypothesis(file, context.settings)
    model.save(out)
    tracked = _track(context, model, out, register)
    view = terminal.spaced(
        terminal.profile_panel(model.profile, LINES),
        terminal.noted([str(model.evaluation["verdict"])]),
        terminal.files_table({"Model": f"{out} ({model.version})", **tracked,
                              "Next": f"icp-ml score {out} LIST --out scored.csv"}),
    )  # fmt: skip
    data = {
        "model": str(out),
        "model_version": model.version,
        "profile": model.profile.to_dict(),
        "tiers": model.cutoffs.to_dict(),
        "tracking": tracked,
    }
    return Outcome(data, view)


def _track(context: Context, model: ICPModel, out: Path, register: str | None) -> dict[str, str]:
    """Log to MLflow; see `logged_to_mlflow`."""

    def log(name: str | None) -> LoggedRun:
        from icp_ml.tracking.hypotheses import log_hypothesis

        return log_hypothesis(model, out, settings=context.settings, registered_model=name)

    return logged_to_mlflow(context, out, register, log)


def with_market(context: Context, rule: str | None) -> Context:
    """Put the market that the command line names over the settings'."""
    if rule is None:
        return context
    profile = {**context.settings.profile.model_dump(mode="json"), "new_market": rule}
    return replace(context, settings=context.settings.override(profile=profile))


def believed_before(context: Context) -> Hypothesis | None:
    """Read the hypothesis that the settings name: as given, or beside the settings file."""
    from icp_ml.strategy.hypothesis import read_hypothesis

    named = context.settings.model.hypothesis
    if named is None:
        return None
    path = Path(named.file)
    beside = context.settings_file.parent / path if context.settings_file else path
    return read_hypothesis(path if path.is_file() or not beside.is_file() else beside)
