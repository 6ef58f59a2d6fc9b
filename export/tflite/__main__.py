"""Exports a model for phones: one .tflite file for LiteRT.

    python -m export.tflite --model=runs/doodles --output=sketcher.tflite
    python -m export.tflite --quantize=int8

Writes the file after LiteRT has drawn with it what the model draws, and beside
it, in sketcher.md, its tensors and metadata. See docs/phone.md for its use.
"""

import os
from pathlib import Path

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from absl import app, flags, logging

from sketcher_tf.cli import refuse_arguments
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import model_file

from .convert import QUANTIZATIONS
from .export import drawings_for, export

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
    "output", "sketcher.tflite", "The file to write.", **_SHARED
)
_QUANTIZE = flags.DEFINE_enum(
    "quantize",
    "none",
    QUANTIZATIONS,
    "The precision of the weights: none keeps float32.",
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Drawings on which a quantised model is tried, as for training; by "
    "default those of the run.",
    **_SHARED,
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of the sketches that are compared.", 0, 2**31 - 9, **_SHARED
)


def main(argv: list[str]) -> None:
    """Flags -> one library call."""
    logging.set_verbosity(logging.INFO)
    output = Path(_OUTPUT.value)
    try:
        refuse_arguments(argv, "--model=runs/doodles")
        file = model_file(_MODEL.value)
        sketcher = Sketcher.load(file)
        drawings = []
        if _QUANTIZE.value != "none" or _DATA.value:
            drawings = drawings_for(sketcher, file, _DATA.value)
        report = export(
            sketcher, output, _QUANTIZE.value, drawings, _SEED.value
        )
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    logging.info(
        "Wrote %s, %d bytes: %s", output, output.stat().st_size, report
    )


if __name__ == "__main__":
    app.run(main)
