"""Augmentation of training batches; every part is a function of a seed.

Scales and drops points as Sketch-RNN does (Ha and Eck 2017). The raster X_r
stays that of the drawing as it was made: it is the picture, the strokes are one
way to draw it. Only a mirrored drawing has a mirrored picture.
"""

import tensorflow as tf

from sketcher_tf.batch import Lesson, SketchBatch
from sketcher_tf.configs import DataConfig
from sketcher_tf.data.mirroring import mirror, mirrorable
from sketcher_tf.data.rereading import begun_by_another
from sketcher_tf.schema import Schema
from sketcher_tf.strokes import END_TOKEN

# What the part that another hand has begun counts: the model is to go on from
# there, but not to begin like that itself.
_GIVEN_WEIGHT = 0.1
_READ_AS_MADE = 0.5  # of the drawings begun otherwise, the encoder reads so


def augment(
    batch: SketchBatch, seed: tf.Tensor, config: DataConfig, schema: Schema
) -> SketchBatch | Lesson:
    """Drawings as they are learned from.

    Args:
        batch: drawings.
        seed: int64 [2].
        config: how much is changed.
        schema: of the drawings.
    """
    seeds = tf.random.split(seed, 4)
    if config.mirror:
        shares = config.mirror * mirrorable(schema).astype("float32")
        batch = mirror(batch, seeds[2], shares)
    made = batch.points
    if config.random_scale:
        made = random_scale(made, seeds[0], config.random_scale)
    points = made
    if config.drop_point:
        points = drop_points(made, seeds[1], config.drop_point)
    batch = batch._replace(points=points)
    if config.reread:
        return begin_otherwise(batch, made, seeds[3], config.reread)
    return batch


def begin_otherwise(
    batch: SketchBatch, made: tf.Tensor, seed: tf.Tensor, share: float
) -> Lesson:
    """Has some of the drawings begun by another hand, at any size and place.

    The encoder reads half of them as they were made: that is where latents
    come from when the model goes on with what someone has begun.

    Args:
        batch: drawings as they are.
        made: stroke-5 float32 [B, T, 5], all their points.
        seed: int [2].
        share: of the drawings.
    """
    seeds = tf.random.split(seed, 2)
    begun, given = begun_by_another(made, seeds[0])
    rows, steps = tf.unstack(tf.shape(made)[:2])
    uniform = tf.random.stateless_uniform([2, rows, 1], seeds[1])
    chosen = uniform[0] < share  # [B, 1]
    read = chosen & (uniform[1] >= _READ_AS_MADE)
    less = chosen & tf.sequence_mask(given, steps)  # [B, T]
    return Lesson(
        tf.where(chosen[..., None], begun, batch.points),
        batch.condition,
        batch.image,
        tf.where(read[..., None], begun, batch.points),
        tf.where(less, _GIVEN_WEIGHT, 1.0),
    )


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
