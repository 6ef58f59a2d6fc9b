"""TensorFlow's stateless random numbers, of operations that LiteRT has too.

`tf.random.stateless_*` are no built-in operations of LiteRT. They are Philox
4x32-10, a counter cipher, and that needs only products of 32-bit words, sums
and exclusive ors. So the exported file draws its own noise, bit for bit
as Python does, and no phone needs a port of it.

Seeds are int32 [R, 2], one row per stream; rows do not see each other.
References: Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3;
TensorFlow's random/philox_random.h and stateless_random_ops_v2.
"""

import math

import tensorflow as tf

_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)  # what the keys grow by in each round
# TensorFlow makes a seed a key by one application with this key.
_SCRAMBLING_KEY = (0x3EC8F720, 0x02461E29)
_MANTISSA = 23  # bits of a float32
_SMALLEST = 1e-7  # what a logarithm is taken of at least

_Words = tuple[tf.Tensor, ...]


def uniform(seeds: tf.Tensor, count: int) -> tf.Tensor:
    """As `tf.random.stateless_uniform([count], seed)` row by row.

    Args:
        seeds: int32 [R, 2].
        count: numbers per row.

    Returns:
        float32 [R, count], on [0, 1).
    """
    words = _random_bits(seeds, count)
    above = 32 - _MANTISSA
    lower = _shift(words * _word(1 << above), above)
    return tf.cast(lower, tf.float32) * 2.0**-_MANTISSA


def box_muller(uniform: tf.Tensor) -> tf.Tensor:
    """Standard normals of uniform numbers, float32 [R, N], N even.

    Of `uniform(seeds, N)` it makes what `tf.random.stateless_normal([N], seed)`
    draws, but for the last place of logarithm and sine.

    Reference: Box and Muller 1958.
    """
    first, second = tf.unstack(
        tf.reshape(uniform, [uniform.shape[0], -1, 2]), axis=-1
    )
    radius = tf.sqrt(-2 * tf.math.log(tf.maximum(first, _SMALLEST)))
    angle = 2 * math.pi * second
    both = tf.stack([tf.sin(angle) * radius, tf.cos(angle) * radius], axis=-1)
    return tf.reshape(both, uniform.shape)


def fold_in(seed: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """As `tf.random.fold_in(seed, number)`.

    Args:
        seed: int32 [R, 2].
        numbers: int32 [N], where R or N is 1.

    Returns:
        int32 [R, 2] or [N, 2].
    """
    first = tf.cast(_random_bits(seed, 1)[:, 0], tf.int32)
    return tf.stack(
        [first + tf.zeros_like(numbers), numbers + tf.zeros_like(first)],
        axis=-1,
    )


def philox(counter: _Words, key: _Words) -> _Words:
    """Philox 4x32-10.

    Args:
        counter: four words, uint32 of one shape.
        key: two words, of the same shape.

    Returns:
        Four words.
    """

    def mix(
        number: tf.Tensor, counter: _Words, key: _Words
    ) -> tuple[tf.Tensor, _Words, _Words]:
        xor = tf.bitwise.bitwise_xor
        low0, high0 = _wide_product(counter[0], _MULTIPLIERS[0])
        low1, high1 = _wide_product(counter[2], _MULTIPLIERS[1])
        counter = (
            xor(xor(high1, counter[1]), key[0]),
            low1,
            xor(xor(high0, counter[3]), key[1]),
            low0,
        )
        key = tuple(
            word + _signed(_word(step))
            for word, step in zip(key, _WEYL, strict=True)
        )
        return number + 1, counter, key

    # LiteRT adds no unsigned words; signed ones have the same bits.
    _, words, _ = tf.while_loop(
        lambda number, *_: number < _ROUNDS,
        mix,
        (
            tf.constant(0),
            tuple(_signed(word) for word in counter),
            tuple(_signed(word) for word in key),
        ),
    )
    return tuple(tf.cast(word, tf.uint32) for word in words)


def _random_bits(seeds: tf.Tensor, count: int) -> tf.Tensor:
    """uint32 [R, count], four words from each block."""
    *key, high0, high1 = _scramble(seeds)
    blocks = -(-count // 4)
    numbers = tf.cast(tf.range(blocks), tf.uint32)[None]
    zeros = tf.zeros([seeds.shape[0], blocks], tf.uint32)
    words = philox(
        (numbers + zeros, zeros, high0 + zeros, high1 + zeros),
        tuple(word + zeros for word in key),
    )
    return tf.reshape(tf.stack(words, axis=-1), [-1, 4 * blocks])[:, :count]


def _scramble(seeds: tf.Tensor) -> _Words:
    """Two words of the key, then two of the counter, uint32 [R, 1] each."""
    # As 64-bit numbers the seeds keep their sign.
    signs = tf.cast(_shift(seeds, 31), tf.uint32)
    words = tf.cast(seeds, tf.uint32)
    key = tuple(tf.fill([seeds.shape[0], 1], _word(k)) for k in _SCRAMBLING_KEY)
    return philox((words[:, :1], signs[:, :1], words[:, 1:], signs[:, 1:]), key)


def _wide_product(words: tf.Tensor, factor: int) -> list[tf.Tensor]:
    """The lower and the upper word of unsigned 64-bit products, all int32."""
    unsigned = tf.cast(tf.cast(words, tf.uint32), tf.int64)
    # What overflows as a signed product has the bits of the unsigned one.
    products = unsigned * tf.constant(factor, tf.int64)
    return tf.unstack(tf.bitcast(products, tf.int32), axis=-1)


def _signed(words: tf.Tensor) -> tf.Tensor:
    """The same bits."""
    return tf.cast(words, tf.int32)


def _shift(words: tf.Tensor, bits: int) -> tf.Tensor:
    """To the right."""
    return tf.bitwise.right_shift(words, tf.constant(bits, words.dtype))


def _word(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint32)
