"""Writes the TLS configuration of a server, which holds keys as text.

    python -m serving.tls --key=server.key --certificate=server.pem > ssl.config
    python -m serving.tls ... --client_ca=clients.pem > ssl.config

With --client_ca only clients with a certificate of that authority are let in.
Both servers take the file by --ssl_config_file.
"""

from pathlib import Path

from absl import flags
from google.protobuf import text_format

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.wire.messages import SSLConfig

COMMAND = Command("python -m serving.tls", __doc__)
_KEY = flags.DEFINE_string(
    "key", None, "PEM file.", required=True, flag_values=COMMAND.flags
)
_CERTIFICATE = flags.DEFINE_string(
    "certificate", None, "PEM file.", required=True, flag_values=COMMAND.flags
)
_CLIENT_CA = flags.DEFINE_string(
    "client_ca",
    None,
    "PEM file; demands certificates of clients.",
    flag_values=COMMAND.flags,
)


def ssl_config(
    key: Path, certificate: Path, client_ca: Path | None = None
) -> str:
    """An SSLConfig as text, from PEM files.

    Args:
        key: of the server.
        certificate: of the server, with its chain.
        client_ca: who vouches for clients; None lets all in.

    Raises:
        OSError: a file cannot be read.
    """
    config = SSLConfig(
        server_key=key.read_text(), server_cert=certificate.read_text()
    )
    if client_ca:
        config.custom_ca = client_ca.read_text()
        config.client_verify = True
    return text_format.MessageToString(config)


def main(arguments: list[str]) -> None:
    """Flags -> the configuration, on the standard output."""
    refuse_arguments(arguments, "--key=server.key")
    client_ca = Path(_CLIENT_CA.value) if _CLIENT_CA.value else None
    config = ssl_config(Path(_KEY.value), Path(_CERTIFICATE.value), client_ca)
    print(config, end="")


if __name__ == "__main__":
    COMMAND.run(main)
