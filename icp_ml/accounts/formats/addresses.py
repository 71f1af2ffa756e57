"""Where a table is: a file, a folder, a glob, something remote, a database; and how to show that without secrets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from icp_ml.exceptions import InputError

Kind = Literal["file", "folder", "glob", "remote", "database"]
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
DATABASE_FILES = (".db", ".sqlite", ".sqlite3", ".duckdb", ".ddb")
_SCHEME_RE = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]*)://")
_DATABASES = frozenset({
    "postgresql", "postgres", "sqlite", "duckdb", "mysql", "mariadb", "mssql", "oracle", "snowflake", "redshift",
    "bigquery", "databricks", "trino", "clickhouse", "cockroachdb",
})  # fmt: skip
_GLOB_RE = re.compile(r"[*?\[]")
_SECRET_KEYS = re.compile(r"(?i)pass|pwd|secret|token|key|sig|credential")


@dataclass(frozen=True)
class Address:
    """Where a table is.

    Attributes
    ----------
    kind : str
    target : str
        Path, or URL with all it takes to open it. May hold a password, so it is in no message and no repr.
    part : str
        Sheet, table or query; empty where none is named.
    shown : str
        The address for people: no password, no query string of a URL.
    """

    kind: Kind
    target: str = field(repr=False)
    part: str
    shown: str

    def __str__(self) -> str:
        """Return the address for people."""
        return self.shown

    @property
    def name(self) -> str:
        """The short name: of the file, folder or table."""
        if self.kind == "database":
            return self.part if self.part and not is_query(self.part) else self.shown.partition("#")[0]
        return Path(self.shown.partition("#")[0]).name or self.shown

    @property
    def scheme(self) -> str:
        """Scheme of a URL, in lower case; empty for a path."""
        found = _SCHEME_RE.match(self.target)
        return found[1].lower() if found else ""

    def scrub(self, text: str) -> str:
        """Take this address's secrets out of somebody else's message."""
        text = text.replace(self.target, self.shown.partition("#")[0])
        for secret in sorted(_secrets(self.target), key=len, reverse=True):
            text = text.replace(secret, "***")
        return " ".join(text.split())

    def files(self) -> list[Path]:
        """Return the local files that may be read: the file, or those of the folder or glob, by name."""
        path = Path(self.target)
        if self.kind == "folder":
            return sorted(entry for entry in path.iterdir() if entry.is_file())
        if self.kind == "glob":
            anchor = Path(path.anchor) if path.is_absolute() else Path()
            pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else self.target
            return sorted(entry for entry in anchor.glob(pattern) if entry.is_file())
        return [path] if self.kind == "file" or (self.kind == "database" and not self.scheme) else []

    def covers(self, path: Path) -> bool:
        """Whether a file to be written would be among those of the folder or glob."""
        if self.kind == "folder":
            return path.resolve().parent == Path(self.target).resolve()
        pattern = os.path.abspath(self.target)  # noqa: PTH100 - a pattern is no path to resolve
        return self.kind == "glob" and fnmatch(str(path.resolve()), pattern)


def address_of(source: str | Path | Address) -> Address:
    """Tell what an address is, without opening anything.

    Raises
    ------
    InputError
        It is empty, or holds characters no address has.

    Examples
    --------
    >>> address_of("postgresql://ann:secret@db.example/crm#accounts").shown
    'postgresql://ann@db.example/crm#accounts'
    >>> address_of("book.xlsx#Sheet2").part
    'Sheet2'
    """
    if isinstance(source, Address):
        return source
    if isinstance(source, Path):
        return _path(str(source), "")
    if not source.strip() or "\0" in source:
        msg = f"{source!r}: not the address of a table; name a file, a folder, a glob or a database"
        raise InputError(msg)
    scheme = _SCHEME_RE.match(source)
    if scheme is None:
        return _local(source)
    url, _, part = source.partition("#")
    part = part.strip()
    _check_user_info(url, part)
    if scheme[1].lower().split("+")[0] in _DATABASES:
        return Address("database", url, part, _without_secrets(url) + (f"#{part}" if part else ""))
    if scheme[1].lower() == "file":
        return _local(unquote(url[len("file://") :].removeprefix("localhost")) + (f"#{part}" if part else ""))
    return Address("remote", url, part, _without_secrets(url) + (f"#{part}" if part else ""))


def shown(source: str | Path | Address) -> str:
    """Return an address as it may be printed, logged and saved."""
    return address_of(source).shown


def is_query(part: str) -> bool:
    """Whether the part of a database address is a query rather than a table's name."""
    return re.match(r"(?is)\s*(?:select|with)\b.*\s", part) is not None


def _local(text: str) -> Address:
    if "#" in text and not Path(text).exists():
        for found in re.finditer("#", text):
            path = text[: found.start()]
            if Path(path).is_file():
                return _path(path, text[found.end() :].strip())
        path, _, part = text.partition("#")
        if path.lower().endswith((*WORKBOOKS, *DATABASE_FILES)):
            return _path(path, part.strip())
    return _path(text, "")


def _path(text: str, part: str) -> Address:
    path = Path(text)
    said = f"{text}#{part}" if part else text
    if path.is_dir():
        return Address("folder", text, part, said)
    if _GLOB_RE.search(text) and not path.exists():
        return Address("glob", text, part, said)
    kind: Kind = "database" if _is_database(path) else "file"
    return Address(kind, text, part, said)


def _is_database(path: Path) -> bool:
    """Whether a local file is one of SQLite or DuckDB, by its content; by its name where it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return path.suffix.lower() in DATABASE_FILES
    named = path.suffix.lower() in DATABASE_FILES
    return named or (head[8:12] == b"DUCK" and head.count(b"\0") > 0)


def _check_user_info(url: str, part: str) -> None:
    """Refuse a URL whose password is written so that it would be taken for something else, and be shown."""
    scheme = url.partition("://")[0]
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    hosts = parts.netloc.rpartition("@")[2].split(",") if parts else []
    readable = bool(hosts) and all(re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(:\d*)?", host) for host in hosts)
    if parts and "@" not in parts.netloc and scheme.split("+")[0].lower() in _DATABASES:
        ambiguous = ":" in parts.netloc and "@" in part and not is_query(part)
        readable = readable and not ambiguous and "@" not in parts.path
    if not readable:
        msg = (
            f"{scheme}://...: the address cannot be taken apart; write it as {scheme}://user:password@host/... with "
            "the password's special characters percent-encoded (# as %23, / as %2F, @ as %40)"
        )
        raise InputError(msg)


def _without_secrets(url: str) -> str:
    """Drop password and query string."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"


def _secrets(url: str) -> set[str]:
    """Return what in a URL nobody should read: the password as written and decoded, and telling query values."""
    found: set[str] = set()
    parts = urlsplit(url)
    user, _, _ = parts.netloc.rpartition("@")
    found.add(user.partition(":")[2])
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    found |= {value for key, _, value in pairs if _SECRET_KEYS.search(key)}
    if parts.query:
        found.add(parts.query)
    return {text for secret in found for text in (secret, unquote(secret)) if text}
