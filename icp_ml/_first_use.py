"""Public names of a room that are imported when they are first asked for, so that importing one does not import all."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def on_first_use(room: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package.

    Parameters
    ----------
    room : str
        The package, as its `__name__` says.
    homes : mapping of str to str
        Public name -> the package's module that defines it.
    """

    def get(name: str) -> object:
        home = homes.get(name)
        if home is None:
            msg = f"module '{room}' has no attribute '{name}'"
            raise AttributeError(msg)
        found = getattr(importlib.import_module(f"{room}.{home}"), name)
        setattr(sys.modules[room], name, found)
        return found

    return get
