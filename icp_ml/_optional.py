"""Import a heavy or optional package late, with an error that names the extra to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from icp_ml.exceptions import MissingDependencyError


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Return the imported module, or raise naming the extra that brings it.

    Raises
    ------
    MissingDependencyError
        The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        msg = f"{purpose} needs the package '{package}': install it with  pip install 'icp-ml[{extra}]'"
        raise MissingDependencyError(msg) from error
