"""A file encodes as its model does, and draws drawings anew."""

import numpy as np
import pytest

from export.tflite import convert
from export.tflite import verify as verification
from export.tflite.picture import picture
from export.tflite.runtime import PhoneSketcher
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3
from tests.testing import toys
from tests.testing.exports import make_model

_CONDITION = toys.SCHEMA.parse("ring")
_LINES = (
    np.float32([[10, 20], [130, 40], [90, 200]]),
    np.float32([[60, 60], [60, 60]]),
)
_SKETCH = Sketch(polylines_to_stroke3(_LINES))


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def phone(model):
    return PhoneSketcher(convert.finish(convert.convert(model), model, "none"))


def test_the_encoder_can_be_left_out(model, phone):
    content = convert.finish(convert.convert(model, False), model, "none")
    assert phone.encodes
    assert not PhoneSketcher(content).encodes


def test_a_picture_is_nearly_that_of_the_training():
    seen = rasterize(_LINES, 64) / 255
    made = picture(_LINES, 64)
    assert made.shape == (64, 64)
    assert np.abs(made - seen)[(made > 0) | (seen > 0)].mean() < 0.07
    assert abs(made.sum() / seen.sum() - 1) < 0.03


def test_a_picture_does_not_depend_on_place_and_size():
    moved = [3 * line + 1000 for line in _LINES]
    np.testing.assert_allclose(picture(moved, 32), picture(_LINES, 32))


def test_a_dot_is_in_the_middle_of_its_picture():
    made = picture([np.float32([[7, 7]])], 16)
    assert made.sum() > 0
    assert np.array_equal(made, made[::-1])
    assert np.array_equal(made, made.T)


def test_latents_tell_drawings_and_words_apart(phone):
    own = phone.encode(_SKETCH, _CONDITION)
    other = Sketch(_SKETCH.stroke3[:2])
    assert np.abs(phone.encode(other, _CONDITION) - own).max() > 0.01
    word = toys.SCHEMA.parse("zigzag")
    assert np.abs(phone.encode(_SKETCH, word) - own).max() > 0.01


def test_a_drawing_is_drawn_anew_where_it_was(phone):
    how = (_CONDITION, 0.5, 0.3, 7)
    drawn = phone.optimize(_SKETCH, *how)
    assert len(drawn.stroke3)
    stroke3 = _SKETCH.stroke3 * np.float32([0.5, 0.5, 1])
    stroke3[0, :2] += (100, 30)
    moved = phone.optimize(Sketch(stroke3), *how)
    assert len(moved.polylines) == len(drawn.polylines)
    # Of its box, the upper left corner stays where it was.
    corner = np.float32([10, 20])
    for line, wanted in zip(moved.polylines, drawn.polylines, strict=True):
        at = (wanted - corner) / 2 + corner / 2 + (100, 30)
        np.testing.assert_allclose(line, at, atol=1e-3)


def test_all_the_way_is_one_of_the_ways_of_the_word(phone):
    noise = phone.run("noise", seed=np.int32([[7, 1]]))
    ways = phone._ways(
        _CONDITION, noise["candidates"], phone.encode(_SKETCH, _CONDITION)
    )
    assert len(ways) > 1
    progress = phone.run(
        "start", condition=_CONDITION[None], latents=ways[1][None]
    )
    points = phone._draw(progress, noise, 0.3, 0)
    wanted = phone._sketch(points)
    drawn = phone.optimize(_SKETCH, _CONDITION, 1.0, 0.3, 7, variant=1)
    assert np.array_equal(drawn.stroke3[:, 2], wanted.stroke3[:, 2])


def test_a_file_that_encodes_otherwise_is_told(model, phone, monkeypatch):
    found = verification._phone_latents
    verification._compare_latents(phone, Sketcher(model), 0)
    monkeypatch.setattr(
        verification, "_phone_latents", lambda *given: found(*given) + 0.001
    )
    with pytest.raises(ValueError, match="must encode as its model does"):
        verification._compare_latents(phone, Sketcher(model), 0)
