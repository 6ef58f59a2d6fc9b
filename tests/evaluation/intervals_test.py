import numpy as np
import pytest
from scipy import stats

from sketcher_tf.evaluation.intervals import (
    Estimate,
    difference,
    mean,
    mean_share,
    percentile,
    ratio,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "count"), [(0, 1), (0, 9), (1, 2), (17, 20), (20, 20), (333, 660)]
)
def test_wilson_is_scipys(hits, count):
    expected = stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson(hits / count, count) == pytest.approx(
        (hits / count, expected.low, expected.high), abs=1e-12
    )


def test_wilson_of_nothing_is_refused():
    with pytest.raises(ValueError, match="of more than 0 drawings; received"):
        wilson(0.5, 0)
    with pytest.raises(ValueError, match="a share must be 0 to 1"):
        wilson(1.1, 10)


def test_words_of_equal_size_are_one_sample():
    assert mean_share([3, 5, 10], [10, 10, 10]) == wilson(0.6, 30)


def test_every_word_counts_the_same():
    share = mean_share([1, 10], [1, 40])
    assert share.value == 0.625
    # One drawing says so little of its word that 41 are not worth 41.
    assert share == wilson(0.625, 4 / (1 + 1 / 40))


@pytest.mark.parametrize("shares", [(0.2, 0.9), (0.5, 0.6), (0.02, 0.95)])
@pytest.mark.parametrize("count", [5, 29])
def test_mean_share_covers_the_truth(shares, count):
    rng = np.random.default_rng(0)
    hits = rng.binomial(count, shares, size=(2000, 2))
    intervals = [mean_share(row, [count] * 2) for row in hits]
    covered = np.mean([x.low <= np.mean(shares) <= x.high for x in intervals])
    assert covered >= 0.94  # 0.95 less 2 standard errors; more is allowed


@pytest.mark.parametrize(
    ("counts", "shares", "at_least"),
    [
        ((5, 20, 80, 20, 5), (0.9, 0.6, 0.95, 0.8, 0.3), 0.94),
        ((2, 40, 40), (0.1, 0.9, 0.9), 0.94),
        ((3, 60), (0.9, 0.9), 0.94),
        # The docstring's own example of less.
        ((3, 60), (0.5, 0.98), 0.9),
    ],
)
def test_mean_share_of_unequal_words(counts, shares, at_least):
    rng = np.random.default_rng(0)
    hits = rng.binomial(counts, shares, size=(2000, len(counts)))
    intervals = [mean_share(row, counts) for row in hits]
    covered = np.mean([x.low <= np.mean(shares) <= x.high for x in intervals])
    assert covered >= at_least


def test_difference_is_newcombes_example():
    # Newcombe 1998, table II, example (a), method 10.
    one, other = wilson(56 / 70, 70), wilson(48 / 80, 80)
    assert difference(one, other) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )


def test_difference_turns_around():
    one, other = wilson(0.9, 50), wilson(0.3, 20)
    there, back = difference(one, other), difference(other, one)
    assert there == pytest.approx((-back.value, -back.high, -back.low))


@pytest.mark.parametrize(("p", "q"), [(0.8, 0.9), (0.3, 0.6), (0.95, 0.2)])
@pytest.mark.parametrize("combine", [difference, ratio])
def test_two_shares_cover_the_truth(combine, p, q):
    rng = np.random.default_rng(1)
    truth = p - q if combine is difference else p / q
    covered = 0
    for one, other in rng.binomial([60, 40], [p, q], size=(2000, 2)):
        found = combine(wilson(one / 60, 60), wilson(other / 40, 40))
        covered += found.low <= truth <= found.high
    assert 0.935 <= covered / 2000 <= 0.975


def test_ratio_turns_around():
    one, other = wilson(0.9, 50), wilson(0.3, 20)
    there, back = ratio(one, other), ratio(other, one)
    assert there == pytest.approx((1 / back.value, 1 / back.high, 1 / back.low))


def test_ratio_to_what_is_certain_is_the_share():
    share = wilson(0.7, 30)
    assert ratio(share, Estimate(1.0, 1.0, 1.0)) == pytest.approx(share)


def test_ratio_to_nothing_has_no_upper_end():
    found = ratio(wilson(0.5, 20), wilson(0.0, 20))
    assert found.value == np.inf
    assert not np.isfinite(found.high)


def test_mean_has_the_interval_of_its_standard_error():
    values = np.random.default_rng(2).normal(5, 3, size=400)
    found = mean(values, np.random.default_rng(3))
    assert found.value == pytest.approx(values.mean())
    error = values.std(ddof=1) / 20
    # Quantiles of 2,000 resamples are known to about 5 %.
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.02)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.02)
    assert found == mean(values, np.random.default_rng(3))


def test_percentile_takes_the_middle():
    found = percentile(0.5, np.linspace(0, 1, 1001))
    assert found == pytest.approx((0.5, 0.025, 0.975))
