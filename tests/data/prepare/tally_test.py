"""Counts of parts of a set add up to the counts of the whole."""

import json

import numpy as np
import pytest

from sketcher_tf.data.formats.drawing import (
    BadDrawingError,
    Drawing,
    SkipReport,
)
from sketcher_tf.data.prepare.tally import Tally, Target
from sketcher_tf.strokes import bounds, stroke3_to_polylines
from tests.testing import toys

TARGET = Target(image_size=16, num_shards=3, shard_bytes=1000)


def tally(drawings):
    found = Tally()
    list(found.rows(drawings, 16))
    return found


def test_parts_add_up_exactly_in_any_order():
    drawings = toys.drawings(60, 8, 5)
    whole = tally(drawings)
    parts = [tally(drawings[i::7]) for i in range(7)]
    for order in ([0, 1, 2, 3, 4, 5, 6], [5, 3, 6, 0, 2, 4, 1]):
        summed = Tally()
        for i in order:
            summed.update(parts[i])
        assert summed == whole


def test_a_tally_survives_json():
    whole = tally(toys.drawings(10, 3))
    assert Tally.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_the_scale_is_the_deviation_of_the_training_offsets():
    drawings = toys.drawings(50, 20)
    offsets = np.concatenate(
        [d.stroke3[:, :2] for d in drawings if d.split == "train"]
    )
    schema = tally(drawings).schema(TARGET, SkipReport())
    np.testing.assert_allclose(schema.scale_factor, offsets.std(), rtol=1e-6)


def test_the_size_is_the_median_of_the_longest_sides():
    drawings = toys.drawings(51, 20)
    corners = [
        bounds(stroke3_to_polylines(d.stroke3))
        for d in drawings
        if d.split == "train"
    ]
    sides = [(high - low).max() for low, high in corners]
    schema = tally(drawings).schema(TARGET, SkipReport())
    np.testing.assert_allclose(schema.size_px, np.median(sides), rtol=0.005)


def test_without_drawings_for_training_it_is_said_what_there_was():
    held_out = [d for d in toys.drawings(60, 8) if d.split != "train"]
    report = SkipReport()
    with pytest.raises(ValueError, match=r"received none\. Nothing was read"):
        tally([]).schema(TARGET, report)
    with pytest.raises(ValueError, match=r"none\. \d+ read, all drawn by lot"):
        tally(held_out).schema(TARGET, report)
    report.add(BadDrawingError("one point", "cat.svg:1"))
    with pytest.raises(ValueError, match="bring more; 1 row skipped: 1 one po"):
        tally(held_out).schema(TARGET, report)


def test_values_are_in_alphabetical_order():
    labels = [("b", "x"), ("a", "y"), ("c", "x")]
    drawings = [
        Drawing(toys.drawing(0).stroke3, {"word": w, "style": s}, f"{w}/{s}")
        for w, s in labels
    ]
    factors = tally(drawings).schema(TARGET, SkipReport()).factors
    assert [(f.name, f.values) for f in factors] == [
        ("word", ("a", "b", "c")),
        ("style", ("x", "y")),
    ]


def test_there_are_shards_enough_for_what_there_is():
    few = tally(toys.drawings(1))
    assert few.num_shards(TARGET) == 3
    many = tally(toys.drawings(60))
    number = many.num_shards(TARGET)
    assert (number - 1) * 1000 < many.num_bytes["train"] <= number * 1000


def test_differing_factors_are_refused():
    faces = Drawing(toys.drawing(0).stroke3, {"mood": "sad"}, "faces/1")
    told = (
        r"same factors, here \['category'\]; received \['mood'\] for "
        r"{}\. Prepare these sources apart"
    )
    with pytest.raises(ValueError, match=told.format("faces/1")):
        tally([toys.drawing(1), faces])
    part = tally([faces])
    whole = tally([toys.drawing(1)])
    with pytest.raises(ValueError, match=told.format("others")):
        whole.update(part)
