import numpy as np
import pytest
from scipy import linalg

from sketcher_tf.evaluation import metrics
from sketcher_tf.evaluation.intervals import wilson
from sketcher_tf.schema import Factor, Schema

ONE = Schema((Factor("category", ("cat", "pig", "owl")),), 1.0, 10, 16)
TWO = Schema(
    (Factor("animal", ("cat", "pig")), Factor("mood", ("happy", "sad"))),
    *(1.0, 10, 16),
)


def test_words_are_the_schemas():
    for schema in (ONE, TWO):
        words = metrics.words_of(schema)
        assert tuple(word.text for word in words) == schema.words
    assert words[3] == ("mood=sad", 1, 1)


def test_recognition_counts_right_names():
    words = metrics.words_of(ONE)
    meant = np.array([0, 0, 0, 0, 1, 1])
    named = np.array([[0], [0], [1], [-1], [1], [1]])
    found = metrics.recognition(meant, named, words)
    assert found.share.value == 0.75
    assert found.words == {"cat": wilson(0.5, 4), "pig": wilson(1.0, 2)}
    assert found.count == 6


def test_a_word_is_judged_by_its_own_factor():
    words = metrics.words_of(TWO)
    found = metrics.recognition(
        np.array([0, 3]), np.array([[0, 1], [0, 0]]), words
    )
    assert found.words["animal=cat"].value == 1
    assert found.words["mood=sad"].value == 0


def test_confusion_adds_up():
    words = metrics.words_of(TWO)
    meant = np.array([0, 0, 1, 2, 2, 3])
    named = np.array([[0, 0], [1, 1], [1, 0], [0, 1], [-1, -1], [1, 1]])
    table = metrics.confusion(meant, named, words)
    assert table.tolist() == [
        [1, 1, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 0, 1, 1],
        [0, 0, 0, 1, 0],
    ]
    hits = metrics.recognition(meant, named, words)
    assert np.trace(table) == sum(
        round(share.value * np.sum(meant == i))
        for i, share in enumerate(hits.words.values())
    )


def gaussian(count, seed, mean=0.0, scale=1.0):
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99).normal(size=(6, 6)) * scale
    return rng.normal(size=(count, 6)) @ mix + mean


def distance(one, other):
    return metrics.frechet_distance(
        metrics.feature_gaussian(one), metrics.feature_gaussian(other)
    )


def test_frechet_distance_is_its_formula():
    one, other = gaussian(80, 0), gaussian(50, 1, mean=0.4, scale=1.5)
    a, b = np.cov(one.T), np.cov(other.T)
    expected = np.sum((one.mean(0) - other.mean(0)) ** 2) + np.trace(
        a + b - 2 * linalg.sqrtm(a @ b).real
    )
    assert distance(one, other) == pytest.approx(expected)


def test_frechet_distance_of_few_drawings_is_finite():
    one, other = gaussian(3, 0), gaussian(4, 1)
    assert distance(one, other) > 0
    assert distance(one, one) == pytest.approx(0, abs=1e-9)
    assert distance(one, other) == pytest.approx(distance(other, one))


def test_frechet_distance_of_a_shift_is_its_square():
    one = gaussian(40, 0)
    assert distance(one, one + 2.0) == pytest.approx(6 * 4)


@pytest.mark.parametrize(("count", "mean"), [(150, 0.5), (40, 0.0)])
def test_frechet_interval_covers_the_expected_distance(count, mean):
    reference = metrics.feature_gaussian(gaussian(4000, 7))
    found = [
        metrics.frechet_estimate(
            gaussian(count, 100 + seed, mean),
            reference,
            np.random.default_rng(seed),
        )
        for seed in range(60)
    ]
    truth = np.mean([x.value for x in found])
    # 95 % of 60 are 57, give or take 3 times 1.7.
    assert 51 <= sum(x.low <= truth <= x.high for x in found) <= 60
    assert all(x.low <= x.value <= x.high for x in found)


def test_coverage_is_its_formula():
    """By the definition, pair by pair."""

    def among(one, other):
        pairs = np.linalg.norm(other[:, None] - other, axis=-1)
        radii = np.sort(pairs, axis=1)[:, 3]
        far = np.linalg.norm(one[:, None] - other, axis=-1)
        return np.mean((far <= radii).any(axis=1))

    one, other = gaussian(150, 0), gaussian(90, 1, mean=0.7)
    found = metrics.coverage(one, other)
    assert 0.2 < found.precision.value < 0.95
    assert found.precision == wilson(among(one, other), 150)
    assert found.recall == wilson(among(other, one), 90)


def test_few_ways_to_draw_are_precise_and_recall_little():
    real = np.concatenate([gaussian(60, 0), gaussian(60, 1, mean=50.0)])
    found = metrics.coverage(gaussian(120, 2), real)
    assert found.precision.value > 0.8
    assert found.recall.value < 0.55
    assert metrics.coverage(real, real).recall.value == 1
    away = metrics.coverage(real + 1000, real)
    assert away.precision.value == away.recall.value == 0


def test_coverage_of_few_drawings_is_a_share():
    found = metrics.coverage(gaussian(2, 0), gaussian(1, 1))
    assert 0 <= found.precision.value <= 1
    assert 0 <= found.recall.value <= 1


def test_nearest_is_the_nearest():
    queries, candidates = gaussian(70, 0), gaussian(90, 1)
    table = np.linalg.norm(queries[:, None] - candidates, axis=-1)
    numbers, found = metrics.nearest(queries, candidates, chunk=32)
    np.testing.assert_array_equal(numbers, table.argmin(axis=1))
    np.testing.assert_allclose(found, table.min(axis=1), atol=1e-6)
    numbers, found = metrics.nearest(candidates, candidates)
    np.testing.assert_array_equal(numbers, np.arange(90))
    np.testing.assert_allclose(found, 0, atol=1e-6)
