"""Sketches as data for other programs, and for pen plotters."""

import io
import json
from collections.abc import Sequence

import numpy as np

from sketcher_tf.rendering.layout import Drawable, Grid, Sheet
from sketcher_tf.rendering.ndjson import round_number
from sketcher_tf.strokes import (
    bounds,
    check_stroke3,
    polylines_to_stroke3,
    stroke3_to_polylines,
)

_HELD_OUT = 20  # one drawing in so many, each for valid and for test

# HP-GL counts in units of 0.025 mm; a cell of a sheet is 40 mm wide.
_UNITS_PER_PX = 40 / 96 / 0.025
_CELL_PX = 96


def npz_of(rows: Sheet) -> bytes:
    """Sketch-RNN's npz: int16 stroke-3 in `train`, `valid` and `test`.

    Points are rounded, not offsets, so that nothing drifts. Words are not part
    of this format.
    """
    drawings = [_int16(sketch) for sketch in _sketches(rows)]
    splits = {
        "valid": drawings[1::_HELD_OUT],
        "test": drawings[2::_HELD_OUT],
        "train": [
            one for i, one in enumerate(drawings) if i % _HELD_OUT not in (1, 2)
        ],
    }
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        **{
            name: np.fromiter(split, object, len(split))
            for name, split in splits.items()
        },
    )
    return buffer.getvalue()


def json_of(rows: Sheet) -> bytes:
    """A list of `{"word": ..., "polylines": [[[x, y], ...], ...]}`, pixels."""
    values = [
        {
            "word": sketch.category,
            "polylines": [
                [[round_number(x), round_number(y)] for x, y in line.tolist()]
                for line in stroke3_to_polylines(check_stroke3(sketch.stroke3))
            ],
        }
        for sketch in _sketches(rows)
    ]
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def hpgl_of(rows: Sheet) -> bytes:
    """The sheet as HP-GL, which pen plotters and cutters understand."""
    grid = Grid(rows, _CELL_PX)
    height = grid.size[1]
    commands = ["IN", "SP1"]
    for cell in grid.cells():
        for line in cell.lines:
            points = line + cell.corner
            points[:, 1] = height - points[:, 1]  # y goes up there
            units = np.rint(points * _UNITS_PER_PX).astype(int).tolist()
            first, *others = [f"{x},{y}" for x, y in units]
            commands += [f"PU{first}", f"PD{','.join(others)}"]
    return (";".join([*commands, "PU", "SP0"]) + ";\n").encode()


def _sketches(rows: Sheet) -> Sequence[Drawable]:
    return [sketch for row in rows.values() for sketch in row]


def _int16(sketch: Drawable) -> np.ndarray:
    lines = stroke3_to_polylines(check_stroke3(sketch.stroke3))
    low, _ = bounds(lines)
    whole = [np.rint(line - low) for line in lines]
    limit = np.iinfo(np.int16)
    return np.clip(polylines_to_stroke3(whole), limit.min, limit.max).astype(
        np.int16
    )
