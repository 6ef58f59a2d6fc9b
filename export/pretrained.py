"""Halves a model's file, for sharing it: the weights in float16.

    python -m export.pretrained --model=runs/quickdraw --output=model.keras

Keras loads the file like any other, into float32. What a run leaves is float32
because training goes on from it; drawing does not need that many digits.
"""

import io
import os
import zipfile
from pathlib import Path

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import h5py
import keras
import numpy as np
from absl import app, flags, logging

from sketcher_tf.cli import refuse_arguments
from sketcher_tf.files import write_atomically
from sketcher_tf.sketcher import Sketcher

# Tests load several commands, which share some flags.
_SHARED = {"allow_override": True}
_MODEL = flags.DEFINE_string(
    "model",
    None,
    "A run folder or .keras file; by default the newest run, or the pretrained "
    "model.",
    **_SHARED,
)
_OUTPUT = flags.DEFINE_string(
    "output", "model.keras", "The file to write.", **_SHARED
)

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


def main(argv: list[str]) -> None:
    """Flags -> one library call."""
    logging.set_verbosity(logging.INFO)
    output = Path(_OUTPUT.value)
    try:
        refuse_arguments(argv, "--model=runs/doodles")
        if output.suffix != ".keras":
            raise ValueError(
                "--output must end in .keras; "
                f"received {output.name!r}. Try {output.stem}.keras."
            )
        save_half(Sketcher.load(_MODEL.value).model, output)
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    logging.info("Wrote %s, %d bytes", output, output.stat().st_size)


if __name__ == "__main__":
    app.run(main)
