from pathlib import Path

import pytest

from tests.testing import exports
from tests.testing.sharing import made_once


@pytest.fixture(scope="session")
def other(tmp_path_factory) -> Path:
    """A file of `exports.OTHER`, which cannot encode."""

    def write(path):
        from export.tflite import convert

        model = exports.make_model(*exports.OTHER)
        content = convert.convert(model, encoder=False)
        path.write_bytes(convert.finish(content, model, "none"))

    return made_once(tmp_path_factory, "other.tflite", write)
