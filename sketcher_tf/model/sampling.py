"""Drawing: a sketch is a pure function of (condition, latents, noise).

All randomness is drawn first, from one seed per sketch, and handed in. The same
seed gives the same sketch, alone or in any batch, to the last bit: see
`draw_points`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.model.ai_sketcher import AISketcher, DrawingState
from sketcher_tf.model.mixture import (
    MixtureParams,
    PointNoise,
    sampler,
    step_log_probs,
)
from sketcher_tf.request import DrawingRequest, Prefix
from sketcher_tf.strokes import END_TOKEN, START_TOKEN

# Streams of one seed, kept apart by what they are for.
LATENTS, COMPONENT, PEN, OFFSET, CHOICE = range(5)
FIRST_CANDIDATE = 1000  # candidates have seeds of their own
CANDIDATES = 64  # latents that a completion chooses from

_PACKET = 16  # float32 numbers that a processor takes at once, at most


class Progress(NamedTuple):
    """Drawings in progress: what their next point depends on.

    Attributes:
        context: float32 [B, G], what is constant over each sketch, projected.
        point: stroke-5 float32 [B, 5], the last one; first the start token.
        ended: bool [B], whether there was an end token.
        state: of the network; its index is how many points there are.
    """

    context: tf.Tensor
    point: tf.Tensor
    ended: tf.Tensor
    state: DrawingState


def draw(
    model: AISketcher,
    request: DrawingRequest,
    latents: tf.Tensor | None = None,
) -> tf.Tensor:
    """Draws sketches point by point; stops when all of them have ended.

    Args:
        model: the model.
        request: what is to be drawn.
        latents: float32 [B, Z]; None takes those of `draw_latents`.

    Returns:
        Stroke-5 float32 [B, T, 5], in units of the scale factor, where T is
        one more than the model's longest drawing has points: the sketch, the
        prefix included, then end tokens. A sketch with no end token is cut off.
    """
    if latents is None:
        latents = draw_latents(model, request)
    noise = draw_noise(model, request.seeds)
    points, _ = draw_points(
        model,
        start(model, request.condition, latents),
        tf.shape(noise.pen)[1],
        noise,
        request.temperature,
        request.prefix,
    )
    return points


# What is drawn first: noise and latents.


def draw_noise(model: AISketcher, seeds: tf.Tensor) -> PointNoise:
    """All randomness of the points, fields [B, T, ...].

    Args:
        model: its longest drawing and an end token have T points.
        seeds: int32 [B, 2], one per sketch.
    """
    num_points = model.schema.max_seq_len + 1
    normal, uniform = (
        tf.random.stateless_normal,
        tf.random.stateless_uniform,
    )
    return PointNoise(
        _per_sketch(uniform, seeds, COMPONENT, [num_points]),
        _per_sketch(uniform, seeds, PEN, [num_points]),
        _per_sketch(normal, seeds, OFFSET, [num_points, 2]),
    )


def _per_sketch(
    sample: Callable[[Sequence[int], tf.Tensor], tf.Tensor],
    seeds: tf.Tensor,
    stream: int,
    shape: Sequence[int],
) -> tf.Tensor:
    """Row by row, so that a sketch's noise depends on its own seed only."""
    return tf.map_fn(
        lambda seed: sample(shape, tf.random.fold_in(seed, stream)),
        seeds,
        fn_output_signature=tf.float32,
    )


def draw_latents(model: AISketcher, request: DrawingRequest) -> tf.Tensor:
    """Latents float32 [B, Z]: from p(z | c) or, for a prefix, p(z | prefix, c).

    Args:
        model: the model.
        request: what is to be drawn.
    """
    if request.prefix is None:
        return _latents_of_prior(model, request)
    return latents_given_prefix(model, request)


def _latents_of_prior(model: AISketcher, request: DrawingRequest) -> tf.Tensor:
    noise = _per_sketch(
        tf.random.stateless_normal,
        request.seeds,
        LATENTS,
        [model.prior.noise_size],
    )
    return model.prior(request.condition, noise, request.temperature)


def latents_given_prefix(
    model: AISketcher, request: DrawingRequest, candidates: int = CANDIDATES
) -> tf.Tensor:
    """Latents from p(z | prefix, c), by sampling importance resampling.

    Each sketch draws `candidates` latents from the prior and takes one with
    probability proportional to how likely it makes the prefix. One sketch at a
    time: all candidates of a large batch at once would need gigabytes.

    Args:
        model: the model.
        request: with a prefix.
        candidates: how many latents to choose from.

    Returns:
        float32 [B, Z].
    """
    return tf.map_fn(
        lambda row: _latents_given_one_prefix(model, row, candidates),
        request,
        fn_output_signature=tf.TensorSpec([model.latent_size]),
        parallel_iterations=1,
    )


def _latents_given_one_prefix(
    model: AISketcher, request: DrawingRequest, candidates: int
) -> tf.Tensor:
    """float32 [Z], for the one sketch of a request without its axis B."""
    assert request.prefix is not None
    points, length = request.prefix
    # At least one row, which is then not looked at.
    points = points[: tf.maximum(length, 1)]
    seeds = tf.map_fn(
        lambda n: tf.random.fold_in(request.seeds, n + FIRST_CANDIDATE),
        tf.range(candidates),
    )
    condition, temperature, points = (
        tf.repeat(field[None], candidates, axis=0)
        for field in (request.condition, request.temperature, points)
    )
    latents = _latents_of_prior(
        model, DrawingRequest(condition, seeds, temperature)
    )
    steps = log_prob(model, points, condition, latents)
    given = tf.sequence_mask(length, tf.shape(points)[1], tf.float32)
    log_weights = tf.reduce_sum(steps * given, axis=1)
    uniform = tf.random.stateless_uniform(
        [candidates], tf.random.fold_in(request.seeds, CHOICE)
    )
    return latents[choose(log_weights[None], uniform[None])[0]]


def encode(model: AISketcher, batch: SketchBatch) -> tf.Tensor:
    """The latents of drawings, float32 [B, Z]: the middle of the posterior.

    Never of one row alone, whose products round otherwise than those of many.

    Args:
        model: the model.
        batch: drawings.
    """
    count = tf.shape(batch.condition)[0]
    surplus = tf.maximum(2 - count, 0)
    some = SketchBatch(*(_with_rows(field, surplus) for field in batch))
    return model.encode(some).mean[:count]


def choose(log_weights: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """One of K, with probability proportional to its weight, int64 [B].

    The Gumbel-max trick: the argmax of `perturbed` weights is a sample.

    Args:
        log_weights: float32 [B, K].
        uniform: float32 [B, K], on [0, 1).
    """
    return tf.argmax(perturbed(log_weights, uniform), axis=1)


def perturbed(log_weights: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Log weights with Gumbel noise, float32 [B, K].

    The largest n of a row are a sample without replacement of n of the K.
    Reference: Kool, van Hoof and Welling 2019, Stochastic beams.
    """
    return log_weights - tf.math.log(-tf.math.log(uniform))


# The loop.


def start(
    model: AISketcher, condition: tf.Tensor, latents: tf.Tensor
) -> Progress:
    """Sketches of `condition` [B, C] and `latents` [B, Z] with no point yet."""
    context, state = model.start(condition, latents)
    batch = tf.shape(latents)[0]
    return Progress(
        context,
        tf.tile(START_TOKEN[None], [batch, 1]),
        tf.zeros([batch], tf.bool),
        state,
    )


def draw_points(
    model: AISketcher,
    progress: Progress,
    count: int | tf.Tensor,
    noise: PointNoise,
    temperature: tf.Tensor,
    prefix: Prefix | None = None,
) -> tuple[tf.Tensor, Progress]:
    """Draws `count` points more: the one place where points are drawn.

    In two calls it draws what it does in one. Noise and prefix are those of
    the whole sketch, counted from its first point.

    What picks a point is computed for whole packets of rows. Processors take
    numbers in packets, and those left over one by one, which rounds otherwise:
    then it would depend on the batch whether a pen is lifted. Layers are as
    wide as packets.

    Whether all have ended is asked a point later than it could be: so that the
    products that want the last state alone, most of them, need not wait for
    the point, and are computed beside what picks it. The surplus point is
    overwritten with an end token.

    Args:
        model: the model.
        progress: from `start` or the call before.
        count: int32 []; fewer are drawn if all sketches end before, or the
            noise does.
        noise: fields [B, T, ...].
        temperature: float32 [B], tau; 0 takes the likeliest at each step.
        prefix: the points to begin with.

    Returns:
        Stroke-5 float32 [B, count, 5], in units of the scale factor, with end
        tokens after the end of a sketch; and where the sketches are now.
    """
    first = progress.state.index
    stop = tf.minimum(first + count, tf.shape(noise.pen)[1])
    points = tf.TensorArray(
        tf.float32, count, element_shape=progress.point.shape
    )
    batch = temperature.shape[0] or tf.shape(temperature)[0]
    surplus = -batch % _PACKET
    noise = PointNoise(*(_with_rows(field, surplus) for field in noise))
    sample = sampler(_with_rows(temperature, surplus))
    predict = model.decoder.predict_alike(surplus)

    def unfinished(
        over: tf.Tensor, progress: Progress, _: tf.TensorArray
    ) -> tf.Tensor:
        return (progress.state.index < stop) & ~over

    def draw_next(
        over: tf.Tensor, progress: Progress, points: tf.TensorArray
    ) -> tuple[tf.Tensor, Progress, tf.TensorArray]:
        context, point, ended, state = progress
        over = tf.reduce_all(ended)
        t = state.index
        state = model.read(context, state, point)
        params = predict(state.decoder[0])
        noise_now = PointNoise(*(tf.gather(x, t, axis=1) for x in noise))
        point = _given(prefix, t, sample(params, noise_now)[:batch])
        points = points.write(t - first, point)
        ended |= point[:, 4] > 0
        return over, Progress(context, point, ended, state), points

    begun = progress
    with _weights_read(model):
        _, progress, points = tf.while_loop(
            unfinished,
            draw_next,
            (tf.reduce_all(begun.ended), progress, points),
        )
    points = tf.transpose(points.stack(), [1, 0, 2])
    return _until_end(points, begun.ended), progress


def _weights_read(model: AISketcher) -> keras.StatelessScope:
    """In it the weights are what they are now, numbers and no variables.

    In a loop of TensorFlow 1's sessions, which serve, whatever reads a variable
    waits for all that the step before puts out.
    """
    return keras.StatelessScope(
        [(weight, tf.convert_to_tensor(weight)) for weight in model.variables]
    )


def _until_end(points: tf.Tensor, ended: tf.Tensor) -> tf.Tensor:
    """End tokens for all points [B, T, 5] after the first one, if not before.

    Also for steps that the loop did not reach, zeros with no pen state at all.
    """
    ends = tf.cumsum(points[..., 4], axis=1, exclusive=True) > 0
    unreached = tf.reduce_sum(points[..., 2:], axis=-1) == 0
    over = ends | unreached | ended[:, None]
    return tf.where(over[..., None], END_TOKEN, points)


def _with_rows(values: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Values [B, ...] with `count` rows of zeros behind them."""
    if isinstance(count, int) and not count:
        return values
    return tf.pad(values, [[0, count]] + [[0, 0]] * (values.shape.rank - 1))


def _given(prefix: Prefix | None, t: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """Point t [B, 5] of the prefix, and beyond it the one drawn."""
    if prefix is None:
        return drawn
    row = tf.minimum(t, tf.shape(prefix.points)[1] - 1)
    known = tf.gather(prefix.points, row, axis=1)
    return tf.where((t < prefix.length)[:, None], known, drawn)


# How likely points are.


def log_prob(
    model: AISketcher,
    points: tf.Tensor,
    condition: tf.Tensor,
    latents: tf.Tensor,
) -> tf.Tensor:
    """The log probability of each step as `draw` sees it, in nats.

    Args:
        model: the model.
        points: stroke-5 float32 [B, T, 5].
        condition: float32 [B, C].
        latents: float32 [B, Z].

    Returns:
        float32 [B, T]; 0 after the first end token.
    """
    params = model.teacher_forced(points, condition, latents)
    return step_log_prob(points, params)


def step_log_prob(points: tf.Tensor, params: MixtureParams) -> tf.Tensor:
    """Log probability of stroke-5 points [B, T, 5], float32 [B, T]."""
    return tf.add(*step_log_probs(points, params))
