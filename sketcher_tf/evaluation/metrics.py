"""What is measured on classified drawings: pure functions of NumPy arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sketcher_tf.evaluation.intervals import (
    Estimate,
    mean_share,
    percentile,
    wilson,
)
from sketcher_tf.schema import Schema

_RESAMPLES = 200
_NEIGHBOURS = 3  # k of precision and recall


class Word(NamedTuple):
    """A value that drawings are of, as `Schema.words` lists it.

    Attributes:
        text: as `Schema.parse` reads it.
        factor: the number of its factor.
        value: its number in the factor.
    """

    text: str
    factor: int
    value: int


def words_of(schema: Schema) -> list[Word]:
    """Every word of a schema, in its order."""
    numbers = (
        (factor, value)
        for factor, f in enumerate(schema.factors)
        for value in range(len(f.values))
    )
    return [
        Word(text, *number)
        for text, number in zip(schema.words, numbers, strict=True)
    ]


@dataclass(frozen=True)
class Recognition:
    """How often the classifier's label is the target.

    Attributes:
        share: the mean over the words that have drawings.
        words: the share of each of these words.
        count: of the drawings.
    """

    share: Estimate
    words: dict[str, Estimate]
    count: int


def recognition(
    target: np.ndarray, labels: np.ndarray, words: list[Word]
) -> Recognition:
    """How often the classifier's name is the right one.

    Args:
        target: int [D], numbers of `words`; D is at least 1.
        labels: int [D, F], what the classifier says, -1 for nothing.
        words: what the numbers mean.
    """
    hits, counts = {}, {}
    for number, word in enumerate(words):
        rows = target == number
        if rows.any():
            hits[word.text] = int(
                np.sum(labels[rows, word.factor] == word.value)
            )
            counts[word.text] = int(rows.sum())
    return Recognition(
        mean_share(list(hits.values()), list(counts.values())),
        {text: wilson(hits[text] / n, n) for text, n in counts.items()},
        sum(counts.values()),
    )


def confusion(
    target: np.ndarray, labels: np.ndarray, words: list[Word]
) -> np.ndarray:
    """How often each word was taken for which, int64 [words, words + 1].

    The last column counts drawings without ink. Words of other factors are
    never taken for one another.
    """
    numbers = {(word.factor, word.value): i for i, word in enumerate(words)}
    table = np.zeros((len(words), len(words) + 1), np.int64)
    for row, said in zip(target, labels, strict=True):
        factor = words[row].factor
        table[row, numbers.get((factor, said[factor]), -1)] += 1
    return table


class FeatureGaussian(NamedTuple):
    """The Gaussian of a set of features.

    Attributes:
        mean: float64 [H].
        root: float64 [min(N, H), H], an X with X^T X = the covariance.
    """

    mean: np.ndarray
    root: np.ndarray


def feature_gaussian(features: np.ndarray) -> FeatureGaussian:
    """The Gaussian of features [N, H], N at least 2."""
    features = features.astype(np.float64)
    mean = features.mean(axis=0)
    root = np.linalg.qr(features - mean, mode="r")
    return FeatureGaussian(mean, root / np.sqrt(len(features) - 1))


def frechet_distance(one: FeatureGaussian, other: FeatureGaussian) -> float:
    """Frechet distance of two Gaussians of features.

    |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    It falls with the number of drawings: compare sets of equal size only.

    Reference: Heusel et al. 2017, equation 6.
    """
    offset = one.mean - other.mean
    # tr (C_1 C_2)^(1/2) is the sum of the singular values of X_1 X_2^T: no
    # root of a nearly singular matrix is needed.
    cross = np.linalg.svd(one.root @ other.root.T, compute_uv=False).sum()
    traces = np.sum(one.root**2) + np.sum(other.root**2)
    return float(max(offset @ offset + traces - 2 * cross, 0.0))


def frechet_estimate(
    features: np.ndarray, reference: FeatureGaussian, rng: np.random.Generator
) -> Estimate:
    """The distance to `reference`, with its bootstrap over drawings.

    The expected distance of N drawings is meant, which is above that of
    infinitely many. A resample repeats drawings, which adds distance once
    more; so the resampled distances are moved to where their mean is the value.

    Args:
        features: float [N, H], N at least 2.
        reference: what they are compared with.
        rng: draws the bootstrap.
    """

    def distance(rows: np.ndarray | slice) -> float:
        return frechet_distance(feature_gaussian(features[rows]), reference)

    value = distance(slice(None))
    draws = rng.integers(len(features), size=(_RESAMPLES, len(features)))
    resampled = np.array([distance(rows) for rows in draws])
    moved = resampled + value - resampled.mean()
    return percentile(value, np.maximum(moved, 0.0))


def nearest(
    queries: np.ndarray, candidates: np.ndarray, chunk: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest candidate of each query, by Euclidean distance.

    Args:
        queries: float [Q, H].
        candidates: float [N, H], N at least 1.
        chunk: queries at a time, to keep memory small.

    Returns:
        Its number, int64 [Q], and its distance, float64 [Q].
    """
    numbers, squares = [], []
    for table in _squared_distances(queries, candidates, chunk):
        numbers.append(table.argmin(axis=1))
        squares.append(table.min(axis=1))
    if not numbers:
        return np.zeros(0, np.int64), np.zeros(0)
    return np.concatenate(numbers), np.sqrt(np.concatenate(squares))


class Coverage(NamedTuple):
    """How two sets of drawings cover each other.

    Attributes:
        precision: share of the drawings that lie among the real ones.
        recall: share of the real ones that lie among the drawings.
    """

    precision: Estimate
    recall: Estimate


def coverage(features: np.ndarray, real: np.ndarray) -> Coverage:
    """Precision and recall of features, k = 3.

    A drawing lies among those of a set if it is no further from one of them
    than that one's third nearest of its own set. Both shares hang on the size
    of the sets: compare sets of equal size only.

    Args:
        features: float [N, H], N at least 1.
        real: float [M, H], M at least 1.

    Reference: Kynkaanniemi et al. 2019, equations 1 and 2.
    """
    return Coverage(_share_among(features, real), _share_among(real, features))


def _share_among(features: np.ndarray, among: np.ndarray) -> Estimate:
    """The share of features [N, H] that lie among others [M, H]."""
    radii = _squared_radii(among)
    inside = [
        (table <= radii).any(axis=1)
        for table in _squared_distances(features, among)
    ]
    return wilson(float(np.concatenate(inside).mean()), len(features))


def _squared_radii(features: np.ndarray) -> np.ndarray:
    """Of each of [M, H], to its third nearest or, of fewer, the last, [M]."""
    kth = min(_NEIGHBOURS, len(features) - 1)  # 0 is the drawing itself
    return np.concatenate(
        [
            np.partition(table, kth, axis=1)[:, kth]
            for table in _squared_distances(features, features)
        ]
    )


def _squared_distances(
    queries: np.ndarray, candidates: np.ndarray, chunk: int = 64
) -> Iterator[np.ndarray]:
    """Of [Q, H] to [N, H], float64 [chunk, N] at a time."""
    candidates = candidates.astype(np.float64)
    norms = np.sum(candidates**2, axis=1)
    for first in range(0, len(queries), chunk):
        part = queries[first : first + chunk].astype(np.float64)
        table = np.sum(part**2, axis=1)[:, None] - 2 * part @ candidates.T
        yield np.maximum(table + norms, 0.0)
