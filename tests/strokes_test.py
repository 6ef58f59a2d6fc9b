import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import (
    END_TOKEN,
    bounds,
    check_stroke3,
    fit_to_box,
    is_closed,
    polylines_to_stroke3,
    stroke3_to_polylines,
    stroke3_to_stroke5,
    stroke5_to_stroke3,
)

# Whole numbers, of which float32 holds every sum and difference.
lines = st.lists(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.just(2)),
        elements=st.integers(-500, 500).map(float),
    ),
    max_size=5,
)


@st.composite
def stroke3s(draw):
    count = draw(st.integers(0, 12))
    offsets = draw(
        hnp.arrays(
            np.float32,
            (count, 2),
            elements=st.floats(-1000, 1000, width=32),
        )
    )
    lifted = draw(hnp.arrays(np.bool_, (count, 1)))
    return np.concatenate([offsets, lifted.astype(np.float32)], axis=1)


def square(x=0, y=0, width=40, height=20):
    corners = [[0, 0], [width, 0], [width, height], [0, height]]
    return [np.array(corners, np.float32) + np.float32([x, y])]


@settings(deadline=None)
@given(stroke3s(), st.integers(1, 5))
def test_stroke5_keeps_the_drawing(stroke3, padding):
    stroke5 = stroke3_to_stroke5(stroke3, len(stroke3) + padding)
    assert stroke5.dtype == np.float32
    assert stroke5.shape == (len(stroke3) + padding, 5)
    np.testing.assert_array_equal(stroke5_to_stroke3(stroke5), stroke3)


@settings(deadline=None)
@given(stroke3s(), st.integers(1, 5))
def test_stroke5_has_one_pen_state_and_then_end_tokens(stroke3, padding):
    stroke5 = stroke3_to_stroke5(stroke3, len(stroke3) + padding)
    assert (stroke5[:, 2:].sum(axis=1) == 1).all()
    assert not stroke5[: len(stroke3), 4].any()
    assert (stroke5[len(stroke3) :] == END_TOKEN).all()


@settings(deadline=None)
@given(stroke3s())
def test_without_an_end_token_all_rows_are_the_drawing(stroke3):
    stroke5 = stroke3_to_stroke5(stroke3, len(stroke3) + 1)[:-1]
    np.testing.assert_array_equal(stroke5_to_stroke3(stroke5), stroke3)


def test_what_follows_the_first_end_token_is_ignored():
    stroke5 = np.array(
        [[1, 2, 1, 0, 0], [3, 4, 0, 0, 1], [5, 6, 1, 0, 0]], np.float32
    )
    assert stroke5_to_stroke3(stroke5).tolist() == [[1, 2, 0]]


@settings(deadline=None)
@given(lines)
def test_polylines_survive_stroke3(polylines):
    back = stroke3_to_polylines(polylines_to_stroke3(polylines))
    assert len(back) == len(polylines)
    for line, original in zip(back, polylines, strict=True):
        assert line.dtype == np.float32
        np.testing.assert_array_equal(line, original)


@settings(deadline=None)
@given(lines)
def test_summed_offsets_are_the_points(polylines):
    stroke3 = polylines_to_stroke3(polylines)
    assert stroke3.dtype == np.float32
    points = np.concatenate([np.zeros((0, 2)), *polylines])
    np.testing.assert_array_equal(np.cumsum(stroke3[:, :2], axis=0), points)


@settings(deadline=None)
@given(lines)
def test_the_pen_is_lifted_once_per_stroke_at_its_end(polylines):
    lifted = np.flatnonzero(polylines_to_stroke3(polylines)[:, 2])
    lengths = [len(line) for line in polylines]
    assert (lifted + 1).tolist() == np.cumsum(lengths, dtype=int).tolist()


def test_empty_strokes_vanish():
    empty = np.zeros((0, 2), np.float32)
    stroke3 = polylines_to_stroke3([empty, *square(), empty])
    np.testing.assert_array_equal(stroke3, polylines_to_stroke3(square()))
    assert polylines_to_stroke3([empty]).shape == (0, 3)


def test_an_open_last_stroke_is_kept():
    stroke3 = np.array([[1, 1, 0], [2, 0, 1], [3, 3, 0]], np.float32)
    first, last = stroke3_to_polylines(stroke3)
    assert first.tolist() == [[1, 1], [3, 1]]
    assert last.tolist() == [[6, 4]]


def test_a_sketch_shows_its_polylines():
    sketch = Sketch(polylines_to_stroke3(square(x=7)), "square")
    np.testing.assert_array_equal(sketch.polylines[0], square(x=7)[0])
    assert Sketch(np.zeros((0, 3), np.float32)).polylines == []


@pytest.mark.parametrize(
    ("stroke3", "message"),
    [
        (np.zeros((4, 2)), r"shape \[num_points, 3\].*\(4, 2\)"),
        (np.zeros(3), r"shape \[num_points, 3\].*\(3,\)"),
        ([[0, np.nan, 0]], "finite.*NaN or infinity"),
        ([[np.inf, 0, 0]], "finite.*NaN or infinity"),
        ([[0, 0, 0.5]], r"pen_lifted must be 0 or 1; received \[0\.5\]"),
        ([[0, 0, 2]], r"pen_lifted must be 0 or 1; received \[2\.0\]"),
    ],
)
def test_what_is_not_stroke3_is_refused(stroke3, message):
    with pytest.raises(ValueError, match=message):
        check_stroke3(stroke3)
    with pytest.raises(ValueError, match=message):
        stroke3_to_stroke5(stroke3, 10)


@pytest.mark.parametrize("length", [0, 3, 4])
def test_stroke5_needs_room_for_an_end_token(length):
    stroke3 = polylines_to_stroke3(square())
    with pytest.raises(ValueError, match=f"length={length} for 4 points"):
        stroke3_to_stroke5(stroke3, length)


@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 5)])
def test_what_is_not_stroke5_is_refused(shape):
    with pytest.raises(ValueError, match=r"shape \[num_points, 5\].*received"):
        stroke5_to_stroke3(np.zeros(shape))


@settings(deadline=None)
@given(lines.filter(len), st.sampled_from([1, 64, 255]))
def test_the_longest_side_fills_the_box(polylines, size):
    low, high = bounds(polylines)
    fitted_low, fitted_high = bounds(fit_to_box(polylines, size))
    np.testing.assert_array_equal(fitted_low, [0, 0])
    longest = (high - low).max()
    scale = size / longest if longest else 1
    np.testing.assert_allclose(fitted_high, (high - low) * scale, rtol=1e-5)
    if longest:
        assert fitted_high.max() == pytest.approx(size)


@settings(deadline=None)
@given(lines.filter(len), st.integers(-90, 90), st.integers(-90, 90))
def test_the_place_does_not_matter_in_the_box(polylines, x, y):
    moved = [line + np.float32([x, y]) for line in polylines]
    for one, other in zip(
        fit_to_box(polylines, 64), fit_to_box(moved, 64), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_single_point_is_only_moved_into_the_box():
    (line,) = fit_to_box([np.array([[30, -4]], np.float32)], 255)
    assert line.tolist() == [[0, 0]]


def test_an_empty_drawing_fits_every_box():
    assert fit_to_box([], 255) == []
    assert [corner.tolist() for corner in bounds([])] == [[0, 0], [0, 0]]


def test_a_closed_stroke_ends_about_where_it_begins():
    ring = np.array([[0, 0], [10, 0], [10, 10], [0, 2]], float)
    assert is_closed(ring)
    assert is_closed(ring[::-1] * 7 - 3)
    apart = np.concatenate([ring[:3], [[0, 2.1]]])
    assert not is_closed(apart)
    assert not is_closed(ring[[0, 1, 3]])  # encloses nothing
    assert is_closed(np.zeros((4, 2)))


def test_strokes_do_without_tensorflow():
    code = "import sys, sketcher_tf.strokes; print('tensorflow' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
