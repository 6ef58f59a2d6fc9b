"""Every layer of the project can be rebuilt by Keras alone."""

import keras
import numpy as np
import pytest

from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.critic import Critic
from sketcher_tf.model.decoder import StrokeDecoder
from sketcher_tf.model.encoder import StrokeEncoder
from sketcher_tf.model.image_autoencoder import ImageAutoencoder
from sketcher_tf.model.influence import InfluenceLayer
from sketcher_tf.model.objective import SketchLearner
from sketcher_tf.model.prior.latent_prior import LatentPrior
from sketcher_tf.model.recurrent.core import RecurrentCore
from sketcher_tf.model.recurrent.hyper_lstm import HyperLSTM
from sketcher_tf.model.recurrent.layer_norm_lstm import LayerNormLSTM
from sketcher_tf.model.recurrent.lstm import SequenceLSTM
from sketcher_tf.model.replicas import ReplicatedModel
from tests.testing import toys


def built(layer, *shapes):
    layer.build(*shapes)
    return layer


STEPS, CONTEXT = (None, None, 5), (None, 6)
MAKERS = {
    AISketcher: lambda: AISketcher(toys.CONFIG, toys.SCHEMA),
    StrokeEncoder: lambda: StrokeEncoder(toys.MODEL, 2, name="strokes"),
    StrokeDecoder: lambda: StrokeDecoder(toys.MODEL, 6, 3),
    ImageAutoencoder: lambda: ImageAutoencoder(16, 3, 2),
    Critic: lambda: Critic([2, 3], 4, 5, 6),
    LatentPrior: lambda: LatentPrior([2, 3], 4, 3, 2, 2, dtype="float32"),
    InfluenceLayer: lambda: built(InfluenceLayer(3, 9, True), STEPS),
    SequenceLSTM: lambda: built(SequenceLSTM(4, True, 0.2), STEPS, CONTEXT),
    LayerNormLSTM: lambda: built(LayerNormLSTM(4), STEPS, CONTEXT),
    HyperLSTM: lambda: built(HyperLSTM(4, 3, 2), STEPS, CONTEXT),
}


def kinds_of(base):
    """All layers of the model's that derive from a class."""
    for kind in base.__subclasses__():
        if kind.__module__.startswith("sketcher_tf.model"):
            yield kind
        yield from kinds_of(kind)


def test_no_layer_is_missing_here():
    bases = {RecurrentCore, ReplicatedModel, SketchLearner}
    assert set(kinds_of(keras.layers.Layer)) - bases == MAKERS.keys()


@pytest.mark.parametrize("kind", MAKERS, ids=lambda kind: kind.__name__)
def test_a_layer_is_rebuilt_from_its_config(kind):
    layer = MAKERS[kind]()
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert type(again) is kind
    assert again.get_config() == layer.get_config()
    assert layer.weights
    assert [w.shape for w in again.weights] == [w.shape for w in layer.weights]
    again.set_weights(layer.get_weights())
    for one, other in zip(again.weights, layer.weights, strict=True):
        assert one.path.split("/")[1:] == other.path.split("/")[1:]
        np.testing.assert_array_equal(one, other)
