import dataclasses
import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from sketcher_tf.batch import Lesson
from sketcher_tf.configs import DataConfig
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.data.pipeline import (
    bucket_limits,
    evaluation_batches,
    replica_batches,
    steps_per_epoch,
    training_batches,
)
from sketcher_tf.data.sharing import Share
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.strokes import stroke3_to_polylines, stroke5_to_stroke3
from tests.testing import toys

PLAIN = DataConfig(
    batch_size=8,
    num_buckets=2,
    shuffle_buffer=16,
    random_scale=0.0,
    drop_point=0.0,
)
AUGMENTED = DataConfig(batch_size=8, num_buckets=2, shuffle_buffer=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return toys.prepare(tmp_path_factory.mktemp("data") / "set", 45, 11)


@pytest.fixture(scope="module")
def manifest(folder):
    return read_manifest(folder)


def epochs_of(folder, config, epochs, seed=3, steps=0):
    """The batches of each epoch, as NumPy arrays."""
    manifest = read_manifest(folder)
    batches = training_batches(folder, manifest, config, seed, epochs, steps)
    steps = steps or steps_per_epoch(manifest.splits["train"], config)
    arrays = list(batches.as_numpy_iterator())
    assert len(arrays) == steps * len(epochs)
    return [arrays[i : i + steps] for i in range(0, len(arrays), steps)]


def names(batches, scale_factor):
    """What identifies each drawing, in the order of the batches."""
    return [
        tuple(np.round(stroke5_to_stroke3(row)[:3, :2].ravel() * scale_factor))
        for batch in batches
        for row in batch.points
    ]


def expected_names(split):
    numbered = toys.drawings(45, 11)
    return Counter(
        tuple(np.round(d.stroke3[:3, :2].ravel()))
        for d in numbered
        if d.split == split
    )


def assert_same(batches, others):
    for batch, other in zip(batches, others, strict=True):
        for field, other_field in zip(batch, other, strict=True):
            np.testing.assert_array_equal(field, other_field)


# --- Buckets ----------------------------------------------------------------


def padding(lengths, limits):
    """Padded points, if each drawing is padded to the next limit."""
    return sum(
        count * min(limit for limit in limits if limit >= length)
        for length, count in lengths.items()
    )


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.integers(1, 40), st.integers(1, 9), min_size=1, max_size=7
    ),
    st.integers(1, 5),
)
def test_bucket_limits_are_the_best_there_are(lengths, num_buckets):
    limits = bucket_limits(lengths, num_buckets)
    assert limits == sorted(set(limits))
    assert len(limits) <= num_buckets
    assert limits[-1] == max(lengths)
    others = sorted(lengths)[:-1]
    best = min(
        padding(lengths, [*some, max(lengths)])
        for k in range(min(num_buckets, len(lengths)))
        for some in itertools.combinations(others, k)
    )
    assert padding(lengths, limits) == best


def test_no_drawings_have_no_buckets():
    assert bucket_limits({}, 8) == []


@pytest.mark.parametrize("num_buckets", [1, 3, 100])
def test_batches_are_padded_to_their_bucket(folder, manifest, num_buckets):
    config = DataConfig(
        batch_size=4, num_buckets=num_buckets, random_scale=0.0, drop_point=0.0
    )
    limits = bucket_limits(manifest.splits["train"].lengths, num_buckets)
    [batches] = epochs_of(folder, config, range(1))
    for batch in batches:
        # One more than the bucket's longest, for its end token.
        limit = batch.points.shape[1] - 1
        shorter = ([0, *limits])[limits.index(limit)]
        for row in batch.points:
            length = len(stroke5_to_stroke3(row))
            assert shorter < length <= limit
            assert (row[length:] == [0, 0, 0, 0, 1]).all()
            np.testing.assert_array_equal(row[:, 2:].sum(axis=1), 1)


# --- Training batches -------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 8, 100])
def test_an_epoch_has_every_drawing_once(folder, manifest, batch_size):
    config = DataConfig(
        batch_size=batch_size, num_buckets=2, random_scale=0.0, drop_point=0.0
    )
    [batches] = epochs_of(folder, config, range(1))
    drawn = Counter(names(batches, manifest.schema.scale_factor))
    assert drawn == expected_names("train")
    # All batches are full, but for the last one of each bucket.
    sizes = [len(batch.points) for batch in batches]
    assert max(sizes) <= batch_size
    assert sum(size < batch_size for size in sizes) <= 2


def test_a_batch_is_what_was_drawn(folder, manifest):
    schema = manifest.schema
    drawings = {
        tuple(np.round(d.stroke3[:3, :2].ravel())): d for d in toys.drawings(45)
    }
    [batches] = epochs_of(folder, PLAIN, range(1))
    for batch in batches:
        found = names([batch], schema.scale_factor)
        for name, points, condition, image in zip(found, *batch, strict=True):
            drawing = drawings[name]
            stroke3 = stroke5_to_stroke3(points)
            stroke3[:, :2] *= schema.scale_factor
            np.testing.assert_allclose(stroke3, drawing.stroke3, rtol=1e-5)
            word = drawing.labels["category"]
            np.testing.assert_array_equal(condition, schema.parse(word))
            picture = rasterize(
                stroke3_to_polylines(drawing.stroke3), toys.IMAGE_SIZE
            )
            np.testing.assert_allclose(image[..., 0], picture / 255, rtol=1e-6)


def test_epochs_differ_and_come_again(folder):
    first, second, third = epochs_of(folder, AUGMENTED, range(3))
    scale = read_manifest(folder).schema.scale_factor
    [one, other] = epochs_of(folder, PLAIN, range(2))
    assert sorted(len(b.points) for b in one) == sorted(
        len(b.points) for b in other
    )
    assert names(one, scale) != names(other, scale)
    # What else happens with random numbers does not matter.
    tf.random.set_seed(99)
    tf.random.uniform([3])
    assert_same(epochs_of(folder, AUGMENTED, range(1))[0], first)
    for resumed in (1, 2):
        again = epochs_of(folder, AUGMENTED, range(resumed, 3))
        for batches, expected in zip(
            again, [first, second, third][resumed:], strict=True
        ):
            assert_same(batches, expected)


def test_the_seed_decides(folder, manifest):
    scale = manifest.schema.scale_factor
    [one], [other] = (
        epochs_of(folder, PLAIN, range(1), seed=seed) for seed in (0, 1)
    )
    assert names(one, scale) != names(other, scale)


def test_augmentation_differs_between_batches(folder):
    config = DataConfig(batch_size=45, num_buckets=1, drop_point=0.0)
    [[first], [second]] = epochs_of(folder, config, range(2))
    scales = [
        np.abs(batch.points[..., :2]).sum(axis=(0, 1))
        for batch in (first, second)
    ]
    assert (scales[0] != scales[1]).all()


def test_a_resumed_run_sees_drawings_begun_as_before(folder):
    config = dataclasses.replace(AUGMENTED, mirror=0.3, reread=0.5, balance=0.5)
    _, expected = epochs_of(folder, config, range(2), steps=5)
    [resumed] = epochs_of(folder, config, range(1, 2), steps=5)
    assert_same(resumed, expected)
    assert any((batch.read != batch.points).any() for batch in resumed)
    assert any((batch.weight < 1).any() for batch in resumed)


@pytest.mark.parametrize("steps", [2, 17])
def test_an_epoch_may_be_shorter_or_longer_than_a_pass(folder, steps):
    epochs = epochs_of(folder, AUGMENTED, range(3), steps=steps)
    [resumed] = epochs_of(folder, AUGMENTED, range(2, 3), steps=steps)
    assert_same(resumed, epochs[2])
    with pytest.raises(AssertionError):
        assert_same(epochs[1], epochs[2])


def test_rare_words_come_as_often_as_rich_ones(tmp_path):
    # Every second one is a zigzag; one in five of those stays.
    rows = [
        d for i, d in enumerate(toys.drawings(100)) if i % 2 == 0 or i % 10 == 1
    ]
    toys.write(rows, tmp_path / "set")
    scale = read_manifest(tmp_path / "set").schema.scale_factor

    def epochs(balance, numbers):
        config = dataclasses.replace(
            PLAIN, batch_size=200, num_buckets=1, balance=balance
        )
        return [b for [b] in epochs_of(tmp_path / "set", config, numbers)]

    def words(batches):
        return sum(batch.condition.sum(axis=0) for batch in batches).tolist()

    assert words(epochs(0.0, range(1))) == [50, 10]
    balanced = epochs(1.0, range(8))
    # 30 of each an epoch: a rich one in three epochs of five, a turn more or
    # less in eight; a rare one three times in each.
    rich, rare = words(balanced)
    assert rare == 8 * 30
    assert abs(rich - 8 * 30) < 5 * np.sqrt(50 / 4)
    drawn = [Counter(names([batch], scale)) for batch in balanced]
    total = sum(drawn, Counter())
    assert len(total) == 60
    assert set(total.values()) == {4, 5, 24}
    [again] = epochs(1.0, range(5, 6))
    assert Counter(names([again], scale)) == drawn[5] != drawn[6]


# --- A stream ---------------------------------------------------------------


def test_the_shuffle_buffer_bounds_what_is_held(tmp_path):
    drawings = toys.drawings(60)
    toys.write(drawings, tmp_path / "set", num_shards=1)
    manifest = read_manifest(tmp_path / "set")
    config = DataConfig(
        batch_size=1,
        num_buckets=1,
        shuffle_buffer=5,
        random_scale=0.0,
        drop_point=0.0,
    )
    in_file = evaluation_batches(tmp_path / "set", manifest, "train", config)
    [shuffled] = epochs_of(tmp_path / "set", config, range(1))
    scale = manifest.schema.scale_factor
    order = names(in_file.as_numpy_iterator(), scale)
    positions = [order.index(name) for name in names(shuffled, scale)]
    ahead = [position - k for k, position in enumerate(positions)]
    assert max(ahead) == 4


def test_batches_come_before_the_file_has_been_read(tmp_path):
    folder = toys.prepare(tmp_path / "set", 600)
    manifest = read_manifest(folder)
    for name in manifest.splits["train"].shards:
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    batches = training_batches(folder, manifest, PLAIN, 0, range(1))
    early = list(batches.take(5))
    assert len(early) == 5
    with pytest.raises(tf.errors.DataLossError):
        list(batches)


# --- Evaluation and replicas ------------------------------------------------


@pytest.mark.parametrize("split", ["train", "valid"])
def test_evaluation_has_every_drawing_as_it_is(folder, manifest, split):
    batches = evaluation_batches(folder, manifest, split, AUGMENTED)
    first = list(batches.as_numpy_iterator())
    drawn = names(first, manifest.schema.scale_factor)
    assert Counter(drawn) == expected_names(split)
    assert len(first) == steps_per_epoch(manifest.splits[split], AUGMENTED)
    assert_same(batches.as_numpy_iterator(), first)


def test_an_empty_split_has_no_batches(folder, manifest):
    assert not list(evaluation_batches(folder, manifest, "test", PLAIN))
    assert steps_per_epoch(manifest.splits["test"], PLAIN) == 0


class FakeStrategy:
    """Replicas spread over workers; gives each worker's dataset."""

    def __init__(self, replicas, workers):
        self.num_replicas_in_sync = replicas
        self.workers = workers

    def distribute_datasets_from_function(self, make):
        return [
            make(
                tf.distribute.InputContext(
                    self.workers, i, self.num_replicas_in_sync
                )
            )
            for i in range(self.workers)
        ]


@pytest.mark.parametrize(
    ("replicas", "workers"), [(2, 1), (3, 3), (4, 2), (9, 1)]
)
def test_replicas_share_each_batch(folder, manifest, replicas, workers):
    batches = evaluation_batches(folder, manifest, "valid", PLAIN).map(
        lambda batch: Lesson(*batch, -batch.points, batch.points[..., 0])
    )
    datasets = replica_batches(batches, FakeStrategy(replicas, workers))
    parts = [list(dataset.as_numpy_iterator()) for dataset in datasets]
    here = replicas // workers
    for k, batch in enumerate(batches.as_numpy_iterator()):
        mine = [part for worker in parts for part in worker[k * here :][:here]]
        sizes = [len(part.points) for part in mine]
        assert max(sizes) - min(sizes) <= 1
        for field, whole in enumerate(batch):
            together = np.concatenate([part[field] for part in mine])
            np.testing.assert_array_equal(together, whole)
    assert all(len(worker) == (k + 1) * here for worker in parts)


def test_a_single_replica_takes_the_batches_as_they_are(folder, manifest):
    batches = evaluation_batches(folder, manifest, "valid", PLAIN)
    assert replica_batches(batches, FakeStrategy(1, 1)) is batches


# --- Workers ----------------------------------------------------------------


def shares_of(folder, manifest, config, workers, epochs=range(1)):
    """The batches of each worker."""
    return [
        list(
            training_batches(
                folder, manifest, config, 7, epochs, share=Share(i, workers)
            ).as_numpy_iterator()
        )
        for i in range(workers)
    ]


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_workers_read_the_set_once_between_them(workers):
    shards = tf.range(8)
    read = [Share(i, workers).shards(shards).numpy() for i in range(workers)]
    assert sorted(np.concatenate(read)) == list(range(8))
    sizes = [len(part) for part in read]
    assert max(sizes) - min(sizes) <= 1


def test_workers_share_the_drawings_of_too_few_shards():
    shards = tf.range(8)
    assert Share(1, 9).shards(shards).numpy().tolist() == list(range(8))
    numbers = tf.data.Dataset.range(40)
    theirs = [
        list(Share(i, 9).drawings(numbers, 8).as_numpy_iterator())
        for i in range(9)
    ]
    assert sorted(itertools.chain(*theirs)) == list(range(40))


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_make_each_batch_together(folder, manifest, workers):
    config = replace(PLAIN, batch_size=8)
    shares = shares_of(folder, manifest, config, workers)
    steps = steps_per_epoch(manifest.splits["train"], config)
    assert [len(batches) for batches in shares] == [steps] * workers
    limits = bucket_limits(manifest.splits["train"].lengths, config.num_buckets)
    for parts in zip(*shares, strict=True):
        sizes = [len(part.points) for part in parts]
        assert sum(sizes) == 8 and max(sizes) - min(sizes) <= 1
        assert all(part.points.shape[1] - 1 in limits for part in parts)
        for part in parts:
            for row in part.points:
                length = len(stroke5_to_stroke3(row))
                assert (row[length:] == [0, 0, 0, 0, 1]).all()


def test_workers_batches_of_a_step_are_about_as_long(folder, manifest):
    config = replace(PLAIN, batch_size=8, num_buckets=100)
    one, other = (
        np.array([batch.points.shape[1] for batch in batches])
        for batches in shares_of(folder, manifest, config, 2, range(4))
    )
    assert len(set(one)) > 3
    # By chance they would differ as much as any two batches do.
    chance = np.abs(one[:, None] - other).mean()
    assert np.abs(one - other).mean() < chance / 2


def test_a_workers_batches_depend_on_seed_epoch_and_workers(folder, manifest):
    def batches(epochs, workers=2, seed=7):
        return training_batches(
            folder, manifest, AUGMENTED, seed, epochs, share=Share(1, workers)
        ).as_numpy_iterator()

    both = list(batches(range(2)))
    steps = len(both) // 2
    assert_same(both[steps:], batches(range(1, 2)))
    for others in (both[:steps], batches(range(1, 2), 3)):
        with pytest.raises(AssertionError):
            assert_same(both[steps:], others)


def test_a_batch_has_a_drawing_for_each_worker():
    assert [Share(i, 3).rows(8) for i in range(3)] == [2, 3, 3]
    with pytest.raises(ValueError, match="batch of 2 for 3 workers"):
        Share(0, 3).rows(2)
