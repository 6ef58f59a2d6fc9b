"""Work for several processes, handed out as they have time for it."""

import collections
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD = 3  # tasks per worker that are handed out before they are needed


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def each(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
) -> Generator[Result, None, None]:
    """The results of `function`, in the order of the tasks.

    The first task that fails, in that order, ends all with its error.

    Args:
        function: a function of a module, or a partial of one.
        tasks: read as they are needed.
        workers: processes; with 1 it is this one that works.
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    # Not a fork: this process may have threads, of TensorFlow for example.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _start)
    try:
        waiting: collections.deque[Future] = collections.deque()
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) >= _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    """Makes a worker end with its parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
