"""Small hand-made SavedModels, which do one thing each, and calls of them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest


class Toy(tf.Module):
    def __init__(self, factor: float) -> None:
        self.factor = tf.Variable(float(factor))
        self.calls = tf.Variable(0, dtype=tf.int64)

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def scale(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Tells the size of the batch, too."""
        rows = tf.fill([tf.shape(x)[0]], tf.shape(x)[0])
        return {"y": x * self.factor, "rows": rows}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "n")])
    def spin(self, n: tf.Tensor) -> dict[str, tf.Tensor]:
        """Counts to n, one by one: some microseconds each."""
        done = tf.while_loop(
            lambda i: i < tf.reduce_max(n),
            lambda i: [i + 1],
            [tf.zeros([], tf.int64)],
        )
        return {"n": tf.fill(tf.shape(n), done[0])}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def positive(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        text = ["no", x, "x" * 2000]
        with tf.control_dependencies(
            [tf.debugging.Assert(tf.reduce_all(x > 0), text)]
        ):
            return {"y": tf.identity(x)}

    @tf.function(input_signature=[])
    def count(self) -> dict[str, tf.Tensor]:
        return {"calls": self.calls.assign_add(1)}


def write(folder: Path, factor: float = 2, batching: str | None = None) -> None:
    """Writes a version; it appears in its place at once.

    Args:
        folder: `models/NAME/NUMBER`.
        factor: of `scale`.
        batching: text of `batching_params.pbtxt`.
    """
    building = folder.parents[1] / f".building-{folder.name}"
    toy = Toy(factor)
    names = ("scale", "spin", "positive", "count")
    signatures = {name: getattr(toy, name) for name in names}
    tf.saved_model.save(toy, str(building), signatures)
    if batching:
        (building / "batching_params.pbtxt").write_text(batching)
    folder.parent.mkdir(parents=True, exist_ok=True)
    building.rename(folder)


def copy(source: Path, folder: Path) -> None:
    """Publishes a version again, under another number."""
    building = folder.parents[1] / f".building-{folder.name}"
    shutil.copytree(source, building)
    folder.parent.mkdir(parents=True, exist_ok=True)
    building.rename(folder)


def request(
    model: str, signature: str, version: int | None = None, **inputs: Any
) -> PredictRequest:
    """A PredictRequest; arrays are sent as they are."""
    made = PredictRequest()
    made.model_spec.name = model
    made.model_spec.signature_name = signature
    if version is not None:
        made.model_spec.version.value = version
    for name, value in inputs.items():
        made.inputs[name].CopyFrom(tf.make_tensor_proto(np.asarray(value)))
    return made
