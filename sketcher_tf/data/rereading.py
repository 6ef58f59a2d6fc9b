"""Drawings as another hand begins them, so that completion forgives.

People begin a circle anywhere, run either way, and draw the parts of a thing in
any order, place and size; the drawings of a set have their habits. So in
training a share of the drawings is begun otherwise: up to a cut, strokes are
reversed, closed ones begun elsewhere, their order exchanged. The ink stays
where it was. What follows the cut stays as it was, for it is the model's to
draw.

All are functions of a seed.
"""

from typing import NamedTuple

import tensorflow as tf

from sketcher_tf.batch import (
    Drawn,
    Strokes,
    as_stroke5,
    on_paper,
    rows_at,
    size_of,
)

_CUT = (0.05, 0.85)  # where the given part ends, a share of the points
_WHOLE_STROKES = 0.6  # of the drawings are cut where a stroke ends
_SHUFFLED = 0.4  # of the drawings have the order of their strokes exchanged
_REVERSED = 0.5  # of the strokes
_TURNED = 0.8  # of the closed strokes begin elsewhere
_MOVED = 0.3  # of the drawings have their parts moved and scaled
_MOVE = 0.025  # standard deviation of a move, a share of the drawing's size
_SCALE = 0.1  # standard deviation of the logarithm of a part's scale
_RESIZED = 0.4  # of the drawings have another size and place
_SIZES = (0.25, 1.1)  # of what they were


class _Reading(NamedTuple):
    """Which stroke comes when, and how it is run through; [B, T] each.

    Attributes:
        order: int32, the strokes.
        back: bool, whether a stroke is reversed.
        turn: int32, the point that a closed stroke begins with.
    """

    order: tf.Tensor
    back: tf.Tensor
    turn: tf.Tensor


# A graph of its own, which is long to make: once for all pipelines.
@tf.function(autograph=False, reduce_retracing=True)
def begun_by_another(
    points: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Drawings re-read, with parts moved, at another size and place.

    Args:
        points: stroke-5 float32 [B, T, 5], end tokens after the drawing.
        seed: int [2].

    Returns:
        What `reread` does.
    """
    seeds = tf.random.split(seed, 3)
    begun, given = reread(points, seeds[0])
    return resize(move_parts(begun, given, seeds[1]), seeds[2]), given


def reread(points: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Begins drawings otherwise; their ink stays where it is.

    But for strokes that end near where they begin, and not there: run through
    from elsewhere, they do.

    Args:
        points: stroke-5 float32 [B, T, 5], end tokens after the drawing.
        seed: int [2].

    Returns:
        Stroke-5 float32 [B, T, 5], and how many of its points are given,
        int32 [B]: the strokes that were begun otherwise.
    """
    seeds = tf.random.split(seed, 2)
    drawn = on_paper(points)
    given = _cut(drawn, seeds[0])
    drawn = _parted(drawn, given)
    strokes = Strokes.of(drawn)
    reading = _reading(drawn, strokes, given, seeds[1])
    return as_stroke5(_read(drawn, strokes, reading)), given


def move_parts(
    points: tf.Tensor, given: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
    """Moves and scales the given strokes of some drawings, a little.

    Args:
        points: stroke-5 float32 [B, T, 5], end tokens after the drawing.
        given: int32 [B], how many points; up to where a stroke ends.
        seed: int [2].
    """
    seeds = tf.random.split(seed, 2)
    drawn = on_paper(points)
    strokes = Strokes.of(drawn)
    batch, steps = tf.unstack(tf.shape(drawn.lifted))
    chosen = tf.random.stateless_uniform([batch, 1], seeds[0]) < _MOVED
    moved = chosen & tf.sequence_mask(given, steps)
    # A normal for each stroke, taken by its points.
    normal = strokes.of_points(
        tf.random.stateless_normal([batch, steps, 3], seeds[1])
    )
    middle = strokes.of_points((strokes.low + strokes.high) / 2)
    move = _MOVE * size_of(drawn)[:, None, None] * normal[..., 1:]
    scaled = (drawn.position - middle) * tf.exp(_SCALE * normal[..., :1])
    position = tf.where(
        moved[..., None], middle + scaled + move, drawn.position
    )
    return as_stroke5(drawn._replace(position=position))


def resize(points: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Some drawings smaller or larger, anywhere on the paper they had.

    Args:
        points: stroke-5 float32 [B, T, 5], end tokens after the drawing.
        seed: int [2].
    """
    uniform = tf.random.stateless_uniform([4, tf.shape(points)[0]], seed)
    low, high = _SIZES
    scale = low * (high / low) ** uniform[0]
    scale = tf.where(uniform[1] < _RESIZED, scale, 1.0)
    room = tf.maximum(1 - scale, 0) * size_of(on_paper(points))  # [B]
    place = room[:, None] * tf.transpose(uniform[2:])  # [B, 2]
    first = tf.one_hot(0, tf.shape(points)[1])[:, None]  # [T, 1]
    offsets = points[..., :2] * scale[:, None, None] + first * place[:, None]
    return tf.concat([offsets, points[..., 2:]], axis=-1)


def _cut(drawn: Drawn, seed: tf.Tensor) -> tf.Tensor:
    """How many points are given, int32 [B]: some, or up to a stroke's end."""
    uniform = tf.random.stateless_uniform([2, tf.shape(drawn.length)[0]], seed)
    low, high = _CUT
    share = low + (high - low) * uniform[0]
    points = tf.cast(share * tf.cast(drawn.length, tf.float32), tf.int32)
    points = tf.maximum(points, 1)
    steps = tf.range(1, tf.shape(drawn.position)[1] + 1)[None]
    after = drawn.lifted & (steps >= points[:, None])
    end = tf.argmax(after, axis=1, output_type=tf.int32) + 1
    # A stroke that is cut in two has a point more.
    no_room = drawn.length >= tf.shape(drawn.lifted)[1] - 1
    whole = (uniform[1] < _WHOLE_STROKES) | no_room
    return tf.where(whole, end, points)


def _parted(drawn: Drawn, given: tf.Tensor) -> Drawn:
    """The pen lifted at the cut; what follows begins at the same point."""
    steps = tf.range(tf.shape(drawn.position)[1])[None]
    at_cut = steps == given[:, None] - 1
    inside = ~tf.gather(drawn.lifted, given - 1, batch_dims=1)  # [B]
    again = inside[:, None] & (steps >= given[:, None])
    source = steps - tf.cast(again, tf.int32)
    return Drawn(
        tf.gather(drawn.position, source, batch_dims=1),
        tf.gather(drawn.lifted, source, batch_dims=1) | at_cut,
        drawn.length + tf.cast(inside, tf.int32),
    )


def _reading(
    drawn: Drawn, strokes: Strokes, given: tf.Tensor, seed: tf.Tensor
) -> _Reading:
    shape = tf.shape(strokes.number)
    uniform = tf.random.stateless_uniform([5, shape[0], shape[1]], seed)
    number = tf.range(shape[1])
    last = tf.gather(strokes.number, given - 1, batch_dims=1)[:, None]
    begun = number <= last
    # Those of the given part stay before those that follow.
    anywhere = uniform[0] * tf.cast(last + 1, tf.float32) - 0.5
    shuffled = begun & (uniform[1, :, :1] < _SHUFFLED)
    order = tf.where(shuffled, anywhere, tf.cast(number, tf.float32))
    turned = begun & strokes.closed(drawn) & (uniform[2] < _TURNED)
    corners = tf.cast(tf.maximum(strokes.count - 1, 1), tf.float32)
    turn = tf.cast(turned, tf.int32) * tf.cast(uniform[3] * corners, tf.int32)
    return _Reading(
        tf.argsort(order, axis=1), begun & (uniform[4] < _REVERSED), turn
    )


def _read(drawn: Drawn, strokes: Strokes, reading: _Reading) -> Drawn:
    counts = rows_at(strokes.count, reading.order)
    ends = tf.cumsum(counts, axis=1)
    steps = tf.zeros_like(ends) + tf.range(tf.shape(ends)[1])
    place = tf.searchsorted(ends, steps, side="right")
    stroke = rows_at(reading.order, place)
    step = steps - rows_at(ends - counts, place)  # within its stroke
    count = rows_at(strokes.count, stroke)
    source = tf.where(rows_at(reading.back, stroke), count - 1 - step, step)
    turn = rows_at(reading.turn, stroke)
    # All round, and back to where it begins: the old last point is left out.
    around = (source + turn) % tf.maximum(count - 1, 1)
    source = tf.where(turn > 0, around, source)
    return Drawn(
        rows_at(drawn.position, rows_at(strokes.first, stroke) + source),
        step == count - 1,
        drawn.length,
    )
