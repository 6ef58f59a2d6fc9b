"""The form in which drawings reach the model."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sketcher_tf.schema import Schema


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
