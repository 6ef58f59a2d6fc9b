"""Drawings in an object store: fsspec's own, in the memory of this process."""

import gzip
import json
import sys
from typing import Any, cast
from unittest import mock

import pytest

from sketcher_tf.data import sources
from sketcher_tf.data.formats.checks import Rules
from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.formats.reading import find_files
from sketcher_tf.data.prepare import pieces
from sketcher_tf.files import identity_of, to_path
from tests.testing.killing import digests

OPTIONS = sources.Options(image_size=16, num_shards=2)


def rows(word, count):
    return "".join(
        json.dumps(
            {
                "word": word,
                "key_id": f"{word}{i}",
                "drawing": [[[0, i, 255], [9, 0, 99]]],
            }
        )
        + "\n"
        for i in range(1, count)
    ).encode()


@pytest.fixture
def store():
    """A store with three files, two of them below `in`."""
    store = cast(Any, to_path("memory://bucket")).fs
    store.pipe("/bucket/in/cat.ndjson", rows("cat", 60))
    store.pipe("/bucket/in/more/dog.ndjson.gz", gzip.compress(rows("dog", 30)))
    store.pipe("/bucket/other/pig.ndjson", rows("pig", 9))
    yield store
    store.rm("/bucket", recursive=True)


@pytest.fixture
def local(tmp_path):
    """The same drawings prepared from files of this machine."""
    folder = tmp_path / "drawings"
    folder.mkdir()
    (folder / "cat.ndjson").write_bytes(rows("cat", 60))
    (folder / "dog.ndjson").write_bytes(rows("dog", 30))
    return sources.prepare(str(folder), OPTIONS, tmp_path / "local", 1)


def records(folder):
    """The digests of the shards; the manifest tells other sources."""
    return {k: v for k, v in digests(folder).items() if k != "schema.json"}


@pytest.mark.parametrize(
    "data",
    [
        "memory://bucket/in",
        "memory://bucket/in/*.ndjson,memory://bucket/in/**/*.gz",
    ],
)
def test_drawings_are_read_from_a_store(store, local, tmp_path, data):
    out = sources.prepare(data, OPTIONS, tmp_path / "out", 1)
    assert records(out) == records(local)


def test_beam_writes_into_a_store(store, local, tmp_path):
    out = to_path("memory://bucket/out")
    sources.prepare("memory://bucket/in", OPTIONS, out, beam=[])
    copy = tmp_path / "copy"
    store.get("/bucket/out", str(copy), recursive=True)
    assert records(copy) == records(local)
    # And it is known for what it is.
    assert sources.prepare(str(out), OPTIONS) == out
    with pytest.raises(ValueError, match="must be a new folder"):
        sources.prepare("memory://bucket/in", OPTIONS, out, beam=[])


@pytest.mark.parametrize(
    ("smallest", "opened"), [(pieces._MIN_BYTES, 1), (1000, 2)]
)
def test_files_are_opened_as_often_as_they_are_needed(
    store, monkeypatch, smallest, opened
):
    """Once to see what it is, once to cut it if it is large; then to read."""
    monkeypatch.setattr(pieces, "_MIN_BYTES", smallest)
    with mock.patch.object(store, "_open", wraps=store._open) as calls:
        files = find_files("memory://bucket/in/*.ndjson")
        found = list(pieces.cut_files(files, Rules(), None))
        assert calls.call_count == opened
        assert (len(found) > 1) == (opened > 1)
        for piece in found:
            list(piece.drawings(SkipReport()))
    assert calls.call_count == opened + len(found)


def test_a_change_in_a_store_is_noticed(store):
    path = to_path("memory://bucket/in/cat.ndjson")
    before = identity_of(path)
    assert identity_of(to_path(str(path))) == before
    store.pipe("/bucket/in/cat.ndjson", rows("cat", 61))
    assert identity_of(path) != before


@pytest.mark.parametrize("data", ["memory://bucket/no", "memory://bucket/*.x"])
def test_nothing_in_a_store_is_told(store, data):
    with pytest.raises(ValueError, match="a source must be a file, a glob"):
        find_files(data)


def test_a_store_is_no_place_to_build_in(store):
    with pytest.raises(ValueError, match="must be on this machine, or made by"):
        sources.prepare(
            "memory://bucket/in", OPTIONS, to_path("memory://bucket/out")
        )


def test_a_package_that_is_missing_is_named():
    with (
        mock.patch.dict(sys.modules, {"upath": None}),
        pytest.raises(ModuleNotFoundError, match=r"sketcher-tf\[storage\]"),
    ):
        to_path("s3://bucket/x")
