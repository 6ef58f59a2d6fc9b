import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sketcher_tf.batch import Lesson, SketchBatch
from sketcher_tf.configs import DataConfig
from sketcher_tf.data.rereading import begun_by_another
from sketcher_tf.data.transforms import (
    augment,
    begin_otherwise,
    drop_points,
    random_scale,
)
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import stroke3_to_stroke5, stroke5_to_stroke3

STEPS = 24
SEED = tf.constant([3, 4])

stroke3s = st.integers(0, STEPS - 1).flatmap(
    lambda n: st.builds(
        lambda offsets, pen: np.concatenate([offsets, pen], axis=1),
        hnp.arrays(np.float32, (n, 2), elements=st.floats(-5, 5, width=16)),
        hnp.arrays(
            np.float32, (n, 1), elements=st.sampled_from([0, 0, 0, 0, 0, 1])
        ),
    )
)


def batch_of(drawings, steps=STEPS):
    return np.stack([stroke3_to_stroke5(d, steps) for d in drawings])


def long_strokes(count, strokes=3, points=20, seed=0):
    """Drawings of several long strokes, float32 [count, T, 5]."""
    rng = np.random.default_rng(seed)
    drawings = np.zeros((count, strokes * points, 3), np.float32)
    drawings[..., :2] = rng.normal(size=(count, strokes * points, 2))
    drawings[:, points - 1 :: points, 2] = 1
    return batch_of(drawings, strokes * points + 5)


def uniforms(shape):
    """What `drop_points` draws for its seed."""
    return tf.random.stateless_uniform(shape, SEED).numpy()


def thinned(stroke3, uniform, probability):
    """Sketch-RNN's rule, point by point: the walk that drops points."""
    kept = []
    run = 0  # points since the pen was lifted, the first one not counted
    for point, u in zip(stroke3, uniform, strict=False):
        lifted_before = not kept or kept[-1][2] == 1
        run = 0 if point[2] == 1 or lifted_before else run + 1
        if run > 2 and u < probability:
            kept[-1][:2] += point[:2]
        else:
            kept.append(np.array(point, np.float64))
    return np.array(kept).reshape(-1, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(stroke3s, min_size=1, max_size=3), st.sampled_from([0.3, 0.9]))
def test_drop_points_is_the_rule_of_sketch_rnn(drawings, probability):
    points = batch_of(drawings)
    result = drop_points(tf.constant(points), SEED, probability).numpy()
    draws = uniforms(points.shape[:2])
    for row, drawing, uniform in zip(result, drawings, draws, strict=True):
        expected = thinned(drawing, uniform, probability)
        # Offsets are differences of float32 sums of up to 24 numbers below 5.
        np.testing.assert_allclose(stroke5_to_stroke3(row), expected, atol=1e-4)
        assert (row[len(expected) :] == [0, 0, 0, 0, 1]).all()


def test_points_that_stay_do_not_move():
    points = long_strokes(2)
    result = drop_points(tf.constant(points), SEED, 0.5).numpy()
    for before, after in zip(points, result, strict=True):
        before, after = (stroke5_to_stroke3(x) for x in (before, after))
        there = np.cumsum(before[:, :2], axis=0)
        here = np.cumsum(after[:, :2], axis=0)
        gaps = np.abs(here[:, None] - there).sum(axis=-1).min(axis=1)
        assert gaps.max() < 1e-4
        assert len(after) < len(before)


def test_the_ends_of_strokes_stay():
    points = long_strokes(2)
    result = drop_points(tf.constant(points), SEED, 0.999999).numpy()
    for before, after in zip(points, result, strict=True):
        before, after = (stroke5_to_stroke3(x) for x in (before, after))
        there = np.cumsum(before[:, :2], axis=0).reshape(3, 20, 2)
        here = np.cumsum(after[:, :2], axis=0).reshape(3, 4, 2)
        expected = there[:, [0, 1, 18, 19]]
        np.testing.assert_allclose(here, expected, atol=1e-4)


def test_the_share_dropped_is_the_probability():
    points = long_strokes(200)
    result = drop_points(tf.constant(points), SEED, 0.3).numpy()
    dropped = result[..., 4].sum() - points[..., 4].sum()
    candidates = 200 * 3 * 16
    # Five standard deviations of a binomial.
    margin = 5 * np.sqrt(0.3 * 0.7 / candidates)
    assert abs(dropped / candidates - 0.3) < margin


def test_nothing_is_dropped_at_probability_0():
    points = long_strokes(2)
    result = drop_points(tf.constant(points), SEED, 0.0)
    np.testing.assert_allclose(result, points, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(stroke3s, st.floats(0, 0.9))
def test_random_scale_keeps_pen_and_zeros(drawing, amount):
    points = batch_of([drawing])
    result = random_scale(tf.constant(points), SEED, amount).numpy()
    np.testing.assert_array_equal(result[..., 2:], points[..., 2:])
    assert (result[..., :2][points[..., :2] == 0] == 0).all()


def test_random_scale_has_a_factor_per_drawing_and_axis():
    points = long_strokes(300)
    result = random_scale(tf.constant(points), SEED, 0.2).numpy()
    drawn = points[:, :60, :2]
    factors = result[:, :60, :2] / drawn
    np.testing.assert_allclose(
        factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-5
    )
    factors = factors[:, 0]
    assert 0.8 <= factors.min() < 0.81
    assert 1.19 < factors.max() <= 1.2
    # Uncorrelated: 300 pairs have a correlation of 1 / sqrt(300) by chance.
    assert abs(np.corrcoef(factors.T)[0, 1]) < 0.25


@pytest.mark.parametrize("function", [drop_points, random_scale])
def test_the_seed_decides(function):
    points = tf.constant(long_strokes(3))
    first, again, other = (
        function(points, tf.constant(seed), 0.3).numpy()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_augment_does_what_the_settings_say():
    points = tf.constant(long_strokes(2))
    image = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    mirrored = image[:, :, ::-1]
    batch = SketchBatch(points, tf.ones([2, 1]), tf.constant(image))
    schema = Schema((Factor("category", ("cat",)),), 1.0, 64, 8)
    plain = {"random_scale": 0.0, "drop_point": 0.0}

    def changed(**options):
        config = DataConfig(**plain | options)
        result = augment(batch, SEED, config, schema)
        assert isinstance(result, Lesson) == bool(config.reread)
        assert result.condition is batch.condition
        if config.mirror:
            np.testing.assert_array_equal(result.image, mirrored)
            return None
        assert result.image is batch.image
        pen = (result.points[..., 2:] != points[..., 2:]).numpy().any()
        return pen, (result.points != points).numpy().any()

    assert changed() == (False, False)
    assert changed(random_scale=0.1) == (False, True)
    assert changed(drop_point=0.5) == (True, True)
    assert changed(reread=1.0)[1]
    changed(mirror=1.0)


def test_the_decoder_goes_on_from_what_another_hand_has_begun():
    count = 2000
    made = tf.constant(long_strokes(count))
    as_it_is = drop_points(made, SEED, 0.3)
    batch = SketchBatch(
        as_it_is, tf.ones([count, 1]), tf.ones([count, 8, 8, 1])
    )
    result = begin_otherwise(batch, made, SEED, 0.4)

    def same(one, other):
        return (one == other).numpy().all(axis=(1, 2))

    begun = ~same(result.points, as_it_is)
    read = ~same(result.read, as_it_is)
    assert same(result.read, result.points)[read].all()
    assert not (read & ~begun).any()
    for share, expected in ((begun, 0.4), (read, 0.2)):
        margin = 5 * np.sqrt(expected * (1 - expected) / count)
        assert abs(share.mean() - expected) < margin
    # What is given, up to the end of a stroke, counts little.
    weight = result.weight.numpy()
    given = (weight < 1).sum(axis=1)
    np.testing.assert_array_equal(given > 0, begun)
    assert set(np.unique(weight)) == {np.float32(0.1), 1}
    assert (np.diff(weight, axis=1) >= 0).all()
    rows = np.flatnonzero(begun)
    assert (result.points.numpy()[rows, given[rows] - 1, 3] == 1).all()
    _, expected = begun_by_another(made, tf.random.split(SEED, 2)[0])
    np.testing.assert_array_equal(given[begun], expected.numpy()[begun])
