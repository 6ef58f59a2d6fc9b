"""Models as the embedded server holds them: loaded, in use, drained, gone.

A model is run as TensorFlow Serving runs it, in a session of TensorFlow 1 over
the saved graph, so that an export that fails there fails here too.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from sketcher_tf.contract import Arrays

DEFAULT_SIGNATURE = "serving_default"
_INIT_SIGNATURE = "__saved_model_init_op"
_SERVED = {tf.saved_model.SERVING}
_UNKNOWN_SHAPE = tf.TensorShape(None).as_proto()
_LONGEST_MESSAGE = 1024


class StatusError(Exception):
    """What a call ends with: a status code and a text for the caller."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        if len(text) > _LONGEST_MESSAGE:
            text = text[:_LONGEST_MESSAGE] + "...TRUNCATED"
        self.text = text


class LoadedServable:
    """One version of a model, loaded.

    Args:
        name: of the model.
        version: the number of its folder.
        path: the SavedModel.

    Raises:
        Exception: whatever TensorFlow says of a model that cannot be loaded.
    """

    def __init__(self, name: str, version: int, path: Path) -> None:
        self.name = name
        self.version = version
        self._in_use = 0
        self._closed = False
        self._changed = threading.Condition()
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            self.signatures = _restore(self._session, path)
        except BaseException:
            self._session.close()
            raise

    def acquire(self) -> bool:
        """Keeps the model loaded until `release`; False if it is too late."""
        with self._changed:
            self._in_use += not self._closed
            return not self._closed

    def release(self) -> None:
        """Undoes one `acquire`."""
        with self._changed:
            self._in_use -= 1
            self._changed.notify_all()

    def drain_and_close(self) -> None:
        """Takes no more calls, waits for those under way, and unloads."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._in_use)
        self._session.close()

    def signature(self, name: str) -> SignatureDef:
        """The SignatureDef of that name; "" is the default one.

        Raises:
            StatusError: there is none.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found.',
            )
        return self.signatures[name]

    def run(
        self,
        signature: SignatureDef,
        inputs: Arrays,
        outputs: Sequence[str],
        timeout: float | None,
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: the SignatureDef.
            inputs: by name, all of them.
            outputs: the names of what to compute.
            timeout: seconds, after which the run is stopped; or None.

        Raises:
            StatusError: it failed.
        """
        options = tf.compat.v1.RunOptions()
        if timeout is not None:
            options.timeout_in_ms = max(int(timeout * 1000), 1)
        fetched = {name: self._tensor(signature, name) for name in outputs}
        fed = {signature.inputs[name].name: inputs[name] for name in inputs}
        try:
            results = self._session.run(fetched, fed, options)
        except tf.errors.OpError as error:
            raise StatusError(_code(error.error_code), _text(error)) from error
        return {name: _array(value) for name, value in results.items()}

    def _tensor(self, signature: SignatureDef, output: str) -> str:
        """The tensor that is an output.

        Raises:
            StatusError: it is an operation without one: the start of a model
                is listed among its signatures.
        """
        name = signature.outputs[output].name
        if ":" not in name:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Tried to fetch data for '{name}:0', which produces no "
                "output.",
            )
        return name


def _array(value: bytes | np.ndarray) -> np.ndarray:
    """What TensorFlow returns; of a single text it is no array."""
    return np.asarray(value, object if isinstance(value, bytes) else None)


def _restore(
    session: tf.compat.v1.Session, path: Path
) -> Mapping[str, SignatureDef]:
    """Loads a SavedModel into a session; its signatures."""
    saved = saved_model_pb2.SavedModel.FromString(
        (path / "saved_model.pb").read_bytes()
    )
    for meta_graph in saved.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == _SERVED:
            break
    else:
        raise ValueError(
            f"a model must have a graph with the tag {_SERVED}; received "
            f"{path}, which has none. Export it anew."
        )
    for node in meta_graph.graph_def.node:
        if node.op == "Placeholder":  # the real server checks no shapes
            node.attr["shape"].shape.CopyFrom(_UNKNOWN_SHAPE)
            node.attr.pop("_output_shapes", None)
    signatures = dict(meta_graph.signature_def)
    initialize = signatures.get(_INIT_SIGNATURE)
    with session.graph.as_default():
        saver = tf.compat.v1.train.import_meta_graph(meta_graph)
        if saver is not None:
            saver.restore(session, str(path / "variables" / "variables"))
        if initialize is not None:
            session.run(initialize.outputs[_INIT_SIGNATURE].name)
    return signatures


_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _code(number: int) -> grpc.StatusCode:
    return _CODES.get(number, grpc.StatusCode.UNKNOWN)


def _text(error: tf.errors.OpError) -> str:
    # Python adds a headline and where the graph came from; C++ does not.
    text = error.message.removeprefix("Graph execution error:").lstrip()
    return text.partition("\n\nOriginal stack trace")[0]
