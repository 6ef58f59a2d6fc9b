"""Drawings with all that is measured on them, in rows per word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sketcher_tf.evaluation import diversity, metrics
from sketcher_tf.evaluation.classifier import Classifier
from sketcher_tf.evaluation.dataset import Drawings
from sketcher_tf.evaluation.intervals import Estimate, mean
from sketcher_tf.evaluation.metrics import Word
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.sketches import Sketch


@dataclass(frozen=True, eq=False)
class Judged:
    """Drawings, seen by the classifier; a row for each word meant.

    A drawing of several factors stands in a row for each of its values.

    Attributes:
        meant: int64 [K], the number of the word.
        drawing: int64 [K], the number of the drawing.
        named: int64 [K, F], see `classifier.Judgement`.
        features: float32 [K, H].
        hashes: uint8 [K, 8].
    """

    meant: np.ndarray
    drawing: np.ndarray
    named: np.ndarray
    features: np.ndarray
    hashes: np.ndarray

    def take(self, rows: np.ndarray) -> "Judged":
        """The rows of these numbers, or of a mask."""
        return Judged(
            self.meant[rows],
            self.drawing[rows],
            self.named[rows],
            self.features[rows],
            self.hashes[rows],
        )

    def first(self, counts: np.ndarray) -> "Judged":
        """At most `counts[w]` rows of each word, the first ones."""
        rows = [
            np.flatnonzero(self.meant == word)[:count]
            for word, count in enumerate(counts)
        ]
        return self.take(np.sort(np.concatenate(rows)))

    def hashes_by_word(self, words: Sequence[Word]) -> list[np.ndarray]:
        """The hashes of each word's rows."""
        return [self.hashes[self.meant == i] for i in range(len(words))]


class Novelty(NamedTuple):
    """How far drawings are from the nearest training drawing of their word.

    Attributes:
        distance: of perceptual hashes, in bits, averaged over the drawings.
        copies: share of drawings that differ from one in 4 bits at most.
    """

    distance: Estimate
    copies: float


_COPY_BITS = 4


def judge_real(
    drawings: Drawings, classifier: Classifier, words: Sequence[Word]
) -> Judged:
    """Judges drawings of people, by their labels."""
    numbers = {(word.factor, word.value): i for i, word in enumerate(words)}
    meant = [
        [numbers[pair] for pair in enumerate(labels)]
        for labels in drawings.labels.tolist()
    ]
    return _judge(drawings.images, meant, classifier)


def judge_drawn(
    generated: Mapping[str, Sequence[Sketch]],
    classifier: Classifier,
    words: Sequence[Word],
) -> Judged:
    """Judges drawings made for single words."""
    numbers = {word.text: i for i, word in enumerate(words)}
    meant = [[numbers[text]] for text, row in generated.items() for _ in row]
    sketches = [sketch for row in generated.values() for sketch in row]
    return _judge(rasters(sketches, classifier), meant, classifier)


def judge_redrawn(
    sketches: Sequence[Sketch], originals: Judged, classifier: Classifier
) -> Judged:
    """Judges drawings made from `originals`, one of each."""
    meant = [
        originals.meant[originals.drawing == number].tolist()
        for number in range(len(sketches))
    ]
    return _judge(rasters(sketches, classifier), meant, classifier)


def rasters(sketches: Sequence[Sketch], classifier: Classifier) -> np.ndarray:
    """uint8 [D, S, S], as the classifier's training drawings were made."""
    size = classifier.schema.image_size
    images = [rasterize(sketch.polylines, size) for sketch in sketches]
    return np.array(images, np.uint8).reshape(-1, size, size)


def _judge(
    images: np.ndarray, meant: Sequence[Sequence[int]], classifier: Classifier
) -> Judged:
    labels, features = classifier.judge(images)
    rows = np.repeat(np.arange(len(images)), [len(words) for words in meant])
    return Judged(
        np.array([word for words in meant for word in words], np.int64),
        rows,
        labels[rows],
        features[rows],
        diversity.perceptual_hashes(images)[rows],
    )


def novelty(
    judged: Judged, training: Judged, rng: np.random.Generator
) -> Novelty:
    """Compares drawings with the training drawings of the same word."""
    nearest = np.concatenate(
        [
            diversity.distances(
                judged.hashes[judged.meant == word], candidates
            ).min(axis=1)
            for word in np.unique(judged.meant)
            if len(candidates := training.hashes[training.meant == word])
        ]
    )
    return Novelty(mean(nearest, rng), float(np.mean(nearest <= _COPY_BITS)))


def nearest_drawings(judged: Judged, training: Judged) -> np.ndarray:
    """The training drawing whose features are nearest, int64 [K]."""
    rows, _ = metrics.nearest(judged.features, training.features)
    return training.drawing[rows]
