import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.model.influence import InfluenceLayer

BATCH, STEPS, UNITS, SIZE, MAX_SEQ_LEN = 2, 5, 3, 4, 7

both_kinds = pytest.mark.parametrize("shared", [False, True])


def random_layer(shared, average=False):
    layer = InfluenceLayer(SIZE, MAX_SEQ_LEN, shared, average)
    layer.build((None, None, UNITS))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def random_hidden(steps=STEPS):
    values = np.random.default_rng(1).normal(size=(BATCH, steps, UNITS))
    return tf.constant(values, tf.float32)


@both_kinds
@pytest.mark.parametrize("steps", [1, STEPS, MAX_SEQ_LEN + 1])
def test_equals_the_zero_padded_fully_connected_layer(shared, steps):
    """One matrix [N_max H, 2A] over all hidden states drawn so far."""
    layer = random_layer(shared)
    kernel = layer.kernel.numpy().astype(np.float64)
    if shared:
        kernel = layer.step_weight.numpy()[:, None, None] * kernel
    matrix = kernel.reshape(MAX_SEQ_LEN * UNITS, 2 * SIZE)
    hidden = random_hidden(steps)
    outputs = layer(hidden)
    assert outputs.shape == (BATCH, steps, 2 * SIZE)
    for i in range(steps):
        padded = np.zeros((BATCH, MAX_SEQ_LEN, UNITS))
        padded[:, :i] = hidden[:, :i]
        expected = padded.reshape(BATCH, -1) @ matrix + layer.bias.numpy()
        # float32 and another order of summation.
        np.testing.assert_allclose(outputs[:, i], expected, atol=1e-5)


@both_kinds
def test_the_average_keeps_the_scale_of_a_single_step(shared):
    layer, average = random_layer(shared), random_layer(shared, average=True)
    hidden = random_hidden()
    bias = layer.bias.numpy()
    total, mean = layer(hidden) - bias, average(hidden) - bias
    np.testing.assert_array_equal(mean[:, :2], total[:, :2])
    for i in range(1, STEPS):
        np.testing.assert_allclose(mean[:, i], total[:, i] / i, rtol=1e-5)


@both_kinds
@pytest.mark.parametrize("average", [False, True])
def test_steps_equal_the_whole(shared, average):
    layer = random_layer(shared, average)
    hidden = random_hidden()
    total = layer.initial_state(tf.constant(BATCH))
    totals = [total]
    for index in range(STEPS - 1):
        total = layer.step(total, hidden[:, index], tf.constant(index))
        totals.append(total)
    np.testing.assert_allclose(
        tf.stack(totals, axis=1), layer(hidden), atol=1e-5
    )


@both_kinds
def test_no_future_leaks_in(shared):
    layer = random_layer(shared)
    hidden = random_hidden()
    before = layer(hidden).numpy()
    for j in range(STEPS):
        moved = hidden.numpy()
        moved[0, j] += 1
        change = np.abs(layer(tf.constant(moved)) - before)
        assert not np.any(change[0, : j + 1])  # rows 0 to j
        assert np.all(change[0, j + 1 :] > 1e-3)
        assert not np.any(change[1])  # nor does another drawing


@both_kinds
def test_every_weight_that_was_used_has_a_gradient(shared):
    layer = random_layer(shared)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(random_hidden()) ** 2)
    used = STEPS - 1
    for weight, gradient in zip(
        layer.weights,
        tape.gradient(total, [w.value for w in layer.weights]),
        strict=True,
    ):
        if len(gradient) == MAX_SEQ_LEN:
            assert not np.any(gradient[used:]), weight.name
            gradient = gradient[:used]
        assert np.all(gradient), weight.name


@both_kinds
def test_starts_like_one_fully_connected_layer(shared):
    layer = InfluenceLayer(8, 50, shared)
    layer.build((None, None, 64))
    limit = (6 / (50 * 64 + 16)) ** 0.5
    largest = np.abs(layer.kernel).max()
    assert 0.95 * limit < largest <= limit
    assert layer.kernel.shape == (1 if shared else 50, 64, 16)
    assert not np.any(layer.bias)


def test_variances_start_where_they_are_told():
    layer = InfluenceLayer(8, 50, shared=True, average=True, log_var=-4.0)
    layer.build((None, None, 64))
    mean, log_var = np.split(layer.bias.numpy(), 2)
    assert not mean.any()
    np.testing.assert_array_equal(log_var, -4)
    limit = (6 / (64 + 16)) ** 0.5
    assert 0.95 * limit < np.abs(layer.kernel).max() <= limit


@both_kinds
@pytest.mark.parametrize("average", [False, True])
def test_layer_is_rebuilt_from_its_config(shared, average):
    layer = random_layer(shared, average)
    other = InfluenceLayer.from_config(layer.get_config())
    other.build((None, None, UNITS))
    other.set_weights(layer.get_weights())
    hidden = random_hidden()
    np.testing.assert_array_equal(other(hidden), layer(hidden))
