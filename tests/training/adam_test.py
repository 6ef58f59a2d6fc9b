import keras
import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.training.adam import FusedAdam

STEPS = 6
SETTINGS = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4}


def rate():
    return keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)


class Weights(keras.Model):
    """Two weights, and gradients for them that hang on the step alone."""

    def __init__(self, optimizer):
        super().__init__()
        self.a = self.add_weight(name="a", shape=(3, 4), initializer="ones")
        self.b = self.add_weight(name="b", shape=(5,), initializer="zeros")
        self.built = True
        self.compile(optimizer, jit_compile=False)
        self.optimizer.build(self.trainable_variables)

    def go(self, steps):
        for step in steps:
            rng = np.random.default_rng(step)
            gradients = [
                tf.constant(rng.normal(size=w.shape), tf.float32)
                for w in self.trainable_variables
            ]
            self.optimizer.apply_gradients(
                zip(gradients, self.trainable_variables, strict=True)
            )

    def values(self):
        return [np.array(v) for v in [*self.weights, *self.optimizer.variables]]


@pytest.mark.parametrize("settings", [{}, SETTINGS], ids=["usual", "others"])
def test_it_is_adam(settings):
    ours = Weights(FusedAdam(rate(), **settings))
    stock = Weights(keras.optimizers.Adam(rate(), **settings))
    for model in (ours, stock):
        model.go(range(STEPS))
    assert np.abs(ours.values()[0] - 1).min() > 0.01
    for a, b in zip(ours.values(), stock.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_gradients_are_not_added_up_once_more(monkeypatch):
    sums = []
    kept = tf.distribute.ReplicaContext.all_reduce

    def counted(self, reduce_op, value, options=None):
        sums.append(value)
        return kept(self, reduce_op, value, options)

    monkeypatch.setattr(tf.distribute.ReplicaContext, "all_reduce", counted)
    Weights(FusedAdam(rate())).go([0])
    assert not sums
    Weights(keras.optimizers.Adam(rate())).go([0])
    assert sums


@pytest.mark.parametrize("first", [keras.optimizers.Adam, FusedAdam])
def test_it_goes_on_from_a_checkpoint(first, tmp_path):
    """Of Keras' Adam as well, with which older runs were begun."""
    whole = Weights(first(rate()))
    whole.go(range(STEPS // 2))
    whole.save_weights(tmp_path / "last.weights.h5")
    resumed = Weights(FusedAdam(rate()))
    resumed.load_weights(tmp_path / "last.weights.h5")
    for model in (whole, resumed):
        model.go(range(STEPS // 2, STEPS))
    tolerance = 1e-6 if first is keras.optimizers.Adam else 0
    for a, b in zip(whole.values(), resumed.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
