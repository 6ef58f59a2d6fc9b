import os
from pathlib import Path

import pytest

# Before TensorFlow is loaded, which else reports on every start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real drawings beside the repository, for tests that need them."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real drawings in ../shared/data")
    return folder
