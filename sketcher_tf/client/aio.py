"""The client for asyncio; `client.blocking` has the same for threads.

async with AsyncSketcherClient("localhost:8500") as client:
    sketches = await client.generate("cat", count=4, seed=7)
    async for point in client.draw_live("cat"):
        print(point.dx, point.dy, point.pen_lifted)
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
)
from contextlib import aclosing
from functools import wraps
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

import grpc
import grpc.aio

from sketcher_tf.client.calls import Sleep, Task
from sketcher_tf.client.channel import Connection
from sketcher_tf.client.live import Live
from sketcher_tf.client.operations import (
    Operations,
)
from sketcher_tf.client.types import Point, ServedSketch
from sketcher_tf.request import DEFAULT_TEMPERATURE
from sketcher_tf.sketches import Sketch

P = ParamSpec("P")
T = TypeVar("T")


def _awaitable(
    operation: Callable[Concatenate[Operations, P], Task[T]],
) -> Callable[Concatenate["AsyncSketcherClient", P], Awaitable[T]]:
    """The coroutine method that does an operation."""

    @wraps(operation)
    async def method(
        self: "AsyncSketcherClient", /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._run(operation(self._operations, *args, **kwargs))

    return method


class AsyncLiveDrawing:
    """A drawing that is being drawn: iterate over it for its points.

    As `sketcher_tf.client.blocking.LiveDrawing`, with `async for`.
    """

    def __init__(
        self, live: Live, run: Callable[[Task[Any]], Awaitable[Any]]
    ) -> None:
        self._live = live
        self._run = run

    @property
    def sketch(self) -> ServedSketch:
        """What has been drawn, to the last point that was taken."""
        return self._live.sketch

    async def __aiter__(self) -> AsyncIterator[Point]:
        async with aclosing(self._fetching()) as fetched:
            async for _ in fetched:
                while self._live.pending:
                    yield self._live.pending.popleft()

    async def steps(self) -> AsyncGenerator[list[Point], None]:
        """The points as they come: those of a call to the server at once."""
        async with aclosing(self._fetching()) as fetched:
            async for _ in fetched:
                if points := self._live.take_pending():
                    yield points

    async def _fetching(self) -> AsyncGenerator[None, None]:
        """Yields when points are pending; meanwhile the next are fetched."""
        live, ahead = self._live, None
        try:
            while not live.ended:
                while not live.pending and not live.complete:
                    await (ahead or self._run(live.advance()))
                    ahead = None
                if ahead is None and not live.complete:
                    ahead = asyncio.ensure_future(self._run(live.advance()))
                yield
        finally:
            # Also if this is cancelled meanwhile.
            self._closing = asyncio.ensure_future(self._give_back(ahead))
            await asyncio.shield(self._closing)

    async def _give_back(self, ahead: asyncio.Future[None] | None) -> None:
        """Closes the session, in which a call may be under way."""
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
        await self._run(self._live.close())


class AsyncSketcherClient(Connection):
    """A connection to a server, for one event loop; see `Connection`."""

    _grpc: ClassVar[Any] = grpc.aio

    generate = _awaitable(Operations.generate)
    complete = _awaitable(Operations.complete)
    reconstruct = _awaitable(Operations.reconstruct)
    interpolate = _awaitable(Operations.interpolate)
    encode = _awaitable(Operations.encode)
    decode = _awaitable(Operations.decode)
    labels = _awaitable(Operations.labels)
    wait_until_ready = _awaitable(Operations.wait_until_ready)

    def draw_live(
        self,
        category: str,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
        *,
        sketch: Sketch | None = None,
        points_per_call: int | None = None,
        timeout: float | None = None,
    ) -> AsyncLiveDrawing:
        """As `SketcherClient.draw_live`, with `async for`."""
        options = temperature, seed, sketch, points_per_call, timeout
        return AsyncLiveDrawing(
            Live(self._operations, category, *options), self._run
        )

    async def close(self) -> None:
        """As `SketcherClient.close`."""
        try:
            await self._run(self._operations.close())
        finally:
            for channel in self._channels.values():
                await channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, task: Task[T]) -> T:
        """Carries out a task's effects; its result."""
        outcome: Any = None
        proceed = task.send
        while True:
            try:
                effect = proceed(outcome)
            except StopIteration as stop:
                return stop.value
            proceed = task.send
            try:
                if isinstance(effect, Sleep):
                    outcome = await asyncio.sleep(effect.seconds, None)
                else:
                    outcome = await self._send(effect)
            except asyncio.CancelledError:
                # Closing the channel cancels a call that this task waits for.
                this = asyncio.current_task()
                if not self._closed or (this and this.cancelling()):
                    raise
                outcome = grpc.aio.UsageError("cancelled by the client")
                proceed = task.throw
            except Exception as error:
                outcome, proceed = error, task.throw
