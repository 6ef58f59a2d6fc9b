"""Augmentation of training batches, as in Sketch-RNN (Ha and Eck 2017).

Both are functions of a seed. The raster X_r stays that of the drawing as it
was made: it is the picture, the strokes are one way to draw it.
"""

import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.configs import DataConfig
from sketcher_tf.strokes import END_TOKEN


def augment(
    batch: SketchBatch, seed: tf.Tensor, config: DataConfig
) -> SketchBatch:
    """Scales the drawings at random and drops some of their points.

    Args:
        batch: drawings.
        seed: int64 [2].
        config: how much.
    """
    seeds = tf.random.split(seed, 2)
    points = batch.points
    if config.random_scale:
        points = random_scale(points, seeds[0], config.random_scale)
    if config.drop_point:
        points = drop_points(points, seeds[1], config.drop_point)
    return batch._replace(points=points)


def random_scale(
    points: tf.Tensor, seed: tf.Tensor, amount: float
) -> tf.Tensor:
    """Stretches x and y of each drawing by 1 - amount to 1 + amount.

    Args:
        points: stroke-5 float32 [B, T, 5].
        seed: int [2].
        amount: 0 to 1.
    """
    scale = tf.random.stateless_uniform(
        [tf.shape(points)[0], 1, 2], seed, 1 - amount, 1 + amount
    )
    return tf.concat([points[..., :2] * scale, points[..., 2:]], axis=-1)


def drop_points(
    points: tf.Tensor, seed: tf.Tensor, probability: float
) -> tf.Tensor:
    """Leaves out some points in the midst of strokes.

    As in Sketch-RNN, each point with three before it in its stroke, except the
    last of the stroke, may replace the one before it. So the first two and the
    last two points of a stroke stay, and those that stay do not move.

    Args:
        points: stroke-5 float32 [B, T, 5].
        seed: int [2].
        probability: of each such point.

    Returns:
        float32 [B, T, 5]; the points that stay, then end tokens.
    """
    uniform = tf.random.stateless_uniform(tf.shape(points)[:2], seed)
    replaces = _may_replace(points) & (uniform < probability)
    keep = ~tf.pad(replaces[:, 1:], [[0, 0], [0, 1]])
    absolute = tf.cumsum(points[..., :2], axis=1)
    order = tf.argsort(tf.cast(~keep, tf.int32), axis=1, stable=True)
    kept = tf.sequence_mask(
        tf.reduce_sum(tf.cast(keep, tf.int32), axis=1), tf.shape(points)[1]
    )[..., None]
    absolute = tf.gather(absolute, order, batch_dims=1)
    pen = tf.where(
        kept, tf.gather(points[..., 2:], order, batch_dims=1), END_TOKEN[2:]
    )
    before = tf.pad(absolute[:, :-1], [[0, 0], [1, 0], [0, 0]])
    offsets = tf.where(pen[..., 2:] > 0, 0.0, absolute - before)
    return tf.concat([offsets, pen], axis=-1)


def _may_replace(points: tf.Tensor) -> tf.Tensor:
    """Which points are pen down and so are the three before, bool [B, T]."""
    down = points[..., 2] > 0
    since = [
        tf.pad(down[:, :-n], [[0, 0], [n, 0]]) if n else down for n in range(4)
    ]
    return tf.reduce_all(since, axis=0)
