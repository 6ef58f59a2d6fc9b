import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.data.balance import rates, times

COUNTS = {"cat": 400, "crab": 100, "pig": 25}
WORDS = ("crab", "cat", "unicorn", "pig")


@pytest.mark.parametrize(
    ("balance", "shares"), [(0, [4, 16, 1]), (0.5, [2, 4, 1]), (1, [1, 1, 1])]
)
def test_words_come_in_proportion(balance, shares):
    counts = np.array([COUNTS.get(word, 0) for word in WORDS])
    due = counts * rates(COUNTS, WORDS, balance)
    assert due.sum() == pytest.approx(counts.sum())
    there = due[counts > 0]
    np.testing.assert_allclose(
        there / there.sum(), np.divide(shares, sum(shares))
    )


def test_any_epochs_in_a_row_have_what_is_due_to_within_one():
    rng = np.random.default_rng(0)
    rate, phase = rng.uniform(0, 3, 200), rng.uniform(0, 1, 200)
    come = np.stack(
        [
            times(
                tf.constant(rate), tf.constant(phase), tf.constant(e, tf.int64)
            )
            for e in range(40)
        ]
    )
    for first, last in ((0, 1), (0, 40), (7, 8), (11, 29)):
        off = come[first:last].sum(axis=0) - rate * (last - first)
        assert np.abs(off).max() < 1
    assert come.min() == 0
    # By chance a drawing of rate 1 would be left out of e^-1 of the epochs.
    rate, phase = (tf.constant(x, tf.float64) for x in (1, 0.3))
    whole = times(rate, phase, tf.range(9))
    assert (whole.numpy() == 1).all()
