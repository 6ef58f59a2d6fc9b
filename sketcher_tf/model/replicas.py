"""One batch, shared by replicas: what must not depend on their number.

Each replica has a part of the batch; parts may differ in size and be empty.
"""

from collections.abc import Callable, Sequence

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
    shape = tf.unstack(shape) if tf.is_tensor(shape) else list(shape)
    rows = context.all_gather(shape[axis][None], axis=0)
    first = tf.reduce_sum(rows[: context.replica_id_in_sync_group])
    mine = first + tf.range(shape[axis])
    shape[axis] = tf.reduce_sum(rows)
    return tf.gather(sample(shape, seed), mine, axis=axis)


def on_rows(
    network: Callable[[tf.Tensor], tf.Tensor], rows: tf.Tensor
) -> tf.Tensor:
    """`network(rows)`, also for no rows, which convolutions do not take."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return network(rows)
    one_more = [[0, 1]] + [[0, 0]] * (rows.shape.rank - 1)
    return network(tf.pad(rows, one_more))[:-1]
