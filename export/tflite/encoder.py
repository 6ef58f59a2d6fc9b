"""What a phone computes of a whole drawing, apart from the rest for its size.

    encode      condition, points, length, picture -> latents
    recognize   points, length -> log_probs, of each value of each factor

The means of z_s, and z_r, as `AISketcher.encode` has them, and what the critic
says, if the model has one. Here the encoder goes point by point until the
drawing ends, however long the longest one is.
"""

import keras
import tensorflow as tf

from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.encoder import EncoderStates
from sketcher_tf.model.recurrent.core import Loop, State

from .signatures import Concrete, Tensors, trace

# Letters as in `graph`; I pixels per side of the picture.
_CONDITION = {"condition": "float32 1 C"}
_DRAWING = {"points": "float32 1 P 5", "length": "int32 1"}
_PICTURE = {"picture": "float32 1 I I 1"}


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
        states = self._read(points, length)
        known = condition[:, : self._model.condition_size]
        features = tf.concat([states.last, known], axis=-1)
        mean, _ = tf.split(encoder.projection(features), 2, axis=-1)
        parts = [mean]
        if picture is not None:
            code = self._model.image_autoencoder.encoder(picture)
            parts.append(tf.cast(code, tf.float32))
        return {"latents": tf.concat(parts, axis=-1)}

    def _recognize(self, points: tf.Tensor, length: tf.Tensor) -> Tensors:
        """Of a drawing of at least one point."""
        critic = self._model.critic
        assert critic is not None
        return {"log_probs": critic(self._read(points, length))}

    def _read(self, points: tf.Tensor, length: tf.Tensor) -> EncoderStates:
        """The drawing forwards, and backwards."""
        encoder, count = self._model.encoder, length[0]
        forward, end = _read(encoder.forward_rnn, points, count, 0, 1)
        backward, start = _read(
            encoder.backward_rnn, points, count, count - 1, -1
        )
        last = tf.concat([end, start], axis=-1)
        return EncoderStates(forward, backward, length, last)


def _read(
    rnn: keras.layers.Layer,
    points: tf.Tensor,
    length: tf.Tensor,
    first: tf.Tensor | int,
    stride: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Hidden states of `length` points from number `first` on.

    Returns:
        All of them [1, P, H], and the last one [1, H].
    """
    context = rnn.project_context(None)
    start = rnn.initial_state(1)
    steps = points.shape[1]
    rows = tf.range(steps)[None, :, None]

    def read(t: tf.Tensor, state: State, hidden: tf.Tensor) -> Loop:
        point = tf.gather(points, first + stride * t, axis=1)
        state = rnn.step(point, context, state)
        # As `graph` does it, for the same reason: all shapes are known.
        return t + 1, state, tf.where(rows == t, state[0][:, None], hidden)

    nothing = tf.zeros([1, steps, rnn.units])
    _, state, hidden = tf.while_loop(
        lambda t, *_: t < length, read, (tf.constant(0), start, nothing)
    )
    return hidden, state[0]
