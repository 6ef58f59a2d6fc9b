"""The studio's files: in int8, or in float16 where that loses too much."""

import pytest

from export.studio.__main__ import exported
from export.tflite import export
from export.tflite.verify import LossError
from tests.testing import toys
from tests.testing.exports import make_model


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of drawings."""
    return str(toys.prepare(tmp_path_factory.mktemp("toys"), train=2, test=4))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "toy.keras"
    make_model().save(file)
    return file


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (None, ["int8"]),
        (LossError("loses too much"), ["int8", "float16"]),
        (ValueError("a phone must find all operations"), ["int8"]),
    ],
    ids=["kept", "loses", "broken"],
)
def test_float16_takes_the_place_of_int8_only_where_that_loses_too_much(
    model, data, monkeypatch, error, wanted
):
    tried = []

    def write(sketcher, output, quantize, drawings):
        assert len(drawings) == 4
        tried.append(quantize)
        if quantize == "int8" and error:
            raise error

    monkeypatch.setattr(export, "export", write)
    if type(error) is ValueError:
        with pytest.raises(ValueError, match="all operations"):
            exported(model, data)
    else:
        assert exported(model, data) == model.with_suffix(".tflite")
    assert tried == wanted
