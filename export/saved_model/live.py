"""A drawing in progress as a value: what a session holds, and how it goes on.

Pure; `export.saved_model.sessions` keeps such values between calls.
"""

from typing import NamedTuple

import tensorflow as tf

from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.sampling import Prefix, Progress

from .drawings import draw_noise, latents_given_points, to_pixels


class Answer(NamedTuple):
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
        seed: int32 [1, 2].
        temperature: float32 [1].
        progress: of the one drawing.
        answer: of the last step.
    """

    opened: tf.Tensor
    next_step: tf.Tensor
    seed: tf.Tensor
    temperature: tf.Tensor
    progress: Progress
    answer: Answer


def choose_latents(
    model: AISketcher,
    latents: tf.Tensor,
    condition: tf.Tensor,
    given: Prefix,
    seed: tf.Tensor,
    temperature: tf.Tensor,
) -> tf.Tensor:
    """Those given, float32 [L], or new ones if L is 0; as float32 [1, Z].

    New ones are from the prior or, if points are given, to suit them.
    """
    latents = tf.cond(
        tf.size(latents) > 0,
        lambda: latents[None],
        lambda: tf.cond(
            given.length[0] > 0,
            lambda: latents_given_points(
                model, condition, given, seed, temperature
            ),
            lambda: sampling.draw_latents(model, condition, seed, temperature),
        ),
    )
    return tf.ensure_shape(latents, [1, model.latent_size])


def begin(
    model: AISketcher,
    condition: tf.Tensor,
    seed: tf.Tensor,
    temperature: tf.Tensor,
    given: Prefix,
    latents: tf.Tensor,
) -> Session:
    """A session whose drawing has the points that are given.

    Args:
        model: draws.
        condition: float32 [1, C].
        seed: int32 [1, 2].
        temperature: float32 [1].
        given: the points.
        latents: float32 [1, Z].
    """
    length = given.length[0]
    _, progress = sampling.draw_points(
        model,
        sampling.start(model, condition, latents),
        length,
        draw_noise(seed, model.schema),
        temperature,
        given,
    )
    nothing = tf.zeros([model.schema.max_seq_len + 1, 5])
    return Session(
        opened=tf.constant(0, tf.int64),
        next_step=tf.constant(0, tf.int64),
        seed=seed,
        temperature=temperature,
        progress=progress,
        answer=Answer(nothing, tf.constant(0), tf.constant(False), length),
    )


def an_example(model: AISketcher) -> Session:
    """Some session, for its shapes."""
    return begin(
        model,
        tf.zeros([1, model.schema.condition_size]),
        tf.zeros([1, 2], tf.int32),
        tf.ones([1]),
        sampling.no_prefix(1),
        tf.zeros([1, model.latent_size]),
    )


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
        draw_noise(session.seed, model.schema),
        session.temperature,
        sampling.no_prefix(1),
    )
    strokes, count, _ = to_pixels(points, model.schema, before)
    missing = rows - tf.shape(strokes)[1]
    strokes = tf.pad(strokes[0], [[0, missing], [0, 0]])
    return session._replace(
        next_step=session.next_step + 1,
        progress=progress,
        answer=Answer(
            tf.ensure_shape(strokes, [rows, 5]),
            count[0],
            progress.ended[0],
            session.answer.length + count[0],
        ),
    )
