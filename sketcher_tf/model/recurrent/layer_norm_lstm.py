"""An LSTM whose gates and memory are normalised, as Sketch-RNN has it.

    [i f g o] = LN(x_t W + context V + h_{t-1} U), each gate on its own
    c_t = sigmoid(f) c_{t-1} + sigmoid(i) dropout(tanh(g))
    h_t = sigmoid(o) tanh(LN(c_t))
    LN(a) = gamma (a - mean(a)) / sqrt(var(a) + 0.001) + beta

The forget gate's beta starts at 1; Sketch-RNN starts it at 0 and adds a fixed
1, which is the same. The memory itself is carried on unnormalised.
References: Ba, Kiros and Hinton 2016; Ha and Eck 2017.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from sketcher_tf.model.recurrent.core import (
    LSTMState,
    RecurrentCore,
    gatewise_orthogonal,
    product,
    unit_forget_bias,
)

_EPSILON = 1e-3


class LayerNormWeights(NamedTuple):
    """The weights of one step.

    Attributes:
        recurrent_kernel: [H, 4H], U, in the dtype of its products.
        gate_gamma: float32 [4, 1, H], as is `gate_beta`.
        gate_beta: float32 [4, 1, H].
        cell_gamma: float32 [H], as is `cell_beta`.
        cell_beta: float32 [H].
    """

    recurrent_kernel: tf.Tensor
    gate_gamma: tf.Tensor
    gate_beta: tf.Tensor
    cell_gamma: tf.Tensor
    cell_beta: tf.Tensor


def layer_norm(
    values: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor
) -> tf.Tensor:
    """Normalises float32 [..., H] over its last axis; see the module."""
    mean, variance = tf.nn.moments(values, axes=[-1], keepdims=True)
    return gamma * (values - mean) * tf.math.rsqrt(variance + _EPSILON) + beta


def stacked_gates(gates: tf.Tensor) -> tf.Tensor:
    """[B, 4H] as [4, B, H]."""
    return tf.stack(tf.split(gates, 4, axis=-1))


def layer_norm_lstm_step(
    gate_inputs: tf.Tensor,
    state: LSTMState,
    weights: LayerNormWeights,
    candidate_mask: tf.Tensor | float = 1.0,
) -> LSTMState:
    """One step of the equations above.

    Args:
        gate_inputs: float32 [B, 4H], `x_t W + context V`.
        state: the state before the step.
        weights: of this step, the same at all steps.
        candidate_mask: float32 [B, H], what tanh(g) is multiplied by.
    """
    gates = gate_inputs + product(state.h, weights.recurrent_kernel)
    return normalised_update(
        stacked_gates(gates), state.c, weights, candidate_mask
    )


def normalised_update(
    gates: tf.Tensor,
    c: tf.Tensor,
    weights: LayerNormWeights,
    candidate_mask: tf.Tensor | float,
) -> LSTMState:
    """The new state, from gates [4, B, H] that are not yet normalised."""
    i, f, g, o = tf.unstack(
        layer_norm(gates, weights.gate_gamma, weights.gate_beta)
    )
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * (candidate_mask * tf.tanh(g))
    memory = layer_norm(c, weights.cell_gamma, weights.cell_beta)
    return LSTMState(tf.sigmoid(o) * tf.tanh(memory), c)


@keras.saving.register_keras_serializable(package="sketcher_tf")
class LayerNormLSTM(RecurrentCore):
    """See the module and `RecurrentCore`."""

    recurrent_initializer = staticmethod(gatewise_orthogonal)
    advance: Callable[..., Any] = staticmethod(layer_norm_lstm_step)

    def build(
        self, inputs_shape: tuple, context_shape: tuple | None = None
    ) -> None:
        """Makes the weights for inputs [B, T, I] and a context [B, C]."""
        super().build(inputs_shape, context_shape)
        add, units = self.add_core_weight, self.units
        self.gate_gamma = add("gate_gamma", (4 * units,), "ones")
        self.gate_beta = add("gate_beta", (4 * units,), unit_forget_bias)
        self.cell_gamma = add("cell_gamma", (units,), "ones")
        self.cell_beta = add("cell_beta", (units,), "zeros")

    def step_weights(self) -> Any:
        return self.norm_weights()

    def norm_weights(self) -> LayerNormWeights:
        """Those of the LSTM itself, in the dtypes it needs."""
        return LayerNormWeights(
            self._matrix(self.recurrent_kernel),
            self._gatewise(self.gate_gamma),
            self._gatewise(self.gate_beta),
            self._vector(self.cell_gamma),
            self._vector(self.cell_beta),
        )

    def _gatewise(self, weight: keras.Variable) -> tf.Tensor:
        return tf.reshape(self._vector(weight), [4, 1, self.units])
