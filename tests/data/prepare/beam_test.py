"""Beam makes the same bytes as the processes of one machine."""

import pytest

from sketcher_tf.data.formats.drawing import BadDrawingError
from sketcher_tf.data.prepare.beam import prepare_on_beam
from sketcher_tf.data.prepare.local import prepare_locally
from sketcher_tf.data.prepare.tally import Target
from tests.testing import toys
from tests.testing.killing import digests

ERRORS = [BadDrawingError("no points", f"{n}.ndjson:{n}") for n in range(3)]
PIECES = [
    toys.Drawings(toys.drawings(40, 7, 5)[i::3], ERRORS[i : i + 1])
    for i in range(3)
]


def test_beam_and_this_machine_make_the_same_bytes(tmp_path):
    target = Target(image_size=toys.IMAGE_SIZE, num_shards=3)
    prepare_locally(PIECES, tmp_path / "local", target)
    prepare_on_beam(
        PIECES, str(tmp_path / "beam"), target, ["--runner=DirectRunner"]
    )
    assert digests(tmp_path / "beam") == digests(tmp_path / "local")


def test_a_bad_row_ends_the_pipeline_if_strict(tmp_path):
    target = Target(strict=True, image_size=toys.IMAGE_SIZE)
    with pytest.raises(Exception, match=r"0\.ndjson:0: no points"):
        prepare_on_beam(PIECES, str(tmp_path / "beam"), target, [])
    assert not (tmp_path / "beam" / "schema.json").exists()
