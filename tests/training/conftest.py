from pathlib import Path

import pytest

from sketcher_tf.training.run_folder import RunFolder
from tests.testing import processes, toys
from tests.testing.sharing import made_once


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Rings and zigzags, of which an epoch is `processes.STEPS` steps."""
    return made_once(
        tmp_path_factory, "toys", lambda folder: toys.prepare(folder, 20, 6)
    )


@pytest.fixture(scope="session")
def whole(data, tmp_path_factory) -> RunFolder:
    """A run that nothing interrupts."""

    def train(folder):
        assert processes.train(data, folder, processes.PLAIN) == 0

    return RunFolder(made_once(tmp_path_factory, "whole", train))
