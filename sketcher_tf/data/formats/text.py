"""Drawings in text files: JSON, a line or a document, and Kaggle's csv."""

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.data.formats.packed import (
    GZIP_ERRORS,
    encoding_of,
    is_packed,
    open_text,
)
from sketcher_tf.data.formats.rows import loads, parse_row, rows_of
from sketcher_tf.data.formats.spans import Span, cut_lines

# A document is read whole; what is larger should be a row to a line.
_MAX_DOCUMENT = 2**29
_MAX_FIELD = 2**26  # characters of a field of a csv
_DELIMITERS = ",;\t"
_BRACKETS = (b"", b"[", b"]")  # of a list with a row to a line
_BETWEEN = " \t\r\n,"


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
        head = file.read(4)
        file.seek(0)
        plain = encoding_of(head) == "utf-8" and not is_packed(head)
        if not plain or _document(file) is not None:
            yield None
            return
        file.seek(0)
        yield from cut_lines(file, size)


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
        given = {name: value for name, value in row.items() if value}
        return parse_row(given, where, category, intake)

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
    with open_text(path) as file:
        document = None if span else _document(file)
        if document is not None:
            yield str(path), document
            return
        for where, line in _lines(file, path, intake, span):
            try:
                value = loads(line, where)
            except BadDrawingError as error:
                intake.report.add(error)
            else:
                yield where, value


def _document(file: BinaryIO) -> Any:
    """The value of a file that is one document over several lines, or None."""
    try:
        first = next((line for line in file if not line.isspace()), b"")
        if _is_row(first):
            return None
        data = first + file.read(_MAX_DOCUMENT)
    except GZIP_ERRORS:
        return None
    try:
        values = list(_one_after_another(data.decode()))
    except (ValueError, RecursionError):
        return None
    return values[0] if len(values) == 1 else values or None


def _one_after_another(text: str) -> Iterator[Any]:
    """The values of a text, which may have commas between them."""
    decoder, text, at = json.JSONDecoder(), text.strip(_BETWEEN), 0
    while at < len(text):
        if text[at] in _BETWEEN:
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value


def _is_row(line: bytes) -> bool:
    try:
        json.loads(_without_comma(line))
    except (ValueError, RecursionError):
        return False
    return True


def _without_comma(line: bytes) -> bytes:
    """A line of a list that was cut out of its brackets."""
    return line.rstrip().removesuffix(b",")


def _lines(
    file: BinaryIO, path: Path, intake: Intake, span: Span | None
) -> Iterator[tuple[str, bytes]]:
    start, left, number = span or (0, math.inf, 1)
    try:
        file.seek(start)
        while left > 0 and (line := file.readline()):
            if line.strip() not in _BRACKETS:
                yield f"{path}:{number}", _without_comma(line)
            left -= len(line)
            number += 1
    except GZIP_ERRORS as error:
        intake.report.add(
            BadDrawingError("truncated", f"{path}:{number}", str(error))
        )


def _records(
    path: Path, intake: Intake
) -> Iterator[tuple[str, dict[str, Any]]]:
    line = 0
    try:
        with open_text(path) as file:
            table = _table(file, f"{path}:1")
            for row in table:
                line = table.line_num
                yield f"{path}:{line}", row
    except BadDrawingError as error:
        intake.report.add(error)
    except (csv.Error, *GZIP_ERRORS) as error:
        intake.report.add(
            BadDrawingError("malformed csv", f"{path}:{line + 1}", str(error))
        )


def _table(file: BinaryIO, where: str) -> csv.DictReader:
    """The rows of a csv with a column of drawings, whatever separates them."""
    csv.field_size_limit(_MAX_FIELD)
    text = io.TextIOWrapper(file, "utf-8", errors="replace", newline="")
    head = text.readline()
    text.seek(0)
    table = csv.DictReader(text, delimiter=max(_DELIMITERS, key=head.count))
    names = table.fieldnames or []
    if "drawing" not in names:
        listed = ", ".join(map(str, names))
        raise BadDrawingError(
            "wrong columns", where, f"no column `drawing`, only {listed:.80}"
        )
    return table
