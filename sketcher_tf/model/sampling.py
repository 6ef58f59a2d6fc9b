"""Drawing: a sketch is a pure function of (condition, latents, noise).

All randomness is drawn first, from one seed per sketch, and handed in. The same
seed gives the same sketch, alone or in any batch.
"""

from typing import NamedTuple

import tensorflow as tf

from sketcher_tf.model.ai_sketcher import AISketcher, DrawingState
from sketcher_tf.model.mixture import (
    MixtureParams,
    PointNoise,
    adjust_temperature,
    mode,
    offset_log_prob,
    pen_log_prob,
    sample,
)
from sketcher_tf.strokes import END_TOKEN, START_TOKEN

# Streams of one seed, kept apart by what they are for.
LATENTS, COMPONENT, PEN, OFFSET, CHOICE = range(5)
FIRST_CANDIDATE = 1000  # candidates have seeds of their own


class Prefix(NamedTuple):
    """Points that are given and not drawn.

    Attributes:
        points: stroke-5 float32 [B, P, 5], in units of the scale factor.
        length: int32 [B], how many of them are given.
    """

    points: tf.Tensor
    length: tf.Tensor


class Progress(NamedTuple):
    """Drawings in progress: what their next point depends on.

    Attributes:
        gates: float32 [B, G], what is constant over each sketch.
        point: stroke-5 float32 [B, 5], the last one; first the start token.
        ended: bool [B], whether there was an end token.
        state: of the network; its index is how many points there are.
    """

    gates: tf.Tensor
    point: tf.Tensor
    ended: tf.Tensor
    state: DrawingState


def no_prefix(batch: tf.Tensor) -> Prefix:
    """Nothing given, for `batch` sketches."""
    return Prefix(tf.zeros([batch, 1, 5]), tf.zeros([batch], tf.int32))


def draw_noise(seeds: tf.Tensor, num_points: int) -> PointNoise:
    """All randomness of the points, fields [B, num_points, ...].

    Args:
        seeds: int32 [B, 2], one per sketch.
        num_points: how many points a sketch may have.
    """
    normal, uniform = (
        tf.random.stateless_normal,
        tf.random.stateless_uniform,
    )
    return PointNoise(
        _per_sketch(uniform, seeds, COMPONENT, [num_points]),
        _per_sketch(uniform, seeds, PEN, [num_points]),
        _per_sketch(normal, seeds, OFFSET, [num_points, 2]),
    )


def draw_latents(
    model: AISketcher,
    condition: tf.Tensor,
    seeds: tf.Tensor,
    temperature: tf.Tensor,
) -> tf.Tensor:
    """Latents from the model's prior, float32 [B, Z].

    Args:
        model: the model.
        condition: float32 [B, C].
        seeds: int32 [B, 2].
        temperature: float32 [B], tau.
    """
    noise = _per_sketch(
        tf.random.stateless_normal, seeds, LATENTS, [model.prior.noise_size]
    )
    return model.prior(condition, noise, temperature)


def _per_sketch(
    draw: object, seeds: tf.Tensor, stream: int, shape: list[int]
) -> tf.Tensor:
    """Row by row, so that a sketch's noise depends on its own seed only."""
    return tf.map_fn(
        lambda seed: draw(shape, tf.random.fold_in(seed, stream)),
        seeds,
        fn_output_signature=tf.float32,
    )


def generate(
    model: AISketcher,
    condition: tf.Tensor,
    latents: tf.Tensor,
    noise: PointNoise,
    temperature: tf.Tensor,
    prefix: Prefix,
) -> tf.Tensor:
    """Draws sketches point by point; stops when all of them have ended.

    Args:
        model: the model.
        condition: float32 [B, C].
        latents: float32 [B, Z].
        noise: fields [B, T, ...]; a sketch has at most T points.
        temperature: float32 [B], tau; 0 takes the likeliest at each step.
        prefix: the points to begin with.

    Returns:
        Stroke-5 float32 [B, T, 5], in units of the scale factor: the sketch,
        the prefix included, then end tokens. A sketch with no end token is
        cut off.
    """
    points, _ = draw_points(
        model,
        start(model, condition, latents),
        tf.shape(noise.pen)[1],
        noise,
        temperature,
        prefix,
    )
    return points


def start(
    model: AISketcher, condition: tf.Tensor, latents: tf.Tensor
) -> Progress:
    """Sketches of `condition` [B, C] and `latents` [B, Z] with no point yet."""
    gates, state = model.start(condition, latents)
    batch = tf.shape(latents)[0]
    return Progress(
        gates,
        tf.tile(START_TOKEN[None], [batch, 1]),
        tf.zeros([batch], tf.bool),
        state,
    )


def draw_points(
    model: AISketcher,
    progress: Progress,
    count: tf.Tensor,
    noise: PointNoise,
    temperature: tf.Tensor,
    prefix: Prefix,
) -> tuple[tf.Tensor, Progress]:
    """Draws `count` points more: the one place where points are drawn.

    In two calls it draws what it does in one. Noise and prefix are those of
    the whole sketch, counted from its first point.

    Args:
        model: the model.
        progress: from `start` or the call before.
        count: int32 []; fewer are drawn if all sketches end before.
        noise: fields [B, T, ...], for all points up to the last one here.
        temperature: float32 [B], tau; 0 takes the likeliest at each step.
        prefix: the points to begin with.

    Returns:
        Stroke-5 float32 [B, count, 5], in units of the scale factor, with end
        tokens after the end of a sketch; and where the sketches are now.
    """
    first = progress.state.index
    given = _pad_to(prefix.points, tf.shape(noise.pen)[1])

    def unfinished(progress, points):  # noqa: ANN001, ANN202
        del points
        missing = progress.state.index < first + count
        return missing & ~tf.reduce_all(progress.ended)

    def draw(progress, points):  # noqa: ANN001, ANN202
        gates, point, ended, state = progress
        t = state.index
        params, state = model.step(gates, state, point)
        drawn = draw_point(
            params,
            PointNoise(*(tf.gather(field, t, axis=1) for field in noise)),
            temperature,
        )
        known = tf.gather(given, t, axis=1)
        point = tf.where((t < prefix.length)[:, None], known, drawn)
        point = tf.where(ended[:, None], END_TOKEN, point)
        ended |= point[:, 4] > 0
        points = points.write(t - first, point)
        return Progress(gates, point, ended, state), points

    progress, points = tf.while_loop(
        unfinished,
        draw,
        (
            progress,
            tf.TensorArray(
                tf.float32, count, element_shape=progress.point.shape
            ),
        ),
    )
    points = tf.transpose(points.stack(), [1, 0, 2])
    # Steps that the loop did not reach are zeros: no pen state at all.
    unreached = tf.reduce_sum(points[..., 2:], axis=-1, keepdims=True) == 0
    return tf.where(unreached, END_TOKEN, points), progress


def draw_point(
    params: MixtureParams, noise: PointNoise, temperature: tf.Tensor
) -> tf.Tensor:
    """The next point, stroke-5 float32 [B, 5].

    Args:
        params: what the model predicts, fields [B, ...].
        noise: fields [B, ...].
        temperature: float32 [B], tau; 0 takes the likeliest.
    """
    greedy = temperature <= 0
    tau = tf.where(greedy, 1.0, temperature)
    drawn = sample(adjust_temperature(params, tau), noise)
    return tf.where(greedy[:, None], mode(params), drawn)


def _pad_to(points: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    missing = tf.maximum(steps - tf.shape(points)[1], 0)
    return tf.pad(points, [[0, 0], [0, missing], [0, 0]])


def log_prob(
    model: AISketcher,
    points: tf.Tensor,
    condition: tf.Tensor,
    latents: tf.Tensor,
) -> tf.Tensor:
    """The log probability of each step as `generate` sees it, in nats.

    Args:
        model: the model.
        points: stroke-5 float32 [B, T, 5].
        condition: float32 [B, C].
        latents: float32 [B, Z].

    Returns:
        float32 [B, T]; 0 after the first end token.
    """
    no_seed = tf.zeros([2], tf.int32)
    hidden = model.encoder.forward_rnn(points)
    mean, _ = model.influences(hidden)
    params = model.predict_points(points, condition, latents, mean, no_seed)
    return step_log_prob(points, params)


def step_log_prob(points: tf.Tensor, params: MixtureParams) -> tf.Tensor:
    """Log probability of stroke-5 points [B, T, 5], float32 [B, T]."""
    drawn = 1 - points[..., 4]
    until_end = tf.concat([tf.ones_like(drawn[:, :1]), drawn[:, :-1]], axis=1)
    offset = offset_log_prob(points[..., :2], params) * drawn
    return offset + pen_log_prob(points[..., 2:], params) * until_end


def latents_given_prefix(
    model: AISketcher,
    condition: tf.Tensor,
    prefix: Prefix,
    seeds: tf.Tensor,
    temperature: tf.Tensor,
    candidates: int,
) -> tf.Tensor:
    """Latents from p(z | prefix, c), by sampling importance resampling.

    Each sketch draws `candidates` latents from the prior and takes one with
    probability proportional to how likely it makes the prefix.

    Args:
        model: the model.
        condition: float32 [B, C].
        prefix: the points drawn so far; no end token among them.
        seeds: int32 [B, 2].
        temperature: float32 [B], tau, of the prior.
        candidates: how many latents to choose from.

    Returns:
        float32 [B, Z].
    """
    numbers = tf.range(candidates)
    many = tf.reshape(
        tf.map_fn(
            lambda seed: tf.map_fn(
                lambda n: tf.random.fold_in(seed, n + FIRST_CANDIDATE), numbers
            ),
            seeds,
        ),
        [-1, 2],
    )  # [B * candidates, 2]
    conditions = tf.repeat(condition, candidates, axis=0)
    latents = draw_latents(
        model, conditions, many, tf.repeat(temperature, candidates)
    )
    points = tf.repeat(prefix.points, candidates, axis=0)
    steps = log_prob(model, points, conditions, latents)
    given = tf.sequence_mask(prefix.length, tf.shape(prefix.points)[1])
    given = tf.repeat(tf.cast(given, tf.float32), candidates, axis=0)
    fit = tf.reshape(tf.reduce_sum(steps * given, axis=1), [-1, candidates])
    uniform = _per_sketch(
        tf.random.stateless_uniform, seeds, CHOICE, [candidates]
    )
    choice = choose(fit, uniform)
    latents = tf.reshape(latents, [-1, candidates, tf.shape(latents)[1]])
    return tf.gather(latents, choice, batch_dims=1)


def choose(fit: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """One of K, with probability proportional to exp(fit), int64 [B].

    The Gumbel-max trick: argmax of log weight + Gumbel noise samples.

    Args:
        fit: float32 [B, K], log weights.
        uniform: float32 [B, K], on [0, 1).
    """
    return tf.argmax(fit - tf.math.log(-tf.math.log(uniform)), axis=1)
