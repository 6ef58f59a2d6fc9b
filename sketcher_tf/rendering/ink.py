"""Puts strokes on images: round pens, four subpixels per pixel and axis.

Lines one subpixel wide come first. A disc of the pen's size, put on each of
their subpixels, makes them a pen's; then the subpixels of each pixel are
counted. Both are done on words of 64 subpixels and on many drawings at once,
since every drawing of a set is drawn when it is prepared: half of all that is
done to it is this.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 4  # subpixels per pixel and axis; the counting relies on it
_WORD = 64
_AT_ONCE = 16  # drawings; more would not stay in the cache


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
    images = np.empty((len(strokes), size, size), np.uint8)
    thin = _thin(points, strokes, size, radius)
    for start in range(0, len(strokes), _AT_ONCE):
        bits = np.array(list(itertools.islice(thin, _AT_ONCE)))
        images[start : start + _AT_ONCE] = _count(
            _thicken(bits, radius), size, radius
        )
    return images


def _thin(
    points: np.ndarray, strokes: Sequence[np.ndarray], size: int, radius: int
) -> Iterator[np.ndarray]:
    """For each drawing lines a subpixel wide, a bit each, uint64 [rows, words].

    There is a margin of the pen's radius above and below, and more at the
    sides, so that what leaves a row there is seen in no other one.
    """
    rows = size * SUPERSAMPLING + 2 * radius
    left = _left(radius) - radius
    columns = -(-(left + rows) // _WORD) * _WORD
    canvas = np.zeros((rows, columns), np.uint8)
    image = Image.frombuffer("L", (columns, rows), canvas, "raw", "L", 0, 1)
    image.readonly = 0  # Pillow draws on the array itself, not on a copy
    # What ImageDraw calls: its own part would take as long as the drawing.
    draw = ImageDraw.Draw(image).draw
    corners = np.floor(points * SUPERSAMPLING) + np.array([left, radius])
    coordinates = corners.astype(int).ravel().tolist()
    start = 0
    for ends in strokes:
        canvas.fill(0)
        for end in (2 * ends).tolist():
            stroke = coordinates[start:end]
            if len(stroke) > 2:
                draw.draw_lines(stroke, 255, 1)
            else:
                draw.draw_points(stroke, 255)
            start = end
        bits = np.packbits(canvas.ravel(), bitorder="little").view("<u8")
        yield bits.reshape(rows, -1)


def _left(radius: int) -> int:
    """Subpixels left of the image, of whole pixels, when ink is thick."""
    return -(-2 * radius // SUPERSAMPLING) * SUPERSAMPLING


def _thicken(thin: np.ndarray, radius: int) -> np.ndarray:
    """Puts a disc on each bit, and moves all by the radius to the right.

    Returns:
        uint64 [D, rows without the margins, words].
    """
    rows = thin.shape[1] - 2 * radius
    thick = np.zeros((len(thin), rows, thin.shape[2]), np.uint64)
    run, length = thin, 1  # to the right of each bit
    # Rows of the disc, from its top to its middle, that are as wide.
    for half, same in itertools.groupby(
        range(radius + 1), lambda y: _half_chord(radius, radius - y)
    ):
        while length < 2 * half + 1:
            step = min(length, 2 * half + 1 - length)
            run = run | _moved(run, step)
            length += step
        chord = _moved(run, radius - half)
        above = set(same)
        for row in above | {2 * radius - y for y in above}:
            thick |= chord[:, row : row + rows]
    return thick


def _half_chord(radius: int, distance: int) -> int:
    """Of a disc, without the middle; the quarter rounds small ones off."""
    return int(np.sqrt((radius + 0.25) ** 2 - distance**2))


def _moved(bits: np.ndarray, columns: int) -> np.ndarray:
    """Moves bits to the right, from word to word and row to row."""
    if not columns:
        return bits
    whole, rest = divmod(columns, _WORD)
    words = bits.ravel()
    moved = np.zeros_like(words)
    kept = words[: len(words) - whole]
    np.left_shift(kept, np.uint64(rest), out=moved[whole:])
    if rest:
        moved[whole + 1 :] |= kept[:-1] >> np.uint64(_WORD - rest)
    return moved.reshape(bits.shape)


def _count(bits: np.ndarray, size: int, radius: int) -> np.ndarray:
    """The ink of each pixel: its share of the 4 x 4 bits, uint8.

    In words: bits are added up to pairs, pairs to fours, which are a pixel's
    of one row, and then four rows.
    """
    pairs = bits - (bits >> _ONE & _PAIRS)
    fours = (pairs & _FOURS) + (pairs >> _TWO & _FOURS)
    rows = np.moveaxis(fours.reshape(-1, SUPERSAMPLING, bits.shape[2]), 1, 0)
    counts = np.empty((rows.shape[1], 8 * bits.shape[2], 2), np.uint8)
    for i, shift in enumerate((_NONE, _FOUR)):
        a, b, c, d = (row >> shift & _BYTES for row in rows)
        counts[..., i] = (a + b + c + d).view(np.uint8)
    first = _left(radius) // SUPERSAMPLING
    counts = counts.reshape(len(bits), size, -1)[..., first : first + size]
    # 255 / 16 of the count, rounded; 16 times 16 is 0 here, and 0 - 1 is 255.
    return (counts << np.uint8(4)) - (counts > 8)


_NONE, _ONE, _TWO, _FOUR = map(np.uint64, (0, 1, 2, 4))
_PAIRS, _FOURS, _BYTES = (
    np.uint64(int(8 * digits, 16)) for digits in ("55", "33", "0f")
)
