import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.model.mixture import (
    MixtureParams,
    PointNoise,
    offset_log_prob,
    pen_log_prob,
    raw_size,
    sampler,
    split_params,
)

MIN_SCALE = 0.01
NEVER = -50.0  # the logit of what is not drawn in any test


def random_params(shape, num_mixtures, seed=0):
    """Parameters of all shapes of Gaussians, some of them very narrow."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(*shape, raw_size(num_mixtures)))
    raw[..., -num_mixtures:] *= 2
    return split_params(tf.constant(raw, tf.float32), MIN_SCALE)


def repeated(params, times):
    """Parameters without batch axes, as `times` rows."""
    return MixtureParams(
        *[tf.repeat(field[None], times, axis=0) for field in params]
    )


def random_noise(times, seed=0):
    rng = np.random.default_rng(seed)
    return PointNoise(
        tf.constant(rng.random(times), tf.float32),
        tf.constant(rng.random(times), tf.float32),
        tf.constant(rng.normal(size=(times, 2)), tf.float32),
    )


def softmax(logits):
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def covariances(params):
    """Of every component, float64 [..., M, 2, 2]."""
    scale = np.asarray(params.scale, np.float64)
    mixed = scale.prod(axis=-1) * np.asarray(params.correlation, np.float64)
    result = scale[..., None] ** 2 * np.eye(2)
    result[..., 0, 1] = result[..., 1, 0] = mixed
    return result


# --- Parameters -------------------------------------------------------------


def test_raw_output_is_split_in_the_documented_order():
    raw = np.arange(2.0 * raw_size(2)).reshape(2, -1) / 10
    params = split_params(tf.constant(raw, tf.float32), MIN_SCALE)
    np.testing.assert_allclose(params.pen_logits, raw[:, :3])
    np.testing.assert_allclose(params.mixture_logits, raw[:, 3:5])
    np.testing.assert_allclose(params.loc, raw[:, 5:9].reshape(2, 2, 2))
    np.testing.assert_allclose(
        params.scale,
        np.exp(raw[:, 9:13].reshape(2, 2, 2)) + MIN_SCALE,
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        params.correlation, 0.999 * np.tanh(raw[:, 13:]), rtol=1e-6
    )


@pytest.mark.parametrize("value", [-1e4, -100.0, 100.0, 1e4])
def test_bounds_hold_for_any_raw_output(value):
    raw = tf.fill([raw_size(3)], tf.constant(value, tf.bfloat16))
    params = split_params(raw, MIN_SCALE)
    assert {field.dtype for field in params} == {tf.float32}
    assert np.all(np.isfinite(params.scale))
    assert np.all(params.scale >= np.float32(MIN_SCALE))
    assert np.all(np.abs(params.correlation) < 1)


# --- Densities --------------------------------------------------------------


@pytest.mark.parametrize("correlation", [0.0, 0.9, -0.999])
@pytest.mark.parametrize("seed", [0, 1])
def test_density_integrates_to_one(seed, correlation):
    """The trapezoid rule is all but exact where the grid is fine enough.

    The narrowest ellipse has a width of 0.5 sqrt(1 - 0.999) = 0.016.
    """
    rng = np.random.default_rng(seed)
    params = MixtureParams(
        *(
            tf.constant(value, tf.float32)
            for value in (
                rng.normal(size=2),
                rng.uniform(-1, 1, size=(2, 2)),
                rng.uniform(0.5, 0.9, size=(2, 2)),
                [correlation, correlation / 2],
                np.zeros(3),
            )
        )
    )
    axis, step = np.linspace(-6, 6, 1001, retstep=True, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    total = tf.reduce_sum(tf.exp(offset_log_prob(grid, params))) * step**2
    # float32: at 0.999 the exponent is the difference of numbers 1,000 times
    # as large.
    np.testing.assert_allclose(total, 1, atol=1e-3)


def test_offset_log_prob_is_that_of_the_gaussians():
    params = random_params((5, 7), 4)
    offsets = np.random.default_rng(1).normal(size=(5, 7, 2))
    shift = offsets[..., None, :] - np.asarray(params.loc, np.float64)
    covariance = covariances(params)
    distance = np.einsum(
        "...i,...ij,...j", shift, np.linalg.inv(covariance), shift
    )
    density = np.exp(-distance / 2) / np.sqrt(
        np.linalg.det(2 * np.pi * covariance)
    )
    weights = softmax(np.asarray(params.mixture_logits, np.float64))
    expected = np.log((weights * density).sum(axis=-1))
    actual = offset_log_prob(tf.constant(offsets, tf.float32), params)
    assert actual.shape == (5, 7)
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


def test_pen_log_prob_is_that_of_the_softmax():
    params = random_params((4, 3), 2)
    states = np.eye(3)[np.arange(12).reshape(4, 3) % 3]
    shares = softmax(np.asarray(params.pen_logits, np.float64))
    np.testing.assert_allclose(
        pen_log_prob(tf.constant(states, tf.float32), params),
        np.log((shares * states).sum(axis=-1)),
        rtol=1e-5,
    )


@pytest.mark.parametrize("far", [1e2, 1e4, 1e6])
def test_far_points_have_a_finite_loss_and_a_gradient(far):
    """Where exp(log_prob) is 0 in float32, and its logarithm no use."""
    params = random_params((), 3)
    with tf.GradientTape() as tape:
        tape.watch(params.loc)
        log_prob = offset_log_prob(tf.constant([far, -far]), params)
    gradient = tape.gradient(log_prob, params.loc)
    assert np.isfinite(log_prob) and log_prob < -100
    assert np.all(np.isfinite(gradient))
    x, y = tf.reduce_sum(gradient, axis=0)
    assert x - y > 1  # towards the point


# --- Samples ----------------------------------------------------------------


def drawn(params, noise, tau=1.0):
    """Points float32 [B, 5], all at one temperature."""
    temperature = tf.fill(noise.pen.shape, tau)
    return sampler(temperature)(params, noise).numpy()


def likeliest(params):
    """The mean of the likeliest component and the likeliest pen state."""
    best = np.argmax(params.mixture_logits, axis=-1)
    pen = np.eye(3, dtype=np.float32)[np.argmax(params.pen_logits, axis=-1)]
    means = np.asarray(params.loc)[np.arange(len(best)), best]
    # The end token carries no offset.
    return np.concatenate([means * (1 - pen[:, 2:]), pen], axis=-1)


def test_moments_of_samples_are_those_of_the_mixture():
    times = 100_000
    params = random_params((), 3, seed=2)
    params = params._replace(pen_logits=tf.constant([0.0, 0.0, NEVER]))
    points = drawn(repeated(params, times), random_noise(times))
    offsets = points[:, :2].astype(np.float64)

    weights = softmax(np.asarray(params.mixture_logits, np.float64))
    loc = np.asarray(params.loc, np.float64)
    mean = weights @ loc
    spread = loc - mean
    covariance = np.einsum("m,mij->ij", weights, covariances(params))
    covariance += np.einsum("m,mi,mj->ij", weights, spread, spread)

    moved = offsets - mean
    products = moved[:, :, None] * moved[:, None, :]
    for values, expected in ((offsets, mean), (products, covariance)):
        error = values.std(axis=0) / times**0.5
        np.testing.assert_array_less(
            np.abs(values.mean(axis=0) - expected), 4 * error
        )


def test_pen_states_come_as_often_as_they_should():
    times = 100_000
    params = random_params((), 2)
    points = drawn(repeated(params, times), random_noise(times))
    shares = softmax(params.pen_logits.numpy())
    error = np.sqrt(shares * (1 - shares) / times)
    np.testing.assert_array_less(
        np.abs(points[:, 2:].mean(axis=0) - shares), 4 * error
    )
    np.testing.assert_array_equal(points[:, 2:].sum(axis=-1), 1)
    ended = points[:, 4] == 1
    assert not np.any(points[ended, :2])
    assert np.all(points[~ended, :2])


def picks(logits, uniforms):
    """Which components, and which pen states, these uniforms pick."""
    times, choices = len(uniforms), len(logits)
    numbers = tf.range(float(choices))[:, None]
    params = MixtureParams(
        mixture_logits=tf.constant(logits, tf.float32),
        loc=tf.tile(numbers, [1, 2]),
        scale=tf.zeros([choices, 2]),
        correlation=tf.zeros([choices]),
        pen_logits=tf.constant([0.0, NEVER, NEVER]),
    )
    uniforms = tf.constant(uniforms, tf.float32)
    rest = tf.zeros([times]), tf.zeros([times, 2])
    points = drawn(repeated(params, times), PointNoise(uniforms, *rest))
    components = points[:, 0].tolist()

    params = params._replace(pen_logits=tf.constant(logits[:3], tf.float32))
    noise = PointNoise(tf.zeros([times]), uniforms, tf.zeros([times, 2]))
    points = drawn(repeated(params, times), noise)
    return components, np.argmax(points[:, 2:], axis=-1).tolist()


def test_uniforms_pick_by_inverse_cdf():
    uniforms = [0.0, 0.19, 0.21, 0.69, 0.71, 0.999]
    components, pens = picks(np.log([0.2, 0.5, 0.3]), uniforms)
    assert components == pens == [0, 0, 1, 1, 2, 2]


def test_what_has_no_probability_is_never_picked():
    components, pens = picks([-200.0, 0.0, -200.0], [0.0, 0.5, 0.9999999])
    assert components == pens == [1, 1, 1]


def test_the_last_choice_is_picked_where_rounding_leaves_a_gap():
    logits = np.random.default_rng(0).normal(size=(50, 20))
    last = np.nextafter(np.float32(1), np.float32(0))
    gaps = 0
    for row in logits:
        total = tf.cumsum(tf.nn.softmax(tf.constant(row, tf.float32)))[-1]
        gaps += bool(total <= last)
        components, _ = picks(row, [last])
        assert components == [19]
    assert gaps > 0


def test_at_temperature_0_it_is_the_likeliest_mean_and_pen_state():
    params = MixtureParams(
        tf.constant([[0.1, 0.3, 0.2], [5.0, -1.0, 1.0]]),
        tf.constant([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]] * 2),
        tf.ones([2, 3, 2]),
        tf.zeros([2, 3]),
        tf.constant([[0.0, 1.0, 0.5], [0.0, 1.0, 2.0]]),
    )
    # The end token carries no offset.
    expected = [[3.0, 4.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]]
    np.testing.assert_array_equal(drawn(params, random_noise(2), 0.0), expected)
    np.testing.assert_array_equal(likeliest(params), expected)


# --- Temperature ------------------------------------------------------------


def test_temperature_scales_variances_and_logits_of_each_row():
    params = random_params((300,), 4)
    tau = np.random.default_rng(3).choice([0.25, 1.0, 2.0], 300)
    roots = np.sqrt(tau).astype(np.float32)
    rows = tau.astype(np.float32)[:, None]
    adjusted = params._replace(
        mixture_logits=params.mixture_logits / rows,
        pen_logits=params.pen_logits / rows,
        scale=params.scale * roots[:, None, None],
    )
    noise = random_noise(300)
    points = sampler(tf.constant(tau, tf.float32))(params, noise).numpy()
    np.testing.assert_allclose(points, drawn(adjusted, noise), rtol=1e-5)
    assert np.abs(points - drawn(params, noise)).max(axis=-1).mean() > 0.1


def test_variance_of_samples_follows_the_temperature():
    times, tau = 20_000, 0.3
    params = random_params((), 1)
    params = params._replace(pen_logits=tf.constant([0.0, 0.0, NEVER]))
    points = drawn(repeated(params, times), random_noise(times), tau)
    # The variance of n draws is known to sqrt(2 / n), here 1 %.
    np.testing.assert_allclose(
        np.cov(points[:, :2].T), tau * covariances(params)[0], rtol=0.05
    )


def test_samples_approach_the_mode_as_temperature_falls():
    params = random_params((200,), 5)
    expected = likeliest(params)
    for tau, distance in ((1e-2, 0.5), (1e-8, 1e-3)):
        points = drawn(params, random_noise(200), tau)
        same = np.all(np.abs(points - expected) < distance, axis=-1)
        assert same.mean() > 0.9
    np.testing.assert_array_equal(points[:, 2:], expected[:, 2:])
