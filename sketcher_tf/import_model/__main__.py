"""Makes a model out of a published Sketch-RNN.

python -m sketcher_tf.import_model bird.gen.json --output=runs/bird
"""

import os
from pathlib import Path

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from absl import app, flags, logging

from sketcher_tf.import_model.convert import convert
from sketcher_tf.import_model.published import read_published

# Of a set of simplified drawings of Quick, Draw!, about.
_TYPICAL_SCALE = 35.0

_OUTPUT = flags.DEFINE_string(
    "output", None, "The run folder or .keras file to write.", required=True
)
_SCALE_FACTOR = flags.DEFINE_float(
    "scale_factor",
    None,
    "Pixels per unit of an offset, which a checkpoint does not tell: the "
    "standard deviation of the training offsets.",
    1e-6,
)


def main(argv: list[str]) -> None:
    """Flags -> one library call -> a file."""
    logging.set_verbosity(logging.INFO)
    try:
        if len(argv) != 2:
            raise ValueError(
                "one model is imported at a time; received "
                f"{argv[1:]}. Write for example bird.gen.json --output=bird."
            )
        published = read_published(argv[1])
        scale = _SCALE_FACTOR.value or published.scale_factor
        if scale is None:
            scale = _TYPICAL_SCALE
            logging.warning(
                "Offsets are taken to be scaled by %g pixels, as in Quick, "
                "Draw!; --scale_factor says otherwise",
                scale,
            )
        output = Path(_OUTPUT.value)
        if output.suffix != ".keras":
            output = output / "model.keras"
        output.parent.mkdir(parents=True, exist_ok=True)
        convert(published, scale).save(output)
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    logging.info("Imported %s, which draws %s", output, published.name)


if __name__ == "__main__":
    app.run(main)
