"""What every call passes, whatever the transport: who, how many, how long.

One context manager around the work of a call; it refuses, counts, limits the
time and turns whatever goes wrong into a `Refusal`. What is logged never holds
a drawing.
"""

import asyncio
import contextlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.propagate import extract
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from .refusals import CODE, Refusal, refusal_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What one gateway takes upon itself.

    Attributes:
        calls: at once; more are told to come back.
        seconds: of a call, and of a whole stream.
        message_bytes: of a request.
    """

    calls: int = 64
    seconds: float = 60.0
    message_bytes: int = 2**20


class Guard:
    """Stands before the service.

    Args:
        limits: of all calls.
        api_keys: one of which a call must have; none lets all in.
        registry: of the metrics.
    """

    def __init__(
        self,
        limits: Limits,
        api_keys: Sequence[str],
        registry: CollectorRegistry,
    ) -> None:
        self._limits = limits
        self._api_keys = [key.encode() for key in api_keys]
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._calls = Counter(
            "sketcher_gateway_calls",
            "Calls that have ended.",
            ["method", "transport", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "sketcher_gateway_seconds",
            "How long calls took.",
            ["method", "transport"],
            registry=registry,
        )
        Gauge(
            "sketcher_gateway_under_way",
            "Calls that have begun and not ended.",
            registry=registry,
        ).set_function(lambda: self._under_way)

    @contextlib.asynccontextmanager
    async def call(
        self,
        method: str,
        transport: str,
        headers: Mapping[str, str],
        seconds: float | None,
    ) -> AsyncIterator[float]:
        """Around the work of a call; gives the seconds that it may take.

        Args:
            method: of the service.
            transport: "grpc" or "http".
            headers: of the call: its API key, and the trace that it is part of.
            seconds: that the caller will wait; None says nothing.

        Raises:
            Refusal: whatever went wrong.
        """
        begun, code = time.monotonic(), CODE.OK
        allowed = min(seconds or self._limits.seconds, self._limits.seconds)
        try:
            self._check_key(key_of(headers))
            with self._slot(), _span(method, headers):
                async with asyncio.timeout(allowed):
                    yield allowed
        except (GeneratorExit, asyncio.CancelledError):
            code = CODE.CANCELLED
            raise
        except Exception as error:
            refusal = refusal_of(error)
            code = refusal.code
            if code is CODE.INTERNAL:
                _log.exception("%s failed", method)
            raise refusal from error
        finally:
            ended = method, transport, code, time.monotonic() - begun
            # The answer goes first.
            asyncio.get_running_loop().call_soon(self._note, *ended)

    async def close(self, seconds: float) -> None:
        """Lets no call begin, and waits for those under way."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    def _check_key(self, key: str) -> None:
        given = key.encode()
        if self._api_keys and not any(
            [hmac.compare_digest(given, one) for one in self._api_keys]
        ):
            raise Refusal(
                CODE.UNAUTHENTICATED,
                "a call must have an API key; received none that is known. "
                "Send it as x-api-key.",
            )

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        if self._closing:
            raise Refusal(CODE.UNAVAILABLE, "the gateway is closing.")
        if self._under_way >= self._limits.calls:
            raise Refusal(
                CODE.RESOURCE_EXHAUSTED,
                f"{self._limits.calls} calls are under way. Come back later.",
            )
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    def _note(
        self, method: str, transport: str, code: CODE, seconds: float
    ) -> None:
        self._calls.labels(method, transport, code.name).inc()
        self._seconds.labels(method, transport).observe(seconds)
        entry = {
            "method": method,
            "transport": transport,
            "code": code.name,
            "seconds": round(seconds, 4),
        }
        _log.info("%s", json.dumps(entry))


def _span(
    method: str, headers: Mapping[str, str]
) -> AbstractContextManager[None]:
    """Around the work of a call; by default a process sends no traces."""
    traced = not isinstance(
        trace.get_tracer_provider(), trace.ProxyTracerProvider
    )
    return _traced(method, headers) if traced else contextlib.nullcontext()


@contextlib.contextmanager
def _traced(method: str, headers: Mapping[str, str]) -> Iterator[None]:
    """A span that tells the code of an error, whose words may quote a drawing.

    Its attributes have the names that OpenTelemetry gives to those of RPCs.
    """
    with trace.get_tracer(__name__).start_as_current_span(
        f"sketcher.v1.SketcherService/{method}",
        extract(headers),
        trace.SpanKind.SERVER,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except Exception as error:
            code = refusal_of(error).code
            span.set_attribute("rpc.grpc.status_code", code.value[0])
            span.set_status(trace.StatusCode.ERROR, code.name)
            raise


def key_of(headers: Mapping[str, str]) -> str:
    """The API key of a call: `x-api-key`, or a bearer token."""
    bearer = headers.get("authorization", "")
    return headers.get("x-api-key") or bearer.removeprefix("Bearer ")
