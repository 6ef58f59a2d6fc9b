import imagehash
import numpy as np
import pytest
from PIL import Image
from scipy import stats

from sketcher_tf.evaluation.diversity import (
    Spread,
    distances,
    independent_distances,
    perceptual_hashes,
    spread,
    t_test,
)
from sketcher_tf.evaluation.intervals import Estimate
from sketcher_tf.rendering.raster import rasterize


def random_hashes(count, seed=0):
    return np.random.default_rng(seed).integers(
        256, size=(count, 8), dtype=np.uint8
    )


def line_of(*points):
    return rasterize([np.array(points, float)])


def test_distances_are_imagehashs():
    images = np.array(
        [
            line_of((0, 0), (9, 9), (0, 9)),
            line_of((0, 0), (9, 2), (0, 5), (9, 9)),
            line_of((0, 9), (5, 0), (9, 9), (0, 9)),
        ]
    )
    hashes = [imagehash.phash(Image.fromarray(255 - x)) for x in images]
    found = perceptual_hashes(images)
    assert found.shape == (3, 8)
    np.testing.assert_array_equal(
        distances(found, found), [[a - b for b in hashes] for a in hashes]
    )
    assert distances(found, found)[0, 1] > 10


def test_distances_count_bits():
    zero, ones = np.zeros((1, 8), np.uint8), np.full((1, 8), 255, np.uint8)
    assert distances(zero, ones).tolist() == [[64]]
    assert distances(zero, ones ^ 1).tolist() == [[56]]
    assert distances(random_hashes(3), random_hashes(5)).shape == (3, 5)


def test_spread_is_of_all_pairs_within_a_category():
    one, other = random_hashes(6, 1), random_hashes(9, 2)
    found = spread([one, other, one[:1]], np.random.default_rng(0))
    pairs = [
        [distances(h[i : i + 1], h[j : j + 1]).item() for i in range(j)]
        for h in (one, other)
        for j in range(1, len(h))
    ]
    first = np.concatenate(pairs[:5])
    second = np.concatenate(pairs[5:])
    assert found.mean.value == pytest.approx((first.mean() + second.mean()) / 2)
    assert found.sd == pytest.approx(np.concatenate([first, second]).std())
    assert found.count == 15


def test_random_bits_are_32_apart():
    found = spread([random_hashes(300)], np.random.default_rng(0))
    assert found.mean.low < 32 < found.mean.high
    assert found.sd == pytest.approx(4, rel=0.02)  # sqrt(64 / 4)


def test_spread_covers_the_truth():
    rng = np.random.default_rng(5)
    # A fifth of the bits differ between two drawings of the population.
    kinds = np.packbits(rng.random((400, 64)) < rng.random(64) ** 4, axis=1)
    table = distances(kinds, kinds)
    truth = table.sum() / 400**2
    covered = 0
    for _ in range(200):
        sample = kinds[rng.integers(400, size=30)]
        found = spread([sample], rng)
        covered += found.mean.low <= truth <= found.mean.high
    assert 0.89 <= covered / 200 <= 0.99


def test_copies_have_no_spread():
    same = np.repeat(random_hashes(1), 8, axis=0)
    found = spread([same], np.random.default_rng(0))
    assert found == Spread(Estimate(0, 0, 0), 0, 8)


def test_a_single_drawing_has_no_spread():
    assert spread([random_hashes(1)], np.random.default_rng(0)) is None


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8])
def test_independent_pairs_share_no_drawing(count):
    # Drawing i has i bits set, so a distance tells its pair.
    bits = (
        np.arange(64) < np.array([2**i - 1 for i in range(7)] + [64])[:, None]
    )
    hashes = np.packbits(bits, axis=1)[:count]
    found = independent_distances(hashes, np.random.default_rng(1))
    assert len(found) == count // 2
    levels = [2**i - 1 for i in range(7)] + [64]
    pairs = {b - a: {a, b} for b in levels for a in levels if a < b}
    used = [level for d in found for level in pairs[int(d)]]
    assert len(used) == len(set(used)) == count // 2 * 2


def test_independent_pairs_have_the_mean_of_all_pairs():
    hashes = random_hashes(40) & random_hashes(40, 1)
    rng = np.random.default_rng(0)
    means = [independent_distances(hashes, rng).mean() for _ in range(400)]
    expected = spread([hashes], rng).mean.value
    assert np.mean(means) == pytest.approx(expected, abs=0.15)


def test_t_test_is_students():
    rng = np.random.default_rng(0)
    one, other = rng.normal(30, 5, 50), rng.normal(31, 6, 40)
    found = t_test(one, other)
    pooled = np.sqrt(
        (49 * one.var(ddof=1) + 39 * other.var(ddof=1)) / 88 * (1 / 50 + 1 / 40)
    )
    t = (one.mean() - other.mean()) / pooled
    assert found == pytest.approx((t, 88, 2 * stats.t.sf(abs(t), 88)))


def test_t_test_tells_when_it_cannot_tell():
    assert np.isnan(t_test([1], [2, 3]).p)
    assert np.isnan(t_test([1, 1], [1, 1]).p)
