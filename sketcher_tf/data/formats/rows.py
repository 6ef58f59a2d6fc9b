"""A drawing as a value of JSON, in the forms that people have it.

- Quick, Draw!'s: `{"word": ..., "drawing": [[[x, ...], [y, ...]], ...]}`, raw
  with a third list of times;
- `{"word": ..., "polylines": [[[x, y], ...], ...]}`, or points in `drawing`
  where they cannot be anything else;
- strokes as objects: `{"x": [...], "y": [...]}`, `{"points": [{"x", "y"}]}`,
  `{"points": [x, y, x, y, ...]}`; other names in place of `drawing`;
- a single line of points;
- lists of any of them, bare or under a name, which may be their word.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.strokes import Lines

_LISTS = ("drawings", "rows", "data", "sketches")  # names for lists of rows
_DRAWINGS = ("drawing", "polylines", "strokes", "paths", "lines")  # and for one
_WORDS = ("word", "category", "label", "class")  # what it shows
_POINTS = ("points", "paths")  # of a stroke
_OF_POINT = {"x", "y", "t", "time", "timestamp", "pressure"}

# Of other programs' files -> what to do with them.
_FOREIGN = {
    "excalidraw": "an Excalidraw scene; export it as SVG",
    "excalidrawlib": "an Excalidraw library; export its items as SVG",
    **dict.fromkeys(
        ("FeatureCollection", "Feature", "LineString", "MultiLineString"),
        "a GeoJSON map; it holds no drawings",
    ),
}


def loads(text: str | bytes, where: str) -> Any:
    """The value of a text of JSON.

    Raises:
        BadDrawingError: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDrawingError("malformed JSON", where, str(error)) from None


def rows_of(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """The rows in a value of JSON, each with its place.

    A row is an object, or a bare drawing; `parse_row` reads it.

    Raises:
        BadDrawingError: there are none in it.
    """
    if isinstance(value, dict):
        name = next((n for n in _LISTS if isinstance(value.get(n), list)), None)
        if _name_of_drawing(value):
            yield where, value
        elif name is not None:
            yield from rows_of(value[name], f"{where}:{name}")
        elif value and all(map(_holds_several, value.values())):
            for word, rows in value.items():
                for place, row in rows_of(rows, f"{where}:{word}"):
                    yield place, _with_word(row, word)
        elif value and all(map(_name_of_drawing, value.values())):
            yield from ((f"{where}:{key}", row) for key, row in value.items())
        else:
            yield where, value
    elif _holds_several(value):
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
        given = _lower(row)
        name = _first_of(_DRAWINGS, given)
        drawing, points = given.get(name), name == "polylines"
        if isinstance(drawing, str):
            drawing = loads(drawing, where)
        key = str(given.get("key_id") or "")
        if not intake.rules.relabel:
            texts = [given[n] for n in _WORDS if _is_text(given.get(n))]
            word = texts[0] if texts else given.get("word", category)
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
) -> tuple[Lines, bool]:
    """The strokes, and whether they have times."""
    columns = None if points else _columns(drawing)
    if columns is not None:
        return columns, any(len(stroke) == 3 for stroke in drawing)
    if _is_line(drawing):
        drawing, points = [drawing], True
    while len(drawing) == 1 and _depth(drawing) > 3:
        [drawing] = drawing
    if not points and not all(map(_may_be_axes, drawing)):
        points = all(map(_may_be_points, drawing))
        if points and drawing:
            intake.report.note("read as lists of points [x, y]", where)
    read = _points if points else _axes
    lines = [read(stroke, where) for stroke in drawing]
    timed = any(
        len(stroke) == 3 or (isinstance(stroke, dict) and "x" not in stroke)
        for stroke in drawing
    )
    return Lines.join(lines), timed and not points


def _columns(drawing: list[Any]) -> Lines | None:
    """Strokes [x, y] or [x, y, t] of numbers, all at once; None for others.

    So is nearly all that there is to read.
    """
    if not (
        _are_all(drawing, list)
        and {2, 3}.issuperset(map(len, drawing))
        and _are_all(itertools.chain.from_iterable(drawing), list)
    ):
        return None
    xs, ys = ([stroke[axis] for stroke in drawing] for axis in (0, 1))
    lengths = list(map(len, xs))
    numbers = list(itertools.chain.from_iterable(xs + ys))
    if lengths != list(map(len, ys)) or not _are_all(numbers, int, float):
        return None
    try:
        points = np.array(numbers, np.float64).reshape(2, -1).T
    except OverflowError:
        return None
    ends = itertools.accumulate(filter(None, lengths))
    return Lines(points, np.fromiter(ends, int))


def _are_all(values: Iterable[Any], *types: type) -> bool:
    """Whether values are of these types, none of which is derived."""
    return set(types).issuperset(map(type, values))


def _axes(stroke: Any, where: str) -> np.ndarray:
    """A stroke of lists x and y as points [n, 2]."""
    if isinstance(stroke, dict):
        stroke = _lower(stroke)
        if stroke.get("drawmode") is False:  # an eraser
            return np.zeros((0, 2))
        for name in _POINTS:
            if isinstance(stroke.get(name), list):
                return _points(stroke[name], where)
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
    if _are_numbers(stroke) and len(stroke) % 2 == 0:
        return _numbers([stroke[::2], stroke[1::2]], where).T
    points = [_lower(one) if isinstance(one, dict) else one for one in stroke]
    pairs = [
        [point.get("x"), point.get("y")] if isinstance(point, dict) else point
        for point in points
    ]
    if any(not isinstance(pair, list) or len(pair) < 2 for pair in pairs):
        raise BadDrawingError("wrong shape", where, "a point must be [x, y]")
    if not pairs:
        return np.zeros((0, 2))
    return _numbers([pair[:2] for pair in pairs], where)


def _numbers(values: Sequence[Any], where: str) -> np.ndarray:
    try:
        array = np.array(values)
        if array.dtype == object and all(map(_are_numbers, values)):
            array = array.astype(np.float64)  # of whole numbers beyond 64 bits
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


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, int | float) for value in values
    )


def _is_line(value: Sequence[Any]) -> bool:
    """Whether this is points; two lists of two might be x and y."""
    if value and all(isinstance(point, dict) for point in value):
        return all(
            {"x", "y"} <= point.keys() <= _OF_POINT
            and _are_numbers([point["x"]])
            for point in map(_lower, value)
        )
    return len(value) > 2 and all(
        _are_numbers(point) and len(point) == 2 for point in value
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _lower(row: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in row.items()}


def _name_of_drawing(row: Any) -> str:
    """Under which name an object holds a drawing; "" if it holds none."""
    if not isinstance(row, dict):
        return ""
    return _first_of(_DRAWINGS, row) or _first_of(_DRAWINGS, _lower(row))


def _first_of(names: Sequence[str], row: Mapping[str, Any]) -> str:
    return next((name for name in names if name in row), "")


def _with_word(row: Any, word: str) -> dict[str, Any]:
    return {
        "word": word,
        **(row if isinstance(row, dict) else {"drawing": row}),
    }


def _holds_several(value: Any) -> bool:
    """Whether this is a list of drawings."""
    if not isinstance(value, list) or not value:
        return False
    name = _name_of_drawing(value[0])
    if name:  # a drawing, or a stroke whose points have such a name
        return not _is_line(_lower(value[0])[name] or [{}])
    return _depth(value) > 3


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
