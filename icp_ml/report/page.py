"""One page, one file: no script, no request, a strict content security policy, everything a stranger wrote escaped."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml._optional import require
from icp_ml.exceptions import InputError
from icp_ml.report.formats import clean
from icp_ml.report.svg import inline_svg

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_TEXT = 4000  # characters of any one value in the page


def render_page(template: str, **context: Any) -> str:
    """Return a template's HTML; the same context gives the same text.

    Raises
    ------
    MissingDependencyError
        jinja2 is not installed.
    """
    markup = require("markupsafe", extra="report", purpose="the HTML report").Markup
    environment = _environment()
    assert environment.loader is not None
    style = environment.loader.get_source(environment, "report.css")[0]
    # the policy names the one style sheet by its hash: nothing else in the page can style or run
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return environment.get_template(template).render(**context, policy=policy, style=markup(style))


def chart_markup(document: bytes, title: str, name: str) -> Any:
    """Return a chart as an `<svg>` element that templates print as it is.

    Parameters
    ----------
    document : bytes
        Of `plotting.to_svg`.
    title : str
        What it shows, for those who cannot see it.
    name : str
        Put before its ids: unique in a page.
    """
    markup = require("markupsafe", extra="report", purpose="the HTML report").Markup
    return markup(inline_svg(document, title, name))


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file under another name, then rename it: a reader never meets half of it.

    Raises
    ------
    InputError
        The folder cannot be made, or the file cannot be written.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", errors="replace"))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or error
        msg = f"{path}: the report cannot be written ({why}); name a file in a folder you can write to"
        raise InputError(msg) from error
    return path


def _environment() -> Environment:
    jinja2 = require("jinja2", extra="report", purpose="the HTML report")
    environment: Environment = jinja2.Environment(
        loader=jinja2.PackageLoader("icp_ml.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    return environment


def _finalize(value: Any) -> Any:
    """Every printed value passes here: strings lose control characters; our own markup stays as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return clean(value, LONGEST_TEXT)
    return value
