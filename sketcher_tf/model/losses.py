"""The loss of the paper as small pure functions.

    Loss = l_r + alpha max(l_kl, epsilon),  l_kl = l_z + beta l_a

`l_r` is Sketch-RNN's reconstruction loss: the negative log likelihood of the
offsets and of the pen states, summed over a drawing's steps and divided by
N_max. Steps after the first end of sketch count in neither term, so the loss
of a drawing does not depend on how far its batch is padded.

References: Cao et al. 2019 (modified loss); Ha and Eck 2017, equations 8 to 11.
"""

from typing import NamedTuple

import tensorflow as tf

from sketcher_tf.configs import LossConfig
from sketcher_tf.model.mixture import MixtureParams, step_log_probs


class LossTerms(NamedTuple):
    """What the loss is made of: float32 [B], or [] for their means."""

    offset_loss: tf.Tensor
    pen_loss: tf.Tensor
    latent_kl: tf.Tensor
    influence_kl: tf.Tensor
    critic_loss: tf.Tensor


class Losses(NamedTuple):
    """The loss and its parts, float32 []; the critic's is not one of them."""

    loss: tf.Tensor
    reconstruction_loss: tf.Tensor
    kl_loss: tf.Tensor
    offset_loss: tf.Tensor
    pen_loss: tf.Tensor
    latent_kl: tf.Tensor
    influence_kl: tf.Tensor
    critic_loss: tf.Tensor


def reconstruction_losses(
    points: tf.Tensor,
    params: MixtureParams,
    max_seq_len: int,
    weight: tf.Tensor | float = 1.0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Offset and pen loss per drawing, in nats, divided by N_max.

    Args:
        points: stroke-5 float32 [B, T, 5], the drawing and its end tokens.
        params: the predictions for each of them, [B, T, ...].
        max_seq_len: N_max.
        weight: float32 [B, T], what each point counts.

    Returns:
        Two float32 [B].
    """
    offset, pen = step_log_probs(points, params)
    return (
        tf.reduce_sum(-offset * weight, axis=1) / max_seq_len,
        tf.reduce_sum(-pen * weight, axis=1) / max_seq_len,
    )


def gaussian_kl(mean: tf.Tensor, log_var: tf.Tensor) -> tf.Tensor:
    """KL from N(0, I), averaged over the last axis, in nats per latent.

    -1 / (2 n) sum(1 + s - exp(s) - mu^2)
    """
    terms = 1 + log_var - tf.exp(log_var) - tf.square(mean)
    return -0.5 * tf.reduce_mean(terms, axis=-1)


def influence_kl(
    points: tf.Tensor, mean: tf.Tensor, log_var: tf.Tensor
) -> tf.Tensor:
    """l_a per drawing, the mean over its steps, float32 [B].

    Args:
        points: stroke-5 float32 [B, T, 5].
        mean: float32 [B, T, A]; without an influence layer A is 0.
        log_var: float32 [B, T, A].
    """
    if not mean.shape[-1]:
        return tf.zeros([tf.shape(points)[0]])
    drawn = 1 - points[..., 4]
    kl = gaussian_kl(mean, log_var) * drawn
    return tf.math.divide_no_nan(
        tf.reduce_sum(kl, axis=1), tf.reduce_sum(drawn, axis=1)
    )


def kl_weight(config: LossConfig, step: tf.Tensor) -> tf.Tensor:
    """`alpha (1 - (1 - eta_min) R^step)`, the annealed weight."""
    decay = tf.pow(config.kl_decay_rate, tf.cast(step, tf.float32))
    return config.kl_weight * (1 - (1 - config.kl_weight_start) * decay)


def combine(terms: LossTerms, weight: tf.Tensor, config: LossConfig) -> Losses:
    """The loss, from the means of its terms over the whole batch.

    The batch as a whole decides whether its KL is above the floor, as in
    Sketch-RNN.

    Args:
        terms: float32 [] each.
        weight: float32 [], alpha.
        config: epsilon and beta.
    """
    reconstruction = terms.offset_loss + terms.pen_loss
    kl = terms.latent_kl + config.influence_kl_weight * terms.influence_kl
    loss = reconstruction + weight * tf.maximum(kl, config.kl_tolerance)
    return Losses(loss, reconstruction, kl, *terms)
