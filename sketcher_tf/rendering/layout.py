"""Where sketches go on a picture: cells, and the labelled grid of a sheet.

Shared by every format of `sketcher_tf.rendering`, so that an SVG, a PNG and a
GIF of the same sketches look the same. NumPy and Pillow only.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sketcher_tf.rendering.raster import draw_strokes
from sketcher_tf.strokes import (
    Polylines,
    bounds,
    check_stroke3,
    fit_to_box,
    stroke3_to_polylines,
)


class Drawable(Protocol):
    """What can be drawn; a `Sketch` is."""

    @property
    def stroke3(self) -> np.ndarray:
        """float32 [N, 3], offsets in pixels."""

    @property
    def category(self) -> str:
        """The word for what it shows; "" if unknown."""

    @property
    def finished(self) -> bool:
        """False if it was cut off before its end."""


Sheet = Mapping[str, Sequence[Drawable]]

PAPER, INK, LABEL_INK, MARK_INK = 255, 34, 112, 205  # grey values

_CELL_MARGIN = 0.09  # of the cell, on every side
_MAX_LABEL = 2.5  # cells


def line_width(size: int) -> float:
    """Pixels, for a sketch that is `size` pixels wide."""
    # Not in proportion: thumbnails need relatively stronger lines.
    return 1 + size / 128


def unfinished_mark(size: int) -> list[tuple[int, int]]:
    """The small triangle, bottom right in a cell, of a sketch cut off."""
    end = size - size // 16
    start = end - max(size // 12, 3)
    return [(end, start), (end, end), (start, end)]


def pen_dot(size: int) -> Image.Image:
    """The pen over a sketch of `size` pixels, as a mask of odd side."""
    side = 2 * max(2, size // 48) + 1
    return draw_strokes([np.full((1, 2), side / 2)], side, side)


@dataclass(frozen=True)
class Cell:
    """A sketch in its place.

    Attributes:
        lines: the strokes, in pixels from the cell's corner.
        size: pixels per side.
        corner: top left, in pixels of the picture.
        marked: whether to show that the sketch is unfinished.
    """

    lines: Polylines
    size: int
    corner: tuple[int, int] = (0, 0)
    marked: bool = False

    @classmethod
    def of(cls, sketch: Drawable, size: int) -> "Cell":
        """A cell with `sketch` as large as fits, in the middle."""
        lines = stroke3_to_polylines(check_stroke3(sketch.stroke3))
        fitted = fit_to_box(lines, size * (1 - 2 * _CELL_MARGIN))
        low, high = bounds(fitted)
        return cls([line + (size - high - low) / 2 for line in fitted], size)

    @property
    def num_points(self) -> int:
        """Of the whole sketch."""
        return sum(map(len, self.lines))

    def image(self, num_points: int) -> Image.Image:
        """The cell after the first `num_points` points, grey, anti-aliased."""
        image = Image.new("L", (self.size, self.size), PAPER)
        lines = list(_first(self.lines, num_points))
        mask = draw_strokes(lines, self.size, line_width(self.size))
        image.paste(INK, (0, 0), mask)
        if self.marked and num_points >= self.num_points:
            mark = unfinished_mark(self.size)
            ImageDraw.Draw(image).polygon(mark, MARK_INK)
        return image

    def pen(self, num_points: int) -> tuple[int, int]:
        """Where the pen is after so many points, in pixels of the picture."""
        x, y = np.concatenate(self.lines)[num_points - 1]
        return self.corner[0] + int(x), self.corner[1] + int(y)


class Grid:
    """A sheet: one row of square cells per label, labels at the left.

    Args:
        rows: row label -> sketches; rows may be empty or of unequal length.
        cell: pixels per side of a cell.
    """

    def __init__(self, rows: Sheet, cell: int) -> None:
        self._rows = rows
        self._cell = cell
        self._padding = cell // 6
        self.font_size = max(9, round(cell * 0.15))
        self._font = ImageFont.load_default(self.font_size)
        self._labels = [
            self._shorten(" ".join(label.split())) for label in rows
        ]
        widest = max(map(self._font.getlength, self._labels), default=0)
        gap = self._padding // 2 if widest else 0
        self._left = self._padding + math.ceil(widest) + gap

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        columns = max(map(len, self._rows.values()), default=0)
        width = self._left + columns * self._cell + self._padding
        return width, len(self._rows) * self._cell + 2 * self._padding

    def labels(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Each label and the middle of its right end."""
        x = self._left - self._padding // 2
        for i, label in enumerate(self._labels):
            yield label, (x, self._padding + i * self._cell + self._cell // 2)

    def cells(self) -> Iterator[Cell]:
        """Every sketch in its place, row by row."""
        for i, sketches in enumerate(self._rows.values()):
            for j, sketch in enumerate(sketches):
                x = self._left + j * self._cell
                y = self._padding + i * self._cell
                lines = Cell.of(sketch, self._cell).lines
                yield Cell(lines, self._cell, (x, y), not sketch.finished)

    def paper(self) -> Image.Image:
        """The sheet with its labels, before anything is drawn."""
        paper = Image.new("L", self.size, PAPER)
        draw = ImageDraw.Draw(paper)
        for label, place in self.labels():
            draw.text(place, label, LABEL_INK, self._font, anchor="rm")
        return paper

    def _shorten(self, label: str) -> str:
        limit = _MAX_LABEL * self._cell
        if self._font.getlength(label) <= limit:
            return label
        while label and self._font.getlength(label + "…") > limit:
            label = label[:-1]
        return label.rstrip() + "…"


def _first(lines: Polylines, num_points: int) -> Iterator[np.ndarray]:
    for line in lines:
        if num_points <= 0:
            return
        yield line[:num_points]
        num_points -= len(line)
