"""From prepared records to batches: a stream that never holds the whole set.

Batches hold drawings of about the same length, padded to the longest that
their bucket can have, so that little time goes into padding and each bucket
has one static shape. Everything is a function of (seed, epoch) and the number
of workers: training that resumes at an epoch sees the same batches as if it
had never stopped.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.configs import DataConfig
from sketcher_tf.data.balance import balanced, rates
from sketcher_tf.data.manifest import Manifest, Split
from sketcher_tf.data.sharing import ALONE, Share, aligned_batches
from sketcher_tf.data.transforms import augment
from sketcher_tf.schema import Schema

_FEATURES = {
    "stroke3": tf.io.FixedLenFeature([], tf.string),
    "raster": tf.io.FixedLenFeature([], tf.string),
}
# No `if` or loop here hangs on a tensor. To look for one in the sources, as
# AutoGraph does, takes as long as the rest of making a pipeline.
_as_written = tf.autograph.experimental.do_not_convert


class _Drawing(NamedTuple):
    """One drawing, or some of about the same length.

    Attributes:
        points: stroke-5 float32 [N, 5] or [B, T, 5], zeros after the drawing.
        condition: float32 [C] or [B, C].
        raster: string [] or [B], the packed image.
    """

    points: tf.Tensor
    condition: tf.Tensor
    raster: tf.Tensor


def bucket_limits(lengths: Mapping[int, int], num_buckets: int) -> list[int]:
    """The longest drawing of each bucket, so that padding is least.

    Dynamic programming over the lengths that occur: the best way to cut the
    first j lengths into k buckets ends with a bucket i ... j, and the best way
    to cut the first i into k - 1. For 4 drawings of 10 points, 3 of 12 and 1
    of 50, in two buckets:

        cut after 10:  4 * 10 + 4 * 50 = 240 padded points
        cut after 12:  7 * 12 + 1 * 50 = 134, the best: limits [12, 50]
        (one bucket:   8 * 50 = 400; three: 4 * 10 + 3 * 12 + 50 = 126)

    Args:
        lengths: how many drawings have how many points.
        num_buckets: at most this many buckets.
    """
    if not lengths:
        return []
    points = np.array(sorted(lengths))
    drawings = np.cumsum([0, *(lengths[n] for n in points)])
    # cost[i, j]: padded points of one bucket of the lengths i ... j - 1.
    cost = (drawings - drawings[:, None]) * np.append(0, points).astype(float)
    cost[np.tril_indices(len(cost))] = np.inf
    best, cuts = cost[0], []
    for _ in range(min(num_buckets, len(points)) - 1):
        total = best[:, None] + cost
        cuts.append(np.argmin(total, axis=0))
        best = np.min(total, axis=0)
    ends = [len(points)]
    for cut in reversed(cuts):
        ends.append(int(cut[ends[-1]]))
    return points[np.array(ends[::-1]) - 1].tolist()


def steps_per_epoch(split: Split, config: DataConfig) -> int:
    """How many batches one pass over `split` makes."""
    limits = bucket_limits(split.lengths, config.num_buckets)
    counts = np.zeros(len(limits), int)
    for length, count in split.lengths.items():
        counts[np.searchsorted(limits, length)] += count
    return int(np.ceil(counts / config.batch_size).sum())


@_as_written
def training_batches(
    folder: Path,
    manifest: Manifest,
    config: DataConfig,
    seed: int,
    epochs: range,
    steps: int = 0,
    share: Share = ALONE,
) -> tf.data.Dataset:
    """Shuffled and augmented batches, epoch after epoch.

    With several workers these are parts of batches, each from shards of its
    own, so that together they read the set once.

    Args:
        folder: the prepared data.
        manifest: what it says of itself.
        config: batch size, buckets, augmentation.
        seed: of order and augmentation.
        epochs: the epochs to make batches for.
        steps: batches per epoch; 0 is one pass.
        share: the part that this worker makes.

    Returns:
        A dataset of `SketchBatch`, or `Lesson` if drawings are re-read,
        `steps` per epoch.
    """
    schema, split = manifest.schema, manifest.splits["train"]
    steps = steps or steps_per_epoch(split, config)
    limits = bucket_limits(split.lengths, config.num_buckets)
    shards = tf.constant([str(folder / name) for name in split.shards])
    counts, words = manifest.counts["train"], schema.factors[0].values
    often = rates(counts, words, config.balance)

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        # The seed of this graph alone, which `shuffle` mixes with its own. It
        # takes no tensor for its own if this one is 0.
        tf.random.set_seed(seed + 1)
        epoch_seed = tf.stack([tf.constant(seed, tf.int64), epoch])
        order = tf.argsort(
            tf.random.stateless_uniform([len(split.shards)], epoch_seed)
        )
        own = share.shards(tf.gather(shards, order))
        records = tf.data.TFRecordDataset(own)
        if config.balance:
            factors = len(schema.factors)
            records = balanced(records, often, factors, seed, epoch)
        drawings = share.drawings(_drawings(records, schema), len(split.shards))
        buffer = max(config.shuffle_buffer // share.workers, 1)
        drawings = drawings.shuffle(buffer, seed=epoch)
        batches = _batches_of_share(
            drawings, limits, config.batch_size, steps, share, epoch_seed
        )
        own_seed = seed * share.workers + share.worker
        finished = _finished(batches, schema).enumerate()
        return finished.map(
            lambda i, batch: augment(
                batch,
                tf.stack([own_seed, epoch * steps + i]),
                config,
                schema,
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
    return numbers.flat_map(epoch_batches).prefetch(8)


@_as_written
def evaluation_batches(
    folder: Path, manifest: Manifest, split_name: str, config: DataConfig
) -> tf.data.Dataset:
    """Every drawing of a split once, as it is, in a fixed order."""
    split = manifest.splits[split_name]
    shards = tf.constant(
        [str(folder / name) for name in split.shards], tf.string
    )
    records = tf.data.TFRecordDataset(shards)
    drawings = _drawings(records, manifest.schema)
    limits = bucket_limits(split.lengths, config.num_buckets)
    batches = _bucketed(drawings, limits, config.batch_size)
    return _finished(batches, manifest.schema).prefetch(8)


@_as_written
def replica_batches(
    batches: tf.data.Dataset, strategy: tf.distribute.Strategy
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """The same batches, each cut into one part per replica.

    Every worker makes all batches and takes its parts, so that the data do not
    depend on the number of replicas. Parts differ by a drawing at most; they
    are empty where a batch has fewer drawings than there are replicas.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches

    def parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
        here = replicas // context.num_input_pipelines
        return _parts(batches, context.input_pipeline_id * here, here, replicas)

    return strategy.distribute_datasets_from_function(parts)


@_as_written
def worker_batches(
    make: Callable[[Share], tf.data.Dataset], strategy: tf.distribute.Strategy
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Batches of which every worker makes its share, one part per replica.

    Args:
        make: makes the batches of a share.
        strategy: how the workers are connected.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return make(ALONE)

    def parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
        workers = context.num_input_pipelines
        here = replicas // workers
        batches = make(Share(context.input_pipeline_id, workers))
        return _parts(batches, 0, here, here)

    return strategy.distribute_datasets_from_function(parts)


def _parts(
    batches: tf.data.Dataset, first: int, here: int, of: int
) -> tf.data.Dataset:
    """The `here` parts from the `first` on, of each batch in `of` parts."""
    return batches.flat_map(
        lambda batch: tf.data.Dataset.range(first, first + here).map(
            lambda i: batch._make(_part(x, i, of) for x in batch)
        )
    )


def _part(field: tf.Tensor, i: tf.Tensor, replicas: int) -> tf.Tensor:
    i = tf.cast(i, tf.int32)
    size = tf.shape(field)[0]
    return field[i * size // replicas : (i + 1) * size // replicas]


def _drawings(records: tf.data.Dataset, schema: Schema) -> tf.data.Dataset:
    """Each as a `_Drawing`."""
    features = {
        **_FEATURES,
        "labels": tf.io.FixedLenFeature([len(schema.factors)], tf.int64),
    }

    def parse(record: tf.Tensor) -> _Drawing:
        example = tf.io.parse_single_example(record, features)
        stroke3 = tf.reshape(
            tf.io.decode_raw(example["stroke3"], tf.float32), [-1, 3]
        )
        condition = [
            tf.one_hot(example["labels"][i], len(factor.values))
            for i, factor in enumerate(schema.factors)
        ]
        return _Drawing(
            _stroke5(stroke3, schema.scale_factor),
            tf.concat(condition, axis=0),
            example["raster"],
        )

    return records.map(parse, num_parallel_calls=tf.data.AUTOTUNE)


def _stroke5(stroke3: tf.Tensor, scale_factor: float) -> tf.Tensor:
    lifted = stroke3[:, 2:]
    return tf.concat(
        [
            stroke3[:, :2] / scale_factor,
            1 - lifted,
            lifted,
            tf.zeros_like(lifted),
        ],
        axis=1,
    )


def _batches_of_share(
    drawings: tf.data.Dataset,
    limits: list[int],
    batch_size: int,
    steps: int,
    share: Share,
    seed: tf.Tensor,
) -> tf.data.Dataset:
    """`steps` batches, each as long as those of other workers at that step."""
    if share.workers > 1:
        rows = share.rows(batch_size)
        return aligned_batches(drawings, limits, rows, steps, seed)
    batches = _bucketed(drawings, limits, batch_size)
    # A pass of a small set may be shorter than the steps asked for.
    return batches.repeat().take(steps)


def _bucketed(
    drawings: tf.data.Dataset, limits: list[int], batch_size: int
) -> tf.data.Dataset:
    """Batches of drawings of about the same length, padded with zeros."""
    return drawings.bucket_by_sequence_length(
        lambda drawing: tf.shape(drawing.points)[0],
        # A bucket takes what is below its boundary, and pads to one less.
        bucket_boundaries=[limit + 1 for limit in limits],
        bucket_batch_sizes=[batch_size] * (len(limits) + 1),
        pad_to_bucket_boundary=True,
    )


def _finished(batches: tf.data.Dataset, schema: Schema) -> tf.data.Dataset:
    """Batches of `_Drawing`s as `SketchBatch`es."""
    return batches.map(
        lambda batch: _finish(batch, schema.image_size),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _finish(drawings: _Drawing, image_size: int) -> SketchBatch:
    """Adds the end tokens after each drawing and unpacks the rasters."""
    points = tf.pad(drawings.points, [[0, 0], [0, 1], [0, 0]])
    end = 1 - tf.reduce_sum(points[..., 2:4], axis=-1, keepdims=True)
    points = tf.concat([points[..., :4], end], axis=-1)
    unpacked = tf.io.decode_compressed(drawings.raster, "ZLIB")
    images = tf.io.decode_raw(unpacked, tf.uint8)
    images = tf.reshape(images, [-1, image_size, image_size, 1])
    return SketchBatch(
        points, drawings.condition, tf.cast(images, tf.float32) / 255
    )
