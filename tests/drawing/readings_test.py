import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.drawing.readings import as_most_hands, read_anew
from sketcher_tf.request import Prefix
from sketcher_tf.strokes import polylines_to_stroke3, stroke3_to_stroke5
from tests.testing import toys

WHOLE = toys.SCHEMA.size_px / toys.SCHEMA.scale_factor  # in units


def prefix(*drawings, down_at_last=False):
    """Drawings, each a list of strokes, in units of the scale factor."""
    stroke3 = [polylines_to_stroke3(lines) for lines in drawings]
    if down_at_last:
        for rows in stroke3:
            rows[-1, 2] = 0
    steps = max(len(rows) for rows in stroke3) + 1
    return Prefix(
        tf.constant([stroke3_to_stroke5(rows, steps) for rows in stroke3]),
        tf.constant([len(rows) for rows in stroke3]),
    )


def places(given, row=0):
    offsets = given.points[row, : given.length[row], :2]
    return np.cumsum(offsets, axis=0)


def circle(begin=0.0, turn=1, points=13, radius=1.0, center=(3.0, 4.0)):
    """With y downwards, turn 1 is clockwise; begin 0 is at the right."""
    angles = begin + turn * np.linspace(0, 2 * np.pi, points)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (radius * ring + center).astype(np.float32)


LINE = np.float32([[0, 0], [1, 0], [2, 1]])
NATURAL = circle(-np.pi / 2, turn=-1)  # from the top, counter-clockwise


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("begin", [0, 1, 5, 9])
def test_a_circle_is_read_from_its_top_counter_clockwise(begin, turn):
    drawn = circle(begin * np.pi / 6, turn)
    given = prefix([LINE, drawn, LINE + 5])
    read = as_most_hands(tf.constant(places(given)[None]), _cut(given))[0]
    np.testing.assert_allclose(read[3:-3], NATURAL, atol=1e-5)
    np.testing.assert_allclose(read[:3], LINE, atol=1e-5)
    np.testing.assert_allclose(read[-3:], LINE + 5, atol=1e-5)


def _cut(given):
    return Prefix(given.points[:, : given.length[0]], given.length)


@pytest.mark.parametrize(
    "line",
    [
        circle(np.pi)[:-4],  # open
        circle(-np.pi / 2)[:3],  # three points
        LINE,
    ],
    ids=["arc", "corner", "line"],
)
def test_what_is_not_closed_is_read_rightwards(line):
    for lines in ([line], [line[::-1]], [LINE, line[::-1], LINE]):
        given = _cut(prefix(lines))
        read = as_most_hands(tf.constant(places(given)[None]), given)[0]
        at = 3 if len(lines) > 1 else 0
        np.testing.assert_allclose(read[at : at + len(line)], line, atol=1e-5)


def test_a_stroke_that_is_being_drawn_is_read_as_it_is():
    given = _cut(
        prefix([circle(np.pi / 3), circle(2 * np.pi / 3)], down_at_last=True)
    )
    own = tf.constant(places(given)[None])
    read = as_most_hands(own, given)
    np.testing.assert_allclose(read[0, :13], NATURAL, atol=1e-5)
    np.testing.assert_array_equal(read[0, 13:], own[0, 13:])


def test_the_first_reading_is_what_was_given():
    given = prefix([circle(1.0, radius=0.1)], [LINE[::-1] * 7.1])
    for number in (0, 4):
        reading = read_anew(toys.SCHEMA, given, number)
        np.testing.assert_array_equal(reading.prefix.points, given.points)


@pytest.mark.parametrize(("number", "size"), [(2, 0.75), (3, 1.0), (6, 0.75)])
def test_a_reading_is_large_and_stands_at_the_bottom(number, size):
    small, large = [circle(np.pi / 3, radius=0.1)], [circle(radius=90) + 7]
    reading = read_anew(toys.SCHEMA, prefix(small, large), number)
    for row in range(2):
        read = places(reading.prefix, row)
        low, high = read.min(axis=0), read.max(axis=0)
        assert (high - low).max() == pytest.approx(size * WHOLE, rel=1e-3)
        assert low[0] + high[0] == pytest.approx(WHOLE, rel=1e-3)
        assert high[1] == pytest.approx(WHOLE, rel=1e-3)


def test_an_open_stroke_goes_on_from_where_it_was_begun():
    ring = circle(np.pi / 3)
    given = prefix([ring, LINE], [LINE, ring], [LINE, LINE[:1]])
    reading = read_anew(toys.SCHEMA, given, 2)
    np.testing.assert_array_equal(reading.goes_on, [True, False, False])
    read = places(reading.prefix)
    np.testing.assert_allclose(read[:13], NATURAL, atol=1e-5)
    np.testing.assert_allclose(read[13:], LINE[::-1], atol=1e-5)
    pens = reading.prefix.points[0, :16, 2:].numpy()
    pens[[12, 15]] -= [[-1, 1, 0], [0, 0, 0]]  # the ring is done
    np.testing.assert_array_equal(pens, np.tile([1, 0, 0], (16, 1)))
    one = prefix([LINE], down_at_last=True)
    assert not read_anew(toys.SCHEMA, one, 2).goes_on[0]
    assert not read_anew(toys.SCHEMA, prefix([LINE]), 1).goes_on[0]


def test_what_goes_on_is_one_line_with_what_was_given():
    given = prefix([LINE], [LINE], [NATURAL])
    reading = read_anew(toys.SCHEMA, given, 2)
    drawn = np.zeros((3, 17, 5), np.float32)
    for row, count in enumerate((3, 3, 13)):
        drawn[row, :count] = reading.prefix.points[row, :count]
        drawn[row, count:, 4] = 1
        drawn[row, count : count + 2] = [[-1, 2, 1, 0, 0], [3, 0, 0, 1, 0]]
    drawn[1, 3:] = [0, 0, 0, 0, 1]  # it ends at once
    sketch = reading.put_back(tf.constant(drawn)).numpy()
    np.testing.assert_array_equal(sketch[:, :3], given.points[:, :3])
    # Back to where the line was begun; the pen is down from there.
    put = np.cumsum(sketch[0, :, :2], axis=0)
    np.testing.assert_allclose(
        put[3:6], LINE[0] + [[0, 0], [-1, 2], [2, 2]], atol=1e-5
    )
    down, up, end = np.eye(3)
    np.testing.assert_array_equal(sketch[0, 2:7, 2:], [up, down, down, up, end])
    np.testing.assert_array_equal(sketch[1, 3:], drawn[1, 3:])
    np.testing.assert_array_equal(sketch[2, 13:, 2:], drawn[2, 13:, 2:])


@pytest.mark.parametrize("number", [1, 3])
def test_readings_but_the_first_run_as_most_hands(number):
    given = prefix([circle(np.pi / 3), LINE[::-1]])
    read = places(read_anew(toys.SCHEMA, given, number).prefix)
    assert read[:13, 1].argmin() == 0
    assert read[3, 0] < read[0, 0]  # counter-clockwise
    assert read[13, 0] < read[15, 0]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_reading_of_nothing_or_of_a_dot_is_itself(number):
    given = prefix([np.float32([[2, 3]])], [])
    reading = read_anew(toys.SCHEMA, given, tf.constant(number))
    np.testing.assert_array_equal(reading.scale, [1, 1])
    np.testing.assert_allclose(
        reading.prefix.points[..., :2], given.points[..., :2], atol=1e-6
    )


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_what_was_given_stays_and_what_follows_is_put_back(number):
    # To the reading, a mark is drawn at a certain place of the circle: a
    # touch of its own at the topmost point, then one at the rightmost.
    given = prefix([circle(2 * np.pi / 3, radius=0.5)])
    reading = read_anew(toys.SCHEMA, given, tf.constant(number))
    read = places(reading.prefix)
    top, right = read[read[:, 1].argmin()], read[read[:, 0].argmax()]
    marks = np.stack([top - read[-1], right - top])
    drawn = np.zeros((1, 18, 5), np.float32)
    drawn[0, :13] = reading.prefix.points[0, :13]
    drawn[0, 13:15, :2] = marks
    drawn[0, 13:15, 3] = 1
    drawn[0, 15:, 4] = 1
    sketch = reading.put_back(tf.constant(drawn)).numpy()
    np.testing.assert_array_equal(sketch[0, :13], given.points[0, :13])
    np.testing.assert_array_equal(sketch[0, :, 2:], drawn[0, :, 2:])
    np.testing.assert_array_equal(sketch[0, 15:, :2], 0)
    own = places(given)
    put = np.cumsum(sketch[0, :, :2], axis=0)
    np.testing.assert_allclose(put[13], own[own[:, 1].argmin()], atol=1e-4)
    np.testing.assert_allclose(put[14], own[own[:, 0].argmax()], atol=1e-4)


def test_a_reading_does_not_depend_on_its_batch():
    drawings = [[circle(2 * np.pi / 3)], [LINE, circle(4.0, -1, points=9)]]
    both = read_anew(toys.SCHEMA, prefix(*drawings), tf.constant(3))
    for row, drawing in enumerate(drawings):
        alone = read_anew(toys.SCHEMA, prefix(drawing), tf.constant(3))
        np.testing.assert_allclose(
            places(both.prefix, row), places(alone.prefix), atol=1e-5
        )
