"""Kills a preparation at one moment after the other: it must end the same."""

import hashlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sketcher_tf.data.prepare.local import prepare_locally
from sketcher_tf.data.prepare.tally import Target
from tests.testing import toys

PIECES = [toys.Drawings(toys.drawings(12, 3)[i::3]) for i in range(3)]
TARGET = Target(image_size=8, num_shards=2)
# What changes a folder so that another process sees it.
_CHANGES = ("replace", "unlink", "rmdir", "mkdir")
_EVERY = 4  # moments, of those at which a new preparation is killed


def digests(folder: Path) -> dict[str, str]:
    """What tells one prepared folder from another."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
    }


def is_killed(folder: Path, moment: int) -> bool:
    """Whether a preparation makes so many changes; then it is killed."""
    pid = os.fork()
    if not pid:
        moments = itertools.count()
        for name in _CHANGES:
            setattr(os, name, _deadly(getattr(os, name), moments, moment))
        prepare_locally(PIECES, folder, TARGET)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL


def _deadly(
    change: Callable[..., object], moments: Iterator[int], last: int
) -> Callable[..., object]:
    def call(*args: object, **options: object) -> object:
        if next(moments) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return change(*args, **options)

    return call


def check(folder: Path) -> None:
    """Raises: AssertionError: a kill made a difference."""
    prepare_locally(PIECES, folder / "whole", TARGET)
    expected = digests(folder / "whole")
    for moment in itertools.count(step=_EVERY):
        target = folder / str(moment)
        killed = is_killed(target, moment)
        prepare_locally(PIECES, target, TARGET)
        assert digests(target) == expected, moment
        if not killed:
            break
    # One preparation, killed again and again, a little later each time.
    target = folder / "stubborn"
    kills = sum(
        1
        for _ in itertools.takewhile(
            lambda moment: is_killed(target, moment), itertools.count(1)
        )
    )
    assert digests(target) == expected
    assert kills > _EVERY
    left = {path.name for path in folder.iterdir()}
    assert not any(name.startswith(".") for name in left), left


if __name__ == "__main__":
    check(Path(sys.argv[1]))
