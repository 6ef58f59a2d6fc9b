"""Writes sketches in the format that a file name's ending says."""

import io
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from sketcher_tf.files import write_bytes
from sketcher_tf.rendering.exchange import json_of, npz_of
from sketcher_tf.rendering.gif import gif_of_sheet, gif_of_sketch
from sketcher_tf.rendering.layout import Cell, Drawable, Grid, Sheet
from sketcher_tf.rendering.ndjson import to_ndjson
from sketcher_tf.rendering.plotting import dxf_of, gcode_of, hpgl_of
from sketcher_tf.rendering.svg import animated_svg, sheet_svg, to_svg


class _Named(NamedTuple):
    """A sketch with a category."""

    stroke3: np.ndarray
    category: str
    finished: bool


def to_png(sketch: Drawable, size: int = 256) -> Image.Image:
    """A sketch as a grey image [size, size], dark on white, anti-aliased."""
    cell = Cell.of(sketch, size)
    return cell.image(cell.num_points)


def to_gif(
    sketch: Drawable, path: Path, *, size: int = 256, frame_ms: int = 40
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
    write_bytes(Path(path), gif_of_sketch(sketch, size, frame_ms))


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
        path: ends in .png, .svg, .animated.svg, .gif, .ndjson, .json, .npz,
            .hpgl, .gcode or .dxf; missing folders are made.
        separate: write one file per sketch, `stem-label-n.ending`, n from 1.

    Returns:
        The files written.

    Raises:
        ValueError: another ending.
    """
    path = Path(path)
    encode = encoder(path)
    named = {
        label: [_Named(s.stroke3, s.category or label, s.finished) for s in row]
        for label, row in sketches.items()
    }
    files = _one_file_each(named, path) if separate else {path: named}
    for file, rows in files.items():
        write_bytes(file, encode(rows))
    return list(files)


def _one_file_each(rows: Sheet, path: Path) -> dict[Path, Sheet]:
    files: dict[Path, Sheet] = {}
    # Counted by what a file system may take for the same name.
    counts: Counter[str] = Counter()
    for label, sketches in rows.items():
        name = re.sub(r"[^\w.=-]+", "_", label).strip("_")[:40] or "sketch"
        for sketch in sketches:
            counts[name.casefold()] += 1
            ending = path.name[-len(_ending(path)) :] if path.suffix else ""
            stem = path.name.removesuffix(ending)
            stem = f"{stem}-{name}-{counts[name.casefold()]}"
            files[path.with_name(stem + ending)] = {label: [sketch]}
    return files


def _only(rows: Sheet) -> Drawable | None:
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
    return gif_of_sketch(only) if only else gif_of_sheet(rows)


def _encode_ndjson(rows: Sheet) -> bytes:
    lines = [to_ndjson(sketch) for row in rows.values() for sketch in row]
    return "".join(line + "\n" for line in lines).encode()


def _encode_animated_svg(rows: Sheet) -> bytes:
    only = _only(rows)
    if only is None:
        raise ValueError(
            "an animated SVG shows one sketch; received "
            f"{sum(map(len, rows.values()))}. Draw one, give --separate, or "
            "write a .gif."
        )
    return animated_svg(only).encode()


_ANIMATED = ".animated.svg"
_ENCODERS = {
    _ANIMATED: _encode_animated_svg,
    ".dxf": dxf_of,
    ".gcode": gcode_of,
    ".gif": _encode_gif,
    ".hpgl": hpgl_of,
    ".json": json_of,
    ".ndjson": _encode_ndjson,
    ".npz": npz_of,
    ".png": _encode_png,
    ".svg": _encode_svg,
}


def _ending(path: Path) -> str:
    name = path.name.lower()
    return _ANIMATED if name.endswith(_ANIMATED) else path.suffix.lower()


def encoder(path: Path) -> Callable[[Sheet], bytes]:
    """How a file with the ending of `path` is written.

    Raises:
        ValueError: no format has that ending.
    """
    encode = _ENCODERS.get(_ending(path))
    if encode is None:
        raise ValueError(
            "the file name must end in one of "
            f"{', '.join(sorted(_ENCODERS))}; received {path.name!r}. "
            "Name the file for example sketches.png."
        )
    return encode
