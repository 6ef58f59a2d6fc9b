"""The embedded server on the command line.

python -m serving.server --model_base_path=models
"""

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
_SSL = flags.DEFINE_string(
    "ssl_config_file", None, "Keys and certificates, an SSLConfig as text."
)


def main(argv: list[str]) -> None:
    """Flags -> a server, until SIGTERM or SIGINT."""
    logging.set_verbosity(logging.INFO)
    if len(argv) > 1:
        raise SystemExit(f"error: all is given by flags; received {argv[1:]}.")
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
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    logging.info("Listening at %s:%d", _HOST.value, server.port)
    ended.wait()
    logging.info("Stopping")
    server.stop()


if __name__ == "__main__":
    app.run(main)
