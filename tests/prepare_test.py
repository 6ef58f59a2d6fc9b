"""Preparing a set, as a library call and as a command."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sketcher_tf import prepare, rendering
from sketcher_tf.data import sources
from sketcher_tf.data.manifest import is_prepared, read_manifest
from sketcher_tf.data.prepare import pieces
from sketcher_tf.sketches import Sketch
from tests.testing import toys
from tests.testing.source_imports import ROOT

OPTIONS = sources.Options(image_size=16, num_shards=1)


@pytest.fixture
def rows(tmp_path):
    """A file with drawings of two categories, one with signs in its name."""
    path = tmp_path / "c++.ndjson"
    sketches = [
        Sketch(toys.drawing(n).stroke3, ("c++", "dog")[n % 2])
        for n in range(40)
    ]
    path.write_text("\n".join(map(rendering.to_ndjson, sketches)))
    return path


def command(*args):
    return subprocess.run(
        [sys.executable, "-m", "sketcher_tf.prepare", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_command_prepares(rows, tmp_path):
    output = tmp_path / "new" / "prepared"
    done = command(f"--data={rows}", f"--output={output}", "--image_size=16")
    assert done.returncode == 0, done.stderr
    assert is_prepared(output)
    manifest = read_manifest(output)
    assert sum(split.count for split in manifest.splits.values()) == 40
    assert manifest.schema.image_size == 16
    assert "of 2 words: c++ 20, dog 20; up to 12 points" in done.stderr


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (
            ["--output=out", "--data", "a.ndjson", "b.ndjson"],
            "error: everything is given by flags; received ['b.ndjson'].",
        ),
        (
            ["--data=doodles", "--output=out", "--image_size=20"],
            "--image_size=20: must be a multiple of 8",
        ),
    ],
)
def test_bad_flags_are_refused(args, text):
    with pytest.raises(SystemExit, match=re.escape(text)):
        prepare.COMMAND.run(prepare.main, args)


def test_beam_prepares_the_same(rows, tmp_path):
    beam = ["--runner=DirectRunner", "--direct_num_workers=1"]
    here = sources.prepare(str(rows), OPTIONS, tmp_path / "here")
    there = sources.prepare(str(rows), OPTIONS, tmp_path / "there", beam=beam)
    assert contents(here) == contents(there)
    with pytest.raises(ValueError, match="must be a new folder; received"):
        sources.prepare(str(rows), OPTIONS, there, beam=beam)


def test_many_files_may_be_named_at_once(rows, tmp_path):
    output = tmp_path / "prepared"
    sources.prepare(",".join(200 * [str(rows)]), OPTIONS, output)
    assert is_prepared(output)


def test_what_is_prepared_is_taken_as_it_is(rows, tmp_path):
    folder = sources.prepare(str(rows), OPTIONS, tmp_path / "set")
    before = contents(folder)
    assert sources.prepare(str(folder), sources.Options()) == folder
    with pytest.raises(ValueError, match="must be drawings; received"):
        sources.prepare(str(folder), OPTIONS, tmp_path / "other")
    assert contents(folder) == before
    assert not (tmp_path / "other").exists()


def test_a_run_folder_is_neither_data_nor_overwritten(rows, tmp_path):
    run = sources.prepare(str(rows), OPTIONS, tmp_path / "run")
    (run / "model.keras").write_bytes(b"weights")
    before = contents(run)
    with pytest.raises(ValueError, match="run, which holds something else"):
        sources.prepare(str(rows), OPTIONS, run)
    with pytest.raises(ValueError, match="must hold drawings for training"):
        sources.prepare(str(run), OPTIONS)
    assert contents(run) == before


@pytest.mark.parametrize("name", ["doodles", "faces"])
def test_what_the_project_draws_is_prepared(name, tmp_path, monkeypatch):
    draw = pieces.DRAWN[name]
    few = {name: lambda: itertools.islice(draw(), 40)}
    monkeypatch.setattr(pieces, "DRAWN", few)
    folder = sources.prepare(name, OPTIONS, tmp_path / "set", workers=1)
    manifest = read_manifest(folder)
    assert manifest.sources == (name,)
    assert sum(split.count for split in manifest.splits.values()) == 40
    labels = next(draw()).labels
    factors = {factor.name: factor.values for factor in manifest.schema.factors}
    assert factors.keys() == labels.keys()
    assert all(word in factors[factor] for factor, word in labels.items())
