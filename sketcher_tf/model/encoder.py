"""The stroke encoder: a bidirectional RNN from points to a posterior.

    h_enc = [h_fwd_N ; h_bwd_1],  h_c = [h_enc ; c]
    mu_s = W_mu h_c + b_mu,  s_s = W_sigma h_c + b_sigma
    z_s = mu_s + exp(s_s / 2) lambda,  lambda ~ N(0, I)

References: Ha and Eck 2017, equations 1 and 2; Cao et al. 2019 (with c).
"""

import dataclasses
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from sketcher_tf.configs import ModelConfig
from sketcher_tf.model.recurrent.cells import recurrent_core


class EncoderStates(NamedTuple):
    """The hidden states of both directions, which know no condition.

    Attributes:
        forward: float32 [B, T, H], h_1 ... h_T.
        backward: float32 [B, T, H], of the drawing read from its end.
        lengths: int32 [B], points of the drawings: later states mean nothing.
        last: float32 [B, 2H], h_enc.
    """

    forward: tf.Tensor
    backward: tf.Tensor
    lengths: tf.Tensor
    last: tf.Tensor


class Encoding(NamedTuple):
    """What the encoder says of drawings.

    Attributes:
        mean: float32 [B, Z], mu_s.
        log_var: float32 [B, Z], s_s.
        states: what it has been read from.
    """

    mean: tf.Tensor
    log_var: tf.Tensor
    states: EncoderStates


class Posterior(NamedTuple):
    """What the encoders say of drawings.

    Attributes:
        strokes: of z_s, and the hidden states that the influence reads.
        image_latents: float32 [B, Z_r], z_r, which has no variance.
    """

    strokes: Encoding
    image_latents: tf.Tensor

    @property
    def mean(self) -> tf.Tensor:
        """Of [z_s ; z_r], float32 [B, Z]."""
        return tf.concat([self.strokes.mean, self.image_latents], axis=-1)

    @property
    def variance(self) -> tf.Tensor:
        """Of [z_s ; z_r], float32 [B, Z]."""
        none = tf.zeros_like(self.image_latents)
        return tf.concat([tf.exp(self.strokes.log_var), none], axis=-1)


@keras.saving.register_keras_serializable(package="sketcher_tf")
class StrokeEncoder(keras.layers.Layer):
    """See the module.

    Args:
        config: sizes and the kind of core.
        condition_size: the width of c; 0 leaves c out.
    """

    def __init__(
        self, config: ModelConfig, condition_size: int, **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.config = config
        self.condition_size = condition_size
        if config.encoder_rnn != "same":
            config = dataclasses.replace(config, rnn=config.encoder_rnn)
        self.forward_rnn = recurrent_core(
            config, config.encoder_units, name="forward"
        )
        self.backward_rnn = recurrent_core(
            config, config.encoder_units, name="backward"
        )
        # Sketch-RNN starts both projections small, so that the KL term does.
        self.projection = keras.layers.Dense(
            2 * config.latent_size,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name="posterior",
        )
        self.forward_rnn.build((None, None, 5))
        self.backward_rnn.build((None, None, 5))
        self.projection.build((None, 2 * config.encoder_units + condition_size))
        self.built = True

    def call(
        self,
        points: tf.Tensor,
        condition: tf.Tensor,
        seeds: tf.Tensor | None = None,
        training: bool = False,
    ) -> Encoding:
        """Encodes whole drawings.

        Args:
            points: stroke-5 float32 [B, T, 5], end tokens after the drawing.
            condition: float32 [B, C]; C may be 0.
            seeds: int32 [2, 2], for the recurrent dropout of each direction;
                needed only in training.
            training: whether to drop.
        """
        states = self.states(points, seeds, training)
        features = tf.concat([states.last, condition], axis=-1)
        mean, log_var = tf.split(self.projection(features), 2, axis=-1)
        return Encoding(mean, log_var, states)

    def states(
        self,
        points: tf.Tensor,
        seeds: tf.Tensor | None = None,
        training: bool = False,
    ) -> EncoderStates:
        """Reads whole drawings in both directions; arguments as for `call`."""
        lengths = drawing_lengths(points)
        one, other = (None, None) if seeds is None else tf.unstack(seeds)
        forward = self.forward_rnn(
            points, seed=one, training=training, time_major=True
        )
        # Reversed within its length, so that padding stays behind the drawing.
        backward = self.backward_rnn(
            tf.reverse_sequence(points, lengths, seq_axis=1),
            seed=other,
            training=training,
            time_major=True,
        )
        last = tf.maximum(lengths - 1, 0)
        return EncoderStates(
            # No copies are made where these are not looked at.
            tf.transpose(forward, [1, 0, 2]),
            tf.transpose(backward, [1, 0, 2]),
            lengths,
            tf.concat(
                [_at_step(forward, last), _at_step(backward, last)], axis=-1
            ),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "config": dataclasses.asdict(self.config),
            "condition_size": self.condition_size,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "StrokeEncoder":
        """Inverse of `get_config`."""
        sizes = ModelConfig(**config["config"])
        return super().from_config({**config, "config": sizes})


def _at_step(states: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Of states [T, B, H] those at `steps` int32 [B], [B, H]."""
    _, batch, _ = tf.unstack(tf.shape(states))
    rows = tf.reshape(states, [-1, states.shape[-1]])
    return tf.gather(rows, steps * batch + tf.range(batch))


def drawing_lengths(points: tf.Tensor) -> tf.Tensor:
    """Points before the first end token, int32 [B], of stroke-5 [B, T, 5]."""
    ended = tf.cumsum(points[..., 4], axis=1) > 0
    return tf.reduce_sum(tf.cast(~ended, tf.int32), axis=1)
