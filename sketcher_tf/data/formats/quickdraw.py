"""Quick, Draw!: simplified and raw ndjson, and the binary format.

The formats and the simplification are those of Google's description of the
data set (github.com/googlecreativelab/quickdraw-dataset).
"""

import gzip
import itertools
import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from sketcher_tf.data.formats.checks import (
    Rules,
    check_finite,
    parse_rows,
)
from sketcher_tf.data.formats.drawing import (
    BadDrawingError,
    Drawing,
    SkipReport,
)
from sketcher_tf.strokes import Polylines, polylines_to_stroke3

SIDE_PX = 255.0  # the longest side of a simplified drawing
SPACING_PX = 1.0
EPSILON_PX = 2.0

# What a cut or damaged gzip file raises
GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)

# key_id, country code, recognized, timestamp, number of strokes
_BIN_HEADER = struct.Struct("<Q2sbIH")


def open_source(path: Path) -> BinaryIO:
    """Opens a file for reading bytes, unpacked if it is gzip'ed."""
    with path.open("rb") as file:
        packed = file.read(3) == b"\x1f\x8b\x08"
    return cast(BinaryIO, gzip.open(path) if packed else path.open("rb"))


def read_ndjson(
    path: Path, category: str, rules: Rules, report: SkipReport
) -> Iterator[Drawing]:
    """Reads Quick, Draw! ndjson, line by line.

    A row whose strokes have three lists (x, y, t) is raw and is simplified.

    Args:
        path: the file.
        category: for rows without `word`.
        rules: which drawings are taken.
        report: counts the rows that are not.

    Yields:
        The drawings; their key is `key_id`.
    """

    def parse(line: bytes, where: str) -> Drawing:
        return _parse_row(line, where, category, rules)

    yield from parse_rows(_lines(path, report), parse, report)


def read_bin(
    path: Path, category: str, rules: Rules, report: SkipReport
) -> Iterator[Drawing]:
    """Reads the binary form of the simplified drawings, one by one.

    Args:
        path: the file.
        category: the file does not say what its drawings show.
        rules: which drawings are taken.
        report: counts the rows that are not.

    Yields:
        The drawings; their key is the 64-bit key id.
    """

    def parse(record: tuple[int, Polylines], where: str) -> Drawing:
        key, polylines = record
        stroke3 = polylines_to_stroke3(polylines)
        return rules.drawing(
            stroke3, {"category": category}, where, key=str(key)
        )

    yield from parse_rows(_records(path, report), parse, report)


def is_bin_header(head: bytes) -> bool:
    """Whether a drawing of the binary format may start with these bytes.

    The format has no magic number, but byte 10 is a truth value, which rules
    out text, behind a country code of two letters.
    """
    if len(head) < _BIN_HEADER.size:
        return False
    _, country, recognized, _, _ = _BIN_HEADER.unpack_from(head)
    letters = country.isalpha() or country == b"\0\0"
    return letters and recognized in (0, 1)


def simplify(polylines: Sequence[np.ndarray]) -> Polylines:
    """Google's simplification of raw drawings.

    Moves the drawing to the top left corner, scales its longest side to 255,
    resamples every stroke with a spacing of 1 pixel, simplifies it with the
    Ramer-Douglas-Peucker algorithm (epsilon 2) and rounds to whole pixels.

    Args:
        polylines: strokes [n, 2] of finite numbers, in any unit.

    Returns:
        float32 strokes of at least 2 points; a dot becomes two equal points,
        as in Google's files. Empty strokes vanish.
    """
    strokes = [np.asarray(line, np.float64) for line in polylines if len(line)]
    if not strokes:
        return []
    points = np.concatenate(strokes)
    low = points.min(axis=0)
    longest = (points.max(axis=0) - low).max()
    return [
        np.round(
            rdp(resample(_scaled(line - low, longest), SPACING_PX), EPSILON_PX)
        ).astype(np.float32)
        for line in strokes
    ]


def resample(line: np.ndarray, spacing: float) -> np.ndarray:
    """Points [m, 2] along the polyline [n, 2], `spacing` apart.

    The first and the last point stay, so the last step may be shorter, and
    the result has at least 2 points.
    """
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.append(np.arange(0.0, along[-1], spacing), along[-1])
    if len(at) == 1:  # a dot
        at = np.zeros(2)
    return np.stack([np.interp(at, along, axis) for axis in line.T], axis=-1)


def rdp(line: np.ndarray, epsilon: float) -> np.ndarray:
    """Ramer-Douglas-Peucker: a subset of [n, 2] within `epsilon` of it."""
    keep = np.zeros(len(line), bool)
    keep[[0, -1]] = True
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        distances = _distances(line[first : last + 1])
        farthest = int(distances.argmax())
        if distances[farthest] > epsilon:
            middle = first + 1 + farthest
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return line[keep]


def _scaled(line: np.ndarray, longest: float) -> np.ndarray:
    # In this order: the factor 255 / longest alone may overflow.
    return line * SIDE_PX / longest if longest > 0 else line


def _distances(line: np.ndarray) -> np.ndarray:
    """Of the inner points from the straight line through both ends.

    From the line, not from the segment between the ends: only so are Google's
    files met point for point, although a stroke that turns back on itself
    loses what lies beyond its ends.
    """
    offsets = line[1:-1] - line[0]
    dx, dy = line[-1] - line[0]
    length = np.hypot(dx, dy)
    if length == 0:
        return np.hypot(offsets[:, 0], offsets[:, 1])
    return np.abs(dx * offsets[:, 1] - dy * offsets[:, 0]) / length


def _lines(path: Path, report: SkipReport) -> Iterator[tuple[str, bytes]]:
    number = 0
    with open_source(path) as file:
        try:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    yield f"{path}:{number}", line
        except GZIP_ERRORS as error:
            report.add(
                BadDrawingError("truncated", f"{path}:{number + 1}", str(error))
            )


def _parse_row(line: bytes, where: str, category: str, rules: Rules) -> Drawing:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadDrawingError("malformed JSON", where, str(error)) from None
    if not isinstance(row, dict) or not isinstance(row.get("drawing"), list):
        raise BadDrawingError("wrong shape", where, "no list `drawing`")
    word = row.get("word", category)
    if not isinstance(word, str):
        raise BadDrawingError("wrong shape", where, "`word` is not a text")
    rules.check_category(word, where)
    stroke3 = polylines_to_stroke3(_polylines(row["drawing"], where))
    key = str(row.get("key_id") or "")
    return rules.drawing(stroke3, {"category": word}, where, key=key)


def _polylines(strokes: list[Any], where: str) -> Polylines:
    lines = [_points(stroke, where) for stroke in strokes]
    check_finite(lines, where)
    if any(len(stroke) == 3 for stroke in strokes):
        return simplify(lines)
    return lines


def _points(stroke: Any, where: str) -> np.ndarray:
    if not isinstance(stroke, list) or len(stroke) not in (2, 3):
        raise BadDrawingError(
            "wrong shape", where, "a stroke must be [x, y] or [x, y, t]"
        )
    try:
        points = np.array(stroke[:2])
    except ValueError:
        points = np.zeros(0)
    if points.ndim != 2 or points.dtype.kind not in "iuf":
        raise BadDrawingError(
            "wrong shape", where, "x and y must be equally long lists of number"
        )
    return points.T


def _records(
    path: Path, report: SkipReport
) -> Iterator[tuple[str, tuple[int, Polylines]]]:
    with open_source(path) as file:
        for number in itertools.count(1):
            where = f"{path}:{number}"
            try:
                record = _read_record(file, where)
            except BadDrawingError as error:
                # Where the next drawing would start is unknown now.
                report.add(error)
                return
            if record is None:
                return
            yield where, record


def _read_record(file: BinaryIO, where: str) -> tuple[int, Polylines] | None:
    """The next drawing and its key id; None at the end of the file."""
    header = _take(file, _BIN_HEADER.size, where, or_end=True)
    if not header:
        return None
    if not is_bin_header(header):
        raise BadDrawingError("wrong header", where, "the rest is not read")
    key, _, _, _, count = _BIN_HEADER.unpack(header)
    return key, [_read_stroke(file, where) for _ in range(count)]


def _read_stroke(file: BinaryIO, where: str) -> np.ndarray:
    size = int.from_bytes(_take(file, 2, where), "little")
    axes = np.frombuffer(_take(file, 2 * size, where), np.uint8)
    return axes.reshape(2, size).T


def _take(file: BinaryIO, size: int, where: str, or_end: bool = False) -> bytes:
    try:
        data = file.read(size)
    except GZIP_ERRORS as error:
        raise BadDrawingError("truncated", where, str(error)) from None
    if len(data) < size and not (or_end and not data):
        raise BadDrawingError("truncated", where)
    return data
