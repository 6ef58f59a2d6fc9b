"""Drawings in text files: JSON, a line or a document, and Kaggle's csv."""

import csv
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.data.formats.packed import GZIP_ERRORS, open_text
from sketcher_tf.data.formats.rows import parse_row, rows_of

# A document is read whole; what is larger should be a row to a line.
_MAX_DOCUMENT = 2**29
_MAX_FIELD = 2**26  # characters of a field of a csv


def read_json(path: Path, category: str, intake: Intake) -> Iterator[Drawing]:
    """Reads Quick, Draw! ndjson line by line, or one document of JSON.

    Args:
        path: the file.
        category: for rows without `word`.
        intake: makes drawings of rows.

    Yields:
        The drawings; their key is `key_id`.
    """

    def parse(row: Any, where: str) -> Drawing:
        return parse_row(row, where, category, intake)

    yield from intake.each(_rows(path, intake), parse)


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


def _rows(path: Path, intake: Intake) -> Iterator[tuple[str, Any]]:
    for where, value in _values(path, intake):
        yield from rows_of(value, where)


def _values(path: Path, intake: Intake) -> Iterator[tuple[str, Any]]:
    """The document's value, or each line's."""
    document = _document(path)
    if document is not None:
        yield str(path), document
        return
    for where, line in _lines(path, intake):
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


def _lines(path: Path, intake: Intake) -> Iterator[tuple[str, bytes]]:
    number = 0
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    yield f"{path}:{number}", line
    except GZIP_ERRORS as error:
        intake.report.add(
            BadDrawingError("truncated", f"{path}:{number + 1}", str(error))
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
