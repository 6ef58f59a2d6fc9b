import dataclasses
import json
from pathlib import Path

import pytest

from sketcher_tf.data.manifest import (
    SCHEMA_FILE,
    Manifest,
    Split,
    is_prepared,
    read_manifest,
)
from tests.testing import toys

MANIFEST = Manifest(
    toys.SCHEMA,
    {
        "train": Split(("a.tfrecord", "b.tfrecord"), {3: 40, 12: 4}),
        "valid": Split(("c.tfrecord",), {5: 1}),
        "test": Split((), {}),
    },
    {"train": {"ring": 44}, "valid": {"zigzag": 1}, "test": {}},
    {"too long": 2},
    {"simplified further": 1},
    {"too long": "first in a.ndjson:7"},
    ("a.ndjson",),
    "somebody",
)


def test_a_manifest_survives_json():
    back = Manifest.loads(MANIFEST.dumps())
    assert back == MANIFEST
    assert back.splits["train"].count == 44
    assert back.splits["test"].count == 0


def test_a_manifest_without_extras_survives_json():
    manifest = Manifest(toys.SCHEMA, {"train": Split(("a",), {3: 1})}, {})
    assert Manifest.loads(manifest.dumps()) == manifest


def test_what_is_too_long_a_path_is_not_prepared():
    assert not is_prepared(Path(",".join(50 * ["drawings/" + "cat" * 30])))


def test_what_another_version_prepared_is_told(tmp_path):
    values = dataclasses.asdict(MANIFEST)
    for name in ("version", "notes", "examples"):
        del values[name]
    (tmp_path / SCHEMA_FILE).write_text(json.dumps(values))
    assert is_prepared(tmp_path)
    with pytest.raises(
        ValueError,
        match=r"must be of version 2; received .* of version 1\. Prepare its "
        r"sources anew: a\.ndjson\.",
    ):
        read_manifest(tmp_path)
