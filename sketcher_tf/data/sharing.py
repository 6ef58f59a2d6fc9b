"""What one of several workers reads: its own shards, in batches of its own.

Workers take a step together, so that one with long drawings keeps the others
waiting. A worker therefore sorts a window of its drawings by length and cuts it
into batches; all of them take these in the same random order. Their drawings
are of one distribution, so that the batches of a step are about as long.
"""

from typing import Any, NamedTuple

import tensorflow as tf

_WINDOW = 32  # batches that are sorted together


class Share(NamedTuple):
    """The part of a training that one worker does.

    Attributes:
        worker: its number.
        workers: how many there are.
    """

    worker: int = 0
    workers: int = 1

    def rows(self, batch_size: int) -> int:
        """The drawings of a batch that are this worker's.

        Raises:
            ValueError: there are fewer drawings than workers.
        """
        if batch_size < self.workers:
            raise ValueError(
                "a batch must have a drawing for each worker; received a "
                f"batch of {batch_size} for {self.workers} workers. Set a "
                "larger data.batch_size, or start fewer."
            )
        first, last = (
            batch_size * n // self.workers
            for n in (self.worker, self.worker + 1)
        )
        return last - first

    def shards(self, shards: tf.Tensor) -> tf.Tensor:
        """Every so-many-th one; all of them, if some would have none."""
        if int(shards.shape[0]) < self.workers:
            return shards
        return shards[self.worker :: self.workers]

    def drawings(
        self, drawings: tf.data.Dataset, shards: int
    ) -> tf.data.Dataset:
        """This worker's among the drawings of `self.shards` of so many."""
        if shards < self.workers:
            return drawings.shard(self.workers, self.worker)
        return drawings


ALONE = Share()


def aligned_batches(
    drawings: tf.data.Dataset,
    limits: list[int],
    rows: int,
    steps: int,
    seed: tf.Tensor,
) -> tf.data.Dataset:
    """Batches as long as those that other workers have at the same step.

    Args:
        drawings: of one worker, tuples with `points`, [N, 5].
        limits: the lengths that batches are padded to.
        rows: drawings of a batch.
        steps: how many batches.
        seed: int64 [2], the same for all workers.

    Returns:
        A dataset of such tuples for `rows` drawings each, points [rows, T, 5]
        padded with zeros.
    """
    number = min(_WINDOW, steps)
    bounds = tf.constant(limits)

    def batch(window: Any, these: tf.Tensor) -> Any:
        fields = [tf.gather(field, these) for field in window]
        drawings = window._make(fields)
        points = drawings.points.to_tensor()
        length = tf.shape(points)[1]
        padding = bounds[tf.searchsorted(bounds, length[None])[0]] - length
        points = tf.pad(points, [[0, 0], [0, padding], [0, 0]])
        return drawings._replace(points=points)

    def cut(i: tf.Tensor, window: Any) -> tf.data.Dataset:
        order = tf.argsort(window.points.row_lengths(), stable=True)
        places = tf.argsort(
            tf.random.stateless_uniform([number], seed + tf.stack([0, i]))
        )
        return tf.data.Dataset.from_tensor_slices(places).map(
            lambda n: batch(window, order[n * rows : (n + 1) * rows])
        )

    windows = drawings.repeat().ragged_batch(rows * number).enumerate()
    return windows.flat_map(cut).take(steps)
