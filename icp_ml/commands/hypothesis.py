"""A written ICP as a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.exceptions import IcpError, InputError, MissingDependencyError
from icp_ml.session import Context, Outcome

if TYPE_CHECKING:
    from icp_ml.model import ICPModel

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
