import numpy as np
import pytest
import tensorflow as tf
from scipy.special import ndtr

from sketcher_tf.model.prior.fit import fit_mixtures
from sketcher_tf.model.prior.latent_prior import LatentPrior, Mixtures

LATENTS, COMPONENTS, RANK = 6, 3, 2


def covariance(mixtures, k):
    """Of each Gaussian of class k."""
    factors = mixtures.factors[k].astype(np.float64)
    return factors @ factors.T + np.diag(mixtures.diagonal[k] ** 2)


def shares(mixtures, k):
    """The weight of each Gaussian of class k."""
    return np.diff(ndtr(mixtures.thresholds[k]), prepend=0, append=1)


def moments(mixtures, k):
    """Mean and covariance of the mixture of class k."""
    weights, means = shares(mixtures, k), mixtures.mean[k].astype(np.float64)
    mean = weights @ means
    between = np.cov(means.T, ddof=0, aweights=weights)
    return mean, between + covariance(mixtures, k)


def fit(means, variances, classes=None, num_classes=1, components=1, rank=RANK):
    if classes is None:
        classes = np.zeros(len(means), int)
    return fit_mixtures(
        means, variances, classes, num_classes, components, rank
    )


def posteriors(seed, count, spread=(3.0, 2.0), noise=0.1):
    """Means and variances [N, Z], and the directions that they spread in."""
    rng = np.random.default_rng(seed)
    directions, _ = np.linalg.qr(rng.normal(size=(LATENTS, LATENTS)))
    directions = directions[:, : len(spread)]
    means = rng.normal(size=LATENTS) + noise * rng.normal(size=(count, LATENTS))
    means += (rng.normal(size=(count, len(spread))) * spread) @ directions.T
    variances = rng.uniform(0.1, 2, size=(count, LATENTS))
    return means.astype(np.float32), variances.astype(np.float32), directions


def random_mixtures(classes, seed=0):
    rng = np.random.default_rng(seed)
    return Mixtures(
        np.sort(rng.normal(size=(classes, COMPONENTS - 1))).astype(np.float32),
        rng.normal(size=(classes, COMPONENTS, LATENTS)).astype(np.float32),
        rng.uniform(0.5, 2, (classes, LATENTS)).astype(np.float32),
        rng.normal(size=(classes, LATENTS, RANK)).astype(np.float32),
    )


def prior_of(mixtures, *factor_sizes):
    prior = LatentPrior(factor_sizes, LATENTS - 2, 2, COMPONENTS, RANK)
    prior.assign(mixtures)
    return prior


def noise_of(prior, count, seed=0):
    return tf.random.stateless_normal([count, prior.noise_size], [seed, 0])


def draw(prior, condition, noise, temperature=1.0):
    return prior(condition, noise, tf.fill([len(noise)], temperature))


# --- The fit ----------------------------------------------------------------


@pytest.mark.parametrize("components", [1, 4])
def test_moments_are_those_of_the_posteriors(components):
    parts = [posteriors(seed, count) for seed, count in ((0, 50), (1, 400))]
    means, variances = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    classes = np.repeat([0, 1], [50, 400])
    order = np.random.default_rng(2).permutation(len(classes))
    fitted = fit(means[order], variances[order], classes[order], 2, components)
    for k, (own, own_variances, _) in enumerate(parts):
        mean, covariances = moments(fitted, k)
        np.testing.assert_allclose(mean, own.mean(axis=0), atol=1e-4)
        # The aggregated posterior's: that of the means and the mean variance.
        np.testing.assert_allclose(
            np.diag(covariances),
            own.var(axis=0) + own_variances.mean(axis=0),
            rtol=1e-4,
        )
        assert len(np.unique(fitted.mean[k], axis=0)) == components


def test_factors_are_the_leading_directions():
    count = 2000
    means, variances, directions = posteriors(3, count)
    variances[:] = 0.5
    fitted = fit(means, variances)
    # In ascending order; their length is the spread.
    for factor, direction, spread in zip(
        fitted.factors[0].T[::-1], directions.T, (3, 2), strict=True
    ):
        length = np.linalg.norm(factor)
        # The error of a standard deviation is spread / sqrt(2 N).
        assert abs(length - spread) < 5 * spread / np.sqrt(2 * count)
        assert abs(factor @ direction) / length > 0.99
    truth = np.cov(means, rowvar=False) + 0.5 * np.eye(LATENTS)
    # What is left out is the noise beside the directions, of variance 0.01.
    np.testing.assert_allclose(covariance(fitted, 0), truth, atol=0.01)


def test_with_all_directions_the_covariance_is_exact():
    means, variances, _ = posteriors(4, 30)
    for rank in (LATENTS, LATENTS + 3):
        fitted = fit(means, variances, rank=rank)
        assert fitted.factors.shape == (1, LATENTS, rank)
        np.testing.assert_allclose(
            covariance(fitted, 0),
            np.cov(means, rowvar=False, ddof=0)
            + np.diag(variances.mean(axis=0)),
            atol=1e-4,
        )


def test_several_ways_to_draw_are_told_apart():
    """Clusters far apart, with their shares and the spread about them."""
    rng = np.random.default_rng(6)
    centers = 20 * np.eye(LATENTS, dtype=np.float32)[:3]
    way = rng.choice(3, 3000, p=[0.2, 0.3, 0.5])
    means = centers[way] + rng.normal(size=(3000, LATENTS)).astype(np.float32)
    fitted = fit(means, 0.5 + 0 * means, components=3)
    order = np.argsort(shares(fitted, 0))
    np.testing.assert_allclose(
        shares(fitted, 0)[order], np.bincount(way) / 3000, atol=1e-5
    )
    np.testing.assert_allclose(fitted.mean[0][order], centers, atol=0.2)
    np.testing.assert_allclose(np.diag(covariance(fitted, 0)), 1.5, atol=0.15)


def test_few_drawings_are_not_one_gaussian_each():
    means, variances, _ = posteriors(7, 4 * (RANK + 2))
    fitted = fit(means, variances, components=9)
    weights = shares(fitted, 0)
    assert fitted.mean.shape == (1, 9, LATENTS)
    assert 1 < np.count_nonzero(weights > 1e-6) <= 4
    np.testing.assert_allclose(weights.sum(), 1)


@pytest.mark.filterwarnings("error")
def test_drawings_all_alike_have_one_gaussian():
    means = np.ones((60, LATENTS), np.float32)
    fitted = fit(means, np.full_like(means, 0.25), components=COMPONENTS)
    np.testing.assert_allclose(fitted.mean[0], 1)
    np.testing.assert_allclose(fitted.diagonal[0], 0.5)
    np.testing.assert_allclose(fitted.factors, 0, atol=1e-6)


def test_a_single_latent_has_a_gaussian():
    means = np.array([[1], [2], [4], [9]], np.float32)
    fitted = fit(means, 0.5 + 0 * means, rank=1)
    np.testing.assert_allclose(fitted.mean, [[[4]]])
    np.testing.assert_allclose(
        covariance(fitted, 0), [[means.var() + 0.5]], rtol=1e-6
    )


def test_a_single_drawing_has_the_gaussian_of_its_posterior():
    means, variances, _ = posteriors(8, 1)
    fitted = fit(means, variances, components=COMPONENTS)
    np.testing.assert_allclose(fitted.mean[0, 0], means[0])
    np.testing.assert_allclose(fitted.diagonal[0] ** 2, variances[0], rtol=1e-6)
    np.testing.assert_array_equal(fitted.factors, 0)


def test_too_small_a_class_takes_the_mixture_of_all():
    means, variances, _ = posteriors(5, 100)
    few = RANK + 1  # one more would do
    classes = np.array([0] * few + [1] * (few + 1) + [3] * (99 - 2 * few))
    fitted = fit(means, variances, classes, 4, COMPONENTS)
    pooled = fit(means, variances, components=COMPONENTS)
    for field, all_of_it in zip(fitted, pooled, strict=True):
        for k in (0, 2):  # too few, and none
            np.testing.assert_array_equal(field[k], all_of_it[0])
        for k in (1, 3):
            assert np.abs(field[k] - all_of_it[0]).max() > 1e-3
    assert all(field.dtype == np.float32 for field in fitted)


# --- The layer --------------------------------------------------------------


def test_samples_have_the_moments_of_their_class():
    mixtures = random_mixtures(2)
    prior = prior_of(mixtures, 2)
    count = 40_000
    for k in (0, 1):
        condition = tf.one_hot([k] * count, 2)
        sampled = draw(prior, condition, noise_of(prior, count, k)).numpy()
        mean, truth = moments(mixtures, k)
        variance = np.diag(truth)
        error = np.abs(sampled.mean(axis=0) - mean)
        assert (error < 5 * np.sqrt(variance / count)).all()
        # The standard error of a sample covariance of Gaussians.
        bound = np.sqrt((np.outer(variance, variance) + truth**2) / count)
        assert (np.abs(np.cov(sampled.T) - truth) < 5 * bound).all()


def test_gaussians_are_picked_by_their_weights():
    mixtures = random_mixtures(1)
    narrow = mixtures._replace(
        diagonal=0 * mixtures.diagonal, factors=0 * mixtures.factors
    )
    prior = prior_of(narrow, 1)
    count = 20_000
    sampled = draw(prior, tf.ones([count, 1]), noise_of(prior, count)).numpy()
    for mean, share in zip(narrow.mean[0], shares(narrow, 0), strict=True):
        picked = np.isclose(sampled, mean, atol=1e-6).all(axis=1).mean()
        assert abs(picked - share) < 5 * np.sqrt(share * (1 - share) / count)


def test_temperature_multiplies_variances_and_leaves_the_pick():
    mixtures = random_mixtures(1)
    prior = prior_of(mixtures, 1)
    condition, noise = tf.ones([50, 1]), noise_of(prior, 50)
    middle, quarter, whole = (
        draw(prior, condition, noise, tau).numpy() for tau in (0.0, 0.25, 1.0)
    )
    picked = (middle[:, None] == mixtures.mean[0]).all(axis=-1)
    np.testing.assert_array_equal(picked.sum(axis=1), 1)
    np.testing.assert_allclose(
        quarter - middle, (whole - middle) / 2, atol=1e-5
    )
    per_row = prior(condition, noise, tf.repeat([0.25, 1.0], 25))
    np.testing.assert_allclose(per_row[:25], quarter[:25], atol=1e-6)
    np.testing.assert_allclose(per_row[25:], whole[25:], atol=1e-6)


def test_classes_are_counted_as_digits_of_the_factors():
    sizes = (2, 3, 2)
    mixtures = random_mixtures(12)
    prior = prior_of(mixtures, *sizes)
    noise = noise_of(prior, 1)
    for k, digits in enumerate(np.ndindex(sizes)):
        condition = tf.concat(
            [tf.one_hot([d], n) for d, n in zip(digits, sizes, strict=True)],
            axis=1,
        )
        np.testing.assert_array_equal(
            prior.class_weights(condition), tf.one_hot([k], 12)
        )
        own, shared, [pick] = np.split(
            noise[0].numpy(), [LATENTS, LATENTS + RANK]
        )
        j = np.searchsorted(mixtures.thresholds[k], pick)
        expected = (
            mixtures.mean[k, j]
            + mixtures.diagonal[k] * own
            + mixtures.factors[k] @ shared
        )
        np.testing.assert_allclose(
            draw(prior, condition, noise)[0], expected, atol=1e-5
        )


def test_blends_mix_the_latents_of_the_same_noise():
    prior = prior_of(random_mixtures(6), 2, 3)
    noise = noise_of(prior, 1)

    def latents(*condition):
        return draw(prior, tf.constant([condition], tf.float32), noise).numpy()

    blend = latents(0.25, 0.75, 0, 0.5, 0.5)
    np.testing.assert_allclose(
        blend,
        0.125 * latents(1, 0, 0, 1, 0)
        + 0.125 * latents(1, 0, 0, 0, 1)
        + 0.375 * latents(0, 1, 0, 1, 0)
        + 0.375 * latents(0, 1, 0, 0, 1),
        atol=1e-5,
    )


def test_latents_are_a_function_of_condition_and_noise():
    prior = prior_of(random_mixtures(2), 2)
    condition = tf.one_hot([0, 1, 0], 2)
    noise = noise_of(prior, 3)
    latents = draw(prior, condition, noise).numpy()
    np.testing.assert_array_equal(latents, draw(prior, condition, noise))
    alone = draw(prior, condition[1:2], noise[1:2])
    np.testing.assert_allclose(latents[1:2], alone, atol=1e-6)
    assert np.abs(latents - draw(prior, condition, noise + 1)).min() > 1e-3


def test_unfitted_it_is_standard_normal_for_strokes_and_0_for_images():
    prior = LatentPrior([2, 2], LATENTS - 2, 2, COMPONENTS, RANK)
    noise = noise_of(prior, 5)
    latents = draw(prior, tf.constant([[1, 0, 0.3, 0.7]] * 5), noise)
    np.testing.assert_allclose(latents[:, :-2], noise[:, : LATENTS - 2])
    np.testing.assert_array_equal(latents[:, -2:], np.zeros((5, 2)))
    assert not prior.trainable_variables
