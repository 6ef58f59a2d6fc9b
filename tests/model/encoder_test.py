import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.configs import ModelConfig
from sketcher_tf.model.encoder import StrokeEncoder, drawing_lengths

UNITS, LATENT, CONDITION = 4, 3, 2
LENGTHS = [0, 1, 3, 5]
SEEDS = tf.constant([[1, 2], [3, 4]])


def random_encoder(condition_size=CONDITION, dropout=0.0):
    config = ModelConfig(
        encoder_units=UNITS, latent_size=LATENT, recurrent_dropout=dropout
    )
    encoder = StrokeEncoder(config, condition_size)
    rng = np.random.default_rng(0)
    encoder.set_weights(
        [rng.normal(scale=0.5, size=w.shape) for w in encoder.weights]
    )
    return encoder


def random_points(steps=6):
    """Stroke-5 float32 [B, T, 5] of LENGTHS, end tokens behind."""
    points = np.zeros((len(LENGTHS), steps, 5), np.float32)
    rng = np.random.default_rng(1)
    for row, length in zip(points, LENGTHS, strict=True):
        row[:length, :2] = rng.normal(size=(length, 2))
        row[np.arange(length), rng.integers(2, 4, size=length)] = 1
        row[length:, 4] = 1
    return tf.constant(points)


def random_condition(size=CONDITION):
    values = np.random.default_rng(2).random((len(LENGTHS), size))
    return tf.constant(values, tf.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def run_lstm(core, points):
    """All hidden states of one drawing [T, 5], float64."""
    kernel, recurrent_kernel, bias = core.get_weights()
    h = c = np.zeros(UNITS)
    hidden = []
    for point in points:
        i, f, g, o = np.split(point @ kernel + h @ recurrent_kernel + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        hidden.append(h)
    return np.array(hidden)


def test_encodes_each_drawing_on_its_own():
    encoder = random_encoder()
    points, condition = random_points(), random_condition()
    encoding = encoder(points, condition, SEEDS)
    kernel, bias = encoder.projection.get_weights()
    for b, length in enumerate(LENGTHS):
        # An empty drawing still has its end token.
        drawing = points.numpy().astype(np.float64)[b, : max(length, 1)]
        hidden = run_lstm(encoder.forward_rnn, drawing)
        backward = run_lstm(encoder.backward_rnn, drawing[::-1])
        features = np.concatenate([hidden[-1], backward[-1], condition[b]])
        mean, log_var = np.split(features @ kernel + bias, 2)
        np.testing.assert_allclose(encoding.mean[b], mean, atol=1e-5)
        np.testing.assert_allclose(encoding.log_var[b], log_var, atol=1e-5)
        np.testing.assert_allclose(
            encoding.states.forward[b, : len(hidden)], hidden, atol=1e-5
        )


def assert_same_drawings(encoding, other):
    """Equal but for what stands behind the drawings."""
    for one, two in zip(encoding[:2], other[:2], strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)
    for b, length in enumerate(LENGTHS):
        np.testing.assert_allclose(
            encoding.states.forward[b, :length],
            other.states.forward[b, :length],
            rtol=0,
            atol=1e-6,
        )


def test_more_padding_changes_nothing():
    encoder, condition = random_encoder(), random_condition()
    assert_same_drawings(
        encoder(random_points(6), condition, SEEDS),
        encoder(random_points(11), condition, SEEDS),
    )


def test_offsets_in_the_padding_change_nothing():
    encoder, condition = random_encoder(), random_condition()
    points = random_points().numpy()
    changed = points.copy()
    for row, length in zip(changed, LENGTHS, strict=True):
        row[max(length, 1) :, :2] = 7
    assert_same_drawings(
        encoder(points, condition, SEEDS), encoder(changed, condition, SEEDS)
    )


def test_condition_enters_the_posterior_only():
    encoder, points = random_encoder(), random_points()
    first = encoder(points, random_condition(), SEEDS)
    second = encoder(points, random_condition() + 1, SEEDS)
    np.testing.assert_array_equal(first.states.forward, second.states.forward)
    rows = encoder.projection.kernel[2 * UNITS :]
    expected = np.split(np.sum(rows, axis=0), 2)
    for one, two, change in zip(first, second, expected, strict=False):
        np.testing.assert_allclose(
            two - one, np.tile(change, (len(LENGTHS), 1)), atol=1e-5
        )


def test_condition_may_be_left_out():
    encoder = random_encoder(condition_size=0)
    encoding = encoder(random_points(), random_condition(0), SEEDS)
    assert encoding.mean.shape == (len(LENGTHS), LATENT)


def test_posterior_starts_near_the_prior():
    config = ModelConfig(encoder_units=UNITS, latent_size=LATENT)
    encoder = StrokeEncoder(config, CONDITION)
    encoding = encoder(random_points(), random_condition(), SEEDS)
    assert 0 < np.abs(encoding.mean).max() < 0.02
    assert 0 < np.abs(encoding.log_var).max() < 0.02


def test_each_direction_drops_by_its_own_seed():
    encoder = random_encoder(dropout=0.5)
    points, condition = random_points(), random_condition()

    def encode(seeds, training=True):
        return encoder(points, condition, tf.constant(seeds), training=training)

    first = encode([[1, 2], [3, 4]])
    backward = encode([[1, 2], [5, 6]])
    np.testing.assert_array_equal(first.states.forward, backward.states.forward)
    assert np.abs(first.mean - backward.mean).max() > 1e-3
    forward = encode([[5, 6], [3, 4]])
    assert np.abs(first.states.forward - forward.states.forward).max() > 1e-3
    # Not in training, no seed matters.
    np.testing.assert_array_equal(
        encode([[1, 2], [3, 4]], training=False).mean,
        encode([[5, 6], [7, 8]], training=False).mean,
    )


@pytest.mark.parametrize("steps", [6, 9])
def test_drawing_lengths_count_to_the_first_end_token(steps):
    lengths = drawing_lengths(random_points(steps))
    assert lengths.dtype == tf.int32
    assert lengths.numpy().tolist() == LENGTHS


def test_a_drawing_without_end_token_fills_its_row():
    points = random_points()[3:, :5]
    assert drawing_lengths(points).numpy().tolist() == [5]
    assert not np.any(points[..., 4])
