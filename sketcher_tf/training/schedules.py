"""How the learning rate goes over the steps of a training."""

import keras
import tensorflow as tf

from sketcher_tf.configs import TrainingConfig


@keras.saving.register_keras_serializable(package="sketcher_tf")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """`last + (first - last) f(step)`, and before that a linear rise from 0.

    f falls from 1: exponentially as `decay^step`, as in Sketch-RNN, or on a
    line to 0 at `steps`.

    Args:
        first: the highest rate, without the rise.
        last: the lowest.
        decay: the factor per step; None is the line.
        steps: of the whole training.
        warmup: steps of the rise.
    """

    def __init__(
        self,
        first: float,
        last: float,
        decay: float | None,
        steps: int,
        warmup: int,
    ) -> None:
        self.first = first
        self.last = last
        self.decay = decay
        self.steps = steps
        self.warmup = warmup

    @classmethod
    def of(cls, config: TrainingConfig, steps: int) -> "LearningRate":
        """The schedule that `config` asks for, for `steps` in all."""
        exponential = config.schedule == "exponential"
        return cls(
            config.learning_rate,
            config.min_learning_rate,
            config.learning_rate_decay if exponential else None,
            steps,
            config.warmup_steps,
        )

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        if self.decay is None:
            share = tf.maximum(1 - step / self.steps, 0)
        else:
            share = tf.pow(self.decay, step)
        rate = (self.first - self.last) * share + self.last
        return rate * tf.minimum((step + 1) / (self.warmup + 1), 1)

    def get_config(self) -> dict[str, float | int | None]:
        return {
            "first": self.first,
            "last": self.last,
            "decay": self.decay,
            "steps": self.steps,
            "warmup": self.warmup,
        }
