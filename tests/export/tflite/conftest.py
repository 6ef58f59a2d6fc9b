import pytest

from export.tflite import convert
from sketcher_tf.sketcher import Sketcher
from tests.testing.exports import make_critical


@pytest.fixture(scope="session")
def sketcher() -> Sketcher:
    return Sketcher(make_critical())


@pytest.fixture(scope="session")
def converted(sketcher) -> bytes:
    """A model that encodes and has a critic; converting takes seconds."""
    return convert.convert(sketcher.model)
