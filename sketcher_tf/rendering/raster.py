"""Drawings as small grey images: X_r, what the image autoencoder sees.

NumPy and Pillow only.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from sketcher_tf.rendering.ink import draw_lines

_Lines = tuple[np.ndarray, np.ndarray]
"""All points of a drawing, [N, 2], and where each stroke ends, [S]."""

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
    return rasterize_all([polylines], size)[0]


def rasterize_all(
    drawings: Sequence[Sequence[np.ndarray]], size: int
) -> np.ndarray:
    """`rasterize` of each drawing's polylines, uint8 [D, size, size]."""
    return _rasterize([_joined(polylines) for polylines in drawings], size)


def rasterize_stroke3(
    drawings: Sequence[np.ndarray], size: int = 64
) -> np.ndarray:
    """`rasterize_all` of offsets, [N, 3], without cutting them into strokes."""
    return _rasterize([_absolute(stroke3) for stroke3 in drawings], size)


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
    points, ends = _joined(polylines)
    return Image.fromarray(draw_lines(points, [ends], size, width)[0])


def _absolute(stroke3: np.ndarray) -> _Lines:
    # As `cumsum` and `flatnonzero`, which take longer to find that out.
    points = np.add.accumulate(stroke3[:, :2], axis=0, dtype=np.float32)
    ends = stroke3[:, 2].nonzero()[0] + 1
    if len(stroke3) and not stroke3[-1, 2]:
        ends = np.append(ends, len(stroke3))
    return points, ends


def _joined(polylines: Sequence[np.ndarray]) -> _Lines:
    lines = [line for line in polylines if len(line)]
    points = np.concatenate(lines) if lines else np.zeros((0, 2))
    return points, np.cumsum([len(line) for line in lines], dtype=int)


def _rasterize(drawings: Sequence[_Lines], size: int) -> np.ndarray:
    """All at once: NumPy's cost is per call."""
    counts = np.array([len(points) for points, _ in drawings], int)
    starts = np.cumsum(counts) - counts
    points = np.concatenate([np.zeros((0, 2)), *(p for p, _ in drawings)])
    unit = size / _REFERENCE_SIZE
    return draw_lines(
        _fit(points, counts, starts, size, _MARGIN * unit),
        [
            start + ends
            for start, (_, ends) in zip(starts, drawings, strict=True)
        ],
        size,
        _LINE_WIDTH * unit,
    )


def _fit(
    points: np.ndarray,
    counts: np.ndarray,
    starts: np.ndarray,
    size: float,
    margin: float,
) -> np.ndarray:
    """Fits each drawing, `counts` points from `starts` on, into the image.

    In float64: in float32 a drawing far from the origin would lose its shape.
    """
    inked = counts > 0
    low, high = (
        bound.reduceat(points, starts[inked]) if inked.any() else points
        for bound in (np.minimum, np.maximum)
    )
    longest = (high - low).max(axis=1)
    scale = np.divide(
        size - 2 * margin,
        longest,
        out=np.zeros_like(longest),
        where=longest > 0,
    )
    low, high, scale = (
        np.repeat(each, counts[inked], axis=0) for each in (low, high, scale)
    )
    return (points - (low + high) / 2) * scale[:, None] + size / 2
