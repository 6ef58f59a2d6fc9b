"""Pen strokes in the three formats of the field, and conversions between them.

- *polylines*: a list of float32 [n, 2] arrays of absolute points (x, y) in
  pixels, y downwards, one array per stroke; what renderers and files hold.
- *stroke-3*: float32 [N, 3], rows (dx, dy, pen_lifted). Offsets are from the
  point before, the first one from the origin; `pen_lifted` is 1 at the last
  point of a stroke.
- *stroke-5*: float32 [T, 5], rows (dx, dy, p_down, p_up, p_end), the pen state
  one-hot; every row after the drawing is the end token (0, 0, 0, 0, 1).

Reference: Ha and Eck 2017, section 3.1. NumPy only.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

START_TOKEN = np.array([0, 0, 1, 0, 0], np.float32)  # S_0 of the paper
END_TOKEN = np.array([0, 0, 0, 0, 1], np.float32)

# Ends of a stroke that are no further apart than this share of its extent close
# it; one of fewer points encloses nothing.
CLOSED_GAP = 0.2
FEWEST_ENCLOSING = 4
# Of Quick, Draw!'s open strokes, 74 % end on this side of their start, y
# downwards.
ONWARDS = (0.8, 0.6)

Polylines = list[np.ndarray]


class Lines(NamedTuple):
    """Polylines in one array, where they are many: NumPy's cost is per call.

    Attributes:
        points: of all strokes, one after the other, [N, 2].
        ends: where each stroke ends in them, int [S]; none is empty.
    """

    points: np.ndarray
    ends: np.ndarray

    @classmethod
    def join(cls, polylines: Sequence[np.ndarray]) -> "Lines":
        """Strokes, [n, 2] each, as float64; empty ones vanish."""
        strokes = [line for line in polylines if len(line)]
        if not strokes:
            return cls(np.zeros((0, 2)), np.zeros(0, int))
        return cls(
            np.concatenate(strokes, dtype=np.float64, casting="unsafe"),
            np.cumsum([len(line) for line in strokes]),
        )

    def split(self) -> Polylines:
        """Inverse of `join`."""
        limits = itertools.pairwise([0, *self.ends.tolist()])
        return [self.points[first:last] for first, last in limits]

    def to_stroke3(self) -> np.ndarray:
        """The strokes as float32 [N, 3]; the last row lifts the pen."""
        points = self.points.astype(np.float32)
        stroke3 = np.zeros((len(points), 3), np.float32)
        stroke3[:1, :2] = points[:1]
        np.subtract(points[1:], points[:-1], out=stroke3[1:, :2])
        stroke3[self.ends - 1, 2] = 1
        return stroke3


def check_stroke3(stroke3: np.ndarray) -> np.ndarray:
    """Returns `stroke3` as float32 [N, 3].

    Raises:
        ValueError: wrong shape, a number that is not finite, or a pen state
            other than 0 and 1.
    """
    array = np.asarray(stroke3, np.float32)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(
            "stroke3 must have shape [num_points, 3]; received "
            f"{array.shape}. Use stroke5_to_stroke3 or polylines_to_stroke3."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            "stroke3 must hold finite numbers; received NaN or infinity. "
            "Remove these points."
        )
    if not np.isin(array[:, 2], (0, 1)).all():
        raise ValueError(
            "pen_lifted must be 0 or 1; received "
            f"{np.unique(array[:, 2])[:5].tolist()}. Column 2 of stroke3 is "
            "the pen state."
        )
    return array


def polylines_to_stroke3(polylines: Sequence[np.ndarray]) -> np.ndarray:
    """Absolute strokes, [n, 2] each, as float32 [N, 3]; empty ones vanish.

    The last row always lifts the pen.
    """
    return Lines.join(polylines).to_stroke3()


def stroke3_to_polylines(stroke3: np.ndarray) -> Polylines:
    """Inverse of `polylines_to_stroke3`; a last open stroke is kept."""
    points = np.cumsum(stroke3[:, :2], axis=0, dtype=np.float32)
    ends = (np.flatnonzero(stroke3[:, 2]) + 1).tolist()
    limits = itertools.pairwise([0, *ends, len(points)])
    return [points[first:last] for first, last in limits if first < last]


def stroke3_to_stroke5(stroke3: np.ndarray, length: int) -> np.ndarray:
    """Pads stroke-3 [N, 3] with end tokens to stroke-5 float32 [length, 5].

    Raises:
        ValueError: `length` is not above N (there is no room for an end token).
    """
    stroke3 = check_stroke3(stroke3)
    if length <= len(stroke3):
        raise ValueError(
            "length must be above the number of points; received length="
            f"{length} for {len(stroke3)} points. Shorten the drawing."
        )
    stroke5 = np.tile(END_TOKEN, (length, 1))
    rows = stroke5[: len(stroke3)]
    rows[:, :2] = stroke3[:, :2]
    rows[:, 2] = 1 - stroke3[:, 2]
    rows[:, 3] = stroke3[:, 2]
    rows[:, 4] = 0
    return stroke5


def stroke5_to_stroke3(stroke5: np.ndarray) -> np.ndarray:
    """Stroke-5 [T, 5] up to its first end token as float32 [N, 3]."""
    stroke5 = np.asarray(stroke5, np.float32)
    if stroke5.ndim != 2 or stroke5.shape[1] != 5:
        raise ValueError(
            "stroke5 must have shape [num_points, 5]; received "
            f"{stroke5.shape}. Use one drawing, not a batch."
        )
    ends = np.flatnonzero(stroke5[:, 4] > 0)
    rows = stroke5[: ends[0]] if len(ends) else stroke5
    return np.ascontiguousarray(rows[:, [0, 1, 3]])


def is_closed(line: np.ndarray) -> bool:
    """Whether a stroke [n, 2] ends about where it begins."""
    if len(line) < FEWEST_ENCLOSING:
        return False
    gap = np.linalg.norm(line[0] - line[-1])
    return bool(gap <= CLOSED_GAP * np.ptp(line, axis=0).max())


def bounds(polylines: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The corners (low [2], high [2]) of the drawing; zeros if it is empty."""
    if not len(polylines):
        return np.zeros(2, np.float32), np.zeros(2, np.float32)
    points = np.concatenate(list(polylines))
    return points.min(axis=0), points.max(axis=0)


def fit_to_box(polylines: Sequence[np.ndarray], size: float) -> Polylines:
    """Moves and scales a drawing so that its longest side is 0 to `size`.

    The aspect ratio is kept; the top left corner becomes (0, 0). A drawing
    that is a single point is only moved.
    """
    low, high = bounds(polylines)
    longest = float((high - low).max())
    scale = size / longest if longest > 0 else 1.0
    return [((line - low) * scale).astype(np.float32) for line in polylines]
