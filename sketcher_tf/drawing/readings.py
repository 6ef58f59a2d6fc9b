"""Readings: given points as the model's drawings would have them.

A person begins anywhere, runs either way and draws at any size; the drawings
that a model has learned from were whole ones of a certain size, and most hands
begin a circle at its top and a line at its left. A reading has the same points,
but with its strokes run as most hands run them, and maybe at the size and place
that the first part of a drawing has, or all of it. Or its last stroke goes on
from where it was begun: another hand would have come from the other side, and
not have lifted the pen. What is drawn to a reading is put back to where it was
given, behind the very points that were given.
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
_GOES_ON = 2  # the reading in which the last stroke does, if it can


class Reading(NamedTuple):
    """Points to draw to, in place of those that were given.

    Attributes:
        prefix: as it is read.
        given: as it was given.
        scale: float32 [B], how many times larger it is read.
        corner: float32 [B, 2], what is its origin as it is read.
        goes_on: bool [B], whether the last stroke does, from its beginning.
    """

    prefix: Prefix
    given: Prefix
    scale: tf.Tensor
    corner: tf.Tensor
    goes_on: tf.Tensor

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
        ended = tf.cumsum(points[..., 4:], axis=1) > 0
        after = tf.one_hot(length, steps)[..., None]  # [B, T, 1]
        first = after * tf.cast(~ended, tf.float32)
        offsets = tf.where(ended, 0.0, drawn)
        sketch = tf.concat([offsets, points[..., 2:]], axis=-1)
        # To go on, the pen first has to touch the paper there.
        touched = tf.reduce_any(first > 0, axis=[1, 2]) & self.goes_on
        touched = touched[:, None, None]
        later = tf.where(after > 0, (0.0, 0, 1, 0, 0), tf.roll(sketch, 1, 1))
        sketch = tf.where(touched, later, sketch)
        sketch += first * tf.pad(moved, [[0, 0], [0, 3]])[:, None]
        is_given = tf.sequence_mask(length, steps)[..., None]
        return tf.where(is_given, given, sketch)


def read_anew(schema: Schema, given: Prefix, number: tf.Tensor) -> Reading:
    """The reading with that number, of which the first is what was given.

    The others have strokes `as_most_hands`: the second is as large as it was
    given, and so is the third if the last stroke can go on from where it was
    begun; if not, it has three quarters of a whole drawing's size. The last is
    as large as a whole drawing. What is resized stands in the middle at the
    bottom.

    Args:
        schema: of the model.
        given: what was given.
        number: int32 []; the fifth is the first again, and so on.
    """
    way = number % len(_SIZES)
    read, goes_on = _going_on(given, way == _GOES_ON)
    places = as_most_hands(tf.cumsum(read.points[..., :2], axis=1), read)
    inside = _inside(given)
    low, high = _bounds(places, inside)
    side = tf.reduce_max(high - low, axis=-1)  # [B]
    whole = schema.size_px / schema.scale_factor
    size = tf.where(goes_on, 0.0, tf.gather(_SIZES, way) * whole)
    resized = (size > 0) & (side > 0)
    scale = tf.where(resized, size / tf.maximum(side, 1e-6), 1.0)
    space = whole / scale[:, None] - (high - low)
    corner = tf.where(resized[:, None], low - space * (0.5, 1.0), 0.0)
    places = (places - corner[:, None]) * scale[:, None, None]
    before = tf.pad(places[:, :-1], [[0, 0], [1, 0], [0, 0]])
    offsets = tf.where(inside[..., None], places - before, 0.0)
    points = tf.concat([offsets, read.points[..., 2:]], axis=-1)
    points = tf.where(way > 0, points, given.points)  # to the last bit
    prefix = Prefix(points, given.length)
    return Reading(prefix, given, scale, corner, goes_on)


def _going_on(given: Prefix, wanted: tf.Tensor) -> tuple[Prefix, tf.Tensor]:
    """The last stroke run the other way, and not done, where that can be.

    Args:
        given: what was given.
        wanted: bool [].

    Returns:
        What was given so, and where it is so: bool [B], where it is wanted,
        and the last stroke is open, done, and more than a dot.
    """
    places = tf.cumsum(given.points[..., :2], axis=1)
    drawn = _drawn(places, given)
    strokes = Strokes.of(drawn)
    last = given.length[:, None] - 1  # [B, 1]
    first, count, closed = (
        rows_at(strokes.of_points(values), last)
        for values in (strokes.first, strokes.count, strokes.closed(drawn))
    )
    can = rows_at(drawn.lifted, last) & (count > 1) & ~closed
    goes_on = can & wanted  # [B, 1]
    index = _numbers(drawn)
    turned = goes_on & (index >= first) & drawn.exists
    order = tf.where(turned, first + last - index, index)
    places = tf.gather(places, order, batch_dims=1)
    down = goes_on & (index == last)
    pen = tf.where(down[..., None], (1.0, 0.0, 0.0), given.points[..., 2:])
    before = tf.pad(places[:, :-1], [[0, 0], [1, 0], [0, 0]])
    points = tf.concat([places - before, pen], axis=-1)
    points = tf.where(goes_on[..., None], points, given.points)
    return Prefix(points, given.length), goes_on[:, 0]


def _drawn(places: tf.Tensor, given: Prefix) -> Drawn:
    return Drawn(places, given.points[..., 3] > 0, given.length)


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
    drawn = _drawn(places, given)
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
