"""Writes the TLS configuration of a server, which holds keys as text.

    python -m serving.tls --key=server.key --certificate=server.pem > ssl.config
    python -m serving.tls ... --client_ca=clients.pem > ssl.config

With --client_ca only clients with a certificate of that authority are let in.
Both servers take the file by --ssl_config_file.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from google.protobuf import text_format

from sketcher_tf.wire.messages import SSLConfig


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


def main(argv: Sequence[str] | None = None) -> None:
    """Arguments -> the configuration, on the standard output."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.tls", description="A server's TLS settings."
    )
    parser.add_argument("--key", type=Path, required=True, help="PEM")
    parser.add_argument("--certificate", type=Path, required=True, help="PEM")
    parser.add_argument(
        "--client_ca", type=Path, help="PEM; demands certificates of clients"
    )
    args = parser.parse_args(argv)
    try:
        print(ssl_config(args.key, args.certificate, args.client_ca), end="")
    except OSError as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
