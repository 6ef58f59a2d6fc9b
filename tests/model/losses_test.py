import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from sketcher_tf.configs import LossConfig
from sketcher_tf.model.losses import (
    Losses,
    LossTerms,
    combine,
    gaussian_kl,
    kl_weight,
    reconstruction_losses,
)
from sketcher_tf.model.mixture import (
    MixtureParams,
    raw_size,
    split_params,
)

LENGTHS = [0, 1, 3, 6]  # the last one fills its row, without an end token
STEPS = 6


def random_points(lengths, steps, seed=0):
    """Stroke-5 float32 [B, T, 5], end tokens after each length."""
    rng = np.random.default_rng(seed)
    points = np.zeros((len(lengths), steps, 5), np.float32)
    for row, length in zip(points, lengths, strict=True):
        row[:length, :2] = rng.normal(size=(length, 2))
        row[np.arange(length), rng.integers(2, 4, size=length)] = 1
        row[length:, 4] = 1
    return points


def random_params(shape, seed=1):
    raw = np.random.default_rng(seed).normal(size=(*shape, raw_size(3)))
    return split_params(tf.constant(raw, tf.float32), 0.01)


def density(offset, params, index):
    """Of the mixture at one step, float64, by the formula of Graves 2013."""
    logits, loc, scale, correlation = (
        np.asarray(field[index], np.float64) for field in params[:4]
    )
    weights = np.exp(logits) / np.exp(logits).sum()
    x, y = ((offset - loc) / scale).T
    free = 1 - correlation**2
    z = x**2 + y**2 - 2 * correlation * x * y
    norm = 2 * np.pi * scale.prod(axis=-1) * np.sqrt(free)
    return float(weights @ (np.exp(-z / (2 * free)) / norm))


def reference_losses(points, params, max_seq_len):
    """Both losses of each drawing, by a walk along its points."""
    losses = np.zeros((2, len(points)))
    for b, drawing in enumerate(points):
        for t, point in enumerate(drawing.astype(np.float64)):
            logits = np.asarray(params.pen_logits[b, t], np.float64)
            share = np.exp(logits) @ point[2:] / np.exp(logits).sum()
            losses[1, b] -= math.log(share)
            if point[4]:
                break
            losses[0, b] -= math.log(density(point[:2], params, (b, t)))
    return losses / max_seq_len


# --- Reconstruction ---------------------------------------------------------


def test_reconstruction_losses_end_with_the_drawing():
    points = random_points(LENGTHS, STEPS)
    params = random_params(points.shape[:2])
    actual = reconstruction_losses(tf.constant(points), params, max_seq_len=7)
    expected = reference_losses(points, params, max_seq_len=7)
    assert expected[0, 0] == 0 and expected[1, 0] > 0  # the empty drawing
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_padding_changes_no_loss():
    lengths = [0, 1, 3, 5]  # each with its end token
    points = random_points(lengths, STEPS)
    longer = random_points(lengths, STEPS + 4)
    np.testing.assert_array_equal(longer[:, :STEPS], points)
    params = random_params(longer.shape[:2])
    shorter = MixtureParams(*[field[:, :STEPS] for field in params])
    np.testing.assert_allclose(
        reconstruction_losses(tf.constant(longer), params, 7),
        reconstruction_losses(tf.constant(points), shorter, 7),
        rtol=1e-6,
    )


# --- KL divergence ----------------------------------------------------------


def test_gaussian_kl_is_averaged_over_latents():
    rng = np.random.default_rng(0)
    mean, log_var = rng.normal(size=(2, 3, 4, 5))
    terms = (np.exp(log_var) + mean**2 - 1 - log_var) / 2
    actual = gaussian_kl(
        tf.constant(mean, tf.float32), tf.constant(log_var, tf.float32)
    )
    np.testing.assert_allclose(actual, terms.mean(axis=-1), rtol=1e-5)


def test_gaussian_kl_is_an_integral():
    """Of p log(p / q) for one latent, by the trapezoid rule."""
    mean, log_var = 0.7, -0.9
    x = np.linspace(-12, 12, 10_001)
    log_p = -0.5 * (
        (x - mean) ** 2 / np.exp(log_var) + log_var + np.log(2 * np.pi)
    )
    log_q = -0.5 * (x**2 + np.log(2 * np.pi))
    expected = np.trapezoid(np.exp(log_p) * (log_p - log_q), x)
    np.testing.assert_allclose(
        gaussian_kl(tf.constant([mean]), tf.constant([log_var])),
        expected,
        rtol=1e-5,
    )


numbers = st.floats(-5, 5, width=32)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4))
def test_gaussian_kl_is_zero_at_the_prior_only(latents):
    mean, log_var = tf.unstack(tf.constant(latents), axis=-1)
    kl = float(gaussian_kl(mean, log_var))
    if np.abs(latents).max() > 0.02:
        assert kl > 0
    assert kl > -1e-6  # rounding of 1 + s - exp(s)


def test_gaussian_kl_is_exactly_zero_at_the_prior():
    assert gaussian_kl(tf.zeros([4]), tf.zeros([4])) == 0


# --- The weight of KL -------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1, 100, 20_000, 10_000_000])
def test_kl_weight_is_annealed(step):
    config = LossConfig(
        kl_weight=0.5, kl_weight_start=0.01, kl_decay_rate=0.9999
    )
    expected = 0.5 * (1 - (1 - 0.01) * 0.9999**step)
    # float32 holds the rate to 3e-8, its power at step 20,000 to 6e-4.
    np.testing.assert_allclose(
        kl_weight(config, tf.constant(step, tf.int64)), expected, rtol=1e-3
    )


def test_kl_weight_runs_from_start_to_end():
    config = LossConfig(kl_weight=2.0, kl_weight_start=0.1, kl_decay_rate=0.9)
    weights = [float(kl_weight(config, tf.constant(n))) for n in range(300)]
    np.testing.assert_allclose(weights[0], 2.0 * 0.1, rtol=1e-6)
    np.testing.assert_allclose(weights[-1], 2.0, rtol=1e-6)
    assert weights == sorted(weights)


# --- The whole --------------------------------------------------------------


def combined(latent_kl, influence_kl):
    """The loss of fixed terms, and its gradient by each of them."""
    terms = LossTerms(*tf.unstack([-1.5, 0.5, latent_kl, influence_kl, 9.0]))
    config = LossConfig(kl_tolerance=0.2, influence_kl_weight=3.0)
    with tf.GradientTape() as tape:
        tape.watch(terms)
        losses = combine(terms, tf.constant(0.25), config)
    return losses, tape.gradient(losses.loss, terms)


def test_loss_adds_its_weighted_terms():
    losses, gradient = combined(0.4, 0.1)
    expected = Losses(
        loss=-1.0 + 0.25 * 0.7,
        reconstruction_loss=-1.0,
        kl_loss=0.4 + 3.0 * 0.1,
        offset_loss=-1.5,
        pen_loss=0.5,
        latent_kl=0.4,
        influence_kl=0.1,
        critic_loss=9.0,
    )
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient[:4], [1, 1, 0.25, 0.75])
    assert gradient.critic_loss is None


def test_kl_below_its_floor_counts_as_the_floor():
    losses, gradient = combined(0.08, 0.03)
    np.testing.assert_allclose(losses.loss, -1.0 + 0.25 * 0.2, rtol=1e-6)
    np.testing.assert_allclose(losses.kl_loss, 0.17, rtol=1e-6)
    # Nothing pushes it further down.
    np.testing.assert_array_equal(gradient[:4], [1, 1, 0, 0])


def test_floor_holds_for_the_sum_of_both():
    """Each is below the floor, 0.2, but their weighted sum is not."""
    losses, gradient = combined(0.1, 0.1)
    np.testing.assert_allclose(losses.loss, -1.0 + 0.25 * 0.4, rtol=1e-6)
    np.testing.assert_allclose(gradient[:4], [1, 1, 0.25, 0.75])
    assert gradient.critic_loss is None
