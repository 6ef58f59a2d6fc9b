"""Drawings as small grey images: X_r, what the image autoencoder sees.

NumPy and Pillow only. `draw_strokes` is the one place that puts ink on an
image; `sketcher_tf.rendering.save` draws its pictures with it as well.
"""

import io
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
    lines = [line for line in polylines if len(line)]
    if not lines:
        return np.zeros((size, size), np.uint8)
    unit = size / _REFERENCE_SIZE
    fitted = _fit(lines, size, _MARGIN * unit)
    return np.array(draw_strokes(fitted, size, _LINE_WIDTH * unit))


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
    canvas = Image.new("L", (size * SUPERSAMPLING, size * SUPERSAMPLING))
    draw = ImageDraw.Draw(canvas)
    # Pillow centres a line on its points only if its width is odd.
    radius = max(round((width * SUPERSAMPLING - 1) / 2), 0)
    for line in polylines:
        points = np.floor(line * SUPERSAMPLING).astype(int).tolist()
        draw.line([n for point in points for n in point], 255, 2 * radius + 1)
        for x, y in points:
            disc = (x - radius, y - radius, x + radius, y + radius)
            draw.ellipse(disc, 255)
    return canvas.reduce(SUPERSAMPLING)


def encode_png(image: np.ndarray) -> bytes:
    """A grey image, uint8 [height, width], as a PNG file, made for speed.

    Raises:
        ValueError: `image` is not uint8 [height, width].
    """
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ValueError(
            "a grey image must be uint8 [height, width]; received "
            f"{image.dtype} {image.shape}. Use rasterize, or scale to 0..255."
        )
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _fit(
    lines: Sequence[np.ndarray], size: float, margin: float
) -> list[np.ndarray]:
    # float64: in float32 a drawing far from the origin would lose its shape.
    points = np.concatenate(lines).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    longest = float((high - low).max())
    scale = (size - 2 * margin) / longest if longest else 0.0
    centre = (low + high) / 2
    return [(line - centre) * scale + size / 2 for line in lines]
