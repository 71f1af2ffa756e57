"""One small local Spark for all tests that need it; they are skipped where Java is absent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

QUIET = """
rootLogger.level = error
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c: %m%n
"""


def java() -> str | None:
    """The path of a Java that Spark runs on (17 or newer), under JAVA_HOME or on PATH."""
    home = os.environ.get("JAVA_HOME")
    for path in (str(Path(home) / "bin" / "java") if home else None, shutil.which("java")):
        if path is not None and Path(path).is_file():
            said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
            version = re.search(r' version "(\d+)', said)
            if version is not None and int(version[1]) >= 17:
                return path
    return None


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any, None, None]:
    """A Spark session with two workers in this machine, without a web page, reachable from nowhere else."""
    found = java()
    if found is None:
        pytest.skip("missing part: Java 17 or newer (on Debian: apt-get install openjdk-17-jre-headless)")
    pytest.importorskip("pyspark", reason="missing part: pip install 'icp-ml[spark]'")
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    log = folder / "log4j2.properties"
    log.write_text(QUIET, encoding="utf-8")
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log} -Djava.io.tmpdir={folder} -XX:+UseSerialGC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder),
        "spark.sql.session.timeZone": "UTC",
    }
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("JAVA_HOME", str(Path(found).resolve().parents[1]))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        builder = SparkSession.builder.master("local[2]").appName("icp_ml tests")
        for key, value in settings.items():
            builder = builder.config(key, value)
        session = builder.getOrCreate()
        yield session
        session.stop()
