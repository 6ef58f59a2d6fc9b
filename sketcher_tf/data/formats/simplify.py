"""Google's simplification of pens as they are recorded.

What made the simplified drawings of Quick, Draw! out of the raw ones, so that
other recordings come out alike (github.com/googlecreativelab/quickdraw-dataset,
"Preprocessed dataset"): resample every stroke with a spacing of 1 pixel,
Ramer-Douglas-Peucker with an epsilon of 2 pixels, whole pixels; of a drawing
whose longest side is 255.
"""

from collections.abc import Sequence

import numpy as np

from sketcher_tf.strokes import Lines, Polylines

SIDE_PX = 255.0  # the longest side of a simplified drawing
SPACING_PX = 1.0
EPSILON_PX = 2.0

_COARSER = 1.3  # the next epsilon, of one that leaves too many points


def simplify(
    polylines: Sequence[np.ndarray], side: float = SIDE_PX
) -> Polylines:
    """Resamples, simplifies and rounds a drawing that is scaled already.

    Args:
        polylines: strokes [n, 2] of finite numbers.
        side: the longest side of whole drawings, in their unit; 255 of it is
            a pixel.

    Returns:
        float32 strokes of at least 2 points; a dot becomes two equal points,
        as in Google's files. Empty strokes vanish.
    """
    unit = (side or SIDE_PX) / SIDE_PX
    strokes = [np.asarray(line, np.float64) for line in polylines if len(line)]
    return [
        np.float32(unit)
        * np.round(rdp(resample(line / unit, SPACING_PX), EPSILON_PX)).astype(
            np.float32
        )
        for line in strokes
    ]


def shorten(polylines: Sequence[np.ndarray], num_points: int) -> Polylines:
    """Simplifies further, until a drawing fits into so many points.

    Args:
        polylines: strokes [n, 2] of finite numbers, in pixels.
        num_points: that may be left.

    Returns:
        A subset of the points, float32. Of a drawing with too many strokes,
        the shortest ones are left out.
    """
    strokes = [line for line in polylines if len(line)]
    inks = [_ink(line) for line in strokes]
    # A stroke has two points at least; the longest ones say most.
    keep = sorted(np.argsort(inks, kind="stable")[::-1][: num_points // 2])
    strokes = [np.asarray(strokes[i], np.float64) for i in keep]
    # By the size, so that no drawing takes many rounds.
    side = max(
        (float(np.ptp(line, axis=0).max()) for line in strokes), default=0
    )
    epsilon = EPSILON_PX * max(1.0, side / SIDE_PX)
    while sum(map(len, strokes)) > num_points:
        strokes = [rdp(line, epsilon) for line in strokes]
        epsilon *= _COARSER
    return [line.astype(np.float32) for line in strokes]


def ink(lines: Lines) -> float:
    """The length of all lines together, in their unit."""
    steps = lines.points[1:] - lines.points[:-1]
    steps[lines.ends[:-1] - 1] = 0
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def resample(line: np.ndarray, spacing: float) -> np.ndarray:
    """Points [m, 2] along the polyline [n, 2], `spacing` apart.

    The first and the last point stay, so the last step may be shorter, and
    the result has at least 2 points.
    """
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.append(np.arange(0.0, along[-1], spacing), along[-1])
    if len(at) == 1:  # a dot
        at = np.zeros(2)
    return np.stack([np.interp(at, along, axis) for axis in line.T], axis=-1)


def rdp(line: np.ndarray, epsilon: float) -> np.ndarray:
    """Ramer-Douglas-Peucker: a subset of [n, 2] within `epsilon` of it."""
    keep = np.zeros(len(line), bool)
    keep[[0, -1]] = True
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        distances = _distances(line[first : last + 1])
        farthest = int(distances.argmax())
        if distances[farthest] > epsilon:
            middle = first + 1 + farthest
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return line[keep]


def _distances(line: np.ndarray) -> np.ndarray:
    """Of the inner points from the straight line through both ends.

    From the line, not from the segment between the ends: only so are Google's
    files met point for point, although a stroke that turns back on itself
    loses what lies beyond its ends.
    """
    offsets = line[1:-1] - line[0]
    dx, dy = line[-1] - line[0]
    length = np.hypot(dx, dy)
    if length == 0:
        return np.hypot(offsets[:, 0], offsets[:, 1])
    return np.abs(dx * offsets[:, 1] - dy * offsets[:, 0]) / length


def _ink(line: np.ndarray) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())
