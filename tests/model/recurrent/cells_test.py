"""The recurrent cores: what all share, and the two that are normalised."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.configs import ModelConfig
from sketcher_tf.model.decoder import StrokeDecoder
from sketcher_tf.model.encoder import StrokeEncoder
from sketcher_tf.model.recurrent.cells import recurrent_core
from sketcher_tf.model.recurrent.core import dropout_mask
from sketcher_tf.model.recurrent.hyper_lstm import HyperLSTM
from sketcher_tf.model.recurrent.layer_norm_lstm import LayerNormLSTM
from sketcher_tf.model.recurrent.lstm import SequenceLSTM

BATCH, LENGTH, INPUTS, CONTEXT, UNITS = 2, 6, 3, 2, 5
SEED = tf.constant([3, 4])


def make_core(kind, dtype="float64", **kwargs):
    if kind is HyperLSTM:
        kwargs = {"hyper_units": 4, "embedding_size": 2, **kwargs}
    return kind(UNITS, return_sequences=True, dtype=dtype, **kwargs)


def random_core(kind, context=CONTEXT, **kwargs):
    """A core with random weights, around 1 where they scale."""
    core = make_core(kind, **kwargs)
    core.build((None, None, INPUTS), context and (None, context))
    rng = np.random.default_rng(0)
    for weight in core.weights:
        mean = float("gamma" in weight.name)
        weight.assign(rng.normal(mean, 0.5, size=weight.shape))
    return core


def random_input(dtype=tf.float64):
    """Inputs [B, T, I] and a context [B, C]."""
    rng = np.random.default_rng(1)
    shapes = (BATCH, LENGTH, INPUTS), (BATCH, CONTEXT)
    return [tf.constant(rng.normal(size=shape), dtype) for shape in shapes]


def random_state(core):
    rng = np.random.default_rng(2)
    return core.make_state(
        [tf.constant(rng.normal(size=(BATCH, n))) for n in core.state_sizes]
    )


all_cores = pytest.mark.parametrize(
    "kind", [SequenceLSTM, LayerNormLSTM, HyperLSTM]
)

# --- What all cores share ---------------------------------------------------


@all_cores
def test_looped_steps_equal_the_sequence(kind):
    core = random_core(kind)
    x, context = random_input()
    first = state = random_state(core)
    projected_context = core.project_context(context)
    outputs = []
    for t in range(LENGTH):
        state = core.step(x[:, t], projected_context, state)
        assert type(state) is type(first)
        outputs.append(state[0])
    whole = core(x, context=context, initial_state=first)
    # float64: hoisting the projections changes the order of summation.
    np.testing.assert_allclose(tf.stack(outputs, 1), whole, rtol=0, atol=1e-12)


@all_cores
def test_context_is_an_input_at_every_step(kind):
    core = random_core(kind)
    joint = make_core(kind)
    joint.build((None, None, INPUTS + CONTEXT))
    weights = {w.path.partition("/")[2]: w.numpy() for w in core.weights}
    for weight in joint.weights:
        path = weight.path.partition("/")[2]
        value = weights[path]
        if path.split("/")[-1] == "kernel":
            context_path = path.replace("kernel", "context_kernel")
            value = np.concatenate([value, weights[context_path]])
        weight.assign(value)
    x, context = random_input()
    tiled = tf.tile(context[:, None], [1, LENGTH, 1])
    np.testing.assert_allclose(
        core(x, context=context),
        joint(tf.concat([x, tiled], axis=-1)),
        rtol=0,
        atol=1e-12,
    )


@all_cores
def test_sequences_start_at_zero(kind):
    core = random_core(kind)
    x, context = random_input()
    zeros = core.initial_state(BATCH)
    assert [part.shape[-1] for part in zeros] == list(core.state_sizes)
    np.testing.assert_array_equal(
        core(x, context=context),
        core(x, context=context, initial_state=zeros),
    )
    state = random_state(core)
    for number in range(len(zeros)):
        parts = [*zeros[:number], state[number], *zeros[number + 1 :]]
        other = core(x, context=context, initial_state=core.make_state(parts))
        assert np.abs(other - core(x, context=context)).max() > 1e-3


@all_cores
def test_state_keeps_the_order_of_its_parts(kind):
    core = make_core(kind)
    parts = list("abcd"[: len(core.state_sizes)])
    state = core.make_state(parts)
    assert list(state) == parts
    assert state.h == "a"


@all_cores
def test_every_weight_and_input_has_a_gradient(kind):
    core = random_core(kind)
    x, context = random_input()
    state = random_state(core)
    variables = [w.value for w in core.trainable_weights]

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch([x, context, *state])
            outputs = core(x, context=context, initial_state=state)
            total = tf.reduce_sum(outputs**2)
        return tape.gradient(total, [x, context, *state, *variables])

    for gradient in gradients():
        assert np.abs(gradient).min() > 0


@all_cores
def test_compiled_equals_eager(kind):
    core = random_core(kind, recurrent_dropout=0.5)
    x, context = random_input()

    def run():
        return core(x, context=context, seed=SEED, training=True)

    np.testing.assert_allclose(
        tf.function(run, autograph=False)(), run(), rtol=0, atol=1e-12
    )
    assert np.abs(run() - core(x, context=context, seed=SEED)).max() > 0.01


@all_cores
def test_mixed_bfloat16_is_close_and_stays_float32_outside(kind):
    exact = random_core(kind, dtype="float32")
    mixed = random_core(kind, dtype="mixed_bfloat16")
    x, context = random_input(tf.float32)
    outputs = mixed(x, context=context)
    assert outputs.dtype == tf.float32
    difference = np.abs(outputs - exact(x, context=context)).max()
    assert 1e-5 < difference < 0.1  # bfloat16 has 8 bits
    state = mixed.step(
        x[:, 0], mixed.project_context(context), mixed.initial_state(BATCH)
    )
    assert {part.dtype for part in state} == {tf.float32}


@all_cores
def test_mixed_bfloat16_rounds_nothing_but_matrix_products(kind):
    exact = random_core(kind, dtype="float32")
    mixed = random_core(kind, dtype="mixed_bfloat16")
    for core in (exact, mixed):
        for weight in core.weights:
            if len(weight.shape) > 1:
                weight.assign(tf.zeros(weight.shape))
    x, context = random_input(tf.float32)
    np.testing.assert_array_equal(
        mixed(x, context=context), exact(x, context=context)
    )


@all_cores
def test_core_is_rebuilt_from_its_config(kind):
    core = random_core(kind, recurrent_dropout=0.25)
    config = keras.saving.serialize_keras_object(core)
    other = keras.saving.deserialize_keras_object(config)
    assert type(other) is kind
    assert other.get_config() == core.get_config()
    assert other.recurrent_dropout == 0.25
    other.set_weights(core.get_weights())  # built, like the first
    x, context = random_input()
    np.testing.assert_array_equal(
        other(x, context=context), core(x, context=context)
    )


@pytest.mark.parametrize("kind", [LayerNormLSTM, HyperLSTM])
def test_model_is_saved_and_loaded(kind, tmp_path):
    x = keras.Input((None, INPUTS))
    context = keras.Input((CONTEXT,))
    core = make_core(kind, dtype="float32")
    model = keras.Model([x, context], core(x, context=context))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    values = random_input(tf.float32)
    np.testing.assert_array_equal(model(values), loaded(values))


# --- Against the published equations ----------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def norm(x, gamma, beta):
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta


def weights_of(core):
    """Its own weights; kernel stands for [kernel ; context_kernel]."""
    weights = {
        w.name: w.numpy()
        for w in core.weights
        if w.path == f"{core.path}/{w.name}"
    }
    weights["kernel"] = np.concatenate(
        [weights["kernel"], weights.pop("context_kernel")]
    )
    return weights


def normalised_step(gates, c, w, mask=1.0):
    """From the four gates, not yet normalised, to the new h and c."""
    # Sketch-RNN adds 1 to the forget gate; here it is within beta.
    published_beta = w["gate_beta"] - np.repeat([0, 1, 0, 0], c.shape[-1])
    i, f, g, o = (
        norm(gate, gamma, beta)
        for gate, gamma, beta in zip(
            gates,
            np.split(w["gate_gamma"], 4),
            np.split(published_beta, 4),
            strict=True,
        )
    )
    c = c * sigmoid(f + 1.0) + sigmoid(i) * np.tanh(g) * mask
    h = np.tanh(norm(c, w["cell_gamma"], w["cell_beta"])) * sigmoid(o)
    return h, c


def layer_norm_step(x, h, c, w, mask=1.0):
    kernel = np.concatenate([w["kernel"], w["recurrent_kernel"]])
    gates = np.concatenate([x, h], axis=-1) @ kernel
    return normalised_step(np.split(gates, 4, axis=-1), c, w, mask)


def hyper_step(x, state, w, hyper_w, mask=1.0):
    """The hyper LSTM sees [x ; h]; then each gate's contributions are scaled.

    Gates are numbered: 0 to 3 of the input, 4 to 7 of the recurrence.
    """
    h, c, hyper_h, hyper_c = state
    joint = {
        **hyper_w,
        "kernel": np.concatenate([hyper_w["kernel"], w["feedback_kernel"]]),
    }
    hyper_h, hyper_c = layer_norm_step(
        np.concatenate([x, h], axis=-1), hyper_h, hyper_c, joint
    )
    z = np.split(hyper_h @ w["scale_embedding"] + w["scale_bias"], 8, axis=-1)
    scales = [z[n] @ w["scale_kernel"][n] for n in range(8)]
    z = np.split(hyper_h @ w["shift_embedding"], 4, axis=-1)
    shifts = [z[n] @ w["shift_kernel"][n] for n in range(4)]
    from_x = np.split(x @ w["kernel"], 4, axis=-1)
    from_h = np.split(h @ w["recurrent_kernel"], 4, axis=-1)
    bias = np.split(w["bias"], 4)
    gates = [
        scales[n] * from_x[n] + scales[n + 4] * from_h[n] + shifts[n] + bias[n]
        for n in range(4)
    ]
    return (*normalised_step(gates, c, w, mask), hyper_h, hyper_c)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("kind", [LayerNormLSTM, HyperLSTM])
def test_core_follows_the_published_equations(kind, dropout):
    core = random_core(kind, recurrent_dropout=dropout)
    x, context = random_input()
    state = [part.numpy() for part in random_state(core)]
    masks = np.ones([LENGTH, BATCH, UNITS])
    if dropout:
        masks = dropout_mask(masks.shape, dropout, SEED).numpy()
    w = weights_of(core)
    outputs = []
    for t in range(LENGTH):
        joint = np.concatenate([x[:, t], context], axis=-1)
        if kind is HyperLSTM:
            state = hyper_step(
                joint, state, w, weights_of(core.hyper), masks[t]
            )
        else:
            h, c = state
            state = layer_norm_step(joint, h, c, w, masks[t])
        outputs.append(state[0])
    actual = core(
        x,
        context=context,
        initial_state=random_state(core),
        seed=SEED,
        training=True,
    )
    # float64, so nothing but the order of summation differs.
    np.testing.assert_allclose(
        actual, np.stack(outputs, axis=1), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("kind", [LayerNormLSTM, HyperLSTM])
def test_norms_and_recurrent_kernel_start_as_published(kind):
    core = make_core(kind)
    core.build((None, None, INPUTS))
    np.testing.assert_array_equal(core.gate_gamma, np.ones(4 * UNITS))
    np.testing.assert_array_equal(
        core.gate_beta, np.repeat([0, 1, 0, 0], UNITS)
    )
    np.testing.assert_array_equal(core.cell_gamma, np.ones(UNITS))
    np.testing.assert_array_equal(core.cell_beta, np.zeros(UNITS))
    for gate in np.split(core.recurrent_kernel.numpy(), 4, axis=-1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(UNITS), atol=1e-12)


def test_hyper_lstm_starts_by_scaling_all_gates_alike():
    core = HyperLSTM(UNITS, dtype="float64")
    core.build((None, None, INPUTS))
    assert (core.hyper_units, core.embedding_size) == (256, 32)
    weights = core.step_weights()
    hyper_h = tf.random.stateless_normal([3, 256], SEED, dtype=tf.float64)
    embedding = hyper_h @ weights.scale_embedding + weights.scale_bias
    for number, part in enumerate(tf.split(embedding, 8, axis=-1)):
        np.testing.assert_allclose(part @ weights.scale_kernel[number], 0.1)
    assert not np.any(weights.shift_kernel) and not np.any(weights.bias)
    spread = np.std(weights.shift_embedding)
    np.testing.assert_allclose(spread, 0.01, rtol=0.05)  # of 32,768 draws


# --- Inside the model -------------------------------------------------------


@pytest.mark.parametrize(
    ("rnn", "kind"),
    [
        ("lstm", SequenceLSTM),
        ("layer_norm", LayerNormLSTM),
        ("hyper", HyperLSTM),
    ],
)
def test_config_names_the_core(rnn, kind):
    config = ModelConfig(rnn=rnn, recurrent_dropout=0.25)
    core = recurrent_core(config, 7, name="forward")
    assert type(core) is kind
    assert (core.units, core.name) == (7, "forward")
    assert core.return_sequences and core.recurrent_dropout == 0.25


def small_config(rnn):
    return ModelConfig(
        rnn=rnn,
        encoder_units=4,
        decoder_units=6,
        latent_size=3,
        num_mixtures=2,
        recurrent_dropout=0.0,
    )


@pytest.mark.parametrize("rnn", ["lstm", "layer_norm", "hyper"])
def test_decoder_steps_equal_the_teacher_forced_call(rnn):
    decoder = StrokeDecoder(small_config(rnn), 5, 2)
    inputs = tf.random.stateless_normal([3, 4, 7], SEED)
    context = tf.random.stateless_normal([3, 5], SEED)
    whole = decoder(inputs, context, SEED)
    projected_context, state = decoder.start(context)
    for t in range(4):
        state = decoder.step(projected_context, state, inputs[:, t])
        params = decoder.predict_point(state[0])
        for one, other in zip(params, whole, strict=True):
            # float32, a few roundings per step.
            np.testing.assert_allclose(one, other[:, t], rtol=0, atol=1e-5)


@pytest.mark.parametrize("rnn", ["lstm", "layer_norm", "hyper"])
def test_encoder_trains_with_every_core(rnn):
    encoder = StrokeEncoder(small_config(rnn), 2)
    points = tf.random.stateless_normal([3, 4, 5], SEED) * [1, 1, 1, 1, 0]
    condition = tf.random.stateless_normal([3, 2], SEED)

    @tf.function(autograph=False)
    def run():
        with tf.GradientTape() as tape:
            encoding = encoder(points, condition, tf.zeros([2, 2], tf.int32))
            total = tf.reduce_sum(encoding.mean + encoding.log_var)
        kernels = [
            core.recurrent_kernel.value
            for core in (encoder.forward_rnn, encoder.backward_rnn)
        ]
        return encoding, tape.gradient(total, kernels)

    encoding, gradients = run()
    assert encoding.mean.shape == encoding.log_var.shape == (3, 3)
    assert encoding.states.forward.shape == (3, 4, 4)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
