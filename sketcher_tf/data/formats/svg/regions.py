"""Clip paths and masks: what of a shape they let be seen."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from sketcher_tf.data.formats.svg.paint import INVISIBLE

_GRID = 256  # pixels of a region's longest side
_PER_PIXEL = 2  # samples of a line,
_MAX_SAMPLES = 500_000  # or fewer
_FAR = 1e6  # pixels; beyond, Pillow's integers would overflow

Lines = Sequence[np.ndarray]


class Layer(NamedTuple):
    """A shape that a region is made of.

    Attributes:
        lines: its outlines.
        fill_rule: `nonzero` or `evenodd`.
        luminance: 0 black to 1 white.
        alpha: 0 transparent to 1 opaque.
        stroke_width: of its outlines, if they are meant and not their inside.
    """

    lines: Lines
    fill_rule: str = "nonzero"
    luminance: float = 1.0
    alpha: float = 1.0
    stroke_width: float | None = None


class Grid(NamedTuple):
    """Where a region is open, in pixels.

    Attributes:
        seen: bool [height, width].
        low: the corner of the first pixel.
        scale: pixels per unit.
    """

    seen: np.ndarray
    low: np.ndarray
    scale: float


@dataclass(frozen=True, eq=False)
class Region:
    """Where a clip path or a mask lets something be seen.

    Attributes:
        layers: what it is made of, from the bottom to the top.
        boxed: its units are those of what is clipped, so that only a region
            that lets nothing through says anything.
        outer: regions that it lies in itself.
        grid: where it is open, if that is known without layers.
    """

    layers: Sequence[Layer]
    boxed: bool = False
    outer: tuple["Region", ...] = ()
    grid: Grid | None = None

    def shows(self, lines: Lines, is_filled: bool, fill_rule: str) -> bool:
        """Whether anything of a shape is seen through it."""
        if not all(r.shows(lines, is_filled, fill_rule) for r in self.outer):
            return False
        if self.boxed:
            return any(one.luminance * one.alpha > 0 for one in self.layers)
        if self._grid is None:
            return False
        seen, low, scale = self._grid
        placed = [(line - low) * scale for line in lines]
        if any(_samples(line, seen).is_open.any() for line in placed):
            return True
        if not is_filled:
            return False
        return bool((seen & filled(placed, fill_rule, seen.shape)).any())

    def parts(self, line: np.ndarray, width: float) -> list[np.ndarray]:
        """What is seen of a stroke that is `width` wide, float64 [n, 2] each.

        A line whose middle lies just outside is seen by its edge.
        """
        parts = [line]
        for region in self.outer:
            parts = [p for part in parts for p in region.parts(part, width)]
        if self.boxed:
            return parts
        if self._grid is None:
            return []
        if self._holds(line):
            return parts
        seen, low, scale = _widened(self, min(width / 2, _FAR))
        return [
            _between(part, start, end)
            for part in parts
            for start, end in _open_spans((part - low) * scale, seen)
        ]

    def opened(
        self, shape: tuple[int, int], corner: np.ndarray, scale: float
    ) -> np.ndarray:
        """Where it is open, in the pixels of a picture.

        Args:
            shape: height and width of the picture.
            corner: of its first pixel, in units.
            scale: pixels per unit.

        Returns:
            bool [height, width].
        """
        opened = np.ones(shape, bool)
        for region in self.outer:
            opened &= region.opened(shape, corner, scale)
        if self.boxed:
            return opened
        if self._grid is None:
            return np.zeros(shape, bool)
        seen, low, own = self._grid
        for axis, size in enumerate(shape):
            at = np.arange(size) / scale + corner[1 - axis] - low[1 - axis]
            at = np.floor(at * own + 0.5)
            inside = (at >= 0) & (at < seen.shape[axis])
            kept = np.clip(at, 0, seen.shape[axis] - 1).astype(int)
            seen = np.take(seen, kept, axis)
            seen &= inside[:, None] if axis == 0 else inside
        return opened & seen

    def _holds(self, line: np.ndarray) -> bool:
        """Whether it is open all over a line's surroundings, surely."""
        assert self._grid is not None
        seen, low, scale = self._grid
        high = low + (np.array(seen.shape[::-1]) - 1) / scale
        return bool(
            (line >= low).all() and (line <= high).all() and self._is_full
        )

    @functools.cached_property
    def _is_full(self) -> bool:
        """Whether it is a rectangle."""
        return self._grid is not None and bool(self._grid.seen.all())

    @functools.cached_property
    def _grid(self) -> Grid | None:
        """None if it is open nowhere."""
        if self.grid is not None:
            return self.grid if self.grid.seen.any() else None
        lines = [line for layer in self.layers for line in layer.lines]
        if not lines:
            return None
        points = np.concatenate(lines)
        low, high = points.min(axis=0), points.max(axis=0)
        longest = float((high - low).max())
        if not (np.isfinite(longest) and longest > 0):
            return None
        scale = (_GRID - 1) / longest
        width, height = np.ceil((high - low) * scale).astype(int) + 1
        light = np.zeros((height, width))
        for layer in self.layers:
            inside = painted(layer, low, scale, light.shape)
            light[inside] += (layer.luminance - light[inside]) * layer.alpha
        seen = light >= INVISIBLE
        return Grid(seen, low, scale) if seen.any() else None


def painted(
    layer: Layer, low: np.ndarray, scale: float, shape: tuple[int, int]
) -> np.ndarray:
    """The pixels of a layer, as bool [height, width]."""
    placed = [(line - low) * scale for line in layer.lines]
    if layer.stroke_width is None:
        return filled(placed, layer.fill_rule, shape)
    image = Image.new("1", shape[::-1])
    draw = ImageDraw.Draw(image)
    radius = min(layer.stroke_width * scale / 2, _GRID)
    for line in placed:
        line = np.clip(line, -_FAR, _FAR)
        draw.line(line.ravel().tolist(), 1, round(2 * radius) or 1, "curve")
        for x, y in line[[0, -1]].tolist():
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), 1)
    return np.asarray(image)


@functools.lru_cache(maxsize=32)
def _widened(region: Region, by: float) -> Grid:
    """The grid of a region with `by` units, and a pixel, around its inside."""
    assert region._grid is not None
    seen, low, scale = region._grid
    border = min(int(by * scale), _GRID) + 1
    for axis in (0, 1):
        edges = [(0, 0), (0, 0)]
        edges[axis] = (2 * border + 1, 2 * border)
        sums = np.cumsum(np.pad(seen, edges), axis=axis, dtype=np.int32)
        size = seen.shape[axis] + 2 * border
        first, last = (
            np.take(sums, range(start, start + size), axis)
            for start in (0, 2 * border + 1)
        )
        seen = last > first
    return Grid(seen, low - border / scale, scale)


def filled(lines: Lines, fill_rule: str, shape: tuple[int, int]) -> np.ndarray:
    """The inside of closed lines, in pixels, as bool [height, width]."""
    winding = np.zeros(shape, np.int16)
    for line in lines:
        line = np.clip(line, -_FAR, _FAR)
        low = np.maximum(np.floor(line.min(axis=0)).astype(int), 0)
        high = np.minimum(
            np.ceil(line.max(axis=0)).astype(int) + 1, shape[::-1]
        )
        if len(line) < 3 or (high <= low).any():
            continue
        canvas = Image.new("1", tuple((high - low).tolist()))
        ImageDraw.Draw(canvas).polygon((line - low).ravel().tolist(), fill=1)
        turn = 1 if signed_area(line) >= 0 else -1
        window = winding[low[1] : high[1], low[0] : high[0]]
        window += np.asarray(canvas, np.int16) * np.int16(turn)
    return winding % 2 == 1 if fill_rule == "evenodd" else winding != 0


def signed_area(line: np.ndarray) -> float:
    """Of the polygon [n, 2]; its sign is the sense of rotation."""
    x, y = (line - line[0]).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


class _Samples(NamedTuple):
    """Places along a line within a grid, in their order.

    Attributes:
        segment: int [m], of the line.
        along: [m], 0 to 1 from the segment's start to its end.
        is_open: bool [m], whether the grid is open there.
    """

    segment: np.ndarray
    along: np.ndarray
    is_open: np.ndarray


def _samples(line: np.ndarray, seen: np.ndarray) -> _Samples:
    """Samples a line [n, 2] in pixels of a grid, bool [height, width]."""
    start, step = line[:-1], np.diff(line, axis=0)
    high = np.array(seen.shape[::-1]) - 1e-6
    # The part of each segment that lies in the grid (Liang and Barsky 1984).
    with np.errstate(all="ignore"):
        to_low, to_high = -start / step, (high - start) / step
    outside = (step == 0) & ((start < 0) | (start > high))
    enter = np.where(step == 0, 0, np.minimum(to_low, to_high)).max(axis=1)
    leave = np.where(step == 0, 1, np.maximum(to_low, to_high)).min(axis=1)
    enter, leave = np.maximum(enter, 0), np.minimum(leave, 1)
    inside = np.flatnonzero((enter <= leave) & ~outside.any(axis=1))
    length = (leave - enter)[inside] * np.hypot(*step[inside].T)
    length = np.minimum(np.nan_to_num(length), sum(seen.shape))
    density = min(_PER_PIXEL, _MAX_SAMPLES / (length.sum() + 1))
    counts = np.ceil(length * density).astype(int) + 2
    segment = np.repeat(inside, counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    share = (np.arange(len(segment)) - first) / np.repeat(counts - 1, counts)
    along = enter[segment] + share * (leave - enter)[segment]
    x, y = (start[segment] + along[:, None] * step[segment]).T
    columns = np.clip(np.nan_to_num(x), 0, high[0]).astype(int)
    rows = np.clip(np.nan_to_num(y), 0, high[1]).astype(int)
    return _Samples(segment, along, seen[rows, columns])


def _open_spans(
    line: np.ndarray, seen: np.ndarray
) -> list[tuple[float, float]]:
    """From where to where a line is seen; 1.5 is half the second segment."""
    segment, along, is_open = _samples(line, seen)
    places = segment + along
    # The next segment begins where the last ended, unless it left the grid.
    follows = (np.diff(segment) == 0) | (np.diff(places) == 0)
    joined = np.pad(is_open[1:] & is_open[:-1] & follows, 1)[: len(places) + 1]
    starts = places[is_open & ~joined[:-1]]
    ends = places[is_open & ~joined[1:]]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if a < b]


def _between(line: np.ndarray, start: float, end: float) -> np.ndarray:
    """The part of a line from place to place."""
    if start <= 0 and end >= len(line) - 1:
        return line
    at = np.concatenate(
        [[start], np.arange(np.floor(start) + 1, np.ceil(end)), [end]]
    )
    segment = np.minimum(at.astype(int), len(line) - 2)
    step = line[segment + 1] - line[segment]
    return line[segment] + (at - segment)[:, None] * step
