import numpy as np
import tensorflow as tf

from sketcher_tf.layers.prior import Gaussians, LatentPrior, fit_gaussians

LATENTS, RANK = 6, 2


def covariance(gaussians, k):
    factors = gaussians.factors[k].astype(np.float64)
    return factors @ factors.T + np.diag(gaussians.diagonal[k] ** 2)


def posteriors(seed, count, spread=(3.0, 2.0), noise=0.1):
    """Means and variances [N, Z], and the directions that they spread in."""
    rng = np.random.default_rng(seed)
    directions, _ = np.linalg.qr(rng.normal(size=(LATENTS, LATENTS)))
    directions = directions[:, : len(spread)]
    means = rng.normal(size=LATENTS) + noise * rng.normal(size=(count, LATENTS))
    means += (rng.normal(size=(count, len(spread))) * spread) @ directions.T
    variances = rng.uniform(0.1, 2, size=(count, LATENTS))
    return means.astype(np.float32), variances.astype(np.float32), directions


def random_gaussians(classes, seed=0):
    rng = np.random.default_rng(seed)
    return Gaussians(
        rng.normal(size=(classes, LATENTS)).astype(np.float32),
        rng.uniform(0.5, 2, (classes, LATENTS)).astype(np.float32),
        rng.normal(size=(classes, LATENTS, RANK)).astype(np.float32),
    )


def prior_of(gaussians, *factor_sizes):
    prior = LatentPrior(factor_sizes, LATENTS - 2, 2, RANK)
    prior.assign(gaussians)
    return prior


def noise_of(prior, count, seed=0):
    return tf.random.stateless_normal([count, prior.noise_size], [seed, 0])


# --- The fit ----------------------------------------------------------------


def test_mean_and_marginal_variances_are_those_of_the_posteriors():
    parts = [posteriors(seed, count) for seed, count in ((0, 50), (1, 400))]
    means, variances = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    classes = np.repeat([0, 1], [50, 400])
    order = np.random.default_rng(2).permutation(len(classes))
    fitted = fit_gaussians(
        means[order], variances[order], classes[order], 2, RANK
    )
    for k, (own, own_variances, _) in enumerate(parts):
        np.testing.assert_allclose(fitted.mean[k], own.mean(axis=0), atol=1e-5)
        # The aggregated posterior's: that of the means and the mean variance.
        np.testing.assert_allclose(
            np.diag(covariance(fitted, k)),
            own.var(axis=0, ddof=1) + own_variances.mean(axis=0),
            rtol=1e-5,
        )


def test_factors_are_the_leading_directions():
    count = 2000
    means, variances, directions = posteriors(3, count)
    variances[:] = 0.5
    fitted = fit_gaussians(means, variances, np.zeros(count, int), 1, RANK)
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
        fitted = fit_gaussians(means, variances, np.zeros(30, int), 1, rank)
        assert fitted.factors.shape == (1, LATENTS, rank)
        np.testing.assert_allclose(
            covariance(fitted, 0),
            np.cov(means, rowvar=False) + np.diag(variances.mean(axis=0)),
            atol=1e-4,
        )


def test_a_single_latent_has_a_gaussian():
    means = np.array([[1], [2], [4], [9]], np.float32)
    fitted = fit_gaussians(means, 0.5 + 0 * means, np.zeros(4, int), 1, 1)
    np.testing.assert_allclose(fitted.mean, [[4]])
    np.testing.assert_allclose(
        covariance(fitted, 0), [[means.var(ddof=1) + 0.5]], rtol=1e-6
    )


def test_too_small_a_class_takes_the_gaussian_of_all():
    means, variances, _ = posteriors(5, 100)
    few = RANK + 1  # one more would do
    classes = np.array([0] * few + [1] * (few + 1) + [3] * (99 - 2 * few))
    fitted = fit_gaussians(means, variances, classes, 4, RANK)
    pooled = fit_gaussians(means, variances, 0 * classes, 1, RANK)
    for field, all_of_it in zip(fitted, pooled, strict=True):
        for k in (0, 2):  # too few, and none
            np.testing.assert_array_equal(field[k], all_of_it[0])
        for k in (1, 3):
            assert np.abs(field[k] - all_of_it[0]).max() > 1e-3
    assert all(field.dtype == np.float32 for field in fitted)


# --- The layer --------------------------------------------------------------


def test_samples_have_the_moments_of_their_class():
    gaussians = random_gaussians(2)
    prior = prior_of(gaussians, 2)
    count = 40_000
    for k in (0, 1):
        condition = tf.one_hot([k] * count, 2)
        sampled = prior(condition, noise_of(prior, count, k)).numpy()
        truth = covariance(gaussians, k)
        variance = np.diag(truth)
        error = np.abs(sampled.mean(axis=0) - gaussians.mean[k])
        assert (error < 5 * np.sqrt(variance / count)).all()
        # The standard error of a sample covariance of Gaussians.
        bound = np.sqrt((np.outer(variance, variance) + truth**2) / count)
        assert (np.abs(np.cov(sampled.T) - truth) < 5 * bound).all()


def test_classes_are_counted_as_digits_of_the_factors():
    sizes = (2, 3, 2)
    gaussians = random_gaussians(12)
    prior = prior_of(gaussians, *sizes)
    noise = noise_of(prior, 1)
    for k, digits in enumerate(np.ndindex(sizes)):
        condition = tf.concat(
            [tf.one_hot([d], n) for d, n in zip(digits, sizes, strict=True)],
            axis=1,
        )
        np.testing.assert_array_equal(
            prior.class_weights(condition), tf.one_hot([k], 12)
        )
        own, shared = np.split(noise[0].numpy(), [LATENTS])
        expected = (
            gaussians.mean[k]
            + gaussians.diagonal[k] * own
            + gaussians.factors[k] @ shared
        )
        np.testing.assert_allclose(
            prior(condition, noise)[0], expected, atol=1e-5
        )


def test_blends_mix_the_latents_of_the_same_noise():
    prior = prior_of(random_gaussians(6), 2, 3)
    noise = noise_of(prior, 1)

    def latents(*condition):
        return prior(tf.constant([condition], tf.float32), noise).numpy()

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
    prior = prior_of(random_gaussians(2), 2)
    condition = tf.one_hot([0, 1, 0], 2)
    noise = noise_of(prior, 3)
    latents = prior(condition, noise).numpy()
    np.testing.assert_array_equal(latents, prior(condition, noise))
    alone = prior(condition[1:2], noise[1:2])
    np.testing.assert_allclose(latents[1:2], alone, atol=1e-6)
    assert np.abs(latents - prior(condition, noise + 1)).min() > 1e-3


def test_unfitted_it_is_standard_normal_for_strokes_and_0_for_images():
    prior = LatentPrior([2, 2], LATENTS - 2, 2, RANK)
    noise = noise_of(prior, 5)
    latents = prior(tf.constant([[1, 0, 0.3, 0.7]] * 5), noise)
    np.testing.assert_allclose(latents[:, :-2], noise[:, : LATENTS - 2])
    np.testing.assert_array_equal(latents[:, -2:], np.zeros((5, 2)))
    assert not prior.trainable_variables
