"""Readings: given points as the model's drawings would have them.

A person begins anywhere, runs either way and draws at any size; the drawings
that a model has learned from were whole ones of a certain size, and most hands
begin a circle at its top and a line at its left. A reading has the same points,
but maybe with its strokes run as most hands run them, and maybe at the size and
place of a whole drawing. What is drawn to it is put back to where it was given,
behind the very points that were given.
"""

from typing import NamedTuple

import tensorflow as tf

from sketcher_tf.request import Prefix
from sketcher_tf.schema import Schema

# Of a stroke's extent: ends that are no further apart close it.
_CLOSED = 0.2
_FEW = 4  # points; a stroke of fewer encloses nothing
# Of Quick, Draw!'s open strokes, 74 % end on this side of their start, y
# downwards; of the closed ones 67 % run counter-clockwise, most from the top.
_ONWARDS = (0.8, 0.6)


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

    Those with an odd number have their strokes `as_most_hands`; every other
    two are as large as a whole drawing.

    Args:
        schema: of the model.
        given: what was given.
        number: int32 [].
    """
    turned, resized = number % 2 > 0, number // 2 % 2 > 0
    places = tf.cumsum(given.points[..., :2], axis=1)
    places = tf.where(turned, as_most_hands(places, given), places)
    inside = _inside(given)
    low, high = _bounds(places, inside)
    side = tf.reduce_max(high - low, axis=-1)  # [B]
    whole = schema.size_px / schema.scale_factor
    resized &= side > 0
    scale = tf.where(resized, whole / tf.maximum(side, 1e-6), 1.0)
    corner = tf.where(resized[:, None], low, 0.0)
    places = (places - corner[:, None]) * scale[:, None, None]
    before = tf.pad(places[:, :-1], [[0, 0], [1, 0], [0, 0]])
    offsets = tf.where(inside[..., None], places - before, 0.0)
    points = tf.concat([offsets, given.points[..., 2:]], axis=-1)
    points = tf.where(number % 4 > 0, points, given.points)  # to the last bit
    return Reading(Prefix(points, given.length), given, scale, corner)


def as_most_hands(places: tf.Tensor, given: Prefix) -> tf.Tensor:
    """Closed strokes counter-clockwise from their top, others rightwards.

    A stroke that is still being drawn stays as it is: what follows goes on from
    its end.

    Args:
        places: float32 [B, P, 2], y downwards.
        given: their pen states.

    Returns:
        float32 [B, P, 2]; each stroke has as many points as before, of which
        the last of a closed one is again where the first is.
    """
    stroke = _Strokes.of(places, given)
    ring = stroke.count - 1  # points of a closed stroke, its end not counted
    at = stroke.index - stroke.first  # [B, P], from 0 in each stroke
    step = tf.where(stroke.clockwise, -at, at)
    turned = tf.math.floormod(
        stroke.top - stroke.first + step, tf.maximum(ring, 1)
    )
    opened = tf.where(stroke.backwards, ring - at, at)
    order = stroke.first + tf.where(stroke.closed, turned, opened)
    order = tf.where(stroke.done, order, stroke.index)
    return tf.gather(places, order, batch_dims=1)


class _Strokes(NamedTuple):
    """What is true of the stroke of each point; all [B, P].

    Attributes:
        index: int32, the point's own number.
        first: int32, the number of the stroke's first point.
        count: int32, its points.
        top: int32, the number of its topmost point.
        done: bool, whether the pen was lifted at its end.
        closed: bool, whether it ends where it began.
        clockwise: bool, as one sees it.
        backwards: bool, whether few hands would end it where it ends.
    """

    index: tf.Tensor
    first: tf.Tensor
    count: tf.Tensor
    top: tf.Tensor
    done: tf.Tensor
    closed: tf.Tensor
    clockwise: tf.Tensor
    backwards: tf.Tensor

    @classmethod
    def of(cls, places: tf.Tensor, given: Prefix) -> "_Strokes":
        """Reads them off the pen states."""
        inside = _inside(given)
        lifted = tf.cast(given.points[..., 3] > 0, tf.int32)
        number = tf.cumsum(lifted, axis=1, exclusive=True)
        same = (number[:, :, None] == number[:, None, :]) & inside[:, None]
        index = tf.broadcast_to(tf.range(tf.shape(number)[1]), tf.shape(number))
        count = tf.reduce_sum(tf.cast(same, tf.int32), axis=2)
        first = tf.argmax(same, axis=2, output_type=tf.int32)
        last = first + tf.maximum(count - 1, 0)
        height = tf.where(same, places[:, None, :, 1], places.dtype.max)
        start, end = (tf.gather(places, i, batch_dims=1) for i in (first, last))
        low, high = _bounds(places[:, None], same)
        extent = tf.reduce_max(high - low, axis=-1)
        way = end - start
        return cls(
            index,
            first,
            count,
            tf.argmin(height, axis=2, output_type=tf.int32),
            inside & (tf.gather(lifted, last, batch_dims=1) > 0),
            (count >= _FEW) & (tf.norm(way, axis=-1) <= _CLOSED * extent),
            _area(places, same) > 0,
            tf.reduce_sum(way * _ONWARDS, axis=-1) < 0,
        )


def _area(places: tf.Tensor, same: tf.Tensor) -> tf.Tensor:
    """Twice the area inside each point's stroke, above 0 if clockwise [B, P].

    With y downwards; the shoelace formula, which closes the stroke by itself
    because it is taken about the stroke's own first point.
    """
    first = tf.argmax(same, axis=2, output_type=tf.int32)
    own = places - tf.gather(places, first, batch_dims=1)
    after = tf.roll(own, -1, axis=1)
    cross = own[..., 0] * after[..., 1] - own[..., 1] * after[..., 0]
    # The edge from a stroke's last point leads into another stroke.
    within = same & (tf.roll(first, -1, axis=1) == first)[:, None]
    return tf.reduce_sum(tf.where(within, cross[:, None], 0.0), axis=2)


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
