import os
import signal
import subprocess
import sys
import time

import pytest

from sketcher_tf.data.prepare.pool import each
from tests.testing.fakes import wait_until
from tests.testing.source_imports import ROOT


def slow_square(n):
    time.sleep(0.05 * (n % 3 == 0))
    if n == 7:
        raise ValueError("seven")
    return n * n


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_until_one_fails(workers):
    results = []
    with pytest.raises(ValueError, match="seven"):
        for result in each(slow_square, range(20), workers):
            results.append(result)
    assert results == [n * n for n in range(7)]


def test_tasks_are_read_as_they_are_needed():
    taken = []

    def tasks():
        for n in range(1000):
            taken.append(n)
            yield n % 6

    results = each(slow_square, tasks(), 2)
    next(results)
    results.close()
    assert len(taken) < 20


def tell_and_wait(_):
    os.write(1, f"{os.getpid()}\n".encode())  # in one piece
    time.sleep(600)


def keep_busy():
    list(each(tell_and_wait, range(2), 2))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_workers_end_with_their_parent():
    code = "from tests.data.prepare.pool_test import keep_busy; keep_busy()"
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(map(is_alive, pids))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not any(map(is_alive, pids)))
