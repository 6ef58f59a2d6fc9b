"""The class-conditional prior over the latents [z_s ; z_r].

    z = m_kj + sqrt(tau) (d_k * xi_1 + F_k xi_2),  xi ~ N(0, I),  j ~ w_k

one mixture of Gaussians per combination k of the factors' values: people draw
a category in a few different ways, j. Its Gaussians share a covariance, of
which F_k holds the leading principal directions and d_k what they leave of each
latent's variance. It is fitted to the training set after training, to the
aggregated posterior: without an input drawing, latents from N(0, I) are not
what the decoder has learned from. Soft conditions (half cat, half pig) mix the
latents of the same noise. The temperature tau multiplies variances, as
Sketch-RNN's does those of the points.
Reference: Ghosh et al. 2020, ex-post density estimation.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf


class Mixtures(NamedTuple):
    """K mixtures of J Gaussians over Z latents, float32.

    Attributes:
        thresholds: [K, J - 1], standard normal quantiles of the cumulative
            weights: a normal number above j of them picks Gaussian j.
        mean: [K, J, Z].
        diagonal: [K, Z], standard deviations.
        factors: [K, Z, R].
    """

    thresholds: np.ndarray
    mean: np.ndarray
    diagonal: np.ndarray
    factors: np.ndarray


@keras.saving.register_keras_serializable(package="sketcher_tf")
class LatentPrior(keras.layers.Layer):
    """See the module. N(0, I) for z_s and 0 for z_r until it is fitted.

    Args:
        factor_sizes: the number of values of each factor of the condition.
        stroke_latents: the width of z_s.
        image_latents: the width of z_r.
        components: J, Gaussians per combination of values.
        rank: R, directions kept of their covariance.
    """

    def __init__(
        self,
        factor_sizes: Sequence[int],
        stroke_latents: int,
        image_latents: int,
        components: int,
        rank: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **{"trainable": False, **kwargs})
        self.factor_sizes = tuple(factor_sizes)
        self.stroke_latents = stroke_latents
        self.image_latents = image_latents
        self.components = components
        self.rank = rank
        self.size = stroke_latents + image_latents
        classes = math.prod(self.factor_sizes)
        normal = np.repeat([1, 0], [stroke_latents, image_latents])
        self.thresholds = self._constant(
            "thresholds", np.zeros((classes, components - 1))
        )
        self.mean = self._constant(
            "mean", np.zeros((classes, components, self.size))
        )
        self.diagonal = self._constant(
            "diagonal", np.tile(normal, (classes, 1))
        )
        self.factors = self._constant(
            "factors", np.zeros((classes, self.size, rank))
        )
        self.built = True

    def _constant(self, name: str, value: np.ndarray) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=value.shape,
            initializer=lambda shape, dtype: tf.constant(value, dtype),
            trainable=False,
        )

    @property
    def noise_size(self) -> int:
        """How many standard normals `call` takes per sketch."""
        return self.size + self.rank + 1

    def call(
        self, condition: tf.Tensor, noise: tf.Tensor, temperature: tf.Tensor
    ) -> tf.Tensor:
        """Latents float32 [B, Z].

        Args:
            condition: float32 [B, C].
            noise: float32 [B, noise_size], standard normal.
            temperature: float32 [B], tau; 0 takes the middle of a Gaussian.
        """
        weights = self.class_weights(condition)  # [B, K]
        own, shared, pick = tf.split(noise, [self.size, self.rank, 1], axis=-1)
        above = tf.cast(pick[:, :, None] > self.thresholds, tf.int32)
        picked = tf.one_hot(tf.reduce_sum(above, axis=-1), self.components)
        mean = _mix(weights, picked, self.mean)
        directions = tf.transpose(self.factors, [0, 2, 1])  # [K, R, Z]
        spread = _mix(weights, shared[:, None], directions)
        deviation = tf.sqrt(temperature)[:, None]
        return mean + deviation * (weights @ self.diagonal * own + spread)

    def class_weights(self, condition: tf.Tensor) -> tf.Tensor:
        """The weight of every combination, float32 [B, K], summing to 1."""
        blocks = tf.split(condition, self.factor_sizes, axis=-1)
        weights = blocks[0]
        for block in blocks[1:]:
            product = weights[:, :, None] * block[:, None, :]
            weights = tf.reshape(
                product, [-1, weights.shape[1] * block.shape[1]]
            )
        return weights

    def assign(self, mixtures: Mixtures) -> None:
        """Takes over what `fit` found."""
        for name, value in mixtures._asdict().items():
            getattr(self, name).assign(value)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor_sizes": list(self.factor_sizes),
            "stroke_latents": self.stroke_latents,
            "image_latents": self.image_latents,
            "components": self.components,
            "rank": self.rank,
        }


def _mix(weights: tf.Tensor, parts: tf.Tensor, tables: tf.Tensor) -> tf.Tensor:
    """sum_kn weights_k parts_kn tables_kn, as one product, float32 [B, Z].

    Args:
        weights: float32 [B, K].
        parts: float32 [B, K, N] or [B, 1, N].
        tables: float32 [K, N, Z].
    """
    rows = tables.shape[0] * tables.shape[1]
    outer = tf.reshape(weights[:, :, None] * parts, [-1, rows])
    return outer @ tf.reshape(tables, [rows, -1])
