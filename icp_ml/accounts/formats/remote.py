"""A file behind a URL (s3://, gs://, https://, ...): copied once to a temporary file, then read as a local one."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from icp_ml._optional import require
from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.formats.streams import FileBytes, TemporaryFile, copy_bounded, file_bytes
from icp_ml.exceptions import IcpError, InputError, MissingDependencyError

_PACKAGES = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "fsspec aiohttp", "https": "fsspec aiohttp",
    "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs", "sftp": "paramiko", "ssh": "paramiko",
}  # fmt: skip


def called_of(address: Address) -> str:
    """Return a remote file's own name, whose ending says the format."""
    return PurePosixPath(unquote(urlsplit(address.target).path)).name


def fetch(address: Address) -> FileBytes:
    """Copy what a URL names to a temporary file, which is gone when the result is.

    Raises
    ------
    InputError
        There is no such file, no access to it, or no such scheme.
    MissingDependencyError
        The package that reads the scheme is not installed.
    """
    called = called_of(address)
    if not called or set(called) & set("*?["):
        msg = f"{address.shown}: name one file; a remote folder or glob is not read (copy it to a local folder first)"
        raise InputError(msg)
    copy = TemporaryFile(PurePosixPath(called).suffix)
    try:
        with _opened(address) as source:
            copy_bounded(source, copy.path, address.shown)
    except (IcpError, KeyboardInterrupt, MemoryError):
        raise
    except FileNotFoundError as error:
        msg = (
            f"{address.shown}: cannot be fetched (no such file, or no answer); check the address and your access to it"
        )
        raise InputError(msg) from error
    except Exception as error:  # every file system has its own errors
        detail = address.scrub(str(error))[:200] or type(error).__name__
        msg = f"{address.shown}: cannot be fetched ({detail}); check the address, the network and your access to it"
        raise InputError(msg) from (None if detail != str(error) else error)
    return file_bytes(copy.path, address.shown, called, copy)


def _opened(address: Address) -> Any:
    fsspec = require("fsspec", extra="remote", purpose=f"reading {address.scheme}:// addresses")
    try:
        return fsspec.open(address.target, "rb")
    except ImportError as error:
        package = _PACKAGES.get(address.scheme)
        known = f"pip install {package}" if package else "the package that fsspec names for it"
        msg = f"{address.shown}: reading {address.scheme}:// addresses needs another package; install it with  {known}"
        raise MissingDependencyError(msg) from error
    except ValueError as error:
        known = ", ".join(f"{scheme}://" for scheme in (*sorted(_PACKAGES), "file", "memory"))
        msg = f"{address.shown}: '{address.scheme}://' is no address that is read; give a path, a database, or {known}"
        raise InputError(msg) from error
