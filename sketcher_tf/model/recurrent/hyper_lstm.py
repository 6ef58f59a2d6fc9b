"""HyperLSTM: a small LSTM that rescales the gates of a large one.

    hyper_h_t = LayerNormLSTM([x_t ; context ; h_{t-1}], hyper_h_{t-1})
    z_x = hyper_h_t E_x + e_x,  z_h = hyper_h_t E_h + e_h,  z_b = hyper_h_t E_b
    [i f g o] = LN(z_x D_x * (x_t W + context V) + z_h D_h * (h_{t-1} U)
                   + z_b D_b + b)

and from there on as in `layer_norm_lstm`. E and D are one small matrix per
gate. They start such that each gate is scaled by 0.1 and shifted by nothing.
References: Ha, Dai and Le 2017; Ha and Eck 2017.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from sketcher_tf.model.recurrent.core import LSTMState, product
from sketcher_tf.model.recurrent.layer_norm_lstm import (
    LayerNormLSTM,
    LayerNormWeights,
    layer_norm_lstm_step,
    normalised_update,
    stacked_gates,
)

# Small, as for recurrent batch normalisation (Cooijmans et al. 2017).
_INITIAL_SCALE = 0.1


class HyperLSTMState(NamedTuple):
    """The state: float32 [B, H] of the LSTM, [B, K] of the hyper LSTM."""

    h: tf.Tensor
    c: tf.Tensor
    hyper_h: tf.Tensor
    hyper_c: tf.Tensor


class HyperWeights(NamedTuple):
    """The weights of one step.

    Attributes:
        main: of the LSTM.
        hyper: of the hyper LSTM.
        bias: float32 [4, 1, H], b.
        feedback_kernel: [H, 4K], which `h` enters the hyper LSTM by.
        scale_embedding: [K, 8Z], E_x and E_h, four gates each.
        scale_bias: float32 [8Z], e_x and e_h.
        scale_kernel: [8, Z, H], D_x and D_h.
        shift_embedding: [K, 4Z], E_b.
        shift_kernel: [4, Z, H], D_b.
    """

    main: LayerNormWeights
    hyper: LayerNormWeights
    bias: tf.Tensor
    feedback_kernel: tf.Tensor
    scale_embedding: tf.Tensor
    scale_bias: tf.Tensor
    scale_kernel: tf.Tensor
    shift_embedding: tf.Tensor
    shift_kernel: tf.Tensor


def hyper_lstm_step(
    gate_inputs: tf.Tensor,
    state: HyperLSTMState,
    weights: HyperWeights,
    candidate_mask: tf.Tensor | float = 1.0,
) -> HyperLSTMState:
    """One step of the equations above.

    Args:
        gate_inputs: float32 [B, 4H + 4K], `x_t W + context V` of the LSTM,
            then of the hyper LSTM.
        state: the state before the step.
        weights: of this step, the same at all steps.
        candidate_mask: float32 [B, H], what tanh(g) is multiplied by.
    """
    sizes = [4 * state.h.shape[-1], 4 * state.hyper_h.shape[-1]]
    inputs, hyper_inputs = tf.split(gate_inputs, sizes, axis=-1)
    hyper = layer_norm_lstm_step(
        hyper_inputs + product(state.h, weights.feedback_kernel),
        LSTMState(state.hyper_h, state.hyper_c),
        weights.hyper,
    )
    input_scale, recurrent_scale = tf.split(_scales(hyper.h, weights), 2)
    recurrent = product(state.h, weights.main.recurrent_kernel)
    gates = (
        input_scale * stacked_gates(inputs)
        + recurrent_scale * stacked_gates(recurrent)
        + _shifts(hyper.h, weights)
        + weights.bias
    )  # [4, B, H]
    main = normalised_update(gates, state.c, weights.main, candidate_mask)
    return HyperLSTMState(*main, *hyper)


def _scales(hyper_h: tf.Tensor, weights: HyperWeights) -> tf.Tensor:
    """z_x D_x and z_h D_h, float32 [8, B, H]."""
    embedding = product(hyper_h, weights.scale_embedding) + weights.scale_bias
    embedding = tf.stack(tf.split(embedding, 8, axis=-1))  # [8, B, Z]
    return product(embedding, weights.scale_kernel)


def _shifts(hyper_h: tf.Tensor, weights: HyperWeights) -> tf.Tensor:
    """z_b D_b, float32 [4, B, H]."""
    embedding = stacked_gates(product(hyper_h, weights.shift_embedding))
    return product(embedding, weights.shift_kernel)


@keras.saving.register_keras_serializable(package="sketcher_tf")
class HyperLSTM(LayerNormLSTM):
    """See the module and `RecurrentCore`.

    Args:
        units: H.
        hyper_units: K, the width of the hyper LSTM.
        embedding_size: Z, the width of its signals to a gate.
        **kwargs: as for `RecurrentCore`. Dropout is on the LSTM only.
    """

    advance = staticmethod(hyper_lstm_step)

    def __init__(
        self,
        units: int,
        hyper_units: int = 256,
        embedding_size: int = 32,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.hyper_units = hyper_units
        self.embedding_size = embedding_size
        self.hyper = LayerNormLSTM(
            hyper_units, dtype=self.dtype_policy, name="hyper"
        )

    def build(
        self, inputs_shape: tuple, context_shape: tuple | None = None
    ) -> None:
        """Makes the weights for inputs [B, T, I] and a context [B, C]."""
        super().build(inputs_shape, context_shape)
        self.hyper.build(inputs_shape, context_shape)
        add, units = self.add_core_weight, self.units
        hyper, signal = self.hyper_units, self.embedding_size
        scale = keras.initializers.Constant(_INITIAL_SCALE / signal)
        normal = keras.initializers.RandomNormal(stddev=0.01)
        self.bias = add("bias", (4 * units,), "zeros")
        self.feedback_kernel = add(
            "feedback_kernel", (units, 4 * hyper), "glorot_uniform"
        )
        self.scale_embedding = add(
            "scale_embedding", (hyper, 8 * signal), "zeros"
        )
        self.scale_bias = add("scale_bias", (8 * signal,), "ones")
        self.scale_kernel = add("scale_kernel", (8, signal, units), scale)
        self.shift_embedding = add(
            "shift_embedding", (hyper, 4 * signal), normal
        )
        self.shift_kernel = add("shift_kernel", (4, signal, units), "zeros")

    def step_weights(self) -> HyperWeights:
        return HyperWeights(
            self.norm_weights(),
            self.hyper.norm_weights(),
            self._gatewise(self.bias),
            self._matrix(self.feedback_kernel),
            self._matrix(self.scale_embedding),
            self._vector(self.scale_bias),
            self._matrix(self.scale_kernel),
            self._matrix(self.shift_embedding),
            self._matrix(self.shift_kernel),
        )

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The widths of the parts of the state; the first one is `h`."""
        return (*super().state_sizes, *self.hyper.state_sizes)

    def make_state(self, parts: Sequence[tf.Tensor]) -> HyperLSTMState:
        """The state made of its parts, float32, as wide as `state_sizes`."""
        return HyperLSTMState(*parts)

    def project_inputs(self, inputs: tf.Tensor) -> tf.Tensor:
        """`x W` for both LSTMs, float32 [..., 4H + 4K]."""
        parts = [
            super().project_inputs(inputs),
            self.hyper.project_inputs(inputs),
        ]
        return tf.concat(parts, axis=-1)

    def project_context(self, context: tf.Tensor | None) -> tf.Tensor:
        """`context V` for both, [B, 4H + 4K] or, for no context, [4H + 4K]."""
        parts = [
            super().project_context(context),
            self.hyper.project_context(context),
        ]
        return tf.concat(parts, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hyper_units": self.hyper_units,
            "embedding_size": self.embedding_size,
        }
