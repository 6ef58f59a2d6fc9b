import itertools

import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.batch import as_stroke5, on_paper
from sketcher_tf.data.rereading import move_parts, reread, resize
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.strokes import (
    polylines_to_stroke3,
    stroke3_to_polylines,
    stroke3_to_stroke5,
    stroke5_to_stroke3,
)

STEPS = 48
COUNT = 300
SEED = tf.constant([3, 4])


def polygon(rng, corners):
    """A stroke that ends where it begins."""
    line = rng.integers(0, 200, (corners, 2))
    return np.concatenate([line, line[:1]]).astype(float)


def lines_of(number):
    """Polygons, lines and a dot, on whole pixels."""
    rng = np.random.default_rng(number)
    open_lines = [
        np.sort(rng.integers(0, 200, (n, 2)), axis=0).astype(float)
        for n in (2, 3, 7, 1)
    ]
    lines = [polygon(rng, 5), polygon(rng, 9), *open_lines]
    picked = rng.permutation(len(lines))[: rng.integers(1, 7)]
    return [lines[i] for i in picked]


def points_of(lines, steps=STEPS):
    lines = [np.asarray(line, float) for line in lines]
    return stroke3_to_stroke5(polylines_to_stroke3(lines), steps)


def polylines_of(points):
    return stroke3_to_polylines(stroke5_to_stroke3(points))


DRAWINGS = np.stack([points_of(lines_of(i)) for i in range(COUNT)])
LENGTHS = (1 - DRAWINGS[..., 4]).sum(axis=1).astype(int)


@pytest.fixture(scope="module")
def begun():
    """Points and how many of them are given."""
    points, given = reread(tf.constant(DRAWINGS), SEED)
    return points.numpy(), given.numpy()


def ink(lines):
    """Its pieces, whichever way they are drawn."""
    return {
        frozenset([tuple(a), tuple(b)])
        for line in lines
        for a, b in itertools.pairwise(line)
        if (a != b).any()
    }


def places(points):
    return on_paper(tf.constant(points)).position.numpy()


def test_paper_and_offsets_are_the_same_drawing():
    result = as_stroke5(on_paper(tf.constant(DRAWINGS))).numpy()
    wanted = DRAWINGS.copy()
    for row, n in zip(wanted, LENGTHS, strict=True):
        row[n - 1, 2:] = 0, 1, 0  # the pen is lifted after the last point
    np.testing.assert_array_equal(result, wanted)


def test_the_ink_of_a_drawing_that_is_begun_otherwise_stays(begun):
    changed = 0
    for before, after in zip(DRAWINGS, begun[0], strict=True):
        before, after = polylines_of(before), polylines_of(after)
        assert ink(before) == ink(after)
        # The same line, drawn the other way, may be a subpixel off.
        off = rasterize(before).astype(int) - rasterize(after)
        assert np.abs(off).max() <= 64
        assert np.abs(off).mean() < 1
        changed += len(before) != len(after) or any(
            a.shape != b.shape or (a != b).any()
            for a, b in zip(before, after, strict=False)
        )
    assert changed > COUNT / 2


def test_what_follows_the_cut_is_as_it_was(begun):
    points, given = begun
    before, after = places(DRAWINGS), places(points)
    lengths = (1 - points[..., 4]).sum(axis=1).astype(int)
    assert (lengths - LENGTHS == 1).any()  # some strokes are cut in two
    assert set(lengths - LENGTHS) == {0, 1}
    for i, (n, cut) in enumerate(zip(lengths, given, strict=True)):
        assert 1 <= cut <= n
        assert points[i, cut - 1, 3] == 1
        left = n - cut
        np.testing.assert_array_equal(
            after[i, cut:n], before[i, LENGTHS[i] - left : LENGTHS[i]]
        )
        np.testing.assert_array_equal(
            points[i, cut : n - 1, 3],
            DRAWINGS[i, LENGTHS[i] - left : LENGTHS[i] - 1, 3],
        )
        assert (points[i, n:] == [0, 0, 0, 0, 1]).all()


def test_there_is_room_for_an_end_token():
    longest = LENGTHS.max()
    points = DRAWINGS[longest == LENGTHS, : longest + 1]
    result, _ = reread(tf.constant(np.tile(points, (50, 1, 1))), SEED)
    assert (result[:, -1, 4] == 1).numpy().all()


def test_hands_differ():
    """Of a triangle and a line: which comes first, from where, which way."""
    triangle = np.array([[0, 0], [90, 0], [40, 70], [0, 0]], float)
    line = np.array([[0, 100], [90, 100]], float)
    after = points_of([triangle, line, line + 40])
    count = 4000
    result, given = reread(tf.constant(np.tile(after, (count, 1, 1))), SEED)
    # Those of which both are given, and nothing of what follows.
    drawn = [polylines_of(p)[:2] for p in result.numpy()[given == 6]]
    swapped = np.array([len(lines[0]) == 2 for lines in drawn])
    pairs = [sorted(lines, key=len, reverse=True) for lines in drawn]
    starts = np.array([pair[0][0] for pair in pairs])
    back = np.array([pair[1][0, 0] == 90 for pair in pairs])
    for share, expected in (
        (swapped.mean(), 0.4 / 2),
        (back.mean(), 0.5),
        # Turned by none, one or two corners.
        ((starts == triangle[1]).all(axis=1).mean(), 0.8 / 3),
        ((starts == triangle[2]).all(axis=1).mean(), 0.8 / 3),
    ):
        margin = 5 * np.sqrt(expected * (1 - expected) / len(drawn))
        assert abs(share - expected) < margin


def test_parts_are_moved_each_as_a_whole(begun):
    points, given = begun
    moved = move_parts(tf.constant(points), tf.constant(given), SEED).numpy()
    np.testing.assert_array_equal(moved[..., 2:], points[..., 2:])
    before, after = places(points), places(moved)
    sizes = np.ptp(before, axis=1).max(axis=1)
    drawings = 0
    for i, cut in enumerate(given):
        length = int((1 - points[i, :, 4]).sum())
        np.testing.assert_allclose(
            after[i, cut:length], before[i, cut:length], atol=1e-3
        )
        drawings += np.abs(after[i] - before[i])[:cut].max() > 1e-3
        ends = np.flatnonzero(points[i, :cut, 3]) + 1
        for part in np.split(np.arange(cut), ends)[:-1]:
            (one, other) = before[i, part], after[i, part]
            middle, moved_to = (
                (x.min(axis=0) + x.max(axis=0)) / 2 for x in (one, other)
            )
            assert np.abs(moved_to - middle).max() <= 0.15 * sizes[i] + 1e-3
            extent = np.ptp(one, axis=0).max()
            scale = np.ptp(other, axis=0).max() / extent if extent else 1
            assert 0.6 < scale < 1.6
            np.testing.assert_allclose(
                other, (one - middle) * scale + moved_to, atol=1e-2
            )
    # Five standard deviations of a binomial.
    assert abs(drawings / COUNT - 0.3) < 5 * np.sqrt(0.3 * 0.7 / COUNT)


def test_another_size_is_somewhere_on_the_same_paper():
    points = np.tile(points_of([[[0, 0], [80, 40], [10, 30]]]), (2000, 1, 1))
    result = resize(tf.constant(points), SEED).numpy()
    there = places(result)[:, :3]
    width = np.ptp(there, axis=1)[:, 0] / 80
    changed = np.abs(width - 1) > 1e-6
    assert abs(changed.mean() - 0.4) < 5 * np.sqrt(0.4 * 0.6 / len(points))
    assert 0.25 <= width.min() < 0.26
    assert 1.08 < width.max() <= 1.1 + 1e-6
    # As often below the middle of the logarithms as above it.
    below = (width[changed] < np.sqrt(0.25 * 1.1)).mean()
    assert abs(below - 0.5) < 5 * np.sqrt(0.25 / changed.sum())
    smaller = there[width < 1]
    assert smaller.min() >= -1e-3
    assert smaller.max() <= 80 + 1e-3
    shape = there - there[:, :1]
    np.testing.assert_allclose(
        shape, width[:, None, None] * [[0, 0], [80, 40], [10, 30]], atol=1e-3
    )


def test_the_seed_decides():
    points = tf.constant(DRAWINGS)
    for function in (
        lambda seed: reread(points, seed)[0],
        lambda seed: move_parts(points, tf.constant(LENGTHS), seed),
        lambda seed: resize(points, seed),
    ):
        first, again, other = (
            function(tf.constant(seed)).numpy()
            for seed in ([1, 2], [1, 2], [1, 3])
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()
