"""Exports a model for TensorFlow Serving.

    sketcher export --model=runs/doodles --output=models

Writes and verifies two servables and publishes them as the next version:
models/sketcher/1 (a call draws whole sketches) and models/sketcher_session/1 (a
call draws the next points of a sketch). The calls: `sketcher_tf.contract`.
"""

import logging
from pathlib import Path

from absl import flags

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.training.run_folder import model_file

from . import DEFAULT_CAPACITY

# With a GPU in sight, graphs may come to need one.
COMMAND = Command("sketcher export", __doc__, extra="tf", gpus=False)
_MODEL = COMMAND.define_model()
_OUTPUT = flags.DEFINE_string(
    "output",
    "models",
    "The folder of models.",
    flag_values=COMMAND.flags,
)
_VERSION = flags.DEFINE_integer(
    "version",
    None,
    "A number of its own; by default the next one.",
    1,
    flag_values=COMMAND.flags,
)
_CAPACITY = flags.DEFINE_integer(
    "capacity",
    DEFAULT_CAPACITY,
    "Sessions that the server keeps; one more evicts the least recent.",
    1,
    flag_values=COMMAND.flags,
)


def main(arguments: list[str]) -> None:
    """Flags -> one library call."""
    refuse_arguments(arguments, "--model=runs/doodles")
    from sketcher_tf.sketcher import Sketcher

    from .publish import publish, training_of

    file = model_file(_MODEL.value)
    version = publish(
        Sketcher.load(file),
        Path(_OUTPUT.value),
        version=_VERSION.value,
        capacity=_CAPACITY.value,
        training=training_of(file),
    )
    logging.info("Published version %d in %s", version, _OUTPUT.value)


if __name__ == "__main__":
    COMMAND.run(main)
