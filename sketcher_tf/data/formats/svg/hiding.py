"""What lies on top hides what lies below it.

Areas hide what is drawn in another colour; strokes in the colour of the paper,
as erasers leave them, hide too. Lines that cross others hide nothing: where one
goes on behind another, everybody sees.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from sketcher_tf.data.formats.svg.painted import Shape, is_thin
from sketcher_tf.data.formats.svg.regions import Grid, Layer, Region, painted

_PIXELS = 512  # of the longest side of a drawing
_OPAQUE = 0.95
_SAME = 1 / 255  # luminances that look alike


def unhidden(
    shapes: Sequence[Shape], paper: float
) -> Iterator[tuple[Shape, Region | None]]:
    """Shapes with where those above let them be seen.

    Args:
        shapes: from the bottom to the top.
        paper: the luminance of what lies below.

    Yields:
        The shapes from the top to the bottom; None is all over.
    """
    lines = [line for s in shapes if s.is_stroked for line in s.lines]
    points = np.concatenate(lines)
    margin = max(s.stroke_width for s in shapes if s.is_stroked)
    margin = min(margin, float(np.ptp(points, axis=0).max()))
    low = points.min(axis=0) - margin
    size = points.max(axis=0) + margin - low
    scale = (_PIXELS - 1) / float(size.max() or 1)
    if not np.isfinite(scale):
        yield from ((shape, None) for shape in reversed(shapes))
        return
    width, height = np.ceil(size * scale).astype(int) + 1
    # The luminance of what is on top; NaN where that hides nothing.
    top = np.full((height, width), np.nan, np.float32)
    for shape in reversed(shapes):
        part, corner = _around(shape, top, low, scale)
        own = shape.stroke if shape.is_stroked else shape.fill
        is_open = ~(np.abs(part - own.luminance) > _SAME)
        if is_open.all():
            yield shape, None
        else:
            yield shape, Region([], grid=Grid(is_open, corner, scale))
        for layer in _covers(shape, paper):
            covered = painted(layer, corner, scale, part.shape)
            for region in shape.regions:
                covered = covered & region.opened(part.shape, corner, scale)
            part[covered] = layer.luminance


def _around(
    shape: Shape, top: np.ndarray, low: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """The part of a grid that a shape lies in, and its corner, in units."""
    points = np.concatenate(shape.lines)
    reach = shape.stroke_width + 2 / scale
    first = (points.min(axis=0) - reach - low) * scale
    last = (points.max(axis=0) + reach - low) * scale
    limit = np.array(top.shape[::-1])
    first, last = np.nan_to_num(first), np.nan_to_num(last)
    left, upper = np.clip(np.floor(first), 0, limit - 1).astype(int)
    right, lower = np.clip(np.ceil(last) + 1, 1, limit).astype(int)
    return top[upper:lower, left:right], low + np.array([left, upper]) / scale


def _covers(shape: Shape, paper: float) -> Iterator[Layer]:
    """What of a shape hides others: its inside, then its outlines."""
    if not all(np.isfinite(line).all() for line in shape.lines):
        return  # it will be refused
    fill, stroke = shape.fill, shape.stroke
    if shape.is_filled and fill.alpha >= _OPAQUE and not is_thin(shape):
        yield Layer(shape.lines, shape.fill_rule, fill.luminance)
    is_eraser = abs(stroke.luminance - paper) <= _SAME
    if shape.is_stroked and stroke.alpha >= _OPAQUE and is_eraser:
        width = shape.stroke_width
        yield Layer(shape.lines, "", stroke.luminance, stroke_width=width)
