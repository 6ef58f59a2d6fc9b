"""Drawings as small grey images: X_r, what the image autoencoder sees.

NumPy and Pillow only. `draw_strokes` is the one place that puts ink on an
image; `sketcher_tf.rendering.save` draws its pictures with it as well.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 4  # subpixels per pixel and axis

_REFERENCE_SIZE = 64
_LINE_WIDTH = 2.25  # pixels of the reference size
# Pixels of the reference size. Half a subpixel more than a whole number, so
# that the outermost points, which every drawing has, are not on the border of
# two subpixels, where rounding errors would decide.
_MARGIN = 3.125


def rasterize(polylines: Sequence[np.ndarray], size: int = 64) -> np.ndarray:
    """Draws a drawing as large as fits, whatever its place and scale.

    The longest side, with a margin of a twentieth, fills the image; the
    drawing is centred. Order and direction of the strokes do not matter.

    Args:
        polylines: absolute points, [n, 2] each, y downwards, in any unit.
        size: pixels per side.

    Returns:
        uint8 [size, size], ink 255 on 0, anti-aliased. A drawing that is a
        single point is a dot in the middle, an empty one is all zeros.
    """
    return np.array(_fitted(*_joined(polylines), size))


def rasterize_stroke3(stroke3: np.ndarray, size: int = 64) -> np.ndarray:
    """`rasterize` of offsets, [N, 3], without cutting them into strokes."""
    points = np.cumsum(stroke3[:, :2], axis=0, dtype=np.float32)
    ends = np.flatnonzero(stroke3[:, 2]) + 1
    if len(stroke3) and not stroke3[-1, 2]:
        ends = np.append(ends, len(stroke3))
    lengths = np.diff(ends, prepend=0).tolist()
    return np.array(_fitted(points.astype(np.float64), lengths, size))


def rasterize_all(
    drawings: Sequence[Sequence[np.ndarray]], size: int
) -> np.ndarray:
    """`rasterize` of each drawing's polylines, uint8 [D, size, size]."""
    images = [rasterize(polylines, size) for polylines in drawings]
    return np.array(images, np.uint8).reshape(-1, size, size)


def draw_strokes(
    polylines: Sequence[np.ndarray], size: int, width: float
) -> Image.Image:
    """Draws strokes with round caps and joins, anti-aliased.

    Args:
        polylines: points in pixels of the image, [n, 2] each; a stroke of one
            point is a dot. What lies outside is cut off.
        size: pixels per side.
        width: of the line, in pixels.

    Returns:
        An image of mode L, ink 255 on 0: a mask to paint through.
    """
    return _draw(*_joined(polylines), size, width)


def _joined(
    polylines: Sequence[np.ndarray],
) -> tuple[np.ndarray, list[int]]:
    """All points in one array, float64 [N, 2], and how many per stroke."""
    lines = [line for line in polylines if len(line)]
    points = np.concatenate(lines) if lines else np.zeros((0, 2))
    # float64: in float32 a drawing far from the origin would lose its shape.
    return points.astype(np.float64), [len(line) for line in lines]


def _fitted(
    points: np.ndarray, lengths: Sequence[int], size: int
) -> Image.Image:
    if not len(points):
        return Image.new("L", (size, size))
    unit = size / _REFERENCE_SIZE
    placed = _fit(points, size, _MARGIN * unit)
    return _draw(placed, lengths, size, _LINE_WIDTH * unit)


def _fit(points: np.ndarray, size: float, margin: float) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    longest = float((high - low).max())
    scale = (size - 2 * margin) / longest if longest else 0.0
    return (points - (low + high) / 2) * scale + size / 2


def _draw(
    points: np.ndarray, lengths: Sequence[int], size: int, width: float
) -> Image.Image:
    side = size * SUPERSAMPLING
    canvas = Image.new("L", (side, side))
    # What ImageDraw calls: its own part would take as long as the drawing.
    draw = ImageDraw.Draw(canvas).draw
    # Pillow centres a line on its points only if its width is odd.
    radius = max(round((width * SUPERSAMPLING - 1) / 2), 0)
    corners = np.floor(points * SUPERSAMPLING).astype(int)
    coordinates = corners.ravel().tolist()
    ends = (2 * np.cumsum(lengths, dtype=int)).tolist()
    for start, end in itertools.pairwise([0, *ends]):
        draw.draw_lines(coordinates[start:end], 255, 2 * radius + 1)
    discs = np.concatenate([corners - radius, corners + radius], axis=1)
    for disc in discs.tolist():
        draw.draw_ellipse(disc, 255, 1)
    return canvas.reduce(SUPERSAMPLING)
