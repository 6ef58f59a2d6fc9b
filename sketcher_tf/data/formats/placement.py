"""Where drawings go: from the units of a file to the pixels of a model.

A *whole* drawing, as one trains on, fills the model's size. A *partial* one,
which is to be completed, keeps its place and size on its canvas: the one that
is named, else the file's own, else the model's.
"""

import re
from dataclasses import dataclass

import numpy as np

from sketcher_tf.data.formats.simplify import SIDE_PX, ink
from sketcher_tf.strokes import Lines

Size = tuple[float, float]  # width and height

# Of the longest side: points closer than this on average are not simplified.
# In Quick, Draw!'s simplified files no drawing of 12,000 comes below 0.05.
_DENSE = 8 / 255
_FEW_POINTS = 16  # need no simplification

# How many times larger or smaller than a model's drawings is far. A part of a
# drawing may well be small.
_TOO_LARGE, _TOO_SMALL, _PART_TOO_SMALL = 1.5, 4, 16


@dataclass(frozen=True)
class Placement:
    """How drawings are scaled and placed.

    Attributes:
        size_px: the longest side of a drawing of the model.
        canvas: what drawings were drawn on, in their units; its longest side
            becomes `size_px`. None: the file's own, if it has one.
        fit: scale each drawing to fill `size_px`, wherever it was.
        whole: drawings are whole, and recorded ones fill `size_px`; otherwise
            they are parts, which keep their place.
    """

    size_px: float = SIDE_PX
    canvas: Size | None = None
    fit: bool = False
    whole: bool = True

    def place(
        self, points: np.ndarray, canvas: Size | None, recorded: bool
    ) -> tuple[np.ndarray, float]:
        """Moves and scales a drawing of a file to pixels of the model.

        Args:
            points: float64 [N, 2], finite, in the file's unit, from the corner
                of its canvas.
            canvas: the file's own, or None.
            recorded: the points are as a pen or a curve gives them.

        Returns:
            The points, and the longest side of a drawing by whose measure they
            are to be simplified.
        """
        chosen = self.canvas or (None if self.whole else canvas)
        if self.fit or (self.whole and recorded and not chosen):
            return fit(points, self.size_px), self.size_px
        if chosen:
            scale = self.size_px / max(chosen)
            return points * scale, self.size_px
        # By the model's measure, nothing would be left of a tiny part.
        own = self.whole or self.is_far(points)
        return points, longest_side(points) if own else self.size_px

    def is_far(self, points: np.ndarray) -> bool:
        """Whether a drawing is far from the model's, in size or in place."""
        side = longest_side(points)
        reach = max(side, np.abs(points).max(initial=0))
        smallest = _TOO_SMALL if self.whole else _PART_TOO_SMALL
        return bool(
            side * smallest < self.size_px or reach > self.size_px * _TOO_LARGE
        )


def fit(points: np.ndarray, size: float) -> np.ndarray:
    """Moves a drawing to the top left corner, its longest side `size`."""
    if not len(points):
        return points
    moved = points - points.min(axis=0)
    longest = longest_side(points)
    # In this order: the factor size / longest alone may overflow.
    return moved * size / longest if longest > 0 else moved


def longest_side(points: np.ndarray) -> float:
    """Of the bounding box; 0 of nothing."""
    if not len(points):
        return 0.0
    return float((points.max(axis=0) - points.min(axis=0)).max())


def parse_canvas(text: str | None) -> Size | None:
    """`1200x800` as numbers.

    Raises:
        ValueError: a text of another form.
    """
    if text is None:
        return None
    number = r"(\d+(?:\.\d+)?)"
    match = re.fullmatch(rf"{number}\s*[x*,]\s*{number}", text.strip().lower())
    size = tuple(map(float, match.groups())) if match else (0.0,)
    if min(size) <= 0:
        raise ValueError(
            "a canvas must be WIDTHxHEIGHT in the units of the drawing; "
            f"received {text!r}. Write for example --canvas=1200x800."
        )
    return size[0], size[1]


def is_dense(lines: Lines, side: float) -> bool:
    """Whether points stand as close as in a recording, of that longest side."""
    steps = len(lines.points) - len(lines.ends)
    return steps >= _FEW_POINTS and ink(lines) < steps * _DENSE * side
