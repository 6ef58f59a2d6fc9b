"""Serves exported models over gRPC, for development and tests.

    sketcher serve --model_base_path=models

It speaks as TensorFlow Serving does, and has its flags as far as it goes.
"""

import asyncio
import logging
import os
import signal
import threading
from pathlib import Path

from absl import flags
from google.protobuf import text_format

from sketcher_tf.cli import Command, needs, refuse_arguments

COMMAND = Command(
    "sketcher serve", __doc__, extra="tf", errors=(text_format.ParseError,)
)
_BASE_PATH = flags.DEFINE_string(
    "model_base_path",
    "models",
    "The folder of models: NAME/NUMBER/ each.",
    flag_values=COMMAND.flags,
)
_HOST = flags.DEFINE_string(
    "host",
    "localhost",
    "Where to listen; 0.0.0.0 for other machines too.",
    flag_values=COMMAND.flags,
)
_PORT = flags.DEFINE_integer(
    "port",
    8500,
    "Port; 0 takes a free one.",
    0,
    flag_values=COMMAND.flags,
)
_POLL = flags.DEFINE_float(
    "file_system_poll_wait_seconds",
    1.0,
    "Between looks for versions.",
    0.01,
    flag_values=COMMAND.flags,
)
_THREADS = flags.DEFINE_integer(
    "grpc_max_threads",
    4 * (os.cpu_count() or 1),
    "Calls at once; more are refused before they begin.",
    1,
    flag_values=COMMAND.flags,
)
_BATCHING = flags.DEFINE_bool(
    "enable_batching",
    False,
    "Merge calls of models that have a batching_params.pbtxt.",
    flag_values=COMMAND.flags,
)
_WARM_UP = flags.DEFINE_bool(
    "enable_model_warmup",
    True,
    "Run the recorded calls of a new version.",
    flag_values=COMMAND.flags,
)
_GATEWAY = flags.DEFINE_bool(
    "gateway",
    False,
    "Offer sketcher.v1, too: gRPC at port 50051, HTTP at port 8080.",
    flag_values=COMMAND.flags,
)
_SSL = flags.DEFINE_string(
    "ssl_config_file",
    None,
    "Keys and certificates, an SSLConfig as text.",
    flag_values=COMMAND.flags,
)


def main(arguments: list[str]) -> None:
    """Flags -> a server, until SIGTERM or SIGINT."""
    refuse_arguments(arguments, "--model_base_path=models")
    if _GATEWAY.value and _SSL.value:
        raise ValueError(
            "the gateway of this server speaks plainly; received "
            "--ssl_config_file too. Run `python -m serving.gateway` beside it."
        )
    from .service import EmbeddedServer, server_credentials

    server = EmbeddedServer(
        Path(_BASE_PATH.value),
        host=_HOST.value,
        port=_PORT.value,
        max_threads=_THREADS.value,
        poll_seconds=_POLL.value,
        batching=_BATCHING.value,
        warm=_WARM_UP.value,
        credentials=server_credentials(Path(_SSL.value))
        if _SSL.value
        else None,
    )
    logging.info("Listening at %s:%d", _HOST.value, server.port)
    try:
        if _GATEWAY.value:
            _offer_gateway(server.port)
        else:
            _wait_for_the_end()
    finally:
        logging.info("Stopping")
        server.stop()


def _wait_for_the_end() -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def _offer_gateway(port: int) -> None:
    with needs("gateway", "--gateway"):
        from ..gateway.gateway import Settings, serve

    wanted = Settings(f"localhost:{port}")
    asyncio.run(
        serve(
            wanted,
            lambda gateway: logging.info(
                "Gateway: gRPC at %s:%d, HTTP at %s:%d",
                wanted.host,
                gateway.grpc_port,
                wanted.host,
                gateway.http_port,
            ),
        )
    )


if __name__ == "__main__":
    COMMAND.run(main)
