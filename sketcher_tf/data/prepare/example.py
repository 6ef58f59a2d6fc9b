"""From one drawing to one record: the work that every way to prepare shares.

A record is a serialised `tf.train.Example` of

- `stroke3`: the bytes of float32 [N, 3], offsets in pixels,
- `labels`: int64 [F], the number of each factor's value,
- `raster`: X_r as uint8 [S, S], row by row, packed by zlib. It is drawn once
  here, since drawing costs as much as all else that is done to a drawing.

The message is written by hand, so that the processes that prepare data need
not load TensorFlow. No TensorFlow here.
"""

import functools
import hashlib
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sketcher_tf.data.formats.drawing import Drawing
from sketcher_tf.data.manifest import SPLITS
from sketcher_tf.rendering.raster import rasterize_stroke3

_HELD_OUT_PERCENT = 5  # of the drawings, each for valid and for test
_SPLIT_BITS = 2
_PLACE_BITS = 64 - _SPLIT_BITS


class Row(NamedTuple):
    """A record but for the numbers of its labels, known when all are read.

    Attributes:
        place: the place in the set, uint64: first its split, then a hash, so
            that rows in this order are in a random one, whoever made them.
        labels: a value per factor.
        features: the other features, as they stand in the record.
    """

    place: int
    labels: tuple[str, ...]
    features: bytes


def split_of(key: str) -> str:
    """The split of a drawing, by a stable hash of its key."""
    percent = _hash(key.encode()) % 100
    if percent < _HELD_OUT_PERCENT:
        return "valid"
    return "test" if percent < 2 * _HELD_OUT_PERCENT else "train"


def make_rows(drawings: Sequence[Drawing], image_size: int) -> list[Row]:
    """Draws and encodes drawings; the row of one depends on it alone.

    Args:
        drawings: as they were read; several are drawn faster together.
        image_size: pixels per side of the rasters.
    """
    rasters = rasterize_stroke3([d.stroke3 for d in drawings], image_size)
    return list(map(_make_row, drawings, rasters))


def _make_row(drawing: Drawing, raster: np.ndarray) -> Row:
    stroke3 = drawing.stroke3.astype("<f4").tobytes()
    labels = tuple(drawing.labels.values())
    # Rows with one place are equal then, so that their order does not matter.
    identity = f"{drawing.key}\0{labels}\0".encode() + stroke3
    split = drawing.split or split_of(drawing.key)
    return Row(
        places(split)[0] + (_hash(identity) >> _SPLIT_BITS),
        labels,
        _bytes_feature(b"raster", _pack(raster.tobytes()))
        + _bytes_feature(b"stroke3", stroke3),
    )


def places(split: str, part: int = 0, parts: int = 1) -> tuple[int, int]:
    """The first place of a part of a split, and the one after its last.

    Args:
        split: one of `SPLITS`.
        part: its number, below `parts`.
        parts: into how many equal ranges the split is divided.
    """
    start = SPLITS.index(split) << _PLACE_BITS
    low, high = (start + (n << _PLACE_BITS) // parts for n in (part, part + 1))
    return low, high


def split_at(place: int) -> str:
    """The split that a place is in."""
    return SPLITS[place >> _PLACE_BITS]


def encode_labels(labels: Sequence[int]) -> bytes:
    """The feature that `Row.features` lacks, as it stands in the record."""
    packed = b"".join(map(_varint, labels))
    return _entry(b"labels", _field(3, _field(1, packed)))


def encode_example(labels: bytes, features: bytes) -> bytes:
    """A record: a `tf.train.Example` of all features."""
    return _field(1, labels + features)


def _pack(raster: bytes) -> bytes:
    # Runs of one value are what there is to save. This is faster than zlib's
    # lowest level, and smaller.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return packer.compress(raster) + packer.flush()


def _bytes_feature(name: bytes, value: bytes) -> bytes:
    return _entry(name, _field(1, _field(1, value)))


def _entry(name: bytes, feature: bytes) -> bytes:
    """An entry of the map `Features.feature`."""
    return _field(1, _field(1, name) + _field(2, feature))


def _field(number: int, payload: bytes) -> bytes:
    """A field of protobuf's wire type 2: bytes, a message, packed numbers."""
    return _head(number, len(payload)) + payload


@functools.lru_cache(2**14)
def _head(number: int, size: int) -> bytes:
    return bytes([number << 3 | 2]) + _varint(size)


def _varint(number: int) -> bytes:
    low = []
    while number > 0x7F:
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*low, number])


def _hash(data: bytes) -> int:
    digest = hashlib.blake2b(data, digest_size=8).digest()
    return int.from_bytes(digest, "little")
