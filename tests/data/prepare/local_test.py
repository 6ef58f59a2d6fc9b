"""Preparing on this machine: always the same bytes, whatever happens."""

import subprocess
import sys
import zlib
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.data.manifest import SCHEMA_FILE, read_manifest
from sketcher_tf.data.prepare import local
from sketcher_tf.data.prepare.example import split_of
from sketcher_tf.data.prepare.local import prepare_locally
from sketcher_tf.data.prepare.tally import Target
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.strokes import stroke3_to_polylines
from tests.testing import toys
from tests.testing.killing import digests
from tests.testing.source_imports import ROOT

TARGET = Target(image_size=toys.IMAGE_SIZE, num_shards=3)
PIECES = [toys.Drawings(toys.drawings(60, 7, 5)[i::5]) for i in range(5)]


def read(folder, split):
    """The records of a split: stroke3 -> (label, raster)."""
    manifest = read_manifest(folder)
    values = manifest.schema.factors[0].values
    rows = {}
    for shard in manifest.splits[split].shards:
        for record in tf.data.TFRecordDataset(str(folder / shard)):
            features = tf.train.Example.FromString(record.numpy()).features
            stroke3 = features.feature["stroke3"].bytes_list.value[0]
            label = features.feature["labels"].int64_list.value[0]
            raster = features.feature["raster"].bytes_list.value[0]
            rows[stroke3] = values[label], zlib.decompress(raster)
    return rows


# --- What is in it ----------------------------------------------------------


def test_drawings_come_back(tmp_path):
    drawings = toys.drawings(20, 5, 3)
    toys.write(drawings, tmp_path / "set")
    for split in ("train", "valid", "test"):
        rows = read(tmp_path / "set", split)
        mine = [d for d in drawings if d.split == split]
        assert len(rows) == len(mine)
        for drawing in mine:
            label, raster = rows[drawing.stroke3.tobytes()]
            assert label == drawing.labels["category"]
            lines = stroke3_to_polylines(drawing.stroke3)
            assert raster == rasterize(lines, toys.IMAGE_SIZE).tobytes()


def test_the_manifest_says_what_is_there(tmp_path):
    drawings = toys.drawings(20, 5, 3)
    errors = [
        BadDrawingError("no points", "a.ndjson:4"),
        BadDrawingError("no points", "a.ndjson:9"),
    ]
    manifest = toys.write(
        drawings,
        tmp_path / "set",
        errors,
        sources=("a.ndjson",),
        attribution="somebody",
    )
    assert read_manifest(tmp_path / "set") == manifest
    assert {n: s.count for n, s in manifest.splits.items()} == {
        "train": 20,
        "valid": 5,
        "test": 3,
    }
    train = [len(d.stroke3) for d in drawings if d.split == "train"]
    assert manifest.splits["train"].lengths == Counter(train)
    assert manifest.counts["valid"] == {"ring": 3, "zigzag": 2}
    assert manifest.skipped == {"no points": 2}
    assert manifest.examples == {"no points": "first in a.ndjson:4"}
    assert manifest.sources == ("a.ndjson",)
    assert manifest.attribution == "somebody"
    schema = manifest.schema
    assert [f.name for f in schema.factors] == ["category"]
    assert schema.factors[0].values == toys.CATEGORIES
    assert schema.image_size == toys.IMAGE_SIZE
    assert schema.max_seq_len == max(len(d.stroke3) for d in drawings)


def test_a_source_may_say_the_split_itself(tmp_path):
    drawings = [toys.drawing(n) for n in range(60)]
    drawings[0] = toys.drawing(0, "test")
    manifest = toys.write(drawings, tmp_path / "set")
    assert split_of(drawings[0].key) == "train"
    assert drawings[0].stroke3.tobytes() in read(tmp_path / "set", "test")
    expected = Counter(split_of(d.key) for d in drawings[1:])
    expected["test"] += 1
    assert {n: s.count for n, s in manifest.splits.items()} == expected


def test_shards_are_shuffled(tmp_path):
    drawings = toys.drawings(40)
    toys.write(drawings, tmp_path / "set", num_shards=1)
    written = [d.stroke3.tobytes() for d in drawings]
    read_back = list(read(tmp_path / "set", "train"))
    assert read_back != written
    assert sorted(read_back) == sorted(written)


def test_shards_are_no_larger_than_is_wanted(tmp_path):
    manifest = toys.write(toys.drawings(90), tmp_path / "set", shard_bytes=2000)
    shards = manifest.splits["train"].shards
    sizes = [(tmp_path / "set" / name).stat().st_size for name in shards]
    assert len(sizes) > 5
    assert max(sizes) < 4000


# --- The same bytes ---------------------------------------------------------


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "set"
    prepare_locally(PIECES, folder, TARGET)
    return digests(folder)


def test_pieces_make_no_difference(tmp_path, expected):
    whole = [d for piece in PIECES for d in piece.rows]
    prepare_locally([toys.Drawings(whole[::-1])], tmp_path / "set", TARGET)
    assert digests(tmp_path / "set") == expected


def test_runs_make_no_difference(tmp_path, expected, monkeypatch):
    monkeypatch.setattr(local, "_RUN_BYTES", 1000)
    prepare_locally(PIECES, tmp_path / "set", TARGET)
    assert digests(tmp_path / "set") == expected


def test_workers_make_no_difference(tmp_path, expected):
    prepare_locally(
        PIECES, tmp_path / "set", TARGET, workers=2, total_bytes=10**9
    )
    assert digests(tmp_path / "set") == expected


def test_a_second_start_after_a_kill_ends_the_same(tmp_path):
    # In a process without TensorFlow, whose threads a fork would lose.
    done = subprocess.run(
        [sys.executable, "-m", "tests.testing.killing", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_what_was_read_is_not_read_again(tmp_path):
    def interrupted():
        yield from PIECES[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_locally(interrupted(), tmp_path / "set", TARGET)
    assert not (tmp_path / "set").exists()
    again = [toys.Drawings([]), toys.Drawings([]), *PIECES[2:]]
    manifest = prepare_locally(again, tmp_path / "set", TARGET)
    assert manifest.splits["train"].count == 60


def test_another_plan_begins_anew(tmp_path):
    def interrupted():
        yield PIECES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_locally(interrupted(), tmp_path / "set", TARGET, plan="a")
    manifest = prepare_locally(PIECES[1:2], tmp_path / "set", TARGET, plan="b")
    drawings = PIECES[1].rows
    counts = Counter(drawing.split for drawing in drawings)
    assert {n: s.count for n, s in manifest.splits.items()} == counts


# --- What stands in the way -------------------------------------------------


def test_differing_factors_are_refused(tmp_path):
    faces = Drawing(toys.drawing(0).stroke3, {"mood": "sad"}, "faces/1")
    pieces = [toys.Drawings([toys.drawing(1)]), toys.Drawings([faces])]
    with pytest.raises(ValueError, match="must have the same factors"):
        prepare_locally(pieces, tmp_path / "set", TARGET)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("drawings", "told"),
    [
        ([], "Nothing was read"),
        ([toys.drawing(1, "valid")], "1 read, all drawn by lot for valid"),
    ],
)
def test_nothing_to_train_on_is_refused(tmp_path, drawings, told):
    errors = [BadDrawingError("too long", "row 1")]
    with pytest.raises(
        ValueError, match=r"received none\. .*1 row skipped: 1 too long"
    ):
        toys.write(drawings, tmp_path / "set", errors)
    with pytest.raises(ValueError, match=told):
        toys.write(drawings, tmp_path / "set")
    assert not list(tmp_path.iterdir())


def test_drawings_without_a_scale_are_refused(tmp_path):
    line = np.array([[5, 5, 0], [5, 5, 1]], np.float32)
    drawings = [Drawing(line, {"category": "dot"}, "1", "train")]
    with pytest.raises(ValueError, match="received 2 points all of one offset"):
        toys.write(drawings, tmp_path / "set")


def test_the_first_bad_row_is_an_error_if_strict(tmp_path):
    errors = [BadDrawingError("no points", f"a.ndjson:{n}") for n in (4, 9)]
    with pytest.raises(BadDrawingError, match=r"a\.ndjson:4: no points"):
        toys.write(toys.drawings(5), tmp_path / "set", errors, strict=True)


def test_a_foreign_folder_is_left_alone(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "me.jpg").write_text("smile")
    with pytest.raises(ValueError, match="photos, which holds something else"):
        toys.write(toys.drawings(5), folder)
    assert (folder / "me.jpg").read_text() == "smile"
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_folder_prepared_before_is_replaced(tmp_path):
    toys.write(toys.drawings(5, 5), tmp_path / "set")
    manifest = toys.write(toys.drawings(7), tmp_path / "set", num_shards=1)
    assert read_manifest(tmp_path / "set").splits["train"].count == 7
    files = {path.name for path in (tmp_path / "set").iterdir()}
    assert files == {SCHEMA_FILE, *manifest.splits["train"].shards}
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
