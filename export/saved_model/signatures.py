"""Signatures as graphs: traced from the contract, and strict about inputs.

A server checks names and dtypes of what it is sent, and nothing else. So each
signature begins with assertions; a request that breaks a rule is refused with a
text for its sender before anything is computed or changed:

    CODE: rule; received [value]. remedy
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from sketcher_tf.contract import (
    MAX_MAGNITUDE,
    MAX_TRIES,
    MIN_TEMPERATURE,
    Code,
    Servable,
    Signature,
    Tensor,
)
from sketcher_tf.model.encoder import drawing_lengths

Tensors = dict[str, tf.Tensor]
Sizes = Mapping[str, int]


def trace_servable(
    servable: Servable, sizes: Sizes, calls: object
) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """The graphs of all signatures, which `calls` has methods for, by name."""
    graphs = {
        name: trace(signature, sizes, getattr(calls, name))
        for name, signature in servable.signatures.items()
    }
    return {
        name: graphs[signature.name]
        for name, signature in servable.served.items()
    }


def trace(
    signature: Signature, sizes: Sizes, call: Callable[..., Tensors]
) -> tf.types.experimental.ConcreteFunction:
    """The graph of one signature.

    Args:
        signature: names, dtypes and shapes.
        sizes: what the model fixes of the shapes.
        call: gets the checked inputs by name and returns the outputs by name.
    """

    def checked_call(*inputs: tf.Tensor) -> Tensors:
        names = [tensor.name for tensor in signature.inputs]
        given = dict(zip(names, inputs, strict=True))
        outputs = call(**check_inputs(signature, sizes, given))
        return {
            tensor.name: tf.ensure_shape(
                outputs[tensor.name], tensor.shape_for(sizes), tensor.name
            )
            for tensor in signature.outputs
        }

    # With a shape here the graph would take it for granted: its optimiser
    # folds the assertions on shapes to "holds", and wrong ones pass.
    specs = [
        tf.TensorSpec(None, tensor.dtype, tensor.name)
        for tensor in signature.inputs
    ]
    function = tf.function(checked_call, input_signature=specs, autograph=False)
    return function.get_concrete_function()


def check_inputs(
    signature: Signature, sizes: Sizes, inputs: Mapping[str, tf.Tensor]
) -> Tensors:
    """The inputs, which come into being only if they keep all the rules.

    As a graph, for `temperature` of shape [B], from left to right:

        placeholder -> shape assertions -> reshape -> rules -> identity
        any shape      rank 1, B > 0       [B]        0 <= tau    the input

    Each arrow is a control dependency: rules look at values of a known shape
    only, and nothing of the call runs before the last of them holds. So
    `temperature=[[0.3]]` fails with INVALID_SHAPE and not inside of a product,
    and `[0.3, -1.0]` with INVALID_TEMPERATURE before a point is drawn.

    Args:
        signature: the names and what they should be.
        sizes: what the model fixes of the shapes.
        inputs: by name, of unknown shapes.
    """
    assertions = [
        _has_shape(tensor, inputs[tensor.name], sizes)
        for tensor in signature.inputs
    ]
    with tf.control_dependencies(assertions):
        values = {
            tensor.name: _shaped(inputs[tensor.name], tensor.shape_for(sizes))
            for tensor in signature.inputs
        }
        assertions = _have_equal_rows(signature, values)
        for name, value in values.items():
            assertions += _RULES.get(name, _no_rule)(value, sizes)
    with tf.control_dependencies(assertions):
        return {name: tf.identity(value) for name, value in values.items()}


def _shaped(value: tf.Tensor, shape: tuple[int | None, ...]) -> tf.Tensor:
    """The value, as a tensor that is known to have the shape.

    Not by `set_shape` nor `tf.ensure_shape`: the optimiser carries what they
    and later operations need back to the value, and folds the assertions.
    """
    sizes = [
        tf.shape(value)[i] if n is None else n for i, n in enumerate(shape)
    ]
    return tf.reshape(value, sizes)


def refuse_unless(
    holds: tf.Tensor,
    code: Code,
    rule: str,
    received: tf.Tensor,
    remedy: str,
) -> tf.Operation:
    """Fails the call unless `holds`, bool []; see the module for the text."""
    text = [f"{code}: {rule}; received", received, f". {remedy}"]
    return tf.debugging.Assert(holds, text, summarize=4)


def _has_shape(tensor: Tensor, value: tf.Tensor, sizes: Sizes) -> tf.Operation:
    expected = [-1 if n is None else n for n in tensor.shape_for(sizes)]
    rank = len(expected)
    shape = tf.shape(value)
    first = tf.pad(shape, [[0, rank]])[:rank]
    holds = tf.reduce_all((first == expected) | (tf.constant(expected) < 0))
    if tensor.shape[:1] == ("B",):
        holds &= first[0] > 0
    names = ", ".join(
        name if size < 0 else str(size)
        for name, size in zip(tensor.shape, expected, strict=True)
    )
    return refuse_unless(
        holds & tf.equal(tf.size(shape), rank),
        Code.INVALID_SHAPE,
        f"{tensor.name} must have shape [{names}]",
        shape,
        "`labels` tells the sizes of the model.",
    )


def _have_equal_rows(
    signature: Signature, values: Mapping[str, tf.Tensor]
) -> list[tf.Operation]:
    rows = [
        tf.shape(values[tensor.name])[0]
        for tensor in signature.inputs
        if tensor.shape[:1] == ("B",)
    ]
    if len(rows) < 2:
        return []
    return [
        refuse_unless(
            tf.reduce_all(tf.stack(rows) == rows[0]),
            Code.INVALID_SHAPE,
            "all inputs must have the same number of rows",
            tf.stack(rows),
            "Send one row per drawing in each of them.",
        )
    ]


def _no_rule(value: tf.Tensor, sizes: Sizes) -> list[tf.Operation]:
    return []


def _lies_between(
    value: tf.Tensor,
    code: Code,
    name: str,
    low: float = -MAX_MAGNITUDE,
    remedy: str = "Look for NaN, infinity and numbers of another unit.",
) -> tf.Operation:
    """A NaN does not: it compares as false."""
    value = tf.reshape(value, [-1])
    fine = (value >= low) & (value <= MAX_MAGNITUDE)
    return refuse_unless(
        tf.reduce_all(fine),
        code,
        f"{name} must lie between {low:g} and {MAX_MAGNITUDE:g}",
        tf.boolean_mask(value, ~fine),
        remedy,
    )


def _condition(value: tf.Tensor, sizes: Sizes) -> list[tf.Operation]:
    return [_lies_between(value, Code.INVALID_CONDITION, "condition")]


def _latents(value: tf.Tensor, sizes: Sizes) -> list[tf.Operation]:
    assertions = [_lies_between(value, Code.INVALID_LATENTS, "latents")]
    if value.shape[-1] is None:
        width = tf.shape(value)[-1]
        assertions.append(
            refuse_unless(
                (width == 0) | (width == sizes["Z"]),
                Code.INVALID_LATENTS,
                f"latents must have width 0 or {sizes['Z']}",
                width,
                "Send those that `open` returned, or none to have some drawn.",
            )
        )
    return assertions


def _temperature(value: tf.Tensor, sizes: Sizes) -> list[tf.Operation]:
    return [
        _lies_between(
            value,
            Code.INVALID_TEMPERATURE,
            "temperature",
            MIN_TEMPERATURE,
            "Try 0.3; close to 0 each point is the likeliest.",
        )
    ]


def _strokes(value: tf.Tensor, sizes: Sizes) -> list[tf.Operation]:
    pen = value[..., 2:]
    one_hot = tf.reduce_all((pen == 0) | (pen == 1), axis=-1) & (
        tf.reduce_sum(pen, axis=-1) == 1
    )
    batched = value if value.shape.rank == 3 else value[None]
    rows, limit = tf.shape(batched)[1], sizes["T"] - 1
    length = tf.reduce_max(drawing_lengths(batched))
    return [
        _lies_between(value, Code.INVALID_STROKES, "strokes"),
        refuse_unless(
            tf.reduce_all(one_hot),
            Code.INVALID_STROKES,
            "the pen state, columns 2 to 4 of strokes, must be one-hot",
            tf.boolean_mask(pen, ~one_hot),
            "Rows are dx, dy, p_down, p_up, p_end.",
        ),
        refuse_unless(
            (length <= limit) & (rows <= limit + 1),
            Code.TOO_MANY_POINTS,
            f"a drawing may have at most {limit} points",
            tf.maximum(length, rows - 1),
            "Simplify it first.",
        ),
    ]


def _num_points(value: tf.Tensor, sizes: Sizes) -> list[tf.Operation]:
    return [
        refuse_unless(
            value >= 1,
            Code.INVALID_NUM_POINTS,
            "num_points must be at least 1",
            value,
            "Ask for one.",
        )
    ]


def _tries(value: tf.Tensor, sizes: Sizes) -> list[tf.Operation]:
    fine = (value >= 1) & (value <= MAX_TRIES)
    return [
        refuse_unless(
            tf.reduce_all(fine),
            Code.INVALID_TRIES,
            f"tries must be 1 to {MAX_TRIES}",
            tf.boolean_mask(value, ~fine),
            "Try 4.",
        )
    ]


_RULES: Mapping[str, Callable[[tf.Tensor, Sizes], list[tf.Operation]]] = {
    "condition": _condition,
    "latents": _latents,
    "temperature": _temperature,
    "strokes": _strokes,
    "num_points": _num_points,
    "tries": _tries,
}
