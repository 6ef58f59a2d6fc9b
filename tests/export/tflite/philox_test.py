"""The random numbers of phones are TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from export.tflite import philox

_INT32 = st.integers(-(2**31), 2**31 - 1)
_SEEDS = st.lists(st.tuples(_INT32, _INT32), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(_SEEDS, st.integers(1, 9))
def test_uniform_is_tensorflows_bit_for_bit(seeds, count):
    wanted = [tf.random.stateless_uniform([count], seed) for seed in seeds]
    assert np.array_equal(philox.uniform(tf.constant(seeds), count), wanted)


@settings(max_examples=25, deadline=None)
@given(_SEEDS, st.integers(1, 4))
def test_normal_is_tensorflows(seeds, pairs):
    wanted = [tf.random.stateless_normal([2 * pairs], seed) for seed in seeds]
    normal = philox.box_muller(philox.uniform(tf.constant(seeds), 2 * pairs))
    # Near 1 the logarithm is about 1e-7, with as large an error.
    np.testing.assert_allclose(normal, wanted, rtol=1e-5, atol=5e-5)


@settings(max_examples=25, deadline=None)
@given(_SEEDS, _INT32)
def test_fold_in_is_tensorflows(seeds, number):
    wanted = [tf.random.fold_in(seed, number) for seed in seeds]
    folded = philox.fold_in(tf.constant(seeds), tf.constant([number]))
    assert np.array_equal(folded, wanted)


def test_one_seed_is_folded_with_many_numbers():
    seed = tf.constant([[5, -6]])
    numbers = tf.constant([0, 1000, -1])
    wanted = [tf.random.fold_in(seed[0], number) for number in numbers]
    assert np.array_equal(philox.fold_in(seed, numbers), wanted)


def test_more_numbers_begin_with_the_same_ones():
    seeds = tf.constant([[1, 2], [3, 4]])
    few, many = (philox.uniform(seeds, count) for count in (5, 50))
    assert np.array_equal(few, many[:, :5])


# The known answers of the authors' own test file.
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        (
            (0, 0, 0, 0),
            (0, 0),
            (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        ),
        (
            (0xFFFFFFFF,) * 4,
            (0xFFFFFFFF,) * 2,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
    ],
)
def test_philox_gives_the_known_answers(counter, key, words):
    def tensors(numbers):
        return tuple(tf.constant([[n]], tf.uint32) for n in numbers)

    found = philox.philox(tensors(counter), tensors(key))
    assert [int(word[0, 0]) for word in found] == list(words)
