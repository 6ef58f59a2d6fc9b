"""Which numbers an array of drawings holds: stroke-3, or what looks like it.

Arrays of the right shape may mean something else, and a model would learn it
without a word: absolute points in place of offsets, a pen that is 1 where it
draws, rows of zeros behind the end, stroke-5. A single drawing does not always
tell; all drawings of a file together do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sketcher_tf.data.formats.drawing import BadDrawingError
from sketcher_tf.strokes import stroke5_to_stroke3

_SAMPLE = 500  # drawings that are looked at
_MIN_POINTS = 20  # in them, to say anything

# Offsets go back about as often as forth: in real files 30 to 45 % of them are
# negative. Points on a canvas are not.
_FEW_NEGATIVE = 0.01
# In real files a quarter to two fifths of the points lift the pen.
_MANY_LIFTED = 0.6


_MOST_COLUMNS = 5  # of stroke-5
_EXPECTED = "expected stroke-3 [N, 3] (dx, dy, pen lifted) or stroke-5 [N, 5]"


@dataclass(frozen=True)
class Layout:
    """How the arrays of a file differ from stroke-3.

    Attributes:
        absolute: points on a canvas instead of offsets.
        pen: `lifted` is stroke-3's, 1 at the last point of a stroke; `down`
            is 0 there; `drawn` is 1 where the pen drew on its way to a point.
        padded: zeros follow the end.
    """

    absolute: bool = False
    pen: Literal["lifted", "down", "drawn"] = "lifted"
    padded: bool = False

    def changes(self) -> str:
        """What `stroke3` changes, for people; "" if it changes nothing."""
        return " and ".join(
            text
            for text, holds in (
                ("taken as absolute points, not offsets", self.absolute),
                ("taken with a pen that is 1 when down", self.pen != "lifted"),
                ("cut before the zeros behind their end", self.padded),
            )
            if holds
        )

    def stroke3(self, points: np.ndarray) -> np.ndarray:
        """Rows [N, 3] of this layout as stroke-3."""
        if self.padded:
            points = _without_padding(points)
        if not len(points):
            return points
        points = points.copy()
        if self.absolute:
            points[1:, :2] = np.diff(points[:, :2], axis=0)
        if self.pen != "lifted":
            down = points[:, 2]
            if self.pen == "drawn":
                down = np.append(down[1:], np.float32(0))
            points[:, 2] = 1 - down
            points[-1, 2] = 1
        return points


def layout_of(rows: Sequence[Any]) -> Layout:
    """The layout of a file, by its drawings.

    Args:
        rows: its drawings, as `rows3` takes them.
    """
    sample = [
        row for row in map(_rows3_or_none, rows[:_SAMPLE]) if row is not None
    ]
    padded = _is_padded(sample)
    if padded:
        sample = list(map(_without_padding, sample))
    sample = [row for row in sample if len(row)]
    if sum(map(len, sample)) < _MIN_POINTS:
        return Layout(padded=padded)
    return Layout(_is_absolute(sample), _pen(sample), padded)


def rows3(points: Any, where: str) -> np.ndarray:
    """A drawing as float32 [N, 3], of stroke-5 as well.

    Raises:
        BadDrawingError: it has another shape.
    """
    try:
        with np.errstate(over="ignore"):  # becomes infinite, is refused then
            array = np.array(points, np.float32)
    except (TypeError, ValueError):
        raise BadDrawingError(
            "wrong shape", where, f"{_EXPECTED}, received no table of numbers"
        ) from None
    if array.ndim == 2 and array.shape[1] == 5:
        return _from_stroke5(_without_padding(array), where)
    if array.ndim != 2 or array.shape[1] != 3:
        raise BadDrawingError(
            "wrong shape",
            where,
            f"{_EXPECTED}, received {list(array.shape)}",
        )
    return array


def holds_bitmaps(dtype: np.dtype, shape: Sequence[int]) -> bool:
    """Whether an array plainly holds pictures."""
    return dtype == np.uint8 and len(shape) > 1 and shape[-1] > _MOST_COLUMNS


def _from_stroke5(array: np.ndarray, where: str) -> np.ndarray:
    pens = array[:, 2:]
    if not (np.isin(pens, (0, 1)).all() and (pens.sum(axis=1) == 1).all()):
        raise BadDrawingError(
            "wrong pen state",
            where,
            "the last three of five columns must be one-hot",
        )
    stroke3 = stroke5_to_stroke3(array)
    # The start token is no point of the drawing.
    starts = len(stroke3) > 1 and not stroke3[0].any()
    return stroke3[1:] if starts else stroke3


def _rows3_or_none(points: Any) -> np.ndarray | None:
    try:
        rows = rows3(points, "")
    except BadDrawingError:
        return None
    binary = np.isin(rows[:, 2], (0, 1)).all()
    return rows if binary and np.isfinite(rows).all() else None


def _without_padding(points: np.ndarray) -> np.ndarray:
    used = np.flatnonzero(points.any(axis=1))
    return points[: used[-1] + 1] if len(used) else points[:0]


def _is_padded(sample: Sequence[np.ndarray]) -> bool:
    """All equally long, and most of them with rows of zeros at the end."""
    if len({len(row) for row in sample}) != 1:
        return False
    zeros = [len(row) - len(_without_padding(row)) for row in sample]
    return bool(np.mean([count >= 2 for count in zeros]) > 0.5)


def _is_absolute(sample: Sequence[np.ndarray]) -> bool:
    values = np.concatenate([row[:, :2] for row in sample])
    values = values[values != 0]
    return len(values) >= _MIN_POINTS and (np.mean(values < 0) < _FEW_NEGATIVE)


def _pen(sample: Sequence[np.ndarray]) -> Literal["lifted", "down", "drawn"]:
    if np.concatenate(sample)[:, 2].mean() < _MANY_LIFTED:
        return "lifted"
    # Whether the first point, to which nothing is drawn, is marked as a move.
    first = np.mean([row[0, 2] for row in sample])
    last = np.mean([row[-1, 2] for row in sample])
    return "drawn" if first < last else "down"
