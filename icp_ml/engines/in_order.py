"""Work on several things at once and hand on the results in the order of the things."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def in_order(items: Iterable[Given], work: Callable[[Given], Made], jobs: int) -> Iterator[Made]:
    """Yield what `work` makes of each item, in the order of the items.

    A worker that has finished begins with the next item even where an earlier one still takes its time. At most
    `jobs + 1` items are taken and not finished, and twice as many results as there are workers wait for their turn.

    Parameters
    ----------
    items : iterable
        Taken one by one by the thread that asks for results.
    work : callable
    jobs : int
        Threads.
    """
    jobs = max(jobs, 1)
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            del item  # the worker alone holds it
            while True:
                while waiting and waiting[0].done():
                    yield waiting.popleft().result()
                unfinished = [future for future in waiting if not future.done()]
                if len(unfinished) <= jobs and len(waiting) <= 2 * jobs:
                    break
                wait(unfinished, return_when=FIRST_COMPLETED)
        while waiting:
            yield waiting.popleft().result()
