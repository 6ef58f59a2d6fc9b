"""Parts of a file of lines, so that several processes can share its reading."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple


class Span(NamedTuple):
    """Whole lines of a file.

    Attributes:
        start: the first byte.
        size: in bytes.
        line: the number of the first line, from 1.
    """

    start: int
    size: int
    line: int


def cut_lines(file: BinaryIO, size: int) -> Iterator[Span]:
    """Cuts a file into spans of `size` bytes and the rest of a line."""
    start, line = 0, 1
    while block := file.read(size):
        block += file.readline()
        yield Span(start, len(block), line)
        start += len(block)
        line += block.count(b"\n")
