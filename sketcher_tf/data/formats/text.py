"""Drawings in text files: JSON, a line or a document, and Kaggle's csv."""

import csv
import io
import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.data.formats.packed import (
    GZIP_ERRORS,
    encoding_of,
    is_packed,
    open_text,
)
from sketcher_tf.data.formats.rows import parse_row, rows_of
from sketcher_tf.data.formats.spans import Span, cut_lines

# A document is read whole; what is larger should be a row to a line.
_MAX_DOCUMENT = 2**29
_MAX_FIELD = 2**26  # characters of a field of a csv


def read_json(
    path: Path, category: str, intake: Intake, span: Span | None = None
) -> Iterator[Drawing]:
    """Reads Quick, Draw! ndjson line by line, or one document of JSON.

    Args:
        path: the file.
        category: for rows without `word`.
        intake: makes drawings of rows.
        span: of `spans_of_json`: the part to read; None is all.

    Yields:
        The drawings; their key is `key_id`.
    """

    def parse(row: Any, where: str) -> Drawing:
        return parse_row(row, where, category, intake)

    yield from intake.each(_rows(path, intake, span), parse)


def spans_of_json(path: Path, size: int) -> Iterator[Span | None]:
    """Cuts a file into parts that can be read on their own.

    Args:
        path: the file.
        size: of a part, in bytes.

    Yields:
        The spans; or None, which is all, if the file cannot be cut: a
        document, or one that is packed or not of UTF-8.
    """
    with path.open("rb") as file:
        plain = encoding_of(file.read(4)) == "utf-8" and not is_packed(path)
    if plain and _document(path) is None:
        yield from cut_lines(path, size)
    else:
        yield None


def read_csv(path: Path, category: str, intake: Intake) -> Iterator[Drawing]:
    """Reads a table with a column `drawing` of JSON, as Kaggle's.

    Args:
        path: the file.
        category: for rows without `word`.
        intake: makes drawings of rows.

    Yields:
        The drawings; their key is `key_id`.
    """

    def parse(row: dict[str, Any], where: str) -> Drawing:
        drawing = _loads(row.get("drawing") or "", where)
        word = row.get("word") or category
        return parse_row(
            {**row, "drawing": drawing, "word": word}, where, category, intake
        )

    yield from intake.each(_records(path, intake), parse)


def _rows(
    path: Path, intake: Intake, span: Span | None
) -> Iterator[tuple[str, Any]]:
    for where, value in _values(path, intake, span):
        yield from rows_of(value, where)


def _values(
    path: Path, intake: Intake, span: Span | None
) -> Iterator[tuple[str, Any]]:
    """The document's value, or each line's."""
    document = None if span else _document(path)
    if document is not None:
        yield str(path), document
        return
    for where, line in _lines(path, intake, span):
        try:
            value = _loads(line, where)
        except BadDrawingError as error:
            intake.report.add(error)
        else:
            yield where, value


def _document(path: Path) -> Any:
    """The value of a file that is one document over several lines, or None."""
    try:
        with open_text(path) as file:
            first = next((line for line in file if not line.isspace()), b"")
            if _is_json(first):
                return None
            data = first + file.read(_MAX_DOCUMENT)
    except GZIP_ERRORS:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _loads(text: str | bytes, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDrawingError("malformed JSON", where, str(error)) from None


def _lines(
    path: Path, intake: Intake, span: Span | None
) -> Iterator[tuple[str, bytes]]:
    start, left, number = span or (0, math.inf, 1)
    try:
        with open_text(path) as file:
            file.seek(start)
            while left > 0 and (line := file.readline()):
                if not line.isspace():
                    yield f"{path}:{number}", line
                left -= len(line)
                number += 1
    except GZIP_ERRORS as error:
        intake.report.add(
            BadDrawingError("truncated", f"{path}:{number}", str(error))
        )


def _records(
    path: Path, intake: Intake
) -> Iterator[tuple[str, dict[str, Any]]]:
    csv.field_size_limit(_MAX_FIELD)
    with open_text(path) as file:
        text = io.TextIOWrapper(file, "utf-8", errors="replace", newline="")
        table = csv.DictReader(text)
        for number in itertools.count(1):
            where = f"{path}:{number}"
            try:
                row = next(table, None)
            except (csv.Error, *GZIP_ERRORS) as error:
                intake.report.add(
                    BadDrawingError("malformed csv", where, str(error))
                )
                return
            if row is None:
                return
            yield f"{path}:{table.line_num}", row
