import zipfile

import h5py
import keras
import numpy as np
import pytest

from export.halving import save_half
from sketcher_tf.sketcher import Sketcher
from tests.testing.exports import WORD, make_model


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def halved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("shared") / "half.keras"
    save_half(model, path)
    return path


def test_weights_are_the_nearest_of_half_precision(model, halved):
    loaded = keras.saving.load_model(halved, compile=False)
    assert len(loaded.weights) == len(model.weights)
    for weight, half in zip(model.weights, loaded.weights, strict=True):
        assert weight.dtype == half.dtype
        kept = weight.numpy()
        if kept.dtype == np.float32:
            kept = kept.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(kept, half.numpy())


def test_two_bytes_are_kept_of_each(halved):
    sizes = set()

    def look(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            sizes.add(item.dtype.itemsize)

    with (
        zipfile.ZipFile(halved) as archive,
        archive.open("model.weights.h5") as weights,
        h5py.File(weights) as file,
    ):
        file.visititems(look)
    assert sizes == {2}


def test_it_draws(halved):
    sketcher = Sketcher.load(halved)
    assert len(sketcher.generate(WORD, count=3)) == 3


def test_it_can_be_halved_again(halved):
    again = halved.with_name("again.keras")
    loaded = keras.saving.load_model(halved, compile=False)
    save_half(loaded, again)
    twice = keras.saving.load_model(again, compile=False)
    for first, second in zip(loaded.weights, twice.weights, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())


def test_a_weight_too_large_is_refused_and_nothing_written(tmp_path):
    model = make_model()
    bias = model.decoder.output_projection.bias
    bias.assign(np.full(bias.shape, 1e5))
    path = tmp_path / "half.keras"
    path.write_bytes(b"the one before")
    with pytest.raises(ValueError, match=r"65504.*received 100000"):
        save_half(model, path)
    assert path.read_bytes() == b"the one before"
