import keras
import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.model.recurrent.core import LSTMState, dropout_mask
from sketcher_tf.model.recurrent.lstm import (
    SequenceLSTM,
    compiled_scan,
    lstm_scan,
)

# (batch, length, inputs, units)
SHAPES = [(1, 1, 1, 1), (3, 1, 4, 2), (2, 7, 3, 5), (5, 4, 1, 8)]
SEED = tf.constant([3, 4])


def random_tensors(*shapes, dtype=tf.float64):
    rng = np.random.default_rng(len(shapes))
    return [tf.constant(rng.normal(size=shape), dtype) for shape in shapes]


def random_layer(inputs, units, context=None, dtype="float64", **kwargs):
    """A layer that returns sequences, with random weights."""
    layer = SequenceLSTM(units, return_sequences=True, dtype=dtype, **kwargs)
    layer.build((None, None, inputs), context and (None, context))
    rng = np.random.default_rng(0)
    layer.set_weights(
        [rng.normal(scale=0.5, size=w.shape) for w in layer.weights]
    )
    return layer


def weighted_sum(outputs):
    """A scalar that depends on every element of `outputs` in its own way."""
    steps = np.cos(np.arange(outputs.shape.num_elements()))
    weights = tf.constant(steps.reshape(outputs.shape), outputs.dtype)
    return tf.reduce_sum(weights * outputs)


def outputs_and_gradients(function, variables):
    """What `function` returns and the gradient of its weighted sum."""
    with tf.GradientTape() as tape:
        tape.watch(variables)
        outputs = function()
        total = weighted_sum(outputs)
    return outputs, tape.gradient(total, variables)


def finite_differences(function, values, epsilon=1e-5):
    """The gradient of the scalar `function(*values)`, element by element."""
    gradients = []
    for number, value in enumerate(values):
        gradient = np.zeros(value.shape)
        for index in np.ndindex(*value.shape):
            ends = []
            for shift in (epsilon, -epsilon):
                moved = np.array(value)
                moved[index] += shift
                changed = [*values[:number], moved, *values[number + 1 :]]
                ends.append(float(function(*changed)))
            gradient[index] = (ends[0] - ends[1]) / (2 * epsilon)
        gradients.append(gradient)
    return gradients


def assert_all_close(actual, expected, **tolerances):
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, **tolerances)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# --- Against Keras ----------------------------------------------------------


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_lstm_of_keras(shape, with_state):
    batch, length, inputs, units = shape
    ours = random_layer(inputs, units)
    theirs = keras.layers.LSTM(units, return_sequences=True, dtype="float64")
    theirs.build((None, None, inputs))
    theirs.set_weights(ours.get_weights())
    x, *state = random_tensors(
        (batch, length, inputs), (batch, units), (batch, units)
    )
    if not with_state:
        state = []
    results = [
        outputs_and_gradients(
            lambda layer=layer, make=make: layer(x, initial_state=make()),
            [x, *state, *[w.value for w in layer.weights]],
        )
        for layer, make in (
            (ours, lambda: LSTMState(*state) if state else None),
            (theirs, lambda: state or None),
        )
    ]
    (outputs, gradients), (their_outputs, their_gradients) = results
    # float64: what differs is the order of summation.
    np.testing.assert_allclose(outputs, their_outputs, rtol=0, atol=1e-12)
    assert_all_close(gradients, their_gradients, rtol=0, atol=1e-12)


def test_returns_the_last_output_like_keras():
    layer = random_layer(3, 5)
    config = {**layer.get_config(), "return_sequences": False}
    last = SequenceLSTM.from_config(config)
    (x,) = random_tensors((2, 6, 3))
    last.build(x.shape)
    last.set_weights(layer.get_weights())
    np.testing.assert_array_equal(last(x), layer(x)[:, -1])
    assert last.compute_output_shape(x.shape) == (2, 5)
    assert layer.compute_output_shape(x.shape) == (2, 6, 5)


def test_weights_are_those_of_keras():
    layer = SequenceLSTM(4)
    layer.build((None, None, 3))
    theirs = keras.layers.LSTM(4)
    theirs.build((None, None, 3))
    assert [(w.name, w.shape) for w in layer.weights] == [
        (w.name, w.shape) for w in theirs.weights
    ]
    np.testing.assert_array_equal(layer.bias, theirs.weights[-1])


# --- Against finite differences ---------------------------------------------


def test_gradients_of_inputs_and_weights():
    layer = random_layer(2, 3, context=2, recurrent_dropout=0.4)
    values = random_tensors((2, 3, 2), (2, 2), (2, 3), (2, 3))
    values += [tf.constant(weight) for weight in layer.get_weights()]

    def run(x, context, h, c, *weights):
        for variable, weight in zip(layer.weights, weights, strict=True):
            variable.assign(weight)
        return layer(
            x,
            context=context,
            initial_state=LSTMState(tf.constant(h), tf.constant(c)),
            seed=SEED,
            training=True,
        )

    expected = finite_differences(lambda *v: weighted_sum(run(*v)), values)
    _, gradients = outputs_and_gradients(
        lambda: run(*values), values[:4] + [w.value for w in layer.weights]
    )
    # The differences are exact to epsilon squared, 1e-10.
    assert_all_close(gradients, expected, rtol=1e-7, atol=1e-8)


def scan_values():
    """Inputs, context, matrix and first state of 3 steps, 2 rows, 3 units."""
    return random_tensors((3, 2, 4), (2, 12), (7, 12), (2, 3), (2, 3))


def test_gradients_through_the_last_state():
    values = scan_values()
    mask = dropout_mask([3, 2, 3], 0.4, SEED)
    mask = tf.cast(mask, tf.float64)

    def run(*values):
        _, *last = lstm_scan(*values, candidate_mask=mask)
        return tf.concat(last, axis=-1)

    expected = finite_differences(
        lambda *v: weighted_sum(run(*[tf.constant(x) for x in v])), values
    )
    _, gradients = outputs_and_gradients(lambda: run(*values), values)
    assert_all_close(gradients, expected, rtol=1e-7, atol=1e-8)


# --- Recurrent dropout ------------------------------------------------------


def test_dropout_is_on_the_candidate_anew_at_each_step():
    layer = random_layer(3, 4, recurrent_dropout=0.5)
    (x,) = random_tensors((2, 5, 3))
    kernel, recurrent_kernel, bias = layer.get_weights()
    h = c = np.zeros((2, 4))
    outputs = []
    for t, mask in enumerate(dropout_mask([5, 2, 4], 0.5, SEED).numpy()):
        gates = x[:, t] @ kernel + h @ recurrent_kernel + bias
        i, f, g, o = np.split(gates, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * mask * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    actual = layer(x, seed=SEED, training=True)
    np.testing.assert_allclose(
        actual, np.stack(outputs, axis=1), rtol=0, atol=1e-12
    )


def test_dropout_mask_keeps_the_mean():
    mask = dropout_mask([50, 20, 40], 0.3, SEED).numpy()
    assert set(np.unique(mask)) == {0, np.float32(1 / 0.7)}
    # Four standard deviations of the share of 40,000 draws.
    assert abs((mask == 0).mean() - 0.3) < 4 * (0.21 / mask.size) ** 0.5
    # Both numbers made of one drawn are dropped as often, and alone.
    dropped = np.stack([mask[..., ::2], mask[..., 1::2]]).reshape(2, -1) == 0
    assert np.abs(dropped.mean(axis=1) - 0.3).max() < 0.015
    assert abs(np.corrcoef(dropped)[0, 1]) < 0.03


def test_a_steps_mask_does_not_hang_on_the_steps_after_it():
    long, short = (
        dropout_mask([steps, 3, 5], 0.3, SEED).numpy() for steps in (7, 4)
    )
    np.testing.assert_array_equal(long[:4], short)
    assert len(np.unique(long, axis=0)) == 7


def test_dropout_follows_its_seed_and_only_in_training():
    layer = random_layer(3, 4, recurrent_dropout=0.5)
    without = random_layer(3, 4)
    (x,) = random_tensors((2, 5, 3))
    dropped = layer(x, seed=SEED, training=True)
    np.testing.assert_array_equal(dropped, layer(x, seed=SEED, training=True))
    assert np.abs(dropped - layer(x, seed=SEED + 1, training=True)).max() > 0.01
    np.testing.assert_array_equal(layer(x, seed=SEED), without(x))
    np.testing.assert_array_equal(without(x, training=True), without(x))


# --- Eager, compiled, mixed precision ---------------------------------------


def test_compiled_with_any_length_equals_eager():
    layer = random_layer(3, 5, context=2, dtype="float32")
    context, short, long = random_tensors(
        (4, 2), (4, 2, 3), (4, 9, 3), dtype=tf.float32
    )
    weights = [w.value for w in layer.weights]

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, 3]),
            tf.TensorSpec([None, 2]),
        ]
    )
    def compiled(x, context):
        with tf.GradientTape() as tape:
            outputs = layer(x, context=context)
            total = tf.reduce_sum(outputs**2)
        return outputs, tape.gradient(total, weights)

    for x in (short, long):
        with tf.GradientTape() as tape:
            outputs = layer(x, context=context)
            total = tf.reduce_sum(outputs**2)
        gradients = tape.gradient(total, weights)
        compiled_outputs, compiled_gradients = compiled(x, context)
        # float32: the two may fuse multiplications and additions differently.
        np.testing.assert_allclose(outputs, compiled_outputs, atol=1e-6)
        assert_all_close(gradients, compiled_gradients, rtol=1e-5, atol=1e-5)
    assert compiled.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("run", [lstm_scan, tf.function(lstm_scan)])
def test_the_scan_has_a_gradient_of_its_own(run):
    """Which leaves the mask out; automatic differentiation would not."""
    inputs, *others = scan_values()
    mask = tf.ones([3, 2, 3], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([inputs, mask])
        outputs, _, _ = run(inputs, *others, mask)
    d_inputs, d_mask = tape.gradient(outputs, [inputs, mask])
    assert np.abs(d_inputs).min() > 0
    assert d_mask is None


def test_eager_calls_do_not_retrace_for_every_length():
    layer = random_layer(3, 5)
    before = compiled_scan(8, 20).experimental_get_tracing_count()
    for length in range(2, 12):
        layer(tf.zeros([4, length, 3]))
    after = compiled_scan(8, 20).experimental_get_tracing_count()
    assert 1 <= after <= before + 2


def test_xla_comes_to_the_same():
    """As accelerators want it, but on the processor; with noise drawn first."""
    values = scan_values()
    mask = tf.cast(dropout_mask([3, 2, 3], 0.4, SEED), tf.float64)

    def run():
        return outputs_and_gradients(
            lambda: tf.ensure_shape(
                lstm_scan(*values, candidate_mask=mask)[0], mask.shape
            ),
            values,
        )

    (outputs, gradients), (plain, plain_gradients) = (
        tf.function(run, jit_compile=xla, autograph=False)()
        for xla in (True, False)
    )
    np.testing.assert_allclose(outputs, plain, rtol=0, atol=1e-12)
    assert_all_close(gradients, plain_gradients, rtol=0, atol=1e-12)


def test_mixed_bfloat16_is_close_and_stays_float32_outside():
    exact = random_layer(16, 32, context=8, dtype="float32")
    mixed = random_layer(16, 32, context=8, dtype="mixed_bfloat16")
    x, context = random_tensors((4, 10, 16), (4, 8), dtype=tf.float32)
    (outputs, gradients), (mixed_outputs, mixed_gradients) = [
        outputs_and_gradients(
            lambda layer=layer: layer(x, context=context),
            [w.value for w in layer.weights],
        )
        for layer in (exact, mixed)
    ]
    assert mixed_outputs.dtype == tf.float32
    assert {g.dtype for g in mixed_gradients} == {tf.float32}
    difference = np.abs(outputs - mixed_outputs).max()
    assert 1e-5 < difference < 0.1  # bfloat16 has 8 bits
    for one, other in zip(gradients, mixed_gradients, strict=True):
        error = tf.norm(one - other) / tf.norm(one)
        assert error < 0.05
    state = mixed.step(
        x[:, 0], mixed.project_context(context), mixed.initial_state(4)
    )
    assert {part.dtype for part in state} == {tf.float32}


# --- As a Keras layer -------------------------------------------------------


def test_model_is_saved_and_loaded(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((None, 3)),
            SequenceLSTM(4, return_sequences=True, recurrent_dropout=0.25),
            SequenceLSTM(2),
        ]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    (x,) = random_tensors((2, 5, 3), dtype=tf.float32)
    np.testing.assert_array_equal(model(x), loaded(x))
    assert loaded.layers[0].recurrent_dropout == 0.25
    for layer, other in zip(model.layers, loaded.layers, strict=True):
        assert layer.get_config() == other.get_config()
