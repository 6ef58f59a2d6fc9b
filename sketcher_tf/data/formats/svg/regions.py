"""Clip paths and masks: whether they let anything of a shape be seen."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from sketcher_tf.data.formats.svg.paint import INVISIBLE

_GRID = 256  # pixels of a region's longest side
_SAMPLES = 64  # on each segment of a line
_FAR = 1e6  # pixels; beyond, Pillow's integers would overflow

Lines = Sequence[np.ndarray]

# (lines, fill rule, luminance, alpha)
Layer = tuple[Lines, str, float, float]


@dataclass(frozen=True, eq=False)
class Region:
    """Where a clip path or a mask lets something be seen.

    Attributes:
        layers: what it is made of, from the bottom to the top.
        boxed: its units are those of what is clipped, so that only a region
            that lets nothing through says anything.
        outer: regions that it lies in itself.
    """

    layers: Sequence[Layer]
    boxed: bool = False
    outer: tuple["Region", ...] = ()

    def shows(self, lines: Lines, is_filled: bool, fill_rule: str) -> bool:
        """Whether anything of a shape is seen through it."""
        if not all(r.shows(lines, is_filled, fill_rule) for r in self.outer):
            return False
        if self.boxed:
            return any(light * alpha > 0 for *_, light, alpha in self.layers)
        if self._seen is None:
            return False
        seen, low, scale = self._seen
        placed = [(line - low) * scale for line in lines]
        if any(_touches(line, seen) for line in placed):
            return True
        if not is_filled:
            return False
        return bool((seen & filled(placed, fill_rule, seen.shape)).any())

    @functools.cached_property
    def _seen(self) -> tuple[np.ndarray, np.ndarray, float] | None:
        """A grid of where it is open, its corner, pixels per unit; or None."""
        lines = [line for layer in self.layers for line in layer[0]]
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
        for layer, rule, luminance, alpha in self.layers:
            placed = [(line - low) * scale for line in layer]
            inside = filled(placed, rule, light.shape)
            light[inside] += (luminance - light[inside]) * alpha
        seen = light >= INVISIBLE
        return (seen, low, scale) if seen.any() else None


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


def _touches(line: np.ndarray, seen: np.ndarray) -> bool:
    """Whether a line in pixels passes over an open pixel."""
    start, step = line[:-1], np.diff(line, axis=0)
    high = np.array(seen.shape[::-1]) - 1e-6
    # The part of each segment that lies in the grid (Liang and Barsky 1984).
    with np.errstate(all="ignore"):
        to_low, to_high = -start / step, (high - start) / step
    outside = (step == 0) & ((start < 0) | (start > high))
    enter = np.where(step == 0, 0, np.minimum(to_low, to_high)).max(axis=1)
    leave = np.where(step == 0, 1, np.maximum(to_low, to_high)).min(axis=1)
    enter, leave = np.maximum(enter, 0), np.minimum(leave, 1)
    inside = (enter <= leave) & ~outside.any(axis=1)
    if not inside.any():
        return False
    at = np.linspace(enter[inside], leave[inside], _SAMPLES)[..., None]
    x, y = np.moveaxis(start[inside] + at * step[inside], -1, 0)
    columns = np.clip(x, 0, high[0]).astype(int)
    rows = np.clip(y, 0, high[1]).astype(int)
    return bool(seen[rows, columns].any())
