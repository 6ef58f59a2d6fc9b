"""Halves a model's file, for sharing it: the weights in float16.

    python -m export.pretrained --model=runs/quickdraw --output=model.keras

Keras loads the file like any other. `sketcher share` writes what the Hugging
Face hub wants instead.
"""

import logging
from pathlib import Path

from absl import flags

from sketcher_tf.cli import Command, refuse_arguments

COMMAND = Command("python -m export.pretrained", __doc__, extra="tf")
_MODEL = COMMAND.define_model()
_OUTPUT = flags.DEFINE_string(
    "output", "model.keras", "The file to write.", flag_values=COMMAND.flags
)


def main(arguments: list[str]) -> None:
    """Flags -> one library call."""
    refuse_arguments(arguments, "--model=runs/doodles")
    output = Path(_OUTPUT.value)
    if output.suffix != ".keras":
        raise ValueError(
            f"--output must end in .keras; received {output.name!r}. Try "
            f"{output.stem}.keras."
        )
    from sketcher_tf.sketcher import Sketcher

    from .halving import save_half

    save_half(Sketcher.load(_MODEL.value).model, output)
    logging.info("Wrote %s, %d bytes", output, output.stat().st_size)


if __name__ == "__main__":
    COMMAND.run(main)
