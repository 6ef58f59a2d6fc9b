"""Puts strokes on images: round pens, four subpixels per pixel and axis.

Lines one subpixel wide come first. A disc of the pen's size, put on each of
their subpixels, makes them a pen's; then the subpixels of each pixel are
counted. Both are done on eight drawings at once, or bands of them, each of
which has a bit of its own in the byte of a subpixel: to move ink is to read
from another place, and to count is to add bits, all eight at a time. Every
drawing of a set is drawn when it is prepared, a third of all that is done to
it.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 4  # subpixels per pixel and axis; the counting relies on it
_BITS = 8  # of a subpixel


def draw_lines(
    points: np.ndarray, strokes: Sequence[np.ndarray], size: int, width: float
) -> np.ndarray:
    """Draws strokes with round caps and joins, anti-aliased.

    Args:
        points: of all drawings, one after the other, float64 [N, 2], in pixels
            of the image; what lies outside is cut off.
        strokes: for each drawing, where its strokes end in `points`, int [S].
        size: pixels per side.
        width: of the line, in pixels.

    Returns:
        uint8 [D, size, size], ink 255 on 0.
    """
    # A pen of an odd number of subpixels has a middle.
    radius = max(round((width * SUPERSAMPLING - 1) / 2), 0)
    # Fewer drawings than bits are cut into bands, each drawn by itself.
    bands = max(_BITS // max(len(strokes), 1), 1)
    height = -(-size // bands)
    corners = np.floor(points * SUPERSAMPLING).astype(int) + radius
    lines = _lines(corners, strokes, bands, height * SUPERSAMPLING)
    images = np.empty((len(strokes) * bands, height, size), np.uint8)
    for first in range(0, len(images), _BITS):
        some = images[first : first + _BITS]
        thin = _thin(itertools.islice(lines, len(some)), some.shape, radius)
        _count(_thicken(thin, radius), some)
    return images.reshape(len(strokes), -1, size)[:, :size]


def _lines(
    corners: np.ndarray,
    strokes: Sequence[np.ndarray],
    bands: int,
    height: int,
) -> Iterator[list[list[int]]]:
    """The strokes, [x, y, x, y, ...] in subpixels, of each drawing's bands."""
    shifted = [
        (corners - np.array([0, band * height])).ravel().tolist()
        for band in range(bands)
    ]
    start = 0
    for ends in strokes:
        limits = [start, *(2 * ends).tolist()]
        start = limits[-1]
        for coordinates in shifted:
            yield [coordinates[a:b] for a, b in itertools.pairwise(limits)]


def _thin(
    drawings: Iterable[list[list[int]]],
    shape: tuple[int, ...],
    radius: int,
) -> np.ndarray:
    """Lines a subpixel wide, of each drawing in a bit, uint8 [rows, columns].

    There is a margin of the pen's radius on all sides, and a row more, into
    which reading runs over.
    """
    rows, columns = (n * SUPERSAMPLING + 2 * radius for n in shape[1:])
    canvas = np.empty((rows + 1, columns), np.uint8)
    ink = np.zeros_like(canvas)
    image = Image.frombuffer("L", canvas.shape[::-1], canvas, "raw", "L", 0, 1)
    image.readonly = 0  # Pillow draws on the array itself, not on a copy
    # What ImageDraw calls: its own part would take as long as the drawing.
    draw = ImageDraw.Draw(image).draw
    for number, strokes in enumerate(drawings):
        canvas.fill(0)
        for stroke in strokes:
            if len(stroke) > 2:
                draw.draw_lines(stroke, 1 << number, 1)
            else:
                draw.draw_points(stroke, 1 << number)
        ink |= canvas
    return ink


def _thicken(thin: np.ndarray, radius: int) -> np.ndarray:
    """Puts a disc on each subpixel of `thin`.

    Returns:
        uint8 [rows without the margins, columns]: the image's columns, then
        others.
    """
    rows, columns = thin.shape[0] - 1 - 2 * radius, thin.shape[1]
    thick = np.zeros(rows * columns, np.uint8)
    run, length = thin.ravel(), 1  # the ink of so many, from each on
    # Rows of the disc, from its top to its middle, that are as wide.
    for half, same in itertools.groupby(
        range(radius + 1), lambda y: _half_chord(radius, radius - y)
    ):
        while length < 2 * half + 1:
            step = min(length, 2 * half + 1 - length)
            run = run[:-step] | run[step:]
            length += step
        above = set(same)
        for row in above | {2 * radius - y for y in above}:
            start = row * columns + radius - half
            thick |= run[start : start + len(thick)]
    return thick.reshape(rows, columns)


def _half_chord(radius: int, distance: int) -> int:
    """Of a disc, without the middle; the quarter rounds small ones off."""
    return int(np.sqrt((radius + 0.25) ** 2 - distance**2))


def _count(thick: np.ndarray, images: np.ndarray) -> None:
    """Fills `images`, uint8 [D, h, w], with the ink of each pixel.

    That is its share of the 4 x 4 subpixels.
    """
    _, height, width = images.shape
    digits = [thick]  # of two rows' sum, of four, of two columns', of all 16
    for _ in range(2):
        digits = _sum([d[::2] for d in digits], [d[1::2] for d in digits])
    digits = [d.ravel() for d in digits]
    for step in (1, 2):
        digits = _sum([d[:-step] for d in digits], [d[step:] for d in digits])
    of_pixels = np.zeros((_BITS, -(-height * width // 8) * 8), np.uint8)
    for row, digit in zip(of_pixels, digits, strict=False):
        row[: height * width].reshape(height, width)[:] = np.ndarray(
            (height, width),
            np.uint8,
            digit,
            strides=(thick.shape[1], SUPERSAMPLING),
        )
    _transpose(of_pixels)
    counts = of_pixels[: len(images), : height * width].reshape(images.shape)
    # 255 / 16 of the count, rounded; 16 times 16 is 0, and 0 - 1 is 255.
    np.subtract(counts * np.uint8(16), counts > 8, out=images)


def _sum(
    some: Sequence[np.ndarray], others: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Adds numbers by their binary digits, the lowest first.

    Each bit of the arrays is a digit of a number of its own.
    """
    digits, carry = [some[0] ^ others[0]], some[0] & others[0]
    for a, b in zip(some[1:], others[1:], strict=True):
        half = a ^ b
        digits.append(half ^ carry)
        carry = a & b | half & carry
    return [*digits, carry]


def _transpose(digits: np.ndarray) -> None:
    """Makes bit i of byte [j, n] bit j of byte [i, n], in uint8 [8, N]."""
    words = digits.view(np.uint64)
    for step, low_bits in ((4, 0x0F), (2, 0x33), (1, 0x55)):
        pairs = words.reshape(-1, 2, step, words.shape[1])
        low, high = pairs[:, 0], pairs[:, 1]
        mask = np.uint64(0x0101010101010101 * low_bits)
        changed = (low >> np.uint64(step) ^ high) & mask
        high ^= changed
        low ^= changed << np.uint64(step)
