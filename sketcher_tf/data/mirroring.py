"""Mirrored drawings, of words that a mirror leaves what they are."""

import numpy as np
import tensorflow as tf

from sketcher_tf.batch import SketchBatch, on_paper
from sketcher_tf.data.download import official_categories
from sketcher_tf.schema import Schema

# Words of Quick, Draw! that have letters, digits or hands on them.
_WRITTEN = {
    "alarm clock",
    "ambulance",
    "birthday cake",
    "calculator",
    "calendar",
    "clock",
    "computer",
    "firetruck",
    "hospital",
    "keyboard",
    "laptop",
    "map",
    "passport",
    "police car",
    "postcard",
    "power outlet",
    "radio",
    "school bus",
    "see saw",
    "stop sign",
    "wristwatch",
}


def mirrorable(schema: Schema) -> np.ndarray:
    """Which values a mirrored drawing still has, bool [C].

    Words of Quick, Draw! without writing. Of others nothing is known: they may
    be letters. Of several factors, one may tell left from right.
    """
    things = set(official_categories()) - _WRITTEN
    alone = len(schema.factors) == 1
    return np.array([alone and word in things for word in schema.words])


def mirror(
    batch: SketchBatch, seed: tf.Tensor, shares: np.ndarray
) -> SketchBatch:
    """Exchanges left and right in some drawings and their pictures.

    Args:
        batch: drawings.
        seed: int [2].
        shares: float32 [C], of the drawings of each value.
    """
    uniform = tf.random.stateless_uniform([tf.shape(batch.points)[0]], seed)
    share = tf.linalg.matvec(batch.condition, tf.constant(shares))
    mirrored = (uniform < share)[:, None, None]
    points = batch.points
    # On the paper they had: its right edge is where x is largest.
    width = tf.reduce_max(on_paper(points).position[..., :1], axis=1)
    first = tf.one_hot(0, tf.shape(points)[1])  # [T]
    across = first * width - points[..., 0]
    flipped = tf.concat([across[..., None], points[..., 1:]], axis=-1)
    return batch._replace(
        points=tf.where(mirrored, flipped, points),
        image=tf.where(
            mirrored[..., None], batch.image[:, :, ::-1], batch.image
        ),
    )
