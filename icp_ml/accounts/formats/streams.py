"""A file's bytes: decompressed by what they are, whatever the name says; copied here first where they are remote."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import shutil
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa

from icp_ml.exceptions import InputError

Compression = Literal["none", "gzip", "bz2", "zstd", "zip"]
_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
)
COMPRESSED_ENDINGS = (".gz", ".gzip", ".bz2", ".zst", ".zstd", ".zip")
MAX_COPY_BYTES = 2**36  # of a remote or compressed file, on disk
_BLOCK = 2**20


class TemporaryFile:
    """A file that is gone when nothing refers to it any more."""

    def __init__(self, ending: str) -> None:
        handle, name = tempfile.mkstemp(ending, "icp_ml_")
        os.close(handle)
        self.path = Path(name)
        self._remove = weakref.finalize(self, _remove, name)

    def remove(self) -> None:
        """Remove it now."""
        self._remove()


def _remove(name: str) -> None:
    Path(name).unlink(missing_ok=True)


@dataclass(frozen=True)
class FileBytes:
    """A local file and how it is compressed.

    Attributes
    ----------
    path : Path
    name : str
        For messages.
    inner : str
        Name without the ending of the compression, or of the one table in a zip: its ending says the format.
    compression : str
    member : str
        Of a zip.
    kept : TemporaryFile or None
        The copy that `path` is, kept as long as this.
    """

    path: Path
    name: str
    inner: str
    compression: Compression = "none"
    member: str = ""
    kept: TemporaryFile | None = None

    def open(self) -> BinaryIO:
        """Open the decompressed bytes."""
        if self.compression == "none":
            return self.path.open("rb")
        return cast(BinaryIO, io.BufferedReader(_Decompressed(self), _BLOCK))

    def raw(self) -> BinaryIO:
        """Open with the decompressor's own errors."""
        if self.compression == "gzip":
            return cast(BinaryIO, gzip.open(self.path, "rb"))
        if self.compression == "bz2":
            return cast(BinaryIO, bz2.open(self.path, "rb"))
        if self.compression == "zstd":
            return cast(BinaryIO, pa.input_stream(str(self.path), compression="zstd"))
        return cast(BinaryIO, _Member(self.path, self.member))

    def local(self) -> FileBytes:
        """Return the file decompressed, in a temporary copy where it is compressed."""
        if self.compression == "none":
            return self
        copy = TemporaryFile(Path(self.inner).suffix)
        with self.open() as source:
            copy_bounded(source, copy.path, self.name)
        return FileBytes(copy.path, self.name, self.inner, kept=copy)


def file_bytes(path: Path, name: str, called: str, kept: TemporaryFile | None = None) -> FileBytes:
    """Look at a local file's first bytes.

    Parameters
    ----------
    path : Path
    name : str
        For messages.
    called : str
        The file's own name, whose ending says the format.

    Raises
    ------
    InputError
        A zip holds no table or several.
    """
    with path.open("rb") as file:
        head = file.read(8)
    found: Compression = next((kind for magic, kind in _MAGIC if head.startswith(magic)), "none")
    inner = Path(called).stem if called.lower().endswith(COMPRESSED_ENDINGS) else called
    if found == "zip":
        if not called.lower().endswith(".zip"):
            return FileBytes(path, name, inner, kept=kept)  # a workbook is a zip too
        member = _only_member(path, name)
        return FileBytes(path, name, Path(member).name, "zip", member, kept)
    return FileBytes(path, name, inner, found, kept=kept)


def copy_bounded(source: BinaryIO, target: Path, name: str) -> None:
    """Copy a stream to a file.

    Raises
    ------
    InputError
        There is more of it than any table has, or no room for it.
    """
    total = 0
    try:
        with target.open("wb") as file:
            while block := source.read(_BLOCK):
                total += len(block)
                if total > MAX_COPY_BYTES or shutil.disk_usage(target.parent).free < 2 * _BLOCK:
                    msg = (
                        f"{name}: no room for a copy in {target.parent} (after {total:,} bytes); free some space, set "
                        "TMPDIR to another folder, or give a plain local file"
                    )
                    raise InputError(msg)
                file.write(block)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


class _Decompressed(io.RawIOBase):
    """Decompressed bytes, with damage said in our words."""

    def __init__(self, file: FileBytes) -> None:
        self._file = file
        with self._errors():
            self._stream = file.raw()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer)
        with self._errors():
            data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_stream"):
            self._stream.close()
        super().close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            detail = " ".join(str(error).split())[:120]
            msg = f"{self._file.name}: damaged or cut {self._file.compression} data ({detail}); export it again"
            raise InputError(msg) from error


class _Member(io.RawIOBase):
    """One file of a zip, which closes the zip as well."""

    def __init__(self, path: Path, member: str) -> None:
        self._zip = zipfile.ZipFile(path)
        try:
            self._stream = self._zip.open(member)
        except BaseException:
            self._zip.close()
            raise

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        self._zip.close()
        super().close()


def _only_member(path: Path, name: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                entry.filename
                for entry in archive.infolist()
                if not entry.is_dir() and not Path(entry.filename).name.startswith(".")
                and not entry.filename.startswith("__MACOSX/")
            ]  # fmt: skip
    except (zipfile.BadZipFile, OSError, NotImplementedError, UnicodeDecodeError) as error:
        msg = f"{name}: not a readable zip archive ({' '.join(str(error).split())[:120]}); zip it again"
        raise InputError(msg) from error
    if len(members) != 1:
        shown = ", ".join(repr(member[:60]) for member in members[:5]) + (", ..." if len(members) > 5 else "")
        msg = f"{name}: a zip must hold exactly one table, this one holds {len(members):,} ({shown}); unpack it"
        raise InputError(msg)
    return members[0]
