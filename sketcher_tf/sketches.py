"""Drawings as values: what models draw, files hold and notebooks show."""

import itertools
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sketcher_tf import rendering
from sketcher_tf.strokes import Polylines, stroke3_to_polylines

_COLUMNS = 10  # of the sheet that a notebook shows


@dataclass(frozen=True, eq=False)
class Sketch:
    """One drawing, as the model makes it and as files hold it.

    Attributes:
        stroke3: float32 [N, 3], offsets in pixels (a drawing of Quick, Draw!
            is 255 pixels long on its longest side). N may be 0.
        category: the word for what it shows; "" if unknown.
        finished: False if the drawing was cut off before its end token.
    """

    stroke3: np.ndarray
    category: str = ""
    finished: bool = True

    @property
    def polylines(self) -> Polylines:
        """The strokes as absolute points, float32 [n, 2] each, in pixels."""
        return stroke3_to_polylines(self.stroke3)

    def to_svg(self, size: int = 256) -> str:
        """An SVG document, `size` pixels per side."""
        return rendering.to_svg(self, size)

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.to_svg(128)


_Sketch = TypeVar("_Sketch", bound=Sketch)


class Sketches(list[_Sketch]):
    """The sketches that one call draws; a notebook shows them as a sheet."""

    def to_svg(self) -> str:
        """A sheet as an SVG document: a row per category, of ten at most."""
        rows: dict[str, list[Sketch]] = {}
        for category, group in itertools.groupby(self, lambda s: s.category):
            label = category
            for row in _batched(list(group), _COLUMNS):
                # Labels must differ; spaces at the end do not show.
                rows[label + " " * len(rows)] = row
                label = ""
        return rendering.sheet_svg(rows)

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.to_svg()


def _batched(sketches: list[Sketch], size: int) -> list[list[Sketch]]:
    return [
        sketches[start : start + size]
        for start in range(0, len(sketches), size)
    ]
