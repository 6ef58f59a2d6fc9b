"""Readings of what is given, as `sketcher_tf.drawing.readings` has them.

For one drawing and with NumPy only, as the studio has them in TypeScript. What
would read nearly as another reading does is left out.
"""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import ONWARDS, bounds, is_closed, polylines_to_stroke3

SIDE = 255  # pixels, the longest of a drawing of Quick, Draw!
_SIZES = (0.75, 1.0)  # longest sides, in parts of a whole drawing's
_ALIKE = 1.25  # times larger or smaller: nothing else is seen in it


class Reading(NamedTuple):
    """What to draw to in place of what was given.

    Attributes:
        sketch: as it is read; as many points as were given.
        given: as it was given.
        scale: how many times larger it is read.
        corner: float64 [2], in pixels; what is its origin as it is read.
        goes_on: whether the last stroke does, from where it was begun.
    """

    sketch: Sketch
    given: Sketch
    scale: float
    corner: np.ndarray
    goes_on: bool = False

    def put_back(self, drawn: Sketch) -> Sketch:
        """What was drawn to the reading, to what was given.

        Args:
            drawn: begins with the reading.
        """
        count = len(self.given.stroke3)
        added = drawn.stroke3[count:].copy()
        added[:, :2] /= self.scale
        read, given = (
            sketch.stroke3[:, :2].sum(axis=0)
            for sketch in (self.sketch, self.given)
        )
        # The pen is at another place than where the reading left it.
        move = self.corner + read / self.scale - given
        if self.goes_on and len(added):
            added = np.concatenate([np.zeros((1, 3), np.float32), added])
        added[:1, :2] += move
        whole = np.concatenate([self.given.stroke3, added])
        return dataclasses.replace(drawn, stroke3=whole)


def readings(given: Sketch) -> list[Reading]:
    """As given; as most hands run strokes; so, going on or large; so, whole.

    Args:
        given: what has been drawn so far, in pixels; may be nothing.
    """
    return list(_readings(given))


def _readings(given: Sketch) -> Iterator[Reading]:
    nowhere = np.zeros(2)
    yield Reading(given, given, 1.0, nowhere)
    if not len(given.stroke3):
        return
    turned = _turned(given)
    if not np.array_equal(turned.stroke3, given.stroke3):
        yield Reading(turned, given, 1.0, nowhere)
    sizes: tuple[float, ...] = _SIZES
    if _can_go_on(given):
        yield Reading(_turned(_begun_back(given)), given, 1.0, nowhere, True)
        sizes = _SIZES[1:]
    for size in sizes:
        corner, scale = _placed(turned, size)
        if not 1 / _ALIKE < scale < _ALIKE:
            large = moved(turned, -corner * scale, scale)
            yield Reading(large, given, scale, corner)


def _placed(sketch: Sketch, size: float) -> tuple[np.ndarray, float]:
    """The corner of a paper, and how much larger to draw on it.

    The sketch is to stand in the middle at the bottom of the paper.
    """
    low, high = np.array(bounds(sketch.polylines), np.float64)
    longest = (high - low).max()
    if not longest:
        return np.zeros(2), 1.0
    scale = size * SIDE / longest
    return low - (SIDE / scale - (high - low)) * (0.5, 1.0), scale


def extent(sketch: Sketch) -> tuple[np.ndarray, float]:
    """The upper left corner, and what makes it as large as the model's."""
    low, high = np.array(bounds(sketch.polylines), np.float64)
    longest = (high - low).max()
    return low, SIDE / longest if longest else 1.0


def moved(sketch: Sketch, offset: np.ndarray, scale: float) -> Sketch:
    """The sketch scaled, then moved."""
    stroke3 = sketch.stroke3.copy()
    stroke3[:, :2] *= scale
    stroke3[:1, :2] += offset
    return dataclasses.replace(sketch, stroke3=stroke3)


def _can_go_on(given: Sketch) -> bool:
    """Whether the last stroke is open, done, and more than a dot."""
    line = given.polylines[-1]
    return bool(given.stroke3[-1, 2]) and len(line) > 1 and not is_closed(line)


def _begun_back(given: Sketch) -> Sketch:
    """With the last stroke run the other way, and still being drawn."""
    *others, line = given.polylines
    stroke3 = polylines_to_stroke3([*others, line[::-1]])
    stroke3[-1, 2] = 0
    return dataclasses.replace(given, stroke3=stroke3)


def _turned(given: Sketch) -> Sketch:
    """Each stroke `_as_most_hands`, but one that is still being drawn."""
    lines = given.polylines
    done = len(lines) - int(given.stroke3[-1, 2] == 0)
    turned = [_as_most_hands(line) for line in lines[:done]] + lines[done:]
    if all(new is old for new, old in zip(turned, lines, strict=True)):
        return given
    stroke3 = polylines_to_stroke3(turned)
    stroke3[:, 2] = given.stroke3[:, 2]
    return dataclasses.replace(given, stroke3=stroke3)


def _as_most_hands(line: np.ndarray) -> np.ndarray:
    """A closed stroke counter-clockwise from its top, another rightwards.

    Args:
        line: float32 [n, 2], y downwards.
    """
    if not is_closed(line):
        backwards = (line[-1] - line[0]) @ ONWARDS < 0
        return line[::-1] if backwards else line
    ring = line[:-1]  # its end is where it begins
    ring = np.roll(ring, -(line[:, 1].argmin() % len(ring)), axis=0)
    if _is_clockwise(line):
        ring = np.roll(ring[::-1], 1, axis=0)
    return np.concatenate([ring, ring[:1]])


def _is_clockwise(line: np.ndarray) -> bool:
    """Whether the area inside is above 0, by the shoelace formula."""
    x, y = (line - line[0]).T
    return bool((x[:-1] * y[1:] - y[:-1] * x[1:]).sum() > 0)
