"""The service over Connect and gRPC-Web: what pages in a browser can speak.

It shares the port of HTTP. Browsers cannot send streams: they watch.
Reference: https://connectrpc.com/docs/protocol.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from connectrpc.code import Code
from connectrpc.compat import google_protobuf_codecs
from connectrpc.errors import ConnectError, ErrorDetail
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from google.protobuf.message import Message
from protobuf.wkt import Any as Packed
from starlette.responses import Response

from ..proto.sketcher.v1 import sketcher_pb2 as pb
from . import requests
from .guard import Guard, Limits
from .refusals import CODE, Refusal
from .rpc import Request, map_commands, to_request
from .service import SketcherService

_SERVICE = pb.DESCRIPTOR.services_by_name["SketcherService"]
PATH = f"/{_SERVICE.full_name}"


class ConnectApp(ConnectASGIApplication[Any]):
    """The application, for any ASGI server.

    Args:
        service: does the work.
        guard: stands before it.
        limits: of all calls.
    """

    def __init__(
        self, service: SketcherService, guard: Guard, limits: Limits
    ) -> None:
        calls = _Calls(service, guard)
        super().__init__(
            service=calls,
            endpoints=_Calls.endpoints,
            read_max_bytes=limits.message_bytes,
            codecs=google_protobuf_codecs(),
        )

    @property
    def path(self) -> str:
        """What all paths of the service begin with."""
        return PATH

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers; but not gRPC itself, whose port is the other one."""
        kind = dict(scope["headers"]).get(b"content-type", b"")
        if kind.partition(b"+")[0] == b"application/grpc":
            await Response(status_code=415)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Calls:
    """What the library is to call.

    Args:
        service: does the work.
        guard: stands before it.
    """

    def __init__(self, service: SketcherService, guard: Guard) -> None:
        self._service = service
        self._guard = guard

    def endpoints(self) -> dict[str, Any]:
        """All calls, by their paths."""
        its = self._service
        ends = [
            self._unary("Generate", requests.GenerateRequest, its.generate),
            self._unary("Complete", requests.CompleteRequest, its.complete),
            self._unary(
                "Reconstruct", requests.ReconstructRequest, its.reconstruct
            ),
            self._unary(
                "Interpolate", requests.InterpolateRequest, its.interpolate
            ),
            self._unary(
                "ListCategories",
                requests.ListCategoriesRequest,
                its.list_categories,
            ),
            Endpoint.server_stream(
                _info("Watch", StreamType.SERVER_STREAM), self._watch
            ),
            Endpoint.bidi_stream(
                _info("Draw", StreamType.BIDI_STREAM), self._draw
            ),
        ]
        return {f"{PATH}/{end.method.name}": end for end in ends}

    def _unary(
        self,
        name: str,
        kind: type[Request],
        work: Callable[[Request, float], Awaitable[Message]],
    ) -> Endpoint:
        async def answer(message: Message, context: RequestContext) -> Message:
            with _refusing(context):
                async with self._call(context) as seconds:
                    return await work(to_request(kind, message), seconds)

        return Endpoint.unary(_info(name, StreamType.UNARY), answer)

    async def _watch(
        self, message: Message, context: RequestContext
    ) -> AsyncIterator[Message]:
        with _refusing(context):
            async with self._call(context) as seconds:
                wanted = to_request(requests.WatchRequest, message)
                watching = self._service.watch(wanted, seconds)
                async with contextlib.aclosing(watching) as answers:
                    async for answer in answers:
                        yield answer

    async def _draw(
        self, commands: AsyncIterator[pb.DrawRequest], context: RequestContext
    ) -> AsyncIterator[Message]:
        with _refusing(context):
            async with self._call(context) as seconds:
                drawing = self._service.draw(map_commands(commands), seconds)
                async with contextlib.aclosing(drawing) as answers:
                    async for answer in answers:
                        yield answer

    def _call(
        self, context: RequestContext
    ) -> contextlib.AbstractAsyncContextManager[float]:
        left = context.timeout_ms
        return self._guard.call(
            context.method.name,
            "connect",
            context.request_headers,
            None if left is None else left / 1000,
        )


def _info(name: str, kind: StreamType) -> MethodInfo:
    method = _SERVICE.methods_by_name[name]
    return MethodInfo(
        name=name,
        service_name=_SERVICE.full_name,
        input=getattr(pb, method.input_type.name),
        output=getattr(pb, method.output_type.name),
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=kind,
    )


@contextlib.contextmanager
def _refusing(context: RequestContext) -> Iterator[None]:
    """Refusals, in the words of the library."""
    try:
        yield
    except Refusal as refusal:
        if refusal.retry_seconds:
            context.response_headers["retry-after"] = str(refusal.retry_seconds)
        raise _error_of(refusal) from refusal


def _error_of(refusal: Refusal) -> ConnectError:
    cancelled = refusal.code is CODE.CANCELLED  # which Connect spells otherwise
    code = Code.CANCELED if cancelled else Code[refusal.code.name]
    details = [
        ErrorDetail(Packed(type_url=one.type_url, value=one.value))
        for one in refusal.to_status().details
    ]
    return ConnectError(code, refusal.text, details)
