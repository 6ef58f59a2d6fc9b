"""What both clients are: channels to a server, and the operations over them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import grpc

from sketcher_tf import contract
from sketcher_tf.client.calls import (
    Attempt,
    Caller,
    Choice,
    check_timeout,
)
from sketcher_tf.client.operations import Operations
from sketcher_tf.client.proxies import is_loopback
from sketcher_tf.wire import messages

# Proxies commonly stop at gRPC's default, 4 MiB; requests are split to fit.
MESSAGE_BYTES = 4 * 2**20
_FRAMING_BYTES = 2**16  # room for what gRPC adds, and for another message

_METHODS = {
    messages.PredictRequest: (
        "/tensorflow.serving.PredictionService/Predict",
        messages.PredictResponse,
    ),
    messages.GetModelStatusRequest: (
        "/tensorflow.serving.ModelService/GetModelStatus",
        messages.GetModelStatusResponse,
    ),
}

# Calls without state go to all addresses of a target in turn; those of sessions
# stay with one, which holds them.
_POLICIES = {
    contract.SKETCHER.name: "round_robin",
    contract.SKETCHER_SESSION.name: "pick_first",
}


@dataclass(frozen=True)
class Tls:
    """Certificates and keys in PEM.

    Attributes:
        ca: the authority that vouches for the server; None takes the usual
            ones.
        certificate: of the client, for mutual TLS.
        key: of the client's certificate.
    """

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    def __post_init__(self) -> None:
        """Raises: ValueError, one of certificate and key without the other."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError(
                "mutual TLS needs a certificate and its key; received one of "
                "them. Give both, or none."
            )

    @classmethod
    def from_files(
        cls,
        ca: str | Path | None = None,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
    ) -> "Tls":
        """Reads PEM files."""

        def read(path: str | Path | None) -> bytes | None:
            return Path(path).read_bytes() if path else None

        return cls(read(ca), read(certificate), read(key))

    def credentials(self) -> grpc.ChannelCredentials:
        """For a channel."""
        return grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)


class Connection:
    """A connection to a server.

    Args:
        target: `host:port`. A name with several addresses, written
            `dns:///name:port`, has its calls spread over all of them.
        tls: certificates; None speaks plainly.
        version: of the model, to stay with; by default the latest.
        label: of a version, instead of its number.
        timeout: seconds for each call to the server, its repetitions included.
            A request for more drawings than fit in a call is several calls.
        session_target: of the servable behind `draw_live`, if that is served
            elsewhere.
        message_bytes: the largest message that passes on the way.

    Raises:
        ValueError: a version and a label, or no sensible timeout.
    """

    _grpc: ClassVar[Any]  # `grpc` or `grpc.aio`, which make the channels

    def __init__(
        self,
        target: str,
        *,
        tls: Tls | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 60.0,
        session_target: str | None = None,
        message_bytes: int = MESSAGE_BYTES,
    ) -> None:
        if version is not None and label is not None:
            raise ValueError(
                "a version has a number or a label; received both, "
                f"version={version} and label={label!r}. Give one of them."
            )
        check_timeout(timeout)
        targets = {
            contract.SKETCHER.name: target,
            contract.SKETCHER_SESSION.name: session_target or target,
        }
        self._channels = {
            name: self._channel(
                address, tls, _options(name, address, message_bytes)
            )
            for name, address in targets.items()
        }
        self._methods = {
            (name, request): channel.unary_unary(
                path, request.SerializeToString, answer.FromString
            )
            for name, channel in self._channels.items()
            for request, (path, answer) in _METHODS.items()
        }
        self._operations = Operations(
            Caller(targets), Choice(version, label), timeout, message_bytes
        )

    @property
    def _closed(self) -> bool:
        return self._operations.caller.closed

    def _channel(
        self, target: str, tls: Tls | None, options: list[tuple[str, Any]]
    ) -> Any:
        if tls is None:
            return self._grpc.insecure_channel(target, options)
        return self._grpc.secure_channel(target, tls.credentials(), options)

    def _send(self, attempt: Attempt) -> Any:
        """Makes a call; its answer, or what can be awaited for it."""
        send = self._method(attempt)
        return send(attempt.request, timeout=attempt.timeout)

    def _method(self, attempt: Attempt) -> Any:
        return self._methods[attempt.servable, type(attempt.request)]


def receive_options(message_bytes: int) -> list[tuple[str, int]]:
    """The options of a channel or a server that takes messages of that size.

    The largest one fits into the window of its stream from the start. So gRPC
    need not measure how much a connection holds, for which it sends a ping when
    data arrive: that wakes both sides while they are at work.
    """
    window = min(message_bytes + _FRAMING_BYTES, 2**31 - 1)
    return [
        ("grpc.max_receive_message_length", message_bytes),
        ("grpc.http2.lookahead_bytes", window),
        ("grpc.http2.bdp_probe", 0),
    ]


def _options(
    servable: str, target: str, message_bytes: int
) -> list[tuple[str, Any]]:
    """The options of a servable's channel."""
    policy: dict[str, Any] = {
        "loadBalancingConfig": [{_POLICIES[servable]: {}}]
    }
    return [
        *receive_options(message_bytes),
        ("grpc.max_send_message_length", message_bytes),
        ("grpc.service_config", json.dumps(policy)),
        # gRPC would ask a proxy for a server on this very machine.
        ("grpc.enable_http_proxy", int(not is_loopback(target))),
        # A server that has come back is to be found soon: gRPC would wait for
        # up to two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
