from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sketcher_tf.rendering.raster import (
    draw_strokes,
    rasterize,
    rasterize_stroke3,
)
from sketcher_tf.strokes import polylines_to_stroke3, stroke3_to_polylines

TRIANGLE = [np.array([[0, 0], [200, 40], [90, 255], [0, 0]], np.float32)]

strokes = st.lists(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 8), st.just(2)),
        elements=st.integers(0, 255).map(float),
    ),
    min_size=1,
    max_size=5,
)


def scribble(seed, count=4):
    random = np.random.default_rng(seed)
    return [random.uniform(0, 255, (6, 2)) for _ in range(count)]


def extent(image):
    """First and last inked column, first and last inked row."""
    columns = np.flatnonzero(image.any(axis=0))
    rows = np.flatnonzero(image.any(axis=1))
    return columns[0], columns[-1], rows[0], rows[-1]


def distance(size, a, b):
    """Of every pixel's centre from the segment from a to b."""
    grid = np.stack(np.meshgrid(*[np.arange(size) + 0.5] * 2), axis=-1)
    along = ((grid - a) @ (b - a) / ((b - a) @ (b - a))).clip(0, 1)
    return np.linalg.norm(grid - a - along[..., None] * (b - a), axis=-1)


def test_shape_and_type():
    image = rasterize(TRIANGLE, 48)
    assert image.shape == (48, 48)
    assert image.dtype == np.uint8
    assert image.max() == 255
    assert image.flags.writeable


@pytest.mark.parametrize("empty", [[], [np.zeros((0, 2), np.float32)]])
def test_empty_drawing_is_black(empty):
    image = rasterize(empty, 32)
    assert image.shape == (32, 32)
    assert not image.any()


@pytest.mark.parametrize("count", [1, 3])
def test_single_place_is_a_dot_in_the_middle(count):
    image = rasterize([np.full((count, 2), 77, np.float32)])
    # A disc of diameter 2.25: area 3.98; the middle is between pixels.
    assert image.sum() / 255 == pytest.approx(3.98, rel=0.15)
    assert extent(image) == (30, 33, 30, 33) or extent(image) == (31, 33) * 2


def test_point_strokes_and_empty_strokes_among_others():
    corners = [np.array([p], np.float32) for p in [(0, 0), (9, 0), (0, 9)]]
    image = rasterize([*corners, np.zeros((0, 2), np.float32)])
    assert image[:8, :8].any() and image[:8, -8:].any()
    assert image[-8:, :8].any()
    assert not image[-8:, -8:].any()
    assert not image[16:48, 16:48].any()


@pytest.mark.parametrize("size", [28, 64, 128])
def test_longest_side_fills_the_image_and_the_other_is_centred(size):
    box = np.array([[0, 0], [100, 0], [100, 50], [0, 50], [0, 0]])
    image = rasterize([box], size)
    left, right, top, bottom = extent(image)
    assert left == size - 1 - right
    assert top == size - 1 - bottom
    assert 1 <= left <= size / 20  # the margin left of the ink
    assert (bottom - top) / (right - left) == pytest.approx(0.5, abs=0.04)
    assert extent(rasterize([box[:, ::-1]], size)) == (top, bottom, left, right)


@pytest.mark.parametrize("size", [64, 128, 256])
def test_line_width_is_fixed_relative_to_the_image(size):
    image = rasterize([np.array([[0, 0], [10, 0]])], size)
    width = image[:, size // 2].sum() / 255
    # An odd number of subpixels, of which a pixel has four.
    assert width == pytest.approx(size * 2.25 / 64, abs=0.26)


def test_ink_is_where_the_distance_to_the_strokes_says():
    points = np.array([[5, 8], [50, 20], [30, 58], [12, 11]], np.float64)
    nearest = np.minimum.reduce(
        [distance(64, a, b) for a, b in pairwise(points)]
    )
    exact = 255 * (2.5 / 2 + 0.5 - nearest).clip(0, 1)
    image = np.asarray(draw_strokes([points], 64, 2.5), np.float64)
    # Four subpixels per axis: a line is up to 1/8 pixel beside its place.
    assert np.abs(image - exact).mean() < 4
    assert np.abs(image - exact).max() < 120
    assert 0 < ((image > 0) & (image < 255)).mean() < 0.2  # anti-aliased


def test_corners_are_round_and_closed():
    corner = np.array([[8, 8], [24, 8], [24, 24]], np.float64)
    image = np.asarray(draw_strokes([corner], 32, 8))
    assert image[5, 25] == 255  # outside of the corner, inside of the disc
    assert image[4, 27] == 0  # the tip of a mitred corner


def test_strokes_outside_are_cut_off():
    outside = np.array([[-50, -20], [90, 40]], np.float64)
    assert np.asarray(draw_strokes([outside], 32, 2)).any()
    assert not np.asarray(draw_strokes([outside - 200], 32, 2)).any()


@settings(max_examples=60, deadline=None)
@given(strokes, st.integers(-(2**20), 2**20), st.integers(-3, 6))
def test_place_and_scale_do_not_matter(lines, shift, power):
    # Whole numbers and powers of two, so that the arguments are exact.
    image = rasterize(lines)
    np.testing.assert_array_equal(
        rasterize([line + np.float32(shift) for line in lines]), image
    )
    np.testing.assert_array_equal(
        rasterize([line * np.float32(2.0**power) for line in lines]), image
    )


@pytest.mark.parametrize("seed", range(5))
def test_any_place_and_scale_within_rounding(seed):
    lines = scribble(seed)
    moved = [line * 0.37 + (1234.5, -99.1) for line in lines]
    difference = rasterize(moved).astype(float) - rasterize(lines)
    assert np.abs(difference).mean() < 0.5


def test_far_from_the_origin_nothing_is_lost():
    line = np.random.default_rng(0).integers(0, 255, (40, 2))
    line[:2] = (0, 0), (255, 255)
    line = line.astype(np.float32)
    far = line + np.float32(2**23)
    np.testing.assert_array_equal(rasterize([far]), rasterize([line]))


@settings(max_examples=40, deadline=None)
@given(strokes, st.randoms())
def test_order_of_the_strokes_does_not_matter(lines, random):
    shuffled = random.sample(lines, len(lines))
    np.testing.assert_array_equal(rasterize(shuffled), rasterize(lines))


@pytest.mark.parametrize("seed", range(5))
def test_a_mirrored_drawing_gives_the_mirrored_image(seed):
    lines = scribble(seed)
    mirrored = [line * (-1, 1) for line in lines]
    difference = rasterize(mirrored)[:, ::-1].astype(float) - rasterize(lines)
    assert np.abs(difference).mean() < 0.5
    assert np.abs(difference).max() < 80


def test_arguments_are_not_changed():
    lines = [line.copy() for line in TRIANGLE]
    rasterize(lines)
    np.testing.assert_array_equal(lines[0], TRIANGLE[0])


@pytest.mark.parametrize("open_end", [False, True])
def test_offsets_are_drawn_as_their_strokes_are(open_end):
    stroke3 = polylines_to_stroke3([TRIANGLE[0], TRIANGLE[0] + 40])
    stroke3[-1, 2] = not open_end
    np.testing.assert_array_equal(
        rasterize_stroke3([stroke3])[0],
        rasterize(stroke3_to_polylines(stroke3)),
    )
    assert not rasterize_stroke3([np.zeros((0, 3), np.float32)]).any()
