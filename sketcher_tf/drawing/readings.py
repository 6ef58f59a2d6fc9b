"""Readings: given points as the model's drawings would have them.

A person begins anywhere, runs either way and draws at any size; the drawings
that a model has learned from were whole ones of a certain size, and most hands
begin a circle at its top and a line at its left. A reading has the same points,
but with its strokes run as most hands run them, and maybe at the size and place
that the first part of a drawing has, or all of it. What is drawn to it is put
back to where it was given, behind the very points that were given.
"""

from typing import NamedTuple

import tensorflow as tf

from sketcher_tf.batch import Drawn, Strokes, per_stroke, rows_at
from sketcher_tf.request import Prefix
from sketcher_tf.schema import Schema
from sketcher_tf.strokes import ONWARDS

# Each reading's longest side in parts of a whole drawing's; 0: as it is given.
# Ears and stems need room beside and above the head and the apple.
_SIZES = (0.0, 0.0, 0.75, 1.0)


class Reading(NamedTuple):
    """Points to draw to, in place of those that were given.

    Attributes:
        prefix: as it is read.
        given: as it was given.
        scale: float32 [B], how many times larger it is read.
        corner: float32 [B, 2], what is its origin as it is read.
    """

    prefix: Prefix
    given: Prefix
    scale: tf.Tensor
    corner: tf.Tensor

    def put_back(self, points: tf.Tensor) -> tf.Tensor:
        """Sketches that begin with the reading, behind what was given.

        Args:
            points: stroke-5 float32 [B, T, 5].
        """
        length = self.given.length
        steps = tf.shape(points)[1]
        given = _resized(self.given.points, steps)
        drawn = points[..., :2] / self.scale[:, None, None]
        # The pen is at another place than where the reading left it.
        moved = self.corner + _end(self.prefix) / self.scale[:, None]
        moved -= _end(self.given)
        after = tf.one_hot(length, steps)[..., None]  # [B, T, 1]
        ended = tf.cumsum(points[..., 4:], axis=1) > 0
        drawn = tf.where(ended, 0.0, drawn + after * moved[:, None])
        sketch = tf.concat([drawn, points[..., 2:]], axis=-1)
        is_given = tf.sequence_mask(length, steps)[..., None]
        return tf.where(is_given, given, sketch)


def read_anew(schema: Schema, given: Prefix, number: tf.Tensor) -> Reading:
    """The reading with that number, of which the first is what was given.

    The others have strokes `as_most_hands`: the second is as large as it was
    given, the third has three quarters of a whole drawing's size, the last is
    as large as a whole drawing. Those two stand in the middle at the bottom.

    Args:
        schema: of the model.
        given: what was given.
        number: int32 []; the fifth is the first again, and so on.
    """
    way = number % len(_SIZES)
    places = tf.cumsum(given.points[..., :2], axis=1)
    places = as_most_hands(places, given)
    inside = _inside(given)
    low, high = _bounds(places, inside)
    side = tf.reduce_max(high - low, axis=-1)  # [B]
    whole = schema.size_px / schema.scale_factor
    size = tf.gather(_SIZES, way) * whole
    resized = (size > 0) & (side > 0)
    scale = tf.where(resized, size / tf.maximum(side, 1e-6), 1.0)
    space = whole / scale[:, None] - (high - low)
    corner = tf.where(resized[:, None], low - space * (0.5, 1.0), 0.0)
    places = (places - corner[:, None]) * scale[:, None, None]
    before = tf.pad(places[:, :-1], [[0, 0], [1, 0], [0, 0]])
    offsets = tf.where(inside[..., None], places - before, 0.0)
    points = tf.concat([offsets, given.points[..., 2:]], axis=-1)
    points = tf.where(way > 0, points, given.points)  # to the last bit
    return Reading(Prefix(points, given.length), given, scale, corner)


def as_most_hands(places: tf.Tensor, given: Prefix) -> tf.Tensor:
    """Closed strokes counter-clockwise from their top, others rightwards.

    So run 67 % of the closed strokes of Quick, Draw!, most from the top.
    A stroke that is still being drawn stays as it is: what follows goes on from
    its end.

    Args:
        places: float32 [B, P, 2], y downwards.
        given: their pen states.

    Returns:
        float32 [B, P, 2]; each stroke has as many points as before, of which
        the last of a closed one is again where the first is.
    """
    drawn = Drawn(places, given.points[..., 3] > 0, given.length)
    strokes = Strokes.of(drawn)
    first, count, closed, top, clockwise, backwards = (
        strokes.of_points(values)
        for values in (
            strokes.first,
            strokes.count,
            strokes.closed(drawn),
            _topmost(drawn, strokes),
            _area(drawn, strokes) > 0,
            tf.reduce_sum(strokes.way(drawn) * ONWARDS, axis=-1) < 0,
        )
    )
    index = _numbers(drawn)
    at = index - first  # from 0 in each stroke
    ring = count - 1  # points of a closed stroke, its end not counted
    step = tf.where(clockwise, -at, at)
    turned = tf.math.floormod(top - first + step, tf.maximum(ring, 1))
    opened = tf.where(backwards, ring - at, at)
    order = first + tf.where(closed, turned, opened)
    done = drawn.exists & rows_at(drawn.lifted, first + ring)
    return tf.gather(places, tf.where(done, order, index), batch_dims=1)


def _topmost(drawn: Drawn, strokes: Strokes) -> tf.Tensor:
    """The number of each stroke's first topmost point, int32 [B, T]."""
    index = _numbers(drawn)
    is_top = drawn.position[..., 1] == strokes.of_points(strokes.low)[..., 1]
    candidates = tf.where(is_top & drawn.exists, index, index.dtype.max)
    return per_stroke(tf.math.unsorted_segment_min, candidates, strokes.number)


def _area(drawn: Drawn, strokes: Strokes) -> tf.Tensor:
    """Twice the area inside each stroke, above 0 if clockwise, float32 [B, T].

    With y downwards; the shoelace formula, which closes the stroke by itself
    because it is taken about the stroke's own first point.
    """
    start = strokes.of_points(rows_at(drawn.position, strokes.first))
    own = drawn.position - start
    after = tf.roll(own, -1, axis=1)
    cross = own[..., 0] * after[..., 1] - own[..., 1] * after[..., 0]
    last = strokes.of_points(strokes.first + strokes.count) - 1
    # The edge from a stroke's last point leads into another stroke.
    within = drawn.exists & (_numbers(drawn) < last)
    return per_stroke(
        tf.math.unsorted_segment_sum,
        tf.where(within, cross, 0.0),
        strokes.number,
    )


def _numbers(drawn: Drawn) -> tf.Tensor:
    """0 to T - 1 for each drawing, int32 [B, T]."""
    shape = tf.shape(drawn.lifted)
    return tf.broadcast_to(tf.range(shape[1]), shape)


def _inside(given: Prefix) -> tf.Tensor:
    """Which rows are given points, bool [B, P]."""
    return tf.sequence_mask(given.length, tf.shape(given.points)[1])


def _bounds(places: tf.Tensor, which: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The corners [..., 2] around those points; both 0 if there are none."""
    chosen = which[..., None]
    some = tf.reduce_any(chosen, axis=-2)
    low = tf.reduce_min(tf.where(chosen, places, places.dtype.max), axis=-2)
    high = tf.reduce_max(tf.where(chosen, places, places.dtype.min), axis=-2)
    return tf.where(some, low, 0.0), tf.where(some, high, 0.0)


def _resized(points: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Points [B, P, 5] with `steps` rows: those beyond are not looked at."""
    missing = tf.maximum(steps - tf.shape(points)[1], 0)
    return tf.pad(points, [[0, 0], [0, missing], [0, 0]])[:, :steps]


def _end(prefix: Prefix) -> tf.Tensor:
    """Where the given points end, float32 [B, 2]."""
    offsets = prefix.points[..., :2]
    return tf.reduce_sum(tf.where(_inside(prefix)[..., None], offsets, 0.0), 1)
