"""Words that the data lack are practised on drawings of the first model.

A critic that saw the new words alone would soon see one of them in nearly any
drawing. People's drawings of the old ones are not at hand, but those of the
model that fine-tuning begins with are, as its own critic lets them pass.
Reference: Shin, Lee, Kim, Kim 2017, deep generative replay.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sketcher_tf.model.replicas import batch_noise
from sketcher_tf.request import (
    DrawingRequest,
    request_for_each,
    temperature_of_new,
)
from sketcher_tf.schema import Schema
from sketcher_tf.sketcher import Sketcher

_DRAWINGS = 2  # of each word
_AT_ONCE = 512  # drawings; more would only fill the memory


class Replay(NamedTuple):
    """Drawings, and what they show.

    Attributes:
        points: stroke-5 float32 [N, T, 5], in units of the scale factor.
        condition: float32 [N, C].
    """

    points: np.ndarray
    condition: np.ndarray

    def pick(
        self, rows: tf.Tensor, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Points [rows, T', 5] and conditions [rows, C] of some of them.

        Args:
            rows: int32 [], drawings of this replica.
            seed: int32 [2], the same for all replicas.
        """
        uniform = batch_noise(tf.random.stateless_uniform, [rows], seed)
        number = tf.cast(uniform * len(self.points), tf.int32)
        points = tf.gather(self.points, number)
        drawn = tf.reduce_sum(1 - points[..., 4], axis=1)
        steps = tf.cast(tf.reduce_max(drawn), tf.int32) + 1
        return points[:, :steps], tf.gather(self.condition, number)


def recall(sketcher: Sketcher, schema: Schema, kept: np.ndarray) -> Replay:
    """Draws what is to be practised.

    Args:
        sketcher: of the model that fine-tuning begins with.
        schema: of the model that is trained; it has the same factors.
        kept: the combinations of values that no drawing shows, bool [K].
    """
    asked, shown = _conditions(sketcher.schema, schema, kept)
    tau = temperature_of_new(None, sketcher.tries, sketcher.schema)
    request = request_for_each(np.repeat(asked, _DRAWINGS, axis=0), tau, seed=0)
    ends = range(_AT_ONCE, len(request.seeds), _AT_ONCE)
    parts = [
        sketcher.draw(DrawingRequest(condition, seeds, temperature))
        for condition, seeds, temperature in zip(
            *(np.split(field, ends) for field in request[:3]), strict=True
        )
    ]
    return Replay(np.concatenate(parts), np.repeat(shown, _DRAWINGS, axis=0))


def _conditions(
    old: Schema, new: Schema, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each combination that is kept, for both models, [N, C] and [N, C']."""
    sizes = [len(factor.values) for factor in new.factors]
    shown = np.stack(np.unravel_index(np.flatnonzero(kept), sizes), axis=1)
    known = [
        [o.values.index(v) if v in o.values else -1 for v in n.values]
        for o, n in zip(old.factors, new.factors, strict=True)
    ]
    asked = np.stack(
        [np.array(k)[column] for k, column in zip(known, shown.T, strict=True)],
        axis=1,
    )
    drawable = (asked >= 0).all(axis=1)  # of a new mood, no old gender
    return old.encode(asked[drawable]), new.encode(shown[drawable])
