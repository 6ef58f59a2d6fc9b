"""Offers `sketcher.v1`, the typed service, over gRPC and HTTP.

    python -m serving.gateway --target=localhost:8500
    curl localhost:8080/v1/sketches:generate -d '{"category": "cat"}'

In front of TensorFlow Serving or the embedded server; any number may run.
"""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from sketcher_tf.cli import Command, refuse_arguments

if TYPE_CHECKING:
    from sketcher_tf.client import Tls

    from .gateway import Settings

COMMAND = Command(
    "python -m serving.gateway", __doc__, extra="gateway", tensorflow=False
)
_TARGET = flags.DEFINE_string(
    "target",
    "localhost:8500",
    "Of the servables, host:port.",
    flag_values=COMMAND.flags,
)
_SESSION_TARGET = flags.DEFINE_string(
    "session_target",
    None,
    "Of live drawing, if that is served elsewhere.",
    flag_values=COMMAND.flags,
)
_TARGET_TLS = flags.DEFINE_bool(
    "target_tls",
    False,
    "Speak TLS to the servables, by the usual authorities; the files below "
    "imply it.",
    flag_values=COMMAND.flags,
)
_TARGET_CA = flags.DEFINE_string(
    "target_ca",
    None,
    "PEM file: who vouches for the servables.",
    flag_values=COMMAND.flags,
)
_TARGET_CERTIFICATE = flags.DEFINE_string(
    "target_certificate",
    None,
    "PEM file: what the gateway shows them, for mutual TLS.",
    flag_values=COMMAND.flags,
)
_TARGET_KEY = flags.DEFINE_string(
    "target_key",
    None,
    "PEM file, of that certificate.",
    flag_values=COMMAND.flags,
)
_HOST = flags.DEFINE_string(
    "host",
    "localhost",
    "Where to listen; other than this machine only with a choice of who may.",
    flag_values=COMMAND.flags,
)
_GRPC_PORT = flags.DEFINE_integer(
    "grpc_port",
    50051,
    "0 takes a free one.",
    0,
    flag_values=COMMAND.flags,
)
_HTTP_PORT = flags.DEFINE_integer(
    "http_port",
    8080,
    "0 takes a free one.",
    0,
    flag_values=COMMAND.flags,
)
_API_KEYS = flags.DEFINE_string(
    "api_keys_file",
    None,
    "A key per line, one of which a call must have.",
    flag_values=COMMAND.flags,
)
_ANONYMOUS = flags.DEFINE_bool(
    "allow_anonymous",
    False,
    "Let other machines in without a key.",
    flag_values=COMMAND.flags,
)
_CERTIFICATE = flags.DEFINE_string(
    "certificate",
    None,
    "PEM file, for TLS.",
    flag_values=COMMAND.flags,
)
_KEY = flags.DEFINE_string(
    "key",
    None,
    "PEM file, of the certificate.",
    flag_values=COMMAND.flags,
)
_CLIENT_CA = flags.DEFINE_string(
    "client_ca",
    None,
    "PEM file; demands certificates of clients.",
    flag_values=COMMAND.flags,
)
_CORS = flags.DEFINE_list(
    "cors_origins",
    [],
    "Of pages that may call.",
    flag_values=COMMAND.flags,
)
_CALLS = flags.DEFINE_integer(
    "max_calls",
    64,
    "At once.",
    1,
    flag_values=COMMAND.flags,
)
_SECONDS = flags.DEFINE_float(
    "max_seconds",
    60.0,
    "Of a call.",
    0.1,
    flag_values=COMMAND.flags,
)
_BYTES = flags.DEFINE_integer(
    "max_bytes",
    2**20,
    "Of a request.",
    1,
    flag_values=COMMAND.flags,
)


def settings() -> "Settings":
    """What the flags say.

    Raises:
        OSError: a file cannot be read.
        ValueError: they do not go together.
    """
    from .gateway import Settings
    from .guard import Limits

    keys: list[str] = []
    if _API_KEYS.value:
        keys = Path(_API_KEYS.value).read_text().split()
        if not keys:
            raise ValueError(
                "api_keys_file must hold a key per line; received an empty "
                "file. Write one, or leave the flag out."
            )
    return Settings(
        target=_TARGET.value,
        session_target=_SESSION_TARGET.value,
        target_tls=_target_tls(),
        host=_HOST.value,
        grpc_port=_GRPC_PORT.value,
        http_port=_HTTP_PORT.value,
        api_keys=tuple(keys),
        allow_anonymous=_ANONYMOUS.value,
        certificate=_CERTIFICATE.value,
        key=_KEY.value,
        client_ca=_CLIENT_CA.value,
        cors_origins=tuple(_CORS.value),
        limits=Limits(_CALLS.value, _SECONDS.value, _BYTES.value),
    )


def _target_tls() -> "Tls | None":
    from sketcher_tf.client import Tls

    files = _TARGET_CA.value, _TARGET_CERTIFICATE.value, _TARGET_KEY.value
    return Tls.from_files(*files) if _TARGET_TLS.value or any(files) else None


def main(arguments: list[str]) -> None:
    """Flags -> a gateway, until SIGTERM or SIGINT."""
    refuse_arguments(arguments, "--target=localhost:8500")
    from .gateway import serve

    wanted = settings()
    asyncio.run(
        serve(
            wanted,
            lambda gateway: logging.info(
                "gRPC at %s:%d, HTTP at %s:%d",
                wanted.host,
                gateway.grpc_port,
                wanted.host,
                gateway.http_port,
            ),
        )
    )


if __name__ == "__main__":
    COMMAND.run(main)
