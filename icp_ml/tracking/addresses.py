"""From a model's address to its directory: a folder stays, an MLflow address is fetched, and nothing in it is run."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.exceptions import IcpError, InputError
from icp_ml.tracking.stores import connect, quiet_mlflow, resolve_uri, store_errors, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from icp_ml.settings import Settings

INSIDE = "artifacts/model"
FORMS = "models:/NAME/3, models:/NAME@alias, models:/NAME/latest or runs:/RUN_ID/model"
SHOWN = 10
NOT_FOUND = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def resolve_model(address: str, settings: Settings) -> Path:
    """Return the local directory of a model, for `ICPModel.load`.

    Parameters
    ----------
    address : str
        A directory, `models:/NAME/3`, `models:/NAME@alias`, `models:/NAME/latest`, `models:/m-ID` or
        `runs:/RUN_ID/model`.
    settings : Settings
        Its `tracking.uri` (else `MLFLOW_TRACKING_URI`) is the store asked.

    Raises
    ------
    InputError
        No such model, version or alias (the message lists what there is), not a model of icp-ml, or no reachable store.
    MissingDependencyError
        mlflow is not installed.
    """
    scheme, colon, rest = address.partition(":/")
    if not colon or len(scheme) < 2:  # "C:/model" is a folder
        return Path(address)
    if scheme not in ("models", "runs") or not rest.strip("/"):
        msg = f"{address}: not an address of a model; give a model directory, {FORMS}"
        raise InputError(msg)
    uri = resolve_uri(settings)
    with quiet_mlflow():
        try:
            client = connect(uri, create=False)
        except InputError as error:
            msg = f"{address}: {error}"
            raise InputError(msg) from error
        with store_errors(uri):
            location = (_of_run if scheme == "runs" else _of_registry)(client, address, rest.strip("/"), uri)
            return _fetch(address, location, uri)


def _of_registry(client: MlflowClient, address: str, rest: str, uri: str) -> str:
    """Return where the files of a `models:/` address lie."""
    from mlflow.exceptions import MlflowException

    try:
        name, version = _named_version(client, address, rest)
        if name is None:
            return str(client.get_logged_model(version).artifact_location)
        return _direct(client, str(client.get_model_version_download_uri(name, version)))
    except MlflowException as error:
        if error.error_code not in NOT_FOUND:
            raise
        raise _unknown(client, address, rest, uri) from error


def _named_version(client: MlflowClient, address: str, rest: str) -> tuple[str | None, str]:
    """Return name and version, or None and the id of a logged model."""
    name, at, alias = rest.partition("@")
    if at:
        return name, str(client.get_model_version_by_alias(name, alias).version)
    name, slash, version = rest.rpartition("/")
    if not slash:
        if not re.fullmatch(r"m-[0-9a-f]{16,}", rest):
            msg = (
                f"{address}: it names no version; give models:/{rest}/1, models:/{rest}@ALIAS or models:/{rest}/latest"
            )
            raise InputError(msg + _versions_of(client, rest))
        return None, rest
    if version == "latest":
        numbers = _versions(client, name)
        client.get_registered_model(name)
        if not numbers:
            msg = f"{address}: '{name}' has no version yet; make one with  icp-ml train --register {name}"
            raise InputError(msg)
        return name, str(numbers[0])
    if not version.isdecimal():
        hint = f"give a number, or an alias as models:/{name}@{version} (MLflow has no stages any more)"
        msg = f"{address}: '{version}' is no version number; {hint}"
        raise InputError(msg + _versions_of(client, name))
    return name, version


def _unknown(client: MlflowClient, address: str, rest: str, uri: str) -> IcpError:
    """Return the error of an address that names nothing, with what there is."""
    name = rest.partition("@")[0] if "@" in rest else rest.rpartition("/")[0] or rest
    names = sorted(model.name for model in client.search_registered_models(max_results=1000))
    place = without_password(uri)
    if name in names:
        there = _versions_of(client, name)
        return InputError(f"{address}: the registered model '{name}' in {place} has no such version or alias{there}")
    if rest.startswith("m-") and "/" not in rest:
        return InputError(f"{address}: no such logged model in {place}; give models:/NAME/VERSION, or set tracking.uri")
    there = f"registered are {_some(names)}" if names else "nothing is registered there yet; train with --register NAME"
    return InputError(f"{address}: no registered model '{name}' in {place}; {there}")


def _versions(client: MlflowClient, name: str) -> list[int]:
    """Return the versions there are, newest first."""
    quoted = name.replace("'", "")
    found = client.search_model_versions(f"name='{quoted}'", max_results=1000)
    return sorted((int(entry.version) for entry in found), reverse=True)


def _versions_of(client: MlflowClient, name: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        aliases = client.get_registered_model(name).aliases
    except MlflowException:
        return ""
    numbers = [str(number) for number in _versions(client, name)]
    shown = f"; versions: {_some(numbers)}" if numbers else "; it has no versions"
    return shown + (f"; aliases: {_some(sorted(aliases))}" if aliases else "; no aliases")


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _direct(client: MlflowClient, location: str) -> str:
    """Follow a version's source to where its files are."""
    if location.startswith("models:/m-"):
        return str(client.get_logged_model(location.removeprefix("models:/")).artifact_location)
    if location.startswith("runs:/"):
        return _run_location(client, location.removeprefix("runs:/"))
    return location


def _of_run(client: MlflowClient, address: str, rest: str, uri: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        return _run_location(client, rest)
    except MlflowException as error:
        if error.error_code not in NOT_FOUND:
            raise
        msg = f"{address}: no such run in {without_password(uri)}; the form is runs:/RUN_ID/model"
        raise InputError(msg) from error


def _run_location(client: MlflowClient, rest: str) -> str:
    """Return where the model of a run lies: the logged model of that name, else the run's own artifacts."""
    run_id, _, name = rest.partition("/")
    run = client.get_run(run_id)
    wanted = name or "model"
    for output in run.outputs.model_outputs if run.outputs else ():
        model = client.get_logged_model(output.model_id)
        if model.name == wanted:
            return str(model.artifact_location)
    return f"{str(run.info.artifact_uri).rstrip('/')}/{wanted}"


def _fetch(address: str, location: str, uri: str) -> Path:
    """Return the model directory in a logged model's files, downloaded unless it is on this machine."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    target = None
    if not (location.startswith(("file:", "/")) or Path(location).is_dir()):
        target = tempfile.mkdtemp(prefix="icp_ml_model_")
        atexit.register(shutil.rmtree, target, ignore_errors=True)
    try:
        inside = f"{location.rstrip('/')}/{INSIDE}"
        found = Path(download_artifacts(artifact_uri=inside, dst_path=target, tracking_uri=uri))
    except MlflowException as error:
        if error.error_code not in (*NOT_FOUND, "INTERNAL_ERROR"):
            raise
        found = Path()
    except FileNotFoundError:
        found = Path()
    if not (found / "manifest.json").is_file():
        msg = f"{address}: {location} holds no model that icp-ml logged; train again, with --register to make a version"
        raise InputError(msg)
    return found
