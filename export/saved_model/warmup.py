"""Recorded calls: what a server runs before it says that it is ready.

The first call of a signature takes longer, as its graph is then optimised. So
TensorFlow Serving replays `assets.extra/tf_serving_warmup_requests`, TFRecords
of `PredictionLog`. One that fails fails the load, and they may change no state.
`export.saved_model.replay` reads and answers calls in the same form.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from sketcher_tf import contract
from sketcher_tf.contract import Arrays, Servable, Signature, Tensor


class Call(NamedTuple):
    """One call.

    Attributes:
        signature: its name.
        inputs: by name.
        outputs: by name; as far as they are known.
    """

    signature: str
    inputs: Arrays
    outputs: Arrays


def warmup_file(folder: Path) -> Path:
    """Where the server looks for them, in the folder of a version."""
    return folder / "assets.extra" / "tf_serving_warmup_requests"


def warmup_calls(servable: Servable, sizes: Mapping[str, int]) -> list[Call]:
    """A call of every signature that changes nothing."""
    signatures = servable.served
    if servable is contract.SKETCHER_SESSION:
        unchanging = contract.STATS, contract.SESSION_LABELS
        signatures = {signature.name: signature for signature in unchanging}
    return [_sample(*item, sizes) for item in signatures.items()]


def write_calls(path: Path, calls: Iterable[Call]) -> None:
    """Writes calls, with their outputs if they have any."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for call in calls:
            log = PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = call.signature
            _store(call.inputs, request.inputs)
            _store(call.outputs, log.predict_log.response.outputs)
            writer.write(log.SerializeToString())


def read_calls(path: Path) -> Iterator[Call]:
    """Inverse of `write_calls`."""
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = PredictionLog.FromString(record).predict_log
        yield Call(
            log.request.model_spec.signature_name,
            _load(log.request.inputs),
            _load(log.response.outputs),
        )


def _store(arrays: Arrays, tensors: Mapping) -> None:
    for name, array in arrays.items():
        tensors[name].CopyFrom(tf.make_tensor_proto(array))


def _load(tensors: Mapping) -> dict[str, np.ndarray]:
    return {name: tf.make_ndarray(tensors[name]) for name in tensors}


def _sample(name: str, signature: Signature, sizes: Mapping[str, int]) -> Call:
    inputs = {x.name: _value(x, sizes) for x in signature.inputs}
    return Call(name, inputs, {})


def _value(tensor: Tensor, sizes: Mapping[str, int]) -> np.ndarray:
    """An input that keeps the rules: one row, a drawing of two points."""
    shape = tensor.sizes({"B": 1, "P": sizes["T"], "L": 0, **sizes})
    value = np.zeros(shape, tensor.dtype)
    if tensor.name == "temperature":
        value += 0.3
    if tensor.name == "tries":
        value += 2
    if tensor.name == "condition":
        value += 1 / shape[-1]
    if tensor.name == "strokes":
        value[..., :2, :3] = 1
        value[..., 2:, 4] = 1
    return value
