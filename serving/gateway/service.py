"""The service itself: requests that keep the rules -> messages, by the client.

Stateless: a drawing in progress belongs to its stream, and the client opens its
session anew when the server has lost it.
"""

import asyncio
import secrets
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Iterable,
    Iterator,
)
from contextlib import aclosing
from typing import TypeAlias, TypeVar

import numpy as np

from sketcher_tf.client.aio import AsyncSketcherClient
from sketcher_tf.client.types import Point, ServedSketch

from ..proto.sketcher.v1 import sketcher_pb2 as pb
from .refusals import CODE, Refusal
from .requests import (
    CompleteRequest,
    Condition,
    DrawChange,
    Drawing,
    DrawStart,
    GenerateRequest,
    InterpolateRequest,
    ListCategoriesRequest,
    ReconstructRequest,
    Seed,
    WatchRequest,
)

_PROBE_SECONDS = 10.0
_NOTHING = Drawing()

# What the caller of a stream wants next; None ends the drawing.
Commands = AsyncIterator[DrawStart | DrawChange | None]


SketchesResponse: TypeAlias = (
    pb.GenerateResponse
    | pb.CompleteResponse
    | pb.ReconstructResponse
    | pb.InterpolateResponse
)
R = TypeVar("R", bound=SketchesResponse)


class SketcherService:
    """What the gateway offers, whatever the transport.

    Args:
        client: of the servables.
    """

    def __init__(self, client: AsyncSketcherClient) -> None:
        self._client = client

    async def generate(
        self, request: GenerateRequest, seconds: float
    ) -> pb.GenerateResponse:
        """Draws new sketches; `seconds` are what each call may take."""
        seed = _seed(request)
        sketches = await self._client.generate(
            _words(request),
            request.count,
            request.temperature,
            seed,
            request.tries,
            timeout=seconds,
        )
        return _filled(pb.GenerateResponse(seed=seed), sketches)

    async def complete(
        self, request: CompleteRequest, seconds: float
    ) -> pb.CompleteResponse:
        """Continues a drawing."""
        seed = _seed(request)
        sketches = await self._client.complete(
            request.sketch.to_sketch(),
            request.words or None,
            request.count,
            request.temperature,
            seed,
            request.tries,
            timeout=seconds,
        )
        return _filled(pb.CompleteResponse(seed=seed), sketches)

    async def reconstruct(
        self, request: ReconstructRequest, seconds: float
    ) -> pb.ReconstructResponse:
        """Encodes drawings and draws them anew."""
        seed = _seed(request)
        sketches = await self._client.reconstruct(
            [one.to_sketch() for one in request.sketches],
            request.words or None,
            request.temperature,
            seed,
            timeout=seconds,
        )
        return _filled(pb.ReconstructResponse(seed=seed), sketches)

    async def interpolate(
        self, request: InterpolateRequest, seconds: float
    ) -> pb.InterpolateResponse:
        """Walks from one drawing to another."""
        seed = _seed(request)
        sketches = await self._client.interpolate(
            request.first.to_sketch(),
            request.last.to_sketch(),
            request.count,
            request.temperature,
            seed,
            timeout=seconds,
        )
        return _filled(pb.InterpolateResponse(seed=seed), sketches)

    async def list_categories(
        self, request: ListCategoriesRequest, seconds: float
    ) -> pb.ListCategoriesResponse:
        """The words of the model."""
        del request  # asks for all of them
        labels = await self._client.labels(timeout=seconds)
        return pb.ListCategoriesResponse(
            categories=labels.words,
            max_points=labels.schema.max_seq_len,
            model_version=labels.version,
        )

    async def draw(
        self, commands: Commands, seconds: float
    ) -> AsyncGenerator[pb.DrawResponse, None]:
        """Draws one sketch while its caller watches.

        Args:
            commands: a `DrawStart`, then changes; None ends the drawing.
            seconds: for each call to the server.

        Yields:
            The points of a step each, and the end.
        """
        start = await anext(commands, None)
        if not isinstance(start, DrawStart):
            raise Refusal(
                CODE.INVALID_ARGUMENT,
                "a stream must begin with start; received something else.",
            )
        seed = _seed(start)
        condition: DrawStart | DrawChange | None = start
        drawn = (start.sketch or _NOTHING).to_sketch()
        pen = drawn.stroke3[:, :2].sum(axis=0, dtype=np.float64)
        async with _Next(commands) as command:
            while condition is not None:
                drawing = self._client.draw_live(
                    _words(condition),
                    start.temperature,
                    seed,
                    sketch=drawn,
                    timeout=seconds,
                )
                condition, finished = None, True
                async with aclosing(drawing.steps()) as steps:
                    async for points in steps:
                        yield pb.DrawResponse(points=_walk(pen, points))
                        if command.has_come:
                            condition, finished = command.take(), False
                            break
                drawn = drawing.sketch
        end = pb.DrawEnd(finished=finished and drawn.finished, seed=seed)
        yield pb.DrawResponse(end=end)

    async def watch(
        self, request: WatchRequest, seconds: float
    ) -> AsyncGenerator[pb.WatchResponse, None]:
        """`draw`, for a caller who only watches."""
        async with aclosing(self.draw(_one(request.start), seconds)) as answers:
            async for one in answers:
                yield pb.WatchResponse(
                    points=one.points,
                    end=one.end if one.HasField("end") else None,
                )

    async def probe(self, servable: str = "") -> None:
        """Draws a sketch with each servable, or with one of them.

        Raises:
            ServingError: it cannot be done.
        """
        seconds = _PROBE_SECONDS
        if servable != "sketcher_session":
            labels = await self._client.labels(timeout=seconds)
            word = labels.words[0]
            await self._client.generate(word, tries=1, timeout=seconds)
        if servable != "sketcher":
            labels = await self._client.labels(sessions=True, timeout=seconds)
            drawing = self._client.draw_live(labels.words[0], timeout=seconds)
            async with aclosing(drawing.steps()) as steps:
                await anext(steps, None)


async def _one(start: DrawStart) -> Commands:
    yield start


class _Ended:
    """In place of a command: the stream brings no more."""


class _Next:
    """The next command of a stream, awaited beside the drawing."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def __aenter__(self) -> "_Next":
        self._wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._coming.cancel()
        await asyncio.gather(self._coming, return_exceptions=True)

    @property
    def has_come(self) -> bool:
        """Whether there is one; the end of the requests is none."""
        return self._coming.done() and not isinstance(
            self._coming.result(), _Ended
        )

    def take(self) -> DrawChange | None:
        """The command that has come."""
        command = self._coming.result()
        self._wait()
        if isinstance(command, DrawStart | _Ended):
            raise Refusal(
                CODE.INVALID_ARGUMENT,
                "a stream draws one sketch; received another start. Change "
                "the category, or open another stream.",
            )
        return command

    def _wait(self) -> None:
        self._coming = asyncio.ensure_future(_first(self._commands))


async def _first(commands: Commands) -> DrawStart | DrawChange | _Ended | None:
    return await anext(commands, _Ended())


def _filled(response: R, sketches: Iterable[ServedSketch]) -> R:
    """The response with sketches; in place, as a message is joined by copy.

    Point by point, as arrays of a few points each take longer than these.
    """
    for sketch in sketches:
        strokes = response.sketches.add(
            category=sketch.category, finished=sketch.finished
        ).strokes
        drawn = sketch.stroke3.copy()
        np.cumsum(sketch.stroke3[:, :2], axis=0, out=drawn[:, :2])
        pen_lifted = 1.0
        for x, y, lifts_pen in drawn.tolist():
            if pen_lifted:
                add_point = strokes.add().points.add
            add_point(x=x, y=y)
            pen_lifted = lifts_pen
    return response


def _walk(pen: np.ndarray, points: Iterable[Point]) -> Iterator[pb.DrawnPoint]:
    """Moves the pen, float64 [2], from point to point."""
    for point in points:
        pen += point.dx, point.dy
        yield pb.DrawnPoint(x=pen[0], y=pen[1], pen_lifted=point.pen_lifted)


def _seed(request: Seed) -> int:
    return secrets.randbelow(2**31) if request.seed is None else request.seed


def _words(condition: Condition) -> str:
    """The condition.

    Raises:
        Refusal: there is none.
    """
    if not condition.words:
        raise Refusal(
            CODE.INVALID_ARGUMENT,
            "category must be a word of the model, or blend several of them; "
            "received none. ListCategories tells the words.",
        )
    return condition.words
