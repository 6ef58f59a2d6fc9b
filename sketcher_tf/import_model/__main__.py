"""Makes a model out of a published Sketch-RNN.

    sketcher import bird.gen.json --output=runs/bird
    sketcher import quickdraw:bird --output=runs/bird
    sketcher import aaron_sheep.zip --output=runs/sheep --scale_factor=3.5

The model is an ordinary one: it draws, completes, is exported and served.
"""

import logging
from pathlib import Path

from absl import flags

from sketcher_tf.cli import Command

COMMAND = Command("sketcher import", __doc__, extra="tf")
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "The run folder or .keras file to write.",
    required=True,
    flag_values=COMMAND.flags,
)
_SCALE_FACTOR = flags.DEFINE_float(
    "scale_factor",
    None,
    "Pixels per unit of an offset: the standard deviation of the training "
    "offsets. By default drawings become as large as Quick, Draw!'s.",
    1e-6,
    flag_values=COMMAND.flags,
)


def main(arguments: list[str]) -> None:
    """Flags -> one library call -> a file."""
    if len(arguments) != 1:
        raise ValueError(
            "one model is imported at a time; received "
            f"{arguments}. Write for example bird.gen.json --output=bird."
        )
    from sketcher_tf.import_model.convert import convert, fitting_scale
    from sketcher_tf.import_model.published import read_published

    published = read_published(arguments[0])
    scale = _SCALE_FACTOR.value or fitting_scale(published)
    output = Path(_OUTPUT.value)
    if output.suffix != ".keras":
        output = output / "model.keras"
    output.parent.mkdir(parents=True, exist_ok=True)
    convert(published, scale).save(output)
    logging.info(
        "Imported %s, which draws %s, with --scale_factor=%.4g",
        output,
        published.name,
        scale,
    )
    if not published.settings.get("conditional", True):
        logging.info("It has no encoder: it draws and completes, no more")


if __name__ == "__main__":
    COMMAND.run(main)
