"""Mutated files of every format: no crash, no hang, nothing executed.

FUZZ_MUTANTS=20000 python -m pytest tests/data/formats/fuzz_test.py
"""

import gzip
import io
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.placement import Placement
from sketcher_tf.data.formats.reading import read_drawings
from sketcher_tf.schema import Factor, Schema
from tests.data.formats.signatures_test import DRAWINGS

HERE = Path(__file__).parent
NUM_MUTANTS = int(os.environ.get("FUZZ_MUTANTS", "300"))
PARTS = 4  # so that workers share them
SECONDS = 1.0  # of the processor, so that a busy machine fails nothing

SCHEMA = Schema((Factor("category", ("cat",)),), 30.0, 50, 64)
RULES = [
    Rules(),
    Rules.of_model(SCHEMA, Placement(whole=False)),
    Rules.of_model(SCHEMA, Placement(fit=True)),
    Rules.of_model(SCHEMA, Placement(canvas=(3.0, 1e-3))),
]

# What mutations put in: numbers at the edge, and words that mean something.
TOKENS = [
    *(b"0", b"-1", b"1e400", b"1e-320", b"NaN", b"Infinity", b"null", b"%"),
    *(b"999999999999999999999", b"[", b"]", b"{", b"}", b'"', b"<", b"/>"),
    *(b"url(#a)", b"none", b"transform='scale(0)'", b"<use href='#a'/>"),
    *(
        b"\0",
        b"\xff\xfe",
        b"\xff" * 8,
        b"\x93NUMPY",
        b"PK\3\4",
        b"\x1f\x8b\x08",
    ),
    *(b"cos\nsystem\n", b"(S'touch executed'\ntR.", b"viewBox='0 0 0 1'"),
    *(b"M0 0A1e-9 1 0 0 1 5 5", b"z", b"<g opacity='0'>", b"clip-path", b","),
]


def seeds():
    files = [
        path
        for folder in ("cases", "svg/corpus")
        for path in sorted((HERE / folder).rglob("*"))
        if path.is_file() and path.stat().st_size < 40_000
    ]
    contents = [path.read_bytes() for path in files]
    contents += [content for content, _ in DRAWINGS]
    return contents + [gzip.compress(content) for content in contents[::9]]


def mutant(rng, contents):
    data = bytearray(contents[rng.integers(len(contents))])
    if data[:3] == b"\x1f\x8b\x08" and rng.random() < 0.7:
        return gzip.compress(_changed(rng, bytearray(gzip.decompress(data))))
    if data[:4] == b"PK\3\4" and rng.random() < 0.7:
        return _zipped(rng, data)
    return bytes(_changed(rng, data))


def _zipped(rng, data):
    """A zip with changed members, whose sums fit."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(changed, "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, bytes(_changed(rng, bytearray(old.read(name)))))
    return changed.getvalue()


def _changed(rng, data):
    for _ in range(rng.integers(1, 8)):
        at, to = sorted(rng.integers(0, len(data) + 1, 2).tolist())
        to = min(to, at + int(rng.integers(1, 200)))
        kind = rng.integers(5)
        if kind == 0:
            data[at:to] = b""
        elif kind == 1:
            data[at:at] = TOKENS[rng.integers(len(TOKENS))]
        elif kind == 2:
            data[at:at] = data[at:to] * int(rng.integers(1, 20))
        elif kind == 3 and at < len(data):
            data[at] = rng.integers(256)
        elif kind == 4:
            data[at:to] = TOKENS[rng.integers(len(TOKENS))]
    return data


@pytest.mark.filterwarnings("error")  # NumPy's overflows would hide faults
@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_files_are_read_or_refused(tmp_path, monkeypatch, part):
    monkeypatch.chdir(tmp_path)
    # Slow to import, and only when it is used.
    assert pytest.importorskip("skimage.measure").regionprops
    assert pytest.importorskip("skimage.morphology").skeletonize
    contents = seeds()
    for number in range(part, NUM_MUTANTS, PARTS):
        rng = np.random.default_rng([7, number])
        path = tmp_path / f"{number}{rng.choice(['', '.svg', '.bin', '.json'])}"
        path.write_bytes(mutant(rng, contents))
        start = time.process_time()
        try:
            intake = Intake(RULES[number % len(RULES)])
            for drawing in read_drawings([str(path)], intake):
                assert len(drawing.stroke3) >= 2
                assert np.isfinite(drawing.stroke3).all()
        except ValueError as error:
            assert str(error)
        assert time.process_time() - start < SECONDS, f"mutant {number} is slow"
        path.unlink()
    assert not list(tmp_path.iterdir()), "something was executed"
