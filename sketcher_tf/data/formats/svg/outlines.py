"""The centre lines of filled shapes, as a pen that draws outlines leaves them.

A shape is painted at a few pixels per line width and thinned to its skeleton
(Zhang and Suen 1984, by scikit-image), which is followed pixel by pixel.
"""

from collections.abc import Sequence

import numpy as np

from sketcher_tf.data.formats.svg.ink import dot_of, is_dot
from sketcher_tf.data.formats.svg.regions import filled, signed_area
from sketcher_tf.data.formats.svg.scene import Shape
from sketcher_tf.strokes import Polylines

_LINE_PX = 7.0  # pixels across a line that is thinned
_MIN_PX, _MAX_PX = 64, 1024  # of a shape's longest side

# A shape more compact than this is an area, of which the outline is drawn.
_COMPACT = 0.22  # its thickness, of its longest side

_LOOK_BACK = 6  # pixels that tell the direction of a line

# The eight neighbours, straight ones first.
_STEPS = np.array(
    [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
)


def centre_lines(shapes: Sequence[Shape]) -> Polylines:
    """Strokes float64 [n, 2] for filled shapes, in their order.

    Raises:
        ImportError: scikit-image is missing.
    """
    side = np.ptp(np.concatenate([np.concatenate(s.lines) for s in shapes]), 0)
    widths = [_thickness(shape) for shape in shapes if not _is_compact(shape)]
    width = float(np.median(widths)) if widths else 0.0
    return [
        line
        for shape in shapes
        for line in (
            [dot_of(shape)]
            if len(shapes) > 1 and is_dot(shape, float(side.max()), width)
            else shape.lines
            if _is_compact(shape)
            else _thinned(shape)
        )
    ]


def _thickness(shape: Shape) -> float:
    """Of a line with this area and circumference."""
    area = abs(sum(map(signed_area, shape.lines)))
    around = sum(
        float(np.hypot(*np.diff(line, axis=0, append=line[:1]).T).sum())
        for line in shape.lines
    )
    return 2 * area / around if around else 0.0


def _is_compact(shape: Shape) -> bool:
    points = np.concatenate(shape.lines)
    return _thickness(shape) > _COMPACT * float(np.ptp(points, axis=0).max())


def _thinned(shape: Shape) -> Polylines:
    from skimage.morphology import skeletonize  # slow to import, seldom used

    points = np.concatenate(shape.lines)
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    thickness = _thickness(shape)
    longest = float(size.max())
    pixels = np.clip(
        longest * _LINE_PX / (thickness or longest), _MIN_PX, _MAX_PX
    )
    scale = float(pixels) / longest
    width, height = (np.ceil(size * scale).astype(int) + 3).tolist()
    placed = [(line - low) * scale + 1 for line in shape.lines]
    inside = filled(placed, shape.fill_rule, (height, width))
    start = placed[0][0]
    shortest = thickness * scale
    lines = _follow(skeletonize(inside), start, shortest)
    return [(line - 1) / scale + low for line in lines]


def _follow(
    skeleton: np.ndarray, start: np.ndarray, shortest: float
) -> Polylines:
    """Lines (x, y) along a skeleton, each as far and straight as it goes.

    Args:
        skeleton: bool [height, width].
        start: where the pen is likely to have begun, (x, y).
        shortest: lines that are shorter, and not the only one, are spurs.
    """
    left = np.pad(skeleton, 1)  # no pixel has a neighbour outside
    lines = []
    while left.any():
        line = _walk(left, _first(left, start + 1))
        lines.append(line - 1.0)
    long = [line for line in lines if len(line) > shortest]
    return long or [max(lines, key=len)] if lines else []


def _first(left: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The end of a line, or any pixel of a ring, that is nearest to `start`."""
    rows, columns = np.nonzero(left)
    pixels = np.stack([rows, columns], axis=1)
    around = left[
        (pixels[:, None] + _STEPS)[..., 0], (pixels[:, None] + _STEPS)[..., 1]
    ].sum(axis=1)
    ends = pixels[around <= 1]
    candidates = ends if len(ends) else pixels
    away = np.abs(candidates - start[::-1]).sum(axis=1)
    return candidates[away.argmin()]


def _walk(left: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """Follows a line from a pixel and takes its pixels away; (x, y) [n, 2]."""
    path = [pixel]
    left[tuple(pixel)] = False
    while True:
        near = path[-1] + _STEPS
        near = near[left[near[:, 0], near[:, 1]]]
        if not len(near):
            break
        ahead = path[-1] - path[max(0, len(path) - _LOOK_BACK)]
        steps = near - path[-1]
        # Straight on at a fork; the nearer one of two on the same way.
        straight = steps @ ahead / np.hypot(*steps.T)
        pixel = near[straight.argmax()]
        left[tuple(pixel)] = False
        path.append(pixel)
    if len(path) == 1:
        path *= 2
    return np.array(path)[:, ::-1]
