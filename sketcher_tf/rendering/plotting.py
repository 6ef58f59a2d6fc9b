"""Sketches for pen plotters, cutters and CAD: as strokes on a page of A4.

All formats have the same page: the sheet without its labels, as large as fits
in the middle, upright or across; x goes right and y up from its lower left
corner.
"""

from collections.abc import Iterator

import numpy as np

from sketcher_tf.rendering.layout import Grid, Sheet
from sketcher_tf.strokes import Polylines, bounds

_PAGE_MM = (210.0, 297.0)  # A4
_MARGIN_MM = 10.0
_CELL_PX = 96

_HPGL_UNITS_PER_MM = 40

# Slow enough for any pen, and high enough above any paper.
_GCODE_START = """\
; a page of {:g} x {:g} mm; the pen is up at Z5 and down at Z0
G21 ; millimetres
G90 ; absolute
G0 Z5"""
_GCODE_DOWN = "G1 Z0 F300"
_GCODE_UP = "G0 Z5"
_GCODE_DRAW = "F1500"  # mm per minute
_GCODE_END = ["G0 X0 Y0", "M2"]


def hpgl_of(rows: Sheet) -> bytes:
    """HP-GL: pen up and down, in steps of 0.025 mm."""
    commands = ["IN", "SP1"]
    for line in _on_page(rows)[0]:
        units = np.rint(line * _HPGL_UNITS_PER_MM).astype(int).tolist()
        first, *others = [f"{x},{y}" for x, y in units]
        commands += [f"PU{first}", f"PD{','.join(others)}"]
    return (";".join([*commands, "PU", "SP0"]) + ";\n").encode()


def gcode_of(rows: Sheet) -> bytes:
    """G-code in millimetres, for machines that lift the pen along z."""
    lines, page = _on_page(rows)
    commands = [_GCODE_START.format(*page)]
    for line in lines:
        first, *others = [f"X{x:.2f} Y{y:.2f}" for x, y in line.tolist()]
        drawn = [f"G1 {point} {_GCODE_DRAW}" for point in others]
        commands += [f"G0 {first}", _GCODE_DOWN, *drawn, _GCODE_UP]
    return ("\n".join([*commands, *_GCODE_END]) + "\n").encode()


def dxf_of(rows: Sheet) -> bytes:
    """DXF of release 12, which everything reads; one unit is 1 mm."""
    pairs = [(0, "SECTION"), (2, "HEADER"), (9, "$ACADVER"), (1, "AC1009")]
    pairs += [(0, "ENDSEC"), (0, "SECTION"), (2, "ENTITIES")]
    for line in _on_page(rows)[0]:
        pairs += _dxf_entities(line.tolist())
    pairs += [(0, "ENDSEC"), (0, "EOF")]
    return "".join(f"{code}\n{value}\n" for code, value in pairs).encode()


def _dxf_entities(points: list[list[float]]) -> Iterator[tuple[int, str]]:
    """Group codes and values of a stroke."""
    if len(points) == 1:
        yield from _dxf_entity("POINT", *points[0])
        return
    yield from _dxf_entity("POLYLINE", 0, 0)
    yield 66, "1"  # vertices follow
    for x, y in points:
        yield from _dxf_entity("VERTEX", x, y)
    yield from ((0, "SEQEND"), (8, "0"))


def _dxf_entity(kind: str, x: float, y: float) -> Iterator[tuple[int, str]]:
    yield from ((0, kind), (8, "0"))  # on the layer that always exists
    yield from ((10, f"{x:.3f}"), (20, f"{y:.3f}"), (30, "0.0"))


def _on_page(rows: Sheet) -> tuple[Polylines, tuple[float, float]]:
    """The strokes of a sheet in mm, [n, 2] each, and the page's two sides."""
    cells = Grid(rows, _CELL_PX).cells()
    lines = [line + cell.corner for cell in cells for line in cell.lines]
    low, high = bounds(lines)
    page = _PAGE_MM if (high - low)[0] <= (high - low)[1] else _PAGE_MM[::-1]
    room = np.subtract(page, 2 * _MARGIN_MM)
    scale = (room / np.maximum(high - low, 1)).min() * np.array([1, -1])
    centre, middle = (low + high) / 2, np.divide(page, 2)
    return [(line - centre) * scale + middle for line in lines], page
