"""The service over gRPC, with health and reflection."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
)
from contextlib import AbstractAsyncContextManager, aclosing
from typing import NoReturn, TypeAlias, TypeVar

import grpc
import grpc.aio
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from pydantic import BaseModel

from sketcher_tf.client.channel import receive_options

from ..proto.sketcher.v1 import sketcher_pb2 as pb
from ..proto.sketcher.v1 import sketcher_pb2_grpc as pb_grpc
from . import requests
from .guard import Guard, Limits
from .refusals import Refusal
from .service import SketcherService

NAME = pb.DESCRIPTOR.services_by_name["SketcherService"].full_name

Context: TypeAlias = grpc.aio.ServicerContext
Answers: TypeAlias = AsyncGenerator[Message, None]
Request = TypeVar("Request", bound=BaseModel)

_LONGEST = 1e6  # seconds; gRPC gives a number also without a deadline


class Servicer(pb_grpc.SketcherServiceServicer):
    """Answers calls.

    Args:
        service: does the work.
        guard: stands before it.
    """

    def __init__(self, service: SketcherService, guard: Guard) -> None:
        self._service = service
        self._guard = guard

    async def Generate(  # noqa: N802
        self, request: pb.GenerateRequest, context: Context
    ) -> Message:
        """See the service."""
        work = self._service.generate
        return await self._answer(
            "Generate", requests.GenerateRequest, request, context, work
        )

    async def Complete(  # noqa: N802
        self, request: pb.CompleteRequest, context: Context
    ) -> Message:
        """See the service."""
        work = self._service.complete
        return await self._answer(
            "Complete", requests.CompleteRequest, request, context, work
        )

    async def Reconstruct(  # noqa: N802
        self, request: pb.ReconstructRequest, context: Context
    ) -> Message:
        """See the service."""
        work = self._service.reconstruct
        return await self._answer(
            "Reconstruct", requests.ReconstructRequest, request, context, work
        )

    async def Interpolate(  # noqa: N802
        self, request: pb.InterpolateRequest, context: Context
    ) -> Message:
        """See the service."""
        work = self._service.interpolate
        return await self._answer(
            "Interpolate", requests.InterpolateRequest, request, context, work
        )

    async def ListCategories(  # noqa: N802
        self, request: pb.ListCategoriesRequest, context: Context
    ) -> Message:
        """See the service."""
        kind, work = requests.ListCategoriesRequest, self._service
        return await self._answer(
            "ListCategories", kind, request, context, work.list_categories
        )

    async def Watch(  # noqa: N802
        self, request: pb.WatchRequest, context: Context
    ) -> None:
        """See the service."""

        def watch(seconds: float) -> Answers:
            wanted = to_request(requests.WatchRequest, request)
            return self._service.watch(wanted, seconds)

        await self._stream("Watch", context, watch)

    async def Draw(  # noqa: N802
        self, commands: AsyncIterator[pb.DrawRequest], context: Context
    ) -> None:
        """See the service."""

        def draw(seconds: float) -> Answers:
            return self._service.draw(map_commands(commands), seconds)

        await self._stream("Draw", context, draw)

    async def _stream(
        self,
        method: str,
        context: Context,
        begin: Callable[[float], Answers],
    ) -> None:
        """Writes what is drawn.

        No generator: that would be closed some time after the call was cut,
        and its session with it.
        """
        try:
            async with (
                self._call(method, context) as seconds,
                aclosing(begin(seconds)) as answers,
            ):
                async for answer in answers:
                    await context.write(answer)
        except Refusal as refusal:
            await _abort(context, refusal)

    async def _answer(
        self,
        method: str,
        kind: type[Request],
        message: Message,
        context: Context,
        work: Callable[[Request, float], Awaitable[Message]],
    ) -> Message:
        try:
            async with self._call(method, context) as seconds:
                return await work(to_request(kind, message), seconds)
        except Refusal as refusal:
            await _abort(context, refusal)

    def _call(
        self, method: str, context: Context
    ) -> AbstractAsyncContextManager[float]:
        metadata = {
            name: value
            for name, value in context.invocation_metadata() or ()
            if isinstance(value, str)  # not of a -bin name
        }
        left: float | None = context.time_remaining()
        if left is not None and left > _LONGEST:
            left = None
        return self._guard.call(method, "grpc", metadata, left)


def to_request(kind: type[Request], message: Message) -> Request:
    """A message as a request that keeps the rules.

    Raises:
        ValidationError: it breaks one.
    """
    return kind.model_validate(
        MessageToDict(message, preserving_proto_field_name=True)
    )


async def map_commands(
    commands: AsyncIterator[pb.DrawRequest],
) -> AsyncIterator[requests.DrawStart | requests.DrawChange | None]:
    """The commands of a stream; None is a cancellation."""
    async for command in commands:
        match command.WhichOneof("command"):
            case "start":
                yield to_request(requests.DrawStart, command.start)
            case "change":
                yield to_request(requests.DrawChange, command.change)
            case "cancel":
                yield None


async def _abort(context: Context, refusal: Refusal) -> NoReturn:
    details = refusal.to_status().SerializeToString()
    await context.abort(
        refusal.code, refusal.text, (("grpc-status-details-bin", details),)
    )


def make_server(
    service: SketcherService, guard: Guard, limits: Limits
) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    """A server without a port, and its health."""
    server = grpc.aio.server(
        options=(
            *receive_options(limits.message_bytes),
            ("grpc.so_reuseport", 0),
        )
    )
    pb_grpc.add_SketcherServiceServicer_to_server(
        Servicer(service, guard), server
    )
    state = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    reflection.enable_server_reflection(
        (NAME, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    return server, state


async def tell_serving(
    state: health.aio.HealthServicer, *, serving: bool
) -> None:
    """Says so to those who ask for health."""
    status = health_pb2.HealthCheckResponse
    told = status.SERVING if serving else status.NOT_SERVING
    for name in ("", NAME):
        await state.set(name, told)
