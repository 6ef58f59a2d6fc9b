"""The embedded server: models over gRPC, for laptops and tests.

    python -m serving.server --model_base_path=models

It speaks what TensorFlow Serving speaks, with the same status codes, and loads
every model in the folder and every new version. It is there to try things out;
for production see `serving/config`.
"""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from pathlib import Path
from typing import Self, TypeAlias, TypeVar

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import grpc
from google.protobuf import text_format
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)

from sketcher_tf.client.retry import NOT_BEGUN
from sketcher_tf.wire.messages import SSLConfig

from . import batching
from .manager import ModelManager
from .model import LoadedServable, StatusError
from .predict import predict, warm_up

S = TypeVar("S")  # a servicer
Q = TypeVar("Q")  # a question to it
A = TypeVar("A")  # the answer
Method: TypeAlias = Callable[[S, Q, grpc.ServicerContext], A]

_SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (prediction_service_pb2, "PredictionService"),
        (model_service_pb2, "ModelService"),
    )
)
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Else two servers would share a port, and its calls.
    ("grpc.so_reuseport", 0),
)
_REFUSERS = 8  # threads beyond those that work, to say no with
_GRACE_SECONDS = 30.0
_LONGEST_TIMEOUT = 1e6  # seconds; gRPC gives a number also without deadline


class EmbeddedServer:
    """A running server; a context manager.

    Args:
        folder: of the models. They are loaded before the port opens.
        host: where to listen.
        port: 0 takes a free one; see the attribute.
        max_threads: calls at once.
        poll_seconds: between looks for new versions.
        batching: merge calls of models that say how.
        warm: run the recorded calls of a model before it is served.
        credentials: for TLS, or None.

    Raises:
        OSError: there is no such folder, or the address cannot be had.
        ValueError: the credentials are of no use.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "localhost",
        port: int = 0,
        max_threads: int = 16,
        poll_seconds: float = 1.0,
        batching: bool = False,
        warm: bool = True,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self._manager = ModelManager(folder, _loader(batching, warm))
        self._manager.refresh()
        self._health = health.HealthServicer()
        self._server = self._make_server(max_threads)
        try:
            self.port = self._listen(f"{host}:{port}", credentials)
        except BaseException:
            self._manager.close()
            raise
        self._watcher = threading.Thread(
            target=self._manager.watch, args=(poll_seconds,), daemon=True
        )
        self._watcher.start()
        self._server.start()
        short = [name.rpartition(".")[2] for name in _SERVICES]
        for service in ("", *_SERVICES, *short):  # the real one has the short
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """Takes no more calls, and ends when those under way have ended.

        Args:
            grace: seconds, after which they are cancelled.
        """
        self._health.enter_graceful_shutdown()
        self._server.stop(grace).wait()
        self._manager.close()
        self._watcher.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_server(self, max_threads: int) -> grpc.Server:
        server = grpc.server(
            ThreadPoolExecutor(max_threads + _REFUSERS), options=_OPTIONS
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self._manager, max_threads), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self._manager), server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(
            (*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
        return server

    def _listen(
        self, address: str, credentials: grpc.ServerCredentials | None
    ) -> int:
        try:
            if credentials is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as error:  # whatever the reason
            if _is_free(address):
                raise ValueError(
                    "the server needs a certificate and its key, in PEM; "
                    "received something else. Write the file with `python -m "
                    "serving.server.tls`."
                ) from error
            raise OSError(
                "the address must be free and of this machine; received "
                f"{address}, which is taken or of another one. Choose another "
                "with --port or --host."
            ) from error


def _is_free(address: str) -> bool:
    """Whether a server without TLS can listen there."""
    server = grpc.server(ThreadPoolExecutor(1), options=_OPTIONS)
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        return False
    finally:
        server.stop(None).wait()
    return True


def _loader(
    merge: bool, warm: bool
) -> Callable[[str, int, Path], LoadedServable]:
    def load(name: str, version: int, path: Path) -> LoadedServable:
        merged = merge and (path / batching.PARAMETERS_FILE).exists()
        kind = batching.BatchedServable if merged else LoadedServable
        servable = kind(name, version, path)
        if warm:
            try:
                warm_up(servable, path)
            except BaseException:
                servable.drain_and_close()
                raise
        return servable

    return load


def _answering(method: Method[S, Q, A]) -> Method[S, Q, A]:
    """Whatever happens in `method`, the caller is told with a status."""

    @wraps(method)
    def answer(self: S, request: Q, context: grpc.ServicerContext) -> A:
        try:
            return method(self, request, context)
        except StatusError as error:
            status = error
        except Exception as error:
            logging.exception("%s failed", method.__name__)
            status = StatusError(
                grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
            )
        context.abort(status.code, status.text)

    return answer


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Runs models.

    Args:
        manager: of models.
        max_threads: how many calls at once.
    """

    def __init__(self, manager: ModelManager, max_threads: int) -> None:
        self._manager = manager
        self._threads = threading.BoundedSemaphore(max_threads)

    @_answering
    def Predict(  # noqa: N802
        self,
        request: predict_pb2.PredictRequest,
        context: grpc.ServicerContext,
    ) -> predict_pb2.PredictResponse:
        """Runs a signature."""
        name, version = _model_of(request)
        if not self._threads.acquire(blocking=False):
            raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, NOT_BEGUN)
        try:
            with self._manager.using(name, version) as servable:
                return predict(servable, request, _time_left(context))
        finally:
            self._threads.release()

    @_answering
    def GetModelMetadata(  # noqa: N802
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a model."""
        name, version = _model_of(request)
        if list(request.metadata_field) != ["signature_def"]:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                "GetModelMetadataRequest must specify the metadata_field "
                "signature_def, and no other one",
            )
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        with self._manager.using(name, version) as servable:
            for key, signature in servable.signatures.items():
                signatures.signature_def[key].CopyFrom(signature)
            answer.model_spec.name = servable.name
            answer.model_spec.version.value = servable.version
        answer.metadata["signature_def"].Pack(signatures)
        return answer


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Tells what is loaded.

    Args:
        manager: of models.
    """

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    @_answering
    def GetModelStatus(  # noqa: N802
        self,
        request: get_model_status_pb2.GetModelStatusRequest,
        context: grpc.ServicerContext,
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """The state of all versions of a model, or of the one asked for."""
        if not request.HasField("model_spec"):
            raise _missing_model()
        spec = request.model_spec
        states = self._manager.states(spec.name)
        if spec.HasField("version"):
            number = spec.version.value
            states = {k: v for k, v in states.items() if k == number}
        if not states:
            raise StatusError(
                grpc.StatusCode.NOT_FOUND,
                f"Could not find any versions of model {spec.name}",
            )
        answer = get_model_status_pb2.GetModelStatusResponse()
        for number, status in sorted(states.items()):
            one = answer.model_version_status.add()
            one.version, one.state = number, int(status.state)
            if status.error:
                one.status.error_code = grpc.StatusCode.UNKNOWN.value[0]
                one.status.error_message = status.error
        return answer


def _missing_model() -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")


def _model_of(
    request: predict_pb2.PredictRequest
    | get_model_metadata_pb2.GetModelMetadataRequest,
) -> tuple[str, int | None]:
    """The name and version that are asked for.

    Raises:
        StatusError: none, or a label: this server gives no labels.
    """
    if not request.HasField("model_spec"):
        raise _missing_model()
    spec = request.model_spec
    if not spec.name:
        raise StatusError(
            grpc.StatusCode.INVALID_ARGUMENT, "ModelSpec has no name specified."
        )
    choice = spec.WhichOneof("version_choice")
    if choice == "version_label":
        raise StatusError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"Unrecognized servable version label: {spec.version_label}",
        )
    return spec.name, spec.version.value if choice == "version" else None


def _time_left(context: grpc.ServicerContext) -> float | None:
    left = context.time_remaining()
    return None if left is None or left > _LONGEST_TIMEOUT else left


def server_credentials(file: Path) -> grpc.ServerCredentials:
    """Reads an SSLConfig, as the real server has it.

    Raises:
        text_format.ParseError: it is none.
        ValueError: something is missing in it.
    """
    config = text_format.Parse(file.read_text(), SSLConfig())
    if not (config.server_key and config.server_cert):
        raise ValueError(
            "TLS needs a server_key and a server_cert; received one of them, "
            f"or none. Add them to {file}."
        )
    if config.client_verify and not config.custom_ca:
        raise ValueError(
            "client_verify needs a custom_ca, which vouches for clients; "
            f"received none. Add it to {file}."
        )
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        config.custom_ca.encode() or None,
        config.client_verify,
    )
