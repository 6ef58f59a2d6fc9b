"""TFRecord files, written without TensorFlow.

A record is its length, uint64, the checksum of those bytes, the data and their
checksum; a checksum is a masked CRC-32C (tensorflow/core/lib/io/record_writer).
"""

import struct
from collections.abc import Iterable
from pathlib import Path

import google_crc32c

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")


def write_records(path: Path, records: Iterable[bytes]) -> None:
    """Writes a TFRecord file."""
    with open(path, "wb") as file:
        file.writelines(map(frame, records))


def frame(record: bytes) -> bytes:
    """A record as it stands in its file."""
    length = _LENGTH.pack(len(record))
    return length + _checksum(length) + record + _checksum(record)


def _checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    # The mask, so that data with checksums in them do not confuse it.
    return _CHECKSUM.pack((rotated + 0xA282EAD8) & 0xFFFFFFFF)
