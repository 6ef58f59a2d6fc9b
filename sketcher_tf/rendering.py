"""Sketches as pictures and files: SVG, PNG, GIF and Quick, Draw! ndjson.

A *sheet* is a labelled grid, given as row label -> sketches. Every sketch is
scaled to fill its cell, so that sketches of any scale can be compared; on a
sheet a small grey corner marks one that was cut off before its end.

NumPy and Pillow only, so that a client can draw what a server sent.
"""

import hashlib
import io
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from sketcher_tf.layout import (
    INK,
    LABEL_INK,
    MARK_INK,
    PAPER,
    Cell,
    Grid,
    Sheet,
    line_width,
    pen_dot,
    unfinished_mark,
)
from sketcher_tf.strokes import (
    Sketch,
    bounds,
    check_stroke3,
    stroke3_to_polylines,
)

_PEN_INK = (226, 72, 48)
_GREYS, _PEN_SHADES = 16, 8  # the palette of a GIF: paper to ink, then pens
_HOLD_MS = 2000
_MAX_FRAMES = 120
_MAX_PIXELS = 150e6  # of all frames together: Pillow holds them in memory


def to_svg(sketch: Sketch, size: int = 256) -> str:
    """A sketch as an SVG document: one `<path>` per stroke, nothing else.

    The paper is a style and not a shape, so that who reads the strokes back
    finds the strokes only. A stroke of one point is drawn as a dot.
    """
    title = f"<title>{_xml(sketch.category)}</title>\n"
    strokes = _svg_strokes(Cell.of(sketch, size))
    return _svg_document(
        size, size, (title if sketch.category else "") + strokes
    )


def to_png(sketch: Sketch, size: int = 256) -> Image.Image:
    """A sketch as a grey image [size, size], dark on white, anti-aliased."""
    cell = Cell.of(sketch, size)
    return cell.image(cell.num_points)


def to_gif(
    sketch: Sketch, path: Path, *, size: int = 256, frame_ms: int = 40
) -> None:
    """Writes a sketch being drawn, point by point, as a GIF that repeats.

    A red dot is the pen. The last picture, without it, stays for 2 seconds.
    A drawing of more than 120 points shows several points per picture.

    Args:
        sketch: what to draw.
        path: of the file; missing folders are made.
        size: pixels per side.
        frame_ms: how long each picture stays; GIF counts in steps of 10 ms.
    """
    _write(Path(path), _gif_of_sketch(sketch, size, frame_ms))


def to_ndjson(sketch: Sketch, key_id: str | None = None) -> str:
    """A sketch as a row of Quick, Draw!'s simplified format, without newline.

    The drawing is moved so that its least x and y are 0. Coordinates are
    rounded to 2 decimals and whole ones have none: a drawing of Quick, Draw!
    keeps its integers, any other loses at most 0.005 pixels, and reading a
    row and writing it again gives the same row. `recognized` is always true,
    because readers use to drop all other rows.

    Args:
        sketch: what to write; `category` is the word.
        key_id: the key of the row; by default a number made from word and
            points, so that equal rows have equal keys.
    """
    lines = stroke3_to_polylines(check_stroke3(sketch.stroke3))
    low, _ = bounds(lines)
    drawing = [
        [[_number(value) for value in axis] for axis in (line - low).T.tolist()]
        for line in lines
    ]
    row = {
        "word": sketch.category,
        "recognized": True,
        "key_id": key_id or _key(sketch.category, drawing),
        "drawing": drawing,
    }
    return json.dumps(row, separators=(",", ":"))


def sheet_svg(rows: Sheet, *, cell: int = 96) -> str:
    """A labelled grid of sketches as an SVG document."""
    grid = Grid(rows, cell)
    texts = [
        f'<text x="{x}" y="{y}" dy=".35em">{_xml(label)}</text>'
        for label, (x, y) in grid.labels()
    ]
    head = (
        f'<g font-family="sans-serif" font-size="{grid.font_size}" '
        f'text-anchor="end" fill="{_hex(LABEL_INK)}">'
    )
    cells = map(_svg_cell, grid.cells())
    return _svg_document(*grid.size, "\n".join([head, *texts, "</g>", *cells]))


def sheet_png(rows: Sheet, *, cell: int = 96) -> Image.Image:
    """A labelled grid of sketches as a grey image."""
    grid = Grid(rows, cell)
    picture = grid.paper()
    for one in grid.cells():
        picture.paste(one.image(one.num_points), one.corner)
    return picture


def save(sketches: Sheet, path: Path, *, separate: bool = False) -> list[Path]:
    """Writes sketches in the format that the file name's ending says.

    A single sketch is drawn alone, several as a sheet; `.ndjson` has a row
    each. A file appears complete or not at all.

    Args:
        sketches: label -> sketches. The label is also the word of a sketch
            that has no category.
        path: ends in .png, .svg, .gif or .ndjson; missing folders are made.
        separate: write one file per sketch, `stem-label-n.ending`, n from 1.

    Returns:
        The files written.

    Raises:
        ValueError: another ending.
    """
    path = Path(path)
    encode = encoder(path)
    named = {
        label: [replace(s, category=s.category or label) for s in row]
        for label, row in sketches.items()
    }
    files = _one_file_each(named, path) if separate else {path: named}
    for file, rows in files.items():
        _write(file, encode(rows))
    return list(files)


def _one_file_each(rows: Sheet, path: Path) -> dict[Path, Sheet]:
    files = {}
    # Counted by what a file system may take for the same name.
    counts = Counter()
    for label, sketches in rows.items():
        name = re.sub(r"[^\w.=-]+", "_", label).strip("_")[:40] or "sketch"
        for sketch in sketches:
            counts[name.casefold()] += 1
            stem = f"{path.stem}-{name}-{counts[name.casefold()]}"
            files[path.with_name(stem + path.suffix)] = {label: [sketch]}
    return files


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _only(rows: Sheet) -> Sketch | None:
    """The sketch, if there is just one."""
    sketches = [sketch for row in rows.values() for sketch in row]
    return sketches[0] if len(sketches) == 1 else None


def _encode_svg(rows: Sheet) -> bytes:
    only = _only(rows)
    return (to_svg(only) if only else sheet_svg(rows)).encode()


def _encode_png(rows: Sheet) -> bytes:
    only = _only(rows)
    buffer = io.BytesIO()
    (to_png(only) if only else sheet_png(rows)).save(buffer, "PNG")
    return buffer.getvalue()


def _encode_gif(rows: Sheet) -> bytes:
    only = _only(rows)
    return _gif_of_sketch(only) if only else _gif_of_sheet(rows)


def _encode_ndjson(rows: Sheet) -> bytes:
    lines = [to_ndjson(sketch) for row in rows.values() for sketch in row]
    return "".join(line + "\n" for line in lines).encode()


_ENCODERS = {
    ".gif": _encode_gif,
    ".ndjson": _encode_ndjson,
    ".png": _encode_png,
    ".svg": _encode_svg,
}


def encoder(path: Path) -> Callable[[Sheet], bytes]:
    """How a file with the ending of `path` is written.

    Raises:
        ValueError: no format has that ending.
    """
    encode = _ENCODERS.get(path.suffix.lower())
    if encode is None:
        raise ValueError(
            "the file name must end in one of "
            f"{', '.join(sorted(_ENCODERS))}; received {path.name!r}. "
            "Name the file for example sketches.png."
        )
    return encode


def _gif_of_sketch(
    sketch: Sketch, size: int = 256, frame_ms: int = 40
) -> bytes:
    paper = Image.new("L", (size, size), PAPER)
    return _gif(paper, [Cell.of(sketch, size)], frame_ms)


def _gif_of_sheet(rows: Sheet) -> bytes:
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


def _svg_document(width: int, height: int, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" '
        f'style="background:#fff">\n{content}\n</svg>\n'
    )


def _svg_cell(cell: Cell) -> str:
    x, y = cell.corner
    mark = ""
    if cell.marked:
        points = " ".join(f"{x},{y}" for x, y in unfinished_mark(cell.size))
        mark = f'<polygon points="{points}" fill="{_hex(MARK_INK)}"/>\n'
    strokes = _svg_strokes(cell)
    return f'<g transform="translate({x} {y})">\n{mark}{strokes}\n</g>'


def _svg_strokes(cell: Cell) -> str:
    width = _number(line_width(cell.size))
    head = (
        f'<g fill="none" stroke="{_hex(INK)}" stroke-width="{width}" '
        'stroke-linecap="round" stroke-linejoin="round">'
    )
    paths = [f'<path d="{_svg_path(line)}"/>' for line in cell.lines]
    return "\n".join([head, *paths, "</g>"])


def _svg_path(line: np.ndarray) -> str:
    points = [f"{_number(x)} {_number(y)}" for x, y in line.tolist()]
    # A path needs a segment, be it of length 0, to get its round caps.
    return f"M{points[0]}L{' '.join(points[1:] or points)}"


def _hex(grey: int) -> str:
    return f"#{grey:02x}{grey:02x}{grey:02x}"


def _xml(text: str) -> str:
    """Escaped; a control character, which XML cannot hold, becomes a space."""
    return escape(re.sub(r"[\0-\x1f\ud800-\udfff\ufffe\uffff]", " ", text))


def _number(value: float) -> int | float:
    """Rounded to 2 decimals; an int if they are 0."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def _key(word: str, drawing: list) -> str:
    content = json.dumps([word, drawing]).encode()
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return f"{int.from_bytes(digest) % 10**16:016d}"
