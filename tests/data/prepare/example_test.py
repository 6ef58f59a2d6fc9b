"""The record of a drawing: TensorFlow reads what was written without it."""

import zlib
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from sketcher_tf.data.formats.drawing import Drawing
from sketcher_tf.data.manifest import SPLITS
from sketcher_tf.data.prepare.example import (
    encode_example,
    encode_labels,
    make_rows,
    places,
    split_at,
    split_of,
)
from sketcher_tf.data.prepare.shards import Shard
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.strokes import stroke3_to_polylines
from tests.testing import toys


def test_a_record_is_an_example_of_the_drawing():
    drawing = toys.drawing(3)
    [row] = make_rows([drawing], 64)
    record = encode_example(encode_labels([5, 300]), row.features)
    feature = tf.train.Example.FromString(record).features.feature
    assert sorted(feature) == ["labels", "raster", "stroke3"]
    assert feature["labels"].int64_list.value == [5, 300]
    [stroke3] = feature["stroke3"].bytes_list.value
    assert stroke3 == drawing.stroke3.astype("<f4").tobytes()
    [raster] = feature["raster"].bytes_list.value
    picture = rasterize(stroke3_to_polylines(drawing.stroke3), 64)
    assert zlib.decompress(raster) == picture.tobytes()


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=5))
def test_labels_are_read_as_they_were_written(labels):
    record = encode_example(encode_labels(labels), b"")
    features = tf.train.Example.FromString(record).features
    assert features.feature["labels"].int64_list.value == labels


def test_the_split_is_a_stable_hash_of_the_key():
    # Written down when this test was made: a set prepared anew, or on another
    # machine, must not move drawings from one split to another.
    splits = [split_of(f"toys/{n}") for n in range(100)]
    assert [n for n in range(100) if splits[n] == "valid"] == [1, 3, 51, 69]
    assert [n for n in range(100) if splits[n] == "test"] == [21, 66, 80]
    counts = Counter(split_of(str(n)) for n in range(20_000))
    for split, share in {"train": 0.9, "valid": 0.05, "test": 0.05}.items():
        margin = 5 * np.sqrt(share * (1 - share) / 20_000)
        assert abs(counts[split] / 20_000 - share) < margin


@pytest.mark.parametrize("split", SPLITS)
def test_a_place_tells_the_split(split):
    [(place, *_)] = make_rows([toys.drawing(0, split)], 16)
    low, high = places(split)
    assert low <= place < high
    assert split_at(low) == split_at(place) == split_at(high - 1) == split


@given(st.integers(1, 1000))
def test_parts_of_a_split_leave_no_gap(parts):
    ends = [places("valid", i, parts) for i in range(parts)]
    low, high = places("valid")
    assert [a for a, _ in ends] == [low, *(b for _, b in ends[:-1])]
    assert ends[-1][1] == high


@given(st.sampled_from(SPLITS), st.integers(1, 1000), st.data())
def test_a_place_tells_the_shard(split, of, data):
    number = data.draw(st.integers(0, of - 1))
    low, high = places(split, number, of)
    for place in (low, data.draw(st.integers(low, high - 1)), high - 1):
        assert Shard.at(place, of) == Shard(split, number, of)


def test_places_are_spread_evenly_over_the_parts():
    rows = make_rows([toys.drawing(n, "test") for n in range(300)], 16)
    for low, high in (places("test", i, 3) for i in range(3)):
        # 100 are expected, with a standard deviation of 8.
        assert 60 < sum(low <= row.place < high for row in rows) < 140


def test_only_what_is_equal_has_the_same_place():
    drawing = toys.drawing(0)
    moved = drawing.stroke3 + np.float32([1, 0, 0])
    others = [
        Drawing(drawing.stroke3, drawing.labels, "another key"),
        Drawing(drawing.stroke3, {"category": "other"}, drawing.key),
        Drawing(moved, drawing.labels, drawing.key),
    ]
    rows = make_rows([drawing, toys.drawing(0), *others], 16)
    assert rows[0] == rows[1]
    assert len({row.place for row in rows}) == 4
