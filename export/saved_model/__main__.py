"""Exports a model for TensorFlow Serving.

    python -m export.saved_model --model=runs/doodles --output=models

Writes and verifies two servables and publishes them as the next version:
models/sketcher/1 (a call draws whole sketches) and models/sketcher_session/1 (a
call draws the next points of a sketch). The calls: `sketcher_tf.contract`.
"""

import os
from pathlib import Path

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# With a GPU in sight, graphs may come to need one.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

from absl import app, flags, logging

from sketcher_tf.cli import refuse_arguments
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import model_file

from .publish import DEFAULT_CAPACITY, publish, training_of

_MODEL = flags.DEFINE_string(
    "model",
    None,
    "A run folder or .keras file; by default the newest run, or the pretrained "
    "model.",
)
_OUTPUT = flags.DEFINE_string("output", "models", "The folder of models.")
_VERSION = flags.DEFINE_integer(
    "version", None, "A number of its own; by default the next one.", 1
)
_CAPACITY = flags.DEFINE_integer(
    "capacity",
    DEFAULT_CAPACITY,
    "Sessions that the server keeps; one more evicts the least recent.",
    1,
)


def main(argv: list[str]) -> None:
    """Flags -> one library call."""
    logging.set_verbosity(logging.INFO)
    try:
        refuse_arguments(argv, "--model=runs/doodles")
        file = model_file(_MODEL.value)
        version = publish(
            Sketcher.load(file),
            Path(_OUTPUT.value),
            version=_VERSION.value,
            capacity=_CAPACITY.value,
            training=training_of(file),
        )
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    logging.info("Published version %d in %s", version, _OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
