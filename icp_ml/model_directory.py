"""A model on disk: a directory of hashed files, written whole, read without running or unpickling anything."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.exceptions import ModelFormatError

FORMAT_VERSION = 4  # 2: pairs; 3: segments; 4: where no customer was, customers that churned
MAX_FILE_BYTES = 256 * 1024**2
LIBRARIES = ("lightgbm", "numpy", "pyarrow", "scikit-learn")
REQUIRED = (
    "settings.yaml",
    "encoding.json",
    "tables.npz",
    "tiers.json",
    "reference.npz",
    "profile.json",
    "evaluation.json",
    "data_report.json",
)


def write_directory(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the files under a temporary name and rename the directory when it is whole.

    Raises
    ------
    ModelFormatError
        `path` exists and is not a model directory.
    """
    check_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        fresh, old = Path(scratch) / "model", Path(scratch) / "old"
        for name, data in files.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(data)
        if path.exists():
            path.rename(old)
        shutil.move(fresh, path)
        if old.exists():
            _carry_over(old, path)


def _carry_over(old: Path, path: Path) -> None:
    """Move what is not of the old model: a report someone wrote into its directory is not ours to delete."""
    ours = {"manifest.json", *read_manifest(old)["files"]} if (old / "manifest.json").is_file() else set()
    for file in sorted(old.rglob("*")):
        name = file.relative_to(old)
        if file.is_file() and name.as_posix() not in ours and not (path / name).exists():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, path / name)


def check_target(path: Path) -> None:
    """Refuse to replace anything that is not a model directory.

    Raises
    ------
    ModelFormatError
        The path exists and holds something else.
    """
    if path.exists() and not (path.is_dir() and (_is_model(path) or not any(path.iterdir()))):
        msg = f"{path}: exists and is not a model directory; choose another --out, or remove it"
        raise ModelFormatError(msg)


def _is_model(path: Path) -> bool:
    """Whether the manifest is one of ours: other programs name a file so too."""
    try:
        manifest = json.loads(read_bytes(path / "manifest.json"))
        return "format_version" in manifest and "tables.npz" in manifest["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def read_manifest(path: Path) -> dict[str, Any]:
    """Return a model directory's manifest.

    Raises
    ------
    ModelFormatError
        There is none, it is not readable, or it is of a newer format.
    """
    file = path / "manifest.json"
    if not file.is_file():
        what = "no such directory" if not path.exists() else "not a model directory (no manifest.json)"
        msg = f"{path}: {what}; give what  icp-ml train --out  wrote, or models:/NAME/VERSION"
        raise ModelFormatError(msg)
    try:
        manifest = json.loads(read_bytes(file))
        newest, files = int(manifest["format_version"]), {str(n): h for n, h in manifest["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        msg = f"{file}: cannot be read ({error}); train the model again"
        raise ModelFormatError(msg) from error
    if newest > FORMAT_VERSION:
        msg = f"{path}: written in format {newest}, this version reads up to {FORMAT_VERSION}; install a newer icp-ml"
        raise ModelFormatError(msg)
    return {**manifest, "files": files}


def read_checked(path: Path, name: str, hashes: Mapping[str, Any]) -> bytes:
    """Return a file's content if it is what the manifest says.

    Raises
    ------
    ModelFormatError
        The file is missing, too large, or was altered.
    """
    file = path / name
    if name not in hashes or not file.is_file():
        msg = f"{path}: {name} is missing; the model is incomplete, train it again"
        raise ModelFormatError(msg)
    data = read_bytes(file)
    if hashlib.sha256(data).hexdigest() != hashes[name]:
        msg = f"{file}: its content does not match the manifest; the model was altered after training"
        raise ModelFormatError(msg)
    return data


def read_bytes(file: Path) -> bytes:
    """Return a file's content, refusing one that no part of a model can be as large as."""
    if file.stat().st_size > MAX_FILE_BYTES:
        msg = f"{file}: larger than {MAX_FILE_BYTES // 1024**2} MB, which no part of a model is"
        raise ModelFormatError(msg)
    return file.read_bytes()


def json_bytes(data: Any) -> bytes:
    """Return JSON text: the same bytes for the same data."""
    return (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=False) + "\n").encode()


def npz_bytes(arrays: Mapping[str, npt.NDArray[np.generic]]) -> bytes:
    """Return arrays as a compressed npz without pickle."""
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def read_arrays(data: bytes, name: str) -> dict[str, npt.NDArray[np.generic]]:
    """Read an npz without pickle, refusing one that unpacks to more than a model can be."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_FILE_BYTES:
                msg = f"{name}: unpacks to more than {MAX_FILE_BYTES // 1024**2} MB"
                raise ModelFormatError(msg)
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, MemoryError, RuntimeError) as error:
        msg = f"{name}: cannot be read as arrays ({error})"
        raise ModelFormatError(msg) from error


def library_version(package: str) -> str:
    """Return an installed package's version."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
