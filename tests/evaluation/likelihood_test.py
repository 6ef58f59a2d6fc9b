import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.configs import DataConfig
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.data.pipeline import evaluation_batches
from sketcher_tf.evaluation import likelihood
from sketcher_tf.evaluation.dataset import read_split
from sketcher_tf.evaluation.likelihood import (
    drawing_losses,
    model_batch,
    padding_loss,
)
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.strokes import START_TOKEN
from tests.testing import toys


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return toys.prepare(tmp_path_factory.mktemp("data") / "toys", 20, 2, 7)


@pytest.fixture(scope="module")
def drawings(data):
    return read_split(data, "test", 100)


@pytest.fixture(scope="module")
def model(data):
    """With posteriors so narrow that their noise does not show."""
    model = AISketcher(toys.CONFIG, read_manifest(data).schema)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if not weight.path.startswith("seed"):
            weight.assign(rng.normal(scale=0.4, size=weight.shape))
    for layer, size in (
        (model.encoder.projection, toys.MODEL.latent_size),
        (model.influence, toys.MODEL.influence_size),
    ):
        is_mean = np.repeat([1.0, 0.0], size)
        layer.kernel.assign(layer.kernel.numpy() * is_mean)
        layer.bias.assign(layer.bias.numpy() * is_mean - 30 * (1 - is_mean))
    return model


def test_batches_are_those_of_the_pipeline(data, drawings):
    manifest = read_manifest(data)
    [expected] = evaluation_batches(
        data, manifest, "test", DataConfig(batch_size=100, num_buckets=1)
    )
    found = model_batch(drawings, manifest.schema, expected.points.shape[1])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_losses_are_the_models_own(model, data, drawings, monkeypatch):
    monkeypatch.setattr(likelihood, "_BATCH", 3)
    found = drawing_losses(model, drawings)
    [batch] = evaluation_batches(
        data,
        read_manifest(data),
        "test",
        DataConfig(batch_size=100, num_buckets=1),
    )
    seed = tf.constant([5, 5])
    offset, pen, latent, influence, _ = model.loss_terms(batch, seed, False)
    for one, other in (
        (found.reconstruction, offset + pen),
        (found.latent_kl, latent),
        (found.influence_kl, influence),
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(
        found.points, [len(x) for x in drawings.stroke3]
    )


def test_padding_is_the_pens_loss_after_the_end(model, drawings):
    """Point by point, as Sketch-RNN's code would count it."""
    n_max = model.schema.max_seq_len
    batch = model_batch(drawings, model.schema, n_max + 1)
    context, state = model.start(batch.condition, model.encode(batch).mean)
    point = tf.tile(START_TOKEN[None], [len(drawings), 1])
    ended = np.zeros(len(drawings))
    expected = np.zeros(len(drawings))
    for t in range(n_max + 1):
        params, state = model.step(context, state, point)
        point = batch.points[:, t]
        log_prob = tf.nn.log_softmax(params.pen_logits).numpy()
        expected -= ended * np.sum(log_prob * point[:, 2:], axis=1)
        ended = point.numpy()[:, 4]
    found = padding_loss(model, batch)
    np.testing.assert_allclose(found, expected / n_max, rtol=1e-4)
    losses = drawing_losses(model, drawings)
    np.testing.assert_allclose(
        losses.reconstruction_padded - losses.reconstruction, found, rtol=1e-4
    )
    assert np.all(found > 0)


def test_losses_come_in_the_order_of_the_drawings(model, drawings):
    order = np.arange(len(drawings))[::-1]
    one = drawing_losses(model, drawings)
    other = drawing_losses(model, drawings.take(order))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a[::-1], b, rtol=1e-4, atol=1e-5)
