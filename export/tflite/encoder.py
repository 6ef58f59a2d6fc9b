"""What a phone computes of a whole drawing, apart from the rest for its size.

    encode      condition, points, length, picture -> latents
    recognize   points, length -> log_probs, of each value of each factor

The means of z_s, and z_r, as `AISketcher.encode` has them, and what the critic
says, if the model has one. Here the encoder goes point by point until the
drawing ends, however long the longest one is.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.recurrent.core import Loop, State

from .signatures import Concrete, Tensors, trace

# Letters as in `graph`; I pixels per side of the picture.
_CONDITION = {"condition": "float32 1 C"}
_DRAWING = {"points": "float32 1 P 5", "length": "int32 1"}
_PICTURE = {"picture": "float32 1 I I 1"}


class _Reading(NamedTuple):
    """Hidden states of a direction: the last, their sum, the largest [1, H]."""

    last: tf.Tensor
    total: tf.Tensor
    most: tf.Tensor


class PhoneEncoder:
    """The signatures; see the module.

    Args:
        model: encodes.
    """

    def __init__(self, model: AISketcher) -> None:
        schema = model.schema
        self._model = model
        sizes = {
            "C": schema.condition_size,
            "I": schema.image_size,
            "P": schema.max_seq_len,
        }
        sees = bool(model.config.model.image_latent_size)
        inputs = _CONDITION | _DRAWING | (_PICTURE if sees else {})
        self.encode = trace(self._encode, inputs, sizes)
        self.recognize = None
        if model.critic:
            self.recognize = trace(self._recognize, _DRAWING, sizes)

    def concrete(self) -> dict[str, Concrete]:
        """What is exported, by the signatures' names."""
        found = {"encode": self.encode, "recognize": self.recognize}
        return {
            name: function.get_concrete_function()
            for name, function in found.items()
            if function
        }

    def _encode(
        self,
        condition: tf.Tensor,
        points: tf.Tensor,
        length: tf.Tensor,
        picture: tf.Tensor | None = None,
    ) -> Tensors:
        """Of a drawing of at least one point; a model may see no picture."""
        encoder = self._model.encoder
        forward, backward = self._read(points, length)
        known = condition[:, : self._model.condition_size]
        features = tf.concat([forward.last, backward.last, known], axis=-1)
        mean, _ = tf.split(encoder.projection(features), 2, axis=-1)
        parts = [mean]
        if picture is not None:
            code = self._model.image_autoencoder.encoder(picture)
            parts.append(tf.cast(code, tf.float32))
        return {"latents": tf.concat(parts, axis=-1)}

    def _recognize(self, points: tf.Tensor, length: tf.Tensor) -> Tensors:
        """Of a drawing of at least one point."""
        readings = self._read(points, length)
        count = tf.cast(length, tf.float32)[:, None]
        features = tf.concat(
            [reading.last for reading in readings]
            + [reading.total / count for reading in readings]
            + [reading.most for reading in readings],
            axis=-1,
        )
        critic = self._model.critic
        assert critic is not None
        return {"log_probs": critic.log_probs(features)}

    def _read(
        self, points: tf.Tensor, length: tf.Tensor
    ) -> tuple[_Reading, _Reading]:
        """The drawing forwards, and backwards."""
        encoder, length = self._model.encoder, length[0]
        return (
            _read(encoder.forward_rnn, points, length, 0, 1),
            _read(encoder.backward_rnn, points, length, length - 1, -1),
        )


def _read(
    rnn: keras.layers.Layer,
    points: tf.Tensor,
    length: tf.Tensor,
    first: tf.Tensor | int,
    stride: int,
) -> _Reading:
    """`length` points from number `first` on."""
    context = rnn.project_context(None)
    start = rnn.initial_state(1)

    def read(
        t: tf.Tensor, state: State, total: tf.Tensor, most: tf.Tensor
    ) -> Loop:
        point = tf.gather(points, first + stride * t, axis=1)
        state = rnn.step(point, context, state)
        hidden = state[0]
        return t + 1, state, total + hidden, tf.maximum(most, hidden)

    nothing = tf.zeros_like(start[0])
    _, state, total, most = tf.while_loop(
        lambda t, *_: t < length,
        read,
        # Hidden states of an LSTM are above -1.
        (tf.constant(0), start, nothing, nothing - 1),
    )
    return _Reading(state[0], total, most)
