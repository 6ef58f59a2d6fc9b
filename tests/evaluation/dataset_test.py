import numpy as np
import pytest

from sketcher_tf.data.formats.drawing import Drawing
from sketcher_tf.evaluation.dataset import (
    Drawings,
    condition_of,
    read_split,
)
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import stroke3_to_polylines
from tests.testing import toys

SPLITS = {"train": 9, "valid": 2, "test": 5}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return toys.prepare(
        tmp_path_factory.mktemp("data") / "toys", *SPLITS.values()
    )


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_is_read_as_it_was_written(data, split):
    found = read_split(data, split, 1000)
    written = [
        drawing
        for drawing in toys.drawings(*SPLITS.values())
        if drawing.split == split
    ]
    assert len(found) == SPLITS[split]
    words = found.schema.factors[0].values
    for drawing in written:
        [row] = [
            i
            for i, stroke3 in enumerate(found.stroke3)
            if stroke3.shape == drawing.stroke3.shape
            and np.allclose(stroke3, drawing.stroke3, atol=1e-3)
        ]
        assert words[found.labels[row, 0]] == drawing.labels["category"]
        lines = stroke3_to_polylines(drawing.stroke3)
        np.testing.assert_array_equal(
            found.images[row], rasterize(lines, toys.IMAGE_SIZE)
        )


def test_a_limit_is_kept(data):
    assert len(read_split(data, "train", 4)) == 4
    assert read_split(data, "train", 4).images.shape == (4, 16, 16)


def test_a_split_may_be_empty(tmp_path):
    folder = toys.prepare(tmp_path / "toys", 3)
    found = read_split(folder, "test", 10)
    assert len(found) == 0
    assert found.images.shape == (0, 16, 16)
    assert found.labels.shape == (0, 1)


def test_some_drawings_are_taken(data):
    found = read_split(data, "train", 1000)
    part = found.take(np.array([5, 0]))
    assert part.stroke3 == (found.stroke3[5], found.stroke3[0])
    np.testing.assert_array_equal(part.images, found.images[[5, 0]])
    np.testing.assert_array_equal(part.labels, found.labels[[5, 0]])


def test_sketches_name_what_they_show(data):
    found = read_split(data, "test", 1000)
    sketches = found.sketches()
    assert {sketch.category for sketch in sketches} == set(toys.CATEGORIES)
    for sketch, stroke3, row in zip(
        sketches, found.stroke3, found.labels, strict=True
    ):
        assert sketch.category == found.schema.words[row[0]]
        assert sketch.stroke3 is stroke3


def test_a_condition_names_all_factors():
    schema = Schema(
        (Factor("shape", ("ring", "bar")), Factor("side", ("left", "right"))),
        *(1.0, 12, 16),
    )
    text = condition_of(np.array([1, 0]), schema)
    assert text == "shape=bar,side=left"
    np.testing.assert_array_equal(schema.parse(text), [0, 1, 1, 0])


def test_several_factors_are_read(tmp_path):
    drawings = [
        Drawing(
            toys.drawing(i).stroke3,
            {"shape": "ab"[i % 2], "side": "xyz"[i % 3]},
            str(i),
            "train",
        )
        for i in range(12)
    ]
    toys.write(drawings, tmp_path / "data")
    found = read_split(tmp_path / "data", "train", 100)
    conditions = sorted(
        f"shape={d.labels['shape']},side={d.labels['side']}" for d in drawings
    )
    assert sorted(found.conditions()) == conditions


def test_labels_are_renumbered_for_a_model_of_another_order():
    mine = Schema(
        (Factor("a", ("x", "y", "z")), Factor("b", ("p", "q"))), 1, 1, 8
    )
    other = Schema(
        (Factor("b", ("q", "p")), Factor("a", ("z", "x", "y"))), 1, 1, 8
    )
    labels = np.array([[0, 0], [1, 1], [2, 0]])
    drawings = Drawings((), np.zeros((0, 8, 8), np.uint8), labels, mine)
    found = drawings.labels_of(other)
    np.testing.assert_array_equal(found, [[1, 1], [0, 2], [1, 0]])
    for row, text in zip(
        other.encode(found), drawings.conditions(), strict=True
    ):
        np.testing.assert_array_equal(row, other.parse(text))
    np.testing.assert_array_equal(drawings.labels_of(mine), labels)
