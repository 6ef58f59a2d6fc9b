"""What of a painted scene is the pen's: strokes, dots, or filled outlines.

If anything that is seen is stroked, that is the drawing, and filled shapes are
its decoration, but for small filled circles, which are dots of the pen. If
nothing is, the fills are: as pens that draw outlines and tracers leave them.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sketcher_tf.data.formats.svg.hiding import unhidden
from sketcher_tf.data.formats.svg.painted import Scene, Shape, is_thin
from sketcher_tf.data.formats.svg.regions import (
    Layer,
    Region,
    signed_area,
)
from sketcher_tf.data.formats.svg.shapes import rectangle
from sketcher_tf.strokes import Polylines

_SAME = 1 / 255  # luminances that look alike

# Pieces are one stroke if they touch, up to the rounding of a file.
_TOUCHING = 1e-3  # of the longest side

# A dot is round: of its box it fills pi / 4, and the box is nearly square.
_ROUND = (0.7, 0.87)
_SQUARE = 1.3
_DOT = 0.04  # of the longest side at most,
_DOT_WIDTHS = 3.0  # or so many widths of the lines

_COVERS = 0.98  # of the canvas, in width and height, for a page


class Ink(NamedTuple):
    """The strokes of a drawing in units of the canvas.

    Attributes:
        lines: float64 [n, 2] each.
        shapes: filled shapes, if nothing is stroked; without the page, and
            with what lies on them in the colour of the paper.
        left_out: how many filled shapes that look like lines lie beside the
            strokes.
    """

    lines: Polylines
    shapes: list[Shape]
    left_out: int = 0


def ink_of(scene: Scene) -> Ink:
    """What the pen has drawn of a scene."""
    seen, canvas = _on_canvas([s for s in scene.shapes if s.is_seen], scene)
    paper, shapes = _page(seen, scene)
    stroked = [shape for shape in seen if shape.is_stroked]
    if not stroked:
        fills = _without_paper(shapes, paper)
        return Ink([], [_in_regions(shape, canvas) for shape in fills])
    if not any(shape.is_filled for shape in shapes):
        # Paper's colour on bare paper, as erasers leave it, cannot be seen.
        stroked = _without_paper(stroked, paper, by_stroke=True)
    width = max(shape.stroke_width for shape in stroked)
    kept = {id(shape) for shape in stroked}
    side = _longest_side([line for s in stroked for line in s.lines])
    pieces: list[tuple[np.ndarray, bool]] = []
    for shape, region in unhidden(seen, paper):
        regions = canvas if region is None else (*canvas, region)
        dots = dots_of(shape, side, width)
        if dots:
            if all(r.shows(shape.lines, True, "nonzero") for r in regions):
                pieces[:0] = [(dot, True) for dot in dots]
        elif id(shape) in kept:
            pieces[:0] = _visible(shape, regions)
    fills = [shape for shape in shapes if not shape.is_stroked]
    left_out = [
        shape
        for shape in _without_paper(fills, paper)
        if is_thin(shape) and not dots_of(shape, side, width)
    ]
    return Ink(join(pieces, _TOUCHING * side), [], len(left_out))


def _in_regions(shape: Shape, regions: tuple[Region, ...]) -> Shape:
    return dataclasses.replace(shape, regions=(*shape.regions, *regions))


def dots_of(shape: Shape, side: float, width: float) -> Polylines:
    """The dots of the pen that a shape is; none if it is anything else.

    Args:
        shape: the shape.
        side: the longest side of the drawing.
        width: of its lines.

    Returns:
        The middle of each, twice: a stroke that goes nowhere.
    """
    if not all(_is_dot(line, shape, side, width) for line in shape.lines):
        return []
    middles = [
        (line.min(axis=0) + line.max(axis=0)) / 2 for line in shape.lines
    ]
    return [np.stack([middle, middle]) for middle in middles]


def _is_dot(line: np.ndarray, shape: Shape, side: float, width: float) -> bool:
    """Whether an outline is small, round, and full."""
    size = np.ptp(line, axis=0)
    if not size.min() > 0 or size.max() > _SQUARE * size.min():
        return False
    full = shape.is_filled or (
        shape.is_stroked and size.max() <= shape.stroke_width
    )
    share = abs(signed_area(line)) / size.prod()
    small = size.max() <= max(_DOT * side, _DOT_WIDTHS * width)
    return bool(full and small and _ROUND[0] < share < _ROUND[1])


def join(
    pieces: Sequence[tuple[np.ndarray, bool]], tolerance: float
) -> Polylines:
    """Makes one stroke of pieces that begin where the last one ended.

    Args:
        pieces: points [n, 2], and whether they are closed in themselves, which
            is never joined.
        tolerance: how far apart touching ends may be.
    """
    joined: list[list[np.ndarray]] = []
    open_before = False
    for points, closed in pieces:
        begins = open_before and np.abs(joined[-1][-1][-1] - points[0]).max()
        if open_before and not closed and begins <= tolerance:
            joined[-1].append(points[1:])
        else:
            joined.append([points])
        open_before = not closed
    return [np.concatenate(parts) for parts in joined]


def _visible(
    shape: Shape, around: tuple[Region, ...]
) -> list[tuple[np.ndarray, bool]]:
    """The seen parts of a shape's outlines, and whether they are closed."""
    pieces = [(outline.points, outline.closed) for outline in shape.outlines]
    for region in (*shape.regions, *around):
        pieces = [
            (part, closed and part is points)
            for points, closed in pieces
            for part in _cut(points, closed, region, shape.stroke_width)
        ]
    return pieces


def _cut(
    points: np.ndarray, closed: bool, region: Region, width: float
) -> Polylines:
    parts = region.parts(points, width)
    if closed and len(parts) > 1 and (parts[0][0] == parts[-1][-1]).all():
        # Where a closed line begins, nobody sees.
        parts[0] = np.concatenate([parts.pop(), parts[0][1:]])
    return parts


def _on_canvas(
    shapes: list[Shape], scene: Scene
) -> tuple[list[Shape], tuple[Region, ...]]:
    """Those that lie on the canvas at least in part, and the canvas.

    If none does, the canvas means nothing.
    """
    if scene.canvas is None:
        return shapes, ()
    canvas = Region([Layer([rectangle(0.0, 0.0, *scene.canvas)])])
    inside = [
        shape
        for shape in shapes
        if canvas.shows(shape.lines, shape.is_filled, shape.fill_rule)
    ]
    return (inside, (canvas,)) if inside else (shapes, ())


def _page(shapes: list[Shape], scene: Scene) -> tuple[float, list[Shape]]:
    """The luminance of the paper, and the shapes without the page's own."""
    paper, others = scene.paper, list(shapes)
    while len(others) > 1 and _is_page(others[0], others[1:], scene):
        paper, others = others[0].fill.luminance, others[1:]
    return paper, others


def _is_page(shape: Shape, others: list[Shape], scene: Scene) -> bool:
    """Whether a shape is a filled rectangle behind everything."""
    if not shape.is_filled or len(shape.outlines) != 1:
        return False
    [line] = shape.lines
    low, high = line.min(axis=0), line.max(axis=0)
    size = high - low
    if abs(signed_area(line)) < _COVERS * size.prod():
        return False
    if scene.canvas is not None:
        corners = np.array([[0, 0], scene.canvas])
    else:
        points = np.concatenate([line for s in others for line in s.lines])
        corners = np.array([points.min(axis=0), points.max(axis=0)])
    slack = (1 - _COVERS) * (corners[1] - corners[0])
    return bool(
        (low <= corners[0] + slack).all() and (high >= corners[1] - slack).all()
    )


def _without_paper(
    shapes: list[Shape], paper: float, by_stroke: bool = False
) -> list[Shape]:
    """Those in another colour than the paper's; all, if none is."""
    other = [
        shape
        for shape in shapes
        if abs((shape.stroke if by_stroke else shape.fill).luminance - paper)
        > _SAME
    ]
    return other or shapes


def _longest_side(lines: Sequence[np.ndarray]) -> float:
    points = np.concatenate(lines)
    return float(np.ptp(points, axis=0).max())
