import numpy as np
import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.data.mirroring import mirror, mirrorable
from sketcher_tf.rendering.raster import rasterize, rasterize_stroke3
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import (
    polylines_to_stroke3,
    stroke3_to_polylines,
    stroke3_to_stroke5,
    stroke5_to_stroke3,
)

SEED = tf.constant([3, 4])
LINES = [
    np.array([[0, 10], [90, 0], [40, 70.0]]),
    np.array([[10, 100], [60, 120.0]]),
]


def batch_of(count, words=1):
    points = stroke3_to_stroke5(polylines_to_stroke3(LINES), 8)
    image = rasterize(LINES)[..., None] / np.float32(255)
    condition = np.eye(words, dtype=np.float32)[np.arange(count) % words]
    return SketchBatch(
        tf.constant(np.tile(points, (count, 1, 1))),
        tf.constant(condition),
        tf.constant(np.tile(image, (count, 1, 1, 1))),
    )


def polylines(points):
    return stroke3_to_polylines(stroke5_to_stroke3(points))


def test_left_and_right_are_exchanged_on_the_same_paper():
    result = mirror(batch_of(1), SEED, np.float32([1]))
    for line, before in zip(
        polylines(result.points[0].numpy()), LINES, strict=True
    ):
        np.testing.assert_allclose(line, [90, 0] + [-1, 1] * before)
    drawn = stroke5_to_stroke3(result.points[0].numpy())
    [picture] = rasterize_stroke3([drawn])
    # A line and its mirror image may be a subpixel apart.
    off = np.abs(picture / 255 - result.image[0, ..., 0])
    assert off.mean() < 0.002
    assert np.abs(picture / 255 - batch_of(1).image[0, ..., 0]).mean() > 0.05


def test_each_word_has_its_share():
    count = 4000
    result = mirror(batch_of(count, 2), SEED, np.float32([0.3, 0]))
    changed = (result.points != batch_of(count, 2).points).numpy()
    images = (result.image != batch_of(count, 2).image).numpy()
    changed = changed.any(axis=(1, 2))
    np.testing.assert_array_equal(changed, images.any(axis=(1, 2, 3)))
    assert not changed[1::2].any()
    margin = 5 * np.sqrt(0.3 * 0.7 / (count / 2))
    assert abs(changed[::2].mean() - 0.3) < margin


def test_what_may_be_written_is_not_mirrored():
    words = ("cat", "stop sign", "b", "The Eiffel Tower")
    schema = Schema((Factor("category", words),), 1.0, 9, 8)
    assert mirrorable(schema).tolist() == [True, False, False, True]
    views = Factor("view", ("left", "right"))
    schema = Schema((*schema.factors, views), 1.0, 9, 8)
    assert not mirrorable(schema).any()
