"""Arrays under other names, of other rows, and of pictures."""

import numpy as np
import pytest

from sketcher_tf.strokes import stroke3_to_stroke5
from tests.data.formats.arrays.npz_test import (
    LARGE,
    SQUARE,
    objects,
    read,
    save,
)


def test_splits_may_have_other_names(tmp_path):
    path = save(
        tmp_path / "a.npz", Train=objects([SQUARE]), val=objects([LARGE])
    )
    drawings, _ = read(path)
    assert [drawing.split for drawing in drawings] == ["train", "valid"]


def test_stroke5_may_end_in_zeros(tmp_path):
    rows = stroke3_to_stroke5(SQUARE.astype(np.float32), 9)
    rows[5:] = 0
    [drawing], causes = read(save(tmp_path / "a.npz", train=objects([rows])))
    assert not causes
    np.testing.assert_array_equal(drawing.stroke3, SQUARE[1:])


def test_bitmaps_are_named(tmp_path):
    path = save(tmp_path / "a.npz", train=np.zeros((9, 28, 28), np.uint8))
    with pytest.raises(ValueError, match=r"holds bitmaps \[9, 28, 28\]"):
        read(path)
