"""Log a training run to MLflow: parameters, metrics, data, documents, and the model, registered if asked."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.exceptions import InputError
from icp_ml.model_directory import read_manifest
from icp_ml.tracking.fingerprints import Fingerprint, fingerprint
from icp_ml.tracking.measures import requirements, run_description, run_metrics, run_parameters, run_tags
from icp_ml.tracking.signature import model_signature
from icp_ml.tracking.stores import artifact_location, connect, quiet_mlflow, resolve_uri, store_errors, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

    from icp_ml.accounts.formats.addresses import Address
    from icp_ml.model import ICPModel
    from icp_ml.settings import Settings
    from icp_ml.workflow import TrainingRun

MODEL_NAME = "model"
SCRIPT = Path(__file__).with_name("pyfunc_model.py")
BATCH = 90  # parameters, tags and metrics a server takes at once
DOCUMENTS = ("profile.json", "evaluation.json", "data_report.json")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoggedRun:
    """Where a training run was logged.

    Attributes
    ----------
    run_id, experiment : str
    tracking_uri : str
        As MLflow takes it.
    model_uri : str
        `models:/m-...`, for `mlflow.pyfunc.load_model`, `ICPModel.load` (through `resolve_model`) and `icp-ml score`.
    registered_version : str or None
    """

    run_id: str
    experiment: str
    tracking_uri: str
    model_uri: str
    registered_version: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """Return plain JSON types; a password in the address is left out."""
        return {**asdict(self), "tracking_uri": without_password(self.tracking_uri)}


def log_training(
    run: TrainingRun,
    model_dir: Path,
    *,
    settings: Settings,
    sources: Mapping[str, str | Path | Address | None],
    report: Path | None = None,
    registered_model: str | None = None,
    out_dir: Path | None = None,
) -> LoggedRun:
    """Log a training run; whole, or marked as failed.

    Parameters
    ----------
    run : TrainingRun
    model_dir : Path
        Where `run.model` was saved.
    settings : Settings
        Its `tracking` says where to.
    sources : mapping of "customers" and "list" to where they are, or None
        The files that were read; hashed, not uploaded.
    report : Path, optional
        An HTML report to keep with the run.
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
    experiment = settings.tracking.experiment
    prints = [found for role, path in sources.items() if path is not None and (found := fingerprint(role, path))]
    _logger.info("logging the run to MLflow at %s", without_password(uri))
    with quiet_mlflow():
        client = connect(uri, create=True)
        with store_errors(uri):
            experiment_id = experiment_id_of(client, uri, experiment)
            with started_run(client, experiment_id, f"icp {run.model.version}") as run_id:
                model = _log_all(client, run_id, experiment_id, run, model_dir, settings, prints, report)
                made = register(client, registered_model, model, run.model) if registered_model else None
    return LoggedRun(run_id, experiment, uri, f"models:/{model.model_id}", made)


@contextmanager
def started_run(client: MlflowClient, experiment_id: str, name: str) -> Iterator[str]:
    """Start a run and give its id; it is finished at the end, or marked as failed where anything goes wrong."""
    run_id = client.create_run(experiment_id, run_name=name).info.run_id
    try:
        yield run_id
    except BaseException:
        with suppress(Exception):  # what went wrong first is what the user should see
            client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)


def _log_all(
    client: MlflowClient,
    run_id: str,
    experiment_id: str,
    run: TrainingRun,
    model_dir: Path,
    settings: Settings,
    prints: list[Fingerprint],
    report: Path | None,
) -> LoggedModel:
    parameters = run_parameters(run, settings, prints)
    tags = run_tags(run, prints)
    log_numbers(client, run_id, parameters, {**tags, "mlflow.note.content": run_description(run)})
    if prints:
        client.log_inputs(run_id, datasets=[entry.dataset() for entry in prints])
    log_documents(client, run_id, run.model, report)
    model = log_model(client, run_id, experiment_id, run.model, model_dir, parameters, tags)
    log_metrics(client, run_id, run_metrics(run), model.model_id)
    return model


def experiment_id_of(client: MlflowClient, uri: str, name: str) -> str:
    """Return the id of an experiment, which is made where it does not exist."""
    known = client.get_experiment_by_name(name)
    if known is None:
        return client.create_experiment(name, artifact_location=artifact_location(uri, name))
    if known.lifecycle_stage == "deleted":
        place = without_password(uri)
        msg = f"the MLflow experiment '{name}' in {place} was deleted; restore it, or set another tracking.experiment"
        raise InputError(msg)
    return str(known.experiment_id)


def log_numbers(client: MlflowClient, run_id: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Log parameters and tags, as few calls as a server takes."""
    from mlflow.entities import Param, RunTag

    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    rest = iter(parameters.items())
    while some := [Param(name, value) for name, value in islice(rest, BATCH)]:
        client.log_batch(run_id, params=some)


def log_metrics(client: MlflowClient, run_id: str, metrics: Mapping[str, float], model_id: str) -> None:
    """Log metrics to the run, and to its model."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    rest = iter(metrics.items())
    while some := [Metric(name, value, now, 0, model_id, run_id=run_id) for name, value in islice(rest, BATCH)]:
        client.log_batch(run_id, metrics=some)


def log_documents(client: MlflowClient, run_id: str, icp: ICPModel, report: Path | None) -> None:
    """Keep the profile, the evaluation, the data report, the settings and the HTML report with the run."""
    settings = icp.settings
    hidden = settings.tracking.model_copy(update={"uri": without_password(settings.tracking.uri)})
    with tempfile.TemporaryDirectory(prefix="icp_ml_") as scratch:
        folder = Path(scratch)
        for name in DOCUMENTS:
            (folder / name).write_bytes(icp.files[name])
        (folder / "profile.md").write_text(icp.profile.to_markdown(), encoding="utf-8")
        shown = settings.model_copy(update={"tracking": hidden})
        (folder / "settings.yaml").write_text(shown.to_yaml(), encoding="utf-8")
        if report is not None and report.is_file():
            shutil.copyfile(report, folder / f"report{report.suffix}")
        client.log_artifacts(run_id, scratch)


def log_model(
    client: MlflowClient,
    run_id: str,
    experiment_id: str,
    icp: ICPModel,
    model_dir: Path,
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
) -> LoggedModel:
    """Log the model directory as a pyfunc made from code: data and one script, no pickle."""
    import mlflow.pyfunc
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    shown = {name: value for name, value in tags.items() if name.startswith("icp_ml.")}
    logged = client.create_logged_model(
        experiment_id, MODEL_NAME, source_run_id=run_id, tags=shown, params=dict(parameters), model_type="icp"
    )
    model_id = logged.model_id
    try:
        with tempfile.TemporaryDirectory(prefix="icp_ml_") as scratch:
            staged = shutil.copytree(model_dir, Path(scratch) / MODEL_NAME)  # so that it lies at artifacts/model
            target = Path(scratch) / "logged"
            mlflow.pyfunc.save_model(
                path=str(target),
                python_model=str(SCRIPT),
                artifacts={MODEL_NAME: str(staged)},
                signature=model_signature(icp),
                pip_requirements=requirements(),
                metadata={"icp_ml.model_version": icp.version},
                mlflow_model=Model(logged.artifact_location, run_id, model_uuid=model_id, model_id=model_id),
            )
            for cache in [*target.rglob("__pycache__")]:
                shutil.rmtree(cache, ignore_errors=True)
            client.log_model_artifacts(model_id, str(target))
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
    except BaseException:
        with suppress(Exception):
            client.finalize_logged_model(model_id, "FAILED")
        raise
    return client.finalize_logged_model(model_id, "READY")


def register(client: MlflowClient, name: str, model: LoggedModel, icp: ICPModel) -> str:
    """Make a version of a registered model, which is made where it does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description="Scores accounts by likeness to the best customers (icp-ml).")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = {"icp_ml.model_version": icp.version, "icp_ml.settings_hash": icp.settings.hash}
    # A server refuses paths; a store in this process would look the id up in mlflow's global store instead of ours.
    is_server = client.tracking_uri.startswith(("http:", "https:", "databricks"))
    source = f"models:/{model.model_id}" if is_server else model.artifact_location
    made = client.create_model_version(
        name,
        source,
        run_id=model.source_run_id,
        tags=tags,
        description=str(icp.evaluation.get("verdict", "")),
        model_id=model.model_id,
    )
    return str(made.version)
