import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.testing import graphs, scheduling
from tests.testing.sharing import made_once

if TYPE_CHECKING:
    from tests.testing.evaluations import Evaluated

# Before TensorFlow is loaded, which else reports on every start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
gc.disable()  # until all modules are loaded


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    scheduling.long_files_first(items)


def pytest_collection_finish() -> None:
    """What is loaded stays: it need not be looked at again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()
    if "tensorflow" in sys.modules:
        graphs.optimize(False)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    return scheduling.number_of_processes()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: object
) -> scheduling.Scheduling | None:
    by_file = config.option.dist == "loadfile"
    return scheduling.Scheduling(config, log) if by_file else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real drawings beside the repository, for tests that need them."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real drawings in ../shared/data")
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with the toy of `exports`, as the command makes it."""
    return made_once(tmp_path_factory, "published", _publish) / "models"


def _publish(folder: Path) -> None:
    from tests.testing.exports import CAPACITY, make_model

    folder.mkdir(exist_ok=True)
    make_model().save(folder / "toy.keras")
    command = [
        *(sys.executable, "-m", "export.saved_model"),
        f"--model={folder / 'toy.keras'}",
        f"--output={folder / 'models'}",
        f"--capacity={CAPACITY}",
    ]
    root = Path(__file__).resolve().parents[1]
    subprocess.run(command, cwd=root, check=True)


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> "Evaluated":
    """The evaluation of `evaluations`, made once for all tests of it."""
    from tests.testing import evaluations

    return evaluations.run(tmp_path_factory.mktemp("evaluated"))
