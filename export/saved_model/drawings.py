"""Between the wire, in pixels, and the model, in units of its scale factor."""

import tensorflow as tf

from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.encoder import drawing_lengths
from sketcher_tf.model.sampling import Prefix
from sketcher_tf.schema import Schema
from sketcher_tf.sketcher import CANDIDATES
from sketcher_tf.strokes import END_TOKEN


def from_pixels(strokes: tf.Tensor, schema: Schema) -> Prefix:
    """Drawings float32 [B, P, 5] in pixels, as the model takes them.

    Cut to the longest of them and one end token, so that padding costs nothing.
    """
    length = drawing_lengths(strokes)
    points = tf.pad(strokes, [[0, 0], [0, 1], [0, 0]])
    points = points[:, : tf.reduce_max(length) + 1]
    offsets, pen = tf.split(points, [2, 3], axis=-1)
    points = tf.concat([offsets / schema.scale_factor, pen], axis=-1)
    return Prefix(_end_after(points, length), length)


def to_pixels(
    points: tf.Tensor, schema: Schema, before: tf.Tensor | int = 0
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Sketches float32 [B, T, 5], as they are sent.

    Args:
        points: from the model.
        schema: its scale and limit.
        before: how many points the sketches had before these.

    Returns:
        Stroke-5 in pixels, [B, T, 5], how many points of it are drawn, int32
        [B], and whether there was an end token, bool [B]. The point that a
        sketch without end has beyond the model's longest drawing is dropped.
    """
    finished = tf.reduce_any(points[..., 4] > 0, axis=1)
    room = tf.maximum(schema.max_seq_len - before, 0)
    length = tf.minimum(drawing_lengths(points), room)
    offsets, pen = tf.split(points, [2, 3], axis=-1)
    strokes = tf.concat([offsets * schema.scale_factor, pen], axis=-1)
    return _end_after(strokes, length), length, finished


def draw_noise(seeds: tf.Tensor, schema: Schema) -> sampling.PointNoise:
    """The noise of whole sketches, for seeds int32 [B, 2]."""
    # One more than the longest drawing, for its end token.
    return sampling.draw_noise(seeds, schema.max_seq_len + 1)


def latents_given_points(
    model: AISketcher,
    condition: tf.Tensor,
    given: Prefix,
    seeds: tf.Tensor,
    temperature: tf.Tensor,
) -> tf.Tensor:
    """Latents float32 [B, Z] for drawings that have been begun.

    One drawing at a time: each has many candidates, and all of a full batch at
    once would need gigabytes.
    """

    def of_one(
        row: tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    ) -> tf.Tensor:
        points, length, condition, seed, temperature = row
        # At least one row, which is then not looked at.
        points = points[: tf.maximum(length, 1)]
        return sampling.latents_given_prefix(
            model,
            condition[None],
            Prefix(points[None], length[None]),
            seed[None],
            temperature[None],
            CANDIDATES,
        )[0]

    return tf.map_fn(
        of_one,
        (given.points, given.length, condition, seeds, temperature),
        fn_output_signature=tf.TensorSpec([model.latent_size]),
        parallel_iterations=1,
    )


def _end_after(points: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    drawn = tf.sequence_mask(length, tf.shape(points)[1])
    return tf.where(drawn[..., None], points, END_TOKEN)
