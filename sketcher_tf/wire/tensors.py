"""Tensors on the wire: NumPy arrays to and from TensorProto."""

import math
from typing import Any, NamedTuple

import numpy as np

from sketcher_tf.wire.messages import DataType, TensorProto

_LARGEST_FILLED = 1 << 22  # elements, if not all are on the wire


class _Kind(NamedTuple):
    number: DataType
    dtype: Any
    field: str  # holds the values, unless `tensor_content` does


_KINDS = {
    "float32": _Kind(DataType.FLOAT, np.dtype("<f4"), "float_val"),
    "int32": _Kind(DataType.INT32, np.dtype("<i4"), "int_val"),
    "uint8": _Kind(DataType.UINT8, np.dtype("u1"), "int_val"),
    "int64": _Kind(DataType.INT64, np.dtype("<i8"), "int64_val"),
    "bool": _Kind(DataType.BOOL, np.dtype("?"), "bool_val"),
    "string": _Kind(DataType.STRING, np.dtype("O"), "string_val"),
}
_BY_NUMBER = {kind.number: kind for kind in _KINDS.values()}
_NAMES = {kind.dtype: name for name, kind in _KINDS.items()}


def itemsize(dtype: str) -> int:
    """Bytes per element on the wire; 0 for strings, which have no fixed one."""
    return 0 if dtype == "string" else _KINDS[dtype].dtype.itemsize


def dtype_of(array: np.ndarray) -> str:
    """The contract's word for the dtype of an array."""
    # NumPy makes a name up anew each time, and takes microseconds over it.
    return _NAMES.get(array.dtype) or array.dtype.name


def encode(
    array: np.ndarray, tensor: Any = None, *, packed: bool = True
) -> Any:
    """An array as a TensorProto.

    Args:
        array: of a dtype of the contract; strings are objects of type bytes.
        tensor: an empty TensorProto to fill, of whatever library; by default a
            new one.
        packed: put the bytes into `tensor_content`, as clients do; else the
            values into the field of their type, as the real server does.

    Returns:
        The TensorProto.
    """
    tensor = TensorProto() if tensor is None else tensor
    kind = _KINDS[dtype_of(array)]
    tensor.dtype = int(kind.number)
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if packed and kind.field != "string_val":
        tensor.tensor_content = array.astype(kind.dtype).tobytes()
    else:
        getattr(tensor, kind.field).extend(array.ravel().tolist())
    return tensor


def decode(tensor: Any) -> np.ndarray:
    """A TensorProto, of whatever library, as an array.

    Raises:
        ValueError: a dtype that the contract does not use, or values that do
            not fit the shape.
    """
    kind = _BY_NUMBER.get(tensor.dtype)
    if kind is None:
        raise ValueError(
            f"a tensor must be of dtype {', '.join(_KINDS)}; received number "
            f"{tensor.dtype}. Convert it first."
        )
    # As TensorFlow does, which has no look at `unknown_rank` here.
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if min(shape, default=0) < 0:
        raise ValueError(
            f"a tensor must have a whole shape; received {shape}. State the "
            "size of each dimension."
        )
    if tensor.tensor_content and kind.field != "string_val":
        return _from_content(tensor.tensor_content, kind, shape)
    return _from_values(getattr(tensor, kind.field), kind, shape)


def _from_content(
    content: bytes, kind: _Kind, shape: tuple[int, ...]
) -> np.ndarray:
    expected = math.prod(shape) * kind.dtype.itemsize
    if len(content) != expected:
        raise ValueError(
            f"a tensor of shape {shape} and dtype {kind.dtype} must have "
            f"{expected} bytes; received {len(content)}. Send all values."
        )
    return np.frombuffer(content, kind.dtype).reshape(shape)


def _from_values(
    values: Any, kind: _Kind, shape: tuple[int, ...]
) -> np.ndarray:
    expected, given = math.prod(shape), len(values)
    if given < expected > _LARGEST_FILLED:
        raise ValueError(
            f"a tensor of shape {shape} must have {expected} values; received "
            f"{given}. Send all values."
        )
    zero = b"" if kind.field == "string_val" else 0
    array = np.empty(expected, kind.dtype)
    try:
        # As TensorFlow does: those beyond the shape are not looked at, and the
        # last one stands for those left out.
        array[:given] = values[:expected]
        array[given:] = values[-1] if given else zero
    except OverflowError as error:
        raise ValueError(
            f"the values of a tensor must be of its dtype, {kind.dtype}; "
            "received one out of range. Choose a wider dtype."
        ) from error
    return array.reshape(shape)
