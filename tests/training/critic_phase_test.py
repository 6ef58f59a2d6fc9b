import keras
import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.batch import Lesson
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.data.pipeline import evaluation_batches
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.training.critic_phase import CriticTraining
from sketcher_tf.training.replay import Replay
from tests.testing import toys

CONFIG = toys.CONFIG.replace(
    {
        "model.critic_units": 16,
        "model.critic_filters": 8,
        "training.critic_epochs": 1,
    }.items()
)


def make_model():
    keras.utils.set_random_seed(0)
    return AISketcher(CONFIG, toys.SCHEMA)


@pytest.fixture(scope="module")
def batch(data):
    batches = evaluation_batches(
        data, read_manifest(data), "train", CONFIG.data
    )
    return next(iter(batches))


def phase_of(model, replay=None):
    phase = CriticTraining(
        model.critic, model.encoder.states, CONFIG.training, replay
    )
    phase.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    phase.optimizer.build(phase.trainable_variables)
    return phase


def test_its_loss_falls_and_only_it_changes(batch):
    model = make_model()
    before = [weight.numpy() for weight in model.weights]
    phase = phase_of(model)
    step = tf.function(phase.train_step, autograph=False)
    first = phase.test_step(batch)
    for _ in range(60):
        step(batch)
    phase.reset_metrics()
    last = phase.test_step(batch)
    assert last["loss"] < 0.7 * first["loss"]
    assert first["accuracy"] < last["accuracy"] == 1
    for weight, old in zip(model.weights, before, strict=True):
        learns = any(weight is own for own in phase.trainable_variables)
        assert learns == weight.path.startswith(
            ("critic_first", "critic_second", "critic_hidden", "critic_output")
        ), weight.path
        assert learns != np.array_equal(weight, old), weight.path


def test_words_that_the_data_lack_are_remembered(batch):
    """By practice of what is replayed; without it they are forgotten."""
    is_ring = batch.condition[:, 0] == 1
    rings, zigzags = (
        tf.nest.map_structure(lambda field, rows=rows: field[rows], batch)
        for rows in (is_ring, ~is_ring)
    )
    replay = Replay(zigzags.points.numpy(), zigzags.condition.numpy())
    shares = []
    for practised in (replay, None):
        phase = phase_of(make_model(), practised)
        step = tf.function(phase.train_step, autograph=False)
        for _ in range(40):
            step(rings)
        phase.reset_metrics()
        shares.append(float(phase.test_step(zigzags)["accuracy"]))
    assert shares == [1, 0]


def test_each_step_drops_other_parts_and_a_test_drops_none(batch):
    phase = phase_of(make_model())
    phase.optimizer.learning_rate = 0.0
    losses = []
    for step in 2 * [phase.train_step] + 2 * [phase.test_step]:
        phase.reset_metrics()
        losses.append(float(step(batch)["loss"]))
    assert len(set(losses)) == 3
    assert losses[2] == losses[3]


def test_it_reads_what_the_encoder_reads(batch):
    drawn, weight = tf.zeros_like(batch.points), tf.ones(batch.points.shape[:2])
    lesson = Lesson(drawn, batch.condition, batch.image, batch.points, weight)
    one, other = (
        phase_of(make_model()).train_step(given)["loss"]
        for given in (batch, lesson)
    )
    assert float(one) == float(other)
