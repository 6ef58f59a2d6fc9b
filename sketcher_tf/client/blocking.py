"""The client: sketches from a server, as Python objects.

    with SketcherClient("localhost:8500") as client:
        for sketch in client.generate("cat", count=4, seed=7):
            print(sketch.to_svg())
        for point in client.draw_live("cat"):
            print(point.dx, point.dy, point.pen_lifted)

or on the command line:

    python -m serving.client generate --category=cat --output=cat.svg

It needs gRPC, protobuf, NumPy and Pillow, and no TensorFlow. `client.aio` has
the same for asyncio.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import wraps
from typing import (
    Any,
    ClassVar,
    Concatenate,
    ParamSpec,
    Self,
    TypeVar,
    cast,
)

import grpc

from sketcher_tf.client.calls import Attempt, Sleep, Task
from sketcher_tf.client.channel import Connection
from sketcher_tf.client.errors import ServingError
from sketcher_tf.client.live import Live
from sketcher_tf.client.operations import (
    Operations,
)
from sketcher_tf.client.types import Point, ServedSketch
from sketcher_tf.request import DEFAULT_TEMPERATURE
from sketcher_tf.sketches import Sketch

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    operation: Callable[Concatenate[Operations, P], Task[T]],
) -> Callable[Concatenate["SketcherClient", P], T]:
    """The method that does an operation and waits for its result."""

    @wraps(operation)
    def method(
        self: "SketcherClient", /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return self._run(operation(self._operations, *args, **kwargs))

    return method


class _Ahead:
    """A task whose first call to the server is under way.

    Args:
        client: carries it out.
        task: begins with a call.
    """

    def __init__(self, client: "SketcherClient", task: Task[None]) -> None:
        self._client = client
        self._task = task
        first = cast(Attempt, next(task))
        assert isinstance(first, Attempt)
        self._until = time.monotonic() + first.timeout
        self._call = client._begin(first)

    @property
    def late(self) -> bool:
        """Whether its time was over before anybody wanted its result."""
        return time.monotonic() > self._until

    def finish(self) -> None:
        """Waits for the call, and carries out the rest of the task."""
        self._client._run(self._task, self._call)

    def cancel(self) -> None:
        """Leaves the task."""
        self._call.cancel()
        self._task.close()


class LiveDrawing:
    """A drawing that is being drawn: iterate over it for its points.

    While you take some, the next are fetched. After an error, or a loop that
    was left, another loop goes on with the next point. The session is given
    back when the loop ends, or with the client.
    """

    def __init__(self, live: Live, client: "SketcherClient") -> None:
        self._live = live
        self._client = client

    @property
    def sketch(self) -> ServedSketch:
        """What has been drawn, to the last point that was taken."""
        return self._live.sketch

    def __iter__(self) -> Generator[Point, None, None]:
        with closing(self._fetching()) as fetched:
            for _ in fetched:
                while self._live.pending:
                    yield self._live.pending.popleft()

    def steps(self) -> Iterator[list[Point]]:
        """The points as they come: those of a call to the server at once."""
        with closing(self._fetching()) as fetched:
            for _ in fetched:
                if points := self._live.take_pending():
                    yield points

    def _fetching(self) -> Generator[None, None, None]:
        """Yields when points are pending; meanwhile the next are fetched."""
        live, ahead = self._live, None
        try:
            while not live.ended:
                if not live.pending:
                    self._fetch(ahead)
                ahead = None if live.complete else self._ahead()
                yield
        finally:
            if ahead is not None:
                ahead.cancel()
            self._client._run(live.close())

    def _fetch(self, ahead: _Ahead | None) -> None:
        if ahead is not None:
            try:
                return ahead.finish()
            except ServingError:
                if not ahead.late:
                    raise
        self._client._run(self._live.advance())

    def _ahead(self) -> _Ahead | None:
        """The next points, on their way; None if they cannot be had now."""
        try:
            return _Ahead(self._client, self._live.advance())
        except ServingError:
            return None  # which is told to whoever wants them


class SketcherClient(Connection):
    """A connection to a server, which threads may share; see `Connection`."""

    _grpc: ClassVar[Any] = grpc

    generate = _blocking(Operations.generate)
    complete = _blocking(Operations.complete)
    reconstruct = _blocking(Operations.reconstruct)
    interpolate = _blocking(Operations.interpolate)
    encode = _blocking(Operations.encode)
    decode = _blocking(Operations.decode)
    labels = _blocking(Operations.labels)
    wait_until_ready = _blocking(Operations.wait_until_ready)

    def draw_live(
        self,
        category: str,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
        *,
        sketch: Sketch | None = None,
        points_per_call: int | None = None,
        timeout: float | None = None,
    ) -> LiveDrawing:
        """Draws a sketch while you watch: the first try of `generate`.

        Args:
            category: a condition, see `Schema.parse`.
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
            sketch: what has been drawn so far, in pixels, to go on from.
            points_per_call: how many points to fetch at once; None fetches 8 at
                first and twice as many each time, up to 64.
            timeout: seconds for each call, instead of the client's.

        Returns:
            An iterable of points. It raises `ServingError` when the server
            cannot be reached in time; a session that the server has lost is
            opened anew, and no point is lost or doubled.
        """
        options = temperature, seed, sketch, points_per_call, timeout
        return LiveDrawing(Live(self._operations, category, *options), self)

    def close(self) -> None:
        """Gives the sessions of live drawings back, and closes the connection.

        Calls under way are cancelled. If the server cannot be reached, and a
        drawing has a session, this takes two seconds.
        """
        try:
            self._run(self._operations.close())
        finally:
            for channel in self._channels.values():
                channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, task: Task[T], begun: grpc.Future | None = None) -> T:
        """Carries out a task's effects; its result.

        Args:
            task: not begun, or at its first effect.
            begun: the call that is its first effect.
        """
        try:
            effect: Any = begun or next(task)
            while True:
                try:
                    outcome = self._carry_out(effect)
                except Exception as error:
                    effect = task.throw(error)
                else:
                    effect = task.send(outcome)
        except StopIteration as stop:
            return stop.value

    def _begin(self, attempt: Attempt) -> grpc.Future:
        send = self._method(attempt).future
        return send(attempt.request, timeout=attempt.timeout)

    def _carry_out(self, effect: Attempt | Sleep | grpc.Future) -> Any:
        if isinstance(effect, Sleep):
            time.sleep(effect.seconds)
            return None
        if isinstance(effect, Attempt):
            return self._send(effect)
        return effect.result()
