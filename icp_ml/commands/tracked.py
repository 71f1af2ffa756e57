"""A saved model logged to MLflow, where that is installed and wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.exceptions import IcpError, InputError, MissingDependencyError
from icp_ml.session import Context

if TYPE_CHECKING:
    from icp_ml.tracking.runs import LoggedRun


def logged_to_mlflow(
    context: Context, out: Path, register: str | None, log: Callable[[str | None], LoggedRun]
) -> dict[str, str]:
    """Log, and return what to show; without MLflow say so once, unless a version was asked for.

    Parameters
    ----------
    context : Context
    out : Path
        Where the model was saved.
    register : str or None
        Name to register the model under; default: the settings'.
    log : callable
        Logs, given that name.
    """
    name = register or context.settings.tracking.registered_model
    if not context.settings.tracking.enabled and not name:
        return {}
    try:
        with context.progress("log to MLflow"):
            logged = log(name)
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
