"""The binary format of Quick, Draw!'s simplified drawings.

Reference: github.com/googlecreativelab/quickdraw-dataset.
"""

import io
import itertools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.data.formats.packed import GZIP_ERRORS, open_source
from sketcher_tf.strokes import Lines, Polylines

# key_id, country code, recognized, timestamp, number of strokes
_HEADER = struct.Struct("<Q2sbIH")


def read_bin(path: Path, category: str, intake: Intake) -> Iterator[Drawing]:
    """Reads the drawings of a file one by one.

    Args:
        path: the file.
        category: the file does not say what its drawings show.
        intake: makes drawings of records.

    Yields:
        The drawings; their key is the 64-bit key id.
    """

    def parse(record: tuple[int, Polylines], where: str) -> Drawing:
        key, polylines = record
        labels = {"category": category}
        return intake.polylines(
            Lines.join(polylines), labels, where, key=str(key)
        )

    yield from intake.each(_records(path, intake), parse)


def is_bin(head: bytes) -> bool:
    """Whether a file that begins with these bytes holds such drawings.

    The format has no magic number: the first drawing has to be one, and
    another has to begin where it ends.
    """
    file = io.BytesIO(head)
    try:
        _, strokes = _read_record(file, "") or (0, [])
    except BadDrawingError:
        return False
    rest = file.read(_HEADER.size)
    return any(map(len, strokes)) and (
        len(rest) < _HEADER.size or _is_header(rest)
    )


def _is_header(head: bytes) -> bool:
    """Byte 10 is a truth value, behind a country code of two letters."""
    _, country, recognized, _, _ = _HEADER.unpack(head)
    letters = country.isalpha() or country == b"\0\0"
    return letters and recognized in (0, 1)


def _records(
    path: Path, intake: Intake
) -> Iterator[tuple[str, tuple[int, Polylines]]]:
    with open_source(path) as file:
        for number in itertools.count(1):
            where = f"{path}:{number}"
            try:
                record = _read_record(file, where)
            except BadDrawingError as error:
                # Where the next drawing would start is unknown now.
                intake.report.add(error)
                return
            if record is None:
                return
            yield where, record


def _read_record(file: BinaryIO, where: str) -> tuple[int, Polylines] | None:
    """The next drawing and its key id; None at the end of the file."""
    header = _take(file, _HEADER.size, where, or_end=True)
    if not header:
        return None
    if not _is_header(header):
        raise BadDrawingError("wrong header", where, "the rest is not read")
    key, _, _, _, count = _HEADER.unpack(header)
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
