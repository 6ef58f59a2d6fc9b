"""The centre lines of filled shapes, as a pen that draws outlines leaves them.

A shape is painted at a few pixels per line width and thinned to its skeleton
(Zhang and Suen 1984, by scikit-image), which is followed pixel by pixel.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sketcher_tf.data.formats.svg.ink import dots_of
from sketcher_tf.data.formats.svg.painted import COMPACT, Shape, thickness
from sketcher_tf.data.formats.svg.regions import filled
from sketcher_tf.strokes import Polylines

_LINE_PX = 7.0  # pixels across a line that is thinned
_MIN_PX, _MAX_PX = 64, 512  # of a shape's longest side
_MEASURE_PX = 256  # the same, to measure it

_CUT = 0.02  # of a shape that is hidden: less is the rounding of pixels

_LOOK_BACK = 6  # pixels that tell the direction of a line
# Binomial weights: pixels are stairs, the line they stand for has none.
_SMOOTH = np.array([1, 4, 6, 4, 1]) / 16
_REACH = len(_SMOOTH) // 2

# The eight neighbours, straight ones first.
_STEPS = (
    *((0, 1), (1, 0), (0, -1), (-1, 0)),
    *((1, 1), (1, -1), (-1, 1), (-1, -1)),
)


def centre_lines(shapes: Sequence[Shape]) -> Polylines:
    """Strokes float64 [n, 2] for filled shapes, in their order.

    Raises:
        ImportError: scikit-image is missing.
    """
    side = _longest_side([line for shape in shapes for line in shape.lines])
    widths = list(map(_thickness, shapes))
    compact = [
        width > COMPACT * _longest_side(shape.lines)
        for shape, width in zip(shapes, widths, strict=True)
    ]
    thin = [
        w for w, is_area in zip(widths, compact, strict=True) if not is_area
    ]
    width = float(np.median(thin)) if thin else 0.0
    lines = []
    for shape, own, is_area in zip(shapes, widths, compact, strict=True):
        dots = dots_of(shape, side, width) if len(shapes) > 1 else []
        if dots:
            lines += dots
        elif is_area:
            lines += _outlined(shape)
        else:
            lines += _thinned(shape, own)
    return lines


def _thickness(shape: Shape) -> float:
    """Of a line with this area and circumference."""
    picture = _paint(shape, _MEASURE_PX)
    area = np.count_nonzero(picture.whole) / picture.scale**2
    around = sum(
        float(np.hypot(*np.diff(line, axis=0, append=line[:1]).T).sum())
        for line in shape.lines
    )
    return thickness(area, around)


def _outlined(shape: Shape) -> Polylines:
    """The outlines of an area, or of what is seen of it."""
    if not shape.regions:
        return shape.lines
    picture = _paint(shape, _MEASURE_PX)
    if picture.inside is picture.whole:
        return shape.lines
    from skimage.measure import find_contours

    return [
        contour[:, ::-1] / picture.scale + picture.corner
        for contour in find_contours(picture.inside.astype(np.float32), 0.5)
    ]


def _thinned(shape: Shape, thickness: float) -> Polylines:
    # Slow to import, and seldom used.
    from skimage.measure import label, regionprops
    from skimage.morphology import skeletonize

    longest = _longest_side(shape.lines)
    picture = _paint(
        shape,
        np.clip(longest * _LINE_PX / thickness, _MIN_PX, _MAX_PX),
    )
    start = (shape.lines[0][0] - picture.corner) * picture.scale
    lines = []
    for part in regionprops(label(skeletonize(picture.inside))):
        corner = np.array(part.bbox[1::-1])
        lines += [
            line + corner
            for line in _follow(
                part.image, start - corner, thickness * picture.scale
            )
        ]
    return [line / picture.scale + picture.corner for line in lines]


class _Picture(NamedTuple):
    """A shape in pixels.

    Attributes:
        whole: bool [height, width].
        inside: the same of what regions let be seen.
        scale: pixels per unit of the shape.
        corner: the middle of the first pixel, in units of the shape.
    """

    whole: np.ndarray
    inside: np.ndarray
    scale: float
    corner: np.ndarray


def _paint(shape: Shape, pixels: float) -> _Picture:
    """Paints a shape so that its longest side has so many pixels."""
    points = np.concatenate(shape.lines)
    scale = float(pixels) / _longest_side(shape.lines)
    corner = points.min(axis=0) - 1 / scale  # a pixel of margin
    width, height = np.ceil(np.ptp(points, axis=0) * scale).astype(int) + 3
    placed = [(line - corner) * scale for line in shape.lines]
    whole = filled(placed, shape.fill_rule, (int(height), int(width)))
    inside = whole
    for region in shape.regions:
        inside = inside & region.opened(whole.shape, corner, scale)
    if np.count_nonzero(inside) > (1 - _CUT) * np.count_nonzero(whole):
        inside = whole
    return _Picture(whole, inside, scale, corner)


def _longest_side(lines: Sequence[np.ndarray]) -> float:
    return float(np.ptp(np.concatenate(lines), axis=0).max())


def _follow(part: np.ndarray, start: np.ndarray, shortest: float) -> Polylines:
    """Lines (x, y) along a skeleton, each as far and straight as it goes.

    Args:
        part: bool [height, width], of one piece.
        start: where the pen is likely to have begun, (x, y).
        shortest: lines that are shorter are spurs; a piece of nothing else is
            a dot.
    """
    # With a margin, so that no pixel has a neighbour outside.
    left = np.pad(part, 1).astype(np.uint8)
    cells = left.data  # single pixels are ten times as fast by it
    lines = []
    while left.any():
        for pixel in _starts(left, start + 1).tolist():
            if cells[*pixel]:
                line = _walk(cells, tuple(pixel)) - 1.0
                if len(line) > shortest:
                    lines.append(_smooth(line))
    if lines:
        return lines
    middle = np.argwhere(part).mean(axis=0)[::-1]
    return [np.stack([middle, middle])]


def _smooth(line: np.ndarray) -> np.ndarray:
    """A line [n, 2] of pixels without their stairs; a ring is closed."""
    if len(line) <= 2 * _REACH:
        return line
    if np.abs(line[0] - line[-1]).max() <= 1:
        around = np.pad(line, ((_REACH, _REACH + 1), (0, 0)), "wrap")
    else:
        around = np.pad(
            line,
            ((_REACH, _REACH), (0, 0)),
            "reflect",
            reflect_type="odd",  # so that both ends stay
        )
    axes = [np.convolve(axis, _SMOOTH, "valid") for axis in around.T]
    return np.stack(axes, axis=-1)


def _starts(left: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The ends of lines, the nearest to `start` first; of rings, one pixel."""
    pixels = np.argwhere(left)
    rows, columns = np.moveaxis(pixels[:, None] + np.array(_STEPS), -1, 0)
    ends = pixels[left[rows, columns].sum(axis=1) <= 1]
    candidates = ends if len(ends) else pixels
    away = np.abs(candidates - start[::-1]).sum(axis=1)
    if not len(ends):
        return candidates[[away.argmin()]]
    return candidates[away.argsort(kind="stable")]


def _walk(cells: memoryview, pixel: tuple[int, int]) -> np.ndarray:
    """Follows a line from a pixel and takes its pixels away; (x, y) [n, 2]."""
    path = [pixel]
    cells[pixel] = 0
    while True:
        y, x = path[-1]
        before = path[max(0, len(path) - _LOOK_BACK)]
        ahead = y - before[0], x - before[1]
        near = [(i, j) for i, j in _STEPS if cells[y + i, x + j]]
        if not near:
            return np.array(path)[:, ::-1]
        # Straight on at a fork; the nearer one of two on the same way.
        i, j = max(
            near,
            key=lambda to: (
                (to[0] * ahead[0] + to[1] * ahead[1]) / math.hypot(*to)
            ),
        )
        path.append((y + i, x + j))
        cells[path[-1]] = 0
