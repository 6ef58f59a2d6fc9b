"""The decoder's output, which a drawing must not find in another batch."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.model.decoder import StrokeDecoder
from tests.testing import toys

ROWS, PACKET = 33, 16


@pytest.fixture(scope="module", params=[384, 512])
def decoder(request):
    """As wide as those of the presets, with outputs of some size."""
    config = dataclasses.replace(
        toys.MODEL, decoder_units=request.param, num_mixtures=20
    )
    decoder = StrokeDecoder(config, context_size=8, influence_size=8)
    kernel = decoder.output_projection.kernel
    noise = np.random.default_rng(1).normal(size=kernel.shape)
    kernel.assign(noise.astype(np.float32))
    return decoder


@pytest.fixture(scope="module")
def hidden(decoder):
    rng = np.random.default_rng(2)
    size = ROWS, decoder.config.decoder_units
    return tf.constant(np.tanh(rng.normal(size=size)), tf.float32)


def test_an_output_is_the_same_alone_and_in_any_batch(decoder, hidden):
    @tf.function(input_signature=[tf.TensorSpec([None, hidden.shape[1]])])
    def predict(rows):
        count = tf.shape(rows)[0]
        params = decoder.predict_alike(-count % PACKET)(rows)
        return [field[:count] for field in params]

    whole = predict(hidden)
    for first, last in ((0, 1), (32, 33), (5, 7), (3, 20)):
        part = predict(hidden[first:last])
        for field, other in zip(part, whole, strict=True):
            np.testing.assert_array_equal(field, other[first:last])


def test_it_is_that_of_training(decoder, hidden):
    alike = decoder.predict_alike(3)(hidden)
    for field, other in zip(alike, decoder.predict_point(hidden), strict=True):
        assert len(field) == ROWS + 3
        np.testing.assert_allclose(field[:ROWS], other, rtol=1e-4, atol=1e-4)
