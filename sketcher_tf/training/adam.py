"""Adam in one pass over the weights, of gradients that are sums already."""

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="sketcher_tf")
class FusedAdam(keras.optimizers.Adam):
    """Keras' Adam, its state and its settings, but for `amsgrad`.

        m += (g - m) (1 - beta_1),  v += (g^2 - v) (1 - beta_2)
        w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    Keras does this in a dozen operations, each of which reads and writes all
    of the weights; TensorFlow has one for it, of the same variables. And Keras
    adds up what replicas give it, which are sums here: `takes_sums`.
    Reference: Kingma and Ba 2015, the last lines of section 2.
    """

    takes_sums = True

    def update_step(
        self,
        gradient: tf.Tensor,
        variable: tf.Variable,
        learning_rate: tf.Tensor,
    ) -> None:
        """Changes `variable` in place.

        Args:
            gradient: of the shape of `variable`.
            variable: one that the optimizer was built for.
            learning_rate: [], of this step.
        """
        dtype = variable.dtype
        step = tf.cast(self.iterations + 1, dtype)
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, dtype), step),
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),
            beta2=tf.cast(self.beta_2, dtype),
            epsilon=tf.cast(self.epsilon, dtype),
            grad=gradient,
        )

    def _all_reduce_sum_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]]
    ) -> list[tuple[Any, Any]]:
        return list(grads_and_vars)
