"""Sketches as data for other programs."""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from sketcher_tf.rendering.layout import Drawable, Sheet
from sketcher_tf.rendering.ndjson import round_number
from sketcher_tf.strokes import (
    bounds,
    check_stroke3,
    polylines_to_stroke3,
    stroke3_to_polylines,
)

_HELD_OUT = 20  # one drawing in so many, each for valid and for test


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
    arrays: dict[str, Any] = {
        name: np.fromiter(split, object, len(split))
        for name, split in splits.items()
    }
    np.savez_compressed(buffer, **arrays)
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
