"""What a command spares that has its process to itself: imports that Arrow and numba make unasked."""

from __future__ import annotations

import importlib
import sys
from importlib.abc import MetaPathFinder
from typing import Any


class _NotFound(MetaPathFinder):
    """Finds that there is no pandas."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Refuse pandas; say nothing of others."""
        if fullname == "pandas":
            msg = "pandas is not looked for yet"
            raise ModuleNotFoundError(msg, name=fullname)


def spare_pandas() -> None:
    """Keep Arrow from importing pandas, for a command that has no use for it: 0.12 s and 33 MB.

    Arrow tries once, at its first scalar or array, so that it can tell a Series from a list; after that, it
    tries again where a table is to become a DataFrame. In a process where pandas is imported nothing is done.
    """
    if "pandas" in sys.modules:
        return
    hidden = _NotFound()
    sys.meta_path.insert(0, hidden)
    try:
        importlib.import_module("pyarrow").scalar(0)
    finally:
        sys.meta_path.remove(hidden)


def spare_linear_algebra() -> None:
    """Have numba loaded without SciPy's linear algebra and cffi, .15 s, for a command that imports neither itself."""
    importlib.import_module("icp_ml.scoring.compiled").in_own_process()
