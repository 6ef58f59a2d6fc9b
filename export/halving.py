"""The weights of a model in float16: half the file, for sharing it.

Keras loads the file like any other, into float32. What a run leaves is float32
because training goes on from it; drawing does not need that many digits.
"""

import io
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from sketcher_tf.files import write_atomically

_WEIGHTS = "model.weights.h5"  # in the archive that a .keras file is


def save_half(model: keras.Model, path: Path) -> None:
    """Saves a model with its float32 weights as float16.

    Args:
        model: uncompiled, or its optimizer is saved, too.
        path: where to; ends in `.keras`.

    Raises:
        ValueError: a weight is beyond float16's largest number, 65504.
    """

    def write(building: Path) -> None:
        model.save(building)
        with zipfile.ZipFile(building) as source:
            files = {name: source.read(name) for name in source.namelist()}
        files[_WEIGHTS] = _halve(files[_WEIGHTS])
        with zipfile.ZipFile(building, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in files.items():
                target.writestr(name, content)

    write_atomically(path, write)


def _halve(weights: bytes) -> bytes:
    """An HDF5 file with its float32 arrays as float16."""
    halved = io.BytesIO()
    with (
        h5py.File(io.BytesIO(weights)) as source,
        h5py.File(halved, "w") as target,
    ):

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                made = target.create_dataset(name, data=_half(name, item[()]))
            else:
                made = target.require_group(name)
            made.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    return halved.getvalue()


def _half(name: str, weight: np.ndarray) -> np.ndarray:
    if weight.dtype != np.float32:
        return weight
    with np.errstate(over="ignore"):
        half = weight.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(
            "a weight must be at most 65504 to be kept in float16; received "
            f"{np.abs(weight).max()} in {name}. Share the float32 file instead."
        )
    return half
