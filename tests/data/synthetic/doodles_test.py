import itertools

import numpy as np
import pytest

from sketcher_tf.data.formats import simplify
from sketcher_tf.data.synthetic import pen
from sketcher_tf.data.synthetic.doodles import (
    CATEGORIES,
    doodle,
    doodles,
)
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.strokes import (
    bounds,
    check_stroke3,
    stroke3_to_polylines,
)

COUNT = 500


@pytest.fixture(scope="module")
def drawn():
    """Category -> the stroke-3 of its first drawings."""
    return {
        category: [doodle(category, i).stroke3 for i in range(COUNT)]
        for category in CATEGORIES
    }


def ink(stroke3):
    """How the ink of a drawing is spread over 16 x 16 cells."""
    image = rasterize(stroke3_to_polylines(stroke3), 64)
    return image.reshape(16, 4, 16, 4).mean(axis=(1, 3)).ravel()


def test_ten_different_categories():
    assert len(set(CATEGORIES)) == len(CATEGORIES) == 10


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_drawing_depends_on_nothing_but_its_numbers(category):
    doodle(category, 4)
    first, again = doodle(category, 5), doodle(category, 5)
    np.testing.assert_array_equal(first.stroke3, again.stroke3)
    assert first.labels == {"category": category}
    assert first.key == again.key == f"doodle/{category}/0/5"


def test_the_stream_holds_the_same_drawings_as_single_calls():
    stream = list(doodles(per_category=3, seed=7))
    numbers = itertools.product(range(3), CATEGORIES)
    for drawing, (index, category) in zip(stream, numbers, strict=True):
        alone = doodle(category, index, seed=7)
        assert drawing.key == alone.key
        np.testing.assert_array_equal(drawing.stroke3, alone.stroke3)


def test_a_longer_stream_begins_like_a_shorter_one():
    short = [drawing.key for drawing in doodles(per_category=2)]
    long = itertools.islice(doodles(per_category=4), len(short))
    assert [drawing.key for drawing in long] == short


@pytest.mark.parametrize("category", CATEGORIES)
def test_all_drawings_of_a_category_differ(category, drawn):
    contents = {stroke3.tobytes() for stroke3 in drawn[category]}
    assert len(contents) == COUNT


@pytest.mark.parametrize("category", CATEGORIES)
def test_another_seed_gives_other_drawings(category, drawn):
    contents = {stroke3.tobytes() for stroke3 in drawn[category]}
    others = {doodle(category, i, seed=1).stroke3.tobytes() for i in range(50)}
    assert not contents & others


@pytest.mark.parametrize("category", CATEGORIES)
def test_drawings_are_in_the_form_of_quick_draw(category, drawn):
    for stroke3 in drawn[category]:
        assert stroke3.dtype == np.float32
        check_stroke3(stroke3)
        assert stroke3[-1, 2] == 1
        np.testing.assert_array_equal(stroke3, np.round(stroke3))
        low, high = bounds(stroke3_to_polylines(stroke3))
        assert low.min() >= 0
        assert 250 <= high.max() <= 255


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_stroke_is_a_single_point(category, drawn):
    for stroke3 in drawn[category]:
        for line in stroke3_to_polylines(stroke3):
            assert len(line) > 1
            assert np.ptp(line, axis=0).max() > 0


@pytest.mark.parametrize("category", CATEGORIES)
def test_drawings_are_short(category, drawn):
    lengths = [len(stroke3) for stroke3 in drawn[category]]
    assert min(lengths) >= 8
    assert np.mean(lengths) < 50
    assert max(lengths) <= 64


def test_drawings_have_about_the_promised_mean_length(drawn):
    lengths = [len(s) for drawings in drawn.values() for s in drawings]
    assert 25 < np.mean(lengths) < 40


def test_categories_can_be_told_apart(drawn):
    """By the nearest class mean of blurred ink, on drawings held out."""
    pictures = np.array(
        [[ink(s) for s in drawings[:300]] for drawings in drawn.values()]
    )
    means = pictures[:, :200].mean(axis=1)
    held_out = pictures[:, 200:]
    gaps = ((held_out[:, :, None] - means) ** 2).sum(axis=-1)
    hits = gaps.argmin(axis=-1) == np.arange(len(CATEGORIES))[:, None]
    accuracy = dict(zip(CATEGORIES, hits.mean(axis=1), strict=True))
    assert hits.mean() > 0.9, accuracy
    assert min(accuracy.values()) > 0.8, accuracy


def test_an_unknown_category_is_an_error():
    with pytest.raises(ValueError, match=r"one of cat, .*received 'dog'"):
        doodle("dog", 0)


def test_rdp_agrees_with_quick_draw():
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 8, 40):
        line = np.cumsum(rng.normal(0, 3, (size, 2)), axis=0)
        kept = pen.rdp(line.view(complex).ravel().tolist(), 2.0)
        np.testing.assert_array_equal(
            np.array(kept).view(float).reshape(-1, 2),
            simplify.rdp(line, 2.0),
        )


def test_rdp_of_a_closed_line():
    square = [0j, 10 + 0j, 10 + 10j, 10j, 0j]
    assert pen.rdp(square, 2.0) == square


def test_a_curve_goes_through_its_points():
    points = np.array([0, 1 + 2j, 3 + 1j, 4 - 1j])
    gaps = np.abs(pen.curve(points)[:, None] - points)
    np.testing.assert_allclose(gaps.min(axis=0), 0, atol=1e-12)


def test_an_arc_goes_the_way_it_says():
    quarter = pen.arc(1 + 1j, 2, 1, start=0.0, sweep=0.25)
    np.testing.assert_allclose(quarter[[0, -1]], [3 + 1j, 1 + 2j])


def test_scallops_are_to_the_left_of_the_way():
    edge = pen.scalloped(pen.line((0, 3)), 3, 0.5)
    assert edge.imag.min() == pytest.approx(-0.5)
    assert edge.imag.max() == pytest.approx(0, abs=1e-12)


def test_a_path_is_read_in_hundredths():
    assert pen.path("-62,5 0,-125") == (-0.62 + 0.05j, -1.25j)
