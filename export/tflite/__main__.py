"""Exports a model for phones: one .tflite file for LiteRT.

    sketcher export tflite --model=runs/doodles --output=sketcher.tflite
    sketcher export tflite --quantize=int8

Writes the file after LiteRT has drawn with it what the model draws, and beside
it, in sketcher.md, its tensors and metadata. See docs/phone.md for its use.
"""

import logging
from pathlib import Path

from absl import flags

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.training.run_folder import model_file

from . import QUANTIZATIONS

COMMAND = Command("sketcher export tflite", __doc__, extra="phone")
_MODEL = COMMAND.define_model()
_OUTPUT = flags.DEFINE_string(
    "output",
    "sketcher.tflite",
    "The file to write.",
    flag_values=COMMAND.flags,
)
_QUANTIZE = flags.DEFINE_enum(
    "quantize",
    "none",
    QUANTIZATIONS,
    "The precision of the weights: none keeps float32.",
    flag_values=COMMAND.flags,
)
_ENCODER = flags.DEFINE_bool(
    "encoder",
    True,
    "Whether the file can also encode drawings, to draw them anew or to walk "
    "between them; it is a third larger then.",
    flag_values=COMMAND.flags,
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Drawings on which a quantised model is tried, as for training; by "
    "default those of the run.",
    flag_values=COMMAND.flags,
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Of the sketches that are compared.",
    0,
    2**31 - 9,
    flag_values=COMMAND.flags,
)


def main(arguments: list[str]) -> None:
    """Flags -> one library call."""
    refuse_arguments(arguments, "--model=runs/doodles")
    from sketcher_tf.sketcher import Sketcher

    from .export import drawings_for, export

    output = Path(_OUTPUT.value)
    file = model_file(_MODEL.value)
    sketcher = Sketcher.load(file)
    drawings = []
    if _QUANTIZE.value != "none" or _DATA.value:
        drawings = drawings_for(sketcher, file, _DATA.value)
    report = export(
        sketcher,
        output,
        _QUANTIZE.value,
        drawings,
        _SEED.value,
        _ENCODER.value,
    )
    size = output.stat().st_size
    logging.info("Wrote %s, %d bytes: %s", output, size, report)


if __name__ == "__main__":
    COMMAND.run(main)
