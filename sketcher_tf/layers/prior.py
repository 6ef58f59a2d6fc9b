"""The class-conditional prior over the latents [z_s ; z_r].

    z = m_k + d_k * xi_1 + F_k xi_2,  xi ~ N(0, I)

one Gaussian per combination k of the factors' values: F_k holds its leading
principal directions, d_k what they leave of each latent's variance. It is
fitted to the training set after training, to the aggregated posterior: without
an input drawing, latents from N(0, I) are not what the decoder has learned
from. Soft conditions (half cat, half pig) mix the parameters.
Reference: Ghosh et al. 2020, ex-post density estimation.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf


class Gaussians(NamedTuple):
    """K Gaussians over Z latents, float32.

    Attributes:
        mean: [K, Z].
        diagonal: [K, Z], standard deviations.
        factors: [K, Z, R].
    """

    mean: np.ndarray
    diagonal: np.ndarray
    factors: np.ndarray


class LatentPrior(keras.layers.Layer):
    """See the module. N(0, I) for z_s and 0 for z_r until it is fitted.

    Args:
        factor_sizes: the number of values of each factor of the condition.
        stroke_latents: the width of z_s.
        image_latents: the width of z_r.
        rank: R, directions kept per Gaussian.
    """

    def __init__(
        self,
        factor_sizes: Sequence[int],
        stroke_latents: int,
        image_latents: int,
        rank: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=False, autocast=False, **kwargs)
        self.factor_sizes = tuple(factor_sizes)
        self.rank = rank
        size = stroke_latents + image_latents
        classes = math.prod(self.factor_sizes)
        self.mean = self._constant("mean", np.zeros((classes, size)))
        self.diagonal = self._constant(
            "diagonal",
            np.tile(
                np.repeat([1, 0], [stroke_latents, image_latents]), (classes, 1)
            ),
        )
        self.factors = self._constant(
            "factors", np.zeros((classes, size, rank))
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
        return self.mean.shape[1] + self.rank

    def call(self, condition: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Latents float32 [B, Z].

        Args:
            condition: float32 [B, C].
            noise: float32 [B, noise_size], standard normal.
        """
        weights = self.class_weights(condition)  # [B, K]
        own, shared = tf.split(noise, [self.mean.shape[1], self.rank], axis=-1)
        spread = tf.einsum("bk,kzr,br->bz", weights, self.factors, shared)
        return weights @ self.mean + weights @ self.diagonal * own + spread

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

    def assign(self, gaussians: Gaussians) -> None:
        """Takes over what `fit_gaussians` found."""
        self.mean.assign(gaussians.mean)
        self.diagonal.assign(gaussians.diagonal)
        self.factors.assign(gaussians.factors)


def fit_gaussians(
    means: np.ndarray,
    variances: np.ndarray,
    classes: np.ndarray,
    num_classes: int,
    rank: int,
) -> Gaussians:
    """One Gaussian per class, fitted to the posteriors of its drawings.

    A class with too few drawings for `rank` directions takes the Gaussian of
    all drawings.

    Args:
        means: [N, Z], posterior means.
        variances: [N, Z], posterior variances.
        classes: int [N], in 0 ... num_classes - 1.
        num_classes: K.
        rank: R.
    """
    everything = _fit(means, variances, rank)
    fitted = []
    for k in range(num_classes):
        rows = classes == k
        enough = rows.sum() > rank + 1
        fitted.append(
            _fit(means[rows], variances[rows], rank) if enough else everything
        )
    return Gaussians(
        *(
            np.stack(part).astype(np.float32)
            for part in zip(*fitted, strict=True)
        )
    )


def _fit(
    means: np.ndarray, variances: np.ndarray, rank: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The covariance is that of the means, plus the mean variance."""
    center = means.mean(axis=0, dtype=np.float64)
    # A single latent has its variance as a scalar.
    covariance = np.atleast_2d(np.cov(means, rowvar=False, dtype=np.float64))
    values, vectors = np.linalg.eigh(covariance)  # ascending
    values, vectors = values[-rank:], vectors[:, -rank:]
    factors = np.zeros((means.shape[1], rank))
    factors[:, : len(values)] = vectors * np.sqrt(np.maximum(values, 0))
    left = np.diag(covariance) - (factors**2).sum(axis=1)
    total = np.maximum(left, 0) + variances.mean(axis=0, dtype=np.float64)
    return center, np.sqrt(total), factors
