"""Files that take long to make, made once for all processes of a test run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sketcher_tf.files import locked


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """What `make` has written to the path that it is given.

    Whoever comes while it is being made waits. Nobody may change it.

    Args:
        factory: of the process.
        name: of the file or folder; the same for all who want it.
        make: writes it.
    """
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which all processes see
    path, done = folder / name, folder / f"{name}.done"
    with locked(folder / f"{name}.lock"):
        if not done.exists():
            make(path)
            done.touch()
    return path
