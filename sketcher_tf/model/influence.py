"""The influence layer: what has been drawn so far, summed step by step.

    u_i = b + sum_{j<i} W_j h_j,  [mu_a ; s_a] = u_i
    a_d = mu_a + exp(s_a / 2) lambda_a,  lambda_a ~ N(0, I)

`h_j` are the forward hidden states of the stroke encoder. The paper feeds all
of them, zero-padded, to a fully connected layer; a running sum of the products
is the same. Point i is predicted from the points before it, so the sum ends
at j = i - 1, in training as in generation, and no future leaks in.

The sum grows with the drawing, and with it whatever the decoder makes of it.
The mean, the sum divided by i - 1, is the same layer with the scale of its
input kept. Reference: Cao et al. 2019.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="sketcher_tf")
class InfluenceLayer(keras.layers.Layer):
    """See the module.

    Args:
        size: A, the width of a_d.
        max_seq_len: N_max, the number of steps with a weight of their own.
        shared: one W for all steps, times a learned weight per step, in place
            of one W_j per step.
        average: the mean in place of the sum.
        log_var: s_a before training.
    """

    def __init__(
        self,
        size: int,
        max_seq_len: int,
        shared: bool,
        average: bool = False,
        log_var: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.size = size
        self.max_seq_len = max_seq_len
        self.shared = shared
        self.average = average
        self.log_var = log_var

    def build(self, hidden_shape: tuple) -> None:
        """Makes the weights for hidden states [B, T, H]."""
        units = hidden_shape[-1]
        steps = 1 if self.shared else self.max_seq_len
        # The scale of a fully connected layer over all that is summed.
        summed = 1 if self.average else self.max_seq_len
        limit = (6 / (units * summed + 2 * self.size)) ** 0.5
        self.kernel = self.add_weight(
            name="kernel",
            shape=(steps, units, 2 * self.size),
            initializer=keras.initializers.RandomUniform(-limit, limit),
        )
        if self.shared:
            self.step_weight = self.add_weight(
                name="step_weight",
                shape=(self.max_seq_len,),
                initializer="ones",
            )
        first = np.repeat(np.array([0, self.log_var], np.float32), self.size)
        self.bias = self.add_weight(
            name="bias",
            shape=(2 * self.size,),
            initializer=lambda shape, dtype: tf.constant(first, dtype),
        )

    def call(self, hidden: tf.Tensor) -> tf.Tensor:
        """u_i for every step of a drawing.

        Args:
            hidden: float32 [B, T, H], h_1 ... h_T.

        Returns:
            float32 [B, T, 2A], where row i (from 0) sums h_1 ... h_i.
        """
        hidden = hidden[:, :-1]  # [B, T - 1, H]
        steps = tf.shape(hidden)[1]
        if self.shared:
            parts = hidden @ self.kernel[0]
            parts *= self.step_weight[:steps, None]
        else:
            parts = tf.einsum("bth,tha->bta", hidden, self.kernel[:steps])
        total = tf.cumsum(tf.pad(parts, [[0, 0], [1, 0], [0, 0]]), axis=1)
        if self.average:
            drawn = tf.maximum(tf.range(steps + 1), 1)
            total /= tf.cast(drawn, total.dtype)[:, None]
        return total + self.bias

    def initial_state(self, batch: tf.Tensor) -> tf.Tensor:
        """u_1 = b for `batch` drawings, float32 [B, 2A]."""
        return tf.tile(tf.convert_to_tensor(self.bias)[None], [batch, 1])

    def step(
        self, total: tf.Tensor, hidden: tf.Tensor, index: tf.Tensor
    ) -> tf.Tensor:
        """Takes W_j h_j for j = `index` (int32 [], from 0) into u [B, 2A]."""
        if self.shared:
            weight = tf.gather(self.step_weight, index)
            part = weight * (hidden @ self.kernel[0])
        else:
            part = hidden @ tf.gather(self.kernel, index)
        if self.average:
            count = tf.cast(index + 1, total.dtype)
            part = (part - (total - self.bias)) / count
        return total + part

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "max_seq_len": self.max_seq_len,
            "shared": self.shared,
            "average": self.average,
            "log_var": self.log_var,
        }
