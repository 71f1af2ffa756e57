"""Log a hypothesis to MLflow: its documents and its model, registered if asked, as a training run is."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.model_directory import read_manifest
from icp_ml.profile import escape_markdown
from icp_ml.tracking.measures import library_versions
from icp_ml.tracking.runs import (
    LoggedRun,
    experiment_id_of,
    log_documents,
    log_model,
    log_numbers,
    register,
    started_run,
)
from icp_ml.tracking.stores import connect, quiet_mlflow, resolve_uri, store_errors, without_password

if TYPE_CHECKING:
    from icp_ml.model import ICPModel
    from icp_ml.settings import Settings

_logger = logging.getLogger(__name__)


def log_hypothesis(
    icp: ICPModel,
    model_dir: Path,
    *,
    settings: Settings,
    registered_model: str | None = None,
    out_dir: Path | None = None,
) -> LoggedRun:
    """Log a model made of a hypothesis; whole, or marked as failed.

    Parameters
    ----------
    icp : ICPModel
    model_dir : Path
        Where it was saved.
    settings : Settings
        Its `tracking` says where to.
    registered_model : str, optional
        Name to register the model under; makes a version.
    out_dir : Path, optional
        Where a default store is made; default: the current folder.

    Raises
    ------
    InputError
        The store cannot be reached or used.
    MissingDependencyError
        mlflow is not installed.
    """
    read_manifest(model_dir)
    uri = resolve_uri(settings, out_dir)
    tags = {
        "mlflow.source.name": "icp-ml",
        "icp_ml.model_version": icp.version,
        "icp_ml.settings_hash": icp.settings.hash,
        "icp_ml.kind": icp.profile.kind,
    }
    parameters = {
        "hypothesis.sha256": hashlib.sha256(icp.files["data_report.json"]).hexdigest(),
        "statements": str(len(icp.profile.traits)),
        "as_of": str(icp.tables.as_of),
        "settings_hash": icp.settings.hash,
        **{f"version.{name}": found for name, found in library_versions().items()},
    }
    note = "\n".join([icp.profile.message, "", *(f"- {escape_markdown(line)}" for line in icp.profile.summary(12))])
    _logger.info("logging the hypothesis to MLflow at %s", without_password(uri))
    with quiet_mlflow():
        client = connect(uri, create=True)
        with store_errors(uri):
            experiment = experiment_id_of(client, uri, settings.tracking.experiment)
            with started_run(client, experiment, f"icp hypothesis {icp.version}") as run_id:
                log_numbers(client, run_id, parameters, {**tags, "mlflow.note.content": note})
                log_documents(client, run_id, icp, None)
                model = log_model(client, run_id, experiment, icp, model_dir, parameters, tags)
                made = register(client, registered_model, model, icp) if registered_model else None
    return LoggedRun(run_id, settings.tracking.experiment, uri, f"models:/{model.model_id}", made)
