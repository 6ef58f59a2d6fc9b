"""Small drawings, settings and models that train in seconds."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sketcher_tf.configs import (
    Config,
    DataConfig,
    ModelConfig,
    TrainingConfig,
)
from sketcher_tf.data.formats.drawing import (
    BadDrawingError,
    Drawing,
    SkipReport,
)
from sketcher_tf.data.manifest import Manifest
from sketcher_tf.data.prepare.local import prepare_locally
from sketcher_tf.data.prepare.tally import Target
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import polylines_to_stroke3

CATEGORIES = ("ring", "zigzag")
IMAGE_SIZE = 16

MODEL = ModelConfig(
    encoder_units=8,
    decoder_units=16,
    latent_size=4,
    num_mixtures=4,
    influence_size=3,
    image_latent_size=3,
    image_filters=2,
    prior_components=2,
    prior_rank=2,
)
CONFIG = Config(
    model=MODEL,
    data=DataConfig(batch_size=8, num_buckets=2, shuffle_buffer=16),
    training=TrainingConfig(
        epochs=3, image_epochs=2, learning_rate=0.01, sheet_every=2, patience=0
    ),
)
SCHEMA = Schema(
    factors=(Factor("category", CATEGORIES),),
    scale_factor=20.0,
    max_seq_len=12,
    image_size=IMAGE_SIZE,
)


def drawing(number: int, split: str = "") -> Drawing:
    """The drawing of that number: a ring, or two strokes of a zigzag."""
    rng = np.random.default_rng(number)
    category = CATEGORIES[number % 2]
    if category == "ring":
        angles = np.linspace(0, 2 * np.pi, rng.integers(5, 9))
        lines = [50 * np.stack([np.cos(angles), np.sin(angles)], axis=1)]
    else:
        x = np.linspace(0, 100, rng.integers(4, 7))
        lines = [
            np.stack([x, shift + 20 * (np.arange(len(x)) % 2)], axis=1)
            for shift in (0, 40)
        ]
    lines = [line + rng.normal(0, 2, line.shape) for line in lines]
    return Drawing(
        polylines_to_stroke3(lines),
        {"category": category},
        f"toys/{number}",
        split,
    )


def drawings(train: int, valid: int = 0, test: int = 0) -> list[Drawing]:
    """That many drawings of each split."""
    splits = ["train"] * train + ["valid"] * valid + ["test"] * test
    return [drawing(number, split) for number, split in enumerate(splits)]


class Drawings(NamedTuple):
    """A piece of a set: drawings at hand, and rows that are none."""

    rows: Sequence[Drawing]
    errors: Sequence[BadDrawingError] = ()
    size: int = 1

    def drawings(self, report: SkipReport) -> Iterator[Drawing]:
        for error in self.errors:
            report.add(error)
        yield from self.rows


def write(
    rows: Sequence[Drawing],
    folder: Path,
    errors: Sequence[BadDrawingError] = (),
    **options: Any,
) -> Manifest:
    """Prepares drawings; options are those of `Target`."""
    target = Target(**{"image_size": IMAGE_SIZE, "num_shards": 2, **options})
    return prepare_locally([Drawings(rows, errors)], folder, target)


def prepare(folder: Path, train: int, valid: int = 0, test: int = 0) -> Path:
    """A prepared folder of such drawings."""
    write(drawings(train, valid, test), folder)
    return folder
