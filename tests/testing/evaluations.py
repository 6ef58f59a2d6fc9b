"""An evaluation of two toy models, small enough for tests."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import pytest

from sketcher_tf.data.formats.drawing import Drawing
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.evaluation.classifier import ClassifierConfig
from sketcher_tf.evaluation.evaluation import Evaluation, evaluate
from sketcher_tf.evaluation.measurements import EvaluationConfig
from sketcher_tf.sketcher import Sketcher
from tests.testing import toys
from tests.testing.exports import make_model

NASTY = 'b<u> & "c"'  # a word that must not become markup
BASE = "<u>base"  # a model's name that must not either
SETTINGS = EvaluationConfig(
    count=4,
    temperature=0.5,
    seed=3,
    classifier=ClassifierConfig(
        filters=4, features=8, epochs=1, min_steps=60, batch_size=16
    ),
)


class Evaluated(NamedTuple):
    """An evaluation, and what it is of."""

    cache: Path  # where the classifier is, for XDG_CACHE_HOME
    data: Path
    models: dict[str, Sketcher]
    evaluation: Evaluation


def run(folder: Path) -> Evaluated:
    """Prepares, builds and evaluates."""
    data = prepare(folder / "toys")
    models = make_models(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        return Evaluated(folder, data, models, evaluate(models, data, SETTINGS))


def prepare(folder: Path) -> Path:
    """Rings and zigzags, with a second factor that does not show."""
    drawings = [
        Drawing(
            drawing.stroke3,
            {**drawing.labels, "mood": ("a", NASTY)[number // 2 % 2]},
            drawing.key,
            drawing.split,
        )
        for number, drawing in enumerate(toys.drawings(40, 3, 14))
    ]
    toys.write(drawings, folder)
    return folder


def make_models(data: Path) -> dict[str, Sketcher]:
    """With all extensions and with none; their weights are random."""
    schema = read_manifest(data).schema
    none = dataclasses.replace(
        toys.MODEL, conditional=False, influence="none", image_latent_size=0
    )
    return {
        "ours": Sketcher(make_model(toys.CONFIG, schema)),
        BASE: Sketcher(
            make_model(dataclasses.replace(toys.CONFIG, model=none), schema)
        ),
    }
