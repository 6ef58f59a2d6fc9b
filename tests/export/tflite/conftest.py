import pytest

from export.tflite import convert
from sketcher_tf.sketcher import Sketcher
from tests.testing.exports import make_critical
from tests.testing.sharing import made_once


@pytest.fixture(scope="session")
def sketcher() -> Sketcher:
    return Sketcher(make_critical())


@pytest.fixture(scope="session")
def converted(sketcher, tmp_path_factory) -> bytes:
    """A model that encodes and has a critic."""

    def write(path):
        path.write_bytes(convert.convert(sketcher.model))

    return made_once(tmp_path_factory, "converted.tflite", write).read_bytes()
