"""One batch, shared by replicas: what must not depend on their number.

Each replica has a part of the batch; parts may differ in size and be empty.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf


def batch_size(rows: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas, int32 [], for the `rows` of this one."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, rows)


def batch_mean(term: tf.Tensor) -> tf.Tensor:
    """The mean over the whole batch, [], of a term per row, [B].

    The same on every replica. The gradient is that of all the replicas' losses
    together, so each has to descend on its share, `loss / replicas`.
    """
    context = tf.distribute.get_replica_context()
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(term))
    return total / tf.cast(batch_size(tf.shape(term)[0]), term.dtype)


def batch_noise(
    sample: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    shape: tf.Tensor | Sequence[int | tf.Tensor],
    seed: tf.Tensor,
    axis: int = 0,
) -> tf.Tensor:
    """This replica's part of the noise for the whole batch.

    Drawn for all replicas and then cut, so that the noise of a row does not
    depend on how many replicas share the work.

    Args:
        sample: makes noise from a shape and a seed.
        shape: of this replica's part.
        seed: int32 [2], the same for all replicas.
        axis: which one counts the rows.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return sample(shape, seed)
    # In a list, sizes that are known when the graph is made stay known.
    sizes = tf.unstack(shape) if tf.is_tensor(shape) else list(shape)
    rows = context.all_gather(sizes[axis][None], axis=0)
    first = tf.reduce_sum(rows[: context.replica_id_in_sync_group])
    mine = first + tf.range(sizes[axis])
    sizes[axis] = tf.reduce_sum(rows)
    return tf.gather(sample(sizes, seed), mine, axis=axis)


def on_rows(
    network: Callable[[tf.Tensor], tf.Tensor], rows: tf.Tensor
) -> tf.Tensor:
    """`network(rows)`, also for no rows, which convolutions do not take."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return network(rows)
    one_more = [[0, 1]] + [[0, 0]] * (rows.shape.rank - 1)
    return network(tf.pad(rows, one_more))[:-1]


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
    """The base of what is trained: steps that replicas can share.

    With `R` replicas every step is the step of a single one on the whole
    batch: losses are means over the whole batch, gradients are added up before
    they are clipped, and the logs are the same everywhere.

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

        For two replicas, with drawings 1, 2 | 3 and a loss that is the mean
        (l_1 + l_2 + l_3) / 3 on both of them:

            share of the gradient   g_1 / 3 + g_2 / 3     g_3 / 3
            all_reduce, both        g = (g_1 + g_2 + g_3) / 3
            clip, both              c = clip(g), by value
            given to the optimizer  c                     c

        so that clipping sees the whole batch's gradient, as on one replica.
        An optimizer of Keras' own would add up both c.
        TensorFlow's gradient of `batch_mean` counts every replica's copy of
        the loss, hence the tape descends on 1 / R of each.

        Args:
            tape: has seen how `loss` was made.
            loss: float32 [], made of means over the whole batch.

        Raises:
            TypeError: there are several replicas, and an optimizer that adds
                up their gradients once more.
        """
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        if replicas > 1 and not getattr(self.optimizer, "takes_sums", False):
            raise TypeError(
                "an optimizer of replicas has to take sums of gradients; "
                f"received {self.optimizer!r}. Use training.adam.FusedAdam."
            )
        variables = self.trainable_variables
        shares = tape.gradient(
            loss, variables, output_gradients=tf.constant(1 / replicas)
        )
        totals = context.all_reduce(tf.distribute.ReduceOp.SUM, shares)
        gradients = [
            tf.clip_by_value(total, -self.gradient_clip, self.gradient_clip)
            for total in totals
        ]
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
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
