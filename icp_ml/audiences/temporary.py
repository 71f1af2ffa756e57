"""A folder for what does not fit into memory."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path


def folder_of(owner: object) -> Path:
    """Make a temporary folder that is removed when its owner is gone, and when Python ends."""
    path = tempfile.mkdtemp(prefix="icp_ml_")
    weakref.finalize(owner, shutil.rmtree, path, ignore_errors=True)
    return Path(path)
