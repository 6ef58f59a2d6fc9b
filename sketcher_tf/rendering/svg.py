"""Sketches as SVG documents: strokes as paths, on paper that is a style."""

import re
from xml.sax.saxutils import escape

import numpy as np

from sketcher_tf.rendering.layout import (
    INK,
    LABEL_INK,
    MARK_INK,
    Cell,
    Drawable,
    Grid,
    Sheet,
    line_width,
    unfinished_mark,
)
from sketcher_tf.rendering.ndjson import round_number

_DRAWING_S = 2.0  # with the pen on the paper
_LIFTED_S = 0.1


def to_svg(sketch: Drawable, size: int = 256) -> str:
    """A sketch as an SVG document: one `<path>` per stroke, nothing else.

    The paper is a style and not a shape, so that who reads the strokes back
    finds the strokes only. A stroke of one point is drawn as a dot.
    """
    title = f"<title>{_xml(sketch.category)}</title>\n"
    strokes = _svg_strokes(Cell.of(sketch, size))
    return _svg_document(
        size, size, (title if sketch.category else "") + strokes
    )


def animated_svg(sketch: Drawable, size: int = 256) -> str:
    """A sketch that draws itself, in its own time: 2 seconds and a bit.

    Style sheets do it, so any browser shows it, and a program that knows none
    sees the finished drawing.
    """
    cell = Cell.of(sketch, size)
    inks = [
        float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in cell.lines
    ]
    pace = _DRAWING_S / max(sum(inks), 1.0)
    paths, begin = [], 0.0
    for line, ink in zip(cell.lines, inks, strict=True):
        paths.append(
            f'<path d="{_svg_path(line)}" pathLength="1" style="'
            f"animation-delay:{begin:.2f}s;"
            f'animation-duration:{ink * pace:.2f}s"/>'
        )
        begin += ink * pace + _LIFTED_S
    width = round_number(line_width(size))
    head = (
        "<style>path{stroke-dasharray:1 2;animation:draw linear both}"
        "@keyframes draw{from{stroke-dashoffset:1;visibility:hidden}"
        "1%{visibility:visible}to{stroke-dashoffset:0}}</style>\n"
        f'<g fill="none" stroke="{_hex(INK)}" stroke-width="{width}" '
        'stroke-linecap="round" stroke-linejoin="round">'
    )
    return _svg_document(size, size, "\n".join([head, *paths, "</g>"]))


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
    width = round_number(line_width(cell.size))
    head = (
        f'<g fill="none" stroke="{_hex(INK)}" stroke-width="{width}" '
        'stroke-linecap="round" stroke-linejoin="round">'
    )
    paths = [f'<path d="{_svg_path(line)}"/>' for line in cell.lines]
    return "\n".join([head, *paths, "</g>"])


def _svg_path(line: np.ndarray) -> str:
    points = [f"{round_number(x)} {round_number(y)}" for x, y in line.tolist()]
    # A path needs a segment, be it of length 0, to get its round caps.
    return f"M{points[0]}L{' '.join(points[1:] or points)}"


def _hex(grey: int) -> str:
    return f"#{grey:02x}{grey:02x}{grey:02x}"


def _xml(text: str) -> str:
    """Escaped; a control character, which XML cannot hold, becomes a space."""
    return escape(re.sub(r"[\0-\x1f\ud800-\udfff\ufffe\uffff]", " ", text))
