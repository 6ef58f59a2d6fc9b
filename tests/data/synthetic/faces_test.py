import itertools

import numpy as np
import pytest

from sketcher_tf.data.synthetic.faces import FACTORS, face, faces
from sketcher_tf.data.synthetic.features import Part
from sketcher_tf.data.synthetic.portraits import hairdos, portrait
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.strokes import (
    bounds,
    check_stroke3,
    stroke3_to_polylines,
)

NAMES = tuple(FACTORS)
COMBINATIONS = list(itertools.product(*FACTORS.values()))
COUNT = 12


@pytest.fixture(scope="module")
def drawn():
    return list(faces(count_per_combination=COUNT))


def ink(stroke3):
    """How the ink of a drawing is spread over 16 x 16 cells."""
    image = rasterize(stroke3_to_polylines(stroke3), 64)
    return image.reshape(16, 4, 16, 4).mean(axis=(1, 3)).ravel()


def sitter_of(drawing):
    """A portrait whose strokes are as long as those of the drawing."""
    labels = drawing.labels
    count = hairdos(labels["gender"], labels["view"], labels["style"])
    lifts = np.flatnonzero(drawing.stroke3[:, 2])
    sitters = (portrait(**labels, hairdo=number) for number in range(count))
    return next(s for s in sitters if np.array_equal(s.lifts, lifts))


def parts_of(drawing):
    """Points [n, 2] of each part of a drawing, in pixels."""
    sitter = sitter_of(drawing)
    points = np.cumsum(drawing.stroke3[:, :2], axis=0)
    owners = sitter.parts[sitter.weights.argmax(axis=1)]
    return {part: points[owners == part] for part in Part}


def middle(points):
    return (points.min(axis=0) + points.max(axis=0)) / 2


def test_the_factors_are_those_of_facex():
    assert NAMES == ("gender", "view", "emotion", "style")
    assert [len(values) for values in FACTORS.values()] == [2, 2, 7, 3]


def test_the_head_comes_first_and_the_features_stay_on_it(drawn):
    for drawing in drawn:
        parts = parts_of(drawing)
        head = parts.pop(Part.HEAD)
        begun = drawing.stroke3[: len(head), :2]
        np.testing.assert_array_equal(np.cumsum(begun, axis=0), head)
        low, high = head.min(axis=0), head.max(axis=0)
        for points in parts.values():
            assert (points >= low - 2).all()
            assert (points <= high + 2).all()


def test_features_have_their_places(drawn):
    for drawing in drawn:
        parts = parts_of(drawing)
        left, right, nose, mouth = (
            middle(parts[part])
            for part in (Part.LEFT_EYE, Part.RIGHT_EYE, Part.NOSE, Part.MOUTH)
        )
        assert left[0] < mouth[0] < right[0]
        assert max(left[1], right[1]) < nose[1] < mouth[1]


def test_a_mid_profile_looks_to_the_left(drawn):
    for drawing in drawn:
        parts = parts_of(drawing)
        head, left, right = (
            parts[part][:, 0]
            for part in (Part.HEAD, Part.LEFT_EYE, Part.RIGHT_EYE)
        )
        narrower = np.ptp(left) / np.ptp(right)
        eyes = np.append(left, right)
        aside = (middle(head) - middle(eyes)) / np.ptp(head)
        if drawing.labels["view"] == "mid-profile":
            assert narrower < 0.87
            assert aside > 0.05
        else:
            assert 0.75 < narrower < 1.33
            assert abs(aside) < 0.15


def test_the_stream_holds_every_combination(drawn):
    labels = [tuple(drawing.labels[n] for n in NAMES) for drawing in drawn]
    assert sorted(labels) == sorted(COMBINATIONS * COUNT)


def test_the_stream_holds_the_same_drawings_as_single_calls(drawn):
    numbers = itertools.product(range(COUNT), COMBINATIONS)
    for drawing, (index, values) in zip(drawn, numbers, strict=True):
        gender, view, emotion, style = values
        alone = face(gender, view, emotion, style, index)
        assert drawing.key == alone.key
        np.testing.assert_array_equal(drawing.stroke3, alone.stroke3)


def test_all_faces_differ(drawn):
    assert len({d.stroke3.tobytes() for d in drawn}) == len(drawn)
    assert len({d.key for d in drawn}) == len(drawn)


def test_another_seed_gives_other_faces(drawn):
    contents = {drawing.stroke3.tobytes() for drawing in drawn}
    others = {d.stroke3.tobytes() for d in faces(1, seed=1)}
    assert not contents & others


def test_faces_are_in_the_form_of_quick_draw(drawn):
    for drawing in drawn:
        stroke3 = check_stroke3(drawing.stroke3)
        assert drawing.stroke3.dtype == np.float32
        assert stroke3[-1, 2] == 1
        np.testing.assert_array_equal(stroke3, np.round(stroke3))
        low, high = bounds(stroke3_to_polylines(stroke3))
        assert low.min() >= 0
        assert 250 <= high.max() <= 255


def test_faces_are_not_too_long(drawn):
    lengths = [len(drawing.stroke3) for drawing in drawn]
    assert min(lengths) >= 35
    assert np.mean(lengths) <= 100
    assert max(lengths) <= 160


def test_every_factor_can_be_seen(drawn):
    """A ridge regression on blurred ink finds the values, on faces held out.

    The emotion is in a few strokes that such ink hardly resolves, so for it
    the bar is far above guessing (1 in 7) but not near 1.
    """
    pictures = np.array([ink(drawing.stroke3) for drawing in drawn])
    pictures = np.c_[pictures / pictures.std(), np.ones(len(pictures))]
    first = len(drawn) * 3 // 4
    gram = pictures[:first].T @ pictures[:first]
    solver = np.linalg.solve(gram + 30 * np.eye(len(gram)), pictures[:first].T)
    accuracy = {}
    for name, values in FACTORS.items():
        ids = np.array([values.index(d.labels[name]) for d in drawn])
        weights = solver @ np.eye(len(values))[ids[:first]]
        found = (pictures[first:] @ weights).argmax(axis=1)
        accuracy[name] = (found == ids[first:]).mean()
    assert accuracy.pop("emotion") > 0.5
    assert min(accuracy.values()) > 0.95, accuracy


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_word_is_an_error(name):
    values = dict(zip(NAMES, COMBINATIONS[0], strict=True)) | {name: "purple"}
    with pytest.raises(ValueError, match=f"the {name} of a face .* 'purple'"):
        face(**values, index=0)
