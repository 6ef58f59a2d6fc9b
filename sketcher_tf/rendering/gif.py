"""Sketches being drawn, point by point, as animated GIFs."""

import io
import math
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from sketcher_tf.rendering.layout import (
    INK,
    PAPER,
    Cell,
    Drawable,
    Grid,
    Sheet,
    pen_dot,
)

_PEN_INK = (226, 72, 48)
_GREYS, _PEN_SHADES = 16, 8  # the palette of a GIF: paper to ink, then pens
_HOLD_MS = 2000
_MAX_FRAMES = 120
_MAX_PIXELS = 150e6  # of all frames together: Pillow holds them in memory


def gif_of_sketch(
    sketch: Drawable, size: int = 256, frame_ms: int = 40
) -> bytes:
    """One sketch being drawn, as the bytes of a GIF."""
    paper = Image.new("L", (size, size), PAPER)
    return _gif(paper, [Cell.of(sketch, size)], frame_ms)


def gif_of_sheet(rows: Sheet) -> bytes:
    """All sketches of a sheet being drawn at once."""
    grid = Grid(rows, 96)
    return _gif(grid.paper(), list(grid.cells()), 40)


def _gif(paper: Image.Image, cells: Sequence[Cell], frame_ms: int) -> bytes:
    longest = max((one.num_points for one in cells), default=0)
    affordable = int(_MAX_PIXELS / (paper.width * paper.height))
    stride = math.ceil(longest / min(_MAX_FRAMES, max(affordable, 8)))
    counts = [*range(stride, longest, stride), longest] if longest else []
    first, *others = _frames(paper, cells, counts)
    buffer = io.BytesIO()
    first.save(
        buffer,
        "GIF",
        save_all=True,
        append_images=others,
        duration=[frame_ms] * len(counts) + [_HOLD_MS],
        loop=0,
    )
    return buffer.getvalue()


def _frames(
    paper: Image.Image, cells: Sequence[Cell], counts: Sequence[int]
) -> Iterator[Image.Image]:
    """The sheet after each number of points, and once more without pens."""
    picture = paper.copy()
    shown = 0
    for count in counts:
        moving = [one for one in cells if one.num_points > shown]
        for one in moving:
            picture.paste(one.image(count), one.corner)
        frame = _indexed(picture)
        for one in moving:
            _put_pen(frame, one.pen(min(count, one.num_points)), one.size)
        yield frame
        shown = count
    yield _indexed(picture)


def _indexed(picture: Image.Image) -> Image.Image:
    """A grey picture as one of mode P, in the palette's shades of grey."""
    frame = picture.point(
        [
            round((PAPER - max(grey, INK)) / (PAPER - INK) * (_GREYS - 1))
            for grey in range(256)
        ]
    )
    frame.putpalette(_palette())
    return frame


def _palette() -> bytes:
    greys = np.linspace(PAPER, INK, _GREYS)[:, None].repeat(3, axis=1)
    shades = np.linspace((PAPER,) * 3, _PEN_INK, _PEN_SHADES + 1)[1:]
    return np.concatenate([greys, shades]).round().astype(np.uint8).tobytes()


def _put_pen(frame: Image.Image, at: tuple[int, int], size: int) -> None:
    mask = pen_dot(size)
    shades = [math.ceil(alpha / 255 * _PEN_SHADES) for alpha in range(256)]
    dot = mask.point([_GREYS - 1 + shade for shade in shades])
    covered = mask.point([0] + [255] * 255)
    corner = at[0] - mask.width // 2, at[1] - mask.height // 2
    frame.paste(dot, corner, covered)
