"""The output distribution: a mixture of bivariate Gaussians and a pen state.

    p(dx, dy) = sum_m pi_m N(dx, dy; mu_m, sigma_m, rho_m),  p(pen) = q

Everything here is float32 and pure; densities are evaluated in log space.
References: Graves 2013; Ha and Eck 2017, equations 3 to 6.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import tensorflow as tf

# tanh reaches 1 in float32, and a Gaussian with correlation 1 has no density.
_MAX_CORRELATION = 0.999
_MAX_LOG_SCALE = 8.0  # exp of more than this is no drawing but an overflow
_LEAST_TAU = 1e-30  # at which different float32 logits are worlds apart


class MixtureParams(NamedTuple):
    """What one step predicts; M components.

    Attributes:
        mixture_logits: float32 [..., M].
        loc: float32 [..., M, 2].
        scale: float32 [..., M, 2], standard deviations.
        correlation: float32 [..., M].
        pen_logits: float32 [..., 3], of (p_down, p_up, p_end).
    """

    mixture_logits: tf.Tensor
    loc: tf.Tensor
    scale: tf.Tensor
    correlation: tf.Tensor
    pen_logits: tf.Tensor


class PointNoise(NamedTuple):
    """All the randomness of one point, drawn beforehand.

    Attributes:
        component: float32 [...], uniform on [0, 1), picks the component.
        pen: float32 [...], uniform on [0, 1), picks the pen state.
        offset: float32 [..., 2], standard normal.
    """

    component: tf.Tensor
    pen: tf.Tensor
    offset: tf.Tensor


Sampler: TypeAlias = Callable[[MixtureParams, PointNoise], tf.Tensor]


def raw_size(num_mixtures: int) -> int:
    """How many numbers the network puts out per step."""
    return 6 * num_mixtures + 3


def split_params(raw: tf.Tensor, min_scale: float) -> MixtureParams:
    """Network output [..., 6M + 3] as bounded quantities."""
    num_mixtures = (raw.shape[-1] - 3) // 6
    pen, logits, loc, log_scale, correlation = tf.split(
        tf.cast(raw, tf.float32),
        [3, *(num_mixtures * k for k in (1, 2, 2, 1))],
        axis=-1,
    )
    pair = tf.concat([tf.shape(logits), [2]], axis=0)
    scale = tf.exp(tf.minimum(tf.reshape(log_scale, pair), _MAX_LOG_SCALE))
    return MixtureParams(
        logits,
        tf.reshape(loc, pair),
        scale + min_scale,
        tf.tanh(correlation) * _MAX_CORRELATION,
        pen,
    )


def offset_log_prob(offsets: tf.Tensor, params: MixtureParams) -> tf.Tensor:
    """Log density of pen offsets, in nats.

    log sum_m pi_m N(offset; loc_m, scale_m, correlation_m), as one logsumexp.

    Args:
        offsets: float32 [..., 2], in units of the scale factor.
        params: fields [..., M].

    Returns:
        float32 [...].

    Reference: Ha and Eck 2017, equation 3; Graves 2013, equations 24 and 25.
    """
    x, y = tf.unstack(
        (offsets[..., None, :] - params.loc) / params.scale, axis=-1
    )  # [..., M]
    free = 1 - tf.square(params.correlation)
    distance = tf.square(x) + tf.square(y) - 2 * params.correlation * x * y
    log_prob = (
        -distance / (2 * free)
        - 0.5 * tf.math.log(free)
        - tf.reduce_sum(tf.math.log(params.scale), axis=-1)
        - math.log(2 * math.pi)
    )
    log_weight = tf.nn.log_softmax(params.mixture_logits)
    return tf.reduce_logsumexp(log_weight + log_prob, axis=-1)


def pen_log_prob(pen_state: tf.Tensor, params: MixtureParams) -> tf.Tensor:
    """Log probability of one-hot pen states [..., 3], float32 [...]."""
    return -tf.nn.softmax_cross_entropy_with_logits(
        pen_state, params.pen_logits
    )


def step_log_probs(
    points: tf.Tensor, params: MixtureParams
) -> tuple[tf.Tensor, tf.Tensor]:
    """Log probabilities of a drawing's steps, of their offsets and pen states.

    The end is a step without an offset; what comes after it has neither.

    Args:
        points: stroke-5 float32 [B, T, 5], the drawing and its end tokens.
        params: the predictions for each of them, fields [B, T, ...].

    Returns:
        Two float32 [B, T], in nats; 0 where a step has none.
    """
    drawn = 1 - points[..., 4]  # 1 for the points of the drawing
    # The pen also has to say that the drawing ends, once.
    until_end = tf.concat([tf.ones_like(drawn[:, :1]), drawn[:, :-1]], axis=1)
    return (
        offset_log_prob(points[..., :2], params) * drawn,
        pen_log_prob(points[..., 2:], params) * until_end,
    )


def sampler(temperature: tf.Tensor) -> Sampler:
    """What makes points of predictions at this temperature.

    Both logits are divided by tau, and the variances multiplied by it. At 0 it
    is the mean of the likeliest component and the likeliest pen state: as if
    tau were so small that theirs is the only share.

    Args:
        temperature: float32 [B], tau. What is computed of it is computed here,
            once for all points.

    Returns:
        Takes what the model predicts, fields [B, ...], and noise, fields
        [B, ...], to the points that it picks, stroke-5 float32 [B, 5].

    Reference: Ha and Eck 2017, equation 12.
    """
    temperature = tf.maximum(temperature, 0.0)[:, None]
    tau, spread = tf.maximum(temperature, _LEAST_TAU), tf.sqrt(temperature)

    def sample(params: MixtureParams, noise: PointNoise) -> tf.Tensor:
        component = _pick(params.mixture_logits / tau, noise.component)
        loc = _choose(params.loc, component)
        scale = _choose(params.scale, component) * spread
        correlation = _choose(params.correlation, component)
        first, second = tf.unstack(noise.offset, axis=-1)
        # No power: Grappler makes it a square or not, and they round otherwise.
        free = tf.sqrt(1 - tf.square(correlation))
        mixed = correlation * first + free * second
        offset = loc + scale * tf.stack([first, mixed], axis=-1)
        pen = tf.one_hot(_pick(params.pen_logits / tau, noise.pen), 3)
        # The end token carries no offset, as in training.
        return tf.concat([offset * (1 - pen[:, 2:]), pen], axis=-1)

    return sample


def _choose(field: tf.Tensor, component: tf.Tensor) -> tf.Tensor:
    """Of [B, M, ...] one of M each."""
    return tf.gather(field, component, batch_dims=1)


def _pick(logits: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Inverse CDF: the last choice that begins at u or before, int32 [B]."""
    # No softmax: oneDNN's takes a few rows a tenth of a millisecond.
    shares = tf.exp(tf.nn.log_softmax(logits))
    begins = tf.cumsum(shares, axis=-1, exclusive=True) <= uniform[:, None]
    return tf.reduce_sum(tf.cast(begins, tf.int32), axis=-1) - 1
