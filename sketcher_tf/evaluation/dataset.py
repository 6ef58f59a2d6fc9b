"""Real drawings with their labels, as the evaluation needs them in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sketcher_tf.configs import DataConfig
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.data.pipeline import evaluation_batches
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import stroke5_to_stroke3

# One bucket, so that drawings come in the order of the shards.
_BATCHES = DataConfig(batch_size=256, num_buckets=1)


@dataclass(frozen=True, eq=False)
class Drawings:
    """Drawings of people.

    Attributes:
        stroke3: float32 [N_i, 3] each, offsets in pixels.
        images: uint8 [D, S, S], ink 255 on 0.
        labels: int64 [D, F], the number of each factor's value.
        schema: what the numbers mean.
    """

    stroke3: tuple[np.ndarray, ...]
    images: np.ndarray
    labels: np.ndarray
    schema: Schema

    def __len__(self) -> int:
        return len(self.stroke3)

    def take(self, rows: np.ndarray) -> "Drawings":
        """The drawings of these numbers, int [N]."""
        return Drawings(
            tuple(self.stroke3[row] for row in rows),
            self.images[rows],
            self.labels[rows],
            self.schema,
        )

    def labels_of(self, schema: Schema) -> np.ndarray:
        """The labels as another schema with the same words numbers them."""
        columns = {f.name: i for i, f in enumerate(self.schema.factors)}
        renumbered = []
        for factor in schema.factors:
            column = columns[factor.name]
            words = self.schema.factors[column].values
            numbers = np.array([factor.values.index(word) for word in words])
            renumbered.append(numbers[self.labels[:, column]])
        return np.stack(renumbered, axis=1)

    def conditions(self) -> list[str]:
        """Of each drawing, the values of all its factors."""
        return [condition_of(row, self.schema) for row in self.labels]

    def sketches(self) -> list[Sketch]:
        """The drawings, each with its condition as its category."""
        return [
            Sketch(stroke3, condition)
            for stroke3, condition in zip(
                self.stroke3, self.conditions(), strict=True
            )
        ]


def condition_of(labels: np.ndarray, schema: Schema) -> str:
    """The condition, as `Schema.parse` reads it, of values int [F]."""
    words = [
        factor.values[value]
        for factor, value in zip(schema.factors, labels, strict=True)
    ]
    if len(words) == 1:
        return words[0]
    return ",".join(
        f"{factor.name}={word}"
        for factor, word in zip(schema.factors, words, strict=True)
    )


def read_split(folder: Path, split: str, limit: int) -> Drawings:
    """The first `limit` drawings of a prepared folder's split.

    Shards are in random order, so the first ones are as good as any.
    """
    manifest = read_manifest(folder)
    schema = manifest.schema
    stroke3, images, labels = [], [], []
    batches = evaluation_batches(folder, manifest, split, _BATCHES)
    for batch in batches.take(-(-limit // _BATCHES.batch_size)):
        for points in batch.points.numpy():
            points[:, :2] *= schema.scale_factor
            stroke3.append(stroke5_to_stroke3(points))
        images.append(_bytes(batch.image.numpy()[..., 0]))
        labels.append(_labels(batch.condition.numpy(), schema))
    size = schema.image_size
    return Drawings(
        tuple(stroke3[:limit]),
        np.concatenate([np.zeros((0, size, size), np.uint8), *images])[:limit],
        np.concatenate([np.zeros((0, len(schema.factors)), np.int64), *labels])[
            :limit
        ],
        schema,
    )


def _bytes(images: np.ndarray) -> np.ndarray:
    """0 to 1 as 0 to 255, of a batch: all at once would fill the memory."""
    return np.rint(images * 255).astype(np.uint8)


def _labels(condition: np.ndarray, schema: Schema) -> np.ndarray:
    """Value numbers [B, F] of one-hot conditions [B, C]."""
    ends = np.cumsum([len(factor.values) for factor in schema.factors])
    parts = np.split(condition, ends[:-1], axis=1)
    return np.stack([part.argmax(axis=1) for part in parts], axis=1)
