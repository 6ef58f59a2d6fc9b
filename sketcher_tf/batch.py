"""Drawings in batches: for the model, as points on paper, and by strokes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sketcher_tf.schema import Schema
from sketcher_tf.strokes import CLOSED_GAP, FEWEST_ENCLOSING


class SketchBatch(NamedTuple):
    """Drawings of about the same length.

    Attributes:
        points: stroke-5 float32 [B, T, 5], in units of the scale factor, with
            at least one end token after each drawing.
        condition: float32 [B, C].
        image: float32 [B, S, S, 1], the raster X_r, ink 1 on 0.
    """

    points: tf.Tensor
    condition: tf.Tensor
    image: tf.Tensor


class Lesson(NamedTuple):
    """A `SketchBatch` of which the encoder reads other points of the same.

    Attributes:
        points: stroke-5 float32 [B, T, 5], as the decoder is to draw them.
        condition: float32 [B, C].
        image: float32 [B, S, S, 1].
        read: stroke-5 float32 [B, T, 5], as the encoder reads them.
        weight: float32 [B, T], what each of `points` counts.
    """

    points: tf.Tensor
    condition: tf.Tensor
    image: tf.Tensor
    read: tf.Tensor
    weight: tf.Tensor


def batch_of_pixels(
    strokes: np.ndarray | tf.Tensor,
    condition: np.ndarray | tf.Tensor,
    image: np.ndarray | tf.Tensor,
    schema: Schema,
) -> SketchBatch:
    """Drawings as they are drawn, sent and seen, for the model.

    Args:
        strokes: stroke-5 float32 [B, T, 5] in pixels.
        condition: float32 [B, C].
        image: uint8 [B, S, S], ink 255 on 0.
        schema: of the model.
    """
    return SketchBatch(
        tf.convert_to_tensor(strokes / schema.stroke5_scale),
        tf.convert_to_tensor(condition),
        as_input(image),
    )


def as_input(images: np.ndarray | tf.Tensor) -> tf.Tensor:
    """Rasters uint8 [B, S, S], as a network takes them; see `SketchBatch`."""
    return tf.cast(images, tf.float32)[..., None] / 255


class Drawn(NamedTuple):
    """Drawings as points on paper.

    Attributes:
        position: float32 [B, T, 2].
        lifted: bool [B, T], whether the pen is lifted after the point.
        length: int32 [B], how many points there are.
    """

    position: tf.Tensor
    lifted: tf.Tensor
    length: tf.Tensor

    @property
    def exists(self) -> tf.Tensor:
        """Which points are of the drawing, bool [B, T]."""
        return tf.sequence_mask(self.length, tf.shape(self.position)[1])


def on_paper(points: tf.Tensor) -> Drawn:
    """Stroke-5 [B, T, 5] as points on paper, lifted after the last one."""
    drawn = 1 - points[..., 4:]
    length = tf.cast(tf.reduce_sum(drawn, axis=[1, 2]), tf.int32)
    steps = tf.range(1, tf.shape(points)[1] + 1)
    return Drawn(
        tf.cumsum(points[..., :2] * drawn, axis=1),
        (points[..., 3] > 0) | (steps == length[:, None]),
        length,
    )


def as_stroke5(drawn: Drawn) -> tf.Tensor:
    """Inverse of `on_paper`, stroke-5 float32 [B, T, 5]."""
    exists = tf.cast(drawn.exists, tf.float32)[..., None]
    before = tf.pad(drawn.position[:, :-1], [[0, 0], [1, 0], [0, 0]])
    offsets = (drawn.position - before) * exists
    lifted = tf.cast(drawn.lifted, tf.float32)[..., None] * exists
    return tf.concat([offsets, exists - lifted, lifted, 1 - exists], axis=-1)


def size_of(drawn: Drawn) -> tf.Tensor:
    """The longest sides, float32 [B]; what `on_paper` gives."""
    position = drawn.position  # after the end, that of the last point
    sides = tf.reduce_max(position, axis=1) - tf.reduce_min(position, axis=1)
    return tf.reduce_max(sides, axis=-1)


class Strokes(NamedTuple):
    """The strokes of drawings; as many places as points.

    Attributes:
        number: int32 [B, T], of each point's stroke.
        first: int32 [B, T], the point that stroke s begins with.
        count: int32 [B, T], its points; 0 where there is no such stroke.
        low: float32 [B, T, 2], a corner of it.
        high: float32 [B, T, 2], the other one.
    """

    number: tf.Tensor
    first: tf.Tensor
    count: tf.Tensor
    low: tf.Tensor
    high: tf.Tensor

    @classmethod
    def of(cls, drawn: Drawn) -> "Strokes":
        """Finds them by where the pen is lifted."""
        exists, position = drawn.exists, drawn.position
        ends = tf.cast(drawn.lifted & exists, tf.int32)
        number = tf.cumsum(ends, axis=1, exclusive=True)
        count = per_stroke(
            tf.math.unsorted_segment_sum, tf.cast(exists, tf.int32), number
        )
        first = tf.cumsum(count, axis=1, exclusive=True)
        low, high = (
            per_stroke(
                reduce, tf.where(exists[..., None], position, no), number
            )
            for reduce, no in (
                (tf.math.unsorted_segment_min, position.dtype.max),
                (tf.math.unsorted_segment_max, position.dtype.min),
            )
        )
        return cls(number, first, count, low, high)

    def way(self, drawn: Drawn) -> tf.Tensor:
        """From where each begins to where it ends, float32 [B, T, 2]."""
        end = rows_at(drawn.position, self.first + self.count - 1)
        return end - rows_at(drawn.position, self.first)

    def closed(self, drawn: Drawn) -> tf.Tensor:
        """Which end about where they begin, see `is_closed`, bool [B, T]."""
        gap = tf.norm(self.way(drawn), axis=-1)
        extent = tf.reduce_max(self.high - self.low, axis=-1)
        enough = self.count >= FEWEST_ENCLOSING
        return enough & (gap <= CLOSED_GAP * extent)

    def of_points(self, values: tf.Tensor) -> tf.Tensor:
        """Values [B, T, ...] of strokes for each of their points."""
        return tf.gather(values, self.number, batch_dims=1)


def per_stroke(
    reduce: Callable[..., tf.Tensor], values: tf.Tensor, number: tf.Tensor
) -> tf.Tensor:
    """Values [B, T, ...] of points as values [B, T, ...] of their strokes.

    Args:
        reduce: one of TensorFlow's `unsorted_segment_...`.
        values: of the points.
        number: int32 [B, T], of each point's stroke.
    """
    batch, steps = tf.unstack(tf.shape(number))
    segments = number + steps * tf.range(batch)[:, None]
    flat = tf.reshape(values, [batch * steps, *values.shape[2:]])
    found = reduce(flat, tf.reshape(segments, [-1]), batch * steps)
    return tf.reshape(found, tf.shape(values))


def rows_at(values: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Values [B, T, ...] at places [B, T]; those outside do not matter."""
    inside = tf.clip_by_value(index, 0, tf.shape(values)[1] - 1)
    return tf.gather(values, inside, batch_dims=1)
