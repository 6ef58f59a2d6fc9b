"""Measures what models draw, against what people draw.

    python -m sketcher_tf.evaluate --model=runs/doodles --count=10
    python -m sketcher_tf.evaluate --data='drawings/*.ndjson' \
        --model=ai_sketcher=runs/ours --model=sketch_rnn=runs/baseline

Writes one HTML file that needs nothing else, and its numbers as JSON beside
it. With 100 drawings per word (the default) that takes some minutes per model
on two cores, with 10 about one.
"""

import json
import os
from pathlib import Path

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from absl import app, flags, logging

from sketcher_tf.cli import refuse_arguments
from sketcher_tf.data import sources
from sketcher_tf.evaluation.classifier import ClassifierConfig
from sketcher_tf.evaluation.evaluation import evaluate
from sketcher_tf.evaluation.measurements import EvaluationConfig
from sketcher_tf.evaluation.models import load_models
from sketcher_tf.evaluation.report import render
from sketcher_tf.files import write_atomically
from sketcher_tf.sketcher import DEFAULT_TEMPERATURE

_MODEL = flags.DEFINE_multi_string(
    "model",
    [],
    "A run folder or .keras file, or name=path; several to compare them. By "
    "default the newest run.",
)
_BASELINE = flags.DEFINE_string(
    "baseline",
    None,
    "The name of the model that others are compared with. By default the "
    "first without condition, influence layer and CNN autoencoder, if any.",
)
_DATA = flags.DEFINE_string(
    "data",
    "doodles",
    "The drawings that the models were trained on, as train takes them.",
)
_SPLIT = flags.DEFINE_enum(
    "split", "test", ["test", "valid"], "The held-out drawings."
)
_COUNT = flags.DEFINE_integer(
    "count",
    100,
    "New drawings per word and model, and at most so many held-out ones.",
    2,
)
_TEMPERATURE = flags.DEFINE_float(
    "temperature", DEFAULT_TEMPERATURE, "0 is greedy, 1 the model's own.", 0.0
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "The same seed gives the same report.", 0, 2**31 - 1
)
_OUTPUT = flags.DEFINE_string(
    "output", "evaluation.html", "Where to; the JSON has the same name."
)


def main(argv: list[str]) -> None:
    """Flags -> an evaluation -> two files."""
    logging.set_verbosity(logging.INFO)
    # For this process only: it makes random operations without a seed fail.
    tf.config.experimental.enable_op_determinism()
    output = Path(_OUTPUT.value)
    try:
        refuse_arguments(argv, "--model=runs/doodles")
        if output.suffix != ".html":
            raise ValueError(
                f"the report must be a .html file; received {output}. Write "
                "for example --output=evaluation.html."
            )
        models = load_models(_MODEL.value)
        data = sources.prepare(_DATA.value, sources.Options())
        evaluation = evaluate(
            models,
            data,
            EvaluationConfig(
                count=_COUNT.value,
                temperature=_TEMPERATURE.value,
                seed=_SEED.value,
                split=_SPLIT.value,
                classifier=_classifier(_DATA.value),
            ),
            _BASELINE.value,
        )
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    numbers = json.dumps(evaluation.results, indent=2)
    write_atomically(
        output.with_suffix(".json"), lambda file: file.write_text(numbers)
    )
    page = render(evaluation)
    write_atomically(output, lambda file: file.write_text(page, "utf-8"))
    logging.info("Wrote %s and %s", output, output.with_suffix(".json"))


def _classifier(data: str) -> ClassifierConfig:
    """The project's own drawings are so regular that little is to learn."""
    quick = data in sources.DRAWN
    return ClassifierConfig(epochs=2) if quick else ClassifierConfig()


if __name__ == "__main__":
    app.run(main)
