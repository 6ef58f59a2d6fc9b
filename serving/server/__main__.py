"""The embedded server on the command line.

python -m serving.server --model_base_path=models
"""

import asyncio
import os
import signal
import threading
from pathlib import Path

from absl import app, flags, logging
from google.protobuf import text_format

from . import batching
from .service import EmbeddedServer, server_credentials

_BASE_PATH = flags.DEFINE_string(
    "model_base_path", "models", "The folder of models: NAME/NUMBER/ each."
)
_HOST = flags.DEFINE_string(
    "host", "localhost", "Where to listen; 0.0.0.0 for other machines too."
)
_PORT = flags.DEFINE_integer("port", 8500, "Port; 0 takes a free one.", 0)
_POLL = flags.DEFINE_float(
    "file_system_poll_wait_seconds", 1.0, "Between looks for versions.", 0.01
)
_THREADS = flags.DEFINE_integer(
    "grpc_max_threads",
    4 * (os.cpu_count() or 1),
    "Calls at once; more are refused before they begin.",
    1,
)
_BATCHING = flags.DEFINE_bool(
    "enable_batching",
    False,
    f"Merge calls of models that have a {batching.PARAMETERS_FILE}.",
)
_WARM_UP = flags.DEFINE_bool(
    "enable_model_warmup", True, "Run the recorded calls of a new version."
)
_GATEWAY = flags.DEFINE_bool(
    "gateway",
    False,
    "Offer sketcher.v1, too: gRPC at port 50051, HTTP at port 8080.",
)
_SSL = flags.DEFINE_string(
    "ssl_config_file", None, "Keys and certificates, an SSLConfig as text."
)


def main(argv: list[str]) -> None:
    """Flags -> a server, until SIGTERM or SIGINT."""
    logging.set_verbosity(logging.INFO)
    if len(argv) > 1:
        raise SystemExit(f"error: all is given by flags; received {argv[1:]}.")
    if _GATEWAY.value and _SSL.value:
        raise SystemExit(
            "error: the gateway of this server speaks plainly; received "
            "--ssl_config_file too. Run `python -m serving.gateway` beside it."
        )
    try:
        server = EmbeddedServer(
            Path(_BASE_PATH.value),
            host=_HOST.value,
            port=_PORT.value,
            max_threads=_THREADS.value,
            poll_seconds=_POLL.value,
            batching=_BATCHING.value,
            warm=_WARM_UP.value,
            credentials=_SSL.value and server_credentials(Path(_SSL.value)),
        )
    except (OSError, ValueError, text_format.ParseError) as error:
        raise SystemExit(f"error: {error}") from error
    logging.info("Listening at %s:%d", _HOST.value, server.port)
    try:
        if _GATEWAY.value:
            _offer_gateway(server.port)
        else:
            _wait_for_the_end()
    except OSError as error:
        raise SystemExit(f"error: {error}") from error
    finally:
        logging.info("Stopping")
        server.stop()


def _wait_for_the_end() -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def _offer_gateway(port: int) -> None:
    # Only here: its packages are an extra of their own.
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
    app.run(main)
