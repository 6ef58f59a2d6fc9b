import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.request import DrawingRequest, Prefix
from sketcher_tf.strokes import END_TOKEN, START_TOKEN
from tests.model.mixture_test import likeliest
from tests.testing import toys

STEPS = toys.SCHEMA.max_seq_len + 1
SEEDS = tf.constant([[7, 0], [7, 1], [7, 2], [8, 0]])
COUNT = len(SEEDS)
CONDITION = tf.one_hot([0, 1, 0, 1], 2)


def make_model(end=0.0):
    """A model with large weights; `end` is added to the end's logit."""
    model = AISketcher(toys.CONFIG, toys.SCHEMA)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if not weight.path.startswith("seed"):
            weight.assign(rng.normal(scale=0.4, size=weight.shape))
    bias = model.decoder.output_projection.bias
    bias.assign_add(end * tf.one_hot(2, bias.shape[0]))
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


def draw(model, seeds=SEEDS, condition=CONDITION, temperature=1.0, prefix=None):
    count = len(seeds)
    tau = tf.constant(np.broadcast_to(np.float32(temperature), count))
    request = DrawingRequest(condition, seeds, tau)
    latents = sampling.draw_latents(model, request)
    points = sampling.draw(model, request._replace(prefix=prefix), latents)
    assert points.shape == (count, STEPS, 5)
    np.testing.assert_array_equal(np.sum(points[..., 2:], axis=-1), 1)
    return points.numpy(), latents


def lengths(points):
    """Points before the first end token."""
    return (np.cumsum(points[..., 4], axis=1) == 0).sum(axis=1)


def predictions(model, points, condition, latents):
    """What the model says of each step, one by one."""
    context, state = model.start(condition, latents)
    before = tf.tile(START_TOKEN[None], [len(points), 1])
    for point in tf.unstack(tf.constant(points), axis=1):
        params, state = model.step(context, state, before)
        yield params, point
        before = point


def test_a_sketch_is_the_same_alone_and_in_any_batch(model):
    together, _ = draw(model)
    again, _ = draw(model)
    np.testing.assert_array_equal(together, again)
    for rows in ([0], [2], [3, 1], [1, 1, 0]):
        part, _ = draw(
            model, tf.gather(SEEDS, rows), tf.gather(CONDITION, rows)
        )
        np.testing.assert_array_equal(part[..., 2:], together[rows][..., 2:])
        np.testing.assert_allclose(part, together[rows], atol=1e-4)


def test_other_seeds_draw_other_sketches(model):
    # Both halves of a seed count, and so does each alone.
    points, _ = draw(model, condition=tf.one_hot([0] * COUNT, 2))
    for i in range(COUNT):
        for j in range(i):
            assert np.abs(points[i, 0] - points[j, 0]).max() > 1e-3


def test_streams_of_a_seed_are_unrelated(model):
    seeds = tf.stack([tf.zeros(400, tf.int32), tf.range(400)], axis=1)
    component, pen, offset = sampling.draw_noise(model, seeds)
    columns = np.concatenate([component, pen, *np.moveaxis(offset, -1, 0)], 1)
    correlation = np.corrcoef(columns.T) - np.eye(columns.shape[1])
    # Of N unrelated pairs it has a standard deviation of 1 / sqrt(N).
    assert np.abs(correlation).max() < 5 / np.sqrt(len(seeds))
    assert ((component >= 0) & (component < 1)).numpy().all()


def test_log_prob_is_what_the_steps_say(model):
    points, latents = draw(model)
    total = np.zeros(COUNT)
    going = np.ones(COUNT)
    for params, point in predictions(model, points, CONDITION, latents):
        one = sampling.step_log_prob(
            point[:, None], type(params)(*(f[:, None] for f in params))
        )
        total += one[:, 0].numpy() * going
        going *= 1 - point[:, 4]
    steps = sampling.log_prob(model, tf.constant(points), CONDITION, latents)
    np.testing.assert_allclose(
        np.sum(steps, axis=1), total, rtol=1e-4, atol=1e-3
    )
    behind = np.arange(STEPS) > lengths(points)[:, None]
    assert behind.any()
    np.testing.assert_array_equal(steps.numpy()[behind], 0)


def test_a_prefix_is_kept_and_continued():
    model = make_model(end=-100)
    rng = np.random.default_rng(3)
    given = np.zeros((COUNT, 5, 5), np.float32)
    given[..., :2] = rng.normal(size=(COUNT, 5, 2))
    given[..., 2:] = np.eye(3)[rng.integers(2, size=(COUNT, 5))]
    length = [0, 1, 3, 5]
    free, _ = draw(model)
    points, latents = draw(
        model, prefix=Prefix(tf.constant(given), tf.constant(length))
    )
    np.testing.assert_allclose(points[0], free[0], atol=1e-4)
    for row, n, prefix, other in zip(points, length, given, free, strict=True):
        np.testing.assert_array_equal(row[:n], prefix[:n])
        if n:  # what follows is drawn, with the prefix in mind
            assert np.abs(row[n:, :2]).min() > 0
            assert np.abs(row[n:] - other[n:]).max() > 1e-3
    # The model has read the prefix: each point is the likeliest after it.
    greedy, latents = draw(
        model,
        temperature=0,
        prefix=Prefix(tf.constant(given), tf.constant(length)),
    )
    said = predictions(model, greedy, CONDITION, latents)
    for t, (params, point) in enumerate(said):
        drawn = np.array(length) <= t
        expected = likeliest(params)[drawn]
        np.testing.assert_allclose(point.numpy()[drawn], expected, atol=1e-4)


def test_temperature_0_takes_the_mode_and_is_the_limit(model):
    points, latents = draw(model, temperature=0)
    ended = np.zeros(COUNT, bool)
    for params, point in predictions(model, points, CONDITION, latents):
        expected = np.where(ended[:, None], END_TOKEN, likeliest(params))
        np.testing.assert_allclose(point, expected, atol=1e-4)
        ended |= point.numpy()[:, 4] > 0
    # Standard deviations shrink with the root of tau.
    near, _ = draw(model, temperature=1e-8)
    np.testing.assert_allclose(near, points, atol=1e-2)
    hot, _ = draw(model, temperature=1)
    assert np.abs(hot - points).max() > 0.1
    # Each sketch has its own temperature.
    mixed, _ = draw(model, temperature=[0, 1, 1, 0])
    np.testing.assert_allclose(mixed[[0, 3]], points[[0, 3]], atol=1e-4)
    np.testing.assert_allclose(mixed[[1, 2]], hot[[1, 2]], atol=1e-4)


def test_after_the_end_there_are_only_ends(model):
    points, _ = draw(model)
    assert lengths(points).min() < STEPS - 1
    for row, length in zip(points, lengths(points), strict=True):
        np.testing.assert_array_equal(
            row[length:], np.tile(END_TOKEN, (STEPS - length, 1))
        )


def test_without_an_end_it_is_cut_off():
    points, _ = draw(make_model(end=-100))
    assert not points[..., 4].any()
    assert np.abs(points[..., :2]).min() > 0


def test_stops_a_step_after_all_have_ended(monkeypatch):
    for end in (100, 1):
        model = make_model(end)
        read, calls = model.read, []
        # Outside of a graph the loop runs in Python.
        monkeypatch.setattr(
            model,
            "read",
            lambda *args: calls.append(1) or read(*args),  # noqa: B023
        )
        some = [0, 2, 3]  # the other one never ends by itself
        points, _ = draw(
            model, tf.gather(SEEDS, some), tf.gather(CONDITION, some)
        )
        longest = lengths(points).max()
        assert len(calls) == longest + 2 < STEPS
        assert (longest == 0) == (end == 100)


def test_a_graph_draws_the_same(model):
    points, latents = draw(model)
    graph = tf.function(sampling.draw, autograph=False)
    same = graph(
        model, DrawingRequest(CONDITION, SEEDS, tf.ones(COUNT)), latents
    )
    np.testing.assert_allclose(same, points, atol=1e-4)


def test_the_loop_reads_no_weight(model):
    """In a session each read would wait for the last point."""
    graph = tf.function(sampling.draw, autograph=False).get_concrete_function(
        model, DrawingRequest(CONDITION, SEEDS, tf.ones(COUNT))
    )
    functions = graph.graph.as_graph_def().library.function
    operations = [{node.op for node in one.node_def} for one in functions]
    [loop] = [found for found in operations if "MatMul" in found]
    assert "ReadVariableOp" not in loop


@pytest.mark.parametrize("parts", [(5, 8), (0, 1, 0, 12), (3, 3, 3, 3, 1)])
def test_parts_make_the_whole(model, parts):
    given = np.zeros((COUNT, 4, 5), np.float32)
    given[..., :3] = 0.5, -0.5, 1
    prefix = Prefix(tf.constant(given), tf.constant([0, 4, 2, 0]))
    whole, latents = draw(model, prefix=prefix)
    progress = sampling.start(model, CONDITION, latents)
    noise = sampling.draw_noise(model, SEEDS)
    points = []
    for count in parts:
        drawn, progress = sampling.draw_points(
            model, progress, count, noise, tf.ones(COUNT), prefix
        )
        assert drawn.shape == (COUNT, count, 5)
        points.append(drawn)
    np.testing.assert_allclose(np.concatenate(points, 1), whole, atol=1e-4)
    np.testing.assert_array_equal(progress.ended, whole[..., 4].any(axis=1))


# --- Latents given a prefix -------------------------------------------------


def many_seeds(count):
    return tf.stack([tf.range(count), tf.zeros(count, tf.int32)], axis=1)


def test_latents_follow_the_posterior_of_a_known_case(model, monkeypatch):
    """z ~ N(0, 1) and a point ~ N(z, 1/4) at 2: z given it ~ N(1.6, 1/5)."""

    def log_prob(model, points, condition, latents):
        fit = -2 * tf.square(points[:, 0, 0] - latents[:, 0])
        # What stands behind the prefix is no evidence.
        noise = 1e3 * latents[:, 0]
        steps = tf.stack([fit, noise, noise], axis=1)
        return steps[:, : tf.shape(points)[1]]

    monkeypatch.setattr(sampling, "log_prob", log_prob)
    monkeypatch.setattr(
        model, "prior", AISketcher(toys.CONFIG, toys.SCHEMA).prior
    )
    count = 200
    points = np.zeros((count, 3, 5), np.float32)
    points[:, 0] = 2, 0, 1, 0, 0
    given = tf.function(
        lambda: sampling.latents_given_prefix(
            model,
            DrawingRequest(
                tf.one_hot([0] * count, 2),
                many_seeds(count),
                tf.ones(count),
                Prefix(tf.constant(points), tf.ones(count, tf.int32)),
            ),
        ),
        autograph=False,
    )
    latents = given().numpy()
    # 5 standard errors, and as much for having only 64 to choose from.
    error = np.sqrt(0.2 / count)
    assert abs(latents[:, 0].mean() - 1.6) < 10 * error
    assert abs(latents[:, 0].var() - 0.2) < 10 * 0.2 * np.sqrt(2 / count)
    # Latents that it says nothing of remain as they were.
    rest = latents[:, 1 : toys.MODEL.latent_size]
    assert np.abs(rest.mean(axis=0)).max() < 5 / np.sqrt(count)
    np.testing.assert_array_equal(latents, given())


def test_latents_explain_the_prefix():
    """Latents on a line, from one way of drawing to another."""
    model = make_model(end=-100)
    prior = model.prior
    rng = np.random.default_rng(5)
    way = 0.2 * rng.normal(size=model.latent_size)
    prior.mean.assign(tf.zeros_like(prior.mean))
    prior.diagonal.assign(tf.zeros_like(prior.diagonal))
    factors = np.zeros(prior.factors.shape)
    factors[:, :, 0] = 5 * way
    prior.factors.assign(factors)
    count = 40
    request = DrawingRequest(
        tf.one_hot([0] * count, 2), many_seeds(count), tf.ones(count)
    )
    # Half of the prefixes come from one end of the line, half from the other.
    side = np.repeat([-1.0, 1.0], count // 2)[:, None]
    points = sampling.draw(
        model, request, tf.constant(10 * side * way, tf.float32)
    )
    choose = tf.function(sampling.latents_given_prefix, autograph=False)

    def mean_side(length):
        prefix = Prefix(points, tf.fill([count], length))
        latents = choose(model, request._replace(prefix=prefix), 16)
        along = latents.numpy() @ way / (way @ way)
        return np.mean(along * side[:, 0]) / 5  # in deviations of the prior

    # Without evidence it is the prior, with a deviation of 1 / sqrt(count).
    assert abs(mean_side(0)) < 4 / np.sqrt(count)
    assert mean_side(8) > 4.5 / np.sqrt(count)
