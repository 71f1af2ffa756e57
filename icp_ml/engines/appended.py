"""One file for many arrays: appended by several threads, read back by place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any

Read = Callable[[int, int], bytes]  # place, bytes


class Appended:
    """Arrays in a file, which is opened for each use, as whoever made its folder removes it.

    A file of its own for each array of a long list would mean opening tens of thousands, again and again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end = 0
        self._lock = Lock()

    def append(self, data: Any) -> int:
        """Append an array of NumPy or other bytes, and return its place."""
        view = memoryview(data)
        if not view.nbytes:
            return self._end
        view = view.cast("B")
        with self._lock, self._path.open("ab", buffering=0) as file:
            place = self._end
            self._end += len(view)
            write_all(file, view)
        return place

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """Hand out a function that reads so many bytes at a place."""
        if not self._end:  # nothing was written
            yield lambda place, size: b""
            return
        with self._path.open("rb", buffering=0) as file:

            def read(place: int, size: int) -> bytes:
                file.seek(place)
                found = file.read(size)
                while len(found) < size:
                    more = file.read(size - len(found))
                    if not more:
                        msg = f"{self._path}: {size} bytes at {place} are not there any more"
                        raise OSError(msg)
                    found += more
                return found

            yield read


def write_all(file: FileIO, data: memoryview) -> None:
    """Write bytes to a file without a buffer, which may take a part of them at a time."""
    while data:
        data = data[file.write(data) :]
