"""Shares and means with what is known of them: 95 % intervals.

Shares have Wilson's score interval; differences and ratios of two shares are
put together from the Wilson intervals of both (Newcombe 1998, method 10; Donner
and Zou 2012, MOVER-R). Means of drawings have the percentile bootstrap. Pure
functions of NumPy arrays.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
_Z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
_RESAMPLES = 2000


class Estimate(NamedTuple):
    """A value and its interval of 95 % confidence."""

    value: float
    low: float
    high: float


def wilson(share: float, count: float) -> Estimate:
    """Wilson's score interval of a share seen in `count` trials.

    (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Args:
        share: p, 0 to 1.
        count: n, above 0; an effective number need not be whole.

    Raises:
        ValueError: `count` is not above 0, or `share` is none.
    """
    if not (count > 0 and 0 <= share <= 1):
        raise ValueError(
            "a share must be 0 to 1, of more than 0 drawings; received "
            f"{share} of {count}. Judge at least one drawing."
        )
    z = _Z
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = (
        z
        * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
        / (1 + z**2 / count)
    )
    # Rounding must not leave the value outside its own interval.
    return Estimate(
        float(share),
        float(min(max(middle - half, 0), share)),
        float(max(min(middle + half, 1), share)),
    )


def mean_share(hits: Sequence[int], counts: Sequence[int]) -> Estimate:
    """The mean of several categories' shares, each of equal weight.

    Wilson's interval of one share of `W^2 / sum(1 / n_w)` drawings is taken:
    of the sum of all n_w where they are equal, and then the variance is at
    most that of one share. Where a word has far fewer drawings than others,
    and its share is far from theirs, less than 95 % are covered: 92 % for 3
    and 60 drawings with shares of 0.5 and 0.98. Variances summed word by word
    would cover less there, since so few drawings do not tell theirs.

    Args:
        hits: per category.
        counts: n_w, above 0.
    """
    sizes = np.asarray(counts, float)
    share = np.mean(np.asarray(hits, float) / sizes)
    return wilson(float(share), len(sizes) ** 2 / np.sum(1 / sizes))


def difference(one: Estimate, other: Estimate) -> Estimate:
    """`one - other` of two independent shares, Newcombe's hybrid score."""
    value = one.value - other.value
    low = np.hypot(one.value - one.low, other.high - other.value)
    high = np.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, float(value - low), float(value + high))


def ratio(one: Estimate, other: Estimate) -> Estimate:
    """`one / other` of two independent shares, MOVER-R.

    The ends are infinite or NaN where `other` may be 0.
    """
    p, q = one.value, other.value

    def end(r: float, s: float, sign: int) -> float:
        root = (p * q) ** 2 - r * s * (2 * p - r) * (2 * q - s)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(
                np.divide(p * q + sign * np.sqrt(root), s * (2 * q - s))
            )

    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.divide(p, q))
    return Estimate(
        value, end(one.low, other.high, -1), end(one.high, other.low, 1)
    )


def mean(values: np.ndarray, rng: np.random.Generator) -> Estimate:
    """The mean of [N] values, with its percentile bootstrap."""
    values = np.asarray(values, np.float64)
    rows = rng.integers(len(values), size=(_RESAMPLES, len(values)))
    return percentile(values.mean(), values[rows].mean(axis=1))


def percentile(value: float, resampled: np.ndarray) -> Estimate:
    """`value` with the middle 95 % of its resampled values."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))
