"""Functions of fixed shapes, as a file's signatures need them."""

from collections.abc import Callable, Mapping

import tensorflow as tf

Tensors = dict[str, tf.Tensor]
Concrete = tf.types.experimental.ConcreteFunction


def trace(
    function: Callable[..., Tensors],
    inputs: Mapping[str, str],
    sizes: Mapping[str, int],
) -> tf.types.experimental.PolymorphicFunction:
    """A function of tensors whose types and shapes are known.

    Args:
        function: takes the inputs in their order.
        inputs: name -> type and axes, as "float32 1 C".
        sizes: letter of an axis -> its length.
    """
    specs = [_spec(name, text, sizes) for name, text in inputs.items()]
    return tf.function(function, input_signature=specs, autograph=False)


def _spec(name: str, text: str, sizes: Mapping[str, int]) -> tf.TensorSpec:
    dtype, *axes = text.split()
    shape = [sizes[a] if a in sizes else int(a) for a in axes]
    return tf.TensorSpec(shape, dtype, name)
