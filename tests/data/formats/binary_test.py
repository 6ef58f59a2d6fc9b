"""The binary format of Quick, Draw!."""

import gzip
import struct

import numpy as np
import pytest

from sketcher_tf.data.formats.binary import is_bin, read_bin
from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, SkipReport
from sketcher_tf.strokes import stroke3_to_polylines


def bin_row(key=7, country=b"DE", strokes=(((0, 9, 9), (1, 1, 255)),)):
    data = struct.pack("<Q2sbIH", key, country, 1, 1_490_000_000, len(strokes))
    for xs, ys in strokes:
        data += struct.pack("<H", len(xs)) + bytes(xs) + bytes(ys)
    return data


def read(path, strict=False):
    intake = Intake(report=SkipReport(strict))
    return list(read_bin(path, "from the name", intake)), intake.report.causes


def test_reads_bin(tmp_path):
    path = tmp_path / "cat.bin"
    strokes = (((0, 9, 9), (1, 1, 255)), ((4, 5), (6, 7)))
    path.write_bytes(bin_row(key=2**64 - 1, strokes=strokes) + bin_row())
    (first, second), causes = read(path)
    assert not causes
    assert first.labels == {"category": "from the name"}
    assert (first.key, second.key) == (str(2**64 - 1), "7")
    lines = stroke3_to_polylines(first.stroke3)
    assert [line.T.tolist() for line in lines] == [
        [list(axis) for axis in stroke] for stroke in strokes
    ]


@pytest.mark.parametrize("cut", range(1, len(bin_row())))
def test_a_cut_bin_is_counted_once(tmp_path, cut):
    path = tmp_path / "cat.bin"
    path.write_bytes(bin_row() + bin_row()[:-cut])
    found, causes = read(path)
    assert len(found) == 1
    assert causes == {"truncated": 1}
    with pytest.raises(BadDrawingError, match=r"cat\.bin:2: truncated"):
        read(path, strict=True)


def test_bad_bin_rows_are_counted(tmp_path):
    path = tmp_path / "cat.bin"
    path.write_bytes(bin_row(strokes=()) + bin_row() + b"\xff" * 40)
    found, causes = read(path)
    assert len(found) == 1
    assert causes == {"no points": 1, "wrong header": 1}


def test_a_cut_gzip_of_bin_is_counted(tmp_path):
    path = tmp_path / "cat.bin"
    keys = np.random.default_rng(0).integers(0, 2**63, 200)
    path.write_bytes(gzip.compress(b"".join(map(bin_row, keys)))[:-50])
    found, causes = read(path)
    assert 0 < len(found) < 200
    assert causes == {"truncated": 1}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bin_row(), True),
        (bin_row() * 3, True),
        (bin_row(key=0x7B), True),  # a key that starts with {
        (bin_row() + bin_row()[:9], True),  # only the head is looked at
        (bin_row()[:-1], False),
        (bin_row()[:16], False),
        (bin_row() + b"other things follow", False),
        (bin_row(country=b"7\xff"), False),
        (bin_row(strokes=()), False),
        (b'{"word": "cat", "drawing": [[[1, 2], [3, 4]]]}', False),
        # Bytes 8 to 10 of pictures are those of a drawing.
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(60), False),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1" + bytes(60), False),
        (b"", False),
    ],
)
def test_a_drawing_has_to_end_where_another_begins(data, expected):
    assert is_bin(data) == expected
