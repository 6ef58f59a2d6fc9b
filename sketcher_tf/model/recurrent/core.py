"""What the recurrent cores share: the interface, the projections, the loop.

A core is one pure step, `advance`, over what was projected beforehand. Training
runs it over whole sequences (`call`), generation one point at a time (`step`).
The input projections are one matrix product before the loop (but those of the
LSTM a part of its steps' products), and a context that is constant over the
sequence is projected once per sequence.

Under `mixed_bfloat16` only the matrix products are in bfloat16; states, gates
and norms stay float32. In a float64 layer everything is float64.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import keras
import tensorflow as tf

from sketcher_tf.model.replicas import batch_noise

_BLOCK = 256  # rows of a matrix that `product_in_parts` takes at once


State: TypeAlias = Any  # of a core: a named tuple of tensors, the first is h
Loop: TypeAlias = tuple[Any, ...]  # the variables of a loop


class LSTMState(NamedTuple):
    """The state of an LSTM: `h` and `c`, float32 [B, H] each."""

    h: tf.Tensor
    c: tf.Tensor


class RecurrentCore(keras.layers.Layer):
    """The base of the cores; a subclass gives `step_weights` and `advance`.

    There are four gates, in Keras' order: input, forget, candidate, output.

    Args:
        units: H, the width of the state.
        return_sequences: whether to return all `h` or only the last.
        recurrent_dropout: the share of candidates dropped in training, a new
            mask at each step, without loss of memory (Semeniuta et al. 2016).
    """

    recurrent_initializer: Any = "orthogonal"

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.units = units
        self.return_sequences = return_sequences
        self.recurrent_dropout = recurrent_dropout
        self.context_kernel: keras.Variable | None = None

    def build(
        self, inputs_shape: tuple, context_shape: tuple | None = None
    ) -> None:
        """Makes the kernels for inputs [B, T, I] and a context [B, C]."""
        gates = 4 * self.units
        self.kernel = self.add_core_weight(
            "kernel", (inputs_shape[-1], gates), "glorot_uniform"
        )
        if context_shape is not None:
            self.context_kernel = self.add_core_weight(
                "context_kernel", (context_shape[-1], gates), "glorot_uniform"
            )
        self.recurrent_kernel = self.add_core_weight(
            "recurrent_kernel", (self.units, gates), self.recurrent_initializer
        )

    def call(
        self,
        inputs: tf.Tensor,
        context: tf.Tensor | None = None,
        initial_state: State | None = None,
        seed: tf.Tensor | None = None,
        training: bool = False,
        time_major: bool = False,
    ) -> tf.Tensor:
        """Runs over whole sequences.

        Args:
            inputs: [B, T, I].
            context: [B, C], constant over the sequence, or None.
            initial_state: the first state; zeros if None.
            seed: int32 [2], for recurrent dropout; needed only where
                `training` and `recurrent_dropout` ask for it.
            training: whether to drop candidates.
            time_major: return sequences as they are made, without a copy.

        Returns:
            float32 [B, T, H], or [T, B, H] if `time_major`; [B, H] without
            `return_sequences`.
        """
        steps = tf.transpose(inputs, [1, 0, 2])
        length, batch = tf.unstack(tf.shape(steps)[:2])
        if initial_state is None:
            initial_state = self.initial_state(batch)
        mask = tf.ones([length, 1, 1])
        if training and self.recurrent_dropout:
            mask = dropout_mask(
                [length, batch, self.units], self.recurrent_dropout, seed
            )
        outputs, last = self.scan(
            steps,
            self.project_context(context),
            initial_state,
            tf.cast(mask, self.state_dtype),
        )
        if not self.return_sequences:
            return last
        outputs.set_shape([inputs.shape[1], inputs.shape[0], self.units])
        return outputs if time_major else tf.transpose(outputs, [1, 0, 2])

    def step(
        self,
        inputs: tf.Tensor,
        projected_context: tf.Tensor,
        state: State,
    ) -> tuple[tf.Tensor, ...]:
        """One step: inputs [B, I], and `project_context` done before."""
        return self.advance(
            self.project_inputs(inputs) + projected_context,
            state,
            self.step_weights(),
        )

    def scan(
        self,
        inputs: tf.Tensor,
        projected_context: tf.Tensor,
        state: State,
        candidate_mask: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs `advance` over time.

        Args:
            inputs: [T, B, I].
            projected_context: what `project_context` returns.
            state: the first state.
            candidate_mask: float32 [T, B, H], what the candidates are
                multiplied by; or [T, 1, 1] ones for no dropout.

        Returns:
            All `h`, float32 [T, B, H], and the last one, [B, H].
        """
        # Once, and not at every step.
        gate_inputs = self.project_inputs(inputs) + projected_context
        weights = self.step_weights()
        length = tf.shape(gate_inputs)[0]
        outputs = tf.TensorArray(
            gate_inputs.dtype, size=length, element_shape=[None, self.units]
        )

        def forward(
            t: tf.Tensor, state: State, outputs: tf.TensorArray
        ) -> Loop:
            state = self.advance(
                gate_inputs[t], state, weights, candidate_mask[t]
            )
            return t + 1, state, outputs.write(t, state.h)

        _, state, outputs = tf.while_loop(
            lambda t, *_: t < length,
            forward,
            (0, state, outputs),
            maximum_iterations=length,
        )
        return outputs.stack(), state.h

    def advance(
        self,
        gate_inputs: tf.Tensor,
        state: State,
        weights: Any,
        candidate_mask: tf.Tensor | float = 1.0,
    ) -> State:
        """The state after one step; pure.

        Args:
            gate_inputs: float32 [B, G], all that was projected beforehand.
            state: the state before the step.
            weights: what `step_weights` returns.
            candidate_mask: float32 [B, H], what the candidate is multiplied by.
        """
        raise NotImplementedError

    def step_weights(self) -> Any:
        """The weights that `advance` needs, in the dtypes it needs."""
        raise NotImplementedError

    @property
    def state_dtype(self) -> str:
        """Of states and gates."""
        return keras.backend.result_type(self.dtype, "float32")

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The widths of the parts of the state; the first one is `h`."""
        return (self.units, self.units)

    def make_state(self, parts: Sequence[tf.Tensor]) -> State:
        """The state made of its parts, float32, as wide as `state_sizes`."""
        return LSTMState(*parts)

    def initial_state(self, batch: int | tf.Tensor) -> State:
        """Zeros for `batch` sequences."""
        return self.make_state(
            [tf.zeros([batch, n], self.state_dtype) for n in self.state_sizes]
        )

    def project_inputs(self, inputs: tf.Tensor) -> tf.Tensor:
        """`x W`, float32 [..., G], for inputs [..., I]."""
        return self._project(inputs, self.kernel)

    def project_context(self, context: tf.Tensor | None) -> tf.Tensor:
        """`context V`, float32 [B, G] or, for no context, [G]."""
        if context is None:
            return tf.zeros([4 * self.units], self.state_dtype)
        return self._project(context, self.context_kernel)

    def compute_output_shape(self, inputs_shape: tuple, **_: Any) -> tuple:
        """The shape that `call` returns."""
        if self.return_sequences:
            return (*inputs_shape[:2], self.units)
        return (inputs_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "return_sequences": self.return_sequences,
            "recurrent_dropout": self.recurrent_dropout,
        }

    def add_core_weight(
        self, name: str, shape: tuple[int, ...], initializer: Any
    ) -> keras.Variable:
        """A weight that the core itself casts.

        Keras' own casting, on in a call from outside all layers, would round
        biases and norms as well.
        """
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, autocast=False
        )

    def _project(self, rows: tf.Tensor, kernel: Any) -> tf.Tensor:
        return product(tf.cast(rows, self.state_dtype), self._matrix(kernel))

    def _matrix(self, weight: Any) -> tf.Tensor:
        """A weight of matrix products, in their dtype."""
        return tf.cast(weight, self.compute_dtype)

    def _vector(self, weight: Any) -> tf.Tensor:
        """A weight that works element by element."""
        return tf.cast(weight, self.state_dtype)


def product(rows: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """`rows matrix`, computed in the dtype of `matrix`, in that of `rows`."""
    result = tf.matmul(tf.cast(rows, matrix.dtype), matrix)
    return tf.cast(result, rows.dtype)


def product_in_parts(rows: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """`product` of a few rows, as a sum over blocks of the matrix.

    One row times 512 x 2048 numbers takes oneDNN three times as long at once
    as in two blocks, one of memory's bandwidth being the limit of the latter.
    """
    size = matrix.shape[0]
    sizes = [min(_BLOCK, size - first) for first in range(0, size, _BLOCK)]
    return tf.add_n(
        [
            product(part, block)
            for part, block in zip(
                tf.split(rows, sizes, axis=-1),
                tf.split(matrix, sizes, axis=0),
                strict=True,
            )
        ]
    )


def dropout_mask(
    shape: Sequence[int | tf.Tensor], rate: float, seed: tf.Tensor
) -> tf.Tensor:
    """Zeros with probability `rate`, else 1 / (1 - rate), float32 [T, B, H].

    The probability is a multiple of 2^-16.
    """
    noise = batch_noise(_random_int16, shape, seed, axis=1)
    kept = noise >= round(rate * 2**16) - 2**15
    return tf.cast(kept, tf.float32) / (1 - rate)


def _random_int16(
    shape: Sequence[int | tf.Tensor], seed: tf.Tensor
) -> tf.Tensor:
    """Uniform on all int16, two of each number drawn: those take long."""
    *outer, size = shape
    drawn = tf.random.stateless_uniform(
        [*outer, (size + 1) // 2], seed, None, None, tf.int32
    )
    both = tf.bitcast(drawn, tf.int16)  # [..., 2]
    return tf.reshape(both, [*outer, -1])[..., :size]


def unit_forget_bias(shape: tuple[int], dtype: str) -> tf.Tensor:
    """Initial [4H]: ones for the forget gate, so that memory lasts at first."""
    units = shape[0] // 4
    ones = tf.ones([units], dtype)
    return tf.concat(
        [tf.zeros([units], dtype), ones, tf.zeros([2 * units], dtype)], axis=0
    )


def gatewise_orthogonal(shape: tuple[int, int], dtype: str) -> tf.Tensor:
    """Initial [H, 4H]: an orthogonal matrix for each gate, as in Sketch-RNN."""
    square = (shape[0], shape[1] // 4)
    return tf.concat(
        [keras.initializers.Orthogonal()(square, dtype) for _ in range(4)],
        axis=1,
    )
