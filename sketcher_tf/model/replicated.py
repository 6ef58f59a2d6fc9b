"""The base of what is trained: steps that replicas can share.

With `R` replicas every step is the step of a single one on the whole batch:
losses are means over the whole batch, gradients are added up before they are
clipped, and the logs are the same everywhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from sketcher_tf.model.replicas import batch_size


class EpochMean(keras.metrics.Mean):
    """A running mean that is no part of a saved model.

    Saving it would be a step that all replicas have to take together, and
    files are written by one worker alone.
    """

    def save_own_variables(self, store: dict[str, Any]) -> None:
        pass

    def load_own_variables(self, store: dict[str, Any]) -> None:
        pass


class ReplicatedModel(keras.Model):
    """See the module.

    Args:
        losses: the names of what `track` is given.
        gradient_clip: largest absolute value in a gradient.
    """

    def __init__(
        self, losses: Sequence[str], gradient_clip: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.gradient_clip = gradient_clip
        self.trackers = {name: EpochMean(name=name) for name in losses}
        self.gradient_norm = EpochMean(name="gradient_norm")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Running means of the losses, and of the gradient's norm unclipped."""
        return [*self.trackers.values(), self.gradient_norm]

    def descend(
        self, tape: tf.GradientTape, loss: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """One step of the optimizer; returns the logs of the gradient.

        Args:
            tape: has seen how `loss` was made.
            loss: float32 [], made of means over the whole batch.
        """
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        variables = self.trainable_variables
        shares = tape.gradient(
            loss, variables, output_gradients=tf.constant(1 / replicas)
        )
        totals = context.all_reduce(tf.distribute.ReduceOp.SUM, shares)
        gradients = [
            tf.clip_by_value(total, -self.gradient_clip, self.gradient_clip)
            for total in totals
        ]
        # The optimizer adds up the replicas' gradients once more.
        self.optimizer.apply_gradients(
            zip([g / replicas for g in gradients], variables, strict=True)
        )
        # Clipping would hide an infinite gradient.
        self.gradient_norm.update_state(tf.linalg.global_norm(totals))
        return {"gradient_norm": self.gradient_norm.result()}

    def track(
        self, losses: Mapping[str, tf.Tensor], rows: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Running means over drawings, as logs.

        Args:
            losses: means over the whole batch.
            rows: int32 [], the drawings of this replica.
        """
        weight = batch_size(rows)
        for name, tracker in self.trackers.items():
            tracker.update_state(losses[name], sample_weight=weight)
        return {name: mean.result() for name, mean in self.trackers.items()}
