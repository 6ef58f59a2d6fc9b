"""Between the wire, in pixels, and the model, in units of its scale factor."""

import tensorflow as tf

from sketcher_tf.model.encoder import drawing_lengths
from sketcher_tf.request import Prefix
from sketcher_tf.schema import Schema
from sketcher_tf.strokes import END_TOKEN


def from_pixels(strokes: tf.Tensor, schema: Schema) -> Prefix:
    """Drawings float32 [B, P, 5] in pixels, as the model takes them.

    Cut to the longest of them and one end token, so that padding costs nothing.
    """
    length = drawing_lengths(strokes)
    points = tf.pad(strokes, [[0, 0], [0, 1], [0, 0]])
    points = points[:, : tf.reduce_max(length) + 1] / schema.stroke5_scale
    return Prefix(_end_after(points, length), length)


def to_pixels(
    points: tf.Tensor, schema: Schema, before: tf.Tensor | int = 0
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Sketches float32 [B, T, 5], as they are sent.

    Args:
        points: from the model.
        schema: its scale and limit.
        before: how many points the sketches had before these.

    Returns:
        Stroke-5 in pixels, [B, T, 5], how many points of it are drawn, int32
        [B], and whether there was an end token, bool [B]. The point that a
        sketch without end has beyond the model's longest drawing is dropped.
    """
    finished = tf.reduce_any(points[..., 4] > 0, axis=1)
    room = tf.maximum(schema.max_seq_len - before, 0)
    length = tf.minimum(drawing_lengths(points), room)
    strokes = _end_after(points * schema.stroke5_scale, length)
    return strokes, length, finished


def _end_after(points: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    drawn = tf.sequence_mask(length, tf.shape(points)[1])
    return tf.where(drawn[..., None], points, END_TOKEN)
