"""The whole evaluation: numbers for the JSON, drawings for the report."""

import dataclasses
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.evaluation.describe import (
    describe_data,
    extensions,
    plain,
)
from sketcher_tf.evaluation.measurements import EvaluationConfig, Measurements
from sketcher_tf.evaluation.samples import Samples
from sketcher_tf.schema import Schema
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch

VERSION = 1  # of the JSON


@dataclass(frozen=True)
class Gallery:
    """The drawings behind the numbers.

    Attributes:
        held_out: real ones.
        target: of each held-out drawing, the numbers of its words.
        samples: model -> what it drew.
        nearest: model -> for each new drawing, in the order of `generated`,
            the nearest training drawing.
    """

    held_out: list[Sketch]
    target: list[list[int]]
    samples: dict[str, Samples]
    nearest: dict[str, list[Sketch]]


@dataclass(frozen=True)
class Evaluation:
    """The numbers, as JSON has them, and the drawings."""

    results: dict[str, Any]
    gallery: Gallery


def evaluate(
    models: Mapping[str, Sketcher],
    data: Path,
    config: EvaluationConfig,
    baseline: str | None = None,
) -> Evaluation:
    """Measures models on the drawings of a prepared folder.

    Args:
        models: name -> model; the first is the one that others are beside.
        data: the folder; the models' words and raster size must be its own.
        config: how much, and how.
        baseline: the name of the model that the others are compared with; by
            default the first one without the three extensions, if any.

    Raises:
        ValueError: a model of other words, too few drawings for training or
            held out, or an unknown baseline.
    """
    manifest = read_manifest(data)
    for name, sketcher in models.items():
        _check_schema(name, sketcher.schema, manifest.schema)
    strangers = _trained_elsewhere(models, manifest.schema)
    baseline = _baseline(models, baseline)
    measurements = Measurements(models, data, config)
    parts = {name: measurements.measure(name) for name in models}
    results = {
        "version": VERSION,
        "settings": dataclasses.asdict(config),
        "data": describe_data(manifest),
        "training": len(measurements.training),
        "held_out": len(measurements.held_out),
        "trained_elsewhere": strangers,
        "baseline": baseline,
        "real": measurements.measure_real(),
        "models": parts,
        "comparisons": measurements.compare(baseline) if baseline else {},
    }
    gallery = Gallery(
        measurements.held_out.sketches(),
        measurements.held_out_words(),
        measurements.samples,
        measurements.nearest,
    )
    return Evaluation(plain(results), gallery)


def _check_schema(name: str, model: Schema, data: Schema) -> None:
    def said(schema: Schema) -> tuple[Any, ...]:
        factors = {f.name: sorted(f.values) for f in schema.factors}
        return sorted(factors.items()), schema.image_size

    if said(model) != said(data):
        raise ValueError(
            "the data must have the words and the raster size that the model "
            f"was trained with; received, for {name}, {_brief(model)} and data "
            f"of {_brief(data)}. Name the data of its training with --data."
        )


def _trained_elsewhere(
    models: Mapping[str, Sketcher], data: Schema
) -> list[str]:
    """The models that this training split has not trained, in their order.

    Splits hang on the drawings' keys, which another format of the same drawings
    changes. The scale is a statistic of the whole training split, so it tells
    one from another; its last digits hang on the order of the drawings.
    """
    names = [
        name
        for name, sketcher in models.items()
        if sketcher.schema.max_seq_len != data.max_seq_len
        or not math.isclose(sketcher.schema.scale_factor, data.scale_factor)
    ]
    for name in names:
        logging.warning(
            "%s was not trained on this training split: it may have seen the "
            "held-out drawings. Name the data of its training with --data.",
            name,
        )
    return names


def _brief(schema: Schema) -> str:
    return f"{', '.join(schema.words)} in {schema.image_size} pixels"


def _baseline(models: Mapping[str, Sketcher], name: str | None) -> str | None:
    if name is None:
        return next((n for n, m in models.items() if _is_baseline(m)), None)
    if name not in models:
        raise ValueError(
            "the baseline must be one of the models; received "
            f"{name!r}. Known: {', '.join(models)}."
        )
    return name


def _is_baseline(sketcher: Sketcher) -> bool:
    return not any(extensions(sketcher).values())
