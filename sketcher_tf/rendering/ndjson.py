"""Sketches as rows of Quick, Draw!'s simplified format."""

import hashlib
import json

from sketcher_tf.rendering.layout import Drawable
from sketcher_tf.strokes import (
    bounds,
    check_stroke3,
    stroke3_to_polylines,
)


def to_ndjson(sketch: Drawable, key_id: str | None = None) -> str:
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
        [
            [round_number(value) for value in axis]
            for axis in (line - low).T.tolist()
        ]
        for line in lines
    ]
    row = {
        "word": sketch.category,
        "recognized": True,
        "key_id": key_id or _key(sketch.category, drawing),
        "drawing": drawing,
    }
    return json.dumps(row, separators=(",", ":"))


def round_number(value: float) -> int | float:
    """Rounded to 2 decimals; an int if they are 0."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def _key(word: str, drawing: list) -> str:
    content = json.dumps([word, drawing]).encode()
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return f"{int.from_bytes(digest) % 10**16:016d}"
