"""The studio's files: in int8, or in float16 where that loses too much."""

import pytest

from export.studio.__main__ import exported
from export.tflite import export
from export.tflite.metadata import read_metadata
from export.tflite.verify import LOSS_TOLERANCE
from tests.testing import toys
from tests.testing.exports import make_model


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of drawings."""
    return str(toys.prepare(tmp_path_factory.mktemp("toys"), train=2, test=4))


def precision(file):
    return read_metadata(file.read_bytes())["quantization"]


def test_int8_is_taken_where_it_keeps_the_likelihood(data, tmp_path):
    make_model().save(tmp_path / "toy.keras")
    file = exported(tmp_path / "toy.keras", data)
    assert file == tmp_path / "toy.tflite"
    assert precision(file) == "int8"


def test_float16_is_taken_where_int8_loses_too_much(
    data, tmp_path, monkeypatch
):
    monkeypatch.setitem(LOSS_TOLERANCE, "int8", -1.0)  # any loss is too much
    make_model().save(tmp_path / "toy.keras")
    assert precision(exported(tmp_path / "toy.keras", data)) == "float16"


def test_what_fails_otherwise_is_told(data, tmp_path, monkeypatch):
    tried = []

    def fail(content, *arguments):
        tried.append(read_metadata(content)["quantization"])
        raise ValueError("a phone must find all operations built in")

    monkeypatch.setattr(export, "verify", fail)
    make_model().save(tmp_path / "toy.keras")
    with pytest.raises(ValueError, match="built in"):
        exported(tmp_path / "toy.keras", data)
    assert tried == ["int8"]
    assert not (tmp_path / "toy.tflite").exists()
