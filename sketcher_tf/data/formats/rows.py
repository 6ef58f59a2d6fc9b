"""A drawing as a value of JSON, in the forms that people have it.

- Quick, Draw!'s: `{"word": ..., "drawing": [[[x, ...], [y, ...]], ...]}`, raw
  with a third list of times;
- `{"word": ..., "polylines": [[[x, y], ...], ...]}`, or points in `drawing`
  where they cannot be anything else;
- strokes as objects: `{"x": [...], "y": [...]}`, `{"points": [{"x", "y"}]}`;
  `strokes` in place of `drawing`;
- lists of any of them, bare or under a name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.strokes import Polylines

_LISTS = ("drawings", "rows", "data", "sketches")  # names for lists of rows
_DRAWINGS = ("drawing", "polylines", "strokes")  # and for one

# Of other programs' files -> what to do with them.
_FOREIGN = {
    "excalidraw": "an Excalidraw scene; export it as SVG",
    "excalidrawlib": "an Excalidraw library; export its items as SVG",
    "FeatureCollection": "a GeoJSON map; it holds no drawings",
}


def rows_of(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """The rows in a value of JSON, each with its place.

    A row is an object, or a bare drawing; `parse_row` reads it.

    Raises:
        BadDrawingError: there are none in it.
    """
    if isinstance(value, dict):
        name = next((n for n in _LISTS if isinstance(value.get(n), list)), None)
        if name is None or any(key in value for key in _DRAWINGS):
            yield where, value
        else:
            yield from rows_of(value[name], f"{where}:{name}")
    elif _depth(value) >= 4 or _holds_rows(value):
        for i, row in enumerate(value):
            yield f"{where}[{i}]", row
    else:
        yield where, value


def parse_row(row: Any, where: str, category: str, intake: Intake) -> Drawing:
    """Reads one row.

    Args:
        row: of `rows_of`.
        where: its place, for the error.
        category: for rows without `word`, or for all.
        intake: makes it a drawing.

    Raises:
        BadDrawingError: it is no drawing that can be used.
    """
    word, key = category, ""
    drawing, points = row, False
    if isinstance(row, dict):
        name = next((n for n in _DRAWINGS if n in row), "")
        drawing, points = row.get(name), name == "polylines"
        key = str(row.get("key_id") or "")
        if not intake.rules.relabel:
            word = row.get("word", category)
    if not isinstance(drawing, list):
        raise BadDrawingError("wrong shape", where, _what_it_has(row))
    if not isinstance(word, str):
        raise BadDrawingError("wrong shape", where, "`word` is not a text")
    intake.check_category(word, where)
    lines, timed = _strokes(drawing, points, where, intake)
    return intake.polylines(
        lines, {"category": word}, where, key=key, recorded=timed
    )


def _strokes(
    drawing: list[Any], points: bool, where: str, intake: Intake
) -> tuple[Polylines, bool]:
    """The strokes [n, 2], and whether they have times."""
    if not points and not all(map(_may_be_axes, drawing)):
        points = all(map(_may_be_points, drawing))
        if points and drawing:
            intake.report.note("read as lists of points [x, y]", where)
    read = _points if points else _axes
    lines = [read(stroke, where) for stroke in drawing]
    timed = any(
        len(stroke) == 3 or (isinstance(stroke, dict) and "points" in stroke)
        for stroke in drawing
    )
    return lines, timed and not points


def _axes(stroke: Any, where: str) -> np.ndarray:
    """A stroke of lists x and y as points [n, 2]."""
    if isinstance(stroke, dict):
        if isinstance(stroke.get("points"), list):
            return _points(stroke["points"], where)
        stroke = [stroke.get("x"), stroke.get("y")]
    if not isinstance(stroke, list) or len(stroke) not in (2, 3):
        raise BadDrawingError(
            "wrong shape", where, "a stroke must be [x, y] or [x, y, t]"
        )
    return _numbers(stroke[:2], where).T


def _points(stroke: Any, where: str) -> np.ndarray:
    """A stroke of points as [n, 2]."""
    if not isinstance(stroke, list):
        raise BadDrawingError("wrong shape", where, "a stroke must be a list")
    pairs = [
        [point.get("x"), point.get("y")] if isinstance(point, dict) else point
        for point in stroke
    ]
    if any(not isinstance(pair, list) or len(pair) < 2 for pair in pairs):
        raise BadDrawingError("wrong shape", where, "a point must be [x, y]")
    if not pairs:
        return np.zeros((0, 2))
    return _numbers([pair[:2] for pair in pairs], where)


def _numbers(values: Sequence[Any], where: str) -> np.ndarray:
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        array = np.zeros(0)
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        holes = any(None in row for row in values if isinstance(row, list))
        raise BadDrawingError(
            "wrong shape",
            where,
            "x and y must be equally long lists of numbers"
            + "; received null" * holes,
        )
    return array


def _may_be_axes(stroke: Any) -> bool:
    """Whether a stroke is not plainly a list of points."""
    if not isinstance(stroke, list):
        return True
    return len(stroke) in (2, 3) and all(isinstance(a, list) for a in stroke)


def _may_be_points(stroke: Any) -> bool:
    return (
        isinstance(stroke, list)
        and bool(stroke)
        and all(
            isinstance(point, dict)
            or (isinstance(point, list) and len(point) in (2, 3))
            for point in stroke
        )
    )


def _holds_rows(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and any(key in value[0] for key in _DRAWINGS)
    )


def _depth(value: Any) -> int:
    """How many lists stand one in another, along their first elements."""
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = next((item for item in value if item != []), None)
    return depth + 1 if isinstance(value, dict) and depth else depth


def _what_it_has(row: Any) -> str:
    if not isinstance(row, Mapping):
        return f"a drawing must be a list of strokes, received {row!r:.40}"
    kind = row.get("type")
    if isinstance(kind, str) and kind in _FOREIGN:
        return f"it is {_FOREIGN[kind]}"
    if "tldrawFileFormatVersion" in row:
        return "it is a tldraw document; export it as SVG"
    names = ", ".join(map(str, list(row)[:5])) or "nothing"
    return f"no list `drawing`, only {names:.80}"
