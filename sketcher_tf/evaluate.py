"""Measures what models draw, against what people draw.

    sketcher evaluate --model=runs/doodles --count=10
    sketcher evaluate --model=ours=runs/ours --model=baseline=runs/baseline

Writes one HTML file that needs nothing else, and its numbers as JSON beside
it. With 100 drawings per word (the default) that takes some minutes per model
on two cores, with 10 about one.
"""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.files import write_atomically

if TYPE_CHECKING:
    from sketcher_tf.evaluation.evaluation import Evaluation

COMMAND = Command("sketcher evaluate", __doc__, extra="tf")
_MODEL = flags.DEFINE_multi_string(
    "model",
    [],
    "A run folder or .keras file, or name=path; several to compare them. By "
    "default the newest run.",
    flag_values=COMMAND.flags,
)
_BASELINE = flags.DEFINE_string(
    "baseline",
    None,
    "The name of the model that others are compared with. By default the "
    "first without condition, influence layer and CNN autoencoder, if any.",
    flag_values=COMMAND.flags,
)
_DATA = flags.DEFINE_string(
    "data",
    "doodles",
    "The drawings that the models were trained on, as train takes them.",
    flag_values=COMMAND.flags,
)
_SPLIT = flags.DEFINE_enum(
    "split",
    "test",
    ["test", "valid"],
    "The held-out drawings.",
    flag_values=COMMAND.flags,
)
_COUNT = flags.DEFINE_integer(
    "count",
    100,
    "New drawings per word and model, and at most so many held-out ones.",
    2,
    flag_values=COMMAND.flags,
)
_TEMPERATURE = flags.DEFINE_float(
    "temperature",
    None,
    "0 is greedy, 1 the model's own; by default that of the command draw.",
    0.0,
    flag_values=COMMAND.flags,
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "The same seed gives the same report.",
    0,
    2**31 - 1,
    flag_values=COMMAND.flags,
)
_MIN_RECOGNISED = flags.DEFINE_float(
    "min_recognised",
    0.0,
    "The share of new drawings that must be recognised; the command fails, "
    "after its report, if a model has less.",
    0.0,
    1.0,
    flag_values=COMMAND.flags,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    "evaluation.html",
    "Where to; the JSON has the same name.",
    flag_values=COMMAND.flags,
)


def main(arguments: list[str]) -> None:
    """Flags -> an evaluation -> two files."""
    refuse_arguments(arguments, "--model=runs/doodles")
    output = Path(_OUTPUT.value)
    if output.suffix != ".html":
        raise ValueError(
            f"the report must be a .html file; received {output}. Write for "
            "example --output=evaluation.html."
        )
    evaluation = _evaluate()
    from sketcher_tf.evaluation.report import render

    numbers = json.dumps(evaluation.results, indent=2)
    write_atomically(
        output.with_suffix(".json"), lambda file: file.write_text(numbers)
    )
    page = render(evaluation)
    write_atomically(output, lambda file: file.write_text(page, "utf-8"))
    logging.info("Wrote %s and %s", output, output.with_suffix(".json"))
    check_recognised(evaluation.results, _MIN_RECOGNISED.value)


def check_recognised(results: dict[str, Any], least: float) -> None:
    """Refuses models whose drawings are recognised too seldom.

    Args:
        results: of an evaluation.
        least: the share of new drawings that must be recognised.

    Raises:
        ValueError: a model has less, with its tries.
    """
    from sketcher_tf.evaluation.models import ONE_TRY

    for name, model in results["models"].items():
        share = model["generated"]["recognised"]["share"]["value"]
        if share < least and not name.endswith(ONE_TRY):
            raise ValueError(
                f"of a model's drawings a share of {least} must be "
                f"recognised; received {share:.3f} for {name}. Train it "
                "longer, or lower --min_recognised."
            )


def _evaluate() -> "Evaluation":
    import tensorflow as tf

    from sketcher_tf.data import sources
    from sketcher_tf.data.prepare.pieces import DRAWN
    from sketcher_tf.evaluation.classifier import ClassifierConfig
    from sketcher_tf.evaluation.evaluation import evaluate
    from sketcher_tf.evaluation.measurements import EvaluationConfig
    from sketcher_tf.evaluation.models import load_models

    # For this process only: it makes random operations without a seed fail.
    tf.config.experimental.enable_op_determinism()
    models = load_models(_MODEL.value)
    # The project's own drawings are so regular that little is to learn.
    quick = _DATA.value in DRAWN
    settings = EvaluationConfig(
        count=_COUNT.value,
        temperature=_TEMPERATURE.value,
        seed=_SEED.value,
        split=_SPLIT.value,
        classifier=ClassifierConfig(epochs=2) if quick else ClassifierConfig(),
    )
    data = sources.prepare(_DATA.value, sources.Options())
    return evaluate(models, data, settings, _BASELINE.value)


if __name__ == "__main__":
    COMMAND.run(main)
