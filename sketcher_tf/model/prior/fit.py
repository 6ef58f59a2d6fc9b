"""Fits the latent prior to the aggregated posterior, after training.

Reference: Ghosh et al. 2020, ex-post density estimation.
"""

import numpy as np
import tensorflow as tf
from scipy.cluster.vq import kmeans2
from scipy.special import ndtri

from sketcher_tf.batch import SketchBatch
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.prior.latent_prior import Mixtures

# A normal number is never that large: the quantile of 1, but finite.
_NEVER = 10.0


def fit_prior(
    model: AISketcher,
    batches: tf.data.Dataset,
    kept: np.ndarray | None = None,
) -> None:
    """Fits the prior of a model.

    Args:
        model: trained; its prior is replaced.
        batches: `SketchBatch`es with one-hot conditions.
        kept: bool [K], the classes whose mixtures stay; None fits all.
    """

    def encode(batch: SketchBatch) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        posterior = model.encode(batch)
        weights = model.prior.class_weights(batch.condition)
        return posterior.mean, posterior.variance, tf.argmax(weights, axis=1)

    graph = tf.function(encode, [batches.element_spec], autograph=False)
    parts = [[x.numpy() for x in graph(batch)] for batch in batches]
    means, variances, classes = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    prior = model.prior
    mixtures = fit_mixtures(
        means,
        variances,
        classes,
        prior.mean.shape[0],
        prior.components,
        prior.rank,
    )
    if kept is not None:
        for name, value in mixtures._asdict().items():
            value[kept] = getattr(prior, name).numpy()[kept]
    prior.assign(mixtures)


def fit_mixtures(
    means: np.ndarray,
    variances: np.ndarray,
    classes: np.ndarray,
    num_classes: int,
    components: int,
    rank: int,
) -> Mixtures:
    """One mixture per class, fitted to the posteriors of its drawings.

    A class with too few drawings for `rank` directions takes the mixture of
    all drawings; one with too few for `components` Gaussians has fewer.

    Args:
        means: [N, Z], posterior means.
        variances: [N, Z], posterior variances.
        classes: int [N], in 0 ... num_classes - 1.
        num_classes: K.
        components: J.
        rank: R.
    """
    everything = _fit_one(means, variances, components, rank)
    fitted = []
    for k in range(num_classes):
        rows = classes == k
        enough = rows.sum() > rank + 1
        fitted.append(
            _fit_one(means[rows], variances[rows], components, rank)
            if enough
            else everything
        )
    return Mixtures(
        *(
            np.stack(part).astype(np.float32)
            for part in zip(*fitted, strict=True)
        )
    )


def _fit_one(
    means: np.ndarray, variances: np.ndarray, components: int, rank: int
) -> Mixtures:
    """The mixture of one class, without the leading K.

    Gaussians sit in the middles of the clusters of k-means; the covariance is
    that of the means about them, plus the mean variance.
    """
    means = means.astype(np.float64)
    centers, cluster = _clusters(means, components, rank)
    offsets = means - centers[cluster]
    # A single latent has its variance as a scalar.
    covariance = np.atleast_2d(offsets.T @ offsets / len(means))
    values, vectors = np.linalg.eigh(covariance)  # ascending
    values, vectors = values[-rank:], vectors[:, -rank:]
    factors = np.zeros((means.shape[1], rank))
    factors[:, : len(values)] = vectors * np.sqrt(np.maximum(values, 0))
    left = np.diag(covariance) - (factors**2).sum(axis=1)
    total = np.maximum(left, 0) + variances.mean(axis=0, dtype=np.float64)
    return Mixtures(
        _thresholds(np.bincount(cluster, minlength=components)),
        np.concatenate(
            [centers, np.repeat(centers[:1], components - len(centers), 0)]
        ),
        np.sqrt(total),
        factors,
    )


def _clusters(
    means: np.ndarray, components: int, rank: int
) -> tuple[np.ndarray, np.ndarray]:
    """Centers [at most J, Z], and the cluster of each row.

    A cluster has to be larger, on average, than the directions that are fitted
    around it, or the mixture would be a list of drawings.
    """
    count = max(1, min(components, len(means) // (rank + 2)))
    count = min(count, len(np.unique(means, axis=0)))
    _, cluster = kmeans2(means, count, minit="++", rng=0, missing="warn")
    _, cluster = np.unique(cluster, return_inverse=True)
    centers = [
        means[cluster == j].mean(axis=0) for j in range(cluster.max() + 1)
    ]
    return np.stack(centers), cluster


def _thresholds(counts: np.ndarray) -> np.ndarray:
    """Standard normal quantiles of cumulative shares, one fewer than counts."""
    shares = np.cumsum(counts)[:-1] / counts.sum()
    return ndtri(shares).clip(-_NEVER, _NEVER)
