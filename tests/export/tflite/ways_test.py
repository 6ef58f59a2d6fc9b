"""A file encodes drawings, draws them anew, and goes on in several ways."""

import numpy as np
import pytest

from export.tflite import convert
from export.tflite import verify as verification
from export.tflite.picture import picture
from export.tflite.readings import readings
from export.tflite.runtime import PhoneSketcher
from sketcher_tf.drawing.readings import read_anew
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.request import Prefix
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3, stroke3_to_stroke5
from tests.testing import toys

_CONDITION = toys.SCHEMA.parse("ring")
_LINES = (
    np.float32([[10, 20], [130, 40], [90, 200]]),
    np.float32([[60, 60], [60, 60]]),
)
_SKETCH = Sketch(polylines_to_stroke3(_LINES))


@pytest.fixture(scope="module")
def phone(sketcher, converted):
    return PhoneSketcher(convert.finish(converted, sketcher.model, "none"))


def test_a_picture_is_nearly_that_of_the_training():
    seen = rasterize(_LINES, 64) / 255
    made = picture(_LINES, 64)
    assert made.shape == (64, 64)
    assert np.abs(made - seen)[(made > 0) | (seen > 0)].mean() < 0.07
    assert abs(made.sum() / seen.sum() - 1) < 0.03


def test_a_picture_does_not_depend_on_place_and_size():
    moved = [3 * line + 1000 for line in _LINES]
    np.testing.assert_allclose(picture(moved, 32), picture(_LINES, 32))


def test_a_dot_is_in_the_middle_of_its_picture():
    made = picture([np.float32([[7, 7]])], 16)
    assert made.sum() > 0
    assert np.array_equal(made, made[::-1])
    assert np.array_equal(made, made.T)


def test_latents_tell_drawings_and_words_apart(phone):
    own = phone.encode(_SKETCH, _CONDITION)
    other = Sketch(_SKETCH.stroke3[:2])
    assert np.abs(phone.encode(other, _CONDITION) - own).max() > 0.01
    word = toys.SCHEMA.parse("zigzag")
    assert np.abs(phone.encode(_SKETCH, word) - own).max() > 0.01


def test_a_drawing_is_drawn_anew_where_it_was(phone):
    how = (_CONDITION, 0.5, 0.3, 7, 2)
    stroke3 = _SKETCH.stroke3 * np.float32([0.5, 0.5, 1])
    stroke3[0, :2] += (100, 30)
    # Of its box, the upper left corner is 10, 20 there and 105, 40 here.
    for drawn, moved in zip(
        phone.optimize(_SKETCH, *how),
        phone.optimize(Sketch(stroke3), *how),
        strict=True,
    ):
        assert len(drawn.stroke3)
        for wanted, line in zip(drawn.polylines, moved.polylines, strict=True):
            at = (wanted - (10, 20)) / 2 + (105, 40)
            np.testing.assert_allclose(line, at, atol=1e-3)


def test_all_the_way_is_one_of_the_ways_of_the_word(phone):
    mine = phone.encode(_SKETCH, _CONDITION)
    ways = phone._ways(_CONDITION, 7, mine)
    far = np.linalg.norm(ways - mine, axis=1)
    assert len(ways) > 1
    assert np.array_equal(far, np.sort(far))
    progress = phone.run(
        "start", condition=_CONDITION[None], latents=ways[1][None]
    )
    wanted = phone._sketch(phone._draw(progress, phone._noise(7, 1), 0.3, 0))
    _, drawn = phone.optimize(_SKETCH, _CONDITION, 1.0, 0.3, 7, 2)
    assert np.array_equal(drawn.stroke3[:, 2], wanted.stroke3[:, 2])


def test_a_file_that_encodes_otherwise_is_told(sketcher, phone, monkeypatch):
    found = verification._phone_latents
    verification._compare_readings(phone, sketcher, 0)
    monkeypatch.setattr(
        verification, "_phone_latents", lambda *given: found(*given) + 0.001
    )
    with pytest.raises(ValueError, match="must encode as its model does"):
        verification._compare_readings(phone, sketcher, 0)


def test_a_file_that_recognises_otherwise_is_told(sketcher, phone, monkeypatch):
    critic = sketcher.model.critic
    assert phone.recognizes
    monkeypatch.setattr(critic, "sharpness", critic.sharpness + 0.01)
    with pytest.raises(ValueError, match="must recognize as its model does"):
        verification._compare_readings(phone, sketcher, 0)


def test_a_critic_sees_what_the_models_does(sketcher, phone):
    wanted = sketcher.model.critic_log_probs(
        sketcher.batch([_SKETCH], "ring").points
    )
    found = phone.recognize(_SKETCH)
    np.testing.assert_allclose(found, wanted[0], atol=1e-3)
    assert np.exp(found).sum() == pytest.approx(1, rel=1e-5)


def test_ways_to_go_on_begin_with_that_of_the_model(sketcher, phone):
    (whole,) = sketcher.generate("ring", temperature=1.0, seed=1)
    given = Sketch(whole.stroke3[:4])
    ways = phone.suggest(given, _CONDITION, 0.8, 5, 8)
    (wanted,) = sketcher.complete(
        given, "ring", temperature=0.8, seed=5, tries=1
    )
    assert (
        verification.difference(ways[0], wanted) < verification.POINT_TOLERANCE
    )
    for way in ways:
        np.testing.assert_allclose(way.stroke3[:4], given.stroke3, atol=1e-3)
    assert len({way.stroke3[4:].tobytes() for way in ways}) == 8
    # Each goes on from latents of its own.
    starts = phone._read(given, _CONDITION, 0.8, 5)
    assert len(np.unique(starts["context"], axis=0)) == 8


ANGLES = np.linspace(0, 2 * np.pi, 9)


def _begun(lifted: bool) -> Sketch:
    """A clockwise ring begun at its left, a line leftwards, and another."""
    angles = np.linspace(np.pi, 3 * np.pi, 6)
    ring = 50 + 30 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    lines = [ring, np.array([[90, 30], [20, 35]]), np.array([[60, 9], [50, 8]])]
    stroke3 = polylines_to_stroke3(lines)
    stroke3[-1, 2] = lifted
    return Sketch(stroke3)


@pytest.mark.parametrize("lifted", [True, False])
@pytest.mark.parametrize("number", range(4))
def test_readings_are_those_that_python_tries(lifted, number):
    given = _begun(lifted)
    reading = readings(given)[number]
    count, unit = len(given.stroke3), toys.SCHEMA.stroke5_scale
    rows = stroke3_to_stroke5(given.stroke3, count + 1)[None, :-1] / unit
    wanted = read_anew(toys.SCHEMA, Prefix(rows, np.int32([count])), number)
    read = stroke3_to_stroke5(reading.sketch.stroke3, count + 1)[:-1] / unit
    np.testing.assert_allclose(read, wanted.prefix.points[0], atol=1e-5)

    added = np.float32([[5, 7, 0], [-9, 3, 1], [4, 4, 1]])
    drawn = Sketch(np.concatenate([reading.sketch.stroke3, added]))
    whole = stroke3_to_stroke5(drawn.stroke3, count + 5)[None] / unit
    back = wanted.put_back(whole)[0].numpy() * unit
    put = stroke3_to_stroke5(reading.put_back(drawn).stroke3, count + 5)
    np.testing.assert_allclose(put, back, atol=1e-3)


def test_what_reads_as_before_is_not_read_again():
    line = np.float32([[0, 0], [220, 40]])  # as long as both large readings

    def count(*lines):
        return len(readings(Sketch(polylines_to_stroke3(lines))))

    # A line that is done also goes on, in place of being large.
    assert count(line) == 2
    assert count(line[::-1]) == 3
    assert count(line * 1.15) == 2
    assert count(line / 5) == 3
    assert count(line[::-1] / 5) == 4
    ring = 110 - 110 * np.stack([np.sin(ANGLES), np.cos(ANGLES)], axis=-1)
    small = np.float32(np.round(ring / 5))  # from its top
    assert count(np.float32(ring)) == 1
    assert count(small) == 3
    assert count(small[::-1]) == 4
    assert len(readings(Sketch(np.zeros((0, 3), np.float32)))) == 1


def test_suggestions_begin_with_what_was_given_however_it_is_read(phone):
    given = _begun(lifted=True)
    ways = phone.suggest(given, _CONDITION, 0.5, 3, 5)
    for way in ways:
        assert np.array_equal(way.stroke3[: len(given.stroke3)], given.stroke3)
    same = phone.complete(given, _CONDITION, 0.5, 3)
    assert np.array_equal(ways[0].stroke3, same.stroke3)
    assert not np.array_equal(ways[1].stroke3, same.stroke3)
