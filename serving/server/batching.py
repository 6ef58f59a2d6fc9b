"""Merging calls: what `--enable_batching` does, as TensorFlow Serving does it.

Calls of one signature wait for each other, at most `batch_timeout_micros`, and
are run as one. The batch is padded to one of `allowed_batch_sizes` with a row
of its own, and one bad row fails all of them: what the export has to bear. Only
a call of no rows is refused here; there it waits for another one, perhaps for
ever, and holds a thread.
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np
from google.protobuf import text_format
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from sketcher_tf.contract import Arrays
from sketcher_tf.wire.messages import BatchingParameters

from .model import LoadedServable, StatusError

PARAMETERS_FILE = "batching_params.pbtxt"

# Signature and outputs: only calls that are alike in these are merged.
_Kind = tuple[tuple[str, ...], tuple[str, ...]]


class _Task(NamedTuple):
    """One call that waits."""

    signature: SignatureDef
    inputs: Arrays
    outputs: Sequence[str]
    rows: int
    arrived: float
    deadline: float
    answer: Future


class _Parameters(NamedTuple):
    """How to merge; the defaults are those of the real server."""

    max_batch_size: int
    batch_timeout: float  # seconds
    max_enqueued_batches: int
    num_batch_threads: int
    allowed_batch_sizes: Sequence[int]

    @classmethod
    def read(cls, file: Path) -> "_Parameters":
        """Reads `batching_params.pbtxt`.

        Raises:
            ValueError: the largest allowed size is not the largest batch.
        """
        message = text_format.Parse(file.read_text(), BatchingParameters())

        def number(name: str, default: int) -> int:
            given = message.HasField(name)
            return getattr(message, name).value if given else default

        largest = number("max_batch_size", 1000)
        sizes = list(message.allowed_batch_sizes) or range(1, largest + 1)
        if sizes[-1] != largest or sorted(sizes) != list(sizes):
            raise ValueError(
                "allowed_batch_sizes must grow and end with max_batch_size; "
                f"received {list(sizes)} and {largest}. Change {file}."
            )
        return cls(
            largest,
            number("batch_timeout_micros", 1000) / 1e6,
            number("max_enqueued_batches", 10),
            number("num_batch_threads", os.cpu_count() or 1),
            sizes,
        )


class BatchedServable(LoadedServable):
    """A model whose calls are merged.

    Args:
        name: of the model.
        version: the number of its folder.
        path: the SavedModel, with its `batching_params.pbtxt`.
    """

    def __init__(self, name: str, version: int, path: Path) -> None:
        self._parameters = _Parameters.read(path / PARAMETERS_FILE)
        super().__init__(name, version, path)
        self._waiting: dict[_Kind, list[_Task]] = {}
        self._arrived = threading.Condition()
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, daemon=True)
            for _ in range(self._parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(
        self,
        signature: SignatureDef,
        inputs: Arrays,
        outputs: Sequence[str],
        timeout: float | None,
    ) -> dict[str, np.ndarray]:
        now = time.monotonic()
        seconds = threading.TIMEOUT_MAX if timeout is None else timeout
        task = _Task(
            signature,
            inputs,
            outputs,
            self._rows(inputs),
            now,
            now + seconds,
            Future(),
        )
        self._enqueue(task)
        try:
            return task.answer.result(timeout)
        except TimeoutError as error:
            raise StatusError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "the deadline has passed while the call was in a batch",
            ) from error

    def drain_and_close(self) -> None:
        super().drain_and_close()
        with self._arrived:
            self._stopped = True
            self._arrived.notify_all()
        for thread in self._threads:
            thread.join()

    def _rows(self, inputs: Arrays) -> int:
        sizes = {value.shape[:1] for value in inputs.values()}
        if len(sizes) != 1 or sizes == {()}:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                "Batching Run() input tensors must have equal 0th-dimension "
                "size",
            )
        [(rows,)] = sizes
        if not rows:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                "a call of a batched model must have a row; received none, "
                "which TensorFlow Serving never runs. Send one.",
            )
        largest = self._parameters.max_batch_size
        if rows > largest:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Task size {rows} is larger than maximum input batch size "
                f"{largest}",
            )
        return rows

    def _enqueue(self, task: _Task) -> None:
        names = sorted(info.name for info in task.signature.inputs.values())
        kind = tuple(names), tuple(task.outputs)
        most = self._parameters.max_enqueued_batches
        with self._arrived:
            queue = self._waiting.setdefault(kind, [])
            rows = sum(one.rows for one in queue) + task.rows
            if rows > most * self._parameters.max_batch_size:
                raise StatusError(
                    grpc.StatusCode.UNAVAILABLE,
                    "The batch scheduling queue to which this task was "
                    "submitted is full",
                )
            queue.append(task)
            self._arrived.notify_all()

    def _work(self) -> None:
        while batch := self._next_batch():
            try:
                answers = self._run_merged(batch)
            except Exception as error:
                for task in batch:
                    task.answer.set_exception(error)
            else:
                for task, answer in zip(batch, answers, strict=True):
                    task.answer.set_result(answer)

    def _next_batch(self) -> list[_Task]:
        """Waits for a batch that is full or due; none when it is over."""
        with self._arrived:
            while not self._stopped:
                now = time.monotonic()
                due = {
                    kind: self._due(queue)
                    for kind, queue in self._waiting.items()
                    if queue
                }
                first = min(due, key=due.__getitem__, default=None)
                if first is not None and due[first] <= now:
                    return self._take(self._waiting[first])
                self._arrived.wait(None if first is None else due[first] - now)
        return []

    def _due(self, queue: Sequence[_Task]) -> float:
        """When to run what waits: at once, if it fills a batch."""
        if sum(task.rows for task in queue) >= self._parameters.max_batch_size:
            return queue[0].arrived
        return queue[0].arrived + self._parameters.batch_timeout

    def _take(self, queue: list[_Task]) -> list[_Task]:
        """Takes as many calls as fit in a batch."""
        rows, count = 0, 0
        for task in queue:
            rows += task.rows
            if rows > self._parameters.max_batch_size:
                break
            count += 1
        taken, queue[:] = queue[:count], queue[count:]
        return taken

    def _run_merged(self, batch: Sequence[_Task]) -> list[dict]:
        rows = [task.rows for task in batch]
        size = min(
            size
            for size in self._parameters.allowed_batch_sizes
            if size >= sum(rows)
        )
        merged = {
            name: _merge(name, [task.inputs[name] for task in batch], size)
            for name in batch[0].inputs
        }
        left = max(task.deadline for task in batch) - time.monotonic()
        results = super().run(
            batch[0].signature,
            merged,
            batch[0].outputs,
            left if left < threading.TIMEOUT_MAX / 2 else None,
        )
        return _split(results, rows)


def _merge(name: str, parts: Sequence[np.ndarray], size: int) -> np.ndarray:
    if len({part.shape[1:] for part in parts}) > 1:
        raise StatusError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"Tensors with name '{name}' from different tasks have different "
            "shapes and padding is turned off. Set pad_variable_length_inputs "
            "to true, or ensure that all tensors with the same name have equal "
            "dimensions starting with the first dim.",
        )
    padding = [parts[-1][:1]] * (size - sum(map(len, parts)))
    return np.concatenate([*parts, *padding])


def _split(
    results: Mapping[str, np.ndarray], rows: Sequence[int]
) -> list[dict[str, np.ndarray]]:
    ends = np.cumsum(rows)
    return [
        {name: values[end - count : end] for name, values in results.items()}
        for end, count in zip(ends, rows, strict=True)
    ]
