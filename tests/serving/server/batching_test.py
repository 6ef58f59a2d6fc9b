"""Merged calls, on a hand-made model that tells the size of its batch."""

import threading

import grpc
import numpy as np
import pytest

from serving.server.batching import PARAMETERS_FILE, BatchedServable
from serving.server.model import LoadedServable, StatusError
from tests.testing import servables
from tests.testing.fakes import held, wait_until

PARAMETERS = """
max_batch_size { value: 8 }
batch_timeout_micros { value: 1000 }
max_enqueued_batches { value: 2 }
num_batch_threads { value: 2 }
allowed_batch_sizes: 2
allowed_batch_sizes: 4
allowed_batch_sizes: 8
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "toy" / "1"
    servables.write(folder, batching=PARAMETERS)
    return folder


@pytest.fixture(scope="module")
def servable(folder):
    servable = BatchedServable("toy", 1, folder)
    yield servable
    servable.drain_and_close()


@pytest.fixture(scope="module")
def patient(folder, tmp_path_factory):
    """Runs no batch before it is full."""
    path = tmp_path_factory.mktemp("models") / "toy" / "1"
    servables.copy(folder, path)
    text = PARAMETERS.replace("1000", str(10**12))
    (path / PARAMETERS_FILE).write_text(text)
    servable = BatchedServable("toy", 1, path)
    yield servable
    servable.drain_and_close()


def scale(servable, x, outputs=("y", "rows"), timeout=30.0):
    return servable.run(servable.signature("scale"), {"x": x}, outputs, timeout)


def together(calls):
    """Runs calls at once, each in a thread; their results or errors."""
    results: list[object] = [None] * len(calls)

    def run(number, call):
        try:
            results[number] = call()
        except StatusError as error:
            results[number] = error

    threads = [
        threading.Thread(target=run, args=item) for item in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def rows(count, value=1.0, width=2):
    return np.full((count, width), value, np.float32)


def test_calls_are_merged_and_get_their_own_rows(patient):
    sizes = [1, 2, 1, 4]
    calls = [
        lambda n=n, k=k: scale(patient, rows(k, n)) for n, k in enumerate(sizes)
    ]
    for n, (k, result) in enumerate(zip(sizes, together(calls), strict=True)):
        np.testing.assert_array_equal(result["y"], rows(k, 2 * n))
        assert result["rows"].tolist() == [8] * k


@pytest.mark.parametrize(
    ("count", "padded"), [(1, 2), (2, 2), (3, 4), (5, 8), (8, 8)]
)
def test_batches_are_padded_to_an_allowed_size(servable, count, padded):
    result = scale(servable, rows(count))
    assert result["rows"].tolist() == [padded] * count


def test_a_call_may_be_late_before_its_batch_is_full(patient):
    with pytest.raises(StatusError) as error:
        scale(patient, rows(5), timeout=0.05)
    assert error.value.code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(scale(patient, rows(3))["y"]) == 3  # fills it


def test_only_calls_that_are_alike_are_merged(patient):
    """Two that are not wait, and each is filled up by one of its kind."""
    kinds = ("rows",), ("rows", "y")

    def call(count, outputs):
        return lambda: scale(patient, rows(count), outputs)

    def waiting():
        return sum(map(len, patient._waiting.values()))

    def fill_up():
        wait_until(lambda: waiting() == 2)
        return together([call(6, outputs) for outputs in kinds])

    *first, second = together([*(call(2, kind) for kind in kinds), fill_up])
    for count, results in ((2, first), (6, second)):
        for outputs, result in zip(kinds, results, strict=True):
            assert tuple(result) == outputs
            assert result["rows"].tolist() == [8] * count


def test_one_bad_row_fails_all_that_are_merged_with_it(patient):
    positive = patient.signature("positive")

    def call(*values):
        x = np.array(values, np.float32)
        return patient.run(positive, {"x": x}, ["y"], 30.0)

    results = together([lambda: call(1, 1, 1, 1), lambda: call(1, 1, -1, 1)])
    assert [r.code for r in results] == [grpc.StatusCode.INVALID_ARGUMENT] * 2
    assert call(*[1] * 8)["y"].tolist() == [1.0] * 8


def test_unlike_shapes_fail_all(patient):
    results = together(
        [
            lambda: scale(patient, rows(4)),
            lambda: scale(patient, rows(4, width=3)),
        ]
    )
    for error in results:
        assert error.code == grpc.StatusCode.FAILED_PRECONDITION
        assert "from different tasks have different shapes" in error.text


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (rows(9), "Task size 9 is larger than maximum input batch size 8"),
        (np.float32(1), "equal 0th-dimension size"),
        (rows(0), "must have a row"),
    ],
)
def test_what_cannot_be_merged_is_refused(servable, x, text):
    with pytest.raises(StatusError) as error:
        scale(servable, x)
    assert error.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert text in error.value.text


def test_a_full_queue_is_unavailable(servable, monkeypatch):
    running = [
        threading.Thread(target=scale, args=(servable, rows(8)))
        for _ in range(4)
    ]
    with held(monkeypatch, LoadedServable, "run") as begun:
        for thread in running[:2]:  # each is taken before the next one comes
            thread.start()
            assert begun.acquire(timeout=60)
        for thread in running[2:]:
            thread.start()
        wait_until(lambda: sum(map(len, servable._waiting.values())) == 2)
        with pytest.raises(StatusError) as error:
            scale(servable, rows(1))
    assert error.value.code == grpc.StatusCode.UNAVAILABLE
    assert "is full" in error.value.text
    for thread in running:
        thread.join(60)
    scale(servable, rows(1))


def test_the_sizes_must_end_with_the_largest(folder, tmp_path):
    wrong = tmp_path / "toy" / "1"
    servables.copy(folder, wrong)
    (wrong / PARAMETERS_FILE).write_text(
        "max_batch_size { value: 8 } allowed_batch_sizes: 4"
    )
    with pytest.raises(ValueError, match="end with max_batch_size"):
        BatchedServable("toy", 1, wrong)
