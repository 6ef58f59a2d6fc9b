"""How well a model foretells real drawings: the terms of its loss.

Reconstruction is the negative log likelihood of a drawing's points given its
own latents, KL how far these are from the prior N(0, I), both in nats. Two
normalisers are reported:

- `losses.py`: the sum over a drawing's steps up to its first end token, over
  N_max;
- Sketch-RNN's (Ha and Eck 2017, equation 9; `get_lossfunc` of its released
  code as it trains and validates): the pen's term goes on over the padding up
  to N_max. A model that was trained with padding masked, as those here, is not
  asked there in training, so the difference says little of its drawings.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sketcher_tf.batch import SketchBatch, batch_of_pixels
from sketcher_tf.evaluation.dataset import Drawings
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.mixture import pen_log_prob
from sketcher_tf.schema import Schema
from sketcher_tf.strokes import stroke3_to_stroke5

_BATCH = 50
_SEED = (0, -1)


class DrawingLosses(NamedTuple):
    """Per drawing, float64 [D].

    Attributes:
        reconstruction: nats over N_max.
        reconstruction_padded: with Sketch-RNN's own normaliser.
        points: the number of points, to turn the sums into nats per point.
        latent_kl: nats per latent of z_s.
        influence_kl: nats per value of a_i, averaged over the steps.
    """

    reconstruction: np.ndarray
    reconstruction_padded: np.ndarray
    points: np.ndarray
    latent_kl: np.ndarray
    influence_kl: np.ndarray


def drawing_losses(model: AISketcher, drawings: Drawings) -> DrawingLosses:
    """The losses of every drawing, in the order of `drawings`.

    Args:
        model: any; its words and raster size must be those of the drawings.
        drawings: none longer than the model's N_max.
    """
    terms = tf.function(
        lambda batch: model.loss_terms(batch, tf.constant(_SEED), False),
        reduce_retracing=True,
    )
    padding = tf.function(
        lambda batch: padding_loss(model, batch), reduce_retracing=True
    )
    order = np.argsort([len(x) for x in drawings.stroke3], kind="stable")
    found = np.zeros([len(drawings), 4])
    for rows in np.split(order, range(_BATCH, len(order), _BATCH)):
        part = drawings.take(rows)
        longest = max(len(x) for x in part.stroke3) + 1
        batch = model_batch(part, model.schema, longest)
        full = model_batch(part, model.schema, model.schema.max_seq_len + 1)
        offset, pen, *kl, _ = (x.numpy() for x in terms(batch))
        found[rows] = np.stack([offset + pen, padding(full), *kl], axis=1)
    reconstruction, padded, latent_kl, influence_kl = found.T
    return DrawingLosses(
        reconstruction,
        reconstruction + padded,
        np.array([len(x) for x in drawings.stroke3], np.float64),
        latent_kl,
        influence_kl,
    )


def padding_loss(model: AISketcher, batch: SketchBatch) -> tf.Tensor:
    """The pen's loss after the first end token, over N_max, float32 [B].

    At the means of the latents.

    Args:
        model: the model.
        batch: points padded to N_max + 1 with end tokens.
    """
    params = model.teacher_forced(
        batch.points, batch.condition, model.encode(batch).mean
    )
    ended = batch.points[..., 4]
    after_end = tf.concat([tf.zeros_like(ended[:, :1]), ended[:, :-1]], axis=1)
    loss = -pen_log_prob(batch.points[..., 2:], params) * after_end
    return tf.reduce_sum(loss, axis=1) / model.schema.max_seq_len


def model_batch(drawings: Drawings, schema: Schema, length: int) -> SketchBatch:
    """Drawings in a model's units, padded to `length` points."""
    points = [stroke3_to_stroke5(x, length) for x in drawings.stroke3]
    condition = schema.encode(drawings.labels_of(schema))
    return batch_of_pixels(np.stack(points), condition, drawings.images, schema)
