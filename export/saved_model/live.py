"""A drawing in progress as a value: what a session holds, and how it goes on.

Pure; `export.saved_model.sessions` keeps such values between calls.
"""

from typing import NamedTuple

import tensorflow as tf

from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.mixture import PointNoise
from sketcher_tf.model.sampling import Progress
from sketcher_tf.request import DrawingRequest, Prefix

from .drawings import to_pixels


class StepResult(NamedTuple):
    """What a step returned.

    Attributes:
        strokes: stroke-5 float32 [T, 5] in pixels; `count` rows are new points.
        count: int32 [].
        finished: bool [], whether the end token has been drawn.
        length: int32 [], points so far.
    """

    strokes: tf.Tensor
    count: tf.Tensor
    finished: tf.Tensor
    length: tf.Tensor


class Session(NamedTuple):
    """A drawing in progress.

    Attributes:
        opened: int64 [], when; tells it from others of the same id.
        next_step: int64 [].
        noise: of the whole drawing, fields [1, T, ...].
        temperature: float32 [1].
        progress: of the one drawing.
        result: of the last step.
    """

    opened: tf.Tensor
    next_step: tf.Tensor
    noise: PointNoise
    temperature: tf.Tensor
    progress: Progress
    result: StepResult


def choose_latents(
    model: AISketcher, request: DrawingRequest, latents: tf.Tensor
) -> tf.Tensor:
    """Those given, float32 [L], or new ones if L is 0; as float32 [1, Z].

    New ones are from the prior or, if there are points, to suit them.
    """
    prefix = request.prefix
    assert prefix is not None
    latents = tf.cond(
        tf.size(latents) > 0,
        lambda: latents[None],
        lambda: tf.cond(
            prefix.length[0] > 0,
            lambda: sampling.draw_latents(model, request),
            lambda: sampling.draw_latents(model, request._replace(prefix=None)),
        ),
    )
    return tf.ensure_shape(latents, [1, model.latent_size])


def begin(
    model: AISketcher, request: DrawingRequest, latents: tf.Tensor
) -> Session:
    """A session whose drawing has the points of the prefix.

    Args:
        model: draws.
        request: of one sketch, with a prefix.
        latents: float32 [1, Z].
    """
    prefix = request.prefix
    assert prefix is not None
    length = prefix.length[0]
    noise = sampling.draw_noise(model, request.seeds)
    _, progress = sampling.draw_points(
        model,
        sampling.start(model, request.condition, latents),
        length,
        noise,
        request.temperature,
        prefix,
    )
    nothing = tf.zeros([model.schema.max_seq_len + 1, 5])
    return Session(
        opened=tf.constant(0, tf.int64),
        next_step=tf.constant(0, tf.int64),
        noise=noise,
        temperature=request.temperature,
        progress=progress,
        result=StepResult(nothing, tf.constant(0), tf.constant(False), length),
    )


def an_example(model: AISketcher) -> Session:
    """Some session, for its shapes."""
    request = DrawingRequest(
        tf.zeros([1, model.schema.condition_size]),
        tf.zeros([1, 2], tf.int32),
        tf.ones([1]),
        Prefix(tf.zeros([1, 1, 5]), tf.zeros([1], tf.int32)),
    )
    return begin(model, request, tf.zeros([1, model.latent_size]))


def go_on(
    model: AISketcher, session: Session, num_points: tf.Tensor
) -> Session:
    """The session after one more step, of `num_points` points at most."""
    before = session.progress.state.index
    rows = model.schema.max_seq_len + 1
    points, progress = sampling.draw_points(
        model,
        session.progress,
        tf.minimum(num_points, rows - before),
        session.noise,
        session.temperature,
    )
    strokes, count, _ = to_pixels(points, model.schema, before)
    missing = rows - tf.shape(strokes)[1]
    strokes = tf.pad(strokes[0], [[0, missing], [0, 0]])
    return session._replace(
        next_step=session.next_step + 1,
        progress=progress,
        result=StepResult(
            tf.ensure_shape(strokes, [rows, 5]),
            count[0],
            progress.ended[0],
            session.result.length + count[0],
        ),
    )
