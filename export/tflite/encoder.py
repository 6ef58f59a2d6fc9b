"""What a phone computes to encode a drawing, apart from the rest for its size.

    encode   condition, points, length, picture -> latents

The means of z_s, and z_r, as `AISketcher.encode` has them. Here the encoder
goes point by point until the drawing ends, however long the longest one is.
"""

import keras
import tensorflow as tf

from sketcher_tf.model.ai_sketcher import AISketcher

from .signatures import Concrete, Tensors, trace

# Letters as in `graph`; I pixels per side of the picture.
_INPUTS = {
    "condition": "float32 1 C",
    "points": "float32 1 P 5",
    "length": "int32 1",
}
_PICTURE = {"picture": "float32 1 I I 1"}


class PhoneEncoder(tf.Module):
    """The signature; see the module.

    Args:
        model: encodes. Its layers are not tracked, only their values.
    """

    def __init__(self, model: AISketcher) -> None:
        super().__init__()
        schema = model.schema
        self._model = model
        self._weights = [variable.value for variable in model.variables]
        sizes = {
            "C": schema.condition_size,
            "I": schema.image_size,
            "P": schema.max_seq_len,
        }
        sees = bool(model.config.model.image_latent_size)
        inputs = _INPUTS | (_PICTURE if sees else {})
        self.encode = trace(self._encode, inputs, sizes)

    def concrete(self) -> dict[str, Concrete]:
        """What is exported, by the signature's name."""
        return {"encode": self.encode.get_concrete_function()}

    def _encode(
        self,
        condition: tf.Tensor,
        points: tf.Tensor,
        length: tf.Tensor,
        picture: tf.Tensor | None = None,
    ) -> Tensors:
        """Of a drawing of at least one point; a model may see no picture."""
        encoder, length = self._model.encoder, length[0]
        forward = _last_hidden(encoder.forward_rnn, points, length, 0, 1)
        backward = _last_hidden(
            encoder.backward_rnn, points, length, length - 1, -1
        )
        known = condition[:, : self._model.condition_size]
        features = tf.concat([forward, backward, known], axis=-1)
        mean, _ = tf.split(encoder.projection(features), 2, axis=-1)
        parts = [mean]
        if picture is not None:
            code = self._model.image_autoencoder.encoder(picture)
            parts.append(tf.cast(code, tf.float32))
        return {"latents": tf.concat(parts, axis=-1)}


def _last_hidden(
    rnn: keras.layers.Layer,
    points: tf.Tensor,
    length: tf.Tensor,
    first: tf.Tensor | int,
    stride: int,
) -> tf.Tensor:
    """The hidden state after `length` points from number `first` on, [1, H]."""
    context = rnn.project_context(None)

    def read(t, state):  # noqa: ANN001, ANN202
        point = tf.gather(points, first + stride * t, axis=1)
        return t + 1, rnn.step(point, context, state)

    _, state = tf.while_loop(
        lambda t, _: t < length, read, (tf.constant(0), rnn.initial_state(1))
    )
    return state[0]
