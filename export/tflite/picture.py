"""The picture of a drawing that `encode` sees.

A pixel is as dark as it is near to a line: in the browser and on a phone this
gives the very same numbers, which no canvas does. From what `rasterize` draws
for the training it differs by a twentieth of the grey of a line's pixels, and
so the code of the picture by a twentieth of its length. NumPy only.
"""

from collections.abc import Sequence

import numpy as np

# In pixels of a picture of 64 per side: as dark as what `rasterize` draws.
_REFERENCE_SIZE = 64
_RADIUS = 1.14
_MARGIN = 3.125


def picture(polylines: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Draws a drawing as large as fits, whatever its place and scale.

    Args:
        polylines: absolute points, [n, 2] each, y downwards, in any unit.
        size: pixels per side.

    Returns:
        float32 [size, size], ink 1 on 0.
    """
    unit = size / _REFERENCE_SIZE
    ink = np.zeros((size, size))
    for line in _fit(polylines, size, _MARGIN * unit):
        for i, stop in enumerate(line):
            _draw(ink, line[max(i - 1, 0)], stop, _RADIUS * unit)
    return ink.astype(np.float32)


def _fit(
    polylines: Sequence[np.ndarray], size: int, margin: float
) -> list[np.ndarray]:
    """The longest side, without the margin, fills the picture."""
    points = np.concatenate(polylines).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    longest = (high - low).max()
    scale = (size - 2 * margin) / longest if longest else 0.0
    middle = (low + high) / 2
    return [(line - middle) * scale + size / 2 for line in polylines]


def _draw(
    ink: np.ndarray, start: np.ndarray, stop: np.ndarray, radius: float
) -> None:
    """Darkens the pixels around a part of a line."""
    # A pixel is grey where its middle is within half a pixel of the rim.
    reach = radius + 0.5
    low = np.maximum(np.floor(np.minimum(start, stop) - reach), 0)
    high = np.minimum(np.ceil(np.maximum(start, stop) + reach), len(ink))
    (left, top), (right, bottom) = low.astype(int), high.astype(int)
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    way = stop - start
    square = (way**2).sum()
    along = (x - start[0]) * way[0] + (y - start[1]) * way[1]
    share = np.clip(along / square, 0, 1) if square else 0 * along
    distance = np.hypot(
        x - start[0] - share * way[0], y - start[1] - share * way[1]
    )
    part = ink[top:bottom, left:right]
    np.maximum(part, np.clip(reach - distance, 0, 1), out=part)
