"""The form in which drawings reach the model."""

from typing import NamedTuple

import tensorflow as tf


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
