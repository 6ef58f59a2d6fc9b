"""Predict: from a request to a run of a servable, and back to an answer."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from sketcher_tf.wire import tensors

from .model import DEFAULT_SIGNATURE, LoadedServable, StatusError

_WARM_UP = Path("assets.extra", "tf_serving_warmup_requests")


def predict(
    servable: LoadedServable, request: PredictRequest, timeout: float | None
) -> PredictResponse:
    """Answers a request, with the codes of the real server.

    Args:
        servable: the model that is asked for.
        request: what arrived.
        timeout: seconds, or None.

    Raises:
        StatusError: the request is refused, or the run failed.
    """
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = servable.signature(name)
    inputs = _inputs(signature, request.inputs)
    outputs = _outputs(signature, request.output_filter)
    results = servable.run(signature, inputs, outputs, timeout)
    response = PredictResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    response.model_spec.signature_name = name
    for alias, value in results.items():
        tensors.encode(value, response.outputs[alias], packed=False)
    return response


def warm_up(servable: LoadedServable, path: Path) -> None:
    """Runs the recorded requests of a SavedModel, if it has any.

    Raises:
        StatusError: one of them failed; the model is not fit to be served.
    """
    file = path / _WARM_UP
    if file.exists():
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            log = PredictionLog.FromString(record)
            predict(servable, log.predict_log.request, None)


def _inputs(
    signature: SignatureDef, given: Mapping[str, TensorProto]
) -> dict[str, np.ndarray]:
    expected, received = set(signature.inputs), set(given)
    if expected != received:
        raise _invalid(
            "input size does not match signature: "
            f"{len(received)}!={len(expected)} "
            f"len({_braced(received)}) != len({_braced(expected)}). "
            f"Sent extra: {_braced(received - expected)}. "
            f"Missing but required: {_braced(expected - received)}."
        )
    inputs = {}
    for name, tensor in given.items():
        if tensor.dtype != signature.inputs[name].dtype:
            raise _invalid(
                f"input {name} must be of dtype "
                f"{tf.as_dtype(signature.inputs[name].dtype).name}; received "
                f"number {tensor.dtype}."
            )
        try:
            inputs[name] = tensors.decode(tensor)
        except ValueError as error:
            raise _invalid(f"tensor parsing error: {name}: {error}") from error
    return inputs


def _outputs(signature: SignatureDef, wanted: Sequence[str]) -> list[str]:
    known = signature.outputs
    for alias in wanted:
        if alias not in known:
            raise _invalid(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_braced(known)}."
            )
    if len(set(wanted)) < len(wanted):
        raise _invalid("duplicate output tensor alias")
    return list(wanted) or list(known)


def _braced(names: Iterable[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"


def _invalid(text: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, text)
