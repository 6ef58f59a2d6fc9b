"""A fast LSTM over whole sequences, and the one step it consists of.

    [i f g o] = x_t W + context V + h_{t-1} U + b
    c_t = sigmoid(f) c_{t-1} + sigmoid(i) dropout(tanh(g))
    h_t = sigmoid(o) tanh(c_t)

Three things make it fast. Each gate is one product, of [h_{t-1} ; x_t] and U
above W, so that the projections of all steps, which no cache holds, are never
in memory; a context that is constant over the sequence is projected once per
sequence; and a custom gradient keeps the derivatives of the gates while they
are in the cache, so that the backward loop is one product per step and the
gradient of U and W is one product after the loop.

Weights have the names, shapes and gate order of `keras.layers.LSTM`, so they
can be exchanged with it. References: Hochreiter and Schmidhuber 1997; Semeniuta
et al. 2016 (dropout on the candidate), as Sketch-RNN uses it.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from sketcher_tf.model.recurrent.core import (
    Loop,
    LSTMState,
    RecurrentCore,
    product,
    product_in_parts,
    unit_forget_bias,
)


def lstm_step(
    gate_inputs: tf.Tensor,
    state: LSTMState,
    recurrent_kernel: tf.Tensor,
    candidate_mask: tf.Tensor | float = 1.0,
) -> LSTMState:
    """One step of the equations above.

    Args:
        gate_inputs: [B, 4H], `x_t W + context V + b`.
        state: the state before the step.
        recurrent_kernel: [H, 4H], U. Its dtype is that of the product.
        candidate_mask: [B, H], what tanh(g) is multiplied by.
    """
    gates = gate_inputs + product_in_parts(state.h, recurrent_kernel)
    i, f, g, o = tf.split(gates, 4, axis=-1)
    kept = candidate_mask * tf.tanh(g)
    c = tf.sigmoid(f) * state.c + tf.sigmoid(i) * kept
    return LSTMState(tf.sigmoid(o) * tf.tanh(c), c)


def lstm_scan(
    inputs: tf.Tensor,
    context: tf.Tensor,
    matrix: tf.Tensor,
    h: tf.Tensor,
    c: tf.Tensor,
    candidate_mask: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Runs the LSTM over time, as a compiled graph also when called eagerly.

    Args:
        inputs: float32 or float64 [T, B, I].
        context: [B, 4H], `context V + b`.
        matrix: [H + I, 4H], U above W. Its dtype is that of the products; all
            else is in the dtype of `inputs`.
        h: [B, H], the first state, as is `c`.
        c: [B, H].
        candidate_mask: [T, B, H], what tanh(g) is multiplied by; or
            [T, 1, 1] ones for no dropout. It gets no gradient.

    Returns:
        All `h`, [T, B, H], and the last `h` and `c`, [B, H].
    """
    eager = tf.executing_eagerly()
    scan = compiled_scan(*matrix.shape) if eager else _scan
    return scan(inputs, context, matrix, h, c, candidate_mask)


@tf.custom_gradient
def _scan(
    inputs: tf.Tensor,
    context: tf.Tensor,
    matrix: tf.Tensor,
    h: tf.Tensor,
    c: tf.Tensor,
    candidate_mask: tf.Tensor,
) -> tuple[tuple[tf.Tensor, tf.Tensor, tf.Tensor], Callable[..., Any]]:
    """What `lstm_scan` returns, and its gradient."""
    run = _forward(inputs, context, matrix, LSTMState(h, c), candidate_mask)

    def gradient(
        d_outputs: tf.Tensor, dh: tf.Tensor, dc: tf.Tensor
    ) -> tuple[tf.Tensor | None, ...]:
        # Once: a product with `transpose_b` repacks it at each step.
        to_h, to_x = tf.split(
            tf.transpose(matrix), [-1, inputs.shape[-1]], axis=-1
        )
        d_gates, dh, dc = _backward(run, to_h, d_outputs, LSTMState(dh, dc))
        d_context = tf.reduce_sum(d_gates, axis=0)
        d_gates = _flat(d_gates)
        d_matrix = tf.matmul(
            _flat(run.rows.stack()),
            tf.cast(d_gates, matrix.dtype),
            transpose_a=True,
        )
        d_inputs = tf.reshape(product(d_gates, to_x), tf.shape(inputs))
        return d_inputs, d_context, d_matrix, dh, dc, None

    return (run.outputs, *run.last), gradient


class _Slopes(NamedTuple):
    """The derivatives of every step, T times [B, H]; see `_forward`.

    Tensors of their own, as joining them would be a copy of each.
    """

    i: tf.TensorArray
    f: tf.TensorArray
    g: tf.TensorArray
    o: tf.TensorArray
    kept: tf.TensorArray
    shown: tf.TensorArray


class _Run(NamedTuple):
    """What a run forward leaves for the way back.

    Attributes:
        rows: T times [h_{t-1} ; x_t], [B, H + I], as they were multiplied.
        outputs: all `h`, [T, B, H].
        last: the last state.
        slopes: of the gates and of the memory.
    """

    rows: tf.TensorArray
    outputs: tf.Tensor
    last: LSTMState
    slopes: _Slopes


def _forward(
    inputs: tf.Tensor,
    context: tf.Tensor,
    matrix: tf.Tensor,
    first: LSTMState,
    candidate_mask: tf.Tensor,
) -> _Run:
    """The loop over time, and the derivatives that `_backward` will need.

    They are products of what is in the cache at this moment. With s for a
    sigmoid, m the mask, q = tanh(c_t) and the gates' inputs i, f, g, o:

        i       dc_t / di = m tanh(g) s(i) (1 - s(i))
        f       dc_t / df = c_{t-1} s(f) (1 - s(f))
        g       dc_t / dg = m s(i) (1 - tanh(g)^2)
        o       dh_t / do = q s(o) (1 - s(o))
        kept    dc_t / dc_{t-1} = s(f)
        shown   dh_t / dc_t = s(o) (1 - q^2)
    """
    length = tf.shape(inputs)[0]
    # One product per gate: to cut a joint one in four is a copy of it.
    parts = tf.split(matrix, 4, axis=-1)
    contexts = tf.split(context, 4, axis=-1)

    def forward(
        t: tf.Tensor,
        state: LSTMState,
        rows: tf.TensorArray,
        outputs: tf.TensorArray,
        slopes: _Slopes,
    ) -> Loop:
        row = tf.cast(tf.concat([state.h, inputs[t]], axis=-1), matrix.dtype)
        i, f, g, o = (
            own + tf.cast(tf.matmul(row, part), own.dtype)
            for own, part in zip(contexts, parts, strict=True)
        )
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        mask = candidate_mask[t]
        candidate = mask * g
        c = f * state.c + i * candidate
        squashed = tf.tanh(c)
        h = o * squashed
        # One operation each, over numbers that are in the cache.
        here = (
            _sigmoid_slope(i, candidate),
            _sigmoid_slope(f, state.c),
            _tanh_slope(g, mask * i),
            _sigmoid_slope(o, squashed),
            f,
            _tanh_slope(squashed, o),
        )
        written = map(lambda array, x: array.write(t, x), slopes, here)
        return (
            t + 1,
            LSTMState(h, c),
            rows.write(t, row),
            outputs.write(t, h),
            _Slopes(*written),
        )

    size, units = matrix.shape[0], matrix.shape[1] // 4
    rows = _array(matrix.dtype, length, size)
    outputs, *slopes = (_array(inputs.dtype, length, units) for _ in range(7))
    _, last, rows, outputs, slopes = tf.while_loop(
        lambda t, *_: t < length,
        forward,
        (0, first, rows, outputs, _Slopes(*slopes)),
        maximum_iterations=length,
    )
    return _Run(rows, outputs.stack(), last, slopes)


def _sigmoid_slope(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Of a sigmoid y: dy y (1 - y), in one pass."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=dy)


def _tanh_slope(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Of a tanh y: dy (1 - y^2), in one pass."""
    return tf.raw_ops.TanhGrad(y=y, dy=dy)


def _backward(
    run: _Run,
    transposed_kernel: tf.Tensor,
    d_outputs: tf.Tensor,
    d_last: LSTMState,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradients of all gates, [T, B, 4H], and of the first state.

    From the last step to the first; `dh` and `dc` are what later steps want
    of h_t and c_t:

        dh += d_outputs_t                        the loss looks at h_t itself
        dc += dh  dh_t / dc_t
        d_gate = [dc, dc, dc, dh] slopes         i, f, g feed c_t, and o h_t
        dh = d_gate U^T                          the only product of the loop
        dc = dc  dc_t / dc_{t-1}

    The gradient of U and W, [h_{t-1} ; x_t]^T d_gate_t summed over t, is one
    product after it, of all T B rows at once.
    """
    length = tf.shape(d_outputs)[0]

    def backward(
        t: tf.Tensor, dh: tf.Tensor, dc: tf.Tensor, d_gates: tf.TensorArray
    ) -> Loop:
        i, f, g, o, kept, shown = (array.read(t) for array in run.slopes)
        dh = dh + d_outputs[t]
        dc = dc + dh * shown
        d_gate = tf.concat([dc * i, dc * f, dc * g, dh * o], axis=-1)
        dh = product(d_gate, transposed_kernel)
        return t - 1, dh, dc * kept, d_gates.write(t, d_gate)

    gates = transposed_kernel.shape[0]
    d_gates = _array(d_outputs.dtype, length, gates)
    _, dh, dc, d_gates = tf.while_loop(
        lambda t, *_: t >= 0,
        backward,
        (length - 1, *d_last, d_gates),
        maximum_iterations=length,
    )
    return d_gates.stack(), dh, dc


def _array(dtype: tf.DType, length: tf.Tensor, width: int) -> tf.TensorArray:
    return tf.TensorArray(dtype, length, element_shape=[None, width])


def _flat(steps: tf.Tensor) -> tf.Tensor:
    """[T, B, N] as [T B, N]."""
    return tf.reshape(steps, [-1, steps.shape[-1]])


@functools.cache
def compiled_scan(
    rows: int, columns: int
) -> tf.types.experimental.PolymorphicFunction:
    """`lstm_scan` for any length and batch, but for one shape of the matrix.

    A trace that is shared by several shapes would know none of them.
    """
    return tf.function(_scan, autograph=False, reduce_retracing=True)


@keras.saving.register_keras_serializable(package="sketcher_tf")
class SequenceLSTM(RecurrentCore):
    """See the module and, for the arguments, `RecurrentCore`."""

    advance: Callable[..., Any] = staticmethod(lstm_step)

    def build(
        self, inputs_shape: tuple, context_shape: tuple | None = None
    ) -> None:
        """Makes the weights for inputs [B, T, I] and a context [B, C]."""
        super().build(inputs_shape, context_shape)
        self.bias = self.add_core_weight(
            "bias", (4 * self.units,), unit_forget_bias
        )

    def scan(
        self,
        inputs: tf.Tensor,
        projected_context: tf.Tensor,
        state: LSTMState,
        candidate_mask: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        matrix = tf.concat(
            [self._matrix(self.recurrent_kernel), self._matrix(self.kernel)],
            axis=0,
        )
        outputs, last, _ = lstm_scan(
            tf.cast(inputs, self.state_dtype),
            # Per sketch, also if it is the bias alone.
            projected_context + tf.zeros_like(state.h[:, :1]),
            matrix,
            *state,
            candidate_mask,
        )
        return outputs, last

    def step_weights(self) -> tf.Tensor:
        return self._matrix(self.recurrent_kernel)

    def project_context(self, context: tf.Tensor | None) -> tf.Tensor:
        """`context V + b`, float32 [B, 4H] or, for no context, [4H]."""
        return super().project_context(context) + self._vector(self.bias)
