"""A running gateway: gRPC on one port, HTTP on one more."""

import asyncio
import contextlib
import ipaddress
import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import grpc
import uvicorn
from prometheus_client import CollectorRegistry

from sketcher_tf.client import AsyncSketcherClient, Tls

from .guard import Guard, Limits
from .http import make_app
from .rpc import make_server, tell_serving
from .service import SketcherService

_log = logging.getLogger(__name__)
_GRACE_SECONDS = 30.0


@dataclass(frozen=True)
class Settings:
    """How a gateway is set up.

    Attributes:
        target: of the servables, `host:port`.
        session_target: of sessions, if that is elsewhere.
        target_tls: for both of them; None speaks plainly.
        host: where to listen.
        grpc_port: 0 takes a free one.
        http_port: 0 takes a free one.
        api_keys: one of which a call must have; none lets all in.
        allow_anonymous: lets other machines in without a key.
        certificate: PEM file, for TLS.
        key: PEM file, of the certificate.
        client_ca: PEM file; lets in only clients that it vouches for.
        cors_origins: of pages that may call.
        limits: of all calls.

    Raises:
        ValueError: the gateway would be open to all without a choice.
    """

    target: str
    session_target: str | None = None
    target_tls: Tls | None = None
    host: str = "localhost"
    grpc_port: int = 50051
    http_port: int = 8080
    api_keys: tuple[str, ...] = ()
    allow_anonymous: bool = False
    certificate: str | None = None
    key: str | None = None
    client_ca: str | None = None
    cors_origins: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        known = self.api_keys or self.client_ca or self.allow_anonymous
        if not (known or _is_loopback(self.host)):
            raise ValueError(
                "a gateway for other machines needs --api_keys_file, "
                f"--client_ca or --allow_anonymous; received --host={self.host}"
                " alone. Choose one."
            )
        if (self.certificate is None) != (self.key is None):
            raise ValueError(
                "TLS needs a certificate and its key; received one of them. "
                "Give both, or none."
            )
        if self.client_ca and not self.certificate:
            raise ValueError(
                "client_ca needs a certificate of the server; received none. "
                "Give --certificate and --key."
            )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Gateway:
    """A gateway, for one event loop; an asynchronous context manager.

    Args:
        settings: all of them.

    Attributes:
        grpc_port: where gRPC listens, once it runs.
        http_port: where HTTP listens.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.grpc_port = settings.grpc_port
        self.http_port = settings.http_port

    async def start(self) -> None:
        """Listens.

        Raises:
            OSError: an address cannot be had.
        """
        its, registry = self._settings, CollectorRegistry()
        self._client = AsyncSketcherClient(
            its.target, session_target=its.session_target, tls=its.target_tls
        )
        self._guard = Guard(its.limits, its.api_keys, registry)
        service = SketcherService(self._client)
        self._rpc, self._health = make_server(service, self._guard, its.limits)
        self.grpc_port = self._listen(f"{its.host}:{its.grpc_port}")
        await self._rpc.start()
        app = make_app(
            service, self._guard, its.limits, registry, its.cors_origins
        )
        await self._start_http(app)
        await tell_serving(self._health, serving=True)

    async def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """Takes no more calls, and ends when those under way have ended.

        Args:
            grace: seconds, after which they are cancelled.
        """
        await tell_serving(self._health, serving=False)
        await self._guard.close(grace)
        self._http.should_exit = True
        await self._http_task
        await self._rpc.stop(1.0)
        await self._client.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _listen(self, address: str) -> int:
        its = self._settings
        try:
            if its.certificate is None:
                return self._rpc.add_insecure_port(address)
            return self._rpc.add_secure_port(address, _credentials(its))
        except RuntimeError as error:
            raise OSError(
                "the address must be free and of this machine; received "
                f"{address}. Choose another with --grpc_port or --host."
            ) from error

    async def _start_http(self, app: Callable[..., Any]) -> None:
        its = self._settings
        self._http = _Server(
            uvicorn.Config(
                app,
                its.host,
                its.http_port,
                log_config=None,
                access_log=False,
                lifespan="off",
                ssl_certfile=its.certificate,
                ssl_keyfile=its.key,
                ssl_ca_certs=its.client_ca,
                ssl_cert_reqs=2 if its.client_ca else 0,
                timeout_graceful_shutdown=1,
            )
        )
        self._http_task = asyncio.create_task(self._http.serve())
        while not self._http.started:
            if self._http_task.done():
                raise OSError(
                    "the address must be free and of this machine; received "
                    f"{its.host}:{its.http_port}. Choose another with "
                    "--http_port or --host."
                )
            await asyncio.sleep(0.01)
        [listening, *_] = self._http.servers
        self.http_port = listening.sockets[0].getsockname()[1]


async def serve(wanted: Settings, ready: Callable[[Gateway], None]) -> None:
    """Runs a gateway until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Gateway(wanted) as gateway:
        ready(gateway)
        await ended.wait()
        _log.info("Stopping")


class _Server(uvicorn.Server):
    """Leaves signals to the program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _credentials(settings: Settings) -> grpc.ServerCredentials:
    def read(name: str | None) -> bytes:
        return Path(name).read_bytes() if name else b""

    authority = read(settings.client_ca) or None
    pair = read(settings.key), read(settings.certificate)
    return grpc.ssl_server_credentials([pair], authority, bool(authority))
