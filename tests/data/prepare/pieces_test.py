"""A set in pieces is the set."""

import gzip
import json

import numpy as np
import pytest

from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.formats.reading import find_files, read_drawings
from sketcher_tf.data.formats.spans import cut_lines
from sketcher_tf.data.prepare import pieces


def line(number):
    strokes = [[[0, number, 50], [9, 99, number % 7]]]
    return json.dumps({"word": "cat", "key_id": number, "drawing": strokes})


@pytest.fixture
def folder(tmp_path):
    """Files of many lines and of few; every 50th line is bad."""
    rows = [line(n) if n % 50 != 30 else "{" for n in range(600)]
    (tmp_path / "a.ndjson").write_text("\n".join(rows))
    (tmp_path / "b.ndjson").write_text("\n\n".join(rows[:9]) + "\n")
    packed = gzip.compress("\n".join(rows[100:200]).encode())
    (tmp_path / "c.ndjson.gz").write_bytes(packed)
    return tmp_path


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(pieces, "_MIN_BYTES", 2000)


def cut(folder):
    return list(pieces.cut_files(find_files(str(folder)), Rules(), None))


def identity(drawing):
    return drawing.key, drawing.stroke3.tobytes()


def test_pieces_hold_all_drawings_in_order(folder, small):
    report, whole = SkipReport(), SkipReport()
    found = [d for piece in cut(folder) for d in piece.drawings(report)]
    expected = list(read_drawings(str(folder), Intake(report=whole)))
    assert len(expected) == 600 - 12 + 9 + 100 - 2
    assert list(map(identity, found)) == list(map(identity, expected))
    assert report == whole


def test_bad_rows_are_told_by_their_line_in_the_file(folder, small):
    last = [p for p in cut(folder) if any(file.span for file in p.files)][-1]
    report = SkipReport()
    list(last.drawings(report))
    assert report.examples["malformed JSON"].endswith("a.ndjson:581")


def test_large_files_are_cut_and_small_ones_joined(folder, small):
    found = cut(folder)
    sizes = [piece.size for piece in found]
    assert sum(sizes) == sum(p.stat().st_size for p in folder.iterdir())
    assert len(sizes) > 15
    assert all(2000 <= size < 4100 for size in sizes[:-1])
    # A packed file is not cut.
    [packed] = [f for p in found for f in p.files if f.path.suffix == ".gz"]
    assert packed.span is None
    assert any(len(piece.files) > 1 for piece in found)


def test_pieces_are_limited_in_files_too(folder, monkeypatch):
    monkeypatch.setattr(pieces, "_MAX_FILES", 2)
    assert [len(piece.files) for piece in cut(folder)] == [2, 1]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_spans_are_whole_lines(tmp_path, size):
    lines = [b"a" * n for n in np.random.default_rng(0).integers(0, 30, 50)]
    path = tmp_path / "a"
    path.write_bytes(b"\n".join(lines))
    data = path.read_bytes()
    with path.open("rb") as file:
        spans = list(cut_lines(file, size))
    assert b"".join(data[s.start : s.start + s.size] for s in spans) == data
    for span in spans:
        assert data[: span.start].count(b"\n") + 1 == span.line
        assert span.start == 0 or data[span.start - 1 : span.start] == b"\n"
