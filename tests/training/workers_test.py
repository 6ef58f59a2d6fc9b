import numpy as np
import pytest

from sketcher_tf.configs import DataConfig
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.data.pipeline import evaluation_batches
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import RunFolder, read_history
from sketcher_tf.training.workers import is_chief, make_strategy
from tests.testing import processes
from tests.testing.processes import FAILED, KILLED, PLAIN, STEP, STEPS

# What the workers share is steps and checkpoints, whatever is in a step; the
# second epoch draws a sheet. The critic learns from the best of both.
CHANGES = {
    "model.critic_units": 4,
    "training.critic_epochs": 1,
    "model.image_latent_size": 0,
    "model.influence": "none",
    "training.epochs": 50,
    "training.patience": 1,
    "training.sheet_every": 2,
}
# Then the second epoch is the last one.
PATCHES = {"sketcher_tf.training.callbacks.best_epoch": processes.first_is_best}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def mirrored(data, folder):
    """A training on this machine with two replicas, under way."""
    run = RunFolder(folder / "mirrored")
    process = processes.start_training(
        data, run.path, PLAIN, strategy="mirrored", replicas=2
    )
    yield lambda: processes.finish(process) == [0] and run
    processes.finish(process)


def weights(run):
    """Of the last checkpoint, and of the critic in the result."""
    last, result = (Sketcher.load(f).model for f in (run.last, run.model))
    return [*last.weights, *result.critic.weights]


def assert_close(run, other):
    """Sums in another order: float32 rounds at 6e-8, and Adam's first steps,
    divided by tiny gradients, enlarge that; measured are 1e-6."""
    rows, others = read_history(run.history), read_history(other.history)
    assert len(rows) == len(others)
    for row, expected in zip(rows, others, strict=True):
        assert row.keys() == expected.keys()
        for name, value in row.items():
            np.testing.assert_allclose(
                value, expected[name], rtol=2e-5, atol=1e-6, err_msg=name
            )
    for one, two in zip(weights(run), weights(other), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4, err_msg=one.path)


def test_the_data_have_parts_of_all_kinds(data):
    settings = DataConfig(batch_size=8, num_buckets=2)
    sizes = {
        len(batch.points)
        for split in ("train", "valid")
        for batch in evaluation_batches(
            data, read_manifest(data), split, settings
        )
    }
    # Even ones; uneven ones; and with two replicas an empty one.
    assert sizes == {8, 5, 3, 1}


def test_workers_that_were_killed_end_as_if_they_had_not_been(data, folder):
    """And stop together, long before all epochs are over."""

    def start(run, **options):
        return processes.start_workers(
            data, run.path, *[CHANGES] * 2, patches=PATCHES, **options
        )

    whole, run = RunFolder(folder / "whole"), RunFolder(folder / "workers")
    undisturbed = start(whole)
    # In the second epoch.
    workers = start(run, kill_at=(STEP, STEPS + 2))
    assert processes.finish(*workers) == [KILLED] * 2
    assert len(read_history(run.history)) == 1
    assert processes.finish(*start(run), *undisturbed) == [0, 0, 0, 0]
    assert len(read_history(run.history)) == 2
    assert read_history(run.history) == read_history(whole.history)
    for one, two in zip(weights(run), weights(whole), strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)
    assert run.sheet.exists()
    assert len(list(run.sheets.iterdir())) == 1
    assert not processes.worker_path(run.path, 1).exists()


def test_mirrored_replicas_train_like_one(mirrored, whole):
    assert_close(mirrored(), whole)


def test_workers_with_other_flags_are_refused(data, folder):
    run = folder / "others"
    workers = processes.start_workers(
        data, run, CHANGES, CHANGES | {"training.seed": 1}
    )
    assert processes.finish(*workers) == [FAILED] * 2
    for number in range(2):
        path = processes.worker_path(run, number)
        assert (
            "ValueError: all workers must be started with the same flags"
            in processes.error_file(path).read_text()
        )


class FakeStrategy:
    def __init__(self, cluster, kind, number):
        self.cluster_resolver = self
        self.cluster = cluster
        self.task_type = kind
        self.task_id = number

    def cluster_spec(self):
        return self

    def as_dict(self):
        return self.cluster


def test_the_chief_is_the_first_or_called_so():
    workers = {"worker": ["a", "b"]}
    with_chief = {"chief": ["c"], "worker": ["a", "b"]}
    assert is_chief(make_strategy("one_device"))
    assert is_chief(FakeStrategy(workers, "worker", 0))
    assert not is_chief(FakeStrategy(workers, "worker", 1))
    assert is_chief(FakeStrategy(with_chief, "chief", 0))
    assert not is_chief(FakeStrategy(with_chief, "worker", 0))
    assert is_chief(FakeStrategy({}, None, None))
