"""Reads the arrays of an npz file without trusting it.

An object array is a pickle, and a pickle may run any code. Here the few names
of NumPy's array reconstruction are answered by stand-ins that only collect
shape, type and bytes; no other name is looked up and nothing of NumPy is
reachable from the file.
"""

import io
import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sketcher_tf.data.formats.arrays.opcodes import check_opcodes

# 75,000 drawings of Quick, Draw! need 0.05 GB; real drawings shrink 2 to 6
# times when they are packed.
_MAX_BYTES = 2**30
_MAX_RATIO = 50
_MAX_LISTED = 1_000_000  # numbers in a drawing, if it is a list


class UnsafePickleError(ValueError):
    """A pickle asks for something other than NumPy arrays."""


def read_member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """The array in member `name`, numeric or of objects.

    The elements of an object array are arrays, lists and plain numbers.

    Raises:
        UnsafePickleError: the pickle asks for anything but arrays; nothing of
            it has run.
        ValueError: the member is damaged or not an array of numbers.
    """
    where = f"{archive.filename}:{name}"
    _check_size(archive.getinfo(name), where)
    return _read(lambda: archive.read(name), where)


def read_npy(path: Path) -> np.ndarray:
    """The array of an npy file; `read_member` has the promises."""
    return _read(path.read_bytes, str(path))


def _read(data: Callable[[], bytes], where: str) -> np.ndarray:
    try:
        return _read_array(io.BytesIO(data()), where)
    except UnsafePickleError:
        raise
    # A hostile pickle can make the unpickler raise nearly anything.
    except Exception as error:
        raise ValueError(
            "an npy or npz file must hold arrays of numbers or pickled arrays "
            f"of such arrays; received {where}, which cannot be read: "
            f"{type(error).__name__}: {error}. Get the file again, or "
            "save plain arrays."
        ) from error


def _check_size(info: zipfile.ZipInfo, where: str) -> None:
    packed = max(info.compress_size, 1)
    if info.file_size > max(_MAX_BYTES, _MAX_RATIO * packed):
        raise ValueError(
            f"a member of an npz file above {_MAX_BYTES} bytes must not be "
            f"packed more than {_MAX_RATIO} times; received {where} with "
            f"{packed} bytes for {info.file_size}. It is no drawing data; "
            "remove it."
        )


def _read_array(file: io.BytesIO, where: str) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    read_header: Callable[..., Any] = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read_header(file)
    if dtype.hasobject:
        check_opcodes(file.getvalue(), file.tell())
        value = _Array.unwrap(_Unpickler(file, where).load())
        if not isinstance(value, np.ndarray):
            raise TypeError(f"pickled {type(value).__name__}, not an array")
        return value
    return _numbers(file.read(), dtype, shape, fortran)


def _numbers(
    data: bytes, dtype: np.dtype, shape: tuple[int, ...], fortran: bool
) -> np.ndarray:
    if dtype.kind not in "biuf":
        raise ValueError(f"an array of type {dtype}")
    array = np.frombuffer(data, dtype, count=math.prod(shape))
    return array.reshape(shape, order="F" if fortran else "C")


class _Unpickler(pickle.Unpickler):
    """Knows the names of NumPy's array reconstruction and no other."""

    def __init__(self, file: io.BytesIO, where: str) -> None:
        # Python 2 wrote the arrays' bytes as text; latin1 keeps them as is.
        super().__init__(file, encoding="latin1")
        self._where = where
        # Made anew each time: a pickle can set attributes on what it gets.
        self._names = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[module, name]
        except KeyError:
            raise UnsafePickleError(
                "a pickle in an npz file may ask only for NumPy arrays; "
                f"received {self._where}, which asks for {module}.{name}. "
                "Nothing of it was run. Do not use a file from this source."
            ) from None


def _stand_ins() -> dict[tuple[str, str], Any]:
    names: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): "ndarray",  # only handed to _reconstruct
        ("numpy", "dtype"): lambda name, *_: _DType(name),
        ("_codecs", "encode"): lambda text, _: text.encode("latin1"),
    }
    # The module in C, and the one that hands its functions on; NumPy 2 renamed
    # the package.
    for module in (
        "numpy.core.multiarray",
        "numpy.core._multiarray_umath",
        "numpy._core.multiarray",
        "numpy._core._multiarray_umath",
    ):
        names[module, "_reconstruct"] = lambda *_: _Array()
        names[module, "scalar"] = lambda dtype, data: dtype.scalar(data)
    return names


class _DType:
    """Stands in for `numpy.dtype`: a type of numbers, or object."""

    def __init__(self, name: str) -> None:
        is_object = name.lstrip("|") in ("O", "O4", "O8")
        self.dtype = np.dtype(object if is_object else name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        # (version, byte order, ...); the rest is for types not allowed here.
        if self.dtype.kind in "biuf":
            self.dtype = self.dtype.newbyteorder(state[1])

    def scalar(self, data: bytes | str) -> np.generic:
        return _numbers(_as_bytes(data), self.dtype, (1,), False)[0]


class _Array:
    """Stands in for `numpy.ndarray` until its state arrives."""

    array: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        if dtype.dtype.kind == "O":
            self.array = _objects(data, shape)
        else:
            self.array = _numbers(_as_bytes(data), dtype.dtype, shape, fortran)

    @classmethod
    def unwrap(cls, value: Any) -> Any:
        return value.array if isinstance(value, cls) else value


def _objects(items: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    rows = list(map(_Array.unwrap, items))
    for row in rows:
        _check_listed(row)
    # fromiter, since assigning equally long arrays would join them to one.
    flat = np.fromiter(rows, object, len(rows))
    return flat.reshape(shape)  # NumPy lists objects in C order always


def _check_listed(row: Any) -> None:
    """Refuses a list that holds another again and again, 2^n times for n."""
    waiting, count = [row], 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple):
            waiting += value
            count += len(value)
        if count > _MAX_LISTED:
            raise ValueError(f"a list of more than {_MAX_LISTED} values")


def _as_bytes(data: bytes | str) -> bytes:
    return data.encode("latin1") if isinstance(data, str) else data
