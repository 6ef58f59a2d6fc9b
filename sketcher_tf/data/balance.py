"""Words in balance, so that rich ones do not drown the rest.

A word of n drawings comes in proportion to n^(1 - balance), and all drawings
together as often as there are drawings. So each has a rate, how often it comes
in an epoch; what is not whole is taken in turns. With a rate of 0.4 it comes in
two epochs of five, with one of 1.3 in three of ten twice:

    times in epoch e = floor(rate (e + 1) + phase) - floor(rate e + phase)

The phase, in [0, 1), is the drawing's own, a hash of it and of the seed. That
takes no memory, and what an epoch holds depends on nothing that was before.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

_PHASES = 2**30


def rates(
    counts: Mapping[str, int], words: Sequence[str], balance: float
) -> np.ndarray:
    """How often a drawing of each word comes in an epoch, float64 [W].

    Args:
        counts: the drawings of each word; those without any may lack.
        words: in the order of their numbers.
        balance: 0, drawings as they come, to 1, all words equally often.
    """
    drawings = np.array([counts.get(word, 0) for word in words], float)
    each = np.maximum(drawings, 1) ** -balance
    return each * drawings.sum() / (drawings * each).sum()


def times(rate: tf.Tensor, phase: tf.Tensor, epoch: tf.Tensor) -> tf.Tensor:
    """How often drawings come in an epoch, int64; float64, int64 arguments."""
    start = tf.cast(epoch, tf.float64)
    return tf.cast(
        tf.floor(rate * (start + 1) + phase) - tf.floor(rate * start + phase),
        tf.int64,
    )


def balanced(
    records: tf.data.Dataset,
    rates: np.ndarray,
    num_factors: int,
    seed: int,
    epoch: tf.Tensor,
) -> tf.data.Dataset:
    """Each record as often as it comes in an epoch.

    Args:
        records: serialised examples.
        rates: by the value of their first factor, float64 [W].
        num_factors: how many labels they have.
        seed: of the phases.
        epoch: int64 [].
    """
    features = {"labels": tf.io.FixedLenFeature([num_factors], tf.int64)}

    def repeated(record: tf.Tensor) -> tf.data.Dataset:
        labels = tf.io.parse_single_example(record, features)["labels"]
        number = tf.strings.to_hash_bucket_strong(record, _PHASES, [seed, 0])
        phase = tf.cast(number, tf.float64) / _PHASES
        rate = tf.gather(tf.constant(rates), labels[0])
        same = tf.data.Dataset.from_tensors(record)
        return same.repeat(times(rate, phase, epoch))

    return records.flat_map(repeated)
