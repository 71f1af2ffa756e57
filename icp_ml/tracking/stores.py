"""Where MLflow keeps its runs: the store's address, its artifacts, and a quiet connection to it."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml._optional import require
from icp_ml.exceptions import IcpError, InputError
from icp_ml.settings import Settings, TrackingSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULT_URI: str = TrackingSettings().uri
SQLITE = "sqlite:///"
ARTIFACTS = "mlartifacts"
PROBE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
# A `uv.lock` that lies in the current folder is no business of the model; usage statistics would leave the machine.
ENVIRONMENT = {
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
CHATTY = ("mlflow", "alembic")

_logger = logging.getLogger(__name__)
_lock = threading.RLock()  # environment, warning filters and log levels belong to the whole process


def resolve_uri(settings: Settings, out_dir: Path | None = None) -> str:
    """Return the address of the MLflow store.

    The settings' address where it is not the default, else the environment's `MLFLOW_TRACKING_URI`, else the default.

    Parameters
    ----------
    settings : Settings
    out_dir : Path, optional
        Where the default store lies; the current folder if not given. A relative SQLite address of the settings or the
        environment is always relative to the current folder.

    Returns
    -------
    str
        SQLite addresses are absolute, so a later change of folder does not move the store.
    """
    uri = settings.tracking.uri
    folder = Path.cwd()
    if uri == DEFAULT_URI:
        uri = os.environ.get("MLFLOW_TRACKING_URI") or uri
        folder = out_dir if uri == DEFAULT_URI and out_dir is not None else folder
    file = sqlite_file(uri)
    return uri if file is None else f"{SQLITE}{(folder / file).absolute().as_posix()}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for every other store."""
    path = uri.removeprefix(SQLITE)
    return Path(path) if uri.startswith(SQLITE) and path and not path.startswith(":memory:") else None


def artifact_location(uri: str, experiment: str) -> str | None:
    """Return where a new experiment keeps its files: beside an SQLite store; None where the server decides."""
    file = sqlite_file(uri)
    if file is None:
        return None
    folder = re.sub(r"[^\w.-]+", "_", experiment).strip("._") or "experiment"
    return (file.absolute().parent / ARTIFACTS / folder).as_uri()


def without_password(uri: str) -> str:
    """Return an address that can be shown and kept."""
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", uri)


@contextmanager
def quiet_mlflow() -> Generator[Any, None, None]:
    """Import mlflow and give it, without its log lines, warnings and usage statistics; leave everything as it was.

    One thread at a time: what is silenced belongs to the whole process.

    Raises
    ------
    MissingDependencyError
        mlflow is not installed.
    """
    with _lock, warnings.catch_warnings(), environment(ENVIRONMENT):
        warnings.simplefilter("ignore")
        mlflow = require("mlflow", extra="mlflow", purpose="tracking runs and models")
        loggers = [logging.getLogger(name) for name in CHATTY]
        levels = [logger.level for logger in loggers]
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield mlflow
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def environment(values: dict[str, str]) -> Generator[None, None, None]:
    """Set environment variables that are not set, and take them away again."""
    mine = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


def connect(uri: str, *, create: bool) -> MlflowClient:
    """Open a store; call it within `quiet_mlflow`.

    Parameters
    ----------
    uri : str
        From `resolve_uri`.
    create : bool
        Whether a new SQLite store may be made.

    Raises
    ------
    InputError
        There is no such store, it cannot be reached, or it is not one this mlflow can use.
    """
    from mlflow import MlflowClient

    file = sqlite_file(uri)
    is_new = file is not None and not (file.is_file() and file.stat().st_size)
    if is_new and not create:
        msg = f"{file}: there is no MLflow store here; set tracking.uri, or MLFLOW_TRACKING_URI, to the one wanted"
        raise InputError(msg)
    with store_errors(uri), environment(PROBE):
        if not is_new:
            client = MlflowClient(tracking_uri=uri)
        else:
            _logger.info("making a new MLflow store in %s, which takes some seconds, once", file)
            with _unsynced_sqlite():
                client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)  # else an unreachable server shows only minutes later
    return client


@contextmanager
def store_errors(uri: str) -> Generator[None, None, None]:
    """Turn what mlflow and its store raise into a sentence for the user."""
    try:
        yield
    except IcpError:
        raise
    except Exception as error:
        if not _is_of_store(error):
            raise
        place, detail = without_password(uri), " ".join(without_password(str(error)).split())
        if "Max retries exceeded" in detail or "timed out" in detail:
            msg = f"{place}: no MLflow server answers here; check tracking.uri (or MLFLOW_TRACKING_URI) and the network"
        else:
            hint = "check tracking.uri (or MLFLOW_TRACKING_URI) and your rights"
            msg = f"{place}: the MLflow store cannot be used ({detail[:300]}); {hint}"
        raise InputError(msg) from error


def _is_of_store(error: Exception) -> bool:
    rooms = {kind.__module__.split(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError) or bool(rooms & {"mlflow", "sqlalchemy", "requests", "urllib3"})


@contextmanager
def _unsynced_sqlite() -> Generator[None, None, None]:
    """Let SQLite not wait for the disk after each of the several hundred statements that make a new store.

    A new store has nothing to lose; its connections are set back to full safety before the first run is written.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    opened: list[sqlite3.Connection] = []

    def unsynced(connection: Any, _record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous=OFF")
            opened.append(connection)

    event.listen(Engine, "connect", unsynced)
    try:
        yield
    finally:
        event.remove(Engine, "connect", unsynced)
        for connection in opened:
            try:
                connection.execute("PRAGMA synchronous=FULL")
            except sqlite3.ProgrammingError:  # already closed
                continue
