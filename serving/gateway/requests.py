"""What callers may ask for: the rules of all requests, in one place.

gRPC messages and JSON become these; what breaks a rule is refused with the name
of the field. The fields are those of `sketcher.proto`, in which a test finds
them all.
"""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sketcher_tf.contract import MAX_TRIES
from sketcher_tf.request import DEFAULT_TEMPERATURE
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3

MAX_COUNT = 64  # sketches of one request
MAX_POINTS = 4096  # of one stroke or drawing; models take far fewer
_MAX_PIXELS = 1e6

_Pixels = Annotated[
    float, Field(ge=-_MAX_PIXELS, le=_MAX_PIXELS, allow_inf_nan=False)
]
_Word = Annotated[str, Field(max_length=1000)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Point(_Message):
    """A place on the paper, in pixels; y points down."""

    x: _Pixels = 0.0
    y: _Pixels = 0.0


class Stroke(_Message):
    """What the pen draws between touching the paper and leaving it."""

    points: Annotated[list[Point], Field(max_length=MAX_POINTS)] = []


class Drawing(_Message):
    """A drawing, as `Sketch` of the service."""

    strokes: Annotated[list[Stroke], Field(max_length=MAX_POINTS)] = []
    category: _Word = ""
    finished: bool = True

    def to_sketch(self, category: str = "") -> Sketch:
        """The drawing as the library has it, perhaps of another category."""
        lines = [
            np.array([(point.x, point.y) for point in stroke.points])
            for stroke in self.strokes
            if stroke.points
        ]
        return Sketch(polylines_to_stroke3(lines), category or self.category)


class CategoryWeight(_Message):
    """A part of a blend."""

    category: _Word
    weight: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class Condition(_Message):
    """What to draw: a word, or several with weights."""

    category: _Word = ""
    blend: Annotated[list[CategoryWeight], Field(max_length=100)] = []

    @model_validator(mode="after")
    def _one_of_both(self) -> "Condition":
        if self.category and self.blend:
            raise ValueError(
                "category and blend must not both be given; received both. "
                "Leave one out."
            )
        return self

    @property
    def words(self) -> str:
        """A condition as `Schema.parse` reads it; "" if there is none."""
        if not self.blend:
            return self.category
        factors: dict[str, list[str]] = {}
        for part in self.blend:
            name, _, word = part.category.rpartition("=")
            factors.setdefault(name, []).append(f"{word}*{part.weight:.9g}")
        return ",".join(
            f"{name}={'+'.join(terms)}" if name else "+".join(terms)
            for name, terms in factors.items()
        )


Temperature = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Seed(_Message):
    """Which chance."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class Noise(Seed):
    """How much chance, and which."""

    temperature: Temperature = DEFAULT_TEMPERATURE


class Tries(_Message):
    """How often a sketch is drawn, to choose from."""

    tries: Annotated[int, Field(ge=1, le=MAX_TRIES)] | None = None


class GenerateRequest(Condition, Seed, Tries):
    """New sketches of a category; the client knows what temperature is best
    for so many tries.
    """

    count: Count = 1
    temperature: Temperature | None = None


class CompleteRequest(Condition, Noise, Tries):
    """Ways to go on with a drawing."""

    sketch: Drawing
    count: Count = 1


class ReconstructRequest(Condition, Noise):
    """Drawings to be encoded and drawn anew."""

    sketches: Annotated[
        list[Drawing], Field(min_length=1, max_length=MAX_COUNT)
    ]


class InterpolateRequest(Noise):
    """A walk from one drawing to another."""

    first: Drawing
    last: Drawing
    count: Count = 10
    temperature: Temperature = 0.0


class ListCategoriesRequest(_Message):
    """What there is to be drawn."""


class DrawStart(Condition, Noise):
    """A sketch to be drawn while the caller watches."""

    sketch: Drawing | None = None


class DrawChange(Condition):
    """Another category for what is being drawn."""


class WatchRequest(_Message):
    """A sketch to be drawn while the caller only watches."""

    start: DrawStart
