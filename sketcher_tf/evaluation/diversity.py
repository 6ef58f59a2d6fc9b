"""How different drawings are: Hamming distances of 64-bit perceptual hashes.

As in the paper's study of diversity, with the hash of the ImageHash package
(the signs of the 8 x 8 lowest frequencies about their median).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import imagehash
import numpy as np
from PIL import Image
from scipy import stats

from sketcher_tf.evaluation.intervals import Estimate, percentile

_RESAMPLES = 1000


@dataclass(frozen=True)
class Spread:
    """Distances of all pairs within each category.

    Attributes:
        mean: of the categories' means, with its bootstrap over drawings.
        sd: of all the distances.
        count: of the drawings.
    """

    mean: Estimate
    sd: float
    count: int


class TTest(NamedTuple):
    """Student's unpaired t-test, two-sided."""

    t: float
    df: float
    p: float


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """uint8 [D, S, S], ink 255 on 0, to 64 bits each, uint8 [D, 8]."""
    bits = [
        imagehash.phash(Image.fromarray(255 - image)).hash.ravel()
        for image in images
    ]
    return np.packbits(np.array(bits, bool).reshape(-1, 64), axis=1)


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Hamming distances of hashes [N, 8] and [M, 8], int64 [N, M]."""
    differing = np.bitwise_count(one[:, None] ^ other[None])
    return differing.sum(axis=-1, dtype=np.int64)


def spread(
    categories: Sequence[np.ndarray], rng: np.random.Generator
) -> Spread | None:
    """The distances of all pairs within each category.

    Pairs share drawings, so they are not independent: the bootstrap draws
    drawings, and leaves out the pairs of a drawing with itself.

    Args:
        categories: hashes [N, 8] each; those below 2 drawings do not count.
        rng: draws the bootstrap.

    Returns:
        None if no category has a pair.
    """
    tables = [distances(h, h) for h in categories if len(h) > 1]
    if not tables:
        return None
    pairs = [table[np.triu_indices(len(table), 1)] for table in tables]
    resampled = np.mean([_resampled_means(t, rng) for t in tables], axis=0)
    return Spread(
        percentile(np.mean([p.mean() for p in pairs]), resampled),
        float(np.concatenate(pairs).std()),
        sum(map(len, tables)),
    )


def _resampled_means(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap of the mean off the diagonal of distances [N, N]."""
    count = len(table)
    weights = rng.multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    total = np.einsum("ri,ij,rj->r", weights, table, weights, optimize=True)
    number = count**2 - (weights**2).sum(axis=1)
    # A resample of one drawing alone has no pair: nothing would differ.
    return total / np.maximum(number, 1)


def independent_distances(
    hashes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Distances of N // 2 random pairs that share no drawing, int64."""
    order = rng.permutation(len(hashes))[: len(hashes) // 2 * 2]
    one, other = hashes[order[::2]], hashes[order[1::2]]
    return np.bitwise_count(one ^ other).sum(axis=1, dtype=np.int64)


def t_test(
    one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray
) -> TTest:
    """Whether the means of two independent samples differ.

    NaN where neither sample has any spread, or one has a single value.
    """
    if min(len(one), len(other)) < 2 or not (np.std(one) or np.std(other)):
        return TTest(float("nan"), len(one) + len(other) - 2.0, float("nan"))
    moments = [
        (np.mean(sample), np.std(sample, ddof=1), len(sample))
        for sample in (one, other)
    ]
    t, p = stats.ttest_ind_from_stats(*moments[0], *moments[1])
    return TTest(float(t), len(one) + len(other) - 2.0, float(p))
