"""One page, one file: no request, scripts of our own only, a strict security policy, all strangers' text escaped."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml._optional import require
from icp_ml.exceptions import InputError
from icp_ml.report.formats import clean
from icp_ml.report.svg import inline_svg

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_TEXT = 4000  # characters of any one value in the page
# No markup, style or script is ever made from a text, whatever our own script does.
NO_MARKUP_FROM_TEXT = "require-trusted-types-for 'script'; trusted-types 'none'"


def render_page(template: str, *, scripts: Sequence[str] = (), **context: Any) -> str:
    """Return a template's HTML; the same context gives the same text.

    Parameters
    ----------
    template : str
    scripts : sequence of str
        Files beside the templates; the page holds them as one script, and its policy lets nothing else run.

    Raises
    ------
    MissingDependencyError
        jinja2 is not installed.
    """
    markup = require("markupsafe", extra="report", purpose="the HTML report").Markup
    environment = _environment()
    assert environment.loader is not None
    style, *parts = (environment.loader.get_source(environment, name)[0] for name in ("report.css", *scripts))
    script = "\n".join(parts)
    return environment.get_template(template).render(
        **context, policy=_policy(style, script), style=markup(style), script=markup(script)
    )


def _policy(style: str, script: str) -> str:
    """Return the policy: the one style sheet and the one script by their hashes, nothing else styles, runs or asks."""

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    runs = f"script-src 'sha256-{digest(script)}'; {NO_MARKUP_FROM_TEXT}; " if script else ""
    return (
        f"default-src 'none'; {runs}style-src 'sha256-{digest(style)}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def data_block(value: Any) -> Any:
    """Return plain JSON types as the text of a `<script type="application/json">`, which nothing in them can end.

    Beyond ASCII all is escaped (U+2028 too), and so are the characters that begin a tag, a comment or an entity.
    """
    markup = require("markupsafe", extra="report", purpose="the HTML report").Markup
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return markup(text)


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
