"""The autoregressive stroke decoder.

    [h_0 ; ...] = tanh(W [z_s ; z_r ; c] + b)
    h_i = rnn([z_s ; z_r ; c], [a_i ; S_{i-1}], h_{i-1}),  Y_i = W_y h_i + b_y

What is constant over a sketch is projected once per sketch.
References: Cao et al. 2019; Ha and Eck 2017, section 3.2.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import keras
import tensorflow as tf

from sketcher_tf.configs import ModelConfig
from sketcher_tf.model.mixture import (
    MixtureParams,
    raw_size,
    split_params,
)
from sketcher_tf.model.recurrent.cells import recurrent_core
from sketcher_tf.model.recurrent.core import product_in_parts

_COLUMNS = 64  # whole packets of any processor, and a line of its cache each

Predict: TypeAlias = Callable[[tf.Tensor], MixtureParams]


class DecoderStart(NamedTuple):
    """What `start` computes once per sketch.

    Attributes:
        projected_context: float32 [B, G], of [z_s ; z_r ; c].
        state: the core's first state.
    """

    projected_context: tf.Tensor
    state: tuple[tf.Tensor, ...]


@keras.saving.register_keras_serializable(package="sketcher_tf")
class StrokeDecoder(keras.layers.Layer):
    """See the module.

    Args:
        config: sizes and the kind of core.
        context_size: the width of [z_s ; z_r ; c].
        influence_size: the width of a_d; 0 without an influence layer.
    """

    def __init__(
        self,
        config: ModelConfig,
        context_size: int,
        influence_size: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.config = config
        self.context_size = context_size
        self.influence_size = influence_size
        self.rnn = recurrent_core(config, config.decoder_units, name="rnn")
        self.first_state = keras.layers.Dense(
            sum(self.rnn.state_sizes),
            activation="tanh",
            dtype="float32",
            name="first_state",
        )
        self.output_projection = keras.layers.Dense(
            raw_size(config.num_mixtures), dtype="float32", name="output"
        )
        self.rnn.build((None, None, influence_size + 5), (None, context_size))
        self.first_state.build((None, context_size))
        self.output_projection.build((None, config.decoder_units))
        self.built = True

    def start(self, context: tf.Tensor) -> DecoderStart:
        """Prepares sketches of `context` float32 [B, context_size]."""
        return DecoderStart(
            self.rnn.project_context(context), self._state(context)
        )

    def step(
        self,
        projected_context: tf.Tensor,
        state: tuple[tf.Tensor, ...],
        inputs: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        """The state after reading [a_i ; S_{i-1}], float32 [B, A + 5]."""
        return self.rnn.step(inputs, projected_context, state)

    def call(
        self,
        inputs: tf.Tensor,
        context: tf.Tensor,
        seed: tf.Tensor | None = None,
        training: bool = False,
    ) -> MixtureParams:
        """Predicts all points at once, teacher forced.

        Args:
            inputs: float32 [B, T, A + 5], [a_i ; S_{i-1}].
            context: float32 [B, context_size].
            seed: int32 [2], for recurrent dropout; needed only in training.
            training: whether to drop.

        Returns:
            Fields [B, T, ...].
        """
        hidden = self.rnn(
            inputs,
            context=context,
            initial_state=self._state(context),
            seed=seed,
            training=training,
            time_major=True,
        )
        # Of few numbers a transpose is cheap.
        raw = tf.transpose(self.output_projection(hidden), [1, 0, 2])
        return split_params(raw, self.config.min_scale)

    def predict_point(self, hidden: tf.Tensor) -> MixtureParams:
        """The next point, fields [..., M], from the core's `h` [..., H]."""
        return split_params(
            self.output_projection(hidden), self.config.min_scale
        )

    def predict_alike(self, surplus: tf.Tensor) -> Predict:
        """A `predict_point` that rounds alike for any number of rows.

        The product of one row rounds as that of many does if the columns fill
        whole packets, and is then a fifth of a step faster than that of
        several rows. What follows it, number by number, needs whole packets of
        rows.

        Args:
            surplus: int32 [], rows of zeros that are added to the output.

        Returns:
            Takes `h` [B, H] to fields [B + surplus, ...]. The weights are read
            here, once for all steps.
        """
        kernel, bias = map(tf.convert_to_tensor, self.output_projection.weights)
        width = kernel.shape[1]
        kernel = tf.pad(kernel, [[0, 0], [0, -width % _COLUMNS]])
        spare = tf.zeros([surplus, width])

        def predict(hidden: tf.Tensor) -> MixtureParams:
            raw = product_in_parts(hidden, kernel)[:, :width] + bias
            raw = tf.concat([raw, spare], axis=0)
            return split_params(raw, self.config.min_scale)

        return predict

    def _state(self, context: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parts = tf.split(
            self.first_state(context), self.rnn.state_sizes, axis=-1
        )
        return self.rnn.make_state(parts)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "config": dataclasses.asdict(self.config),
            "context_size": self.context_size,
            "influence_size": self.influence_size,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "StrokeDecoder":
        """Inverse of `get_config`."""
        sizes = ModelConfig(**config["config"])
        return super().from_config({**config, "config": sizes})
