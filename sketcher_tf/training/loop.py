"""The training loop: `keras.Model.fit` for replicas under any strategy.

Keras' own knows no workers on several machines and no parts of differing sizes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from sketcher_tf.data.pipeline import replica_batches, worker_batches
from sketcher_tf.data.sharing import Share
from sketcher_tf.model.replicas import ReplicatedModel
from sketcher_tf.training.workers import from_chief

Step = Callable[[Iterator[Any]], dict[str, tf.Tensor]]


class Batches(NamedTuple):
    """Batches to train on.

    Attributes:
        make: makes the dataset of a worker's share.
        steps: how many of its batches are an epoch.
    """

    make: Callable[[Share], tf.data.Dataset]
    steps: int


class Validation(NamedTuple):
    """Batches to validate on: a dataset, and how many of them are a pass."""

    dataset: tf.data.Dataset
    steps: int


def fit(
    model: ReplicatedModel,
    training: Batches,
    epochs: range,
    callbacks: Sequence[keras.callbacks.Callback],
    validation: Validation | None = None,
) -> None:
    """Trains `model`, unless a callback of the chief stops it.

    Args:
        model: made in the scope of its strategy, and compiled.
        training: the batches of all `epochs`.
        epochs: those to do; the ones before have been done.
        callbacks: called at every step and epoch.
        validation: the batches to validate on after each epoch.
    """
    strategy = model.distribute_strategy
    train = _on_replicas(strategy, model.train_step)
    test = _on_replicas(strategy, model.test_step)
    batches = iter(worker_batches(training.make, strategy))
    listeners = keras.callbacks.CallbackList(
        list(callbacks), model=model, epochs=epochs.stop, steps=training.steps
    )
    model.stop_training = False
    listeners.on_train_begin()
    try:
        for epoch in epochs:
            listeners.on_epoch_begin(epoch)
            model.reset_metrics()
            for step in range(training.steps):
                logs = _floats(train(batches))
                listeners.on_train_batch_end(step, logs)
            if validation:
                logs |= _validate(model, test, validation)
            listeners.on_epoch_end(epoch, logs)
            if from_chief(
                strategy, np.array(model.stop_training, np.int32)
            ) != [0]:
                break
    finally:
        listeners.on_train_end()


def _validate(
    model: ReplicatedModel, test: Step, validation: Validation
) -> dict[str, float]:
    batches = iter(
        replica_batches(validation.dataset, model.distribute_strategy)
    )
    model.reset_metrics()
    for _ in range(validation.steps):
        logs = test(batches)
    return {f"val_{name}": value for name, value in _floats(logs).items()}


def _on_replicas(
    strategy: tf.distribute.Strategy, step: Callable[..., Any]
) -> Step:
    """`step` on the next batch, as one graph for all lengths of drawings."""

    @tf.function(autograph=False)
    def run(batches: Iterator[Any]) -> dict[str, tf.Tensor]:
        logs = strategy.run(step, args=(next(batches),))
        # They are the same on every replica.
        return {
            name: strategy.experimental_local_results(value)[0]
            for name, value in logs.items()
        }

    return run


def _floats(logs: dict[str, tf.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}
