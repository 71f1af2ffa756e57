"""A written ICP as a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.exceptions import IcpError, InputError, MissingDependencyError
from icp_ml.session import Context, Outcome

if TYPE_CHECKING:
    from icp_ml.model import ICPModel
    from icp_ml.strategy.hypothesis import Hypothesis

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
    """Log to MLflow; without it installed say so once, unless a version was asked for."""
    name = register or context.settings.tracking.registered_model
    if not context.settings.tracking.enabled and not name:
        return {}
    try:
        from icp_ml.tracking.hypotheses import log_hypothesis

        with context.progress("log to MLflow"):
            logged = log_hypothesis(model, out, settings=context.settings, registered_model=name)
    except MissingDependencyError:
        if name:
            raise
        return {"MLflow": "not logged (pip install 'icp-ml[mlflow]' to track runs)"}
    except IcpError as error:
        msg = f"the model is saved in {out}, but it was not logged: {error}"
        raise InputError(msg) from error
    shown = {"MLflow run": f"{logged.run_id} in {logged.to_dict()['tracking_uri']}"}
    if logged.registered_version:
        shown["MLflow model"] = f"models:/{name}/{logged.registered_version}"
    return shown


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
