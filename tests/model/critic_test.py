import keras
import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.calibration import calibrate, fit_sharpness
from sketcher_tf.model.critic import agreement, named, summary
from sketcher_tf.schema import Factor, Schema
from tests.testing import toys

SIZES = (3, 2)
SCHEMA = Schema(
    (Factor("what", ("ring", "zigzag", "dot")), Factor("size", ("s", "l"))),
    scale_factor=20.0,
    max_seq_len=12,
    image_size=toys.IMAGE_SIZE,
)
LENGTHS = (5, 12, 1, 8)
SEED = tf.constant([3, 4])


def make_model(critic_units=5, filters=0):
    changes = {
        "model.critic_units": critic_units,
        "model.critic_filters": filters,
    }
    model = AISketcher(toys.CONFIG.replace(changes.items()), SCHEMA)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if not weight.path.startswith(("seed", "prior", "critic")):
            weight.assign(rng.normal(scale=0.4, size=weight.shape))
    for weight in model.critic.weights if model.critic else ():
        if weight.trainable:
            wide = weight.path.startswith(("critic_first", "critic_second"))
            weight.assign(
                rng.normal(scale=0.3 if wide else 1, size=weight.shape)
            )
    if model.critic:
        model.critic.sharpness.assign([1, 1])
    return model


def make_batch(steps=13, seed=0):
    rows = []
    for number, length in enumerate(LENGTHS):
        rng = np.random.default_rng([seed, number])
        points = np.tile(np.array([0, 0, 0, 0, 1], np.float32), (steps, 1))
        points[:length, :2] = rng.normal(size=(length, 2))
        points[:length, 2:] = np.eye(3)[rng.choice(2, length)]
        rows.append(points)
    labels = np.array([[0, 0], [1, 1], [2, 0], [0, 1]])
    images = np.zeros((len(rows), toys.IMAGE_SIZE, toys.IMAGE_SIZE, 1))
    return SketchBatch(
        tf.constant(np.array(rows)),
        tf.constant(SCHEMA.encode(labels)),
        tf.constant(images, tf.float32),
    )


def test_each_factor_has_a_distribution_of_its_own():
    model, batch = make_model(), make_batch()
    log_probs = model.critic_log_probs(batch.points).numpy()
    for part in np.split(np.exp(log_probs), [3], axis=1):
        np.testing.assert_allclose(part.sum(axis=1), 1, rtol=1e-5)
        assert part.std(axis=0).min() > 0  # they tell the drawings apart


@pytest.mark.parametrize("filters", [0, 6])
def test_it_depends_on_the_drawing_alone(filters):
    """Not on how far it is padded, nor on what else is in the batch."""
    model = make_model(filters=filters)
    whole = model.critic_log_probs(make_batch().points)
    padded = model.critic_log_probs(make_batch(steps=20).points)
    np.testing.assert_allclose(whole, padded, atol=1e-5)
    for i in range(len(LENGTHS)):
        alone = model.critic_log_probs(make_batch().points[i : i + 1])
        np.testing.assert_allclose(alone[0], whole[i], atol=1e-5)


def test_summary_is_of_the_points_of_the_drawing():
    model, batch = make_model(), make_batch()
    states = model.encoder.states(batch.points)
    found = np.split(summary(states).numpy(), 6, axis=1)
    for i, length in enumerate(LENGTHS):
        forward = states.forward[i, :length].numpy()
        backward = states.backward[i, :length].numpy()
        expected = [
            *(h[-1] for h in (forward, backward)),
            *(h.mean(axis=0) for h in (forward, backward)),
            *(h.max(axis=0) for h in (forward, backward)),
        ]
        for part, value in zip(found, expected, strict=True):
            np.testing.assert_allclose(part[i], value, atol=1e-6)


def convolved(states, kernel, bias):
    """relu of a convolution, step by step, of one drawing [T, W]."""
    found = []
    for t in range(0, len(states), 2):
        window = [
            states[i] if 0 <= i < len(states) else np.zeros_like(states[0])
            for i in range(t - 2, t + 3)
        ]
        found.append(np.maximum(np.concatenate(window) @ kernel + bias, 0))
    return np.array(found)


def test_features_are_of_the_points_of_the_drawing():
    model, batch = make_model(filters=6), make_batch()
    states = model.encoder.states(batch.points)
    first, second = (
        [weight.numpy() for weight in layer.weights]
        for layer in model.critic.convolutions
    )
    found = model.critic.features(states)
    for i, length in enumerate(LENGTHS):
        # Each point with what has been read when it has been read.
        hidden = np.concatenate(
            [states.forward[i, :length], states.backward[i, :length][::-1]],
            axis=1,
        )
        features = convolved(convolved(hidden, *first), *second)
        expected = np.concatenate([features.mean(axis=0), features.max(axis=0)])
        np.testing.assert_allclose(found[i], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("filters", [0, 6])
def test_it_and_the_rest_learn_apart(filters):
    """Neither loss has a gradient for the other's weights, nor its noise."""
    model, batch = make_model(filters=filters), make_batch()
    with tf.GradientTape(persistent=True) as tape:
        losses = model.losses_of(batch, SEED, tf.constant(0.5), training=True)
    weights = model.trainable_variables
    for loss, is_critics in ((losses.critic_loss, True), (losses.loss, False)):
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        for weight, gradient in zip(weights, gradients, strict=True):
            own = weight.path.startswith("critic") == is_critics
            assert (gradient is not None) is own, weight.path
    plain = make_model(0).losses_of(batch, SEED, tf.constant(0.5), True)
    assert float(losses.loss) == float(plain.loss)
    assert float(losses.critic_loss) > 0
    assert float(plain.critic_loss) == 0


def test_with_a_phase_of_its_own_it_does_not_learn_along():
    phase = [("model.critic_units", 5), ("training.critic_epochs", 1)]
    model = AISketcher(toys.CONFIG.replace(phase), SCHEMA)
    losses = model.losses_of(make_batch(), SEED, tf.constant(0.5), True)
    assert float(losses.critic_loss) == 0
    assert not model.critic.trainable_variables


@pytest.mark.parametrize("filters", [0, 16])
def test_it_learns_what_drawings_show(filters):
    model, batch = make_model(32, filters), make_batch()
    model.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    step = tf.function(model.train_step, autograph=False)
    for _ in range(100):
        step(batch)
    log_probs = model.critic_log_probs(batch.points)
    for part, shown in zip(
        tf.split(log_probs, SIZES, axis=1),
        tf.split(batch.condition, SIZES, axis=1),
        strict=True,
    ):
        np.testing.assert_array_equal(
            tf.argmax(part, axis=1), tf.argmax(shown, axis=1)
        )


def test_dropout_is_for_training_only():
    model, batch = make_model(32), make_batch()
    critic, states = model.critic, model.encoder.states(batch.points)
    calm = critic.logits(states)
    np.testing.assert_array_equal(calm, critic.logits(states))
    one, same, other = (
        critic.logits(states, tf.constant(seed))
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).min() > 0
    assert np.abs(one - calm).min() > 0


def probabilities():
    rng = np.random.default_rng(0)
    return [rng.dirichlet(np.ones(n), size=4) for n in SIZES]


def agreement_of(*condition):
    log_probs = np.log(np.concatenate(probabilities(), axis=1))
    asked = np.tile(np.float32(condition), (4, 1))
    return np.exp(agreement(tf.constant(log_probs, tf.float32), asked, SIZES))


@pytest.mark.parametrize("even", [(0.5, 0.5), (0.9, 0.1)])
def test_agreement_with_a_value_is_its_probability(even):
    what, _ = probabilities()
    found = agreement_of(0, 1, 0, *even)
    np.testing.assert_allclose(found, what[:, 1], rtol=1e-5)


def test_a_blend_may_be_any_of_its_values():
    what, _ = probabilities()
    found = agreement_of(0.7, 0, 0.3, 0.5, 0.5)
    np.testing.assert_allclose(found, what[:, 0] + what[:, 2], rtol=1e-5)


def test_the_worst_factor_decides():
    what, size = probabilities()
    found = agreement_of(1, 0, 0, 0, 1)
    np.testing.assert_allclose(found, np.minimum(what[:, 0], size[:, 1]), 1e-5)


def test_agreement_of_a_model_is_of_what_its_critic_says():
    model, batch = make_model(), make_batch()
    log_probs = model.critic_log_probs(batch.points)
    np.testing.assert_array_equal(
        model.agreement(batch.points, batch.condition),
        agreement(log_probs, batch.condition, SIZES),
    )


def test_the_threshold_is_the_mean_of_what_was_asked_for():
    critic = make_model().critic
    enough = np.log([0.1, 0.2, 0.4, 0.5, 0.8])
    critic.enough.assign(enough)
    asked = np.float32([[0, 1, 0, 1, 0], [0.25, 0, 0.75, 0, 1]])
    np.testing.assert_allclose(
        critic.threshold(tf.constant(asked)),
        [
            (enough[1] + enough[3]) / 2,
            (0.25 * enough[0] + 0.75 * enough[2] + enough[4]) / 2,
        ],
        rtol=1e-6,
    )


def test_a_file_that_does_not_say_what_is_enough_is_loaded():
    critic = make_model().critic
    critic.enough.assign(np.full(5, -3.0))
    critic.load_own_variables({"0": np.float32([2, 3])})
    np.testing.assert_array_equal(critic.sharpness, [2, 3])
    np.testing.assert_array_equal(critic.enough, np.full(5, -3.0))
    critic.load_own_variables({"0": np.float32([2, 3]), "1": np.full(5, -0.5)})
    np.testing.assert_array_equal(critic.enough, np.full(5, -0.5))


def test_named_is_what_has_all_values_right():
    condition = SCHEMA.encode(np.array([[0, 0], [1, 1], [2, 0], [0, 1]]))
    said = SCHEMA.encode(np.array([[0, 0], [2, 1], [2, 1], [0, 1]])) * 0.3
    assert named(said, condition, SIZES).numpy().tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_sharpness_makes_probabilities_true(true):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 5))
    weights = np.exp(true * logits)
    shares = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    labels = (shares < rng.random((4000, 1))).sum(axis=1)
    np.testing.assert_allclose(fit_sharpness(logits, labels), true, rtol=0.1)


def test_calibration_sharpens_each_factor():
    model, batch = make_model(), make_batch()
    calibrate(model, tf.data.Dataset.from_tensors(batch))
    logits = model.critic.logits(model.encoder.states(batch.points)).numpy()
    labels = np.array([[0, 0], [1, 1], [2, 0], [0, 1]])
    expected = [
        fit_sharpness(part, labels[:, k])
        for k, part in enumerate(np.split(logits, [3], axis=1))
    ]
    np.testing.assert_allclose(model.critic.sharpness, expected, rtol=1e-6)
    sharpened = np.concatenate(
        [
            tf.nn.log_softmax(s * part)
            for s, part in zip(
                expected, np.split(logits, [3], axis=1), strict=True
            )
        ],
        axis=1,
    )
    np.testing.assert_allclose(
        model.critic_log_probs(batch.points), sharpened, atol=1e-5
    )


def test_it_is_saved_with_the_model(tmp_path):
    model, batch = make_model(filters=6), make_batch()
    calibrate(model, tf.data.Dataset.from_tensors(batch))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(
        loaded.critic_log_probs(batch.points),
        model.critic_log_probs(batch.points),
    )
