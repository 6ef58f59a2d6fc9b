"""Opens files as they come: packed by gzip, in UTF-16, with a mark for it."""

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, cast

_PART_BYTES = 2**16

# What a cut or damaged gzip file raises
GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)

# Longer ones first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class _Unpacked(gzip.GzipFile):
    """Closes the file that it unpacks, too."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        super().__init__(fileobj=file)

    def close(self) -> None:
        super().close()
        self._file.close()


def open_source(path: Path) -> BinaryIO:
    """Opens a file for reading bytes, unpacked if it is gzip'ed."""
    # By the path itself, and once: it may be in an object store.
    file = path.open("rb")
    packed = is_packed(file.read(3))
    file.seek(0)
    return cast(BinaryIO, _Unpacked(file) if packed else file)


def is_packed(head: bytes) -> bool:
    """Whether a file that begins with these bytes is gzip'ed."""
    return head.startswith(b"\x1f\x8b\x08")


def open_text(path: Path) -> BinaryIO:
    """Opens a text file for reading bytes of UTF-8 without a mark.

    UTF-16, as a shell of Windows redirects it, is read whole. A byte that is
    no text is left to the reader.
    """
    file = open_source(path)
    try:
        encoding = encoding_of(file.read(4))
    except GZIP_ERRORS:  # the reader will meet them, and tell where
        encoding = "utf-8"
    file.seek(0)
    if encoding == "utf-8":
        return file
    with file:
        text = _readable(file).decode(encoding, errors="replace")
    return io.BytesIO(text.encode())


def _readable(file: BinaryIO) -> bytes:
    """All of a file, or what stands before it is damaged."""
    parts = []
    try:
        while part := file.read(_PART_BYTES):
            parts.append(part)
    except GZIP_ERRORS:
        pass
    return b"".join(parts)


def encoding_of(head: bytes) -> str:
    """The encoding of a text that begins with these bytes, at least 4."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    # A text of these formats begins with a character of ASCII.
    if head[1:2] == b"\0" and head[:1] != b"\0":
        return "utf-16-le"
    if head[:1] == b"\0" and head[1:2] != b"\0":
        return "utf-16-be"
    return "utf-8"
